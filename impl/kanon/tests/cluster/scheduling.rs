//! A scheduler that is told what to do: profiles, extenders; and what it says of pods without scheduling them.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Cluster, Outcome, ensure, eventually, text, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("each_pod_is_scheduled_by_the_profile_that_it_names", profiles),
        trial("a_bad_scheduler_configuration_is_refused_before_anything_starts", refused),
        trial("extenders_filter_score_lie_fail_and_hang", extenders),
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

/// A server that is an extender, and what it was asked.
#[derive(Clone, Default)]
struct Extender {
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Extender {
    /// Serves on a port, for ever.
    async fn serve(&self) -> Result<u16, Failed> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let extender = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let extender = extender.clone();
                let answer = service_fn(move |request| {
                    let extender = extender.clone();
                    async move { Ok::<_, Infallible>(extender.answer(request).await) }
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                tokio::spawn(connection);
            }
        });
        Ok(port)
    }

    /// What pods' names ask for. Of the nodes it likes the last one best.
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let verb = request.uri().path().trim_start_matches('/').to_owned();
        let body = request.into_body().collect().await.map(|body| body.to_bytes());
        let body: Value = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
        let pod = body["Pod"]["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let nodes = body["NodeNames"].clone();
        self.asked.lock().expect("nobody panics with it").push((verb.clone(), body));
        let answer = match (verb.as_str(), pod.as_str()) {
            ("filter", "lie") => json!({"NodeNames": ["nowhere"]}),
            ("filter", "fail") => {
                let mut response = Response::new(Full::default());
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                return response;
            }
            ("filter", "garbage") => return Response::new(Full::from("garbage")),
            ("filter", "hang") => std::future::pending().await,
            ("filter", _) => json!({"NodeNames": nodes}),
            (_, _) => {
                let last = nodes.as_array().and_then(|nodes| nodes.last());
                json!([{"Host": last, "Score": 10}])
            }
        };
        Response::new(Full::from(answer.to_string()))
    }

    fn has_asked(&self, verb: &str) -> bool {
        let asked = self.asked.lock().expect("nobody panics with it");
        asked.iter().any(|(asked, _)| asked == verb)
    }
}

async fn extenders() -> Outcome {
    let extender = Extender::default();
    let port = extender.serve().await?;
    let cluster = configured(&format!(
        "extenders:\n- {{urlPrefix: 'http://127.0.0.1:{port}', filterVerb: filter, prioritizeVerb: \
         prioritize, weight: 100, nodeCacheCapable: true, httpTimeout: 1s}}\n\
         - {{urlPrefix: 'http://127.0.0.1:1', filterVerb: filter, ignorable: true}}\n"
    ))?;
    let client = cluster.client().await?;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let url = format!("http://127.0.0.1:{port}");

    create(&pods, "hang", "default-scheduler").await?;
    create(&pods, "good", "default-scheduler").await?;
    let nodes: Api<k8s_openapi::api::core::v1::Node> = Api::all(client.clone());
    let names: Vec<_> = nodes.list(&ListParams::default()).await?.items;
    let last = names.iter().filter_map(|node| node.metadata.name.clone()).max();
    let chosen = node_of(&pods, "good").await?;
    ensure(Some(&chosen) == last.as_ref(), format!("{chosen} is not the one that is liked"))?;
    ensure(extender.has_asked("prioritize"), "nobody was asked to prioritize")?;

    for (name, why) in [
        (
            "lie",
            format!(
                "extender \"{url}\" claims a filtered node \"nowhere\" which is not found in the input node list"
            ),
        ),
        ("fail", format!("failed filter with extender at URL {url}/filter, code 500")),
        ("garbage", "invalid character 'g' looking for beginning of value".to_owned()),
        (
            "hang",
            format!(
                "Post \"{url}/filter\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            ),
        ),
    ] {
        if name != "hang" {
            create(&pods, name, "default-scheduler").await?;
        }
        let said = told(&client, name, "FailedScheduling").await?.message.unwrap_or_default();
        ensure(said.starts_with(&why), format!("{name}: {said}"))?;
        let pod = pods.get(name).await?;
        ensure(pod.spec.and_then(|spec| spec.node_name).is_none(), "it has a node")?;
    }
    create(&pods, "later", "default-scheduler").await?;
    node_of(&pods, "later").await.map(drop)
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
