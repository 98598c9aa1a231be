//! Tokens to declarations, by recursive descent.

use crate::declarations::{Body, Call, Declaration, Expression, Field, File, Kind, Value};
use crate::lexer::{Token, tokens};
use crate::{Error, Position};

/// Most arguments of a call.
const ARGUMENTS: usize = 9;
/// Deepest nesting of brackets; the stack is bounded by it.
const DEPTH: usize = 64;
/// Most operators of conditions in one declaration; each nests the next one.
const OPERATORS: usize = 1024;

/// The declarations of a file. After a mistake it goes on with the next declaration, so that all are told at once.
///
/// # Errors
/// Every mistake, in order of the file; a mistake in a token ends the reading.
pub fn parse(text: &str) -> Result<File, Vec<Error>> {
    let tokens = tokens(text).map_err(|error| vec![error])?;
    let mut parser = Parser { tokens, next: 0, depth: 0, operators: 0 };
    let mut file = File::default();
    let mut errors = Vec::new();
    loop {
        while parser.take("\n") {}
        if parser.peek() == &Token::End {
            break;
        }
        match parser.declaration() {
            Ok(declaration) => file.declarations.push(declaration),
            Err(error) => {
                errors.push(error);
                parser.recover();
            }
        }
    }
    if errors.is_empty() { Ok(file) } else { Err(errors) }
}

struct Parser {
    tokens: Vec<(Position, Token)>,
    next: usize,
    depth: usize,
    operators: usize,
}

