//! What a pod spec may say, in a pod or in a template.
//!
//! Source: `ValidatePodSpec` (v1.36). Left out: groups that are scheduled together.

mod affinity;
pub(super) mod annotations;
pub(super) mod claims;
pub(super) mod container_security;
mod dns;
mod host;
mod label_keys;
mod pod_resources;
mod profile;
pub(super) mod restart;
mod security_context;
mod sysctls;
mod topology_spread;
mod windows;

use std::collections::BTreeMap;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::container::Surroundings;
use super::fields::{get, int, items, or_null};
use super::meta::annotation_causes;
use super::rules::{self, NameRule, in_range, labels, named, one_of};
use super::{container, huge_pages, resources, toleration, volume};

const RESTART_POLICIES: [&str; 3] = ["Always", "OnFailure", "Never"];
const DNS_POLICIES: [&str; 4] = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const PREEMPTION_POLICIES: [&str; 2] = ["PreemptLowerPriority", "Never"];

/// A pod spec that is to be judged, and what is known beside it.
#[derive(Clone, Copy)]
pub(super) struct Draft<'a> {
    /// The spec.
    pub(super) spec: &'a Value,
    /// The spec that it replaces, `null` if it is new. Some of what is broken there may stay so.
    pub(super) old: &'a Value,
    /// Whether it is of a pod, not of a template.
    pub(super) is_pod: bool,
}

/// What a pod spec breaks, in the order in which upstream says so.
pub(super) fn validate(path: &str, draft: Draft) -> Vec<Cause> {
    let mut causes = part_causes(path, draft);
    causes.extend(placement_causes(path, draft));
    causes.extend(name_causes(path, draft));
    causes.extend(other_causes(path, draft));
    causes
}

/// What volumes and containers break, and what they have in common.
fn part_causes(path: &str, draft: Draft) -> Vec<Cause> {
    let spec = draft.spec;
    let field = |name: &str| format!("{path}.{name}");
    let (mut causes, volumes) =
        volume::validate(&field("volumes"), items(spec, &["volumes"]), draft.is_pod);
    let pod = Surroundings { draft, volumes: &volumes };
    causes.extend(claims::causes(&field("resourceClaims"), items(spec, &["resourceClaims"])));
    causes.extend(container::validate(&field("containers"), pod));
    causes.extend(container::validate_init(&field("initContainers"), pod));
    causes.extend(pod_resources::causes(&field("resources"), spec));
    causes.extend(host::port_causes(path, draft));
    causes
}

/// What breaks that says how and where a pod runs.
fn placement_causes(path: &str, draft: Draft) -> Vec<Cause> {
    let spec = draft.spec;
    let field = |name: &str| format!("{path}.{name}");
    let policy = get(spec, &["restartPolicy"]);
    let policy = one_of(field("restartPolicy"), policy, &RESTART_POLICIES, true);
    let mut causes: Vec<Cause> = policy.into_iter().collect();
    causes.extend(one_of(field("dnsPolicy"), get(spec, &["dnsPolicy"]), &DNS_POLICIES, true));
    causes.extend(labels(&field("nodeSelector"), get(spec, &["nodeSelector"])));
    causes.extend(security_context::causes(&field("securityContext"), draft));
    let affinity = or_null(spec, &["affinity"]);
    let old_affinity = or_null(draft.old, &["affinity"]);
    causes.extend(affinity::causes(&field("affinity"), affinity, old_affinity));
    causes.extend(dns::causes(&field("dnsConfig"), spec));
    causes.extend(readiness_gate_causes(&field("readinessGates"), spec));
    causes.extend(gate_causes(&field("schedulingGates"), items(spec, &["schedulingGates"])));
    let list = "topologySpreadConstraints";
    let (constraints, old_constraints) = (items(spec, &[list]), items(draft.old, &[list]));
    causes.extend(topology_spread::causes(&field(list), constraints, old_constraints));
    causes.extend(windows::host_process_causes(path, spec));
    causes.extend(host::user_causes(path, draft));
    causes
}

/// What names break and numbers: the pod's own, and those of what it belongs to.
fn name_causes(path: &str, draft: Draft) -> Vec<Cause> {
    let spec = draft.spec;
    let field = |name: &str| format!("{path}.{name}");
    let mut causes = host::hostname_causes(path, spec);
    causes.extend(name_cause(path, spec, ("serviceAccountName", names::dns_subdomain)));
    causes.extend(name_cause(path, spec, ("nodeName", names::dns_subdomain)));
    causes.extend(deadline_cause(field("activeDeadlineSeconds"), spec));
    causes.extend(name_cause(path, spec, ("hostname", names::dns_label)));
    causes.extend(name_cause(path, spec, ("subdomain", names::dns_label)));
    causes.extend(toleration::validate(&field("tolerations"), toleration::of(spec)));
    causes.extend(host::alias_causes(&field("hostAliases"), items(spec, &["hostAliases"])));
    causes.extend(name_cause(path, spec, ("priorityClassName", names::dns_subdomain)));
    causes.extend(name_cause(path, spec, ("runtimeClassName", names::dns_subdomain)));
    causes
}

/// What a text breaks that must be a name when it is there.
fn name_cause(path: &str, spec: &Value, (name, rule): (&str, NameRule)) -> Vec<Cause> {
    match text(spec, &[name]) {
        "" => vec![],
        value => named(&format!("{path}.{name}"), value, rule),
    }
}

