//! The folders of volumes of the provisioner that comes with a cluster: which may be removed, and what is said
//! once they are.
//!
//! They are made when they are first mounted, and outlive their pods, their kubelet and the cluster's process.
//! A volume that is being deleted is kept by a finalizer until its folder is gone.

use api::storage::{self, LOCAL_PATH, PROVISIONER_FINALIZER, annotation};
use api::{Key, Request, resources};
use k8s_openapi::api::core::v1::PersistentVolume;
use serde_json::json;

/// The folder of a volume that is being deleted and used by nobody. Only one below `root` is removed, whatever
/// somebody has made the volume say.
pub fn removable<'a>(volume: &'a PersistentVolume, root: &str) -> Option<&'a str> {
    let is_ours = annotation(&volume.metadata, storage::PROVISIONED_BY) == Some(LOCAL_PATH);
    let phase = volume.status.as_ref().and_then(|status| status.phase.as_deref());
    let is_done = volume.metadata.deletion_timestamp.is_some() && phase != Some("Bound");
    let path = volume.spec.as_ref()?.local.as_ref()?.path.as_str();
    let below = path.strip_prefix(root)?.strip_prefix('/')?;
    // A node's folder is not a volume's.
    let is_below = below.split('/').count() > 1
        && below.split('/').all(|part| !matches!(part, "" | "." | ".."));
    (is_ours && is_done && is_below && is_kept(volume)).then_some(path)
}

fn is_kept(volume: &PersistentVolume) -> bool {
    volume.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == PROVISIONER_FINALIZER)
}

/// Lets a volume go whose folder is gone.
pub fn removed(volume: &PersistentVolume) -> Request {
    let finalizers = volume.metadata.finalizers.iter().flatten();
    let others: Vec<&String> =
        finalizers.filter(|finalizer| *finalizer != PROVISIONER_FINALIZER).collect();
    let version = &volume.metadata.resource_version;
    let patch = json!({"metadata": {"resourceVersion": version, "finalizers": others}});
    Request::merge_patch(&resources::PERSISTENT_VOLUMES, Key::of(&volume.metadata), patch)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn volume(path: &str, change: impl FnOnce(&mut Value)) -> PersistentVolume {
        let mut volume = json!({
            "metadata": {"name": "v", "resourceVersion": "7", "deletionTimestamp": "2026-01-01T00:00:00Z",
                "finalizers": ["other", PROVISIONER_FINALIZER],
                "annotations": {"pv.kubernetes.io/provisioned-by": LOCAL_PATH}},
            "spec": {"local": {"path": path}}, "status": {"phase": "Released"}});
        change(&mut volume);
        serde_json::from_value(volume).unwrap()
    }

    #[test]
    fn the_folder_of_a_volume_goes_with_it_and_not_before() {
        let path = "/volumes/node-1/v";
        let living = volume(path, |volume| {
            volume["metadata"].as_object_mut().unwrap().remove("deletionTimestamp");
        });
        let bound = volume(path, |volume| volume["status"]["phase"] = json!("Bound"));
        let foreign = volume(path, |volume| {
            volume["metadata"]["annotations"] = json!({"pv.kubernetes.io/provisioned-by": "other"});
        });
        let done = volume(path, |volume| volume["metadata"]["finalizers"] = json!(["other"]));

        assert_eq!(removable(&volume(path, |_| {}), "/volumes"), Some(path));
        for other in [living, bound, foreign, done] {
            assert_eq!(removable(&other, "/volumes"), None);
        }
    }

    #[test]
    fn no_folder_is_removed_that_is_not_a_volumes() {
        let paths = [
            "/etc/passwd",
            "/volumes",
            "/volumes/",
            "/volumes/node-1",
            "/volumes/node-1/",
            "/volumes/../etc/x",
            "/volumes/node-1/../../etc",
            "/volumes-2/node-1/v",
            "/volumes//etc/x",
            "/volumes/./a/..",
        ];

        for path in paths {
            assert_eq!(removable(&volume(path, |_| {}), "/volumes"), None, "{path}");
        }
    }

    #[test]
    fn a_volume_whose_folder_is_gone_keeps_its_other_finalizers() {
        let request = removed(&volume("/volumes/node-1/v", |_| {}));

        let metadata = request.body.unwrap()["metadata"].clone();
        assert_eq!(metadata, json!({"resourceVersion": "7", "finalizers": ["other"]}));
    }
}
