//! Pods that claim devices.

mod extended;
mod ready;
mod refused;

use api::{ApiResource, Verb, resources};

use super::*;
use crate::testing::{claim_of_one, device_claim, device_class, devices_on, pod_claiming, stored};

const CLAIMS: &ApiResource = &resources::RESOURCE_CLAIMS;

/// A scheduler with one node, which has one device.
fn with_one_device() -> Scheduler {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    hear(&mut scheduler, device_class(), 0);
    hear(&mut scheduler, devices_on("a", json!([{"name": "gpu-0"}])), 0);
    scheduler
}

fn hear(scheduler: &mut Scheduler, object: AnyObject, seconds: i64) {
    scheduler.observe(&Change { old: None, new: Some(object) }, at(seconds));
}

fn hear_change(scheduler: &mut Scheduler, (old, new): (AnyObject, AnyObject), seconds: i64) {
    scheduler.observe(&Change { old: Some(old), new: Some(new) }, at(seconds));
}

/// A pod with a claim of one device.
fn add_pod(scheduler: &mut Scheduler, name: &str) {
    hear(scheduler, claim_of_one(name), 0);
    observe_pod(scheduler, pod_claiming(name, &[name]));
}

/// The requests for claims.
fn of_claims(requests: &[Request]) -> Vec<&Request> {
    requests.iter().filter(|request| request.resource == CLAIMS).collect()
}

/// A request for a claim is granted; what is asked then.
fn grant(scheduler: &mut Scheduler, pod: &str, request: &Request, version: &str) -> Vec<Request> {
    let mut answer = request.body.clone().unwrap();
    answer["metadata"]["resourceVersion"] = json!(version);
    scheduler.completed(&key(pod), request, &Ok(answer), at(10))
}

fn refuse(scheduler: &mut Scheduler, pod: &str, request: &Request, reason: Reason) -> Vec<Request> {
    let refusal = Err(Status::new(reason, "refused"));
    scheduler.completed(&key(pod), request, &refusal, at(10))
}

/// Both writes of a pod's claim are granted.
fn grant_all(scheduler: &mut Scheduler, decision: &Decision) -> Vec<Request> {
    let pod = decision.pod.name.clone();
    let asked = of_claims(&decision.requests)[0].clone();
    let then = grant(scheduler, &pod, &asked, "2");
    grant(scheduler, &pod, &then[0], "3")
}

#[test]
fn a_claim_gets_its_finalizer_then_its_device_and_its_pod_then_the_pod_is_bound() {
    let mut scheduler = with_one_device();
    add_pod(&mut scheduler, "web");

    let first = schedule(&mut scheduler, 10);
    let begins = of_claims(&first.requests)[0].clone();
    let writes = grant(&mut scheduler, "web", &begins, "2");
    let before = scheduler.schedule_one(7, at(10));
    let more = grant(&mut scheduler, "web", &writes[0], "3");
    let second = schedule(&mut scheduler, 10);

    assert!(matches!(&first.outcome, Choice::Reserve { node, .. } if node == "a"));
    let nominated = first.requests[0].body.as_ref().unwrap();
    assert_eq!(nominated["status"]["nominatedNodeName"], "a");
    assert_eq!((begins.verb, begins.subresource), (Verb::Update, ""));
    let finalizers = &begins.body.as_ref().unwrap()["metadata"]["finalizers"];
    assert_eq!(*finalizers, json!(["resource.kubernetes.io/delete-protection"]));
    assert_eq!((writes[0].verb, writes[0].subresource), (Verb::Update, "status"));
    let results =
        json!([{"request": "gpu", "driver": "dra.example.com", "pool": "a", "device": "gpu-0"}]);
    let only_there = json!([{"key": "metadata.name", "operator": "In", "values": ["a"]}]);
    assert_eq!(
        writes[0].body.as_ref().unwrap()["status"],
        json!({
            "allocation": {
                "allocationTimestamp": "1970-01-01T00:00:10Z",
                "devices": {"results": results},
                "nodeSelector": {"nodeSelectorTerms": [{"matchFields": only_there}]},
            },
            "reservedFor": [{"resource": "pods", "name": "web", "uid": "uid-web"}],
        })
    );
    assert_eq!(before, None);
    assert!(more.is_empty());
    assert_eq!(chosen(&second), "a");
}

#[test]
fn what_is_being_allocated_is_nobody_elses() {
    let mut scheduler = with_one_device();
    add_pod(&mut scheduler, "web");
    add_pod(&mut scheduler, "xxl");

    let first = schedule(&mut scheduler, 10);
    let second = schedule(&mut scheduler, 10);
    grant_all(&mut scheduler, &first);
    let bound = schedule(&mut scheduler, 10);
    hear(&mut scheduler, devices_on("a", json!([{"name": "gpu-0"}, {"name": "gpu-1"}])), 20);
    let third = schedule(&mut scheduler, 30);

    assert_eq!(
        message(&second),
        "0/1 nodes are available: 1 cannot allocate all claims. still not schedulable, preemption: 0/1 nodes \
         are available: 1 Preemption is not helpful for scheduling."
    );
    assert_eq!((bound.pod.name.as_str(), chosen(&bound)), ("web", "a"));
    let begins = of_claims(&third.requests)[0].clone();
    let writes = grant(&mut scheduler, "xxl", &begins, "2");
    let status = &writes[0].body.as_ref().unwrap()["status"];
    assert_eq!(status["allocation"]["devices"]["results"][0]["device"], "gpu-1");
}

