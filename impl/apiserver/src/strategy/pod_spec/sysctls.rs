//! Parameters of the kernel that a pod sets.
//!
//! Source: `validateSysctls` (v1.36), and component-helpers/node/util/sysctl for whose namespace one is of.

use std::collections::BTreeSet;

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{flag, items};
use super::Draft;

const NAME_LENGTH_MAX: usize = 253;
const NAME_RULE: &str = r"must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
/// Parameters of the IPC namespace, beside all that begin with `fs.mqueue.`.
const OF_IPC: [&str; 10] = [
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
    "kernel.shm",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.msg",
];

/// What the parameters of a pod break. Those of the host's namespaces may stay where they were.
pub(super) fn causes(path: &str, draft: Draft) -> Vec<Cause> {
    let spares_the_host = sysctls(draft.old).all(|name| host_rule(draft.old, name).is_none());
    let mut causes = vec![];
    let mut seen = BTreeSet::new();
    for (index, name) in sysctls(draft.spec).enumerate() {
        let field = format!("{path}[{index}].name");
        if name.is_empty() {
            causes.push(Cause::required(field.as_str(), ""));
        } else if !is_valid(name) {
            causes.push(Cause::invalid(field.as_str(), &json!(name), NAME_RULE));
        } else if seen.contains(name) {
            causes.push(Cause::duplicate(field.as_str(), &json!(name)));
        }
        let rule = host_rule(draft.spec, name).filter(|_| spares_the_host);
        causes.extend(rule.map(|rule| Cause::invalid(field, &json!(name), rule)));
        seen.insert(name);
    }
    causes
}

fn sysctls(spec: &Value) -> impl Iterator<Item = &str> {
    items(spec, &["securityContext", "sysctls"]).iter().map(|sysctl| text(sysctl, &["name"]))
}

fn is_valid(name: &str) -> bool {
    let is_edge = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_segment = |segment: &str| {
        let bytes = segment.as_bytes();
        bytes.first().is_some_and(is_edge)
            && bytes.last().is_some_and(is_edge)
            && bytes.iter().all(|byte| is_edge(byte) || b"-_".contains(byte))
    };
    name.len() <= NAME_LENGTH_MAX && name.split(['.', '/']).all(is_segment)
}

/// Why a parameter is the host's and not the pod's.
fn host_rule(spec: &Value, name: &str) -> Option<&'static str> {
    let name = with_dots(name);
    if flag(spec, &["hostNetwork"]) && name.starts_with("net.") {
        return Some("may not be specified when 'hostNetwork' is true");
    }
    let is_of_ipc = name.starts_with("fs.mqueue.") || OF_IPC.contains(&name.as_str());
    (flag(spec, &["hostIPC"]) && is_of_ipc).then_some("may not be specified when 'hostIPC' is true")
}

/// A name whose first separator is a slash has slashes for dots, and dots for slashes.
fn with_dots(name: &str) -> String {
    match name.find(['.', '/']) {
        Some(first) if name[first..].starts_with('/') => {
            let swap = |character| match character {
                '.' => '/',
                '/' => '.',
                other => other,
            };
            name.chars().map(swap).collect()
        }
        Some(_) | None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(host: &str, names: &[&str]) -> Value {
        let sysctls: Vec<Value> =
            names.iter().map(|name| json!({"name": name, "value": "1"})).collect();
        json!({host: true, "securityContext": {"sysctls": sysctls}})
    }

    fn told(spec: &Value, old: &Value) -> String {
        let causes = causes("s", Draft { spec, old, is_pod: true });
        causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_parameter_says_what_it_breaks() {
        let of_ipc = "may not be specified when 'hostIPC' is true";
        let table = [
            (spec("hostPID", &["net.core.somaxconn", "kernel/shmmax"]), String::new()),
            (spec("hostNetwork", &["kernel.shmmax"]), String::new()),
            (spec("hostPID", &[""]), "s[0].name: Required value".to_owned()),
            (spec("hostPID", &["a..b"]), format!("s[0].name: Invalid value: \"a..b\": {NAME_RULE}")),
            (spec("hostPID", &["a.b", "a.b"]), "s[1].name: Duplicate value: \"a.b\"".to_owned()),
            (
                spec("hostNetwork", &["net/core/somaxconn"]),
                "s[0].name: Invalid value: \"net/core/somaxconn\": may not be specified when 'hostNetwork' is true".to_owned(),
            ),
            (
                spec("hostIPC", &["kernel.shmmax", "fs.mqueue.msg_max"]),
                format!(
                    "s[0].name: Invalid value: \"kernel.shmmax\": {of_ipc}\ns[1].name: Invalid value: \"fs.mqueue.msg_max\": {of_ipc}"
                ),
            ),
        ];
        for (spec, expected) in table {
            assert_eq!(told(&spec, &Value::Null), expected, "{spec}");
        }
    }

    #[test]
    fn what_was_set_on_the_host_may_stay() {
        let spec = spec("hostNetwork", &["net.core.somaxconn"]);

        assert_eq!(told(&spec, &spec), "");
    }
}
