//! APIServices: which API server answers for a group and version. Those that name no Service are our own.
//!
//! Source: `pkg/apis/apiregistration/validation/validation.go` and `pkg/registry/apiservice/strategy.go` of
//! kube-aggregator (v1.36). Left out: passing requests on to other servers.

use api::names;
use api::object::{object_at_mut, text};
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{flag, get, int, is_unset, items, keep, keep_metadata, or_null};
use super::kind_strategy::KindStrategy;
use super::rules::{NameRule, named};
use super::webhook_client;

const GROUP_PRIORITY_MAX: i64 = 20000;
const VERSION_PRIORITY_MAX: i64 = 1000;
const STATUSES: [&str; 3] = ["True", "False", "Unknown"];
/// Metadata that an update of the status leaves alone.
const KEPT_METADATA: [&str; 4] = ["labels", "annotations", "finalizers", "ownerReferences"];

/// The strategy of APIServices.
pub(super) struct ApiService;

impl KindStrategy for ApiService {
    fn name_rule(&self) -> NameRule {
        names::path_segment
    }

    fn is_counted(&self) -> bool {
        false
    }

    fn apply_defaults(&self, service: &mut Value) {
        webhook_client::apply_defaults(object_at_mut(service, "spec"));
    }

    fn causes(&self, service: &Value) -> Vec<Cause> {
        let spec = or_null(service, &["spec"]);
        let mut causes = name_causes(service, spec);
        causes.extend(group_version_causes(spec));
        causes.extend(priority_cause(spec, "groupPriorityMinimum", GROUP_PRIORITY_MAX));
        causes.extend(priority_cause(spec, "versionPriority", VERSION_PRIORITY_MAX));
        causes.extend(match get(spec, &["service"]) {
            Some(service) => remote_causes(spec, service),
            None => local_causes(spec),
        });
        causes
    }

    fn status_causes(&self, service: &Value) -> Vec<Cause> {
        let conditions = items(service, &["status", "conditions"]).iter().enumerate();
        let causes = conditions.filter_map(|(index, condition)| {
            let status = text(condition, &["status"]);
            let field = format!("status.conditions[{index}].status");
            let is_known = STATUSES.contains(&status);
            (!is_known).then(|| Cause::not_supported(field, &json!(status), &STATUSES))
        });
        causes.collect()
    }
}

/// Says of a new APIService that it is there, if that is our own.
pub(super) fn set_available(service: &mut Value, now: &Value) {
    if get(service, &["spec", "service"]).is_none() {
        service["status"]["conditions"] = json!([{"type": "Available", "status": "True",
            "lastTransitionTime": now, "reason": "Local",
            "message": "Local APIServices are always available"}]);
    }
}

/// Keeps what an update of the status cannot change.
pub(super) fn prepare_for_status_update(new: &mut Value, old: &Value) {
    keep(new, old, "spec");
    for field in KEPT_METADATA {
        keep_metadata(new, old, field);
    }
}

/// The name must be the version and the group, and so must be what it is generated from.
fn name_causes(service: &Value, spec: &Value) -> Vec<Cause> {
    let required = format!("{}.{}", text(spec, &["version"]), text(spec, &["group"]));
    let rule = format!("must be `spec.version+\".\"+spec.group`: {}", json!(required));
    let other = ["generateName", "name"].into_iter().filter_map(|field| {
        let name = text(service, &["metadata", field]);
        let is_other = !name.is_empty() && name != required && names::path_segment(name).is_empty();
        is_other.then(|| Cause::invalid(format!("metadata.{field}"), &json!(name), &rule))
    });
    other.collect()
}

fn group_version_causes(spec: &Value) -> Vec<Cause> {
    let (group, version) = (text(spec, &["group"]), text(spec, &["version"]));
    let mut causes = vec![];
    if group.is_empty() && version != "v1" {
        let rule = "only v1 may have an empty group and it better be legacy kube";
        causes.push(Cause::required("spec.group", rule));
    }
    if !group.is_empty() {
        causes.extend(named("spec.group", group, names::dns_subdomain));
    }
    causes.extend(named("spec.version", version, names::dns_1035_label));
    causes
}

fn priority_cause(spec: &Value, field: &str, max: i64) -> Option<Cause> {
    let priority = int(spec, &[field]).unwrap_or_default();
    let rule = format!("must be positive and less than {max}");
    let is_valid = (1..=max).contains(&priority);
    (!is_valid).then(|| Cause::invalid(format!("spec.{field}"), &json!(priority), &rule))
}

