//! Files that are cut short, have a bit flipped or miss a sector, at every place; and files that are not there, or
//! not the store's own.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use etcd::Etcd;
use etcd::tools::inspect;
use store::{Bytes, LeaseId, Operation, Put, Range, Revision, Store, Transaction, log};

const SECTOR_BYTES: usize = 512;

/// A small store with a snapshot and three parts of the log behind it, as files; and what it holds.
struct Small {
    folder: tempfile::TempDir,
    /// What it held after each revision, the last at the end.
    past: Vec<Store>,
}

impl Small {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is room");
        let etcd = Etcd::open(folder.path()).expect("the folder is new");
        let mut past = vec![etcd.snapshot()];
        etcd.grant(LeaseId(7), 60).await.expect("it is free");
        put(&etcd, "a", b"value", 0, &mut past).await;
        put(&etcd, "b", &[0; 600], 7, &mut past).await;
        etcd.defragment().await.expect("the disk takes it");
        put(&etcd, "c", b"value", 0, &mut past).await;
        part_without_snapshot(&etcd, folder.path(), 2).await;
        put(&etcd, "b", &[0; 600], 0, &mut past).await;
        etcd.compact(Revision(3)).await.expect("it goes forward");
        part_without_snapshot(&etcd, folder.path(), 3).await;
        let delete = Operation::Delete(Range::Key(b"a"[..].into()));
        etcd.commit(Transaction::of(vec![delete])).await.expect("the store takes it");
        past.push(etcd.snapshot());
        put(&etcd, "zeros", &[0; 3 * SECTOR_BYTES], 7, &mut past).await;
        close(etcd).await;
        Self { folder, past }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// All files but the lock, with what is in them.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = files_of(self.folder.path());
        files.retain(|path, _| !path.ends_with("lock"));
        files
    }

    /// Whether a store holds what this one held at its revision.
    fn held(&self, store: &Store) -> bool {
        let then = self.past.iter().find(|past| past.revision() == store.revision());
        then.is_some_and(|then| store.iter().eq(then.iter()))
    }
}

async fn put(etcd: &Etcd, key: &str, value: &[u8], lease: i64, past: &mut Vec<Store>) {
    let (value, lease) = (Some(Bytes::from(value)), Some(LeaseId(lease)));
    let put = Operation::Put(Put { key: key.as_bytes().into(), value, lease });
    etcd.commit(Transaction::of(vec![put])).await.expect("the store takes it");
    past.push(etcd.snapshot());
}

/// Begins a part of the log whose snapshot cannot be written.
async fn part_without_snapshot(etcd: &Etcd, folder: &Path, number: u64) {
    let in_the_way = folder.join(format!("snapshot-{number}.new"));
    std::fs::create_dir(&in_the_way).expect("it can be made");
    etcd.defragment().await.expect_err("the snapshot cannot be written");
    std::fs::remove_dir(&in_the_way).expect("it is there");
}

async fn close(etcd: Etcd) {
    let mut published = etcd.subscribe();
    drop(etcd);
    while published.changed().await.is_ok() {}
}

fn files_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("it is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    paths.map(|path| (path.clone(), std::fs::read(path).expect("it can be read"))).collect()
}

/// What a folder holds, or why it is refused: then nothing is changed by the attempt.
async fn opened(folder: &Path) -> Result<Store, String> {
    let before = files_of(folder);
    match Etcd::open(folder) {
        Ok(etcd) => {
            let store = etcd.snapshot();
            close(etcd).await;
            Ok(store)
        }
        Err(error) => {
            assert!(files_of(folder) == before, "it was changed: {error}");
            Err(error.to_string())
        }
    }
}

/// The same, after these bytes were put in the place of a file.
async fn reopened(folder: &Path, file: &Path, bytes: &[u8]) -> Result<Store, String> {
    let sound = std::fs::read(file).expect("it can be read");
    overwrite(file, bytes).expect("it can be written");
    let opened = opened(folder).await;
    overwrite(file, &sound).expect("it can be written");
    opened
}

/// Some file systems wait for the disk where a file is emptied first.
fn overwrite(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).open(file)?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)
}

fn names(error: &str, file: &Path) -> bool {
    error.starts_with(&*file.to_string_lossy())
}

