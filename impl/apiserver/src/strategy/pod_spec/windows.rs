//! What is only for Windows, and what pods of Windows cannot have.
//!
//! Source: `validateWindowsSecurityContextOptions`, `validateWindowsHostProcessPod`, `validateOS`, `validateLinux`
//! and `validateWindows` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{flag, get, or_null};
use super::super::rules::named;
use super::containers_with_paths;

const SYSTEMS: [&str; 2] = ["linux", "windows"];
const SPECIFICATION_BYTES_MAX: usize = 64 * 1024;
const DOMAIN_LENGTH: usize = 256;
const USER_LENGTH_MAX: usize = 104;
/// What a pod of Windows cannot have, below its spec.
const NOT_IN_PODS: [&str; 15] = [
    "securityContext.appArmorProfile",
    "securityContext.seLinuxOptions",
    "hostUsers",
    "hostPID",
    "hostIPC",
    "securityContext.seccompProfile",
    "securityContext.fsGroup",
    "securityContext.fsGroupChangePolicy",
    "securityContext.sysctls",
    "shareProcessNamespace",
    "securityContext.runAsUser",
    "securityContext.runAsGroup",
    "securityContext.supplementalGroups",
    "securityContext.supplementalGroupsPolicy",
    "securityContext.seLinuxChangePolicy",
];
/// What its containers cannot have, below their security contexts.
const NOT_IN_CONTAINERS: [&str; 10] = [
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
];

/// What the options for Windows of a security context break.
pub(super) fn option_causes(path: &str, context: &Value) -> Vec<Cause> {
    let options = or_null(context, &["windowsOptions"]);
    let path = format!("{path}.windowsOptions");
    let given = |field: &str| get(options, &[field]).and_then(Value::as_str);
    let mut causes = vec![];
    if let Some(name) = given("gmsaCredentialSpecName") {
        causes.extend(named(&format!("{path}.gmsaCredentialSpecName"), name, names::dns_subdomain));
    }
    if let Some(specification) = given("gmsaCredentialSpec") {
        let rule = match specification.len() {
            0 => Some("gmsaCredentialSpec cannot be an empty string"),
            1..=SPECIFICATION_BYTES_MAX => None,
            _ => Some("gmsaCredentialSpec size must be under 64 KiB"),
        };
        let field = format!("{path}.gmsaCredentialSpec");
        causes.extend(rule.map(|rule| Cause::invalid(field, &json!(specification), rule)));
    }
    if let Some(user) = given("runAsUserName") {
        let field = format!("{path}.runAsUserName");
        let cause = |rule| Cause::invalid(field.as_str(), &json!(user), rule);
        causes.extend(user_rules(user).into_iter().map(cause));
    }
    causes
}

/// What a pod breaks whose containers are processes of their host: all of them are.
pub(super) fn host_process_causes(path: &str, spec: &Value) -> Vec<Cause> {
    let of = |holder| get(holder, &["securityContext", "windowsOptions", "hostProcess"]);
    let of_pod = of(spec);
    let containers = containers_with_paths(path, spec);
    let mut causes = vec![];
    let mut host_processes = 0;
    for (path, container) in &containers {
        let own = of(container);
        if let (Some(of_pod), Some(own)) = (of_pod, own)
            && of_pod != own
        {
            let field = format!("{path}.securityContext.windowsOptions.hostProcess");
            let rule = format!(
                "pod hostProcess value must be identical if both are specified, was {of_pod}"
            );
            causes.push(Cause::invalid(field, own, &rule));
        }
        host_processes += usize::from(own.or(of_pod) == Some(&json!(true)));
    }
    if host_processes == 0 {
        return causes;
    }
    if host_processes != containers.len() {
        let rule = "If pod contains any hostProcess containers then all containers must be HostProcess containers";
        causes.push(Cause::invalid(path, &json!(""), rule));
    }
    if !flag(spec, &["hostNetwork"]) {
        let rule = "hostNetwork must be true if pod contains any hostProcess containers";
        causes.push(Cause::invalid(format!("{path}.hostNetwork"), &json!(false), rule));
    }
    causes
}

