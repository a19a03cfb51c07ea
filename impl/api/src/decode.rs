//! From the bytes of a body to an object of a known kind: strict about types, forgiving about fields.
//!
//! Unknown and duplicate fields are told, and left out; whether they are refused is the caller's choice.
//! Error texts are those of Go's `encoding/json` and `apimachinery` v1.36, because people grep for them.

use serde_json::Value;

use crate::kind::ApiResource;
use crate::schema::Schema;

mod path;
mod prune;
mod scalar;
mod strict;
#[cfg(test)]
mod tests;

/// An object, and what was not right in its body.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The object, with known fields only, without nulls and zeros that say nothing.
    pub object: Value,
    /// Paths of fields that the schema does not know, `spec.foo`.
    pub unknown_fields: Vec<String>,
    /// Paths of fields that stand there more than once; the last one counts.
    pub duplicate_fields: Vec<String>,
}

impl Decoded {
    /// What strict field validation refuses, `unknown field "spec.foo"`.
    pub fn strict_errors(&self) -> Vec<String> {
        let unknown = self.unknown_fields.iter().map(|path| format!("unknown field \"{path}\""));
        let duplicate =
            self.duplicate_fields.iter().map(|path| format!("duplicate field \"{path}\""));
        unknown.chain(duplicate).collect()
    }

    /// The text with which strict field validation refuses; `None` when all is right.
    pub fn strict_error(&self) -> Option<String> {
        let errors = self.strict_errors();
        (!errors.is_empty()).then(|| format!("strict decoding error: {}", errors.join(", ")))
    }
}

/// Why a body is not an object of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It is not JSON.
    #[error("json parse error: {0}")]
    Json(String),
    /// It is not YAML.
    #[error("error converting YAML to JSON: yaml: {0}")]
    Yaml(String),
    /// A value is of another type than its field.
    #[error("json: cannot unmarshal {found} into Go {target} of type {expected}")]
    Type {
        /// `string`, `number 1.5`.
        found: String,
        /// `struct field DeploymentSpec.spec.replicas`, or `value` for the whole body.
        target: String,
        /// The type in Go, `int32`.
        expected: String,
    },
    /// A text is not what its field asks for.
    #[error("{0}")]
    Text(String),
    /// The kind is not built in.
    #[error("no kind \"{0}\" is registered")]
    UnknownKind(String),
}

/// Decodes a JSON body of a resource.
pub fn json(resource: &ApiResource, bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let (value, duplicate_fields) =
        strict::parse(bytes).map_err(|error| DecodeError::Json(error.to_string()))?;
    Ok(Decoded { duplicate_fields, ..object(resource, value)? })
}

/// Decodes an object of a resource that is parsed already.
pub fn object(resource: &ApiResource, value: Value) -> Result<Decoded, DecodeError> {
    let definition =
        Schema::of(resource).ok_or_else(|| DecodeError::UnknownKind(resource.kind.to_owned()))?;
    let (object, unknown_fields) = prune::prune(definition, value)?;
    Ok(Decoded { object, unknown_fields, duplicate_fields: vec![] })
}

/// What Go calls a JSON value.
pub fn go_name(value: &Value) -> &'static str {
    scalar::found(value)
}

/// Parses a YAML body, in which the last of duplicate keys counts.
pub fn yaml_with_duplicates(bytes: &[u8]) -> Result<Value, DecodeError> {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    let options = serde_saphyr::options! {
        with_snippet: false, duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
    };
    serde_saphyr::from_slice_with_options(bytes, options)
        .map_err(|error| DecodeError::Yaml(error.to_string()))
}

/// Parses a YAML body, which must hold one document without duplicate keys.
pub fn yaml(bytes: &[u8]) -> Result<Value, DecodeError> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_slice_with_options(bytes, options)
        .map_err(|error| DecodeError::Yaml(error.to_string()))
}
