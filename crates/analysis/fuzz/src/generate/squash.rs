//! Structs as plain bytes with resources between them, so that their shape can be broken.

use fastrand::Rng;

use crate::program::{Arg, Program, Source, Value, each_arg, each_arg_mut, each_field, size_of};
use crate::types::{Bits, Content, Direction, Format, Kind, Number, Target, TypeId};

/// Options of a union from which on its variety is worth breaking.
const OPTIONS: usize = 5;
/// Most bytes that are squashed.
const LARGEST: u64 = 16 << 10;
/// What checksums become.
const CHECKSUM: u64 = 0xabcd_ef12_3456_7890;

/// Squashes one pointee of a program by chance. Whether there was one.
pub(super) fn squash_some(target: &Target, rng: &mut Rng, program: &mut Program) -> bool {
    let mut places = Vec::new();
    for (index, call) in program.calls.iter().enumerate() {
        if target.call(call.kind).attributes.no_squash {
            continue;
        }
        let mut number = 0;
        for arg in &call.arguments {
            each_arg(arg, &mut |arg| {
                if let Value::Pointer(_, to) = &arg.value
                    && can_be_squashed(target, to)
                {
                    places.push((index, number));
                }
                number += 1;
            });
        }
    }
    if places.is_empty() {
        return false;
    }
    let (index, wanted) = places[rng.usize(0..places.len())];
    let mut number = 0;
    for arg in &mut program.calls[index].arguments {
        each_arg_mut(arg, &mut |arg| {
            if number == wanted
                && let Value::Pointer(_, to) = &mut arg.value
            {
                **to = squashed(target, to);
            }
            number += 1;
        });
    }
    true
}

/// Whether a pointee is worth it and consists of what bytes can express.
fn can_be_squashed(target: &Target, arg: &Arg) -> bool {
    if arg.kind == target.pieces()
        || arg.direction != Direction::In
        || size_of(target, arg) > LARGEST
    {
        return false;
    }
    let (mut varied, mut plain) = (false, true);
    each_arg(arg, &mut |arg| {
        let kind = target.get(arg.kind);
        plain &= arg.direction == Direction::In;
        match &kind.kind {
            Kind::Struct(body) => {
                let body = target.body(*body);
                varied |= body.size.is_none();
                plain &= body.overlay.is_none();
            }
            Kind::Union(body) => {
                let body = target.body(*body);
                varied |= body.varlen && body.fields.len() > OPTIONS;
            }
            Kind::Pointer(..) | Kind::Vma(..) => plain = false,
            Kind::Buffer(content) => {
                plain &= !matches!(
                    content,
                    Content::FileName { .. } | Content::Glob(_) | Content::Image
                );
            }
            _ => {}
        }
    });
    varied && plain
}

fn squashed(target: &Target, arg: &Arg) -> Arg {
    let Kind::Array(union, _) = target.get(target.pieces()).kind else { return arg.clone() };
    let mut pieces = Pieces { target, union, bytes: Vec::new(), done: Vec::new(), start: 0 };
    pieces.add(arg, 0, None);
    let size = size_of(target, arg);
    pieces.pad(size);
    pieces.flush();
    Arg::new(target.pieces(), Direction::In, Value::Group(pieces.done))
}

struct Pieces<'a> {
    target: &'a Target,
    union: TypeId,
    /// Bytes since the last resource.
    bytes: Vec<u8>,
    done: Vec<Arg>,
    /// Offset of the first of these bytes.
    start: u64,
}

