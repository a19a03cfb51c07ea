//! One pod on a node, from admission to its end.
//!
//! Source: `pkg/kubelet/pod_workers.go` and `SyncPod`, `SyncTerminatingPod`, `SyncTerminatedPod` of
//! `pkg/kubelet/kubelet.go` (v1.36).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api::{Key, Request, Timestamp, resources};
use client::Outcome;
use client::event::Note;
use k8s_openapi::api::core::v1::{ContainerStatus as ApiStatus, Pod, PodStatus};
use serde_json::json;

use crate::actions::{Health, Kill, compute_pod_actions};
use crate::admission::Rejection;
use crate::command::Purpose;
use crate::context::Context;
use crate::eviction::Evicted;
use crate::hosts;
use crate::probes::Probes;
use crate::resize::Resizing;
use crate::runtime::{
    ContainerId, ContainerState, Exit, RuntimeCommand, RuntimeStatus, SandboxSpec,
};
use crate::shown::Shown;
use crate::start::Starting;
use crate::state::{PodState, Sandbox};
use crate::status::{self, EXCEEDED, Failed, Sources, Waiting, is_terminal, stored_phase};
use crate::stop::Stopping;
use crate::writes::Writes;
use crate::{spec, sysctls};

/// How soon a sandbox that failed is tried again.
const SANDBOX_RETRY: Duration = Duration::from_secs(10);
/// How soon a deletion that was refused is tried again.
const DELETION_RETRY: Duration = Duration::from_secs(1);

/// What a kubelet knows and does about one pod.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    /// With the resources that it is promised.
    pub(crate) pod: Arc<Pod>,
    /// As the API server has it.
    pub(crate) desired: Arc<Pod>,
    pub(crate) resizing: Resizing,
    /// Whether it is one that the node has of itself.
    pub(crate) is_static: bool,
    /// What the API server has of it then.
    mirror: Option<Arc<Pod>>,
    pub(crate) key: Key,
    pub(crate) uid: String,
    pub(crate) state: PodState,
    pub(crate) probes: Probes,
    /// Containers being started, by name.
    pub(crate) starting: BTreeMap<String, Starting>,
    /// Why containers are not running, by name.
    pub(crate) waiting: BTreeMap<String, Waiting>,
    /// Why images could not be pulled last.
    pub(crate) pull_failures: BTreeMap<String, String>,
    /// Tokens of its account, and the volumes whose content may change.
    pub(crate) shown: Shown,
    /// What was last generated.
    pub(crate) status: PodStatus,
    /// The object has gone from the API server.
    gone: bool,
    /// What was said of it last stays: it was not let in, or had come to its end before this kubelet began.
    is_told: bool,
    /// Its containers have ended and will not start again.
    ended: bool,
    /// Why it has come to its end although its containers have not.
    failed: Option<Failed>,
    sandbox_retry: Option<Timestamp>,
    /// Containers that are being stopped.
    pub(crate) stopping: BTreeMap<ContainerId, Stopping>,
    writes: Writes,
    deletion_in_flight: bool,
    deletion_retry: Option<Timestamp>,
    /// Everything that was due then has been done.
    synced_at: Timestamp,
}

impl Worker {
    pub(crate) fn new(pod: Arc<Pod>) -> Self {
        let status = pod.status.clone().unwrap_or_default();
        Self {
            key: Key::of(&pod.metadata),
            uid: pod.metadata.uid.clone().unwrap_or_default(),
            state: PodState::default(),
            probes: Probes::default(),
            starting: BTreeMap::new(),
            waiting: BTreeMap::new(),
            pull_failures: BTreeMap::new(),
            shown: Shown::default(),
            gone: false,
            is_told: is_terminal(status.phase.as_deref()) && !status::says_running(&status),
            failed: None,
            ended: is_terminal(status.phase.as_deref()),
            status,
            sandbox_retry: None,
            stopping: BTreeMap::new(),
            writes: Writes::default(),
            deletion_in_flight: false,
            deletion_retry: None,
            synced_at: Timestamp::UNIX_EPOCH,
            resizing: Resizing::new(&pod, None),
            is_static: false,
            mirror: None,
            desired: Arc::clone(&pod),
            pod,
        }
    }

