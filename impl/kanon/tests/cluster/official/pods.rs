//! Pods, as far as the API server, the scheduler and a kubelet without containers make them.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::client::{Api, Collection, MERGE, STRATEGIC};
use super::official;
use super::operations::contains;
use crate::support::{Outcome, ensure};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official("Pods should delete a collection of pods", collection),
        official("Pods should patch a pod status", status),
        official(
            "Pods Extended Pods Set QOS Class should be set on Pods with matching resource requests and limits \
             for memory and cpu",
            quality_of_service,
        ),
        official(
            "Pods Extended (pod generation) Pod Generation custom-set generation on new pods and graceful \
             delete",
            generation_of_a_deletion,
        ),
        official(
            "Pods Extended (pod generation) Pod Generation pod generation should start at 1 and increment per \
             update [MinimumKubeletVersion:1.34]",
            generation,
        ),
        official(
            "Pods Extended (pod generation) Pod Generation issue 500 podspec updates and verify generation and \
             observedGeneration eventually converge [MinimumKubeletVersion:1.34]",
            many_updates,
        ),
        official(
            "LimitRange should create a LimitRange with defaults and ensure pod has those defaults applied.",
            limit_range,
        ),
        official(
            "LimitRange should list, patch and delete a LimitRange by collection",
            limit_ranges,
        ),
        official(
            "SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass endpoints can be \
             operated with different HTTP methods",
            priority_classes,
        ),
    ]
}

pub(super) fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"a-trial": "true"}}, "spec": {
        "terminationGracePeriodSeconds": 1, "containers":
            [{"name": "c", "image": "busybox:1.35", "command": ["sleep", "1000"]}]}})
}

/// Creates a pod, and waits until it runs.
pub(super) async fn run(pods: &Collection, pod: &Value) -> Result<Value, libtest_mimic::Failed> {
    let made = pods.create(pod).await?;
    let name = made["metadata"]["name"].as_str().unwrap_or_default();
    pods.until(name, "it runs", |pod| pod["status"]["phase"] == "Running").await
}

async fn collection(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    for name in ["one", "two", "three"] {
        pods.create(&pod(name)).await?;
    }
    let selector = "?labelSelector=a-trial%3Dtrue";
    ensure(pods.list(selector).await?.len() == 3, "three are made")?;
    pods.delete_collection(selector).await?;
    pods.until_count(selector, 0).await.map(drop)
}

async fn status(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    run(&pods, &pod("tried")).await?;
    let patch = json!({"status": {"message": "patched by a trial", "reason": "Tried"}});
    let patched = pods.patch("tried/status", MERGE, &patch).await?;
    ensure(contains(&patched, &patch), patched)
}

async fn quality_of_service(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let mut pod = pod("tried");
    let resources = json!({"cpu": "100m", "memory": "100Mi"});
    pod["spec"]["containers"][0]["resources"] = json!({"requests": resources, "limits": resources});
    let made = pods.create(&pod).await?;
    ensure(made["status"]["qosClass"] == "Guaranteed", made)
}

/// A generation that the creator says does not count; a deletion with grace is an update.
async fn generation_of_a_deletion(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let mut pod = pod("tried");
    pod["metadata"]["generation"] = 100.into();
    pod["metadata"]["finalizers"] = json!(["example.com/tried"]);
    let made = run(&pods, &pod).await?;
    ensure(made["metadata"]["generation"] == 1, &made)?;
    pods.delete("tried", &Value::Null).await?;
    let deleted = pods.get("tried").await?;
    ensure(deleted["metadata"]["generation"] == 2, &deleted)?;
    pods.patch("tried", MERGE, &json!({"metadata": {"finalizers": null}})).await?;
    pods.until_gone("tried").await
}

fn observed(generation: u64) -> impl Fn(&Value) -> bool {
    move |pod| {
        pod["metadata"]["generation"] == generation
            && pod["status"]["observedGeneration"] == generation
    }
}

async fn generation(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    run(&pods, &pod("tried")).await?;
    pods.until("tried", "the first generation is observed", observed(1)).await?;
    let image = json!({"spec": {"containers": [{"name": "c", "image": "busybox:1.36"}]}});
    let toleration = json!({"key": "a-trial", "operator": "Exists", "effect": "NoExecute"});
    let deadline = json!({"spec": {"activeDeadlineSeconds": 5000}});
    for (generation, patch) in [(2, &image), (3, &deadline)] {
        pods.patch("tried", STRATEGIC, patch).await?;
        pods.until("tried", "the next generation is observed", observed(generation)).await?;
    }
    let add = |pod: &mut Value| {
        if let Some(tolerations) = pod["spec"]["tolerations"].as_array_mut() {
            tolerations.push(toleration.clone());
        }
    };
    pods.change("tried", add).await?;
    pods.until("tried", "the fourth generation is observed", observed(4)).await?;
    // What is no specification makes no generation.
    let label = json!({"metadata": {"labels": {"changed": "true"}}});
    let labelled = pods.patch("tried", MERGE, &label).await?;
    ensure(labelled["metadata"]["generation"] == 4, labelled)
}

async fn many_updates(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    run(&pods, &pod("tried")).await?;
    for seconds in (2..=500).rev() {
        let deadline = json!({"spec": {"activeDeadlineSeconds": 5000 + seconds}});
        pods.patch("tried", MERGE, &deadline).await?;
    }
    pods.until("tried", "the last generation is observed", observed(500)).await.map(drop)
}

