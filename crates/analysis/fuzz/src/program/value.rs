//! Calls and the values of their arguments.

use crate::types::{CallId, Direction, TypeId};

/// A resource that some call makes, by a number of its own in the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Var(pub u32);

/// Calls in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// The calls.
    pub calls: Vec<Call>,
    /// The next free variable.
    pub next: u32,
    /// Comment lines behind the last call.
    pub tail: Vec<String>,
}

impl Program {
    /// A new variable.
    pub fn variable(&mut self) -> Var {
        self.next += 1;
        Var(self.next - 1)
    }
}

/// How a call is to be run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Properties {
    /// The fault to inject, from 1; 0 for none.
    pub fail_nth: u64,
    /// Nobody waits for its end.
    pub asynchronous: bool,
    /// How many times more it runs.
    pub rerun: u64,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which one.
    pub kind: CallId,
    /// A value for each argument.
    pub arguments: Vec<Arg>,
    /// The resource that it returns.
    pub result: Option<Var>,
    /// How it is to be run.
    pub properties: Properties,
    /// Comment lines before it.
    pub before: Vec<String>,
    /// Comment on its line.
    pub comment: Option<String>,
}

/// A value of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// Its type.
    pub kind: TypeId,
    /// Which way it goes.
    pub direction: Direction,
    /// What it is.
    pub value: Value,
}

/// Where the value of a resource comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// A number.
    Number(u64),
    /// Another call's resource, divided and added to.
    Var(Var, u64, u64),
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(u64),
    /// To be computed from the others.
    Auto,
    /// A resource, and the variable that takes what the kernel stores here.
    Resource(Source, Option<Var>),
    /// A pointer to an offset in the data area.
    Pointer(u64, Box<Arg>),
    /// One of the machine's special pointers, by its index; 0 is null.
    Special(usize),
    /// Pages: offset in the data area and bytes.
    Pages(u64, u64),
    /// Bytes.
    Data(Vec<u8>),
    /// Space for so many bytes from the kernel.
    Space(u64),
    /// Fields of a struct or elements of an array.
    Group(Vec<Arg>),
    /// An option of a union.
    Union(usize, Box<Arg>),
}

impl Arg {
    /// A value.
    #[must_use]
    pub fn new(kind: TypeId, direction: Direction, value: Value) -> Self {
        Self { kind, direction, value }
    }
}
