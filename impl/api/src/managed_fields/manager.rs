//! Who owns what after a write.
//!
//! Source: `merge/update.go` of structured-merge-diff v6, and `managedfields/internal` of apimachinery
//! (v1.36). Leaves out schemas whose lists or maps have become atomic since, and fields that are named in
//! another version of the same group, of which there is none yet.

use serde_json::Value;

use super::compare::{Comparison, compare};
use super::entry::{Entry, ManagedFields, Manager, Operation};
use super::field_set::FieldSet;
use super::shape::Shape;
use crate::schema::{Definition, Schema};

/// How many entries of updates are kept apart.
const UPDATE_ENTRIES_MAX: usize = 10;
/// The manager of what the oldest of them owned.
const OLD_UPDATES: &str = "ancient-changes";

/// Fields that nobody owns: they are the API server's, or name the object.
const STRIPPED: [&[&str]; 12] = [
    &["apiVersion"],
    &["kind"],
    &["metadata"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "creationTimestamp"],
    &["metadata", "selfLink"],
    &["metadata", "uid"],
    &["metadata", "clusterName"],
    &["metadata", "generation"],
    &["metadata", "managedFields"],
    &["metadata", "resourceVersion"],
];

/// Keeps account of the fields of one object while it is written.
#[derive(Clone, Copy, Debug)]
pub struct FieldManager<'a> {
    /// The version in which it is written.
    pub api_version: &'a str,
    /// `status`, `scale` …; empty for the object itself.
    pub subresource: &'a str,
    /// Fields that writes to this path cannot change, so that they do not own them.
    pub reset_fields: &'a FieldSet,
    /// The time, as in JSON.
    pub now: &'a str,
}

/// An object in one version.
pub(super) struct Typed {
    pub(super) definition: &'static Definition,
    pub(super) object: Value,
}

impl Typed {
    /// An object of a kind that is built in.
    pub(super) fn of(object: Value) -> Option<Self> {
        let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
        let definition = Schema::of_kind(text("apiVersion"), text("kind"))?;
        Some(Self { definition, object })
    }

    pub(super) fn shape(&self) -> Shape<'static> {
        Shape::of_definition(self.definition)
    }

    /// The same with all that Go would write of it.
    pub(super) fn explicit(self) -> Self {
        Self { object: self.definition.explicit(self.object), ..self }
    }
}

impl FieldManager<'_> {
    /// Who owns what after `manager` has made `new` of `live`, by anything but server-side apply. Both are
    /// objects with `apiVersion` and `kind`; `live` has nothing else when the object is created.
    pub fn update(
        &self,
        live: Value,
        new: Value,
        mut managed: ManagedFields,
        manager: &str,
    ) -> ManagedFields {
        let (Some(live), Some(new)) = (Typed::of(live), Typed::of(new)) else {
            return managed;
        };
        let comparison = self.compare(&live.explicit(), &new.explicit().object);
        self.release(&mut managed, &comparison);
        let fields = without_stripped(&comparison.changed());
        if !fields.is_empty() {
            let manager = self.manager(manager, Operation::Update);
            let before = managed.take(&manager, self.api_version);
            let fields =
                before.map_or_else(|| fields.clone(), |before| fields.union(&before.fields));
            managed.entries.push(self.entry(manager, fields));
        }
        cap(&mut managed);
        managed
    }

    pub(super) fn manager(&self, name: &str, operation: Operation) -> Manager {
        let name = if name.is_empty() { "unknown" } else { name };
        Manager { name: name.to_owned(), operation, subresource: self.subresource.to_owned() }
    }

    fn entry(&self, manager: Manager, fields: FieldSet) -> Entry {
        let (api_version, time) = (self.api_version.to_owned(), Some(self.now.to_owned()));
        Entry { manager, api_version, time, fields }
    }

    /// How an object changes, as far as this path can change it.
    pub(super) fn compare(&self, live: &Typed, new: &Value) -> Comparison {
        compare(live.shape(), &live.object, new).without(self.reset_fields)
    }

    /// Takes from each manager what has changed or is gone, and forgets those that are left with nothing,
    /// and those that know the fields by the names of another group's version.
    pub(super) fn release(&self, managed: &mut ManagedFields, change: &Comparison) {
        managed.entries.retain_mut(|entry| {
            if entry.api_version == self.api_version && !change.is_empty() {
                let fields = entry.fields.difference(&change.modified);
                entry.fields = fields.difference(&change.added).difference(&change.removed);
            }
            entry.api_version == self.api_version && !entry.fields.is_empty()
        });
    }
}

/// What nobody owns, for a set.
pub(super) fn without_stripped(fields: &FieldSet) -> FieldSet {
    fields.difference(&FieldSet::of(&STRIPPED))
}

/// Joins the oldest entries of updates, each version by itself, until there are few enough.
fn cap(managed: &mut ManagedFields) {
    let is_update = |entry: &&Entry| entry.manager.operation == Operation::Update;
    let updates = managed.entries.iter().filter(is_update).count();
    if updates <= UPDATE_ENTRIES_MAX {
        return;
    }
    let (mut old, kept): (Vec<Entry>, Vec<Entry>) =
        std::mem::take(&mut managed.entries).into_iter().partition(|entry| is_update(&entry));
    old.sort_by_cached_key(|entry| {
        let Manager { name, subresource, .. } = &entry.manager;
        let time = entry.time.clone().unwrap_or_default();
        (time, name.clone(), entry.api_version.clone(), subresource.clone())
    });
    managed.entries = kept;
    managed.entries.extend(join_oldest(old));
}

fn join_oldest(updates: Vec<Entry>) -> Vec<Entry> {
    let mut surplus = updates.len().saturating_sub(UPDATE_ENTRIES_MAX);
    let mut joined: Vec<Entry> = vec![];
    for entry in updates {
        let same_version = joined.iter_mut().find(|other| other.api_version == entry.api_version);
        match same_version {
            Some(bucket) if surplus > 0 => {
                bucket.manager.name = OLD_UPDATES.to_owned();
                bucket.manager.subresource.clear();
                bucket.fields = bucket.fields.union(&entry.fields);
                bucket.time = entry.time;
                surplus -= 1;
            }
            Some(_) | None => joined.push(entry),
        }
    }
    joined
}
