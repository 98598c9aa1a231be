//! The kernel's coverage device (Documentation/dev-tools/kcov.rst): one for each thread, left on.

use std::sync::atomic::{AtomicU64, Ordering};

use guest_programs::{Comparison, Edge, MAXIMUM_EDGES};

use crate::sys::{self, nr};

const INIT_TRACE: u64 = 0x8008_6301;
const ENABLE: u64 = 0x6364;
const DISABLE: u64 = 0x6365;
const REMOTE_ENABLE: u64 = 0x4018_6366;
/// `_IOR('c', 103, unsigned long)`, proposed in 2025.
const UNIQUE_ENABLE: u64 = 0x8008_6367;
/// `_IO('c', 104)`, proposed in 2025.
const RESET_TRACE: u64 = 0x6368;

/// Places that are kept of a call; the trace of one that makes more is cut.
const ENTRIES: u64 = 128 * 1024;
/// `KCOV_SUBSYSTEM_COMMON`.
const COMMON: u64 = 0;

/// What is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Places = 0,
    Comparisons = 1,
}

/// An open device. The processes that a lane starts use its devices one after the other: to open one takes
/// longer than most programs.
#[derive(Clone, Copy)]
pub(crate) struct Device {
    file: i64,
    area: &'static [AtomicU64],
}

/// The coverage of one thread.
pub(crate) struct Kcov {
    device: Device,
    mode: Option<Mode>,
}

const DEVICE: &std::ffi::CStr = c"/sys/kernel/debug/kcov";
const O_RDWR_CLOEXEC: u64 = 0o2_000_002;

impl Device {
    /// Opens the device; `None` if the kernel has none.
    pub(crate) fn open() -> Option<Self> {
        let file = sys::open(DEVICE, O_RDWR_CLOEXEC, 0);
        if file < 0 {
            return None;
        }
        let file = sys::hide(file);
        if sys::call3(nr::IOCTL, file as u64, INIT_TRACE, ENTRIES) != 0 {
            sys::call3(nr::CLOSE, file as u64, 0, 0);
            return None;
        }
        let area = sys::map(0, ENTRIES * 8, sys::READ_WRITE, sys::SHARED, file)?;
        Some(Self { file, area: sys::words(area, ENTRIES * 8) })
    }
}

impl Kcov {
    /// The coverage of the thread that will use the device.
    pub(crate) const fn new(device: Device) -> Self {
        Self { device, mode: None }
    }

    /// Traces the calling thread, which must always be the same one. False if it cannot.
    pub(crate) fn trace(&mut self, mode: Mode) -> bool {
        if self.mode == Some(mode) {
            return true;
        }
        if self.mode.is_some() && sys::call3(nr::IOCTL, self.device.file as u64, DISABLE, 0) != 0 {
            return false;
        }
        self.mode = None;
        if sys::call3(nr::IOCTL, self.device.file as u64, ENABLE, mode as u64) != 0 {
            return false;
        }
        self.mode = Some(mode);
        true
    }

    /// Takes the places of what softirqs and kernel threads do for the calling thread and for those that
    /// it starts from now on.
    pub(crate) fn trace_remote(&mut self, number: u64) -> bool {
        // struct kcov_remote_arg: mode, size, number of handles, common handle.
        let argument: [u64; 3] = [ENTRIES << 32, 0, COMMON << 56 | number];
        let result =
            sys::call3(nr::IOCTL, self.device.file as u64, REMOTE_ENABLE, argument.as_ptr() as u64);
        self.mode = (result == 0).then_some(Mode::Places);
        result == 0
    }

    /// Empties the trace.
    pub(crate) fn reset(&self) {
        self.device.area[0].store(0, Ordering::Release);
    }

    /// Whether the kernel has the ways of the 2025 proposals: unique places, reset.
    pub(crate) fn proposals(&self) -> (bool, bool) {
        let unique = sys::call3(nr::IOCTL, self.device.file as u64, UNIQUE_ENABLE, 0);
        let reset = sys::call3(nr::IOCTL, self.device.file as u64, RESET_TRACE, 0);
        (unique != -sys::ENOTTY && unique != -sys::EINVAL, reset == 0)
    }

