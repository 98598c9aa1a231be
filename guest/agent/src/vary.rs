//! What a boot of its own would vary, varied before a run: machines that start from one snapshot have the
//! same next process number, the same distance to the next tick and the same free pages.
//!
//! All steps are small: together they take some tens of milliseconds of an emulated guest.

use std::fs::File;
use std::hint::black_box;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Process numbers that are used up, at most.
const NUMBERS: u64 = 64;
/// The longest sleep: two ticks of the slowest clock (HZ=100), so that any distance to a tick is met.
const SLEEP: Duration = Duration::from_millis(20);
/// The longest time that is spent computing, in which the clock goes on within a tick.
const SPIN: Duration = Duration::from_micros(500);
/// Pieces of memory that are touched and partly given back, and the pages of the biggest.
const PIECES: u64 = 24;
const PAGES: u64 = 32;
const PAGE: usize = 4096;
/// Kernel objects that are made and let go in another order.
const OBJECTS: u64 = 32;

/// Carries out the steps that `seed` chooses.
pub(crate) fn vary(seed: u64) -> io::Result<()> {
    let mut random = Random(seed);
    advance_numbers(random.below(NUMBERS))?;
    stir_pages(&mut random);
    stir_objects(&mut random)?;
    place(&mut random)?;
    thread::sleep(Duration::from_nanos(random.below(nanoseconds(SLEEP))));
    let spin = Duration::from_nanos(random.below(nanoseconds(SPIN)));
    let start = Instant::now();
    while start.elapsed() < spin {
        std::hint::spin_loop();
    }
    Ok(())
}

/// A thread takes a number as a process does, and costs less.
fn advance_numbers(count: u64) -> io::Result<()> {
    for _ in 0..count {
        let thread = thread::Builder::new().stack_size(16 * 1024).spawn(|| {})?;
        let _ = thread.join();
    }
    Ok(())
}

/// Touches pages and gives a part of them back in another order, so that the next pages that the kernel
/// hands out are others.
fn stir_pages(random: &mut Random) {
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    for _ in 0..random.below(PIECES) {
        let pages = 1 + random.below(PAGES) as usize;
        let mut piece = vec![0_u8; pages * PAGE];
        for page in piece.chunks_mut(PAGE) {
            page[0] = 1;
        }
        pieces.push(black_box(piece));
        if random.below(3) == 0 {
            let at = random.below(pieces.len() as u64) as usize;
            pieces.swap_remove(at);
        }
    }
}

/// Opens files and pipes and closes them in another order: the caches of kernel objects hand out their
/// latest free one first.
fn stir_objects(random: &mut Random) -> io::Result<()> {
    let mut open: Vec<File> = Vec::new();
    for _ in 0..random.below(OBJECTS) {
        match random.below(2) {
            0 => open.push(File::open("/proc/self/stat")?),
            _ => {
                let (reader, writer) = io::pipe()?;
                open.push(File::from(std::os::fd::OwnedFd::from(reader)));
                open.push(File::from(std::os::fd::OwnedFd::from(writer)));
            }
        }
    }
    while !open.is_empty() {
        let at = random.below(open.len() as u64) as usize;
        open.swap_remove(at);
    }
    Ok(())
}

/// Moves to one of the CPUs and is free again: what starts next starts from there.
fn place(random: &mut Random) -> io::Result<()> {
    let all = sched_getaffinity(None)?;
    let cpus: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| all.is_set(*cpu)).collect();
    if cpus.len() < 2 {
        return Ok(());
    }
    let mut one = CpuSet::new();
    one.set(cpus[random.below(cpus.len() as u64) as usize]);
    sched_setaffinity(None, &one)?;
    Ok(sched_setaffinity(None, &all)?)
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// SplitMix64 (Steele, Lea and Flood 2014): the guest needs numbers that differ, and no library.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}
