//! Two events of one boot that may belong together, and what a tie is made of.

use std::collections::HashSet;

use model::functions::{Role, role};
use model::{Grade, LineSpan, Link, LinkReason, RuleId};

use crate::collect::Observations;
use crate::event::{Detail, Event, EventId};
use crate::graph::Graph;
use crate::{stack, wait};

/// Most earlier events compared with a later one.
pub(super) const LOOK_BACK: usize = 200;

/// How the events hang together.
#[derive(Clone, Debug, Default)]
pub struct Causes {
    /// The link of each event, by event number.
    pub links: Vec<Option<Link>>,
    /// The root event, where one is clear.
    pub first: Option<EventId>,
    /// Roots that compete, where none is clear.
    pub rivals: Vec<EventId>,
}

impl Causes {
    /// The root above an event.
    pub fn root(&self, mut event: EventId) -> EventId {
        let mut steps = 0;
        while let Some(link) = &self.links[event.0] {
            event = link.parent;
            steps += 1;
            if steps > self.links.len() {
                break;
            }
        }
        event
    }

    /// The root over links through something shared; later ones are not shown to belong to it.
    pub fn sure_root(&self, mut event: EventId) -> EventId {
        for _ in 0..=self.links.len() {
            match &self.links[event.0] {
                Some(link) if link.grade > Grade::Guess => event = link.parent,
                _ => break,
            }
        }
        event
    }
}

/// An earlier and a later event of one boot.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) seen: &'a Observations,
    /// The wait graph of their boot.
    pub(super) graph: Option<&'a Graph>,
    pub(super) earlier: &'a Event,
    pub(super) later: &'a Event,
}

impl Pair<'_> {
    /// A tie that the first lines of both show.
    pub(super) fn link(self, reason: LinkReason, rule: RuleId, grade: Grade) -> Option<Link> {
        Some(link([self.earlier, self.later], self.earlier, reason, rule, grade))
    }

    /// A tie that only tells which came first; across somebody's words it is not told whether the two are of one boot.
    pub(super) fn order(self, reason: LinkReason, rule: RuleId) -> Option<Link> {
        let one_piece = self.earlier.section == self.later.section;
        one_piece.then(|| self.link(reason, rule, Grade::Guess))?
    }

    /// Both name the same task, which is not the first process.
    pub(super) fn same_task(self) -> bool {
        match (&self.earlier.task, &self.later.task) {
            (Some(a), Some(b)) => a.pid.is_some_and(|pid| pid > 1) && a.pid == b.pid,
            _ => false,
        }
    }

    pub(super) fn same_cpu(self) -> bool {
        self.earlier.cpu.is_some() && self.earlier.cpu == self.later.cpu
    }

    /// Whether the two were printed that close together, in microseconds; without times, on neighbouring lines.
    pub(super) fn close(self, within: i64) -> bool {
        close(self.seen, self.earlier, self.later, within)
    }
}

/// A tie to the parent that the first lines of both events show, in this order.
pub(super) fn link(
    both: [&Event; 2],
    parent: &Event,
    reason: LinkReason,
    rule: RuleId,
    grade: Grade,
) -> Link {
    let lines = both.map(|event| LineSpan::line(event.lines.first)).to_vec();
    Link { parent: parent.id, reason, lines, rule, grade }
}

pub(super) fn close(seen: &Observations, earlier: &Event, later: &Event, within: i64) -> bool {
    match (earlier.at, later.at) {
        (Some(a), Some(b)) => seen.clock.between(a, b).is_some_and(|gap| gap.abs() <= within),
        _ => {
            earlier.section == later.section
                && later.lines.first.saturating_sub(earlier.lines.last) < 60
        }
    }
}

/// A telling function both stacks show: neither machinery nor an entry that every stack has.
pub(super) fn shared_function(
    seen: &Observations,
    earlier: &Event,
    later: &Event,
) -> Option<String> {
    let telling = |event: &Event, limit: usize| -> Vec<String> {
        let named = match &event.detail {
            Detail::Trap(trap) => trap.function.clone().filter(|function| is_telling(function)),
            _ => None,
        };
        let frames = event.snapshots.iter().take(16).flat_map(|id| {
            stack::task_frames(seen.snapshot(*id))
                .into_iter()
                .filter(|f| is_telling(&f.function))
                .take(limit)
                .map(|f| f.function.clone())
                .collect::<Vec<_>>()
        });
        named.into_iter().chain(frames).collect()
    };
    let first: HashSet<String> = telling(earlier, 6).into_iter().collect();
    telling(later, 8).into_iter().find(|function| first.contains(function))
}

pub(super) fn is_telling(function: &str) -> bool {
    /// Layers that everything of a subsystem goes through.
    const COMMON: &[&str] = &[
        "vfs_",
        "ksys_",
        "do_sys",
        "__x64_",
        "__arm64_",
        "__se_sys",
        "__do_sys",
        "sock_sendmsg",
        "__sys_",
        "____sys_",
        "___sys_",
        "path_",
        "do_filp",
        "kernel_init",
        "do_one_initcall",
        "secondary_startup",
        "common_startup",
        "start_kernel",
        "arch_",
        "exit_to_user",
        "do_exit",
        "do_group_exit",
        "get_signal",
        "new_sync_",
        "seq_read",
        "kernfs_",
        "sysfs_",
        "dev_attr_",
    ];
    let serves = matches!(
        role(function),
        Some(
            Role::Runner
                | Role::SyscallEntry
                | Role::Idle
                | Role::Rcu
                | Role::Lock
                | Role::Allocator
                | Role::PageAllocator
                | Role::Memory
                | Role::Atomic
                | Role::Container
                | Role::Printk
                | Role::Console
        )
    );
    !serves
        && !stack::is_scheduling(function)
        && !stack::is_detector(function)
        && !stack::is_entry(function)
        && !wait::is_primitive(function)
        && !COMMON.iter().any(|start| function.starts_with(start))
}
