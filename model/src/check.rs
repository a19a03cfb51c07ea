//! What `kanon check` calls: run scenarios, list claims, run mutations, open the Explorer.

use crate::checker::breadth_first::{BreadthFirst, How};
use crate::checker::graph::Graph;
use crate::checker::limits::{End, Limits, Until};
use crate::checker::liveness::{Goal, Lasso, fair_run_without, state_without};
use crate::checker::path::Step;
use crate::checker::progress::Progress;
use crate::checker::save::{Heading, ResumeError, resume, save};
use crate::checker::walk::{Walks, simulate};
use crate::report::story::Story;
use crate::report::{
    ClaimReport, Entry, Listing, MutationReport, Mutations, Report, ScenarioReport, Verdict,
};
use crate::scenarios::{self, Unknown, Visitor};
use crate::slice::{Checked, Fact, Kind, Size, Slice};
use crate::spec::{self, Sentence};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

/// What to check, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// One scenario; all of them where none is named.
    pub scenario: Option<String>,
    /// One claim, in the scenarios that make it; all of them where none is named.
    pub claim: Option<String>,
    /// How large the scenarios are.
    pub size: Size,
    /// The step to replace. Where no scenario is named, those that `specs/` names for it are run.
    pub mutation: Option<String>,
    /// How many threads there are: for scenarios at a time, or for the search of one.
    pub threads: usize,
    /// Where a search ends.
    pub limits: Limits,
    /// Whether one state stands for all that are alike.
    pub symmetry: bool,
    /// Whether claims about liveness are decided, where scenarios make some: every edge is kept in
    /// memory for that. Without, the search is the packed one.
    pub liveness: bool,
    /// The folder in which the packed search keeps states that are not looked at yet, if not in
    /// memory.
    pub spill: Option<PathBuf>,
    /// Where to keep a packed search that a limit stops.
    pub save: Option<PathBuf>,
    /// The packed search to go on with.
    pub resume: Option<PathBuf>,
    /// Random walks instead of a search. They decide no claim about liveness.
    pub simulate: Option<Walks>,
}

impl Default for Options {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Options {
            scenario: None,
            claim: None,
            size: Size::default(),
            mutation: None,
            threads,
            limits: Limits::NONE,
            symmetry: true,
            liveness: true,
            spill: None,
            save: None,
            resume: None,
            simulate: None,
        }
    }
}

/// Why a check did not run.
#[derive(Debug)]
pub enum CheckError {
    /// What it was asked for does not exist.
    Unknown(Unknown),
    /// The folder of a search, or a file to save it in, could not be written or read.
    File(std::io::Error),
    /// A search cannot go on.
    Resume(ResumeError),
}

