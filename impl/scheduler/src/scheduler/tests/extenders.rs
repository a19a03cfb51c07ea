//! Extenders that are asked, answer, lie and fail.

use super::profiles::{configured, pod_of};
use super::*;
use crate::extender::{Call, Stage};

const FILTERING: &str =
    "extenders: [{urlPrefix: 'http://e/', filterVerb: filter, nodeCacheCapable: true}]";

fn three() -> Vec<Arc<Node>> {
    ["a", "b", "c"].map(|name| node(name, json!({}))).into()
}

/// A scheduler with extenders and three nodes, and the calls that it makes about a pod.
fn asked(rest: &str) -> (Scheduler, Vec<Call>) {
    let mut scheduler = configured(rest, &three());
    observe_pod(&mut scheduler, pod("web", cpu("1")));
    let decision = schedule(&mut scheduler, 10);
    assert_eq!(decision.outcome, Choice::Ask);
    assert!(decision.requests.is_empty());
    (scheduler, decision.calls)
}

fn answer(scheduler: &mut Scheduler, call: &Call, answer: Value) -> Vec<Request> {
    scheduler.answered(call, Ok(answer.to_string().into_bytes()), at(11))
}

#[test]
fn an_extender_is_asked_about_the_feasible_nodes_and_only_those_it_leaves_are_taken() {
    let (mut scheduler, calls) = asked(FILTERING);
    let [call] = &*calls else { panic!() };
    assert_eq!((call.url.as_str(), call.stage), ("http://e/filter", Stage::Filter));
    assert_eq!(call.body["NodeNames"], json!(["a", "b", "c"]));
    assert_eq!(call.body["Pod"]["metadata"]["name"], "web");
    observe_pod(&mut scheduler, pod("other", cpu("1")));
    assert_eq!(scheduler.schedule_one(7, at(11)), None);
    assert_eq!(scheduler.next_deadline(), None);

    answer(&mut scheduler, call, json!({"nodenames": ["c"], "failedNodes": {"a": "no"}}));

    assert_eq!(scheduler.next_deadline(), Some(at(11)));
    let decision = schedule(&mut scheduler, 11);
    assert_eq!((chosen(&decision), decision.pod.name.as_str()), ("c", "web"));
}

#[test]
fn an_extender_that_knows_no_nodes_is_told_them_whole() {
    let rest = FILTERING.replace("true", "false");
    let (mut scheduler, calls) = asked(&rest);
    assert_eq!(calls[0].body["NodeNames"], Value::Null);
    assert_eq!(calls[0].body["Nodes"]["items"][1]["metadata"]["name"], "b");

    let items = json!([{"metadata": {"name": "b"}}]);
    answer(&mut scheduler, &calls[0], json!({"Nodes": {"items": items}}));

    assert_eq!(chosen(&schedule(&mut scheduler, 11)), "b");
}

#[test]
fn what_extenders_have_against_nodes_is_told_and_any_change_may_help() {
    let (mut scheduler, calls) = asked(FILTERING);
    let failed = json!({"a": "too dark"});
    let never = json!({"b": "too far"});
    let answered =
        json!({"NodeNames": [], "FailedNodes": failed, "FailedAndUnresolvableNodes": never});
    answer(&mut scheduler, &calls[0], answered);

    let told = "0/3 nodes are available: 1 too dark, 1 too far. no new claims to deallocate, preemption: \
        0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not \
        helpful for scheduling.";
    let decision = schedule(&mut scheduler, 11);
    assert_eq!(message(&decision), told);
    observe_node(&mut scheduler, node("d", json!({})), 20);
    assert_eq!(schedule(&mut scheduler, 30).outcome, Choice::Ask);
}

/// The message of a pod whose extender answers so.
fn refusal(rest: &str, answered: Result<&str, &str>) -> Decision {
    let (mut scheduler, calls) = asked(rest);
    let answered = answered.map(|text| text.as_bytes().to_vec()).map_err(str::to_owned);
    scheduler.answered(&calls[0], answered, at(11));
    schedule(&mut scheduler, 11)
}

