//! Reads of ranges.

use etcd_client::{GetOptions, SortOrder, SortTarget};
use tonic::Code;

use crate::support::{Server, put_all, refusal};

/// Keys `b`, `a`, `c` in the order of their creation; `a` is written last and has the largest value.
async fn filled() -> (Server, etcd_client::Client) {
    let server = Server::start().await;
    let mut client = server.client().await;
    put_all(&mut client, &["b", "a", "c"]).await;
    client.put("a", "z", None).await.expect("the store takes it");
    (server, client)
}

async fn keys(client: &mut etcd_client::Client, key: &str, options: GetOptions) -> String {
    let got = client.get(key, Some(options)).await.expect("it can be read");
    got.kvs().iter().map(|kv| kv.key_str().expect("text")).collect()
}

#[tokio::test]
async fn a_range_has_an_end_or_none() {
    let (_server, mut client) = filled().await;
    let options = GetOptions::new;

    assert_eq!(keys(&mut client, "a", options()).await, "a");
    assert_eq!(keys(&mut client, "a", options().with_range("c")).await, "ab");
    assert_eq!(keys(&mut client, "b", options().with_from_key()).await, "bc");
    assert_eq!(keys(&mut client, "", options().with_all_keys()).await, "abc");
    assert_eq!(keys(&mut client, "c", options().with_range("a")).await, "");
    assert_eq!(keys(&mut client, "b", options().with_range("b")).await, "");
}

#[tokio::test]
async fn a_limit_leaves_out_and_says_so() {
    let (_server, mut client) = filled().await;
    let options = GetOptions::new().with_all_keys();

    let some = client.get("", Some(options.clone().with_limit(2))).await.unwrap();
    let all = client.get("", Some(options.clone().with_limit(3))).await.unwrap();

    assert_eq!((some.kvs().len(), some.count(), some.more()), (2, 3, true));
    assert_eq!((all.kvs().len(), all.count(), all.more()), (3, 3, false));
}

#[tokio::test]
async fn a_range_is_sorted_by_what_is_asked_for() {
    let (_server, mut client) = filled().await;
    let mut sorted = async |target, order| {
        let options = GetOptions::new().with_all_keys().with_sort(target, order);
        keys(&mut client, "", options).await
    };

    assert_eq!(sorted(SortTarget::Key, SortOrder::Descend).await, "cba");
    assert_eq!(sorted(SortTarget::Create, SortOrder::Ascend).await, "bac");
    assert_eq!(sorted(SortTarget::Mod, SortOrder::None).await, "bca");
    assert_eq!(sorted(SortTarget::Mod, SortOrder::Descend).await, "acb");
    assert_eq!(sorted(SortTarget::Value, SortOrder::Descend).await, "acb");
    assert_eq!(sorted(SortTarget::Version, SortOrder::Descend).await.chars().next(), Some('a'));
}

#[tokio::test]
async fn a_limit_counts_after_sorting() {
    let (_server, mut client) = filled().await;
    let options = GetOptions::new().with_all_keys().with_limit(1);

    let last = options.with_sort(SortTarget::Mod, SortOrder::Descend);

    assert_eq!(keys(&mut client, "", last).await, "a");
}

#[tokio::test]
async fn values_or_keys_are_left_out() {
    let (_server, mut client) = filled().await;
    let options = GetOptions::new().with_all_keys();

    let keys_only = client.get("", Some(options.clone().with_keys_only())).await.unwrap();
    let count_only = client.get("", Some(options.with_count_only())).await.unwrap();

    assert!(keys_only.kvs().iter().all(|kv| kv.value().is_empty() && !kv.key().is_empty()));
    assert_eq!((keys_only.kvs().len(), keys_only.count()), (3, 3));
    assert_eq!((count_only.kvs().len(), count_only.count(), count_only.more()), (0, 3, false));
}

#[tokio::test]
async fn bounds_on_revisions_leave_out_but_count() {
    let (_server, mut client) = filled().await;
    let options = || GetOptions::new().with_all_keys();

    assert_eq!(keys(&mut client, "", options().with_min_mod_revision(4)).await, "ac");
    assert_eq!(keys(&mut client, "", options().with_max_mod_revision(4)).await, "bc");
    assert_eq!(keys(&mut client, "", options().with_min_create_revision(3)).await, "ac");
    assert_eq!(keys(&mut client, "", options().with_max_create_revision(3)).await, "ab");
    let got = client.get("", Some(options().with_min_mod_revision(5))).await.unwrap();
    assert_eq!((got.kvs().len(), got.count()), (1, 3));
}

#[tokio::test]
async fn the_past_can_be_read() {
    let (_server, mut client) = filled().await;

    let then = client.get("a", Some(GetOptions::new().with_revision(3))).await.unwrap();
    let before = GetOptions::new().with_all_keys().with_revision(2).with_serializable();

    assert_eq!(then.kvs()[0].value(), b"a");
    assert_eq!(then.header().unwrap().revision(), 5);
    assert_eq!(keys(&mut client, "", before).await, "b");
}

#[tokio::test]
async fn a_read_without_a_key_is_refused() {
    let (_server, mut client) = filled().await;

    assert_eq!(
        refusal(client.get("", None).await),
        (Code::InvalidArgument, "etcdserver: key is not provided".to_owned())
    );
}

#[tokio::test]
async fn a_streamed_range_comes_in_parts_of_which_the_last_has_the_count() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut kv = client.kv_client();
    for number in 0..600 {
        kv.put(format!("key-{number:03}"), "", None).await.unwrap();
    }

    let options = GetOptions::new().with_all_keys();
    let mut stream = kv.get_stream("", Some(options)).await.unwrap();
    let mut parts = vec![];
    while let Some(part) = stream.message().await.unwrap() {
        parts.push((part.kvs().len(), part.count(), part.header().is_some()));
    }

    assert_eq!(parts, [(256, 0, false), (256, 0, false), (88, 600, true)]);
}
