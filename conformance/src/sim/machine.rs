//! A machine with a pretended runtime: containers start and stop a while after they were told to.

use std::collections::{BTreeMap, BTreeSet};

use api::{Key, Timestamp};
use kubelet::runtime::{
    ContainerId, ContainerState, ContainerStatus, Exit, RuntimeCommand, RuntimeEvent, RuntimeStatus,
};
use kubelet::{Capacity, Config};

use crate::sim::plant::Plant;

/// A machine and what runs on it. It outlives its kubelet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    pub(crate) name: String,
    /// How many pods it has room for.
    pub(crate) pods_max: i64,
    /// Images that nobody has.
    pub(crate) missing_images: BTreeSet<String>,
    pods: BTreeMap<String, RuntimeStatus>,
    jobs: Vec<RuntimeCommand>,
    /// How many addresses it has given to pods.
    addresses: u32,
}

/// What came of a job.
#[derive(Debug)]
pub(crate) struct Report {
    /// For the kubelet.
    pub(crate) event: RuntimeEvent,
    /// For the trace: what happened, to which container of which pod.
    pub(crate) told: Option<(&'static str, Key, ContainerId)>,
}

impl Machine {
    pub(crate) fn new(name: &str, pods_max: i64) -> Self {
        Self { name: name.to_owned(), pods_max, ..Self::default() }
    }

    /// An address that no pod has had here before.
    fn address(&mut self) -> String {
        let machine = self.name.rsplit('-').next().unwrap_or_default();
        self.addresses += 1;
        format!("10.{machine}.{}.{}", self.addresses / 256, self.addresses % 256)
    }

    /// What its kubelet is told of it.
    pub(crate) fn config(&self, plant: Plant) -> Config {
        let pods = if plant == Plant::KubeletSkipsAdmission { 1000 } else { self.pods_max };
        let capacity = Capacity {
            cpu_milli: 8000,
            memory_bytes: 16 << 30,
            ephemeral_storage_bytes: 100 << 30,
            pods,
        };
        Config::new(&self.name, "192.0.2.1", capacity)
    }

    /// What runs, for a kubelet that starts. What the one before had ordered is forgotten.
    pub(crate) fn found(&mut self) -> Vec<RuntimeStatus> {
        self.jobs.clear();
        self.pods.values().cloned().collect()
    }

    /// The power fails.
    pub(crate) fn die(&mut self) {
        self.jobs.clear();
        self.pods.clear();
    }

    /// How many jobs are unfinished.
    pub(crate) fn jobs(&self) -> usize {
        self.jobs.len()
    }

    /// Takes an order. What nobody waits for is done at once.
    pub(crate) fn order(&mut self, command: RuntimeCommand) {
        match command {
            RuntimeCommand::RemovePod { pod_uid } => self.remove_pod(&pod_uid),
            // What a volume shows is not pretended.
            RuntimeCommand::UpdateVolume { .. } => {}
            RuntimeCommand::KeepResources { pod_uid, resources } => {
                if let Some(pod) = self.pods.get_mut(&pod_uid) {
                    pod.resources = Some(resources);
                }
            }
            RuntimeCommand::RemoveContainer(id) => {
                if let Some(pod) = self.pods.get_mut(&id.pod_uid) {
                    pod.containers.retain(|container| container.id != id);
                }
            }
            RuntimeCommand::CreateSandbox(_)
            | RuntimeCommand::RemoveSandbox { .. }
            | RuntimeCommand::ImageStatus { .. }
            | RuntimeCommand::PullImage { .. }
            | RuntimeCommand::StartContainer(_)
            | RuntimeCommand::StopContainer { .. }
            | RuntimeCommand::RunHook { .. }
            | RuntimeCommand::Resize { .. }
            | RuntimeCommand::Probe { .. } => self.jobs.push(command),
        }
    }

    fn remove_pod(&mut self, uid: &str) {
        if !self.runs(uid) {
            self.pods.remove(uid);
        }
    }

