//! Rows of workloads.
//!
//! Source: `pkg/printers/internalversion/printers.go` (v1.36).

use api::Timestamp;
use api::object::{at, text};
use api::selector::Selector;
use serde_json::{Value, json};

use super::{age, duration, int, items, labels, of_containers, or_none};

pub(super) fn daemon_set(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let count = |field: &str| json!(int(object, &["status", field]));
    vec![
        name,
        count("desiredNumberScheduled"),
        count("currentNumberScheduled"),
        count("numberReady"),
        count("updatedNumberScheduled"),
        count("numberAvailable"),
        json!(or_none(&labels(at(object, &["spec", "template", "spec", "nodeSelector"])))),
        age,
        json!(of_containers(object, "name")),
        json!(of_containers(object, "image")),
        json!(selector(at(object, &["spec", "selector"]))),
    ]
}

pub(super) fn stateful_set(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let ready = int(object, &["status", "readyReplicas"]);
    let desired = int(object, &["spec", "replicas"]);
    vec![
        name,
        json!(format!("{ready}/{desired}")),
        age,
        json!(of_containers(object, "name")),
        json!(of_containers(object, "image")),
    ]
}

pub(super) fn job(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        json!(text(object, &["metadata", "name"])),
        json!(job_status(object)),
        json!(completions(object)),
        json!(job_duration(object, now)),
        json!(age(object, now)),
        json!(of_containers(object, "name")),
        json!(of_containers(object, "image")),
        json!(selector(at(object, &["spec", "selector"]))),
    ]
}

pub(super) fn cron_job(object: &Value, now: Timestamp) -> Vec<Value> {
    let job = at(object, &["spec", "jobTemplate"]).unwrap_or(&Value::Null);
    let last = match text(object, &["status", "lastScheduleTime"]) {
        "" => "<none>".to_owned(),
        time => duration::since(time, now),
    };
    let suspend = at(object, &["spec", "suspend"]).and_then(Value::as_bool);
    vec![
        json!(text(object, &["metadata", "name"])),
        json!(text(object, &["spec", "schedule"])),
        json!(or_none(text(object, &["spec", "timeZone"]))),
        json!(suspend.map_or("<unset>", |suspend| if suspend { "True" } else { "False" })),
        json!(items(object, &["status", "active"]).len()),
        json!(last),
        json!(age(object, now)),
        json!(of_containers(job, "name")),
        json!(of_containers(job, "image")),
        json!(selector(at(job, &["spec", "selector"]))),
    ]
}

pub(super) fn pod_disruption_budget(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let number = |field: &str| match at(object, &["spec", field]) {
        Some(Value::String(percent)) => json!(percent),
        Some(Value::Number(number)) => json!(number.to_string()),
        _ => json!("N/A"),
    };
    let allowed = json!(int(object, &["status", "disruptionsAllowed"]));
    vec![name, number("minAvailable"), number("maxUnavailable"), allowed, age]
}

pub(super) fn replication_controller(object: &Value, name: Value, age: Value) -> Vec<Value> {
    vec![
        name,
        json!(int(object, &["spec", "replicas"])),
        json!(int(object, &["status", "replicas"])),
        json!(int(object, &["status", "readyReplicas"])),
        age,
        json!(of_containers(object, "name")),
        json!(of_containers(object, "image")),
        json!(or_none(&labels(at(object, &["spec", "selector"])))),
    ]
}

pub(super) fn controller_revision(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let is_controller = |owner: &&Value| owner["controller"] == true;
    let controller = items(object, &["metadata", "ownerReferences"]).iter().find(is_controller);
    let controller = controller.map_or_else(|| "<none>".to_owned(), kind_and_name);
    vec![name, json!(controller), json!(int(object, &["revision"])), age]
}

pub(super) fn pod_template(object: &Value, name: Value) -> Vec<Value> {
    let holder = json!({"spec": {"template": at(object, &["template"])}});
    vec![
        name,
        json!(of_containers(&holder, "name")),
        json!(of_containers(&holder, "image")),
        json!(or_none(&labels(at(object, &["template", "metadata", "labels"])))),
    ]
}

fn kind_and_name(owner: &Value) -> String {
    let (kind, name) = (text(owner, &["kind"]), text(owner, &["name"]));
    let kind = match text(owner, &["apiVersion"]).split_once('/') {
        Some((group, _)) => format!("{kind}.{group}"),
        None => kind.to_owned(),
    };
    format!("{}/{name}", kind.to_lowercase())
}

fn job_status(job: &Value) -> &'static str {
    let is = |kind: &str| {
        let mut conditions = items(job, &["status", "conditions"]).iter();
        let condition = conditions.find(|condition| text(condition, &["type"]) == kind);
        condition.is_some_and(|condition| text(condition, &["status"]) == "True")
    };
    let ended = ["Complete", "Failed"].into_iter().find(|kind| is(kind));
    let deleted = !text(job, &["metadata", "deletionTimestamp"]).is_empty();
    let terminating = deleted.then_some("Terminating");
    let others = ["Suspended", "FailureTarget", "SuccessCriteriaMet"];
    ended.or(terminating).or_else(|| others.into_iter().find(|kind| is(kind))).unwrap_or("Running")
}

fn completions(job: &Value) -> String {
    let succeeded = int(job, &["status", "succeeded"]);
    let completions = at(job, &["spec", "completions"]).and_then(Value::as_i64);
    match (completions, int(job, &["spec", "parallelism"])) {
        (Some(completions), _) => format!("{succeeded}/{completions}"),
        (None, ..=1) => format!("{succeeded}/1"),
        (None, parallelism) => format!("{succeeded}/1 of {parallelism}"),
    }
}

fn job_duration(job: &Value, now: Timestamp) -> String {
    let time = |field: &str| text(job, &["status", field]).parse::<Timestamp>().ok();
    let end = time("completionTime").unwrap_or(now);
    let seconds = time("startTime").map(|start| end.duration_since(start).as_secs());
    seconds.map_or_else(String::new, duration::human)
}

fn selector(selector: Option<&Value>) -> String {
    let selector = Selector::from_value(selector);
    selector.map_or_else(|_| "<error>".to_owned(), |selector| or_none(&selector.to_string()))
}

#[cfg(test)]
mod tests;
