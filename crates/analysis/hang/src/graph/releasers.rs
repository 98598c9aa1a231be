//! Who releases what is no lock: committers, freezers, workers, hotplug threads, CPUs that do not answer.

use model::{Grade, LineSpan};

use super::{Edge, Graph, NodeKind, Waiter};
use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind, SnapshotId};
use crate::wait::Awaited;
use crate::{stack, wait};

/// Who releases what is no lock: committers, freezers, workers, hotplug threads, SRCU workers.
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
    let inside = |function: &str, exact: bool| -> Vec<(usize, u64)> {
        stacks
            .iter()
            .filter_map(|(node, id)| {
                let frames = stack::task_frames(seen.snapshot(*id));
                let frame = frames.iter().find(|f| {
                    if exact { f.function == function } else { f.function.starts_with(function) }
                })?;
                Some((*node, frame.line))
            })
            .collect()
    };
    let mut edges: Vec<(usize, usize, String, u64, &'static str, Grade)> = Vec::new();
    let mut steps = Vec::new();
    for waiter in waiters {
        if let Some(step) = STEPS.iter().find(|step| waiter.wait.awaited == step.awaited) {
            steps.push((waiter, step));
        }
        let candidates: (Vec<(usize, u64)>, &'static str, &str) = match waiter.wait.awaited {
            Awaited::Resource("btrfs transaction commit") => {
                (inside("btrfs_commit_transaction", true), "W26", "commits the transaction")
            }
            Awaited::Resource("journal commit" | "journal transaction") => {
                (inside("jbd2_journal_commit_transaction", true), "W22", "commits the journal")
            }
            Awaited::Resource("queue to be unfrozen") => {
                (inside("blk_mq_freeze_queue_wait", true), "W31", "froze the queue")
            }
            Awaited::KthreadWork => {
                (inside("kthread_worker_fn", true), "W16", "is a kernel thread inside a work item")
            }
            Awaited::HotplugThread => {
                (inside("cpuhp_thread_fun", true), "W46", "is the hotplug thread inside a callback")
            }
            Awaited::Srcu => (inside("process_srcu", true), "W13", "works on an SRCU grace period"),
            Awaited::Lock("superblock freeze") => {
                (inside("thaw_super", false), "W43", "would thaw the file system")
            }
            Awaited::Workqueue | Awaited::Work => {
                let queue = graph.nodes[waiter.target]
                    .id
                    .strip_prefix("queue:")
                    .unwrap_or_default()
                    .to_owned();
                let workers = stacks
                    .iter()
                    .filter_map(|(node, id)| {
                        let (line, work) = seen.snapshot(*id).workqueue.as_ref()?;
                        (work.split_whitespace().next() == Some(queue.as_str()))
                            .then_some((*node, *line))
                    })
                    .collect();
                (workers, "W17", "runs work of that queue")
            }
            _ => continue,
        };
        let (candidates, rule, why) = candidates;
        let others: Vec<_> =
            candidates.into_iter().filter(|(node, _)| *node != waiter.node).collect();
        let grade = if others.len() == 1 { Grade::Inferred } else { Grade::Guess };
        for (node, line) in others.into_iter().take(8) {
            edges.push((waiter.target, node, why.to_owned(), line, rule, grade));
        }
    }
    // A function call that nobody answers: the CPU that a hard lockup or a stall with interrupts off names.
    if let Some(remote) = graph.index.get("remote").copied() {
        let deaf: Vec<(u32, u64)> = events
            .iter()
            .filter_map(|event| match (&event.detail, event.kind) {
                (Detail::Csd { to, .. }, _) => Some((*to, event.lines.first)),
                (_, EventKind::HardLockup) => Some((event.cpu?, event.lines.first)),
                (Detail::Stall(stall), _) if stall.cpus.len() == 1 => {
                    let cpu = stall.cpus.first()?;
                    let pending = cpu
                        .flags
                        .chars()
                        .nth(3)
                        .is_some_and(|flag| flag.is_ascii_digit() || flag == 'D');
                    (pending && !stall.self_detected).then_some((cpu.cpu, cpu.line))
                }
                _ => None,
            })
            .collect();
        // One that itself waits for an answer is none of them.
        let asks = |cpu: u32| {
            graph.cpu(cpu).is_some_and(|node| graph.out(node).any(|edge| edge.to == remote))
        };
        let mut deaf: Vec<(u32, u64)> = deaf.into_iter().filter(|(cpu, _)| !asks(*cpu)).collect();
        if deaf.is_empty() {
            // Stacks of other CPUs: a task that runs with interrupts off, reported or not.
            for (at, s) in seen.snapshots.iter().enumerate() {
                let (Some(cpu), Some(task)) = (s.cpu, &s.task) else { continue };
                let Some((line, _)) = s.flags.filter(|(_, flags)| flags & 0x200 == 0) else {
                    continue;
                };
                if !s.on_cpu || task.pid == Some(0) || wait::awaited(s).is_some() {
                    continue;
                }
                let node = graph.node(format!("cpu:{cpu}"), NodeKind::Cpu, format!("CPU {cpu}"));
                if graph.nodes[node].snapshot.is_none() {
                    let place = stack::where_it_was(s)
                        .map(|(function, _)| format!(" in {function}"))
                        .unwrap_or_default();
                    graph.nodes[node].cpu = Some(cpu);
                    graph.nodes[node].name = format!("CPU {cpu} ({task}{place})");
                    graph.nodes[node].snapshot = Some(SnapshotId(at));
                }
                deaf.push((cpu, line));
            }
        }
        let mut cpus: Vec<u32> = deaf.iter().map(|(cpu, _)| *cpu).collect();
        cpus.sort_unstable();
        cpus.dedup();
        if let ([cpu], Some((_, line))) = (cpus.as_slice(), deaf.first())
            && let Some(to) = graph.cpu(*cpu)
            && !graph.edges.iter().any(|edge| edge.from == to && edge.to == remote)
        {
            edges.push((remote, to, "takes no interrupts".into(), *line, "W20", Grade::Inferred));
        }
    }
    unproven_steps(graph, seen, &stacks, &steps, &mut edges);
    for (from, to, why, line, rule, grade) in edges {
        let name = graph.nodes[to].name.clone();
        graph.edge(Edge {
            from,
            to,
            waits_for: format!("{name}, which {why}"),
            lines: vec![LineSpan::line(line)],
            rule,
            grade,
            named_by_kernel: false,
        });
    }
}

