//! What the API server counts, in the names and labels of upstream's `/metrics`, as OpenMetrics text.
//!
//! Source: apiserver/pkg/endpoints/metrics/metrics.go, v1.36; of its metrics those that dashboards of API
//! servers show.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use apiserver::{Call, Target};
use http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use store::Store;

use crate::process;

/// The media type of the text.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of durations, in seconds.
const DURATIONS: [f64; 23] = [
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0,
    10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
];

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct About {
    component: &'static str,
    dry_run: &'static str,
    group: &'static str,
    resource: &'static str,
    scope: &'static str,
    subresource: &'static str,
    verb: &'static str,
    version: &'static str,
}

/// What a request is about, and how it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    code: u16,
    #[prometheus(flatten)]
    about: About,
}

/// `mutating` or `readOnly`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    request_kind: &'static str,
}

impl About {
    /// What a request is about.
    pub(crate) fn of(call: &Call) -> Self {
        let is_dry_run = call.parameters("dryRun").next().is_some();
        let target = match apiserver::route(&call.path) {
            Ok(Target::Objects(objects)) => Some(objects),
            Ok(_) | Err(_) => None,
        };
        let nothing = Self {
            component: "apiserver",
            dry_run: if is_dry_run { "All" } else { "" },
            group: "",
            resource: "",
            scope: "",
            subresource: "",
            verb: verb(call, false),
            version: "",
        };
        let Some(target) = target else { return nothing };
        let resource = target.served();
        let scope = match (&target.name, &target.namespace) {
            (Some(_), _) => "resource",
            (None, Some(_)) => "namespace",
            (None, None) => "cluster",
        };
        Self {
            group: resource.group,
            resource: resource.plural,
            scope: if call.method == Method::POST && scope == "cluster" {
                "resource"
            } else {
                scope
            },
            subresource: target.subresource,
            verb: verb(call, target.name.is_none()),
            version: resource.version,
            ..nothing
        }
    }
}

/// The verb as metrics have it.
fn verb(call: &Call, is_collection: bool) -> &'static str {
    match call.method {
        Method::GET if call.flag("watch") => "WATCH",
        Method::GET if is_collection => "LIST",
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH if call.content_type.starts_with("application/apply-patch") => "APPLY",
        Method::PATCH => "PATCH",
        Method::DELETE if is_collection => "DELETECOLLECTION",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// All that is counted; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Answered, Counter>,
    durations: Family<About, Histogram, fn() -> Histogram>,
    running: Family<Kind, Gauge>,
    watching: Family<About, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let requests = Family::default();
        let histogram: fn() -> Histogram = || Histogram::new(DURATIONS);
        let durations = Family::new_with_constructor(histogram);
        let (running, watching) = (Family::default(), Family::default());
        registry.register("apiserver_request", "Requests that were answered", requests.clone());
        let help = "How long answers took, in seconds; watches are not counted";
        registry.register("apiserver_request_duration_seconds", help, durations.clone());
        let help = "Requests that are being answered";
        registry.register("apiserver_current_inflight_requests", help, running.clone());
        let help = "Watches that are open";
        registry.register("apiserver_longrunning_requests", help, watching.clone());
        Self { registry: Arc::new(registry), requests, durations, running, watching }
    }
}

impl Metrics {
    /// Counts a request as running until what is returned is dropped or told the answer.
    pub(crate) fn begin(&self, call: &Call) -> Running {
        let is_mutating = !matches!(call.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let request_kind = if is_mutating { "mutating" } else { "readOnly" };
        let gauge = self.running.get_or_create(&Kind { request_kind }).clone();
        gauge.inc();
        Running { metrics: self.clone(), about: About::of(call), begun: Instant::now(), gauge }
    }

    /// The text of everything.
    pub(crate) fn text(&self, store: &Store) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        write_store(&mut text, store)?;
        process::write(&mut text)?;
        text.push_str("# EOF\n");
        Ok(text)
    }
}

/// How many objects the store holds of each resource.
fn write_store(text: &mut String, store: &Store) -> std::fmt::Result {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for found in store.iter() {
        let key = std::str::from_utf8(&found.key).unwrap_or_default();
        let folder = key.strip_prefix("/registry/").unwrap_or(key);
        *counts.entry(folder.split('/').next().unwrap_or_default()).or_default() += 1;
    }
    writeln!(
        text,
        "# HELP apiserver_storage_objects Objects by the folder that they are kept in."
    )?;
    writeln!(text, "# TYPE apiserver_storage_objects gauge")?;
    counts.iter().try_for_each(|(resource, count)| {
        writeln!(text, "apiserver_storage_objects{{resource=\"{resource}\"}} {count}")
    })
}

/// A request that is being answered.
pub(crate) struct Running {
    metrics: Metrics,
    about: About,
    begun: Instant,
    gauge: Gauge,
}

impl Running {
    /// Counts the answer.
    pub(crate) fn answered(self, code: u16) {
        self.metrics.requests.get_or_create(&Answered { code, about: self.about }).inc();
        if self.about.verb != "WATCH" {
            let took: Duration = self.begun.elapsed();
            self.metrics.durations.get_or_create(&self.about).observe(took.as_secs_f64());
        }
    }

    /// Counts a watch as open until what is returned is dropped.
    pub(crate) fn watching(&self) -> Watching {
        let gauge = self.metrics.watching.get_or_create(&self.about).clone();
        gauge.inc();
        Watching { gauge }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

/// A watch that is open.
pub(crate) struct Watching {
    gauge: Gauge,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: Method, path: &str, query: &[(&str, &str)]) -> Call {
        let query = query.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Call { method, path: path.to_owned(), query, ..Call::default() }
    }

    #[test]
    fn requests_are_counted_by_what_they_are_about() {
        let metrics = Metrics::default();
        let pods = "/api/v1/namespaces/a/pods";
        metrics.begin(&call(Method::GET, pods, &[])).answered(200);
        metrics.begin(&call(Method::GET, pods, &[])).answered(200);
        metrics
            .begin(&call(Method::PATCH, "/api/v1/namespaces/a/pods/b/status", &[]))
            .answered(404);

        let text = metrics.text(&Store::default()).unwrap();

        let labels = "component=\"apiserver\",dry_run=\"\",group=\"\",resource=\"pods\"";
        let lists = format!(
            "apiserver_request_total{{code=\"200\",{labels},scope=\"namespace\",subresource=\"\",verb=\"LIST\",version=\"v1\"}} 2"
        );
        let patches = format!(
            "apiserver_request_total{{code=\"404\",{labels},scope=\"resource\",subresource=\"status\",verb=\"PATCH\",version=\"v1\"}} 1"
        );
        for line in [lists, patches] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.contains("apiserver_request_duration_seconds_count"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn what_is_open_is_counted_while_it_is() {
        let metrics = Metrics::default();
        let open = |metrics: &Metrics| {
            let text = metrics.text(&Store::default()).unwrap();
            let of = |name: &str| {
                let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
                line.rsplit(' ').next().unwrap_or_default().to_owned()
            };
            (of("apiserver_longrunning_requests{"), of("apiserver_current_inflight_requests{"))
        };
        let running = metrics.begin(&call(Method::GET, "/api/v1/pods", &[("watch", "1")]));
        let watching = running.watching();

        let both = open(&metrics);
        running.answered(200);
        let one = open(&metrics);
        drop(watching);

        let numbers = |watches: &str, requests: &str| (watches.to_owned(), requests.to_owned());
        assert_eq!(both, numbers("1", "1"));
        assert_eq!(one, numbers("1", "0"));
        assert_eq!(open(&metrics), numbers("0", "0"));
    }
}
