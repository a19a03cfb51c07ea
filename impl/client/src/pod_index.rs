//! Which pods a controller manages and which are bound to a node, found without a look at all the others.
//!
//! Source: upstream's indexes `podController` and `spec.nodeName`, pkg/controller/controller_utils.go (v1.36).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Key;
use api::object::controller_of;
use k8s_openapi::api::core::v1::Pod;

use crate::view::Change;

/// Pods by the uid of their controller and by their node. Those that have none are found under the empty name.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodIndex {
    by_controller: BTreeMap<String, Pods>,
    by_node: BTreeMap<String, Pods>,
}

type Pods = BTreeMap<Key, Arc<Pod>>;

impl PodIndex {
    /// Hears of a change, of whatever kind.
    pub(crate) fn observe(&mut self, change: &Change) {
        if let Some(api::AnyObject::Pod(pod)) = &change.old {
            take(&mut self.by_controller, controller_uid(pod), pod);
            take(&mut self.by_node, node_name(pod), pod);
        }
        if let Some(api::AnyObject::Pod(pod)) = &change.new {
            put(&mut self.by_controller, controller_uid(pod), pod);
            put(&mut self.by_node, node_name(pod), pod);
        }
    }

    /// The pods of a namespace that the controller with this uid manages, in the order of their names.
    pub(crate) fn of_controller<'a>(
        &'a self,
        namespace: &'a str,
        uid: &str,
    ) -> impl Iterator<Item = &'a Arc<Pod>> {
        let pods = self.by_controller.get(uid).into_iter();
        pods.flat_map(|pods| pods.range(Key::new(namespace, "")..))
            .take_while(move |(key, _)| key.namespace == namespace)
            .map(|(_, pod)| pod)
    }

    /// The pods that are bound to a node, in the order of their keys.
    pub(crate) fn on_node(&self, node: &str) -> impl Iterator<Item = &Arc<Pod>> {
        self.by_node.get(node).into_iter().flat_map(BTreeMap::values)
    }
}

fn controller_uid(pod: &Pod) -> &str {
    controller_of(&pod.metadata).map(|owner| owner.uid.as_str()).unwrap_or_default()
}

fn node_name(pod: &Pod) -> &str {
    pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default()
}

fn put(index: &mut BTreeMap<String, Pods>, name: &str, pod: &Arc<Pod>) {
    let pods = match index.get_mut(name) {
        Some(pods) => pods,
        None => index.entry(name.to_owned()).or_default(),
    };
    pods.insert(Key::of(&pod.metadata), Arc::clone(pod));
}

fn take(index: &mut BTreeMap<String, Pods>, name: &str, pod: &Pod) {
    let Some(pods) = index.get_mut(name) else { return };
    pods.remove(&Key::of(&pod.metadata));
    if pods.is_empty() {
        index.remove(name);
    }
}
