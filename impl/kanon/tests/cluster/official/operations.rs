//! "should support … API operations": a kind is in discovery and takes every verb.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::{Api, Collection, MERGE};
use super::{official, unique};
use crate::support::{Outcome, ensure};

/// A kind that must take every verb.
struct Kind {
    version: &'static str,
    plural: &'static str,
    /// With these subresources.
    subresources: &'static [&'static str],
    is_namespaced: bool,
    /// An object of it, by the number that it has among those of the trial.
    object: fn(usize) -> Value,
    /// What a merge patch of its status says; null where there is no status to patch.
    status: Value,
}

impl Kind {
    fn of_namespace(
        version: &'static str,
        plural: &'static str,
        object: fn(usize) -> Value,
    ) -> Self {
        let (subresources, status) = (&[][..], Value::Null);
        Self { version, plural, subresources, is_namespaced: true, object, status }
    }

    fn of_cluster(version: &'static str, plural: &'static str, object: fn(usize) -> Value) -> Self {
        Self { is_namespaced: false, ..Self::of_namespace(version, plural, object) }
    }

    /// The same with a status, and with what a patch of it says.
    fn with_status(self, status: Value) -> Self {
        Self { subresources: &["status"], status, ..self }
    }

    fn objects(&self, api: &Api) -> Collection {
        if self.is_namespaced {
            api.all(self.version, self.plural)
        } else {
            api.cluster_wide(self.version, self.plural)
        }
    }
}

fn supports(name: &'static str, kind: Kind) -> Trial {
    official(name, async move |api: Api| {
        is_discovered(&api, &kind).await?;
        takes_every_verb(&api, &kind).await
    })
}

