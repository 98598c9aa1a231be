//! Two real inputs whose diagnosis is agreed on, line by line. Skips where they are absent.

#![expect(clippy::print_stdout, reason = "a skipped test must be seen")]

mod support;

use std::path::Path;

use analysis_hang::event::{Detail, EventKind, Stall};
use analysis_hang::{Diagnosis, diagnose};
use model::{
    CpuDenial, EventId, Grade, LockRef, Party, Predicate, StallMechanism, Task, VerdictKind,
};

use render::conclusion::participant;
use support::{first, names, needs, words};

fn seed(name: &str) -> Option<Diagnosis> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/seeds").join(name);
    let Ok(log) = std::fs::read(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    Some(diagnose(&log))
}

/// The statement: its grade, and whether it cites all the lines.
fn claim(diagnosis: &Diagnosis, grade: Grade, predicate: impl Into<Predicate>, lines: &[u64]) {
    let predicate = predicate.into();
    let mut all = diagnosis.statements.iter().chain(&diagnosis.hypotheses);
    let statement =
        all.find(|statement| *statement.predicate() == predicate).unwrap_or_else(|| {
            let all: Vec<_> =
                diagnosis.statements.iter().map(model::Statement::predicate).collect();
            panic!("no {predicate:?} in {all:#?}")
        });
    assert_eq!(statement.grade(), grade, "{predicate:?}");
    for line in lines {
        assert!(
            statement.evidence().contains(*line),
            "L{line} is not cited by {:?}: {predicate:?}",
            statement.lines(),
        );
    }
}

fn mechanism(mechanism: StallMechanism, cpu: Option<u32>, task: Option<Task>) -> Predicate {
    Predicate::StallMechanism { mechanism, cpu, task }
}

/// Everything that is printed.
fn said(diagnosis: &Diagnosis) -> String {
    let mut text = words(diagnosis).clone();
    text += &first(diagnosis);
    for statement in diagnosis.statements.iter().chain(&diagnosis.hypotheses) {
        text += &format!("{:?}\n", statement.predicate());
    }
    text.extend(needs(diagnosis));
    text.extend(diagnosis.groups.iter().map(|group| group.key.as_str()));
    text.extend(names(diagnosis));
    text.to_lowercase()
}

fn stall(diagnosis: &Diagnosis, event: usize) -> &Stall {
    match &diagnosis.seen.events[event].detail {
        Detail::Stall(stall) => stall,
        other => panic!("no stall: {other:?}"),
    }
}

fn edge(diagnosis: &Diagnosis, from: &str, to: &str) -> Grade {
    let graph = &diagnosis.graph;
    let found = graph.edges.iter().find(|edge| {
        participant(&graph.nodes[edge.from].who).starts_with(from)
            && participant(&graph.nodes[edge.to].who).starts_with(to)
    });
    found.unwrap_or_else(|| panic!("no edge from {from} to {to}")).grade
}

