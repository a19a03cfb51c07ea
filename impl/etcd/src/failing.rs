//! A disk that fails when it is told to; and what becomes of a store on it.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use store::{Bytes, Committed, LeaseId, Record, Store, Transaction};
use tokio::sync::{oneshot, watch};

use crate::disk::{Disk, Options};
use crate::part::{Part, Roomy};
use crate::power::run::{Deed, Run, busy, put as put_all};
use crate::recorded;
use crate::writer::{Message, Writer};
use crate::{CommitError, Etcd};

/// What fails from now on.
#[derive(Clone, Copy, Debug, Default)]
struct Fails {
    /// Appending, after half of the bytes.
    append: bool,
    sync: bool,
    cut: bool,
}

/// A file that fails as its plan says.
#[derive(Debug)]
struct FailingPart {
    file: Roomy,
    fails: Arc<Mutex<Fails>>,
}

impl FailingPart {
    fn fails(&self, what: fn(&Fails) -> bool) -> io::Result<()> {
        match what(&self.fails.lock().expect("nobody panics with it")) {
            true => Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on device")),
            false => Ok(()),
        }
    }
}

impl Part for FailingPart {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.fails(|fails| fails.append) {
            self.file.append(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.file.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.fails(|fails| fails.sync)?;
        self.file.sync()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.fails(|fails| fails.cut)?;
        self.file.cut(length)
    }
}

/// A disk that fails as told, and what it holds.
fn disk_on(folder: &Path) -> (Disk, Store, Arc<Mutex<Fails>>) {
    let (mut disk, store) = Disk::open(folder, Options::default()).expect("the folder is new");
    let fails = Arc::new(Mutex::new(Fails::default()));
    disk.wrap(|file| Box::new(FailingPart { file, fails: Arc::clone(&fails) }));
    (disk, store, fails)
}

/// A store on a disk that fails as told.
fn store_on(folder: &Path) -> (Etcd, Arc<Mutex<Fails>>) {
    let (disk, store, fails) = disk_on(folder);
    (Etcd::start(disk, store).expect("there are threads"), fails)
}

async fn put(etcd: &Etcd, key: &str) -> Result<(), CommitError> {
    let transaction = Transaction::create(key.as_bytes().into(), Bytes::from(&b"1"[..]));
    etcd.commit(transaction).await.map(drop)
}

/// The keys that a store has, and those that it has after it was opened again.
async fn keys_before_and_after(etcd: Etcd, folder: &Path) -> (Vec<String>, Vec<String>) {
    let keys = |etcd: &Etcd| -> Vec<String> {
        let store = etcd.snapshot();
        store.iter().map(|found| String::from_utf8_lossy(&found.key).into_owned()).collect()
    };
    let before = keys(&etcd);
    let mut published = etcd.subscribe();
    drop(etcd);
    while published.changed().await.is_ok() {}
    (before, keys(&Etcd::open(folder).expect("nothing is damaged")))
}

#[tokio::test]
async fn a_full_disk_refuses_and_takes_more_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let (etcd, fails) = store_on(folder.path());
    put(&etcd, "a").await.unwrap();

    fails.lock().unwrap().append = true;
    let refused = put(&etcd, "b").await;
    fails.lock().unwrap().append = false;
    put(&etcd, "c").await.unwrap();

    assert!(matches!(refused, Err(CommitError::Refused(_))), "{refused:?}");
    let (before, after) = keys_before_and_after(etcd, folder.path()).await;
    assert_eq!((&before, &after), (&vec!["a".to_owned(), "c".to_owned()], &before));
}

#[tokio::test]
async fn a_sync_that_fails_ends_all_writing() {
    let folder = tempfile::tempdir().unwrap();
    let (etcd, fails) = store_on(folder.path());
    put(&etcd, "a").await.unwrap();

    fails.lock().unwrap().sync = true;
    let broken = put(&etcd, "b").await;
    fails.lock().unwrap().sync = false;
    let later = put(&etcd, "c").await;

    assert!(matches!(broken, Err(CommitError::Broken(_))), "{broken:?}");
    assert!(matches!(later, Err(CommitError::Broken(_))), "{later:?}");
    let (before, after) = keys_before_and_after(etcd, folder.path()).await;
    assert_eq!(before, ["a"], "what is not known to be durable is not read");
    assert!(after.starts_with(&before) && !after.contains(&"c".to_owned()), "{after:?}");
}

