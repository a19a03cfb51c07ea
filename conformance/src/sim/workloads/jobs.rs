//! Jobs whose Pods succeed or fail, and which are deleted before they are done.

use std::collections::{BTreeMap, BTreeSet};

use api::object::{at, text};
use api::{Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::{Moment, Size, any, create, delete, key, name, owners, pod_spec, pods_of, uid};
use crate::sim::checks::{count, is_deleted, is_finished};
use crate::sim::objects::{Objects, objects};
use crate::sim::random::Random;

const FINALIZER: &str = "batch.kubernetes.io/job-tracking";

/// How many Pods of a Job may fail.
const BACKOFF_LIMIT: i64 = 2;

pub(super) fn ask(store: &Store, random: &mut Random, size: Size) -> Option<Request> {
    let resource = &resources::JOBS;
    match random.below(8) {
        0..=3 => Some(create(resource, "default", work(random, size))),
        4 => {
            let job = any(store, resource, random)?;
            let patch = json!({"spec": {"suspend": random.one_in(2)}});
            Some(Request::merge_patch(resource, key(&job), patch))
        }
        5 => {
            let policy = ["Background", "Foreground", "Orphan"][random.below(3)];
            Some(delete(resource, &any(store, resource, random)?, policy))
        }
        _ => Some(delete(&resources::PODS, &any(store, &resources::PODS, random)?, "Background")),
    }
}

fn work(random: &mut Random, size: Size) -> Value {
    let mut spec = pod_spec();
    spec["restartPolicy"] = json!("Never");
    let mode = if random.one_in(2) { "Indexed" } else { "NonIndexed" };
    json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": format!("work-{}", random.below(size.of(4))), "namespace": "default"},
        "spec": {"completions": 1 + random.below(size.of(3)), "parallelism": size.of(1 + random.below(2)),
            "completionMode": mode, "backoffLimit": BACKOFF_LIMIT, "template": {"spec": spec}}})
}

/// The Pods that have ended, by the uid of their Job.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended {
    by_job: BTreeMap<String, BTreeSet<String>>,
    /// Every Pod that there was, by the uid of its Job.
    created: BTreeMap<String, BTreeSet<String>>,
    /// Pods that were deleted before they were finished: they count as failed.
    deleted: BTreeSet<String>,
    /// Jobs of which such a Pod has succeeded after all.
    in_doubt: BTreeSet<String>,
}

impl Ended {
    pub(super) fn broken(&mut self, moment: &Moment<'_>) -> Option<String> {
        if moment.writes(&resources::PODS) {
            self.note(moment.before);
            self.note(moment.after);
            return objects(moment.after, &resources::JOBS)
                .iter()
                .find_map(|job| too_many_active(moment, job));
        }
        if !moment.writes(&resources::JOBS) {
            return None;
        }
        let before = objects(moment.before, &resources::JOBS);
        objects(moment.after, &resources::JOBS).iter().find_map(|job| {
            let earlier = before.iter().find(|earlier| uid(earlier) == uid(job));
            self.counted_twice(job)
                .or_else(|| self.counted_uncreated(job))
                .or_else(|| earlier.and_then(|earlier| goes_back(earlier, job)))
                .or_else(|| complete_too_early(job).filter(|_| !self.in_doubt.contains(uid(job))))
        })
    }

    /// A Pod has ended once it is finished, or is to be deleted.
    fn note(&mut self, store: &Store) {
        for pod in objects(store, &resources::PODS).iter() {
            for owner in owners(pod).filter(|owner| owner["kind"] == "Job") {
                let job = text(owner, &["uid"]).to_owned();
                self.created.entry(job).or_default().insert(uid(pod).to_owned());
            }
            if !is_finished(pod) && !is_deleted(pod) {
                continue;
            }
            if !is_finished(pod) {
                self.deleted.insert(uid(pod).to_owned());
            }
            for owner in owners(pod).filter(|owner| owner["kind"] == "Job") {
                let job = text(owner, &["uid"]).to_owned();
                if text(pod, &["status", "phase"]) == "Succeeded" && self.deleted.contains(uid(pod))
                {
                    self.in_doubt.insert(job.clone());
                }
                self.by_job.entry(job).or_default().insert(uid(pod).to_owned());
            }
        }
    }

