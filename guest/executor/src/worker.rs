//! The process that runs programs, one after the other, until one of them has changed it.
//!
//! One thread, the driver, goes through the programs and makes the calls itself: no call costs a switch
//! of threads. The first thread of the process watches. When a call sleeps or takes too long, the watch
//! makes another thread the driver; the old one tells how its call ended when it ends, and waits for work.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use guest_programs::{DATA_BASE, DATA_SIZE, End, GuestLane, Outcome, Request, requests};

use crate::hand::{Hand, Made};
use crate::job::{CallStep, InFlight, Job, Step, lock};
use crate::kcov::{Kcov, Seen};
use crate::lane::Setup;
use crate::scratch::Scratch;
use crate::{home, pseudo, sys};

/// Threads that make calls, at most.
const MOST_THREADS: usize = 16;
/// Between two looks of the watch.
const TICK: Duration = Duration::from_millis(4);
/// How often a call must be found asleep before it is left.
const ASLEEP: u32 = 2;
/// How long a thread may take to come out of its call after it was signalled, in microseconds.
const OUT: u64 = 60_000;
/// Between two looks for a batch.
const POLL: Duration = Duration::from_micros(400);
/// Programs after which a process is given up in any case.
const MOST_PROGRAMS: u32 = 2000;

/// A batch that runs.
struct Batch {
    slot: u32,
    requests: Vec<Request>,
}

enum Task {
    /// Be the driver of this epoch.
    Drive(u32),
    /// Make the call of a step.
    Call(Arc<Job>, usize, Arc<AtomicI64>),
}

#[derive(Default)]
struct State {
    batch: Option<Arc<Batch>>,
    job: Option<Arc<Job>>,
    tasks: VecDeque<Task>,
    idle: usize,
    threads: usize,
    programs: u32,
}

/// What the threads of the process share.
pub(crate) struct World {
    pub(crate) setup: &'static Setup,
    lane: GuestLane<'static>,
    scratch: Scratch,
    /// Epoch of the driver in the high half; in the low half the number of the step it calls from, plus
    /// one, or 0 when it makes no call.
    phase: AtomicU64,
    /// When the call began, and after how many cycles it is left.
    since: AtomicU64,
    limit: AtomicU64,
    /// The call said itself that it takes long.
    patient: AtomicBool,
    driver: AtomicI64,
    state: Mutex<State>,
    wake: Condvar,
    recording: Mutex<()>,
    remote: Mutex<Option<(Kcov, Seen)>>,
}

/// Runs programs until the process must end.
pub(crate) fn run(setup: &'static Setup, lane: GuestLane<'static>, scratch: Scratch) -> ! {
    sys::catch_signals();
    // What programs print goes nowhere.
    sys::call3(sys::nr::DUP2, setup.null as u64, 2, 0);
    map_data();
    let remote = setup.remote.map(Kcov::new).and_then(|mut kcov| {
        // Threads that are started from here on belong to it.
        kcov.trace_remote(u64::from(setup.lane) + 1).then(|| (kcov, Seen::new()))
    });
    let world: &'static World = Box::leak(Box::new(World {
        setup,
        lane,
        scratch,
        phase: AtomicU64::new(0),
        since: AtomicU64::new(0),
        limit: AtomicU64::new(0),
        patient: AtomicBool::new(false),
        driver: AtomicI64::new(0),
        state: Mutex::default(),
        wake: Condvar::new(),
        recording: Mutex::new(()),
        remote: Mutex::new(remote),
    }));
    while !world.give(Task::Drive(0)) {
        std::thread::sleep(TICK);
    }
    world.watch()
}

/// The programs' data area, empty, between two pages that nobody may touch.
fn map_data() {
    const PAGE: u64 = 4096;
    let fixed = sys::PRIVATE | sys::ANONYMOUS | sys::FIXED;
    let length = u64::from(DATA_SIZE);
    sys::map(DATA_BASE - PAGE, PAGE, 0, fixed, -1);
    sys::map(DATA_BASE, length, sys::READ_WRITE_EXECUTE, fixed, -1);
    sys::map(DATA_BASE + length, PAGE, 0, fixed, -1);
}

fn end_process(status: u64) -> ! {
    loop {
        sys::call3(sys::nr::EXIT_GROUP, status, 0, 0);
    }
}

