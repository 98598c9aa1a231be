//! Memory that host and guest share: batches of requests one way, replies the other.
//!
//! Each lane (a process of the guest that runs programs) has slots. The host puts a batch into a slot and
//! raises its number; the guest takes the slots in turn and writes replies as programs end, so that what
//! ended before a crash can be read after it. A map of known signals lets the guest leave out what the host
//! has seen.
//!
//! The memory is a slice of atomic numbers: whatever the other side does to it at the same time, each read
//! gives some number, and what is read is copied before it is looked at. Numbers that the other side wrote
//! are compared with the host's layout before they are used.
//!
//! ```text
//! 0        host: magic, format, layout        64: guest: format, features, beats
//! 4096     lanes, one page each: slots of 64 bytes, then the lane's beats
//! …        per lane and slot: request bytes, reply bytes
//! end      map of known signals
//! ```

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::program::{MAXIMUM_CALLS, MAXIMUM_PROGRAM};
use crate::request::BATCH_HEADER;

/// The first number of a region, written by the host: "ktriage1".
pub const MAGIC: u64 = u64::from_le_bytes(*b"ktriage1");
/// The number of this form.
pub const FORMAT: u32 = 1;

/// What the guest's kernel and executor have, as bits of [`Region::features`].
pub mod features {
    /// Coverage at all.
    pub const COVERAGE: u64 = 1;
    /// Comparisons.
    pub const COMPARISONS: u64 = 1 << 1;
    /// Coverage of others than the calling thread.
    pub const REMOTE: u64 = 1 << 2;
    /// `KCOV_UNIQUE_ENABLE`: each place once.
    pub const UNIQUE: u64 = 1 << 3;
    /// `KCOV_RESET_TRACE`: the trace is emptied by the kernel.
    pub const RESET: u64 = 1 << 4;
    /// Failures can be injected into calls.
    pub const FAULTS: u64 = 1 << 5;
    /// The programs run in namespaces of their own.
    pub const NAMESPACES: u64 = 1 << 6;
    /// Names of the bits.
    pub const NAMES: &[(u64, &str)] = &[
        (COVERAGE, "coverage"),
        (COMPARISONS, "comparisons"),
        (REMOTE, "remote coverage"),
        (UNIQUE, "unique coverage"),
        (RESET, "trace reset"),
        (FAULTS, "fault injection"),
        (NAMESPACES, "namespaces"),
    ];
}

/// Sizes of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Processes that run programs.
    pub lanes: u32,
    /// Batches that a lane can hold.
    pub slots: u32,
    /// Bytes of a batch, a multiple of 8.
    pub requests: u32,
    /// Bytes of a batch's replies, a multiple of 8.
    pub replies: u32,
    /// The map of known signals has two to the power of this bits.
    pub known: u32,
}

const PAGE: u64 = 4096;
const SLOT: u64 = 64;
const MAXIMUM_LANES: u32 = 16;
const MAXIMUM_SLOTS: u32 = 32;
const MAXIMUM_BYTES: u32 = 64 << 20;

impl Layout {
    /// Two slots of 4 MiB each way for each lane, and a map of 8 MiB.
    pub const fn usual(lanes: u32) -> Self {
        Self { lanes, slots: 2, requests: 4 << 20, replies: 4 << 20, known: 26 }
    }

    /// Whether the sizes make sense.
    pub const fn is_valid(self) -> bool {
        let smallest = (MAXIMUM_PROGRAM + 64) as u32;
        self.lanes >= 1
            && self.lanes <= MAXIMUM_LANES
            && self.slots >= 1
            && self.slots <= MAXIMUM_SLOTS
            && self.requests >= smallest
            && self.requests <= MAXIMUM_BYTES
            && self.replies >= 1 << 16
            && self.replies <= MAXIMUM_BYTES
            && self.requests.is_multiple_of(8)
            && self.replies.is_multiple_of(8)
            && self.known >= 6
            && self.known <= 32
    }

    const fn lane_page(self, lane: u32) -> u64 {
        PAGE + lane as u64 * PAGE
    }

    const fn buffer(self, lane: u32, slot: u32) -> u64 {
        let each = self.requests as u64 + self.replies as u64;
        PAGE + self.lanes as u64 * PAGE + (lane as u64 * self.slots as u64 + slot as u64) * each
    }