pub(crate) fn trials() -> Vec<Trial> {
    let condition = json!({"status": {"conditions": [{"type": "Seen", "status": "True", "reason": "Tried",
        "message": "tried", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
    let balancer = json!({"status": {"loadBalancer": {"ingress": [{"ip": "169.1.1.1"}]}}});
    vec![
        supports(
            "API priority and fairness should support FlowSchema API operations",
            Kind::of_cluster("flowcontrol.apiserver.k8s.io/v1", "flowschemas", flow_schema)
                .with_status(condition.clone()),
        ),
        supports(
            "API priority and fairness should support PriorityLevelConfiguration API operations",
            Kind::of_cluster(
                "flowcontrol.apiserver.k8s.io/v1",
                "prioritylevelconfigurations",
                |_| {
                    json!({"spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 2,
                    "limitResponse": {"type": "Reject"}}}})
                },
            )
            .with_status(condition.clone()),
        ),
        supports(
            "MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicy API \
             operations",
            Kind::of_cluster(
                "admissionregistration.k8s.io/v1",
                "mutatingadmissionpolicies",
                mutation,
            ),
        ),
        supports(
            "MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support \
             MutatingAdmissionPolicyBinding API operations",
            Kind::of_cluster(
                "admissionregistration.k8s.io/v1",
                "mutatingadmissionpolicybindings",
                |_| json!({"spec": {"policyName": "policy"}}),
            ),
        ),
        supports(
            "ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicy \
             API operations",
            Kind::of_cluster(
                "admissionregistration.k8s.io/v1",
                "validatingadmissionpolicies",
                validation,
            )
            .with_status(condition.clone()),
        ),
        supports(
            "ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support \
             ValidatingAdmissionPolicyBinding API operations",
            Kind::of_cluster(
                "admissionregistration.k8s.io/v1",
                "validatingadmissionpolicybindings",
                |_| json!({"spec": {"policyName": "policy", "validationActions": ["Deny"]}}),
            ),
        ),
        supports(
            "CronJob should support CronJob API operations",
            Kind::of_namespace("batch/v1", "cronjobs", cron_job)
                .with_status(json!({"status": {"lastScheduleTime": "2026-01-01T00:00:00Z"}})),
        ),
        supports(
            "Ingress API should support creating Ingress API operations",
            Kind::of_namespace("networking.k8s.io/v1", "ingresses", ingress).with_status(balancer),
        ),
        supports(
            "IngressClass API should support creating IngressClass API operations",
            Kind::of_cluster(
                "networking.k8s.io/v1",
                "ingressclasses",
                |_| json!({"spec": {"controller": "example.com/controller"}}),
            ),
        ),
        supports(
            "EndpointSlice should support creating EndpointSlice API operations",
            Kind::of_namespace(
                "discovery.k8s.io/v1",
                "endpointslices",
                |_| json!({"addressType": "IPv4", "endpoints": [{"addresses": ["1.2.3.4"]}]}),
            ),
        ),
        supports(
            "ServiceCIDR and IPAddress API should support IPAddress API operations",
            Kind::of_cluster("networking.k8s.io/v1", "ipaddresses", |number| {
                json!({"metadata": {"name": format!("192.0.2.{}", number + 1)}, "spec": {"parentRef":
                    {"resource": "services", "namespace": "default", "name": "of-a-trial"}}})
            }),
        ),
        supports(
            "ServiceCIDR and IPAddress API should support ServiceCIDR API operations",
            Kind::of_cluster(
                "networking.k8s.io/v1",
                "servicecidrs",
                |number| json!({"spec": {"cidrs": [format!("203.0.113.{}/28", number * 16)]}}),
            )
            .with_status(condition),
        ),
        supports(
            "RuntimeClass should support RuntimeClasses API operations",
            Kind::of_cluster("node.k8s.io/v1", "runtimeclasses", |_| json!({"handler": "tried"})),
        ),
        supports(
            "CSIStorageCapacity should support CSIStorageCapacities API operations",
            Kind::of_namespace(
                "storage.k8s.io/v1",
                "csistoragecapacities",
                |_| json!({"storageClassName": "class"}),
            ),
        ),
    ]
}

fn flow_schema(number: usize) -> Value {
    json!({"spec": {"matchingPrecedence": 1000 + number, "priorityLevelConfiguration": {"name": "global-default"},
        "rules": [{"subjects": [{"kind": "User", "user": {"name": "a-trial"}}], "nonResourceRules":
            [{"verbs": ["*"], "nonResourceURLs": ["*"]}]}]}})
}

fn constraints() -> Value {
    json!({"resourceRules": [{"apiGroups": ["example.com"], "apiVersions": ["v1"],
        "operations": ["CREATE"], "resources": ["things"]}]})
}

fn mutation(_: usize) -> Value {
    let expression = "Object{metadata: Object.metadata{labels: {\"a\": \"b\"}}}";
    json!({"spec": {"matchConstraints": constraints(), "reinvocationPolicy": "Never", "mutations": [
        {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}]}})
}

fn validation(_: usize) -> Value {
    json!({"spec": {"matchConstraints": constraints(), "validations": [{"expression": "true"}]}})
}

fn cron_job(_: usize) -> Value {
    let pod =
        json!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox:1.35"}]});
    json!({"spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": pod}}}}})
}

