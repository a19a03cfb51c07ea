//! A candidate alone, answered by hand.

use serde_json::{Value, json};

use api::{Status, Verb};

use super::*;

#[test]
fn the_first_candidate_creates_the_lease_and_leads_from_the_answer_on() {
    let mut elector = elector("a");

    let asked = [ask(&mut elector, 0), not_found(&mut elector, 0), ask(&mut elector, 0)];
    let before = elector.leads(at(0));
    elector.answered(&Ok(body(&asked[2])), at(1));

    assert_eq!(verbs(&asked), [Verb::Get, Verb::Get, Verb::Create]);
    let path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
    assert_eq!(asked[2].path(), path);
    assert_eq!(spec(&asked[2], "holderIdentity"), "a");
    assert_eq!(spec(&asked[2], "leaseDurationSeconds"), 15);
    assert_eq!(spec(&asked[2], "leaseTransitions"), 0);
    assert_eq!((before, elector.leads(at(1)), elector.rival()), (false, true, None));
    assert_eq!(elector.next(at(2)), Step::Wait(at(3)));
}

#[test]
fn who_leads_writes_without_reading_and_stops_at_its_deadline() {
    let mut elector = leader("a");

    let renewal = ask(&mut elector, 2);
    elector.answered(&Err(Status::internal("down")), at(3));
    let look = ask(&mut elector, 3);
    elector.answered(&Err(Status::internal("down")), at(4));

    assert_eq!(verbs(&[renewal.clone(), look]), [Verb::Update, Verb::Get]);
    assert_eq!(spec(&renewal, "acquireTime"), "1970-01-01T00:00:00.000000Z");
    assert_eq!(spec(&renewal, "renewTime"), "1970-01-01T00:00:02.000000Z");
    assert_eq!((elector.leads(at(9)), elector.leads(at(10))), (true, false));
}

#[test]
fn a_lease_of_another_is_taken_once_it_was_silent_for_its_own_duration() {
    let mut elector = elector("b");
    let lease = json!({"metadata": {"name": "l", "resourceVersion": "7"},
        "spec": {"holderIdentity": "a", "leaseDurationSeconds": 5, "leaseTransitions": 1}});
    let mut renewed = lease.clone();
    renewed["spec"]["renewTime"] = json!("1970-01-01T00:00:02.000000Z");

    let first = answer(&mut elector, &lease, 0);
    let second = answer(&mut elector, &renewed, 4);
    let third = answer(&mut elector, &renewed, 8);
    // Annotated, but not renewed.
    renewed["metadata"]["resourceVersion"] = json!("9");
    let fourth = answer(&mut elector, &renewed, 10);
    let takes = ask(&mut elector, 10);

    let waits = |step: &Step| matches!(step, Step::Wait(_));
    assert!(waits(&first) && waits(&second) && waits(&third) && !waits(&fourth));
    assert_eq!(takes.verb, Verb::Update);
    assert_eq!(spec(&takes, "leaseTransitions"), 2);
    assert_eq!(body(&takes)["metadata"]["resourceVersion"], "9");
}

#[test]
fn a_lease_that_nobody_holds_and_one_of_its_own_are_taken_at_once() {
    for (holder, transitions) in [("", 2), ("a", 1)] {
        let mut elector = elector("a");
        let lease = json!({"metadata": {"name": "l"},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15, "leaseTransitions": 1}});

        answer(&mut elector, &lease, 0);
        let takes = ask(&mut elector, 0);

        assert_eq!(takes.verb, Verb::Update, "{holder:?}");
        assert_eq!(spec(&takes, "leaseTransitions"), transitions, "{holder:?}");
    }
}

#[test]
fn who_loses_the_race_for_a_lease_does_not_lead() {
    let mut elector = elector("b");
    ask(&mut elector, 0);
    not_found(&mut elector, 0);
    ask(&mut elector, 0);

    elector.answered(&Err(Status::new(Reason::AlreadyExists, "there is one")), at(0));

    assert!(!elector.leads(at(0)));
    assert_eq!(elector.next(at(1)), Step::Wait(at(2)));
    assert_eq!(ask(&mut elector, 2).verb, Verb::Get);
}

#[test]
fn who_sees_another_name_in_its_lease_stops_at_once() {
    let mut elector = leader("a");
    ask(&mut elector, 2);
    elector.answered(&Err(Status::new(Reason::Conflict, "it has changed")), at(2));

    let stolen = json!({"metadata": {"name": "l"},
        "spec": {"holderIdentity": "b", "leaseDurationSeconds": 15}});
    answer(&mut elector, &stolen, 2);

    assert_eq!((elector.leads(at(2)), elector.rival()), (false, Some("b")));
}

#[test]
fn a_garbled_lease_is_nobodys() {
    let mut elector = elector("a");

    answer(&mut elector, &json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": 7}}), 0);

    assert_eq!((elector.leads(at(0)), elector.rival()), (false, None));
}

#[test]
fn the_event_names_the_lease_and_the_replica() {
    let mut recorder = Recorder::new("kube-controller-manager", "");

    let event = leader("a").event(&mut recorder, "became leader", at(0)).unwrap();

    let event = body(&event);
    assert_eq!((&event["reason"], &event["type"]), (&json!("LeaderElection"), &json!("Normal")));
    assert_eq!(event["message"], "a became leader");
    assert_eq!(event["involvedObject"]["kind"], "Lease");
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn elector(identity: &str) -> Elector {
    Elector::new(Candidate::new("kube-controller-manager", identity))
}

/// One that leads since 0 s.
fn leader(identity: &str) -> Elector {
    let mut elector = elector(identity);
    ask(&mut elector, 0);
    not_found(&mut elector, 0);
    let create = ask(&mut elector, 0);
    elector.answered(&Ok(body(&create)), at(0));
    elector
}

fn ask(elector: &mut Elector, seconds: i64) -> Request {
    match elector.next(at(seconds)) {
        Step::Ask(request) => *request,
        Step::Wait(until) => panic!("it waits until {until}"),
    }
}

/// Says that there is no Lease. What was asked.
fn not_found(elector: &mut Elector, seconds: i64) -> Request {
    let request = ask(elector, seconds);
    elector.answered(&Err(Status::new(Reason::NotFound, "there is none")), at(seconds));
    request
}

/// Lets it read this Lease. What it does then.
fn answer(elector: &mut Elector, lease: &Value, seconds: i64) -> Step {
    assert_eq!(ask(elector, seconds).verb, Verb::Get);
    elector.answered(&Ok(lease.clone()), at(seconds));
    elector.next(at(seconds))
}

fn verbs(requests: &[Request]) -> Vec<Verb> {
    requests.iter().map(|request| request.verb).collect()
}

fn body(request: &Request) -> Value {
    request.body.clone().unwrap()
}

fn spec(request: &Request, field: &str) -> Value {
    body(request)["spec"][field].clone()
}
