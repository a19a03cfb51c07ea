//! How objects become other versions of themselves.

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, items, or_null};
use super::super::rules::named;
use super::super::webhook_client;

const STRATEGIES: [&str; 2] = ["None", "Webhook"];
const REVIEW_VERSIONS: [&str; 2] = ["v1", "v1beta1"];
/// Upstream names fields as its internal type does.
const CLIENT: &str = "spec.conversion.webhookClientConfig";
const VERSIONS: &str = "spec.conversion.conversionReviewVersions";

/// What a conversion breaks.
pub(super) fn causes(conversion: &Value) -> Vec<Cause> {
    let (strategy, webhook) = (text(conversion, &["strategy"]), or_null(conversion, &["webhook"]));
    let field = "spec.conversion.strategy";
    let mut causes = match strategy {
        "" => vec![Cause::required(field, "")],
        known if STRATEGIES.contains(&known) => vec![],
        other => vec![Cause::not_supported(field, &json!(other), &STRATEGIES)],
    };
    let client = get(webhook, &["clientConfig"]);
    let versions = items(webhook, &["conversionReviewVersions"]);
    if strategy == "Webhook" {
        causes.extend(client_causes(client));
        causes.extend(version_causes(versions));
        return causes;
    }
    let why = "should not be set when strategy is not set to Webhook";
    if client.is_some() {
        causes.push(Cause::forbidden(CLIENT, why));
    }
    if !versions.is_empty() {
        causes.push(Cause::forbidden(VERSIONS, why));
    }
    causes
}

fn client_causes(client: Option<&Value>) -> Vec<Cause> {
    let Some(client) = client else {
        return vec![Cause::required(CLIENT, "required when strategy is set to Webhook")];
    };
    match (get(client, &["url"]).and_then(Value::as_str), get(client, &["service"])) {
        (Some(url), None) => webhook_client::url_causes(&format!("{CLIENT}.url"), url),
        (None, Some(service)) => {
            webhook_client::service_causes(&format!("{CLIENT}.service"), service)
        }
        (Some(_), Some(_)) | (None, None) => {
            vec![Cause::required(CLIENT, "exactly one of url or service is required")]
        }
    }
}

fn version_causes(versions: &[Value]) -> Vec<Cause> {
    if versions.is_empty() {
        return vec![Cause::required(VERSIONS, "")];
    }
    let mut causes = vec![];
    for (index, version) in versions.iter().enumerate() {
        let field = format!("{VERSIONS}[{index}]");
        if versions[..index].contains(version) {
            causes.push(Cause::invalid(field, version, "duplicate version"));
            continue;
        }
        causes.extend(named(&field, version.as_str().unwrap_or_default(), names::dns_1035_label));
    }
    if !versions.iter().any(|version| REVIEW_VERSIONS.iter().any(|known| version == known)) {
        let rule = format!("must include at least one of {}", REVIEW_VERSIONS.join(", "));
        causes.push(Cause::invalid(VERSIONS, &json!(versions), &rule));
    }
    causes
}
