//! Namespaces that are filled and deleted.

use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::{Moment, Size, create, delete, name, pod_spec, uid};
use crate::sim::checks::is_deleted;
use crate::sim::objects::{Objects, objects};
use crate::sim::random::Random;

pub(super) fn ask(store: &Store, random: &mut Random, size: Size) -> Option<Request> {
    let namespace = format!("team-{}", random.below(size.of(2)));
    match random.below(8) {
        0 | 1 => {
            let object = json!({"apiVersion": "v1", "kind": "Namespace",
                "metadata": {"name": namespace}});
            Some(create(&resources::NAMESPACES, "", object))
        }
        2 | 3 => {
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": format!("map-{}", random.below(3)), "namespace": namespace}});
            Some(create(&resources::CONFIG_MAPS, &namespace, object))
        }
        4 => {
            let key = Key::new(&namespace, &format!("map-{}", random.below(3)));
            let object = json!({"data": {"version": random.below(100).to_string()}});
            Some(Request::apply(&resources::CONFIG_MAPS, key, ("kubectl", object)))
        }
        5 => {
            let object = json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "pod", "namespace": namespace}, "spec": pod_spec()});
            Some(create(&resources::PODS, &namespace, object))
        }
        _ => {
            let mut namespaces = objects(store, &resources::NAMESPACES);
            namespaces.retain(|found| name(found).starts_with("team-"));
            Some(delete(&resources::NAMESPACES, namespaces.any(random).as_ref()?, "Background"))
        }
    }
}

pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if !moment.writes(&resources::NAMESPACES) {
        return created_too_late(moment);
    }
    let before = objects(moment.before, &resources::NAMESPACES);
    let after = objects(moment.after, &resources::NAMESPACES);
    taken_back(&before, &after).or_else(|| {
        let is_gone = |one: &&Value| !after.iter().any(|found| uid(found) == uid(one));
        before.iter().filter(is_gone).find_map(|one| outlives(moment.after, one))
    })
}

/// NAMESPACE-1, on what is created when its namespace is gone.
fn created_too_late(moment: &Moment<'_>) -> Option<String> {
    let key = &moment.event.key;
    let namespace = key.split('/').rev().nth(1).filter(|_| key.split('/').count() == 3)?;
    let namespaces = objects(moment.after, &resources::NAMESPACES);
    let is_there = namespaces.iter().any(|found| name(found) == namespace);
    let is_homeless = moment.event.action == "create" && !is_there;
    is_homeless.then(|| format!("NAMESPACE-1: {key} is created, and {namespace} is gone"))
}

/// NAMESPACE-5.
fn taken_back(before: &Objects, after: &Objects) -> Option<String> {
    let is_alive =
        |one: &&Value| after.iter().any(|found| uid(found) == uid(one) && !is_deleted(found));
    let back = before.iter().filter(|one| is_deleted(one)).find(is_alive)?;
    Some(format!("NAMESPACE-5: {} is not being deleted any more", name(back)))
}

/// NAMESPACE-1.
fn outlives(store: &Store, namespace: &Value) -> Option<String> {
    let namespaced = resources::ALL.iter().filter(|resource| resource.namespaced);
    let left = |resource: &&ApiResource| {
        let objects = objects(store, resource);
        let mut objects = objects.iter();
        let is_left =
            |object: &&Value| object["metadata"]["namespace"] == namespace["metadata"]["name"];
        objects.find(is_left).cloned()
    };
    let (resource, object) =
        namespaced.copied().find_map(|resource| Some((resource, left(&resource)?)))?;
    let plural = resource.plural;
    Some(format!("NAMESPACE-1: {plural} {} outlives {}", name(&object), name(namespace)))
}

/// NAMESPACE-8.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let namespaces = objects(store, &resources::NAMESPACES);
    let stuck = namespaces.iter().find(|namespace| is_deleted(namespace))?;
    Some(format!("NAMESPACE-8: {} is being deleted for ever", name(stuck)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_namespace_is_not_taken_back() {
        let namespace = |uid: &str| json!({"metadata": {"name": "n", "uid": uid}});
        let mut going = namespace("1");
        going["metadata"]["deletionTimestamp"] = json!("1970-01-01T00:00:00Z");
        let going = Objects::from([going]);

        let why = taken_back(&going, &[namespace("1")].into());

        assert_eq!(why.as_deref(), Some("NAMESPACE-5: n is not being deleted any more"));
        assert_eq!(taken_back(&going, &going), None);
        assert_eq!(taken_back(&going, &[namespace("2")].into()), None);
    }
}
