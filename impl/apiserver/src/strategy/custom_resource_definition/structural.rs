//! Whether a schema is structural: every value has one schema that says what it is, and the junctors
//! (`allOf`, `anyOf`, `oneOf`, `not`) only restrict it.
//!
//! Source: apiextensions-apiserver/pkg/apiserver/schema/validation.go (v1.36). Left out: whether patterns
//! are regular expressions.

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{entries, flag, get, items, or_null, without};

const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";
const JUNCTORS: [&str; 3] = ["anyOf", "allOf", "oneOf"];
/// What a restriction may not say, and in which words that is said.
const NOT_NESTED: [(&str, &str); 10] = [
    ("type", "must be empty"),
    ("additionalProperties", "must be undefined"),
    ("default", "must be undefined"),
    ("title", "must be empty"),
    ("description", "must be empty"),
    ("nullable", "must be false"),
    (PRESERVE, "must be false"),
    (EMBEDDED, "must be false"),
    (INT_OR_STRING, "must be false"),
    ("x-kubernetes-validations", "must be empty"),
];
const NOT_NESTED_LISTS: [(&str, &str); 3] = [
    ("x-kubernetes-list-map-keys", "must be empty"),
    ("x-kubernetes-list-type", "must be undefined"),
    ("x-kubernetes-map-type", "must be undefined"),
];
/// Fields with which a schema is none of this dialect, so that its structure is not looked at.
const UNSUPPORTED: [&str; 7] = [
    "id",
    "$schema",
    "$ref",
    "patternProperties",
    "dependencies",
    "additionalItems",
    "definitions",
];

/// Where in an object a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// Whether a schema is one of this dialect, also below.
pub(super) fn is_convertible(schema: &Value) -> bool {
    let is_set = |field: &&str| get(schema, &[field]).is_some();
    let lists = JUNCTORS.iter().flat_map(|junctor| items(schema, &[junctor]));
    let single = ["items", "additionalProperties", "not"].into_iter();
    let single = single.map(|field| or_null(schema, &[field])).filter(|schema| schema.is_object());
    let properties = entries(schema, &["properties"]).map(|(_, property)| property);
    !UNSUPPORTED.iter().any(is_set)
        && !or_null(schema, &["items"]).is_array()
        && get(schema, &[PRESERVE]) != Some(&json!(false))
        && lists.chain(single).chain(properties).all(is_convertible)
}

/// What the structure of a schema breaks.
pub(super) fn causes(path: &str, schema: &Value) -> Vec<Cause> {
    invariants(path, schema, Level::Root)
}

fn invariants(path: &str, schema: &Value, level: Level) -> Vec<Cause> {
    let mut causes = vec![];
    let element = get(schema, &["items"]);
    if text(schema, &["type"]) == "array" && element.is_none() {
        causes.push(Cause::required(format!("{path}.items"), "must be specified"));
    }
    if let Some(element) = element {
        causes.extend(invariants(&format!("{path}.items"), element, Level::Item));
    }
    for (name, property) in entries(schema, &["properties"]) {
        causes.extend(invariants(&format!("{path}.properties[{name}]"), property, Level::Field));
    }
    let additional = get(schema, &["additionalProperties"]);
    let field = format!("{path}.additionalProperties");
    if level == Level::Root && additional.is_some() {
        causes.push(Cause::forbidden(field.clone(), "must not be used at the root"));
    }
    if let Some(additional) = additional.filter(|additional| additional.is_object()) {
        causes.extend(invariants(&field, additional, Level::Field));
    }
    causes.extend(int_or_string_causes(path, schema));
    causes.extend(junctor_causes(
        path,
        schema,
        is_int_or_string(schema),
        has_int_or_string(schema),
    ));
    causes.extend(type_causes(path, schema, level));
    causes.extend(object_causes(path, schema, level));
    causes
}

fn int_or_string_causes(path: &str, schema: &Value) -> Vec<Cause> {
    let is_both = |field: &&str| flag(schema, &[INT_OR_STRING]) && flag(schema, &[field]);
    let rule = format!("must be false if {INT_OR_STRING} is true");
    let both = [PRESERVE, EMBEDDED].into_iter().filter(is_both);
    both.map(|field| Cause::invalid(format!("{path}.{field}"), &json!(true), &rule)).collect()
}

