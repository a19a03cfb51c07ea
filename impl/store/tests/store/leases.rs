//! Leases: granted, attached, revoked.

use store::{LeaseId, Refusal, Revision, Store};

use crate::{after, bytes, delete, leased, put, run, values};

const LEASE: LeaseId = LeaseId(7);

fn with_two_leased() -> Store {
    let mut store = after(&[("c", Some("stays"))]);
    store.grant(LEASE, 60).expect("it is free");
    run(&mut store, vec![leased("a", 7), leased("b", 7)]).expect("the lease is there");
    store
}

#[test]
fn granting_takes_no_revision() {
    let mut store = Store::default();

    let record = store.grant(LEASE, 60).unwrap();

    assert_eq!((record.revision, store.revision()), (Revision(1), Revision(1)));
    assert_eq!(store.lease(LEASE).unwrap().ttl_seconds, 60);
}

#[test]
fn revoking_removes_all_keys_at_one_revision() {
    let mut store = with_two_leased();
    let before = store.revision();

    let record = store.revoke(LEASE).unwrap();

    assert_eq!(record.revision, before.next());
    assert_eq!(record.writes().count(), 2);
    assert_eq!(values(&store), [("c".to_owned(), "stays".to_owned())]);
    assert_eq!(store.events_after(before).unwrap().count(), 2);
    assert!(store.lease(LEASE).is_none());
}

#[test]
fn revoking_a_lease_without_keys_takes_no_revision() {
    let mut store = Store::default();
    store.grant(LEASE, 60).unwrap();

    let record = store.revoke(LEASE).unwrap();

    assert_eq!(record.revision, Revision(1));
}

#[test]
fn a_key_has_one_lease_the_last() {
    let mut store = with_two_leased();
    store.grant(LeaseId(8), 60).unwrap();

    run(&mut store, vec![leased("a", 8), put("b", "without")]).unwrap();
    store.revoke(LEASE).unwrap();

    assert_eq!(store.len(), 3);
    assert_eq!(store.lease(LeaseId(8)).unwrap().keys.iter().collect::<Vec<_>>(), [&bytes("a")]);
}

#[test]
fn a_key_that_is_deleted_leaves_its_lease() {
    let mut store = with_two_leased();

    run(&mut store, vec![delete("a")]).unwrap();

    assert_eq!(store.lease(LEASE).unwrap().keys.len(), 1);
}

#[test]
fn what_is_wrong_with_a_lease_is_said() {
    let mut store = with_two_leased();

    assert_eq!(store.grant(LEASE, 60), Err(Refusal::LeaseExists));
    assert_eq!(store.grant(LeaseId(9), i64::MAX), Err(Refusal::LeaseTooLong));
    assert_eq!(store.revoke(LeaseId(9)), Err(Refusal::LeaseNotFound));
    assert_eq!(store.checkpoint(LeaseId(9), None), Err(Refusal::LeaseNotFound));
}

#[test]
fn a_checkpoint_is_what_is_left_until_the_next() {
    let mut store = with_two_leased();

    store.checkpoint(LEASE, Some(20)).unwrap();
    let left = store.lease(LEASE).unwrap().remaining_seconds;
    store.checkpoint(LEASE, None).unwrap();

    assert_eq!((left, store.lease(LEASE).unwrap().remaining_seconds), (Some(20), None));
}
