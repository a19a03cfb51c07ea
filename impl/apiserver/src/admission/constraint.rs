//! The rules of a LimitRange about one resource.
//!
//! Source: plugin/pkg/admission/limitranger/admission.go, v1.36.

use api::amounts::{Amounts, amounts};
use api::object::{at, text};
use api::quantity::Quantity;
use serde_json::Value;

/// A list of a limit, and what is asked of each amount in it.
type Rule = (&'static str, fn(&Constraint<'_>) -> Option<String>);

/// The rules for pods and containers.
pub(super) const OF_PODS: &[Rule] =
    &[("min", |it| it.min()), ("max", |it| it.max()), ("maxLimitRequestRatio", |it| it.ratio())];

/// The rules for claims, which have no limits.
pub(super) const OF_CLAIMS: &[Rule] = &[("min", |it| it.min()), ("max", |it| it.max_request())];

/// What breaks a limit, each in upstream's words.
pub(super) fn broken(
    limit: &Value,
    rules: &[Rule],
    requests: &Amounts,
    limits: &Amounts,
) -> Vec<String> {
    let kind = text(limit, &["type"]);
    let mut broken = vec![];
    for (list, rule) in rules {
        for (resource, enforced) in amounts(at(limit, &[list])) {
            let resource = resource.as_str();
            broken.extend(rule(&Constraint { kind, resource, enforced, requests, limits }));
        }
    }
    broken
}

/// One amount that a LimitRange names, and what it is held against.
pub(super) struct Constraint<'a> {
    /// `Container`, `Pod` or `PersistentVolumeClaim`.
    kind: &'a str,
    /// `cpu`, `memory` …
    resource: &'a str,
    enforced: Quantity,
    requests: &'a Amounts,
    limits: &'a Amounts,
}

impl Constraint<'_> {
    fn request(&self) -> Option<Quantity> {
        self.requests.get(self.resource).copied()
    }

    fn limit(&self) -> Option<Quantity> {
        self.limits.get(self.resource).copied()
    }

    /// `min`: what is asked for, and what is allowed, must be as much.
    fn min(&self) -> Option<String> {
        let (enforced, rule) = (self.enforced, self.rule("minimum"));
        match (self.request(), self.limit()) {
            (None, _) => Some(format!("{rule}.  No request is specified")),
            (Some(request), _) if request < enforced => {
                Some(format!("{rule}, but request is {request}"))
            }
            (_, Some(limit)) if limit < enforced => Some(format!("{rule}, but limit is {limit}")),
            _ => None,
        }
    }

    /// `max`: there must be a limit, and it must not be more.
    fn max(&self) -> Option<String> {
        let (enforced, rule) = (self.enforced, self.rule("maximum"));
        match (self.request(), self.limit()) {
            (_, None) => Some(format!("{rule}.  No limit is specified")),
            (_, Some(limit)) if limit > enforced => Some(format!("{rule}, but limit is {limit}")),
            (Some(request), _) if request > enforced => {
                Some(format!("{rule}, but request is {request}"))
            }
            _ => None,
        }
    }

    /// `max` of what knows no limits.
    fn max_request(&self) -> Option<String> {
        let rule = self.rule("maximum");
        match self.request() {
            None => Some(format!("{rule}.  No request is specified")),
            Some(request) if request > self.enforced => {
                Some(format!("{rule}, but request is {request}"))
            }
            Some(_) => None,
        }
    }

    /// `maxLimitRequestRatio`: how many times what is asked for may be used.
    fn ratio(&self) -> Option<String> {
        let rule = format!(
            "{} max limit to request ratio per {} is {}",
            self.resource, self.kind, self.enforced
        );
        let some = |amount: Option<Quantity>| amount.filter(|amount| !amount.is_zero());
        let Some(request) = some(self.request()) else {
            return Some(format!("{rule}, but no request is specified or request is 0"));
        };
        let Some(limit) = some(self.limit()) else {
            return Some(format!("{rule}, but no limit is specified or limit is 0"));
        };
        let (limit, request) = (i128::from(limit.milli()), i128::from(request.milli()));
        let is_more = limit * 1000 > i128::from(self.enforced.milli()) * request;
        is_more.then(|| format!("{rule}, but provided ratio is {}", quotient(limit, request)))
    }

    fn rule(&self, extreme: &str) -> String {
        format!("{extreme} {} usage per {} is {}", self.resource, self.kind, self.enforced)
    }
}

/// A ratio with six decimals, as upstream writes it.
fn quotient(of: i128, by: i128) -> String {
    let millionths = (of * 1_000_000 + by / 2) / by;
    format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000)
}
