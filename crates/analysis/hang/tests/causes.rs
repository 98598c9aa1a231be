//! What ties reports to each other and to a holder where no list of locks does: each sample is a log in which a
//! nearby but wrong conclusion is at hand.

mod support;

use analysis_hang::Diagnosis;
use analysis_hang::event::EventKind;
use analysis_hang::{diagnose, event::Detail};
use model::{
    Grade, LinkReason, MemoryUse, Need, Predicate, RuleId, StallMechanism, Task, VerdictKind,
    WaitsFor,
};

use support::{needs, words};

fn cause_line(diagnosis: &Diagnosis) -> Option<u64> {
    diagnosis.first_cause.as_ref().map(|cause| cause.line)
}

fn cpu(number: u32, pid: u32, name: &str) -> String {
    format!("CPU: {number} PID: {pid} Comm: {name} Not tainted 6.6.3 #5\n")
}

fn hung(name: &str, pid: u32, functions: &[&str]) -> String {
    let mut text = format!(
        "INFO: task {name}:{pid} blocked for more than 122 seconds.\n      Not tainted 6.6.3 #5\ntask:{name} state:D stack:0 pid:{pid} ppid:2 flags:0x00004000\nCall Trace:\n <TASK>\n __schedule+0x2b1/0x7f0\n schedule+0x55/0xd0\n"
    );
    for function in functions {
        text += &format!(" {function}\n");
    }
    text + " </TASK>\n"
}

#[test]
fn what_was_printed_later_and_stands_first_still_competes_with_a_hang() {
    let log = format!(
        "[  104.000000] unregister_netdevice: waiting for veth7 to become free. Usage count = 2\n[  101.000000] watchdog: BUG: soft lockup - CPU#3 stuck for 45s! [spinner:900]\n[  101.000001] {}[  101.000002] RIP: 0010:endless_scan+0x12/0x40\n[  101.000003] Call Trace:\n[  101.000004]  scan_ioctl+0x20/0x60\n",
        cpu(3, 900, "spinner")
    );
    let diagnosis = diagnose(log.as_bytes());
    assert_eq!((diagnosis.seen.events.len(), cause_line(&diagnosis)), (2, None));
    assert_eq!(diagnosis.seen.events[0].boot, diagnosis.seen.events[1].boot);
}

#[test]
fn a_log_of_nothing_but_assertions_and_traps_is_concluded() {
    let half = analysis_hang::EVENT_LIMIT / 2;
    let mut log = String::new();
    for n in 0..half {
        log += &format!(
            "[{n:5}.000000] WARNING: CPU: 1 PID: 0 at mm/a{n:04}.c:40 check_{n:04}+0x11/0x40\n"
        );
    }
    for n in half..2 * half {
        log += &format!("[{n:5}.000000] kernel BUG at mm/b{n:04}.c:40!\n");
        log += &"[    x] marl bed turned over, nothing to see\n".repeat(4);
    }
    let diagnosis = diagnose(log.as_bytes());
    assert_eq!(diagnosis.seen.events.len(), 2 * half);
    // The assertions that stand shortly before the first trap leave open what began it.
    assert_eq!(cause_line(&diagnosis), None);
}

#[test]
fn a_pool_whose_cpu_is_stuck_is_a_consequence_of_that() {
    let log = format!(
        "[  100.000000] BUG: workqueue lockup - pool cpus=3 node=0 flags=0x0 nice=0 stuck for 41s!\n[  100.000001] workqueue events: flags=0x0\n[  100.000002]   pwq 6: cpus=3 node=0 flags=0x0 nice=0 active=1/256\n[  100.000003]     pending: vmstat_shepherd\n[  103.000000] watchdog: BUG: soft lockup - CPU#3 stuck for 45s! [spinner:900]\n[  103.000001] {}[  103.000002] RIP: 0010:endless_scan+0x12/0x40\n[  103.000003] Call Trace:\n[  103.000004]  scan_ioctl+0x20/0x60\n",
        cpu(3, 900, "spinner")
    );
    let diagnosis = diagnose(log.as_bytes());
    assert_eq!(cause_line(&diagnosis), Some(5));
    assert!(words(&diagnosis).contains("endless_scan"), "{}", words(&diagnosis));
    // Another CPU's lockup says nothing about the pool.
    let other = diagnose(log.replace("CPU#3", "CPU#1").replace("CPU: 3", "CPU: 1").as_bytes());
    assert_eq!((other.verdict.kind, cause_line(&other)), (VerdictKind::Unknown, None));
}

