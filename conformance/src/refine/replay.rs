//! The model, driven by what a trace recorded: each event is taken as the model's own step.

use std::collections::BTreeMap;

use api::trace::Event;
use model::cluster::kubelet::{Container, Machine};
use model::cluster::objects::{Change, Object as Entry, Pod, ReplicaSet};
use model::cluster::scenario::{Cluster, Components};
use model::cluster::{Budgets, NodeId, PodId, Uid, Watcher, claims};
use model::history::Cursor;
use model::slice::Fact;

use super::containers::node_of;
use super::log::{Write, namespace, resource};
use super::refusal::{Allowed, Denial};
use super::slots::{Full, Slots};
use super::table::{self, Kind, LOG, NODES, PODS, SETS, State};
use crate::trace::{Delivery, Verb};

/// The claims about states and steps that hold of what is replayed, whatever decided it.
const CLAIMS: [&str; 4] = ["POD-1", "POD-2", "POD-3", "KUBELET-1"];

/// What a step comes to: a state, a denial, or that the model is too small.
type Stepped = Result<Allowed<State>, Full>;

/// The model's state, and which of its names stand for which of the trace.
#[derive(Clone)]
pub(super) struct Replay {
    state: Box<State>,
    slots: Slots,
    uids: BTreeMap<u64, Uid>,
    /// The trace's revision of each of the model's.
    revisions: Vec<u64>,
    claims: Cluster<PODS, NODES, SETS, LOG>,
    /// Why the model no longer follows the trace.
    pub(super) beyond: Option<String>,
}

impl Default for Replay {
    fn default() -> Self {
        let claims = Cluster {
            components: Components::default(),
            initial: State::EMPTY,
            pods: PODS,
            nodes: NODES,
            replicas_max: u8::MAX,
            up_to_date: &[],
            at_own_pace: false,
            claims: &CLAIMS,
            mutation: None,
        };
        let (slots, uids, revisions) = (Slots::default(), BTreeMap::new(), vec![]);
        Self { state: Box::new(State::EMPTY), slots, uids, revisions, claims, beyond: None }
    }
}

impl Replay {
    /// Takes a write as the model's step.
    pub(super) fn written(&mut self, write: &Write) -> Allowed {
        let kind = table::kind(resource(&write.key));
        if kind == Kind::Other || self.is_beyond() {
            return Ok(());
        }
        let stepped = match kind {
            Kind::Pod => self.pod_step(write),
            Kind::Node => self.node_step(write),
            Kind::ReplicaSet => self.set_step(write),
            Kind::Lease => self.lease_step(write),
            Kind::Other => return Ok(()),
        };
        let before = self.state.store.revision.0;
        self.take(stepped)?;
        for _ in before..self.state.store.revision.0 {
            self.revisions.push(write.revision);
        }
        Ok(())
    }

    /// Takes a delivery as the model's step.
    pub(super) fn delivered(&mut self, delivery: Delivery, event: &Event) {
        let node = node_of(event).and_then(|name| self.slots.node(name).ok());
        for watcher in table::watchers(&event.actor, resource(&event.key), node) {
            match delivery {
                Delivery::Listed => self.list(watcher, event.rv),
                Delivery::Expired => self.state.store.set_cursor(watcher, Cursor::OFF),
                Delivery::Bookmark => {}
                Delivery::Added | Delivery::Modified | Delivery::Deleted => {
                    if let Some(next) = self.state.deliver(watcher) {
                        *self.state = next;
                    }
                }
            }
        }
    }

    /// A component starts or dies: its caches are empty.
    pub(super) fn restarted(&mut self, event: &Event, runs: bool) {
        let node = node_of(event).and_then(|name| self.slots.node(name).ok());
        for watcher in ["pods", "nodes"]
            .into_iter()
            .flat_map(|resource| table::watchers(&event.actor, resource, node))
        {
            self.state.store.set_cursor(watcher, Cursor::OFF);
        }
        if let Some(node) = node {
            let kubelet = &mut self.state.kubelets[node.index()];
            kubelet.machine = if runs { Machine::Running } else { Machine::KubeletDown };
        }
        self.state.store.settle();
    }

    /// No container runs on this Node any more, or none is known to.
    pub(super) fn nothing_runs(&mut self, name: &str) {
        if let Ok(node) = self.slots.node(name) {
            self.state.kubelets[node.index()].containers = [Container::None; PODS];
        }
    }

