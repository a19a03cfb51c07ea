//! What each controller does about what it observes. One file per controller; one trait for the loop
//! that drives them, the same for the host and the simulator.

use api::{Key, Timestamp};
use client::{Change, Outcome, View};

/// What a reconciliation wants done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Requests to the API server, in order; a refusal of one does not stop the next.
    pub requests: Vec<api::Request>,
    /// When to look at the key again, if nothing happens before.
    pub look_again: Option<Timestamp>,
}

/// A controller: told of changes, asked what to do about a key, told what came of it.
pub trait Controller: Send {
    /// Its name in upstream, `replicaset-controller`.
    fn name(&self) -> &'static str;

    /// The keys that a change makes due. Called once for each object after a (re)start.
    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key>;

    /// What to do about a key that is due.
    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan;

    /// What came of one of the requests; called for each, in order.
    fn completed(&mut self, key: &Key, request: &api::Request, outcome: &Outcome);
}
