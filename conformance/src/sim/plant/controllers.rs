//! Faults of the controllers: what they hear and see, what they send, what they believe.

use std::sync::Arc;

use api::object::{controller_of, object_at_mut};
use api::{ApiResource, Key, Reason, Request, Status, Verb, resources};
use client::batches::Pacing;
use client::{Change, Outcome, View};
use controllers::Controller;
use controllers::daemon_set::DaemonSetController;
use controllers::endpoint_slice_mirroring::EndpointSliceMirroringController;
use controllers::endpoints::EndpointsController;
use controllers::job::JobController;
use controllers::node_ipam::NodeIpamController;
use controllers::replica_set::ReplicaSetController;
use controllers::ttl::TtlController;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use serde_json::{Value, json};

use super::Plant;
use super::coordinates::MixedCoordinates;
use super::{nodes, periodic, sights};
use crate::sim::authority;

const ENDPOINTS: &str = "endpoints-controller";
const COLLECTOR: &str = "garbage-collector-controller";
const STATEFUL_SETS: &str = "statefulset-controller";
const BINDER: &str = "persistentvolume-binder-controller";
const CLAIM_PROTECTION: &str = "persistentvolumeclaim-protection-controller";
const SIGNER: &str = "certificatesigningrequest-signing-controller";
const TOKENS: &str = "serviceaccount-token-controller";
const ATTACHER: &str = "persistentvolume-attach-detach-controller";
const AGGREGATION: &str = "clusterrole-aggregation-controller";
const QUOTA: &str = "resourcequota-controller";
const NODE_IPAM: &str = "node-ipam-controller";
const CRON_JOBS: &str = "cronjob-controller";
const RESOURCE_CLAIMS: &str = "resourceclaim-controller";
const ATTRIBUTES: &str = "volumeattributesclass-protection-controller";
const AUTOSCALER: &str = "horizontal-pod-autoscaler-controller";
const TTL: &str = "ttl-controller";
const MIRRORING: &str = "endpointslice-mirroring-controller";
const EXPANDER: &str = "persistentvolume-expander-controller";
const CLEANER: &str = "legacy-serviceaccount-token-cleaner-controller";

/// Controllers that do not hear of a resource.
const DEAF: [(Plant, &str, &ApiResource); 5] = [
    (Plant::GarbageCollectorMissesOwners, COLLECTOR, &resources::SECRETS),
    (Plant::EndpointsMissPods, ENDPOINTS, &resources::PODS),
    (Plant::DisruptionMissesPods, "disruption-controller", &resources::PODS),
    (Plant::AttributesClassMissesVolumes, ATTRIBUTES, &resources::PERSISTENT_VOLUMES),
    (Plant::ExpanderMissesVolumes, EXPANDER, &resources::PERSISTENT_VOLUMES),
];

