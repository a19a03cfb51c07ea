//! The scenarios: slices of Kubernetes that leave out what they do not need.
//!
//! | name | what takes steps | what may go wrong |
//! | --- | --- | --- |
//! | `watch` | etcd, a watch, an informer, two writers | crash, compaction, closed watch, lost answer |
//! | `scheduling` | kube-scheduler | its crash, lost requests, crash of the API server |
//! | `progress` | kube-scheduler, kubelets | crash of a kubelet, lost requests |
//! | `kubelet` | kubelets; clients name the Node | crash of a kubelet |
//! | `node` | kube-scheduler, kubelets | crash of a kubelet, a list from an API server that lags |
//! | `eviction` | kubelets, node lifecycle; clients name the Node | its crash, a late renewal, death and boot of a machine |
//! | `workload` | ReplicaSet controller | its crash, lost requests, crash of the API server |
//! | `reach` | kube-scheduler, kubelets: three Pods, three Nodes | a stale list, crash of a kubelet, death of a machine |
//! | `failover` | all of them | death of a machine, deletion of its Node |
//! | `scheduler-cache` | kube-scheduler, Pod garbage collection | closed watches, lost request; deletion and return of a Node |
//! | `scheduler-queue` | kube-scheduler's queue | closed watch, lost request |
//! | `preemption` | kube-scheduler, a kubelet that stops victims | its crash, lost deletion; deletion of a Node |
//! | `two-schedulers` | two kube-schedulers, kubelets | crash of the leader, Lease not renewed, late Bindings |
//! | `pod-worker` | a kubelet's pod workers | its crash, boot of the machine |
//! | `static-pods` | a kubelet with a static Pod | its crash; changes of the manifest |
//! | `etcd` | three etcd members; a client writes, reads and watches | crash of a member, a paused leader |
//! | `read-index` | three etcd members; clients read | a paused leader, a request sent twice |
//! | `compaction` | one etcd member, its database and its index | crash in a compaction |
//! | `lease` | etcd's leader and the holder of a lease | crash of the leader |
//! | `reflector` | two API servers and a reflector | crash of an API server, compaction, closed watch |
//! | `list` | two API servers; a client lists | crash of an API server, compaction |
//! | `api-server` | an API server; two clients write and delete | lost requests |
//! | `quota` | ResourceQuota admission; two clients create | lost requests |
//! | `namespace` | namespace controller, admission of two API servers; clients create | its crash, lost requests, failed discovery |
//! | `job` | Job controller, kubelet, garbage collector | crash, lost answers |
//! | `job-quota` | Job controller; a client changes the quota | crash |
//! | `disruption` | API server, disruption controller | crash, an eviction that is lost half-way |
//! | `garbage-collector` | garbage collector | crash |
//! | `stateful-set` | StatefulSet controller, scheduler, kubelets, node lifecycle | crash, a Node that is cut off |
//! | `daemon-set` | DaemonSet controller | another controller takes over |
//! | `endpoints` | Endpoints controller, kubelets | crash, lost requests |
//! | `adoption` | ReplicaSet controller, garbage collector | crash, lost requests |
//! | `deployment` | Deployment controller, ReplicaSets | crash, lost requests, lost answers |
//! | `persistent-volume` | persistent volume binder, protection of claims and volumes, a provisioner | crash |
//! | `volume-in-use` | the same, kube-scheduler and a Pod | crash |
//! | `attachment` | attach/detach controller, a CSI driver, two kubelets | crash, loss of a node |
//! | `ephemeral-volume` | ephemeral volume controller, garbage collector | crash |
//! | `certificate` | approver, signer and cleaner of certificates; a person decides too | crash |
//! | `service-account` | controllers of accounts, root certificates and tokens | crash |
//! | `node-ipam` | node IPAM controller | crash |
//! | `service-cidr` | ServiceCIDR controller; an API server that lags allocates | crash |
//! | `cluster-role-aggregation` | ClusterRole aggregation controller; clients edit too | crash |
//! | `ttl-after-finished` | TTL-after-finished controller | crash |
//! | `resource-quota` | ResourceQuota controller; clients create and delete | crash |
//! | `cron-job` | CronJob controller | crash |
//! | `endpoint-slice-mirroring` | EndpointSliceMirroring controller | crash |
//! | `load-balancer` | service load balancer controller | crash |
//! | `horizontal-pod-autoscaler` | HorizontalPodAutoscaler controller; a client scales too | crash |
//! | `node-ttl` | TTL controller; Nodes come and go | crash |
//! | `node-zones` | node lifecycle controller; Nodes of two zones fall silent and return | crash |
//! | `resource-claim` | ResourceClaim controller, kube-scheduler, garbage collector | crash |
//! | `volume-attributes-class` | VolumeAttributesClass protection; a volume is modified | crash |
//! | `token-cleaner` | legacy service account token cleaner; a client takes marks away | crash |
//! | `persistent-volume-expander` | persistent volume expander, binder; a driver makes volumes larger | crash |
//!
//! What a scenario leaves out does not move: without kubelets a Pod that is bound stays Pending,
//! without the ReplicaSet controller clients create the Pods.

