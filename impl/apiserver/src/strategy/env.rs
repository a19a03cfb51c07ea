//! The variables of a container.
//!
//! Source: `ValidateEnv` and `ValidateEnvFrom` (v1.36). Left out: what keys of files break.

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::field_ref::{OF_VARIABLES, field_causes, key_causes, resource_causes};
use super::fields::get;
use super::rules::named;

const SOURCES: [&str; 5] =
    ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];

/// What the variables of a container break.
pub(super) fn causes(path: &str, variables: &[Value]) -> Vec<Cause> {
    let mut causes = vec![];
    for (index, variable) in variables.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match text(variable, &["name"]) {
            "" => causes.push(Cause::required(format!("{path}.name"), "")),
            name => causes.extend(named(&format!("{path}.name"), name, names::env_var_name)),
        }
        causes.extend(source_causes(&format!("{path}.valueFrom"), variable));
    }
    causes
}

fn source_causes(path: &str, variable: &Value) -> Vec<Cause> {
    let Some(source) = get(variable, &["valueFrom"]) else {
        return vec![];
    };
    let given: Vec<(&str, &Value)> =
        SOURCES.iter().filter_map(|kind| Some((*kind, get(source, &[kind])?))).collect();
    let mut causes = vec![];
    for (kind, reference) in &given {
        let path = format!("{path}.{kind}");
        causes.extend(match *kind {
            "fieldRef" => field_causes(&path, reference, &OF_VARIABLES),
            "resourceFieldRef" => resource_causes(&path, reference, false),
            "configMapKeyRef" | "secretKeyRef" => key_causes(&path, reference),
            _ => vec![],
        });
    }
    let has_value = !text(variable, &["value"]).is_empty();
    let rule = match (given.len(), has_value) {
        (0, _) => {
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        }
        (_, true) => "may not be specified when `value` is not empty",
        (1, false) => return causes,
        (_, false) => "may not have more than one field specified at a time",
    };
    causes.push(Cause::invalid(path, &json!(""), rule));
    causes
}

/// What whole ConfigMaps and Secrets as variables break.
pub(super) fn from_causes(path: &str, sources: &[Value]) -> Vec<Cause> {
    let mut causes = vec![];
    for (index, source) in sources.iter().enumerate() {
        let item = format!("{path}[{index}]");
        match text(source, &["prefix"]) {
            "" => {}
            prefix => causes.extend(named(&format!("{item}.prefix"), prefix, names::env_var_name)),
        }
        let kinds = ["configMapRef", "secretRef"].into_iter();
        let given: Vec<(&str, &Value)> =
            kinds.filter_map(|kind| Some((kind, get(source, &[kind])?))).collect();
        for (kind, reference) in &given {
            causes.extend(name_causes(&format!("{item}.{kind}.name"), text(reference, &["name"])));
        }
        let rule = match given.len() {
            0 => "must specify one of: `configMapRef` or `secretRef`",
            1 => continue,
            _ => "may not have more than one field specified at a time",
        };
        // Upstream names the whole list.
        causes.push(Cause::invalid(path, &json!(""), rule));
    }
    causes
}

/// Upstream checks these names as if they were beginnings of generated ones.
fn name_causes(field: &str, name: &str) -> Vec<Cause> {
    if name.is_empty() {
        return vec![Cause::required(field, "")];
    }
    let errors = names::dns_subdomain(&names::mask_trailing_dash(name)).into_iter();
    errors.map(|error| Cause::invalid(field, &json!(name), &error)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(causes: &[Cause]) -> Vec<String> {
        causes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_variable_says_where_its_value_is() {
        for (source, expected) in [
            (json!({"secretKeyRef": {"name": "s", "key": "k"}}), vec![]),
            (
                json!({"configMapKeyRef": {"name": "m"}}),
                vec!["e[0].valueFrom.configMapKeyRef.key: Required value"],
            ),
            (
                json!({"fieldRef": {"apiVersion": "v1"}}),
                vec!["e[0].valueFrom.fieldRef.fieldPath: Required value"],
            ),
            (
                json!({"resourceFieldRef": {}}),
                vec!["e[0].valueFrom.resourceFieldRef.resource: Required value"],
            ),
            (
                json!({"fileKeyRef": {}, "secretKeyRef": {"name": "s", "key": "k"}}),
                vec![
                    "e[0].valueFrom: Invalid value: \"\": may not have more than one field specified at a time",
                ],
            ),
        ] {
            let variable = json!({"name": "A", "valueFrom": source});
            assert_eq!(told(&causes("e", &[variable])), expected, "{source}");
        }
    }

    #[test]
    fn sources_of_many_variables_are_one_each() {
        let sources = [
            json!({"configMapRef": {"name": "m-"}, "prefix": "A_"}),
            json!({}),
            json!({"secretRef": {}, "configMapRef": {"name": "m"}}),
        ];

        assert_eq!(
            told(&from_causes("e", &sources)),
            [
                "e: Invalid value: \"\": must specify one of: `configMapRef` or `secretRef`",
                "e[2].secretRef.name: Required value",
                "e: Invalid value: \"\": may not have more than one field specified at a time",
            ]
        );
    }
}
