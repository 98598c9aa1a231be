//! What comes back: how a program ended, and of each call that ended its errno, result and coverage.

use crate::program::MAXIMUM_CALLS;
use crate::wire::{Malformed, Reader};

/// A step from one instrumented place to the next, as the low halves of their addresses; the high half of
/// a kernel address is all ones. `from` is 0 at a call's first place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// Where it comes from.
    pub from: u32,
    /// Where it goes to.
    pub to: u32,
}

impl Edge {
    /// The whole address of the place it goes to.
    pub const fn pc(self) -> u64 {
        0xffff_ffff_0000_0000 | self.to as u64
    }

    /// The edge as one number that is spread evenly; see [`signal`].
    pub const fn signal(self) -> u32 {
        signal(self.from, self.to)
    }
}

/// An edge as one number: a multiplicative hash (Knuth, volume 3, 6.4) of both places, finished as
/// MurmurHash3 does, so that any of its bits may be used.
pub const fn signal(from: u32, to: u32) -> u32 {
    let mut hash = from.wrapping_mul(0x9e37_79b1).rotate_left(15) ^ to;
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// Two numbers that the kernel compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Comparison {
    /// The first; extended to 64 bits by zeros.
    pub first: u64,
    /// The second. If one of them is a constant of the kernel's source, it is the first.
    pub second: u64,
    /// The low half of the place's address.
    pub pc: u32,
    /// Bytes that were compared: 1, 2, 4 or 8.
    pub size: u8,
    /// The first is a constant.
    pub constant: bool,
}

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned in time.
    Done,
    /// It returned after the next call had been made.
    Late,
    /// It did not return by itself: a signal got it out, or nothing did.
    Blocked,
    /// The executor does not know how to make it (a pseudo call).
    Missing,
}

/// The number of the record that holds the coverage of others than the calling threads.
pub const REMOTE: u16 = u16::MAX;
/// The most edges of one record.
pub const MAXIMUM_EDGES: usize = 1 << 18;

/// What is said of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallReply {
    /// Which call of the program, from 0; [`REMOTE`] for none of them.
    pub call: u16,
    /// How it went.
    pub outcome: Outcome,
    /// 0 if it did not fail.
    pub errno: u32,
    /// What it returned.
    pub result: u64,
    /// The failure that was asked for was injected.
    pub injected: bool,
    /// Not all edges or comparisons are here.
    pub cut: bool,
    /// Microseconds that it took.
    pub duration: u32,
    /// Edges, each once, in the order of their first use.
    pub edges: Vec<Edge>,
    /// Comparisons, each once.
    pub comparisons: Vec<Comparison>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All calls were made.
    Finished,
    /// It took too long and was ended.
    TimedOut,
    /// The process that ran it ended, by itself or by a signal. Also when that was what the program was
    /// to do.
    Exited {
        /// The status as `wait` gives it.
        status: u32,
    },
    /// Its bytes were no program, or no request.
    Malformed,
    /// The executor could not run it.
    NotRun {
        /// Why, as an errno.
        errno: u32,
    },
    /// It was running when the machine was lost. The guest never says so.
    Lost,
}

/// What is said of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// From the request.
    pub id: u64,
    /// How it ended.
    pub end: End,
    /// Microseconds from its start to its end.
    pub duration: u32,
    /// How many of its calls were begun.
    pub begun: u32,
    /// There was no room for all records.
    pub cut: bool,
    /// The process in which it ran is not used again.
    pub dirty: bool,
    /// Records, in the order in which the calls ended.
    pub calls: Vec<CallReply>,
}

/// The fixed part of a reply, as the guest writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyHeader {
    /// From the request.
    pub id: u64,
    /// How it ended.
    pub end: End,
    /// Microseconds.
    pub duration: u32,
    /// Calls begun.
    pub begun: u32,
    /// Records left out.
    pub cut: bool,
    /// Process given up.
    pub dirty: bool,
    /// Records that follow.
    pub records: u32,
    /// Bytes of the whole reply.
    pub length: u32,
}

const CUT: u32 = 1;
const DIRTY: u32 = 2;
const INJECTED: u8 = 1;
const RECORD_CUT: u8 = 2;

impl ReplyHeader {
    /// Bytes that it takes.
    pub const LENGTH: usize = 40;

    /// Its bytes.
    pub fn encode(&self) -> [u8; Self::LENGTH] {
        let (end, status) = match self.end {
            End::Finished => (0, 0),
            End::TimedOut => (1, 0),
            End::Exited { status } => (2, status),
            End::Malformed => (3, 0),
            End::NotRun { errno } => (4, errno),
            End::Lost => (5, 0),
        };
        let flags = if self.cut { CUT } else { 0 } | if self.dirty { DIRTY } else { 0 };
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&self.id.to_le_bytes());
        let numbers =
            [self.length, end, status, self.duration, self.begun, flags, self.records, 0_u32];
        for (place, number) in bytes[8..].chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }
}

/// A record as the guest writes it.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Which call.
    pub call: u16,
    /// How it went.
    pub outcome: Outcome,
    /// 0 if it did not fail.
    pub errno: u32,
    /// What it returned.
    pub result: u64,
    /// Microseconds.
    pub duration: u32,
    /// The failure that was asked for was injected.
    pub injected: bool,
    /// Not all of it is here.
    pub cut: bool,
    /// Edges.
    pub edges: &'a [Edge],
    /// Comparisons.
    pub comparisons: &'a [Comparison],
}

