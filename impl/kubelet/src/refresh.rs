//! Volumes that show what changes: read anew when an object in them has changed, when the pod says something else
//! of itself, and before a token is too old.
//!
//! Upstream looks at every volume once a minute (`reconciler` of pkg/kubelet/volumemanager, v1.36) and finds in
//! its caches what has changed; here the change itself is what a volume is read for.

use std::collections::BTreeSet;
use std::time::Duration;

use api::Key;
use client::Outcome;
use client::event::Note;
use k8s_openapi::api::core::v1::{Container, Volume};

use crate::command::Purpose;
use crate::context::Context;
use crate::following::Followed;
use crate::references::{self, Found, Kind, Reference};
use crate::runtime::RuntimeCommand;
use crate::shown::{Reading, Versions};
use crate::spec;
use crate::start::Starting;
use crate::volumes;
use crate::worker::Worker;

/// How soon a volume that could not be read is tried again; until then it shows what it did.
const RETRY: Duration = Duration::from_secs(60);
/// How soon a volume is read again that shows another version than was heard of: one of the two is old.
const RECHECK: Duration = Duration::from_secs(10);

impl Worker {
    /// The volumes of a container are shown as they were found.
    pub(crate) fn show(&mut self, context: &Context, container: &Container, found: &Found) {
        let pod = self.pod.clone();
        for volume in references::mounted(&pod, container) {
            self.show_one(context, volume, found);
        }
    }

    fn show_one(&mut self, context: &Context, volume: &Volume, found: &Found) {
        let objects = changeable(references::of_volume(&self.pod, volume), found);
        let differs = objects.iter().any(|(reference, version)| {
            let heard = context.following.version(&self.followed(reference));
            heard.is_some_and(|heard| heard != version)
        });
        let recheck = differs.then(|| context.now + RECHECK);
        let tokens = references::tokens(volume).filter_map(|token| found.tokens.get(&token));
        let due = tokens.map(|token| token.due).chain(recheck).min();
        self.shown.show(volume, objects, due);
    }

    /// The objects that are to be followed on behalf of the pod.
    pub(crate) fn follows(&self) -> BTreeSet<Followed> {
        if self.is_terminating() {
            return BTreeSet::new();
        }
        self.shown.objects().map(|reference| self.followed(reference)).collect()
    }

    fn followed(&self, (kind, name): &(Kind, String)) -> Followed {
        Followed { kind: *kind, key: Key::new(&self.key.namespace, name) }
    }

    /// Reads the volumes that are due.
    pub(crate) fn refresh(&mut self, context: &mut Context) {
        for name in self.shown.due(context.now) {
            let Some(volume) = self.volume(&name).filter(|_| self.is_settled(&name)) else {
                continue;
            };
            let tokens = self.shown.fresh_tokens(context.now);
            let mut outstanding = references::of_volume(&self.pod, &volume);
            outstanding.retain(|reference| !reference.is_among(&tokens));
            for reference in &outstanding {
                let purpose = Purpose::Volume {
                    pod_uid: self.uid.clone(),
                    volume: name.clone(),
                    reference: reference.clone(),
                };
                context.ask(purpose, reference.request(&self.pod));
            }
            let found = Found { tokens, ..Found::default() };
            self.shown.begin(&name, Reading { outstanding, found, failure: None });
            self.go_on_reading(context, &name);
        }
    }

    /// Whether a container has the volume mounted, and none is about to be started with what was read before.
    fn is_settled(&self, volume: &str) -> bool {
        let starting = self.starting.iter().any(|(name, starting)| {
            matches!(starting, Starting::Reading { .. } | Starting::Creating { .. })
                && self.mounts(name, volume)
        });
        !starting && self.state.running().any(|id| self.mounts(&id.name, volume))
    }

    fn mounts(&self, container: &str, volume: &str) -> bool {
        let container = spec::find_any(&self.pod, container);
        let mounts =
            container.iter().flat_map(|container| container.volume_mounts.iter().flatten());
        mounts.into_iter().any(|mount| mount.name == volume)
    }

    pub(crate) fn volume_read(
        &mut self,
        context: &mut Context,
        name: &str,
        (reference, outcome): (Reference, Outcome),
    ) {
        let Some(reading) = self.shown.reading(name) else { return };
        reading.outstanding.remove(&reference);
        if let Err(status) = reading.found.note(reference, outcome) {
            reading.failure = Some(status.message);
        }
        self.go_on_reading(context, name);
    }

    fn go_on_reading(&mut self, context: &mut Context, name: &str) {
        let Some(Reading { found, failure, .. }) = self.shown.take_complete(name) else { return };
        let shown =
            failure.map_or(Ok(()), Err).and_then(|()| self.show_anew(context, name, &found));
        if let Err(why) = shown {
            self.volume_failed(context, name, &why);
        }
    }

    pub(crate) fn volume_failed(&mut self, context: &mut Context, name: &str, why: &str) {
        let message = volumes::failure(name, why);
        context.event(&self.pod, "", Note::warning("FailedMount", message));
        self.shown.retry(name, context.now + RETRY);
    }

    /// Shows what was found in a volume that containers have mounted.
    fn show_anew(
        &mut self,
        context: &mut Context,
        name: &str,
        found: &Found,
    ) -> Result<(), String> {
        self.shown.note(found);
        let running = self.state.running().find(|id| self.mounts(&id.name, name));
        let container = running.and_then(|id| spec::find_any(&self.pod, &id.name));
        let (Some(container), Some(volume)) = (container, self.volume(name)) else { return Ok(()) };
        let pod_ip = self.pod_ip(context);
        let place = context.place(&pod_ip);
        let told = volumes::Context { pod: &self.pod, container: &container, found, place };
        let files = volumes::files(&volume, &told)?.unwrap_or_default();
        self.show_one(context, &volume, found);
        let (pod_uid, volume) = (self.uid.clone(), name.to_owned());
        context.run(RuntimeCommand::UpdateVolume { pod_uid, volume, files });
        Ok(())
    }

    fn volume(&self, name: &str) -> Option<Volume> {
        let mut volumes = spec::spec(&self.pod).volumes.iter().flatten();
        volumes.find(|volume| volume.name == name).cloned()
    }
}

/// The versions of objects that may change.
fn changeable(references: BTreeSet<Reference>, found: &Found) -> Versions {
    let objects = references.into_iter().filter_map(|reference| {
        let Reference::Object(kind, name) = reference else { return None };
        let object = found.objects.get(&(kind, name.clone()))?.as_ref();
        let is_immutable = object.is_some_and(|object| object.is_immutable);
        (!is_immutable).then(|| ((kind, name), object.map(|object| object.version.clone())))
    });
    objects.collect()
}
