//! Which calls the running kernel has: it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use analysis_fuzz::{
    Call, CallId, Direction, Kind, Program, Properties, Target, Value, default_arg,
};
use guest_programs::{Options, Outcome, Reply, Request};

use crate::encode::encode;
use crate::machine::Machine;

/// Why a call is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lacking {
    /// The kernel does not know it (ENOSYS).
    Kernel,
    /// What it opens is not there, with the errno.
    Device(u32),
    /// The executor cannot make it.
    Executor,
}

const ENOSYS: u32 = 38;
const ENOENT: u32 = 2;
const ENXIO: u32 = 6;
const ENODEV: u32 = 19;
const EAFNOSUPPORT: u32 = 97;
const EPROTONOSUPPORT: u32 = 93;
const ESOCKTNOSUPPORT: u32 = 94;

/// Calls that end or stop whoever makes them, and are in every kernel.
const NOT_ASKED: [&str; 12] = [
    "exit",
    "exit_group",
    "pause",
    "reboot",
    "vfork",
    "rt_sigreturn",
    "rt_sigsuspend",
    "execve",
    "execveat",
    "fork",
    "clone",
    "wait4",
];
/// Calls whose variants open things of their own.
const OPENING: [&str; 4] = ["openat", "syz_open_dev", "socket", "syz_init_net_socket"];
/// Ways to open: read only, write only, both, not blocking.
const MODES: [u64; 4] = [0, 1, 2, 0o4002];
/// Programs of a batch.
const BATCH: usize = 16;

/// Asks a machine which of some calls it has.
///
/// # Errors
/// When the machine is lost.
pub fn probe(
    target: &Target,
    machine: &mut dyn Machine,
    calls: &BTreeSet<CallId>,
) -> Result<BTreeMap<CallId, Lacking>, String> {
    let mut lacking = BTreeMap::new();
    // One question for each name, or for each variant of what opens.
    let mut questions: BTreeMap<String, Vec<CallId>> = BTreeMap::new();
    for id in calls {
        let call = target.call(*id);
        let name = call.kernel_name();
        if NOT_ASKED.contains(&name) {
            continue;
        }
        let single = OPENING.contains(&name) && name != call.name;
        let key = if single { call.name.clone() } else { name.to_owned() };
        questions.entry(key).or_default().push(*id);
    }
    let mut programs: Vec<(u64, Vec<u8>)> = Vec::new();
    let questions: Vec<(String, Vec<CallId>)> = questions.into_iter().collect();
    for (index, (_, ids)) in questions.iter().enumerate() {
        match encode(target, &question(target, ids[0])) {
            Ok(bytes) => programs.push((index as u64, bytes)),
            Err(_) => lacking.extend(ids.iter().map(|id| (*id, Lacking::Executor))),
        }
    }
    let mut replies = Vec::new();
    for some in programs.chunks(BATCH) {
        let requests = some
            .iter()
            .map(|(id, bytes)| Request::new(*id, Options::default(), bytes.clone()))
            .collect::<Vec<_>>();
        let mut pending = requests.len();
        machine.submit(requests).map_err(|_| "the machine takes no programs".to_owned())?;
        while pending > 0 {
            let some = machine.replies(Duration::from_millis(200)).map_err(|lost| {
                format!("the machine was lost: {}", lost.title.unwrap_or_default())
            })?;
            pending = pending.saturating_sub(some.len());
            replies.extend(some);
        }
    }
    for reply in replies {
        let Some((_, ids)) = usize::try_from(reply.id).ok().and_then(|id| questions.get(id)) else {
            continue;
        };
        let opening = OPENING.contains(&target.call(ids[0]).kernel_name());
        if let Some(why) = judge(&reply, opening) {
            lacking.extend(ids.iter().map(|id| (*id, why.clone())));
        }
    }
    Ok(lacking)
}

/// A program that asks for a call: with defaults, and all ways to open.
fn question(target: &Target, id: CallId) -> Program {
    let kind = target.call(id);
    let arguments: Vec<_> = kind
        .arguments
        .iter()
        .map(|field| default_arg(target, field.kind, field.direction.unwrap_or(Direction::In)))
        .collect();
    let call = Call {
        kind: id,
        arguments,
        result: None,
        properties: Properties::default(),
        before: Vec::new(),
        comment: None,
    };
    let mut program = Program { calls: vec![call], ..Program::default() };
    let flags = match kind.kernel_name() {
        "openat" | "syz_open_dev" => Some(2),
        _ => None,
    };
    let Some(index) = flags.filter(|index| *index < kind.arguments.len()) else { return program };
    if !matches!(target.get(kind.arguments[index].kind).kind, Kind::Flags(..) | Kind::Int(..)) {
        return program;
    }
    let first = program.calls[0].clone();
    for (place, mode) in MODES.into_iter().enumerate() {
        let mut call = first.clone();
        call.arguments[index].value = Value::Number(mode);
        if place == 0 {
            program.calls[0] = call;
        } else {
            program.calls.push(call);
        }
    }
    // Each at its own address: descriptions with several names have the first one here.
    program
}

/// What a reply says of the call that was asked for.
fn judge(reply: &Reply, opening: bool) -> Option<Lacking> {
    if reply.calls.iter().any(|call| call.outcome == Outcome::Missing) {
        return Some(Lacking::Executor);
    }
    if reply.calls.is_empty() {
        return None;
    }
    if reply.calls.iter().all(|call| call.errno == ENOSYS) {
        return Some(Lacking::Kernel);
    }
    let gone = [ENOENT, ENXIO, ENODEV, EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT];
    if opening && reply.calls.iter().all(|call| gone.contains(&call.errno)) {
        return Some(Lacking::Device(reply.calls[0].errno));
    }
    None
}
