//! Faults planted in the implementation: the simulator finds each, by the check that
//! `docs/planted-faults.md` names.

use conformance::sim::{Fault, Faults, Options, Plant, Violation, run, run_planted};

/// Steps before a cluster is left to settle.
const STEPS: u64 = 2000;

/// A fault is to be found with one of these.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=12;

#[test]
fn the_table_names_every_planted_fault() {
    let planted: Vec<&str> = Plant::ALL.map(Plant::name).into();
    let named: Vec<String> = table().into_iter().map(|row| row.plant).collect();

    assert_eq!(named, planted);
}

#[test]
fn every_planted_fault_is_found_by_the_check_that_the_table_names() {
    for (plant, row) in Plant::ALL.into_iter().zip(table()) {
        let found: Vec<Violation> = SEEDS.filter_map(|seed| find(plant, seed)).collect();

        let caught = found.iter().any(|violation| violation.why.contains(&row.check));
        let whys: Vec<&str> = found.iter().map(|violation| violation.why.as_str()).collect();
        assert!(caught, "{}: {} is not among {whys:#?}", row.plant, row.check);
    }
}

#[test]
fn without_a_planted_fault_the_same_runs_find_nothing() {
    for faults in [faults_for(Plant::WatchGoesSilent), faults_for(Plant::LosesSyncedFrame)] {
        for seed in SEEDS {
            let options = Options { seed, steps: STEPS, faults: faults.clone() };

            if let Err(violation) = run(&options, &mut std::io::sink()) {
                panic!("{violation}");
            }
        }
    }
}

fn find(plant: Plant, seed: u64) -> Option<Violation> {
    let options = Options { seed, steps: STEPS, faults: faults_for(plant) };
    run_planted(&options, plant, &mut std::io::sink()).err()
}

/// What must fail beside the fault, so that it can be seen; nothing that would excuse it.
fn faults_for(plant: Plant) -> Faults {
    let excused = [
        Plant::WatchGoesSilent,
        Plant::SchedulerForgetsAssumedPods,
        Plant::ReplicaSetIgnoresExpectations,
    ];
    if excused.contains(&plant) {
        return Faults::none();
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