    const fn known_map(self) -> u64 {
        self.buffer(self.lanes, 0)
    }

    /// Bytes that it takes.
    pub const fn length(self) -> u64 {
        self.known_map() + (1 << self.known) / 8
    }

    /// Bytes of a memory device that holds it: the next power of two.
    pub const fn device_length(self) -> u64 {
        self.length().next_power_of_two()
    }
}

/// A region that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegionError {
    /// The memory is smaller than the layout, or the layout makes no sense.
    Layout,
    /// The other side did not write the first number.
    NoMagic,
    /// The other side writes another form.
    Format {
        /// Its number.
        found: u32,
    },
    /// The other side says something impossible.
    Impossible {
        /// What.
        what: &'static str,
    },
    /// A batch is too long for its slot.
    TooLong {
        /// Its bytes.
        length: usize,
    },
    /// A slot is not free.
    Busy,
}

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout => write!(f, "the shared memory does not fit its layout"),
            Self::NoMagic => write!(f, "the shared memory was not prepared"),
            Self::Format { found } => {
                write!(f, "the shared memory has format {found}, not {FORMAT}")
            }
            Self::Impossible { what } => write!(f, "the guest claims an impossible {what}"),
            Self::TooLong { length } => write!(f, "a batch of {length} bytes is too long"),
            Self::Busy => write!(f, "the slot still runs a batch"),
        }
    }
}

impl std::error::Error for RegionError {}

/// The shared memory.
#[derive(Clone, Copy, Debug)]
pub struct Region<'a> {
    words: &'a [AtomicU64],
    layout: Layout,
}

// Numbers of words from the start.
const HOST_MAGIC: u64 = 0;
const HOST_FORMAT: u64 = 1;
const HOST_LAYOUT: u64 = 2;
const GUEST_FORMAT: u64 = 8;
const GUEST_FEATURES: u64 = 9;
const GUEST_BEATS: u64 = 10;
// Numbers of words from the start of a slot.
const POSTED: u64 = 0;
const LENGTH: u64 = 1;
const DONE: u64 = 2;
const WRITTEN: u64 = 3;
const COUNT: u64 = 4;
const RUNNING: u64 = 5;
/// Where a lane's own words begin in its page, in bytes.
const LANE_WORDS: u64 = SLOT * MAXIMUM_SLOTS as u64;

impl<'a> Region<'a> {
    /// The host's side of fresh memory, which must be zero.
    ///
    /// # Errors
    /// When the memory is smaller than the layout or the layout makes no sense.
    pub fn prepare(words: &'a [AtomicU64], layout: Layout) -> Result<Self, RegionError> {
        let region = Self::with_layout(words, layout)?;
        let numbers = [layout.lanes, layout.slots, layout.requests, layout.replies, layout.known];
        for (at, number) in (HOST_LAYOUT..).zip(numbers) {
            region.store(at * 8, u64::from(number));
        }
        region.store(HOST_FORMAT * 8, u64::from(FORMAT));
        region.word(HOST_MAGIC * 8).store(MAGIC, Ordering::Release);
        Ok(region)
    }

    /// The guest's side of memory that a host prepared.
    ///
    /// # Errors
    /// When it was not prepared, or for another form or size.
    pub fn open(words: &'a [AtomicU64]) -> Result<Self, RegionError> {
        let read = |at: u64| {
            usize::try_from(at)
                .ok()
                .and_then(|at| words.get(at))
                .map_or(0, |word| word.load(Ordering::Acquire))
        };
        if read(HOST_MAGIC) != MAGIC {
            return Err(RegionError::NoMagic);
        }
        let format = read(HOST_FORMAT);
        if format != u64::from(FORMAT) {
            return Err(RegionError::Format { found: u32::try_from(format).unwrap_or(u32::MAX) });
        }
        let number =
            |at: u64| u32::try_from(read(HOST_LAYOUT + at)).map_err(|_| RegionError::Layout);
        let layout = Layout {
            lanes: number(0)?,
            slots: number(1)?,
            requests: number(2)?,
            replies: number(3)?,
            known: number(4)?,
        };
        Self::with_layout(words, layout)
    }

    fn with_layout(words: &'a [AtomicU64], layout: Layout) -> Result<Self, RegionError> {
        if !layout.is_valid() || (words.len() as u64).saturating_mul(8) < layout.length() {
            return Err(RegionError::Layout);
        }
        Ok(Self { words, layout })
    }

