//! What the process counts, in the names and labels of upstream's `/metrics`.
//!
//! API server, controllers and scheduler are one process here, and have one `/metrics`. Which families there are, and
//! which of upstream's are left out: docs/metrics.md.

mod about;
mod buckets;
mod components;
mod door;
mod family;
mod health;
mod in_flight;
mod number;
mod process;
mod requests;
mod scheduling;
mod storage;
mod text;

use std::sync::Arc;

use etcd::Storage;

pub(crate) use self::components::QueueMetrics;
pub(crate) use self::requests::{Received, Requests, Streaming, Until};
pub(crate) use self::scheduling::Scheduling;
pub(crate) use self::text::Format;
use self::text::{Kind, Text};

/// All that is counted; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    requests: Arc<Requests>,
    door: door::Door,
    writes: storage::Writes,
    components: components::Components,
    schedulers: scheduling::Schedulers,
    checks: health::Checks,
}

impl Metrics {
    /// Of requests to the API server.
    pub(crate) fn requests(&self) -> &Arc<Requests> {
        &self.shared.requests
    }

    /// Of who sends them.
    pub(crate) fn door(&self) -> &door::Door {
        &self.shared.door
    }

    /// Of what they write.
    pub(crate) fn writes(&self) -> &storage::Writes {
        &self.shared.writes
    }

    /// Of the checks of health.
    pub(crate) fn checks(&self) -> &health::Checks {
        &self.shared.checks
    }

    /// Of the work queue of a controller.
    pub(crate) fn queue(&self, name: &str) -> QueueMetrics {
        self.shared.components.queue(name)
    }

    /// Counts a request of a component and how it was answered.
    pub(crate) fn asked(&self, host: &str, method: &str, code: &str, seconds: f64) {
        let components = &self.shared.components;
        components.requests.of([code, host, method]).increment();
        components.request_durations.of([host, method]).observe(seconds);
    }

    /// A component leads, or waits.
    pub fn stands(&self, component: &str, leads: bool) {
        self.shared.components.leaders.of([component]).set(i64::from(leads));
    }

    /// The text of everything.
    pub(crate) fn text(&self, storage: &Storage, format: Format) -> String {
        let mut text = Text::new(format);
        let Shared { requests, door, writes, components, schedulers, checks: _ } = &*self.shared;
        requests.write(&mut text);
        door.write(&mut text);
        writes.write(&mut text);
        storage::write_held(&mut text, storage);
        components.write(&mut text);
        schedulers.write(&mut text);
        write_build(&mut text);
        process::write(&mut text);
        text.finish()
    }

    /// The text of what `/metrics/slis` tells.
    pub(crate) fn health_text(&self, format: Format) -> String {
        let mut text = Text::new(format);
        self.shared.checks.write(&mut text);
        text.finish()
    }
}

/// What `/version` tells. Source: component-base/metrics/prometheus/version/metrics.go, v1.36.
fn write_build(text: &mut Text) {
    let version = apiserver::discovery::version();
    let labels = [
        ("build_date", "buildDate"),
        ("compiler", "compiler"),
        ("git_commit", "gitCommit"),
        ("git_tree_state", "gitTreeState"),
        ("git_version", "gitVersion"),
        ("go_version", "goVersion"),
        ("major", "major"),
        ("minor", "minor"),
        ("platform", "platform"),
    ];
    let labels = labels.map(|(label, field)| (label, version[field].as_str().unwrap_or_default()));
    let name = "kubernetes_build_info";
    text.family(name, Kind::Gauge, "1, with what the process was built from.");
    text.sample(name, &labels, 1);
}
