//! Volumes whose claims go, or are bound elsewhere.

use api::Reason;

use super::*;
use crate::testing::requests;

/// A volume of this policy, bound to a claim that is gone.
fn released(fields: Value) -> Cluster {
    let mut cluster =
        Cluster::with(&[(VOLUMES, volume("v", fields)), (CLAIMS, claim("c", json!({})))]);
    assert_eq!(cluster.phases("c", "v"), (json!("Bound"), json!("Bound")));
    cluster.remove(CLAIMS, &Key::new("n", "c"));
    cluster.settle();
    cluster
}

fn status(cluster: &Cluster) -> Value {
    cluster.volume("v")["status"].clone()
}

#[test]
fn a_retained_volume_stays_released_when_its_claim_goes() {
    let cluster = released(json!({}));

    assert_eq!(status(&cluster)["phase"], "Released");
    assert_eq!(cluster.volume("v")["spec"]["claimRef"]["uid"], "uid-c");
}

#[test]
fn a_released_volume_goes_to_nobody_not_even_to_a_claim_of_the_same_name() {
    let mut cluster = released(json!({}));
    let mut again = claim("c", json!({}));
    again["metadata"]["uid"] = json!("uid-again");
    cluster.put(CLAIMS, again);
    cluster.settle();

    assert_eq!(cluster.phases("c", "v"), (json!("Pending"), json!("Released")));
}

#[test]
fn a_volume_that_no_plugin_deletes_fails_and_says_so() {
    let cluster = released(json!({"persistentVolumeReclaimPolicy": "Delete"}));

    let why = "error getting deleter volume plugin for volume \"v\": no volume plugin matched";
    assert_eq!(cluster.said, [format!("VolumeFailedDelete: {why}")]);
    assert_eq!(status(&cluster), json!({"phase": "Failed", "message": why}));
}

/// A released volume of another plugin, which may have made it.
fn released_of(plugin: Option<&str>, source: (&str, Value)) -> Cluster {
    let mut fields = json!({"persistentVolumeReclaimPolicy": "Delete", "local": null});
    fields[source.0] = source.1;
    let mut volume = volume("v", fields);
    if let Some(plugin) = plugin {
        volume["metadata"]["annotations"] = json!({"pv.kubernetes.io/provisioned-by": plugin});
    }
    let mut cluster = Cluster::with(&[(VOLUMES, volume), (CLAIMS, claim("c", json!({})))]);
    cluster.remove(CLAIMS, &Key::new("n", "c"));
    cluster.settle();
    cluster
}

#[test]
fn a_volume_fails_in_the_words_of_the_plugin_that_does_not_delete_it() {
    let folder = || ("hostPath", json!({"path": "/home"}));
    let nfs = || ("nfs", json!({"server": "s", "path": "/"}));
    let unknown = "error getting deleter volume plugin for volume \"v\": no";
    let outside_tmp = "host_path deleter only supports /tmp/.+ but received provided /home";
    let table = [
        (None, folder(), outside_tmp.to_owned()),
        (Some("kubernetes.io/host-path"), folder(), outside_tmp.to_owned()),
        (None, nfs(), format!("{unknown} deletable volume plugin matched")),
        (Some("kubernetes.io/nfs"), nfs(), "no deletable volume plugin matched".to_owned()),
        (
            Some("kubernetes.io/host-path"),
            nfs(),
            "failed to create deleter for volume \"v\": spec.PersistentVolumeSource.HostPath is nil"
                .to_owned(),
        ),
        (
            Some("kubernetes.io/local"),
            folder(),
            "no volume plugin matched name: kubernetes.io/local".to_owned(),
        ),
    ];
    for (plugin, source, why) in table {
        let cluster = released_of(plugin, source);

        assert_eq!(cluster.said, [format!("VolumeFailedDelete: {why}")], "{plugin:?}");
        assert_eq!(status(&cluster)["phase"], "Failed");
    }
}

