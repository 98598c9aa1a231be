//! How near two crash titles are: the same crash, the same bug under another name, or unrelated.
//!
//! A bug changes its title along history: the compiler, the sanitizer and the offset that is hit decide
//! whether one wild pointer is a general protection fault, a NULL dereference or a KASAN report. The
//! function stays longer than the kind, and the words of the function longer than the function.

use std::collections::BTreeSet;

/// How near two titles are, from strangers to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Nearness {
    /// Nothing in common.
    Strange,
    /// The same kind of crash somewhere else.
    SameKind,
    /// Functions that share a word that is telling, such as `nr_release` and `nr_insert_socket`.
    SameArea,
    /// The same function by another kind of crash.
    SameFunction,
    /// The same title.
    Same,
}

/// What kind of crash a title tells of. A row is a kind and the words one of which a title holds; the
/// first row that fits counts.
const KINDS: &[(&str, &[&str])] = &[
    ("kasan", &["KASAN:"]),
    ("kmsan", &["KMSAN:"]),
    ("kcsan", &["KCSAN:"]),
    ("kfence", &["KFENCE:"]),
    ("ubsan", &["UBSAN:"]),
    ("leak", &["memory leak"]),
    ("reference count", &["refcount bug"]),
    ("object debugging", &["ODEBUG bug"]),
    (
        "locking",
        &[
            "possible deadlock",
            "inconsistent lock state",
            "locking bug",
            "bad unlock balance",
            "held lock freed",
            "still has locks held",
            "lock held when returning",
            "suspicious RCU usage",
            "non-static key",
            "irq lock inversion",
            "nested lock was not taken",
            "recursive locking",
        ],
    ),
    (
        "hang",
        &["task hung", "detected stall", "soft lockup", "task can't die", "unregister_netdevice:"],
    ),
    (
        "atomic context",
        &["sleeping function", "scheduling while atomic", "assuming atomic", "smp_processor_id"],
    ),
    (
        "memory fault",
        &[
            "general protection fault",
            "unable to handle kernel",
            "stack segment fault",
            "divide error",
            "corrupted list",
            "bad usercopy",
        ],
    ),
    ("assertion", &["kernel BUG", "WARNING"]),
];

/// Kinds that one broken pointer or object can show in turn.
const MEMORY: &[&str] = &[
    "kasan",
    "kmsan",
    "kfence",
    "ubsan",
    "memory fault",
    "reference count",
    "object debugging",
    "assertion",
];

/// Titles that tell of the machine, not of a crash.
const MACHINE: &[&str] = &[
    "lost connection",
    "no output from test machine",
    "test machine is not executing",
    "unexpected kernel reboot",
    "SYZFAIL",
    "SYZFATAL",
];

/// Words of function names that half the kernel uses; sharing them says nothing.
const COMMON_WORDS: &[&str] = &[
    "add", "alloc", "at", "bug", "by", "close", "create", "data", "del", "destroy", "dev", "do",
    "exit", "file", "free", "from", "get", "in", "init", "kernel", "lock", "net", "new", "of",
    "open", "page", "put", "read", "release", "remove", "set", "show", "sock", "store", "sys",
    "task", "the", "to", "unlock", "up", "with", "work", "write", "x64", "line", "num", "addr",
];

/// Whether the title tells of the machine only.
pub(crate) fn is_machine(title: &str) -> bool {
    MACHINE.iter().any(|start| title.starts_with(start))
}

/// The kind of crash; `None` when no row of the table fits.
pub(crate) fn kind(title: &str) -> Option<&'static str> {
    KINDS
        .iter()
        .find(|(_, words)| words.iter().any(|word| title.contains(word)))
        .map(|(kind, _)| *kind)
}

/// Whether the title is that of a plain assertion: `WARNING in f` or `kernel BUG`.
pub(crate) fn is_assertion(title: &str) -> bool {
    kind(title) == Some("assertion")
}

