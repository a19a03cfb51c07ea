//! What a container may look like.
//!
//! Source: `validateContainers`, `validateInitContainers` and `validateContainerCommon` (v1.36).

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{get, int, items, or_null};
use super::pod_spec::{Draft, claims, container_security, restart};
use super::rules::{named, one_of, port};
use super::volume::mount;
use super::{env, handler, huge_pages, resources};

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const PULL_POLICIES: [&str; 3] = ["Always", "IfNotPresent", "Never"];
const MESSAGE_POLICIES: [&str; 2] = ["File", "FallbackToLogsOnError"];

/// The pod that a container is in.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The spec of the pod.
    pub(super) draft: Draft<'a>,
    /// The names of its volumes that break nothing.
    pub(super) volumes: &'a BTreeSet<String>,
}

/// What the containers of a pod break.
pub(super) fn validate(path: &str, pod: Surroundings) -> Vec<Cause> {
    let containers = items(pod.draft.spec, &["containers"]);
    if containers.is_empty() {
        return vec![Cause::required(path, "")];
    }
    let mut causes = vec![];
    let mut seen = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        let path = format!("{path}[{index}]");
        causes.extend(common_causes(&path, container, pod));
        causes.extend(name_taken(&path, container, &mut seen));
        causes.extend(handler::lifecycle_causes(&path, container, pod.draft.spec));
        causes.extend(handler::probe_causes(&path, container));
        causes.extend(restart::policy_causes(&path, container));
    }
    causes.extend(host_port_causes(path, containers));
    causes
}

/// What the init containers of a pod break. One with `restartPolicy: Always` is a sidecar.
pub(super) fn validate_init(path: &str, pod: Surroundings) -> Vec<Cause> {
    let others = items(pod.draft.spec, &["containers"]).iter();
    let mut causes = vec![];
    let mut seen: BTreeSet<&str> = others.map(|other| text(other, &["name"])).collect();
    for (index, container) in items(pod.draft.spec, &["initContainers"]).iter().enumerate() {
        let path = format!("{path}[{index}]");
        causes.extend(common_causes(&path, container, pod));
        causes.extend(restart::init_policy_causes(&path, container));
        causes.extend(name_taken(&path, container, &mut seen));
        if text(container, &["restartPolicy"]) == "Always" {
            causes.extend(handler::lifecycle_causes(&path, container, pod.draft.spec));
            causes.extend(handler::probe_causes(&path, container));
        } else {
            causes.extend(sidecar_fields(&path, container));
        }
        causes.extend(restart::init_resize_causes(&path, container, pod.draft.old));
    }
    causes
}

fn name_taken<'a>(path: &str, container: &'a Value, seen: &mut BTreeSet<&'a str>) -> Option<Cause> {
    let name = text(container, &["name"]);
    let taken = !seen.insert(name) && !name.is_empty();
    taken.then(|| Cause::duplicate(format!("{path}.name"), &json!(name)))
}

fn sidecar_fields(path: &str, container: &Value) -> Vec<Cause> {
    let rule = "may not be set for init containers without restartPolicy=Always";
    let fields = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"];
    let given = fields.into_iter().filter(|field| get(container, &[*field]).is_some());
    given.map(|field| Cause::forbidden(format!("{path}.{field}"), rule)).collect()
}

/// What a container of any sort breaks.
pub(super) fn common_causes(path: &str, container: &Value, pod: Surroundings) -> Vec<Cause> {
    let mut causes = vec![];
    let field = |name: &str| format!("{path}.{name}");
    match text(container, &["name"]) {
        "" => causes.push(Cause::required(field("name"), "")),
        name => causes.extend(named(&field("name"), name, names::dns_label)),
    }
    if text(container, &["image"]).is_empty() {
        causes.push(Cause::required(field("image"), ""));
    }
    causes.extend(one_of(
        field("terminationMessagePolicy"),
        get(container, &["terminationMessagePolicy"]),
        &MESSAGE_POLICIES,
        true,
    ));
    causes.extend(port_causes(&field("ports"), items(container, &["ports"])));
    causes.extend(env::causes(&field("env"), items(container, &["env"])));
    causes.extend(env::from_causes(&field("envFrom"), items(container, &["envFrom"])));
    causes.extend(mount::causes(&field("volumeMounts"), container, pod));
    causes.extend(mount::device_causes(&field("volumeDevices"), container, pod));
    let pull_policy = get(container, &["imagePullPolicy"]);
    causes.extend(one_of(field("imagePullPolicy"), pull_policy, &PULL_POLICIES, true));
    causes.extend(resource_causes(path, container, pod.draft));
    let context = field("securityContext");
    causes.extend(container_security::causes(&context, container, pod.draft.spec));
    causes
}

/// What the resources of a container break. Parts of huge pages may stay where the old pod has some.
fn resource_causes(path: &str, container: &Value, draft: Draft) -> Vec<Cause> {
    let field = format!("{path}.resources");
    let own = or_null(container, &["resources"]);
    let mut causes = resources::validate(&field, own);
    if !huge_pages::are_in_parts(draft.old) {
        causes.extend(huge_pages::size_causes(&field, own));
    }
    let used = items(own, &["claims"]);
    causes.extend(claims::used_causes(&format!("{field}.claims"), used, draft.spec));
    causes.extend(restart::resize_causes(path, container, draft.spec));
    causes
}

fn port_causes(path: &str, ports: &[Value]) -> Vec<Cause> {
    let mut causes = vec![];
    let mut seen = BTreeSet::new();
    for (index, item) in ports.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let name = text(item, &["name"]);
        let broken = if name.is_empty() { vec![] } else { port_name_causes(&path, name) };
        if broken.is_empty() && !name.is_empty() && !seen.insert(name) {
            causes.push(Cause::duplicate(format!("{path}.name"), &json!(name)));
        }
        causes.extend(broken);
        match int(item, &["containerPort"]).unwrap_or_default() {
            0 => causes.push(Cause::required(format!("{path}.containerPort"), "")),
            number => causes.extend(port(format!("{path}.containerPort"), number)),
        }
        match int(item, &["hostPort"]).unwrap_or_default() {
            0 => {}
            number => causes.extend(port(format!("{path}.hostPort"), number)),
        }
        let protocol = get(item, &["protocol"]);
        causes.extend(one_of(format!("{path}.protocol"), protocol, &PROTOCOLS, true));
    }
    causes
}

fn port_name_causes(path: &str, name: &str) -> Vec<Cause> {
    named(&format!("{path}.name"), name, names::port_name)
}

/// Two containers cannot have the same port of the host.
fn host_port_causes(path: &str, containers: &[Value]) -> Vec<Cause> {
    let mut causes = vec![];
    let mut seen = BTreeSet::new();
    for (container_index, container) in containers.iter().enumerate() {
        for (index, item) in items(container, &["ports"]).iter().enumerate() {
            let Some(number) = int(item, &["hostPort"]).filter(|port| *port != 0) else {
                continue;
            };
            let (protocol, ip) = (text(item, &["protocol"]), text(item, &["hostIP"]));
            let key = format!("{protocol}/{ip}/{number}");
            if !seen.insert(key.clone()) {
                let field = format!("{path}[{container_index}].ports[{index}].hostPort");
                causes.push(Cause::duplicate(field, &json!(key)));
            }
        }
    }
    causes
}

#[cfg(test)]
mod tests;
