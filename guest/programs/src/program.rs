//! A program: what to put into memory, which calls to make, what to take out of memory after them.
//!
//! Memory is the data area, [`DATA_SIZE`] bytes at [`DATA_BASE`] in the process that runs the program. It
//! is zero when a program starts. Instructions are carried out in their order; loads belong to the call
//! before them and are carried out only if it did not fail.

use std::fmt;

use crate::wire::{Malformed, Reader};

/// Where the data area lies in the process that runs a program.
pub const DATA_BASE: u64 = 0x2000_0000_0000;
/// Its length, in bytes.
pub const DATA_SIZE: u32 = 16 << 20;
/// The most calls of a program.
pub const MAXIMUM_CALLS: usize = 128;
/// The most results that a program keeps.
pub const MAXIMUM_RESULTS: u16 = 1024;
/// The most arguments of a call.
pub const MAXIMUM_ARGUMENTS: usize = 9;
/// The longest program, in bytes.
pub const MAXIMUM_PROGRAM: usize = 4_000_000;
/// The most pieces of a checksum.
const MAXIMUM_CHUNKS: usize = 64;
const NO_RESULT: u16 = u16::MAX;

/// How a number stands in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
    /// Text of 20 decimal digits.
    Decimal,
    /// Text of `0x` and 16 digits.
    Hexadecimal,
    /// Text of `0` and 22 octal digits.
    Octal,
}

/// Place and form of a number in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Bytes of the unit: 1, 2, 4 or 8. Ignored for text.
    pub size: u8,
    /// Its form.
    pub order: Order,
    /// A bitfield's lowest bit within the unit (as a number of the unit's order).
    pub bit_offset: u8,
    /// A bitfield's length in bits; 0 if it is no bitfield.
    pub bit_length: u8,
}

impl Format {
    /// A whole little-endian number of `size` bytes.
    pub const fn little(size: u8) -> Self {
        Self { size, order: Order::Little, bit_offset: 0, bit_length: 0 }
    }

    /// A whole big-endian number of `size` bytes.
    pub const fn big(size: u8) -> Self {
        Self { size, order: Order::Big, bit_offset: 0, bit_length: 0 }
    }

    /// Bytes that it covers in memory.
    pub const fn length(self) -> u32 {
        match self.order {
            Order::Little | Order::Big => self.size as u32,
            Order::Decimal => 20,
            Order::Hexadecimal => 18,
            Order::Octal => 23,
        }
    }

    const fn is_valid(self) -> bool {
        let bits = self.size as u32 * 8;
        matches!(self.size, 1 | 2 | 4 | 8)
            && (self.bit_length == 0 && self.bit_offset == 0
                || self.bit_offset as u32 + self.bit_length as u32 <= bits)
    }

    /// The bytes of `value`, given what stood in memory before. At most [`Format::length`] are used.
    pub fn render(self, value: u64, before: &[u8]) -> Vec<u8> {
        let size = usize::from(self.size);
        match self.order {
            Order::Decimal => return format!("{value:020}").into_bytes(),
            Order::Hexadecimal => return format!("{value:#018x}").into_bytes(),
            Order::Octal => return format!("0{value:022o}").into_bytes(),
            Order::Little | Order::Big => {}
        }
        let mut unit = [0_u8; 8];
        for (to, from) in unit.iter_mut().zip(before.iter().take(size)) {
            *to = *from;
        }
        if self.order == Order::Big {
            unit[..size].reverse();
        }
        let old = u64::from_le_bytes(unit);
        let new = if self.bit_length == 0 {
            value
        } else {
            let mask = (u64::MAX >> (64 - u32::from(self.bit_length.min(64)))) << self.bit_offset;
            (old & !mask) | ((value << self.bit_offset) & mask)
        };
        let mut bytes = new.to_le_bytes()[..size].to_vec();
        if self.order == Order::Big {
            bytes.reverse();
        }
        bytes
    }

