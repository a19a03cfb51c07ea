//! From the bytes of a request to the object that it means.

use api::decode::{self, DecodeError, Decoded};
use api::object::text;
use api::{ApiResource, Reason, Status};
use serde_json::Value;

use crate::call::Call;
use crate::route::Objects;

/// How much of a body is shown that cannot be parsed.
const SHOWN_BYTES_MAX: usize = 30;

/// An object and what its sender should be warned of.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) object: Value,
    pub(super) warnings: Vec<String>,
}

impl Body {
    /// The same in the version that is stored.
    pub(super) fn stored(self, target: &Objects) -> Self {
        match target.version {
            Some(version) => Self { object: version.store(&self.object), ..self },
            None => self,
        }
    }
}

/// What is done about fields that the schema does not know. Source: API concepts, "Field validation".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

impl FieldValidation {
    /// Of a request whose options make sense.
    pub(super) fn of(call: &Call) -> Self {
        match call.parameter("fieldValidation") {
            "Ignore" => Self::Ignore,
            "Strict" => Self::Strict,
            _ => Self::Warn,
        }
    }

    /// Refuses, warns of or ignores what the schema does not know.
    pub(super) fn judge(self, resource: &ApiResource, decoded: Decoded) -> Result<Body, Status> {
        let (kind, version) = (resource.kind, resource.version);
        self.judge_with(vec![], decoded, |error| {
            let head = format!("{kind} in version \"{version}\" cannot be handled as a {kind}");
            Status::bad_request(format!("{head}: {error}"))
        })
    }

    /// The same for what a patch has made, with what is wrong with the patch itself. The refusal shows one of
    /// them.
    pub(super) fn judge_patched(
        self,
        of_patch: Vec<String>,
        decoded: Decoded,
        shown: &str,
    ) -> Result<Body, Status> {
        self.judge_with(of_patch, decoded, |error| Status::invalid_patch(shown, &error))
    }

    fn judge_with(
        self,
        before: Vec<String>,
        decoded: Decoded,
        refusal: impl FnOnce(String) -> Status,
    ) -> Result<Body, Status> {
        let error = decoded.strict_error(&before);
        match (self, error) {
            (Self::Strict, Some(error)) => Err(refusal(error)),
            (Self::Ignore, _) => Ok(Body { object: decoded.object, warnings: vec![] }),
            (Self::Warn, _) | (Self::Strict, None) => {
                let warnings = [before, decoded.strict_errors()].concat();
                Ok(Body { object: decoded.object, warnings })
            }
        }
    }
}

/// The object in the body of a request, as it is stored.
pub(super) fn object(call: &Call, target: &Objects) -> Result<Body, Status> {
    Ok(of_kind(call, target.served())?.stored(target))
}

/// The same of a kind that is sent to objects of another one.
pub(super) fn of_kind(call: &Call, resource: &ApiResource) -> Result<Body, Status> {
    let decoded = decode(call, resource)?;
    let body = FieldValidation::of(call).judge(resource, decoded)?;
    check_type(resource, &body.object)?;
    Ok(body)
}

/// `DeleteOptions`, as they are sent.
pub(super) fn options(call: &Call) -> Result<Option<Value>, Status> {
    if call.body.is_empty() {
        return Ok(None);
    }
    let value = match call.media_type() {
        "application/vnd.kubernetes.protobuf" => {
            api::protobuf::decode_any(&call.body).map_err(|error| bad_body(&error))
        }
        "" | "*/*" | "application/json" => decode::parse_json(&call.body)
            .map(|parsed| parsed.value)
            .map_err(|error| bad_body(&error)),
        "application/yaml" => decode::parse_yaml(&call.body)
            .map(|parsed| parsed.value)
            .map_err(|error| Status::bad_request(error.to_string())),
        _ => Err(unsupported()),
    }?;
    if value.is_object() || value.is_null() {
        return Ok(Some(value));
    }
    let found = decode::go_name(&value);
    let why =
        format!("json parse error: json: cannot unmarshal {found} into Go value of type struct");
    Err(bad_body(&why))
}

