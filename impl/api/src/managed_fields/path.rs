//! The way to a field: how the children of an object or list are told apart.
//!
//! Source: `fieldpath/element.go` and `serialize-pe.go` of structured-merge-diff v6.

use std::fmt;

use serde_json::{Map, Value};

/// Selects a child of an object or a list. The order is that in which conflicts are told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathElement {
    /// A field of an object or an entry of a map.
    Field(String),
    /// The element of a list that has these values in its keys, sorted by key.
    Key(Vec<(String, Scalar)>),
    /// An element of a set.
    Value(Scalar),
    /// An element of a list by its index. Atomic lists have no children, so that nothing here makes it.
    Index(i64),
}

/// What elements of lists are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    /// A number.
    Integer(i64),
    /// A text.
    String(String),
    /// `true` or `false`.
    Boolean(bool),
}

impl Scalar {
    /// The scalar that a JSON value is; `None` for fractions, nulls and what has children.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_i64().map(Self::Integer),
            Value::String(text) => Some(Self::String(text.clone())),
            Value::Bool(flag) => Some(Self::Boolean(*flag)),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn json(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::String(text) => go_json(text),
            Self::Boolean(flag) => flag.to_string(),
        }
    }
}

/// A text in JSON as Go writes it, which escapes what could end an HTML script.
fn go_json(text: &str) -> String {
    let json = Value::from(text).to_string();
    if !json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return json;
    }
    let escapes = [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ];
    escapes.into_iter().fold(json, |json, (letter, escape)| json.replace(letter, escape))
}

impl PathElement {
    /// The element as a key of `FieldsV1`: `f:spec`, `k:{"name":"a"}`, `v:"x"`.
    pub fn serialize(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(keys) => {
                let pairs: Vec<String> = keys
                    .iter()
                    .map(|(key, value)| format!("{}:{}", go_json(key), value.json()))
                    .collect();
                format!("k:{{{}}}", pairs.join(","))
            }
            Self::Value(value) => format!("v:{}", value.json()),
            Self::Index(index) => format!("i:{index}"),
        }
    }

    /// The element that a key of `FieldsV1` means; `Ok(None)` for a kind of element that a later version
    /// may know.
    pub fn parse(text: &str) -> Result<Option<Self>, MalformedElement> {
        let malformed = || MalformedElement(text.to_owned());
        let (kind, rest) = text.split_once(':').ok_or_else(malformed)?;
        match kind {
            "f" => Ok(Some(Self::Field(rest.to_owned()))),
            "v" => scalar(rest).map(|value| Some(Self::Value(value))).ok_or_else(malformed),
            "k" => keys(rest).map(|keys| Some(Self::Key(keys))).ok_or_else(malformed),
            "i" => rest.parse().map(|index| Some(Self::Index(index))).map_err(|_| malformed()),
            _ if kind.len() == 1 => Ok(None),
            _ => Err(malformed()),
        }
    }
}

/// A key of `FieldsV1` that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no path element")]
pub struct MalformedElement(String);

fn scalar(json: &str) -> Option<Scalar> {
    serde_json::from_str(json).ok().and_then(|value| Scalar::of(&value))
}

fn keys(json: &str) -> Option<Vec<(String, Scalar)>> {
    let keys: Map<String, Value> = serde_json::from_str(json).ok()?;
    keys.into_iter().map(|(key, value)| Some((key, Scalar::of(&value)?))).collect()
}

/// As messages name it: `.spec`, `[name="a"]`, `[="x"]`.
impl fmt::Display for PathElement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(formatter, ".{name}"),
            Self::Key(keys) => {
                let pairs: Vec<String> =
                    keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                write!(formatter, "[{}]", pairs.join(","))
            }
            Self::Value(value) => write!(formatter, "[={value}]"),
            Self::Index(index) => write!(formatter, "[{index}]"),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::String(text) => write!(formatter, "{text:?}"),
            Self::Boolean(flag) => write!(formatter, "{flag}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_read_as_it_was_written() {
        for text in [
            "f:spec",
            "f:a:b",
            "k:{\"containerPort\":80,\"protocol\":\"TCP\"}",
            "v:\"x\"",
            "v:1",
            "v:true",
            "i:3",
        ] {
            let element = PathElement::parse(text).expect(text).expect(text);
            assert_eq!(element.serialize(), text);
        }
    }

    #[test]
    fn texts_are_escaped_as_go_does() {
        let value = PathElement::Value(Scalar::String("a&b".to_owned()));

        assert_eq!(value.serialize(), "v:\"a\\u0026b\"");
        assert_eq!(PathElement::parse(&value.serialize()), Ok(Some(value)));
    }

    #[test]
    fn what_a_later_version_may_know_is_passed_over_and_nonsense_is_refused() {
        assert_eq!(PathElement::parse("x:y"), Ok(None));
        for text in ["f", "", "v:{}", "k:[]", "i:a", "spec:a"] {
            assert!(PathElement::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn messages_name_elements_by_their_keys() {
        let key = PathElement::parse("k:{\"containerPort\":80,\"protocol\":\"TCP\"}").unwrap();

        assert_eq!(key.unwrap().to_string(), "[containerPort=80,protocol=\"TCP\"]");
        assert_eq!(PathElement::Field("spec".to_owned()).to_string(), ".spec");
    }
}