impl Pieces<'_> {
    fn pad(&mut self, to: u64) {
        let length = usize::try_from(to.saturating_sub(self.start)).unwrap_or(0);
        if length > self.bytes.len() {
            self.bytes.resize(length, 0);
        }
    }

    fn piece(&mut self, name: &str, value: impl FnOnce(TypeId) -> Arg) {
        let Kind::Union(body) = self.target.get(self.union).kind else { return };
        let fields = &self.target.body(body).fields;
        if let Some(index) = fields.iter().position(|field| field.name == name) {
            let inner = value(fields[index].kind);
            let union = Value::Union(index, Box::new(inner));
            self.done.push(Arg::new(self.union, Direction::In, union));
        }
    }

    fn flush(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.start += bytes.len() as u64;
        if !bytes.is_empty() {
            self.piece("ANYBLOB", |kind| Arg::new(kind, Direction::In, Value::Data(bytes)));
        }
    }

    fn add(&mut self, arg: &Arg, at: u64, bits: Option<Bits>) {
        let kind = self.target.get(arg.kind);
        match (&arg.value, &kind.kind) {
            (Value::Group(fields), Kind::Struct(body)) => {
                let body = self.target.body(*body);
                let mut places = Vec::new();
                each_field(self.target, body, fields, &mut |_, offset| places.push(at + offset));
                for ((field, arg), place) in body.fields.iter().zip(fields).zip(places) {
                    self.add(arg, place, field.bits);
                }
            }
            (Value::Group(elements), _) => {
                let mut place = at;
                for element in elements {
                    self.add(element, place, None);
                    place += size_of(self.target, element);
                }
            }
            (Value::Union(_, inner), _) => self.add(inner, at, bits),
            (Value::Data(bytes), _) => {
                self.pad(at);
                self.put(at, bytes);
            }
            (Value::Resource(source @ Source::Var(..), _), Kind::Resource(number, _))
                if number.format != Format::Big =>
            {
                self.pad(at);
                self.flush();
                let name = match number.format {
                    Format::Decimal => "ANYRESDEC",
                    Format::Hexadecimal => "ANYRESHEX",
                    Format::Octal => "ANYRESOCT",
                    Format::Native | Format::Big => match number.bytes {
                        1 => "ANYRES8",
                        2 => "ANYRES16",
                        4 => "ANYRES32",
                        _ => "ANYRES64",
                    },
                };
                let source = *source;
                self.piece(name, |kind| {
                    Arg::new(kind, Direction::In, Value::Resource(source, None))
                });
                self.start += size_of(self.target, arg);
            }
            _ => {
                let value = match (&arg.value, &kind.kind) {
                    (_, Kind::Csum(..)) => CHECKSUM,
                    (Value::Number(u64::MAX), Kind::Proc(..)) => 0,
                    (Value::Number(value), Kind::Proc(_, start, _)) => start.wrapping_add(*value),
                    (Value::Number(value) | Value::Resource(Source::Number(value), _), _) => *value,
                    _ => 0,
                };
                if let Some(number) = kind.number() {
                    self.number(at, number, bits, value);
                }
            }
        }
    }

    fn number(&mut self, at: u64, number: Number, bits: Option<Bits>, value: u64) {
        let text = match number.format {
            Format::Decimal => format!("{value:020}"),
            Format::Hexadecimal => format!("{value:#018x}"),
            Format::Octal => format!("0{value:022o}"),
            Format::Native | Format::Big => String::new(),
        };
        self.pad(at);
        if !text.is_empty() {
            self.put(at, text.as_bytes());
            return;
        }
        let width = usize::from(number.bytes);
        let big = self.target.machine.big_endian || number.format == Format::Big;
        let order = |value: u64| {
            let mut bytes = value.to_le_bytes();
            if big {
                bytes[..width].reverse();
            }
            bytes
        };
        let Some(place) = bits.filter(|_| number.bits > 0) else {
            self.put(at, &order(value)[..width]);
            return;
        };
        let begin = at.saturating_sub(place.back);
        self.pad(begin + width as u64);
        let Some(first) =
            begin.checked_sub(self.start).and_then(|first| usize::try_from(first).ok())
        else {
            return;
        };
        let mut unit = [0; 8];
        unit[..width].copy_from_slice(&self.bytes[first..first + width]);
        if big {
            unit[..width].reverse();
        }
        let mask = number.mask() << place.offset;
        let new = u64::from_le_bytes(unit) & !mask | value << place.offset & mask;
        self.bytes[first..first + width].copy_from_slice(&order(new)[..width]);
    }

    fn put(&mut self, at: u64, bytes: &[u8]) {
        let Some(first) = at.checked_sub(self.start).and_then(|first| usize::try_from(first).ok())
        else {
            return;
        };
        if first + bytes.len() > self.bytes.len() {
            self.bytes.resize(first + bytes.len(), 0);
        }
        self.bytes[first..first + bytes.len()].copy_from_slice(bytes);
    }
}
