//! `DeleteOptions`: how an object is to go. They are in the body, or else in the query.
//!
//! Source: apiserver/pkg/endpoints/handlers/delete.go, and `ValidateDeleteOptions` of
//! apimachinery/pkg/apis/meta/v1/validation/validation.go, v1.36.

use api::object::{at, text};
use api::status::Cause;
use api::{ApiResource, Status, decode};
use serde_json::{Value, json};

use crate::call::Call;
use crate::options;
use crate::options::write::dry_run_cause;

/// The kind of what is sent along.
const DELETE_OPTIONS: ApiResource = ApiResource {
    group: "",
    version: "v1",
    kind: "DeleteOptions",
    plural: "DeleteOptions",
    singular: "deleteoptions",
    short_names: &[],
    categories: &[],
    namespaced: false,
    subresources: &[],
    is_stored: false,
};

const POLICIES: [&str; 4] = ["Foreground", "Background", "Orphan", "nil"];

/// The options, which make sense.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeleteOptions {
    /// How long the object is given; a negative time means one second.
    pub(crate) grace_period_seconds: Option<i64>,
    /// The uid that the object must have.
    pub(crate) uid: Option<String>,
    /// The revision that it must have.
    pub(crate) resource_version: Option<String>,
    /// The older way to say what becomes of dependents.
    pub(crate) orphan_dependents: Option<bool>,
    /// `Foreground`, `Background` or `Orphan`.
    pub(crate) propagation_policy: Option<String>,
    /// `All`, where nothing may be stored.
    pub(crate) dry_run: Vec<String>,
}

impl DeleteOptions {
    /// Of a DELETE: what its body says, and only where it has none what its query says.
    pub(crate) fn of(call: &Call, body: Option<Value>) -> Result<Self, Status> {
        let options = match body {
            Some(Value::Null) => Self::default(),
            Some(body) => {
                check_kind(&body)?;
                let decoded = decode::object(&DELETE_OPTIONS, body);
                let decoded = decoded.map_err(|error| Status::bad_request(error.to_string()))?;
                Self::read(&decoded.object)
            }
            None => Self {
                grace_period_seconds: options::integer(call, "gracePeriodSeconds")?,
                orphan_dependents: options::flag(call, "orphanDependents"),
                propagation_policy: call.first("propagationPolicy").map(str::to_owned),
                dry_run: call.parameters("dryRun").map(str::to_owned).collect(),
                ..Self::default()
            },
        };
        options.checked()
    }

    /// Of an object whose types are right.
    pub(crate) fn read(options: &Value) -> Self {
        let text = |path: &[&str]| at(options, path).and_then(Value::as_str).map(str::to_owned);
        let dry_run = at(options, &["dryRun"]).and_then(Value::as_array).into_iter().flatten();
        Self {
            grace_period_seconds: at(options, &["gracePeriodSeconds"]).and_then(Value::as_i64),
            uid: text(&["preconditions", "uid"]),
            resource_version: text(&["preconditions", "resourceVersion"]),
            orphan_dependents: at(options, &["orphanDependents"]).and_then(Value::as_bool),
            propagation_policy: text(&["propagationPolicy"]),
            dry_run: dry_run.filter_map(Value::as_str).map(str::to_owned).collect(),
        }
    }

    /// As they are sent.
    pub(crate) fn to_value(&self) -> Value {
        json!({
            "gracePeriodSeconds": self.grace_period_seconds,
            "preconditions": {"uid": self.uid, "resourceVersion": self.resource_version},
            "orphanDependents": self.orphan_dependents,
            "propagationPolicy": self.propagation_policy,
            "dryRun": self.dry_run,
        })
    }

    /// The same, if it makes sense.
    pub(crate) fn checked(self) -> Result<Self, Status> {
        let mut causes = vec![];
        if let Some(policy) = &self.propagation_policy {
            if self.orphan_dependents.is_some() {
                let rule = "orphanDependents and deletionPropagation cannot be both set";
                causes.push(Cause::invalid("propagationPolicy", &json!(policy), rule));
            }
            if !POLICIES[..3].contains(&policy.as_str()) {
                let cause = Cause::not_supported("propagationPolicy", &json!(policy), &POLICIES);
                causes.push(cause);
            }
        }
        let dry_run: Vec<&str> = self.dry_run.iter().map(String::as_str).collect();
        causes.extend(dry_run_cause(&dry_run));
        if causes.is_empty() {
            Ok(self)
        } else {
            Err(Status::invalid_options("DeleteOptions", causes))
        }
    }
}

/// What is sent along must be `DeleteOptions`, of whatever group.
fn check_kind(body: &Value) -> Result<(), Status> {
    let (kind, api_version) = (text(body, &["kind"]), text(body, &["apiVersion"]));
    if matches!(kind, "" | "DeleteOptions") {
        return Ok(());
    }
    let api_version = if api_version.is_empty() { "meta.k8s.io/v1" } else { api_version };
    let scheme = "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27";
    Err(Status::bad_request(format!(
        "no kind \"{kind}\" is registered for version \"{api_version}\" in scheme \"{scheme}\""
    )))
}

#[cfg(test)]
mod tests;
