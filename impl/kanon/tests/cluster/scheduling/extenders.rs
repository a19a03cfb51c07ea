//! Extenders over HTTP: they filter, score, bind, say who may go, and fail.

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
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{configured, create, node_of, pod, told};
use crate::raw::Raw;
use crate::support::{Outcome, ensure, eventually};

/// A server that is an extender, and what it was asked.
#[derive(Clone, Default)]
struct Extender {
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    /// With which it binds pods.
    client: Arc<Mutex<Option<Client>>>,
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
        self.asked.lock().expect("nobody panics with it").push((verb.clone(), body.clone()));
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
            ("bind", _) => self.bind(&body).await,
            ("preempt", _) => {
                json!({"NodeNameToMetaVictims": last(&body["NodeNameToMetaVictims"])})
            }
            (_, _) => {
                let last = nodes.as_array().and_then(|nodes| nodes.last());
                json!([{"Host": last, "Score": 10}])
            }
        };
        Response::new(Full::from(answer.to_string()))
    }

    /// Binds a pod whose name does not say that it refuses.
    async fn bind(&self, body: &Value) -> Value {
        let client = self.client.lock().expect("nobody panics with it").clone();
        let (Some(client), name) = (client, body["PodName"].as_str().unwrap_or_default()) else {
            return json!({"Error": "nobody can bind yet"});
        };
        if name == "refused" {
            return json!({"Error": "the extender refuses"});
        }
        let target = json!({"kind": "Node", "name": body["Node"]});
        let path = format!("/api/v1/namespaces/default/pods/{name}/binding");
        let binding = json!({"metadata": {"name": name}, "target": target});
        match Raw(client).post(&path, &binding).await {
            Ok(_) => json!({}),
            Err(why) => json!({"Error": format!("{why:?}")}),
        }
    }

    fn has_asked(&self, verb: &str) -> bool {
        let asked = self.asked.lock().expect("nobody panics with it");
        asked.iter().any(|(asked, _)| asked == verb)
    }
}

/// Nodes are filtered and scored; pods whose extenders fail have none.
pub(super) async fn filter() -> Outcome {
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

/// The last of the nodes with their victims, alone.
fn last(victims: &Value) -> Value {
    let last = victims.as_object().and_then(|victims| victims.iter().next_back());
    last.map(|(node, victims)| json!({node: victims})).unwrap_or_default()
}

/// The extender binds pods where the scheduler wants them; and where one must go for another, it says on which node.
pub(super) async fn bind() -> Outcome {
    let extender = Extender::default();
    let port = extender.serve().await?;
    let cluster = configured(&format!(
        "extenders:\n- {{urlPrefix: 'http://127.0.0.1:{port}', bindVerb: bind, preemptVerb: preempt, \
         nodeCacheCapable: true}}\n"
    ))?;
    let client = cluster.client().await?;
    *extender.client.lock().expect("nobody panics with it") = Some(client.clone());
    let raw = Raw(client.clone());
    let pods: Api<Pod> = Api::default_namespaced(client.clone());

    create(&pods, "refused", "default-scheduler").await?;
    let said = told(&client, "refused", "FailedScheduling").await?.message.unwrap_or_default();
    ensure(said.contains("the extender refuses"), said)?;
    let mut low = vec![];
    for name in ["low-1", "low-2"] {
        create_with_port(&pods, name, "").await?;
        low.push((node_of(&pods, name).await?, name));
    }
    low.sort();
    let class = json!({"metadata": {"name": "high"}, "value": 1000});
    raw.post("/apis/scheduling.k8s.io/v1/priorityclasses", &class).await?;
    create_with_port(&pods, "high", "high").await?;
    let chosen = node_of(&pods, "high").await?;

    let (last, victim) = &low[1];
    ensure(chosen == *last, format!("{chosen} is not the one that was left"))?;
    let what = format!("{victim} has gone for it");
    eventually(&what, || async { Ok(pods.get_opt(victim).await?.is_none().then_some(())) }).await?;
    ensure(extender.has_asked("bind") && extender.has_asked("preempt"), "it was not asked")?;
    ensure(pods.get_opt(low[0].1).await?.is_some(), "the other one has gone, too")
}

/// Creates a pod of which a node can run only one.
async fn create_with_port(pods: &Api<Pod>, name: &str, class: &str) -> Outcome {
    let mut object = serde_json::to_value(pod(name, "default-scheduler", &json!({}))?)?;
    object["spec"]["containers"][0]["ports"] = json!([{"containerPort": 80, "hostPort": 8080}]);
    object["spec"]["priorityClassName"] = json!(class);
    pods.create(&PostParams::default(), &serde_json::from_value(object)?).await?;
    Ok(())
}
