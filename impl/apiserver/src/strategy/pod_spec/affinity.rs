//! Affinity: which nodes and which pods draw a pod to them, and which keep it away.
//!
//! Source: `validateAffinity` (v1.36), `hasInvalidLabelValueInAffinitySelector` and
//! `hasInvalidLabelValueInRequiredNodeAffinity` in pkg/api/pod/util.go.

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, int, items, or_null};
use super::super::node_selector;
use super::super::rules::{label_selector, label_selector_of_any_values, named};
use super::label_keys;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const SELECTORS: [&str; 2] = ["labelSelector", "namespaceSelector"];

/// What an affinity breaks. Values that are no values of labels may stay where the old one has such.
pub(super) fn causes(path: &str, affinity: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = node_causes(&format!("{path}.nodeAffinity"), affinity, old);
    let check = match has_broken_selector(old) {
        true => label_selector_of_any_values,
        false => label_selector,
    };
    for term in terms_of_pods(path, affinity) {
        causes.extend(term.weight.and_then(|(field, weight)| weight_cause(field, weight)));
        causes.extend(term_causes(&term.path, term.value, check));
    }
    causes
}

/// A term about other pods.
struct PodTerm<'a> {
    path: String,
    /// How much it counts, and where that is written; a term that is required has no weight.
    weight: Option<(String, i64)>,
    value: &'a Value,
}

fn terms_of_pods<'a>(path: &str, affinity: &'a Value) -> Vec<PodTerm<'a>> {
    let mut terms = vec![];
    for kind in ["podAffinity", "podAntiAffinity"] {
        for (index, value) in items(affinity, &[kind, REQUIRED]).iter().enumerate() {
            let path = format!("{path}.{kind}.{REQUIRED}[{index}]");
            terms.push(PodTerm { path, weight: None, value });
        }
        for (index, item) in items(affinity, &[kind, PREFERRED]).iter().enumerate() {
            let path = format!("{path}.{kind}.{PREFERRED}[{index}]");
            terms.push(PodTerm {
                path: format!("{path}.podAffinityTerm"),
                weight: Some((format!("{path}.weight"), weight_of(item))),
                value: or_null(item, &["podAffinityTerm"]),
            });
        }
    }
    terms
}

fn node_causes(path: &str, affinity: &Value, old: &Value) -> Vec<Cause> {
    let required = ["nodeAffinity", REQUIRED];
    let mut causes = vec![];
    if let Some(selector) = get(affinity, &required) {
        let path = format!("{path}.{REQUIRED}");
        causes.extend(match has_broken_values(or_null(old, &required)) {
            true => node_selector::causes_of_any_values(&path, selector),
            false => node_selector::causes(&path, selector),
        });
    }
    for (index, item) in items(affinity, &["nodeAffinity", PREFERRED]).iter().enumerate() {
        let path = format!("{path}.{PREFERRED}[{index}]");
        causes.extend(weight_cause(format!("{path}.weight"), weight_of(item)));
        let preference = or_null(item, &["preference"]);
        causes.extend(node_selector::term_causes(&format!("{path}.preference"), preference));
    }
    causes
}

fn term_causes(path: &str, term: &Value, check: fn(&str, &Value) -> Vec<Cause>) -> Vec<Cause> {
    let selectors = SELECTORS.iter();
    let mut causes: Vec<Cause> = selectors
        .flat_map(|field| check(&format!("{path}.{field}"), or_null(term, &[*field])))
        .collect();
    for name in items(term, &["namespaces"]).iter().filter_map(Value::as_str) {
        // Upstream does not say which of them.
        causes.extend(named(&format!("{path}.namespace"), name, names::dns_label));
    }
    causes.extend(label_keys::causes(path, term));
    let (field, topology_key) = (format!("{path}.topologyKey"), text(term, &["topologyKey"]));
    if topology_key.is_empty() {
        causes.push(Cause::required(field.as_str(), "can not be empty"));
    }
    causes.extend(named(&field, topology_key, names::label_key));
    causes
}

fn weight_of(item: &Value) -> i64 {
    int(item, &["weight"]).unwrap_or_default()
}

fn weight_cause(field: String, weight: i64) -> Option<Cause> {
    let rule = "must be in the range 1-100";
    (!(1..=100).contains(&weight)).then(|| Cause::invalid(field, &json!(weight), rule))
}

fn has_broken_selector(affinity: &Value) -> bool {
    let is_broken =
        |term: &PodTerm, field| !label_selector("", or_null(term.value, &[field])).is_empty();
    let terms = terms_of_pods("", affinity);
    terms.iter().any(|term| SELECTORS.iter().any(|field| is_broken(term, field)))
}