    /// A Pod's first container runs.
    pub(super) fn container_started(&mut self, event: &Event) -> Allowed {
        let Some((node, pod, uid)) = self.place(event) else { return Ok(()) };
        if self.is_beyond() || self.state.kubelets[node.index()].runs(pod) {
            return Ok(());
        }
        // A Pod that exited and runs again: the model leaves restarts out.
        self.state.kubelets[node.index()].containers[pod.index()] = Container::None;
        if let Some(next) = self.state.start_containers(node, pod) {
            return self.take(Ok(Ok(next)));
        }
        if !self.state.kubelets[node.index()].has_room() {
            let allowed = self.state.kubelets[node.index()].allocatable_pods;
            let why = format!("{allowed} Pods run on the Node, which allows no more");
            return Err(Denial::of("KUBELET-1", why));
        }
        // Ordered before the kubelet read what it has read since, or found when it started.
        self.state.kubelets[node.index()].containers[pod.index()] = Container::Running(uid);
        Ok(())
    }

    /// A Pod's last container runs no more.
    pub(super) fn container_stopped(&mut self, event: &Event) {
        let Some((node, pod, _)) = self.place(event) else { return };
        match self.state.stop_containers(node, pod) {
            Some(next) => *self.state = next,
            None => self.state.kubelets[node.index()].containers[pod.index()] = Container::None,
        }
    }

    fn place(&mut self, event: &Event) -> Option<(NodeId, PodId, Uid)> {
        let node = self.slots.node(node_of(event)?).ok()?;
        let pod = self.slots.known_pod(&event.key)?;
        Some((node, pod, *self.uids.get(&event.uid)?))
    }

    fn pod_step(&mut self, write: &Write) -> Stepped {
        let known = self.slots.known_pod(&write.key).is_some();
        let pod = self.slots.pod(&write.key, &self.state)?;
        if !known {
            self.state.store.pod_uids[pod.index()] = Uid::NONE;
        }
        let after = self.model_pod(write, pod)?;
        if self.state.objects().pod(pod).is_none() && write.verb != Verb::Create {
            // Older than the trace.
            let node = after.node.filter(|_| write.verb != Verb::Bind);
            self.state.store.base.pods[pod.index()] = Some(Pod { node, ..after });
            self.state.store.pod_uids[pod.index()] = after.uid;
        }
        let state = &self.state;
        let stepped = match write.verb {
            Verb::Create => state.create_pod(pod, after.owner, after.node),
            Verb::Bind => after.node.and_then(|node| state.create_binding(pod, after.uid, node)),
            Verb::UpdateStatus => state.patch_pod_status(pod, after.uid, after.phase),
            Verb::Update | Verb::Scale => Some(self.logged(Entry::Pod(pod, after))),
            Verb::DeleteGracefully => {
                let deleted = state.delete_pod(pod);
                let marked = deleted.filter(|next| next.objects().pod(pod).is_some());
                Some(marked.unwrap_or_else(|| self.logged(Entry::Pod(pod, after))))
            }
            Verb::Delete => self.removed(write, pod, after),
        };
        Ok(stepped.ok_or_else(|| refused(write)).and_then(|next| match next.objects().pod(pod) {
            Some(object) if object != after && write.verb != Verb::Delete => {
                Err(differs(write, &object, &after))
            }
            Some(_) | None => Ok(next),
        }))
    }

    fn removed(&self, write: &Write, pod: PodId, after: Pod) -> Option<State> {
        let own =
            after.node.filter(|_| write.actor == format!("kubelet/{}", write.after.delta.node));
        let listed =
            own.filter(|node| self.state.store.cursor(Watcher::Kubelet(*node)) != Cursor::OFF);
        match listed {
            Some(node) => self.state.finish_deletion(node, pod),
            None => self.state.remove_pod(pod, after.uid),
        }
    }

    /// The Pod as it is after a write, in the model's words.
    fn model_pod(&mut self, write: &Write, pod: PodId) -> Result<Pod, Full> {
        let delta = &write.after.delta;
        let owner = match delta.controller.strip_prefix("ReplicaSet/") {
            Some(name) => {
                let namespace = namespace(&write.key).unwrap_or_default();
                Some(self.slots.set(&format!("replicasets/{namespace}/{name}"), &self.state)?)
            }
            None => None,
        };
        let node = match delta.node.as_str() {
            "" => None,
            name => Some(self.slots.node(name)?),
        };
        if let Some(node) = node.filter(|_| write.partial) {
            let uid = &mut self.state.store.node_uids[node.index()];
            if *uid == Uid::NONE {
                *uid = uid.next();
            }
        }
        let next = self.state.store.pod_uids[pod.index()].next();
        let uid = *self.uids.entry(write.after.uid).or_insert(next);
        Ok(table::pod(uid, delta, owner, node))
    }

