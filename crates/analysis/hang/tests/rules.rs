//! A sample for every row of the table of events: each line is known for what it is, with its fields.

mod support;

use analysis_hang::diagnose;
use analysis_hang::event::{Detail, EventKind, Ownership};
use analysis_hang::rules::EVENT_RULES;
use model::{Need, RuleId, VerdictKind};

use support::{needs, words};

const K: &str = "CPU: 2 PID: 71 Comm: tester Not tainted 6.6.3 #5";

/// What the log says, and the event it must give.
fn samples() -> Vec<(EventKind, String)> {
    use EventKind as E;
    let one = |kind, text: &str| (kind, format!("{text}\n{K}\nCall Trace:\n my_work+0x1/0x20\n"));
    vec![
        one(
            E::RcuKthreadStarved,
            "rcu: rcu_sched kthread starved for 5250 jiffies! g77 f0x2 RCU_GP_WAIT_FQS(5) ->state=0x402 ->cpu=1",
        ),
        one(
            E::RcuExpeditedStall,
            "rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 3-...D P44 } 6000 jiffies s: 901 root: 0x8/.",
        ),
        one(E::RcuTasksStall, "INFO: rcu_tasks detected stalls on tasks:"),
        one(E::RcuStall, "INFO: rcu_bh detected stall on CPU 1 (t=6500 jiffies)"),
        one(E::RcuStall, "rcu: INFO: rcu_sched self-detected stall on CPU"),
        one(
            E::RcuVoluntarySwitch,
            "Voluntary context switch within RCU read-side critical section!",
        ),
        one(E::RcuUsage, "WARNING: suspicious RCU usage"),
        one(E::HungTasks, "INFO: task worker:71 blocked for more than 241 seconds."),
        one(E::HungTasks, "INFO: task worker:71 can't die for more than 241 seconds."),
        one(E::SoftLockup, "watchdog: BUG: soft lockup - CPU#2 stuck for 26s! [tester:71]"),
        one(E::HardLockup, "watchdog: Watchdog detected hard LOCKUP on cpu 2"),
        one(E::HardLockup, "watchdog: CPU 2 self-detected hard LOCKUP @ my_work+0x1/0x20"),
        one(
            E::CsdLock,
            "smp: csd: Detected non-responsive CSD lock (#1) on CPU#2, waiting 5000000007 ns for CPU#01 my_call+0x0/0x10(0x0).",
        ),
        one(
            E::WorkqueueLockup,
            "BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 stuck for 37s!",
        ),
        one(E::WorkqueueLeak, "BUG: workqueue leaked atomic, lock or RCU: kworker/2:1[71]"),
        one(
            E::WorkqueueHog,
            "workqueue: my_work hogged CPU for >10000us 4 times, consider switching to WQ_UNBOUND",
        ),
        one(
            E::SlowInterrupt,
            "perf: interrupt took too long (2517 > 2500), lowering kernel.perf_event_max_sample_rate to 79000",
        ),
        one(E::Irq, "irq 17: nobody cared (try booting with the \"irqpoll\" option)"),
        one(E::LockdepCircular, "WARNING: possible circular locking dependency detected"),
        one(E::LockdepRecursive, "WARNING: possible recursive locking detected"),
        one(E::LockdepInterrupt, "WARNING: inconsistent lock state"),
        one(E::LockdepInterrupt, "WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected"),
        one(E::LockdepWaitContext, "[ BUG: Invalid wait context ]"),
        one(E::LockdepOwnership, "WARNING: bad unlock balance detected!"),
        one(E::LockdepOwnership, "WARNING: tester/71 still has locks held!"),
        one(
            E::SleepInAtomic,
            "BUG: sleeping function called from invalid context at kernel/my.c:12",
        ),
        one(E::ScheduleInAtomic, "BUG: scheduling while atomic: tester/71/0x00000201"),
        one(
            E::AllocationFailure,
            "tester: page allocation failure: order:2, mode:0xcc0(GFP_KERNEL), nodemask=(null),cpuset=/,mems_allowed=0",
        ),
        one(
            E::OutOfMemory,
            "tester invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
        ),
        one(E::FaultOomLeaked, "Huh VM_FAULT_OOM leaked out to the #PF handler. Retrying PF"),
        one(E::Kasan, "BUG: KASAN: slab-use-after-free in my_read+0x11/0x40"),
        one(E::Kfence, "BUG: KFENCE: out-of-bounds write in my_write+0x11/0x40"),
        one(E::Kmsan, "BUG: KMSAN: uninit-value in my_parse+0x11/0x40"),
        one(E::Kcsan, "BUG: KCSAN: data-race in my_get / my_put"),
        one(E::Ubsan, "UBSAN: array-index-out-of-bounds in lib/my.c:31:7"),
        one(E::Refcount, "refcount_t: addition on 0; use-after-free."),
        one(E::Corruption, "list_del corruption. prev->next should be ff00aa, but was dead00"),
        one(E::MemoryLeak, "unreferenced object 0xff00001122334455 (size 96):"),
        one(E::SpinlockBug, "BUG: spinlock bad magic on CPU#2, tester/71"),
        one(E::SpinlockLockup, "BUG: spinlock lockup suspected on CPU#2, tester/71"),
        one(E::SpinlockLockup, "BUG: rwlock recursion on CPU#2, tester/71, 00000000f00dcafe"),
        one(E::HardLockup, "Watchdog CPU:2 Hard LOCKUP"),
        one(E::HardLockup, "watchdog: CPU 2 Hard LOCKUP"),
        one(E::Fault, "Unknown program exception: 0028 [#1] SMP"),
        one(E::Fault, "specification exception: 0006 ilc:2 [#1] SMP"),
        one(
            E::StackOverflow,
            "BUG: stack guard page was hit at 00000000abc (stack is 00000000def..00000000fff)",
        ),
        one(E::KernelBug, "kernel BUG at fs/my.c:99!"),
        one(E::KernelBug, "divide error: 0000 [#1] SMP"),
        one(E::Fault, "BUG: kernel NULL pointer dereference, address: 0000000000000018"),
        one(E::Fault, "Unable to handle kernel paging request at virtual address dead000000000108"),
        one(
            E::Hardware,
            "mce: [Hardware Error]: CPU 1: Machine Check Exception: 5 Bank 3: be00000000800400",
        ),
        one(E::Warning, "WARNING: CPU: 2 PID: 71 at mm/my.c:40 my_check+0x11/0x40"),
        one(E::Warning, "WARNING: mm/my.c:40 at my_check+0x11/0x40, CPU#2: tester/71"),
        one(E::Panic, "Kernel panic - not syncing: hung_task: blocked tasks"),
        one(
            E::NetdevReference,
            "unregister_netdevice: waiting for veth7 to become free. Usage count = 3",
        ),
        one(
            E::UserSegfault,
            "tester[71]: segfault at 10 ip 0000560000001234 sp 00007ffd00000000 error 4 in tester[560000000000+3000]",
        ),
        one(
            E::FileSystem,
            "EXT4-fs error (device vdb): my_lookup:101: inode #12: comm tester: bad entry",
        ),
        one(
            E::Device,
            "I/O error, dev vdb, sector 2048 op 0x1:(WRITE) flags 0x0 phys_seg 1 prio class 2",
        ),
    ]
}

