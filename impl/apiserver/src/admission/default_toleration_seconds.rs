//! DefaultTolerationSeconds: a pod stays for a while on a node that is gone.
//!
//! Source: plugin/pkg/admission/defaulttolerationseconds/admission.go, v1.36.

use api::object::{object_at_mut, text};
use serde_json::{Value, json};

const KEYS: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/// Lets a new pod stay this long on a node that is not ready or unreachable, unless it says how long.
pub(super) fn fill_in(pod: &mut Value, seconds: i64) {
    let tolerations = object_at_mut(pod, "spec").entry("tolerations").or_insert_with(|| json!([]));
    let Some(tolerations) = tolerations.as_array_mut() else { return };
    for key in KEYS {
        if !tolerations.iter().any(|toleration| tolerates(toleration, key)) {
            tolerations.push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds,
            }));
        }
    }
}

fn tolerates(toleration: &Value, key: &str) -> bool {
    let (its_key, effect) = (text(toleration, &["key"]), text(toleration, &["effect"]));
    (its_key == key || its_key.is_empty()) && (effect == "NoExecute" || effect.is_empty())
}
