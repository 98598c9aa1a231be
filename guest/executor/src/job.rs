//! A program made ready to run, and what its calls have left so far.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use guest_programs::{
    Call, Chunk, DATA_BASE, Format, Instruction, Malformed, Options, Program, Request, Value,
};

use crate::dirt::Dirt;
use crate::pseudo::Mappings;
use crate::sys;

/// One step, without borrowing from the program's bytes.
pub(crate) enum Step {
    Store { at: u32, format: Format, value: Value },
    Data { at: u32, bytes: Box<[u8]> },
    Checksum { at: u32, chunks: Vec<Chunk> },
    Call(CallStep),
}

/// A call with the loads that belong to it.
pub(crate) struct CallStep {
    pub(crate) index: u16,
    pub(crate) call: Call,
    pub(crate) loads: Vec<(u32, Format, u16)>,
}

/// A call that runs in another thread than the one that goes through the program.
pub(crate) struct InFlight {
    pub(crate) step: usize,
    /// 0 until a thread has taken it.
    pub(crate) thread: Arc<AtomicI64>,
    pub(crate) since: u64,
    /// How often it was found asleep.
    pub(crate) asleep: u32,
    /// When it was last signalled, and since when; 0 if it never was.
    pub(crate) signalled: (u64, u64),
}

/// What a program has left.
#[derive(Default)]
pub(crate) struct Left {
    results: Vec<Option<u64>>,
    pub(crate) mappings: Mappings,
    dirt: Option<Dirt>,
    /// Also the current folder and standard descriptors; kept apart, since [`Dirt`] has one worst.
    pub(crate) files: bool,
    pub(crate) data: bool,
}

impl Left {
    pub(crate) fn keep(&mut self, index: u16, value: u64) {
        let index = usize::from(index);
        if self.results.len() <= index {
            self.results.resize(index + 1, None);
        }
        self.results[index] = Some(value);
    }

    pub(crate) fn soil(&mut self, dirt: Dirt) {
        self.files |= dirt == Dirt::Files;
        self.data |= dirt == Dirt::Data;
        self.dirt = self.dirt.max(Some(dirt));
    }

    pub(crate) fn needs_new_process(&self) -> bool {
        self.dirt == Some(Dirt::Process)
    }
}

/// A program that runs.
pub(crate) struct Job {
    pub(crate) slot: u32,
    /// Its place in the batch, from 1 on.
    pub(crate) number: u32,
    pub(crate) options: Options,
    pub(crate) call_time: u32,
    process: u32,
    pub(crate) steps: Vec<Step>,
    pub(crate) calls: u16,
    /// The next step.
    pub(crate) next: AtomicUsize,
    pub(crate) left: Mutex<Left>,
    pub(crate) in_flight: Mutex<Vec<InFlight>>,
    /// Records may still be added.
    pub(crate) open: AtomicBool,
}

/// Locks; a thread that panicked leaves nothing half done that matters here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Job {
    /// Reads the program of a request.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn new(slot: u32, number: u32, request: &Request) -> Result<Self, Malformed> {
        let program = Program::check(&request.program)?;
        let mut steps = Vec::new();
        let mut calls = 0;
        let mut last_call = 0;
        for instruction in program.instructions() {
            steps.push(match instruction {
                Instruction::Store { at, format, value } => Step::Store { at, format, value },
                Instruction::Data { at, bytes } => Step::Data { at, bytes: bytes.into() },
                Instruction::Checksum { at, chunks } => Step::Checksum { at, chunks },
                Instruction::Call(call) => {
                    last_call = steps.len();
                    calls += 1;
                    Step::Call(CallStep { index: calls - 1, call, loads: Vec::new() })
                }
                Instruction::Load { at, format, result } => {
                    if let Some(Step::Call(call)) = steps.get_mut(last_call) {
                        call.loads.push((at, format, result));
                    }
                    continue;
                }
            });
        }
        Ok(Self {
            slot,
            number,
            options: request.options,
            call_time: request.call_time,
            process: request.process,
            steps,
            calls,
            next: AtomicUsize::new(0),
            left: Mutex::default(),
            in_flight: Mutex::default(),
            open: AtomicBool::new(true),
        })
    }

    /// The number that a value stands for now.
    pub(crate) fn value(&self, value: &Value) -> u64 {
        match *value {
            Value::Constant { value, stride } => {
                value.wrapping_add(stride.wrapping_mul(u64::from(self.process)))
            }
            Value::Pointer(offset) => DATA_BASE + u64::from(offset),
            Value::Result { index, divide, add, default } => {
                let kept = lock(&self.left).results.get(usize::from(index)).copied().flatten();
                kept.map_or(default, |kept| (kept / divide.max(1)).wrapping_add(add))
            }
        }
    }

    /// Carries out a step that is no call. Memory that is not there is passed over.
    pub(crate) fn put(&self, step: &Step) {
        match step {
            Step::Store { at, format, value } => {
                let value = self.value(value);
                let at = DATA_BASE + u64::from(*at);
                let mut before = [0; 8];
                if format.bit_length != 0 {
                    sys::copy_out(at, &mut before[..usize::from(format.size)]);
                }
                sys::copy_in(at, &format.render(value, &before));
            }
            Step::Data { at, bytes } => {
                sys::copy_in(DATA_BASE + u64::from(*at), bytes);
            }
            Step::Checksum { at, chunks } => {
                let sum = checksum(chunks, |at, bytes| {
                    sys::copy_out(DATA_BASE + u64::from(at), bytes);
                });
                sys::copy_in(DATA_BASE + u64::from(*at), &sum.to_be_bytes());
            }
            Step::Call(_) => {}
        }
    }
}

/// The Internet checksum (RFC 1071) of the pieces, one behind the other.
fn checksum(chunks: &[Chunk], read: impl Fn(u32, &mut [u8])) -> u16 {
    let mut sum = 0_u64;
    let mut high = true;
    let mut add = |byte: u8| {
        sum += if high { u64::from(byte) << 8 } else { u64::from(byte) };
        high = !high;
    };
    for chunk in chunks {
        match *chunk {
            Chunk::Number { value, size } => {
                let bytes = value.to_be_bytes();
                bytes[4 - usize::from(size.min(4))..].iter().for_each(|byte| add(*byte));
            }
            Chunk::Memory { at, length } => {
                let mut bytes = vec![0; length as usize];
                read(at, &mut bytes);
                bytes.iter().for_each(|byte| add(*byte));
            }
        }
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // RFC 1071, section 3: the sum of these bytes is ddf2.
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        let memory = |_, to: &mut [u8]| to.copy_from_slice(&bytes);
        assert_eq!(checksum(&[Chunk::Memory { at: 0, length: 8 }], memory), !0xddf2);
        let numbers = [
            Chunk::Number { value: 0x0001_f203, size: 4 },
            Chunk::Number { value: 0xf4f5, size: 2 },
            Chunk::Number { value: 0xf6f7, size: 2 },
        ];
        assert_eq!(checksum(&numbers, memory), !0xddf2);
    }
}
