//! How a container is started: back-off, image, references, and the order to the runtime.
//!
//! Source: `startContainer` of `pkg/kubelet/kuberuntime/kuberuntime_container.go` and
//! `pkg/kubelet/images/image_manager.go` (v1.36).

use std::collections::BTreeSet;
use std::time::Duration;

use api::Timestamp;
use client::event::Note;
use k8s_openapi::api::core::v1::{Container, ResourceRequirements};

use crate::context::Context;
use crate::hooks::Hook;
use crate::references::{Found, Reference};
use crate::runtime::{
    ContainerId, ContainerSpec, ContainerState, ContainerStatus, HostNamespaces, Processes,
    RuntimeCommand, Security, TerminationMessage,
};
use crate::state::{self, Sandbox};
use crate::status::Waiting;
use crate::worker::Worker;
use crate::{environment, hosts, spec, volumes};

/// How soon an attempt that failed for an outer reason is repeated; upstream's `backOffPeriod`.
const RETRY: Duration = Duration::from_secs(10);
/// How long a failure is shown before its back-off is.
pub(crate) const SHOWN: Duration = Duration::from_secs(1);

/// How far the start of a container has come.
#[derive(Clone, Debug)]
pub(crate) enum Starting {
    /// Asked whether the image is there.
    Inspecting,
    /// Pulls the image.
    Pulling,
    /// Reads ConfigMaps, Secrets and tokens.
    Reading { image_id: String, outstanding: BTreeSet<Reference>, found: Found },
    /// Ordered.
    Creating { image_id: String, resources: ResourceRequirements },
    /// It runs, and so does its hook.
    PostStart { id: ContainerId, started_at: Timestamp },
}

impl Worker {
    /// Begins to start a container unless it is being started or has to wait.
    pub(crate) fn start(&mut self, context: &mut Context, name: &str) {
        let waits = self.waiting.get(name).is_some_and(|waiting| context.now < waiting.until);
        if waits || self.starting.contains_key(name) || self.backs_off(context, name) {
            return;
        }
        let Some(container) = spec::find_any(&self.pod, name) else { return };
        let image = container.image.clone().unwrap_or_default();
        if container.image_pull_policy.as_deref() == Some("Always") {
            return self.pull(context, name, &image);
        }
        self.starting.insert(name.to_owned(), Starting::Inspecting);
        context.run(RuntimeCommand::ImageStatus { id: self.next_id(name), image });
    }

    /// Whether the container ended too recently; counts the restart when not.
    fn backs_off(&mut self, context: &mut Context, name: &str) -> bool {
        let Some(finished_at) = self.state.last_exit(name).map(|exit| exit.finished_at) else {
            return false;
        };
        let key = format!("{}/{name}", self.uid);
        let Some(delay) = context.restarts.waiting(&key, finished_at, context.now) else {
            context.restarts.next(&key, finished_at, context.now);
            return false;
        };
        let pod = self.pod_text();
        let message =
            format!("back-off {} restarting failed container={name} pod={pod}", go_duration(delay));
        let event = format!("Back-off restarting failed container {name} in pod {pod}");
        context.event(&self.pod, name, Note::warning("BackOff", event));
        self.wait(name, "CrashLoopBackOff", message, finished_at + delay);
        true
    }

    fn pull(&mut self, context: &mut Context, name: &str, image: &str) {
        let key = format!("{}_{image}", self.uid);
        if let Some((_, until)) = context.pulls.waiting_since_update(&key, context.now) {
            let mut message = format!("Back-off pulling image \"{image}\"");
            context.event(&self.pod, name, Note::normal("BackOff", message.clone()));
            context.event(&self.pod, name, Note::warning("Failed", "Error: ImagePullBackOff"));
            if let Some(why) = self.pull_failures.get(image) {
                message = format!("{message}: ErrImagePull: {why}");
            }
            return self.wait(name, "ImagePullBackOff", message, until);
        }
        let note = Note::normal("Pulling", format!("Pulling image \"{image}\""));
        context.event(&self.pod, name, note);
        self.starting.insert(name.to_owned(), Starting::Pulling);
        context.run(RuntimeCommand::PullImage { id: self.next_id(name), image: image.to_owned() });
    }

    pub(crate) fn image_status(
        &mut self,
        context: &mut Context,
        name: &str,
        image_id: Option<String>,
    ) {
        if !matches!(self.starting.get(name), Some(Starting::Inspecting)) {
            return;
        }
        self.starting.remove(name);
        let Some(container) = spec::find_any(&self.pod, name) else { return };
        let image = container.image.clone().unwrap_or_default();
        if let Some(image_id) = image_id {
            let message = format!(
                "Container image \"{image}\" already present on machine and can be accessed by the pod"
            );
            context.event(&self.pod, name, Note::normal("Pulled", message));
            return self.read(context, &container, image_id);
        }
        if container.image_pull_policy.as_deref() != Some("Never") {
            return self.pull(context, name, &image);
        }
        let message =
            format!("Container image \"{image}\" is not present with pull policy of Never");
        context.event(&self.pod, name, Note::warning("ErrImageNeverPull", message.clone()));
        context.event(&self.pod, name, Note::warning("Failed", "Error: ErrImageNeverPull"));
        self.wait(name, "ErrImageNeverPull", message, context.now + RETRY);
    }

