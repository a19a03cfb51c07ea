//! What pods share of their machine, on real containers.

use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use libtest_mimic::Trial;
use serde_json::json;

use crate::containers::{create, embedded, with_containers};
use crate::support::{Outcome, eventually, trial};

pub(crate) fn trials() -> Vec<Trial> {
    with_containers(vec![trial("containers_that_share_processes_see_each_others", share_processes)])
}

/// The first process is nobody's, and it reaps what the others leave behind.
async fn share_processes() -> Outcome {
    let cluster = embedded(&[])?;
    let leave = "(sh -c 'sleep 0.1; exit 3' &); exec sleep 54321";
    let look = "while sleep 0.2; do ps -o pid,stat,args; echo end; done";
    let container = |name: &str, script: &str| json!({"name": name, "image": "busybox:1.35", "command": ["sh", "-c", script]});
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "p"},
        "spec": {"shareProcessNamespace": true, "terminationGracePeriodSeconds": 0,
            "containers": [container("seen", leave), container("sees", look)]},
    }))?;

    let pods = create(&cluster, &pod).await?;

    eventually("one sees the other's processes, and no dead ones", || async {
        let parameters = LogParams { container: Some("sees".to_owned()), ..LogParams::default() };
        let log = pods.logs("p", &parameters).await.unwrap_or_default();
        let last =
            log.trim_end().trim_end_matches("end").rsplit("end\n").next().unwrap_or_default();
        let processes: Vec<&str> = last.lines().map(str::trim).collect();
        let is_first = |process: &&&str| process.starts_with("1 ") && process.contains("__pause");
        let is_as_expected = processes.iter().any(|process| process.ends_with("sleep 54321"))
            && processes.iter().find(is_first).is_some()
            && !processes.iter().any(|process| process.contains(" Z"));
        if is_as_expected { Ok(Some(())) } else { Err(format!("it sees {last}").into()) }
    })
    .await
}
