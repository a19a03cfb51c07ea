//! The kubelet of one node: a worker for each pod, the Node object and its Lease.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{AnyObject, Key, Timestamp};
use client::event::Note;
use client::{Change, Outcome};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::admission;
use crate::command::{Command, Input, Purpose};
use crate::config::Config;
use crate::context::Context;
use crate::eviction::Eviction;
use crate::following::{Followed, Version};
use crate::node::NodeState;
use crate::runtime::{ContainerId, Hook, RuntimeCommand, RuntimeEvent, RuntimeStatus};
use crate::spec;
use crate::state::mark_exited;
use crate::static_pods::{StaticPods, is_mirror};
use crate::worker::Worker;

/// Decides what happens on one node. Pods are known by uid: a name may be used again.
#[derive(Clone, Debug)]
pub struct Kubelet {
    pub(crate) context: Context,
    pub(crate) node: NodeState,
    pub(crate) workers: BTreeMap<String, Worker>,
    /// What ran before this kubelet did and has not been matched with a pod.
    found: BTreeMap<String, RuntimeStatus>,
    /// Pods that are heard of before all that ran before are known.
    waiting: Vec<Arc<Pod>>,
    pub(crate) static_pods: StaticPods,
    pub(crate) eviction: Eviction,
}

impl Kubelet {
    /// A kubelet that starts beside what the runtime found.
    pub fn new(config: Config, found: Vec<RuntimeStatus>, now: Timestamp) -> Self {
        let mut context = Context::new(config, now);
        context.node_event(Note::normal("Starting", "Starting kubelet."));
        Self {
            context,
            node: NodeState::new(now),
            workers: BTreeMap::new(),
            found: found.into_iter().map(|status| (status.pod_uid.clone(), status)).collect(),
            waiting: vec![],
            static_pods: StaticPods::default(),
            eviction: Eviction::default(),
        }
    }

    /// Hears of something; returns what is to be done about it, in order.
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Vec<Command> {
        self.context.now = now;
        match input {
            Input::Pod(change, revision) => {
                self.context.revision = self.context.revision.max(revision);
                self.observe(&change);
            }
            Input::Service(change) => self.context.services.observe(&change),
            Input::StaticPods(files) => self.read_static_pods(&files),
            Input::Usage(usage) => self.evict(&usage),
            Input::Synced => self.end_unmatched(),
            Input::Runtime(event) => self.reported(event),
            Input::Answer(purpose, outcome) => self.answered(purpose, outcome),
            Input::Object(object, version) => self.heard(&object, version),
            Input::Tick => {}
        }
        // Until then it does not know what there is room for.
        if self.found.is_empty() {
            self.let_in();
            self.resize();
        }
        self.tick();
        self.mirror();
        self.context.take_commands()
    }

    /// When to be told that time has passed.
    pub fn next_deadline(&self) -> Timestamp {
        let pods = self.workers.values().filter_map(Worker::next_deadline).min();
        let mirrors = self.static_pods.next_deadline(self.context.now);
        pods.into_iter().chain(mirrors).fold(self.node.next_deadline(), Timestamp::min)
    }

    /// The revision up to which the cache of pods has read.
    pub fn revision(&self) -> u64 {
        self.context.revision
    }

    fn observe(&mut self, change: &Change) {
        let old = change.old.as_ref().and_then(pod_of);
        let new = change.new.as_ref().and_then(pod_of);
        if let Some(mirror) = new.as_ref().or(old.as_ref()).filter(|pod| is_mirror(pod)) {
            return self.observe_mirror(&Key::of(&mirror.metadata), new);
        }
        if let Some(old) = &old
            && new.as_ref().is_none_or(|new| new.metadata.uid != old.metadata.uid)
        {
            self.forsake(&uid(old));
        }
        if let Some(new) = new {
            self.update(new);
        }
    }

    pub(crate) fn forsake(&mut self, gone: &str) {
        self.waiting.retain(|pod| uid(pod) != gone);
        let uid = gone;
        if let Some(worker) = self.workers.get_mut(uid) {
            worker.forsake();
        }
        self.sync(uid);
    }

    pub(crate) fn update(&mut self, pod: Arc<Pod>) {
        let uid = uid(&pod);
        match self.workers.get_mut(&uid) {
            Some(worker) => worker.update(pod),
            None if self.found.is_empty()
                || self.found.contains_key(&uid)
                || self.static_pods.has(&uid) =>
            {
                self.add(pod)
            }
            None => return self.wait(pod),
        }
        self.sync(&uid);
    }

