//! The process that is killed. Many tasks write, read and watch, and say so.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use etcd::{Etcd, Options};
use store::{
    Bytes, Committed, Event, EventKind, LeaseId, Operation, Outcome, Put, Query, Range, Revision,
    Store, Transaction,
};
use tokio::task::JoinSet;

use crate::line::{Change, Line, Number};

const WRITERS: usize = 64;
const READERS: usize = 4;
/// How many keys, or groups of keys, several writers change.
const SHARED: usize = 4;
/// How many keys are in a group, which is written at once.
pub(crate) const GROUP: usize = 4;
/// So that parts of the log are replaced all the time.
const SHORT: Options = Options { part_bytes_min: 16 * 1024 };
/// How many revisions are remembered that were heard of.
const REMEMBERED: Number = 100;

/// Writes until it is killed.
pub(crate) fn live(folder: &Path, round: u64, heard: Number) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("there are threads");
    runtime.block_on(async {
        let etcd = Etcd::open_with(folder, SHORT).expect("nothing is damaged");
        say(&Line::Opened(etcd.snapshot().revision().0));
        let heard = Arc::new(AtomicU64::new(heard));
        let mut tasks = JoinSet::new();
        tasks.spawn(watch(etcd.clone(), Arc::clone(&heard)));
        tasks.spawn(compact(etcd.clone(), heard));
        for number in 0..WRITERS {
            tasks.spawn(Writer { etcd: etcd.clone(), round, number }.write());
        }
        for number in 0..READERS {
            tasks.spawn(read(etcd.clone(), format!("{round}.reader-{number}")));
        }
        while let Some(ended) = tasks.join_next().await {
            ended.expect("no task panics");
        }
    });
    ExitCode::SUCCESS
}

/// The value that is written under a name: as long as the name says, and mostly zeros, as what a disk has lost is.
pub(crate) fn value(name: &str) -> Vec<u8> {
    let zeros = name.bytes().map(usize::from).sum::<usize>() * 37 % 900;
    let mut value = name.as_bytes().to_vec();
    value.resize(value.len() + zeros, 0);
    value
}

/// Under which name a value was written.
pub(crate) fn name(value: &[u8]) -> String {
    let name = value.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// What happened at one revision.
pub(crate) fn changes<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<Change> {
    let change = |event: &Event| Change {
        key: String::from_utf8_lossy(&event.now.key).into_owned(),
        written: match event.kind {
            EventKind::Put => Some((name(&event.now.value), event.now.lease.0)),
            EventKind::Delete => None,
        },
    };
    events.into_iter().map(change).collect()
}

fn say(line: &Line) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).expect("somebody listens");
}

struct Writer {
    etcd: Etcd,
    round: u64,
    number: usize,
}

impl Writer {
    async fn write(self) {
        for count in 0.. {
            let name = format!("{}.{}.{count}", self.round, self.number);
            match self.number % 4 {
                0 => self.commit(&name, put(&format!("own-{}", self.number), &name, 0)).await,
                1 => self.update(name).await,
                2 => self.commit(&name, group(self.number / 4 % SHARED, count, &name)).await,
                _ => self.lease(&name, count).await,
            }
        }
    }

    async fn commit(&self, name: &str, transaction: Transaction) {
        say(&Line::Begins(name.to_owned()));
        let committed = self.etcd.commit(transaction).await.expect("the disk takes it");
        let revision = committed.revision.0;
        say(&match committed.succeeded {
            true => Line::Wrote(name.to_owned(), revision),
            false => Line::Kept(name.to_owned(), revision),
        });
    }

    /// Changes a key that others change too. The name says over what it is written.
    async fn update(&self, name: String) {
        let key = Bytes::from(format!("shared-{}", self.number / 4 % SHARED).as_bytes());
        let read = self.etcd.snapshot().get(&key).map_or(Revision(0), |found| found.mod_revision);
        let name = format!("{name}.{read}");
        let value = Bytes::from(value(&name));
        let transaction = match read {
            Revision(0) => Transaction::create(key, value),
            read => Transaction::update(key, read, value),
        };
        self.commit(&name, transaction).await;
    }

