//! What a dashboard of Kubernetes reads at `/metrics`: names, types, and numbers that move by what was asked.

use std::collections::BTreeMap;

use http::header::{ACCEPT, CONTENT_TYPE};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::raw::Raw;
use crate::support::{Cluster, Outcome, ensure, eventually, trial};

/// The families, with their types. docs/metrics.md names the same.
const FAMILIES: &[(&str, &str)] = &[
    ("apiserver_client_certificate_expiration_seconds", "histogram"),
    ("apiserver_current_inflight_requests", "gauge"),
    ("apiserver_longrunning_requests", "gauge"),
    ("apiserver_request_duration_seconds", "histogram"),
    ("apiserver_request_sli_duration_seconds", "histogram"),
    ("apiserver_request_total", "counter"),
    ("apiserver_resource_objects", "gauge"),
    ("apiserver_response_sizes", "histogram"),
    ("apiserver_storage_objects", "gauge"),
    ("apiserver_storage_size_bytes", "gauge"),
    ("apiserver_tls_handshake_errors_total", "counter"),
    ("apiserver_watch_events_sizes", "histogram"),
    ("apiserver_watch_events_total", "counter"),
    ("authenticated_user_requests", "counter"),
    ("authentication_attempts", "counter"),
    ("authentication_duration_seconds", "histogram"),
    ("authorization_attempts_total", "counter"),
    ("authorization_duration_seconds", "histogram"),
    ("etcd_request_duration_seconds", "histogram"),
    ("etcd_requests_total", "counter"),
    ("kubernetes_build_info", "gauge"),
    ("leader_election_master_status", "gauge"),
    ("process_cpu_seconds_total", "counter"),
    ("process_max_fds", "gauge"),
    ("process_open_fds", "gauge"),
    ("process_resident_memory_bytes", "gauge"),
    ("process_start_time_seconds", "gauge"),
    ("process_virtual_memory_bytes", "gauge"),
    ("rest_client_request_duration_seconds", "histogram"),
    ("rest_client_requests_total", "counter"),
    ("scheduler_pending_pods", "gauge"),
    ("scheduler_pod_scheduling_attempts", "histogram"),
    ("scheduler_pod_scheduling_sli_duration_seconds", "histogram"),
    ("scheduler_schedule_attempts_total", "counter"),
    ("scheduler_scheduling_algorithm_duration_seconds", "histogram"),
    ("scheduler_scheduling_attempt_duration_seconds", "histogram"),
    ("workqueue_adds_total", "counter"),
    ("workqueue_depth", "gauge"),
    ("workqueue_longest_running_processor_seconds", "gauge"),
    ("workqueue_queue_duration_seconds", "histogram"),
    ("workqueue_retries_total", "counter"),
    ("workqueue_unfinished_work_seconds", "gauge"),
    ("workqueue_work_duration_seconds", "histogram"),
];

/// Those that are told only once something went wrong.
const FAMILIES_OF_TROUBLE: &[(&str, &str)] = &[
    ("apiserver_request_aborts_total", "counter"),
    ("apiserver_request_terminations_total", "counter"),
    ("etcd_request_errors_total", "counter"),
];

/// Those of `/metrics/slis`.
const FAMILIES_OF_HEALTH: &[(&str, &str)] =
    &[("kubernetes_healthcheck", "gauge"), ("kubernetes_healthchecks_total", "counter")];

const TEMPLATES: &str = "/api/v1/namespaces/default/podtemplates";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("requests_move_their_metrics_by_what_was_asked", moved),
        trial("metrics_are_called_as_upstream_calls_them", named),
        trial("metrics_are_written_in_the_form_that_is_asked_for", forms),
        trial("a_pod_that_is_bound_is_counted_by_the_scheduler", scheduled),
        trial("checks_of_health_are_counted", healthy),
    ]
}

/// The media type and the text of a page.
async fn page(client: &Client, path: &str, accept: &str) -> Result<(String, String), Failed> {
    let request = http::Request::get(path).header(ACCEPT, accept).body(Body::empty())?;
    let response = client.send(request).await?;
    let content_type = response.headers().get(CONTENT_TYPE).map(|value| value.to_str());
    let content_type = content_type.transpose()?.unwrap_or_default().to_owned();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((content_type, String::from_utf8(body.to_vec())?))
}

/// The samples of `/metrics`, by name and labels.
pub(crate) async fn samples(client: &Client) -> Result<BTreeMap<String, f64>, Failed> {
    let (_, text) = page(client, "/metrics", "text/plain").await?;
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').ok_or("a sample has a value")?;
            Ok((name.to_owned(), value.parse::<f64>()?))
        })
        .collect()
}

