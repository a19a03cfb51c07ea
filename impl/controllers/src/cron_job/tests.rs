//! The CronJob controller, driven by hand. A minute has sixty seconds from the epoch on.

use api::{Key, Reason, Request, Verb, resources};
use serde_json::{Value, json};

use super::CronJobController;
use crate::Plan;
use crate::testing::{World, at, events, names, owned_by, requests, time_text};

const CRON_JOBS: &api::ApiResource = &resources::CRON_JOBS;
const JOBS: &api::ApiResource = &resources::JOBS;

#[test]
fn a_job_is_started_at_its_time_and_not_before() {
    let mut world = world(json!({}), json!({}));

    let early = world.reconcile(&key(), at(59));
    let due = world.reconcile(&key(), at(60));

    assert!(early.requests.is_empty());
    assert_eq!(early.look_again, Some(at(60) + std::time::Duration::from_millis(100)));
    let job = requests(&due, Verb::Create, JOBS)[0].body.clone().unwrap();
    assert_eq!(job["metadata"]["name"], "tick-1");
    assert_eq!(job["metadata"]["labels"], json!({"app": "tick"}));
    assert_eq!(
        job["metadata"]["annotations"],
        json!({"a": "b", "batch.kubernetes.io/cronjob-scheduled-timestamp": "1970-01-01T00:01:00Z"})
    );
    assert_eq!(job["metadata"]["ownerReferences"], owned_by("batch/v1", "CronJob", "tick"));
    assert_eq!(job["spec"]["parallelism"], 2);
}

#[test]
fn the_status_tells_of_the_job_once_it_is_made_and_it_is_made_once() {
    let mut world = world(json!({}), json!({}));

    let due = world.reconcile(&key(), at(60));
    world.grant(&key(), create(&due), job("tick-1", json!({})));
    let told = world.reconcile(&key(), at(60));
    settle(&mut world, &told);
    let stale = world.reconcile(&key(), at(60));
    let reference = status(&told)["active"][0].clone();
    put(&mut world, json!({}), status(&told), "2");
    world.put(JOBS, job("tick-1", json!({})));
    let settled = world.reconcile(&key(), at(61));

    assert_eq!(events(&told), ["SuccessfulCreate: Created job tick-1"]);
    assert_eq!(status(&told)["lastScheduleTime"], time_text(60));
    assert_eq!(
        reference,
        json!({"apiVersion": "batch/v1", "kind": "Job", "name": "tick-1", "namespace": "default",
            "uid": "uid-tick-1", "resourceVersion": "1"})
    );
    assert!(stale.requests.is_empty());
    assert!(settled.requests.is_empty());
    assert_eq!(settled.look_again, Some(at(120) + std::time::Duration::from_millis(100)));
}

#[test]
fn a_job_that_was_made_before_a_restart_is_taken_over() {
    let mut world = world(json!({}), json!({}));

    let due = world.reconcile(&key(), at(60));
    world.refuse(&key(), create(&due), Reason::AlreadyExists);
    let asks = world.reconcile(&key(), at(60));
    world.grant(&key(), &asks.requests[0], job("tick-1", json!({})));
    let told = world.reconcile(&key(), at(60));

    assert_eq!(names(&asks, Verb::Get, JOBS), ["tick-1"]);
    assert_eq!(status(&told)["active"][0]["name"], "tick-1");
    assert!(events(&told).is_empty());
}

#[test]
fn a_cron_job_that_comes_again_under_its_name_has_made_nothing() {
    let mut world = world(json!({}), json!({}));
    let due = world.reconcile(&key(), at(60));
    let mut again = cron_job(json!({}), json!({}));
    again["metadata"]["uid"] = json!("another");
    world.put(CRON_JOBS, again);

    world.grant(&key(), create(&due), job("tick-1", json!({})));
    let anew = world.reconcile(&key(), at(60));

    assert!(requests(&anew, Verb::Update, CRON_JOBS).is_empty());
    assert_eq!(create(&anew).body.as_ref().unwrap()["metadata"]["name"], "tick-1");
}

#[test]
fn a_job_of_somebody_else_with_its_name_costs_that_time() {
    let mut world = world(json!({}), json!({}));

    let due = world.reconcile(&key(), at(60));
    world.refuse(&key(), create(&due), Reason::AlreadyExists);
    let asks = world.reconcile(&key(), at(60));
    let mut foreign = job("tick-1", json!({}));
    foreign["metadata"]["ownerReferences"] = Value::Null;
    world.grant(&key(), &asks.requests[0], foreign);
    let passed = world.reconcile(&key(), at(60));
    let next = world.reconcile(&key(), at(120));

    assert!(passed.requests.is_empty());
    assert!(passed.look_again > Some(at(120)));
    assert_eq!(create(&next).body.as_ref().unwrap()["metadata"]["name"], "tick-2");
}

