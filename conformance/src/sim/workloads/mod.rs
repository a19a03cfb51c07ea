//! What people do with a cluster besides running Deployments, and what must hold of it.
//!
//! Each workload asks for things of its own kind, checks its claims of `specs/` on every write, and says at
//! the end what has not come about. The cores that it drives are the product's.

pub(crate) mod accounts;
pub(crate) mod attachments;
mod budgets;
pub(crate) mod certificates;
mod daemon_sets;
pub(crate) mod devices;
pub(crate) mod exposure;
mod jobs;
mod namespaces;
pub(crate) mod nodes;
mod owners;
pub(crate) mod periodic;
mod quotas;
mod rollouts;
mod services;
mod stateful_sets;
pub(crate) mod upkeep;
pub(crate) mod volumes;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use api::object::text;
use api::trace::Event;
use api::{ApiResource, Key, Request, Timestamp, resources};
use client::View;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Store;

use crate::sim::machine::Machine;
use crate::sim::objects::{Objects, objects};
use crate::sim::random::Random;
use crate::sim::user::{any, create, key};

/// With each more of so many nodes, people ask for as much again.
pub(crate) const SMALL_NODES: usize = 50;

/// A kind of thing that people ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// Deployments, ReplicaSets and bare Pods; what there is if nothing is chosen.
    Deployments,
    /// StatefulSets, ordered and parallel.
    StatefulSets,
    /// DaemonSets on Nodes whose labels change.
    DaemonSets,
    /// Jobs whose Pods succeed and fail.
    Jobs,
    /// Services over Pods whose labels change.
    Services,
    /// PodDisruptionBudgets, and evictions under them.
    Budgets,
    /// Namespaces with something in them.
    Namespaces,
    /// ConfigMaps that own each other, some at wrong coordinates.
    Owners,
    /// Deployments whose templates change, while somebody takes the names of their ReplicaSets.
    Rollouts,
    /// Claims, volumes, and Pods that use them.
    Volumes,
    /// Requests for certificates.
    Certificates,
    /// Service accounts and their tokens.
    Accounts,
    /// Volumes that a driver attaches to nodes.
    Attachments,
    /// What a cluster keeps up by itself: roles, quotas, ranges of addresses, finished Jobs.
    Upkeep,
    /// What is done again and again: Jobs on a schedule, scaling, telling Nodes how large the cluster is.
    Periodic,
    /// Services that are reached by what somebody writes, and by load balancers.
    Exposure,
    /// ResourceClaims of Pods, and VolumeAttributesClasses of volumes.
    Devices,
    /// Nodes of zones that fall silent and return.
    Nodes,
    /// Quotas that allow few Pods.
    Quotas,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Deployments,
        Self::StatefulSets,
        Self::DaemonSets,
        Self::Jobs,
        Self::Services,
        Self::Budgets,
        Self::Namespaces,
        Self::Owners,
        Self::Rollouts,
        Self::Volumes,
        Self::Certificates,
        Self::Accounts,
        Self::Attachments,
        Self::Upkeep,
        Self::Periodic,
        Self::Exposure,
        Self::Devices,
        Self::Nodes,
        Self::Quotas,
    ];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployments => "deployments",
            Self::StatefulSets => "stateful-sets",
            Self::DaemonSets => "daemon-sets",
            Self::Jobs => "jobs",
            Self::Services => "services",
            Self::Budgets => "budgets",
            Self::Namespaces => "namespaces",
            Self::Owners => "owners",
            Self::Rollouts => "rollouts",
            Self::Volumes => "volumes",
            Self::Certificates => "certificates",
            Self::Accounts => "accounts",
            Self::Attachments => "attachments",
            Self::Upkeep => "upkeep",
            Self::Periodic => "periodic",
            Self::Exposure => "exposure",
            Self::Devices => "devices",
            Self::Nodes => "nodes",
            Self::Quotas => "quotas",
        }
    }

    /// What somebody asks for, at once; nothing for what `user` asks for, and where there is nothing to ask.
    pub(crate) fn ask(self, store: &Store, random: &mut Random, size: Size) -> Vec<Request> {
        let request = match self {
            Self::Deployments => None,
            Self::StatefulSets => stateful_sets::ask(store, random, size),
            Self::DaemonSets => daemon_sets::ask(store, random),
            Self::Jobs => jobs::ask(store, random, size),
            Self::Services => return services::ask(store, random, size),
            Self::Budgets => budgets::ask(store, random, size),
            Self::Namespaces => namespaces::ask(store, random, size),
            Self::Owners => owners::ask(store, random, size),
            Self::Rollouts => rollouts::ask(store, random, size),
            Self::Volumes => return volumes::ask(store, random, size),
            Self::Certificates => certificates::ask(store, random),
            Self::Accounts => accounts::ask(store, random),
            Self::Attachments => return attachments::ask(store, random),
            Self::Upkeep => return upkeep::ask(store, random),
            Self::Periodic => return periodic::ask(store, random),
            Self::Exposure => return exposure::ask(store, random),
            Self::Devices => return devices::ask(store, random),
            Self::Nodes => return nodes::ask(store, random),
            Self::Quotas => quotas::ask(store, random),
        };
        request.into_iter().collect()
    }

    /// What those do next who are not simulated, with nobody asking.
    pub(crate) fn tend(self, store: &Store) -> Vec<Request> {
        match self {
            Self::Attachments => attachments::tend(store),
            Self::Quotas => quotas::tend(store),
            Self::Deployments
            | Self::StatefulSets
            | Self::DaemonSets
            | Self::Jobs
            | Self::Services
            | Self::Budgets
            | Self::Namespaces
            | Self::Owners
            | Self::Rollouts
            | Self::Volumes
            | Self::Certificates
            | Self::Accounts
            | Self::Upkeep
            | Self::Periodic
            | Self::Exposure
            | Self::Devices
            | Self::Nodes => vec![],
        }
    }

    /// The claim that a write breaks.
    fn broken(self, moment: &Moment<'_>, ledger: &mut Ledger) -> Option<String> {
        match self {
            Self::Deployments | Self::Services | Self::Rollouts | Self::Nodes | Self::Quotas => {
                None
            }
            Self::StatefulSets => stateful_sets::broken(moment),
            Self::DaemonSets => daemon_sets::broken(moment),
            Self::Jobs => ledger.jobs.broken(moment),
            Self::Budgets => budgets::broken(moment),
            Self::Namespaces => namespaces::broken(moment),
            Self::Owners => ledger.owners.broken(moment),
            Self::Volumes => ledger.volumes.broken(moment),
            Self::Certificates => certificates::broken(moment),
            Self::Accounts => ledger.accounts.broken(moment),
            Self::Attachments => ledger.attachments.broken(moment),
            Self::Upkeep => upkeep::broken(moment),
            Self::Periodic => periodic::broken(moment),
            Self::Exposure => exposure::broken(moment),
            Self::Devices => devices::broken(moment),
        }
    }

    /// What is not as it was asked for, once the cluster was left alone. `dead` Nodes cannot be waited for.
    pub(crate) fn unsettled(
        self,
        store: &Store,
        (dead, now): (&BTreeSet<&str>, Timestamp),
    ) -> Option<String> {
        match self {
            Self::Deployments | Self::Quotas => None,
            Self::StatefulSets => stateful_sets::unsettled(store, dead),
            Self::DaemonSets => daemon_sets::unsettled(store, dead),
            Self::Jobs => jobs::unsettled(store, dead),
            Self::Services => services::unsettled(store),
            Self::Budgets => budgets::unsettled(store),
            Self::Namespaces => namespaces::unsettled(store),
            Self::Owners => owners::unsettled(store),
            Self::Rollouts => rollouts::unsettled(store),
            Self::Volumes => volumes::unsettled(store),
            Self::Certificates => certificates::unsettled(store, now),
            Self::Accounts => accounts::unsettled(store),
            Self::Attachments => attachments::unsettled(store, dead),
            Self::Upkeep => upkeep::unsettled(store),
            Self::Periodic => periodic::unsettled(store, now),
            Self::Exposure => exposure::unsettled(store),
            Self::Devices => devices::unsettled(store),
            Self::Nodes => nodes::unsettled(store),
        }
    }
}

