//! `kanon bench api`: what an API server does in a second, and how soon watchers hear of it.

mod load;
mod watches;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use conformance::suite::{Session, Target};
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::requests::{self, expect};
use super::{Folder, kibibytes, machine, start};
use crate::cli::{Output, Runtime};
use crate::failure::{Failure, While};
use crate::output::print;
use load::Rate;
use watches::Fanout;

/// How many connections there are, one after the other.
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// How many objects a list has, and how often it is read.
const LISTED: usize = 5_000;
const LISTS: usize = 20;
/// How many watches hear of each write, one after the other.
const WATCHES: [usize; 3] = [1, 100, 1_000];
/// Where requests and watches are measured, and where lists are.
const NAMESPACE: &str = "kanon-bench";
const LIST_NAMESPACE: &str = "kanon-bench-list";

/// Measures the cluster of a kubeconfig, or at an address, or one of our own that nobody else uses.
pub(super) fn run(
    (kubeconfig, server): (Option<&Path>, Option<&str>),
    seconds: u64,
    output: Output,
) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Runtime::new().while_doing("starting threads")?;
    let time = Duration::from_secs(seconds);
    if kubeconfig.is_some() || server.is_some() {
        let mut target = Target::read(kubeconfig).map_err(Failure::cannot)?;
        if let Some(server) = server {
            target.server = server.trim_end_matches('/').to_owned();
        }
        print(&runtime.block_on(measure(&target, None, time))?, output);
        return Ok(ExitCode::SUCCESS);
    }
    let program = std::env::current_exe().while_doing("finding this program")?;
    let folder = Folder::create()?;
    let pid = start::start_and_stay(&program, folder.path(), Runtime::Simulated, &[])?;
    let target = Target::read(Some(&folder.path().join("kubeconfig"))).map_err(Failure::cannot);
    let report = target.and_then(|target| runtime.block_on(measure(&target, Some(pid), time)));
    start::delete(&program, folder.path())?;
    print(&report?, output);
    Ok(ExitCode::SUCCESS)
}

/// What was measured.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    version: &'static str,
    machine: Value,
    server: String,
    server_version: String,
    rates: Vec<Rate>,
    list: List,
    fanouts: Vec<Fanout>,
    /// Of the server, before and after, where it is ours.
    resident_mebibytes: Option<(f64, f64)>,
}

/// A list, read again and again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    objects: usize,
    bytes: usize,
    milliseconds: Value,
}

async fn measure(target: &Target, pid: Option<u32>, time: Duration) -> Result<Report, Failure> {
    let resident = || pid.map(|pid| Ok(kibibytes(pid, "VmRSS:")? / 1024.0)).transpose();
    let before = resident()?;
    let mut session = Session::open(target).await.map_err(Failure::cannot)?;
    let version = session.send(Method::GET, "/version", None).await.map_err(Failure::cannot)?.1;
    let version: Value = serde_json::from_slice(&version).while_doing("/version")?;
    for name in [NAMESPACE, LIST_NAMESPACE] {
        let body = requests::body(&json!({"metadata": {"name": name}}));
        expect(&mut session, Method::POST, "/api/v1/namespaces", body, 201).await?;
    }
    let mut rates = vec![];
    for connections in CONNECTIONS {
        rates.extend(load::rates(target, connections, time).await?);
    }
    let list = list(target).await?;
    let mut fanouts = vec![];
    for watches in WATCHES {
        fanouts.push(watches::fan_out(target, watches).await?);
    }
    let after = resident()?;
    let mut session = Session::open(target).await.map_err(Failure::cannot)?;
    for name in [NAMESPACE, LIST_NAMESPACE] {
        let path = format!("/api/v1/namespaces/{name}");
        session.send(Method::DELETE, &path, None).await.map_err(Failure::cannot)?;
    }
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        machine: machine(),
        server: target.server.clone(),
        server_version: version["gitVersion"].as_str().unwrap_or_default().to_owned(),
        rates,
        list,
        fanouts,
        resident_mebibytes: before.zip(after),
    })
}

/// Reads a list of many objects a few times.
async fn list(target: &Target) -> Result<List, Failure> {
    requests::fill(target, LIST_NAMESPACE, LISTED, &Value::Null).await?;
    let mut session = Session::open(target).await.map_err(Failure::cannot)?;
    let path = requests::path(LIST_NAMESPACE);
    let mut milliseconds = vec![];
    let mut bytes = 0;
    for _ in 0..LISTS {
        let begun = std::time::Instant::now();
        bytes = expect(&mut session, Method::GET, &path, None, 200).await?.len();
        milliseconds.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(List { objects: LISTED, bytes, milliseconds: super::distribution(milliseconds) })
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |field: &str| self.machine[field].as_str().unwrap_or_default().to_owned();
        let (cpu, kernel, cores) = (text("cpu"), text("kernel"), &self.machine["cores"]);
        writeln!(formatter, "kanon {} on {cpu} ({cores} cores, Linux {kernel})", self.version)?;
        writeln!(formatter, "{} ({})", self.server, self.server_version)?;
        self.rates.iter().try_for_each(|rate| writeln!(formatter, "{rate}"))?;
        let List { objects, bytes, milliseconds } = &self.list;
        let megabytes = *bytes as f64 / 1e6;
        writeln!(
            formatter,
            "list of {objects} ConfigMaps ({megabytes:.1} MB): median {} ms, p99 {} ms",
            milliseconds["median"], milliseconds["p99"]
        )?;
        self.fanouts.iter().try_for_each(|fanout| writeln!(formatter, "{fanout}"))?;
        match self.resident_mebibytes {
            Some((before, after)) => {
                write!(formatter, "resident: {before:.1} MiB before, {after:.1} MiB after")
            }
            None => write!(formatter, "resident: not known of a server that is not ours"),
        }
    }
}