fn type_causes(path: &str, schema: &Value, level: Level) -> Vec<Cause> {
    let field = format!("{path}.type");
    let mut causes = vec![];
    let is_untyped_on_purpose = flag(schema, &[INT_OR_STRING]) || flag(schema, &[PRESERVE]);
    let embedded = format!("must be object if {EMBEDDED} is true");
    let kind = text(schema, &["type"]);
    match (flag(schema, &[EMBEDDED]), kind) {
        (true, "object") => {}
        (true, "") => causes.push(Cause::required(field.clone(), &embedded)),
        (true, other) => causes.push(Cause::invalid(field.clone(), &json!(other), &embedded)),
        (false, "") if !is_untyped_on_purpose => {
            let why = match level {
                Level::Root => "must not be empty at the root",
                Level::Item => "must not be empty for specified array items",
                Level::Field => "must not be empty for specified object fields",
            };
            causes.push(Cause::required(field.clone(), why));
        }
        (false, _) => {}
    }
    if flag(schema, &[EMBEDDED]) && get(schema, &["additionalProperties"]).is_some() {
        let why = format!("must not be used if {EMBEDDED} is set");
        causes.push(Cause::forbidden(format!("{path}.additionalProperties"), &why));
    }
    if level == Level::Root && !kind.is_empty() && kind != "object" {
        causes.push(Cause::invalid(field, &json!(kind), "must be object at the root"));
    }
    causes
}

/// Whole objects have metadata, which their schemas may not describe otherwise.
fn object_causes(path: &str, schema: &Value, level: Level) -> Vec<Cause> {
    let is_embedded = flag(schema, &[EMBEDDED]);
    let is_object = level == Level::Root || is_embedded;
    let mut causes = vec![];
    let must_be = |field: &str, kind: &str| {
        let given = text(get(schema, &["properties", field])?, &["type"]);
        let name = format!("{path}.properties[{field}].type");
        (is_object && given != kind)
            .then(|| Cause::invalid(name, &json!(given), &format!("must be {kind}")))
    };
    causes.extend(must_be("kind", "string"));
    causes.extend(must_be("apiVersion", "string"));
    causes.extend(must_be("metadata", "object"));
    if let Some(metadata) = get(schema, &["properties", "metadata"])
        && level == Level::Root
        && says_more_than_names(metadata)
    {
        let why = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        causes.push(Cause::forbidden(format!("{path}.properties[metadata]"), why));
    }
    let has_properties = entries(schema, &["properties"]).next().is_some();
    if is_embedded && !flag(schema, &[PRESERVE]) && !has_properties {
        let why = format!("must not be empty if {EMBEDDED} is true without {PRESERVE}");
        causes.push(Cause::required(format!("{path}.properties"), &why));
    }
    causes
}

fn says_more_than_names(metadata: &Value) -> bool {
    let is_name = |(name, _): (&str, &Value)| matches!(name, "name" | "generateName");
    let rest = without(metadata, &["type", "default", "properties"]);
    !entries(metadata, &["properties"]).all(is_name) || rest != json!({})
}

/// `anyOf` a number or a text, the one junctor that may say what a value is.
fn is_int_or_string(schema: &Value) -> bool {
    items(schema, &["anyOf"]) == [json!({"type": "integer"}), json!({"type": "string"})]
}

fn has_int_or_string(schema: &Value) -> bool {
    items(schema, &["allOf"]).first().is_some_and(is_int_or_string)
}

fn junctor_causes(path: &str, schema: &Value, skip_any_of: bool, skip_first: bool) -> Vec<Cause> {
    let mut causes = vec![];
    for junctor in JUNCTORS {
        if junctor == "anyOf" && skip_any_of {
            continue;
        }
        for (index, nested) in items(schema, &[junctor]).iter().enumerate() {
            let skip = junctor == "allOf" && index == 0 && skip_first;
            causes.extend(nested_causes(&format!("{path}.{junctor}[{index}]"), nested, skip));
        }
    }
    if let Some(nested) = get(schema, &["not"]) {
        causes.extend(nested_causes(&format!("{path}.not"), nested, false));
    }
    causes
}

/// What a restriction says that only a schema may say.
fn nested_causes(path: &str, nested: &Value, skip_any_of: bool) -> Vec<Cause> {
    let mut causes = junctor_causes(path, nested, skip_any_of, false);
    if let Some(element) = get(nested, &["items"]) {
        causes.extend(nested_causes(&format!("{path}.items"), element, false));
    }
    for (name, property) in entries(nested, &["properties"]) {
        causes.extend(nested_causes(&format!("{path}.properties[{name}]"), property, false));
    }
    let said = NOT_NESTED.iter().chain(&NOT_NESTED_LISTS);
    for (field, rule) in said.filter(|(field, _)| get(nested, &[field]).is_some()) {
        let why = format!("{rule} to be structural");
        causes.push(Cause::forbidden(format!("{path}.{field}"), &why));
    }
    if get(nested, &["properties", "metadata"]).is_some() {
        let field = format!("{path}.properties[metadata]");
        causes.push(Cause::forbidden(field, "must not be specified in a nested context"));
    }
    causes
}
