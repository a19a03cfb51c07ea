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
mod tests {
    use api::{ApiResource, resources};

    use super::*;
    use crate::printers::cells;

    #[test]
    fn a_daemon_set_counts_nodes() {
        let daemon_set = json!({
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"spec": {
                    "nodeSelector": {"disk": "ssd"}, "containers": [{"name": "a", "image": "x"}],
                }},
            },
            "status": {
                "desiredNumberScheduled": 5, "currentNumberScheduled": 4, "numberReady": 3,
                "updatedNumberScheduled": 2, "numberAvailable": 1,
            },
        });

        check(
            &resources::DAEMON_SETS,
            daemon_set,
            json!(["o", 5, 4, 3, 2, 1, "disk=ssd", "60m", "a", "x", "app=web"]),
        );
    }

    #[test]
    fn a_stateful_set_counts_ready_pods() {
        let stateful_set = json!({
            "spec": {"replicas": 3, "template": {"spec": {"containers": [
                {"name": "a", "image": "x"}, {"name": "b", "image": "y"},
            ]}}},
            "status": {"readyReplicas": 2},
        });

        check(&resources::STATEFUL_SETS, stateful_set, json!(["o", "2/3", "60m", "a,b", "x,y"]));
    }

    #[test]
    fn a_job_has_a_status_and_a_duration() {
        let job = json!({
            "spec": {
                "completions": 3, "selector": {"matchLabels": {"uid": "1"}},
                "template": {"spec": {"containers": [{"name": "a", "image": "x"}]}},
            },
            "status": {
                "succeeded": 2, "startTime": "2026-01-01T00:00:00Z",
                "completionTime": "2026-01-01T00:00:45Z",
                "conditions": [{"type": "Complete", "status": "True"}],
            },
        });

        check(
            &resources::JOBS,
            job,
            json!(["o", "Complete", "2/3", "45s", "60m", "a", "x", "uid=1"]),
        );
    }

    #[test]
    fn a_cron_job_says_when_it_starts_jobs() {
        let cron_job = json!({
            "spec": {
                "schedule": "@daily", "suspend": false, "timeZone": "UTC",
                "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "x"}]}}}},
            },
            "status": {"active": [{}, {}], "lastScheduleTime": "2026-01-01T00:30:00Z"},
        });

        check(
            &resources::CRON_JOBS,
            cron_job,
            json!(["o", "@daily", "UTC", "False", 2, "30m", "60m", "a", "x", "<none>"]),
        );
    }

    #[test]
    fn a_budget_says_what_it_allows() {
        let row = |spec: Value| json!({"spec": spec, "status": {"disruptionsAllowed": 2}});

        check(
            &resources::POD_DISRUPTION_BUDGETS,
            row(json!({"minAvailable": 3})),
            json!(["o", "3", "N/A", 2, "60m"]),
        );
        check(
            &resources::POD_DISRUPTION_BUDGETS,
            row(json!({"maxUnavailable": "10%"})),
            json!(["o", "N/A", "10%", 2, "60m"]),
        );
    }

    #[test]
    fn a_replication_controller_counts_its_pods() {
        let controller = json!({
            "spec": {
                "replicas": 3, "selector": {"app": "web"},
                "template": {"spec": {"containers": [{"name": "a", "image": "x"}]}},
            },
            "status": {"replicas": 2, "readyReplicas": 1},
        });

        check(
            &resources::REPLICATION_CONTROLLERS,
            controller,
            json!(["o", 3, 2, 1, "60m", "a", "x", "app=web"]),
        );
    }

    #[test]
    fn a_revision_names_its_controller() {
        let owner = |controller: bool| json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "controller": controller});
        let revision = |controller| json!({"metadata": {"ownerReferences": [owner(controller)]}, "revision": 2});

        check(
            &resources::CONTROLLER_REVISIONS,
            revision(true),
            json!(["o", "daemonset.apps/d", 2, "60m"]),
        );
        check(&resources::CONTROLLER_REVISIONS, revision(false), json!(["o", "<none>", 2, "60m"]));
    }

    #[test]
    fn a_pod_template_has_containers_and_labels() {
        let pod_template = json!({"template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "a", "image": "x"}]},
        }});

        check(&resources::POD_TEMPLATES, pod_template, json!(["o", "a", "x", "app=web"]));
    }

    #[test]
    fn the_status_of_a_job_is_one_word() {
        let condition = |kind: &str| json!([{"type": kind, "status": "True"}]);
        let table = [
            (json!({}), "Running"),
            (json!({"status": {"conditions": condition("Failed")}}), "Failed"),
            (json!({"status": {"conditions": condition("Suspended")}}), "Suspended"),
            (
                json!({"metadata": {"deletionTimestamp": "t"}, "status": {"conditions": condition("Suspended")}}),
                "Terminating",
            ),
        ];
        for (job, status) in table {
            assert_eq!(job_status(&job), status);
        }
    }

    #[test]
    fn a_job_without_completions_needs_one() {
        assert_eq!(completions(&json!({"spec": {"parallelism": 1}})), "0/1");
        assert_eq!(completions(&json!({"spec": {"parallelism": 4}})), "0/1 of 4");
    }

    fn check(resource: &ApiResource, mut object: Value, expected: Value) {
        object["metadata"]["name"] = json!("o");
        object["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        let now: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();

        assert_eq!(Value::Array(cells(resource, &object, now)), expected);
    }
}
