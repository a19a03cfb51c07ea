//! The fields by which lists and watches can select objects of each kind.
//!
//! Source: `ToSelectableFields` of `pkg/registry` and the field label conversions (v1.36).

use std::collections::BTreeMap;

use api::ApiResource;
use api::object::text;
use serde_json::Value;

use super::fields::{flag, int};

const NAME: &str = "metadata.name";
const NAMESPACE: &str = "metadata.namespace";
const POD: &[&str] = &[
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
    "spec.hostNetwork",
];
const EVENT: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

/// The fields of one object that a field selector can name.
pub(crate) fn selectable_fields(
    resource: &ApiResource,
    object: &Value,
) -> BTreeMap<&'static str, String> {
    let common: &[&'static str] = if resource.namespaced { &[NAME, NAMESPACE] } else { &[NAME] };
    let own = own_fields(resource);
    common.iter().chain(own).map(|field| (*field, value_of(resource, object, field))).collect()
}

/// The field that a field selector names, asked of a resource as it is served; or why it may not.
///
/// Source: `AddFieldLabelConversionFunc` in pkg/apis/*/v1/conversion.go, and
/// `DefaultMetaV1FieldSelectorConversion` of apimachinery/pkg/runtime/conversion.go, v1.36.
pub(crate) fn selectable_field(served: &ApiResource, label: &str) -> Result<String, String> {
    let own = own_fields(served);
    let field = match (served.kind, served.group) {
        ("Event", "events.k8s.io") => field_of_new_event(label),
        ("Pod", _) if label == "spec.host" => Some("spec.nodeName".to_owned()),
        // It is taken, and no pod has it.
        ("Pod", _) if label == "status.podIPs" => Some(label.to_owned()),
        _ => own.contains(&label).then(|| label.to_owned()),
    };
    // Of cluster-scoped kinds upstream takes the namespace too, except where a kind lists its own labels.
    let is_common = label == NAME || (label == NAMESPACE && (served.namespaced || own.is_empty()));
    field.or_else(|| is_common.then(|| label.to_owned())).ok_or_else(|| match served.kind {
        "Job" => format!("field label \"{label}\" not supported for Job"),
        "ResourceSlice" => {
            let of = format!("{}, Kind=ResourceSlice", served.api_version());
            format!("field label not supported for {of}: {label}")
        }
        _ if own.is_empty() => {
            format!("\"{label}\" is not a known field selector: only \"{NAME}\", \"{NAMESPACE}\"")
        }
        _ => format!("field label not supported: {label}"),
    })
}

/// Events of `events.k8s.io` are selected by the words of that group. Source: pkg/apis/events/v1/conversion.go, v1.36.
fn field_of_new_event(label: &str) -> Option<String> {
    let involved = label.strip_prefix("regarding.").map(|rest| format!("involvedObject.{rest}"));
    let field = match label {
        "reportingController" => Some("reportingComponent".to_owned()),
        "reason" | "type" => Some(label.to_owned()),
        _ => involved,
    };
    field.filter(|field| EVENT.contains(&field.as_str()))
}

fn own_fields(resource: &ApiResource) -> &'static [&'static str] {
    match resource.kind {
        "CertificateSigningRequest" => &["spec.signerName"],
        "Event" => EVENT,
        "Job" => &["status.successful"],
        "Namespace" => &["status.phase"],
        "Node" => &["spec.unschedulable"],
        "Pod" => POD,
        "ReplicationController" => &["status.replicas"],
        "ResourceSlice" => &["spec.nodeName", "spec.driver"],
        "Secret" => &["type"],
        "Service" => &["spec.clusterIP", "spec.type"],
        _ => &[],
    }
}

fn value_of(resource: &ApiResource, object: &Value, field: &str) -> String {
    let path: Vec<&str> = field.split('.').collect();
    match (resource.kind, field) {
        ("Pod", "spec.hostNetwork") | ("Node", "spec.unschedulable") => {
            flag(object, &path).to_string()
        }
        ("ReplicationController", "status.replicas") => {
            int(object, &path).unwrap_or_default().to_string()
        }
        ("Job", "status.successful") => {
            int(object, &["status", "succeeded"]).unwrap_or_default().to_string()
        }
        ("Pod", "status.podIP") => pod_ip(object).to_owned(),
        ("Event", "source") => match text(object, &["source", "component"]) {
            "" => text(object, &["reportingComponent"]).to_owned(),
            component => component.to_owned(),
        },
        _ => text(object, &path).to_owned(),
    }
}

