//! Claims of devices: which a pod has, and which of them its containers use.
//!
//! Source: `validatePodResourceClaim` and `validateResourceClaimNames` (v1.36).

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, items};
use super::super::go_struct::{Field, Shape, show};
use super::super::rules::{invalid_struct, named, not_found};

const SOURCES: [&str; 2] = ["resourceClaimName", "resourceClaimTemplateName"];
const FIELDS: [Field; 3] = [
    ("Name", "name", Shape::Text),
    ("ResourceClaimName", "resourceClaimName", Shape::Plain),
    ("ResourceClaimTemplateName", "resourceClaimTemplateName", Shape::Plain),
];

/// What the claims of a pod break.
pub(super) fn causes(path: &str, claims: &[Value]) -> Vec<Cause> {
    let mut causes = vec![];
    let mut seen = BTreeSet::new();
    for (index, claim) in claims.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let (field, name) = (format!("{path}.name"), text(claim, &["name"]));
        if name.is_empty() {
            causes.push(Cause::required(field, ""));
        } else if !seen.insert(name) {
            causes.push(Cause::duplicate(field, &json!(name)));
        } else {
            causes.extend(named(&field, name, names::dns_label));
        }
        causes.extend(source_causes(&path, claim));
    }
    causes
}

fn source_causes(path: &str, claim: &Value) -> Vec<Cause> {
    let given: Vec<(&str, &Value)> =
        SOURCES.iter().filter_map(|source| Some((*source, get(claim, &[source])?))).collect();
    let rule = match given.len() {
        0 => Some("must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"),
        1 => None,
        _ => Some(
            "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified",
        ),
    };
    let struct_cause = |rule| invalid_struct(path, &show(claim, &FIELDS), rule);
    let mut causes: Vec<Cause> = rule.map(struct_cause).into_iter().collect();
    for (source, name) in given {
        causes.extend(named(&format!("{path}.{source}"), text(name, &[]), names::dns_subdomain));
    }
    causes
}

/// What the claims that a container uses break: they are among those of its pod, and each is there once.
pub(in crate::strategy) fn used_causes(path: &str, used: &[Value], spec: &Value) -> Vec<Cause> {
    let of_pod: BTreeSet<&str> = items(spec, &["resourceClaims"])
        .iter()
        .map(|claim| text(claim, &["name"]))
        .filter(|name| !name.is_empty())
        .collect();
    let mut causes = vec![];
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (index, claim) in used.iter().enumerate() {
        let field = format!("{path}[{index}]");
        let (name, request) = (text(claim, &["name"]), text(claim, &["request"]));
        if name.is_empty() {
            causes.push(Cause::required(field, ""));
            continue;
        }
        causes.extend(repeated_causes(&field, (name, request), &mut seen));
        if !of_pod.contains(name) {
            causes.push(unknown(field, name, &of_pod));
        }
    }
    causes
}

/// A claim is used as a whole or by its requests.
fn repeated_causes<'a>(
    field: &str,
    (name, request): (&'a str, &'a str),
    seen: &mut BTreeSet<(&'a str, &'a str)>,
) -> Vec<Cause> {
    if seen.contains(&(name, "")) {
        return vec![Cause::duplicate(field, &json!(name))];
    }
    let mut causes = vec![];
    let requests = seen.iter().filter(|(seen, _)| *seen == name).count();
    if request.is_empty() {
        causes.extend((0..requests).map(|_| Cause::duplicate(field, &json!(name))));
    } else {
        causes.extend(named(&format!("{field}.request"), request, names::dns_label));
        if seen.contains(&(name, request)) {
            causes.push(Cause::duplicate(field, &json!(format!("{name}/{request}"))));
        }
    }
    seen.insert((name, request));
    causes
}

fn unknown(field: String, name: &str, of_pod: &BTreeSet<&str>) -> Cause {
    let mut cause = not_found(field, name);
    cause.message.push_str(": must be one of the names in pod.spec.resourceClaims");
    if of_pod.is_empty() {
        cause.message.push_str(" which is empty");
    } else {
        let known: Vec<&str> = of_pod.iter().copied().collect();
        cause.message.push_str(&format!(": {}", known.join(", ")));
    }
    cause
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(causes: &[Cause]) -> Vec<String> {
        causes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_claim_is_from_one_source() {
        let table = [
            (json!([{"name": "a", "resourceClaimName": "b"}]), vec![]),
            (json!([{"resourceClaimName": "b"}]), vec!["c[0].name: Required value"]),
            (
                json!([{"name": "a", "resourceClaimName": "b"}, {"name": "a", "resourceClaimName": "b"}]),
                vec!["c[1].name: Duplicate value: \"a\""],
            ),
            (
                json!([{"name": "a"}]),
                vec![
                    "c[0]: Invalid value: {\"Name\":\"a\",\"ResourceClaimName\":null,\"ResourceClaimTemplateName\":null}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
                ],
            ),
            (
                json!([{"name": "a", "resourceClaimName": "b", "resourceClaimTemplateName": "c"}]),
                vec![
                    "c[0]: Invalid value: {\"Name\":\"a\",\"ResourceClaimName\":\"b\",\"ResourceClaimTemplateName\":\"c\"}: at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified",
                ],
            ),
        ];
        for (claims, expected) in table {
            assert_eq!(told(&causes("c", claims.as_array().unwrap())), expected, "{claims}");
        }
    }

    #[test]
    fn a_container_uses_claims_of_its_pod() {
        let spec = json!({"resourceClaims": [{"name": "a"}, {"name": "b"}]});
        let table = [
            (json!([{"name": "a", "request": "x"}, {"name": "a", "request": "y"}]), vec![]),
            (json!([{}]), vec!["u[0]: Required value"]),
            (
                json!([{"name": "c"}]),
                vec![
                    "u[0]: Not found: \"c\": must be one of the names in pod.spec.resourceClaims: a, b",
                ],
            ),
            (json!([{"name": "a"}, {"name": "a"}]), vec!["u[1]: Duplicate value: \"a\""]),
            (
                json!([{"name": "a", "request": "x"}, {"name": "a"}]),
                vec!["u[1]: Duplicate value: \"a\""],
            ),
            (
                json!([{"name": "a", "request": "x"}, {"name": "a", "request": "x"}]),
                vec!["u[1]: Duplicate value: \"a/x\""],
            ),
        ];
        for (used, expected) in table {
            assert_eq!(
                told(&used_causes("u", used.as_array().unwrap(), &spec)),
                expected,
                "{used}"
            );
        }
        assert_eq!(
            told(&used_causes("u", &[json!({"name": "c"})], &json!({}))),
            [
                "u[0]: Not found: \"c\": must be one of the names in pod.spec.resourceClaims which is empty"
            ]
        );
    }
}
