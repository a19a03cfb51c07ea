//! ConfigMaps and Secrets that own each other, some of which are not where it is said.

use std::collections::BTreeSet;

use api::object::text;
use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::{Moment, Size, create, delete, key, name, owners, uid};
use crate::sim::checks::is_deleted;
use crate::sim::objects::{Objects, objects};
use crate::sim::random::Random;

const MAPS: usize = 6;

/// A namespace from which no reference reaches the others.
const ELSEWHERE: &str = "kube-public";

pub(super) fn ask(store: &Store, random: &mut Random, size: Size) -> Option<Request> {
    match random.below(8) {
        0..=3 => {
            let kind = ["ConfigMap", "Secret"][random.below(2)];
            let namespace = if random.one_in(6) { ELSEWHERE } else { "default" };
            Some(create(
                resource_of(kind),
                namespace,
                map(kind, (store, namespace), (random, size)),
            ))
        }
        4 => {
            let maps = maps(store);
            let (map, owner) = (maps.any(random)?, maps.any(random)?);
            let patch = json!({"metadata": {"ownerReferences": [reference(&owner, random)]}});
            Some(Request::merge_patch(resource_of(kind(&map)), key(&map), patch))
        }
        _ => {
            let policy = ["Background", "Foreground", "Orphan"][random.below(3)];
            let map = maps(store).any(random)?;
            Some(delete(resource_of(kind(&map)), &map, policy))
        }
    }
}

fn resource_of(kind: &str) -> &'static ApiResource {
    if kind == "Secret" { &resources::SECRETS } else { &resources::CONFIG_MAPS }
}

fn kind(map: &Value) -> &str {
    text(map, &["kind"])
}

fn map(
    kind: &str,
    (store, namespace): (&Store, &str),
    (random, size): (&mut Random, Size),
) -> Value {
    let name = format!("owned-{}", random.below(size.of(MAPS)));
    let owner = maps(store).any(random).filter(|_| !random.one_in(3));
    let owners: Vec<Value> = owner.iter().map(|owner| reference(owner, random)).collect();
    json!({"apiVersion": "v1", "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "ownerReferences": owners}})
}

/// Names an owner, now and then by a name or a kind that it does not have.
fn reference(owner: &Value, random: &mut Random) -> Value {
    let (mut kind, mut name) = (kind(owner), name(owner));
    match random.below(12) {
        0 => name = "nobody",
        1 => kind = if kind == "Secret" { "ConfigMap" } else { "Secret" },
        _ => {}
    }
    json!({"apiVersion": "v1", "kind": kind, "name": name, "uid": uid(owner),
        "blockOwnerDeletion": random.one_in(2)})
}

/// Those that this workload makes.
fn maps(store: &Store) -> Objects {
    let mut maps = objects(store, &resources::CONFIG_MAPS);
    maps.extend(objects(store, &resources::SECRETS));
    maps.retain(|map| name(map).starts_with("owned-"));
    maps
}

/// The uids of owners that somebody has deleted in the foreground. Who then has second thoughts may come too
/// late for their dependents.
#[derive(Clone, Debug, Default)]
pub(super) struct Waited {
    uids: BTreeSet<String>,
}

impl Waited {
    /// GC-1 and GC-2, on everything of these that the controllers delete.
    pub(super) fn broken(&mut self, moment: &Moment<'_>) -> Option<String> {
        if !moment.writes(&resources::CONFIG_MAPS) && !moment.writes(&resources::SECRETS) {
            return None;
        }
        let waiting = maps(moment.after);
        let waiting = waiting.iter().filter(|map| waits_for_dependents(map));
        self.uids.extend(waiting.map(|map| uid(map).to_owned()));
        let collects = moment.is_by_controllers() && moment.event.action.starts_with("delete");
        let states = || (maps(moment.before), maps(moment.after));
        collects.then(states).and_then(|(before, after)| collected(&before, &after, &self.uids))
    }
}

fn collected(before: &Objects, after: &Objects, waited: &BTreeSet<String>) -> Option<String> {
    let goes = |map: &&Value| {
        let left = after.iter().find(|left| uid(left) == uid(map));
        !is_deleted(map) && left.is_none_or(is_deleted)
    };
    before.iter().filter(goes).find_map(|map| {
        if owners(map).next().is_none() {
            return Some(format!("GC-2: {} is collected, and has no owner", name(map)));
        }
        let lives = owners(map).find(|owner| {
            let is_there = before.iter().any(|found| is_meant(found, map, owner));
            is_there && !waited.contains(text(owner, &["uid"]))
        })?;
        Some(format!("GC-1: {} is collected, and its owner {} lives", name(map), lives["name"]))
    })
}

/// Whether this is the owner that a reference means: by uid, and at its coordinates.
fn is_meant(found: &Value, dependent: &Value, owner: &Value) -> bool {
    let Key { namespace, .. } = key(found);
    uid(found) == owner["uid"]
        && kind(found) == owner["kind"]
        && name(found) == owner["name"]
        && namespace == key(dependent).namespace
}

fn waits_for_dependents(map: &Value) -> bool {
    let mut finalizers = map["metadata"]["finalizers"].as_array().into_iter().flatten();
    is_deleted(map) && finalizers.any(|finalizer| finalizer == "foregroundDeletion")
}

/// Whether one waits for a circle of dependents. One that is closed only after all in it have begun to
/// wait is never opened again, here as upstream.
fn waits_for_circle(maps: &Objects, map: &Value, above: &mut Vec<String>) -> bool {
    if above.iter().any(|one| one == uid(map)) {
        return true;
    }
    above.push(uid(map).to_owned());
    let dependents = maps.iter().filter(|one| owners(one).any(|owner| owner["uid"] == uid(map)));
    let circle = dependents.into_iter().any(|one| waits_for_circle(maps, one, above));
    above.pop();
    circle
}

/// GC-7 and GC-8.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let maps = maps(store);
    maps.iter().find_map(|map| {
        if is_deleted(map) && !waits_for_circle(&maps, map, &mut vec![]) {
            return Some(format!("GC-8: {} is being deleted for ever", name(map)));
        }
        if is_deleted(map) {
            return None;
        }
        let absent = |owner: &Value| !maps.iter().any(|found| is_meant(found, map, owner));
        let all_absent = owners(map).next().is_some() && owners(map).all(absent);
        all_absent.then(|| {
            let (map, owner) = (name(map), owners(map).next().map(ToString::to_string));
            format!("GC-7: {map} stays, and its owner is gone: {}", owner.unwrap_or_default())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_lost_its_owners_is_collected() {
        let map = |name: &str, owners: &[&str]| {
            let owner = |owner: &&str| json!({"kind": "Secret", "name": owner, "uid": owner});
            let owners: Vec<Value> = owners.iter().map(owner).collect();
            json!({"kind": "Secret",
                "metadata": {"name": name, "uid": name, "namespace": "n", "ownerReferences": owners}})
        };
        let all =
            || Objects::from([map("free", &[]), map("owned", &["free"]), map("lost", &["gone"])]);
        let without = |lost: &str| {
            let mut kept = all();
            kept.retain(|map| name(map) != lost);
            kept
        };
        let before = all();
        let none = BTreeSet::new();

        let whys = ["free", "owned", "lost"].map(|name| collected(&before, &without(name), &none));

        let claims = whys.each_ref().map(|why| why.as_deref().map(|why| &why[..4]));
        assert_eq!(claims, [Some("GC-2"), Some("GC-1"), None]);
        let waited = BTreeSet::from(["free".to_owned()]);
        assert_eq!(collected(&before, &without("owned"), &waited), None);
    }
}
