//! The store on disk: a write-ahead log and snapshots, one writer, one fsync for all that wait.
//!
//! Nothing is published before it is durable: readers take the last published snapshot, and a commit is
//! answered only after its frame is on disk.

mod disk;
mod files;
mod identity;
mod writer;

pub use disk::OpenError;
pub use identity::Identity;
pub use writer::{CommitError, Etcd};
