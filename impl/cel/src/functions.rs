//! Operators and functions of values.

mod kubernetes;
mod strings;

use std::cmp::Ordering;

use crate::value::Value;

/// What is said where a function is not for its arguments.
pub(crate) const NO_OVERLOAD: &str = "no such overload";

/// Types by their names.
pub(crate) const TYPE_NAMES: [&str; 10] =
    ["null_type", "bool", "int", "uint", "double", "string", "bytes", "list", "map", "type"];

type Found = Result<Value, String>;

/// What a function makes of its arguments.
pub(crate) fn call(function: &str, arguments: &[Value]) -> Found {
    let found = match arguments {
        [one] => unary(function, one),
        [left, right] => binary(function, left, right),
        _ => None,
    };
    let found = found.or_else(|| strings::call(function, arguments));
    let found = found.or_else(|| kubernetes::call(function, arguments));
    found.unwrap_or_else(|| Err(NO_OVERLOAD.to_owned()))
}

fn unary(function: &str, operand: &Value) -> Option<Found> {
    Some(match (function, operand) {
        ("!_", Value::Bool(truth)) => Ok(Value::Bool(!truth)),
        ("-_", Value::Int(number)) => int(number.checked_neg()),
        ("-_", Value::Double(number)) => Ok(Value::Double(-number)),
        ("size", Value::String(text)) => Ok(length(text.chars().count())),
        ("size", Value::Bytes(bytes)) => Ok(length(bytes.len())),
        ("size", Value::List(members)) => Ok(length(members.len())),
        ("size", Value::Map(map)) => Ok(length(map.len())),
        ("type", value) => Ok(Value::Type(value.type_name())),
        ("dyn", value) => Ok(value.clone()),
        ("int" | "uint" | "double" | "string" | "bytes" | "bool", value) => {
            convert(function, value)
        }
        _ => return None,
    })
}

fn binary(function: &str, left: &Value, right: &Value) -> Option<Found> {
    let ordered = |is: fn(Ordering) -> bool| {
        left.compare(right).map(|order| Value::Bool(is(order))).ok_or(NO_OVERLOAD.to_owned())
    };
    Some(match function {
        "_==_" => Ok(Value::Bool(left == right)),
        "_!=_" => Ok(Value::Bool(left != right)),
        "_<_" => ordered(Ordering::is_lt),
        "_<=_" => ordered(Ordering::is_le),
        "_>_" => ordered(Ordering::is_gt),
        "_>=_" => ordered(Ordering::is_ge),
        "@in" => match (left, right) {
            (_, Value::List(members)) => Ok(Value::Bool(members.contains(left))),
            (Value::String(key), Value::Map(map)) => Ok(Value::Bool(map.contains(key))),
            (_, Value::Map(_)) => Ok(Value::Bool(false)),
            _ => return None,
        },
        "_+_" | "_-_" | "_*_" | "_/_" | "_%_" => arithmetic(function, left, right)?,
        _ => return None,
    })
}

fn arithmetic(function: &str, left: &Value, right: &Value) -> Option<Found> {
    Some(match (left, right) {
        (Value::Int(left), Value::Int(right)) => match function {
            "_+_" => int(left.checked_add(*right)),
            "_-_" => int(left.checked_sub(*right)),
            "_*_" => int(left.checked_mul(*right)),
            "_/_" if *right == 0 => Err("division by zero".to_owned()),
            "_%_" if *right == 0 => Err("modulus by zero".to_owned()),
            "_/_" => int(left.checked_div(*right)),
            _ => int(left.checked_rem(*right)),
        },
        (Value::Uint(left), Value::Uint(right)) => match function {
            "_+_" => uint(left.checked_add(*right)),
            "_-_" => uint(left.checked_sub(*right)),
            "_*_" => uint(left.checked_mul(*right)),
            "_/_" => left.checked_div(*right).map(Value::Uint).ok_or("division by zero".to_owned()),
            _ => left.checked_rem(*right).map(Value::Uint).ok_or("modulus by zero".to_owned()),
        },
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(match function {
            "_+_" => left + right,
            "_-_" => left - right,
            "_*_" => left * right,
            "_/_" => left / right,
            _ => return None,
        })),
        (Value::String(left), Value::String(right)) if function == "_+_" => {
            Ok(Value::string(&format!("{left}{right}")))
        }
        (Value::Bytes(left), Value::Bytes(right)) if function == "_+_" => {
            Ok(Value::Bytes([&**left, &**right].concat().into()))
        }
        (Value::List(left), Value::List(right)) if function == "_+_" => {
            Ok(Value::List([&**left, &**right].concat().into()))
        }
        _ => return None,
    })
}

