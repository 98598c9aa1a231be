//! The object of a memory report: cache, size, offset, who used, allocated and freed it.
//!
//! Lines of mm/kasan/report.c, report_generic.c, mm/kfence/report.c, mm/slub.c.

use model::{Predicate, Role, Side, Task};

use super::fact::Facts;
use super::log::Log;
use super::scan::{after, number, number_after, word};
use super::stack::{Frame, Part, Stack, by_task};

pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    let mut users: Vec<(Role, usize, u32)> = Vec::new();
    for (at, message) in log.messages.iter().enumerate() {
        let text = message.text.trim();
        if message.gap && log.only_cited || begins(text) {
            users.clear();
        }
        cache(at, text, facts);
        match log.messages.get(at + 1).filter(|next| text.ends_with(" of") && !next.gap) {
            Some(next) => offset(&[at, at + 1], &format!("{text} {}", next.text.trim()), facts),
            None => offset(&[at], text, facts),
        }
        if let Some((role, task)) = task(text) {
            if let Some(pid) = task.pid {
                same(&users, role, at, pid, facts);
                users.push((role, at, pid));
            }
            facts.say(&[at], Predicate::ObjectTask { role, task });
        }
    }
    history(log, facts);
    for stack in log.stacks() {
        functions(log, stack, facts);
    }
}

/// `Allocated in f+0x1/0x2 age=1 cpu=2 pid=3` of mm/slub.c print_track(): the caller of the allocator.
fn history(log: &Log, facts: &mut Facts<'_>) {
    for (at, message) in log.messages.iter().enumerate() {
        let text = message.text.trim();
        for (head, role) in [("Allocated in ", Role::Allocation), ("Freed in ", Role::Free)] {
            let Some(rest) = text.strip_prefix(head).filter(|rest| rest.contains(" age=")) else {
                continue;
            };
            let symbol = word(rest);
            let name = symbol.split('+').next().unwrap_or(symbol);
            let name = name.split('.').next().unwrap_or(name);
            if symbol.contains("+0x") && !name.is_empty() {
                facts.say(&[at], Predicate::ObjectFunction { role, function: name.to_owned() });
            }
        }
    }
}

/// A new report: its tasks are others.
fn begins(text: &str) -> bool {
    [
        "BUG: KASAN: ",
        "BUG: KFENCE: ",
        "BUG: KMSAN: ",
        "BUG: KCSAN: ",
        "BUG: unable",
        "general protection",
    ]
    .iter()
    .any(|head| text.starts_with(head))
}

/// `which belongs to the cache kmalloc-1k of size 1024`, `kfence-#1: 0x…-0x…, size=32, cache=kmalloc-32`,
/// `BUG kmalloc-64 (Not tainted): …`, ` of kmalloc-64 …`.
fn cache(at: usize, text: &str, facts: &mut Facts<'_>) {
    let name = |text: &str| {
        Some(word(text).trim_end_matches([',', ')']).to_owned()).filter(|name| !name.is_empty())
    };
    if let Some(rest) = after(text, "belongs to the cache ") {
        let size = number_after(rest, "of size ");
        facts.say(&[at], Predicate::Object { cache: name(rest), size });
    } else if text.starts_with("kfence-#") {
        let size = number_after(text, "size=");
        let cache = after(text, "cache=").and_then(name);
        facts.say(&[at], Predicate::Object { cache, size });
    } else if let Some(rest) = text.strip_prefix("BUG ")
        && let Some((cache, _)) =
            rest.split_once(" (").filter(|(_, behind)| behind.contains("ainted"))
    {
        facts.say(&[at], Predicate::Object { cache: Some(cache.to_owned()), size: None });
    }
}

/// `The buggy address is located 0 bytes to the right of 544-byte region […)`; allocated and freed regions alike. The
/// region stands on a line of its own from 6.1 on.
fn offset(at: &[usize], text: &str, facts: &mut Facts<'_>) {
    let Some(rest) = after(text, "is located ") else { return };
    let Some((distance, rest)) = number(rest) else { return };
    let sides = [
        (" bytes inside of ", Side::Inside),
        (" bytes to the right of ", Side::Right),
        (" bytes to the left of ", Side::Left),
    ];
    let Some((rest, side)) =
        sides.iter().find_map(|(words, side)| Some((rest.strip_prefix(words)?, *side)))
    else {
        return;
    };
    let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
    // Only `allocated`, `freed` and an article may stand between.
    if digits > 12 {
        return;
    }
    if let Some((region, tail)) = number(&rest[digits..])
        && tail.starts_with("-byte region")
    {
        facts.say(at, Predicate::ObjectOffset { side, distance, region });
    }
}

