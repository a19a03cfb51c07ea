//! How much of a device that can be shared a request takes.
//!
//! Source: structured/internal/incubating/consumable_capacity.go (v1.36).

use std::collections::BTreeMap;

use api::quantity::Quantity;
use k8s_openapi::api::resource::v1::{
    CapacityRequestPolicy, CapacityRequestPolicyRange, CapacityRequirements, Device, DeviceCapacity,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;

/// Amounts by the names of capacities.
pub(super) type Amounts = BTreeMap<String, Quantity>;

/// Reads an amount that the API server has validated.
pub(super) fn amount(text: &Text) -> Quantity {
    Quantity::parse(&text.0).unwrap_or_default()
}

/// What a request takes of each capacity of a device.
pub(super) fn consumed(device: &Device, wanted: Option<&CapacityRequirements>) -> Amounts {
    let wanted = |name: &str| wanted?.requests.as_ref()?.get(name).map(amount);
    let capacities = device.capacity.iter().flatten();
    capacities.map(|(name, capacity)| (name.clone(), taken(wanted(name), capacity))).collect()
}

/// Whether a device has what a request takes, beside what others take of it.
pub(super) fn has_room(
    device: &Device,
    wanted: Option<&CapacityRequirements>,
    others: &[&Amounts],
) -> bool {
    let capacities = device.capacity.as_ref();
    let is_there = |name: &String| capacities.is_some_and(|all| all.contains_key(name));
    let mut names = wanted.and_then(|wanted| wanted.requests.as_ref()).into_iter().flatten();
    names.all(|(name, _)| is_there(name))
        && consumed(device, wanted).iter().all(|(name, amount)| {
            let Some(capacity) = capacities.and_then(|all| all.get(name)) else { return false };
            let others = others.iter().filter_map(|amounts| amounts.get(name));
            let total = others.fold(*amount, |total, other| total + *other);
            !violates(*amount, capacity.request_policy.as_ref())
                && total <= self::amount(&capacity.value)
        })
}

/// What is taken of a capacity: all of it, or what its policy says, where a request says nothing.
fn taken(wanted: Option<Quantity>, capacity: &DeviceCapacity) -> Quantity {
    let policy = capacity.request_policy.as_ref();
    let Some(wanted) = wanted else {
        let default = policy.and_then(|policy| policy.default.as_ref());
        return amount(default.unwrap_or(&capacity.value));
    };
    if let Some(range) = policy.and_then(|policy| policy.valid_range.as_ref()) {
        return round_up(wanted, range);
    }
    let values = policy.and_then(|policy| policy.valid_values.as_deref()).unwrap_or_default();
    values.iter().map(amount).find(|value| wanted <= *value).unwrap_or(wanted)
}

fn round_up(wanted: Quantity, range: &CapacityRequestPolicyRange) -> Quantity {
    let min = amount(&range.min);
    if wanted < min {
        return min;
    }
    let Some(step) = range.step.as_ref().map(|step| amount(step).value()).filter(|step| *step > 0)
    else {
        return wanted;
    };
    let above = wanted.value().saturating_sub(min.value());
    let steps = above / step + i64::from(above % step != 0);
    Quantity::from_bytes(min.value().saturating_add(step.saturating_mul(steps)))
}

/// Whether a policy is against an amount.
fn violates(amount: Quantity, policy: Option<&CapacityRequestPolicy>) -> bool {
    let Some(policy) = policy else { return false };
    if policy.default.as_ref().is_some_and(|default| self::amount(default) == amount) {
        return false;
    }
    if let Some(range) = &policy.valid_range {
        let is_above = range.max.as_ref().is_some_and(|max| amount > self::amount(max));
        let above = amount.value().saturating_sub(self::amount(&range.min).value());
        let step = range.step.as_ref().map_or(0, |step| self::amount(step).value());
        return is_above || (step > 0 && above % step != 0);
    }
    let values = policy.valid_values.as_deref().unwrap_or_default();
    !values.is_empty() && !values.iter().any(|value| self::amount(value) == amount)
}
