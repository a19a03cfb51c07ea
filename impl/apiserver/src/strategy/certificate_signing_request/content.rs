//! What is asked for, and what is given.
//!
//! Source: `validateCertificateSigningRequest` and `ValidateSignerName` (v1.36).

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::status::Cause;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::fields::{int, items, or_null};
use super::super::rules;

const LEGACY_SIGNER: &str = "kubernetes.io/legacy-unknown";
const EXPIRATION_SECONDS_MIN: i64 = 600;
const SIGNER_NAME_LENGTH_MAX: usize =
    2 * names::DNS_SUBDOMAIN_LENGTH_MAX + names::DNS_LABEL_LENGTH_MAX + 2;
const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

/// What the spec of a request breaks.
pub(super) fn spec_causes(spec: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    if pem_types(text(spec, &["request"])).first().map(String::as_str)
        != Some("CERTIFICATE REQUEST")
    {
        let rule = "PEM block type must be CERTIFICATE REQUEST";
        causes.push(Cause::invalid("spec.request", or_null(spec, &["request"]), rule));
    }
    causes.extend(usage_causes(items(spec, &["usages"])));
    causes.extend(match text(spec, &["signerName"]) {
        LEGACY_SIGNER => {
            let rule = "the legacy signerName is not allowed via this API version";
            vec![Cause::invalid("spec.signerName", &json!(LEGACY_SIGNER), rule)]
        }
        name => signer_name_causes("spec.signerName", name),
    });
    let seconds = int(spec, &["expirationSeconds"]);
    if let Some(seconds) = seconds.filter(|seconds| *seconds < EXPIRATION_SECONDS_MIN) {
        let rule = "may not specify a duration less than 600 seconds (10 minutes)";
        causes.push(Cause::invalid("spec.expirationSeconds", &json!(seconds), rule));
    }
    causes
}

/// What a certificate breaks: it is one or more PEM blocks, and nothing else.
pub(super) fn certificate_cause(certificate: &str) -> Option<Cause> {
    if certificate.is_empty() {
        return None;
    }
    let types = pem_types(certificate);
    let rule = match types.iter().find(|found| *found != "CERTIFICATE") {
        Some(other) => format!("only CERTIFICATE PEM blocks are allowed, found {other:?}"),
        None if types.is_empty() => "must contain at least one CERTIFICATE PEM block".to_owned(),
        None => return None,
    };
    Some(Cause::invalid("status.certificate", &json!("<certificate data>"), &rule))
}

/// The types of the PEM blocks in a base64 text.
fn pem_types(base64: &str) -> Vec<String> {
    let bytes = STANDARD.decode(base64).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let begin = |line: &str| {
        let found = line.trim_end().strip_prefix("-----BEGIN ")?.strip_suffix("-----")?;
        Some(found.to_owned())
    };
    text.lines().filter_map(begin).collect()
}

fn usage_causes(usages: &[Value]) -> Vec<Cause> {
    if usages.is_empty() {
        return vec![Cause::required("spec.usages", "")];
    }
    let mut seen = BTreeSet::new();
    let mut duplicates = vec![];
    let mut causes = vec![];
    for (index, usage) in usages.iter().enumerate() {
        let field = format!("spec.usages[{index}]");
        let text = usage.as_str().unwrap_or_default();
        if !USAGES.contains(&text) {
            causes.push(Cause::not_supported(&field, usage, &USAGES));
        }
        if !seen.insert(text) {
            duplicates.push(Cause::duplicate(field, usage));
        }
    }
    causes.extend(duplicates);
    causes
}

fn signer_name_causes(field: &str, name: &str) -> Vec<Cause> {
    if name.is_empty() {
        return vec![Cause::required(field, "")];
    }
    let segments: Vec<&str> = name.split('/').collect();
    let [domain, path] = segments.as_slice() else {
        let rule =
            "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        return vec![Cause::invalid(field, &json!(name), rule)];
    };
    let mut causes = vec![];
    if domain.len() > names::DNS_SUBDOMAIN_LENGTH_MAX {
        causes.push(rules::too_long(field, names::DNS_SUBDOMAIN_LENGTH_MAX));
    }
    causes.extend(label_causes(field, domain, names::dns_label));
    if !domain.contains('.') {
        let rule = "should be a domain with at least two segments separated by dots";
        causes.push(Cause::invalid(field, &json!(domain), rule));
    }
    causes.extend(label_causes(field, path, names::dns_subdomain));
    if name.len() > SIGNER_NAME_LENGTH_MAX {
        causes.push(rules::too_long(field, SIGNER_NAME_LENGTH_MAX));
    }
    causes
}

/// What the first label breaks that breaks anything.
fn label_causes(field: &str, segment: &str, rule: rules::NameRule) -> Vec<Cause> {
    let Some(label) = segment.split('.').find(|label| !rule(label).is_empty()) else {
        return vec![];
    };
    let cause = |error: String| {
        let rule = format!("validating label {label:?}: {error}");
        Cause::invalid(field, &json!(segment), &rule)
    };
    rule(label).into_iter().map(cause).collect()
}
