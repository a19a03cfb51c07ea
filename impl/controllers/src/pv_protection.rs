//! The PersistentVolume protection controller: a volume that is being deleted stays while it is bound.
//!
//! Source: pkg/controller/volume/pvprotection/pv_protection_controller.go (v1.36). Left out: volumes from
//! before the finalizer was given at creation.

use api::{Key, Request, Timestamp, resources};
use client::{Change, Outcome, View};

use crate::protection::{is_kept, let_go};
use crate::{Controller, Plan};

const FINALIZER: &str = "kubernetes.io/pv-protection";

/// Lets volumes go that no claim is bound to.
#[derive(Clone, Copy, Debug, Default)]
pub struct PvProtectionController;

impl Controller for PvProtectionController {
    fn name(&self) -> &'static str {
        "persistentvolume-protection-controller"
    }

    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        let is_volume = change.resource() == &resources::PERSISTENT_VOLUMES;
        if is_volume { vec![change.key()] } else { vec![] }
    }

    fn reconcile(&mut self, view: &View, key: &Key, _now: Timestamp) -> Plan {
        let Some(volume) = view.persistent_volumes.get(key) else { return Plan::default() };
        let phase = volume.status.as_ref().and_then(|status| status.phase.as_deref());
        if !is_kept(&volume.metadata, FINALIZER) || phase == Some("Bound") {
            return Plan::default();
        }
        let request = let_go(&resources::PERSISTENT_VOLUMES, &volume.metadata, FINALIZER);
        Plan { requests: vec![request], look_again: None }.observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, _request: &Request, _outcome: &Outcome) {}
}

#[cfg(test)]
mod tests {
    use api::Verb;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{World, at, names, time_text};

    fn touched(volume: Value) -> Vec<String> {
        let mut world = World::new(PvProtectionController);
        let due = world.put(&resources::PERSISTENT_VOLUMES, volume);
        let plan = world.reconcile(&due[0], at(10));
        names(&plan, Verb::MergePatch, &resources::PERSISTENT_VOLUMES)
    }

    #[test]
    fn a_volume_goes_when_it_is_bound_to_nothing() {
        let volume = |phase: &str, deleted: bool| {
            let mut volume = json!({"metadata": {"name": "v", "finalizers": [FINALIZER]},
                "status": {"phase": phase}});
            if deleted {
                volume["metadata"]["deletionTimestamp"] = json!(time_text(5));
            }
            volume
        };

        assert_eq!(touched(volume("Released", true)), ["v"]);
        assert_eq!(touched(volume("Bound", true)), Vec::<String>::new());
        assert_eq!(touched(volume("Released", false)), Vec::<String>::new());
    }
}