    pub(crate) fn image_pulled(
        &mut self,
        context: &mut Context,
        id: &ContainerId,
        (image_id, size_bytes, milliseconds): (String, u64, u64),
    ) {
        if !matches!(self.starting.get(&id.name), Some(Starting::Pulling)) {
            return;
        }
        self.starting.remove(&id.name);
        let Some(container) = spec::find_any(&self.pod, &id.name) else { return };
        let image = container.image.clone().unwrap_or_default();
        let took = go_duration(Duration::from_millis(milliseconds));
        let message = format!(
            "Successfully pulled image \"{image}\" in {took} ({took} including waiting). Image size: {size_bytes} bytes."
        );
        context.event(&self.pod, &id.name, Note::normal("Pulled", message));
        self.pull_failures.remove(&image);
        self.read(context, &container, image_id);
    }

    pub(crate) fn image_pull_failed(&mut self, context: &mut Context, name: &str, why: &str) {
        if !matches!(self.starting.get(name), Some(Starting::Pulling | Starting::Inspecting)) {
            return;
        }
        self.starting.remove(name);
        let Some(container) = spec::find_any(&self.pod, name) else { return };
        let image = container.image.clone().unwrap_or_default();
        let message = format!("Failed to pull image \"{image}\": {why}");
        context.event(&self.pod, name, Note::warning("Failed", message));
        context.event(&self.pod, name, Note::warning("Failed", "Error: ErrImagePull"));
        context.pulls.next(&format!("{}_{image}", self.uid), context.now, context.now);
        self.pull_failures.insert(image, why.to_owned());
        self.wait(name, "ErrImagePull", why.to_owned(), context.now + SHOWN);
    }

    pub(crate) fn create(
        &mut self,
        context: &mut Context,
        container: &Container,
        (image_id, found): (String, &Found),
    ) {
        let name = &container.name;
        let pod_ip = self.pod_ip(context);
        let place = context.place(&pod_ip);
        let links = spec::spec(&self.pod).enable_service_links != Some(false);
        let services = context.services.variables(&self.key.namespace, links);
        let told = (container, &services);
        let env = match environment::environment(&self.pod, told, found, place) {
            Ok(env) => env,
            Err(why) => return self.config_failed(context, name, why),
        };
        let variables = env.iter().cloned().collect();
        let mut container = container.clone();
        if let Err(why) = environment::expand_sub_paths(&mut container, &variables) {
            return self.config_failed(context, &container.name, why);
        }
        let container = &container;
        let processes = match self.processes(name) {
            Ok(processes) => processes,
            Err(why) => return self.config_failed(context, name, why),
        };
        let mounts = match volumes::mounts(&self.pod, container, found, place) {
            Ok(mounts) => mounts,
            Err(why) => return self.mount_failed(context, name, why),
        };
        let expanded = |words: &Option<Vec<String>>| {
            let words = words.iter().flatten();
            words.map(|word| environment::expand(word, &variables)).collect()
        };
        let pod_spec = spec::spec(&self.pod);
        let order = ContainerSpec {
            id: self.next_id(name),
            pod: self.key.clone(),
            image: container.image.clone().unwrap_or_default(),
            image_id: image_id.clone(),
            command: expanded(&container.command),
            args: expanded(&container.args),
            working_dir: container.working_dir.clone().unwrap_or_default(),
            mounts,
            resources: spec::resources(&self.pod, container, context.config.capacity.memory_bytes),
            security: self.security(container),
            host: HostNamespaces {
                network: pod_spec.host_network == Some(true),
                ipc: pod_spec.host_ipc == Some(true),
            },
            processes,
            termination_message: TerminationMessage {
                path: container.termination_message_path.clone().unwrap_or_default(),
                from_log: container.termination_message_policy.as_deref()
                    == Some("FallbackToLogsOnError"),
            },
            tty: container.tty == Some(true),
            stdin: container.stdin == Some(true),
            hosts: hosts::hosts(&self.pod, &pod_ip),
            env,
        };
        self.show(context, container, found);
        let resources = container.resources.clone().unwrap_or_default();
        self.starting.insert(name.clone(), Starting::Creating { image_id, resources });
        context.run(RuntimeCommand::StartContainer(Box::new(order)));
    }

    fn config_failed(&mut self, context: &mut Context, name: &str, why: String) {
        context.event(&self.pod, name, Note::warning("Failed", format!("Error: {why}")));
        self.wait(name, "CreateContainerConfigError", why, context.now + RETRY);
    }

    /// Source: `getTargetID` of kuberuntime_container.go.
    fn processes(&self, name: &str) -> Result<Processes, String> {
        if let Some(target) = spec::target(&self.pod, name) {
            let found = self.state.find(target).map(|found| Processes::Target(found.id.clone()));
            return found.ok_or_else(|| format!("unable to find target container {target}"));
        }
        let spec = spec::spec(&self.pod);
        Ok(match (spec.host_pid, spec.share_process_namespace) {
            (Some(true), _) => Processes::Node,
            (_, Some(true)) => Processes::Pod,
            _ => Processes::Container,
        })
    }

