//! A watch over a walk: what the API server tells must be what was done, once and in order.

use http::Method;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

use super::connection::Connection;
use super::kubeconfig::CannotRun;

/// How long an event may be on its way.
const PATIENCE: Duration = Duration::from_secs(10);

/// An event: its type and the name of its object.
pub(super) type Heard = (String, String);

/// A watch of the suite's Pods in a namespace, and what it must tell.
pub(super) struct Watching {
    body: Incoming,
    told: Told,
    expected: Vec<Heard>,
}

/// What a watch has told.
#[derive(Default)]
struct Told {
    rest: Vec<u8>,
    heard: Vec<Heard>,
    revisions: Vec<u64>,
    /// The names of Pods that others change too: nobody knows what of them is told.
    shared: BTreeSet<String>,
}

impl Watching {
    /// Watches what happens from now on.
    pub(super) async fn start(connection: &Connection, namespace: &str) -> Result<Self, CannotRun> {
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        let selector = "labelSelector=kanon-conformance%3Dpod";
        let list = connection.send(Method::GET, &format!("{pods}?{selector}"), None).await?;
        let path = format!("{pods}?watch=1&{selector}&resourceVersion={}", list.resource_version());
        let response = connection.begin(Method::GET, &path, None).await.map_err(CannotRun)?;
        Ok(Self { body: response.into_body(), told: Told::default(), expected: vec![] })
    }

    /// Notes what has been done to a Pod.
    pub(super) fn expect(&mut self, kind: &str, name: &str) {
        if !self.told.shared.contains(name) {
            self.expected.push((kind.to_owned(), name.to_owned()));
        }
    }

    /// Leaves out what is told of a Pod that others change too.
    pub(super) fn shares(&mut self, name: &str) {
        self.told.shared.insert(name.to_owned());
        self.expected.retain(|(_, of)| of != name);
    }

    /// Waits for as many events as are expected and compares; what differs, in words.
    pub(super) async fn compare(mut self) -> Result<(), (String, String)> {
        let wanted = self.expected.len();
        while self.told.heard.len() < wanted {
            match tokio::time::timeout(PATIENCE, self.body.frame()).await {
                Ok(Some(Ok(frame))) => self.told.take(frame.data_ref().map_or(&[], |data| data)),
                Ok(Some(Err(_)) | None) | Err(_) => break,
            }
        }
        let Told { heard, revisions, .. } = self.told;
        let in_order = revisions.windows(2).all(|pair| pair[0] < pair[1]);
        if heard == self.expected && in_order {
            return Ok(());
        }
        let got = format!("{heard:?} at resourceVersions {revisions:?}");
        Err((
            format!("the watch tells {:?}, each at a greater resourceVersion", self.expected),
            got,
        ))
    }
}

impl Told {
    fn take(&mut self, data: &[u8]) {
        self.rest.extend_from_slice(data);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let event: Value = serde_json::from_slice(&line).unwrap_or(Value::Null);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let metadata = &event["object"]["metadata"];
            if self.shared.contains(&text(&metadata["name"])) || is_first_half(&event) {
                continue;
            }
            self.heard.push((text(&event["type"]), text(&metadata["name"])));
            self.revisions.push(text(&metadata["resourceVersion"]).parse().unwrap_or(0));
        }
    }
}

/// Whether an event is the first half of a deletion at once: an API server may say that no time is left
/// before it removes the Pod, or do both in one revision.
/// Source: apiserver/pkg/registry/generic/registry/store.go, `updateForGracefulDeletionAndFinalizers`, v1.36.
fn is_first_half(event: &Value) -> bool {
    let metadata = &event["object"]["metadata"];
    event["type"] == "MODIFIED"
        && metadata["deletionGracePeriodSeconds"] == 0
        && metadata["finalizers"].as_array().is_none_or(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(events: &[(&str, Value)]) -> Vec<Heard> {
        let mut told = Told::default();
        for (kind, metadata) in events {
            told.take(
                format!("{}\n", json!({"type": kind, "object": {"metadata": metadata}})).as_bytes(),
            );
        }
        told.heard
    }

    #[test]
    fn a_deletion_at_once_may_be_told_in_two_halves() {
        let (grace, name) = ("deletionGracePeriodSeconds", "pod-0");

        let heard = told(&[
            ("MODIFIED", json!({"name": name, grace: 30})),
            ("MODIFIED", json!({"name": name, grace: 0, "finalizers": ["a"]})),
            ("MODIFIED", json!({"name": name, grace: 0})),
            ("DELETED", json!({"name": name, grace: 0})),
        ]);

        let kinds: Vec<_> = heard.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["MODIFIED", "MODIFIED", "DELETED"]);
    }
}
