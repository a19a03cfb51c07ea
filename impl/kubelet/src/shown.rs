//! What the volumes of a pod show, and when they are to be read anew.

use std::collections::{BTreeMap, BTreeSet};

use api::Timestamp;
use k8s_openapi::api::core::v1::{Container, Pod, Volume};

use crate::following::{Followed, Version};
use crate::references::{self, Found, Kind, Reference};
use crate::spec;
use crate::tokens::{Token, TokenRequest};

/// The versions of objects, by what refers to them.
pub(crate) type Versions = BTreeMap<(Kind, String), Version>;

/// The tokens of one pod, and its volumes whose content may change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    tokens: BTreeMap<TokenRequest, Token>,
    volumes: BTreeMap<String, ShownVolume>,
}

/// One volume that is mounted.
#[derive(Clone, Debug, Default)]
struct ShownVolume {
    /// The objects in it that may change.
    objects: Versions,
    /// Whether something in it is known to have changed.
    is_stale: bool,
    /// When it is to be read anew in any case.
    due: Option<Timestamp>,
    reading: Option<Reading>,
}

/// A volume that is being read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// What has not been answered yet.
    pub(crate) outstanding: BTreeSet<Reference>,
    pub(crate) found: Found,
    /// Why it cannot be shown.
    pub(crate) failure: Option<String>,
}

impl Shown {
    /// The tokens that are good for something. One that is old is better than none, and replaced soon.
    pub(crate) fn tokens(&self, now: Timestamp) -> BTreeMap<TokenRequest, Token> {
        let good = self.tokens.iter().filter(|(_, token)| now < token.expiration);
        good.map(|(request, token)| (request.clone(), token.clone())).collect()
    }

    /// The tokens that need not be replaced yet.
    pub(crate) fn fresh_tokens(&self, now: Timestamp) -> BTreeMap<TokenRequest, Token> {
        let mut tokens = self.tokens(now);
        tokens.retain(|_, token| now < token.due);
        tokens
    }

    /// Keeps the tokens that were read for one container for the next.
    pub(crate) fn note(&mut self, found: &Found) {
        self.tokens.extend(found.tokens.clone());
    }

    /// A volume is shown with these objects, to be read anew at a time if at any.
    pub(crate) fn show(&mut self, volume: &Volume, objects: Versions, due: Option<Timestamp>) {
        if objects.is_empty() && due.is_none() && !references::shows_pod(volume) {
            self.volumes.remove(&volume.name);
            return;
        }
        let shown = self.volumes.entry(volume.name.clone()).or_default();
        (shown.objects, shown.due) = (objects, due);
    }

    /// What another kubelet has shown a container is not known.
    pub(crate) fn adopt(&mut self, pod: &Pod, container: &Container) {
        for volume in references::mounted(pod, container) {
            if references::is_of_files(volume) {
                let shown = self.volumes.entry(volume.name.clone()).or_default();
                shown.due = Some(Timestamp::UNIX_EPOCH);
            }
        }
    }

    /// An object has this version now.
    pub(crate) fn heard(&mut self, object: &Followed, version: &Version) {
        let reference = (object.kind, object.key.name.clone());
        for volume in self.volumes.values_mut() {
            volume.is_stale |= volume.objects.get(&reference).is_some_and(|shown| shown != version);
        }
    }

    /// Some volumes show what the pod says of itself.
    pub(crate) fn pod_changed(&mut self, before: &Pod, after: &Pod) {
        let told = |pod: &Pod| {
            let metadata = &pod.metadata;
            (metadata.labels.clone(), metadata.annotations.clone(), pod.spec.clone())
        };
        if self.volumes.is_empty() || told(before) == told(after) {
            return;
        }
        for volume in spec::spec(after).volumes.iter().flatten() {
            if let Some(shown) = self.volumes.get_mut(&volume.name) {
                shown.is_stale |= references::shows_pod(volume);
            }
        }
    }

    /// What is to be followed.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &(Kind, String)> {
        self.volumes.values().flat_map(|volume| volume.objects.keys())
    }

    /// The names of the volumes that are to be read and are not being read.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<String> {
        let due = self.volumes.iter().filter(|(_, volume)| {
            volume.reading.is_none()
                && (volume.is_stale || volume.due.is_some_and(|due| due <= now))
        });
        due.map(|(name, _)| name.clone()).collect()
    }

    /// Begins to read a volume. What changes from now on makes it stale again.
    pub(crate) fn begin(&mut self, volume: &str, reading: Reading) {
        if let Some(shown) = self.volumes.get_mut(volume) {
            (shown.is_stale, shown.due, shown.reading) = (false, None, Some(reading));
        }
    }

    /// A volume that is being read.
    pub(crate) fn reading(&mut self, volume: &str) -> Option<&mut Reading> {
        self.volumes.get_mut(volume)?.reading.as_mut()
    }

    /// Takes what was read of a volume, if that is all.
    pub(crate) fn take_complete(&mut self, volume: &str) -> Option<Reading> {
        let reading = &mut self.volumes.get_mut(volume)?.reading;
        reading.take_if(|reading| reading.outstanding.is_empty())
    }

    /// A volume could not be shown, and is to be read again.
    pub(crate) fn retry(&mut self, volume: &str, due: Timestamp) {
        if let Some(shown) = self.volumes.get_mut(volume) {
            shown.due = Some(due);
        }
    }

    /// When the next volume is due.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.volumes.values().filter_map(|volume| volume.due).min()
    }
}
