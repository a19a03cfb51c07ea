//! Rules that many fields share, and the causes that say which is broken.

use api::names;
use api::status::Cause;
use serde_json::Value;

use super::fields::{get, int, items};

/// What upstream says of a field that may not change.
pub(super) const IMMUTABLE: &str = "field is immutable";
/// What upstream says of a negative number.
pub(super) const NEGATIVE: &str = "must be greater than or equal to 0";

/// A function that says what is wrong with a name.
pub(super) type NameRule = fn(&str) -> Vec<String>;

/// One cause for each rule that a text breaks.
pub(super) fn named(field: &str, text: &str, rule: NameRule) -> Vec<Cause> {
    let cause = |error: String| Cause::invalid(field, &Value::from(text), &error);
    rule(text).into_iter().map(cause).collect()
}

/// The integer below `path.field` must not be negative.
pub(super) fn non_negative(value: &Value, path: &str, field: &str) -> Option<Cause> {
    let number = int(value, &[field]).filter(|number| *number < 0)?;
    Some(Cause::invalid(format!("{path}.{field}"), &Value::from(number), NEGATIVE))
}

/// The integer must lie in a range.
pub(super) fn in_range(field: String, number: i64, low: i64, high: i64) -> Option<Cause> {
    let rule = format!("must be between {low} and {high}, inclusive");
    (!(low..=high).contains(&number)).then(|| Cause::invalid(field, &Value::from(number), &rule))
}

/// The number of a port.
pub(super) fn port(field: String, number: i64) -> Option<Cause> {
    in_range(field, number, 1, 65535)
}

/// The number or name of a port.
pub(super) fn port_or_name(field: &str, value: Option<&Value>) -> Vec<Cause> {
    match value.and_then(Value::as_str) {
        Some(name) => named(field, name, names::port_name),
        None => {
            let number = value.and_then(Value::as_i64).unwrap_or_default();
            port(field.to_owned(), number).into_iter().collect()
        }
    }
}

/// The text must be one of `supported`; whether it must be there is `required`.
pub(super) fn one_of(
    field: String,
    value: Option<&Value>,
    supported: &[&str],
    required: bool,
) -> Option<Cause> {
    match value.and_then(Value::as_str).unwrap_or_default() {
        "" => required.then(|| Cause::required(field, "")),
        text if supported.contains(&text) => None,
        text => Some(Cause::not_supported(field, &Value::from(text), supported)),
    }
}

/// The value must be the one that the old object had.
pub(super) fn immutable(field: &str, new: &Value, old: &Value) -> Option<Cause> {
    (!super::fields::same(new, old)).then(|| Cause::invalid(field, new, IMMUTABLE))
}

/// Something else must exist under this name.
pub(super) fn not_found(field: String, value: &str) -> Cause {
    let message = format!("Not found: {}", Value::from(value));
    Cause { reason: "FieldValueNotFound", field, message }
}

/// The value is invalid, and upstream prints it as a Go struct: its fields in the order of the type.
pub(super) fn invalid_struct(field: &str, shown: &str, detail: &str) -> Cause {
    let message = format!("Invalid value: {shown}: {detail}");
    Cause { reason: "FieldValueInvalid", field: field.to_owned(), message }
}

/// The value takes too many bytes.
pub(super) fn too_long(field: &str, bytes_max: usize) -> Cause {
    let message = format!("Too long: may not be more than {bytes_max} bytes");
    Cause { reason: "FieldValueTooLong", field: field.to_owned(), message }
}

/// There are more items than there may be.
pub(super) fn too_many(field: impl Into<String>, items: usize, items_max: usize) -> Cause {
    let message = format!("Too many: {items}: must have at most {items_max} items");
    Cause { reason: "FieldValueTooMany", field: field.into(), message }
}

/// A value that is too long to repeat breaks the rule.
pub(super) fn invalid(field: impl Into<String>, rule: &str) -> Cause {
    let message = format!("Invalid value: {rule}");
    Cause { reason: "FieldValueInvalid", field: field.into(), message }
}

