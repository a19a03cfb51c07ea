//! `kanon bench scheduler`: how many pods it binds in a second, in the shapes of upstream's scheduler_perf.

mod core;
mod through_api;
mod workloads;

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use self::workloads::Workload;
use super::controllers::with_cluster;
use super::{distribution, machine, round};
use crate::cli::{Output, Schedulers};
use crate::failure::{Failure, While};
use crate::output::print;

/// How large a workload is.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    nodes: usize,
    /// The pods that are there before, if it is not for the workload to say.
    initial: Option<usize>,
    /// The most pods that are measured.
    pods: usize,
}

/// What came of a workload.
struct Measured {
    pods: usize,
    took: Duration,
    /// Microseconds: of a decision, or from when a pod was heard of until it had a node.
    latencies: Vec<f64>,
    resident_mebibytes: f64,
}

/// Measures each workload that is asked for, with each number of nodes, each in a new cluster.
pub(super) fn run(arguments: &Schedulers) -> Result<ExitCode, Failure> {
    let chosen = chosen(&arguments.workloads)?;
    let runtime = tokio::runtime::Runtime::new().while_doing("starting threads")?;
    let mut rows = vec![];
    for workload in chosen {
        for nodes in &arguments.nodes {
            let (initial, pods) = (arguments.initial, arguments.pods.get());
            let sizes = Sizes { nodes: nodes.get(), initial, pods };
            let measured = if arguments.core {
                core::run(workload, sizes)?
            } else {
                with_cluster(through_api::FLAGS, |target, pid| {
                    runtime.block_on(through_api::run(target, pid, workload, sizes))
                })?
            };
            let row = Row::new(workload, sizes, measured);
            if arguments.output == Output::Text {
                println!("{row}");
            }
            rows.push(row);
        }
    }
    let way = if arguments.core { "the core alone" } else { "through the API server" };
    let report = Report { version: env!("CARGO_PKG_VERSION"), machine: machine(), way, rows };
    print(&report, arguments.output);
    Ok(ExitCode::SUCCESS)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Workload>, Failure> {
    let all: Vec<&str> = workloads::ALL.iter().map(|workload| workload.name).collect();
    if let Some(unknown) = names.iter().find(|name| !all.contains(&name.as_str())) {
        let known = all.join(", ");
        return Err(Failure::cannot(format!(
            "there is no workload {unknown:?}; there are {known}"
        )));
    }
    let is_chosen =
        |workload: &&Workload| names.is_empty() || names.iter().any(|name| name == workload.name);
    Ok(workloads::ALL.iter().filter(is_chosen).collect())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    version: &'static str,
    machine: Value,
    way: &'static str,
    rows: Vec<Row>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    workload: &'static str,
    nodes: usize,
    pods: usize,
    pods_per_second: f64,
    latency_microseconds: Value,
    resident_mebibytes: f64,
}

impl Row {
    fn new(workload: &Workload, sizes: Sizes, measured: Measured) -> Self {
        Self {
            workload: workload.name,
            nodes: sizes.nodes,
            pods: measured.pods,
            pods_per_second: round(measured.pods as f64 / measured.took.as_secs_f64()),
            latency_microseconds: distribution(measured.latencies),
            resident_mebibytes: round(measured.resident_mebibytes),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of =
            |statistic: &str| self.latency_microseconds[statistic].as_f64().unwrap_or(f64::NAN);
        write!(
            formatter,
            "{:<47} {:>5} nodes {:>6} pods {:>8.0}/s   p50 {:>8.0} µs  p99 {:>9.0} µs  {:>6.0} MiB",
            self.workload,
            self.nodes,
            self.pods,
            self.pods_per_second,
            of("median"),
            of("p99"),
            self.resident_mebibytes
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |field: &str| self.machine[field].as_str().unwrap_or_default().to_owned();
        let (cpu, kernel, cores) = (text("cpu"), text("kernel"), &self.machine["cores"]);
        let Self { version, way, .. } = self;
        write!(formatter, "kanon {version} on {cpu} ({cores} cores, Linux {kernel}), {way}")
    }
}
