//! A lane: the first process of its namespaces, which starts processes that run programs, one at a time,
//! and clears up what they leave.

use guest_programs::{End, Region, features};

use crate::kcov::Device;
use crate::pseudo::Surroundings;
use crate::sandbox::{self, Sandbox};
use crate::scratch::Scratch;
use crate::sys::{self, nr};
use crate::{home, worker};

/// What the processes of a lane know.
pub(crate) struct Setup {
    pub(crate) lane: u32,
    pub(crate) region: Region<'static>,
    pub(crate) features: u64,
    pub(crate) sandbox: Sandbox,
    /// Cycles of the processor's counter in a microsecond.
    pub(crate) speed: u64,
    pub(crate) surroundings: Surroundings,
    /// `/dev/null`.
    pub(crate) null: i64,
    /// The folder in which programs run.
    pub(crate) home: i64,
    /// Coverage for the first threads of each process.
    pub(crate) devices: Vec<Device>,
    /// And for what others do for them.
    pub(crate) remote: Option<Device>,
}

impl Setup {
    pub(crate) const fn has_coverage(&self) -> bool {
        self.features & features::COVERAGE != 0
    }

    pub(crate) const fn remote_coverage(&self) -> bool {
        self.features & features::REMOTE != 0
    }
}

/// Threads of a process that have their coverage ready. Few programs need more.
const DEVICES: usize = 4;
/// Processes after which the namespaces are made anew.
const MOST_PROCESSES: u32 = 2000;
/// How long a process may outstay its program's time, in microseconds.
const GRACE: u64 = 500_000;
const POLL_MS: u64 = 20;
const WNOHANG: u64 = 1;
const SIGKILL: u64 = 9;
const POLLIN: u64 = 1;

/// The life of a lane.
pub(crate) fn run(mut setup: Setup) -> ! {
    sandbox::furnish();
    let path = format!("{}/{}", sandbox::HOMES, setup.lane);
    setup.home = home::make(&sandbox::c_text(&path));
    sys::call3(nr::FCHDIR, setup.home as u64, 0, 0);
    if setup.has_coverage() {
        setup.devices = (0..DEVICES).filter_map(|_| Device::open()).collect();
    }
    if setup.remote_coverage() {
        setup.remote = Device::open();
    }
    let setup: &'static Setup = Box::leak(Box::new(setup));
    let Ok(lane) = setup.region.guest_lane(setup.lane) else { std::process::exit(2) };
    let Some(scratch) = Scratch::new(lane, setup.speed) else { std::process::exit(2) };
    for _ in 0..MOST_PROCESSES {
        match sys::fork() {
            Ok(None) => {
                sandbox::confine(setup.sandbox);
                worker::run(setup, lane, scratch);
            }
            Ok(Some(pid)) => {
                attend(pid as u64, scratch);
                clear_up(setup);
            }
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(10)),
        }
    }
    std::process::exit(0)
}

/// Waits for the end of a process, and finishes the reply that it left.
fn attend(pid: u64, scratch: Scratch) {
    let file = sys::call3(nr::PIDFD_OPEN, pid, 0, 0);
    let mut killed = false;
    loop {
        // struct pollfd: descriptor, events, returned events.
        let poll = [file as u32 as u64 | POLLIN << 32];
        if file >= 0 {
            sys::call3(nr::POLL, poll.as_ptr() as u64, 1, POLL_MS);
        } else {
            std::thread::sleep(std::time::Duration::from_millis(POLL_MS));
        }
        let mut status = 0_u32;
        loop {
            let ended = sys::call(nr::WAIT4, [u64::MAX, &raw mut status as u64, WNOHANG, 0, 0, 0]);
            if ended == pid as i64 {
                if scratch.is_active() {
                    scratch.finish(End::Exited { status }, true);
                }
                if file >= 0 {
                    sys::call3(nr::CLOSE, file as u64, 0, 0);
                }
                return;
            }
            if ended <= 0 {
                break;
            }
        }
        if !killed && scratch.is_late(GRACE) {
            scratch.time_out();
            sys::call3(nr::KILL, pid, SIGKILL, 0);
            killed = true;
        }
    }
}

/// Nobody but this process lives on in its namespaces.
fn clear_up(setup: &Setup) {
    // Without a pid namespace the whole guest would be meant.
    let alone = sys::call3(nr::GETPID, 0, 0, 0) == 1;
    for _ in 0..if alone { 200 } else { 0 } {
        let found = sys::call3(nr::KILL, u64::MAX, SIGKILL, 0);
        let mut status = 0_u32;
        while sys::call(nr::WAIT4, [u64::MAX, &raw mut status as u64, WNOHANG, 0, 0, 0]) > 0 {}
        if found != 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    home::clean(setup.home);
}
