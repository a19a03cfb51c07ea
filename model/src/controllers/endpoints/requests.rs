//! What an API server sees of a Service, its Pods and its Endpoints.
//!
//! The Service has no selector, so that the Endpoints controller of a real cluster leaves it to this
//! one; and the Endpoints have a name of their own, so that it does not end them with the Service.

use super::{Action, Addresses, PODS, Pod, Request as Asked, Stage, State};
use crate::request::{CURRENT, OUTDATED, Request};
use serde_json::{Value, json};

const SERVICE: &str = "web";
const ENDPOINTS: &str = "addresses-of-web";

pub(super) fn at_start(state: &State) -> Vec<Request> {
    let objects = state.store.now();
    let nodes = Request::nodes(1);
    let service = objects.service.then(|| Request::create("services", SERVICE, json!({})));
    let pods = (0..).zip(objects.pods).filter_map(|(number, pod)| Some((number, pod?)));
    let pods = pods.flat_map(|(number, pod)| [create(number, pod), report(number, pod)]);
    let endpoints = objects.endpoints.map(create_endpoints);
    nodes.chain(service).chain(pods).chain(endpoints).collect()
}

pub(super) fn request(before: &State, action: Action, after: &State) -> Option<Request> {
    let pod_after = |number: u8| after.store.now().pods[usize::from(number)];
    match action {
        Action::Commit => commit(before),
        Action::BecomeReady { pod } | Action::BecomeUnready { pod } => {
            Some(report(pod, pod_after(pod)?))
        }
        Action::RemovePod { pod } => Some(Request::remove_pod(name(pod))),
        Action::CreatePod { pod } => Some(create(pod, pod_after(pod)?)),
        Action::DeletePod { pod } => Some(Request::delete("pods", name(pod), json!({}))),
        Action::RelabelPod { pod } => {
            Some(Request::patch("pods", name(pod), json!({"metadata": label(pod_after(pod)?)})))
        }
        Action::DeleteService => Some(Request::delete("services", SERVICE, json!({}))),
        Action::CreateService => Some(Request::create("services", SERVICE, json!({}))),
        Action::DeliverService
        | Action::DeliverPod
        | Action::DeliverEndpoints
        | Action::SyncService
        | Action::LoseRequest
        | Action::Crash => None,
    }
}

fn commit(before: &State) -> Option<Request> {
    match before.request {
        Asked::None => None,
        Asked::Create(addresses) => Some(create_endpoints(addresses)),
        Asked::Update { addresses, outdated } => {
            let version = if outdated { OUTDATED } else { CURRENT };
            let metadata = json!({"resourceVersion": version});
            let body = json!({"metadata": metadata, "subsets": subsets(addresses)});
            Some(Request::update("endpoints", ENDPOINTS, body))
        }
        Asked::Delete => Some(Request::delete("endpoints", ENDPOINTS, json!({}))),
    }
}

fn create_endpoints(addresses: Addresses) -> Request {
    Request::create("endpoints", ENDPOINTS, json!({"subsets": subsets(addresses)}))
}

fn subsets(addresses: Addresses) -> Value {
    let listed = (0..PODS).filter(|number| addresses[*number]);
    let ips = listed.map(|number| json!({"ip": format!("192.0.2.{}", number + 1)}));
    match ips.collect::<Vec<_>>() {
        none if none.is_empty() => json!([]),
        ips => json!([{"addresses": ips, "ports": [{"port": 80}]}]),
    }
}

fn create(number: u8, pod: Pod) -> Request {
    let body = json!({"metadata": label(pod), "spec": {"nodeName": "node-0"}});
    Request::create("pods", name(number), body)
}

fn report(number: u8, pod: Pod) -> Request {
    Request::report(name(number), "Running", pod.stage == Stage::Ready)
}

fn label(pod: Pod) -> Value {
    json!({"labels": {"app": pod.labelled.then_some("web")}})
}

fn name(number: u8) -> String {
    format!("pod-{number}")
}
