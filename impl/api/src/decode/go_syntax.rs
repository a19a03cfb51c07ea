//! What Go's `encoding/json` says of a text that is not JSON.
//!
//! Source: encoding/json/scanner.go of Go 1.26, whose words `sigs.k8s.io/json` has, too. Leaves out its limit of depth.

const END: &str = "unexpected end of JSON input";

/// What is wrong with a text; nothing where Go finds nothing.
pub(super) fn complaint(text: &[u8]) -> Option<String> {
    Scanner { text, at: 0, open: vec![] }.document().err()
}

/// A bracket that is open.
#[derive(Clone, Copy)]
enum Open {
    Object,
    Array,
}

/// What may come next.
enum Expected {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    AfterValue,
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    open: Vec<Open>,
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<(), String> {
        let mut expected = Expected::Value;
        loop {
            self.skip(|byte| byte.is_ascii_whitespace() && byte != 0x0c);
            let Some(byte) = self.next() else {
                let is_whole = matches!(expected, Expected::AfterValue) && self.open.is_empty();
                return if is_whole { Ok(()) } else { Err(END.to_owned()) };
            };
            expected = match expected {
                Expected::ValueOrEnd if byte == b']' => self.close(),
                Expected::KeyOrEnd if byte == b'}' => self.close(),
                Expected::Value | Expected::ValueOrEnd => self.value(byte)?,
                Expected::Key | Expected::KeyOrEnd => self.key(byte)?,
                Expected::AfterValue => self.after_value(byte)?,
            };
        }
    }

