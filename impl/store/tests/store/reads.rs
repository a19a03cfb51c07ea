//! Reads of ranges.

use store::{Direction, Query, Range, Refusal, Revision, SortKey, Store};

use crate::{after, bytes};

fn store() -> Store {
    after(&[
        ("a", Some("3")),
        ("b", Some("1")),
        ("c", Some("2")),
        ("b", Some("1")),
        ("d", Some("0")),
    ])
}

fn keys(store: &Store, query: &Query) -> String {
    let found = store.read(query).expect("it can be read").keys;
    found.iter().map(|found| String::from_utf8_lossy(&found.key).into_owned()).collect()
}

fn all() -> Query {
    Query::all(Range::From(bytes("a")))
}

#[test]
fn a_range_holds_its_keys() {
    for (range, expected) in [
        (Range::Key(bytes("b")), "b"),
        (Range::Between(bytes("b"), bytes("d")), "bc"),
        (Range::Between(bytes("d"), bytes("b")), ""),
        (Range::From(bytes("c")), "cd"),
        (Range::prefix(b"e"), ""),
    ] {
        assert_eq!(keys(&store(), &Query::all(range.clone())), expected, "{range:?}");
    }
}

#[test]
fn a_limit_leaves_some_out_and_says_so() {
    let limited = store().read(&Query { limit: 3, ..all() }).unwrap();
    let exact = store().read(&Query { limit: 4, ..all() }).unwrap();

    assert_eq!((limited.keys.len(), limited.count, limited.more), (3, 4, true));
    assert_eq!((exact.keys.len(), exact.count, exact.more), (4, 4, false));
}

#[test]
fn keys_are_sorted_as_asked() {
    use Direction::{Ascending, Descending};
    for (sort, direction, expected) in [
        (SortKey::Key, Descending, "dcba"),
        (SortKey::Value, Ascending, "dbca"),
        (SortKey::Value, Descending, "acbd"),
        (SortKey::CreateRevision, Descending, "dcba"),
        (SortKey::ModRevision, Ascending, "acbd"),
        (SortKey::Version, Descending, "bacd"),
    ] {
        let query = Query { sort: Some((sort, direction)), ..all() };

        assert_eq!(keys(&store(), &query), expected, "{sort:?} {direction:?}");
    }
}

#[test]
fn the_limit_comes_after_the_order() {
    let sort = Some((SortKey::Value, Direction::Ascending));

    let found = store().read(&Query { sort, limit: 1, ..all() }).unwrap();

    assert_eq!((&*found.keys[0].key, found.more, found.count), (&b"d"[..], true, 4));
}

#[test]
fn without_an_order_the_limit_comes_before_the_sort() {
    let sort = Some((SortKey::Value, Direction::Unsaid));

    assert_eq!(keys(&store(), &Query { sort, limit: 1, ..all() }), "b");
    assert_eq!(keys(&store(), &Query { sort, ..all() }), "dbca");
}

#[test]
fn bounds_on_revisions_leave_out_keys_and_count_them() {
    let created = (Some(Revision(3)), Some(Revision(4)));
    let changed = (Some(Revision(5)), None);

    let by_creation = Query { create_revisions: created, ..all() };
    let by_change = Query { mod_revisions: changed, ..all() };

    assert_eq!(keys(&store(), &by_creation), "bc");
    assert_eq!(keys(&store(), &by_change), "bd");
    assert_eq!(store().read(&by_change).unwrap().count, 4);
}

#[test]
fn only_the_keys_or_their_number_can_be_asked_for() {
    let keys_only = store().read(&Query { keys_only: true, ..all() }).unwrap();
    let count_only = store().read(&Query { count_only: true, limit: 1, ..all() }).unwrap();

    assert!(keys_only.keys.iter().all(|found| found.value.is_empty()));
    assert_eq!(keys_only.keys[1].version, 2);
    assert_eq!((count_only.keys.len(), count_only.count, count_only.more), (0, 4, false));
}

#[test]
fn a_read_at_an_old_revision_sees_the_past() {
    let store = after(&[
        ("a", Some("1")),
        ("b", Some("1")),
        ("a", Some("2")),
        ("b", None),
        ("c", Some("1")),
    ]);
    let past = Query { revision: Some(Revision(3)), ..all() };

    let found = store.read(&past).unwrap();

    let values: Vec<_> = found.keys.iter().map(|found| (&*found.key, &*found.value)).collect();
    assert_eq!(values, [(&b"a"[..], &b"1"[..]), (&b"b"[..], &b"1"[..])]);
    let future = Query { revision: Some(Revision(7)), ..all() };
    assert_eq!(store.read(&future), Err(Refusal::FutureRevision));
}
