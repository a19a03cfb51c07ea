//! Annotations of pods that mean something: what a kubelet writes on the pods that it runs by itself.
//!
//! Source: `ValidatePodSpecificAnnotations` and `ValidatePodSpecificAnnotationUpdates` (v1.36), as far as they
//! are about mirror pods.

use api::object::{at, text};
use api::status::Cause;
use serde_json::Value;

use super::MIRROR;

/// What the annotations of a pod break.
pub(super) fn causes(pod: &Value) -> Option<Cause> {
    let mirror = mirror(pod)?;
    let is_bound = !text(pod, &["spec", "nodeName"]).is_empty();
    let rule = "must set spec.nodeName if mirror pod annotation is set";
    (!is_bound).then(|| Cause::invalid(field(), mirror, rule))
}

/// What a change of them breaks.
pub(super) fn update_causes(new: &Value, old: &Value) -> Option<Cause> {
    let rule = match (mirror(new), mirror(old)) {
        (new, old) if new == old => return None,
        (_, Some(_)) => "may not remove or update mirror pod annotation",
        (_, None) => "may not add mirror pod annotation",
    };
    Some(Cause::forbidden(field(), rule))
}

fn mirror(pod: &Value) -> Option<&Value> {
    at(pod, &["metadata", "annotations", MIRROR])
}

fn field() -> String {
    format!("metadata.annotations[{MIRROR}]")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mirror_pod_has_a_node_and_stays_one() {
        let plain = json!({"metadata": {}, "spec": {"nodeName": "n"}});
        let mirror = |value: &str| json!({"metadata": {"annotations": {MIRROR: value}}, "spec": {"nodeName": "n"}});
        let unbound = json!({"metadata": {"annotations": {MIRROR: "a"}}, "spec": {}});
        let message = |cause: Option<Cause>| cause.map_or(String::new(), |it| it.to_string());
        let field = "metadata.annotations[kubernetes.io/config.mirror]";

        assert_eq!((causes(&plain), causes(&mirror("a"))), (None, None));
        assert_eq!(
            message(causes(&unbound)),
            format!(
                "{field}: Invalid value: \"a\": must set spec.nodeName if mirror pod annotation is set"
            )
        );
        assert_eq!(update_causes(&mirror("a"), &mirror("a")), None);
        for (new, old, rule) in [
            (mirror("b"), mirror("a"), "may not remove or update mirror pod annotation"),
            (plain.clone(), mirror("a"), "may not remove or update mirror pod annotation"),
            (mirror("a"), plain, "may not add mirror pod annotation"),
        ] {
            let expected = format!("{field}: Forbidden: {rule}");
            assert_eq!(message(update_causes(&new, &old)), expected);
        }
    }
}