/// What a pod breaks that says for which system it is.
pub(super) fn system_causes(path: &str, spec: &Value) -> Vec<Cause> {
    let Some(system) = get(spec, &["os"]) else {
        return vec![];
    };
    match text(system, &["name"]) {
        "" => vec![Cause::required(format!("{path}.os.name"), "")],
        "linux" => linux_causes(path, spec),
        "windows" => windows_causes(path, spec),
        other => vec![Cause::not_supported(format!("{path}.os"), &json!(other), &SYSTEMS)],
    }
}

fn linux_causes(path: &str, spec: &Value) -> Vec<Cause> {
    let mut holders = vec![(path.to_owned(), spec)];
    holders.extend(containers_with_paths(path, spec));
    let has_options =
        |holder: &Value| get(holder, &["securityContext", "windowsOptions"]).is_some();
    let rule = "windows options cannot be set for a linux pod";
    let with_options = holders.into_iter().filter(|(_, holder)| has_options(holder));
    with_options
        .map(|(path, _)| Cause::forbidden(format!("{path}.securityContext.windowsOptions"), rule))
        .collect()
}

fn windows_causes(path: &str, spec: &Value) -> Vec<Cause> {
    let rule = "cannot be set for a windows pod";
    let is_set = |field: &str| {
        let path: Vec<&str> = field.split('.').collect();
        let value = get(spec, &path);
        let is_nothing = match field {
            "hostPID" | "hostIPC" => value == Some(&json!(false)),
            "securityContext.sysctls" => value == Some(&json!([])),
            _ => false,
        };
        value.is_some() && !is_nothing
    };
    let of_pod = NOT_IN_PODS.iter().filter(|field| is_set(field));
    let mut causes: Vec<Cause> =
        of_pod.map(|field| Cause::forbidden(format!("{path}.{field}"), rule)).collect();
    for (path, container) in containers_with_paths(path, spec) {
        let context = or_null(container, &["securityContext"]);
        let given = NOT_IN_CONTAINERS.iter().filter(|field| get(context, &[**field]).is_some());
        let field = |field: &&str| format!("{path}.securityContext.{field}");
        causes.extend(given.map(|name| Cause::forbidden(field(name), rule)));
    }
    causes
}

/// What the name of a user breaks, with the domain before it or without.
fn user_rules(name: &str) -> Vec<&'static str> {
    if name.is_empty() {
        return vec!["runAsUserName cannot be an empty string"];
    }
    if name.bytes().any(|byte| byte.is_ascii_control()) {
        return vec!["runAsUserName cannot contain control characters"];
    }
    let parts: Vec<&str> = name.split('\\').collect();
    let (domain, user) = match parts.as_slice() {
        [user] => (None, *user),
        [domain, user] => (Some(*domain), *user),
        _ => return vec!["runAsUserName cannot contain more than one backslash"],
    };
    let only_dots_and_spaces = !user.is_empty() && user.bytes().all(|byte| b". ".contains(&byte));
    let rules = [
        (
            domain.is_some_and(|domain| domain.len() >= DOMAIN_LENGTH),
            "runAsUserName's Domain length must be under 256 characters",
        ),
        (
            domain.is_some_and(|domain| !is_net_bios(domain) && !is_dns(domain)),
            "runAsUserName's Domain doesn't match the NetBios nor the DNS format",
        ),
        (user.is_empty(), "runAsUserName's User cannot be empty"),
        (
            user.len() > USER_LENGTH_MAX,
            "runAsUserName's User length must not be longer than 104 characters",
        ),
        (only_dots_and_spaces, "runAsUserName's User cannot contain only periods or spaces"),
        (
            user.contains([
                '"', '/', '\\', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '@', '[', ']',
            ]),
            r#"runAsUserName's User cannot contain the following characters: "/\:;|=,+*?<>@[]"#,
        ),
    ];
    rules.into_iter().filter(|(is_broken, _)| *is_broken).map(|(_, rule)| rule).collect()
}

