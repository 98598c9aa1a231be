//! Claims about tasks of the log by their names: states, locks they hold, which of them is to blame.

use analysis_hang::event::{Detail, EventKind, HeldLock, Task};
use model::Grade;

use crate::claims::{Case, Found, Judgement};
use crate::evidence::{Cited, End};
use crate::index::KnownTask;
use crate::verdict::Verdict::{CannotJudge, Contradicted, Plausible, Supported, Unsupported};

/// Tasks are the same by their pids, or by their names where a pid is lost.
fn same(a: &Task, b: &Task) -> bool {
    match (a.pid, b.pid) {
        (Some(x), Some(y)) => x == y,
        _ => a.name == b.name && !a.name.is_empty(),
    }
}

/// How far in front of a match its subject may stand, in bytes.
const NEAR: usize = 80;

/// The task that a match speaks of: the nearest one in front of it, with all tasks of that name.
pub(crate) fn subject<'i>(
    case: &'i Case<'_>,
    before: &str,
    _after: &str,
) -> Option<(String, Vec<&'i KnownTask>)> {
    let from = before.floor_char_boundary(before.len().saturating_sub(NEAR));
    let text = &before[from..];
    // Another clause has a subject of its own.
    let clause = [". ", "; ", ": "].iter().filter_map(|mark| text.rfind(mark)).max();
    let text = clause.map_or(text, |at| &text[at + 2..]);
    nearest(case, text)
}

/// The last task that a text names.
pub(crate) fn nearest<'i>(case: &'i Case<'_>, text: &str) -> Option<(String, Vec<&'i KnownTask>)> {
    let named = case.evidence.index().named(text);
    let (last, _, name) = named.last()?;
    let tasks: Vec<&KnownTask> = named
        .iter()
        .filter(|(at, _, n)| at == last && n == name)
        .map(|(_, known, _)| *known)
        .collect();
    // A longer name at the same place is the one that is meant.
    let longest = tasks.iter().map(|t| t.task.name.len()).max()?;
    let tasks: Vec<&KnownTask> =
        tasks.into_iter().filter(|t| t.task.name.len() == longest).collect();
    let shown = match tasks.as_slice() {
        [one] => one.task.to_string(),
        _ => (*name).to_owned(),
    };
    Some((shown, tasks))
}

/// By the states that headers print.
pub(crate) fn state(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let written = first.any("state")?;
    let letter = match written.to_ascii_lowercase().as_str() {
        "d" | "uninterruptible" | "task_uninterruptible" | "disk" => 'D',
        "s" | "interruptible" | "task_interruptible" => 'S',
        "r" | "running" | "runnable" | "task_running" => 'R',
        "i" | "idle" | "task_idle" => 'I',
        "t" | "stopped" => 'T',
        "z" | "zombie" => 'Z',
        _ => return None,
    };
    let (name, tasks) = subject(case, first.before(), first.after())?;
    let states: Vec<(char, Cited)> = tasks.iter().flat_map(|t| t.states.iter().copied()).collect();
    let statement = format!("{name} is in state {letter}");
    if let Some((_, line)) = states.iter().find(|(s, _)| *s == letter) {
        return Some(Judgement::new(statement, Supported, "its header says so").citing([*line]));
    }
    let (other, line) = states.first()?;
    Some(
        Judgement::new(statement, Contradicted, format!("the log shows it in state {other}"))
            .citing([*line]),
    )
}

/// Whether a lock's entry is the one that is meant: by class, or by where it was taken.
fn is_lock(lock: &HeldLock, wanted: &str) -> bool {
    let class = lock.class.to_ascii_lowercase();
    let class = class.trim_start_matches('&');
    class.contains(wanted)
}

