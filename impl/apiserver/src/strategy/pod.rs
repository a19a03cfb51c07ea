//! Pods.
//!
//! Source: `pkg/registry/core/pod/strategy.go`, `SetDefaults_Pod` and `ValidatePodUpdate` (v1.36). Left
//! out: pod-level resources summed from containers, and the node affinity of gated pods.

mod annotations;
mod claim_statuses;
pub(crate) mod ephemeral;
mod label_keys;
pub(crate) mod resize;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{
    Fields, default, each, get, int, is_unset, items, keep, keep_metadata, or_null, same,
};
use super::pod_spec::Draft;
use super::rules::{in_range, named};
use super::{meta, pod_spec, pod_template, resources, toleration};

const UPDATABLE: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
const CONTAINER_LISTS: [&str; 2] = ["containers", "initContainers"];
/// What the kubelet writes on the pods that it has found itself.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// Fills in what its author left out.
pub(super) fn apply_defaults(pod: &mut Value) {
    let spec = api::object::object_at_mut(pod, "spec");
    pod_template::apply_spec_defaults(spec);
    default(spec, "enableServiceLinks", true);
    let grace = spec.get("terminationGracePeriodSeconds").and_then(Value::as_i64);
    if grace.is_some_and(|seconds| seconds < 0) {
        spec.insert("terminationGracePeriodSeconds".to_owned(), json!(1));
    }
    let host_network = spec.get("hostNetwork").and_then(Value::as_bool) == Some(true);
    for list in CONTAINER_LISTS {
        each(spec, list, resources::default_requests);
        if host_network {
            each(spec, list, |container| each(container, "ports", host_port_default));
        }
    }
    resources::default_requests(spec);
    agree_on_ips(pod);
}

/// `podIP` is the first of `podIPs`; where they differ, the one counts.
/// Source: `Convert_v1_PodStatus_To_core_PodStatus`, v1.36.
fn agree_on_ips(pod: &mut Value) {
    let Some(status) = pod.get_mut("status").and_then(Value::as_object_mut) else { return };
    let first = status.get("podIPs").and_then(|ips| ips.get(0)).map(|first| first["ip"].clone());
    let single = status.get("podIP").filter(|single| !is_unset(Some(single))).cloned();
    match (single, first) {
        (Some(single), first) if Some(&single) != first.as_ref() => {
            status.insert("podIPs".to_owned(), json!([{"ip": single}]));
        }
        (None, Some(first)) => {
            status.insert("podIP".to_owned(), first);
        }
        (Some(_), _) | (None, None) => {}
    }
}

/// Gives a new pod its first status.
pub(super) fn prepare_for_create(pod: &mut Value) {
    let spec = api::object::object_at_mut(pod, "spec");
    pod_template::alias_service_account(spec);
    label_keys::merge(pod);
    let mut status = json!({
        "phase": "Pending", "qosClass": resources::qos_class(or_null(pod, &["spec"])),
    });
    if !items(pod, &["spec", "schedulingGates"]).is_empty() {
        status["conditions"] = json!([{
            "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
            "lastProbeTime": null, "lastTransitionTime": null,
        }]);
    }
    pod["status"] = status;
    meta::set_generation(pod, 1);
}

/// Keeps what an update of a pod cannot change.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "status");
    meta::count_spec_change(new, old);
}

/// Keeps what an update of a pod's status cannot change.
pub(super) fn prepare_for_status_update(new: &mut Value, old: &Value) {
    keep(new, old, "spec");
    keep_metadata(new, old, "ownerReferences");
    let status = api::object::object_at_mut(new, "status");
    for field in ["qosClass", "observedGeneration"] {
        let kept = get(old, &["status", field]).filter(|_| is_unset(status.get(field)));
        if let Some(kept) = kept {
            status.insert(field.to_owned(), kept.clone());
        }
    }
    each(status, "conditions", |condition| keep_observed_generation(condition, old));
}

/// What a new pod breaks.
pub(super) fn validate(pod: &Value) -> Vec<Cause> {
    let mut causes = common_causes(pod, &Value::Null);
    if !items(pod, &["spec", "ephemeralContainers"]).is_empty() {
        causes.push(Cause::forbidden("spec.ephemeralContainers", "cannot be set on create"));
    }
    let gated = !items(pod, &["spec", "schedulingGates"]).is_empty();
    if gated && !text(pod, &["spec", "nodeName"]).is_empty() {
        let rule = "cannot be set until all schedulingGates have been cleared";
        causes.push(Cause::forbidden("spec.nodeName", rule));
    }
    causes
}

