//! A reflector behind a bad connection: servers that lag, answers that never come, watches that are cut in
//! the middle of a line, stall, or begin after history was compacted. An hour of virtual time each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use api::{Key, Timestamp, resources};
use apiserver::token::NamedKeys;
use apiserver::{Call, Components, Context, Decision, User, Watch, decide};
use client::View;
use client::reflector::{Reflector, Step, WatchEvent};
use client::wire::{read_event, read_list};
use fuzz::Mutator;
use http::Method;
use serde_json::{Value, json};
use store::Store;

const TICK: Duration = Duration::from_millis(100);
const TICKS: usize = 36_000;
/// How many ticks pass between two compactions, and how many revisions stay.
const COMPACTION_TICKS: usize = 3_000;
const KEPT_REVISIONS: u64 = 20;
/// By how many revisions a server may be behind.
const LAG_MAX: usize = 300;
const NAMES: usize = 40;
const PATH: &str = "/api/v1/namespaces/default/configmaps";

/// The states of the store, the last one last, and the clock.
struct Server {
    states: VecDeque<Store>,
    /// What there was at each revision, by name.
    history: BTreeMap<u64, BTreeMap<String, String>>,
    now: Timestamp,
    random: Mutator,
}

impl Server {
    fn new(seed: u64) -> Self {
        let states = VecDeque::from([Store::default()]);
        let now = Timestamp::UNIX_EPOCH;
        let mut server = Self { states, history: BTreeMap::new(), now, random: Mutator::new(seed) };
        let namespace = json!({"metadata": {"name": "default"}});
        server.write(Method::POST, "/api/v1/namespaces", &namespace);
        server
    }

    fn newest(&self) -> &Store {
        self.states.back().expect("there is always one")
    }

    /// A state that a server which lags may still have.
    fn some_state(&mut self) -> Store {
        let behind = self.random.below(self.states.len());
        self.states[behind].clone()
    }

    fn ask(
        &mut self,
        store: &Store,
        method: Method,
        path: &str,
        query: &[(&str, String)],
    ) -> Decision {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let user = User { name: "trial".to_owned(), ..User::default() };
        let call = Call { method, path: path.to_owned(), query, user, ..Call::default() };
        decide(store, &call, &self.context())
    }

    fn context(&mut self) -> Context {
        Context {
            now: self.now,
            uid: format!("uid-{}", self.random.below(usize::MAX)),
            random: 0,
            default_toleration_seconds: 300,
            keys: Arc::new(NamedKeys("ours")),
            components: Components::default(),
        }
    }

    /// Writes, if it can be done.
    fn write(&mut self, method: Method, path: &str, body: &Value) {
        let user = User { name: "trial".to_owned(), ..User::default() };
        let content_type = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let body = if body.is_null() { vec![] } else { body.to_string().into_bytes() };
        let (path, content_type) = (path.to_owned(), content_type.to_owned());
        let call = Call { method, path, content_type, body, user, ..Call::default() };
        let mut store = self.newest().clone();
        if let Decision::Commit(commit) = decide(&store, &call, &self.context()) {
            store.commit(&commit.transaction).expect("it was decided on this store");
            self.publish(store);
        }
    }

    fn publish(&mut self, store: Store) {
        let Decision::Respond(list) = self.ask(&store, Method::GET, PATH, &[]) else {
            panic!("a list is answered")
        };
        let list: Value = serde_json::from_slice(&list.body).expect("it is JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = list["items"].as_array().into_iter().flatten().map(|item| &item["metadata"]);
        let objects = metadata.map(|found| (text(&found["name"]), text(&found["resourceVersion"])));
        self.history.insert(store.revision().0, objects.collect());
        self.states.push_back(store);
        if self.states.len() > LAG_MAX {
            self.states.pop_front();
        }
    }

    /// Something happens, or nothing.
    fn work(&mut self, tick: usize) {
        self.now += TICK;
        let name = format!("map-{}", self.random.below(NAMES));
        match self.random.below(8) {
            0 | 1 => self.write(Method::POST, PATH, &json!({"metadata": {"name": name}})),
            2 | 3 => {
                let patch = json!({"data": {"tick": tick.to_string()}});
                self.write(Method::PATCH, &format!("{PATH}/{name}"), &patch);
            }
            4 => self.write(Method::DELETE, &format!("{PATH}/{name}"), &Value::Null),
            _ => {}
        }
        if tick.is_multiple_of(COMPACTION_TICKS) {
            let mut store = self.newest().clone();
            let kept = store.revision().0.saturating_sub(KEPT_REVISIONS);
            if store.compact(store::Revision(kept)).is_ok() {
                self.states.push_back(store);
            }
        }
    }
}

/// The reflector's side of a connection.
#[derive(Default)]
struct Connection {
    watch: Option<Watch>,
    /// Bytes on their way.
    lines: VecDeque<Vec<u8>>,
    /// Until which tick nothing comes.
    silent_until: usize,
}

impl Connection {
    fn cut(&mut self) {
        self.watch = None;
        self.lines.clear();
    }
}

/// A reflector with its connection and its cache.
struct Client {
    view: View,
    reflector: Reflector,
    connection: Connection,
    lists: usize,
}

impl Client {
    fn step(&mut self, server: &mut Server, tick: usize, is_flaky: bool) {
        let chance = |server: &mut Server, of: usize| is_flaky && server.random.below(of) == 0;
        if tick < self.connection.silent_until && is_flaky {
            return;
        }
        if chance(server, 300) {
            self.connection.silent_until = tick + server.random.below(600);
            return;
        }
        if self.connection.watch.is_some() && chance(server, 40) {
            // What is left of a line is thrown away by whoever reads lines.
            self.connection.cut();
            return;
        }
        let before = self.reflector.revision();
        match self.reflector.next() {
            Step::List { not_older_than } => self.list(server, not_older_than, is_flaky),
            Step::Watch { after } => self.watch(server, after, is_flaky),
        }
        assert!(self.reflector.revision() >= before, "it goes back in time");
        self.check(server);
    }

