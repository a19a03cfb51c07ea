//! Events. As the core group serves them little is asked of them, for old clients' sake; as `events.k8s.io`
//! does, more.
//!
//! Source: `pkg/apis/core/validation/events.go` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{get, int, is_unset, or_null, same};
use super::meta;
use super::rules::{immutable, named};

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

/// What only old clients may say.
const OLD: [&str; 4] = ["firstTimestamp", "lastTimestamp", "count", "source"];

/// What an update may not change, unless the client is old.
const LASTING: [&str; 12] = [
    "involvedObject",
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "type",
    "eventTime",
    "action",
    "related",
    "reportingInstance",
];

/// What a new event of `events.k8s.io` breaks beside.
pub(super) fn validate_strictly(event: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(event, true, names::dns_subdomain);
    causes.extend(series_causes(event));
    if get(event, &["eventTime"]).is_none() {
        causes.push(Cause::required("eventTime", ""));
    }
    let kind = text(event, &["type"]);
    if !matches!(kind, "Normal" | "Warning") {
        causes.push(Cause::invalid("type", &json!(""), &format!("has invalid value: {kind}")));
    }
    let set = OLD.into_iter().filter(|field| !is_unset(get(event, &[field])));
    causes.extend(set.map(|field| Cause::invalid(field, &json!(""), "needs to be unset")));
    causes
}

/// What an update of `events.k8s.io` breaks beside: only the series goes on.
pub(super) fn validate_update_strictly(new: &Value, old: &Value) -> Vec<Cause> {
    let series = |event| or_null(event, &["series"]);
    let mut causes = vec![];
    if !same(series(new), series(old)) {
        causes.extend(series_causes(new));
    }
    let component = [("reportingComponent", "reportingController")];
    let lasting = LASTING.map(|field| (field, field)).into_iter().chain(component);
    causes.extend(lasting.filter_map(|(field, told)| {
        immutable(told, or_null(new, &[field]), or_null(old, &[field]))
    }));
    causes
}

fn series_causes(event: &Value) -> Vec<Cause> {
    let Some(series) = get(event, &["series"]) else { return vec![] };
    let mut causes = vec![];
    if int(series, &["count"]).unwrap_or_default() < 2 {
        causes.push(Cause::invalid("series.count", &json!(""), "should be at least 2"));
    }
    if get(series, &["lastObservedTime"]).is_none() {
        causes.push(Cause::required("series.lastObservedTime", ""));
    }
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

    #[test]
    fn a_new_event_of_its_own_group_is_not_old() {
        let event = json!({
            "metadata": {"name": "e", "namespace": "a"}, "type": "Odd", "count": 1,
            "series": {"count": 1, "lastObservedTime": "2026-01-01T00:00:00.000000Z"},
        });

        let causes = validate_strictly(&event);

        let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
        assert_eq!(
            messages,
            [
                "series.count: Invalid value: \"\": should be at least 2",
                "eventTime: Required value",
                "type: Invalid value: \"\": has invalid value: Odd",
                "count: Invalid value: \"\": needs to be unset",
            ]
        );
    }

    #[test]
    fn only_the_series_of_an_event_goes_on() {
        let series = |count: i64| json!({"count": count, "lastObservedTime": "t"});
        let old = json!({"reason": "a", "reportingComponent": "c", "series": series(2)});
        let next = json!({"reason": "a", "reportingComponent": "c", "series": series(3)});
        let other = json!({"reason": "b", "reportingComponent": "d", "series": series(2)});

        assert_eq!(validate_update_strictly(&next, &old), []);
        let causes = validate_update_strictly(&other, &old);
        let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
        assert_eq!(fields, ["reason", "reportingController"]);
    }
}
