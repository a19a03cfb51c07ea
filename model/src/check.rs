//! What `kanon check` calls: run scenarios, list claims, run mutations, open the Explorer.

use crate::checker::graph::{Limits, Search, Step, Until};
use crate::checker::liveness::{Lasso, fair_run_without, state_without};
use crate::report::{
    ClaimReport, Entry, Listing, MutationReport, Mutations, Report, ScenarioReport, Verdict,
};
use crate::scenarios::{self, Unknown, Visitor};
use crate::slice::{Checked, Fact, Kind, Size, Slice};
use crate::spec::{self, Sentence};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Instant;

/// What to check.
#[derive(Clone, Debug)]
pub struct Options {
    /// One scenario; all of them where none is named.
    pub scenario: Option<String>,
    /// How large the scenarios are.
    pub size: Size,
    /// The step to replace. Where no scenario is named, those that `specs/` names for it are run.
    pub mutation: Option<String>,
    /// How many scenarios are checked at a time.
    pub threads: usize,
    /// How many states of a scenario are looked at, at most.
    pub states_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            scenario: None,
            size: Size::default(),
            mutation: None,
            threads: 2,
            states_max: 5_000_000,
        }
    }
}

/// Checks every claim of the scenarios.
pub fn run(options: &Options) -> Result<Report, Unknown> {
    let names = scenarios_of(options)?;
    let until = match options.mutation {
        Some(_) => Until::AnyViolation,
        None => Until::Everything,
    };
    let checks = in_parallel(options.threads, names, |name| check(&name, options, until.clone()));
    Ok(Report { scenarios: checks.into_iter().collect::<Result<_, _>>()? })
}

/// Lists every claim, as `specs/` states it, with the mutations that it kills.
pub fn list() -> Listing {
    let kinds = kinds();
    let entry = |sentence: Sentence| {
        let kind = *kinds.get(&sentence.id)?;
        let mutations = sentence.mutations.into_iter().map(|kill| kill.mutation).collect();
        let Sentence { id, component, text, .. } = sentence;
        Some(Entry { id, kind, component, text, mutations })
    };
    Listing { claims: spec::sentences().into_iter().filter_map(entry).collect() }
}

/// Runs every mutation in the scenarios that `specs/` names for it, and says what killed it.
pub fn mutations(options: &Options) -> Result<Mutations, Unknown> {
    let mut planned: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for sentence in spec::sentences() {
        for kill in sentence.mutations {
            planned.entry((kill.mutation, kill.scenario)).or_default().push(sentence.id.clone());
        }
    }
    let planned: Vec<_> = planned.into_iter().collect();
    let reports = in_parallel(options.threads, planned, |((mutation, scenario), claims)| {
        run_mutation(options, mutation, scenario, &claims)
    });
    let mutations = reports.into_iter().collect::<Result<_, _>>()?;
    Ok(Mutations { claims: list().claims, mutations })
}

/// Serves stateright's Explorer on an address, for one scenario, until the process ends.
pub fn explore(address: &str, options: &Options) -> Result<(), ExploreError> {
    std::net::TcpListener::bind(address)
        .map_err(|error| ExploreError::Address(format!("cannot listen on {address}: {error}")))?;
    let name = options.scenario.as_deref().unwrap_or("scheduling");
    let explorer = Explorer { address: address.to_owned() };
    scenarios::with(name, &options.size, options.mutation.as_deref(), explorer)
        .map_err(ExploreError::Unknown)
}

/// Why the Explorer cannot be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExploreError {
    /// The address is not one to listen on.
    Address(String),
    /// The scenario cannot be set up.
    Unknown(Unknown),
}

impl std::fmt::Display for ExploreError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ExploreError::Address(text) => formatter.write_str(text),
            ExploreError::Unknown(unknown) => unknown.fmt(formatter),
        }
    }
}

/// How many states stateright's own search finds in a scenario.
pub fn states_by_stateright(name: &str, size: &Size) -> Result<usize, Unknown> {
    scenarios::with(name, size, None, ByStateright)
}

