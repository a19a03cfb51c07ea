//! A pod's phase from the states of its containers.
//!
//! Source: `getPhase` of `pkg/kubelet/kubelet_pods.go` (v1.36), without restart rules.

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod};

use crate::spec;

/// What counts of one container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    Unknown,
    Waiting,
    Running,
    Stopped { succeeded: bool, restarts: bool },
}

/// `Pending`, `Running`, `Succeeded` or `Failed`. A terminal pod is one whose containers do not start again.
pub(crate) fn phase(pod: &Pod, statuses: &[ContainerStatus], terminal: bool) -> &'static str {
    let count = |container: &Container| count(pod, container, statuses);
    let sidecars =
        spec::init_containers(pod).iter().filter(|container| spec::is_sidecar(container));
    let init = spec::init_containers(pod).iter().filter(|container| !spec::is_sidecar(container));
    let init: Vec<Count> = init.map(count).collect();
    if init
        .iter()
        .any(|count| matches!(count, Count::Stopped { succeeded: false, restarts: false }))
    {
        return "Failed";
    }
    let main: Vec<Count> = spec::containers(pod).iter().map(count).collect();
    let begun = main.iter().any(|count| matches!(count, Count::Running | Count::Stopped { .. }));
    let initializing = init.iter().any(|count| !matches!(count, Count::Stopped { .. }))
        || (!begun && sidecars.clone().any(|sidecar| !has_started(statuses, sidecar)));
    if initializing || main.contains(&Count::Waiting) || main.contains(&Count::Unknown) {
        return "Pending";
    }
    let sidecar_runs = sidecars.map(count).any(|count| count == Count::Running);
    if main.contains(&Count::Running) || sidecar_runs {
        return "Running";
    }
    let any_restarts =
        main.iter().any(|count| matches!(count, Count::Stopped { restarts: true, .. }));
    let all_succeeded =
        main.iter().all(|count| matches!(count, Count::Stopped { succeeded: true, .. }));
    match (main.is_empty(), any_restarts && !terminal, all_succeeded) {
        (true, _, _) => "Pending",
        (false, true, _) => "Running",
        (false, false, true) => "Succeeded",
        (false, false, false) => "Failed",
    }
}

fn has_started(statuses: &[ContainerStatus], container: &Container) -> bool {
    let status = statuses.iter().find(|status| status.name == container.name);
    status.is_some_and(|status| status.started == Some(true))
}

fn count(pod: &Pod, container: &Container, statuses: &[ContainerStatus]) -> Count {
    let Some(status) = statuses.iter().find(|status| status.name == container.name) else {
        return Count::Unknown;
    };
    let stopped = |exit_code: i32| Count::Stopped {
        succeeded: exit_code == 0,
        restarts: spec::restarts_after(pod, container, exit_code),
    };
    let state = status.state.clone().unwrap_or_default();
    let last = status.last_state.as_ref().and_then(|last| last.terminated.as_ref());
    match (state.running, state.terminated, state.waiting, last) {
        (Some(_), _, _, _) => Count::Running,
        (None, Some(terminated), _, _) => stopped(terminated.exit_code),
        // A container that waits to be started again has been stopped, and not with success.
        (None, None, Some(_), Some(last)) => Count::Stopped {
            succeeded: false,
            restarts: spec::restarts_after(pod, container, last.exit_code),
        },
        (None, None, Some(_), None) => Count::Waiting,
        (None, None, None, _) => Count::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Each row: restart policy, the containers' states, whether the pod is terminal, the phase.
    #[test]
    fn phases_follow_the_table_of_upstream() {
        let exited = |code: i32| json!({"terminated": {"exitCode": code}});
        let (running, waiting) = (|| json!({"running": {}}), || json!({"waiting": {}}));
        let rows: &[(&str, &[Value], bool, &str)] = &[
            ("Always", &[waiting()], false, "Pending"),
            ("Always", &[running()], false, "Running"),
            ("Always", &[running(), waiting()], false, "Pending"),
            ("Always", &[running(), exited(1)], false, "Running"),
            ("Always", &[exited(0)], false, "Running"),
            ("Always", &[exited(0)], true, "Succeeded"),
            ("Always", &[exited(1)], true, "Failed"),
            ("OnFailure", &[exited(0)], false, "Succeeded"),
            ("OnFailure", &[exited(1)], false, "Running"),
            ("OnFailure", &[exited(0), exited(1)], false, "Running"),
            ("Never", &[exited(0), exited(0)], false, "Succeeded"),
            ("Never", &[exited(0), exited(1)], false, "Failed"),
            ("Never", &[exited(0), running()], false, "Running"),
        ];
        for (policy, states, terminal, expected) in rows {
            let (pod, statuses) = pod(policy, states);

            let found = phase(&pod, &statuses, *terminal);

            assert_eq!(found, *expected, "{policy} {states:?} {terminal}");
        }
    }

    #[test]
    fn a_container_in_back_off_leaves_its_pod_running() {
        let (pod, mut statuses) =
            pod("Always", &[json!({"waiting": {"reason": "CrashLoopBackOff"}})]);
        statuses[0].last_state =
            serde_json::from_value(json!({"terminated": {"exitCode": 1}})).unwrap();

        assert_eq!(phase(&pod, &statuses, false), "Running");
    }

    fn pod(policy: &str, states: &[Value]) -> (Pod, Vec<ContainerStatus>) {
        let names: Vec<String> = (0..states.len()).map(|index| format!("c{index}")).collect();
        let containers: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        let spec = json!({"restartPolicy": policy, "containers": containers});
        let statuses = names.iter().zip(states).map(|(name, state)| {
            json!({"name": name, "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state})
        });
        let statuses = statuses.map(|status| serde_json::from_value(status).unwrap()).collect();
        (serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap(), statuses)
    }
}