/// The task that a line of a memory report names, with what it did.
fn task(text: &str) -> Option<(Role, Task)> {
    let by_pid = |text: &str| {
        let pid = u32::try_from(number_after(text, "by task ")?).ok()?;
        Some(Task { name: String::new(), pid: Some(pid) })
    };
    if text.starts_with("Read of size ")
        || text.starts_with("Write of size ")
        || text.starts_with("Free of addr ")
    {
        return Some((Role::Use, by_task(text)?));
    }
    if text.starts_with("Allocated by task ") || text.starts_with("allocated by task ") {
        return Some((Role::Allocation, by_pid(text)?));
    }
    if text.starts_with("Freed by task ") || text.starts_with("freed by task ") {
        return Some((Role::Free, by_pid(text)?));
    }
    // SLUB: `Allocated in f+0x1/0x2 age=1 cpu=2 pid=3`.
    for (head, role) in [("Allocated in ", Role::Allocation), ("Freed in ", Role::Free)] {
        if text.starts_with(head) && text.contains(" age=") {
            let pid = u32::try_from(number_after(text, " pid=")?).ok()?;
            return Some((role, Task { name: String::new(), pid: Some(pid) }));
        }
    }
    None
}

/// Compares a task with those of the same report.
fn same(users: &[(Role, usize, u32)], role: Role, at: usize, pid: u32, facts: &mut Facts<'_>) {
    for (other, other_at, other_pid) in users.iter().filter(|(other, ..)| *other != role) {
        facts.say(
            &[*other_at, at],
            Predicate::SameTask { first: *other, second: role, same: *other_pid == pid },
        );
    }
}

/// How functions of allocators and of their hooks begin.
const ALLOCATORS: [&str; 51] = [
    "set_alloc_info",
    "set_free_info",
    "kasan_",
    "__kasan",
    "____kasan",
    "kmem_cache",
    "__kmem_cache",
    "kmalloc",
    "__kmalloc",
    "__do_kmalloc",
    "kzalloc",
    "kcalloc",
    "kvmalloc",
    "__kvmalloc",
    "kvzalloc",
    "kmemdup",
    "kstrdup",
    "krealloc",
    "__do_krealloc",
    "slab_",
    "__slab",
    "___slab",
    "new_slab",
    "allocate_slab",
    "alloc_slab",
    "kfree_call_rcu",
    "kfree_const",
    "kfree_sensitive",
    "kvfree",
    "do_slab_free",
    "cache_free",
    "__cache_free",
    "qlist_free",
    "qlink_free",
    "vmalloc",
    "__vmalloc",
    "vfree",
    "__vfree",
    "vzalloc",
    "alloc_pages",
    "__alloc_pages",
    "free_pages",
    "__free_pages",
    "set_track",
    "save_stack",
    "stack_depot",
    "kfence_",
    "__kfence",
    "post_alloc",
    "kmsan_",
    "mempool_",
];

pub(super) fn is_allocator(name: &str) -> bool {
    matches!(name, "kfree" | "__kfree") || ALLOCATORS.iter().any(|head| name.starts_with(head))
}

/// Functions that give memory back.
fn frees(name: &str) -> bool {
    ["slab_free", "kmem_cache_free", "free_", "__free_", "kmsan_slab_free"]
        .iter()
        .any(|head| name.starts_with(head))
        || name == "kfree"
}

/// Who allocated, freed or used: the first function outside the allocator says it; those below it were on the way.
fn functions(log: &Log, stack: &Stack, facts: &mut Facts<'_>) {
    // KMSAN's `Uninit was created at:` holds for the free of a page or object too.
    let freed = stack.head.is_some_and(|head| log.messages[head].text.contains("created at"))
        && stack.reliable().take(4).any(|frame| frees(&frame.function));
    let role = match stack.part {
        Part::Allocated if freed => Role::Free,
        Part::Allocated => Role::Allocation,
        Part::Freed => Role::Free,
        Part::Related => Role::Related,
        Part::Call | Part::Race | Part::Lock => return,
    };
    let Some(head) = stack.head else { return };
    let mut first = true;
    // Where a frame names its file, that of the allocator or of KASAN is nobody's.
    let inside = |at: usize| {
        ["mm/kasan/", "mm/slub.c", "mm/slab", "linux/slab.h", "linux/kasan.h"]
            .iter()
            .any(|file| log.messages[at].text.contains(file))
    };
    let outside = |frame: &&Frame| !is_allocator(&frame.function) && !inside(frame.at);
    for frame in stack.reliable().filter(outside) {
        let says = Predicate::ObjectFunction { role, function: frame.function.clone() };
        if first {
            facts.say(&[head, frame.at], says);
        } else {
            facts.below(&[head, frame.at], says);
        }
        first &= frame.inline;
    }
}
