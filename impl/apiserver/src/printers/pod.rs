//! The row of a pod: above all the one word that says how it is.
//!
//! Source: `printPod` of `pkg/printers/internalversion/printers.go` (v1.36).

use api::Timestamp;
use api::object::{at, text};
use serde_json::{Value, json};

use super::{age, duration, items, or_none};

/// Ready, status, restarts, age, IP, node, nominated node and readiness gates.
pub(super) fn cells(pod: &Value, now: Timestamp) -> Vec<Value> {
    let summary = Summary::of(pod);
    vec![
        json!(text(pod, &["metadata", "name"])),
        json!(format!("{}/{}", summary.ready, summary.total)),
        json!(summary.reason),
        json!(summary.restarts.to_text(now)),
        json!(age(pod, now)),
        json!(or_none(pod_ip(pod))),
        json!(or_none(text(pod, &["spec", "nodeName"]))),
        json!(or_none(text(pod, &["status", "nominatedNodeName"]))),
        json!(readiness_gates(pod)),
    ]
}

/// How often containers were restarted, and when last.
#[derive(Clone, Copy, Default)]
struct Restarts<'a> {
    count: i64,
    /// RFC 3339 in UTC and in whole seconds, so that later ones are greater.
    last: &'a str,
}

impl<'a> Restarts<'a> {
    fn add(&mut self, status: &'a Value) {
        self.count += at(status, &["restartCount"]).and_then(Value::as_i64).unwrap_or_default();
        self.last = self.last.max(text(status, &["lastState", "terminated", "finishedAt"]));
    }

    fn to_text(self, now: Timestamp) -> String {
        match (self.count, self.last) {
            (0, _) | (_, "") => self.count.to_string(),
            (count, last) => format!("{count} ({} ago)", duration::since(last, now)),
        }
    }
}

/// What the statuses of all containers amount to.
struct Summary<'a> {
    ready: usize,
    total: usize,
    reason: String,
    restarts: Restarts<'a>,
}

impl<'a> Summary<'a> {
    fn of(pod: &'a Value) -> Self {
        let sidecars = items(pod, &["spec", "initContainers"])
            .iter()
            .filter(|container| is_sidecar(container));
        let mut summary = Self {
            ready: 0,
            total: items(pod, &["spec", "containers"]).len() + sidecars.count(),
            reason: first_reason(pod),
            restarts: Restarts::default(),
        };
        let sidecar_restarts = summary.add_init_containers(pod);
        if let Some(restarts) = sidecar_restarts {
            summary.restarts = restarts;
            summary.add_containers(pod);
        }
        summary.add_deletion(pod);
        summary
    }