#[test]
fn an_extender_that_lies_or_fails_fails_the_pod_in_upstreams_words() {
    let claims = "extender \"http://e\" claims a filtered node \"x\" which is not found in the input node list";
    for (answered, expected) in [
        (Ok("{\"NodeNames\": [\"x\"]}"), claims),
        (Ok("{\"Error\": \"tired\"}"), "tired"),
        (Ok(""), "EOF"),
        (Ok("garbage"), "invalid character 'g' looking for beginning of value"),
        (Ok("[]"), "json: cannot unmarshal array into Go value of type v1.ExtenderFilterResult"),
        (
            Err("failed filter with extender at URL http://e/filter, code 500"),
            "failed filter with extender at URL http://e/filter, code 500",
        ),
    ] {
        let decision = refusal(FILTERING, answered);
        assert_eq!(decision.outcome, Choice::Failed { message: expected.to_owned() });
        let event = decision.requests[0].body.clone().unwrap();
        assert_eq!(
            (&event["reason"], &event["message"]),
            (&json!("FailedScheduling"), &json!(expected))
        );
        let condition = decision.requests[1].body.clone().unwrap();
        assert_eq!(condition["status"]["conditions"][0]["reason"], "SchedulerError");
    }
    assert!(message(&refusal(FILTERING, Ok("{"))).starts_with("json parse error: "));
}

#[test]
fn a_pod_that_an_extender_failed_is_tried_again_after_its_backoff() {
    let (mut scheduler, calls) = asked(FILTERING);
    scheduler.answered(&calls[0], Err("no".to_owned()), at(11));
    schedule(&mut scheduler, 11);

    assert_eq!(scheduler.next_deadline(), Some(at(12)));
    assert_eq!(schedule(&mut scheduler, 12).outcome, Choice::Ask);
}

#[test]
fn an_extender_that_may_fail_is_left_out_when_it_does_and_asked_last() {
    let rest = "extenders: [{urlPrefix: 'http://may', filterVerb: f, ignorable: true, nodeCacheCapable: true}, \
        {urlPrefix: 'http://must', filterVerb: f, nodeCacheCapable: true}]";
    let (mut scheduler, calls) = asked(rest);
    assert_eq!(calls[0].url, "http://must/f");
    answer(&mut scheduler, &calls[0], json!({"NodeNames": ["b", "c"]}));

    let second = schedule(&mut scheduler, 11).calls;
    assert_eq!(
        (second[0].url.as_str(), &second[0].body["NodeNames"]),
        ("http://may/f", &json!(["b", "c"]))
    );
    scheduler.answered(&second[0], Err("no".to_owned()), at(12));

    assert_eq!(chosen(&schedule(&mut scheduler, 12)), "b");
}

#[test]
fn extenders_score_side_by_side_and_one_that_fails_does_not_count() {
    let one = |name: &str, weight: i32| {
        format!(
            "{{urlPrefix: 'http://{name}', prioritizeVerb: p, weight: {weight}, nodeCacheCapable: true}}"
        )
    };
    let (mut scheduler, calls) = asked(&format!("extenders: [{}, {}]", one("x", 5), one("y", 1)));
    assert_eq!(calls.len(), 2);
    let scores =
        json!([{"Host": "c", "Score": 2}, {"host": "b", "score": 1}, {"Host": "?", "Score": 9}]);
    answer(&mut scheduler, &calls[0], scores);
    assert_eq!(scheduler.next_deadline(), None);
    scheduler.answered(&calls[1], Err("no".to_owned()), at(11));

    let Choice::Bind { node, explanation } = schedule(&mut scheduler, 11).outcome else { panic!() };
    assert_eq!(node, "c");
    assert_eq!(explanation.scores.last(), Some(&("Extender", 100)));
}

#[test]
fn only_pods_that_want_a_managed_resource_are_asked_about_and_it_may_be_ignored() {
    let rest = "extenders: [{urlPrefix: 'http://e', filterVerb: f, nodeCacheCapable: true, managedResources: \
        [{name: example.com/foo, ignoredByScheduler: true}]}]";
    let mut scheduler = configured(rest, &three());
    observe_pod(&mut scheduler, pod("web", cpu("1")));
    assert_eq!(chosen(&schedule(&mut scheduler, 10)), "a");
    let wants =
        json!({"containers": [{"name": "c", "resources": {"requests": {"example.com/foo": "1"}}}]});
    observe_pod(&mut scheduler, pod_of("default-scheduler", "foo", wants));

    let decision = schedule(&mut scheduler, 10);

    assert_eq!(decision.calls[0].body["NodeNames"], json!(["a", "b", "c"]));
}