    /// Has a key end with a lease.
    async fn lease(&self, name: &str, count: i64) {
        let round = i64::try_from(self.round).unwrap_or(0) + 1;
        let number = i64::try_from(self.number).unwrap_or(0);
        let lease = (round * 100 + number) * 1_000_000 + count;
        self.etcd.grant(LeaseId(lease), 60).await.expect("nobody has it");
        say(&Line::Granted(lease));
        self.commit(name, put(&format!("leased-{}", self.number), name, lease)).await;
        say(&Line::Revokes(lease));
        self.etcd.revoke(LeaseId(lease)).await.expect("it was granted");
        say(&Line::Revoked(lease));
    }
}

fn put(key: &str, name: &str, lease: i64) -> Transaction {
    let put = Put::new(key.as_bytes().into(), value(name).into());
    Transaction::of(vec![Operation::Put(Put { lease: Some(LeaseId(lease)), ..put })])
}

/// Writes all keys of a group at once. Each other time the first of them is deleted.
fn group(group: usize, count: i64, name: &str) -> Transaction {
    let keys = (0..GROUP).map(|key| Bytes::from(format!("group-{group}-{key}").as_bytes()));
    let operation = |(number, key): (usize, Bytes)| match number == 0 && count % 2 == 1 {
        true => Operation::Delete(Range::Key(key)),
        false => Operation::Put(Put::new(key, value(name).into())),
    };
    Transaction::of(keys.enumerate().map(operation).collect())
}

/// Reads one key after the other whenever something has changed: what is published, and in its turn.
async fn read(etcd: Etcd, reader: String) {
    let mut published = etcd.subscribe();
    for count in 0_usize.. {
        let key = match count % 3 {
            0 => format!("own-{}", count * 4 % WRITERS),
            1 => format!("shared-{}", count % SHARED),
            _ => format!("group-{}-0", count % SHARED),
        };
        let name = format!("{reader}.{count}");
        say(&Line::Begins(name.clone()));
        let (revision, modified) = match count % 2 {
            0 => read_published(&etcd.snapshot(), &key),
            _ => read_in_turn(&etcd, &key).await,
        };
        say(&Line::Read(name, revision, key, modified));
        published.changed().await.expect("the store is open");
    }
}

fn read_published(store: &Store, key: &str) -> (Number, Number) {
    let modified = store.get(key.as_bytes()).map_or(0, |found| found.mod_revision.0);
    (store.revision().0, modified)
}

async fn read_in_turn(etcd: &Etcd, key: &str) -> (Number, Number) {
    let query = Query::all(Range::Key(key.as_bytes().into()));
    let read = Transaction::of(vec![Operation::Read(query)]);
    let Committed { revision, outcomes, .. } = etcd.commit(read).await.expect("it can be read");
    let modified = outcomes.iter().flat_map(|outcome| match outcome {
        Outcome::Read(found) => found.keys.first().map(|found| found.mod_revision.0),
        Outcome::Put(_) | Outcome::Deleted(_) | Outcome::Transaction(..) => None,
    });
    (revision.0, modified.sum())
}

/// Goes on where it was when the process before was killed.
async fn watch(etcd: Etcd, heard: Arc<AtomicU64>) {
    let mut published = etcd.subscribe();
    loop {
        let store = published.borrow_and_update().clone();
        let after = Revision(heard.load(Ordering::Relaxed));
        let events: Vec<_> = store.events_after(after).expect("it is remembered").collect();
        for events in events.chunk_by(|one, next| one.now.mod_revision == next.now.mod_revision) {
            let revision = events[0].now.mod_revision.0;
            say(&Line::Heard(revision, changes(events.iter().copied())));
            heard.store(revision, Ordering::Relaxed);
        }
        published.changed().await.expect("the store is open");
    }
}

/// Forgets what was heard of, and has it take no room.
async fn compact(etcd: Etcd, heard: Arc<AtomicU64>) {
    let mut published = etcd.subscribe();
    for count in 0_u64.. {
        let ready = |store: &Store| {
            let until = heard.load(Ordering::Relaxed).saturating_sub(REMEMBERED);
            until > store.compacted().0 + REMEMBERED / 2
        };
        published.wait_for(ready).await.expect("the store is open");
        let until = heard.load(Ordering::Relaxed) - REMEMBERED;
        etcd.compact(Revision(until)).await.expect("it was not compacted");
        say(&Line::Compacted(until));
        if count % 2 == 1 {
            etcd.defragment().await.expect("there is room");
        }
    }
}
