//! JSON with its fields in the order in which upstream's types have them, for texts that clients compare.

use serde_json::Value;

/// Writes a value; fields that are not in the order come last, by name.
pub(super) fn text(value: &Value, order: &[&str]) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            let place = |field: &str| order.iter().position(|name| *name == field);
            fields.sort_by_key(|(field, _)| place(field).unwrap_or(order.len()));
            let written = fields.into_iter().map(|(field, value)| {
                // The keys of a map are nobody's fields.
                let order = if field == "matchLabels" { &[] } else { order };
                format!("{}:{}", Value::from(field.as_str()), text(value, order))
            });
            format!("{{{}}}", written.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let written = items.iter().map(|item| text(item, order));
            format!("[{}]", written.collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}