    /// JOB-12.
    fn counted_uncreated(&self, job: &Value) -> Option<String> {
        let created = self.created.get(uid(job)).map_or(0, BTreeSet::len);
        let total = counted(job, "active") + ended(job);
        (i64::try_from(created).is_ok_and(|created| total > created)).then(|| {
            format!("JOB-12: {} counts {total} pods, of which {created} were created", name(job))
        })
    }

    /// JOB-1.
    fn counted_twice(&self, job: &Value) -> Option<String> {
        let total = ended(job);
        let ended = self.by_job.get(uid(job)).map_or(0, BTreeSet::len);
        (i64::try_from(ended).is_ok_and(|ended| total > ended)).then(|| {
            format!("JOB-1: {} counts {total} pods, of which {ended} have ended", name(job))
        })
    }
}

/// How many Pods a Job says have ended.
fn ended(job: &Value) -> i64 {
    let uncounted = |what: &str| {
        let names = at(job, &["status", "uncountedTerminatedPods", what]);
        names.and_then(Value::as_array).map_or(0, Vec::len)
    };
    let waiting = uncounted("succeeded") + uncounted("failed");
    let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
    counted(job, "succeeded") + counted(job, "failed") + waiting
}

fn counted(job: &Value, what: &str) -> i64 {
    count(job, &["status", what])
}

/// JOB-4.
fn too_many_active(moment: &Moment<'_>, job: &Value) -> Option<String> {
    if !moment.is_certain || moment.event.action != "create" {
        return None;
    }
    let pods = pods_of(moment.after, job);
    let active = pods.iter().filter(|pod| !is_finished(pod) && !is_deleted(pod)).count();
    let most = count(job, &["spec", "parallelism"]);
    (i64::try_from(active).is_ok_and(|active| active > most))
        .then(|| format!("JOB-4: {} has {active} active pods of {most}", name(job)))
}

/// JOB-5.
fn goes_back(before: &Value, after: &Value) -> Option<String> {
    ["succeeded", "failed"].into_iter().find_map(|what| {
        let (was, is) = (counted(before, what), counted(after, what));
        (is < was).then(|| format!("JOB-5: {} had {was} {what}, and now {is}", name(after)))
    })
}

/// JOB-6.
fn complete_too_early(job: &Value) -> Option<String> {
    let (succeeded, failed) = (counted(job, "succeeded"), counted(job, "failed"));
    let wanted = count(job, &["spec", "completions"]);
    if has_condition(job, "Complete") && succeeded < wanted {
        return Some(format!("JOB-6: {} is Complete with {succeeded} of {wanted}", name(job)));
    }
    (has_condition(job, "Failed") && failed <= BACKOFF_LIMIT && !has_deadline(job))
        .then(|| format!("JOB-6: {} is Failed with {failed} failed pods", name(job)))
}

/// Whether its time may be over before its Pods are.
fn has_deadline(job: &Value) -> bool {
    at(job, &["spec", "activeDeadlineSeconds"]).is_some()
}