#[test]
fn a_starved_grace_period_thread_is_told_with_its_fields() {
    let Some(diagnosis) = seed("000_29be54583ac5b8ab.txt") else { return };
    let seen = &diagnosis.seen;
    assert_eq!(seen.events.len(), 1);
    assert_eq!((seen.events[0].kind, seen.events[0].lines.first), (EventKind::RcuStall, 1));
    let kernel = diagnosis.kernel();
    assert!(kernel.release.as_ref().is_some_and(|(release, _)| release.starts_with("5.8.0-rc7")));
    assert_eq!(kernel.taint.as_ref().map(|(taint, _)| taint.as_str()), Some(""));
    assert_eq!(kernel.arch.map(|(arch, _)| arch), Some("x86-64"));

    let stall = stall(&diagnosis, 0);
    assert!(stall.self_detected && stall.flavour == "rcu_preempt");
    let cpu = &stall.cpus[0];
    assert_eq!((cpu.line, cpu.cpu, cpu.flags.as_str(), cpu.behind), (2, 1, "...!", Some(1)));
    assert_eq!(cpu.idle, Some((0x5ce, 1, 0x4000_0000_0000_0000)));
    assert_eq!((cpu.softirq, cpu.fqs), (Some((71451, 71452)), Some(11)));
    let period = stall.period.as_ref().unwrap();
    assert_eq!((period.line, period.jiffies, period.number), (3, 10501, 80885));
    assert_eq!((period.callbacks, period.completed, period.cpus), (Some(481), None, None));
    let starved = stall.starved.as_ref().unwrap();
    assert_eq!((starved.line, starved.jiffies, starved.number), (4, 10480, Some(80885)));
    assert_eq!((starved.flags, starved.state, starved.cpu), (Some(0), Some(0), Some(0)));
    assert_eq!(starved.phase.as_deref(), Some("RCU_GP_WAIT_FQS(5)"));
    let thread = seen.snapshot(stall.kthread_stack.unwrap());
    assert_eq!((thread.task.as_ref().unwrap().pid, thread.state), (Some(10), Some('R')));
    assert_eq!(thread.lines.unwrap().first, 7);

    assert_eq!(diagnosis.verdict.kind, VerdictKind::Starvation);
    for part in ["not given a CPU", "80885", "WHO denied it CPU 0 is not shown"] {
        assert!(words(&diagnosis).contains(part), "{}", words(&diagnosis));
    }
    use Predicate as P;
    use StallMechanism as M;
    let grades = [Grade::Seen, Grade::Derived, Grade::Inferred, Grade::Guess];
    let [seen_, derived, inferred, guess] = grades;
    claim(&diagnosis, seen_, P::GracePeriodAge { number: 80885, jiffies: 10501 }, &[3]);
    let starved = P::GracePeriodThreadStarved { jiffies: 10480, cpu: Some(0), state: Some(0) };
    claim(&diagnosis, seen_, starved, &[4]);
    claim(&diagnosis, derived, P::GracePeriodThreadWorked { jiffies: 21 }, &[3, 4]);
    claim(&diagnosis, inferred, mechanism(M::ThreadNotPicked, Some(0), None), &[4, 7, 10, 14]);
    let task = Task::new("rcu_preempt", 10);
    claim(&diagnosis, seen_, P::TaskState { task, state: 'R' }, &[7]);
    claim(&diagnosis, seen_, P::GracePeriodScans { count: 11 }, &[2]);
    claim(&diagnosis, inferred, mechanism(M::TakesTimerInterrupts, Some(1), None), &[31, 45]);
    claim(&diagnosis, derived, P::RcuSoftirqs { cpu: 1, count: 1 }, &[2]);
    claim(&diagnosis, inferred, mechanism(M::SoftirqNotRun, Some(1), None), &[2]);
    claim(&diagnosis, inferred, mechanism(M::CpuBusy, Some(1), None), &[2]);
    claim(&diagnosis, seen_, P::SystemCall { name: "splice".into() }, &[]);
    let at = diagnosis.statements.iter().find_map(|statement| match statement.predicate() {
        P::CpuIn { cpu: 1, function, .. } => Some((function.as_str(), statement.evidence())),
        _ => None,
    });
    assert!(at.is_some_and(|(f, lines)| f == "write_comp_data" && lines.contains(46)), "{at:?}");
    for by in [CpuDenial::RealTimeTask, CpuDenial::KernelLoop] {
        claim(&diagnosis, guess, P::CpuDenied { cpu: 0, by }, &[4]);
    }
    assert_eq!(diagnosis.hertz.as_ref().unwrap().values, [100, 250]);
    claim(&diagnosis, inferred, P::TickRate { hz: vec![100, 250] }, &[3]);

    assert_eq!(edge(&diagnosis, "RCU grace period 80885", "rcu_preempt[10]"), Grade::Seen);
    assert_eq!(edge(&diagnosis, "rcu_preempt[10]", "time on CPU 0"), Grade::Inferred);
    assert_eq!(edge(&diagnosis, "time on CPU 0", "unknown occupant"), Grade::Unknown);
    assert_eq!(edge(&diagnosis, "RCU grace period 80885", "CPU 1"), Grade::Seen);
    assert_eq!(edge(&diagnosis, "CPU 1", "RCU softirq on CPU 1"), Grade::Inferred);
    assert!(diagnosis.graph.cycle(Grade::Guess).is_none());

    assert_eq!(diagnosis.groups[0].key, "rcu_stall/splice/gp_kthread_starved");
    let need = needs(&diagnosis).join("\n");
    for words in ["stack of CPU 0", "priority", "g=80885", "reproducer"] {
        assert!(need.contains(words), "{words} is not asked for: {need}");
    }
    let said = said(&diagnosis);
    for never in [
        "interrupts disabled",
        "deadlock",
        "ext4 bug",
        "kcov bug",
        "out of memory",
        "idle cpu",
        "false positive",
        "time on cpu 1",
    ] {
        assert!(!said.contains(never), "{never} is said: {said}");
    }
}

