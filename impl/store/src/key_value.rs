//! What a key holds, and what happens to it.

use std::sync::Arc;

use crate::{Bytes, LeaseId, Revision};

/// A key with its value and its counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Bytes,
    /// Its value; empty in the event of a deletion.
    pub value: Bytes,
    /// When it came into being; zero in the event of a deletion.
    pub create_revision: Revision,
    /// When it was last written or deleted.
    pub mod_revision: Revision,
    /// How often it has been written since it came into being; 0 in the event of a deletion.
    pub version: u64,
    /// The lease with which it ends, or [`LeaseId::NONE`].
    pub lease: LeaseId,
}

impl KeyValue {
    /// The key before it was last written, where that was compacted away: of it no more is known than when it was created
    /// and how often it was written.
    #[must_use]
    pub fn forgotten(&self) -> Self {
        Self {
            key: self.key.clone(),
            value: Arc::from([]),
            create_revision: self.create_revision,
            mod_revision: Revision(0),
            version: self.version - 1,
            lease: LeaseId::NONE,
        }
    }

    pub(crate) fn is_forgotten(&self) -> bool {
        self.mod_revision == Revision(0)
    }
}

/// Whether an event wrote or removed its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Created or changed.
    Put,
    /// Removed.
    Delete,
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Written or removed.
    pub kind: EventKind,
    /// The key as it is after the event.
    pub now: Arc<KeyValue>,
    /// The key as it was; `None` when it did not exist, or was compacted away before the store was restored.
    pub before: Option<Arc<KeyValue>>,
}