/// One value as another type has it.
fn convert(to: &str, value: &Value) -> Found {
    let converted = match (to, value) {
        ("int", Value::Int(_))
        | ("uint", Value::Uint(_))
        | ("double", Value::Double(_))
        | ("string", Value::String(_))
        | ("bytes", Value::Bytes(_))
        | ("bool", Value::Bool(_)) => Some(value.clone()),
        ("int", _) => to_int(value),
        ("uint", _) => to_uint(value),
        ("double", _) => to_double(value),
        ("string", _) => to_text(value),
        ("bytes", Value::String(text)) => Some(Value::Bytes(text.as_bytes().into())),
        ("bool", Value::String(text)) => to_bool(text),
        _ => None,
    };
    converted.ok_or_else(|| format!("type conversion error from '{}' to '{to}'", value.type_name()))
}

fn to_bool(text: &str) -> Option<Value> {
    match text {
        "true" | "True" | "TRUE" | "t" | "1" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" | "f" | "0" => Some(Value::Bool(false)),
        _ => None,
    }
}

fn to_int(value: &Value) -> Option<Value> {
    let number = if let Value::Uint(number) = value {
        i64::try_from(*number).ok()
    } else if let Value::Double(number) = value {
        (number.abs() < 9.2e18).then_some(*number as i64)
    } else {
        as_text(value)?.parse().ok()
    };
    number.map(Value::Int)
}

fn to_uint(value: &Value) -> Option<Value> {
    let number = if let Value::Int(number) = value {
        u64::try_from(*number).ok()
    } else if let Value::Double(number) = value {
        (0.0..1.8e19).contains(number).then_some(*number as u64)
    } else {
        as_text(value)?.parse().ok()
    };
    number.map(Value::Uint)
}

fn to_double(value: &Value) -> Option<Value> {
    let number = if let Value::Int(number) = value {
        Some(*number as f64)
    } else if let Value::Uint(number) = value {
        Some(*number as f64)
    } else {
        as_text(value)?.parse().ok()
    };
    number.map(Value::Double)
}

fn to_text(value: &Value) -> Option<Value> {
    let text = if let Value::Bool(truth) = value {
        truth.to_string()
    } else if let Value::Int(number) = value {
        number.to_string()
    } else if let Value::Uint(number) = value {
        number.to_string()
    } else if let Value::Double(number) = value {
        number.to_string()
    } else if let Value::Bytes(bytes) = value {
        String::from_utf8(bytes.to_vec()).ok()?
    } else {
        return None;
    };
    Some(Value::string(&text))
}

fn as_text(value: &Value) -> Option<&str> {
    if let Value::String(text) = value { Some(text) } else { None }
}

fn int(number: Option<i64>) -> Found {
    number.map(Value::Int).ok_or("integer overflow".to_owned())
}

fn uint(number: Option<u64>) -> Found {
    number.map(Value::Uint).ok_or("unsigned integer overflow".to_owned())
}

/// A length, as a number.
fn length(length: usize) -> Value {
    Value::Int(i64::try_from(length).unwrap_or(i64::MAX))
}
