//! Leases.
//!
//! Source: `ValidateLeaseSpec` (v1.36). `strategy` and `preferredHolder` are behind a gate that is off.

use api::names;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{int, or_null};
use super::{meta, rules};

/// Takes away fields of a feature that is off.
pub(super) fn prepare(lease: &mut Value) {
    if let Some(spec) = lease.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("strategy");
        spec.remove("preferredHolder");
    }
}

/// What a new Lease breaks.
pub(super) fn validate(lease: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(lease, true, names::dns_subdomain);
    causes.extend(spec_causes(or_null(lease, &["spec"])));
    causes
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(spec_causes(or_null(new, &["spec"])));
    causes
}

fn spec_causes(spec: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let duration = int(spec, &["leaseDurationSeconds"]);
    if let Some(seconds) = duration.filter(|seconds| *seconds <= 0) {
        let field = "spec.leaseDurationSeconds";
        causes.push(Cause::invalid(field, &json!(seconds), "must be greater than 0"));
    }
    causes.extend(rules::non_negative(spec, "spec", "leaseTransitions"));
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_lasts_for_some_time() {
        let lease = json!({
            "metadata": {"name": "l", "namespace": "default"},
            "spec": {"leaseDurationSeconds": 0, "leaseTransitions": -1},
        });

        let messages: Vec<String> = validate(&lease).iter().map(ToString::to_string).collect();

        assert_eq!(
            messages,
            [
                "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
                "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
            ]
        );
    }
}