#[tokio::test]
async fn a_small_store_has_all_kinds_of_files() {
    let small = Small::new().await;

    let store = opened(small.folder.path()).await.expect("nothing is damaged");

    let files = ["snapshot-1", "store", "wal-1", "wal-2", "wal-3"].map(|name| small.path(name));
    assert!(small.files().keys().eq(&files), "{:?}", small.files().keys());
    assert!(small.held(&store) && Some(store.revision()) == small.past.last().map(Store::revision));
}

#[tokio::test]
async fn a_flipped_bit_anywhere_is_named_with_its_file() {
    let small = Small::new().await;

    for (file, sound) in small.files() {
        for byte in 0..sound.len() {
            let mut damaged = sound.clone();
            damaged[byte] ^= 1 << (byte % 8);

            let error = reopened(small.folder.path(), &file, &damaged).await.expect_err("damage");

            assert!(names(&error, &file), "byte {byte}: {error}");
        }
    }
}

#[tokio::test]
async fn a_file_that_is_cut_anywhere_is_named_but_for_the_end_of_the_log() {
    let small = Small::new().await;

    for (file, sound) in small.files() {
        let head = if file == small.path("wal-3") { log::HEAD_BYTES } else { sound.len() };
        for end in 0..head {
            let error = reopened(small.folder.path(), &file, &sound[..end]).await;

            let error = error.expect_err("it is not the end of the log");
            assert!(names(&error, &file), "cut at {end}: {error}");
        }
    }
}

#[tokio::test]
async fn a_log_that_is_cut_anywhere_holds_what_was_written_before() {
    let small = Small::new().await;
    let wal = small.path("wal-3");
    let sound = std::fs::read(&wal).expect("it can be read");
    let mut before = small.past[small.past.len() - 3].revision();

    for end in log::HEAD_BYTES..=sound.len() {
        overwrite(&wal, &sound[..end]).expect("it can be written");

        let store = inspect(small.folder.path()).expect("it is torn").store;

        // Opening it waits for the disk.
        if end % 16 == 0 {
            let opened = opened(small.folder.path()).await.expect("it is torn");
            assert_eq!(opened.revision(), store.revision());
            assert!(sound.starts_with(&std::fs::read(&wal).expect("it is there")), "cut at {end}");
        }
        assert!(store.revision() >= before, "cut at {end}");
        assert!(small.held(&store), "cut at {end}");
        before = store.revision();
    }
    assert_eq!(Some(before), small.past.last().map(Store::revision));
}

#[tokio::test]
async fn a_sector_that_is_missing_is_named_but_for_those_of_the_last_write() {
    let small = Small::new().await;
    let before = small.past[small.past.len() - 2].revision();
    let mut torn = vec![];

    for (file, sound) in small.files() {
        for start in (0..sound.len()).step_by(SECTOR_BYTES) {
            let mut damaged = sound.clone();
            damaged[start..sound.len().min(start + SECTOR_BYTES)].fill(0);

            match reopened(small.folder.path(), &file, &damaged).await {
                Ok(store) => {
                    assert!(small.held(&store) && store.revision() == before, "sector at {start}");
                    torn.push((file.clone(), start));
                }
                Err(error) => assert!(names(&error, &file), "sector at {start}: {error}"),
            }
        }
    }
    let last = [512, 1024, 1536].map(|start| (small.path("wal-3"), start));
    assert_eq!(torn, last);
}

#[tokio::test]
async fn a_file_that_is_missing_is_named() {
    let small = Small::new().await;
    // Without its snapshot, the log would have to begin with its first part.
    let missing = [
        ("snapshot-1", "wal-0"),
        ("store", "store"),
        ("wal-1", "wal-1"),
        ("wal-2", "wal-2"),
        ("wal-3", "wal-3"),
    ];

    for (file, named) in missing.map(|(file, named)| (small.path(file), small.path(named))) {
        let away = small.path("away");
        std::fs::rename(&file, &away).expect("it is there");

        let error = opened(small.folder.path()).await.expect_err("a file is missing");

        assert!(names(&error, &named) && error.contains("is missing"), "{error}");
        std::fs::rename(&away, &file).expect("it is there");
    }
}

