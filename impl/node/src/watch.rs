//! The kubelet's watches: of its pods, of each object that their volumes show, and of Services.

use std::sync::Arc;
use std::time::Duration;

use api::{AnyObject, ApiResource, resources};
use bytes::Bytes;
use client::reflector::{Reflector, Step, WatchEvent, revision_of};
use client::wire::{read_event, read_list};
use client::{Change, View};
use host::informer::Lines;
use host::requests;
use host::transport::{Body, BoxError, Transport};
use http::StatusCode;
use http_body_util::BodyExt;
use kubelet::Followed;

use crate::trace::{TraceAction, TraceNote, TraceSink};

/// How long to wait after a failure before asking again.
const RETRY: Duration = Duration::from_millis(500);

/// Follows some objects of one resource.
pub(crate) struct Watch {
    resource: &'static ApiResource,
    /// The path and the selection, to which the rest of the query is added.
    target: String,
    transport: Arc<dyn Transport>,
    view: View,
    reflector: Reflector,
    /// Of which node to tell what is delivered, and whom.
    trace: Option<(String, TraceSink)>,
}

impl Watch {
    /// A watch of the pods of one node.
    pub(crate) fn of_pods(
        node: &str,
        transport: Arc<dyn Transport>,
        trace: Option<TraceSink>,
    ) -> Self {
        let resource = &resources::PODS;
        let target = format!("{}?fieldSelector=spec.nodeName%3D{node}&", resource.path(None));
        let trace = trace.map(|sink| (node.to_owned(), sink));
        Self { trace, ..Self::new(resource, target, transport) }
    }

    /// A watch of all objects of a resource.
    pub(crate) fn of_all(resource: &'static ApiResource, transport: Arc<dyn Transport>) -> Self {
        Self::new(resource, format!("{}?", resource.path(None)), transport)
    }

    /// A watch of one object, which need not be there.
    pub(crate) fn of_object(followed: &Followed, transport: Arc<dyn Transport>) -> Self {
        let (resource, key) = (followed.kind.resource(), &followed.key);
        let path = resource.path(Some(&key.namespace));
        let target = format!("{path}?fieldSelector=metadata.name%3D{}&", key.name);
        Self::new(resource, target, transport)
    }

    fn new(resource: &'static ApiResource, target: String, transport: Arc<dyn Transport>) -> Self {
        let (view, reflector) = (View::default(), Reflector::new(resource));
        Self { resource, target, transport, view, reflector, trace: None }
    }

    /// Lists and watches for ever; every change goes to `heard` with the revision read up to, none with
    /// the first list complete.
    pub(crate) async fn follow(mut self, mut heard: impl FnMut(Option<Change>, u64)) {
        loop {
            let done = match self.reflector.next() {
                Step::List { not_older_than } => self.list(not_older_than, &mut heard).await,
                Step::Watch { after } => self.watch(after, &mut heard).await,
            };
            if done.is_err() {
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    async fn list(
        &mut self,
        not_older_than: u64,
        heard: &mut impl FnMut(Option<Change>, u64),
    ) -> Result<(), BoxError> {
        let response = self.get(&format!("resourceVersion={not_older_than}")).await?;
        let (revision, objects) = read_list(self.resource, &requests::body(response).await?)?;
        let changes = self.reflector.listed(&mut self.view, revision, objects);
        self.note(TraceAction::Listed, None, revision);
        for change in changes {
            heard(Some(change), revision);
        }
        heard(None, revision);
        Ok(())
    }

    async fn watch(
        &mut self,
        after: u64,
        heard: &mut impl FnMut(Option<Change>, u64),
    ) -> Result<(), BoxError> {
        let query = format!("watch=1&allowWatchBookmarks=true&resourceVersion={after}");
        let mut body = self.get(&query).await?.into_body();
        let mut lines = Lines::default();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            for line in lines.push(&data) {
                let (action, event) = read(self.resource, &line)?;
                self.observe(action, event, heard);
            }
        }
        Ok(())
    }

    fn observe(
        &mut self,
        action: TraceAction,
        event: WatchEvent,
        heard: &mut impl FnMut(Option<Change>, u64),
    ) {
        match &event {
            WatchEvent::Put(object) | WatchEvent::Deleted(object) => {
                self.note(action, Some(object), revision_of(object));
            }
            WatchEvent::Bookmark(revision) => self.note(action, None, *revision),
            WatchEvent::Expired => {}
        }
        if let Some(change) = self.reflector.observe(&mut self.view, event) {
            heard(Some(change), self.reflector.revision());
        }
    }

    fn note(&self, action: TraceAction, object: Option<&AnyObject>, revision: u64) {
        let Some((node, trace)) = &self.trace else { return };
        trace(TraceNote {
            node: node.clone(),
            action,
            pod: object.map(AnyObject::key).unwrap_or_default(),
            uid: object.and_then(|object| object.metadata().uid.clone()).unwrap_or_default(),
            container: String::new(),
            revision,
        });
    }

    async fn get(&mut self, query: &str) -> Result<http::Response<Body>, BoxError> {
        let uri = format!("{}{query}", self.target);
        let response = self.transport.send(http::Request::get(uri).body(Bytes::new())?).await?;
        if response.status() == StatusCode::GONE {
            self.reflector.observe(&mut self.view, WatchEvent::Expired);
        }
        if response.status().is_success() {
            return Ok(response);
        }
        Err(format!("{} answered {}", self.resource.plural, response.status()).into())
    }
}

fn read(
    resource: &'static ApiResource,
    line: &[u8],
) -> Result<(TraceAction, WatchEvent), BoxError> {
    let (word, event) = read_event(resource, line)?;
    let action = match word {
        "added" => TraceAction::Added,
        "modified" => TraceAction::Modified,
        "deleted" => TraceAction::Deleted,
        "bookmark" => TraceAction::Bookmark,
        _ => TraceAction::Listed,
    };
    Ok((action, event))
}
