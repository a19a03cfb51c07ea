//! The kernel's parameters in a pod.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::super::client::Api;
use super::super::with_containers;
use super::{WAIT, container, pod, printed};
use crate::support::{Outcome, ensure};

pub(super) fn sysctls() -> Vec<Trial> {
    vec![
        with_containers(
            "Sysctls [LinuxOnly] [NodeConformance] should support sysctls [Environment:NotInUserNS]",
            are_set,
        ),
        with_containers(
            "Sysctls [LinuxOnly] [NodeConformance] should reject invalid sysctls",
            are_refused,
        ),
    ]
}

/// A pod that sets these and runs a script.
fn setting(sysctls: Value, script: &str) -> Value {
    let context = json!({"sysctls": sysctls});
    let spec = json!({"restartPolicy": "Never", "securityContext": context,
        "containers": [container("main", script)]});
    pod("tried", spec)
}

async fn are_set(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let sysctls = json!([{"name": "kernel.shm_rmid_forced", "value": "1"}, {"name": "net/ipv4/tcp_fin_timeout", "value": "7"}]);
    let script = "sysctl kernel.shm_rmid_forced net.ipv4.tcp_fin_timeout";
    pods.create(&setting(sysctls, script)).await?;
    pods.until("tried", "it succeeds", |pod| pod["status"]["phase"] == "Succeeded").await?;
    let set = "kernel.shm_rmid_forced = 1\nnet.ipv4.tcp_fin_timeout = 7\n";
    printed(&api, ("tried", "main"), |log| log == set).await.map(drop)
}

async fn are_refused(api: Api) -> Outcome {
    let names = ["foo-", "kernel.shmmax", "safe-and-unsafe", "bar.."];
    let sysctls: Vec<Value> =
        names.iter().map(|name| json!({"name": name, "value": "1"})).collect();
    let (code, answer) = api.all("v1", "pods").try_create(&setting(json!(sysctls), WAIT)).await?;
    ensure(code == 422, format!("{code}: {answer}"))?;
    let why = answer["message"].as_str().unwrap_or_default();
    let named = |name: &str| why.contains(&format!("Invalid value: \"{name}\""));
    ensure(named("foo-") && named("bar.."), format!("refused with {why:?}"))?;
    ensure(!named("kernel.shmmax") && !named("safe-and-unsafe"), format!("refused with {why:?}"))
}
