//! The security context of a container.
//!
//! Source: `ValidateSecurityContext` (v1.36). Privileged containers are allowed, as with `--allow-privileged`.

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{flag, get, items};
use super::super::go_struct::{Field, Shape, show};
use super::super::rules::invalid_struct;
use super::{profile, security_context, windows};

const PROC_MOUNTS: [&str; 2] = ["Default", "Unmasked"];
/// The context as upstream shows it.
const FIELDS: [Field; 12] = [
    ("Capabilities", "capabilities", Shape::Struct(CAPABILITIES)),
    ("Privileged", "privileged", Shape::Plain),
    ("SELinuxOptions", "seLinuxOptions", Shape::Struct(SE_LINUX)),
    ("WindowsOptions", "windowsOptions", Shape::Struct(WINDOWS)),
    ("RunAsUser", "runAsUser", Shape::Plain),
    ("RunAsGroup", "runAsGroup", Shape::Plain),
    ("RunAsNonRoot", "runAsNonRoot", Shape::Plain),
    ("ReadOnlyRootFilesystem", "readOnlyRootFilesystem", Shape::Plain),
    ("AllowPrivilegeEscalation", "allowPrivilegeEscalation", Shape::Plain),
    ("ProcMount", "procMount", Shape::Plain),
    ("SeccompProfile", "seccompProfile", Shape::Struct(profile::FIELDS)),
    ("AppArmorProfile", "appArmorProfile", Shape::Struct(profile::FIELDS)),
];
const CAPABILITIES: &[Field] = &[("Add", "add", Shape::Plain), ("Drop", "drop", Shape::Plain)];
const SE_LINUX: &[Field] = &[
    ("User", "user", Shape::Text),
    ("Role", "role", Shape::Text),
    ("Type", "type", Shape::Text),
    ("Level", "level", Shape::Text),
];
const WINDOWS: &[Field] = &[
    ("GMSACredentialSpecName", "gmsaCredentialSpecName", Shape::Plain),
    ("GMSACredentialSpec", "gmsaCredentialSpec", Shape::Plain),
    ("RunAsUserName", "runAsUserName", Shape::Plain),
    ("HostProcess", "hostProcess", Shape::Plain),
];

/// What the security context of a container of this pod breaks.
pub(in crate::strategy) fn causes(path: &str, container: &Value, spec: &Value) -> Vec<Cause> {
    let Some(context) = get(container, &["securityContext"]) else {
        return vec![];
    };
    let mut causes = security_context::id_causes(path, context, &["runAsUser", "runAsGroup"]);
    causes.extend(proc_mount_causes(&format!("{path}.procMount"), context, spec));
    causes.extend(profile::seccomp_causes(path, context));
    if get(context, &["allowPrivilegeEscalation"]) == Some(&json!(false)) {
        causes.extend(escalation_causes(path, context));
    }
    causes.extend(windows::option_causes(path, context));
    causes.extend(profile::app_armor_causes(path, context));
    causes
}

fn proc_mount_causes(field: &str, context: &Value, spec: &Value) -> Vec<Cause> {
    let Some(proc_mount) = get(context, &["procMount"]) else {
        return vec![];
    };
    let has_own_users = get(spec, &["hostUsers"]) == Some(&json!(false));
    match text(proc_mount, &[]) {
        "Unmasked" if !has_own_users => {
            let rule = "`hostUsers` must be false to use `Unmasked`";
            vec![Cause::invalid(field, proc_mount, rule)]
        }
        "Default" | "Unmasked" => vec![],
        _ => vec![Cause::not_supported(field, proc_mount, &PROC_MOUNTS)],
    }
}

/// Who may not gain privileges does not have all of them.
fn escalation_causes(path: &str, context: &Value) -> Vec<Cause> {
    let cause = |rule| invalid_struct(path, &show(context, &FIELDS), rule);
    let mut causes = vec![];
    if flag(context, &["privileged"]) {
        causes
            .push(cause("cannot set `allowPrivilegeEscalation` to false and `privileged` to true"));
    }
    let added = items(context, &["capabilities", "add"]).iter();
    let rule =
        "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
    causes.extend(added.filter(|added| **added == "CAP_SYS_ADMIN").map(|_| cause(rule)));
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_security_context_says_what_it_breaks() {
        let table = [
            (json!({"procMount": "Default", "allowPrivilegeEscalation": false}), ""),
            (
                json!({"runAsUser": -1}),
                "c.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
            ),
            (
                json!({"procMount": "Foo"}),
                "c.procMount: Unsupported value: \"Foo\": supported values: \"Default\", \"Unmasked\"",
            ),
            (
                json!({"procMount": "Unmasked"}),
                "c.procMount: Invalid value: \"Unmasked\": `hostUsers` must be false to use `Unmasked`",
            ),
            (
                json!({"allowPrivilegeEscalation": false, "privileged": true}),
                "c: Invalid value: {\"Capabilities\":null,\"Privileged\":true,\"SELinuxOptions\":null,\"WindowsOptions\":null,\"RunAsUser\":null,\"RunAsGroup\":null,\"RunAsNonRoot\":null,\"ReadOnlyRootFilesystem\":null,\"AllowPrivilegeEscalation\":false,\"ProcMount\":null,\"SeccompProfile\":null,\"AppArmorProfile\":null}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
            ),
            (
                json!({"allowPrivilegeEscalation": false, "capabilities": {"add": ["CAP_SYS_ADMIN"]}}),
                "c: Invalid value: {\"Capabilities\":{\"Add\":[\"CAP_SYS_ADMIN\"],\"Drop\":null},\"Privileged\":null,\"SELinuxOptions\":null,\"WindowsOptions\":null,\"RunAsUser\":null,\"RunAsGroup\":null,\"RunAsNonRoot\":null,\"ReadOnlyRootFilesystem\":null,\"AllowPrivilegeEscalation\":false,\"ProcMount\":null,\"SeccompProfile\":null,\"AppArmorProfile\":null}: cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN",
            ),
        ];
        for (context, expected) in table {
            let causes = causes("c", &json!({"securityContext": context}), &json!({}));
            let told: Vec<String> = causes.iter().map(ToString::to_string).collect();
            assert_eq!(told.join("\n"), expected, "{context}");
        }
    }

    #[test]
    fn all_of_proc_is_for_pods_with_users_of_their_own() {
        let container = json!({"securityContext": {"procMount": "Unmasked"}});

        assert_eq!(causes("c", &container, &json!({"hostUsers": false})), []);
    }
}
