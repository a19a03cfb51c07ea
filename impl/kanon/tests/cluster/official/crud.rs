//! "should run through the lifecycle of …": kinds that are made, read, changed, listed and deleted.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::client::{Api, Collection, MERGE};
use super::operations::contains;
use super::{official, unique};
use crate::support::{Outcome, ensure};

type Objects = fn(&Api) -> Collection;

fn lifecycle(name: &'static str, objects: Objects, object: Value) -> Trial {
    official(name, async move |api: Api| lives(&objects(&api), &object).await)
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        lifecycle(
            "StorageClasses CSI Conformance should run through the lifecycle of a StorageClass",
            |api| api.cluster_wide("storage.k8s.io/v1", "storageclasses"),
            json!({"provisioner": "example.com/provisioner"}),
        ),
        lifecycle(
            "CSINodes CSI Conformance should run through the lifecycle of a csinode",
            |api| api.cluster_wide("storage.k8s.io/v1", "csinodes"),
            json!({"spec": {"drivers": []}}),
        ),
        lifecycle(
            "CSIInlineVolumes should run through the lifecycle of a CSIDriver",
            |api| api.cluster_wide("storage.k8s.io/v1", "csidrivers"),
            json!({"spec": {"volumeLifecycleModes": ["Ephemeral"]}}),
        ),
        lifecycle(
            "VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment",
            |api| api.cluster_wide("storage.k8s.io/v1", "volumeattachments"),
            attachment(),
        ),
        lifecycle(
            "VolumeAttributesClass [FeatureGate:VolumeAttributesClass] should run through the lifecycle of a \
             VolumeAttributesClass",
            |api| api.cluster_wide("storage.k8s.io/v1", "volumeattributesclasses"),
            json!({"driverName": "example.com/driver", "parameters": {"a": "b"}}),
        ),
        lifecycle(
            "[DRA] CRUD Tests resource.k8s.io/v1 DeviceClass",
            |api| api.cluster_wide("resource.k8s.io/v1", "deviceclasses"),
            json!({}),
        ),
        lifecycle(
            "[DRA] CRUD Tests resource.k8s.io/v1 ResourceClaim",
            |api| api.all("resource.k8s.io/v1", "resourceclaims"),
            json!({"spec": requests()}),
        ),
        lifecycle(
            "[DRA] CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate",
            |api| api.all("resource.k8s.io/v1", "resourceclaimtemplates"),
            json!({"spec": {"spec": requests()}}),
        ),
        lifecycle(
            "[DRA] CRUD Tests resource.k8s.io/v1 ResourceSlice",
            |api| api.cluster_wide("resource.k8s.io/v1", "resourceslices"),
            json!({"spec": {"driver": "example.com", "nodeName": "nowhere", "pool":
                {"name": "pool", "generation": 1, "resourceSliceCount": 1}}}),
        ),
        lifecycle(
            "PodTemplates should run the lifecycle of PodTemplates",
            |api| api.all("v1", "podtemplates"),
            pod_template(),
        ),
        lifecycle(
            "Node Lifecycle should run through the lifecycle of a node",
            |api| api.cluster_wide("v1", "nodes"),
            json!({"spec": {"unschedulable": true}}),
        ),
        official("PodTemplates should delete a collection of pod templates", pod_templates),
        official("PodTemplates should replace a pod template", pod_template_is_replaced),
        official(
            "VolumeAttachment Conformance should apply changes to a volumeattachment status",
            attachment_status,
        ),
        official("Lease lease API should be available", leases),
        official(
            "PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC",
            volumes,
        ),
        official(
            "PersistentVolumes CSI Conformance should apply changes to a pv/pvc status",
            volume_status,
        ),
        official("Endpoints should test the lifecycle of an Endpoint", endpoints),
    ]
}

fn attachment() -> Value {
    json!({"spec": {"attacher": "example.com", "nodeName": "nowhere",
        "source": {"persistentVolumeName": "of-a-trial"}}})
}

fn requests() -> Value {
    json!({"devices": {"requests": [{"name": "one", "exactly": {"deviceClassName": "of-a-trial"}}]}})
}

pub(super) fn pod_template() -> Value {
    json!({"template": {"spec": {"containers": [{"name": "c", "image": "busybox:1.35"}]}}})
}

/// An object with a name and a label that no other has.
fn named(object: &Value) -> (String, String, Value) {
    let (name, label) = (unique("tried"), unique("trial"));
    let mut object = object.clone();
    object["metadata"] = json!({"name": name, "labels": {"trial": label}});
    (name, label, object)
}

