//! `Status`: how the API server says no, in Kubernetes' reasons, codes and texts.
//!
//! Source: the `Status` type of `meta.k8s.io/v1` and the texts of apimachinery's `errors` package (v1.36).

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};

use crate::kind::ApiResource;

/// Why a request was refused; one for each thing a client does differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The request is malformed.
    BadRequest,
    /// The caller is not authenticated.
    Unauthorized,
    /// The caller may not do this.
    Forbidden,
    /// No such object or path.
    NotFound,
    /// The path exists, the verb does not.
    MethodNotAllowed,
    /// None of the accepted media types can be served.
    NotAcceptable,
    /// An object of that name exists.
    AlreadyExists,
    /// A precondition or revision does not hold any more.
    Conflict,
    /// The revision asked for is compacted away.
    Expired,
    /// The body is larger than the API server accepts.
    RequestEntityTooLarge,
    /// The body is of a media type that is not understood.
    UnsupportedMediaType,
    /// The object breaks a rule of its kind.
    Invalid,
    /// Too many requests, or a disruption budget is used up.
    TooManyRequests,
    /// The API server failed.
    InternalError,
    /// A backend cannot be reached at the moment.
    ServiceUnavailable,
    /// It took too long.
    Timeout,
    /// What upstream gives no reason for.
    Unknown,
}

impl Reason {
    /// Every reason.
    pub const ALL: &[Self] = &[
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::AlreadyExists,
        Self::Conflict,
        Self::Expired,
        Self::RequestEntityTooLarge,
        Self::UnsupportedMediaType,
        Self::Invalid,
        Self::TooManyRequests,
        Self::InternalError,
        Self::ServiceUnavailable,
        Self::Timeout,
        Self::Unknown,
    ];

    /// The HTTP code.
    pub fn code(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::NotAcceptable => 406,
            Self::AlreadyExists | Self::Conflict => 409,
            Self::Expired => 410,
            Self::RequestEntityTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Invalid => 422,
            Self::TooManyRequests => 429,
            Self::InternalError | Self::Unknown => 500,
            Self::ServiceUnavailable => 503,
            Self::Timeout => 504,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

/// One broken rule of a kind, with the path of the field that breaks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `FieldValueRequired`, `FieldValueInvalid`, `FieldValueForbidden`, `FieldValueNotSupported` …
    pub reason: &'static str,
    /// `spec.containers[0].name`.
    pub field: String,
    /// `Required value: must name the container`, without the field.
    pub message: String,
}

impl Cause {
    /// The field must be given.
    pub fn required(field: impl Into<String>, detail: &str) -> Self {
        Self::new("FieldValueRequired", field, "Required value", detail)
    }

    /// The field has a value that breaks the rule in `detail`.
    pub fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self::new("FieldValueInvalid", field, &format!("Invalid value: {value}"), detail)
    }

    /// The field may not be given here.
    pub fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self::new("FieldValueForbidden", field, "Forbidden", detail)
    }

    /// The value is none of the supported ones.
    pub fn not_supported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|value| format!("\"{value}\"")).collect();
        let detail = format!("supported values: {}", supported.join(", "));
        Self::new("FieldValueNotSupported", field, &format!("Unsupported value: {value}"), &detail)
    }

    /// The value occurs twice in a list that is keyed by it.
    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self::new("FieldValueDuplicate", field, &format!("Duplicate value: {value}"), "")
    }

    fn new(reason: &'static str, field: impl Into<String>, what: &str, detail: &str) -> Self {
        let message = match detail {
            "" => what.to_owned(),
            detail => format!("{what}: {detail}"),
        };
        Self { reason, field: field.into(), message }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.message)
    }
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Status {
    /// What a client branches on.
    pub reason: Reason,
    /// What a person reads.
    pub message: String,
    /// `details.name`.
    pub name: String,
    /// `details.group`.
    pub group: String,
    /// `details.kind`: the plural resource, or the kind for `Invalid`.
    pub kind: String,
    /// `details.uid`.
    pub uid: String,
    /// `details.causes`.
    pub causes: Vec<Cause>,
    /// `details.retryAfterSeconds`; 0 when it says nothing.
    pub retry_after_seconds: u32,
    /// `metadata.continue`: where a list that has expired can go on; empty when it says nothing.
    pub continue_token: String,
}