/// Something of which there are many, so that a stack tells that its task has one, but not which.
struct Step {
    /// What the waiter waits for.
    awaited: Awaited,
    /// The row of waits.
    rule: &'static str,
    /// Functions inside of which a task has one (a trailing `*` matches any rest).
    inside: &'static [&'static str],
    /// What such a task does with it.
    why: &'static str,
}

/// Facts about the kernel's source: a reverse-map walk and the migration of pages need the folio locked; a
/// callback of runtime power management runs inside the change that others wait for; ext4 changes metadata with a
/// journal handle open.
const STEPS: &[Step] = &[
    Step {
        awaited: Awaited::Resource(wait::FOLIO),
        rule: "W27",
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
        why: "has a folio locked",
    },
    Step {
        awaited: Awaited::Resource(wait::POWER_CHANGE),
        rule: "W53",
        inside: &["rpm_callback", "__rpm_callback"],
        why: "is inside a runtime power change",
    },
    Step {
        awaited: Awaited::Resource(wait::HANDLES),
        rule: "W24",
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
        why: "has a journal handle open",
    },
    Step {
        awaited: Awaited::Resource(wait::EVICTION),
        rule: "W42",
        inside: &["evict", "dispose_list"],
        why: "evicts an inode",
    },
];

/// The only task that has such a thing, where it waits in turn for what the waiter holds: the cycle then has
/// one step that no line proves. Any other task that has one is a guess.
fn unproven_steps(
    graph: &Graph,
    seen: &Observations,
    stacks: &[(usize, SnapshotId)],
    steps: &[(&Waiter<'_>, &Step)],
    edges: &mut Vec<(usize, usize, String, u64, &'static str, Grade)>,
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
                let frame = frames.iter().find(|frame| {
                    step.inside.iter().any(|function| match function.strip_suffix('*') {
                        Some(start) => frame.function.starts_with(start),
                        None => frame.function == *function,
                    })
                })?;
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
            edges.push((waiter.target, *node, step.why.to_owned(), *line, step.rule, grade));
        }
    }
}
