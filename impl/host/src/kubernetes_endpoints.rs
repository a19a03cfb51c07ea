//! The endpoints of the `kubernetes` service, which are the API server itself and which it keeps up itself.
//!
//! Source: pkg/controlplane/reconcilers (v1.36), as far as there is one API server.

use std::collections::BTreeMap;
use std::time::Duration;

use api::{Key, Kind, Reason, Request, Status};
use k8s_openapi::api::core::v1::{EndpointAddress, EndpointPort, EndpointSubset, Endpoints};
use k8s_openapi::api::discovery::v1::{self, Endpoint, EndpointConditions, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::requests;
use crate::transport::Transport;

/// The name of the service, and of its endpoints.
pub(crate) const KUBERNETES: &str = "kubernetes";

/// How often they are looked at. Source: `DefaultEndpointReconcilerInterval`.
const INTERVAL: Duration = Duration::from_secs(10);

/// Where clients reach the API server.
#[derive(Clone, Debug)]
pub struct Advertised {
    /// Its address, which is no loopback address.
    pub ip: String,
    /// Its port.
    pub port: u16,
}

/// Writes the endpoints whenever they are not what they should be, for ever.
pub async fn keep(transport: &dyn Transport, advertised: &Advertised) {
    loop {
        // A refusal is told in the log of requests, and tried again.
        drop(reconcile(transport, advertised).await);
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Writes the endpoints if they are not what they should be.
pub async fn reconcile(transport: &dyn Transport, advertised: &Advertised) -> Result<(), Status> {
    let wanted = endpoints(advertised);
    let found: Option<Endpoints> = find(transport).await?;
    let is_right = |found: &Endpoints| {
        let labels = found.metadata.labels.clone().unwrap_or_default();
        found.subsets == wanted.subsets
            && wanted.metadata.labels.iter().flatten().all(|(k, v)| labels.get(k) == Some(v))
    };
    write(transport, found, is_right, wanted.clone()).await?;
    let wanted = slice(advertised);
    let found: Option<EndpointSlice> = find(transport).await?;
    let is_right = |found: &EndpointSlice| {
        (&found.endpoints, &found.ports, &found.metadata.labels)
            == (&wanted.endpoints, &wanted.ports, &wanted.metadata.labels)
    };
    write(transport, found, is_right, wanted.clone()).await
}

async fn find<K: Kind>(transport: &dyn Transport) -> Result<Option<K>, Status> {
    let get = Request::get(K::RESOURCE, Key::new("default", KUBERNETES));
    match requests::perform(transport, &get).await {
        Ok(found) => serde_json::from_value(found)
            .map(Some)
            .map_err(|error| Status::internal(format!("{KUBERNETES} is not readable: {error}"))),
        Err(status) if status.reason == Reason::NotFound => Ok(None),
        Err(status) => Err(status),
    }
}

async fn write<K: Kind>(
    transport: &dyn Transport,
    found: Option<K>,
    is_right: impl Fn(&K) -> bool,
    wanted: K,
) -> Result<(), Status> {
    let request = match found {
        Some(found) if is_right(&found) => return Ok(()),
        Some(_) => Request::update(&wanted),
        None => Request::create(&wanted),
    };
    requests::perform(transport, &request).await.map(drop)
}

fn metadata(label: (&str, &str)) -> ObjectMeta {
    let labels = BTreeMap::from([(label.0.to_owned(), label.1.to_owned())]);
    ObjectMeta {
        name: Some(KUBERNETES.to_owned()),
        namespace: Some("default".to_owned()),
        labels: Some(labels),
        ..ObjectMeta::default()
    }
}

/// They are not mirrored, because their slice is written here.
fn endpoints(advertised: &Advertised) -> Endpoints {
    let address = EndpointAddress { ip: advertised.ip.clone(), ..EndpointAddress::default() };
    let port = EndpointPort {
        name: Some("https".to_owned()),
        port: i32::from(advertised.port),
        protocol: Some("TCP".to_owned()),
        app_protocol: None,
    };
    Endpoints {
        metadata: metadata(("endpointslice.kubernetes.io/skip-mirror", "true")),
        subsets: Some(vec![EndpointSubset {
            addresses: Some(vec![address]),
            not_ready_addresses: None,
            ports: Some(vec![port]),
        }]),
    }
}

fn slice(advertised: &Advertised) -> EndpointSlice {
    let is_ipv6 = advertised.ip.contains(':');
    let ready = EndpointConditions { ready: Some(true), ..EndpointConditions::default() };
    EndpointSlice {
        metadata: metadata(("kubernetes.io/service-name", KUBERNETES)),
        address_type: if is_ipv6 { "IPv6" } else { "IPv4" }.to_owned(),
        endpoints: Some(vec![Endpoint {
            addresses: vec![advertised.ip.clone()],
            conditions: Some(ready),
            ..Endpoint::default()
        }]),
        ports: Some(vec![v1::EndpointPort {
            name: Some("https".to_owned()),
            port: Some(i32::from(advertised.port)),
            protocol: Some("TCP".to_owned()),
            app_protocol: None,
        }]),
    }
}