#[test]
fn a_refused_job_is_told_and_asked_for_again() {
    let mut world = world(json!({}), json!({}));

    let due = world.reconcile(&key(), at(60));
    world.refuse(&key(), create(&due), Reason::Forbidden);
    let again = world.reconcile(&key(), at(61));

    assert_eq!(events(&again), ["FailedCreate: Error creating job: refused"]);
    assert_eq!(requests(&again, Verb::Create, JOBS).len(), 1);
}

#[test]
fn only_the_latest_of_missed_times_is_made_up_for() {
    let mut world = world(json!({}), json!({}));

    let few = world.reconcile(&key(), at(60 * 50 + 5));
    world.grant(&key(), create(&few), job("tick-50", json!({})));
    let told = world.reconcile(&key(), at(60 * 50 + 5));

    assert_eq!(create(&few).body.as_ref().unwrap()["metadata"]["name"], "tick-50");
    assert_eq!(events(&told), ["SuccessfulCreate: Created job tick-50"]);
}

#[test]
fn more_than_a_hundred_missed_times_are_told_and_the_latest_is_made_up_for() {
    let events_at = |seconds| {
        let mut world = world(json!({"concurrencyPolicy": "Forbid"}), active("tick-1"));
        world.put(JOBS, job("tick-1", json!({})));
        events(&world.reconcile(&key(), at(seconds)))
    };

    let few = events_at(60 * 101);
    let many = events_at(60 * 102);
    let mut free = world(json!({}), json!({}));
    let due = free.reconcile(&key(), at(60 * 102));
    free.refuse(&key(), create(&due), Reason::AlreadyExists);
    let asks = free.reconcile(&key(), at(60 * 102));
    free.grant(&key(), &asks.requests[0], job("tick-102", json!({})));
    let taken = free.reconcile(&key(), at(60 * 102));

    let too_many = "TooManyMissedTimes: too many missed start times. Set or decrease \
        .spec.startingDeadlineSeconds or check clock skew";
    assert_eq!(few.len(), 1);
    assert_eq!(
        many,
        [
            too_many,
            "JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid",
        ]
    );
    assert_eq!(create(&due).body.as_ref().unwrap()["metadata"]["name"], "tick-102");
    assert_eq!([events(&due), events(&asks), events(&taken)], [vec![too_many], vec![], vec![]]);
}

#[test]
fn a_time_older_than_the_deadline_is_not_made_up_for() {
    let mut world = world(json!({"startingDeadlineSeconds": 10}), json!({}));

    let in_time = world.reconcile(&key(), at(69));
    let late = world.reconcile(&key(), at(70));

    assert_eq!(requests(&in_time, Verb::Create, JOBS).len(), 1);
    assert!(late.requests.is_empty());
    assert!(late.look_again > Some(at(120)));
}

#[test]
fn a_suspended_cron_job_starts_nothing_and_is_not_looked_at_again() {
    let mut world = world(json!({"suspend": true}), json!({}));

    assert_eq!(world.reconcile(&key(), at(600)), Plan::default());
}

#[test]
fn forbid_waits_for_what_runs() {
    let mut world = world(json!({"concurrencyPolicy": "Forbid"}), active("tick-1"));
    world.put(JOBS, job("tick-1", json!({})));

    let plan = world.reconcile(&key(), at(120));

    assert!(requests(&plan, Verb::Create, JOBS).is_empty());
    assert!(events(&plan)[0].starts_with("JobAlreadyActive: "));
    assert!(plan.look_again > Some(at(180)));
}

#[test]
fn allow_starts_beside_what_runs() {
    let mut world = world(json!({"concurrencyPolicy": "Allow"}), active("tick-1"));
    world.put(JOBS, job("tick-1", json!({})));

    assert_eq!(requests(&world.reconcile(&key(), at(120)), Verb::Create, JOBS).len(), 1);
}

