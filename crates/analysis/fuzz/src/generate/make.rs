//! Values by chance.

use fastrand::Rng;

use super::catalog::Catalog;
use super::numbers;
use super::numbers::one_of;
use crate::program::{
    Area, Arg, Call, Program, Properties, Source, Value, Var, default_arg, each_arg, each_arg_mut,
    field_direction, fix_conditions, fix_lengths, size_of,
};
use crate::types::{
    AREA, BodyId, CallId, Content, Count, Direction, Kind, PAGE, ResourceId, Target, TypeId,
};

/// Deepest nesting of values; below it all are defaults.
const DEPTH: usize = 12;
/// Longest chain of calls that make resources for each other.
const CHAIN: usize = 4;
/// Most elements of generated arrays.
const ELEMENTS: u64 = 64;
/// Most calls of a program.
pub(super) const CALLS: usize = 40;
/// Most bytes of a call's memory.
const LARGEST: u64 = 1 << 20;

/// Machine code: returns, traps, reads of clock and identity, port and control registers, a system call.
const CODE: [&[u8]; 12] = [
    &[0xc3],
    &[0xcc],
    &[0x0f, 0x0b],
    &[0x0f, 0xa2],
    &[0x0f, 0x31],
    &[0x0f, 0x05],
    &[0xf4],
    &[0xec],
    &[0x0f, 0x20, 0xc0],
    &[0x66, 0xba, 0xf8, 0x03, 0xee],
    &[0xb8, 1, 0, 0, 0],
    &[0x0f, 0x01, 0xd9],
];

/// A program of about so many calls. Empty if the catalog is.
#[must_use]
pub fn generate(target: &Target, catalog: &Catalog, rng: &mut Rng, calls: usize) -> Program {
    let mut program = Program::default();
    let calls = calls.min(CALLS);
    while program.calls.len() < calls {
        let before: Vec<CallId> = program.calls.iter().map(|call| call.kind).collect();
        let Some(kind) = catalog.choose(target, rng, &before) else { break };
        let length = program.calls.len();
        let mut maker = Maker::new(target, catalog, rng, &mut program, length);
        let call = maker.call(kind);
        let new = maker.finish(call);
        program.calls.extend(new);
    }
    program.calls.truncate(CALLS);
    program
}

/// Makes values for a place in a program.
pub(super) struct Maker<'a> {
    pub(super) target: &'a Target,
    catalog: &'a Catalog,
    pub(super) rng: &'a mut Rng,
    next: &'a mut u32,
    area: Area,
    /// Resources made before this place.
    known: Vec<(ResourceId, Var)>,
    /// Calls that make what the new one takes.
    before: Vec<Call>,
    chain: usize,
    /// Names of files in use.
    files: Vec<Vec<u8>>,
}

impl<'a> Maker<'a> {
    /// For the place before the call of this index.
    pub(super) fn new(
        target: &'a Target,
        catalog: &'a Catalog,
        rng: &'a mut Rng,
        program: &'a mut Program,
        place: usize,
    ) -> Self {
        let mut area = Area::default();
        let mut known = Vec::new();
        let mut files: Vec<Vec<u8>> = Vec::new();
        for (index, call) in program.calls.iter().enumerate() {
            area.note(target, call);
            if index >= place {
                continue;
            }
            made(target, call, &mut known);
            for arg in &call.arguments {
                each_arg(arg, &mut |arg| {
                    if let (Value::Data(bytes), Kind::Buffer(Content::FileName { .. })) =
                        (&arg.value, &target.get(arg.kind).kind)
                        && !files.contains(bytes)
                        && bytes.len() > 1
                    {
                        files.push(bytes.clone());
                    }
                });
            }
        }
        Self {
            target,
            catalog,
            rng,
            next: &mut program.next,
            area,
            known,
            before: Vec::new(),
            chain: 0,
            files,
        }
    }

    fn variable(&mut self) -> Var {
        *self.next += 1;
        Var(*self.next - 1)
    }

    /// A call with values by chance.
    pub(super) fn call(&mut self, kind: CallId) -> Call {
        let target = self.target;
        let fields = &target.call(kind).arguments;
        let arguments = fields
            .iter()
            .map(|field| self.arg(field.kind, field.direction.unwrap_or(Direction::In), 0))
            .collect();
        let result = target.call(kind).result.map(|_| self.variable());
        let mut call = Call {
            kind,
            arguments,
            result,
            properties: Properties::default(),
            before: Vec::new(),
            comment: None,
        };
        settle(target, &mut call);
        call
    }

    /// The calls that must come before, and the call.
    pub(super) fn finish(self, call: Call) -> Vec<Call> {
        let mut calls = self.before;
        calls.push(call);
        calls
    }

