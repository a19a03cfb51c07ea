//! Attempts that are counted, once each.

use api::{Reason, Status};
use scheduler::Explanation;
use serde_json::{Value, json};

use super::super::text::Format;
use super::*;

/// What is counted of a scheduler that hears of one pod, `a`.
struct Counted {
    metrics: Metrics,
    scheduling: Scheduling,
}

impl Counted {
    fn new() -> Self {
        let metrics = Metrics::default();
        let mut counted = Self { scheduling: Scheduling::new(metrics.clone()), metrics };
        counted.sees(&pod("1", &json!({})));
        counted
    }

    fn sees(&mut self, pod: &Value) {
        let pod: Pod = serde_json::from_value(pod.clone()).unwrap();
        self.scheduling.observe(&Change { old: None, new: Some(AnyObject::Pod(pod.into())) });
    }

    fn decides(&mut self, outcome: Choice) {
        let decision = Decision {
            pod: Key::new("default", "a"),
            uid: "1".to_owned(),
            observed_revision: 1,
            outcome,
            requests: vec![],
            calls: vec![],
        };
        self.scheduling.decided(&decision, Instant::now());
    }

    fn hears(&mut self, outcome: &Outcome) {
        let pod = Key::new("default", "a");
        let request = Request::bind(pod.clone(), "1", "node-1");
        self.scheduling.completed(&pod, &request, outcome);
    }

    /// How many attempts ended so.
    fn attempts(&self, result: &str) -> u64 {
        let labels = format!("profile=\"default-scheduler\",result=\"{result}\"");
        self.number(&format!("scheduler_schedule_attempts_total{{{labels}}} "))
    }

    fn number(&self, series: &str) -> u64 {
        let mut text = Text::new(Format::Plain);
        self.metrics.shared.schedulers.write(&mut text);
        let text = text.finish();
        let line = text.lines().find_map(|line| line.strip_prefix(series));
        line.map_or(0, |number| number.parse().unwrap())
    }
}

fn pod(uid: &str, spec: &Value) -> Value {
    json!({"metadata": {"name": "a", "namespace": "default", "uid": uid}, "spec": spec})
}

fn bind() -> Choice {
    Choice::Bind { node: "node-1".to_owned(), explanation: Explanation::default() }
}

fn reserve() -> Choice {
    Choice::Reserve { node: "node-1".to_owned(), explanation: Explanation::default() }
}

fn failed() -> Choice {
    Choice::Failed { message: String::new() }
}

#[test]
fn a_reservation_and_what_comes_of_it_are_one_attempt() {
    let mut counted = Counted::new();
    counted.decides(reserve());
    counted.decides(failed());
    assert_eq!(counted.attempts("error"), 1);
    counted.decides(reserve());
    counted.decides(bind());
    counted.hears(&Ok(Value::Null));

    assert_eq!(counted.attempts("scheduled"), 1);
    assert_eq!(counted.number("scheduler_pod_scheduling_attempts_sum "), 2);
    assert_eq!(counted.number("scheduler_scheduling_algorithm_duration_seconds_count "), 2);
    counted.sees(&pod("1", &json!({"nodeName": "node-1"})));
    assert_eq!(counted.attempts("scheduled"), 1);
}

#[test]
fn a_pod_that_an_extender_binds_is_counted_when_it_has_its_node() {
    let mut counted = Counted::new();
    counted.decides(Choice::Ask);
    counted.decides(bind());
    assert_eq!(counted.attempts("scheduled"), 0);

    counted.sees(&pod("1", &json!({"nodeName": "node-1"})));

    assert_eq!(counted.attempts("scheduled"), 1);
    let series = "scheduler_pod_scheduling_sli_duration_seconds_count{attempts=\"1\"} ";
    assert_eq!(counted.number(series), 1);
}

#[test]
fn a_pod_that_others_bind_and_one_that_ends_are_no_attempts() {
    for (uid, spec) in [("1", json!({"nodeName": "node-1"})), ("2", json!({}))] {
        let mut counted = Counted::new();
        counted.decides(Choice::Unschedulable { message: String::new(), nominated: None });
        counted.sees(&pod(uid, &spec));
        counted.decides(bind());
        counted.hears(&Ok(Value::Null));

        assert_eq!(counted.attempts("unschedulable"), 1);
        // The second is another pod: it waited for one attempt, and not for two.
        let bound = u64::from(uid == "2");
        assert_eq!(counted.attempts("scheduled"), bound);
        assert_eq!(counted.number("scheduler_pod_scheduling_attempts_sum "), bound);
    }
}

#[test]
fn a_binding_that_is_refused_is_an_error() {
    let mut counted = Counted::new();
    counted.decides(bind());
    counted.hears(&Err(Status::new(Reason::Conflict, "it is bound")));

    assert_eq!([counted.attempts("error"), counted.attempts("scheduled")], [1, 0]);
}

#[test]
fn a_scheduler_that_has_stopped_keeps_nobody_waiting() {
    let counted = Counted::new();
    let pending = Pending { active: 3, gated: 1, ..Pending::default() };
    counted.scheduling.pending(pending);
    let active = "scheduler_pending_pods{queue=\"active\"} ";
    assert_eq!(counted.number(active), 3);

    let Counted { metrics, scheduling } = counted;
    drop(scheduling);

    let counted = Counted { scheduling: Scheduling::new(metrics.clone()), metrics };
    assert_eq!(counted.number(active), 0);
}
