//! The variables by which a container finds Services.
//!
//! Source: `FromServices` of pkg/kubelet/envvars/envvars.go and `getServiceEnvVarMap` of pkg/kubelet/kubelet_pods.go
//! (v1.36). Every Service that has an address is known before the first pod is: whoever starts a kubelet
//! sees to that.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{AnyObject, Key};
use client::Change;
use k8s_openapi::api::core::v1::{Service, ServicePort};

/// The Service of the API server, which every container is told of.
const MASTER: (&str, &str) = ("default", "kubernetes");

/// The Services that have an address, by namespace and name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Services(BTreeMap<String, BTreeMap<String, Arc<Service>>>);

impl Services {
    /// Notes that a Service has changed.
    pub(crate) fn observe(&mut self, change: &Change) {
        let Key { namespace, name } = change.key();
        let of_namespace = self.0.entry(namespace).or_default();
        match &change.new {
            Some(AnyObject::Service(service)) if address(service).is_some() => {
                of_namespace.insert(name, Arc::clone(service));
            }
            Some(_) | None => {
                of_namespace.remove(&name);
            }
        }
        self.0.retain(|_, services| !services.is_empty());
    }

    /// What the containers of a pod in a namespace are told: of its Services if it wants that
    /// (`enableServiceLinks`), and of the API server.
    pub(crate) fn variables(&self, namespace: &str, links: bool) -> BTreeMap<String, String> {
        let master = self.0.get(MASTER.0).and_then(|services| services.get(MASTER.1));
        let own = self.0.get(namespace).filter(|_| links);
        let mut services: BTreeMap<&str, &Arc<Service>> =
            master.map(|service| (MASTER.1, service)).into_iter().collect();
        services.extend(own.into_iter().flatten().map(|(name, service)| (name.as_str(), service)));
        services.into_iter().flat_map(|(name, service)| of_service(name, service)).collect()
    }
}

fn address(service: &Service) -> Option<&str> {
    let address = service.spec.as_ref()?.cluster_ip.as_deref()?;
    (!matches!(address, "" | "None")).then_some(address)
}

fn variable(name: &str) -> String {
    name.replace('-', "_").to_uppercase()
}

fn of_service(name: &str, service: &Service) -> Vec<(String, String)> {
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    let (Some(address), Some(first)) = (address(service), ports.first()) else { return vec![] };
    let prefix = variable(name);
    let mut variables = vec![
        (format!("{prefix}_SERVICE_HOST"), address.to_owned()),
        (format!("{prefix}_SERVICE_PORT"), first.port.to_string()),
        (format!("{prefix}_PORT"), url(address, first)),
    ];
    for port in ports {
        if let Some(name) = port.name.as_deref().filter(|name| !name.is_empty()) {
            let named = format!("{prefix}_SERVICE_PORT_{}", variable(name));
            variables.push((named, port.port.to_string()));
        }
        let link = format!("{prefix}_PORT_{}_{}", port.port, protocol(port));
        variables.extend([
            (format!("{link}_PROTO"), protocol(port).to_lowercase()),
            (format!("{link}_PORT"), port.port.to_string()),
            (format!("{link}_ADDR"), address.to_owned()),
            (link, url(address, port)),
        ]);
    }
    variables
}

fn protocol(port: &ServicePort) -> String {
    port.protocol.as_deref().unwrap_or("TCP").to_uppercase()
}

fn url(address: &str, port: &ServicePort) -> String {
    let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
    format!("{}://{host}:{}", protocol(port).to_lowercase(), port.port)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn services(services: &[(&str, &str, Value)]) -> Services {
        let mut known = Services::default();
        for (namespace, name, spec) in services {
            let metadata = json!({"namespace": namespace, "name": name});
            let service = serde_json::from_value(json!({"metadata": metadata, "spec": spec}));
            let new = Some(AnyObject::Service(Arc::new(service.unwrap())));
            known.observe(&Change { old: None, new });
        }
        known
    }

    fn text(variables: &BTreeMap<String, String>) -> Vec<String> {
        variables.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn a_service_is_told_by_its_address_and_ports() {
        let ports = json!([{"name": "dns-tcp", "port": 53, "protocol": "TCP"},
            {"name": "dns", "port": 53, "protocol": "UDP"}]);
        let known = services(&[("n", "a-b", json!({"clusterIP": "fd00::1", "ports": ports}))]);

        let found = text(&known.variables("n", true));

        let expected = [
            "A_B_PORT=tcp://[fd00::1]:53",
            "A_B_PORT_53_TCP=tcp://[fd00::1]:53",
            "A_B_PORT_53_TCP_ADDR=fd00::1",
            "A_B_PORT_53_TCP_PORT=53",
            "A_B_PORT_53_TCP_PROTO=tcp",
            "A_B_PORT_53_UDP=udp://[fd00::1]:53",
            "A_B_PORT_53_UDP_ADDR=fd00::1",
            "A_B_PORT_53_UDP_PORT=53",
            "A_B_PORT_53_UDP_PROTO=udp",
            "A_B_SERVICE_HOST=fd00::1",
            "A_B_SERVICE_PORT=53",
            "A_B_SERVICE_PORT_DNS=53",
            "A_B_SERVICE_PORT_DNS_TCP=53",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn containers_are_told_of_the_api_server_and_if_they_want_of_their_own_namespace() {
        let spec = |address: &str| json!({"clusterIP": address, "ports": [{"port": 1}]});
        let known = services(&[
            ("default", "kubernetes", spec("10.0.0.1")),
            ("default", "web", spec("10.0.0.2")),
            ("n", "web", spec("10.0.0.3")),
            ("n", "headless", spec("None")),
            ("m", "kubernetes", spec("10.0.0.4")),
        ]);
        let hosts = |namespace: &str, links: bool| {
            let mut found = text(&known.variables(namespace, links));
            found.retain(|variable| variable.contains("_HOST="));
            found
        };

        let master = "KUBERNETES_SERVICE_HOST=10.0.0.1";
        assert_eq!(hosts("n", false), [master]);
        assert_eq!(hosts("n", true), [master, "WEB_SERVICE_HOST=10.0.0.3"]);
        assert_eq!(hosts("default", true), [master, "WEB_SERVICE_HOST=10.0.0.2"]);
        assert_eq!(hosts("m", true), ["KUBERNETES_SERVICE_HOST=10.0.0.4"]);
    }

    #[test]
    fn a_service_that_has_gone_or_lost_its_address_is_not_told_of() {
        let spec = |address: &str| json!({"clusterIP": address, "ports": [{"port": 1}]});
        let mut known = services(&[("n", "a", spec("10.0.0.1")), ("n", "b", spec("10.0.0.2"))]);

        let service = known.0["n"]["a"].clone();
        known.observe(&Change { old: Some(AnyObject::Service(service)), new: None });
        let empty = json!({"metadata": {"namespace": "n", "name": "b"}, "spec": spec("")});
        let empty = AnyObject::Service(Arc::new(serde_json::from_value(empty).unwrap()));
        known.observe(&Change { old: None, new: Some(empty) });

        assert_eq!(text(&known.variables("n", true)), [""; 0]);
        assert!(known.0.is_empty());
    }
}
