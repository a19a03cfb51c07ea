//! A watch: which events of the store a client hears of, and in what words.
//!
//! Source: Kubernetes API concepts, "Efficient detection of changes", "Watch bookmarks" and
//! "Streaming lists".

use std::collections::VecDeque;
use std::sync::Arc;

use api::{Status, Timestamp, protobuf};
use serde_json::{Value, json};
use store::{Event, EventKind, Expired, KeyValue, Range, Revision, Store};

use crate::accept::{self, Encoding};
use crate::call::Call;
use crate::negotiate::{self, Format};
use crate::object::{self, Prefix};
use crate::options::list::ListOptions;
use crate::read::{self, Selection};
use crate::route::Objects;

/// How long a watch lasts that names no end, in seconds; upstream picks between 30 and 60 minutes.
const TIMEOUT_SECONDS: u64 = 45 * 60;

/// A watch that has been accepted.
#[derive(Clone, Debug)]
pub struct Watch {
    target: Objects,
    range: Range,
    selection: Selection,
    format: Format,
    encoding: Encoding,
    prefix: Prefix,
    table_started: bool,
    /// Events after this revision are still to come.
    pub after: Revision,
    /// What is told before them: the objects that are there.
    initial: VecDeque<Arc<KeyValue>>,
    /// The revision of the BOOKMARK that ends them, if one is to.
    initial_end: Option<Revision>,
    /// Why nothing is told but this.
    refused: Option<Status>,
    /// Whether the client wants to hear that nothing happened.
    pub bookmarks: bool,
    /// When the server closes it.
    pub timeout_seconds: u64,
    /// Texts for `Warning` headers.
    pub warnings: Vec<String>,
}

/// Decides about a watch.
pub(crate) fn watch(store: &Store, call: &Call, target: &Objects) -> Result<Watch, Status> {
    let options = ListOptions::of(call)?;
    let selection = Selection::of(&options, target)?;
    let asked = read::of_newer(options.resource_version)?;
    let mut watch = Watch {
        range: selection.range(target),
        selection,
        format: negotiate::format(call, target)?,
        encoding: accept::encoding(call),
        prefix: Prefix::of(target.resource),
        target: target.clone(),
        table_started: false,
        after: store.revision(),
        initial: VecDeque::new(),
        initial_end: None,
        refused: None,
        bookmarks: options.allow_watch_bookmarks,
        timeout_seconds: timeout_seconds(&options),
        warnings: vec![],
    };
    match (options.send_initial_events, asked) {
        (Some(true), _) => {
            // Upstream has begun to answer when it finds out. Source: `Cacher.Watch` in cacher.go, v1.36.
            watch.refused = read::not_too_new(store, asked).err();
            watch.start_with_list(store);
            watch.initial_end = watch.bookmarks.then(|| store.revision());
        }
        // The older path has no options that begin a watch: it always begins with what there is.
        (None, None | Some(Revision(0))) => watch.start_with_list(store),
        (Some(false), None | Some(Revision(0))) => {}
        (Some(false) | None, Some(after)) => watch.start_after(store, after)?,
    }
    Ok(watch)
}

/// A watch that names no end lasts as long as the server likes; one whose end has come sends what there is.
fn timeout_seconds(options: &ListOptions<'_>) -> u64 {
    match options.timeout_seconds {
        0 => TIMEOUT_SECONDS,
        seconds => u64::try_from(seconds).unwrap_or(0),
    }
}

impl Watch {
    fn start_with_list(&mut self, store: &Store) {
        let found = store.range(&self.range).filter(|found| self.selects(found));
        self.initial = found.cloned().collect();
    }

    fn start_after(&mut self, store: &Store, after: Revision) -> Result<(), Status> {
        if after < store.compacted() {
            return Err(read::too_old(after, store.compacted()));
        }
        self.after = after;
        Ok(())
    }

    /// What comes next, as lines: first what was there, then what happened since. It stops at about so many bytes;
    /// nothing is left when there are no lines. An ERROR line, which is the last, when what happened is compacted away,
    /// or when it begins at a revision that is not there yet.
    pub fn lines(
        &mut self,
        store: &Store,
        now: Timestamp,
        bytes_max: usize,
    ) -> Result<Vec<Vec<u8>>, Vec<u8>> {
        if let Some(refused) = &self.refused {
            return Err(self.frame("ERROR", &refused.to_value()));
        }
        let initial = self.initial_lines(now, bytes_max);
        if initial.is_empty() { self.lines_since(store, now, bytes_max) } else { Ok(initial) }
    }

    fn initial_lines(&mut self, now: Timestamp, bytes_max: usize) -> Vec<Vec<u8>> {
        let (mut lines, mut bytes) = (vec![], 0);
        while bytes < bytes_max
            && let Some(found) = self.initial.pop_front()
        {
            let line = self.object_line("ADDED", &found, found.mod_revision, now);
            bytes += line.len();
            lines.push(line);
        }
        if self.initial.is_empty()
            && let Some(end) = self.initial_end.take()
        {
            lines.push(self.bookmark_line(end, true));
        }
        lines
    }

