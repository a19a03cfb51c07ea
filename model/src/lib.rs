//! The formal model of a Kubernetes cluster, its claims, and what checks them.
//!
//! - [`cluster`] is the cluster: a store, the components that watch and write it, what fails;
//! - [`watch`] is one etcd member, one watch and one informer, more closely; [`election`] is leader
//!   election; [`scheduler`](mod@scheduler) is kube-scheduler and [`node`](mod@node) is a Node, more
//!   closely;
//! - [`etcd`] is several members over one log, compaction and leases; [`reflector`] lists and watches
//!   through API servers that lag; [`api_server`] is what happens to writes,
//!   [`namespace`] how a namespace ends;
//! - [`controllers`] are those of kube-controller-manager, one by one;
//! - [`scenarios`] are the slices that are checked, [`slice`](mod@slice) is what they have in common,
//!   [`history`] what stores have, [`cause`](mod@cause) why steps are taken, [`pack`] how states
//!   become few bits;
//! - [`checker`] finds all states, shortest counterexamples, and runs that never arrive;
//! - [`spec`] holds the numbered sentences, [`check`] and [`report`] what `kanon check` prints;
//! - [`walks`] are runs to replay on real API servers, [`counterexample`] those that violate a claim,
//!   [`request`] what an API server sees of either.
//!
//! The model shares no code with the implementation.

pub mod api_server;
pub mod cause;
pub mod check;
pub mod checker;
pub mod cluster;
pub mod controllers;
pub mod counterexample;
pub mod election;
pub mod etcd;
pub mod history;
pub mod namespace;
pub mod node;
pub mod pack;
pub mod reflector;
pub mod report;
pub mod request;
pub mod scenarios;
pub mod scheduler;
pub mod slice;
pub mod spec;
pub mod walks;
pub mod watch;