    /// Its sizes.
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Tells the host that the guest is there, and what it has.
    pub fn announce(&self, features: u64) {
        self.store(GUEST_FEATURES * 8, features);
        self.word(GUEST_FORMAT * 8).store(u64::from(FORMAT), Ordering::Release);
    }

    /// What the guest has, once it is there.
    ///
    /// # Errors
    /// When it speaks another form.
    pub fn features(&self) -> Result<Option<u64>, RegionError> {
        match self.word(GUEST_FORMAT * 8).load(Ordering::Acquire) {
            0 => Ok(None),
            format if format == u64::from(FORMAT) => Ok(Some(self.load(GUEST_FEATURES * 8))),
            format => Err(RegionError::Format { found: u32::try_from(format).unwrap_or(u32::MAX) }),
        }
    }

    /// A sign of life of the guest.
    pub fn beat(&self) {
        self.word(GUEST_BEATS * 8).fetch_add(1, Ordering::Relaxed);
    }

    /// How many signs of life there were.
    pub fn beats(&self) -> u64 {
        self.load(GUEST_BEATS * 8)
    }

    /// Marks a signal as known.
    pub fn know(&self, signal: u32) {
        let (at, bit) = self.known_bit(signal);
        self.word(at).fetch_or(bit, Ordering::Relaxed);
    }

    /// Whether a signal is marked. Some that were never marked are, where the map is smaller than the
    /// numbers.
    pub fn is_known(&self, signal: u32) -> bool {
        let (at, bit) = self.known_bit(signal);
        self.load(at) & bit != 0
    }

    /// Forgets all signals.
    pub fn forget(&self) {
        let start = self.layout.known_map();
        for at in (start..self.layout.length()).step_by(8) {
            self.store(at, 0);
        }
    }

    /// The host's view of a lane.
    ///
    /// # Errors
    /// When there is no such lane.
    pub fn host_lane(&self, lane: u32) -> Result<HostLane, RegionError> {
        if lane >= self.layout.lanes {
            return Err(RegionError::Layout);
        }
        let slots = 0..self.layout.slots;
        let posted = slots.map(|slot| self.load(self.slot(lane, slot, POSTED))).collect();
        Ok(HostLane { lane, posted, taken: vec![0; self.layout.slots as usize] })
    }

    /// Takes over the numbers (not the batches) of another region of the same layout: that of the machine
    /// of which this one is a copy.
    ///
    /// # Errors
    /// When the layouts differ.
    pub fn take_over(&self, other: &Region<'_>) -> Result<(), RegionError> {
        if self.layout != other.layout {
            return Err(RegionError::Layout);
        }
        for at in (0..self.layout.buffer(0, 0)).step_by(8) {
            self.store(at, other.load(at));
        }
        Ok(())
    }

