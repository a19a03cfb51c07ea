//! What every client of the API server keeps: informer caches, work queues, expectations, a candidacy.
//!
//! Leaves out how requests travel and how time passes; those are the host's.

pub mod batches;
mod bucket;
pub mod cache;
pub mod event;
pub mod expectations;
pub mod leader_election;
mod pod_index;
pub mod queue;
pub mod reflector;
pub mod view;
pub mod wire;

pub use batches::{Batches, Pacing};
pub use bucket::Bucket;
pub use cache::Cache;
pub use expectations::Expectations;
pub use queue::{Backoff, WorkQueue};
pub use view::{Change, View};

use api::{Key, Request, Status};
use serde_json::Value;

/// What came of a request: the object in the answer, or a refusal.
pub type Outcome = Result<Value, Status>;

/// A request that a core wants performed, and the key whose reconciliation asked for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Handed back with the outcome.
    pub key: Key,
    /// What to ask of the API server.
    pub request: Request,
}
