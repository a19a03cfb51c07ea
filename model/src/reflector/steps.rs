//! The steps of etcd, of the API servers and of their clients.

use super::{
    Action, Budgets, Call, Change, Phase, REVISIONS, Reader, Reflector, SERVERS, Server, State,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::Write { change } => state.write(change),
            Action::Cache { server } => state.cache(server),
            Action::NotifyProgress { server } => state.notify_progress(server),
            Action::Crash { server } => state.crash(server),
            Action::Compact => state.compact(),
            Action::StartList { server } => state.start_list(server, state.relist_asks()),
            Action::StartRead { server, asked } => state.start_read(server, asked),
            Action::AskEtcd { client } => state.ask_etcd(client),
            Action::Answer { client } => state.answer(client, State::answer_to),
            Action::AnswerFromEtcd { client } => state.answer_from_etcd(client),
            Action::Refuse { client } => state.refuse(client),
            Action::Watch { server } => state.watch(server),
            Action::WatchFromAny { server } => state.watch_from_any(server),
            Action::DeliverEvent => state.deliver_event(),
            Action::DeliverBookmark => state.deliver_bookmark(State::bookmark),
            Action::CloseWatch { relist } => state.close_watch(relist),
        }
    }
}

impl State {
    pub(super) fn start(budgets: Budgets) -> State {
        State {
            changes: [None; REVISIONS],
            compacted: 0,
            servers: [Server { revision: 0, oldest: 0 }; SERVERS],
            reflector: Reflector {
                phase: Phase::Idle,
                resource_version: None,
                unavailable: false,
                pod: None,
            },
            reader: Reader::Idle,
            budgets,
        }
    }

    /// Somebody writes the Pod, deletes it, or writes something else.
    pub fn write(&self, change: Change) -> Option<State> {
        let mut next = *self;
        let exists = self.pod_at(self.revision()).is_some();
        *next.changes.get_mut(usize::from(self.revision()))? = Some(change);
        (exists || change != Change::Deleted).then_some(next)
    }

    /// A watch cache receives the next change of its resource.
    pub fn cache(&self, number: u8) -> Option<State> {
        let server = self.server(number);
        let revision = self.next_event(server.revision, self.revision())?;
        Some(self.with_server(number, Server { revision, ..server }))
    }

    /// etcd notifies a watch cache of its revision: nothing of the resource happened up to there.
    pub fn notify_progress(&self, number: u8) -> Option<State> {
        let server = self.server(number);
        let revision = self.revision();
        let idle = self.next_event(server.revision, revision).is_none();
        let newer = idle && revision > server.revision;
        newer.then(|| self.with_server(number, Server { revision, ..server }))
    }

    /// An API server crashes and starts again. Its watch cache lists from etcd, and knows no event
    /// from before.
    pub fn crash(&self, number: u8) -> Option<State> {
        let mut next = self.listed_anew(number);
        next.budgets.crashes = self.budgets.crashes.checked_sub(1)?;
        let asks = |call: &Call| call.server == number;
        next.reflector.phase = match self.reflector.phase {
            Phase::Listing(call) if asks(&call) => Phase::Idle,
            Phase::Watching(server) if server == number => Phase::Listed(None),
            Phase::Listed(Some(server)) if server == number => Phase::Listed(None),
            Phase::Off
            | Phase::Idle
            | Phase::Listing(_)
            | Phase::Listed(_)
            | Phase::Watching(_) => self.reflector.phase,
        };
        if matches!(self.reader, Reader::Listing(call) if asks(&call)) {
            next.reader = Reader::Refused;
        }
        Some(next)
    }

    /// etcd forgets what was before its newest revision. A watch cache that had not read so far
    /// lists anew.
    pub fn compact(&self) -> Option<State> {
        let mut next = State { compacted: self.revision(), ..*self };
        next.budgets.compactions = self.budgets.compactions.checked_sub(1)?;
        for number in 0..SERVERS as u8 {
            if self.next_event(self.server(number).revision, self.revision()).is_some() {
                next = next.listed_anew(number);
            }
        }
        (next.compacted > self.compacted).then_some(next)
    }