    /// Takes over what runs already.
    pub(crate) fn adopt(&mut self, found: RuntimeStatus) {
        self.is_told &= found.containers.is_empty();
        self.resizing = Resizing::new(&self.pod, found.resources);
        self.update(Arc::clone(&self.desired));
        self.state.sandbox = found.sandbox_ip.map_or(Sandbox::None, Sandbox::Ready);
        self.state.containers = found.containers;
        for record in &self.state.containers {
            let ContainerState::Running { started_at } = record.state else { continue };
            let Some(container) = spec::find_any(&self.pod, &record.id.name) else { continue };
            let before = self.old_status(&record.id.name).cloned();
            self.probes.begin(&record.id, &container, started_at, before.as_ref());
            self.shown.adopt(&self.pod, &container);
        }
    }

    /// Works on the pod as it is now.
    pub(crate) fn becomes(&mut self, pod: Arc<Pod>) {
        let before = std::mem::replace(&mut self.pod, pod);
        self.shown.pod_changed(&before, &self.pod);
    }

    /// What was last said of a container.
    pub(crate) fn old_status(&self, name: &str) -> Option<&ApiStatus> {
        status::all_statuses(&self.status).find(|status| status.name == name)
    }

    pub(crate) fn reject(&mut self, context: &mut Context, rejection: &Rejection) {
        context.event(&self.pod, "", Note::warning(rejection.reason, rejection.message.clone()));
        self.status =
            status::rejected(&self.pod, rejection.reason, &rejection.message, context.now);
        self.is_told = true;
        self.ended = true;
    }

    /// Hears by what the API server knows it. A new mirror knows nothing yet.
    pub(crate) fn show_in(&mut self, mirror: Option<Arc<Pod>>) {
        let uid =
            |mirror: &Option<Arc<Pod>>| mirror.as_ref().and_then(|one| one.metadata.uid.clone());
        if uid(&mirror) != uid(&self.mirror) {
            self.writes = Writes::default();
        }
        self.mirror = mirror;
    }

    /// The object has gone: what is left must end.
    pub(crate) fn forsake(&mut self) {
        self.gone = true;
    }

    /// Whether it takes room on the node: until nothing of it runs any more. Then its status says so, and the scheduler
    /// gives the room away (k#106884).
    pub(crate) fn is_active(&self) -> bool {
        !(self.ended || self.is_terminating() && self.is_still())
    }

    /// Whether nothing is left to do, ever.
    pub(crate) fn is_done(&self) -> bool {
        self.gone && self.is_finished()
    }

    pub(crate) fn is_terminating(&self) -> bool {
        self.gone || self.ended || spec::is_deleted(&self.pod)
    }

    /// Whether nothing of it runs and nothing is on its way.
    fn is_finished(&self) -> bool {
        let at_rest = matches!(self.state.sandbox, Sandbox::None | Sandbox::Removed);
        at_rest && self.is_terminating() && self.is_still()
    }

    fn is_still(&self) -> bool {
        self.starting.is_empty() && self.state.running().next().is_none()
    }

    /// `name_namespace(uid)`, as upstream writes a pod in sentences.
    pub(crate) fn pod_text(&self) -> String {
        format!("{}_{}({})", self.key.name, self.key.namespace, self.uid)
    }

    /// Does what is to be done now.
    pub(crate) fn sync(&mut self, context: &mut Context) {
        self.synced_at = context.now;
        if !self.is_terminating() && self.active_deadline().is_some_and(|end| context.now >= end) {
            context.event(&self.pod, "", Note::normal(EXCEEDED.0, EXCEEDED.1));
            self.failed = Some(Failed::exceeded());
            self.ended = true;
        }
        if !self.is_terminating() {
            self.run(context);
        }
        if self.is_terminating() {
            self.terminate(context);
        }
        self.go_on_stopping(context);
        self.keep_resources(context);
        self.publish(context);
        self.delete(context);
    }

    /// Lets it end for the sake of the node.
    pub(crate) fn evict(&mut self, context: &mut Context, evicted: &Evicted) {
        let note = Note::warning("Evicted", evicted.message.clone());
        context.event(&self.pod, "", note);
        self.failed = Some(Failed::evicted(evicted));
        self.ended = true;
    }

