//! The root CA publisher: the certificate of the cluster's authority in every namespace.
//!
//! Source: pkg/controller/certificates/rootcacertpublisher (v1.36).

use std::collections::BTreeMap;

use api::object::ROOT_CA;
use api::{Key, Request, Timestamp, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::service_account::{is_active, named};
use crate::{Controller, Plan};

/// What the certificate is for, as clients of upstream read it.
const DESCRIPTION: (&str, &str) = (
    "kubernetes.io/description",
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as \
     the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of \
     Kubernetes clusters.",
);

/// Keeps the certificate in every namespace.
#[derive(Clone, Debug)]
pub struct RootCaPublisher {
    root_ca: BTreeMap<String, String>,
}

impl RootCaPublisher {
    /// One that publishes this certificate, PEM.
    pub fn new(root_ca: &str) -> Self {
        Self { root_ca: BTreeMap::from([("ca.crt".to_owned(), root_ca.to_owned())]) }
    }

    fn root_ca(&self, namespace: &str) -> ConfigMap {
        let description = BTreeMap::from([(DESCRIPTION.0.to_owned(), DESCRIPTION.1.to_owned())]);
        ConfigMap {
            metadata: ObjectMeta { annotations: Some(description), ..named(namespace, ROOT_CA) },
            data: Some(self.root_ca.clone()),
            ..ConfigMap::default()
        }
    }

    /// Writes the certificate and what it is for, where one of them is missing or the first was changed.
    fn publish(&self, view: &View, namespace: &str) -> Option<Request> {
        let Some(found) = view.config_maps.get(&Key::new(namespace, ROOT_CA)) else {
            return Some(Request::create(&self.root_ca(namespace)));
        };
        let annotations = found.metadata.annotations.as_ref();
        let description = annotations.and_then(|all| all.get(DESCRIPTION.0));
        let is_described = description.is_some_and(|text| !text.is_empty());
        if found.data.as_ref() == Some(&self.root_ca) && is_described {
            return None;
        }
        let mut changed = ConfigMap::clone(found);
        let annotations = changed.metadata.annotations.get_or_insert_default();
        annotations.insert(DESCRIPTION.0.to_owned(), DESCRIPTION.1.to_owned());
        changed.data = Some(self.root_ca.clone());
        Some(Request::update(&changed))
    }
}

impl Controller for RootCaPublisher {
    fn name(&self) -> &'static str {
        "root-ca-certificate-publisher-controller"
    }

    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        let (resource, key) = (change.resource(), change.key());
        if resource == &resources::NAMESPACES {
            vec![key]
        } else if resource == &resources::CONFIG_MAPS && key.name == ROOT_CA {
            vec![Key::cluster(&key.namespace)]
        } else {
            vec![]
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, _now: Timestamp) -> Plan {
        let mut plan = Plan::default();
        if view.namespaces.get(key).is_some_and(is_active) {
            plan.requests.extend(self.publish(view, &key.name));
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, _request: &Request, _outcome: &Outcome) {}
}

#[cfg(test)]
mod tests {
    use api::Verb;
    use serde_json::json;

    use super::*;
    use crate::testing::{World, at, requests};

    #[test]
    fn a_new_namespace_gets_the_root_certificate() {
        let mut world = world();

        let plan = world.reconcile(&Key::cluster("new"), at(10));

        let root_ca = requests(&plan, Verb::Create, &resources::CONFIG_MAPS);
        let root_ca = root_ca[0].body.clone().unwrap();
        assert_eq!(root_ca["data"], json!({"ca.crt": "PEM"}));
        assert_eq!(root_ca["metadata"]["annotations"][DESCRIPTION.0], DESCRIPTION.1);
    }

    #[test]
    fn a_description_that_was_taken_away_is_put_back() {
        let mut world = world();
        let mut root_ca = object("kube-root-ca.crt");
        root_ca["data"] = json!({"ca.crt": "PEM"});
        world.put(&resources::CONFIG_MAPS, root_ca.clone());

        let plan = world.reconcile(&Key::cluster("new"), at(10));
        root_ca["metadata"]["annotations"] = json!({"kubernetes.io/description": "mine"});
        world.put(&resources::CONFIG_MAPS, root_ca);
        let described = world.reconcile(&Key::cluster("new"), at(10));

        let changed = plan.requests[0].body.clone().unwrap();
        assert_eq!(changed["metadata"]["annotations"][DESCRIPTION.0], DESCRIPTION.1);
        assert!(described.requests.is_empty());
    }

    #[test]
    fn a_changed_root_certificate_is_put_back() {
        let mut world = world();
        let mut root_ca = object("kube-root-ca.crt");
        root_ca["data"] = json!({"ca.crt": "forged"});

        let due = world.put(&resources::CONFIG_MAPS, root_ca);
        let plan = world.reconcile(&Key::cluster("new"), at(10));

        assert_eq!(due, [Key::cluster("new")]);
        assert_eq!(plan.requests.len(), 1);
        assert_eq!(plan.requests[0].verb, Verb::Update);
        assert_eq!(plan.requests[0].body.clone().unwrap()["data"], json!({"ca.crt": "PEM"}));
    }

    fn world() -> World<RootCaPublisher> {
        let mut world = World::new(RootCaPublisher::new("PEM"));
        world.put(&resources::NAMESPACES, json!({"metadata": {"name": "new"}}));
        world
    }

    fn object(name: &str) -> serde_json::Value {
        json!({"metadata": {"name": name, "namespace": "new"}})
    }
}
