//! Which devices the selectors of requests and classes mean.
//!
//! Source: dynamic-resource-allocation/cel/compile.go (v1.36). An expression is compiled once for each attempt to schedule a
//! pod.

use std::collections::BTreeMap;
use std::sync::Arc;

use cel::device::compile;
use cel::{Map, Program, Semver, Value};
use k8s_openapi::api::resource::v1::{Device, DeviceAttribute, DeviceSelector};

use super::capacity::amount;

/// How many steps an expression may take. Source: `CELSelectorExpressionMaxCost`, in other units.
const STEPS_MAX: u64 = 1_000_000;

/// The selectors of a pod's claims and of their classes, compiled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selectors {
    programs: BTreeMap<String, Result<Arc<Program>, String>>,
}

impl Selectors {
    /// Compiles a selector, if it is not yet.
    pub(super) fn add(&mut self, selector: &DeviceSelector) {
        let Some(cel) = &selector.cel else { return };
        if !self.programs.contains_key(&cel.expression) {
            let program = compile(&cel.expression).map(Arc::new);
            self.programs.insert(cel.expression.clone(), program);
        }
    }

    /// Whether a selector means a device of a driver.
    pub(super) fn matches(
        &self,
        selector: &DeviceSelector,
        (driver, device): (&str, &Device),
    ) -> Result<bool, String> {
        let program = selector.cel.as_ref().and_then(|cel| self.programs.get(&cel.expression));
        let Some(program) = program else {
            return Err("CEL expression empty (unsupported selector type?)".to_owned());
        };
        let program = program.as_ref().map_err(|why| format!("CEL compile error: {why}"))?;
        let failed = |why: String| format!("CEL runtime error: {why}");
        let variables = [("device", value(driver, device).map_err(failed)?)];
        let value = program.evaluate(&variables, STEPS_MAX).map_err(failed)?;
        let Value::Bool(is_meant) = value else {
            let of = value.type_name();
            let why = format!("CEL result of type {of} could not be converted to bool");
            return Err(failed(why));
        };
        Ok(is_meant)
    }
}

/// A device, as expressions see it.
fn value(driver: &str, device: &Device) -> Result<Value, String> {
    let mut attributes = vec![];
    for (name, attribute) in device.attributes.iter().flatten() {
        let value = attribute_value(attribute).map_err(|why| format!("attribute {name}: {why}"))?;
        attributes.push((name, value));
    }
    let capacities = device.capacity.iter().flatten();
    let capacity =
        capacities.map(|(name, capacity)| (name, Value::Quantity(amount(&capacity.value))));
    let is_shared = device.allow_multiple_allocations == Some(true);
    Ok(Value::map([
        ("driver", Value::string(driver)),
        ("allowMultipleAllocations", Value::Bool(is_shared)),
        ("attributes", by_domain(driver, attributes.into_iter())),
        ("capacity", by_domain(driver, capacity)),
    ]))
}

/// Values by the domains of their names, and there by the rest. A domain that is not there has none.
fn by_domain<'a>(driver: &'a str, values: impl Iterator<Item = (&'a String, Value)>) -> Value {
    let mut domains: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Value>> = BTreeMap::new();
    for (name, value) in values {
        let (domain, id) = name.split_once('/').unwrap_or((driver, name));
        domains.entry(domain.into()).or_default().insert(id.into(), value);
    }
    let map = |values: BTreeMap<Arc<str>, Value>| Value::Map(Arc::new(Map::new(values)));
    let domains = domains.into_iter().map(|(domain, values)| (domain, map(values)));
    Value::Map(Arc::new(Map::new(domains.collect()).or(map(BTreeMap::new()))))
}

fn attribute_value(attribute: &DeviceAttribute) -> Result<Value, String> {
    if let Some(number) = attribute.int {
        Ok(Value::Int(number))
    } else if let Some(truth) = attribute.bool {
        Ok(Value::Bool(truth))
    } else if let Some(text) = &attribute.string {
        Ok(Value::string(text))
    } else if let Some(version) = &attribute.version {
        let version = Semver::parse(version);
        let version = version.map_err(|why| format!("parse semantic version: {why}"))?;
        Ok(Value::Semver(Arc::new(version)))
    } else {
        Err("unsupported attribute value".to_owned())
    }
}