/// A named lock and a named task: by lists of held locks, owners of hung tasks, and the wait graph.
pub(crate) fn holds(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let (name, tasks, lock) = match first.group("lock") {
        Some(lock) => {
            let (name, tasks) = subject(case, first.before(), "")?;
            (name, tasks, lock)
        }
        None => {
            let lock = first.group("lock2")?;
            let behind = first.after();
            let behind = &behind[..behind.floor_char_boundary(60)];
            let named = case.evidence.index().named(behind);
            let (at, known, name) = named.first()?;
            if *at > 12 {
                return None;
            }
            let _ = known;
            let tasks: Vec<_> =
                named.iter().filter(|(a, _, n)| a == at && n == name).map(|(_, k, _)| *k).collect();
            ((*name).to_owned(), tasks, lock)
        }
    };
    let wanted =
        lock.rsplit(['.', '>']).next().unwrap_or(lock).trim_start_matches('&').to_ascii_lowercase();
    // `the mutex`, `a lock` name nothing that could be looked up.
    if matches!(
        wanted.as_str(),
        "mutex" | "lock" | "rwsem" | "semaphore" | "the" | "a" | "locks" | "it" | "up" | "spinlock"
    ) {
        return by_graph(case, &name, &tasks);
    }
    let exhibit = case.evidence.facts();
    let statement = format!("{name} holds {lock}");
    let of_task = |task: &Task| tasks.iter().any(|known| same(&known.task, task));
    let known_lock = exhibit.seen.locks.iter().any(|l| l.locks.iter().any(|l| is_lock(l, &wanted)));
    if !known_lock && !wanted.contains('_') {
        return None;
    }
    let mut listed: Option<Cited> = None;
    for list in exhibit.seen.locks.iter().filter(|l| of_task(&l.task)) {
        let line = exhibit.cite(list.line);
        listed.get_or_insert(line);
        let Some(at) = list.locks.iter().position(|l| is_lock(l, &wanted)) else { continue };
        let entry = &list.locks[at];
        let cited = exhibit.cite(entry.line);
        // R33: the last entry is the one still waited for when the task is blocked where it was asked for.
        let waits = list.lasting && at + 1 == list.locks.len() && waits_in(case, &tasks, &entry.at);
        if waits {
            return Some(
                Judgement::new(
                    statement,
                    Contradicted,
                    "the last entry of its list is the lock that it still waits for",
                )
                .citing([cited]),
            );
        }
        return Some(
            Judgement::new(statement, Supported, "its list of held locks has it").citing([cited]),
        );
    }
    for event in &exhibit.seen.events {
        let Detail::Lockdep(report) = &event.detail else { continue };
        let own = event.task.as_ref().is_some_and(of_task);
        if let (true, Some(held)) = (own, &report.held)
            && is_lock(held, &wanted)
        {
            return Some(
                Judgement::new(statement, Supported, "lockdep lists it as held")
                    .citing([exhibit.cite(held.line)]),
            );
        }
        if let (true, Some(held)) = (own, &report.wanted)
            && is_lock(held, &wanted)
        {
            return Some(
                Judgement::new(
                    statement,
                    Contradicted,
                    "lockdep lists it as the lock that it asks for",
                )
                .citing([exhibit.cite(held.line)]),
            );
        }
    }
    if let Some(judgement) = by_graph_of(case, &name, &tasks, Some(&wanted)) {
        return Some(judgement);
    }
    Some(match listed {
        Some(line) => {
            Judgement::new(statement, Contradicted, "its list of held locks does not have it")
                .citing([line])
        }
        None => {
            Judgement::new(statement, Unsupported, "no list of locks and no owner line shows it")
        }
    })
}

fn waits_in(case: &Case<'_>, tasks: &[&KnownTask], at: &str) -> bool {
    let function = at.split(['+', ' ']).next().unwrap_or(at);
    let exhibit = case.evidence.facts();
    exhibit.graph.nodes.iter().enumerate().any(|(node, n)| {
        n.task.as_ref().is_some_and(|t| tasks.iter().any(|k| same(&k.task, t)))
            && exhibit.graph.out(node).any(|edge| {
                edge.waits_for.contains(function)
                    || exhibit.graph.nodes[edge.to].name.contains(function)
            })
    })
}

/// `the mutex`: a task at which an edge from a lock ends holds one; a task that waits for one may hold another.
fn by_graph(case: &Case<'_>, name: &str, tasks: &[&KnownTask]) -> Option<Judgement> {
    by_graph_of(case, name, tasks, None)
}

