//! A process that writes, reads and watches from many tasks is killed, again and again: what was acknowledged is there.
//!
//! Run with `KANON_KILLS=1000` for a long night; 30 kills otherwise. `KANON_KILL_SEED` is another number for other
//! moments. The program is both: it writes if it is given a folder in `KANON_KILL_CHILD`, and else starts itself and
//! kills what it has started.

mod child;
mod history;
mod line;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use etcd::OpenError;
use libtest_mimic::{Arguments, Failed, Trial};
use store::Store;

use crate::history::History;
use crate::line::Line;

const CHILD: &str = "KANON_KILL_CHILD";
const ROUND: &str = "KANON_KILL_ROUND";
const HEARD: &str = "KANON_KILL_HEARD";

/// A killed process has lived so long, in microseconds, at the most: before something was acknowledged, or after.
const LIFE_MICROSECONDS: u64 = 150_000;

const SIGKILL: i32 = 9;

fn main() -> ExitCode {
    if let Some(folder) = std::env::var_os(CHILD) {
        let [round, heard] = [ROUND, HEARD].map(|name| number(name, 0).expect("it was given"));
        return child::live(Path::new(&folder), round, heard);
    }
    let trial = Trial::test("what_was_acknowledged_survives_every_kill", || {
        survives().map_err(Failed::from)
    });
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

/// A number from the environment.
fn number(name: &str, otherwise: u64) -> Result<u64, String> {
    let number = std::env::var(name).map_or(Ok(otherwise), |text| text.parse::<u64>());
    number.map_err(|error| format!("{name}: {error}"))
}

fn survives() -> Result<(), String> {
    let (kills, seed) = (number("KANON_KILLS", 30)?, number("KANON_KILL_SEED", 0)?);
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (mut history, mut files) = (History::default(), BTreeSet::new());
    for kill in 0..kills {
        let moment = Moment::of(seed, kill);
        let lines = lines_until(moment, folder.path(), kill, history.heard())
            .map_err(|error| format!("seed {seed}, kill {kill}: {error}"))?;
        files.extend(names(folder.path()).map_err(|error| error.to_string())?);
        held(folder.path(), lines.is_empty() && history.is_empty())
            .and_then(|store| history.continue_with(&lines, &store))
            .map_err(|why| format!("seed {seed}, kill {kill}, {moment:?}: {why}"))?;
    }
    let seen = |kind| files.iter().filter(|name| name.starts_with(kind)).count() as u64;
    let (parts, snapshots) = (seen("wal-"), seen("snapshot-"));
    let told = format!(
        "{kills} kills with seed {seed}: {history}; {parts} parts and {snapshots} snapshots seen"
    );
    println!("{told}");
    match history.is_rich(kills) && parts.min(snapshots) > kills / 8 {
        true => Ok(()),
        false => Err(format!("little has happened: {told}")),
    }
}

/// What the store in a folder holds. A new one may not be there yet.
fn held(folder: &Path, is_new: bool) -> Result<Store, String> {
    match etcd::tools::inspect(folder) {
        Ok(inspected) => Ok(inspected.store),
        Err(OpenError::Foreign { .. } | OpenError::Io { .. }) if is_new => Ok(Store::default()),
        Err(error) => Err(error.to_string()),
    }
}

/// When a process is killed.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// Whether it has acknowledged something before that; else it may not even have opened the store.
    is_writing: bool,
    microseconds: u64,
}

impl Moment {
    fn of(seed: u64, kill: u64) -> Self {
        let mut hasher = DefaultHasher::new();
        (seed, kill).hash(&mut hasher);
        let chance = hasher.finish();
        Self { is_writing: !chance.is_multiple_of(4), microseconds: chance / 4 % LIFE_MICROSECONDS }
    }
}

/// Starts a process and kills it. What it has said until then.
fn lines_until(moment: Moment, folder: &Path, round: u64, heard: u64) -> io::Result<Vec<Line>> {
    let mut child = Command::new(std::env::current_exe()?)
        .envs([(ROUND, round.to_string()), (HEARD, heard.to_string())])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let (tell, told) = mpsc::channel();
    let killing = std::thread::spawn(move || kill(child, moment, &told));
    let mut lines = vec![];
    for line in BufReader::new(output).lines() {
        let line = line?;
        let parsed = Line::parse(&line).ok_or_else(|| io::Error::other(line))?;
        if matches!(parsed, Line::Wrote(..)) {
            // Who was killed does not listen any more.
            tell.send(()).ok();
        }
        lines.push(parsed);
    }
    drop(tell);
    let status = killing.join().map_err(|_| io::Error::other("it cannot be killed"))??;
    match status.signal() {
        Some(SIGKILL) => Ok(lines),
        Some(_) | None => Err(io::Error::other(format!("it ended by itself: {status}"))),
    }
}

fn kill(mut child: Child, moment: Moment, told: &mpsc::Receiver<()>) -> io::Result<ExitStatus> {
    if moment.is_writing && told.recv().is_err() {
        return child.wait();
    }
    let deadline = Instant::now() + Duration::from_micros(moment.microseconds);
    // Whether it ends by itself is waited for; what it does until then is what is tried.
    while told.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok() {}
    child.kill()?;
    child.wait()
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder)?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}
