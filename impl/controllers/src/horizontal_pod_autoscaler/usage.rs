//! How many replicas would use as much of a resource as they are to.
//!
//! Source: pkg/controller/podautoscaler/replica_calculator.go (v1.36).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::Timestamp;
use api::quantity::Quantity;
use k8s_openapi::api::core::v1::{Container, Pod};

use super::metrics::PodMetric;
use crate::ownership::name;
use crate::{after_seconds, pods};

/// How long a pod that starts may use more than it will.
const CPU_INITIALIZATION_SECONDS: i64 = 300;
/// How long after its start a pod's first readiness may take.
const INITIAL_READINESS_SECONDS: i64 = 30;

type Metrics = BTreeMap<String, PodMetric>;

/// How much the pods are to use.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    /// Percent of what they request.
    Utilization(i32),
    /// Each, in thousandths.
    AverageValue(i64),
}

/// By what part the use may differ without any consequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tolerances {
    pub(super) scale_down: f64,
    pub(super) scale_up: f64,
}

impl Tolerances {
    fn are_kept(self, ratio: f64) -> bool {
        (1.0 - self.scale_down..=1.0 + self.scale_up).contains(&ratio)
    }
}

/// What is measured against what.
pub(super) struct Question<'a> {
    pub(super) current_replicas: i32,
    pub(super) resource: &'a str,
    /// Empty for all containers.
    pub(super) container: &'a str,
    pub(super) target: Target,
    pub(super) tolerances: Tolerances,
    pub(super) now: Timestamp,
}

/// How many replicas there should be, and what they use now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Proposal {
    pub(super) replicas: i32,
    /// Percent of what they request, where that is what counts.
    pub(super) utilization: Option<i32>,
    /// Each, in thousandths.
    pub(super) average: i64,
}

/// The use, as a part of what it is to be.
struct Usage {
    ratio: f64,
    utilization: Option<i32>,
    average: i64,
}

/// Answers a question about these pods.
pub(super) fn propose(
    question: &Question<'_>,
    (pods, mut metrics): (&[Arc<Pod>], Metrics),
) -> Result<Proposal, String> {
    if pods.is_empty() {
        return Err("no pods returned by selector while calculating replica count".to_owned());
    }
    let groups = Groups::of(pods, &metrics, question);
    metrics.retain(|name, _| !groups.ignored.contains(name) && !groups.unready.contains(name));
    if metrics.is_empty() {
        let error = "did not receive metrics for targeted pods (pods might be unready)";
        return Err(error.to_owned());
    }
    let requests = match question.target {
        Target::Utilization(_) => requests(pods, question)?,
        Target::AverageValue(_) => BTreeMap::new(),
    };
    let usage = usage(&metrics, &requests, question.target)?;
    let replicas = replicas(question, (&groups, metrics), (&requests, &usage))?;
    Ok(Proposal { replicas, utilization: usage.utilization, average: usage.average })
}

fn replicas(
    question: &Question<'_>,
    (groups, mut metrics): (&Groups, Metrics),
    (requests, usage): (&BTreeMap<String, i64>, &Usage),
) -> Result<i32, String> {
    let (ratio, current) = (usage.ratio, question.current_replicas);
    let counts_unready = !groups.unready.is_empty() && ratio > 1.0;
    if !counts_unready && groups.missing.is_empty() {
        let is_kept = question.tolerances.are_kept(ratio);
        return Ok(if is_kept { current } else { ceil(ratio, groups.ready) });
    }
    // What is not known is taken to be what speaks against a change.
    for name in &groups.missing {
        let value = match question.target {
            _ if ratio > 1.0 => 0,
            Target::Utilization(target) => {
                requests.get(name).copied().unwrap_or(0) * i64::from(target.max(100)) / 100
            }
            Target::AverageValue(target) => target,
        };
        if ratio != 1.0 {
            metrics.insert(name.clone(), PodMetric { value, ..PodMetric::default() });
        }
    }
    if counts_unready {
        let nothing = groups.unready.iter().map(|name| (name.clone(), PodMetric::default()));
        metrics.extend(nothing);
    }
    let new = self::usage(&metrics, requests, question.target)?.ratio;
    let turns = (ratio < 1.0 && new > 1.0) || (ratio > 1.0 && new < 1.0);
    let proposed = ceil(new, metrics.len());
    let contradicts = (new < 1.0 && proposed > current) || (new > 1.0 && proposed < current);
    let is_kept = question.tolerances.are_kept(new) || turns || contradicts;
    Ok(if is_kept { current } else { proposed })
}

fn ceil(ratio: f64, count: usize) -> i32 {
    (ratio * count as f64).ceil() as i32
}