#[test]
fn a_lockup_that_spins_is_a_victim_of_the_only_other_stuck_cpu() {
    let victim = format!(
        "[  100.000000] watchdog: Watchdog detected hard LOCKUP on cpu 5\n[  100.000001] {}[  100.000002] RIP: 0010:native_queued_spin_lock_slowpath+0x2a1/0x2e0\n[  100.000003] Call Trace:\n[  100.000004]  _raw_spin_lock_irqsave+0x3d/0x50\n[  100.000005]  ring_kick+0x1f/0x80\n",
        cpu(5, 501, "sender")
    );
    let holder = format!(
        "[  106.000000] watchdog: Watchdog detected hard LOCKUP on cpu 2\n[  106.000001] {}[  106.000002] RIP: 0010:ring_wait_ready+0x1b/0x40\n[  106.000003] Call Trace:\n[  106.000004]  ring_reset+0x5f/0xc0\n",
        cpu(2, 201, "resetter")
    );
    let both = diagnose(format!("{victim}{holder}").as_bytes());
    assert_eq!(cause_line(&both), Some(7));
    assert_eq!(both.verdict.kind, VerdictKind::Starvation);
    // Alone, the log does not say who has the lock.
    let alone = diagnose(victim.as_bytes());
    assert_eq!(alone.verdict.kind, VerdictKind::Unknown);
    assert!(words(&alone).contains("not shown in this log"), "{}", words(&alone));
    // A third stuck CPU makes it undecided.
    let third = holder.replace("cpu 2", "cpu 7").replace("CPU: 2 PID: 201", "CPU: 7 PID: 701");
    let three = diagnose(format!("{victim}{holder}{third}").as_bytes());
    assert!(!words(&three).contains("taken for the holder"), "{}", words(&three));
}

#[test]
fn a_lockup_without_a_header_belongs_to_the_cpu_of_its_headline() {
    let log = "NMI watchdog: Watchdog detected hard LOCKUP on cpu 10\nRIP: 0010:native_queued_spin_lock_slowpath+0x65/0x1e0\nCall Trace:\n _raw_spin_lock_irqsave+0x30/0x40\n walk_nodes+0xa8/0x160\n my_thread+0x7b2/0xfa0\n";
    let diagnosis = diagnose(log.as_bytes());
    let said = words(&diagnosis);
    assert!(said.contains("CPU 10") && said.contains("from walk_nodes"), "{said}");
    assert_eq!(diagnosis.verdict.kind, VerdictKind::Unknown);
}

#[test]
fn a_detector_that_warns_is_the_lockup_and_no_event_before_it() {
    let log = "WARNING: CPU: 23 PID: 461 at kernel/watchdog.c:245 watchdog_overflow_callback+0x98/0xc0()\nWatchdog detected hard LOCKUP on cpu 23\nCPU: 23 PID: 461 Comm: writer Not tainted 3.12.47 #1\nCall Trace:\n <NMI> [<ffffffff81651631>] dump_stack+0x58/0x7f\n [<ffffffff811015f8>] watchdog_overflow_callback+0x98/0xc0\n [<ffffffff8104c152>] nmi_handle+0xa2/0x1a0\n [<ffffffff8104c3b4>] do_nmi+0x164/0x430\n [<ffffffff81656e2e>] end_repeat_nmi+0x1a/0x1e\n [<ffffffff8125be19>] ? finish_all+0x279/0x2a0\n [<ffffffff8125be19>] ? finish_all+0x279/0x2a0\n <<EOE>> [<ffffffff8125c2c8>] end_one+0xc8/0x120\n";
    let diagnosis = diagnose(log.as_bytes());
    assert_eq!(diagnosis.seen.events.len(), 1);
    assert_eq!(diagnosis.seen.events[0].kind, EventKind::HardLockup);
    let said = words(&diagnosis);
    assert!(said.contains("CPU 23 (writer[461])") && said.contains("finish_all"), "{said}");
}

#[test]
fn a_lock_that_its_owner_asks_for_again_is_told_without_speaking_of_damage() {
    let log = "BUG: spinlock lockup suspected on CPU#0, eh_thread/143\n lock: 0xffffff800926fdf0, .magic: dead4ead, .owner: eh_thread/143, .owner_cpu: 0\nCPU: 0 PID: 143 Comm: eh_thread Not tainted 4.4.167 #1\nCall trace:\n do_raw_spin_lock+0xdc/0x164\n _raw_spin_lock_irq+0x24/0x30\n eh_report+0x38/0x1ac\n";
    let own = diagnose(log.as_bytes());
    assert_eq!(own.verdict.kind, VerdictKind::LockHeld);
    assert!(
        words(&own).contains("in eh_report for a lock that it holds itself"),
        "{}",
        words(&own)
    );
    let other = diagnose(log.replace(".owner: eh_thread/143", ".owner: worker/9").as_bytes());
    assert!(words(&other).contains("that worker[9] holds"), "{}", words(&other));
    let nobody = diagnose(log.replace(".owner: eh_thread/143", ".owner: <none>/-1").as_bytes());
    assert_eq!(nobody.verdict.kind, VerdictKind::Unknown);
    assert!(matches!(nobody.seen.events[0].detail, Detail::Spin { owner: None }));
}

#[test]
fn a_tick_whose_stack_is_damaged_is_still_shown_by_a_line() {
    let log = "rcu: INFO: rcu_sched self-detected stall on CPU\nrcu:     0-....: (5999 ticks this GP) idle=1ea/1/0x4000000000000002 softirq=5/5 fqs=2999\n (t=6000 jiffies g=-1187 q=0)\nNMI backtrace for cpu 0\nCPU: 0 PID: 1 Comm: x Not tainted 5.2.0 #1\nCall Trace:\n dump_stack+0xb0/0xf4\n tick_periodic+0x4c/0x120\n do_work+0x1/0x2\n";
    let diagnosis = diagnose(log.as_bytes());
    let tick = diagnosis.statements.iter().find(|statement| {
        matches!(
            statement.predicate(),
            Predicate::StallMechanism { mechanism: StallMechanism::TakesTimerInterrupts, .. }
        )
    });
    assert_eq!(tick.unwrap().lines(), [model::LineSpan::line(8)]);
}