#[tokio::test]
async fn a_write_that_cannot_be_taken_back_ends_all_writing() {
    let folder = tempfile::tempdir().unwrap();
    let (etcd, fails) = store_on(folder.path());
    put(&etcd, "a").await.unwrap();

    *fails.lock().unwrap() = Fails { append: true, sync: false, cut: true };
    let broken = put(&etcd, "b").await;
    *fails.lock().unwrap() = Fails::default();
    let later = put(&etcd, "c").await;

    assert!(matches!(broken, Err(CommitError::Broken(_))), "{broken:?}");
    assert!(matches!(later, Err(CommitError::Broken(_))), "{later:?}");
    let (before, after) = keys_before_and_after(etcd, folder.path()).await;
    assert_eq!((before, after), (vec!["a".to_owned()], vec!["a".to_owned()]));
}

/// Grants a lease; what comes of it.
fn grant(lease: i64) -> (Message, oneshot::Receiver<Result<Record, CommitError>>) {
    let (answer, answered) = oneshot::channel();
    let grant = move |store: &mut Store| {
        let witness: crate::Witness = Box::new(|_| {});
        Ok((store.grant(LeaseId(lease), 60)?, witness))
    };
    (Message::Change(Box::new(grant), answer), answered)
}

#[test]
fn a_refusal_that_rests_on_what_did_not_become_durable_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, store, fails) = disk_on(folder.path());
    let mut writer = Writer::new(disk, store.clone(), watch::channel(store).0);
    let ((first, mut granted), (second, mut refused)) = (grant(7), grant(7));

    fails.lock().unwrap().append = true;
    writer.write([first, second].into_iter());
    fails.lock().unwrap().append = false;

    for answered in [&mut granted, &mut refused] {
        let answer = answered.try_recv().unwrap();
        assert!(matches!(answer, Err(CommitError::Refused(_))), "{answer:?}");
    }
    let (again, mut granted) = grant(7);
    writer.write(std::iter::once(again));
    assert!(granted.try_recv().unwrap().is_ok(), "nobody has that lease");
}

#[test]
fn what_is_too_much_for_one_fsync_waits_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, store, _) = disk_on(folder.path());
    let mut writer = Writer::new(disk, store.clone(), watch::channel(store).0);
    let put = |key: &str| {
        let value = Bytes::from(vec![b'a'; 10 * 1024 * 1024]);
        let (answer, answered) = oneshot::channel::<Result<Committed, CommitError>>();
        let put = Transaction::create(key.as_bytes().into(), value);
        (Message::Commit(put, Box::new(|_| {}), answer), answered)
    };
    let (messages, mut answers): (Vec<_>, Vec<_>) = ["a", "b", "c"].map(put).into_iter().unzip();
    let mut waiting = messages.into_iter();

    writer.write(waiting.by_ref());

    assert_eq!(waiting.len(), 1);
    assert!(answers[1].try_recv().unwrap().is_ok());
    writer.write(waiting);
    assert!(answers[2].try_recv().unwrap().is_ok());
}

/// Opens a store again that was written to, which finds what it must hold, and writes.
fn check_again(mut run: Run) {
    run.close();
    run.recorder.fail(recorded::Fails::default());

    run.open().expect("nothing is damaged");
    run.perform(&Deed::Commit(vec![put_all("last", vec![1])]));

    check_written(&run, "last");
}

fn check_written(run: &Run, key: &str) {
    let store = run.past.last().expect("there is a beginning");
    assert!(!run.is_broken && store.get(key.as_bytes()).is_some(), "{key} is missing");
}

#[test]
fn whichever_call_fails_once_what_was_acknowledged_is_there() {
    for call in 0.. {
        let mut run = Run::new();
        run.recorder.fail(recorded::Fails::once(call));

        busy().iter().for_each(|deed| run.perform(deed));

        let has_failed = run.recorder.made() > call;
        check_again(run);
        if !has_failed {
            break;
        }
    }
}

#[test]
fn a_disk_that_was_full_for_a_while_takes_more_whatever_was_being_written() {
    let deeds = busy();
    for call in 0.. {
        let mut run = Run::new();
        run.recorder.fail(recorded::Fails::full_from(call));
        deeds[..20].iter().for_each(|deed| run.perform(deed));
        let was_full = run.recorder.made() > call;
        run.recorder.fail(recorded::Fails::default());

        run.perform(&Deed::Commit(vec![put_all("first", vec![1])]));

        check_written(&run, "first");
        deeds[20..40].iter().for_each(|deed| run.perform(deed));
        check_again(run);
        if !was_full {
            break;
        }
    }
}
