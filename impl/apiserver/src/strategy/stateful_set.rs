//! StatefulSets.
//!
//! Source: `pkg/registry/apps/statefulset/strategy.go`, `SetDefaults_StatefulSet` and
//! `ValidateStatefulSet` (v1.36).

mod spec;

use api::names;
use api::object::object_at_mut;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{
    Fields, below, default, each, get, is_unset, keep, made, or_null, same, without,
};
use super::{meta, pod_template, resources, workload};

const STATUS_COUNTS: [&str; 7] = [
    "replicas",
    "readyReplicas",
    "currentReplicas",
    "updatedReplicas",
    "availableReplicas",
    "observedGeneration",
    "collisionCount",
];
const STATUS_PARTS: [&str; 4] =
    ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
const UPDATABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];
const STRATEGY_TYPE: [&str; 3] = ["spec", "updateStrategy", "type"];
const MAX_UNAVAILABLE: [&str; 4] = ["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"];

/// Fills in what its author left out.
pub(super) fn apply_defaults(stateful_set: &mut Value) {
    let spec = object_at_mut(stateful_set, "spec");
    default(spec, "podManagementPolicy", "OrderedReady");
    update_strategy_defaults(made(spec, "updateStrategy"));
    let retention = made(spec, "persistentVolumeClaimRetentionPolicy");
    default(retention, "whenDeleted", "Retain");
    default(retention, "whenScaled", "Retain");
    default(spec, "replicas", 1);
    default(spec, "revisionHistoryLimit", 10);
    each(spec, "volumeClaimTemplates", claim_defaults);
    pod_template::apply_defaults(spec);
}

/// Takes away a status that its author wrote.
pub(super) fn prepare_for_create(stateful_set: &mut Value) {
    stateful_set["status"] = json!({});
    meta::set_generation(stateful_set, 1);
}

/// Keeps the status and counts a change of the spec.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "status");
    meta::count_spec_change(new, old);
}

/// What a new StatefulSet breaks. Its name begins those of its pods, which are host names.
pub(super) fn validate(stateful_set: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(stateful_set, true, names::dns_label);
    let spec = or_null(stateful_set, &["spec"]);
    causes.extend(spec::validate(
        spec,
        &Value::Null,
        spec::Checks { service_name: true, template: true, claims: true },
    ));
    causes
}

/// What an update breaks. A template that was broken before may stay so.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    let (new, old) = (or_null(new, &["spec"]), or_null(old, &["spec"]));
    let strict = spec::Checks { service_name: false, template: true, claims: false };
    let template = spec::validate(old, &Value::Null, strict).is_empty();
    let old_template = or_null(old, &["template"]);
    causes.extend(spec::validate(new, old_template, spec::Checks { template, ..strict }));
    if !same(&without(new, &UPDATABLE), &without(old, &UPDATABLE)) {
        let rule = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
        causes.push(Cause::forbidden("spec", rule));
    }
    causes
}

/// What an update of the status breaks.
pub(super) fn validate_status_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = workload::replica_causes(new, &STATUS_COUNTS, &STATUS_PARTS);
    causes.extend(workload::available_cause(new, "status.readyReplicas"));
    causes.extend(meta::validate_update(new, old));
    causes.extend(workload::collision_cause(new, old));
    causes
}

fn update_strategy_defaults(strategy: &mut Fields) {
    if is_unset(strategy.get("type")) {
        default(strategy, "type", "RollingUpdate");
        made(strategy, "rollingUpdate");
    }
    if strategy.get("type").and_then(Value::as_str) == Some("RollingUpdate")
        && let Some(rolling_update) = below(strategy, "rollingUpdate")
    {
        default(rolling_update, "partition", 0);
    }
}

fn claim_defaults(claim: &mut Fields) {
    claim.insert("apiVersion".to_owned(), json!("v1"));
    claim.insert("kind".to_owned(), json!("PersistentVolumeClaim"));
    default(made(claim, "status"), "phase", "Pending");
    let spec = made(claim, "spec");
    default(spec, "volumeMode", "Filesystem");
    resources::canonicalize_requirements(made(spec, "resources"));
}

/// Where the gate `MaxUnavailableStatefulSet` is on: one pod at a time, unless its author says otherwise.
pub(super) fn apply_max_unavailable_default(stateful_set: &mut Value) {
    let is_rolling_update = get(stateful_set, &STRATEGY_TYPE) == Some(&json!("RollingUpdate"));
    let rolling_update = rolling_update(stateful_set).filter(|_| is_rolling_update);
    if let Some(rolling_update) = rolling_update {
        default(rolling_update, MAX_UNAVAILABLE[3], 1);
    }
}

/// Where it is off: a field that only old objects have.
pub(super) fn drop_max_unavailable(new: &mut Value, old: &Value) {
    if get(old, &MAX_UNAVAILABLE).is_none()
        && let Some(rolling_update) = rolling_update(new)
    {
        rolling_update.remove(MAX_UNAVAILABLE[3]);
    }
}

fn rolling_update(stateful_set: &mut Value) -> Option<&mut Fields> {
    let [spec, strategy, rolling_update, _] = MAX_UNAVAILABLE;
    below(below(object_at_mut(stateful_set, spec), strategy)?, rolling_update)
}

#[cfg(test)]
mod tests;