    /// Whether it ends for the sake of the node and has not ended yet.
    pub(crate) fn is_leaving(&self) -> bool {
        self.failed.as_ref().is_some_and(Failed::is_evicted) && !self.is_still()
    }

    /// Until when it may be active. Source: `pkg/kubelet/active_deadline.go` (v1.36).
    fn active_deadline(&self) -> Option<Timestamp> {
        let seconds = spec::spec(&self.pod).active_deadline_seconds?;
        let started = self.status.start_time.as_ref()?.0;
        Some(started + Duration::from_secs(seconds.max(0).unsigned_abs()))
    }

    fn run(&mut self, context: &mut Context) {
        match self.state.sandbox.clone() {
            Sandbox::None | Sandbox::Removed => self.create_sandbox(context),
            Sandbox::Creating | Sandbox::Removing => {}
            Sandbox::Ready(address) => self.run_containers(context, &address),
        }
    }

    fn create_sandbox(&mut self, context: &mut Context) {
        if self.sandbox_retry.is_some_and(|retry| context.now < retry) {
            return;
        }
        self.state.sandbox = Sandbox::Creating;
        context.run(RuntimeCommand::CreateSandbox(SandboxSpec {
            pod_uid: self.uid.clone(),
            pod: self.key.clone(),
            hostname: hosts::hostname(&self.pod),
            host_network: spec::is_host_network(&self.pod),
            sysctls: sysctls::wanted(&self.pod),
            shares_processes: spec::spec(&self.pod).share_process_namespace == Some(true),
            resources: spec::pod_resources(&self.pod),
        }));
    }

    fn run_containers(&mut self, context: &mut Context, address: &str) {
        self.actuate(context);
        let (probes, resizing) = (&self.probes, &self.resizing);
        let health =
            |id: &ContainerId| Health { is_resized: resizing.restarts(id), ..probes.health(id) };
        let actions = compute_pod_actions(&self.pod, &self.state, health);
        for Kill { id, message, grace_period_seconds } in actions.kill {
            self.stop(context, &id, (&message, grace_period_seconds));
        }
        if actions.kill_pod && self.starting.is_empty() {
            self.ended = true;
        }
        for name in actions.start {
            // One whose hook is still to run holds up those after it.
            let mut begun = self.starting.keys().filter(|begun| **begun != name);
            if begun.any(|begun| self.has_post_start(begun)) {
                break;
            }
            self.start(context, &name);
        }
        let address =
            if address.is_empty() { context.config.node_ip.clone() } else { address.to_owned() };
        for command in self.probes.due(&self.pod, &address, context.now) {
            context.run(command);
        }
        self.refresh(context);
    }

    fn terminate(&mut self, context: &mut Context) {
        self.starting.retain(|_, starting| matches!(starting, Starting::Creating { .. }));
        self.probes.only_readiness();
        let running: Vec<ContainerId> = self.state.running().cloned().collect();
        for id in running {
            let message = format!("Stopping container {}", id.name);
            let own = spec::grace_period_seconds(&self.pod);
            let most = self.failed.as_ref().and_then(|failed| failed.grace_period_seconds);
            self.stop(context, &id, (&message, most.map_or(own, |most| most.min(own))));
        }
        if self.is_still() && matches!(self.state.sandbox, Sandbox::Ready(_)) {
            self.state.sandbox = Sandbox::Removing;
            context.run(RuntimeCommand::RemoveSandbox { pod_uid: self.uid.clone() });
        }
    }

    fn publish(&mut self, context: &mut Context) {
        if self.gone {
            return;
        }
        if !self.is_told {
            let finished = self.is_finished();
            self.status = status::pod_status(&Sources {
                pod: &self.pod,
                old: &self.status,
                state: &self.state,
                probes: &self.probes,
                waiting: &self.waiting,
                hooked: self.hooked(),
                resizing: &self.resizing,
                node_ip: &context.config.node_ip,
                terminal: self.is_terminating() && self.is_still(),
                finished,
                failed: self.failed.as_ref(),
                now: context.now,
            });
        }
        let shown = if self.is_static { self.mirror.as_ref() } else { Some(&self.pod) };
        let Some(shown) = shown else { return };
        if let Some(request) = self.writes.request(shown, &self.status, context.now) {
            context.ask(Purpose::PodStatus(self.uid.clone()), request);
        }
    }

