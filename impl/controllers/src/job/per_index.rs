//! What an Indexed Job knows of each index: whether it has a pod, how often it failed, when it may be tried
//! again.
//!
//! Source: pkg/controller/job/indexed_job_utils.go (v1.36). A failed pod keeps its finalizer until the pod
//! that replaces it is made, because that one counts on from the failures that its annotations say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::Timestamp;
use k8s_openapi::api::core::v1::Pod;

use super::backoff::{end_of, finished_at};
use super::indexes;
use super::pass::Pass;
use super::{policies, template};
use crate::pods;

const FAILURE_COUNT: &str = "batch.kubernetes.io/job-index-failure-count";
const IGNORED_FAILURE_COUNT: &str = "batch.kubernetes.io/job-index-ignored-failure-count";

/// How many pods of this index have failed before this one, and counted.
pub(super) fn failures(pod: &Pod) -> i32 {
    annotation(pod, FAILURE_COUNT)
}

fn all_failures(pod: &Pod) -> i32 {
    failures(pod).saturating_add(annotation(pod, IGNORED_FAILURE_COUNT))
}

fn annotation(pod: &Pod, name: &str) -> i32 {
    let annotations = pod.metadata.annotations.as_ref();
    let value = annotations.and_then(|annotations| annotations.get(name));
    value.and_then(|value| value.parse().ok()).filter(|count| *count >= 0).unwrap_or(0)
}

/// The failed pods that stay until they are replaced, the last one of each index.
pub(super) fn delayed(pass: &Pass<'_>) -> BTreeMap<i32, Arc<Pod>> {
    let active = of_all(pass.active.iter());
    let mut delayed: BTreeMap<i32, Arc<Pod>> = BTreeMap::new();
    let failed = pass.seen.pods.iter().filter(|pod| pass.is_tracked(pod) && pass.is_failed(pod));
    for pod in failed {
        let Some(index) = pass.index(pod) else { continue };
        let has_failed = pass.failed_indexes.as_ref().is_some_and(|failed| failed.has(index));
        if has_failed || pass.succeeded_indexes.has(index) || active.contains(&index) {
            continue;
        }
        let order = |pod: &Pod| (all_failures(pod), finished_at(pod));
        if delayed.get(&index).is_none_or(|last| order(last) <= order(pod)) {
            delayed.insert(index, Arc::clone(pod));
        }
    }
    delayed
}

fn of_all<'a>(pods: impl Iterator<Item = &'a Arc<Pod>>) -> BTreeSet<i32> {
    pods.filter_map(|pod| indexes::of(pod)).collect()
}

/// Splits active pods, least missed first, into those that must go and those that may stay: one of each
/// index that the Job has.
pub(super) fn duplicates(pass: &Pass<'_>, ranked: Vec<Arc<Pod>>) -> (Vec<Arc<Pod>>, Vec<Arc<Pod>>) {
    let best: BTreeMap<i32, String> = ranked
        .iter()
        .filter_map(|pod| Some((pass.index(pod)?, pod.metadata.name.clone()?)))
        .collect();
    ranked.into_iter().partition(|pod| {
        let kept = pass.index(pod).and_then(|index| best.get(&index));
        kept != pod.metadata.name.as_ref()
    })
}

/// The first indexes that have no pod and have not ended.
pub(super) fn pending(pass: &Pass<'_>, count: usize) -> Vec<i32> {
    let mut taken = pass.succeeded_indexes.with(of_all(pass.active.iter()));
    if pass.replaces_only_failed() {
        let terminating = pass.seen.pods.iter();
        let terminating =
            terminating.filter(|pod| pods::is_terminating(pod) && !pods::is_finished(pod));
        taken = taken.with(of_all(terminating));
    }
    if let Some(failed) = &pass.failed_indexes {
        taken = taken.union(failed);
    }
    taken.first_missing(count, pass.completions())
}

/// The indexes whose wait is over; when there is none, when the first one's is.
pub(super) fn due(pass: &Pass<'_>, indexes: Vec<i32>) -> Result<Vec<i32>, Timestamp> {
    let end = |index: &i32| {
        let failed = pass.delayed.get(index)?;
        let failures = u32::try_from(all_failures(failed)).unwrap_or(0).saturating_add(1);
        end_of(failures, finished_at(failed)).filter(|end| *end > pass.seen.now)
    };
    let first_end = indexes.iter().filter_map(end).min();
    let due: Vec<i32> = indexes.into_iter().filter(|index| end(index).is_none()).collect();
    match first_end {
        Some(when) if due.is_empty() => Err(when),
        Some(_) | None => Ok(due),
    }
}

/// The pod of an index, which counts on from the one that it replaces.
pub(super) fn pod(pass: &Pass<'_>, index: i32) -> Pod {
    let mut pod = template::indexed_pod(pass.seen.job, pass.seen.spec, index);
    if pass.failed_indexes.is_none() {
        return pod;
    }
    let (mut counted, mut ignored) = (0, 0);
    if let Some(failed) = pass.delayed.get(&index) {
        let counts = policies::of_failed(pass.seen.spec, failed).is_counted();
        counted = failures(failed) + i32::from(counts);
        ignored = annotation(failed, IGNORED_FAILURE_COUNT) + i32::from(!counts);
    }
    let annotations = pod.metadata.annotations.get_or_insert_default();
    annotations.insert(FAILURE_COUNT.to_owned(), counted.to_string());
    if ignored > 0 {
        annotations.insert(IGNORED_FAILURE_COUNT.to_owned(), ignored.to_string());
    }
    pod
}
