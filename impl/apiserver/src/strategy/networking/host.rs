//! Names of hosts, and paths below domains.
//!
//! Source: `IsWildcardDNS1123Subdomain` and `IsDomainPrefixedPath` (v1.36).

use api::names;
use api::status::Cause;
use serde_json::json;

use super::super::rules::named;

const WILDCARD: &str = "\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const WILDCARD_RULE: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
const HTTP_PATH: &str = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const HTTP_PATH_MARKS: &[u8] = b"/-._~%!$&'()*+,;=:";

/// What a host breaks that may be all hosts of a domain, `*.example.com`.
pub(super) fn causes(field: &str, host: &str) -> Vec<Cause> {
    let rule = if host.contains('*') { wildcard_errors } else { names::dns_subdomain };
    named(field, host, rule)
}

/// What a path below a domain breaks, `example.com/controller`.
pub(super) fn prefixed_path_causes(field: &str, text: &str) -> Vec<Cause> {
    if text.is_empty() {
        return vec![Cause::required(field, "")];
    }
    let (domain, path) = text.split_once('/').unwrap_or_default();
    if domain.is_empty() || path.is_empty() {
        let rule = "must be a domain-prefixed path (such as \"acme.io/foo\")";
        return vec![Cause::invalid(field, &json!(text), rule)];
    }
    let mut causes = named(field, domain, names::dns_subdomain);
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || HTTP_PATH_MARKS.contains(&byte);
    if !path.bytes().all(is_known) {
        let rule = format!("Invalid path (regex used for validation is '{HTTP_PATH}')");
        causes.push(Cause::invalid(field, &json!(path), &rule));
    }
    causes
}

fn wildcard_errors(host: &str) -> Vec<String> {
    let mut errors = vec![];
    if host.len() > names::DNS_SUBDOMAIN_LENGTH_MAX {
        errors.push(format!("must be no more than {} characters", names::DNS_SUBDOMAIN_LENGTH_MAX));
    }
    let domain = host.strip_prefix("*.").unwrap_or_default();
    if !names::dns_subdomain(domain).is_empty() {
        errors.push(format!(
            "{WILDCARD_RULE} (e.g. '*.example.com', regex used for validation is '{WILDCARD}')"
        ));
    }
    errors
}