    /// Lets the object go once the API server knows how the pod ended.
    fn delete(&mut self, context: &mut Context) {
        let known = self.writes.is_settled() && is_terminal(stored_phase(&self.pod));
        let wanted = !self.gone && spec::is_deleted(&self.pod) && self.is_finished();
        let waits = self.deletion_retry.is_some_and(|retry| context.now < retry);
        if !known || !wanted || waits || self.deletion_in_flight {
            return;
        }
        self.deletion_in_flight = true;
        let options = json!({"gracePeriodSeconds": 0});
        let request = Request::delete(&resources::PODS, self.key.clone(), &self.uid, options);
        context.ask(Purpose::PodDeletion(self.uid.clone()), request);
    }

    pub(crate) fn status_written(&mut self, outcome: &Outcome, now: Timestamp) {
        self.writes.answered(outcome, now);
    }

    /// A deletion that went through is heard of by the watch.
    pub(crate) fn deletion_answered(&mut self, outcome: &Outcome, now: Timestamp) {
        let refused =
            outcome.as_ref().err().is_some_and(|status| status.reason != api::Reason::NotFound);
        if refused {
            self.deletion_in_flight = false;
            self.deletion_retry = Some(now + DELETION_RETRY);
        }
    }

    pub(crate) fn sandbox_ready(&mut self, ip: String) {
        if self.state.sandbox == Sandbox::Creating {
            self.state.sandbox = Sandbox::Ready(ip);
        }
    }

    pub(crate) fn sandbox_failed(&mut self, context: &mut Context, why: &str) {
        self.state.sandbox = Sandbox::None;
        self.sandbox_retry = Some(context.now + SANDBOX_RETRY);
        let message = format!("Failed to create pod sandbox: {why}");
        context.event(&self.pod, "", Note::warning("FailedCreatePodSandBox", message));
    }

    pub(crate) fn sandbox_removed(&mut self) {
        self.state.sandbox = Sandbox::Removed;
    }

    pub(crate) fn container_exited(&mut self, id: &ContainerId, exit: Exit) {
        self.state.exited(id, exit);
        self.stopping.remove(id);
        self.probes.end(id);
    }

    pub(crate) fn probed(
        &mut self,
        context: &mut Context,
        (id, probe_type): (&ContainerId, crate::runtime::ProbeType),
        (success, output): (bool, &str),
    ) {
        if !self.state.running().any(|running| running == id) {
            return;
        }
        if !success {
            let message = format!("{probe_type} probe failed: {output}");
            context.event(&self.pod, &id.name, Note::warning("Unhealthy", message));
        }
        self.probes.probed(&self.pod, id, probe_type, success);
    }

    /// When something becomes due by itself.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let running = !self.is_terminating();
        let names: BTreeSet<&String> = self.starting.keys().collect();
        let waiting = self.waiting.iter().filter(|(name, _)| running && !names.contains(name));
        let waiting = waiting.map(|(_, waiting)| waiting.until);
        let sandbox = self.sandbox_retry.filter(|_| running && self.state.sandbox == Sandbox::None);
        let probes = self.probes.next_deadline().filter(|_| running);
        let deletion = self.deletion_retry.filter(|_| !self.deletion_in_flight && !self.gone);
        let writes = self.writes.next_deadline().filter(|_| !self.gone);
        let shown = self.shown.next_deadline().filter(|_| running);
        let stopping = self.stopping.values().filter_map(Stopping::next_deadline);
        let all = waiting.chain(sandbox).chain(probes).chain(deletion).chain(writes).chain(shown);
        let active = self.active_deadline().filter(|_| running);
        let resize = self.resizing.next_deadline().filter(|_| running);
        let all = all.chain(stopping).chain(active).chain(resize);
        all.filter(|deadline| *deadline > self.synced_at).min()
    }
}
