//! What one worker does: new programs, and what is worth another look.

use std::collections::HashSet;
use std::sync::Arc;

use analysis_fuzz::{Compared, Program, Reduced, generate, hints, minimise, mutate, write_program};
use fastrand::Rng;
use guest_programs::{Options, Reply};

use crate::fuzzer::{Entry, Events, Fuzzer, Work};

/// Programs that are made at once.
const AT_ONCE: usize = 8;
/// Runs of a program whose edges are to be stable.
const RUNS: usize = 3;
/// Changed programs from one that is new in the corpus.
const SMASHED: usize = 24;
/// Programs from comparisons of one call.
const HINTED: usize = 160;
/// Most faults that are injected into a call.
const FAULTS: u64 = 32;
/// Programs below which half of what is new is generated.
const SMALL: usize = 40;

const NEW: Options =
    Options { coverage: true, only_new: true, comparisons: false, fresh: false, remote: true };
const ALL: Options =
    Options { coverage: true, only_new: false, comparisons: false, fresh: false, remote: false };
const COMPARED: Options =
    Options { coverage: false, only_new: false, comparisons: true, fresh: false, remote: false };

/// Works until the loop is stopped.
pub(crate) fn work(fuzzer: &Fuzzer, events: &dyn Events, rng: &mut Rng) {
    while !fuzzer.is_stopped() {
        match fuzzer.next() {
            Some(Work::Triage(program, call, new)) => triage(fuzzer, events, &program, call, &new),
            Some(Work::Candidate(program)) => execute(fuzzer, vec![program]),
            Some(Work::Smash(entry)) => smash(fuzzer, rng, &entry),
            None => fuzz(fuzzer, rng),
        }
    }
}

/// Runs programs and queues what is new in them.
fn execute(fuzzer: &Fuzzer, programs: Vec<Arc<Program>>) {
    let list: Vec<_> = programs
        .into_iter()
        .filter(|program| !fuzzer.is_deadly(program))
        .map(|program| (program, NEW))
        .collect();
    let replies = fuzzer.pool.run(&list);
    for ((program, _), reply) in list.iter().zip(replies) {
        let Some(reply) = reply else { continue };
        for (call, new) in fuzzer.note(&reply) {
            if call < program.calls.len() {
                fuzzer.push(Work::Triage(Arc::clone(program), call, new));
            }
        }
    }
}

/// Something new: generated or changed.
fn fuzz(fuzzer: &Fuzzer, rng: &mut Rng) {
    let catalog = fuzzer.catalog();
    let small = fuzzer.state().corpus.len() < SMALL;
    let mut programs = Vec::new();
    for _ in 0..AT_ONCE {
        let fresh = rng.u32(0..20) < if small { 10 } else { 1 };
        let parent = if fresh { None } else { fuzzer.parent(rng) };
        let mut program = match parent {
            Some(parent) => {
                let mut program = (*parent).clone();
                change(fuzzer, rng, &mut program);
                program
            }
            None => {
                let calls = rng.usize(3..16);
                generate(&fuzzer.target, &catalog, rng, calls)
            }
        };
        if rng.u32(0..12) == 0 {
            collide(rng, &mut program);
        }
        if !program.calls.is_empty() {
            programs.push(Arc::new(program));
        }
    }
    execute(fuzzer, programs);
}

fn change(fuzzer: &Fuzzer, rng: &mut Rng, program: &mut Program) {
    let catalog = fuzzer.catalog();
    let others = fuzzer.others(rng);
    let others: Vec<&Program> = others.iter().map(AsRef::as_ref).collect();
    mutate(&fuzzer.target, &catalog, rng, program, &others);
}

/// Lets calls run beside those behind them.
fn collide(rng: &mut Rng, program: &mut Program) {
    let count = program.calls.len();
    for call in program.calls.iter_mut().take(count.saturating_sub(1)) {
        if rng.u32(0..3) == 0 {
            call.properties.asynchronous = true;
        }
    }
}

/// The edges of a call, and whether it did not fail.
fn edges(reply: &Reply, call: usize) -> (HashSet<u32>, bool) {
    let mut found = HashSet::new();
    let mut good = false;
    for record in reply.calls.iter().filter(|record| usize::from(record.call) == call) {
        found.extend(record.edges.iter().map(|edge| edge.signal()));
        good |= record.errno == 0;
    }
    (found, good)
}

