//! What the checker leaves out, it may leave out; and what it counts is right.

use model::check::{self, Options};
use model::checker::breadth_first::{BreadthFirst, How};
use model::checker::graph::Graph;
use model::checker::limits::{End, Limits};
use model::checker::plain::all_states;
use model::checker::progress::Progress;
use model::pack::{Bits, Packed, Unpacker};
use model::report::{Report, Verdict};
use model::scenarios::{self, Visitor};
use model::slice::{Checked, Fault, Size, Slice};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// More states than these are not kept whole.
const STATES_MAX: usize = 600_000;

#[test]
fn three_representations_have_the_same_states() {
    for name in scenarios::names() {
        let Some(counts) = scenarios::with(name, &Size::default(), None, Counted).unwrap() else {
            continue;
        };

        let Counts { plain, packed, graph, fingerprints, unpacked } = counts;
        assert_eq!((packed, graph), (plain, plain), "{name}");
        assert_eq!(fingerprints, plain, "{name}: two states have one fingerprint");
        assert_eq!(unpacked, plain, "{name}: a state is not what was packed");
    }
}

#[test]
fn one_state_stands_for_all_that_are_alike() {
    for name in scenarios::names() {
        let counted = scenarios::with(name, &Size::default(), None, Represented).unwrap();
        if let Some((representatives, reduced)) = counted {
            assert_eq!(reduced, representatives, "{name}");
        }
    }
}

#[test]
fn a_state_stands_for_the_same_states_whatever_their_names() {
    for name in scenarios::names() {
        let astray = scenarios::with(name, &Size::default(), None, Alike).unwrap();

        assert_eq!(astray, None, "{name}");
    }
}

#[test]
fn events_that_nobody_selects_make_no_difference() {
    let of_pods = |pods| Size { pods: Some(pods), ..Size::default() };
    let without_crash = Size { only: Some(vec![Fault::Reboot]), ..Size::default() };
    for (name, small) in [
        ("scheduling", of_pods(1)),
        ("progress", of_pods(1)),
        ("kubelet", of_pods(2)),
        ("workload", of_pods(1)),
        ("eviction", without_crash),
    ] {
        let lazy = Size { lazy: true, ..small.clone() };
        let states = scenarios::with(name, &lazy, None, WithoutInvisible).unwrap();
        let Some((lazy, visible)) = states else { panic!("{name} has too many states") };

        let (eager, _) = scenarios::with(name, &small, None, Represented).unwrap().unwrap();

        assert!(lazy >= visible);
        assert_eq!(eager, visible, "{name}");
    }
}

#[test]
fn one_moment_of_lag_is_every_lag() {
    let small = Size { only: Some(vec![Fault::StaleApiServer, Fault::Crash]), ..Size::default() };
    let at_own_pace = Size { at_own_pace: true, ..small.clone() };
    for mutation in [None, Some("k-59848")] {
        let with = |size| scenarios::with("node", size, mutation, WithoutLag).unwrap();

        let (moment, pace) = (with(&small).expect("few states"), with(&at_own_pace).expect("few"));

        assert_eq!(moment, pace, "{mutation:?}");
    }
}

#[test]
fn verdicts_are_the_same_with_and_without_symmetry() {
    let mutations = ["k-56261", "k-72122", "k-59848", "binding-ignores-uid", "eviction-never-sent"];
    let mutated = mutations.map(|id| (None, Some(id.to_owned())));
    let scenarios =
        ["scheduling", "progress", "kubelet", "node", "eviction", "workload", "failover"];
    let sound = scenarios.map(|name| (Some(name.to_owned()), None));
    for (scenario, mutation) in mutated.into_iter().chain(sound) {
        let options = Options {
            scenario: scenario.clone(),
            mutation: mutation.clone(),
            ..Options::default()
        };
        let without = Options { symmetry: false, ..options.clone() };

        let reduced = verdicts(&run(&options));
        let full = verdicts(&run(&without));

        assert_eq!(reduced, full, "{scenario:?} {mutation:?}");
    }
}

#[test]
fn counterexamples_have_the_same_length_with_and_without_symmetry() {
    for mutation in ["k-59848", "k-58711", "binding-overwrites-node-name"] {
        let options = Options { mutation: Some(mutation.to_owned()), ..Options::default() };
        let without = Options { symmetry: false, ..options.clone() };

        let lengths = |options| {
            let report = run(options);
            let (_, claim) = report.violations().next().expect("the mutation is killed");
            claim.steps.len()
        };

        assert_eq!(lengths(&options), lengths(&without), "{mutation}");
    }
}

fn run(options: &Options) -> Report {
    check::run(options, &mut Progress::silent()).expect("the scenarios are known")
}

