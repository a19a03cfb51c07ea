//! A cluster: one store, the components that watch it and write to it, and what fails.
//!
//! Left out everywhere: namespaces, labels, resources other than places for Pods, time. See each
//! file for what its component leaves out.

pub mod action;
pub mod actor;
pub mod apiserver;
pub mod budgets;
mod candidates;
pub mod claims;
pub mod client;
pub mod compact;
pub mod faults;
pub mod ids;
pub mod kubelet;
pub mod lanes;
mod measures;
pub mod mutations;
pub mod node_lifecycle;
pub mod objects;
pub mod replica_set;
pub mod request;
pub mod scenario;
pub mod scheduler;
pub mod state;
pub mod store;
pub mod symmetry;
pub mod watch;
pub mod words;

pub use action::Action;
pub use actor::Actor;
pub use budgets::{Budget, Budgets};
pub use ids::{NodeId, PodId, SetId, Uid};
pub use mutations::Mutation;
pub use scenario::{Cluster, Components};
pub use state::State;
pub use watch::Watcher;
