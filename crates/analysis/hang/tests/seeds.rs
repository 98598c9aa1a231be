//! Two real inputs whose diagnosis is agreed on, line by line. Skips where they are absent.

#![expect(clippy::print_stdout, reason = "a skipped test must be seen")]

use std::path::Path;

use analysis_hang::event::{Detail, EventKind, Stall};
use analysis_hang::verdict::VerdictKind;
use analysis_hang::{Diagnosis, diagnose};
use model::Grade;

fn seed(name: &str) -> Option<Diagnosis> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/seeds").join(name);
    let Ok(log) = std::fs::read(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    Some(diagnose(&log))
}

/// The claim that has all the words: its grade, and whether it cites all the lines.
fn claim(diagnosis: &Diagnosis, grade: Grade, words: &[&str], lines: &[u64]) {
    let all = diagnosis.claims.iter().chain(&diagnosis.hypotheses);
    let found: Vec<_> =
        all.filter(|claim| words.iter().all(|word| claim.statement.contains(word))).collect();
    let claim = found.first().unwrap_or_else(|| {
        let all: Vec<_> = diagnosis.claims.iter().map(|claim| &claim.statement).collect();
        panic!("no claim with {words:?} in {all:#?}")
    });
    assert!(claim.grade >= grade, "{}: {}", claim.statement, claim.grade);
    for line in lines {
        assert!(
            claim.lines.iter().any(|span| span.contains(*line)),
            "L{line} is not cited by {:?}: {}",
            claim.lines,
            claim.statement
        );
    }
}

/// Everything that is printed.
fn said(diagnosis: &Diagnosis) -> String {
    let mut text = diagnosis.verdict.statement.clone();
    text.extend(diagnosis.first_cause.iter().map(|cause| cause.statement.as_str()));
    for claim in diagnosis.claims.iter().chain(&diagnosis.hypotheses) {
        text += &claim.statement;
        text.push('\n');
    }
    text.extend(diagnosis.missing.iter().map(String::as_str));
    text.extend(diagnosis.groups.iter().map(|group| group.key.as_str()));
    text.extend(diagnosis.graph.nodes.iter().map(|node| node.name.as_str()));
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
        graph.nodes[edge.from].name.starts_with(from) && graph.nodes[edge.to].name.starts_with(to)
    });
    found.unwrap_or_else(|| panic!("no edge from {from} to {to}")).grade
}

