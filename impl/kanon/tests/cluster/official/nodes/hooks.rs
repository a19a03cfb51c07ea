//! Hooks of containers, which call another pod that prints whatever calls it.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::super::client::Api;
use super::super::with_containers;
use super::{container, pod, printed};
use crate::support::Outcome;

pub(super) fn hooks() -> Vec<Trial> {
    let shows = |name, hook: &'static str, kind: &'static str| {
        with_containers(name, async move |api: Api| calls(&api, hook, kind).await)
    };
    vec![
        shows(
            "Container Lifecycle Hook when create a pod with lifecycle hook should execute poststart exec hook \
             properly [NodeConformance]",
            "postStart",
            "exec",
        ),
        shows(
            "Container Lifecycle Hook when create a pod with lifecycle hook should execute poststart http hook \
             properly [NodeConformance]",
            "postStart",
            "httpGet",
        ),
        shows(
            "Container Lifecycle Hook when create a pod with lifecycle hook should execute prestop exec hook \
             properly [NodeConformance]",
            "preStop",
            "exec",
        ),
        shows(
            "Container Lifecycle Hook when create a pod with lifecycle hook should execute prestop http hook \
             properly [NodeConformance]",
            "preStop",
            "httpGet",
        ),
        shows("PreStop should call prestop when killing a pod", "preStop", "exec"),
    ]
}

/// Prints every request and answers it.
const LISTEN: &str = "while true; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\n' | nc -l -p 8080; done";

const WAIT_FOR_TERM: &str = "trap 'exit 0' TERM; sleep 1000 & wait";

/// A pod that is called is there before one that calls it in its hook.
async fn calls(api: &Api, hook: &str, kind: &str) -> Outcome {
    let pods = api.all("v1", "pods");
    let mut listener = container("listener", LISTEN);
    listener["readinessProbe"] = json!({"exec": {"command": ["sh", "-c", "netstat -ltn | grep -q :8080"]}, "periodSeconds": 1});
    pods.create(&pod("called", json!({"containers": [listener]}))).await?;
    let is_ready = |pod: &Value| pod["status"]["containerStatuses"][0]["ready"] == true;
    let called = pods.until("called", "it listens", is_ready).await?;
    let address = called["status"]["podIP"].as_str().unwrap_or_default().to_owned();
    let handler = match kind {
        "exec" => {
            let script = format!("wget -q -O - 'http://{address}:8080/echo?msg={hook}'");
            json!({"exec": {"command": ["sh", "-c", script]}})
        }
        _ => {
            json!({"httpGet": {"host": address, "port": 8080, "path": format!("/echo?msg={hook}")}})
        }
    };
    let mut caller = container("caller", WAIT_FOR_TERM);
    caller["lifecycle"] = json!({hook: handler});
    let mut caller = pod("calling", json!({"containers": [caller]}));
    caller["spec"]["terminationGracePeriodSeconds"] = json!(15);
    pods.create(&caller).await?;
    pods.until("calling", "it runs", |pod| pod["status"]["phase"] == "Running").await?;
    let path = format!("GET /echo?msg={hook} ");
    if hook == "preStop" {
        pods.delete("calling", &Value::Null).await?;
        printed(api, ("called", "listener"), |log| log.contains(&path)).await?;
        return pods.until_gone("calling").await;
    }
    printed(api, ("called", "listener"), |log| log.contains(&path)).await.map(drop)
}
