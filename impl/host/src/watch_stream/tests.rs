//! How watches end.

use apiserver::token::NamedKeys;
use apiserver::{Call, Context, Decision, User};
use serde_json::{Value, json};
use store::{Operation, Put, Transaction};

use super::*;
use crate::metrics::Requests;

/// A store, and a watch of its ConfigMaps.
struct Server {
    store: Store,
    publish: watch::Sender<Store>,
    stream: Stream,
}

impl Server {
    /// A watch that lasts ten seconds and hears of bookmarks.
    fn new(closing: Option<Closing>) -> Self {
        let store = Store::default();
        let (publish, published) = watch::channel(store.clone());
        let watchers = (published, &Arc::default());
        let stream = Stream::new(watchers, watch_of(&store), (streaming(), closing));
        Self { store, publish, stream }
    }

    fn write(&mut self, name: &str) {
        let key = format!("/registry/configmaps/default/{name}").into_bytes();
        let map = json!({"metadata": {"name": name, "namespace": "default"}});
        let value = apiserver::object::encode(&api::resources::CONFIG_MAPS, &map);
        let put = Operation::Put(Put::new(key.into(), value));
        self.store.commit(&Transaction::of(vec![put])).unwrap();
        self.publish.send(self.store.clone()).unwrap();
    }

    /// The next events: their types, and names or revisions.
    async fn next(&mut self) -> Option<Vec<String>> {
        let part = self.stream.next().await?;
        let lines = part.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Some(lines.map(|line| told(&serde_json::from_slice(line).unwrap())).collect())
    }
}

fn watch_of(store: &Store) -> Watch {
    let pairs = [
        ("watch", "1"),
        ("resourceVersion", "1"),
        ("timeoutSeconds", "10"),
        ("allowWatchBookmarks", "true"),
    ];
    let query = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let groups = vec!["system:authenticated".to_owned()];
    let call = Call {
        path: "/api/v1/configmaps".to_owned(),
        query,
        user: User { name: "ada".to_owned(), groups, ..User::default() },
        ..Call::default()
    };
    let context = Context {
        now: clock::now(),
        uid: clock::uid(),
        random: 0,
        default_toleration_seconds: 300,
        keys: Arc::new(NamedKeys("ours")),
        components: apiserver::Components::default(),
        feature_gates: api::FeatureGates::default(),
    };
    let decision = apiserver::decide(store, &call, &context);
    let Decision::Watch(watch) = decision else { panic!("no watch: {decision:?}") };
    *watch
}

fn streaming() -> Streaming {
    let request = http::Request::get("/api/v1/configmaps?watch=1").body(()).unwrap();
    Arc::<Requests>::default().begin(&request.into_parts().0).streaming()
}

fn told(event: &Value) -> String {
    let metadata = &event["object"]["metadata"];
    let what = if event["type"] == "BOOKMARK" { "resourceVersion" } else { "name" };
    format!("{} {}", event["type"].as_str().unwrap(), metadata[what].as_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_ends_with_a_bookmark_when_its_time_is_over() {
    let mut server = Server::new(None);
    let begun = Instant::now();
    server.write("a");

    assert_eq!(server.next().await, Some(vec!["ADDED a".to_owned()]));
    let revision = server.store.revision().0;
    assert_eq!(server.next().await, Some(vec![format!("BOOKMARK {revision}")]));
    assert_eq!(server.next().await, None);
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_always_has_something_to_tell_ends_all_the_same() {
    let mut server = Server::new(None);
    for second in 0..10 {
        server.write("a");
        let told = server.next().await.unwrap();
        assert_eq!(told.len(), 1, "{second}: {told:?}");
        tokio::time::advance(Duration::from_secs(1)).await;
    }

    server.write("last");
    assert_eq!(server.next().await, Some(vec!["ADDED last".to_owned()]));
    let revision = server.store.revision().0;
    server.write("later");
    assert_eq!(server.next().await, Some(vec![format!("BOOKMARK {revision}")]));
    assert_eq!(server.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_ends_its_watches_without_a_bookmark() {
    let (close, closing) = watch::channel(false);
    let mut server = Server::new(Some(Closing::of(closing)));
    server.write("a");
    close.send(true).unwrap();

    assert_eq!(server.next().await, Some(vec!["ADDED a".to_owned()]));
    server.write("later");
    assert_eq!(server.next().await, None);
}
