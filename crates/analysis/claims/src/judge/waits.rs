//! Claims about who waits for whom: judged by the wait graph and the lists of holdouts.

use std::sync::LazyLock;

use analysis_hang::event::{Detail, EventKind};
use analysis_hang::graph::NodeKind;
use analysis_hang::stack;
use analysis_hang::verdict::VerdictKind;
use model::{Grade, LineSpan};
use regex::Regex;

use super::{Shape, is_match};
use crate::claims::{Case, Found, Judgement};
use crate::document::LineKind;
use crate::evidence::{Cited, End, Exhibit, Source};
use crate::verdict::Verdict::{
    CannotJudge, Contradicted, Incomplete, Plausible, ProvesNothing, Supported, Unsupported,
};

/// Supported by a cycle, contradicted by chains that all end open, unsupported when the end of a chain
/// is not shown.
pub(crate) fn deadlock(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let exhibit = case.evidence.graph_exhibit();
    let only_possible = found.iter().all(|f| {
        f.hedged
            || f.sentence.text[..f.range.start]
                .to_ascii_lowercase()
                .trim_end()
                .ends_with("possible")
    });
    let statement = if only_possible { "it may be a deadlock" } else { "it is a deadlock" };
    let new = |verdict, reason: String| Some(Judgement::new(statement, verdict, reason));
    for exhibit in case.evidence.exhibits() {
        let Some(cycle) = exhibit.cycle() else { continue };
        let (verdict, reason) = match cycle.grade {
            Grade::Seen | Grade::Derived => {
                (Supported, format!("the waits close a cycle: {}", cycle.text))
            }
            _ => (
                Plausible,
                format!(
                    "the waits close a cycle, {}, but one edge is inferred, not printed",
                    cycle.text
                ),
            ),
        };
        return new(verdict, reason).map(|j| j.citing(cycle.lines));
    }
    for exhibit in case.evidence.exhibits() {
        let splat = exhibit.seen.events.iter().find(|e| {
            matches!(
                e.kind,
                EventKind::LockdepCircular
                    | EventKind::LockdepRecursive
                    | EventKind::LockdepInterrupt
            )
        });
        if let Some(event) = splat {
            let verdict = if only_possible { Supported } else { Plausible };
            return new(
                verdict,
                "lockdep shows that the order of locks allows one, not that one happened"
                    .to_owned(),
            )
            .map(|j| j.citing([exhibit.cite(event.lines.first)]));
        }
    }
    if let Some(verdict) = &exhibit.verdict
        && matches!(verdict.kind, VerdictKind::Starvation | VerdictKind::Leak)
        && verdict.grade >= Grade::Inferred
    {
        return new(
            Contradicted,
            format!("the waits of the log have no cycle: {}", verdict.statement),
        )
        .map(|j| j.citing(exhibit.edge_lines()));
    }
    if let Some(ends) = exhibit.open_ends() {
        let ends: Vec<_> = ends.iter().map(End::text).collect();
        return new(
            Contradicted,
            format!("the chain as quoted has no cycle and ends {}", ends.join(" and ")),
        )
        .map(|j| j.citing(exhibit.edge_lines()));
    }
    if exhibit.has_waits() {
        let ends: Vec<_> = exhibit.ends().iter().take(3).map(End::text).collect();
        return new(
            Unsupported,
            format!("no cycle closes in the stacks at hand: they end {}", ends.join("; and ")),
        )
        .map(|j| j.citing(exhibit.edge_lines()));
    }
    new(Unsupported, "no stack of a waiting task is quoted, so no cycle can be shown".to_owned())
}

