//! The store on disk: a write-ahead log and snapshots, one writer, one fsync for all that wait; etcd's v3
//! API in front of it; and etcd clusters somewhere else.
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
mod handle;
mod identity;
mod lease_manager;
mod leases;
mod part;
pub mod remote;
mod storage;
pub mod tools;
mod writer;

pub use disk::{OpenError, Options};
pub use handle::Etcd;
pub use identity::Identity;
pub use lease_manager::LeaseManager;
pub use leases::{Farewell, Leases};
pub use remote::Remote;
pub use storage::{Storage, Verdict, Witness};
pub use writer::CommitError;
