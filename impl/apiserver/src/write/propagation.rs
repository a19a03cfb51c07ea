//! What becomes of an object's dependents when it is deleted: the policy is left on it as a finalizer.
//!
//! Source: `shouldOrphanDependents` and `shouldDeleteDependents` of apiserver/pkg/registry/generic/
//! registry/store.go, v1.36.

use api::object::{at, text};
use api::{ApiResource, Reason, Status};
use serde_json::Value;

use crate::strategy;

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// The finalizers that the policy of the options, or that of the kind, leaves on the object.
pub(super) fn finalizers(
    resource: &ApiResource,
    options: &Value,
    old: &Value,
) -> Result<Vec<String>, Status> {
    let before = at(old, &["metadata", "finalizers"]).and_then(Value::as_array);
    let before: Vec<&str> = before.into_iter().flatten().filter_map(Value::as_str).collect();
    let (decided, mut after): (Vec<&str>, Vec<&str>) =
        before.iter().partition(|name| [ORPHAN, FOREGROUND].contains(*name));
    match asked(options)? {
        Some(asked) => after.extend(asked),
        None if decided.is_empty() => {
            after.extend(strategy::orphans_dependents(resource).then_some(ORPHAN));
        }
        None => after.extend(decided),
    }
    let is_same = after.len() == before.len() && after.iter().all(|name| before.contains(name));
    let finalizers = if is_same { before } else { after };
    Ok(finalizers.into_iter().map(str::to_owned).collect())
}

/// The finalizer that the options ask for, if any; `None` when they say nothing.
fn asked(options: &Value) -> Result<Option<Option<&'static str>>, Status> {
    match (text(options, &["propagationPolicy"]), at(options, &["orphanDependents"])) {
        ("", Some(Value::Bool(true))) | ("Orphan", _) => Ok(Some(Some(ORPHAN))),
        ("Foreground", _) => Ok(Some(Some(FOREGROUND))),
        ("", Some(Value::Bool(false))) | ("Background", _) => Ok(Some(None)),
        ("", _) => Ok(None),
        (other, _) => Err(Status::new(
            Reason::Invalid,
            format!(
                "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"{other}\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
            ),
        )),
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
            let finalizers = finalizers(resource, &options, &old).unwrap();
            assert_eq!(finalizers.join(","), expected, "{}", resource.kind);
        }
    }
}
