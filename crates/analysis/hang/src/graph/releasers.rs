//! Who releases what is no lock: committers, freezers, workers, hotplug threads, CPUs that do not answer.

use model::{Awaited, Grade, LineSpan, LockKind, Participant, Release, Resource, RuleId, WaitsFor};

use super::types::{Edge, Graph, NodeKind, Waiter};
use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind, SnapshotId};
use crate::{stack, wait};

/// An edge to be.
struct Found {
    from: usize,
    to: usize,
    release: Release,
    line: u64,
    rule: RuleId,
    grade: Grade,
}

/// A wait that tasks inside of a function end.
struct Releaser {
    awaited: &'static [Awaited],
    /// The function; a trailing `*` matches any rest.
    inside: &'static str,
    release: Release,
    rule: RuleId,
}

const RELEASERS: &[Releaser] = &[
    Releaser {
        awaited: &[Awaited::Resource(Resource::BtrfsCommit)],
        inside: "btrfs_commit_transaction",
        release: Release::CommitsTransaction,
        rule: RuleId::W26,
    },
    Releaser {
        awaited: &[
            Awaited::Resource(Resource::JournalCommit),
            Awaited::Resource(Resource::JournalTransaction),
        ],
        inside: "jbd2_journal_commit_transaction",
        release: Release::CommitsJournal,
        rule: RuleId::W22,
    },
    Releaser {
        awaited: &[Awaited::Resource(Resource::FrozenQueue)],
        inside: "blk_mq_freeze_queue_wait",
        release: Release::FrozeQueue,
        rule: RuleId::W31,
    },
    Releaser {
        awaited: &[Awaited::KthreadWork],
        inside: "kthread_worker_fn",
        release: Release::RunsKthreadWork,
        rule: RuleId::W16,
    },
    Releaser {
        awaited: &[Awaited::HotplugThread],
        inside: "cpuhp_thread_fun",
        release: Release::RunsHotplugCallback,
        rule: RuleId::W46,
    },
    Releaser {
        awaited: &[Awaited::Srcu],
        inside: "process_srcu",
        release: Release::WorksOnSrcu,
        rule: RuleId::W13,
    },
    Releaser {
        awaited: &[Awaited::Lock(LockKind::SuperblockFreeze)],
        inside: "thaw_super*",
        release: Release::WouldThaw,
        rule: RuleId::W43,
    },
];

/// Who releases what is no lock.
pub(super) fn releasers(
    graph: &mut Graph,
    seen: &Observations,
    events: &[&Event],
    waiters: &[Waiter<'_>],
) {
    let stacks: Vec<(usize, SnapshotId)> = graph
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, n)| n.kind == NodeKind::Task)
        .filter_map(|(at, n)| n.snapshot.map(|id| (at, id)))
        .collect();
    let mut edges: Vec<Found> = Vec::new();
    let mut steps = Vec::new();
    for waiter in waiters {
        if let Some(step) = STEPS.iter().find(|step| waiter.wait.awaited == step.awaited) {
            steps.push((waiter, step));
        }
        edges.extend(of_waiter(graph, seen, &stacks, waiter));
    }
    if let Some(remote) = graph.silent_cpu() {
        edges.extend(silent_cpu(graph, seen, events, remote));
    }
    unproven_steps(graph, seen, &stacks, &steps, &mut edges);
    for Found { from, to, release, line, rule, grade } in edges {
        graph.edge(Edge {
            from,
            to,
            waits_for: WaitsFor::Releases { release },
            lines: vec![LineSpan::line(line)],
            rule,
            grade,
            named_by_kernel: false,
        });
    }
}

