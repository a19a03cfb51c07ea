//! Fields that an apply would take from others: how they are told.
//!
//! Source: `managedfields/internal/conflict.go` of apimachinery (v1.36).

use std::collections::BTreeMap;

use super::entry::{Entry, Operation};
use super::path::PathElement;
use crate::status::{Cause, Reason, Status};

/// A field that somebody else owns with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Who, as messages name it: `"kubectl" using v1`.
    manager: String,
    /// The field.
    pub(super) path: Vec<PathElement>,
}

impl Conflict {
    /// A field of an entry.
    pub(super) fn new(entry: &Entry, path: Vec<PathElement>) -> Self {
        let mut manager = format!("{:?}", entry.manager.name);
        if !entry.manager.subresource.is_empty() {
            manager.push_str(&format!(" with subresource {:?}", entry.manager.subresource));
        }
        if entry.manager.operation == Operation::Update {
            manager.push_str(&format!(" using {}", entry.api_version));
        }
        Self { manager, path }
    }

    /// `.spec.replicas`.
    fn field(&self) -> String {
        self.path.iter().map(ToString::to_string).collect()
    }
}

/// 409 with each conflict.
pub fn status(conflicts: &[Conflict]) -> Status {
    let mut status = Status::new(Reason::Conflict, message(conflicts));
    status.causes = conflicts
        .iter()
        .map(|conflict| Cause {
            reason: "FieldManagerConflict",
            field: conflict.field(),
            message: format!("conflict with {}", conflict.manager),
        })
        .collect();
    status
}

fn message(conflicts: &[Conflict]) -> String {
    if let [conflict] = conflicts {
        let (manager, field) = (&conflict.manager, conflict.field());
        return format!("Apply failed with 1 conflict: conflict with {manager}: {field}");
    }
    let mut by_manager: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for conflict in conflicts {
        by_manager.entry(&conflict.manager).or_default().push(format!("- {}", conflict.field()));
    }
    let lines = by_manager
        .iter()
        .map(|(manager, fields)| format!("conflicts with {manager}:\n{}", fields.join("\n")));
    let lines: Vec<String> = lines.collect();
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}