fn by_graph_of(
    case: &Case<'_>,
    name: &str,
    tasks: &[&KnownTask],
    lock: Option<&str>,
) -> Option<Judgement> {
    let exhibit = case.evidence.facts();
    let graph = &exhibit.graph;
    let is_own = |node: usize| {
        graph.nodes[node].task.as_ref().is_some_and(|t| tasks.iter().any(|k| same(&k.task, t)))
    };
    let is_lock = |node: usize| {
        let node = &graph.nodes[node];
        node.kind == analysis_hang::graph::NodeKind::Lock
            && lock.is_none_or(|lock| node.name.to_ascii_lowercase().contains(lock))
    };
    let statement = match lock {
        Some(lock) => format!("{name} holds {lock}"),
        None => format!("{name} holds a lock that others wait for"),
    };
    let held = graph.edges.iter().find(|e| is_lock(e.from) && is_own(e.to));
    if let Some(edge) = held {
        let lines: Vec<Cited> = edge.lines.iter().map(|l| exhibit.cite_span(*l)).collect();
        let (verdict, how) = match edge.grade {
            Grade::Seen | Grade::Derived => (Supported, "the log names it as the holder"),
            _ => (Plausible, "an inference from the stacks; no list of locks names it"),
        };
        return Some(Judgement::new(statement, verdict, how).citing(lines));
    }
    let waits = graph.edges.iter().find(|e| is_own(e.from) && is_lock(e.to))?;
    let lines: Vec<Cited> = waits.lines.iter().map(|l| exhibit.cite_span(*l)).collect();
    let owner = graph.edges.iter().find(|e| e.from == waits.to && !is_own(e.to));
    let target = &graph.nodes[waits.to].name;
    Some(match owner {
        Some(owner) if owner.grade >= Grade::Inferred => Judgement::new(
            statement,
            Contradicted,
            format!("it waits for {target}, and {} holds that", graph.nodes[owner.to].name),
        )
        .citing(lines),
        _ => Judgement::new(
            statement,
            Unsupported,
            format!("the log shows that it waits for {target}; no line shows that it holds one"),
        )
        .citing(lines),
    })
}

/// `N locks held by X`, by the kernel's own count.
pub(crate) fn lock_count(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let count = crate::number::readings(first.any("count")?).first().copied()? as usize;
    let named = case.evidence.index().named(&first.sentence.text);
    let (_, known, name) = named.first()?;
    let exhibit = case.evidence.facts();
    let list = exhibit.seen.locks.iter().find(|l| l.task == known.task)?;
    let statement = format!("{name} holds {count} locks");
    let line = exhibit.cite(list.line);
    Some(if list.locks.len() == count {
        Judgement::new(statement, Supported, "its list says so").citing([line])
    } else {
        Judgement::new(statement, Contradicted, format!("its list has {}", list.locks.len()))
            .citing([line])
    })
}

/// A task that is said to be to blame, or a victim: by the waits.
pub(crate) fn role(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let (name, tasks) = subject(case, first.before(), "")?;
    let exhibit = case.evidence.facts();
    let graph = &exhibit.graph;
    let node = graph
        .nodes
        .iter()
        .position(|n| n.task.as_ref().is_some_and(|t| tasks.iter().any(|k| same(&k.task, t))));
    let victim = first.group("victim").is_some();
    let statement = format!("{name} is {}", if victim { "a victim" } else { "to blame" });
    let in_cycle = exhibit.cycle().is_some_and(|c| c.text.contains(&name));
    let waits = node.and_then(|node| graph.out(node).find(|e| e.grade >= Grade::Inferred));
    let lines: Vec<Cited> =
        waits.map(|e| e.lines.iter().map(|l| exhibit.cite_span(*l)).collect()).unwrap_or_default();
    let target = waits.map(|e| graph.nodes[e.to].name.clone());
    Some(match (target, victim, in_cycle) {
        (_, _, true) => Judgement::new(
            statement,
            if victim { CannotJudge } else { Plausible },
            "it is part of the cycle, as others are",
        ),
        (Some(target), true, _) => {
            Judgement::new(statement, Supported, format!("it waits itself, for {target}"))
                .citing(lines)
        }
        (Some(target), false, _) => {
            Judgement::new(statement, Contradicted, format!("it waits itself, for {target}"))
                .citing(lines)
        }
        (None, false, _) => {
            let node = node?;
            let ends = exhibit.ends();
            let at_end = graph.edges.iter().any(|e| e.to == node)
                && ends.iter().any(|e| matches!(e, End::Runnable(n) | End::Idle(n) | End::Unknown(n) if *n == graph.nodes[node].name));
            match at_end {
                true => Judgement::new(
                    statement,
                    Plausible,
                    "the chain of waits ends at it; why it does not go on is another question",
                ),
                false => Judgement::new(statement, CannotJudge, "nobody in the graph waits for it"),
            }
        }
        (None, true, _) => return None,
    })
}

