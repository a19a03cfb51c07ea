//! Simulated runs: whatever the seed and whatever fails, the model allows what happens.

use std::collections::BTreeSet;
use std::path::Path;

use conformance::sim::{Fault, Faults, Options, Summary, Violation, Workload, Workloads, run};
use proptest::prelude::*;

/// What a run does now and then, one of these does.
const SEEDS: [u64; 3] = [1, 2, 3];

/// Steps before a cluster is left to settle.
const STEPS: u64 = 2000;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 16,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(59_848),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_model_allows_every_run_and_the_cluster_settles(
        seed in any::<u64>(),
        steps in 200..STEPS,
        faults in prop::sample::subsequence(Fault::ALL.to_vec(), 0..=Fault::ALL.len()),
    ) {
        let options = Options { seed, steps, faults: faults.into_iter().collect(), ..Options::default() };

        if let Err(violation) = run(&options, &mut std::io::sink()) {
            return Err(TestCaseError::fail(to_keep(&options, &violation)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(61_832),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_claims_of_every_workload_hold_whatever_fails(
        seed in any::<u64>(),
        steps in 200..STEPS,
        faults in prop::sample::subsequence(Fault::ALL.to_vec(), 0..=Fault::ALL.len()),
        workloads in prop::sample::subsequence(Workload::ALL.to_vec(), 1..=2),
    ) {
        let (faults, workloads) = (faults.into_iter().collect(), workloads.into_iter().collect());
        let options = Options { seed, steps, faults, workloads, ..Options::default() };

        if let Err(violation) = run(&options, &mut std::io::sink()) {
            return Err(TestCaseError::fail(to_keep(&options, &violation)));
        }
    }
}

/// How a violation becomes a file.
fn to_keep(options: &Options, violation: &Violation) -> String {
    let (seed, file) = (options.seed, serde_json::to_string(options).expect("they are JSON"));
    format!("{violation}\nto keep it: conformance/scenarios/{seed}.json: {file}")
}

#[test]
fn every_workload_makes_its_controllers_work() {
    for (workload, works) in [
        (
            Workload::StatefulSets,
            &["create controllerrevisions/", "update-status statefulsets/"][..],
        ),
        (Workload::DaemonSets, &["create controllerrevisions/", "update-status daemonsets/"]),
        (Workload::Jobs, &["update-status jobs/", "delete jobs/"]),
        (Workload::Services, &["create endpoints/", "update endpointslices/"]),
        (Workload::Budgets, &["update-status poddisruptionbudgets/", "create replicasets/"]),
        (Workload::Namespaces, &["delete namespaces/", "delete configmaps/team-"]),
        (
            Workload::Owners,
            &["delete configmaps/default/owned-", "update configmaps/default/owned-"],
        ),
        (Workload::Rollouts, &["create replicasets/default/site-", "update-status deployments/"]),
        (Workload::Attachments, &["create volumeattachments/", "delete volumeattachments/"]),
        (Workload::Upkeep, &["update clusterroles/sum", "update-status resourcequotas/"]),
        (
            Workload::Volumes,
            &[
                "create persistentvolumeclaims/default/user-",
                "update persistentvolumeclaims/default/growing-",
            ],
        ),
        (Workload::Periodic, &["create jobs/default/", "update-status cronjobs/"]),
        (Workload::Devices, &["create resourceclaims/", "update volumeattributesclasses/"]),
        (Workload::Exposure, &["create endpointslices/default/by-hand-", "update services/"]),
        (Workload::Nodes, &["update nodes/spare-", "update-status nodes/spare-"]),
    ] {
        let workloads = Workloads::from_iter([workload]);
        let steps = 2 * STEPS;
        let runs = SEEDS.map(|seed| Options {
            seed,
            steps,
            faults: Faults::none(),
            workloads: workloads.clone(),
            ..Options::default()
        });
        let traces = runs.map(|options| String::from_utf8(trace_of(&options)).unwrap());
        let did: BTreeSet<String> =
            traces.iter().flat_map(|trace| trace.lines()).filter_map(did).collect();

        for work in works {
            assert!(
                did.iter().any(|done| done.starts_with(work)),
                "{workload:?}: {work}: {did:#?}"
            );
        }
    }
}

#[test]
fn every_controller_is_named_by_a_page_of_claims() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let pages: Vec<String> = entries.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let with_claims = pages.iter().filter(|page| page.contains("\n**"));
    let paragraphs = with_claims.flat_map(|page| page.split("\n\n"));
    let of_controllers: Vec<&str> =
        paragraphs.filter(|paragraph| paragraph.starts_with("Controller")).collect();
    let is_named = |name: &str| of_controllers.iter().any(|one| one.contains(&format!("`{name}`")));

    let unnamed: Vec<&str> =
        controllers::names().into_iter().filter(|name| !is_named(name)).collect();

    assert!(unnamed.is_empty(), "{unnamed:?}");
}

/// The action and the key of an event.
fn did(line: &str) -> Option<String> {
    let event: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
    Some(format!("{} {}", event["action"].as_str()?, event["key"].as_str()?))
}

#[test]
fn what_holds_on_three_nodes_holds_on_twenty() {
    let options =
        Options { seed: 1, steps: 10_000, faults: Faults::all(), nodes: 20, ..Options::default() };

    let summary = run(&options, &mut std::io::sink()).unwrap_or_else(|found| panic!("{found}"));

    assert!(summary.pods_created > 50 && summary.crashes > 0, "{summary}");
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let options = Options { seed: 7, steps: STEPS, faults: Faults::all(), ..Options::default() };

    let (first, second) = (trace_of(&options), trace_of(&options));

    assert!(first == second, "two runs of {} differ", options.command());
}

#[test]
fn another_seed_writes_other_bytes() {
    let options = |seed| Options { seed, steps: 300, faults: Faults::none(), ..Options::default() };

    assert_ne!(trace_of(&options(1)), trace_of(&options(2)));
}

#[test]
fn a_run_with_crashes_does_what_clusters_are_for() {
    let faults = Faults::from_iter([Fault::Crash, Fault::NodeDeath, Fault::RestartStore]);
    let options = Options { seed: 3, steps: STEPS, faults, ..Options::default() };

    let summary = passes(&options);

    assert!(summary.crashes > 0, "{summary}");
    assert!(summary.pods_bound > 0 && summary.containers_started > 0, "{summary}");
}

#[test]
fn a_trace_that_cannot_be_written_ends_the_run() {
    let options = Options { seed: 1, steps: 100, faults: Faults::none(), ..Options::default() };
    let mut no_room = [0_u8; 64];

    let violation = run(&options, &mut no_room.as_mut_slice()).unwrap_err();

    assert!(violation.why.starts_with("the trace cannot be written"), "{violation}");
}

/// Seeds that have failed once: a file each, `{"seed":7,"steps":2000,"faults":"crash"}`.
#[test]
fn what_has_failed_once_does_not_fail_again() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let scenarios = files.filter(|path| path.extension().is_some_and(|found| found == "json"));

    for path in scenarios {
        let text = std::fs::read_to_string(&path).unwrap();
        let options: Options = serde_json::from_str(&text).unwrap();

        passes(&options);
    }
}

fn passes(options: &Options) -> Summary {
    run(options, &mut std::io::sink()).unwrap_or_else(|violation| panic!("{violation}"))
}

fn trace_of(options: &Options) -> Vec<u8> {
    let mut trace = vec![];
    run(options, &mut trace).unwrap_or_else(|violation| panic!("{violation}"));
    trace
}