/// Tasks whose stacks show that they may end the wait; the only one is taken for it, of several each is a guess.
fn of_waiter(
    graph: &Graph,
    seen: &Observations,
    stacks: &[(usize, SnapshotId)],
    waiter: &Waiter<'_>,
) -> Vec<Found> {
    let awaited = waiter.wait.awaited;
    let (candidates, release, rule): (Vec<(usize, u64)>, Release, RuleId) = match awaited {
        Awaited::Workqueue | Awaited::Work => {
            let Participant::Workqueue { name: queue } = &graph.nodes[waiter.target].who else {
                return Vec::new();
            };
            let workers = stacks.iter().filter_map(|(node, id)| {
                let (line, work) = seen.snapshot(*id).workqueue.as_ref()?;
                (work.split_whitespace().next() == Some(queue)).then_some((*node, *line))
            });
            (workers.collect(), Release::RunsWorkOfQueue, RuleId::W17)
        }
        _ => {
            let Some(row) = RELEASERS.iter().find(|row| row.awaited.contains(&awaited)) else {
                return Vec::new();
            };
            let inside = stacks.iter().filter_map(|(node, id)| {
                let frames = stack::task_frames(seen.snapshot(*id));
                let frame =
                    frames.iter().find(|frame| wait::matches(row.inside, &frame.function))?;
                Some((*node, frame.line))
            });
            (inside.collect(), row.release, row.rule)
        }
    };
    let others: Vec<_> = candidates.into_iter().filter(|(node, _)| *node != waiter.node).collect();
    let grade = if others.len() == 1 { Grade::Inferred } else { Grade::Guess };
    let found = |(to, line)| Found { from: waiter.target, to, release, line, rule, grade };
    others.into_iter().take(8).map(found).collect()
}

/// A function call that nobody answers: the only CPU that a hard lockup or a stall with interrupts off names.
fn silent_cpu(
    graph: &mut Graph,
    seen: &Observations,
    events: &[&Event],
    remote: usize,
) -> Option<Found> {
    let named = events.iter().filter_map(|event| match (&event.detail, event.kind) {
        (Detail::Csd { to, .. }, _) => Some((*to, event.lines.first)),
        (_, EventKind::HardLockup) => Some((event.cpu?, event.lines.first)),
        (Detail::Stall(stall), _) if stall.cpus.len() == 1 => {
            let cpu = stall.cpus.first()?;
            let flag = cpu.flags.chars().nth(3);
            let pending = flag.is_some_and(|flag| flag.is_ascii_digit() || flag == 'D');
            (pending && !stall.self_detected).then_some((cpu.cpu, cpu.line))
        }
        _ => None,
    });
    // One that itself waits for an answer is none of them.
    let asks =
        |cpu: u32| graph.cpu(cpu).is_some_and(|node| graph.out(node).any(|edge| edge.to == remote));
    let mut deaf: Vec<(u32, u64)> = named.filter(|(cpu, _)| !asks(*cpu)).collect();
    if deaf.is_empty() {
        deaf = with_interrupts_off(graph, seen, events);
    }
    let mut cpus: Vec<u32> = deaf.iter().map(|(cpu, _)| *cpu).collect();
    cpus.sort_unstable();
    cpus.dedup();
    let ([cpu], Some((_, line))) = (cpus.as_slice(), deaf.first()) else { return None };
    let to = graph.cpu(*cpu)?;
    let asks = graph.edges.iter().any(|edge| edge.from == to && edge.to == remote);
    (!asks).then_some(Found {
        from: remote,
        to,
        release: Release::TakesNoInterrupts,
        line: *line,
        rule: RuleId::W20,
        grade: Grade::Inferred,
    })
}

/// Stacks of other CPUs: a task that runs with interrupts off, reported or not.
fn with_interrupts_off(
    graph: &mut Graph,
    seen: &Observations,
    events: &[&Event],
) -> Vec<(u32, u64)> {
    let mut deaf = Vec::new();
    let stacks = events.iter().flat_map(|event| event.snapshots.iter().copied());
    for id in stacks {
        let s = seen.snapshot(id);
        let (Some(cpu), Some(task)) = (s.cpu, &s.task) else { continue };
        let Some((line, _)) = s.flags.filter(|(_, flags)| flags & 0x200 == 0) else { continue };
        if !s.on_cpu || task.pid == Some(0) || wait::awaited(s).is_some() {
            continue;
        }
        let who = Participant::Cpu {
            cpu,
            task: Some(task.clone()),
            function: stack::where_it_was(s).map(|(function, _)| function),
        };
        let node = graph.node(who.clone());
        if graph.nodes[node].snapshot.is_none() {
            graph.nodes[node].cpu = Some(cpu);
            graph.nodes[node].who = who;
            graph.nodes[node].snapshot = Some(id);
        }
        deaf.push((cpu, line));
    }
    deaf
}