#[test]
fn a_starved_grace_period_thread_is_told_with_its_fields() {
    let Some(diagnosis) = seed("000_29be54583ac5b8ab.txt") else { return };
    let seen = &diagnosis.seen;
    assert_eq!(seen.events.len(), 1);
    assert_eq!((seen.events[0].kind, seen.events[0].lines.first), (EventKind::RcuStall, 1));
    let kernel = &seen.kernel;
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
    for words in ["not given a CPU", "80885", "WHO denied it CPU 0 is NOT in this log"] {
        assert!(diagnosis.verdict.statement.contains(words), "{}", diagnosis.verdict.statement);
    }
    claim(&diagnosis, Grade::Derived, &["10501", "10480", "first 21 jiffies"], &[3, 4]);
    claim(
        &diagnosis,
        Grade::Inferred,
        &["0x0 = runnable", "CPU 0", "schedule_timeout"],
        &[4, 7, 10, 14],
    );
    claim(&diagnosis, Grade::Derived, &["11 scan passes", "21 jiffies"], &[2, 4]);
    claim(&diagnosis, Grade::Seen, &["CPU 1 takes timer interrupts", "0x246"], &[31, 45, 48]);
    claim(&diagnosis, Grade::Seen, &["one RCU softirq", "71451 -> 71452"], &[2]);
    claim(&diagnosis, Grade::Inferred, &["softirq work is not executed on CPU 1"], &[2]);
    claim(&diagnosis, Grade::Seen, &["f0x0"], &[4]);
    claim(&diagnosis, Grade::Inferred, &["bit 1 set", "CPU busy", "nesting 1"], &[2]);
    claim(&diagnosis, Grade::Inferred, &["`!`", "jiffy 21", "nothing about interrupts"], &[2]);
    claim(&diagnosis, Grade::Inferred, &["phase 1", "number 20221"], &[3]);
    claim(&diagnosis, Grade::Seen, &["write_comp_data", "called from", "splice"], &[46, 54]);
    for words in [["real-time", "CPU 0"], ["loop", "CPU 0"], ["host", "clock"]] {
        claim(&diagnosis, Grade::Guess, &words, &[]);
    }
    assert_eq!(diagnosis.hertz.as_ref().unwrap().values, [100, 250]);
    claim(
        &diagnosis,
        Grade::Derived,
        &["300", "very unlikely rather than impossible", "1000"],
        &[3],
    );

    assert_eq!(edge(&diagnosis, "RCU grace period 80885", "rcu_preempt[10]"), Grade::Seen);
    assert_eq!(edge(&diagnosis, "rcu_preempt[10]", "time on CPU 0"), Grade::Inferred);
    assert_eq!(edge(&diagnosis, "time on CPU 0", "unknown occupant"), Grade::Unknown);
    assert_eq!(edge(&diagnosis, "RCU grace period 80885", "CPU 1"), Grade::Seen);
    assert_eq!(edge(&diagnosis, "CPU 1", "RCU softirq on CPU 1"), Grade::Inferred);
    assert!(diagnosis.graph.cycle(Grade::Guess).is_none());

    assert_eq!(diagnosis.groups[0].key, "rcu_stall/splice/gp_kthread_starved");
    let need = diagnosis.missing.join("\n");
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
    let kernel = &seen.kernel;
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
    assert_eq!(root.key, "rcu_stall_task_reader/leaked_depth/wb_workfn+bede_flush_node_rss");
    assert_eq!(root.events.iter().map(|e| e.0 + 1).collect::<Vec<_>>(), [1, 2, 4, 5]);
    assert_eq!(diagnosis.groups[1].events[0].0 + 1, 3);
    assert!(diagnosis.groups[1].perhaps_of.as_ref().is_some_and(|(of, _)| *of == 0));

    assert_eq!(diagnosis.verdict.kind, VerdictKind::Leak);
    let verdict = &diagnosis.verdict.statement;
    for words in ["leaked RCU read-side section", "[1010]", "3, later 5", "122497", "cgroup_mutex"]
    {
        assert!(verdict.contains(words), "{words}: {verdict}");
    }
    claim(&diagnosis, Grade::Seen, &["[1010] blocked in wb_workfn", "depth > 0"], &[44, 71, 101]);
    claim(&diagnosis, Grade::Seen, &["one and the same blocker", "no CPU"], &[119, 336]);
    claim(
        &diagnosis,
        Grade::Inferred,
        &["state I", "worker_thread -> schedule", "0x0", "Depth should be 0; it is 3"],
        &[121, 135],
    );
    claim(&diagnosis, Grade::Derived, &["Depth 3 -> 5 in 180 s"], &[119, 336]);
    claim(&diagnosis, Grade::Derived, &["45005 jiffies in 180.02 s", "HZ=250"], &[120, 337]);
    claim(&diagnosis, Grade::Derived, &["60.0 s", "3 x timeout + 5 jiffies"], &[120, 337]);
    claim(&diagnosis, Grade::Derived, &["00:41:17.46", "10 ms after E1"], &[120, 112]);
    claim(&diagnosis, Grade::Derived, &["1,257,526 -> 1,502,891", "1,360/s"], &[120, 337]);
    claim(
        &diagnosis,
        Grade::Seen,
        &["systemd[1]", "percpu_down_write -> rcu_sync_enter -> synchronize_rcu"],
        &[224],
    );
    claim(&diagnosis, Grade::Inferred, &["systemd[1] holds cgroup_mutex"], &[231]);
    claim(&diagnosis, Grade::Inferred, &["wait for cgroup_mutex"], &[268, 306]);
    claim(&diagnosis, Grade::Derived, &["00:40:26", "00:42:26", "120 s"], &[210]);
    claim(
        &diagnosis,
        Grade::Derived,
        &["not a memory shortage", "116,203,888", "44,556", "304,580", "59.3M of 67.0M", "order 0"],
        &[142, 178, 182, 195],
    );
    claim(
        &diagnosis,
        Grade::Guess,
        &["nodemask=0", "mems_allowed=0-1", "PF_MEMALLOC"],
        &[142, 199],
    );
    claim(&diagnosis, Grade::Inferred, &["echo of E3"], &[199]);

    assert_eq!(edge(&diagnosis, "systemd-journal[1199]", "cgroup_mutex"), Grade::Seen);
    assert_eq!(edge(&diagnosis, "(piserver)[1607062]", "cgroup_mutex"), Grade::Seen);
    assert_eq!(edge(&diagnosis, "cgroup_mutex", "systemd[1]"), Grade::Inferred);
    assert_eq!(edge(&diagnosis, "systemd[1]", "RCU grace period 122497"), Grade::Seen);
    assert_eq!(edge(&diagnosis, "RCU grace period 122497", "kworker/u193:11[1010]"), Grade::Seen);
    let reader = diagnosis.graph.task(1010).unwrap();
    assert_eq!(diagnosis.graph.out(reader).count(), 0);
    assert!(diagnosis.graph.cycle(Grade::Guess).is_none());

    let need = diagnosis.missing.join("\n");
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