    /// The events of one revision are told together: a reader goes on after a whole one.
    fn lines_since(
        &mut self,
        store: &Store,
        now: Timestamp,
        bytes_max: usize,
    ) -> Result<Vec<Vec<u8>>, Vec<u8>> {
        let after = self.after;
        let events = store.events_after(after).map_err(|expired| self.expired_line(&expired))?;
        let (mut lines, mut bytes, mut told) = (vec![], 0, after);
        for event in events {
            let revision = event.now.mod_revision;
            if bytes >= bytes_max && revision > told {
                self.after = told;
                return Ok(lines);
            }
            told = revision;
            if let Some(line) = self.line(event, now) {
                bytes += line.len();
                lines.push(line);
            }
        }
        self.after = store.revision().max(after);
        Ok(lines)
    }

    /// What all its keys begin with: a folder, or a whole key.
    pub fn prefix(&self) -> &[u8] {
        self.range.start()
    }

    /// The node that the objects name of which it hears, if it asks for one.
    pub fn node(&self) -> Option<&str> {
        self.selection.node()
    }

    /// A BOOKMARK at the revision up to which everything has been sent.
    pub fn bookmark(&self) -> Vec<u8> {
        self.bookmark_line(self.after, false)
    }

    /// An object that comes to match is ADDED, one that ceases to match is DELETED.
    fn line(&mut self, event: &Event, now: Timestamp) -> Option<Vec<u8>> {
        if !self.range.contains(&event.now.key) {
            return None;
        }
        let matched = event.before.as_ref().is_some_and(|before| self.selects(before));
        let matches = event.kind == EventKind::Put && self.selects(&event.now);
        let (kind, found) = match (matched, matches) {
            (false, false) => return None,
            (false, true) => ("ADDED", &event.now),
            (true, true) => ("MODIFIED", &event.now),
            (true, false) => ("DELETED", event.before.as_ref()?),
        };
        Some(self.object_line(kind, found, event.now.mod_revision, now))
    }

    fn selects(&self, found: &KeyValue) -> bool {
        self.selection.selects(&self.target, found)
    }

    fn object_line(
        &mut self,
        kind: &str,
        found: &KeyValue,
        revision: Revision,
        now: Timestamp,
    ) -> Vec<u8> {
        if self.format == Format::Object && self.encoding != Encoding::Protobuf {
            let mut line = format!("{{\"type\":\"{kind}\",\"object\":").into_bytes();
            self.prefix.copy(found, revision, false, &mut line);
            line.extend_from_slice(b"}\n");
            return line;
        }
        let object = object::decode_at(found, revision);
        let mut value = self.format.value(self.target.resource, &object, now);
        self.drop_repeated_columns(&mut value);
        self.frame(kind, &value)
    }

    /// One event on the wire.
    fn frame(&self, kind: &str, object: &Value) -> Vec<u8> {
        if self.encoding != Encoding::Protobuf {
            return format!("{}\n", json!({"type": kind, "object": object})).into_bytes();
        }
        protobuf::watch_event(kind, object).unwrap_or_else(|why| {
            // A reader that cannot be told must not go on as if nothing had happened.
            let status = Status::internal(why).to_value();
            protobuf::watch_event("ERROR", &status).unwrap_or_default()
        })
    }

    /// What the stream says that it is.
    pub fn content_type(&self) -> &'static str {
        match self.encoding {
            Encoding::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
            Encoding::Json | Encoding::PrettyJson | Encoding::Yaml => "application/json",
        }
    }

    /// Only the first table of a watch tells its columns.
    fn drop_repeated_columns(&mut self, value: &mut Value) {
        if matches!(self.format, Format::Table(..)) {
            if self.table_started {
                value["columnDefinitions"] = Value::Null;
            }
            self.table_started = true;
        }
    }

    fn bookmark_line(&self, revision: Revision, ends_initial_events: bool) -> Vec<u8> {
        let resource = self.target.resource;
        let mut metadata =
            json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
        if ends_initial_events {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let object = match self.format {
            Format::Object => {
                json!({"kind": resource.kind, "apiVersion": resource.api_version(), "metadata": metadata})
            }
            Format::Version(version) => json!({"kind": version.served.kind,
                "apiVersion": version.served.api_version(), "metadata": metadata}),
            Format::Metadata(meta) => json!({"kind": "PartialObjectMetadata",
                "apiVersion": meta.api_version(), "metadata": metadata}),
            Format::Table(meta, _) => json!({"kind": "Table", "apiVersion": meta.api_version(),
                "metadata": metadata, "columnDefinitions": null, "rows": []}),
        };
        self.frame("BOOKMARK", &object)
    }

    fn expired_line(&self, expired: &Expired) -> Vec<u8> {
        let status = read::too_old(expired.asked, expired.compacted).to_value();
        self.frame("ERROR", &status)
    }
}

#[cfg(test)]
mod tests;
