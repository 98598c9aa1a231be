//! How structs and unions lie in memory, as a C compiler lays them out.

use crate::types::{Bits, Body, BodyId, Count, Kind, Machine, Number, Type, TypeId};

/// Most bytes of a struct or union.
const LARGEST: u64 = 1_000_000;
/// Deepest nesting.
const DEPTH: usize = 200;

/// What cannot be laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// A field without fixed size before others.
    VaryingInside(String),
    /// An option without fixed size in a union of fixed size.
    VaryingOption(String),
    /// A size attribute on something without fixed size.
    SizeOfVarying,
    /// The size attribute is smaller than what it holds.
    TooSmall(u64),
    /// Larger than anything that is allowed.
    TooLarge,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

/// Sets sizes, alignments, gaps and bit offsets.
pub(crate) fn lay_out(
    types: &mut [Type],
    bodies: &mut [Body],
    machine: &Machine,
) -> Vec<(BodyId, Problem)> {
    let mut layout = Layout {
        type_states: vec![State::New; types.len()],
        body_states: vec![(State::New, 1); bodies.len()],
        types,
        bodies,
        big_endian: machine.big_endian,
        problems: Vec::new(),
        depth: 0,
    };
    for index in (0..).map(TypeId).take(layout.types.len()) {
        layout.kind(index);
    }
    layout.problems
}

struct Layout<'a> {
    types: &'a mut [Type],
    bodies: &'a mut [Body],
    type_states: Vec<State>,
    /// State and alignment.
    body_states: Vec<(State, u64)>,
    big_endian: bool,
    problems: Vec<(BodyId, Problem)>,
    depth: usize,
}

