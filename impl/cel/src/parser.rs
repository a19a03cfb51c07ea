//! Makes a tree of tokens, and puts in what macros stand for.

mod macros;

use crate::ast::{Expression, Kind};
use crate::lexer::{Token, TokenKind, tokens};
use crate::program::CompileError;
use crate::value::Value;

/// How deep expressions may be in one another. Upstream's are 250.
const DEPTH_MAX: usize = 100;

/// The binary operators, those that bind least first; of one line, the left one comes first.
const OPERATORS: [&[(&str, &str)]; 5] = [
    &[("||", "_||_")],
    &[("&&", "_&&_")],
    &[
        ("<", "_<_"),
        ("<=", "_<=_"),
        (">=", "_>=_"),
        (">", "_>_"),
        ("==", "_==_"),
        ("!=", "_!=_"),
        ("in", "@in"),
    ],
    &[("+", "_+_"), ("-", "_-_")],
    &[("*", "_*_"), ("/", "_/_"), ("%", "_%_")],
];

/// Words that name nothing.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The tree of a text.
pub(crate) fn parse(text: &str) -> Result<Expression, CompileError> {
    let mut parser = Parser { text, tokens: tokens(text)?, next: 0, depth: 0 };
    let expression = parser.expression()?;
    match parser.peek() {
        TokenKind::End => Ok(expression),
        TokenKind::Identifier(_) | TokenKind::Literal(_) | TokenKind::Symbol(_) => {
            Err(parser.unexpected())
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &TokenKind {
        &self.tokens[self.next].kind
    }

    fn at(&self) -> usize {
        self.tokens[self.next].at
    }

    fn take(&mut self) {
        self.next = (self.next + 1).min(self.tokens.len() - 1);
    }

    fn takes(&mut self, symbol: &'static str) -> bool {
        let is_next = *self.peek() == TokenKind::Symbol(symbol);
        if is_next {
            self.take();
        }
        is_next
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), CompileError> {
        if self.takes(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> CompileError {
        let found = match self.peek() {
            TokenKind::End => "<EOF>".to_owned(),
            TokenKind::Symbol(symbol) => (*symbol).to_owned(),
            TokenKind::Identifier(_) | TokenKind::Literal(_) => {
                let end = self.tokens.get(self.next + 1).map_or(self.text.len(), |token| token.at);
                self.text[self.at()..end].trim_end().to_owned()
            }
        };
        self.error(format!("Syntax error: mismatched input '{found}'"))
    }

    fn error(&self, why: String) -> CompileError {
        CompileError::new(self.text, self.at(), why)
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, CompileError>,
    ) -> Result<T, CompileError> {
        if self.depth >= DEPTH_MAX {
            return Err(self.too_deep());
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn expression(&mut self) -> Result<Expression, CompileError> {
        self.deeper(|parser| {
            let condition = parser.binary(0)?;
            let at = parser.at();
            if !parser.takes("?") {
                return Ok(condition);
            }
            let then = parser.binary(0)?;
            parser.expect(":")?;
            let otherwise = parser.expression()?;
            Ok(call(at, "_?_:_", vec![condition, then, otherwise]))
        })
    }

    /// Operators that bind at least so much.
    fn binary(&mut self, least: usize) -> Result<Expression, CompileError> {
        let mut left = self.unary()?;
        let mut terms = 0;
        while let Some((level, function)) = self.operator(least) {
            let at = self.at();
            self.take();
            let right = self.binary(level + 1)?;
            left = call(at, function, vec![left, right]);
            terms += 1;
            if terms > DEPTH_MAX {
                return Err(self.too_deep());
            }
        }
        Ok(left)
    }

    /// The operator that is next, if it binds at least so much.
    fn operator(&self, least: usize) -> Option<(usize, &'static str)> {
        let TokenKind::Symbol(next) = self.peek() else { return None };
        let levels = OPERATORS.iter().enumerate().skip(least);
        levels
            .flat_map(|(level, operators)| operators.iter().map(move |one| (level, one)))
            .find_map(|(level, (symbol, function))| (symbol == next).then_some((level, *function)))
    }

    fn too_deep(&self) -> CompileError {
        self.error(format!("expression recursion limit exceeded: {DEPTH_MAX}"))
    }

    fn unary(&mut self) -> Result<Expression, CompileError> {
        let at = self.at();
        if self.takes("!") {
            let operand = self.deeper(Self::unary)?;
            return Ok(call(at, "!_", vec![operand]));
        }
        if !self.takes("-") {
            return self.member();
        }
        if let TokenKind::Literal(literal) = self.peek()
            && let Some(negative) = negative(literal)
        {
            self.take();
            let literal = Expression { at, kind: Kind::Literal(negative) };
            return self.members_of(literal);
        }
        let operand = self.deeper(Self::unary)?;
        Ok(call(at, "-_", vec![operand]))
    }

    fn member(&mut self) -> Result<Expression, CompileError> {
        let primary = self.primary()?;
        self.members_of(primary)
    }

    fn members_of(&mut self, mut operand: Expression) -> Result<Expression, CompileError> {
        let mut members = 0;
        loop {
            members += 1;
            if members > DEPTH_MAX {
                return Err(self.too_deep());
            }
            let at = self.at();
            if self.takes("[") {
                let index = self.expression()?;
                self.expect("]")?;
                operand = call(at, "_[_]", vec![operand, index]);
            } else if self.takes(".") {
                let field = self.identifier()?;
                let called = self.at();
                if self.takes("(") {
                    let arguments = self.list(")")?;
                    operand = self.method(called, (operand, &field), arguments)?;
                } else {
                    let kind = Kind::Select { operand: Box::new(operand), field, is_test: false };
                    operand = Expression { at, kind };
                }
            } else {
                return Ok(operand);
            }
        }
    }

    fn identifier(&mut self) -> Result<String, CompileError> {
        let TokenKind::Identifier(name) = self.peek().clone() else {
            return Err(self.unexpected());
        };
        self.take();
        Ok(name)
    }

    fn primary(&mut self) -> Result<Expression, CompileError> {
        let at = self.at();
        self.takes(".");
        let token = self.tokens[self.next].clone();
        match token.kind {
            TokenKind::Literal(Value::Uint(number)) if !self.is_unsigned(token.at) => {
                Err(self.error(format!("invalid int literal: {number}")))
            }
            TokenKind::Literal(value) => {
                self.take();
                Ok(Expression { at, kind: Kind::Literal(value) })
            }
            TokenKind::Identifier(name) => {
                if RESERVED.contains(&name.as_str()) {
                    return Err(self.error(format!("reserved identifier: {name}")));
                }
                self.take();
                let called = self.at();
                if self.takes("(") {
                    let arguments = self.list(")")?;
                    return self.function(called, &name, arguments);
                }
                Ok(Expression { at, kind: Kind::Identifier(name) })
            }
            TokenKind::Symbol("(") => {
                self.take();
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            TokenKind::Symbol("[") => {
                self.take();
                let members = self.list("]")?;
                Ok(Expression { at, kind: Kind::List(members) })
            }
            TokenKind::Symbol("{") => {
                self.take();
                self.map(at)
            }
            TokenKind::Symbol(_) | TokenKind::End => Err(self.unexpected()),
        }
    }

    /// Whether the number at a place says so; else it is one that only fits when it is negative.
    fn is_unsigned(&self, at: usize) -> bool {
        let rest = &self.text[at..];
        let end = rest.find(|letter: char| !letter.is_ascii_hexdigit() && letter != 'x');
        end.is_some_and(|end| rest[end..].starts_with(['u', 'U']))
    }

    /// Expressions up to a symbol.
    fn list(&mut self, end: &'static str) -> Result<Vec<Expression>, CompileError> {
        let mut members = vec![];
        while !self.takes(end) {
            members.push(self.expression()?);
            if !self.takes(",") {
                self.expect(end)?;
                break;
            }
        }
        Ok(members)
    }

    fn map(&mut self, at: usize) -> Result<Expression, CompileError> {
        let mut entries = vec![];
        while !self.takes("}") {
            let key = self.expression()?;
            self.expect(":")?;
            entries.push((key, self.expression()?));
            if !self.takes(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(Expression { at, kind: Kind::Map(entries) })
    }
}

fn call(at: usize, function: &str, arguments: Vec<Expression>) -> Expression {
    let kind = Kind::Call { function: function.to_owned(), arguments, is_method: false };
    Expression { at, kind }
}

/// A number with a minus before it.
fn negative(literal: &Value) -> Option<Value> {
    if let Value::Int(number) = literal {
        Some(Value::Int(-number))
    } else if let Value::Double(number) = literal {
        Some(Value::Double(-number))
    } else {
        let is_least = *literal == Value::Uint(1 << 63);
        is_least.then_some(Value::Int(i64::MIN))
    }
}
