//! A guest that runs programs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use analysis_identity::read_log;
use app_lab::{Phase, emulator_error};
use guest_programs::{HostLane, Layout, Region, RegionError, Reply, Request, batch, replies};
use io_vm::{Event, Machine, Settings, SharedMemory, VmError};

use crate::error::GuestError;
use crate::loss::{Cause, Loss, Running};

/// A guest that runs programs. It ends when it is dropped.
pub struct Guest {
    machine: Machine,
    shared: Arc<SharedMemory>,
    layout: Layout,
    settings: Settings,
    lanes: Vec<Lane>,
    /// Where the console stood at the snapshot, and how far it has been looked through.
    console: (u64, u64),
    /// Replies that were read and not yet given out.
    ready: Vec<Reply>,
    lost: bool,
}

struct Lane {
    host: HostLane,
    slots: Vec<Option<Batch>>,
}

/// A batch that a slot holds.
struct Batch {
    requests: Vec<Request>,
    replied: usize,
    /// When something was last heard of it.
    heard: Instant,
    progress: (u64, (u32, u32)),
    limit: Duration,
}

/// Between two looks at the shared memory.
const POLL: Duration = Duration::from_micros(300);
/// What a program may take beyond its own time before the guest is given up.
const GRACE: Duration = Duration::from_secs(40);
/// How long the rest of a report may take to arrive, and a guest to answer an interrupt that cannot be
/// masked.
const REST: Duration = Duration::from_millis(1500);
/// How much of what was looked through is looked at again, for a report that began in it.
const AGAIN: u64 = 4096;

impl Guest {
    pub(crate) fn new(
        machine: Machine,
        shared: Arc<SharedMemory>,
        layout: Layout,
        settings: Settings,
    ) -> Result<Self, GuestError> {
        let start = machine.records().console_length();
        let region = Region::open(shared.words())?;
        let lanes = (0..layout.lanes)
            .map(|lane| {
                let slots = (0..layout.slots).map(|_| None).collect();
                Ok(Lane { host: region.host_lane(lane)?, slots })
            })
            .collect::<Result<_, RegionError>>()?;
        let (console, ready) = ((start, start), Vec::new());
        Ok(Self { machine, shared, layout, settings, lanes, console, ready, lost: false })
    }

    /// Marks a signal (`guest_programs::signal`) as known: programs that ask for new edges only do not get
    /// it again.
    pub fn know(&self, signal: u32) {
        if let Ok(region) = Region::open(self.shared.words()) {
            region.know(signal);
        }
    }

    /// How many batches can be submitted now.
    pub fn free(&self) -> usize {
        if self.lost {
            return 0;
        }
        self.lanes.iter().flat_map(|lane| &lane.slots).filter(|slot| slot.is_none()).count()
    }

    /// How many programs are submitted and not yet replied to.
    pub fn pending(&self) -> usize {
        let batches = self.lanes.iter().flat_map(|lane| lane.slots.iter().flatten());
        batches.map(|batch| batch.requests.len() - batch.replied).sum()
    }

    /// Bytes of programs that one batch can hold.
    pub const fn room(&self) -> usize {
        self.layout.requests as usize - 64
    }

    /// Gives a batch to the lane that has least to do.
    ///
    /// # Errors
    /// The batch itself when there is no free slot or it is too long; see [`Guest::free`].
    pub fn submit(&mut self, requests: Vec<Request>) -> Result<(), Vec<Request>> {
        if requests.is_empty() {
            return Ok(());
        }
        let work = |lane: &Lane| lane.slots.iter().flatten().count();
        let free = |lane: &Lane| lane.slots.iter().position(Option::is_none);
        let open = self.lanes.iter_mut().filter(|lane| free(lane).is_some());
        let Some(lane) = open.min_by_key(|lane| work(lane)) else { return Err(requests) };
        let Some(slot) = free(lane) else { return Err(requests) };
        let Ok(region) = Region::open(self.shared.words()) else { return Err(requests) };
        if self.lost || lane.host.post(&region, slot as u32, &batch(&requests)).is_err() {
            return Err(requests);
        }
        let longest = requests.iter().map(|request| request.program_time).max().unwrap_or(0);
        lane.slots[slot] = Some(Batch {
            requests,
            replied: 0,
            heard: Instant::now(),
            progress: (0, (0, 0)),
            limit: Duration::from_millis(u64::from(longest)) + GRACE,
        });
        Ok(())
    }

