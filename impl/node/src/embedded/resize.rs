//! Changes the limits of containers that run.

use kubelet::runtime::{PodResources, ResizeChange, ResizeStep, RuntimeEvent};

use super::Embedded;
use crate::{Error, cgroup, shim};

impl Embedded {
    pub(super) fn resize(&self, pod_uid: String, steps: &[ResizeStep]) -> RuntimeEvent {
        let failure = self.try_resize(&pod_uid, steps).err().map(|error| error.to_string());
        RuntimeEvent::Resized { pod_uid, failure }
    }

    fn try_resize(&self, pod_uid: &str, steps: &[ResizeStep]) -> Result<(), Error> {
        let too_small: Vec<String> =
            steps.iter().filter_map(|step| self.below_usage(pod_uid, step)).collect();
        if !too_small.is_empty() {
            let why = too_small.join(", ");
            return Err(Error::Container(format!("cannot decrease memory limits: {why}")));
        }
        steps.iter().try_for_each(|step| {
            let group = self.group(pod_uid, step);
            match step.change {
                ResizeChange::Memory { limit_bytes, .. } => cgroup::set_memory(&group, limit_bytes),
                ResizeChange::Cpu { shares, quota_microseconds } => {
                    cgroup::set_cpu(&group, shares, quota_microseconds)
                }
            }
        })
    }

    /// Why a limit cannot shrink so far. Source: `validateMemoryResizeAction` of
    /// pkg/kubelet/kuberuntime/kuberuntime_manager.go (v1.36).
    fn below_usage(&self, pod_uid: &str, step: &ResizeStep) -> Option<String> {
        let ResizeChange::Memory { limit_bytes: Some(limit), shrinks: true } = step.change else {
            return None;
        };
        let usage = cgroup::memory_usage(&self.group(pod_uid, step))?;
        let whose = match &step.container {
            Some(id) => format!("container \"{}\"", id.name),
            None => "pod".to_owned(),
        };
        let why = format!(
            "attempting to set {whose} memory limit ({limit}) below current usage ({usage})"
        );
        (usage >= limit).then_some(why)
    }

    fn group(&self, pod_uid: &str, step: &ResizeStep) -> String {
        let pod = self.pod_cgroup(pod_uid);
        match &step.container {
            Some(id) => format!("{pod}/{}.{}", id.name, id.attempt),
            None => pod,
        }
    }

    /// Writes at once, so that a later order is written later.
    pub(super) fn keep_resources(&self, pod_uid: &str, resources: &PodResources) {
        let path = self.0.paths.resources(pod_uid);
        // Should the disk be full, the next start of the kubelet takes what the API server says.
        let _lost = std::fs::create_dir_all(self.0.paths.pod(pod_uid))
            .and_then(|()| shim::write(&path, resources));
    }
}
