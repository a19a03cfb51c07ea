//! The `watch` scenario as a slice to check.

use super::claims;
use super::mutations::Mutation;
use super::state::{Action, Budgets, Etcd, Informer, Key, State, Writer};
use crate::slice::{Claim, Outcome, Slice};

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

    fn is_fair(&self, action: Action) -> bool {
        match action {
            Action::Persist
            | Action::Acknowledge { .. }
            | Action::DeliverEvent
            | Action::DeliverBookmark
            | Action::Reconnect
            | Action::Relist => true,
            Action::Read { .. }
            | Action::Write { .. }
            | Action::RelistFromLaggingApiServer { .. }
            | Action::CloseWatch
            | Action::Compact
            | Action::CrashEtcd => false,
        }
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

    fn is_at_bound(&self, _: &State) -> bool {
        false
    }

    fn request(&self, _: &State, _: Action) -> Option<serde_json::Value> {
        None
    }
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
