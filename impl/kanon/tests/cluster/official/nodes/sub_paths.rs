//! Parts of volumes that are named by variables.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::super::client::{Api, MERGE};
use super::super::with_containers;
use super::{WAIT, container, pod, printed, state};
use crate::support::Outcome;

pub(super) fn sub_paths() -> Vec<Trial> {
    let shows = |name, value: &'static str, why: &'static str| {
        with_containers(name, async move |api: Api| refuses(&api, value, why).await)
    };
    vec![
        with_containers(
            "Variable Expansion should allow substituting values in a volume subpath",
            substitutes,
        ),
        shows(
            "Variable Expansion should fail substituting values in a volume subpath with backticks",
            "..",
            "unable to provision SubPath `..`: must not contain '..'",
        ),
        shows(
            "Variable Expansion should fail substituting values in a volume subpath with absolute path",
            "/tmp",
            "error SubPath `/tmp` must not be an absolute path",
        ),
        with_containers(
            "Variable Expansion should verify that a failing subpath expansion can be modified during the lifecycle \
             of a container [Slow]",
            recovers,
        ),
        with_containers(
            "Variable Expansion should succeed in writing subpaths in container",
            writes,
        ),
    ]
}

/// A pod whose container has a volume at `/whole` and a part of it at `/part`.
fn with_part(script: &str, variable: Value) -> Value {
    let mut main = container("main", script);
    main["env"] = json!([variable]);
    main["volumeMounts"] = json!([{"name": "v", "mountPath": "/whole"},
        {"name": "v", "mountPath": "/part", "subPathExpr": "$(PART)"}]);
    let volumes = json!([{"name": "v", "emptyDir": {}}]);
    pod("tried", json!({"containers": [main], "volumes": volumes}))
}

fn of_field(path: &str) -> Value {
    json!({"name": "PART", "valueFrom": {"fieldRef": {"fieldPath": path}}})
}

fn runs(pod: &Value) -> bool {
    state(pod, "containerStatuses", "main")["running"].is_object()
}

async fn substitutes(api: Api) -> Outcome {
    let script = "test -d /whole/tried; echo $?; sleep 1000";
    api.all("v1", "pods").create(&with_part(script, of_field("metadata.name"))).await?;
    printed(&api, ("tried", "main"), |log| log.trim() == "0").await.map(drop)
}

async fn refuses(api: &Api, value: &str, why: &str) -> Outcome {
    let pods = api.all("v1", "pods");
    pods.create(&with_part(WAIT, json!({"name": "PART", "value": value}))).await?;
    let is_refused = |pod: &Value| {
        let waiting = &state(pod, "containerStatuses", "main")["waiting"];
        waiting["reason"] == "CreateContainerConfigError" && waiting["message"] == why
    };
    pods.until("tried", "it is refused", is_refused).await.map(drop)
}

const ANNOTATION: &str = "metadata.annotations['mysubpath']";

async fn recovers(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    pods.create(&with_part(WAIT, of_field(ANNOTATION))).await?;
    let lacks = |pod: &Value| {
        state(pod, "containerStatuses", "main")["waiting"]["message"] == "missing value for PART"
    };
    pods.until("tried", "it lacks its annotation", lacks).await?;
    let patch = json!({"metadata": {"annotations": {"mysubpath": "mypath"}}});
    pods.patch("tried", MERGE, &patch).await?;
    pods.until("tried", "it runs", runs).await.map(drop)
}

/// What is written to the part is found in the whole; the pod goes although its variable has changed.
async fn writes(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let script = "echo written > /part/file; cat /whole/mypath/file; sleep 1000";
    let mut pod = with_part(script, of_field(ANNOTATION));
    pod["metadata"]["annotations"] = json!({"mysubpath": "mypath"});
    pods.create(&pod).await?;
    printed(&api, ("tried", "main"), |log| log == "written\n").await?;
    let patch = json!({"metadata": {"annotations": {"mysubpath": "mynewpath"}}});
    pods.patch("tried", MERGE, &patch).await?;
    pods.delete("tried", &Value::Null).await?;
    pods.until_gone("tried").await
}
