//! Statements on what a task waits for, and on who holds it.

use model::{Grade, LineSpan, LockRef, Ownership, Party, Predicate, RuleId, Statements, WaitKind};

use super::{lockdep, rule};
use crate::collect::Observations;
use crate::event::{self, HeldLock, Task};
use crate::graph::{Edge, Graph, NodeKind};
use crate::wait::{Awaited, Wait};

/// Locks whose holders and waiters are told.
const LOCKS: usize = 12;

/// What a task waits for, from its own stack.
pub(super) fn of_wait(said: &mut Statements, task: &Task, header: u64, wait: &Wait) {
    let Some((target, kind)) = party(wait) else { return };
    let lines = [LineSpan::line(header), wait.lines];
    let waiter = Party::Task { task: task.clone() };
    said.say_spans(
        Grade::Seen,
        rule(wait.rule),
        lines,
        Predicate::WaitsFor { waiter, target, kind, function: Some(wait.function.clone()) },
    );
    if let Some(caller) = wait.caller.as_ref().filter(|caller| **caller != wait.function) {
        let lines = [LineSpan::line(header), wait.lines];
        said.say_spans(
            Grade::Seen,
            RuleId::R88,
            lines,
            Predicate::WaitCaller { task: task.clone(), function: caller.clone() },
        );
    }
}

/// What is awaited, as a party, and the way of waiting; `None` where the function tells nothing.
fn party(wait: &Wait) -> Option<(Party, WaitKind)> {
    let resource = |name: &str| Party::Resource { name: name.to_owned() };
    Some(match wait.awaited {
        Awaited::Lock(kind) => (Party::SomeLock { lock: kind.to_owned() }, WaitKind::Lock),
        Awaited::SpinLock => (Party::SomeLock { lock: "spinlock".to_owned() }, WaitKind::Spin),
        Awaited::GracePeriod
        | Awaited::ExpeditedGracePeriod
        | Awaited::TasksGracePeriod
        | Awaited::Callbacks => (Party::GracePeriod { number: None }, WaitKind::GracePeriod),
        Awaited::Srcu => (Party::SrcuGracePeriod, WaitKind::GracePeriod),
        Awaited::Work | Awaited::Workqueue | Awaited::KthreadWork => {
            (Party::Work { function: None }, WaitKind::Work)
        }
        Awaited::Resource(name) if name == crate::wait::FOLIO => (Party::Page, WaitKind::Page),
        Awaited::Resource(name) | Awaited::User(name) => (resource(name), WaitKind::Other),
        Awaited::Device(name) => (Party::Device { name: name.to_owned() }, WaitKind::Device),
        Awaited::Kthread => (resource("kernel thread"), WaitKind::Other),
        Awaited::EveryCpu | Awaited::RemoteCpu => (resource("other CPUs"), WaitKind::Other),
        Awaited::Handler => (resource("timer handler"), WaitKind::Other),
        Awaited::HotplugThread => (resource("CPU hotplug thread"), WaitKind::Other),
        Awaited::Server => (resource("server"), WaitKind::Other),
        Awaited::Completion if !wait.released_by.is_empty() => {
            (resource("completion"), WaitKind::Completion)
        }
        Awaited::Nothing | Awaited::Completion => return None,
    })
}

/// The holder that the kernel names for a blocked task.
pub(super) fn owner(said: &mut Statements, waiter: &Task, owner: &(u64, Task, event::Ownership)) {
    let (number, holder, how) = owner;
    let how = match how {
        event::Ownership::Owner => Ownership::Owner,
        event::Ownership::Reader => Ownership::Reader,
        event::Ownership::LastHolder => Ownership::LastHolder,
    };
    said.seen(
        RuleId::R32,
        [*number],
        Predicate::LikelyHolder { waiter: waiter.clone(), holder: holder.clone(), how },
    );
}

/// Who holds what others wait for, by lists of held locks and by knowledge of the source.
pub(super) fn of_graph(said: &mut Statements, seen: &Observations, graph: &Graph) {
    let holds = graph.edges.iter().filter(|edge| {
        graph.nodes[edge.from].kind == NodeKind::Lock
            && edge.grade >= Grade::Inferred
            && edge.rule != "R32"
    });
    for edge in holds.take(LOCKS) {
        let Some(task) = graph.nodes[edge.to].task.clone() else { continue };
        let lines = edge.lines.clone();
        match listed(seen, edge) {
            Some(held) => said.say_spans(
                edge.grade,
                rule(edge.rule),
                lines,
                Predicate::Holds {
                    task,
                    lock: lockdep::lock(held),
                    function: Some(held.at.clone()).filter(|at| !at.is_empty()),
                },
            ),
            None if is_named(graph, edge.from) => {
                said.say_spans(
                    edge.grade.min(Grade::Inferred),
                    rule(edge.rule),
                    lines,
                    Predicate::Holds {
                        task,
                        lock: LockRef {
                            class: Some(graph.nodes[edge.from].name.clone()),
                            address: None,
                        },
                        function: None,
                    },
                );
            }
            None => {}
        }
    }
    let waits = graph.edges.iter().filter(|edge| {
        graph.nodes[edge.to].kind == NodeKind::Lock
            && graph.nodes[edge.from].kind == NodeKind::Task
            && is_named(graph, edge.to)
    });
    for edge in waits.take(LOCKS) {
        let Some(task) = graph.nodes[edge.from].task.clone() else { continue };
        said.say_spans(
            Grade::Inferred,
            RuleId::W47,
            edge.lines.clone(),
            Predicate::WaitsFor {
                waiter: Party::Task { task },
                target: Party::Lock {
                    lock: LockRef { class: Some(graph.nodes[edge.to].name.clone()), address: None },
                },
                kind: WaitKind::Lock,
                function: None,
            },
        );
    }
}

/// Whether the lock is known by its name: its class, or the name that the source gives it.
fn is_named(graph: &Graph, node: usize) -> bool {
    graph.nodes[node].id.starts_with("lock:")
}

/// The entry of a list of held locks that an edge cites.
fn listed<'a>(seen: &'a Observations, edge: &Edge) -> Option<&'a HeldLock> {
    let cited = |line: u64| edge.lines.iter().any(|span| span.contains(line));
    seen.locks
        .iter()
        .filter(|list| cited(list.line))
        .flat_map(|list| &list.locks)
        .find(|lock| cited(lock.line) && !lock.address.is_empty())
}