use crate::cluster::budgets::Budget;
use crate::cluster::scenario::{Machines, budgets};
use crate::cluster::{Cluster, Components, Mutation, Watcher};
use crate::slice::{Checked, Family, Size, Slice};

/// The scenarios of a cluster, in the order in which they are checked.
const CLUSTER: [&str; 8] =
    ["scheduling", "progress", "kubelet", "node", "eviction", "workload", "failover", "reach"];

/// Lists the families of scenarios beside the cluster.
macro_rules! families {
    ($($slice:ty,)*) => {
        /// The names of the scenarios, in the order in which they are checked.
        pub fn names() -> Vec<&'static str> {
            let mut names = Vec::from(CLUSTER);
            $(names.extend(<$slice as Family>::SCENARIOS);)*
            names
        }

        /// The ids of all mutations.
        pub fn mutations() -> Vec<&'static str> {
            let mut ids = Mutation::IDS.to_vec();
            $(ids.extend(<$slice as Family>::MUTATIONS);)*
            ids
        }

        /// Sets up a scenario and hands it to a visitor.
        pub fn with<V: Visitor>(
            name: &str,
            size: &Size,
            mutation: Option<&str>,
            visitor: V,
        ) -> Result<V::Result, Unknown> {
            $(if <$slice as Family>::SCENARIOS.contains(&name) {
                let slice: $slice = set_up(name, size, mutation)?;
                return Ok(visitor.visit(Checked::new(slice).with_faults_of(size)));
            })*
            cluster(name, size, mutation, visitor)
        }
    };
}

families! {
    crate::watch::WatchSlice,
    crate::election::ElectionSlice,
    crate::scheduler::cache::CacheSlice,
    crate::scheduler::queue::QueueSlice,
    crate::scheduler::preemption::PreemptionSlice,
    crate::scheduler::failover::FailoverSlice,
    crate::node::pod_worker::PodWorkerSlice,
    crate::node::static_pods::StaticPodSlice,
    crate::etcd::quorum::QuorumSlice,
    crate::etcd::compaction::CompactionSlice,
    crate::etcd::lease::LeaseSlice,
    crate::reflector::ReflectorSlice,
    crate::api_server::ApiServerSlice,
    crate::namespace::NamespaceSlice,
    crate::controllers::job::JobSlice,
    crate::controllers::job_quota::JobQuotaSlice,
    crate::controllers::disruption::DisruptionSlice,
    crate::controllers::garbage_collector::CollectorSlice,
    crate::controllers::stateful_set::StatefulSetSlice,
    crate::controllers::daemon_set::DaemonSetSlice,
    crate::controllers::endpoints::EndpointsSlice,
    crate::controllers::adoption::AdoptionSlice,
    crate::controllers::deployment::DeploymentSlice,
    crate::controllers::persistent_volume::PersistentVolumeSlice,
    crate::controllers::attachment::AttachmentSlice,
    crate::controllers::ephemeral_volume::EphemeralVolumeSlice,
    crate::controllers::certificate::CertificateSlice,
    crate::controllers::service_account::ServiceAccountSlice,
    crate::controllers::node_ipam::NodeIpamSlice,
    crate::controllers::service_cidr::ServiceCidrSlice,
    crate::controllers::aggregation::AggregationSlice,
    crate::controllers::finished_job::FinishedJobSlice,
    crate::controllers::resource_quota::ResourceQuotaSlice,
    crate::controllers::cron_job::CronJobSlice,
    crate::controllers::mirroring::MirroringSlice,
    crate::controllers::load_balancer::LoadBalancerSlice,
    crate::controllers::autoscaler::AutoscalerSlice,
    crate::controllers::node_ttl::NodeTtlSlice,
    crate::controllers::node_zones::NodeZonesSlice,
    crate::controllers::resource_claim::ResourceClaimSlice,
    crate::controllers::attributes_class::AttributesClassSlice,
    crate::controllers::token_cleaner::TokenCleanerSlice,
    crate::controllers::expander::ExpanderSlice,
}

