//! What controllers of storage, certificates and tokens see instead of their caches.

use std::sync::Arc;
use std::time::Duration;

use api::storage::{LOCAL_PATH, PROVISIONED_BY, PROVISIONER_FINALIZER, is_fully_bound};
use api::{Key, resources};
use client::{Cache, View};
use k8s_openapi::ByteString;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestCondition,
};
use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::Plant;
use crate::sim::authority;

/// How much older requests for certificates seem than they are.
const DAYS: Duration = Duration::from_secs(2 * 24 * 3600);

/// How much older tokens seem than they are.
const YEARS: Duration = Duration::from_secs(2 * 365 * 24 * 3600);

/// What a controller sees.
pub(super) fn seen(plant: Plant, controller: &str, view: &View) -> Option<View> {
    let change: fn(&mut View) = match (plant, controller) {
        (Plant::BinderTakesVolumesForFree, "persistentvolume-binder-controller") => {
            |seen| volumes(seen, free)
        }
        (Plant::BinderReleasesUnasked, "persistentvolume-binder-controller") => without_bound,
        (Plant::ClaimProtectionTrustsCaches, "persistentvolumeclaim-protection-controller")
        | (Plant::ResourceClaimTrustsCaches, "resourceclaim-controller") => {
            |seen| seen.pods = Cache::default()
        }
        (Plant::AttributesClassIgnoresVolumes, "volumeattributesclass-protection-controller") => {
            |seen| seen.persistent_volumes = Cache::default()
        }
        (Plant::VolumeProtectionIgnoresPhases, "persistentvolume-protection-controller") => {
            |seen| volumes(seen, released)
        }
        (Plant::SignerIgnoresApproval, "certificatesigningrequest-signing-controller") => {
            |seen| requests(seen, approved)
        }
        (Plant::BinderIgnoresFirstConsumer, "persistentvolume-binder-controller") => immediate,
        (Plant::ProvisionerIgnoresPolicies, "local-path-provisioner") => {
            |seen| volumes(seen, provisioned)
        }
        (Plant::ApproverSeesKubelets, "certificatesigningrequest-approving-controller") => {
            |seen| requests(seen, of_kubelet)
        }
        (Plant::SignerIgnoresUsages, "certificatesigningrequest-signing-controller") => {
            |seen| requests(seen, of_client)
        }
        (Plant::CleanerIgnoresAges, "certificatesigningrequest-cleaner-controller") => {
            |seen| requests(seen, aged)
        }
        (Plant::TokensAreInherited, "serviceaccount-token-controller") => secrets,
        (Plant::TokenCleanerIgnoresAges, "legacy-serviceaccount-token-cleaner-controller") => {
            aged_secrets
        }
        (Plant::AttacherSharesVolumes, "persistentvolume-attach-detach-controller") => {
            |seen| volumes(seen, shared)
        }
        (Plant::AttacherIgnoresMounts, "persistentvolume-attach-detach-controller") => unmounted,
        (Plant::ServiceCidrIgnoresAddresses, "service-cidr-controller") => without_addresses,
        (Plant::ExpanderTellsAnybody, "persistentvolume-expander-controller") => empty,
        (Plant::TtlIgnoresWishes, "ttl-after-finished-controller") => asking,
        (Plant::CronJobForbidsNothing, "cronjob-controller") => |seen| allow(seen, "Forbid"),
        (Plant::CronJobReplacesNothing, "cronjob-controller") => |seen| allow(seen, "Replace"),
        (Plant::MirroringTakesSlices, "endpointslice-mirroring-controller") => taken,
        (Plant::BalancerIgnoresClasses, "service-lb-controller") => |seen| {
            services(seen, |service| {
                service.spec.get_or_insert_default().load_balancer_class = None;
            })
        },
        (Plant::BalancerSaysAddressesFirst, "service-lb-controller") => |seen| {
            services(seen, |service| {
                let finalizer = "service.kubernetes.io/load-balancer-cleanup".to_owned();
                service.metadata.finalizers = Some(vec![finalizer]);
            })
        },
        _ => return None,
    };
    let mut seen = view.clone();
    change(&mut seen);
    Some(seen)
}

/// Without the claims that are bound.
fn without_bound(view: &mut View) {
    let bound = view.persistent_volume_claims.iter().filter(|claim| is_fully_bound(claim));
    let bound: Vec<Key> = bound.map(|claim| Key::of(&claim.metadata)).collect();
    for claim in bound {
        view.persistent_volume_claims.remove(&claim);
    }
}

/// With claims that have nothing yet.
fn empty(view: &mut View) {
    let all: Vec<PersistentVolumeClaim> =
        view.persistent_volume_claims.iter().map(|claim| (**claim).clone()).collect();
    for mut claim in all {
        claim.status.get_or_insert_default().capacity = None;
        view.persistent_volume_claims.insert(Arc::new(claim));
    }
}

/// With classes that bind at once.
fn immediate(view: &mut View) {
    let classes: Vec<StorageClass> =
        view.storage_classes.iter().map(|class| (**class).clone()).collect();
    for mut class in classes {
        class.volume_binding_mode = Some("Immediate".to_owned());
        view.storage_classes.insert(Arc::new(class));
    }
}

fn volumes(view: &mut View, change: fn(&mut PersistentVolume)) {
    let all: Vec<PersistentVolume> =
        view.persistent_volumes.iter().map(|volume| (**volume).clone()).collect();
    for mut volume in all {
        change(&mut volume);
        view.persistent_volumes.insert(Arc::new(volume));
    }
}

fn free(volume: &mut PersistentVolume) {
    volume.spec.get_or_insert_default().claim_ref = None;
    volume.status.get_or_insert_default().phase = Some("Available".to_owned());
}

