//! `kanon bench controllers`: how long controllers take for much work, and what a large cluster costs that
//! has none.

mod crowd;
mod work;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use conformance::suite::Target;
use serde::Serialize;
use serde_json::Value;

use super::{Folder, machine, start};
use crate::cli::{Output, Runtime};
use crate::failure::{Failure, While};
use crate::output::print;

/// How many pods a simulated node takes, and what of them a rollout may need: 125 %, and some to spare.
const PODS_PER_NODE: usize = 110;
const ROOM_PERCENT: usize = 130;
/// How many nodes `kanon start` makes at the most.
const NODES_MAX: usize = 64;

/// How much of everything there is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Replicas of the Deployment.
    pub(super) replicas: usize,
    /// Objects in the namespace.
    pub(super) objects: usize,
    /// Dependents of the owner.
    pub(super) dependents: usize,
    /// Pods of the cluster that idles.
    pub(super) pods: usize,
    /// How long it idles.
    pub(super) idle: Duration,
}

/// Measures clusters that are made for it, one after the other.
pub(super) fn run(runs: usize, sizes: Sizes, output: Output) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Runtime::new().while_doing("starting threads")?;
    let nodes = (sizes.replicas * ROOM_PERCENT / 100).div_ceil(PODS_PER_NODE).clamp(1, NODES_MAX);
    let nodes = nodes.to_string();
    let mut works = vec![];
    for _ in 0..runs {
        works.push(with_cluster(&["--nodes", "0"], |target, _| {
            runtime.block_on(work::creation(target, sizes.replicas))
        })?);
        works.extend(with_cluster(&["--nodes", &nodes], |target, _| {
            runtime.block_on(work::measure(target, sizes))
        })?);
    }
    let idle = with_cluster(crowd::FLAGS, |target, pid| {
        runtime.block_on(crowd::fill(target, sizes.pods))?;
        Ok(Idle { pods: sizes.pods, figures: start::idle(pid, sizes.idle)? })
    })?;
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        machine: machine(),
        runs,
        tasks: work::Task::summed_up(works),
        idle,
    };
    print(&report, output);
    Ok(ExitCode::SUCCESS)
}

/// Does something with a cluster that goes afterwards.
pub(super) fn with_cluster<T>(
    flags: &[&str],
    measure: impl FnOnce(&Target, u32) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let program = std::env::current_exe().while_doing("finding this program")?;
    let folder = Folder::create()?;
    let path: &Path = folder.path();
    let pid = start::start_and_stay(&program, path, Runtime::Simulated, flags)?;
    let target = Target::read(Some(&path.join("kubeconfig"))).map_err(Failure::cannot);
    let measured = target.and_then(|target| measure(&target, pid));
    start::delete(&program, path)?;
    measured
}

/// What was measured.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    version: &'static str,
    machine: Value,
    runs: usize,
    tasks: Vec<work::Task>,
    idle: Idle,
}

/// What a cluster costs in which nothing happens.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Idle {
    pods: usize,
    #[serde(flatten)]
    figures: start::Idling,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |field: &str| self.machine[field].as_str().unwrap_or_default().to_owned();
        let (cpu, kernel, cores) = (text("cpu"), text("kernel"), &self.machine["cores"]);
        writeln!(formatter, "kanon {} on {cpu} ({cores} cores, Linux {kernel})", self.version)?;
        writeln!(formatter, "{} clusters with simulated nodes, one after the other", self.runs)?;
        self.tasks.iter().try_for_each(|task| writeln!(formatter, "{task}"))?;
        let Idle { pods, figures } = &self.idle;
        write!(formatter, "idle with {pods} pods: {figures}")
    }
}