#[test]
fn each_sample_is_known_for_what_it_is() {
    for (kind, log) in samples() {
        let diagnosis = diagnose(log.as_bytes());
        let kinds: Vec<EventKind> = diagnosis.seen.events.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [kind], "{log}");
    }
}

#[test]
fn every_row_has_a_sample() {
    let sampled: Vec<EventKind> = samples().into_iter().map(|(kind, _)| kind).collect();
    for row in EVENT_RULES {
        assert!(sampled.contains(&row.kind), "{} ({:?}) has no sample", row.id, row.kind);
    }
}

#[test]
fn an_event_is_told_by_the_row_of_its_rule() {
    for (id, text) in [
        (RuleId::R01, "rcu: INFO: rcu_sched self-detected stall on CPU"),
        (
            RuleId::R23,
            "rcu: INFO: rcu_sched detected expedited stalls on CPUs/tasks: { 2-... } 21 jiffies s: 9 root: 0x4/.",
        ),
        (RuleId::R25, "INFO: rcu_tasks detected stalls on tasks:"),
        (RuleId::R46, "BUG: workqueue leaked lock or atomic: kworker/1:0/0x00000001/55"),
        (RuleId::R48, "irq 23: nobody cared (try booting with the \"irqpoll\" option)"),
        (RuleId::R47, "INFO: NMI handler (my_handler) took too long to run: 2.118 msecs"),
        (RuleId::R72, "Huh VM_FAULT_OOM leaked out to the #PF handler. Retrying PF"),
    ] {
        let diagnosis = diagnose(format!("{text}\n").as_bytes());
        let kinds: Vec<EventKind> = diagnosis.seen.events.iter().map(|event| event.kind).collect();
        let row = EVENT_RULES.iter().find(|row| kinds == [row.kind]);
        assert_eq!(row.map(|row| row.id), Some(id), "{text}");
    }
}

