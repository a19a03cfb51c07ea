//! What the node lifecycle controller hears and plans, with a fault in it.

use api::{AnyObject, Request, resources};
use client::Change;
use serde_json::{Value, json};

use super::Plant;
use crate::sim::workloads::nodes::{evicts, is_lost};

const CONTROLLER: &str = "node-lifecycle-controller";

/// Whether the controller hears of a change.
pub(super) fn is_heard(plant: Plant, controller: &str, change: &Change) -> bool {
    let is_deaf = plant == Plant::NodeLifecycleTakesNodesForReady && controller == CONTROLLER;
    let Some(AnyObject::Node(node)) = change.new.as_ref().filter(|_| is_deaf) else { return true };
    let mut conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.any(|one| one.type_ == "Ready" && one.status == "True")
}

/// What the controller has planned, with the fault in it.
pub(super) fn planned(plant: Plant, controller: &str, requests: &mut Vec<Request>) {
    if controller != CONTROLLER {
        return;
    }
    if plant == Plant::NodeLifecycleEvictsAtOnce {
        requests.iter_mut().filter_map(taints).for_each(evict);
    }
    if plant == Plant::NodeLifecycleTaintsNobody {
        requests.retain(|request| {
            taints(&mut request.clone()).is_none_or(|all| !all.iter().any(evicts))
        });
    }
    if plant == Plant::NodeLifecycleKeepsTaints {
        requests.retain(|request| taints(&mut request.clone()).is_none_or(|all| !spares(all)));
    }
}

/// The taints that a request gives a Node.
fn taints(request: &mut Request) -> Option<&mut Vec<Value>> {
    let body = request.body.as_mut().filter(|_| request.resource == &resources::NODES);
    body?.get_mut("spec")?.get_mut("taints")?.as_array_mut()
}

/// Adds to the taint that keeps Pods away the one that evicts them.
fn evict(taints: &mut Vec<Value>) {
    let lost = taints.iter().find(|taint| is_lost(taint)).cloned();
    taints.retain(|taint| taint["effect"] != "NoExecute");
    taints.extend(lost.map(|mut taint| {
        taint["effect"] = json!("NoExecute");
        taint
    }));
}

/// Whether a Node is lost and its Pods stay.
fn spares(taints: &[Value]) -> bool {
    taints.iter().any(is_lost) && !taints.iter().any(|taint| taint["effect"] == "NoExecute")
}
