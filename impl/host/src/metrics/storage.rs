//! What is counted of the store.
//!
//! Source: apiserver/pkg/storage/etcd3/metrics/metrics.go (v1.36). Reads are answered from memory, and ask no store.

use std::time::Instant;

use api::resources;
use apiserver::keys;
use etcd::Storage;
use store::Store;

use super::buckets;
use super::family::Family;
use super::number::{Counter, Histogram};
use super::text::{Kind, Text};

/// What is counted of writes.
#[derive(Debug)]
pub(crate) struct Writes {
    requests: Family<3, Counter>,
    errors: Family<3, Counter>,
    durations: Family<3, Histogram>,
}

impl Default for Writes {
    fn default() -> Self {
        let labels = ["group", "operation", "resource"];
        Self {
            requests: Family::new(
                "etcd_requests_total",
                "Transactions that the store was asked for.",
                labels,
                Counter::default,
            ),
            errors: Family::new(
                "etcd_request_errors_total",
                "Transactions that the store could not decide.",
                labels,
                Counter::default,
            ),
            durations: Family::new(
                "etcd_request_duration_seconds",
                "How long the store took until a transaction was durable, in seconds.",
                labels,
                || Histogram::new(&buckets::REQUESTS),
            ),
        }
    }
}

impl Writes {
    /// A transaction was decided, or was not.
    pub(crate) fn performed(
        &self,
        (resource, action): (&api::ApiResource, &str),
        begun: Instant,
        is_decided: bool,
    ) {
        let operation = match action {
            "create" | "delete" => action,
            _ => "update",
        };
        let labels = [resource.group, operation, resource.plural];
        self.requests.of(labels).increment();
        self.durations.of(labels).observe(begun.elapsed().as_secs_f64());
        if !is_decided {
            self.errors.of(labels).increment();
        }
    }

    /// Writes all of it.
    pub(crate) fn write(&self, text: &mut Text) {
        self.requests.write(text);
        self.errors.write(text);
        self.durations.write(text);
    }
}

/// Writes how much the store holds: of every resource, and on the disk if that is ours.
pub(crate) fn write_held(text: &mut Text, storage: &Storage) {
    let store = storage.snapshot();
    let counts: Vec<_> = resources::ALL
        .iter()
        .filter(|resource| resource.is_stored)
        .map(|resource| (resource, count(&store, resource)))
        .collect();
    let name = "apiserver_resource_objects";
    text.family(name, Kind::Gauge, "Objects that are stored, by resource.");
    for (resource, count) in &counts {
        text.sample(name, &[("group", resource.group), ("resource", resource.plural)], count);
    }
    let name = "apiserver_storage_objects";
    text.family(
        name,
        Kind::Gauge,
        "The same under one label, which upstream does not recommend any more.",
    );
    for (resource, count) in &counts {
        text.sample(name, &[("resource", &resource.qualified())], count);
    }
    if let Some(bytes) = storage.size_bytes() {
        let name = "apiserver_storage_size_bytes";
        text.family(name, Kind::Gauge, "How much the store holds on its disk, in bytes.");
        text.sample(name, &[("storage_cluster_id", "etcd-0")], bytes);
    }
}

fn count(store: &Store, resource: &api::ApiResource) -> usize {
    store.range(&keys::range(resource, None)).count()
}
