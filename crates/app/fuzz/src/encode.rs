//! Typed programs to what the executor runs.

use std::collections::{HashMap, HashSet};
use std::fmt;

use analysis_fuzz::{
    Arg, Bits, Call, Checksum, Direction, Format, Kind, Number, Program, Source, Target, Value,
    Var, each_arg, each_field, size_of,
};
use guest_programs::{
    Call as Step, CallFlags, Chunk, DATA_SIZE, Encoder, Format as Form, Instruction,
    Number as CallNumber, Order, TooMuch, Value as Operand, pseudo_named,
};

/// Why a program cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EncodeError {
    /// A call that neither the kernel nor the executor has.
    Unknown(String),
    /// More than the executor takes.
    TooMuch(TooMuch),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(out, "the executor has no call `{name}`"),
            Self::TooMuch(limit) => limit.fmt(out),
        }
    }
}

impl std::error::Error for EncodeError {}

impl From<TooMuch> for EncodeError {
    fn from(limit: TooMuch) -> Self {
        Self::TooMuch(limit)
    }
}

/// The bytes of a program for the executor.
///
/// # Errors
/// A call that nobody can make, or more than the executor takes.
pub fn encode(target: &Target, program: &Program) -> Result<Vec<u8>, EncodeError> {
    let mut writer = Writer {
        target,
        encoder: Encoder::default(),
        used: used(program),
        results: HashMap::new(),
        run: Run::default(),
    };
    for call in &program.calls {
        writer.call(call)?;
    }
    Ok(writer.encoder.finish())
}

/// Variables that some call takes.
fn used(program: &Program) -> HashSet<Var> {
    let mut used = HashSet::new();
    for arg in program.calls.iter().flat_map(|call| &call.arguments) {
        each_arg(arg, &mut |arg| {
            if let Value::Resource(Source::Var(var, ..), _) = arg.value {
                used.insert(var);
            }
        });
    }
    used
}

struct Writer<'a> {
    target: &'a Target,
    encoder: Encoder,
    used: HashSet<Var>,
    /// Numbers under which results are kept.
    results: HashMap<Var, u16>,
    run: Run,
}

/// Plain bytes that lie one behind the other and are not written yet.
#[derive(Default)]
struct Run {
    at: u64,
    bytes: Vec<u8>,
}

/// What is known of a call's memory when all of it was seen.
#[derive(Default)]
struct Memory {
    /// Checksums: where, how, over what.
    checksums: Vec<(u64, Checksum, (u64, u64))>,
    /// Structs around the value: name, offset, size.
    around: Vec<(String, u64, u64)>,
    /// Source and destination of the packet: offset and size.
    ends: Option<[(u64, u64); 2]>,
    /// Resources that the kernel stores.
    loads: Vec<(u64, Form, Var)>,
}

/// Structs that hold the addresses of a packet.
const HEADERS: [&str; 2] = ["ipv4_header", "ipv6_packet_t"];