fn verdicts(report: &Report) -> BTreeMap<(String, String), bool> {
    let of = |scenario: &model::report::ScenarioReport| {
        let name = scenario.scenario.clone();
        let decided = scenario.claims.iter().filter(|claim| claim.verdict != Verdict::NotExhausted);
        decided
            .map(|claim| ((name.clone(), claim.id.clone()), claim.verdict == Verdict::Violated))
            .collect::<Vec<_>>()
    };
    report.scenarios.iter().flat_map(of).collect()
}

struct Counts {
    plain: usize,
    packed: usize,
    graph: usize,
    fingerprints: usize,
    unpacked: usize,
}

/// Counts the states of a model in three ways.
struct Counted;

impl Visitor for Counted {
    type Result = Option<Counts>;

    fn visit<S: Slice>(self, model: Checked<S>) -> Self::Result {
        let plain = all_states(&model, STATES_MAX)?;
        let mut bits = Bits::default();
        let fingerprints: HashSet<_> =
            plain.iter().map(|state| packed(state, &mut bits).0).collect();
        let is_unpacked = |state: &&S::State| {
            S::State::unpack(&mut Unpacker::new(&packed(*state, &mut bits).1)) == **state
        };
        let unpacked = plain.iter().filter(is_unpacked).count();
        let graph = Graph::explore(model, false, &Limits::NONE, &mut Progress::silent());
        let graph_states = graph.len();
        let how = How { threads: 2, limits: Limits::NONE, spill: None };
        let mut search = BreadthFirst::start(graph.model, false);
        let end = search.run(&how, &mut Progress::silent()).expect("nothing is kept in a file");
        assert_eq!(end, End::Exhausted);
        Some(Counts {
            plain: plain.len(),
            packed: search.states(),
            graph: graph_states,
            fingerprints: fingerprints.len(),
            unpacked,
        })
    }
}

/// Counts the states that stand for all states of a model, and those that a search of them finds.
struct Represented;

impl Visitor for Represented {
    type Result = Option<(usize, usize)>;

    fn visit<S: Slice>(self, model: Checked<S>) -> Self::Result {
        let all = all_states(&model, STATES_MAX)?;
        let mut bits = Bits::default();
        let mut fingerprint = |state: &S::State| packed(&model.slice.canonical(state), &mut bits).0;
        let representatives: HashSet<_> = all.iter().map(&mut fingerprint).collect();
        let graph = Graph::explore(model, true, &Limits::NONE, &mut Progress::silent());
        Some((representatives.len(), graph.len()))
    }
}

/// Looks for a state that is not represented as those alike.
struct Alike;

impl Visitor for Alike {
    type Result = Option<String>;

    fn visit<S: Slice>(self, model: Checked<S>) -> Self::Result {
        let limits = Limits { states_max: Some(5_000), ..Limits::NONE };
        let graph = Graph::explore(model, false, &limits, &mut Progress::silent());
        let slice = &graph.model.slice;
        let astray =
            (0..graph.len() as u32).step_by(97).map(|state| graph.state(state)).find(|state| {
                let stands_for_it = slice.canonical(state);
                slice.alike(state).iter().any(|other| slice.canonical(other) != stands_for_it)
            });
        astray.map(|state| format!("{state:?}"))
    }
}

/// Counts the states of a model with events that nobody selects; and what they are without them and
/// without names.
struct WithoutInvisible;

impl Visitor for WithoutInvisible {
    type Result = Option<(usize, usize)>;

    fn visit<S: Slice>(self, model: Checked<S>) -> Self::Result {
        let all = all_states(&model, 4 * STATES_MAX)?;
        let visible: HashSet<_> = all
            .iter()
            .map(|state| model.slice.canonical(&model.slice.without_invisible(state)))
            .collect();
        Some((all.len(), visible.len()))
    }
}

/// The fingerprints of the states of a model as they are without lag and without names; none if there
/// are too many.
struct WithoutLag;

impl Visitor for WithoutLag {
    type Result = Option<BTreeSet<u64>>;

    fn visit<S: Slice>(self, model: Checked<S>) -> Self::Result {
        let mut bits = Bits::default();
        let all = all_states(&model, 4 * STATES_MAX)?;
        let slice = &model.slice;
        let without = all.iter().map(|state| slice.canonical(&slice.without_lag(state)));
        Some(without.map(|state| packed(&state, &mut bits).0).collect())
    }
}

fn packed<T: Packed>(state: &T, bits: &mut Bits) -> (u64, Vec<u8>) {
    let mut bytes = Vec::new();
    let packed = bits.write(|packer| state.pack(packer));
    packed.append_to(&mut bytes);
    (packed.fingerprint(), bytes)
}
