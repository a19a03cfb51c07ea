//! A part of the log is followed by the next: what a crash, or a full disk, leaves on the way.

use std::collections::BTreeMap;
use std::path::Path;

use etcd::Etcd;
use store::{Bytes, Transaction, log};

type Files = BTreeMap<String, Vec<u8>>;

fn files_of(folder: &Path) -> Files {
    let entries = std::fs::read_dir(folder).expect("it is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    paths.map(|path| (name_of(&path), std::fs::read(path).expect("it can be read"))).collect()
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("it has a name").to_string_lossy().into_owned()
}

fn keys(etcd: &Etcd) -> Vec<String> {
    etcd.snapshot().iter().map(|kv| String::from_utf8_lossy(&kv.key).into_owned()).collect()
}

async fn put(etcd: &Etcd, key: &str) {
    let transaction = Transaction::create(key.as_bytes().into(), Bytes::from(&b"1"[..]));
    etcd.commit(transaction).await.expect("the store takes it");
}

async fn close(etcd: Etcd) {
    let mut published = etcd.subscribe();
    drop(etcd);
    while published.changed().await.is_ok() {}
}

/// The files of a store with two keys: as they are, and those that a rotation has left and added.
async fn before_and_after() -> (Files, Files) {
    let folder = tempfile::tempdir().expect("there is room");
    let etcd = Etcd::open(folder.path()).expect("the folder is new");
    put(&etcd, "a").await;
    put(&etcd, "b").await;
    close(etcd).await;
    let before = files_of(folder.path());
    let etcd = Etcd::open(folder.path()).expect("it is sound");
    let in_the_way = folder.path().join("snapshot-1.new");
    std::fs::create_dir(&in_the_way).expect("it can be made");
    etcd.defragment().await.expect_err("the snapshot cannot be written");
    std::fs::remove_dir(&in_the_way).expect("it is there");
    close(etcd).await;
    (before, files_of(folder.path()))
}

/// The store of these files has both keys, and goes on: over another rotation, too.
async fn goes_on(files: &Files, what: &str) {
    let folder = tempfile::tempdir().expect("there is room");
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).expect("it can be written");
    }
    let etcd = Etcd::open(folder.path()).expect(what);
    assert_eq!(keys(&etcd), ["a", "b"], "{what}");
    put(&etcd, "c").await;
    close(etcd).await;
    let etcd = Etcd::open(folder.path()).expect(what);
    assert_eq!(keys(&etcd), ["a", "b", "c"], "{what}");
    etcd.defragment().await.expect(what);
    put(&etcd, "d").await;
    close(etcd).await;

    let etcd = Etcd::open(folder.path()).expect(what);

    assert_eq!(keys(&etcd), ["a", "b", "c", "d"], "{what}");
}

#[tokio::test]
async fn a_crash_while_the_next_part_is_begun_loses_nothing() {
    let (before, after) = before_and_after().await;
    let next = &after["wal-1"];

    for (name, bytes) in [("wal-1.new", &next[..10]), ("wal-1.new", next), ("wal-1", next)] {
        let mut files = before.clone();
        files.insert(name.to_owned(), bytes.to_vec());

        goes_on(&files, &format!("{} bytes of {name}", bytes.len())).await;
    }
}

#[tokio::test]
async fn a_crash_while_a_part_ends_loses_nothing() {
    let (before, after) = before_and_after().await;
    let (open, ended) = (before["wal-0"].len(), after["wal-0"].len());
    assert!(open < ended && after["wal-1"].len() == log::HEAD_BYTES);

    for length in open..=ended {
        let mut files = after.clone();
        files.get_mut("wal-0").expect("it is there").truncate(length);

        goes_on(&files, &format!("an end of {} bytes", length - open)).await;
    }
    let mut files = after.clone();
    files.get_mut("wal-0").expect("it is there").extend([0; 4096]);
    goes_on(&files, "room behind an end").await;
}

#[tokio::test]
async fn a_crash_while_older_files_go_loses_nothing() {
    let (_, after) = before_and_after().await;
    let folder = tempfile::tempdir().expect("there is room");
    for (name, bytes) in &after {
        std::fs::write(folder.path().join(name), bytes).expect("it can be written");
    }
    let etcd = Etcd::open(folder.path()).expect("it is sound");
    etcd.defragment().await.expect("the disk takes it");
    close(etcd).await;

    let mut files = files_of(folder.path());

    assert!(files.keys().eq(["lock", "snapshot-2", "store", "wal-2"]), "{:?}", files.keys());
    goes_on(&files, "after all").await;
    for name in ["wal-1", "wal-0"] {
        files.insert(name.to_owned(), after[name].clone());
        goes_on(&files, name).await;
    }
}

#[tokio::test]
async fn a_part_that_was_written_does_not_follow_one_without_an_end() {
    let (before, after) = before_and_after().await;
    let folder = tempfile::tempdir().expect("there is room");
    for (name, bytes) in &after {
        std::fs::write(folder.path().join(name), bytes).expect("it can be written");
    }
    let etcd = Etcd::open(folder.path()).expect("it is sound");
    put(&etcd, "c").await;
    close(etcd).await;
    let written = std::fs::read(folder.path().join("wal-1")).expect("it can be read");
    let first = folder.path().join("wal-0");
    std::fs::write(&first, &before["wal-0"]).expect("it can be written");

    for length in log::HEAD_BYTES + 1..=written.len() {
        std::fs::write(folder.path().join("wal-1"), &written[..length]).expect("it can be written");

        let error = Etcd::open(folder.path()).expect_err("the end is missing").to_string();

        let named = format!("{}: it is cut at byte", first.display());
        assert!(error.starts_with(&named), "{error}");
    }
}
