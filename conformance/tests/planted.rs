//! Faults planted in the implementation: the simulator finds each, by the check that
//! `docs/planted-faults.md` names.

use std::collections::BTreeSet;

use conformance::sim::{
    Fault, Faults, Options, Plant, Violation, Workload, Workloads, run, run_planted,
};

/// Steps before a cluster is left to settle.
const STEPS: u64 = 2000;

/// A fault is to be found with one of these.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=24;

/// How many of them are run without a fault.
const QUIET_SEEDS: usize = 8;

#[test]
fn the_table_names_every_planted_fault() {
    let planted: Vec<&str> = Plant::ALL.map(Plant::name).into();
    let named: Vec<String> = table().into_iter().map(|row| row.plant).collect();

    assert_eq!(named, planted);
}

#[test]
fn every_planted_fault_is_found_by_the_check_that_the_table_names() {
    let missed: Vec<String> = Plant::ALL.into_iter().zip(table()).filter_map(missed).collect();

    assert!(missed.is_empty(), "{missed:#?}");
}

/// What the runs with a fault show instead, if none shows what the table names.
fn missed((plant, row): (Plant, Row)) -> Option<String> {
    let mut whys = vec![];
    let is_caught = SEEDS.filter_map(|seed| find(plant, seed)).any(|violation| {
        let is_caught = violation.why.contains(&row.check);
        whys.push(violation.why);
        is_caught
    });
    (!is_caught).then(|| format!("{}: {} is not among {whys:#?}", row.plant, row.check))
}

#[test]
fn without_a_planted_fault_the_same_runs_find_nothing() {
    let runs = Plant::ALL.map(|plant| (faults_for(plant), workloads_for(plant)));
    let runs: BTreeSet<_> = runs.into_iter().collect();
    for (faults, workloads) in runs {
        for seed in SEEDS.take(QUIET_SEEDS) {
            let options = Options {
                seed,
                steps: STEPS,
                faults: faults.clone(),
                workloads: workloads.clone(),
                ..Options::default()
            };

            if let Err(violation) = run(&options, &mut std::io::sink()) {
                panic!("{violation}");
            }
        }
    }
}

/// What the controllers that have the fault work on; Deployments, if it is not here.
const WORKLOADS: [(Plant, Workload); 55] = [
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
    (Plant::ClaimProtectionLetsNothingGo, Workload::Volumes),
    (Plant::ProvisionerIgnoresPolicies, Workload::Volumes),
    (Plant::EphemeralVolumesMakeNoClaims, Workload::Volumes),
    (Plant::ApproverSeesKubelets, Workload::Certificates),
    (Plant::ApproverSaysNothing, Workload::Certificates),
    (Plant::SignerIgnoresUsages, Workload::Certificates),
    (Plant::SignerSaysNothing, Workload::Certificates),
    (Plant::CleanerIgnoresAges, Workload::Certificates),
    (Plant::NamespacesGetNoAccount, Workload::Accounts),
    (Plant::RootCertificateStaysForged, Workload::Accounts),
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
    (Plant::AggregationAppliesNothing, Workload::Upkeep),
    (Plant::QuotaCountOverwrites, Workload::Upkeep),
    (Plant::TtlIgnoresWishes, Workload::Upkeep),
    (Plant::TtlDeletesNothing, Workload::Upkeep),
];

fn workloads_for(plant: Plant) -> Workloads {
    let chosen = WORKLOADS.into_iter().filter(|(found, _)| *found == plant);
    chosen.map(|(_, workload)| workload).collect()
}

fn find(plant: Plant, seed: u64) -> Option<Violation> {
    let (faults, workloads) = (faults_for(plant), workloads_for(plant));
    let options = Options { seed, steps: STEPS, faults, workloads, ..Options::default() };
    run_planted(&options, plant, &mut std::io::sink()).err()
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
        Plant::AttacherIgnoresMounts,
        Plant::NodeIpamForgetsOffers,
        Plant::ServiceCidrIgnoresAddresses,
        Plant::QuotaCountOverwrites,
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
