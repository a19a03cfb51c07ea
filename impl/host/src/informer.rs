//! Keeps a component's caches in step with the API server, one task for each resource.
//!
//! What to ask next is `client::Reflector`'s decision; this performs it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::ApiResource;
use api::trace::{self, Origin};
use bytes::Bytes;
use client::reflector::{Reflector, Step, WatchEvent, revision_of};
use client::wire::{read_chunk, read_event};
use client::{Change, View};
use http_body_util::BodyExt;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::requests;
use crate::tasks::Tasks;
use crate::trace::Trace;
use crate::transport::{Body, BoxError, Transport};

/// How many objects are asked for at once: a list as a whole would be held thrice. Source: `defaultPageSize` of client-go's
/// pager.
const CHUNK: usize = 500;
/// How long to wait after a failure before asking again.
const RETRY: Duration = Duration::from_millis(500);

/// The caches of one component, shared by its informers and its loop.
#[derive(Clone)]
pub struct Informers {
    shared: Arc<Shared>,
}

struct Shared {
    caches: Mutex<Caches>,
    changed: Notify,
    transport: Arc<dyn Transport>,
    trace: Trace,
    origin: Origin,
}

/// What the informers have read, and what the loop has not heard of yet.
pub struct Caches {
    /// The caches.
    pub view: View,
    reflectors: Vec<Reflector>,
    changes: Vec<Change>,
}

impl Caches {
    /// Takes the changes that are not heard of yet; none before every cache has its first list.
    pub fn take_changes(&mut self) -> Vec<Change> {
        if self.has_synced() { std::mem::take(&mut self.changes) } else { vec![] }
    }

    /// Whether every cache has its first list.
    pub fn has_synced(&self) -> bool {
        self.reflectors.iter().all(Reflector::has_synced)
    }
}

impl Informers {
    /// Starts an informer for each resource. They live as long as `tasks`.
    pub fn start(
        tasks: &mut Tasks,
        transport: Arc<dyn Transport>,
        resources: &[&'static ApiResource],
        (trace, origin): (Trace, Origin),
    ) -> Self {
        let caches = Caches {
            view: View::default(),
            reflectors: resources.iter().map(|resource| Reflector::new(resource)).collect(),
            changes: vec![],
        };
        let shared =
            Shared { caches: Mutex::new(caches), changed: Notify::new(), transport, trace, origin };
        let informers = Self { shared: Arc::new(shared) };
        for index in 0..resources.len() {
            let informer = informers.clone();
            tasks.spawn(async move { informer.follow(index).await });
        }
        informers
    }

    /// The caches, locked. Never held across an await.
    pub fn caches(&self) -> MutexGuard<'_, Caches> {
        self.shared.caches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends when something changes after this call: who calls it before looking at the caches misses
    /// nothing.
    pub fn changed(&self) -> Notified<'_> {
        self.shared.changed.notified()
    }

