//! Tests of which tokens are marked and deleted, and which are left alone.

use api::{ApiResource, Reason};
use serde_json::Value;

use super::*;
use crate::testing::{World, at, names as touched, requests, time_text};

const SECRETS: &ApiResource = &resources::SECRETS;

/// Seconds of a day, counted from the first of 1970.
fn on(day: i64) -> i64 {
    day * DAY_SECONDS
}

fn secret(labels: Value) -> Value {
    let annotations = json!({"kubernetes.io/service-account.name": "robot"});
    json!({"metadata": {"name": "old", "namespace": "n", "labels": labels,
        "annotations": annotations, "creationTimestamp": time_text(on(1))},
        "type": SERVICE_ACCOUNT_TOKEN})
}

fn world(secret: Value) -> World<LegacyServiceAccountTokenCleaner> {
    let mut world = World::new(LegacyServiceAccountTokenCleaner::default());
    let secrets = json!([{"name": "old"}]);
    let account = json!({"metadata": {"name": "robot", "namespace": "n"}, "secrets": secrets});
    world.put(&resources::SERVICE_ACCOUNTS, account);
    assert_eq!(world.put(SECRETS, secret), [Key::cluster("secrets")]);
    world
}

/// A round at the beginning of a day, where the API server tells since the second of January of 1970.
fn round_on(world: &mut World<LegacyServiceAccountTokenCleaner>, day: i64) -> Plan {
    let key = Key::cluster("secrets");
    let asks = world.reconcile(&key, at(on(day)));
    assert_eq!(touched(&asks, Verb::Get, &resources::CONFIG_MAPS), [TRACKING.1]);
    world.grant(&key, &asks.requests[0], json!({"data": {"since": "1970-01-02"}}));
    world.reconcile(&key, at(on(day)))
}

/// The label that a round puts on a Secret.
fn marked(plan: &Plan) -> Option<Value> {
    let request = requests(plan, Verb::MergePatch, SECRETS).into_iter().next()?;
    Some(request.body.clone()?["metadata"]["labels"][INVALID_SINCE].clone())
}

#[test]
fn a_token_that_nobody_has_used_for_a_year_is_marked() {
    let never = round_on(&mut world(secret(json!({}))), 800);
    let long_ago = json!({LAST_USED: "1970-03-01"});
    let long_ago = round_on(&mut world(secret(long_ago)), 800);

    assert_eq!(marked(&never), Some(json!("1972-03-11")));
    assert_eq!(marked(&long_ago), Some(json!("1972-03-11")));
    assert_eq!(never.look_again, Some(at(on(801))));
}

#[test]
fn a_token_that_was_marked_a_year_ago_goes() {
    let label = |day: &str| secret(json!({INVALID_SINCE: day}));

    let long_ago = round_on(&mut world(label("1970-12-01")), 800);
    let lately = round_on(&mut world(label("1972-01-01")), 800);
    let badly = round_on(&mut world(label("soon")), 800);

    assert_eq!(touched(&long_ago, Verb::Delete, SECRETS), ["old"]);
    let options = long_ago.requests[0].body.clone().unwrap();
    assert_eq!(options["preconditions"]["resourceVersion"], "1");
    assert!(lately.requests.is_empty());
    assert!(marked(&badly).is_some());
}

#[test]
fn a_token_that_is_new_or_used_or_asked_for_is_left_alone() {
    let mut new = secret(json!({}));
    new["metadata"]["creationTimestamp"] = json!(time_text(on(700)));
    let mut of_another = secret(json!({}));
    of_another["metadata"]["annotations"]["kubernetes.io/service-account.uid"] = json!("another");
    let mut asked_for = secret(json!({}));
    asked_for["metadata"]["name"] = json!("asked-for");
    let mut opaque = secret(json!({}));
    opaque["type"] = json!("Opaque");
    let mut going = secret(json!({}));
    going["metadata"]["deletionTimestamp"] = json!(time_text(on(799)));
    let used = secret(json!({LAST_USED: "1972-01-01"}));
    let badly_labelled = secret(json!({LAST_USED: "yesterday"}));
    for secret in [new, of_another, asked_for, opaque, going, used, badly_labelled] {
        let plan = round_on(&mut world(secret.clone()), 800);

        assert!(plan.requests.is_empty(), "{secret}");
    }
}

#[test]
fn a_token_that_a_pod_uses_is_left_alone() {
    let volume = |volume: Value| json!({"containers": [], "volumes": [volume]});
    let container = |fields: Value| {
        let mut container = json!({"name": "c"});
        container.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({"containers": [container]})
    };
    let variable = json!({"name": "A", "valueFrom": {"secretKeyRef": {"name": "old", "key": "k"}}});
    let specs = [
        volume(json!({"name": "v", "secret": {"secretName": "old"}})),
        volume(json!({"name": "v", "projected": {"sources": [{"secret": {"name": "old"}}]}})),
        volume(
            json!({"name": "v", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "old"}}}),
        ),
        container(json!({"env": [variable]})),
        container(json!({"envFrom": [{"secretRef": {"name": "old"}}]})),
        json!({"containers": [], "imagePullSecrets": [{"name": "old"}]}),
    ];
    for spec in specs {
        let mut world = world(secret(json!({})));
        let pod = json!({"metadata": {"name": "web", "namespace": "n"}, "spec": spec});
        world.put(&resources::PODS, pod);

        assert!(round_on(&mut world, 800).requests.is_empty(), "{spec}");
    }
}

#[test]
fn nothing_is_done_before_uses_have_been_told_for_a_year() {
    let early = round_on(&mut world(secret(json!({}))), 366);
    let late = round_on(&mut world(secret(json!({}))), 367);
    let mut untold = world(secret(json!({})));
    let key = Key::cluster("secrets");
    let asks = untold.reconcile(&key, at(on(800)));
    untold.refuse(&key, &asks.requests[0], Reason::NotFound);
    let untold = untold.reconcile(&key, at(on(800)));

    assert_eq!((early.requests.len(), early.look_again), (0, Some(at(on(367)))));
    assert!(marked(&late).is_some());
    assert_eq!((untold.requests.len(), untold.look_again), (0, Some(at(on(801)))));
}

#[test]
fn between_rounds_nothing_is_asked() {
    let mut world = world(secret(json!({})));
    round_on(&mut world, 800);

    let due = world.put(SECRETS, secret(json!({"a": "b"})));
    let plan = world.reconcile(&Key::cluster("secrets"), at(on(800) + 1));

    assert!(due.is_empty());
    assert_eq!(plan, Plan { requests: vec![], look_again: Some(at(on(801))) });
}
