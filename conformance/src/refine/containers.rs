//! Where containers of Pods run: only where the Pod is bound, within the Node's room.
//!
//! A name runs nowhere twice for these reasons together: a Pod is bound once, only its kubelet runs it,
//! and a kubelet confirms a deletion only when nothing of the Pod is left. Who deletes by force gives
//! that up.

use std::collections::{BTreeMap, BTreeSet};

use api::trace::Event;

use super::log::{Delta, Log, Write, resource};
use super::refusal::{Allowed, Denial};
use crate::trace::Verb;

/// What became of a Pod.
#[derive(Clone, Debug, Default)]
struct Fate {
    node: String,
    cpu: i64,
    /// Whether its kubelet has confirmed that nothing of it runs, and removed it.
    confirmed: bool,
}

/// The containers of one Node, by the uid of their Pod and their names.
type Running = BTreeMap<u64, BTreeSet<String>>;

/// All containers.
#[derive(Clone, Debug, Default)]
pub(super) struct Containers {
    fates: BTreeMap<u64, Fate>,
    nodes: BTreeMap<String, Running>,
}

/// Whether a kubelet acts, and of which Node.
pub(super) fn node_of(event: &Event) -> Option<&str> {
    event.actor.strip_prefix("kubelet/")
}

impl Containers {
    /// Remembers what becomes of a Pod; a kubelet confirms its end only when nothing of it runs.
    pub(super) fn written(&mut self, write: &Write) -> Allowed {
        if resource(&write.key) != "pods" {
            return Ok(());
        }
        let uid = write.after.uid;
        let by_kubelet = write.actor == format!("kubelet/{}", write.after.delta.node);
        let confirmed = by_kubelet && write.verb == Verb::Delete;
        if confirmed && self.runs(&write.after.delta.node, uid) {
            let why = "the kubelet confirms the deletion while containers of the Pod run";
            return Err(Denial::of("POD-4", why));
        }
        let Delta { node, cpu, .. } = write.after.delta.clone();
        self.fates.insert(uid, Fate { node, cpu, confirmed });
        Ok(())
    }

    /// A container runs.
    pub(super) fn started(&mut self, log: &Log, event: &Event) -> Allowed {
        let node = node_of(event).ok_or_else(|| Denial::plain("only kubelets start containers"))?;
        if !self.runs(node, event.uid) {
            self.check_start(log, node, event)?;
        }
        let container = Delta::of(event)?.container;
        let running = self.nodes.entry(node.to_owned()).or_default();
        running.entry(event.uid).or_default().insert(container);
        Ok(())
    }

    /// A container runs no more; whether it was the Pod's last.
    pub(super) fn stopped(&mut self, event: &Event) -> Allowed<bool> {
        let node = node_of(event).ok_or_else(|| Denial::plain("only kubelets stop containers"))?;
        let container = Delta::of(event)?.container;
        let Some(running) = self.nodes.get_mut(node) else { return Ok(true) };
        let left = running.entry(event.uid).or_default();
        left.remove(&container);
        if container.is_empty() {
            left.clear();
        }
        let last = left.is_empty();
        if last {
            running.remove(&event.uid);
        }
        Ok(last)
    }

    /// A kubelet starts: it tells again of each container that it finds.
    pub(super) fn forget(&mut self, node: &str) {
        self.nodes.remove(node);
    }

    fn runs(&self, node: &str, uid: u64) -> bool {
        self.nodes.get(node).is_some_and(|running| running.contains_key(&uid))
    }

    fn check_start(&self, log: &Log, node: &str, event: &Event) -> Allowed {
        let Some(fate) = self.fates.get(&event.uid) else {
            if log.is_partial() {
                return Ok(());
            }
            return Err(Denial::of("POD-4", "no Pod of this uid was ever created"));
        };
        if fate.node != node {
            let why = match fate.node.as_str() {
                "" => "the Pod is not bound to any Node".to_owned(),
                bound => format!("the Pod is bound to {bound}, not to {node}"),
            };
            return Err(Denial::of("POD-4", why));
        }
        if fate.confirmed {
            return Err(Denial::of("POD-4", "the deletion of the Pod was confirmed before"));
        }
        self.check_cpu(log, node, fate)
    }

    fn check_cpu(&self, log: &Log, node: &str, starting: &Fate) -> Allowed {
        let Some(object) = log.object(&format!("nodes/{node}")) else { return Ok(()) };
        let (Delta { cpu, .. }, Some(_)) = (&object.delta, object.delta.pods) else {
            return Ok(());
        };
        let uids = self.nodes.get(node).into_iter().flat_map(|running| running.keys());
        let used: i64 = uids.filter_map(|uid| self.fates.get(uid)).map(|fate| fate.cpu).sum();
        if used + starting.cpu <= *cpu {
            return Ok(());
        }
        let total = used + starting.cpu;
        let why = format!("the Pods that run on {node} request {total}m cpu, it allows {cpu}m");
        Err(Denial::of("KUBELET-1", why))
    }
}
