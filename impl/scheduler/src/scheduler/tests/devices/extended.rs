//! Pods that get devices for their extended resources.

use super::*;
use crate::testing::class_for;

const GPU: &str = "example.com/gpu";

/// A scheduler with one node, which has one device, and a class that stands for `example.com/gpu`.
fn with_class() -> Scheduler {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    hear(&mut scheduler, class_for("gpu", GPU), 0);
    hear(&mut scheduler, devices_on("a", json!([{"name": "gpu-0"}])), 0);
    scheduler
}

fn wants_gpu(name: &str) -> Arc<Pod> {
    pod(name, json!({"requests": {GPU: "1"}}))
}

/// The creation of a claim is granted; what is asked then.
fn make(scheduler: &mut Scheduler, decision: &Decision) -> Vec<Request> {
    let pod = decision.pod.name.clone();
    let creation = of_claims(&decision.requests)[0].clone();
    scheduler.completed(&key(&pod), &creation, &Ok(made(&creation)), at(10))
}

/// A claim as it was created.
fn made(creation: &Request) -> Value {
    let mut claim = creation.body.clone().unwrap();
    claim["metadata"]["name"] = json!("made");
    claim["metadata"]["uid"] = json!("uid-made");
    claim["metadata"]["resourceVersion"] = json!("1");
    claim
}

/// All that is asked for the claim of a pod is granted, and the pod is told; the claim as it is then.
fn write(scheduler: &mut Scheduler, decision: &Decision) -> Value {
    let pod = decision.pod.name.clone();
    let begins = make(scheduler, decision);
    let writes = grant(scheduler, &pod, &begins[0], "2");
    let tells = grant(scheduler, &pod, &writes[0], "3");
    scheduler.completed(&key(&pod), &tells[0], &Ok(json!({})), at(10));
    let mut claim = writes[0].body.clone().unwrap();
    claim["metadata"]["resourceVersion"] = json!("3");
    claim
}

/// Which claims are updated and deleted, `VERB NAME`.
fn said(requests: &[Request]) -> Vec<String> {
    let of_claims = of_claims(requests).into_iter();
    of_claims.map(|request| format!("{:?} {}", request.verb, request.key.name)).collect()
}

