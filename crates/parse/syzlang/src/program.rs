//! The text of programs: one call a line. What a value means is decided by the type that stands at its place.

use crate::{Error, Position};

/// Deepest nesting of values; the stack is bounded by it.
const DEPTH: usize = 200;

/// A program as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgramText {
    /// Its calls, in order.
    pub calls: Vec<CallText>,
    /// Comment lines behind the last call, with their `#`.
    pub tail: Vec<String>,
}

/// A call as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallText {
    /// Where it begins.
    pub at: Position,
    /// Comment lines before it, with their `#`; an empty one is a blank line.
    pub before: Vec<String>,
    /// The variable that takes its result.
    pub result: Option<String>,
    /// Name of the call.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<Written>,
    /// Properties in round brackets: name and value.
    pub properties: Vec<(String, Option<u64>)>,
    /// Text behind `#` on the same line.
    pub comment: Option<String>,
}

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it begins.
    pub at: Position,
    /// What it is.
    pub value: Node,
}

/// How data was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// `'text'`.
    Text,
    /// `"hex"`.
    Hex,
    /// `"$base64"`.
    Base64,
}

/// A value as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A number.
    Number(u64),
    /// `AUTO`: to be computed.
    Auto,
    /// `nil`: the default.
    Nil,
    /// `r0/2+3`: a result, divided, then added to.
    Result(String, u64, u64),
    /// `<r0=>value`: the kernel stores a resource here.
    Defines(String, Box<Written>),
    /// `&(address/size)=value`; no address is `AUTO`.
    Pointer {
        /// Address as written.
        address: Option<u64>,
        /// Size behind `/`.
        size: Option<u64>,
        /// What it points to.
        to: Option<Box<Written>>,
        /// `ANY=` stood before what it points to.
        squashed: bool,
    },
    /// Bytes.
    Data {
        /// What is written.
        bytes: Vec<u8>,
        /// How.
        quoting: Quoting,
        /// Size behind `/`.
        size: Option<u64>,
    },
    /// `{…}`.
    Struct(Vec<Written>),
    /// `[…]`.
    Array(Vec<Written>),
    /// `@option=value`.
    Union(String, Option<Box<Written>>),
}

/// Reads a program. Blank lines and lines that begin with `#` are no calls.
///
/// # Errors
/// The first line that is no call.
pub fn parse_program(text: &str) -> Result<ProgramText, Error> {
    let mut program = ProgramText::default();
    let mut before = Vec::new();
    for (number, line) in (1u32..).zip(text.lines()) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            before.push(trimmed.to_owned());
            continue;
        }
        let mut call = parse_call(line, number)?;
        call.before = std::mem::take(&mut before);
        program.calls.push(call);
    }
    while before.last().is_some_and(String::is_empty) {
        before.pop();
    }
    program.tail = before;
    Ok(program)
}

/// Reads one line that holds a call.
///
/// # Errors
/// What is wrong in it, and where.
pub fn parse_call(line: &str, number: u32) -> Result<CallText, Error> {
    let mut reader = Reader { text: line.as_bytes(), next: 0, line: number, depth: 0 };
    reader.blanks();
    let at = reader.at();
    let mut name = reader.name("a call")?;
    let mut result = None;
    if reader.take(b'=') {
        result = Some(name);
        name = reader.name("a call")?;
    }
    reader.expect(b'(')?;
    let arguments = reader.list(b')')?;
    let mut properties = Vec::new();
    if reader.take(b'(') {
        while !reader.take(b')') {
            let property = reader.name("a property")?;
            let value = if reader.take(b':') { Some(reader.number()?) } else { None };
            properties.push((property, value));
            if !reader.is(b')') {
                reader.expect(b',')?;
            }
        }
    }
    let comment = if reader.take(b'#') {
        let rest = String::from_utf8_lossy(&reader.text[reader.next..]).trim().to_owned();
        reader.next = reader.text.len();
        Some(rest)
    } else {
        None
    };
    if reader.next != reader.text.len() {
        return Err(reader.error("text behind the call", "end the line behind `)`"));
    }
    Ok(CallText { at, before: Vec::new(), result, name, arguments, properties, comment })
}

struct Reader<'a> {
    text: &'a [u8],
    next: usize,
    line: u32,
    depth: usize,
}

type Parsed<T> = Result<T, Error>;

