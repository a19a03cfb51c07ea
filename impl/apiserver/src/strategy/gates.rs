//! Fields behind feature gates: filled in only where the gate is on, and dropped where it is off and nobody has them
//! yet.
//!
//! Source: `dropStatefulSetDisabledFields` in pkg/registry/apps/statefulset/strategy.go and pkg/apis/apps/v1/defaults.go
//! (v1.36).

use api::{ApiResource, FeatureGate, FeatureGates, resources};
use serde_json::Value;

use super::stateful_set;

/// Fills in what the author of an object left out.
pub(crate) fn apply_defaults(resource: &ApiResource, object: &mut Value, gates: &FeatureGates) {
    if resource == &resources::STATEFUL_SETS && gates.has(FeatureGate::MaxUnavailableStatefulSet) {
        stateful_set::apply_max_unavailable_default(object);
    }
}

/// Drops what is not to be used, unless the old object uses it.
pub(crate) fn drop_disabled_fields(
    resource: &ApiResource,
    (new, old): (&mut Value, &Value),
    gates: &FeatureGates,
) {
    if resource == &resources::STATEFUL_SETS && !gates.has(FeatureGate::MaxUnavailableStatefulSet) {
        stateful_set::drop_max_unavailable(new, old);
    }
}
