//! `kanon bench check`: how far the checker reaches, and how fast.

use std::fmt;
use std::process::ExitCode;
use std::time::Instant;

use conformance::{refine, sim, trace};
use model::check::{self, Options};
use model::checker::progress::Progress;
use model::slice::Size;
use serde::Serialize;
use serde_json::Value;

use super::{distribution, machine};
use crate::cli::Output;
use crate::failure::{Failure, While};
use crate::output::print;

/// The slice on which searches are compared: every state of it, none for another.
const SCENARIO: &str = "scheduling";
const PODS: usize = 3;
/// Steps of the simulated cluster whose trace is validated.
const SIMULATED_STEPS: u64 = 500_000;

pub(super) fn run(runs: usize, output: Output) -> Result<ExitCode, Failure> {
    let threads = Options::default().threads;
    let slice = || Size { pods: Some(PODS), ..Size::default() };
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        stateright_version: stateright_version(),
        machine: machine(),
        threads,
        runs,
        packed: searches(runs, || packed(SCENARIO, slice(), false))?,
        stateright: searches(runs, || stateright(&slice(), threads))?,
        reach: searches(runs, || packed("reach", Size::default(), true))?,
        mutations: mutations()?,
        validation: validation(runs)?,
    };
    print(&report, output);
    Ok(ExitCode::SUCCESS)
}

/// What was measured.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    version: &'static str,
    stateright_version: String,
    machine: Value,
    threads: usize,
    runs: usize,
    /// The packed search on the slice.
    packed: Searches,
    /// stateright's breadth-first search on the same slice.
    stateright: Searches,
    /// The packed search on three Pods and three Nodes with faults.
    reach: Searches,
    mutations: MutationTimes,
    validation: Validation,
}

/// Several searches of one slice.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Searches {
    states: usize,
    seconds: Value,
    states_per_second: Value,
    /// Of the memory that was resident while the first search ran, beside what was before. Later ones
    /// use what the allocator has kept.
    resident_bytes_per_state: f64,
    /// By the search's own account, where it keeps one.
    #[serde(skip_serializing_if = "Option::is_none")]
    counted_bytes_per_state: Option<f64>,
}

/// One search.
struct Search {
    states: usize,
    counted_bytes: Option<usize>,
}

fn searches(
    runs: usize,
    search: impl Fn() -> Result<Search, Failure>,
) -> Result<Searches, Failure> {
    let (mut seconds, mut rates) = (vec![], vec![]);
    let mut resident = None;
    let mut last = Search { states: 0, counted_bytes: None };
    for _ in 0..runs {
        let memory = Peak::begin()?;
        let begun = Instant::now();
        last = search()?;
        let elapsed = begun.elapsed().as_secs_f64();
        seconds.push(elapsed);
        rates.push(last.states as f64 / elapsed);
        resident.get_or_insert(memory.end()? / last.states as f64);
    }
    Ok(Searches {
        states: last.states,
        seconds: distribution(seconds),
        states_per_second: distribution(rates),
        resident_bytes_per_state: resident.unwrap_or(f64::NAN),
        counted_bytes_per_state: last.counted_bytes.map(|bytes| bytes as f64 / last.states as f64),
    })
}

fn packed(scenario: &str, size: Size, symmetry: bool) -> Result<Search, Failure> {
    let scenario = Some(scenario.to_owned());
    let options = Options { scenario, size, symmetry, liveness: false, ..Options::default() };
    let report = check::run(&options, &mut Progress::silent()).map_err(Failure::cannot)?;
    let scenario = report.scenarios.first();
    let found = scenario.ok_or_else(|| Failure::cannot("no scenario was checked"))?;
    Ok(Search { states: found.states, counted_bytes: Some(found.bytes) })
}

fn stateright(size: &Size, threads: usize) -> Result<Search, Failure> {
    let states = check::states_by_stateright(SCENARIO, size, threads).map_err(Failure::cannot)?;
    Ok(Search { states, counted_bytes: None })
}

/// The version in the lock file of this build.
fn stateright_version() -> String {
    let lock = include_str!("../../../../../Cargo.lock");
    let entry = lock.split("[[package]]").find(|entry| entry.contains("name = \"stateright\""));
    let version = entry.and_then(|entry| entry.split("version = \"").nth(1)?.split('"').next());
    version.unwrap_or("unknown").to_owned()
}

/// The most memory that this process has had resident since it began. Source: proc_pid_clear_refs(5)
/// (`5` resets the peak), proc_pid_status(5) (`VmHWM`, `VmRSS`).
struct Peak {
    before_kibibytes: f64,
}