/// What an update of a pod breaks. Little of a pod can change: images, and tolerations that are added.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = common_causes(new, old);
    causes.extend(meta::validate_update(new, old));
    causes.extend(annotations::update_causes(new, old));
    let (new, old) = (or_null(new, &["spec"]), or_null(old, &["spec"]));
    for list in CONTAINER_LISTS {
        if items(new, &[list]).len() != items(old, &[list]).len() {
            let rule = "pod updates may not add or remove containers";
            causes.push(Cause::forbidden(format!("spec.{list}"), rule));
            return causes;
        }
    }
    let (tolerations, old_tolerations) = (toleration::of(new), toleration::of(old));
    causes.extend(deadline_cause(new, old));
    causes.extend(toleration::validate_update("spec.tolerations", tolerations, old_tolerations));
    causes.extend(new_gates(new, old));
    causes.extend(frozen_spec_cause(new, old));
    causes
}

/// What an update of a pod's status breaks.
pub(super) fn validate_status_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    let qos_class = ["status", "qosClass"];
    let (new_class, old_class) = (or_null(new, &qos_class), or_null(old, &qos_class));
    causes.extend(super::rules::immutable("status.qosClass", new_class, old_class));
    let nominated = text(new, &["status", "nominatedNodeName"]);
    if !nominated.is_empty() && nominated != text(old, &["status", "nominatedNodeName"]) {
        causes.extend(named("status.nominatedNodeName", nominated, names::dns_subdomain));
        if !text(old, &["spec", "nodeName"]).is_empty() {
            let rule = "may not be set on pods that are already bound to a node";
            causes.push(Cause::forbidden("status.nominatedNodeName", rule));
        }
    }
    causes.extend(resurrections(new, old));
    causes.extend(claim_statuses::causes(new));
    causes
}

/// How long a pod may take to end. One that runs nowhere or has ended takes no time.
pub(super) fn graceful_delete_seconds(pod: &Value) -> i64 {
    let ended = matches!(text(pod, &["status", "phase"]), "Failed" | "Succeeded");
    if text(pod, &["spec", "nodeName"]).is_empty() || ended {
        return 0;
    }
    match int(pod, &["spec", "terminationGracePeriodSeconds"]).unwrap_or_default() {
        seconds if seconds < 0 => 1,
        seconds => seconds,
    }
}

/// What a pod breaks that replaces another, or `null` if it is new.
fn common_causes(pod: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(pod, true, names::dns_subdomain);
    causes.extend(annotations::causes(pod));
    causes.extend(pod_spec::annotations::causes("metadata.annotations", pod, old));
    let draft = Draft { spec: or_null(pod, &["spec"]), old: or_null(old, &["spec"]), is_pod: true };
    causes.extend(pod_spec::validate("spec", draft));
    for list in CONTAINER_LISTS {
        let containers = items(pod, &["spec", list]);
        causes.extend(pod_spec::image_space_causes(&format!("spec.{list}"), containers));
    }
    causes.extend(ephemeral::causes(draft));
    causes
}

fn host_port_default(port: &mut Fields) {
    if let Some(number) = port.get("containerPort").and_then(Value::as_i64) {
        super::fields::default_int(port, "hostPort", number);
    }
}

fn keep_observed_generation(condition: &mut Fields, old: &Value) {
    let kind = condition.get("type").and_then(Value::as_str).unwrap_or_default();
    let mut conditions = items(old, &["status", "conditions"]).iter();
    let generation = conditions
        .find(|old| text(old, &["type"]) == kind)
        .and_then(|old| int(old, &["observedGeneration"]));
    if let Some(generation) = generation.filter(|generation| *generation != 0) {
        super::fields::default_int(condition, "observedGeneration", generation);
    }
}

fn deadline_cause(new: &Value, old: &Value) -> Option<Cause> {
    let field = "spec.activeDeadlineSeconds";
    let (new, old) = (int(new, &["activeDeadlineSeconds"]), int(old, &["activeDeadlineSeconds"]));
    match (new, old) {
        (Some(new), Some(old)) if old < new => {
            let rule = "must be less than or equal to previous value";
            Some(Cause::invalid(field, &json!(new), rule))
        }
        (Some(new), _) => in_range(field.to_owned(), new, 0, i64::from(i32::MAX)),
        (None, Some(_)) => {
            let rule = "must not update from a positive integer to nil value";
            Some(Cause::invalid(field, &Value::Null, rule))
        }
        (None, None) => None,
    }
}

