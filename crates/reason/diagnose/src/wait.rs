//! Blocked frame to what is awaited and who releases it. The table is data: a new way to wait is one
//! row with the functions it is known by.
//!
//! Invariant: an unknown wait stays unknown; nothing is guessed from the name of a function.

use facts::LineSpan;

use crate::event::{Frame, Snapshot};
use crate::stack;

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Awaited {
    /// A sleeping lock of that kind.
    Lock(&'static str),
    /// A lock that is spun for.
    SpinLock,
    /// A normal RCU grace period.
    GracePeriod,
    /// An expedited RCU grace period.
    ExpeditedGracePeriod,
    /// A grace period of tasks RCU.
    TasksGracePeriod,
    /// Earlier RCU callbacks.
    Callbacks,
    /// A grace period of an SRCU domain.
    Srcu,
    /// One work item.
    Work,
    /// All items of a workqueue.
    Workqueue,
    /// The end of a kernel thread.
    Kthread,
    /// Every CPU to schedule.
    EveryCpu,
    /// Other CPUs to answer a function call.
    RemoteCpu,
    /// A timer handler that is running.
    Handler,
    /// A CPU hotplug thread to take its step.
    HotplugThread,
    /// Something only a named party releases.
    Resource(&'static str),
    /// Completion by a device.
    Device(&'static str),
    /// A user program or a peer that one speaks for.
    User(&'static str),
    /// A server over the network.
    Server,
    /// Nothing: the thread is idle.
    Nothing,
    /// A completion of which the table knows nothing.
    Completion,
}

/// A row: the task waits so when one of `frames` is where it sleeps (a trailing `*` matches any rest) and,
/// where `inside` is not empty, one of those stands further out.
#[derive(Clone, Copy, Debug)]
pub struct WaitRule {
    /// Identifier, as cited by claims.
    pub id: &'static str,
    /// Functions in which the task sleeps.
    pub frames: &'static [&'static str],
    /// Functions further out that the row needs.
    pub inside: &'static [&'static str],
    /// What is awaited.
    pub awaited: Awaited,
    /// Who ends the wait.
    pub released_by: &'static str,
}

const fn row(
    id: &'static str,
    frames: &'static [&'static str],
    inside: &'static [&'static str],
    awaited: Awaited,
    released_by: &'static str,
) -> WaitRule {
    WaitRule { id, frames, inside, awaited, released_by }
}

use Awaited as A;

/// What a task waits for that sleeps for a time of its own choice.
pub const DELAY: &str = "a delay that it asked for itself";