/// Controllers whose requests of a kind are not sent.
const MUTE: [(Plant, &str, Verb, &ApiResource); 41] = [
    (
        Plant::JobsLeaveTheirFinalizers,
        "job-controller",
        Verb::StrategicMergePatch,
        &resources::PODS,
    ),
    (Plant::JobCreatesNothing, "job-controller", Verb::Create, &resources::PODS),
    (Plant::JobTellsNothing, "job-controller", Verb::Update, &resources::JOBS),
    (Plant::GarbageCollectorDeletesNothing, COLLECTOR, Verb::Delete, &resources::CONFIG_MAPS),
    (Plant::GarbageCollectorKeepsFinalizers, COLLECTOR, Verb::MergePatch, &resources::CONFIG_MAPS),
    (Plant::EndpointsAreKept, ENDPOINTS, Verb::Delete, &resources::ENDPOINTS),
    (Plant::StatefulSetCreatesNothing, STATEFUL_SETS, Verb::Create, &resources::PODS),
    (Plant::StatefulSetDeletesNothing, STATEFUL_SETS, Verb::Delete, &resources::PODS),
    (Plant::DaemonSetCreatesNothing, "daemonset-controller", Verb::Create, &resources::PODS),
    (Plant::DaemonSetDeletesNothing, "daemonset-controller", Verb::Delete, &resources::PODS),
    (
        Plant::DisruptionTellsNothing,
        "disruption-controller",
        Verb::Update,
        &resources::POD_DISRUPTION_BUDGETS,
    ),
    (Plant::NamespaceDeletesNothing, "namespace-controller", Verb::Delete, &resources::CONFIG_MAPS),
    (Plant::NamespaceDeletesNothing, "namespace-controller", Verb::Delete, &resources::PODS),
    (Plant::BinderBindsNothing, BINDER, Verb::Update, &resources::PERSISTENT_VOLUME_CLAIMS),
    (
        Plant::ClaimProtectionLetsNothingGo,
        CLAIM_PROTECTION,
        Verb::MergePatch,
        &resources::PERSISTENT_VOLUME_CLAIMS,
    ),
    (
        Plant::ProvisionerDeletesNothing,
        "local-path-provisioner",
        Verb::Delete,
        &resources::PERSISTENT_VOLUMES,
    ),
    (
        Plant::EphemeralVolumesMakeNoClaims,
        "ephemeral-volume-controller",
        Verb::Create,
        &resources::PERSISTENT_VOLUME_CLAIMS,
    ),
    (
        Plant::ApproverSaysNothing,
        "certificatesigningrequest-approving-controller",
        Verb::Update,
        &resources::CERTIFICATE_SIGNING_REQUESTS,
    ),
    (
        Plant::SignerSaysNothing,
        "certificatesigningrequest-signing-controller",
        Verb::Update,
        &resources::CERTIFICATE_SIGNING_REQUESTS,
    ),
    (
        Plant::NamespacesGetNoAccount,
        "serviceaccount-controller",
        Verb::Create,
        &resources::SERVICE_ACCOUNTS,
    ),
    (
        Plant::RootCertificateStaysForged,
        "root-ca-certificate-publisher-controller",
        Verb::Update,
        &resources::CONFIG_MAPS,
    ),
    (Plant::TokensAreNotFilled, TOKENS, Verb::Update, &resources::SECRETS),
    (Plant::TokensOutliveAccounts, TOKENS, Verb::Delete, &resources::SECRETS),
    (Plant::AttacherAttachesNothing, ATTACHER, Verb::Create, &resources::VOLUME_ATTACHMENTS),
    (Plant::AttacherDetachesNothing, ATTACHER, Verb::Delete, &resources::VOLUME_ATTACHMENTS),
    (Plant::NodeIpamGivesNothing, NODE_IPAM, Verb::StrategicMergePatch, &resources::NODES),
    (
        Plant::ServiceCidrsAreNotProtected,
        "service-cidr-controller",
        Verb::StrategicMergePatch,
        &resources::SERVICE_CIDRS,
    ),
    (Plant::AggregationAppliesNothing, AGGREGATION, Verb::Apply, &resources::CLUSTER_ROLES),
    (Plant::TtlDeletesNothing, "ttl-after-finished-controller", Verb::Delete, &resources::JOBS),
    (Plant::CronJobStartsNothing, CRON_JOBS, Verb::Create, &resources::JOBS),
    (Plant::MirroringMakesNothing, MIRRORING, Verb::Create, &resources::ENDPOINT_SLICES),
    (Plant::MirroringDeletesNothing, MIRRORING, Verb::Delete, &resources::ENDPOINT_SLICES),
    (Plant::BalancerSaysNothing, "service-lb-controller", Verb::MergePatch, &resources::SERVICES),
    (Plant::AutoscalerScalesNothing, AUTOSCALER, Verb::Update, &resources::DEPLOYMENTS),
    (Plant::NodeTtlTellsNothing, TTL, Verb::StrategicMergePatch, &resources::NODES),
    (Plant::ResourceClaimsAreNotMade, RESOURCE_CLAIMS, Verb::Create, &resources::RESOURCE_CLAIMS),
    (Plant::ResourceClaimsAreKept, RESOURCE_CLAIMS, Verb::Update, &resources::RESOURCE_CLAIMS),
    (Plant::TokenCleanerDeletesNothing, CLEANER, Verb::Delete, &resources::SECRETS),
    (Plant::TokenCleanerMarksNothing, CLEANER, Verb::MergePatch, &resources::SECRETS),
    (
        Plant::ExpanderTellsNobody,
        EXPANDER,
        Verb::StrategicMergePatch,
        &resources::PERSISTENT_VOLUME_CLAIMS,
    ),
    (
        Plant::AttributesClassesAreNotProtected,
        ATTRIBUTES,
        Verb::MergePatch,
        &resources::VOLUME_ATTRIBUTES_CLASSES,
    ),
];