    fn node_step(&mut self, write: &Write) -> Stepped {
        let name = write.key.strip_prefix("nodes/").unwrap_or_default();
        let node = self.slots.node(name)?;
        let next = self.state.store.node_uids[node.index()].next();
        let uid = *self.uids.entry(write.after.uid).or_insert(next);
        let after = table::node(uid, &write.after.delta);
        self.state.kubelets[node.index()].allocatable_pods = after.allocatable_pods;
        if self.state.objects().node(node).is_none() && write.verb != Verb::Create {
            self.state.store.base.nodes[node.index()] = Some(after);
            self.state.store.node_uids[node.index()] = uid;
        }
        let stepped = match write.verb {
            Verb::Create => self.state.create_node(node, after.allocatable_pods),
            Verb::Delete => self.state.delete_node(node),
            Verb::Update
            | Verb::UpdateStatus
            | Verb::Scale
            | Verb::Bind
            | Verb::DeleteGracefully => self.state.update_node(node, after),
        };
        Ok(stepped.ok_or_else(|| refused(write)))
    }

    fn set_step(&mut self, write: &Write) -> Stepped {
        let set = self.slots.set(&write.key, &self.state)?;
        let replicas = table::replicas(&write.after.delta);
        let object = Entry::ReplicaSet(set, ReplicaSet { uid: Uid::NONE.next(), replicas });
        let state = &self.state;
        let stepped = match write.verb {
            Verb::Create => state.create_replica_set(set, replicas),
            Verb::Delete => state.delete_replica_set(set).or(Some(**state)),
            Verb::Scale | Verb::Update => {
                state.update_scale(set, replicas).or_else(|| Some(self.logged(object)))
            }
            Verb::UpdateStatus | Verb::Bind | Verb::DeleteGracefully => Some(self.logged(object)),
        };
        Ok(stepped.ok_or_else(|| refused(write)))
    }

    fn lease_step(&mut self, write: &Write) -> Stepped {
        let renewed = match write.actor.strip_prefix("kubelet/") {
            Some(name) => self.state.renew_lease(self.slots.node(name)?),
            None => None,
        };
        Ok(Ok(renewed.unwrap_or(*self.state)))
    }

    /// A change that is no step of its own.
    fn logged(&self, object: Entry) -> State {
        let mut next = *self.state;
        next.store.write(Change::Modified, object);
        next
    }

    /// Goes to a state, if the claims hold of the way there.
    fn take(&mut self, stepped: Stepped) -> Allowed {
        let next = match stepped {
            Ok(allowed) => allowed?,
            Err(Full(what, bound)) => {
                self.beyond = Some(format!("the model has room for {bound} {what} at a time"));
                return Ok(());
            }
        };
        for claim in claims::all().into_iter().filter(|claim| CLAIMS.contains(&claim.id)) {
            let holds = match claim.fact {
                Fact::Always(holds) => holds(&self.claims, &next),
                Fact::EachStep(holds) => holds(&self.claims, &self.state, &next),
                Fact::Reachable(_) | Fact::Eventually(_) | Fact::Possible(_) => true,
            };
            if !holds {
                let sentence = model::spec::sentence(claim.id).map(|sentence| sentence.text);
                return Err(Denial::of(claim.id, sentence.unwrap_or_default()));
            }
        }
        *self.state = next;
        self.state.budgets = Budgets::NONE;
        Ok(())
    }

    fn list(&mut self, watcher: Watcher, revision: u64) {
        let read = self.revisions.partition_point(|written| *written <= revision);
        let position = u32::try_from(read).ok().and_then(|read| self.state.store.position_of(read));
        // Where the log does not reach back so far, the model does without this cache.
        let cursor = position.map_or(Cursor::OFF, Cursor::at);
        self.state.store.set_cursor(watcher, cursor);
        self.state.store.settle();
    }

    fn is_beyond(&mut self) -> bool {
        if self.state.store.log.len() + 2 > LOG && self.beyond.is_none() {
            self.beyond = Some(format!("a cache lags behind by more than {LOG} changes"));
        }
        self.beyond.is_some()
    }
}

fn refused(write: &Write) -> Denial {
    Denial::plain(format!("the model's API server refuses to {:?} it now", write.verb))
}

fn differs(write: &Write, expected: &Pod, told: &Pod) -> Denial {
    Denial::plain(format!("after {:?} it is {expected:?} in the model, but {told:?}", write.verb))
}