/// Rows in order of precedence.
pub const WAIT_RULES: &[WaitRule] = &[
    row(
        "W50",
        &[
            "worker_thread",
            "rcu_gp_kthread",
            "rcu_gp_fqs_loop",
            "kswapd",
            "kswapd_try_to_sleep",
            "kjournald2",
            "rescuer_thread",
            "smpboot_thread_fn",
            "kthreadd",
            "irq_wait_for_interrupt",
            "irq_thread",
            "kthread_worker_fn",
            "kcompactd",
            "ksm_scan_thread",
            "khugepaged",
            "oom_reaper",
            "kauditd_thread",
            "cpu_startup_entry",
            "do_idle",
            "jbd2_journal_commit_idle",
            "xfsaild_idle",
            "rcu_tasks_kthread",
            "svc_recv",
            "nfsd_idle",
        ],
        &[],
        A::Nothing,
        "nobody: the thread is idle",
    ),
    row(
        "W04",
        &["__wait_rcu_gp", "synchronize_rcu*", "wait_rcu_gp"],
        &["rcu_sync_enter"],
        A::GracePeriod,
        "the grace period (percpu_down_write makes readers take the slow path)",
    ),
    row(
        "W14",
        &["__wait_rcu_gp", "synchronize_rcu", "synchronize_rcu_normal", "wait_rcu_gp"],
        &["process_srcu", "try_check_zero", "srcu_readers_active_idx_check"],
        A::GracePeriod,
        "the RCU grace period that fast SRCU readers need",
    ),
    row(
        "W11",
        &[
            "synchronize_rcu_expedited*",
            "synchronize_sched_expedited*",
            "exp_funnel_lock",
            "rcu_exp_wait_wake",
            "synchronize_rcu_expedited_wait*",
        ],
        &[],
        A::ExpeditedGracePeriod,
        "the CPUs and readers the expedited grace period waits for",
    ),
    row(
        "W13",
        &["__synchronize_srcu*", "synchronize_srcu*"],
        &[],
        A::Srcu,
        "the domain's readers and its process_srcu worker",
    ),
    row(
        "W15",
        &["synchronize_rcu_tasks*", "rcu_tasks_wait_gp", "check_all_holdout_tasks*"],
        &[],
        A::TasksGracePeriod,
        "tasks that never switch voluntarily",
    ),
    row(
        "W15",
        &["__wait_rcu_gp", "wait_rcu_gp"],
        &["synchronize_rcu_tasks*", "synchronize_rcu_tasks_generic"],
        A::TasksGracePeriod,
        "tasks that never switch voluntarily",
    ),
    row(
        "W10",
        &[
            "synchronize_rcu",
            "synchronize_rcu_normal",
            "__wait_rcu_gp",
            "synchronize_sched",
            "synchronize_net",
            "wait_rcu_gp",
            "cond_synchronize_rcu*",
            "synchronize_rcu_bh",
        ],
        &[],
        A::GracePeriod,
        "CPUs and readers the grace period waits for, and its thread",
    ),
    row(
        "W12",
        &["rcu_barrier", "_rcu_barrier", "rcu_barrier_tasks*", "srcu_barrier"],
        &[],
        A::Callbacks,
        "the grace period and the callback threads",
    ),
    row(
        "W46",
        &[
            "__cpuhp_kick_ap",
            "cpuhp_kick_ap",
            "cpuhp_kick_ap_work",
            "wait_for_ap_thread",
            "cpuhp_bringup_ap",
        ],
        &[],
        A::HotplugThread,
        "the cpuhp thread of that CPU",
    ),
    row(
        "W46",
        &["cpus_read_lock", "get_online_cpus", "cpus_write_lock", "cpu_hotplug_begin"],
        &[],
        A::Lock("percpu-rwsem"),
        "CPU hotplug",
    ),
    row(
        "W43",
        &["__percpu_down_read", "percpu_rwsem_wait"],
        &[
            "sb_start_write",
            "__sb_start_write",
            "sb_start_intwrite",
            "xfs_trans_alloc",
            "mnt_want_write",
            "mnt_want_write_file",
            "start_transaction",
            "ext4_journal_check_start",
            "sb_start_pagefault",
            "file_start_write",
        ],
        A::Lock("superblock freeze"),
        "whoever thaws the file system",
    ),
    row(
        "W06",
        &["__percpu_down_read", "percpu_rwsem_wait"],
        &["__percpu_down_read", "percpu_down_read", "cpus_read_lock"],
        A::Lock("percpu-rwsem"),
        "the task in percpu_down_write",
    ),
    row(
        "W05",
        &["percpu_down_write", "percpu_rwsem_wait", "rcuwait_wait_event"],
        &[],
        A::Lock("percpu-rwsem"),
        "readers, or the writer ahead",
    ),
    row(
        "W38",
        &["__lock_sock", "lock_sock_nested", "lock_sock"],
        &[],
        A::Lock("socket"),
        "the socket's user",
    ),
    row(
        "W08",
        &[
            "rt_mutex_slowlock*",
            "rtlock_slowlock*",
            "__rt_mutex_slowlock*",
            "rt_spin_lock*",
            "rt_mutex_slowlock_block*",
            "rwbase_write_lock",
            "rwbase_read_lock",
            "__rwbase_read_lock",
            "rt_mutex_wait_proxy_lock",
            "__rt_mutex_lock*",
            "__rt_mutex_futex*",
        ],
        &[],
        A::Lock("rt_mutex"),
        "its owner (RT spinlocks too)",
    ),
    row(
        "W01",
        &["__mutex_lock*", "mutex_lock*", "__ww_mutex_lock*"],
        &[],
        A::Lock("mutex"),
        "its owner",
    ),
    row(
        "W02",
        &[
            "rwsem_down_write_*",
            "call_rwsem_down_write_failed*",
            "__down_write*",
            "down_write*",
            "ldsem_down_write*",
            "__ldsem_down_write*",
        ],
        &[],
        A::Lock("rwsem, for writing"),
        "all holders",
    ),
    row(
        "W03",
        &[
            "rwsem_down_read_*",
            "call_rwsem_down_read_failed*",
            "__down_read*",
            "down_read*",
            "ldsem_down_read*",
            "__ldsem_down_read*",
        ],
        &[],
        A::Lock("rwsem, for reading"),
        "the writer, or a queued writer ahead",
    ),
    row(
        "W07",
        &[
            "__down",
            "__down_common",
            "___down_common",
            "__down_timeout",
            "__down_killable",
            "__down_interruptible",
            "down",
            "down_timeout",
        ],
        &[],
        A::Lock("semaphore"),
        "any up()",
    ),
    row("W48", &["console_lock"], &[], A::Lock("console"), "a slow printer"),
    row(
        "W16",
        &[
            "__flush_work",
            "flush_work",
            "cancel_work_sync",
            "__cancel_work_timer",
            "__cancel_work_sync",
            "cancel_delayed_work_sync",
            "start_flush_work",
            "flush_delayed_work",
        ],
        &[],
        A::Work,
        "the worker that runs it",
    ),
    row(
        "W17",
        &[
            "__flush_workqueue",
            "flush_workqueue",
            "drain_workqueue",
            "destroy_workqueue",
            "flush_workqueue_prep_pwqs",
        ],
        &[],
        A::Workqueue,
        "the workers of that queue",
    ),
    row(
        "W18",
        &[
            "kthread_stop",
            "kthread_park",
            "kthread_flush_work",
            "kthread_flush_worker",
            "kthread_destroy_worker",
        ],
        &[],
        A::Kthread,
        "that kernel thread",
    ),
    row(
        "W19",
        &[
            "stop_one_cpu",
            "multi_cpu_stop",
            "__stop_cpus",
            "stop_cpus",
            "stop_machine_cpuslocked",
            "stop_two_cpus",
            "wait_for_stop_done",
        ],
        &[],
        A::EveryCpu,
        "a CPU that does not schedule",
    ),
    row(
        "W20",
        &[
            "smp_call_function_many_cond",
            "smp_call_function_single",
            "csd_lock_wait",
            "__csd_lock_wait",
            "generic_exec_single",
            "smp_call_function_many",
            "on_each_cpu*",
        ],
        &[],
        A::RemoteCpu,
        "a CPU with interrupts off",
    ),
    row(
        "W21",
        &[
            "timer_delete_sync",
            "del_timer_sync",
            "__timer_delete_sync",
            "hrtimer_cancel",
            "hrtimer_cancel_wait_running",
            "timer_sync_wait_running",
            "del_timer_wait_running",
        ],
        &[],
        A::Handler,
        "the CPU that runs the handler",
    ),
    row(
        "W22",
        &[
            "jbd2_log_wait_commit",
            "log_wait_commit",
            "jbd2_complete_transaction",
            "jbd2_journal_force_commit*",
        ],
        &[],
        A::Resource("journal commit"),
        "the jbd2 thread of that device",
    ),
    row(
        "W23",
        &[
            "start_this_handle",
            "wait_transaction_locked",
            "wait_transaction_switching",
            "add_transaction_credits",
            "do_get_write_access",
            "jbd2_journal_get_write_access",
            "jbd2__journal_start",
        ],
        &[],
        A::Resource("journal transaction"),
        "jbd2 and tasks with open handles",
    ),
    row(
        "W24",
        &[
            "jbd2_journal_commit_transaction",
            "jbd2_journal_wait_updates",
            "journal_wait_on_commit_record",
        ],
        &[],
        A::Resource("open journal handles or I/O"),
        "tasks inside handles, the disk",
    ),
    row(
        "W25",
        &[
            "xlog_grant_head_wait",
            "xlog_grant_head_check",
            "xfs_log_force*",
            "xlog_wait*",
            "xlog_force_lsn",
            "xlog_cil_order_write",
            "xlog_state_get_iclog_space",
        ],
        &[],
        A::Resource("XFS log"),
        "the AIL pusher and log I/O",
    ),
    row(
        "W26",
        &["wait_current_trans*", "wait_for_commit", "btrfs_wait_for_commit"],
        &[],
        A::Resource("btrfs transaction commit"),
        "the committer",
    ),
    row(
        "W28",
        &["folio_wait_writeback*", "wait_on_page_writeback*", "folio_wait_stable"],
        &[],
        A::Device("end of writeback"),
        "the device",
    ),
    row(
        "W28",
        &["folio_wait_bit_common", "folio_wait_bit", "wait_on_page_bit*", "__wait_on_page_bit"],
        &[
            "folio_wait_writeback",
            "wait_on_page_writeback",
            "__filemap_fdatawait_range",
            "shrink_page_list",
            "shrink_folio_list",
            "filemap_fdatawait_range",
        ],
        A::Device("end of writeback"),
        "the device",
    ),
    row(
        "W27",
        &[
            "folio_wait_bit_common",
            "folio_wait_bit*",
            "__folio_lock*",
            "__lock_page*",
            "wait_on_page_bit*",
            "wait_on_page_locked",
            "wait_on_page_read",
        ],
        &[],
        A::Resource("folio lock or bit"),
        "the locker, or read I/O",
    ),
    row(
        "W29",
        &[
            "__wait_on_buffer",
            "wait_on_buffer",
            "__sync_dirty_buffer",
            "sync_dirty_buffer",
            "__bread_gfp",
        ],
        &[],
        A::Device("buffer I/O"),
        "the device",
    ),
    row(
        "W30",
        &[
            "blk_mq_get_tag",
            "rq_qos_wait",
            "wbt_wait",
            "__wbt_wait",
            "get_request",
            "sbitmap_queue_wait*",
            "iocg_wait*",
            "ioc_rqos_throttle",
        ],
        &[],
        A::Device("request tag or throttle"),
        "completions of earlier requests",
    ),
    row(
        "W31",
        &["blk_mq_freeze_queue_wait*", "blk_freeze_queue"],
        &[],
        A::Device("requests in flight"),
        "their completion",
    ),
    row(
        "W31",
        &["blk_queue_enter", "__bio_queue_enter", "bio_queue_enter", "__blk_queue_enter"],
        &[],
        A::Resource("queue to be unfrozen"),
        "whoever froze the queue",
    ),
    row(
        "W32",
        &[
            "submit_bio_wait",
            "blk_execute_rq",
            "blk_wait_io",
            "scsi_execute*",
            "__scsi_execute",
            "scsi_block_when_processing_errors",
            "__nvme_submit_sync_cmd",
            "nvme_wait_freeze*",
            "blkdev_issue_flush",
            "scsi_error_handler",
            "ata_exec_internal*",
            "dio_await_completion",
            "do_blockdev_direct_IO",
            "__blkdev_direct_IO*",
            "iomap_dio_rw",
            "__iomap_dio_rw",
            "blkdev_direct_IO",
            "swap_readpage*",
            "xfs_buf_iowait",
            "xfs_buf_lock_io",
            "md_super_wait",
            "dm_wait_for_completion",
            "sync_io",
        ],
        &[],
        A::Device("command"),
        "the device or its error handler",
    ),
    row(
        "W32",
        &["usb_start_wait_urb", "usb_kill_urb", "usb_kill_anchored_urbs", "usb_hcd_flush_endpoint"],
        &[],
        A::Device("USB transfer"),
        "the USB device or its host controller",
    ),
    row(
        "W32",
        &["mmc_wait_for_req*", "mmc_wait_for_cmd", "mmc_blk_rw_wait", "mmc_wait_for_cqe*"],
        &[],
        A::Device("MMC request"),
        "the card or its host controller",
    ),
    row(
        "W32",
        &["dma_fence_default_wait", "dma_fence_wait_timeout", "dma_resv_wait_timeout"],
        &[],
        A::Device("DMA fence"),
        "the driver that signals it, as a rule of a GPU",
    ),
    row(
        "W52",
        &["msleep", "msleep_interruptible", "usleep_range*", "fsleep", "ssleep"],
        &[],
        A::Resource(DELAY),
        "its timer",
    ),
    row(
        "W53",
        &["rpm_resume", "rpm_suspend", "__pm_runtime_barrier"],
        &[],
        A::Resource("a runtime power change of a device that is under way"),
        "the task that runs the device's callback",
    ),
    row(
        "W33",
        &[
            "balance_dirty_pages*",
            "throttle_direct_reclaim*",
            "io_schedule_dirty",
            "congestion_wait",
            "wait_iff_congested",
            "reclaim_throttle",
        ],
        &[],
        A::Device("writeback or reclaim"),
        "flusher and kswapd",
    ),
    row(
        "W34",
        &["futex_wait*", "futex_wait_queue*", "__futex_wait", "futex_lock_pi*"],
        &[],
        A::User("futex"),
        "a user thread",
    ),
    row(
        "W35",
        &[
            "pipe_read",
            "pipe_write",
            "anon_pipe_read",
            "anon_pipe_write",
            "pipe_wait*",
            "unix_stream_*",
            "ep_poll",
            "do_epoll_wait",
            "do_select",
            "do_poll",
            "poll_schedule_timeout",
            "do_sys_poll",
            "n_tty_read",
            "wait_woken",
            "do_nanosleep",
            "hrtimer_nanosleep",
            "do_wait",
            "do_sigtimedwait",
            "sigsuspend",
            "__ia32_sys_pause",
            "__x64_sys_pause",
            "inotify_read",
            "signalfd_read",
            "do_msgrcv",
            "unix_wait_for_peer",
            "skb_wait_for_more_packets",
            "__skb_wait_for_more_packets",
            "inet_csk_accept",
            "unix_dgram_recvmsg",
            "sk_wait_data",
            "ptrace_stop",
            "do_signal_stop",
            "io_cqring_wait",
        ],
        &[],
        A::User("peer"),
        "the peer; not a hang",
    ),
    row(
        "W37",
        &["netdev_wait_allrefs*", "netdev_run_todo"],
        &[],
        A::Resource("references to a network device"),
        "whoever leaks them",
    ),
    row(
        "W39",
        &[
            "request_wait_answer",
            "fuse_get_req",
            "__fuse_request_send",
            "__fuse_simple_request",
            "fuse_wait_on_page_writeback",
            "fuse_simple_request",
        ],
        &[],
        A::User("FUSE reply"),
        "the FUSE daemon",
    ),
    row(
        "W40",
        &[
            "rpc_wait_bit_killable",
            "__rpc_execute",
            "__rpc_wait_for_completion_task",
            "rpc_wait_for_completion_task",
            "nfs_wait_bit_killable",
            "nfs_wait_bit_uninterruptible",
            "cifs_wait_response",
            "wait_for_response",
            "compound_send_recv",
            "nfs4_wait_clnt_recover",
            "p9_client_rpc",
            "ceph_mdsc_wait_request",
            "ceph_mdsc_do_request",
            "afs_wait_for_*",
            "rxrpc_wait_*",
        ],
        &[],
        A::Server,
        "the server or the network",
    ),
    row(
        "W41",
        &["d_alloc_parallel", "d_wait_lookup"],
        &[],
        A::Resource("another lookup of the same name"),
        "the first looker",
    ),
    row(
        "W42",
        &[
            "__wait_on_freeing_inode",
            "find_inode*",
            "ilookup*",
            "iget_locked",
            "wait_on_inode",
            "__wait_on_new_inode",
        ],
        &[],
        A::Resource("eviction or setup of an inode"),
        "the evicting task",
    ),
    row(
        "W43",
        &[
            "super_lock",
            "wait_var_event",
            "sb_wait_write",
            "grab_super",
            "__super_lock",
            "freeze_super",
            "sb_freeze*",
        ],
        &[],
        A::Resource("mount, freeze or thaw"),
        "the freezer or umounter",
    ),
    row(
        "W45",
        &[
            "async_synchronize_*",
            "wait_for_device_probe",
            "idempotent*",
            "resolve_symbol_wait",
            "do_init_module",
            "finished_loading",
            "add_unformed_module",
            "async_synchronize_full",
            "request_firmware*",
            "_request_firmware",
            "call_usermodehelper*",
            "__request_module",
        ],
        &[],
        A::Resource("initialisation"),
        "the async worker, loader or helper",
    ),
    row(
        "W49",
        &[
            "coredump_wait",
            "do_coredump",
            "exit_mm",
            "coredump_task_exit",
            "zap_threads",
            "de_thread",
            "exit_signals",
            "zap_pid_ns_processes",
        ],
        &[],
        A::Resource("other threads"),
        "the other threads",
    ),
];