/// The scenarios whose steps an API server sees, and which are small enough to keep every edge.
pub const REPLAYED: [&str; 8] =
    ["watch", "scheduling", "progress", "kubelet", "node", "eviction", "workload", "failover"];

/// Something to do with a slice, whatever its type.
pub trait Visitor {
    /// What comes out.
    type Result;

    /// Does it.
    fn visit<S: Slice>(self, model: Checked<S>) -> Self::Result;
}

/// Why a scenario cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// There is no scenario of this name, nor a claim.
    Scenario(String),
    /// There is no claim of this number.
    Claim(String),
    /// There is no mutation of this id that this scenario could have.
    Mutation(String),
    /// The model is not made for so many.
    Size(String),
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unknown::Scenario(name) => {
                write!(
                    formatter,
                    "there is no scenario or claim {name:?}; see `kanon check --list` for claims; \
                     there are the scenarios {}",
                    names().join(", ")
                )
            }
            Unknown::Claim(id) => {
                write!(formatter, "there is no claim {id:?}; see `kanon check --list`")
            }
            Unknown::Mutation(id) => {
                write!(formatter, "there is no mutation {id:?} here; see `kanon check --list`")
            }
            Unknown::Size(what) => formatter.write_str(what),
        }
    }
}

/// Whether a scenario comes in this size: those of a cluster have as many nodes, pods or replicas as
/// they are told, the others are as they are.
pub fn comes_in(name: &str, size: &Size) -> Result<(), Unknown> {
    let plan = plan(name);
    let may_have_replicas = plan.as_ref().is_some_and(|plan| plan.replicas > 0);
    for (what, asked, is_known) in [
        ("nodes", size.nodes, plan.is_some()),
        ("pods", size.pods, plan.is_some()),
        ("replicas", size.replicas, may_have_replicas),
    ] {
        if asked.is_some() && !is_known && names().contains(&name) {
            let why = format!("the number of {what} in the scenario {name:?} is what it is");
            return Err(Unknown::Size(why));
        }
    }
    Ok(())
}

fn set_up<F: Family>(name: &str, size: &Size, mutation: Option<&str>) -> Result<F, Unknown> {
    match mutation.filter(|id| !F::MUTATIONS.contains(id)) {
        Some(id) => Err(Unknown::Mutation(id.to_owned())),
        None => F::set_up(name, size, mutation).map_err(Unknown::Size),
    }
}

fn cluster<V: Visitor>(
    name: &str,
    size: &Size,
    mutation: Option<&str>,
    visitor: V,
) -> Result<V::Result, Unknown> {
    let plan = plan(name).ok_or_else(|| Unknown::Scenario(name.to_owned()))?.resized(size);
    if plan.nodes == 0 || plan.pods + plan.replicas == 0 {
        return Err(Unknown::Size("there is nothing to check without nodes or pods".into()));
    }
    let mutation = cluster_mutation(mutation)?;
    match (plan.names(), plan.machines(), plan.sets()) {
        (..=2, ..=2, 0) => Ok(visitor.visit(plan.cluster::<2, 2, 0, 16>(size, mutation))),
        (..=4, ..=2, 1) => Ok(visitor.visit(plan.cluster::<4, 2, 1, 24>(size, mutation))),
        (..=6, ..=2, 1) => Ok(visitor.visit(plan.cluster::<6, 2, 1, 24>(size, mutation))),
        (..=3, ..=3, 0) => Ok(visitor.visit(plan.cluster::<3, 3, 0, 24>(size, mutation))),
        (..=5, ..=5, 0) => Ok(visitor.visit(plan.cluster::<5, 5, 0, 48>(size, mutation))),
        (..=10, ..=4, 1) => Ok(visitor.visit(plan.cluster::<10, 4, 1, 48>(size, mutation))),
        _ => Err(Unknown::Size("the model is made for at most 4 nodes, 5 pods, 4 replicas".into())),
    }
}