/// The mirror of [`deadlock`].
pub(crate) fn no_deadlock(case: &Case<'_>, _: &[Found<'_>]) -> Option<Judgement> {
    let statement = "it is not a deadlock";
    for exhibit in case.evidence.exhibits() {
        if let Some(cycle) = exhibit.cycle() {
            let verdict = if cycle.grade >= Grade::Derived { Contradicted } else { CannotJudge };
            return Some(
                Judgement::new(
                    statement,
                    verdict,
                    format!("the waits may close a cycle: {}", cycle.text),
                )
                .citing(cycle.lines),
            );
        }
    }
    let exhibit = case.evidence.graph_exhibit();
    if let Some(log) = case.evidence.log.as_ref().filter(|log| !log.has_waits()) {
        let hang = |kind: EventKind| {
            kind.is_hang()
                || matches!(
                    kind,
                    EventKind::LockdepCircular
                        | EventKind::LockdepRecursive
                        | EventKind::SpinlockBug
                )
        };
        let other = log.seen.events.iter().find(|e| !e.headline.is_empty());
        if let (false, Some(event)) = (log.seen.events.iter().any(|e| hang(e.kind)), other) {
            let reason = "the log reports no hang and no task that waits";
            return Some(
                Judgement::new(statement, Supported, reason).citing([log.cite(event.lines.first)]),
            );
        }
    }
    Some(match exhibit.open_ends() {
        Some(ends) => {
            let ends: Vec<_> = ends.iter().map(End::text).collect();
            Judgement::new(
                statement,
                Supported,
                format!("no cycle: the chain ends {}", ends.join(" and ")),
            )
            .citing(exhibit.edge_lines())
        }
        None => Judgement::new(
            statement,
            CannotJudge,
            "the stacks at hand do not show every holder, so a cycle is neither shown nor excluded",
        ),
    })
}

/// By the lists of holdouts. A report that is quoted only in part cannot contradict.
pub(crate) fn cpu_holdout(case: &Case<'_>, _: &[Found<'_>]) -> Option<Judgement> {
    let statement = "CPUs fail to pass quiescent states";
    let mut partial = None;
    for exhibit in case.evidence.exhibits() {
        for (event, stall) in exhibit.stalls() {
            if let Some(cpu) = stall.cpus.first() {
                let list: Vec<_> = stall.cpus.iter().map(|c| c.cpu.to_string()).collect();
                return Some(
                    Judgement::new(
                        statement,
                        Supported,
                        format!("the report lists CPU {} as holdout", list.join(", ")),
                    )
                    .citing([exhibit.cite(cpu.line)]),
                );
            }
            if let Some(task) = stall.tasks.first() {
                let whole = stall.period.is_some() && !stall.flavour.is_empty();
                partial.get_or_insert((exhibit.cite(task.line), whole, event.lines));
            }
        }
    }
    Some(match partial {
        Some((line, true, _)) => Judgement::new(
            statement,
            Contradicted,
            "the report lists only task readers as holdouts, and no CPU",
        )
        .citing([line]),
        Some((line, false, _)) => Judgement::new(
            statement,
            Unsupported,
            format!("the one quoted line ({line}) lists a task reader and no CPU; CPU lines, if any, were printed before it and are not quoted"),
        )
        .citing([line]),
        None => Judgement::new(
            statement,
            Unsupported,
            "no list of holdouts is quoted; the CPU lines of the stall report would show it",
        ),
    })
}

/// By the P<pid> of the lists.
pub(crate) fn task_holdout(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let pid: u32 = found.first()?.group("pid")?.parse().ok()?;
    let statement = format!("pid {pid} holds up the grace period");
    let mut listed = None;
    for exhibit in case.evidence.exhibits() {
        for (_, stall) in exhibit.stalls() {
            if let Some(task) = stall.tasks.iter().find(|t| t.pid == pid) {
                return Some(
                    Judgement::new(statement, Supported, "the report lists it as a reader")
                        .citing([exhibit.cite(task.line)]),
                );
            }
            if let Some(task) = stall.tasks.first() {
                listed.get_or_insert((exhibit.cite(task.line), task.pid, stall.period.is_some()));
            }
        }
    }
    Some(match listed {
        Some((line, other, true)) => Judgement::new(
            statement,
            Contradicted,
            format!("the report lists pid {other}, not pid {pid}"),
        )
        .citing([line]),
        Some((line, other, false)) => Judgement::new(
            statement,
            Unsupported,
            format!("the quoted line lists pid {other}; the rest of the report is not quoted"),
        )
        .citing([line]),
        None => Judgement::new(statement, Unsupported, "no list of holdouts is at hand"),
    })
}

