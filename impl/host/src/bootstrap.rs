//! What a cluster holds before anyone asks: its namespaces, the service that names its API server, and what
//! the API server itself begins with.

use std::collections::BTreeMap;

use api::{Key, Reason, Request, Status, resources};
use futures_util::future::try_join_all;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::transport::Transport;
use crate::{clock, requests};
use controllers::kubernetes_endpoints::KUBERNETES;

/// The namespaces of every cluster.
const NAMESPACES: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];

/// The address of the `kubernetes` service: the first of upstream's default service range.
const CLUSTER_IP: &str = "10.96.0.1";

/// Creates what is missing.
pub async fn bootstrap(transport: &dyn Transport, api_port: u16) -> Result<(), Status> {
    for name in NAMESPACES {
        ensure(transport, &Request::create(&namespace(name))).await?;
    }
    ensure_service(transport, &kubernetes_service(api_port)).await?;
    ensure(transport, &Request::create(&token_tracking())).await?;
    // Together, so that they become durable together.
    let objects = apiserver::bootstrap::objects().into_iter();
    let requests: Vec<Request> =
        objects.map(|(resource, object)| Request::create_value(resource, object)).collect();
    try_join_all(requests.iter().map(|request| ensure(transport, request))).await?;
    Ok(())
}

async fn ensure(transport: &dyn Transport, request: &Request) -> Result<(), Status> {
    match requests::perform(transport, request).await {
        Ok(_) => Ok(()),
        Err(status) if status.reason == Reason::AlreadyExists => Ok(()),
        Err(status) => Err(status),
    }
}

/// The same of a Service. One whose address is given already is refused for that before it is for its name.
async fn ensure_service(transport: &dyn Transport, service: &Service) -> Result<(), Status> {
    let Err(refusal) = ensure(transport, &Request::create(service)).await else { return Ok(()) };
    let get = Request::get(&resources::SERVICES, Key::of(&service.metadata));
    requests::perform(transport, &get).await.map(drop).map_err(|_| refusal)
}

fn namespace(name: &str) -> Namespace {
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    Namespace { metadata, ..Namespace::default() }
}

/// Tells since which day it is written down when tokens that are kept in Secrets are used.
/// Source: pkg/controlplane/controller/legacytokentracking/controller.go, v1.36.
fn token_tracking() -> ConfigMap {
    let today = clock::now().to_string().chars().take("2026-01-31".len()).collect();
    ConfigMap {
        metadata: ObjectMeta {
            name: Some("kube-apiserver-legacy-service-account-token-tracking".to_owned()),
            namespace: Some("kube-system".to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([("since".to_owned(), today)])),
        ..ConfigMap::default()
    }
}

fn kubernetes_service(api_port: u16) -> Service {
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let labels = BTreeMap::from([label("component", "apiserver"), label("provider", "kubernetes")]);
    Service {
        metadata: ObjectMeta {
            name: Some(KUBERNETES.to_owned()),
            namespace: Some("default".to_owned()),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        spec: Some(ServiceSpec {
            cluster_ip: Some(CLUSTER_IP.to_owned()),
            cluster_ips: Some(vec![CLUSTER_IP.to_owned()]),
            ports: Some(vec![ServicePort {
                name: Some("https".to_owned()),
                port: 443,
                target_port: Some(IntOrString::Int(i32::from(api_port))),
                protocol: Some("TCP".to_owned()),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}
