//! What reaches each cache: every change that its watch selects, once, in order, of the right kind.

use std::collections::BTreeMap;

use api::trace::Event;

use super::log::{Change, Log, resource};
use super::refusal::{Allowed, Denial};
use crate::trace::Delivery;

/// One component, in one of its lives.
type Life = (String, u64);

/// How far one cache of a component has read.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    /// The revision up to which it has read.
    at: u64,
    /// The same before the newest delivery, which may not have been applied yet.
    before: u64,
    /// The place of the next change in the history of the resource.
    next: usize,
}

/// What a component had read at the least, when its newest revision was this.
#[derive(Clone, Copy, Debug)]
struct Seen {
    newest: u64,
    replica_sets: u64,
    pods: u64,
}

/// Between which revisions a component's caches were when it decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    /// The oldest and the newest that its ReplicaSets may have been.
    pub(super) replica_sets: [u64; 2],
    /// The oldest that its Pods may have been.
    pub(super) pods: u64,
}

#[derive(Clone, Debug, Default)]
struct Caches {
    cursors: BTreeMap<String, Cursor>,
    newest: u64,
    seen: Vec<Seen>,
}

/// The caches of all components.
#[derive(Clone, Debug, Default)]
pub(super) struct Watches {
    caches: BTreeMap<Life, Caches>,
}

impl Watches {
    /// Checks a delivery and brings the cache forward.
    pub(super) fn deliver(&mut self, log: &mut Log, delivery: Delivery, event: &Event) -> Allowed {
        let resource = resource(&event.key);
        let caches = self.caches.entry(life(event)).or_default();
        let cursor = match delivery {
            Delivery::Listed => Some(listed(log, caches.cursors.get(resource), resource, event)?),
            Delivery::Expired => None,
            Delivery::Bookmark => Some(bookmark(log, caches.listed(resource)?, resource, event)?),
            Delivery::Added | Delivery::Modified | Delivery::Deleted => {
                Some(change(log, caches.listed(resource)?, resource, delivery, event)?)
            }
        };
        if let Some(cursor) = cursor {
            caches.advance(resource, cursor);
        }
        Ok(())
    }

    /// No component decides on what it has not read.
    pub(super) fn check_observed(&self, event: &Event) -> Allowed {
        let newest = self.caches.get(&life(event)).map_or(0, |caches| caches.newest);
        if event.observed_rv > newest {
            let why = format!(
                "it decided on revision {}, but its caches have read up to {newest}",
                event.observed_rv
            );
            return Err(Denial::of("CACHE-1", why));
        }
        Ok(())
    }

    /// The revision up to which the sender's cache of a resource has read.
    pub(super) fn read(&self, event: &Event, resource: &str) -> Option<u64> {
        let cursor = self.caches.get(&life(event))?.cursors.get(resource)?;
        Some(cursor.at)
    }

    /// Between which revisions the sender's caches were when it decided.
    pub(super) fn decided_on(&self, event: &Event) -> Option<Read> {
        let caches = self.caches.get(&life(event))?;
        let newest = caches.cursors.get("replicasets")?.at;
        let first = caches.seen.partition_point(|seen| seen.newest < event.observed_rv);
        let seen = caches.seen.get(first)?;
        Some(Read { replica_sets: [seen.replica_sets, newest], pods: seen.pods })
    }
}

impl Caches {
    fn listed(&self, resource: &str) -> Allowed<Cursor> {
        let missing = || Denial::of("CACHE-1", format!("it has not listed {resource} yet"));
        self.cursors.get(resource).copied().ok_or_else(missing)
    }

    fn advance(&mut self, resource: &str, cursor: Cursor) {
        self.cursors.insert(resource.to_owned(), cursor);
        if cursor.at > self.newest {
            self.newest = cursor.at;
            let before = |resource| self.cursors.get(resource).map_or(0, |cursor| cursor.before);
            let (replica_sets, pods) = (before("replicasets"), before("pods"));
            self.seen.push(Seen { newest: self.newest, replica_sets, pods });
        }
    }
}

fn life(event: &Event) -> Life {
    (event.actor.clone(), event.incarnation)
}

fn listed(log: &mut Log, old: Option<&Cursor>, resource: &str, event: &Event) -> Allowed<Cursor> {
    log.shown(event.rv)?;
    let old = old.copied().unwrap_or_default();
    if event.rv < old.at {
        let why = format!("the list is of revision {}, it had read {} before", event.rv, old.at);
        return Err(Denial::of("CACHE-2", why));
    }
    let next = log.changes(resource).partition_point(|change| change.revision <= event.rv);
    Ok(Cursor { at: event.rv, before: old.at, next })
}

fn bookmark(log: &mut Log, old: Cursor, resource: &str, event: &Event) -> Allowed<Cursor> {
    log.shown(event.rv)?;
    let due = due(log, old, resource, event).map(|(_, change)| change);
    if let Some(missed) = due.filter(|change| change.revision <= event.rv) {
        let Change { revision, key, .. } = missed;
        let why = format!("the bookmark {} passes revision {revision} of {key}", event.rv);
        return Err(Denial::of("WATCH-2", why));
    }
    Ok(Cursor { at: old.at.max(event.rv), before: old.at, ..old })
}

fn change(
    log: &Log,
    old: Cursor,
    resource: &str,
    delivery: Delivery,
    event: &Event,
) -> Allowed<Cursor> {
    let denied = |why: String| Err(Denial::of("WATCH-1", why));
    let due = due(log, old, resource, event);
    // Objects that one request writes together have one revision.
    let goes_on = due.is_some_and(|(_, due)| due.revision == event.rv);
    if event.rv <= old.at && !goes_on {
        return denied(format!("revision {} comes after {} was delivered", event.rv, old.at));
    }
    let Some((place, due)) = due else {
        return denied(format!("nothing that it selects was written after revision {}", old.at));
    };
    if due.revision != event.rv {
        let (key, revision) = (&due.key, due.revision);
        return denied(format!("revision {revision} of {key} is next, not {}", event.rv));
    }
    if due.key != event.key || due.uid != event.uid {
        let (key, uid) = (&due.key, due.uid);
        return denied(format!("revision {} is of {key} with uid {uid}", event.rv));
    }
    let kind = kind(due, node_selector(event));
    if kind != delivery {
        return denied(format!("the change is {kind:?}, not {delivery:?}"));
    }
    Ok(Cursor { at: event.rv, before: old.at, next: place + 1 })
}

/// The next change that a watch selects, and its place.
fn due<'a>(
    log: &'a Log,
    cursor: Cursor,
    resource: &str,
    event: &Event,
) -> Option<(usize, &'a Change)> {
    let selects = |change: &Change| match node_selector(event) {
        Some(node) => change.nodes.iter().any(|name| name == node),
        None => true,
    };
    let changes = log.changes(resource).iter().enumerate().skip(cursor.next);
    changes.into_iter().find(|(_, change)| selects(change))
}

/// A kubelet watches the Pods whose `spec.nodeName` is its own; all others watch all of a resource.
fn node_selector(event: &Event) -> Option<&str> {
    event.actor.strip_prefix("kubelet/").filter(|_| resource(&event.key) == "pods")
}

/// A change as a watch with this selector tells it: what comes to be selected is added.
fn kind(change: &Change, node: Option<&str>) -> Delivery {
    let [before, _] = &change.nodes;
    match node {
        Some(node) if before != node && change.kind == Delivery::Modified => Delivery::Added,
        Some(_) | None => change.kind,
    }
}
