//! What each controller does about what it observes. One file per controller; one trait for the loop
//! that drives them, the same for the host and the simulator.

pub mod attach_detach;
pub mod certificates;
mod cidr;
pub mod cluster_role_aggregation;
pub mod cron_job;
mod csi_migration;
pub mod daemon_set;
pub mod deployment;
pub mod device_taint_eviction;
pub mod disruption;
pub mod endpoint_slice;
pub mod endpoint_slice_mirroring;
pub mod endpoints;
pub mod ephemeral_volume;
pub mod garbage_collector;
mod hash;
pub mod history;
pub mod horizontal_pod_autoscaler;
pub mod ip_address_repair;
pub mod job;
pub mod kubernetes_endpoints;
pub mod legacy_service_account_token_cleaner;
pub mod local_path;
pub mod names;
pub mod namespace;
pub mod node_ipam;
pub mod node_lifecycle;
mod nodes;
mod notes;
mod ownership;
pub mod persistent_volume;
pub mod persistent_volume_expander;
mod pod_control;
pub mod pod_gc;
mod pods;
mod protection;
pub mod pv_protection;
pub mod pvc_protection;
pub mod replica_set;
pub mod resource_claim;
pub mod resource_quota;
mod retry;
pub mod root_ca_publisher;
pub mod service_account;
pub mod service_account_token;
pub mod service_cidr;
pub mod service_lb;
mod services;
pub mod stateful_set;
pub mod taint_eviction;
#[cfg(test)]
mod testing;
pub mod ttl;
pub mod ttl_after_finished;
pub mod vac_protection;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use api::{FeatureGates, Key, Request, Timestamp};
use client::{Backoff, Change, Outcome, Pacing, View};
use dyn_clone::DynClone;

pub use crate::certificates::{CertificateAuthority, CertificateReader};
use crate::legacy_service_account_token_cleaner::LegacyServiceAccountTokenCleaner;
pub use crate::node_ipam::PodNetwork;
pub use crate::node_lifecycle::Timeouts;
use crate::service_account_token::ServiceAccountTokenController;
pub use crate::service_account_token::TokenSigner;

/// How often a key is tried again by those controllers that give up, but for the one of tokens. What they have given up
/// comes back with the next change. Source: `maxRetries` in each of them (v1.36).
const RETRIES_MAX: u32 = 15;

/// What a reconciliation wants done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Requests to the API server, in order; a refusal of one does not stop the next.
    pub requests: Vec<Request>,
    /// When to look at the key again, if nothing happens before.
    pub look_again: Option<Timestamp>,
}

impl Plan {
    /// Looks again at `when`, unless it looks again earlier anyway.
    pub fn look_again_at(&mut self, when: Timestamp) {
        self.look_again = Some(self.look_again.map_or(when, |earlier| earlier.min(when)));
    }

    /// The same plan, each request marked as decided on a cache that had read up to `revision`.
    #[must_use]
    pub fn observed_at(mut self, revision: u64) -> Self {
        for request in &mut self.requests {
            request.observed_revision = revision;
        }
        self
    }
}

/// A controller: told of changes, asked what to do about a key, told what came of it.
///
/// The driver asks about a key again only after every request of its last plan has been completed, and
/// asks again, later each time and as often as [`Controller::backoff`] allows, when one of them was refused. It may ask
/// about other keys meanwhile.
pub trait Controller: Debug + DynClone + Send {
    /// Its name in upstream, `replicaset-controller`.
    fn name(&self) -> &'static str;

    /// How many keys it works on at once; upstream's default of the `--concurrent-…-syncs` flag.
    fn workers(&self) -> usize {
        1
    }

    /// How long a key waits whose reconciliation has failed, and how often.
    fn backoff(&self) -> Backoff {
        Backoff::default()
    }

    /// The keys that a change makes due. Called once for each object after a (re)start.
    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key>;

    /// What to do about a key that is due.
    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan;

    /// What came of one of the requests; called for each, in order.
    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome);

    /// Which of its requests are paced: none, unless it says so.
    fn pacing(&self) -> Pacing {
        Pacing::default()
    }

    /// One of those that are paced was not sent, as one before it was refused; in their order, too.
    fn left_out(&mut self, _key: &Key, _request: &Request) {}
}

dyn_clone::clone_trait_object!(Controller);