#[test]
fn a_task_that_hangs_in_two_scans_ties_them() {
    let scan = |seconds: u32| -> String {
        hung("a", 31, &["__mutex_lock", "my_open"])
            .lines()
            .map(|line| format!("[  {seconds}.000000] {line}\n"))
            .collect()
    };
    let diagnosis = diagnose((scan(200) + &scan(400)).as_bytes());
    let links: Vec<_> = diagnosis.causes.links.iter().flatten().map(|link| link.rule).collect();
    assert_eq!(links, [RuleId::R35]);
}

#[test]
fn lines_that_only_look_alike_are_no_events() {
    for text in [
        "systemd[1]: Started INFO: task manager.",
        "tester: timeout was 7",
        "Speculative Return Stack Overflow: WARNING: See the manual",
        "traps: tester[71] general protection fault ip:560000001234 sp:7ffd00000000 error:0",
        "rcu: \tUnless rcu_sched kthread gets sufficient CPU time, OOM is now expected behavior.",
        "audit: type=1400 audit(12.000:3): apparmor=\"ALLOWED\" name=\"BUG\"",
    ] {
        let diagnosis = diagnose(format!("{text}\n").as_bytes());
        assert!(diagnosis.seen.events.is_empty(), "{text}: {:?}", diagnosis.seen.events[0].kind);
        assert_eq!(diagnosis.verdict.kind, VerdictKind::Unknown);
        assert!(diagnosis.first_cause.is_none() && !diagnosis.needs.is_empty());
    }
}

#[test]
fn the_kernel_s_own_word_on_the_holder_makes_a_proven_cycle() {
    let task = |name: &str, pid: u32, caller: &str| {
        format!(
            "INFO: task {name}:{pid} blocked for more than 61 seconds.\ntask:{name} state:D stack:0 pid:{pid} tgid:{pid} ppid:2 flags:0x4000\nCall Trace:\n __schedule+0x1/0x9\n schedule+0x1/0x9\n __mutex_lock+0x1/0x9\n {caller}+0x1/0x9\n ksys_write+0x1/0x9\n"
        )
    };
    let log = task("left", 31, "take_second")
        + "INFO: task left:31 is blocked on a mutex likely owned by task right:32.\n"
        + &task("right", 32, "take_first")
        + "INFO: task right:32 is blocked on a mutex likely owned by task left:31.\n";
    let diagnosis = diagnose(log.as_bytes());
    let Detail::Hung(scan) = &diagnosis.seen.events[0].detail else { panic!("no scan") };
    assert_eq!(scan.members[0].owner.as_ref().map(|(.., how)| *how), Some(Ownership::Owner));
    assert_eq!(diagnosis.verdict.kind, VerdictKind::Deadlock);
    assert_eq!(diagnosis.first_cause.map(|cause| cause.line), Some(1));
}

#[test]
fn waiters_of_one_lock_without_holder_are_no_deadlock() {
    let mut log = String::new();
    for pid in 41..44 {
        log += &format!(
            "INFO: task w{pid}:{pid} blocked for more than 61 seconds.\ntask:w{pid} state:D stack:0 pid:{pid} tgid:{pid} ppid:2 flags:0x4000\nCall Trace:\n __schedule+0x1/0x9\n schedule+0x1/0x9\n __mutex_lock+0x1/0x9\n my_open+0x1/0x9\n"
        );
    }
    let diagnosis = diagnose(log.as_bytes());
    assert_eq!(diagnosis.verdict.kind, VerdictKind::Unknown);
    assert!(needs(&diagnosis).iter().any(|exhibit| exhibit.contains("who holds it")));
}

