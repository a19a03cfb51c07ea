//! The grammar of label selectors: `a=b,c!=d,e in (x,y),f notin (z),g,!h`.
//!
//! Source: `Lexer` and `Parser` of `apimachinery/pkg/labels` (v1.36), with their error texts.

use std::collections::BTreeSet;

use super::{Operator, Requirement, key_error};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    End,
    Comma,
    Open,
    Closed,
    Not,
    Equals,
    DoubleEquals,
    NotEquals,
    Greater,
    Less,
    In,
    NotIn,
    Identifier,
}

impl Token {
    fn of_symbol(text: &str) -> Option<Self> {
        match text {
            "," => Some(Self::Comma),
            "(" => Some(Self::Open),
            ")" => Some(Self::Closed),
            "!" => Some(Self::Not),
            "=" => Some(Self::Equals),
            "==" => Some(Self::DoubleEquals),
            "!=" => Some(Self::NotEquals),
            ">" => Some(Self::Greater),
            "<" => Some(Self::Less),
            _ => None,
        }
    }

    fn of_word(text: &str) -> Self {
        match text {
            "in" => Self::In,
            "notin" => Self::NotIn,
            _ => Self::Identifier,
        }
    }

    /// `in` and `notin` are words like any other except where an operator stands.
    fn as_value(self) -> Self {
        match self {
            Self::In | Self::NotIn => Self::Identifier,
            Self::End
            | Self::Comma
            | Self::Open
            | Self::Closed
            | Self::Not
            | Self::Equals
            | Self::DoubleEquals
            | Self::NotEquals
            | Self::Greater
            | Self::Less
            | Self::Identifier => self,
        }
    }
}

/// The requirements of a text, in its order.
pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser { items: scan(text), position: 0 };
    let mut requirements = vec![];
    loop {
        match parser.peek() {
            (Token::End, _) => return Ok(requirements),
            (Token::Identifier | Token::Not, _) => {
                let requirement = parser.requirement();
                requirements.push(
                    requirement.map_err(|error| format!("unable to parse requirement: {error}"))?,
                );
                parser.separator()?;
            }
            (_, literal) => {
                let expected = "!, identifier, or 'end of string'";
                return Err(format!("found '{literal}', expected: {expected}"));
            }
        }
    }
}

fn scan(text: &str) -> Vec<(Token, &str)> {
    let mut items = vec![];
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let length =
            if rest.starts_with(is_symbol) { symbol_length(rest) } else { word_length(rest) };
        let (literal, after) = rest.split_at(length);
        items.push((Token::of_symbol(literal).unwrap_or(Token::of_word(literal)), literal));
        rest = after.trim_start_matches(is_space);
    }
    items
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

fn is_symbol(character: char) -> bool {
    "=!(),><".contains(character)
}

fn symbol_length(text: &str) -> usize {
    let two = text.get(..2).and_then(Token::of_symbol);
    if two.is_some() { 2 } else { 1 }
}

fn word_length(text: &str) -> usize {
    text.find(|character| is_space(character) || is_symbol(character)).unwrap_or(text.len())
}

struct Parser<'a> {
    items: Vec<(Token, &'a str)>,
    position: usize,
}

impl<'a> Parser<'a> {
    /// The next item, read as a value.
    fn peek(&self) -> (Token, &'a str) {
        let (token, literal) = self.peek_operator();
        (token.as_value(), literal)
    }

    fn peek_operator(&self) -> (Token, &'a str) {
        self.items.get(self.position).copied().unwrap_or((Token::End, ""))
    }

    fn next(&mut self) -> (Token, &'a str) {
        let item = self.peek();
        self.position += 1;
        item
    }

    fn separator(&mut self) -> Result<(), String> {
        match self.next() {
            (Token::End, _) => Ok(()),
            (Token::Comma, _) => match self.peek() {
                (Token::Identifier | Token::Not, _) => Ok(()),
                (_, literal) => Err(format!("found '{literal}', expected: identifier after ','")),
            },
            (_, literal) => Err(format!("found '{literal}', expected: ',' or 'end of string'")),
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let negated = self.peek().0 == Token::Not;
        if negated {
            self.next();
        }
        let key = self.key()?;
        let ends = matches!(self.peek().0, Token::End | Token::Comma);
        if negated || ends {
            let operator = if negated { Operator::DoesNotExist } else { Operator::Exists };
            return Requirement::new(key, operator, BTreeSet::new());
        }
        let operator = self.operator()?;
        let values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            Operator::Equals
            | Operator::DoubleEquals
            | Operator::NotEquals
            | Operator::Exists
            | Operator::DoesNotExist
            | Operator::GreaterThan
            | Operator::LessThan => self.exact_value()?,
        };
        Requirement::new(key, operator, values)
    }

    fn key(&mut self) -> Result<&'a str, String> {
        match self.next() {
            (Token::Identifier, key) => match key_error(key, "") {
                Some(error) => Err(error),
                None => Ok(key),
            },
            (_, literal) => Err(format!("found '{literal}', expected: identifier")),
        }
    }

    fn operator(&mut self) -> Result<Operator, String> {
        let (token, literal) = self.peek_operator();
        self.position += 1;
        match token {
            Token::In => Ok(Operator::In),
            Token::NotIn => Ok(Operator::NotIn),
            Token::Equals => Ok(Operator::Equals),
            Token::DoubleEquals => Ok(Operator::DoubleEquals),
            Token::NotEquals => Ok(Operator::NotEquals),
            Token::Greater => Ok(Operator::GreaterThan),
            Token::Less => Ok(Operator::LessThan),
            Token::End
            | Token::Comma
            | Token::Open
            | Token::Closed
            | Token::Not
            | Token::Identifier => {
                Err(format!("found '{literal}', expected: in, notin, =, ==, !=, gt, lt"))
            }
        }
    }

    /// `(x,y)`; an empty place between commas is the empty value.
    fn values(&mut self) -> Result<BTreeSet<String>, String> {
        match self.next() {
            (Token::Open, _) => {}
            (_, literal) => return Err(format!("found '{literal}' expected: '('")),
        }
        match self.peek() {
            (Token::Closed, _) => {
                self.next();
                Ok(BTreeSet::from([String::new()]))
            }
            (Token::Identifier | Token::Comma, _) => self.list(),
            (_, literal) => Err(format!("found '{literal}', expected: ',', ')' or identifier")),
        }
    }

    fn list(&mut self) -> Result<BTreeSet<String>, String> {
        let mut values = BTreeSet::new();
        let mut value = "";
        loop {
            match self.next() {
                (Token::Identifier, literal) if value.is_empty() => value = literal,
                (Token::Comma, _) => {
                    values.insert(std::mem::take(&mut value).to_owned());
                }
                (Token::Closed, _) => {
                    values.insert(value.to_owned());
                    return Ok(values);
                }
                (_, literal) if value.is_empty() => {
                    return Err(format!("found '{literal}', expected: ',', or identifier"));
                }
                (_, literal) => {
                    return Err(format!("found '{literal}', expected: ',' or ')'"));
                }
            }
        }
    }

    fn exact_value(&mut self) -> Result<BTreeSet<String>, String> {
        match self.peek() {
            (Token::End | Token::Comma, _) => Ok(BTreeSet::from([String::new()])),
            (Token::Identifier, value) => {
                self.next();
                Ok(BTreeSet::from([value.to_owned()]))
            }
            (_, literal) => Err(format!("found '{literal}', expected: identifier")),
        }
    }
}