/// A wait that was recognised.
#[derive(Clone, Debug)]
pub struct Wait {
    /// The row; its id is `W51` where none fits.
    pub rule: &'static str,
    /// What is awaited.
    pub awaited: Awaited,
    /// Who releases it, from the row.
    pub released_by: &'static str,
    /// Function in which the wait was recognised.
    pub function: String,
    /// The function that asked for it: the first one further out that is no part of the primitive.
    pub caller: Option<String>,
    /// Return offset in the caller.
    pub caller_offset: Option<u64>,
    /// The lines of the frames from the waiting one to the caller.
    pub lines: LineSpan,
}

fn matches(pattern: &str, function: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => function.starts_with(start),
        None => function == pattern,
    }
}

fn any(patterns: &[&str], function: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, function))
}

/// Functions that are parts of locking and waiting primitives, not their callers.
const PRIMITIVES: &[&str] = &[
    "__mutex_lock*",
    "mutex_lock*",
    "__ww_mutex*",
    "ww_mutex*",
    "rwsem_*",
    "call_rwsem*",
    "down_*",
    "__down*",
    "___down*",
    "down",
    "percpu_*",
    "__percpu_*",
    "rt_mutex*",
    "__rt_mutex*",
    "rtlock_*",
    "rt_spin_*",
    "rwbase_*",
    "__rwbase_*",
    "rt_read_lock",
    "rt_write_lock",
    "rt_down_*",
    "_raw_spin_*",
    "_raw_read_*",
    "_raw_write_*",
    "queued_*",
    "native_queued_*",
    "__pv_queued_*",
    "pv_queued*",
    "do_raw_*",
    "rcuwait_*",
    "rcu_sync_*",
    "__wait_rcu_gp",
    "synchronize_*",
    "__synchronize_srcu*",
    "wait_rcu_gp",
    "lock_sock*",
    "__lock_sock",
    "__raw_spin*",
    "osq_lock",
    "mutex_spin_on_owner",
    "rwsem_spin*",
    "__lock_acquire",
    "lock_acquire",
    "_raw_spin_lock*",
    "raw_spin_*",
    "spin_lock*",
    "__flush_work",
    "flush_work",
    "flush_delayed_work",
    "__flush_workqueue",
    "drain_workqueue",
    "destroy_workqueue",
    "cancel_*work*",
    "__cancel_*",
    "cpus_read_lock",
    "get_online_cpus",
    "mutex_optimistic_spin",
    "ldsem_*",
    "__ldsem_*",
];

