//! What a disruption budget says to an eviction, and what the eviction takes of it.
//!
//! Source: `pkg/registry/core/pod/storage/eviction.go` (v1.36). Upstream writes the budget first and deletes
//! the pod then; here both are one transaction, so that no eviction is counted that did not happen.

use api::object::{at, object_at_mut, text};
use api::selector::Selector;
use api::status::Cause;
use api::{Reason, Status, Timestamp, resources};
use serde_json::{Value, json};
use store::{Revision, Store};

use crate::write::beside::Beside;
use crate::{keys, object};

/// How many pods may be on their way out before their budget's controller has seen it.
const DISRUPTED_PODS_MAX: usize = 2000;

const VIOLATED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

/// A budget, and since when it is as it is.
struct Found {
    revision: Revision,
    budget: Value,
}

/// Whether a pod may be evicted, and what that takes of its budget.
pub(super) fn take(
    store: &Store,
    namespace: &str,
    pod: &Value,
    now: Timestamp,
) -> Result<Beside, Status> {
    let mut beside = Beside::default();
    if is_disrupted_already(pod) {
        return Ok(beside);
    }
    let mut budgets = budgets_of(store, namespace, pod);
    let (Some(Found { revision, budget }), None) = (budgets.next(), budgets.next()) else {
        let several = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
        return match budgets_of(store, namespace, pod).count() {
            0 => Ok(beside),
            _ => Err(Status::new(Reason::Unknown, several)),
        };
    };
    if !is_ready(pod) && spares_unready(&budget) {
        return Ok(beside);
    }
    check(&budget)?;
    let taken = with_one_less(budget, text(pod, &["metadata", "name"]), now);
    beside.update(&resources::POD_DISRUPTION_BUDGETS, revision, taken);
    Ok(beside)
}

/// A pod that has ended, has not begun, or is to go, is nothing that a budget counts.
fn is_disrupted_already(pod: &Value) -> bool {
    matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed" | "Pending" | "")
        || at(pod, &["metadata", "deletionTimestamp"]).is_some()
}

fn budgets_of<'a>(
    store: &'a Store,
    namespace: &str,
    pod: &'a Value,
) -> impl Iterator<Item = Found> + use<'a> {
    let range = keys::range(&resources::POD_DISRUPTION_BUDGETS, Some(namespace));
    let stored: Vec<_> = store.range(&range).cloned().collect();
    let found = stored
        .into_iter()
        .map(|stored| Found { revision: stored.mod_revision, budget: object::decode(&stored) });
    found.filter(|found| selects(&found.budget, pod))
}

fn selects(budget: &Value, pod: &Value) -> bool {
    let selector = at(budget, &["spec", "selector"]);
    let selector = selector.and_then(|selector| Selector::from_value(Some(selector)).ok());
    selector.is_some_and(|selector| selector.matches_value(&pod["metadata"]["labels"]))
}

fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|ready| ready["status"] == "True")
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = at(object, &["status", "conditions"]).and_then(Value::as_array)?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

/// Whether a pod that is not ready may go without a look at what is left.
fn spares_unready(budget: &Value) -> bool {
    let (current, desired) = (count(budget, "currentHealthy"), count(budget, "desiredHealthy"));
    text(budget, &["spec", "unhealthyPodEvictionPolicy"]) == "AlwaysAllow"
        || (current >= desired && desired > 0)
}

fn check(budget: &Value) -> Result<(), Status> {
    let name = text(budget, &["metadata", "name"]);
    let forbidden = |why| Err(Status::forbidden(&resources::POD_DISRUPTION_BUDGETS, name, why));
    let generation = at(budget, &["metadata", "generation"]).and_then(Value::as_i64).unwrap_or(0);
    if count(budget, "observedGeneration") < generation {
        let why = format!("The disruption budget {name} is still being processed by the server.");
        return Err(violated(why, 10));
    }
    let disrupted = at(budget, &["status", "disruptedPods"]).and_then(Value::as_object);
    match count(budget, "disruptionsAllowed") {
        ..0 => forbidden("pdb disruptions allowed is negative"),
        _ if disrupted.is_some_and(|pods| pods.len() > DISRUPTED_PODS_MAX) => forbidden(
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
        ),
        0 => Err(violated(why_none_is_left(budget), 0)),
        1.. => Ok(()),
    }
}

fn count(budget: &Value, field: &str) -> i64 {
    at(budget, &["status", field]).and_then(Value::as_i64).unwrap_or(0)
}

fn violated(why: String, retry_after_seconds: u32) -> Status {
    let mut status = Status::new(Reason::TooManyRequests, VIOLATED);
    status.retry_after_seconds = retry_after_seconds;
    status.causes.push(Cause { reason: "DisruptionBudget", field: String::new(), message: why });
    status
}

fn why_none_is_left(budget: &Value) -> String {
    let name = text(budget, &["metadata", "name"]);
    let refusal = condition(budget, "DisruptionAllowed")
        .filter(|condition| {
            condition["status"] == "False" && !text(condition, &["message"]).is_empty()
        })
        .map(|condition| (text(condition, &["reason"]), text(condition, &["message"])));
    let (current, desired) = (count(budget, "currentHealthy"), count(budget, "desiredHealthy"));
    match refusal {
        Some(("SyncFailed", message)) => format!(
            "The disruption budget {name} does not allow evicting pods currently because it failed sync: {message}"
        ),
        _ if current <= desired => format!(
            "The disruption budget {name} needs {desired} healthy pods and has {current} currently"
        ),
        Some((reason, message)) => format!(
            "The disruption budget {name} does not allow evicting pods currently ({reason}): {message}"
        ),
        None => format!("The disruption budget {name} does not allow evicting pods currently"),
    }
}

/// The controller is told which pod goes, so that it does not count it any more.
fn with_one_less(mut budget: Value, pod: &str, now: Timestamp) -> Value {
    let now = json!(api::time::text(now));
    let left = count(&budget, "disruptionsAllowed") - 1;
    let status = object_at_mut(&mut budget, "status");
    status.insert("disruptionsAllowed".to_owned(), json!(left));
    let disrupted = status.entry("disruptedPods").or_insert_with(|| json!({}));
    disrupted[pod] = now.clone();
    if left == 0 {
        tell_that_none_is_left(&mut budget, &now);
    }
    budget
}

fn tell_that_none_is_left(budget: &mut Value, now: &Value) {
    let generation = budget["metadata"]["generation"].clone();
    let status = object_at_mut(budget, "status");
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    let Some(conditions) = conditions.as_array_mut() else { return };
    let before = conditions.iter().find(|condition| condition["type"] == "DisruptionAllowed");
    let since = before.filter(|condition| condition["status"] == "False");
    let since = since.map_or(now, |condition| &condition["lastTransitionTime"]).clone();
    conditions.retain(|condition| condition["type"] != "DisruptionAllowed");
    conditions.push(json!({"type": "DisruptionAllowed", "status": "False",
        "reason": "InsufficientPods", "message": "", "observedGeneration": generation,
        "lastTransitionTime": since}));
}
