//! A thread that makes calls: its coverage, and what is written down of a call.

use std::sync::atomic::Ordering;

use guest_programs::{
    Comparison, DATA_BASE, Edge, MAXIMUM_ARGUMENTS, Number, Outcome, REMOTE, Record,
};

use crate::dirt::{self, Dirt};
use crate::job::{CallStep, Job, lock};
use crate::kcov::{Device, Kcov, Mode, Seen};
use crate::lane::Setup;
use crate::pseudo;
use crate::sys::{self, nr};

/// A thread that makes calls.
pub(crate) struct Hand {
    setup: &'static Setup,
    pub(crate) thread: i64,
    kcov: Option<Kcov>,
    traced: bool,
    seen: Seen,
    edges: Vec<Edge>,
    comparisons: Vec<Comparison>,
    bytes: Vec<u8>,
}

/// A call that was made.
pub(crate) struct Made {
    arguments: [u64; MAXIMUM_ARGUMENTS],
    result: i64,
    cycles: u64,
    injected: bool,
    pub(crate) missing: bool,
    mappings: pseudo::Mappings,
}

/// Results from here to -1 are errno.
const MOST_ERRNO: i64 = 4095;

impl Made {
    const fn failed(&self) -> bool {
        self.result < 0 && self.result >= -MOST_ERRNO
    }

    /// Keeps what the call gave for later calls, and what it leaves in the process.
    pub(crate) fn leave(&self, job: &Job, call: &CallStep) {
        let mut left = lock(&job.left);
        left.mappings.extend_from_slice(&self.mappings);
        if self.failed() {
            return;
        }
        if let Some(index) = call.call.result {
            left.keep(index, self.result as u64);
        }
        for (at, format, index) in &call.loads {
            let mut bytes = [0; 8];
            let length = format.length().min(8) as usize;
            if sys::copy_out(DATA_BASE + u64::from(*at), &mut bytes[..length]) {
                left.keep(*index, format.value(&bytes[..length]));
            }
        }
        let dirt = match call.call.number {
            Number::Kernel(number) => dirt::dirt(number, &self.arguments, self.result as u64),
            Number::Pseudo(number) => pseudo_dirt(number),
        };
        if dirt == Dirt::Mapping {
            left.mappings.push((self.result as u64, self.arguments[1]));
        }
        left.soil(dirt);
    }
}

fn pseudo_dirt(number: u16) -> Dirt {
    let name = guest_programs::PSEUDO_CALLS.get(usize::from(number)).map_or("", |call| call.name);
    match name {
        "syz_clone" | "syz_clone3" | "syz_execute_func" => Dirt::Process,
        _ => Dirt::Nothing,
    }
}

