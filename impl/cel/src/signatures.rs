//! The functions that there are: what each takes and gives. A method takes first what it is called on.
//!
//! Source: the standard definitions of the CEL specification, cel-go/ext/strings.go version 2, and quantity.go,
//! semverlib.go and regex.go in apiserver/pkg/cel/library (v1.36).

use crate::types::Type;

/// What an argument must be, or what comes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Any,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    List,
    Map,
    Strings,
    Quantity,
    Semver,
    Type,
}

impl Shape {
    /// Whether a value of this type may be one.
    pub(crate) fn admits(self, given: &Type) -> bool {
        self == Self::Any
            || *given == Type::Dyn
            || match self {
                Self::List | Self::Strings => matches!(given, Type::List(_)),
                Self::Map => matches!(given, Type::Map(_)),
                Self::Any
                | Self::Bool
                | Self::Int
                | Self::Uint
                | Self::Double
                | Self::String
                | Self::Bytes
                | Self::Quantity
                | Self::Semver
                | Self::Type => self.as_type() == *given,
            }
    }

    /// The type of what has it.
    pub(crate) fn as_type(self) -> Type {
        match self {
            Self::Any => Type::Dyn,
            Self::Bool => Type::Bool,
            Self::Int => Type::Int,
            Self::Uint => Type::Uint,
            Self::Double => Type::Double,
            Self::String => Type::String,
            Self::Bytes => Type::Bytes,
            Self::List => Type::List(Box::new(Type::Dyn)),
            Self::Map => Type::map(Type::Dyn),
            Self::Strings => Type::List(Box::new(Type::String)),
            Self::Quantity => Type::Quantity,
            Self::Semver => Type::Semver,
            Self::Type => Type::Type,
        }
    }
}

/// One way to call a function.
pub(crate) struct Signature {
    pub(crate) name: &'static str,
    pub(crate) is_method: bool,
    pub(crate) takes: &'static [Shape],
    pub(crate) gives: Shape,
}

const fn function(name: &'static str, takes: &'static [Shape], gives: Shape) -> Signature {
    Signature { name, is_method: false, takes, gives }
}

const fn method(name: &'static str, takes: &'static [Shape], gives: Shape) -> Signature {
    Signature { name, is_method: true, takes, gives }
}

use Shape::{
    Any, Bool, Bytes, Double, Int, List, Map, Quantity, Semver, String, Strings, Type as OfType,
    Uint,
};

/// Every way to call every function, but for operators.
pub(crate) const SIGNATURES: &[Signature] = &[
    function("size", &[String], Int),
    function("size", &[Bytes], Int),
    function("size", &[List], Int),
    function("size", &[Map], Int),
    method("size", &[String], Int),
    method("size", &[Bytes], Int),
    method("size", &[List], Int),
    method("size", &[Map], Int),
    function("type", &[Any], OfType),
    function("dyn", &[Any], Any),
    function("int", &[Int], Int),
    function("int", &[Uint], Int),
    function("int", &[Double], Int),
    function("int", &[String], Int),
    function("uint", &[Uint], Uint),
    function("uint", &[Int], Uint),
    function("uint", &[Double], Uint),
    function("uint", &[String], Uint),
    function("double", &[Double], Double),
    function("double", &[Int], Double),
    function("double", &[Uint], Double),
    function("double", &[String], Double),
    function("string", &[String], String),
    function("string", &[Bool], String),
    function("string", &[Int], String),
    function("string", &[Uint], String),
    function("string", &[Double], String),
    function("string", &[Bytes], String),
    function("bytes", &[String], Bytes),
    function("bytes", &[Bytes], Bytes),
    function("bool", &[Bool], Bool),
    function("bool", &[String], Bool),
    function("matches", &[String, String], Bool),
    method("matches", &[String, String], Bool),
    method("contains", &[String, String], Bool),
    method("startsWith", &[String, String], Bool),
    method("endsWith", &[String, String], Bool),
    method("charAt", &[String, Int], String),
    method("indexOf", &[String, String], Int),
    method("indexOf", &[String, String, Int], Int),
    method("lastIndexOf", &[String, String], Int),
    method("lowerAscii", &[String], String),
    method("upperAscii", &[String], String),
    method("trim", &[String], String),
    method("replace", &[String, String, String], String),
    method("replace", &[String, String, String, Int], String),
    method("split", &[String, String], Strings),
    method("split", &[String, String, Int], Strings),
    method("substring", &[String, Int], String),
    method("substring", &[String, Int, Int], String),
    method("join", &[Strings], String),
    method("join", &[Strings, String], String),
    method("find", &[String, String], String),
    method("findAll", &[String, String], Strings),
    method("findAll", &[String, String, Int], Strings),
    function("quantity", &[String], Quantity),
    function("isQuantity", &[String], Bool),
    method("sign", &[Quantity], Int),
    method("isInteger", &[Quantity], Bool),
    method("asInteger", &[Quantity], Int),
    method("asApproximateFloat", &[Quantity], Double),
    method("add", &[Quantity, Quantity], Quantity),
    method("add", &[Quantity, Int], Quantity),
    method("sub", &[Quantity, Quantity], Quantity),
    method("sub", &[Quantity, Int], Quantity),
    method("isGreaterThan", &[Quantity, Quantity], Bool),
    method("isLessThan", &[Quantity, Quantity], Bool),
    method("compareTo", &[Quantity, Quantity], Int),
    function("semver", &[String], Semver),
    function("semver", &[String, Bool], Semver),
    function("isSemver", &[String], Bool),
    function("isSemver", &[String, Bool], Bool),
    method("major", &[Semver], Int),
    method("minor", &[Semver], Int),
    method("patch", &[Semver], Int),
    method("isGreaterThan", &[Semver, Semver], Bool),
    method("isLessThan", &[Semver, Semver], Bool),
    method("compareTo", &[Semver, Semver], Int),
];
