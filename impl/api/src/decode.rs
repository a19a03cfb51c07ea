//! From the bytes of a body to an object of a known kind: strict about types, forgiving about fields.
//!
//! Unknown and duplicate fields are told, and left out; whether they are refused is the caller's choice.
//! Error texts are those of Go's `encoding/json` and `apimachinery` v1.36, because people grep for them.

use serde_json::Value;

use crate::kind::ApiResource;
use crate::schema::Schema;

mod go_syntax;
mod path;
mod prune;
mod scalar;
mod strict;
#[cfg(test)]
mod tests;

/// What a refusal begins with that tells of keys in YAML.
pub const YAML_ERRORS: &str = "yaml: unmarshal errors:\n  ";

/// How many scalars and brackets of a YAML document may come from aliases.
const ALIASED_MAX: usize = 100_000;

/// An object, and what was not right in its body.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The object, with known fields only, without nulls and zeros that say nothing.
    pub object: Value,
    /// Paths of fields that the schema does not know, `spec.foo`.
    pub unknown_fields: Vec<String>,
    /// What the parser has to tell of keys that stand there more than once; the last one counts.
    pub duplicates: Vec<String>,
}

/// A document, and what is not right about its keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// All that it says; of a key that stands there more than once, the last one counts.
    pub value: Value,
    /// `duplicate field "spec.replicas"` in JSON, `line 3: key "a" already set in map` in YAML, which only
    /// tells the first one.
    pub duplicates: Vec<String>,
}

impl Decoded {
    /// What strict field validation refuses, `unknown field "spec.foo"`. YAML is parsed as a whole before
    /// anybody looks at its fields.
    pub fn strict_errors(&self) -> Vec<String> {
        let unknown = self.unknown_fields.iter().map(|path| format!("unknown field \"{path}\""));
        let duplicates = self.duplicates.iter().cloned();
        match self.is_from_yaml() {
            true => duplicates.chain(unknown).collect(),
            false => unknown.chain(duplicates).collect(),
        }
    }

    /// The text with which strict field validation refuses; `None` when all is right. `before` was told
    /// before.
    pub fn strict_error(&self, before: &[String]) -> Option<String> {
        let head = if self.is_from_yaml() { YAML_ERRORS } else { "" };
        let errors = [before, &self.strict_errors()].concat();
        (!errors.is_empty()).then(|| format!("strict decoding error: {head}{}", errors.join(", ")))
    }

    fn is_from_yaml(&self) -> bool {
        self.duplicates.iter().any(|told| told.starts_with("line "))
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
    let Parsed { value, duplicates } = parse_json(bytes)?;
    Ok(Decoded { duplicates, ..object(resource, value)? })
}

/// Decodes a YAML body of a resource.
pub fn yaml(resource: &ApiResource, bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let Parsed { value, duplicates } = parse_yaml(bytes)?;
    Ok(Decoded { duplicates, ..object(resource, value)? })
}

/// Decodes an object of a resource that is parsed already.
pub fn object(resource: &ApiResource, value: Value) -> Result<Decoded, DecodeError> {
    let definition =
        Schema::of(resource).ok_or_else(|| DecodeError::UnknownKind(resource.kind.to_owned()))?;
    let (object, unknown_fields) = prune::prune(definition, value)?;
    Ok(Decoded { object, unknown_fields, duplicates: vec![] })
}

/// What Go calls a JSON value.
pub fn go_name(value: &Value) -> &'static str {
    scalar::found(value)
}

/// Parses JSON.
pub fn parse_json(bytes: &[u8]) -> Result<Parsed, DecodeError> {
    let (value, paths) = strict::parse(bytes).map_err(|error| {
        let words = go_syntax::complaint(bytes);
        DecodeError::Json(words.unwrap_or_else(|| error.to_string()))
    })?;
    let duplicates = paths.iter().map(|path| format!("duplicate field \"{path}\"")).collect();
    Ok(Parsed { value, duplicates })
}

/// Parses YAML, which must be one document.
pub fn parse_yaml(bytes: &[u8]) -> Result<Parsed, DecodeError> {
    let of = |duplicate_keys| {
        serde_saphyr::from_slice_with_options(
            bytes,
            serde_saphyr::options! {
                with_snippet: false,
                duplicate_keys: duplicate_keys,
                alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: ALIASED_MAX },
            },
        )
    };
    let error = match of(serde_saphyr::DuplicateKeyPolicy::Error) {
        Ok(value) => return Ok(Parsed { value, duplicates: vec![] }),
        Err(error) => error,
    };
    let serde_saphyr::Error::DuplicateMappingKey { key, location } = &error else {
        return Err(DecodeError::Yaml(error.to_string()));
    };
    let key = key.as_deref().unwrap_or_default();
    let told = format!("line {}: key \"{key}\" already set in map", location.line());
    let value = of(serde_saphyr::DuplicateKeyPolicy::LastWins)
        .map_err(|error| DecodeError::Yaml(error.to_string()))?;
    Ok(Parsed { value, duplicates: vec![told] })
}
