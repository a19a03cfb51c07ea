//! The PersistentVolumeClaim protection controller: a claim that is being deleted stays while a pod uses it.
//!
//! Source: pkg/controller/volume/pvcprotection/pvc_protection_controller.go (v1.36). A cache may not know of
//! every pod, so the API server is asked before a claim goes. Left out: claims from before the finalizer was
//! given at creation, and that a generic ephemeral volume's claim belongs to its pod is told by its name.

use std::collections::BTreeSet;

use api::{Key, Request, Timestamp, Verb, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{Pod, Volume};
use serde_json::Value;

use crate::protection::{is_kept, let_go};
use crate::{Controller, Plan, after_seconds, pods};

const FINALIZER: &str = "kubernetes.io/pvc-protection";

/// How long it waits before it asks again, if no pod changes before.
const ASK_AGAIN_SECONDS: i64 = 5;

/// Lets claims go that no pod uses.
#[derive(Clone, Debug, Default)]
pub struct PvcProtectionController {
    /// Claims about whose pods the API server has been asked.
    asked: BTreeSet<Key>,
    /// Claims of which it has said that no pod uses them.
    unused: BTreeSet<Key>,
}

impl Controller for PvcProtectionController {
    fn name(&self) -> &'static str {
        "persistentvolumeclaim-protection-controller"
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let key = change.key();
        if change.resource() == &resources::PERSISTENT_VOLUME_CLAIMS {
            return vec![key];
        }
        if change.resource() != &resources::PODS {
            return vec![];
        }
        let mut claims = view.keys(&resources::PERSISTENT_VOLUME_CLAIMS);
        claims.retain(|claim| claim.namespace == key.namespace);
        claims
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let claim = view.get(&resources::PERSISTENT_VOLUME_CLAIMS, key);
        let is_unused = self.unused.remove(key);
        let Some(claim) = claim.filter(|claim| is_kept(claim.metadata(), FINALIZER)) else {
            self.asked.remove(key);
            return Plan::default();
        };
        if view.pods.iter().any(|pod| uses(pod, key)) {
            return Plan::default();
        }
        if is_unused {
            let request = let_go(&resources::PERSISTENT_VOLUME_CLAIMS, claim.metadata(), FINALIZER);
            return Plan { requests: vec![request], look_again: None }.observed_at(view.revision);
        }
        let is_first = self.asked.insert(key.clone());
        let look_again = if is_first { now } else { after_seconds(now, ASK_AGAIN_SECONDS) };
        Plan {
            requests: vec![Request::list(&resources::PODS, &key.namespace)],
            look_again: Some(look_again),
        }
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let Some(list) = outcome.as_ref().ok().filter(|_| request.verb == Verb::List) else {
            return;
        };
        let pods = list["items"].as_array().into_iter().flatten();
        let is_used = |pod: &Value| {
            serde_json::from_value::<Pod>(pod.clone()).is_ok_and(|pod| uses(&pod, key))
        };
        if !pods.into_iter().any(is_used) {
            self.unused.insert(key.clone());
        }
    }
}

/// Whether a pod uses a claim. One that runs nowhere does not: no kubelet starts it with a claim that is
/// being deleted.
fn uses(pod: &Pod, claim: &Key) -> bool {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    pod.metadata.namespace.as_deref() == Some(&claim.namespace)
        && !pods::node_name(pod).is_empty()
        && volumes.into_iter().any(|volume| is_of(volume, pod, claim))
}

fn is_of(volume: &Volume, pod: &Pod, claim: &Key) -> bool {
    let named = volume.persistent_volume_claim.as_ref();
    let is_shut_down = pod.metadata.deletion_timestamp.is_some()
        && pod.metadata.deletion_grace_period_seconds == Some(0);
    let own = || {
        let pod = pod.metadata.name.as_deref().unwrap_or_default();
        format!("{pod}-{}", volume.name)
    };
    named.is_some_and(|source| source.claim_name == claim.name)
        || volume.ephemeral.is_some() && !is_shut_down && own() == claim.name
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{World, at, names, requests, time_text};

    const CLAIMS: &api::ApiResource = &resources::PERSISTENT_VOLUME_CLAIMS;

    fn key() -> Key {
        Key::new("n", "data")
    }

    /// A claim that is being deleted.
    fn world() -> World<PvcProtectionController> {
        let mut world = World::new(PvcProtectionController::default());
        world.put(
            CLAIMS,
            json!({"metadata": {"name": "data", "namespace": "n",
            "finalizers": [FINALIZER, "other"], "deletionTimestamp": time_text(5)}}),
        );
        world
    }

    fn pod(node: &str) -> Value {
        let volume = json!({"name": "v", "persistentVolumeClaim": {"claimName": "data"}});
        json!({"metadata": {"name": "web", "namespace": "n"},
            "spec": {"nodeName": node, "containers": [], "volumes": [volume]}})
    }

    #[test]
    fn a_claim_goes_when_the_api_server_knows_of_no_pod_that_uses_it() {
        let mut world = world();

        let first = world.reconcile(&key(), at(10));
        world.grant(&key(), &first.requests[0], json!({"items": [pod("")]}));
        let second = world.reconcile(&key(), at(10));

        assert_eq!(names(&first, Verb::List, &resources::PODS).len(), 1);
        assert_eq!(first.look_again, Some(at(10)));
        let patch = requests(&second, Verb::MergePatch, CLAIMS)[0].body.clone().unwrap();
        assert_eq!(patch["metadata"]["finalizers"], json!(["other"]));
        assert_eq!(patch["metadata"]["resourceVersion"], "1");
    }

    #[test]
    fn a_claim_stays_while_a_pod_uses_it() {
        let mut world = world();
        let due = world.put(&resources::PODS, pod("n1"));
        let used = world.reconcile(&key(), at(10));

        let due_again = world.remove(&resources::PODS, &Key::new("n", "web"));

        assert_eq!((due, due_again), (vec![key()], vec![key()]));
        assert_eq!(used, Plan::default());
        assert_eq!(world.reconcile(&key(), at(11)).requests.len(), 1);
    }

    #[test]
    fn a_pod_that_only_the_api_server_knows_of_keeps_a_claim() {
        let mut world = world();
        let first = world.reconcile(&key(), at(10));
        world.grant(&key(), &first.requests[0], json!({"items": [pod("n1")]}));

        let second = world.reconcile(&key(), at(10));

        assert_eq!(names(&second, Verb::MergePatch, CLAIMS), Vec::<String>::new());
        assert_eq!(second.look_again, Some(at(15)));
    }

    #[test]
    fn a_pods_own_claim_stays_until_its_kubelet_is_done_with_it() {
        let mut world = world();
        let mut pod = json!({"metadata": {"name": "da", "namespace": "n"}, "spec": {"nodeName": "n1",
            "containers": [], "volumes": [{"name": "ta", "ephemeral": {}}]}});
        let claim = Key::new("n", "da-ta");
        world.put(
            CLAIMS,
            json!({"metadata": {"name": "da-ta", "namespace": "n",
            "finalizers": [FINALIZER], "deletionTimestamp": time_text(5)}}),
        );
        world.put(&resources::PODS, pod.clone());
        let before = world.reconcile(&claim, at(10));
        pod["metadata"]["deletionTimestamp"] = json!(time_text(5));
        pod["metadata"]["deletionGracePeriodSeconds"] = json!(0);
        world.put(&resources::PODS, pod);

        let after = world.reconcile(&claim, at(10));

        assert_eq!((before.requests.len(), after.requests.len()), (0, 1));
    }
}
