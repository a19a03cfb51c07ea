//! What a kubelet does with containers over time: each trial watches a pod that runs.

mod changes;
mod ephemeral;
mod hooks;
mod hosts;
mod messages;
mod pods;
mod probes;
mod races;
mod resizes;
mod runtime_classes;
mod starts;
mod sub_paths;
mod sysctls;
mod taints;
mod web_sockets;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::Api;
use crate::support::eventually;

pub(crate) fn trials() -> Vec<Trial> {
    [
        changes::changes(),
        ephemeral::ephemeral_containers(),
        hooks::hooks(),
        hosts::hosts(),
        messages::messages(),
        pods::pods(),
        probes::probes(),
        races::races(),
        resizes::resizes(),
        runtime_classes::runtime_classes(),
        starts::init_containers(),
        web_sockets::web_sockets(),
        sub_paths::sub_paths(),
        sysctls::sysctls(),
        taints::taints(),
        starts::commands(),
        starts::ends(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A container that runs a script.
fn container(name: &str, script: &str) -> Value {
    json!({"name": name, "image": "busybox:1.35", "command": ["sh", "-c", script]})
}

/// A pod of this spec that is given no time to end.
fn pod(name: &str, mut spec: Value) -> Value {
    spec["terminationGracePeriodSeconds"] = json!(0);
    json!({"metadata": {"name": name}, "spec": spec})
}

/// A script that waits to be killed.
const WAIT: &str = "sleep 1000";

/// The state of a container in a status of a pod, `running`, `waiting` or `terminated`.
fn state<'a>(pod: &'a Value, list: &str, name: &str) -> &'a Value {
    let mut statuses = pod["status"][list].as_array().into_iter().flatten();
    statuses.find(|status| status["name"] == name).map_or(&Value::Null, |status| &status["state"])
}

/// What a container has printed, once it is enough.
async fn printed(
    api: &Api,
    (pod, container): (&str, &str),
    enough: impl Fn(&str) -> bool,
) -> Result<String, Failed> {
    let path = format!("{}/{pod}/log?container={container}", api.all("v1", "pods").path);
    eventually("it has printed enough", || async {
        let log = api.read(&path).await?;
        let log = log.as_str().map_or_else(|| log.to_string(), str::to_owned);
        if enough(&log) { Ok(Some(log)) } else { Err(format!("printed {log:?}").into()) }
    })
    .await
}
