//! How a Service is reached from outside its cluster: external IPs, load balancers, and where traffic goes.
//!
//! Source: `validateService`, `validateLoadBalancerClassField` and `validateServiceExternalTrafficPolicy` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::Value;

use super::linked::is_external;
use super::{kind_of, needs_health_check};
use crate::strategy::fields::{get, int, items};
use crate::strategy::ip;
use crate::strategy::rules::{named, one_of};

const RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
const POLICIES: [&str; 2] = ["Cluster", "Local"];
const DISTRIBUTIONS: [&str; 3] = ["PreferClose", "PreferSameZone", "PreferSameNode"];
const ONLY_BALANCED: &str = "may only be used when `type` is 'LoadBalancer'";

/// What a Service breaks that replaces another, or `null` if it is new.
pub(super) fn causes(service: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = external_ip_causes(service, old);
    causes.extend(range_causes(service, old));
    causes.extend(balancer_causes(service));
    causes.extend(policy_causes(service));
    causes
}

/// What an update breaks: what has been agreed with a load balancer stays.
pub(super) fn update_causes(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let class = |service| get(service, &["spec", "loadBalancerClass"]);
    let are_balanced = is_balanced(new) && is_balanced(old);
    if are_balanced && class(new) != class(old) {
        let shown = class(new).unwrap_or(&Value::Null);
        let rule = "may not change once set";
        causes.push(Cause::invalid("spec.loadBalancerClass", shown, rule));
    }
    let port = |service| int(service, &["spec", "healthCheckNodePort"]).unwrap_or_default();
    if needs_health_check(new) && needs_health_check(old) && port(new) != port(old) {
        causes.push(Cause::forbidden("spec.healthCheckNodePort", "field is immutable"));
    }
    causes
}

fn is_balanced(service: &Value) -> bool {
    kind_of(service) == "LoadBalancer"
}

fn external_ip_causes(service: &Value, old: &Value) -> Vec<Cause> {
    let path = ["spec", "externalIPs"];
    let mut causes = vec![];
    for (index, value) in items(service, &path).iter().enumerate() {
        let (field, address) = (format!("spec.externalIPs[{index}]"), text(value, &[]));
        let broken = match items(old, &path).contains(value) {
            true => vec![],
            false => named(&field, address, ip::ip_errors),
        };
        causes.extend(match broken.is_empty() {
            true => ip::endpoint_ip_causes(&field, address),
            false => broken,
        });
    }
    causes
}

/// Who may reach the load balancer, as a field or, as it was before, as an annotation.
fn range_causes(service: &Value, old: &Value) -> Vec<Cause> {
    let path = ["spec", "loadBalancerSourceRanges"];
    let trimmed = |range: &Value| text(range, &[]).trim().to_owned();
    let old_ranges: Vec<String> = items(old, &path).iter().map(trimmed).collect();
    let ranges: Vec<String> = items(service, &path).iter().map(trimmed).collect();
    if ranges.is_empty() {
        return annotation_causes(service, old);
    }
    // Upstream writes the field as its Go name.
    let field = "spec.LoadBalancerSourceRanges";
    let mut causes = only_balanced(service, field);
    for (index, range) in ranges.iter().enumerate() {
        if !old_ranges.contains(range) {
            causes.extend(named(&format!("{field}[{index}]"), range, ip::cidr_errors));
        }
    }
    causes
}

fn annotation_causes(service: &Value, old: &Value) -> Vec<Cause> {
    let path = ["metadata", "annotations", RANGES];
    let Some(value) = get(service, &path) else {
        return vec![];
    };
    let field = format!("metadata.annotations[{RANGES}]");
    let mut causes = only_balanced(service, &field);
    let ranges = text(value, &[]).trim();
    if get(old, &path) != Some(value) && !ranges.is_empty() {
        let each = ranges.split(',').map(str::trim);
        causes.extend(each.flat_map(|range| named(&field, range, ip::cidr_errors)));
    }
    causes
}

fn only_balanced(service: &Value, field: &str) -> Vec<Cause> {
    match is_balanced(service) {
        true => vec![],
        false => vec![Cause::forbidden(field, ONLY_BALANCED)],
    }
}

fn balancer_causes(service: &Value) -> Vec<Cause> {
    let given = |field: &str| get(service, &["spec", field]);
    let mut causes = vec![];
    if given("allocateLoadBalancerNodePorts").is_some() {
        causes.extend(only_balanced(service, "spec.allocateLoadBalancerNodePorts"));
    }
    if let Some(class) = given("loadBalancerClass") {
        let field = "spec.loadBalancerClass";
        causes.extend(match is_balanced(service) {
            true => named(field, text(class, &[]), names::label_key),
            false => only_balanced(service, field),
        });
    }
    causes
}

