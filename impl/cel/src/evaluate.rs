//! What an expression comes to.
//!
//! A step is one node of the tree, one member of a list, or ten bytes of a text that a function reads.

use std::sync::Arc;

use crate::ast::{Comprehension, Expression, Kind, Macro};
use crate::functions::{NO_OVERLOAD, TYPE_NAMES, call};
use crate::value::{Map, Value};

/// Evaluates one expression.
pub(crate) struct Evaluator<'a> {
    /// The innermost last.
    scope: Vec<(&'a str, Value)>,
    steps_left: u64,
}

type Found = Result<Value, String>;

impl<'a> Evaluator<'a> {
    pub(crate) fn new(variables: &[(&'a str, Value)], steps_max: u64) -> Self {
        Self { scope: variables.to_vec(), steps_left: steps_max }
    }

    pub(crate) fn evaluate(&mut self, expression: &'a Expression) -> Found {
        self.step(1)?;
        match &expression.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Identifier(name) => self.variable(name),
            Kind::Select { operand, field, is_test } => {
                let operand = self.evaluate(operand)?;
                match is_test {
                    true => has(&operand, field),
                    false => index(&operand, &Value::string(field)),
                }
            }
            Kind::Call { function, arguments, .. } => self.call(function, arguments),
            Kind::Matches(operand, regex) => {
                let Value::String(text) = self.evaluate(operand)? else { return no_overload() };
                self.step(text.len() as u64 / 10)?;
                Ok(Value::Bool(regex.is_match(&text)))
            }
            Kind::List(members) => {
                let members: Result<Vec<Value>, _> =
                    members.iter().map(|one| self.evaluate(one)).collect();
                Ok(Value::List(members?.into()))
            }
            Kind::Map(entries) => self.map(entries),
            Kind::Comprehension(comprehension) => self.comprehension(comprehension),
            Kind::Bind { variable, value, body } => {
                let value = self.evaluate(value)?;
                self.with(variable, value, body)
            }
        }
    }

    fn step(&mut self, steps: u64) -> Result<(), String> {
        self.steps_left = self
            .steps_left
            .checked_sub(steps)
            .ok_or("operation cancelled: actual cost limit exceeded")?;
        Ok(())
    }

    fn with(&mut self, variable: &'a str, value: Value, body: &'a Expression) -> Found {
        self.scope.push((variable, value));
        let found = self.evaluate(body);
        self.scope.pop();
        found
    }

    fn variable(&self, name: &str) -> Found {
        let found = self.scope.iter().rev().find(|(known, _)| *known == name);
        if let Some((_, value)) = found {
            return Ok(value.clone());
        }
        let is_type = TYPE_NAMES.into_iter().find(|known| *known == name);
        is_type.map(Value::Type).ok_or_else(|| format!("no such attribute(s): {name}"))
    }

    fn map(&mut self, entries: &'a [(Expression, Expression)]) -> Found {
        let mut map = std::collections::BTreeMap::new();
        for (key, value) in entries {
            let Value::String(key) = self.evaluate(key)? else {
                return Err("unsupported key type".to_owned());
            };
            let value = self.evaluate(value)?;
            if map.insert(key, value).is_some() {
                return Err("Failed with repeated key".to_owned());
            }
        }
        Ok(Value::Map(Arc::new(Map::new(map))))
    }

    fn call(&mut self, function: &str, arguments: &'a [Expression]) -> Found {
        match (function, arguments) {
            ("_&&_", [left, right]) => self.logic(false, left, right),
            ("_||_", [left, right]) => self.logic(true, left, right),
            ("_?_:_", [condition, then, otherwise]) => {
                let Value::Bool(truth) = self.evaluate(condition)? else { return no_overload() };
                self.evaluate(if truth { then } else { otherwise })
            }
            _ => {
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    let value = self.evaluate(argument)?;
                    self.step(weight(&value))?;
                    values.push(value);
                }
                match (function, &values[..]) {
                    ("_[_]", [operand, key]) => index(operand, key),
                    _ => call(function, &values),
                }
            }
        }
    }

