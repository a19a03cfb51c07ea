//! What the trace cannot show, checked against the world itself: what a machine has room for, what a
//! client sent, whether the cluster comes to rest.

use std::collections::{BTreeMap, BTreeSet};

use api::object::{at, text};
use api::{ApiResource, Request, Verb, resources};
use apiserver::keys;
use apiserver::trace::Told;
use serde_json::Value;
use store::{Revision, Store};

use crate::sim::cast::Cast;
use crate::sim::machine::Machine;
use crate::sim::objects::{Objects, objects};
use crate::sim::recorder::Recorder;
use crate::sim::workloads::volumes;

/// KUBELET-1: no machine runs more pods than its node allows.
pub(crate) fn machine_is_not_overbooked(machine: &Machine, recorder: &mut Recorder<'_>) {
    let (running, most) = (machine.pods_running(), machine.pods_max);
    if i64::try_from(running).is_ok_and(|running| running > most) {
        recorder.object(&format!(
            "KUBELET-1: {} runs {running} pods and has room for {most}",
            machine.name
        ));
    }
}

/// SCHEDULER-1: no more pods are bound to a node than it allows. Pods that named their node themselves do
/// not count: nobody has asked the scheduler.
pub(crate) fn no_node_is_overbooked(
    store: &Store,
    (machines, bound): (&[Machine], &BTreeSet<String>),
    recorder: &mut Recorder<'_>,
) {
    let pods = objects(store, &resources::PODS);
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for pod in pods.iter() {
        if bound.contains(text(pod, &["metadata", "uid"])) && !is_finished(pod) {
            *counts.entry(text(pod, &["spec", "nodeName"])).or_default() += 1;
        }
    }
    for machine in machines {
        let count = counts.get(machine.name.as_str()).copied().unwrap_or(0);
        if count > machine.pods_max {
            recorder.object(&format!(
                "SCHEDULER-1: {count} pods are bound to {}, which has room for {}",
                machine.name, machine.pods_max
            ));
        }
    }
}

/// POD-4: a kubelet lets a pod's object go only when its containers have stopped.
pub(crate) fn stopped_before_deletion(
    told: &Told,
    machines: &[Machine],
    recorder: &mut Recorder<'_>,
) {
    let node = told.event.actor.strip_prefix("kubelet/").filter(|_| told.event.action == "delete");
    let Some(machine) = machines.iter().find(|machine| node == Some(machine.name.as_str())) else {
        return;
    };
    if machine.runs(&told.uid) {
        recorder.object(&format!(
            "POD-4: the kubelet of {} says that {} has ended, and it runs",
            machine.name, told.event.key
        ));
    }
}

/// The revision of the object that a request would change; 0 when there is none.
pub(crate) fn revision_of(store: &Store, request: &Request) -> Revision {
    let key = keys::key(request.resource, request.key.namespace(), &request.key.name);
    store.get(&key).map_or(Revision(0), |found| found.mod_revision)
}

/// ETCD-3: an update that names a revision replaces that revision and no other.
pub(crate) fn no_update_is_lost(request: &Request, before: Revision, recorder: &mut Recorder<'_>) {
    let body = request.body.as_ref().filter(|_| request.verb == Verb::Update);
    let read = body.map_or("", |body| text(body, &["metadata", "resourceVersion"]));
    if !read.is_empty() && read != before.to_string() {
        recorder.object(&format!(
            "ETCD-3: an update of {} that was decided on revision {read} replaces revision {before}",
            api::trace::key(request.resource, &request.key)
        ));
    }
}

/// What is not as it was asked for, if anything is not. `dead` machines cannot be waited for.
pub(crate) fn unsettled(store: &Store, (dead, cast): (&BTreeSet<&str>, &Cast)) -> Option<String> {
    let pods = objects(store, &resources::PODS);
    let claims = objects(store, &resources::PERSISTENT_VOLUME_CLAIMS);
    let waits = |pod: &Value| {
        waits_for_claims(pod, &claims) || waits_at_volume(pod, &claims, (store, dead))
    };
    let mut asking = pods.iter().filter(|pod| !waits(pod));
    let pod = asking.find_map(|pod| unsettled_pod(pod, dead));
    let replica_set = || {
        let sets = objects(store, &resources::REPLICA_SETS);
        sets.iter().find_map(|set| unsettled_replica_set(set, &pods))
    };
    let deployment =
        || objects(store, &resources::DEPLOYMENTS).iter().find_map(unsettled_deployment);
    let set = || if cast.has("replicaset-controller") { replica_set() } else { None };
    pod.or_else(set).or_else(|| if cast.has("deployment-controller") { deployment() } else { None })
}

