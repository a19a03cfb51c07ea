//! The address families of a Service, in a cluster of IPv4 alone.
//!
//! Source: `initIPFamilyFields` in pkg/registry/core/service/storage/alloc.go and
//! `ValidateServiceClusterIPsRelatedFields`, v1.36.

use std::collections::BTreeSet;

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::kind_of;
use crate::strategy::fields::{get, items, or_null, same};
use crate::strategy::ip;
use crate::strategy::rules::one_of;

const POLICY: &str = "spec.ipFamilyPolicy";
const IPS: &str = "spec.clusterIPs";
const POLICIES: [&str; 3] = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const FAMILIES: [&str; 2] = ["IPv4", "IPv6"];

/// Fills in policy and families; what the given ones break.
pub(crate) fn init(new: &mut Value, old: Option<&Value>) -> Vec<Cause> {
    if kind_of(new) == "ExternalName" || keeps_preference(new, old) {
        return vec![];
    }
    set_policy(new, old);
    let mut causes = related_causes(new, old);
    if !causes.is_empty() {
        return causes;
    }
    causes.extend(policy_causes(new, old));
    causes.extend(infer(new));
    if !causes.is_empty() {
        return causes;
    }
    let is_single = policy(new) == "SingleStack";
    let spec = api::object::object_at_mut(new, "spec");
    let families = spec.entry("ipFamilies").or_insert_with(|| json!([]));
    if families.as_array().is_none_or(Vec::is_empty) {
        *families = json!(["IPv4"]);
    }
    if is_open(new) {
        complete(new, is_single);
        return vec![];
    }
    configured_causes(new)
}

fn policy(service: &Value) -> &str {
    text(service, &["spec", "ipFamilyPolicy"])
}

/// Of a headless Service without selector nobody knows the families.
fn is_open(service: &Value) -> bool {
    text(service, &["spec", "clusterIP"]) == "None"
        && same(or_null(service, &["spec", "selector"]), &Value::Null)
}

fn complete(service: &mut Value, is_single: bool) {
    let families = service["spec"]["ipFamilies"].as_array_mut();
    let Some(families) = families.filter(|families| !is_single && families.len() == 1) else {
        return;
    };
    families.push(json!(if families[0] == "IPv4" { "IPv6" } else { "IPv4" }));
}

/// A Service that prefers two families and keeps what it has is left alone.
fn keeps_preference(new: &Value, old: Option<&Value>) -> bool {
    let Some(old) = old.filter(|old| policy(old) == "PreferDualStack") else { return false };
    let unchanged = |field: &str| {
        let path = ["spec", field];
        same(or_null(new, &path), or_null(old, &path))
    };
    ["type", "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"].into_iter().all(unchanged)
}

fn set_policy(new: &mut Value, old: Option<&Value>) {
    if !policy(new).is_empty() {
        return;
    }
    let before = old.map(policy).filter(|policy| !policy.is_empty());
    let default = if is_open(new) { "RequireDualStack" } else { "SingleStack" };
    let policy = json!(before.unwrap_or(default));
    api::object::object_at_mut(new, "spec").insert("ipFamilyPolicy".to_owned(), policy);
}

/// What the fields break among themselves.
fn related_causes(new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let (all, families) =
        (or_null(new, &["spec", "clusterIPs"]), items(new, &["spec", "ipFamilies"]));
    let ips: Vec<&str> =
        items(new, &["spec", "clusterIPs"]).iter().filter_map(Value::as_str).collect();
    let mut causes = linked_causes(new, &ips);
    let mut seen = BTreeSet::new();
    for (index, family) in families.iter().enumerate() {
        let field = format!("spec.ipFamilies[{index}]");
        if !seen.insert(family.as_str()) {
            causes.push(Cause::duplicate(&field, family));
        }
        causes.extend(one_of(field, Some(family), &FAMILIES, true));
    }
    causes.extend(one_of(
        POLICY.to_owned(),
        get(new, &["spec", "ipFamilyPolicy"]),
        &POLICIES,
        true,
    ));
    let invalid = ip_causes(&ips, all, old);
    let is_invalid = !invalid.is_empty();
    causes.extend(invalid);
    if ips.len() > 2 {
        causes.push(Cause::invalid(IPS, all, "may only hold up to 2 values"));
    }
    if is_invalid {
        return causes;
    }
    let is_v6 = |ip: &str| ip.contains(':');
    if ips.len() > 1 && (ips.len() > 2 || is_v6(ips[0]) == is_v6(ips[1])) {
        causes.push(Cause::invalid(IPS, all, "may specify no more than one IP for each IP family"));
    }
    for (index, (ip, family)) in ips.iter().zip(families).enumerate() {
        let found = if is_v6(ip) { "IPv6" } else { "IPv4" };
        if *ip != "None" && family != found {
            let family = family.as_str().unwrap_or_default();
            let rule = format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
            causes.push(Cause::invalid(format!("{IPS}[{index}]"), &json!(ip), &rule));
        }
    }
    causes
}

