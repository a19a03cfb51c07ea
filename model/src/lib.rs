//! The formal model of a Kubernetes cluster.

pub mod cluster;
pub mod liveness;
pub mod scenarios;
pub mod search;
pub mod slice;