/// Proves nothing where the chain of the new kernel is open as well.
pub(crate) fn earlier_coped(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let reasoned = found.iter().any(|f| {
        ["once ", "when ", "after ", "as soon as"].iter().any(|w| f.sentence.text.contains(w))
    });
    let statement = match reasoned {
        true => "earlier kernels coped, because the wait would have ended with the stall",
        false => "earlier kernels coped",
    };
    let exhibit = case.evidence.graph_exhibit();
    Some(match exhibit.open_ends() {
        Some(ends) => {
            // The wait at the head of the chain: of a task that nobody waits for.
            let graph = &exhibit.graph;
            let first = graph
                .edges
                .iter()
                .find(|e| {
                    graph.nodes[e.from].kind == NodeKind::Task
                        && !graph.edges.iter().any(|other| other.to == e.from)
                })
                .map_or("the new wait", |e| graph.nodes[e.to].name.as_str());
            let end = ends.first().map(End::text).unwrap_or_default();
            Judgement::new(
                statement,
                ProvesNothing,
                format!("{first} also finishes once the stall ends: the chain has no cycle and ends {end}"),
            )
            .citing(exhibit.edge_lines())
        }
        None => Judgement::new(
            statement,
            crate::Verdict::Untested,
            "no run of such a kernel is shown, and the graph at hand does not decide",
        ),
    })
}

/// Needs two observations of the same thing.
pub(crate) fn forever(case: &Case<'_>, _: &[Found<'_>]) -> Option<Judgement> {
    let statement = "it lasts forever";
    for exhibit in case.evidence.exhibits() {
        let ends = exhibit.ends();
        if let Some(End::Idle(name)) = ends.iter().find(|e| matches!(e, End::Idle(_))) {
            return Some(
                Judgement::new(
                    statement,
                    Plausible,
                    format!(
                        "the chain ends at {name}, which idles: nothing pending will release it"
                    ),
                )
                .citing(exhibit.edge_lines()),
            );
        }
        if let Some(cycle) = exhibit.cycle() {
            return Some(
                Judgement::new(
                    statement,
                    Plausible,
                    format!("the waits close a cycle: {}", cycle.text),
                )
                .citing(cycle.lines),
            );
        }
        if let Some((reason, lines)) = seen_twice(exhibit) {
            return Some(Judgement::new(statement, Plausible, reason).citing(lines));
        }
    }
    Some(Judgement::new(
        statement,
        Unsupported,
        "one snapshot cannot tell slow from never; a second report of the same wait would",
    ))
}

/// The same grace period, or the same hung task, in two reports.
fn seen_twice(exhibit: &Exhibit<'_>) -> Option<(String, Vec<Cited>)> {
    let periods: Vec<_> = exhibit.stalls().filter_map(|(_, s)| s.period.as_ref()).collect();
    for (at, period) in periods.iter().enumerate() {
        if let Some(later) = periods[at + 1..]
            .iter()
            .find(|p| p.number == period.number && p.jiffies > period.jiffies)
        {
            return Some((
                format!(
                    "grace period {} was open at {} and still at {} jiffies; that it never ends is an inference",
                    period.number, period.jiffies, later.jiffies
                ),
                vec![exhibit.cite(period.line), exhibit.cite(later.line)],
            ));
        }
    }
    let members: Vec<_> = exhibit
        .seen
        .events
        .iter()
        .filter_map(|e| match &e.detail {
            Detail::Hung(scan) => Some(scan.members.iter()),
            _ => None,
        })
        .flatten()
        .collect();
    for (at, member) in members.iter().enumerate() {
        if let Some(later) = members[at + 1..].iter().find(|m| {
            m.task == member.task && m.seconds > member.seconds && member.task.pid.is_some()
        }) {
            return Some((
                format!(
                    "{} was blocked for {} s and still for {} s; that it never ends is an inference",
                    member.task, member.seconds, later.seconds
                ),
                vec![exhibit.cite(member.line), exhibit.cite(later.line)],
            ));
        }
    }
    None
}