#[test]
fn cpus_in_the_stopper_are_victims_of_the_one_that_does_not_come() {
    let stopper = |number: u32, at: u32| {
        format!(
            "[  {at}.000000] watchdog: BUG: soft lockup - CPU#{number} stuck for 23s! [migration/{number}:1{number}]\n[  {at}.000001] {}[  {at}.000002] RIP: 0010:multi_cpu_stop+0x6a/0x110\n[  {at}.000003] Call Trace:\n[  {at}.000004]  cpu_stopper_thread+0xa2/0x140\n",
            cpu(number, 10 + number, &format!("migration/{number}"))
        )
    };
    let holdout = format!(
        "[  614.000000] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:\n[  614.000001] rcu: 3-...0: (12 ticks this GP) idle=6b5/1/0x4000000000000000 softirq=9911/9911 fqs=5010\n[  614.000002]  (detected by 0, t=21003 jiffies, g=20113, q=88)\n[  614.000003] NMI backtrace for cpu 3\n[  614.000004] {}[  614.000005] RIP: 0010:poll_status+0x22/0x40\n[  614.000006] Call Trace:\n[  614.000007]  load_firmware+0x88/0x150\n",
        cpu(3, 2501, "loader")
    );
    let two = format!("{}{}", stopper(1, 612), stopper(2, 613));
    let told = diagnose(format!("{two}{holdout}").as_bytes());
    assert_eq!(cause_line(&told), Some(11));
    assert!(words(&told).contains("poll_status"), "{}", words(&told));
    // The stopper alone: the one that does not come is not in the log.
    let alone = diagnose(two.as_bytes());
    assert!(words(&alone).contains("not named"), "{}", words(&alone));
}

#[test]
fn memory_that_the_kernel_itself_holds_is_told_where_it_ran_out() {
    let log = |anon: u64, slab: u64| {
        format!(
            "sshd invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0\nCPU: 1 PID: 2011 Comm: sshd Not tainted 6.1.0 #1\nMem-Info:\nactive_anon:{anon} inactive_anon:8100 isolated_anon:0\n active_file:31 inactive_file:22 isolated_file:0\n unevictable:0 dirty:0 writeback:0\n slab_reclaimable:5200 slab_unreclaimable:{slab}\n mapped:210 shmem:400 pagetables:900\n free:21300 free_pcp:60 free_cma:0\nNode 0 active_anon:4408kB inactive_anon:32400kB active_file:124kB\nOut of memory: Killed process 912 (snmpd) total-vm:84048kB, anon-rss:9240kB\n"
        )
    };
    let kernel = diagnose(log(1_102, 1_890_021).as_bytes());
    let said = words(&kernel);
    assert!(said.contains("98 % of the memory is the kernel's own (slab_unreclaimable)"), "{said}");
    let use_of = |told: &Diagnosis, kind: MemoryUse, pages: u64| {
        let wanted = Predicate::MemoryUse { kind, pages };
        let found = told.statements.iter().find(|said| *said.predicate() == wanted);
        found.unwrap_or_else(|| panic!("{wanted:?} is not in {:#?}", told.statements)).clone()
    };
    let slab = use_of(&kernel, MemoryUse::SlabUnreclaimable, 1_890_021);
    assert_eq!(slab.rule(), RuleId::R73);
    assert!(slab.evidence().contains(7) && !slab.evidence().contains(10), "{slab:?}");
    let programs = diagnose(log(1_890_021, 1_102).as_bytes());
    assert!(!words(&programs).contains("kernel's own"));
    let anonymous = use_of(&programs, MemoryUse::Anonymous, 1_898_121);
    assert_eq!(anonymous.grade(), Grade::Derived);
}

#[test]
fn a_task_that_faults_right_after_its_allocation_failed_goes_back_to_that() {
    let log = |pid: u32| {
        format!(
            "[  599.883068] opener: page allocation failure: order:4, mode:0x40c0(GFP_KERNEL), nodemask=(null)\n[  599.883069] {}[  599.883070] Call Trace:\n[  599.883071]  ring_alloc+0x94/0x128\n[  599.884068] BUG: kernel NULL pointer dereference, address: 0000000000000008\n[  599.884071] {}[  599.884072] RIP: 0010:ring_fill+0x14/0x60\n",
            cpu(0, 2188, "opener"),
            cpu(0, pid, "opener")
        )
    };
    assert_eq!(cause_line(&diagnose(log(2188).as_bytes())), Some(1));
    let other = diagnose(log(2189).as_bytes());
    assert_eq!(cause_line(&other), None);
    let said = words(&other);
    assert!(said.starts_with("Reports that share a task or a CPU, but nothing"), "{said}");
}

