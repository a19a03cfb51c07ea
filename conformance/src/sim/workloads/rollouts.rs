//! Deployments that are rolled out, while somebody takes the names of their ReplicaSets.
//!
//! Nobody scales them: a Deployment whose only ReplicaSet with Pods has the size that is wanted by chance, and was
//! scaled for another, is never rolled out again, here as upstream (`scale` in pkg/controller/deployment/sync.go,
//! v1.36).

use api::object::at;
use api::{Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::{Size, any, create, delete, key, name, owners, pod_spec, roll_out, uid};
use crate::sim::checks::{count, is_deleted};
use crate::sim::objects::{Objects, objects};
use crate::sim::random::Random;

pub(super) fn ask(store: &Store, random: &mut Random, size: Size) -> Option<Request> {
    let deployments = &resources::DEPLOYMENTS;
    match random.below(11) {
        0 | 1 => Some(create(deployments, "default", deployment(random, size))),
        2..=5 => roll_out(deployments, store, random),
        6 | 7 => take_name(store, random),
        8 if random.one_in(3) => {
            Some(delete(deployments, &any(store, deployments, random)?, "Background"))
        }
        // One ReplicaSet grows while the other shrinks: they need time.
        _ => None,
    }
}

fn deployment(random: &mut Random, size: Size) -> Value {
    let name = format!("site-{}", random.below(size.of(2)));
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": 1 + random.below(size.of(3)), "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod_spec()}}})
}

/// Keeps a ReplicaSet from its Deployment, which no longer selects it: its name is taken then.
fn take_name(store: &Store, random: &mut Random) -> Option<Request> {
    let sets = &resources::REPLICA_SETS;
    let set = any(store, sets, random)?;
    let patch = json!({"metadata": {"labels": {"app": "somebody"}}, "spec": {"replicas": 0}});
    Some(Request::merge_patch(sets, key(&set), patch))
}

/// DEPLOYMENT-8.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let sets = objects(store, &resources::REPLICA_SETS);
    let deployments = objects(store, &resources::DEPLOYMENTS);
    deployments.iter().find_map(|deployment| incomplete(deployment, &sets))
}

fn incomplete(deployment: &Value, sets: &Objects) -> Option<String> {
    let (name, wanted) = (name(deployment), count(deployment, &["spec", "replicas"]));
    let is_owned = |set: &&Value| owners(set).any(|owner| owner["uid"] == uid(deployment));
    let has_template = |set: &&Value| version(set) == version(deployment);
    let (new, old): (Vec<_>, Vec<_>) = sets.iter().filter(is_owned).partition(has_template);
    if let Some(old) = old.iter().find(|set| count(set, &["spec", "replicas"]) > 0) {
        return Some(format!("DEPLOYMENT-8: {name} keeps replicas of {}", super::name(old)));
    }
    let available = |set: &&Value| count(set, &["status", "availableReplicas"]);
    let available: i64 = new.iter().map(available).sum();
    let is_told = count(deployment, &["status", "updatedReplicas"]) == wanted;
    let is_complete = !new.is_empty() && available == wanted && is_told && !is_deleted(deployment);
    (!is_complete).then(|| {
        format!(
            "DEPLOYMENT-8: {name} has {available} available replicas of its template, of {wanted}"
        )
    })
}

/// What differs between the templates of a Deployment.
fn version(object: &Value) -> Option<&Value> {
    at(object, &["spec", "template", "metadata", "annotations", "version"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_complete_when_all_replicas_are_of_its_template() {
        let template = |version: &str| json!({"metadata": {"annotations": {"version": version}}});
        let deployment = json!({"metadata": {"name": "site", "uid": "1"},
            "spec": {"replicas": 1, "template": template("2")}, "status": {"updatedReplicas": 1}});
        let set = |version: &str, replicas: usize| {
            json!({"metadata": {"name": version, "ownerReferences": [{"uid": "1"}]},
                "spec": {"replicas": replicas, "template": template(version)},
                "status": {"availableReplicas": replicas}})
        };

        let why = |sets: &Objects| incomplete(&deployment, sets);

        assert_eq!(why(&[set("1", 0), set("2", 1)].into()), None);
        let keeps = "DEPLOYMENT-8: site keeps replicas of 1";
        assert_eq!(why(&[set("1", 1), set("2", 1)].into()).as_deref(), Some(keeps));
        let lacks = "DEPLOYMENT-8: site has 0 available replicas of its template, of 1";
        assert_eq!(why(&[set("1", 0)].into()).as_deref(), Some(lacks));
    }
}
