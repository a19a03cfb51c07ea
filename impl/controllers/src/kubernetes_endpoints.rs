//! The endpoints of the `kubernetes` service, which are the API server itself and which it keeps up itself.
//!
//! Source: pkg/controlplane/reconcilers (v1.36), as far as there is one API server.

use std::collections::BTreeMap;

use api::{Kind, Request};
use k8s_openapi::api::core::v1::{EndpointAddress, EndpointPort, EndpointSubset, Endpoints};
use k8s_openapi::api::discovery::v1::{self, Endpoint, EndpointConditions, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// The name of the service, and of its endpoints.
pub const KUBERNETES: &str = "kubernetes";

/// Where clients reach the API server.
#[derive(Clone, Debug)]
pub struct Advertised {
    /// Its address, which is no loopback address.
    pub ip: String,
    /// Its port.
    pub port: u16,
}

/// The request that makes the Endpoints what they should be; `None` where they are.
pub fn correct_endpoints(advertised: &Advertised, found: Option<&Endpoints>) -> Option<Request> {
    let wanted = endpoints(advertised);
    let is_right = found.is_some_and(|found| {
        let labels = found.metadata.labels.clone().unwrap_or_default();
        found.subsets == wanted.subsets
            && wanted.metadata.labels.iter().flatten().all(|(k, v)| labels.get(k) == Some(v))
    });
    write(found, is_right, &wanted)
}

/// The same of the EndpointSlice.
pub fn correct_slice(advertised: &Advertised, found: Option<&EndpointSlice>) -> Option<Request> {
    let wanted = slice(advertised);
    let is_right = found.is_some_and(|found| {
        (&found.endpoints, &found.ports, &found.metadata.labels)
            == (&wanted.endpoints, &wanted.ports, &wanted.metadata.labels)
    });
    write(found, is_right, &wanted)
}

fn write<K: Kind>(found: Option<&K>, is_right: bool, wanted: &K) -> Option<Request> {
    match found {
        Some(_) if is_right => None,
        Some(_) => Some(Request::update(wanted)),
        None => Some(Request::create(wanted)),
    }
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

#[cfg(test)]
mod tests {
    use api::Verb;
    use serde_json::json;

    use super::*;

    fn advertised(port: u16) -> Advertised {
        Advertised { ip: "192.0.2.7".to_owned(), port }
    }

    #[test]
    fn what_is_missing_is_made_and_what_is_right_is_left_alone() {
        let made = correct_slice(&advertised(6443), None).unwrap();
        let slice: EndpointSlice = serde_json::from_value(made.body.clone().unwrap()).unwrap();

        assert_eq!(made.verb, Verb::Create);
        assert_eq!(slice.endpoints.as_ref().unwrap()[0].addresses, ["192.0.2.7"]);
        assert_eq!(correct_slice(&advertised(6443), Some(&slice)), None);
    }

    #[test]
    fn another_port_is_written_and_a_strange_label_is_not_minded() {
        let made = correct_endpoints(&advertised(6443), None).unwrap();
        let mut body = made.body.unwrap();
        body["metadata"]["labels"]["a"] = json!("b");
        let found: Endpoints = serde_json::from_value(body).unwrap();

        let moved = correct_endpoints(&advertised(7443), Some(&found)).unwrap();

        assert_eq!(correct_endpoints(&advertised(6443), Some(&found)), None);
        assert_eq!(moved.verb, Verb::Update);
        assert_eq!(moved.body.unwrap()["subsets"][0]["ports"][0]["port"], 7443);
    }
}
