//! Server-side apply: who owns which field of an object, and what follows when they write.
//!
//! Pure data: objects go in, and objects, owners or conflicts come out. Source: Kubernetes documentation,
//! "Server-Side Apply"; structured-merge-diff v6 and `managedfields` of apimachinery (v1.36).

mod apply;
mod compare;
mod conflict;
mod entry;
mod field_set;
mod fields_of;
mod last_applied;
mod manager;
mod merge;
mod path;
mod remove;
mod shape;
#[cfg(test)]
mod tests;
mod validate;

pub use apply::{Application, Applied, ApplyError, type_only};
pub use conflict::{Conflict, status as conflict_status};
pub use entry::{Entry, ManagedFields, Manager, Operation};
pub use field_set::FieldSet;
pub use last_applied::keep_up_to_date;
pub use manager::FieldManager;
pub use path::{MalformedElement, PathElement, Scalar};
