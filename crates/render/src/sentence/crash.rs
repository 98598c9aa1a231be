//! Sentences on crashes: what failed, where, on which object, in which context; the kernel and the machine.

use model::{Predicate as P, Role, Side};

use super::words::{access, context, count, deed, done, fault, taint};

pub(super) fn sentence(predicate: &P) -> Option<String> {
    place(predicate).or_else(|| object(predicate)).or_else(|| kernel(predicate))
}

/// The kernel, the machine and what was printed around the reports.
fn kernel(predicate: &P) -> Option<String> {
    Some(match predicate {
        P::KernelVersion { version } => format!("The kernel is {version}."),
        P::Taint { flags } => format!("The kernel is tainted: {flags}."),
        P::TaintedBefore { meaning } => {
            let (letter, what) = taint(*meaning);
            let trust = match letter {
                'D' | 'B' => "; what follows may be its consequence",
                _ => "",
            };
            format!("Taint {letter}: {what} came before the first report of this log{trust}.")
        }
        P::Panicked { reason: Some(reason) } => format!("The kernel panicked: {reason}."),
        P::Panicked { reason: None } => "The kernel panicked.".to_owned(),
        P::MessagesLost => {
            "Messages were lost; what is not in the log may still have been printed.".to_owned()
        }
        P::StackSuspect => {
            "The kernel says that the thread overran its stack or that its stack is corrupted: frames and values of this report may be wrong.".to_owned()
        }
        P::Remark { text } => format!("Before the first report: {text}"),
        _ => return None,
    })
}

/// What failed, and where.
fn place(predicate: &P) -> Option<String> {
    Some(match predicate {
        P::CrashTitle { title } => format!("Title: {title}."),
        P::FaultKind { kind } => {
            let what = fault(*kind);
            // `use` begins with the sound of a consonant, `undefined` does not.
            let vowel = what.starts_with(['a', 'e', 'i', 'o']) || what.starts_with("un");
            format!("The report is of {} {what}.", if vowel { "an" } else { "a" })
        }
        P::CrashPlace { function } => format!("It happened in {function}()."),
        P::CalledBy { function, caller } => format!("{function}() was called by {caller}()."),
        P::OnStack { function } => format!("{function}() is on the stack."),
        P::Recursion { function } => {
            format!("{function}() is on the stack more than once: it calls itself.")
        }
        P::SystemCall { name } => format!("The task was in the system call {name}."),
        P::ExecutionContext { context: of } => format!("It ran in {}.", context(*of)),
        P::OnCpu { cpu } => format!("It ran on CPU {cpu}."),
        P::CurrentTask { task } => format!("The current task was {task}."),
        P::Workqueue { workqueue: Some(queue), function } => {
            format!("A worker ran {function}() of workqueue {queue}.")
        }
        P::Workqueue { workqueue: None, function } => format!("A worker ran {function}()."),
        P::Message { text } => format!("Its message: {text}"),
        P::SourceLine { file, line } => format!("The report names {file}:{line}."),
        P::ArrayIndex { index, array } => format!("Index {index} is out of range for {array}."),
        P::ShiftExponent { exponent, bits: Some(bits) } => {
            format!("A {bits}-bit value was shifted by {exponent}.")
        }
        P::ShiftExponent { exponent, bits: None } => format!("A value was shifted by {exponent}."),
        _ => return None,
    })
}

/// The object and who used it.
fn object(predicate: &P) -> Option<String> {
    Some(match predicate {
        P::Access { access: what, size: Some(size) } => {
            format!("The access is a {} of {}.", access(*what), count(*size, "byte"))
        }
        P::Access { access: what, size: None } => format!("The access is a {}.", access(*what)),
        P::FaultAddress { address } => format!("The address is {address:#x}."),
        P::MemoryTags { pointer, memory } => {
            // include/linux/kasan-tags.h
            let what = match memory {
                0xfe => " (fe marks memory that is free or belongs to nobody)",
                0xff => " (ff is memory that was never given a tag)",
                _ => "",
            };
            format!("The pointer has tag {pointer:02x}, the memory has tag {memory:02x}{what}.")
        }
        P::Object { cache: Some(cache), size: Some(size) } => {
            format!("The object is of slab cache {cache}, {}.", count(*size, "byte"))
        }
        P::Object { cache: Some(cache), size: None } => {
            format!("The object is of slab cache {cache}.")
        }
        P::Object { cache: None, size: Some(size) } => {
            format!("The object has {}.", count(*size, "byte"))
        }
        P::Object { cache: None, size: None } => "The object is not described.".to_owned(),
        P::ObjectOffset { side, distance, region } => {
            let (distance, region) = (count(*distance, "byte"), count(*region, "byte"));
            match side {
                Side::Inside => format!("The address is {distance} inside a region of {region}."),
                Side::Left => format!("The address is {distance} before a region of {region}."),
                Side::Right => format!("The address is {distance} behind a region of {region}."),
            }
        }
        P::ObjectFunction { role, function } => {
            format!("The object was {} in {function}().", done(*role))
        }
        P::ObjectTask { role: Role::Use, task } => format!("The access was made by {task}."),
        P::ObjectTask { role, task } => format!("The object was {} by {task}.", done(*role)),
        P::SameTask { first, second, same } => format!(
            "The {} and the {} are of {}.",
            deed(*first),
            deed(*second),
            if *same { "one and the same task" } else { "different tasks" }
        ),
        P::RacingAccess { function, access: what, task, cpu } => {
            let task = task.as_ref().map(|task| format!(" by {task}")).unwrap_or_default();
            let cpu = cpu.map(|cpu| format!(" on CPU {cpu}")).unwrap_or_default();
            format!("One side of the race is a {} in {function}(){task}{cpu}.", access(*what))
        }
        P::ValueChanged { from, to } => {
            format!("The value changed from {from:#x} to {to:#x} meanwhile.")
        }
        P::BadState { object } => {
            format!("The state of a {} is wrong.", object.name().replace('_', " "))
        }
        P::ListPointer { field, expected, found } => {
            format!("{field} should be {expected}, but is {found}.")
        }
        P::DeviceReferences { device, count: left } => format!(
            "Network device {device} cannot be freed: {} left.",
            if *left == 1 { "1 reference is".to_owned() } else { format!("{left} references are") }
        ),
        _ => return None,
    })
}
