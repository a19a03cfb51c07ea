//! Claims that get volumes, wait for them or lose them.

use super::*;

#[test]
fn a_claim_and_the_volume_that_fits_are_bound_to_each_other() {
    let big = volume("big", json!({"capacity": {"storage": "9Gi"}}));
    let cluster = Cluster::with(&[
        (VOLUMES, big),
        (VOLUMES, volume("v", json!({}))),
        (CLAIMS, claim("c", json!({}))),
    ]);

    let (claim, volume) = (cluster.claim("c"), cluster.volume("v"));
    assert_eq!(cluster.phases("c", "v"), (json!("Bound"), json!("Bound")));
    assert_eq!(claim["spec"]["volumeName"], "v");
    assert_eq!(claim["status"]["capacity"], json!({"storage": "1Gi"}));
    assert_eq!(claim["status"]["accessModes"], json!(["ReadWriteOnce"]));
    let marks = json!({"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"});
    assert_eq!(claim["metadata"]["annotations"], marks);
    assert_eq!(volume["spec"]["claimRef"]["uid"], "uid-c");
    assert_eq!(
        volume["metadata"]["annotations"],
        json!({"pv.kubernetes.io/bound-by-controller": "yes"})
    );
    assert_eq!(cluster.phases("c", "big").1, "Available");
}

#[test]
fn a_claim_without_a_volume_waits_and_says_so_once() {
    let mut cluster = Cluster::with(&[(CLAIMS, claim("c", json!({})))]);
    let said = cluster.said.clone();
    cluster.put(VOLUMES, volume("small", json!({"capacity": {"storage": "1Mi"}})));
    cluster.settle();

    let message =
        "FailedBinding: no persistent volumes available for this claim and no storage class is set";
    assert_eq!(said, [message]);
    assert_eq!(cluster.said, [message]);
    assert_eq!(cluster.phases("c", "small"), (json!("Pending"), json!("Available")));
}

#[test]
fn two_claims_never_get_the_same_volume_though_the_cache_is_behind() {
    let mut cluster = Cluster::with(&[(VOLUMES, volume("v", json!({})))]);
    for name in ["a", "b"] {
        cluster.put(CLAIMS, claim(name, json!({})));
    }
    let (first, second) = (Key::new("n", "a"), Key::new("n", "b"));

    let plan = cluster.world.reconcile(&first, at(10));
    let bound = &plan.requests[0];
    let mut answer = bound.body.clone().unwrap();
    answer["metadata"]["resourceVersion"] = json!("1000");
    cluster.world.grant(&first, bound, answer);
    let other = cluster.world.reconcile(&second, at(10));

    assert_eq!((bound.resource, bound.key.name.as_str()), (VOLUMES, "v"));
    assert!(other.requests.iter().all(|request| request.resource != VOLUMES), "{other:?}");
}

#[test]
fn a_volume_that_can_be_used_in_fewer_ways_is_taken_first() {
    let many = volume("a-many", json!({"accessModes": ["ReadWriteOnce", "ReadOnlyMany"]}));
    let cluster = Cluster::with(&[
        (VOLUMES, many),
        (VOLUMES, volume("b-one", json!({"capacity": {"storage": "2Gi"}}))),
        (CLAIMS, claim("c", json!({}))),
    ]);

    assert_eq!(cluster.claim("c")["spec"]["volumeName"], "b-one");
}

#[test]
fn a_claim_gets_the_volume_that_it_names() {
    let cluster = Cluster::with(&[
        (VOLUMES, volume("a", json!({}))),
        (VOLUMES, volume("b", json!({}))),
        (CLAIMS, claim("c", json!({"volumeName": "b"}))),
    ]);

    assert_eq!(cluster.phases("c", "b"), (json!("Bound"), json!("Bound")));
    let marks = json!({"pv.kubernetes.io/bind-completed": "yes"});
    assert_eq!(cluster.claim("c")["metadata"]["annotations"], marks);
}

