//! CustomResourceDefinitions: kinds that a cluster's users make up.
//!
//! Source: `pkg/apis/apiextensions/{v1/defaults.go,validation/validation.go}` and
//! `pkg/registry/customresourcedefinition/strategy.go` of apiextensions-apiserver (v1.36). Left out: serving
//! the kinds, and so the conditions that say that they are served; compiling expressions; whether defaults
//! fit their schemas; how upstream prints a whole list of versions that break a rule.

mod completeness;
mod conversion;
mod map_keys;
mod schema;
mod structural;
mod version;

use std::collections::BTreeSet;

use api::names;
use api::object::{object_at_mut, text};
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{default, flag, get, items, made, or_null};
use super::kind_strategy::KindStrategy;
use super::rules::immutable;
use super::webhook_client;

const SCOPES: [&str; 2] = ["Cluster", "Namespaced"];
/// Groups that upstream's project keeps for itself.
const PROTECTED: [&str; 2] = ["k8s.io", "kubernetes.io"];
const APPROVAL: &str = "api-approved.kubernetes.io";
const PROPOSAL: &str = "see https://github.com/kubernetes/enhancements/pull/1111";

/// The strategy of CustomResourceDefinitions.
pub(super) struct CustomResourceDefinition;

impl KindStrategy for CustomResourceDefinition {
    fn apply_defaults(&self, definition: &mut Value) {
        let spec = object_at_mut(definition, "spec");
        let names = made(spec, "names");
        let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        default(names, "singular", kind.to_lowercase());
        if !kind.is_empty() {
            default(names, "listKind", format!("{kind}List"));
        }
        if spec.get("conversion").is_none_or(Value::is_null) {
            spec.insert("conversion".to_owned(), json!({"strategy": "None"}));
        }
        let webhook =
            spec.get_mut("conversion").and_then(|conversion| conversion.get_mut("webhook"));
        if let Some(client) = webhook
            .and_then(|webhook| webhook.get_mut("clientConfig"))
            .and_then(Value::as_object_mut)
        {
            webhook_client::apply_defaults(client);
        }
    }

    fn begin_status(&self, definition: &mut Value) {
        // Upstream always writes these two.
        definition["status"] =
            json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}});
        store_version(definition);
    }

    fn finish_update(&self, new: &mut Value) {
        store_version(new);
    }

    fn causes(&self, definition: &Value) -> Vec<Cause> {
        let mut causes: Vec<Cause> = name_cause(definition).into_iter().collect();
        causes.extend(lasting_causes(definition));
        causes.extend(approval_cause(definition));
        causes
    }

    fn update_causes(&self, new: &Value, old: &Value) -> Vec<Cause> {
        let mut causes = lasting_causes(new);
        let lasting: &[&[&str]] = match is_established(old) {
            true => &[&["scope"], &["names", "kind"], &["group"], &["names", "plural"]],
            false => &[&["group"], &["names", "plural"]],
        };
        let (new_spec, old_spec) = (or_null(new, &["spec"]), or_null(old, &["spec"]));
        causes.extend(lasting.iter().filter_map(|path| {
            let field = format!("spec.{}", path.join("."));
            immutable(&field, or_null(new_spec, path), or_null(old_spec, path))
        }));
        let approval = |definition| text(definition, &["metadata", "annotations", APPROVAL]);
        if approval(new) != approval(old) {
            causes.extend(approval_cause(new));
        }
        causes
    }

    fn status_causes(&self, definition: &Value) -> Vec<Cause> {
        let accepted = or_null(definition, &["status", "acceptedNames"]);
        names_causes("status.acceptedNames", accepted)
    }
}

/// Notes that objects have been stored in the version that is stored.
fn store_version(definition: &mut Value) {
    let versions = items(definition, &["spec", "versions"]);
    let Some(stored) = versions.iter().find(|version| flag(version, &["storage"])) else { return };
    let name = json!(text(stored, &["name"]));
    let status = object_at_mut(definition, "status");
    let list = status.entry("storedVersions").or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut().filter(|list| !list.contains(&name)) {
        list.push(name);
    }
}

fn is_established(definition: &Value) -> bool {
    let conditions = items(definition, &["status", "conditions"]);
    conditions.iter().any(|condition| {
        text(condition, &["type"]) == "Established" && text(condition, &["status"]) == "True"
    })
}

fn name_cause(definition: &Value) -> Option<Cause> {
    let name = text(definition, &["metadata", "name"]);
    let plural = text(definition, &["spec", "names", "plural"]);
    let required = format!("{plural}.{}", text(definition, &["spec", "group"]));
    let rule = "must be spec.names.plural+\".\"+spec.group";
    (name != required).then(|| Cause::invalid("metadata.name", &json!(name), rule))
}

/// What holds of new and changed definitions alike.
fn lasting_causes(definition: &Value) -> Vec<Cause> {
    let spec = or_null(definition, &["spec"]);
    let mut causes: Vec<Cause> = group_cause(text(spec, &["group"])).into_iter().collect();
    causes.extend(scope_cause(text(spec, &["scope"])));
    let versions = items(spec, &["versions"]);
    if flag(spec, &["preserveUnknownFields"]) && version::have_defaults(versions) {
        let rule = "must be false in order to use defaults in the schema";
        causes.push(Cause::invalid("spec.preserveUnknownFields", &json!(true), rule));
    }
    causes.extend(version::causes(versions));
    causes.extend(required_names(or_null(spec, &["names"])));
    causes.extend(names_causes("spec.names", or_null(spec, &["names"])));
    causes.extend(version::shared_causes(versions));
    causes.extend(conversion::causes(or_null(spec, &["conversion"])));
    let accepted = or_null(definition, &["status", "acceptedNames"]);
    causes.extend(names_causes("status.acceptedNames", accepted));
    causes
        .extend(stored_version_causes(items(definition, &["status", "storedVersions"]), versions));
    if flag(spec, &["preserveUnknownFields"]) {
        let rule = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        causes.push(Cause::invalid("spec.preserveUnknownFields", &json!(true), rule));
    }
    causes
}

