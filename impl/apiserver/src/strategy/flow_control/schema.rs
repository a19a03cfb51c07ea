//! FlowSchemas: which requests belong to which priority level.

use api::names;
use api::object::{object_at_mut, text};
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{default_int, flag, get, int, items, or_null};
use super::super::kind_strategy::KindStrategy;
use super::super::rules::named;
use super::{condition_causes, mandatory_cause};

const PRECEDENCE_DEFAULT: i64 = 1000;
const PRECEDENCE_MAX: i64 = 10000;
const DISTINGUISHERS: [&str; 2] = ["ByNamespace", "ByUser"];
const SUBJECT_KINDS: [&str; 3] = ["Group", "ServiceAccount", "User"];
/// The kinds of subjects and the fields that say who.
const SUBJECT_FIELDS: [(&str, &str); 3] =
    [("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")];
const VERBS: [&str; 9] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
const NAMESPACE_INTRODUCTION: &str = "each member of this list must be '*' or a DNS-1123 label; ";

/// The strategy of FlowSchemas.
pub(in crate::strategy) struct FlowSchema;

impl KindStrategy for FlowSchema {
    fn apply_defaults(&self, schema: &mut Value) {
        let spec = object_at_mut(schema, "spec");
        default_int(spec, "matchingPrecedence", PRECEDENCE_DEFAULT);
    }

    fn causes(&self, schema: &Value) -> Vec<Cause> {
        let mut causes = spec_causes(schema, or_null(schema, &["spec"]));
        causes.extend(mandatory_cause(schema));
        causes.extend(condition_causes(schema));
        causes
    }

    fn status_causes(&self, schema: &Value) -> Vec<Cause> {
        condition_causes(schema)
    }
}

fn spec_causes(schema: &Value, spec: &Value) -> Vec<Cause> {
    let mut causes =
        precedence_causes(schema, int(spec, &["matchingPrecedence"]).unwrap_or_default());
    if let Some(method) = get(spec, &["distinguisherMethod"])
        && !DISTINGUISHERS.contains(&text(method, &["type"]))
    {
        let field = "spec.distinguisherMethod.type";
        let shown = json!({"Type": text(method, &["type"])});
        causes.push(Cause::not_supported(field, &shown, &DISTINGUISHERS));
    }
    let field = "spec.priorityLevelConfiguration.name";
    match text(spec, &["priorityLevelConfiguration", "name"]) {
        "" => causes.push(Cause::required(field, "must reference a priority level")),
        name => causes.extend(named(field, name, names::dns_subdomain)),
    }
    for (index, rule) in items(spec, &["rules"]).iter().enumerate() {
        causes.extend(rule_causes(&format!("spec.rules[{index}]"), rule));
    }
    causes
}

fn precedence_causes(schema: &Value, precedence: i64) -> Vec<Cause> {
    let too_many = format!("must not be greater than {PRECEDENCE_MAX}");
    let is_exempt = text(schema, &["metadata", "name"]) == "exempt";
    let rules = [
        (precedence > 0, "must be a positive value"),
        (precedence <= PRECEDENCE_MAX, too_many.as_str()),
        (
            precedence != 1 || is_exempt,
            "only the schema named 'exempt' may have matchingPrecedence 1",
        ),
    ];
    let broken = rules.into_iter().filter(|(holds, _)| !holds);
    broken
        .map(|(_, rule)| Cause::invalid("spec.matchingPrecedence", &json!(precedence), rule))
        .collect()
}

fn rule_causes(path: &str, rule: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let subjects = items(rule, &["subjects"]);
    if subjects.is_empty() {
        let field = format!("{path}.subjects");
        causes.push(Cause::required(field, "subjects must contain at least one value"));
    }
    for (index, subject) in subjects.iter().enumerate() {
        causes.extend(subject_causes(&format!("{path}.subjects[{index}]"), subject));
    }
    let (resources, others) = (items(rule, &["resourceRules"]), items(rule, &["nonResourceRules"]));
    if resources.is_empty() && others.is_empty() {
        let why = "at least one of resourceRules and nonResourceRules has to be non-empty";
        causes.push(Cause::required(path, why));
    }
    for (index, rule) in resources.iter().enumerate() {
        causes.extend(resource_rule_causes(&format!("{path}.resourceRules[{index}]"), rule));
    }
    for (index, rule) in others.iter().enumerate() {
        causes.extend(non_resource_rule_causes(&format!("{path}.nonResourceRules[{index}]"), rule));
    }
    causes
}

fn subject_causes(path: &str, subject: &Value) -> Vec<Cause> {
    let kind = text(subject, &["kind"]);
    let Some((_, field)) = SUBJECT_FIELDS.iter().find(|(known, _)| *known == kind) else {
        let field = format!("{path}.kind");
        return vec![Cause::not_supported(field, &json!(kind), &SUBJECT_KINDS)];
    };
    let own = format!("{path}.{field}");
    let mut causes = match (get(subject, &[field]), kind) {
        (None, _) => {
            let why = format!("{field} is required when subject kind is '{kind}'");
            vec![Cause::required(own, &why)]
        }
        (Some(account), "ServiceAccount") => service_account_causes(&own, account),
        (Some(who), _) if text(who, &["name"]).is_empty() => {
            vec![Cause::required(format!("{own}.name"), "")]
        }
        (Some(_), _) => vec![],
    };
    for (other, field) in SUBJECT_FIELDS.iter().filter(|(other, _)| *other != kind) {
        if get(subject, &[field]).is_some() {
            let why = format!("{field} is forbidden when subject kind is not '{other}'");
            causes.push(Cause::forbidden(format!("{path}.{field}"), &why));
        }
    }
    causes
}

