//! An expression as a tree. Operators are functions by the names that the specification gives them, `_+_`.

use regex::Regex;

use crate::value::Value;

/// An expression, and where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    /// In bytes.
    pub(crate) at: usize,
    pub(crate) kind: Kind,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Literal(Value),
    Identifier(String),
    /// A field, or whether there is one.
    Select {
        operand: Box<Expression>,
        field: String,
        is_test: bool,
    },
    Call {
        function: String,
        /// What a method is called on, then the arguments.
        arguments: Vec<Expression>,
        is_method: bool,
    },
    /// A text against an expression that is known.
    Matches(Box<Expression>, Regex),
    List(Vec<Expression>),
    Map(Vec<(Expression, Expression)>),
    /// A macro over each member of a list, or each key of a map.
    Comprehension(Box<Comprehension>),
    /// `cel.bind`.
    Bind {
        variable: String,
        value: Box<Expression>,
        body: Box<Expression>,
    },
}

/// A macro over members.
#[derive(Clone, Debug)]
pub(crate) struct Comprehension {
    pub(crate) of: Macro,
    pub(crate) range: Expression,
    pub(crate) variable: String,
    /// What is asked of each; none where `map` takes them all.
    pub(crate) predicate: Option<Expression>,
    /// What `map` makes of each.
    pub(crate) transform: Option<Expression>,
}

/// The macros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Macro {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}
