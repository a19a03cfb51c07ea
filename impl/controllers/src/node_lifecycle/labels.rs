//! The older labels of a node for its operating system and its architecture, which follow the newer ones.

use api::{Key, Request, resources};
use k8s_openapi::api::core::v1::Node;
use serde_json::{Value, json};

/// Per label, the one that follows it. Source: labelReconcileInfo.
const FOLLOWED_BY: [(&str, &str); 2] = [
    ("kubernetes.io/os", "beta.kubernetes.io/os"),
    ("kubernetes.io/arch", "beta.kubernetes.io/arch"),
];

/// The request that brings those labels up to date, if they are not.
pub(super) fn update(node: &Node) -> Option<Request> {
    let labels = node.metadata.labels.as_ref()?;
    let stale = FOLLOWED_BY.iter().filter_map(|(first, second)| {
        let value = labels.get(*first)?;
        (labels.get(*second) != Some(value)).then(|| ((*second).to_owned(), value.as_str().into()))
    });
    let stale: serde_json::Map<String, Value> = stale.collect();
    if stale.is_empty() {
        return None;
    }
    let patch = json!({"metadata": {"labels": stale}});
    Some(Request::merge_patch(&resources::NODES, Key::of(&node.metadata), patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_labels_follow_the_newer_ones() {
        let labels = json!({
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "arm64", "beta.kubernetes.io/arch": "amd64",
        });

        let update = update(&node(labels)).unwrap();

        let follow = json!({"beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "arm64"});
        assert_eq!(update.body, Some(json!({"metadata": {"labels": follow}})));
    }

    #[test]
    fn labels_that_agree_or_have_nothing_to_follow_stay() {
        let agree = json!({"kubernetes.io/os": "linux", "beta.kubernetes.io/os": "linux"});
        let alone = json!({"beta.kubernetes.io/arch": "amd64"});

        assert_eq!(update(&node(agree)), None);
        assert_eq!(update(&node(alone)), None);
    }

    fn node(labels: Value) -> Node {
        serde_json::from_value(json!({"metadata": {"name": "node-1", "labels": labels}})).unwrap()
    }
}