/// Something of which there are many, so that a stack tells that its task has one, but not which.
struct Step {
    /// What the waiter waits for.
    awaited: Awaited,
    /// The rule of the wait.
    rule: RuleId,
    /// Functions inside of which a task has one (a trailing `*` matches any rest).
    inside: &'static [&'static str],
    /// What such a task does with it.
    release: Release,
}

/// Facts about the kernel's source: a reverse-map walk and the migration of pages need the folio locked; a
/// callback of runtime power management runs inside the change that others wait for; ext4 changes metadata with a
/// journal handle open.
const STEPS: &[Step] = &[
    Step {
        awaited: Awaited::Resource(Resource::Folio),
        rule: RuleId::W27,
        inside: &[
            "rmap_walk*",
            "__rmap_walk_file",
            "try_to_unmap",
            "try_to_unmap_one",
            "try_to_migrate",
            "try_to_migrate_one",
            "remove_migration_ptes",
            "migrate_folio_unmap",
            "migrate_folio_move",
            "move_to_new_folio",
            "unmap_and_move",
            "unmap_and_move_huge_page",
            "split_huge_page_to_list*",
            "truncate_inode_partial_folio",
            "invalidate_complete_folio2",
        ],
        release: Release::HasFolioLocked,
    },
    Step {
        awaited: Awaited::Resource(Resource::PowerChange),
        rule: RuleId::W53,
        inside: &["rpm_callback", "__rpm_callback"],
        release: Release::InPowerChange,
    },
    Step {
        awaited: Awaited::Resource(Resource::JournalHandles),
        rule: RuleId::W24,
        inside: &[
            "ext4_xattr_delete_inode",
            "ext4_xattr_inode_dec_ref_all",
            "ext4_truncate",
            "ext4_ext_truncate",
            "ext4_ext_remove_space",
            "__ext4_mark_inode_dirty",
            "ext4_mark_inode_dirty",
            "ext4_orphan_add",
            "ext4_add_entry",
            "ext4_delete_entry",
            "ext4_mb_new_blocks",
            "ext4_free_blocks",
        ],
        release: Release::HasHandleOpen,
    },
    Step {
        awaited: Awaited::Resource(Resource::DirectIo),
        rule: RuleId::W36,
        inside: &[
            "iomap_dio_rw",
            "__iomap_dio_rw",
            "__blockdev_direct_IO",
            "do_blockdev_direct_IO",
        ],
        release: Release::DoesDirectIo,
    },
    Step {
        awaited: Awaited::Resource(Resource::Eviction),
        rule: RuleId::W42,
        inside: &["evict", "dispose_list"],
        release: Release::EvictsInode,
    },
];

/// The only task that has such a thing, where it waits in turn for what the waiter holds: the cycle then has
/// one step that no line proves. Any other task that has one is a guess.
fn unproven_steps(
    graph: &Graph,
    seen: &Observations,
    stacks: &[(usize, SnapshotId)],
    steps: &[(&Waiter<'_>, &Step)],
    edges: &mut Vec<Found>,
) {
    for (waiter, step) in steps {
        let candidates: Vec<(usize, u64)> = stacks
            .iter()
            .filter(|(node, _)| *node != waiter.node)
            .filter_map(|(node, id)| {
                let frames = stack::task_frames(seen.snapshot(*id));
                // Where it waits for one itself it need not have another.
                let asks = wait::awaited(seen.snapshot(*id))
                    .is_some_and(|wait| wait.awaited == step.awaited);
                let inside = |function: &str| wait::any(step.inside, function);
                let frame = frames.iter().find(|frame| inside(&frame.function))?;
                (!asks).then_some((*node, frame.line))
            })
            .collect();
        for (node, line) in candidates.iter().take(8) {
            let waits_back = graph.sinks(*node, Grade::Inferred).iter().any(|(sink, way)| {
                *sink == waiter.target
                    && way.iter().any(|edge| graph.edges[*edge].from == waiter.node)
            });
            let grade =
                if candidates.len() == 1 && waits_back { Grade::Inferred } else { Grade::Guess };
            edges.push(Found {
                from: waiter.target,
                to: *node,
                release: step.release,
                line: *line,
                rule: step.rule,
                grade,
            });
        }
    }
}
