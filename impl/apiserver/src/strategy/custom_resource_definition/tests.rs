//! Tests of the defaults and rules of CustomResourceDefinitions.

use super::super::minimal;
use super::*;

fn definition() -> Value {
    let mut definition = minimal::content("CustomResourceDefinition");
    definition["metadata"] = json!({"name": "foos.example.com"});
    CustomResourceDefinition.apply_defaults(&mut definition);
    CustomResourceDefinition.begin_status(&mut definition);
    definition
}

fn messages(definition: &Value) -> String {
    let causes = CustomResourceDefinition.causes(definition);
    causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("|")
}

/// What the definition breaks with a value at a JSON pointer below its spec.
fn with(pointer: &str, value: Value) -> String {
    let mut definition = definition();
    let (holder, field) = pointer.rsplit_once('/').expect("a pointer has a slash");
    let holder = definition.pointer_mut(&format!("/spec{holder}")).expect("the holder is there");
    holder[field] = value;
    messages(&definition)
}

/// What the definition breaks whose objects have one field with this schema.
fn field(schema: Value) -> String {
    let root = json!({"type": "object", "properties": {"a": schema}});
    let path = "spec.validation.openAPIV3Schema.properties[a]";
    with_schema(root).replace(path, "a")
}

fn with_schema(schema: Value) -> String {
    let mut definition = definition();
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema;
    messages(&definition)
}

#[test]
fn a_definition_begins_with_the_names_and_versions_that_follow_from_it() {
    let definition = definition();

    assert_eq!(definition["spec"]["names"]["singular"], "foo");
    assert_eq!(definition["spec"]["names"]["listKind"], "FooList");
    assert_eq!(definition["spec"]["conversion"], json!({"strategy": "None"}));
    assert_eq!(definition["status"]["storedVersions"], json!(["v1"]));
    assert_eq!(messages(&definition), "");
}

#[test]
fn a_version_that_was_stored_stays() {
    let old = definition();
    let mut new = old.clone();
    new["spec"]["versions"][0]["name"] = json!("v2");
    CustomResourceDefinition.finish_update(&mut new);

    let causes = CustomResourceDefinition.update_causes(&new, &old);

    assert_eq!(new["status"]["storedVersions"], json!(["v1", "v2"]));
    assert_eq!(causes.len(), 1);
    assert!(causes[0].to_string().starts_with(
        "status.storedVersions[0]: Invalid value: \"v1\": missing from spec.versions; v1 was"
    ));
}

#[test]
fn what_is_established_keeps_its_kind_and_scope() {
    let mut old = definition();
    let mut new = old.clone();
    new["spec"]["scope"] = json!("Cluster");

    assert_eq!(CustomResourceDefinition.update_causes(&new, &old), []);
    old["status"]["conditions"] = json!([{"type": "Established", "status": "True"}]);
    let causes = CustomResourceDefinition.update_causes(&new, &old);
    let told: Vec<String> = causes.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["spec.scope: Invalid value: \"Cluster\": field is immutable"]);
}

#[test]
fn a_definition_names_a_kind_in_a_group() {
    let table = [
        (
            "/group",
            json!("example"),
            "metadata.name: Invalid value: \"foos.example.com\": must be spec.names.plural+\".\"+spec.group|spec.group: Invalid value: \"example\": should be a domain with at least one dot",
        ),
        (
            "/scope",
            json!("Moon"),
            "spec.scope: Unsupported value: \"Moon\": supported values: \"Cluster\", \"Namespaced\"",
        ),
        (
            "/names/listKind",
            json!("Foo"),
            "spec.names.listKind: Invalid value: \"Foo\": kind and listKind may not be the same",
        ),
        (
            "/preserveUnknownFields",
            json!(true),
            "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
        ),
        (
            "/versions/0/schema",
            Value::Null,
            "spec.versions[0].schema.openAPIV3Schema: Required value",
        ),
        (
            "/versions/0/deprecationWarning",
            json!("old"),
            "spec.versions[0].deprecationWarning: Invalid value: \"old\": can only be set for deprecated versions",
        ),
        (
            "/versions/0/additionalPrinterColumns",
            json!([{"name": "a", "type": "text", "jsonPath": "a"}]),
            "spec.additionalPrinterColumns[0].type: Invalid value: \"text\": must be one of boolean,date,integer,number,string|spec.additionalPrinterColumns[0].JSONPath: Invalid value: \"a\": must be a simple json path starting with .",
        ),
        (
            "/versions/0/subresources",
            json!({"scale": {"specReplicasPath": ".a"}}),
            "spec.subresources.scale.specReplicasPath: Invalid value: \".a\": should be a json path under .spec|spec.subresources.scale.statusReplicasPath: Required value",
        ),
        (
            "/conversion",
            json!({"strategy": "Webhook"}),
            "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook|spec.conversion.conversionReviewVersions: Required value",
        ),
    ];
    for (pointer, value, expected) in table {
        assert_eq!(with(pointer, value.clone()), expected, "{pointer}: {value}");
    }
}

