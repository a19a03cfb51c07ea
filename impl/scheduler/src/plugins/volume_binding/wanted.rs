//! What is to become of a pod's claims if it runs on a node.
//!
//! Source: `FindPodVolumes`, `findMatchingVolumes` and `checkVolumeProvisions` in binder.go (v1.36).

use std::collections::BTreeSet;
use std::sync::Arc;

use api::storage::{self, Seeker, annotation};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;

use super::Claims;
use crate::node_info::NodeInfo;
use crate::volumes::Volumes;

/// What is to become of the claims that wait.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Volumes and the claims that they are to be bound to.
    pub bindings: Vec<(Arc<PersistentVolume>, Arc<PersistentVolumeClaim>)>,
    /// Claims whose volumes are to be made.
    pub provisions: Vec<Arc<PersistentVolumeClaim>>,
}

impl Wanted {
    /// What is to become of the claims on a node; `None` when they cannot all have a volume there.
    pub fn of(claims: &Claims, node: &NodeInfo, volumes: &Volumes) -> Option<Self> {
        let place = node.place()?;
        let mut wanted = Self::default();
        let mut taken = BTreeSet::new();
        for claim in &claims.waiting {
            let selected = annotation(&claim.metadata, storage::SELECTED_NODE);
            if selected.is_some_and(|selected| selected != node.name()) {
                return None;
            }
            let seeker = Seeker::Scheduler { place, taken: &taken };
            let found = storage::find_matching_volume(claim, volumes.all(), seeker);
            match found.filter(|_| selected.is_none()) {
                Some(volume) => {
                    taken.insert(volume.metadata.name.clone().unwrap_or_default());
                    wanted.bindings.push((Arc::clone(volume), Arc::clone(claim)));
                }
                None => wanted.provisions.push(Arc::clone(claim)),
            }
        }
        let can_be_made = wanted.provisions.iter().all(|claim| can_be_made(claim, node, volumes));
        can_be_made.then_some(wanted)
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.bindings.is_empty() && self.provisions.is_empty()
    }
}

/// Whether somebody makes volumes of the claim's class for the node.
fn can_be_made(claim: &PersistentVolumeClaim, node: &NodeInfo, volumes: &Volumes) -> bool {
    let class = volumes.class(storage::class_of_claim(claim));
    class.is_some_and(|class| {
        !matches!(class.provisioner.as_str(), "" | storage::NO_PROVISIONER) && allows(class, node)
    })
}

/// Whether a class allows volumes for a node.
fn allows(class: &StorageClass, node: &NodeInfo) -> bool {
    let labels = node.node.as_ref().and_then(|node| node.metadata.labels.as_ref());
    let terms = class.allowed_topologies.as_deref().unwrap_or_default();
    terms.is_empty()
        || terms.iter().any(|term| {
            let expressions = term.match_label_expressions.as_deref().unwrap_or_default();
            !expressions.is_empty()
                && expressions.iter().all(|expression| {
                    let value = labels.and_then(|labels| labels.get(&expression.key));
                    value.is_some_and(|value| expression.values.contains(value))
                })
        })
}