impl Record<'_> {
    const LENGTH: usize = 32;
    const COMPARISON: usize = 24;

    /// Bytes that it takes.
    pub const fn length(&self) -> usize {
        Self::LENGTH + self.edges.len() * 8 + self.comparisons.len() * Self::COMPARISON
    }

    /// Adds its bytes to `bytes`.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        let outcome = match self.outcome {
            Outcome::Done => 0,
            Outcome::Late => 1,
            Outcome::Blocked => 2,
            Outcome::Missing => 3,
        };
        let flags =
            if self.injected { INJECTED } else { 0 } | if self.cut { RECORD_CUT } else { 0 };
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
        bytes.extend_from_slice(&count(self.edges.len()));
        bytes.extend_from_slice(&count(self.comparisons.len()));
        bytes.extend_from_slice(&self.call.to_le_bytes());
        bytes.extend_from_slice(&[outcome, flags]);
        bytes.extend_from_slice(&self.errno.to_le_bytes());
        bytes.extend_from_slice(&self.result.to_le_bytes());
        bytes.extend_from_slice(&self.duration.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        for edge in self.edges {
            bytes.extend_from_slice(&edge.from.to_le_bytes());
            bytes.extend_from_slice(&edge.to.to_le_bytes());
        }
        for comparison in self.comparisons {
            bytes.extend_from_slice(&comparison.first.to_le_bytes());
            bytes.extend_from_slice(&comparison.second.to_le_bytes());
            bytes.extend_from_slice(&comparison.pc.to_le_bytes());
            bytes.extend_from_slice(&[comparison.size, u8::from(comparison.constant), 0, 0]);
        }
    }
}

/// The whole replies in `bytes`, in their order.
///
/// # Errors
/// When there is anything else than replies in them.
pub fn replies(bytes: &[u8]) -> Result<Vec<Reply>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut replies = Vec::new();
    while !reader.is_empty() {
        replies.push(reply(&mut reader)?);
    }
    Ok(replies)
}

fn reply(reader: &mut Reader<'_>) -> Result<Reply, Malformed> {
    let id = reader.u64("id")?;
    let length = reader.u32("length")? as usize;
    let end = reader.u32("end")?;
    let status = reader.u32("status")?;
    let end = match end {
        0 => End::Finished,
        1 => End::TimedOut,
        2 => End::Exited { status },
        3 => End::Malformed,
        4 => End::NotRun { errno: status },
        _ => return Err(reader.malformed("end")),
    };
    let duration = reader.u32("duration")?;
    let begun = reader.u32("begun")?;
    let flags = reader.u32("flags")?;
    let count = reader.u32("records")? as usize;
    reader.u32("reserved")?;
    // A call has one record, or two if it blocked first; one more is for the remote coverage.
    if begun as usize > MAXIMUM_CALLS || count > 2 * MAXIMUM_CALLS + 1 {
        return Err(reader.malformed("records"));
    }
    let records = length.checked_sub(ReplyHeader::LENGTH);
    let records = records.ok_or_else(|| reader.malformed("length"))?;
    let mut inner = Reader::new(reader.take(records, "length")?);
    let calls = (0..count).map(|_| record(&mut inner)).collect::<Result<Vec<_>, _>>()?;
    if !inner.is_empty() {
        return Err(reader.malformed("records"));
    }
    Ok(Reply { id, end, duration, begun, cut: flags & CUT != 0, dirty: flags & DIRTY != 0, calls })
}

fn record(reader: &mut Reader<'_>) -> Result<CallReply, Malformed> {
    let edges = reader.u32("edges")? as usize;
    let comparisons = reader.u32("comparisons")? as usize;
    let call = reader.u16("call")?;
    let outcome = match reader.u8("outcome")? {
        0 => Outcome::Done,
        1 => Outcome::Late,
        2 => Outcome::Blocked,
        3 => Outcome::Missing,
        _ => return Err(reader.malformed("outcome")),
    };
    let flags = reader.u8("flags")?;
    let errno = reader.u32("errno")?;
    let result = reader.u64("result")?;
    let duration = reader.u32("duration")?;
    reader.u32("reserved")?;
    if edges > MAXIMUM_EDGES || comparisons > MAXIMUM_EDGES {
        return Err(reader.malformed("edges"));
    }
    if call != REMOTE && usize::from(call) >= MAXIMUM_CALLS {
        return Err(reader.malformed("call"));
    }
    let number = |bytes: &[u8]| {
        bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let low = |bytes: &[u8]| number(bytes) as u32;
    let edges = reader.take(edges * 8, "edges")?;
    let edges =
        edges.chunks_exact(8).map(|edge| Edge { from: low(&edge[..4]), to: low(&edge[4..]) });
    let edges = edges.collect();
    let taken = reader.take(comparisons * Record::COMPARISON, "comparisons")?;
    let comparisons = taken.chunks_exact(Record::COMPARISON).map(|bytes| Comparison {
        first: number(&bytes[..8]),
        second: number(&bytes[8..16]),
        pc: low(&bytes[16..20]),
        size: bytes[20],
        constant: bytes[21] != 0,
    });
    Ok(CallReply {
        call,
        outcome,
        errno,
        result,
        injected: flags & INJECTED != 0,
        cut: flags & RECORD_CUT != 0,
        duration,
        edges,
        comparisons: comparisons.collect(),
    })
}
