//! Claims for which somebody is to make a volume.

use super::*;

const LATER: &str = "WaitForFirstConsumer";
const NOW: &str = "Immediate";

fn of_class(class: &str) -> Value {
    claim("c", json!({"storageClassName": class}))
}

#[test]
fn a_claim_asks_the_provisioner_of_its_class() {
    let cluster = Cluster::with(&[
        (CLASSES, class("fast", NOW, "example.com/p")),
        (CLAIMS, of_class("fast")),
    ]);

    let annotations = cluster.claim("c")["metadata"]["annotations"].clone();
    assert_eq!(
        annotations,
        json!({"volume.kubernetes.io/storage-provisioner": "example.com/p",
            "volume.beta.kubernetes.io/storage-provisioner": "example.com/p"})
    );
    assert_eq!(
        cluster.said,
        [
            "ExternalProvisioning: Waiting for a volume to be created either by the external provisioner \
          'example.com/p' or manually by the system administrator. If volume creation is delayed, please verify \
          that the provisioner is running and correctly registered."
        ]
    );
}

#[test]
fn a_claim_of_a_class_for_which_nobody_makes_volumes_is_told() {
    let cases = [
        ("none", "storageclass.storage.k8s.io \"none\" not found"),
        ("manual", "no volume plugin matched name: kubernetes.io/no-provisioner"),
        ("nfs", "no provisionable volume plugin matched"),
        ("fc", "no volume plugin matched name: kubernetes.io/fc"),
        (
            "folder",
            "Failed to create provisioner: provisioning in volume plugin \"kubernetes.io/host-path\" is disabled",
        ),
        (
            "options",
            "Mount options are not supported by the provisioner but StorageClass \"options\" has mount options [a b]",
        ),
    ];
    let mut options = class("options", NOW, "kubernetes.io/host-path");
    options["mountOptions"] = json!(["a", "b"]);

    for (name, why) in cases {
        let cluster = Cluster::with(&[
            (CLASSES, class("manual", NOW, "kubernetes.io/no-provisioner")),
            (CLASSES, class("nfs", NOW, "kubernetes.io/nfs")),
            (CLASSES, class("fc", NOW, "kubernetes.io/fc")),
            (CLASSES, class("folder", NOW, "kubernetes.io/host-path")),
            (CLASSES, options.clone()),
            (CLAIMS, of_class(name)),
        ]);
        assert_eq!(cluster.said, [format!("ProvisioningFailed: {why}")]);
    }
}

#[test]
fn no_folder_is_filled_from_somewhere() {
    let mut copy = of_class("folder");
    copy["spec"]["dataSource"] = json!({"kind": "PersistentVolumeClaim", "name": "other"});
    let cluster = Cluster::with(&[
        (CLASSES, class("folder", NOW, "kubernetes.io/host-path")),
        (CLAIMS, copy),
    ]);

    let why = "plugin \"kubernetes.io/host-path\" is not a CSI plugin. Only CSI plugin can provision a claim with a datasource";
    assert_eq!(cluster.said, [format!("ProvisioningFailed: {why}")]);
    assert!(cluster.claim("c")["metadata"]["annotations"].is_null());
}

#[test]
fn a_claim_of_a_plugin_that_is_a_driver_now_asks_the_driver() {
    let cluster = Cluster::with(&[
        (CLASSES, class("gp", NOW, "kubernetes.io/aws-ebs")),
        (CLAIMS, of_class("gp")),
    ]);

    let annotations = cluster.claim("c")["metadata"]["annotations"].clone();
    assert_eq!(annotations["volume.kubernetes.io/storage-provisioner"], "ebs.csi.aws.com");
}

#[test]
fn a_claim_that_waits_for_its_first_pod_says_for_which() {
    let mut cluster = Cluster::with(&[
        (CLASSES, class("local", LATER, "example.com/p")),
        (CLAIMS, of_class("local")),
    ]);
    for name in ["p", "q"] {
        let volumes = json!([{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}]);
        let pod = json!({"metadata": {"name": name, "namespace": "n"},
            "spec": {"containers": [], "volumes": volumes}});
        cluster.put(&resources::PODS, pod);
        cluster.settle();
    }

    assert_eq!(
        cluster.said,
        [
            "WaitForFirstConsumer: waiting for first consumer to be created before binding",
            "WaitForPodScheduled: waiting for pod p to be scheduled",
            "WaitForPodScheduled: waiting for pods p,q to be scheduled",
        ]
    );
    assert!(cluster.claim("c")["metadata"]["annotations"].is_null());
}

#[test]
fn a_claim_that_waited_asks_for_its_volume_once_a_node_is_selected() {
    let mut placed = of_class("local");
    placed["metadata"]["annotations"] = json!({"volume.kubernetes.io/selected-node": "a"});
    let cluster =
        Cluster::with(&[(CLASSES, class("local", LATER, "example.com/p")), (CLAIMS, placed)]);

    let annotations = cluster.claim("c")["metadata"]["annotations"].clone();
    assert_eq!(annotations["volume.kubernetes.io/storage-provisioner"], "example.com/p");
}

#[test]
fn a_claim_gets_the_volume_that_was_made_for_it() {
    let mut cluster = Cluster::with(&[
        (CLASSES, class("fast", NOW, "example.com/p")),
        (CLAIMS, of_class("fast")),
    ]);
    let claim_ref = json!({"namespace": "n", "name": "c", "uid": "uid-c"});
    let made = volume("pvc-uid-c", json!({"storageClassName": "fast", "claimRef": claim_ref}));
    cluster.put(VOLUMES, made);
    cluster.settle();

    assert_eq!(cluster.phases("c", "pvc-uid-c"), (json!("Bound"), json!("Bound")));
}

#[test]
fn a_claim_from_before_there_was_a_default_class_gets_it() {
    let mut old = claim("c", json!({}));
    old["spec"].as_object_mut().unwrap().remove("storageClassName");
    let mut default = class("fast", NOW, "example.com/p");
    default["metadata"]["annotations"] =
        json!({"storageclass.kubernetes.io/is-default-class": "true"});
    let mut cluster = Cluster::with(&[(CLAIMS, old)]);
    let before = cluster.claim("c")["spec"]["storageClassName"].clone();
    cluster.put(CLASSES, default);
    cluster.settle();

    assert!(before.is_null());
    assert_eq!(cluster.claim("c")["spec"]["storageClassName"], "fast");
}
