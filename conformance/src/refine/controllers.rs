//! What controllers may ask for: no more Pods than are missing, no deletion without a reason.
//!
//! A controller decides on caches that lag, and the trace tells within which bounds. Where several
//! reasons are possible, the one that allows most counts.

use std::collections::{BTreeMap, BTreeSet};

use api::trace::Event;

use super::log::{Log, Object, Write, namespace, resource};
use super::refusal::{Allowed, Denial};
use super::watches::{Read, Watches};
use crate::trace::Verb;

/// What the controllers have done.
#[derive(Clone, Debug, Default)]
pub(super) struct Controllers {
    /// `spec.replicas` of each ReplicaSet, with the revisions that set it.
    replicas: BTreeMap<String, Vec<(u64, u64)>>,
    /// Pods that the ReplicaSet controller has created.
    created: BTreeSet<u64>,
    /// By ReplicaSet, Pods that may have come from a request of which nobody knows what became of it.
    unknown: BTreeMap<String, usize>,
    /// The ReplicaSets of creations, by request.
    creations: BTreeMap<u64, String>,
    /// Requests whose answer was lost.
    unanswered: BTreeSet<u64>,
    /// The newest life of each controller.
    lives: BTreeMap<String, u64>,
    /// By ReplicaSet, the revisions at which a Pod became inactive without its controller knowing: by others,
    /// or by a deletion of its own that it has not heard of again.
    left: BTreeMap<String, Vec<u64>>,
    /// The ReplicaSets and revisions of deletions of Pods that were too many, by request.
    deletions: BTreeMap<u64, (String, u64)>,
    /// Nodes that had a taint with the effect NoExecute.
    evicting: BTreeSet<String>,
    /// Namespaces in which there were claims of devices, which may be tainted: the trace does not tell whose they are.
    claiming: BTreeSet<String>,
    /// Pods that something else than a ReplicaSet has controlled. It may delete them before it hears that they
    /// are orphans now.
    others: BTreeSet<u64>,
}

fn is_controller(actor: &str) -> bool {
    actor.starts_with("kube-controller-manager") || actor.ends_with("-controller")
}

/// The key of the ReplicaSet that controls a Pod, if it is one.
fn replica_set(key: &str, pod: &Object) -> Option<String> {
    let name = pod.delta.controller.strip_prefix("ReplicaSet/")?;
    Some(format!("replicasets/{}/{name}", namespace(key)?))
}

impl Controllers {
    /// A controller starts anew and has forgotten what it expects.
    pub(super) fn started(&mut self, event: &Event) {
        self.lives.insert(event.actor.clone(), event.incarnation);
    }

    /// The answer to a request was lost: if it was a creation, its sender will ask for one more; if it was a
    /// deletion, it takes the Pod to be there until it sees that it is not.
    pub(super) fn answer_lost(&mut self, event: &Event) {
        if !self.unanswered.insert(event.req) {
            return;
        }
        if let Some(set) = self.creations.get(&event.req) {
            *self.unknown.entry(set.clone()).or_default() += 1;
        }
        if let Some((set, revision)) = self.deletions.get(&event.req) {
            self.left.entry(set.clone()).or_default().push(*revision);
        }
    }

    /// Checks a write.
    pub(super) fn written(
        &mut self,
        log: &Log,
        watches: &Watches,
        write: &Write,
        event: &Event,
    ) -> Allowed {
        if resource(&write.key) == "pods" {
            let controller = &write.after.delta.controller;
            if !controller.is_empty() && replica_set(&write.key, &write.after).is_none() {
                self.others.insert(write.after.uid);
            }
        }
        match resource(&write.key) {
            "replicasets" => self.remember_replicas(write),
            "resourceclaims" => self.claiming.extend(namespace(&write.key).map(str::to_owned)),
            "nodes" if write.after.delta.evicts() => {
                self.evicting.insert(write.key.clone());
            }
            "pods" if is_controller(&event.actor) => {
                return self.pod_written(log, watches, write, event);
            }
            "pods" => self.remember_leaving(write),
            _ => {}
        }
        Ok(())
    }

    fn remember_replicas(&mut self, write: &Write) {
        let replicas = write.after.delta.replicas.unwrap_or(1);
        self.replicas.entry(write.key.clone()).or_default().push((write.revision, replicas));
    }

    fn remember_leaving(&mut self, write: &Write) {
        let was_active = write.before.as_ref().is_some_and(|before| before.delta.active());
        let is_active = write.after.delta.active() && write.verb != Verb::Delete;
        if let Some(set) = replica_set(&write.key, &write.after)
            && was_active
            && !is_active
        {
            self.left.entry(set).or_default().push(write.revision);
        }
    }

    fn pod_written(
        &mut self,
        log: &Log,
        watches: &Watches,
        write: &Write,
        event: &Event,
    ) -> Allowed {
        let set = replica_set(&write.key, &write.after);
        match (write.verb, set) {
            (Verb::Create, Some(set)) => {
                self.created.insert(write.after.uid);
                self.creations.insert(event.req, set.clone());
                if self.is_unheard_of(event) {
                    *self.unknown.entry(set.clone()).or_default() += 1;
                }
                self.check_creation(log, watches, &set, event)
            }
            (Verb::Delete | Verb::DeleteGracefully, set) => {
                if self.has_reason(log, write) {
                    self.remember_leaving(write);
                    return Ok(());
                }
                match set {
                    Some(set) => {
                        self.check_scale_down(log, watches, &set, event)?;
                        if self.is_unheard_of(event) {
                            self.remember_leaving(write);
                        }
                        self.deletions.insert(event.req, (set, write.revision));
                        Ok(())
                    }
                    None => Err(Denial::of("NODE-1", NO_REASON)),
                }
            }
            _ => Ok(()),
        }
    }

