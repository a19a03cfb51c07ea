//! Which containers of a pod to start and which to kill.
//!
//! Source: `computePodActions` of `pkg/kubelet/kuberuntime/kuberuntime_manager.go` (v1.36), without
//! restart rules.

use k8s_openapi::api::core::v1::{Container, Pod};

use crate::runtime::{ContainerId, ContainerState};
use crate::spec;
use crate::state::PodState;

/// What to do about a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PodActions {
    /// By name, in order.
    pub(crate) start: Vec<String>,
    /// Running containers.
    pub(crate) kill: Vec<Kill>,
    /// Nothing runs and nothing will: the pod has ended.
    pub(crate) kill_pod: bool,
}

/// A running container that is to be stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kill {
    pub(crate) id: ContainerId,
    /// The sentence that says why.
    pub(crate) message: String,
    pub(crate) grace_period_seconds: i64,
}

/// What probes say of a running container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Health {
    /// The startup probe has succeeded, or there is none.
    pub(crate) started: bool,
    /// The liveness probe has failed for good.
    pub(crate) liveness_failed: bool,
    /// The startup probe has failed for good.
    pub(crate) startup_failed: bool,
    /// It was stopped to be started with other resources.
    pub(crate) is_resized: bool,
}

/// Decides about a pod that has its sandbox and is not being deleted.
pub(crate) fn compute_pod_actions(
    pod: &Pod,
    state: &PodState,
    health: impl Fn(&ContainerId) -> Health,
) -> PodActions {
    let added = spec::ephemeral_containers(pod).into_iter().map(|container| container.name);
    // They are there to find out why others do not start, so they wait for none. None is started twice.
    let start = added.filter(|name| state.find(name).is_none()).collect();
    let mut actions = PodActions { start, ..PodActions::default() };
    if !compute_init_actions(pod, state, &health, &mut actions) {
        return actions;
    }
    let is_resized = |container: &Container| {
        state.find(&container.name).is_some_and(|found| health(&found.id).is_resized)
    };
    let mut kept = 0;
    for container in spec::containers(pod) {
        let running = state.find(&container.name).filter(|_| state.is_running(&container.name));
        match running {
            None if should_be_restarted(pod, container, state) || is_resized(container) => {
                actions.start.push(container.name.clone())
            }
            None => {}
            Some(status) => match unhealthy(pod, container, (&status.id, health(&status.id))) {
                Some(kill) => {
                    kept += usize::from(spec::restart_policy(pod) != "Never");
                    actions.kill.push(kill);
                }
                None => kept += 1,
            },
        }
    }
    let is_main = |name: &String| !spec::is_init(pod, name) && !spec::is_ephemeral(pod, name);
    if kept == 0 && !actions.start.iter().any(is_main) {
        actions.kill_pod = true;
        actions.start.clear();
    }
    actions
}

/// Whether a running container must be killed. A probe may have a grace period of its own.
fn unhealthy(
    pod: &Pod,
    container: &Container,
    (id, health): (&ContainerId, Health),
) -> Option<Kill> {
    let (what, probe) = match (health.liveness_failed, health.startup_failed) {
        (true, _) => ("liveness", &container.liveness_probe),
        (false, true) => ("startup", &container.startup_probe),
        (false, false) => return None,
    };
    let restarted = if spec::restart_policy(pod) == "Never" { "" } else { ", will be restarted" };
    let of_probe = probe.as_ref().and_then(|probe| probe.termination_grace_period_seconds);
    Some(Kill {
        id: id.clone(),
        message: format!("Container {} failed {what} probe{restarted}", container.name),
        grace_period_seconds: of_probe.unwrap_or_else(|| spec::grace_period_seconds(pod)),
    })
}

/// Whether a container that does not run is to be started.
pub(crate) fn should_be_restarted(pod: &Pod, container: &Container, state: &PodState) -> bool {
    if spec::is_deleted(pod) {
        return false;
    }
    match state.find(&container.name).map(|found| &found.state) {
        None => true,
        Some(ContainerState::Running { .. }) => false,
        Some(ContainerState::Exited { exit, .. }) => {
            spec::restarts_after(pod, container, exit.exit_code)
        }
    }
}

/// Starts the next init container; whether all have done their work.
fn compute_init_actions(
    pod: &Pod,
    state: &PodState,
    health: &impl Fn(&ContainerId) -> Health,
    actions: &mut PodActions,
) -> bool {
    let begun = spec::containers(pod).iter().any(|container| state.find(&container.name).is_some());
    for container in spec::init_containers(pod) {
        let found = state.find(&container.name);
        let sidecar = spec::is_sidecar(container);
        let done = match found.map(|found| (&found.id, &found.state)) {
            Some((id, ContainerState::Running { .. })) => {
                let kill = unhealthy(pod, container, (id, health(id)));
                actions.kill.extend(kill.filter(|_| sidecar));
                sidecar && health(id).started
            }
            Some((_, ContainerState::Exited { exit, .. })) if !sidecar => {
                if exit.exit_code != 0 && !begun {
                    actions.kill_pod = !spec::restarts_after(pod, container, exit.exit_code);
                    if !actions.kill_pod {
                        actions.start.push(container.name.clone());
                    }
                }
                exit.exit_code == 0
            }
            Some((_, ContainerState::Exited { .. })) | None => {
                if sidecar || !begun {
                    actions.start.push(container.name.clone());
                }
                false
            }
        };
        if !done && !begun {
            return false;
        }
    }
    true
}