/// Made, read, patched, listed, deleted, made again, updated, deleted with all of its label.
async fn lives(objects: &Collection, object: &Value) -> Outcome {
    let (name, label, object) = named(object);
    let selector = format!("?labelSelector=trial%3D{label}");
    let made = objects.create(&object).await?;
    ensure(contains(&made, &object), &made)?;
    let (code, again) = objects.try_create(&object).await?;
    ensure(code == 409 && again["reason"] == "AlreadyExists", again)?;
    let read = objects.get(&name).await?;
    ensure(read["metadata"]["uid"] == made["metadata"]["uid"], &read)?;
    objects.patch(&name, MERGE, &json!({"metadata": {"labels": {"patched": "true"}}})).await?;
    let found = objects.list(&format!("{selector},patched%3Dtrue")).await?;
    ensure(found.len() == 1 && found[0]["metadata"]["name"] == *name, "the patched one is listed")?;
    objects.delete(&name, &Value::Null).await?;
    objects.until_gone(&name).await?;
    let replacement = objects.create(&object).await?;
    ensure(replacement["metadata"]["uid"] != made["metadata"]["uid"], &replacement)?;
    let label = |object: &mut Value| object["metadata"]["labels"]["updated"] = "true".into();
    objects.change(&name, label).await?;
    let found = objects.list(&format!("{selector},updated%3Dtrue")).await?;
    ensure(found.len() == 1, "the updated one is listed")?;
    objects.delete_collection(&selector).await?;
    objects.until_gone(&name).await
}

async fn pod_templates(api: Api) -> Outcome {
    let templates = api.all("v1", "podtemplates");
    for name in ["one", "two", "three"] {
        let mut template = pod_template();
        template["metadata"] = json!({"name": name, "labels": {"set": "true"}});
        templates.create(&template).await?;
    }
    let selector = "?labelSelector=set%3Dtrue";
    ensure(templates.list(selector).await?.len() == 3, "three are made")?;
    templates.delete_collection(selector).await?;
    templates.until_count(selector, 0).await.map(drop)
}

async fn pod_template_is_replaced(api: Api) -> Outcome {
    let templates = api.all("v1", "podtemplates");
    let (name, _, template) = named(&pod_template());
    let mut made = templates.create(&template).await?;
    made["metadata"]["annotations"] = json!({"updated": "true"});
    templates.update(&name, &made).await?;
    let read = templates.get(&name).await?;
    ensure(read["metadata"]["annotations"]["updated"] == "true", read)
}

async fn attachment_status(api: Api) -> Outcome {
    let attachments = api.cluster_wide("storage.k8s.io/v1", "volumeattachments");
    let (name, _, attachment) = named(&attachment());
    let status = format!("{name}/status");
    attachments.create(&attachment).await?;
    let patch = json!({"metadata": {"labels": {"patched": "true"}}});
    let patched = attachments.patch(&name, MERGE, &patch).await?;
    ensure(patched["metadata"]["labels"]["patched"] == "true", &patched)?;
    let read = attachments.get(&status).await?;
    ensure(read["status"]["attached"] == false, &read)?;
    let mut patched =
        attachments.patch(&status, MERGE, &json!({"status": {"attached": true}})).await?;
    ensure(patched["status"]["attached"] == true, &patched)?;
    patched["status"]["attached"] = false.into();
    let updated = attachments.update(&status, &patched).await?;
    ensure(updated["status"]["attached"] == false, &updated)?;
    attachments.delete(&name, &Value::Null).await?;
    attachments.until_gone(&name).await
}

async fn leases(api: Api) -> Outcome {
    let leases = api.all("coordination.k8s.io/v1", "leases");
    let spec = json!({"holderIdentity": "one", "leaseDurationSeconds": 30, "leaseTransitions": 0,
        "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": "2026-01-01T00:00:05.000000Z"});
    leases.create(&json!({"metadata": {"name": "lease"}, "spec": spec})).await?;
    let mut lease = leases.get("lease").await?;
    ensure(lease["spec"] == spec, &lease)?;
    lease["spec"]["holderIdentity"] = "two".into();
    lease["spec"]["leaseTransitions"] = 1.into();
    leases.update("lease", &lease).await?;
    ensure(leases.get("lease").await?["spec"] == lease["spec"], "the update is read")?;
    leases.patch("lease", MERGE, &json!({"spec": {"leaseDurationSeconds": 60}})).await?;
    ensure(leases.get("lease").await?["spec"]["leaseDurationSeconds"] == 60, "the patch is read")?;
    leases.create(&json!({"metadata": {"name": "other", "labels": {"delete": "me"}}})).await?;
    ensure(leases.list("").await?.len() == 2, "both are listed")?;
    leases.delete_collection("?labelSelector=delete%3Dme").await?;
    let left = leases.list("").await?;
    ensure(left.len() == 1 && left[0]["metadata"]["name"] == "lease", "one is left")?;
    leases.delete("lease", &Value::Null).await?;
    ensure(!leases.is_there("lease").await?, "it is deleted")
}

