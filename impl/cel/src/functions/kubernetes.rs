//! Functions of amounts and versions.
//!
//! Source: quantity.go and semverlib.go in apiserver/pkg/cel/library (v1.36).

use std::cmp::Ordering;
use std::sync::Arc;

use api::quantity::Quantity;

use super::Found;
use crate::semver::Semver;
use crate::value::Value;

/// What a function of amounts or versions makes of its arguments; `None` of what is no such function.
pub(super) fn call(function: &str, arguments: &[Value]) -> Option<Found> {
    match arguments {
        [Value::String(text)] => read(function, text, false),
        [Value::String(text), Value::Bool(normalize)] if function.ends_with("emver") => {
            read(function, text, *normalize)
        }
        [Value::Quantity(quantity)] => of_quantity(function, *quantity),
        [Value::Quantity(one), Value::Quantity(other)] => of_quantities(function, *one, *other),
        [Value::Quantity(one), Value::Int(other)] if matches!(function, "add" | "sub") => {
            let other = Quantity::parse(&other.to_string()).unwrap_or_default();
            of_quantities(function, *one, other)
        }
        [Value::Semver(version)] => of_semver(function, version),
        [Value::Semver(one), Value::Semver(other)] => compared(function, one.cmp(other)),
        _ => None,
    }
}

fn read(function: &str, text: &str, normalize: bool) -> Option<Found> {
    let version = || if normalize { Semver::normalized(text) } else { Semver::parse(text) };
    Some(match function {
        "quantity" => {
            let quantity = Quantity::parse(text).map(Value::Quantity);
            quantity.map_err(|error| error.to_string())
        }
        "isQuantity" => Ok(Value::Bool(Quantity::parse(text).is_ok())),
        "semver" => version().map(|version| Value::Semver(Arc::new(version))),
        "isSemver" => Ok(Value::Bool(version().is_ok())),
        _ => return None,
    })
}

fn of_quantity(function: &str, quantity: Quantity) -> Option<Found> {
    let is_integer = quantity == quantity.rounded_to_one();
    Some(match function {
        "sign" => Ok(order(quantity.cmp(&Quantity::ZERO))),
        "isInteger" => Ok(Value::Bool(is_integer)),
        "asInteger" if is_integer => Ok(Value::Int(quantity.value())),
        "asInteger" => Err("cannot convert value to integer".to_owned()),
        "asApproximateFloat" if is_integer => Ok(Value::Double(quantity.value() as f64)),
        "asApproximateFloat" => Ok(Value::Double(quantity.milli() as f64 / 1000.0)),
        _ => return None,
    })
}

fn of_quantities(function: &str, one: Quantity, other: Quantity) -> Option<Found> {
    match function {
        "add" => Some(Ok(Value::Quantity(one + other))),
        "sub" => Some(Ok(Value::Quantity(one - other))),
        _ => compared(function, one.cmp(&other)),
    }
}

fn of_semver(function: &str, version: &Semver) -> Option<Found> {
    let place = ["major", "minor", "patch"].into_iter().position(|name| name == function)?;
    Some(Ok(Value::Int(i64::try_from(version.numbers[place]).unwrap_or(i64::MAX))))
}

fn compared(function: &str, found: Ordering) -> Option<Found> {
    Some(Ok(match function {
        "isGreaterThan" => Value::Bool(found.is_gt()),
        "isLessThan" => Value::Bool(found.is_lt()),
        "compareTo" => order(found),
        _ => return None,
    }))
}

fn order(found: Ordering) -> Value {
    Value::Int(found as i64)
}
