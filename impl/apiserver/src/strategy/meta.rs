//! What is the same for the metadata of every kind.
//!
//! Source: `apimachinery/pkg/api/validation/objectmeta.go` and `registry/rest/update.go` (v1.36). Left
//! out: that an update must carry a resource version, which the store knows.

use api::names;
use api::object::{at, text};
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{self, entries, get, is_unset, items, keep_metadata, or_null, same};
use super::rules::{self, NameRule, immutable, named};

const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;
const IMMUTABLE_FIELDS: [&str; 6] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// What the metadata of a new object breaks. The name is expected to be generated already.
pub(super) fn validate(object: &Value, namespaced: bool, name_rule: NameRule) -> Vec<Cause> {
    let metadata = or_null(object, &["metadata"]);
    let mut causes = name_causes(metadata, name_rule);
    causes.extend(namespace_causes(metadata, namespaced));
    causes.extend(rules::non_negative(metadata, "metadata", "generation"));
    causes.extend(common_causes(metadata));
    causes.extend(finalizer_causes(metadata));
    causes
}

/// What an update of metadata breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let (new, old) = (or_null(new, &["metadata"]), or_null(old, &["metadata"]));
    let mut causes = vec![];
    if get(old, &["deletionTimestamp"]).is_some() {
        causes.extend(new_finalizers(new, old));
    }
    for field in IMMUTABLE_FIELDS {
        let (new, old) = (or_null(new, &[field]), or_null(old, &[field]));
        causes.extend(immutable(&format!("metadata.{field}"), new, old));
    }
    causes.extend(common_causes(new));
    causes.extend(finalizer_causes(new));
    causes
}

/// Metadata that a client cannot set when it creates an object.
pub(super) fn prepare_for_create(object: &mut Value) {
    let metadata = api::object::metadata_mut(object);
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        metadata.remove(field);
    }
}

/// Metadata that a client cannot change.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep_metadata(new, old, "generation");
    if is_unset(at(new, &["metadata", "uid"])) {
        keep_metadata(new, old, "uid");
    }
    for field in ["creationTimestamp", "deletionTimestamp"] {
        if get(old, &["metadata", field]).is_some() {
            keep_metadata(new, old, field);
        }
    }
    if get(new, &["metadata", "deletionGracePeriodSeconds"]).is_none() {
        keep_metadata(new, old, "deletionGracePeriodSeconds");
    }
}

/// Sets `metadata.generation`.
pub(super) fn set_generation(object: &mut Value, generation: i64) {
    api::object::metadata_mut(object).insert("generation".to_owned(), json!(generation));
}

/// Counts a change of `spec`.
pub(super) fn count_spec_change(new: &mut Value, old: &Value) {
    if !same(or_null(new, &["spec"]), or_null(old, &["spec"])) {
        next_generation(new, old);
    }
}

/// The generation after the old object's.
pub(super) fn next_generation(new: &mut Value, old: &Value) {
    let generation = fields::int(old, &["metadata", "generation"]).unwrap_or_default();
    set_generation(new, generation + 1);
}

/// What annotations break: keys are those of labels whatever their case, and there is a most in all.
pub(super) fn annotation_causes(field: &str, annotations: Option<&Value>) -> Vec<Cause> {
    let annotations = annotations.unwrap_or(&Value::Null);
    let mut bytes = 0;
    let mut causes = vec![];
    for (key, value) in entries(annotations, &[]) {
        bytes += key.len() + value.as_str().map_or(0, str::len);
        let errors = names::label_key(&key.to_lowercase());
        causes.extend(errors.iter().map(|error| Cause::invalid(field, &json!(key), error)));
    }
    if bytes > ANNOTATIONS_BYTES_MAX {
        causes.push(rules::too_long(field, ANNOTATIONS_BYTES_MAX));
    }
    causes
}