    /// The guest's view of a lane.
    ///
    /// # Errors
    /// When there is no such lane.
    pub fn guest_lane(&self, lane: u32) -> Result<GuestLane<'a>, RegionError> {
        if lane >= self.layout.lanes {
            return Err(RegionError::Layout);
        }
        Ok(GuestLane { region: *self, lane })
    }

    fn known_bit(&self, signal: u32) -> (u64, u64) {
        let bit = u64::from(signal) & ((1_u64 << self.layout.known) - 1);
        (self.layout.known_map() + bit / 64 * 8, 1 << (bit % 64))
    }

    fn slot(&self, lane: u32, slot: u32, word: u64) -> u64 {
        self.layout.lane_page(lane) + u64::from(slot) * SLOT + word * 8
    }

    /// The word at a byte offset below the layout's length, which all callers have from the layout.
    fn word(&self, at: u64) -> &'a AtomicU64 {
        let at = usize::try_from(at / 8).unwrap_or(usize::MAX);
        self.words.get(at).unwrap_or(&self.words[0])
    }

    fn load(&self, at: u64) -> u64 {
        self.word(at).load(Ordering::Relaxed)
    }

    fn store(&self, at: u64, value: u64) {
        self.word(at).store(value, Ordering::Relaxed);
    }

    /// Copies bytes into the region, at a multiple of eight. The last word is filled with zeros.
    fn write(&self, at: u64, bytes: &[u8]) {
        let start = usize::try_from(at / 8).unwrap_or(usize::MAX);
        let words = self.words.get(start..).unwrap_or_default();
        for (word, piece) in words.iter().zip(bytes.chunks(8)) {
            let mut whole = [0; 8];
            whole[..piece.len()].copy_from_slice(piece);
            word.store(u64::from_le_bytes(whole), Ordering::Relaxed);
        }
    }

    /// A copy of `length` bytes of the region.
    fn read(&self, at: u64, length: usize) -> Vec<u8> {
        let start = usize::try_from(at / 8).unwrap_or(usize::MAX);
        let words = self.words.get(start..).unwrap_or_default();
        let mut bytes = Vec::with_capacity(length.next_multiple_of(8));
        for word in words.iter().take(length.div_ceil(8)) {
            bytes.extend_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

/// How far a lane is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The batch has ended.
    pub done: bool,
    /// Replies that are complete.
    pub replies: u64,
    /// Programs that were begun, and the calls of the last of them.
    pub begun: (u32, u32),
}

/// The host's view of a lane.
#[derive(Clone, Debug)]
pub struct HostLane {
    lane: u32,
    /// The number of the batch in each slot.
    posted: Vec<u64>,
    /// Bytes of replies already taken from each slot.
    taken: Vec<u64>,
}

impl HostLane {
    /// Puts a batch into a free slot.
    ///
    /// # Errors
    /// When the slot still runs one, or the batch is too long.
    pub fn post(
        &mut self,
        region: &Region<'_>,
        slot: u32,
        batch: &[u8],
    ) -> Result<(), RegionError> {
        if !self.progress(region, slot)?.done {
            return Err(RegionError::Busy);
        }
        if batch.len() > region.layout.requests as usize || batch.len() < BATCH_HEADER {
            return Err(RegionError::TooLong { length: batch.len() });
        }
        let at = |word| region.slot(self.lane, slot, word);
        let number = self.posted[slot as usize] + 1;
        region.write(region.layout.buffer(self.lane, slot), batch);
        for word in [WRITTEN, COUNT, RUNNING] {
            region.store(at(word), 0);
        }
        region.store(at(LENGTH), batch.len() as u64);
        region.word(at(POSTED)).store(number, Ordering::Release);
        self.posted[slot as usize] = number;
        self.taken[slot as usize] = 0;
        Ok(())
    }

    /// How far the batch of a slot is. A slot that never had one is done.
    ///
    /// # Errors
    /// When there is no such slot, or the guest claims what cannot be.
    pub fn progress(&self, region: &Region<'_>, slot: u32) -> Result<Progress, RegionError> {
        let Some(&number) = self.posted.get(slot as usize) else { return Err(RegionError::Layout) };
        let at = |word| region.slot(self.lane, slot, word);
        let done = region.word(at(DONE)).load(Ordering::Acquire);
        if done > number {
            return Err(RegionError::Impossible { what: "number of a batch" });
        }
        let running = region.load(at(RUNNING));
        Ok(Progress {
            done: done == number,
            replies: region.load(at(COUNT)),
            begun: ((running >> 32) as u32, running as u32),
        })
    }

    /// Replies that were completed since the last time, as bytes.
    ///
    /// # Errors
    /// When the guest claims more than fits.
    pub fn take(&mut self, region: &Region<'_>, slot: u32) -> Result<Vec<u8>, RegionError> {
        let Some(taken) = self.taken.get_mut(slot as usize) else {
            return Err(RegionError::Layout);
        };
        let layout = region.layout;
        let word = region.slot(self.lane, slot, WRITTEN);
        let written = region.word(word).load(Ordering::Acquire);
        if written > u64::from(layout.replies) || !written.is_multiple_of(8) {
            return Err(RegionError::Impossible { what: "length of replies" });
        }
        let Some(more) = written.checked_sub(*taken) else {
            return Err(RegionError::Impossible { what: "length of replies" });
        };
        let start = layout.buffer(self.lane, slot) + u64::from(layout.requests) + *taken;
        let bytes = region.read(start, usize::try_from(more).unwrap_or(0));
        *taken = written;
        Ok(bytes)
    }

    /// Signs of life of the lane.
    pub fn beats(&self, region: &Region<'_>) -> u64 {
        region.load(region.layout.lane_page(self.lane) + LANE_WORDS)
    }
}

/// The guest's view of a lane. It keeps nothing outside of the region, so that a process that takes the
/// place of a dead one goes on where that one stopped.
#[derive(Clone, Copy, Debug)]
pub struct GuestLane<'a> {
    region: Region<'a>,
    lane: u32,
}

