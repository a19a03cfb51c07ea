//! Sentences, invariants and mutations are one list, seen from three sides; and all of it holds.

use model::check::{self, Options};
use model::checker::progress::Progress;
use model::report::{ScenarioReport, Verdict};
use model::scenarios;
use model::slice::{Kind, Size};
use model::spec;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn every_claim_holds_in_every_scenario_and_it_has_the_states_that_it_had() {
    let report = check::run(&Options::default(), &mut Progress::silent()).unwrap();

    assert!(!report.is_violated(), "{report}");
    let claims = report.scenarios.iter().flat_map(|scenario| &scenario.claims);
    assert!(claims.clone().all(|claim| claim.verdict == Verdict::Holds), "{report}");
    assert!(report.scenarios.iter().all(|scenario| scenario.complete));
    let counts = report.scenarios.iter().map(|found| {
        let ScenarioReport { scenario, states, transitions, depth, .. } = found;
        format!("{scenario} {states} {transitions} {depth}\n")
    });
    assert_eq!(counts.collect::<String>(), include_str!("states.txt"));
}

#[test]
fn stateright_finds_as_many_states() {
    for name in scenarios::names().into_iter().filter(|name| *name != "reach") {
        let options =
            Options { scenario: Some(name.to_owned()), symmetry: false, ..Options::default() };

        let ours = check::run(&options, &mut Progress::silent()).unwrap().scenarios[0].states;
        let theirs = check::states_by_stateright(name, &Size::default(), 1).unwrap();

        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn every_sentence_has_an_invariant_and_every_invariant_a_sentence() {
    let sentences: BTreeSet<_> = spec::sentences().into_iter().map(|claim| claim.id).collect();
    let invariants: BTreeSet<_> = check::kinds().into_keys().collect();

    assert_eq!(sentences, invariants);
}

#[test]
fn every_sentence_names_a_mutation_and_every_mutation_is_named() {
    let sentences = spec::sentences();

    let named: BTreeSet<_> = sentences
        .iter()
        .flat_map(|claim| claim.mutations.iter().map(|kill| kill.mutation.as_str()))
        .collect();
    assert!(sentences.iter().all(|claim| !claim.mutations.is_empty()));
    assert_eq!(named, defined_mutations());
}

#[test]
fn every_mutation_is_killed_by_each_claim_that_names_it() {
    let report = check::mutations(&Options::default()).unwrap();

    let killed: BTreeMap<_, _> = report
        .mutations
        .iter()
        .map(|mutation| ((mutation.id.as_str(), mutation.scenario.as_deref()), &mutation.killed_by))
        .collect();
    for claim in spec::sentences() {
        for kill in &claim.mutations {
            let killers = killed[&(kill.mutation.as_str(), Some(kill.scenario.as_str()))];
            assert!(killers.contains(&claim.id), "{} does not kill {}", claim.id, kill.mutation);
        }
    }
}

#[test]
fn there_are_claims_of_every_kind() {
    let kinds = check::kinds();

    let count = |kind| kinds.values().filter(|of| **of == kind).count();
    assert!(count(Kind::Safety) >= 60);
    assert!(count(Kind::Reachability) >= 20);
    assert!(count(Kind::Liveness) >= 15);
}

#[test]
fn a_stale_list_starts_a_second_runner_in_kubernetes_words() {
    let options = Options { mutation: Some("k-59848".to_owned()), ..Options::default() };

    let report = check::run(&options, &mut Progress::silent()).unwrap();

    assert!(report.is_violated());
    let text = report.to_string();
    assert!(text.contains("1. a client creates pod-0 (resourceVersion 1)"), "{text}");
    assert!(text.contains("from an API server that lags behind"), "{text}");
    assert_eq!(report.scenarios[0].violated().next().unwrap().steps.len(), 24);
}

#[test]
fn a_missed_node_deletion_binds_and_collects_for_ever() {
    let options = Options { mutation: Some("k-56261".to_owned()), ..Options::default() };

    let report = check::run(&options, &mut Progress::silent()).unwrap();

    let repeats = &report.scenarios[0].violated().next().unwrap().repeats;
    for deed in ["binds pod-0 to node-0", "garbage collection removes pod-0", "creates pod-0"] {
        assert!(repeats.iter().any(|step| step.contains(deed)), "{report}");
    }
    assert!(repeats.iter().all(|step| !step.contains("refused")), "{report}");
}

#[test]
fn no_smaller_size_violates_a_claim() {
    for size in [
        Size { faults: Some(0), ..Size::default() },
        Size { nodes: Some(1), pods: Some(1), replicas: Some(1), ..Size::default() },
    ] {
        let report =
            check::run(&Options { size, ..Options::default() }, &mut Progress::silent()).unwrap();

        assert!(!report.is_violated(), "{report}");
    }
}

#[test]
fn what_is_unknown_is_named() {
    let scenario = Options { scenario: Some("weather".to_owned()), ..Options::default() };
    let mutation = Options { mutation: Some("k-0".to_owned()), ..Options::default() };

    assert!(
        check::run(&scenario, &mut Progress::silent()).unwrap_err().to_string().contains("weather")
    );
    assert!(
        check::run(&mutation, &mut Progress::silent()).unwrap_err().to_string().contains("k-0")
    );
}

#[test]
fn impossible_sizes_are_refused() {
    let of = |scenario: &str, size: Size| {
        let scenario = Some(scenario.to_owned());
        let options = Options { scenario, size, ..Options::default() };
        check::run(&options, &mut Progress::silent()).unwrap_err().to_string()
    };

    let without = Size { pods: Some(0), ..Size::default() };
    assert!(of("scheduling", without).contains("nothing to check"));
    let large = Size { nodes: Some(99), ..Size::default() };
    assert!(of("scheduling", large).contains("at most 4 nodes"));
    let job = Size { pods: Some(3), ..Size::default() };
    assert!(of("job", job).contains("the number of pods in the scenario \"job\""));
    let pods = Size { replicas: Some(3), ..Size::default() };
    assert!(of("kubelet", pods).contains("the number of replicas"));
}

fn defined_mutations() -> BTreeSet<&'static str> {
    scenarios::mutations().into_iter().collect()
}
