//! Faults of the implementation, planted to see which check catches them. Tests only: see
//! `docs/planted-faults.md`.

pub(crate) mod api_server;
pub(crate) mod controllers;
mod coordinates;
mod nodes;
mod periodic;
mod sights;

use api::object::object_at_mut;
use api::{Request, resources};
use serde_json::json;
use store::Revision;

/// A fault, planted by replacing a core or one of its effects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plant {
    /// None: the implementation as it is.
    #[default]
    Nothing,
    /// Writes are published and answered before the disk is synced.
    AcknowledgesBeforeDurable,
    /// A restart reads all of the log but its last frame.
    LosesSyncedFrame,
    /// A restart counts revisions from an earlier number.
    RevisionGoesBackAfterRestart,
    /// A watch now and then leaves an event out.
    WatchDropsAnEvent,
    /// A watch now and then sends an event twice.
    WatchRepeatsAnEvent,
    /// A watch now and then sends two events in the wrong order.
    WatchReordersEvents,
    /// A bookmark overtakes the events before it.
    BookmarkComesTooEarly,
    /// The scheduler's watches never send anything.
    WatchGoesSilent,
    /// Lists are answered from an old state, whatever revision they ask for.
    ListServesOlderThanSeen,
    /// A second Binding of a pod is granted.
    BindingOverwritesNodeName,
    /// An update that was decided on an old revision is granted.
    UpdateIgnoresResourceVersion,
    /// The scheduler forgets which pods it has assumed on which nodes.
    SchedulerForgetsAssumedPods,
    /// The scheduler binds pods to a node that there never was.
    SchedulerBindsToMissingNode,
    /// The ReplicaSet controller forgets what it has asked for.
    ReplicaSetIgnoresExpectations,
    /// The kubelet lets in more pods than its node allows.
    KubeletSkipsAdmission,
    /// The kubelet hears of every pod and takes it for its own.
    KubeletRunsPodsOfOthers,
    /// The kubelet takes containers for stopped that run on.
    KubeletConfirmsDeletionEarly,
    /// The DaemonSet controller forgets what it has asked for.
    DaemonSetIgnoresExpectations,
    /// The StatefulSet controller takes every pod for Running and Ready.
    StatefulSetTakesPodsForReady,
    /// The StatefulSet controller does not wait until a pod has ended (k#61832).
    StatefulSetDeletesByForce,
    /// Nobody takes the tracking finalizer from pods of Jobs (k#108645, k#109429).
    JobsLeaveTheirFinalizers,
    /// The namespace controller takes a namespace for empty when its cache is.
    NamespaceIsFinalizedUnasked,
    /// The disruption controller overwrites what an eviction has just written (k#82149).
    DisruptionOverwritesStatus,
    /// The Job controller forgets what it has asked for.
    JobForgetsWhatItAskedFor,
    /// The garbage collector hears of no Secret, and takes what it has not heard of for gone (k#88097).
    GarbageCollectorMissesOwners,
    /// The deletions of the garbage collector are not sent.
    GarbageCollectorDeletesNothing,
    /// The garbage collector takes no finalizer away.
    GarbageCollectorKeepsFinalizers,
    /// The Endpoints controller hears of no pod.
    EndpointsMissPods,
    /// The Endpoints controller deletes nothing.
    EndpointsAreKept,
    /// The StatefulSet controller creates no pod.
    StatefulSetCreatesNothing,
    /// The StatefulSet controller deletes no pod.
    StatefulSetDeletesNothing,
    /// The StatefulSet controller does not see the last pod of those that are too many.
    StatefulSetMissesItsLastPod,
    /// The DaemonSet controller creates no pod.
    DaemonSetCreatesNothing,
    /// The DaemonSet controller deletes no pod.
    DaemonSetDeletesNothing,
    /// The Job controller creates no pod.
    JobCreatesNothing,
    /// The Job controller writes no status.
    JobTellsNothing,
    /// The disruption controller hears of no pod.
    DisruptionMissesPods,
    /// The disruption controller writes no status.
    DisruptionTellsNothing,
    /// The namespace controller deletes nothing in a namespace.
    NamespaceDeletesNothing,
    /// The Deployment controller tries a name that is taken again and again (k#29735).
    DeploymentNeverCountsCollisions,
    /// The Endpoints controller takes what its cache shows for what there is (k#127429).
    EndpointsTrustStaleCaches,
    /// A creation is admitted by the namespace as it was some time ago (k#36891).
    CreationIsAdmittedLate,
    /// An apply that was admitted as an update creates what was deleted meanwhile (k#131421).
    ApplyIsAdmittedLate,
    /// The garbage collector keeps what it knows of an owner by uid alone (k#98040).
    GarbageCollectorMixesCoordinates,
    /// The binder sees no volume's claim (k#19209).
    BinderTakesVolumesForFree,
    /// The binder sees no claim that is bound, and takes it for gone, unasked.
    BinderReleasesUnasked,
    /// The binder's updates of claims are not sent.
    BinderBindsNothing,
    /// The binder takes every StorageClass for one that binds at once.
    BinderIgnoresFirstConsumer,
    /// The protection of claims sees no Pod, and asks nobody (k#76703).
    ClaimProtectionTrustsCaches,
    /// The protection of claims takes no finalizer away.
    ClaimProtectionLetsNothingGo,
    /// The protection of volumes takes every volume for Released.
    VolumeProtectionIgnoresPhases,
    /// The provisioner takes every volume for one that it has made and is to delete.
    ProvisionerIgnoresPolicies,
    /// The deletions of the provisioner are not sent.
    ProvisionerDeletesNothing,
    /// The claims that pods bring are not created.
    EphemeralVolumesMakeNoClaims,
    /// The approver takes every request for that of a kubelet.
    ApproverSeesKubelets,
    /// The approver's approvals are not sent.
    ApproverSaysNothing,
    /// The signer takes every request for approved.
    SignerIgnoresApproval,
    /// The signer takes every request for one of a client.
    SignerIgnoresUsages,
    /// What the signer says is not sent.
    SignerSaysNothing,
    /// The cleaner takes every request for two days old.
    CleanerIgnoresAges,
    /// The service accounts of namespaces are not created.
    NamespacesGetNoAccount,
    /// A root certificate that somebody has changed is not put back.
    RootCertificateStaysForged,
    /// An account that the token controller's cache lacks is gone, unasked.
    TokensAreDeletedUnasked,
    /// The token controller takes every Secret for a new one.
    TokensAreInherited,
    /// The token controller fills no Secret.
    TokensAreNotFilled,
    /// The deletions of the token controller are not sent.
    TokensOutliveAccounts,
    /// The attach/detach controller takes every volume for one that many nodes may have (k#45346).
    AttacherSharesVolumes,
    /// The attach/detach controller does not see what nodes have mounted.
    AttacherIgnoresMounts,
    /// The attach/detach controller creates nothing.
    AttacherAttachesNothing,
    /// The attach/detach controller deletes nothing.
    AttacherDetachesNothing,
    /// The node IPAM controller forgets what it has offered.
    NodeIpamForgetsOffers,
    /// The node IPAM controller's patches are not sent.
    NodeIpamGivesNothing,
    /// The ServiceCIDR controller sees no address.
    ServiceCidrIgnoresAddresses,
    /// The ServiceCIDR controller's patches are not sent.
    ServiceCidrsAreNotProtected,
    /// The ServiceCIDR controller takes no finalizer away.
    ServiceCidrsStay,
    /// The rules of aggregated roles are not applied.
    AggregationAppliesNothing,
    /// What the aggregation controller applies has a rule that no role has.
    AggregationAddsRule,
    /// The ResourceQuota controller writes its count whatever the quota has become.
    QuotaCountOverwrites,
    /// The ResourceQuota controller takes all that is allowed for used.
    QuotaIsTakenForUsed,
    /// The TTL-after-finished controller takes every Job for one that asks to go.
    TtlIgnoresWishes,
    /// The deletions of the TTL-after-finished controller are not sent.
    TtlDeletesNothing,
    /// The names of the Jobs of CronJobs say nothing of their times.
    CronJobsHaveOtherNames,
    /// The CronJob controller takes every policy for one that forbids nothing.
    CronJobForbidsNothing,
    /// The CronJob controller takes every policy for one that replaces nothing.
    CronJobReplacesNothing,
    /// The CronJob controller makes no Job.
    CronJobStartsNothing,
    /// The EndpointSliceMirroring controller takes every slice of a Service for its own.
    MirroringTakesSlices,
    /// The EndpointSliceMirroring controller forgets what it has written.
    MirroringTrustsStaleCaches,
    /// The EndpointSliceMirroring controller creates no slice.
    MirroringMakesNothing,
    /// The EndpointSliceMirroring controller deletes no slice.
    MirroringDeletesNothing,
    /// The load balancer controller sees no class.
    BalancerIgnoresClasses,
    /// What the load balancer controller says of Services is not sent.
    BalancerSaysNothing,
    /// The load balancer controller takes every Service for one that has its finalizer.
    BalancerSaysAddressesFirst,
    /// The HorizontalPodAutoscaler controller writes more replicas than it may.
    AutoscalerIgnoresLimits,
    /// The HorizontalPodAutoscaler controller writes the scale whatever it has become.
    AutoscalerOverwrites,
    /// The scales of the HorizontalPodAutoscaler controller are not sent.
    AutoscalerScalesNothing,
    /// The TTL controller takes the cluster for a larger one.
    NodeTtlCountsWrong,
    /// The patches of the TTL controller are not sent.
    NodeTtlTellsNothing,
    /// The ResourceClaim controller sees no Pod, and asks nobody.
    ResourceClaimTrustsCaches,
    /// The ResourceClaim controller makes no claim.
    ResourceClaimsAreNotMade,
    /// No claim is given back.
    ResourceClaimsAreKept,
    /// The protection of VolumeAttributesClasses sees no volume.
    AttributesClassIgnoresVolumes,
    /// The protection of VolumeAttributesClasses patches nothing.
    AttributesClassesAreNotProtected,
    /// The protection of VolumeAttributesClasses hears of no volume.
    AttributesClassMissesVolumes,
    /// The cleaner of tokens takes every token for two years old.
    TokenCleanerIgnoresAges,
    /// The expander takes every claim for one that has nothing yet.
    ExpanderTellsAnybody,
    /// The expander writes into a claim whatever it has become.
    ExpanderOverwrites,
    /// The node lifecycle controller does not hear that Nodes are lost.
    NodeLifecycleTakesNodesForReady,
    /// The node lifecycle controller taints every Node that is lost at once.
    NodeLifecycleEvictsAtOnce,
    /// The node lifecycle controller takes no taint back that evicts.
    NodeLifecycleKeepsTaints,
    /// The node lifecycle controller's patches that evict are not sent.
    NodeLifecycleTaintsNobody,
    /// Who takes over from a controller manager lists Pods from an old state (k#54096).
    FailsOverToStaleCache,
    /// The Job controller counts Pods as active that were refused.
    JobCountsUncreatedPods,
    /// The patches of the expander are not sent.
    ExpanderTellsNobody,
    /// The expander hears of no volume.
    ExpanderMissesVolumes,
    /// The TTL controller forgets of which size the cluster was.
    NodeTtlGoesToAndFro,
    /// The cleaner of tokens deletes them whatever they have become.
    TokenCleanerDeletesAnyVersion,
    /// The deletions of the cleaner of tokens are not sent.
    TokenCleanerDeletesNothing,
    /// The marks of the cleaner of tokens are not sent.
    TokenCleanerMarksNothing,
}

