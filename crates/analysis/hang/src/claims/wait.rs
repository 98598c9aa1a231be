//! Statements on what a task waits for, and on who holds it.

use model::{
    Awaited, Grade, LineSpan, LockRef, Ownership, Participant, Party, Predicate, Resource, RuleId,
    Statements, WaitKind,
};

use super::lockdep;
use crate::collect::Observations;
use crate::event::{HeldLock, Task};
use crate::graph::{Edge, Graph, NodeKind};
use crate::wait::Wait;

/// Locks whose holders and waiters are told.
const LOCKS: usize = 12;

/// What a task waits for, from its own stack.
pub(super) fn of_wait(said: &mut Statements, task: &Task, header: u64, wait: &Wait) {
    let Some((target, kind)) = party(wait) else { return };
    let lines = [LineSpan::line(header), wait.lines];
    let waiter = Party::Task { task: task.clone() };
    said.say_spans(
        Grade::Seen,
        wait.rule,
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
        Awaited::Lock(kind) => (Party::SomeLock { lock: kind.name().to_owned() }, WaitKind::Lock),
        Awaited::SpinLock => (Party::SomeLock { lock: "spinlock".to_owned() }, WaitKind::Spin),
        Awaited::GracePeriod
        | Awaited::ExpeditedGracePeriod
        | Awaited::TasksGracePeriod
        | Awaited::Callbacks => (Party::GracePeriod { number: None }, WaitKind::GracePeriod),
        Awaited::Srcu => (Party::SrcuGracePeriod, WaitKind::GracePeriod),
        Awaited::Work | Awaited::Workqueue | Awaited::KthreadWork => {
            (Party::Work { function: None }, WaitKind::Work)
        }
        Awaited::Resource(Resource::Folio) => (Party::Page, WaitKind::Page),
        Awaited::Resource(what) => (resource(what.name()), WaitKind::Other),
        Awaited::User(what) => (resource(what.name()), WaitKind::Other),
        Awaited::Device(what) => (Party::Device { name: what.name().to_owned() }, WaitKind::Device),
        Awaited::Kthread => (resource("kernel thread"), WaitKind::Other),
        Awaited::EveryCpu | Awaited::RemoteCpu => (resource("other CPUs"), WaitKind::Other),
        Awaited::Handler => (resource("timer handler"), WaitKind::Other),
        Awaited::HotplugThread => (resource("CPU hotplug thread"), WaitKind::Other),
        Awaited::Server => (resource("server"), WaitKind::Other),
        Awaited::Completion => (resource("completion"), WaitKind::Completion),
        Awaited::Nothing | Awaited::Unknown => return None,
    })
}

/// The holder that the kernel names for a blocked task.
pub(super) fn owner(said: &mut Statements, waiter: &Task, owner: &(u64, Task, Ownership)) {
    let (number, holder, how) = owner;
    said.seen(
        RuleId::R32,
        [*number],
        Predicate::LikelyHolder { waiter: waiter.clone(), holder: holder.clone(), how: *how },
    );
}

/// Who holds what others wait for, by lists of held locks and by knowledge of the source.
pub(super) fn of_graph(said: &mut Statements, seen: &Observations, graph: &Graph) {
    let holds = graph.edges.iter().filter(|edge| {
        graph.nodes[edge.from].kind == NodeKind::Lock
            && edge.grade >= Grade::Inferred
            && edge.rule != RuleId::R32
    });
    for edge in holds.take(LOCKS) {
        let Some(task) = graph.nodes[edge.to].task.clone() else { continue };
        let lines = edge.lines.clone();
        match listed(seen, edge) {
            Some(held) => said.say_spans(
                edge.grade,
                edge.rule,
                lines,
                Predicate::Holds {
                    task,
                    lock: lockdep::lock(held),
                    function: Some(held.at.clone()).filter(|at| !at.is_empty()),
                },
            ),
            None => {
                let Some(class) = class(graph, edge.from) else { continue };
                said.say_spans(
                    edge.grade.min(Grade::Inferred),
                    edge.rule,
                    lines,
                    Predicate::Holds {
                        task,
                        lock: LockRef { class: Some(class), address: None },
                        function: None,
                    },
                );
            }
        }
    }
    let waits = graph.edges.iter().filter(|edge| {
        graph.nodes[edge.to].kind == NodeKind::Lock && graph.nodes[edge.from].kind == NodeKind::Task
    });
    for edge in waits.take(LOCKS) {
        let (Some(task), Some(class)) =
            (graph.nodes[edge.from].task.clone(), class(graph, edge.to))
        else {
            continue;
        };
        said.say_spans(
            Grade::Inferred,
            RuleId::W47,
            edge.lines.clone(),
            Predicate::WaitsFor {
                waiter: Party::Task { task },
                target: Party::Lock { lock: LockRef { class: Some(class), address: None } },
                kind: WaitKind::Lock,
                function: None,
            },
        );
    }
}

/// The name of a lock: its class, or the name that the source gives it.
fn class(graph: &Graph, node: usize) -> Option<String> {
    match &graph.nodes[node].who {
        Participant::Lock { lock } => lock.class.clone(),
        _ => None,
    }
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
