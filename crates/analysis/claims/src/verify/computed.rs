//! Predicates that no single line states: titles, meanings of values, waits, what is absent.

use model::{FaultKind as K, Predicate as P};

use super::fact::Family;
use super::fit::fit;
use super::log::Log;
use super::stack::Part;
use super::{
    Judgement, Need, address, code, faultcode, kind, message, registers, request, scan, waits,
};

/// The judgement of a predicate that is computed from lines; `None` for those that lines state.
pub(super) fn judge(log: &Log, claim: &P) -> Option<Judgement> {
    match claim {
        P::CrashTitle { title } => Some(title_of(log, title)),
        P::AddressMeaning { address, register, meaning } => {
            Some(meaning_of(log, *address, register.as_deref(), meaning))
        }
        P::WaitsFor { waiter, target, kind, function } => {
            Some(match waits::judge(log, waiter, target, *kind, function.as_deref()) {
                waits::Wait::Shown(at) => shown(log, &at),
                waits::Wait::Otherwise(at, found) => {
                    Judgement::Contradicted { lines: log.spans(&at), found }
                }
                waits::Wait::Open => missing(Need::TaskDump),
            })
        }
        P::SystemCallArguments { number, arguments, result, .. } => {
            Some(arguments_of(log, *number, arguments, *result))
        }
        P::FaultingInstruction { text, operand, computed } => {
            Some(instruction(log, text, operand.as_deref(), *computed))
        }
        P::FaultBits { code, bits } => Some(fault_bits(log, *code, bits)),
        P::Remark { text } => Some(first_line(log, Need::WholeLog, |line| {
            line.trim() == text.trim() && !line.trim().is_empty()
        })),
        P::Message { text } => Some(match message::of_warnings(log, text) {
            Some(at) => shown(log, &at),
            None => missing(Need::Report),
        }),
        P::MemoryTags { pointer, memory } => {
            let wanted = format!("Pointer tag: [{pointer:02x}], memory tag: [{memory:02x}]");
            Some(first_line(log, Need::Report, |line| line.trim().starts_with(&wanted)))
        }
        P::StackSuspect => Some(first_line(log, Need::WholeLog, |line| {
            line.contains("overran stack, or stack corrupted")
        })),
        P::Follows { shared, .. } => Some(follows(log, shared)),
        P::WaitBegan { earliest, latest } => Some(wait_began(log, earliest, latest)),
        P::GracePeriodBegan { at, hz } => Some(period_began(log, at, *hz)),
        P::AllocationType { migrate_type, gfp } => {
            Some(by_lines(log, request::migrate_type(log, *migrate_type, gfp)))
        }
        P::ZoneCheck { zone, usable, required, passes } => {
            Some(by_lines(log, request::zone_check(log, zone, *usable, *required, *passes)))
        }
        P::BlockForRequest { zone, order, available } => {
            Some(by_lines(log, request::block(log, zone, *order, *available)))
        }
        P::AllocationFailedBy { cause, order } => {
            Some(by_lines(log, request::cause(log, *cause, *order)))
        }
        _ => None,
    }
}

fn shown(log: &Log, at: &[usize]) -> Judgement {
    Judgement::Shown { lines: log.spans(at) }
}

fn by_lines(log: &Log, at: Option<Vec<usize>>) -> Judgement {
    at.map_or(missing(Need::MemInfo), |at| shown(log, &at))
}

fn missing(need: Need) -> Judgement {
    Judgement::NotShown { need }
}

/// The first line that does.
fn first_line(log: &Log, need: Need, does: impl Fn(&str) -> bool) -> Judgement {
    let found = log.messages.iter().position(|message| message.cited && does(&message.text));
    found.map_or(missing(need), |at| shown(log, &[at]))
}