static DOMAIN: Shape = LazyLock::new(|| Regex::new(r"\b[a-z]\w*_srcu\b").ok());

/// Two workers inside `process_srcu` are two domains.
pub(crate) fn srcu_domains(case: &Case<'_>, _: &[Found<'_>]) -> Option<Judgement> {
    let (workers, lines) = srcu_workers(case)?;
    let mut domains: Vec<&str> = case
        .document
        .sentences
        .iter()
        .filter_map(|s| DOMAIN.as_ref().map(|d| d.find_iter(&s.text).map(|m| m.as_str())))
        .flatten()
        .filter(|name| {
            ![
                "process_srcu",
                "synchronize_srcu",
                "__synchronize_srcu",
                "call_srcu",
                "init_srcu",
                "cleanup_srcu",
                "flush_srcu",
            ]
            .contains(name)
        })
        .collect();
    domains.sort_unstable();
    domains.dedup();
    let named = match domains.as_slice() {
        [] => "no domain is named".to_owned(),
        [one] => format!("only {one} is named"),
        _ => return None,
    };
    let served = domains.first().map_or_else(|| "one domain".to_owned(), |d| (*d).to_owned());
    Some(
        Judgement::new(
            format!("the {} workers serve {served}", workers.len()),
            Incomplete,
            format!(
                "{} inside process_srcu at once belong to {} different SRCU domains; {named}",
                workers.join(" and "),
                workers.len()
            ),
        )
        .citing(lines),
    )
}

/// The tasks inside `process_srcu`, when there are at least two, and their stacks.
pub(crate) fn srcu_workers(case: &Case<'_>) -> Option<(Vec<String>, Vec<Cited>)> {
    case.evidence.exhibits().find_map(|exhibit| {
        let mut workers = Vec::new();
        let mut lines = Vec::new();
        for snapshot in &exhibit.seen.snapshots {
            let inside = snapshot.frames.iter().any(|f| f.reliable && f.function == "process_srcu");
            if let (true, Some(task)) = (inside, &snapshot.task) {
                let name = task.to_string();
                if !workers.contains(&name) {
                    workers.push(name);
                    lines.extend(snapshot.lines.map(|l| exhibit.cite_span(l)));
                }
            }
        }
        (workers.len() >= 2).then_some((workers, lines))
    })
}

static BLAMES_CODE: Shape = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:caus\w+|cuased|due to|because of|by)\b[^.;]{0,30}\b(?:following|this|above|below|attached|shown|our|my) (?:code|patch|change|function)\b").ok()
});

/// The symptom is in the log; the code that is blamed for it must hold an unpaired lock.
pub(crate) fn reader_leak(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let sentence = found.first()?.sentence;
    let symptom = case.evidence.exhibits().find_map(|exhibit| {
        let switch = exhibit.events(EventKind::RcuVoluntarySwitch).next();
        let leak = exhibit.events(EventKind::WorkqueueLeak).next();
        let event = leak.or(switch)?;
        Some((exhibit.cite(event.lines.first), leak.is_some()))
    });
    if is_match(&BLAMES_CODE, &sentence.text) {
        let statement = "the RCU reader rule was violated by the shown code";
        let code: Vec<(u64, &str)> = code_near(case, sentence.lines);
        if code.is_empty() {
            return Some(Judgement::new(statement, Unsupported, "no code is shown"));
        }
        let span = LineSpan::new(code[0].0, code[code.len() - 1].0);
        let cited = Cited { source: Source::Analysis, lines: span };
        let count = |what: &str| code.iter().filter(|(_, text)| text.contains(what)).count();
        let (locks, unlocks) = (count("rcu_read_lock("), count("rcu_read_unlock("));
        let judgement = if locks > unlocks {
            Judgement::new(
                statement,
                Plausible,
                format!(
                    "the fragment has {locks} rcu_read_lock and {unlocks} rcu_read_unlock; whether a path leaves without one has to be read in the source"
                ),
            )
        } else if locks == 0 {
            let elsewhere = match unseen_callee(&code) {
                Some(callee) => format!("; the leak may be in {callee}(), whose text is not shown"),
                None => String::new(),
            };
            Judgement::new(
                statement,
                Plausible,
                format!("not proven: the fragment has no rcu_read_lock{elsewhere}"),
            )
        } else {
            Judgement::new(
                statement,
                Plausible,
                format!(
                    "not proven: the fragment pairs its {locks} rcu_read_lock with {unlocks} rcu_read_unlock"
                ),
            )
        };
        return Some(judgement.citing(symptom.map(|(line, _)| line)).citing([cited]));
    }
    let statement = "an RCU reader section was violated or leaked";
    Some(match symptom {
        Some((line, true)) => {
            Judgement::new(statement, Supported, "the workqueue check reports the leak").citing([line])
        }
        Some((line, false)) => Judgement::new(
            statement,
            Supported,
            "the kernel reports a voluntary switch inside a reader section; the place of the sleep is not the place of the leak",
        )
        .citing([line]),
        None => Judgement::new(statement, Unsupported, "no line reports it (R26, R46), and no reader depth is quoted"),
    })
}