#[test]
fn an_extender_binds_instead_of_the_scheduler_and_its_refusal_frees_the_room() {
    let rest = "extenders: [{urlPrefix: 'http://e', bindVerb: bind}]";
    for answered in [json!({}), json!({"Error": "taken"})] {
        let mut scheduler = configured(rest, &three());
        observe_pod(&mut scheduler, pod("web", cpu("1")));
        let decision = schedule(&mut scheduler, 10);
        assert_eq!(chosen(&decision), "a");
        assert!(decision.requests.is_empty());
        assert_eq!(
            decision.calls[0].body,
            json!({"PodName": "web", "PodNamespace": "default", "PodUID": "uid-web", "Node": "a"})
        );

        let told = answer(&mut scheduler, &decision.calls[0], answered.clone());

        let event = told[0].body.clone().unwrap();
        let expected = match answered["Error"].as_str() {
            None => "Successfully assigned default/web to a",
            Some(error) => error,
        };
        assert_eq!(event["message"], expected);
        let again = scheduler.schedule_one(7, at(12)).is_some();
        assert_eq!(again, answered["Error"].is_string());
    }
}

#[test]
fn the_scheduler_binds_where_an_extender_that_may_fail_does_not() {
    let rest = "extenders: [{urlPrefix: 'http://e', bindVerb: bind, ignorable: true}]";
    let mut scheduler = configured(rest, &three());
    observe_pod(&mut scheduler, pod("web", cpu("1")));
    let decision = schedule(&mut scheduler, 10);

    let requests = scheduler.answered(&decision.calls[0], Err("no".to_owned()), at(11));

    assert_eq!(requests, [Request::bind(key("web"), "uid-web", "a")]);
}

#[test]
fn a_pod_that_is_deleted_while_an_extender_is_asked_holds_up_nobody() {
    let (mut scheduler, calls) = asked(FILTERING);
    let web = AnyObject::from(pod("web", cpu("1")));
    scheduler.observe(&Change { old: Some(web), new: None }, at(11));
    observe_pod(&mut scheduler, pod("other", cpu("1")));

    let other = schedule(&mut scheduler, 12);
    assert_eq!((other.pod.name.as_str(), &other.outcome), ("other", &Choice::Ask));
    answer(&mut scheduler, &calls[0], json!({"NodeNames": ["a"]}));
    assert_eq!(scheduler.schedule_one(7, at(13)), None);
}

#[test]
fn an_extender_says_who_may_go() {
    let rest = "extenders: [{urlPrefix: 'http://e', preemptVerb: preempt, nodeCacheCapable: true}]";
    let of = |answered: Value| {
        let mut scheduler = configured(rest, &three()[..2]);
        for node in ["a", "b"] {
            let containers = json!([{"name": "c", "resources": cpu("2")}]);
            let spec = json!({"nodeName": node, "containers": containers});
            observe_pod(&mut scheduler, pod_with(&format!("on-{node}"), spec));
        }
        let spec = json!({"priority": 9, "containers": [{"name": "c", "resources": cpu("2")}]});
        observe_pod(&mut scheduler, pod_of("default-scheduler", "web", spec));
        let calls = schedule(&mut scheduler, 10).calls;
        let victims = &calls[0].body["NodeNameToMetaVictims"]["b"];
        assert_eq!(*victims, json!({"Pods": [{"UID": "uid-on-b"}], "NumPDBViolations": 0}));
        answer(&mut scheduler, &calls[0], answered);
        let Choice::Unschedulable { message, nominated, .. } = schedule(&mut scheduler, 11).outcome
        else {
            panic!()
        };
        (message, nominated)
    };
    let victims =
        |node: &str, uid: &str| json!({"NodeNameToMetaVictims": {node: {"Pods": [{"UID": uid}]}}});
    let error = "0/2 nodes are available: 2 Insufficient cpu.";

    assert_eq!(of(victims("b", "uid-on-b")), (error.to_owned(), Some("b".to_owned())));
    let none = format!(
        "{error} no new claims to deallocate, preemption: no candidate node for preemption"
    );
    assert_eq!(of(json!({})), (none, None));
    let lies = format!(
        "{error} preemption: extender: http://e claims to preempt pod (UID: &{{x}}) on node: b, but the pod is \
         not found on that node"
    );
    assert_eq!(of(victims("b", "x")), (lies, None));
    let nowhere = format!("{error} preemption: nodeinfo not found for node name \"z\"");
    assert_eq!(of(victims("z", "x")), (nowhere, None));
}
