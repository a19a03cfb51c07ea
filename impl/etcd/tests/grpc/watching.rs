//! Many watches on a stream, and streams that are not read.

use std::time::Duration;

use etcd::grpc::Options;
use etcd_client::{TxnOp, WatchOptions};

use crate::support::{Server, next, next_events, put_all};

#[tokio::test]
async fn a_stream_has_many_watches_each_with_its_number() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let mut stream = client.watch("a", None).await.unwrap();
    stream.watch("b", None).await.unwrap();
    stream.watch("c", Some(WatchOptions::new().with_watch_id(7))).await.unwrap();
    stream.watch("d", Some(WatchOptions::new().with_watch_id(7))).await.unwrap();
    let mut created = vec![];
    for _ in 0..4 {
        created.push(next(&mut stream).await);
    }

    put_all(&mut client, &["d", "c", "b", "a"]).await;
    let mut told = vec![];
    for _ in 0..3 {
        told.push(next(&mut stream).await.watch_id());
    }

    let ids: Vec<_> = created.iter().map(|answer| answer.watch_id()).collect();
    assert_eq!(ids, [0, 1, 7, -1]);
    assert!(created[3].canceled());
    assert_eq!(created[3].cancel_reason(), "mvcc: duplicate watch ID provided on the WatchStream");
    told.sort_unstable();
    assert_eq!(told, [0, 1, 7]);
}

#[tokio::test]
async fn a_watch_that_is_canceled_says_so_and_hears_nothing_more() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let mut stream = client.watch("a", None).await.unwrap();
    stream.watch("a", None).await.unwrap();
    next(&mut stream).await;
    next(&mut stream).await;

    stream.cancel(0).await.unwrap();
    stream.cancel(99).await.unwrap();
    let canceled = next(&mut stream).await;
    put_all(&mut client, &["a"]).await;
    let told = next(&mut stream).await;

    assert!(canceled.canceled() && canceled.compact_revision() == 0);
    assert_eq!((canceled.watch_id(), told.watch_id()), (0, 1));
    assert_eq!(told.events().len(), 1);
}

#[tokio::test]
async fn progress_is_told_after_all_that_happened_before_it() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let mut stream = client.watch("a", None).await.unwrap();
    stream.watch("", Some(WatchOptions::new().with_all_keys())).await.unwrap();
    next(&mut stream).await;
    next(&mut stream).await;

    put_all(&mut client, &["a", "b"]).await;
    stream.request_progress().await.unwrap();
    let mut told = vec![];
    let progress = loop {
        let answer = next(&mut stream).await;
        if answer.watch_id() == -1 {
            break answer;
        }
        let id = answer.watch_id();
        told.extend(answer.events().iter().map(|event| (id, event.kv().unwrap().mod_revision())));
    };

    told.sort_unstable();
    assert_eq!(told, [(0, 2), (1, 2), (1, 3)]);
    assert_eq!((progress.header().unwrap().revision(), progress.events().len()), (3, 0));
    assert!(!progress.created() && !progress.canceled());
}

#[tokio::test]
async fn a_quiet_watch_that_asked_for_it_is_told_of_progress() {
    let progress_notify_interval = Duration::from_millis(20);
    let server =
        Server::start_with(Options { progress_notify_interval, ..Options::default() }).await;
    let mut client = server.client().await;
    put_all(&mut client, &["b"]).await;
    let options = WatchOptions::new().with_progress_notify();
    let mut stream = client.watch("a", Some(options)).await.unwrap();
    next(&mut stream).await;

    let progress = next(&mut stream).await;

    assert_eq!((progress.watch_id(), progress.header().unwrap().revision()), (0, 2));
    assert!(progress.events().is_empty());
}

/// Writes 48 MiB, far more than what sockets and streams keep.
async fn flood(client: &mut etcd_client::Client) -> usize {
    let value = vec![0; 512 * 1024];
    for _ in 0..96 {
        client.put("a", value.clone(), None).await.expect("the store takes it");
    }
    96
}

