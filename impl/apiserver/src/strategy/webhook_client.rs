//! How a webhook is called: at an address, or through a Service.
//!
//! Source: apiserver/pkg/util/webhook/validation.go (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{Fields, below, default, get, int};
use super::rules;

const HTTPS_PORT: i64 = 443;
const FORM: &str = "; desired format: https://host[/path]";

/// Fills in the port of a Service that names none.
pub(super) fn apply_defaults(client_config: &mut Fields) {
    if let Some(service) = below(client_config, "service") {
        default(service, "port", HTTPS_PORT);
    }
}

/// What an address breaks.
pub(super) fn url_causes(field: &str, url: &str) -> Vec<Cause> {
    let parts = Parts::of(url);
    let scheme_rule = format!("'https' is the only allowed URL scheme{FORM}");
    let host_rule = format!("host must be specified{FORM}");
    let rules = [
        (parts.scheme == "https", parts.scheme, scheme_rule.as_str()),
        (!parts.host.is_empty(), parts.host, host_rule.as_str()),
        (parts.user.is_empty(), parts.user, "user information is not permitted in the URL"),
        (parts.fragment.is_empty(), parts.fragment, "fragments are not permitted in the URL"),
        (parts.query.is_empty(), parts.query, "query parameters are not permitted in the URL"),
    ];
    let broken = rules.into_iter().filter(|(holds, _, _)| !holds);
    broken.map(|(_, shown, rule)| Cause::invalid(field, &json!(shown), rule)).collect()
}

/// The parts of an address; each is empty where it has none.
struct Parts<'a> {
    scheme: &'a str,
    user: &'a str,
    host: &'a str,
    query: &'a str,
    fragment: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Self {
        let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (scheme, rest) = rest.split_once(':').unwrap_or(("", rest));
        let authority =
            rest.strip_prefix("//").map_or("", |rest| rest.split('/').next().unwrap_or(""));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        Self { scheme, user, host, query, fragment }
    }
}

/// What a reference to a Service breaks.
pub(super) fn service_causes(path: &str, service: &Value) -> Vec<Cause> {
    // Upstream says the one of the other (pkg/apis/admissionregistration/validation/validation.go, v1.36).
    let told = [("namespace", "name"), ("name", "namespace")];
    let missing = told.into_iter().filter(|(field, _)| text(service, &[field]).is_empty());
    let mut causes: Vec<Cause> =
        missing.map(|(_, told)| Cause::required(format!("{path}.{told}"), "")).collect();
    causes.extend(port_cause(path, service));
    if let Some(url_path) = get(service, &["path"]).and_then(Value::as_str) {
        let errors = path_errors(url_path).into_iter();
        let field = format!("{path}.path");
        causes.extend(errors.map(|error| Cause::invalid(field.clone(), &json!(url_path), &error)));
    }
    causes
}

/// The port of a Service must be one.
pub(super) fn port_cause(path: &str, service: &Value) -> Option<Cause> {
    let port = int(service, &["port"]).unwrap_or_default();
    let is_port = rules::port(String::new(), port).is_none();
    let rule = "port is not valid: must be between 1 and 65535, inclusive";
    (!is_port).then(|| Cause::invalid(format!("{path}.port"), &json!(port), rule))
}

fn path_errors(path: &str) -> Vec<String> {
    match path {
        "" | "/" => return vec![],
        "//" => return vec!["segment[0] may not be empty".to_owned()],
        _ => {}
    }
    let mut errors = vec![];
    if !path.starts_with('/') {
        errors.push("must start with a '/'".to_owned());
    }
    let mut letters = path.chars();
    letters.next();
    let rest = letters.as_str();
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    for (index, segment) in rest.split('/').enumerate() {
        if segment.is_empty() {
            errors.push(format!("segment[{index}] may not be empty"));
            continue;
        }
        let broken = names::dns_subdomain(segment).into_iter();
        errors.extend(broken.map(|error| format!("segment[{index}]: {error}")));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(causes: &[Cause]) -> String {
        causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn an_address_is_one_of_https_and_no_more() {
        let table = [
            ("https://host/path", ""),
            ("https://host:8443", ""),
            (
                "http://host",
                "u: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
            ),
            (
                "https:///path",
                "u: Invalid value: \"\": host must be specified; desired format: https://host[/path]",
            ),
            (
                "https://a:b@host/p?q=1#f",
                "u: Invalid value: \"a:b\": user information is not permitted in the URL|u: Invalid value: \"f\": fragments are not permitted in the URL|u: Invalid value: \"q=1\": query parameters are not permitted in the URL",
            ),
        ];
        for (url, expected) in table {
            assert_eq!(messages(&url_causes("u", url)), expected, "{url}");
        }
    }

    #[test]
    fn a_service_is_named_with_a_port_and_a_path() {
        let service = |change: Value| {
            let mut service = json!({"namespace": "n", "name": "s", "port": 443});
            for (field, value) in change.as_object().into_iter().flatten() {
                service[field] = value.clone();
            }
            service
        };
        let table = [
            (json!({}), ""),
            (json!({"name": ""}), "s.namespace: Required value"),
            (json!({"namespace": ""}), "s.name: Required value"),
            (
                json!({"port": 0}),
                "s.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
            ),
            (json!({"path": "/a/b/"}), ""),
            (json!({"path": "//"}), "s.path: Invalid value: \"//\": segment[0] may not be empty"),
            (
                json!({"path": "/a//b"}),
                "s.path: Invalid value: \"/a//b\": segment[1] may not be empty",
            ),
            (json!({"path": "ab"}), "s.path: Invalid value: \"ab\": must start with a '/'"),
        ];
        for (change, expected) in table {
            assert_eq!(
                messages(&service_causes("s", &service(change.clone()))),
                expected,
                "{change}"
            );
        }
    }
}
