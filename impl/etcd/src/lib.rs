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
#[cfg(test)]
mod power;
#[cfg(test)]
mod recorded;
pub mod remote;
mod storage;
mod system;
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

#[cfg(test)]
use recorded as calls;
#[cfg(not(test))]
use system as calls;