#[test]
fn a_cpu_that_prints_to_a_console_is_told_to_do_so() {
    let log = format!(
        "watchdog: Watchdog detected hard LOCKUP on cpu 3\n{}RIP: 0010:io_serial_in+0x14/0x20\nCall Trace:\n wait_for_xmitr+0x2c/0xb0\n serial8250_console_write+0x1a5/0x2e0\n console_unlock+0x3a1/0x4f0\n vprintk_emit+0x17a/0x250\n packet_log+0x91/0xa0\n",
        cpu(3, 2210, "filter")
    );
    let diagnosis = diagnose(log.as_bytes());
    let said = words(&diagnosis);
    assert!(said.contains("printing to the console (serial8250_console_write)"), "{said}");
    assert!(needs(&diagnosis).iter().any(|exhibit| exhibit.contains("speed of the console")));
}

#[test]
fn an_old_stall_of_one_line_names_its_cpu() {
    let log = "INFO: rcu_sched_state detected stall on CPU 3 (t=15000 jiffies)\n";
    let diagnosis = diagnose(log.as_bytes());
    let said = words(&diagnosis);
    assert!(said.contains("waits for CPU 3") && said.contains("no stack of it"), "{said}");
}

#[test]
fn a_runtime_suspend_that_waits_for_the_lock_of_its_waiter_is_a_probable_cycle() {
    let suspender = hung(
        "kworker/2:1",
        88,
        &[
            "__mutex_lock+0x2a8/0x7e8",
            "widget_runtime_suspend+0x20/0x80",
            "__rpm_callback+0x48/0x1f0",
            "rpm_suspend+0x10f/0x640",
        ],
    );
    let user = hung("widgetd", 900, &["rpm_resume+0x1b4/0x720", "widget_ioctl+0x4e/0x80"]);
    let locks = "Showing all locks held in the system:\n1 lock held by kworker/2:1/88:\n #0: ffff888110aa0068 (&widget->lock){+.+.}-{4:4}, at: widget_runtime_suspend+0x20/0x80\n1 lock held by widgetd/900:\n #0: ffff888110aa0068 (&widget->lock){+.+.}-{4:4}, at: widget_ioctl+0x20/0x80\n";
    let cycle = diagnose(format!("{suspender}{user}\n{locks}").as_bytes());
    assert_eq!(cycle.verdict.kind, VerdictKind::SuspectedDeadlock, "{}", words(&cycle));
    // Two that change the power of something: which of them is meant is open.
    let another = suspender.replace("kworker/2:1", "kworker/3:1").replace("88", "89");
    let open = diagnose(format!("{suspender}{another}{user}\n{locks}").as_bytes());
    assert_eq!(open.verdict.kind, VerdictKind::Unknown, "{}", words(&open));
}

#[test]
fn a_virtual_cpu_that_halts_while_it_spins_waits_for_the_lock() {
    let log = format!(
        "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [opener:44]\n{}RIP: 0010:pv_native_safe_halt+0xf/0x20\nCall Trace:\n <TASK>\n kvm_wait+0x3f/0x50\n __pv_queued_spin_lock_slowpath+0x1b7/0x390\n _raw_spin_lock+0x2d/0x40\n name_lookup+0x3b/0x90\n </TASK>\n",
        cpu(0, 44, "opener")
    );
    let said = words(&diagnose(log.as_bytes()));
    assert!(said.contains("spinning lock (from name_lookup)"), "{said}");
}

#[test]
fn work_of_a_kernel_thread_is_awaited_from_that_thread() {
    let flusher = hung(
        "loader",
        2010,
        &[
            "schedule_timeout+0x12d/0x1a0",
            "__wait_for_common+0x91/0x1d0",
            "kthread_flush_work+0xb5/0x140",
            "scheduler_load+0x3d1/0xaf0",
        ],
    );
    let alone = diagnose(flusher.as_bytes());
    let said = words(&alone);
    assert!(said.contains("flushed by scheduler_load") && !said.contains("stops"), "{said}");
    let worker = hung(
        "helper",
        1531,
        &[
            "__mutex_lock+0x511/0xb00",
            "scheduler_unload_work+0xd1/0x920",
            "kthread_worker_fn+0x108/0x2a0",
        ],
    );
    let locks = "Showing all locks held in the system:\n1 lock held by helper/1531:\n #0: ffffffff8309df28 (load_mutex){+.+.}-{4:4}, at: scheduler_unload_work+0xd1/0x920\n1 lock held by loader/2010:\n #0: ffffffff8309df28 (load_mutex){+.+.}-{4:4}, at: scheduler_load+0x65/0xaf0\n";
    let cycle = diagnose(format!("{worker}{flusher}\n{locks}").as_bytes());
    assert_eq!(cycle.verdict.kind, VerdictKind::SuspectedDeadlock);
    assert_eq!(cycle.verdict.grade, Grade::Inferred);
}