    /// A new pod is let in only when all that ran before are known: they have their room already.
    fn wait(&mut self, pod: Arc<Pod>) {
        self.waiting.retain(|other| uid(other) != uid(&pod));
        self.waiting.push(pod);
    }

    /// Lets in the pods that waited, the oldest first, as upstream's `HandlePodAdditions` does.
    fn let_in(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting
            .sort_by_key(|pod| (pod.metadata.creation_timestamp.clone(), Key::of(&pod.metadata)));
        for pod in waiting {
            self.update(pod);
        }
    }

    fn add(&mut self, pod: Arc<Pod>) {
        let uid = uid(&pod);
        let mut worker = Worker::new(Arc::clone(&pod));
        if self.static_pods.has(&uid) {
            worker.is_static = true;
            worker.show_in(self.static_pods.mirror_of(&pod).cloned());
        }
        let found = self.found.remove(&uid);
        let begun = found.as_ref().is_some_and(|found| !found.containers.is_empty());
        if let Some(found) = found {
            worker.adopt(found);
        }
        if worker.is_active() && !begun && !spec::is_deleted(&pod) {
            let admitted = self.workers.values().filter(|worker| worker.is_active());
            let admitted = admitted.map(|worker| &*worker.pod);
            let admitted = admission::admit(&self.context.config, admitted, &pod);
            // A static pod is critical. Source: `IsCriticalPod` of pkg/kubelet/types/pod_update.go (v1.36).
            let pressure = if worker.is_static { Ok(()) } else { self.eviction.admit(&pod) };
            if let Err(rejection) = pressure.and(admitted) {
                worker.reject(&mut self.context, &rejection);
            }
        }
        self.workers.insert(uid, worker);
    }

    /// What ran before and belongs to no pod any more must end.
    fn end_unmatched(&mut self) {
        for (uid, found) in std::mem::take(&mut self.found) {
            let Key { namespace, name } = found.pod.clone();
            let metadata = ObjectMeta {
                namespace: Some(namespace),
                name: Some(name),
                uid: Some(uid.clone()),
                // Upstream kills pods that it finds without an object within a second.
                deletion_grace_period_seconds: Some(1),
                deletion_timestamp: Some(api::time::time(self.context.now)),
                ..ObjectMeta::default()
            };
            let mut worker = Worker::new(Arc::new(Pod { metadata, ..Pod::default() }));
            worker.adopt(found);
            worker.forsake();
            self.workers.insert(uid.clone(), worker);
            self.sync(&uid);
        }
    }

    fn reported(&mut self, event: RuntimeEvent) {
        let uid = pod_uid(&event).to_owned();
        let Some(worker) = self.workers.get_mut(&uid) else {
            return self.reported_early(&uid, event);
        };
        let context = &mut self.context;
        match event {
            RuntimeEvent::SandboxReady { ip, .. } => worker.sandbox_ready(ip),
            RuntimeEvent::SandboxFailed { message, .. } => worker.sandbox_failed(context, &message),
            RuntimeEvent::SandboxRemoved { .. } => worker.sandbox_removed(),
            RuntimeEvent::ImageStatus { id, image_id } => {
                worker.image_status(context, &id.name, image_id);
            }
            RuntimeEvent::ImagePulled { id, image_id, size_bytes, milliseconds } => {
                worker.image_pulled(context, &id, (image_id, size_bytes, milliseconds));
            }
            RuntimeEvent::ImagePullFailed { id, message } => {
                worker.image_pull_failed(context, &id.name, &message);
            }
            RuntimeEvent::ContainerStarted { id, started_at } => {
                worker.container_started(context, &id, started_at);
            }
            RuntimeEvent::ContainerFailed { id, message } => {
                worker.container_failed(context, &id, &message);
            }
            RuntimeEvent::ContainerExited { id, exit } => worker.container_exited(&id, exit),
            RuntimeEvent::Resized { failure, .. } => worker.resized(context, failure),
            RuntimeEvent::VolumeFailed { volume, message, .. } => {
                worker.volume_failed(context, &volume, &message);
            }
            RuntimeEvent::HookEnded { id, hook: Hook::PostStart, failure } => {
                worker.post_start_ended(context, &id, failure);
            }
            RuntimeEvent::HookEnded { id, hook: Hook::PreStop, failure } => {
                worker.pre_stop_ended(context, &id, failure.is_some());
            }
            RuntimeEvent::Probed { id, probe, success, output } => {
                worker.probed(context, (&id, probe), (success, &output));
            }
        }
        self.sync(&uid);
    }

