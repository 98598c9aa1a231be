//! Programs that wait for a machine, and the answers to those who wait for them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use analysis_fuzz::{Program, Target};
use guest_programs::{End, Options, Reply, Request};

use crate::crash::Crash;
use crate::encode::encode;
use crate::machine::{Lost, Machine, Machines};

/// Most programs of a batch.
const BATCH: usize = 16;
/// Most bytes of the programs of a batch.
const BATCH_BYTES: usize = 1 << 20;
/// Programs that are remembered for a crash.
const HISTORY: usize = 400;
/// How long a machine is waited for at once.
const POLL: Duration = Duration::from_millis(20);
/// How long after a machine that could not be started the next one is tried.
const PAUSE: Duration = Duration::from_secs(2);
/// Machines in a row that could not be started before it is given up.
const FAILURES: u32 = 5;

struct Task {
    request: Request,
    program: Arc<Program>,
    answer: mpsc::Sender<Reply>,
}

/// What stands between those who want programs run and machines.
pub(crate) struct Pool {
    target: Arc<Target>,
    waiting: Mutex<VecDeque<Task>>,
    wake: Condvar,
    stopped: AtomicBool,
    next: AtomicU64,
    /// Signals in the order in which they became known.
    known: Mutex<Vec<u32>>,
    executed: AtomicU64,
    lost: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    pub(crate) fn new(target: Arc<Target>) -> Self {
        Self {
            target,
            waiting: Mutex::new(VecDeque::new()),
            wake: Condvar::new(),
            stopped: AtomicBool::new(false),
            next: AtomicU64::new(1),
            known: Mutex::new(Vec::new()),
            executed: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Whoever waits for an answer gets none: the sender is dropped.
        lock(&self.waiting).clear();
        self.wake.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Programs that came to an end, and machines that were lost.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.executed.load(Ordering::Relaxed), self.lost.load(Ordering::Relaxed))
    }

    /// Signals that machines need not tell again.
    pub(crate) fn know(&self, signals: &[u32]) {
        lock(&self.known).extend_from_slice(signals);
    }

    /// Runs programs. The answers are in their order; one is absent if the program cannot be encoded, if its machine
    /// was lost or all is stopped.
    pub(crate) fn run(&self, programs: &[(Arc<Program>, Options)]) -> Vec<Option<Reply>> {
        let (sender, receiver) = mpsc::channel();
        let mut places = HashMap::new();
        let mut tasks = Vec::new();
        for (place, (program, options)) in programs.iter().enumerate() {
            let Ok(bytes) = encode(&self.target, program) else { continue };
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            places.insert(id, place);
            tasks.push(Task {
                request: Request::new(id, *options, bytes),
                program: Arc::clone(program),
                answer: sender.clone(),
            });
        }
        drop(sender);
        let mut answers: Vec<Option<Reply>> = programs.iter().map(|_| None).collect();
        self.queue(tasks, false);
        while let Ok(reply) = receiver.recv() {
            let whole = !matches!(reply.end, End::Lost | End::Malformed | End::NotRun { .. });
            if let Some(place) = places.get(&reply.id)
                && whole
            {
                answers[*place] = Some(reply);
            }
        }
        answers
    }

    /// Lets programs wait for a machine, before all others or behind them. Once all is stopped they are dropped, so that
    /// nobody waits for their answers.
    fn queue(&self, tasks: Vec<Task>, first: bool) {
        let mut waiting = lock(&self.waiting);
        // Asked under the lock, under which `stop` clears what waits.
        if self.is_stopped() {
            return;
        }
        if first {
            for task in tasks.into_iter().rev() {
                waiting.push_front(task);
            }
        } else {
            waiting.extend(tasks);
        }
        self.wake.notify_all();
    }

    /// Some programs for a batch; waits for the first up to `wait`.
    fn take(&self, wait: Duration) -> Vec<Task> {
        let mut waiting = lock(&self.waiting);
        if waiting.is_empty() && !wait.is_zero() {
            let result = self.wake.wait_timeout(waiting, wait);
            waiting = result.unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut bytes = 0;
        let mut count = 0;
        for task in waiting.iter().take(BATCH) {
            bytes += task.request.program.len();
            if count > 0 && bytes > BATCH_BYTES {
                break;
            }
            count += 1;
        }
        waiting.drain(..count).collect()
    }

    /// Runs what waits on one machine after the other until all is stopped. Each crash is told to `on_crash`, which may take
    /// its time: the next machine is started after it.
    ///
    /// # Errors
    /// When machines cannot be started any more.
    pub(crate) fn drive(
        &self,
        machines: &dyn Machines,
        on_crash: &dyn Fn(Crash),
    ) -> Result<(), String> {
        let mut failures = 0;
        while !self.is_stopped() {
            let machine = match machines.start() {
                Ok(machine) => machine,
                Err(reason) => {
                    failures += 1;
                    if failures >= FAILURES {
                        self.stop();
                        return Err(reason);
                    }
                    let until = Instant::now() + PAUSE;
                    while Instant::now() < until && !self.is_stopped() {
                        std::thread::sleep(POLL);
                    }
                    continue;
                }
            };
            failures = 0;
            let mut driver = Driver {
                pool: self,
                machine,
                running: HashMap::new(),
                history: VecDeque::new(),
                known: 0,
            };
            if let Some(crash) = driver.drive() {
                self.lost.fetch_add(1, Ordering::Relaxed);
                if !crash.title.is_empty() && !self.is_stopped() {
                    on_crash(crash);
                }
            }
        }
        Ok(())
    }
}

struct Driver<'a> {
    pool: &'a Pool,
    machine: Box<dyn Machine>,
    running: HashMap<u64, Task>,
    history: VecDeque<Arc<Program>>,
    /// How many of the pool's known signals the machine has.
    known: usize,
}