/// The claims of each scenario, with their kinds.
pub fn kinds() -> BTreeMap<String, Kind> {
    scenarios::names()
        .iter()
        .filter_map(|name| scenarios::with(name, &Size::default(), None, Kinds).ok())
        .flatten()
        .collect()
}

fn scenarios_of(options: &Options) -> Result<Vec<String>, Unknown> {
    if let Some(name) = &options.scenario {
        return Ok(vec![name.clone()]);
    }
    let Some(id) = &options.mutation else {
        return Ok(scenarios::names().into_iter().map(str::to_owned).collect());
    };
    let kills = spec::sentences().into_iter().flat_map(|sentence| sentence.mutations);
    let names: BTreeSet<_> =
        kills.filter(|kill| kill.mutation == *id).map(|kill| kill.scenario).collect();
    if names.is_empty() {
        Err(Unknown::Mutation(id.clone()))
    } else {
        Ok(names.into_iter().collect())
    }
}

fn check(name: &str, options: &Options, until: Until) -> Result<ScenarioReport, Unknown> {
    let limits = Limits { until, states_max: options.states_max };
    let checker = Checker {
        name: name.to_owned(),
        mutation: options.mutation.clone(),
        limits,
        as_designed: options.size.is_as_designed(),
    };
    scenarios::with(name, &options.size, options.mutation.as_deref(), checker)
}

fn run_mutation(
    options: &Options,
    mutation: String,
    scenario: String,
    claims: &[String],
) -> Result<MutationReport, Unknown> {
    let mutated = Options { mutation: Some(mutation.clone()), ..options.clone() };
    let report = check(&scenario, &mutated, until_all_of(claims))?;
    let killed: Vec<_> = report.violated().collect();
    Ok(MutationReport {
        id: mutation,
        killed_by: killed.iter().map(|claim| claim.id.clone()).collect(),
        steps: killed.iter().map(|claim| claim.steps.len()).filter(|steps| *steps > 0).min(),
        seconds: report.seconds,
        scenario,
    })
}

/// A search that is to violate these claims may stop early, unless one of them needs all states.
fn until_all_of(claims: &[String]) -> Until {
    let kinds = kinds();
    let of_kind = |id: &String| kinds.get_key_value(id).map(|(_, kind)| *kind);
    if claims.iter().any(|id| of_kind(id) != Some(Kind::Safety)) {
        return Until::Everything;
    }
    Until::AllOf(claims.to_vec())
}

/// Runs a job for each item, so many at a time, and keeps their order.
fn in_parallel<T: Send, R: Send>(
    threads: usize,
    items: Vec<T>,
    job: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let queue = Mutex::new(items.into_iter().enumerate());
    let results = Mutex::new(BTreeMap::new());
    let next = || queue.lock().ok().and_then(|mut queue| queue.next());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some((place, item)) = next() {
                    let result = job(item);
                    if let Ok(mut results) = results.lock() {
                        results.insert(place, result);
                    }
                }
            });
        }
    });
    results.into_inner().map(BTreeMap::into_values).into_iter().flatten().collect()
}

struct Checker {
    name: String,
    mutation: Option<String>,
    limits: Limits,
    as_designed: bool,
}

impl Visitor for Checker {
    type Result = ScenarioReport;

    fn visit<S: Slice>(self, model: Checked<S>) -> ScenarioReport {
        let start = Instant::now();
        let search = Search::run(model, self.limits);
        let as_asked = |report: ClaimReport| {
            if self.as_designed { report } else { report.in_another_size() }
        };
        let claims =
            (0..search.model.claims.len()).map(|claim| as_asked(judge(&search, claim))).collect();
        let seconds = start.elapsed().as_secs_f64();
        ScenarioReport {
            scenario: self.name,
            mutation: self.mutation,
            claims,
            states: search.states.len(),
            transitions: search.transitions,
            depth: search.depth,
            complete: search.complete,
            seconds,
            states_per_second: (search.states.len() as f64 / seconds) as u64,
        }
    }
}

