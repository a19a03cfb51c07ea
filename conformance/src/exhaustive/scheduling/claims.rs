//! The claims of `specs/scheduler.md`, each by its name.

use std::collections::BTreeMap;

use api::object::{at, text};
use api::{Key, Request, Timestamp, Verb};
use client::Outcome;
use client::reflector::WatchEvent;
use k8s_openapi::api::core::v1::Pod;
use scheduler::queue::Waits;
use scheduler::{Choice, Decision};
use serde_json::Value;

use super::api_server::ApiServer;
use super::replica::{Replica, Running};
use super::state::State;
use crate::sim::checks::{is_deleted, is_finished};

/// Claims that do not hold, each with why.
pub(super) type Broken = Vec<(&'static str, String)>;

/// What must hold in every state, and what can happen.
pub(super) fn stands(state: &mut State) {
    let mut broken = std::mem::take(&mut state.broken);
    let mut happened = std::mem::take(&mut state.happened);
    for running in state.replicas.iter().filter_map(|replica| replica.running.as_ref()) {
        counts_exactly(running, &mut broken);
        waits_in_one_place(running, &mut broken);
        let lost = running.dump.nodes.values().any(|node| !node.is_there && !node.pods.is_empty());
        happened.extend(lost.then_some("SCHEDULER-10"));
    }
    overbooked(state, (&mut broken, &mut happened));
    (state.broken, state.happened) = (broken, happened);
}

/// SCHEDULER-5, -6 and -8.
fn counts_exactly(running: &Running, broken: &mut Broken) {
    if running.has_panicked {
        broken.push(("SCHEDULER-8", "it panics".to_owned()));
    }
    let there = running.dump.nodes.iter().filter(|(_, node)| node.is_there);
    let there: Vec<&str> = there.map(|(name, _)| name.as_str()).collect();
    let shown = running.view.nodes.iter().filter_map(|node| node.metadata.name.as_deref());
    let shown: Vec<&str> = shown.collect();
    if there != shown {
        broken.push(("SCHEDULER-6", format!("it considers {there:?} and is shown {shown:?}")));
    }
    let mut expected: BTreeMap<Key, (String, String)> = BTreeMap::new();
    for pod in running.view.pods.iter().filter(|pod| !has_ended(pod)) {
        if let Some(node) = node_of(pod) {
            expected.insert(Key::of(&pod.metadata), (node.to_owned(), uid_of(pod).to_owned()));
        }
    }
    for (name, node) in &running.dump.nodes {
        for (key, counted) in &node.pods {
            let shown = expected.remove(key);
            let is_shown = shown.is_some_and(|shown| shown == (name.clone(), counted.uid.clone()));
            let waits = running.view.pods.get(key).filter(|pod| node_of(pod).is_none());
            let is_assumed =
                counted.is_assumed && waits.is_some_and(|pod| uid_of(pod) == counted.uid);
            if !is_shown && !is_assumed {
                broken.push(("SCHEDULER-5", format!("{key} counts on {name}")));
            }
        }
    }
    if let Some((key, (node, _))) = expected.first_key_value() {
        broken.push(("SCHEDULER-5", format!("{key} does not count on {node}")));
    }
}

/// SCHEDULER-11 and -12.
fn waits_in_one_place(running: &Running, broken: &mut Broken) {
    let queue = &running.dump.queue;
    for pod in running.view.pods.iter().filter(|pod| waits(pod)) {
        let key = Key::of(&pod.metadata);
        let is_assumed = running.assumed_on(&key, uid_of(pod)).is_some();
        let entry = queue.get(&key);
        let is_queued = entry.is_some_and(|entry| entry.waits != Waits::InFlight);
        if is_queued == is_assumed {
            broken.push(("SCHEDULER-11", format!("{key} waits as {entry:?}")));
        }
        let is_unschedulable =
            entry.is_some_and(|entry| matches!(entry.waits, Waits::Unschedulable(..)));
        if is_unschedulable && let Some(node) = running.node_with_room(pod) {
            broken.push(("SCHEDULER-12", format!("{key} is unschedulable, and {node} has room")));
        }
    }
    let is_shown = |key: &Key| running.view.pods.get(key).is_some_and(|pod| waits(pod));
    if let Some(key) = queue.keys().find(|key| !is_shown(key)) {
        broken.push(("SCHEDULER-11", format!("{key} is queued and does not wait")));
    }
}

/// SCHEDULER-1, -7, -26, -27; and -4, -28, -29, which can happen.
fn overbooked(state: &State, (broken, happened): (&mut Broken, &mut Vec<&'static str>)) {
    let api_server = &state.api_server;
    let mut bound: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for pod in api_server.pods().filter(|pod| !is_finished(pod)) {
        let (bound, running) = bound.entry(text(pod, &["spec", "nodeName"])).or_default();
        *bound += 1;
        *running += i64::from(text(pod, &["status", "phase"]) == "Running");
    }
    let past = state.past;
    let one_leads = state.story.leads_one;
    let changes_lead = state.story.schedulers > 1;
    for (node, (bound, running)) in bound {
        let Some(places) = api_server.places(node) else { continue };
        if running > places {
            broken.push(("SCHEDULER-27", format!("{running} pods run on {node}")));
        }
        if bound <= places {
            continue;
        }
        let why = format!("{bound} pods are bound to {node}");
        let is_steady = !past.crashed && one_leads;
        if is_steady && !past.lost_answer {
            broken.push(("SCHEDULER-7", why.clone()));
            if !past.lost_request {
                broken.push(("SCHEDULER-1", why.clone()));
                broken.extend(changes_lead.then_some(("SCHEDULER-26", why)));
            }
        }
        if !is_steady {
            happened.push(if changes_lead { "SCHEDULER-28" } else { "SCHEDULER-4" });
        }
    }
    let is_rejected =
        |pod: &Value| text(pod, &["status", "reason"]).starts_with("OutOf") && is_finished(pod);
    happened.extend(api_server.pods().any(is_rejected).then_some("SCHEDULER-29"));
}

/// SCHEDULER-2 and -25, when a request was performed.
pub(super) fn arrives(
    state: &mut State,
    (before, request): (&ApiServer, &Request),
    outcome: &Outcome,
) {
    if request.subresource != "binding" || outcome.is_err() {
        return;
    }
    let Some(found) = before.pod(&request.key.name) else { return };
    let named = request.body.as_ref().map_or("", |body| text(body, &["metadata", "uid"]));
    let uid = text(found, &["metadata", "uid"]);
    if uid != named {
        let why = format!("a Binding for {named} binds {uid}");
        state.broken.push(("SCHEDULER-2", why));
    }
    let node = text(found, &["spec", "nodeName"]);
    if !node.is_empty() {
        let why = format!("{} is bound again, from {node}", request.key);
        state.broken.push(("SCHEDULER-25", why));
    }
}

/// SCHEDULER-13 and -14, when a scheduler has heard something.
pub(super) fn hears(before: &State, after: &mut State, scheduler: usize) {
    let running = |state: &State| state.replicas[scheduler].running.clone();
    let (Some(was), Some(is)) = (running(before), running(after)) else { return };
    for (key, entry) in &was.dump.queue {
        let Some(now) = is.dump.queue.get(key) else { continue };
        let Some(pod) = is.view.pods.get(key) else { continue };
        let is_same = was.view.pods.get(key).is_some_and(|old| uid_of(old) == uid_of(pod));
        if !is_same {
            continue;
        }
        let may_help = is.may_help_since(&was, pod);
        let lost = was
            .dump
            .nominated
            .get(key)
            .is_some_and(|node| is.view.nodes.get(&Key::cluster(node)).is_none());
        let woken = !matches!(now.waits, Waits::Unschedulable(..));
        if matches!(entry.waits, Waits::Unschedulable(..)) && woken && !may_help && !lost {
            after.broken.push(("SCHEDULER-13", format!("{key} is woken by what helps nobody")));
        }
        let backs_off = |waits: Waits| matches!(waits, Waits::Backoff(until) if until > after.now);
        if backs_off(entry.waits) && !backs_off(now.waits) {
            after.broken.push(("SCHEDULER-14", format!("{key} does not back off any more")));
        }
    }
}

/// SCHEDULER-14, -16 to -20 and -23, when a scheduler has decided about a pod.
pub(super) fn decides(
    before: &State,
    after: &mut State,
    (scheduler, decision): (usize, &Decision),
) {
    let Some(was) = before.replicas[scheduler].running.clone() else { return };
    let Some(pod) = was.view.pods.get(&decision.pod) else { return };
    let mut broken = vec![];
    if is_too_early(&was, &decision.pod, before.now) {
        broken.push(("SCHEDULER-14", format!("{} is tried before its time", decision.pod)));
    }
    if let Choice::Bind { node, .. } = &decision.outcome
        && was.room_of(node) < 2
        && let Some(other) = was.nominated_above(node, pod)
        && !is_told_of(&before.replicas[scheduler], &other)
    {
        broken.push(("SCHEDULER-18", format!("{} takes what is kept for {other}", decision.pod)));
    }
    if matches!(decision.outcome, Choice::Unschedulable { .. })
        && was.unheard().any(|event| matches!(event, WatchEvent::Put(_)))
        && has_room(&before.api_server)
    {
        after.happened.push("SCHEDULER-16");
    }
    let victims: Vec<&Pod> = decision
        .requests
        .iter()
        .filter(|request| is_preemption(request))
        .filter_map(|request| was.view.pods.get(&request.key))
        .map(AsRef::as_ref)
        .collect();
    for victim in &victims {
        let key = Key::of(&victim.metadata);
        if priority(victim) >= priority(pod) {
            broken.push(("SCHEDULER-17", format!("{key} is as important as {}", decision.pod)));
        }
        if is_guarded(victim) {
            after.happened.push("SCHEDULER-23");
            if let Some(other) = was.unguarded_victim(pod) {
                broken.push(("SCHEDULER-19", format!("{key} is protected, and {other} is not")));
            }
        }
    }
    if !victims.is_empty()
        && let Some(node) = was.dump.nominated.get(&decision.pod)
        && let Some(other) = was.terminating_victim(node, pod)
    {
        broken.push(("SCHEDULER-20", format!("{other} terminates on {node} for it already")));
    }
    after.broken.extend(broken);
}

/// Whether a pod still backs off, and another is due, or its last attempt ended in an error.
fn is_too_early(running: &Running, pod: &Key, now: Timestamp) -> bool {
    let queue = &running.dump.queue;
    let is_due = queue.values().any(|other| matches!(other.waits, Waits::Active(_)));
    queue.get(pod).is_some_and(|entry| {
        let backs_off = matches!(entry.waits, Waits::Backoff(until) if until > now);
        backs_off && (is_due || entry.rejected_by.is_empty())
    })
}

/// SCHEDULER-3, -9, -15, -21, -22 and -30, where nothing can happen any more.
pub(super) fn at_end(state: &State) -> Broken {
    let mut broken = vec![];
    for pod in state.api_server.pods() {
        let name = text(pod, &["metadata", "name"]);
        let waits = at(pod, &["spec", "nodeName"]).is_none() && !is_deleted(pod);
        let preempts = state.story.end == "SCHEDULER-21"
            && text(pod, &["spec", "priorityClassName"]) == "high";
        if waits && (preempts || has_room(&state.api_server)) {
            broken.push((state.story.end, format!("{name} waits for ever")));
        }
        let nominated = text(pod, &["status", "nominatedNodeName"]);
        if !nominated.is_empty() && state.api_server.places(nominated).is_none() {
            broken.push(("SCHEDULER-22", format!("{name} is nominated to {nominated} for ever")));
        }
    }
    broken
}

/// Whether a Node has a place that no Pod has.
fn has_room(api_server: &ApiServer) -> bool {
    api_server.nodes().any(|node| {
        let name = text(node, &["metadata", "name"]);
        let on_it = |pod: &&Value| text(pod, &["spec", "nodeName"]) == name && !is_finished(pod);
        let taken = i64::try_from(api_server.pods().filter(on_it).count()).unwrap_or(i64::MAX);
        api_server.places(name).is_some_and(|places| taken < places)
    })
}

/// Whether something about a pod is on its way from a scheduler or to it: they may not think the same of it.
fn is_told_of(replica: &Replica, pod: &Key) -> bool {
    let unheard = replica.running.iter().flat_map(|running| running.unheard());
    let mut told = unheard.filter_map(|event| match event {
        WatchEvent::Put(object) | WatchEvent::Deleted(object) => Some(object.key()),
        WatchEvent::Bookmark(_) | WatchEvent::Expired => None,
    });
    told.any(|key| key == *pod) || replica.flights.iter().any(|flight| flight.pod == *pod)
}

/// Whether a request marks or deletes a victim.
fn is_preemption(request: &Request) -> bool {
    let body = request.body.as_ref();
    let conditions = body.and_then(|body| at(body, &["status", "conditions"])?.as_array());
    let marks = |one: &Value| one["type"] == "DisruptionTarget";
    request.verb == Verb::Delete || conditions.into_iter().flatten().any(marks)
}

pub(super) fn uid_of(pod: &Pod) -> &str {
    pod.metadata.uid.as_deref().unwrap_or_default()
}

pub(super) fn node_of(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}

pub(super) fn priority(pod: &Pod) -> i32 {
    pod.spec.as_ref().and_then(|spec| spec.priority).unwrap_or(0)
}

/// Whether the budget of the story protects it.
pub(super) fn is_guarded(pod: &Pod) -> bool {
    pod.metadata.name.as_deref() == Some("guarded")
}

fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Whether a scheduler is to find a node for it.
fn waits(pod: &Pod) -> bool {
    node_of(pod).is_none() && !has_ended(pod) && pod.metadata.deletion_timestamp.is_none()
}
