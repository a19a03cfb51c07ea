//! What becomes of an object's dependents when it is deleted: the policy is left on it as a finalizer.
//!
//! Source: `shouldOrphanDependents` and `shouldDeleteDependents` of apiserver/pkg/registry/generic/
//! registry/store.go, v1.36.

use api::ApiResource;
use api::object::at;
use serde_json::Value;

use crate::options::delete::DeleteOptions;
use crate::strategy;

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// The finalizers that the policy of the options, or that of the kind, leaves on the object.
pub(super) fn finalizers(
    resource: &ApiResource,
    options: &DeleteOptions,
    old: &Value,
) -> Vec<String> {
    let before = at(old, &["metadata", "finalizers"]).and_then(Value::as_array);
    let before: Vec<&str> = before.into_iter().flatten().filter_map(Value::as_str).collect();
    let (decided, mut after): (Vec<&str>, Vec<&str>) =
        before.iter().partition(|name| [ORPHAN, FOREGROUND].contains(*name));
    match asked(options) {
        Some(asked) => after.extend(asked),
        None if decided.is_empty() => {
            after.extend(strategy::orphans_dependents(resource).then_some(ORPHAN));
        }
        None => after.extend(decided),
    }
    let is_same = after.len() == before.len() && after.iter().all(|name| before.contains(name));
    let finalizers = if is_same { before } else { after };
    finalizers.into_iter().map(str::to_owned).collect()
}

/// The finalizer that the options ask for, if any; `None` when they say nothing.
fn asked(options: &DeleteOptions) -> Option<Option<&'static str>> {
    match (options.propagation_policy.as_deref(), options.orphan_dependents) {
        (Some("Orphan"), _) | (None, Some(true)) => Some(Some(ORPHAN)),
        (Some("Foreground"), _) => Some(Some(FOREGROUND)),
        (Some(_), _) | (None, Some(false)) => Some(None),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use api::resources;
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_that_are_old_leave_their_dependents_behind() {
        let foreground = json!({"metadata": {"finalizers": ["foregroundDeletion", "a/b"]}});
        let table = [
            (&resources::JOBS, json!({}), json!({}), "orphan"),
            (&resources::CRON_JOBS, json!({}), json!({}), "orphan"),
            (&resources::REPLICATION_CONTROLLERS, json!({}), json!({}), "orphan"),
            (&resources::JOBS, json!({"propagationPolicy": "Background"}), json!({}), ""),
            (&resources::JOBS, json!({}), foreground.clone(), "foregroundDeletion,a/b"),
            (&resources::JOBS, json!({"propagationPolicy": "Orphan"}), foreground, "a/b,orphan"),
            (&resources::DEPLOYMENTS, json!({}), json!({}), ""),
        ];
        for (resource, options, old, expected) in table {
            let finalizers = finalizers(resource, &DeleteOptions::read(&options), &old);
            assert_eq!(finalizers.join(","), expected, "{}", resource.kind);
        }
    }
}