#[test]
fn a_leaked_reader_section_is_told_with_its_clock() {
    let Some(diagnosis) = seed("003_2f2c7d2c15ad8b2b.txt") else { return };
    let seen = &diagnosis.seen;
    let events: Vec<_> = seen.events.iter().map(|event| (event.kind, event.lines.first)).collect();
    assert_eq!(
        events,
        [
            (EventKind::RcuVoluntarySwitch, 38),
            (EventKind::RcuStall, 118),
            (EventKind::AllocationFailure, 142),
            (EventKind::HungTasks, 210),
            (EventKind::RcuStall, 335),
        ]
    );
    let kernel = diagnosis.kernel();
    assert_eq!(kernel.release.as_ref().map(|r| r.0.as_str()), Some("6.4.0+ #39"));
    assert_eq!((kernel.modified(), kernel.cpus), (Some("+"), Some((96, 120))));
    assert_eq!(kernel.taint.as_ref().map(|t| t.0.as_str()), Some("GS"));
    assert_eq!(kernel.later_taint.as_ref().map(|t| t.0.as_str()), Some("GSW"));
    assert!(kernel.hardware.as_ref().is_some_and(|(name, _)| name.contains("SYS-621C")));
    let first = &seen.events[0];
    assert_eq!((first.task.as_ref().unwrap().pid, first.cpu), (Some(1010), Some(12)));
    let snapshot = seen.snapshot(first.snapshots[0]);
    assert!(snapshot.workqueue.as_ref().unwrap().1.contains("wb_workfn (flush-259:0)"));
    assert_eq!(snapshot.instruction[0].offset, Some(0x43d));
    for (event, by, jiffies, callbacks, depth) in
        [(1, 95, 15002, 1_257_526, 3), (4, 11, 60007, 1_502_891, 5)]
    {
        let stall = stall(&diagnosis, event);
        let period = stall.period.as_ref().unwrap();
        assert_eq!((period.detected_by, period.jiffies), (Some(by), jiffies));
        assert_eq!((period.number, period.callbacks), (122_497, Some(callbacks)));
        let reader = &stall.tasks[0];
        assert_eq!((reader.pid, reader.depth), (1010, Some(depth)));
        assert_eq!((reader.flags.as_deref(), stall.cpus.len()), (Some("b..l"), 0));
        assert_eq!(
            (stall.node_level, stall.node_cpus.map(|n| (n.1, n.2))),
            (Some(1), Some((0, 15)))
        );
    }

    let cause = diagnosis.first_cause.as_ref().unwrap();
    assert_eq!((cause.event.to_string().as_str(), cause.line), ("E1", 38));
    let root = &diagnosis.groups[0];
    assert_eq!(root.key, "rcu_stall_task_reader/leaked_depth/wb_workfn");
    assert_eq!(root.events.iter().map(|e| e.0 + 1).collect::<Vec<_>>(), [1, 2, 4, 5]);
    assert_eq!(diagnosis.groups[1].events[0].0 + 1, 3);

    assert_eq!(diagnosis.verdict.kind, VerdictKind::Leak);
    let verdict = words(&diagnosis);
    for part in ["leaked RCU read-side section", "[1010]", "3, later 5", "122497", "cgroup_mutex"] {
        assert!(verdict.contains(part), "{part}: {verdict}");
    }
    use Predicate as P;
    use StallMechanism as M;
    let [seen_, derived, inferred] = [Grade::Seen, Grade::Derived, Grade::Inferred];
    let reader_task = Task::new("kworker/u193:11", 1010);
    let slept = diagnosis.statements.iter().find_map(|statement| match statement.predicate() {
        P::SleptInReader { task, .. } => Some((task, statement)),
        _ => None,
    });
    let (task, slept) = slept.unwrap();
    assert!(task.pid == Some(1010) && slept.grade() == seen_ && slept.evidence().contains(38));
    claim(
        &diagnosis,
        inferred,
        mechanism(M::ReaderLeaked, None, Some(reader_task.clone())),
        &[121, 135],
    );
    claim(&diagnosis, derived, P::DepthGrew { task: reader_task, from: 3, to: 5 }, &[119, 336]);
    claim(&diagnosis, derived, P::TickRate { hz: vec![250] }, &[120, 337]);
    let one = P::SameStall { first: EventId(1), second: EventId(4), number: 122_497 };
    claim(&diagnosis, derived, one, &[120, 337]);
    let grew = P::CallbacksGrew { from: 1_257_526, to: 1_502_891 };
    claim(&diagnosis, derived, grew, &[120, 337]);
    let began = diagnosis.statements.iter().find_map(|statement| match statement.predicate() {
        P::GracePeriodBegan { at, hz: 250 } => Some((at, statement.evidence())),
        _ => None,
    });
    assert!(
        began.is_some_and(|(at, lines)| at.contains("00:41:17.46") && lines.contains(120)),
        "{began:?}"
    );
    let waits_for_rcu = diagnosis.statements.iter().any(|statement| {
        matches!(statement.predicate(), P::WaitsFor { waiter: Party::Task { task }, target: Party::GracePeriod { .. }, .. } if task.pid == Some(1))
            && statement.evidence().contains(224)
    });
    assert!(waits_for_rcu);
    let cgroup_mutex = LockRef { class: Some("cgroup_mutex".into()), address: None };
    let holds = P::Holds { task: Task::new("systemd", 1), lock: cgroup_mutex, function: None };
    claim(&diagnosis, inferred, holds, &[231]);
    let waiting = diagnosis.statements.iter().filter(|statement| {
        matches!(statement.predicate(), P::WaitsFor { target: Party::Lock { lock }, .. } if lock.class.as_deref() == Some("cgroup_mutex"))
    });
    let cited: Vec<u64> =
        waiting.flat_map(model::Statement::lines).map(|span| span.first).collect();
    assert!(cited.len() >= 2, "{cited:?}");
    let wait = diagnosis.statements.iter().find_map(|statement| match statement.predicate() {
        P::WaitBegan { earliest, latest } => Some((earliest, latest, statement)),
        _ => None,
    });
    let (earliest, latest, wait) = wait.unwrap();
    assert!(earliest.contains("00:40:26") && latest.contains("00:42:26"), "{earliest} {latest}");
    assert!(wait.evidence().contains(210) && wait.grade() == inferred);
    // The failed allocation is no shortage: the zone that it may use is far above its watermark.
    let zone = || "Node 0 Normal".to_owned();
    let free = P::ZoneMemory { zone: zone(), free: 116_203_888, min: 44_556, unusable: None };
    claim(&diagnosis, seen_, free, &[184]);
    let cause = model::AllocationCause::NotShown;
    claim(&diagnosis, inferred, P::AllocationFailedBy { cause, order: 0 }, &[142, 184]);

    assert_eq!(edge(&diagnosis, "systemd-journal[1199]", "cgroup_mutex"), Grade::Seen);
    assert_eq!(edge(&diagnosis, "(piserver)[1607062]", "cgroup_mutex"), Grade::Seen);
    assert_eq!(edge(&diagnosis, "cgroup_mutex", "systemd[1]"), Grade::Inferred);
    assert_eq!(edge(&diagnosis, "systemd[1]", "RCU grace period 122497"), Grade::Seen);
    assert_eq!(edge(&diagnosis, "RCU grace period 122497", "kworker/u193:11[1010]"), Grade::Seen);
    let reader = diagnosis.graph.task(1010).unwrap();
    assert_eq!(diagnosis.graph.out(reader).count(), 0);
    assert!(diagnosis.graph.cycle(Grade::Guess).is_none());

    let need = needs(&diagnosis).join("\n");
    for words in ["which function leaks", "6.9", "PROVE_RCU", "without the local changes"] {
        assert!(need.contains(words), "{words} is not asked for: {need}");
    }
    // The claims beside the verdict make nobody else guilty: systemd waits, wbt is where the sleeper was seen.
    let sinks = diagnosis.graph.sinks(diagnosis.graph.task(1).unwrap(), Grade::Inferred);
    assert!(sinks.iter().all(|(node, _)| *node == reader), "{sinks:?}");
    let said = said(&diagnosis);
    for never in ["deadlock", "out of memory", "oom kill", "cpu 95 (", "cpu 11 ("] {
        assert!(!said.contains(never), "{never} is said: {said}");
    }
}
