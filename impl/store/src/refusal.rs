//! Why a request is refused, in etcd's words.

use crate::Revision;

/// The revision asked for has been compacted away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("revision {asked} has been compacted; the oldest is {compacted}")]
pub struct Expired {
    /// What was asked for.
    pub asked: Revision,
    /// What is still there.
    pub compacted: Revision,
}

/// Why a request is refused. Nothing was changed by it. Source: etcd's
/// `api/v3rpc/rpctypes/error.go`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// A key is empty.
    #[error("etcdserver: key is not provided")]
    EmptyKey,
    /// The value or the lease of a key is to stay, and there is no such key.
    #[error("etcdserver: key not found")]
    KeyNotFound,
    /// The value of a key is to stay, and one is given.
    #[error("etcdserver: value is provided")]
    ValueProvided,
    /// The lease of a key is to stay, and one is given.
    #[error("etcdserver: lease is provided")]
    LeaseProvided,
    /// A transaction has more operations or compares than it may.
    #[error("etcdserver: too many operations in txn request")]
    TooManyOperations,
    /// A transaction writes one key twice.
    #[error("etcdserver: duplicate key given in txn request")]
    DuplicateKey,
    /// What a transaction leaves in the log is larger than that may be.
    #[error("etcdserver: request is too large")]
    TooLarge,
    /// A sort is not one that there is.
    #[error("etcdserver: invalid sort option")]
    InvalidSort,
    /// The revision asked for is compacted away.
    #[error("etcdserver: mvcc: required revision has been compacted")]
    Compacted,
    /// The revision asked for does not exist yet.
    #[error("etcdserver: mvcc: required revision is a future revision")]
    FutureRevision,
    /// There is no such lease.
    #[error("etcdserver: requested lease not found")]
    LeaseNotFound,
    /// There is one already.
    #[error("etcdserver: lease already exists")]
    LeaseExists,
    /// A lease is to live longer than leases may.
    #[error("etcdserver: too large lease TTL")]
    LeaseTooLong,
}
