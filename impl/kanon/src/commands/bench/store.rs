//! `kanon bench store`: what durable writes cost, and reads, and watches, and a restart.

mod remote;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use etcd::Etcd;
use serde::Serialize;
use serde_json::Value;
use store::{Bytes, Operation, Put, Range, Revision, Transaction};

use super::{Folder, distribution, kibibytes, machine};
use crate::cli::Output;
use crate::failure::{Failure, While};
use crate::output::print;

/// How many writers there are, one after the other.
const WRITERS: [usize; 3] = [1, 16, 64];
/// How many watches hear of each write.
const WATCHES: usize = 100;
/// How many keys a range has that is read.
const RANGE_KEYS: usize = 500;

pub(super) fn run(
    keys: usize,
    value_bytes: usize,
    seconds: u64,
    endpoint: Option<&str>,
    output: Output,
) -> Result<ExitCode, Failure> {
    let time = Duration::from_secs(seconds);
    if let Some(endpoint) = endpoint {
        print(&remote::measure(endpoint, value_bytes, time)?, output);
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Runtime::new().while_doing("starting threads")?;
    let folder = Folder::create()?;
    let path = folder.path();
    let report = runtime.block_on(measure(path, keys, value_bytes, time))?;
    print(&report, output);
    Ok(ExitCode::SUCCESS)
}

/// What was measured.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    version: &'static str,
    machine: Value,
    keys: usize,
    value_bytes: usize,
    puts: Vec<Puts>,
    through_grpc: remote::Measured,
    puts_during_compaction: Puts,
    ranges_per_second: f64,
    range_keys: usize,
    watches: usize,
    watched_events_per_second: f64,
    /// What was written to disk, for each byte of a key or value that was put.
    bytes_written_per_byte: f64,
    resident_mebibytes: f64,
    restart_seconds: f64,
}

/// Writes by so many tasks, each waiting for its last one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Puts {
    writers: usize,
    per_second: f64,
    microseconds: Value,
}

async fn measure(
    folder: &Path,
    keys: usize,
    value_bytes: usize,
    time: Duration,
) -> Result<Report, Failure> {
    let resident_before = kibibytes(std::process::id(), "VmRSS:")?;
    let written_before = bytes_to_disk()?;
    let etcd = Etcd::open(&folder.join("keys")).while_doing("the store")?;
    fill(&etcd, keys, value_bytes).await?;
    let resident = kibibytes(std::process::id(), "VmRSS:")? - resident_before;
    let ranges_per_second = ranges(&etcd, time);
    close(etcd).await;
    let bytes = value_bytes + key(0).len();
    let written = (bytes_to_disk()? - written_before) / (keys * bytes) as f64;
    let restart_seconds = restart(&folder.join("keys")).await?;
    let etcd = Etcd::open(&folder.join("puts")).while_doing("the store")?;
    let mut puts_of = vec![];
    for writers in WRITERS {
        puts_of.push(puts(&etcd, writers, value_bytes, time).await?);
    }
    let through_grpc = remote::through_grpc(&etcd, value_bytes, time).await?;
    let compacting = tokio::spawn(compact_on(etcd.clone()));
    let puts_during_compaction = puts(&etcd, WRITERS[1], value_bytes, time).await?;
    compacting.abort();
    let watched_events_per_second = watched(&etcd, value_bytes, time).await?;
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        machine: machine(),
        keys,
        value_bytes,
        puts: puts_of,
        through_grpc,
        puts_during_compaction,
        ranges_per_second,
        range_keys: RANGE_KEYS.min(keys),
        watches: WATCHES,
        watched_events_per_second,
        bytes_written_per_byte: written,
        resident_mebibytes: resident / 1024.0,
        restart_seconds,
    })
}

fn key(number: usize) -> Bytes {
    format!("/registry/bench/{number:010}").as_bytes().into()
}

/// A value that no other is like.
fn value(bytes: usize, number: u64) -> Bytes {
    let digits = number.to_le_bytes();
    (0..bytes).map(|at| digits[at % 8] ^ (at as u8)).collect()
}

fn put(number: usize, bytes: usize, count: u64) -> Operation {
    Operation::Put(Put::new(key(number), value(bytes, count)))
}

/// Puts every key once, many in flight.
async fn fill(etcd: &Etcd, keys: usize, value_bytes: usize) -> Result<(), Failure> {
    let next = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..256)
        .map(|_| {
            let (etcd, next) = (etcd.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= keys as u64 {
                        return Ok(());
                    }
                    let operation = put(number as usize, value_bytes, number);
                    etcd.commit(Transaction::of(vec![operation])).await?;
                }
            })
        })
        .collect();
    for task in tasks {
        let filled: Result<(), etcd::CommitError> = task.await.while_doing("filling")?;
        filled.while_doing("filling")?;
    }
    Ok(())
}

/// Puts by so many tasks for so long, over ten thousand keys.
async fn puts(
    etcd: &Etcd,
    writers: usize,
    value_bytes: usize,
    time: Duration,
) -> Result<Puts, Failure> {
    timed(writers, time, |number, count| {
        let (etcd, operation) = (etcd.clone(), put(number, value_bytes, count));
        async move { etcd.commit(Transaction::of(vec![operation])).await.map(drop) }
    })
    .await
}

