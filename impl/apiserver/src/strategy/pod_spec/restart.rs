//! When a container is started again: by a policy of its own, by rules about its exit, and after a resize.
//!
//! Source: `validateContainerRestartPolicy`, `validateInitContainerRestartPolicy` and `validateResizePolicy`
//! (v1.36), `hasRestartContainerForNonSidecarInitContainer` in pkg/api/pod/util.go.

use std::collections::BTreeSet;

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, items};
use super::super::rules::too_many;

const POLICIES: [&str; 3] = ["Always", "Never", "OnFailure"];
const ACTIONS: [&str; 2] = ["Restart", "RestartAllContainers"];
const OPERATORS: [&str; 2] = ["In", "NotIn"];
const RULES_MAX: usize = 20;
const EXIT_CODES_MAX: usize = 255;
const RESIZED: [&str; 2] = ["cpu", "memory"];
const RESIZE_POLICIES: [&str; 2] = ["NotRequired", "RestartContainer"];

/// What the policy and the rules of a container break.
pub(in crate::strategy) fn policy_causes(path: &str, container: &Value) -> Vec<Cause> {
    let field = format!("{path}.restartPolicy");
    let rules = items(container, &["restartPolicyRules"]);
    let mut causes = vec![];
    match get(container, &["restartPolicy"]) {
        None if rules.is_empty() => return vec![],
        None => {
            let rule = "must specify restartPolicy when restart rules are used";
            causes.push(Cause::required(field, rule));
        }
        Some(policy) if !POLICIES.contains(&text(policy, &[])) => {
            causes.push(Cause::not_supported(field, policy, &POLICIES));
        }
        Some(_) => {}
    }
    let field = format!("{path}.restartPolicyRules");
    if rules.len() > RULES_MAX {
        causes.push(too_many(field.as_str(), rules.len(), RULES_MAX));
    }
    for (index, rule) in rules.iter().enumerate() {
        causes.extend(rule_causes(&format!("{field}[{index}]"), rule));
    }
    causes
}

/// What those of an init container break. Its rules are not looked at where it has no policy.
pub(in crate::strategy) fn init_policy_causes(path: &str, container: &Value) -> Vec<Cause> {
    let mut causes = policy_causes(path, container);
    if get(container, &["restartPolicy"]).is_none() {
        causes.truncate(1);
    }
    causes
}

fn rule_causes(path: &str, rule: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let action = text(rule, &["action"]);
    if !ACTIONS.contains(&action) {
        causes.push(Cause::not_supported(format!("{path}.action"), &json!(action), &ACTIONS));
    }
    let path = format!("{path}.exitCodes");
    let Some(codes) = get(rule, &["exitCodes"]) else {
        causes.push(Cause::required(path, "must be specified"));
        return causes;
    };
    let operator = text(codes, &["operator"]);
    if !OPERATORS.contains(&operator) {
        let field = format!("{path}.operator");
        causes.push(Cause::not_supported(field, &json!(operator), &OPERATORS));
    }
    let values = items(codes, &["values"]).len();
    if values > EXIT_CODES_MAX {
        causes.push(too_many(format!("{path}.values"), values, EXIT_CODES_MAX));
    }
    causes
}

/// What the resize policy of a container in this pod breaks. Upstream names the list, seldom the item.
pub(in crate::strategy) fn resize_causes(
    path: &str,
    container: &Value,
    spec: &Value,
) -> Vec<Cause> {
    let field = format!("{path}.resizePolicy");
    let mut causes = vec![];
    let mut seen = BTreeSet::new();
    for (index, item) in items(container, &["resizePolicy"]).iter().enumerate() {
        let (resource, policy) = (text(item, &["resourceName"]), text(item, &["restartPolicy"]));
        if !seen.insert(resource) {
            causes.push(Cause::duplicate(format!("{field}[{index}]"), &json!(resource)));
        }
        causes.extend(one_of(&field, resource, &RESIZED));
        causes.extend(one_of(&field, policy, &RESIZE_POLICIES));
        if text(spec, &["restartPolicy"]) == "Never" && policy != "NotRequired" {
            let rule = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            causes.push(Cause::invalid(field.as_str(), &json!(policy), rule));
        }
    }
    causes
}

/// What the resize policy of an init container that is no sidecar breaks, unless its old pod has the like.
pub(in crate::strategy) fn init_resize_causes(
    path: &str,
    container: &Value,
    old: &Value,
) -> Vec<Cause> {
    let mut old_containers = items(old, &["initContainers"]).iter();
    if is_sidecar(container) || old_containers.any(|old| !is_sidecar(old) && restarts(old)) {
        return vec![];
    }
    let rule = "must not be set to 'RestartContainer' for non-sidecar initContainers";
    let policies = items(container, &["resizePolicy"]).iter().enumerate();
    let restarting = policies.filter(|(_, policy)| is_restart(policy));
    let field = |index| format!("{path}.resizePolicy[{index}].restartPolicy");
    let causes =
        restarting.map(|(index, _)| Cause::invalid(field(index), &json!("RestartContainer"), rule));
    causes.collect()
}

