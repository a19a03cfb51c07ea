//! Transactions: one revision, compares, branches, and what is refused.

use store::{
    Bytes, Compare, Condition, LeaseId, OPERATIONS_MAX, Operation, Outcome, Put, Query, Range,
    Refusal, Relation, Revision, Store, Transaction,
};

use crate::{FIRST, after, bytes, delete, put, run, values};

#[test]
fn every_changing_transaction_takes_one_revision() {
    let mut store = Store::default();

    let first = run(&mut store, vec![put("a", "1"), put("b", "1")]).unwrap();
    let nothing = run(&mut store, vec![delete("c")]).unwrap();
    let second = run(&mut store, vec![delete("a")]).unwrap();

    assert_eq!((first.revision, nothing.revision, second.revision), (FIRST, FIRST, Revision(3)));
    assert_eq!(nothing.record, None);
    assert_eq!(store.get(b"b").unwrap().mod_revision, FIRST);
}

#[test]
fn a_failed_compare_takes_the_other_branch() {
    let mut store = after(&[("a", Some("1")), ("a", Some("2"))]);
    let mut transaction = Transaction::update(bytes("a"), FIRST, bytes("3"));

    let refused = store.commit(&transaction).unwrap();
    transaction.failure = vec![put("b", "else")];
    let otherwise = store.commit(&transaction).unwrap();

    assert!(!refused.succeeded && refused.record.is_none());
    assert!(!otherwise.succeeded && otherwise.record.is_some());
    let expected = [("a".to_owned(), "2".to_owned()), ("b".to_owned(), "else".to_owned())];
    assert_eq!(values(&store), expected);
}

#[test]
fn a_key_that_exists_cannot_be_created() {
    let mut store = after(&[("a", Some("1"))]);

    assert!(!store.commit(&Transaction::create(bytes("a"), bytes("2"))).unwrap().succeeded);
}

#[test]
fn version_and_create_revision_begin_again_after_a_deletion() {
    let store = after(&[("a", Some("1")), ("a", Some("2")), ("a", None), ("a", Some("3"))]);

    let found = store.get(b"a").unwrap();
    assert_eq!((found.version, found.create_revision), (1, store.revision()));
}

#[test]
fn each_target_is_compared_in_each_relation() {
    let store = after(&[("a", Some("m")), ("a", Some("n"))]);
    let holds = |condition: Condition, relation| {
        let compare = Compare { range: Range::Key(bytes("a")), condition, relation };
        let transaction = Transaction { compares: vec![compare], ..Transaction::default() };
        store.clone().commit(&transaction).unwrap().succeeded
    };
    let of = |condition: &dyn Fn(u8) -> Condition| {
        [0, 1, 2].map(|than| {
            [Relation::Less, Relation::Equal, Relation::Greater, Relation::NotEqual]
                .map(|relation| holds(condition(than), relation))
        })
    };

    let less = [true, false, false, true];
    let equal = [false, true, false, false];
    let greater = [false, false, true, true];
    let expected = [greater, equal, less];
    let number = |than: u8| u64::from(than);
    assert_eq!(of(&|than| Condition::Version(number(than) + 1)), expected);
    assert_eq!(of(&|than| Condition::CreateRevision(Revision(number(than) + 1))), expected);
    assert_eq!(of(&|than| Condition::ModRevision(Revision(number(than) + 2))), expected);
    assert_eq!(of(&|than| Condition::Value([b'm' + than][..].into())), expected);
    assert_eq!(of(&|than| Condition::Lease(LeaseId(i64::from(than) - 1))), expected);
}

#[test]
fn a_compare_of_a_range_must_hold_of_each_key() {
    let mut store = after(&[("a/1", Some("x")), ("a/2", Some("x"))]);
    let compare = |value: &str, prefix: &str| Compare {
        range: Range::prefix(prefix.as_bytes()),
        condition: Condition::Value(bytes(value)),
        relation: Relation::Equal,
    };
    let mut succeeds = |compare| {
        let transaction = Transaction { compares: vec![compare], ..Transaction::default() };
        store.commit(&transaction).unwrap().succeeded
    };

    assert!(succeeds(compare("x", "a/")));
    assert!(!succeeds(compare("y", "a/")));
    assert!(!succeeds(compare("", "b/")), "no key has no value");
    let absent = Compare { condition: Condition::Version(0), ..compare("", "b/") };
    assert!(succeeds(absent), "no key has the version 0");
}

#[test]
fn reads_see_what_was_written_before_them() {
    let mut store = after(&[("a", Some("1"))]);
    let read = || Operation::Read(Query::all(Range::Key(bytes("a"))));

    let committed =
        run(&mut store, vec![read(), put("a", "2"), read(), delete("b"), read()]).unwrap();

    let seen: Vec<_> = committed
        .outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Read(found) => Some(found.keys[0].value.clone()),
            Outcome::Put(_) | Outcome::Deleted(_) | Outcome::Transaction(..) => None,
        })
        .collect();
    assert_eq!(seen, [bytes("1"), bytes("2"), bytes("2")]);
}

#[test]
fn a_read_that_names_the_revision_of_now_does_not_see_what_is_written_beside_it() {
    let mut store = after(&[("a", Some("1"))]);
    let now = Query { revision: Some(FIRST), ..Query::all(Range::Key(bytes("a"))) };

    let committed = run(&mut store, vec![put("a", "2"), Operation::Read(now)]).unwrap();

    assert!(
        matches!(&committed.outcomes[1], Outcome::Read(found) if found.keys[0].value == bytes("1"))
    );
}

