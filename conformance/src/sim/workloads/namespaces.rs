//! Namespaces that are filled and deleted.

use api::{ApiResource, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::{Moment, create, delete, name, pod_spec};
use crate::sim::checks::is_deleted;
use crate::sim::random::Random;
use crate::sim::user::objects;

pub(super) fn ask(store: &Store, random: &mut Random) -> Option<Request> {
    let namespace = format!("team-{}", random.below(2));
    match random.below(8) {
        0 | 1 => {
            let object = json!({"apiVersion": "v1", "kind": "Namespace",
                "metadata": {"name": namespace}});
            Some(create(&resources::NAMESPACES, "", object))
        }
        2..=4 => {
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": format!("map-{}", random.below(3)), "namespace": namespace}});
            Some(create(&resources::CONFIG_MAPS, &namespace, object))
        }
        5 => {
            let object = json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "pod", "namespace": namespace}, "spec": pod_spec()});
            Some(create(&resources::PODS, &namespace, object))
        }
        _ => {
            let mut namespaces = objects(store, &resources::NAMESPACES);
            namespaces.retain(|found| name(found).starts_with("team-"));
            Some(delete(&resources::NAMESPACES, random.pick(&namespaces)?, "Background"))
        }
    }
}

/// NAMESPACE-1 and NAMESPACE-5.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if !moment.writes(&resources::NAMESPACES) {
        return None;
    }
    let before = objects(moment.before, &resources::NAMESPACES);
    let after = objects(moment.after, &resources::NAMESPACES);
    before.iter().find_map(|namespace| {
        let found = after.iter().find(|found| super::uid(found) == super::uid(namespace));
        match found {
            Some(found) if is_deleted(namespace) && !is_deleted(found) => {
                Some(format!("NAMESPACE-5: {} is not being deleted any more", name(found)))
            }
            Some(_) => None,
            None => outlives(moment.after, namespace),
        }
    })
}

fn outlives(store: &Store, namespace: &Value) -> Option<String> {
    let namespaced = resources::ALL.iter().filter(|resource| resource.namespaced);
    let left = |resource: &&ApiResource| {
        let mut objects = objects(store, resource).into_iter();
        objects.find(|object| object["metadata"]["namespace"] == namespace["metadata"]["name"])
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
