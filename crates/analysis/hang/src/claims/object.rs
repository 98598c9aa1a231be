//! Statements on objects: what was done to them, where and by whom.

use model::functions::{self, Role as FunctionRole};
use model::{AccessKind, Grade, Predicate, Role, RuleId, Side, Statements};

use super::kind::bad_object;
use crate::collect::Observations;
use crate::event::{self, BadAccess, Event, EventKind, Frame, Region, Snapshot, Task, Ubsan};

/// A report of KASAN, KFENCE, KMSAN, KCSAN or UBSAN.
pub(super) fn of_bad(said: &mut Statements, seen: &Observations, event: &Event, bad: &BadAccess) {
    let rule = if event.kind == EventKind::Kasan { RuleId::R80 } else { RuleId::R81 };
    if event.kind == EventKind::Kcsan {
        return races(said, seen, event, bad);
    }
    if let Some((size, kind, number)) = &bad.access
        && let Some(access) = access(kind)
    {
        said.seen(
            rule,
            [*number],
            Predicate::Access { access, size: Some(*size).filter(|size| *size > 0) },
        );
    }
    if let Some((number, pointer, memory)) = bad.tags {
        said.seen(rule, [number], Predicate::MemoryTags { pointer, memory });
    }
    if let Some((number, cache, size)) = &bad.object {
        let cache = Some(cache.clone()).filter(|cache| !cache.is_empty());
        said.seen(rule, [*number], Predicate::Object { cache, size: Some(*size) });
    }
    if let Some(Region { lines, side, distance, size: Some(region) }) = &bad.region {
        let side = match side {
            event::Side::Inside => Side::Inside,
            event::Side::Left => Side::Left,
            event::Side::Right => Side::Right,
        };
        said.seen(
            rule,
            *lines,
            Predicate::ObjectOffset { side, distance: *distance, region: *region },
        );
    }
    match &bad.ubsan {
        Some((number, Ubsan::Index { index, array })) => {
            said.seen(
                rule,
                [*number],
                Predicate::ArrayIndex { index: *index, array: array.clone() },
            );
        }
        Some((number, Ubsan::Shift { exponent, bits })) => {
            said.seen(
                rule,
                [*number],
                Predicate::ShiftExponent { exponent: *exponent, bits: *bits },
            );
        }
        None => {}
    }
    let life =
        [(Role::Allocation, bad.allocated), (Role::Free, bad.freed), (Role::Related, bad.related)];
    let mut tasks: Vec<(Role, u32, u64)> = Vec::new();
    if let (Some(Task { pid: Some(pid), .. }), Some((.., number))) = (&event.task, &bad.access)
        && event.kind == EventKind::Kasan
    {
        tasks.push((Role::Use, *pid, *number));
    }
    // KASAN prints whatever free its record holds: that of an object still in use is of an earlier life of its slot.
    let tells = |role: Role| role != Role::Free || event.kind != EventKind::Kasan || is_freed(bad);
    let life = life.into_iter().filter(|(role, _)| tells(*role));
    for (role, snapshot) in life.filter_map(|(role, id)| Some((role, seen.snapshot(id?)))) {
        tasks.extend(of_life(said, rule, role, snapshot));
    }
    for (at, (first, one, a)) in tasks.iter().enumerate() {
        for (second, other, b) in &tasks[at + 1..] {
            // Every CPU has an idle task of pid 0.
            if *one > 0 && *other > 0 && *second != Role::Related {
                said.say(
                    Grade::Derived,
                    rule,
                    [*a, *b],
                    Predicate::SameTask { first: *first, second: *second, same: one == other },
                );
            }
        }
    }
}

/// Whether the report is about an object that was freed before.
fn is_freed(bad: &BadAccess) -> bool {
    ["use-after-free", "double-free", "invalid-free", "invalid free"]
        .iter()
        .any(|kind| bad.what.contains(kind))
}

/// The function that freed the object of a report on freed memory.
pub(crate) fn freed_in<'a>(seen: &'a Observations, bad: &BadAccess) -> Option<&'a str> {
    let freed = bad.freed.filter(|_| is_freed(bad))?;
    outside_allocator(seen.snapshot(freed)).map(|frame| frame.function.as_str())
}

