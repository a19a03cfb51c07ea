//! `pods/ephemeralcontainers`: containers that are added to a pod that runs, to look around in it.
//!
//! Source: `podEphemeralContainersStrategy` in pkg/registry/core/pod/strategy.go and
//! `validateEphemeralContainers`, `ValidatePodEphemeralContainersUpdate` (v1.36).

use std::collections::BTreeSet;

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::container::Surroundings;
use super::super::fields::{get, items, keep, keep_all_but_status, or_null, same};
use super::super::pod_spec::Draft;
use super::super::{container, meta, rules, volume};
use super::{MIRROR, changes, common_causes};

const LIST: &str = "ephemeralContainers";
/// What such a container cannot have, in the order in which upstream says so.
const FORBIDDEN: [&str; 9] = [
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
];

/// Keeps all of a pod but these containers.
pub(crate) fn prepare_for_update(new: &mut Value, old: &Value) {
    let containers = get(new, &["spec", LIST]).cloned();
    keep_all_but_status(new, old);
    keep(new, old, "status");
    match containers {
        Some(containers) => new["spec"][LIST] = containers,
        None => {
            api::object::object_at_mut(new, "spec").remove(LIST);
        }
    }
    meta::count_spec_change(new, old);
}

/// What an update of these containers breaks: they can only be added.
pub(crate) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    if get(old, &["metadata", "annotations", MIRROR]).is_some() {
        return vec![Cause::forbidden("", "static pods do not support ephemeral containers")];
    }
    let mut causes = meta::validate_update(new, old);
    causes.extend(common_causes(new, old));
    let field = format!("spec.{LIST}");
    for old in items(old, &["spec", LIST]) {
        let name = text(old, &["name"]);
        let mut containers = items(new, &["spec", LIST]).iter();
        let kept = containers.find(|container| text(container, &["name"]) == name);
        let why = match kept {
            None => format!("existing ephemeral containers {} may not be removed\n", json!(name)),
            Some(kept) if !same(kept, old) => format!(
                "existing ephemeral containers {} may not be changed\n{}",
                json!(name),
                changes(kept, old)
            ),
            Some(_) => continue,
        };
        causes.push(Cause::forbidden(field.clone(), &why));
    }
    causes
}

/// What these containers break.
pub(super) fn causes(draft: Draft) -> Vec<Cause> {
    let spec = draft.spec;
    let (_, volumes) = volume::validate("spec.volumes", items(spec, &["volumes"]), true);
    let pod = Surroundings { draft, volumes: &volumes };
    let name = |container| text(container, &["name"]);
    let others = items(spec, &["containers"]).iter().chain(items(spec, &["initContainers"]));
    let others: BTreeSet<&str> = others.map(name).collect();
    let mut seen = others.clone();
    let mut causes = vec![];
    for (index, container) in items(spec, &[LIST]).iter().enumerate() {
        let path = format!("spec.{LIST}[{index}]");
        causes.extend(container::common_causes(&path, container, pod));
        if !seen.insert(name(container)) {
            causes.push(Cause::duplicate(format!("{path}.name"), &json!(name(container))));
        }
        let target = text(container, &["targetContainerName"]);
        if !target.is_empty() && !others.contains(target) {
            causes.push(rules::not_found(format!("{path}.targetContainerName"), target));
        }
        causes.extend(forbidden(&path, container));
    }
    causes
}

fn forbidden(path: &str, container: &Value) -> Vec<Cause> {
    let is_set = |value: Option<&Value>| value.is_some_and(|value| *value != json!({}));
    let why = "cannot be set for an Ephemeral Container";
    let fields = FORBIDDEN.iter().filter(|field| is_set(get(container, &[field])));
    let mut causes: Vec<Cause> =
        fields.map(|field| Cause::forbidden(format!("{path}.{field}"), why)).collect();
    for (index, mount) in items(container, &["volumeMounts"]).iter().enumerate() {
        for field in ["subPath", "subPathExpr"] {
            if !text(or_null(mount, &[field]), &[]).is_empty() {
                let field = format!("{path}.volumeMounts[{index}].{field}");
                causes.push(Cause::forbidden(field, why));
            }
        }
    }
    causes
}