#[test]
fn replace_deletes_what_runs_before_the_next_starts() {
    let mut world = world(json!({"concurrencyPolicy": "Replace"}), active("tick-1"));
    world.put(JOBS, job("tick-1", json!({})));

    let asks = world.reconcile(&key(), at(120));
    world.grant(&key(), &asks.requests[0], job("tick-1", json!({})));
    let deletes = world.reconcile(&key(), at(120));
    world.grant(&key(), &deletes.requests[0], json!({}));
    world.remove(JOBS, &Key::new("default", "tick-1"));
    let starts = world.reconcile(&key(), at(120));

    assert_eq!(names(&asks, Verb::Get, JOBS), ["tick-1"]);
    assert_eq!(names(&deletes, Verb::Delete, JOBS), ["tick-1"]);
    let options = deletes.requests[0].body.clone().unwrap();
    assert_eq!(options["propagationPolicy"], "Background");
    assert!(requests(&deletes, Verb::Create, JOBS).is_empty());
    assert_eq!(status(&starts).get("active"), None);
    assert_eq!(create(&starts).body.as_ref().unwrap()["metadata"]["name"], "tick-2");
    assert_eq!(events(&starts), ["SuccessfulDelete: Deleted job tick-1"]);
}

#[test]
fn a_job_that_cannot_be_read_is_not_replaced() {
    let mut world = world(json!({"concurrencyPolicy": "Replace"}), active("tick-1"));
    world.put(JOBS, job("tick-1", json!({})));

    let asks = world.reconcile(&key(), at(120));
    world.refuse(&key(), &asks.requests[0], Reason::InternalError);
    let told = world.reconcile(&key(), at(120));

    assert_eq!(events(&told), ["FailedGet: Get job: refused"]);
    assert_eq!((told.requests.len(), told.look_again), (1, Some(at(121))));
}

#[test]
fn a_job_that_is_over_leaves_the_list() {
    for (condition, success) in [("Complete", json!(time_text(70))), ("Failed", Value::Null)] {
        let mut world = world(json!({}), active("tick-1"));
        world.put(JOBS, job("tick-1", finished(condition, 70)));

        let counted = world.reconcile(&key(), at(80));
        settle(&mut world, &counted);
        let told = world.reconcile(&key(), at(80));

        assert_eq!(status(&counted).get("active"), None);
        assert_eq!(status(&counted)["lastSuccessfulTime"], success);
        let message = format!("SawCompletedJob: Saw completed job: tick-1, condition: {condition}");
        assert_eq!(events(&told), [message]);
    }
}

#[test]
fn the_last_success_never_goes_back() {
    let status_before =
        json!({"lastScheduleTime": time_text(60), "lastSuccessfulTime": time_text(75)});
    let mut world = world(json!({}), status_before);
    world.put(JOBS, job("tick-1", finished("Complete", 70)));

    assert!(world.reconcile(&key(), at(80)).requests.is_empty());
}

#[test]
fn a_job_that_is_gone_leaves_the_list_once_the_api_server_says_so() {
    let mut world = world(json!({}), active("tick-1"));

    let asks = world.reconcile(&key(), at(80));
    world.refuse(&key(), &asks.requests[0], Reason::NotFound);
    let counted = world.reconcile(&key(), at(80));
    settle(&mut world, &counted);

    assert_eq!(names(&asks, Verb::Get, JOBS), ["tick-1"]);
    assert_eq!(status(&counted).get("active"), None);
    let told = world.reconcile(&key(), at(80));
    assert_eq!(events(&told), ["MissingJob: Active job went missing: tick-1"]);
}

#[test]
fn a_job_that_was_told_of_without_an_answer_is_looked_for_like_the_others() {
    let mut world = world(json!({}), json!({}));
    let due = world.reconcile(&key(), at(60));
    world.grant(&key(), create(&due), job("tick-1", json!({})));
    let told = world.reconcile(&key(), at(60));
    world.refuse(&key(), &told.requests[0], Reason::Timeout);
    put(&mut world, json!({"suspend": true}), status(&told), "2");

    let known = world.reconcile(&key(), at(61));
    let asks = world.reconcile(&key(), at(61));

    assert_eq!((known.requests, known.look_again), (vec![], Some(at(61))));
    assert_eq!(names(&asks, Verb::Get, JOBS), ["tick-1"]);
}

#[test]
fn a_job_that_only_the_cache_lacks_stays_in_the_list() {
    let mut world = world(json!({}), active("tick-1"));

    let asks = world.reconcile(&key(), at(80));
    world.grant(&key(), &asks.requests[0], job("tick-1", json!({})));

    assert!(world.reconcile(&key(), at(80)).requests.is_empty());
}

#[test]
fn a_job_it_does_not_know_is_told_unless_the_status_on_the_server_lists_it() {
    let mut world = world(json!({"suspend": true}), json!({}));
    world.put(JOBS, job("other", json!({})));

    let asks = world.reconcile(&key(), at(30));
    world.grant(&key(), &asks.requests[0], json!({"status": {"active": [{"uid": "uid-other"}]}}));
    let known = world.reconcile(&key(), at(30));
    let asks_again = world.reconcile(&key(), at(30));
    world.grant(&key(), &asks_again.requests[0], json!({"status": {}}));
    let unknown = world.reconcile(&key(), at(30));

    assert_eq!(names(&asks, Verb::Get, CRON_JOBS), ["tick"]);
    assert!(known.requests.is_empty());
    let message = "UnexpectedJob: Saw a job that the controller did not create or forgot: other";
    assert_eq!(events(&unknown), [message]);
}