fn unsettled_pod(pod: &Value, dead: &BTreeSet<&str>) -> Option<String> {
    let name = text(pod, &["metadata", "name"]);
    let node = text(pod, &["spec", "nodeName"]);
    if is_deleted(pod) {
        let waits = !dead.contains(node);
        return waits.then(|| format!("POD-6: pod {name} is being deleted for ever"));
    }
    let (is_settled, phase) = (is_finished(pod) || runs(pod), text(pod, &["status", "phase"]));
    // A DaemonSet's pod tolerates that its node is gone, for ever.
    let owners = at(pod, &["metadata", "ownerReferences"]).and_then(Value::as_array);
    let stays = owners.into_iter().flatten().any(|owner| owner["kind"] == "DaemonSet");
    if stays || (is_settled && !dead.contains(node)) {
        return None;
    }
    Some(format!("POD-6: pod {name} on node \"{node}\" is {phase} for ever"))
}

/// Whether a pod without a node lacks claims that it uses: its workload says whether they should be there.
fn waits_for_claims(pod: &Value, claims: &Objects) -> bool {
    is_waiting(pod) && !volumes::has_claims(pod, claims)
}

/// Whether a pod without a node may run on one alone, which has its volume, and that one is dead or full.
fn waits_at_volume(
    pod: &Value,
    claims: &Objects,
    (store, dead): (&Store, &BTreeSet<&str>),
) -> bool {
    let place = volumes::place(pod, claims, store).filter(|_| is_waiting(pod));
    place.is_some_and(|node| dead.contains(node.as_str()) || is_full(&node, store))
}

fn is_waiting(pod: &Value) -> bool {
    at(pod, &["spec", "nodeName"]).is_none() && !is_deleted(pod)
}

fn is_full(node: &str, store: &Store) -> bool {
    let (nodes, pods) = (objects(store, &resources::NODES), objects(store, &resources::PODS));
    let node_of = |pod: &Value| text(pod, &["spec", "nodeName"]) == node;
    let taken = pods.iter().filter(|pod| node_of(pod) && !is_finished(pod)).count();
    let found = nodes.iter().find(|found| text(found, &["metadata", "name"]) == node);
    let room = found.map(|found| text(found, &["status", "allocatable", "pods"]));
    room.and_then(|room| room.parse().ok()).is_some_and(|room: usize| taken >= room)
}

fn unsettled_replica_set(set: &Value, pods: &Objects) -> Option<String> {
    let uid = text(set, &["metadata", "uid"]);
    let is_replica = |pod: &&Value| {
        let owners = at(pod, &["metadata", "ownerReferences"]).and_then(Value::as_array);
        owners.into_iter().flatten().any(|owner| owner["uid"] == uid)
    };
    let active = pods.iter().filter(is_replica).filter(|pod| !is_deleted(pod) && runs(pod)).count();
    let wanted = count(set, &["spec", "replicas"]);
    let agrees = count(set, &["status", "readyReplicas"]) == wanted && !is_deleted(set);
    if agrees && i64::try_from(active) == Ok(wanted) {
        return None;
    }
    let name = named(&resources::REPLICA_SETS, set);
    Some(format!("REPLICASET-5: {name} has {active} running pods of {wanted}"))
}

fn unsettled_deployment(deployment: &Value) -> Option<String> {
    let wanted = count(deployment, &["spec", "replicas"]);
    let counted = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"];
    let differs = counted.into_iter().find(|field| count(deployment, &["status", field]) != wanted);
    let seen = count(deployment, &["status", "observedGeneration"])
        == count(deployment, &["metadata", "generation"]);
    let name = named(&resources::DEPLOYMENTS, deployment);
    match (differs, seen && !is_deleted(deployment)) {
        (None, true) => None,
        (Some(field), _) => Some(format!("REPLICASET-5: {name} does not reach {wanted} {field}")),
        (None, false) => Some(format!("REPLICASET-5: {name} is not looked at any more")),
    }
}

fn named(resource: &ApiResource, object: &Value) -> String {
    format!("{}/{}", resource.plural, text(object, &["metadata", "name"]))
}

pub(crate) fn count(object: &Value, path: &[&str]) -> i64 {
    at(object, path).and_then(Value::as_i64).unwrap_or(0)
}

pub(crate) fn is_deleted(object: &Value) -> bool {
    at(object, &["metadata", "deletionTimestamp"]).is_some()
}

pub(crate) fn is_finished(pod: &Value) -> bool {
    matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed")
}

pub(crate) fn runs(pod: &Value) -> bool {
    text(pod, &["status", "phase"]) == "Running" && is_ready(pod)
}

/// Whether the Ready condition of a Pod or a Node is true.
pub(crate) fn is_ready(object: &Value) -> bool {
    let conditions = at(object, &["status", "conditions"]).and_then(Value::as_array);
    let is_it = |one: &Value| one["type"] == "Ready" && one["status"] == "True";
    conditions.into_iter().flatten().any(is_it)
}