#[test]
fn a_folio_is_tied_to_a_walker_only_where_the_walker_waits_back() {
    let walker = hung(
        "mover",
        5749,
        &[
            "rwsem_down_read_slowpath+0x5fd/0x8f0",
            "down_read+0x98/0x2e0",
            "__rmap_walk_file+0x227/0x620",
            "migrate_pages+0x95a/0x30e0",
        ],
    );
    let puncher = hung(
        "puncher",
        5754,
        &[
            "io_schedule+0x80/0xd0",
            "folio_wait_bit_common+0x6b0/0xb80",
            "__filemap_get_folio+0x139/0xaf0",
            "punch_hole+0xae/0x610",
        ],
    );
    let locks = "Showing all locks held in the system:\n1 lock held by mover/5749:\n #0: ffff888011d3f618 (&mapping->i_mmap_rwsem){++++}-{4:4}, at: __rmap_walk_file+0x227/0x620\n2 locks held by puncher/5754:\n #0: ffff888011d3f618 (&mapping->i_mmap_rwsem){++++}-{4:4}, at: punch_hole+0x4b5/0x1100\n";
    let cycle = diagnose(format!("{walker}{puncher}\n{locks}").as_bytes());
    assert_eq!(cycle.verdict.kind, VerdictKind::SuspectedDeadlock, "{}", words(&cycle));
    // Without the list nothing says that the walker waits for the other: no cycle, and a guess at most.
    let open = diagnose(format!("{walker}{puncher}").as_bytes());
    assert_eq!(open.verdict.kind, VerdictKind::Unknown, "{}", words(&open));
}

#[test]
fn a_task_past_the_place_where_another_waits_is_a_guess_and_no_holder() {
    let log = format!(
        "{}{}",
        hung(
            "first",
            71,
            &["__mutex_lock+0x2b8/0x790", "start_roots+0x78/0x3f0", "flush_space+0x1/0x2"]
        ),
        hung(
            "second",
            72,
            &[
                "wait_for_completion+0x20/0x30",
                "start_inodes+0x78/0x3f0",
                "start_roots+0x248/0x3f0"
            ]
        ),
    );
    let diagnosis = diagnose(log.as_bytes());
    assert_eq!(diagnosis.verdict.kind, VerdictKind::Unknown);
    let edges: Vec<(Grade, &WaitsFor)> = diagnosis
        .graph
        .edges
        .iter()
        .filter(|edge| matches!(&edge.waits_for, WaitsFor::Inside { function, .. } if function == "start_roots"))
        .map(|edge| (edge.grade, &edge.waits_for))
        .collect();
    assert!(
        matches!(edges[..], [(Grade::Guess, WaitsFor::Inside { certain: false, .. })]),
        "{edges:?}"
    );
}

#[test]
fn two_tasks_in_one_unknown_wait_do_not_thereby_wait_for_the_same() {
    let functions = ["__cv_wait+0x15/0x20", "cv_wait_common+0x11e/0x140", "config_enter+0x3c/0xa0"];
    let diagnosis = diagnose(hung("syncer", 71, &functions).as_bytes());
    let said = words(&diagnosis);
    assert!(said.contains("config_enter") && !said.contains("cv_wait"), "{said}");
}

#[test]
fn tasks_that_wait_for_namespaces_hang_on_the_device_that_is_not_freed() {
    let waiting = "unregister_netdevice: waiting for veth7 to become free. Usage count = 2\n";
    let task = hung("runtime", 71, &["__mutex_lock+0x2b8/0x790", "copy_net_ns+0x6e/0x120"]);
    let diagnosis = diagnose(format!("{waiting}{task}").as_bytes());
    assert_eq!((cause_line(&diagnosis), diagnosis.verdict.kind), (Some(1), VerdictKind::Leak));
    let other = hung("writer", 71, &["__mutex_lock+0x2b8/0x790", "file_write+0x6e/0x120"]);
    let diagnosis = diagnose(format!("{waiting}{other}").as_bytes());
    assert_eq!(cause_line(&diagnosis), None);
}

#[test]
fn a_warning_of_other_code_minutes_before_does_not_hide_a_crash() {
    let log = |gap: u32, module: &str| {
        format!(
            "[  100.000000] WARNING: CPU: 1 PID: 50 at drivers/gpu/x.c:40 plane_check+0x11/0x40 [gpudrv]\n[  100.000001] {}[  100.000002] Call Trace:\n[  100.000003]  plane_commit+0x20/0x60 [gpudrv]\n[  {}.000000] BUG: kernel NULL pointer dereference, address: 0000000000000018\n[  {}.000001] {}[  {}.000002] RIP: 0010:queue_rx+0x12/0x40 [{module}]\n[  {}.000003] Call Trace:\n[  {}.000004]  poll_rx+0x20/0x60 [{module}]\n",
            cpu(1, 50, "display"),
            100 + gap,
            100 + gap,
            cpu(2, 60, "receiver"),
            100 + gap,
            100 + gap,
            100 + gap,
        )
    };
    assert_eq!(cause_line(&diagnose(log(300, "netdrv").as_bytes())), Some(5));
    // The same module, or seconds apart: which one began it stays open.
    assert_eq!(cause_line(&diagnose(log(300, "gpudrv").as_bytes())), None);
    assert_eq!(cause_line(&diagnose(log(20, "netdrv").as_bytes())), None);
}