fn name_causes(metadata: &Value, name_rule: NameRule) -> Vec<Cause> {
    let (name, prefix) = (text(metadata, &["name"]), text(metadata, &["generateName"]));
    let mut causes = vec![];
    if !prefix.is_empty() {
        let errors = name_rule(&names::mask_trailing_dash(prefix));
        let cause = |error: String| Cause::invalid("metadata.generateName", &json!(prefix), &error);
        causes.extend(errors.into_iter().map(cause));
    }
    match name {
        "" => causes.push(Cause::required("metadata.name", "name or generateName is required")),
        name => causes.extend(named("metadata.name", name, name_rule)),
    }
    causes
}

fn namespace_causes(metadata: &Value, namespaced: bool) -> Vec<Cause> {
    match (namespaced, text(metadata, &["namespace"])) {
        (true, "") => vec![Cause::required("metadata.namespace", "")],
        (true, namespace) => named("metadata.namespace", namespace, names::dns_label),
        (false, "") => vec![],
        (false, _) => vec![Cause::forbidden("metadata.namespace", "not allowed on this type")],
    }
}

fn common_causes(metadata: &Value) -> Vec<Cause> {
    let mut causes = rules::labels("metadata.labels", get(metadata, &["labels"]));
    causes.extend(annotation_causes("metadata.annotations", get(metadata, &["annotations"])));
    causes.extend(owner_causes(items(metadata, &["ownerReferences"])));
    causes
}

fn owner_causes(owners: &[Value]) -> Vec<Cause> {
    let field = "metadata.ownerReferences";
    let mut causes: Vec<Cause> =
        owners.iter().flat_map(|owner| owner_cause(field, owner)).collect();
    let mut controllers = owners.iter().filter(|owner| fields::flag(owner, &["controller"]));
    let name = |owner: &Value| format!("{}/{}", text(owner, &["kind"]), text(owner, &["name"]));
    if let Some(first) = controllers.next() {
        causes.extend(controllers.map(|other| {
            let rule = format!(
                "Only one reference can have Controller set to true. Found \"true\" in references for {} and {}",
                name(first),
                name(other)
            );
            Cause::invalid(field, &json!(owners), &rule)
        }));
    }
    causes
}

fn owner_cause(field: &str, owner: &Value) -> Vec<Cause> {
    let invalid = |name: &str, rule: &str| {
        Cause::invalid(format!("{field}.{name}"), &json!(text(owner, &[name])), rule)
    };
    let mut causes = vec![];
    if text(owner, &["apiVersion"]).rsplit('/').next().is_none_or(str::is_empty) {
        causes.push(invalid("apiVersion", "version must not be empty"));
    }
    let empty = ["kind", "name", "uid"].into_iter().filter(|name| text(owner, &[*name]).is_empty());
    causes.extend(empty.map(|name| invalid(name, "must not be empty")));
    if text(owner, &["apiVersion"]) == "v1" && text(owner, &["kind"]) == "Event" {
        causes.push(Cause::invalid(
            field,
            owner,
            "/v1, Kind=Event is disallowed from being an owner",
        ));
    }
    causes
}

fn finalizer_causes(metadata: &Value) -> Vec<Cause> {
    let field = "metadata.finalizers";
    let finalizers: Vec<&str> =
        items(metadata, &["finalizers"]).iter().filter_map(Value::as_str).collect();
    let mut causes: Vec<Cause> =
        finalizers.iter().flat_map(|name| named(field, name, names::label_key)).collect();
    if finalizers.contains(&"orphan") && finalizers.contains(&"foregroundDeletion") {
        let rule = "finalizer orphan and foregroundDeletion cannot be both set";
        causes.push(Cause::invalid(field, &json!(finalizers), rule));
    }
    causes
}

fn new_finalizers(new: &Value, old: &Value) -> Option<Cause> {
    let old = items(old, &["finalizers"]);
    let extra: Vec<String> = items(new, &["finalizers"])
        .iter()
        .filter(|finalizer| !old.contains(*finalizer))
        .map(Value::to_string)
        .collect();
    // Upstream prints the list as Go syntax.
    let rule = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        extra.join(", ")
    );
    (!extra.is_empty()).then(|| Cause::forbidden("metadata.finalizers", &rule))
}

/// Metadata that an object has of its own.
const NOT_IN_TEMPLATES: [&str; 11] = [
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "ownerReferences",
    "finalizers",
];