    /// The number that `bytes` hold; 0 for text, which is never loaded.
    pub fn value(self, bytes: &[u8]) -> u64 {
        let size = usize::from(self.size).min(bytes.len()).min(8);
        let mut unit = [0_u8; 8];
        unit[..size].copy_from_slice(&bytes[..size]);
        match self.order {
            Order::Little => {}
            Order::Big => unit[..size].reverse(),
            Order::Decimal | Order::Hexadecimal | Order::Octal => return 0,
        }
        let whole = u64::from_le_bytes(unit);
        match self.bit_length {
            0 => whole,
            bits => (whole >> self.bit_offset) & (u64::MAX >> (64 - u32::from(bits.min(64)))),
        }
    }
}

/// Where a number comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// `value`, and `stride` times the number of the process that runs the program.
    Constant {
        /// The number.
        value: u64,
        /// What each process adds.
        stride: u64,
    },
    /// The address of byte `0` of the data area plus this offset. It may lie outside: that is for the
    /// kernel to find out.
    Pointer(u32),
    /// What a former call left: `kept / divide + add`, or `default` if it left nothing. A `divide` of 0
    /// stands for 1.
    Result {
        /// The number of the kept result.
        index: u16,
        /// Divided by first.
        divide: u64,
        /// Added then.
        add: u64,
        /// What is taken when the result was not kept. Neither divided nor added to.
        default: u64,
    },
}

impl Value {
    /// A plain number.
    pub const fn plain(value: u64) -> Self {
        Self::Constant { value, stride: 0 }
    }
}

/// A piece of what a checksum is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Bytes of the data area.
    Memory {
        /// Offset of the first.
        at: u32,
        /// How many.
        length: u32,
    },
    /// A number of `size` bytes, 2 or 4, most significant byte first.
    Number {
        /// The number.
        value: u32,
        /// 2 or 4.
        size: u8,
    },
}

/// Which call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Number {
    /// The kernel's, by number.
    Kernel(u32),
    /// One of ours, by its place in [`crate::PSEUDO_CALLS`].
    Pseudo(u16),
}

/// How a call is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallFlags {
    /// The next call does not wait for this one.
    pub asynchronous: bool,
    /// Wait a while for what the call makes others do, and take their coverage.
    pub remote: bool,
    /// What it returns says nothing.
    pub ignore_return: bool,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which.
    pub number: Number,
    /// At most [`MAXIMUM_ARGUMENTS`].
    pub arguments: Vec<Value>,
    /// Under which number the return value is kept, if the call does not fail.
    pub result: Option<u16>,
    /// How.
    pub flags: CallFlags,
    /// Milliseconds that it may take beyond the program's limit for each call.
    pub timeout: u32,
    /// Which of its allocations or other injected steps shall fail, from 1 on; 0 for none.
    pub fail_nth: u32,
    /// How often it is made again. Those results are not kept.
    pub rerun: u32,
}

impl Call {
    /// A call with nothing special.
    pub fn new(number: Number, arguments: impl Into<Vec<Value>>) -> Self {
        Self {
            number,
            arguments: arguments.into(),
            result: None,
            flags: CallFlags::default(),
            timeout: 0,
            fail_nth: 0,
            rerun: 0,
        }
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instruction<'a> {
    /// Put a number into memory.
    Store {
        /// Offset in the data area.
        at: u32,
        /// Its form.
        format: Format,
        /// Where it comes from.
        value: Value,
    },
    /// Put bytes into memory.
    Data {
        /// Offset in the data area.
        at: u32,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Put the Internet checksum (RFC 1071) of the pieces, two bytes, into memory.
    Checksum {
        /// Offset in the data area.
        at: u32,
        /// Over what, in this order.
        chunks: Vec<Chunk>,
    },
    /// Make a call.
    Call(Call),
    /// Keep a number from memory; belongs to the call before it.
    Load {
        /// Offset in the data area.
        at: u32,
        /// Its form.
        format: Format,
        /// Under which number it is kept.
        result: u16,
    },
}

/// A program that would break a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch {
    /// What there is too much of.
    pub what: &'static str,
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the program has {}", self.what)
    }
}

impl std::error::Error for TooMuch {}

