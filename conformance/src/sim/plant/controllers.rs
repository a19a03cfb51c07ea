//! Faults of the controllers: what they are shown, what they send, what they are told.

use std::sync::Arc;

use api::{Request, Verb, resources};
use client::{Outcome, View};
use controllers::Controller;
use controllers::daemon_set::DaemonSetController;
use controllers::replica_set::ReplicaSetController;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use serde_json::json;

use super::Plant;

/// A controller that forgets what it expects before each reconciliation.
pub(crate) fn forgetful(plant: Plant, controller: &str) -> Option<Box<dyn Controller>> {
    match (plant, controller) {
        (Plant::ReplicaSetIgnoresExpectations, "replicaset-controller") => {
            Some(Box::new(ReplicaSetController::default()))
        }
        (Plant::DaemonSetIgnoresExpectations, "daemonset-controller") => {
            Some(Box::new(DaemonSetController::default()))
        }
        _ => None,
    }
}

/// What a controller sees instead of its caches.
pub(crate) fn seen(plant: Plant, controller: &str, view: &View) -> Option<View> {
    if plant != Plant::StatefulSetTakesPodsForReady || controller != "statefulset-controller" {
        return None;
    }
    let mut view = view.clone();
    let pods: Vec<Pod> = view.pods.iter().map(|pod| (**pod).clone()).collect();
    for mut pod in pods {
        let ready = PodCondition {
            type_: "Ready".to_owned(),
            status: "True".to_owned(),
            ..PodCondition::default()
        };
        let status = pod.status.get_or_insert_default();
        status.phase = Some("Running".to_owned());
        status.conditions = Some(vec![ready]);
        view.pods.insert(Arc::new(pod));
    }
    Some(view)
}

/// What a controller has planned, with the fault in it.
pub(crate) fn planned(plant: Plant, controller: &str, requests: &mut Vec<Request>) {
    match (plant, controller) {
        (Plant::JobsLeaveTheirFinalizers, "job-controller") => {
            requests.retain(|request| !is_about_pods(request, Verb::StrategicMergePatch));
        }
        (Plant::StatefulSetDeletesByForce, "statefulset-controller") => {
            let deletions =
                requests.iter_mut().filter(|request| is_about_pods(request, Verb::Delete));
            for body in deletions.filter_map(|request| request.body.as_mut()) {
                body["gracePeriodSeconds"] = json!(0);
            }
        }
        _ => {}
    }
}

fn is_about_pods(request: &Request, verb: Verb) -> bool {
    request.resource == &resources::PODS && request.verb == verb
}

/// What a controller believes without having asked.
pub(crate) fn believed(plant: Plant, controller: &str, request: &Request) -> Option<Outcome> {
    match (plant, controller, request.verb) {
        (Plant::NamespaceIsFinalizedUnasked, "namespace-controller", Verb::List) => {
            Some(Ok(json!({"items": []})))
        }
        _ => None,
    }
}
