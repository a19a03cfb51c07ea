//! One watch: where it begins, what it is told, how it ends.

use etcd_client::{DeleteOptions, EventType, WatchFilterType, WatchOptions};

use crate::support::{Server, next, next_events, put_all};

#[tokio::test]
async fn a_watch_tells_what_happens_from_now_on() {
    let server = Server::start().await;
    let mut client = server.client().await;
    put_all(&mut client, &["a"]).await;
    let mut stream = client.watch("a", None).await.unwrap();

    let created = next(&mut stream).await;
    put_all(&mut client, &["b", "a"]).await;
    client.delete("a", None).await.unwrap();
    let put = next(&mut stream).await;
    let deleted = next(&mut stream).await;

    assert!(created.created() && !created.canceled() && created.events().is_empty());
    assert_eq!((created.watch_id(), created.header().unwrap().revision()), (0, 2));
    let kv = put.events()[0].kv().unwrap();
    assert_eq!((kv.value(), kv.mod_revision(), kv.version()), (&b"a"[..], 4, 2));
    assert!(put.events()[0].prev_kv().is_none());
    let event = &deleted.events()[0];
    let kv = event.kv().unwrap();
    assert_eq!(event.event_type(), EventType::Delete);
    assert_eq!((kv.key(), kv.value(), kv.mod_revision()), (&b"a"[..], &b""[..], 5));
    assert_eq!((kv.create_revision(), kv.version()), (0, 0));
}

#[tokio::test]
async fn a_watch_goes_on_where_another_has_ended() {
    let server = Server::start().await;
    let mut client = server.client().await;
    put_all(&mut client, &["a", "b", "c"]).await;
    let options = WatchOptions::new().with_all_keys().with_start_revision(3);
    let mut stream = client.watch("", Some(options)).await.unwrap();

    let created = next(&mut stream).await;
    let events = next_events(&mut stream, 2).await;

    assert!(created.created() && created.events().is_empty());
    assert_eq!(events, [("b".to_owned(), 3), ("c".to_owned(), 4)]);
}

#[tokio::test]
async fn a_watch_of_the_future_waits_for_it() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let options = WatchOptions::new().with_start_revision(4);
    let mut stream = client.watch("a", Some(options)).await.unwrap();
    next(&mut stream).await;

    put_all(&mut client, &["a", "a", "a"]).await;

    assert_eq!(next_events(&mut stream, 1).await, [("a".to_owned(), 4)]);
}

#[tokio::test]
async fn a_watch_survives_a_restart_of_the_server() {
    let server = Server::start().await;
    let mut client = server.client().await;
    put_all(&mut client, &["a", "b"]).await;
    let mut stream = client.watch("c", None).await.unwrap();
    next(&mut stream).await;

    let server = server.restart().await;

    assert!(stream.message().await.is_err());
    let options = WatchOptions::new().with_all_keys().with_start_revision(2);
    let mut stream = server.client().await.watch("", Some(options)).await.unwrap();
    next(&mut stream).await;
    assert_eq!(next_events(&mut stream, 2).await, [("a".to_owned(), 2), ("b".to_owned(), 3)]);
}

#[tokio::test]
async fn a_watch_tells_keys_as_they_were() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let options = WatchOptions::new().with_prev_key();
    let mut stream = client.watch("a", Some(options)).await.unwrap();
    next(&mut stream).await;

    client.put("a", "1", None).await.unwrap();
    client.put("a", "2", None).await.unwrap();
    client.delete("a", None).await.unwrap();
    let mut previous = vec![];
    while previous.len() < 3 {
        for event in next(&mut stream).await.events() {
            previous.push(event.prev_kv().map(|kv| kv.value_str().unwrap().to_owned()));
        }
    }

    assert_eq!(previous, [None, Some("1".to_owned()), Some("2".to_owned())]);
}

#[tokio::test]
async fn a_watch_filters_out_what_it_does_not_want() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let without = |filter| Some(WatchOptions::new().with_filters([filter]));
    let mut puts = client.watch("a", without(WatchFilterType::NoDelete)).await.unwrap();
    let mut deletes = client.watch("a", without(WatchFilterType::NoPut)).await.unwrap();
    next(&mut puts).await;
    next(&mut deletes).await;

    put_all(&mut client, &["a"]).await;
    client.delete("a", None).await.unwrap();
    put_all(&mut client, &["a"]).await;

    assert_eq!(next_events(&mut deletes, 1).await, [("a".to_owned(), 3)]);
    assert_eq!(next_events(&mut puts, 2).await, [("a".to_owned(), 2), ("a".to_owned(), 4)]);
}

#[tokio::test]
async fn events_of_one_revision_come_together() {
    let server = Server::start().await;
    let mut client = server.client().await;
    put_all(&mut client, &["a", "b", "c"]).await;
    let mut stream = client.watch("", Some(WatchOptions::new().with_all_keys())).await.unwrap();
    next(&mut stream).await;

    client.delete("", Some(DeleteOptions::new().with_all_keys())).await.unwrap();

    let deleted = next(&mut stream).await;
    assert_eq!((deleted.events().len(), deleted.header().unwrap().revision()), (3, 5));
}

#[tokio::test]
async fn a_watch_that_begins_before_a_compaction_is_canceled_with_its_revision() {
    let server = Server::start().await;
    let mut client = server.client().await;
    put_all(&mut client, &["a", "a", "a", "a"]).await;
    client.compact(4, None).await.unwrap();
    let from = |revision| Some(WatchOptions::new().with_start_revision(revision));

    let mut expired = client.watch("a", from(3)).await.unwrap();
    let (created, canceled) = (next(&mut expired).await, next(&mut expired).await);
    let mut alive = client.watch("a", from(4)).await.unwrap();
    next(&mut alive).await;

    assert!(created.created() && !created.canceled());
    assert!(canceled.canceled() && !canceled.created());
    assert_eq!((canceled.compact_revision(), canceled.cancel_reason()), (4, ""));
    assert_eq!(next_events(&mut alive, 2).await, [("a".to_owned(), 4), ("a".to_owned(), 5)]);
}

#[tokio::test]
async fn a_range_upside_down_cannot_be_watched() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let options = WatchOptions::new().with_range("a");
    let mut stream = client.watch("b", Some(options)).await.unwrap();

    let refused = next(&mut stream).await;

    assert!(refused.created() && refused.canceled());
    assert_eq!(refused.watch_id(), -1);
    assert_eq!(refused.cancel_reason(), "mvcc: watcher range is empty");
}