fn has_condition(job: &Value, wanted: &str) -> bool {
    let conditions = job["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|one| one["type"] == wanted && one["status"] == "True")
}

/// JOB-10 and JOB-11.
fn kept(pod: &Value, jobs: &Objects) -> Option<String> {
    let mut finalizers = pod["metadata"]["finalizers"].as_array()?.iter();
    let has_job = owners(pod).any(|owner| jobs.iter().any(|job| owner["uid"] == uid(job)));
    let claim = if is_deleted(pod) { "JOB-11" } else { "JOB-10" };
    (finalizers.any(|finalizer| finalizer == FINALIZER) && (!has_job || is_deleted(pod)))
        .then(|| format!("{claim}: {} keeps its tracking finalizer", name(pod)))
}

/// JOB-9, JOB-10 and JOB-11. Of CronJobs some run always. A Job with a Pod on a dead Node waits until that Pod has
/// ended.
pub(super) fn unsettled(store: &Store, dead: &BTreeSet<&str>) -> Option<String> {
    let is_held = |pod: &Value| dead.contains(text(pod, &["spec", "nodeName"]));
    let jobs = objects(store, &resources::JOBS);
    let unfinished = |job: &Value| {
        if is_deleted(job) {
            return Some(format!("GC-8: job {} is being deleted for ever", name(job)));
        }
        let ends = ["Complete", "Failed"].into_iter().any(|end| has_condition(job, end));
        let rests = job["spec"]["suspend"] == true;
        let waits = pods_of(store, job).iter().any(is_held);
        (!ends && !rests && !waits && owners(job).next().is_none())
            .then(|| format!("JOB-9: {} neither completes nor fails", name(job)))
    };
    let pods = objects(store, &resources::PODS);
    let mut free = pods.iter().filter(|pod| !is_held(pod));
    free.find_map(|pod| kept(pod, &jobs)).or_else(|| jobs.iter().find_map(unfinished))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(status: &Value) -> Value {
        json!({"metadata": {"name": "j", "uid": "1"}, "spec": {"completions": 2}, "status": status})
    }

    #[test]
    fn a_job_counts_no_more_pods_than_have_ended() {
        let pods = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        let by_job = BTreeMap::from([("1".to_owned(), pods)]);
        let ended = Ended { by_job, ..Ended::default() };
        let counts = |succeeded, failed: &[&str]| {
            let status = json!({"succeeded": succeeded,
                "uncountedTerminatedPods": {"failed": failed}});
            ended.counted_twice(&job(&status))
        };

        assert_eq!(counts(1, &["b"]), None);
        let why = counts(2, &["b"]);
        assert_eq!(why.as_deref(), Some("JOB-1: j counts 3 pods, of which 2 have ended"));
    }

    #[test]
    fn a_job_counts_no_more_pods_than_were_created() {
        let created = BTreeMap::from([("1".to_owned(), BTreeSet::from(["a".to_owned()]))]);
        let seen = Ended { created, ..Ended::default() };
        let counts = |active, failed| {
            seen.counted_uncreated(&job(&json!({"active": active, "failed": failed})))
        };

        assert_eq!((counts(1, 0), counts(0, 1)), (None, None));
        let why = counts(1, 1);
        assert_eq!(why.as_deref(), Some("JOB-12: j counts 2 pods, of which 1 were created"));
    }

    #[test]
    fn counts_do_not_go_back() {
        let (two, one) = (job(&json!({"failed": 2})), job(&json!({"failed": 1})));

        let why = goes_back(&two, &one);

        assert_eq!(why.as_deref(), Some("JOB-5: j had 2 failed, and now 1"));
        assert_eq!(goes_back(&one, &two), None);
    }

    #[test]
    fn a_job_ends_with_what_it_was_asked_for() {
        let ends = |condition: &str, succeeded, failed| {
            let conditions = json!([{"type": condition, "status": "True"}]);
            complete_too_early(&job(
                &json!({"conditions": conditions, "succeeded": succeeded, "failed": failed}),
            ))
        };

        assert_eq!((ends("Complete", 2, 0), ends("Failed", 0, BACKOFF_LIMIT + 1)), (None, None));
        let early = ends("Complete", 1, 0);
        assert_eq!(early.as_deref(), Some("JOB-6: j is Complete with 1 of 2"));
        let early = ends("Failed", 0, BACKOFF_LIMIT);
        assert_eq!(early.as_deref(), Some("JOB-6: j is Failed with 2 failed pods"));
    }

    #[test]
    fn a_pod_keeps_its_finalizer_while_its_job_may_count_it() {
        let pod = json!({"metadata": {"name": "p", "finalizers": [FINALIZER],
            "ownerReferences": [{"uid": "1"}]}});
        let mut going = pod.clone();
        going["metadata"]["deletionTimestamp"] = json!("1970-01-01T00:00:00Z");
        let jobs = Objects::from([job(&Value::Null)]);

        assert_eq!(kept(&pod, &jobs), None);
        let why = kept(&pod, &Objects::from([]));
        assert_eq!(why.as_deref(), Some("JOB-10: p keeps its tracking finalizer"));
        let why = kept(&going, &jobs);
        assert_eq!(why.as_deref(), Some("JOB-11: p keeps its tracking finalizer"));
    }
}
