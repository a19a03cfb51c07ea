//! The API server on its store: decides, appends to the log, and answers once the log is durable.
//!
//! Source of the order of things: `etcd::writer` and `host::api_server`, the other host of the same cores.

use api::trace::Origin;
use api::{Status, Timestamp};
use apiserver::trace::{Told, committed};
use apiserver::{Call, Commit, Context, Decision, Response};
use serde_json::Value;
use store::{Revision, Store};

use crate::sim::disk::Disk;
use crate::sim::plant::{self, Plant};
use crate::sim::random::Random;

/// The API server and its store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Server {
    disk: Disk,
    /// What is decided; ahead of what is published until the next sync.
    pub(crate) head: Store,
    /// What is durable: all that anybody may read.
    pub(crate) published: Store,
    unsynced: Vec<Stored>,
}

/// A write that waits for the disk.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The request on its way.
    pub(crate) flight: u64,
    /// Its lines in the trace, with its revision: its own, then those of what is written beside it.
    pub(crate) told: Vec<Told>,
    /// Its answer, once it may be given.
    pub(crate) response: Response,
    /// The store before and after.
    pub(crate) states: [Store; 2],
}

/// What becomes of a request that has arrived.
pub(crate) enum Received {
    /// It is answered at once.
    Answered(Response),
    /// Somebody was faster: it is decided again later.
    Outrun,
    /// It has written this object and is answered after the next sync.
    Stored(Value),
}

/// Which request, from whom.
pub(crate) struct Arrival<'a> {
    pub(crate) flight: u64,
    pub(crate) number: u64,
    pub(crate) origin: &'a Origin,
}

/// What a restart found.
pub(crate) struct Recovery {
    /// Writes that had not been answered and are there.
    pub(crate) survived: Vec<Stored>,
    /// The revision of the last record that the log holds.
    pub(crate) logged: Revision,
}

impl Server {
    /// One whose store holds this, and whose disk has forgotten how it came about.
    pub(crate) fn of(store: Store) -> Self {
        Self { head: store.clone(), published: store, ..Self::default() }
    }

    /// Decides about a request on what is published, and stores what it writes.
    pub(crate) fn receive(
        &mut self,
        arrival: &Arrival<'_>,
        call: &Call,
        context: &Context,
        plant: Plant,
    ) -> Received {
        let decision = apiserver::decide(&self.published, call, context);
        let asked = (&self.published, call, context);
        match plant::api_server::decided(plant, asked, decision) {
            Decision::Respond(response) => Received::Answered(response),
            Decision::Commit(commit) => self.commit(arrival, *commit, context.now),
            Decision::Each(..) | Decision::Watch(_) | Decision::Node(_) | Decision::Proxy(_) => {
                Received::Answered(Status::internal("the simulator cannot perform this").into())
            }
        }
    }

    fn commit(&mut self, arrival: &Arrival<'_>, commit: Commit, now: Timestamp) -> Received {
        let mut told = committed(arrival.origin, arrival.number, &commit);
        let before = self.head.clone();
        let outcome = match self.head.commit(&commit.transaction) {
            Ok(outcome) => outcome,
            Err(refusal) => return Received::Answered(Status::internal(refusal).into()),
        };
        if !outcome.succeeded {
            return Received::Outrun;
        }
        let object = commit.object.clone();
        let response = commit.respond(outcome.revision, now);
        let Some(record) = outcome.record else {
            return Received::Answered(response);
        };
        self.disk.append(&record);
        told.iter_mut().for_each(|told| told.event.rv = outcome.revision.0);
        let flight = arrival.flight;
        let states = [before, self.head.clone()];
        self.unsynced.push(Stored { flight, told, response, states });
        Received::Stored(object)
    }

    /// Whether a write waits for the disk.
    pub(crate) fn wants_sync(&self) -> bool {
        !self.unsynced.is_empty()
    }

    /// Makes durable what was written.
    pub(crate) fn sync(&mut self) {
        self.disk.sync();
    }

    /// Publishes what was written; it may be answered now.
    pub(crate) fn publish(&mut self) -> Vec<Stored> {
        self.published = self.head.clone();
        std::mem::take(&mut self.unsynced)
    }

    /// Forgets history: a watch that has not read up to now must begin again.
    pub(crate) fn compact(&mut self) {
        let revision = self.published.revision();
        if let Ok(record) = self.head.compact(revision) {
            self.disk.append(&record);
            self.disk.sync();
        }
        // It is refused only where it is compacted already.
        drop(self.published.compact(revision));
    }

    /// Ends without warning and starts from what the disk holds.
    pub(crate) fn restart(&mut self, random: &mut Random, plant: Plant) -> Recovery {
        self.disk.crash(random);
        let mut records = self.disk.recover();
        if plant == Plant::LosesSyncedFrame {
            records.pop();
            self.disk.rewrite(&records);
        }
        let mut store = Store::default();
        for record in &records {
            store.apply(record);
        }
        let logged = store.revision();
        if plant == Plant::RevisionGoesBackAfterRestart {
            let keys: Vec<_> = store.iter().map(|found| (**found).clone()).collect();
            store = Store::restore(Revision(logged.0 / 2), keys, []);
        }
        self.head = store.clone();
        self.published = store;
        let survived = std::mem::take(&mut self.unsynced).into_iter();
        Recovery {
            survived: survived.filter(|write| write.states[1].revision() <= logged).collect(),
            logged,
        }
    }
}
