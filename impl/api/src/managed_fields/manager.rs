//! Who owns what after a write.
//!
//! Source: `merge/update.go` of structured-merge-diff v6, and `managedfields/internal` of apimachinery
//! (v1.36). Leaves out schemas whose lists or maps have become atomic since.

use std::collections::BTreeMap;
use std::sync::OnceLock;

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
#[derive(Clone, Copy)]
pub struct FieldManager<'a> {
    /// The version in which it is written.
    pub api_version: &'a str,
    /// `status`, `scale` …; empty for the object itself.
    pub subresource: &'a str,
    /// Fields that writes to this path cannot change, so that they do not own them.
    pub reset_fields: &'a FieldSet,
    /// The time, as in JSON.
    pub now: &'a str,
    /// An object in another version of its group; `None` when that is not served.
    pub convert: &'a dyn Fn(&Value, &str) -> Option<Value>,
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
        let comparisons = Comparisons::new(*self, live.explicit(), new.explicit().object);
        let fields = without_stripped(&comparisons.own.changed());
        comparisons.release(&mut managed);
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

    /// What a manager owns from now on.
    pub(super) fn entry(&self, manager: Manager, fields: FieldSet) -> Entry {
        let (api_version, time) = (self.api_version.to_owned(), Some(self.now.to_owned()));
        Entry { manager, api_version, time, fields }
    }

    /// An object of the version that is written, in another one.
    pub(super) fn in_version(&self, object: &Value, api_version: &str) -> Option<Typed> {
        (self.convert)(object, api_version).and_then(Typed::of)
    }
}

/// How an object changes, in each version in which somebody names fields.
pub(super) struct Comparisons<'a> {
    manager: FieldManager<'a>,
    live: Typed,
    new: Value,
    /// In the version that is written.
    pub(super) own: Comparison,
    others: BTreeMap<String, Option<Comparison>>,
}

impl<'a> Comparisons<'a> {
    /// Both objects have all that Go would write of them.
    pub(super) fn new(manager: FieldManager<'a>, live: Typed, new: Value) -> Self {
        let own = compare(live.shape(), &live.object, &new).without(manager.reset_fields);
        Self { manager, live, new, own, others: BTreeMap::new() }
    }

    /// How the object changes in a version; `None` when it is not served there.
    pub(super) fn in_version(&mut self, api_version: &str) -> Option<&Comparison> {
        if api_version == self.manager.api_version {
            return Some(&self.own);
        }
        if !self.others.contains_key(api_version) {
            self.others.insert(api_version.to_owned(), self.compare(api_version));
        }
        self.others[api_version].as_ref()
    }

    fn compare(&self, api_version: &str) -> Option<Comparison> {
        let live = self.manager.in_version(&self.live.object, api_version)?.explicit();
        let new = self.manager.in_version(&self.new, api_version)?.explicit();
        let comparison = compare(live.shape(), &live.object, &new.object);
        Some(comparison.without(self.manager.reset_fields))
    }

    /// Takes from each manager what has changed or is gone, and forgets those that are left with nothing,
    /// and those that know the fields by the names of a version that is not served.
    pub(super) fn release(mut self, managed: &mut ManagedFields) {
        managed.entries.retain_mut(|entry| {
            let Some(change) = self.in_version(&entry.api_version) else { return false };
            if !change.is_empty() {
                let fields = entry.fields.difference(&change.modified);
                entry.fields = fields.difference(&change.added).difference(&change.removed);
            }
            !entry.fields.is_empty()
        });
    }
}

/// A set without what nobody owns.
pub(super) fn without_stripped(fields: &FieldSet) -> FieldSet {
    static SET: OnceLock<FieldSet> = OnceLock::new();
    fields.difference(SET.get_or_init(|| FieldSet::of(&STRIPPED)))
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