impl Writer<'_> {
    fn call(&mut self, call: &Call) -> Result<(), EncodeError> {
        let kind = self.target.call(call.kind);
        let number = match kind.number {
            _ if kind.name.starts_with("syz_") => CallNumber::Pseudo(
                pseudo_named(&kind.name).ok_or_else(|| EncodeError::Unknown(kind.name.clone()))?,
            ),
            Some(number) => CallNumber::Kernel(u32::try_from(number).unwrap_or(u32::MAX)),
            None => return Err(EncodeError::Unknown(kind.name.clone())),
        };
        let mut memory = Memory::default();
        for arg in &call.arguments {
            self.pointees(arg, &mut memory)?;
        }
        self.flush()?;
        self.checksums(&mut memory)?;
        let arguments: Vec<Operand> = call.arguments.iter().map(|arg| self.argument(arg)).collect();
        let result = call.result.filter(|var| self.used.contains(var)).map(|var| self.keep(var));
        let attributes = &kind.attributes;
        let step = Step {
            result,
            flags: CallFlags {
                asynchronous: call.properties.asynchronous,
                remote: attributes.remote_cover,
                ignore_return: attributes.ignore_return,
            },
            timeout: u32::try_from(attributes.timeout).unwrap_or(u32::MAX),
            fail_nth: u32::try_from(call.properties.fail_nth).unwrap_or(u32::MAX),
            rerun: u32::try_from(call.properties.rerun).unwrap_or(u32::MAX),
            ..Step::new(number, arguments)
        };
        self.encoder.push(&Instruction::Call(step))?;
        for (at, format, var) in memory.loads {
            let result = self.keep(var);
            self.encoder.push(&Instruction::Load { at: offset(at), format, result })?;
        }
        Ok(())
    }

    fn keep(&mut self, var: Var) -> u16 {
        let next = u16::try_from(self.results.len()).unwrap_or(u16::MAX);
        *self.results.entry(var).or_insert(next)
    }

    /// Writes what the pointers in a value point to.
    fn pointees(&mut self, arg: &Arg, memory: &mut Memory) -> Result<(), EncodeError> {
        match &arg.value {
            Value::Pointer(address, to) => self.memory(to, *address, None, memory),
            Value::Union(_, inner) => self.pointees(inner, memory),
            _ => Ok(()),
        }
    }

    /// Writes a value at an offset of the data area.
    fn memory(
        &mut self,
        arg: &Arg,
        at: u64,
        bits: Option<Bits>,
        memory: &mut Memory,
    ) -> Result<(), EncodeError> {
        match (&arg.value, &self.target.get(arg.kind).kind) {
            (Value::Group(fields), Kind::Struct(body)) => {
                let target = self.target;
                let body = target.body(*body);
                let mut places = Vec::new();
                each_field(target, body, fields, &mut |_, offset| places.push(at + offset));
                memory.around.push((body.name.clone(), at, size_of(target, arg)));
                if HEADERS.contains(&body.name.as_str()) {
                    memory.ends = addresses(target, body, fields, &places).or(memory.ends);
                }
                for ((field, arg), place) in body.fields.iter().zip(fields).zip(places) {
                    self.memory(arg, place, field.bits, memory)?;
                }
                memory.around.pop();
                return Ok(());
            }
            (Value::Group(elements), _) => {
                let mut place = at;
                for element in elements {
                    self.memory(element, place, None, memory)?;
                    place += size_of(self.target, element);
                }
                return Ok(());
            }
            (Value::Union(_, inner), _) => return self.memory(inner, at, bits, memory),
            (Value::Resource(_, Some(var)), Kind::Resource(number, _))
                if arg.direction != Direction::In && self.used.contains(var) =>
            {
                memory.loads.push((at, form(self.target, *number, None), *var));
            }
            (_, Kind::Csum(_, how, of)) if arg.direction != Direction::Out => {
                let found =
                    memory.around.iter().rev().find(|(name, ..)| of == "parent" || of == name);
                if let Some((_, start, size)) = found {
                    memory.checksums.push((at, *how, (*start, *size)));
                }
            }
            _ => {}
        }
        if arg.direction != Direction::Out {
            self.leaf(arg, at, bits)?;
        }
        self.pointees(arg, memory)
    }

    fn leaf(&mut self, arg: &Arg, at: u64, bits: Option<Bits>) -> Result<(), EncodeError> {
        if let Value::Data(bytes) = &arg.value {
            return self.bytes(at, bytes);
        }
        let kind = self.target.get(arg.kind);
        let number = kind.number().unwrap_or(Number {
            bytes: u8::try_from(kind.size.unwrap_or(8)).unwrap_or(8),
            bits: 0,
            format: Format::Native,
        });
        let operand = self.operand(arg);
        let form = form(self.target, number, bits);
        let at = at - bits.map_or(0, |bits| bits.back);
        match operand {
            Operand::Constant { value, stride: 0 } if number.bits == 0 => {
                self.bytes(at, &form.render(value, &[]))
            }
            _ => {
                self.flush()?;
                if inside(at, u64::from(form.length())) {
                    let store = Instruction::Store { at: offset(at), format: form, value: operand };
                    self.encoder.push(&store)?;
                }
                Ok(())
            }
        }
    }

    /// Writes plain bytes, joined with those just before.
    fn bytes(&mut self, at: u64, bytes: &[u8]) -> Result<(), EncodeError> {
        if at != self.run.at + self.run.bytes.len() as u64 {
            self.flush()?;
            self.run.at = at;
        }
        self.run.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), EncodeError> {
        let run = std::mem::take(&mut self.run);
        // What lies outside of the data area is for the kernel to find out.
        let room = u64::from(DATA_SIZE).saturating_sub(run.at);
        let length = usize::try_from(room).unwrap_or(0).min(run.bytes.len());
        if length > 0 {
            let bytes = &run.bytes[..length];
            self.encoder.push(&Instruction::Data { at: offset(run.at), bytes })?;
        }
        Ok(())
    }

    /// Checksums come when all else stands, inner ones before those around them.
    fn checksums(&mut self, memory: &mut Memory) -> Result<(), EncodeError> {
        memory.checksums.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
        for (at, how, (start, size)) in &memory.checksums {
            let piece = |start: u64, size: u64| Chunk::Memory {
                at: offset(start),
                length: u32::try_from(size).unwrap_or(0),
            };
            let mut chunks = Vec::new();
            if let Checksum::Pseudo(protocol) = how {
                let Some(ends) = memory.ends else { continue };
                chunks.extend(ends.map(|(start, size)| piece(start, size)));
                let long = ends[0].1 > 4;
                let bytes = if long { 4 } else { 2 };
                let length =
                    Chunk::Number { value: u32::try_from(*size).unwrap_or(0), size: bytes };
                let protocol =
                    Chunk::Number { value: u32::try_from(*protocol).unwrap_or(0), size: bytes };
                chunks.extend(if long { [length, protocol] } else { [protocol, length] });
            }
            chunks.push(piece(*start, *size));
            if inside(*at, 2) && inside(*start, *size) {
                self.encoder.push(&Instruction::Checksum { at: offset(*at), chunks })?;
            }
        }
        Ok(())
    }

    /// The value of an argument in its register.
    fn argument(&self, arg: &Arg) -> Operand {
        if let Value::Union(_, inner) = &arg.value {
            return self.argument(inner);
        }
        let operand = self.operand(arg);
        match (operand, self.target.get(arg.kind).number()) {
            (Operand::Constant { value, stride: 0 }, Some(number)) if number.bytes < 8 => {
                let bits = 64 - 8 * u32::from(number.bytes);
                let value =
                    if number.format == Format::Big { value.swap_bytes() >> bits } else { value };
                Operand::plain(value & (u64::MAX >> bits))
            }
            (Operand::Constant { value, stride: 0 }, Some(number))
                if number.format == Format::Big =>
            {
                Operand::plain(value.swap_bytes())
            }
            (operand, _) => operand,
        }
    }

    fn operand(&self, arg: &Arg) -> Operand {
        let kind = &self.target.get(arg.kind).kind;
        match (&arg.value, kind) {
            (Value::Number(u64::MAX), Kind::Proc(..)) => Operand::plain(0),
            (Value::Number(value), Kind::Proc(_, start, per)) => {
                Operand::Constant { value: start.wrapping_add(*value), stride: *per }
            }
            (Value::Number(value), _) | (Value::Resource(Source::Number(value), _), _) => {
                Operand::plain(*value)
            }
            (Value::Resource(Source::Var(var, divide, add), _), Kind::Resource(_, resource)) => {
                let default = self.target.resource(*resource).special[0];
                match self.results.get(var) {
                    Some(index) => {
                        Operand::Result { index: *index, divide: *divide, add: *add, default }
                    }
                    None => Operand::plain(default),
                }
            }
            (Value::Pointer(at, _) | Value::Pages(at, _), _) => Operand::Pointer(offset(*at)),
            (Value::Special(index), _) => {
                Operand::plain(self.target.machine.special.get(*index).copied().unwrap_or(0))
            }
            _ => Operand::plain(0),
        }
    }
}

fn offset(at: u64) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn inside(at: u64, length: u64) -> bool {
    at.checked_add(length).is_some_and(|end| end <= u64::from(DATA_SIZE))
}

fn form(target: &Target, number: Number, bits: Option<Bits>) -> Form {
    let order = match number.format {
        Format::Native if target.machine.big_endian => Order::Big,
        Format::Native => Order::Little,
        Format::Big => Order::Big,
        Format::Decimal => Order::Decimal,
        Format::Hexadecimal => Order::Hexadecimal,
        Format::Octal => Order::Octal,
    };
    Form {
        size: number.bytes,
        order,
        bit_offset: bits.map_or(0, |bits| bits.offset),
        bit_length: number.bits,
    }
}

/// Offset and size of a packet's addresses.
fn addresses(
    target: &Target,
    body: &analysis_fuzz::Body,
    fields: &[Arg],
    places: &[u64],
) -> Option<[(u64, u64); 2]> {
    let find = |name: &str| {
        let index = body.fields.iter().position(|field| field.name == name)?;
        Some((*places.get(index)?, size_of(target, fields.get(index)?)))
    };
    Some([find("src_ip")?, find("dst_ip")?])
}
