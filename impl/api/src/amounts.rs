//! Amounts of resources by name, as `requests`, `limits`, `hard` and `used` say them.
//!
//! Source: `pkg/quota/v1/resources.go` of apiserver (v1.36).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::at;
use crate::quantity::Quantity;

/// Amounts by the name of their resource.
pub type Amounts = BTreeMap<String, Quantity>;

/// Amounts that are written down.
pub fn amounts(list: Option<&Value>) -> Amounts {
    let entries = list.and_then(Value::as_object).into_iter().flatten();
    let read = |(name, value): (&String, &Value)| {
        Quantity::from_value(value).ok().map(|quantity| (name.clone(), quantity))
    };
    entries.filter_map(read).collect()
}

/// The `requests` or `limits` of whatever has `resources`.
pub fn of(holder: &Value, list: &str) -> Amounts {
    amounts(at(holder, &["resources", list]))
}

/// Amounts as they are written down.
pub fn to_value(amounts: &Amounts) -> Value {
    amounts.iter().map(|(name, amount)| (name.clone(), amount.to_string())).collect()
}

/// Adds to amounts.
pub fn add(to: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let sum = to.entry(name.clone()).or_default();
        *sum = *sum + *amount;
    }
}

/// Makes amounts at least as much.
pub fn raise(to: &mut Amounts, least: &Amounts) {
    for (name, amount) in least {
        let most = to.entry(name.clone()).or_insert(*amount);
        *most = (*most).max(*amount);
    }
}

/// Whether a resource is one of Kubernetes' own.
/// Source: `IsNativeResource` of pkg/apis/core/helper, v1.36.
pub fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}