impl Driver<'_> {
    /// Until the machine is lost or all is stopped. A crash without title is a failure of the machine.
    fn drive(&mut self) -> Option<Crash> {
        while !self.pool.is_stopped() {
            self.learn();
            while self.machine.free() > 0 {
                let wait = if self.running.is_empty() { POLL } else { Duration::ZERO };
                let tasks = self.pool.take(wait);
                if tasks.is_empty() {
                    break;
                }
                self.submit(tasks);
            }
            if self.running.is_empty() {
                continue;
            }
            match self.machine.replies(POLL) {
                Ok(replies) => self.answer(replies),
                Err(lost) => return Some(self.bury(*lost)),
            }
        }
        None
    }

    fn learn(&mut self) {
        let known = lock(&self.pool.known);
        for signal in &known[self.known..] {
            self.machine.know(*signal);
        }
        self.known = known.len();
    }

    fn submit(&mut self, tasks: Vec<Task>) {
        let requests = tasks.iter().map(|task| task.request.clone()).collect();
        if self.machine.submit(requests).is_err() {
            if tasks.len() == 1 {
                // Longer than any room: it is never answered.
                return;
            }
            let mut tasks = tasks;
            let half = tasks.split_off(tasks.len() / 2);
            self.pool.queue(half, true);
            return self.submit(tasks);
        }
        for task in tasks {
            self.history.push_back(Arc::clone(&task.program));
            if self.history.len() > HISTORY {
                self.history.pop_front();
            }
            self.running.insert(task.request.id, task);
        }
    }

    fn answer(&mut self, replies: Vec<Reply>) {
        for reply in replies {
            if let Some(task) = self.running.remove(&reply.id) {
                self.pool.executed.fetch_add(1, Ordering::Relaxed);
                // Who asked may be gone.
                drop(task.answer.send(reply));
            }
        }
    }

    fn bury(&mut self, lost: Lost) -> Crash {
        self.answer(lost.replies);
        let mut running = Vec::new();
        for (request, _) in &lost.running {
            if let Some(task) = self.running.remove(&request.id) {
                running.push(task.program);
            }
        }
        let mut again: Vec<Task> = self.running.drain().map(|(_, task)| task).collect();
        again.sort_by_key(|task| task.request.id);
        let never = |program: &Arc<Program>| {
            !again.iter().any(|task| Arc::ptr_eq(&task.program, program))
                && !running.iter().any(|other| Arc::ptr_eq(other, program))
        };
        let mut history: Vec<_> = self.history.drain(..).filter(never).collect();
        history.extend(running.iter().cloned());
        self.pool.queue(again, true);
        Crash { title: lost.title.unwrap_or_default(), log: lost.log, running, history }
    }
}

#[cfg(test)]
mod tests {
    use analysis_fuzz::{Constants, Descriptions, OWN, Reading, compile, read_program};
    use parse_syzlang::{parse, parse_constants, parse_program};

    use super::*;

    fn target() -> Target {
        let mut constants = Constants::default();
        let mut files = Vec::new();
        for (name, text) in OWN {
            if name.ends_with(".const") {
                constants.add(name, &parse_constants(text).unwrap());
            } else {
                files.push((name.to_owned(), parse(text).unwrap()));
            }
        }
        compile(&Descriptions::new(files).0, &constants, "amd64").0
    }

    #[test]
    fn nobody_waits_for_an_answer_once_all_is_stopped() {
        let target = Arc::new(target());
        let parsed = parse_program("getpid()\n").unwrap();
        let program = Arc::new(read_program(&target, &parsed, Reading::Strict).unwrap());
        for _ in 0..20 {
            let pool = Arc::new(Pool::new(Arc::clone(&target)));
            let (asker, asked) = (Arc::clone(&pool), Arc::clone(&program));
            let (sender, ended) = mpsc::channel::<()>();
            // As `stop` does it, while somebody is about to queue a program.
            let mut waiting = lock(&pool.waiting);
            std::thread::spawn(move || {
                asker.run(&[(asked, Options::default())]);
                drop(sender);
            });
            std::thread::sleep(Duration::from_millis(5));
            pool.stopped.store(true, Ordering::SeqCst);
            waiting.clear();
            drop(waiting);
            let end = ended.recv_timeout(Duration::from_secs(60));
            assert_eq!(end, Err(mpsc::RecvTimeoutError::Disconnected), "an answer is waited for");
        }
    }
}
