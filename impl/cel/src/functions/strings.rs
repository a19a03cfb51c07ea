//! Functions of texts. Places are counted in letters.
//!
//! Source: cel-go/ext/strings.go version 2, apiserver/pkg/cel/library/regex.go (v1.36).

use regex::Regex;

use super::{Found, length};
use crate::value::Value;

/// What a function of texts makes of its arguments; `None` of what is no such function.
pub(super) fn call(function: &str, arguments: &[Value]) -> Option<Found> {
    if let ("join", [Value::List(members), rest @ ..]) = (function, arguments) {
        return join(members, rest);
    }
    let [Value::String(text), rest @ ..] = arguments else { return None };
    Some(match (function, rest) {
        ("contains", [Value::String(part)]) => Ok(Value::Bool(text.contains(&**part))),
        ("startsWith", [Value::String(part)]) => Ok(Value::Bool(text.starts_with(&**part))),
        ("endsWith", [Value::String(part)]) => Ok(Value::Bool(text.ends_with(&**part))),
        ("matches", [Value::String(pattern)]) => {
            regex(pattern).map(|regex| Value::Bool(regex.is_match(text)))
        }
        ("find", [Value::String(pattern)]) => regex(pattern)
            .map(|regex| Value::string(regex.find(text).map_or("", |found| found.as_str()))),
        ("findAll", [Value::String(pattern)]) => find_all(text, pattern, -1),
        ("findAll", [Value::String(pattern), Value::Int(most)]) => find_all(text, pattern, *most),
        ("charAt", [Value::Int(at)]) => char_at(text, *at),
        ("indexOf", [Value::String(part)]) => Ok(index_of(text, part, 0)),
        ("indexOf", [Value::String(part), Value::Int(from)]) => {
            place(text, *from).map(|from| index_of(text, part, from))
        }
        ("lastIndexOf", [Value::String(part)]) => {
            Ok(text.rfind(&**part).map_or(Value::Int(-1), |at| length(text[..at].chars().count())))
        }
        ("lowerAscii", []) => Ok(Value::string(&text.to_ascii_lowercase())),
        ("upperAscii", []) => Ok(Value::string(&text.to_ascii_uppercase())),
        ("trim", []) => Ok(Value::string(text.trim())),
        ("replace", [Value::String(old), Value::String(new)]) => {
            Ok(Value::string(&text.replace(&**old, new)))
        }
        ("replace", [Value::String(old), Value::String(new), Value::Int(most)]) => {
            let most = usize::try_from(*most).unwrap_or(usize::MAX);
            Ok(Value::string(&text.replacen(&**old, new, most)))
        }
        ("split", [Value::String(between)]) => Ok(split(text, between, -1)),
        ("split", [Value::String(between), Value::Int(most)]) => Ok(split(text, between, *most)),
        ("substring", [Value::Int(from)]) => {
            place(text, *from).map(|from| Value::string(&text[from..]))
        }
        ("substring", [Value::Int(from), Value::Int(to)]) => substring(text, *from, *to),
        _ => return None,
    })
}

fn regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|_| format!("error parsing regexp: `{pattern}`"))
}

fn find_all(text: &str, pattern: &str, most: i64) -> Found {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let regex = regex(pattern)?;
    let found: Vec<Value> =
        regex.find_iter(text).take(most).map(|found| Value::string(found.as_str())).collect();
    Ok(Value::List(found.into()))
}

/// Where a letter begins; the end of the text counts as one.
fn place(text: &str, letter: i64) -> Result<usize, String> {
    let mut places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let found = usize::try_from(letter).ok().and_then(|letter| places.nth(letter));
    found.ok_or_else(|| format!("index out of range: {letter}"))
}

fn char_at(text: &str, at: i64) -> Found {
    let from = place(text, at)?;
    Ok(Value::string(&text[from..].chars().take(1).collect::<String>()))
}

fn index_of(text: &str, part: &str, from: usize) -> Value {
    let found = text[from..].find(part).map(|at| from + at);
    found.map_or(Value::Int(-1), |at| length(text[..at].chars().count()))
}

fn substring(text: &str, from: i64, to: i64) -> Found {
    if from > to {
        return Err(format!("invalid substring range. start: {from}, end: {to}"));
    }
    Ok(Value::string(&text[place(text, from)?..place(text, to)?]))
}

fn split(text: &str, between: &str, most: i64) -> Value {
    let parts: Vec<Value> = match (usize::try_from(most), between.is_empty()) {
        (Ok(0), _) => vec![],
        (_, true) => text.chars().map(|letter| Value::string(&letter.to_string())).collect(),
        (Ok(most), false) => text.splitn(most, between).map(Value::string).collect(),
        (Err(_), false) => text.split(between).map(Value::string).collect(),
    };
    Value::List(parts.into())
}

fn join(members: &[Value], rest: &[Value]) -> Option<Found> {
    let between = match rest {
        [] => "",
        [Value::String(between)] => between,
        _ => return None,
    };
    let mut texts = vec![];
    for member in members {
        let Value::String(text) = member else { return None };
        texts.push(&**text);
    }
    Some(Ok(Value::string(&texts.join(between))))
}
