//! A pod's conditions.
//!
//! Source: `pkg/kubelet/status/generate.go` (v1.36).

use api::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition};

use crate::spec;

/// The conditions that a kubelet writes; it keeps those of others.
const OWN: [&str; 7] = [
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
    "PodResizePending",
    "PodResizeInProgress",
];

/// Whether a kubelet writes a condition of this type.
pub(crate) fn is_own(type_: &str) -> bool {
    OWN.contains(&type_)
}

/// What the conditions follow from.
pub(crate) struct Facts<'a> {
    pub(crate) pod: &'a Pod,
    /// Of all containers, init containers too.
    pub(crate) statuses: &'a [ContainerStatus],
    pub(crate) phase: &'a str,
    pub(crate) has_sandbox: bool,
    /// Why the node has let it go, if it has.
    pub(crate) disruption: Option<&'a str>,
    /// How far a resize is.
    pub(crate) resize: Vec<PodCondition>,
    /// What was last written.
    pub(crate) old: &'a [PodCondition],
    pub(crate) now: Timestamp,
}

/// True, or false with a reason and a message.
type Verdict = Result<(), (&'static str, String)>;

/// A rejected or never started pod has none of its own; others get all five, and those of a resize.
pub(crate) fn conditions(facts: &Facts<'_>) -> Vec<PodCondition> {
    let theirs = facts.pod.status.as_ref().and_then(|status| status.conditions.clone());
    let theirs = theirs.unwrap_or_default();
    let mut conditions: Vec<PodCondition> =
        theirs.into_iter().filter(|condition| !is_own(&condition.type_)).collect();
    if let Some(message) = facts.disruption {
        conditions.retain(|condition| condition.type_ != DISRUPTED);
        conditions.push(disrupted(facts, message));
    }
    conditions.extend(facts.resize.iter().cloned().map(|condition| since(facts, condition)));
    let containers_ready = containers_ready(facts);
    let ready = containers_ready.clone().and_then(|()| gates(facts.pod, &conditions));
    let sandbox = if facts.has_sandbox { Ok(()) } else { Err(("", String::new())) };
    let verdicts: [(&str, Verdict); 5] = [
        ("PodReadyToStartContainers", sandbox),
        ("Initialized", initialized(facts)),
        ("Ready", ready),
        ("ContainersReady", containers_ready),
        ("PodScheduled", Ok(())),
    ];
    conditions.extend(verdicts.map(|(type_, verdict)| condition(facts, type_, verdict)));
    if facts.phase == "Succeeded"
        && let Some(initialized) = conditions.iter_mut().find(|one| one.type_ == "Initialized")
        && initialized.status == "True"
    {
        initialized.reason = Some("PodCompleted".to_owned());
    }
    conditions
}

/// A condition that others write, too.
const DISRUPTED: &str = "DisruptionTarget";

fn disrupted(facts: &Facts<'_>, message: &str) -> PodCondition {
    let condition = PodCondition {
        type_: DISRUPTED.to_owned(),
        status: "True".to_owned(),
        reason: Some("TerminationByKubelet".to_owned()),
        message: Some(message.to_owned()),
        observed_generation: facts.pod.metadata.generation,
        ..PodCondition::default()
    };
    since(facts, condition)
}

/// A condition with the time of its last change.
fn condition(facts: &Facts<'_>, type_: &str, verdict: Verdict) -> PodCondition {
    let status = if verdict.is_ok() { "True" } else { "False" };
    let (reason, message) = verdict.err().unwrap_or_default();
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let condition = PodCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: text(reason),
        message: text(&message),
        observed_generation: facts.pod.metadata.generation,
        ..PodCondition::default()
    };
    since(facts, condition)
}

/// A condition with the time since when it is as it is.
fn since(facts: &Facts<'_>, mut condition: PodCondition) -> PodCondition {
    let is_same =
        |old: &&PodCondition| (&old.type_, &old.status) == (&condition.type_, &condition.status);
    let old = facts.old.iter().find(is_same).and_then(|old| old.last_transition_time.clone());
    condition.last_transition_time = Some(old.unwrap_or_else(|| api::time::time(facts.now)));
    condition
}

fn status<'a>(facts: &Facts<'a>, name: &str) -> Option<&'a ContainerStatus> {
    facts.statuses.iter().find(|status| status.name == name)
}

fn containers_ready(facts: &Facts<'_>) -> Verdict {
    match facts.phase {
        "Succeeded" => return Err(("PodCompleted", String::new())),
        "Failed" => return Err(("PodFailed", String::new())),
        _ => {}
    }
    let sidecars = spec::init_containers(facts.pod).iter().filter(|one| spec::is_sidecar(one));
    let (mut unknown, mut unready) = (vec![], vec![]);
    for container in sidecars.chain(spec::containers(facts.pod)) {
        match status(facts, &container.name) {
            Some(status) if status.ready => {}
            Some(_) => unready.push(container.name.as_str()),
            None => unknown.push(container.name.as_str()),
        }
    }
    listed("ContainersNotReady", &[("unknown", unknown), ("unready", unready)])
}

fn initialized(facts: &Facts<'_>) -> Verdict {
    let begun = spec::containers(facts.pod).iter().any(|container| {
        status(facts, &container.name).is_some_and(|status| {
            let state = status.state.as_ref();
            let last = status.last_state.as_ref();
            state.is_some_and(|state| state.running.is_some() || state.terminated.is_some())
                || last.is_some_and(|last| last.terminated.is_some())
        })
    });
    if begun {
        return Ok(());
    }
    let (mut unknown, mut incomplete) = (vec![], vec![]);
    for container in spec::init_containers(facts.pod) {
        let done = |status: &ContainerStatus| match spec::is_sidecar(container) {
            true => status.started == Some(true),
            false => status.ready,
        };
        match status(facts, &container.name) {
            Some(status) if done(status) => {}
            Some(_) => incomplete.push(container.name.as_str()),
            None => unknown.push(container.name.as_str()),
        }
    }
    listed("ContainersNotInitialized", &[("unknown", unknown), ("incomplete", incomplete)])
}

/// `containers with unready status: [a b]`, as Go prints a list.
fn listed(reason: &'static str, groups: &[(&str, Vec<&str>)]) -> Verdict {
    let texts = groups.iter().filter(|(_, names)| !names.is_empty());
    let texts: Vec<String> = texts
        .map(|(what, names)| format!("containers with {what} status: [{}]", names.join(" ")))
        .collect();
    if texts.is_empty() { Ok(()) } else { Err((reason, texts.join(", "))) }
}

fn gates(pod: &Pod, conditions: &[PodCondition]) -> Verdict {
    let gates = spec::spec(pod).readiness_gates.iter().flatten();
    let unmet = gates.filter_map(|gate| {
        let name = &gate.condition_type;
        match conditions.iter().find(|condition| condition.type_ == *name) {
            None => Some(format!(
                "corresponding condition of pod readiness gate \"{name}\" does not exist."
            )),
            Some(one) if one.status != "True" => Some(format!(
                "the status of pod readiness gate \"{name}\" is not \"True\", but {}",
                one.status
            )),
            Some(_) => None,
        }
    });
    let unmet: Vec<String> = unmet.collect();
    if unmet.is_empty() { Ok(()) } else { Err(("ReadinessGatesNotReady", unmet.join(", "))) }
}
