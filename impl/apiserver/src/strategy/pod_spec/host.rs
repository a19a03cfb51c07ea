//! What a pod shares with its host, and under which names it knows hosts.
//!
//! Source: `validatePodHostNetworkDeps`, `validateHostUsers`, `validatePodHostName` and `ValidateHostAliases`
//! (v1.36), `hasUserNamespacesWithVolumeDevices` in pkg/api/pod/util.go.

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{flag, get, int, items};
use super::super::ip::ip_errors;
use super::super::rules::{named, too_long};
use super::{Draft, containers_with_paths};

const HOSTNAME_LENGTH_MAX: usize = 64;

/// The ports of containers in the network of the host are the host's.
pub(super) fn port_causes(path: &str, draft: Draft) -> Vec<Cause> {
    let mut causes = vec![];
    if !flag(draft.spec, &["hostNetwork"]) {
        return causes;
    }
    let rule = "must match `containerPort` when `hostNetwork` is true";
    for (index, container) in items(draft.spec, &["containers"]).iter().enumerate() {
        for (number, port) in items(container, &["ports"]).iter().enumerate() {
            let of = |field: &str| int(port, &[field]).unwrap_or_default();
            let (host, own) = (of("hostPort"), of("containerPort"));
            if (draft.is_pod || host != 0) && host != own {
                let field = format!("{path}.containers[{index}].ports[{number}].hostPort");
                causes.push(Cause::invalid(field, &json!(host), rule));
            }
        }
    }
    causes
}

/// What a pod breaks that has users of its own.
pub(super) fn user_causes(path: &str, draft: Draft) -> Vec<Cause> {
    let has_own = |spec| get(spec, &["hostUsers"]) == Some(&json!(false));
    let has_devices = |container: &Value| !items(container, &["volumeDevices"]).is_empty();
    if !has_own(draft.spec) {
        return vec![];
    }
    let shared = [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")];
    let shared = shared.into_iter().filter(|(field, _)| flag(draft.spec, &[*field]));
    let mut fields: Vec<String> = shared.map(|(_, shown)| format!("{path}.{shown}")).collect();
    let old = containers_with_paths("", draft.old);
    if !(has_own(draft.old) && old.iter().any(|(_, container)| has_devices(container))) {
        let containers = containers_with_paths(path, draft.spec).into_iter();
        let with_devices = containers.filter(|(_, container)| has_devices(container));
        fields.extend(with_devices.map(|(path, _)| format!("{path}.volumeDevices")));
    }
    let rule = "when `hostUsers` is false";
    fields.into_iter().map(|field| Cause::forbidden(field, rule)).collect()
}

/// What the name that a pod has instead of its own breaks.
pub(super) fn hostname_causes(path: &str, spec: &Value) -> Vec<Cause> {
    let Some(name) = get(spec, &["hostnameOverride"]).and_then(Value::as_str) else {
        return vec![];
    };
    let field = format!("{path}.hostnameOverride");
    let excluded = ["setHostnameAsFQDN", "hostNetwork"].into_iter();
    let rule = |other| format!("may not be specified when {other} is true");
    let mut causes: Vec<Cause> = excluded
        .filter(|other| flag(spec, &[*other]))
        .map(|other| Cause::forbidden(field.as_str(), &rule(other)))
        .collect();
    if name.len() > HOSTNAME_LENGTH_MAX {
        causes.push(too_long(&field, HOSTNAME_LENGTH_MAX));
    }
    causes.extend(named(&field, name, names::dns_subdomain));
    causes
}

/// What the aliases of hosts break.
pub(super) fn alias_causes(path: &str, aliases: &[Value]) -> Vec<Cause> {
    let mut causes = vec![];
    for (index, alias) in aliases.iter().enumerate() {
        let path = format!("{path}[{index}]");
        causes.extend(named(&format!("{path}.ip"), text(alias, &["ip"]), ip_errors));
        let names = items(alias, &["hostnames"]).iter().filter_map(Value::as_str).enumerate();
        causes.extend(names.flat_map(|(index, name)| {
            named(&format!("{path}.hostnames[{index}]"), name, names::dns_subdomain)
        }));
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(spec: &Value, old: &Value, is_pod: bool) -> String {
        let draft = Draft { spec, old, is_pod };
        let mut causes = port_causes("s", draft);
        causes.extend(user_causes("s", draft));
        causes.extend(hostname_causes("s", spec));
        causes.extend(alias_causes("s.hostAliases", items(spec, &["hostAliases"])));
        causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_pod_says_what_it_breaks_of_its_host() {
        let ports = |ports: Value| json!({"hostNetwork": true, "containers": [{"ports": ports}]});
        let table = [
            (ports(json!([{"hostPort": 80, "containerPort": 80}])), ""),
            (
                ports(json!([{"hostPort": 81, "containerPort": 80}])),
                "s.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true",
            ),
            (json!({"hostUsers": true, "hostPID": true}), ""),
            (
                json!({"hostUsers": false, "hostPID": true, "hostNetwork": true}),
                "s.hostNetwork: Forbidden: when `hostUsers` is false\ns.HostPID: Forbidden: when `hostUsers` is false",
            ),
            (json!({"hostnameOverride": "a.example.com"}), ""),
            (
                json!({"hostnameOverride": "a", "setHostnameAsFQDN": true}),
                "s.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true",
            ),
            (
                json!({"hostnameOverride": "a".repeat(65)}),
                "s.hostnameOverride: Too long: may not be more than 64 bytes",
            ),
            (json!({"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a.b"]}]}), ""),
            (
                json!({"hostAliases": [{"ip": "a"}]}),
                "s.hostAliases[0].ip: Invalid value: \"a\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            ),
        ];
        for (spec, expected) in table {
            assert_eq!(told(&spec, &Value::Null, true), expected, "{spec}");
        }
    }

    #[test]
    fn a_template_may_leave_the_ports_of_its_host_to_defaults() {
        let spec = json!({"hostNetwork": true, "containers": [{"ports": [{"containerPort": 80}]}]});

        assert_eq!(told(&spec, &Value::Null, false), "");
        assert_ne!(told(&spec, &Value::Null, true), "");
    }

    #[test]
    fn a_pod_of_users_of_its_own_may_keep_devices() {
        let devices = json!([{"name": "v", "devicePath": "/dev/v"}]);
        let spec = json!({"hostUsers": false, "containers": [{"volumeDevices": devices}]});

        assert_eq!(
            told(&spec, &Value::Null, true),
            "s.containers[0].volumeDevices: Forbidden: when `hostUsers` is false"
        );
        assert_eq!(told(&spec, &spec, true), "");
    }
}
