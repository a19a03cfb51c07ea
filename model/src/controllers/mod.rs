//! Controllers of kube-controller-manager, each as a family of scenarios of its own.
//!
//! Each reads through informers that lag and decides from what they show; what it asks for is
//! committed or refused in a later step.

pub mod adoption;
pub mod aggregation;
pub mod attachment;
pub mod attributes_class;
pub mod autoscaler;
pub mod certificate;
pub mod cron_job;
pub mod daemon_set;
pub mod deployment;
pub mod disruption;
pub mod endpoints;
pub mod ephemeral_volume;
pub mod expander;
pub mod finished_job;
pub mod garbage_collector;
pub mod job;
pub mod job_quota;
pub mod load_balancer;
pub mod mirroring;
pub mod node_ipam;
pub mod node_ttl;
pub mod node_zones;
pub mod persistent_volume;
pub mod resource_claim;
pub mod resource_quota;
pub mod service_account;
pub mod service_cidr;
pub mod stateful_set;
pub mod token_cleaner;

use crate::history::{History, Objects};
use crate::slice::Lane;

/// What the store holds, and what a controller sees of it through its informers.
fn lanes_of<O: Objects, const WATCHERS: usize, const LOG: usize>(
    controller: &str,
    store: &History<O, WATCHERS, LOG>,
    words: fn(&O) -> String,
) -> [Lane; 2] {
    let sees = store.caches().map(|caches| words(&caches)).unwrap_or_default();
    let behind = Some(store.unread());
    [
        Lane { name: "kube-apiserver".to_owned(), holds: words(&store.now()), behind: None },
        Lane { name: controller.to_owned(), holds: format!("sees {sees}"), behind },
    ]
}
