//! A process that writes from many tasks is killed, again and again: what was acknowledged is there.
//!
//! Run with `KANON_KILLS=1000` for a long night; 30 kills otherwise. The program is both: it writes if it
//! is given a folder in `KANON_KILL_CHILD`, and else starts itself and kills what it has started.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use etcd::Etcd;
use libtest_mimic::{Arguments, Failed, Trial};
use store::{Bytes, Event, Revision, Store, Transaction};

const WRITERS: usize = 64;
/// Keys that several writers change, each from what it has read.
const SHARED: usize = 4;
const CHILD: &str = "KANON_KILL_CHILD";

fn main() -> ExitCode {
    if let Some(folder) = std::env::var_os(CHILD) {
        return write_for_ever(Path::new(&folder));
    }
    let trial = Trial::test("what_was_acknowledged_survives_every_kill", || {
        survives().map_err(Failed::from)
    });
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

/// Writes until it is killed; a line for each write that was acknowledged.
fn write_for_ever(folder: &Path) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("there are threads");
    runtime.block_on(async {
        let etcd = Etcd::open(folder).expect("nothing is damaged");
        let writers = (0..WRITERS).map(|writer| tokio::spawn(write(etcd.clone(), writer)));
        for writer in writers.collect::<Vec<_>>() {
            writer.await.expect("a writer does not panic");
        }
    });
    ExitCode::SUCCESS
}

async fn write(etcd: Etcd, writer: usize) {
    let key = match writer % 2 {
        0 => format!("own-{writer}"),
        _ => format!("shared-{}", writer % SHARED),
    };
    for count in 0_u64.. {
        let key = Bytes::from(key.as_bytes());
        let read = etcd.snapshot().get(&key).map_or(Revision(0), |found| found.mod_revision);
        let value = Bytes::from(format!("{writer} {count} {read}").as_bytes());
        let transaction = match read {
            Revision(0) => Transaction::create(key.clone(), value),
            read => Transaction::update(key.clone(), read, value),
        };
        let committed = etcd.commit(transaction).await.expect("the disk takes it");
        if committed.succeeded {
            let key = String::from_utf8_lossy(&key).into_owned();
            let line = format!("{key} {writer} {count} {read} {}\n", committed.revision);
            std::io::stdout().write_all(line.as_bytes()).expect("somebody reads");
        }
    }
}

/// What a writer was told.
#[derive(Debug)]
struct Acknowledged {
    key: String,
    value: String,
    revision: Revision,
}

fn survives() -> Result<(), String> {
    let kills = std::env::var("KANON_KILLS").map_or(Ok(30), |text| text.parse::<u64>());
    let kills = kills.map_err(|error| format!("KANON_KILLS: {error}"))?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut seen = Revision(1);
    for kill in 0..kills {
        let acknowledged = killed_after(folder.path(), 50 + kill * 37 % 400)?;
        let store = reopened(folder.path())?;
        check(&store, &acknowledged, seen).map_err(|why| format!("kill {kill}: {why}"))?;
        seen = store.revision();
    }
    Ok(())
}

/// Starts a writing process and kills it once it has acknowledged so many writes.
fn killed_after(folder: &Path, writes: u64) -> Result<Vec<Acknowledged>, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let output = child.stdout.take().ok_or("there is no pipe")?;
    let mut acknowledged = vec![];
    for line in BufReader::new(output).lines() {
        // A line that was cut by the kill was not heard.
        acknowledged.extend(line.ok().as_deref().and_then(parse));
        if acknowledged.len() as u64 == writes {
            child.kill().map_err(|error| error.to_string())?;
        }
    }
    child.wait().map_err(|error| error.to_string())?;
    match acknowledged.len() as u64 >= writes {
        true => Ok(acknowledged),
        false => Err(format!("the writer ended after {} writes", acknowledged.len())),
    }
}

fn parse(line: &str) -> Option<Acknowledged> {
    let words: Vec<_> = line.split(' ').collect();
    let [key, writer, count, read, revision] = words.as_slice() else { return None };
    Some(Acknowledged {
        key: (*key).to_owned(),
        value: format!("{writer} {count} {read}"),
        revision: Revision(revision.parse().ok()?),
    })
}

fn reopened(folder: &Path) -> Result<Store, String> {
    let etcd = Etcd::open(folder).map_err(|error| error.to_string())?;
    let store = etcd.snapshot();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let mut published = etcd.subscribe();
        drop(etcd);
        while published.changed().await.is_ok() {}
    });
    Ok(store)
}

/// Every acknowledged write is at its revision; revisions have no gap; each change of a key was made
/// from the one before, so that the order of revisions is an order in which one after the other could
/// have written.
fn check(store: &Store, acknowledged: &[Acknowledged], seen: Revision) -> Result<(), String> {
    let events: Vec<_> = store.events_after(seen).map_err(|expired| expired.to_string())?.collect();
    let mut due = seen;
    let mut by_revision = BTreeMap::new();
    for event in &events {
        due = due.next();
        if event.now.mod_revision != due {
            return Err(format!("revision {due} is missing"));
        }
        made_from_the_one_before(event)?;
        by_revision.insert(event.now.mod_revision, *event);
    }
    for Acknowledged { key, value, revision } in acknowledged {
        let event = by_revision.get(revision).ok_or(format!("revision {revision} is lost"))?;
        if *event.now.key != *key.as_bytes() || *event.now.value != *value.as_bytes() {
            return Err(format!("revision {revision} is not {value} of {key}"));
        }
    }
    Ok(())
}

/// The value says from which revision its writer made it.
fn made_from_the_one_before(event: &Event) -> Result<(), String> {
    let value = String::from_utf8_lossy(&event.now.value).into_owned();
    let before = event.before.as_ref().map_or(Revision(0), |before| before.mod_revision);
    match value.ends_with(&format!(" {before}")) {
        true => Ok(()),
        false => Err(format!("{value:?} was written over what revision {before} had left")),
    }
}