fn linked_causes(new: &Value, ips: &[&str]) -> Vec<Cause> {
    let all = or_null(new, &["spec", "clusterIPs"]);
    match (text(new, &["spec", "clusterIP"]), ips.first()) {
        ("", Some(_)) => {
            vec![Cause::invalid(IPS, all, "must be empty when `clusterIP` is not specified")]
        }
        ("", None) => vec![],
        (_, None) => vec![Cause::required(IPS, "")],
        (single, Some(first)) if single != *first => {
            vec![Cause::invalid(IPS, all, "first value must match `clusterIP`")]
        }
        (_, Some(_)) => vec![],
    }
}

/// What was valid once stays so.
fn ip_causes(ips: &[&str], all: &Value, old: Option<&Value>) -> Vec<Cause> {
    let known = old.map(|old| items(old, &["spec", "clusterIPs"])).unwrap_or_default();
    let mut causes = vec![];
    for (index, ip) in ips.iter().enumerate() {
        if index == 0 && *ip == "None" {
            if ips.len() > 1 {
                causes.push(Cause::invalid(IPS, all, "'None' must be the first and only value"));
            }
        } else if !known.iter().any(|known| known == ip) {
            let field = format!("{IPS}[{index}]");
            let errors = ip::ip_errors(ip).into_iter();
            causes.extend(errors.map(|error| Cause::invalid(&field, &json!(ip), &error)));
        }
    }
    causes
}

fn policy_causes(new: &mut Value, old: Option<&Value>) -> Vec<Cause> {
    let count = |service: &Value, field: &str| items(service, &["spec", field]).len();
    let mut causes = vec![];
    let given = json!(policy(new));
    let is_single = policy(new) == "SingleStack";
    for (field, what) in [("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")] {
        let Some(old) = old else { continue };
        let path = ["spec", field];
        if is_single && same(or_null(new, &path), or_null(old, &path)) {
            let list = api::object::object_at_mut(new, "spec").get_mut(field);
            list.and_then(Value::as_array_mut).into_iter().for_each(|list| list.truncate(1));
        } else if !is_single && (1..count(old, field)).contains(&count(new, field)) {
            let rule = format!("must be 'SingleStack' to release the secondary {what}");
            causes.push(Cause::invalid(POLICY, &given, &rule));
        }
    }
    for (field, what) in [("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")] {
        if is_single && count(new, field) == 2 {
            let rule = format!(
                "must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified"
            );
            causes.push(Cause::invalid(POLICY, &given, &rule));
        }
    }
    causes
}

/// The families of addresses that are given without.
fn infer(new: &mut Value) -> Vec<Cause> {
    let all = or_null(new, &["spec", "clusterIPs"]).clone();
    let mut causes = vec![];
    for (index, ip) in all.as_array().into_iter().flatten().enumerate() {
        let ip = ip.as_str().unwrap_or_default();
        if ip == "None" {
            break;
        }
        if index < items(new, &["spec", "ipFamilies"]).len() {
            continue;
        }
        if ip.contains(':') {
            let rule = "IPv6 is not configured on this cluster";
            causes.push(Cause::invalid(format!("{IPS}[{index}]"), &all, rule));
            continue;
        }
        let spec = api::object::object_at_mut(new, "spec");
        let families = spec.entry("ipFamilies").or_insert_with(|| json!([]));
        families.as_array_mut().into_iter().for_each(|families| families.push(json!("IPv4")));
    }
    causes
}

fn configured_causes(service: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    if policy(service) == "RequireDualStack" {
        let rule = "this cluster is not configured for dual-stack services";
        causes.push(Cause::invalid(POLICY, &json!("RequireDualStack"), rule));
    }
    for (index, family) in items(service, &["spec", "ipFamilies"]).iter().enumerate() {
        if family != "IPv4" {
            let field = format!("spec.ipFamilies[{index}]");
            causes.push(Cause::invalid(field, family, "not configured on this cluster"));
        }
    }
    causes
}
