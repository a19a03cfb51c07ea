//! ResourceQuota: what a namespace may use, and what a new or changed object uses of it.
//!
//! The usage is written in the transaction of the object, on the condition that the quota has not changed:
//! whoever is counted is there, and no two can both be the last. Upstream writes the quota first.
//! Left out: resources that no quota need name to be limited, which need a configuration of the plugin.
//! Source: apiserver/pkg/admission/plugin/resourcequota/controller.go, v1.36.

use std::collections::BTreeSet;

use api::amounts::{self, Amounts};
use api::object::{at, object_at_mut, text};
use api::quota::{self, Neighbours, pods, scopes};
use api::{ApiResource, Status, Timestamp, resources};
use serde_json::Value;
use store::KeyValue;

use super::Admission;
use crate::write::beside::Beside;
use crate::write::owners;
use crate::{keys, object};

/// Takes what a new object uses, or what it uses more than the one that it replaces, of every quota that it
/// is under. 403 where that is more than there is.
pub(super) fn charge(
    admission: Admission<'_>,
    new: &Value,
    old: Option<&Value>,
    now: Timestamp,
) -> Result<Beside, Status> {
    let mut beside = Beside::default();
    let resource = admission.target.resource;
    if !quota::is_counted(resource) || !is_handled(admission, new, old) {
        return Ok(beside);
    }
    let limited: Vec<Limited> = limited(admission, new);
    for one in &limited {
        one.check(admission, new)?;
    }
    for mut one in limited {
        let old = old.filter(|old| one.covers(resource, old));
        let delta = delta(admission, new, old, now);
        if one.take(admission, &delta)? {
            let before = object::decode(one.found);
            let quota = owners::of_server(&resources::RESOURCE_QUOTAS, before, one.quota, now);
            beside.update(&resources::RESOURCE_QUOTAS, one.found.mod_revision, quota);
        }
    }
    Ok(beside)
}

/// Whether it can change what is used. Most kinds do so by being there.
fn is_handled(admission: Admission<'_>, new: &Value, old: Option<&Value>) -> bool {
    let target = admission.target;
    let Some(old) = old else { return target.subresource.is_empty() };
    match target.subresource {
        "" if target.resource == &resources::PODS => {
            pods::is_terminating(old) != pods::is_terminating(new)
        }
        "" => [
            &resources::SERVICES,
            &resources::PERSISTENT_VOLUME_CLAIMS,
            &resources::RESOURCE_CLAIMS,
        ]
        .contains(&target.resource),
        "resize" => target.resource == &resources::PODS,
        "status" => target.resource == &resources::PERSISTENT_VOLUME_CLAIMS,
        _ => false,
    }
}

/// What is used more than before.
fn delta(admission: Admission<'_>, new: &Value, old: Option<&Value>, now: Timestamp) -> Amounts {
    let usage = |object| quota::usage(admission.target.resource, object, &admission, now);
    let before = old.map(usage).unwrap_or_default();
    let mut delta = usage(new);
    for (name, amount) in &mut delta {
        *amount = *amount - before.get(name).copied().unwrap_or_default();
    }
    delta.retain(|_, amount| !amount.is_zero() && !amount.is_negative());
    delta
}

impl Neighbours for Admission<'_> {
    fn extended_resource(&self, class: &str) -> Option<String> {
        let class = self.find(&resources::DEVICE_CLASSES, None, class)?;
        Some(text(&class, &["spec", "extendedResourceName"]).to_owned())
            .filter(|name| !name.is_empty())
    }

    fn pod(&self, namespace: &str, name: &str) -> Option<Value> {
        self.find(&resources::PODS, Some(namespace), name)
    }

    fn claims(&self, namespace: &str, owner: &str) -> Vec<Value> {
        let mut claims = self.all(&resources::RESOURCE_CLAIMS, Some(namespace));
        claims.retain(|claim| {
            let owners = at(claim, &["metadata", "ownerReferences"]).and_then(Value::as_array);
            owners.into_iter().flatten().any(|one| one["uid"] == owner)
        });
        claims
    }
}