    async fn follow(&self, index: usize) {
        loop {
            let (step, resource) = {
                let caches = self.caches();
                (caches.reflectors[index].next(), caches.reflectors[index].resource())
            };
            let done = match step {
                Step::List { not_older_than } => self.list(index, resource, not_older_than).await,
                Step::Watch { after } => self.watch(index, resource, after).await,
            };
            if done.is_err() {
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    async fn list(
        &self,
        index: usize,
        resource: &'static ApiResource,
        not_older_than: u64,
    ) -> Result<(), BoxError> {
        let mut query = format!("resourceVersion={not_older_than}&limit={CHUNK}");
        let (mut objects, mut revision) = (vec![], 0);
        while !query.is_empty() {
            let response = self.get(resource, &query).await?;
            let chunk = read_chunk(resource, &requests::body(response).await?)?;
            objects.extend(chunk.objects);
            revision = chunk.revision;
            query = match chunk.next.as_str() {
                "" => String::new(),
                next => format!("continue={next}&limit={CHUNK}"),
            };
        }
        // Told first: nobody may decide on what the trace does not know.
        let key = format!("{}/", resource.plural);
        self.shared.trace.delivered(&self.shared.origin, "listed", key, "", revision);
        {
            let mut caches = self.caches();
            let Caches { view, reflectors, changes } = &mut *caches;
            changes.extend(reflectors[index].listed(view, revision, objects));
        }
        self.shared.changed.notify_waiters();
        Ok(())
    }

    async fn watch(
        &self,
        index: usize,
        resource: &'static ApiResource,
        after: u64,
    ) -> Result<(), BoxError> {
        let query = format!("watch=1&allowWatchBookmarks=true&resourceVersion={after}");
        let mut body = self.get(resource, &query).await?.into_body();
        let mut lines = Lines::default();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            for line in lines.push(&data) {
                self.observe(index, resource, &line)?;
            }
            self.shared.changed.notify_waiters();
        }
        Ok(())
    }

    fn observe(
        &self,
        index: usize,
        resource: &'static ApiResource,
        line: &[u8],
    ) -> Result<(), BoxError> {
        let (action, event) = read_event(resource, line)?;
        self.trace_delivery(resource, action, &event);
        let mut caches = self.caches();
        let Caches { view, reflectors, changes } = &mut *caches;
        changes.extend(reflectors[index].observe(view, event));
        Ok(())
    }

    fn trace_delivery(&self, resource: &ApiResource, action: &str, event: &WatchEvent) {
        let (object, revision) = match event {
            WatchEvent::Put(object) | WatchEvent::Deleted(object) => {
                (Some(object), revision_of(object))
            }
            WatchEvent::Bookmark(revision) => (None, *revision),
            WatchEvent::Expired => (None, 0),
        };
        let key = object
            .map_or(format!("{}/", resource.plural), |object| trace::key(resource, &object.key()));
        let uid = object.and_then(|object| object.metadata().uid.as_deref()).unwrap_or_default();
        self.shared.trace.delivered(&self.shared.origin, action, key, uid, revision);
    }

    async fn get(
        &self,
        resource: &ApiResource,
        query: &str,
    ) -> Result<http::Response<Body>, BoxError> {
        let uri = format!("{}?{query}", resource.path(None));
        let request = http::Request::get(uri).body(Bytes::new())?;
        let response = self.shared.transport.send(request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        if response.status() == http::StatusCode::GONE {
            self.expire(resource);
        }
        Err(format!("{} answered {}", resource.plural, response.status()).into())
    }

    fn expire(&self, resource: &ApiResource) {
        let mut caches = self.caches();
        let Caches { view, reflectors, .. } = &mut *caches;
        let expired = reflectors.iter_mut().filter(|reflector| reflector.resource() == resource);
        for reflector in expired {
            reflector.observe(view, WatchEvent::Expired);
        }
    }
}

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
pub struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// The lines that these bytes complete.
    pub fn push(&mut self, data: &[u8]) -> Vec<Vec<u8>> {
        self.rest.extend_from_slice(data);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return vec![] };
        let rest = self.rest.split_off(end + 1);
        let complete = std::mem::replace(&mut self.rest, rest);
        let lines = complete.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(<[u8]>::to_vec).collect()
    }
}

#[cfg(test)]
mod tests {
    use api::{Key, resources};
    use http_body_util::Full;
    use serde_json::json;

    use super::*;
    use crate::transport::BoxFuture;

    /// Has two ConfigMaps, and gives one at a time.
    struct TwoChunks;

    impl Transport for TwoChunks {
        fn send(
            &self,
            request: http::Request<Bytes>,
        ) -> BoxFuture<'_, Result<http::Response<Body>, BoxError>> {
            let query = request.uri().query().unwrap_or_default();
            let item = |name: &str| json!({"metadata": {"name": name, "namespace": "n", "resourceVersion": "3"}});
            let list = match query {
                "resourceVersion=0&limit=500" => {
                    json!({"metadata": {"resourceVersion": "7", "continue": "on"}, "items": [item("a")]})
                }
                "continue=on&limit=500" => {
                    json!({"metadata": {"resourceVersion": "7"}, "items": [item("b")]})
                }
                _ => return Box::pin(std::future::pending()),
            };
            let body = Full::new(Bytes::from(list.to_string())).map_err(|never| match never {});
            let response = http::Response::new(body.boxed_unsync());
            Box::pin(std::future::ready(Ok(response)))
        }
    }

    #[tokio::test]
    async fn a_list_is_read_in_chunks_and_known_as_a_whole() {
        let mut tasks = Tasks::default();
        let what = &[&resources::CONFIG_MAPS];
        let told = (Trace::off(), Origin::default());
        let informers = Informers::start(&mut tasks, Arc::new(TwoChunks), what, told);
        let changed = informers.changed();

        changed.await;

        let changes = informers.caches().take_changes();
        let keys: Vec<Key> = changes.iter().map(client::Change::key).collect();
        assert_eq!(keys, [Key::new("n", "a"), Key::new("n", "b")]);
    }

    #[test]
    fn lines_are_whole_however_they_arrive() {
        let mut lines = Lines::default();

        let arrived: Vec<Vec<Vec<u8>>> = [&b"{\"a\":"[..], b"1}\n{}", b"\n\n{\"b\"", b":2}\n"]
            .map(|data| lines.push(data))
            .into();

        let text: Vec<String> =
            arrived.concat().into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
        assert_eq!(text, ["{\"a\":1}", "{}", "{\"b\":2}"]);
    }
}
