//! Files that are cut short or have a bit flipped, at every place.

use std::path::{Path, PathBuf};

use etcd::Etcd;
use store::{Bytes, LeaseId, Operation, Put, Range, Revision, Store, Transaction};

/// A small store with a snapshot and a log behind it, as files; and what it holds.
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
        for (key, lease) in [("a", 0), ("b", 7), ("c", 0)] {
            let value = Some(Bytes::from(&b"value"[..]));
            let put = Put { key: key.as_bytes().into(), value, lease: Some(LeaseId(lease)) };
            let transaction = Transaction::of(vec![Operation::Put(put)]);
            etcd.commit(transaction).await.expect("the store takes it");
            past.push(etcd.snapshot());
        }
        etcd.compact(Revision(3)).await.expect("it goes forward");
        let delete = Operation::Delete(Range::Key(b"a"[..].into()));
        etcd.commit(Transaction::of(vec![delete])).await.expect("the store takes it");
        past.push(etcd.snapshot());
        close(etcd).await;
        Self { folder, past }
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path()).expect("it is there");
        let paths = entries.map(|entry| entry.expect("it can be read").path());
        let mut files: Vec<_> = paths.filter(|path| !path.ends_with("lock")).collect();
        files.sort();
        files
    }
}

async fn close(etcd: Etcd) {
    let mut published = etcd.subscribe();
    drop(etcd);
    while published.changed().await.is_ok() {}
}

/// What a folder holds after these bytes were put in the place of a file.
async fn reopened(folder: &Path, file: &Path, bytes: &[u8]) -> Result<Store, String> {
    let sound = std::fs::read(file).expect("it can be read");
    std::fs::write(file, bytes).expect("it can be written");
    let opened = match Etcd::open(folder) {
        Ok(etcd) => {
            let store = etcd.snapshot();
            close(etcd).await;
            Ok(store)
        }
        Err(error) => {
            assert_eq!(std::fs::read(file).expect("it is still there"), bytes, "nothing is cut");
            Err(error.to_string())
        }
    };
    std::fs::write(file, sound).expect("it can be written");
    opened
}

#[tokio::test]
async fn a_flipped_bit_anywhere_is_named_with_its_file() {
    let small = Small::new().await;

    for file in small.files() {
        let sound = std::fs::read(&file).expect("it can be read");
        for byte in 0..sound.len() {
            let mut damaged = sound.clone();
            damaged[byte] ^= 1 << (byte % 8);

            let error = reopened(small.folder.path(), &file, &damaged).await.expect_err("damage");

            assert!(error.contains(&*file.to_string_lossy()), "byte {byte}: {error}");
        }
    }
}

#[tokio::test]
async fn a_log_that_is_cut_anywhere_holds_what_was_written_before() {
    let small = Small::new().await;
    let wal = small.folder.path().join("wal-0");
    let sound = std::fs::read(&wal).expect("it can be read");
    let mut before = Revision(1);

    for end in 0..=sound.len() {
        let store = reopened(small.folder.path(), &wal, &sound[..end]).await.expect("it is torn");

        assert!(store.revision() >= before, "cut at {end}");
        before = store.revision();
        let then = small.past.iter().find(|past| past.revision() == before).expect("it was there");
        assert!(store.iter().eq(then.iter()), "cut at {end}");
    }
    assert_eq!(Some(before), small.past.last().map(Store::revision));
}

#[tokio::test]
async fn a_file_that_is_missing_is_named() {
    let small = Small::new().await;
    let path = small.folder.path();
    std::fs::rename(path.join("wal-0"), path.join("wal-1")).expect("it is there");

    let error = Etcd::open(path).expect_err("a part is missing").to_string();

    assert!(error.ends_with("wal-0 is missing"), "{error}");
    std::fs::remove_file(path.join("wal-1")).expect("it is there");

    let error = Etcd::open(path).expect_err("the log is missing").to_string();

    assert!(error.ends_with("wal-0 is missing"), "{error}");
    assert!(!path.join("wal-0").exists(), "and it is not begun anew");
}

#[tokio::test]
async fn what_a_crash_has_left_unfinished_is_removed() {
    let small = Small::new().await;
    let left = small.folder.path().join("snapshot-9.new");
    std::fs::write(&left, b"half").expect("it can be written");

    let etcd = Etcd::open(small.folder.path()).expect("nothing is damaged");

    assert!(!left.exists());
    assert_eq!(Some(etcd.snapshot().revision()), small.past.last().map(Store::revision));
}

#[tokio::test]
async fn a_store_of_which_a_crash_has_left_an_empty_log_is_new() {
    let folder = tempfile::tempdir().expect("there is room");
    std::fs::write(folder.path().join("wal-0"), b"").expect("it can be written");

    let etcd = Etcd::open(folder.path()).expect("nothing was ever written");

    assert_eq!(etcd.snapshot().revision(), Revision(1));
}

#[tokio::test]
async fn a_folder_of_another_version_is_refused() {
    let folder = tempfile::tempdir().expect("there is room");
    std::fs::write(folder.path().join("wal"), b"KWAL").expect("it can be written");

    let error = Etcd::open(folder.path()).expect_err("it is older").to_string();

    assert!(error.contains("another version of this program wrote the folder"), "{error}");
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

    let inspected = etcd::tools::inspect(folder.path()).expect("nothing is damaged");

    assert!(open.starts_with(&closed) && open.len() > closed.len(), "{}", closed.len());
    assert!(open[closed.len()..].iter().all(|byte| *byte == 0));
    assert_eq!((inspected.torn_bytes, inspected.store.revision()), (0, Revision(2)));
    let mut torn = open;
    torn[closed.len() + 1024] = 1;
    std::fs::write(&wal, &torn).expect("it can be written");
    let inspected = etcd::tools::inspect(folder.path()).expect("a torn tail is no damage");
    assert_eq!((inspected.torn_bytes, inspected.store.revision()), (1025, Revision(2)));
}