/// Whether the function is part of a locking or waiting primitive.
pub fn is_primitive(function: &str) -> bool {
    any(PRIMITIVES, function)
}

/// What the stack waits for, if it shows a wait: asleep in a known function, or spinning in one.
pub fn awaited(snapshot: &Snapshot) -> Option<Wait> {
    let frames = stack::task_frames(snapshot);
    let running = snapshot.on_cpu && !matches!(snapshot.state, Some('D' | 'S' | 'I'));
    if running {
        return spins(snapshot, &frames);
    }
    // Frames that two printers spoilt may stand between the scheduler's.
    let asleep = frames
        .iter()
        .take(12)
        .rposition(|frame| stack::is_scheduling(&frame.function))
        .map_or(0, |at| at + 1);
    let body = &frames[asleep..];
    for (at, frame) in body.iter().enumerate().take(2) {
        if at == 1 && !is_primitive(&body[0].function) {
            break;
        }
        for rule in WAIT_RULES {
            if any(rule.frames, &frame.function)
                && (rule.inside.is_empty()
                    || body[at..]
                        .iter()
                        .skip(usize::from(rule.id != "W06"))
                        .take(8)
                        .any(|f| any(rule.inside, &f.function)))
            {
                // The journal's thread waits for handles, or for the blocks it has sent to the disk.
                if rule.id == "W24" && waits_for_io(&frames[..asleep]) {
                    return Some(found(
                        "W29",
                        A::Device("journal I/O"),
                        "the device",
                        frame,
                        &body[at..],
                    ));
                }
                return Some(found(rule.id, rule.awaited, rule.released_by, frame, &body[at..]));
            }
        }
    }
    let completion = frames[..asleep].iter().any(|frame| frame.function.contains("wait_for_co"));
    let frame = body.first()?;
    // Only a stack that goes through the scheduler shows a wait; where the next frame is the way into the
    // kernel, frames are lost.
    let lost = stack::is_syscall_entry(&frame.function)
        || ["__arm64_sys_", "__x64_sys_", "__se_sys_", "ksys_", "kthread", "ret_from_fork"]
            .iter()
            .any(|start| frame.function.starts_with(start));
    (asleep > 0 && !lost).then(|| {
        if waits_for_io(&frames[..asleep]) {
            return found("W32", A::Device("I/O"), "the device", frame, body);
        }
        let released_by = if completion { "whoever calls complete() for it" } else { "" };
        found("W51", A::Completion, released_by, frame, body)
    })
}

