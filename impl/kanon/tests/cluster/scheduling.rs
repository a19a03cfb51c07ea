//! A scheduler that is told what to do: profiles, extenders; and what it says of pods without scheduling them.

mod extenders;

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::support::{Cluster, Outcome, ensure, eventually, text, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("each_pod_is_scheduled_by_the_profile_that_it_names", profiles),
        trial("a_bad_scheduler_configuration_is_refused_before_anything_starts", refused),
        trial("extenders_filter_score_lie_fail_and_hang", extenders::filter),
        trial("extenders_bind_and_say_who_may_go", extenders::bind),
        trial("what_plugins_say_of_a_pod_is_explained", explained),
        trial("pods_are_scheduled_without_a_cluster", simulated),
    ]
}

const HEAD: &str = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";

/// A file with a configuration, and its path.
fn written(cluster: &Cluster, name: &str, text: &str) -> Result<String, Failed> {
    let path = cluster.file(name);
    std::fs::write(&path, text)?;
    Ok(path.to_str().ok_or("the path is text")?.to_owned())
}

/// A cluster of two simulated nodes whose scheduler is told this.
fn configured(rest: &str) -> Result<Cluster, Failed> {
    let cluster = Cluster::new();
    let file = written(&cluster, "scheduler.yaml", &format!("{HEAD}{rest}"))?;
    let start = ["start", "--runtime", "simulated", "--port", "0", "--nodes", "2"];
    cluster.succeed(&[&start[..], &["--scheduler-config", &file]].concat())?;
    Ok(cluster)
}

fn pod(name: &str, scheduler: &str, labels: &Value) -> Result<Pod, Failed> {
    let resources = json!({"requests": {"cpu": "200m", "memory": "100Mi"}});
    let containers = json!([{"name": "c", "image": "i", "resources": resources}]);
    Ok(serde_json::from_value(json!({"metadata": {"name": name, "labels": labels},
        "spec": {"schedulerName": scheduler, "containers": containers}}))?)
}

async fn create(pods: &Api<Pod>, name: &str, scheduler: &str) -> Outcome {
    pods.create(&PostParams::default(), &pod(name, scheduler, &json!({}))?).await?;
    Ok(())
}

/// Waits until a pod has a node, and returns it.
async fn node_of(pods: &Api<Pod>, name: &str) -> Result<String, Failed> {
    let what = format!("{name} has a node");
    eventually(&what, || async { Ok(pods.get(name).await?.spec.and_then(|spec| spec.node_name)) })
        .await
}

async fn profiles() -> Outcome {
    let cluster = configured(
        "profiles:\n- schedulerName: spread\n- schedulerName: pack\n  pluginConfig:\n  - name: \
         NodeResourcesFit\n    args: {scoringStrategy: {type: MostAllocated}}\n  plugins: {score: \
         {disabled: [{name: NodeResourcesBalancedAllocation}]}}\n",
    )?;
    let client = cluster.client().await?;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());

    create(&pods, "s1", "spread").await?;
    let first = node_of(&pods, "s1").await?;
    create(&pods, "s2", "spread").await?;
    let second = node_of(&pods, "s2").await?;
    create(&pods, "nobody", "default-scheduler").await?;
    let mut packed = vec![];
    for name in ["p1", "p2", "p3"] {
        create(&pods, name, "pack").await?;
        packed.push(node_of(&pods, name).await?);
    }

    ensure(first != second, "pods are not spread")?;
    ensure(packed.iter().all(|node| *node == packed[0]), format!("{packed:?}"))?;
    ensure(pods.get("nobody").await?.spec.and_then(|spec| spec.node_name).is_none(), "nobody's")?;
    let told = told(&client, "p1", "Scheduled").await?;
    ensure(told.reporting_component.as_deref() == Some("pack"), format!("{told:?}"))?;

    cluster.succeed(&["stop"])?;
    let settings = std::fs::read_to_string(cluster.data().join("settings.json"))?;
    ensure(settings.contains("scheduler.yaml"), settings)
}

/// Waits for an event of a pod.
async fn told(client: &Client, pod: &str, reason: &str) -> Result<Event, Failed> {
    let events: Api<Event> = Api::default_namespaced(client.clone());
    let what = format!("{reason} is told of {pod}");
    eventually(&what, || async {
        let all = events.list(&ListParams::default()).await?;
        Ok(all.items.into_iter().find(|event| {
            event.involved_object.name.as_deref() == Some(pod)
                && event.reason.as_deref() == Some(reason)
        }))
    })
    .await
}

