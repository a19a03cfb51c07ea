//! Puts, deletes and compaction.

use etcd_client::{DeleteOptions, GetOptions, PutOptions};
use tonic::Code;

use crate::support::{Server, put_all, refusal};

#[tokio::test]
async fn a_put_counts_versions_and_tells_what_was_before() {
    let server = Server::start().await;
    let mut client = server.client().await;

    client.put("a", "1", None).await.unwrap();
    let put = client.put("a", "2", Some(PutOptions::new().with_prev_key())).await.unwrap();
    let got = client.get("a", None).await.unwrap();

    assert_eq!(put.prev_key().unwrap().value(), b"1");
    let kv = &got.kvs()[0];
    assert_eq!((kv.value(), kv.create_revision(), kv.mod_revision()), (&b"2"[..], 2, 3));
    assert_eq!((kv.version(), kv.lease(), got.count(), got.more()), (2, 0, 1, false));
}

#[tokio::test]
async fn every_answer_has_a_header() {
    let server = Server::start().await;
    let mut client = server.client().await;

    let put = client.put("a", "1", None).await.unwrap();

    let header = put.header().unwrap();
    let identity = server.etcd.identity();
    assert_eq!((header.cluster_id(), header.member_id()), (identity.cluster, identity.member));
    assert_eq!((header.revision(), header.raft_term()), (2, 2));
}

#[tokio::test]
async fn a_put_may_keep_the_value_or_the_lease() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let lease = client.lease_grant(60, None).await.unwrap().id();
    client.put("a", "1", Some(PutOptions::new().with_lease(lease))).await.unwrap();

    client.put("a", "2", Some(PutOptions::new().with_ignore_lease())).await.unwrap();
    let with_lease = client.get("a", None).await.unwrap();
    client.put("a", "", Some(PutOptions::new().with_ignore_value())).await.unwrap();
    let with_value = client.get("a", None).await.unwrap();

    assert_eq!((with_lease.kvs()[0].value(), with_lease.kvs()[0].lease()), (&b"2"[..], lease));
    assert_eq!((with_value.kvs()[0].value(), with_value.kvs()[0].lease()), (&b"2"[..], 0));
}

#[tokio::test]
async fn puts_that_make_no_sense_are_refused_in_etcds_words() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let invalid = |message: &str| (Code::InvalidArgument, message.to_owned());

    let mut put = async |key: &str, value: &[u8], options| {
        refusal(client.put(key, value, Some(options)).await)
    };

    let options = PutOptions::new;
    assert_eq!(put("", b"1", options()).await, invalid("etcdserver: key is not provided"));
    assert_eq!(
        put("a", b"1", options().with_ignore_value()).await,
        invalid("etcdserver: value is provided")
    );
    assert_eq!(
        put("a", b"1", options().with_ignore_lease().with_lease(7)).await,
        invalid("etcdserver: lease is provided")
    );
    assert_eq!(
        put("a", b"", options().with_ignore_value()).await,
        invalid("etcdserver: key not found")
    );
    assert_eq!(
        put("a", b"1", options().with_lease(7)).await,
        (Code::NotFound, "etcdserver: requested lease not found".to_owned())
    );
    assert_eq!(
        put("a", &vec![0; 1536 * 1024], options()).await,
        invalid("etcdserver: request is too large")
    );
    // The key, and what says where key and value begin and how long they are.
    let bytes = 2048 * 1024 + 8;
    assert_eq!(
        put("a", &vec![0; 2048 * 1024], options()).await,
        (
            Code::ResourceExhausted,
            format!("grpc: received message larger than max ({bytes} vs. 2097152)")
        )
    );
    assert_eq!(server.etcd.snapshot().revision().0, 1);
}

#[tokio::test]
async fn a_large_value_is_taken() {
    let server = Server::start().await;
    let mut client = server.client().await;

    client.put("a", vec![0; 1536 * 1024 - 64], None).await.unwrap();

    assert_eq!(server.etcd.snapshot().revision().0, 2);
}

#[tokio::test]
async fn a_delete_removes_a_range_at_one_revision() {
    let server = Server::start().await;
    let mut client = server.client().await;
    put_all(&mut client, &["a/1", "a/2", "b"]).await;

    let options = DeleteOptions::new().with_prefix().with_prev_key();
    let deleted = client.delete("a/", Some(options)).await.unwrap();
    let nothing = client.delete("a/", Some(DeleteOptions::new().with_prefix())).await.unwrap();
    let upside_down = client.delete("b", Some(DeleteOptions::new().with_range("a"))).await.unwrap();

    let values: Vec<_> = deleted.prev_kvs().iter().map(|kv| kv.value_str().unwrap()).collect();
    assert_eq!((deleted.deleted(), values), (2, vec!["a/1", "a/2"]));
    assert_eq!(deleted.header().unwrap().revision(), 5);
    assert_eq!((nothing.deleted(), nothing.header().unwrap().revision()), (0, 5));
    assert_eq!(upside_down.deleted(), 0);
    assert_eq!(
        refusal(client.delete("", None).await),
        (Code::InvalidArgument, "etcdserver: key is not provided".to_owned())
    );
}

#[tokio::test]
async fn what_is_compacted_cannot_be_read() {
    let server = Server::start().await;
    let mut client = server.client().await;
    put_all(&mut client, &["a", "a", "a"]).await;
    let at = |revision| Some(GetOptions::new().with_revision(revision));

    let compacted = client.compact(3, None).await.unwrap();

    assert_eq!(compacted.header().unwrap().revision(), 4);
    let gone =
        (Code::OutOfRange, "etcdserver: mvcc: required revision has been compacted".to_owned());
    let future =
        (Code::OutOfRange, "etcdserver: mvcc: required revision is a future revision".to_owned());
    assert_eq!(refusal(client.get("a", at(2)).await), gone);
    assert_eq!(client.get("a", at(3)).await.unwrap().kvs()[0].mod_revision(), 3);
    assert_eq!(refusal(client.get("a", at(5)).await), future);
    assert_eq!(refusal(client.compact(3, None).await), gone);
    assert_eq!(refusal(client.compact(5, None).await), future);
}
