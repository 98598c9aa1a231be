//! Statements on failed allocations and on memory that ran out.

use model::{
    AllocationCause, Grade, LineSpan, MemoryUse, OomConstraint, Predicate as P, RuleId, Statements,
    Task,
};

use crate::event::{Event, EventKind, MemoryReport};
use crate::memory::{self, Check, MemInfo, Request, Zone, shared_out};

/// Uses of memory below this share, in percent, are not told.
const TELLING_SHARE: u64 = 10;
/// Zones of which is told; machines with many nodes have many.
const MOST_ZONES: usize = 8;
/// Killed tasks of one report of which is told.
const MOST_KILLED: usize = 3;

pub(super) fn of_memory(said: &mut Statements, event: &Event, report: &MemoryReport) {
    let first = event.lines.first;
    let rule = if event.kind == EventKind::OutOfMemory { RuleId::R71 } else { RuleId::R70 };
    if let Some(order) = report.order
        && !report.mode.is_empty()
    {
        // The headline has the name only.
        let task = event.task.as_ref().map(|task| Task { name: task.name.clone(), pid: None });
        said.seen(rule, [first], P::Allocation { order, gfp: flags(&report.mode), task });
    }
    limit(said, report);
    let cause = memory::failed_by(event, report);
    let info = report.info();
    if cause != Some(AllocationCause::CgroupLimit) {
        zones(said, event, report, &info, cause);
        uses(said, &info);
    }
    for (number, task) in report.killed.iter().take(MOST_KILLED) {
        said.seen(RuleId::R71, [*number], P::Killed { task: task.clone() });
    }
}

/// The names of `0xcc0(GFP_KERNEL)`; the number where there are none.
fn flags(mode: &str) -> String {
    let names = mode.split_once('(').and_then(|(_, names)| names.strip_suffix(')'));
    names.filter(|names| !names.is_empty()).unwrap_or(mode).to_owned()
}

/// What bounded the memory.
fn limit(said: &mut Statements, report: &MemoryReport) {
    if let Some((number, constraint)) = &report.constraint {
        let constraint = match constraint.as_str() {
            "CONSTRAINT_NONE" => Some(OomConstraint::None),
            "CONSTRAINT_MEMCG" => Some(OomConstraint::Memcg),
            "CONSTRAINT_CPUSET" => Some(OomConstraint::Cpuset),
            "CONSTRAINT_MEMORY_POLICY" => Some(OomConstraint::MemoryPolicy),
            _ => None,
        };
        if let Some(constraint) = constraint {
            said.seen(RuleId::R71, [*number], P::OomLimit { constraint });
        }
    }
    if let Some((number, usage, limit)) = report.cgroup_limit {
        said.seen(RuleId::R71, [number], P::CgroupMemory { usage, limit });
    }
}

/// The zones that the request may use: what they have, what counts, and what follows.
fn zones(
    said: &mut Statements,
    event: &Event,
    report: &MemoryReport,
    info: &MemInfo,
    cause: Option<AllocationCause>,
) {
    let (Some(request), Some(outcome)) = (report.request(), report.outcome(info)) else { return };
    let first = LineSpan::line(event.lines.first);
    said.say_spans(
        Grade::Derived,
        RuleId::R70,
        [first],
        P::AllocationType { migrate_type: request.migrate_type, gfp: flags(&report.mode) },
    );
    let mut lines = vec![first];
    // The size of a page stands in the free lists.
    let page = info.zones.iter().find_map(|zone| zone.list.as_ref()).map(|list| list.lines);
    for check in outcome.checks.iter().take(MOST_ZONES) {
        lines.extend(zone(said, [Some(first), page], &info.zones[check.zone], check, &request));
    }
    if let Some(cause) = cause {
        said.say_spans(
            Grade::Inferred,
            RuleId::R70,
            lines,
            P::AllocationFailedBy { cause, order: request.order },
        );
    }
}

/// One zone; gives the lines that its check rests on.
fn zone(
    said: &mut Statements,
    [first, page]: [Option<LineSpan>; 2],
    zone: &Zone,
    check: &Check,
    request: &Request,
) -> Vec<LineSpan> {
    let name = zone.name.clone();
    let order = request.order;
    let unusable = Some(check.unusable).filter(|kb| *kb > 0);
    let grade = if unusable.is_some() { Grade::Derived } else { Grade::Seen };
    said.say_spans(
        grade,
        RuleId::R73,
        [zone.lines],
        P::ZoneMemory { zone: name.clone(), free: zone.free, min: zone.min, unusable },
    );
    let mut lines: Vec<LineSpan> = first.into_iter().chain([zone.lines]).collect();
    let reserved = zone.reserve.as_ref().is_some_and(|(_, pages)| pages.iter().any(|n| *n > 0));
    lines.extend(page.filter(|_| reserved || order > 0));
    lines.extend(zone.reserve.as_ref().map(|(line, _)| LineSpan::line(*line)));
    said.say_spans(
        Grade::Inferred,
        RuleId::R73,
        lines.iter().copied(),
        P::ZoneCheck {
            zone: name.clone(),
            usable: check.usable,
            required: check.required,
            passes: check.passes,
        },
    );
    if order == 0 {
        return lines;
    }
    if let Some(list) = &zone.list {
        let large = list.blocks.iter().skip(order as usize);
        let count = large.clone().fold(0u64, |all, (count, _)| all.saturating_add(*count));
        let mut kinds: Vec<char> = large.flat_map(|(_, kinds)| kinds.chars()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        said.say_spans(
            Grade::Derived,
            RuleId::R73,
            [list.lines],
            P::FreeBlocks { zone: name.clone(), order, count, kinds: kinds.into_iter().collect() },
        );
        if let Some(available) = check.block {
            said.say_spans(
                Grade::Inferred,
                RuleId::R73,
                first.into_iter().chain([list.lines]),
                P::BlockForRequest { zone: name, order, available },
            );
        }
        lines.push(list.lines);
    }
    lines
}

/// What the machine's memory is used for, the largest use first.
fn uses(said: &mut Statements, info: &MemInfo) {
    let mut uses = info.uses();
    let all = shared_out(&uses);
    uses.sort_by_key(|one| std::cmp::Reverse(one.pages));
    let telling = uses.into_iter().filter(|one| {
        one.kind != MemoryUse::Free
            && one.pages.saturating_mul(100) >= all.saturating_mul(TELLING_SHARE)
    });
    for one in telling.filter(|one| one.pages > 0) {
        let grade = if one.lines.len() > 1 { Grade::Derived } else { Grade::Seen };
        said.say(grade, RuleId::R73, one.lines, P::MemoryUse { kind: one.kind, pages: one.pages });
    }
}