/// Beginnings of titles, and the kinds of report of which they are titles.
const TITLES: &[(&str, &[K])] = &[
    ("INFO: task hung", &[K::HungTask]),
    ("INFO: task can't die", &[K::HungTask]),
    ("INFO: rcu detected stall", &[K::RcuStall]),
    ("BUG: soft lockup", &[K::SoftLockup]),
    ("BUG: hard lockup", &[K::HardLockup]),
    ("possible deadlock", &[K::CircularLocking, K::RecursiveLocking, K::InconsistentLockState]),
    ("inconsistent lock state", &[K::InconsistentLockState]),
    ("BUG: sleeping function called from invalid context", &[K::SleepInAtomic]),
    ("BUG: scheduling while atomic", &[K::ScheduleInAtomic]),
    ("WARNING: refcount bug", &[K::Refcount, K::Warning]),
    ("WARNING: suspicious RCU usage", &[K::RcuUsage]),
    ("suspicious RCU usage", &[K::RcuUsage]),
    ("WARNING: locking bug", &[K::Warning]),
    ("WARNING", &[K::Warning, K::LockOwnership]),
    ("kernel BUG", &[K::KernelBug]),
    ("BUG: unable to handle kernel NULL pointer dereference", &[K::NullPointer]),
    (
        "BUG: unable to handle kernel paging request",
        &[K::PageFault, K::UserMemoryAccess, K::NullPointer],
    ),
    ("general protection fault", &[K::GeneralProtection]),
    ("divide error", &[K::DivideError]),
    ("invalid opcode", &[K::InvalidOpcode]),
    ("memory leak", &[K::MemoryLeak]),
    ("BUG: corrupted list", &[K::ListCorruption]),
    ("BUG: stack guard page was hit", &[K::StackGuardPage]),
    ("kernel panic", &[K::Panic]),
    ("BUG: Bad page", &[K::BadPage]),
    (
        "UBSAN",
        &[
            K::ArrayIndexOutOfBounds,
            K::ShiftOutOfBounds,
            K::IntegerOverflow,
            K::UndefinedBehaviour,
            K::InvalidLoad,
            K::DivideError,
        ],
    ),
    ("BUG: workqueue lockup", &[K::WorkqueueLockup]),
];

/// A title: its report is there, and the function it names stands in it.
fn title_of(log: &Log, title: &str) -> Judgement {
    let own = kind::kinds(&format!("BUG: {title}"));
    let known = TITLES.iter().find(|(begin, _)| title.starts_with(begin)).map(|(_, kinds)| *kinds);
    let wanted: Vec<K> = own.into_iter().chain(known.into_iter().flatten().copied()).collect();
    let reports = log.facts(Family::Kind).iter().filter(|fact| match &fact.says {
        P::FaultKind { kind } => {
            wanted.iter().any(|wanted| kind::includes(*wanted, *kind)) || wanted.is_empty()
        }
        _ => false,
    });
    let Some(report) = reports.into_iter().next() else { return missing(Need::Report) };
    let named = scan::after(title, " in ").or_else(|| scan::after(title, " at "));
    let Some(name) = named.and_then(scan::function).filter(|name| !name.contains('.')) else {
        return shown(log, &report.at);
    };
    for fact in log.facts(Family::Crash) {
        let function = match &fact.says {
            P::OnStack { function } | P::CrashPlace { function } => function,
            _ => continue,
        };
        if function == name
            || function.ends_with(&format!("_{name}"))
            || function.starts_with("__") && function.trim_start_matches('_') == name
        {
            let at: Vec<usize> = report.at.iter().chain(&fact.at).copied().collect();
            return shown(log, &at);
        }
    }
    missing(Need::Stack)
}

