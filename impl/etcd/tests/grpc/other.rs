//! Maintenance, members, and users that there are not.

use etcd::backup;
use etcd_client::{AlarmAction, AlarmType};
use tonic::Code;

use crate::support::{Server, put_all, refusal};

#[tokio::test]
async fn the_status_is_that_of_a_leader() {
    let server = Server::start().await;
    let mut client = server.client().await;
    put_all(&mut client, &["a"]).await;

    let status = client.status().await.unwrap();

    assert_eq!((status.version(), status.leader()), ("3.5.13", server.etcd.identity().member));
    assert_eq!((status.raft_index(), status.raft_term(), status.is_learner()), (2, 2, false));
    assert!(status.db_size() > 0 && status.errors().is_empty());
}

#[tokio::test]
async fn equal_keys_have_equal_hashes() {
    let (one, other) = (Server::start().await, Server::start().await);
    let (mut client, mut other) = (one.client().await, other.client().await);
    put_all(&mut client, &["a", "b"]).await;
    put_all(&mut other, &["a", "b", "c"]).await;

    let then = other.hash_kv(3).await.unwrap();
    let now = other.hash_kv(0).await.unwrap();
    let hash = client.hash_kv(0).await.unwrap();

    assert_eq!(hash.hash(), then.hash());
    assert_ne!(hash.hash(), now.hash());
    assert_eq!((hash.hash_revision(), now.hash_revision(), then.compact_version()), (3, 4, -1));
    assert_ne!(client.hash().await.unwrap().hash(), other.hash().await.unwrap().hash());
    assert_eq!(
        refusal(client.hash_kv(9).await),
        (Code::OutOfRange, "etcdserver: mvcc: required revision is a future revision".to_owned())
    );
}

#[tokio::test]
async fn a_snapshot_holds_the_store_and_its_checksum() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.put("a", vec![7; 100_000], None).await.unwrap();

    let mut stream = client.snapshot().await.unwrap();
    let (mut bytes, mut remaining) = (vec![], vec![]);
    while let Some(part) = stream.message().await.unwrap() {
        bytes.extend_from_slice(part.blob());
        remaining.push(part.remaining_bytes());
    }

    let database = backup::unseal(&bytes).unwrap();
    let restored = backup::read(database).unwrap();
    assert_eq!((restored.revision().0, restored.len()), (2, 1));
    assert!(remaining.is_sorted_by(|one, next| one >= next) && remaining.ends_with(&[0, 0]));
    assert_eq!(remaining[0], database.len() as u64 - 32 * 1024);
}

#[tokio::test]
async fn there_is_no_alarm_and_nothing_to_defragment() {
    let server = Server::start().await;
    let mut client = server.client().await;

    let alarms = client.alarm(AlarmAction::Get, AlarmType::None, None).await.unwrap();
    client.defragment().await.unwrap();

    assert!(alarms.alarms().is_empty());
}

#[tokio::test]
async fn there_is_one_member_and_no_other_may_join() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let me = server.etcd.identity().member;

    let list = client.member_list().await.unwrap();

    let [member] = list.members() else { panic!("one member: {list:?}") };
    assert_eq!((member.id(), member.name(), member.is_learner()), (me, "default", false));
    assert_eq!(member.client_urls(), [format!("http://{}", server.address)]);
    let not_enough = (
        Code::FailedPrecondition,
        "etcdserver: re-configuration failed due to not enough started members".to_owned(),
    );
    let not_found = (Code::NotFound, "etcdserver: member not found".to_owned());
    assert_eq!(refusal(client.member_add(["http://127.0.0.1:1"], None).await), not_enough);
    assert_eq!(refusal(client.member_remove(me).await), not_enough);
    assert_eq!(refusal(client.member_remove(me ^ 1).await), not_found);
    assert_eq!(refusal(client.member_update(me ^ 1, vec![]).await), not_found);
    assert_eq!(
        refusal(client.member_promote(me).await),
        (Code::FailedPrecondition, "etcdserver: can only promote a learner member".to_owned())
    );
    assert_eq!(
        refusal(client.move_leader(me ^ 1).await),
        (Code::FailedPrecondition, "etcdserver: bad leader transferee".to_owned())
    );
}

#[tokio::test]
async fn there_are_no_users() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let refused = |why: &str| (Code::FailedPrecondition, format!("etcdserver: {why}"));
    let not_enabled = refused("authentication is not enabled");

    assert_eq!(refusal(client.auth_enable().await), refused("root user does not exist"));
    assert_eq!(refusal(client.user_list().await), not_enabled);
    assert_eq!(refusal(client.role_add("reader").await), not_enabled);
}