/// A task that is said to have hung: by the reports of hung tasks.
pub(crate) fn hung(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let (name, tasks) = subject(case, first.before(), first.after())?;
    let exhibit = case.evidence.log.as_ref()?;
    let statement = format!("{name} hung");
    let mut any = None;
    for event in exhibit.events(EventKind::HungTasks) {
        let Detail::Hung(scan) = &event.detail else { continue };
        any.get_or_insert(exhibit.cite(event.lines.first));
        if let Some(member) =
            scan.members.iter().find(|m| tasks.iter().any(|k| same(&k.task, &m.task)))
        {
            return Some(
                Judgement::new(statement, Supported, "the log reports it")
                    .citing([exhibit.cite(member.line)]),
            );
        }
    }
    Some(Judgement::new(statement, Unsupported, "no report of a hung task names it").citing(any))
}

/// A task that holds up a grace period, by its name.
pub(crate) fn holdout(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let exhibit = case.evidence.facts();
    let pid = first.group("pid").and_then(|p| p.parse::<u32>().ok());
    let (name, pids) = match pid {
        Some(pid) => (format!("pid {pid}"), vec![pid]),
        None => {
            let (name, tasks) = subject(case, first.before(), "")?;
            (name, tasks.iter().filter_map(|t| t.task.pid).collect())
        }
    };
    let statement = format!("{name} holds up the grace period");
    let mut listed = None;
    let mut cpus = None;
    for (_, stall) in exhibit.stalls() {
        if let Some(task) = stall.tasks.iter().find(|t| pids.contains(&t.pid)) {
            return Some(
                Judgement::new(statement, Supported, "the report lists it as a reader")
                    .citing([exhibit.cite(task.line)]),
            );
        }
        if let Some(task) = stall.tasks.first() {
            listed.get_or_insert((exhibit.cite(task.line), task.pid));
        }
        if let Some(cpu) = stall.cpus.first() {
            cpus.get_or_insert((exhibit.cite(cpu.line), cpu.cpu));
        }
    }
    if let Some((line, cpu)) = cpus {
        // A CPU that does not pass a quiescent state runs something.
        let runs = exhibit.seen.snapshots.iter().find(|s| {
            s.cpu == Some(cpu)
                && s.task.as_ref().and_then(|t| t.pid).is_some_and(|p| pids.contains(&p))
        });
        if let Some(snapshot) = runs {
            return Some(
                Judgement::new(
                    statement,
                    Plausible,
                    format!("it was on CPU {cpu}, which the report lists"),
                )
                .citing([line])
                .citing(snapshot.lines.map(|l| exhibit.cite(l.first))),
            );
        }
    }
    listed.map(|(line, other)| {
        Judgement::new(statement, Contradicted, format!("the report lists pid {other}"))
            .citing([line])
    })
}

/// By the warning about it, and by lists of readers that are blocked.
pub(crate) fn sleeping_reader(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let exhibit = case.evidence.facts();
    let named = subject(case, first.before(), "");
    let statement = match &named {
        Some((name, _)) => format!("{name} slept in an RCU reader section"),
        None => "a task slept in an RCU reader section".to_owned(),
    };
    let is_named = |task: Option<&Task>| {
        named
            .as_ref()
            .is_none_or(|(_, tasks)| task.is_some_and(|t| tasks.iter().any(|k| same(&k.task, t))))
    };
    let mut other = None;
    for event in exhibit.events(EventKind::RcuVoluntarySwitch) {
        let line = exhibit.cite(event.lines.first);
        let task = event.task.as_ref().or_else(|| {
            event.snapshots.iter().find_map(|id| exhibit.seen.snapshot(*id).task.as_ref())
        });
        if is_named(task) {
            return Some(
                Judgement::new(statement, Supported, "the kernel warns of it").citing([line]),
            );
        }
        other.get_or_insert((line, task.map(ToString::to_string)));
    }
    for (_, stall) in exhibit.stalls() {
        for reader in
            stall.tasks.iter().filter(|t| t.flags.as_ref().is_some_and(|f| f.starts_with('b')))
        {
            let line = exhibit.cite(reader.line);
            let same = named
                .as_ref()
                .is_some_and(|(_, tasks)| tasks.iter().any(|k| k.task.pid == Some(reader.pid)));
            if same {
                // `b` tells that it was switched out inside, by its own will or not.
                return Some(
                    Judgement::new(
                        statement,
                        Plausible,
                        "the stall report says that it was switched out inside one",
                    )
                    .citing([line]),
                );
            }
        }
    }
    Some(match other {
        Some((line, Some(task))) => {
            Judgement::new(statement, Unsupported, format!("the warning is of {task}"))
                .citing([line])
        }
        _ => Judgement::new(statement, Unsupported, "no warning about it is at hand"),
    })
}

