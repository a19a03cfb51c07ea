//! How clients list, and how API servers answer.

use super::{Asked, Call, Client, Phase, Reader, State};

impl State {
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

    /// The list that a client waits for.
    pub fn call(&self, client: Client) -> Option<Call> {
        match (client, self.reflector.phase, self.reader) {
            (Client::Reflector, Phase::Listing(call), _) => Some(call),
            (Client::Reader, _, Reader::Listing(call)) => Some(call),
            (_, _, _) => None,
        }
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

    fn called(&self, server: u8, asked: Asked) -> Call {
        let floor = match asked {
            Asked::MostRecent | Asked::Any => self.revision(),
            Asked::NotOlderThan(_) | Asked::Exact(_) => 0,
        };
        Call { server, asked, floor, needs: None }
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

    pub(super) fn with_needs(self, client: Client, revision: u8) -> State {
        match self.call(client) {
            Some(call) => self.with_call(client, Call { needs: Some(revision), ..call }),
            None => self,
        }
    }
}