impl Peak {
    fn begin() -> Result<Self, Failure> {
        std::fs::write("/proc/self/clear_refs", "5").while_doing("resetting the peak of memory")?;
        Ok(Self { before_kibibytes: kibibytes("VmRSS:")? })
    }

    /// Bytes at the peak, beside what there was at the beginning.
    fn end(&self) -> Result<f64, Failure> {
        Ok((kibibytes("VmHWM:")? - self.before_kibibytes) * 1024.0)
    }
}

fn kibibytes(field: &str) -> Result<f64, Failure> {
    super::kibibytes(std::process::id(), field)
}

/// How long each mutation lives.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MutationTimes {
    mutations: usize,
    /// Those that no claim kills.
    survivors: Vec<String>,
    seconds: Value,
    slowest: String,
}

fn mutations() -> Result<MutationTimes, Failure> {
    let found = check::mutations(&Options::default()).map_err(Failure::cannot)?.mutations;
    let slowest = found.iter().max_by(|one, other| one.seconds.total_cmp(&other.seconds));
    let survivors = found.iter().filter(|mutation| mutation.killed_by.is_empty());
    Ok(MutationTimes {
        mutations: found.len(),
        survivors: survivors.map(|mutation| mutation.id.clone()).collect(),
        slowest: slowest.map(|mutation| mutation.id.clone()).unwrap_or_default(),
        seconds: distribution(found.iter().map(|mutation| mutation.seconds).collect()),
    })
}

/// How fast the trace of a simulated cluster is validated, read from memory: requests, what their
/// senders had seen, and what each cache received.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Validation {
    events: u64,
    events_per_second: Value,
}

fn validation(runs: usize) -> Result<Validation, Failure> {
    let (seed, steps, faults) = (0, SIMULATED_STEPS, sim::Faults::default());
    let mut written = vec![];
    sim::run(&sim::Options { seed, steps, faults, ..sim::Options::default() }, &mut written)
        .map_err(Failure::cannot)?;
    let (mut events, mut rates) = (0, vec![]);
    for _ in 0..runs {
        let begun = Instant::now();
        let reader = trace::Reader::new(written.as_slice()).map_err(Failure::cannot)?;
        events = refine::validate(reader).map_err(Failure::cannot)?.events;
        rates.push(events as f64 / begun.elapsed().as_secs_f64());
    }
    Ok(Validation { events, events_per_second: distribution(rates) })
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |field: &str| self.machine[field].as_str().unwrap_or_default().to_owned();
        writeln!(
            formatter,
            "kanon {} on {} ({} cores, Linux {}), {} threads, {} runs each",
            self.version,
            text("cpu"),
            self.machine["cores"],
            text("kernel"),
            self.threads,
            self.runs
        )?;
        writeln!(formatter, "{SCENARIO} with {PODS} pods, every state, no symmetry; no liveness")?;
        writeln!(formatter, "  kanon\n{}", self.packed)?;
        writeln!(formatter, "  stateright {}\n{}", self.stateright_version, self.stateright)?;
        writeln!(formatter, "reach: 3 pods, 3 nodes, a crash, a stale list, a death of a node")?;
        writeln!(formatter, "  kanon\n{}", self.reach)?;
        let MutationTimes { mutations, survivors, seconds, slowest } = &self.mutations;
        writeln!(formatter, "{mutations} mutations, each until every claim that kills it has")?;
        line(formatter, "seconds", seconds)?;
        writeln!(formatter, "    slowest {slowest}; {} survive", survivors.len())?;
        let Validation { events, events_per_second } = &self.validation;
        writeln!(formatter, "validation of a trace of {events} events")?;
        line(formatter, "events/s", events_per_second)
    }
}

impl fmt::Display for Searches {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "    {} states", self.states)?;
        line(formatter, "seconds", &self.seconds)?;
        line(formatter, "states/s", &self.states_per_second)?;
        let resident = self.resident_bytes_per_state;
        writeln!(formatter, "    {:<24} {resident:.1}", "bytes/state, resident")?;
        match self.counted_bytes_per_state {
            Some(bytes) => writeln!(formatter, "    {:<24} {bytes:.1}", "bytes/state, counted"),
            None => Ok(()),
        }
    }
}

fn line(formatter: &mut fmt::Formatter<'_>, name: &str, of: &Value) -> fmt::Result {
    let number = |statistic: &str| of[statistic].as_f64().unwrap_or(f64::NAN);
    writeln!(
        formatter,
        "    {name:<24} min {:>10.1}  median {:>10.1}  p90 {:>10.1}  max {:>10.1}",
        number("min"),
        number("median"),
        number("p90"),
        number("max")
    )
}
