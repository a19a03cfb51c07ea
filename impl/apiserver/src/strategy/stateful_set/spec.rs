//! What the spec of a StatefulSet may say.
//!
//! Source: `ValidateStatefulSetSpec` (v1.36).

use api::names;
use api::object::{object_at_mut, text};
use api::selector::Selector;
use api::status::Cause;
use serde_json::{Value, json};

use crate::strategy::fields::{get, items, or_null};
use crate::strategy::rules::{named, non_negative};
use crate::strategy::{int_or_percent, persistent_volume_claim, pod_spec, workload};

/// What of a spec is looked at. Updates are spared what they cannot mend.
#[derive(Clone, Copy)]
pub(super) struct Checks {
    pub(super) service_name: bool,
    pub(super) template: bool,
    pub(super) claims: bool,
}

/// What the spec breaks whose template replaces another, or `null` if it is new.
pub(super) fn validate(spec: &Value, old_template: &Value, checks: Checks) -> Vec<Cause> {
    let mut causes = policy_causes(spec);
    causes.extend(strategy_causes("spec.updateStrategy", or_null(spec, &["updateStrategy"])));
    causes.extend(retention_causes(or_null(spec, &["persistentVolumeClaimRetentionPolicy"])));
    if checks.claims {
        causes.extend(claim_causes(spec));
    }
    causes.extend(pod_spec::count_causes(spec, &["replicas", "minReadySeconds"]));
    causes.extend(non_negative(or_null(spec, &["ordinals"]), "spec.ordinals", "start"));
    let service_name = text(spec, &["serviceName"]);
    if checks.service_name && !service_name.is_empty() {
        causes.extend(named("spec.serviceName", service_name, names::dns_label));
    }
    causes.extend(selector_causes(spec));
    if checks.template {
        let template = template_of_pods(spec);
        causes.extend(pod_spec::validate_template("spec.template", &template, old_template));
    }
    causes.extend(workload::lasting_causes(spec, "StatefulSet"));
    causes
}

fn policy_causes(spec: &Value) -> Vec<Cause> {
    let field = "spec.podManagementPolicy";
    match text(spec, &["podManagementPolicy"]) {
        "OrderedReady" | "Parallel" => vec![],
        "" => vec![Cause::required(field, "")],
        policy => {
            vec![Cause::invalid(field, &json!(policy), "must be 'OrderedReady' or 'Parallel'")]
        }
    }
}

fn strategy_causes(path: &str, strategy: &Value) -> Vec<Cause> {
    let field = format!("{path}.rollingUpdate");
    match (text(strategy, &["type"]), get(strategy, &["rollingUpdate"])) {
        ("", _) => vec![Cause::required(path, "")],
        ("OnDelete", Some(rolling_update)) => {
            let rule = "only allowed for updateStrategy 'RollingUpdate'";
            vec![Cause::invalid(field, rolling_update, rule)]
        }
        ("RollingUpdate", Some(rolling_update)) => rolling_update_causes(&field, rolling_update),
        ("OnDelete" | "RollingUpdate", None) => vec![],
        _ => vec![Cause::invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")],
    }
}

fn rolling_update_causes(path: &str, rolling_update: &Value) -> Vec<Cause> {
    let field = "maxUnavailable";
    let mut causes: Vec<Cause> =
        non_negative(rolling_update, path, "partition").into_iter().collect();
    if let Some(value) = get(rolling_update, &[field]) {
        causes.extend(int_or_percent::validate(path, rolling_update, field));
        if int_or_percent::number(value) == 0 {
            causes.push(Cause::invalid(format!("{path}.{field}"), value, "cannot be 0"));
        }
        causes.extend(int_or_percent::not_more_than_all(path, rolling_update, field));
    }
    causes
}

fn retention_causes(policy: &Value) -> Vec<Cause> {
    let supported = ["Retain", "Delete"];
    let unknown = ["whenDeleted", "whenScaled"]
        .into_iter()
        .filter(|field| !policy.is_null() && !supported.contains(&text(policy, &[*field])));
    let cause = |field: &str| {
        let path = format!("spec.persistentVolumeClaimRetentionPolicy.{field}");
        Cause::not_supported(path, &json!(text(policy, &[field])), &supported)
    };
    unknown.map(cause).collect()
}

fn claim_causes(spec: &Value) -> Vec<Cause> {
    let claims = items(spec, &["volumeClaimTemplates"]).iter().enumerate();
    let causes = claims.flat_map(|(index, claim)| {
        let path = format!("spec.volumeClaimTemplates[{index}].spec");
        persistent_volume_claim::spec_causes(&path, or_null(claim, &["spec"]))
    });
    causes.collect()
}

fn selector_causes(spec: &Value) -> Vec<Cause> {
    let selector = get(spec, &["selector"]);
    let mut causes = match selector {
        None => vec![Cause::required("spec.selector", "")],
        Some(selector) => workload::selector_causes(selector, "statefulset"),
    };
    match Selector::from_value(selector) {
        Err(_) => causes.push(Cause::invalid("spec.selector", or_null(spec, &["selector"]), "")),
        Ok(selector) if selector.is_everything() => {}
        Ok(selector) => causes.extend(workload::labels_cause(spec, &selector)),
    }
    causes
}

/// The template as pods get it: with the volumes of their claims, under names of their own.
fn template_of_pods(spec: &Value) -> Value {
    let mut template = or_null(spec, &["template"]).clone();
    let claims = items(spec, &["volumeClaimTemplates"]);
    let names: Vec<&str> = claims.iter().map(|claim| text(claim, &["metadata", "name"])).collect();
    let mut volumes: Vec<Value> = names.iter().map(|name| claim_volume(name)).collect();
    let own = items(&template, &["spec", "volumes"]).iter();
    volumes.extend(own.filter(|volume| !names.contains(&text(volume, &["name"]))).cloned());
    let pod_spec = object_at_mut(&mut template, "spec");
    pod_spec.remove("subdomain");
    pod_spec.remove("hostname");
    pod_spec.insert("volumes".to_owned(), Value::Array(volumes));
    template
}

fn claim_volume(name: &str) -> Value {
    json!({"name": name, "persistentVolumeClaim": {"claimName": name}})
}
