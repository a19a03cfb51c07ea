//! What a pod's status says of its claims of devices.
//!
//! Source: `validatePodResourceClaimStatuses` and `validatePodExtendedResourceClaimStatus` in
//! pkg/apis/core/validation/validation.go (v1.36).

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, items};
use super::super::rules::named;
use super::CONTAINER_LISTS;

/// What it says that the pod does not ask for, or says wrongly.
pub(super) fn causes(pod: &Value) -> Vec<Cause> {
    let mut causes = made_causes(pod);
    let extended = get(pod, &["status", "extendedResourceClaimStatus"]);
    causes.extend(extended.into_iter().flat_map(|status| extended_causes(status, pod)));
    causes
}

/// Of claims that were made of templates.
fn made_causes(pod: &Value) -> Vec<Cause> {
    let (mut causes, mut seen) = (vec![], BTreeSet::new());
    let statuses = items(pod, &["status", "resourceClaimStatuses"]);
    for (index, status) in statuses.iter().enumerate() {
        let field = |name: &str| format!("status.resourceClaimStatuses[{index}].{name}");
        let name = text(status, &["name"]);
        let mut asked = items(pod, &["spec", "resourceClaims"]).iter();
        if !asked.any(|claim| text(claim, &["name"]) == name) {
            let rule = "must match the name of an entry in `spec.resourceClaims`";
            causes.push(Cause::invalid(field("name"), &json!(name), rule));
        }
        if !seen.insert(name) {
            causes.push(Cause::duplicate(field("name"), &json!(name)));
        }
        if get(status, &["resourceClaimName"]).is_some() {
            let claim = text(status, &["resourceClaimName"]);
            causes.extend(named(&field("resourceClaimName"), claim, names::dns_subdomain));
        }
    }
    causes
}

/// Of the claim for extended resources.
fn extended_causes(status: &Value, pod: &Value) -> Vec<Cause> {
    let field = |name: &str| format!("status.extendedResourceClaimStatus.{name}");
    let (mut causes, mut seen) = (vec![], BTreeSet::new());
    let mappings = items(status, &["requestMappings"]);
    if mappings.is_empty() {
        let rule = "at least one request mapping is required";
        causes.push(Cause::required(field("requestMappings"), rule));
    }
    for (index, mapping) in mappings.iter().enumerate() {
        let of = |name: &str| field(&format!("requestMappings[{index}].{name}"));
        causes.extend(container_cause(mapping, pod, &of));
        let request = text(mapping, &["requestName"]);
        causes.extend(named(&field("requestName"), request, names::dns_label));
        let said = ["containerName", "resourceName", "requestName"];
        if !seen.insert(said.map(|name| text(mapping, &[name]))) {
            let twice = |name| Cause::duplicate(of(name), &json!(text(mapping, &[name])));
            causes.extend(said.map(twice));
        }
    }
    match text(status, &["resourceClaimName"]) {
        "" => causes.push(Cause::required(field("resourceClaimName"), "")),
        claim => causes.extend(named(&field("resourceClaimName"), claim, names::dns_subdomain)),
    }
    causes
}

/// A container that is there must request the resource.
fn container_cause(mapping: &Value, pod: &Value, of: &impl Fn(&str) -> String) -> Option<Cause> {
    let (name, resource) = (text(mapping, &["containerName"]), text(mapping, &["resourceName"]));
    let mut containers = CONTAINER_LISTS.iter().flat_map(|list| items(pod, &["spec", list]));
    let Some(container) = containers.find(|container| text(container, &["name"]) == name) else {
        let rule =
            "must match the name of an entry in spec.initContainers.name or spec.containers.name";
        return Some(Cause::invalid(of("containerName"), &json!(name), rule));
    };
    let rule = "must match the extended resource name of an entry in \
                spec.initContainers.resources.requests or spec.containers.resources.requests";
    let is_requested = get(container, &["resources", "requests", resource]).is_some();
    (!is_requested).then(|| Cause::invalid(of("resourceName"), &json!(resource), rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPU: &str = "example.com/gpu";

    fn pod(status: Value) -> Value {
        let container = json!({"name": "c", "resources": {"requests": {GPU: "1", "cpu": "1"}}});
        let claims = json!([{"name": "a"}, {"name": "b"}]);
        json!({"spec": {"containers": [container], "resourceClaims": claims}, "status": status})
    }

    fn messages(status: Value) -> Vec<String> {
        causes(&pod(status)).iter().map(ToString::to_string).collect()
    }

    fn mapping(container: &str, resource: &str, request: &str) -> Value {
        json!({"containerName": container, "resourceName": resource, "requestName": request})
    }

    #[test]
    fn a_claim_for_extended_resources_says_for_which_requests_it_is() {
        let extended = |mappings: &[Value], name: &str| {
            let status = json!({"requestMappings": mappings, "resourceClaimName": name});
            messages(json!({"extendedResourceClaimStatus": status}))
        };
        let good = mapping("c", GPU, "container-0-request-0");

        assert_eq!(extended(std::slice::from_ref(&good), "web-extended-resources-x"), [""; 0]);
        let prefix = "status.extendedResourceClaimStatus";
        assert_eq!(
            extended(&[], ""),
            [
                format!(
                    "{prefix}.requestMappings: Required value: at least one request mapping is required"
                ),
                format!("{prefix}.resourceClaimName: Required value"),
            ]
        );
        let twice = extended(&[good.clone(), good], "web");
        let said = [
            "containerName: Duplicate value: \"c\"",
            "resourceName: Duplicate value: \"example.com/gpu\"",
            "requestName: Duplicate value: \"container-0-request-0\"",
        ];
        assert_eq!(twice, said.map(|said| format!("{prefix}.requestMappings[1].{said}")));
        let wrong = |of: Value| extended(&[of], "web").remove(0);
        let place = format!("{prefix}.requestMappings[0]");
        assert!(
            wrong(mapping("d", GPU, "r"))
                .starts_with(&format!("{place}.containerName: Invalid value: \"d\""))
        );
        assert!(
            wrong(mapping("c", "x.y/z", "r"))
                .starts_with(&format!("{place}.resourceName: Invalid value: \"x.y/z\""))
        );
        assert!(
            wrong(mapping("c", GPU, "R"))
                .starts_with(&format!("{prefix}.requestName: Invalid value: \"R\""))
        );
        let good = mapping("c", GPU, "r");
        assert!(
            extended(&[good], "W")[0]
                .starts_with(&format!("{prefix}.resourceClaimName: Invalid value: \"W\""))
        );
    }

    #[test]
    fn claims_that_were_made_are_those_that_the_pod_asks_for() {
        let made = |statuses: Value| messages(json!({"resourceClaimStatuses": statuses}));

        assert_eq!(
            made(json!([{"name": "a", "resourceClaimName": "web-a"}, {"name": "b"}])),
            [""; 0]
        );
        let of = |index: usize, said: &str| format!("status.resourceClaimStatuses[{index}].{said}");
        assert_eq!(
            made(json!([{"name": "c"}, {"name": "a"}, {"name": "a"}])),
            [
                of(
                    0,
                    "name: Invalid value: \"c\": must match the name of an entry in `spec.resourceClaims`"
                ),
                of(2, "name: Duplicate value: \"a\""),
            ]
        );
        let named = made(json!([{"name": "a", "resourceClaimName": "A"}]));
        assert!(named[0].starts_with(&of(0, "resourceClaimName: Invalid value: \"A\"")));
    }
}