/// Names and types, in the order of the names.
fn families(text: &str) -> Vec<(&str, &str)> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut families: Vec<_> = types.filter_map(|line| line.split_once(' ')).collect();
    families.sort_unstable();
    families
}

fn template(name: &str) -> Value {
    let container = json!({"name": "a", "image": "busybox:1.35"});
    json!({"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": name},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}})
}

/// Three creations, two that are only tried, a refused one, a read of what is not there, a list, one of somebody unknown.
async fn ask(cluster: &Cluster, raw: &Raw) -> Outcome {
    for name in ["a", "b", "c"] {
        raw.post(TEMPLATES, &template(name)).await?;
    }
    for name in ["d", "d"] {
        raw.post(&format!("{TEMPLATES}?dryRun=All"), &template(name)).await?;
    }
    let (conflict, _) = raw.refused("POST", TEMPLATES, &template("a")).await?;
    let (missing, _) = raw.refused("GET", &format!("{TEMPLATES}/nope"), &Value::Null).await?;
    raw.get(TEMPLATES).await?;
    let nobody = Raw(nobody(cluster).await?);
    let (forbidden, _) = nobody.refused("GET", TEMPLATES, &Value::Null).await?;
    let codes = [conflict, missing, forbidden];
    ensure(codes == [409, 404, 403], format!("{codes:?}"))
}

/// A client that shows no certificate.
async fn nobody(cluster: &Cluster) -> Result<Client, Failed> {
    let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig())?;
    let options = KubeConfigOptions::default();
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    config.auth_info = AuthInfo::default();
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

/// All series of a name that have these labels.
fn sum(samples: &BTreeMap<String, f64>, name: &str, labels: &[&str]) -> f64 {
    let is_meant = |sample: &str| {
        let has = |label: &&str| sample.contains(*label);
        sample.split('{').next() == Some(name) && labels.iter().all(has)
    };
    samples.iter().filter(|(sample, _)| is_meant(sample)).map(|(_, value)| value).sum()
}

async fn moved() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let raw = Raw(cluster.client().await?);
    let before = samples(&raw.0).await?;

    ask(&cluster, &raw).await?;
    let after = samples(&raw.0).await?;
    raw.delete(TEMPLATES).await?;
    let deleted = samples(&raw.0).await?;

    let grown = |later: &BTreeMap<String, f64>, name: &str, labels: &[&str]| {
        sum(later, name, labels) - sum(&before, name, labels)
    };
    let templates = "resource=\"podtemplates\"";
    let post = "verb=\"POST\"";
    let lists = ["verb=\"LIST\"", "scope=\"namespace\"", templates];
    let mut wrong = vec![];
    for (name, labels, expected) in [
        ("apiserver_request_total", &[templates, post, "code=\"201\"", "dry_run=\"\""][..], 3.0),
        ("apiserver_request_total", &[templates, post, "code=\"201\"", "dry_run=\"All\""], 2.0),
        ("apiserver_request_total", &[templates, post, "code=\"409\""], 1.0),
        ("apiserver_request_total", &[templates, "verb=\"GET\"", "code=\"404\""], 1.0),
        ("apiserver_request_total", &[&lists[..], &["code=\"200\""]].concat(), 1.0),
        ("apiserver_request_total", &[&lists[..], &["code=\"403\""]].concat(), 1.0),
        ("apiserver_request_duration_seconds_count", &[templates, post], 6.0),
        ("apiserver_request_sli_duration_seconds_count", &[templates, post], 4.0),
        ("apiserver_response_sizes_count", &lists, 2.0),
        ("etcd_requests_total", &[templates, "operation=\"create\""], 3.0),
        ("etcd_request_duration_seconds_count", &[templates], 3.0),
        ("apiserver_resource_objects", &[templates], 3.0),
        ("apiserver_storage_objects", &[templates], 3.0),
        ("authorization_attempts_total", &["result=\"no-opinion\""], 1.0),
    ] {
        let found = grown(&after, name, labels);
        if found != expected {
            wrong.push(format!("{name} {labels:?} has grown by {found}, not {expected}"));
        }
    }
    ensure(wrong.is_empty(), format!("{wrong:#?}"))?;
    let deletions = [templates, "verb=\"DELETE\"", "scope=\"namespace\"", "code=\"200\""];
    let found = [
        grown(&deleted, "apiserver_request_total", &deletions),
        grown(&deleted, "etcd_requests_total", &[templates, "operation=\"delete\""]),
        grown(&deleted, "apiserver_resource_objects", &[templates]),
    ];
    ensure(found == [1.0, 3.0, 0.0], format!("after the deletion: {found:?}"))
}