    /// Finishes a job; nothing comes of stopping what has stopped.
    pub(crate) fn finish(&mut self, job: usize, now: Timestamp, plant: Plant) -> Option<Report> {
        match self.jobs.remove(job) {
            RuntimeCommand::CreateSandbox(spec) => {
                let ip = self.address();
                let status = self.pods.entry(spec.pod_uid.clone()).or_default();
                status.pod_uid.clone_from(&spec.pod_uid);
                status.pod = spec.pod;
                status.sandbox_ip = Some(ip.clone());
                report(RuntimeEvent::SandboxReady { pod_uid: spec.pod_uid, ip })
            }
            RuntimeCommand::RemoveSandbox { pod_uid } => {
                if let Some(pod) = self.pods.get_mut(&pod_uid) {
                    pod.sandbox_ip = None;
                }
                report(RuntimeEvent::SandboxRemoved { pod_uid })
            }
            RuntimeCommand::ImageStatus { id, image } => {
                let image_id = (!self.missing_images.contains(&image)).then(|| image_id(&image));
                report(RuntimeEvent::ImageStatus { id, image_id })
            }
            RuntimeCommand::PullImage { id, image } if self.missing_images.contains(&image) => {
                let message = format!("{image}: not found");
                report(RuntimeEvent::ImagePullFailed { id, message })
            }
            RuntimeCommand::PullImage { id, image } => {
                let image_id = image_id(&image);
                report(RuntimeEvent::ImagePulled { id, image_id, size_bytes: 1, milliseconds: 1 })
            }
            RuntimeCommand::StartContainer(spec) => {
                let spec = *spec;
                let status = ContainerStatus {
                    id: spec.id.clone(),
                    image: spec.image,
                    image_id: spec.image_id,
                    state: ContainerState::Running { started_at: now },
                };
                self.pods.entry(spec.id.pod_uid.clone()).or_default().containers.push(status);
                let told = ("container-started", spec.pod, spec.id.clone());
                let event = RuntimeEvent::ContainerStarted { id: spec.id, started_at: now };
                Some(Report { event, told: Some(told) })
            }
            RuntimeCommand::StopContainer { id, .. } => {
                if plant == Plant::KubeletConfirmsDeletionEarly {
                    let exit = Exit {
                        exit_code: 137,
                        oom_killed: false,
                        finished_at: now,
                        message: String::new(),
                    };
                    return report(RuntimeEvent::ContainerExited { id, exit });
                }
                self.exit(&id, 143, now)
            }
            RuntimeCommand::Resize { pod_uid, .. } => {
                report(RuntimeEvent::Resized { pod_uid, failure: None })
            }
            RuntimeCommand::RunHook { id, hook, .. } => {
                report(RuntimeEvent::HookEnded { id, hook, failure: None })
            }
            RuntimeCommand::Probe { id, probe, .. } => {
                report(RuntimeEvent::Probed { id, probe, success: true, output: String::new() })
            }
            RuntimeCommand::RemovePod { .. }
            | RuntimeCommand::RemoveContainer(_)
            | RuntimeCommand::KeepResources { .. }
            | RuntimeCommand::UpdateVolume { .. } => None,
        }
    }

    /// A container ends, if it runs.
    pub(crate) fn exit(
        &mut self,
        id: &ContainerId,
        exit_code: i32,
        now: Timestamp,
    ) -> Option<Report> {
        let exit = Exit { exit_code, oom_killed: false, finished_at: now, message: String::new() };
        let pod = self.pods.get_mut(&id.pod_uid)?;
        let container = pod.containers.iter_mut().find(|container| container.id == *id)?;
        let ContainerState::Running { started_at } = container.state else { return None };
        container.state =
            ContainerState::Exited { started_at, exit: exit.clone(), start_error: String::new() };
        let told = Some(("container-stopped", pod.pod.clone(), id.clone()));
        Some(Report { event: RuntimeEvent::ContainerExited { id: id.clone(), exit }, told })
    }

    /// Every container that runs, and its pod.
    pub(crate) fn running(&self) -> Vec<(Key, ContainerId)> {
        let running = |pod: &RuntimeStatus| {
            let containers = pod.containers.iter().filter(|container| is_running(container));
            containers.map(|one| (pod.pod.clone(), one.id.clone())).collect::<Vec<_>>()
        };
        self.pods.values().flat_map(running).collect()
    }

    /// Whether a container of this pod runs.
    pub(crate) fn runs(&self, uid: &str) -> bool {
        self.pods.get(uid).is_some_and(|pod| pod.containers.iter().any(is_running))
    }

    /// How many pods have a container that runs.
    pub(crate) fn pods_running(&self) -> usize {
        self.pods.keys().filter(|uid| self.runs(uid)).count()
    }
}

fn report(event: RuntimeEvent) -> Option<Report> {
    Some(Report { event, told: None })
}

fn image_id(image: &str) -> String {
    format!("sha256:{image}")
}

fn is_running(container: &ContainerStatus) -> bool {
    matches!(container.state, ContainerState::Running { .. })
}
