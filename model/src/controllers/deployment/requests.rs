//! What an API server sees of the Deployment controller and of those around it.
//!
//! The template is an annotation; the name of a ReplicaSet stands for the hash.

use super::objects::{Deployment, Set};
use super::{Action, Request as Asked, State};
use crate::request::{CURRENT, OUTDATED, Request, uid};
use serde_json::{Value, json};

const DEPLOYMENTS: &str = "deployments.apps";
const REPLICA_SETS: &str = "replicasets.apps";
const NAME: &str = "deployment";

pub(super) fn at_start(state: &State) -> Vec<Request> {
    let objects = state.store.now();
    let deployment = Request::create(DEPLOYMENTS, NAME, with_template(objects.deployment));
    let sets = objects.sets.into_iter().zip(0..);
    let sets = sets.filter_map(|(set, name)| Some(create_set(name, set?)));
    [deployment].into_iter().chain(sets).collect()
}

pub(super) fn request(before: &State, action: Action, after: &State) -> Option<Request> {
    match action {
        Action::Commit | Action::LoseAnswer => commit(before),
        Action::RunPod { set } | Action::StopPod { set } => report(set, after.set(set)?),
        Action::ChangeTemplate => {
            let body = with_template(after.store.now().deployment);
            Some(Request::patch(DEPLOYMENTS, NAME, body))
        }
        Action::CreateStranger => {
            let (before, after) = (before.store.now().sets, after.store.now().sets);
            let name = (0..after.len()).find(|name| before[*name] != after[*name])?;
            Some(create_set(name as u8, after[name]?))
        }
        Action::DeliverDeployment
        | Action::DeliverSet
        | Action::SyncDeployment
        | Action::LoseRequest
        | Action::Crash => None,
    }
}

fn commit(before: &State) -> Option<Request> {
    let objects = before.store.now();
    Some(match before.request {
        Asked::None => return None,
        Asked::Create { read, replicas } => {
            create_set(read.set_name(), Set::new(read.template, replicas))
        }
        Asked::Scale { name, read, replicas } => {
            let version = version(objects.sets[usize::from(name)] == Some(read));
            let body =
                json!({"metadata": {"resourceVersion": version}, "spec": {"replicas": replicas}});
            Request::update(REPLICA_SETS, name_of_set(name), body)
        }
        Asked::CountCollision { read } => {
            let version = version(objects.deployment == read);
            let status = json!({"collisionCount": (read.collision_count + 1).min(1)});
            let body = json!({"metadata": {"resourceVersion": version}, "status": status});
            Request::update(&format!("{DEPLOYMENTS}/status"), NAME, body)
        }
    })
}

fn create_set(name: u8, set: Set) -> Request {
    let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME,
        "uid": uid(1, DEPLOYMENTS, NAME), "controller": true}]);
    let owners = if set.owned { owner } else { Value::Null };
    let metadata = json!({"annotations": annotations(set.template), "ownerReferences": owners});
    let body = json!({"metadata": metadata, "spec": {"replicas": set.replicas}});
    Request::create(REPLICA_SETS, name_of_set(name), body)
}

/// The ReplicaSet controller says how many Pods are available.
fn report(name: u8, set: Set) -> Option<Request> {
    let status = json!({"replicas": set.available.max(set.replicas), "fullyLabeledReplicas": 0,
        "readyReplicas": set.available, "availableReplicas": set.available});
    let resource = format!("{REPLICA_SETS}/status");
    Some(Request::patch(&resource, name_of_set(name), json!({"status": status})))
}

fn with_template(deployment: Deployment) -> Value {
    let template = json!({"metadata": {"annotations": annotations(deployment.template)}});
    json!({"spec": {"template": template}})
}

fn annotations(template: u8) -> Value {
    json!({"template": template.to_string()})
}

fn version(is_current: bool) -> &'static str {
    if is_current { CURRENT } else { OUTDATED }
}

fn name_of_set(name: u8) -> String {
    format!("set-{name}")
}