#[test]
fn the_interrupted_code_is_found_behind_the_entries_of_arm64() {
    let mut log = "rcu: INFO: rcu_sched self-detected stall on CPU\nrcu:     1-....: (104816 ticks this GP) idle=9b9/1/0x4000000000000002 softirq=5231/5231 fqs=51500\n (t=105011 jiffies g=8973 q=3510)\nTask dump for CPU 1:\ntask:weaver          state:R  running task     stack:    0 pid:  137 ppid:   133 flags:0x0000000a\nCall trace:\n".to_owned();
    for function in [
        "dump_backtrace",
        "show_stack",
        "sched_show_task",
        "rcu_dump_cpu_stacks",
        "rcu_sched_clock_irq",
        "tick_sched_timer",
        "gic_handle_irq",
        "call_on_irq_stack",
        "do_interrupt_handler",
        "el1_interrupt",
        "el1h_64_irq_handler",
        "el1h_64_irq",
        "clear_section",
        "do_notify_resume",
        "el0_svc",
    ] {
        log += &format!(" {function}+0x4c/0x60\n");
    }
    let said = words(&diagnose(log.as_bytes()));
    assert!(said.contains("weaver[137] in clear_section"), "{said}");
}

/// W36: `inode_dio_wait()` ends when the last direct I/O on the inode does (fs/inode.c).
#[test]
fn a_truncate_that_waits_for_direct_io_is_tied_to_the_only_task_that_does_it_and_waits_back() {
    let truncater =
        hung("truncater", 71, &["inode_dio_wait+0xb1/0xf0", "shop_setattr+0x1d4/0x5a0"]);
    let writer = hung(
        "writer",
        72,
        &["__mutex_lock+0x2a8/0x7e8", "shop_end_io+0x20/0x80", "iomap_dio_rw+0xe/0x40"],
    );
    let locks = "Showing all locks held in the system:\n1 lock held by truncater/71:\n #0: ffff888110aa0068 (&shop->lock){+.+.}-{4:4}, at: shop_setattr+0x20/0x80\n1 lock held by writer/72:\n #0: ffff888110aa0068 (&shop->lock){+.+.}-{4:4}, at: shop_end_io+0x20/0x80\n";
    let cycle = diagnose(format!("{truncater}{writer}\n{locks}").as_bytes());
    assert_eq!(cycle.verdict.kind, VerdictKind::SuspectedDeadlock, "{}", words(&cycle));
    assert!(cycle.graph.edges.iter().any(|edge| edge.rule == RuleId::W36));
    let alone = diagnose(truncater.as_bytes());
    assert!(words(&alone).contains("direct I/O under way on an inode"), "{}", words(&alone));
}

/// panic() of kernel/panic.c prints it when `panic=` is set.
#[test]
fn what_is_printed_after_a_reboot_hangs_on_nothing_before_it() {
    let fault = |function: &str, pid: u32| {
        format!(
            "BUG: kernel NULL pointer dereference, address: 0000000000000008\nOops: 0000 [#1] SMP\n{}RIP: 0010:{function}+0x4/0x30\nCall Trace:\n shop_ioctl+0x1/0x20\n",
            cpu(1, pid, "opener")
        )
    };
    let log = format!(
        "{}Kernel panic - not syncing: Fatal exception\nRebooting in 30 seconds..\n{}",
        fault("shop_ring", 71),
        fault("shop_ring", 71)
    );
    let diagnosis = diagnose(log.as_bytes());
    let boots: Vec<u32> = diagnosis.seen.events.iter().map(|event| event.boot).collect();
    assert_eq!(boots, [0, 0, 1]);
    assert!(diagnosis.causes.links[2].is_none());
}

#[test]
fn each_boot_has_its_own_kernel() {
    let boot = |release: &str, at: u32| {
        format!(
            "[    0.000000] Linux version {release} (me@here) #3 SMP\n[   {at}.000000] WARNING: CPU: 1 PID: 7 at shop/till.c:3 till_open+0x1/0x20\n"
        )
    };
    let log = boot("6.1.1", 40) + &boot("6.8.2", 50);
    let diagnosis = diagnose(log.as_bytes());
    let releases: Vec<Option<&str>> = diagnosis
        .seen
        .events
        .iter()
        .map(|event| Some(diagnosis.seen.kernel_of(event).release.as_ref()?.0.as_str()))
        .collect();
    assert_eq!(releases, [Some("6.1.1"), Some("6.8.2")]);
    // A report that says nothing of its kernel has not that of another boot.
    let bare = boot("6.1.1", 40)
        + "[    3.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n[    3.000001] RIP: 0010:shop_ring+0x4/0x30\n";
    let diagnosis = diagnose(bare.as_bytes());
    let last = diagnosis.seen.events.last().unwrap();
    assert_eq!((last.boot, &diagnosis.seen.kernel_of(last).release), (1, &None));
}

