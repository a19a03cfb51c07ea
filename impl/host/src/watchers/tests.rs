//! Which watches are woken, and from where they read.

use serde_json::json;
use store::{Operation, Put, Transaction};

use super::*;

const PODS: &[u8] = b"/registry/pods/";

/// A server's watches, and who writes.
struct Server {
    watchers: Arc<Watchers>,
    store: Store,
    publish: watch::Sender<Store>,
    published: watch::Receiver<Store>,
    /// A watch of everything: once it is woken, all are that will be.
    last: Registration,
}

impl Server {
    fn new() -> Self {
        let store = Store::default();
        let (publish, published) = watch::channel(store.clone());
        let watchers = Arc::<Watchers>::default();
        let last = watchers.register((b"/", None), &published);
        Self { watchers, store, publish, published, last }
    }

    fn watch(&self, prefix: &[u8], node: Option<&str>) -> Registration {
        self.watchers.register((prefix, node), &self.published)
    }

    /// Writes objects in one transaction, and waits until it was told.
    async fn put(&mut self, objects: &[(&str, &str)]) -> Revision {
        let put = |(key, value): &(&str, &str)| {
            Operation::Put(Put::new(key.as_bytes().into(), value.as_bytes().into()))
        };
        self.store.commit(&Transaction::of(objects.iter().map(put).collect())).unwrap();
        self.publish.send(self.store.clone()).unwrap();
        while self.watchers.told.load(Ordering::Acquire) < self.store.revision().0 {
            tokio::task::yield_now().await;
        }
        self.last.missed_nothing_up_to();
        self.store.revision()
    }

    async fn put_pod(&mut self, name: &str, node: &str) -> Revision {
        let pod = json!({"spec": {"nodeName": node}}).to_string();
        self.put(&[(&format!("/registry/pods/default/{name}"), &pod)]).await
    }
}

fn is_rung(registration: &Registration) -> bool {
    registration.bell.first.load(Ordering::Acquire) > 0
}

#[tokio::test]
async fn a_watch_is_woken_for_its_keys_and_no_others() {
    let mut server = Server::new();
    let all = server.watch(PODS, None);
    let namespace = server.watch(b"/registry/pods/default/", None);
    let other = server.watch(b"/registry/pods/other/", None);
    let secrets = server.watch(b"/registry/secrets/", None);

    server.put_pod("web", "a").await;

    assert_eq!([&all, &namespace, &other, &secrets].map(is_rung), [true, true, false, false]);
    all.rung().await;
}

#[tokio::test]
async fn a_watch_of_one_object_is_woken_for_it_and_no_other() {
    let mut server = Server::new();
    let [own, longer, shorter] = ["web", "web-2", "we"]
        .map(|name| server.watch(format!("/registry/pods/default/{name}").as_bytes(), None));

    server.put_pod("web", "a").await;

    assert_eq!([&own, &longer, &shorter].map(is_rung), [true, false, false]);
}

#[tokio::test]
async fn a_watch_of_a_node_is_woken_for_pods_that_name_it_or_did() {
    let mut server = Server::new();
    let (a, b) = (server.watch(PODS, Some("a")), server.watch(PODS, Some("b")));

    let first = server.put_pod("web", "").await;
    assert_eq!([&a, &b].map(Registration::missed_nothing_up_to), [first, first]);
    let second = server.put_pod("web", "a").await;
    assert_eq!(b.missed_nothing_up_to(), second);
    assert_eq!(a.missed_nothing_up_to(), first);
    server.put_pod("web", "b").await;
    assert_eq!([&a, &b].map(is_rung), [true, true]);
}

#[tokio::test]
async fn an_object_that_cannot_be_read_wakes_the_watches_of_all_nodes() {
    let mut server = Server::new();
    let (a, b) = (server.watch(PODS, Some("a")), server.watch(PODS, Some("b")));

    server.put(&[("/registry/pods/default/web", "what is this")]).await;

    assert_eq!([&a, &b].map(is_rung), [true, true]);
}

#[tokio::test]
async fn a_watch_that_is_slow_reads_from_the_first_change_that_concerns_it() {
    let mut server = Server::new();
    let before = server.put_pod("other", "b").await;
    let a = server.watch(PODS, Some("a"));

    server.put_pod("web", "a").await;
    server.put_pod("other", "").await;
    server.put_pod("web", "a").await;

    assert_eq!(a.missed_nothing_up_to(), before);
    assert_eq!(a.missed_nothing_up_to(), server.store.revision());
}

#[tokio::test]
async fn a_watch_that_has_ended_is_forgotten_and_the_end_of_the_store_wakes_the_others() {
    let mut server = Server::new();
    let (a, b) = (server.watch(PODS, Some("a")), server.watch(PODS, Some("b")));
    drop(a);
    let known = |server: &Server| -> Vec<String> {
        let groups = server.watchers.groups();
        groups.by_prefix[PODS].by_node.keys().cloned().collect()
    };
    assert_eq!(known(&server), ["b"]);
    server.put_pod("web", "c").await;

    let Server { publish, last, watchers, .. } = server;
    drop(publish);

    b.rung().await;
    drop((b, last));
    assert!(watchers.groups().by_prefix.is_empty());
}
