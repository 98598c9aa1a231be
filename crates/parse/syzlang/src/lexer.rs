//! Characters to tokens. A line's end is a token: only bodies span lines.

use crate::{Error, Position};

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Name(String),
    Number(u64),
    Text(String),
    Bytes(Vec<u8>),
    /// `include`, `incdir` or `define` and the rest of its line.
    Directive(&'static str, String),
    Sign(&'static str),
    Newline,
    End,
}

const SIGNS: [&str; 14] = ["==", "!=", "||", "(", ")", "[", "]", "{", "}", ",", ":", "=", "&", "<"];
const DIRECTIVES: [&str; 3] = ["include", "incdir", "define"];

/// All tokens of a file, the last one is [`Token::End`].
pub(crate) fn tokens(text: &str) -> Result<Vec<(Position, Token)>, Error> {
    let mut found = Vec::new();
    let mut last = Position::new(1, 1);
    for (number, line) in (1u32..).zip(text.lines()) {
        let mut lexer = Lexer { line, offset: 0, number };
        while let Some(token) = lexer.next()? {
            found.push(token);
        }
        last = lexer.position();
        found.push((last, Token::Newline));
    }
    found.push((last, Token::End));
    Ok(found)
}

struct Lexer<'a> {
    line: &'a str,
    offset: usize,
    number: u32,
}

impl Lexer<'_> {
    fn position(&self) -> Position {
        Position::new(self.number, self.offset + 1)
    }

    fn next(&mut self) -> Result<Option<(Position, Token)>, Error> {
        let rest = &self.line[self.offset..];
        self.offset += rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
        let rest = &self.line[self.offset..];
        let at = self.position();
        let Some(first) = rest.chars().next() else { return Ok(None) };
        let (token, length) = match first {
            '#' => return self.comment(at, rest),
            'A'..='Z' | 'a'..='z' | '_' => self.word(rest),
            '0'..='9' | '-' => number(at, rest)?,
            '\'' => character(at, rest)?,
            '"' => text(at, rest)?,
            '`' => bytes(at, rest)?,
            _ => sign(at, first, rest)?,
        };
        self.offset += length;
        Ok(Some((at, token)))
    }

    fn comment(&mut self, at: Position, rest: &str) -> Result<Option<(Position, Token)>, Error> {
        let word = rest[1..].split([' ', '\t']).next().unwrap_or_default();
        if self.offset == 0 && DIRECTIVES.contains(&word) {
            return Err(Error::new(
                at,
                format!("a comment that begins with `{word}`"),
                "remove the `#`, or put a space behind it",
            ));
        }
        self.offset = self.line.len();
        Ok(None)
    }

    fn word(&self, rest: &str) -> (Token, usize) {
        let length = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'))
            .unwrap_or(rest.len());
        let word = &rest[..length];
        let blank = rest[length..].starts_with([' ', '\t']);
        match DIRECTIVES.iter().find(|directive| **directive == word) {
            Some(directive) if self.offset == 0 && blank => {
                (Token::Directive(directive, rest[length..].trim().to_owned()), rest.len())
            }
            _ => (Token::Name(word.to_owned()), length),
        }
    }
}

fn number(at: Position, rest: &str) -> Result<(Token, usize), Error> {
    let negative = rest.starts_with('-');
    let begin = usize::from(negative);
    let length = rest[begin..]
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(rest.len() - begin);
    let digits = &rest[begin..begin + length];
    let value = match digits.strip_prefix("0x") {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) => {
            u64::from_str_radix(hex, 16).ok()
        }
        Some(_) => None,
        None => digits.parse().ok(),
    };
    let Some(value) = value else {
        return Err(Error::new(
            at,
            format!("`{}` is no number", &rest[..begin + length]),
            "write a decimal or lower-case 0x number of at most 64 bits",
        ));
    };
    Ok((Token::Number(if negative { value.wrapping_neg() } else { value }), begin + length))
}

fn character(at: Position, rest: &str) -> Result<(Token, usize), Error> {
    match rest.as_bytes() {
        [_, byte @ b' '..=b'~', b'\'', ..] => Ok((Token::Number(u64::from(*byte)), 3)),
        _ => Err(Error::new(
            at,
            "a character that does not end",
            "write one printable character between two `'`",
        )),
    }
}

fn text(at: Position, rest: &str) -> Result<(Token, usize), Error> {
    let Some(length) = rest[1..].find('"') else {
        return Err(Error::new(
            at,
            "a string that does not end",
            "close it with `\"` on the same line",
        ));
    };
    let inner = &rest[1..=length];
    if !inner.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(Error::new(
            at,
            "a string with other than printable ASCII characters",
            "write the bytes as hex between two back quotes",
        ));
    }
    Ok((Token::Text(inner.to_owned()), length + 2))
}

fn bytes(at: Position, rest: &str) -> Result<(Token, usize), Error> {
    let wrong = || {
        Error::new(
            at,
            "wrong bytes between back quotes",
            "write an even number of hex digits and close with a back quote",
        )
    };
    let length = rest[1..].find('`').ok_or_else(wrong)?;
    let digits = &rest.as_bytes()[1..=length];
    if !digits.len().is_multiple_of(2) {
        return Err(wrong());
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
    let value = pairs.collect::<Option<Vec<u8>>>().ok_or_else(wrong)?;
    Ok((Token::Bytes(value), length + 2))
}

fn sign(at: Position, first: char, rest: &str) -> Result<(Token, usize), Error> {
    match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        Some(sign) => Ok((Token::Sign(sign), sign.len())),
        None => Err(Error::new(at, format!("unexpected character {first:?}"), "remove it")),
    }
}