/// Whether the frames of the scheduler say that the wait is for I/O that was sent off.
fn waits_for_io(scheduling: &[&Frame]) -> bool {
    scheduling.iter().any(|frame| {
        frame.function.starts_with("wait_for_completion_io")
            || frame.function.starts_with("wait_for_common_io")
            || frame.function.starts_with("bit_wait_io")
    })
}

fn found(
    rule: &'static str,
    awaited: Awaited,
    released_by: &'static str,
    frame: &Frame,
    body: &[&Frame],
) -> Wait {
    let caller = body.iter().skip(1).find(|f| !is_primitive(&f.function));
    let last = caller.map_or(frame.line, |f| f.line);
    Wait {
        rule,
        awaited,
        released_by,
        function: frame.function.clone(),
        caller: caller.map(|f| f.function.clone()),
        caller_offset: caller.and_then(|f| f.offset),
        lines: LineSpan::new(frame.line, last),
    }
}

const SPINS: &[&str] = &[
    "native_queued_spin_lock_slowpath",
    "queued_spin_lock_slowpath",
    "__pv_queued_spin_lock_slowpath",
    "pv_queued_spin_lock_slowpath",
    "do_raw_spin_lock",
    "_raw_spin_lock*",
    "queued_write_lock_slowpath",
    "queued_read_lock_slowpath",
    "raw_spin_rq_lock_nested",
    "__raw_spin_lock*",
    "_raw_read_lock*",
    "_raw_write_lock*",
    "arch_spin_lock_wait",
    "arch_spin_lock_lp",
    "osq_lock",
];