    /// Gives the restarts of sidecars when the containers proper have their turn.
    fn add_init_containers(&mut self, pod: &'a Value) -> Option<Restarts<'a>> {
        let mut sidecar_restarts = Restarts::default();
        let total = items(pod, &["spec", "initContainers"]).len();
        let statuses = items(pod, &["status", "initContainerStatuses"]);
        for (index, status) in statuses.iter().enumerate() {
            let sidecar = is_sidecar(spec_of(pod, status));
            self.restarts.add(status);
            if sidecar {
                sidecar_restarts.add(status);
            }
            if is_done(status) {
                continue;
            }
            if sidecar && is_true(status, "started") {
                self.ready += usize::from(is_true(status, "ready"));
                continue;
            }
            self.reason = init_reason(status, index, total);
            let initialized = condition(pod, "Initialized") == Some("True");
            return initialized.then_some(sidecar_restarts);
        }
        Some(sidecar_restarts)
    }

    fn add_containers(&mut self, pod: &'a Value) {
        let mut running = false;
        let mut failure = None;
        for status in items(pod, &["status", "containerStatuses"]).iter().rev() {
            self.restarts.add(status);
            let waiting = text(status, &["state", "waiting", "reason"]);
            if !waiting.is_empty() {
                self.reason = waiting.to_owned();
            } else if let Some(ended) = state(status, "terminated") {
                self.reason = end_reason(ended);
                if exit_code(ended) != 0 {
                    failure = Some(self.reason.clone());
                }
            } else if is_true(status, "ready") && state(status, "running").is_some() {
                running = true;
                self.ready += 1;
            }
        }
        if self.reason == "Completed" {
            self.reason = completed(running, condition(pod, "Ready") == Some("True"), failure);
        }
    }

    fn add_deletion(&mut self, pod: &Value) {
        if text(pod, &["metadata", "deletionTimestamp"]).is_empty() {
            return;
        }
        let phase = text(pod, &["status", "phase"]);
        if text(pod, &["status", "reason"]) == "NodeLost" {
            self.reason = "Unknown".to_owned();
        } else if !matches!(phase, "Failed" | "Succeeded") {
            self.reason = "Terminating".to_owned();
        }
    }
}

/// One container has completed; what do the others say?
fn completed(running: bool, ready: bool, failure: Option<String>) -> String {
    match (running, failure) {
        (true, _) if ready => "Running".to_owned(),
        (_, Some(failure)) => failure,
        (true, None) => "NotReady".to_owned(),
        (false, None) => "Completed".to_owned(),
    }
}

fn first_reason(pod: &Value) -> String {
    let gated = items(pod, &["status", "conditions"]).iter().any(|condition| {
        text(condition, &["type"]) == "PodScheduled"
            && text(condition, &["reason"]) == "SchedulingGated"
    });
    let reason = match text(pod, &["status", "reason"]) {
        _ if gated => "SchedulingGated",
        "" => text(pod, &["status", "phase"]),
        reason => reason,
    };
    reason.to_owned()
}

fn init_reason(status: &Value, index: usize, total: usize) -> String {
    let waiting = text(status, &["state", "waiting", "reason"]);
    if let Some(ended) = state(status, "terminated") {
        return format!("Init:{}", end_reason(ended));
    }
    match waiting {
        "" | "PodInitializing" => format!("Init:{index}/{total}"),
        waiting => format!("Init:{waiting}"),
    }
}

fn end_reason(ended: &Value) -> String {
    let signal = at(ended, &["signal"]).and_then(Value::as_i64).unwrap_or_default();
    match (text(ended, &["reason"]), signal) {
        ("", 0) => format!("ExitCode:{}", exit_code(ended)),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

fn exit_code(ended: &Value) -> i64 {
    at(ended, &["exitCode"]).and_then(Value::as_i64).unwrap_or_default()
}

fn is_done(status: &Value) -> bool {
    state(status, "terminated").is_some_and(|ended| exit_code(ended) == 0)
}

fn state<'a>(status: &'a Value, name: &str) -> Option<&'a Value> {
    at(status, &["state", name]).filter(|state| !state.is_null())
}

fn is_true(status: &Value, field: &str) -> bool {
    at(status, &[field]).and_then(Value::as_bool) == Some(true)
}

fn is_sidecar(container: &Value) -> bool {
    text(container, &["restartPolicy"]) == "Always"
}

fn spec_of<'a>(pod: &'a Value, status: &Value) -> &'a Value {
    let name = text(status, &["name"]);
    let mut containers = items(pod, &["spec", "initContainers"]).iter();
    containers.find(|container| text(container, &["name"]) == name).unwrap_or(&Value::Null)
}

/// The status of the first condition of a type.
fn condition<'a>(pod: &'a Value, kind: &str) -> Option<&'a str> {
    let mut conditions = items(pod, &["status", "conditions"]).iter();
    let found = conditions.find(|condition| text(condition, &["type"]) == kind);
    found.map(|condition| text(condition, &["status"]))
}

fn pod_ip(pod: &Value) -> &str {
    let first = pod.pointer("/status/podIPs/0/ip").and_then(Value::as_str);
    first.unwrap_or_else(|| text(pod, &["status", "podIP"]))
}

fn readiness_gates(pod: &Value) -> String {
    let gates = items(pod, &["spec", "readinessGates"]);
    if gates.is_empty() {
        return or_none("");
    }
    let met =
        gates.iter().filter(|gate| condition(pod, text(gate, &["conditionType"])) == Some("True"));
    format!("{}/{}", met.count(), gates.len())
}

#[cfg(test)]
mod tests;