#[test]
fn a_lock_list_names_the_holder_by_address() {
    let log = "INFO: task w:41 blocked for more than 61 seconds.
task:w state:D stack:0 pid:41 tgid:41 ppid:2 flags:0x4000
Call Trace:
 __schedule+0x1/0x9
 schedule+0x1/0x9
 __mutex_lock+0x1/0x9
 my_open+0x1/0x9
Showing all locks held in the system:
1 lock held by w/41:
 #0: ff11223344556677 (&box->lock){+.+.}-{3:3}, at: my_open+0x1/0x9
2 locks held by h/42:
 #0: ff11223344556677 (&box->lock){+.+.}-{3:3}, at: my_close+0x1/0x9
 #1: ff11223344550000 (&other->lock){+.+.}-{3:3}, at: my_close+0x5/0x9
";
    let diagnosis = diagnose(log.as_bytes());
    assert_eq!(diagnosis.verdict.kind, VerdictKind::LockHeld);
    assert!(words(&diagnosis).contains("h[42]"), "{}", words(&diagnosis));
    let held = diagnosis.graph.edges.iter().find(|edge| edge.rule == RuleId::R33).unwrap();
    assert_eq!(held.lines.iter().map(|span| span.first).collect::<Vec<_>>(), [11, 12]);
}

#[test]
fn interleaved_printers_keep_their_stacks_apart() {
    let log = "[   10.000001][   C1] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [one:11]
[   10.000002][   C2] watchdog: BUG: soft lockup - CPU#2 stuck for 22s! [two:12]
[   10.000003][   C1] CPU: 1 PID: 11 Comm: one Not tainted 6.6.3 #5
[   10.000004][   C2] CPU: 2 PID: 12 Comm: two Not tainted 6.6.3 #5
[   10.000005][   C1] RIP: 0010:loop_one+0x1/0x9
[   10.000006][   C2] RIP: 0010:loop_two+0x1/0x9
[   10.000007][   C1] Call Trace:
[   10.000008][   C2] Call Trace:
[   10.000009][   C2]  call_two+0x1/0x9
[   10.000010][   C1]  call_one+0x1/0x9
";
    let diagnosis = diagnose(log.as_bytes());
    for (event, name) in diagnosis.seen.events.iter().zip(["one", "two"]) {
        let snapshot = diagnosis.seen.snapshot(event.snapshots[0]);
        assert_eq!(event.snapshots.len(), 1);
        assert_eq!(snapshot.instruction[0].function, format!("loop_{name}"));
        assert_eq!(snapshot.frames[0].function, format!("call_{name}"));
    }
}

#[test]
fn two_unrelated_serious_reports_leave_the_first_cause_open() {
    let log = "[  100.000000] WARNING: CPU: 2 PID: 71 at mm/my.c:40 my_check+0x11/0x40
[  100.000001] CPU: 2 PID: 71 Comm: a Not tainted 6.6.3 #5
[  100.000002] Call Trace:
[  100.000003]  my_check+0x11/0x40
[  160.000000] BUG: kernel NULL pointer dereference, address: 0000000000000018
[  160.000001] CPU: 1 PID: 99 Comm: b Tainted: G        W 6.6.3 #5
[  160.000002] RIP: 0010:other_place+0x1/0x9
";
    let diagnosis = diagnose(log.as_bytes());
    assert!(diagnosis.first_cause.is_none());
    assert_eq!(diagnosis.verdict.kind, VerdictKind::Unknown);
    assert!(!diagnosis.needs.is_empty());
}

#[test]
fn signs_of_several_bytes_in_a_stall_are_text() {
    // A replacement sign stands directly before digits, and at the start of a word in the list of readers.
    let log = "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\nrcu: \t1-....: (\u{fffd}12 ticks this GP) idle=1/1/0x0 softirq=1/2 fqs=3 (\u{fffd}4 GPs behind)\nrcu: \tTasks blocked on level-0 rcu_node (CPUs 0-3): P812/2:b..l\nP813 \u{fffd}1\n(detected by 1, t=5252 jiffies, g=20125, q=443 ncpus=4)\n";
    let diagnosis = diagnose(log.as_bytes());
    let Detail::Stall(stall) = &diagnosis.seen.events[0].detail else { panic!("no stall") };
    assert_eq!((stall.cpus[0].ticks, stall.cpus[0].behind), (Some(12), Some(4)));
    assert_eq!(stall.tasks.len(), 1);
}

