//! What expressions are about and come to.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use api::quantity::Quantity;

use crate::semver::Semver;

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Int(i64),
    /// A number that is not negative, `1u`.
    Uint(u64),
    /// A number with a fraction.
    Double(f64),
    /// A text.
    String(Arc<str>),
    /// Bytes, `b"a"`.
    Bytes(Arc<[u8]>),
    /// Some values.
    List(Arc<[Value]>),
    /// Values by texts.
    Map(Arc<Map>),
    /// An amount.
    Quantity(Quantity),
    /// A version.
    Semver(Arc<Semver>),
    /// What `type(x)` comes to.
    Type(&'static str),
}

/// Values by keys, which are texts. Other keys than texts are left out.
#[derive(Clone, Debug, Default)]
pub struct Map {
    entries: BTreeMap<Arc<str>, Value>,
    /// What a key has that is not there.
    default: Option<Value>,
}

impl Map {
    /// A map of these.
    pub fn new(entries: BTreeMap<Arc<str>, Value>) -> Self {
        Self { entries, default: None }
    }

    /// The same, where each key that is not there has this.
    #[must_use]
    pub fn or(self, default: Value) -> Self {
        Self { default: Some(default), ..self }
    }

    /// What a key has.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(key).or(self.default.as_ref())
    }

    /// Whether a key is there.
    pub fn contains(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The keys that are there.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        self.entries.keys()
    }

    /// How many keys are there.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no key is there.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Value {
    /// A text.
    pub fn string(text: &str) -> Self {
        Self::String(text.into())
    }

    /// A map of these.
    pub fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
        Self::Map(Arc::new(Map::new(entries)))
    }

    /// What `type` says of it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Semver(_) => "kubernetes.Semver",
            Self::Type(_) => "type",
        }
    }

    /// Which of two comes first; `None` of values that have no order.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => Some(one.cmp(other)),
            (Self::String(one), Self::String(other)) => Some(one.cmp(other)),
            (Self::Bytes(one), Self::Bytes(other)) => Some(one.cmp(other)),
            (Self::Int(one), Self::Int(other)) => Some(one.cmp(other)),
            (Self::Uint(one), Self::Uint(other)) => Some(one.cmp(other)),
            _ => match (self.number(), other.number()) {
                (Some(Number::Whole(one)), Some(Number::Whole(other))) => Some(one.cmp(&other)),
                (Some(one), Some(other)) => one.double().partial_cmp(&other.double()),
                _ => None,
            },
        }
    }

    fn number(&self) -> Option<Number> {
        if let Self::Int(number) = self {
            Some(Number::Whole(i128::from(*number)))
        } else if let Self::Uint(number) = self {
            Some(Number::Whole(i128::from(*number)))
        } else if let Self::Double(number) = self {
            Some(Number::Fraction(*number))
        } else {
            None
        }
    }
}

/// A number of any type.
#[derive(Clone, Copy)]
enum Number {
    Whole(i128),
    Fraction(f64),
}

impl Number {
    fn double(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Fraction(number) => number,
        }
    }
}

impl PartialEq for Value {
    /// Values of different types differ, but for numbers.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::List(one), Self::List(other)) => one == other,
            (Self::Map(one), Self::Map(other)) => one.entries == other.entries,
            (Self::Quantity(one), Self::Quantity(other)) => one == other,
            (Self::Semver(one), Self::Semver(other)) => one == other,
            (Self::Type(one), Self::Type(other)) => one == other,
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }
}
