//! Whether everything that a junctor restricts has a schema of its own.
//!
//! Source: apiextensions-apiserver/pkg/apiserver/schema/complete.go (v1.36).

use api::status::Cause;
use serde_json::Value;

use super::super::fields::{entries, get, items};

/// What the restrictions of a schema lack.
pub(super) fn causes(path: &str, schema: &Value) -> Vec<Cause> {
    junctors(path, path, schema, schema)
}

/// The restrictions `nested`, found at `path`, must be about what `schema`, at `schema_path`, describes.
fn junctors(schema_path: &str, path: &str, schema: &Value, nested: &Value) -> Vec<Cause> {
    let not = get(nested, &["not"]).into_iter();
    let mut causes: Vec<Cause> = not
        .flat_map(|not| restriction(schema_path, &format!("{path}.not"), Some(schema), not))
        .collect();
    for junctor in ["allOf", "anyOf", "oneOf"] {
        for (index, one) in items(nested, &[junctor]).iter().enumerate() {
            let path = format!("{path}.{junctor}[{index}]");
            causes.extend(restriction(schema_path, &path, Some(schema), one));
        }
    }
    causes
}

fn restriction(
    schema_path: &str,
    path: &str,
    schema: Option<&Value>,
    nested: &Value,
) -> Vec<Cause> {
    let Some(schema) = schema else {
        return vec![Cause::required(schema_path, &format!("because it is defined in {path}"))];
    };
    let mut causes = junctors(schema_path, path, schema, nested);
    if let Some(element) = get(nested, &["items"]) {
        let (schema_path, path) = (format!("{schema_path}.items"), format!("{path}.items"));
        causes.extend(restriction(&schema_path, &path, get(schema, &["items"]), element));
    }
    for (name, property) in entries(nested, &["properties"]) {
        let schema_path = format!("{schema_path}.properties[{name}]");
        let path = format!("{path}.properties[{name}]");
        let schema = get(schema, &["properties", name]);
        causes.extend(restriction(&schema_path, &path, schema, property));
    }
    causes
}
