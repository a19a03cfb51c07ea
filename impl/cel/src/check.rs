//! Finds, before anything is evaluated, what an expression cannot mean.

use crate::ast::{Comprehension, Expression, Kind, Macro};
use crate::program::CompileError;
use crate::signatures::SIGNATURES;
use crate::types::Type;
use crate::value::Value;

/// The type of an expression, and all that is wrong with it.
pub(crate) fn check(
    text: &str,
    expression: &Expression,
    variables: &[(&str, Type)],
) -> Result<Type, Vec<CompileError>> {
    let scope = variables.iter().map(|(name, kind)| ((*name).to_owned(), kind.clone())).collect();
    let mut checker = Checker { text, scope, errors: vec![] };
    let found = checker.type_of(expression);
    if checker.errors.is_empty() { Ok(found) } else { Err(checker.errors) }
}

struct Checker<'a> {
    text: &'a str,
    /// Variables, the innermost last.
    scope: Vec<(String, Type)>,
    errors: Vec<CompileError>,
}

impl Checker<'_> {
    fn wrong(&mut self, at: usize, why: String) -> Type {
        self.errors.push(CompileError::new(self.text, at, why));
        Type::Dyn
    }

    fn type_of(&mut self, expression: &Expression) -> Type {
        let at = expression.at;
        match &expression.kind {
            Kind::Literal(value) => type_of_value(value),
            Kind::Identifier(name) => self.variable(at, name),
            Kind::Select { operand, field, is_test } => {
                let selected = self.field(at, operand, field);
                if *is_test { Type::Bool } else { selected }
            }
            Kind::Call { function, arguments, is_method } => {
                let given: Vec<Type> = arguments.iter().map(|one| self.type_of(one)).collect();
                self.call(at, (function, *is_method), &given)
            }
            Kind::Matches(operand, _) => {
                let given = self.type_of(operand);
                self.call(at, ("matches", true), &[given, Type::String])
            }
            Kind::List(members) => {
                let members: Vec<Type> = members.iter().map(|one| self.type_of(one)).collect();
                Type::List(Box::new(common(&members)))
            }
            Kind::Map(entries) => {
                let mut values = vec![];
                for (key, value) in entries {
                    self.type_of(key);
                    values.push(self.type_of(value));
                }
                Type::map(common(&values))
            }
            Kind::Comprehension(comprehension) => self.comprehension(at, comprehension),
            Kind::Bind { variable, value, body } => {
                let bound = self.type_of(value);
                self.with(variable, bound, body)
            }
        }
    }

    fn with(&mut self, variable: &str, bound: Type, body: &Expression) -> Type {
        self.scope.push((variable.to_owned(), bound));
        let found = self.type_of(body);
        self.scope.pop();
        found
    }

    fn variable(&mut self, at: usize, name: &str) -> Type {
        let found = self.scope.iter().rev().find(|(known, _)| known == name);
        if let Some((_, found)) = found {
            return found.clone();
        }
        if crate::functions::TYPE_NAMES.contains(&name) {
            return Type::Type;
        }
        self.wrong(at, format!("undeclared reference to '{name}' (in container '')"))
    }

    fn field(&mut self, at: usize, operand: &Expression, field: &str) -> Type {
        let of = self.type_of(operand);
        if let Type::Map(values) = of {
            *values
        } else if let Type::Object(fields) = of {
            let found = fields.iter().find(|(name, _)| *name == field);
            match found {
                Some((_, found)) => found.clone(),
                None => self.wrong(at, format!("undefined field '{field}'")),
            }
        } else if of == Type::Dyn {
            of
        } else {
            self.wrong(at, format!("type '{of}' does not support field selection"))
        }
    }

    fn comprehension(&mut self, at: usize, of: &Comprehension) -> Type {
        let range = self.type_of(&of.range);
        let members = keys(&range).unwrap_or_else(|| {
            let why = "cannot be range of a comprehension (must be list, map, or dynamic)";
            self.wrong(at, format!("expression of type '{range}' {why}"))
        });
        if let Some(predicate) = &of.predicate {
            let asked = self.with(&of.variable, members.clone(), predicate);
            if !asked.goes_with(&Type::Bool) {
                self.no_overload(predicate.at, ("_&&_", false), &[Type::Bool, asked]);
            }
        }
        let made = of.transform.as_ref().map(|made| self.with(&of.variable, members.clone(), made));
        match of.of {
            Macro::All | Macro::Exists | Macro::ExistsOne => Type::Bool,
            Macro::Filter => Type::List(Box::new(members)),
            Macro::Map => Type::List(Box::new(made.unwrap_or(Type::Dyn))),
        }
    }

    fn call(&mut self, at: usize, of: (&str, bool), given: &[Type]) -> Type {
        let found = match given {
            [one] => unary(of.0, one),
            [left, right] => binary(of.0, left, right),
            [condition, then, otherwise] if of.0 == "_?_:_" => {
                let is_sound = condition.goes_with(&Type::Bool) && then.goes_with(otherwise);
                Some(is_sound.then(|| if then == otherwise { then.clone() } else { Type::Dyn }))
            }
            _ => None,
        };
        if let Some(found) = found {
            return found.unwrap_or_else(|| self.no_overload(at, of, given));
        }
        let mut known = SIGNATURES.iter().filter(|one| (one.name, one.is_method) == of).peekable();
        if known.peek().is_none() {
            return self.wrong(at, format!("undeclared reference to '{}' (in container '')", of.0));
        }
        let mut admits = known.filter(|one| {
            let mut pairs = one.takes.iter().zip(given);
            one.takes.len() == given.len() && pairs.all(|(shape, given)| shape.admits(given))
        });
        match (admits.next(), admits.next()) {
            (None, _) => self.no_overload(at, of, given),
            (Some(one), Some(other)) if one.gives != other.gives => Type::Dyn,
            (Some(one), _) => one.gives.as_type(),
        }
    }

    fn no_overload(
        &mut self,
        at: usize,
        (function, is_method): (&str, bool),
        given: &[Type],
    ) -> Type {
        let texts: Vec<String> = given.iter().map(Type::to_string).collect();
        let applied = match (is_method, &texts[..]) {
            (true, [target, arguments @ ..]) => format!("{target}.({})", arguments.join(", ")),
            _ => format!("({})", texts.join(", ")),
        };
        let why = format!("found no matching overload for '{function}' applied to '{applied}'");
        self.wrong(at, why)
    }
}