fn usage(
    metrics: &Metrics,
    requests: &BTreeMap<String, i64>,
    target: Target,
) -> Result<Usage, String> {
    let is_known = |name: &String| match target {
        Target::Utilization(_) => requests.contains_key(name),
        Target::AverageValue(_) => true,
    };
    let known = || metrics.iter().filter(|(name, _)| is_known(name));
    let total: i64 = known().map(|(_, metric)| metric.value).sum();
    let count = i64::try_from(known().count()).unwrap_or(i64::MAX).max(1);
    match target {
        Target::Utilization(target) => {
            let requested: i64 = known().filter_map(|(name, _)| requests.get(name)).sum();
            let percent = (total * 100).checked_div(requested);
            let percent = percent.ok_or("no metrics returned matched known pods")?;
            let utilization = i32::try_from(percent).unwrap_or(i32::MAX);
            let ratio = f64::from(utilization) / f64::from(target);
            Ok(Usage { ratio, utilization: Some(utilization), average: total / count })
        }
        Target::AverageValue(target) => {
            let average = total / count;
            let ratio = average as f64 / target as f64;
            Ok(Usage { ratio, utilization: None, average })
        }
    }
}

/// The pods, by what is known of them.
#[derive(Debug, Default)]
struct Groups {
    ready: usize,
    unready: BTreeSet<String>,
    missing: BTreeSet<String>,
    ignored: BTreeSet<String>,
}

impl Groups {
    fn of(pods: &[Arc<Pod>], metrics: &Metrics, question: &Question<'_>) -> Self {
        let mut groups = Self::default();
        for pod in pods {
            let name = name(&pod.metadata).to_owned();
            if pods::is_terminating(pod) || pods::phase(pod) == "Failed" {
                groups.ignored.insert(name);
            } else if pods::phase(pod) == "Pending" {
                groups.unready.insert(name);
            } else if let Some(metric) = metrics.get(&name) {
                if question.resource == "cpu" && is_unready(pod, metric, question.now) {
                    groups.unready.insert(name);
                } else {
                    groups.ready += 1;
                }
            } else {
                groups.missing.insert(name);
            }
        }
        groups
    }
}

/// Whether what a pod uses says nothing, because it starts.
fn is_unready(pod: &Pod, metric: &PodMetric, now: Timestamp) -> bool {
    let status = pod.status.as_ref();
    let started = status.and_then(|status| status.start_time.as_ref()).map(|time| time.0);
    let (Some(ready), Some(started)) = (pods::condition(pod, "Ready"), started) else {
        return true;
    };
    let changed = ready.last_transition_time.as_ref().map_or(Timestamp::MIN, |time| time.0);
    let is_false = ready.status == "False";
    if after_seconds(started, CPU_INITIALIZATION_SECONDS) > now {
        let window = std::time::Duration::from_millis(metric.window_milliseconds.unsigned_abs());
        let measurable = changed.checked_add(window).unwrap_or(Timestamp::MAX);
        is_false || metric.timestamp < measurable
    } else {
        is_false && after_seconds(started, INITIAL_READINESS_SECONDS) > changed
    }
}

/// What each pod requests, in thousandths.
fn requests(pods: &[Arc<Pod>], question: &Question<'_>) -> Result<BTreeMap<String, i64>, String> {
    let request = |pod: &Arc<Pod>| Ok((name(&pod.metadata).to_owned(), request(pod, question)?));
    pods.iter().map(request).collect()
}

fn request(pod: &Pod, question: &Question<'_>) -> Result<i64, String> {
    let (resource, pod_name) = (question.resource, name(&pod.metadata));
    let spec = pod.spec.as_ref();
    let of_pod = spec.and_then(|spec| spec.resources.as_ref()?.requests.as_ref());
    if let Some(requests) = of_pod.filter(|_| question.container.is_empty()) {
        let request = requests.get(resource).and_then(|request| milli(&request.0));
        return request
            .ok_or_else(|| format!("missing pod-level request for {resource} in Pod {pod_name}"));
    }
    let restarts = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
    let sidecars = spec.and_then(|spec| spec.init_containers.as_ref()).into_iter().flatten();
    let containers = spec.into_iter().flat_map(|spec| &spec.containers);
    let meant: Vec<&Container> = containers
        .chain(sidecars.filter(restarts))
        .filter(|found| question.container.is_empty() || found.name == question.container)
        .collect();
    if meant.is_empty() && !question.container.is_empty() {
        return Err(format!("container {} not found in Pod {pod_name}", question.container));
    }
    let requests = meant.into_iter().map(|container| {
        let requests = container.resources.as_ref().and_then(|found| found.requests.as_ref());
        let request = requests.and_then(|requests| milli(&requests.get(resource)?.0));
        let container = &container.name;
        request.ok_or_else(|| {
            format!("missing request for {resource} in container {container} of Pod {pod_name}")
        })
    });
    requests.sum()
}

fn milli(quantity: &str) -> Option<i64> {
    Quantity::parse(quantity).ok().map(Quantity::milli)
}