/// What the controllers are told when they start.
#[derive(Clone, Debug)]
pub struct Config {
    /// The certificate of the cluster's authority, PEM, published in every namespace.
    pub root_ca: String,
    /// What reads requests for certificates. Without it nobody approves them or throws them away.
    pub certificate_reader: Option<Arc<dyn CertificateReader>>,
    /// What signs certificates with the authority's key. Without it nobody does.
    pub authority: Option<Arc<dyn CertificateAuthority>>,
    /// What signs the tokens of service accounts. Without it no Secret is filled with one.
    pub token_signer: Option<Arc<dyn TokenSigner>>,
    /// Where pods have their addresses from. Without it no node is given any.
    pub pod_network: Option<PodNetwork>,
    /// Whether Services of type LoadBalancer get the nodes' addresses: not where a cloud gives them others.
    pub balances_services: bool,
    /// When a silent node counts as lost.
    pub timeouts: Timeouts,
    /// How many finished pods are kept.
    pub terminated_pods_max: usize,
    /// The folder of the volumes that are folders of nodes.
    pub volumes_root: String,
    /// What is switched on.
    pub feature_gates: FeatureGates,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            root_ca: String::new(),
            certificate_reader: None,
            authority: None,
            token_signer: None,
            pod_network: None,
            balances_services: false,
            timeouts: Timeouts::default(),
            terminated_pods_max: pod_gc::TERMINATED_PODS_MAX,
            volumes_root: "/var/lib/kanon/volumes".to_owned(),
            feature_gates: FeatureGates::default(),
        }
    }
}

/// Every controller, as it is before it has seen anything.
pub fn all(config: &Config) -> Vec<Box<dyn Controller>> {
    let mut all: Vec<Box<dyn Controller>> = vec![
        Box::new(namespace::NamespaceController::default()),
        Box::new(service_account::ServiceAccountController),
        Box::new(root_ca_publisher::RootCaPublisher::new(&config.root_ca)),
        Box::new(cluster_role_aggregation::ClusterRoleAggregationController),
        Box::new(ttl::TtlController::default()),
        Box::new(service_cidr::ServiceCidrController::default()),
        Box::new(LegacyServiceAccountTokenCleaner::default()),
        Box::new(resource_claim::PodResourceClaimController::default()),
        Box::new(resource_claim::ResourceClaimController::default()),
        Box::new(deployment::DeploymentController::default()),
        Box::new(replica_set::ReplicaSetController::default()),
        Box::new(replica_set::ReplicationManager::default()),
        Box::new(daemon_set::DaemonSetController::default()),
        Box::new(stateful_set::StatefulSetController::new(&config.feature_gates)),
        Box::new(job::JobController::default()),
        Box::new(job::JobOrphanController),
        Box::new(cron_job::CronJobController::default()),
        Box::new(ttl_after_finished::TtlAfterFinishedController),
        Box::new(horizontal_pod_autoscaler::HorizontalPodAutoscalerController::default()),
        Box::new(garbage_collector::GarbageCollector::default()),
        Box::new(node_lifecycle::NodeLifecycleController::new(config.timeouts)),
        Box::new(taint_eviction::TaintEvictionController::default()),
        Box::new(device_taint_eviction::DeviceTaintEvictionController::default()),
        Box::new(persistent_volume::PersistentVolumeBinder::default()),
        Box::new(ephemeral_volume::EphemeralVolumeController::default()),
        Box::new(local_path::LocalPathProvisioner::new(&config.volumes_root)),
        Box::new(attach_detach::AttachDetachController::default()),
        Box::new(persistent_volume_expander::PersistentVolumeExpander::default()),
        Box::new(vac_protection::VacProtectionController),
        Box::new(pvc_protection::PvcProtectionController::default()),
        Box::new(pv_protection::PvProtectionController),
        Box::new(resource_quota::ResourceQuotaController::default()),
        Box::new(endpoints::EndpointsController::default()),
        Box::new(endpoint_slice::EndpointSliceController::default()),
        Box::new(endpoint_slice_mirroring::EndpointSliceMirroringController::default()),
        Box::new(disruption::DisruptionController::default()),
        Box::new(disruption::stale::StaleDisruptionController),
        Box::new(pod_gc::PodGarbageCollector::new(config.terminated_pods_max)),
    ];
    all.extend(configured(config));
    all
}