#[test]
fn transactions_within_are_decided_before_anything_is_written() {
    let mut store = after(&[("a", Some("1"))]);
    let within = Transaction {
        compares: vec![Compare::absent(bytes("b"))],
        success: vec![put("c", "b was not there")],
        failure: vec![put("c", "b was there")],
    };

    let committed = run(&mut store, vec![put("b", "1"), Operation::Transaction(within)]).unwrap();

    assert!(
        matches!(&committed.outcomes[1], Outcome::Transaction(true, outcomes) if outcomes.len() == 1)
    );
    assert_eq!(store.get(b"c").unwrap().value, bytes("b was not there"));
    assert_eq!(store.get(b"c").unwrap().mod_revision, store.get(b"b").unwrap().mod_revision);
}

#[test]
fn a_put_may_keep_the_value_or_the_lease() {
    let mut store = after(&[("a", Some("1"))]);
    store.grant(LeaseId(7), 60).unwrap();
    let keep = |key: &str, value: Option<&str>, lease: Option<i64>| {
        let (value, lease) = (value.map(bytes), lease.map(LeaseId));
        vec![Operation::Put(Put { key: bytes(key), value, lease })]
    };

    run(&mut store, keep("a", None, Some(7))).unwrap();
    run(&mut store, keep("a", Some("2"), None)).unwrap();

    let found = store.get(b"a").unwrap();
    assert_eq!((&found.value, found.lease, found.version), (&bytes("2"), LeaseId(7), 3));
    assert_eq!(run(&mut store, keep("b", None, Some(0))), Err(Refusal::KeyNotFound));
    assert_eq!(run(&mut store, keep("b", Some("1"), None)), Err(Refusal::KeyNotFound));
}

#[test]
fn what_is_wrong_is_refused_and_changes_nothing() {
    let mut store = after(&[("a", Some("1"))]);
    let prefix = Operation::Delete(Range::prefix(b"a"));
    let branch = |success, failure| {
        Operation::Transaction(Transaction { compares: vec![], success, failure })
    };
    let keeps_lease = Operation::Put(Put { key: bytes("a"), value: Some(bytes("2")), lease: None });
    let read = |revision| {
        let query =
            Query { revision: Some(Revision(revision)), ..Query::all(Range::Key(bytes("a"))) };
        Operation::Read(query)
    };

    for (operations, refusal) in [
        (vec![put("", "1")], Refusal::EmptyKey),
        (vec![delete("")], Refusal::EmptyKey),
        (vec![branch(vec![put("", "1")], vec![])], Refusal::EmptyKey),
        (vec![put("b", "1"), put("b", "2")], Refusal::DuplicateKey),
        (vec![put("ab", "1"), prefix.clone()], Refusal::DuplicateKey),
        (vec![put("b", "1"), branch(vec![put("b", "2")], vec![])], Refusal::DuplicateKey),
        (vec![branch(vec![prefix.clone()], vec![]), put("ab", "2")], Refusal::DuplicateKey),
        (vec![read(3)], Refusal::FutureRevision),
        (vec![put("b", "1"), read(9)], Refusal::FutureRevision),
        (vec![put("b", "1"); OPERATIONS_MAX + 1], Refusal::TooManyOperations),
        (vec![crate::leased("b", 7)], Refusal::LeaseNotFound),
        (vec![read(9), crate::leased("b", 7)], Refusal::LeaseNotFound),
        // etcd 3.4.23 ends here: it has not thought of a key that goes before it is put.
        (vec![Operation::Delete(Range::From(bytes("a"))), keeps_lease], Refusal::KeyNotFound),
    ] {
        let before = store.revision();

        assert_eq!(run(&mut store, operations), Err(refusal));
        assert_eq!((store.revision(), store.len()), (before, 1));
    }
}

#[test]
fn no_more_is_written_at_once_than_the_log_can_hold() {
    let mut store = Store::default();
    let large = Bytes::from(vec![b'a'; 64 * 1024 * 1024]);
    let keys = ["a", "b", "c", "d"].map(bytes);
    for key in &keys {
        let put = Operation::Put(Put::new(key.clone(), large.clone()));
        run(&mut store, vec![put]).unwrap();
    }
    let keep = |keys: &[Bytes]| {
        let keep = |key: &Bytes| Operation::Put(Put { key: key.clone(), value: None, lease: None });
        keys.iter().map(keep).collect::<Vec<_>>()
    };
    let before = store.revision();

    assert_eq!(run(&mut store, keep(&keys)), Err(Refusal::TooLarge));
    assert_eq!(store.revision(), before);
    assert!(run(&mut store, keep(&keys[..3])).is_ok());
}

#[test]
fn a_key_may_be_set_beside_a_removal_of_all_keys_from_one_on() {
    let mut store = after(&[("a", Some("1")), ("b", Some("1"))]);
    let all = || Operation::Delete(Range::From(bytes("a")));

    run(&mut store, vec![all(), put("b", "2")]).unwrap();

    assert_eq!(values(&store), [("b".to_owned(), "2".to_owned())]);
    run(&mut store, vec![put("c", "1"), all()]).unwrap();
    assert!(store.is_empty());
}

#[test]
fn a_key_may_be_written_in_both_branches_and_deleted_twice() {
    let mut store = after(&[("a", Some("1"))]);
    let both = Operation::Transaction(Transaction {
        compares: vec![],
        success: vec![put("b", "1")],
        failure: vec![put("b", "2")],
    });

    run(&mut store, vec![both, delete("a"), delete("a")]).unwrap();

    assert_eq!(values(&store), [("b".to_owned(), "1".to_owned())]);
}
