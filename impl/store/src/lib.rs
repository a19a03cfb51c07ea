//! etcd's semantics as plain data: revisions, transactions, history, leases and watches.
//!
//! Knows no Kubernetes kind, no disk and no clock. A [`Store`] decides a [`Transaction`] and yields the
//! [`Record`] that makes it durable; a store that applies the same records is the same store.
//! Source: etcd v3 API reference and "KV API guarantees", "Watch API guarantees" (etcd.io).

mod codec;
mod commit;
mod frame;
mod intervals;
mod key_value;
mod lease;
pub mod log;
mod query;
mod range;
mod refusal;
pub mod snapshot;
mod store;
mod transaction;
mod unread;
mod validity;

pub use key_value::{Event, EventKind, KeyValue};
pub use lease::{Lease, LeaseId};
pub use query::{Direction, Found, Query, Revisions, SortKey};
pub use range::Range;
pub use refusal::{Expired, Refusal};
pub use store::Store;
pub use transaction::{
    Change, Committed, Compare, Condition, Operation, Outcome, Put, Record, Relation, Transaction,
    Write,
};
pub use unread::Unread;
pub use validity::OPERATIONS_MAX;

use std::fmt;
use std::sync::Arc;

/// A key or value, shared by reference.
pub type Bytes = Arc<[u8]>;

/// The store's counter: one step for each transaction that changes a key. 1 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
