//! The types of calls on one architecture, with templates filled, constants known and their layout in memory.

use std::collections::HashMap;

/// A type of a [`Target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub(crate) u32);

/// A struct or union of a [`Target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BodyId(pub(crate) u32);

/// A resource of a [`Target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(pub(crate) u32);

/// A call of a [`Target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u32);

/// Which way data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// To the kernel.
    In,
    /// From the kernel.
    Out,
    /// Both.
    InOut,
}

/// What an architecture is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its name, as constants write it.
    pub name: String,
    /// Bytes of a pointer.
    pub pointer: u64,
    /// Numbers of several bytes begin with the highest.
    pub big_endian: bool,
    /// Alignment of numbers of 8 bytes.
    pub align8: u64,
    /// Where the data area lies.
    pub data: u64,
    /// Pointers with a meaning of their own; null is the first.
    pub special: Vec<u64>,
}

/// Bytes of the data area.
pub const AREA: u64 = 16 << 20;
/// Bytes of a page.
pub const PAGE: u64 = 4096;
/// What programs write for the beginning of the data area.
pub const BASE: u64 = 0x7f00_0000_0000;

impl Machine {
    /// The machine of an architecture's name; unknown ones are little-endian with 8-byte pointers.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let narrow = matches!(name, "386" | "arm" | "mips");
        let data = match name {
            "arm64" => 0x2000_0000,
            "s390x" => 0xfffff000,
            "arm" => 0x2000_0000,
            _ if narrow => 0x8000_0000,
            _ => 0x2000_0000_0000,
        };
        let mut special = vec![0, u64::MAX, 0x9999_9999_9999_9999];
        if name == "amd64" {
            special.extend([0xffff_ffff_8100_0000, 0xffff_ffff_ff60_0000]);
        }
        Self {
            name: name.to_owned(),
            pointer: if narrow { 4 } else { 8 },
            big_endian: name == "s390x",
            align8: if name == "386" { 4 } else { 8 },
            data,
            special,
        }
    }
}

/// How a number is written to memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// As the machine does.
    Native,
    /// Highest byte first.
    Big,
    /// `%020llu`.
    Decimal,
    /// `0x%016llx`.
    Hexadecimal,
    /// `%023llo`.
    Octal,
}

/// The shape of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number {
    /// Bytes of the unit: 1, 2, 4 or 8.
    pub bytes: u8,
    /// Bits of a bitfield; 0 if it is none.
    pub bits: u8,
    /// How it is written.
    pub format: Format,
}

impl Number {
    /// Bits that the value has.
    #[must_use]
    pub fn width(self) -> u32 {
        if self.bits > 0 { u32::from(self.bits) } else { u32::from(self.bytes) * 8 }
    }

    /// All values that fit.
    #[must_use]
    pub fn mask(self) -> u64 {
        u64::MAX >> (64 - self.width())
    }
}

/// Values of an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Range {
    /// Lowest; as a signed number if above `high`.
    pub low: u64,
    /// Highest.
    pub high: u64,
    /// Values are `low` plus multiples of it; 0 and 1: all.
    pub align: u64,
}

/// How many elements an array has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Count {
    /// Any number.
    Any,
    /// From, to.
    Between(u64, u64),
}

/// What a buffer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Any bytes; how many.
    Blob(Count),
    /// One of these texts, or any if there are none. The final NUL is part of them.
    Text {
        /// The texts.
        values: Vec<Vec<u8>>,
        /// There is no NUL behind.
        open: bool,
    },
    /// Name of a file.
    FileName {
        /// There is no NUL behind.
        open: bool,
    },
    /// Names of files that a pattern stands for.
    Glob(String),
    /// Machine code of a kind.
    Code(String),
    /// A compressed disk image.
    Image,
}

/// What a checksum covers and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// Internet checksum of the buffer.
    Inet,
    /// The same with a pseudo header of this protocol.
    Pseudo(u64),
}

/// What a type is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Any number, or one of a range.
    Int(Number, Option<Range>),
    /// One number.
    Const(Number, u64),
    /// Some of these numbers; of a bit mask, any sum of them.
    Flags(Number, Vec<u64>, bool),
    /// The length of a field.
    Len {
        /// Its shape.
        number: Number,
        /// Bits of the unit that is counted; 0 counts bytes, and elements of arrays.
        unit: u64,
        /// It is the field's offset.
        offset: bool,
        /// Way to the field.
        path: Vec<String>,
    },
    /// A number of its own for each process: shape, first, numbers a process.
    Proc(Number, u64, u64),
    /// A checksum, of the field or enclosing struct of this name.
    Csum(Number, Checksum, String),
    /// A resource.
    Resource(Number, ResourceId),
    /// Pages: least and most; 0, 0: any number.
    Vma(u64, u64),
    /// A pointer to this; which way data goes there.
    Pointer(TypeId, Direction),
    /// Bytes.
    Buffer(Content),
    /// Elements of one type.
    Array(TypeId, Count),
    /// A struct.
    Struct(BodyId),
    /// A union.
    Union(BodyId),
}

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type {
    /// As it is written.
    pub name: String,
    /// Bytes; absent if they vary.
    pub size: Option<u64>,
    /// Alignment in bytes.
    pub align: u64,
    /// It may be left out.
    pub optional: bool,
    /// What it is.
    pub kind: Kind,
}