/// Gates can be taken away, not added.
fn new_gates(new: &Value, old: &Value) -> Vec<Cause> {
    let known: Vec<&str> =
        items(old, &["schedulingGates"]).iter().map(|gate| text(gate, &["name"])).collect();
    let gates = items(new, &["schedulingGates"]).iter().enumerate();
    let added = gates.map(|(index, gate)| (index, text(gate, &["name"])));
    added
        .filter(|(_, name)| !known.contains(name))
        .map(|(index, name)| {
            let rule = format!("only deletion is allowed, but found new scheduling gate '{name}'");
            Cause::forbidden(format!("spec.schedulingGates[{index}].name"), &rule)
        })
        .collect()
}

/// Whether a field has changed that cannot. Upstream appends a diff, as this does.
fn frozen_spec_cause(new: &Value, old: &Value) -> Option<Cause> {
    let munged = with_updatable_fields_of(new, old);
    if same(&munged, old) {
        return None;
    }
    let diff = changes(&munged, old);
    let rule = format!("pod updates may not change fields other than {UPDATABLE}\n{diff}");
    Some(Cause::forbidden("spec", &rule))
}

/// The new spec with every field that may change as in the old.
fn with_updatable_fields_of(new: &Value, old: &Value) -> Value {
    let mut munged = new.clone();
    for field in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        keep(&mut munged, old, field);
    }
    if int(old, &["terminationGracePeriodSeconds"]).is_some_and(|seconds| seconds < 0)
        && int(new, &["terminationGracePeriodSeconds"]) == Some(1)
    {
        keep(&mut munged, old, "terminationGracePeriodSeconds");
    }
    if !items(old, &["schedulingGates"]).is_empty() && adds_only(new, old, "nodeSelector") {
        keep(&mut munged, old, "nodeSelector");
    }
    for list in CONTAINER_LISTS {
        let containers = munged.get_mut(list).and_then(Value::as_array_mut);
        for (new, old) in containers.into_iter().flatten().zip(items(old, &[list])) {
            keep(new, old, "image");
        }
    }
    munged
}

fn adds_only(new: &Value, old: &Value, field: &str) -> bool {
    let mut entries = super::fields::entries(old, &[field]);
    entries.all(|(key, value)| get(new, &[field, key]) == Some(value))
}

fn changes(new: &Value, old: &Value) -> String {
    let mut fields: Vec<&String> = [new, old]
        .into_iter()
        .filter_map(Value::as_object)
        .flat_map(serde_json::Map::keys)
        .collect();
    fields.sort_unstable();
    fields.dedup();
    let mut lines = String::new();
    for field in fields {
        let (new, old) = (or_null(new, &[field.as_str()]), or_null(old, &[field.as_str()]));
        if !same(new, old) {
            lines.push_str(&format!("- {field}: {old}\n+ {field}: {new}\n"));
        }
    }
    lines
}

/// Containers that had ended for good and are said to run again.
fn resurrections(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let list = "containerStatuses";
    for (index, old_status) in items(old, &["status", list]).iter().enumerate() {
        let Some(ended) = get(old_status, &["state", "terminated"]) else {
            continue;
        };
        let name = text(old_status, &["name"]);
        let by_name = |item: &&Value| text(item, &["name"]) == name;
        let container = items(new, &["spec", "containers"]).iter().find(by_name);
        let restarts = restarts(new, container, int(ended, &["exitCode"]).unwrap_or_default());
        let new_status = items(new, &["status", list]).iter().find(by_name);
        let runs = new_status.is_some_and(|new| get(new, &["state", "terminated"]).is_none());
        if runs && !restarts {
            let rule = "may not be transitioned to non-terminated state";
            causes.push(Cause::forbidden(format!("status.{list}[{index}].state"), rule));
        }
    }
    causes
}

fn restarts(pod: &Value, container: Option<&Value>, exit_code: i64) -> bool {
    let own = container.map_or("", |container| text(container, &["restartPolicy"]));
    let policy = if own.is_empty() { text(pod, &["spec", "restartPolicy"]) } else { own };
    match policy {
        "Always" => true,
        "OnFailure" => exit_code != 0,
        _ => false,
    }
}

#[cfg(test)]
mod parts_tests;
#[cfg(test)]
mod tests;