impl Layout<'_> {
    /// Size and alignment of a type. One that is open, so holds itself, has no size and needs no alignment of its own.
    fn kind(&mut self, id: TypeId) -> (Option<u64>, u64) {
        let index = id.0 as usize;
        let kind = &self.types[index];
        match self.type_states[index] {
            State::Done => return (kind.size, kind.align),
            State::Open => return (None, 1),
            State::New => {}
        }
        if self.depth > DEPTH {
            return (None, 1);
        }
        self.type_states[index] = State::Open;
        self.depth += 1;
        let (size, align) = match kind.kind {
            Kind::Array(of, count) => {
                let (size, align) = self.kind(of);
                let size = match (size, count) {
                    (Some(size), Count::Between(low, high)) if low == high => size.checked_mul(low),
                    _ => None,
                };
                (size, align)
            }
            Kind::Struct(body) => self.body(body, false),
            Kind::Union(body) => self.body(body, true),
            _ => (kind.size, kind.align),
        };
        self.depth -= 1;
        self.type_states[index] = State::Done;
        let kind = &mut self.types[index];
        (kind.size, kind.align) = (size, align);
        (size, align)
    }

    fn body(&mut self, id: BodyId, union: bool) -> (Option<u64>, u64) {
        let index = id.0 as usize;
        match self.body_states[index] {
            (State::Done, align) => return (self.bodies[index].size, align),
            (State::Open, _) => return (None, 1),
            (State::New, _) => {}
        }
        self.body_states[index].0 = State::Open;
        let mut body = self.bodies[index].clone();
        let (size, align) =
            if union { self.union(id, &body) } else { self.structure(id, &mut body) };
        let size = match (size, body.fixed) {
            (None, Some(_)) => {
                self.problems.push((id, Problem::SizeOfVarying));
                None
            }
            (Some(size), Some(fixed)) if size > fixed => {
                self.problems.push((id, Problem::TooSmall(size)));
                Some(size)
            }
            (Some(_), Some(fixed)) => Some(fixed),
            (size, None) => size,
        };
        if size.is_some_and(|size| size > LARGEST) {
            self.problems.push((id, Problem::TooLarge));
        }
        body.size = size;
        self.bodies[index] = body;
        self.body_states[index] = (State::Done, align);
        (size, align)
    }

    fn union(&mut self, id: BodyId, body: &Body) -> (Option<u64>, u64) {
        let (mut largest, mut most) = (Some(0), 1);
        for field in &body.fields {
            let (size, align) = self.kind(field.kind);
            most = most.max(align);
            match size {
                _ if body.varlen => largest = None,
                Some(size) => largest = largest.map(|largest: u64| largest.max(size)),
                None => {
                    if largest.is_some() {
                        self.problems.push((id, Problem::VaryingOption(field.name.clone())));
                    }
                    largest = None;
                }
            }
        }
        (largest, most)
    }

    fn structure(&mut self, id: BodyId, body: &mut Body) -> (Option<u64>, u64) {
        let split = body.overlay.unwrap_or(body.fields.len());
        let (first, align) = self.run(id, body, 0, split);
        let (second, other) = self.run(id, body, split, body.fields.len());
        let natural = align.max(other);
        let align = body.align.unwrap_or(if body.packed { 1 } else { natural });
        let size = match (first, second) {
            (Some(first), Some(second)) => Some(round_up(first.max(second), align)),
            _ => None,
        };
        (size, align)
    }

    /// Lays out fields one behind the other, from offset 0. Gives their end and the largest alignment.
    fn run(&mut self, id: BodyId, body: &mut Body, from: usize, to: usize) -> (Option<u64>, u64) {
        let mut most = 1;
        let mut cursor = Cursor { at: 0, fixed: true, pending: 0, last: None };
        for index in from..to {
            let kind = body.fields[index].kind;
            let (size, align) = self.kind(kind);
            let align = if body.packed { 1 } else { align };
            most = most.max(align);
            if !cursor.fixed && !body.packed {
                let name = body.fields[index - 1].name.clone();
                self.problems.push((id, Problem::VaryingInside(name)));
            }
            if let Some(number) = self.types[kind.0 as usize].number()
                && number.bits > 0
            {
                self.bit_field(body, index, number, &mut cursor);
                continue;
            }
            cursor.finish(body);
            let start = round_up(cursor.at, align);
            body.fields[index].gap = start - cursor.at;
            body.fields[index].advance = size;
            // Behind a field that varies, places are told from its end.
            cursor.at = size.map_or(0, |size| start + size);
            cursor.fixed &= size.is_some();
        }
        cursor.finish(body);
        (cursor.fixed.then_some(cursor.at), most)
    }

    /// Places a bitfield.
    fn bit_field(&self, body: &mut Body, index: usize, number: Number, cursor: &mut Cursor) {
        let unit = u64::from(number.bytes);
        let step = if body.packed { 1 } else { unit };
        let width = u64::from(number.bits);
        let position = 8 * cursor.at + cursor.pending;
        let mut start = position / 8 / step * step;
        let mut offset = position - 8 * start;
        if offset + width > 8 * unit {
            start = round_up(position.div_ceil(8), step);
            offset = 0;
        }
        body.fields[index].gap = 0;
        if start > cursor.at {
            match cursor.last {
                Some(last) => body.fields[last].advance = Some(start - cursor.at),
                None => body.fields[index].gap = start - cursor.at,
            }
            cursor.at = start;
        }
        cursor.pending = 8 * start + offset + width - 8 * cursor.at;
        cursor.last = Some(index);
        let lowest = if self.big_endian { 8 * unit - offset - width } else { offset };
        let bits =
            Bits { back: cursor.at - start, offset: u8::try_from(lowest).unwrap_or_default() };
        body.fields[index].advance = Some(0);
        body.fields[index].bits = Some(bits);
    }
}

/// Where the next field goes.
struct Cursor {
    /// Byte offset.
    at: u64,
    /// No field before it varies.
    fixed: bool,
    /// Bits used from there on by bitfields.
    pending: u64,
    /// The last of these bitfields.
    last: Option<usize>,
}

impl Cursor {
    /// Ends a run of bitfields.
    fn finish(&mut self, body: &mut Body) {
        if let Some(last) = self.last.take() {
            let bytes = self.pending.div_ceil(8);
            body.fields[last].advance = Some(bytes);
            self.at += bytes;
        }
        self.pending = 0;
    }
}

/// The next multiple of an alignment.
#[must_use]
pub(crate) fn round_up(value: u64, align: u64) -> u64 {
    value.div_ceil(align.max(1)).saturating_mul(align.max(1))
}