fn ingress(_: usize) -> Value {
    json!({"spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}})
}

/// The group, its version and the resource are where clients look for them.
async fn is_discovered(api: &Api, kind: &Kind) -> Outcome {
    let (group, _) = kind.version.split_once('/').ok_or("a version of the core group")?;
    let has = |list: &Value, field: &str, value: &str| {
        list.as_array().is_some_and(|entries| entries.iter().any(|entry| entry[field] == value))
    };
    let groups = api.read("/apis").await?;
    ensure(has(&groups["groups"], "name", group), format!("no {group} in /apis"))?;
    let versions = api.read(&format!("/apis/{group}")).await?;
    let is_version = has(&versions["versions"], "groupVersion", kind.version);
    ensure(is_version, format!("no {} in /apis/{group}", kind.version))?;
    let resources = api.read(&format!("/apis/{}", kind.version)).await?;
    let subresources = kind.subresources.iter().map(|name| format!("{}/{name}", kind.plural));
    for name in std::iter::once(kind.plural.to_owned()).chain(subresources) {
        let is_there = has(&resources["resources"], "name", &name);
        ensure(is_there, format!("no {name} in /apis/{}", kind.version))?;
    }
    Ok(())
}

async fn takes_every_verb(api: &Api, kind: &Kind) -> Outcome {
    let objects = kind.objects(api);
    let label = unique("trial");
    let selector = format!("labelSelector=trial%3D{label}");
    let mut names = vec![];
    for number in 0..3 {
        let mut object = (kind.object)(number);
        if object["metadata"]["name"].is_null() {
            object["metadata"]["name"] = unique("tried").into();
        }
        object["metadata"]["labels"]["trial"] = label.clone().into();
        let made = objects.create(&object).await?;
        let name = text(&made, "/metadata/name")?;
        let read = objects.get(&name).await?;
        ensure(
            contains(&read, &object) && read["metadata"]["uid"] == made["metadata"]["uid"],
            read,
        )?;
        names.push(name);
    }
    let found = objects.list(&format!("?{selector}")).await?;
    ensure(found.len() == 3, format!("{} are listed", found.len()))?;
    if kind.is_namespaced {
        let everywhere = api.cluster_wide(kind.version, kind.plural);
        let found = everywhere.list(&format!("?{selector}")).await?;
        ensure(found.len() == 3, format!("{} are listed in all namespaces", found.len()))?;
    }
    let [first, second, third] = &names[..] else { return Err("three were made".into()) };
    let mut watch = objects.watch_from_now(&format!("&{selector}")).await?;
    let changed = changes(&objects, first).await?;
    for annotations in [json!({"patched": "true"}), changed] {
        // Controllers may write in between.
        let mut seen = Value::Null;
        while !contains(&seen["metadata"]["annotations"], &annotations) {
            seen = watch.until("MODIFIED", first).await?;
        }
    }
    if !kind.status.is_null() {
        status_changes(&objects, second, &kind.status).await?;
    }
    objects.delete(first, &Value::Null).await?;
    objects.until_gone(first).await?;
    watch.until("DELETED", first).await?;
    ensure(objects.list(&format!("?{selector}")).await?.len() == 2, "one of three is deleted")?;
    objects.delete_collection(&format!("?{selector}")).await?;
    for name in [second, third] {
        objects.until_gone(name).await?;
    }
    Ok(())
}

fn text(object: &Value, pointer: &str) -> Result<String, Failed> {
    let text = object.pointer(pointer).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| format!("no {pointer} in {object}").into())
}

/// Patches and updates annotations. The annotations after that.
async fn changes(objects: &Collection, name: &str) -> Result<Value, Failed> {
    let annotations = json!({"patched": "true", "updated": "true"});
    let patch = json!({"metadata": {"annotations": {"patched": "true"}}});
    let object = objects.patch(name, MERGE, &patch).await?;
    ensure(object["metadata"]["annotations"]["patched"] == "true", &object)?;
    objects.change(name, |object| object["metadata"]["annotations"] = annotations.clone()).await?;
    Ok(annotations)
}

/// Patches the status, reads it, and updates it.
async fn status_changes(objects: &Collection, name: &str, patch: &Value) -> Outcome {
    let status = format!("{name}/status");
    let patched = objects.patch(&status, MERGE, patch).await?;
    let has_it = |object: &Value| contains(&object["status"], &patch["status"]);
    ensure(has_it(&patched), &patched)?;
    let read = objects.get(&status).await?;
    ensure(has_it(&read), &read)?;
    let annotate = |read: &mut Value| {
        read["metadata"]["annotations"]["updated-status"] = "true".into();
    };
    let updated = objects.change(&status, annotate).await?;
    ensure(has_it(&updated), &updated)
}

/// Whether a value has everything that another one says. Lists are searched.
pub(super) fn contains(value: &Value, said: &Value) -> bool {
    match said {
        Value::Object(fields) => fields.iter().all(|(name, said)| contains(&value[name], said)),
        Value::Array(said) => said.iter().all(|said| {
            value.as_array().is_some_and(|found| found.iter().any(|found| contains(found, said)))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value == said,
    }
}
