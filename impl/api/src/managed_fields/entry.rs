//! `metadata.managedFields`: who owns which fields, since when, by which operation.
//!
//! Source: the `ManagedFieldsEntry` type of `meta.k8s.io/v1`, and `managedfields/internal/managedfields.go`
//! of apimachinery (v1.36).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::field_set::FieldSet;
use crate::object::text;

/// How a manager came to own fields. The order is that in which entries stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
    Update,
}

/// The fields of one manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Who.
    pub manager: Manager,
    /// The version in which the fields are named.
    pub api_version: String,
    /// When it last took or gave up a field, as in JSON; `None` when that is not known.
    pub time: Option<String>,
    /// What it owns.
    pub fields: FieldSet,
}

/// Who owns fields. A manager that writes in two versions is two of them, unless it applies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    /// Its name.
    pub name: String,
    /// By which operation.
    pub operation: Operation,
    /// `status`, `scale` …; empty for the object itself.
    pub subresource: String,
}

impl Entry {
    /// Whether both are of the same manager: one of them takes the other's place.
    pub(super) fn is_of(&self, manager: &Manager, api_version: &str) -> bool {
        self.manager == *manager
            && (manager.operation == Operation::Apply || self.api_version == api_version)
    }

    /// What no two entries have in common.
    fn identity(&self) -> (Manager, Option<String>) {
        let api_version =
            (self.manager.operation == Operation::Update).then(|| self.api_version.clone());
        (self.manager.clone(), api_version)
    }

    fn read(entry: &Value) -> Option<Self> {
        let operation = match text(entry, &["operation"]) {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return None,
        };
        let api_version = text(entry, &["apiVersion"]);
        if api_version.is_empty() || text(entry, &["fieldsType"]) != "FieldsV1" {
            return None;
        }
        Some(Self {
            manager: Manager {
                name: text(entry, &["manager"]).to_owned(),
                operation,
                subresource: text(entry, &["subresource"]).to_owned(),
            },
            api_version: api_version.to_owned(),
            time: entry.get("time").and_then(Value::as_str).map(str::to_owned),
            fields: FieldSet::from_value(&entry["fieldsV1"]).ok()?,
        })
    }

    fn to_value(&self) -> Value {
        let operation = match self.manager.operation {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        };
        let mut entry = json!({"operation": operation, "apiVersion": self.api_version,
            "fieldsType": "FieldsV1", "fieldsV1": self.fields.to_value()});
        let texts = [
            ("manager", Some(&self.manager.name)),
            ("subresource", Some(&self.manager.subresource)),
            ("time", self.time.as_ref()),
        ];
        for (field, text) in texts {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                entry[field] = Value::from(text.as_str());
            }
        }
        entry
    }
}

/// All entries of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManagedFields {
    /// One for each manager.
    pub entries: Vec<Entry>,
}

impl ManagedFields {
    /// The entries in a `managedFields` list; `None` when one of them cannot be read. The last of several
    /// entries of one manager counts.
    pub fn read(managed_fields: &Value) -> Option<Self> {
        let mut entries = BTreeMap::new();
        for entry in managed_fields.as_array().into_iter().flatten() {
            let entry = Entry::read(entry)?;
            entries.insert(entry.identity(), entry);
        }
        Some(Self { entries: entries.into_values().collect() })
    }

    /// The `managedFields` list: who applied first, then by time.
    pub fn to_value(&self) -> Value {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by_key(|entry| {
            let Manager { name, operation, subresource } = &entry.manager;
            (
                *operation,
                entry.time.as_deref().unwrap_or_default(),
                name,
                &entry.api_version,
                subresource,
            )
        });
        entries.into_iter().map(Entry::to_value).collect()
    }

    /// Whether nobody owns anything.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes out the entry of a manager.
    pub(super) fn take(&mut self, manager: &Manager, api_version: &str) -> Option<Entry> {
        let found = self.entries.iter().position(|entry| entry.is_of(manager, api_version))?;
        Some(self.entries.remove(found))
    }
}
