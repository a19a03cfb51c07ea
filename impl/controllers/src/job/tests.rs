//! The Job controller, driven by hand.

use api::{Key, Reason, Request, Verb, resources};
use serde_json::{Value, json};

use super::{JobController, JobOrphanController};
use crate::testing::{World, at, names, owned_by, requests, time_text};
use crate::{Controller, Plan};

const PODS: &api::ApiResource = &resources::PODS;
const JOBS: &api::ApiResource = &resources::JOBS;
const FINALIZER: &str = "batch.kubernetes.io/job-tracking";

#[test]
fn as_many_pods_are_created_as_may_run_at_once_each_with_the_finalizer() {
    let mut world = world(json!({"parallelism": 2, "completions": 5}));

    let plan = world.reconcile(&key(), at(10));

    let creations = requests(&plan, Verb::Create, PODS);
    assert_eq!(creations.len(), 2);
    let pod = creations[0].body.clone().unwrap();
    assert_eq!(pod["metadata"]["generateName"], "pi-");
    assert_eq!(pod["metadata"]["finalizers"], json!([FINALIZER]));
    assert_eq!(
        status(&plan),
        json!({"active": 2, "ready": 0, "terminating": 0, "startTime": time_text(10),
            "uncountedTerminatedPods": {}})
    );
}

#[test]
fn a_pod_that_was_not_created_is_not_active() {
    let mut world = world(json!({"parallelism": 5, "completions": 5}));
    let plan = world.reconcile(&key(), at(10));
    let mut written = requests(&plan, Verb::Update, JOBS)[0].clone();

    (world.controller.pacing().correct)(&mut written, 5);
    for request in requests(&plan, Verb::Create, PODS) {
        world.leave_out(&key(), request);
    }

    assert_eq!(written.body.unwrap()["status"].get("active"), None);
    assert_eq!(requests(&world.reconcile(&key(), at(11)), Verb::Create, PODS).len(), 5);
}

#[test]
fn no_more_pods_are_created_than_there_are_completions_left() {
    let mut world = world(json!({"parallelism": 5, "completions": 3}));
    world.put(PODS, pod("one", "Succeeded"));

    let plan = world.reconcile(&key(), at(10));

    assert_eq!(requests(&plan, Verb::Create, PODS).len(), 2);
}

#[test]
fn a_pod_is_listed_before_its_finalizer_goes_and_counted_after() {
    let mut world = world(json!({"parallelism": 2, "completions": 2}));
    world.put(PODS, pod("one", "Succeeded"));
    world.put(PODS, pod("two", "Running"));

    let listed = world.reconcile(&key(), at(10));
    settle(&mut world, &listed);
    let released = world.reconcile(&key(), at(10));
    world.grant(&key(), &released.requests[0], json!({}));
    let counted = world.reconcile(&key(), at(10));

    assert!(names(&listed, Verb::StrategicMergePatch, PODS).is_empty());
    assert_eq!(status(&listed)["uncountedTerminatedPods"], json!({"succeeded": ["uid-one"]}));
    assert_eq!(names(&released, Verb::StrategicMergePatch, PODS), ["one"]);
    assert!(requests(&released, Verb::Update, JOBS).is_empty());
    assert_eq!(status(&counted)["succeeded"], 1);
    assert_eq!(status(&counted)["uncountedTerminatedPods"], json!({}));
}

#[test]
fn nothing_is_decided_on_a_cache_that_does_not_show_the_last_status() {
    let mut world = world(json!({"parallelism": 1, "completions": 2}));
    world.put(PODS, pod("one", "Succeeded"));
    let plan = world.reconcile(&key(), at(10));
    world.grant(&key(), requests(&plan, Verb::Update, JOBS)[0], json!({}));
    world.put(PODS, pod("two", "Running"));

    let early = world.reconcile(&key(), at(10));

    assert!(early.requests.iter().all(|request| request.resource == &resources::EVENTS));
}

#[test]
fn a_status_that_was_written_without_effect_holds_nothing_up() {
    let mut world = world(json!({"parallelism": 1, "completions": 2}));
    world.put(PODS, pod("one", "Succeeded"));
    let plan = world.reconcile(&key(), at(10));
    let answer = json!({"metadata": {"resourceVersion": "1"}});
    world.grant(&key(), requests(&plan, Verb::Update, JOBS)[0], answer);
    world.put(PODS, pod("two", "Running"));

    let next = world.reconcile(&key(), at(10));

    assert_eq!(status(&next)["active"], 1);
}

#[test]
fn a_job_is_complete_when_its_pods_have_succeeded_and_are_counted() {
    let mut world = world(json!({"parallelism": 2, "completions": 2}));
    world.put(PODS, pod("one", "Succeeded"));
    world.put(PODS, pod("two", "Succeeded"));

    let last = run(&mut world, 10);

    let status = &last["status"];
    assert_eq!(status["succeeded"], 2);
    assert_eq!(status["uncountedTerminatedPods"], json!({}));
    let types = conditions(status);
    assert_eq!(
        types,
        [("SuccessCriteriaMet", "CompletionsReached"), ("Complete", "CompletionsReached")]
    );
    assert_eq!(status["completionTime"], time_text(10));
}