async fn named() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let client = cluster.client().await?;
    bind(&Raw(client.clone())).await?;

    let (_, text) = page(&client, "/metrics", "").await?;

    let found: Vec<_> = families(&text);
    let usual: Vec<_> =
        found.iter().filter(|family| !FAMILIES_OF_TROUBLE.contains(family)).copied().collect();
    ensure(usual == FAMILIES, format!("{usual:#?}"))?;
    let all = [FAMILIES, FAMILIES_OF_TROUBLE, FAMILIES_OF_HEALTH].concat();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let page = std::fs::read_to_string(page)?;
    let told: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")).collect();
    let told: Vec<&str> = told.iter().filter_map(|line| line.split('`').next()).collect();
    let mut names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    ensure(told == names, format!("docs/metrics.md names {told:#?}"))
}

async fn forms() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let client = cluster.client().await?;

    for accept in ["", "*/*", "text/plain", "application/json"] {
        let (content_type, text) = page(&client, "/metrics", accept).await?;
        ensure(content_type == PLAIN, format!("{accept}: {content_type}"))?;
        ensure(text.contains("# TYPE apiserver_request_total counter\n"), &text)?;
        ensure(!text.contains("# EOF"), &text)?;
    }
    let (content_type, text) = page(&client, "/metrics", OPEN_METRICS).await?;
    ensure(content_type == OPEN_METRICS, &content_type)?;
    ensure(text.contains("# TYPE apiserver_request counter\n"), &text)?;
    ensure(text.ends_with("# EOF\n"), &text)
}

/// Creates a pod and waits until it has a node.
async fn bind(raw: &Raw) -> Outcome {
    let pods = "/api/v1/namespaces/default/pods";
    let container = json!({"name": "a", "image": "busybox:1.35"});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "counted"},
        "spec": {"containers": [container]}});
    eventually("a pod is admitted", || async {
        Ok(raw.send("POST", pods, &pod).await.is_ok().then_some(()))
    })
    .await?;
    eventually("the pod has a node, and its scheduler knows", || async {
        let samples = samples(&raw.0).await?;
        let bound = samples.get("scheduler_pod_scheduling_attempts_count");
        Ok(bound.filter(|count| **count >= 1.0).map(|_| ()))
    })
    .await
}

async fn scheduled() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let raw = Raw(cluster.client().await?);

    bind(&raw).await?;

    let samples = samples(&raw.0).await?;
    let mut wrong = vec![];
    let profile = "profile=\"default-scheduler\",result=\"scheduled\"";
    for (sample, expected) in [
        (format!("scheduler_schedule_attempts_total{{{profile}}}"), 1.0),
        (format!("scheduler_scheduling_attempt_duration_seconds_count{{{profile}}}"), 1.0),
        ("scheduler_scheduling_algorithm_duration_seconds_count".to_owned(), 1.0),
        ("scheduler_pod_scheduling_sli_duration_seconds_count{attempts=\"1\"}".to_owned(), 1.0),
        ("scheduler_pod_scheduling_attempts_sum".to_owned(), 1.0),
        ("scheduler_pending_pods{queue=\"active\"}".to_owned(), 0.0),
        ("leader_election_master_status{name=\"kube-scheduler\"}".to_owned(), 1.0),
        ("leader_election_master_status{name=\"kube-controller-manager\"}".to_owned(), 1.0),
    ] {
        let found = samples.get(&sample);
        if found != Some(&expected) {
            wrong.push(format!("{sample}: {found:?}, not {expected}"));
        }
    }
    ensure(wrong.is_empty(), format!("{wrong:#?}"))?;
    let sent =
        samples.get("rest_client_requests_total{code=\"201\",host=\"in-process\",method=\"POST\"}");
    ensure(sent.is_some_and(|count| *count >= 1.0), format!("requests of components: {sent:?}"))
}

async fn healthy() -> Outcome {
    let cluster = Cluster::simulated(&["--components", "api-server"])?;
    let client = cluster.client().await?;
    let count = async || -> Result<f64, Failed> {
        let (_, text) = page(&client, "/metrics/slis", "").await?;
        ensure(families(&text).iter().all(|family| FAMILIES_OF_HEALTH.contains(family)), &text)?;
        let sample =
            "kubernetes_healthchecks_total{name=\"etcd\",status=\"success\",type=\"livez\"} ";
        let line = text.lines().find_map(|line| line.strip_prefix(sample));
        Ok(line.map_or(Ok(0.0), str::parse)?)
    };
    let before = count().await?;

    page(&client, "/livez", "").await?;
    page(&client, "/livez?exclude=etcd", "").await?;
    page(&client, "/livez/etcd", "").await?;

    let grown = count().await? - before;
    ensure(grown == 1.0, format!("the check was counted {grown} times"))
}