/// Those for which the configuration brings what they need.
fn configured(config: &Config) -> Vec<Box<dyn Controller>> {
    let mut all: Vec<Box<dyn Controller>> = vec![];
    all.extend(certificates::all(config));
    if config.balances_services {
        all.push(Box::new(service_lb::ServiceLbController::default()));
    }
    if let Some(network) = &config.pod_network {
        all.push(Box::new(node_ipam::NodeIpamController::new(network)));
    }
    if let Some(signer) = &config.token_signer {
        let (root_ca, signer) = (&config.root_ca, Arc::clone(signer));
        all.push(Box::new(ServiceAccountTokenController::new(root_ca, signer)));
    }
    all
}

/// The names of those.
const CONFIGURED: [&str; 6] = [
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-cleaner-controller",
    "certificatesigningrequest-signing-controller",
    "node-ipam-controller",
    "service-lb-controller",
    "serviceaccount-token-controller",
];

/// The names of all controllers, each once.
pub fn names() -> Vec<&'static str> {
    let always = all(&Config::default());
    let always = always.iter().map(|controller| controller.name());
    let names: BTreeSet<&str> = always.chain(CONFIGURED).collect();
    names.into_iter().collect()
}

/// The first instant after `now` that is a whole number of periods from the epoch. Keys that look again
/// on this grid are due once a period, however often they were due in between.
fn next_tick(now: Timestamp, period_seconds: i64) -> Timestamp {
    let period = period_seconds.max(1);
    let tick = (now.as_second().div_euclid(period) + 1).saturating_mul(period);
    Timestamp::from_second(tick).unwrap_or(Timestamp::MAX)
}

/// `now` and some seconds.
fn after_seconds(now: Timestamp, seconds: i64) -> Timestamp {
    let seconds = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    now.checked_add(seconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_controllers_give_up_or_let_keys_go_on_alone() {
        let config = Config {
            token_signer: Some(Arc::new(service_account_token::tests::Readable)),
            balances_services: true,
            ..Config::default()
        };
        let beside: Box<dyn Controller> = Box::<ip_address_repair::IpAddressRepair>::default();
        let controllers = all(&config).into_iter().chain([beside]);
        let mut backoffs: Vec<(&str, Backoff)> =
            controllers.map(|one| (one.name(), one.backoff())).collect();
        backoffs.sort_unstable_by_key(|(name, _)| *name);

        let giving_up = backoffs.iter().filter(|(_, backoff)| backoff.retries_max != u32::MAX);
        let giving_up: Vec<_> =
            giving_up.map(|(name, backoff)| (*name, backoff.retries_max)).collect();
        let alone = backoffs.iter().filter(|(_, backoff)| !backoff.takes_turns);
        let alone: Vec<_> = alone.map(|(name, _)| *name).collect();

        let expected = [
            ("deployment-controller", 15),
            ("endpoints-controller", 15),
            ("endpointslice-controller", 15),
            ("endpointslice-mirroring-controller", 15),
            ("ipallocator-repair-controller", 15),
            ("service-cidr-controller", 15),
            ("serviceaccount-token-controller", 10),
        ];
        assert_eq!(giving_up, expected);
        let expected = [
            "horizontal-pod-autoscaler-controller",
            "job-controller",
            "job-controller",
            "service-lb-controller",
        ];
        assert_eq!(alone, expected);
    }

    #[test]
    fn every_controller_that_can_be_configured_is_named() {
        let network = PodNetwork {
            cluster_cidr: "10.1.0.0/16".to_owned(),
            node_cidr_mask_size: 24,
            service_cluster_ip_range: "10.96.0.0/12".to_owned(),
        };
        let config = Config {
            certificate_reader: Some(Arc::new(certificates::tests::Pretended)),
            authority: Some(Arc::new(certificates::tests::Pretended)),
            token_signer: Some(Arc::new(service_account_token::tests::Readable)),
            pod_network: Some(network),
            balances_services: true,
            ..Config::default()
        };

        let configured: Vec<&str> =
            configured(&config).iter().map(|controller| controller.name()).collect();

        let named: BTreeSet<&str> = CONFIGURED.into_iter().collect();
        assert_eq!(configured.iter().copied().collect::<BTreeSet<_>>(), named);
        assert_eq!(configured.len(), named.len());
        assert!(names().len() > all(&Config::default()).len());
    }
}