    /// A value of a type.
    pub(super) fn arg(&mut self, id: TypeId, direction: Direction, depth: usize) -> Arg {
        let target = self.target;
        let kind = target.get(id);
        let plain = matches!(kind.kind, Kind::Pointer(..) | Kind::Vma(..) | Kind::Resource(..));
        if depth > DEPTH || kind.optional && plain && one_of(self.rng, 5) {
            return default_arg(target, id, direction);
        }
        let input = direction != Direction::Out;
        let value = match &kind.kind {
            Kind::Int(number, _) | Kind::Flags(number, ..) if !input => {
                let _ = number;
                Value::Number(0)
            }
            Kind::Int(number, None) => Value::Number(numbers::number(self.rng, number.width())),
            Kind::Int(number, Some(range)) => {
                Value::Number(numbers::in_range(self.rng, *range, number.width()))
            }
            Kind::Flags(number, values, mask) => {
                Value::Number(numbers::flags(self.rng, values, *mask, number.width()))
            }
            Kind::Const(_, value) => Value::Number(*value),
            Kind::Len { .. } | Kind::Csum(..) => Value::Number(0),
            Kind::Proc(_, _, per) => Value::Number(self.rng.u64(0..(*per).max(1))),
            Kind::Resource(_, resource) => self.resource(*resource, input),
            Kind::Vma(low, high) => self.pages(*low, *high),
            Kind::Pointer(to, inner) => return self.pointer(id, direction, *to, *inner, depth),
            Kind::Buffer(content) => self.buffer(content, kind.size, direction),
            Kind::Array(of, count) => {
                let count = self.count(*count);
                Value::Group((0..count).map(|_| self.arg(*of, direction, depth + 1)).collect())
            }
            Kind::Struct(body) => self.structure(*body, direction, depth),
            Kind::Union(body) => {
                let body = target.body(*body);
                let index = self.rng.usize(0..body.fields.len());
                let inner = field_direction(body, index, direction);
                Value::Union(index, Box::new(self.arg(body.fields[index].kind, inner, depth + 1)))
            }
        };
        Arg::new(id, direction, value)
    }

    fn structure(&mut self, body: BodyId, direction: Direction, depth: usize) -> Value {
        let body = self.target.body(body);
        let fields = body.fields.iter().enumerate();
        Value::Group(
            fields
                .map(|(index, field)| {
                    self.arg(field.kind, field_direction(body, index, direction), depth + 1)
                })
                .collect(),
        )
    }

    fn count(&mut self, count: Count) -> u64 {
        match count {
            Count::Between(low, high) if low == high => low,
            Count::Between(low, high) => self.rng.u64(low..=high.min(low + ELEMENTS)),
            Count::Any => numbers::count(self.rng),
        }
    }

    fn pages(&mut self, low: u64, high: u64) -> Value {
        let count = match (low, high) {
            (0, 0) if one_of(self.rng, 20) => self.rng.u64(1..1024),
            (0, 0) => self.rng.u64(1..5),
            (low, high) => self.rng.u64(low..=high),
        };
        let count = count.clamp(1, AREA / PAGE);
        let address = if self.rng.bool() {
            self.area.take_pages(count)
        } else {
            // Pages that others use too.
            self.rng.u64(0..=AREA / PAGE - count) * PAGE
        };
        Value::Pages(address, count * PAGE)
    }

    fn pointer(
        &mut self,
        id: TypeId,
        direction: Direction,
        to: TypeId,
        inner: Direction,
        depth: usize,
    ) -> Arg {
        if one_of(self.rng, 1000) {
            let index = self.rng.usize(0..self.target.machine.special.len());
            return Arg::new(id, direction, Value::Special(index));
        }
        let mut pointee = self.arg(to, inner, depth + 1);
        if size_of(self.target, &pointee) > LARGEST {
            pointee = default_arg(self.target, to, inner);
        }
        let address = self.area.take(size_of(self.target, &pointee));
        Arg::new(id, direction, Value::Pointer(address, Box::new(pointee)))
    }

    pub(super) fn buffer(
        &mut self,
        content: &Content,
        size: Option<u64>,
        direction: Direction,
    ) -> Value {
        let size = size.and_then(|size| usize::try_from(size).ok());
        let length = match (size, content) {
            (Some(size), _) => size,
            (None, Content::Blob(Count::Between(low, high))) => {
                usize::try_from(self.rng.u64(*low..=*high)).unwrap_or(0)
            }
            (None, _) => numbers::length(self.rng),
        };
        if direction == Direction::Out {
            return Value::Space(length as u64);
        }
        Value::Data(match content {
            Content::Blob(_) => numbers::bytes(self.rng, length),
            Content::Text { values, .. } if !values.is_empty() => {
                values[self.rng.usize(0..values.len())].clone()
            }
            Content::Text { open, .. } => self.text(size, *open),
            Content::FileName { open } => self.file(size, *open),
            Content::Glob(pattern) => glob(pattern),
            Content::Code(_) => {
                let mut code = Vec::new();
                for _ in 0..self.rng.usize(1..8) {
                    code.extend_from_slice(CODE[self.rng.usize(0..CODE.len())]);
                }
                code
            }
            Content::Image => Vec::new(),
        })
    }