fn other_causes(path: &str, draft: Draft) -> Vec<Cause> {
    let spec = draft.spec;
    let policy = get(spec, &["preemptionPolicy"]);
    let field = format!("{path}.preemptionPolicy");
    let mut causes: Vec<Cause> =
        one_of(field, policy, &PREEMPTION_POLICIES, false).into_iter().collect();
    causes.extend(overhead_causes(&format!("{path}.overhead"), draft));
    causes.extend(windows::system_causes(path, spec));
    causes.extend(file_volume_causes(path, spec));
    causes
}

/// Variables that stand in a file: it is in a volume of the pod, in an `emptyDir`.
fn file_volume_causes(path: &str, spec: &Value) -> Vec<Cause> {
    let volumes = items(spec, &["volumes"]).iter();
    let volumes: BTreeMap<&str, &Value> =
        volumes.map(|volume| (text(volume, &["name"]), volume)).collect();
    let mut causes = vec![];
    for (path, container) in containers_with_paths(path, spec) {
        for (index, variable) in items(container, &["env"]).iter().enumerate() {
            let Some(file) = get(variable, &["valueFrom", "fileKeyRef"]) else { continue };
            let name = text(file, &["volumeName"]);
            let field = format!("{path}.env[{index}].valueFrom.fileKeyRef.volumeName");
            match volumes.get(name) {
                None => causes.push(rules::not_found(field, name)),
                Some(volume) if get(volume, &["emptyDir"]).is_none() => {
                    let rule = "referenced volume must be of type emptyDir";
                    causes.push(Cause::invalid(field, &json!(name), rule));
                }
                Some(_) => {}
            }
        }
    }
    causes
}

/// The containers of every sort, and where they are.
fn containers_with_paths<'a>(path: &str, spec: &'a Value) -> Vec<(String, &'a Value)> {
    let lists = ["initContainers", "containers", "ephemeralContainers"].into_iter();
    let containers = lists.flat_map(|list| {
        let numbered = items(spec, &[list]).iter().enumerate();
        numbered.map(move |(index, container)| (format!("{path}.{list}[{index}]"), container))
    });
    containers.collect()
}

/// What a pod template breaks that replaces another, or `null` if it is new.
pub(super) fn validate_template(path: &str, template: &Value, old: &Value) -> Vec<Cause> {
    let metadata = or_null(template, &["metadata"]);
    let mut causes = labels(&format!("{path}.labels"), get(metadata, &["labels"]));
    let annotations = get(metadata, &["annotations"]);
    let field = format!("{path}.annotations");
    causes.extend(annotation_causes(&field, annotations));
    causes.extend(annotations::causes(&field, template, old));
    let spec_path = format!("{path}.spec");
    let draft =
        Draft { spec: or_null(template, &["spec"]), old: or_null(old, &["spec"]), is_pod: false };
    causes.extend(validate(&spec_path, draft));
    if !items(template, &["spec", "ephemeralContainers"]).is_empty() {
        let rule = "ephemeral containers not allowed in pod template";
        causes.push(Cause::forbidden(format!("{spec_path}.ephemeralContainers"), rule));
    }
    causes
}

fn readiness_gate_causes(path: &str, spec: &Value) -> Vec<Cause> {
    let gates = items(spec, &["readinessGates"]).iter().enumerate();
    let each = |(index, gate)| {
        let condition = text(gate, &["conditionType"]);
        named(&format!("{path}[{index}].conditionType"), condition, names::label_key)
    };
    gates.flat_map(each).collect()
}

/// What runs beside the containers takes resources too.
fn overhead_causes(path: &str, draft: Draft) -> Vec<Cause> {
    let Some(overhead) = get(draft.spec, &["overhead"]) else {
        return vec![];
    };
    let resources = json!({"limits": overhead});
    let mut causes = resources::validate(path, &resources);
    if !huge_pages::are_in_parts(draft.old) {
        causes.extend(huge_pages::size_causes(path, &resources));
    }
    causes
}

fn gate_causes(path: &str, gates: &[Value]) -> Vec<Cause> {
    let mut causes = vec![];
    let mut seen = std::collections::BTreeSet::new();
    for (index, gate) in gates.iter().enumerate() {
        let name = text(gate, &["name"]);
        let field = format!("{path}[{index}]");
        causes.extend(named(&field, name, names::label_key));
        if !seen.insert(name) {
            causes.push(Cause::duplicate(field, &json!(name)));
        }
    }
    causes
}

fn deadline_cause(field: String, spec: &Value) -> Option<Cause> {
    let seconds = int(spec, &["activeDeadlineSeconds"])?;
    in_range(field, seconds, 1, i64::from(i32::MAX))
}

/// Images with spaces around them are refused in pods, not in templates.
pub(super) fn image_space_causes(path: &str, containers: &[Value]) -> Vec<Cause> {
    let spaced = containers.iter().enumerate().filter(|(_, container)| {
        let image = text(container, &["image"]);
        image.trim() != image
    });
    let rule = "must not have leading or trailing whitespace";
    let cause = |(index, container): (usize, &Value)| {
        let field = format!("{path}[{index}].image");
        Cause::invalid(field, or_null(container, &["image"]), rule)
    };
    spaced.map(cause).collect()
}

/// The number of pods of a workload and other counts must not be negative.
pub(super) fn count_causes(spec: &Value, fields: &[&str]) -> Vec<Cause> {
    fields.iter().filter_map(|field| rules::non_negative(spec, "spec", field)).collect()
}

#[cfg(test)]
mod tests;
