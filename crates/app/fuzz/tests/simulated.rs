//! The loop against a machine that is only pretended: a small kernel with a bug behind steps and magic numbers.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use analysis_fuzz::{
    CallId, Constants, Descriptions, Reading, Target, compile, read_program, write_call,
    write_program,
};
use app_fuzz::{
    Crash, Events, Found, Fuzzer, Lost, Machine, Machines, Settings, Store, Trials, encode, probe,
};
use guest_programs::{
    CallReply, Comparison, DATA_BASE, Edge, End, Instruction, Number, Outcome, Program, Reply,
    Request, Value,
};
use parse_syzlang::{parse, parse_constants, parse_program};

const CALLS: &str = "resource kite[int32]: -1\nresource line[int32]: -1\n\
    kite_open(size int32[0:7]) kite\nkite_tie(k kite, h ptr[in, knot]) line\nkite_pull(l line, how int32, force int64)\n\
    kite_look(k kite, out ptr[out, array[int8, 16]])\nkite_fold(k kite)\nkite_gone(k kite)\n\
    knot {\n\tmagic\tint32\n\tloops\tint16\n\tsize\tlen[rope, int16]\n\trope\tarray[int8]\n}\n";
const CONSTANTS: &str = "arches = amd64\n__NR_kite_open = 1\n__NR_kite_tie = 2\n__NR_kite_pull = 3\n__NR_kite_look = 4\n\
    __NR_kite_fold = 5\n__NR_kite_gone = 6\n";
const MAGIC: u64 = 0x6b17_e5ed;
const LOOPS: u64 = 0xbee5;
const FORCE: u64 = 0xfeed_f00d_0000_0011;

fn target() -> Target {
    let mut constants = Constants::default();
    constants.add("k.txt.const", &parse_constants(CONSTANTS).expect("reads"));
    let (all, _) = Descriptions::new(vec![("k.txt".to_owned(), parse(CALLS).expect("reads"))]);
    let (target, wrong) = compile(&all, &constants, "amd64");
    assert!(wrong.is_empty(), "{wrong:?}");
    target
}

fn all(target: &Target) -> BTreeSet<CallId> {
    (0..).map(CallId).take(target.calls().len()).collect()
}

/// How the pretended kernel fares with a program.
#[derive(Default)]
struct Kernel {
    memory: Vec<u8>,
    results: Vec<Option<u64>>,
    kites: u64,
    lines: u64,
}

/// What a call did: result or errno, places, pairs that were compared.
type Done = (Result<u64, u32>, Vec<u32>, Vec<(u64, u64)>);

impl Kernel {
    fn value(&self, value: &Value) -> u64 {
        match value {
            Value::Constant { value, .. } => *value,
            Value::Pointer(at) => DATA_BASE + u64::from(*at),
            Value::Result { index, default, .. } => {
                self.results.get(usize::from(*index)).copied().flatten().unwrap_or(*default)
            }
        }
    }

    fn read(&self, at: u64, size: usize) -> Option<u64> {
        let at = usize::try_from(at.checked_sub(DATA_BASE)?).ok()?;
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(self.memory.get(at..at + size)?);
        Some(u64::from_le_bytes(bytes))
    }

    /// Nothing if the kernel dies.
    fn call(&mut self, number: u32, arguments: &[u64]) -> Option<Done> {
        let get = |index: usize| arguments.get(index).copied().unwrap_or(0);
        let kite = (11..=10 + self.kites).contains(&get(0));
        let (mut places, mut compared) = (vec![number * 100], Vec::new());
        let result = match number {
            1 => {
                places.push(101 + u32::try_from(get(0) & 7).unwrap_or(0));
                self.kites += 1;
                Ok(10 + self.kites)
            }
            2 if kite => {
                let read = (self.read(get(1), 4), self.read(get(1).wrapping_add(4), 2));
                let (Some(magic), Some(loops)) = read else {
                    return Some((Err(14), places, compared));
                };
                places.push(201);
                compared.push((MAGIC, magic));
                if magic == MAGIC {
                    places.push(202);
                    compared.push((LOOPS, loops));
                }
                if magic == MAGIC && loops == LOOPS {
                    places.push(203);
                    self.lines += 1;
                    Ok(100 + self.lines)
                } else {
                    Err(22)
                }
            }
            3 if (101..=100 + self.lines).contains(&get(0)) => {
                places.push(301);
                compared.push((FORCE, get(2)));
                if get(2) == FORCE {
                    return None;
                }
                Err(22)
            }
            4 | 5 if kite => {
                places.push(number * 100 + 1);
                Ok(0)
            }
            6 => Err(38),
            _ => Err(9),
        };
        Some((result, places, compared))
    }
}

