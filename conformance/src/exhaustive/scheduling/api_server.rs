//! The API server that schedulers ask, and what it tells them of what is written.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use api::object::text;
use api::{AnyObject, ApiResource, Request, Timestamp, Verb, resources};
use apiserver::{Decision, Watch, keys};
use client::Outcome;
use client::reflector::WatchEvent;
use client::wire::{read_event, read_list};
use serde_json::Value;
use store::Store;

use crate::exhaustive::server::{context, perform};
use crate::sim::plant::Plant;
use crate::sim::wire;

/// What schedulers hear of. Of the rest of what they watch there is nothing.
pub(super) const HEARD: [&ApiResource; 3] =
    [&resources::NODES, &resources::PODS, &resources::POD_DISRUPTION_BUDGETS];

/// What differs between orders in which the same is written.
const OF_ORDER: [&str; 3] = ["resourceVersion", "managedFields", "creationTimestamp"];

/// A line of a watch.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) event: WatchEvent,
    /// The hash of what it says.
    pub(super) digest: u64,
}

/// The API server, with a watch of each resource for all who hear of it.
#[derive(Clone, Debug)]
pub(super) struct ApiServer {
    pub(super) store: Store,
    watches: Vec<Watch>,
    /// The hash of what was written, by revision.
    written: BTreeMap<u64, u64>,
    /// How often something of this name was created.
    created: BTreeMap<(&'static str, String), usize>,
    /// What there is of each resource that is heard of, by name.
    objects: Vec<BTreeMap<String, Arc<Value>>>,
}

impl ApiServer {
    pub(super) fn new() -> Self {
        let store = Store::default();
        let watches = HEARD.iter().map(|resource| watch(resource, &store)).collect();
        let objects = vec![BTreeMap::new(); HEARD.len()];
        Self { store, watches, written: BTreeMap::new(), created: BTreeMap::new(), objects }
    }

    /// What comes of a request, and what is told of it, each line with the number of its resource.
    pub(super) fn perform(
        &mut self,
        (actor, request): (&str, &Request),
        (now, plant): (Timestamp, Plant),
    ) -> (Outcome, Vec<(usize, Line)>) {
        let uid = self.uid(request);
        let outcome = perform(&mut self.store, (actor, request), (&context(now, uid), plant));
        let mut told = vec![];
        for (number, watch) in self.watches.iter_mut().enumerate() {
            let lines = watch.lines(&self.store, now, usize::MAX).expect("nothing is compacted");
            for (said, line) in lines.iter().map(|line| read(HEARD[number], line)) {
                self.written.insert(said.revision, line.digest);
                let objects = &mut self.objects[number];
                match &line.event {
                    WatchEvent::Put(_) => drop(objects.insert(said.name, Arc::new(said.object))),
                    WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) | WatchEvent::Expired => {
                        drop(objects.remove(&said.name));
                    }
                }
                told.push((number, line));
            }
        }
        (outcome, told)
    }

    /// Everything of a resource, and up to which revision that is.
    pub(super) fn list(&self, resource: &'static ApiResource) -> (u64, Vec<AnyObject>) {
        let call = wire::get(resource.path(None), vec![], "kube-scheduler");
        let context = context(Timestamp::UNIX_EPOCH, String::new());
        match apiserver::decide(&self.store, &call, &context) {
            Decision::Respond(response) => {
                read_list(resource, &response.body).expect("a list can be read")
            }
            Decision::Commit(_)
            | Decision::Each(..)
            | Decision::Watch(_)
            | Decision::Node(_)
            | Decision::Proxy(_) => unreachable!("a list is answered"),
        }
    }

    /// Every Node.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Value> {
        self.objects[0].values().map(AsRef::as_ref)
    }

    /// Every Pod.
    pub(super) fn pods(&self) -> impl Iterator<Item = &Value> {
        self.objects[1].values().map(AsRef::as_ref)
    }

    /// The Pod of this name.
    pub(super) fn pod(&self, name: &str) -> Option<&Value> {
        self.objects[1].get(name).map(AsRef::as_ref)
    }

    /// How many places a Node has; nothing where there is none of this name.
    pub(super) fn places(&self, node: &str) -> Option<i64> {
        let node = self.objects[0].get(node)?;
        text(node, &["status", "allocatable", "cpu"]).parse().ok()
    }

    /// The hash of what was written at a revision.
    pub(super) fn written_at(&self, revision: u64) -> u64 {
        self.written.get(&revision).copied().unwrap_or(revision)
    }

    /// The hash of everything that schedulers hear of.
    pub(super) fn digest(&self, hasher: &mut DefaultHasher) {
        for resource in HEARD {
            for found in self.store.range(&keys::range(resource, None)) {
                self.written_at(found.mod_revision.0).hash(hasher);
            }
        }
        self.created.hash(hasher);
    }

    /// It follows from what is created, and not from what was created before.
    fn uid(&mut self, request: &Request) -> String {
        if request.verb != Verb::Create || !request.subresource.is_empty() {
            return String::new();
        }
        let name = request.body.as_ref().map_or("", |body| text(body, &["metadata", "name"]));
        let plural = request.resource.plural;
        let times = self.created.entry((plural, name.to_owned())).or_default();
        *times += 1;
        format!("{plural}-{name}-{times}")
    }
}

/// What a line says.
struct Said {
    revision: u64,
    name: String,
    object: Value,
}

fn read(resource: &'static ApiResource, line: &[u8]) -> (Said, Line) {
    let (_, event) = read_event(resource, line).expect("an event can be read");
    let mut said: Value = serde_json::from_slice(line).expect("a line is JSON");
    let revision = text(&said, &["object", "metadata", "resourceVersion"]).parse();
    let revision = revision.expect("an object has its revision");
    if let Some(metadata) = said["object"]["metadata"].as_object_mut() {
        OF_ORDER.iter().for_each(|field| drop(metadata.remove(*field)));
    }
    let mut hasher = DefaultHasher::new();
    said.to_string().hash(&mut hasher);
    let name = text(&said, &["object", "metadata", "name"]).to_owned();
    let object = said["object"].take();
    (Said { revision, name, object }, Line { event, digest: hasher.finish() })
}

fn watch(resource: &'static ApiResource, store: &Store) -> Watch {
    let query = vec![
        ("watch".to_owned(), "1".to_owned()),
        ("resourceVersion".to_owned(), store.revision().0.max(1).to_string()),
    ];
    let call = wire::get(resource.path(None), query, "kube-scheduler");
    match apiserver::decide(store, &call, &context(Timestamp::UNIX_EPOCH, String::new())) {
        Decision::Watch(watch) => *watch,
        Decision::Respond(_)
        | Decision::Commit(_)
        | Decision::Each(..)
        | Decision::Node(_)
        | Decision::Proxy(_) => unreachable!("a watch is granted"),
    }
}
