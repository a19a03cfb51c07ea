//! Our schemas against those that Kubernetes publishes, `api/openapi-spec/v3` of its repository at v1.36.
//!
//! The file beside this one has a digest of each of theirs, so that a schema of ours that becomes another is noticed. The
//! folder that `KANON_UPSTREAM_OPENAPI` names has their documents: with it the test that is ignored compares every word of
//! each field, and with `KANON_UPDATE=1` too, it makes the digests of them anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;
use crate::entity_tag;

mod paths;

const DIGESTS: &str = include_str!("kubernetes-1.36.txt");

/// How much of a digest is kept.
const DIGITS: usize = 16;

const LATER: &str = "k8s-openapi 0.29 words it as Kubernetes 1.35 did";
const UNIONS: &str = "no client reads it";
const OMITTED: &str = "OpenAPI requires it, but Go leaves its zero out";
const REFERS: &str = "a reference to a constant of Go, which the markers do not resolve";
const GRANULAR: &str = "what is said nothing of is granular";
const NO_PATHS: &str = "the deprecated /watch/ paths are not told";

/// What may differ, by the end of a line, and why.
const ALLOWED: &[(&str, &str)] = &[
    ("AppArmorProfile x-kubernetes-unions", UNIONS),
    ("PodSchedulingGroup x-kubernetes-unions", UNIONS),
    ("SeccompProfile x-kubernetes-unions", UNIONS),
    ("LimitResponse x-kubernetes-unions", UNIONS),
    ("PriorityLevelConfigurationSpec x-kubernetes-unions", UNIONS),
    ("flowcontrol.v1.Subject x-kubernetes-unions", UNIONS),
    ("MutatingAdmissionPolicyBindingList.metadata description", LATER),
    ("MutatingAdmissionPolicyList.metadata description", LATER),
    ("MutatingWebhookConfigurationList.metadata description", LATER),
    ("ValidatingAdmissionPolicyBindingList.metadata description", LATER),
    ("ValidatingAdmissionPolicyList.metadata description", LATER),
    ("ValidatingWebhookConfigurationList.metadata description", LATER),
    ("ContainerRestartRule.action default", OMITTED),
    ("ContainerRestartRuleOnExitCodes.operator default", OMITTED),
    ("ImageVolumeStatus.imageRef default", OMITTED),
    ("ParentReference.name default", OMITTED),
    ("ParentReference.resource default", OMITTED),
    ("PodCertificateProjection.keyType default", OMITTED),
    ("PodCertificateProjection.signerName default", OMITTED),
    ("TokenReviewSpec.token default", OMITTED),
    ("ValidatingAdmissionPolicyBindingSpec.policyName default", OMITTED),
    ("AzureDiskVolumeSource.cachingMode default", REFERS),
    ("AzureDiskVolumeSource.kind default", REFERS),
    ("PersistentVolumeClaimStatus.allocatedResourceStatuses x-kubernetes-map-type", GRANULAR),
    ("PersistentVolumeSpec.claimRef x-kubernetes-map-type", GRANULAR),
    ("meta.v1.WatchEvent", NO_PATHS),
    ("runtime.RawExtension", "only WatchEvent refers to it in this document"),
];

/// The schemas of all documents, each as it is told in some of them.
type Schemas = BTreeMap<String, BTreeSet<String>>;

#[test]
fn schemas_are_those_that_kubernetes_publishes() {
    let ours = digests(roots().iter().filter_map(|root| document(root)));
    let theirs: BTreeMap<String, String> = DIGESTS
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, digest)| (name.to_owned(), digest.to_owned()))
        .collect();

    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let differs = |name: &&&String| ours.get(**name) != theirs.get(**name);
    let wrong: Vec<_> = names.iter().filter(differs).collect();
    assert!(
        wrong.is_empty(),
        "{} schemas are others than those of Kubernetes: {wrong:#?}",
        wrong.len()
    );
}

/// Says what differs, where their documents are at hand.
#[test]
#[ignore = "needs the documents of Kubernetes in the folder KANON_UPSTREAM_OPENAPI"]
fn every_word_of_every_field_is_that_of_kubernetes() {
    let folder = std::env::var_os("KANON_UPSTREAM_OPENAPI").map(PathBuf::from);
    let folder = folder.expect("the variable names a folder");
    let mut differences = BTreeSet::new();
    let schemas = |document: &Value| document["components"]["schemas"].clone();
    for root in roots().iter().filter(is_published) {
        let ours = document(root).expect("it is one of ours");
        differences.extend(compare(&schemas(&ours), &schemas(&published(&folder, root))));
    }

    let (allowed, wrong): (Vec<&String>, Vec<&String>) =
        differences.iter().partition(|line| is_allowed(line));
    assert!(wrong.is_empty(), "{} schemas or fields differ: {wrong:#?}", wrong.len());
    let unused = ALLOWED.iter().filter(|(end, _)| !allowed.iter().any(|line| line.ends_with(end)));
    let unused: Vec<_> = unused.collect();
    assert!(unused.is_empty(), "these differ no more: {unused:#?}");
    let digests = digests(roots().iter().filter(is_published).map(|root| published(&folder, root)));
    let lines: String = digests.iter().map(|(name, digest)| format!("{name} {digest}\n")).collect();
    if std::env::var_os("KANON_UPDATE").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/openapi/kubernetes-1.36.txt");
        std::fs::write(file, &lines).expect("the file can be written");
    } else {
        assert!(
            lines == DIGESTS,
            "the digests are not of these documents: run with KANON_UPDATE=1"
        );
    }
}