fn policy_causes(service: &Value) -> Vec<Cause> {
    let given = |field: &str| get(service, &["spec", field]);
    let external = given("externalTrafficPolicy").filter(|policy| **policy != "");
    let field = "spec.externalTrafficPolicy".to_owned();
    let mut causes: Vec<Cause> = match external {
        Some(policy) if !is_external(service) => {
            let rule = "may only be set for externally-accessible services";
            vec![Cause::invalid(field, policy, rule)]
        }
        policy => one_of(field, policy, &POLICIES, is_external(service)).into_iter().collect(),
    };
    let is_inside = matches!(kind_of(service), "ClusterIP" | "LoadBalancer" | "NodePort");
    let field = "spec.internalTrafficPolicy";
    causes.extend(match given("internalTrafficPolicy") {
        None => is_inside.then(|| Cause::required(field, "")),
        Some(policy) => supported(field, policy, &POLICIES),
    });
    if let Some(distribution) = given("trafficDistribution") {
        causes.extend(supported("spec.trafficDistribution", distribution, &DISTRIBUTIONS));
    }
    causes
}

fn supported(field: &str, value: &Value, supported: &[&str]) -> Option<Cause> {
    let is_supported = supported.contains(&text(value, &[]));
    (!is_supported).then(|| Cause::not_supported(field, value, supported))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(kind: &str, change: &Value) -> Value {
        let mut spec = json!({"type": kind, "internalTrafficPolicy": "Cluster"});
        if kind != "ClusterIP" {
            spec["externalTrafficPolicy"] = json!("Cluster");
        }
        spec.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        json!({"metadata": {}, "spec": spec})
    }

    fn told(causes: &[Cause]) -> String {
        causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_service_says_what_it_breaks_outside() {
        let only = "Forbidden: may only be used when `type` is 'LoadBalancer'";
        let table = [
            ("ClusterIP", json!({"trafficDistribution": "PreferSameNode"}), String::new()),
            ("LoadBalancer", json!({"loadBalancerSourceRanges": [" 10.0.0.0/8 "]}), String::new()),
            (
                "LoadBalancer",
                json!({"loadBalancerSourceRanges": ["a"]}),
                "spec.LoadBalancerSourceRanges[0]: Invalid value: \"a\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".to_owned(),
            ),
            (
                "ClusterIP",
                json!({"loadBalancerSourceRanges": ["10.0.0.0/8"]}),
                format!("spec.LoadBalancerSourceRanges: {only}"),
            ),
            (
                "NodePort",
                json!({"externalIPs": ["127.0.0.1"]}),
                "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned(),
            ),
            (
                "ClusterIP",
                json!({"allocateLoadBalancerNodePorts": true}),
                format!("spec.allocateLoadBalancerNodePorts: {only}"),
            ),
            ("ClusterIP", json!({"loadBalancerClass": "a/b"}), format!("spec.loadBalancerClass: {only}")),
            (
                "LoadBalancer",
                json!({"loadBalancerClass": "a b"}),
                "spec.loadBalancerClass: Invalid value: \"a b\": name part must consist".to_owned(),
            ),
            (
                "ClusterIP",
                json!({"externalTrafficPolicy": "Local"}),
                "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services".to_owned(),
            ),
            (
                "NodePort",
                json!({"externalTrafficPolicy": "Far"}),
                "spec.externalTrafficPolicy: Unsupported value: \"Far\": supported values: \"Cluster\", \"Local\"".to_owned(),
            ),
            (
                "ClusterIP",
                json!({"internalTrafficPolicy": "Far"}),
                "spec.internalTrafficPolicy: Unsupported value: \"Far\": supported values: \"Cluster\", \"Local\"".to_owned(),
            ),
            (
                "ClusterIP",
                json!({"trafficDistribution": "PreferFar"}),
                "spec.trafficDistribution: Unsupported value: \"PreferFar\": supported values: \"PreferClose\", \"PreferSameZone\", \"PreferSameNode\"".to_owned(),
            ),
        ];
        for (kind, change, expected) in table {
            let told = told(&causes(&service(kind, &change), &Value::Null));
            assert_eq!(told.is_empty(), expected.is_empty(), "{change}: {told}");
            assert!(told.starts_with(&expected), "{told}");
        }
    }

    #[test]
    fn an_address_that_was_there_may_be_written_as_before() {
        let old = service("NodePort", &json!({"externalIPs": ["010.0.0.1"]}));

        assert_eq!(
            told(&causes(&old, &Value::Null)),
            "spec.externalIPs[0]: Invalid value: \"010.0.0.1\": must not have leading 0s"
        );
        assert_eq!(causes(&old, &old), []);
    }

    #[test]
    fn ranges_in_an_annotation_are_for_load_balancers_too() {
        let mut old = service("LoadBalancer", &json!({}));
        old["metadata"] = json!({"annotations": {RANGES: "10.0.0.0/8, a"}});

        assert!(told(&causes(&old, &Value::Null)).starts_with(
            "metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]: Invalid value: \"a\""
        ));
        assert_eq!(causes(&old, &old), []);
    }

    #[test]
    fn what_is_agreed_with_a_load_balancer_stays() {
        let of = |class: &str, port: i64| {
            service(
                "LoadBalancer",
                &json!({
                    "loadBalancerClass": class, "externalTrafficPolicy": "Local",
                    "healthCheckNodePort": port,
                }),
            )
        };

        assert_eq!(
            told(&update_causes(&of("b", 2), &of("a", 1))),
            "spec.loadBalancerClass: Invalid value: \"b\": may not change once set\n\
             spec.healthCheckNodePort: Forbidden: field is immutable"
        );
        assert_eq!(update_causes(&of("a", 1), &of("a", 1)), []);
    }
}