/// The code blocks that follow a sentence, else all of them.
fn code_near<'c>(case: &'c Case<'_>, lines: LineSpan) -> Vec<(u64, &'c str)> {
    let all: Vec<(u64, &str)> = case.document.of_kind(LineKind::Code).collect();
    let after: Vec<(u64, &str)> = all.iter().copied().filter(|(n, _)| *n > lines.last).collect();
    if after.is_empty() { all } else { after }
}

static CALL: Shape = LazyLock::new(|| Regex::new(r"\b([a-z]\w*_\w+)\s*\(").ok());
static DEFINITION: Shape =
    LazyLock::new(|| Regex::new(r"^(?:static\s+)?(?:[a-z_]\w*[\s*]+)+([a-z_]\w*)\s*\([^;]*$").ok());

/// A function that the fragment calls, that bears the same first word as one it defines, and whose
/// text is not shown: the author's own code that the reader cannot see.
fn unseen_callee(code: &[(u64, &str)]) -> Option<String> {
    let (call, definition) = (CALL.as_ref()?, DEFINITION.as_ref()?);
    let defined: Vec<&str> = code
        .iter()
        .filter_map(|(_, text)| {
            definition.captures(text).and_then(|c| c.get(1)).map(|m| m.as_str())
        })
        .collect();
    let family = |name: &str| name.split('_').next().unwrap_or_default().to_owned();
    let own: Vec<String> = defined.iter().map(|d| family(d)).filter(|f| f.len() > 2).collect();
    code.iter()
        .filter(|(_, text)| !text.trim_start().starts_with("//"))
        .flat_map(|(_, text)| call.captures_iter(text))
        .filter_map(|c| c.get(1).map(|m| m.as_str()))
        .find(|name| !defined.contains(name) && own.contains(&family(name)))
        .map(str::to_owned)
}

