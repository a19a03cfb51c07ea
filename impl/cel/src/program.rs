//! A text, compiled.

use std::fmt;

use crate::ast::Expression;
use crate::check::check;
use crate::evaluate::Evaluator;
use crate::parser::parse;
use crate::types::Type;
use crate::value::Value;

/// An expression that can be evaluated.
#[derive(Clone, Debug)]
pub struct Program {
    expression: Expression,
    /// The type of what it comes to.
    pub output: Type,
}

/// Why a text is no expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CompileError {
    line: usize,
    column: usize,
    why: String,
    source_line: String,
}

impl CompileError {
    pub(crate) fn new(text: &str, at: usize, why: String) -> Self {
        let before = &text[..at.min(text.len())];
        let begin = before.rfind('\n').map_or(0, |end| end + 1);
        let rest = &text[begin..];
        Self {
            line: before.matches('\n').count() + 1,
            column: before[begin..].chars().count(),
            why,
            source_line: rest[..rest.find('\n').unwrap_or(rest.len())].to_owned(),
        }
    }
}

impl fmt::Display for CompileError {
    /// As cel-go writes it, with the line and a mark below the place.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, why, source_line } = self;
        let dots = ".".repeat(*column);
        write!(
            formatter,
            "ERROR: <input>:{line}:{}: {why}\n | {source_line}\n | {dots}^",
            column + 1
        )
    }
}

impl Program {
    /// Compiles a text that is about these variables. All that is wrong is told, if anything is.
    pub fn compile(text: &str, variables: &[(&str, Type)]) -> Result<Self, String> {
        let expression = parse(text).map_err(|error| error.to_string())?;
        let output = check(text, &expression, variables).map_err(|errors| {
            let texts: Vec<String> = errors.iter().map(CompileError::to_string).collect();
            texts.join("\n")
        })?;
        Ok(Self { expression, output })
    }

    /// Evaluates it, in so many steps at the most.
    pub fn evaluate(&self, variables: &[(&str, Value)], steps_max: u64) -> Result<Value, String> {
        Evaluator::new(variables, steps_max).evaluate(&self.expression)
    }
}
