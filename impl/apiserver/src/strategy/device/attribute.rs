//! What is said of a device: attributes and capacities, under names that may have a domain.

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, items};
use super::super::rules::{named, too_long};
use super::super::storage::driver_name_causes;
use super::shown;

const IDENTIFIER_BYTES_MAX: usize = 32;
const VALUE_BYTES_MAX: usize = 64;
const FIELDS: [&str; 8] =
    ["bool", "int", "string", "version", "bools", "ints", "strings", "versions"];

/// What the name of an attribute or capacity breaks.
pub(super) fn name_causes(field: &str, name: &str) -> Vec<Cause> {
    let parts: Vec<&str> = name.split('/').collect();
    let (domain, identifier) = match parts.as_slice() {
        [identifier] => (None, *identifier),
        [domain, identifier] => (Some(*domain), *identifier),
        // Upstream lets names with more slashes pass.
        _ => return vec![],
    };
    let mut causes = match domain {
        None => vec![],
        Some("") => vec![Cause::invalid(field, &shown(""), "the domain must not be empty")],
        Some(domain) => driver_name_causes(field, domain),
    };
    if domain.is_some() && identifier.is_empty() {
        causes.push(Cause::invalid(field, &shown(""), "the name must not be empty"));
        return causes;
    }
    if identifier.len() > IDENTIFIER_BYTES_MAX {
        causes.push(too_long(field, IDENTIFIER_BYTES_MAX));
    }
    causes.extend(named(field, identifier, names::c_identifier));
    causes
}

/// The same of a name that must have a domain.
pub(super) fn full_name_causes(field: &str, name: &str) -> Vec<Cause> {
    let mut causes = name_causes(field, name);
    if !name.contains('/') {
        let rule = "a fully qualified name must be a domain and a name separated by a slash";
        causes.push(Cause::invalid(field, &shown(name), rule));
    }
    causes
}

/// What an attribute breaks.
pub(super) fn causes(path: &str, attribute: &Value) -> Vec<Cause> {
    let given: Vec<&str> =
        FIELDS.into_iter().filter(|field| get(attribute, &[field]).is_some()).collect();
    let mut causes: Vec<Cause> =
        given.iter().flat_map(|field| value_causes(path, attribute, field)).collect();
    let rule = "exactly one value must be specified";
    match given.as_slice() {
        [] => causes.push(Cause::invalid(path, &shown(""), rule)),
        [_] => {}
        _ => causes.push(Cause::invalid(path, attribute, rule)),
    }
    causes
}

fn value_causes(path: &str, attribute: &Value, field: &str) -> Vec<Cause> {
    let path = format!("{path}.{field}");
    match field {
        "string" | "version" => text_causes(&path, field, text(attribute, &[field])),
        "bool" | "int" => vec![],
        list => {
            let values = items(attribute, &[list]);
            if values.is_empty() {
                return vec![Cause::invalid(
                    path,
                    &json!(values),
                    "must not be empty if specified",
                )];
            }
            let kind = list.trim_end_matches('s');
            let texts = values.iter().enumerate();
            let causes = texts.filter_map(|(index, value)| Some((index, value.as_str()?)));
            causes
                .flat_map(|(index, text)| text_causes(&format!("{path}[{index}]"), kind, text))
                .collect()
        }
    }
}

fn text_causes(field: &str, kind: &str, value: &str) -> Vec<Cause> {
    let mut causes = vec![];
    if kind == "version" && !is_semantic_version(value) {
        let rule = "must be a string compatible with semver.org spec 2.0.0";
        causes.push(Cause::invalid(field, &shown(value), rule));
    }
    if value.len() > VALUE_BYTES_MAX {
        causes.push(too_long(field, VALUE_BYTES_MAX));
    }
    causes
}

/// `1.2.3-alpha.1+build`.
fn is_semantic_version(version: &str) -> bool {
    let (rest, build) = match version.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (version, None),
    };
    let (numbers, before) = match rest.split_once('-') {
        Some((numbers, before)) => (numbers, Some(before)),
        None => (rest, None),
    };
    let is_number = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'))
    };
    let is_word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let has_letter = |text: &str| text.bytes().any(|byte| !byte.is_ascii_digit());
    let numbers: Vec<&str> = numbers.split('.').collect();
    numbers.len() == 3
        && numbers.into_iter().all(is_number)
        && before.is_none_or(|before| {
            before.split('.').all(|part| is_number(part) || (is_word(part) && has_letter(part)))
        })
        && build.is_none_or(|build| build.split('.').all(is_word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_semantic() {
        let valid = ["0.0.0", "1.2.3", "1.2.3-alpha.1", "1.2.3+b.01", "1.2.3-0a+x-y"];
        let invalid = ["1.2", "v1.2.3", "01.2.3", "1.2.3-01", "1.2.3-", "1.2.3+", "1.2.3.4", ""];

        assert!(valid.iter().all(|version| is_semantic_version(version)));
        assert!(!invalid.iter().any(|version| is_semantic_version(version)));
    }
}