async fn refused() -> Outcome {
    let cluster = Cluster::new();
    let kubeconfig = ["--components", "scheduler", "--kubeconfig", "/no/file"];
    for (rest, why) in [
        (
            "parallelism: 0",
            "scheduler.yaml: parallelism: Invalid value: 0: should be an integer value greater than zero",
        ),
        ("foo: 1", "scheduler.yaml: strict decoding error: unknown field \"foo\""),
        (
            "profiles: [{plugins: {filter: {enabled: [{name: Foo}]}}}]",
            "scheduler.yaml: initializing profiles: creating profile for scheduler name default-scheduler: \
             FilterPlugin \"Foo\" does not exist",
        ),
    ] {
        let file = written(&cluster, "scheduler.yaml", &format!("{HEAD}{rest}"))?;
        for more in [&[][..], &kubeconfig[..]] {
            let start = ["start", "--runtime", "simulated", "--scheduler-config", &file];
            let said = cluster.fail(&[&start[..], more].concat())?;
            ensure(said.trim_end().ends_with(why), said)?;
        }
        ensure(!cluster.data().exists(), "something was begun")?;
    }
    let said = cluster.fail(&["start", "--scheduler-config", "/no/file"])?;
    ensure(said.contains("/no/file: No such file"), said)?;
    let parts = ["start", "--components", "api-server", "--scheduler-config", "f"];
    let output = cluster.kanon(&parts);
    ensure(output.status.code() == Some(2), text(&output.stderr))
}

async fn explained() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "2"])?;
    let client = cluster.client().await?;
    let pods: Api<Pod> = Api::default_namespaced(client);
    let mut wants = pod("web", "default-scheduler", &json!({}))?;
    if let Some(spec) = &mut wants.spec {
        spec.node_selector = Some([("disk".to_owned(), "fast".to_owned())].into());
    }
    pods.create(&PostParams::default(), &wants).await?;
    create(&pods, "there", "default-scheduler").await?;
    let node = node_of(&pods, "there").await?;
    let explain = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kanon"));
        let command = command.args(["schedule", "explain"]).args(arguments);
        command.env("KUBECONFIG", cluster.kubeconfig()).output()
    };

    let told = text(&explain(&["web"])?.stdout);
    ensure(
        told.starts_with("default/web (default-scheduler): 0/2 nodes are available: 2 node(s) didn't match Pod's"),
        &told,
    )?;
    let line = told.lines().find(|line| line.contains("NodeAffinity")).unwrap_or_default();
    ensure(
        line.contains(
            "UnschedulableAndUnresolvable  node(s) didn't match Pod's node affinity/selector",
        ),
        &told,
    )?;
    let told: Value = serde_json::from_slice(&explain(&["there", "-o", "json"])?.stdout)?;
    ensure(told["node"] == json!(node), &told)?;
    ensure(told["nodes"][0]["scores"].as_array().is_some_and(|scores| scores.len() == 8), &told)?;
    let missing = explain(&["nobody", "-n", "kube-system"])?;
    ensure(missing.status.code() == Some(3), text(&missing.stderr))?;
    ensure(text(&missing.stderr) == "kanon: pods \"nobody\" not found\n", text(&missing.stderr))
}

async fn simulated() -> Outcome {
    let cluster = Cluster::new();
    let node = |name: &str| {
        format!(
            "---\nkind: Node\napiVersion: v1\nmetadata: {{name: {name}}}\nstatus: {{capacity: {{cpu: 2, memory: \
             2Gi, pods: 10}}}}\n"
        )
    };
    let pod = |name: &str, cpu: &str| {
        format!(
            "---\nkind: Pod\napiVersion: v1\nmetadata: {{name: {name}}}\nspec: {{containers: [{{name: c, image: i, \
             resources: {{limits: {{cpu: {cpu}}}}}}}]}}\n"
        )
    };
    let nodes = written(&cluster, "nodes.yaml", &[node("a"), node("b")].concat())?;
    let pods = [pod("one", "1500m"), pod("two", "1500m"), pod("three", "1500m")].concat();
    let pods = written(&cluster, "pods.yaml", &pods)?;
    let bad = written(
        &cluster,
        "bad.yaml",
        &format!("{}---\nkind: Pod\napiVersion: v1\n", pod("a", "1")),
    )?;
    let simulate = |pods: &str, more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kanon"));
        command.args(["schedule", "simulate", "-f", pods, "--nodes", &nodes]).args(more).output()
    };

    let told: Value = serde_json::from_slice(&simulate(&pods, &["-o", "json"])?.stdout)?;
    let nodes_of: Vec<_> = (0..3).map(|index| told["pods"][index]["node"].clone()).collect();
    ensure(nodes_of == [json!("a"), json!("b"), Value::Null], &told)?;
    let table = text(&simulate(&pods, &[])?.stdout);
    ensure(table.contains("default/three  <none>"), &table)?;
    ensure(table.contains("0/2 nodes are available: 2 Insufficient cpu."), &table)?;
    let failed = simulate(&bad, &[])?;
    let said = text(&failed.stderr);
    ensure(failed.status.code() == Some(3), &said)?;
    ensure(said.ends_with("bad.yaml: document 2: metadata.name: Required value\n"), said)
}