const STORE: u8 = 1;
const DATA: u8 = 2;
const CHECKSUM: u8 = 3;
const CALL: u8 = 4;
const LOAD: u8 = 5;

const CONSTANT: u8 = 0;
const STRIDED: u8 = 1;
const POINTER: u8 = 2;
const RESULT: u8 = 3;

const ASYNCHRONOUS: u8 = 1;
const REMOTE: u8 = 2;
const IGNORE_RETURN: u8 = 4;

/// Makes a program.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
    calls: usize,
}

impl Encoder {
    /// Adds a step.
    ///
    /// # Errors
    /// When it breaks a limit or lies outside of the data area.
    pub fn push(&mut self, instruction: &Instruction<'_>) -> Result<(), TooMuch> {
        let start = self.bytes.len();
        let result = self.put(instruction);
        if result.is_err() {
            self.bytes.truncate(start);
        } else if matches!(instruction, Instruction::Call(_)) {
            self.calls += 1;
        }
        result
    }

    /// The program's bytes.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn put(&mut self, instruction: &Instruction<'_>) -> Result<(), TooMuch> {
        match instruction {
            Instruction::Store { at, format, value } => {
                inside(*at, format.length())?;
                self.bytes.push(STORE);
                self.u32(*at);
                self.format(*format)?;
                self.value(value)?;
            }
            Instruction::Data { at, bytes } => {
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                inside(*at, length)?;
                self.bytes.push(DATA);
                self.u32(*at);
                self.u32(length);
                self.bytes.extend_from_slice(bytes);
            }
            Instruction::Checksum { at, chunks } => {
                inside(*at, 2)?;
                self.bytes.push(CHECKSUM);
                self.u32(*at);
                self.chunks(chunks)?;
            }
            Instruction::Call(call) => self.call(call)?,
            Instruction::Load { at, format, result } => {
                inside(*at, format.length())?;
                if self.calls == 0 {
                    return Err(TooMuch { what: "a load before its first call" });
                }
                self.bytes.push(LOAD);
                self.u32(*at);
                self.format(*format)?;
                self.u16(kept(*result)?);
            }
        }
        if self.bytes.len() > MAXIMUM_PROGRAM {
            return Err(TooMuch { what: "too many bytes" });
        }
        Ok(())
    }

    fn chunks(&mut self, chunks: &[Chunk]) -> Result<(), TooMuch> {
        if chunks.len() > MAXIMUM_CHUNKS {
            return Err(TooMuch { what: "a checksum of too many pieces" });
        }
        self.bytes.push(u8::try_from(chunks.len()).unwrap_or(u8::MAX));
        for chunk in chunks {
            match *chunk {
                Chunk::Memory { at, length } => {
                    inside(at, length)?;
                    self.bytes.push(0);
                    self.u32(at);
                    self.u32(length);
                }
                Chunk::Number { value, size } => {
                    if !matches!(size, 2 | 4) {
                        return Err(TooMuch { what: "a checksum over a number of odd size" });
                    }
                    self.bytes.push(size);
                    self.u32(value);
                }
            }
        }
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Result<(), TooMuch> {
        if self.calls >= MAXIMUM_CALLS {
            return Err(TooMuch { what: "too many calls" });
        }
        if call.arguments.len() > MAXIMUM_ARGUMENTS {
            return Err(TooMuch { what: "a call with too many arguments" });
        }
        self.bytes.push(CALL);
        match call.number {
            Number::Kernel(number) => {
                self.bytes.push(0);
                self.u32(number);
            }
            Number::Pseudo(number) => {
                self.bytes.push(1);
                self.u32(u32::from(number));
            }
        }
        let flags = [
            (call.flags.asynchronous, ASYNCHRONOUS),
            (call.flags.remote, REMOTE),
            (call.flags.ignore_return, IGNORE_RETURN),
        ];
        self.bytes.push(flags.iter().filter(|(set, _)| *set).map(|(_, bit)| bit).sum());
        self.u16(match call.result {
            None => NO_RESULT,
            Some(result) => kept(result)?,
        });
        for number in [call.timeout, call.fail_nth, call.rerun] {
            self.u32(number);
        }
        self.bytes.push(u8::try_from(call.arguments.len()).unwrap_or(u8::MAX));
        for argument in &call.arguments {
            self.value(argument)?;
        }
        Ok(())
    }

    fn format(&mut self, format: Format) -> Result<(), TooMuch> {
        if !format.is_valid() {
            return Err(TooMuch { what: "a number of a form that there is not" });
        }
        let order = match format.order {
            Order::Little => 0,
            Order::Big => 1,
            Order::Decimal => 2,
            Order::Hexadecimal => 3,
            Order::Octal => 4,
        };
        self.bytes.extend_from_slice(&[format.size, order, format.bit_offset, format.bit_length]);
        Ok(())
    }

    fn value(&mut self, value: &Value) -> Result<(), TooMuch> {
        match *value {
            Value::Constant { value, stride: 0 } => {
                self.bytes.push(CONSTANT);
                self.u64(value);
            }
            Value::Constant { value, stride } => {
                self.bytes.push(STRIDED);
                self.u64(value);
                self.u64(stride);
            }
            Value::Pointer(offset) => {
                self.bytes.push(POINTER);
                self.u32(offset);
            }
            Value::Result { index, divide, add, default } => {
                self.bytes.push(RESULT);
                self.u16(kept(index)?);
                for number in [divide, add, default] {
                    self.u64(number);
                }
            }
        }
        Ok(())
    }

    fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
}

