//! RuntimeClasses.
//!
//! Source: `pkg/apis/node/validation/validation.go` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{below, get, items, or_null};
use super::{meta, resources, rules, toleration};

const TOLERATIONS: &str = "scheduling.tolerations";

/// Writes its quantities in one way.
pub(super) fn apply_defaults(runtime_class: &mut Value) {
    let fields = runtime_class.as_object_mut();
    if let Some(overhead) = fields.and_then(|fields| below(fields, "overhead")) {
        resources::canonicalize(overhead, "podFixed");
    }
}

/// What a new RuntimeClass breaks.
pub(super) fn validate(runtime_class: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(runtime_class, false, names::dns_subdomain);
    causes.extend(own_causes(runtime_class));
    causes
}

/// What an update breaks. A class is of one handler.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(own_causes(new));
    let (new, old) = (or_null(new, &["handler"]), or_null(old, &["handler"]));
    causes.extend(rules::immutable("handler", new, old));
    causes
}

fn own_causes(runtime_class: &Value) -> Vec<Cause> {
    let mut causes = match text(runtime_class, &["handler"]) {
        "" => vec![Cause::required("handler", "")],
        handler => rules::named("handler", handler, names::dns_label),
    };
    if let Some(pod_fixed) = get(runtime_class, &["overhead", "podFixed"]) {
        causes.extend(resources::validate("overhead", &json!({"limits": pod_fixed})));
    }
    let selector = get(runtime_class, &["scheduling", "nodeSelector"]);
    causes.extend(rules::labels("scheduling.nodeSelector", selector));
    causes.extend(toleration_causes(items(runtime_class, &["scheduling", "tolerations"])));
    causes
}

fn toleration_causes(tolerations: &[Value]) -> Vec<Cause> {
    let mut causes = toleration::validate(TOLERATIONS, tolerations);
    let key =
        |toleration| ["key", "operator", "value", "effect"].map(|field| text(toleration, &[field]));
    for (index, toleration) in tolerations.iter().enumerate() {
        if tolerations[..index].iter().any(|earlier| key(earlier) == key(toleration)) {
            let message = format!("Duplicate value: {}", internal_toleration(toleration));
            let field = format!("{TOLERATIONS}[{index}]");
            causes.push(Cause { reason: "FieldValueDuplicate", field, message });
        }
    }
    causes
}

/// The Go struct, whose fields have no JSON names (v1.36, `pkg/apis/core/types.go`).
fn internal_toleration(toleration: &Value) -> String {
    let part = |field: &str| json!(text(toleration, &[field]));
    let (key, operator) = (part("key"), part("operator"));
    let (value, effect) = (part("value"), part("effect"));
    let seconds = or_null(toleration, &["tolerationSeconds"]);
    format!(
        "{{\"Key\":{key},\"Operator\":{operator},\"Value\":{value},\"Effect\":{effect},\"TolerationSeconds\":{seconds}}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_class_says_what_it_breaks() {
        let toleration = json!({"key": "a", "operator": "Exists"});
        let table = [
            (json!({"handler": "runc"}), vec![]),
            (json!({}), vec!["handler: Required value"]),
            (
                json!({"handler": "a.b"}),
                vec!["handler: Invalid value: \"a.b\": must not contain dots"],
            ),
            (
                json!({"handler": "a", "overhead": {"podFixed": {"cpu": "-1"}}}),
                vec![
                    "overhead.limits[cpu]: Invalid value: \"-1\": must be greater than or equal to 0",
                ],
            ),
            (
                json!({"handler": "a", "scheduling": {"tolerations": [toleration, toleration]}}),
                vec![
                    "scheduling.tolerations[1]: Duplicate value: {\"Key\":\"a\",\"Operator\":\"Exists\",\"Value\":\"\",\"Effect\":\"\",\"TolerationSeconds\":null}",
                ],
            ),
        ];
        for (class, expected) in table {
            assert_eq!(messages(validate(&runtime_class(class))), expected);
        }
    }

    #[test]
    fn the_handler_stays() {
        let of = |handler: &str| runtime_class(json!({"handler": handler}));

        assert_eq!(
            messages(validate_update(&of("b"), &of("a"))),
            ["handler: Invalid value: \"b\": field is immutable"]
        );
    }

    #[test]
    fn quantities_are_written_in_one_way() {
        let class = runtime_class(json!({"overhead": {"podFixed": {"cpu": 0.25}}}));

        assert_eq!(class["overhead"]["podFixed"]["cpu"], "250m");
    }

    fn runtime_class(mut class: Value) -> Value {
        class["metadata"] = json!({"name": "c"});
        apply_defaults(&mut class);
        class
    }

    fn messages(causes: Vec<Cause>) -> Vec<String> {
        causes.iter().map(ToString::to_string).collect()
    }
}