#[test]
fn two_samples_of_a_stuck_cpu_are_two() {
    let sample = |at: u32, function: &str| {
        format!(
            "[  {at}.000000] watchdog: BUG: soft lockup - CPU#3 stuck for 23s! [shopper:900]\n[  {at}.000001] {}[  {at}.000002] RIP: 0010:{function}+0x12/0x40\n[  {at}.000003] Call Trace:\n[  {at}.000004]  shop_walk+0x20/0x60\n[  {at}.000005]  shop_ioctl+0x20/0x60\n",
            cpu(3, 900, "shopper")
        )
    };
    let one = diagnose(sample(100, "shop_walk").as_bytes());
    assert!(words(&one).contains("One sample does not show"), "{}", words(&one));
    let two = diagnose((sample(100, "shop_walk") + &sample(128, "shop_next")).as_bytes());
    assert!(words(&two).contains("2 samples show it there"), "{}", words(&two));
    assert!(!two.needs.contains(&Need::SecondStack { cpu: Some(3) }));
    assert_eq!(two.seen.events.len(), 1);
}

#[test]
fn trouble_right_before_the_first_event_is_told_as_context_and_not_as_cause() {
    let log = format!(
        "[   90.000000] usb 3-2: USB disconnect, device number 5\n[   91.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n[   91.000001] {}[   91.000002] RIP: 0010:shop_ring+0x4/0x30\n",
        cpu(1, 71, "opener")
    );
    let context = |log: &str| -> Vec<String> {
        let diagnosis = diagnose(log.as_bytes());
        assert_eq!(cause_line(&diagnosis), Some(2));
        let remarks = diagnosis.statements.iter().filter_map(|said| match said.predicate() {
            Predicate::Remark { text } => Some(text.clone()),
            _ => None,
        });
        remarks.collect()
    };
    assert_eq!(context(&log), ["usb 3-2: USB disconnect, device number 5"]);
    assert!(context(&log.replace("[   90.", "[   30.")).is_empty());
}

/// `Kernel panic - not syncing: Attempted to kill init! exitcode=…`: the low bits are the signal (kernel/exit.c).
#[test]
fn a_panic_of_the_first_process_is_tied_to_what_its_signal_says() {
    let log = |code: &str| {
        format!(
            "[    5.000000] init[1]: segfault at 10 ip 0000560000001234 sp 00007ffd00000000 error 4 in init[560000000000+3000]\n[    5.100000] Kernel panic - not syncing: Attempted to kill init! exitcode={code}\n"
        )
    };
    let tied = |code: &str| diagnose(log(code).as_bytes()).causes.links[1].is_some();
    assert!(tied("0x0000000b"));
    assert!(!tied("0x00000100"));
}

/// show_pwq() of kernel/workqueue.c prints the barrier of a flusher behind the item that it waits for.
#[test]
fn a_barrier_names_the_worker_that_a_flusher_waits_for() {
    let flusher = hung("flusher", 71, &["__flush_work+0x1b1/0x2f0", "shop_close+0x1d4/0x5a0"]);
    let list = |barrier: &str| {
        format!(
            "Showing busy workqueues and worker pools:\nworkqueue events: flags=0x0\n  pwq 2: cpus=0 node=0 flags=0x0 nice=0 active=1 refcnt=2\n    in-flight: 17:shop_restock for 30s{barrier}\npool 2: cpus=0 node=0 flags=0x0 nice=0 hung=0s workers=1\n"
        )
    };
    let told = diagnose(format!("{flusher}\n{}", list(" BAR(71)")).as_bytes());
    let said = words(&told);
    assert!(said.contains("work shop_restock -> pid 17"), "{said}");
    let waits = Predicate::WorkBarrier {
        task: Task { name: String::new(), pid: Some(71) },
        function: "shop_restock".into(),
    };
    assert!(told.statements.iter().any(|one| *one.predicate() == waits));
    // Somebody else's barrier says nothing of this wait.
    let other = diagnose(format!("{flusher}\n{}", list(" BAR(72)")).as_bytes());
    assert!(!words(&other).contains("pid 17"), "{}", words(&other));
}

#[test]
fn stacks_that_were_asked_for_are_read_with_their_task() {
    let proc = "$ sudo cat /proc/1975/stack\n[<0>] io_schedule+0x12/0x40\n[<0>] shop_lock_requests+0x309/0x4c0 [shop]\n[<0>] shop_write_end+0x63/0x4c0 [shop]\n[<0>] vfs_write+0xa5/0x1a0\n";
    let crash = "PID: 1975   TASK: ffff8c1b4a2d8000  CPU: 3   COMMAND: \"shopper\"\n #0 [ffffb0a1c0d4fd58] __schedule at ffffffff9a1b2c3d\n #1 [ffffb0a1c0d4fde0] schedule at ffffffff9a1b2d5e\n #2 [ffffb0a1c0d4fdf8] shop_lock_requests at ffffffffc0a1b2c3 [shop]\n";
    for log in [proc, crash] {
        let diagnosis = diagnose(log.as_bytes());
        let said = words(&diagnosis);
        assert!(said.contains("1975") && said.contains("shop_lock_requests"), "{said}");
    }
    // A task that ran, and a path in a sentence.
    let running =
        crash.replace("#0 [ffffb0a1c0d4fd58] __schedule", "#0 [ffffb0a1c0d4fd58] shop_loop");
    for log in [running.as_str(), "see /proc/1975/stack\nfor the rest of it\n"] {
        assert!(diagnose(log.as_bytes()).seen.events.is_empty(), "{log}");
    }
}

