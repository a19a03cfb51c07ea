//! etcd's semantics as plain data: revisions, transactions, history and watches.
//!
//! Knows no Kubernetes kind and no disk. Leaves out leases and users; see `docs/decisions/`.
//! Source: etcd v3 API guarantees (etcd.io, "KV API guarantees" and "Watch API guarantees").

mod codec;
pub mod log;
pub mod snapshot;
mod store;
mod transaction;

pub use store::{Event, EventKind, Expired, KeyValue, Range, Store};
pub use transaction::{Committed, Compare, Operation, Precondition, Record, Transaction, Write};

use std::fmt;
use std::sync::Arc;

/// A key or value, shared by reference.
pub type Bytes = Arc<[u8]>;

/// The store's counter: one step for each transaction that changes anything. 1 before the first.
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
