//! The schema of a custom resource, as far as it is no matter of structure.
//!
//! Source: `ValidateCustomResourceDefinitionOpenAPISchema` (v1.36).

use std::collections::BTreeSet;

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{entries, flag, get, items, or_null};
use super::{completeness, map_keys, structural};

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const REASONS: [&str; 4] =
    ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
const META_FIELDS: [&str; 3] = ["metadata", "kind", "apiVersion"];
/// Fields that upstream's dialect does not have, in the order in which it says so.
const UNSUPPORTED: [&str; 6] =
    ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"];
/// What a schema may say at its root where the status is a subresource.
const AT_ROOT: [&str; 22] = [
    "description",
    "type",
    "format",
    "title",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "multipleOf",
    "required",
    "items",
    "properties",
    "externalDocs",
    "example",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];
const AT_ROOT_TOLD: &str = "[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations]";

/// What holds around a schema.
#[derive(Clone, Copy, Default)]
struct Around {
    is_root: bool,
    /// Whether it describes metadata of an object.
    is_metadata: bool,
    /// Why there may be no defaults.
    no_defaults: Option<&'static str>,
}

/// What a schema breaks.
pub(super) fn causes(path: &str, schema: &Value, has_status: bool) -> Vec<Cause> {
    let mut causes = vec![];
    if has_status {
        causes.extend(root_cause(path, schema));
    }
    if flag(schema, &["nullable"]) {
        let field = format!("{path}.nullable");
        causes.push(Cause::forbidden(field, "nullable cannot be true at the root"));
    }
    if structural::is_convertible(schema) {
        let mut of_structure = structural::causes(path, schema);
        of_structure.extend(completeness::causes(path, schema));
        of_structure.sort_by_key(Cause::to_string);
        causes.extend(of_structure);
    }
    causes.extend(one(path, schema, Around { is_root: true, ..Around::default() }));
    causes
}

/// Whether a schema, or one below it, fills in what is left out.
pub(super) fn has_defaults(schema: &Value) -> bool {
    let properties = entries(schema, &["properties"]).map(|(_, property)| property);
    let others = ["items", "additionalProperties"].map(|field| or_null(schema, &[field]));
    let mut below = properties.chain(others).filter(|schema| schema.is_object());
    get(schema, &["default"]).is_some() || below.any(has_defaults)
}

fn root_cause(path: &str, schema: &Value) -> Option<Cause> {
    let kind = text(schema, &["type"]);
    if !kind.is_empty() && kind != "object" {
        let rule = "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
        return Some(Cause::invalid(format!("{path}.type"), &json!(kind), rule));
    }
    let rule = format!(
        "only {AT_ROOT_TOLD} fields are allowed at the root of the schema if the status subresource is enabled"
    );
    let is_other = entries(schema, &[]).any(|(field, _)| !AT_ROOT.contains(&field));
    is_other.then(|| Cause::invalid(path, schema, &rule))
}

fn one(path: &str, schema: &Value, around: Around) -> Vec<Cause> {
    let mut causes = dialect_causes(path, schema, around);
    if flag(schema, &["uniqueItems"]) {
        let why =
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        causes.push(Cause::forbidden(format!("{path}.uniqueItems"), why));
    }
    causes.extend(below(path, schema, around));
    causes.extend(extension_causes(path, schema));
    causes.extend(map_keys::causes(path, schema));
    causes.extend(rule_causes(path, schema));
    causes
}

fn dialect_causes(path: &str, schema: &Value, around: Around) -> Vec<Cause> {
    let kind = text(schema, &["type"]);
    let mut causes = vec![];
    if !kind.is_empty() && !TYPES.contains(&kind) {
        causes.push(Cause::not_supported(format!("{path}.type"), &json!(kind), &TYPES));
    }
    if let (Some(why), Some(_)) = (around.no_defaults, get(schema, &["default"])) {
        causes.push(Cause::forbidden(format!("{path}.default"), &format!("must not be set {why}")));
    }
    for field in UNSUPPORTED.iter().filter(|field| get(schema, &[field]).is_some()) {
        causes.push(Cause::forbidden(
            format!("{path}.{field}"),
            &format!("{field} is not supported"),
        ));
    }
    if kind == "null" {
        let why = "type cannot be set to null, use nullable as an alternative";
        causes.push(Cause::forbidden(format!("{path}.type"), why));
    }
    if get(schema, &["items"]).is_some_and(Value::is_array) {
        let why = "items must be a schema object and not an array";
        causes.push(Cause::forbidden(format!("{path}.items"), why));
    }
    if around.is_metadata && flag(schema, &["x-kubernetes-embedded-resource"]) {
        let field = format!("{path}.x-kubernetes-embedded-resource");
        causes.push(Cause::forbidden(field, "must not be used inside of resource meta"));
    }
    causes
}