    /// A container that ran before may end before its pod is heard of.
    fn reported_early(&mut self, uid: &str, event: RuntimeEvent) {
        if let RuntimeEvent::ContainerExited { id, exit } = event
            && let Some(found) = self.found.get_mut(uid)
        {
            mark_exited(&mut found.containers, &id, exit);
        }
    }

    fn answered(&mut self, purpose: Purpose, outcome: Outcome) {
        let now = self.context.now;
        match purpose {
            Purpose::Event => {}
            Purpose::Node(purpose) => {
                let next = self.node.answered(&self.context.config, (purpose, &outcome), now);
                if let Some((purpose, request)) = next {
                    self.context.ask(Purpose::Node(purpose), request);
                }
            }
            Purpose::Mirror(key) => self.static_pods.answered(&key, now),
            Purpose::PodStatus(uid) => {
                if let Some(worker) = self.workers.get_mut(&uid) {
                    worker.status_written(&outcome, now);
                }
                self.sync(&uid);
            }
            Purpose::PodDeletion(uid) => {
                if let Some(worker) = self.workers.get_mut(&uid) {
                    worker.deletion_answered(&outcome, now);
                }
                self.sync(&uid);
            }
            Purpose::Reference { pod_uid, container, reference } => {
                if let Some(worker) = self.workers.get_mut(&pod_uid) {
                    worker.reference_read(&mut self.context, &container, (reference, outcome));
                }
                self.sync(&pod_uid);
            }
            Purpose::Volume { pod_uid, volume, reference } => {
                if let Some(worker) = self.workers.get_mut(&pod_uid) {
                    worker.volume_read(&mut self.context, &volume, (reference, outcome));
                }
                self.sync(&pod_uid);
            }
        }
    }

    /// An object that is followed has changed, or is known for the first time.
    fn heard(&mut self, object: &Followed, version: Version) {
        for uid in self.context.following.heard(object, version.clone()) {
            if let Some(worker) = self.workers.get_mut(&uid) {
                worker.shown.heard(object, &version);
            }
            self.sync(&uid);
        }
    }

    /// Does what has become due, whatever was heard.
    fn tick(&mut self) {
        let now = self.context.now;
        for (purpose, request) in self.node.due(&self.context.config, now) {
            self.context.ask(Purpose::Node(purpose), request);
        }
        let due = self
            .workers
            .iter()
            .filter(|(_, worker)| worker.next_deadline().is_some_and(|deadline| deadline <= now));
        let due: Vec<String> = due.map(|(uid, _)| uid.clone()).collect();
        for uid in due {
            self.sync(&uid);
        }
    }

    pub(crate) fn sync(&mut self, uid: &str) {
        let Some(worker) = self.workers.get_mut(uid) else { return };
        worker.sync(&mut self.context);
        self.context.shows(uid, worker.follows());
        if worker.is_done() {
            self.workers.remove(uid);
            self.context.restarts.forget(&format!("{uid}/"));
            self.context.pulls.forget(&format!("{uid}_"));
            self.context.mounts.forget(&format!("{uid}/"));
            self.context.run(RuntimeCommand::RemovePod { pod_uid: uid.to_owned() });
        }
    }
}

fn pod_of(object: &AnyObject) -> Option<Arc<Pod>> {
    if let AnyObject::Pod(pod) = object { Some(Arc::clone(pod)) } else { None }
}

fn uid(pod: &Pod) -> String {
    pod.metadata.uid.clone().unwrap_or_default()
}

fn pod_uid(event: &RuntimeEvent) -> &str {
    match event {
        RuntimeEvent::SandboxReady { pod_uid, .. }
        | RuntimeEvent::SandboxFailed { pod_uid, .. }
        | RuntimeEvent::VolumeFailed { pod_uid, .. }
        | RuntimeEvent::Resized { pod_uid, .. }
        | RuntimeEvent::SandboxRemoved { pod_uid } => pod_uid,
        RuntimeEvent::ImageStatus { id, .. }
        | RuntimeEvent::ImagePulled { id, .. }
        | RuntimeEvent::ImagePullFailed { id, .. }
        | RuntimeEvent::ContainerStarted { id, .. }
        | RuntimeEvent::ContainerFailed { id, .. }
        | RuntimeEvent::ContainerExited { id, .. }
        | RuntimeEvent::HookEnded { id, .. }
        | RuntimeEvent::Probed { id, .. } => pod_of_container(id),
    }
}

fn pod_of_container(id: &ContainerId) -> &str {
    &id.pod_uid
}