    /// The number of places that the trace holds.
    fn count(&self, words: u64) -> usize {
        let count = self.device.area[0].load(Ordering::Acquire);
        usize::try_from(count.min((ENTRIES - 1) / words)).unwrap_or(0)
    }

    /// Adds the trace's edges to `edges`, each once, if `wanted`. True if some had to be left out.
    pub(crate) fn edges(
        &self,
        seen: &mut Seen,
        edges: &mut Vec<Edge>,
        mut wanted: impl FnMut(Edge) -> bool,
    ) -> bool {
        let count = self.count(1);
        let mut cut = count as u64 >= ENTRIES - 1;
        seen.clear();
        let mut from = 0;
        for word in &self.device.area[1..=count] {
            let place = word.load(Ordering::Relaxed);
            if place >> 32 != 0xffff_ffff {
                // No kernel text: somebody wrote into the trace.
                cut = true;
                continue;
            }
            let edge = Edge { from, to: place as u32 };
            from = edge.to;
            if seen.insert(edge.from, edge.to) && wanted(edge) {
                if edges.len() >= MAXIMUM_EDGES {
                    return true;
                }
                edges.push(edge);
            }
        }
        cut
    }

    /// Adds the trace's comparisons to `comparisons`, each once, without those of equal numbers. True if
    /// some had to be left out.
    pub(crate) fn comparisons(&self, comparisons: &mut Vec<Comparison>) -> bool {
        const MOST: usize = 4096;
        let count = self.count(4);
        for entry in self.device.area[1..=count * 4].chunks_exact(4) {
            let [kind, first, second, pc] =
                std::array::from_fn(|at| entry[at].load(Ordering::Relaxed));
            let comparison = Comparison {
                first,
                second,
                pc: pc as u32,
                size: 1 << ((kind >> 1) & 3),
                constant: kind & 1 != 0,
            };
            if first != second && pc >> 32 == 0xffff_ffff {
                comparisons.push(comparison);
            }
        }
        comparisons.sort_unstable();
        comparisons.dedup();
        let cut = comparisons.len() > MOST || count as u64 >= (ENTRIES - 1) / 4;
        comparisons.truncate(MOST);
        cut
    }
}

/// Which edges of a trace were seen: a table that is emptied by counting on.
pub(crate) struct Seen {
    table: Vec<(u32, u32, u32)>,
    round: u32,
    used: usize,
}

/// Small, since each page of it that a process touches costs a fault.
const TABLE: usize = 1 << 13;

impl Seen {
    pub(crate) fn new() -> Self {
        Self { table: vec![(0, 0, 0); TABLE], round: 0, used: 0 }
    }

    fn clear(&mut self) {
        self.used = 0;
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.table.fill((0, 0, 0));
            self.round = 1;
        }
    }

    /// Whether it is the first time. When the table is nearly full, everything is.
    fn insert(&mut self, from: u32, to: u32) -> bool {
        let mut at = guest_programs::signal(from, to) as usize % TABLE;
        loop {
            let entry = &mut self.table[at];
            if entry.2 != self.round {
                if self.used < TABLE / 4 * 3 {
                    *entry = (from, to, self.round);
                    self.used += 1;
                }
                return true;
            }
            if (entry.0, entry.1) == (from, to) {
                return false;
            }
            at = (at + 1) % TABLE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_new_once_a_round() {
        let mut seen = Seen::new();
        for _ in 0..3 {
            seen.clear();
            assert!(seen.insert(1, 2));
            assert!(!seen.insert(1, 2));
            assert!(seen.insert(2, 1));
        }
    }

    #[test]
    fn a_full_table_loses_nothing() {
        let mut seen = Seen::new();
        seen.clear();
        for number in 0..2 * TABLE as u32 {
            assert!(seen.insert(number, number + 1));
        }
    }
}
