//! What a cluster keeps up by itself: rules of ClusterRoles, counts of ResourceQuotas, ranges of nodes and of Services,
//! and finished Jobs that ask to go.

pub(crate) mod ranges;

use std::collections::BTreeSet;

use api::object::{at, text};
use api::{ApiResource, Key, Request, Timestamp, resources};
use serde_json::{Value, json};
use store::Store;

use super::{Moment, any, create, delete, key, name, uid};
use crate::sim::checks::{count, is_deleted};
use crate::sim::objects::{Objects, objects};
use crate::sim::random::Random;

const ROLES: &ApiResource = &resources::CLUSTER_ROLES;
const QUOTAS: &ApiResource = &resources::RESOURCE_QUOTAS;
const MAPS: &ApiResource = &resources::CONFIG_MAPS;
const JOBS: &ApiResource = &resources::JOBS;

/// The role that has the rules of others.
const SUM: &str = "sum";
/// How long a finished Job stays.
const TTL_SECONDS: i64 = 5;

pub(super) fn ask(store: &Store, random: &mut Random) -> Vec<Request> {
    let missing = missing(store);
    if !missing.is_empty() {
        return missing;
    }
    let request = match random.below(4) {
        0 => ask_of_roles(random),
        1 => ask_of_maps(store, random),
        2 => ask_of_jobs(store, random),
        _ => ranges::ask(store, random),
    };
    request.into_iter().collect()
}

/// What there must be before anything can be kept up.
fn missing(store: &Store) -> Vec<Request> {
    let lacks = |resource: &ApiResource, wanted: &str| {
        !objects(store, resource).iter().any(|found| name(found) == wanted)
    };
    let role = lacks(ROLES, SUM).then(|| create(ROLES, "", sum()));
    let quota = lacks(QUOTAS, "few").then(|| create(QUOTAS, "default", quota()));
    role.into_iter().chain(quota).chain(ranges::missing(store)).collect()
}

pub(crate) fn sum() -> Value {
    let selector = json!({"matchLabels": {"to": SUM}});
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": SUM}, "aggregationRule": {"clusterRoleSelectors": [selector]},
        "rules": []})
}

pub(crate) fn quota() -> Value {
    json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "few", "namespace": "default"}, "spec": {"hard": {"configmaps": "4"}}})
}

/// A role whose rules others have too.
pub(crate) fn part(number: usize) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": format!("part-{number}"), "labels": {"to": SUM}},
        "rules": [rule(&format!("parts-{number}"))]})
}

fn rule(what: &str) -> Value {
    json!({"apiGroups": [""], "resources": [what], "verbs": ["get"]})
}

/// Somebody edits the rules of the sum.
pub(crate) fn edit(rules: &[&str]) -> Request {
    let rules: Vec<Value> = rules.iter().map(|what| rule(what)).collect();
    Request::merge_patch(ROLES, Key::cluster(SUM), json!({"rules": rules}))
}

fn ask_of_roles(random: &mut Random) -> Option<Request> {
    let number = random.below(3);
    Some(match random.below(4) {
        0 | 1 => create(ROLES, "", part(number)),
        2 => Request::delete(ROLES, Key::cluster(&format!("part-{number}")), "", json!({})),
        _ => edit(&["forged"][..random.below(2)]),
    })
}

pub(crate) fn counted(number: usize) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": format!("counted-{number}"), "namespace": "default"}})
}

fn ask_of_maps(store: &Store, random: &mut Random) -> Option<Request> {
    if random.one_in(2) {
        return Some(create(MAPS, "default", counted(random.below(4))));
    }
    let mut maps = objects(store, MAPS);
    maps.retain(|map| name(map).starts_with("counted-"));
    maps.any(random).map(|map| delete(MAPS, &map, "Background"))
}

/// A Job that is done as soon as it is there.
pub(crate) fn done(number: usize) -> Value {
    let spec = json!({"restartPolicy": "Never", "containers": super::pod_spec()["containers"]});
    json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": format!("done-{number}"), "namespace": "default"},
        "spec": {"completions": 0, "parallelism": 0, "ttlSecondsAfterFinished": TTL_SECONDS,
            "template": {"spec": spec}}})
}

/// Takes the wish back, or has it again.
pub(crate) fn wish(job: Key, ttl: &Value) -> Request {
    Request::merge_patch(JOBS, job, json!({"spec": {"ttlSecondsAfterFinished": ttl}}))
}

fn ask_of_jobs(store: &Store, random: &mut Random) -> Option<Request> {
    if random.one_in(2) {
        return Some(create(JOBS, "default", done(random.below(2))));
    }
    let job = any(store, JOBS, random).filter(is_done_at_once)?;
    let ttl = if random.one_in(3) { json!(TTL_SECONDS) } else { Value::Null };
    Some(wish(key(&job), &ttl))
}