impl std::fmt::Display for CheckError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CheckError::Unknown(unknown) => unknown.fmt(formatter),
            CheckError::File(error) => write!(formatter, "keeping the search on disk: {error}"),
            CheckError::Resume(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for CheckError {}

impl From<Unknown> for CheckError {
    fn from(unknown: Unknown) -> Self {
        CheckError::Unknown(unknown)
    }
}

/// Checks the claims of the scenarios.
pub fn run(options: &Options, progress: &mut Progress<'_>) -> Result<Report, CheckError> {
    let names = scenarios_of(options)?;
    let until = match options.mutation {
        Some(_) => Until::AnyViolation,
        None => Until::Everything,
    };
    if let [name] = names.as_slice() {
        return Ok(Report { scenarios: vec![check(name, options, until, progress)?] });
    }
    let alone = Options { threads: 1, ..options.clone() };
    let checks = in_parallel(options.threads, names, |name| {
        check(&name, &alone, until.clone(), &mut Progress::silent())
    });
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
pub fn mutations(options: &Options) -> Result<Mutations, CheckError> {
    let mut planned: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for sentence in spec::sentences() {
        for kill in sentence.mutations {
            planned.entry((kill.mutation, kill.scenario)).or_default().push(sentence.id.clone());
        }
    }
    let unnamed = scenarios::mutations().into_iter().filter(|id| {
        let is_named = planned.keys().any(|(mutation, _)| mutation == id);
        !is_named
    });
    let unnamed: Vec<_> = unnamed.map(MutationReport::unnamed).collect();
    let planned: Vec<_> = planned.into_iter().collect();
    let reports = in_parallel(options.threads, planned, |((mutation, scenario), claims)| {
        run_mutation(options, mutation, scenario, &claims)
    });
    let mut mutations = reports.into_iter().collect::<Result<Vec<_>, _>>()?;
    mutations.extend(unnamed);
    Ok(Mutations { claims: list().claims, mutations })
}

/// Serves stateright's Explorer on an address, for one scenario, until the process ends. `starts` is
/// called when nothing can fail any more.
pub fn explore(
    address: &str,
    options: &Options,
    starts: impl FnOnce(),
) -> Result<(), ExploreError> {
    std::net::TcpListener::bind(address)
        .map_err(|error| ExploreError::Address(format!("cannot listen on {address}: {error}")))?;
    let name = options.scenario.as_deref().unwrap_or("scheduling");
    let explorer = Explorer { address: address.to_owned(), starts };
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

/// How many states stateright's own search finds in a scenario, on so many threads.
pub fn states_by_stateright(name: &str, size: &Size, threads: usize) -> Result<usize, Unknown> {
    scenarios::with(name, size, None, ByStateright { threads })
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
        scenarios::comes_in(name, &options.size)?;
        return Ok(vec![name.clone()]);
    }
    let all = || scenarios::names().into_iter().map(str::to_owned);
    let names: Vec<_> = match (&options.mutation, &options.claim) {
        (Some(id), _) => {
            let kills = spec::sentences().into_iter().flat_map(|sentence| sentence.mutations);
            let of_it = kills.filter(|kill| kill.mutation == *id).map(|kill| kill.scenario);
            of_it.collect::<BTreeSet<_>>().into_iter().collect()
        }
        (None, Some(claim)) => all().filter(|name| makes(name, claim)).collect(),
        (None, None) => all().collect(),
    };
    match (names.is_empty(), &options.mutation, &options.claim) {
        (false, _, _) => Ok(names),
        (true, Some(id), _) => Err(Unknown::Mutation(id.clone())),
        (true, None, claim) => Err(Unknown::Claim(claim.clone().unwrap_or_default())),
    }
}

/// Whether a scenario makes this claim.
fn makes(scenario: &str, claim: &str) -> bool {
    scenarios::with(scenario, &Size::default(), None, Kinds)
        .is_ok_and(|kinds| kinds.iter().any(|(id, _)| id == claim))
}

fn check(
    name: &str,
    options: &Options,
    until: Until,
    progress: &mut Progress<'_>,
) -> Result<ScenarioReport, CheckError> {
    let checker = Checker { name: name.to_owned(), options, until, progress };
    let mutation = options.mutation.as_deref();
    scenarios::with(name, &options.size, mutation, checker)?
}

fn run_mutation(
    options: &Options,
    mutation: String,
    scenario: String,
    claims: &[String],
) -> Result<MutationReport, CheckError> {
    let mutated = Options { mutation: Some(mutation.clone()), threads: 1, ..options.clone() };
    let until = until_all_of(claims);
    let report = check(&scenario, &mutated, until, &mut Progress::silent())?;
    let steps_to = |claim: &ClaimReport| {
        let story = claim.story.as_ref().filter(|story| !story.steps.is_empty())?;
        Some((claim.id.clone(), story.steps.len()))
    };
    let steps_to: BTreeMap<_, _> = report.violated().filter_map(steps_to).collect();
    Ok(MutationReport {
        id: mutation,
        killed_by: report.violated().map(|claim| claim.id.clone()).collect(),
        steps: steps_to.values().min().copied(),
        steps_to,
        seconds: report.seconds,
        scenario: Some(scenario),
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

struct Checker<'a, 'b> {
    name: String,
    options: &'a Options,
    until: Until,
    progress: &'a mut Progress<'b>,
}

impl Visitor for Checker<'_, '_> {
    type Result = Result<ScenarioReport, CheckError>;

    fn visit<S: Slice>(self, mut model: Checked<S>) -> Self::Result {
        if let Some(only) = &self.options.claim {
            model.claims.retain(|claim| claim.id == *only);
        }
        let lives = |claim: &crate::slice::Claim<S>| claim.fact.kind() == Kind::Liveness;
        let start = Instant::now();
        let report = match &self.options.simulate {
            Some(walks) => self.simulated(&model, walks),
            None if self.options.liveness && model.claims.iter().any(lives) => {
                self.with_edges(model)
            }
            None => self.packed(model)?,
        };
        let seconds = start.elapsed().as_secs_f64();
        let new = report.states - report.states_resumed;
        Ok(ScenarioReport { seconds, states_per_second: (new as f64 / seconds) as u64, ..report })
    }
}

impl Checker<'_, '_> {
    fn limits(&self) -> Limits {
        Limits { until: self.until.clone(), ..self.options.limits.clone() }
    }

    /// Keeps every state and edge: for liveness.
    fn with_edges<S: Slice>(self, model: Checked<S>) -> ScenarioReport {
        let limits = self.limits();
        let graph = Graph::explore(model, self.options.symmetry, &limits, self.progress);
        let claims = (0..graph.model.claims.len()).map(|claim| judge_in_graph(&graph, claim));
        let claims = self.as_asked(claims.collect());
        ScenarioReport {
            states: graph.len(),
            transitions: graph.transitions,
            depth: graph.depth,
            bytes: graph.bytes(),
            ..self.report(claims, graph.end)
        }
    }

    fn simulated<S: Slice>(&self, model: &Checked<S>, walks: &Walks) -> ScenarioReport {
        let simulation = simulate(model, walks);
        let claims = simulation.found.iter().enumerate().map(|(claim, found)| {
            let run = found.clone().map(|prefix| Lasso { prefix, cycle: Vec::new() });
            claim_report(model, claim, End::Sampled, run)
        });
        ScenarioReport {
            states: simulation.steps as usize,
            transitions: simulation.steps,
            depth: walks.steps_max as u32,
            ..self.report(claims.collect(), End::Sampled)
        }
    }

    fn packed<S: Slice>(self, model: Checked<S>) -> Result<ScenarioReport, CheckError> {
        let Options { threads, symmetry, spill, .. } = self.options.clone();
        if let Some(folder) = &spill {
            std::fs::create_dir_all(folder).map_err(CheckError::File)?;
        }
        let how = How { threads, spill, limits: self.limits() };
        let Options { size, mutation, .. } = self.options;
        let heading = Heading::of(&model, &self.name, size, mutation.as_deref(), symmetry);
        let mut search = match &self.options.resume {
            Some(file) => resume(model, &heading, file).map_err(CheckError::Resume)?,
            None => BreadthFirst::start(model, symmetry),
        };
        let states_resumed = match self.options.resume {
            Some(_) => search.states(),
            None => 0,
        };
        let end = search.run(&how, self.progress).map_err(CheckError::File)?;
        if let (End::Stopped(_), Some(file)) = (end, &self.options.save) {
            save(&search, &heading, file).map_err(CheckError::File)?;
        }
        let claims = (0..search.model.claims.len()).map(|claim| judge(&search, end, claim));
        let claims = self.as_asked(claims.collect());
        Ok(ScenarioReport {
            states: search.states(),
            states_resumed,
            transitions: search.transitions,
            depth: search.depth,
            bytes: search.bytes_most(),
            ..self.report(claims, end)
        })
    }

    fn as_asked(&self, claims: Vec<ClaimReport>) -> Vec<ClaimReport> {
        if self.options.size.is_as_designed() {
            return claims;
        }
        claims.into_iter().map(ClaimReport::in_another_size).collect()
    }

    fn report(&self, claims: Vec<ClaimReport>, end: End) -> ScenarioReport {
        ScenarioReport {
            scenario: self.name.clone(),
            mutation: self.options.mutation.clone(),
            claims,
            states: 0,
            states_resumed: 0,
            transitions: 0,
            depth: 0,
            complete: end == End::Exhausted,
            end,
            symmetry: self.options.symmetry,
            bytes: 0,
            seconds: 0.0,
            states_per_second: 0,
        }
    }
}

fn judge<S: Slice>(search: &BreadthFirst<S>, end: End, claim: usize) -> ClaimReport {
    let found = search.discoveries.of(claim).map(|at| search.path_to(claim, *at));
    let run = found.map(|prefix| Lasso { prefix, cycle: Vec::new() });
    let decides = search.model.claims[claim].fact.kind() != Kind::Liveness;
    claim_report(&search.model, claim, if decides { end } else { End::Sampled }, run)
}

fn judge_in_graph<S: Slice>(graph: &Graph<S>, claim: usize) -> ClaimReport {
    let safe = || {
        let found = graph.discoveries.of(claim)?;
        Some(Lasso { prefix: graph.path_to_discovery(claim, *found), cycle: Vec::new() })
    };
    let live = |failing: fn(&Graph<S>, Goal<S>) -> Option<Lasso<S>>, goal| {
        if graph.end == End::Exhausted { failing(graph, goal) } else { None }
    };
    let run = match graph.model.claims[claim].fact {
        Fact::Always(_) | Fact::EachStep(_) | Fact::Reachable(_) => safe(),
        Fact::Eventually(goal) => live(fair_run_without, goal),
        Fact::Possible(goal) => live(state_without, goal),
    };
    claim_report(&graph.model, claim, graph.end, run)
}

/// What a run that was found, or that none was found, says about a claim.
fn claim_report<S: Slice>(
    model: &Checked<S>,
    claim: usize,
    end: End,
    run: Option<Lasso<S>>,
) -> ClaimReport {
    let kind = model.claims[claim].fact.kind();
    let verdict = match (kind, &run, end) {
        (Kind::Reachability, Some(_), _) => Verdict::Holds,
        (Kind::Safety | Kind::Liveness, Some(_), _) => Verdict::Violated,
        (Kind::Reachability, None, End::Exhausted) => Verdict::Violated,
        (Kind::Safety | Kind::Liveness, None, End::Exhausted) => Verdict::Holds,
        (_, None, End::Found | End::Bounded | End::Sampled | End::Stopped(_)) => {
            Verdict::NotExhausted
        }
    };
    let id = model.claims[claim].id;
    let story = run.map(|Lasso { prefix, cycle }: Lasso<S>| told(model, &prefix, &cycle));
    ClaimReport {
        id: id.to_owned(),
        kind,
        text: spec::sentence(id).map(|sentence| sentence.text).unwrap_or_default(),
        verdict,
        steps: story.as_ref().map(Story::says).unwrap_or_default(),
        repeats: story.as_ref().map(Story::says_for_ever).unwrap_or_default(),
        story: story.filter(|_| verdict == Verdict::Violated),
    }
}

fn told<S: Slice>(model: &Checked<S>, prefix: &[Step<S>], cycle: &[Step<S>]) -> Story {
    Story::of(&model.slice, prefix, cycle)
}

struct Explorer<F> {
    address: String,
    starts: F,
}

impl<F: FnOnce()> Visitor for Explorer<F> {
    type Result = ();

    fn visit<S: Slice>(self, model: Checked<S>) {
        use stateright::Model;
        (self.starts)();
        let model = Checked { offers_possible: true, ..model };
        model.checker().serve(self.address.as_str());
    }
}

struct ByStateright {
    threads: usize,
}

impl Visitor for ByStateright {
    type Result = usize;

    fn visit<S: Slice>(self, model: Checked<S>) -> usize {
        use stateright::{Checker, Model};
        model.checker().threads(self.threads).spawn_bfs().join().unique_state_count()
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