fn judge<S: Slice>(search: &Search<S>, claim: usize) -> ClaimReport {
    let found = search.discoveries[claim];
    let fact = &search.model.claims[claim].fact;
    let unless_incomplete = |verdict| {
        if search.complete { verdict } else { Verdict::Unknown }
    };
    let (verdict, steps, repeats) = match (fact, found) {
        (Fact::Always(_) | Fact::EachStep(_), Some(state)) => {
            (Verdict::Violated, search.path_to(state), Vec::new())
        }
        (Fact::Always(_) | Fact::EachStep(_), None) => {
            (unless_incomplete(Verdict::Holds), Vec::new(), Vec::new())
        }
        (Fact::Reachable(_), Some(state)) => (Verdict::Holds, search.path_to(state), Vec::new()),
        (Fact::Reachable(_), None) => {
            (unless_incomplete(Verdict::Violated), Vec::new(), Vec::new())
        }
        (Fact::Eventually(goal), _) => judge_liveness(search, *goal, fair_run_without),
        (Fact::Possible(goal), _) => judge_liveness(search, *goal, state_without),
    };
    let id = search.model.claims[claim].id;
    ClaimReport {
        id: id.to_owned(),
        kind: fact.kind(),
        text: spec::sentence(id).map(|sentence| sentence.text).unwrap_or_default(),
        verdict,
        steps: described(search, &steps),
        repeats: described(search, &repeats),
    }
}

type Lived<S> = (Verdict, Vec<Step<S>>, Vec<Step<S>>);

type Goal<S> = fn(&S, &<S as Slice>::State) -> bool;

/// Looks for a run that fails, with one of the two searches of [`liveness`](crate::checker::liveness).
fn judge_liveness<S: Slice>(
    search: &Search<S>,
    goal: Goal<S>,
    failing: fn(&Search<S>, Goal<S>) -> Option<Lasso>,
) -> Lived<S> {
    if !search.complete {
        return (Verdict::Unknown, Vec::new(), Vec::new());
    }
    match failing(search, goal) {
        None => (Verdict::Holds, Vec::new(), Vec::new()),
        Some(lasso) => {
            let actions = lasso.cycle.iter().map(|(source, edge)| search.step(*source, *edge).1);
            let cycle = replay(search, lasso.entry, actions);
            (Verdict::Violated, search.path_to(lasso.entry), cycle)
        }
    }
}

/// Takes steps one after the other. The states on a cycle are known by their first visit, whose
/// revisions are older than those of the cycle.
fn replay<S: Slice>(
    search: &Search<S>,
    entry: u32,
    actions: impl Iterator<Item = S::Action>,
) -> Vec<Step<S>> {
    let mut before = search.states[entry as usize].state;
    let mut steps = Vec::new();
    for action in actions {
        let Some(after) = search.model.slice.step(&before, action) else {
            break;
        };
        steps.push((before, action, after));
        before = after;
    }
    steps
}

fn described<S: Slice>(search: &Search<S>, steps: &[Step<S>]) -> Vec<String> {
    let slice = &search.model.slice;
    steps.iter().map(|(before, action, after)| slice.describe(before, *action, after)).collect()
}

struct Explorer {
    address: String,
}

impl Visitor for Explorer {
    type Result = ();

    fn visit<S: Slice>(self, model: Checked<S>) {
        use stateright::Model;
        model.checker().serve(self.address.as_str());
    }
}

struct ByStateright;

impl Visitor for ByStateright {
    type Result = usize;

    fn visit<S: Slice>(self, model: Checked<S>) -> usize {
        use stateright::{Checker, Model};
        model.checker().spawn_bfs().join().unique_state_count()
    }
}

struct Kinds;

impl Visitor for Kinds {
    type Result = Vec<(String, Kind)>;

    fn visit<S: Slice>(self, model: Checked<S>) -> Vec<(String, Kind)> {
        let kind = |claim: crate::slice::Claim<S>| (claim.id.to_owned(), claim.fact.kind());
        model.claims.into_iter().map(kind).collect()
    }
}
