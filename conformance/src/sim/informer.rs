//! The caches of one component: list, then watch, one answer or line at a time.
//!
//! What to ask next is `client::Reflector`'s decision, as in `host::informer`.

use std::collections::VecDeque;
use std::fmt;

use api::trace::{self, Origin};
use api::{AnyObject, ApiResource, Key};
use apiserver::{Context, Decision, Watch};
use client::reflector::{Reflector, Step, WatchEvent, revision_of};
use client::wire::{read_event, read_list};
use client::{Change, View};
use serde_json::Value;
use store::Store;

use crate::sim::plant::Plant;
use crate::sim::random::Random;
use crate::sim::recorder::Recorder;
use crate::sim::wire;

/// What a component has read, and what each part of it has not heard of yet.
#[derive(Clone)]
pub(crate) struct Caches {
    pub(crate) view: View,
    pub(crate) informers: Vec<Informer>,
    subscribers: Vec<Vec<Change>>,
}

impl Caches {
    /// Caches that have read nothing. `fields` selects what is listed and watched; empty for all.
    pub(crate) fn new(
        resources: &[&'static ApiResource],
        fields: &str,
        subscribers: usize,
    ) -> Self {
        let informer = |resource: &&'static ApiResource| Informer {
            reflector: Reflector::new(resource),
            fields: fields.to_owned(),
            stream: Stream::Closed,
        };
        Self {
            view: View::default(),
            informers: resources.iter().map(informer).collect(),
            subscribers: vec![vec![]; subscribers],
        }
    }

    /// Whether every cache has its first list.
    pub(crate) fn has_synced(&self) -> bool {
        self.informers.iter().all(|informer| informer.reflector.has_synced())
    }

    /// Whether a subscriber could hear of something.
    pub(crate) fn has_changes(&self, subscriber: usize) -> bool {
        self.has_synced() && !self.subscribers[subscriber].is_empty()
    }

    /// Takes what a subscriber has not heard of; nothing before every cache has its first list.
    pub(crate) fn take_changes(&mut self, subscriber: usize) -> Vec<Change> {
        if self.has_synced() { std::mem::take(&mut self.subscribers[subscriber]) } else { vec![] }
    }

    /// Takes in the next answer or line of one informer.
    pub(crate) fn deliver(&mut self, index: usize, origin: &Origin, recorder: &mut Recorder<'_>) {
        let informer = &mut self.informers[index];
        let changes = informer.deliver(&mut self.view, origin, recorder);
        for subscriber in &mut self.subscribers {
            subscriber.extend(changes.iter().cloned());
        }
    }
}

/// The list-and-watch of one resource.
#[derive(Clone)]
pub(crate) struct Informer {
    reflector: Reflector,
    fields: String,
    pub(crate) stream: Stream,
}

/// How far it has come.
#[derive(Clone)]
pub(crate) enum Stream {
    /// Nothing is on its way.
    Closed,
    /// The answer to a list is on its way.
    Listed(Value),
    /// A watch is open.
    Watching(Box<Watching>),
}

/// An open watch.
#[derive(Clone)]
pub(crate) struct Watching {
    watch: Watch,
    /// Sent and not delivered yet.
    lines: VecDeque<Vec<u8>>,
    /// Its sender waits, as for a reader that is too slow.
    pub(crate) stalled: bool,
}

/// What they have read and what is on its way, each object by its revision.
impl fmt::Debug for Caches {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in self.subscribers.iter().flatten() {
            write!(formatter, "{} ", change.resource().plural)?;
            for object in [&change.old, &change.new].into_iter().flatten() {
                write!(formatter, "{} resourceVersion {} ", object.key(), revision_of(object))?;
            }
        }
        for (resource, meta) in self.view.all() {
            let revision = meta.resource_version.as_deref().unwrap_or_default();
            let (plural, key) = (resource.plural, Key::of(meta));
            write!(formatter, "{plural} {key} resourceVersion {revision} ")?;
        }
        formatter.debug_list().entries(&self.informers).finish()
    }
}