async fn limit_range(api: Api) -> Outcome {
    let (ranges, pods) = (api.all("v1", "limitranges"), api.all("v1", "pods"));
    let limit = json!({"type": "Container", "min": {"cpu": "50m", "memory": "100Mi"},
        "max": {"cpu": "500m", "memory": "500Mi"}, "default": {"cpu": "500m", "memory": "500Mi"},
        "defaultRequest": {"cpu": "100m", "memory": "200Mi"}});
    let range = json!({"metadata": {"name": "limits"}, "spec": {"limits": [limit]}});
    let made = ranges.create(&range).await?;
    ensure(contains(&made, &range), made)?;

    let made = pods.create(&pod("silent")).await?;
    let resources = json!({"requests": limit["defaultRequest"], "limits": limit["default"]});
    ensure(contains(&made["spec"]["containers"][0]["resources"], &resources), made)?;
    let mut partial = pod("partial");
    partial["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "60m"}});
    let made = pods.create(&partial).await?;
    let resources =
        json!({"requests": {"cpu": "60m", "memory": "200Mi"}, "limits": {"cpu": "500m"}});
    ensure(contains(&made["spec"]["containers"][0]["resources"], &resources), made)?;
    for (name, resources) in [
        ("too-little", json!({"requests": {"cpu": "10m"}})),
        ("too-much", json!({"limits": {"cpu": "600m"}, "requests": {"cpu": "600m"}})),
    ] {
        let mut pod = pod(name);
        pod["spec"]["containers"][0]["resources"] = resources;
        let (code, refused) = pods.try_create(&pod).await?;
        ensure(code == 403, refused)?;
    }
    let minimum = json!({"spec": {"limits": [{"type": "Container", "min": {"cpu": "9m"},
        "max": limit["max"], "default": limit["default"], "defaultRequest": limit["defaultRequest"]}]}});
    let patched = ranges.patch("limits", MERGE, &minimum).await?;
    ensure(patched["spec"]["limits"][0]["min"] == json!({"cpu": "9m"}), patched)?;
    let mut small = pod("small");
    small["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "10m"}});
    crate::support::eventually("the new limit counts", || async {
        Ok((pods.try_create(&small).await?.0 == 201).then_some(()))
    })
    .await
}

async fn limit_ranges(api: Api) -> Outcome {
    let label = super::unique("trial");
    let other = Api { namespace: super::unique("other"), ..api.clone() };
    let namespaces = api.cluster_wide("v1", "namespaces");
    namespaces.create(&json!({"metadata": {"name": other.namespace}})).await?;
    let range = json!({"metadata": {"name": "limits", "labels": {"trial": label}}, "spec": {"limits":
        [{"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "100m"}}]}});
    let (first, second) = (api.all("v1", "limitranges"), other.all("v1", "limitranges"));
    for ranges in [&first, &second] {
        ranges.create(&range).await?;
    }
    let everywhere = api.cluster_wide("v1", "limitranges");
    let selector = format!("?labelSelector=trial%3D{label}");
    ensure(everywhere.list(&selector).await?.len() == 2, "both are listed")?;
    let limits = json!([{"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "75m"}}]);
    let patch = json!({"metadata": {"labels": {"patched": "true"}}, "spec": {"limits": limits}});
    let patched = first.patch("limits", MERGE, &patch).await?;
    ensure(contains(&patched, &patch), patched)?;
    first.delete_collection(&format!("{selector},patched%3Dtrue")).await?;
    first.until_gone("limits").await?;
    let left = everywhere.list(&selector).await?;
    ensure(left.len() == 1 && left[0]["metadata"]["namespace"] == *other.namespace, "one is left")?;
    namespaces.delete(&other.namespace, &Value::Null).await.map(drop)
}

async fn priority_classes(api: Api) -> Outcome {
    let classes = api.cluster_wide("scheduling.k8s.io/v1", "priorityclasses");
    let (one, two) = (super::unique("class"), super::unique("class"));
    for (name, value) in [(&one, 1), (&two, 2)] {
        let class =
            json!({"metadata": {"name": name}, "value": value, "description": "as it was made"});
        classes.create(&class).await?;
    }
    let names: Vec<Value> =
        classes.list("").await?.iter().map(|class| class["metadata"]["name"].clone()).collect();
    ensure(names.contains(&json!(one)) && names.contains(&json!(two)), "both are listed")?;
    for (name, value) in [(&one, 1), (&two, 2)] {
        let patch = json!({"description": "as it was patched"});
        let mut class = classes.patch(name, MERGE, &patch).await?;
        ensure(class["description"] == patch["description"], &class)?;
        class["description"] = "as it was updated".into();
        let updated = classes.update(name, &class).await?;
        ensure(updated["description"] == class["description"], &updated)?;
        let path = format!("{}/{name}", classes.path);
        let patch = json!({"value": value * 10});
        let header = [("content-type", MERGE)];
        let (code, refused) = api.send(http::Method::PATCH, &path, &header, Some(&patch)).await?;
        ensure(code == 422, refused)?;
        classes.delete(name, &Value::Null).await?;
    }
    Ok(())
}