/// A set of workloads, written `jobs,services`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Workloads(BTreeSet<Workload>);

/// A word that names no workload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no workload; there are {known} and all", known = known())]
pub struct UnknownWorkload(String);

fn known() -> String {
    Workload::ALL.map(Workload::name).join(", ")
}

impl Workloads {
    /// Whether nothing is chosen: Deployments, then.
    pub fn is_default(&self) -> bool {
        self.0.is_empty()
    }

    /// Each that was chosen.
    pub fn iter(&self) -> impl Iterator<Item = Workload> {
        self.0.iter().copied()
    }

    /// Whether this one was chosen.
    pub(crate) fn contains(&self, workload: Workload) -> bool {
        self.0.contains(&workload)
    }

    /// Whether they are about controllers that must be told something first.
    pub(crate) fn need_all_controllers(&self) -> bool {
        let told =
            [Workload::Certificates, Workload::Accounts, Workload::Upkeep, Workload::Exposure];
        told.into_iter().any(|workload| self.contains(workload))
    }

    /// The claim that is broken when a container of this pod runs.
    pub(crate) fn running_twice(&self, machines: &[Machine], pod: &Key) -> Option<String> {
        let is_checked = self.contains(Workload::StatefulSets);
        if is_checked { stateful_sets::runs_twice(machines, pod) } else { None }
    }