fn inside(at: u32, length: u32) -> Result<(), TooMuch> {
    match at.checked_add(length) {
        Some(end) if end <= DATA_SIZE => Ok(()),
        _ => Err(TooMuch { what: "an address outside of the data area" }),
    }
}

const fn kept(result: u16) -> Result<u16, TooMuch> {
    if result < MAXIMUM_RESULTS { Ok(result) } else { Err(TooMuch { what: "too many results" }) }
}

/// The bytes of a program, found to be one.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    bytes: &'a [u8],
    calls: usize,
}

impl<'a> Program<'a> {
    /// Reads the whole program once.
    ///
    /// # Errors
    /// When the bytes are no program, or break a limit.
    pub fn check(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAXIMUM_PROGRAM {
            return Err(Malformed { field: "program", at: MAXIMUM_PROGRAM });
        }
        let mut calls = 0;
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            match next(&mut reader)? {
                Instruction::Call(_) => calls += 1,
                Instruction::Load { .. } if calls == 0 => return Err(reader.malformed("load")),
                _ => {}
            }
            if calls > MAXIMUM_CALLS {
                return Err(reader.malformed("calls"));
            }
        }
        Ok(Self { bytes, calls })
    }

    /// How many calls it has.
    pub const fn calls(&self) -> usize {
        self.calls
    }

    /// Its steps.
    pub const fn instructions(&self) -> Instructions<'a> {
        Instructions { reader: Reader::new(self.bytes) }
    }
}

/// The steps of a program.
#[derive(Clone, Debug)]
pub struct Instructions<'a> {
    reader: Reader<'a>,
}

impl<'a> Iterator for Instructions<'a> {
    type Item = Instruction<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.is_empty() { None } else { next(&mut self.reader).ok() }
    }
}

fn next<'a>(reader: &mut Reader<'a>) -> Result<Instruction<'a>, Malformed> {
    match reader.u8("instruction")? {
        STORE => {
            let at = reader.u32("store")?;
            let format = format(reader)?;
            placed(reader, at, format.length())?;
            Ok(Instruction::Store { at, format, value: value(reader)? })
        }
        DATA => {
            let at = reader.u32("data")?;
            let length = reader.u32("data")?;
            placed(reader, at, length)?;
            Ok(Instruction::Data { at, bytes: reader.take(length as usize, "data")? })
        }
        CHECKSUM => {
            let at = reader.u32("checksum")?;
            placed(reader, at, 2)?;
            let count = usize::from(reader.u8("checksum")?);
            if count > MAXIMUM_CHUNKS {
                return Err(reader.malformed("checksum"));
            }
            let chunks = (0..count).map(|_| chunk(reader)).collect::<Result<_, _>>()?;
            Ok(Instruction::Checksum { at, chunks })
        }
        CALL => call(reader).map(Instruction::Call),
        LOAD => {
            let at = reader.u32("load")?;
            let format = format(reader)?;
            placed(reader, at, format.length())?;
            Ok(Instruction::Load { at, format, result: result(reader)? })
        }
        _ => Err(reader.malformed("instruction")),
    }
}

