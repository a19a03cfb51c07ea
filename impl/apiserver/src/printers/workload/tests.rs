//! Tests of the rows of workloads.

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

    check(&resources::JOBS, job, json!(["o", "Complete", "2/3", "45s", "60m", "a", "x", "uid=1"]));
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
    let revision =
        |controller| json!({"metadata": {"ownerReferences": [owner(controller)]}, "revision": 2});

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