/// A quota that limits something that the object uses.
struct Limited<'a> {
    found: &'a KeyValue,
    quota: Value,
    hard: Amounts,
    used: Amounts,
}

/// The quotas of the namespace that an object is under.
fn limited<'a>(admission: Admission<'a>, new: &Value) -> Vec<Limited<'a>> {
    let resource = admission.target.resource;
    let range = keys::range(&resources::RESOURCE_QUOTAS, admission.target.namespace.as_deref());
    let quotas = admission.store.range(&range).map(|found| Limited::new(found));
    quotas.filter(|one| one.names(resource).next().is_some() && one.covers(resource, new)).collect()
}

impl<'a> Limited<'a> {
    fn new(found: &'a KeyValue) -> Self {
        let quota = object::decode(found);
        let list = |name| amounts::amounts(at(&quota, &["status", name]));
        Self { found, hard: list("hard"), used: list("used"), quota }
    }

    fn name(&self) -> &str {
        text(&self.quota, &["metadata", "name"])
    }

    /// What it limits that objects of a resource use.
    fn names(&self, resource: &ApiResource) -> impl Iterator<Item = &str> {
        self.hard.keys().map(String::as_str).filter(|name| quota::limits(name, resource))
    }

    fn covers(&self, resource: &ApiResource, object: &Value) -> bool {
        scopes(&self.quota).iter().all(|scope| scope.covers(resource, object))
    }

    /// Whether the object says what it must, and whether it is known what is used already.
    fn check(&self, admission: Admission<'_>, new: &Value) -> Result<(), Status> {
        let resource = admission.target.resource;
        let names: BTreeSet<&str> = self.names(resource).collect();
        if resource == &resources::PODS {
            self.check_says(admission, &pods::missing(new, &names))?;
        }
        if names.iter().all(|name| self.used.contains_key(*name)) {
            return Ok(());
        }
        let names: Vec<&str> = names.into_iter().collect();
        Err(admission.forbidden(&format!(
            "status unknown for quota: {}, resources: {}",
            self.name(),
            names.join(",")
        )))
    }

    /// 403 where containers leave out what they must say.
    fn check_says(
        &self,
        admission: Admission<'_>,
        missing: &[(&str, BTreeSet<&str>)],
    ) -> Result<(), Status> {
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.iter().map(|(name, containers)| {
            let containers: Vec<&str> = containers.iter().copied().collect();
            format!("{name} for: {}", containers.join(","))
        });
        let missing = missing.collect::<Vec<_>>().join("; ");
        let why = format!("failed quota: {}: must specify {missing}", self.name());
        Err(admission.forbidden(&why))
    }

    /// Takes this much, as far as it is limited; whether that is anything.
    fn take(&mut self, admission: Admission<'_>, delta: &Amounts) -> Result<bool, Status> {
        let mut requested = delta.clone();
        requested.retain(|name, _| self.hard.contains_key(name));
        if requested.is_empty() {
            return Ok(false);
        }
        let mut used = self.used.clone();
        amounts::add(&mut used, &requested);
        requested.retain(|name, _| used[name] > self.hard[name]);
        // What has happened already is counted, even if it is more than there is.
        if !requested.is_empty() && admission.target.subresource != "status" {
            return Err(self.exceeded(admission, &requested));
        }
        object_at_mut(&mut self.quota, "status")
            .insert("used".to_owned(), amounts::to_value(&used));
        Ok(true)
    }

    /// 403: so much is asked for that more would be used than there is.
    fn exceeded(&self, admission: Admission<'_>, requested: &Amounts) -> Status {
        let print = |list: &Amounts| {
            let amounts = list.iter().filter(|(name, _)| requested.contains_key(*name));
            let amounts: Vec<_> =
                amounts.map(|(name, amount)| format!("{name}={amount}")).collect();
            amounts.join(",")
        };
        admission.forbidden(&format!(
            "exceeded quota: {}, requested: {}, used: {}, limited: {}",
            self.name(),
            print(requested),
            print(&self.used),
            print(&self.hard)
        ))
    }
}

#[cfg(test)]
mod tests;
