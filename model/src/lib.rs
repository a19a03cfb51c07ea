//! The formal model of a Kubernetes cluster, its claims, and what checks them.
//!
//! - [`cluster`] is the cluster: a store, the components that watch and write it, what fails;
//! - [`watch`] is one etcd member, one watch and one informer, more closely;
//! - [`scenarios`] are the slices that are checked, [`slice`](mod@slice) is what they have in common;
//! - [`search`] finds all states, [`liveness`] the runs that never arrive;
//! - [`spec`] holds the numbered sentences, [`check`] and [`report`] what `kanon check` prints;
//! - [`walks`] are runs to replay on real API servers.
//!
//! The model shares no code with the implementation.

pub mod check;
pub mod cluster;
pub mod liveness;
pub mod report;
pub mod scenarios;
pub mod search;
pub mod slice;
pub mod spec;
pub mod walks;
pub mod watch;
