//! Schedules pods without a cluster: each binding and each claim of devices is granted, and no time passes.
//!
//! Extenders are not asked. Where less important pods would have to go, they stay.

use std::collections::{BTreeMap, BTreeSet};

use api::{AnyObject, Key, Timestamp, resources};
use client::Change;
use serde::Serialize;
use serde_json::Value;

use crate::configuration::Configuration;
use crate::scheduler::{Choice, Decision, Scheduler};

/// What becomes of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Simulated {
    /// `NAMESPACE/NAME`.
    pub pod: String,
    /// Where it would go.
    pub node: Option<String>,
    /// How many nodes were feasible.
    pub feasible: usize,
    /// The weighted score of each plugin for the node; none where there was no choice.
    pub scores: BTreeMap<&'static str, i64>,
    /// Where others would have to go first.
    pub nominated_node_name: Option<String>,
    /// Why it would go nowhere.
    pub message: Option<String>,
}

/// What becomes of pods, in the order in which they are decided about; then of those that are not.
pub fn simulate(
    mut configuration: Configuration,
    objects: &[AnyObject],
    pods: &[AnyObject],
) -> Vec<Simulated> {
    configuration.extenders.clear();
    let names: Vec<String> = configuration.profiles.keys().cloned().collect();
    let mut scheduler = Scheduler::new(configuration);
    let now = Timestamp::UNIX_EPOCH;
    for object in objects.iter().chain(pods) {
        scheduler.observe(&Change { old: None, new: Some(object.clone()) }, now);
    }
    let mut simulated: Vec<Simulated> = vec![];
    while let Some(decision) = scheduler.schedule_one(0, now) {
        grant(&mut scheduler, &decision, now);
        let pod = decision.pod.to_string();
        let waits = simulated.iter().any(|told| told.pod == pod && told.node.is_some());
        let is_bound = matches!(decision.outcome, Choice::Bind { .. });
        if !(waits && is_bound) {
            simulated.push(of_decision(decision));
        }
    }
    let told: BTreeSet<String> = simulated.iter().map(|told| told.pod.clone()).collect();
    for pod in pods.iter().filter(|pod| !told.contains(&pod.key().to_string())) {
        if let AnyObject::Pod(pod) = pod {
            simulated.push(undecided(pod, &names));
        }
    }
    simulated
}

/// Grants what is asked for a pod: that it is bound, and that its claims of devices are written.
fn grant(scheduler: &mut Scheduler, decision: &Decision, now: Timestamp) {
    let mut asked = decision.requests.clone();
    while let Some(request) = asked.pop() {
        let is_written = request.resource == &resources::RESOURCE_CLAIMS;
        if request.subresource == "binding" || is_written {
            let answer = request.body.clone().filter(|_| is_written).unwrap_or(Value::Null);
            asked.extend(scheduler.completed(&decision.pod, &request, &Ok(answer), now));
        }
    }
}

fn nothing(pod: &Key) -> Simulated {
    Simulated {
        pod: pod.to_string(),
        node: None,
        feasible: 0,
        scores: BTreeMap::new(),
        nominated_node_name: None,
        message: None,
    }
}

fn of_decision(decision: Decision) -> Simulated {
    let unplaced = nothing(&decision.pod);
    match decision.outcome {
        Choice::Bind { node, explanation } | Choice::Reserve { node, explanation } => Simulated {
            node: Some(node),
            feasible: explanation.feasible,
            scores: explanation.scores.into_iter().collect(),
            ..unplaced
        },
        Choice::Unschedulable { message, nominated, .. } => {
            Simulated { message: Some(message), nominated_node_name: nominated, ..unplaced }
        }
        Choice::Failed { message } => Simulated { message: Some(message), ..unplaced },
        Choice::Ask => unplaced,
    }
}

/// A pod that no profile decides about.
fn undecided(pod: &k8s_openapi::api::core::v1::Pod, names: &[String]) -> Simulated {
    let pod = crate::node_info::PodInfo::new(pod.clone().into());
    let unplaced = nothing(&pod.key());
    let node = pod.spec().and_then(|spec| spec.node_name.clone());
    if node.is_some() {
        return Simulated { node, ..unplaced };
    }
    let name = pod.scheduler_name();
    let is_known = names.iter().any(|known| known == name);
    let message = match is_known {
        true => "it is gated, being deleted or has ended, or its claims are not there".to_owned(),
        false => format!("no profile is named {name}"),
    };
    Simulated { message: Some(message), ..unplaced }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{
        claim_of_one, device_class, devices_on, node, pod, pod_claiming, pod_with,
    };

    #[test]
    fn pods_go_in_the_order_of_the_queue_until_there_is_no_room() {
        let nodes = ["a", "b"].map(|name| AnyObject::from(node(name, json!({}))));
        let wants = |name: &str, cpu: &str| pod(name, json!({"requests": {"cpu": cpu}}));
        let mut important = json!({"priority": 5, "containers": [{"name": "c"}]});
        important["containers"][0]["resources"]["requests"] = json!({"cpu": "1500m"});
        let pods = [
            AnyObject::from(wants("one", "1500m")),
            AnyObject::from(wants("two", "1500m")),
            AnyObject::from(pod_with("first", important)),
            AnyObject::from(pod_with("other", json!({"schedulerName": "x", "containers": []}))),
        ];

        let simulated = simulate(Configuration::default(), &nodes, &pods);

        let told: Vec<_> =
            simulated.iter().map(|one| (one.pod.as_str(), one.node.as_deref())).collect();
        assert_eq!(
            told,
            [
                ("default/first", Some("a")),
                ("default/one", Some("b")),
                ("default/two", None),
                ("default/other", None),
            ]
        );
        let why = simulated[2].message.as_deref().unwrap();
        assert!(why.starts_with("0/2 nodes are available: 2 Insufficient cpu."), "{why}");
        assert_eq!(simulated[3].message.as_deref(), Some("no profile is named x"));
    }

    #[test]
    fn a_device_goes_to_the_first_pod_that_claims_it() {
        let objects = [
            AnyObject::from(node("a", json!({}))),
            AnyObject::from(node("b", json!({}))),
            device_class(),
            devices_on("b", json!([{"name": "gpu-0"}])),
            claim_of_one("one"),
            claim_of_one("two"),
        ];
        let pods = ["one", "two", "three"].map(|name| AnyObject::from(pod_claiming(name, &[name])));

        let simulated = simulate(Configuration::default(), &objects, &pods);

        let told: Vec<_> =
            simulated.iter().map(|one| (one.pod.as_str(), one.node.as_deref())).collect();
        assert_eq!(
            told,
            [("default/one", Some("b")), ("default/two", None), ("default/three", None)]
        );
        let why = |index: usize| simulated[index].message.as_deref().unwrap();
        assert!(why(1).starts_with("0/2 nodes are available: 2 cannot allocate all claims."));
        assert!(why(2).ends_with("or its claims are not there"));
    }
}