    /// Replies as they come; waits for the first up to `wait`.
    ///
    /// # Errors
    /// When the guest is lost. It takes nothing more then.
    pub fn replies(&mut self, wait: Duration) -> Result<Vec<Reply>, Box<Loss>> {
        let deadline = Instant::now() + wait;
        loop {
            if let Err(reason) = self.look() {
                return Err(self.lose(Cause::Broken(reason)));
            }
            if self.lanes.iter().flat_map(|lane| lane.slots.iter().flatten()).any(Batch::is_stuck) {
                return Err(self.lose_stuck());
            }
            if !self.ready.is_empty() {
                self.listen(Instant::now())?;
                return Ok(std::mem::take(&mut self.ready));
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(Vec::new());
            }
            self.listen((now + POLL).min(deadline))?;
        }
    }

    /// Runs programs, on all lanes, and returns their replies in the order of the programs.
    ///
    /// # Errors
    /// When the guest is lost.
    pub fn run(&mut self, requests: Vec<Request>) -> Result<Vec<Reply>, Box<Loss>> {
        let order: Vec<u64> = requests.iter().map(|request| request.id).collect();
        let mut waiting: std::collections::VecDeque<Request> = requests.into();
        let mut all = Vec::new();
        while !waiting.is_empty() || self.pending() > 0 {
            while self.free() > 0 && !waiting.is_empty() {
                let share = waiting.len().div_ceil(self.lanes.len()).min(64);
                let mut length = 0;
                let fits = |request: &Request, length: &mut usize| {
                    *length += request.length();
                    *length <= self.room()
                };
                let count = waiting.iter().take(share).take_while(|r| fits(r, &mut length)).count();
                let batch: Vec<Request> = waiting.drain(..count.max(1)).collect();
                if let Err(batch) = self.submit(batch) {
                    // Too long for any slot: it is answered here.
                    all.extend(batch.iter().map(|request| Reply {
                        id: request.id,
                        end: guest_programs::End::Malformed,
                        duration: 0,
                        begun: 0,
                        cut: false,
                        dirty: false,
                        calls: Vec::new(),
                    }));
                }
            }
            match self.replies(Duration::from_millis(50)) {
                Ok(more) => all.extend(more),
                Err(mut loss) => {
                    all.append(&mut loss.replies);
                    loss.replies = all;
                    loss.waiting.extend(waiting);
                    return Err(loss);
                }
            }
        }
        let place = |reply: &Reply| order.iter().position(|id| *id == reply.id);
        all.sort_by_key(place);
        Ok(all)
    }

    /// The console since the snapshot.
    pub fn console(&self) -> Vec<u8> {
        self.machine.records().console_since(self.console.0)
    }

    /// What the executor printed, for those who look for its mistakes.
    pub fn words(&self) -> Vec<u8> {
        self.machine.records().error().bytes()
    }

    /// The memory that it shares with us.
    pub fn shared(&self) -> &SharedMemory {
        &self.shared
    }

    /// QEMU's process number.
    pub fn process_id(&self) -> u32 {
        self.machine.process_id()
    }

    /// Reads what the lanes have replied.
    fn look(&mut self) -> Result<(), String> {
        let region = Region::open(self.shared.words()).map_err(|error| error.to_string())?;
        for lane in &mut self.lanes {
            for slot in 0..lane.slots.len() {
                let Some(batch) = &mut lane.slots[slot] else { continue };
                let error = |error: &dyn std::fmt::Display| error.to_string();
                let number = slot as u32;
                let progress =
                    lane.host.progress(&region, number).map_err(|reason| error(&reason))?;
                let heard = (progress.replies, progress.begun);
                if heard == batch.progress && !progress.done {
                    continue;
                }
                batch.heard = Instant::now();
                batch.progress = heard;
                let bytes = lane.host.take(&region, number).map_err(|reason| error(&reason))?;
                let read = replies(&bytes).map_err(|reason| error(&reason))?;
                for reply in read {
                    let skipped = batch.accept(&reply)?;
                    self.ready.extend(batch.requests[skipped].iter().map(unanswered));
                    self.ready.push(reply);
                }
                if progress.done {
                    // Replies for which there was no room.
                    for request in &batch.requests[batch.replied..] {
                        self.ready.push(unanswered(request));
                    }
                    lane.slots[slot] = None;
                }
            }
        }
        Ok(())
    }

