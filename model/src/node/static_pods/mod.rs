//! A static Pod: a manifest in a file, what the kubelet makes of it, and its mirror Pod.
//!
//! Each version of the manifest has a hash of its own, which is the static Pod's uid: another
//! version is another Pod of the same name. The kubelet reads the file at once when it starts, and
//! the API server's Pods whenever it can. Left out: other Pods, phases and restarts (see
//! `pod-worker`), several files. A kubelet asks its runtime what runs under a static Pod's name
//! before it starts another version; upstream remembers what it started itself, and learns of the
//! rest when all sources have been seen.

mod claims;
mod mutations;
mod requests;
mod steps;
mod words;

pub use mutations::Mutation;

use crate::cause::Cause;
use crate::history::{self, History};
use crate::packed;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};
use serde::Serialize;

/// How many versions of the manifest there are.
pub const VERSIONS: usize = 3;

/// The scenario `static-pods`.
#[derive(Clone, Debug)]
pub struct StaticPodSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// Whether no event is skipped.
    pub lazy: bool,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the file, the Node and the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The store, and how far the kubelet has read: not at all where it has not synced.
    pub store: History<Objects, 1, 8>,
    /// The manifest.
    pub manifest: Manifest,
    /// What the kubelet has read of the file since it started.
    pub seen: Seen,
    /// By version: what its pod worker does.
    pub workers: [Work; VERSIONS],
    /// By version: whether it runs.
    pub running: [bool; VERSIONS],
    /// What may still happen.
    pub budgets: Budgets,
}

/// The file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Manifest {
    /// Its version, or that of the file which was there last.
    pub version: u8,
    /// Whether it is there.
    pub present: bool,
}

/// What the kubelet has read of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Nothing yet.
    Nothing,
    /// That there is none.
    Missing,
    /// This version.
    Version(u8),
}

/// What the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The mirror Pod.
    pub mirror: Option<Mirror>,
}

/// A mirror Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mirror {
    /// The annotation `kubernetes.io/config.mirror`: whose mirror it is.
    pub version: u8,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deleting: bool,
}

/// The mirror Pod was created, is being deleted, or is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// How it is now.
    pub mirror: Option<Mirror>,
}

/// What the pod worker of a version does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// There is none.
    None,
    /// It waits until nothing else of its name runs.
    Waiting,
    /// It keeps its Pod running.
    Syncing,
    /// It stops its Pod.
    Terminating,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// The manifest gets another version.
    pub changes: u8,
    /// The file is removed.
    pub removals: u8,
    /// It is put back.
    pub additions: u8,
    /// A client deletes the mirror Pod.
    pub deletions: u8,
    /// The kubelet crashes and starts again.
    pub crashes: u8,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    ChangeManifest,
    RemoveManifest,
    AddManifest,
    DeleteMirror,
    ReadFile,
    SyncApiServer,
    Deliver,
    Start { version: u8 },
    Stop { version: u8 },
    Finish { version: u8 },
    CleanUp { version: u8 },
    CreateMirror,
    RemoveMirror,
    Crash,
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        self.mirror = event.mirror;
    }
}

impl Slice for StaticPodSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let mirror = Some(Mirror { version: 0, deleting: false });
        let mut store = History::listed(Objects { mirror });
        store.lazy = self.lazy;
        State {
            store,
            manifest: Manifest { version: 0, present: true },
            seen: Seen::Version(0),
            workers: [Work::Syncing, Work::None, Work::None],
            running: [true, false, false],
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        let of_version = |version| {
            [
                Action::Start { version },
                Action::Stop { version },
                Action::Finish { version },
                Action::CleanUp { version },
            ]
        };
        let others = [
            Action::ChangeManifest,
            Action::RemoveManifest,
            Action::AddManifest,
            Action::DeleteMirror,
            Action::ReadFile,
            Action::SyncApiServer,
            Action::Deliver,
            Action::CreateMirror,
            Action::RemoveMirror,
            Action::Crash,
        ];
        (0..VERSIONS as u8).flat_map(of_version).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::ReadFile
            | Action::SyncApiServer
            | Action::Deliver
            | Action::Start { .. }
            | Action::Stop { .. }
            | Action::Finish { .. }
            | Action::CleanUp { .. }
            | Action::CreateMirror
            | Action::RemoveMirror => Cause::Duty,
            Action::ChangeManifest
            | Action::RemoveManifest
            | Action::AddManifest
            | Action::DeleteMirror => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all()
    }

    fn describe(&self, _: &State, action: Action, after: &State) -> String {
        words::describe(action, after)
    }

    fn actor(&self, action: Action) -> String {
        words::actor(action).to_owned()
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        words::lanes(state)
    }

    fn outcome(&self, before: &State, _: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, false)
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        let after = self.step(before, action)?;
        Some(requests::request(action, &after)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start(&self.initial())
    }
}

impl Family for StaticPodSlice {
    const SCENARIOS: &'static [&'static str] = &["static-pods"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets =
            Budgets { changes: 2, removals: 1, additions: 1, deletions: 1, crashes: size.times(2) };
        Ok(StaticPodSlice { budgets, lazy: size.lazy, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { store, manifest, seen, workers, running, budgets });
packed!(struct Manifest { version, present });
packed!(
    enum Seen {
        Nothing,
        Missing,
        Version(version),
    }
);
packed!(struct Objects { mirror });
packed!(struct Mirror { version, deleting });
packed!(struct Event { mirror });
packed!(
    enum Work {
        None,
        Waiting,
        Syncing,
        Terminating,
    }
);
packed!(struct Budgets { changes, removals, additions, deletions, crashes });
