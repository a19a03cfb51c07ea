//! What a container refers to is read before it is started.

use api::Status;
use client::Outcome;
use client::event::Note;
use k8s_openapi::api::core::v1::{Container, Volume};

use crate::command::Purpose;
use crate::context::Context;
use crate::references::{self, Found, Reference};
use crate::start::{SHOWN, Starting};
use crate::worker::Worker;
use crate::{claims, spec, volumes};

impl Worker {
    /// Asks for all that a container refers to, and orders it when there is nothing to ask for.
    pub(crate) fn read(&mut self, context: &mut Context, container: &Container, image_id: String) {
        let found = Found { tokens: self.shown.tokens(context.now), ..Found::default() };
        let mut outstanding = references::of_container(&self.pod, container);
        outstanding.retain(|reference| !reference.is_among(&found.tokens));
        if outstanding.is_empty() {
            return self.create(context, container, (image_id, &found));
        }
        for reference in &outstanding {
            self.ask_for(context, &container.name, reference);
        }
        let reading = Starting::Reading { image_id, outstanding, found };
        self.starting.insert(container.name.clone(), reading);
    }

    fn ask_for(&self, context: &mut Context, container: &str, reference: &Reference) {
        let purpose = Purpose::Reference {
            pod_uid: self.uid.clone(),
            container: container.to_owned(),
            reference: reference.clone(),
        };
        context.ask(purpose, reference.request(&self.pod));
    }

    pub(crate) fn reference_read(
        &mut self,
        context: &mut Context,
        name: &str,
        (reference, outcome): (Reference, Outcome),
    ) {
        let Some(Starting::Reading { outstanding, found, .. }) = self.starting.get_mut(name) else {
            return;
        };
        outstanding.remove(&reference);
        if let Err(status) = found.note(reference.clone(), outcome) {
            let claim = found.claim_of(&reference);
            self.starting.remove(name);
            return self.reading_failed(context, name, (&reference, claim, status));
        }
        let further = found.further(&reference);
        outstanding.extend(further.clone());
        if outstanding.is_empty()
            && let Some(Starting::Reading { image_id, found, .. }) = self.starting.remove(name)
        {
            let Some(container) = spec::find_any(&self.pod, name) else { return };
            self.shown.note(&found);
            self.create(context, &container, (image_id, &found));
        }
        if let Some(further) = further {
            self.ask_for(context, name, &further);
        }
    }

    fn reading_failed(
        &mut self,
        context: &mut Context,
        name: &str,
        (reference, claim, status): (&Reference, Option<String>, Status),
    ) {
        match reference {
            Reference::Object(..) => {
                let message = status.message;
                self.wait(name, "CreateContainerConfigError", message, context.now + SHOWN);
            }
            Reference::Token(_) => {
                let why = format!("failed to fetch token: {}", status.message);
                let volume = self.volume_showing(reference);
                self.mount_failed(context, name, volumes::failure(&volume, &why));
            }
            Reference::Claim(claim) => {
                let why = format!("failed to fetch PVC from API server: {}", status.message);
                self.claim_failed(context, name, (claim, &why));
            }
            Reference::Volume(volume) => {
                let message = status.message;
                let why = format!("failed to fetch PV {volume} from API server: {message}");
                let claim = claim.unwrap_or_default();
                self.claim_failed(context, name, (&claim, &why));
            }
        }
    }

    fn claim_failed(&mut self, context: &mut Context, name: &str, (claim, why): (&str, &str)) {
        let volume = self.volume_showing(&Reference::Claim(claim.to_owned()));
        let why = claims::processing(&self.pod, claim, why);
        self.mount_failed(context, name, claims::failure(&volume, &why));
    }

    /// The name of the volume that shows something.
    fn volume_showing(&self, reference: &Reference) -> String {
        let mut volumes = spec::spec(&self.pod).volumes.iter().flatten();
        let shows = |volume: &&Volume| references::of_volume(&self.pod, volume).contains(reference);
        volumes.find(shows).map(|volume| volume.name.clone()).unwrap_or_default()
    }

    /// What cannot be mounted is tried again, later each time.
    pub(crate) fn mount_failed(&mut self, context: &mut Context, name: &str, why: String) {
        let key = format!("{}/{name}", self.uid);
        context.event(&self.pod, "", Note::warning("FailedMount", why));
        context.mounts.next(&key, context.now, context.now);
        let waiting = context.mounts.waiting_since_update(&key, context.now);
        let until = waiting.map_or(context.now, |(_, until)| until);
        self.wait(name, "ContainerCreating", String::new(), until);
    }
}
