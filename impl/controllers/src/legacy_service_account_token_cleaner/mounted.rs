//! The Secrets that a pod uses.
//!
//! Source: `VisitPodSecretNames` in pkg/api/v1/pod/util.go (v1.36), without volumes that no kubelet of ours
//! mounts but those of CSI.

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, Volume};

/// Their names.
pub(super) fn secrets(pod: &Pod) -> Vec<&str> {
    let Some(spec) = pod.spec.as_ref() else { return vec![] };
    let pulled = spec.image_pull_secrets.iter().flatten().map(|reference| reference.name.as_str());
    let volumes = spec.volumes.iter().flatten().flat_map(of_volume);
    pulled.chain(volumes).chain(containers(spec).flat_map(of_container)).collect()
}

fn containers(spec: &PodSpec) -> impl Iterator<Item = &Container> {
    spec.init_containers.iter().flatten().chain(&spec.containers)
}

fn of_volume(volume: &Volume) -> Vec<&str> {
    let own = volume.secret.iter().filter_map(|secret| secret.secret_name.as_deref());
    let projected = volume.projected.iter().flat_map(|all| all.sources.iter().flatten());
    let projected = projected.filter_map(|source| Some(source.secret.as_ref()?.name.as_str()));
    let csi = volume.csi.iter().filter_map(|csi| csi.node_publish_secret_ref.as_ref());
    own.chain(projected).chain(csi.map(|reference| reference.name.as_str())).collect()
}

fn of_container(container: &Container) -> Vec<&str> {
    let variables = container.env.iter().flatten().filter_map(|variable| {
        let source = variable.value_from.as_ref()?;
        Some(source.secret_key_ref.as_ref()?.name.as_str())
    });
    let whole = container.env_from.iter().flatten();
    let whole = whole.filter_map(|source| Some(source.secret_ref.as_ref()?.name.as_str()));
    variables.chain(whole).collect()
}
