//! Plain sentences as claims: each row is a whole sentence of one fact and the predicate that it states.
//!
//! A sentence with a word more than its row is not read: half of a sentence is how a claim is misread. A new row is a
//! pattern over the whole sentence and a function that makes the predicate.

use std::sync::LazyLock;

use model::{AccessKind, Assertion, Context, FaultKind, Party, Predicate, Role, Task, WaitKind};
use regex::{Captures, Regex};

use crate::document::{Document, LineKind, Sentence};

/// One row.
struct Row {
    /// The sentence, without its full stop.
    pattern: &'static str,
    /// What it states; nothing where a word has no meaning here.
    states: fn(&Captures<'_>) -> Option<Predicate>,
}

/// What `<F>` in a row stands for: a function, with or without parentheses behind it.
const FUNCTION: &str = r"(?P<f>[a-z_][a-z0-9_]*(?:\(\)|[a-z0-9]))";

const ROWS: &[Row] = &[
    Row {
        pattern: r"the (?:crash|fault|oops|bug|failure|use-after-free|panic) (?:is|was|occurs|occurred|happens|happened) in <F>",
        states: |c| Some(Predicate::CrashPlace { function: name(c, "f")? }),
    },
    Row {
        pattern: r"(?:it|this) (?:is|was) an? (?P<kind>[a-z -]+?)(?: access| dereference)?",
        states: |c| Some(Predicate::FaultKind { kind: kind(&c["kind"])? }),
    },
    Row {
        pattern: r"(?:the kernel panicked|the machine panicked|the kernel then panicked)",
        states: |_| Some(Predicate::Panicked { reason: None }),
    },
    Row {
        pattern: r"(?:the object|it) was (?P<role>freed|allocated) (?:by|in) <F>",
        states: |c| {
            Some(Predicate::ObjectFunction { role: role(&c["role"])?, function: name(c, "f")? })
        },
    },
    Row {
        pattern: r"(?:the object|it) was (?P<role>freed|allocated) by (?:task|pid) (?P<pid>\d+)",
        states: |c| Some(Predicate::ObjectTask { role: role(&c["role"])?, task: pid(c)? }),
    },
    Row {
        pattern: r"the same task allocated and freed (?:the object|it)",
        states: |_| {
            Some(Predicate::SameTask { first: Role::Allocation, second: Role::Free, same: true })
        },
    },
    Row {
        pattern: r"another task freed (?:the object|it)",
        states: |_| {
            Some(Predicate::SameTask { first: Role::Allocation, second: Role::Free, same: false })
        },
    },
    Row {
        pattern: r"the object belongs to the cache (?P<cache>[\w.-]*\w)",
        states: |c| Some(Predicate::Object { cache: Some(c["cache"].to_owned()), size: None }),
    },
    Row {
        pattern: r"<F> (?:is|was) called (?:by|from) (?P<g>[a-z_][a-z0-9_]*(?:\(\)|[a-z0-9]))",
        states: |c| Some(Predicate::CalledBy { function: name(c, "f")?, caller: name(c, "g")? }),
    },
    Row {
        pattern: r"<F> calls itself",
        states: |c| Some(Predicate::Recursion { function: name(c, "f")? }),
    },
    Row {
        pattern: r"(?:it|the crash|this) (?:happened|happens|occurred) on cpu (?P<cpu>\d+)",
        states: |c| Some(Predicate::OnCpu { cpu: c["cpu"].parse().ok()? }),
    },
    Row {
        pattern: r"cpu (?P<cpu>\d+) (?:is|was|got) stuck",
        states: |c| Some(Predicate::CpuStuck { cpu: c["cpu"].parse().ok()?, seconds: None }),
    },
    Row {
        pattern: r"the kernel (?:is|was)(?: version| release)? v?(?P<version>\d+\.\d+[\w.+-]*\w|\d+\.\d)",
        states: |c| Some(Predicate::KernelVersion { version: c["version"].to_owned() }),
    },
    Row {
        pattern: r"the crash happened in (?P<context>process|task|softirq|hardirq|interrupt|nmi) context",
        states: |c| Some(Predicate::ExecutionContext { context: context(&c["context"])? }),
    },
    Row {
        pattern: r"the (?:fault(?:ing)? )?address (?:is|was) (?P<address>0x[0-9a-f]+)",
        states: |c| {
            Some(Predicate::FaultAddress {
                address: u64::from_str_radix(&c["address"][2..], 16).ok()?,
            })
        },
    },
    Row {
        pattern: r"the access (?:is|was) a (?P<access>read|write)(?: of (?P<size>\d+) bytes?)?",
        states: |c| {
            let size = c.name("size").and_then(|size| size.as_str().parse().ok());
            Some(Predicate::Access { access: access(&c["access"])?, size })
        },
    },
    Row {
        pattern: r"the (?P<access>read|write) was (?P<size>\d+) bytes long",
        states: |c| {
            Some(Predicate::Access { access: access(&c["access"])?, size: c["size"].parse().ok() })
        },
    },
    Row {
        pattern: r"the task (?P<task>[\w./:-]+:\d+) (?:is|was) blocked for more than (?P<seconds>\d+) seconds",
        states: |c| {
            let (name, pid) = c["task"].rsplit_once(':')?;
            let task = Task::new(name, pid.parse().ok()?);
            Some(Predicate::BlockedFor { task, seconds: c["seconds"].parse().ok()? })
        },
    },
    Row {
        pattern: r"(?:task |pid )(?P<pid>\d+) waits for an? (?P<lock>mutex|semaphore|rw-semaphore|spinlock)",
        states: |c| {
            Some(Predicate::WaitsFor {
                waiter: Party::Task { task: pid(c)? },
                target: Party::SomeLock { lock: c["lock"].to_lowercase() },
                kind: if c["lock"].eq_ignore_ascii_case("spinlock") {
                    WaitKind::Spin
                } else {
                    WaitKind::Lock
                },
                function: None,
            })
        },
    },
];

/// The patterns, each over a whole sentence.
static PATTERNS: LazyLock<Vec<Option<Regex>>> = LazyLock::new(|| {
    ROWS.iter()
        .map(|row| Regex::new(&format!("(?i)^{}[.!]?$", row.pattern.replace("<F>", FUNCTION))).ok())
        .collect()
});

/// The sentences of an analysis that are claims as a whole.
pub(crate) fn read<'d>(document: &'d Document<'_>) -> Vec<(&'d Sentence, Assertion)> {
    let own = |sentence: &&Sentence| {
        !sentence.is_heading && document.kind_of(sentence.lines.first) == Some(LineKind::Prose)
    };
    document
        .sentences
        .iter()
        .filter(own)
        .filter_map(|sentence| Some((sentence, claim(&sentence.text)?)))
        .collect()
}

