//! Arrays, texts, other bytes, printed numbers and pages.

use parse_syzlang::{Expression, Kind as Declared, Value};

use super::compiler::{Compiler, Place};
use crate::descriptions::text;
use crate::types::{Content, Count, Format, Kind, TypeId};

/// Most bytes or elements of a type that has a size.
const LARGEST: u64 = 1_000_000;
/// Kinds of machine code.
const CODES: [&str; 8] =
    ["target", "x86_real", "x86_16", "x86_32", "x86_64", "arm64", "ppc64", "riscv64"];

impl Compiler<'_> {
    /// A number of elements: `n` or `low:high`.
    fn count(&mut self, written: &Expression) -> Option<(u64, u64)> {
        let bare = Expression { colon: Vec::new(), ..written.clone() };
        let low = self.value(&bare)?;
        let high = match written.colon.as_slice() {
            [] => low,
            [high] => self.value(high)?,
            _ => {
                self.wrong(
                    written.at,
                    format!("`{}` is no range", text(written)),
                    "write low:high",
                );
                return None;
            }
        };
        if high == 0 || low > high || high > LARGEST {
            self.wrong(
                written.at,
                format!("`{}` elements", text(written)),
                "write a number from 1 to 1000000, or a range of such, the lower one first",
            );
            return None;
        }
        Some((low, high))
    }

    pub(super) fn array(
        &mut self,
        written: &Expression,
        options: &[Expression],
        shown: &str,
    ) -> TypeId {
        let (element, count) = match options {
            [element] => (element, Count::Any),
            [element, count] => match self.count(count) {
                Some((low, high)) => (element, Count::Between(low, high)),
                None => return self.dummy(),
            },
            _ => {
                self.wrong(
                    written.at,
                    "an array without element type or with too many options",
                    "write array[TYPE], array[TYPE, n] or array[TYPE, low:high]",
                );
                return self.dummy();
            }
        };
        let of = self.kind(element, Place::default());
        let kind = &self.types[of.0 as usize];
        match (&kind.kind, count) {
            (Kind::Int(number, None), _)
                if number.bytes == 1 && number.bits == 0 && !kind.optional =>
            {
                let size = match count {
                    Count::Between(low, high) if low == high => Some(low),
                    _ => None,
                };
                self.add(shown, size, 1, Kind::Buffer(Content::Blob(count)))
            }
            (Kind::Const(number, value), Count::Between(low, high))
                if number.bits == 0
                    && low == high
                    && matches!(number.format, Format::Native | Format::Big) =>
            {
                // Equal constants are written as data.
                let big = self.machine.big_endian || number.format == Format::Big;
                let bytes = usize::from(number.bytes);
                let element = if big {
                    value.to_be_bytes()[8 - bytes..].to_vec()
                } else {
                    value.to_le_bytes()[..bytes].to_vec()
                };
                let align = kind.align;
                let values = vec![element.repeat(usize::try_from(low).unwrap_or_default())];
                let size = values[0].len() as u64;
                self.add(
                    shown,
                    Some(size),
                    align,
                    Kind::Buffer(Content::Text { values, open: true }),
                )
            }
            _ => self.add(shown, None, 1, Kind::Array(of, count)),
        }
    }

    pub(super) fn string(
        &mut self,
        written: &Expression,
        options: &[Expression],
        shown: &str,
    ) -> TypeId {
        let open = written.name() == Some("stringnoz");
        let size = match options {
            [] | [_] => None,
            [_, size] => match self.count(size) {
                Some((low, high)) if low == high => Some(low),
                Some(_) => {
                    self.wrong(size.at, "a string has one size", "write one number");
                    return self.dummy();
                }
                None => return self.dummy(),
            },
            [.., last] => {
                self.wrong(
                    last.at,
                    "a string with too many options",
                    "write string[\"text\", size]",
                );
                return self.dummy();
            }
        };
        let mut values = match options.first() {
            None => Vec::new(),
            Some(first) if first.name() == Some("filename") => {
                return self.add(shown, size, 1, Kind::Buffer(Content::FileName { open }));
            }
            Some(first) => match self.texts(first, 0) {
                Some(values) => values,
                None => return self.dummy(),
            },
        };
        for value in &mut values {
            if !open {
                value.push(0);
            }
            if let Some(size) = size.and_then(|size| usize::try_from(size).ok()) {
                if value.len() > size {
                    self.wrong(
                        written.at,
                        format!("a text of {} bytes in a string of {size}", value.len()),
                        "take a larger size; the final NUL counts",
                    );
                    break;
                }
                value.resize(size, 0);
            }
        }
        let equal = values
            .first()
            .map(Vec::len)
            .filter(|first| values.iter().all(|value| value.len() == *first));
        let size = size.or(equal.and_then(|length| u64::try_from(length).ok()));
        self.add(shown, size, 1, Kind::Buffer(Content::Text { values, open }))
    }

    /// A literal, or the texts of string flags.
    fn texts(&mut self, written: &Expression, depth: usize) -> Option<Vec<Vec<u8>>> {
        match &written.value {
            Value::Text(text) => return Some(vec![text.as_bytes().to_vec()]),
            Value::Bytes(bytes) => return Some(vec![bytes.clone()]),
            _ => {}
        }
        let all = self.all;
        let list = written.name().and_then(|name| all.flags(name)).filter(|_| depth < 20);
        let Some(list) = list else {
            self.wrong(
                written.at,
                format!("`{}` are no texts", text(written)),
                "write \"text\", `hex`, or the name of string flags",
            );
            return None;
        };
        let mut values = Vec::new();
        for one in list {
            values.extend(self.texts(one, depth + 1)?);
        }
        Some(values)
    }

    pub(super) fn plain_buffer(
        &mut self,
        written: &Expression,
        options: &[Expression],
        shown: &str,
    ) -> TypeId {
        let content = match (written.name().unwrap_or_default(), options) {
            ("void", []) => {
                return self.add(
                    shown,
                    Some(0),
                    1,
                    Kind::Buffer(Content::Blob(Count::Between(0, 0))),
                );
            }
            ("compressed_image", []) => Content::Image,
            ("glob", [Expression { value: Value::Text(pattern), .. }]) => {
                Content::Glob(pattern.clone())
            }
            ("text", [kind]) if kind.name().is_some_and(|name| CODES.contains(&name)) => {
                Content::Code(kind.name().unwrap_or_default().to_owned())
            }
            (name, _) => {
                let help = match name {
                    "glob" => "write glob[\"/path/*:-/path/without\"]".to_owned(),
                    "text" => format!("write text[KIND], one of {}", CODES.join(", ")),
                    _ => "it takes no options".to_owned(),
                };
                self.wrong(written.at, format!("`{name}` with wrong options"), &help);
                return self.dummy();
            }
        };
        self.add(shown, None, 1, Kind::Buffer(content))
    }

    /// `fmt[dec, TYPE]`: a number as text.
    pub(super) fn formatted(
        &mut self,
        written: &Expression,
        options: &[Expression],
        shown: &str,
    ) -> TypeId {
        let [format, printed] = options else {
            self.wrong(
                written.at,
                "`fmt` without format or type",
                "write fmt[dec, TYPE], fmt[hex, TYPE] or fmt[oct, TYPE]",
            );
            return self.dummy();
        };
        let (format, size) = match format.name() {
            Some("dec") => (Format::Decimal, 20),
            Some("hex") => (Format::Hexadecimal, 18),
            Some("oct") => (Format::Octal, 23),
            _ => {
                self.wrong(
                    format.at,
                    format!("`{}` is no format", text(format)),
                    "write dec, hex or oct",
                );
                return self.dummy();
            }
        };
        // As text a number has no base type.
        let of = self.kind(printed, Place { argument: true, alias: true, field: false });
        let mut kind = self.types[of.0 as usize].kind.clone();
        match &mut kind {
            Kind::Int(number, _)
            | Kind::Const(number, _)
            | Kind::Flags(number, ..)
            | Kind::Len { number, .. }
            | Kind::Proc(number, ..)
            | Kind::Resource(number, _) => number.format = format,
            _ => {
                self.wrong(
                    printed.at,
                    format!("`{}` is not printed as a number", text(printed)),
                    "take an integer, flags, a length, proc or a resource",
                );
                return self.dummy();
            }
        }
        let id = self.add(shown, Some(size), 1, kind);
        if let Some(at) = self.paths.get(&of) {
            self.paths.insert(id, *at);
        }
        id
    }

    pub(super) fn pages(
        &mut self,
        written: &Expression,
        options: &[Expression],
        shown: &str,
    ) -> TypeId {
        let (low, high) = match options {
            [] => (0, 0),
            [count] => match self.count(count) {
                Some(range) => range,
                None => return self.dummy(),
            },
            [.., last] => {
                self.wrong(
                    last.at,
                    "`vma` with too many options",
                    "write vma, vma[n] or vma[low:high], in pages",
                );
                return self.dummy();
            }
        };
        let bytes = if written.name() == Some("vma64") { 8 } else { self.machine.pointer };
        let align = if bytes == 8 { self.machine.align8 } else { bytes };
        self.add(shown, Some(bytes), align, Kind::Vma(low, high))
    }

    /// What a resource stands on: an integer type, or another resource.
    pub(super) fn resource_base<'e>(
        &self,
        declared: &'e Declared,
    ) -> Option<(&'e Expression, &'e [Expression])> {
        match declared {
            Declared::Resource(base, values) => Some((base, values)),
            _ => None,
        }
    }
}
