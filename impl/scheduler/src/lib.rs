//! Which node a pod runs on, and why.
//!
//! Has the default plugins, profiles and extenders as they are configured. Leaves out NodeDeclaredFeatures and the
//! scheduling of groups.

pub mod affinity;
pub mod changes;
pub mod cluster;
pub mod config;
pub mod configuration;
pub mod crowds;
pub mod cycle;
pub mod devices;
pub mod event;
pub mod explain;
pub mod extender;
pub mod framework;
pub mod host_ports;
pub mod knowledge;
pub mod label_counts;
pub mod node_info;
pub mod nominations;
pub mod plugins;
pub mod profile;
pub mod queue;
pub mod refusals;
pub mod resources;
pub mod scheduler;
pub mod scoring;
pub mod simulation;
pub mod snapshot;
#[cfg(test)]
mod testing;
pub mod volumes;

pub use config::DEFAULT_SCHEDULER;
pub use configuration::Configuration;
pub use framework::Verdict;
pub use queue::Pending;
pub use scheduler::{Choice, Decision, Dump, Explanation, Scheduler, WATCHED};
