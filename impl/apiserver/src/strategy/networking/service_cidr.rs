//! ServiceCIDRs.
//!
//! Source: `ValidateServiceCIDR` and `ValidateServiceCIDRUpdate` (v1.36).

use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::items;
use super::super::ip::{self, Cidr};
use super::super::rules;

const FIELD: &str = "spec.cidrs";

/// What it breaks, new or changed.
pub(super) fn causes(service_cidr: &Value) -> Vec<Cause> {
    let cidrs = items(service_cidr, &["spec", "cidrs"]);
    match cidrs.len() {
        0 => return vec![Cause::required(FIELD, "at least one CIDR required")],
        1..=2 => {}
        _ => {
            let shown = json!({"CIDRs": cidrs});
            return vec![Cause::invalid(FIELD, &shown, "may only hold up to 2 values")];
        }
    }
    let texts = cidrs.iter().map(|cidr| cidr.as_str().unwrap_or_default());
    let mut causes = vec![];
    for (index, text) in texts.clone().enumerate() {
        causes.extend(rules::named(&format!("{FIELD}[{index}]"), text, ip::canonical_cidr_errors));
    }
    let families: Vec<bool> = texts.filter_map(Cidr::parse).map(|cidr| cidr.is_ipv6()).collect();
    if matches!(families.as_slice(), [first, second] if first == second) {
        let rule = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
        causes.push(Cause::invalid(FIELD, &json!(cidrs), rule));
    }
    causes
}

/// What an update breaks: a second block may be added, and nothing else changes.
pub(super) fn update_causes(new: &Value, old: &Value) -> Vec<Cause> {
    let cidrs = |of| items(of, &["spec", "cidrs"]);
    let (new_cidrs, old_cidrs) = (cidrs(new), cidrs(old));
    let is_added = (old_cidrs.len(), new_cidrs.len()) == (1, 2);
    if old_cidrs.len() != new_cidrs.len() && !is_added {
        return vec![Cause::invalid(FIELD, &json!(new_cidrs), rules::IMMUTABLE)];
    }
    let pairs = new_cidrs.iter().zip(old_cidrs).enumerate();
    let mut changed: Vec<Cause> = pairs
        .filter(|(_, (new, old))| new != old)
        .map(|(index, (new, _))| Cause::invalid(format!("{FIELD}[{index}]"), new, rules::IMMUTABLE))
        .collect();
    if is_added {
        changed.extend(causes(new));
    }
    changed
}
