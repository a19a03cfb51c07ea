//! A store that is written to in a watched folder, and what is known of what it holds.

use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use store::{
    Bytes, Committed, LeaseId, Operation, Put, Range, Record, Refusal, Revision, Store, Transaction,
};
use tokio::runtime::Runtime;

use crate::disk::OpenError;
use crate::files::numbered;
use crate::recorded::Recorder;
use crate::{CommitError, Etcd, Options};

/// So that a part of the log is replaced after a few writes.
pub(crate) const SHORT: Options = Options { part_bytes_min: 4 * 1024 };

/// Where the store is in the watched folder: it has to make a folder above it, too.
const STORE: &str = "of/store";

/// What is done to a store.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Transactions that come at the same time.
    Commit(Vec<Transaction>),
    /// A value that reads like the log.
    CommitLog,
    Grant(i64),
    Revoke(i64),
    /// Forgets all but the last revisions, so many.
    Compact(u64),
    Defragment,
    Reopen,
}

/// What was answered, and how the same is done to another store.
type Answer<'a> = (Result<Option<Record>, CommitError>, Again<'a>);
type Again<'a> = Box<dyn FnOnce(&mut Store) -> Result<Option<Record>, Refusal> + 'a>;

/// A store, or what is left of it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) recorder: Recorder,
    runtime: Runtime,
    etcd: Option<Etcd>,
    /// What it held after each change, or may have held behind those that are certain. What was not found when it was
    /// opened again may have been there before.
    pub(crate) past: Vec<Store>,
    certain: usize,
    /// It takes no more writes until it is opened again.
    pub(crate) is_broken: bool,
}

impl Run {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        Self {
            recorder: Recorder::new(),
            runtime: runtime.expect("there are threads"),
            etcd: None,
            past: vec![Store::default()],
            certain: 0,
            is_broken: false,
        }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        folder_in(&self.recorder)
    }

    /// Opens the store unless it is open. What it holds is certain then.
    pub(crate) fn open(&mut self) -> Result<(), OpenError> {
        if self.etcd.is_none() {
            let etcd = Etcd::open_with(&self.folder(), SHORT)?;
            let store = etcd.snapshot();
            let found = position(&store, &self.past[self.certain..]);
            assert!(found.is_some(), "what was acknowledged is there, and nothing else: {store:?}");
            self.note_certain(store);
            (self.etcd, self.is_broken) = (Some(etcd), false);
        }
        Ok(())
    }

    /// Closes the store and waits until the files are free.
    pub(crate) fn close(&mut self) {
        let Some(etcd) = self.etcd.take() else { return };
        self.runtime.block_on(async {
            let mut published = etcd.subscribe();
            drop(etcd);
            while published.changed().await.is_ok() {}
        });
    }

    /// Does something, unless the store cannot be opened for it.
    pub(crate) fn perform(&mut self, deed: &Deed) {
        if matches!(deed, Deed::Reopen) {
            self.close();
        }
        match self.open() {
            // The disk fails: it is tried again with the next deed.
            Ok(()) | Err(OpenError::Io { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        if matches!(deed, Deed::CommitLog) && self.etcd.is_some() {
            let value = newest_part(&self.folder());
            return self.perform(&Deed::Commit(vec![put("log", value)]));
        }
        if let Some(etcd) = self.etcd.clone() {
            let answers = self.runtime.block_on(answers(&etcd, deed));
            self.learn(answers);
        }
    }

    /// Notes what the store holds now, or may hold. What was refused is not there any more.
    fn learn(&mut self, answers: Vec<Answer<'_>>) {
        let was_broken = self.is_broken;
        for (answer, again) in answers {
            match answer {
                Ok(Some(record)) => {
                    assert!(!self.is_broken, "nothing is written after what may have been lost");
                    let mut store = self.past[self.certain].clone();
                    store.apply(&record);
                    self.note_certain(store);
                }
                Ok(None) | Err(CommitError::Invalid(_)) => {}
                Err(error) => {
                    self.is_broken |= matches!(error, CommitError::Broken(_));
                    let mut store = self.past.last().expect("there is a beginning").clone();
                    self.past.extend((!was_broken && again(&mut store).is_ok()).then_some(store));
                }
            }
        }
        if !self.is_broken && self.certain + 1 < self.past.len() {
            self.note_certain(self.past[self.certain].clone());
        }
    }

    fn note_certain(&mut self, store: Store) {
        self.past.push(store);
        self.certain = self.past.len() - 1;
        self.recorder.note(self.certain);
    }
}

async fn answers<'a>(etcd: &Etcd, deed: &'a Deed) -> Vec<Answer<'a>> {
    let (answer, again): (_, Again<'_>) = match deed {
        Deed::Commit(transactions) => return committed(etcd, transactions).await,
        Deed::Grant(lease) => {
            let lease = LeaseId(*lease);
            (etcd.grant(lease, 60).await, Box::new(move |store| store.grant(lease, 60).map(Some)))
        }
        Deed::Revoke(lease) => {
            let lease = LeaseId(*lease);
            (etcd.revoke(lease).await, Box::new(move |store| store.revoke(lease).map(Some)))
        }
        Deed::Compact(kept) => {
            let revision = Revision(etcd.snapshot().revision().0.saturating_sub(*kept));
            (etcd.compact(revision).await, Box::new(move |store| store.compact(revision).map(Some)))
        }
        Deed::Defragment => {
            // If it fails, the log is as it was.
            etcd.defragment().await.ok();
            return vec![];
        }
        Deed::CommitLog | Deed::Reopen => return vec![],
    };
    vec![(answer.map(Some), again)]
}