#[test]
fn a_job_fails_when_more_pods_failed_than_its_limit_and_its_active_pods_go() {
    let mut world = world(json!({"parallelism": 2, "completions": 2, "backoffLimit": 0}));
    world.put(PODS, pod("one", "Failed"));
    world.put(PODS, pod("two", "Running"));

    let first = world.reconcile(&key(), at(10));
    settle(&mut world, &first);
    let mut going = pod("two", "Running");
    going["metadata"]["deletionTimestamp"] = time_text(40).into();
    world.put(PODS, going);
    run(&mut world, 11);
    let before = conditions(&current(&world)["status"]).len();
    world.put(PODS, without_finalizer(pod("two", "Failed")));
    let last = run(&mut world, 12);

    assert_eq!(names(&first, Verb::Delete, PODS), ["two"]);
    assert_eq!(before, 1, "it is not over while a pod is being deleted");
    let reason = "BackoffLimitExceeded";
    assert_eq!(conditions(&last["status"]), [("FailureTarget", reason), ("Failed", reason)]);
    assert_eq!(last["status"]["failed"], 2);
}

#[test]
fn a_failed_pod_is_replaced_after_ten_seconds() {
    let mut world = world(json!({"parallelism": 1, "completions": 1, "backoffLimit": 6}));
    world.put(PODS, pod("one", "Failed"));

    let early = world.reconcile(&key(), at(105));
    let late = world.reconcile(&key(), at(110));

    assert!(requests(&early, Verb::Create, PODS).is_empty());
    assert_eq!(early.look_again, Some(at(110)));
    assert_eq!(requests(&late, Verb::Create, PODS).len(), 1);
}

#[test]
fn the_pods_of_a_suspended_job_go_uncounted() {
    let mut world = world(json!({"parallelism": 1, "completions": 1, "suspend": true}));
    world.put(PODS, pod("one", "Running"));

    let plan = world.reconcile(&key(), at(10));

    let touched: Vec<_> = plan.requests.iter().map(|request| request.verb).collect();
    assert_eq!(touched, [Verb::StrategicMergePatch, Verb::Delete, Verb::Update]);
    assert_eq!(conditions(&status(&plan)), [("Suspended", "JobSuspended")]);
    assert_eq!(status(&plan)["failed"], Value::Null);
}

#[test]
fn an_indexed_job_creates_the_indexes_that_have_no_pod() {
    let indexed = json!({"parallelism": 3, "completions": 4, "completionMode": "Indexed"});
    let mut world = world(indexed);
    world.put(PODS, indexed_pod("zero", "Succeeded", 0));
    world.put(PODS, indexed_pod("two", "Running", 2));

    let plan = world.reconcile(&key(), at(10));

    let creations = requests(&plan, Verb::Create, PODS);
    let hosts: Vec<_> = creations
        .iter()
        .map(|request| request.body.as_ref().unwrap()["spec"]["hostname"].clone())
        .collect();
    assert_eq!(hosts, ["pi-1", "pi-3"]);
    assert_eq!(status(&plan)["completedIndexes"], "0");
}

#[test]
fn a_replacement_counts_on_from_the_failures_of_its_index() {
    let mut world = world(json!({"parallelism": 1, "completions": 1, "completionMode": "Indexed",
        "backoffLimitPerIndex": 2, "backoffLimit": 100}));
    let mut failed = indexed_pod("zero", "Failed", 0);
    failed["metadata"]["annotations"]["batch.kubernetes.io/job-index-failure-count"] = "1".into();
    world.put(PODS, failed);

    let early = world.reconcile(&key(), at(119));
    let late = world.reconcile(&key(), at(120));

    assert!(requests(&early, Verb::Create, PODS).is_empty());
    let made = requests(&late, Verb::Create, PODS)[0].body.clone().unwrap();
    let annotations = &made["metadata"]["annotations"];
    assert_eq!(annotations["batch.kubernetes.io/job-index-failure-count"], "2");
}

#[test]
fn the_index_of_a_pod_that_goes_because_the_job_has_failed_has_not_failed() {
    let mut world = world(json!({"parallelism": 2, "completions": 2, "completionMode": "Indexed",
        "backoffLimitPerIndex": 0, "maxFailedIndexes": 0, "backoffLimit": 100}));
    world.put(PODS, indexed_pod("zero", "Failed", 0));
    world.put(PODS, indexed_pod("one", "Running", 1));
    let decided = world.reconcile(&key(), at(10));
    settle(&mut world, &decided);
    let mut going = indexed_pod("one", "Running", 1);
    going["metadata"]["deletionTimestamp"] = time_text(40).into();
    world.put(PODS, going);

    let last = run(&mut world, 11);

    assert_eq!(last["status"]["failedIndexes"], "0");
}

