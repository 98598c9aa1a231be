//! Claims about single facts of a log: HZ, system calls, states, order of events, number of CPUs, who
//! waits for what, and which task is to blame.

use analysis_hang::graph::NodeKind;
use analysis_hang::wait::{self, Awaited};
use model::Grade;

use super::log::event_kinds;
use crate::claims::{Case, Found, Judgement};
use crate::evidence::{Cited, Exhibit};
use crate::verdict::Verdict::{CannotJudge, Contradicted, Plausible, Supported, Unsupported};

/// By the HZ that the log allows.
pub(crate) fn hertz(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let claimed: u32 = found.first()?.group("hz")?.parse().ok()?;
    let statement = format!("HZ is {claimed}");
    let (known, exhibit) = case.evidence.exhibits().find_map(|e| Some((e.hertz.as_ref()?, e)))?;
    let lines: Vec<Cited> = known.lines.iter().map(|l| exhibit.cite_span(*l)).collect();
    let list: Vec<String> = known.values.iter().map(ToString::to_string).collect();
    let judgement = match (known.values.as_slice(), known.values.contains(&claimed)) {
        ([_], true) => {
            Judgement::new(statement, Supported, "jiffies and stamps of the log give it")
        }
        (_, true) => {
            Judgement::new(statement, CannotJudge, format!("the log allows {}", list.join(" or ")))
        }
        ([], false) => return None,
        (_, false) => {
            Judgement::new(statement, Contradicted, format!("the log allows {}", list.join(" or ")))
        }
    };
    Some(judgement.citing(lines))
}

/// By the registers that a call was entered with.
pub(crate) fn system_call(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let claimed = ["call", "call2", "call3"].iter().find_map(|g| found.first()?.group(g))?;
    if !analysis_registers::is_syscall(claimed) {
        return None;
    }
    let statement = format!("the task is in {claimed}()");
    let mut calls: Vec<(String, String, Cited)> = Vec::new();
    for exhibit in case.evidence.exhibits() {
        let lines: Vec<_> = exhibit.lines.iter().map(|line| (*line).clone()).collect();
        for dump in analysis_registers::register_dumps(&lines) {
            if let Some(call) = analysis_registers::syscall(&dump)
                && let Some(name) = call.name
            {
                calls.push((name.to_owned(), call.text(), exhibit.cite_span(call.lines)));
            }
        }
    }
    if let Some((_, text, line)) = calls.iter().find(|(name, ..)| name == claimed) {
        return Some(
            Judgement::new(statement, Supported, format!("the registers say {text}"))
                .citing([*line]),
        );
    }
    let (first, text, line) = calls.first()?;
    // With several calls the claim may be about a task whose registers are not printed.
    let all_same = calls.iter().all(|(name, ..)| name == first);
    let (verdict, reason) = match all_same {
        true => (Contradicted, format!("the registers say {text}")),
        false => (Unsupported, "no registers of the log are of that call".to_owned()),
    };
    Some(Judgement::new(statement, verdict, reason).citing([*line]))
}

/// By `->state=` of the starved thread.
pub(crate) fn thread_state(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let claimed = found.first()?.group("state")?.to_ascii_lowercase();
    let asleep = match claimed.as_str() {
        "task_running" | "runnable" | "running" | "0x0" => false,
        "task_interruptible"
        | "task_uninterruptible"
        | "task_idle"
        | "sleeping"
        | "asleep"
        | "0x1"
        | "0x2"
        | "0x402" => true,
        _ => return None,
    };
    let statement = match asleep {
        true => "the grace-period thread sleeps",
        false => "the grace-period thread is runnable",
    };
    for exhibit in case.evidence.exhibits() {
        for (_, stall) in exhibit.stalls() {
            let Some(starved) = &stall.starved else { continue };
            let Some(state) = starved.state else { continue };
            let line = exhibit.cite(starved.line);
            let sleeps = state & 0x3 != 0;
            let verdict = if sleeps == asleep { Supported } else { Contradicted };
            return Some(
                Judgement::new(statement, verdict, format!("the log prints ->state={state:#x}"))
                    .citing([line]),
            );
        }
    }
    None
}

/// By the order of the lines.
pub(crate) fn first_event(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let named = found.first()?.group("event")?;
    let key = super::log::event_key(named);
    let kinds = event_kinds(&key)?;
    let statement = format!("{key} came first");
    let exhibit = case.evidence.exhibits().find(|e| e.is_stretch)?;
    let mut events: Vec<_> = exhibit
        .seen
        .events
        .iter()
        .filter(|e| !e.headline.is_empty() && super::log::is_report(e))
        .collect();
    events.sort_by_key(|e| e.lines.first);
    let first = events.first()?;
    let line = exhibit.cite(first.lines.first);
    if kinds.contains(&first.kind) {
        return Some(
            Judgement::new(statement, Supported, "no earlier event is in the log").citing([line]),
        );
    }
    Some(match events.iter().find(|e| kinds.contains(&e.kind)) {
        Some(own) => Judgement::new(
            statement,
            Contradicted,
            format!("an earlier event is in the log: {}", first.kind.name().replace('_', " ")),
        )
        .citing([line, exhibit.cite(own.lines.first)]),
        None => Judgement::new(statement, Unsupported, "the log has no such event").citing([line]),
    })
}