/// The function a title names, without leading underscores and compiler suffixes. A report whose stack
/// was destroyed says `corrupted`, which is no function.
pub(crate) fn function(title: &str) -> Option<&str> {
    let title = title.split_once(" (").map_or(title, |(head, _)| head).trim_end();
    let (_, name) = [" in ", " at ", " by "]
        .iter()
        .filter_map(|word| title.rfind(word).map(|at| (at, &title[at + word.len()..])))
        .max_by_key(|(at, _)| *at)?;
    let name = name.split(['.', ' ']).next()?.trim_start_matches('_');
    (!name.is_empty() && name != "corrupted").then_some(name)
}

/// The telling words of the function's name.
pub(crate) fn words(title: &str) -> BTreeSet<&str> {
    function(title)
        .into_iter()
        .flat_map(|name| name.split(|c: char| !c.is_ascii_alphanumeric()))
        .filter(|word| word.len() > 1 && !COMMON_WORDS.contains(word))
        .collect()
}

/// How near two titles are.
pub(crate) fn nearness(a: &str, b: &str) -> Nearness {
    if a == b {
        return Nearness::Same;
    }
    if is_machine(a) || is_machine(b) {
        return Nearness::Strange;
    }
    if let (Some(f), Some(g)) = (function(a), function(b)) {
        let long = f.len().min(g.len()) > 5;
        if f == g || long && (f.contains(g) || g.contains(f)) {
            return Nearness::SameFunction;
        }
    }
    let (first, second) = (kind(a), kind(b));
    let same_kind = first.is_some() && first == second;
    let memory = |kind: Option<&str>| kind.is_some_and(|kind| MEMORY.contains(&kind));
    let one_family = same_kind || memory(first) && memory(second);
    if one_family && words(a).intersection(&words(b)).next().is_some() {
        Nearness::SameArea
    } else if same_kind {
        Nearness::SameKind
    } else {
        Nearness::Strange
    }
}

/// How near a title is to the nearest of several.
pub(crate) fn nearest<'a>(title: &str, others: impl IntoIterator<Item = &'a str>) -> Nearness {
    others.into_iter().map(|other| nearness(title, other)).max().unwrap_or(Nearness::Strange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_outlives_the_kind() {
        let near = [
            (
                "general protection fault in madvise_cold",
                "BUG: unable to handle kernel NULL pointer dereference in madvise_cold",
            ),
            (
                "UBSAN: shift-out-of-bounds in hash_mac_create",
                "UBSAN: undefined-behaviour in hash_mac_create",
            ),
            (
                "general protection fault in __gfn_to_rmap",
                "general protection fault in gfn_to_rmap",
            ),
            ("WARNING in f_longer (2)", "KASAN: use-after-free Read in f_longer"),
        ];
        for (a, b) in near {
            assert_eq!(nearness(a, b), Nearness::SameFunction, "{a} / {b}");
        }
    }

    #[test]
    fn words_of_a_subsystem_join_and_common_words_do_not() {
        assert_eq!(
            nearness(
                "WARNING: refcount bug in nr_insert_socket",
                "KASAN: use-after-free Read in nr_release"
            ),
            Nearness::SameArea
        );
        assert_eq!(
            nearness(
                "KASAN: use-after-free Read in f2fs_free",
                "KASAN: use-after-free Read in kvm_free"
            ),
            Nearness::SameKind
        );
    }

    #[test]
    fn a_deadlock_and_a_fault_are_strangers() {
        assert_eq!(
            nearness(
                "possible deadlock in del_gendisk",
                "general protection fault in blk_mq_run_hw_queues"
            ),
            Nearness::Strange
        );
        assert_eq!(
            nearness("WARNING in kvm_wait", "possible deadlock in del_gendisk"),
            Nearness::Strange
        );
        assert_eq!(nearness("lost connection to test machine", "WARNING in f"), Nearness::Strange);
    }

    #[test]
    fn a_destroyed_stack_names_no_function() {
        assert_eq!(function("KASAN: slab-out-of-bounds Read in corrupted"), None);
        assert_eq!(function("possible deadlock in sock_close (3)"), Some("sock_close"));
        assert_eq!(function("kernel BUG at net/core/dev.c:LINE!"), Some("net/core/dev"));
    }
}