    /// The next byte. At the end Go reads a blank, to see whether a number or a word is complete.
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += 1;
        byte
    }

    fn peek(&self) -> Option<u8> {
        let blank = (self.at == self.text.len()).then_some(b' ');
        self.text.get(self.at).copied().or(blank)
    }

    fn skip(&mut self, is_skipped: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&is_skipped) {
            self.at += 1;
        }
    }

    fn close(&mut self) -> Expected {
        self.open.pop();
        Expected::AfterValue
    }

    fn value(&mut self, byte: u8) -> Result<Expected, String> {
        match byte {
            b'{' => {
                self.open.push(Open::Object);
                return Ok(Expected::KeyOrEnd);
            }
            b'[' => {
                self.open.push(Open::Array);
                return Ok(Expected::ValueOrEnd);
            }
            b'"' => self.string()?,
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            b'-' | b'0'..=b'9' => self.number(byte)?,
            _ => return Err(unexpected(byte, "looking for beginning of value")),
        }
        Ok(Expected::AfterValue)
    }

    fn key(&mut self, byte: u8) -> Result<Expected, String> {
        if byte != b'"' {
            return Err(unexpected(byte, "looking for beginning of object key string"));
        }
        self.string()?;
        self.skip(|byte| byte.is_ascii_whitespace() && byte != 0x0c);
        match self.next() {
            Some(b':') => Ok(Expected::Value),
            Some(byte) => Err(unexpected(byte, "after object key")),
            None => Err(END.to_owned()),
        }
    }

    fn after_value(&mut self, byte: u8) -> Result<Expected, String> {
        match (self.open.last(), byte) {
            (Some(Open::Object), b'}') | (Some(Open::Array), b']') => Ok(self.close()),
            (Some(Open::Object), b',') => Ok(Expected::Key),
            (Some(Open::Array), b',') => Ok(Expected::Value),
            (Some(Open::Object), byte) => Err(unexpected(byte, "after object key:value pair")),
            (Some(Open::Array), byte) => Err(unexpected(byte, "after array element")),
            (None, byte) => Err(unexpected(byte, "after top-level value")),
        }
    }

    /// The rest of a string.
    fn string(&mut self) -> Result<(), String> {
        loop {
            match self.next() {
                Some(b'"') => return Ok(()),
                Some(b'\\') => self.escape()?,
                Some(byte) if byte < b' ' => return Err(unexpected(byte, "in string literal")),
                Some(_) => {}
                None => return Err(END.to_owned()),
            }
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        match self.next() {
            Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => Ok(()),
            Some(b'u') => {
                let context = "in \\u hexadecimal character escape";
                (0..4).try_for_each(|_| self.take(|byte| byte.is_ascii_hexdigit(), context))
            }
            Some(byte) => Err(unexpected(byte, "in string escape code")),
            None => Err(END.to_owned()),
        }
    }

    /// The rest of a word whose first letter is read.
    fn word(&mut self, word: &str) -> Result<(), String> {
        word.bytes().skip(1).try_for_each(|letter| {
            let context = format!("in literal {word} (expecting '{}')", char::from(letter));
            self.take(|byte| byte == letter, &context)
        })
    }

    /// The rest of a number.
    fn number(&mut self, first: u8) -> Result<(), String> {
        let mut is_zero = first == b'0';
        if first == b'-' {
            is_zero = self.peek() == Some(b'0');
            self.take(|byte| byte.is_ascii_digit(), "in numeric literal")?;
        }
        if !is_zero {
            self.skip(|byte| byte.is_ascii_digit());
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn digits(&mut self, context: &str) -> Result<(), String> {
        self.take(|byte| byte.is_ascii_digit(), context)?;
        self.skip(|byte| byte.is_ascii_digit());
        Ok(())
    }

    /// Reads what has to come.
    fn take(&mut self, is_right: impl Fn(u8) -> bool, context: &str) -> Result<(), String> {
        match self.next() {
            Some(byte) if is_right(byte) => Ok(()),
            Some(byte) => Err(unexpected(byte, context)),
            None => Err(END.to_owned()),
        }
    }
}

fn unexpected(byte: u8, context: &str) -> String {
    format!("invalid character {} {context}", quoted(byte))
}

/// A byte between quotes, as Go writes the character of that number.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".to_owned(),
        0x07 => "'\\a'".to_owned(),
        0x08 => "'\\b'".to_owned(),
        0x0b => "'\\v'".to_owned(),
        0x0c => "'\\f'".to_owned(),
        b'\n' | b'\r' | b'\t' | b'\\' => format!("'{}'", byte.escape_ascii()),
        0..0x20 | 0x7f => format!("'\\x{byte:02x}'"),
        0x80..=0xa0 | 0xad => format!("'\\u{byte:04x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_go() {
        for (text, words) in [
            ("", END),
            (" { ", END),
            ("{\"a\":", END),
            ("{\"a\"", END),
            ("\"a", END),
            ("\"\\u12", "invalid character ' ' in \\u hexadecimal character escape"),
            ("abc", "invalid character 'a' looking for beginning of value"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("{a", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("{\"a\" 1", "invalid character '1' after object key"),
            ("{\"a\":1 \"b\"", "invalid character '\"' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{}x", "invalid character 'x' after top-level value"),
            ("{}}", "invalid character '}' after top-level value"),
            ("01", "invalid character '1' after top-level value"),
            ("tru", "invalid character ' ' in literal true (expecting 'e')"),
            ("nil", "invalid character 'i' in literal null (expecting 'u')"),
            ("\"a\nb\"", "invalid character '\\n' in string literal"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("-", "invalid character ' ' in numeric literal"),
            ("[1.]", "invalid character ']' after decimal point in numeric literal"),
            ("1e+x", "invalid character 'x' in exponent of numeric literal"),
            ("'", "invalid character '\\'' looking for beginning of value"),
            ("\u{1}", "invalid character '\\x01' looking for beginning of value"),
            ("ä", "invalid character 'Ã' looking for beginning of value"),
        ] {
            assert_eq!(complaint(text.as_bytes()).as_deref(), Some(words), "{text}");
        }
    }

    #[test]
    fn nothing_is_wrong_with_json() {
        let text =
            r#" {"a": [1, -0.5e+3, "ä\\\u00e4", true, false, null, {}, []], "b": {"c": 0}} "#;

        assert_eq!(complaint(text.as_bytes()), None);
    }
}
