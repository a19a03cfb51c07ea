//! `matchLabelKeys` and `mismatchLabelKeys`: keys of a pod's own labels that narrow the selector beside them.
//!
//! Source: `ValidateMatchLabelKeysAndMismatchLabelKeys` and `ValidateMatchLabelKeysInTopologySpread` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, items};
use super::super::rules::named;

const WITHOUT_SELECTOR: &str = "must not be specified when labelSelector is not set";
const IN_SELECTOR: &str = "exists in both matchLabelKeys and labelSelector";

/// What the keys of a term or of a constraint break. Those that match are in its selector already, once.
pub(super) fn causes(path: &str, term: &Value) -> Vec<Cause> {
    let (matching, mismatching) = (keys(term, "matchLabelKeys"), keys(term, "mismatchLabelKeys"));
    let mut causes = list_causes(&format!("{path}.matchLabelKeys"), &matching, term);
    causes.extend(list_causes(&format!("{path}.mismatchLabelKeys"), &mismatching, term));
    causes.extend(repeated_causes(path, &matching, term));
    for (index, key) in matching.iter().enumerate().filter(|(_, key)| mismatching.contains(key)) {
        let rule = "exists in both matchLabelKeys and mismatchLabelKeys";
        causes.push(Cause::invalid(format!("{path}.matchLabelKeys[{index}]"), &json!(key), rule));
    }
    causes
}

/// What the keys of a constraint break whose selector was made before keys became part of it.
pub(super) fn unmerged_causes(path: &str, constraint: &Value) -> Vec<Cause> {
    let keys = keys(constraint, "matchLabelKeys");
    if keys.is_empty() {
        return vec![];
    }
    let field = format!("{path}.matchLabelKeys");
    let mut causes = vec![];
    if get(constraint, &["labelSelector"]).is_none() {
        causes.push(Cause::forbidden(field.as_str(), WITHOUT_SELECTOR));
    }
    let of_labels = super::super::fields::entries(constraint, &["labelSelector", "matchLabels"]);
    let mut selected: Vec<&str> = of_labels.map(|(key, _)| key).collect();
    selected.extend(keys_of_expressions(constraint));
    for (index, key) in keys.into_iter().enumerate() {
        let field = format!("{field}[{index}]");
        causes.extend(named(&field, key, names::label_key));
        if selected.contains(&key) {
            causes.push(Cause::invalid(field, &json!(key), IN_SELECTOR));
        }
    }
    causes
}

fn keys<'a>(term: &'a Value, list: &str) -> Vec<&'a str> {
    items(term, &[list]).iter().map(|key| key.as_str().unwrap_or_default()).collect()
}

fn list_causes(field: &str, keys: &[&str], term: &Value) -> Vec<Cause> {
    if !keys.is_empty() && get(term, &["labelSelector"]).is_none() {
        return vec![Cause::forbidden(field, WITHOUT_SELECTOR)];
    }
    let each =
        |(index, key): (usize, &&str)| named(&format!("{field}[{index}]"), key, names::label_key);
    keys.iter().enumerate().flat_map(each).collect()
}

/// Keys that the selector had without them. Upstream names the index below the term itself.
fn repeated_causes(path: &str, matching: &[&str], term: &Value) -> Vec<Cause> {
    let of_labels = super::super::fields::entries(term, &["labelSelector", "matchLabels"]);
    let mut seen: Vec<&str> = of_labels.map(|(key, _)| key).collect();
    let mut causes = vec![];
    for key in keys_of_expressions(term) {
        let position = matching.iter().rposition(|matching| *matching == key);
        if let Some(index) = position.filter(|_| seen.contains(&key)) {
            causes.push(Cause::invalid(format!("{path}[{index}]"), &json!(key), IN_SELECTOR));
        }
        seen.push(key);
    }
    causes
}

fn keys_of_expressions(term: &Value) -> impl Iterator<Item = &str> {
    let expressions = items(term, &["labelSelector", "matchExpressions"]).iter();
    expressions.map(|expression| text(expression, &["key"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(causes: &[Cause]) -> Vec<String> {
        causes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn keys_are_in_the_selector_once() {
        let expression = |key: &str| json!({"key": key, "operator": "In", "values": ["b"]});
        let table = [
            (json!({"labelSelector": {}, "matchLabelKeys": ["a"]}), vec![]),
            (
                json!({"labelSelector": {"matchExpressions": [expression("a")]}, "matchLabelKeys": ["a"]}),
                vec![],
            ),
            (
                json!({"matchLabelKeys": ["a"]}),
                vec![
                    "t.matchLabelKeys: Forbidden: must not be specified when labelSelector is not set",
                ],
            ),
            (
                json!({
                    "labelSelector": {"matchLabels": {"a": "b"}, "matchExpressions": [expression("a")]},
                    "matchLabelKeys": ["a"],
                }),
                vec!["t[0]: Invalid value: \"a\": exists in both matchLabelKeys and labelSelector"],
            ),
        ];
        for (term, expected) in table {
            assert_eq!(told(&causes("t", &term)), expected, "{term}");
        }
    }

    #[test]
    fn keys_that_are_no_part_of_the_selector_are_not_in_it() {
        let constraint =
            json!({"labelSelector": {"matchLabels": {"a": "b"}}, "matchLabelKeys": ["a"]});

        assert_eq!(
            told(&unmerged_causes("t", &constraint)),
            [
                "t.matchLabelKeys[0]: Invalid value: \"a\": exists in both matchLabelKeys and labelSelector"
            ]
        );
    }
}