impl Hand {
    /// The calling thread, the `number`th of its process.
    pub(crate) fn new(setup: &'static Setup, number: usize) -> Self {
        let device = setup.devices.get(number).copied();
        let device = device.or_else(|| setup.has_coverage().then(Device::open).flatten());
        let mut kcov = device.map(Kcov::new);
        let traced = kcov.as_mut().is_some_and(|kcov| kcov.trace(Mode::Places));
        Self {
            setup,
            thread: sys::call3(nr::GETTID, 0, 0, 0),
            kcov,
            traced,
            seen: Seen::new(),
            edges: Vec::new(),
            comparisons: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// Makes a call.
    pub(crate) fn make(&mut self, job: &Job, call: &CallStep) -> Made {
        let mut arguments = [0; MAXIMUM_ARGUMENTS];
        for (place, value) in arguments.iter_mut().zip(&call.call.arguments) {
            *place = job.value(value);
        }
        let mode = if job.options.comparisons { Mode::Comparisons } else { Mode::Places };
        self.traced = self.kcov.as_mut().is_some_and(|kcov| kcov.trace(mode));
        let mut made = Made {
            arguments,
            result: -sys::ENOSYS,
            cycles: 0,
            injected: false,
            missing: false,
            mappings: Vec::new(),
        };
        let fault = (call.call.fail_nth > 0).then(|| FailNth::set(call.call.fail_nth)).flatten();
        if let Some(kcov) = &self.kcov {
            kcov.reset();
        }
        let start = sys::cycles();
        self.once(call, &mut made);
        made.cycles = sys::cycles().saturating_sub(start);
        if let Some(fault) = fault {
            made.injected = fault.was_injected();
        }
        for _ in 0..call.call.rerun.min(1000) {
            let mut again = Made { mappings: Vec::new(), ..made };
            self.once(call, &mut again);
            made.mappings.append(&mut again.mappings);
        }
        made
    }

    fn once(&self, call: &CallStep, made: &mut Made) {
        let arguments = made.arguments;
        let six = std::array::from_fn(|at| arguments[at]);
        made.result = match call.call.number {
            Number::Kernel(dirt::EXIT) => sys::call(nr::EXIT_GROUP, six),
            Number::Kernel(number) if dirt::FORKS.contains(&number) => {
                sys::fork_call(u64::from(number), six, child_must_end(number, &six))
            }
            Number::Kernel(number) => sys::call(u64::from(number), six),
            Number::Pseudo(number) => match pseudo::find(number) {
                Some(run) => run(&arguments, &self.setup.surroundings, &mut made.mappings),
                None => {
                    made.missing = true;
                    -sys::ENOSYS
                }
            },
        };
    }

    /// The record of a call, as bytes.
    pub(crate) fn record(
        &mut self,
        job: &Job,
        call: &CallStep,
        made: &Made,
        outcome: Outcome,
    ) -> &[u8] {
        self.edges.clear();
        self.comparisons.clear();
        let mut cut = false;
        if let Some(kcov) = self.kcov.as_ref().filter(|_| self.traced) {
            let region = self.setup.region;
            if job.options.comparisons {
                cut = kcov.comparisons(&mut self.comparisons);
            } else if job.options.coverage {
                let only_new = job.options.only_new;
                cut = kcov.edges(&mut self.seen, &mut self.edges, |edge| {
                    !only_new || !region.is_known(edge.signal())
                });
            }
        }
        let failed = made.failed();
        let errno = match (failed, call.call.flags.ignore_return) {
            (true, false) => u32::try_from(-made.result).unwrap_or(0),
            (true, true) => sys::EINVAL as u32,
            (false, _) => 0,
        };
        self.bytes.clear();
        Record {
            call: call.index,
            outcome,
            errno,
            result: if failed { u64::MAX } else { made.result as u64 },
            duration: u32::try_from(made.cycles / self.setup.speed.max(1)).unwrap_or(u32::MAX),
            injected: made.injected,
            cut,
            edges: &self.edges,
            comparisons: &self.comparisons,
        }
        .encode(&mut self.bytes);
        &self.bytes
    }

    /// The record of what others did for the program.
    pub(crate) fn remote_record(setup: &Setup, job: &Job, kcov: &Kcov, seen: &mut Seen) -> Vec<u8> {
        let mut edges = Vec::new();
        let only_new = job.options.only_new;
        let cut =
            kcov.edges(seen, &mut edges, |edge| !only_new || !setup.region.is_known(edge.signal()));
        let mut bytes = Vec::new();
        Record {
            call: REMOTE,
            outcome: Outcome::Done,
            errno: 0,
            result: 0,
            duration: 0,
            injected: false,
            cut,
            edges: &edges,
            comparisons: &[],
        }
        .encode(&mut bytes);
        bytes
    }
}

/// A parent that waits for its child would wait for ever.
fn child_must_end(number: u32, arguments: &[u64; 6]) -> bool {
    const CLONE_VFORK: u64 = 0x4000;
    let flags = match u64::from(number) {
        nr::VFORK => return true,
        nr::CLONE => arguments[0],
        nr::CLONE3 => {
            let mut flags = [0; 8];
            sys::copy_out(arguments[0], &mut flags);
            u64::from_le_bytes(flags)
        }
        _ => 0,
    };
    flags & CLONE_VFORK != 0
}

/// The thread's `fail-nth` (Documentation/fault-injection/fault-injection.rst).
struct FailNth(i64);

impl FailNth {
    fn set(nth: u32) -> Option<Self> {
        let file = sys::open(c"/proc/thread-self/fail-nth", 0o2_000_002, 0);
        if file < 0 {
            return None;
        }
        let text = nth.to_string();
        let file = Self(sys::hide(file));
        sys::call3(nr::WRITE, file.0 as u64, text.as_ptr() as u64, text.len() as u64);
        Some(file)
    }

    /// The number has come down to 0 if the failure was injected.
    fn was_injected(self) -> bool {
        const PREAD64: u64 = 17;
        let mut text = [0_u8; 16];
        let arguments = [self.0 as u64, text.as_mut_ptr() as u64, 16, 0, 0, 0];
        let read = sys::call(PREAD64, arguments);
        sys::call3(nr::WRITE, self.0 as u64, c"0".as_ptr() as u64, 1);
        sys::call3(nr::CLOSE, self.0 as u64, 0, 0);
        std::sync::atomic::fence(Ordering::SeqCst);
        read > 0 && text[0] == b'0'
    }
}
