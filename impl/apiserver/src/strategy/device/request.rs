//! What a claim asks for.

use std::collections::{BTreeMap, BTreeSet};

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{Fields, below, default, default_int, each as visit, get, int, items};
use super::super::rules::{named, too_long};
use super::{REQUESTS_MAX, each, each_once, shown, taint};

const SELECTORS_MAX: usize = 32;
const ALTERNATIVES_MAX: usize = 8;
const EXPRESSION_BYTES_MAX: usize = 10 * 1024;
const MODES: [&str; 2] = ["All", "ExactCount"];
const REFERENCE_RULE: &str = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

/// Fills in what requests leave out: one device each.
pub(super) fn apply_defaults(devices: &mut Fields) {
    visit(devices, "requests", |request| {
        if let Some(exactly) = below(request, "exactly") {
            default_count(exactly);
        }
        visit(request, "firstAvailable", default_count);
    });
}

fn default_count(request: &mut Fields) {
    default(request, "allocationMode", "ExactCount");
    if request.get("allocationMode").and_then(Value::as_str) == Some("ExactCount") {
        default_int(request, "count", 1);
    }
    visit(request, "tolerations", |toleration| default(toleration, "operator", "Equal"));
}

/// The names of the requests of a claim, with those of their alternatives.
pub(super) struct Names(BTreeMap<String, BTreeSet<String>>);

impl Names {
    /// Those of a list of requests.
    pub(super) fn of(requests: &[Value]) -> Self {
        let name = |request: &Value| text(request, &["name"]).to_owned();
        let alternatives =
            |request: &Value| items(request, &["firstAvailable"]).iter().map(name).collect();
        Self(requests.iter().map(|request| (name(request), alternatives(request))).collect())
    }

    fn has(&self, reference: &str) -> bool {
        match reference.split_once('/') {
            None => self.0.contains_key(reference),
            Some((request, alternative)) => {
                self.0.get(request).is_some_and(|alternatives| alternatives.contains(alternative))
            }
        }
    }

    /// What a reference to a request breaks.
    pub(super) fn reference_causes(&self, field: &str, reference: &Value) -> Vec<Cause> {
        let reference = reference.as_str().unwrap_or_default();
        let segments: Vec<&str> = reference.split('/').collect();
        let unknown = || Cause::invalid(field, &shown(reference), REFERENCE_RULE);
        if segments.len() > 2 {
            return vec![unknown()];
        }
        let mut causes: Vec<Cause> = segments
            .into_iter()
            .flat_map(|segment| named(field, segment, names::dns_label))
            .collect();
        if !self.has(reference) {
            causes.push(unknown());
        }
        causes
    }

    /// What the requests break that something is about.
    pub(super) fn references_causes(&self, path: &str, holder: &Value) -> Vec<Cause> {
        let references = items(holder, &["requests"]);
        each_once(&format!("{path}.requests"), references, REQUESTS_MAX, &[], |field, reference| {
            self.reference_causes(field, reference)
        })
    }
}

/// What a request breaks.
pub(super) fn causes(path: &str, request: &Value) -> Vec<Cause> {
    let mut causes = name_causes(path, request);
    let alternatives = items(request, &["firstAvailable"]);
    let rule = "exactly one of `exactly` or `firstAvailable` is required";
    match (get(request, &["exactly"]), alternatives) {
        (None, []) => causes.push(Cause::required(path, rule)),
        (Some(_), [_, ..]) => {
            let rule = format!("{rule}, but multiple fields are set");
            causes.push(Cause::invalid(path, &Value::Null, &rule));
        }
        (Some(exactly), []) => causes.extend(exact_causes(&format!("{path}.exactly"), exactly)),
        (None, alternatives) => {
            let field = format!("{path}.firstAvailable");
            causes.extend(each_once(
                &field,
                alternatives,
                ALTERNATIVES_MAX,
                &["name"],
                |path, alternative| {
                    let mut causes = name_causes(path, alternative);
                    causes.extend(exact_causes(path, alternative));
                    causes
                },
            ));
        }
    }
    causes
}

fn name_causes(path: &str, request: &Value) -> Vec<Cause> {
    named(&format!("{path}.name"), text(request, &["name"]), names::dns_label)
}

fn exact_causes(path: &str, request: &Value) -> Vec<Cause> {
    let field = format!("{path}.deviceClassName");
    let mut causes = match text(request, &["deviceClassName"]) {
        "" => vec![Cause::required(field, "")],
        class => named(&field, class, names::dns_subdomain),
    };
    let selectors = items(request, &["selectors"]);
    causes.extend(selector_causes(&format!("{path}.selectors"), selectors));
    causes.extend(count_cause(path, request));
    for (index, toleration) in items(request, &["tolerations"]).iter().enumerate() {
        causes
            .extend(taint::toleration_causes(&format!("{path}.tolerations[{index}]"), toleration));
    }
    causes
}

fn count_cause(path: &str, request: &Value) -> Option<Cause> {
    let count = int(request, &["count"]).unwrap_or_default();
    let field = format!("{path}.count");
    match text(request, &["allocationMode"]) {
        "All" => {
            let rule = "must not be specified when allocationMode is 'All'";
            (count != 0).then(|| Cause::invalid(field, &json!(count), rule))
        }
        "ExactCount" => {
            (count <= 0).then(|| Cause::invalid(field, &json!(count), "must be greater than zero"))
        }
        other => {
            let field = format!("{path}.allocationMode");
            Some(Cause::not_supported(field, &json!(other), &MODES))
        }
    }
}

/// What selectors of devices break.
pub(super) fn selector_causes(path: &str, selectors: &[Value]) -> Vec<Cause> {
    each(path, selectors, SELECTORS_MAX, |path, selector| {
        let Some(cel) = get(selector, &["cel"]) else {
            return vec![Cause::required(format!("{path}.cel"), "")];
        };
        let expression = text(cel, &["expression"]);
        let field = format!("{path}.cel.expression");
        if expression.len() > EXPRESSION_BYTES_MAX {
            return vec![too_long(&field, EXPRESSION_BYTES_MAX)];
        }
        let compiled = cel::device::compile(expression);
        let invalid = |why: String| Cause::invalid(field, &json!(expression), &why);
        compiled.err().map(invalid).into_iter().collect()
    })
}