/// By the stacks of the task.
pub(crate) fn inside(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let function = first.any("function")?;
    let function = function.split(['.', '+', '(']).next().unwrap_or(function);
    let (name, tasks) = subject(case, first.before(), "")?;
    let exhibit = case.evidence.facts();
    let statement = format!("{name} is in {function}()");
    let mut stale = None;
    let mut shown = None;
    let mut longer = None;
    for snapshot in &exhibit.seen.snapshots {
        let own = snapshot.task.as_ref().is_some_and(|t| tasks.iter().any(|k| same(&k.task, t)));
        if !own {
            continue;
        }
        shown = shown.or(snapshot.lines.map(|l| exhibit.cite(l.first)));
        let at = snapshot.instruction.iter().find(|i| !i.user && i.function == function);
        if let Some(at) = at {
            return Some(
                Judgement::new(statement, Supported, "its instruction pointer is there")
                    .citing([exhibit.cite(at.line)]),
            );
        }
        let plain = |f: &str| f.split('.').next().unwrap_or(f) == function;
        for frame in snapshot.frames.iter().filter(|f| plain(&f.function)) {
            let line = exhibit.cite(frame.line);
            if frame.reliable {
                return Some(
                    Judgement::new(statement, Supported, "its stack has it").citing([line]),
                );
            }
            stale.get_or_insert(line);
        }
        // The last call of a function may have taken its frame: `f` is left as `f_locked`.
        let part = |f: &str| {
            f.trim_start_matches('_').strip_prefix(function).is_some_and(|r| r.starts_with('_'))
        };
        if let Some(frame) = snapshot.frames.iter().find(|f| f.reliable && part(&f.function)) {
            longer.get_or_insert((frame.function.clone(), exhibit.cite(frame.line)));
        }
    }
    if let Some((part, line)) = longer {
        return Some(
            Judgement::new(statement, Plausible, format!("its stack has {part}()")).citing([line]),
        );
    }
    if let Some(line) = stale {
        return Some(
            Judgement::new(statement, Unsupported, "only a stale `?` frame of its stack names it")
                .citing([line]),
        );
    }
    shown.map(|line| {
        Judgement::new(
            statement,
            Unsupported,
            "its stacks do not have it (inlined functions do not print)",
        )
        .citing([line])
    })
}

/// By the headers of the reports of crashes, else by the pid.
pub(crate) fn identity(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let name = first.any("name")?.trim_end_matches(['.', ',', ':', ';']);
    let exhibit = case.evidence.facts();
    let index = case.evidence.index();
    let known = index.tasks.iter().any(|k| k.task.name == name);
    let crashes: Vec<(String, Cited)> = exhibit
        .seen
        .events
        .iter()
        .filter(|e| {
            crate::index::is_crash(e.kind)
                || matches!(
                    e.kind,
                    EventKind::SoftLockup
                        | EventKind::HardLockup
                        | EventKind::SleepInAtomic
                        | EventKind::ScheduleInAtomic
                        | EventKind::AllocationFailure
                        | EventKind::Warning
                )
        })
        .filter_map(|e| {
            let task = e.task.clone().or_else(|| {
                e.snapshots.iter().find_map(|id| exhibit.seen.snapshot(*id).task.clone())
            })?;
            Some((task.name, exhibit.cite(e.lines.first)))
        })
        .collect();
    let statement = format!("the task is {name}");
    if let Some((_, line)) = crashes.iter().find(|(n, _)| n == name) {
        return Some(Judgement::new(statement, Supported, "the report names it").citing([*line]));
    }
    let (other, line) = crashes.first()?;
    // A word that is no task of the log is no name.
    let pid = crate::index::stated_pid(first.after()).is_some();
    (known || pid).then(|| {
        Judgement::new(statement, Contradicted, format!("the report names {other}")).citing([*line])
    })
}