impl World {
    fn cycles(&self, microseconds: u64) -> u64 {
        microseconds.saturating_mul(self.setup.speed)
    }

    /// Gives a task to a thread; starts one if all are busy. False if there are too many.
    fn give(&'static self, task: Task) -> bool {
        let mut state = lock(&self.state);
        if state.idle > state.tasks.len() {
            state.tasks.push_back(task);
            self.wake.notify_one();
            return true;
        }
        if state.threads >= MOST_THREADS {
            return false;
        }
        let number = state.threads;
        state.tasks.push_back(task);
        state.threads += 1;
        let thread = std::thread::Builder::new().stack_size(256 * 1024);
        if thread.spawn(move || self.serve(number)).is_err() {
            // The kernel starts none while another thread is in execve.
            state.threads -= 1;
            state.tasks.pop_back();
            return false;
        }
        true
    }

    /// The life of a thread that makes calls.
    fn serve(&'static self, number: usize) {
        let mut hand = Hand::new(self.setup, number);
        loop {
            let mut state = lock(&self.state);
            state.idle += 1;
            let task = loop {
                if let Some(task) = state.tasks.pop_front() {
                    break task;
                }
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            };
            state.idle -= 1;
            drop(state);
            match task {
                Task::Drive(epoch) => self.drive(&mut hand, epoch),
                Task::Call(job, step, thread) => {
                    thread.store(hand.thread, Ordering::Release);
                    if let Some(Step::Call(call)) = job.steps.get(step) {
                        let made = hand.make(&job, call);
                        self.came_back(&mut hand, &job, step, call, &made, Outcome::Done);
                    }
                }
            }
        }
    }

    /// The driver: one program after the other, until another thread has its place.
    fn drive(&'static self, hand: &mut Hand, epoch: u32) {
        self.driver.store(hand.thread, Ordering::Release);
        let job = lock(&self.state).job.clone();
        if let Some(job) = job {
            if !self.go_through(hand, epoch, &job) {
                return;
            }
            self.end_program(&job);
        }
        loop {
            let batch = self.batch();
            let number = self.lane.replies(batch.slot) as u32 + 1;
            let Some(request) = batch.requests.get(number as usize - 1) else {
                lock(&self.state).batch = None;
                self.lane.finish(batch.slot);
                continue;
            };
            let Some(job) = self.begin_program(batch.slot, number, request) else { continue };
            if !self.go_through(hand, epoch, &job) {
                return;
            }
            self.end_program(&job);
        }
    }

    /// The batch to work on; waits for one.
    fn batch(&self) -> Arc<Batch> {
        if let Some(batch) = &lock(&self.state).batch {
            return Arc::clone(batch);
        }
        loop {
            if let Some(slot) = self.lane.next_slot() {
                // What is no batch has no programs.
                let requests = self.lane.batch(slot).ok().and_then(|bytes| requests(&bytes).ok());
                let requests = requests.unwrap_or_default();
                let batch = Arc::new(Batch { slot, requests });
                lock(&self.state).batch = Some(Arc::clone(&batch));
                return batch;
            }
            self.lane.beat();
            std::thread::sleep(POLL);
        }
    }

    fn begin_program(&self, slot: u32, number: u32, request: &Request) -> Option<Arc<Job>> {
        let mut state = lock(&self.state);
        if (request.options.fresh && state.programs > 0) || state.programs >= MOST_PROGRAMS {
            end_process(0);
        }
        state.programs += 1;
        let time = u64::from(request.program_time) * 1000;
        self.scratch.begin(slot, number, request.id, time);
        match Job::new(slot, number, request) {
            Ok(job) => {
                let job = Arc::new(job);
                state.job = Some(Arc::clone(&job));
                Some(job)
            }
            Err(_) => {
                self.scratch.finish(End::Malformed, false);
                None
            }
        }
    }

