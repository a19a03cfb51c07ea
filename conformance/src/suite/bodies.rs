//! Bodies of requests and of answers: what they name, how one is put over another, whether one holds
//! another.

use serde_json::{Value, json};

use super::replay::Compared;

/// The resourceVersion that a body names.
pub(super) fn version(body: &Value) -> Option<&str> {
    let pointers = ["/metadata/resourceVersion", "/preconditions/resourceVersion"];
    pointers.iter().find_map(|pointer| body.pointer(pointer)?.as_str())
}

pub(super) fn without_version(mut body: Value) -> Value {
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
    }
    body
}

/// A merge patch (RFC 7386).
pub(super) fn merge(whole: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *whole = patch.clone();
        return;
    };
    if !whole.is_object() {
        *whole = json!({});
    }
    for (key, value) in fields {
        if !value.is_null() {
            merge(&mut whole[key], value);
        } else if let Some(whole) = whole.as_object_mut() {
            whole.remove(key);
        }
    }
}

/// Whether everything that was asked for is in an object.
pub(super) fn contains(asked: &Value, object: &Value) -> Compared {
    match missing(asked, object) {
        None => Ok(()),
        Some((path, asked, got)) => Err((format!("{path} is {asked}"), got)),
    }
}

/// The path of what is not in an object as it was asked for, with what was asked for and what is there.
fn missing(asked: &Value, object: &Value) -> Option<(String, String, String)> {
    let differs = || Some((String::new(), asked.to_string(), object.to_string()));
    match (asked, object) {
        (_, Value::Null) if is_nothing(asked) => None,
        (Value::Object(fields), _) => fields.iter().find_map(|(key, value)| {
            let (path, asked, got) = missing(value, &object[key])?;
            let path = if path.is_empty() { key.clone() } else { format!("{key}.{path}") };
            Some((path, asked, got))
        }),
        (Value::Array(items), Value::Array(found)) => {
            let is_there = |item| found.iter().any(|found| missing(item, found).is_none());
            let all_are = items.iter().filter(|item| !is_nothing(item)).all(is_there);
            if all_are { None } else { differs() }
        }
        _ if asked == object => None,
        _ => differs(),
    }
}

/// Whether a value may be left out: a null, a number that is zero, a list of nothing, and what a
/// strategic merge patch takes out of a list.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(is_nothing),
        Value::Object(fields) => fields.contains_key("$patch"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_has_more_than_was_asked_for_holds_it() {
        let object = json!({"spec": {"replicas": 2, "paused": true}, "list": [1, 2]});

        let held = contains(&json!({"spec": {"replicas": 2}, "list": [2], "zero": 0}), &object);
        let missed = contains(&json!({"spec": {"replicas": 3}}), &object);

        assert_eq!(held, Ok(()));
        assert_eq!(missed, Err(("spec.replicas is 3".to_owned(), "2".to_owned())));
    }

    #[test]
    fn a_merge_adds_replaces_and_takes_away() {
        let mut whole = json!({"a": {"b": 1, "c": 2}, "d": 3});

        merge(&mut whole, &json!({"a": {"b": null, "e": 4}, "d": [5]}));

        assert_eq!(whole, json!({"a": {"c": 2, "e": 4}, "d": [5]}));
    }
}
