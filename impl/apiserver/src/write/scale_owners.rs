//! Who owns the replicas of a workload: the same entries, told of a `Scale` and of the workload.
//!
//! Source: `managedfields/scalehandler.go` of apimachinery (v1.36). An entry of an update is not found
//! again there, because its identity has the version in it; so it starts anew, without a time.

use api::managed_fields::{Entry, FieldSet, ManagedFields, Operation};

use crate::strategy;

/// `spec.replicas`, in both.
fn replicas() -> FieldSet {
    FieldSet::of(&[&["spec", "replicas"]])
}

fn has_replicas(entry: &Entry) -> bool {
    !entry.fields.intersection(&replicas()).is_empty()
}

/// The entries of a workload that own its replicas, as those of its scale.
pub(super) fn of_scale(parent: &ManagedFields, api_version: &str) -> ManagedFields {
    let owners = parent.entries.iter();
    let owners = owners.filter(|entry| entry.api_version == api_version && has_replicas(entry));
    let entries = owners.map(|entry| Entry {
        api_version: strategy::SCALE.api_version(),
        fields: replicas(),
        ..entry.clone()
    });
    ManagedFields { entries: entries.collect() }
}

/// The entries of a workload once those of its scale are these.
pub(super) fn of_parent(
    parent: &ManagedFields,
    mut scale: ManagedFields,
    api_version: &str,
) -> ManagedFields {
    let mut entries = vec![];
    for entry in parent.entries.iter().filter(|entry| entry.api_version == api_version) {
        let is_same = |other: &Entry| {
            other.manager == entry.manager && entry.manager.operation == Operation::Apply
        };
        let found = scale.entries.iter().position(is_same);
        match found {
            _ if !has_replicas(entry) => entries.push(entry.clone()),
            Some(found) => {
                scale.entries.remove(found);
                entries.push(entry.clone());
            }
            None => {
                let fields = entry.fields.difference(&replicas());
                entries.push(Entry { fields, ..entry.clone() });
            }
        }
    }
    let owners = scale.entries.into_iter().filter(has_replicas);
    entries.extend(owners.map(|entry| Entry {
        api_version: api_version.to_owned(),
        time: None,
        fields: replicas(),
        ..entry
    }));
    entries.retain(|entry| !entry.fields.is_empty());
    ManagedFields { entries }
}