#[test]
fn a_digest_tells_of_every_word_that_may_not_differ() {
    let schema = |word: &str, value: Value| {
        let field = json!({"type": "string", "x-kubernetes-patch-merge-key": "name", word: value});
        let schema = json!({"type": "object", "required": ["a", "b"], "properties": {"a": field}});
        digests([json!({"components": {"schemas": {"v1.Some": schema}}})].into_iter())
    };
    let usual = schema("type", json!("string"));

    assert_ne!(usual, schema("type", json!("integer")));
    assert_ne!(usual, schema("x-kubernetes-patch-merge-key", json!("key")));
    assert_ne!(usual, schema("default", json!("")));
    assert_eq!(usual, schema("type", json!("string")));
    let named = |union: Value| {
        let schema = json!({"type": "object", "x-kubernetes-unions": union});
        digests([json!({"components": {"schemas": {"v1.SeccompProfile": schema}}})].into_iter())
    };
    assert_eq!(named(json!([1])), named(json!([2])), "this may differ");
}

/// Who signs tokens has no schema, and no document in their repository.
fn is_published(root: &&String) -> bool {
    *root != ".well-known/openid-configuration"
}

fn is_allowed(line: &str) -> bool {
    ALLOWED.iter().any(|(end, _)| line.ends_with(end))
}

/// Their document of a root.
fn published(folder: &Path, root: &str) -> Value {
    let file = folder.join(format!("{}_openapi.json", root.replace('/', "__")));
    let text = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_slice(&text).expect("it is JSON")
}

/// A digest of each schema of these documents, without what may differ.
fn digests(documents: impl Iterator<Item = Value>) -> BTreeMap<String, String> {
    let mut schemas = Schemas::new();
    for document in documents {
        let told = document["components"]["schemas"].as_object().into_iter().flatten();
        for (name, schema) in told.filter(|(name, _)| !name.ends_with("meta.v1.WatchEvent")) {
            let told = canonical(&without_what_may_differ(name, schema)).to_string();
            schemas.entry(name.clone()).or_default().insert(told);
        }
    }
    let digest_of = |forms: BTreeSet<String>| {
        let forms: Vec<String> = forms.into_iter().collect();
        digest(forms.join("\n").as_bytes())
    };
    schemas.into_iter().map(|(name, forms)| (name, digest_of(forms))).collect()
}

fn digest(text: &[u8]) -> String {
    entity_tag::of(text)[..DIGITS].to_lowercase()
}

fn without_what_may_differ(name: &str, schema: &Value) -> Value {
    let mut schema = schema.clone();
    let retain = |words: &mut Map<String, Value>, of: &str| {
        words.retain(|word, _| !is_allowed(&format!("{of} {word}")));
    };
    if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (field, words) in fields.iter_mut() {
            words
                .as_object_mut()
                .into_iter()
                .for_each(|words| retain(words, &format!("{name}.{field}")));
        }
    }
    schema.as_object_mut().into_iter().for_each(|words| retain(words, name));
    schema
}

/// The same with everything in the order of its text: lists of names and of kinds say the same in any.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(canonical).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> =
                fields.iter().map(|(name, value)| (name, canonical(value))).collect();
            fields.into_iter().map(|(name, value)| (name.clone(), value)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// A line for each schema, each field and each word of one that one side has, or has otherwise.
fn compare(ours: &Value, theirs: &Value) -> Vec<String> {
    let mut lines = vec![];
    for (name, ours, theirs) in pairs(ours, theirs) {
        let (Some(ours), Some(theirs)) = (ours, theirs) else {
            lines.push(name.to_owned());
            continue;
        };
        let words = differing(ours, theirs).filter(|word| *word != "properties");
        lines.extend(words.map(|word| format!("{name} {word}")));
        for (field, ours, theirs) in pairs(&ours["properties"], &theirs["properties"]) {
            match (ours, theirs) {
                (Some(ours), Some(theirs)) => {
                    let words = differing(ours, theirs);
                    lines.extend(words.map(|word| format!("{name}.{field} {word}")));
                }
                _ => lines.push(format!("{name}.{field}")),
            }
        }
    }
    lines
}

/// The entries of both, by name.
fn pairs<'a>(
    ours: &'a Value,
    theirs: &'a Value,
) -> impl Iterator<Item = (&'a str, Option<&'a Value>, Option<&'a Value>)> {
    let names = [ours, theirs].into_iter().filter_map(Value::as_object).flat_map(Map::keys);
    let names: BTreeSet<&str> = names.map(String::as_str).collect();
    names.into_iter().map(|name| (name, ours.get(name), theirs.get(name)))
}

fn differing<'a>(ours: &'a Value, theirs: &'a Value) -> impl Iterator<Item = &'a str> {
    let differs = |(_, ours, theirs): &(&str, Option<&Value>, Option<&Value>)| {
        in_order(*ours) != in_order(*theirs)
    };
    pairs(ours, theirs).filter(differs).map(|(word, ..)| word)
}

/// Lists of names and of kinds say the same in any order.
fn in_order(value: Option<&Value>) -> Option<Value> {
    let mut value = value?.clone();
    if let Some(list) = value.as_array_mut() {
        list.sort_by_key(Value::to_string);
    }
    Some(value)
}