/// The value stands in the log, in that register where one is named, and means that.
fn meaning_of(
    log: &Log,
    value: u64,
    register: Option<&str>,
    meaning: &model::AddressMeaning,
) -> Judgement {
    for fact in log.facts(Family::Address) {
        if fit(
            &P::AddressMeaning { address: value, register: None, meaning: meaning.clone() },
            &fact.says,
        )
        .is_none()
            && matches!(&fact.says, P::AddressMeaning { address, meaning: found, .. } if *address == value && found == meaning)
        {
            return shown(log, &fact.at);
        }
    }
    let names = |text: &str| {
        registers::holds(text, register, value)
            || register.is_none() && address::faults(kind::headline(text)).contains(&value)
    };
    match first_line(log, Need::Registers, names) {
        Judgement::Shown { lines } if address::means(value, meaning) => Judgement::Shown { lines },
        Judgement::Shown { .. } => missing(Need::Report),
        other => other,
    }
}

/// Registers of x86-64 in which a system call gets its arguments.
const ARGUMENTS: [&str; 6] = ["RDI", "RSI", "RDX", "R10", "R08", "R09"];

/// The number and the arguments that are plain numbers stand in the registers.
fn arguments_of(log: &Log, number: u64, arguments: &[String], result: Option<i64>) -> Judgement {
    let mut at = Vec::new();
    let mut values: Vec<(String, u64)> = Vec::new();
    for (index, message) in log.messages.iter().enumerate().filter(|(_, message)| message.cited) {
        let found = registers::registers(&message.text);
        if !found.is_empty() {
            at.push(index);
            values.extend(found);
        }
    }
    let get = |name: &str| {
        values.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    };
    let called = ["ORIG_RAX", "x8", "a7", "GPR00"].iter().any(|name| get(name) == Some(number));
    let numeric = arguments.iter().zip(ARGUMENTS).all(|(argument, register)| {
        let value =
            argument.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        value.is_none_or(|value| {
            get(register).is_some_and(|found| value == found || value == found & 0xffff_ffff)
        })
    });
    // x86-64 keeps -ENOSYS in the accumulator while a call runs, before 3.18 the number.
    let kept = |value: u64| value.cast_signed() == -38 || value == number;
    let first = at.first().copied().unwrap_or_default();
    let agrees = match (get("ORIG_RAX").and(get("RAX")), result) {
        (Some(value), Some(result)) => value.cast_signed() == result && !kept(value),
        (Some(value), None) => (kept(value) || value as u32 == 0xffff_ffda) && !is_over(log, first),
        (None, Some(_)) => false,
        (None, None) => !is_over(log, first),
    };
    if called && numeric && agrees { shown(log, &at) } else { missing(Need::Registers) }
}

/// Whether the stack above that message goes through the way back to user space.
fn is_over(log: &Log, registers: usize) -> bool {
    const BACK: [&str; 8] = [
        "exit_to_user",
        "syscall_exit",
        "syscall_return_slow",
        "prepare_exit_to_user",
        "do_notify_resume",
        "do_work_pending",
        "interrupt_exit_user",
        "arch_do_signal",
    ];
    let above = |stack: &&super::stack::Stack| {
        stack.frames.first().is_some_and(|frame| frame.at < registers)
    };
    let last = log.stacks().iter().rfind(above);
    last.is_some_and(|stack| {
        stack.reliable().any(|frame| BACK.iter().any(|part| frame.function.contains(part)))
    })
}

/// A line prints the code, and these are the words for it.
fn fault_bits(log: &Log, code: u64, bits: &[String]) -> Judgement {
    let mut otherwise = None;
    for (at, message) in log.messages.iter().enumerate().filter(|(_, message)| message.cited) {
        for (_, words) in faultcode::codes(kind::headline(&message.text))
            .into_iter()
            .filter(|(found, words)| *found == code && !words.is_empty())
        {
            if bits.iter().all(|bit| words.contains(&bit.as_str())) {
                return shown(log, &[at]);
            }
            let bits = words.into_iter().map(str::to_owned).collect();
            otherwise = otherwise.or(Some((at, P::FaultBits { code, bits })));
        }
    }
    match otherwise {
        Some((at, found)) => Judgement::Contradicted { lines: log.spans(&[at]), found },
        None => missing(Need::Registers),
    }
}