fn released(volume: &mut PersistentVolume) {
    volume.status.get_or_insert_default().phase = Some("Released".to_owned());
}

fn provisioned(volume: &mut PersistentVolume) {
    let annotations = volume.metadata.annotations.get_or_insert_default();
    annotations.insert(PROVISIONED_BY.to_owned(), LOCAL_PATH.to_owned());
    volume.metadata.finalizers = Some(vec![PROVISIONER_FINALIZER.to_owned()]);
    let spec = volume.spec.get_or_insert_default();
    spec.persistent_volume_reclaim_policy = Some("Delete".to_owned());
}

fn shared(volume: &mut PersistentVolume) {
    let spec = volume.spec.get_or_insert_default();
    spec.access_modes = Some(vec!["ReadWriteMany".to_owned()]);
}

/// Without what nodes have mounted.
fn unmounted(view: &mut View) {
    let all: Vec<Node> = view.nodes.iter().map(|node| (**node).clone()).collect();
    for mut node in all {
        node.status.get_or_insert_default().volumes_in_use = None;
        view.nodes.insert(Arc::new(node));
    }
}

/// Without the addresses of Services.
fn without_addresses(view: &mut View) {
    for address in view.keys(&resources::IP_ADDRESSES) {
        view.remove(&resources::IP_ADDRESSES, &address);
    }
}

/// With Jobs that ask to go as soon as they have finished.
fn asking(view: &mut View) {
    let all: Vec<Job> = view.jobs.iter().map(|job| (**job).clone()).collect();
    for mut job in all {
        job.spec.get_or_insert_default().ttl_seconds_after_finished = Some(0);
        view.jobs.insert(Arc::new(job));
    }
}

/// With CronJobs that allow what they do not.
fn allow(view: &mut View, policy: &str) {
    let all: Vec<CronJob> = view.cron_jobs.iter().map(|found| (**found).clone()).collect();
    for mut cron_job in all {
        if cron_job.spec.concurrency_policy.as_deref() == Some(policy) {
            cron_job.spec.concurrency_policy = Some("Allow".to_owned());
        }
        view.cron_jobs.insert(Arc::new(cron_job));
    }
}

/// With slices that are all those of mirrored Endpoints.
fn taken(view: &mut View) {
    let all: Vec<EndpointSlice> =
        view.endpoint_slices.iter().map(|slice| (**slice).clone()).collect();
    for mut slice in all {
        let labels = slice.metadata.labels.get_or_insert_default();
        let manager = "endpointslicemirroring-controller.k8s.io".to_owned();
        labels.insert("endpointslice.kubernetes.io/managed-by".to_owned(), manager);
        view.endpoint_slices.insert(Arc::new(slice));
    }
}

fn services(view: &mut View, change: fn(&mut Service)) {
    let all: Vec<Service> = view.services.iter().map(|service| (**service).clone()).collect();
    for mut service in all {
        change(&mut service);
        view.services.insert(Arc::new(service));
    }
}

fn requests(view: &mut View, change: fn(&mut CertificateSigningRequest)) {
    let all: Vec<CertificateSigningRequest> =
        view.certificate_signing_requests.iter().map(|request| (**request).clone()).collect();
    for mut request in all {
        change(&mut request);
        view.certificate_signing_requests.insert(Arc::new(request));
    }
}

fn of_kubelet(request: &mut CertificateSigningRequest) {
    let usages = ["digital signature", "client auth"];
    request.spec.signer_name = "kubernetes.io/kube-apiserver-client-kubelet".to_owned();
    request.spec.usages = Some(usages.map(str::to_owned).into());
    request.spec.request = ByteString(authority::request("system:node:node-1", "system:nodes"));
}

fn of_client(request: &mut CertificateSigningRequest) {
    request.spec.signer_name = "kubernetes.io/kube-apiserver-client".to_owned();
    request.spec.usages = Some(vec!["client auth".to_owned()]);
}

fn approved(request: &mut CertificateSigningRequest) {
    let condition = CertificateSigningRequestCondition {
        type_: "Approved".to_owned(),
        status: "True".to_owned(),
        ..CertificateSigningRequestCondition::default()
    };
    request.status.get_or_insert_default().conditions = Some(vec![condition]);
}

fn aged(request: &mut CertificateSigningRequest) {
    let older = |time: &mut Option<Time>| {
        if let Some(Time(time)) = time
            && let Ok(earlier) = time.checked_sub(DAYS)
        {
            *time = earlier;
        }
    };
    older(&mut request.metadata.creation_timestamp);
    let conditions = request.status.iter_mut().flat_map(|status| status.conditions.iter_mut());
    conditions.flatten().for_each(|condition| older(&mut condition.last_update_time));
}

/// With Secrets that are two years old.
fn aged_secrets(view: &mut View) {
    let all: Vec<Secret> = view.secrets.iter().map(|secret| (**secret).clone()).collect();
    for mut secret in all {
        if let Some(Time(created)) = &mut secret.metadata.creation_timestamp
            && let Ok(earlier) = created.checked_sub(YEARS)
        {
            *created = earlier;
        }
        view.secrets.insert(Arc::new(secret));
    }
}

/// Without what a Secret of a token holds, and whose it is.
fn secrets(view: &mut View) {
    let all: Vec<Secret> = view.secrets.iter().map(|secret| (**secret).clone()).collect();
    for mut secret in all {
        secret.data = None;
        let annotations = secret.metadata.annotations.get_or_insert_default();
        annotations.remove("kubernetes.io/service-account.uid");
        view.secrets.insert(Arc::new(secret));
    }
}
