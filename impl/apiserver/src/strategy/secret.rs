//! Secrets.
//!
//! Source: `SetDefaults_Secret`, `Convert_v1_Secret_To_core_Secret` and `ValidateSecret` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::config_map::{DATA_BYTES_MAX, bytes_causes, immutable_causes};
use super::fields::{default, get, made, or_null};
use super::{meta, rules};

const SERVICE_ACCOUNT_NAME: &str = "kubernetes.io/service-account.name";

/// Writes `stringData` into `data`, over what is there, and gives the Secret a type.
pub(super) fn apply_defaults(secret: &mut Value) {
    let Some(fields) = secret.as_object_mut() else {
        return;
    };
    default(fields, "type", "Opaque");
    if let Some(Value::Object(texts)) = fields.remove("stringData") {
        let data = made(fields, "data");
        for (key, text) in texts {
            let text = STANDARD.encode(text.as_str().unwrap_or_default());
            data.insert(key, json!(text));
        }
    }
}

/// What a new Secret breaks.
pub(super) fn validate(secret: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(secret, true, names::dns_subdomain);
    causes.extend(data_causes(secret));
    causes
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(rules::immutable("type", or_null(new, &["type"]), or_null(old, &["type"])));
    causes.extend(immutable_causes(new, old, &["data"]));
    causes.extend(data_causes(new));
    causes
}

fn data_causes(secret: &Value) -> Vec<Cause> {
    let (mut causes, bytes) = bytes_causes(secret, "data");
    if bytes > DATA_BYTES_MAX {
        causes.push(rules::too_long("data", DATA_BYTES_MAX));
    }
    causes.extend(type_causes(secret));
    causes
}

/// Some types need certain keys.
fn type_causes(secret: &Value) -> Vec<Cause> {
    let has = |key: &str| get(secret, &["data", key]).is_some();
    let required = |key: &str| Cause::required(format!("data[{key}]"), "");
    match text(secret, &["type"]) {
        "kubernetes.io/service-account-token" => service_account_cause(secret),
        "kubernetes.io/dockercfg" => json_causes(secret, ".dockercfg"),
        "kubernetes.io/dockerconfigjson" => json_causes(secret, ".dockerconfigjson"),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            vec![required("username"), required("password")]
        }
        "kubernetes.io/ssh-auth" if text(secret, &["data", "ssh-privatekey"]).is_empty() => {
            vec![required("ssh-privatekey")]
        }
        "kubernetes.io/tls" => {
            ["tls.crt", "tls.key"].into_iter().filter(|key| !has(key)).map(required).collect()
        }
        _ => vec![],
    }
}

fn service_account_cause(secret: &Value) -> Vec<Cause> {
    let missing = text(secret, &["metadata", "annotations", SERVICE_ACCOUNT_NAME]).is_empty();
    let field = format!("metadata.annotations[{SERVICE_ACCOUNT_NAME}]");
    missing.then(|| Cause::required(field, "")).into_iter().collect()
}

/// The key must be there and its value a JSON object.
fn json_causes(secret: &Value, key: &str) -> Vec<Cause> {
    let field = format!("data[{key}]");
    let Some(value) = get(secret, &["data", key]) else {
        return vec![Cause::required(field, "")];
    };
    let bytes = STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default();
    match serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes) {
        Ok(_) => vec![],
        Err(error) => {
            let redacted = json!("<secret contents redacted>");
            vec![Cause::invalid(field, &redacted, &error.to_string())]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn string_data_goes_into_data() {
        let mut secret = json!({"data": {"a": "b2xk"}, "stringData": {"a": "new", "b": "x"}});

        apply_defaults(&mut secret);

        assert_eq!(secret, json!({"type": "Opaque", "data": {"a": "bmV3", "b": "eA=="}}));
    }

    #[test]
    fn a_type_needs_its_keys() {
        let table = [
            (json!({"type": "Opaque"}), ""),
            (json!({"type": "example.com/own"}), ""),
            (
                json!({"type": "kubernetes.io/tls", "data": {"tls.crt": ""}}),
                "data[tls.key]: Required value",
            ),
            (
                json!({"type": "kubernetes.io/basic-auth"}),
                "data[username]: Required value\ndata[password]: Required value",
            ),
            (
                json!({"type": "kubernetes.io/service-account-token"}),
                "metadata.annotations[kubernetes.io/service-account.name]: Required value",
            ),
            (
                json!({"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "e30="}}),
                "",
            ),
            (
                json!({"data": {"a b": ""}}),
                "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
            ),
        ];
        for (change, expected) in table {
            let causes = validate(&secret(change));
            let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
            assert_eq!(messages.join("\n"), expected);
        }
    }

    #[test]
    fn the_type_of_a_secret_stays() {
        let old = secret(json!({"type": "a"}));
        let new = secret(json!({"type": "b"}));

        assert_eq!(
            validate_update(&new, &old)[0].to_string(),
            "type: Invalid value: \"b\": field is immutable"
        );
    }

    fn secret(change: Value) -> Value {
        let mut secret = json!({"metadata": {"name": "s", "namespace": "default"}});
        secret.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        secret
    }
}