/// Keeps a program if its new edges come again, as small as it can be.
fn triage(
    fuzzer: &Fuzzer,
    events: &dyn Events,
    program: &Arc<Program>,
    call: usize,
    new: &HashSet<u32>,
) {
    let list: Vec<_> = (0..RUNS).map(|_| (Arc::clone(program), ALL)).collect();
    let mut seen: Vec<(HashSet<u32>, bool)> = Vec::new();
    for reply in fuzzer.pool.run(&list).into_iter().flatten() {
        fuzzer.note(&reply);
        seen.push(edges(&reply, call));
    }
    let stable: HashSet<u32> = new
        .iter()
        .copied()
        .filter(|edge| seen.iter().filter(|(edges, _)| edges.contains(edge)).count() >= 2)
        .collect();
    if stable.is_empty() {
        return;
    }
    let good = seen.iter().filter(|(_, good)| *good).count() * 2 > seen.len();
    let (small, call) =
        minimise(&fuzzer.target, program, Some(call), Reduced::Coverage, &mut |candidate, call| {
            let Some(call) = call else { return false };
            if fuzzer.is_stopped() {
                return false;
            }
            let candidate = Arc::new(candidate.clone());
            let list = [(Arc::clone(&candidate), ALL), (candidate, ALL)];
            let mut all = HashSet::new();
            let mut success = false;
            for reply in fuzzer.pool.run(&list).into_iter().flatten() {
                fuzzer.note(&reply);
                let (edges, good) = edges(&reply, call);
                all.extend(edges);
                success |= good;
            }
            success >= good && stable.is_subset(&all)
        });
    if fuzzer.is_stopped() {
        return;
    }
    let text = write_program(&fuzzer.target, &small);
    if let Some(entry) = fuzzer.keep(small, call.unwrap_or(0), stable.len(), &text) {
        events.kept(&text);
        fuzzer.push(Work::Smash(entry));
    }
}

/// Looks around a program that is new in the corpus.
fn smash(fuzzer: &Fuzzer, rng: &mut Rng, entry: &Entry) {
    hint(fuzzer, entry);
    let mut left = SMASHED;
    while left > 0 && !fuzzer.is_stopped() {
        let count = left.min(AT_ONCE);
        left -= count;
        let programs = (0..count)
            .map(|_| {
                let mut program = (*entry.program).clone();
                change(fuzzer, rng, &mut program);
                Arc::new(program)
            })
            .collect();
        execute(fuzzer, programs);
    }
    faults(fuzzer, entry);
}

/// Puts what the kernel compared with into the values of the call.
fn hint(fuzzer: &Fuzzer, entry: &Entry) {
    let list = [(Arc::clone(&entry.program), COMPARED), (Arc::clone(&entry.program), COMPARED)];
    let mut compared: Option<Compared> = None;
    for reply in fuzzer.pool.run(&list).into_iter().flatten() {
        let mut found = Compared::default();
        for record in reply.calls.iter().filter(|record| usize::from(record.call) == entry.call) {
            for one in &record.comparisons {
                // A constant comes first, and is never what the program gave.
                found.add(one.second, one.first);
                if !one.constant {
                    found.add(one.first, one.second);
                }
            }
        }
        match &mut compared {
            None => compared = Some(found),
            Some(before) => before.intersect(&found),
        }
    }
    let Some(compared) = compared.filter(|compared| !compared.is_empty()) else { return };
    let programs = hints(&fuzzer.target, &entry.program, entry.call, &compared);
    let programs: Vec<Arc<Program>> = programs.into_iter().take(HINTED).map(Arc::new).collect();
    for some in programs.chunks(AT_ONCE) {
        if fuzzer.is_stopped() {
            return;
        }
        execute(fuzzer, some.to_vec());
    }
}

/// Lets one allocation after the other of the call fail, until it has no more.
fn faults(fuzzer: &Fuzzer, entry: &Entry) {
    for nth in 1..=FAULTS {
        let mut program = (*entry.program).clone();
        let Some(call) = program.calls.get_mut(entry.call) else { return };
        call.properties.rerun = 0;
        call.properties.fail_nth = nth;
        let replies = fuzzer.pool.run(&[(Arc::new(program), NEW)]);
        let Some(Some(reply)) = replies.into_iter().next() else { return };
        fuzzer.note(&reply);
        let injected = reply
            .calls
            .iter()
            .any(|record| usize::from(record.call) == entry.call && record.injected);
        if !injected {
            return;
        }
    }
}
