//! Entries: functions that do nothing but run what was asked for. In a stall, the function that an
//! entry called names the bug, since the top frame moves from sample to sample.

/// Regular expressions over the whole function name. The innermost entry of the stack counts.
pub(crate) const ENTRIES: &[&str] = &[
    // System calls, by their dispatchers.
    r"do_syscall_(?:32|64)",
    r"(?:__)?do_fast_syscall_32",
    r"do_(?:int80_)?syscall_32.*",
    r"entry_SYSCALL.*",
    r"entry_SYSENTER.*",
    r"sysenter_.*",
    r"system_call_fastpath",
    r"int_ret_from_sys_call",
    r"x64_sys_call",
    r"ia32_sys_call",
    r"invoke_syscall",
    r"(?:do_)?el0_svc.*",
    r"ret_fast_syscall",
    r"system_call_exception",
    r"do_trap_ecall_u",
    r"__do_syscall",
    r"system_call(?:_common)?",
    r"syscall_exit",
    r"(?:handle_sys|do_syscall|syscall_common).*",
    r"linux_sparc_syscall.*",
    r"do_notify_resume",
    r"work_pending",
    // What a system call dispatches to in turn.
    r"(?:do_|ksys_|__)?vfs_ioctl",
    r"ksys_ioctl",
    r"(?:sys|SyS|SYSC|__x64_sys|__se_sys|__ia32_sys|__arm64_sys)_ioctl",
    r".*compat.*ioctl",
    r"(?:__)?vfs_(?:read|write)",
    r"new_sync_(?:read|write)",
    r"do_loop_readv_writev",
    r"__fput",
    r"do_dentry_open",
    r"(?:__)?mmap_region",
    r"task_work_run",
    r"__do_fault",
    r"sock_(?:send|recv)msg(?:_nosec)?",
    r"sock_common_(?:get|set)sockopt",
    r"__sys_(?:connect|bind|listen|accept4?|shutdown|getname)(?:_file|_socket)?",
    r"(?:__sys|do_sock|__x64_sys|__arm64_sys|SyS|sys)_(?:get|set)sockopt",
    // Netlink.
    r".*netlink_rcv_msg",
    r"netlink_dump",
    // Received packets.
    r"__netif_receive_skb_(?:core|one_core|list_core|list_ptype).*",
    // Deferred work.
    r"call_timer_fn",
    r"tasklet_action_common",
    r"process_one_work",
    r"irq_exit(?:_rcu)?",
    r"__hrtimer_run_queues",
    r"cpu_startup_entry",
    r"kthread",
    r"ret_from_(?:fork|kernel_thread).*",
    r"kernel_init",
    r"start_kernel",
    r"start_secondary",
];

/// (regular expression over the whole name, the name under which such waits are taken together).
pub(crate) const BUCKETS: &[(&str, &str)] = &[
    (r"smp_call_function(?:_single|_many)?(?:_cond|_async)?", "smp_call_function"),
    (
        r"(?:__)?synchronize_(?:rcu|srcu|sched|rcu_bh|rcu_tasks)(?:_expedited|_normal|_bh)?",
        "synchronize_rcu",
    ),
    (r"rtnl_lock(?:_killable|_interruptible)?", "rtnl_lock"),
];