    fn text(&mut self, size: Option<usize>, open: bool) -> Vec<u8> {
        let mut text: Vec<u8> =
            (0..self.rng.usize(0..12)).map(|_| self.rng.u8(b' '..=b'~')).collect();
        if !open {
            text.push(0);
        }
        if let Some(size) = size {
            text.resize(size, 0);
        }
        text
    }

    fn file(&mut self, size: Option<usize>, open: bool) -> Vec<u8> {
        let known = !self.files.is_empty() && !one_of(self.rng, 5);
        let mut name = if known {
            self.files[self.rng.usize(0..self.files.len())].clone()
        } else {
            let mut name = format!("./file{}", self.rng.u32(0..4)).into_bytes();
            if one_of(self.rng, 4) {
                name.extend(format!("/file{}", self.rng.u32(0..3)).into_bytes());
            }
            name
        };
        name.retain(|byte| *byte != 0);
        if !open {
            name.push(0);
        }
        if !self.files.contains(&name) {
            self.files.push(name.clone());
        }
        if let Some(size) = size {
            name.resize(size, 0);
        }
        name
    }

    /// A resource: one that a former call made, a new one, or a special value.
    fn resource(&mut self, kind: ResourceId, input: bool) -> Value {
        let target = self.target;
        let special = &target.resource(kind).special;
        if !input {
            let var = self.variable();
            return Value::Resource(Source::Number(special[0]), Some(var));
        }
        let fits = |made: ResourceId| target.resource(made).chain.contains(&kind);
        let fit: Vec<Var> =
            self.known.iter().filter(|(made, _)| fits(*made)).map(|(_, var)| *var).collect();
        let keep = if self.chain > 0 { 20 } else { 5 };
        if !fit.is_empty() && !one_of(self.rng, keep) {
            let var = fit[self.rng.usize(0..fit.len())];
            return Value::Resource(Source::Var(var, 0, 0), None);
        }
        if self.chain < CHAIN && !one_of(self.rng, 5) {
            let makers = self.catalog.makers(kind);
            if !makers.is_empty() {
                let maker = makers[self.rng.usize(0..makers.len())];
                self.chain += 1;
                let call = self.call(maker);
                self.chain -= 1;
                let mut new = Vec::new();
                made(target, &call, &mut new);
                self.known.extend(new.iter().copied());
                self.before.push(call);
                if let Some((_, var)) = new.iter().find(|(made, _)| fits(*made)) {
                    return Value::Resource(Source::Var(*var, 0, 0), None);
                }
            }
        }
        if !fit.is_empty() {
            return Value::Resource(Source::Var(fit[self.rng.usize(0..fit.len())], 0, 0), None);
        }
        // A wider kind may do where nothing makes the wanted one.
        if one_of(self.rng, 3)
            && let Some((_, var)) =
                self.known.iter().find(|(made, _)| target.resource(kind).chain.contains(made))
        {
            return Value::Resource(Source::Var(*var, 0, 0), None);
        }
        Value::Resource(Source::Number(special[self.rng.usize(0..special.len())]), None)
    }

    /// A free place of so many bytes.
    pub(super) fn place(&mut self, size: u64) -> u64 {
        self.area.take(size)
    }

    /// Gives new addresses to pointers whose pointees grew.
    pub(super) fn replace(&mut self, arg: &mut Arg) {
        let target = self.target;
        let area = &mut self.area;
        each_arg_mut(arg, &mut |arg| {
            if let Value::Pointer(address, to) = &mut arg.value {
                *address = area.take(size_of(target, to));
            }
        });
    }
}

/// Resources that a call makes.
fn made(target: &Target, call: &Call, found: &mut Vec<(ResourceId, Var)>) {
    if let (Some(result), Some(var)) = (target.call(call.kind).result, call.result)
        && let Kind::Resource(_, kind) = target.get(result).kind
    {
        found.push((kind, var));
    }
    for arg in &call.arguments {
        each_arg(arg, &mut |arg| {
            if let (Value::Resource(_, Some(var)), Kind::Resource(_, kind)) =
                (&arg.value, &target.get(arg.kind).kind)
            {
                found.push((*kind, *var));
            }
        });
    }
}

/// Computes what follows from other values.
pub(super) fn settle(target: &Target, call: &mut Call) {
    fix_conditions(target, call);
    fix_lengths(target, call, true);
}

/// The path before the first sign of a pattern: what it stands for is known in the guest only.
fn glob(pattern: &str) -> Vec<u8> {
    let first = pattern.split(':').next().unwrap_or_default();
    let plain = first.split(['*', '?', '[']).next().unwrap_or_default();
    let mut path = plain.trim_end_matches('/').as_bytes().to_vec();
    path.push(0);
    path
}