#[test]
fn a_frame_behind_a_gap_is_no_caller() {
    let log = hung("shopper", 71, &["__mutex_lock+0x1/0x9", "shop_open+0x1/0x9"]);
    let caller = |log: &str| {
        let told = diagnose(log.as_bytes());
        told.statements.iter().any(|said| {
            matches!(said.predicate(), Predicate::WaitCaller { function, .. } if function == "shop_open")
        })
    };
    assert!(caller(&log));
    assert!(!caller(&log.replace(" shop_open", "...\n shop_open")));
}

#[test]
fn across_the_words_of_somebody_no_order_is_told() {
    let damage = "list_del corruption. prev->next should be ff00aa, but was dead00\nCall Trace:\n shop_drop+0x1/0x20\n";
    let later = hung("opener", 900, &["shop_wait+0x4e/0x80"]);
    let whole = diagnose(format!("{damage}{later}").as_bytes());
    assert_eq!(cause_line(&whole), Some(1));
    let said = "I then rebuilt the kernel without that option, and it ran for a day.\nThis is what it says when it hangs with the other card in the same slot:\n";
    let apart = diagnose(format!("{damage}{said}{later}").as_bytes());
    assert_eq!(cause_line(&apart), None, "{}", words(&apart));
}

#[test]
fn a_failed_request_is_placed_where_it_was_made() {
    let log = format!(
        "[   50.000000] opener: page allocation failure: order:4, mode:0x40c0(GFP_KERNEL), nodemask=(null)\n[   50.000001] {}[   50.000002] Call Trace:\n[   50.000003]  dump_stack_lvl+0x1/0x9\n[   50.000004]  warn_alloc+0x1/0x9\n[   50.000005]  __alloc_pages+0x1/0x9\n[   50.000006]  kmalloc_order+0x1/0x9\n[   50.000007]  ring_alloc+0x94/0x128\n[   50.000008]  ? sysvec_apic_timer_interrupt+0x4b/0xd0\n[   50.000009]  entry_SYSCALL_64_after_hwframe+0x63/0xcd\n",
        cpu(0, 2188, "opener")
    );
    assert_eq!(diagnose(log.as_bytes()).groups[0].key, "allocation_failure/ring_alloc");
}

/// R13: the thread of a grace period belongs to the CPU on which it last ran.
#[test]
fn a_stall_of_the_cpu_that_the_thread_of_another_needs_is_tied_to_it() {
    let log = |cpu: u32| {
        format!(
            "[  144.000000] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:\n[  144.000001] rcu: \t0-...!: (1 GPs behind) idle=0fa/0/0x0 softirq=7/7 fqs=1\n[  144.000002] \t(detected by 13, t=5252 jiffies, g=3145, q=224)\n[  144.000003] rcu: rcu_sched kthread starved for 5248 jiffies! g3145 f0x0 RCU_GP_WAIT_FQS(5) ->state=0x402 ->cpu=23\n[  165.000000] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:\n[  165.000001] rcu: \t{cpu}-...0: (1 GPs behind) idle=d16/1/0x4 softirq=9/9 fqs=1750\n[  165.000002] \t(detected by 13, t=5252 jiffies, g=3149, q=182)\n"
        )
    };
    let link = |cpu: u32| diagnose(log(cpu).as_bytes()).causes.links[1].clone();
    assert!(matches!(link(23).map(|l| l.reason), Some(LinkReason::HoldoutCpu { cpu: 23 })));
    assert!(link(22).is_none_or(|l| l.grade == Grade::Guess));
}

#[test]
fn pieces_of_a_log_in_another_order_are_ordered_by_their_times() {
    let fault = |at: u32, function: &str| {
        format!(
            "[  {at}.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n[  {at}.000001] {}[  {at}.000002] RIP: 0010:{function}+0x4/0x30\n",
            cpu(1, at, "opener")
        )
    };
    // Less than what tells a reboot.
    let quiet = "[  104.000003] shop: open\n".repeat(50);
    let log = fault(104, "shop_open") + &quiet + &fault(101, "shop_ring");
    let diagnosis = diagnose(log.as_bytes());
    assert_eq!(diagnosis.seen.clock.boots(), 0);
    assert!(diagnosis.causes.links.iter().all(Option::is_none));
    assert_ne!(cause_line(&diagnosis), Some(1), "{}", words(&diagnosis));
}

#[test]
fn a_headline_of_an_inlined_function_that_a_mail_broke_is_no_event_of_its_own() {
    let log = "BUG: KASAN: null-ptr-deref in atomic_read\ninclude/asm-generic/atomic-instrumented.h:26 [inline]\nBUG: KASAN: null-ptr-deref in shop_iter+0x1/0x9 kernel/shop.c:31\nRead of size 4 at addr 0000000000000024 by task opener/71\n";
    let diagnosis = diagnose(log.as_bytes());
    assert_eq!(diagnosis.seen.events.len(), 1);
    assert!(words(&diagnosis).contains("shop_iter"), "{}", words(&diagnosis));
    let plain = "BUG: KASAN: wild-memory-access in shop_walk\nRead of size 4 at addr 0000000000000024 by task opener/71\n";
    assert_eq!(diagnose(plain.as_bytes()).seen.events.len(), 1);
}
