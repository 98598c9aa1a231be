//! Claims about an out-of-memory kill: of which kind, of whom, by whom, and swap. Judged by the killer's own lines.

use std::sync::LazyLock;

use analysis_hang::event::{Detail, EventKind, MemoryReport};
use regex::Regex;

use super::tasks::nearest;
use super::{Shape, is_match};
use crate::claims::{Case, Found, Judgement};
use crate::evidence::{Cited, Exhibit};
use crate::verdict::Verdict::{CannotJudge, Contradicted, Supported, Unsupported};

fn kills<'e>(exhibit: &'e Exhibit<'_>) -> impl Iterator<Item = (Cited, &'e MemoryReport)> {
    exhibit.events(EventKind::OutOfMemory).filter_map(|event| match &event.detail {
        Detail::Memory(report) => Some((exhibit.cite(event.lines.first), report.as_ref())),
        _ => None,
    })
}

static CGROUP_LINE: Shape = LazyLock::new(|| {
    Regex::new(r"CONSTRAINT_MEMCG|Memory cgroup out of memory|memory: usage \d+kB, limit").ok()
});
static GLOBAL_LINE: Shape =
    LazyLock::new(|| Regex::new(r"CONSTRAINT_NONE|\bglobal_oom\b|^Out of memory").ok());

/// A limit of a group, or the whole machine: by the constraint.
pub(crate) fn constraint(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let exhibit = case.evidence.facts();
    let of_group = first.group("global").is_none();
    let statement = match of_group {
        true => "a memory cgroup hit its limit",
        false => "the whole machine ran out of memory",
    };
    let (group, global) = (
        CGROUP_LINE.as_ref().and_then(|s| exhibit.find(s)),
        GLOBAL_LINE.as_ref().and_then(|s| exhibit.find(s)),
    );
    let (own, other) = if of_group { (group, global) } else { (global, group) };
    Some(match (own, other) {
        (Some(line), _) => Judgement::new(statement, Supported, "the killer's line says so")
            .citing([exhibit.cite(line)]),
        (None, Some(line)) => {
            let reason = match of_group {
                true => "the killer's line says that it was global",
                false => "the killer's line says that a cgroup hit its limit",
            };
            Judgement::new(statement, Contradicted, reason).citing([exhibit.cite(line)])
        }
        (None, None) => {
            kills(exhibit).next()?;
            Judgement::new(statement, CannotJudge, "the killer's line does not say")
        }
    })
}

/// Who was killed.
pub(crate) fn victim(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let exhibit = case.evidence.facts();
    let killed: Vec<(String, Option<u32>, Cited)> = kills(exhibit)
        .flat_map(|(_, report)| report.killed.iter())
        .map(|(line, task)| (task.name.clone(), task.pid, exhibit.cite(*line)))
        .collect();
    let (name, pid) = match first.any("name") {
        Some(name) => (
            name.trim_end_matches(['.', ',', ':', ';']).to_owned(),
            crate::index::stated_pid(first.after()),
        ),
        None => {
            let (name, tasks) = nearest(case, first.before())?;
            let bare = tasks.first().map_or(name, |t| t.task.name.clone());
            (bare, tasks.first().and_then(|t| t.task.pid))
        }
    };
    const WORDS: &[&str] = &[
        "the",
        "a",
        "an",
        "it",
        "this",
        "that",
        "process",
        "processes",
        "task",
        "tasks",
        "one",
        "some",
        "was",
        "by",
        "off",
        "because",
        "several",
        "which",
        "and",
        "largest",
        "something",
        "some",
    ];
    if WORDS.contains(&name.to_ascii_lowercase().as_str()) {
        return None;
    }
    let name = name.trim_end_matches(['.', ',', ':', ';']).to_owned();
    let statement = format!("{name} was killed");
    if killed.is_empty() {
        // A kill of another sort may leave no line.
        let said = first.sentence.text.to_ascii_lowercase();
        let by_oom = said.contains("oom") || said.contains("out of memory");
        return (by_oom && case.is_whole()).then(|| {
            Judgement::new(
                statement,
                Unsupported,
                "the out-of-memory killer killed nobody in this log",
            )
        });
    }
    let same = |(n, p, _): &&(String, Option<u32>, Cited)| {
        (n == &name || (n.len() >= 15 && name.starts_with(n.as_str())))
            && (pid.is_none() || p.is_none() || *p == pid)
    };
    if let Some((_, _, line)) = killed.iter().find(same) {
        return Some(
            Judgement::new(statement, Supported, "the killer's line names it").citing([*line]),
        );
    }
    // Only a name that could be a task's is compared.
    let known = case.evidence.index().named(&name).iter().any(|(at, ..)| *at == 0)
        || exhibit.lines.iter().any(|l| l.text.contains(&name));
    if !known {
        return Some(Judgement::new(statement, Unsupported, "no line names it"));
    }
    let (other, pid, line) = killed.first()?;
    let other = pid.map_or_else(|| other.clone(), |p| format!("{other}[{p}]"));
    Some(
        Judgement::new(statement, Contradicted, format!("the killer's line names {other}"))
            .citing([*line]),
    )
}

/// Whose allocation called the killer.
pub(crate) fn invoker(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    static INVOKED: Shape = LazyLock::new(|| Regex::new(r"^(\S.*) invoked oom-killer:").ok());
    let first = found.first()?;
    let exhibit = case.evidence.facts();
    let name = match first.any("name") {
        Some(name) => name.trim_end_matches(['.', ',', ':', ';']).to_owned(),
        None => {
            nearest(case, first.before()).and_then(|(_, t)| Some(t.first()?.task.name.clone()))?
        }
    };
    let statement = format!("{name} called the out-of-memory killer");
    let shape = INVOKED.as_ref()?;
    let known: Vec<(String, Cited)> = exhibit
        .find_all(shape)
        .iter()
        .filter_map(|l| {
            Some((shape.captures(&l.text)?[1].trim().to_owned(), exhibit.cite(l.number)))
        })
        .collect();
    if let Some((_, line)) = known.iter().find(|(n, _)| *n == name) {
        return Some(Judgement::new(statement, Supported, "the line says so").citing([*line]));
    }
    let (other, line) = known.first()?;
    Some(Judgement::new(statement, Contradicted, format!("the line names {other}")).citing([*line]))
}

/// Swap: none, full or free, by its two lines.
pub(crate) fn swap(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    static NONE: Shape = LazyLock::new(|| {
        Regex::new(r"(?i)\bno swap\b|\bwithout (?:any )?swap\b|\bswap (?:is|was) (?:not configured|disabled|off|absent)|\bswapless\b").ok()
    });
    let first = found.first()?;
    let index = case.evidence.index();
    let kilobytes = |name: &str| {
        let (value, line) = index.values(name).first()?;
        let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
        Some((digits.parse::<u64>().ok()?, *line))
    };
    let (free, free_line) = kilobytes("Free swap")?;
    let (total, total_line) = kilobytes("Total swap")?;
    let cited = [free_line, total_line];
    let shown = format!("the log prints Free swap {free} kB, Total swap {total} kB");
    if is_match(&NONE, first.text) {
        let verdict = if total == 0 { Supported } else { Contradicted };
        return Some(Judgement::new("there is no swap", verdict, shown).citing(cited));
    }
    let statement = "swap was exhausted";
    Some(if total == 0 {
        Judgement::new(statement, Contradicted, "there is no swap that could be full").citing(cited)
    } else if free * 20 <= total {
        Judgement::new(statement, Supported, shown).citing(cited)
    } else {
        Judgement::new(statement, Contradicted, shown).citing(cited)
    })
}