/// The type of all, if they have one.
fn common(types: &[Type]) -> Type {
    let first = types.first().cloned().unwrap_or(Type::Dyn);
    if types.iter().all(|other| *other == first) { first } else { Type::Dyn }
}

/// `None` of what is no operator, then of what an operator is not for.
fn unary(function: &str, operand: &Type) -> Option<Option<Type>> {
    let is_for: &[Type] = match function {
        "!_" => &[Type::Bool],
        "-_" => &[Type::Int, Type::Double],
        _ => return None,
    };
    let found = is_for.contains(operand) || *operand == Type::Dyn;
    Some(found.then(|| operand.clone()))
}

/// `None` of what is no operator, then of what an operator is not for.
fn binary(function: &str, left: &Type, right: &Type) -> Option<Option<Type>> {
    const NUMBERS: [Type; 3] = [Type::Int, Type::Uint, Type::Double];
    let are = |types: &[Type]| {
        left.goes_with(right)
            && [left, right].iter().all(|one| **one == Type::Dyn || types.contains(one))
    };
    let sum = || if *left == Type::Dyn { right.clone() } else { left.clone() };
    let is_list = |one: &Type| matches!(one, Type::List(_) | Type::Dyn);
    Some(match function {
        "_&&_" | "_||_" => are(&[Type::Bool]).then_some(Type::Bool),
        "_==_" | "_!=_" => left.goes_with(right).then_some(Type::Bool),
        "_<_" | "_<=_" | "_>_" | "_>=_" => {
            let numbers = NUMBERS.contains(left) && NUMBERS.contains(right);
            let same = [Type::Int, Type::Uint, Type::Double, Type::String, Type::Bool, Type::Bytes];
            (numbers || are(&same)).then_some(Type::Bool)
        }
        "_+_" => {
            let same = [Type::Int, Type::Uint, Type::Double, Type::String, Type::Bytes];
            (are(&same) || is_list(left) && is_list(right)).then(sum)
        }
        "_-_" | "_*_" | "_/_" => are(&NUMBERS).then(sum),
        "_%_" => are(&[Type::Int, Type::Uint]).then(sum),
        "@in" => {
            let keys = keys(right);
            keys.is_some_and(|keys| left.goes_with(&keys)).then_some(Type::Bool)
        }
        "_[_]" => indexed(left, right),
        _ => return None,
    })
}

/// What may be `in` a value.
fn keys(of: &Type) -> Option<Type> {
    if let Type::List(members) = of {
        Some((**members).clone())
    } else if let Type::Map(_) = of {
        Some(Type::String)
    } else {
        (*of == Type::Dyn).then_some(Type::Dyn)
    }
}

fn indexed(of: &Type, key: &Type) -> Option<Type> {
    if let Type::List(members) = of {
        key.goes_with(&Type::Int).then(|| (**members).clone())
    } else if let Type::Map(values) = of {
        key.goes_with(&Type::String).then(|| (**values).clone())
    } else {
        (*of == Type::Dyn).then_some(Type::Dyn)
    }
}

fn type_of_value(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::String(_) => Type::String,
        Value::Bytes(_) => Type::Bytes,
        Value::List(_) => Type::List(Box::new(Type::Dyn)),
        Value::Map(_) => Type::map(Type::Dyn),
        Value::Quantity(_) => Type::Quantity,
        Value::Semver(_) => Type::Semver,
        Value::Type(_) => Type::Type,
    }
}
