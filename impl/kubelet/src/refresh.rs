//! Volumes that show tokens, read anew and shown anew before a token is too old.
//!
//! Upstream looks at every volume once a minute (`reconciler` of pkg/kubelet/volumemanager, v1.36), and so
//! shows changes of ConfigMaps and Secrets too.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use api::Timestamp;
use client::Outcome;
use client::event::Note;
use k8s_openapi::api::core::v1::{Container, Pod, Volume};

use crate::command::Purpose;
use crate::context::Context;
use crate::fields::Addresses;
use crate::references::{self, Found, Reference};
use crate::runtime::RuntimeCommand;
use crate::spec;
use crate::tokens::{Token, TokenRequest};
use crate::volumes;
use crate::worker::Worker;

/// How soon a volume that could not be read is tried again; until then it shows what it did.
const RETRY: Duration = Duration::from_secs(60);

/// The tokens of one pod, and the volumes that show them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    tokens: BTreeMap<TokenRequest, Token>,
    /// When a volume is to be read anew, by its name.
    due: BTreeMap<String, Timestamp>,
    /// Volumes that are being read.
    reading: BTreeMap<String, Reading>,
}

#[derive(Clone, Debug)]
struct Reading {
    outstanding: BTreeSet<Reference>,
    found: Found,
}

impl Shown {
    /// The tokens that are good for something. One that is old is better than none, and replaced soon.
    pub(crate) fn tokens(&self, now: Timestamp) -> BTreeMap<TokenRequest, Token> {
        let good = self.tokens.iter().filter(|(_, token)| now < token.expiration);
        good.map(|(request, token)| (request.clone(), token.clone())).collect()
    }

    /// Keeps the tokens that were read for one container for the next.
    pub(crate) fn note(&mut self, found: &Found) {
        self.tokens.extend(found.tokens.clone());
    }

    /// The volumes of a container are shown as they were found.
    pub(crate) fn show(&mut self, pod: &Pod, container: &Container, found: &Found) {
        for volume in references::mounted(pod, container) {
            let tokens = references::tokens(volume).filter_map(|token| found.tokens.get(&token));
            if let Some(due) = tokens.map(|token| token.due).min() {
                self.due.insert(volume.name.clone(), due);
            }
        }
    }

    /// How old the tokens are that a container was shown by another kubelet is not known.
    pub(crate) fn adopt(&mut self, pod: &Pod, container: &Container) {
        for volume in references::mounted(pod, container) {
            if references::tokens(volume).next().is_some() {
                self.due.insert(volume.name.clone(), Timestamp::UNIX_EPOCH);
            }
        }
    }

    /// When the next volume is due.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.due.values().min().copied()
    }
}

impl Worker {
    /// Reads the volumes that are due.
    pub(crate) fn refresh(&mut self, context: &mut Context) {
        let due = self.shown.due.extract_if(.., |_, due| *due <= context.now);
        let due: Vec<String> = due.map(|(volume, _)| volume).collect();
        for name in due {
            let Some(volume) = self.volume(&name) else { continue };
            let outstanding = references::of_volume(&self.pod, &volume);
            for reference in &outstanding {
                let purpose = Purpose::Volume {
                    pod_uid: self.uid.clone(),
                    volume: name.clone(),
                    reference: reference.clone(),
                };
                context.ask(purpose, reference.request(&self.pod));
            }
            self.shown.reading.insert(name, Reading { outstanding, found: Found::default() });
        }
    }

    pub(crate) fn volume_read(
        &mut self,
        context: &mut Context,
        name: &str,
        (reference, outcome): (Reference, Outcome),
    ) {
        let Some(reading) = self.shown.reading.get_mut(name) else { return };
        reading.outstanding.remove(&reference);
        let is_last = reading.outstanding.is_empty();
        let noted = reading.found.note(reference, outcome).map_err(|status| status.message);
        if noted.is_ok() && !is_last {
            return;
        }
        let Some(Reading { found, .. }) = self.shown.reading.remove(name) else { return };
        if let Err(why) = noted.and_then(|()| self.show_anew(context, name, &found)) {
            self.volume_failed(context, name, &why);
        }
    }

    pub(crate) fn volume_failed(&mut self, context: &mut Context, name: &str, why: &str) {
        let message = volumes::failure(name, why);
        context.event(&self.pod, "", Note::warning("FailedMount", message));
        self.shown.due.insert(name.to_owned(), context.now + RETRY);
    }

    /// Shows what was found in a volume that containers have mounted.
    fn show_anew(
        &mut self,
        context: &mut Context,
        name: &str,
        found: &Found,
    ) -> Result<(), String> {
        self.shown.note(found);
        let container = self.state.running().find_map(|id| {
            let container = spec::find_any(&self.pod, &id.name)?;
            let is_mounted =
                references::mounted(&self.pod, &container).any(|volume| volume.name == name);
            is_mounted.then_some(container)
        });
        let (Some(container), Some(volume)) = (container, self.volume(name)) else { return Ok(()) };
        let pod_ip = self.pod_ip(context);
        let addresses = Addresses { pod: &pod_ip, host: &context.config.node_ip };
        let told = volumes::Context { pod: &self.pod, container: &container, found, addresses };
        let files = volumes::files(&volume, &told)?.unwrap_or_default();
        self.shown.show(&self.pod, &container, found);
        let (pod_uid, volume) = (self.uid.clone(), name.to_owned());
        context.run(RuntimeCommand::UpdateVolume { pod_uid, volume, files });
        Ok(())
    }

    fn volume(&self, name: &str) -> Option<Volume> {
        let mut volumes = spec::spec(&self.pod).volumes.iter().flatten();
        volumes.find(|volume| volume.name == name).cloned()
    }
}
