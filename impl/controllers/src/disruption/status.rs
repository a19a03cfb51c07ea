//! What a PodDisruptionBudget says of its pods.
//!
//! Source: `updatePdbStatus` and `failSafe` in pkg/controller/disruption/disruption.go, and
//! staging/src/k8s.io/component-helpers/apps/poddisruptionbudget/helpers.go (v1.36).

use std::collections::BTreeMap;

use api::{Request, Timestamp};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

const DISRUPTION_ALLOWED: &str = "DisruptionAllowed";

/// What the status is made of.
pub(super) struct Counted {
    pub(super) healthy: i32,
    pub(super) desired_healthy: i32,
    pub(super) expected: i32,
    pub(super) disrupted: BTreeMap<String, Time>,
}

/// The request that brings the status up to date, if it is not. Without pods nothing is allowed, so that the
/// first one is safe.
pub(super) fn update(
    budget: &PodDisruptionBudget,
    counted: Counted,
    now: Timestamp,
) -> Option<Request> {
    let surplus = (counted.healthy - counted.desired_healthy).max(0);
    let allowed = if counted.expected > 0 { surplus } else { 0 };
    let (is_allowed, reason) =
        if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    let condition = Said { status: is_allowed, reason, message: "" };
    let generation = budget.metadata.generation;
    write(
        budget,
        PodDisruptionBudgetStatus {
            current_healthy: Some(counted.healthy),
            desired_healthy: Some(counted.desired_healthy),
            expected_pods: Some(counted.expected),
            disruptions_allowed: Some(allowed),
            disrupted_pods: (!counted.disrupted.is_empty()).then_some(counted.disrupted),
            observed_generation: generation,
            conditions: Some(conditions(budget, condition, (generation, now))),
        },
    )
}

/// The request that allows nothing.
pub(super) fn fail(budget: &PodDisruptionBudget, why: &str, now: Timestamp) -> Option<Request> {
    let old = budget.status.clone().unwrap_or_default();
    let condition = Said { status: "False", reason: "SyncFailed", message: why };
    let conditions = conditions(budget, condition, (old.observed_generation, now));
    write(
        budget,
        PodDisruptionBudgetStatus {
            disruptions_allowed: Some(0),
            conditions: Some(conditions),
            current_healthy: old.current_healthy.or(Some(0)),
            desired_healthy: old.desired_healthy.or(Some(0)),
            expected_pods: old.expected_pods.or(Some(0)),
            ..old
        },
    )
}

fn write(budget: &PodDisruptionBudget, status: PodDisruptionBudgetStatus) -> Option<Request> {
    if budget.status.as_ref() == Some(&status) {
        return None;
    }
    Some(Request::update_status(&PodDisruptionBudget { status: Some(status), ..budget.clone() }))
}

/// What the condition is to say.
struct Said<'a> {
    status: &'a str,
    reason: &'a str,
    message: &'a str,
}

fn conditions(
    budget: &PodDisruptionBudget,
    said: Said<'_>,
    (observed_generation, now): (Option<i64>, Timestamp),
) -> Vec<Condition> {
    let old = budget.status.as_ref().and_then(|status| status.conditions.clone());
    let mut conditions = old.unwrap_or_default();
    let index = conditions.iter().position(|condition| condition.type_ == DISRUPTION_ALLOWED);
    let kept = index.map(|index| &conditions[index]);
    let kept = kept.filter(|condition| condition.status == said.status);
    let condition = Condition {
        type_: DISRUPTION_ALLOWED.to_owned(),
        status: said.status.to_owned(),
        reason: said.reason.to_owned(),
        message: said.message.to_owned(),
        last_transition_time: kept
            .map_or_else(|| api::time::time(now), |kept| kept.last_transition_time.clone()),
        observed_generation,
    };
    match index {
        Some(index) => conditions[index] = condition,
        None => conditions.push(condition),
    }
    conditions
}
