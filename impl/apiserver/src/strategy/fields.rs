//! Reading and setting fields of objects that are JSON. A field that is `null` counts as absent.

use api::object::at;
use serde_json::{Map, Value};

/// The fields of one JSON object.
pub(super) type Fields = Map<String, Value>;

/// The value below a path of field names.
pub(super) fn get<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    at(value, path).filter(|value| !value.is_null())
}

/// The value below a path of field names, `null` when absent.
pub(super) fn or_null<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    at(value, path).unwrap_or(&Value::Null)
}

/// An integer below a path of field names.
pub(super) fn int(value: &Value, path: &[&str]) -> Option<i64> {
    at(value, path).and_then(Value::as_i64)
}

/// Whether the boolean below a path of field names is there and true.
pub(super) fn flag(value: &Value, path: &[&str]) -> bool {
    at(value, path).and_then(Value::as_bool).unwrap_or(false)
}

/// The items of a list below a path of field names; none when absent.
pub(super) fn items<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The entries of a map below a path of field names; none when absent.
pub(super) fn entries<'a>(
    value: &'a Value,
    path: &[&str],
) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let fields = at(value, path).and_then(Value::as_object);
    fields.into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// Whether nothing stands there that upstream would write: absent, or the empty text.
pub(super) fn is_unset(value: Option<&Value>) -> bool {
    value.is_none_or(|value| value.is_null() || value.as_str() == Some(""))
}

/// Sets a field that is unset.
pub(super) fn default(fields: &mut Fields, field: &str, value: impl Into<Value>) {
    if is_unset(fields.get(field)) {
        fields.insert(field.to_owned(), value.into());
    }
}

/// Sets an integer that is unset or 0, as upstream does where the field is no pointer.
pub(super) fn default_int(fields: &mut Fields, field: &str, value: i64) {
    if is_unset(fields.get(field)) || fields.get(field).and_then(Value::as_i64) == Some(0) {
        fields.insert(field.to_owned(), Value::from(value));
    }
}

/// The object below a field, if it is there.
pub(super) fn below<'a>(fields: &'a mut Fields, field: &str) -> Option<&'a mut Fields> {
    fields.get_mut(field).and_then(Value::as_object_mut)
}

/// The object below a field, made if absent.
pub(super) fn made<'a>(fields: &'a mut Fields, field: &str) -> &'a mut Fields {
    let below = fields.entry(field.to_owned()).or_insert(Value::Null);
    if !below.is_object() {
        *below = Value::Object(Map::new());
    }
    below.as_object_mut().expect("made an object above")
}

/// Visits each object of a list.
pub(super) fn each(fields: &mut Fields, list: &str, visit: impl FnMut(&mut Fields)) {
    let items = fields.get_mut(list).and_then(Value::as_array_mut);
    items.into_iter().flatten().filter_map(Value::as_object_mut).for_each(visit);
}

/// Gives `to` the field of `from`, or takes it away when `from` has none.
pub(super) fn keep(to: &mut Value, from: &Value, field: &str) {
    let Some(fields) = to.as_object_mut() else {
        return;
    };
    match from.get(field) {
        Some(value) => fields.insert(field.to_owned(), value.clone()),
        None => fields.remove(field),
    };
}

/// Keeps all but the status and who owns the fields, as upstream's `ResetObjectMetaForStatus` does for some
/// kinds.
pub(super) fn keep_all_but_status(to: &mut Value, from: &Value) {
    let asked = or_null(to, &["metadata"]).clone();
    keep(to, from, "metadata");
    if let Some(metadata) = to.get_mut("metadata") {
        keep(metadata, &asked, "managedFields");
    }
    keep(to, from, "spec");
}

/// Gives `metadata` of `to` the field of `from`'s, or takes it away when that has none.
pub(super) fn keep_metadata(to: &mut Value, from: &Value, field: &str) {
    api::object::metadata_mut(to);
    let metadata = to.get_mut("metadata").expect("made above");
    keep(metadata, or_null(from, &["metadata"]), field);
}

/// Whether two values mean the same: an absent field is a `null`, an empty text or an empty list.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let mut keys = left.keys().chain(right.keys().filter(|key| !left.contains_key(*key)));
            keys.all(|key| same(entry_or_null(left, key), entry_or_null(right, key)))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (left, right) => left == right || (is_empty(left) && is_empty(right)),
    }
}

/// An object without some of its fields.
pub(super) fn without(value: &Value, fields: &[&str]) -> Value {
    let mut rest = value.clone();
    if let Some(rest) = rest.as_object_mut() {
        rest.retain(|field, _| !fields.contains(&field.as_str()));
    }
    rest
}

fn entry_or_null<'a>(fields: &'a Fields, key: &str) -> &'a Value {
    fields.get(key).unwrap_or(&Value::Null)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absent_null_and_empty_are_the_same() {
        let table = [
            (json!({"a": null}), json!({}), true),
            (json!({"a": []}), json!({}), true),
            (json!({}), json!({"a": ""}), true),
            (json!({"a": [{"b": null}]}), json!({"a": [{}]}), true),
            (json!({"a": {}}), json!({}), false),
            (json!({"a": 0}), json!({}), false),
            (json!({"a": 1}), json!({"a": 2}), false),
            (json!({"a": [1]}), json!({"a": [1, 2]}), false),
        ];
        for (left, right, expected) in table {
            assert_eq!(same(&left, &right), expected, "{left} {right}");
        }
    }

    #[test]
    fn a_field_that_the_old_object_lacks_is_taken_away() {
        let mut new = json!({"status": {"phase": "Running"}});

        keep(&mut new, &json!({}), "status");

        assert_eq!(new, json!({}));
    }

    #[test]
    fn a_status_brings_its_owners_and_nothing_else() {
        let metadata =
            |label: &str, owner: &str| json!({"labels": {"a": label}, "managedFields": [owner]});
        let old = json!({"metadata": metadata("old", "old"), "spec": 1, "status": 1});
        let mut new = json!({"metadata": metadata("new", "new"), "spec": 2, "status": 2});

        keep_all_but_status(&mut new, &old);

        assert_eq!(new, json!({"metadata": metadata("old", "new"), "spec": 1, "status": 2}));
    }
}