    /// One side may decide, also where the other one fails.
    fn logic(&mut self, decides: bool, left: &'a Expression, right: &'a Expression) -> Found {
        let mut failed = None;
        for side in [left, right] {
            match self.evaluate(side) {
                Ok(Value::Bool(truth)) if truth == decides => return Ok(Value::Bool(truth)),
                Ok(Value::Bool(_)) => {}
                Ok(_) => drop(failed.get_or_insert_with(|| NO_OVERLOAD.to_owned())),
                Err(why) => drop(failed.get_or_insert(why)),
            }
        }
        failed.map_or(Ok(Value::Bool(!decides)), Err)
    }

    fn comprehension(&mut self, of: &'a Comprehension) -> Found {
        let Some(members) = members(&self.evaluate(&of.range)?) else { return no_overload() };
        let (mut kept, mut failed) = (vec![], None);
        for member in members {
            self.step(1)?;
            let asked = match &of.predicate {
                Some(predicate) => self.with(&of.variable, member.clone(), predicate),
                None => Ok(Value::Bool(true)),
            };
            let is_one = match (asked, of.of) {
                (Ok(Value::Bool(truth)), _) => truth,
                (Ok(_), _) => return no_overload(),
                (Err(why), Macro::All | Macro::Exists) => {
                    failed.get_or_insert(why);
                    continue;
                }
                (Err(why), Macro::ExistsOne | Macro::Filter | Macro::Map) => return Err(why),
            };
            match of.of {
                Macro::All if !is_one => return Ok(Value::Bool(false)),
                Macro::Exists if is_one => return Ok(Value::Bool(true)),
                Macro::All | Macro::Exists => {}
                Macro::ExistsOne | Macro::Filter if is_one => kept.push(member),
                Macro::Map if is_one => kept.push(match &of.transform {
                    Some(transform) => self.with(&of.variable, member, transform)?,
                    None => member,
                }),
                Macro::ExistsOne | Macro::Filter | Macro::Map => {}
            }
        }
        match (failed, of.of) {
            (Some(why), _) => Err(why),
            (None, Macro::All) => Ok(Value::Bool(true)),
            (None, Macro::Exists) => Ok(Value::Bool(false)),
            (None, Macro::ExistsOne) => Ok(Value::Bool(kept.len() == 1)),
            (None, Macro::Filter | Macro::Map) => Ok(Value::List(kept.into())),
        }
    }
}

/// What a macro goes through: the members of a list, the keys of a map.
fn members(range: &Value) -> Option<Vec<Value>> {
    if let Value::List(members) = range {
        Some(members.to_vec())
    } else if let Value::Map(map) = range {
        Some(map.keys().map(|key| Value::String(Arc::clone(key))).collect())
    } else {
        None
    }
}

fn no_overload() -> Found {
    Err(NO_OVERLOAD.to_owned())
}

/// How many steps it takes to read a value.
fn weight(value: &Value) -> u64 {
    if let Value::String(text) = value {
        text.len() as u64 / 10
    } else if let Value::List(members) = value {
        members.len() as u64
    } else {
        0
    }
}

fn has(operand: &Value, field: &str) -> Found {
    let Value::Map(map) = operand else { return no_overload() };
    Ok(Value::Bool(map.get(field).is_some()))
}

fn index(operand: &Value, key: &Value) -> Found {
    match (operand, key) {
        (Value::Map(map), Value::String(key)) => {
            map.get(key).cloned().ok_or_else(|| format!("no such key: {key}"))
        }
        (Value::List(members), Value::Int(index)) => {
            let member = usize::try_from(*index).ok().and_then(|index| members.get(index));
            member.cloned().ok_or_else(|| format!("index out of bounds: {index}"))
        }
        _ => no_overload(),
    }
}