fn local_causes(spec: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    if !is_unset(get(spec, &["caBundle"])) {
        let shown = format!("{} bytes", decoded_length(text(spec, &["caBundle"])));
        let rule = "local APIServices may not have a caBundle";
        causes.push(Cause::invalid("spec.caBundle", &json!(shown), rule));
    }
    if flag(spec, &["insecureSkipTLSVerify"]) {
        let rule = "local APIServices may not have insecureSkipTLSVerify";
        causes.push(Cause::invalid("spec.insecureSkipTLSVerify", &json!(true), rule));
    }
    causes
}

/// How many bytes a text in base64 stands for.
fn decoded_length(base64: &str) -> usize {
    base64.trim_end_matches('=').len() * 3 / 4
}

fn remote_causes(spec: &Value, service: &Value) -> Vec<Cause> {
    let missing =
        ["namespace", "name"].into_iter().filter(|field| text(service, &[field]).is_empty());
    let mut causes: Vec<Cause> =
        missing.map(|field| Cause::required(format!("spec.service.{field}"), "")).collect();
    causes.extend(webhook_client::port_cause("spec.service", service));
    if flag(spec, &["insecureSkipTLSVerify"]) && !is_unset(get(spec, &["caBundle"])) {
        let rule = "may not be true if caBundle is present";
        causes.push(Cause::invalid("spec.insecureSkipTLSVerify", &json!(true), rule));
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(service: &Value) -> Vec<String> {
        ApiService.causes(service).iter().map(ToString::to_string).collect()
    }

    fn service(spec: Value) -> Value {
        let mut service = json!({"metadata": {"name": "v1.a.b"}, "spec": {"group": "a.b",
            "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1}});
        for (field, value) in spec.as_object().into_iter().flatten() {
            service["spec"][field] = value.clone();
        }
        service
    }

    #[test]
    fn an_api_service_is_named_by_what_it_serves() {
        assert!(messages(&service(json!({}))).is_empty());
        assert_eq!(
            messages(&service(json!({"group": "c"}))),
            [
                r#"metadata.name: Invalid value: "v1.a.b": must be `spec.version+"."+spec.group`: "v1.c""#
            ]
        );
    }

    #[test]
    fn what_an_api_service_says_fits_who_serves_it() {
        let there = json!({"namespace": "n", "name": "s", "port": 443});
        let table = [
            (json!({"service": there}), ""),
            (
                json!({"service": there, "insecureSkipTLSVerify": true, "caBundle": "QUFB"}),
                "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
            ),
            (
                json!({"service": {"name": "s", "port": 443}}),
                "spec.service.namespace: Required value",
            ),
            (
                json!({"service": {"namespace": "n", "name": "s", "port": 70000}}),
                "spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive",
            ),
            (
                json!({"caBundle": "QUFB"}),
                "spec.caBundle: Invalid value: \"3 bytes\": local APIServices may not have a caBundle",
            ),
            (
                json!({"insecureSkipTLSVerify": true}),
                "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify",
            ),
            (
                json!({"versionPriority": 0}),
                "spec.versionPriority: Invalid value: 0: must be positive and less than 1000",
            ),
            (
                json!({"groupPriorityMinimum": 20001}),
                "spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000",
            ),
        ];
        for (spec, expected) in table {
            assert_eq!(messages(&service(spec.clone())).join(", "), expected, "{spec}");
        }
    }

    #[test]
    fn an_update_of_the_status_leaves_labels_alone() {
        let old = json!({"metadata": {"name": "v1.a", "labels": {"a": "b"}}, "spec": {}});
        let mut new = json!({"metadata": {"name": "v1.a", "finalizers": ["a/b"]},
            "spec": {"version": "v2"}, "status": {}});

        prepare_for_status_update(&mut new, &old);

        assert_eq!(new, json!({"metadata": old["metadata"], "spec": {}, "status": {}}));
    }

    #[test]
    fn only_what_is_our_own_is_available_at_once() {
        let now = json!("2026-01-01T00:00:00Z");
        let mut local = service(json!({}));
        let mut remote = service(json!({"service": {"name": "s"}}));

        set_available(&mut local, &now);
        set_available(&mut remote, &now);

        assert_eq!(local["status"]["conditions"][0]["reason"], "Local");
        assert_eq!(remote.get("status"), None);
    }
}
