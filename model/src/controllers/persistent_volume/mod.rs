//! Claims and volumes: the persistent volume binder, the protection of claims and volumes in use, and a
//! provisioner that deletes what it has made.
//!
//! In `persistent-volume` there are two claims and two volumes, which fit both: a person makes the first volume
//! and keeps it, the second goes with its claim. In `volume-in-use` there are the second of each and a Pod, for
//! which the claim waits; the scheduler's caches are never behind. Left out: that the binder remembers what it
//! has written before its caches show it, claims that name their volume, classes, sizes and access modes, making
//! volumes, phases of claims, a request of the binder that arrives after its crash; an informer that is more
//! than two events behind.

mod claims;
mod mutations;
mod objects;
mod steps;
mod words;

pub use mutations::Mutation;
pub use objects::{Claim as VolumeClaim, Event, Objects, Phase, Pod, Reference, Volume};

use crate::cause::Cause;
use crate::history::History;
use crate::packed;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};
use serde::Serialize;

/// How many names of claims there are.
pub const CLAIMS: usize = 2;
/// The claim that a Pod uses, where there is one.
pub const USED: usize = 1;
/// How many volumes there are.
pub const VOLUMES: usize = 2;
/// The volume that a person makes: `persistentVolumeReclaimPolicy: Retain`.
pub const RETAINED: usize = 0;
/// The volume that a provisioner has made: `persistentVolumeReclaimPolicy: Delete`.
pub const PROVISIONED: usize = 1;
/// The watcher of claims.
pub const CLAIM_INFORMER: usize = 0;
/// The watcher of volumes.
pub const VOLUME_INFORMER: usize = 1;
/// The watcher of Pods.
pub const POD_INFORMER: usize = 2;
/// How many events an informer is behind at most.
pub const LAG: usize = 2;

/// The scenarios `persistent-volume` and `volume-in-use`.
#[derive(Clone, Debug)]
pub struct PersistentVolumeSlice {
    /// Whether claims wait for their first consumer: the scenario `volume-in-use`.
    pub waits: bool,
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far the informers have read.
    pub store: History<Objects, 3, 4>,
    /// What the binder has asked for.
    pub binder: Option<Update>,
    /// What the scheduler has asked for: a volume for the claim that a Pod uses.
    pub scheduler: Option<Update>,
    /// The API server has said that no Pod uses the claim that Pods use.
    pub unused: bool,
    /// Whether claims wait for their first consumer, and Pods come.
    pub waits: bool,
    /// What may still happen.
    pub budgets: Budgets,
}

/// An update of a claim or a volume: it is refused where the object has changed since it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Update {
    /// Of the claim of this number.
    Claim(u8, VolumeClaim, VolumeClaim),
    /// Of the volume of this number.
    Volume(u8, Volume, Volume),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client creates the claim of each name.
    pub claims: [u8; CLAIMS],
    /// A person makes the first volume.
    pub volumes: u8,
    /// A client creates the Pod.
    pub pods: u8,
    /// A client deletes the volume that was provisioned.
    pub volume_deletions: u8,
    /// The binder crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverClaim,
    DeliverVolume,
    DeliverPod,
    SyncClaim { claim: u8 },
    SyncVolume { volume: u8 },
    Commit,
    ProvideVolume { volume: u8 },
    CommitProvided,
    BindPod,
    ListPods,
    LetClaimGo { claim: u8 },
    LetVolumeGo { volume: u8 },
    Reclaim { volume: u8 },
    EndPod,
    CreateClaim { claim: u8 },
    DeleteClaim { claim: u8 },
    CreateVolume,
    DeleteVolume,
    CreatePod,
    Crash,
}

impl Slice for PersistentVolumeSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let objects =
            Objects { claims: [None; CLAIMS], volumes: [None, Some(Volume::NEW)], pod: None };
        State {
            store: History::listed(objects),
            binder: None,
            scheduler: None,
            unused: false,
            waits: self.waits,
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let of_claim = |claim| {
            [
                SyncClaim { claim },
                LetClaimGo { claim },
                CreateClaim { claim },
                DeleteClaim { claim },
            ]
        };
        let of_volume = |volume| {
            [
                SyncVolume { volume },
                ProvideVolume { volume },
                LetVolumeGo { volume },
                Reclaim { volume },
            ]
        };
        let others = [
            DeliverClaim,
            DeliverVolume,
            DeliverPod,
            Commit,
            CommitProvided,
            BindPod,
            ListPods,
            EndPod,
            CreateVolume,
            DeleteVolume,
            CreatePod,
            Crash,
        ];
        let claims = (0..CLAIMS as u8).flat_map(of_claim);
        claims.chain((0..VOLUMES as u8).flat_map(of_volume)).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverClaim
            | Action::DeliverVolume
            | Action::DeliverPod
            | Action::SyncClaim { .. }
            | Action::SyncVolume { .. }
            | Action::Commit
            | Action::CommitProvided
            | Action::ListPods
            | Action::LetClaimGo { .. }
            | Action::LetVolumeGo { .. }
            | Action::Reclaim { .. } => Cause::Duty,
            Action::ProvideVolume { .. }
            | Action::BindPod
            | Action::EndPod
            | Action::CreateClaim { .. }
            | Action::DeleteClaim { .. }
            | Action::CreateVolume
            | Action::DeleteVolume
            | Action::CreatePod => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        if self.waits { claims::of_use() } else { claims::of_binding() }
    }

    fn describe(&self, before: &State, action: Action, after: &State) -> String {
        words::describe(before, action, after)
    }

    fn actor(&self, action: Action) -> String {
        words::actor(action).to_owned()
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        words::lanes(state)
    }

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        let is_request = matches!(action, Action::Commit | Action::CommitProvided);
        after.store.outcome(&before.store, is_request)
    }
}

impl Family for PersistentVolumeSlice {
    const SCENARIOS: &'static [&'static str] = &["persistent-volume", "volume-in-use"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(scenario: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let waits = scenario == "volume-in-use";
        let (claims, pods) = if waits { ([0, 1], 1) } else { ([2, 1], 0) };
        let budgets = Budgets {
            claims,
            volumes: u8::from(!waits),
            pods,
            volume_deletions: pods,
            crashes: size.times(1),
        };
        Ok(PersistentVolumeSlice { waits, budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { store, binder, scheduler, unused, waits, budgets });
packed!(
    enum Update {
        Claim(number, read, write),
        Volume(number, read, write),
    }
);
packed!(struct Budgets { claims, volumes, pods, volume_deletions, crashes });