fn has_broken_values(selector: &Value) -> bool {
    !node_selector::value_causes("", selector).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(affinity: &Value, old: &Value) -> Vec<String> {
        causes("a", affinity, old).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_affinity_to_nodes_says_what_it_breaks() {
        let required = |terms: Value| json!({"nodeAffinity": {REQUIRED: terms}});
        let preferred = |weight: i64, term: Value| json!({"nodeAffinity": {PREFERRED: [{"weight": weight, "preference": term}]}});
        let path = format!("a.nodeAffinity.{REQUIRED}.nodeSelectorTerms");
        let foo = json!({"matchExpressions": [{"key": "a", "operator": "Foo"}]});
        let by_uid =
            json!({"matchFields": [{"key": "metadata.uid", "operator": "In", "values": ["u"]}]});
        let table = [
            (required(json!({"nodeSelectorTerms": [{}]})), String::new()),
            (preferred(100, json!({})), String::new()),
            (
                required(json!({})),
                format!("{path}: Required value: must have at least one node selector term"),
            ),
            (
                required(json!({"nodeSelectorTerms": [foo]})),
                format!(
                    "{path}[0].matchExpressions[0].operator: Invalid value: \"Foo\": not a valid selector operator"
                ),
            ),
            (
                required(json!({"nodeSelectorTerms": [by_uid]})),
                format!(
                    "{path}[0].matchFields[0].key: Invalid value: \"metadata.uid\": not a valid field selector key"
                ),
            ),
            (
                preferred(101, foo),
                format!(
                    "a.nodeAffinity.{PREFERRED}[0].weight: Invalid value: 101: must be in the range 1-100\n\
                     a.nodeAffinity.{PREFERRED}[0].preference.matchExpressions[0].operator: Invalid value: \"Foo\": not a valid selector operator"
                ),
            ),
        ];
        for (affinity, expected) in table {
            assert_eq!(told(&affinity, &Value::Null).join("\n"), expected, "{affinity}");
        }
    }

    #[test]
    fn an_affinity_to_pods_says_what_it_breaks() {
        let term = |change: Value| {
            let mut term = json!({"topologyKey": "zone", "labelSelector": {}});
            term.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
            json!({"podAffinity": {REQUIRED: [term]}})
        };
        let path = format!("a.podAffinity.{REQUIRED}[0]");
        let table = [
            (term(json!({})), String::new()),
            (
                term(json!({"namespaces": ["A"]})),
                format!("{path}.namespace: Invalid value: \"A\": a lowercase"),
            ),
            (
                term(json!({"topologyKey": "a b"})),
                format!("{path}.topologyKey: Invalid value: \"a b\": name part must consist"),
            ),
            (
                term(json!({"topologyKey": ""})),
                format!("{path}.topologyKey: Required value: can not be empty"),
            ),
            (
                term(json!({"namespaceSelector": {"matchLabels": {"a": "b c"}}})),
                format!("{path}.namespaceSelector.matchLabels: Invalid value: \"b c\""),
            ),
            (
                term(json!({"matchLabelKeys": ["a"], "mismatchLabelKeys": ["a"]})),
                format!(
                    "{path}.matchLabelKeys[0]: Invalid value: \"a\": exists in both matchLabelKeys and mismatchLabelKeys"
                ),
            ),
            (
                json!({"podAntiAffinity": {PREFERRED: [
                    {"weight": 0, "podAffinityTerm": {"topologyKey": "zone"}},
                ]}}),
                format!(
                    "a.podAntiAffinity.{PREFERRED}[0].weight: Invalid value: 0: must be in the range 1-100"
                ),
            ),
        ];
        for (affinity, expected) in table {
            let told = told(&affinity, &Value::Null).join("\n");
            assert_eq!(told.is_empty(), expected.is_empty(), "{affinity}: {told}");
            assert!(told.starts_with(&expected), "{told}");
        }
    }

    #[test]
    fn values_that_were_broken_may_stay_so() {
        let expression =
            json!({"matchExpressions": [{"key": "a", "operator": "In", "values": ["b c"]}]});
        let affinity = json!({
            "nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [expression]}},
            "podAffinity": {REQUIRED: [{"topologyKey": "zone", "labelSelector": expression}]},
        });

        assert_eq!(told(&affinity, &Value::Null).len(), 2);
        assert_eq!(told(&affinity, &affinity), [""; 0]);
    }
}