    /// Whether nobody waits for the answer any more.
    fn is_unheard_of(&self, event: &Event) -> bool {
        let life = self.lives.get(&event.actor).copied().unwrap_or(0);
        event.incarnation < life || self.unanswered.contains(&event.req)
    }

    fn check_creation(&self, log: &Log, watches: &Watches, set: &str, event: &Event) -> Allowed {
        let Some(read) = watches.decided_on(event) else { return Ok(()) };
        let Some(most) = self.replicas_read(set, read).into_iter().max() else { return Ok(()) };
        let made_for = log.object(set).zip(log.object(&event.key));
        if made_for.is_none_or(|(set, pod)| !is_owned(pod, set)) {
            return Ok(());
        }
        let active = pods_of(log, set).filter(|pod| self.created.contains(&pod.uid)).count();
        let unknown = self.unknown.get(set).copied().unwrap_or(0);
        if active as u64 <= most + unknown as u64 {
            return Ok(());
        }
        let why = format!("{active} active Pods of {set} exist now, it wants {most}");
        Err(Denial::of("REPLICASET-1", why))
    }

    fn check_scale_down(&self, log: &Log, watches: &Watches, set: &str, event: &Event) -> Allowed {
        let Some(read) = watches.decided_on(event) else { return Ok(()) };
        let Some(least) = self.replicas_read(set, read).into_iter().min() else { return Ok(()) };
        let left = self.left.get(set).into_iter().flatten();
        let unseen = left.filter(|revision| **revision > read.pods).count();
        let active = pods_of(log, set).count();
        if (active + unseen) as u64 >= least {
            return Ok(());
        }
        let why = format!("{active} active Pods of {set} are left, it wants {least}");
        Err(Denial::of("REPLICASET-2", why))
    }

    /// What the sender may have read as `spec.replicas`; nothing where the trace does not tell.
    fn replicas_read(&self, set: &str, read: Read) -> Vec<u64> {
        let [oldest, newest] = read.replica_sets;
        let written = self.replicas.get(set).map_or(&[][..], Vec::as_slice);
        let first = written.partition_point(|(revision, _)| *revision <= oldest).saturating_sub(1);
        let until = written.partition_point(|(revision, _)| *revision <= newest);
        let read = written.get(first..until).unwrap_or_default();
        read.iter().map(|(_, replicas)| *replicas).collect()
    }

    /// Whether a controller deletes such a Pod for another reason than that it is one too many.
    fn has_reason(&self, log: &Log, write: &Write) -> bool {
        let pod = write.before.as_ref().unwrap_or(&write.after);
        let node = format!("nodes/{}", pod.delta.node);
        let bound = !pod.delta.node.is_empty();
        !pod.delta.active()
            || pod.delta.owned
            || (bound && self.may_use_devices(&write.key))
            || self.others.contains(&pod.uid)
            || (bound && (self.evicting.contains(&node) || log.object(&node).is_none()))
            || owner_is_gone(log, &write.key, pod)
            || namespace_is_going(log, &write.key)
            || log.is_partial()
    }

    /// Whether a device of the Pod may be tainted.
    fn may_use_devices(&self, pod: &str) -> bool {
        namespace(pod).is_some_and(|own| self.claiming.contains(own))
    }
}

const NO_REASON: &str = "a controller deletes a Pod that runs on a Node without a NoExecute taint";

/// The active Pods of a ReplicaSet.
fn pods_of<'a>(log: &'a Log, set: &'a str) -> impl Iterator<Item = &'a Object> {
    let prefix = format!("pods/{}/", namespace(set).unwrap_or_default());
    let pods: Vec<_> = log.objects(&prefix).collect();
    let owner = log.object(set);
    let own = move |(key, pod): &(&String, &Object)| {
        pod.delta.active()
            && replica_set(key, pod).as_deref() == Some(set)
            && owner.is_none_or(|owner| is_owned(pod, owner))
    };
    pods.into_iter().filter(own).map(|(_, pod)| pod)
}

fn owner_is_gone(log: &Log, key: &str, pod: &Object) -> bool {
    if pod.delta.controller.is_empty() {
        return false;
    }
    let Some(set) = replica_set(key, pod) else { return true };
    log.object(&set).is_none_or(|set| set.delta.deleting || !is_owned(pod, set))
}

/// Whether a Pod belongs to this ReplicaSet and not to an earlier one of that name.
fn is_owned(pod: &Object, set: &Object) -> bool {
    match pod.delta.controller_uid {
        0 => pod.created > set.created,
        uid => uid == set.uid,
    }
}

fn namespace_is_going(log: &Log, key: &str) -> bool {
    let name = namespace(key).unwrap_or_default();
    log.is_deleting(&format!("namespaces/{name}"))
}
