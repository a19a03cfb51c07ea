//! Leases.

use etcd_client::{EventType, LeaseGrantOptions, LeaseTimeToLiveOptions, PutOptions, WatchOptions};
use tonic::Code;

use crate::support::{Server, next, put_all, refusal};

async fn put_with(client: &mut etcd_client::Client, key: &str, lease: i64) {
    let options = PutOptions::new().with_lease(lease);
    client.put(key, "", Some(options)).await.expect("the store takes it");
}

#[tokio::test]
async fn a_lease_is_granted_listed_and_revoked_with_its_keys() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let chosen = client.lease_grant(60, Some(LeaseGrantOptions::new().with_id(7))).await.unwrap();
    let drawn = client.lease_grant(600, None).await.unwrap();
    for key in ["a", "b"] {
        put_with(&mut client, key, 7).await;
    }

    let listed = client.leases().await.unwrap();
    let revoked = client.lease_revoke(7).await.unwrap();

    assert_eq!((chosen.id(), chosen.ttl(), drawn.ttl()), (7, 60, 600));
    assert!(drawn.id() > 0);
    let ids: Vec<_> = listed.leases().iter().map(|lease| lease.id()).collect();
    assert_eq!(ids, [7, drawn.id()]);
    assert_eq!(revoked.header().unwrap().revision(), 4);
    assert!(server.etcd.snapshot().is_empty());
    assert_eq!(client.leases().await.unwrap().leases().len(), 1);
}

#[tokio::test]
async fn a_lease_tells_its_time_and_its_keys() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.lease_grant(600, Some(LeaseGrantOptions::new().with_id(7))).await.unwrap();
    put_with(&mut client, "a", 7).await;
    put_with(&mut client, "b", 7).await;
    put_all(&mut client, &["b"]).await;
    let with_keys = || Some(LeaseTimeToLiveOptions::new().with_keys());

    let known = client.lease_time_to_live(7, with_keys()).await.unwrap();
    let without_keys = client.lease_time_to_live(7, None).await.unwrap();
    let unknown = client.lease_time_to_live(8, with_keys()).await.unwrap();

    assert_eq!(known.granted_ttl(), 600);
    assert!((590..=600).contains(&known.ttl()), "{}", known.ttl());
    assert_eq!(known.keys(), [b"a"]);
    assert!(without_keys.keys().is_empty());
    assert_eq!((unknown.id(), unknown.ttl(), unknown.granted_ttl()), (8, -1, 0));
}

#[tokio::test]
async fn leases_that_make_no_sense_are_refused_in_etcds_words() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let seven = || Some(LeaseGrantOptions::new().with_id(7));
    client.lease_grant(60, seven()).await.unwrap();

    assert_eq!(
        refusal(client.lease_grant(60, seven()).await),
        (Code::FailedPrecondition, "etcdserver: lease already exists".to_owned())
    );
    assert_eq!(
        refusal(client.lease_grant(9_000_000_001, None).await),
        (Code::OutOfRange, "etcdserver: too large lease TTL".to_owned())
    );
    assert_eq!(
        refusal(client.lease_revoke(8).await),
        (Code::NotFound, "etcdserver: requested lease not found".to_owned())
    );
}

#[tokio::test]
async fn a_lease_that_ends_takes_its_keys_with_it_at_one_revision() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let granted = client.lease_grant(1, Some(LeaseGrantOptions::new().with_id(7))).await.unwrap();
    put_with(&mut client, "a", 7).await;
    put_with(&mut client, "b", 7).await;
    let options = WatchOptions::new().with_all_keys().with_start_revision(4);
    let mut stream = client.watch("", Some(options)).await.unwrap();
    next(&mut stream).await;

    let ended = next(&mut stream).await;

    assert_eq!(granted.ttl(), 2);
    let events: Vec<_> = ended.events().iter().map(|event| event.event_type()).collect();
    assert_eq!(events, [EventType::Delete, EventType::Delete]);
    assert_eq!(client.lease_time_to_live(7, None).await.unwrap().ttl(), -1);
    assert!(client.lease_keep_alive(7).await.is_err());
}

#[tokio::test]
async fn a_lease_that_is_kept_alive_outlives_one_that_is_not() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for lease in [7, 8] {
        client.lease_grant(2, Some(LeaseGrantOptions::new().with_id(lease))).await.unwrap();
        put_with(&mut client, &lease.to_string(), lease).await;
    }
    let ending = WatchOptions::new().with_start_revision(4);
    let mut stream = client.watch("8", Some(ending)).await.unwrap();
    next(&mut stream).await;
    let (mut keeper, mut kept) = client.lease_keep_alive(7).await.unwrap();

    let mut ended = std::pin::pin!(next(&mut stream));
    let ended = loop {
        tokio::select! {
            ended = &mut ended => break ended,
            kept = async { keeper.keep_alive().await.unwrap(); kept.message().await } => {
                assert_eq!(kept.unwrap().unwrap().ttl(), 2);
            }
        }
    };

    assert_eq!(ended.events()[0].event_type(), EventType::Delete);
    assert_eq!(client.get("7", None).await.unwrap().count(), 1);
}

#[tokio::test]
async fn a_lease_and_what_is_left_of_it_survive_a_restart() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.lease_grant(600, Some(LeaseGrantOptions::new().with_id(7))).await.unwrap();
    put_with(&mut client, "a", 7).await;
    server.etcd.checkpoint(store::LeaseId(7), Some(300)).await.unwrap();

    let server = server.restart().await;
    let mut client = server.client().await;
    let left = client.lease_time_to_live(7, None).await.unwrap();
    client.lease_keep_alive(7).await.unwrap();
    let renewed = client.lease_time_to_live(7, None).await.unwrap();

    assert_eq!(left.granted_ttl(), 600);
    assert!((290..=300).contains(&left.ttl()), "{}", left.ttl());
    assert!((590..=600).contains(&renewed.ttl()), "{}", renewed.ttl());
    let lease = server.etcd.snapshot().lease(store::LeaseId(7)).cloned().unwrap();
    assert_eq!(lease.remaining_seconds, None);
}
