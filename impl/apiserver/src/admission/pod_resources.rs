//! What a pod as a whole asks for, and what it may use at most.
//!
//! Source: component-helpers/resource/helpers.go, v1.36, without overhead, and of the spec alone.

use std::collections::BTreeMap;

use api::object::{at, text};
use api::quantity::Quantity;
use serde_json::Value;

/// Amounts by the name of their resource.
pub(super) type Amounts = BTreeMap<String, Quantity>;

/// What can be said of a pod as a whole.
const OF_PODS: [&str; 2] = ["cpu", "memory"];

/// The `requests` or `limits` of a pod: of its containers and sidecars together, or of an init container
/// and the sidecars that were started before it; what the pod says itself counts more.
pub(super) fn of_pod(pod: &Value, list: &str) -> Amounts {
    let (mut sum, mut sidecars, mut most) = (Amounts::new(), Amounts::new(), Amounts::new());
    for container in containers(pod, "containers") {
        add(&mut sum, &of(container, list));
    }
    for container in containers(pod, "initContainers") {
        let own = of(container, list);
        let mut beside = sidecars.clone();
        add(&mut beside, &own);
        if text(container, &["restartPolicy"]) == "Always" {
            add(&mut sum, &own);
            sidecars.clone_from(&beside);
        }
        raise(&mut most, &beside);
    }
    raise(&mut sum, &most);
    let own = at(pod, &["spec"]).map(|spec| of(spec, list)).unwrap_or_default();
    sum.extend(own.into_iter().filter(|(name, _)| OF_PODS.contains(&name.as_str())));
    sum
}

/// The containers of a pod of one list.
pub(super) fn containers<'a>(pod: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    at(pod, &["spec", list]).and_then(Value::as_array).into_iter().flatten()
}

/// The `requests` or `limits` of whatever has `resources`.
pub(super) fn of(holder: &Value, list: &str) -> Amounts {
    amounts(at(holder, &["resources", list]))
}

/// Amounts that are written down.
pub(super) fn amounts(list: Option<&Value>) -> Amounts {
    let entries = list.and_then(Value::as_object).into_iter().flatten();
    let read = |(name, value): (&String, &Value)| {
        Quantity::from_value(value).ok().map(|quantity| (name.clone(), quantity))
    };
    entries.filter_map(read).collect()
}

fn add(to: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let sum = to.entry(name.clone()).or_default();
        *sum = *sum + *amount;
    }
}

fn raise(to: &mut Amounts, least: &Amounts) {
    for (name, amount) in least {
        let most = to.entry(name.clone()).or_insert(*amount);
        *most = (*most).max(*amount);
    }
}