fn service_account_causes(path: &str, account: &Value) -> Vec<Cause> {
    let name_field = format!("{path}.name");
    let mut causes = match text(account, &["name"]) {
        "" => vec![Cause::required(name_field, "")],
        "*" => vec![],
        name => named(&name_field, name, names::dns_subdomain),
    };
    let namespace_field = format!("{path}.namespace");
    match text(account, &["namespace"]) {
        "" => {
            let why = "must specify namespace for service account";
            causes.push(Cause::required(namespace_field, why));
        }
        namespace => causes.extend(named(&namespace_field, namespace, names::dns_label)),
    }
    causes
}

fn verb_causes(path: &str, rule: &Value) -> Vec<Cause> {
    let field = format!("{path}.verbs");
    let verbs = items(rule, &["verbs"]);
    if verbs.is_empty() {
        return vec![Cause::required(field, "verbs must contain at least one value")];
    }
    if has_wildcard(verbs) {
        return alone_cause(field, verbs, "verbs").into_iter().collect();
    }
    let is_known = |verb: &Value| verb.as_str().is_some_and(|verb| VERBS.contains(&verb));
    match verbs.iter().all(is_known) {
        true => vec![],
        false => vec![Cause::not_supported(field, &json!(verbs), &VERBS)],
    }
}

fn resource_rule_causes(path: &str, rule: &Value) -> Vec<Cause> {
    let mut causes = verb_causes(path, rule);
    for (field, one, several) in
        [("apiGroups", "api group", "api groups"), ("resources", "resource", "resources")]
    {
        let (values, field) = (items(rule, &[field]), format!("{path}.{field}"));
        if values.is_empty() {
            let why = format!("resource rules must supply at least one {one}");
            causes.push(Cause::required(field, &why));
        } else {
            causes.extend(alone_cause(field, values, several));
        }
    }
    causes.extend(namespace_causes(format!("{path}.namespaces"), rule));
    causes
}

fn namespace_causes(field: String, rule: &Value) -> Vec<Cause> {
    let namespaces = items(rule, &["namespaces"]);
    if namespaces.is_empty() && !flag(rule, &["clusterScope"]) {
        let why = "resource rules that are not cluster scoped must supply at least one namespace";
        return vec![Cause::required(field, why)];
    }
    if has_wildcard(namespaces) {
        return alone_cause(field, namespaces, "namespaces").into_iter().collect();
    }
    let causes = namespaces.iter().enumerate().flat_map(|(index, namespace)| {
        let field = format!("{field}[{index}]");
        let errors = names::dns_label(namespace.as_str().unwrap_or_default()).into_iter();
        errors.map(move |error| {
            Cause::invalid(field.clone(), namespace, &format!("{NAMESPACE_INTRODUCTION}{error}"))
        })
    });
    causes.collect()
}

fn non_resource_rule_causes(path: &str, rule: &Value) -> Vec<Cause> {
    let mut causes = verb_causes(path, rule);
    let field = format!("{path}.nonResourceURLs");
    let paths = items(rule, &["nonResourceURLs"]);
    if paths.is_empty() {
        let why = "nonResourceURLs must contain at least one value";
        causes.push(Cause::required(field, why));
    } else if has_wildcard(paths) {
        causes.extend(alone_cause(field, paths, "non-resource URLs"));
    } else {
        let broken = paths.iter().enumerate().filter_map(|(index, path)| {
            let rule = path_error(path.as_str().unwrap_or_default())?;
            Some(Cause::invalid(format!("{field}[{index}]"), path, rule))
        });
        causes.extend(broken);
    }
    causes
}

fn path_error(path: &str) -> Option<&'static str> {
    match path {
        "" => Some("must not be empty"),
        "/" => None,
        _ if !path.starts_with('/') => Some("must start with slash"),
        _ if path.contains(' ') => Some("must not contain white-space"),
        _ if path.contains("//") => Some("must not contain double slash"),
        _ => match path.matches('*').count() {
            0 => None,
            1 if path.ends_with("/*") => None,
            _ => Some("wildcard can only do suffix matching"),
        },
    }
}

fn has_wildcard(values: &[Value]) -> bool {
    values.iter().any(|value| value == "*")
}

/// A wildcard stands alone.
fn alone_cause(field: String, values: &[Value], what: &str) -> Option<Cause> {
    let rule = format!("if '*' is present, must not specify other {what}");
    let is_broken = values.len() > 1 && has_wildcard(values);
    is_broken.then(|| Cause::invalid(field, &json!(values), &rule))
}
