//! ValidatingWebhookConfigurations and MutatingWebhookConfigurations.

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{below, default, each, get, int, items, or_null};
use super::super::kind_strategy::KindStrategy;
use super::super::rules::{label_selector, named, one_of};
use super::super::webhook_client;
use super::{
    FAILURE_POLICIES, MATCH_POLICIES, REINVOCATION_POLICIES, expressions, match_resources, rule,
};

const SIDE_EFFECTS: [&str; 2] = ["None", "NoneOnDryRun"];
const REVIEW_VERSIONS: [&str; 2] = ["v1", "v1beta1"];
const TIMEOUT_SECONDS_DEFAULT: i64 = 10;
const TIMEOUT_SECONDS_MAX: i64 = 30;
const SEGMENTS_MIN: usize = 3;

/// The strategy of MutatingWebhookConfigurations.
pub(in crate::strategy) static MUTATING_WEBHOOKS: Webhooks = Webhooks { are_mutating: true };
/// The strategy of ValidatingWebhookConfigurations.
pub(in crate::strategy) static VALIDATING_WEBHOOKS: Webhooks = Webhooks { are_mutating: false };

/// The strategy of both kinds of configurations.
pub(in crate::strategy) struct Webhooks {
    /// Whether the webhooks may change what they see.
    are_mutating: bool,
}

impl KindStrategy for Webhooks {
    fn apply_defaults(&self, configuration: &mut Value) {
        let Some(fields) = configuration.as_object_mut() else { return };
        each(fields, "webhooks", |webhook| {
            default(webhook, "failurePolicy", "Fail");
            default(webhook, "timeoutSeconds", TIMEOUT_SECONDS_DEFAULT);
            default(webhook, "matchPolicy", "Equivalent");
            default(webhook, "namespaceSelector", json!({}));
            default(webhook, "objectSelector", json!({}));
            if self.are_mutating {
                default(webhook, "reinvocationPolicy", "Never");
            }
            each(webhook, "rules", match_resources::default_scope);
            if let Some(client_config) = below(webhook, "clientConfig") {
                webhook_client::apply_defaults(client_config);
            }
        });
    }

    fn causes(&self, configuration: &Value) -> Vec<Cause> {
        let mut causes = vec![];
        let mut seen = BTreeSet::new();
        for (index, webhook) in items(configuration, &["webhooks"]).iter().enumerate() {
            let path = format!("webhooks[{index}]");
            causes.extend(self.webhook_causes(&path, webhook));
            causes.extend(review_version_causes(
                &format!("{path}.admissionReviewVersions"),
                items(webhook, &["admissionReviewVersions"]),
            ));
            let name = text(webhook, &["name"]);
            if !name.is_empty() && !seen.insert(name) {
                causes.push(Cause::duplicate(format!("{path}.name"), &json!(name)));
            }
        }
        causes
    }
}

impl Webhooks {
    fn webhook_causes(&self, path: &str, webhook: &Value) -> Vec<Cause> {
        let mut causes: Vec<Cause> =
            name_cause(&format!("{path}.name"), webhook).into_iter().collect();
        for (index, one) in items(webhook, &["rules"]).iter().enumerate() {
            causes.extend(rule::causes(&format!("{path}.rules[{index}]"), one));
        }
        causes.extend(choice_causes(path, webhook));
        causes.extend(timeout_cause(&format!("{path}.timeoutSeconds"), webhook));
        for selector in ["namespaceSelector", "objectSelector"] {
            let selected = or_null(webhook, &[selector]);
            causes.extend(label_selector(&format!("{path}.{selector}"), selected));
        }
        if self.are_mutating {
            let policy = get(webhook, &["reinvocationPolicy"]);
            let field = format!("{path}.reinvocationPolicy");
            causes.extend(one_of(field, policy, &REINVOCATION_POLICIES, false));
        }
        causes.extend(client_causes(&format!("{path}.clientConfig"), webhook));
        let conditions = items(webhook, &["matchConditions"]);
        causes.extend(expressions::match_condition_causes(
            &format!("{path}.matchConditions"),
            conditions,
        ));
        causes
    }
}

/// The name must be that of a domain, so that it is nobody else's.
fn name_cause(field: &str, webhook: &Value) -> Option<Cause> {
    let name = text(webhook, &["name"]);
    if name.is_empty() {
        return Some(Cause::required(field, ""));
    }
    let errors = names::dns_subdomain(name);
    if !errors.is_empty() {
        return Some(Cause::invalid(field, &json!(name), &errors.join(",")));
    }
    let rule = "should be a domain with at least three segments separated by dots";
    let is_short = name.split('.').count() < SEGMENTS_MIN;
    is_short.then(|| Cause::invalid(field, &json!(name), rule))
}

fn choice_causes(path: &str, webhook: &Value) -> Vec<Cause> {
    let choice = |field: &str, supported: &[&str]| {
        one_of(format!("{path}.{field}"), get(webhook, &[field]), supported, false)
    };
    let mut causes: Vec<Cause> = choice("failurePolicy", &FAILURE_POLICIES).into_iter().collect();
    causes.extend(choice("matchPolicy", &MATCH_POLICIES));
    if get(webhook, &["sideEffects"]).is_none() {
        let why = format!("must specify one of {}", SIDE_EFFECTS.join(", "));
        causes.push(Cause::required(format!("{path}.sideEffects"), &why));
    }
    causes.extend(choice("sideEffects", &SIDE_EFFECTS));
    causes
}

fn timeout_cause(field: &str, webhook: &Value) -> Option<Cause> {
    let seconds = int(webhook, &["timeoutSeconds"])?;
    let rule = "the timeout value must be between 1 and 30 seconds";
    let is_allowed = (1..=TIMEOUT_SECONDS_MAX).contains(&seconds);
    (!is_allowed).then(|| Cause::invalid(field, &json!(seconds), rule))
}

fn client_causes(path: &str, webhook: &Value) -> Vec<Cause> {
    let config = or_null(webhook, &["clientConfig"]);
    match (get(config, &["url"]).and_then(Value::as_str), get(config, &["service"])) {
        (Some(url), None) => webhook_client::url_causes(&format!("{path}.url"), url),
        (None, Some(service)) => {
            webhook_client::service_causes(&format!("{path}.service"), service)
        }
        (Some(_), Some(_)) | (None, None) => {
            vec![Cause::required(path, "exactly one of url or service is required")]
        }
    }
}

fn review_version_causes(field: &str, versions: &[Value]) -> Vec<Cause> {
    let accepted = REVIEW_VERSIONS.join(", ");
    if versions.is_empty() {
        return vec![Cause::required(field, &format!("must specify one of {accepted}"))];
    }
    let mut causes = vec![];
    for (index, version) in versions.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if versions[..index].contains(version) {
            causes.push(Cause::invalid(field, version, "duplicate version"));
            continue;
        }
        causes.extend(named(&field, version.as_str().unwrap_or_default(), names::dns_1035_label));
    }
    if !versions.iter().any(|version| REVIEW_VERSIONS.iter().any(|known| version == known)) {
        let rule = format!("must include at least one of {accepted}");
        causes.push(Cause::invalid(field, &json!(versions), &rule));
    }
    causes
}