#[test]
fn a_claim_that_was_changed_meanwhile_is_read_again() {
    let mut scheduler = with_one_device();
    add_pod(&mut scheduler, "web");
    let first = schedule(&mut scheduler, 10);
    let begins = of_claims(&first.requests)[0].clone();

    let reads = refuse(&mut scheduler, "web", &begins, Reason::Conflict);
    let mut newer = begins.body.clone().unwrap();
    newer["metadata"]["resourceVersion"] = json!("5");
    newer["metadata"]["labels"] = json!({"new": "yes"});
    let writes = scheduler.completed(&key("web"), &reads[0], &Ok(newer), at(10));

    assert_eq!((reads[0].verb, reads[0].key.name.as_str()), (Verb::Get, "web"));
    assert_eq!(writes[0].subresource, "status");
    let metadata = &writes[0].body.as_ref().unwrap()["metadata"];
    assert_eq!(
        (&metadata["resourceVersion"], &metadata["labels"]["new"]),
        (&json!("5"), &json!("yes"))
    );
}

#[test]
fn a_claim_that_is_changed_too_often_is_given_up() {
    let mut scheduler = with_one_device();
    add_pod(&mut scheduler, "web");
    let first = schedule(&mut scheduler, 10);
    let mut asked = of_claims(&first.requests)[0].clone();
    let body = asked.body.clone().unwrap();

    let mut reads = 0;
    while let Some(read) = refuse(&mut scheduler, "web", &asked, Reason::Conflict).pop() {
        reads += 1;
        let mut then = scheduler.completed(&key("web"), &read, &Ok(body.clone()), at(10));
        asked = then.remove(0);
    }
    let failed = schedule(&mut scheduler, 10);

    assert_eq!(reads, 4);
    let why = "running PreBind plugin \"DynamicResources\": add allocation and reservation to claim default/web: ";
    assert!(message(&failed).starts_with(why), "{}", message(&failed));
}

#[test]
fn a_claim_that_cannot_be_written_frees_its_device() {
    let mut scheduler = with_one_device();
    add_pod(&mut scheduler, "web");
    let first = schedule(&mut scheduler, 10);
    let begins = of_claims(&first.requests)[0].clone();

    refuse(&mut scheduler, "web", &begins, Reason::Forbidden);
    let failed = schedule(&mut scheduler, 10);
    let again = schedule(&mut scheduler, 20);

    let why = "running PreBind plugin \"DynamicResources\": add finalizer to claim default/web: ";
    assert!(message(&failed).starts_with(why), "{}", message(&failed));
    assert!(matches!(again.outcome, Choice::Reserve { .. }));
}

#[test]
fn a_pod_that_cannot_be_bound_leaves_its_claim_to_others() {
    let mut scheduler = with_one_device();
    add_pod(&mut scheduler, "web");
    let first = schedule(&mut scheduler, 10);
    grant_all(&mut scheduler, &first);
    let bound = schedule(&mut scheduler, 10);

    let told = refuse(&mut scheduler, "web", &bound.requests[0], Reason::Conflict);

    assert_eq!((told[0].verb, told[0].subresource), (Verb::StrategicMergePatch, "status"));
    assert_eq!(
        told[0].body,
        Some(json!({"metadata": {"uid": "uid-web"},
            "status": {"reservedFor": [{"$patch": "delete", "uid": "uid-web"}]}}))
    );
}

#[test]
fn what_a_pod_that_goes_was_about_to_get_is_kept_until_that_is_answered() {
    let mut scheduler = with_one_device();
    add_pod(&mut scheduler, "web");
    add_pod(&mut scheduler, "xxl");
    let first = schedule(&mut scheduler, 10);
    schedule(&mut scheduler, 10);

    let gone = AnyObject::from(pod_claiming("web", &["web"]));
    scheduler.observe(&Change { old: Some(gone), new: None }, at(10));
    let before = schedule(&mut scheduler, 20);
    let begins = of_claims(&first.requests)[0].clone();
    refuse(&mut scheduler, "web", &begins, Reason::NotFound);
    let after = schedule(&mut scheduler, 40);

    assert_eq!((before.pod.name.as_str(), after.pod.name.as_str()), ("xxl", "xxl"));
    assert!(message(&before).contains("cannot allocate all claims"));
    assert!(matches!(after.outcome, Choice::Reserve { .. }));
}

#[test]
fn a_pod_is_not_looked_at_before_its_claims_are_there() {
    let mut scheduler = with_one_device();
    let spec = json!({"containers": [], "resourceClaims": [{"name": "g", "resourceClaimTemplateName": "t"}]});
    let old = pod_with("web", spec);
    observe_pod(&mut scheduler, Arc::clone(&old));
    let mut new = (*old).clone();
    let made = json!({"resourceClaimStatuses": [{"name": "g", "resourceClaimName": "web-g"}]});
    new.status = Some(serde_json::from_value(made).unwrap());
    let new = AnyObject::from(Arc::new(new));
    let owner = json!([{"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": "uid-web", "controller": true}]);
    let requests = json!([{"name": "gpu", "exactly": {"deviceClassName": "gpu"}}]);
    let mut claim = device_claim("web-g", json!({"requests": requests}));
    claim["metadata"]["ownerReferences"] = owner;

    let without = scheduler.schedule_one(7, at(10));
    hear_change(&mut scheduler, (AnyObject::from(old), new), 11);
    let with_name = scheduler.schedule_one(7, at(11));
    hear(&mut scheduler, node_object("b"), 12);
    let with_node = scheduler.schedule_one(7, at(12));
    let later = scheduler.schedule_one(7, at(400));
    hear(&mut scheduler, stored(CLAIMS, claim), 401);
    let with_claim = schedule(&mut scheduler, 401);

    assert_eq!((without, with_name, with_node, later), (None, None, None, None));
    assert!(matches!(with_claim.outcome, Choice::Reserve { .. }));
}

fn node_object(name: &str) -> AnyObject {
    AnyObject::from(node(name, json!({})))
}
