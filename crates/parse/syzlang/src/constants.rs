//! `.const` files: the values of names on each architecture.

use crate::{Error, Position};

/// One file of constants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConstantFile {
    /// Architectures of the header; none in a file for one architecture, whose name tells it.
    pub architectures: Vec<String>,
    /// Its constants, in order.
    pub lines: Vec<ConstantLine>,
}

/// One constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstantLine {
    /// Where it stands.
    pub at: Position,
    /// Its name.
    pub name: String,
    /// Value on all architectures of the header that `exceptions` does not list; absent where there is none.
    pub value: Option<u64>,
    /// Architectures with a value of their own, or with none.
    pub exceptions: Vec<(String, Option<u64>)>,
}

impl ConstantLine {
    /// The value on an architecture of the file's header.
    #[must_use]
    pub fn on(&self, architecture: &str) -> Option<u64> {
        match self.exceptions.iter().find(|(name, _)| name == architecture) {
            Some((_, value)) => *value,
            None => self.value,
        }
    }
}

/// Reads a file of constants.
///
/// # Errors
/// The first line that is not `NAME = value, arch:arch:value`.
pub fn parse_constants(text: &str) -> Result<ConstantFile, Error> {
    let mut file = ConstantFile::default();
    for (number, line) in (1u32..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let at = Position::new(number, 1);
        let wrong = |message: &str| {
            Error::new(
                at,
                message,
                "write `NAME = value, arch:arch:value`; `???` is a value that is not defined",
            )
        };
        let (name, values) = line.split_once('=').ok_or_else(|| wrong("a line without `=`"))?;
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return Err(wrong("no name before `=`"));
        }
        if name == "arches" && file.lines.is_empty() {
            file.architectures = values.split(',').map(|name| name.trim().to_owned()).collect();
            continue;
        }
        let mut constant =
            ConstantLine { at, name: name.to_owned(), value: None, exceptions: Vec::new() };
        for part in values.split(',') {
            let (architectures, value) = part
                .trim()
                .rsplit_once(':')
                .map_or((None, part.trim()), |(names, value)| (Some(names), value));
            let value = value_of(value).ok_or_else(|| wrong("a value that is no number"))?;
            let Some(architectures) = architectures else {
                constant.value = value;
                continue;
            };
            for architecture in architectures.split(':') {
                if !file.architectures.iter().any(|known| known == architecture) {
                    return Err(wrong("an architecture that the header does not list"));
                }
                constant.exceptions.push((architecture.to_owned(), value));
            }
        }
        file.lines.push(constant);
    }
    Ok(file)
}

/// A value, or `Some(None)` for `???`. Prefixes as in Go: `0x`, `0o` or `0`, `0b`.
fn value_of(text: &str) -> Option<Option<u64>> {
    if text == "???" {
        return Some(None);
    }
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', b'o' | b'O', ..] => (&text[2..], 8),
        [b'0', b'b' | b'B', ..] => (&text[2..], 2),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    let valid = digits.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if valid { u64::from_str_radix(digits, radix).ok().map(Some) } else { None }
}
