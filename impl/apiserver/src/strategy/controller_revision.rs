//! ControllerRevisions.
//!
//! Source: `pkg/registry/apps/controllerrevision/strategy.go` and `ValidateControllerRevisionCreate`
//! (v1.36).

use api::names;
use api::status::Cause;
use serde_json::Value;

use super::fields::or_null;
use super::meta;
use super::rules::{NEGATIVE, immutable};

/// What a new ControllerRevision breaks.
pub(super) fn validate(revision: &Value) -> Vec<Cause> {
    let mut causes = common_causes(revision);
    causes.extend(data_cause(or_null(revision, &["data"])));
    causes
}

/// What an update breaks. The data is of one moment, so it stays.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(common_causes(new));
    causes.extend(immutable("data", or_null(new, &["data"]), or_null(old, &["data"])));
    causes
}

fn common_causes(revision: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(revision, true, names::dns_subdomain);
    let number = or_null(revision, &["revision"]).as_i64().filter(|number| *number < 0);
    causes.extend(number.map(|number| Cause::invalid("revision", &Value::from(number), NEGATIVE)));
    causes
}

fn data_cause(data: &Value) -> Option<Cause> {
    let rule = match data {
        Value::Object(_) => return None,
        Value::Null => "data is mandatory",
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            "data must be a valid JSON object"
        }
    };
    Some(Cause::required("data", rule))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_revision_says_what_it_breaks() {
        let table = [
            (json!({}), ""),
            (json!({"data": null}), "data: Required value: data is mandatory"),
            (json!({"data": []}), "data: Required value: data must be a valid JSON object"),
            (
                json!({"revision": -1}),
                "revision: Invalid value: -1: must be greater than or equal to 0",
            ),
        ];
        for (change, message) in table {
            assert_eq!(messages(validate(&revision(change))), message);
        }
    }

    #[test]
    fn the_data_stays_and_the_number_may_change() {
        let old = revision(json!({}));

        assert_eq!(validate_update(&revision(json!({"revision": 2})), &old), []);
        assert_eq!(
            messages(validate_update(&revision(json!({"data": {"a": 1}})), &old)),
            "data: Invalid value: {\"a\":1}: field is immutable"
        );
    }

    fn messages(causes: Vec<Cause>) -> String {
        causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    fn revision(change: Value) -> Value {
        let mut revision = json!({
            "metadata": {"name": "r", "namespace": "default"}, "revision": 1, "data": {"spec": {}},
        });
        revision.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        revision
    }
}
