//! The rows of kinds by which a cluster is extended.

use api::Timestamp;
use api::object::{at, text};
use serde_json::{Value, json};

use super::{age, items};

fn row(object: &Value, cells: impl IntoIterator<Item = Value>, now: Timestamp) -> Vec<Value> {
    let name = json!(text(object, &["metadata", "name"]));
    [name].into_iter().chain(cells).chain([json!(age(object, now))]).collect()
}

/// The cells of a ValidatingWebhookConfiguration or MutatingWebhookConfiguration.
pub(super) fn webhooks(object: &Value, now: Timestamp) -> Vec<Value> {
    row(object, [json!(items(object, &["webhooks"]).len())], now)
}

/// The cells of a ValidatingAdmissionPolicy or MutatingAdmissionPolicy, whose rules are in this list.
pub(super) fn policy(object: &Value, list: &str, now: Timestamp) -> Vec<Value> {
    let kind = match at(object, &["spec", "paramKind"]) {
        Some(kind) => format!("{}/{}", text(kind, &["apiVersion"]), text(kind, &["kind"])),
        None => "<unset>".to_owned(),
    };
    row(object, [json!(items(object, &["spec", list]).len()), json!(kind)], now)
}

/// The cells of a ValidatingAdmissionPolicyBinding or MutatingAdmissionPolicyBinding.
pub(super) fn policy_binding(object: &Value, now: Timestamp) -> Vec<Value> {
    let param = at(object, &["spec", "paramRef"]);
    let param = param.map_or_else(|| "<unset>".to_owned(), param_ref);
    row(object, [json!(text(object, &["spec", "policyName"])), json!(param)], now)
}

fn param_ref(param: &Value) -> String {
    match (text(param, &["namespace"]), text(param, &["name"]), at(param, &["selector"])) {
        (_, "", Some(selector)) => go_selector(selector),
        (_, "", None) => "<unset>".to_owned(),
        ("", name, _) => format!("*/{name}"),
        (namespace, name, _) => format!("{namespace}/{name}"),
    }
}

/// A selector as Go prints its type.
fn go_selector(selector: &Value) -> String {
    let labels = at(selector, &["matchLabels"]).and_then(Value::as_object).into_iter().flatten();
    let labels =
        labels.map(|(key, value)| format!("{key}: {},", value.as_str().unwrap_or_default()));
    let expressions = items(selector, &["matchExpressions"]).iter().map(|expression| {
        let values = items(expression, &["values"]).iter().filter_map(Value::as_str);
        let (key, operator) = (text(expression, &["key"]), text(expression, &["operator"]));
        let values = values.collect::<Vec<_>>().join(" ");
        format!("LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{values}],}},")
    });
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{}}},MatchExpressions:[]LabelSelectorRequirement{{{}}},}}",
        labels.collect::<String>(),
        expressions.collect::<String>()
    )
}

/// The cells of an APIService.
pub(super) fn api_service(object: &Value, now: Timestamp) -> Vec<Value> {
    let service = at(object, &["spec", "service"])
        .map(|service| format!("{}/{}", text(service, &["namespace"]), text(service, &["name"])));
    let available = match condition(object, "Available") {
        None => "Unknown".to_owned(),
        Some(condition) => match (text(condition, &["status"]), text(condition, &["reason"])) {
            ("True", _) => "True".to_owned(),
            (status, "") => status.to_owned(),
            (status, reason) => format!("{status} ({reason})"),
        },
    };
    let service = service.unwrap_or_else(|| "Local".to_owned());
    row(object, [json!(service), json!(available)], now)
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let mut conditions = items(object, &["status", "conditions"]).iter();
    conditions.find(|condition| text(condition, &["type"]) == kind)
}

/// The cells of a FlowSchema.
pub(super) fn flow_schema(object: &Value, now: Timestamp) -> Vec<Value> {
    let method = match text(object, &["spec", "distinguisherMethod", "type"]) {
        "" => "<none>",
        method => method,
    };
    let dangling = condition(object, "Dangling").map_or("?", |found| text(found, &["status"]));
    vec![
        json!(text(object, &["metadata", "name"])),
        json!(text(object, &["spec", "priorityLevelConfiguration", "name"])),
        json!(super::int(object, &["spec", "matchingPrecedence"])),
        json!(method),
        json!(age(object, now)),
        json!(dangling),
    ]
}