#[test]
fn a_volume_of_a_folder_below_tmp_is_deleted() {
    for plugin in [None, Some("kubernetes.io/host-path")] {
        let cluster = released_of(plugin, ("hostPath", json!({"path": "/tmp/spare"})));

        assert!(!cluster.has_volume("v"), "{plugin:?}");
        assert!(cluster.said.is_empty());
    }
}

#[test]
fn a_volume_that_somebody_outside_deletes_is_left_to_them() {
    let csi = json!({"driver": "d", "volumeHandle": "h"});
    let fields = json!({"persistentVolumeReclaimPolicy": "Delete", "local": null, "csi": csi});
    let cluster = released(fields);

    assert_eq!(status(&cluster)["phase"], "Released");
    assert!(cluster.said.is_empty());
}

#[test]
fn a_volume_that_no_plugin_recycles_fails_once_no_pod_uses_it() {
    let mut cluster = Cluster::with(&[
        (VOLUMES, volume("v", json!({"persistentVolumeReclaimPolicy": "Recycle"}))),
        (CLAIMS, claim("c", json!({}))),
    ]);
    let volumes = json!([{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}]);
    let pod = json!({"metadata": {"name": "p", "namespace": "n"},
        "spec": {"containers": [], "nodeName": "a", "volumes": volumes}});
    cluster.put(&resources::PODS, pod);
    cluster.remove(CLAIMS, &Key::new("n", "c"));
    cluster.settle();
    let used = status(&cluster)["phase"].clone();
    cluster.remove(&resources::PODS, &Key::new("n", "p"));
    cluster.settle();

    assert_eq!(used, "Released");
    assert_eq!(status(&cluster)["phase"], "Failed");
    assert_eq!(
        cluster.said,
        [
            "VolumeFailedRecycle: Volume is used by pods: n/p",
            "VolumeFailedRecycle: No recycler plugin found for the volume!",
        ]
    );
}

#[test]
fn a_volume_is_released_only_when_the_api_server_says_that_its_claim_is_gone() {
    let mut cluster =
        Cluster::with(&[(VOLUMES, volume("v", json!({}))), (CLAIMS, claim("c", json!({})))]);
    let known = cluster.claim("c");
    cluster.remove(CLAIMS, &Key::new("n", "c"));
    let key = Key::cluster("v");

    let first = cluster.world.reconcile(&key, at(10));
    cluster.world.refuse(&key, &first.requests[0], Reason::InternalError);
    let second = cluster.world.reconcile(&key, at(10));
    let third = cluster.world.reconcile(&key, at(11));
    cluster.world.grant(&key, &third.requests[0], known);
    let fourth = cluster.world.reconcile(&key, at(11));

    assert_eq!(requests(&first, Verb::Get, CLAIMS).len(), 1);
    assert_eq!((second.requests.len(), second.look_again), (0, Some(at(11))));
    assert_eq!(requests(&third, Verb::Get, CLAIMS).len(), 1);
    assert!(fourth.requests.is_empty(), "the claim lives: {fourth:?}");
}

#[test]
fn a_volume_whose_claim_was_bound_elsewhere_is_free_again() {
    let mut cluster =
        Cluster::with(&[(VOLUMES, volume("v", json!({}))), (CLAIMS, claim("c", json!({})))]);
    let mut other =
        volume("other", json!({"claimRef": {"namespace": "n", "name": "c", "uid": "uid-c"}}));
    other["metadata"]["annotations"] = json!({"pv.kubernetes.io/bound-by-controller": "yes"});
    cluster.put(VOLUMES, other);
    cluster.settle();

    let other = cluster.volume("other");
    assert_eq!(other["status"]["phase"], "Available");
    assert!(other["spec"]["claimRef"].is_null());
    assert_eq!(cluster.phases("c", "v"), (json!("Bound"), json!("Bound")));
}