/// The marked bytes have that operand, and it computes to that address.
fn instruction(log: &Log, text: &str, operand: Option<&str>, computed: Option<u64>) -> Judgement {
    let mut dumps = code::read(log).into_iter();
    let Some(bytes) = dumps.find(|bytes| has_operand(bytes, text, operand)) else {
        return missing(Need::Registers);
    };
    let (Some(operand), Some(computed)) = (operand, computed) else { return shown(log, &bytes.at) };
    let mut at = bytes.at;
    let mut values: Vec<(String, u64)> = Vec::new();
    for (index, message) in log.messages.iter().enumerate().filter(|(_, message)| message.cited) {
        let found = registers::registers(&message.text);
        if found.iter().any(|(name, _)| mentions(operand, name)) {
            at.push(index);
        }
        values.extend(found);
    }
    let value = evaluate(operand, |name| {
        values.iter().find(|(found, _)| same_register(found, name)).map(|(_, value)| *value)
    });
    if value == Some(computed) { shown(log, &at) } else { missing(Need::Registers) }
}

/// Whether the marked bytes can be of that instruction: its operand in memory is the one that they encode.
fn has_operand(bytes: &code::Bytes, text: &str, operand: Option<&str>) -> bool {
    if bytes.words {
        return true;
    }
    let written = code::written(operand.unwrap_or(text));
    [true, false].into_iter().any(|is_64_bit| match code::operand(&bytes.marked, is_64_bit) {
        Some(code::Operand::Memory(found)) => written == Some(found),
        Some(code::Operand::Registers) => written.is_none(),
        // What the opcode alone says is not read here, nor are other encodings.
        Some(code::Operand::Implied) | None => true,
    })
}

fn mentions(operand: &str, register: &str) -> bool {
    operand.split(|c: char| !c.is_ascii_alphanumeric()).any(|name| same_register(register, name))
}

/// `R08` of a dump is `r8` of an instruction.
fn same_register(dump: &str, name: &str) -> bool {
    let plain = |name: &str| {
        let lower = name.to_ascii_lowercase();
        match lower.strip_prefix("r0") {
            Some(digit) if digit.len() == 1 => format!("r{digit}"),
            _ => lower,
        }
    };
    plain(dump) == plain(name)
}

/// `0x34(%rdi,%rcx,8)`, `-8(%rax)`, `[x0, #24]`: displacement, base, index and scale.
fn evaluate(operand: &str, get: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let (displacement, inner) = match operand.split_once('(') {
        Some((displacement, inner)) => (displacement, inner.strip_suffix(')')?),
        None => ("", operand.trim_start_matches('[').trim_end_matches(['!', ']'])),
    };
    let mut parts = inner.split(',').map(|part| part.trim().trim_start_matches('%'));
    let mut sum = number(displacement.rsplit(':').next().unwrap_or(displacement))?;
    if let Some(base) = parts.next().filter(|base| !base.is_empty()) {
        sum = sum.wrapping_add(get(base)?);
    }
    if let Some(second) = parts.next() {
        if let Some(immediate) = second.strip_prefix('#') {
            return Some(sum.wrapping_add(number(immediate)?));
        }
        let scale = parts.next().map_or(Some(1), |scale| scale.parse().ok())?;
        sum = sum.wrapping_add(get(second)?.wrapping_mul(scale));
    }
    Some(sum)
}

pub(super) fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None if digits.is_empty() => 0,
        None => digits.parse().ok()?,
    };
    Some(if negative { value.wrapping_neg() } else { value })
}

