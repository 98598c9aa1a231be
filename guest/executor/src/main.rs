//! Runs programs of system calls in the lab's guest.
//!
//! Started by the agent, it finds the memory that is shared with the host (an ivshmem device), says what the
//! kernel has, and starts a process for each lane; those start the processes that run programs. A program
//! may do what it wants to the process that runs it and to that process's namespaces: the lane sees the end
//! of the one and makes new ones of the other.
//!
//! Invariants: memory that programs can reach is copied by `sys::copy_in` and `sys::copy_out` only, which
//! survive that it is not there; descriptors of ours lie above those of programs; each request gets one
//! reply, whoever writes it.

mod channel;
mod dirt;
mod hand;
mod home;
mod job;
mod kcov;
mod lane;
mod pseudo;
mod sandbox;
mod scratch;
mod sys;
mod worker;

use std::io::Write as _;
use std::time::{Duration, Instant};

use guest_programs::{Region, features};

use crate::kcov::{Device, Kcov};
use crate::lane::Setup;
use crate::pseudo::Surroundings;
use crate::sandbox::Sandbox;
use crate::sys::nr;

/// How long the host may take to prepare the shared memory.
const PREPARE: Duration = Duration::from_secs(30);
const BEAT: Duration = Duration::from_millis(50);

fn main() {
    if let Err(reason) = serve() {
        let _ = writeln!(std::io::stderr(), "executor: {reason}");
        std::process::exit(1);
    }
}

fn serve() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "none".to_owned());
    let sandbox = Sandbox::named(&name).ok_or_else(|| format!("there is no sandbox `{name}`"))?;
    let words = channel::shared_memory()?;
    let deadline = Instant::now() + PREPARE;
    let region = loop {
        match Region::open(words) {
            Ok(region) => break region,
            Err(error) if Instant::now() > deadline => return Err(error.to_string()),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    sandbox::prepare_guest();
    let found = probe();
    let null = sys::hide(sys::open(c"/dev/null", 0o2_000_002, 0));
    for standard in 0..2 {
        sys::call3(nr::DUP2, null as u64, standard, 0);
    }
    let first_network = sys::hide(sys::open(c"/proc/self/ns/net", 0o2_000_000, 0));
    let speed = speed();
    let start = |lane| {
        start_lane(Setup {
            lane,
            region,
            features: found,
            sandbox,
            speed,
            surroundings: Surroundings { first_network },
            null,
            home: -1,
            devices: Vec::new(),
            remote: None,
        })
    };
    let mut lanes: Vec<i32> = (0..region.layout().lanes).map(&start).collect::<Result<_, _>>()?;
    region.announce(found);
    loop {
        std::thread::sleep(BEAT);
        region.beat();
        let mut status = 0_u32;
        loop {
            const WNOHANG: u64 = 1;
            let arguments = [u64::MAX, &raw mut status as u64, WNOHANG, 0, 0, 0];
            let ended = sys::call(nr::WAIT4, arguments);
            if ended <= 0 {
                break;
            }
            if let Some(lane) = lanes.iter().position(|pid| i64::from(*pid) == ended) {
                lanes[lane] = start(lane as u32)?;
            }
        }
    }
}

/// Starts a lane. It is started by a process in between, whose children are in the new namespaces and
/// which waits for its end.
fn start_lane(setup: Setup) -> Result<i32, String> {
    match sys::fork() {
        Ok(Some(pid)) => Ok(pid),
        Err(_) => Err("cannot fork".to_owned()),
        Ok(None) => {
            sandbox::enter(setup.sandbox);
            match sys::fork() {
                Ok(None) => lane::run(setup),
                Ok(Some(pid)) => {
                    let mut status = 0_u32;
                    let arguments = [pid as u64, &raw mut status as u64, 0, 0, 0, 0];
                    while sys::call(nr::WAIT4, arguments) == -sys::EINTR {}
                    std::process::exit(0)
                }
                Err(_) => std::process::exit(1),
            }
        }
    }
}

/// What the kernel has.
fn probe() -> u64 {
    let mut found = 0;
    let mut set = |feature, has: bool| found |= if has { feature } else { 0 };
    set(features::FAULTS, std::path::Path::new("/proc/self/fail-nth").exists());
    set(features::NAMESPACES, std::path::Path::new("/proc/self/ns/pid").exists());
    // In a thread of its own, so that the device is off again afterwards.
    let kcov = std::thread::spawn(|| {
        let mut kcov = Kcov::new(Device::open()?);
        let comparisons = kcov.trace(kcov::Mode::Comparisons);
        let places = kcov.trace(kcov::Mode::Places);
        let (unique, reset) = kcov.proposals();
        Some((places, comparisons, unique, reset))
    });
    if let Ok(Some((places, comparisons, unique, reset))) = kcov.join() {
        set(features::COVERAGE, places);
        set(features::COMPARISONS, comparisons);
        set(features::UNIQUE, unique);
        set(features::RESET, reset);
    }
    let remote = std::thread::spawn(|| {
        Device::open().map(Kcov::new).is_some_and(|mut kcov| kcov.trace_remote(1))
    });
    set(features::REMOTE, remote.join().unwrap_or(false));
    found
}

/// Cycles of the processor's counter in a microsecond.
fn speed() -> u64 {
    let (start, cycles) = (Instant::now(), sys::cycles());
    std::thread::sleep(Duration::from_millis(20));
    let elapsed = u64::try_from(start.elapsed().as_micros()).unwrap_or(1).max(1);
    (sys::cycles().saturating_sub(cycles) / elapsed).max(1)
}