fn is_sidecar(container: &Value) -> bool {
    text(container, &["restartPolicy"]) == "Always"
}

fn restarts(container: &Value) -> bool {
    items(container, &["resizePolicy"]).iter().any(is_restart)
}

fn is_restart(policy: &Value) -> bool {
    text(policy, &["restartPolicy"]) == "RestartContainer"
}

fn one_of(field: &str, value: &str, supported: &[&str]) -> Option<Cause> {
    super::super::rules::one_of(field.to_owned(), Some(&json!(value)), supported, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(causes: &[Cause]) -> Vec<String> {
        causes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_restart_policy_says_what_it_breaks() {
        let rule = |rule: Value| json!({"restartPolicy": "Never", "restartPolicyRules": [rule]});
        let in_codes = json!({"operator": "In", "values": [1]});
        let table = [
            (rule(json!({"action": "Restart", "exitCodes": in_codes})), vec![]),
            (
                json!({"restartPolicy": "Sometimes"}),
                vec![
                    "c.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"Never\", \"OnFailure\"",
                ],
            ),
            (
                json!({"restartPolicyRules": [{"action": "Restart", "exitCodes": in_codes}]}),
                vec![
                    "c.restartPolicy: Required value: must specify restartPolicy when restart rules are used",
                ],
            ),
            (
                rule(json!({"action": "Stop"})),
                vec![
                    "c.restartPolicyRules[0].action: Unsupported value: \"Stop\": supported values: \"Restart\", \"RestartAllContainers\"",
                    "c.restartPolicyRules[0].exitCodes: Required value: must be specified",
                ],
            ),
            (
                rule(
                    json!({"action": "Restart", "exitCodes": {"operator": "Near", "values": [1]}}),
                ),
                vec![
                    "c.restartPolicyRules[0].exitCodes.operator: Unsupported value: \"Near\": supported values: \"In\", \"NotIn\"",
                ],
            ),
        ];
        for (container, expected) in table {
            assert_eq!(told(&policy_causes("c", &container)), expected, "{container}");
        }
        let many = json!({"restartPolicy": "Never", "restartPolicyRules": vec![
            json!({"action": "Restart", "exitCodes": in_codes}); 21]});
        assert_eq!(
            told(&policy_causes("c", &many)),
            ["c.restartPolicyRules: Too many: 21: must have at most 20 items"]
        );
    }

    #[test]
    fn a_resize_policy_says_what_it_breaks() {
        let policies = |policies: Value| json!({"resizePolicy": policies});
        let table = [
            (policies(json!([{"resourceName": "cpu", "restartPolicy": "NotRequired"}])), vec![]),
            (
                policies(json!([{"resourceName": "gpu", "restartPolicy": "NotRequired"}])),
                vec![
                    "c.resizePolicy: Unsupported value: \"gpu\": supported values: \"cpu\", \"memory\"",
                ],
            ),
            (
                policies(json!([
                    {"resourceName": "cpu", "restartPolicy": "NotRequired"},
                    {"resourceName": "cpu", "restartPolicy": "RestartContainer"},
                ])),
                vec![
                    "c.resizePolicy[1]: Duplicate value: \"cpu\"",
                    "c.resizePolicy: Invalid value: \"RestartContainer\": must be 'NotRequired' when pod `restartPolicy` is 'Never'",
                ],
            ),
        ];
        for (container, expected) in table {
            let spec = json!({"restartPolicy": "Never"});
            assert_eq!(told(&resize_causes("c", &container, &spec)), expected, "{container}");
        }
    }

    #[test]
    fn an_init_container_is_not_restarted_for_a_resize() {
        let policy = json!([{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]);
        let init = json!({"resizePolicy": policy});
        let sidecar = json!({"restartPolicy": "Always", "resizePolicy": policy});

        assert_eq!(
            told(&init_resize_causes("i", &init, &Value::Null)),
            [
                "i.resizePolicy[0].restartPolicy: Invalid value: \"RestartContainer\": must not be set to 'RestartContainer' for non-sidecar initContainers"
            ]
        );
        assert_eq!(init_resize_causes("i", &sidecar, &Value::Null), []);
        assert_eq!(init_resize_causes("i", &init, &json!({"initContainers": [init]})), []);
    }
}