/// Keys and values must be those of labels.
pub(super) fn labels(field: &str, labels: Option<&Value>) -> Vec<Cause> {
    let labels = labels.and_then(Value::as_object).into_iter().flatten();
    let causes = labels.flat_map(|(key, value)| {
        let value = value.as_str().unwrap_or_default();
        let mut causes = named(field, key, names::label_key);
        causes.extend(named(field, value, names::label_value));
        causes
    });
    causes.collect()
}

/// What a selector of labels breaks.
pub(super) fn label_selector(field: &str, selector: &Value) -> Vec<Cause> {
    let mut causes = label_selector_of_any_values(field, selector);
    for (index, expression) in items(selector, &["matchExpressions"]).iter().enumerate() {
        causes.extend(label_values(&format!("{field}.matchExpressions[{index}]"), expression));
    }
    causes
}

/// What a selector of labels breaks in which the values of expressions may be no values of labels.
pub(super) fn label_selector_of_any_values(field: &str, selector: &Value) -> Vec<Cause> {
    let mut causes = labels(&format!("{field}.matchLabels"), get(selector, &["matchLabels"]));
    for (index, expression) in items(selector, &["matchExpressions"]).iter().enumerate() {
        causes.extend(expression_causes(&format!("{field}.matchExpressions[{index}]"), expression));
    }
    causes
}

/// The values of a requirement must be values of labels.
pub(super) fn label_values(path: &str, requirement: &Value) -> Vec<Cause> {
    let values = items(requirement, &["values"]).iter().filter_map(Value::as_str).enumerate();
    let causes = values.flat_map(|(index, value)| {
        named(&format!("{path}.values[{index}]"), value, names::label_value)
    });
    causes.collect()
}

/// A number of things must not be none.
pub(super) fn positive(field: String, number: i64) -> Option<Cause> {
    let rule = "must be greater than zero";
    (number <= 0).then(|| Cause::invalid(field, &Value::from(number), rule))
}

fn expression_causes(path: &str, expression: &Value) -> Vec<Cause> {
    let operator = api::object::text(expression, &["operator"]);
    let values = items(expression, &["values"]);
    let values_field = format!("{path}.values");
    let mut causes = vec![];
    match operator {
        "In" | "NotIn" if values.is_empty() => causes.push(Cause::required(
            values_field,
            "must be specified when `operator` is 'In' or 'NotIn'",
        )),
        "Exists" | "DoesNotExist" if !values.is_empty() => causes.push(Cause::forbidden(
            values_field,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        )),
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ => causes.push(Cause::invalid(
            format!("{path}.operator"),
            &Value::from(operator),
            "not a valid selector operator",
        )),
    }
    let key = api::object::text(expression, &["key"]);
    causes.extend(named(&format!("{path}.key"), key, names::label_key));
    causes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_port_is_a_number_or_a_name() {
        assert!(port_or_name("port", Some(&json!(80))).is_empty());
        assert!(port_or_name("port", Some(&json!("http"))).is_empty());
        assert_eq!(
            port_or_name("port", Some(&json!(0)))[0].to_string(),
            "port: Invalid value: 0: must be between 1 and 65535, inclusive"
        );
        assert_eq!(
            port_or_name("port", Some(&json!("80")))[0].to_string(),
            "port: Invalid value: \"80\": must contain at least one letter (a-z)"
        );
    }

    #[test]
    fn an_expression_has_values_only_where_its_operator_reads_them() {
        let selector = json!({"matchExpressions": [
            {"key": "a", "operator": "In"},
            {"key": "a", "operator": "Exists", "values": ["b"]},
            {"key": "a", "operator": "Near"},
        ]});

        let causes = label_selector("spec.selector", &selector);

        let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
        assert_eq!(
            messages,
            [
                "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
                "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                "spec.selector.matchExpressions[2].operator: Invalid value: \"Near\": not a valid selector operator",
            ]
        );
    }
}