/// A controller with a fault in its memory.
pub(crate) fn started(plant: Plant, controller: Box<dyn Controller>) -> Box<dyn Controller> {
    match (plant, controller.name()) {
        (Plant::GarbageCollectorMixesCoordinates, COLLECTOR) => Box::<MixedCoordinates>::default(),
        _ => controller,
    }
}

/// A controller that forgets what it expects before each reconciliation.
pub(crate) fn forgetful(plant: Plant, controller: &str) -> Option<Box<dyn Controller>> {
    match (plant, controller) {
        (Plant::ReplicaSetIgnoresExpectations, "replicaset-controller") => {
            Some(Box::new(ReplicaSetController::default()))
        }
        (Plant::DaemonSetIgnoresExpectations, "daemonset-controller") => {
            Some(Box::new(DaemonSetController::default()))
        }
        (Plant::JobForgetsWhatItAskedFor, "job-controller") => {
            Some(Box::new(JobController::default()))
        }
        (Plant::EndpointsTrustStaleCaches, ENDPOINTS) => {
            Some(Box::new(EndpointsController::default()))
        }
        (Plant::MirroringTrustsStaleCaches, MIRRORING) => {
            Some(Box::new(EndpointSliceMirroringController::default()))
        }
        (Plant::NodeTtlGoesToAndFro, TTL) => Some(Box::new(TtlController::default())),
        (Plant::NodeIpamForgetsOffers, NODE_IPAM) => {
            let network = authority::config().pod_network?;
            Some(Box::new(NodeIpamController::new(&network)))
        }
        _ => None,
    }
}

/// Whether a controller hears of a change.
pub(crate) fn is_heard(plant: Plant, controller: &str, change: &Change) -> bool {
    let is_deaf = DEAF.contains(&(plant, controller, change.resource()));
    !is_deaf && nodes::is_heard(plant, controller, change)
}

/// What a controller sees instead of its caches.
pub(crate) fn seen(plant: Plant, controller: &str, view: &View) -> Option<View> {
    match (plant, controller) {
        (Plant::StatefulSetTakesPodsForReady, STATEFUL_SETS) => Some(all_ready(view)),
        (Plant::StatefulSetMissesItsLastPod, STATEFUL_SETS) => Some(without_last(view)),
        _ => sights::seen(plant, controller, view),
    }
}

fn all_ready(view: &View) -> View {
    let mut view = view.clone();
    let pods: Vec<Pod> = view.pods.iter().map(|pod| (**pod).clone()).collect();
    for mut pod in pods {
        let ready = PodCondition {
            type_: "Ready".to_owned(),
            status: "True".to_owned(),
            ..PodCondition::default()
        };
        let status = pod.status.get_or_insert_default();
        status.phase = Some("Running".to_owned());
        status.conditions = Some(vec![ready]);
        view.put(Arc::new(pod).into());
    }
    view
}

/// Without the last pod of each StatefulSet that has more pods than it wants.
fn without_last(view: &View) -> View {
    let mut seen = view.clone();
    for set in view.stateful_sets.iter() {
        let wanted = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
        let is_of = |pod: &&Arc<Pod>| {
            controller_of(&pod.metadata).map(|controller| &controller.uid)
                == set.metadata.uid.as_ref()
        };
        let pods: Vec<_> = view.pods.iter().filter(is_of).collect();
        let is_too_many = i32::try_from(pods.len()).is_ok_and(|pods| pods > wanted);
        if let Some(last) = pods.last().filter(|_| is_too_many) {
            seen.remove(&resources::PODS, &Key::of(&last.metadata));
        }
    }
    seen
}

