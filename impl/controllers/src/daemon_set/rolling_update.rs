//! Replaces pods of old templates, so many at once.
//!
//! Source: rollingUpdate in pkg/controller/daemon/update.go (v1.36).

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{DaemonSetSpec, RollingUpdateDaemonSet};
use k8s_openapi::api::core::v1::Pod;

use super::by_node::Nodes;
use super::manage::Changes;
use crate::deployment::scaled_value;
use crate::pods;

/// The old and the new pod of a node that has at most one of each.
#[derive(Clone, Debug, Default)]
struct Pair {
    new: Option<Arc<Pod>>,
    old: Option<Arc<Pod>>,
}

/// The update strategy, where it is a rolling update.
fn strategy(spec: &DaemonSetSpec) -> Option<&RollingUpdateDaemonSet> {
    let strategy = spec.update_strategy.as_ref()?;
    let is_rolling = strategy.type_.as_deref() == Some("RollingUpdate");
    strategy.rolling_update.as_ref().filter(|_| is_rolling)
}

/// How many nodes of so many may have a second pod.
pub(super) fn surge(spec: &DaemonSetSpec, desired: usize) -> usize {
    let value = strategy(spec).and_then(|strategy| strategy.max_surge.as_ref());
    count(scaled_value(value, total(desired), true))
}

/// How many nodes of so many may be without an available pod. Where neither is allowed, one may.
fn unavailable(spec: &DaemonSetSpec, desired: usize) -> usize {
    let value = strategy(spec).and_then(|strategy| strategy.max_unavailable.as_ref());
    count(scaled_value(value, total(desired), true)).max(usize::from(desired > 0))
}

fn total(desired: usize) -> i32 {
    i32::try_from(desired).unwrap_or(i32::MAX)
}

fn count(value: i32) -> usize {
    usize::try_from(value).unwrap_or(0)
}

/// What is to be done about pods of old templates.
pub(super) fn rolling_update(nodes: &Nodes<'_>) -> Changes {
    if strategy(nodes.spec).is_none() {
        return Changes::default();
    }
    match surge(nodes.spec, nodes.desired()) {
        0 => replace(nodes, unavailable(nodes.spec, nodes.desired())),
        most => add(nodes, most),
    }
}

/// Each node that has pods or is to have one, with its pair; `None` where there are more.
fn pairs<'a>(nodes: &'a Nodes<'_>) -> impl Iterator<Item = (&'a str, Option<Pair>)> {
    let wanted = nodes.fits.keys().filter(|node| nodes.runs_on(node));
    let all: BTreeSet<&String> = wanted.chain(nodes.pods.keys()).collect();
    all.into_iter().map(|node| (node.as_str(), pair(nodes, node)))
}

fn pair(nodes: &Nodes<'_>, node: &str) -> Option<Pair> {
    let mut pair = Pair::default();
    for pod in nodes.on(node).iter().filter(|pod| !pods::is_terminating(pod)) {
        let slot = if nodes.is_updated(pod) { &mut pair.new } else { &mut pair.old };
        if slot.replace(Arc::clone(pod)).is_some() {
            return None;
        }
    }
    Some(pair)
}

/// Deletes old pods, so that only so many nodes are without an available one. Those that are not available
/// go in any case.
fn replace(nodes: &Nodes<'_>, unavailable_max: usize) -> Changes {
    let (mut unavailable, mut delete, mut candidates) = (0, vec![], vec![]);
    for (_, pair) in pairs(nodes) {
        match pair {
            Some(Pair { new: Some(new), old: None }) if nodes.is_available(&new) => {}
            Some(Pair { new: None, old: Some(old) }) if nodes.is_available(&old) => {
                candidates.push(old);
            }
            Some(Pair { new: None, old: Some(old) }) => {
                unavailable += 1;
                delete.push(old);
            }
            Some(_) | None => unavailable += 1,
        }
    }
    delete.extend(candidates.into_iter().take(unavailable_max.saturating_sub(unavailable)));
    Changes { delete, ..Changes::default() }
}

/// What a node does in an update that adds pods before it deletes any.
enum Step {
    /// It has more pods than it should, or its new pod is not available yet.
    Surges,
    /// It may get a new pod beside its available one.
    MayAdd,
    /// It gets a new pod: its old one is not available.
    Add,
    Delete(Arc<Pod>),
    /// Its pod is to go once enough others are available.
    MayDelete(Arc<Pod>),
    Stay,
}

fn step(nodes: &Nodes<'_>, node: &str, pair: Option<&Pair>) -> Step {
    match pair {
        None => Step::Surges,
        Some(Pair { old: None, .. }) => Step::Stay,
        Some(Pair { new: None, old: Some(old) }) => {
            match (nodes.is_available(old), nodes.runs_on(node)) {
                (false, false) => Step::Delete(Arc::clone(old)),
                (false, true) => Step::Add,
                (true, false) => Step::MayDelete(Arc::clone(old)),
                (true, true) => Step::MayAdd,
            }
        }
        Some(Pair { new: Some(new), .. }) if !nodes.is_available(new) => Step::Surges,
        Some(Pair { new: Some(_), old: Some(old) }) => Step::Delete(Arc::clone(old)),
    }
}

/// Adds new pods beside old ones, and deletes an old one once its successor is available.
fn add(nodes: &Nodes<'_>, surge_max: usize) -> Changes {
    let mut changes = Changes::default();
    let (mut surging, mut available, mut candidates, mut leaving) = (0, 0, vec![], vec![]);
    for (node, pair) in pairs(nodes) {
        let first = pair.as_ref().and_then(|pair| pair.old.as_ref().or(pair.new.as_ref()));
        available += usize::from(first.is_some_and(|pod| nodes.is_available(pod)));
        match step(nodes, node, pair.as_ref()) {
            Step::Surges => surging += 1,
            Step::MayAdd => candidates.push(node.to_owned()),
            Step::Add => changes.create.push(node.to_owned()),
            Step::Delete(pod) => changes.delete.push(pod),
            Step::MayDelete(pod) => leaving.push(pod),
            Step::Stay => {}
        }
    }
    changes.create.extend(candidates.into_iter().take(surge_max.saturating_sub(surging)));
    changes.delete.extend(leaving.into_iter().take(available.saturating_sub(nodes.desired())));
    changes
}