/// Runs a program; nothing if the kernel died.
fn run(request: &Request) -> Option<Reply> {
    let mut kernel = Kernel { memory: vec![0; 16 << 20], ..Kernel::default() };
    let program = Program::check(&request.program).expect("a program");
    let mut calls: Vec<CallReply> = Vec::new();
    for instruction in program.instructions() {
        match instruction {
            Instruction::Data { at, bytes } => {
                kernel.memory[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
            }
            Instruction::Store { at, format, value } => {
                let value = kernel.value(&value);
                let at = at as usize;
                let bytes = format.render(value, &kernel.memory[at..at + 8]);
                kernel.memory[at..at + bytes.len()].copy_from_slice(&bytes);
            }
            Instruction::Call(call) => {
                let Number::Kernel(number) = call.number else { continue };
                let arguments: Vec<u64> =
                    call.arguments.iter().map(|value| kernel.value(value)).collect();
                let done = kernel.call(number, &arguments)?;
                if let (Some(index), Ok(value)) = (call.result, done.0) {
                    let index = usize::from(index);
                    kernel.results.resize(kernel.results.len().max(index + 1), None);
                    kernel.results[index] = Some(value);
                }
                calls.push(reply(request, u16::try_from(calls.len()).expect("few"), done));
            }
            Instruction::Checksum { .. } | Instruction::Load { .. } => {}
        }
    }
    let begun = u32::try_from(calls.len()).expect("few");
    let (cut, dirty) = (false, false);
    Some(Reply { id: request.id, end: End::Finished, duration: 1, begun, cut, dirty, calls })
}

fn reply(request: &Request, call: u16, (result, places, compared): Done) -> CallReply {
    let mut from = 0;
    let mut edges = Vec::new();
    for to in places {
        edges.push(Edge { from, to });
        from = to;
    }
    let comparison = |(first, second)| Comparison { first, second, pc: 1, size: 8, constant: true };
    CallReply {
        call,
        outcome: Outcome::Done,
        errno: result.err().unwrap_or(0),
        result: result.unwrap_or(u64::MAX),
        injected: false,
        cut: false,
        duration: 1,
        edges: if request.options.coverage { edges } else { Vec::new() },
        comparisons: if request.options.comparisons {
            compared.into_iter().map(comparison).collect()
        } else {
            Vec::new()
        },
    }
}

#[derive(Default)]
struct Pretended {
    batches: VecDeque<Vec<Request>>,
}

impl Machine for Pretended {
    fn free(&self) -> usize {
        2 - self.batches.len()
    }

    fn submit(&mut self, requests: Vec<Request>) -> Result<(), Vec<Request>> {
        if self.free() == 0 {
            return Err(requests);
        }
        self.batches.push_back(requests);
        Ok(())
    }

    fn replies(&mut self, _: Duration) -> Result<Vec<Reply>, Box<Lost>> {
        let mut replies = Vec::new();
        let mut batch: VecDeque<Request> = self.batches.pop_front().unwrap_or_default().into();
        while let Some(request) = batch.pop_front() {
            if let Some(reply) = run(&request) {
                replies.push(reply);
                continue;
            }
            let mut waiting: Vec<Request> = batch.into();
            waiting.extend(self.batches.drain(..).flatten());
            return Err(Box::new(Lost {
                title: Some("KASAN: use-after-free Read in kite_pull".to_owned()),
                log: b"BUG: KASAN: use-after-free in kite_pull\n".to_vec(),
                replies,
                running: vec![(request, 1)],
                waiting,
            }));
        }
        Ok(replies)
    }

    fn know(&mut self, _: u32) {}
}

#[derive(Default)]
struct Factory {
    started: AtomicU64,
    broken: bool,
}

impl Machines for Factory {
    fn start(&self) -> Result<Box<dyn Machine>, String> {
        self.started.fetch_add(1, Ordering::SeqCst);
        if self.broken { Err("no machine".to_owned()) } else { Ok(Box::<Pretended>::default()) }
    }
}

#[derive(Default)]
struct Record {
    found: Mutex<Vec<Found>>,
    kept: Mutex<Vec<String>>,
}

impl Events for Record {
    fn kept(&self, text: &str) {
        self.kept.lock().expect("not poisoned").push(text.to_owned());
    }
    fn crashed(&self, _: &Crash, _: u64) {}
    fn found(&self, found: &Found) {
        self.found.lock().expect("not poisoned").push(found.clone());
    }
}

fn settings(target: &Target) -> Settings {
    Settings {
        seed: 1,
        machines: 1,
        workers: 6,
        calls: all(target),
        time: Some(Duration::from_secs(300)),
        enough: Some(1),
        trials: Some(Trials { rate: 3, ..Trials::default() }),
    }
}

#[test]
fn a_bug_behind_three_steps_and_three_magic_numbers_is_found_and_made_small() {
    let target = Arc::new(target());
    let fuzzer = Fuzzer::new(Arc::clone(&target), settings(&target));
    let events = Record::default();
    fuzzer.run(&Factory::default(), &events, &mut |_| ()).expect("machines start");
    let found = events.found.lock().expect("not poisoned");
    assert_eq!(found.len(), 1, "{:?}\n{:?}", fuzzer.counts(), fuzzer.corpus());
    let reproduced = found[0].reproduced.as_ref().expect("it shows again");
    assert_eq!(reproduced.rate, (3, 3));
    let lines = write_call(&target, &reproduced.reproducer.program);
    let names: Vec<&str> =
        lines.iter().filter_map(|line| line.split_once('(')).map(|(name, _)| name).collect();
    assert_eq!(names, ["r0 = kite_open", "r1 = kite_tie", "kite_pull"], "{lines:?}");
    let counts = fuzzer.counts();
    assert!(counts.executed > 100 && counts.lost > 0 && counts.places >= 12, "{counts:?}");
    // Everything that was kept reads back and runs.
    for text in events.kept.lock().expect("not poisoned").iter() {
        let parsed = parse_program(text).expect("reads");
        let program = read_program(&target, &parsed, Reading::Strict).expect("reads");
        assert_eq!(&write_program(&target, &program), text);
        encode(&target, &program).expect("encodes");
    }
}

#[test]
fn seeds_are_run_first_and_the_loop_ends_in_time() {
    let target = Arc::new(target());
    let text = "r0 = kite_open(0x3)\nkite_look(r0, &(0x7f0000000040))\n";
    let seed = read_program(&target, &parse_program(text).expect("reads"), Reading::Strict);
    let settings =
        Settings { enough: None, time: Some(Duration::from_secs(1)), ..settings(&target) };
    let fuzzer = Fuzzer::new(Arc::clone(&target), settings);
    fuzzer.seed([seed.expect("reads")]);
    let start = Instant::now();
    fuzzer.run(&Factory::default(), &Record::default(), &mut |_| ()).expect("machines start");
    assert!(start.elapsed() < Duration::from_secs(60));
    let corpus = fuzzer.corpus();
    assert!(corpus.iter().any(|one| one.contains("kite_look(r0")), "{corpus:?}");
}

#[test]
fn machines_that_never_start_end_the_loop_with_their_reason() {
    let target = Arc::new(target());
    let fuzzer = Fuzzer::new(Arc::clone(&target), settings(&target));
    let factory = Factory { broken: true, ..Factory::default() };
    let error = fuzzer.run(&factory, &Record::default(), &mut |_| ()).expect_err("no machine");
    assert_eq!(error, "no machine");
}

#[test]
fn the_kernel_is_asked_which_calls_it_has() {
    let target = target();
    let lacking = probe(&target, &mut Pretended::default(), &all(&target)).expect("it lives");
    let names: Vec<&str> = lacking.keys().map(|id| target.call(*id).name.as_str()).collect();
    assert_eq!(names, ["kite_gone"]);
}

#[test]
fn corpus_and_crashes_are_files_that_are_never_half() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("opens");
    store.keep("kite_fold(0x1)\n").expect("written");
    store.keep("kite_fold(0x1)\n").expect("known");
    assert_eq!(Store::open(folder.path()).expect("opens").programs().expect("reads").len(), 1);
    let title = "BUG: ../../kite";
    let place = store.crash(title, &[("title", title.as_bytes())]).expect("written");
    assert!(place.starts_with(folder.path().join("crashes")), "{place:?}");
    assert_eq!(std::fs::read_to_string(place.join("title")).expect("reads"), title);
}