/// What a controller has planned, with the fault in it.
pub(crate) fn planned(plant: Plant, controller: &str, requests: &mut Vec<Request>) {
    requests.retain(|request| !MUTE.contains(&(plant, controller, request.verb, request.resource)));
    if plant == Plant::StatefulSetDeletesByForce && controller == STATEFUL_SETS {
        let deletions = requests.iter_mut().filter(|request| request.verb == Verb::Delete);
        for body in deletions.filter_map(|request| request.body.as_mut()) {
            body["gracePeriodSeconds"] = json!(0);
        }
    }
    if plant == Plant::QuotaIsTakenForUsed && controller == QUOTA {
        for body in requests.iter_mut().filter_map(|request| request.body.as_mut()) {
            body["status"]["used"] = body["status"]["hard"].clone();
        }
    }
    let overwrites = [(Plant::QuotaCountOverwrites, QUOTA), (Plant::ExpanderOverwrites, EXPANDER)];
    if overwrites.contains(&(plant, controller)) {
        for body in requests.iter_mut().filter_map(|request| request.body.as_mut()) {
            object_at_mut(body, "metadata").remove("resourceVersion");
        }
    }
    if plant == Plant::TokenCleanerDeletesAnyVersion && controller == CLEANER {
        let deletions = requests.iter_mut().filter(|request| request.verb == Verb::Delete);
        for body in deletions.filter_map(|request| request.body.as_mut()) {
            object_at_mut(body, "preconditions").remove("resourceVersion");
        }
    }
    if plant == Plant::ServiceCidrsStay && controller == "service-cidr-controller" {
        requests.retain(|request| !takes_finalizers(request));
    }
    if plant == Plant::AggregationAddsRule && controller == AGGREGATION {
        let rule = json!({"apiGroups": [""], "resources": ["forged"], "verbs": ["get"]});
        for body in requests.iter_mut().filter_map(|request| request.body.as_mut()) {
            body["rules"].as_array_mut().into_iter().for_each(|rules| rules.push(rule.clone()));
        }
    }
    periodic::planned(plant, controller, requests);
    nodes::planned(plant, controller, requests);
    if plant == Plant::DeploymentNeverCountsCollisions && controller == "deployment-controller" {
        let statuses = requests.iter_mut().filter(|request| request.subresource == "status");
        for body in statuses.filter_map(|request| request.body.as_mut()) {
            object_at_mut(body, "status").remove("collisionCount");
        }
    }
    if plant == Plant::SignerIgnoresApproval && controller == SIGNER {
        let statuses = requests.iter_mut().filter(|request| request.subresource == "status");
        for body in statuses.filter_map(|request| request.body.as_mut()) {
            let conditions = body["status"]["conditions"].as_array_mut();
            conditions.into_iter().for_each(|all| all.retain(is_dated));
        }
    }
}

fn takes_finalizers(request: &Request) -> bool {
    let body = request.body.as_ref();
    body.is_some_and(|body| body["metadata"].get("$deleteFromPrimitiveList/finalizers").is_some())
}

/// Whether a condition was written, and not only seen.
fn is_dated(condition: &Value) -> bool {
    condition["lastTransitionTime"].is_string()
}

/// How the requests of a controller follow one another.
pub(crate) fn paced(plant: Plant, pacing: Pacing) -> Pacing {
    let is_corrected = plant != Plant::JobCountsUncreatedPods;
    Pacing { correct: if is_corrected { pacing.correct } else { |_, _| {} }, ..pacing }
}

/// What a controller believes without having asked.
pub(crate) fn believed(plant: Plant, controller: &str, request: &Request) -> Option<Outcome> {
    match (plant, controller, request.verb) {
        (Plant::GarbageCollectorMissesOwners, COLLECTOR, Verb::Get) => {
            Some(Err(Status::new(Reason::NotFound, "it is not in the cache")))
        }
        (Plant::NamespaceIsFinalizedUnasked, "namespace-controller", Verb::List)
        | (Plant::ClaimProtectionTrustsCaches, CLAIM_PROTECTION, Verb::List) => {
            Some(Ok(json!({"items": []})))
        }
        (Plant::BinderReleasesUnasked, BINDER, Verb::Get)
        | (Plant::ResourceClaimTrustsCaches, RESOURCE_CLAIMS, Verb::Get)
        | (Plant::TokensAreDeletedUnasked, TOKENS, Verb::Get) => {
            Some(Err(Status::new(Reason::NotFound, "it is not in the cache")))
        }
        _ => None,
    }
}
