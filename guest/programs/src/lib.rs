//! Programs of system calls as bytes, and how the lab (host) and the executor (guest) hand them over.
//!
//! - [`Encoder`] makes a program, [`Program`] reads one: stores, data, checksums, calls, loads.
//! - [`Request`]s in a batch go in, [`Reply`]s come out; both are bytes, the way does not matter.
//! - [`Region`] is the way that is fast: memory that both sides map.
//!
//! Invariants: no dependency, no I/O; every length, offset and index is checked where it is read, on both
//! sides, before memory is taken for it; any bytes give a value or an error, never a panic. What stands in
//! shared memory is copied before it is looked at, so that it cannot change in between.
//!
//! All numbers are little-endian. Requests, replies and records begin at multiples of eight bytes.

mod program;
mod pseudo;
mod region;
mod reply;
mod request;
mod wire;

pub use program::{
    Call, CallFlags, Chunk, DATA_BASE, DATA_SIZE, Encoder, Format, Instruction, Instructions,
    MAXIMUM_ARGUMENTS, MAXIMUM_CALLS, MAXIMUM_PROGRAM, MAXIMUM_RESULTS, Number, Order, Program,
    TooMuch, Value,
};
pub use pseudo::{PSEUDO_CALLS, Pseudo, pseudo_named};
pub use region::{
    FORMAT, GuestLane, HostLane, Layout, MAGIC, Progress, Region, RegionError, features,
};
pub use reply::{
    CallReply, Comparison, Edge, End, MAXIMUM_EDGES, Outcome, REMOTE, Record, Reply, ReplyHeader,
    replies, signal,
};
pub use request::{Options, Request, batch, requests};
pub use wire::Malformed;
