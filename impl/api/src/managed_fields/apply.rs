//! Server-side apply: an object becomes what its managers say together.
//!
//! Source: `Apply` and `prune` in `merge/update.go` of structured-merge-diff v6.

use serde_json::Value;

use super::compare::Comparison;
use super::conflict::Conflict;
use super::entry::{Entry, ManagedFields, Operation};
use super::field_set::FieldSet;
use super::fields_of::{fields_of, with_named_fields};
use super::last_applied;
use super::manager::{FieldManager, Typed, without_stripped};
use super::merge::merge;
use super::remove::remove;
use super::shape::Shape;
use super::validate::validate;

/// The manager of what an object had before anybody was recorded.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// What is applied, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Application<'a> {
    /// The fields that the manager wants to have, as it sent them.
    pub config: &'a Value,
    /// Who applies.
    pub manager: &'a str,
    /// Whether fields that others own are taken from them.
    pub force: bool,
}

/// An object after server-side apply.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The object, not defaulted; `None` when it has not changed.
    pub object: Option<Value>,
    /// Who owns what.
    pub managed: ManagedFields,
}

/// Why something cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// It is not of its type.
    #[error("{0}")]
    Type(String),
    /// Others own fields with other values.
    #[error("others own these fields")]
    Conflicts(Vec<Conflict>),
}

impl FieldManager<'_> {
    /// Applies to an object, which is one with `apiVersion` and `kind` only when it does not exist yet.
    pub fn apply(
        &self,
        live: &Value,
        managed: ManagedFields,
        application: Application<'_>,
    ) -> Result<Applied, ApplyError> {
        let applied = self.apply_once(live, managed.clone(), application);
        match applied {
            Err(ApplyError::Conflicts(conflicts))
                if application.manager == last_applied::MANAGER =>
            {
                let conflicts = last_applied::not_allowed(self.api_version, live, conflicts);
                if !conflicts.is_empty() {
                    return Err(ApplyError::Conflicts(conflicts));
                }
                self.apply_once(live, managed, Application { force: true, ..application })
            }
            applied => applied,
        }
    }

    fn apply_once(
        &self,
        live: &Value,
        mut managed: ManagedFields,
        application: Application<'_>,
    ) -> Result<Applied, ApplyError> {
        let not_built_in = || ApplyError::Type("no corresponding type".to_owned());
        let live = Typed::of(live.clone()).ok_or_else(not_built_in)?.explicit();
        let (shape, config) = (live.shape(), application.config);
        if let Some(error) = validate(live.definition, config) {
            return Err(ApplyError::Type(error));
        }
        if managed.is_empty() {
            let nothing = type_only(&live.object);
            managed = self.update(nothing, live.object.clone(), managed, BEFORE_FIRST_APPLY);
        }
        let manager = self.manager(application.manager, Operation::Apply);
        let before = managed.take(&manager, self.api_version);
        let fields = fields_of(shape, config).recursive_difference(self.reset_fields);
        let api_version = self.api_version.to_owned();
        let time = before.as_ref().and_then(|before| before.time.clone());
        let mut own = Entry { manager, api_version, time, fields };

        let merged = merge(shape, &live.object, config);
        let before = before.filter(|before| before.api_version == self.api_version);
        let new = prune(shape, merged, &managed, &own, before.as_ref());
        let comparison = self.compare(&live, &new);
        self.take_over(&mut managed, &comparison, application.force)?;
        own.fields = without_stripped(&own.fields);
        let changed = live.object != new;
        if changed {
            own.time = Some(self.now.to_owned());
        }
        if !own.fields.is_empty() {
            managed.entries.push(own);
        }
        Ok(Applied { object: changed.then_some(new), managed })
    }

    /// Takes the fields that change from those who own them, which is a conflict unless it is forced.
    fn take_over(
        &self,
        managed: &mut ManagedFields,
        comparison: &Comparison,
        force: bool,
    ) -> Result<(), ApplyError> {
        let changed = comparison.changed();
        let of_version =
            managed.entries.iter().filter(|entry| entry.api_version == self.api_version);
        let conflicts: Vec<Conflict> = of_version
            .flat_map(|entry| {
                let lost = entry.fields.intersection(&changed).paths();
                lost.into_iter().map(move |path| Conflict::new(entry, path))
            })
            .collect();
        if !force && !conflicts.is_empty() {
            return Err(ApplyError::Conflicts(conflicts));
        }
        self.release(managed, comparison);
        Ok(())
    }
}

/// Takes out what the manager has applied before and does not apply now, and nobody else owns.
fn prune(
    shape: Shape<'_>,
    merged: Value,
    others: &ManagedFields,
    own: &Entry,
    before: Option<&Entry>,
) -> Value {
    let Some(before) = before.filter(|before| !before.fields.is_empty()) else { return merged };
    let named = |fields: &FieldSet| with_named_fields(Some(shape), fields);
    let said = |object: &Value| named(&fields_of(shape, object));
    let (last, all) = (named(&before.fields), said(&merged));
    let owners = others.entries.iter().chain([own]);
    let owned = owners
        .filter(|entry| entry.api_version == own.api_version)
        .fold(FieldSet::default(), |owned, entry| owned.union(&entry.fields));

    let rest = remove(shape, &merged, &last);
    let with_owned = remove(shape, &merged, &all.difference(&said(&rest).union(&named(&owned))));
    let gone = all.difference(&said(&with_owned)).intersection(&last);
    remove(shape, &merged, &gone)
}

/// An object with its `apiVersion` and `kind` only.
pub fn type_only(object: &Value) -> Value {
    let fields = object.as_object().into_iter().flatten();
    let of_type = fields.filter(|(name, _)| matches!(name.as_str(), "apiVersion" | "kind"));
    of_type
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
