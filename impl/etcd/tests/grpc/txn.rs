//! Transactions.

use etcd_client::{
    Compare, CompareOp, DeleteOptions, GetOptions, PutOptions, Txn, TxnOp, TxnOpResponse,
};
use tonic::Code;

use crate::support::{Server, put_all, refusal};

fn put(key: &str) -> TxnOp {
    TxnOp::put(key, "1", None)
}

#[tokio::test]
async fn the_branch_depends_on_the_compares() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let create = || {
        Txn::new()
            .when([Compare::create_revision("a", CompareOp::Equal, 0)])
            .and_then([put("a")])
            .or_else([TxnOp::get("a", None)])
    };

    let first = client.txn(create()).await.unwrap();
    let second = client.txn(create()).await.unwrap();

    assert!(first.succeeded() && !second.succeeded());
    assert_eq!((first.header().unwrap().revision(), second.header().unwrap().revision()), (2, 2));
    let TxnOpResponse::Get(got) = second.op_responses().remove(0) else { panic!("it reads") };
    assert_eq!((got.kvs()[0].mod_revision(), got.header().unwrap().revision()), (2, 2));
}

#[tokio::test]
async fn each_target_and_relation_is_compared() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let lease = client.lease_grant(60, None).await.unwrap().id();
    put_all(&mut client, &["a"]).await;
    client.put("a", "m", Some(PutOptions::new().with_lease(lease))).await.unwrap();
    let mut holds =
        async |compare: Compare| client.txn(Txn::new().when([compare])).await.unwrap().succeeded();

    assert!(holds(Compare::version("a", CompareOp::Equal, 2)).await);
    assert!(holds(Compare::create_revision("a", CompareOp::Less, 3)).await);
    assert!(holds(Compare::mod_revision("a", CompareOp::Greater, 2)).await);
    assert!(holds(Compare::mod_revision("a", CompareOp::Greater, -1)).await);
    assert!(holds(Compare::value("a", CompareOp::NotEqual, "n")).await);
    assert!(holds(Compare::lease("a", CompareOp::Equal, lease)).await);
    assert!(!holds(Compare::value("a", CompareOp::Greater, "n")).await);
    assert!(holds(Compare::version("missing", CompareOp::Equal, 0)).await);
    assert!(!holds(Compare::value("missing", CompareOp::NotEqual, "n")).await);
}

#[tokio::test]
async fn a_compare_of_a_range_must_hold_of_each_key() {
    let server = Server::start().await;
    let mut client = server.client().await;
    put_all(&mut client, &["a/1", "a/2", "a/2"]).await;
    let mut holds = async |version| {
        let compare = Compare::version("a/", CompareOp::Less, version).with_prefix();
        client.txn(Txn::new().when([compare])).await.unwrap().succeeded()
    };

    assert!(!holds(2).await);
    assert!(holds(3).await);
}

#[tokio::test]
async fn a_transaction_has_one_revision_and_sees_what_it_writes() {
    let server = Server::start().await;
    let mut client = server.client().await;
    put_all(&mut client, &["a", "b"]).await;
    let before = PutOptions::new().with_prev_key();
    let operations = [
        TxnOp::put("a", "2", Some(before)),
        TxnOp::get("a", Some(GetOptions::new())),
        TxnOp::delete("b", Some(DeleteOptions::new().with_prev_key())),
        TxnOp::get("b", None),
    ];

    let answer = client.txn(Txn::new().and_then(operations)).await.unwrap();

    let responses = answer.op_responses();
    let [
        TxnOpResponse::Put(put),
        TxnOpResponse::Get(got),
        TxnOpResponse::Delete(deleted),
        TxnOpResponse::Get(gone),
    ] = &responses[..]
    else {
        panic!("one answer for each operation: {responses:?}")
    };
    assert_eq!(put.prev_key().unwrap().value(), b"a");
    assert_eq!((got.kvs()[0].value(), got.kvs()[0].mod_revision()), (&b"2"[..], 4));
    assert_eq!((deleted.deleted(), deleted.prev_kvs()[0].value()), (1, &b"b"[..]));
    assert!(gone.kvs().is_empty());
}

#[tokio::test]
async fn transactions_nest() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let inner = Txn::new()
        .when([Compare::version("a", CompareOp::Greater, 0)])
        .and_then([put("then")])
        .or_else([put("else"), TxnOp::get("else", None)]);

    let answer = client.txn(Txn::new().and_then([put("a"), TxnOp::txn(inner)])).await.unwrap();

    let responses = answer.op_responses();
    let TxnOpResponse::Txn(inner) = &responses[1] else {
        panic!("the inner answers: {responses:?}")
    };
    assert!(!inner.succeeded());
    assert_eq!(inner.op_responses().len(), 2);
    assert_eq!(client.get("else", None).await.unwrap().kvs()[0].mod_revision(), 2);
}

#[tokio::test]
async fn transactions_that_make_no_sense_are_refused_in_etcds_words() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let invalid = |message: &str| (Code::InvalidArgument, message.to_owned());
    let many: Vec<_> = (0..129).map(|number| put(&format!("key-{number}"))).collect();
    client.txn(Txn::new().and_then(&many[1..])).await.unwrap();
    let past = TxnOp::get("a", Some(GetOptions::new().with_revision(9)));
    let mut refused =
        async |operations: Vec<TxnOp>| refusal(client.txn(Txn::new().and_then(operations)).await);

    let too_many = invalid("etcdserver: too many operations in txn request");
    assert_eq!(refused(many).await, too_many);
    assert_eq!(
        refused(vec![put("a"), put("a")]).await,
        invalid("etcdserver: duplicate key given in txn request")
    );
    assert_eq!(refused(vec![put("")]).await, invalid("etcdserver: key is not provided"));
    assert_eq!(
        refused(vec![put("a"), past]).await,
        (Code::OutOfRange, "etcdserver: mvcc: required revision is a future revision".to_owned())
    );
    assert_eq!(
        refused(vec![TxnOp::put("a", vec![0; 1536 * 1024], None)]).await,
        invalid("etcdserver: request is too large")
    );
}