/// What the schemas below this one break.
fn below(path: &str, schema: &Value, around: Around) -> Vec<Cause> {
    let inner = Around { is_root: false, ..around };
    let mut causes = vec![];
    let properties = or_null(schema, &["properties"]);
    if let Some(additional) = get(schema, &["additionalProperties"]) {
        let field = format!("{path}.additionalProperties");
        if entries(properties, &[]).next().is_some() && *additional != json!(true) {
            let why = "additionalProperties and properties are mutual exclusive";
            causes.push(Cause::forbidden(field.clone(), why));
        }
        let why = "inside additionalProperties applying to object metadata";
        let no_defaults = if around.is_metadata { Some(why) } else { around.no_defaults };
        causes.extend(optional(&field, additional, Around { no_defaults, ..inner }));
    }
    let is_object = around.is_root || flag(schema, &["x-kubernetes-embedded-resource"]);
    for (name, property) in entries(properties, &[]) {
        let mut inner = inner;
        if is_object && META_FIELDS.contains(&name) {
            inner.is_metadata = true;
            if around.is_root {
                inner.no_defaults = Some(top_level(name));
            }
        }
        causes.extend(one(&format!("{path}.properties[{name}]"), property, inner));
    }
    causes.extend(optional(&format!("{path}.not"), or_null(schema, &["not"]), inner));
    for list in ["allOf", "oneOf", "anyOf"] {
        for (index, schema) in items(schema, &[list]).iter().enumerate() {
            causes.extend(one(&format!("{path}.{list}[{index}]"), schema, inner));
        }
    }
    causes.extend(optional(&format!("{path}.items"), or_null(schema, &["items"]), inner));
    for (index, schema) in items(schema, &["items"]).iter().enumerate() {
        causes.extend(one(&format!("{path}.items[{index}]"), schema, inner));
    }
    causes
}

fn top_level(field: &str) -> &'static str {
    match field {
        "metadata" => "in top-level metadata",
        "kind" => "in top-level kind",
        _ => "in top-level apiVersion",
    }
}

fn optional(path: &str, schema: &Value, around: Around) -> Vec<Cause> {
    if schema.is_object() { one(path, schema, around) } else { vec![] }
}

fn extension_causes(path: &str, schema: &Value) -> Vec<Cause> {
    let field = |name: &str| format!("{path}.{name}");
    let mut causes = vec![];
    let preserve = "x-kubernetes-preserve-unknown-fields";
    if get(schema, &[preserve]) == Some(&json!(false)) {
        causes.push(Cause::invalid(field(preserve), &json!(false), "must be true or undefined"));
    }
    for (name, kind, supported) in [
        ("x-kubernetes-map-type", "object", &["atomic", "granular"][..]),
        ("x-kubernetes-list-type", "array", &["atomic", "set", "map"][..]),
    ] {
        let Some(given) = get(schema, &[name]).and_then(Value::as_str) else { continue };
        let rule = format!("must be {kind} if {name} is specified");
        match text(schema, &["type"]) {
            "" => causes.push(Cause::required(field("type"), &rule)),
            own if own == kind && name == "x-kubernetes-list-type" => {
                causes.extend(set_causes(path, schema));
            }
            own if own == kind => {}
            own => causes.push(Cause::invalid(field("type"), &json!(own), &rule)),
        }
        if !supported.contains(&given) {
            causes.push(Cause::not_supported(field(name), &json!(given), supported));
        }
    }
    causes
}

/// The elements of a set must be compared as a whole.
fn set_causes(path: &str, list: &Value) -> Option<Cause> {
    let element = get(list, &["items"]).filter(|element| element.is_object())?;
    let (field, may_be_absent) = match text(element, &["type"]) {
        "array" => ("x-kubernetes-list-type", true),
        "object" => ("x-kubernetes-map-type", false),
        _ => return None,
    };
    let given = get(element, &[field]).and_then(Value::as_str);
    let is_atomic = given.map_or(may_be_absent, |given| given == "atomic");
    if is_atomic || text(list, &["x-kubernetes-list-type"]) != "set" {
        return None;
    }
    // Upstream shows the type of a list here, also where it is about a map.
    let shown = or_null(element, &["x-kubernetes-list-type"]);
    let rule = "must be atomic as item of a list with x-kubernetes-list-type=set";
    Some(Cause::invalid(format!("{path}.items.{field}"), shown, rule))
}

/// What rules break that can be seen without compiling them.
fn rule_causes(path: &str, schema: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    for (index, rule) in items(schema, &["x-kubernetes-validations"]).iter().enumerate() {
        let path = format!("{path}.x-kubernetes-validations[{index}]");
        causes.extend(message_cause(&path, rule));
        let expression = text(rule, &["messageExpression"]);
        if !expression.is_empty() && expression.trim().is_empty() {
            let why = "messageExpression must be non-empty if specified";
            causes.push(Cause::required(format!("{path}.messageExpression"), why));
        }
        let reasons: BTreeSet<&str> = REASONS.into_iter().collect();
        if let Some(reason) = get(rule, &["reason"]).and_then(Value::as_str)
            && !reasons.contains(reason)
        {
            let field = format!("{path}.reason");
            causes.push(Cause::not_supported(field, &json!(reason), &REASONS));
        }
    }
    causes
}

fn message_cause(path: &str, rule: &Value) -> Option<Cause> {
    let (expression, message) = (text(rule, &["rule"]).trim(), text(rule, &["message"]));
    let has_lines = |text: &str| text.trim().contains(['\n', '\r']);
    let invalid = |why| Some(Cause::invalid(format!("{path}.message"), &json!(message), why));
    if expression.is_empty() {
        return Some(Cause::required(format!("{path}.rule"), "rule is not specified"));
    }
    if !message.is_empty() && message.trim().is_empty() {
        return invalid("must be non-empty if specified");
    }
    if has_lines(message) {
        return invalid("must not contain line breaks");
    }
    let why = "message must be specified if rule contains line breaks";
    (has_lines(expression) && message.trim().is_empty())
        .then(|| Cause::required(format!("{path}.message"), why))
}