    /// The first claim that a write breaks.
    pub(crate) fn broken(&self, moment: &Moment<'_>, ledger: &mut Ledger) -> Option<String> {
        self.iter().find_map(|workload| workload.broken(moment, ledger))
    }
}

impl FromIterator<Workload> for Workloads {
    fn from_iter<I: IntoIterator<Item = Workload>>(workloads: I) -> Self {
        Self(workloads.into_iter().collect())
    }
}

impl FromStr for Workloads {
    type Err = UnknownWorkload;

    fn from_str(text: &str) -> Result<Self, UnknownWorkload> {
        let named = |word: &str| {
            let found = Workload::ALL.into_iter().find(|workload| workload.name() == word);
            found.ok_or_else(|| UnknownWorkload(word.to_owned()))
        };
        match text.trim() {
            "" => Ok(Self::default()),
            "all" => Ok(Workload::ALL.into_iter().collect()),
            words => words.split(',').map(|word| named(word.trim())).collect(),
        }
    }
}

impl fmt::Display for Workloads {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Workload::name).collect();
        formatter.write_str(&names.join(","))
    }
}

impl TryFrom<String> for Workloads {
    type Error = UnknownWorkload;

    fn try_from(text: String) -> Result<Self, UnknownWorkload> {
        text.parse()
    }
}

impl From<Workloads> for String {
    fn from(workloads: Workloads) -> Self {
        workloads.to_string()
    }
}

/// How large a cluster is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// How many nodes it has.
    pub(crate) nodes: usize,
}

impl Size {
    /// How many of something people ask for at the most, of which they want `few` in a small cluster.
    pub(crate) fn of(self, few: usize) -> usize {
        few * (self.nodes / SMALL_NODES).max(1)
    }
}

/// What is remembered from one plan of a controller to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decisions {
    turns: nodes::Turns,
}

impl Decisions {
    /// The claim that a plan for a key breaks, on what the controller's caches show.
    pub(crate) fn broken(
        &mut self,
        (controller, key): (&str, &Key),
        (view, now): (&View, Timestamp),
        requests: &[Request],
    ) -> Option<String> {
        match controller {
            "node-lifecycle-controller" => self.turns.decided((key, view), now, requests),
            _ => decided(controller, view, requests),
        }
    }
}

