//! Each predicate against logs that show it, refute it, do not show it, and look as if they did.

use analysis_claims::claim;
use analysis_claims::verify::{Judgement, Log, verify};

/// What a log makes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Shown,
    Contradicted,
    NotShown,
}

use Word::{Contradicted, NotShown, Shown};

/// A claim, and logs with what becomes of it.
type Case = (&'static str, &'static [(Word, &'static str)]);

fn judge(text: &str, log: &str) -> Word {
    let claims = claim::read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    match verify(&Log::read(log.as_bytes()), &claims[0].predicate) {
        Judgement::Shown { .. } => Shown,
        Judgement::Contradicted { .. } => Contradicted,
        Judgement::NotShown { .. } => NotShown,
    }
}

const KASAN: &str = "\
BUG: KASAN: slab-use-after-free in widget_poll+0x1b/0x90 [widget]
Read of size 4 at addr ffff888003a1c018 by task poller/311

CPU: 2 UID: 0 PID: 311 Comm: poller Tainted: G        W           6.12.3-test #7
Call Trace:
 <TASK>
 dump_stack_lvl+0x53/0x70
 print_report+0xce/0x630
 kasan_report+0xbe/0xf0
 widget_poll+0x1b/0x90 [widget]
 ? widget_wake+0x10/0x40 [widget]
 do_sys_poll+0x2d0/0x7e0
 __x64_sys_poll+0xa0/0x1f0
 do_syscall_64+0x4b/0x110
 entry_SYSCALL_64_after_hwframe+0x76/0x7e
 </TASK>

Allocated by task 300:
 kasan_save_stack+0x33/0x60
 __kasan_kmalloc+0xaa/0xb0
 widget_open+0x3c/0x120 [widget]
 do_syscall_64+0x4b/0x110
 entry_SYSCALL_64_after_hwframe+0x76/0x7e

Freed by task 305:
 kasan_save_free_info+0x3b/0x60
 kfree+0x121/0x3d0
 widget_drop.isra.0+0x2a/0x60 [widget]
 do_syscall_64+0x4b/0x110
 entry_SYSCALL_64_after_hwframe+0x76/0x7e

The buggy address belongs to the object at ffff888003a1c000
 which belongs to the cache kmalloc-64 of size 64
The buggy address is located 24 bytes inside of
 freed 64-byte region [ffff888003a1c000, ffff888003a1c040)
";

const OOPS: &str = "\
BUG: kernel NULL pointer dereference, address: 0000000000000028
#PF: supervisor write access in kernel mode
Oops: 0002 [#1] PREEMPT SMP
CPU: 1 PID: 87 Comm: tuner Not tainted 6.9.2 #1
RIP: 0010:gauge_set+0x14/0x40
Code: 48 89 e5 <c7> 47 28 01 00 00 00
RSP: 0018:ffffc900001d3d98 EFLAGS: 00010046
RAX: 0000000000000000 RBX: ffff888004c11000 RCX: 0000000000000000
RDX: dead000000000122 RSI: fffffffffffffff4 RDI: 0000000000000000
CR2: 0000000000000028 CR3: 0000000004a5e000 CR4: 00000000000006f0
Call Trace:
 <TASK>
 gauge_store include/linux/gauge.h:12 [inline]
 gauge_write+0x51/0x80 drivers/gauge.c:90
 walk_level+0x20/0x60 drivers/gauge.c:31
 walk_level+0x20/0x60 drivers/gauge.c:31
 __x64_sys_write+0x18/0x20 fs/read_write.c:7
 do_syscall_64+0x4b/0x110 arch/x86/entry/common.c:1
 entry_SYSCALL_64_after_hwframe+0x76/0x7e
 </TASK>
Kernel panic - not syncing: Fatal exception
";

const HUNG: &str = "\
INFO: task archiver:640 blocked for more than 122 seconds.
      Not tainted 6.12.0 #1
task:archiver        state:D stack:0     pid:640   tgid:640   ppid:1      flags:0x00004000
Call Trace:
 <TASK>
 __schedule+0x3f1/0xb20
 schedule+0x27/0xd0
 schedule_preempt_disabled+0x15/0x30
 __mutex_lock+0x4d5/0x900
 depot_count+0x2b/0x70 [depot]
 vfs_read+0x9b/0x350
 do_syscall_64+0x4b/0x110
 entry_SYSCALL_64_after_hwframe+0x76/0x7e
 </TASK>
INFO: task archiver:640 is blocked on a mutex likely owned by task packer:633.
2 locks held by packer/633:
 #0: ffff888005d2a0a8 (&depot->lock){+.+.}-{3:3}, at: depot_pack+0x3c/0x90 [depot]
 #1: ffff888005d2b0f0 (&shelf->lock){+.+.}-{3:3}, at: depot_pack+0x58/0x90 [depot]
";

const STALL: &str = "\
[  100.000000] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
[  100.000010] rcu: \t3-...!: (2 GPs behind) idle=0b14/1/0x4000000000000000 softirq=140/152 fqs=7
[  100.000020] rcu: Tasks blocked on level-0 rcu_node (CPUs 0-3): P512/2:b..l
[  100.000030] rcu: \t(detected by 1, t=5252 jiffies, g=1201, q=46 ncpus=4)
[  100.000040] rcu: rcu_preempt kthread starved for 5238 jiffies! g1201 f0x0 RCU_GP_WAIT_FQS(5) ->state=0x0 ->cpu=2
[  100.000050] rcu: Possible timer handling issue on cpu=2 timer-softirq=99
[  163.000000] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
[  163.000020] rcu: Tasks blocked on level-0 rcu_node (CPUs 0-3): P512/3:b..l
[  163.000030] rcu: \t(detected by 1, t=21002 jiffies, g=1201, q=80 ncpus=4)
";

const POOLS: &str = "\
BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 stuck for 41s!
Showing busy workqueues and worker pools:
workqueue events: flags=0x0
  pwq 6: cpus=1 node=0 flags=0x0 nice=0 active=3 refcnt=4
    in-flight: 55:pump_work [pump] for 41s
    pending: 3*drip_work [pump], tank_work BAR(91)
pool 6: cpus=1 node=0 flags=0x0 nice=0 hung=41s workers=3 idle: 21 34
";

const LOCKDEP: &str = "\
WARNING: possible circular locking dependency detected
6.12.0 #1 Not tainted
baker/77 is trying to acquire lock:
ffff888001234560 (&oven->lock){+.+.}-{3:3}, at: bread_add+0x1f/0x50

but task is already holding lock:
ffff888001234ab0 (&bread->lock){+.+.}-{3:3}, at: bread_add+0x10/0x50

which lock already depends on the new lock.

the existing dependency chain (in reverse order) is:

-> #1 (&bread->lock){+.+.}-{3:3}:
       __mutex_lock+0x9b/0x900
       oven_heat+0x30/0x60

-> #0 (&oven->lock){+.+.}-{3:3}:
       __lock_acquire+0x14a0/0x2060
       lock_acquire+0xd4/0x2f0
       __mutex_lock+0x9b/0x900
       bread_add+0x1f/0x50
INFO: lockdep is turned off.
";

const MEMORY: &str = "\
gobbler invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=2, oom_score_adj=0
CPU: 0 PID: 901 Comm: gobbler Not tainted 6.12.0 #1
active_anon:100 inactive_anon:20 isolated_anon:0
 active_file:7 inactive_file:8 isolated_file:0
 unevictable:9 dirty:0 writeback:0
 slab_reclaimable:11 slab_unreclaimable:12
Node 0 Normal free:1200kB boost:0kB min:1400kB low:1700kB high:2000kB free_cma:400kB
lowmem_reserve[]: 0 0 0
Node 0 Normal: 10*4kB (UM) 5*8kB (U) 2*16kB (C) 0*32kB = 112kB
oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,task=gobbler,pid=901,uid=0
memory: usage 2048kB, limit 2048kB, failcnt 12
Memory cgroup out of memory: Killed process 901 (gobbler) total-vm:90000kB
";

const ATOMIC: &str = "\
BUG: sleeping function called from invalid context at kernel/locking/mutex.c:283
in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 12, name: napper
preempt_count: 1, expected: 0
RCU nest depth: 0, expected: 0
Preemption disabled at:
[<ffffffffc0401021>] napper_lock+0x11/0x30 [napper]
";

const CASES: &[Case] = &[
    (
        r#"{"predicate":"kernel_version","version":"6.12.3-test"}"#,
        &[
            (Shown, KASAN),
            (Contradicted, OOPS),
            (NotShown, POOLS),
            (NotShown, "usb 1-1: firmware 6.12.3-test loaded\n"),
        ],
    ),
    (
        r#"{"predicate":"kernel_version","version":"6.1"}"#,
        &[
            (Contradicted, KASAN),
            (Shown, "Linux version 6.1.4 (a@b)\n"),
            (Contradicted, "Linux version 6.1-rc2 (a@b)\n"),
            (NotShown, ""),
        ],
    ),
    (
        r#"{"predicate":"taint","flags":"W"}"#,
        &[
            (Shown, KASAN),
            (Contradicted, OOPS),
            (NotShown, POOLS),
            (NotShown, "paint: Tainted: G W\n"),
        ],
    ),
    (
        r#"{"predicate":"tainted_before","meaning":"warning"}"#,
        &[(Shown, KASAN), (Contradicted, OOPS), (NotShown, POOLS)],
    ),
    (
        r#"{"predicate":"panicked","reason":"Fatal exception"}"#,
        &[
            (Shown, OOPS),
            (Contradicted, "Kernel panic - not syncing: Out of memory\n"),
            (NotShown, KASAN),
            (NotShown, "---[ end Kernel panic - not syncing: Fatal exception ]---\n"),
        ],
    ),
    (
        r#"{"predicate":"messages_lost"}"#,
        &[
            (Shown, "** 312 printk messages dropped **\n"),
            (NotShown, KASAN),
            (NotShown, "net: 3 packets dropped\n"),
        ],
    ),
    (
        r#"{"predicate":"hung_reports_suppressed"}"#,
        &[
            (
                Shown,
                "Future hung task reports are suppressed, see sysctl kernel.hung_task_warnings\n",
            ),
            (NotShown, HUNG),
        ],
    ),
    (
        r#"{"predicate":"stack_suspect"}"#,
        &[
            (Shown, "Thread overran stack, or stack corrupted\n"),
            (NotShown, "widget: the stack of cards is corrupted\n"),
        ],
    ),
    (
        r#"{"predicate":"crash_title","title":"KASAN: slab-use-after-free Read in widget_poll"}"#,
        &[
            (Shown, KASAN),
            (NotShown, OOPS),
            (NotShown, "BUG: KASAN: slab-use-after-free in other+0x1/0x2\n"),
        ],
    ),
    (
        r#"{"predicate":"fault_kind","kind":"use_after_free"}"#,
        &[
            (Shown, KASAN),
            (Contradicted, OOPS),
            (NotShown, POOLS),
            (NotShown, "test: slab-use-after-free in a+0x1/0x2 expected\n"),
        ],
    ),
    (
        r#"{"predicate":"crash_place","function":"widget_poll"}"#,
        &[
            (Shown, KASAN),
            (Contradicted, OOPS),
            (NotShown, POOLS),
            (Contradicted, "BUG: KASAN: double-free in widget_poll2+0x1/0x2\n"),
        ],
    ),
    (
        r#"{"predicate":"called_by","function":"widget_poll","caller":"do_sys_poll"}"#,
        &[
            (Shown, KASAN),
            (
                Contradicted,
                "Call Trace:\n widget_poll+0x1/0x2\n other+0x1/0x2\n ret_from_fork+0x1/0x2\n",
            ),
            (NotShown, OOPS),
            (NotShown, "Call Trace:\n do_sys_poll+0x1/0x2\n widget_poll+0x1/0x2\n"),
        ],
    ),
    (
        r#"{"predicate":"on_stack","function":"gauge_store"}"#,
        &[
            (Shown, OOPS),
            (NotShown, KASAN),
            (NotShown, "Call Trace:\n ? gauge_store+0x1/0x2\n b+0x1/0x2\n"),
        ],
    ),
    (
        r#"{"predicate":"recursion","function":"walk_level"}"#,
        &[
            (Shown, OOPS),
            (NotShown, KASAN),
            (NotShown, "Call Trace:\n walk_level+0x1/0x2\n ? walk_level+0x1/0x2\n b+0x1/0x2\n"),
        ],
    ),
    (
        r#"{"predicate":"system_call","name":"poll"}"#,
        &[
            (Shown, KASAN),
            (Contradicted, OOPS),
            (NotShown, POOLS),
            (NotShown, "Call Trace:\n do_sys_poll+0x1/0x2\n"),
        ],
    ),
    (
        r#"{"predicate":"access","access":"read","size":4}"#,
        &[
            (Shown, KASAN),
            (Contradicted, OOPS),
            (NotShown, POOLS),
            (Contradicted, "Read of size 40 at addr ffff888003a1c018 by task a/1\n"),
        ],
    ),
    (
        r#"{"predicate":"fault_address","address":"0x28"}"#,
        &[
            (Shown, OOPS),
            (Contradicted, KASAN),
            (NotShown, POOLS),
            (NotShown, "pci 0000:00:28.0: at address: 0x28\n"),
        ],
    ),
    (
        r#"{"predicate":"address_meaning","address":"0x28","meaning":{"kind":"near_null"}}"#,
        &[(Shown, OOPS), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"address_meaning","address":"0xdead000000000122","register":"RDX","meaning":{"kind":"poison","name":"LIST_POISON2","offset":0}}"#,
        &[
            (Shown, OOPS),
            (NotShown, KASAN),
            (NotShown, "RAX: dead000000000122 RBX: 0000000000000000\n"),
        ],
    ),
    (
        r#"{"predicate":"address_meaning","address":"0xfffffffffffffff4","register":"RSI","meaning":{"kind":"error_pointer","errno":12}}"#,
        &[(Shown, OOPS), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"object","cache":"kmalloc-64","size":64}"#,
        &[
            (Shown, KASAN),
            (Contradicted, " which belongs to the cache kmalloc-128 of size 128\n"),
            (NotShown, OOPS),
            (NotShown, "slab: kmalloc-64 size 64\n"),
        ],
    ),
    (
        r#"{"predicate":"object_offset","side":"right","distance":0,"region":44}"#,
        &[
            (
                Shown,
                "The buggy address is located 0 bytes to the right of\n allocated 44-byte region [a, b)\n",
            ),
            (
                Contradicted,
                "The buggy address is located 0 bytes to the right of 144-byte region [a, b)\n",
            ),
            (NotShown, OOPS),
        ],
    ),
    (
        r#"{"predicate":"object_function","role":"free","function":"widget_drop"}"#,
        &[
            (Shown, KASAN),
            (
                Contradicted,
                "Freed by task 1:\n kfree+0x1/0x2\n other+0x1/0x2\n do_syscall_64+0x1/0x2\n",
            ),
            (NotShown, OOPS),
            (NotShown, "Allocated by task 1:\n widget_drop+0x1/0x2\n"),
        ],
    ),
    (
        r#"{"predicate":"object_task","role":"free","task":{"pid":305}}"#,
        &[
            (Shown, KASAN),
            (Contradicted, "Freed by task 3050:\n"),
            (NotShown, OOPS),
            (NotShown, "Allocated by task 305:\n"),
        ],
    ),
    (
        r#"{"predicate":"same_task","first":"allocation","second":"free","same":false}"#,
        &[
            (Shown, KASAN),
            (Contradicted, "Allocated by task 9:\n a+0x1/0x2\nFreed by task 9:\n b+0x1/0x2\n"),
            (NotShown, OOPS),
            (
                NotShown,
                "Allocated by task 9:\n a+0x1/0x2\nBUG: KASAN: double-free in a+0x1/0x2\nFreed by task 8:\n b+0x1/0x2\n",
            ),
        ],
    ),
    (
        r#"{"predicate":"racing_access","function":"tally_add","access":"write","task":{"pid":50},"cpu":1}"#,
        &[
            (
                Shown,
                "write to 0xffff888001020304 of 8 bytes by task 50 on cpu 1:\n tally_add+0x1/0x2\n",
            ),
            (
                Contradicted,
                "write to 0xffff888001020304 of 8 bytes by task 50 on cpu 0:\n tally_add+0x1/0x2\n",
            ),
            (NotShown, KASAN),
            (NotShown, "read to 0x1 bytes\n tally_add+0x1/0x2\n"),
        ],
    ),
    (
        r#"{"predicate":"execution_context","context":"softirq"}"#,
        &[
            (
                Shown,
                "Call Trace:\n <IRQ>\n pkt_rx+0x1/0x2\n handle_softirqs+0x1/0x2\n </IRQ>\n <TASK>\n idle+0x1/0x2\n </TASK>\n",
            ),
            (Contradicted, KASAN),
            (NotShown, POOLS),
            (
                Contradicted,
                "Call Trace:\n <IRQ>\n pkt_irq+0x1/0x2\n __handle_irq_event_percpu+0x1/0x2\n handle_softirqs+0x1/0x2\n </IRQ>\n",
            ),
        ],
    ),
    (
        r#"{"predicate":"value_changed","from":"0x1","to":"0x2"}"#,
        &[
            (Shown, "value changed: 0x0000000000000001 -> 0x0000000000000002\n"),
            (Contradicted, "value changed: 0x01 -> 0x03\n"),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"array_index","index":4,"array":"u8 [4]"}"#,
        &[
            (Shown, "index 4 is out of range for type 'u8 [4]'\n"),
            (Contradicted, "index 4 is out of range for type 'u8 [3]'\n"),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"shift_exponent","exponent":64,"bits":32}"#,
        &[
            (Shown, "shift exponent 64 is too large for 32-bit type 'int'\n"),
            (Contradicted, "shift exponent 65 is too large for 32-bit type 'int'\n"),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"on_cpu","cpu":2}"#,
        &[
            (Shown, KASAN),
            (Contradicted, OOPS),
            (NotShown, POOLS),
            (NotShown, "smp: CPU: 2 cores\n"),
            (Contradicted, "CPU: 20 PID: 1 Comm: a\n"),
        ],
    ),
    (
        r#"{"predicate":"current_task","task":{"name":"poller","pid":311}}"#,
        &[
            (Shown, KASAN),
            (Contradicted, OOPS),
            (NotShown, POOLS),
            (NotShown, "poller[311]: hello\n"),
        ],
    ),
    (
        r#"{"predicate":"workqueue","workqueue":"events","function":"pump_work"}"#,
        &[
            (Shown, "Workqueue: events pump_work [pump]\n"),
            (Contradicted, "Workqueue: events drip_work [pump]\n"),
            (NotShown, POOLS),
        ],
    ),
    (
        r#"{"predicate":"source_line","file":"fs/toy.c","line":12}"#,
        &[
            (Shown, "kernel BUG at fs/toy.c:12!\n"),
            (Contradicted, "kernel BUG at fs/toy.c:120!\n"),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"memory_tags","pointer":116,"memory":254}"#,
        &[
            (Shown, "Pointer tag: [74], memory tag: [fe]\n"),
            (NotShown, "Pointer tag: [fe], memory tag: [74]\n"),
        ],
    ),
    (
        r#"{"predicate":"message","text":"toy0: till is open"}"#,
        &[
            (
                Shown,
                "------------[ cut here ]------------\ntoy0: till is open\nWARNING: CPU: 1 PID: 7 at fs/toy.c:12 toy_close+0x1/0x2\n",
            ),
            (
                Shown,
                "WARNING: CPU: 1 PID: 7 at fs/toy.c:12 toy_close+0x1/0x2\ntoy0: till is open\nModules linked in:\n",
            ),
            (
                NotShown,
                "toy0: till is open\n------------[ cut here ]------------\nWARNING: CPU: 1 PID: 7 at fs/toy.c:12 toy_close+0x1/0x2\nModules linked in:\n",
            ),
        ],
    ),
    (
        r#"{"predicate":"register","register":"RDX","value":"0xdead000000000122"}"#,
        &[
            (Shown, OOPS),
            (Contradicted, "RDX: 0000000000000001 RSI: dead000000000122 RDI: 0000\n"),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"system_call_arguments","number":16,"arguments":["0x3"]}"#,
        &[
            (
                Shown,
                "RAX: ffffffffffffffda RBX: 0000000000000000 ORIG_RAX: 0000000000000010\nRDX: 0000000000000000 RSI: 0000000000000000 RDI: 0000000000000003\n",
            ),
            (
                NotShown,
                "ORIG_RAX: 0000000000000011\nRDX: 0000000000000000 RSI: 0000000000000000 RDI: 0000000000000003\n",
            ),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"faulting_instruction","text":"movl $0x1,0x28(%rdi)","operand":"0x28(%rdi)","computed":"0x28"}"#,
        &[
            (Shown, OOPS),
            (NotShown, KASAN),
            (NotShown, "Code: 48 <c7> 47\nRDI: 0000000000000010 RSI: 0000000000000000\n"),
        ],
    ),
    (
        r#"{"predicate":"irqs","state":"disabled","register":"EFLAGS"}"#,
        &[
            (Shown, OOPS),
            (Contradicted, "RSP: 0018:ffffc900001d3d98 EFLAGS: 00010246\n"),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"fault_bits","code":"0x2","bits":["write"]}"#,
        &[(Shown, OOPS), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"user_fault","task":{"name":"shell","pid":71},"kind":"segfault","address":"0x10","ip":"0x401136"}"#,
        &[
            (
                Shown,
                "shell[71]: segfault at 10 ip 0000000000401136 sp 00007ffd error 4 in shell[401000+1000]\n",
            ),
            (
                Contradicted,
                "shell[71]: segfault at 20 ip 0000000000401136 sp 00007ffd error 4 in shell[401000+1000]\n",
            ),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"user_fault_place","task":{"name":"shell","pid":71},"file":"shell","in_mapping":310}"#,
        &[
            (
                Shown,
                "shell[71]: segfault at 10 ip 0000000000401136 sp 00007ffd error 4 in shell[401000+1000]\n",
            ),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"blocked_for","task":{"name":"archiver","pid":640},"seconds":122}"#,
        &[
            (Shown, HUNG),
            (Contradicted, "INFO: task archiver:640 blocked for more than 245 seconds.\n"),
            (NotShown, "INFO: task other:640 blocked for more than 122 seconds.\n"),
            (NotShown, "archiver: task blocked for more than 122 seconds\n"),
        ],
    ),
    (
        r#"{"predicate":"blocked_tasks","count":1}"#,
        &[
            (Shown, HUNG),
            (
                Contradicted,
                "INFO: task a:1 blocked for more than 9 seconds.\nINFO: task b:2 blocked for more than 9 seconds.\n",
            ),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"task_state","task":{"name":"archiver","pid":640},"state":"D"}"#,
        &[
            (Shown, HUNG),
            (
                Contradicted,
                "task:archiver        state:R  running task     stack:0     pid:640   ppid:1\n",
            ),
            (NotShown, KASAN),
            (Shown, "archiver        D    0   640      1 0x00000000\n"),
        ],
    ),
    (
        r#"{"predicate":"waits_for","waiter":{"kind":"task","task":{"name":"archiver","pid":640}},"target":{"kind":"some_lock","lock":"mutex"},"kind":"lock","function":"depot_count"}"#,
        &[
            (Shown, HUNG),
            (
                Contradicted,
                "task:archiver state:D stack:0 pid:640 ppid:1\nCall Trace:\n rwsem_down_read_slowpath+0x1/0x2\n depot_count+0x1/0x2\n do_syscall_64+0x1/0x2\n",
            ),
            (NotShown, KASAN),
            (
                NotShown,
                "task:other state:D stack:0 pid:641 ppid:1\nCall Trace:\n __mutex_lock+0x1/0x2\n depot_count+0x1/0x2\n do_syscall_64+0x1/0x2\n",
            ),
        ],
    ),
    (
        r#"{"predicate":"holds","task":{"name":"packer","pid":633},"lock":{"class":"&shelf->lock"},"function":"depot_pack"}"#,
        &[
            (Shown, HUNG),
            (NotShown, KASAN),
            (
                NotShown,
                "1 lock held by archiver/640:\n #0: ffff888005d2b0f0 (&shelf->lock){+.+.}-{3:3}, at: depot_pack+0x58/0x90\n",
            ),
        ],
    ),
    (
        r#"{"predicate":"wait_caller","task":{"name":"archiver","pid":640},"function":"depot_count"}"#,
        &[(Shown, HUNG), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"likely_holder","waiter":{"name":"archiver","pid":640},"holder":{"name":"packer","pid":633},"how":"owner"}"#,
        &[
            (Shown, HUNG),
            (
                Contradicted,
                "INFO: task archiver:640 is blocked on a mutex likely owned by task clerk:7.\n",
            ),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"wait_began","earliest":"10.0","latest":"20.0"}"#,
        &[
            (Shown, "[  140.100000] INFO: task a:1 blocked for more than 120 seconds.\n"),
            (NotShown, "[  540.100000] INFO: task a:1 blocked for more than 120 seconds.\n"),
        ],
    ),
    (
        r#"{"predicate":"spins_on","party":{"kind":"cpu","cpu":3},"function":"queue_take"}"#,
        &[
            (
                Shown,
                "CPU: 3 PID: 9 Comm: a\nRIP: 0010:queued_spin_lock_slowpath+0x1/0x2\nCall Trace:\n _raw_spin_lock+0x1/0x2\n queue_take+0x1/0x2\n",
            ),
            (NotShown, KASAN),
            (
                NotShown,
                "CPU: 4 PID: 9 Comm: a\nRIP: 0010:queued_spin_lock_slowpath+0x1/0x2\nCall Trace:\n _raw_spin_lock+0x1/0x2\n queue_take+0x1/0x2\n",
            ),
            (
                NotShown,
                "CPU: 3 PID: 9 Comm: a\nCall Trace:\n _raw_spin_unlock+0x1/0x2\n queue_take+0x1/0x2\n",
            ),
        ],
    ),
    (
        r#"{"predicate":"cpu_stuck","cpu":3,"seconds":26}"#,
        &[
            (Shown, "watchdog: BUG: soft lockup - CPU#3 stuck for 26s! [a:1]\n"),
            (Contradicted, "watchdog: BUG: soft lockup - CPU#30 stuck for 26s! [a:1]\n"),
            (NotShown, KASAN),
            (NotShown, "watchdog: CPU#3 stuck for 26s in test\n"),
        ],
    ),
    (
        r#"{"predicate":"cpu_in","cpu":3,"function":"spin_here"}"#,
        &[
            (
                Shown,
                "NMI backtrace for cpu 3\nCPU: 3 PID: 9 Comm: a\nRIP: 0010:spin_here+0x1/0x2\n",
            ),
            (Contradicted, "CPU: 3 PID: 9 Comm: a\nRIP: 0010:other+0x1/0x2\n"),
            (NotShown, KASAN),
            (NotShown, "CPU: 2 PID: 9 Comm: a\nRIP: 0010:spin_here+0x1/0x2\n"),
        ],
    ),
    (
        r#"{"predicate":"cpu_no_response","cpu":5,"waiting":3}"#,
        &[
            (
                Shown,
                "smp: csd: Detected non-responsive CSD lock (#1) on CPU#3, waiting 5000000000 ns for CPU#05 f+0x0/0x10(0x0).\n",
            ),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"grace_period_age","number":1201,"jiffies":21002}"#,
        &[
            (Shown, STALL),
            (Contradicted, "rcu: \t(detected by 1, t=99 jiffies, g=1201, q=46 ncpus=4)\n"),
            (NotShown, KASAN),
            (NotShown, "rcu: \t(detected by 1, t=21002 jiffies, g=12010, q=46 ncpus=4)\n"),
        ],
    ),
    (
        r#"{"predicate":"grace_period_thread_starved","jiffies":5238,"cpu":2}"#,
        &[
            (Shown, STALL),
            (
                Contradicted,
                "rcu: rcu_preempt kthread starved for 5238 jiffies! g1 f0x0 RCU_GP_WAIT_FQS(5) ->state=0x0 ->cpu=1\n",
            ),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"grace_period_thread_worked","jiffies":14}"#,
        &[(Shown, STALL), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"holdout_cpu","cpu":3,"behind":2}"#,
        &[
            (Shown, STALL),
            (Contradicted, "rcu: \t3-...!: (9 GPs behind) idle=0b1 softirq=1/2 fqs=7\n"),
            (NotShown, KASAN),
            (NotShown, "3-2: (2 GPs behind) x\n"),
        ],
    ),
    (
        r#"{"predicate":"holdout_task","task":{"pid":512},"depth":2}"#,
        &[
            (Shown, STALL),
            (Contradicted, "rcu: Tasks blocked on level-0 rcu_node (CPUs 0-3): P512/1:b..l\n"),
            (NotShown, KASAN),
            (NotShown, "rcu: Tasks blocked on level-0 rcu_node (CPUs 0-3): P5120/2:b..l\n"),
        ],
    ),
    (r#"{"predicate":"callbacks_waiting","count":46}"#, &[(Shown, STALL), (NotShown, KASAN)]),
    (r#"{"predicate":"callbacks_grew","from":46,"to":80}"#, &[(Shown, STALL), (NotShown, KASAN)]),
    (r#"{"predicate":"stall_found_by","cpu":1}"#, &[(Shown, STALL), (NotShown, KASAN)]),
    (
        r#"{"predicate":"stall_ended"}"#,
        &[(Shown, "rcu: INFO: Stall ended before state dump start\n"), (NotShown, STALL)],
    ),
    (
        r#"{"predicate":"timer_suspected","cpu":2,"softirqs":99}"#,
        &[(Shown, STALL), (NotShown, KASAN)],
    ),
    (r#"{"predicate":"grace_period_scans","count":7}"#, &[(Shown, STALL), (NotShown, KASAN)]),
    (r#"{"predicate":"rcu_softirqs","cpu":3,"count":12}"#, &[(Shown, STALL), (NotShown, KASAN)]),
    (
        r#"{"predicate":"depth_grew","task":{"pid":512},"from":2,"to":3}"#,
        &[(Shown, STALL), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"tick_rate","hz":[250]}"#,
        &[
            (Shown, STALL),
            (NotShown, KASAN),
            (
                Contradicted,
                "[  10.000000] rcu: \t(detected by 1, t=1000 jiffies, g=1, q=4 ncpus=4)\n[  20.000000] rcu: \t(detected by 1, t=2000 jiffies, g=1, q=4 ncpus=4)\n",
            ),
        ],
    ),
    (
        r#"{"predicate":"pool_stuck","cpus":"1","seconds":41}"#,
        &[
            (Shown, POOLS),
            (
                Contradicted,
                "BUG: workqueue lockup - pool cpus=10 node=0 flags=0x0 nice=0 stuck for 41s!\n",
            ),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"work_in_flight","function":"pump_work","worker":{"pid":55},"seconds":41}"#,
        &[
            (Shown, POOLS),
            (Contradicted, "    in-flight: 55:pump_work [pump] for 12s\n"),
            (NotShown, KASAN),
            (NotShown, "    pending: pump_work [pump]\n"),
        ],
    ),
    (
        r#"{"predicate":"work_pending","function":"drip_work","count":3}"#,
        &[
            (Shown, POOLS),
            (Contradicted, "    pending: 2*drip_work\n"),
            (NotShown, KASAN),
            (NotShown, "    in-flight: 5:drip_work\n"),
        ],
    ),
    (
        r#"{"predicate":"idle_workers","pool":6,"count":2}"#,
        &[
            (Shown, POOLS),
            (Contradicted, "pool 6: cpus=1 node=0 flags=0x0 nice=0 hung=41s workers=3\n"),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"work_barrier","task":{"pid":91},"function":"tank_work"}"#,
        &[(Shown, POOLS), (NotShown, KASAN), (NotShown, "    pending: tank_work BAR(910)\n")],
    ),
    (
        r#"{"predicate":"lock_wanted","task":{"name":"baker","pid":77},"lock":{"class":"&oven->lock"},"function":"bread_add"}"#,
        &[
            (Shown, LOCKDEP),
            (NotShown, KASAN),
            (
                Contradicted,
                "baker/77 is trying to acquire lock:\nffff888001234560 (&bread->lock){+.+.}-{3:3}, at: bread_add+0x1f/0x50\n",
            ),
        ],
    ),
    (
        r#"{"predicate":"lock_order","first":{"class":"&oven->lock"},"then":{"class":"&bread->lock"},"function":"oven_heat"}"#,
        &[(Shown, LOCKDEP), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"lock_order","first":{"class":"&bread->lock"},"then":{"class":"&oven->lock"},"function":"bread_add"}"#,
        &[(Shown, LOCKDEP)],
    ),
    (
        r#"{"predicate":"lock_conflict","lock":{"class":"&jar->lock"},"one":"softirqs_enabled","other":"in_softirq"}"#,
        &[
            (
                Shown,
                "inconsistent {SOFTIRQ-ON-W} -> {IN-SOFTIRQ-W} usage.\na/1 [HC0[0]:SC1[1]:HE1:SE0] takes:\nffff888001234560 (&jar->lock){+.?.}-{2:2}, at: jar_open+0x1/0x2\n",
            ),
            (NotShown, LOCKDEP),
        ],
    ),
    (
        r#"{"predicate":"same_lock","first":{"class":"&oven->lock"},"second":{"class":"&bread->lock"},"same":false}"#,
        &[(Shown, LOCKDEP), (NotShown, KASAN)],
    ),
    (r#"{"predicate":"lockdep_off"}"#, &[(Shown, LOCKDEP), (NotShown, KASAN)]),
    (
        r#"{"predicate":"lock_released","task":{"name":"cook","pid":5},"lock":{"class":"&pan->lock"},"function":"pan_put"}"#,
        &[
            (
                Shown,
                "cook/5 is trying to release lock (&pan->lock) at:\n[<ffffffff81000001>] pan_put+0x1/0x2\n",
            ),
            (NotShown, LOCKDEP),
        ],
    ),
    (
        r#"{"predicate":"atomic_context","field":"preempt_count","value":1,"expected":0}"#,
        &[(Shown, ATOMIC), (Contradicted, "preempt_count: 2, expected: 0\n"), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"atomic_because","reason":"preemption_disabled"}"#,
        &[(Shown, ATOMIC), (NotShown, "preempt_count: 0, expected: 0\n")],
    ),
    (
        r#"{"predicate":"preemption_disabled_at","function":"napper_lock"}"#,
        &[(Shown, ATOMIC), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"allocation","order":2,"gfp":"GFP_KERNEL","task":{"name":"gobbler","pid":901}}"#,
        &[
            (Shown, MEMORY),
            (
                Contradicted,
                "gobbler invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n",
            ),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"oom_limit","constraint":"memcg"}"#,
        &[
            (Shown, MEMORY),
            (Contradicted, "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null)\n"),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"cgroup_memory","usage":2048,"limit":2048}"#,
        &[
            (Shown, MEMORY),
            (Contradicted, "memory: usage 1kB, limit 2048kB, failcnt 12\n"),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"zone_memory","zone":"Node 0 Normal","free":1200,"min":1400}"#,
        &[
            (Shown, MEMORY),
            (
                Contradicted,
                "Node 0 Normal free:9200kB boost:0kB min:1400kB low:1700kB high:2000kB\n",
            ),
            (NotShown, "Node 0 DMA free:1200kB min:1400kB\n"),
        ],
    ),
    (
        r#"{"predicate":"free_blocks","zone":"Node 0 Normal","order":2,"count":2,"kinds":"C"}"#,
        &[
            (Shown, MEMORY),
            (Contradicted, "Node 0 Normal: 10*4kB (UM) 5*8kB (U) 3*16kB (C) 0*32kB = 112kB\n"),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"memory_use","kind":"slab_unreclaimable","pages":12}"#,
        &[(Shown, MEMORY), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"memory_use","kind":"anonymous","pages":120}"#,
        &[(Shown, MEMORY), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"zone_check","zone":"Node 0 Normal","usable":800,"required":1400,"passes":false}"#,
        &[(Shown, MEMORY), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"block_for_request","zone":"Node 0 Normal","order":2,"available":false}"#,
        &[(Shown, MEMORY), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"allocation_type","migrate_type":"unmovable","gfp":"GFP_KERNEL"}"#,
        &[(Shown, MEMORY), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"allocation_failed_by","cause":"cma_only","order":2}"#,
        &[(Shown, MEMORY), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"killed","task":{"name":"gobbler","pid":901}}"#,
        &[
            (Shown, MEMORY),
            (Contradicted, "Out of memory: Killed process 9 (gobbler) total-vm:1kB\n"),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"bad_state","object":"list"}"#,
        &[
            (Shown, "list_del corruption. prev->next should be ffff888001, but was ffff888002\n"),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"list_pointer","field":"prev->next","expected":"ffff888001","found":"ffff888002"}"#,
        &[
            (Shown, "list_del corruption. prev->next should be ffff888001, but was ffff888002\n"),
            (
                Contradicted,
                "list_del corruption. prev->next should be ffff888001, but was ffff888003\n",
            ),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"device_references","device":"lo","count":2}"#,
        &[
            (Shown, "unregister_netdevice: waiting for lo to become free. Usage count = 2\n"),
            (
                Contradicted,
                "unregister_netdevice: waiting for lo to become free. Usage count = 3\n",
            ),
            (NotShown, KASAN),
        ],
    ),
    (
        r#"{"predicate":"remark","text":"widget: link lost"}"#,
        &[(Shown, "[   12.000000] widget: link lost\n"), (NotShown, "widget: link lost again\n")],
    ),
    (
        r#"{"predicate":"user_fault_source","task":{"name":"shell","pid":71},"file":"shell","places":[]}"#,
        &[(NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"defined_in","function":"shelf_put","file":"drivers/shop/shelf.c"}"#,
        &[(NotShown, KASAN)],
    ),
    (r#"{"predicate":"calls","caller":"shelf_put","function":"shelf_free"}"#, &[(NotShown, KASAN)]),
    (
        r#"{"predicate":"commit_exists","commit":"0123456789ab","title":"shop: empty the shelf"}"#,
        &[(NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"commit_in_release","commit":"0123456789ab","release":"v6.12"}"#,
        &[(NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"first_in_release","commit":"0123456789ab","release":"v6.12"}"#,
        &[(NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"may_hold","task":{"name":"a","pid":1},"function":"f","module":"m"}"#,
        &[(NotShown, HUNG)],
    ),
    (r#"{"predicate":"stall_mechanism","mechanism":"holdout"}"#, &[(NotShown, STALL)]),
    (r#"{"predicate":"cpu_denied","cpu":1,"by":"kernel_loop"}"#, &[(NotShown, STALL)]),
    (
        r#"{"predicate":"same_stall","first":"E1","second":"E2","number":1201}"#,
        &[(Shown, STALL), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"follows","event":"E2","cause":"E1","shared":{"kind":"grace_period","number":1201}}"#,
        &[(NotShown, STALL)],
    ),
    (
        r#"{"predicate":"grace_period_began","at":"79.0","hz":250}"#,
        &[(Shown, STALL), (NotShown, KASAN)],
    ),
    (
        r#"{"predicate":"slept_in_reader","task":{"name":"dozer","pid":8},"function":"doze"}"#,
        &[
            (
                Shown,
                "Voluntary context switch within RCU read-side critical section!\nCPU: 0 PID: 8 Comm: dozer Not tainted 6.1.0 #1\nCall Trace:\n __schedule+0x1/0x2\n doze+0x1/0x2\n",
            ),
            (NotShown, KASAN),
        ],
    ),
    // X11, X12: places in the source are read from text that decode_stacktrace.sh or `ktriage symbolize` has gone over.
    (
        r#"{"predicate":"frame_source","function":"shelf_put","offset":18,"places":[{"function":"shelf_put","file":"lib/shelf.c","line":40}]}"#,
        &[
            (Shown, "Call Trace:\n shelf_put+0x12/0x40 lib/shelf.c:40\n"),
            (Contradicted, "Call Trace:\n shelf_put+0x12/0x40 lib/shelf.c:41\n"),
            (NotShown, "Call Trace:\n shelf_put+0x12/0x40\n"),
        ],
    ),
    (
        r#"{"predicate":"lock_source","lock":{"class":"&shelf->lock"},"places":[{"function":"shelf_put","file":"lib/shelf.c","line":40}]}"#,
        &[
            (
                Shown,
                "1 lock held by porter/8:\n #0: ffff888003a1b2c8 (&shelf->lock){+.+.}-{3:3}, at: shelf_put+0x12/0x40 lib/shelf.c:40\n",
            ),
            (
                NotShown,
                "1 lock held by porter/8:\n #0: ffff888003a1b2c8 (&shelf->lock){+.+.}-{3:3}, at: shelf_put+0x12/0x40\n",
            ),
        ],
    ),
    (r#"{"predicate":"guilty_file","file":"lib/shelf.c"}"#, &[(NotShown, KASAN)]),
    (
        r#"{"predicate":"rcuc_starved","cpu":3,"jiffies":77}"#,
        &[
            (
                Shown,
                "rcu: \t3-....: (9 ticks this GP) idle=0b1 softirq=1/2 fqs=7 rcuc=77 jiffies(starved)\n",
            ),
            (NotShown, STALL),
        ],
    ),
];

#[test]
fn each_predicate_is_shown_refuted_or_neither_as_its_logs_say() {
    let mut wrong = Vec::new();
    for (claim, logs) in CASES {
        for (wanted, log) in *logs {
            let found = judge(claim, log);
            if found != *wanted {
                wrong.push(format!(
                    "{claim}: {found:?} instead of {wanted:?} by {:?}",
                    &log[..log.len().min(90)]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_predicate_has_a_case() {
    let missing: Vec<&String> = model::Predicate::names()
        .iter()
        .filter(|name| {
            !CASES.iter().any(|(claim, _)| claim.contains(&format!("\"predicate\":\"{name}\"")))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn cutting_a_log_makes_nothing_more_sure() {
    for (claim, logs) in CASES {
        for (_, log) in *logs {
            let whole = judge(claim, log);
            let lines: Vec<&str> = log.split_inclusive('\n').collect();
            for end in 0..lines.len() {
                let cut = judge(claim, &lines[..end].concat());
                // What the rest shows or refutes may be open in a part, but nothing turns into its opposite.
                let counted = claim.contains("blocked_tasks");
                assert!(
                    cut == whole || cut == NotShown || counted || whole == Shown,
                    "{claim} by {end} lines: {cut:?}, by all {whole:?}"
                );
            }
        }
    }
}

#[test]
fn stamps_and_carriage_returns_change_no_judgement() {
    for (claim, logs) in CASES {
        for (_, log) in logs.iter().filter(|(_, log)| !log.starts_with('[')) {
            let stamped: String = log
                .lines()
                .enumerate()
                .map(|(at, line)| {
                    format!("[  {:3}.{:06}][   T12] {line}\r\n", 40 + at / 10, at % 10)
                })
                .collect();
            let quoted: String = log.lines().map(|line| format!("> {line}\n")).collect();
            let wanted = judge(claim, log);
            assert_eq!(judge(claim, &stamped), wanted, "{claim} with stamps: {log}");
            assert_eq!(judge(claim, &quoted), wanted, "{claim} quoted: {log}");
        }
    }
}

#[test]
fn a_statement_is_not_shown_without_one_of_the_lines_that_show_it() {
    for (claim, logs) in CASES {
        for (_, log) in logs.iter().filter(|(wanted, _)| *wanted == Shown) {
            let claims = claim::read(claim).unwrap();
            let Judgement::Shown { lines } =
                verify(&Log::read(log.as_bytes()), &claims[0].predicate)
            else {
                panic!("{claim}")
            };
            let whole = Log::read(log.as_bytes());
            let cited = verify(&whole.narrowed(&lines), &claims[0].predicate);
            assert!(matches!(cited, Judgement::Shown { .. }), "{claim} by {lines:?}: {cited:?}");
            for blank in lines.iter().flat_map(|span| span.first..=span.last) {
                let text: String = (1..)
                    .zip(log.lines())
                    .map(
                        |(number, line)| {
                            if number == blank { "\n".to_owned() } else { format!("{line}\n") }
                        },
                    )
                    .collect();
                let without =
                    verify(&Log::read(text.as_bytes()).narrowed(&lines), &claims[0].predicate);
                assert!(
                    !matches!(without, Judgement::Shown { .. }),
                    "{claim} without line {blank}: {without:?}"
                );
            }
        }
    }
}