impl Plant {
    /// Every fault that random runs find; the others take every order of things.
    pub const ALL: [Self; 110] = [
        Self::AcknowledgesBeforeDurable,
        Self::LosesSyncedFrame,
        Self::RevisionGoesBackAfterRestart,
        Self::WatchDropsAnEvent,
        Self::WatchRepeatsAnEvent,
        Self::WatchReordersEvents,
        Self::BookmarkComesTooEarly,
        Self::WatchGoesSilent,
        Self::ListServesOlderThanSeen,
        Self::BindingOverwritesNodeName,
        Self::UpdateIgnoresResourceVersion,
        Self::SchedulerForgetsAssumedPods,
        Self::SchedulerBindsToMissingNode,
        Self::ReplicaSetIgnoresExpectations,
        Self::KubeletSkipsAdmission,
        Self::KubeletRunsPodsOfOthers,
        Self::KubeletConfirmsDeletionEarly,
        Self::DaemonSetIgnoresExpectations,
        Self::StatefulSetTakesPodsForReady,
        Self::StatefulSetDeletesByForce,
        Self::JobsLeaveTheirFinalizers,
        Self::NamespaceIsFinalizedUnasked,
        Self::DisruptionOverwritesStatus,
        Self::JobForgetsWhatItAskedFor,
        Self::GarbageCollectorMissesOwners,
        Self::GarbageCollectorDeletesNothing,
        Self::GarbageCollectorKeepsFinalizers,
        Self::EndpointsMissPods,
        Self::EndpointsAreKept,
        Self::StatefulSetCreatesNothing,
        Self::StatefulSetDeletesNothing,
        Self::StatefulSetMissesItsLastPod,
        Self::DaemonSetCreatesNothing,
        Self::DaemonSetDeletesNothing,
        Self::JobCreatesNothing,
        Self::JobTellsNothing,
        Self::DisruptionMissesPods,
        Self::DisruptionTellsNothing,
        Self::NamespaceDeletesNothing,
        Self::DeploymentNeverCountsCollisions,
        Self::EndpointsTrustStaleCaches,
        Self::CreationIsAdmittedLate,
        Self::ApplyIsAdmittedLate,
        Self::GarbageCollectorMixesCoordinates,
        Self::BinderTakesVolumesForFree,
        Self::BinderReleasesUnasked,
        Self::BinderBindsNothing,
        Self::BinderIgnoresFirstConsumer,
        Self::ClaimProtectionTrustsCaches,
        Self::ClaimProtectionLetsNothingGo,
        Self::VolumeProtectionIgnoresPhases,
        Self::ProvisionerIgnoresPolicies,
        Self::ProvisionerDeletesNothing,
        Self::EphemeralVolumesMakeNoClaims,
        Self::ApproverSeesKubelets,
        Self::ApproverSaysNothing,
        Self::SignerIgnoresApproval,
        Self::SignerIgnoresUsages,
        Self::SignerSaysNothing,
        Self::CleanerIgnoresAges,
        Self::NamespacesGetNoAccount,
        Self::RootCertificateStaysForged,
        Self::TokensAreDeletedUnasked,
        Self::TokensAreInherited,
        Self::TokensAreNotFilled,
        Self::TokensOutliveAccounts,
        Self::AttacherSharesVolumes,
        Self::AttacherIgnoresMounts,
        Self::AttacherAttachesNothing,
        Self::AttacherDetachesNothing,
        Self::NodeIpamForgetsOffers,
        Self::NodeIpamGivesNothing,
        Self::ServiceCidrIgnoresAddresses,
        Self::ServiceCidrsAreNotProtected,
        Self::ServiceCidrsStay,
        Self::AggregationAppliesNothing,
        Self::AggregationAddsRule,
        Self::QuotaCountOverwrites,
        Self::QuotaIsTakenForUsed,
        Self::TtlIgnoresWishes,
        Self::TtlDeletesNothing,
        Self::CronJobsHaveOtherNames,
        Self::CronJobForbidsNothing,
        Self::CronJobReplacesNothing,
        Self::CronJobStartsNothing,
        Self::MirroringTakesSlices,
        Self::MirroringTrustsStaleCaches,
        Self::MirroringMakesNothing,
        Self::MirroringDeletesNothing,
        Self::BalancerIgnoresClasses,
        Self::BalancerSaysNothing,
        Self::BalancerSaysAddressesFirst,
        Self::AutoscalerIgnoresLimits,
        Self::AutoscalerOverwrites,
        Self::AutoscalerScalesNothing,
        Self::NodeTtlCountsWrong,
        Self::NodeTtlTellsNothing,
        Self::ResourceClaimTrustsCaches,
        Self::ResourceClaimsAreNotMade,
        Self::ResourceClaimsAreKept,
        Self::AttributesClassIgnoresVolumes,
        Self::AttributesClassesAreNotProtected,
        Self::AttributesClassMissesVolumes,
        Self::TokenCleanerIgnoresAges,
        Self::ExpanderTellsAnybody,
        Self::NodeLifecycleTakesNodesForReady,
        Self::NodeLifecycleEvictsAtOnce,
        Self::NodeLifecycleKeepsTaints,
        Self::NodeLifecycleTaintsNobody,
        Self::JobCountsUncreatedPods,
    ];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::AcknowledgesBeforeDurable => "acknowledges-before-durable",
            Self::LosesSyncedFrame => "loses-synced-frame",
            Self::RevisionGoesBackAfterRestart => "revision-goes-back-after-restart",
            Self::WatchDropsAnEvent => "watch-drops-an-event",
            Self::WatchRepeatsAnEvent => "watch-repeats-an-event",
            Self::WatchReordersEvents => "watch-reorders-events",
            Self::BookmarkComesTooEarly => "bookmark-comes-too-early",
            Self::WatchGoesSilent => "watch-goes-silent",
            Self::ListServesOlderThanSeen => "list-serves-older-than-seen",
            Self::BindingOverwritesNodeName => "binding-overwrites-node-name",
            Self::UpdateIgnoresResourceVersion => "update-ignores-resource-version",
            Self::SchedulerForgetsAssumedPods => "scheduler-forgets-assumed-pods",
            Self::SchedulerBindsToMissingNode => "scheduler-binds-to-missing-node",
            Self::ReplicaSetIgnoresExpectations => "replica-set-ignores-expectations",
            Self::KubeletSkipsAdmission => "kubelet-skips-admission",
            Self::KubeletRunsPodsOfOthers => "kubelet-runs-pods-of-others",
            Self::KubeletConfirmsDeletionEarly => "kubelet-confirms-deletion-early",
            Self::DaemonSetIgnoresExpectations => "daemon-set-ignores-expectations",
            Self::StatefulSetTakesPodsForReady => "stateful-set-takes-pods-for-ready",
            Self::StatefulSetDeletesByForce => "stateful-set-deletes-by-force",
            Self::JobsLeaveTheirFinalizers => "jobs-leave-their-finalizers",
            Self::NamespaceIsFinalizedUnasked => "namespace-is-finalized-unasked",
            Self::DisruptionOverwritesStatus => "disruption-overwrites-status",
            Self::JobForgetsWhatItAskedFor => "job-forgets-what-it-asked-for",
            Self::GarbageCollectorMissesOwners => "garbage-collector-misses-owners",
            Self::GarbageCollectorDeletesNothing => "garbage-collector-deletes-nothing",
            Self::GarbageCollectorKeepsFinalizers => "garbage-collector-keeps-finalizers",
            Self::EndpointsMissPods => "endpoints-miss-pods",
            Self::EndpointsAreKept => "endpoints-are-kept",
            Self::StatefulSetCreatesNothing => "stateful-set-creates-nothing",
            Self::StatefulSetDeletesNothing => "stateful-set-deletes-nothing",
            Self::StatefulSetMissesItsLastPod => "stateful-set-misses-its-last-pod",
            Self::DaemonSetCreatesNothing => "daemon-set-creates-nothing",
            Self::DaemonSetDeletesNothing => "daemon-set-deletes-nothing",
            Self::JobCreatesNothing => "job-creates-nothing",
            Self::JobTellsNothing => "job-tells-nothing",
            Self::DisruptionMissesPods => "disruption-misses-pods",
            Self::DisruptionTellsNothing => "disruption-tells-nothing",
            Self::NamespaceDeletesNothing => "namespace-deletes-nothing",
            Self::DeploymentNeverCountsCollisions => "deployment-never-counts-collisions",
            Self::EndpointsTrustStaleCaches => "endpoints-trust-stale-caches",
            Self::CreationIsAdmittedLate => "creation-is-admitted-late",
            Self::ApplyIsAdmittedLate => "apply-is-admitted-late",
            Self::GarbageCollectorMixesCoordinates => "garbage-collector-mixes-coordinates",
            Self::BinderTakesVolumesForFree => "binder-takes-volumes-for-free",
            Self::BinderReleasesUnasked => "binder-releases-unasked",
            Self::BinderBindsNothing => "binder-binds-nothing",
            Self::BinderIgnoresFirstConsumer => "binder-ignores-first-consumer",
            Self::ClaimProtectionTrustsCaches => "claim-protection-trusts-caches",
            Self::ClaimProtectionLetsNothingGo => "claim-protection-lets-nothing-go",
            Self::VolumeProtectionIgnoresPhases => "volume-protection-ignores-phases",
            Self::ProvisionerIgnoresPolicies => "provisioner-ignores-policies",
            Self::ProvisionerDeletesNothing => "provisioner-deletes-nothing",
            Self::EphemeralVolumesMakeNoClaims => "ephemeral-volumes-make-no-claims",
            Self::ApproverSeesKubelets => "approver-sees-kubelets",
            Self::ApproverSaysNothing => "approver-says-nothing",
            Self::SignerIgnoresApproval => "signer-ignores-approval",
            Self::SignerIgnoresUsages => "signer-ignores-usages",
            Self::SignerSaysNothing => "signer-says-nothing",
            Self::CleanerIgnoresAges => "cleaner-ignores-ages",
            Self::NamespacesGetNoAccount => "namespaces-get-no-account",
            Self::RootCertificateStaysForged => "root-certificate-stays-forged",
            Self::TokensAreDeletedUnasked => "tokens-are-deleted-unasked",
            Self::TokensAreInherited => "tokens-are-inherited",
            Self::TokensAreNotFilled => "tokens-are-not-filled",
            Self::TokensOutliveAccounts => "tokens-outlive-accounts",
            Self::AttacherSharesVolumes => "attacher-shares-volumes",
            Self::AttacherIgnoresMounts => "attacher-ignores-mounts",
            Self::AttacherAttachesNothing => "attacher-attaches-nothing",
            Self::AttacherDetachesNothing => "attacher-detaches-nothing",
            Self::NodeIpamForgetsOffers => "node-ipam-forgets-offers",
            Self::NodeIpamGivesNothing => "node-ipam-gives-nothing",
            Self::ServiceCidrIgnoresAddresses => "service-cidr-ignores-addresses",
            Self::ServiceCidrsAreNotProtected => "service-cidrs-are-not-protected",
            Self::ServiceCidrsStay => "service-cidrs-stay",
            Self::AggregationAppliesNothing => "aggregation-applies-nothing",
            Self::AggregationAddsRule => "aggregation-adds-rule",
            Self::QuotaCountOverwrites => "quota-count-overwrites",
            Self::QuotaIsTakenForUsed => "quota-is-taken-for-used",
            Self::TtlIgnoresWishes => "ttl-ignores-wishes",
            Self::TtlDeletesNothing => "ttl-deletes-nothing",
            Self::CronJobsHaveOtherNames => "cron-jobs-have-other-names",
            Self::CronJobForbidsNothing => "cron-job-forbids-nothing",
            Self::CronJobReplacesNothing => "cron-job-replaces-nothing",
            Self::CronJobStartsNothing => "cron-job-starts-nothing",
            Self::MirroringTakesSlices => "mirroring-takes-slices",
            Self::MirroringTrustsStaleCaches => "mirroring-trusts-stale-caches",
            Self::MirroringMakesNothing => "mirroring-makes-nothing",
            Self::MirroringDeletesNothing => "mirroring-deletes-nothing",
            Self::BalancerIgnoresClasses => "balancer-ignores-classes",
            Self::BalancerSaysNothing => "balancer-says-nothing",
            Self::BalancerSaysAddressesFirst => "balancer-says-addresses-first",
            Self::AutoscalerIgnoresLimits => "autoscaler-ignores-limits",
            Self::AutoscalerOverwrites => "autoscaler-overwrites",
            Self::AutoscalerScalesNothing => "autoscaler-scales-nothing",
            Self::NodeTtlCountsWrong => "node-ttl-counts-wrong",
            Self::NodeTtlTellsNothing => "node-ttl-tells-nothing",
            Self::ResourceClaimTrustsCaches => "resource-claim-trusts-caches",
            Self::ResourceClaimsAreNotMade => "resource-claims-are-not-made",
            Self::ResourceClaimsAreKept => "resource-claims-are-kept",
            Self::AttributesClassIgnoresVolumes => "attributes-class-ignores-volumes",
            Self::AttributesClassesAreNotProtected => "attributes-classes-are-not-protected",
            Self::AttributesClassMissesVolumes => "attributes-class-misses-volumes",
            Self::TokenCleanerIgnoresAges => "token-cleaner-ignores-ages",
            Self::ExpanderTellsAnybody => "expander-tells-anybody",
            Self::ExpanderOverwrites => "expander-overwrites",
            Self::ExpanderTellsNobody => "expander-tells-nobody",
            Self::ExpanderMissesVolumes => "expander-misses-volumes",
            Self::NodeTtlGoesToAndFro => "node-ttl-goes-to-and-fro",
            Self::TokenCleanerDeletesAnyVersion => "token-cleaner-deletes-any-version",
            Self::TokenCleanerDeletesNothing => "token-cleaner-deletes-nothing",
            Self::TokenCleanerMarksNothing => "token-cleaner-marks-nothing",
            Self::NodeLifecycleTakesNodesForReady => "node-lifecycle-takes-nodes-for-ready",
            Self::NodeLifecycleEvictsAtOnce => "node-lifecycle-evicts-at-once",
            Self::NodeLifecycleKeepsTaints => "node-lifecycle-keeps-taints",
            Self::NodeLifecycleTaintsNobody => "node-lifecycle-taints-nobody",
            Self::FailsOverToStaleCache => "fails-over-to-stale-cache",
            Self::JobCountsUncreatedPods => "job-counts-uncreated-pods",
        }
    }
}

