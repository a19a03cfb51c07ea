//! What can be done to a store that no process has open.

use std::path::Path;

use etcd::backup::{Backup, BackupError};
use etcd::tools::{Inspected, RestoreError, hash_of_keys, inspect, restore};
use etcd::{Etcd, OpenError};
use sha2::{Digest, Sha256};
use store::{Bytes, Transaction};

async fn filled(folder: &Path) {
    let etcd = Etcd::open(folder).expect("the folder is new");
    for key in ["a", "b"] {
        let transaction = Transaction::create(key.as_bytes().into(), Bytes::from(&b"1"[..]));
        etcd.commit(transaction).await.expect("the store takes it");
    }
    let mut published = etcd.subscribe();
    drop(etcd);
    while published.changed().await.is_ok() {}
}

fn snapshot_of(inspected: &Inspected) -> Vec<u8> {
    Backup::of(&inspected.store, inspected.identity).blobs().flatten().collect()
}

#[tokio::test]
async fn looking_changes_nothing_and_finds_a_torn_end() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let wal = folder.path().join("wal-0");
    let whole = std::fs::read(&wal).unwrap();
    std::fs::write(&wal, &whole[..whole.len() - 3]).unwrap();

    let inspected = inspect(folder.path()).unwrap();

    assert_eq!((inspected.store.len(), inspected.store.revision().0), (1, 2));
    assert!(inspected.torn_bytes > 0);
    assert_eq!(std::fs::read(&wal).unwrap().len(), whole.len() - 3);
}

#[tokio::test]
async fn a_store_that_is_open_is_not_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let _open = Etcd::open(folder.path()).unwrap();

    assert!(matches!(inspect(folder.path()), Err(OpenError::InUse(_))));
}

#[tokio::test]
async fn a_restored_store_holds_the_same_and_is_another() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let first = inspect(folder.path()).unwrap();
    let file = snapshot_of(&first);
    let other = tempfile::tempdir().unwrap();

    restore(other.path(), &file).unwrap();

    let second = inspect(other.path()).unwrap();
    assert_eq!(hash_of_keys(&first.store), hash_of_keys(&second.store));
    assert_eq!(first.store.revision(), second.store.revision());
    assert_ne!(first.identity, second.identity);
    assert_eq!(Etcd::open(other.path()).unwrap().snapshot().len(), 2);
}

#[tokio::test]
async fn nothing_is_restored_from_garbage_or_over_something() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let file = snapshot_of(&inspect(folder.path()).unwrap());
    let new = folder.path().join("new");

    let refused = |file: &[u8]| match restore(&new, file) {
        Err(RestoreError::Backup(error)) => error,
        Ok(_) | Err(RestoreError::Folder(_)) => panic!("it is not refused"),
    };
    let no_database = [&[0; 512][..], &Sha256::digest([0; 512])].concat();

    assert!(matches!(refused(b"garbage"), BackupError::Corrupt(_)));
    assert_eq!(refused(&file[..file.len() - 32]), BackupError::NoHash);
    assert!(matches!(refused(&[7; 544]), BackupError::WrongHash { .. }));
    assert!(matches!(refused(&no_database), BackupError::Corrupt(_)));
    assert!(matches!(restore(folder.path(), &file), Err(RestoreError::Folder(_))));
    assert!(!new.exists());
}
