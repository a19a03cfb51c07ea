//! What pods ask of the machine beside room: parameters of its kernel.

use kubelet::runtime::RuntimeCommand;
use serde_json::{Value, json};

use crate::bench::Bench;

fn setting(name: &str) -> Value {
    json!({"securityContext": {"sysctls": [{"name": name, "value": "1"}]},
        "containers": [{"name": "main", "image": "a"}]})
}

#[test]
fn a_pod_that_sets_what_is_not_allowed_fails_and_never_has_a_sandbox() {
    let mut bench = Bench::new();

    bench.add_pod("web", setting("kernel.msgmax"));

    let status = bench.status("web");
    assert_eq!(
        (&status["phase"], &status["reason"]),
        (&json!("Failed"), &json!("SysctlForbidden"))
    );
    let why = "Pod was rejected: forbidden sysctl: \"kernel.msgmax\" not allowlisted";
    assert_eq!(status["message"], why);
    assert_eq!(bench.reasons(), ["Starting", "SysctlForbidden"]);
    assert!(bench.has_no_sandbox("web"));
}

#[test]
fn a_sandbox_is_told_what_to_set_in_it() {
    let mut bench = Bench::new();

    bench.add_pod("web", setting("kernel/shm_rmid_forced"));

    let expected = [("kernel.shm_rmid_forced".to_owned(), "1".to_owned())];
    assert!(bench.commands.iter().any(|command| {
        matches!(command, RuntimeCommand::CreateSandbox(spec) if spec.sysctls == expected)
    }));
}
