//! What is acknowledged survives, and what is damaged is named.

use std::path::Path;

use etcd::{Etcd, OpenError, Options};
use store::{Bytes, Operation, Put, Revision, Transaction};

fn create(key: &str) -> Transaction {
    Transaction::create(Bytes::from(key.as_bytes()), Bytes::from(&b"value"[..]))
}

async fn fill(folder: &Path, keys: &[&str]) {
    let etcd = Etcd::open(folder).expect("the store takes it");
    for key in keys {
        etcd.commit(create(key)).await.expect("the store takes it");
    }
    close(etcd).await;
}

/// Drops the handle and waits until the writer has let go of the files.
async fn close(etcd: Etcd) {
    let mut published = etcd.subscribe();
    drop(etcd);
    while published.changed().await.is_ok() {}
}

fn keys(etcd: &Etcd) -> Vec<String> {
    etcd.snapshot().iter().map(|kv| String::from_utf8_lossy(&kv.key).into_owned()).collect()
}

#[tokio::test]
async fn a_reopened_store_continues_with_the_same_revisions() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &["a", "b"]).await;

    let etcd = Etcd::open(folder.path()).unwrap();

    assert_eq!((keys(&etcd), etcd.snapshot().revision().0), (vec!["a".into(), "b".into()], 3));
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_the_store_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &["a", "b"]).await;
    let wal = folder.path().join("wal-0");
    let bytes = std::fs::read(&wal).unwrap();
    std::fs::write(&wal, &bytes[..bytes.len() - 3]).unwrap();

    let etcd = Etcd::open(folder.path()).unwrap();
    etcd.commit(create("c")).await.unwrap();

    assert_eq!((keys(&etcd), etcd.snapshot().revision().0), (vec!["a".into(), "c".into()], 3));
}

#[tokio::test]
async fn a_corrupt_record_is_named_and_nothing_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &["a", "b"]).await;
    let wal = folder.path().join("wal-0");
    let mut bytes = std::fs::read(&wal).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&wal, &bytes).unwrap();

    let error = Etcd::open(folder.path()).expect_err("the log is corrupt");

    assert!(matches!(&error, OpenError::Log { corrupt, .. } if corrupt.offset == 0), "{error}");
    assert_eq!(std::fs::read(&wal).unwrap(), bytes);
}

#[tokio::test]
async fn a_store_is_opened_once() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Etcd::open(folder.path()).unwrap();

    let second = Etcd::open(folder.path());

    assert!(matches!(second, Err(OpenError::InUse(_))));
}

#[tokio::test]
async fn a_long_log_becomes_a_snapshot_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let etcd = Etcd::open(folder.path()).unwrap();
    let value = Bytes::from(vec![7; 1024 * 1024]);
    for number in 0..20 {
        let key = Bytes::from(format!("key-{number:02}").as_bytes());
        etcd.commit(Transaction::create(key, value.clone())).await.unwrap();
    }
    close(etcd).await;

    let reopened = Etcd::open(folder.path()).unwrap();

    assert!(folder.path().join("snapshot-1").exists());
    assert_eq!((reopened.snapshot().iter().count(), reopened.snapshot().revision().0), (20, 21));
}

#[tokio::test]
async fn a_log_is_long_when_its_options_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let etcd = Etcd::open_with(folder.path(), Options { part_bytes_min: 1 }).unwrap();
    etcd.commit(create("a")).await.unwrap();
    close(etcd).await;

    let reopened = Etcd::open(folder.path()).unwrap();

    assert!(folder.path().join("snapshot-1").exists());
    assert_eq!((keys(&reopened), reopened.snapshot().revision()), (vec!["a".into()], Revision(2)));
}

#[tokio::test]
async fn history_is_not_written_again_for_every_few_writes() {
    let folder = tempfile::tempdir().unwrap();
    let value = Bytes::from(vec![7; 1024 * 1024]);
    for writes in [16, 16, 15] {
        let etcd = Etcd::open(folder.path()).unwrap();
        for _ in 0..writes {
            let put = Operation::Put(Put::new("key".as_bytes().into(), value.clone()));
            etcd.commit(Transaction::of(vec![put])).await.unwrap();
        }
        close(etcd).await;
    }

    // A snapshot holds 16 MiB, and the log 31: not twice as much.
    assert!(folder.path().join("snapshot-1").exists());
    assert!(!folder.path().join("snapshot-2").exists());
}

#[tokio::test]
async fn a_restart_does_not_bring_back_what_was_compacted() {
    let folder = tempfile::tempdir().unwrap();
    let etcd = Etcd::open(folder.path()).unwrap();
    for key in ["a", "b", "c"] {
        etcd.commit(create(key)).await.unwrap();
    }
    etcd.compact(Revision(3)).await.unwrap();
    close(etcd).await;

    let reopened = Etcd::open(folder.path()).unwrap().snapshot();

    assert!(reopened.compacted() >= Revision(3), "{}", reopened.compacted());
    assert_eq!((reopened.revision(), reopened.iter().count()), (Revision(4), 3));
}

#[tokio::test]
async fn what_was_compacted_takes_no_room_once_the_store_is_defragmented() {
    let folder = tempfile::tempdir().unwrap();
    let etcd = Etcd::open(folder.path()).unwrap();
    let value = Bytes::from(vec![7; 1024 * 1024]);
    for _ in 0..8 {
        let put = Operation::Put(Put::new("key".as_bytes().into(), value.clone()));
        etcd.commit(Transaction::of(vec![put])).await.unwrap();
    }
    let revision = etcd.snapshot().revision();
    etcd.compact(revision).await.unwrap();
    let before = etcd.size_bytes().unwrap();

    etcd.defragment().await.unwrap();

    // The value, and the event that made it.
    let after = etcd.size_bytes().unwrap();
    assert!(before > 8 * 1024 * 1024 && after < 3 * 1024 * 1024, "{before} and {after} bytes");
    etcd.commit(create("later")).await.unwrap();
    close(etcd).await;
    let reopened = Etcd::open(folder.path()).unwrap().snapshot();
    assert_eq!((reopened.revision(), reopened.iter().count()), (Revision(revision.0 + 1), 2));
}