#[test]
fn any_bytes_give_a_diagnosis() {
    // Pieces of real shapes in random order, cut anywhere: no panic, bounded output.
    let pieces: Vec<String> = samples().into_iter().map(|(_, log)| log).collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..300 {
        let mut log = Vec::new();
        for _ in 0..12 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let piece = pieces[(state % pieces.len() as u64) as usize].as_bytes();
            let cut = (state >> 20) as usize % (piece.len() + 1);
            log.extend_from_slice(if state & 1 == 0 { &piece[..cut] } else { &piece[cut..] });
            log.push((state >> 40) as u8);
        }
        let diagnosis = diagnose(&log);
        let count = log.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        for statement in &diagnosis.statements {
            assert!(format!("{:?}", statement.predicate()).len() < 4096);
            let within = statement.lines().iter().all(|span| span.last <= count);
            assert!(within, "{statement:?} cites lines beyond the {count} of the log");
        }
    }
}

/// A hung or listed task that sleeps in the functions given, innermost first.
fn sleeper(head: &str, name: &str, pid: u32, functions: &[&str]) -> String {
    let mut log = head.to_owned();
    log += &format!(
        "task:{name} state:D stack:0 pid:{pid} tgid:{pid} ppid:2 flags:0x4000\nCall Trace:\n __schedule+0x1/0x9\n schedule+0x1/0x9\n"
    );
    for function in functions {
        log += &format!(" {function}+0x1/0x9\n");
    }
    log
}

fn hung(name: &str, pid: u32, functions: &[&str]) -> String {
    sleeper(
        &format!("INFO: task {name}:{pid} blocked for more than 61 seconds.\n"),
        name,
        pid,
        functions,
    )
}

