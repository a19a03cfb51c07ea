//! What can be said of expressions without compiling them.

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::rules::{named, too_many};

const MATCH_CONDITIONS_MAX: usize = 64;
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// An expression must be there.
pub(super) fn required(path: &str, holder: &Value, field: &str, detail: &str) -> Option<Cause> {
    let is_missing = text(holder, &[field]).trim().is_empty();
    is_missing.then(|| Cause::required(format!("{path}.{field}"), detail))
}

/// What the conditions break under which a webhook or policy looks at a request.
pub(super) fn match_condition_causes(path: &str, conditions: &[Value]) -> Vec<Cause> {
    let mut causes = vec![];
    if conditions.len() > MATCH_CONDITIONS_MAX {
        causes.push(too_many(path, conditions.len(), MATCH_CONDITIONS_MAX));
    }
    let mut seen = BTreeSet::new();
    for (index, condition) in conditions.iter().enumerate() {
        let path = format!("{path}[{index}]");
        causes.extend(required(&path, condition, "expression", ""));
        let (field, name) = (format!("{path}.name"), text(condition, &["name"]));
        if name.is_empty() {
            causes.push(Cause::required(field, ""));
            continue;
        }
        causes.extend(named(&field, name, names::label_key));
        if !seen.insert(name) {
            causes.push(Cause::duplicate(field, &json!(name)));
        }
    }
    causes
}

/// What the variables of a policy break.
pub(super) fn variable_causes(path: &str, variables: &[Value]) -> Vec<Cause> {
    let mut causes = vec![];
    for (index, variable) in variables.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let name = text(variable, &["name"]);
        if name.trim().is_empty() {
            causes.push(Cause::required(format!("{path}.name"), "name is not specified"));
        } else if !is_identifier(name) {
            let rule = "must be a valid CEL identifier";
            causes.push(Cause::invalid(format!("{path}.name"), &json!(name), rule));
        }
        causes.extend(required(&path, variable, "expression", "expression is not specified"));
    }
    causes
}

fn is_identifier(name: &str) -> bool {
    let is_letter = |letter: char| letter == '_' || letter.is_ascii_alphabetic();
    name.starts_with(is_letter)
        && name.chars().all(|letter| is_letter(letter) || letter.is_ascii_digit())
        && !RESERVED.contains(&name)
}