/// What a component sends, with the fault in it. `pods` is what its node truly has room for.
pub(crate) fn sent(plant: Plant, request: &mut Request, pods: i64) {
    let Some(body) = request.body.as_mut() else { return };
    if plant == Plant::SchedulerBindsToMissingNode && request.subresource == "binding" {
        body["target"]["name"] = json!("node-0");
    }
    let is_node = request.resource == &resources::NODES;
    if plant == Plant::KubeletSkipsAdmission && is_node && body["status"]["allocatable"].is_object()
    {
        for field in ["allocatable", "capacity"] {
            body["status"][field]["pods"] = json!(pods.to_string());
        }
    }
}

/// What the API server reads of a request, with the fault in it. `revision` is that of the object that it is
/// about.
pub(crate) fn arrived(plant: Plant, request: &mut Request, revision: Revision) {
    let is_update = request.verb == api::Verb::Update;
    let is_budget = request.resource == &resources::POD_DISRUPTION_BUDGETS;
    if plant == Plant::DisruptionOverwritesStatus
        && is_update
        && is_budget
        && let Some(body) = request.body.as_mut()
    {
        body["metadata"]["resourceVersion"] = json!(revision.to_string());
    }
    if plant == Plant::UpdateIgnoresResourceVersion
        && is_update
        && let Some(body) = request.body.as_mut()
    {
        object_at_mut(body, "metadata").remove("resourceVersion");
    }
}