/// What the metadata in a template breaks: labels and annotations are all it has.
/// Source: `ValidateTemplateObjectMeta` in pkg/apis/core/validation/validation.go, v1.36.
pub(super) fn template_causes(path: &str, metadata: &Value) -> Vec<Cause> {
    let annotations = get(metadata, &["annotations"]);
    let mut causes = annotation_causes(&format!("{path}.annotations"), annotations);
    causes.extend(rules::labels(&format!("{path}.labels"), get(metadata, &["labels"])));
    let given = NOT_IN_TEMPLATES.iter().filter(|field| get(metadata, &[field]).is_some());
    causes.extend(given.map(|field| Cause::forbidden(format!("{path}.{field}"), "cannot be set")));
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_or_a_prefix_is_required() {
        let object = json!({"metadata": {"namespace": "default"}});

        assert_eq!(
            messages(validate(&object, true, names::dns_subdomain)),
            ["metadata.name: Required value: name or generateName is required"]
        );
    }

    #[test]
    fn metadata_says_what_it_breaks() {
        let table = [
            (json!({"name": "a"}), "metadata.namespace: Required value"),
            (
                json!({"name": "A", "namespace": "b"}),
                "metadata.name: Invalid value: \"A\": a lowercase",
            ),
            (
                json!({"name": "a", "namespace": "b.c"}),
                "metadata.namespace: Invalid value: \"b.c\": must not contain dots",
            ),
            (
                json!({"name": "a", "namespace": "b", "labels": {"-": "v"}}),
                "metadata.labels: Invalid value: \"-\": name part must consist",
            ),
            (
                json!({"name": "a", "namespace": "b", "labels": {"k": "v v"}}),
                "metadata.labels: Invalid value: \"v v\": a valid label must be",
            ),
            (
                json!({"name": "a", "namespace": "b", "annotations": {"k": "x".repeat(262_145)}}),
                "metadata.annotations: Too long: may not be more than 262144 bytes",
            ),
            (
                json!({"name": "a", "namespace": "b", "finalizers": ["orphan", "foregroundDeletion"]}),
                "metadata.finalizers: Invalid value: [\"orphan\",\"foregroundDeletion\"]: finalizer orphan",
            ),
            (
                json!({"name": "a", "namespace": "b", "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p"}]}),
                "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty",
            ),
        ];
        for (metadata, prefix) in table {
            let messages =
                messages(validate(&json!({"metadata": metadata}), true, names::dns_subdomain));
            assert_eq!(messages.len(), 1, "{messages:?}");
            assert!(messages[0].starts_with(prefix), "{}", messages[0]);
        }
    }

    #[test]
    fn an_update_keeps_what_identifies_an_object() {
        let old = json!({"metadata": {"name": "a", "uid": "1", "generation": 3, "creationTimestamp": "t"}});
        let mut new =
            json!({"metadata": {"name": "a", "generation": 9, "creationTimestamp": null}});

        prepare_for_update(&mut new, &old);

        assert_eq!(new, old);
        assert!(validate_update(&new, &old).is_empty());
    }

    #[test]
    fn another_uid_is_refused() {
        let old = json!({"metadata": {"name": "a", "uid": "1"}});
        let new = json!({"metadata": {"name": "a", "uid": "2"}});

        assert_eq!(
            messages(validate_update(&new, &old)),
            ["metadata.uid: Invalid value: \"2\": field is immutable"]
        );
    }

    #[test]
    fn a_deleted_object_gets_no_new_finalizers() {
        let old =
            json!({"metadata": {"name": "a", "deletionTimestamp": "t", "finalizers": ["a/b"]}});
        let new = json!({"metadata": {"name": "a", "deletionTimestamp": "t", "finalizers": ["a/b", "a/c"]}});

        assert_eq!(
            messages(validate_update(&new, &old)),
            [
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"a/c\"}"
            ]
        );
    }

    fn messages(causes: Vec<Cause>) -> Vec<String> {
        causes.iter().map(ToString::to_string).collect()
    }
}