#[test]
fn the_oldest_finished_jobs_go_beyond_what_is_kept_of_each_kind() {
    let limits =
        json!({"suspend": true, "successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 0});
    let mut world = world(limits, json!({"lastSuccessfulTime": time_text(500)}));
    world.put(JOBS, job("new", started("Complete", 300)));
    world.put(JOBS, job("old", started("Complete", 100)));
    world.put(JOBS, job("bad", started("Failed", 400)));

    let plan = world.reconcile(&key(), at(500));
    for request in plan.requests.clone() {
        world.grant(&key(), &request, json!({}));
    }
    let told = world.reconcile(&key(), at(500));

    assert_eq!(names(&plan, Verb::Delete, JOBS), ["old", "bad"]);
    assert_eq!(
        events(&told),
        ["SuccessfulDelete: Deleted job old", "SuccessfulDelete: Deleted job bad"]
    );
    assert!(requests(&told, Verb::Delete, JOBS).is_empty());
}

#[test]
fn without_limits_all_are_kept_and_a_refused_deletion_is_told() {
    let none = json!({"suspend": true, "successfulJobsHistoryLimit": null});
    let mut world = world(none, json!({"lastSuccessfulTime": time_text(500)}));
    world.put(JOBS, job("old", started("Complete", 100)));
    assert!(world.reconcile(&key(), at(500)).requests.is_empty());
    let one = json!({"suspend": true, "successfulJobsHistoryLimit": 0});
    put(&mut world, one, json!({"lastSuccessfulTime": time_text(500)}), "2");

    let plan = world.reconcile(&key(), at(500));
    world.refuse(&key(), &plan.requests[0], Reason::Forbidden);
    let told = world.reconcile(&key(), at(500));

    assert_eq!(events(&told), ["FailedDelete: Deleted job: refused"]);
}

#[test]
fn a_cron_job_that_is_going_counts_and_starts_nothing() {
    let mut world = world(json!({}), active("tick-1"));
    let mut going = cron_job(json!({}), active("tick-1"));
    going["metadata"]["deletionTimestamp"] = time_text(70).into();
    world.put(CRON_JOBS, going);
    world.put(JOBS, job("tick-1", finished("Complete", 70)));

    let plan = world.reconcile(&key(), at(600));

    assert!(requests(&plan, Verb::Create, JOBS).is_empty());
    assert_eq!(status(&plan).get("active"), None);
}

#[test]
fn a_schedule_that_cannot_be_kept_is_told_and_not_looked_at_again() {
    let table = [
        (
            json!({"schedule": "0 0 30 2 *"}),
            "InvalidSchedule: invalid schedule: 0 0 30 2 * : time difference between two schedules is less than 1 second",
        ),
        (
            json!({"schedule": "* *"}),
            "UnparseableSchedule: unparseable schedule: \"* *\" : expected exactly 5 fields, found 2: [* *]",
        ),
        (
            json!({"timeZone": "Moon/Crater"}),
            "UnknownTimeZone: invalid timeZone: \"Moon/Crater\": unknown time zone Moon/Crater",
        ),
    ];
    for (change, message) in table {
        let plan = world(change, json!({})).reconcile(&key(), at(600));

        assert_eq!(events(&plan), [message]);
        assert_eq!((plan.requests.len(), plan.look_again), (1, None));
    }
}

#[test]
fn a_time_zone_in_the_schedule_is_kept_and_warned_of() {
    let change = json!({"schedule": "TZ=Asia/Tokyo 0 9 * * *", "concurrencyPolicy": "Forbid"});
    let mut world = world(change, active("tick-0"));
    world.put(JOBS, job("tick-0", json!({})));

    let plan = world.reconcile(&key(), at(86_400));

    let messages = events(&plan);
    assert!(messages[0].starts_with(
        "UnsupportedSchedule: CRON_TZ or TZ used in schedule \"TZ=Asia/Tokyo 0 9 * * *\""
    ));
    assert!(messages[1].starts_with("JobAlreadyActive"));
}

#[test]
fn the_time_zone_says_when_it_is_due_and_how_the_time_is_written() {
    let change = json!({"schedule": "0 9 * * *", "timeZone": "Asia/Tokyo"});
    let mut world = world(change, json!({}));

    let early = world.reconcile(&key(), at(86_399));
    let due = world.reconcile(&key(), at(86_400));

    assert!(early.requests.is_empty());
    let annotations = &create(&due).body.as_ref().unwrap()["metadata"]["annotations"];
    assert_eq!(
        annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"],
        "1970-01-02T09:00:00+09:00"
    );
}

#[test]
fn a_new_schedule_does_not_start_what_was_due_before_it() {
    let mut world = world(json!({"schedule": "0 0 1 1 *"}), json!({}));
    put(&mut world, json!({}), json!({}), "2");

    let changed = world.reconcile(&key(), at(630));
    let early = world.reconcile(&key(), at(640));
    let due = world.reconcile(&key(), at(661));

    assert!(changed.requests.is_empty());
    assert_eq!(changed.look_again, Some(at(660) + std::time::Duration::from_millis(100)));
    assert!(early.requests.is_empty());
    assert_eq!(create(&due).body.as_ref().unwrap()["metadata"]["name"], "tick-11");
}

#[test]
fn a_new_schedule_that_cannot_be_read_is_told_once() {
    let mut world = world(json!({}), json!({}));
    put(&mut world, json!({"schedule": "never"}), json!({}), "2");

    let changed = world.reconcile(&key(), at(630));

    assert_eq!(
        events(&changed),
        ["UnParseableCronJobSchedule: unparseable schedule for cronjob: never"]
    );
    assert_eq!(changed.look_again, None);
}

#[test]
fn a_change_of_a_job_makes_its_cron_job_due() {
    let mut world = world(json!({}), json!({}));

    assert_eq!(world.put(JOBS, job("tick-1", json!({}))), [key()]);
    assert_eq!(world.remove(JOBS, &Key::new("default", "tick-1")), [key()]);
    let mut foreign = job("tick-1", json!({}));
    foreign["metadata"]["ownerReferences"][0]["uid"] = "another".into();
    assert!(world.put(JOBS, foreign).is_empty());
}

fn key() -> Key {
    Key::new("default", "tick")
}

/// A CronJob of every minute, since the epoch.
fn cron_job(change: Value, status: Value) -> Value {
    let template = json!({"metadata": {"labels": {"app": "tick"}, "annotations": {"a": "b"}},
        "spec": {"parallelism": 2, "template": {}}});
    let mut cron_job = json!({"metadata": {"name": "tick", "namespace": "default",
            "creationTimestamp": time_text(0)},
        "spec": {"schedule": "* * * * *", "jobTemplate": template,
            "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1},
        "status": status});
    cron_job["spec"].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    cron_job
}

fn world(change: Value, status: Value) -> World<CronJobController> {
    let mut world = World::new(CronJobController::default());
    put(&mut world, change, status, "1");
    world
}

fn put(world: &mut World<CronJobController>, change: Value, status: Value, version: &str) {
    let mut cron_job = cron_job(change, status);
    cron_job["metadata"]["resourceVersion"] = version.into();
    world.put(CRON_JOBS, cron_job);
}

/// A status with one active Job, started in the first minute.
fn active(name: &str) -> Value {
    let job =
        json!({"kind": "Job", "name": name, "namespace": "default", "uid": format!("uid-{name}")});
    json!({"active": [job], "lastScheduleTime": time_text(60)})
}

fn job(name: &str, status: Value) -> Value {
    json!({"metadata": {"name": name, "namespace": "default", "uid": format!("uid-{name}"),
            "resourceVersion": "1", "ownerReferences": owned_by("batch/v1", "CronJob", "tick")},
        "spec": {"template": {}}, "status": status})
}

fn finished(condition: &str, seconds: i64) -> Value {
    let completion = (condition == "Complete").then(|| time_text(seconds));
    json!({"conditions": [{"type": condition, "status": "True"}], "completionTime": completion})
}

fn started(condition: &str, seconds: i64) -> Value {
    let mut status = finished(condition, seconds + 10);
    status["startTime"] = time_text(seconds).into();
    status
}

fn create(plan: &Plan) -> &Request {
    requests(plan, Verb::Create, JOBS)[0]
}

/// Grants what a plan asks for, as a newer version.
fn settle(world: &mut World<CronJobController>, plan: &Plan) {
    for request in &plan.requests {
        let mut answer = request.body.clone().unwrap();
        answer["metadata"]["resourceVersion"] = "2".into();
        world.grant(&key(), request, answer);
    }
}

fn status(plan: &Plan) -> Value {
    requests(plan, Verb::Update, CRON_JOBS)[0].body.clone().unwrap()["status"].take()
}
