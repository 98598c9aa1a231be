//! What the lab asks for: programs, in batches.

use crate::program::MAXIMUM_PROGRAM;
use crate::wire::{Malformed, Reader, pad};

/// What is wanted of a program's run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Edges of each call.
    pub coverage: bool,
    /// Only edges whose bit in the region's map of known signals is not set.
    pub only_new: bool,
    /// Comparisons of each call; then there are no edges.
    pub comparisons: bool,
    /// Start from a process in which no program has run.
    pub fresh: bool,
    /// Edges of what the calls make others do (remote coverage), if the kernel has it.
    pub remote: bool,
}

impl Options {
    const BITS: u32 = 0b1_1111;

    const fn bits(self) -> u32 {
        self.coverage as u32
            | (self.only_new as u32) << 1
            | (self.comparisons as u32) << 2
            | (self.fresh as u32) << 3
            | (self.remote as u32) << 4
    }

    const fn from_bits(bits: u32) -> Option<Self> {
        if bits & !Self::BITS != 0 {
            return None;
        }
        Some(Self {
            coverage: bits & 1 != 0,
            only_new: bits & 2 != 0,
            comparisons: bits & 4 != 0,
            fresh: bits & 8 != 0,
            remote: bits & 16 != 0,
        })
    }
}

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Comes back in the reply. Chosen by the lab.
    pub id: u64,
    /// What is wanted.
    pub options: Options,
    /// The number of the process as the program sees it (for constants with a stride).
    pub process: u32,
    /// Milliseconds after which the program is ended, whatever it does.
    pub program_time: u32,
    /// Milliseconds after which the next call is made while one still runs. A call that sleeps is left
    /// sooner.
    pub call_time: u32,
    /// The program's bytes.
    pub program: Vec<u8>,
}

impl Request {
    /// A request with usual times: five seconds for a program, 200 ms for a call.
    pub const fn new(id: u64, options: Options, program: Vec<u8>) -> Self {
        Self { id, options, process: 0, program_time: 5000, call_time: 200, program }
    }

    /// Bytes that it takes in a batch.
    pub const fn length(&self) -> usize {
        (HEADER + self.program.len()).next_multiple_of(8)
    }
}

const HEADER: usize = 32;
/// Bytes before the first request of a batch.
pub(crate) const BATCH_HEADER: usize = 8;

/// The bytes of a batch.
pub fn batch(requests: &[Request]) -> Vec<u8> {
    let length = requests.iter().map(Request::length).sum::<usize>() + BATCH_HEADER;
    let mut bytes = Vec::with_capacity(length);
    let count = u64::try_from(requests.len()).unwrap_or(u64::MAX);
    bytes.extend_from_slice(&count.to_le_bytes());
    for request in requests {
        let length = u32::try_from(request.program.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&request.id.to_le_bytes());
        for number in [
            length,
            request.options.bits(),
            request.process,
            request.program_time,
            request.call_time,
            0,
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&request.program);
        pad(&mut bytes);
    }
    bytes
}

/// The requests of a batch. The programs in them are not looked at.
///
/// # Errors
/// When the bytes are no batch.
pub fn requests(bytes: &[u8]) -> Result<Vec<Request>, Malformed> {
    let mut reader = Reader::new(bytes);
    let count = reader.u64("count")?;
    // No capacity from the other side's word: each request takes bytes of the batch.
    let mut requests = Vec::new();
    for _ in 0..count {
        let id = reader.u64("id")?;
        let length = reader.u32("length")? as usize;
        if length > MAXIMUM_PROGRAM {
            return Err(reader.malformed("length"));
        }
        let options = Options::from_bits(reader.u32("options")?);
        let options = options.ok_or_else(|| reader.malformed("options"))?;
        let process = reader.u32("process")?;
        let program_time = reader.u32("program_time")?;
        let call_time = reader.u32("call_time")?;
        reader.u32("reserved")?;
        let program = reader.take(length, "program")?.to_vec();
        reader.take(length.next_multiple_of(8) - length, "padding")?;
        requests.push(Request { id, options, process, program_time, call_time, program });
    }
    if reader.is_empty() { Ok(requests) } else { Err(reader.malformed("end")) }
}