fn is_net_bios(domain: &str) -> bool {
    let is_allowed = |character: char| !r#"\/:*?"<>|"#.contains(character);
    (1..=15).contains(&domain.chars().count())
        && !domain.starts_with('.')
        && domain.chars().all(is_allowed)
}

fn is_dns(domain: &str) -> bool {
    domain.split('.').all(|label| names::dns_label(&label.to_ascii_lowercase()).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(causes: &[Cause]) -> String {
        causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_name_of_a_user_says_what_it_breaks() {
        let table = [
            ("ContainerUser", ""),
            ("DOMAIN\\user", ""),
            ("example.org\\user", ""),
            ("", "runAsUserName cannot be an empty string"),
            ("a\tb", "runAsUserName cannot contain control characters"),
            ("a\\b\\c", "runAsUserName cannot contain more than one backslash"),
            ("a*\\b", "runAsUserName's Domain doesn't match the NetBios nor the DNS format"),
            ("a\\", "runAsUserName's User cannot be empty"),
            ("..", "runAsUserName's User cannot contain only periods or spaces"),
            (
                "a@b",
                "runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]",
            ),
        ];
        for (name, expected) in table {
            assert_eq!(user_rules(name).join("\n"), expected, "{name}");
        }
        assert_eq!(
            told(&option_causes("c", &json!({"windowsOptions": {"runAsUserName": ""}}))),
            "c.windowsOptions.runAsUserName: Invalid value: \"\": runAsUserName cannot be an empty string"
        );
    }

    #[test]
    fn a_system_keeps_to_what_it_has() {
        let context = |context: Value| json!([{"name": "c", "securityContext": context}]);
        let table = [
            (json!({"os": {"name": "linux"}, "hostPID": true}), ""),
            (json!({"os": {"name": "windows"}, "hostPID": false}), ""),
            (json!({"os": {}}), "s.os.name: Required value"),
            (
                json!({"os": {"name": "plan9"}}),
                "s.os: Unsupported value: \"plan9\": supported values: \"linux\", \"windows\"",
            ),
            (
                json!({"os": {"name": "linux"}, "containers": context(json!({"windowsOptions": {}}))}),
                "s.containers[0].securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod",
            ),
            (
                json!({"os": {"name": "windows"}, "hostPID": true, "securityContext": {"fsGroup": 1}}),
                "s.hostPID: Forbidden: cannot be set for a windows pod\ns.securityContext.fsGroup: Forbidden: cannot be set for a windows pod",
            ),
            (
                json!({"os": {"name": "windows"}, "containers": context(json!({"privileged": false}))}),
                "s.containers[0].securityContext.privileged: Forbidden: cannot be set for a windows pod",
            ),
        ];
        for (spec, expected) in table {
            assert_eq!(told(&system_causes("s", &spec)), expected, "{spec}");
        }
    }

    #[test]
    fn processes_of_the_host_are_together_and_in_its_network() {
        let options = |is: bool| json!({"windowsOptions": {"hostProcess": is}});
        let spec = json!({"containers": [{"securityContext": options(true)}, {}]});

        assert_eq!(
            told(&host_process_causes("s", &spec)),
            "s: Invalid value: \"\": If pod contains any hostProcess containers then all containers must be HostProcess containers\n\
             s.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers"
        );
        let spec = json!({"securityContext": options(false), "containers": [{"securityContext": options(true)}], "hostNetwork": true});
        assert_eq!(
            told(&host_process_causes("s", &spec)),
            "s.containers[0].securityContext.windowsOptions.hostProcess: Invalid value: true: pod hostProcess value must be identical if both are specified, was false"
        );
    }
}
