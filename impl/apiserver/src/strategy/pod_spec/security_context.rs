//! The security context of a pod: whom its processes run as, and what they find in their kernel.
//!
//! Source: `validatePodSpecSecurityContext` (v1.36).

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{flag, get, int, items, or_null};
use super::super::rules::in_range;
use super::{Draft, profile, sysctls, windows};

/// The highest number of a user or a group.
const ID_MAX: i64 = i32::MAX as i64;
const GROUP_CHANGE_POLICIES: [&str; 2] = ["Always", "OnRootMismatch"];
const GROUPS_POLICIES: [&str; 2] = ["Merge", "Strict"];
const RELABELLING_POLICIES: [&str; 2] = ["MountOption", "Recursive"];

/// What the security context of a pod breaks.
pub(super) fn causes(path: &str, draft: Draft) -> Vec<Cause> {
    let context = or_null(draft.spec, &["securityContext"]);
    let mut causes = id_causes(path, context, &["fsGroup", "runAsUser", "runAsGroup"]);
    for (index, group) in items(context, &["supplementalGroups"]).iter().enumerate() {
        let group = group.as_i64().unwrap_or_default();
        causes.extend(in_range(format!("{path}.supplementalGroups[{index}]"), group, 0, ID_MAX));
    }
    if flag(draft.spec, &["hostPID"]) && flag(draft.spec, &["shareProcessNamespace"]) {
        let field = format!("{path}.shareProcessNamespace");
        let rule = "ShareProcessNamespace and HostPID cannot both be enabled";
        causes.push(Cause::invalid(field, &json!(true), rule));
    }
    causes.extend(sysctls::causes(&format!("{path}.sysctls"), draft));
    causes.extend(policy_cause(path, context, "fsGroupChangePolicy", &GROUP_CHANGE_POLICIES));
    causes.extend(profile::seccomp_causes(path, context));
    causes.extend(windows::option_causes(path, context));
    causes.extend(profile::app_armor_causes(path, context));
    causes.extend(policy_cause(path, context, "supplementalGroupsPolicy", &GROUPS_POLICIES));
    // With `SELinuxMount` off, as it is, only pods that have a policy already may have the other (v1.36).
    let old = get(draft.old, &["securityContext", "seLinuxChangePolicy"]);
    let supported =
        if old.is_some() { &RELABELLING_POLICIES[..] } else { &RELABELLING_POLICIES[1..] };
    causes.extend(policy_cause(path, context, "seLinuxChangePolicy", supported));
    causes
}

/// What the numbers of users and groups break.
pub(super) fn id_causes(path: &str, context: &Value, fields: &[&str]) -> Vec<Cause> {
    let given = fields.iter().filter_map(|field| Some((field, int(context, &[*field])?)));
    given.filter_map(|(field, id)| in_range(format!("{path}.{field}"), id, 0, ID_MAX)).collect()
}

fn policy_cause(path: &str, context: &Value, field: &str, supported: &[&str]) -> Option<Cause> {
    let policy = get(context, &[field])?;
    let is_supported = supported.contains(&text(policy, &[]));
    (!is_supported).then(|| Cause::not_supported(format!("{path}.{field}"), policy, supported))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(spec: &Value, old: &Value) -> String {
        let causes = causes("c", Draft { spec, old, is_pod: true });
        causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_security_context_says_what_it_breaks() {
        let range = "must be between 0 and 2147483647, inclusive";
        let table = [
            (json!({"fsGroup": 1, "supplementalGroups": [0], "fsGroupChangePolicy": "Always"}), String::new()),
            (json!({"runAsUser": -1}), format!("c.runAsUser: Invalid value: -1: {range}")),
            (json!({"fsGroup": 2_147_483_648_i64}), format!("c.fsGroup: Invalid value: 2147483648: {range}")),
            (
                json!({"supplementalGroups": [1, -1]}),
                format!("c.supplementalGroups[1]: Invalid value: -1: {range}"),
            ),
            (
                json!({"fsGroupChangePolicy": "Never"}),
                "c.fsGroupChangePolicy: Unsupported value: \"Never\": supported values: \"Always\", \"OnRootMismatch\"".to_owned(),
            ),
            (
                json!({"supplementalGroupsPolicy": "Foo"}),
                "c.supplementalGroupsPolicy: Unsupported value: \"Foo\": supported values: \"Merge\", \"Strict\"".to_owned(),
            ),
            (
                json!({"seLinuxChangePolicy": "MountOption"}),
                "c.seLinuxChangePolicy: Unsupported value: \"MountOption\": supported values: \"Recursive\"".to_owned(),
            ),
        ];
        for (context, expected) in table {
            let spec = json!({"securityContext": context});
            assert_eq!(told(&spec, &Value::Null), expected, "{context}");
        }
    }

    #[test]
    fn a_pod_that_sees_the_processes_of_its_host_has_no_space_of_its_own() {
        let spec = json!({"hostPID": true, "shareProcessNamespace": true});

        assert_eq!(
            told(&spec, &Value::Null),
            "c.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled"
        );
    }

    #[test]
    fn a_pod_with_a_policy_of_labels_may_have_the_other() {
        let spec = json!({"securityContext": {"seLinuxChangePolicy": "MountOption"}});

        assert_eq!(told(&spec, &spec), "");
    }
}
