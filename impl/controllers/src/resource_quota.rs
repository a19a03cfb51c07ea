//! The ResourceQuota controller: says what a quota limits, counts what is used, and counts again when
//! something goes.
//!
//! New objects are counted by the API server as it takes them. So the objects of a namespace are read after
//! the quota was, and the count is written only if the quota is still the same: then nothing can have come in
//! between. What ResourceClaims use depends on DeviceClasses and pods, and those are the ones of the cache.
//! Source: pkg/controller/resourcequota/resource_quota_controller.go (v1.36), which counts what its
//! caches hold.

mod neighbours;
mod replenish;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::amounts::{self, Amounts};
use api::object::{at, to_value};
use api::quota::{self, scopes};
use api::{ApiResource, Key, Request, Timestamp, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{ResourceQuota, ResourceQuotaStatus};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde_json::Value;

use crate::{Controller, Plan, next_tick};
use neighbours::Cached;

/// How often everything is counted again, whatever happens.
const RESYNC_PERIOD_SECONDS: i64 = 300;

/// Keeps the status of every quota true.
#[derive(Clone, Debug, Default)]
pub struct ResourceQuotaController {
    readings: BTreeMap<Key, Reading>,
}

/// What the API server has said since it was asked about a quota.
#[derive(Clone, Debug)]
struct Reading {
    /// The quota, as it was before anything else was read.
    quota: Arc<ResourceQuota>,
    /// The objects of its namespace that use what it limits.
    objects: BTreeMap<&'static ApiResource, Vec<Value>>,
    /// Something has gone since.
    is_old: bool,
}

impl Controller for ResourceQuotaController {
    fn name(&self) -> &'static str {
        "resourcequota-controller"
    }

    fn workers(&self) -> usize {
        5
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let due = replenish::due(view, change);
        for key in &due {
            if let Some(reading) = self.readings.get_mut(key) {
                reading.is_old = true;
            }
        }
        due
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let reading = self.readings.remove(key);
        let Some(quota) = view.resource_quotas.get(key) else { return Plan::default() };
        let plan = match reading.filter(Reading::is_complete) {
            Some(reading) => settle(&reading, view, now),
            None => self.ask(key, quota, now),
        };
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let items = outcome.as_ref().ok().and_then(|list| list["items"].as_array());
        if let (Some(items), Some(reading)) = (items, self.readings.get_mut(key)) {
            reading.objects.insert(request.resource, items.clone());
        }
    }
}

impl ResourceQuotaController {
    /// Asks for all that a quota counts.
    fn ask(&mut self, key: &Key, quota: &Arc<ResourceQuota>, now: Timestamp) -> Plan {
        let reading = Reading { quota: Arc::clone(quota), objects: BTreeMap::new(), is_old: false };
        let requests = reading.kinds().map(|kind| Request::list(kind, &key.namespace)).collect();
        self.readings.insert(key.clone(), reading);
        Plan { requests, look_again: Some(now) }
    }
}

/// Writes what is used, if it is not what the quota says, and plans the next count.
fn settle(reading: &Reading, view: &View, now: Timestamp) -> Plan {
    let requests = reading.update(view, now).into_iter().collect();
    let mut plan = Plan { requests, look_again: None };
    let next = if reading.is_old { now } else { next_tick(now, RESYNC_PERIOD_SECONDS) };
    plan.look_again_at(next);
    plan
}

impl Reading {
    /// The kinds whose objects use what the quota limits.
    fn kinds(&self) -> impl Iterator<Item = &'static ApiResource> {
        let hard = self.quota.spec.as_ref().and_then(|spec| spec.hard.as_ref());
        let names: Vec<&String> = hard.into_iter().flat_map(BTreeMap::keys).collect();
        let all = resources::ALL.iter().copied();
        all.filter(move |kind| names.iter().any(|name| quota::limits(name, kind)))
    }

    fn is_complete(&self) -> bool {
        self.kinds().all(|kind| self.objects.contains_key(kind))
    }

    fn update(&self, view: &View, now: Timestamp) -> Option<Request> {
        let quota = to_value(&*self.quota);
        let list = |path: &[&str]| amounts::amounts(at(&quota, path));
        let hard = list(&["spec", "hard"]);
        let mut used = list(&["status", "used"]);
        used.extend(self.used(&quota, view, now));
        used.retain(|name, _| hard.contains_key(name));
        let is_said = at(&quota, &["status", "hard"]).is_some()
            && list(&["status", "hard"]) == hard
            && list(&["status", "used"]) == used;
        if is_said {
            return None;
        }
        let mut new = ResourceQuota::clone(&self.quota);
        new.status =
            Some(ResourceQuotaStatus { hard: Some(written(&hard)), used: Some(written(&used)) });
        Some(Request::update_status(&new))
    }

    /// What the objects use that are under the quota, of each that it limits.
    fn used(&self, quota: &Value, view: &View, now: Timestamp) -> Amounts {
        let scopes = scopes(quota);
        let mut used = self.nothing();
        for (resource, objects) in &self.objects {
            let is_under = |object: &&Value| scopes.iter().all(|it| it.covers(resource, object));
            for object in objects.iter().filter(is_under) {
                amounts::add(&mut used, &quota::usage(resource, object, &Cached(view), now));
            }
        }
        used
    }

    /// None of each that can be counted.
    fn nothing(&self) -> Amounts {
        let hard = self.quota.spec.iter().flat_map(|spec| spec.hard.iter().flatten());
        let counted = hard.map(|(name, _)| name);
        let counted =
            counted.filter(|name| self.objects.keys().any(|kind| quota::limits(name, kind)));
        counted.map(|name| (name.clone(), api::quantity::Quantity::ZERO)).collect()
    }
}

fn written(amounts: &Amounts) -> BTreeMap<String, Quantity> {
    amounts.iter().map(|(name, amount)| (name.clone(), Quantity(amount.to_string()))).collect()
}

#[cfg(test)]
mod tests;
