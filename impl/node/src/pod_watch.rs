//! The kubelet's watch of its pods.

use std::sync::Arc;
use std::time::Duration;

use api::{AnyObject, resources};
use bytes::Bytes;
use client::reflector::{Reflector, Step, WatchEvent, revision_of};
use client::{Change, View};
use host::informer::Lines;
use host::transport::{Body, BoxError, Transport};
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::trace::{TraceAction, TraceNote, TraceSink};

/// How long to wait after a failure before asking again.
const RETRY: Duration = Duration::from_millis(500);

/// Follows the pods of one node.
pub(crate) struct PodWatch {
    node: String,
    transport: Arc<dyn Transport>,
    view: View,
    reflector: Reflector,
    trace: Option<TraceSink>,
}

impl PodWatch {
    pub(crate) fn new(node: &str, transport: Arc<dyn Transport>, trace: Option<TraceSink>) -> Self {
        let (view, reflector) = (View::default(), Reflector::new(&resources::PODS));
        Self { node: node.to_owned(), transport, view, reflector, trace }
    }

    /// Lists and watches for ever; every change goes to `heard` with the revision read up to, none with
    /// the first list complete.
    pub(crate) async fn follow(mut self, heard: impl Fn(Option<Change>, u64)) {
        loop {
            let done = match self.reflector.next() {
                Step::List { not_older_than } => self.list(not_older_than, &heard).await,
                Step::Watch { after } => self.watch(after, &heard).await,
            };
            if done.is_err() {
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    async fn list(
        &mut self,
        not_older_than: u64,
        heard: &impl Fn(Option<Change>, u64),
    ) -> Result<(), BoxError> {
        let response = self.get(&format!("resourceVersion={not_older_than}")).await?;
        let list = response.into_body().collect().await?.to_bytes();
        let list: Value = serde_json::from_slice(&list)?;
        let revision = api::object::text(&list, &["metadata", "resourceVersion"]).parse()?;
        let items = list["items"].as_array().into_iter().flatten();
        let objects: Result<Vec<AnyObject>, _> = items.map(decode).collect();
        let changes = self.reflector.listed(&mut self.view, revision, objects?);
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
        heard: &impl Fn(Option<Change>, u64),
    ) -> Result<(), BoxError> {
        let query = format!("watch=1&allowWatchBookmarks=true&resourceVersion={after}");
        let mut body = self.get(&query).await?.into_body();
        let mut lines = Lines::default();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            for line in lines.push(&data) {
                let (action, event) = read(&line)?;
                self.observe(action, event, heard);
            }
        }
        Ok(())
    }

    fn observe(
        &mut self,
        action: TraceAction,
        event: WatchEvent,
        heard: &impl Fn(Option<Change>, u64),
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
        let Some(trace) = &self.trace else { return };
        trace(TraceNote {
            node: self.node.clone(),
            action,
            pod: object.map(AnyObject::key).unwrap_or_default(),
            uid: object.and_then(|object| object.metadata().uid.clone()).unwrap_or_default(),
            container: String::new(),
            revision,
        });
    }

    async fn get(&mut self, query: &str) -> Result<http::Response<Body>, BoxError> {
        let path = resources::PODS.path(None);
        let uri = format!("{path}?fieldSelector=spec.nodeName%3D{}&{query}", self.node);
        let response = self.transport.send(http::Request::get(uri).body(Bytes::new())?).await?;
        if response.status() == StatusCode::GONE {
            self.reflector.observe(&mut self.view, WatchEvent::Expired);
        }
        if response.status().is_success() {
            return Ok(response);
        }
        Err(format!("pods answered {}", response.status()).into())
    }
}

fn decode(object: &Value) -> Result<AnyObject, BoxError> {
    Ok(AnyObject::decode(&resources::PODS, object.to_string().as_bytes())?)
}

fn read(line: &[u8]) -> Result<(TraceAction, WatchEvent), BoxError> {
    let mut event: Value = serde_json::from_slice(line)?;
    let object = event["object"].take();
    Ok(match event["type"].as_str().unwrap_or_default() {
        "ADDED" => (TraceAction::Added, WatchEvent::Put(decode(&object)?)),
        "MODIFIED" => (TraceAction::Modified, WatchEvent::Put(decode(&object)?)),
        "DELETED" => (TraceAction::Deleted, WatchEvent::Deleted(decode(&object)?)),
        "BOOKMARK" => {
            let revision = api::object::text(&object, &["metadata", "resourceVersion"]).parse()?;
            (TraceAction::Bookmark, WatchEvent::Bookmark(revision))
        }
        "ERROR" if object["code"] == 410 => (TraceAction::Listed, WatchEvent::Expired),
        other => return Err(format!("a watch said {other}").into()),
    })
}
