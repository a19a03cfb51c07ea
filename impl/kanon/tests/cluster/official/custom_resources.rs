//! CustomResourceDefinitions, and webhook configurations, as objects.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::client::{Api, MERGE};
use super::operations::contains;
use super::{official, unique};
use crate::support::{Outcome, ensure};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official(
            "CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition \
             creating/deleting custom resource definition objects works",
            made_and_deleted,
        ),
        official(
            "CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition \
             listing custom resource definition objects works",
            listed,
        ),
        official(
            "CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition \
             getting/updating/patching custom resource definition status sub-resource works",
            status,
        ),
        official(
            "AdmissionWebhook [Privileged:ClusterAdmin] should be able to create and update mutating webhook \
             configurations with match conditions",
            async |api: Api| keeps_conditions(&api, "mutatingwebhookconfigurations").await,
        ),
        official(
            "AdmissionWebhook [Privileged:ClusterAdmin] should be able to create and update validating \
             webhook configurations with match conditions",
            async |api: Api| keeps_conditions(&api, "validatingwebhookconfigurations").await,
        ),
    ]
}

/// A definition with a group of its own, and its name.
fn definition(label: &str) -> (String, Value) {
    let group = format!("{}.example.com", unique("group"));
    let name = format!("things.{group}");
    let version = json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema":
        {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}, "subresources": {"status": {}}});
    let names =
        json!({"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"});
    let object = json!({"metadata": {"name": name, "labels": {"trial": label}}, "spec": {"group": group,
        "scope": "Cluster", "names": names, "versions": [version]}});
    (name, object)
}

async fn made_and_deleted(api: Api) -> Outcome {
    let definitions = api.cluster_wide("apiextensions.k8s.io/v1", "customresourcedefinitions");
    let (name, object) = definition("one");
    definitions.create(&object).await?;
    ensure(definitions.is_there(&name).await?, "it is made")?;
    definitions.delete(&name, &Value::Null).await?;
    definitions.until_gone(&name).await
}

async fn listed(api: Api) -> Outcome {
    let definitions = api.cluster_wide("apiextensions.k8s.io/v1", "customresourcedefinitions");
    let label = unique("trial");
    let (other, object) = definition("of-another");
    definitions.create(&object).await?;
    for _ in 0..10 {
        definitions.create(&definition(&label).1).await?;
    }
    let selector = format!("?labelSelector=trial%3D{label}");
    let found = definitions.list(&selector).await?.len();
    ensure(found == 10, format!("{found} are listed"))?;
    definitions.delete_collection(&selector).await?;
    definitions.until_count(&selector, 0).await?;
    ensure(definitions.is_there(&other).await?, "another one stays")?;
    definitions.delete(&other, &Value::Null).await.map(drop)
}

async fn status(api: Api) -> Outcome {
    let definitions = api.cluster_wide("apiextensions.k8s.io/v1", "customresourcedefinitions");
    let (name, object) = definition("one");
    let status = format!("{name}/status");
    let condition =
        |name: &str| json!({"type": name, "status": "True", "reason": "Tried", "message": "tried"});
    definitions.create(&object).await?;
    let add = |read: &mut Value| {
        let mut conditions = read["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.push(condition("Updated"));
        read["status"]["conditions"] = conditions.into();
    };
    definitions.change(&status, add).await?;
    let read = definitions.get(&status).await?;
    ensure(contains(&read["status"]["conditions"], &json!([condition("Updated")])), &read)?;
    let patch = json!({"status": {"conditions": [condition("Patched")]}});
    definitions.patch(&status, MERGE, &patch).await?;
    let read = definitions.get(&status).await?;
    ensure(contains(&read, &patch), &read)?;
    definitions.delete(&name, &Value::Null).await.map(drop)
}

async fn keeps_conditions(api: &Api, plural: &str) -> Outcome {
    let configurations = api.cluster_wide("admissionregistration.k8s.io/v1", plural);
    let name = unique("hooks");
    let conditions =
        |expression: &str| json!([{"name": "one.example.com", "expression": expression}]);
    let webhook = json!({"name": "hook.example.com", "sideEffects": "None",
        "admissionReviewVersions": ["v1"], "clientConfig": {"url": "https://127.0.0.1:1/"},
        "failurePolicy": "Ignore", "rules": [{"apiGroups": ["example.com"], "apiVersions": ["v1"],
            "operations": ["CREATE"], "resources": ["things"]}],
        "matchConditions": conditions("object.metadata.namespace == 'default'")});
    let made = json!({"metadata": {"name": name}, "webhooks": [webhook]});
    configurations.create(&made).await?;
    let mut read = configurations.get(&name).await?;
    let kept = &made["webhooks"][0]["matchConditions"];
    ensure(read["webhooks"][0]["matchConditions"] == *kept, &read)?;
    let other = conditions("object.metadata.namespace == 'other'");
    read["webhooks"][0]["matchConditions"] = other.clone();
    configurations.update(&name, &read).await?;
    let read = configurations.get(&name).await?;
    ensure(read["webhooks"][0]["matchConditions"] == other, read)?;
    configurations.delete(&name, &Value::Null).await.map(drop)
}
