//! What a kubelet knows about the containers of one pod, from what the runtime reported.

use api::Timestamp;

use crate::runtime::{ContainerId, ContainerState, ContainerStatus, Exit};

/// A pod's namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sandbox {
    /// Never made, or gone with its machine.
    #[default]
    None,
    /// Ordered.
    Creating,
    /// There, with the pod's address.
    Ready(String),
    /// Ordered to go.
    Removing,
    /// Gone for good.
    Removed,
}

/// The sandbox and the containers, the youngest last.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodState {
    pub(crate) sandbox: Sandbox,
    pub(crate) containers: Vec<ContainerStatus>,
}

impl PodState {
    /// The youngest instance of a container.
    pub(crate) fn find(&self, name: &str) -> Option<&ContainerStatus> {
        self.containers.iter().rev().find(|container| container.id.name == name)
    }

    pub(crate) fn is_running(&self, name: &str) -> bool {
        self.find(name).is_some_and(|found| matches!(found.state, ContainerState::Running { .. }))
    }

    /// The instances that run.
    pub(crate) fn running(&self) -> impl Iterator<Item = &ContainerId> {
        let running = |one: &&ContainerStatus| matches!(one.state, ContainerState::Running { .. });
        self.containers.iter().filter(running).map(|container| &container.id)
    }

    pub(crate) fn started(&mut self, container: ContainerStatus) {
        self.containers.retain(|other| other.id != container.id);
        self.containers.push(container);
    }

    /// Notes an exit; false when nothing that runs has ended.
    pub(crate) fn exited(&mut self, id: &ContainerId, exit: Exit) -> bool {
        mark_exited(&mut self.containers, id, exit)
    }

    /// How the youngest instance ended, if it has.
    pub(crate) fn last_exit(&self, name: &str) -> Option<&Exit> {
        match &self.find(name)?.state {
            ContainerState::Exited { exit, .. } => Some(exit),
            ContainerState::Running { .. } => None,
        }
    }

    /// Takes the instances older than the youngest two of a container.
    pub(crate) fn forget_old(&mut self, name: &str) -> Vec<ContainerId> {
        let ids: Vec<ContainerId> = self
            .containers
            .iter()
            .filter(|container| container.id.name == name)
            .map(|container| container.id.clone())
            .collect();
        let old = ids[..ids.len().saturating_sub(2)].to_vec();
        self.containers.retain(|container| !old.contains(&container.id));
        old
    }
}

/// A record of an instance that could not be started, as containerd keeps one.
pub(crate) fn start_error(
    id: ContainerId,
    image: (String, String),
    message: &str,
    now: Timestamp,
) -> ContainerStatus {
    let exit = Exit { exit_code: 128, oom_killed: false, finished_at: now, message: String::new() };
    let state = ContainerState::Exited {
        started_at: Timestamp::UNIX_EPOCH,
        exit,
        start_error: message.to_owned(),
    };
    ContainerStatus { id, image: image.0, image_id: image.1, state }
}

/// Notes that a container has ended; whether it was running.
pub(crate) fn mark_exited(
    containers: &mut [ContainerStatus],
    id: &ContainerId,
    exit: Exit,
) -> bool {
    let Some(container) = containers.iter_mut().find(|container| container.id == *id) else {
        return false;
    };
    let ContainerState::Running { started_at } = container.state else { return false };
    container.state = ContainerState::Exited { started_at, exit, start_error: String::new() };
    true
}
