//! What a container says of its end.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::super::client::Api;
use super::super::with_containers;
use super::{container, pod};
use crate::support::{Outcome, ensure};

pub(super) fn messages() -> Vec<Trial> {
    let shows = |name,
                 script: &'static str,
                 fields: fn() -> Value,
                 expected: (&'static str, i64)| {
        with_containers(name, async move |api: Api| says(&api, script, (fields(), expected)).await)
    };
    let from_log = || json!({"terminationMessagePolicy": "FallbackToLogsOnError"});
    vec![
        shows(
            "Container Runtime blackbox test on terminated container should report termination message as empty \
             when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set [NodeConformance]",
            "echo -n DONE",
            from_log,
            ("", 0),
        ),
        shows(
            "Container Runtime blackbox test on terminated container should report termination message from file \
             when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set [NodeConformance]",
            "echo -n OK > /dev/termination-log; echo DONE",
            from_log,
            ("OK", 0),
        ),
        shows(
            "Container Runtime blackbox test on terminated container should report termination message from log \
             output if TerminationMessagePolicy FallbackToLogsOnError is set [NodeConformance]",
            "echo first; echo -n DONE; exit 3",
            from_log,
            ("first\nDONE", 3),
        ),
        shows(
            "Container Runtime blackbox test on terminated container should report termination message if \
             TerminationMessagePath is set as non-root user and at a non-default path [NodeConformance]",
            "echo -n DONE > /dev/termination-custom-log",
            || {
                json!({"terminationMessagePath": "/dev/termination-custom-log",
                    "securityContext": {"runAsUser": 1000}})
            },
            ("DONE", 0),
        ),
    ]
}

async fn says(api: &Api, script: &str, (fields, (message, code)): (Value, (&str, i64))) -> Outcome {
    let mut container = container("main", script);
    for (field, value) in fields.as_object().into_iter().flatten() {
        container[field] = value.clone();
    }
    let pods = api.all("v1", "pods");
    pods.create(&pod("tried", json!({"restartPolicy": "Never", "containers": [container]})))
        .await?;
    let state = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["terminated"].clone();
    let pod = pods.until("tried", "it has ended", |pod| state(pod).is_object()).await?;
    let ended = state(&pod);
    let said = ended["message"].as_str().unwrap_or_default();
    ensure(said == message && ended["exitCode"] == code, format!("it says {ended}"))
}