fn decode(call: &Call, resource: &ApiResource) -> Result<Decoded, Status> {
    let cannot = |error: &dyn std::fmt::Display| {
        Status::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: {error}",
            resource.kind, resource.version, resource.kind
        ))
    };
    let refuse = |error: DecodeError| match &error {
        DecodeError::Json(_) => {
            unrecognized(call, resource, &format!("couldn't get version/kind; {error}"))
        }
        DecodeError::Yaml(_) => unrecognized(call, resource, &error.to_string()),
        DecodeError::Type { .. } | DecodeError::Text(_) | DecodeError::UnknownKind(_) => {
            cannot(&error)
        }
    };
    match call.media_type() {
        "application/vnd.kubernetes.protobuf" => {
            let object = api::protobuf::decode_any(&call.body).map_err(|error| cannot(&error))?;
            check_type(resource, &object)?;
            decode::object(resource, object).map_err(|error| cannot(&error))
        }
        "" | "*/*" | "application/json" => decode::json(resource, &call.body).map_err(refuse),
        "application/yaml" => decode::yaml(resource, &call.body).map_err(refuse),
        _ => Err(unsupported()),
    }
}

/// 400 for what cannot be parsed, so that nobody knows of which kind it is. Some of it is shown.
/// Source: apiserver/pkg/endpoints/handlers/rest.go, v1.36 (`transformDecodeError`, `summarizeData`).
fn unrecognized(call: &Call, resource: &ApiResource, error: &str) -> Status {
    let shown = &call.body[..call.body.len().min(SHOWN_BYTES_MAX)];
    let mut summary = match shown.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(shown).into_owned(),
        Some(_) => shown.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    if shown.len() < call.body.len() {
        summary += " ...";
    }
    Status::bad_request(format!(
        "the object provided is unrecognized (must be of type {}): {error} ({summary})",
        resource.kind
    ))
}

/// 415.
pub(super) fn unsupported() -> Status {
    Status::new(
        Reason::UnsupportedMediaType,
        "the body of the request was in an unknown format - accepted media types include: \
         application/json, application/yaml, application/vnd.kubernetes.protobuf",
    )
}

fn bad_body(error: &dyn std::fmt::Display) -> Status {
    Status::bad_request(format!("couldn't get version/kind; {error}"))
}

fn check_type(resource: &ApiResource, object: &Value) -> Result<(), Status> {
    let (api_version, kind) = (text(object, &["apiVersion"]), text(object, &["kind"]));
    if !kind.is_empty() && kind != resource.kind {
        return Err(Status::bad_request(format!(
            "{kind} in version \"{}\" cannot be handled as a {}: converting ({api_version}, Kind={kind}) to ({}, Kind={}): unknown conversion",
            api_version.rsplit('/').next().unwrap_or_default(),
            resource.kind,
            resource.api_version(),
            resource.kind,
        )));
    }
    // An eviction may still be of the version that it came with.
    let is_older = (resource.kind, api_version) == ("Eviction", "policy/v1beta1");
    if !api_version.is_empty() && api_version != resource.api_version() && !is_older {
        return Err(Status::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({})",
            resource.api_version()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Method;

    use crate::call::Call;
    use crate::testing::{Client, refusal};

    /// The code and the words with which a body is refused.
    fn refused(content_type: &str, body: &str) -> (u16, String) {
        let mut client = Client::new();
        let namespace = serde_json::json!({"metadata": {"name": "a"}});
        client.created("/api/v1/namespaces", &namespace);
        let path = "/api/v1/namespaces/a/configmaps";
        let mut call = Call::of_tests(Method::POST, path, &serde_json::Value::Null);
        call.content_type = content_type.to_owned();
        call.body = body.as_bytes().to_vec();
        refusal(crate::decide(&client.store, &call, &client.context))
    }

    #[test]
    fn what_cannot_be_parsed_is_shown_with_the_words_of_go() {
        let head = "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; \
                    json parse error: ";
        let end = "unexpected end of JSON input";
        let long = format!("{{\"a\": \"{}", "b".repeat(40));
        for (body, words) in [
            ("", format!("{end} (<empty>)")),
            ("{\"a\":", format!("{end} ({{\"a\":)")),
            ("ab", "invalid character 'a' looking for beginning of value (6162)".to_owned()),
            (&*long, format!("{end} ({} ...)", &long[..30])),
        ] {
            assert_eq!(
                refused("application/json", body),
                (400, format!("{head}{words}")),
                "{body}"
            );
        }
        let (code, words) = refused("application/yaml", "a: [");
        assert_eq!(code, 400);
        let head = "the object provided is unrecognized (must be of type ConfigMap): error converting YAML to \
                    JSON: yaml: ";
        assert!(words.starts_with(head) && words.ends_with(" (613a205b)"), "{words}");
    }

    #[test]
    fn a_type_that_is_not_known_is_refused_with_those_that_are() {
        let words = "the body of the request was in an unknown format - accepted media types include: \
                     application/json, application/yaml, application/vnd.kubernetes.protobuf";

        assert_eq!(refused("application/cbor", "x"), (415, words.to_owned()));
    }
}
