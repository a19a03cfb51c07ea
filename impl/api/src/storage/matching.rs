//! The volume that fits a claim best.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};

use super::{
    attributes_classes_match, capacity, claim_reference, class_of_claim, class_of_volume,
    has_access_modes, is_bound_to, modes_match, reaches, requested,
};
use crate::node_fit::Place;
use crate::selector::Selector;

/// Who looks for a volume.
#[derive(Clone, Copy, Debug)]
pub enum Seeker<'a> {
    /// The binder. A claim that waits for its first pod gets only a volume that is kept for it.
    Binder {
        /// Whether the claim waits.
        waits: bool,
    },
    /// The scheduler, for a pod on a node.
    Scheduler {
        /// The node.
        place: Place<'a>,
        /// Volumes that other claims of the pod get.
        taken: &'a BTreeSet<String>,
    },
}

/// The volume that is kept for a claim, or else the smallest that fits; of several the first.
///
/// Source: `FindMatchingVolume` in pv_helpers.go.
pub fn find_matching_volume<'a>(
    claim: &PersistentVolumeClaim,
    volumes: impl Iterator<Item = &'a Arc<PersistentVolume>>,
    seeker: Seeker<'_>,
) -> Option<&'a Arc<PersistentVolume>> {
    let selector = claim.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let selector = match selector.map(Selector::from_label_selector) {
        None => Selector::everything(),
        Some(Ok(selector)) => selector,
        Some(Err(_)) => return None,
    };
    let mut smallest: Option<&Arc<PersistentVolume>> = None;
    for volume in volumes.filter(|volume| may_fit(claim, volume, seeker)) {
        if is_bound_to(volume, claim) {
            return is_reached(volume, seeker).then_some(volume);
        }
        let is_smaller = smallest.is_none_or(|other| capacity(volume) < capacity(other));
        if is_smaller && is_free(claim, volume, &selector, seeker) {
            smallest = Some(volume);
        }
    }
    smallest
}

/// Whether a volume, kept for the claim or not, could be bound to it at all.
fn may_fit(claim: &PersistentVolumeClaim, volume: &PersistentVolume, seeker: Seeker<'_>) -> bool {
    let is_taken = match seeker {
        Seeker::Binder { .. } => false,
        Seeker::Scheduler { taken, .. } => {
            volume.metadata.name.as_ref().is_some_and(|name| taken.contains(name))
        }
    };
    !is_taken
        && (claim_reference(volume).is_none() || is_bound_to(volume, claim))
        && capacity(volume) >= requested(claim)
        && modes_match(claim, volume)
        && attributes_classes_match(claim, volume)
        && volume.metadata.deletion_timestamp.is_none()
}

/// Whether a volume that is kept for nobody is free for the claim.
fn is_free(
    claim: &PersistentVolumeClaim,
    volume: &PersistentVolume,
    selector: &Selector,
    seeker: Seeker<'_>,
) -> bool {
    let may_bind = match seeker {
        Seeker::Binder { waits } => !waits,
        Seeker::Scheduler { .. } => has_access_modes(volume, claim),
    };
    let phase = volume.status.as_ref().and_then(|status| status.phase.as_deref());
    let labels = volume.metadata.labels.clone().unwrap_or_default();
    may_bind
        && phase == Some("Available")
        && selector.matches(&labels)
        && class_of_volume(volume) == class_of_claim(claim)
        && is_reached(volume, seeker)
}

fn is_reached(volume: &PersistentVolume, seeker: Seeker<'_>) -> bool {
    match seeker {
        Seeker::Binder { .. } => true,
        Seeker::Scheduler { place, .. } => reaches(place, volume),
    }
}