type Parsed<T> = Result<T, Error>;

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.next].1
    }

    fn at(&self) -> Position {
        self.tokens[self.next].0
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    fn is(&self, sign: &str) -> bool {
        match self.peek() {
            Token::Sign(found) => *found == sign,
            Token::Newline => sign == "\n",
            _ => false,
        }
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        if found {
            self.advance();
        }
        found
    }

    fn expected<T>(&self, what: &str) -> Parsed<T> {
        let found = match self.peek() {
            Token::Name(name) => format!("`{name}`"),
            Token::Number(value) => format!("number {value}"),
            Token::Text(_) | Token::Bytes(_) => "a string".to_owned(),
            Token::Directive(name, _) => format!("`{name}`"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::Newline => "the end of the line".to_owned(),
            Token::End => "the end of the file".to_owned(),
        };
        Err(Error::new(
            self.at(),
            format!("expected {what}, found {found}"),
            format!("{what} belongs here"),
        ))
    }

    fn expect(&mut self, sign: &str) -> Parsed<()> {
        if self.take(sign) { Ok(()) } else { self.expected(&format!("`{sign}`")) }
    }

    fn name(&mut self, what: &str) -> Parsed<String> {
        let Token::Name(name) = self.peek() else { return self.expected(what) };
        let name = name.clone();
        self.advance();
        Ok(name)
    }

    fn line_end(&mut self) -> Parsed<()> {
        if self.peek() == &Token::End || self.take("\n") {
            Ok(())
        } else {
            self.expected("the end of the line")
        }
    }

    /// Skips to the next line that begins a declaration: one whose first token stands in column 1 and is a name.
    fn recover(&mut self) {
        self.depth = 0;
        loop {
            let begins = self.at().column == 1
                && matches!(self.peek(), Token::Name(_) | Token::Directive(..));
            let after = self.next > 0 && self.tokens[self.next - 1].1 == Token::Newline;
            if self.peek() == &Token::End || begins && after {
                return;
            }
            self.advance();
        }
    }

    fn declaration(&mut self) -> Parsed<Declaration> {
        let at = self.at();
        self.operators = 0;
        if let Token::Directive(word, rest) = self.peek().clone() {
            self.advance();
            return directive(at, word, &rest);
        }
        let name = self.name("a declaration")?;
        let named = matches!(self.peek(), Token::Name(_));
        let (name, kind) = match name.as_str() {
            "meta" if named => (name, Kind::Meta(self.expression()?)),
            "resource" if named => self.resource()?,
            "type" if named => self.alias()?,
            _ => {
                let kind = self.plain()?;
                (name, kind)
            }
        };
        self.line_end()?;
        Ok(Declaration { at, name, kind })
    }

    fn resource(&mut self) -> Parsed<(String, Kind)> {
        let name = self.name("the resource's name")?;
        self.expect("[")?;
        let base = self.expression()?;
        self.expect("]")?;
        let values = if self.take(":") { self.list()? } else { Vec::new() };
        Ok((name, Kind::Resource(base, values)))
    }

    fn alias(&mut self) -> Parsed<(String, Kind)> {
        let name = self.name("the type's name")?;
        let mut parameters = Vec::new();
        if self.is("[") && self.tokens[self.next + 1].1 != Token::Newline {
            self.advance();
            loop {
                let at = self.at();
                let parameter = self.name("a template parameter")?;
                if parameter.bytes().any(|byte| byte.is_ascii_lowercase()) {
                    return Err(Error::new(
                        at,
                        format!("template parameter `{parameter}` has small letters"),
                        "write it in capitals",
                    ));
                }
                if parameters.contains(&parameter) {
                    return Err(Error::new(
                        at,
                        format!("template parameter `{parameter}` stands twice"),
                        "give each its own name",
                    ));
                }
                parameters.push(parameter);
                if !self.take(",") {
                    break;
                }
            }
            self.expect("]")?;
        }
        let kind = if self.is("{") || self.is("[") {
            Kind::Template(parameters, self.body()?)
        } else {
            Kind::Alias(parameters, self.expression()?)
        };
        Ok((name, kind))
    }

    fn plain(&mut self) -> Parsed<Kind> {
        if self.take("=") {
            return Ok(Kind::Flags(self.list()?));
        }
        if self.is("(") {
            return Ok(Kind::Call(self.call()?));
        }
        if self.is("{") || self.is("[") {
            return Ok(Kind::Body(self.body()?));
        }
        self.expected("`(` of a call, `=` of flags, `{` of a struct or `[` of a union")
    }

    fn call(&mut self) -> Parsed<Call> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.take(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            if arguments.len() == ARGUMENTS {
                return Err(Error::new(
                    self.at(),
                    "a call with more than 9 arguments",
                    "remove some: the kernel takes at most 6",
                ));
            }
            arguments.push(self.field()?);
        }
        let result =
            if matches!(self.peek(), Token::Name(_)) { Some(self.expression()?) } else { None };
        Ok(Call { arguments, result, attributes: self.bracketed("(", ")")? })
    }

    fn body(&mut self) -> Parsed<Body> {
        let union = self.is("[");
        self.advance();
        let close = if union { "]" } else { "}" };
        self.expect("\n")?;
        let mut fields: Vec<Field> = Vec::new();
        loop {
            while self.take("\n") {}
            if self.is(close) {
                break;
            }
            let field = self.field()?;
            if fields.iter().any(|other| other.name == field.name) {
                return Err(Error::new(
                    field.at,
                    format!("field `{}` stands twice", field.name),
                    "give each field its own name",
                ));
            }
            fields.push(field);
            self.line_end()?;
        }
        if fields.is_empty() {
            return Err(Error::new(
                self.at(),
                "a struct or union without fields",
                "add a field; an empty type is `void`",
            ));
        }
        self.advance();
        Ok(Body { union, fields, attributes: self.bracketed("[", "]")? })
    }

    fn field(&mut self) -> Parsed<Field> {
        let at = self.at();
        let name = self.name("a field's name")?;
        let kind = self.expression()?;
        Ok(Field { at, name, kind, attributes: self.bracketed("(", ")")? })
    }

    fn bracketed(&mut self, open: &str, close: &str) -> Parsed<Vec<Expression>> {
        if !self.take(open) {
            return Ok(Vec::new());
        }
        let list = self.list()?;
        self.expect(close)?;
        Ok(list)
    }

    fn list(&mut self) -> Parsed<Vec<Expression>> {
        let mut list = vec![self.expression()?];
        while self.take(",") {
            list.push(self.expression()?);
        }
        Ok(list)
    }

    /// `&` binds tighter than `==` and `!=`, these tighter than `||`.
    fn expression(&mut self) -> Parsed<Expression> {
        self.binary(0)
    }

    fn binary(&mut self, level: usize) -> Parsed<Expression> {
        const LEVELS: [&[&str]; 3] = [&["||"], &["==", "!="], &["&"]];
        let Some(operators) = LEVELS.get(level) else { return self.primary() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.is(operator)) {
            self.operators += 1;
            if self.operators > OPERATORS {
                return Err(Error::new(
                    self.at(),
                    format!("more than {OPERATORS} operators in one declaration"),
                    "split it",
                ));
            }
            self.advance();
            let right = self.binary(level + 1)?;
            let at = left.at;
            left = Expression {
                at,
                value: Value::Binary(operator, Box::new((left, right))),
                options: Vec::new(),
                colon: Vec::new(),
            };
        }
        Ok(left)
    }

    fn primary(&mut self) -> Parsed<Expression> {
        let at = self.at();
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Error::new(
                at,
                format!("brackets nested deeper than {DEPTH}"),
                "name the inner type with `type`",
            ));
        }
        if self.take("(") {
            let inner = self.expression()?;
            self.expect(")")?;
            self.depth -= 1;
            return Ok(inner);
        }
        let value = match self.peek() {
            Token::Name(name) => Value::Name(name.clone()),
            Token::Number(value) => Value::Number(*value),
            Token::Text(text) => Value::Text(text.clone()),
            Token::Bytes(bytes) => Value::Bytes(bytes.clone()),
            _ => return self.expected("a type or value"),
        };
        self.advance();
        let options = self.bracketed("[", "]")?;
        let mut colon = Vec::new();
        while self.take(":") {
            let step = self.primary()?;
            let Expression { at, value, options, colon: further } = step;
            colon.push(Expression { at, value, options, colon: Vec::new() });
            colon.extend(further);
        }
        self.depth -= 1;
        Ok(Expression { at, value, options, colon })
    }
}

fn directive(at: Position, word: &'static str, rest: &str) -> Parsed<Declaration> {
    let kind = match word {
        "define" => Kind::Define,
        "include" => Kind::Include,
        _ => Kind::IncludeDirectory,
    };
    let name = if kind == Kind::Define {
        rest
    } else {
        rest.strip_prefix('<').and_then(|inner| inner.split_once('>')).map_or("", |(path, _)| path)
    };
    if name.is_empty() {
        return Err(Error::new(
            at,
            format!("`{word}` without its operand"),
            "write `include <file>`, `incdir <directory>` or `define NAME value`",
        ));
    }
    Ok(Declaration { at, name: name.to_owned(), kind })
}
