//! Volumes behind claims: read for a pod, mounted, waited for.

use kubelet::runtime::{Mount, MountSource};
use serde_json::{Value, json};

use crate::bench::Bench;

/// A pod that mounts the claim `data`.
fn spec() -> Value {
    json!({"containers": [{"name": "main", "image": "a",
            "volumeMounts": [{"name": "v", "mountPath": "/data", "subPath": "sub"}]}],
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]})
}

fn claim() -> Value {
    json!({"metadata": {"name": "data", "namespace": "default", "uid": "uid-data"},
        "spec": {"volumeName": "pv"}, "status": {"phase": "Bound"}})
}

fn volume(source: &str, value: Value) -> Value {
    json!({"metadata": {"name": "pv"}, "spec": {source: value, "volumeMode": "Filesystem",
        "claimRef": {"namespace": "default", "name": "data", "uid": "uid-data"}}})
}

/// A kubelet with a pod, beside a claim and a volume.
fn bench(claim: Option<Value>, volume: Option<Value>) -> Bench {
    let mut bench = Bench::new();
    put(&mut bench, claim, volume);
    bench.add_pod("web", spec());
    bench
}

fn put(bench: &mut Bench, claim: Option<Value>, volume: Option<Value>) {
    if let Some(claim) = claim {
        bench.put_object("persistentvolumeclaims/default/data", claim);
    }
    if let Some(volume) = volume {
        bench.put_object("persistentvolumes/pv", volume);
    }
}

fn mounted(bench: &Bench) -> Mount {
    bench.last_start().expect("a container was started").mounts[0].clone()
}

/// What the one event says about the volume.
fn said(bench: &Bench) -> String {
    let events = bench.events.iter().filter(|event| event["reason"] == "FailedMount");
    let messages: Vec<&str> = events.filter_map(|event| event["message"].as_str()).collect();
    let [message] = messages[..] else { panic!("{messages:?}") };
    message.to_owned()
}

#[test]
fn a_pod_mounts_the_volume_that_its_claim_is_bound_to() {
    let bench = bench(Some(claim()), Some(volume("local", json!({"path": "/disk"}))));

    let source = MountSource::Local { path: "/disk".to_owned(), create_directory: false };
    let (path, sub_path) = ("/data".to_owned(), "sub".to_owned());
    assert_eq!(mounted(&bench), Mount { source, sub_path, path, read_only: false });
}

#[test]
fn a_folder_is_made_for_a_volume_of_the_provisioner_that_makes_folders() {
    let mut made = volume("local", json!({"path": "/volumes/node-1/pv"}));
    made["metadata"]["annotations"] =
        json!({"pv.kubernetes.io/provisioned-by": "kanon.dev/local-path"});

    let bench = bench(Some(claim()), Some(made));

    let path = "/volumes/node-1/pv".to_owned();
    assert_eq!(mounted(&bench).source, MountSource::Local { path, create_directory: true });
}

#[test]
fn a_volume_may_be_a_path_of_the_node() {
    let host = json!({"path": "/p", "type": "DirectoryOrCreate"});
    let bench = bench(Some(claim()), Some(volume("hostPath", host)));

    let path = "/p".to_owned();
    assert_eq!(mounted(&bench).source, MountSource::HostPath { path, create_directory: true });
}

#[test]
fn a_pod_may_use_its_claim_only_to_read() {
    let mut bench = Bench::new();
    put(&mut bench, Some(claim()), Some(volume("local", json!({"path": "/disk"}))));
    let mut spec = spec();
    spec["volumes"][0]["persistentVolumeClaim"]["readOnly"] = json!(true);

    bench.add_pod("web", spec);

    assert!(mounted(&bench).read_only);
}

#[test]
fn a_pod_waits_until_its_claim_is_bound() {
    let mut pending = claim();
    pending["status"]["phase"] = json!("Pending");
    let mut bench = bench(Some(pending), None);
    let (before, waiting) = (bench.started_count(), bench.status("web"));
    let message = said(&bench);

    put(&mut bench, Some(claim()), Some(volume("local", json!({"path": "/disk"}))));
    bench.pass(1);

    assert_eq!(before, 0);
    assert_eq!(
        message,
        "Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process \
         volumes=[v]: error processing PVC default/data: PVC is not bound"
    );
    let state = &waiting["containerStatuses"][0]["state"];
    assert_eq!(state["waiting"]["reason"], "ContainerCreating");
    assert_eq!(bench.started_count(), 1);
}

#[test]
fn what_is_wrong_with_a_claim_or_its_volume_is_said() {
    let local = || volume("local", json!({"path": "/disk"}));
    let changed = |mut object: Value, pointer: &str, value: Value| {
        *object.pointer_mut(pointer).unwrap() = value;
        object
    };
    let mut going = claim();
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let cases = [
        (
            None,
            Some(local()),
            "error processing PVC default/data: failed to fetch PVC from API server: persistentvolumeclaims \"data\" not found",
        ),
        (Some(going), Some(local()), "error processing PVC default/data: PVC is being deleted"),
        (
            Some(changed(claim(), "/spec/volumeName", json!(""))),
            Some(local()),
            "error processing PVC default/data: PVC has empty pvc.Spec.VolumeName",
        ),
        (
            Some(claim()),
            None,
            "error processing PVC default/data: failed to fetch PV pv from API server: persistentvolumes \"pv\" not found",
        ),
        (
            Some(claim()),
            Some(changed(local(), "/spec/claimRef", Value::Null)),
            "error processing PVC default/data: found PV object pv but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim",
        ),
        (
            Some(claim()),
            Some(changed(local(), "/spec/claimRef/uid", json!("uid-other"))),
            "error processing PVC default/data: found PV object pv but its pv.Spec.ClaimRef.UID uid-other does not point to claim.UID uid-data",
        ),
        (
            Some(claim()),
            Some(changed(local(), "/spec/volumeMode", json!("Block"))),
            "volume v has volumeMode Block, but is specified in volumeMounts",
        ),
        (
            Some(claim()),
            Some(volume("nfs", json!({"path": "/", "server": "s"}))),
            "this kind of volume is not supported",
        ),
    ];

    for (claim, volume, why) in cases {
        let bench = bench(claim, volume);
        let prefix = "Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], \
                      failed to process volumes=[v]: ";
        assert_eq!(said(&bench), format!("{prefix}{why}"));
        assert_eq!(bench.started_count(), 0);
    }
}

#[test]
fn a_pods_own_claim_must_be_its_own() {
    let own = |owner: Value| {
        let mut bench = Bench::new();
        let mut claim = claim();
        claim["metadata"]["ownerReferences"] = owner;
        bench.put_object("persistentvolumeclaims/default/web-v", claim);
        bench.put_object("persistentvolumes/pv", volume("local", json!({"path": "/disk"})));
        let mut spec = spec();
        spec["volumes"] = json!([{"name": "v", "ephemeral": {}}]);
        bench.add_pod("web", spec);
        bench
    };

    let foreign = own(json!([]));
    let owned = own(json!([{"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": "uid-web",
        "controller": true}]));

    assert!(said(&foreign).ends_with("was not created for pod default/web (pod is not owner)"));
    assert_eq!((foreign.started_count(), owned.started_count()), (0, 1));
}
