//! ConfigMaps, and what they share with Secrets.
//!
//! Source: `ValidateConfigMap` and `ValidateConfigMapUpdate` (v1.36).

use api::names;
use api::status::Cause;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::fields::{entries, flag, get, or_null, same};
use super::{meta, rules};

/// The most that the data of a ConfigMap or Secret may take.
pub(super) const DATA_BYTES_MAX: usize = 1024 * 1024;

/// What a new ConfigMap breaks.
pub(super) fn validate(config_map: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(config_map, true, names::dns_subdomain);
    causes.extend(data_causes(config_map));
    causes
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(immutable_causes(new, old, &["data", "binaryData"]));
    causes.extend(data_causes(new));
    causes
}

/// What was declared immutable stays, and stays immutable.
pub(super) fn immutable_causes(new: &Value, old: &Value, fields: &[&'static str]) -> Vec<Cause> {
    if !flag(old, &["immutable"]) {
        return vec![];
    }
    let freed = (!flag(new, &["immutable"])).then_some("immutable");
    let changed = fields
        .iter()
        .copied()
        .filter(|field| !same(or_null(new, &[*field]), or_null(old, &[*field])));
    let rule = "field is immutable when `immutable` is set";
    freed.into_iter().chain(changed).map(|field| Cause::forbidden(field, rule)).collect()
}

/// Keys that are no file names, and how many bytes the values of base64 texts have.
pub(super) fn bytes_causes(object: &Value, field: &str) -> (Vec<Cause>, usize) {
    let mut causes = vec![];
    let mut bytes = 0;
    for (key, value) in entries(object, &[field]) {
        causes.extend(key_causes(field, key));
        match STANDARD.decode(value.as_str().unwrap_or_default()) {
            Ok(value) => bytes += value.len(),
            Err(_) => causes.push(Cause::invalid(
                format!("{field}[{key}]"),
                &json!("<contents redacted>"),
                "illegal base64 data",
            )),
        }
    }
    (causes, bytes)
}

fn key_causes(field: &str, key: &str) -> Vec<Cause> {
    rules::named(&format!("{field}[{key}]"), key, names::config_map_key)
}

fn data_causes(config_map: &Value) -> Vec<Cause> {
    let (binary_causes, binary_bytes) = bytes_causes(config_map, "binaryData");
    let mut causes = vec![];
    let mut bytes = binary_bytes;
    for (key, value) in entries(config_map, &["data"]) {
        causes.extend(key_causes("data", key));
        if get(config_map, &["binaryData", key]).is_some() {
            let rule = "duplicate of key present in binaryData";
            causes.push(Cause::invalid(format!("data[{key}]"), &json!(key), rule));
        }
        bytes += value.as_str().map_or(0, str::len);
    }
    causes.extend(binary_causes);
    if bytes > DATA_BYTES_MAX {
        // Upstream names the whole object by an empty path (v1.36, `ValidateConfigMap`).
        causes.push(rules::too_long("[]", DATA_BYTES_MAX));
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_map_says_what_it_breaks() {
        let table = [
            (json!({"data": {"a": "b"}}), ""),
            (
                json!({"data": {"..a": "b"}}),
                "data[..a]: Invalid value: \"..a\": must not start with '..'",
            ),
            (
                json!({"data": {"a": "b"}, "binaryData": {"a": "Yg=="}}),
                "data[a]: Invalid value: \"a\": duplicate of key present in binaryData",
            ),
            (
                json!({"data": {"a": "x".repeat(DATA_BYTES_MAX + 1)}}),
                "[]: Too long: may not be more than 1048576 bytes",
            ),
        ];
        for (change, expected) in table {
            let causes = validate(&config_map(change));
            let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
            assert_eq!(messages.join("\n"), expected);
        }
    }

    #[test]
    fn an_immutable_config_map_stays_as_it_is() {
        let old = config_map(json!({"data": {"a": "b"}, "immutable": true}));
        let new = config_map(json!({"data": {"a": "c"}}));

        let messages: Vec<String> =
            validate_update(&new, &old).iter().map(ToString::to_string).collect();

        assert_eq!(
            messages,
            [
                "immutable: Forbidden: field is immutable when `immutable` is set",
                "data: Forbidden: field is immutable when `immutable` is set",
            ]
        );
    }

    fn config_map(change: Value) -> Value {
        let mut config_map = json!({"metadata": {"name": "c", "namespace": "default"}});
        config_map.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        config_map
    }
}
