//! Server-side apply: an object becomes what its managers say together.
//!
//! Source: `Apply` and `prune` in `merge/update.go` of structured-merge-diff v6.

use serde_json::Value;

use super::conflict::Conflict;
use super::entry::{Entry, ManagedFields, Operation};
use super::field_set::FieldSet;
use super::fields_of::{fields_of, with_named_fields};
use super::last_applied;
use super::manager::{Comparisons, FieldManager, Typed, without_stripped};
use super::merge::merge;
use super::remove::remove;
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
        let mut own = self.entry(manager, fields);

        let merged = merge(shape, &live.object, config);
        let time = before.as_ref().and_then(|before| before.time.clone());
        let new = match before.filter(|before| !before.fields.is_empty()) {
            Some(before) => self.prune(merged, &managed, &own, &before),
            None => merged,
        };
        let changed = live.object != new;
        take_over(&mut managed, Comparisons::new(*self, live, new.clone()), application.force)?;
        own.fields = without_stripped(&own.fields);
        if !changed {
            own.time = time;
        }
        managed.entries.extend(Some(own).filter(|own| !own.fields.is_empty()));
        Ok(Applied { object: changed.then_some(new), managed })
    }

    /// Takes out what the manager has applied before and does not apply now, and nobody else owns.
    fn prune(&self, merged: Value, others: &ManagedFields, own: &Entry, before: &Entry) -> Value {
        let Some(merged_before) = self.in_version(&merged, &before.api_version) else {
            return merged;
        };
        let shape = merged_before.shape();
        let last = with_named_fields(Some(shape), &before.fields);
        let mut pruned = remove(shape, &merged_before.object, &last);
        for (version, owned) in owned_by_version(others, own, &before.api_version) {
            let in_version = |object| self.in_version(object, version);
            let (Some(all), Some(rest)) = (in_version(&merged), in_version(&pruned)) else {
                continue;
            };
            let shape = all.shape();
            let stays = said(&rest).union(&with_named_fields(Some(shape), &owned));
            pruned = remove(shape, &all.object, &said(&all).difference(&stays));
        }
        let Some(pruned) = self.in_version(&pruned, &before.api_version) else { return merged };
        let gone = said(&merged_before).difference(&said(&pruned)).intersection(&last);
        let pruned = remove(shape, &merged_before.object, &gone);
        (self.convert)(&pruned, self.api_version).unwrap_or(merged)
    }
}

/// The fields of an object, and each field that has some of them below it.
fn said(typed: &Typed) -> FieldSet {
    with_named_fields(Some(typed.shape()), &fields_of(typed.shape(), &typed.object))
}

/// What all managers own together, by version, the given version first.
fn owned_by_version<'a>(
    others: &'a ManagedFields,
    own: &'a Entry,
    first: &'a str,
) -> Vec<(&'a str, FieldSet)> {
    let mut owned = vec![(first, FieldSet::default())];
    for entry in others.entries.iter().chain([own]) {
        match owned.iter_mut().find(|(version, _)| *version == entry.api_version) {
            Some((_, fields)) => *fields = fields.union(&entry.fields),
            None => owned.push((&entry.api_version, entry.fields.clone())),
        }
    }
    owned
}

/// Takes the fields that change from those who own them, which is a conflict unless it is forced.
fn take_over(
    managed: &mut ManagedFields,
    mut comparisons: Comparisons<'_>,
    force: bool,
) -> Result<(), ApplyError> {
    let mut conflicts = vec![];
    for entry in &managed.entries {
        let Some(change) = comparisons.in_version(&entry.api_version) else { continue };
        let lost = entry.fields.intersection(&change.changed()).paths();
        conflicts.extend(lost.into_iter().map(|path| Conflict::new(entry, path)));
    }
    if !force && !conflicts.is_empty() {
        return Err(ApplyError::Conflicts(conflicts));
    }
    comparisons.release(managed);
    Ok(())
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