/// By the waits of the task.
pub(crate) fn waits_for_lock(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let lock = first.group("lock")?.to_ascii_lowercase();
    let (name, tasks) = subject(case, first.before(), "")?;
    let exhibit = case.evidence.facts();
    let graph = &exhibit.graph;
    let statement = format!("{name} waits for a {lock}");
    let own = graph.edges.iter().filter(|e| {
        graph.nodes[e.from].task.as_ref().is_some_and(|t| tasks.iter().any(|k| same(&k.task, t)))
    });
    let mut other = None;
    for edge in own {
        let lines: Vec<Cited> = edge.lines.iter().map(|l| exhibit.cite_span(*l)).collect();
        let target = &graph.nodes[edge.to];
        if target.kind == analysis_hang::graph::NodeKind::Lock {
            let text = format!("{} {}", target.name, edge.waits_for).to_ascii_lowercase();
            let same = lock == "lock"
                || text.contains(lock.trim_start_matches("rw_"))
                || !["mutex", "sem", "spin"].iter().any(|w| text.contains(w));
            return Some(if same {
                Judgement::new(statement, Supported, format!("its stack waits for {}", target.name))
                    .citing(lines)
            } else {
                Judgement::new(
                    statement,
                    Contradicted,
                    format!("its stack waits for {}", target.name),
                )
                .citing(lines)
            });
        }
        other.get_or_insert((target.name.clone(), lines));
    }
    let (target, lines) = other?;
    Some(
        Judgement::new(statement, Contradicted, format!("its stack waits for {target}"))
            .citing(lines),
    )
}

/// By the headers that name a task with its pid.
pub(crate) fn pid(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let claimed: u32 = first.any("pid")?.parse().ok()?;
    if !case.is_whole() {
        return None;
    }
    let index = case.evidence.index();
    let name = match first.group("name") {
        Some(name) => name.trim_end_matches(['.', ',', ':', ';', ')']).to_owned(),
        // The name in front, whatever pid stands behind it.
        None => {
            let before = first.before().trim_end_matches([',', ' ', '`']);
            let before = before.trim_end_matches(", which").trim_end_matches(" which");
            let word = before.rsplit([' ', '(', '`']).next()?;
            word.trim_matches(['*', '`', '"', '(', ',']).to_owned()
        }
    };
    let tasks: Vec<&KnownTask> = index.tasks.iter().filter(|k| k.task.name == name).collect();
    let statement = format!("the pid of {name} is {claimed}");
    let exhibit = case.evidence.facts();
    let line = |task: &KnownTask| {
        task.states.first().map(|s| s.1).or(task.cpus.first().map(|c| c.1)).or_else(|| {
            let pid = task.task.pid?;
            exhibit.seen.snapshots.iter().find_map(|s| {
                let own = s.task.as_ref().and_then(|t| t.pid) == Some(pid);
                own.then(|| s.lines.map(|l| exhibit.cite(l.first))).flatten()
            })
        })
    };
    if let Some(own) = tasks.iter().find(|k| k.task.pid == Some(claimed)) {
        // A pid given in passing, and right, needs no row.
        if first.group("pid3").is_some() {
            return None;
        }
        return Some(Judgement::new(statement, Supported, "the log names both").citing(line(own)));
    }
    let other = tasks.iter().find(|k| k.task.pid.is_some())?;
    // Another task of that name may have that pid, unless the log gives the pid to somebody else.
    let taken = index
        .tasks
        .iter()
        .find(|k| k.task.pid == Some(claimed) && k.task.name != name && !k.task.name.is_empty());
    Some(match taken {
        Some(taken) => Judgement::new(
            statement,
            Contradicted,
            format!("the log names {} and {}", taken.task, other.task),
        )
        .citing(line(taken))
        .citing(line(other)),
        None => Judgement::new(statement, Unsupported, format!("the log names {}", other.task))
            .citing(line(other)),
    })
}
