//! Finds what earlier lives of the kubelet left running.

use std::fs;
use std::path::Path;
use std::time::Duration;

use api::Timestamp;
use kubelet::runtime::{ContainerId, ContainerState, ContainerStatus, RuntimeStatus};

use super::Embedded;
use super::container::ContainerRecord;
use crate::Error;
use crate::shim;

/// How long a shim that was just being started may take to say so.
const STARTING: Duration = Duration::from_secs(2);
const STARTING_STEP: Duration = Duration::from_millis(50);

impl Embedded {
    /// Every pod with a record, with its containers.
    pub(super) fn adopt(&self) -> Result<Vec<RuntimeStatus>, Error> {
        let mut pods = vec![];
        for pod_uid in names(&self.0.paths.pods())? {
            match self.pod_record(&pod_uid) {
                Ok(record) => {
                    let address = record.address.clone().filter(|_| record.sandbox);
                    if let Some(address) = &address {
                        self.state().addresses.insert(pod_uid.clone(), address.clone());
                    }
                    let sandbox_ip = record.sandbox.then(|| address.unwrap_or_default());
                    let sandbox_ip = sandbox_ip.filter(|_| self.sandbox_is_pinned(&pod_uid));
                    let pod = record.key();
                    let containers = self.adopt_containers(&pod_uid);
                    let resources = shim::read(&self.0.paths.resources(&pod_uid)).ok();
                    pods.push(RuntimeStatus { pod_uid, pod, sandbox_ip, containers, resources });
                }
                Err(_) => self.remove_pod(&pod_uid),
            }
        }
        Ok(pods)
    }

    /// Whether the namespaces survived; they do not survive the machine.
    fn sandbox_is_pinned(&self, pod_uid: &str) -> bool {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        mounts.contains(&self.0.paths.namespaces(pod_uid).join("ipc").display().to_string())
    }

    pub(super) fn containers_on_disk(&self, pod_uid: &str) -> Vec<ContainerId> {
        let names = names(&self.0.paths.containers(pod_uid)).unwrap_or_default();
        let parsed = names.iter().filter_map(|directory| {
            let (name, attempt) = directory.rsplit_once('.')?;
            let attempt = attempt.parse().ok()?;
            Some(ContainerId { pod_uid: pod_uid.to_owned(), name: name.to_owned(), attempt })
        });
        let mut ids: Vec<ContainerId> = parsed.collect();
        ids.sort_by_key(|id| (id.attempt, id.name.clone()));
        ids
    }

    fn adopt_containers(&self, pod_uid: &str) -> Vec<ContainerStatus> {
        let ids = self.containers_on_disk(pod_uid);
        ids.into_iter().filter_map(|id| self.adopt_container(id)).collect()
    }

    /// A container's state, or none after clearing away one that never started.
    fn adopt_container(&self, id: ContainerId) -> Option<ContainerStatus> {
        let directory = self.0.paths.container(&id);
        let record: Option<ContainerRecord> = shim::read(&directory.join("container.json")).ok();
        let started_at = await_start(&directory);
        let (Some(record), Some(started_at)) = (record, started_at) else {
            self.remove_container(&id);
            return None;
        };
        // One whose shim died counts as running until its watch has cleared it away.
        let state = match self.exit(&id) {
            Some(exit) => ContainerState::Exited { started_at, exit, start_error: String::new() },
            None => ContainerState::Running { started_at },
        };
        Some(ContainerStatus { id, image: record.image, image_id: record.image_id, state })
    }

    /// Goes on watching what runs.
    pub(super) fn watch_adopted(&self, pods: &[RuntimeStatus]) {
        for container in pods.iter().flat_map(|pod| &pod.containers) {
            if let ContainerState::Running { .. } = container.state
                && let Some(started) = self.started(&container.id)
            {
                self.watch(container.id.clone(), started);
            }
        }
    }
}

/// When the container started. A shim that holds its lock without having said so is still starting.
fn await_start(directory: &Path) -> Option<Timestamp> {
    let mut waited = Duration::ZERO;
    loop {
        if let Ok(started) = shim::read::<shim::Started>(&directory.join("started.json")) {
            return Some(started.started_at);
        }
        let idle = shim::lock(directory).is_ok_and(|lock| lock.is_some());
        if idle || waited >= STARTING {
            return None;
        }
        std::thread::sleep(STARTING_STEP);
        waited += STARTING_STEP;
    }
}

fn names(directory: &Path) -> Result<Vec<String>, Error> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(Error::file(directory)(error)),
    };
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}