fn placed(reader: &Reader<'_>, at: u32, length: u32) -> Result<(), Malformed> {
    inside(at, length).map_err(|_| reader.malformed("address"))
}

fn result(reader: &mut Reader<'_>) -> Result<u16, Malformed> {
    kept(reader.u16("result")?).map_err(|_| reader.malformed("result"))
}

fn chunk(reader: &mut Reader<'_>) -> Result<Chunk, Malformed> {
    match reader.u8("checksum")? {
        0 => {
            let at = reader.u32("checksum")?;
            let length = reader.u32("checksum")?;
            placed(reader, at, length)?;
            Ok(Chunk::Memory { at, length })
        }
        size @ (2 | 4) => Ok(Chunk::Number { value: reader.u32("checksum")?, size }),
        _ => Err(reader.malformed("checksum")),
    }
}

fn call(reader: &mut Reader<'_>) -> Result<Call, Malformed> {
    let kind = reader.u8("call")?;
    let number = reader.u32("call")?;
    let number = match (kind, u16::try_from(number)) {
        (0, _) => Number::Kernel(number),
        (1, Ok(number)) => Number::Pseudo(number),
        _ => return Err(reader.malformed("call")),
    };
    let bits = reader.u8("call")?;
    if bits & !(ASYNCHRONOUS | REMOTE | IGNORE_RETURN) != 0 {
        return Err(reader.malformed("call"));
    }
    let flags = CallFlags {
        asynchronous: bits & ASYNCHRONOUS != 0,
        remote: bits & REMOTE != 0,
        ignore_return: bits & IGNORE_RETURN != 0,
    };
    let result = match reader.u16("result")? {
        NO_RESULT => None,
        result => Some(kept(result).map_err(|_| reader.malformed("result"))?),
    };
    let timeout = reader.u32("call")?;
    let fail_nth = reader.u32("call")?;
    let rerun = reader.u32("call")?;
    let count = usize::from(reader.u8("arguments")?);
    if count > MAXIMUM_ARGUMENTS {
        return Err(reader.malformed("arguments"));
    }
    let arguments = (0..count).map(|_| value(reader)).collect::<Result<_, _>>()?;
    Ok(Call { number, arguments, result, flags, timeout, fail_nth, rerun })
}

fn format(reader: &mut Reader<'_>) -> Result<Format, Malformed> {
    let size = reader.u8("format")?;
    let order = match reader.u8("format")? {
        0 => Order::Little,
        1 => Order::Big,
        2 => Order::Decimal,
        3 => Order::Hexadecimal,
        4 => Order::Octal,
        _ => return Err(reader.malformed("format")),
    };
    let format =
        Format { size, order, bit_offset: reader.u8("format")?, bit_length: reader.u8("format")? };
    if format.is_valid() { Ok(format) } else { Err(reader.malformed("format")) }
}

fn value(reader: &mut Reader<'_>) -> Result<Value, Malformed> {
    match reader.u8("value")? {
        CONSTANT => Ok(Value::plain(reader.u64("value")?)),
        STRIDED => {
            Ok(Value::Constant { value: reader.u64("value")?, stride: reader.u64("value")? })
        }
        POINTER => Ok(Value::Pointer(reader.u32("value")?)),
        RESULT => Ok(Value::Result {
            index: result(reader)?,
            divide: reader.u64("value")?,
            add: reader.u64("value")?,
            default: reader.u64("value")?,
        }),
        _ => Err(reader.malformed("value")),
    }
}