    /// Goes through a program from where it is. False if another thread does so now.
    fn go_through(&'static self, hand: &mut Hand, epoch: u32, job: &Arc<Job>) -> bool {
        loop {
            let at = job.next.fetch_add(1, Ordering::AcqRel);
            let Some(step) = job.steps.get(at) else { return true };
            let Step::Call(call) = step else {
                job.put(step);
                continue;
            };
            self.lane.running(job.slot, job.number, u32::from(call.index) + 1);
            let last = call.index + 1 == job.calls;
            if call.call.flags.asynchronous && !last && self.hand_over(job, at) {
                continue;
            }
            let limit = u64::from(job.call_time) + u64::from(call.call.timeout);
            self.limit.store(self.cycles(limit * 1000), Ordering::Relaxed);
            self.patient.store(call.call.timeout > 0, Ordering::Relaxed);
            self.since.store(sys::cycles(), Ordering::Relaxed);
            let out = u64::from(epoch) << 32;
            let within = out | (at as u64 + 1);
            self.phase.store(within, Ordering::Release);
            let made = hand.make(job, call);
            let mine =
                self.phase.compare_exchange(within, out, Ordering::AcqRel, Ordering::Acquire);
            if mine.is_err() {
                self.came_back(hand, job, at, call, &made, Outcome::Late);
                return false;
            }
            self.note(hand, job, call, &made, Outcome::Done);
        }
    }

    /// Has another thread make a call. False if there are too many.
    fn hand_over(&'static self, job: &Arc<Job>, step: usize) -> bool {
        let thread = Arc::new(AtomicI64::new(0));
        lock(&job.in_flight).push(InFlight {
            step,
            thread: Arc::clone(&thread),
            since: sys::cycles(),
            asleep: 0,
            signalled: (0, 0),
        });
        let given = self.give(Task::Call(Arc::clone(job), step, thread));
        if !given {
            lock(&job.in_flight).retain(|call| call.step != step);
        }
        given
    }

    /// A call that another thread than the driver made has ended.
    fn came_back(
        &self,
        hand: &mut Hand,
        job: &Job,
        step: usize,
        call: &CallStep,
        made: &Made,
        outcome: Outcome,
    ) {
        let mut in_flight = lock(&job.in_flight);
        let place = in_flight.iter().position(|call| call.step == step);
        let signalled = place.is_some_and(|place| in_flight[place].signalled.0 != 0);
        let outcome = if signalled { Outcome::Blocked } else { outcome };
        // Still under the lock: the program's end waits for what is in flight.
        self.note(hand, job, call, made, outcome);
        if let Some(place) = place {
            in_flight.swap_remove(place);
        }
    }

    /// Writes down how a call ended, and keeps what later ones need.
    fn note(&self, hand: &mut Hand, job: &Job, call: &CallStep, made: &Made, outcome: Outcome) {
        let missing = made.missing;
        let outcome = if missing { Outcome::Missing } else { outcome };
        let bytes = hand.record(job, call, made, outcome);
        let _one = lock(&self.recording);
        if !job.open.load(Ordering::Acquire) {
            return;
        }
        self.scratch.record(bytes);
        made.leave(job, call);
    }

    /// After the last call: others are waited for, the reply is shown, the process is made clean or ends.
    fn end_program(&self, job: &Arc<Job>) {
        let settled = self.settle(job);
        if job.options.remote {
            self.record_remote(job);
        }
        {
            let _one = lock(&self.recording);
            job.open.store(false, Ordering::Release);
        }
        lock(&self.state).job = None;
        let left = lock(&job.left);
        let dirty = !settled || left.needs_new_process();
        self.scratch.finish(End::Finished, dirty);
        if dirty || !self.clean(&left) {
            end_process(0);
        }
    }