#[test]
fn a_pod_failure_policy_fails_the_job_with_the_words_of_its_rule() {
    let rule = json!({"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}});
    let mut world = world(json!({"parallelism": 1, "completions": 1, "backoffLimit": 6,
        "podFailurePolicy": {"rules": [rule]}}));
    world.put(PODS, pod("one", "Failed"));

    let plan = world.reconcile(&key(), at(10));

    assert_eq!(
        status(&plan)["conditions"][0]["message"],
        "Container c for pod default/one failed with exit code 42 matching FailJob rule at index 0"
    );
}

#[test]
fn an_orphan_is_adopted_with_the_finalizer() {
    let mut world = world(json!({"parallelism": 1, "completions": 1}));
    let mut orphan = without_finalizer(pod("one", "Running"));
    orphan["metadata"]["ownerReferences"] = Value::Null;
    world.put(PODS, orphan);

    let question = world.reconcile(&key(), at(10));
    world.grant(&key(), &question.requests[0], json!({"metadata": {"uid": "uid-pi"}}));
    let plan = world.reconcile(&key(), at(10));

    let patch = requests(&plan, Verb::StrategicMergePatch, PODS)[0].body.clone().unwrap();
    assert_eq!(patch["metadata"]["finalizers"], json!([FINALIZER]));
    assert_eq!(patch["metadata"]["ownerReferences"][0]["name"], "pi");
}

#[test]
fn a_job_of_another_manager_is_left_alone() {
    let mut world = world(json!({"parallelism": 1, "managedBy": "example.com/other"}));

    assert!(world.reconcile(&key(), at(10)).requests.is_empty());
}

#[test]
fn the_finalizers_of_pods_whose_job_is_gone_go() {
    let mut world = World::new(JobOrphanController);
    world.put(JOBS, job(json!({"parallelism": 1})));
    assert!(world.put(PODS, pod("one", "Running")).is_empty());

    let due = world.remove(JOBS, &key());
    let plan = world.reconcile(&due[0], at(10));

    assert_eq!(names(&plan, Verb::StrategicMergePatch, PODS), ["one"]);
}

fn key() -> Key {
    Key::new("default", "pi")
}

fn job(spec: Value) -> Value {
    let mut job = json!({
        "metadata": {"name": "pi", "namespace": "default", "generation": 1},
        "spec": {
            "selector": {"matchLabels": {"job": "pi"}},
            "template": {
                "metadata": {"labels": {"job": "pi"}},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]},
            },
        },
    });
    let fields = spec.as_object().unwrap().clone();
    job["spec"].as_object_mut().unwrap().extend(fields);
    job
}

fn world(spec: Value) -> World<JobController> {
    let mut world = World::new(JobController::default());
    world.put(JOBS, job(spec));
    world
}

/// A pod of the Job; one that failed ended with 42 at second 100.
fn pod(name: &str, phase: &str) -> Value {
    let state = match phase {
        "Failed" => json!({"terminated": {"exitCode": 42, "finishedAt": time_text(100)}}),
        _ => json!({"running": {}}),
    };
    json!({
        "metadata": {
            "name": name, "namespace": "default", "labels": {"job": "pi"}, "finalizers": [FINALIZER],
            "ownerReferences": owned_by("batch/v1", "Job", "pi"),
        },
        "spec": {"containers": [{"name": "c"}]},
        "status": {"phase": phase, "containerStatuses": [{"name": "c", "image": "busybox",
            "imageID": "", "ready": false, "restartCount": 0, "state": state}]},
    })
}

fn indexed_pod(name: &str, phase: &str, index: i32) -> Value {
    let mut pod = pod(name, phase);
    let index = index.to_string();
    pod["metadata"]["annotations"] = json!({"batch.kubernetes.io/job-completion-index": index});
    pod
}

fn without_finalizer(mut pod: Value) -> Value {
    pod["metadata"]["finalizers"] = Value::Null;
    pod
}

fn status(plan: &Plan) -> Value {
    requests(plan, Verb::Update, JOBS)[0].body.clone().unwrap()["status"].clone()
}

fn conditions(status: &Value) -> Vec<(&str, &str)> {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    conditions
        .map(|condition| {
            (condition["type"].as_str().unwrap(), condition["reason"].as_str().unwrap())
        })
        .collect()
}

fn current(world: &World<JobController>) -> Value {
    api::object::to_value(world.view.jobs.get(&key()).unwrap().as_ref())
}

/// Grants what a plan asks for, and shows the controller the status that it wrote.
fn settle(world: &mut World<JobController>, plan: &Plan) {
    for request in &plan.requests {
        if request.verb == Verb::Get {
            world.refuse(&key(), request, Reason::NotFound);
        } else {
            world.grant(&key(), request, json!({}));
            show(world, request);
        }
    }
}

fn show(world: &mut World<JobController>, request: &Request) {
    let Some(mut written) = request.body.clone().filter(|_| request.resource == JOBS) else {
        return;
    };
    let version: u64 = written["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    written["metadata"]["resourceVersion"] = (version + 1).to_string().into();
    world.put(JOBS, written);
}

/// Reconciles and settles until there is nothing to do. The Job as it is then.
fn run(world: &mut World<JobController>, seconds: i64) -> Value {
    for _ in 0..10 {
        let plan = world.reconcile(&key(), at(seconds));
        if plan.requests.is_empty() {
            return current(world);
        }
        settle(world, &plan);
    }
    panic!("it does not come to rest");
}