fn group_cause(group: &str) -> Option<Cause> {
    let field = "spec.group";
    if group.is_empty() {
        return Some(Cause::required(field, ""));
    }
    let errors = names::dns_subdomain(group);
    if !errors.is_empty() {
        return Some(Cause::invalid(field, &json!(group), &errors.join(",")));
    }
    let rule = "should be a domain with at least one dot";
    (!group.contains('.')).then(|| Cause::invalid(field, &json!(group), rule))
}

fn scope_cause(scope: &str) -> Option<Cause> {
    match scope {
        "" => Some(Cause::required("spec.scope", "")),
        known if SCOPES.contains(&known) => None,
        other => Some(Cause::not_supported("spec.scope", &json!(other), &SCOPES)),
    }
}

fn required_names(spec_names: &Value) -> impl Iterator<Item = Cause> {
    let fields = ["plural", "singular", "kind", "listKind"].into_iter();
    let missing = fields.filter(|field| text(spec_names, &[field]).is_empty());
    missing.map(|field| Cause::required(format!("spec.names.{field}"), ""))
}

fn names_causes(path: &str, all: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    for (field, may_be_mixed) in
        [("plural", false), ("singular", false), ("kind", true), ("listKind", true)]
    {
        let name = text(all, &[field]);
        causes.extend(label_cause(format!("{path}.{field}"), name, may_be_mixed));
    }
    causes.extend(list_causes(&format!("{path}.shortNames"), items(all, &["shortNames"])));
    let (kind, list_kind) = (text(all, &["kind"]), text(all, &["listKind"]));
    if !kind.is_empty() && kind == list_kind {
        let rule = "kind and listKind may not be the same";
        causes.push(Cause::invalid(format!("{path}.listKind"), &json!(list_kind), rule));
    }
    causes.extend(list_causes(&format!("{path}.categories"), items(all, &["categories"])));
    causes
}

fn list_causes(path: &str, list: &[Value]) -> Vec<Cause> {
    let each = list.iter().enumerate();
    let causes = each.filter_map(|(index, name)| {
        let name = name.as_str().unwrap_or_default();
        let errors = names::dns_1035_label(name);
        let field = format!("{path}[{index}]");
        (!errors.is_empty()).then(|| Cause::invalid(field, &json!(name), &errors.join(",")))
    });
    causes.collect()
}

/// A name that is set must be a label that starts with a letter; kinds have letters of both cases.
fn label_cause(field: String, name: &str, may_be_mixed: bool) -> Option<Cause> {
    let checked = if may_be_mixed { name.to_lowercase() } else { name.to_owned() };
    let errors = names::dns_1035_label(&checked);
    if name.is_empty() || errors.is_empty() {
        return None;
    }
    let introduction = match may_be_mixed {
        true => "may have mixed case, but should otherwise match: ",
        false => "",
    };
    let rule = format!("{introduction}{}", errors.join(","));
    Some(Cause::invalid(field, &json!(name), &rule))
}

fn stored_version_causes(stored: &[Value], versions: &[Value]) -> Vec<Cause> {
    let field = "status.storedVersions";
    if stored.is_empty() {
        return vec![Cause::invalid(field, &Value::Null, "must have at least one stored version")];
    }
    let name = |version: &Value| text(version, &["name"]).to_owned();
    let known: BTreeSet<String> = versions.iter().map(name).collect();
    let stored_now = versions.iter().filter(|version| flag(version, &["storage"])).map(name);
    let missing = stored_now.filter(|name| !stored.contains(&json!(name)));
    let mut causes: Vec<Cause> = missing
        .map(|name| {
            let rule = format!("must have the storage version {name}");
            Cause::invalid(field, &json!(stored), &rule)
        })
        .collect();
    for (index, version) in stored.iter().enumerate() {
        let version = version.as_str().unwrap_or_default();
        if !known.contains(version) {
            let rule = format!(
                "missing from spec.versions; {version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {version} and removes {version} from status.storedVersions"
            );
            causes.push(Cause::invalid(format!("{field}[{index}]"), &json!(version), &rule));
        }
    }
    causes
}

/// A definition in a protected group says who has approved it.
fn approval_cause(definition: &Value) -> Option<Cause> {
    let group = text(definition, &["spec", "group"]);
    let is_protected =
        |protected: &str| group == protected || group.ends_with(&format!(".{protected}"));
    PROTECTED.into_iter().find(|protected| is_protected(protected))?;
    let field = format!("metadata.annotations[{APPROVAL}]");
    let approval = get(definition, &["metadata", "annotations", APPROVAL]);
    let approval = approval.and_then(Value::as_str).unwrap_or_default();
    let has_host = |address: &str| {
        address.split_once("://").is_some_and(|(scheme, rest)| {
            !scheme.is_empty() && !rest.split('/').next().unwrap_or_default().is_empty()
        })
    };
    match approval {
        "" => {
            let why = format!(
                "protected groups must have approval annotation \"{APPROVAL}\", {PROPOSAL}"
            );
            Some(Cause::required(field, &why))
        }
        approval if approval.starts_with("unapproved") || has_host(approval) => None,
        approval => {
            let rule = format!(
                "protected groups must have approval annotation \"{APPROVAL}\" with either a URL or a reason starting with \"unapproved\", {PROPOSAL}"
            );
            Some(Cause::invalid(field, &json!(approval), &rule))
        }
    }
}

#[cfg(test)]
mod tests;
