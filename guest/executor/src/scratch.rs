//! The reply in the making, shared by the process that runs the program and the one that starts it: when
//! the first ends in the middle, the second finishes the reply.

use std::sync::atomic::{AtomicU64, Ordering};

use guest_programs::{End, GuestLane, ReplyHeader};

use crate::sys;

const ACTIVE: usize = 0;
const SLOT: usize = 1;
const ID: usize = 2;
const START: usize = 3;
const LENGTH: usize = 4;
const RECORDS: usize = 5;
const CUT: usize = 6;
const TIMED_OUT: usize = 7;
const DEADLINE: usize = 8;
const WORDS: u64 = 512;

#[derive(Clone, Copy)]
pub(crate) struct Scratch {
    words: &'static [AtomicU64],
    lane: GuestLane<'static>,
    /// Cycles of the processor's counter in a microsecond.
    speed: u64,
}

impl Scratch {
    pub(crate) fn new(lane: GuestLane<'static>, speed: u64) -> Option<Self> {
        let flags = sys::SHARED | sys::ANONYMOUS;
        let address = sys::map(0, WORDS * 8, sys::READ_WRITE, flags, -1)?;
        Some(Self { words: sys::words(address, WORDS * 8), lane, speed })
    }

    fn get(&self, word: usize) -> u64 {
        self.words[word].load(Ordering::Acquire)
    }

    fn set(&self, word: usize, value: u64) {
        self.words[word].store(value, Ordering::Release);
    }

    /// Begins a reply. `time` is what the program may take, in microseconds.
    pub(crate) fn begin(&self, slot: u32, program: u32, id: u64, time: u64) {
        for word in [LENGTH, RECORDS, CUT, TIMED_OUT] {
            self.set(word, 0);
        }
        let now = sys::cycles();
        self.set(SLOT, u64::from(slot));
        self.set(ID, id);
        self.set(START, now);
        self.set(DEADLINE, now.saturating_add(time.saturating_mul(self.speed)));
        self.lane.running(slot, program, 0);
        self.set(ACTIVE, 1);
    }

    pub(crate) fn is_active(&self) -> bool {
        self.get(ACTIVE) == 1
    }

    /// Whether the program has had its time, and `grace` microseconds more.
    pub(crate) fn is_late(&self, grace: u64) -> bool {
        let limit = self.get(DEADLINE).saturating_add(grace.saturating_mul(self.speed));
        self.is_active() && sys::cycles() > limit
    }

    /// Says why the process will end.
    pub(crate) fn time_out(&self) {
        self.set(TIMED_OUT, 1);
    }

    /// Adds a record. One thread at a time.
    pub(crate) fn record(&self, bytes: &[u8]) {
        let slot = self.get(SLOT) as u32;
        let length = self.get(LENGTH);
        let offset = ReplyHeader::LENGTH + length as usize;
        // The host takes no more records than this of one program.
        let most = 2 * guest_programs::MAXIMUM_CALLS as u64;
        if self.get(RECORDS) < most && self.lane.write_part(slot, offset, bytes) {
            self.set(LENGTH, length + bytes.len() as u64);
            self.set(RECORDS, self.get(RECORDS) + 1);
        } else {
            self.set(CUT, 1);
        }
    }

    /// Ends the reply and shows it to the host.
    pub(crate) fn finish(&self, end: End, dirty: bool) {
        let slot = self.get(SLOT) as u32;
        let length = ReplyHeader::LENGTH + self.get(LENGTH) as usize;
        let now = sys::cycles();
        let duration = now.saturating_sub(self.get(START)) / self.speed.max(1);
        let end = if self.get(TIMED_OUT) == 1 { End::TimedOut } else { end };
        let header = ReplyHeader {
            id: self.get(ID),
            end,
            duration: u32::try_from(duration).unwrap_or(u32::MAX),
            begun: self.lane.begun(slot).1.min(guest_programs::MAXIMUM_CALLS as u32),
            cut: self.get(CUT) == 1,
            dirty,
            records: self.get(RECORDS) as u32,
            length: u32::try_from(length).unwrap_or(u32::MAX),
        };
        let fits = self.lane.write_part(slot, 0, &header.encode());
        self.lane.publish(slot, if fits { length } else { 0 });
        self.set(ACTIVE, 0);
    }
}
