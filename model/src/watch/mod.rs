//! The `watch` scenario: one etcd member, two writers, one watch and the informer behind it.
//!
//! It shows what the other scenarios take as given: that a cache is a prefix of the log. Left
//! out: raft (the member is alone), leases, several keys of the watched resource, and what the
//! objects mean. There are two keys: a Pod, which the informer watches, and a Node, which it does
//! not.

pub mod claims;
pub mod mutations;
mod requests;
pub mod slice;
pub mod state;
pub mod steps;

pub use mutations::Mutation;
pub use slice::WatchSlice;
pub use state::{Action, State};