fn pod_ip(pod: &Value) -> &str {
    let first = pod.pointer("/status/podIPs/0/ip").and_then(Value::as_str);
    first.unwrap_or_else(|| text(pod, &["status", "podIP"]))
}

#[cfg(test)]
mod tests {
    use api::resources;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_is_selected_by_its_node_and_phase() {
        let pod = json!({
            "metadata": {"name": "p", "namespace": "n"}, "spec": {"nodeName": "node-1"},
            "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}]},
        });

        let fields = selectable_fields(&resources::PODS, &pod);

        let table = [
            ("metadata.name", "p"),
            ("metadata.namespace", "n"),
            ("spec.nodeName", "node-1"),
            ("spec.hostNetwork", "false"),
            ("status.phase", "Running"),
            ("status.podIP", "10.0.0.1"),
            ("status.nominatedNodeName", ""),
        ];
        for (field, value) in table {
            assert_eq!(fields[field], value, "{field}");
        }
        assert_eq!(fields.len(), 10);
    }

    #[test]
    fn each_kind_has_its_own_fields() {
        let table = [
            (&resources::PODS, "spec.nodeName", true),
            (&resources::JOBS, "status.successful", true),
            (&resources::REPLICATION_CONTROLLERS, "status.replicas", true),
            (&resources::JOBS, "status.succeeded", false),
            (&resources::PODS, "spec.containers", false),
            (&resources::NODES, "spec.unschedulable", true),
            (&resources::SECRETS, "type", true),
            (&resources::CONFIG_MAPS, "type", false),
            (&resources::CONFIG_MAPS, "metadata.name", true),
            (&resources::EVENTS, "involvedObject.uid", true),
            (&resources::NAMESPACES, "status.phase", true),
            (&resources::NAMESPACES, "metadata.namespace", false),
            (&resources::CERTIFICATE_SIGNING_REQUESTS, "spec.signerName", true),
            (&resources::CERTIFICATE_SIGNING_REQUESTS, "metadata.namespace", false),
        ];
        for (resource, field, expected) in table {
            assert_eq!(selectable_field(resource, field).is_ok(), expected, "{field}");
        }
    }

    #[test]
    fn events_are_selected_by_the_words_of_their_group() {
        let newer = resources::find("events.k8s.io", "v1", "events").unwrap();
        let table = [
            ("regarding.name", Some("involvedObject.name")),
            ("regarding.fieldPath", Some("involvedObject.fieldPath")),
            ("reportingController", Some("reportingComponent")),
            ("reason", Some("reason")),
            ("type", Some("type")),
            ("metadata.namespace", Some("metadata.namespace")),
            ("involvedObject.name", None),
            ("reportingComponent", None),
            ("source", None),
            ("regarding.other", None),
        ];
        for (label, field) in table {
            assert_eq!(selectable_field(newer, label).ok().as_deref(), field, "{label}");
        }
        assert!(selectable_field(&resources::EVENTS, "regarding.name").is_err());
        assert!(selectable_field(&resources::EVENTS, "source").is_ok());
    }

    #[test]
    fn a_field_that_is_not_selected_is_refused_in_the_words_of_its_kind() {
        let refused = |resource, label| selectable_field(resource, label).unwrap_err();

        let known =
            "\"a\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";
        assert_eq!(refused(&resources::REPLICA_SETS, "a"), known);
        assert_eq!(refused(&resources::PODS, "a"), "field label not supported: a");
        assert_eq!(refused(&resources::JOBS, "a"), "field label \"a\" not supported for Job");
        assert_eq!(
            refused(&resources::RESOURCE_SLICES, "a"),
            "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: a"
        );
        let node = refused(&resources::NODES, "metadata.namespace");
        assert_eq!(node, "field label not supported: metadata.namespace");
        let host = selectable_field(&resources::PODS, "spec.host");
        assert_eq!(host.as_deref(), Ok("spec.nodeName"));
    }

    #[test]
    fn a_job_is_selected_by_the_number_of_its_successes() {
        let job = json!({"status": {"succeeded": 2}});

        assert_eq!(selectable_fields(&resources::JOBS, &job)["status.successful"], "2");
    }

    #[test]
    fn an_event_has_the_source_of_either_api() {
        let event = json!({"reportingComponent": "kubelet"});

        assert_eq!(selectable_fields(&resources::EVENTS, &event)["source"], "kubelet");
    }
}
