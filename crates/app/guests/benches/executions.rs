//! What a guest can do at most: boot, start from the snapshot, programs a second of several kinds, the cost
//! of a call that blocks, of a process that must be made anew, and of a crash.
//!
//! The kernel is `KTRIAGE_FUZZ_KERNEL=IMAGE` (`ktriage lab build debian:6.12 --name fuzz --with fuzz` makes
//! one); without it nothing is measured.

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

use app_guests::{Base, Guest, Loss};
use guest_programs::{End, Options, Outcome, Reply, Request, Value, features};
use io_vm::probe;

#[path = "../tests/programs/mod.rs"]
mod programs;

use programs::{
    at_fdcwd, blocked, design, files, getpid, memory, program, result, sockets, unshare,
};

const ROUNDS: usize = 5;
/// Programs of each kind.
const PROGRAMS: u64 = 2000;

fn main() {
    let mut out = io::stdout().lock();
    if let Err(error) = measure(&mut out) {
        let _ = writeln!(out, "{error}");
        std::process::exit(1);
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn measure(out: &mut impl io::Write) -> Result<()> {
    let Some(design) = design(probe(Path::new(programs::QEMU))?) else {
        writeln!(out, "skipped: name a kernel in {}", programs::VARIABLE)?;
        return Ok(());
    };
    let base = Base::boot(&design)?;
    writeln!(out, "{}, {}", base.release(), base.settings().accelerator.name())?;
    for (bit, name) in features::NAMES {
        let has = if base.features() & bit != 0 { "yes" } else { "no" };
        writeln!(out, "  {name}: {has}")?;
    }
    writeln!(out, "cold start to the executor: {:.1} s", base.ready_after().as_secs_f64())?;
    let mut starts = Vec::new();
    for round in 0..ROUNDS {
        let start = Instant::now();
        let mut guest = base.start()?;
        run(&mut guest, &[getpid()], Options::default(), round as u64 * 10, 1)?;
        starts.push(start.elapsed());
    }
    starts.sort();
    writeln!(out, "snapshot to the first reply: {:?} (median)", starts[ROUNDS / 2])?;
    kinds(out, &base)?;
    crash(out, &base)
}

fn kinds(out: &mut impl io::Write, base: &Base) -> Result<()> {
    let coverage = Options { coverage: true, ..Options::default() };
    let only_new = Options { only_new: true, ..coverage };
    let comparisons = Options { comparisons: true, ..Options::default() };
    let fresh = Options { fresh: true, ..coverage };
    let mixed = [getpid(), files(), sockets(), memory()];
    for (name, programs, options, count) in [
        ("getpid, no coverage", &[getpid()][..], Options::default(), PROGRAMS),
        ("getpid", &[getpid()], coverage, PROGRAMS),
        ("files", &[files()], coverage, PROGRAMS),
        ("sockets", &[sockets()], coverage, PROGRAMS),
        ("memory", &[memory()], coverage, PROGRAMS),
        ("mixed", &mixed, coverage, PROGRAMS),
        ("mixed, only new edges", &mixed, only_new, PROGRAMS),
        ("mixed, comparisons", &mixed, comparisons, PROGRAMS),
        ("mixed, a new process each", &mixed, fresh, PROGRAMS / 10),
        ("a call that blocks", &[blocked()], coverage, PROGRAMS / 20),
        ("unshare", &[unshare()], coverage, PROGRAMS / 10),
    ] {
        let mut guest = base.start()?;
        let replies = run(&mut guest, programs, options, 0, 8)?;
        let (start, processor) = (Instant::now(), processor_time(guest.process_id())?);
        let more = run(&mut guest, programs, options, 1_000_000, count)?;
        let elapsed = start.elapsed().as_secs_f64();
        let processor = processor_time(guest.process_id())? - processor;
        let edges: usize = replies.iter().flat_map(|r| &r.calls).map(|call| call.edges.len()).sum();
        let bad = more.iter().filter(|reply| reply.end != End::Finished).count();
        let blocked = more.iter().flat_map(|reply| &reply.calls);
        let blocked = blocked.filter(|call| call.outcome == Outcome::Blocked).count();
        writeln!(
            out,
            "{name}: {:.0} programs/s, {:.0} a second of processor time, {} edges a program, {blocked} \
             blocked, {bad} not finished",
            count as f64 / elapsed,
            count as f64 / processor.max(0.01),
            edges / replies.len().max(1),
        )?;
    }
    Ok(())
}

/// Seconds of processor time that a process has used: on a busy machine they say more than those of the clock.
fn processor_time(process: u32) -> Result<f64> {
    /// `USER_HZ` of Linux.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS)
}

/// A program that panics the kernel through SysRq, and how long until the next reply.
fn crash(out: &mut impl io::Write, base: &Base) -> Result<()> {
    let mut guest = base.start()?;
    run(&mut guest, &[getpid()], Options::default(), 0, 1)?;
    let start = Instant::now();
    let crash = program(|p| {
        p.data(0, b"/proc/sysrq-trigger\0");
        p.data(64, b"c");
        p.call(257, &[at_fdcwd(), Value::Pointer(0), Value::plain(1)], Some(0));
        p.call(1, &[result(0), Value::Pointer(64), Value::plain(1)], None);
    });
    let loss = match guest.run(vec![Request::new(1, Options::default(), crash)]) {
        Ok(replies) => return Err(format!("no crash: {replies:?}").into()),
        Err(loss) => loss,
    };
    let Loss { running, .. } = &*loss;
    let seen = start.elapsed();
    let mut guest = base.start()?;
    run(&mut guest, &[getpid()], Options::default(), 2, 1)?;
    writeln!(
        out,
        "a crash ({}, {} programs running): seen after {seen:?}, next reply after {:?}",
        loss.title(),
        running.len(),
        start.elapsed()
    )?;
    Ok(())
}

fn run(
    guest: &mut Guest,
    programs: &[Vec<u8>],
    options: Options,
    first: u64,
    count: u64,
) -> Result<Vec<Reply>> {
    let requests = (first..first + count).zip(programs.iter().cycle());
    let requests = requests.map(|(id, program)| Request::new(id, options, program.clone()));
    let words = |guest: &Guest| String::from_utf8_lossy(&guest.words()).into_owned();
    guest.run(requests.collect()).map_err(|loss| {
        let console = String::from_utf8_lossy(&loss.console).into_owned();
        format!("{:?}\n{console}\n{}", loss.cause, words(guest)).into()
    })
}