#[test]
fn groups_of_kubernetes_need_an_approval() {
    let approved = |approval: Value| {
        let mut definition = definition();
        definition["spec"]["group"] = json!("a.k8s.io");
        definition["metadata"] =
            json!({"name": "foos.a.k8s.io", "annotations": {APPROVAL: approval}});
        messages(&definition)
    };

    assert_eq!(approved(json!("https://github.com/a")), "");
    assert_eq!(approved(json!("unapproved, for a test")), "");
    assert!(approved(json!("yes")).contains("with either a URL or a reason"));
    assert!(
        approved(json!("")).starts_with(&format!("metadata.annotations[{APPROVAL}]: Required"))
    );
}

#[test]
fn every_value_has_a_schema_that_says_what_it_is() {
    let table = [
        (json!({"type": "string"}), ""),
        (json!({}), "a.type: Required value: must not be empty for specified object fields"),
        (json!({"type": "array"}), "a.items: Required value: must be specified"),
        (json!({"x-kubernetes-int-or-string": true}), ""),
        (
            json!({"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]}),
            "",
        ),
        (
            json!({"type": "integer", "anyOf": [{"type": "integer"}]}),
            "a.anyOf[0].type: Forbidden: must be empty to be structural",
        ),
    ];
    for (schema, expected) in table {
        assert_eq!(field(schema.clone()), expected, "{schema}");
    }
}

#[test]
fn what_is_restricted_has_a_schema_of_its_own() {
    let restriction = json!({"type": "object", "not": {"properties": {"b": {"minLength": 1}}}});

    let root = "spec.validation.openAPIV3Schema";
    assert_eq!(
        with_schema(restriction),
        format!(
            "{root}.properties[b]: Required value: because it is defined in {root}.not.properties[b]"
        )
    );
}

#[test]
fn objects_have_the_metadata_that_all_have() {
    let labels = json!({"type": "object", "properties": {"labels": {"type": "object"}}});
    let root = |properties: Value| with_schema(json!({"type": "object", "properties": properties}));

    assert!(
        root(json!({"metadata": labels})).contains("must not specify anything other than name")
    );
    assert!(root(json!({"kind": {"type": "integer"}})).ends_with("must be string"));
    assert_eq!(
        root(json!({"kind": {"type": "string", "default": "a"}})),
        "spec.validation.openAPIV3Schema.properties[kind].default: Forbidden: must not be set in top-level kind"
    );
}

#[test]
fn elements_are_told_apart_by_keys_that_are_there() {
    let list = |list_type: &str, keys: Value, element: Value| {
        field(json!({"type": "array", "x-kubernetes-list-type": list_type,
            "x-kubernetes-list-map-keys": keys, "items": element}))
    };
    let named =
        json!({"type": "object", "properties": {"n": {"type": "string"}}, "required": ["n"]});

    assert_eq!(list("map", json!(["n"]), named.clone()), "");
    assert_eq!(
        list("map", json!(["m"]), named.clone()),
        "a.x-kubernetes-list-map-keys: Invalid value: [\"m\"]: entries must all be names of item properties"
    );
    assert!(list("set", json!(["n"]), json!({"type": "string"})).contains("must be map if"));
    assert!(list("set", json!([]), json!({"type": "object"})).contains("must be atomic as item"));
    let optional = json!({"type": "object", "properties": {"n": {"type": "string"}}});
    assert!(
        list("map", json!(["n"]), optional).contains("it must have a default or be a required")
    );
}

#[test]
fn rules_say_something() {
    let rules = json!([{"rule": ""}, {"rule": "true", "message": " ", "reason": "Bad"}]);

    assert_eq!(
        field(json!({"type": "string", "x-kubernetes-validations": rules})),
        "a.x-kubernetes-validations[0].rule: Required value: rule is not specified|a.x-kubernetes-validations[1].message: Invalid value: \" \": must be non-empty if specified|a.x-kubernetes-validations[1].reason: Unsupported value: \"Bad\": supported values: \"FieldValueDuplicate\", \"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\""
    );
}