fn decided(controller: &str, view: &View, requests: &[Request]) -> Option<String> {
    match controller {
        "statefulset-controller" => stateful_sets::decided(view, requests),
        "service-lb-controller" => exposure::balancers::decided(view, requests),
        "ttl-controller" => periodic::node_ttls::decided(view, requests),
        "persistentvolume-expander-controller" => volumes::growth::decided(view, requests),
        "volumeattributesclass-protection-controller" => {
            devices::attributes_classes::decided(view, requests)
        }
        _ => None,
    }
}

/// A write: what there was before, what there is now, what the trace tells of it.
pub(crate) struct Moment<'a> {
    pub(crate) before: &'a Store,
    pub(crate) after: &'a Store,
    pub(crate) event: &'a Event,
    /// The uid of the object that it is about.
    pub(crate) uid: &'a str,
    pub(crate) machines: &'a [Machine],
    pub(crate) now: Timestamp,
    /// No component has crashed and no request was lost.
    pub(crate) is_certain: bool,
}

impl Moment<'_> {
    /// Whether this is a write of an object of a resource.
    fn writes(&self, resource: &ApiResource) -> bool {
        self.event.key.split('/').next() == Some(resource.plural)
    }

    /// Whether a component has sent it.
    fn is_by_controllers(&self) -> bool {
        self.event.actor.starts_with("kube-controller-manager")
    }
}

/// What is remembered from one write to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    jobs: jobs::Ended,
    owners: owners::Waited,
    volumes: volumes::Uses,
    accounts: accounts::Made,
    attachments: attachments::Mounted,
}

fn delete(resource: &'static ApiResource, object: &Value, policy: &str) -> Request {
    Request::delete(resource, key(object), "", json!({"propagationPolicy": policy}))
}

/// Asks for another template of one of these.
pub(crate) fn roll_out(
    resource: &'static ApiResource,
    store: &Store,
    random: &mut Random,
) -> Option<Request> {
    let object = any(store, resource, random)?;
    let template = json!({"metadata": {"annotations": {"version": random.below(3).to_string()}}});
    let patch = json!({"spec": {"template": template}});
    Some(Request::strategic_merge_patch(resource, key(&object), patch))
}

fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

pub(crate) fn uid(object: &Value) -> &str {
    text(object, &["metadata", "uid"])
}

/// Pods that this object controls.
fn pods_of(store: &Store, owner: &Value) -> Objects {
    let mut pods = objects(store, &resources::PODS);
    pods.retain(|pod| owners(pod).any(|reference| reference["uid"] == owner["metadata"]["uid"]));
    pods
}

pub(crate) fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    object["metadata"]["ownerReferences"].as_array().into_iter().flatten()
}

fn pod_spec() -> Value {
    json!({"containers": [{"name": "main", "image": "registry.example/main:1"}]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_are_read_as_they_are_written() {
        for text in ["", "jobs", "stateful-sets,owners"] {
            let workloads: Workloads = text.parse().unwrap();

            assert_eq!(workloads.to_string(), text);
        }
        assert_eq!("all".parse::<Workloads>().unwrap().iter().count(), Workload::ALL.len());
    }

    #[test]
    fn people_ask_for_more_where_there_are_many_nodes() {
        let two = |nodes| Size { nodes }.of(2);

        assert_eq!([3, 20, 500].map(two), [2, 2, 20]);
    }

    #[test]
    fn a_word_that_names_no_workload_is_refused() {
        let refusal = "jobs,fun".parse::<Workloads>().unwrap_err();

        assert_eq!(
            refusal.to_string(),
            "\"fun\" is no workload; there are deployments, stateful-sets, daemon-sets, jobs, services, \
             budgets, namespaces, owners, rollouts, volumes, certificates, accounts, attachments, \
             upkeep, periodic, exposure, devices, nodes, quotas and all"
        );
    }
}
