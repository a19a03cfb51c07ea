//! The steps of etcd, of the API servers and of their clients.

use super::{
    Action, Asked, Budgets, Call, Change, Client, Phase, REVISIONS, Reader, Reflector, SERVERS,
    Server, State,
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

    /// The reflector lists on either API server.
    pub fn start_list(&self, server: u8, asked: Asked) -> Option<State> {
        let call = self.called(server, asked);
        let idle = self.reflector.phase == Phase::Idle;
        idle.then(|| self.with_phase(Phase::Listing(call)))
    }

    /// What the reflector asks for: any list at first, no older than what it has seen later, and
    /// the most recent where that was refused.
    pub fn relist_asks(&self) -> Asked {
        match self.reflector.resource_version {
            _ if self.reflector.unavailable => Asked::MostRecent,
            None | Some(0) => Asked::Any,
            Some(revision) => Asked::NotOlderThan(revision),
        }
    }

    /// The reader lists once.
    pub fn start_read(&self, server: u8, asked: Asked) -> Option<State> {
        let mut next = *self;
        next.budgets.reads = self.budgets.reads.checked_sub(1)?;
        next.reader = Reader::Listing(self.called(server, asked));
        Some(next)
    }

    /// The API server asks etcd for its revision, as the most recent was asked for.
    pub fn ask_etcd(&self, client: Client) -> Option<State> {
        let call = self.call(client)?;
        let asks = call.asked == Asked::MostRecent && call.needs.is_none();
        asks.then(|| self.with_call(client, Call { needs: Some(self.revision()), ..call }))
    }

    /// The API server answers from its watch cache, once that is new enough.
    pub fn answer(&self, client: Client, to: fn(&State, Call) -> Option<u8>) -> Option<State> {
        Some(self.answered(client, to(self, self.call(client)?)?))
    }

    /// The resourceVersion of the list that the watch cache can answer with now.
    pub fn answer_to(&self, call: Call) -> Option<u8> {
        let cached = self.server(call.server).revision;
        match call.asked {
            Asked::MostRecent => call.needs.filter(|needs| cached >= *needs).map(|_| cached),
            Asked::Any => Some(cached),
            Asked::NotOlderThan(revision) => (cached >= revision).then_some(cached),
            Asked::Exact(revision) => {
                (self.compacted..=cached).contains(&revision).then_some(revision)
            }
        }
    }

    /// The watch cache does not catch up in time, and the API server lists from etcd.
    pub fn answer_from_etcd(&self, client: Client) -> Option<State> {
        let call = self.call(client)?;
        let lags = call.needs.is_some_and(|needs| self.server(call.server).revision < needs);
        lags.then(|| self.answered(client, self.revision()))
    }

    /// The API server refuses what it does not have: a resourceVersion that is compacted (410 Gone),
    /// or that its watch cache has not reached in time ("Too large resource version").
    pub fn refuse(&self, client: Client) -> Option<State> {
        let call = self.call(client)?;
        let refusable = matches!(call.asked, Asked::NotOlderThan(_) | Asked::Exact(_));
        let refused = refusable && self.answer_to(call).is_none();
        refused.then(|| self.refused(client))
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

    /// The list that a client waits for.
    pub fn call(&self, client: Client) -> Option<Call> {
        match (client, self.reflector.phase, self.reader) {
            (Client::Reflector, Phase::Listing(call), _) => Some(call),
            (Client::Reader, _, Reader::Listing(call)) => Some(call),
            (_, _, _) => None,
        }
    }

    pub(super) fn server(&self, number: u8) -> Server {
        self.servers[usize::from(number)]
    }

    pub(super) fn with_phase(mut self, phase: Phase) -> State {
        self.reflector.phase = phase;
        self
    }

    pub(super) fn refused(mut self, client: Client) -> State {
        match client {
            Client::Reader => self.reader = Reader::Refused,
            Client::Reflector => {
                self.reflector.phase = Phase::Idle;
                self.reflector.unavailable = true;
            }
        }
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

    pub(super) fn with_needs(self, client: Client, revision: u8) -> State {
        match self.call(client) {
            Some(call) => self.with_call(client, Call { needs: Some(revision), ..call }),
            None => self,
        }
    }

    fn called(&self, server: u8, asked: Asked) -> Call {
        let floor = match asked {
            Asked::MostRecent | Asked::Any => self.revision(),
            Asked::NotOlderThan(_) | Asked::Exact(_) => 0,
        };
        Call { server, asked, floor, needs: None }
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

    fn with_call(mut self, client: Client, call: Call) -> State {
        match client {
            Client::Reader => self.reader = Reader::Listing(call),
            Client::Reflector => self.reflector.phase = Phase::Listing(call),
        }
        self
    }

    fn answered(mut self, client: Client, revision: u8) -> State {
        match self.reflector.phase {
            Phase::Listing(call) if client == Client::Reflector => {
                self.listed(call.server, revision)
            }
            Phase::Off
            | Phase::Idle
            | Phase::Listing(_)
            | Phase::Listed(_)
            | Phase::Watching(_) => {
                self.reader = Reader::Answered(revision);
                self
            }
        }
    }

    fn listed(mut self, server: u8, revision: u8) -> State {
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