/// A running task that spins for somebody else.
fn spins(snapshot: &Snapshot, frames: &[&Frame]) -> Option<Wait> {
    let remote = WAIT_RULES.iter().find(|rule| rule.awaited == A::RemoteCpu)?;
    let pointer = stack::instruction(snapshot);
    let top = pointer.map(|at| (at.function.as_str(), at.line));
    let innermost = frames.first().map(|frame| (frame.function.as_str(), frame.line));
    for (function, line) in [top, innermost].into_iter().flatten() {
        let outer: Vec<&&Frame> =
            frames.iter().filter(|frame| !is_primitive(&frame.function)).take(1).collect();
        let make = |rule, awaited, released_by| Wait {
            rule,
            awaited,
            released_by,
            function: function.to_owned(),
            caller: outer.iter().map(|f| f.function.clone()).find(|f| f != function).or_else(
                || {
                    frames
                        .iter()
                        .find(|f| f.function != function && !is_primitive(&f.function))
                        .map(|f| f.function.clone())
                },
            ),
            caller_offset: None,
            lines: LineSpan::line(line),
        };
        if any(remote.frames, function) {
            return Some(make(remote.id, remote.awaited, remote.released_by));
        }
        if any(SPINS, function) {
            return Some(make("W08", A::SpinLock, "the CPU that holds it"));
        }
        if top.is_some() && !YIELDS.iter().any(|start| function.starts_with(start)) {
            break;
        }
    }
    None
}