fn cluster_mutation(id: Option<&str>) -> Result<Option<Mutation>, Unknown> {
    id.map(|id| Mutation::of(id).ok_or_else(|| Unknown::Mutation(id.to_owned()))).transpose()
}

/// A scenario as data.
#[derive(Clone, Debug)]
struct Plan {
    components: Components,
    nodes: usize,
    /// Machines beside those whose kubelet has not registered.
    unregistered: usize,
    allocatable_pods: u8,
    pods: usize,
    recreations: u8,
    replicas: usize,
    clients: Vec<(Budget, u8)>,
    faults: Vec<(Budget, u8)>,
    up_to_date: &'static [Watcher],
    claims: &'static [&'static str],
}

impl Plan {
    fn resized(mut self, size: &Size) -> Self {
        self.nodes = size.nodes.unwrap_or(self.nodes);
        if self.replicas == 0 {
            self.pods = size.pods.unwrap_or(self.pods);
        } else {
            self.replicas = size.replicas.or(size.pods).unwrap_or(self.replicas);
        }
        if let Some(times) = size.faults {
            self.faults.iter_mut().for_each(|(_, budget)| *budget = times);
        }
        self
    }

    /// How many names of Pods are needed: replicas may exist twice while one of each is deleted,
    /// and a crash and a lost answer may each leave one more.
    fn names(&self) -> usize {
        match self.replicas {
            0 => self.pods,
            replicas => 2 * replicas + 2,
        }
    }

    fn machines(&self) -> usize {
        self.nodes + self.unregistered
    }

    fn sets(&self) -> usize {
        usize::from(self.replicas > 0)
    }

    fn cluster<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
        &self,
        size: &Size,
        mutation: Option<Mutation>,
    ) -> Checked<Cluster<PODS, NODES, SETS, LOG>> {
        let creates = if self.replicas == 0 { self.pods as u8 + self.recreations } else { 0 };
        let mut all = vec![(Budget::CreatePod, creates), (Budget::CreateReplicaSet, SETS as u8)];
        all.extend(self.clients.iter().chain(&self.faults));
        let machines = Machines {
            count: self.machines(),
            unregistered: self.unregistered,
            allocatable_pods: self.allocatable_pods,
        };
        let mut initial = Cluster::start(self.components, machines, budgets(&all));
        initial.store.lazy = size.lazy;
        initial.fell_behind = size.at_own_pace;
        let cluster = Cluster {
            components: self.components,
            initial,
            pods: self.names(),
            nodes: self.machines(),
            replicas_max: self.replicas as u8,
            up_to_date: self.up_to_date,
            at_own_pace: size.at_own_pace,
            claims: self.claims,
            mutation,
        };
        Checked::new(cluster).with_faults_of(size)
    }
}

fn plan(name: &str) -> Option<Plan> {
    match name {
        "scheduling" => Some(scheduling()),
        "progress" => Some(progress()),
        "kubelet" => Some(kubelet()),
        "node" => Some(node()),
        "eviction" => Some(eviction()),
        "workload" => Some(workload()),
        "failover" => Some(failover()),
        "reach" => Some(reach()),
        _ => None,
    }
}

const EMPTY: Plan = Plan {
    components: Components {
        scheduler: false,
        replica_set_controller: false,
        node_lifecycle: false,
        kubelets: false,
        lagging_api_server: false,
    },
    nodes: 1,
    unregistered: 0,
    allocatable_pods: 1,
    pods: 0,
    recreations: 0,
    replicas: 0,
    clients: Vec::new(),
    faults: Vec::new(),
    up_to_date: &[],
    claims: &[],
};

/// Two Pods, two Nodes with one place each, and a machine that never registers. Pods that are
/// bound stay Pending.
fn scheduling() -> Plan {
    Plan {
        components: Components { scheduler: true, ..EMPTY.components },
        nodes: 2,
        unregistered: 1,
        pods: 2,
        recreations: 1,
        clients: vec![(Budget::DeletePod, 1)],
        faults: vec![
            (Budget::SchedulerCrash, 1),
            (Budget::LostRequest, 1),
            (Budget::ApiServerCrash, 1),
        ],
        claims: &["POD-1", "POD-2", "SCHEDULER-1", "SCHEDULER-2", "SCHEDULER-3", "SCHEDULER-4"],
        ..EMPTY
    }
}

