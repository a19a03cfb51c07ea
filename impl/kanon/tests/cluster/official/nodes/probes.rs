//! What probes make of a container.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::super::client::Api;
use super::super::with_containers;
use super::{WAIT, container, pod, printed};
use crate::health_server;
use crate::support::{Outcome, ensure};

pub(super) fn probes() -> Vec<Trial> {
    let restarted = |name, script: &'static str, probe: fn() -> Value| {
        with_containers(name, async move |api: Api| is_restarted(&api, (script, probe()), 1).await)
    };
    let left_alone = |name, script: &'static str, probe: fn() -> Value, seen: &'static str| {
        with_containers(name, async move |api: Api| {
            is_left_alone(&api, script, (probe(), seen)).await
        })
    };
    vec![
        restarted(
            "Probing container should be restarted with a exec \"cat /tmp/health\" liveness probe [NodeConformance]",
            "touch /tmp/health; sleep 3; rm /tmp/health; sleep 1000",
            || json!({"exec": {"command": ["cat", "/tmp/health"]}}),
        ),
        restarted(
            "Probing container should be restarted with a /healthz http liveness probe [NodeConformance]",
            "mkdir /www; touch /www/healthz; httpd -p 8080 -h /www; sleep 3; rm /www/healthz; sleep 1000",
            || json!({"httpGet": {"path": "/healthz", "port": 8080}, "failureThreshold": 1}),
        ),
        left_alone(
            "Probing container should *not* be restarted with a exec \"cat /tmp/health\" liveness probe \
             [NodeConformance]",
            "touch /tmp/health; sleep 1000",
            || json!({"exec": {"command": ["sh", "-c", "cat /tmp/health && echo probed > /proc/1/fd/1"]}}),
            "probed",
        ),
        left_alone(
            "Probing container should *not* be restarted with a /healthz http liveness probe [NodeConformance]",
            LISTEN,
            || json!({"httpGet": {"path": "/healthz", "port": 8080}}),
            "GET /healthz ",
        ),
        left_alone(
            "Probing container should *not* be restarted with a tcp:8080 liveness probe [NodeConformance]",
            LISTEN,
            || json!({"tcpSocket": {"port": 8080}}),
            "called",
        ),
        restarted(
            "Probing container should be restarted with a GRPC liveness probe [NodeConformance]",
            WAIT,
            || json!({"grpc": {"port": 2333}}),
        ),
        with_containers(
            "Probing container should *not* be restarted with a GRPC liveness probe [NodeConformance]",
            is_healthy,
        ),
        with_containers(
            "Probing container should have monotonically increasing restart count [NodeConformance]",
            async |api: Api| {
                let probe = json!({"exec": {"command": ["false"]}});
                is_restarted(&api, (WAIT, probe), 2).await
            },
        ),
        with_containers(
            "Probing container with readiness probe that fails should never be ready and never restart \
             [NodeConformance]",
            is_never_ready,
        ),
        with_containers(
            "Probing container with readiness probe should not be ready before initial delay and never restart \
             [NodeConformance]",
            is_ready_late,
        ),
    ]
}

/// Answers whoever calls, and prints what it was told.
const LISTEN: &str =
    "while true; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\n' | nc -l -p 8080; echo called; done";

/// How often a probe is looked at before it is believed that nothing comes of it.
const OFTEN: usize = 5;

/// A pod of one container with a probe each second, created.
async fn probed(api: &Api, script: &str, (kind, mut probe): (&str, Value)) -> Outcome {
    probe["periodSeconds"] = json!(1);
    let mut container = container("main", script);
    container[kind] = probe;
    let pod = pod("tried", json!({"containers": [container]}));
    api.all("v1", "pods").create(&pod).await.map(drop)
}

fn restarts(pod: &Value) -> i64 {
    pod["status"]["containerStatuses"][0]["restartCount"].as_i64().unwrap_or(0)
}

/// Waits until the container has been restarted so often; never does the count go back.
async fn is_restarted(api: &Api, (script, mut probe): (&str, Value), times: i64) -> Outcome {
    if probe["failureThreshold"].is_null() {
        probe["failureThreshold"] = json!(1);
    }
    let mut watch = api.all("v1", "pods").watch_from_now("").await?;
    probed(api, script, ("livenessProbe", probe)).await?;
    let mut count = 0;
    while count < times {
        let pod = watch.next().await?["object"].clone();
        ensure(restarts(&pod) >= count, format!("after {count} restarts: {}", pod["status"]))?;
        count = restarts(&pod);
    }
    Ok(())
}

async fn is_left_alone(api: &Api, script: &str, (probe, seen): (Value, &str)) -> Outcome {
    probed(api, script, ("livenessProbe", probe)).await?;
    printed(api, ("tried", "main"), |log| log.matches(seen).count() >= OFTEN).await?;
    let pod = api.all("v1", "pods").get("tried").await?;
    let status = &pod["status"]["containerStatuses"][0];
    ensure(status["restartCount"] == 0 && status["ready"] == true, format!("{status}"))
}

/// A container that says by gRPC that it serves.
async fn is_healthy(api: Api) -> Outcome {
    let (mut server, volumes) = health_server::container("main")?;
    server["livenessProbe"] = json!({"grpc": {"port": health_server::PORT}, "periodSeconds": 1,
        "failureThreshold": 1, "initialDelaySeconds": 2});
    let pod = pod("tried", json!({"containers": [server], "volumes": volumes}));
    api.all("v1", "pods").create(&pod).await?;
    let asked = "asked /grpc.health.v1.Health/Check";
    printed(&api, ("tried", "main"), |log| log.matches(asked).count() >= OFTEN).await?;
    let pod = api.all("v1", "pods").get("tried").await?;
    ensure(restarts(&pod) == 0, &pod["status"])
}

async fn is_never_ready(api: Api) -> Outcome {
    let probe = json!({"exec": {"command": ["sh", "-c", "echo probed > /proc/1/fd/1; false"]}});
    probed(&api, WAIT, ("readinessProbe", probe)).await?;
    printed(&api, ("tried", "main"), |log| log.matches("probed").count() >= OFTEN).await?;
    let pod = api.all("v1", "pods").get("tried").await?;
    let status = &pod["status"]["containerStatuses"][0];
    ensure(status["restartCount"] == 0 && status["ready"] == false, format!("{status}"))
}

const DELAY_SECONDS: i64 = 4;

async fn is_ready_late(api: Api) -> Outcome {
    let probe = json!({"exec": {"command": ["true"]}, "initialDelaySeconds": DELAY_SECONDS});
    probed(&api, WAIT, ("readinessProbe", probe)).await?;
    let is_ready = |pod: &Value| pod["status"]["containerStatuses"][0]["ready"] == true;
    let pod = api.all("v1", "pods").until("tried", "it is ready", is_ready).await?;
    let time = |text: &Value| text.as_str().and_then(|text| text.parse::<api::Timestamp>().ok());
    let started = time(&pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]);
    let conditions = pod["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|one| one["type"] == "Ready");
    let ready = ready.and_then(|one| time(&one["lastTransitionTime"]));
    let (Some(started), Some(ready)) = (started, ready) else {
        return ensure(false, format!("no times: {}", pod["status"]));
    };
    let delay = ready.as_second() - started.as_second();
    ensure(
        delay >= DELAY_SECONDS && restarts(&pod) == 0,
        format!("after {delay} s: {}", pod["status"]),
    )
}