#[test]
fn a_named_volume_that_does_not_fit_is_refused_with_the_reason() {
    let cases = [
        (json!({"capacity": {"storage": "1Mi"}}), "requested PV is too small"),
        (json!({"storageClassName": "x"}), "storageClassName does not match"),
        (json!({"volumeAttributesClassName": "x"}), "volumeAttributesClassName does not match"),
        (json!({"volumeMode": "Block"}), "incompatible volumeMode"),
        (json!({"accessModes": ["ReadOnlyMany"]}), "incompatible accessMode"),
    ];

    for (fields, why) in cases {
        let cluster = Cluster::with(&[
            (VOLUMES, volume("v", fields)),
            (CLAIMS, claim("c", json!({"volumeName": "v"}))),
        ]);
        let message = format!("VolumeMismatch: Cannot bind to requested volume \"v\": {why}");
        assert_eq!(cluster.said, [message]);
        assert_eq!(cluster.phases("c", "v"), (json!("Pending"), json!("Available")));
    }
}

#[test]
fn a_named_volume_of_somebody_else_is_not_taken() {
    let kept = volume("v", json!({"claimRef": {"namespace": "n", "name": "other"}}));
    let cluster =
        Cluster::with(&[(VOLUMES, kept), (CLAIMS, claim("c", json!({"volumeName": "v"})))]);

    assert_eq!(cluster.said, ["FailedBinding: volume \"v\" already bound to a different claim."]);
    assert_eq!(cluster.phases("c", "v").0, "Pending");
}

#[test]
fn a_claim_that_names_a_volume_which_is_not_there_gets_it_when_it_comes() {
    let mut cluster = Cluster::with(&[(CLAIMS, claim("c", json!({"volumeName": "v"})))]);
    let before = cluster.claim("c")["status"]["phase"].clone();
    cluster.put(VOLUMES, volume("v", json!({})));
    cluster.settle();

    assert_eq!(before, "Pending");
    assert_eq!(cluster.phases("c", "v"), (json!("Bound"), json!("Bound")));
}

#[test]
fn a_volume_that_is_kept_for_a_claim_goes_to_it() {
    let kept = volume("v", json!({"claimRef": {"namespace": "n", "name": "c"}}));
    let cluster = Cluster::with(&[(VOLUMES, kept), (CLAIMS, claim("c", json!({})))]);

    assert_eq!(cluster.phases("c", "v"), (json!("Bound"), json!("Bound")));
    assert!(cluster.volume("v")["metadata"]["annotations"].is_null());
}

#[test]
fn a_claim_that_loses_its_volume_is_lost() {
    let mut cluster =
        Cluster::with(&[(VOLUMES, volume("v", json!({}))), (CLAIMS, claim("c", json!({})))]);
    cluster.remove(VOLUMES, &Key::cluster("v"));
    cluster.settle();

    let message =
        "ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!";
    assert_eq!(cluster.said, [message]);
    let claim = cluster.claim("c");
    assert_eq!(claim["status"], json!({"phase": "Lost"}));
}

#[test]
fn a_bound_claim_that_names_no_volume_any_more_is_lost() {
    let mut bound = claim("c", json!({}));
    bound["metadata"]["annotations"] = json!({"pv.kubernetes.io/bind-completed": "yes"});
    let cluster = Cluster::with(&[(CLAIMS, bound)]);

    let message = "ClaimLost: Bound claim has lost reference to PersistentVolume. Data on the volume is lost!";
    assert_eq!(cluster.said, [message]);
}

#[test]
fn of_two_claims_that_are_bound_to_one_volume_the_wrong_one_is_lost() {
    let mut cluster =
        Cluster::with(&[(VOLUMES, volume("v", json!({}))), (CLAIMS, claim("c", json!({})))]);
    let mut other = claim("other", json!({"volumeName": "v"}));
    other["metadata"]["annotations"] = json!({"pv.kubernetes.io/bind-completed": "yes"});
    cluster.put(CLAIMS, other);
    cluster.settle();

    let message =
        "ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly";
    assert_eq!(cluster.said, [message]);
    assert_eq!(cluster.phases("other", "v"), (json!("Lost"), json!("Bound")));
    assert_eq!(cluster.claim("c")["status"]["phase"], "Bound");
}

#[test]
fn a_claim_has_the_attributes_class_of_its_volume_once_bound() {
    let fields = json!({"volumeAttributesClassName": "gold"});
    let cluster =
        Cluster::with(&[(VOLUMES, volume("v", fields.clone())), (CLAIMS, claim("c", fields))]);

    assert_eq!(cluster.claim("c")["status"]["currentVolumeAttributesClassName"], "gold");
}