/// Where and by whom an object was allocated or freed; the pid with the line that names it.
fn of_life(
    said: &mut Statements,
    rule: RuleId,
    role: Role,
    snapshot: &Snapshot,
) -> Option<(Role, u32, u64)> {
    let head = snapshot.lines?.first;
    let named = snapshot.named.clone().filter(|name| !is_allocator(name));
    if let Some(function) = named {
        said.seen(rule, [head], Predicate::ObjectFunction { role, function });
    } else if let Some(frame) = outside_allocator(snapshot) {
        said.seen(
            rule,
            [head, frame.line],
            Predicate::ObjectFunction { role, function: frame.function.clone() },
        );
    }
    let task = snapshot.task.as_ref().filter(|task| task.pid.is_some())?;
    said.seen(rule, [head], Predicate::ObjectTask { role, task: task.clone() });
    Some((role, task.pid?, head))
}

/// The first frame outside of the allocator and its hooks. Where something else stands before any other code (RCU
/// frees what others gave it), nobody is named.
fn outside_allocator(snapshot: &Snapshot) -> Option<&Frame> {
    use FunctionRole as R;
    let mut frames = snapshot.frames.iter().filter(|frame| frame.reliable);
    let frame = frames.find(|frame| !frame.allocates && !is_allocator(&frame.function))?;
    let nobody = matches!(
        functions::role(&frame.function),
        Some(R::Rcu | R::Runner | R::Workqueue | R::Interrupt | R::Exception | R::SyscallEntry)
    );
    (!nobody).then_some(frame)
}

/// Whether the function allocates or frees for others, or is a hook of those that do.
fn is_allocator(function: &str) -> bool {
    use FunctionRole as R;
    is_hook(function)
        || matches!(
            functions::role(function),
            Some(
                R::Allocator
                    | R::PageAllocator
                    | R::Sanitizer
                    | R::Unwinder
                    | R::Dumper
                    | R::Tracing
                    | R::Memory
            )
        )
}

/// Hooks that the table of functions does not list.
fn is_hook(function: &str) -> bool {
    const HOOKS: &[&str] = &[
        "save_stack",
        "stack_trace_save",
        "set_track",
        "set_alloc_info",
        "set_free_info",
        "poison_",
        "unpoison_",
        "free_large_kmalloc",
        "slab_free_after_rcu",
    ];
    HOOKS.iter().any(|start| functions::stem(function).starts_with(start))
}

fn access(kind: &str) -> Option<AccessKind> {
    Some(match kind {
        "read" => AccessKind::Read,
        "write" => AccessKind::Write,
        "read-write" => AccessKind::ReadWrite,
        "free" => AccessKind::Free,
        _ => return None,
    })
}

/// The sides of a data race, each with its own stack below it.
fn races(said: &mut Statements, seen: &Observations, event: &Event, bad: &BadAccess) {
    for (at, race) in bad.races.iter().enumerate() {
        let Some(access) = access(&race.access) else { continue };
        let end = bad.races.get(at + 1).map_or(u64::MAX, |next| next.line);
        let stacks = event.snapshots.iter().map(|id| seen.snapshot(*id));
        let own = stacks
            .filter(|s| s.lines.is_some_and(|l| race.line < l.first && l.first < end))
            .find_map(first_use);
        let Some(frame) = own else { continue };
        said.seen(
            RuleId::R81,
            [race.line, frame.line],
            Predicate::RacingAccess {
                function: frame.function.clone(),
                access,
                task: race.pid.map(|pid| Task { name: String::new(), pid: Some(pid) }),
                cpu: race.cpu,
            },
        );
    }
    if let Some((number, from, to)) = bad.changed {
        said.seen(RuleId::R81, [number], Predicate::ValueChanged { from, to });
    }
}

/// The first frame outside of instrumentation.
fn first_use(snapshot: &Snapshot) -> Option<&Frame> {
    snapshot.frames.iter().find(|frame| {
        frame.reliable && functions::role(&frame.function) != Some(FunctionRole::Sanitizer)
    })
}

