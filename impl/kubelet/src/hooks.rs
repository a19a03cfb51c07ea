//! Lifecycle hooks: what is done in a container after it has started and before it is stopped.
//!
//! Source: `pkg/kubelet/lifecycle/handlers.go` (v1.36).

use k8s_openapi::api::core::v1::{Container, LifecycleHandler};

use crate::probes;
use crate::runtime::ProbeAction;

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
pub(crate) fn has(container: &Container, hook: Hook) -> bool {
    handler(container, hook).is_some()
}

/// What the hook of a container does; a handler that says nothing does nothing.
pub(crate) fn action(container: &Container, hook: Hook, address: &str) -> Option<HookAction> {
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
pub(crate) fn sentence(
    container: &Container,
    hook: Hook,
    (pod, failure): (&str, &HookFailure),
) -> String {
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
