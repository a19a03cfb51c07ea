//! The real cores in every order of things, for tiny clusters; and faults in them, which are noticed.

use std::process::ExitCode;

use conformance::exhaustive::{Story, explore};
use conformance::sim::Plant;
use libtest_mimic::{Arguments, Failed, Trial};

/// More states than any story has.
const STATES_MAX: usize = 20_000;

/// Fewer than any has.
const STATES_MIN: usize = 100;

/// Faults, each with a story in which a claim notices it.
const PLANTED: [(Plant, &str, &str); 42] = [
    (Plant::ReplicaSetIgnoresExpectations, "replica-set", "REPLICASET-1"),
    (Plant::StatefulSetCreatesNothing, "stateful-set", "STATEFULSET-7"),
    (Plant::DaemonSetCreatesNothing, "daemon-set", "DAEMONSET-5"),
    (Plant::FailsOverToStaleCache, "daemon-set-fail-over", "DAEMONSET-1"),
    (Plant::JobCreatesNothing, "job", "JOB-12"),
    (Plant::JobTellsNothing, "job", "JOB-9"),
    (Plant::JobForgetsWhatItAskedFor, "job", "JOB-4"),
    (Plant::EndpointsMissPods, "service", "ENDPOINTS-5"),
    (Plant::NamespaceDeletesNothing, "namespace", "NAMESPACE-8"),
    (Plant::GarbageCollectorDeletesNothing, "owners", "GC-8"),
    (Plant::DisruptionOverwritesStatus, "budget", "ETCD-3"),
    (Plant::ClaimProtectionTrustsCaches, "claim-in-use", "VOLUME-5"),
    (Plant::VolumeProtectionIgnoresPhases, "volume-in-use", "VOLUME-6"),
    (Plant::SignerIgnoresApproval, "certificate", "CERTIFICATE-4"),
    (Plant::TokensAreDeletedUnasked, "token", "SERVICEACCOUNT-4"),
    (Plant::AttacherIgnoresMounts, "moving-volume", "ATTACHMENT-2"),
    (Plant::ExpanderMissesVolumes, "claim-grows", "EXPANDER-4"),
    (Plant::ExpanderTellsNobody, "claim-grows-and-goes", "EXPANDER-3"),
    (Plant::ExpanderOverwrites, "claim-grows-and-goes", "EXPANDER-2"),
    (Plant::CleanerIgnoresAges, "cleaned", "CERTIFICATE-7"),
    (Plant::ServiceCidrIgnoresAddresses, "range-in-use", "SERVICECIDR-1"),
    (Plant::CronJobsHaveOtherNames, "cron-job-forbids", "CRONJOB-1"),
    (Plant::CronJobForbidsNothing, "cron-job-forbids", "CRONJOB-2"),
    (Plant::CronJobReplacesNothing, "cron-job-replaces", "CRONJOB-3"),
    (Plant::AutoscalerOverwrites, "autoscaler", "AUTOSCALER-3"),
    (Plant::NodeTtlTellsNothing, "told-nodes", "NODETTL-4"),
    (Plant::NodeTtlGoesToAndFro, "many-nodes", "NODETTL-2"),
    (Plant::TokenCleanerDeletesAnyVersion, "old-token", "TOKENCLEANER-1"),
    (Plant::TokenCleanerDeletesNothing, "old-token", "TOKENCLEANER-3"),
    (Plant::TokenCleanerDeletesNothing, "old-token-goes", "TOKENCLEANER-4"),
    (Plant::TokenCleanerMarksNothing, "old-token", "TOKENCLEANER-4"),
    (Plant::MirroringTrustsStaleCaches, "mirrored", "MIRRORING-2"),
    (Plant::MirroringMakesNothing, "mirrored", "MIRRORING-3"),
    (Plant::BalancerSaysAddressesFirst, "balanced-for-a-while", "BALANCER-1"),
    (Plant::BalancerSaysNothing, "balanced-and-gone", "BALANCER-3"),
    (Plant::ResourceClaimTrustsCaches, "shared-claim", "RESOURCECLAIM-2"),
    (Plant::ResourceClaimsAreKept, "shared-claim", "RESOURCECLAIM-5"),
    (Plant::AttributesClassIgnoresVolumes, "classed", "ATTRIBUTES-1"),
    (Plant::AttributesClassesAreNotProtected, "classed", "ATTRIBUTES-2"),
    (Plant::NodeLifecycleTakesNodesForReady, "all-lost", "NODE-4"),
    (Plant::NodeLifecycleEvictsAtOnce, "zone-lost", "NODE-5"),
    (Plant::NodeLifecycleKeepsTaints, "all-lost", "NODE-7"),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let stories = Story::ALL.iter().map(|story| {
        Trial::test(format!("{} ends well in every order", story.name), || ends_well(story))
    });
    let planted = PLANTED.into_iter().map(|(plant, story, claim)| {
        let name = format!("{} is noticed by {claim} in {story}", plant.name());
        Trial::test(name, move || is_noticed(plant, story, claim))
    });
    libtest_mimic::run(&arguments, stories.chain(planted).collect()).exit_code()
}

fn ends_well(story: &'static Story) -> Result<(), Failed> {
    let explored = explore(story, Plant::Nothing, STATES_MAX)?;
    match explored.states > STATES_MIN && explored.ends > 0 {
        true => Ok(()),
        false => Err(format!("hardly anything happens: {explored:?}").into()),
    }
}

fn is_noticed(plant: Plant, story: &str, claim: &str) -> Result<(), Failed> {
    let story = Story::named(story).ok_or("there is no such story")?;
    match explore(story, plant, STATES_MAX) {
        Ok(explored) => Err(format!("nobody notices: {explored:?}").into()),
        Err(found) if found.why.contains(claim) => Ok(()),
        Err(found) => Err(found.into()),
    }
}