/// A list, slab object or page that was found damaged.
pub(super) fn of_corruption(said: &mut Statements, seen: &Observations, event: &Event) {
    if let Some(object) = bad_object(event) {
        said.seen(RuleId::R81, [event.line], Predicate::BadState { object });
    }
    if let Some((field, expected, found)) = list_pointer(&event.headline) {
        said.seen(RuleId::R81, [event.line], Predicate::ListPointer { field, expected, found });
    }
    let mut pids = Vec::new();
    for snapshot in event.snapshots.iter().map(|id| seen.snapshot(*id)) {
        let role = match snapshot.role {
            event::Role::Allocated => Role::Allocation,
            event::Role::Freed => Role::Free,
            _ => continue,
        };
        pids.extend(of_life(said, RuleId::R81, role, snapshot));
    }
    if let [(first, one, a), (second, other, b)] = pids[..]
        && first != second
        && one > 0
        && other > 0
    {
        said.say(
            Grade::Derived,
            RuleId::R81,
            [a, b],
            Predicate::SameTask { first, second, same: one == other },
        );
    }
}

/// `list_del corruption. prev->next should be A, but was B. (prev=…)`.
fn list_pointer(headline: &str) -> Option<(String, String, String)> {
    let (before, after) = headline.split_once(" should be ")?;
    let field = before.split_whitespace().next_back().filter(|field| field.contains("->"))?;
    let (expected, rest) = after.split_once(", but was ")?;
    let pointer = |text: &str| {
        let word = text.split([' ', '.', ',']).next().unwrap_or_default();
        (!word.is_empty() && word.bytes().all(|b| b.is_ascii_hexdigit())).then(|| word.to_owned())
    };
    Some((field.to_owned(), pointer(expected.split(" (").next()?)?, pointer(rest)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(functions: &[&str]) -> Snapshot {
        let frames = functions.iter().map(|function| Frame {
            line: 1,
            function: (*function).to_owned(),
            offset: Some(1),
            size: Some(9),
            module: None,
            reliable: true,
            allocates: false,
            interrupt: false,
        });
        Snapshot { frames: frames.collect(), ..Snapshot::default() }
    }

    #[test]
    fn who_allocated_and_freed_stands_outside_of_the_allocator_and_its_hooks() {
        for (functions, named) in [
            (
                &[
                    "kasan_save_stack",
                    "kasan_save_track",
                    "__kasan_kmalloc",
                    "__kmalloc_noprof",
                    "my_create",
                ][..],
                Some("my_create"),
            ),
            (
                &[
                    "save_stack",
                    "set_track",
                    "__kasan_kmalloc",
                    "kmem_cache_alloc_trace",
                    "my_create",
                ],
                Some("my_create"),
            ),
            (
                &[
                    "kasan_set_track",
                    "poison_kmalloc_redzone",
                    "slab_post_alloc_hook",
                    "kmalloc_trace",
                    "my_create",
                ],
                Some("my_create"),
            ),
            (
                &[
                    "kasan_save_stack",
                    "kasan_save_free_info",
                    "__kasan_slab_free",
                    "slab_free_freelist_hook",
                    "kmem_cache_free",
                    "my_put",
                ],
                Some("my_put"),
            ),
            // RCU frees what others gave it.
            (&["__kasan_slab_free", "kfree", "rcu_do_batch", "rcu_core", "handle_softirqs"], None),
        ] {
            let snapshot = snapshot(functions);
            assert_eq!(
                outside_allocator(&snapshot).map(|f| f.function.as_str()),
                named,
                "{functions:?}"
            );
        }
    }

    #[test]
    fn the_pointers_of_a_damaged_list_are_read() {
        let found = list_pointer(
            "list_del corruption. prev->next should be ff00aa, but was dead00. (prev=ff00cc)",
        );
        assert_eq!(found, Some(("prev->next".into(), "ff00aa".into(), "dead00".into())));
        let named = list_pointer(
            "list_add corruption. next->prev should be prev (ff00aa), but was ff00bb.",
        );
        assert_eq!(named, None);
    }
}
