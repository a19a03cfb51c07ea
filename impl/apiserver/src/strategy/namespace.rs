//! Namespaces.
//!
//! Source: `pkg/registry/core/namespace/strategy.go` and `ValidateNamespace` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{default, get, items, keep, made, or_null};
use super::meta;
use super::rules::named;

/// The label that carries a namespace's name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";
/// What keeps a namespace until its contents are gone.
const FINALIZER: &str = "kubernetes";
const STANDARD_FINALIZERS: [&str; 3] = [FINALIZER, "orphan", "foregroundDeletion"];

/// Labels a namespace with its name, when it has one already.
pub(super) fn apply_defaults(namespace: &mut Value) {
    let name = text(namespace, &["metadata", "name"]).to_owned();
    if !name.is_empty() {
        let metadata = api::object::metadata_mut(namespace);
        made(metadata, "labels").insert(NAME_LABEL.to_owned(), json!(name));
    }
    default(api::object::object_at_mut(namespace, "status"), "phase", "Active");
}

/// Makes a new namespace active, and keeps it until its contents are gone.
pub(super) fn prepare_for_create(namespace: &mut Value) {
    namespace["status"] = json!({"phase": "Active"});
    let mut finalizers = items(namespace, &["spec", "finalizers"]).to_vec();
    if !finalizers.contains(&json!(FINALIZER)) {
        finalizers.push(json!(FINALIZER));
    }
    let spec = api::object::object_at_mut(namespace, "spec");
    spec.insert("finalizers".to_owned(), Value::Array(finalizers));
    // A name that was generated came after the defaults.
    apply_defaults(namespace);
}

/// Keeps the status and the finalizers, which have a subresource of their own.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "status");
    keep(new, old, "spec");
    apply_defaults(new);
}

/// Keeps the status, when somebody is done with the contents.
pub(crate) fn prepare_for_finalize_update(new: &mut Value, old: &Value) {
    meta::prepare_for_update(new, old);
    keep(new, old, "status");
}

/// What a namespace breaks when somebody is done with the contents.
pub(crate) fn validate_finalize_update(new: &Value, old: &Value) -> Vec<Cause> {
    validate_update(new, old)
}

/// Keeps what an update of the status cannot change.
pub(super) fn prepare_for_status_update(new: &mut Value, old: &Value) {
    keep(new, old, "spec");
}

/// What a new namespace breaks.
pub(super) fn validate(namespace: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(namespace, false, names::dns_label);
    let field = "spec.finalizers";
    for finalizer in items(namespace, &["spec", "finalizers"]).iter().filter_map(Value::as_str) {
        causes.extend(named(field, finalizer, names::label_key));
        if !finalizer.contains('/') && !STANDARD_FINALIZERS.contains(&finalizer) {
            let rule = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(Cause::invalid(field, &json!(finalizer), rule));
        }
    }
    causes
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = validate(new);
    causes.extend(meta::validate_update(new, old));
    causes
}

/// What an update of the status breaks: a namespace is `Terminating` from its deletion on, never before.
pub(super) fn validate_status_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    let deleted = get(new, &["metadata", "deletionTimestamp"]).is_some();
    let (phase, rule) = match deleted {
        true => ("Terminating", "may only be 'Terminating' if `deletionTimestamp` is not empty"),
        false => ("Active", "may only be 'Active' if `deletionTimestamp` is empty"),
    };
    if text(new, &["status", "phase"]) != phase {
        let value = or_null(new, &["status", "phase"]);
        causes.push(Cause::invalid("status.Phase", value, rule));
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_namespace_is_active_and_has_a_finalizer_and_a_label() {
        let mut namespace = json!({"metadata": {"name": "n"}});

        prepare_for_create(&mut namespace);

        assert_eq!(
            namespace,
            json!({
                "metadata": {"name": "n", "labels": {NAME_LABEL: "n"}},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            })
        );
        assert_eq!(validate(&namespace), []);
    }

    #[test]
    fn an_update_keeps_the_finalizers() {
        let mut old = json!({"metadata": {"name": "n"}});
        prepare_for_create(&mut old);
        let mut new = json!({"metadata": {"name": "n"}, "spec": {"finalizers": []}});

        prepare_for_update(&mut new, &old);

        assert_eq!(new, old);
    }

    #[test]
    fn a_namespace_terminates_only_when_deleted() {
        let old = json!({"metadata": {"name": "n"}});
        let new = json!({"metadata": {"name": "n"}, "status": {"phase": "Terminating"}});

        assert_eq!(
            validate_status_update(&new, &old)[0].to_string(),
            "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"
        );
    }

    #[test]
    fn a_short_finalizer_is_a_known_one() {
        let mut namespace = json!({"metadata": {"name": "n"}, "spec": {"finalizers": ["mine"]}});

        assert!(validate(&namespace)[0].to_string().ends_with("nor is it fully qualified"));
        namespace["spec"]["finalizers"][0] = json!("example.com/mine");
        assert_eq!(validate(&namespace), []);
    }
}
