//! Claims, volumes and a Pod, as the API server stores them.

use super::{CLAIMS, VOLUMES};
use crate::history;
use crate::packed;

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The PersistentVolumeClaims.
    pub claims: [Option<Claim>; CLAIMS],
    /// The PersistentVolumes.
    pub volumes: [Option<Volume>; VOLUMES],
    /// The Pod that uses the second claim.
    pub pod: Option<Pod>,
}

/// A PersistentVolumeClaim. Two that are equal count as one resourceVersion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Which claim of its name it is.
    pub uid: u8,
    /// `spec.volumeName`, written together with `pv.kubernetes.io/bind-completed`.
    pub volume: Option<u8>,
    /// Whether it has a deletionTimestamp: the finalizer `kubernetes.io/pvc-protection` keeps it.
    pub deleting: bool,
}

/// A PersistentVolume. Two that are equal count as one resourceVersion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Volume {
    /// `spec.claimRef`.
    pub claim: Option<Reference>,
    /// `status.phase`.
    pub phase: Phase,
    /// Whether it has a deletionTimestamp: the finalizer `kubernetes.io/pv-protection` keeps it.
    pub deleting: bool,
}

/// A claim by name and uid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The number in its name.
    pub name: u8,
    /// Which claim of its name.
    pub uid: u8,
}

/// `status.phase` of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// No claim has it.
    Available,
    /// A claim has it.
    Bound,
    /// Its claim is gone.
    Released,
}

/// The Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pod {
    /// It has no Node yet.
    Pending,
    /// It has one.
    Bound {
        /// Whether its claim was being deleted when it got it: its kubelet will not start it.
        late: bool,
    },
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the claim of this number.
    Claim(u8, Option<Claim>),
    /// Of the volume of this number.
    Volume(u8, Option<Volume>),
    /// Of the Pod.
    Pod(Option<Pod>),
}

impl Volume {
    /// A new volume.
    pub const NEW: Self = Volume { claim: None, phase: Phase::Available, deleting: false };
}

impl Objects {
    /// The claim that a reference means.
    pub fn meant(&self, reference: Reference) -> Option<Claim> {
        self.claims[usize::from(reference.name)].filter(|claim| claim.uid == reference.uid)
    }

    /// Whether a Pod uses the claim of this number, and had its Node before that was being deleted.
    pub fn is_in_use(&self, claim: usize) -> bool {
        claim == super::USED && self.pod == Some(Pod::Bound { late: false })
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Claim(number, claim) => self.claims[usize::from(number)] = claim,
            Event::Volume(number, volume) => self.volumes[usize::from(number)] = volume,
            Event::Pod(pod) => self.pod = pod,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        let own = match event {
            Event::Claim(..) => super::CLAIM_INFORMER,
            Event::Volume(..) => super::VOLUME_INFORMER,
            Event::Pod(_) => super::POD_INFORMER,
        };
        watcher == own
    }
}

packed!(struct Objects { claims, volumes, pod });
packed!(struct Claim { uid, volume, deleting });
packed!(struct Volume { claim, phase, deleting });
packed!(struct Reference { name, uid });
packed!(
    enum Phase {
        Available,
        Bound,
        Released,
    }
);
packed!(
    enum Pod {
        Pending,
        Bound { late },
    }
);
packed!(
    enum Event {
        Claim(number, claim),
        Volume(number, volume),
        Pod(pod),
    }
);