#[tokio::test]
async fn a_file_of_another_store_or_with_another_number_is_named() {
    let (small, other) = (Small::new().await, Small::new().await);
    let files = ["snapshot-1", "wal-1", "wal-2", "wal-3"];

    for (file, renamed) in files.into_iter().zip(["snapshot-2", "wal-2", "wal-3", "wal-1"]) {
        let foreign = std::fs::read(other.path(file)).expect("it can be read");
        let own = std::fs::read(small.path(file)).expect("it can be read");
        let others = [(file, foreign), (renamed, own)];
        for (name, bytes) in others.map(|(name, bytes)| (small.path(name), bytes)) {
            let before = std::fs::read(&name).ok();
            std::fs::write(&name, bytes).expect("it can be written");

            let error = opened(small.folder.path()).await.expect_err("it is not its own");

            assert!(names(&error, &name), "{error}");
            assert!(error.contains("conflicting metadata found"), "{error}");
            match before {
                Some(before) => std::fs::write(&name, before).expect("it can be written"),
                None => std::fs::remove_file(&name).expect("it is there"),
            }
        }
    }
}

#[tokio::test]
async fn what_a_crash_has_left_unfinished_is_removed_from_a_store_that_is_sound() {
    let small = Small::new().await;
    let (left, wal, away) = (small.path("snapshot-9.new"), small.path("wal-3"), small.path("away"));
    std::fs::write(&left, b"half").expect("it can be written");
    std::fs::rename(&wal, &away).expect("it is there");
    opened(small.folder.path()).await.expect_err("a part is missing");
    std::fs::rename(&away, &wal).expect("it is there");

    let store = opened(small.folder.path()).await.expect("nothing is damaged");

    assert!(!left.exists());
    assert_eq!(Some(store.revision()), small.past.last().map(Store::revision));
}

#[tokio::test]
async fn a_store_of_which_a_crash_has_left_a_log_without_records_is_new() {
    let folder = tempfile::tempdir().expect("there is room");
    let begun = log::head(log::Metadata { cluster: 1, member: 2, number: 0 });
    std::fs::write(folder.path().join("wal-0"), &begun).expect("it can be written");

    let etcd = Etcd::open(folder.path()).expect("nothing was ever written");

    assert_eq!(etcd.snapshot().revision(), Revision(1));
    assert_ne!(etcd.identity().cluster, 1);
    close(etcd).await;
    opened(folder.path()).await.expect("it is a store");
}

#[tokio::test]
async fn a_folder_of_another_version_is_refused() {
    let folder = tempfile::tempdir().expect("there is room");
    std::fs::write(folder.path().join("lock"), b"").expect("it can be written");
    std::fs::write(folder.path().join("wal"), b"KWAL").expect("it can be written");

    let error = opened(folder.path()).await.expect_err("it is older");

    assert!(error.contains("another version of this program wrote the folder"), "{error}");
    let newer = "version 4\ncluster a\nmember b\nchecksum 00000000\n";
    std::fs::write(folder.path().join("store"), newer).expect("it can be written");

    let error = opened(folder.path()).await.expect_err("it is newer");

    assert!(error.ends_with("it is of version 4; this program reads version 3"), "{error}");
}

#[tokio::test]
async fn room_behind_the_log_is_not_damage_and_goes_when_the_store_is_closed() {
    let folder = tempfile::tempdir().expect("there is room");
    let etcd = Etcd::open(folder.path()).expect("the folder is new");
    let put = Operation::Put(Put::new(b"a"[..].into(), b"1"[..].into()));
    etcd.commit(Transaction::of(vec![put])).await.expect("the store takes it");
    let wal = folder.path().join("wal-0");
    let open = std::fs::read(&wal).expect("it can be read");
    close(etcd).await;
    let closed = std::fs::read(&wal).expect("it can be read");
    // As a killed process leaves it.
    std::fs::write(&wal, &open).expect("it can be written");

    let inspected = inspect(folder.path()).expect("nothing is damaged");

    assert!(open.starts_with(&closed) && open.len() > closed.len(), "{}", closed.len());
    assert!(open[closed.len()..].iter().all(|byte| *byte == 0));
    assert_eq!((inspected.torn_bytes, inspected.store.revision()), (0, Revision(2)));
    let mut torn = open;
    torn[closed.len() + 1024] = 1;
    std::fs::write(&wal, &torn).expect("it can be written");
    let inspected = inspect(folder.path()).expect("a torn tail is no damage");
    assert_eq!((inspected.torn_bytes, inspected.store.revision()), (1025, Revision(2)));
}
