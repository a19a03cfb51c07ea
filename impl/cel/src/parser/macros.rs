//! What macros stand for.

use regex::Regex;

use super::{Parser, call};
use crate::ast::{Comprehension, Expression, Kind, Macro};
use crate::program::CompileError;
use crate::value::Value;

impl Parser<'_> {
    /// A call of a function, which may be `has`.
    pub(super) fn function(
        &self,
        at: usize,
        name: &str,
        mut arguments: Vec<Expression>,
    ) -> Result<Expression, CompileError> {
        if name != "has" || arguments.len() != 1 {
            return Ok(call(at, name, arguments));
        }
        match arguments.pop().map(|argument| argument.kind) {
            Some(Kind::Select { operand, field, is_test: false }) => {
                Ok(Expression { at, kind: Kind::Select { operand, field, is_test: true } })
            }
            _ => {
                Err(CompileError::new(self.text, at, "invalid argument to has() macro".to_owned()))
            }
        }
    }

    /// A call of a method, which may be a macro.
    pub(super) fn method(
        &self,
        at: usize,
        (target, name): (Expression, &str),
        mut arguments: Vec<Expression>,
    ) -> Result<Expression, CompileError> {
        let of = match (name, arguments.len()) {
            ("all", 2) => Macro::All,
            ("exists", 2) => Macro::Exists,
            ("exists_one" | "existsOne", 2) => Macro::ExistsOne,
            ("filter", 2) => Macro::Filter,
            ("map", 2 | 3) => Macro::Map,
            ("bind", 3) if matches!(&target.kind, Kind::Identifier(name) if name == "cel") => {
                return self.bind(at, arguments);
            }
            ("matches", 1) => return self.matches(at, target, arguments.remove(0)),
            _ => {
                let mut all = vec![target];
                all.append(&mut arguments);
                return Ok(Expression {
                    at,
                    kind: Kind::Call { function: name.to_owned(), arguments: all, is_method: true },
                });
            }
        };
        let variable = self.variable(arguments.remove(0))?;
        let last = arguments.pop();
        let (predicate, transform) = match of {
            Macro::Map => (arguments.pop(), last),
            Macro::All | Macro::Exists | Macro::ExistsOne | Macro::Filter => (last, None),
        };
        let comprehension = Comprehension { of, range: target, variable, predicate, transform };
        Ok(Expression { at, kind: Kind::Comprehension(Box::new(comprehension)) })
    }

    fn bind(&self, at: usize, mut arguments: Vec<Expression>) -> Result<Expression, CompileError> {
        let variable = self.variable(arguments.remove(0))?;
        let value = Box::new(arguments.remove(0));
        let body = Box::new(arguments.remove(0));
        Ok(Expression { at, kind: Kind::Bind { variable, value, body } })
    }

    fn matches(
        &self,
        at: usize,
        target: Expression,
        pattern: Expression,
    ) -> Result<Expression, CompileError> {
        if let Kind::Literal(Value::String(text)) = &pattern.kind {
            let regex = Regex::new(text).map_err(|_| {
                let why = format!("invalid matches argument: error parsing regexp: `{text}`");
                CompileError::new(self.text, pattern.at, why)
            })?;
            return Ok(Expression { at, kind: Kind::Matches(Box::new(target), regex) });
        }
        let kind = Kind::Call {
            function: "matches".to_owned(),
            arguments: vec![target, pattern],
            is_method: true,
        };
        Ok(Expression { at, kind })
    }

    fn variable(&self, argument: Expression) -> Result<String, CompileError> {
        let Kind::Identifier(name) = argument.kind else {
            let why = "argument must be a simple name".to_owned();
            return Err(CompileError::new(self.text, argument.at, why));
        };
        Ok(name)
    }
}