async fn committed<'a>(etcd: &Etcd, transactions: &'a [Transaction]) -> Vec<Answer<'a>> {
    let together = transactions.iter().map(|transaction| etcd.commit(transaction.clone()));
    let answers = join_all(together).await.into_iter().zip(transactions);
    let answer = |(answer, transaction): (Result<Committed, CommitError>, &'a Transaction)| {
        let again: Again<'_> = Box::new(|store| Ok(store.commit(transaction)?.record));
        (answer.map(|committed| committed.record), again)
    };
    answers.map(answer).collect()
}

pub(crate) fn folder_in(recorder: &Recorder) -> PathBuf {
    recorder.path().join(STORE)
}

/// Which of these stores it is, in all that can be asked of it.
pub(crate) fn position(store: &Store, past: &[Store]) -> Option<usize> {
    let remembered = |store: &Store| {
        let events = store.events_after(Revision(store.oldest().0 - 1));
        events.expect("it is remembered").cloned().collect::<Vec<_>>()
    };
    let numbers = |store: &Store| [store.revision(), store.compacted(), store.oldest()];
    past.iter().position(|then| {
        numbers(store) == numbers(then)
            && store.iter().eq(then.iter())
            && store.leases().eq(then.leases())
            && remembered(store) == remembered(then)
    })
}

/// Sets keys at one revision, each to the same value.
pub(crate) fn put(keys: &str, value: Vec<u8>) -> Transaction {
    let value = Bytes::from(value);
    let puts = keys.split(' ').map(|key| Put::new(key.as_bytes().into(), value.clone()));
    Transaction::of(puts.map(Operation::Put).collect())
}

fn delete(key: &str) -> Transaction {
    Transaction::of(vec![Operation::Delete(Range::Key(key.as_bytes().into()))])
}

fn put_leased(key: &str, lease: i64) -> Transaction {
    let lease = Some(LeaseId(lease));
    let put = Put { lease, ..Put::new(key.as_bytes().into(), b"leased"[..].into()) };
    Transaction::of(vec![Operation::Put(put)])
}

/// A bit of everything, over several parts of the log.
pub(crate) fn busy() -> Vec<Deed> {
    let text =
        |number: usize| vec![b'a' + u8::try_from(number % 26).unwrap_or(0); number * 379 % 1700];
    let mut deeds = vec![];
    for round in 0..6 {
        let value = |number: usize| text(round * 10 + number);
        deeds.extend([
            Deed::Commit(vec![put("a b c", value(1))]),
            Deed::Grant(7),
            Deed::Commit(vec![put_leased("d", 7), put("a", value(2)), put("b e", value(3))]),
            Deed::Commit(vec![put("zeros", vec![0; 1500])]),
            Deed::Commit(vec![delete("c"), put("f", value(4))]),
            Deed::CommitLog,
            Deed::Revoke(7),
            Deed::Compact(3),
            Deed::Commit(vec![put("a", value(5))]),
        ]);
        deeds.push(if round % 2 == 0 { Deed::Defragment } else { Deed::Reopen });
    }
    deeds
}

/// What the last part of the log begins with.
fn newest_part(folder: &Path) -> Vec<u8> {
    let parts = numbered(folder, "wal").expect("the folder is there");
    let (_, path) = parts.last().expect("there is a log");
    let mut bytes = std::fs::read(path).expect("it is there");
    bytes.truncate(2048);
    bytes
}
