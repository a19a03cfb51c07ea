//! Removes the folders of volumes that are being deleted. What may go is `kubelet::folders`' decision.
//!
//! One task does it for all nodes of a cluster: they are on one machine, and the folder of a node that is
//! stopped has to go as well.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use api::resources;
use api::trace::Origin;
use host::informer::Informers;
use host::transport::Transport;
use host::{Tasks, Trace, requests};
use k8s_openapi::api::core::v1::PersistentVolume;
use kubelet::folders;

/// How soon it looks again at what it could not remove.
const RETRY: Duration = Duration::from_secs(5);

/// Removes folders below `root` for ever.
pub async fn remove_folders(root: String, transport: Arc<dyn Transport>) {
    let mut tasks = Tasks::default();
    let watched = &[&resources::PERSISTENT_VOLUMES];
    let origin = (Trace::off(), Origin::new("local-path", 0));
    let informers = Informers::start(&mut tasks, Arc::clone(&transport), watched, origin);
    loop {
        let changed = informers.changed();
        for (volume, path) in removable(&informers, &root) {
            let removed = tokio::task::spawn_blocking(move || remove(&path)).await;
            if removed.unwrap_or(false) {
                // Refused when the volume has changed, which is heard of.
                let _refused = requests::perform(&*transport, &folders::removed(&volume)).await;
            }
        }
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

/// The volumes whose folders may go, with these.
fn removable(informers: &Informers, root: &str) -> Vec<(Arc<PersistentVolume>, String)> {
    let mut caches = informers.caches();
    caches.take_changes();
    let volumes = caches.view.persistent_volumes.iter();
    let removable = volumes.filter_map(|volume| {
        let path = folders::removable(volume, root)?;
        Some((Arc::clone(volume), path.to_owned()))
    });
    removable.collect()
}

/// Removes a folder; whether it is gone.
fn remove(path: &str) -> bool {
    match std::fs::remove_dir_all(path) {
        Ok(()) => true,
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}