impl Status {
    /// A refusal that names no object.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            name: String::new(),
            group: String::new(),
            kind: String::new(),
            uid: String::new(),
            causes: vec![],
            retry_after_seconds: 0,
            continue_token: String::new(),
        }
    }

    fn about(reason: Reason, resource: &ApiResource, name: &str, message: String) -> Self {
        let mut status = Self::new(reason, message);
        status.name = name.to_owned();
        status.group = resource.group.to_owned();
        status.kind = resource.plural.to_owned();
        status
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Reason::BadRequest, message)
    }

    /// 404, the object.
    pub fn not_found(resource: &ApiResource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self::about(Reason::NotFound, resource, name, message)
    }

    /// 404, the path.
    pub fn no_such_path() -> Self {
        Self::new(Reason::NotFound, "the server could not find the requested resource")
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(
            Reason::MethodNotAllowed,
            "the server does not allow this method on the requested resource",
        )
    }

    /// 409, a name that is taken.
    pub fn already_exists(resource: &ApiResource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Self::about(Reason::AlreadyExists, resource, name, message)
    }

    /// 409, a precondition that does not hold.
    pub fn conflict(resource: &ApiResource, name: &str, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self::about(Reason::Conflict, resource, name, message)
    }

    /// 403 by a rule of admission.
    pub fn forbidden(resource: &ApiResource, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", resource.qualified());
        Self::about(Reason::Forbidden, resource, name, message)
    }

    /// 410, a revision that is compacted away.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(Reason::Expired, message)
    }

    /// 422 with each broken rule.
    pub fn invalid(resource: &ApiResource, name: &str, causes: Vec<Cause>) -> Self {
        let kind = match resource.group {
            "" => resource.kind.to_owned(),
            group => format!("{}.{group}", resource.kind),
        };
        let message = format!("{kind} \"{name}\" is invalid: {}", told(&causes));
        let mut status = Self::about(Reason::Invalid, resource, name, message);
        status.kind = resource.kind.to_owned();
        status.causes = causes;
        status
    }

    /// 422 for what a request says beside its object: `ListOptions`, `PatchOptions` …
    pub fn invalid_options(kind: &str, causes: Vec<Cause>) -> Self {
        let message = format!("{kind}.meta.k8s.io \"\" is invalid: {}", told(&causes));
        let (kind, group) = (kind.to_owned(), "meta.k8s.io".to_owned());
        Self { kind, group, causes, ..Self::new(Reason::Invalid, message) }
    }

    /// 422 for a patch, which is no object.
    pub fn invalid_patch(patch: &str, why: &str) -> Self {
        let cause = Cause::invalid("patch", &Value::from(patch), why);
        let message = format!(" \"\" is invalid: {cause}");
        Self { causes: vec![cause], ..Self::new(Reason::Invalid, message) }
    }

    /// 500.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::new(Reason::InternalError, format!("Internal error occurred: {message}"))
    }

    /// The refusal that a `Status` object on the wire tells; causes are left out.
    pub fn from_value(status: &Value) -> Self {
        let text = |field: &str| status[field].as_str().unwrap_or_default();
        let reason = Reason::ALL.iter().find(|reason| reason.to_string() == text("reason"));
        let mut refusal = Self::new(*reason.unwrap_or(&Reason::InternalError), text("message"));
        let details = &status["details"];
        refusal.name = details["name"].as_str().unwrap_or_default().to_owned();
        let seconds = details["retryAfterSeconds"].as_u64();
        refusal.retry_after_seconds =
            seconds.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(0);
        refusal
    }

    /// The `Status` object on the wire.
    pub fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.reason.code(),
        });
        if self.reason != Reason::Unknown {
            status["reason"] = Value::from(self.reason.to_string());
        }
        if !self.continue_token.is_empty() {
            status["metadata"]["continue"] = Value::from(self.continue_token.as_str());
        }
        let details = self.details();
        // What no handler has answered has details without a word, as upstream's generic answer.
        let is_generic =
            matches!(self.reason, Reason::Forbidden | Reason::MethodNotAllowed | Reason::NotFound);
        if is_generic || details.as_object().is_some_and(|details| !details.is_empty()) {
            status["details"] = details;
        }
        status
    }

    fn details(&self) -> Value {
        let mut details = json!({});
        let texts = [
            ("name", &self.name),
            ("group", &self.group),
            ("kind", &self.kind),
            ("uid", &self.uid),
        ];
        for (field, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            details[field] = Value::from(text.as_str());
        }
        if !self.causes.is_empty() {
            details["causes"] = self.causes.iter().map(cause_value).collect();
        }
        if self.retry_after_seconds > 0 {
            details["retryAfterSeconds"] = Value::from(self.retry_after_seconds);
        }
        details
    }
}

/// All causes in one text. What is said of several elements in the same words is said once.
pub fn told(causes: &[Cause]) -> String {
    let mut seen = BTreeSet::new();
    let all = causes.iter().map(Cause::to_string);
    let told: Vec<String> = all.filter(|cause| seen.insert(cause.clone())).collect();
    match told.as_slice() {
        [cause] => cause.clone(),
        causes => format!("[{}]", causes.join(", ")),
    }
}

fn cause_value(cause: &Cause) -> Value {
    let mut value = json!({"reason": cause.reason});
    if !cause.message.is_empty() {
        value["message"] = Value::from(cause.message.as_str());
    }
    if !cause.field.is_empty() {
        value["field"] = Value::from(cause.field.as_str());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources;

    #[test]
    fn a_message_says_the_same_once_and_the_causes_as_often_as_it_holds() {
        let causes =
            || vec![Cause::required("a", ""), Cause::required("b", ""), Cause::required("a", "")];

        let several = Status::invalid(&resources::PODS, "p", causes());
        let same =
            Status::invalid(&resources::PODS, "p", causes().into_iter().step_by(2).collect());

        let told = "Pod \"p\" is invalid: [a: Required value, b: Required value]";
        assert_eq!((several.message.as_str(), several.causes.len()), (told, 3));
        assert_eq!(same.message, "Pod \"p\" is invalid: a: Required value");
    }
}