/// By lockups, lists of holdouts, starved threads and detectors, each with its CPU.
pub(crate) fn cpu(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let cpu: u32 = first.group("cpu")?.parse().ok()?;
    let text = first.sentence.text.to_ascii_lowercase();
    let statement = format!("CPU {cpu} is stuck or holds things up");
    let of_thread =
        ["kthread", "thread", "grace-period", "grace period"].iter().any(|w| text.contains(w))
            && text.contains("starv");
    let mut witness = None;
    let mut others: Vec<(u32, Cited)> = Vec::new();
    for exhibit in case.evidence.exhibits() {
        for (event, stall) in exhibit.stalls() {
            if let Some(starved) = &stall.starved
                && let Some(home) = starved.cpu
                && of_thread
            {
                let line = exhibit.cite(starved.line);
                return Some(if home == cpu {
                    Judgement::new(
                        statement,
                        Supported,
                        format!("the starved thread belongs to CPU {home}"),
                    )
                    .citing([line])
                } else {
                    Judgement::new(
                        format!("CPU {cpu} starves the grace-period thread"),
                        Contradicted,
                        format!("the thread waits for CPU {home}"),
                    )
                    .citing([line])
                });
            }
            if let Some(holdout) = stall.cpus.iter().find(|c| c.cpu == cpu) {
                return Some(
                    Judgement::new(statement, Supported, format!("the report lists CPU {cpu} as holdout; what keeps it busy is another question"))
                        .citing([exhibit.cite(holdout.line)]),
                );
            }
            others.extend(stall.cpus.iter().map(|c| (c.cpu, exhibit.cite(c.line))));
            if let Some(period) = &stall.period
                && period.detected_by == Some(cpu)
            {
                witness = Some(exhibit.cite(period.line));
            }
            let _ = event;
        }
        for event in &exhibit.seen.events {
            let lockup = matches!(
                event.kind,
                EventKind::SoftLockup | EventKind::HardLockup | EventKind::CsdLock
            );
            if lockup && event.cpu == Some(cpu) {
                return Some(
                    Judgement::new(
                        statement,
                        Supported,
                        format!("the kernel reports CPU {cpu} as stuck"),
                    )
                    .citing([exhibit.cite(event.lines.first)]),
                );
            }
            if let (true, Some(other)) = (lockup, event.cpu) {
                others.push((other, exhibit.cite(event.lines.first)));
            }
        }
    }
    if let Some(line) = witness {
        return Some(
            Judgement::new(
                statement,
                Contradicted,
                format!("CPU {cpu} only detected the stall: a witness, not a suspect"),
            )
            .citing([line]),
        );
    }
    Some(match others.first() {
        Some((other, line)) => Judgement::new(
            statement,
            Unsupported,
            format!("the report names CPU {other}; nothing is reported of CPU {cpu}"),
        )
        .citing([*line]),
        None => Judgement::new(
            statement,
            Unsupported,
            format!("no line reports CPU {cpu} as holdout or locked up"),
        ),
    })
}

/// By owner lines, lock lists, and stacks past the acquisition.
pub(crate) fn holder(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let lock = first.group("lock").or(first.group("lock2"))?;
    let bare = lock.rsplit(['.', '>']).next().unwrap_or(lock).to_ascii_lowercase();
    let text = &first.sentence.text;
    // `the mutex`, `a lock` name nothing that could be looked up.
    let named = !matches!(bare.as_str(), "mutex" | "lock" | "rwsem" | "semaphore" | "_lock");
    let pids: Vec<u32> = crate::quoted::tasks_of(text, 0).iter().map(|t| t.pid).collect();
    let statement = format!("a holder of {lock} is named");
    for exhibit in case.evidence.exhibits() {
        let nodes = exhibit.graph.nodes.iter().enumerate();
        let locks = nodes.filter(|(_, n)| {
            n.kind == NodeKind::Lock && named && n.name.to_ascii_lowercase().contains(&bare)
        });
        for (node, _) in locks {
            for edge in exhibit.graph.out(node) {
                let holder = &exhibit.graph.nodes[edge.to];
                let lines: Vec<Cited> = edge.lines.iter().map(|l| exhibit.cite_span(*l)).collect();
                let pid = holder.task.as_ref().and_then(|t| t.pid);
                let same = match pid {
                    Some(pid) => pids.contains(&pid) || text.contains(&pid.to_string()),
                    None => false,
                } || holder
                    .task
                    .as_ref()
                    .is_some_and(|t| !t.name.is_empty() && text.contains(&t.name));
                if same {
                    let (verdict, how) = match edge.grade {
                        Grade::Seen | Grade::Derived => (Supported, "the log names it"),
                        _ => (Plausible, "an inference from the stacks, no list of locks names it"),
                    };
                    return Some(
                        Judgement::new(format!("{} holds {lock}", holder.name), verdict, how)
                            .citing(lines),
                    );
                }
                if edge.grade == Grade::Seen && !pids.is_empty() {
                    return Some(
                        Judgement::new(
                            statement,
                            Contradicted,
                            format!("the log names {} as holder", holder.name),
                        )
                        .citing(lines),
                    );
                }
            }
        }
        for list in &exhibit.seen.locks {
            let entry =
                list.locks.iter().find(|l| named && l.class.to_ascii_lowercase().contains(&bare));
            let of_this = list.task.pid.is_some_and(|p| pids.contains(&p));
            if let (Some(entry), true) = (entry, of_this) {
                return Some(
                    Judgement::new(
                        format!("{} holds {lock}", list.task),
                        Supported,
                        "its list of locks has it (the last entry may be one it still waits for)",
                    )
                    .citing([exhibit.cite(entry.line)]),
                );
            }
        }
    }
    // A statement about code, not about tasks of this log.
    if pids.is_empty() && !text.contains("pid") {
        return None;
    }
    Some(Judgement::new(
        statement,
        Unsupported,
        "neither an owner line nor a list of held locks is at hand",
    ))
}