/// The cells of a PriorityLevelConfiguration.
pub(super) fn priority_level(object: &Value, now: Timestamp) -> Vec<Value> {
    let limited = |path: &[&str]| {
        let number = at(object, &[&["spec", "limited"], path].concat());
        number.cloned().unwrap_or_else(|| json!("<none>"))
    };
    let queuing = |field| limited(&["limitResponse", "queuing", field]);
    let cells = [
        json!(text(object, &["spec", "type"])),
        limited(&["nominalConcurrencyShares"]),
        queuing("queues"),
        queuing("handSize"),
        queuing("queueLengthLimit"),
    ];
    row(object, cells, now)
}

/// The cells of a DeviceClass or ResourceClaimTemplate.
pub(super) fn name_and_age(object: &Value, now: Timestamp) -> Vec<Value> {
    row(object, [], now)
}

/// The cells of a ResourceClaim.
pub(super) fn resource_claim(object: &Value, now: Timestamp) -> Vec<Value> {
    let is_deleted = at(object, &["metadata", "deletionTimestamp"]).is_some();
    let is_allocated = at(object, &["status", "allocation"]).is_some();
    let is_reserved = is_allocated && !items(object, &["status", "reservedFor"]).is_empty();
    let states = [
        (is_deleted, "deleted"),
        (!is_deleted && !is_allocated, "pending"),
        (is_allocated, "allocated"),
        (is_reserved, "reserved"),
    ];
    let states = super::joined(states.into_iter().filter(|(is, _)| *is).map(|(_, state)| state));
    row(object, [json!(states)], now)
}

/// The cells of a ResourceSlice.
pub(super) fn resource_slice(object: &Value, now: Timestamp) -> Vec<Value> {
    let of = |path: &[&str]| json!(text(object, path));
    let cells = [of(&["spec", "nodeName"]), of(&["spec", "driver"]), of(&["spec", "pool", "name"])];
    row(object, cells, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_says_by_what_its_policy_is_parameterized() {
        let table = [
            (json!({}), "<unset>"),
            (json!({"paramRef": {"name": "a"}}), "*/a"),
            (json!({"paramRef": {"name": "a", "namespace": "b"}}), "b/a"),
            (
                json!({"paramRef": {"selector": {"matchLabels": {"a": "b"}, "matchExpressions": [
                    {"key": "k", "operator": "In", "values": ["v", "w"]}]}}}),
                "&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[v w],},},}",
            ),
        ];
        for (spec, expected) in table {
            let cells = policy_binding(&json!({"spec": spec}), Timestamp::UNIX_EPOCH);
            assert_eq!(cells[2], expected);
        }
    }

    #[test]
    fn an_api_service_says_why_it_is_not_available() {
        let object = json!({"spec": {"service": {"namespace": "n", "name": "s"}},
            "status": {"conditions": [
                {"type": "Available", "status": "False", "reason": "ServiceNotFound"}]}});

        let cells = api_service(&object, Timestamp::UNIX_EPOCH);

        assert_eq!(cells[1..3], [json!("n/s"), json!("False (ServiceNotFound)")]);
        let unknown = api_service(&json!({}), Timestamp::UNIX_EPOCH);
        assert_eq!(unknown[1..3], [json!("Local"), json!("Unknown")]);
    }

    #[test]
    fn a_claim_says_how_far_it_is() {
        let table = [
            (json!({}), "pending"),
            (json!({"metadata": {"deletionTimestamp": "t"}}), "deleted"),
            (json!({"status": {"allocation": {}}}), "allocated"),
            (json!({"status": {"allocation": {}, "reservedFor": [{}]}}), "allocated,reserved"),
        ];
        for (object, expected) in table {
            assert_eq!(resource_claim(&object, Timestamp::UNIX_EPOCH)[1], expected);
        }
    }

    #[test]
    fn flow_schemas_stand_in_the_order_in_which_they_are_looked_at() {
        let precedences = [9, 1, 5].map(|number| json!({"spec": {"matchingPrecedence": number}}));

        let rows = |resource| super::super::in_order(resource, &precedences);

        let sorted = [&precedences[1], &precedences[2], &precedences[0]];
        assert_eq!(rows(&api::resources::FLOW_SCHEMAS), sorted);
        assert_eq!(rows(&api::resources::PODS)[0], &precedences[0]);
    }

    #[test]
    fn a_level_without_queues_shows_none() {
        let level =
            json!({"spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 5}}});

        let cells = priority_level(&level, Timestamp::UNIX_EPOCH);

        assert_eq!(cells[1..4], [json!("Limited"), json!(5), json!("<none>")]);
    }
}
