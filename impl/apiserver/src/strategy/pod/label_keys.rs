//! `matchLabelKeys` and `mismatchLabelKeys` of a new pod: its own labels with these keys become part of the selector
//! beside them, so that whoever reads the pod later needs to read the selector only.
//!
//! Source: `mutatePodAffinity` and `mutateTopologySpreadConstraints` in pkg/registry/core/pod/strategy.go (v1.36).

use serde_json::{Map, Value, json};

/// The lists of affinity terms, and where the term is in an item.
const LISTS: [(&str, &str); 2] = [
    ("requiredDuringSchedulingIgnoredDuringExecution", ""),
    ("preferredDuringSchedulingIgnoredDuringExecution", "/podAffinityTerm"),
];

/// Puts the labels of a pod into its selectors.
pub(super) fn merge(pod: &mut Value) {
    let labels = pod["metadata"]["labels"].as_object().cloned().unwrap_or_default();
    let spec = &mut pod["spec"];
    for affinity in ["podAffinity", "podAntiAffinity"] {
        for (list, term) in LISTS {
            let pointer = format!("/affinity/{affinity}/{list}");
            for item in
                spec.pointer_mut(&pointer).and_then(Value::as_array_mut).into_iter().flatten()
            {
                item.pointer_mut(term).into_iter().for_each(|term| merge_into(term, &labels));
            }
        }
    }
    let constraints = spec.pointer_mut("/topologySpreadConstraints").and_then(Value::as_array_mut);
    constraints.into_iter().flatten().for_each(|constraint| merge_into(constraint, &labels));
}

/// One without a selector selects nothing, and goes on to do so.
fn merge_into(term: &mut Value, labels: &Map<String, Value>) {
    let mut expressions = vec![];
    for (field, operator) in [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")] {
        let keys = term[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        let found = keys.filter_map(|key| Some((key, labels.get(key)?)));
        expressions.extend(
            found.map(|(key, value)| json!({"key": key, "operator": operator, "values": [value]})),
        );
    }
    let selector = term.get_mut("labelSelector").and_then(Value::as_object_mut);
    if let Some(selector) = selector.filter(|_| !expressions.is_empty()) {
        let own = selector.entry("matchExpressions").or_insert_with(|| json!([]));
        own.as_array_mut().into_iter().for_each(|own| own.append(&mut expressions));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(spec: Value) -> Value {
        json!({"metadata": {"labels": {"revision": "2", "tenant": "x"}}, "spec": spec})
    }

    #[test]
    fn labels_of_the_pod_become_part_of_its_selectors() {
        let term = json!({"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "web"}},
            "matchLabelKeys": ["revision", "none"], "mismatchLabelKeys": ["tenant"]});
        let spread = json!({"labelSelector": {}, "matchLabelKeys": ["revision"]});
        let mut made = pod(json!({
            "affinity": {
                "podAffinity": {LISTS[0].0: [term]},
                "podAntiAffinity": {LISTS[1].0: [{"weight": 1, "podAffinityTerm": term}]},
            },
            "topologySpreadConstraints": [spread],
        }));

        merge(&mut made);

        let revision = json!({"key": "revision", "operator": "In", "values": ["2"]});
        let both = json!([revision, {"key": "tenant", "operator": "NotIn", "values": ["x"]}]);
        let affinity = &made["spec"]["affinity"];
        let required = &affinity["podAffinity"][LISTS[0].0][0];
        let preferred = &affinity["podAntiAffinity"][LISTS[1].0][0]["podAffinityTerm"];
        let constraint = &made["spec"]["topologySpreadConstraints"][0];
        assert_eq!(required["labelSelector"]["matchExpressions"], both);
        assert_eq!(required["labelSelector"]["matchLabels"], json!({"app": "web"}));
        assert_eq!(preferred["labelSelector"]["matchExpressions"], both);
        assert_eq!(constraint["labelSelector"]["matchExpressions"], json!([revision]));
    }

    #[test]
    fn what_has_no_selector_or_no_keys_stays_as_it_is() {
        let spread = json!([{"matchLabelKeys": ["revision"]}, {"labelSelector": {}}]);
        let mut made = pod(json!({"topologySpreadConstraints": spread}));
        let before = made.clone();

        merge(&mut made);

        assert_eq!(
            made["spec"]["topologySpreadConstraints"][1],
            before["spec"]["topologySpreadConstraints"][1]
        );
        assert!(made["spec"]["topologySpreadConstraints"][0].get("labelSelector").is_none());
    }
}
