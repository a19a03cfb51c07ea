//! Keeps one resource of a view in step with the API server: list, then watch, then list again when the
//! watch has fallen behind.
//!
//! Source: client-go's `tools/cache` reflector (v1.36). A relist never goes back in time: it asks for
//! data not older than what it has seen.

use std::collections::BTreeSet;

use api::{AnyObject, ApiResource, Key};

use crate::view::{Change, View};

/// What the reflector needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A list at a revision not older than this; 0 for the first.
    List {
        /// `resourceVersion` of the request.
        not_older_than: u64,
    },
    /// A watch of what comes after this revision.
    Watch {
        /// `resourceVersion` of the request.
        after: u64,
    },
}

/// One event of a watch, in Kubernetes' words.
#[derive(Clone, Debug)]
pub enum WatchEvent {
    /// ADDED or MODIFIED.
    Put(AnyObject),
    /// DELETED, with the object as it was.
    Deleted(AnyObject),
    /// BOOKMARK: nothing more came up to this revision.
    Bookmark(u64),
    /// ERROR with code 410, or a closed stream with the revision compacted away.
    Expired,
}

/// The state of one list-and-watch.
#[derive(Clone, Debug)]
pub struct Reflector {
    resource: &'static ApiResource,
    revision: u64,
    listed: bool,
}

impl Reflector {
    /// A reflector that has seen nothing.
    pub fn new(resource: &'static ApiResource) -> Self {
        Self { resource, revision: 0, listed: false }
    }

    /// The resource it follows.
    pub fn resource(&self) -> &'static ApiResource {
        self.resource
    }

    /// The last revision it has seen.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether the first list is in.
    pub fn has_synced(&self) -> bool {
        self.listed
    }

    /// What it needs next.
    pub fn next(&self) -> Step {
        if self.listed {
            Step::Watch { after: self.revision }
        } else {
            Step::List { not_older_than: self.revision }
        }
    }

    /// Replaces what the view holds by a list.
    pub fn listed(
        &mut self,
        view: &mut View,
        revision: u64,
        objects: Vec<AnyObject>,
    ) -> Vec<Change> {
        let listed: BTreeSet<Key> = objects.iter().map(AnyObject::key).collect();
        let gone = view.keys(self.resource).into_iter().filter(|key| !listed.contains(key));
        let mut changes: Vec<Change> =
            gone.filter_map(|key| view.remove(self.resource, &key)).collect();
        changes.extend(objects.into_iter().map(|object| view.put(object)));
        self.listed = true;
        self.advance(view, revision);
        changes
    }

    /// Applies one watch event.
    pub fn observe(&mut self, view: &mut View, event: WatchEvent) -> Option<Change> {
        match event {
            WatchEvent::Put(object) => {
                let revision = revision_of(&object);
                let change = view.put(object);
                self.advance(view, revision);
                Some(change)
            }
            WatchEvent::Deleted(object) => {
                self.advance(view, revision_of(&object));
                view.remove(self.resource, &object.key())
            }
            WatchEvent::Bookmark(revision) => {
                self.advance(view, revision);
                None
            }
            WatchEvent::Expired => {
                self.listed = false;
                None
            }
        }
    }

    fn advance(&mut self, view: &mut View, revision: u64) {
        self.revision = self.revision.max(revision);
        view.revision = view.revision.max(revision);
    }
}

/// The revision in an object's `resourceVersion`, 0 when there is none.
pub fn revision_of(object: &AnyObject) -> u64 {
    let version = object.metadata().resource_version.as_deref().unwrap_or_default();
    version.parse().unwrap_or(0)
}
