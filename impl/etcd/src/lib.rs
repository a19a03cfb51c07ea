//! The store on disk: a write-ahead log and snapshots, one writer, one fsync for all that wait; and
//! etcd's v3 API in front of it.
//!
//! Nothing is published before it is durable: readers take the last published snapshot, and a commit is
//! answered only after its frame is on disk.

pub mod backup;
mod deadlines;
mod disk;
#[cfg(test)]
mod failing;
mod files;
pub mod grpc;
mod identity;
mod leases;
mod part;
pub mod tools;
mod writer;

pub use disk::OpenError;
pub use identity::Identity;
pub use leases::Leases;
pub use writer::{CommitError, Etcd};