#[test]
fn a_volume_that_a_person_keeps_for_a_claim_stays_kept_when_that_is_bound_elsewhere() {
    let mut cluster =
        Cluster::with(&[(VOLUMES, volume("v", json!({}))), (CLAIMS, claim("c", json!({})))]);
    let kept = json!({"namespace": "n", "name": "c", "uid": "uid-c"});
    cluster.put(VOLUMES, volume("kept", json!({"claimRef": kept})));
    cluster.settle();

    let claim_ref = cluster.volume("kept")["spec"]["claimRef"].clone();
    assert_eq!(claim_ref, json!({"namespace": "n", "name": "c"}));
}

#[test]
fn a_volume_that_was_made_for_a_claim_which_is_bound_elsewhere_is_released() {
    let mut cluster =
        Cluster::with(&[(VOLUMES, volume("v", json!({}))), (CLAIMS, claim("c", json!({})))]);
    let claim_ref = json!({"namespace": "n", "name": "c", "uid": "uid-c"});
    let mut made =
        volume("made", json!({"claimRef": claim_ref, "persistentVolumeReclaimPolicy": "Delete"}));
    made["metadata"]["annotations"] = json!({"pv.kubernetes.io/provisioned-by": "example.com/p"});
    cluster.put(VOLUMES, made);
    cluster.settle();

    assert_eq!(cluster.volume("made")["status"]["phase"], "Released");
}

#[test]
fn a_claim_and_a_volume_of_different_modes_are_told_of_each_other() {
    let claim_ref = json!({"namespace": "n", "name": "c", "uid": "uid-c"});
    let block = volume("v", json!({"volumeMode": "Block", "claimRef": claim_ref}));
    let cluster = Cluster::with(&[(CLAIMS, claim("c", json!({}))), (VOLUMES, block)]);

    let of = |event: &&String| event.starts_with("VolumeMismatch");
    let said: Vec<&String> = cluster.said.iter().filter(of).collect();
    assert_eq!(
        said,
        [
            "VolumeMismatch: Cannot bind PersistentVolume to requested PersistentVolumeClaim \"c\" due to incompatible volumeMode.",
            "VolumeMismatch: Cannot bind PersistentVolume \"v\" to requested PersistentVolumeClaim due to incompatible volumeMode.",
        ]
    );
}

#[test]
fn volumes_of_plugins_that_are_drivers_now_name_the_driver() {
    let mut made = volume("v", json!({"persistentVolumeReclaimPolicy": "Delete"}));
    made["metadata"]["finalizers"] = json!(["kubernetes.io/pv-controller"]);
    made["metadata"]["annotations"] =
        json!({"pv.kubernetes.io/provisioned-by": "kubernetes.io/aws-ebs"});
    let cluster = Cluster::with(&[(VOLUMES, made)]);

    let metadata = cluster.volume("v")["metadata"].clone();
    assert_eq!(metadata["annotations"]["pv.kubernetes.io/migrated-to"], "ebs.csi.aws.com");
    assert!(metadata["finalizers"].as_array().is_none_or(Vec::is_empty));
}

#[test]
fn volumes_of_plugins_in_the_tree_are_protected_as_their_policy_says() {
    let made = |policy: &str| {
        let mut made = volume("v", json!({"persistentVolumeReclaimPolicy": policy}));
        made["metadata"]["annotations"] =
            json!({"pv.kubernetes.io/provisioned-by": "kubernetes.io/x"});
        made
    };
    let mut cluster = Cluster::with(&[(VOLUMES, made("Delete"))]);
    let protected = cluster.volume("v")["metadata"]["finalizers"].clone();
    let mut retained = made("Retain");
    retained["metadata"]["finalizers"] = protected.clone();
    cluster.put(VOLUMES, retained);
    cluster.settle();

    assert_eq!(protected, json!(["kubernetes.io/pv-controller"]));
    let finalizers = cluster.volume("v")["metadata"]["finalizers"].clone();
    assert!(finalizers.as_array().is_none_or(Vec::is_empty));
}