#[tokio::test]
async fn a_stream_that_is_not_read_stalls_no_other_and_loses_nothing() {
    let server = Server::start().await;
    let (mut writer, mut reader) = (server.client().await, server.client().await);
    let mut unread = server.client().await.watch("a", None).await.unwrap();
    let mut read = reader.watch("a", None).await.unwrap();
    next(&mut unread).await;
    next(&mut read).await;

    let count = flood(&mut writer).await;

    let told = next_events(&mut read, count).await;
    assert_eq!(told.last(), Some(&("a".to_owned(), 97)));
    assert_eq!(next_events(&mut unread, count).await, told);
}

#[tokio::test]
async fn a_stream_that_is_not_read_is_kept_in_no_memory_and_ends_with_a_compaction() {
    let server = Server::start().await;
    let mut writer = server.client().await;
    let mut unread = server.client().await.watch("a", None).await.unwrap();
    next(&mut unread).await;
    let count = flood(&mut writer).await;

    let latest = server.etcd.snapshot().revision();
    writer.compact(latest.0.cast_signed(), None).await.unwrap();
    let mut told = 0;
    let canceled = loop {
        let answer = next(&mut unread).await;
        if answer.canceled() {
            break answer;
        }
        told += answer.events().len();
    };

    assert!(told < count, "all {told} events were kept");
    assert_eq!(canceled.compact_revision(), latest.0.cast_signed());
}

#[tokio::test]
async fn a_large_revision_is_split_where_that_is_asked_for() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let options = WatchOptions::new().with_all_keys().with_fragment();
    let lease = client.lease_grant(60, None).await.unwrap().id();
    let with_lease = || Some(etcd_client::PutOptions::new().with_lease(lease));
    for key in ["a", "b", "c"] {
        client.put(key, vec![0; 1024 * 1024], with_lease()).await.unwrap();
    }
    let options = options.with_prev_key();
    let mut stream = client.watch("", Some(options)).await.unwrap();
    next(&mut stream).await;

    client.lease_revoke(lease).await.unwrap();

    for _ in 0..3 {
        assert_eq!(next(&mut stream).await.events().len(), 1);
    }
}

#[tokio::test]
async fn a_transaction_that_writes_nothing_is_no_event() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let mut stream = client.watch("", Some(WatchOptions::new().with_all_keys())).await.unwrap();
    next(&mut stream).await;

    let read = etcd_client::Txn::new().and_then([TxnOp::get("a", None)]);
    client.txn(read).await.unwrap();
    put_all(&mut client, &["a"]).await;

    assert_eq!(next_events(&mut stream, 1).await, [("a".to_owned(), 2)]);
}

#[tokio::test]
async fn a_connection_carries_many_streams() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let mut streams = vec![];
    for _ in 0..300 {
        let mut stream = client.watch("a", None).await.unwrap();
        next(&mut stream).await;
        streams.push(stream);
    }

    put_all(&mut client, &["a"]).await;

    for stream in &mut streams {
        assert_eq!(next_events(stream, 1).await, [("a".to_owned(), 2)]);
    }
}

#[tokio::test]
async fn who_goes_on_after_each_interruption_misses_nothing_while_others_write() {
    let server = Server::start().await;
    let writers = [0, 1, 2, 3].map(|writer| {
        let kv = server.client();
        async move {
            let mut client = kv.await;
            for number in 0..100 {
                client.put(format!("{writer}"), format!("{number}"), None).await.unwrap();
            }
        }
    });
    let mut reader = server.client().await;
    let reading = async {
        let mut told = vec![];
        while told.len() < 400 {
            let start = told.last().map_or(2, |last| last + 1);
            let options = WatchOptions::new().with_all_keys().with_start_revision(start);
            let mut stream = reader.watch("", Some(options)).await.unwrap();
            next(&mut stream).await;
            let events = next_events(&mut stream, 7.min(400 - told.len())).await;
            told.extend(events.into_iter().map(|(_, revision)| revision));
        }
        told
    };

    let (_, told) = tokio::join!(futures_util::future::join_all(writers), reading);

    assert!(told.iter().copied().eq(2..402), "{told:?}");
}