/// Two Pods that want the one place of a Node, until one of them is deleted.
fn progress() -> Plan {
    Plan {
        components: Components { scheduler: true, kubelets: true, ..EMPTY.components },
        pods: 2,
        clients: vec![(Budget::DeletePod, 1)],
        faults: vec![(Budget::LostRequest, 1), (Budget::KubeletCrash, 1)],
        claims: &["POD-1", "POD-5", "POD-6", "KUBELET-1"],
        ..EMPTY
    }
}

/// Two Pods that clients place on one Node with one place.
fn kubelet() -> Plan {
    Plan {
        components: Components { kubelets: true, ..EMPTY.components },
        pods: 3,
        clients: vec![(Budget::DeletePod, 1), (Budget::ContainerExit, 2)],
        faults: vec![(Budget::KubeletCrash, 1)],
        claims: &["POD-3", "POD-5", "KUBELET-1", "KUBELET-2", "KUBELET-3"],
        ..EMPTY
    }
}

/// One name, created twice; two Nodes; an API server that lags behind.
fn node() -> Plan {
    Plan {
        components: Components {
            scheduler: true,
            kubelets: true,
            lagging_api_server: true,
            ..EMPTY.components
        },
        nodes: 2,
        pods: 1,
        recreations: 1,
        clients: vec![(Budget::DeletePod, 2)],
        faults: vec![(Budget::KubeletCrash, 1), (Budget::StaleList, 1)],
        claims: &["POD-1", "POD-4", "POD-5", "KUBELET-1"],
        ..EMPTY
    }
}

/// A Node whose Lease is renewed too late, or whose machine dies, under a Pod that a client placed.
fn eviction() -> Plan {
    Plan {
        components: Components { kubelets: true, node_lifecycle: true, ..EMPTY.components },
        pods: 1,
        faults: vec![
            (Budget::LateRenewal, 1),
            (Budget::NodeDeath, 1),
            (Budget::NodeBoot, 1),
            (Budget::NodeLifecycleCrash, 1),
        ],
        claims: &["NODE-1", "NODE-2"],
        ..EMPTY
    }
}

/// One ReplicaSet that is scaled.
fn workload() -> Plan {
    Plan {
        components: Components { replica_set_controller: true, ..EMPTY.components },
        nodes: 1,
        replicas: 2,
        clients: vec![(Budget::Scale, 2)],
        faults: vec![
            (Budget::ReplicaSetControllerCrash, 1),
            (Budget::LostRequest, 1),
            (Budget::ApiServerCrash, 1),
        ],
        claims: &["REPLICASET-1", "REPLICASET-2", "REPLICASET-3", "REPLICASET-4"],
        ..EMPTY
    }
}

/// One replica, and the machine it runs on dies. The controllers' caches do not lag.
fn failover() -> Plan {
    Plan {
        components: Components {
            scheduler: true,
            replica_set_controller: true,
            node_lifecycle: true,
            kubelets: true,
            lagging_api_server: false,
        },
        nodes: 2,
        replicas: 1,
        up_to_date: &[
            Watcher::ReplicaSets,
            Watcher::ReplicaSetPods,
            Watcher::NodeLifecycleNodes,
            Watcher::NodeLifecyclePods,
        ],
        faults: vec![(Budget::NodeDeath, 1), (Budget::NodeDeletion, 1)],
        claims: &["POD-1", "POD-4", "NODE-1", "NODE-3", "REPLICASET-5"],
        ..EMPTY
    }
}

/// Three Pods, three Nodes with one place each; a kubelet crashes and lists from an API server that
/// lags behind, and a machine dies.
fn reach() -> Plan {
    Plan {
        components: Components {
            scheduler: true,
            kubelets: true,
            lagging_api_server: true,
            ..EMPTY.components
        },
        nodes: 3,
        pods: 3,
        up_to_date: &[Watcher::SchedulerPods, Watcher::SchedulerNodes],
        clients: vec![(Budget::DeletePod, 1)],
        faults: vec![(Budget::KubeletCrash, 1), (Budget::StaleList, 1), (Budget::NodeDeath, 1)],
        claims: &["POD-1", "POD-4", "POD-5", "KUBELET-1", "SCHEDULER-1"],
        ..EMPTY
    }
}
