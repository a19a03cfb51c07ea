//! The `watch` scenario as a slice to check.

use super::claims;
use super::mutations::Mutation;
use super::requests;
use super::state::{Action, Budgets, Etcd, Informer, Key, State, Writer};
use crate::cause::Cause;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};

/// The `watch` scenario.
#[derive(Clone, Debug)]
pub struct WatchSlice {
    /// How many writers write.
    pub writers: u8,
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

impl Default for WatchSlice {
    fn default() -> Self {
        let budgets = Budgets { crashes: 1, compactions: 1, closed_watches: 1, revisions_max: 3 };
        WatchSlice { writers: 2, budgets, mutation: None }
    }
}

impl WatchSlice {
    /// The same scenario where each fault may happen so often.
    #[must_use]
    pub fn with_faults(self, times: u8) -> Self {
        let revisions_max = self.budgets.revisions_max;
        let budgets =
            Budgets { crashes: times, compactions: times, closed_watches: times, revisions_max };
        WatchSlice { budgets, ..self }
    }
}

impl Slice for WatchSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        State {
            etcd: Etcd::default(),
            acknowledged: 0,
            writers: [Writer::Idle; super::state::WRITERS],
            informer: Informer::START,
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let mut actions = vec![
            Persist,
            DeliverEvent,
            DeliverBookmark,
            Reconnect,
            Relist,
            CloseWatch,
            Compact,
            CrashEtcd,
        ];
        for writer in 0..self.writers {
            actions.extend([Key::Pod, Key::Node].map(|key| Read { writer, key }));
            actions.extend([false, true].map(|deletes| Write { writer, deletes }));
            actions.push(Acknowledge { writer });
        }
        let revisions = 0..self.budgets.revisions_max;
        actions.extend(revisions.map(|revision| RelistFromLaggingApiServer { revision }));
        actions
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::Persist
            | Action::Acknowledge { .. }
            | Action::DeliverEvent
            | Action::DeliverBookmark
            | Action::Reconnect
            | Action::Relist => Cause::Duty,
            Action::Read { .. } | Action::Write { .. } => Cause::Choice,
            Action::CrashEtcd => Cause::Fault(Fault::Crash),
            Action::CloseWatch => Cause::Fault(Fault::WatchClosed),
            Action::Compact => Cause::Fault(Fault::Compaction),
            Action::RelistFromLaggingApiServer { .. } => Cause::Fault(Fault::StaleApiServer),
        }
    }

    fn actor(&self, action: Action) -> String {
        match action {
            Action::Read { writer, .. } => format!("client-{writer}"),
            Action::DeliverEvent
            | Action::DeliverBookmark
            | Action::Reconnect
            | Action::Relist
            | Action::RelistFromLaggingApiServer { .. }
            | Action::CloseWatch => "informer".to_owned(),
            Action::Write { .. }
            | Action::Persist
            | Action::Acknowledge { .. }
            | Action::Compact
            | Action::CrashEtcd => "etcd".to_owned(),
        }
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        lanes(self.writers, state)
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all()
    }

    fn describe(&self, before: &State, action: Action, after: &State) -> String {
        describe(before, action, after)
    }

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        if after.etcd.revision() > before.etcd.revision() {
            Outcome::Committed
        } else if matches!(action, Action::Write { .. }) {
            Outcome::Refused
        } else {
            Outcome::Done
        }
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        Some(requests::request(before, action)?.written())
    }
}

impl Family for WatchSlice {
    const SCENARIOS: &'static [&'static str] = &["watch"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let slice = size.faults.map_or(Self::default(), |times| Self::default().with_faults(times));
        Ok(WatchSlice { mutation: mutation.and_then(Mutation::of), ..slice })
    }
}

fn lanes(writers: u8, state: &State) -> Vec<Lane> {
    let State { etcd, informer, .. } = state;
    let pod = |revision: Option<u8>| match revision {
        Some(revision) => format!("the Pod of revision {revision}"),
        None => "no Pod".to_owned(),
    };
    let etcd_holds = format!(
        "{}, revision {} ({} on disk), compacted {}",
        pod(etcd.mod_revision(Key::Pod, etcd.revision())),
        etcd.revision(),
        etcd.durable,
        etcd.compacted
    );
    let cached = format!(
        "{} at {}, {:?}",
        pod(informer.pod),
        informer.resource_version,
        informer.connection
    );
    let behind = (informer.resource_version + 1..=etcd.durable)
        .filter(|revision| etcd.change(*revision).is_some_and(|change| change.key == Key::Pod));
    let clients = (0..writers).map(|writer| Lane {
        name: format!("client-{writer}"),
        holds: match state.writer(writer) {
            Writer::Idle => "nothing".to_owned(),
            Writer::Holding { key, mod_revision } => format!("the {key:?} of {mod_revision}"),
            Writer::Written(revision) => format!("waits for the answer about {revision}"),
        },
        behind: None,
    });
    let informer =
        Lane { name: "informer".to_owned(), holds: cached, behind: Some(behind.count()) };
    let etcd = Lane { name: "etcd".to_owned(), holds: etcd_holds, behind: None };
    [etcd, informer].into_iter().chain(clients).collect()
}

fn describe(before: &State, action: Action, after: &State) -> String {
    let revision = after.etcd.revision();
    match action {
        Action::Read { writer, key } => format!("client-{writer} reads the {key:?}"),
        Action::Write { writer, .. } if revision == before.etcd.revision() => {
            format!("etcd refuses the write of client-{writer}: the key has changed")
        }
        Action::Write { writer, deletes: false } => {
            format!("etcd writes for client-{writer} (revision {revision})")
        }
        Action::Write { writer, deletes: true } => {
            format!("etcd deletes for client-{writer} (revision {revision})")
        }
        Action::Persist => format!("etcd flushes its log up to revision {revision}"),
        Action::Acknowledge { writer } => format!("etcd answers client-{writer}"),
        Action::DeliverEvent => {
            format!("the watch delivers revision {}", after.informer.resource_version)
        }
        Action::DeliverBookmark => {
            format!("the watch delivers a bookmark at {}", after.informer.resource_version)
        }
        Action::Reconnect => {
            format!("the informer watches again from {}", before.informer.resource_version)
        }
        Action::Relist => format!("the informer lists at {}", after.informer.resource_version),
        Action::RelistFromLaggingApiServer { revision } => {
            format!("the informer lists at {revision} from an API server that lags behind")
        }
        Action::CloseWatch => "the watch is closed".to_owned(),
        Action::Compact => format!("etcd compacts at revision {}", after.etcd.compacted),
        Action::CrashEtcd => "etcd crashes".to_owned(),
    }
}
