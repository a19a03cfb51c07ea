//! What a Job's policies say about a failed pod, and about the indexes that have succeeded.
//!
//! Source: pod_failure_policy.go and success_policy.go in pkg/controller/job (v1.36).

use k8s_openapi::api::batch::v1::{
    JobSpec, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule, SuccessPolicy,
};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};

use super::indexes::Indexes;
use crate::ownership::name;

/// What a failed pod means for its Job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It counts towards the limits.
    Counts,
    /// It does not.
    Ignored,
    /// Its index is not tried again.
    FailsIndex,
    /// The Job fails, for this reason.
    FailsJob(String),
}

impl Failure {
    /// Whether the status counts the pod as failed.
    pub(super) fn is_counted(&self) -> bool {
        *self != Self::Ignored
    }
}

/// What the first rule that matches says; a pod that none matches counts.
pub(super) fn of_failed(spec: &JobSpec, pod: &Pod) -> Failure {
    let rules = spec.pod_failure_policy.iter().flat_map(|policy| &policy.rules).enumerate();
    rules.filter_map(|(place, rule)| apply(rule, place, pod)).next().unwrap_or(Failure::Counts)
}

fn apply(rule: &PodFailurePolicyRule, place: usize, pod: &Pod) -> Option<Failure> {
    let why = matching(rule, pod.status.as_ref()?, pod)?;
    match rule.action.as_str() {
        "Ignore" => Some(Failure::Ignored),
        "FailIndex" => Some(Failure::FailsIndex),
        "Count" => Some(Failure::Counts),
        "FailJob" => {
            Some(Failure::FailsJob(format!("{why} matching FailJob rule at index {place}")))
        }
        _ => None,
    }
}

/// What matched, as the message of the condition begins.
fn matching(rule: &PodFailurePolicyRule, status: &PodStatus, pod: &Pod) -> Option<String> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let pod = format!("{namespace}/{}", name(&pod.metadata));
    if let Some(requirement) = &rule.on_exit_codes {
        let (container, code) = failed_container(requirement, status)?;
        return Some(format!("Container {container} for pod {pod} failed with exit code {code}"));
    }
    let patterns = rule.on_pod_conditions.as_ref()?;
    let conditions = status.conditions.iter().flatten();
    let condition = conditions.into_iter().find(|condition| {
        patterns.iter().any(|pattern| {
            let status = pattern.status.as_deref().unwrap_or("True");
            condition.type_ == pattern.type_ && condition.status == status
        })
    })?;
    Some(format!("Pod {pod} has condition {}", condition.type_))
}

/// The first container, or else init container, that ended with a code that the rule is about.
fn failed_container<'a>(
    requirement: &PodFailurePolicyOnExitCodesRequirement,
    status: &'a PodStatus,
) -> Option<(&'a str, i32)> {
    let containers = status.container_statuses.iter().flatten();
    let mut all = containers.chain(status.init_container_statuses.iter().flatten());
    all.find_map(|container| {
        let code = exit_code(container).filter(|code| *code != 0)?;
        let named = requirement.container_name.as_ref();
        let is_named = named.is_none_or(|named| *named == container.name);
        let is_listed = requirement.values.contains(&code);
        let matches = match requirement.operator.as_str() {
            "In" => is_listed,
            "NotIn" => !is_listed,
            _ => false,
        };
        (is_named && matches).then_some((container.name.as_str(), code))
    })
}

fn exit_code(container: &ContainerStatus) -> Option<i32> {
    Some(container.state.as_ref()?.terminated.as_ref()?.exit_code)
}

/// The message of the first rule that the succeeded indexes satisfy.
pub(super) fn success(
    policy: Option<&SuccessPolicy>,
    completions: i32,
    succeeded: &Indexes,
) -> Option<String> {
    let rules = policy.filter(|_| succeeded.total() > 0)?.rules.iter();
    let place = rules.into_iter().position(|rule| {
        match (&rule.succeeded_indexes, rule.succeeded_count) {
            (Some(text), count) => {
                let asked = Indexes::parse(text, completions);
                let common = asked.common(succeeded);
                asked.total() > 0
                    && (common == asked.total() || count.is_some_and(|count| common >= count))
            }
            (None, Some(count)) => succeeded.total() >= count,
            (None, None) => false,
        }
    })?;
    Some(format!("Matched rules at index {place}"))
}