    /// Where the pod can be reached.
    pub(crate) fn pod_ip(&self, context: &Context) -> String {
        match (&self.state.sandbox, spec::is_host_network(&self.pod)) {
            (Sandbox::Ready(ip), false) => ip.clone(),
            _ => context.config.node_ip.clone(),
        }
    }

    fn security(&self, container: &Container) -> Security {
        let own = container.security_context.clone().unwrap_or_default();
        let pods = spec::spec(&self.pod).security_context.clone().unwrap_or_default();
        let capabilities = own.capabilities.unwrap_or_default();
        let seccomp = own.seccomp_profile.or(pods.seccomp_profile).map(|profile| profile.type_);
        let groups = pods.supplemental_groups.into_iter().flatten().chain(pods.fs_group);
        Security {
            run_as_user: own.run_as_user.or(pods.run_as_user),
            run_as_group: own.run_as_group.or(pods.run_as_group),
            run_as_non_root: own.run_as_non_root.or(pods.run_as_non_root) == Some(true),
            supplemental_groups: groups.collect(),
            privileged: own.privileged == Some(true),
            read_only_root_filesystem: own.read_only_root_filesystem == Some(true),
            allow_privilege_escalation: own.allow_privilege_escalation != Some(false),
            add_capabilities: capabilities.add.unwrap_or_default(),
            drop_capabilities: capabilities.drop.unwrap_or_default(),
            seccomp_unconfined: seccomp.as_deref() == Some("Unconfined"),
        }
    }

    pub(crate) fn container_started(
        &mut self,
        context: &mut Context,
        id: &ContainerId,
        started_at: Timestamp,
    ) {
        let Some(Starting::Creating { image_id, resources }) = self.starting.remove(&id.name)
        else {
            return;
        };
        let Some(container) = spec::find_any(&self.pod, &id.name) else { return };
        self.waiting.remove(&id.name);
        self.started_with(id, resources);
        self.state.started(ContainerStatus {
            id: id.clone(),
            image: container.image.clone().unwrap_or_default(),
            image_id,
            state: ContainerState::Running { started_at },
        });
        context.event(&self.pod, &id.name, Note::normal("Created", "Container created"));
        context.event(&self.pod, &id.name, Note::normal("Started", "Container started"));
        if self.run_hook(context, id, Hook::PostStart) {
            let hooked = Starting::PostStart { id: id.clone(), started_at };
            self.starting.insert(id.name.clone(), hooked);
        } else {
            self.probes.begin(id, &container, started_at, None);
        }
        for old in self.state.forget_old(&id.name) {
            context.run(RuntimeCommand::RemoveContainer(old));
        }
    }

    pub(crate) fn container_failed(&mut self, context: &mut Context, id: &ContainerId, why: &str) {
        let Some(Starting::Creating { image_id, .. }) = self.starting.remove(&id.name) else {
            return;
        };
        context.event(&self.pod, &id.name, Note::warning("Failed", format!("Error: {why}")));
        let image = spec::find_any(&self.pod, &id.name).and_then(|container| container.image);
        let image = (image.unwrap_or_default(), image_id);
        self.state.started(state::start_error(id.clone(), image, why, context.now));
        for old in self.state.forget_old(&id.name) {
            context.run(RuntimeCommand::RemoveContainer(old));
        }
        self.wait(&id.name, "RunContainerError", why.to_owned(), context.now + SHOWN);
    }

    pub(crate) fn wait(
        &mut self,
        name: &str,
        reason: &'static str,
        message: String,
        until: Timestamp,
    ) {
        self.waiting.insert(name.to_owned(), Waiting { reason, message, until });
    }

    /// The instance that a start makes: one more than the last that is known.
    fn next_id(&self, name: &str) -> ContainerId {
        let known = self.state.find(name).map(|found| found.id.attempt + 1);
        let attempt = known.unwrap_or_else(|| self.restart_count(name));
        ContainerId { pod_uid: self.uid.clone(), name: name.to_owned(), attempt }
    }

    /// What the status says of a container that the runtime has forgotten.
    fn restart_count(&self, name: &str) -> u32 {
        let count = self.old_status(name).map_or(0, |status| status.restart_count);
        u32::try_from(count).unwrap_or(0)
    }
}

/// As Go prints a duration: `10s`, `2m40s`, `1.5s`, `250ms`.
fn go_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let text = match (seconds, duration.subsec_millis()) {
        (0, milliseconds) => return format!("{milliseconds}ms"),
        (_, 0) => format!("{}s", seconds % 60),
        (_, milliseconds) => {
            let fraction = format!("{milliseconds:03}");
            format!("{}.{}s", seconds % 60, fraction.trim_end_matches('0'))
        }
    };
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => text,
        (0, minutes) => format!("{minutes}m{text}"),
        (hours, minutes) => format!("{hours}h{minutes}m{text}"),
    }
}