/// Two of the lines name what the events are said to share.
fn follows(log: &Log, shared: &model::Party) -> Judgement {
    let name = match shared {
        model::Party::Task { task } => task.pid.map(|pid| pid.to_string()),
        model::Party::Lock { lock } => lock.address.clone().or_else(|| lock.class.clone()),
        model::Party::GracePeriod { number } => number.map(|number| number.to_string()),
        model::Party::Cpu { cpu } => Some(cpu.to_string()),
        model::Party::Work { function } => function.clone(),
        model::Party::Pool { cpus } => Some(cpus.clone()),
        _ => None,
    };
    let Some(name) = name else { return missing(Need::Events) };
    let holds = |text: &str| {
        text.match_indices(name.as_str()).any(|(at, found)| {
            let before = text[..at].chars().next_back();
            let behind = text[at + found.len()..].chars().next();
            !before.is_some_and(|c| c.is_ascii_alphanumeric() && c != 'P' && c != 'g')
                && !behind.is_some_and(|c| c.is_ascii_alphanumeric())
        })
    };
    let at: Vec<usize> = log
        .messages
        .iter()
        .enumerate()
        .filter(|(_, m)| m.cited && holds(&m.text))
        .map(|(at, _)| at)
        .take(2)
        .collect();
    if at.len() == 2 && log.only_cited { shown(log, &at) } else { missing(Need::Events) }
}

/// What a complete report does not have, where its absence tells something.
pub(super) fn absent(log: &Log, claim: &P) -> Option<Judgement> {
    if log.only_cited {
        return None;
    }
    match claim {
        P::OnStack { .. } | P::CalledBy { .. } | P::Recursion { .. } => {
            let calls = || log.stacks().iter().filter(|stack| stack.part == Part::Call);
            // Functions that the compiler put into others are shown in decoded stacks only.
            let open = calls().any(|stack| !stack.whole || !stack.decoded());
            (calls().next().is_some() && open).then_some(missing(Need::SymbolisedStack))
        }
        P::Taint { .. } | P::TaintedBefore { .. } => {
            let fact = log
                .facts(Family::Kernel)
                .iter()
                .find(|fact| matches!(fact.says, P::Taint { .. }))?;
            Some(Judgement::Contradicted { lines: log.spans(&fact.at), found: fact.says.clone() })
        }
        P::ObjectFunction { role, .. } => {
            let of_role = |fact: &&super::Fact| matches!(&fact.says, P::ObjectFunction { role: found, .. } if found == role);
            let fact = log.facts(Family::Object).iter().find(of_role).filter(|fact| !fact.weak)?;
            let stack = log.stacks().iter().find(|stack| stack.head == fact.at.first().copied())?;
            (stack.whole).then(|| Judgement::Contradicted {
                lines: log.spans(&fact.at),
                found: fact.says.clone(),
            })
        }
        _ => None,
    }
}

/// Seconds of a moment as it is printed: the first number of the text.
fn seconds(text: &str) -> Option<f64> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let rest = &text[start..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest[..end].trim_end_matches('.').parse().ok()
}

/// The latest moment is the report's less the seconds that it names; the earliest is not later.
fn wait_began(log: &Log, earliest: &str, latest: &str) -> Judgement {
    let found = log.messages.iter().position(|message| {
        let Some((_, blocked)) = super::tasks::blocked_for(kind::headline(&message.text)) else {
            return false;
        };
        let (Some(time), Some(from), Some(to)) = (message.time, seconds(earliest), seconds(latest))
        else {
            // A clock on the wall: only that there is such a report can be seen.
            return message.cited && message.time.is_none();
        };
        message.cited && from <= to && (time as f64 / 1e6 - blocked as f64 - to).abs() < 2.0
    });
    found.map_or(missing(Need::TaskDump), |at| shown(log, &[at]))
}

/// The moment is that of the report less the age of the period.
fn period_began(log: &Log, moment: &str, hz: u32) -> Judgement {
    for fact in log.facts(Family::Rcu) {
        let P::GracePeriodAge { jiffies, .. } = &fact.says else { continue };
        let Some(time) = log.messages[fact.at[0]].time else { continue };
        let began = time as f64 / 1e6 - *jiffies as f64 / f64::from(hz.max(1));
        if seconds(moment).is_some_and(|moment| (moment - began).abs() < 2.0) {
            return shown(log, &fact.at);
        }
    }
    missing(Need::RcuStall)
}