    /// Hears what the machine has to say until `until`.
    fn listen(&mut self, until: Instant) -> Result<(), Box<Loss>> {
        loop {
            let event = match self.machine.next_event(until) {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(()),
                Err(error) => return Err(self.lose(Cause::Broken(error.to_string()))),
            };
            match event {
                Event::Console => {
                    if self.console_reports() {
                        self.wait_for_rest();
                        return Err(self.lose_by_console(None));
                    }
                }
                Event::Shutdown(reason) | Event::Ended(reason) => {
                    self.wait_for_rest();
                    return Err(self.lose_by_console(Some(Cause::Ended(reason))));
                }
                Event::LinkLost(reason) => {
                    self.wait_for_rest();
                    return Err(self.lose_by_console(Some(Cause::Broken(reason))));
                }
                Event::Exited { .. } => {
                    let words = String::from_utf8_lossy(&self.words()).into_owned();
                    let reason = format!("the executor ended: {}", words.trim());
                    return Err(self.lose_by_console(Some(Cause::Broken(reason))));
                }
                Event::Ready(_) | Event::Answer { .. } => {}
            }
        }
    }

    /// Whether what is new on the console has a report in it.
    fn console_reports(&mut self) -> bool {
        let from = self.console.1.saturating_sub(AGAIN).max(self.console.0);
        let new = self.machine.records().console_since(from);
        self.console.1 = from + new.len() as u64;
        read_log(&new).reports.iter().any(|report| report.suppressed.is_none())
    }

    /// Lets the console come to an end.
    fn wait_for_rest(&mut self) {
        let deadline = Instant::now() + REST;
        loop {
            match self.machine.next_event(deadline) {
                Ok(Some(Event::Ended(_))) => {
                    // QEMU is gone: what it had written is in the sockets.
                    let settled = Instant::now() + Duration::from_millis(50);
                    while let Ok(Some(_)) = self.machine.next_event(settled) {}
                    return;
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(VmError::Stopped | _) => return,
            }
        }
    }

    fn lose_stuck(&mut self) -> Box<Loss> {
        // The kernel tells where it is, if it can, and ends.
        let _ = self.machine.monitor("nmi");
        self.wait_for_rest();
        let mut loss = self.lose_by_console(Some(Cause::Hung));
        if matches!(&loss.cause, Cause::Crashed(reports) if reports.is_empty()) {
            loss.cause = Cause::Hung;
        }
        loss
    }

    /// The loss by what the console says, or else by `otherwise`.
    fn lose_by_console(&mut self, otherwise: Option<Cause>) -> Box<Loss> {
        let console = self.console();
        let mut reports = read_log(&console).reports;
        reports.retain(|report| report.suppressed.is_none());
        let cause = match (emulator_error(&self.settings, &console, Phase::Run), otherwise) {
            (Some(words), _) => Cause::Emulator(words),
            (None, Some(otherwise)) if reports.is_empty() => otherwise,
            (None, _) => Cause::Crashed(reports),
        };
        self.lose(cause)
    }

    fn lose(&mut self, cause: Cause) -> Box<Loss> {
        // What was replied before the end counts.
        let _ = self.look();
        self.lost = true;
        let mut loss = Box::new(Loss {
            cause,
            console: self.console(),
            replies: std::mem::take(&mut self.ready),
            running: Vec::new(),
            waiting: Vec::new(),
        });
        for (number, lane) in (0..).zip(&mut self.lanes) {
            for batch in lane.slots.iter_mut().filter_map(Option::take) {
                let (program, calls) = batch.progress.1;
                let mut left = batch.requests.into_iter().skip(batch.replied);
                if program as usize == batch.replied + 1
                    && let Some(request) = left.next()
                {
                    loss.running.push(Running { request, calls, lane: number });
                }
                loss.waiting.extend(left);
            }
        }
        self.machine.kill();
        loss
    }
}

impl Batch {
    fn is_stuck(&self) -> bool {
        self.heard.elapsed() > self.limit
    }

    /// Counts a reply, which must be to one of the requests that have none. Returns those before it, whose
    /// replies had no room.
    fn accept(&mut self, reply: &Reply) -> Result<std::ops::Range<usize>, String> {
        let rest = &self.requests[self.replied..];
        let Some(skipped) = rest.iter().position(|request| request.id == reply.id) else {
            return Err("the guest replies to what it was not asked".to_owned());
        };
        let first = self.replied;
        self.replied += skipped + 1;
        Ok(first..first + skipped)
    }
}

/// The reply of a program for whose reply there was no room.
fn unanswered(request: &Request) -> Reply {
    const ENOBUFS: u32 = 105;
    Reply {
        id: request.id,
        end: guest_programs::End::NotRun { errno: ENOBUFS },
        duration: 0,
        begun: 0,
        cut: true,
        dirty: false,
        calls: Vec::new(),
    }
}