impl Type {
    /// The shape of a number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<Number> {
        match &self.kind {
            Kind::Int(number, _)
            | Kind::Const(number, _)
            | Kind::Flags(number, ..)
            | Kind::Len { number, .. }
            | Kind::Proc(number, ..)
            | Kind::Csum(number, ..)
            | Kind::Resource(number, _) => Some(*number),
            _ => None,
        }
    }
}

/// Where a bitfield lies in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Bits {
    /// Bytes from the unit's beginning to the field's offset.
    pub back: u64,
    /// First bit in the unit, from the lowest.
    pub offset: u8,
}

/// A condition on other fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// A number.
    Value(u64),
    /// The value of a field.
    Field(Vec<String>),
    /// Two sides and `&`, `==`, `!=` or `||` between.
    Binary(&'static str, Box<(Condition, Condition)>),
}

/// A field, an option or an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: TypeId,
    /// Its own direction.
    pub direction: Option<Direction>,
    /// When it is there.
    pub condition: Option<Condition>,
    /// Empty bytes before it.
    pub gap: u64,
    /// Bytes to the next field (before its gap); absent if they vary.
    pub advance: Option<u64>,
    /// Where it lies, if it is a bitfield.
    pub bits: Option<Bits>,
}

/// A struct or a union.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Name before the options.
    pub name: String,
    /// Fields or options.
    pub fields: Vec<Field>,
    /// Fields from this one on lie over the first ones.
    pub overlay: Option<usize>,
    /// No gaps.
    pub packed: bool,
    /// Alignment given by an attribute.
    pub align: Option<u64>,
    /// Size given by an attribute.
    pub fixed: Option<u64>,
    /// Options have each their own size.
    pub varlen: bool,
    /// Bytes; absent if they vary.
    pub size: Option<u64>,
    /// Options but the last have conditions.
    pub conditional: bool,
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// From the root to itself.
    pub chain: Vec<ResourceId>,
    /// Values that need no call; the first is the default.
    pub special: Vec<u64>,
    /// Its shape.
    pub number: Number,
}

/// What is said of a call in brackets behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an attribute of the language")]
pub struct Attributes {
    /// It is never used.
    pub disabled: bool,
    /// It is not generated.
    pub no_generate: bool,
    /// It is not made smaller.
    pub no_minimize: bool,
    /// Its arguments are not squashed.
    pub no_squash: bool,
    /// Its result tells nothing.
    pub ignore_return: bool,
    /// Results of calls behind it tell nothing.
    pub breaks_returns: bool,
    /// Coverage of other threads belongs to it.
    pub remote_cover: bool,
    /// For machines that are restored from a snapshot.
    pub snapshot: bool,
    /// Milliseconds more to wait for the call.
    pub timeout: u64,
    /// Milliseconds more to wait for the program.
    pub program_timeout: u64,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallType {
    /// Its name with what follows `$`.
    pub name: String,
    /// Its number; absent if it is a call of the executor.
    pub number: Option<u64>,
    /// Its arguments.
    pub arguments: Vec<Field>,
    /// What it returns.
    pub result: Option<TypeId>,
    /// Attributes.
    pub attributes: Attributes,
}

impl CallType {
    /// The kernel's name.
    #[must_use]
    pub fn kernel_name(&self) -> &str {
        parse_syzlang::Call::kernel_name(&self.name)
    }
}

/// The calls of an architecture and their types.
#[derive(Debug, Clone)]
pub struct Target {
    /// The architecture.
    pub machine: Machine,
    pub(crate) types: Vec<Type>,
    pub(crate) bodies: Vec<Body>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) calls: Vec<CallType>,
    pub(crate) by_name: HashMap<String, CallId>,
    /// The array of pieces that a squashed value is.
    pub(crate) pieces: TypeId,
}

impl Target {
    /// A type.
    #[must_use]
    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0 as usize]
    }

    /// A struct or union.
    #[must_use]
    pub fn body(&self, id: BodyId) -> &Body {
        &self.bodies[id.0 as usize]
    }

    /// All structs and unions.
    #[must_use]
    pub fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    /// All types, each with its number.
    pub fn types(&self) -> impl Iterator<Item = (TypeId, &Type)> {
        (0..).map(TypeId).zip(&self.types)
    }

    /// A resource.
    #[must_use]
    pub fn resource(&self, id: ResourceId) -> &Resource {
        &self.resources[id.0 as usize]
    }

    /// All resources that some call uses.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// A call.
    #[must_use]
    pub fn call(&self, id: CallId) -> &CallType {
        &self.calls[id.0 as usize]
    }

    /// All calls in order of their names.
    #[must_use]
    pub fn calls(&self) -> &[CallType] {
        &self.calls
    }

    /// The call of a name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<CallId> {
        self.by_name.get(name).copied()
    }

    /// The type of squashed values.
    #[must_use]
    pub fn pieces(&self) -> TypeId {
        self.pieces
    }
}
