//! Controllers of kube-controller-manager, each as a family of scenarios of its own.
//!
//! Each reads through informers that lag and decides from what they show; what it asks for is
//! committed or refused in a later step.

pub mod adoption;
pub mod daemon_set;
pub mod deployment;
pub mod disruption;
pub mod endpoints;
pub mod garbage_collector;
pub mod job;
pub mod stateful_set;
