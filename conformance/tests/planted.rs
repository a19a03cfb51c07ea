//! Faults planted in the implementation: the simulator finds each, by the check that
//! `docs/planted-faults.md` names.

use std::collections::BTreeSet;
use std::process::ExitCode;

use conformance::sim::{
    Fault, Faults, Options, Plant, Violation, Workload, Workloads, run, run_planted,
};
use libtest_mimic::{Arguments, Failed, Trial};

/// A fault is to be found with one of these.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=96;

/// How many of them are run without a fault.
const QUIET_SEEDS: usize = 8;

fn main() -> ExitCode {
    let named = Trial::test("the table names every planted fault", names_every_plant);
    let noticed = Plant::ALL.into_iter().zip(table()).map(|(plant, row)| {
        let name = format!("{} is noticed by {}", plant.name(), row.check);
        Trial::test(name, move || is_noticed(plant, &row.check))
    });
    let runs = Plant::ALL.map(|plant| (faults_for(plant), workloads_for(plant)));
    let runs: BTreeSet<_> = runs.into_iter().collect();
    let quiet = runs.into_iter().map(|(faults, workloads)| {
        let name =
            format!("without a planted fault nothing is found: {workloads}, faults {faults}");
        Trial::test(name, move || finds_nothing(&faults, &workloads))
    });
    let trials = std::iter::once(named).chain(noticed).chain(quiet).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn names_every_plant() -> Result<(), Failed> {
    let planted = Plant::ALL.map(Plant::name);
    let named: Vec<String> = table().into_iter().map(|row| row.plant).collect();
    match named == planted {
        true => Ok(()),
        false => Err(format!("planted are {planted:?}, the table has {named:?}").into()),
    }
}

fn is_noticed(plant: Plant, check: &str) -> Result<(), Failed> {
    let mut whys = vec![];
    let is_caught = SEEDS.filter_map(|seed| find(plant, seed)).any(|violation| {
        let is_caught = violation.why.contains(check);
        whys.push(violation.why);
        is_caught
    });
    match is_caught {
        true => Ok(()),
        false => Err(format!("{check} is not among {whys:#?}").into()),
    }
}

fn finds_nothing(faults: &Faults, workloads: &Workloads) -> Result<(), Failed> {
    for seed in SEEDS.take(QUIET_SEEDS) {
        run(&options(seed, faults.clone(), workloads.clone()), &mut std::io::sink())?;
    }
    Ok(())
}

fn options(seed: u64, faults: Faults, workloads: Workloads) -> Options {
    Options { seed, steps: steps_for(&workloads), faults, workloads, ..Options::default() }
}

/// How long a cluster runs before it is left to settle: volumes come and go slowly.
fn steps_for(workloads: &Workloads) -> u64 {
    if workloads.iter().any(|workload| workload == Workload::Volumes) { 4000 } else { 2000 }
}

/// What the controllers that have the fault work on; Deployments, if it is not here.
const WORKLOADS: [(Plant, Workload); 94] = [
    (Plant::DaemonSetIgnoresExpectations, Workload::DaemonSets),
    (Plant::StatefulSetTakesPodsForReady, Workload::StatefulSets),
    (Plant::StatefulSetDeletesByForce, Workload::StatefulSets),
    (Plant::JobsLeaveTheirFinalizers, Workload::Jobs),
    (Plant::NamespaceIsFinalizedUnasked, Workload::Namespaces),
    (Plant::DisruptionOverwritesStatus, Workload::Budgets),
    (Plant::JobForgetsWhatItAskedFor, Workload::Jobs),
    (Plant::GarbageCollectorMissesOwners, Workload::Owners),
    (Plant::GarbageCollectorDeletesNothing, Workload::Owners),
    (Plant::GarbageCollectorKeepsFinalizers, Workload::Owners),
    (Plant::EndpointsMissPods, Workload::Services),
    (Plant::EndpointsAreKept, Workload::Services),
    (Plant::StatefulSetCreatesNothing, Workload::StatefulSets),
    (Plant::StatefulSetDeletesNothing, Workload::StatefulSets),
    (Plant::StatefulSetMissesItsLastPod, Workload::StatefulSets),
    (Plant::DaemonSetCreatesNothing, Workload::DaemonSets),
    (Plant::DaemonSetDeletesNothing, Workload::DaemonSets),
    (Plant::JobCreatesNothing, Workload::Jobs),
    (Plant::JobTellsNothing, Workload::Jobs),
    (Plant::DisruptionMissesPods, Workload::Budgets),
    (Plant::DisruptionTellsNothing, Workload::Budgets),
    (Plant::NamespaceDeletesNothing, Workload::Namespaces),
    (Plant::DeploymentNeverCountsCollisions, Workload::Rollouts),
    (Plant::EndpointsTrustStaleCaches, Workload::Services),
    (Plant::CreationIsAdmittedLate, Workload::Namespaces),
    (Plant::ApplyIsAdmittedLate, Workload::Namespaces),
    (Plant::GarbageCollectorMixesCoordinates, Workload::Owners),
    (Plant::BinderTakesVolumesForFree, Workload::Volumes),
    (Plant::BinderReleasesUnasked, Workload::Volumes),
    (Plant::BinderBindsNothing, Workload::Volumes),
    (Plant::BinderIgnoresFirstConsumer, Workload::Volumes),
    (Plant::ClaimProtectionTrustsCaches, Workload::Volumes),
    (Plant::ClaimProtectionLetsNothingGo, Workload::Volumes),
    (Plant::VolumeProtectionIgnoresPhases, Workload::Volumes),
    (Plant::ProvisionerIgnoresPolicies, Workload::Volumes),
    (Plant::ProvisionerDeletesNothing, Workload::Volumes),
    (Plant::EphemeralVolumesMakeNoClaims, Workload::Volumes),
    (Plant::ApproverSeesKubelets, Workload::Certificates),
    (Plant::ApproverSaysNothing, Workload::Certificates),
    (Plant::SignerIgnoresApproval, Workload::Certificates),
    (Plant::SignerIgnoresUsages, Workload::Certificates),
    (Plant::SignerSaysNothing, Workload::Certificates),
    (Plant::CleanerIgnoresAges, Workload::Certificates),
    (Plant::NamespacesGetNoAccount, Workload::Accounts),
    (Plant::RootCertificateStaysForged, Workload::Accounts),
    (Plant::TokensAreDeletedUnasked, Workload::Accounts),
    (Plant::TokensAreInherited, Workload::Accounts),
    (Plant::TokensAreNotFilled, Workload::Accounts),
    (Plant::TokensOutliveAccounts, Workload::Accounts),
    (Plant::AttacherSharesVolumes, Workload::Attachments),
    (Plant::AttacherIgnoresMounts, Workload::Attachments),
    (Plant::AttacherAttachesNothing, Workload::Attachments),
    (Plant::AttacherDetachesNothing, Workload::Attachments),
    (Plant::NodeIpamForgetsOffers, Workload::Upkeep),
    (Plant::NodeIpamGivesNothing, Workload::Upkeep),
    (Plant::ServiceCidrIgnoresAddresses, Workload::Upkeep),
    (Plant::ServiceCidrsAreNotProtected, Workload::Upkeep),
    (Plant::ServiceCidrsStay, Workload::Upkeep),
    (Plant::AggregationAppliesNothing, Workload::Upkeep),
    (Plant::AggregationAddsRule, Workload::Upkeep),
    (Plant::QuotaCountOverwrites, Workload::Upkeep),
    (Plant::QuotaIsTakenForUsed, Workload::Upkeep),
    (Plant::TtlIgnoresWishes, Workload::Upkeep),
    (Plant::TtlDeletesNothing, Workload::Upkeep),
    (Plant::CronJobsHaveOtherNames, Workload::Periodic),
    (Plant::CronJobForbidsNothing, Workload::Periodic),
    (Plant::CronJobReplacesNothing, Workload::Periodic),
    (Plant::CronJobStartsNothing, Workload::Periodic),
    (Plant::MirroringTakesSlices, Workload::Exposure),
    (Plant::MirroringTrustsStaleCaches, Workload::Exposure),
    (Plant::MirroringMakesNothing, Workload::Exposure),
    (Plant::MirroringDeletesNothing, Workload::Exposure),
    (Plant::BalancerIgnoresClasses, Workload::Exposure),
    (Plant::BalancerSaysNothing, Workload::Exposure),
    (Plant::BalancerSaysAddressesFirst, Workload::Exposure),
    (Plant::AutoscalerIgnoresLimits, Workload::Periodic),
    (Plant::AutoscalerOverwrites, Workload::Periodic),
    (Plant::AutoscalerScalesNothing, Workload::Periodic),
    (Plant::NodeTtlCountsWrong, Workload::Periodic),
    (Plant::NodeTtlTellsNothing, Workload::Periodic),
    (Plant::ResourceClaimTrustsCaches, Workload::Devices),
    (Plant::ResourceClaimsAreNotMade, Workload::Devices),
    (Plant::ResourceClaimsAreKept, Workload::Devices),
    (Plant::AttributesClassIgnoresVolumes, Workload::Devices),
    (Plant::AttributesClassesAreNotProtected, Workload::Devices),
    (Plant::AttributesClassMissesVolumes, Workload::Devices),
    (Plant::TokenCleanerIgnoresAges, Workload::Periodic),
    (Plant::ExpanderTellsAnybody, Workload::Volumes),
    (Plant::NodeLifecycleTakesNodesForReady, Workload::Nodes),
    (Plant::NodeLifecycleEvictsAtOnce, Workload::Nodes),
    (Plant::NodeLifecycleKeepsTaints, Workload::Nodes),
    (Plant::NodeLifecycleTaintsNobody, Workload::Nodes),
    (Plant::JobCountsUncreatedPods, Workload::Jobs),
    (Plant::JobCountsUncreatedPods, Workload::Quotas),
];

fn workloads_for(plant: Plant) -> Workloads {
    let chosen = WORKLOADS.into_iter().filter(|(found, _)| *found == plant);
    chosen.map(|(_, workload)| workload).collect()
}

fn find(plant: Plant, seed: u64) -> Option<Violation> {
    run_planted(
        &options(seed, faults_for(plant), workloads_for(plant)),
        plant,
        &mut std::io::sink(),
    )
    .err()
}

/// What must fail beside the fault, so that it can be seen; nothing that would excuse it, or keep it from showing:
/// a history that is compacted has no past, and who starts again looks at everything.
fn faults_for(plant: Plant) -> Faults {
    let without_faults = [
        Plant::WatchGoesSilent,
        Plant::SchedulerForgetsAssumedPods,
        Plant::ReplicaSetIgnoresExpectations,
        Plant::DaemonSetIgnoresExpectations,
        Plant::StatefulSetDeletesByForce,
        Plant::StatefulSetMissesItsLastPod,
        Plant::JobForgetsWhatItAskedFor,
        Plant::EndpointsTrustStaleCaches,
        Plant::CreationIsAdmittedLate,
        Plant::ApplyIsAdmittedLate,
        Plant::GarbageCollectorMixesCoordinates,
        Plant::ClaimProtectionTrustsCaches,
        Plant::ProvisionerDeletesNothing,
        Plant::TokensAreDeletedUnasked,
        Plant::AttacherIgnoresMounts,
        Plant::NodeIpamForgetsOffers,
        Plant::ServiceCidrIgnoresAddresses,
        Plant::QuotaCountOverwrites,
        Plant::CronJobForbidsNothing,
        Plant::CronJobReplacesNothing,
        Plant::MirroringTrustsStaleCaches,
        Plant::AutoscalerOverwrites,
        Plant::AttributesClassMissesVolumes,
    ];
    if without_faults.contains(&plant) {
        return Faults::none();
    }
    if plant == Plant::NamespaceIsFinalizedUnasked {
        return Faults::from_iter([Fault::ExpiredWatch]);
    }
    Faults::from_iter([Fault::Crash, Fault::ExpiredWatch, Fault::RestartStore])
}

struct Row {
    plant: String,
    check: String,
}

/// The rows of the table: `| fault | where it is planted | what catches it |`.
fn table() -> Vec<Row> {
    let text = include_str!("../../docs/planted-faults.md");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let plant = cells[0].trim_matches('`').to_owned();
        let check = cells[2].split([',', ' ']).next().unwrap_or_default().to_owned();
        Row { plant, check }
    })
    .collect()
}
