//! A Job beside what it was before an update of its status.

use serde_json::Value;

use crate::strategy::fields::{get, int};
use crate::strategy::job::has_condition;

/// A Job and what it was.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) new: &'a Value,
    pub(super) old: &'a Value,
}

impl Change<'_> {
    /// Whether a condition is true now.
    pub(super) fn is(self, condition: &str) -> bool {
        has_condition(self.new, condition)
    }

    /// Whether a condition was true before.
    pub(super) fn was(self, condition: &str) -> bool {
        has_condition(self.old, condition)
    }

    /// Whether a condition became true or ceased to be.
    pub(super) fn turned(self, condition: &str) -> bool {
        self.is(condition) != self.was(condition)
    }

    /// Whether the Job has ended, one way or the other.
    pub(super) fn is_finished(self) -> bool {
        is_finished(self.new)
    }

    /// Whether it ended with this change.
    pub(super) fn turned_finished(self) -> bool {
        is_finished(self.new) != is_finished(self.old)
    }

    /// A field of the status.
    pub(super) fn status(&self, field: &str) -> Option<&Value> {
        get(self.new, &["status", field])
    }

    /// Whether a field of the status is another than before.
    pub(super) fn changed(self, field: &str) -> bool {
        self.status(field) != get(self.old, &["status", field])
    }

    /// A number of the status, 0 when absent.
    pub(super) fn count(self, field: &str) -> i64 {
        int(self.new, &["status", field]).unwrap_or_default()
    }
}

fn is_finished(job: &Value) -> bool {
    has_condition(job, "Complete") || has_condition(job, "Failed")
}
