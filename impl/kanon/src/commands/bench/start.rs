//! `kanon bench start`: what a start costs, as a distribution.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use super::{Folder, distribution, kibibytes, machine, round};
use crate::cli::{Output, Runtime};
use crate::failure::{Failure, While};
use crate::profile::{self, Running};
use crate::serve;

/// How often the kernel counts CPU time in a second (`USER_HZ`, 100 on every Linux).
const TICKS_PER_SECOND: f64 = 100.0;

/// Starts a cluster so many times, then lets one idle for so many seconds.
pub(super) fn run(
    runs: usize,
    idle: u64,
    runtime: Runtime,
    output: Output,
) -> Result<ExitCode, Failure> {
    let program = std::env::current_exe().while_doing("finding this program")?;
    let folder = Folder::create()?;
    // The first start reads the program from disk; it warms up and is not counted.
    one_start(&program, folder.path(), runtime)?;
    let starts = (0..runs)
        .map(|_| one_start(&program, folder.path(), runtime))
        .collect::<Result<Vec<_>, _>>()?;
    let pid = start_and_stay(&program, folder.path(), runtime, &[])?;
    let idling = self::idle(pid, Duration::from_secs(idle));
    delete(&program, folder.path())?;
    let idling = idling?;
    let size = std::fs::metadata(&program).while_doing(program.display())?.len();
    let report = report(&starts, &idling, size, runtime);
    match output {
        Output::Json => println!("{report}"),
        Output::Text => print(&report),
    }
    Ok(ExitCode::SUCCESS)
}

struct Start {
    ready_milliseconds: f64,
    node_milliseconds: f64,
}

fn one_start(program: &Path, folder: &Path, runtime: Runtime) -> Result<Start, Failure> {
    let start = start(program, folder, runtime, &[])?;
    delete(program, folder)?;
    Ok(start)
}

/// Starts a cluster with an empty folder, and tells when its API server and its node were ready.
fn start(
    program: &Path,
    folder: &Path,
    runtime: Runtime,
    flags: &[&str],
) -> Result<Start, Failure> {
    let begun = Instant::now();
    let milliseconds = || begun.elapsed().as_secs_f64() * 1000.0;
    let mut command = command(program, folder, "start");
    command.args(["--port", "0", "--runtime", name(runtime)]).args(flags).stdout(Stdio::piped());
    let mut child = command.spawn().while_doing("kanon start")?;
    let mut ready_milliseconds = f64::NAN;
    for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufReader::lines) {
        if line.while_doing("kanon start")?.contains(serve::READY) {
            ready_milliseconds = milliseconds();
        }
    }
    let status = child.wait().while_doing("kanon start")?;
    let node_milliseconds = milliseconds();
    if !status.success() || ready_milliseconds.is_nan() {
        return Err(Failure::cannot(format!("kanon start did not start a cluster: {status}")));
    }
    Ok(Start { ready_milliseconds, node_milliseconds })
}

/// Starts a cluster with more flags, for others to measure. Its process.
pub(super) fn start_and_stay(
    program: &Path,
    folder: &Path,
    runtime: Runtime,
    flags: &[&str],
) -> Result<u32, Failure> {
    start(program, folder, runtime, flags)?;
    let path = folder.join("data").join("running.json");
    let running: Running = profile::read_json(&path).while_doing(path.display())?;
    Ok(running.pid)
}

/// Ends and removes it.
pub(super) fn delete(program: &Path, folder: &Path) -> Result<(), Failure> {
    command(program, folder, "delete").output().while_doing("kanon delete").map(drop)
}

fn command(program: &Path, folder: &Path, what: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(what).args(["--profile", "bench", "--data-dir"]).arg(folder.join("data"));
    command.env("KUBECONFIG", folder.join("kubeconfig"));
    command
}

fn name(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Embedded => "embedded",
        Runtime::Simulated => "simulated",
    }
}

/// What a process costs while nothing happens.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Idling {
    seconds: f64,
    resident_mebibytes: f64,
    cpu_percent: f64,
}

impl fmt::Display for Idling {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seconds, resident_mebibytes, cpu_percent } = self;
        write!(
            formatter,
            "{resident_mebibytes} MiB resident, {cpu_percent} % of a core, over {seconds} s"
        )
    }
}

/// Waits for so long, and tells what the process has cost.
pub(super) fn idle(pid: u32, time: Duration) -> Result<Idling, Failure> {
    let (begun, before) = (Instant::now(), cpu_seconds(pid)?);
    std::thread::sleep(time);
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Idling {
        seconds: round(seconds),
        resident_mebibytes: round(kibibytes(pid, "VmRSS:")? / 1024.0),
        cpu_percent: round((cpu_seconds(pid)? - before) / seconds * 100.0),
    })
}

/// CPU time of a process so far. Source: proc_pid_stat(5), fields 14 and 15.
fn cpu_seconds(pid: u32) -> Result<f64, Failure> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).while_doing(&path)?;
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    Ok(ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND)
}

fn report(starts: &[Start], idling: &Idling, size: u64, runtime: Runtime) -> Value {
    let ready: Vec<f64> = starts.iter().map(|start| start.ready_milliseconds).collect();
    let node: Vec<f64> = starts.iter().map(|start| start.node_milliseconds).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "machine": machine(),
        "runtime": runtime,
        "runs": starts.len(),
        "readyzMilliseconds": distribution(ready),
        "nodeReadyMilliseconds": distribution(node),
        "idle": idling,
        "binaryMebibytes": round(size as f64 / 1024.0 / 1024.0),
    })
}

fn print(report: &Value) {
    let line = |name: &str, field: &str| {
        let of = |statistic: &str| report[field][statistic].as_f64().unwrap_or(f64::NAN);
        println!(
            "{name:<28} min {:>8.1}  median {:>8.1}  p90 {:>8.1}  max {:>8.1}  ms",
            of("min"),
            of("median"),
            of("p90"),
            of("max")
        );
    };
    println!(
        "kanon {} on {} ({} cores, Linux {}), runtime {}, {} cold starts after one warm-up",
        report["version"].as_str().unwrap_or_default(),
        report["machine"]["cpu"].as_str().unwrap_or_default(),
        report["machine"]["cores"],
        report["machine"]["kernel"].as_str().unwrap_or_default(),
        report["runtime"].as_str().unwrap_or_default(),
        report["runs"]
    );
    line("start to /readyz", "readyzMilliseconds");
    line("start to a Ready node", "nodeReadyMilliseconds");
    println!(
        "idle over {} s               {} MiB resident, {} % of a core",
        report["idle"]["seconds"],
        report["idle"]["residentMebibytes"],
        report["idle"]["cpuPercent"]
    );
    println!("binary                       {} MiB", report["binaryMebibytes"]);
}
