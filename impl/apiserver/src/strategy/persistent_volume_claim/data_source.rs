//! What a claim is filled from: `dataSource`, and `dataSourceRef`, which says the same and more.
//!
//! Source: `pkg/api/persistentvolumeclaim/util.go` and `validateDataSource…` (v1.36). References to
//! other namespaces are behind a gate that is off.

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Map, Value, json};

use super::super::fields::{Fields, get, or_null};
use super::super::rules;

const SOURCE: &str = "dataSource";
const REFERENCE: &str = "dataSourceRef";

/// Drops what cannot be used and fills each of the two fields from the other.
pub(super) fn prepare(claim: &mut Value, old: &Value) {
    let is_set = |field: &str| get(old, &["spec", field]).is_some();
    let (had_source, had_reference) = (is_set(SOURCE), is_set(REFERENCE));
    let Some(spec) = claim.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if is_elsewhere(spec) && !had_reference {
        spec.remove(REFERENCE);
    }
    if !had_source && !had_reference && is_absent(spec, REFERENCE) && !is_claim_or_snapshot(spec) {
        spec.remove(SOURCE);
    }
    normalize(spec);
}

/// What the source of a claim breaks.
pub(super) fn causes(path: &str, spec: &Value) -> Vec<Cause> {
    let (source, reference) = (get(spec, &[SOURCE]), get(spec, &[REFERENCE]));
    let mut causes = vec![];
    if let Some(source) = source {
        causes.extend(source_causes(&format!("{path}.{SOURCE}"), source));
    }
    if let Some(reference) = reference {
        causes.extend(source_causes(&format!("{path}.{REFERENCE}"), reference));
        causes.extend(namespace_causes(&format!("{path}.{REFERENCE}.namespace"), reference));
    }
    if let (Some(source), Some(reference)) = (source, reference) {
        causes.extend(pair_cause(path, source, reference));
    }
    causes
}

fn is_absent(spec: &Fields, field: &str) -> bool {
    spec.get(field).is_none_or(Value::is_null)
}

fn is_elsewhere(spec: &Fields) -> bool {
    spec.get(REFERENCE).is_some_and(|reference| !text(reference, &["namespace"]).is_empty())
}

fn is_claim_or_snapshot(spec: &Fields) -> bool {
    let source = spec.get(SOURCE).unwrap_or(&Value::Null);
    matches!(
        (text(source, &["kind"]), text(source, &["apiGroup"])),
        ("PersistentVolumeClaim", "") | ("VolumeSnapshot", "snapshot.storage.k8s.io")
    )
}

fn normalize(spec: &mut Fields) {
    let (from, to) = match (is_absent(spec, SOURCE), is_absent(spec, REFERENCE)) {
        (false, true) => (SOURCE, REFERENCE),
        (true, false) if !is_elsewhere(spec) => (REFERENCE, SOURCE),
        _ => return,
    };
    let part = |name: &&str| Some((name.to_string(), get(&spec[from], &[*name])?.clone()));
    let copy: Map<String, Value> = ["apiGroup", "kind", "name"].iter().filter_map(part).collect();
    spec.insert(to.to_owned(), Value::Object(copy));
}

fn source_causes(path: &str, source: &Value) -> Vec<Cause> {
    let (group, kind) = (text(source, &["apiGroup"]), text(source, &["kind"]));
    let empty = ["name", "kind"].into_iter().filter(|field| text(source, &[*field]).is_empty());
    let mut causes: Vec<Cause> =
        empty.map(|field| Cause::required(format!("{path}.{field}"), "")).collect();
    if group.is_empty() && kind != "PersistentVolumeClaim" {
        let rule = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        causes.push(Cause::invalid(path, &json!(kind), rule));
    }
    if !group.is_empty() {
        causes.extend(rules::named(&format!("{path}.apiGroup"), group, names::dns_subdomain));
    }
    causes
}

fn namespace_causes(field: &str, reference: &Value) -> Vec<Cause> {
    match text(reference, &["namespace"]) {
        "" => vec![],
        namespace => rules::named(field, namespace, names::dns_label),
    }
}

fn pair_cause(path: &str, source: &Value, reference: &Value) -> Option<Cause> {
    let part = |of, field: &str| or_null(of, &[field]).clone();
    let matches = ["apiGroup", "kind", "name"]
        .iter()
        .all(|field| part(source, field) == part(reference, field));
    let rule = match text(reference, &["namespace"]) {
        "" if matches => return None,
        "" => "must match dataSourceRef",
        _ => "may not be specified when dataSourceRef.namespace is specified",
    };
    // Upstream gives the path of the field as the value, which prints as an empty struct (v1.36).
    Some(rules::invalid_struct(path, "{}", rule))
}
