//! Pods that get no devices, and what is said of that.

use super::*;

#[test]
fn a_claim_of_others_who_are_gone_loses_its_devices_where_it_keeps_a_pod_from_every_node() {
    let mut scheduler = with_one_device();
    let elsewhere =
        json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}]}]);
    let requests = json!([{"name": "gpu", "exactly": {"deviceClassName": "gpu"}}]);
    let mut claim = device_claim("web", json!({"requests": requests}));
    claim["status"] = json!({"allocation": {"nodeSelector": {"nodeSelectorTerms": elsewhere}}});
    hear(&mut scheduler, stored(CLAIMS, claim.clone()), 0);
    observe_pod(&mut scheduler, pod_claiming("web", &["web"]));

    let refused = schedule(&mut scheduler, 10);
    let frees = of_claims(&refused.requests)[0].clone();
    hear_change(&mut scheduler, (stored(CLAIMS, claim), claim_of_one("web")), 11);
    let again = schedule(&mut scheduler, 20);

    assert_eq!(
        message(&refused),
        "0/1 nodes are available: 1 resourceclaim not available on the node. deallocation of ResourceClaim \
         completed, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    );
    assert_eq!(frees.subresource, "status");
    assert_eq!(frees.body.as_ref().unwrap()["status"], json!({}));
    assert!(matches!(again.outcome, Choice::Reserve { .. }));
}

#[test]
fn a_selector_that_fails_is_told_and_the_pod_tried_again_after_its_backoff() {
    let mut scheduler = with_one_device();
    let expression = "device.attributes[\"dra.example.com\"].memory > 1";
    let exactly =
        json!({"deviceClassName": "gpu", "selectors": [{"cel": {"expression": expression}}]});
    let claim = device_claim("web", json!({"requests": [{"name": "gpu", "exactly": exactly}]}));
    hear(&mut scheduler, stored(CLAIMS, claim), 0);
    observe_pod(&mut scheduler, pod_claiming("web", &["web"]));

    let failed = schedule(&mut scheduler, 10);

    assert_eq!(
        failed.outcome,
        Choice::Failed {
            message: "running \"DynamicResources\" filter plugin: claim default/web: selector #0: CEL runtime \
                      error: no such key: memory"
                .to_owned()
        }
    );
    assert_eq!(message(&schedule(&mut scheduler, 20)), message(&failed));
}

#[test]
fn a_class_that_is_missing_is_waited_for() {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    hear(&mut scheduler, devices_on("a", json!([{"name": "gpu-0"}])), 0);
    add_pod(&mut scheduler, "web");

    let refused = schedule(&mut scheduler, 10);
    hear(&mut scheduler, device_class(), 15);
    let again = schedule(&mut scheduler, 20);

    assert_eq!(
        message(&refused),
        "0/1 nodes are available: request gpu: device class gpu does not exist. no new claims to deallocate, \
         preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    );
    assert!(matches!(again.outcome, Choice::Reserve { .. }));
}
