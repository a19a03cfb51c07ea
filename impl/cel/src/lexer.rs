//! Cuts a text into tokens.

use crate::program::CompileError;
use crate::value::Value;

/// A token, and where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) at: usize,
    pub(crate) kind: TokenKind,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TokenKind {
    Identifier(String),
    Literal(Value),
    Symbol(&'static str),
    End,
}

/// The longer ones first.
const SYMBOLS: [&str; 24] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",",
    "(", ")", "[", "]", "{", "}",
];

/// The tokens of a text, the last of which is its end.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, CompileError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = vec![];
    loop {
        lexer.skip_space();
        let at = lexer.at;
        let kind = lexer.token()?;
        let is_end = kind == TokenKind::End;
        tokens.push(Token { at, kind });
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            let space = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']).len();
            let comment = rest[space..].starts_with("//");
            self.at += space;
            if !comment {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn token(&mut self) -> Result<TokenKind, CompileError> {
        let Some(first) = self.rest().chars().next() else { return Ok(TokenKind::End) };
        if let Some(prefix) = string_prefix(self.rest()) {
            return self.string(prefix);
        }
        let is_fraction =
            first == '.' && self.rest()[1..].starts_with(|next: char| next.is_ascii_digit());
        if first.is_ascii_digit() || is_fraction {
            return self.number();
        }
        if first.is_ascii_alphabetic() || first == '_' {
            let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let end = self.rest().find(|letter| !is_letter(letter)).unwrap_or(self.rest().len());
            let word = self.rest()[..end].to_owned();
            self.at += end;
            return Ok(keyword(word));
        }
        let symbol = SYMBOLS.into_iter().find(|symbol| self.rest().starts_with(symbol));
        let Some(symbol) = symbol else {
            let why = format!("Syntax error: token recognition error at: '{first}'");
            return Err(CompileError::new(self.text, self.at, why));
        };
        self.at += symbol.len();
        Ok(TokenKind::Symbol(symbol))
    }

    fn number(&mut self) -> Result<TokenKind, CompileError> {
        let rest = self.rest();
        if let Some(digits) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
            let end = digits.find(|digit: char| !digit.is_ascii_hexdigit()).unwrap_or(digits.len());
            return self.whole((&rest[2..2 + end], 16), 2 + end);
        }
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut end = digits(rest);
        let mut is_whole = true;
        if rest[end..].starts_with('.') && digits(&rest[end + 1..]) > 0 {
            is_whole = false;
            end += 1 + digits(&rest[end + 1..]);
        }
        if rest[end..].starts_with(['e', 'E']) {
            let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
            let exponent = digits(&rest[end + 1 + sign..]);
            if exponent > 0 {
                is_whole = false;
                end += 1 + sign + exponent;
            }
        }
        if is_whole {
            return self.whole((&rest[..end], 10), end);
        }
        let number: f64 = rest[..end].parse().unwrap_or(f64::NAN);
        self.at += end;
        Ok(TokenKind::Literal(Value::Double(number)))
    }

    fn whole(&mut self, digits: (&str, u32), end: usize) -> Result<TokenKind, CompileError> {
        let is_unsigned = self.rest()[end..].starts_with(['u', 'U']);
        let read = u64::from_str_radix(digits.0, digits.1);
        let value = match (read, is_unsigned) {
            (Ok(number), true) => Some(Value::Uint(number)),
            // One more than fits: it may become negative.
            (Ok(number), false) if number <= 1 << 63 => {
                Some(i64::try_from(number).map_or(Value::Uint(number), Value::Int))
            }
            _ => None,
        };
        let Some(value) = value else {
            let kind = if is_unsigned { "uint" } else { "int" };
            return Err(CompileError::new(self.text, self.at, format!("invalid {kind} literal")));
        };
        self.at += end + usize::from(is_unsigned);
        Ok(TokenKind::Literal(value))
    }

    fn string(&mut self, prefix: Prefix) -> Result<TokenKind, CompileError> {
        let begin = self.at;
        self.at += prefix.len;
        let rest = self.rest();
        let quote = match &rest[..1] {
            "\"" if rest.starts_with("\"\"\"") => "\"\"\"",
            "'" if rest.starts_with("'''") => "'''",
            other => other,
        }
        .to_owned();
        self.at += quote.len();
        let mut bytes = vec![];
        loop {
            let rest = self.rest();
            if rest.starts_with(&quote) {
                self.at += quote.len();
                break;
            }
            let next = rest.chars().next().filter(|next| *next != '\n' || quote.len() > 1);
            let Some(next) = next else {
                let unread = &self.text[begin..];
                let why = format!("Syntax error: token recognition error at: '{unread}'");
                return Err(CompileError::new(self.text, begin, why));
            };
            if next == '\\' && !prefix.is_raw {
                self.escape(&mut bytes, prefix.is_bytes)?;
            } else {
                self.at += next.len_utf8();
                bytes.extend(next.encode_utf8(&mut [0; 4]).bytes());
            }
        }
        let value = match prefix.is_bytes {
            true => Value::Bytes(bytes.into()),
            false => Value::string(&String::from_utf8_lossy(&bytes)),
        };
        Ok(TokenKind::Literal(value))
    }

    fn escape(&mut self, bytes: &mut Vec<u8>, is_bytes: bool) -> Result<(), CompileError> {
        let invalid = CompileError::new(self.text, self.at, "invalid string literal".to_owned());
        let mut letters = self.rest().chars().skip(1);
        let letter = letters.next().ok_or_else(|| invalid.clone())?;
        let simple = match letter {
            'a' => Some(7),
            'b' => Some(8),
            'f' => Some(12),
            'n' => Some(b'\n'),
            'r' => Some(b'\r'),
            't' => Some(b'\t'),
            'v' => Some(11),
            '\\' | '\'' | '"' | '`' | '?' => u8::try_from(letter).ok(),
            _ => None,
        };
        if let Some(byte) = simple {
            self.at += 2;
            bytes.push(byte);
            return Ok(());
        }
        let (skipped, digits, radix) = match letter {
            'x' | 'X' => (2, 2, 16),
            'u' => (2, 4, 16),
            'U' => (2, 8, 16),
            '0'..='3' => (1, 3, 8),
            _ => return Err(invalid),
        };
        let number = self.rest().get(skipped..skipped + digits);
        let number = number.and_then(|digits| u32::from_str_radix(digits, radix).ok());
        let number = number.ok_or_else(|| invalid.clone())?;
        self.at += skipped + digits;
        match u8::try_from(number).ok().filter(|_| is_bytes) {
            Some(byte) => bytes.push(byte),
            None => {
                let letter = char::from_u32(number).ok_or(invalid)?;
                bytes.extend(letter.encode_utf8(&mut [0; 4]).bytes());
            }
        }
        Ok(())
    }
}

/// What stands before the quotes of a text.
#[derive(Clone, Copy)]
struct Prefix {
    len: usize,
    is_raw: bool,
    is_bytes: bool,
}

fn string_prefix(rest: &str) -> Option<Prefix> {
    let len = rest.bytes().take(3).position(|letter| matches!(letter, b'"' | b'\''))?;
    let (mut is_raw, mut is_bytes) = (false, false);
    for letter in rest.bytes().take(len) {
        let seen = match letter {
            b'r' | b'R' => &mut is_raw,
            b'b' | b'B' => &mut is_bytes,
            _ => return None,
        };
        if std::mem::replace(seen, true) {
            return None;
        }
    }
    Some(Prefix { len, is_raw, is_bytes })
}

fn keyword(word: String) -> TokenKind {
    match word.as_str() {
        "true" => TokenKind::Literal(Value::Bool(true)),
        "false" => TokenKind::Literal(Value::Bool(false)),
        "null" => TokenKind::Literal(Value::Null),
        "in" => TokenKind::Symbol("in"),
        _ => TokenKind::Identifier(word),
    }
}