    /// The reflector watches from where it is, on the API server that it listed on unless the
    /// connection is broken. If the watch cache does not have all events since,
    /// it is refused (410 Gone) and lists again.
    pub fn watch(&self, number: u8) -> Option<State> {
        let from = self.reflector.resource_version?;
        let phase = match from >= self.server(number).oldest {
            true => Phase::Watching(number),
            false => Phase::Idle,
        };
        let Phase::Listed(connected) = self.reflector.phase else {
            return None;
        };
        (connected.unwrap_or(number) == number).then(|| self.with_phase(phase))
    }

    /// The reflector watches from "0": the watch begins with what the watch cache holds.
    pub fn watch_from_any(&self, number: u8) -> Option<State> {
        let starts = *self == State { reflector: self.reflector_at_start(), ..*self };
        let next = self.listed(number, self.server(number).revision);
        starts.then(|| next.with_phase(Phase::Watching(number)))
    }

    /// The watch delivers the next event that its watch cache has.
    pub fn deliver_event(&self) -> Option<State> {
        let (server, seen) = self.watched()?;
        let revision = self.next_event(seen, server.revision)?;
        let mut next = *self;
        next.reflector.resource_version = Some(revision);
        next.reflector.pod = self.pod_at(revision);
        Some(next)
    }

    /// The watch delivers a bookmark, when no event waits.
    pub fn deliver_bookmark(&self, bookmark: fn(&State, Server) -> u8) -> Option<State> {
        let (server, seen) = self.watched()?;
        let revision = bookmark(self, server);
        let idle = self.next_event(seen, server.revision).is_none();
        let mut next = *self;
        next.reflector.resource_version = Some(revision);
        (idle && revision > seen).then_some(next)
    }

    /// The resourceVersion of a bookmark: that of the watch cache.
    pub fn bookmark(&self, server: Server) -> u8 {
        server.revision
    }

    /// The watch is closed. The reflector watches again, on either API server, or lists again after
    /// an error.
    pub fn close_watch(&self, relist: bool) -> Option<State> {
        let mut next = self.with_phase(if relist { Phase::Idle } else { Phase::Listed(None) });
        next.budgets.closed_watches = self.budgets.closed_watches.checked_sub(1)?;
        self.watched().map(|_| next)
    }

    /// etcd's revision.
    pub fn revision(&self) -> u8 {
        self.changes.iter().flatten().count() as u8
    }

    /// The mod revision of the Pod at a revision, if it exists then.
    pub fn pod_at(&self, revision: u8) -> Option<u8> {
        let newest = (1..=revision).rev().find(|newest| self.is_event(*newest))?;
        let change = self.changes[usize::from(newest) - 1];
        (change == Some(Change::Written)).then_some(newest)
    }

    /// The first change of the Pod after a revision, and up to another.
    pub fn next_event(&self, after: u8, up_to: u8) -> Option<u8> {
        (after + 1..=up_to).find(|revision| self.is_event(*revision))
    }

    pub(super) fn server(&self, number: u8) -> Server {
        self.servers[usize::from(number)]
    }

    pub(super) fn with_phase(mut self, phase: Phase) -> State {
        self.reflector.phase = phase;
        self
    }

    /// The watch cache that the reflector watches, and how far the reflector is.
    pub(super) fn watched(&self) -> Option<(Server, u8)> {
        match self.reflector.phase {
            Phase::Watching(server) => {
                Some((self.server(server), self.reflector.resource_version?))
            }
            Phase::Off | Phase::Idle | Phase::Listing(_) | Phase::Listed(_) => None,
        }
    }

    pub(super) fn is_event(&self, revision: u8) -> bool {
        let change = self.changes[usize::from(revision) - 1];
        matches!(change, Some(Change::Written | Change::Deleted))
    }

    fn with_server(mut self, number: u8, server: Server) -> State {
        self.servers[usize::from(number)] = server;
        self
    }

    fn listed_anew(&self, number: u8) -> State {
        let revision = self.revision();
        self.with_server(number, Server { revision, oldest: revision })
    }

    pub(super) fn listed(mut self, server: u8, revision: u8) -> State {
        self.reflector = Reflector {
            phase: Phase::Listed(Some(server)),
            resource_version: Some(revision),
            unavailable: false,
            pod: self.pod_at(revision),
        };
        self
    }

    fn reflector_at_start(&self) -> Reflector {
        State::start(self.budgets).reflector
    }
}