    fn list(&mut self, server: &mut Server, not_older_than: u64, is_flaky: bool) {
        let store = if is_flaky { server.some_state() } else { server.newest().clone() };
        let query = [("resourceVersion", not_older_than.to_string())];
        let Decision::Respond(answer) = server.ask(&store, Method::GET, PATH, &query) else {
            panic!("a list is answered")
        };
        if answer.code != 200 || (is_flaky && server.random.below(5) == 0) {
            return;
        }
        let (revision, objects) =
            read_list(&resources::CONFIG_MAPS, &answer.body).expect("it is a list");
        self.reflector.listed(&mut self.view, revision, objects);
        self.lists += 1;
    }

    fn watch(&mut self, server: &mut Server, after: u64, is_flaky: bool) {
        let store = if is_flaky { server.some_state() } else { server.newest().clone() };
        let Some(watch) = &mut self.connection.watch else {
            let query = [
                ("watch", "true".to_owned()),
                ("allowWatchBookmarks", "true".to_owned()),
                ("resourceVersion", after.to_string()),
            ];
            match server.ask(&store, Method::GET, PATH, &query) {
                Decision::Watch(watch) => self.connection.watch = Some(*watch),
                Decision::Respond(answer) if answer.code == 410 => {
                    self.reflector.observe(&mut self.view, WatchEvent::Expired);
                }
                Decision::Respond(_)
                | Decision::Commit(_)
                | Decision::Each(..)
                | Decision::Node(_)
                | Decision::Proxy(_) => {}
            }
            return;
        };
        // One server serves a watch: its states come one after the other.
        match watch.lines(server.newest(), server.now, usize::MAX) {
            Ok(lines) => self.connection.lines.extend(lines),
            Err(expired) => self.connection.lines.push_back(expired),
        }
        if self.connection.lines.is_empty() && server.random.below(50) == 0 {
            self.connection.lines.push_back(watch.bookmark());
        }
        for _ in 0..=server.random.below(4) {
            let Some(line) = self.connection.lines.pop_front() else { return };
            let (_, event) =
                read_event(&resources::CONFIG_MAPS, &line).expect("whole lines are events");
            let is_over = matches!(event, WatchEvent::Expired);
            self.reflector.observe(&mut self.view, event);
            if is_over {
                return self.connection.cut();
            }
        }
    }

    /// What is cached is what there was at the cache's revision.
    fn check(&self, server: &Server) {
        let Some((_, expected)) = server.history.range(..=self.reflector.revision()).next_back()
        else {
            return;
        };
        if self.reflector.has_synced() {
            assert_eq!(&self.cached(), expected, "at revision {}", self.reflector.revision());
        }
    }

    fn cached(&self) -> BTreeMap<String, String> {
        let keys = self.view.keys(&resources::CONFIG_MAPS);
        let entry = |key: Key| {
            let object = self.view.get(&resources::CONFIG_MAPS, &key).expect("it has this key");
            (key.name, object.metadata().resource_version.clone().unwrap_or_default())
        };
        keys.into_iter().map(entry).collect()
    }
}

#[test]
fn a_reflector_behind_a_bad_connection_ends_with_the_servers_state() {
    for seed in 0..2 {
        let mut server = Server::new(seed);
        let mut client = Client {
            view: View::default(),
            reflector: Reflector::new(&resources::CONFIG_MAPS),
            connection: Connection::default(),
            lists: 0,
        };

        for tick in 1..=TICKS {
            server.work(tick);
            client.step(&mut server, tick, true);
        }
        while client.reflector.revision() < server.newest().revision().0 {
            client.step(&mut server, TICKS, false);
        }

        let (_, expected) = server.history.last_key_value().expect("something was written");
        assert_eq!(&client.cached(), expected, "seed {seed}");
        assert!(server.history.len() > 5_000, "seed {seed}: {} writes", server.history.len());
        assert!(client.lists > 3, "seed {seed}: history was never compacted under it");
    }
}
