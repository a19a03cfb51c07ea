//! What a container refers to is read before it is started.

use api::Status;
use client::Outcome;
use client::event::Note;
use k8s_openapi::api::core::v1::Container;

use crate::command::Purpose;
use crate::context::Context;
use crate::references::{self, Found, Reference};
use crate::start::{SHOWN, Starting};
use crate::worker::Worker;
use crate::{spec, volumes};

impl Worker {
    /// Asks for all that a container refers to, and orders it when there is nothing to ask for.
    pub(crate) fn read(&mut self, context: &mut Context, container: &Container, image_id: String) {
        let found = Found { tokens: self.shown.tokens(context.now), ..Found::default() };
        let mut outstanding = references::of_container(&self.pod, container);
        outstanding.retain(|reference| match reference {
            Reference::Token(request) => !found.tokens.contains_key(request),
            Reference::Object(..) => true,
        });
        if outstanding.is_empty() {
            return self.create(context, container, (image_id, &found));
        }
        for reference in &outstanding {
            let purpose = Purpose::Reference {
                pod_uid: self.uid.clone(),
                container: container.name.clone(),
                reference: reference.clone(),
            };
            context.ask(purpose, reference.request(&self.pod));
        }
        let reading = Starting::Reading { image_id, outstanding, found };
        self.starting.insert(container.name.clone(), reading);
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
        let is_last = outstanding.is_empty();
        if let Err(status) = found.note(reference.clone(), outcome) {
            self.starting.remove(name);
            return self.reading_failed(context, name, (&reference, status));
        }
        if is_last
            && let Some(Starting::Reading { image_id, found, .. }) = self.starting.remove(name)
        {
            let Some(container) = spec::find(&self.pod, name).cloned() else { return };
            self.shown.note(&found);
            self.create(context, &container, (image_id, &found));
        }
    }

    fn reading_failed(
        &mut self,
        context: &mut Context,
        name: &str,
        (reference, status): (&Reference, Status),
    ) {
        match reference {
            Reference::Object(..) => {
                let message = status.message;
                self.wait(name, "CreateContainerConfigError", message, context.now + SHOWN);
            }
            Reference::Token(_) => {
                let why = format!("failed to fetch token: {}", status.message);
                let volumes = spec::spec(&self.pod).volumes.iter().flatten();
                let mut showing =
                    volumes.filter(|volume| references::of_volume(volume).contains(reference));
                let volume = showing.next().map(|volume| volume.name.clone()).unwrap_or_default();
                self.mount_failed(context, name, volumes::failure(&volume, &why));
            }
        }
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
