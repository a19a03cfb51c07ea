//! Lifecycle hooks: what is done in a container after it has started and before it is stopped.
//!
//! Source: `pkg/kubelet/lifecycle/handlers.go` (v1.36).

use client::event::Note;
use k8s_openapi::api::core::v1::{Container, LifecycleHandler};

use crate::context::Context;
use crate::runtime::{ContainerId, ProbeAction, RuntimeCommand};
use crate::start::{SHOWN, Starting};
use crate::worker::Worker;
use crate::{probes, spec};

/// Which of a container's hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// After it has started; until it has ended, the container does not count as running.
    PostStart,
    /// Before it is told to stop.
    PreStop,
}

/// What a hook does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookAction {
    /// Runs a command in the container, or sends a GET: an answer with any code is a success.
    Do(ProbeAction),
    /// Waits.
    Sleep {
        /// For so long.
        seconds: i64,
    },
}

/// Why a hook has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookFailure {
    /// What went wrong.
    pub error: String,
    /// What the command had printed.
    pub output: String,
}

fn handler(container: &Container, hook: Hook) -> Option<&LifecycleHandler> {
    let lifecycle = container.lifecycle.as_ref()?;
    match hook {
        Hook::PostStart => lifecycle.post_start.as_ref(),
        Hook::PreStop => lifecycle.pre_stop.as_ref(),
    }
}

/// Whether a container has such a hook.
fn has(container: &Container, hook: Hook) -> bool {
    handler(container, hook).is_some()
}

/// What the hook of a container does; a handler that says nothing does nothing.
fn action(container: &Container, hook: Hook, address: &str) -> Option<HookAction> {
    let handler = handler(container, hook)?;
    if let Some(exec) = &handler.exec {
        let command = exec.command.clone().unwrap_or_default();
        return Some(HookAction::Do(ProbeAction::Exec { command }));
    }
    if let Some(get) = &handler.http_get {
        let port = probes::port(&get.port, container)?;
        return Some(HookAction::Do(probes::http_get(get, port, address)));
    }
    let seconds = handler.sleep.as_ref()?.seconds;
    Some(HookAction::Sleep { seconds })
}

/// The sentence about a hook that has failed; `pod` as upstream writes a pod in sentences.
fn sentence(container: &Container, hook: Hook, (pod, failure): (&str, &HookFailure)) -> String {
    let HookFailure { error, output } = failure;
    let handler = handler(container, hook);
    let exec = handler.and_then(|handler| handler.exec.as_ref());
    let get = handler.and_then(|handler| handler.http_get.as_ref());
    let whose =
        format!("for Container \"{}\" in Pod \"{pod}\" failed - error: {error}", container.name);
    match (exec, get) {
        (Some(exec), _) => {
            let words = exec.command.as_deref().unwrap_or_default().join(" ");
            format!("Exec lifecycle hook ([{words}]) {whose}, message: \"{output}\"")
        }
        (None, Some(get)) => {
            format!("HTTP lifecycle hook ({}) {whose}", get.path.as_deref().unwrap_or_default())
        }
        (None, None) => format!("Cannot run handler: {error}"),
    }
}

impl Worker {
    /// Runs the hook of a container, if it has one; whether it runs now.
    pub(crate) fn run_hook(&self, context: &mut Context, id: &ContainerId, hook: Hook) -> bool {
        let container = spec::find(&self.pod, &id.name);
        let address = self.pod_ip(context);
        let action = container.and_then(|container| action(container, hook, &address));
        let Some(action) = action else { return false };
        context.run(RuntimeCommand::RunHook { id: id.clone(), hook, action });
        true
    }

    /// The containers whose hook runs: they do not count as running yet.
    pub(crate) fn hooked(&self) -> Vec<ContainerId> {
        let hooked = |starting: &Starting| match starting {
            Starting::PostStart { id, .. } => Some(id.clone()),
            Starting::Inspecting
            | Starting::Pulling
            | Starting::Reading { .. }
            | Starting::Creating { .. } => None,
        };
        self.starting.values().filter_map(hooked).collect()
    }

    pub(crate) fn has_post_start(&self, name: &str) -> bool {
        let container = spec::find(&self.pod, name);
        container.is_some_and(|container| has(container, Hook::PostStart))
    }

    /// A container whose hook has failed is stopped.
    pub(crate) fn post_start_ended(
        &mut self,
        context: &mut Context,
        id: &ContainerId,
        failure: Option<HookFailure>,
    ) {
        let Some(Starting::PostStart { started_at, .. }) = self.starting.get(&id.name) else {
            return;
        };
        let started_at = *started_at;
        self.starting.remove(&id.name);
        let Some(container) = spec::find(&self.pod, &id.name).cloned() else { return };
        let Some(failure) = failure else {
            if self.state.is_running(&id.name) {
                self.probes.begin(id, &container, started_at, None);
            }
            return;
        };
        let note = Note::warning("FailedPostStartHook", "PostStartHook failed");
        context.event(&self.pod, &id.name, note);
        if self.state.is_running(&id.name) {
            let grace_period_seconds = spec::grace_period_seconds(&self.pod);
            self.stop(context, id, ("FailedPostStartHook", grace_period_seconds));
        }
        let pod = self.pod_text();
        let why = sentence(&container, Hook::PostStart, (&pod, &failure));
        self.wait(&id.name, "PostStartHookError", why, context.now + SHOWN);
    }
}