/// Calls something from so many tasks for so long, over ten thousand keys, each waiting for its last
/// call. It is given the number of a key and of the call.
async fn timed<F, E>(
    writers: usize,
    time: Duration,
    call: impl Fn(usize, u64) -> F,
) -> Result<Puts, Failure>
where
    F: Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    let begun = Instant::now();
    let one = async |writer: usize| {
        let mut microseconds = vec![];
        for count in 0.. {
            if begun.elapsed() > time {
                break;
            }
            let sent = Instant::now();
            let called = call((writer + count * writers) % 10_000, count as u64);
            called.await.while_doing("putting")?;
            microseconds.push(sent.elapsed().as_secs_f64() * 1e6);
        }
        Ok::<_, Failure>(microseconds)
    };
    let all = futures_util::future::join_all((0..writers).map(one)).await;
    let all: Vec<f64> = all.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    let per_second = all.len() as f64 / begun.elapsed().as_secs_f64();
    Ok(Puts { writers, per_second, microseconds: distribution(all) })
}

/// Compacts up to where the store is, again and again.
async fn compact_on(etcd: Etcd) {
    loop {
        // Where nothing was written since, it is compacted already.
        drop(etcd.compact(etcd.snapshot().revision()).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Reads of one range after the other.
fn ranges(etcd: &Etcd, time: Duration) -> f64 {
    let (begun, mut count, mut bytes) = (Instant::now(), 0_u64, 0);
    let range = Range::Between(key(0), key(RANGE_KEYS));
    while begun.elapsed() < time {
        let store = etcd.snapshot();
        bytes += store.range(&range).map(|found| found.value.len()).sum::<usize>();
        count += 1;
    }
    std::hint::black_box(bytes);
    count as f64 / begun.elapsed().as_secs_f64()
}

/// How many events watches hear in a second while sixteen tasks write.
async fn watched(etcd: &Etcd, value_bytes: usize, time: Duration) -> Result<f64, Failure> {
    let heard = Arc::new(AtomicU64::new(0));
    let watches: Vec<_> = (0..WATCHES)
        .map(|_| {
            let (mut published, heard) = (etcd.subscribe(), Arc::clone(&heard));
            tokio::spawn(async move {
                let mut after = published.borrow().revision();
                while published.changed().await.is_ok() {
                    let store = published.borrow_and_update().clone();
                    let count = store.events_after(after).map_or(0, Iterator::count);
                    heard.fetch_add(count as u64, Ordering::Relaxed);
                    after = store.revision();
                }
            })
        })
        .collect();
    let begun = Instant::now();
    puts(etcd, WRITERS[1], value_bytes, time).await?;
    let rate = heard.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    watches.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(rate)
}

async fn close(etcd: Etcd) {
    let mut published = etcd.subscribe();
    drop(etcd);
    while published.changed().await.is_ok() {}
}

/// How long the store takes to open; it must hold what was put.
async fn restart(folder: &Path) -> Result<f64, Failure> {
    let begun = Instant::now();
    let etcd = Etcd::open(folder).while_doing("the store")?;
    let seconds = begun.elapsed().as_secs_f64();
    if etcd.snapshot().revision() == Revision(1) {
        return Err(Failure::cannot("the store has lost what was put"));
    }
    close(etcd).await;
    Ok(seconds)
}

/// How many bytes this process has had written to disks. Source: proc_pid_io(5).
fn bytes_to_disk() -> Result<f64, Failure> {
    const PATH: &str = "/proc/self/io";
    let text = std::fs::read_to_string(PATH).while_doing(PATH)?;
    let number = text.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok());
    number.ok_or_else(|| Failure::cannot(format!("{PATH}: there is no write_bytes")))
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |field: &str| self.machine[field].as_str().unwrap_or_default().to_owned();
        let (cpu, kernel) = (text("cpu"), text("kernel"));
        let cores = &self.machine["cores"];
        writeln!(formatter, "kanon {} on {cpu} ({cores} cores, Linux {kernel})", self.version)?;
        writeln!(formatter, "values of {} bytes; durable puts:", self.value_bytes)?;
        self.puts.iter().try_for_each(|puts| writeln!(formatter, "{puts}"))?;
        writeln!(formatter, "the same through gRPC:")?;
        writeln!(formatter, "{}", self.through_grpc)?;
        writeln!(formatter, "in-process while history is compacted ten times a second:")?;
        writeln!(formatter, "{}", self.puts_during_compaction)?;
        let Report { keys, range_keys, watches, .. } = self;
        writeln!(formatter, "{:.0} ranges of {range_keys} keys/s", self.ranges_per_second)?;
        writeln!(formatter, "{:.0} events/s to {watches} watches", self.watched_events_per_second)?;
        write!(
            formatter,
            "{keys} keys: {:.2} bytes written for each put, {:.1} MiB resident, restart in {:.2} s",
            self.bytes_written_per_byte, self.resident_mebibytes, self.restart_seconds
        )
    }
}

impl fmt::Display for Puts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |statistic: &str| self.microseconds[statistic].as_f64().unwrap_or(f64::NAN);
        write!(
            formatter,
            "  {:>3} writers {:>9.0}/s   p50 {:>7.0} µs  p99 {:>7.0} µs  p99.9 {:>7.0} µs",
            self.writers,
            self.per_second,
            at("median"),
            at("p99"),
            at("p999")
        )
    }
}