impl GuestLane<'_> {
    /// The slot whose batch is to be run next.
    pub fn next_slot(&self) -> Option<u32> {
        (0..self.region.layout.slots)
            .filter_map(|slot| {
                let posted = self.region.word(self.at(slot, POSTED)).load(Ordering::Acquire);
                (posted != self.region.load(self.at(slot, DONE))).then_some((posted, slot))
            })
            .min()
            .map(|(_, slot)| slot)
    }

    /// A copy of the batch of a slot.
    ///
    /// # Errors
    /// When the host claims more than fits.
    pub fn batch(&self, slot: u32) -> Result<Vec<u8>, RegionError> {
        let length = self.region.load(self.at(slot, LENGTH));
        if length > u64::from(self.region.layout.requests) {
            return Err(RegionError::Impossible { what: "length of a batch" });
        }
        let start = self.region.layout.buffer(self.lane, slot);
        Ok(self.region.read(start, usize::try_from(length).unwrap_or(0)))
    }

    /// Says that program `program` (from 1 on) of a slot's batch has begun its call `call` (from 1 on, 0
    /// before the first).
    pub fn running(&self, slot: u32, program: u32, call: u32) {
        let number = u64::from(program) << 32 | u64::from(call);
        self.region.word(self.at(slot, RUNNING)).store(number, Ordering::Release);
    }

    /// Programs begun, and the calls of the last of them.
    pub fn begun(&self, slot: u32) -> (u32, u32) {
        let number = self.region.load(self.at(slot, RUNNING));
        ((number >> 32) as u32, number as u32 & (2 * MAXIMUM_CALLS as u32 - 1))
    }

    /// Replies that are complete.
    pub fn replies(&self, slot: u32) -> u64 {
        self.region.load(self.at(slot, COUNT))
    }

    /// Bytes that further replies to this batch may take.
    pub fn room(&self, slot: u32) -> usize {
        let written = self.region.load(self.at(slot, WRITTEN));
        let room = u64::from(self.region.layout.replies).saturating_sub(written);
        usize::try_from(room).unwrap_or(0)
    }

    /// Writes a piece of the reply that is being made, `offset` bytes after its start (a multiple of
    /// eight). The host sees nothing of it before [`GuestLane::publish`]. A piece that does not fit is not
    /// written.
    pub fn write_part(&self, slot: u32, offset: usize, bytes: &[u8]) -> bool {
        let fits = offset.saturating_add(bytes.len()) <= self.room(slot);
        if fits {
            let layout = self.region.layout;
            let written = self.region.load(self.at(slot, WRITTEN)) + offset as u64;
            let start = layout.buffer(self.lane, slot) + u64::from(layout.requests) + written;
            self.region.write(start, bytes);
        }
        fits
    }

    /// Shows the host the reply that was made of pieces, `length` bytes; 0 if it did not fit.
    pub fn publish(&self, slot: u32, length: usize) {
        let length = length.next_multiple_of(8).min(self.room(slot)) as u64;
        let written = self.region.load(self.at(slot, WRITTEN));
        self.region.word(self.at(slot, WRITTEN)).store(written + length, Ordering::Release);
        self.region.word(self.at(slot, COUNT)).fetch_add(1, Ordering::Release);
    }

    /// Adds a whole reply. One that does not fit is not written, which the host sees by the count.
    pub fn reply(&self, slot: u32, bytes: &[u8]) -> bool {
        let fits = self.write_part(slot, 0, bytes);
        self.publish(slot, if fits { bytes.len() } else { 0 });
        fits
    }

    /// Says that the batch of a slot has ended.
    pub fn finish(&self, slot: u32) {
        let posted = self.region.load(self.at(slot, POSTED));
        self.region.word(self.at(slot, DONE)).store(posted, Ordering::Release);
    }

    /// A sign of life.
    pub fn beat(&self) {
        let at = self.region.layout.lane_page(self.lane) + LANE_WORDS;
        self.region.word(at).fetch_add(1, Ordering::Relaxed);
    }

    fn at(&self, slot: u32, word: u64) -> u64 {
        self.region.slot(self.lane, slot, word)
    }
}
