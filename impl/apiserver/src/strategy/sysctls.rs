//! The parameters of the kernel that a pod sets.
//!
//! Source: `validateSysctls` of pkg/apis/core/validation/validation.go and `GetNamespace` of
//! component-helpers/node/util/sysctl (v1.36).

use std::collections::BTreeSet;

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{flag, items};

const LENGTH_MAX: usize = 253;
const RULE: &str = r"must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

/// What the parameters of a pod spec break. Which of them are safe is the kubelet's to say.
pub(super) fn validate(path: &str, spec: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let mut seen = BTreeSet::new();
    for (index, sysctl) in items(spec, &["securityContext", "sysctls"]).iter().enumerate() {
        let name = text(sysctl, &["name"]);
        let field = format!("{path}.securityContext.sysctls[{index}].name");
        if name.is_empty() {
            causes.push(Cause::required(field.clone(), ""));
        } else if !is_name(name) {
            causes.push(Cause::invalid(field.clone(), &json!(name), RULE));
        } else if !seen.insert(name) {
            causes.push(Cause::duplicate(field.clone(), &json!(name)));
        }
        causes.extend(of_node(field, name, spec));
    }
    causes
}

/// A parameter of a namespace that the pod shares with the node.
fn of_node(field: String, name: &str, spec: &Value) -> Option<Cause> {
    let dotted = name.replace('/', ".");
    let shared = |of: &str| flag(spec, &[of]);
    let is_ipc = ["kernel.sem", "kernel.shm", "kernel.msg", "fs.mqueue."]
        .iter()
        .any(|of| dotted.starts_with(of));
    let which = match (dotted.starts_with("net."), is_ipc) {
        (true, _) if shared("hostNetwork") => "hostNetwork",
        (_, true) if shared("hostIPC") => "hostIPC",
        _ => return None,
    };
    let rule = format!("may not be specified when '{which}' is true");
    Some(Cause::invalid(field, &json!(name), &rule))
}

/// Segments with `.` or `/` between them.
fn is_name(name: &str) -> bool {
    name.len() <= LENGTH_MAX && name.split(['.', '/']).all(is_segment)
}

fn is_segment(segment: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [segment.bytes().next(), segment.bytes().last()];
    ends.into_iter().all(|end| end.is_some_and(is_plain))
        && segment.bytes().all(|byte| is_plain(byte) || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_names_of_segments_once_each_and_none_of_the_node() {
        let table = [
            (json!(["kernel.shmmax", "net/ipv4/a_b", "safe-and-unsafe"]), json!({}), vec![]),
            (json!([""]), json!({}), vec!["s.securityContext.sysctls[0].name: Required value".to_owned()]),
            (json!(["foo-"]), json!({}), vec![format!("s.securityContext.sysctls[0].name: Invalid value: \"foo-\": {RULE}")]),
            (json!(["a", "bar.."]), json!({}), vec![format!("s.securityContext.sysctls[1].name: Invalid value: \"bar..\": {RULE}")]),
            (json!(["a", "a"]), json!({}), vec!["s.securityContext.sysctls[1].name: Duplicate value: \"a\"".to_owned()]),
            (
                json!(["net.a", "kernel.sem"]),
                json!({"hostNetwork": true}),
                vec!["s.securityContext.sysctls[0].name: Invalid value: \"net.a\": may not be specified when 'hostNetwork' is true".to_owned()],
            ),
            (
                json!(["net.a", "kernel.sem"]),
                json!({"hostIPC": true}),
                vec!["s.securityContext.sysctls[1].name: Invalid value: \"kernel.sem\": may not be specified when 'hostIPC' is true".to_owned()],
            ),
        ];

        for (names, mut spec, expected) in table {
            let names = names.as_array().unwrap().iter();
            let sysctls: Vec<Value> =
                names.map(|name| json!({"name": name, "value": "1"})).collect();
            spec["securityContext"] = json!({"sysctls": sysctls});
            let causes: Vec<String> = validate("s", &spec).iter().map(Cause::to_string).collect();
            assert_eq!(causes, expected);
        }
    }
}