#[test]
fn locks_of_one_place_with_different_owners_are_no_cycle() {
    // Three objects, one place where their locks are taken: a waits for b, b for c, and c for a device.
    let unlink = ["rwsem_down_write_slowpath", "down_write", "my_unlink"];
    let log = hung("a", 31, &unlink)
        + "INFO: task a:31 <writer> blocked on an rw-semaphore likely owned by task b:32 <writer>\n"
        + &hung("b", 32, &unlink)
        + "INFO: task b:32 <writer> blocked on an rw-semaphore likely owned by task c:33 <writer>\n"
        + &sleeper("", "c", 33, &["io_schedule", "submit_bio_wait", "my_unlink"]);
    let diagnosis = diagnose(log.as_bytes());
    assert_eq!(diagnosis.verdict.kind, VerdictKind::Device, "{}", words(&diagnosis));
    let chain = words(&diagnosis);
    let places: Vec<_> = ["a[31]", "b[32]", "c[33]"].iter().map(|t| chain.find(t)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{chain}");
}

#[test]
fn an_owner_that_sleeps_interruptibly_is_shown_with_its_stack() {
    let mut log = hung("a", 31, &["__mutex_lock", "my_read"]);
    log += "INFO: task a:31 is blocked on a mutex likely owned by task b:32.\n";
    log += &sleeper("", "b", 32, &["schedule_timeout", "msleep_interruptible", "my_read"])
        .replace("state:D", "state:S");
    let diagnosis = diagnose(log.as_bytes());
    assert_eq!(diagnosis.verdict.kind, VerdictKind::LockHeld);
    let said = words(&diagnosis);
    assert!(
        said.contains("b[32]") && said.contains("delay") && !said.contains("does not show. Chain"),
        "{said}"
    );
}

#[test]
fn locks_held_at_an_old_warning_are_not_held_at_a_later_hang() {
    let lock = |address: &str, class: &str, at: &str| {
        format!(" #0: {address} ({class}){{+.+.}}-{{3:3}}, at: {at}+0x1/0x9\n")
    };
    let mut log = String::from(
        "WARNING: suspicious RCU usage\nmm/my.c:1 suspicious rcu_dereference_check() usage!\n2 locks held by b/32:\n",
    );
    log += &lock("ff11000000000001", "&alpha", "alpha_take");
    log += &lock("ff11000000000002", "&beta", "beta_take").replace("#0", "#1");
    log += "stack backtrace:\nCPU: 0 PID: 32 Comm: b Not tainted 6.1.0 #1\nCall Trace:\n beta_take+0x1/0x9\n";
    log += &hung("a", 31, &["__mutex_lock", "alpha_take"]);
    log += "1 lock held by a/31:\n";
    log += &lock("ff11000000000001", "&alpha", "alpha_take");
    log += &hung("b", 32, &["gamma_wait"]);
    let diagnosis = diagnose(log.as_bytes());
    assert!(
        diagnosis.graph.edges.iter().all(|edge| edge.rule != RuleId::R33),
        "{:?}",
        diagnosis.graph.edges
    );
}

#[test]
fn a_list_of_blocked_tasks_that_was_asked_for_is_read() {
    let list = "sysrq: Show Blocked State\n".to_owned()
        + &sleeper("", "one", 31, &["__mutex_lock", "my_open"])
        + &sleeper("", "two", 32, &["io_schedule", "blk_mq_get_tag", "my_read"]);
    let old = "SysRq : Show Blocked State\n  task                        PC stack   pid father\njbd2/sda1-8     D    0   234      2 0x80000000\nCall Trace:\n __schedule+0x1/0x9\n schedule+0x1/0x9\n submit_bio_wait+0x1/0x9\n";
    for (log, members) in [(list.as_str(), 2), (old, 1)] {
        let diagnosis = diagnose(log.as_bytes());
        let event = &diagnosis.seen.events[0];
        let Detail::Hung(scan) = &event.detail else { panic!("no list") };
        assert!(scan.listed && scan.members.len() == members, "{scan:?}");
        assert_eq!(event.lines.first, if members == 2 { 1 } else { 3 });
        // Blocked is not hung: how long they wait is not said.
        assert!(!diagnosis.statements.iter().any(|statement| statement.rule() == RuleId::R30));
    }
}

#[test]
fn a_scan_whose_first_line_is_lost_is_one_scan() {
    let log = sleeper("", "a", 31, &["__mutex_lock", "my_open"])
        + &hung("b", 32, &["__mutex_lock", "my_open"]);
    let diagnosis = diagnose(log.as_bytes());
    assert_eq!(diagnosis.seen.events.len(), 1);
    assert_eq!(diagnosis.first_cause.map(|cause| cause.line), Some(1));
}

#[test]
fn storage_that_failed_first_comes_before_the_tasks_that_wait_for_it() {
    let timeout = "[  100.000000] nvme nvme0: I/O 23 QID 3 timeout, aborting\n";
    let stamped = |log: &str| -> String {
        log.lines().map(|line| format!("[  300.000000] {line}\n")).collect()
    };
    let waiting = stamped(&hung(
        "jbd2/x",
        31,
        &["bit_wait_io", "__wait_on_bit", "jbd2_journal_commit_transaction"],
    ));
    let diagnosis = diagnose((timeout.to_owned() + &waiting).as_bytes());
    assert_eq!(diagnosis.first_cause.map(|cause| cause.line), Some(1));
    // What the tasks wait for is not known: it may be the device or not.
    let elsewhere = stamped(&hung("w", 31, &["__mutex_lock", "my_open"]));
    let diagnosis = diagnose((timeout.to_owned() + &elsewhere).as_bytes());
    assert!(diagnosis.first_cause.is_none());
    assert!(!diagnosis.needs.is_empty());
}

#[test]
fn a_corrected_hardware_error_begins_nothing() {
    let corrected = "[    5.000000] mce: [Hardware Error]: Machine check events logged\n[    5.000001] [Hardware Error]: Corrected error, no action required.\n";
    let lockup = "[ 4000.000000] watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [w:77]\n[ 4000.000001] CPU: 3 PID: 77 Comm: w Not tainted 6.1.0 #1\n[ 4000.000002] RIP: 0010:spin_here+0x1/0x9\n";
    let first = |log: String| diagnose(log.as_bytes()).first_cause.map(|cause| cause.line);
    assert_eq!(first(corrected.to_owned() + lockup), Some(3));
    let fatal = "[    5.000000] mce: [Hardware Error]: CPU 2: Machine Check Exception: 5 Bank 3: be00000000800400\n";
    assert_eq!(first(fatal.to_owned() + lockup), Some(1));
}

#[test]
fn a_cpu_that_does_not_answer_is_told_with_what_it_was_doing() {
    let log = "smp: csd: Detected non-responsive CSD lock (#1) on CPU#0, waiting 5000000007 ns for CPU#02 my_call+0x0/0x10(0x0).
Sending NMI from CPU 0 to CPUs 2:
NMI backtrace for cpu 2
CPU: 2 PID: 53 Comm: irq/16-x Not tainted 5.11.0 #5
RIP: 0010:native_queued_spin_lock_slowpath+0x61/0x1d0
RSP: 0018:ffffbc494011cde0 EFLAGS: 00000002
Call Trace:
 _raw_spin_lock_irqsave+0x95/0xa0
 my_queue+0x88/0x107
";
    let diagnosis = diagnose(log.as_bytes());
    let said = words(&diagnosis);
    assert!(said.contains("irq/16-x[53], IRQs disabled") && said.contains("my_queue"), "{said}");
    assert!(!diagnosis.needs.contains(&Need::CpuStack { cpu: 2 }), "{:?}", diagnosis.needs);
}

#[test]
fn a_symbolised_list_of_locks_repeats_an_entry_without_taking_the_lock_twice() {
    let entry = |n: u32, at: &str| {
        format!(" #{n}: ff1122334455667{n} (&dev->mutex){{....}}-{{4:4}}, at: {at}\n")
    };
    let mut log = hung("a", 31, &["__mutex_lock", "my_attach"]).replace(
        " my_attach+0x1/0x9\n",
        " device_lock include/linux/device.h:1014 [inline]\n my_attach+0x1/0x9\n",
    );
    log += "Showing all locks held in the system:\n1 lock held by a/31:\n";
    log += &entry(0, "device_lock include/linux/device.h:1014 [inline]");
    log += &entry(0, "my_attach+0x1/0x9");
    log += "1 lock held by b/32:\n";
    log += &entry(0, "device_lock include/linux/device.h:1014 [inline]");
    log += &entry(0, " \nmy_event+0x1/0x9 drivers/my.c:1");
    log += "2 locks held by c/33:\n";
    log += &entry(0, "my_event+0x1/0x9");
    log += &entry(1, "my_port+0x1/0x9");
    let diagnosis = diagnose(log.as_bytes());
    assert_ne!(diagnosis.verdict.kind, VerdictKind::Deadlock, "{}", words(&diagnosis));
    assert_eq!(
        diagnosis.seen.locks.iter().map(|list| list.locks.len()).collect::<Vec<_>>(),
        [1, 1, 2]
    );
    assert_eq!(diagnosis.seen.locks[1].locks[0].at, "my_event");
    // Only the one that took another lock afterwards is sure to have it.
    assert!(words(&diagnosis).contains("c[33]"), "{}", words(&diagnosis));
}

#[test]
fn a_kernel_that_failed_before_the_log_begins_has_no_first_cause_in_it() {
    let lockup = |taint: &str| {
        format!(
            "[ 4000.0] watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [w:77]\n[ 4000.1] CPU: 3 PID: 77 Comm: w {taint} 6.1.0 #1\n[ 4000.2] RIP: 0010:spin_here+0x1/0x9\n"
        )
    };
    let died = diagnose(lockup("Tainted: G      D    ").as_bytes());
    assert!(died.first_cause.is_none());
    assert!(needs(&died).iter().any(|exhibit| exhibit.contains("taint D")), "{:?}", needs(&died));
    // An earlier warning or lockup is asked for, but breaks nothing by itself.
    let warned = diagnose(lockup("Tainted: G        W L").as_bytes());
    assert_eq!(warned.first_cause.as_ref().map(|cause| cause.line), Some(1));
    assert!(
        needs(&warned).iter().any(|exhibit| exhibit.contains("taint L")),
        "{:?}",
        needs(&warned)
    );
    // The oops itself is in the log: nothing is missing.
    let oops = "[ 3990.0] BUG: kernel NULL pointer dereference, address: 0000000000000018\n[ 3990.1] CPU: 1 PID: 99 Comm: b Not tainted 6.1.0 #1\n[ 3990.2] RIP: 0010:other_place+0x1/0x9\n";
    let both = diagnose((oops.to_owned() + &lockup("Tainted: G      D    ")).as_bytes());
    assert_eq!(both.first_cause.as_ref().map(|cause| cause.line), Some(1));
}
