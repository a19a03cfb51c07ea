//! Values as upstream's messages show them when they are Go structs: every field, by its Go name, in its order.
//!
//! Source: `ErrorBody` in apimachinery/pkg/util/validation/field/errors.go, which marshals internal types, whose
//! fields have no JSON names (v1.36).

use serde_json::Value;

use super::fields::or_null;

/// How a field is written.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// As it is, and `null` where it is absent.
    Plain,
    /// A text that is empty where it is absent.
    Text,
    /// A struct, and `null` where it is absent.
    Struct(&'static [Field]),
}

/// The Go name of a field, its JSON name and how it is written.
pub(super) type Field = (&'static str, &'static str, Shape);

/// A struct with these fields.
pub(super) fn show(value: &Value, fields: &[Field]) -> String {
    let shown = fields.iter().map(|(go_name, name, shape)| {
        let value = or_null(value, &[*name]);
        let text = match shape {
            Shape::Text if value.is_null() => "\"\"".to_owned(),
            Shape::Struct(fields) if !value.is_null() => show(value, fields),
            Shape::Plain | Shape::Text | Shape::Struct(_) => value.to_string(),
        };
        format!("\"{go_name}\":{text}")
    });
    format!("{{{}}}", shown.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_struct_shows_what_it_does_not_have() {
        const INNER: &[Field] = &[("Type", "type", Shape::Text)];
        let fields = [
            ("Name", "name", Shape::Text),
            ("UID", "uid", Shape::Plain),
            ("Inner", "inner", Shape::Struct(INNER)),
        ];

        assert_eq!(show(&json!({}), &fields), r#"{"Name":"","UID":null,"Inner":null}"#);
        assert_eq!(
            show(&json!({"uid": 1, "inner": {}}), &fields),
            r#"{"Name":"","UID":1,"Inner":{"Type":""}}"#
        );
    }
}
