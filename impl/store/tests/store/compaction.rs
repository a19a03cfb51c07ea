//! Compaction: what is forgotten, and what stays.

use store::{Expired, Query, Range, Refusal, Revision};

use crate::{after, bytes};

const WRITES: [(&str, Option<&str>); 4] =
    [("a", Some("1")), ("a", Some("2")), ("b", Some("1")), ("a", None)];

#[test]
fn what_was_before_is_forgotten_and_what_can_be_read_at_it_stays() {
    let mut store = after(&WRITES);

    store.compact(Revision(3)).unwrap();

    let at =
        |revision| Query { revision: Some(Revision(revision)), ..Query::all(Range::prefix(b"a")) };
    assert_eq!(store.read(&at(2)), Err(Refusal::Compacted));
    assert_eq!(store.read(&at(3)).unwrap().keys[0].value, bytes("2"));
    assert_eq!(store.read(&at(5)).unwrap().count, 0);
}

#[test]
fn a_watch_from_the_compacted_revision_hears_of_it() {
    let mut store = after(&WRITES);
    store.compact(Revision(3)).unwrap();

    let events = |after| store.events_after(Revision(after)).map(Iterator::count);

    assert_eq!(events(1), Err(Expired { asked: Revision(1), compacted: Revision(3) }));
    assert_eq!((events(2), events(3), events(5)), (Ok(3), Ok(2), Ok(0)));
}

#[test]
fn compaction_goes_forward_only_and_not_into_the_future() {
    let mut store = after(&WRITES);
    store.compact(Revision(3)).unwrap();

    assert_eq!(store.compact(Revision(3)), Err(Refusal::Compacted));
    assert_eq!(store.compact(Revision(2)), Err(Refusal::Compacted));
    assert_eq!(store.compact(Revision(6)), Err(Refusal::FutureRevision));
    store.compact(Revision(5)).unwrap();
    assert_eq!((store.compacted(), store.oldest()), (Revision(5), Revision(5)));
}

#[test]
fn compaction_takes_no_revision() {
    let mut store = after(&WRITES);

    let record = store.compact(Revision(4)).unwrap();

    assert_eq!((record.revision, store.revision()), (Revision(5), Revision(5)));
}
