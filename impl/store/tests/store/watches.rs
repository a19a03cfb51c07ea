//! What watches hear: each change once, in order.

use store::{EventKind, Revision};

use crate::{after, bytes, delete, put, run};

#[test]
fn events_come_each_once_and_in_order() {
    let store = after(&[("a", Some("1")), ("b", Some("2")), ("a", None)]);

    let events: Vec<_> = store
        .events_after(Revision(1))
        .unwrap()
        .map(|event| (event.kind, event.now.mod_revision.0, event.before.is_some()))
        .collect();

    use EventKind::{Delete, Put};
    assert_eq!(events, [(Put, 2, false), (Put, 3, false), (Delete, 4, true)]);
}

#[test]
fn the_events_of_a_transaction_come_together_in_the_order_of_its_writes() {
    let mut store = after(&[("a", Some("1"))]);

    run(&mut store, vec![put("c", "1"), put("b", "1"), delete("a")]).unwrap();

    let events: Vec<_> = store.events_after(Revision(2)).unwrap().collect();
    let keys: Vec<_> = events.iter().map(|event| event.now.key.clone()).collect();
    assert_eq!(keys, [bytes("c"), bytes("b"), bytes("a")]);
    assert!(events.iter().all(|event| event.now.mod_revision == Revision(3)));
    assert_eq!(events[2].before.as_ref().unwrap().value, bytes("1"));
}

#[test]
fn a_snapshot_does_not_change() {
    let mut store = after(&[("a", Some("1"))]);
    let snapshot = store.clone();

    run(&mut store, vec![put("a", "2")]).unwrap();

    assert_eq!(snapshot.get(b"a").unwrap().value, bytes("1"));
    assert_eq!(snapshot.events_after(Revision(2)).unwrap().count(), 0);
}