impl fmt::Debug for Informer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_synced = self.reflector.has_synced();
        match &self.stream {
            Stream::Closed => write!(formatter, "{has_synced}"),
            Stream::Listed(list) => write!(formatter, "{has_synced} {list}"),
            Stream::Watching(watching) => {
                let lines = watching.lines.iter().map(|line| String::from_utf8_lossy(line));
                formatter.debug_list().entries(lines).finish()
            }
        }
    }
}

/// What an API server answers reads from.
pub(crate) struct Source<'a> {
    /// What is published.
    pub(crate) store: &'a Store,
    /// An old state, for the plant that lists from it.
    pub(crate) past: &'a Store,
    /// The time, and names that are not needed.
    pub(crate) context: &'a Context,
    pub(crate) plant: Plant,
}

impl Informer {
    /// How far it has read.
    pub(crate) fn revision(&self) -> u64 {
        self.reflector.revision()
    }

    /// What it reads.
    pub(crate) fn resource(&self) -> &'static ApiResource {
        self.reflector.resource()
    }

    /// Whether this is what it reads.
    pub(crate) fn is_of(&self, resource: &ApiResource) -> bool {
        self.reflector.resource() == resource
    }

    /// Whether it can ask or hear something.
    pub(crate) fn is_due(&self) -> bool {
        match &self.stream {
            Stream::Closed | Stream::Listed(_) => true,
            Stream::Watching(watching) => !watching.lines.is_empty(),
        }
    }

    /// Asks for what the reflector needs next.
    pub(crate) fn connect(&mut self, source: &Source<'_>, actor: &str, random: &mut Random) {
        match self.reflector.next() {
            Step::List { not_older_than } => self.list(source, not_older_than, actor),
            Step::Watch { after } => self.watch(source, after, actor, random),
        }
    }

    fn list(&mut self, source: &Source<'_>, not_older_than: u64, actor: &str) {
        let lies = source.plant == Plant::ListServesOlderThanSeen;
        let (store, asked) = if lies { (source.past, 0) } else { (source.store, not_older_than) };
        let query = vec![("resourceVersion".to_owned(), asked.to_string())];
        if let Decision::Respond(response) = self.ask(store, query, source.context, actor)
            && let Ok(list) = wire::outcome(&response)
        {
            self.stream = Stream::Listed(list);
        }
    }

    fn watch(&mut self, source: &Source<'_>, after: u64, actor: &str, random: &mut Random) {
        let query = vec![
            ("watch".to_owned(), "1".to_owned()),
            ("allowWatchBookmarks".to_owned(), "true".to_owned()),
            ("resourceVersion".to_owned(), after.to_string()),
        ];
        match self.ask(source.store, query, source.context, actor) {
            Decision::Watch(watch) => {
                let silent = source.plant == Plant::WatchGoesSilent && actor == "kube-scheduler";
                let watching = Watching { watch: *watch, lines: VecDeque::new(), stalled: silent };
                self.stream = Stream::Watching(Box::new(watching));
                self.pull(source, random);
            }
            // 410 Gone: a list must come first.
            Decision::Respond(response) if response.code == 410 => {
                self.reflector.observe(&mut View::default(), WatchEvent::Expired);
            }
            Decision::Respond(_)
            | Decision::Commit(_)
            | Decision::Each(..)
            | Decision::Node(_)
            | Decision::Proxy(_) => {}
        }
    }

    fn ask(
        &self,
        store: &Store,
        mut query: Vec<(String, String)>,
        context: &Context,
        actor: &str,
    ) -> Decision {
        if !self.fields.is_empty() {
            query.push(("fieldSelector".to_owned(), self.fields.clone()));
        }
        let path = self.reflector.resource().path(None);
        apiserver::decide(store, &wire::get(path, query, actor), context)
    }

    /// Has an open watch sent what has been published since.
    pub(crate) fn pull(&mut self, source: &Source<'_>, random: &mut Random) {
        let Stream::Watching(watching) = &mut self.stream else { return };
        if watching.stalled {
            return;
        }
        match watching.watch.lines(source.store, source.context.now, usize::MAX) {
            Ok(lines) if lines.is_empty() => {}
            Ok(lines) => {
                watching.lines.extend(lines);
                spoil(source.plant, &mut watching.lines, random);
            }
            Err(expired) => watching.lines.push_back(expired),
        }
    }

    /// Has an open watch say how far it has read; whether it did.
    pub(crate) fn bookmark(&mut self, plant: Plant) -> bool {
        let Stream::Watching(watching) = &mut self.stream else { return false };
        let overtakes = plant == Plant::BookmarkComesTooEarly;
        if watching.stalled || watching.lines.is_empty() == overtakes {
            return false;
        }
        watching.lines.push_front(watching.watch.bookmark());
        true
    }

    fn deliver(
        &mut self,
        view: &mut View,
        origin: &Origin,
        recorder: &mut Recorder<'_>,
    ) -> Vec<Change> {
        match std::mem::replace(&mut self.stream, Stream::Closed) {
            Stream::Closed => vec![],
            Stream::Listed(list) => self.take_list(view, list, (origin, recorder)),
            Stream::Watching(mut watching) => {
                let line = watching.lines.pop_front().unwrap_or_default();
                self.stream = Stream::Watching(watching);
                self.take_line(view, &line, (origin, recorder))
            }
        }
    }

    fn take_list(
        &mut self,
        view: &mut View,
        list: Value,
        (origin, recorder): (&Origin, &mut Recorder<'_>),
    ) -> Vec<Change> {
        let resource = self.reflector.resource();
        match read_list(resource, list.to_string().as_bytes()) {
            Ok((revision, objects)) => {
                let changes = self.reflector.listed(view, revision, objects);
                recorder.heard(origin, "listed", all(resource), "", revision);
                changes
            }
            Err(error) => {
                recorder.object(&format!("a list of {} is malformed: {error}", resource.plural));
                vec![]
            }
        }
    }

    fn take_line(
        &mut self,
        view: &mut View,
        line: &[u8],
        (origin, recorder): (&Origin, &mut Recorder<'_>),
    ) -> Vec<Change> {
        let resource = self.reflector.resource();
        match read_event(resource, line) {
            Ok((action, event)) => {
                record(resource, (action, &event), (origin, recorder));
                if matches!(event, WatchEvent::Expired) {
                    self.stream = Stream::Closed;
                }
                self.reflector.observe(view, event).into_iter().collect()
            }
            Err(error) => {
                recorder.object(&format!("a line of a watch is malformed: {error}"));
                vec![]
            }
        }
    }
}

/// `pods/`, as the trace names all objects of a resource.
fn all(resource: &ApiResource) -> String {
    format!("{}/", resource.plural)
}

fn record(
    resource: &ApiResource,
    (action, event): (&str, &WatchEvent),
    (origin, recorder): (&Origin, &mut Recorder<'_>),
) {
    match event {
        WatchEvent::Put(object) | WatchEvent::Deleted(object) => {
            let key = trace::key(resource, &object.key());
            recorder.heard(origin, action, key, uid(object), revision_of(object));
        }
        WatchEvent::Bookmark(revision) => {
            recorder.heard(origin, action, all(resource), "", *revision);
        }
        WatchEvent::Expired => recorder.heard(origin, action, all(resource), "", 0),
    }
}

fn uid(object: &AnyObject) -> &str {
    object.metadata().uid.as_deref().unwrap_or_default()
}

/// Plants a fault in what a watch has just sent.
fn spoil(plant: Plant, lines: &mut VecDeque<Vec<u8>>, random: &mut Random) {
    let last = lines.len() - 1;
    if plant == Plant::WatchDropsAnEvent && random.one_in(5) {
        lines.pop_back();
    } else if plant == Plant::WatchRepeatsAnEvent && random.one_in(5) {
        lines.extend(lines.back().cloned());
    } else if plant == Plant::WatchReordersEvents && last > 0 {
        lines.swap(last - 1, last);
    }
}
