//! Other resources for containers that run: first they are promised, then given.
//!
//! Source: `pkg/kubelet/allocation`, and `computePodResizeAction` and `doPodResizeAction` of
//! `pkg/kubelet/kuberuntime/kuberuntime_manager.go` (v1.36). Left out: resources of the pod as a whole, and init
//! containers that are not sidecars.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api::Timestamp;
use api::quantity::Quantity;
use client::event::Note;
use k8s_openapi::api::core::v1::{Container, Pod, PodCondition, ResourceRequirements};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::admission::{self, Rejection};
use crate::context::Context;
use crate::kubelet::Kubelet;
use crate::resize_steps::{Resized, steps};
use crate::runtime::{ContainerId, Resources, RuntimeCommand};
use crate::spec;
use crate::worker::Worker;

/// How soon a change that the runtime has refused is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// Resources of containers, by the container's name.
pub type Allocation = BTreeMap<String, ResourceRequirements>;

/// What the containers of a pod are promised and what they have; outlives the kubelet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PodResources {
    /// What the node has promised: it is admitted with these.
    pub allocated: Allocation,
    /// What the runtime was last told.
    pub actuated: Allocation,
}

/// What is known of the resources of one pod.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resizing {
    resources: PodResources,
    /// Whether the runtime has yet to be told to keep them.
    is_unsaved: bool,
    /// What the pod as a whole has.
    pod: Resources,
    /// Why what is wanted is not promised yet.
    pending: Option<Pending>,
    /// What is promised and not given yet.
    progress: Option<Progress>,
    /// What is given at the moment.
    in_flight: Option<(Resources, Allocation)>,
    /// Containers that are stopped because their resources change only by a new start.
    restarts: BTreeSet<ContainerId>,
    retry_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pending {
    message: String,
    generation: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Progress {
    /// Why the runtime has refused; empty when it has not.
    error: String,
    generation: Option<i64>,
}

impl Resizing {
    /// Of a pod that is new, or whose runtime has kept something.
    pub(crate) fn new(pod: &Arc<Pod>, kept: Option<PodResources>) -> Self {
        let is_unsaved = kept.is_none();
        let resources = kept.unwrap_or_else(|| {
            let allocated = allocation(pod);
            PodResources { actuated: allocated.clone(), allocated }
        });
        let had = with_resources(pod, &resources.actuated);
        Self { resources, is_unsaved, pod: spec::pod_resources(&had), ..Self::default() }
    }

    /// The pod with what it is promised.
    pub(crate) fn allocated(&self, pod: &Arc<Pod>) -> Arc<Pod> {
        with_resources(pod, &self.resources.allocated)
    }

    /// What a container has been given.
    pub(crate) fn actuated(&self, name: &str) -> Option<&ResourceRequirements> {
        self.resources.actuated.get(name)
    }

    /// Whether a container is stopped to be started with other resources.
    pub(crate) fn restarts(&self, id: &ContainerId) -> bool {
        self.restarts.contains(id)
    }

    /// Whether some container is.
    pub(crate) fn is_restarting(&self) -> bool {
        !self.restarts.is_empty()
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.retry_at
    }

    /// The conditions that say how far it is.
    pub(crate) fn conditions(&self) -> Vec<PodCondition> {
        let condition = |type_: &str, reason: &str, message: &str, generation| PodCondition {
            type_: type_.to_owned(),
            status: "True".to_owned(),
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
            message: (!message.is_empty()).then(|| message.to_owned()),
            observed_generation: generation,
            ..PodCondition::default()
        };
        let pending = self.pending.as_ref().map(|pending| {
            condition("PodResizePending", "Deferred", &pending.message, pending.generation)
        });
        let progress = self.progress.as_ref().map(|progress| {
            let reason = if progress.error.is_empty() { "" } else { "Error" };
            condition("PodResizeInProgress", reason, &progress.error, progress.generation)
        });
        pending.into_iter().chain(progress).collect()
    }
}

impl Kubelet {
    /// Promises the resources that pods want where there is room for them.
    pub(crate) fn resize(&mut self) {
        let waiting = self.workers.iter().filter(|(_, worker)| worker.wants_resize());
        let mut waiting: Vec<_> =
            waiting.map(|(uid, worker)| (worker.resize_order(), uid.clone())).collect();
        waiting.sort();
        for (_, uid) in waiting {
            let others =
                self.workers.iter().filter(|(other, worker)| **other != uid && worker.is_active());
            let others = others.map(|(_, worker)| &*worker.pod);
            let wanted = &self.workers[&uid].desired;
            let room = admission::has_room(self.context.config.capacity, others, wanted);
            let Some(worker) = self.workers.get_mut(&uid) else { continue };
            let is_news = match room {
                Ok(()) => {
                    worker.allocate(&mut self.context);
                    true
                }
                Err(why) => worker.defer(&mut self.context, &why),
            };
            if is_news {
                self.sync(&uid);
            }
        }
    }
}

impl Worker {
    /// Hears what the API server has; what is promised counts until more is.
    pub(crate) fn update(&mut self, pod: Arc<Pod>) {
        self.becomes(self.resizing.allocated(&pod));
        self.desired = pod;
        if Arc::ptr_eq(&self.pod, &self.desired) {
            self.resizing.pending = None;
        }
    }

    /// Whether other resources are wanted than are promised.
    pub(crate) fn wants_resize(&self) -> bool {
        self.is_active() && !self.is_terminating() && !Arc::ptr_eq(&self.pod, &self.desired)
    }

    /// Who comes first where room is scarce: who wants no more, the more important, the guaranteed.
    pub(crate) fn resize_order(&self) -> (bool, std::cmp::Reverse<i32>, bool) {
        let (cpu, memory) = spec::pod_requests(&self.desired);
        let (cpu_now, memory_now) = spec::pod_requests(&self.pod);
        let priority = spec::spec(&self.desired).priority.unwrap_or(0);
        let is_guaranteed = spec::qos_class(&self.desired) == "Guaranteed";
        (cpu > cpu_now || memory > memory_now, std::cmp::Reverse(priority), !is_guaranteed)
    }

    /// Promises what is wanted.
    pub(crate) fn allocate(&mut self, context: &mut Context) {
        let generation = self.desired.metadata.generation;
        self.becomes(Arc::clone(&self.desired));
        self.resizing.resources.allocated = allocation(&self.pod);
        self.resizing.is_unsaved = true;
        self.resizing.pending = None;
        self.resizing.retry_at = None;
        self.resizing.progress = Some(Progress { error: String::new(), generation });
        let message = summary("Pod resize started", &self.pod, generation, "");
        context.event(&self.pod, "", Note::normal("ResizeStarted", message));
    }

    /// Says why what is wanted has to wait; whether that is news.
    pub(crate) fn defer(&mut self, context: &mut Context, why: &Rejection) -> bool {
        let generation = self.desired.metadata.generation;
        let pending = Pending { message: why.message.clone(), generation };
        let before = self.resizing.pending.replace(pending.clone());
        if before.as_ref().is_none_or(|before| before.generation != generation) {
            let message = summary("Pod resize Deferred", &self.desired, generation, &why.message);
            context.event(&self.pod, "", Note::warning("ResizeDeferred", message));
        }
        before != Some(pending)
    }

    /// Gives running containers what they are promised, or stops those that have to start anew for it.
    pub(crate) fn actuate(&mut self, context: &mut Context) {
        let changed = self.changed();
        let is_whole = self.resizing.pod == spec::pod_resources(&self.pod);
        self.note_progress(context, !changed.is_empty() || !is_whole);
        let waits = self.resizing.retry_at.is_some_and(|retry_at| context.now < retry_at);
        if waits || self.resizing.in_flight.is_some() {
            return;
        }
        let (restarted, resized): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|change| change.needs_restart());
        for change in &restarted {
            let message = format!("Container {} resize requires restart", change.id.name);
            if self.resizing.restarts.insert(change.id.clone()) {
                let grace_period_seconds = spec::grace_period_seconds(&self.pod);
                self.stop(context, &change.id, (&message, grace_period_seconds));
            }
        }
        // What they have they keep until they have ended.
        if !restarted.is_empty() {
            return;
        }
        let pod = spec::pod_resources(&self.pod);
        let names = resized.iter().map(|change| change.id.name.clone());
        let given = names.filter_map(|name| {
            self.resizing.resources.allocated.get(&name).cloned().map(|given| (name, given))
        });
        let given: Allocation = given.collect();
        let steps = steps((self.resizing.pod, pod), &resized);
        if !steps.is_empty() {
            self.resizing.in_flight = Some((pod, given));
            let pod_uid = self.uid.clone();
            return context.run(RuntimeCommand::Resize { pod_uid, steps });
        }
        if !given.is_empty() {
            self.give((pod, given));
            self.note_progress(context, false);
        }
    }

    /// Hears how the runtime has changed what containers have.
    pub(crate) fn resized(&mut self, context: &mut Context, failure: Option<String>) {
        let Some(given) = self.resizing.in_flight.take() else { return };
        let Some(why) = failure else { return self.give(given) };
        self.resizing.retry_at = Some(context.now + RETRY);
        let generation = self.pod.metadata.generation;
        let progress =
            self.resizing.progress.get_or_insert(Progress { error: String::new(), generation });
        if progress.error != why {
            progress.error.clone_from(&why);
            let message = summary("Pod resize error", &self.pod, progress.generation, &why);
            context.event(&self.pod, "", Note::warning("ResizeError", message));
        }
    }

    fn give(&mut self, (pod, given): (Resources, Allocation)) {
        self.resizing.pod = pod;
        self.resizing.retry_at = None;
        self.resizing.is_unsaved |= !given.is_empty();
        self.resizing.resources.actuated.extend(given);
    }

    /// Notes that a container has started with these, whatever it is promised by now.
    pub(crate) fn started_with(&mut self, id: &ContainerId, given: ResourceRequirements) {
        self.resizing.restarts.retain(|stopped| stopped.name != id.name);
        let PodResources { allocated, actuated } = &mut self.resizing.resources;
        if allocated.contains_key(&id.name) && actuated.get(&id.name) != Some(&given) {
            actuated.insert(id.name.clone(), given);
            self.resizing.is_unsaved = true;
        }
    }

    /// Lets the runtime keep what a kubelet that starts again must know.
    pub(crate) fn keep_resources(&mut self, context: &mut Context) {
        if !self.is_terminating() && std::mem::take(&mut self.resizing.is_unsaved) {
            let resources = self.resizing.resources.clone();
            context.run(RuntimeCommand::KeepResources { pod_uid: self.uid.clone(), resources });
        }
    }

    fn note_progress(&mut self, context: &mut Context, is_in_progress: bool) {
        let generation = self.pod.metadata.generation;
        match (&self.resizing.progress, is_in_progress) {
            (None, true) => {
                self.resizing.progress = Some(Progress { error: String::new(), generation });
            }
            (Some(progress), false) => {
                let message = summary("Pod resize completed", &self.pod, progress.generation, "");
                context.event(&self.pod, "", Note::normal("ResizeCompleted", message));
                self.resizing.progress = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    /// The running containers that have something else than they are promised.
    fn changed(&self) -> Vec<Resized> {
        let nothing = ResourceRequirements::default();
        let of = |container: &Container| {
            let id = self.state.running().find(|id| id.name == container.name)?.clone();
            let allocated = container.resources.as_ref().unwrap_or(&nothing);
            let actuated = self.resizing.actuated(&container.name).unwrap_or(&nothing);
            Resized::new(id, &self.pod, container, (actuated, allocated))
        };
        resizable(&self.pod).filter_map(of).collect()
    }
}

/// The containers whose resources can change: all but those that only run before the others.
fn resizable(pod: &Pod) -> impl Iterator<Item = &Container> {
    let sidecars = spec::init_containers(pod).iter().filter(|one| spec::is_sidecar(one));
    sidecars.chain(spec::containers(pod))
}

fn allocation(pod: &Pod) -> Allocation {
    let of = |container: &Container| {
        (container.name.clone(), container.resources.clone().unwrap_or_default())
    };
    resizable(pod).map(of).collect()
}

/// The pod with these resources, the very same where it has them.
fn with_resources(pod: &Arc<Pod>, resources: &Allocation) -> Arc<Pod> {
    let differs = |container: &Container| {
        let own = container.resources.clone().unwrap_or_default();
        resources.get(&container.name).is_some_and(|other| !same(&own, other))
    };
    if !resizable(pod).any(differs) {
        return Arc::clone(pod);
    }
    let mut with = (**pod).clone();
    let spec = with.spec.get_or_insert_default();
    for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
        if differs(container) {
            container.resources = resources.get(&container.name).cloned();
        }
    }
    Arc::new(with)
}

/// Whether two say the same, however the amounts are written.
fn same(left: &ResourceRequirements, right: &ResourceRequirements) -> bool {
    let amounts = |resources: &ResourceRequirements| {
        [&resources.requests, &resources.limits].map(|list| {
            let amounts = list.iter().flatten();
            amounts
                .map(|(name, text)| (name.clone(), Quantity::parse(&text.0).ok()))
                .collect::<BTreeMap<_, _>>()
        })
    };
    amounts(left) == amounts(right)
}

/// What an event says: the resources of all containers.
/// Source: `podResizeMessage` of pkg/kubelet/events/resize.go (v1.36).
fn summary(what: &str, pod: &Pod, generation: Option<i64>, error: &str) -> String {
    let of = |containers: &[Container]| -> Vec<_> {
        let one = |container: &Container| json!({"name": container.name, "resources": container.resources.clone().unwrap_or_default()});
        containers.iter().map(one).collect()
    };
    let mut summary = serde_json::Map::new();
    if !spec::init_containers(pod).is_empty() {
        summary.insert("initContainers".to_owned(), json!(of(spec::init_containers(pod))));
    }
    summary.insert("containers".to_owned(), json!(of(spec::containers(pod))));
    summary.insert("generation".to_owned(), json!(generation.unwrap_or_default()));
    if !error.is_empty() {
        summary.insert("error".to_owned(), json!(error));
    }
    format!("{what}: {}", serde_json::Value::Object(summary))
}