/// A sentence as a claim.
fn claim(text: &str) -> Option<Assertion> {
    let text = text.trim().trim_start_matches(['-', '*', ' ']);
    let predicate = ROWS
        .iter()
        .zip(PATTERNS.iter())
        .find_map(|(row, pattern)| (row.states)(&pattern.as_ref()?.captures(text)?))?;
    Some(Assertion { predicate, event: None, lines: Vec::new(), rule: None, grade: None })
}

/// A name is one of a function when it has parentheses or an underscore: other words are English.
fn name(captures: &Captures<'_>, group: &str) -> Option<String> {
    let text = captures.name(group)?.as_str();
    let plain = text.trim_end_matches("()");
    (plain.len() < text.len() || plain.contains('_')).then(|| plain.to_owned())
}

fn pid(captures: &Captures<'_>) -> Option<Task> {
    Some(Task { name: String::new(), pid: Some(captures["pid"].parse().ok()?) })
}

fn role(word: &str) -> Option<Role> {
    match word.to_ascii_lowercase().as_str() {
        "freed" => Some(Role::Free),
        "allocated" => Some(Role::Allocation),
        _ => None,
    }
}

fn access(word: &str) -> Option<AccessKind> {
    match word.to_ascii_lowercase().as_str() {
        "read" => Some(AccessKind::Read),
        "write" => Some(AccessKind::Write),
        _ => None,
    }
}

fn context(word: &str) -> Option<Context> {
    match word.to_ascii_lowercase().as_str() {
        "process" | "task" => Some(Context::Task),
        "softirq" => Some(Context::Softirq),
        "hardirq" | "interrupt" => Some(Context::Hardirq),
        "nmi" => Some(Context::Nmi),
        _ => None,
    }
}

fn kind(words: &str) -> Option<FaultKind> {
    Some(match words.to_ascii_lowercase().trim() {
        "use-after-free" | "use after free" | "uaf" => FaultKind::UseAfterFree,
        "null pointer" | "null-pointer" | "null-ptr-deref" | "null pointer dereference" => {
            FaultKind::NullPointer
        }
        "out-of-bounds" | "out of bounds" => FaultKind::OutOfBounds,
        "slab-out-of-bounds" => FaultKind::SlabOutOfBounds,
        "double free" | "double-free" => FaultKind::DoubleFree,
        "general protection fault" => FaultKind::GeneralProtection,
        "data race" => FaultKind::DataRace,
        "soft lockup" => FaultKind::SoftLockup,
        "hard lockup" => FaultKind::HardLockup,
        "memory leak" => FaultKind::MemoryLeak,
        "divide error" | "division by zero" => FaultKind::DivideError,
        "stack overflow" => FaultKind::StackOverflow,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(PATTERNS.iter().all(Option::is_some));
    }

    #[test]
    fn whole_sentences_of_one_fact_are_claims() {
        for (text, wanted) in [
            ("The crash is in widget_poll().", "crash_place"),
            ("It is a use-after-free.", "fault_kind"),
            ("It is a NULL pointer dereference.", "fault_kind"),
            ("The object was freed by task 444.", "object_task"),
            ("The object was freed by widget_drop().", "object_function"),
            ("walk_level() calls itself.", "recursion"),
            ("widget_poll() was called by do_sys_poll().", "called_by"),
            ("It happened on CPU 34.", "on_cpu"),
            ("The kernel is 7.1.0-rc7.", "kernel_version"),
            ("The access was a read of 8 bytes.", "access"),
            ("The kernel panicked.", "panicked"),
            ("The fault address is 0x330.", "fault_address"),
        ] {
            let found = claim(text).unwrap_or_else(|| panic!("{text}"));
            let value = serde_json::to_value(&found.predicate).unwrap();
            assert_eq!(value["predicate"], wanted, "{text}");
        }
    }

    #[test]
    fn other_sentences_are_left_out() {
        for text in [
            "The crash is in the middle.",
            "I doubt that it is a use-after-free.",
            "It is a use-after-free if the timer still runs.",
            "It is a bug.",
            "It was freed by accident.",
            "Is it a use-after-free?",
            "widget_poll() was called by mistake.",
            "The kernel is 64-bit.",
            "The crash is in widget_poll(), which was called by do_sys_poll().",
        ] {
            assert!(claim(text).is_none(), "{text}");
        }
    }
}