fn is_done_at_once(job: &Value) -> bool {
    name(job).starts_with("done-")
}

/// The claim that a write breaks.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if moment.writes(QUOTAS) {
        return counts_too_little(moment);
    }
    if moment.writes(JOBS) && moment.is_by_controllers() {
        let [before, after] = [moment.before, moment.after].map(|store| objects(store, JOBS));
        return before.iter().find_map(|job| goes_unasked(job, (&after, moment.now)));
    }
    ranges::broken(moment)
}

/// QUOTA-1, on a count. What came before the first was in is charged by nobody.
fn counts_too_little(moment: &Moment<'_>) -> Option<String> {
    let (_, used_before, maps_before) = quota_of(moment.before)?;
    let (quota, used, maps) = quota_of(moment.after)?;
    (used_before >= maps_before && used < maps)
        .then(|| format!("QUOTA-1: {quota} says {used}, and there are {maps} ConfigMaps"))
}

/// A quota that has been counted: its name, what it says, and what there is.
fn quota_of(store: &Store) -> Option<(String, i64, i64)> {
    let quotas = objects(store, QUOTAS);
    let quota = quotas.iter().find(|quota| at(quota, &["status", "hard"]).is_some())?;
    let used = text(quota, &["status", "used", "configmaps"]).parse().ok()?;
    let mut maps = objects(store, MAPS);
    maps.retain(|map| text(map, &["metadata", "namespace"]) == "default");
    Some((name(quota).to_owned(), used, i64::try_from(maps.iter().count()).ok()?))
}

/// TTLAFTERFINISHED-1, on a Job that a controller deletes.
fn goes_unasked(job: &Value, (after, now): (&Objects, Timestamp)) -> Option<String> {
    let goes = !is_deleted(job)
        && after.iter().find(|found| uid(found) == uid(job)).is_none_or(is_deleted);
    let is_over = finished_at(job).is_some_and(|finished| {
        api::time::seconds_between(finished, now)
            >= count(job, &["spec", "ttlSecondsAfterFinished"])
    });
    (is_done_at_once(job) && goes && !(asks(job) && is_over))
        .then(|| format!("TTLAFTERFINISHED-1: {} is deleted too early", name(job)))
}

fn asks(job: &Value) -> bool {
    at(job, &["spec", "ttlSecondsAfterFinished"]).is_some_and(Value::is_number)
}

fn finished_at(job: &Value) -> Option<Timestamp> {
    let conditions = at(job, &["status", "conditions"]).and_then(Value::as_array);
    let complete = |one: &&Value| one["type"] == "Complete" && one["status"] == "True";
    let complete = conditions.into_iter().flatten().find(complete)?;
    text(complete, &["lastTransitionTime"]).parse().ok()
}

/// What is not kept up.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let roles = objects(store, ROLES);
    let rules = roles.iter().find(|role| name(role) == SUM).and_then(|sum| differs(sum, &roles));
    let quota = || {
        let (quota, used, maps) = quota_of(store)?;
        (used != maps).then(|| format!("QUOTA-3: {quota} says {used}, and there are {maps}"))
    };
    let stays = || {
        let jobs = objects(store, JOBS);
        let job = jobs.iter().find(|job| is_done_at_once(job) && asks(job) && !is_deleted(job));
        job.map(|job| format!("TTLAFTERFINISHED-3: {} stays", name(job)))
    };
    rules.or_else(quota).or_else(stays).or_else(|| ranges::unsettled(store))
}

/// AGGREGATION-3 and AGGREGATION-4.
fn differs(sum: &Value, roles: &Objects) -> Option<String> {
    let rules = |role: &Value| -> BTreeSet<String> {
        let rules = role["rules"].as_array().into_iter().flatten();
        rules.map(|rule| rule["resources"][0].as_str().unwrap_or_default().to_owned()).collect()
    };
    let parts = roles.iter().filter(|role| text(role, &["metadata", "labels", "to"]) == SUM);
    let wanted: BTreeSet<String> = parts.flat_map(rules).collect();
    let found = rules(sum);
    let lacks = wanted.difference(&found).next();
    let lacks = lacks.map(|rule| format!("AGGREGATION-3: {SUM} lacks the rules for {rule}"));
    // Who applies nothing takes nothing from others.
    let more = || found.difference(&wanted).next().filter(|_| !wanted.is_empty());
    lacks.or_else(|| more().map(|rule| format!("AGGREGATION-4: {SUM} has the rules for {rule}")))
}
