//! What is known of an expression before it is evaluated.

use std::fmt;
use std::sync::Arc;

/// The type of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// It is not known.
    Dyn,
    /// `null`.
    Null,
    /// A truth.
    Bool,
    /// A number.
    Int,
    /// A number that is not negative.
    Uint,
    /// A number with a fraction.
    Double,
    /// A text.
    String,
    /// Bytes.
    Bytes,
    /// Members of one type.
    List(Box<Type>),
    /// Values of one type by texts.
    Map(Box<Type>),
    /// An amount.
    Quantity,
    /// A version.
    Semver,
    /// A type itself.
    Type,
    /// An object with these fields.
    Object(Arc<[(&'static str, Type)]>),
}

impl Type {
    /// A map of texts to these.
    pub fn map(values: Self) -> Self {
        Self::Map(Box::new(values))
    }

    /// Whether a value of one may be a value of the other.
    pub(crate) fn goes_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dyn, _) | (_, Self::Dyn) => true,
            (Self::List(one), Self::List(other)) | (Self::Map(one), Self::Map(other)) => {
                one.goes_with(other)
            }
            _ => self == other,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Dyn => "any",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::List(members) => return write!(formatter, "list({members})"),
            Self::Map(values) => return write!(formatter, "map(string, {values})"),
            Self::Quantity => "kubernetes.Quantity",
            Self::Semver => "kubernetes.Semver",
            Self::Type => "type",
            Self::Object(_) => "kubernetes.DRADevice",
        })
    }
}