#[test]
fn a_claim_is_made_and_written_and_the_pod_told_and_bound_once_the_claim_is_seen() {
    let mut scheduler = with_class();
    observe_pod(&mut scheduler, wants_gpu("web"));

    let first = schedule(&mut scheduler, 10);
    let begins = make(&mut scheduler, &first);
    let writes = grant(&mut scheduler, "web", &begins[0], "2");
    let tells = grant(&mut scheduler, "web", &writes[0], "3");
    scheduler.completed(&key("web"), &tells[0], &Ok(json!({})), at(10));
    let before = scheduler.schedule_one(7, at(10));
    hear(&mut scheduler, stored(CLAIMS, made(of_claims(&first.requests)[0])), 11);
    let second = schedule(&mut scheduler, 11);

    assert!(matches!(&first.outcome, Choice::Reserve { node, .. } if node == "a"));
    let creation = of_claims(&first.requests)[0];
    assert_eq!((creation.verb, creation.key.namespace.as_str()), (Verb::Create, "default"));
    let body = creation.body.as_ref().unwrap();
    assert_eq!(body["metadata"]["generateName"], "web-extended-resources-");
    assert_eq!((&body["metadata"]["name"], &body["status"]), (&Value::Null, &Value::Null));
    let exactly = json!({"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 1});
    let requests = json!([{"name": "container-0-request-0", "exactly": exactly}]);
    assert_eq!(body["spec"], json!({"devices": {"requests": requests}}));
    assert_eq!((begins[0].verb, begins[0].key.name.as_str()), (Verb::Update, "made"));
    let status = &writes[0].body.as_ref().unwrap()["status"];
    assert_eq!(status["allocation"]["devices"]["results"][0]["device"], "gpu-0");
    assert_eq!(status["reservedFor"][0]["uid"], "uid-web");
    let mapping =
        json!({"containerName": "c", "resourceName": GPU, "requestName": "container-0-request-0"});
    assert_eq!((tells[0].resource, tells[0].subresource), (&resources::PODS, "status"));
    assert_eq!(
        tells[0].body.as_ref().unwrap()["status"],
        json!({"extendedResourceClaimStatus": {"resourceClaimName": "made", "requestMappings": [mapping]}})
    );
    assert_eq!(before, None);
    assert_eq!(chosen(&second), "a");
}

#[test]
fn what_such_a_pod_gets_is_nobody_elses_before_and_after_its_claim_is_seen() {
    let mut scheduler = with_class();
    observe_pod(&mut scheduler, wants_gpu("web"));
    let first = schedule(&mut scheduler, 10);
    let refused = |scheduler: &mut Scheduler, name: &str, seconds: i64| {
        observe_pod(scheduler, wants_gpu(name));
        message(&schedule(scheduler, seconds)).contains("1 cannot allocate all claims")
    };

    let while_made = refused(&mut scheduler, "b", 10);
    let claim = write(&mut scheduler, &first);
    let while_unseen = refused(&mut scheduler, "c", 10);
    hear(&mut scheduler, stored(CLAIMS, claim), 11);
    schedule(&mut scheduler, 11);
    let when_bound = refused(&mut scheduler, "d", 11);

    assert_eq!((while_made, while_unseen, when_bound), (true, true, true));
}

#[test]
fn what_a_pod_had_is_free_once_its_claim_is_gone() {
    let mut scheduler = with_class();
    observe_pod(&mut scheduler, wants_gpu("web"));
    let first = schedule(&mut scheduler, 10);
    let claim = stored(CLAIMS, write(&mut scheduler, &first));
    hear(&mut scheduler, claim.clone(), 11);
    schedule(&mut scheduler, 11);

    let gone = AnyObject::from(wants_gpu("web"));
    [gone, claim].into_iter().for_each(|gone| {
        scheduler.observe(&Change { old: Some(gone), new: None }, at(12));
    });
    observe_pod(&mut scheduler, wants_gpu("xxl"));
    let next = schedule(&mut scheduler, 12);

    assert!(matches!(next.outcome, Choice::Reserve { .. }));
}

#[test]
fn a_claim_that_cannot_be_made_frees_its_device() {
    let mut scheduler = with_class();
    observe_pod(&mut scheduler, wants_gpu("web"));
    let first = schedule(&mut scheduler, 10);

    refuse(&mut scheduler, "web", of_claims(&first.requests)[0], Reason::Forbidden);
    let failed = schedule(&mut scheduler, 10);
    let again = schedule(&mut scheduler, 20);

    let why = "running PreBind plugin \"DynamicResources\": create claim for extended resources default/: ";
    assert!(message(&failed).starts_with(why), "{}", message(&failed));
    assert!(of_claims(&failed.requests).is_empty());
    assert!(matches!(again.outcome, Choice::Reserve { .. }));
}

#[test]
fn a_claim_of_which_the_pod_cannot_be_told_is_deleted() {
    let mut scheduler = with_class();
    observe_pod(&mut scheduler, wants_gpu("web"));
    let first = schedule(&mut scheduler, 10);
    let begins = make(&mut scheduler, &first);
    let writes = grant(&mut scheduler, "web", &begins[0], "2");
    let tells = grant(&mut scheduler, "web", &writes[0], "3");

    refuse(&mut scheduler, "web", &tells[0], Reason::Forbidden);
    let failed = schedule(&mut scheduler, 10);

    let why = "running PreBind plugin \"DynamicResources\": update pod default/web ExtendedResourceClaimStatus: ";
    assert!(message(&failed).starts_with(why), "{}", message(&failed));
    assert_eq!(said(&failed.requests), ["Update made", "Delete made"]);
    let body = of_claims(&failed.requests)[0].body.as_ref().unwrap();
    assert_eq!(body["metadata"]["finalizers"], json!([]));
}

#[test]
fn the_claim_of_a_pod_that_cannot_be_bound_is_deleted() {
    let mut scheduler = with_class();
    observe_pod(&mut scheduler, wants_gpu("web"));
    let first = schedule(&mut scheduler, 10);
    let claim = write(&mut scheduler, &first);
    hear(&mut scheduler, stored(CLAIMS, claim), 11);
    let bound = schedule(&mut scheduler, 11);

    let told = refuse(&mut scheduler, "web", &bound.requests[0], Reason::Conflict);
    let update = of_claims(&told)[0].clone();
    let more = grant(&mut scheduler, "web", &update, "4");

    assert_eq!(said(&told), ["Update made", "Delete made"]);
    assert!(more.is_empty());
}

#[test]
fn a_claim_that_is_made_too_late_is_deleted_and_its_device_free() {
    let mut scheduler = with_class();
    observe_pod(&mut scheduler, wants_gpu("web"));
    observe_pod(&mut scheduler, wants_gpu("xxl"));
    let first = schedule(&mut scheduler, 10);
    schedule(&mut scheduler, 10);

    let gone = AnyObject::from(wants_gpu("web"));
    scheduler.observe(&Change { old: Some(gone), new: None }, at(10));
    let before = schedule(&mut scheduler, 20);
    let deletes = make(&mut scheduler, &first);
    let after = schedule(&mut scheduler, 40);
    let more: Vec<Request> = deletes
        .iter()
        .flat_map(|request| scheduler.completed(&key("web"), request, &Ok(json!({})), at(40)))
        .collect();

    assert!(message(&before).contains("cannot allocate all claims"));
    assert_eq!(said(&deletes), ["Update made", "Delete made"]);
    assert!(matches!(after.outcome, Choice::Reserve { .. }));
    assert!(more.is_empty());
}

#[test]
fn a_claim_whose_later_write_is_answered_too_late_is_deleted() {
    let mut scheduler = with_class();
    observe_pod(&mut scheduler, wants_gpu("web"));
    let first = schedule(&mut scheduler, 10);
    let begins = make(&mut scheduler, &first);
    let gone = AnyObject::from(wants_gpu("web"));
    scheduler.observe(&Change { old: Some(gone), new: None }, at(10));

    let deletes = refuse(&mut scheduler, "web", &begins[0], Reason::Conflict);
    observe_pod(&mut scheduler, wants_gpu("xxl"));
    let next = schedule(&mut scheduler, 20);

    assert_eq!(said(&deletes), ["Update made", "Delete made"]);
    assert!(matches!(next.outcome, Choice::Reserve { .. }));
}

#[test]
fn a_claim_that_an_earlier_scheduler_has_left_is_deleted() {
    let mut scheduler = with_class();
    let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": "uid-web", "controller": true});
    let metadata = json!({"name": "left", "resourceVersion": "1", "ownerReferences": [owner],
        "annotations": {"resource.kubernetes.io/extended-resource-claim": "true"}});
    hear(&mut scheduler, stored(CLAIMS, json!({"metadata": metadata, "spec": {}})), 0);
    observe_pod(&mut scheduler, wants_gpu("web"));

    let refused = schedule(&mut scheduler, 10);

    assert_eq!(
        message(&refused),
        "0/1 nodes are available: 1 cannot schedule extended resource claim. deletion of ResourceClaim \
         completed, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    );
    assert_eq!(said(&refused.requests), ["Update left", "Delete left"]);
}

#[test]
fn pods_of_one_kind_are_told_apart_by_what_is_left_for_them() {
    let mut scheduler = with_class();
    ["b", "c", "d"].into_iter().for_each(|name| observe_pod(&mut scheduler, wants_gpu(name)));
    let decisions: Vec<Decision> = (0..3).map(|_| schedule(&mut scheduler, 10)).collect();

    assert!(matches!(decisions[0].outcome, Choice::Reserve { .. }));
    let refused = |decision: &Decision| message(decision).contains("1 cannot allocate all claims");
    assert!(refused(&decisions[1]) && refused(&decisions[2]));
}

#[test]
fn a_class_that_comes_counts_for_pods_of_a_kind_that_is_known() {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    hear(&mut scheduler, devices_on("a", json!([{"name": "gpu-0"}])), 0);
    ["b", "c", "d"].into_iter().for_each(|name| observe_pod(&mut scheduler, wants_gpu(name)));
    let before: Vec<Decision> = (0..3).map(|_| schedule(&mut scheduler, 10)).collect();

    hear(&mut scheduler, class_for("gpu", GPU), 11);
    let after = schedule(&mut scheduler, 60);

    let lacks = |decision| message(decision).contains("1 Insufficient example.com/gpu");
    assert!(before.iter().all(lacks));
    assert!(matches!(after.outcome, Choice::Reserve { .. }));
}