/// A PersistentVolume and a PersistentVolumeClaim that nothing binds.
fn volume_and_claim() -> [Value; 2] {
    let class = unique("class");
    let spec = json!({"accessModes": ["ReadWriteOnce"], "storageClassName": class});
    let (mut volume, mut claim) = (spec.clone(), spec);
    volume["capacity"] = json!({"storage": "1Mi"});
    volume["hostPath"] = json!({"path": "/tmp/of-a-trial"});
    claim["resources"] = json!({"requests": {"storage": "2Mi"}});
    [json!({"spec": volume}), json!({"spec": claim})]
}

async fn volumes(api: Api) -> Outcome {
    let [volume, claim] = volume_and_claim();
    lives(&api.cluster_wide("v1", "persistentvolumes"), &volume).await?;
    lives(&api.all("v1", "persistentvolumeclaims"), &claim).await
}

async fn volume_status(api: Api) -> Outcome {
    let [volume, claim] = volume_and_claim();
    let condition = |status: &str| {
        json!({"status": {"conditions": [{"type": "Resizing", "status": status, "reason": "Tried",
            "message": "tried", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}})
    };
    let reason = |reason: &str| json!({"status": {"reason": reason, "message": "tried"}});
    let volumes = api.cluster_wide("v1", "persistentvolumes");
    let claims = api.all("v1", "persistentvolumeclaims");
    for (objects, object, patch, update) in [
        (claims, claim, condition("True"), condition("False")),
        (volumes, volume, reason("Patched"), reason("Updated")),
    ] {
        let (name, label, object) = named(&object);
        let status = format!("{name}/status");
        objects.create(&object).await?;
        let found = objects.list(&format!("?labelSelector=trial%3D{label}")).await?;
        ensure(found.len() == 1, "it is listed")?;
        objects.until(&status, "a phase", |read| read["status"]["phase"].is_string()).await?;
        let patched = objects.patch(&status, MERGE, &patch).await?;
        ensure(contains(&patched, &patch), &patched)?;
        let set = |object: &mut Value| {
            for (field, value) in update["status"].as_object().into_iter().flatten() {
                object["status"][field] = value.clone();
            }
        };
        let updated = objects.change(&status, set).await?;
        ensure(contains(&updated, &update), &updated)?;
        objects.delete(&name, &Value::Null).await?;
    }
    Ok(())
}

async fn endpoints(api: Api) -> Outcome {
    let endpoints = api.all("v1", "endpoints");
    let mut watch = endpoints.watch_from_now("&labelSelector=a-trial%3Dtrue").await?;
    let subsets =
        json!([{"addresses": [{"ip": "10.0.0.24"}], "ports": [{"name": "http", "port": 80}]}]);
    let made =
        json!({"metadata": {"name": "tried", "labels": {"a-trial": "true"}}, "subsets": subsets});
    let mut made = endpoints.create(&made).await?;
    watch.expect("ADDED", "tried").await?;
    made["metadata"]["labels"]["updated"] = "true".into();
    endpoints.update("tried", &made).await?;
    let seen = watch.expect("MODIFIED", "tried").await?;
    ensure(seen["metadata"]["labels"]["updated"] == "true", seen)?;
    let subsets =
        json!([{"addresses": [{"ip": "10.0.0.25"}], "ports": [{"name": "http", "port": 8080}]}]);
    endpoints.patch("tried", MERGE, &json!({"subsets": subsets})).await?;
    let seen = watch.expect("MODIFIED", "tried").await?;
    ensure(contains(&seen["subsets"], &subsets), seen)?;
    endpoints.delete_collection("?labelSelector=a-trial%3Dtrue").await?;
    watch.expect("DELETED", "tried").await.map(drop)
}