impl Reader<'_> {
    fn at(&self) -> Position {
        Position::new(self.line, self.next + 1)
    }

    fn error(&self, message: impl Into<String>, help: &str) -> Error {
        Error::new(self.at(), message, help)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.next).copied()
    }

    fn is(&self, byte: u8) -> bool {
        self.peek() == Some(byte)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.next += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.is(byte);
        if found {
            self.next += 1;
            self.blanks();
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Parsed<()> {
        if self.take(byte) {
            return Ok(());
        }
        let sign = char::from(byte);
        let found = self
            .peek()
            .map_or("the end of the line".to_owned(), |found| format!("{:?}", char::from(found)));
        Err(self
            .error(format!("expected `{sign}`, found {found}"), &format!("`{sign}` belongs here")))
    }

    fn word(&mut self) -> &str {
        let begin = self.next;
        while self
            .peek()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$')
        {
            self.next += 1;
        }
        let end = self.next;
        self.blanks();
        std::str::from_utf8(&self.text[begin..end]).unwrap_or_default()
    }

    fn name(&mut self, what: &str) -> Parsed<String> {
        let at = self.at();
        let word = self.word().to_owned();
        if word.is_empty() {
            return Err(Error::new(
                at,
                format!("expected the name of {what}"),
                "a program has one call a line",
            ));
        }
        Ok(word)
    }

    /// Hexadecimal with `0x`, octal with `0`, else decimal; `-` wraps.
    fn number(&mut self) -> Parsed<u64> {
        let at = self.at();
        let negative = self.take(b'-');
        let word = self.word();
        let (digits, radix) = match word.as_bytes() {
            [b'0', b'x', ..] => (&word[2..], 16),
            [b'0', _, ..] => (&word[1..], 8),
            _ => (word, 10),
        };
        match u64::from_str_radix(digits, radix) {
            Ok(value) if !digits.starts_with('+') => {
                Ok(if negative { value.wrapping_neg() } else { value })
            }
            _ => Err(Error::new(
                at,
                format!("`{word}` is no number"),
                "write 0x and at most 16 hexadecimal digits",
            )),
        }
    }

    /// Values up to the closing bracket, which is taken.
    fn list(&mut self, close: u8) -> Parsed<Vec<Written>> {
        let mut list = Vec::new();
        while !self.take(close) {
            list.push(self.value()?);
            if !self.is(close) {
                self.expect(b',')?;
            }
        }
        Ok(list)
    }

    fn value(&mut self) -> Parsed<Written> {
        let at = self.at();
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.error(format!("values nested deeper than {DEPTH}"), "flatten them"));
        }
        let value = self.node()?;
        self.depth -= 1;
        Ok(Written { at, value })
    }

    fn node(&mut self) -> Parsed<Node> {
        match self.peek() {
            Some(b'0'..=b'9' | b'-') => Ok(Node::Number(self.number()?)),
            // Old programs wrote counts of bytes in brackets.
            Some(b'(') => {
                self.take(b'(');
                let value = self.number()?;
                self.expect(b')')?;
                Ok(Node::Number(value))
            }
            Some(b'<') => {
                self.take(b'<');
                let name = self.name("a variable")?;
                self.expect(b'=')?;
                self.expect(b'>')?;
                Ok(Node::Defines(name, Box::new(self.value()?)))
            }
            Some(b'&') => self.pointer(),
            Some(b'\'') => {
                self.next += 1;
                let bytes = self.quoted()?;
                self.sized(bytes, Quoting::Text)
            }
            Some(b'"') => {
                self.next += 1;
                self.coded()
            }
            Some(b'{') => {
                self.take(b'{');
                Ok(Node::Struct(self.list(b'}')?))
            }
            Some(b'[') => {
                self.take(b'[');
                Ok(Node::Array(self.list(b']')?))
            }
            Some(b'@') => {
                self.take(b'@');
                let name = self.name("an option")?;
                let inner = if self.take(b'=') { Some(Box::new(self.value()?)) } else { None };
                Ok(Node::Union(name, inner))
            }
            Some(byte) if byte.is_ascii_alphabetic() => self.named(),
            _ => Err(self.error("expected a value", "a value belongs here")),
        }
    }

    fn named(&mut self) -> Parsed<Node> {
        let at = self.at();
        match self.word().to_owned() {
            word if word == "AUTO" => Ok(Node::Auto),
            word if word == "nil" => Ok(Node::Nil),
            word if word.starts_with('r')
                && word[1..].bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                let divisor = if self.take(b'/') { self.number()? } else { 0 };
                let addend = if self.take(b'+') { self.number()? } else { 0 };
                Ok(Node::Result(word, divisor, addend))
            }
            word => Err(Error::new(at, format!("`{word}` is no value"), "variables are r0, r1, …")),
        }
    }

    fn pointer(&mut self) -> Parsed<Node> {
        self.take(b'&');
        let (mut address, mut size) = (None, None);
        if self.take(b'(') {
            let mut sum = self.number()?;
            // A minus sign is a part of the number behind it.
            if self.take(b'+') || self.is(b'-') {
                sum = sum.wrapping_add(self.number()?);
            }
            address = Some(sum);
            if self.take(b'/') {
                size = Some(self.number()?);
            }
            self.expect(b')')?;
        } else {
            let at = self.at();
            if self.word() != "AUTO" {
                return Err(Error::new(
                    at,
                    "expected an address",
                    "write &(0x7f0000000000) or &AUTO",
                ));
            }
            if self.take(b'/') {
                size = Some(self.number()?);
            }
        }
        let mut squashed = false;
        let to = if self.take(b'=') {
            if self.text[self.next..].starts_with(b"ANY=") {
                self.next += 4;
                squashed = true;
            }
            Some(Box::new(self.value()?))
        } else {
            None
        };
        Ok(Node::Pointer { address, size, to, squashed })
    }

    fn sized(&mut self, bytes: Vec<u8>, quoting: Quoting) -> Parsed<Node> {
        self.blanks();
        let size = if self.take(b'/') { Some(self.number()?) } else { None };
        Ok(Node::Data { bytes, quoting, size })
    }

    /// Text up to the closing quote.
    fn quoted(&mut self) -> Parsed<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let Some(byte) = self.peek() else {
                return Err(self.error("text that does not end", "close it with `'`"));
            };
            self.next += 1;
            match byte {
                b'\'' => return Ok(bytes),
                b'\\' => bytes.push(self.escape()?),
                _ => bytes.push(byte),
            }
        }
    }

    fn escape(&mut self) -> Parsed<u8> {
        let wrong = self.error(
            "a wrong escape",
            "write one of \\xNN \\a \\b \\f \\n \\r \\t \\v \\' \\\" \\\\",
        );
        let Some(byte) = self.peek() else { return Err(wrong) };
        self.next += 1;
        if byte == b'x' {
            let pair =
                self.text.get(self.next..self.next + 2).and_then(|pair| hex(pair[0], pair[1]));
            self.next += 2;
            return pair.ok_or(wrong);
        }
        ESCAPES.iter().find(|(letter, _)| *letter == byte).map(|(_, value)| *value).ok_or(wrong)
    }

    /// Hexadecimal digits or base64 up to the closing quote.
    fn coded(&mut self) -> Parsed<Node> {
        let begin = self.next;
        let Some(length) = self.text[begin..].iter().position(|byte| *byte == b'"') else {
            return Err(self.error("data that does not end", "close it with `\"`"));
        };
        let inner = &self.text[begin..begin + length];
        let (bytes, quoting) = match inner.strip_prefix(b"$") {
            Some(rest) => (base64(rest), Quoting::Base64),
            None if inner.len().is_multiple_of(2) => {
                (inner.chunks_exact(2).map(|pair| hex(pair[0], pair[1])).collect(), Quoting::Hex)
            }
            None => (None, Quoting::Hex),
        };
        let Some(bytes) = bytes else {
            return Err(self.error(
                "data that is neither hexadecimal nor base64",
                "write two hexadecimal digits a byte, or $ and base64",
            ));
        };
        self.next += length + 1;
        self.sized(bytes, quoting)
    }
}

/// Letters behind a backslash and their bytes.
pub const ESCAPES: [(u8, u8); 10] = [
    (b'a', 7),
    (b'b', 8),
    (b'f', 12),
    (b'n', 10),
    (b'r', 13),
    (b't', 9),
    (b'v', 11),
    (b'\'', b'\''),
    (b'"', b'"'),
    (b'\\', b'\\'),
];

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Standard base64 with its padding.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    if padding > 2 {
        return None;
    }
    let mut table = [None; 256];
    for (value, letter) in (0u32..).zip(LETTERS) {
        table[usize::from(*letter)] = Some(value);
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let letters = &text[..text.len() - padding];
    for group in letters.chunks(4) {
        let mut bits = 0;
        for letter in group {
            bits = bits << 6 | table[usize::from(*letter)]?;
        }
        bits <<= 6 * (4 - group.len());
        bytes.extend(bits.to_be_bytes().into_iter().skip(1).take(group.len() * 3 / 4));
    }
    Some(bytes)
}

/// Bytes as standard base64 with its padding.
#[must_use]
pub fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut bits = [0; 4];
        bits[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(bits);
        for index in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * index) & 63) as usize];
            text.push(if index <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}
