//! `kanon bench`: measures, and prints distributions and what they were measured on.

mod api;
mod check;
mod controllers;
mod requests;
mod scheduler;
mod start;
mod store;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::Bench;
use crate::failure::{Failure, While};

pub(crate) fn run(arguments: &Bench) -> Result<ExitCode, Failure> {
    match arguments {
        Bench::Start { runs, idle, runtime, output } => {
            start::run(runs.get(), *idle, *runtime, *output)
        }
        Bench::Api { kubeconfig, server, seconds, output } => {
            let of_another = (kubeconfig.as_deref(), server.as_deref());
            api::run(of_another, seconds.get(), *output)
        }
        Bench::Controllers { runs, replicas, objects, dependents, pods, idle, output } => {
            let sizes = controllers::Sizes {
                replicas: replicas.get(),
                objects: objects.get(),
                dependents: dependents.get(),
                pods: pods.get(),
                idle: Duration::from_secs(*idle),
            };
            controllers::run(runs.get(), sizes, *output)
        }
        Bench::Scheduler(arguments) => scheduler::run(arguments),
        Bench::Check { runs, output } => check::run(runs.get(), *output),
        Bench::Store { keys, value_bytes, seconds, endpoint, output } => {
            store::run(keys.get(), *value_bytes, seconds.get(), endpoint.as_deref(), *output)
        }
    }
}

/// A folder that goes when the benchmark ends.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("kanon-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path).while_doing(path.display())?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in a temporary folder harms nobody.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// What it ran on.
fn machine() -> Value {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    json!({"cpu": model, "cores": cores, "kernel": kernel.trim()})
}

/// Statistics of a sample that is not empty.
fn distribution(mut values: Vec<f64>) -> Value {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let index = ((values.len() - 1) as f64 * share).round() as usize;
        round(values[index])
    };
    json!({"min": at(0.0), "median": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999),
        "max": at(1.0)})
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// A figure of a process's memory, in kibibytes. Source: proc_pid_status(5).
fn kibibytes(pid: u32, field: &str) -> Result<f64, Failure> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).while_doing(&path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| Failure::cannot(format!("{path}: there is no {field}")))
}
