//! Events, as the core group serves them: little is asked of them, for old clients' sake.
//!
//! Source: `legacyValidateEvent` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::get;
use super::meta;
use super::rules::named;

/// The longest texts of an event that says when it happened, in bytes.
const LENGTHS_MAX: [(&str, usize); 4] =
    [("reportingInstance", 128), ("action", 128), ("reason", 128), ("message", 1024)];
/// Texts that such an event must have.
const REQUIRED: [&str; 4] = ["reportingComponent", "reportingInstance", "action", "reason"];

/// What a new event breaks.
pub(super) fn validate(event: &Value) -> Vec<Cause> {
    let mut causes = rule_causes(event);
    if causes.is_empty() {
        causes = meta::validate(event, true, names::path_segment);
    }
    causes
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(rule_causes(new));
    causes
}

fn rule_causes(event: &Value) -> Vec<Cause> {
    let modern = get(event, &["eventTime"]).is_some();
    let mut causes: Vec<Cause> = namespace_cause(event, modern).into_iter().collect();
    if modern {
        causes.extend(modern_causes(event));
    }
    let namespace = text(event, &["metadata", "namespace"]);
    causes.extend(named("namespace", namespace, names::dns_subdomain));
    causes
}

/// An event lives where its object lives; those of objects without a namespace live in `default`.
fn namespace_cause(event: &Value, modern: bool) -> Option<Cause> {
    let namespace = text(event, &["metadata", "namespace"]);
    let involved = text(event, &["involvedObject", "namespace"]);
    let fits = match (modern, involved) {
        (false, "") => matches!(namespace, "" | "default"),
        (true, "") => matches!(namespace, "default" | "kube-system"),
        (false, involved) => involved == namespace,
        (true, _) => true,
    };
    let rule = "does not match event.namespace";
    (!fits).then(|| Cause::invalid("involvedObject.namespace", &json!(involved), rule))
}

fn modern_causes(event: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    for field in REQUIRED {
        if text(event, &[field]).is_empty() {
            causes.push(Cause::required(field, ""));
        }
    }
    let component = text(event, &["reportingComponent"]);
    causes.extend(named("reportingComponent", component, names::label_key));
    for (field, length_max) in LENGTHS_MAX {
        if text(event, &[field]).len() > length_max {
            let rule = format!("can have at most {length_max} characters");
            causes.push(Cause::invalid(field, &json!(""), &rule));
        }
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_lives_beside_its_object() {
        let table = [
            ("default", "default", true),
            ("default", "", true),
            ("a", "b", false),
            ("a", "", false),
        ];
        for (namespace, involved, fits) in table {
            let event = json!({
                "metadata": {"name": "Any Name", "namespace": namespace},
                "involvedObject": {"namespace": involved},
            });
            assert_eq!(validate(&event).is_empty(), fits, "{namespace} {involved}");
        }
    }

    #[test]
    fn an_event_with_a_time_says_who_did_what() {
        let event = json!({
            "metadata": {"name": "e", "namespace": "a"}, "involvedObject": {"namespace": "a"},
            "eventTime": "2026-01-01T00:00:00.000000Z", "reportingComponent": "c",
            "reportingInstance": "i", "action": "Binding",
        });

        let messages: Vec<String> = validate(&event).iter().map(ToString::to_string).collect();

        assert_eq!(messages, ["reason: Required value"]);
    }
}