/// By what the log says of the machine.
pub(crate) fn cpu_count(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let claimed: u32 = first.group("cpus").or(first.group("cpus2"))?.parse().ok()?;
    let (known, line) = case.evidence.exhibits().find_map(|e| {
        let (cpus, line) = e.seen.kernel.cpus?;
        Some((cpus, e.cite(line)))
    })?;
    let verdict = if known == claimed { Supported } else { Contradicted };
    Some(
        Judgement::new(format!("{claimed} CPUs"), verdict, format!("the log says {known}"))
            .citing([line]),
    )
}

/// The node of the task that a text names, when it names exactly one.
fn named_task(exhibit: &Exhibit<'_>, text: &str) -> Option<usize> {
    let digits = |open: char| {
        let at = text.find(open)?;
        text[at..].split(|c: char| !c.is_ascii_digit()).find(|w| !w.is_empty())?.parse::<u32>().ok()
    };
    let pid = digits('[').or_else(|| digits('('));
    let name = text.split(['[', ' ']).next().unwrap_or(text).trim_matches(['*', '`']);
    let mut fitting = exhibit.graph.nodes.iter().enumerate().filter(|(_, node)| {
        node.kind == NodeKind::Task
            && node.task.as_ref().is_some_and(|task| match pid {
                Some(pid) => task.pid == Some(pid),
                None => task.name == name,
            })
    });
    let (at, _) = fitting.next()?;
    fitting.next().is_none().then_some(at)
}

/// By the edges of the graph.
pub(crate) fn waits_for(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let (who, what) = (first.group("who")?, first.group("what")?);
    let wanted = what.to_ascii_lowercase();
    // Words that name nothing of the graph.
    let kind = match wanted.trim_end_matches("'s") {
        "rcu" | "rcu grace period" | "grace period" | "grace-period" => Some(NodeKind::GracePeriod),
        "srcu" | "srcu grace period" => Some(NodeKind::Srcu),
        "i/o" | "io" | "disk" | "device" => Some(NodeKind::Device),
        name if name.contains('_') || name.contains("->") => None,
        _ => return None,
    };
    let exhibit = case.evidence.exhibits().find(|e| named_task(e, who).is_some())?;
    let node = named_task(exhibit, who)?;
    let task = &exhibit.graph.nodes[node].name;
    let statement = format!("{task} waits for {what}");
    let mut others = Vec::new();
    let mut lines = Vec::new();
    for edge in exhibit.graph.out(node) {
        let target = &exhibit.graph.nodes[edge.to];
        let own: Vec<Cited> = edge.lines.iter().map(|l| exhibit.cite_span(*l)).collect();
        let fits = match kind {
            Some(kind) => target.kind == kind,
            None => {
                target.name.to_ascii_lowercase().contains(&wanted)
                    || edge.waits_for.to_ascii_lowercase().contains(&wanted)
            }
        };
        if fits {
            let verdict = if edge.grade >= Grade::Inferred { Supported } else { Plausible };
            return Some(
                Judgement::new(statement, verdict, format!("its stack shows it ({})", edge.rule))
                    .citing(own),
            );
        }
        others.push((target.name.clone(), target.kind));
        lines.extend(own);
    }
    if let Some((other, other_kind)) = others.first() {
        // A lock that the graph could not name may be the one that is meant.
        let unnamed =
            kind.is_none() && (*other_kind == NodeKind::Unknown || other.contains(" taken in "));
        let verdict = if unnamed { CannotJudge } else { Contradicted };
        return Some(
            Judgement::new(statement, verdict, format!("its stack waits for {other}"))
                .citing(lines),
        );
    }
    let snapshot = exhibit.graph.nodes[node].snapshot.map(|id| exhibit.seen.snapshot(id))?;
    let cited: Vec<Cited> = snapshot.lines.map(|l| exhibit.cite_span(l)).into_iter().collect();
    if wait::awaited(snapshot).is_some_and(|w| w.awaited == Awaited::Nothing) {
        return Some(
            Judgement::new(statement, Contradicted, "its stack shows that it idles").citing(cited),
        );
    }
    if snapshot.state == Some('R') {
        return Some(
            Judgement::new(statement, Contradicted, "it is runnable, not blocked").citing(cited),
        );
    }
    Some(
        Judgement::new(statement, CannotJudge, "its stack does not tell what it waits for")
            .citing(cited),
    )
}

/// A task that waits for another one is a victim; the end of a chain may be to blame.
pub(crate) fn culprit_task(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let who = found.first()?.group("who")?;
    let exhibit = case.evidence.exhibits().find(|e| named_task(e, who).is_some())?;
    let node = named_task(exhibit, who)?;
    let task = exhibit.graph.nodes[node].name.clone();
    let statement = format!("{task} is to blame");
    let awaited = exhibit.graph.edges.iter().any(|e| e.to == node);
    if exhibit.cycle().is_some_and(|c| c.text.contains(&task)) {
        return Some(Judgement::new(
            statement,
            Plausible,
            "it is part of the cycle, as others are",
        ));
    }
    if let Some(edge) = exhibit.graph.out(node).find(|e| e.grade >= Grade::Inferred) {
        let lines: Vec<Cited> = edge.lines.iter().map(|l| exhibit.cite_span(*l)).collect();
        return Some(
            Judgement::new(
                statement,
                Contradicted,
                format!("it waits itself, for {}", exhibit.graph.nodes[edge.to].name),
            )
            .citing(lines),
        );
    }
    Some(match awaited {
        true => Judgement::new(
            statement,
            Plausible,
            "the chain of waits ends at it; why it does not go on is another question",
        ),
        false => Judgement::new(statement, CannotJudge, "nobody in the graph waits for it"),
    })
}