static STARVED_ON_CPU: Shape =
    LazyLock::new(|| Regex::new(r"(?i)\bstarv\w*[^.;]{0,60}\bon CPU ?#?(\d{1,4})\b").ok());
static STARVED_JIFFIES: Shape =
    LazyLock::new(|| Regex::new(r"\bstarv\w*[^.;]{0,40}?\b(\d{2,}) jiffies\b").ok());

/// Sentences that give the same figures are one claim.
pub(crate) fn starved_key(found: &Found<'_>) -> Option<String> {
    let number = |shape: &Shape| {
        let text = &found.sentence.text;
        shape.as_ref().and_then(|s| s.captures(text)).map(|c| c[1].to_owned()).unwrap_or_default()
    };
    Some(format!("{} {}", number(&STARVED_ON_CPU), number(&STARVED_JIFFIES)))
}

/// By the line that reports it.
pub(crate) fn starved_thread(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let number = |shape: &Shape| {
        found
            .iter()
            .find_map(|f| shape.as_ref()?.captures(&f.sentence.text)?[1].parse::<u64>().ok())
    };
    let statement = "the grace-period thread is starved";
    let mut whole = None;
    for exhibit in case.evidence.exhibits() {
        for (event, stall) in exhibit.stalls() {
            if let Some(starved) = &stall.starved {
                let line = exhibit.cite(starved.line);
                if let (Some(claimed), Some(home)) = (number(&STARVED_ON_CPU), starved.cpu)
                    && claimed != u64::from(home)
                {
                    return Some(
                        Judgement::new(
                            format!("the grace-period thread is starved on CPU {claimed}"),
                            Contradicted,
                            format!("it is starved, and waits for CPU {home}"),
                        )
                        .citing([line]),
                    );
                }
                let age = stall.period.as_ref().map(|p| p.jiffies);
                if let Some(claimed) = number(&STARVED_JIFFIES)
                    && claimed != starved.jiffies
                    && Some(claimed) != age
                {
                    return Some(
                        Judgement::new(
                            format!("the grace-period thread is starved for {claimed} jiffies"),
                            Contradicted,
                            format!("it is starved, for {} jiffies", starved.jiffies),
                        )
                        .citing([line]),
                    );
                }
                let mut reason =
                    format!("it last ran {} jiffies before the report", starved.jiffies);
                if let Some(period) = &stall.period {
                    reason.push_str(&format!(
                        ", of the {} that the grace period is old",
                        period.jiffies
                    ));
                }
                return Some(
                    Judgement::new(statement, Supported, reason)
                        .citing([exhibit.cite(starved.line)]),
                );
            }
            // Single quoted lines may leave out the one that matters.
            if stall.period.is_some() && exhibit.is_stretch {
                whole.get_or_insert(exhibit.cite(event.lines.first));
            }
        }
        if let Some(event) = exhibit.events(EventKind::RcuKthreadStarved).next() {
            return Some(
                Judgement::new(statement, Supported, "the kernel reports it")
                    .citing([exhibit.cite(event.lines.first)]),
            );
        }
    }
    Some(match whole {
        Some(line) => Judgement::new(
            statement,
            Contradicted,
            "the stall report has no line about its thread, which it prints when the thread is starved",
        )
        .citing([line]),
        None => Judgement::new(statement, Unsupported, "no such line is quoted"),
    })
}

/// Whether a name belongs to the printing and detecting machinery.
pub(crate) fn is_detector(function: &str) -> bool {
    stack::is_detector(function)
}
