//! The ServiceAccount controller: every namespace holds the account `default`.
//!
//! Source: pkg/controller/serviceaccount/serviceaccounts_controller.go (v1.36).

use std::sync::Arc;

use api::{Key, Request, Timestamp, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{Controller, Plan};

const ACCOUNT: &str = "default";

/// Keeps the default account in every namespace.
#[derive(Clone, Debug)]
pub struct ServiceAccountController;

impl Controller for ServiceAccountController {
    fn name(&self) -> &'static str {
        "serviceaccount-controller"
    }

    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        let (resource, key) = (change.resource(), change.key());
        if resource == &resources::NAMESPACES {
            vec![key]
        } else if resource == &resources::SERVICE_ACCOUNTS && key.name == ACCOUNT {
            vec![Key::cluster(&key.namespace)]
        } else {
            vec![]
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, _now: Timestamp) -> Plan {
        let mut plan = Plan::default();
        let is_wanted = view.namespaces.get(key).is_some_and(is_active);
        if is_wanted && view.service_accounts.get(&Key::new(&key.name, ACCOUNT)).is_none() {
            let metadata = named(&key.name, ACCOUNT);
            let account = ServiceAccount { metadata, ..ServiceAccount::default() };
            plan.requests.push(Request::create(&account));
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, _request: &Request, _outcome: &Outcome) {}
}

pub(crate) fn is_active(namespace: &Arc<Namespace>) -> bool {
    let phase = namespace.status.as_ref().and_then(|status| status.phase.as_deref());
    namespace.metadata.deletion_timestamp.is_none() && phase != Some("Terminating")
}

pub(crate) fn named(namespace: &str, name: &str) -> ObjectMeta {
    ObjectMeta {
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{World, at};

    #[test]
    fn a_namespace_that_is_not_going_gets_an_account() {
        let mut world = World::new(ServiceAccountController);
        world.put(&resources::NAMESPACES, json!({"metadata": {"name": "new"}}));
        let going = json!({"metadata": {"name": "old"}, "status": {"phase": "Terminating"}});
        world.put(&resources::NAMESPACES, going);

        let plan = world.reconcile(&Key::cluster("new"), at(10));

        assert_eq!(plan.requests[0].body.clone().unwrap()["metadata"]["name"], "default");
        assert_eq!(world.reconcile(&Key::cluster("old"), at(10)), Plan::default());
    }
}