/// Ways in which a virtual CPU hands its time to another while it spins.
const YIELDS: &[&str] = &[
    "plpar_hcall",
    "yield_to_preempted",
    "smp_yield_cpu",
    "kvm_wait",
    "pv_wait",
    "xen_hypercall",
    "native_safe_halt",
    "pv_native_safe_halt",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn stack_of(state: char, functions: &[&str]) -> Snapshot {
        let frames = functions
            .iter()
            .enumerate()
            .map(|(at, function)| Frame {
                line: at as u64 + 10,
                function: (*function).to_owned(),
                offset: Some(16),
                size: Some(64),
                module: None,
                reliable: true,
                interrupt: false,
            })
            .collect();
        Snapshot { state: Some(state), on_cpu: state == 'R', frames, ..Snapshot::default() }
    }

    #[test]
    fn each_row_is_reached_by_its_own_frames() {
        for rule in WAIT_RULES {
            let first = rule.frames[0].trim_end_matches('*');
            let mut functions = vec!["__schedule", "schedule", first];
            if let Some(inside) = rule.inside.first() {
                functions.push(inside.trim_end_matches('*'));
            }
            let wait = awaited(&stack_of('D', &functions))
                .unwrap_or_else(|| panic!("{}: no wait", rule.id));
            assert_eq!(wait.awaited, rule.awaited, "{} ({first})", rule.id);
        }
    }

    #[test]
    fn the_lock_is_asked_for_by_the_first_function_that_is_no_primitive() {
        let wait = awaited(&stack_of(
            'D',
            &[
                "__schedule",
                "schedule",
                "schedule_preempt_disabled",
                "__mutex_lock",
                "mutex_lock_nested",
                "my_open",
                "vfs_open",
            ],
        ))
        .unwrap();
        assert_eq!(
            (wait.rule, wait.caller.as_deref(), wait.lines),
            ("W01", Some("my_open"), LineSpan::new(13, 15))
        );
    }

    #[test]
    fn a_wait_far_out_is_not_taken_for_the_present_one() {
        let wait =
            awaited(&stack_of('D', &["__schedule", "schedule", "my_own_wait", "blk_queue_enter"]))
                .unwrap();
        assert_eq!((wait.rule, wait.awaited), ("W51", Awaited::Completion));
    }

    #[test]
    fn a_running_task_waits_only_where_it_spins() {
        assert!(awaited(&stack_of('R', &["my_loop", "mutex_lock", "vfs_read"])).is_none());
        let wait =
            awaited(&stack_of('R', &["queued_spin_lock_slowpath", "_raw_spin_lock", "my_poll"]))
                .unwrap();
        assert_eq!((wait.awaited, wait.caller.as_deref()), (Awaited::SpinLock, Some("my_poll")));
    }
}
