//! Which node a pod runs on, and why.
//!
//! Leaves out preemption, which is only worded, and the plugins for ports, affinity between pods and
//! topology, and of those for volumes all but VolumeBinding and
//! VolumeRestrictions.

pub mod framework;
pub mod node_info;
pub mod plugins;
pub mod queue;
pub mod resources;
pub mod scheduler;
pub mod snapshot;
#[cfg(test)]
mod testing;
pub mod volumes;

pub use framework::Verdict;
pub use scheduler::{Choice, DEFAULT_SCHEDULER, Decision, Explanation, Scheduler, WATCHED};