    /// Waits for calls in other threads, and gets them out of what blocks. False if some stay.
    fn settle(&self, job: &Arc<Job>) -> bool {
        let limit = self.cycles(u64::from(job.call_time) * 1000);
        loop {
            {
                let mut in_flight = lock(&job.in_flight);
                if in_flight.is_empty() {
                    return true;
                }
                let now = sys::cycles();
                let mut stuck = false;
                for call in in_flight.iter_mut() {
                    stuck |= self.press(call, now, limit);
                }
                if stuck {
                    return false;
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Signals a call that sleeps or has had its time. True if that has not helped.
    fn press(&self, call: &mut InFlight, now: u64, limit: u64) -> bool {
        let thread = call.thread.load(Ordering::Acquire);
        let age = now.saturating_sub(call.since);
        if thread == 0 {
            return age > limit.saturating_add(self.cycles(OUT));
        }
        let (last, first) = call.signalled;
        if first != 0 && now.saturating_sub(first) > self.cycles(OUT) {
            return true;
        }
        if pseudo::thread_state(&pseudo::proc_stat(thread)) == Some(b'S') {
            call.asleep += 1;
        }
        let due = first == 0 || now.saturating_sub(last) > self.cycles(OUT / 6);
        if due && (call.asleep >= ASLEEP || age > limit) {
            let first = if first == 0 { now } else { first };
            call.signalled = (now, first);
            let process = sys::call3(sys::nr::GETPID, 0, 0, 0) as u64;
            sys::call3(sys::nr::TGKILL, process, thread as u64, sys::SIGNAL_OUT);
        }
        false
    }

    fn record_remote(&self, job: &Job) {
        let mut remote = lock(&self.remote);
        let Some((kcov, seen)) = remote.as_mut() else { return };
        if job.steps.iter().any(|step| matches!(step, Step::Call(c) if c.call.flags.remote)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let bytes = Hand::remote_record(self.setup, job, kcov, seen);
        kcov.reset();
        let _one = lock(&self.recording);
        self.scratch.record(&bytes);
    }

    /// Makes the process fit for the next program. False if it cannot be.
    fn clean(&self, left: &crate::job::Left) -> bool {
        use sys::nr;
        const MADV_DONTNEED: u64 = 4;
        const MADVISE: u64 = 28;
        sys::call3(nr::CLOSE_RANGE, 3, sys::FIRST_HIDDEN - 1, 0);
        if left.files {
            for standard in 0..3 {
                if sys::call3(nr::DUP2, self.setup.null as u64, standard, 0) < 0 {
                    return false;
                }
            }
            if sys::call3(nr::FCHDIR, self.setup.home as u64, 0, 0) < 0 {
                return false;
            }
        }
        if left.data {
            map_data();
        } else {
            let length = u64::from(DATA_SIZE);
            sys::call3(MADVISE, DATA_BASE, length, MADV_DONTNEED);
        }
        for (at, length) in &left.mappings {
            sys::call3(nr::MUNMAP, *at, *length, 0);
        }
        home::clean(self.setup.home)
    }

    /// The watch: looks at the driver now and then.
    fn watch(&'static self) -> ! {
        let mut last = (0, 0, 0);
        loop {
            std::thread::sleep(TICK);
            self.lane.beat();
            if self.scratch.is_late(0) {
                self.scratch.time_out();
                end_process(0);
            }
            let phase = self.phase.load(Ordering::Acquire);
            if phase as u32 == 0 {
                continue;
            }
            let since = self.since.load(Ordering::Relaxed);
            if (last.0, last.1) != (phase, since) {
                last = (phase, since, 0);
                continue;
            }
            let thread = self.driver.load(Ordering::Acquire);
            if pseudo::thread_state(&pseudo::proc_stat(thread)) == Some(b'S') {
                last.2 += 1;
            }
            let long = sys::cycles().saturating_sub(since) > self.limit.load(Ordering::Relaxed);
            let asleep = last.2 >= ASLEEP && !self.patient.load(Ordering::Relaxed);
            if long || asleep {
                self.replace_driver(phase, since, thread);
            }
        }
    }

    fn replace_driver(&'static self, phase: u64, since: u64, thread: i64) {
        let Some(job) = lock(&self.state).job.clone() else { return };
        let epoch = (phase >> 32) as u32 + 1;
        {
            let mut in_flight = lock(&job.in_flight);
            let out = u64::from(epoch) << 32;
            let taken =
                self.phase.compare_exchange(phase, out, Ordering::AcqRel, Ordering::Acquire);
            if taken.is_err() {
                return;
            }
            in_flight.push(InFlight {
                step: phase as u32 as usize - 1,
                thread: Arc::new(AtomicI64::new(thread)),
                since,
                asleep: 0,
                signalled: (0, 0),
            });
        }
        while !self.give(Task::Drive(epoch)) {
            // All threads hang in calls, or one cannot be started just now.
            if self.scratch.is_late(0) {
                self.scratch.time_out();
                end_process(0);
            }
            std::thread::sleep(TICK);
            self.lane.beat();
        }
    }
}
