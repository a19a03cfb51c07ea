//! What is started in which order, with which command, and what becomes of a container that ends.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::super::client::Api;
use super::super::with_containers;
use super::{WAIT, container, pod, printed, state};
use crate::support::{Outcome, ensure};

const INIT: &str = "initContainerStatuses";
const MAIN: &str = "containerStatuses";

pub(super) fn init_containers() -> Vec<Trial> {
    vec![
        with_containers(
            "InitContainer [NodeConformance] should invoke init containers on a RestartNever pod",
            async |api: Api| {
                let pod = initialized(&api, "Never", "true", |pod| is(pod, "Succeeded")).await?;
                ensure(state(&pod, MAIN, "run1")["terminated"]["exitCode"] == 0, format!("{pod}"))
            },
        ),
        with_containers(
            "InitContainer [NodeConformance] should invoke init containers on a RestartAlways pod",
            async |api: Api| {
                let pod = initialized(&api, "Always", WAIT, |pod| is(pod, "Running")).await?;
                ensure(state(&pod, MAIN, "run1")["running"].is_object(), format!("{pod}"))
            },
        ),
        with_containers(
            "InitContainer [NodeConformance] should not start app containers if init containers fail on a \
             RestartAlways pod",
            fails_again,
        ),
        with_containers(
            "InitContainer [NodeConformance] should not start app containers and fail the pod if init containers \
             fail on a RestartNever pod",
            fails_once,
        ),
    ]
}

fn is(pod: &Value, phase: &str) -> bool {
    pod["status"]["phase"] == phase
}

fn initialized_condition(pod: &Value) -> Value {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions
        .find(|one| one["type"] == "Initialized")
        .map_or(Value::Null, |one| one["status"].clone())
}

/// Runs a pod with two init containers that succeed, until it is as it must be.
async fn initialized(
    api: &Api,
    policy: &str,
    script: &str,
    holds: impl Fn(&Value) -> bool,
) -> Result<Value, libtest_mimic::Failed> {
    let pods = api.all("v1", "pods");
    let init = json!([container("init1", "true"), container("init2", "true")]);
    let spec = json!({"restartPolicy": policy, "initContainers": init, "containers": [container("run1", script)]});
    pods.create(&pod("tried", spec)).await?;
    let pod = pods.until("tried", "it has come so far", holds).await?;
    for name in ["init1", "init2"] {
        let is_done = state(&pod, INIT, name)["terminated"]["exitCode"] == 0;
        ensure(is_done, format!("{name} has not ended well: {pod}"))?;
    }
    ensure(initialized_condition(&pod) == "True", format!("{pod}"))?;
    Ok(pod)
}

async fn fails_again(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let init = json!([container("init1", "false"), container("init2", "true")]);
    let spec = json!({"initContainers": init, "containers": [container("run1", WAIT)]});
    pods.create(&pod("tried", spec)).await?;
    let has_failed_again = |pod: &Value| {
        pod["status"][INIT][0]["restartCount"].as_i64().is_some_and(|count| count >= 2)
    };
    let pod = pods.until("tried", "init1 has failed some times", has_failed_again).await?;
    let waits = |list: &str, name: &str| state(&pod, list, name)["waiting"].is_object();
    let none_began = waits(INIT, "init2") && waits(MAIN, "run1");
    let is_right = none_began && is(&pod, "Pending") && initialized_condition(&pod) == "False";
    ensure(is_right, format!("{pod}"))
}

async fn fails_once(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let init = json!([container("init1", "true"), container("init2", "false")]);
    let spec = json!({"restartPolicy": "Never", "initContainers": init,
        "containers": [container("run1", "true")]});
    pods.create(&pod("tried", spec)).await?;
    let pod = pods.until("tried", "it has failed", |pod| is(pod, "Failed")).await?;
    let ended = |name: &str| state(&pod, INIT, name)["terminated"]["exitCode"].clone();
    let never_began = state(&pod, MAIN, "run1")["waiting"].is_object();
    ensure(ended("init1") == 0 && ended("init2") == 1 && never_began, format!("{pod}"))
}

pub(super) fn commands() -> Vec<Trial> {
    let shows = |name, words: Value, expected: &'static str| {
        with_containers(name, async move |api: Api| runs(&api, words, expected).await)
    };
    vec![
        shows(
            "Containers should use the image defaults if command and args are blank [NodeConformance]",
            json!({}),
            "",
        ),
        shows(
            "Containers should be able to override the image's default arguments (container cmd) [NodeConformance]",
            json!({"args": ["echo", "override", "arguments"]}),
            "override arguments",
        ),
        shows(
            "Containers should be able to override the image's default command (container entrypoint) \
             [NodeConformance]",
            json!({"command": ["pwd"]}),
            "/",
        ),
        shows(
            "Containers should be able to override the image's default command and arguments [NodeConformance]",
            json!({"command": ["echo", "override"], "args": ["arguments"]}),
            "override arguments",
        ),
    ]
}

/// Runs the image of busybox, whose own command is `sh`, which ends when its input does.
async fn runs(api: &Api, words: Value, expected: &str) -> Outcome {
    let pods = api.all("v1", "pods");
    let mut container = words;
    container["name"] = json!("main");
    container["image"] = json!("busybox:1.35");
    let spec = json!({"restartPolicy": "Never", "containers": [container]});
    pods.create(&pod("tried", spec)).await?;
    pods.until("tried", "it has succeeded", |pod| is(pod, "Succeeded")).await?;
    printed(api, ("tried", "main"), |log| log.trim() == expected).await.map(drop)
}

pub(super) fn ends() -> Vec<Trial> {
    vec![with_containers(
        "Container Runtime blackbox test when starting a container that exits should run with the expected status \
         [NodeConformance]",
        ends_with_status,
    )]
}

/// A container that fails when it is first started, and then succeeds.
const FAIL_ONCE: &str = "if [ -e /shared/seen ]; then exit 0; fi; touch /shared/seen; exit 1";

async fn ends_with_status(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let expected =
        [("Always", "Running", 2), ("OnFailure", "Succeeded", 1), ("Never", "Failed", 0)];
    for (policy, phase, restarts) in expected {
        let name = policy.to_lowercase();
        let mut failing = container("main", FAIL_ONCE);
        failing["volumeMounts"] = json!([{"name": "shared", "mountPath": "/shared"}]);
        let volumes = json!([{"name": "shared", "emptyDir": {}}]);
        let spec = json!({"restartPolicy": policy, "containers": [failing], "volumes": volumes});
        pods.create(&pod(&name, spec)).await?;
        let has_come = |pod: &Value| {
            let count = pod["status"][MAIN][0]["restartCount"].as_i64();
            is(pod, phase) && count.is_some_and(|count| count >= restarts)
        };
        let found = pods.until(&name, "it is as its policy says", has_come).await?;
        let status = &found["status"][MAIN][0];
        // One that is always started again may run just now.
        let has_ended = status["ready"] == false && status["restartCount"] == restarts;
        let is_right = policy == "Always" || has_ended;
        ensure(is_right, format!("{policy}: {status}"))?;
    }
    Ok(())
}
