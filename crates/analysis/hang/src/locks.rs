//! Names of locks by the function that takes them, and functions inside of which a lock is held. Facts
//! about the kernel's source; every use is graded INFERRED.

use crate::kernel::Kernel;

/// `caller` takes `lock`, in releases from `since` to before `until`.
#[derive(Clone, Copy, Debug)]
pub struct TakenBy {
    /// The function that calls the locking primitive, or that primitive's wrapper.
    pub caller: &'static str,
    /// The lock.
    pub lock: &'static str,
    /// First release that does so.
    pub since: (u32, u32),
    /// First release that no longer does.
    pub until: (u32, u32),
}

const ALWAYS: (u32, u32) = (0, 0);
const STILL: (u32, u32) = (u32::MAX, 0);

const fn by(caller: &'static str, lock: &'static str) -> TakenBy {
    TakenBy { caller, lock, since: ALWAYS, until: STILL }
}

/// Locks by the function that asks for them.
pub const TAKEN_BY: &[TakenBy] = &[
    by("cgroup_kn_lock_live", "cgroup_mutex"),
    TakenBy { caller: "proc_cgroup_show", lock: "cgroup_mutex", since: ALWAYS, until: (6, 8) },
    by("cgroup_transfer_tasks", "cgroup_mutex"),
    by("cgroup_lock_and_drain_offline", "cgroup_mutex"),
    by("cgroup_rmdir", "cgroup_mutex"),
    by("css_killed_work_fn", "cgroup_mutex"),
    by("css_release_work_fn", "cgroup_mutex"),
    by("rtnl_lock", "rtnl_mutex"),
    by("rtnl_lock_killable", "rtnl_mutex"),
    by("rtnetlink_rcv_msg", "rtnl_mutex"),
    by("linkwatch_event", "rtnl_mutex"),
    by("addrconf_dad_work", "rtnl_mutex"),
    by("addrconf_verify_work", "rtnl_mutex"),
    by("register_netdev", "rtnl_mutex"),
    by("unregister_netdev", "rtnl_mutex"),
    by("default_device_exit_batch", "rtnl_mutex"),
    by("netdev_run_todo_rtnl", "rtnl_mutex"),
    by("devinet_ioctl", "rtnl_mutex"),
    by("ib_get_eth_speed", "rtnl_mutex"),
    by("register_netdevice_notifier", "rtnl_mutex"),
    by("unregister_netdevice_notifier", "rtnl_mutex"),
    by("genl_rcv", "genl rwsem"),
    by("genl_rcv_msg", "genl_mutex"),
    by("__fdget_pos", "f_pos_lock"),
    by("fdget_pos", "f_pos_lock"),
    by("misc_open", "misc_mtx"),
    by("tty_open", "tty_mutex"),
    by("lock_mount", "namespace_sem"),
    by("do_lock_mount", "namespace_sem"),
    by("text_poke_bp", "text_mutex"),
    by("jump_label_lock", "jump_label_mutex"),
    by("cpus_read_lock", "cpu_hotplug_lock"),
    by("get_online_cpus", "cpu_hotplug_lock"),
    by("static_key_slow_inc", "cpu_hotplug_lock"),
    by("static_key_slow_dec", "cpu_hotplug_lock"),
    by("vmstat_shepherd", "cpu_hotplug_lock"),
    by("cpus_write_lock", "cpu_hotplug_lock"),
    by("_cpu_down", "cpu_hotplug_lock"),
    by("_cpu_up", "cpu_hotplug_lock"),
    by("register_shrinker", "shrinker_rwsem"),
    by("unregister_shrinker", "shrinker_rwsem"),
    by("register_shrinker_prepared", "shrinker_rwsem"),
    by("prealloc_shrinker", "shrinker_rwsem"),
    by("dm_thin_find_block", "dm-thin pmd root_lock"),
    by("dm_thin_insert_block", "dm-thin pmd root_lock"),
    by("dm_pool_commit_metadata", "dm-thin pmd root_lock"),
    by("dm_pool_abort_metadata", "dm-thin pmd root_lock"),
    by("rdma_dev_change_netns", "ib_device unregistration_lock"),
    by("register_pernet_subsys", "pernet_ops_rwsem"),
    by("register_pernet_device", "pernet_ops_rwsem"),
    by("unregister_pernet_subsys", "pernet_ops_rwsem"),
    by("copy_net_ns", "pernet_ops_rwsem"),
    by("thaw_super", "s_umount"),
    by("freeze_super", "s_umount"),
    by("deactivate_super", "s_umount"),
    by("iterate_supers", "s_umount"),
    by("console_lock", "console_sem"),
    by("kmem_cache_destroy", "slab_mutex"),
    by("kmem_cache_create_usercopy", "slab_mutex"),
];

/// While `function` is on the stack with something inside of it, `lock` is held, unless what is inside is
/// the taking of that very lock.
#[derive(Clone, Copy, Debug)]
pub struct HeldInside {
    /// The lock.
    pub lock: &'static str,
    /// The function.
    pub function: &'static str,
    /// Functions called by it before the lock is taken or after it is released.
    pub not_yet: &'static [&'static str],
    /// First release that no longer does so.
    pub until: (u32, u32),
}

const fn held(
    lock: &'static str,
    function: &'static str,
    not_yet: &'static [&'static str],
) -> HeldInside {
    HeldInside { lock, function, not_yet, until: STILL }
}

/// Functions inside of which a lock is held.
pub const HELD_INSIDE: &[HeldInside] = &[
    held("cgroup_mutex", "__cgroup_procs_write", &["cgroup_kn_lock_live", "cgroup_kn_unlock"]),
    held(
        "cgroup_mutex",
        "cgroup_mkdir",
        &["cgroup_kn_lock_live", "cgroup_kn_unlock", "cgroup_lock_and_drain_offline"],
    ),
    held(
        "cgroup_mutex",
        "cgroup_subtree_control_write",
        &["cgroup_kn_lock_live", "cgroup_kn_unlock", "cgroup_lock_and_drain_offline"],
    ),
    held("cgroup_mutex", "cgroup_apply_control", &[]),
    held("cgroup_mutex", "cgroup_apply_control_enable", &[]),
    held("cgroup_mutex", "cgroup_destroy_locked", &[]),
    held("cgroup_mutex", "cgroup_attach_task", &[]),
    held(
        "rtnl_mutex",
        "rtnl_newlink",
        &["rtnl_lock", "rtnl_net_lock", "rtnl_nets_lock", "request_module", "__request_module"],
    ),
    held("rtnl_mutex", "rtnl_dellink", &["rtnl_lock", "rtnl_net_lock", "netdev_run_todo"]),
    held("rtnl_mutex", "do_setlink", &[]),
    held("rtnl_mutex", "register_netdevice", &[]),
    held("rtnl_mutex", "unregister_netdevice_many", &[]),
    held("rtnl_mutex", "unregister_netdevice_many_notify", &[]),
    held("rtnl_mutex", "unregister_netdevice_queue", &[]),
    held("rtnl_mutex", "__dev_open", &[]),
    held("rtnl_mutex", "__dev_close_many", &[]),
    held("rtnl_mutex", "dev_close_many", &[]),
    held("rtnl_mutex", "__dev_change_flags", &[]),
    held("rtnl_mutex", "__netdev_upper_dev_link", &[]),
    held("rtnl_mutex", "__linkwatch_run_queue", &[]),
    held("ib_device unregistration_lock", "__ib_unregister_device", &[]),
    held("cpu_hotplug_lock", "_cpu_down", &["cpus_write_lock", "percpu_down_write"]),
    held("cpu_hotplug_lock", "_cpu_up", &["cpus_write_lock", "percpu_down_write"]),
    held("s_umount", "super_cache_scan", &["super_trylock_shared", "trylock_super"]),
    held("s_umount", "super_cache_count", &[]),
    held("s_umount", "generic_shutdown_super", &[]),
    HeldInside { lock: "shrinker_rwsem", function: "shrink_slab", not_yet: &[], until: (6, 7) },
    held("dm-thin pmd root_lock", "dm_pool_abort_metadata", &["down_write"]),
    held("pernet_ops_rwsem", "cleanup_net", &["rcu_barrier", "wait_for_completion"]),
];

/// Names of which there are many locks: one for each file system, open file, device.
const ONE_OF_MANY: &[&str] =
    &["f_pos_lock", "s_umount", "dm-thin pmd root_lock", "ib_device unregistration_lock"];

/// Whether the name is that of many locks, so that two tasks that ask for it may ask for different ones.
pub fn is_one_of_many(name: &str) -> bool {
    ONE_OF_MANY.contains(&name)
}

/// Workqueues by the function that flushes them: `(caller, queue)`.
pub const FLUSHES: &[(&str, &str)] =
    &[("ib_cache_cleanup_one", "infiniband"), ("linkwatch_run_queue", "events")];

fn in_range(kernel: &Kernel, since: (u32, u32), until: (u32, u32)) -> bool {
    match kernel.version {
        Some(version) => since <= version && version < until,
        // An unknown release: only what holds for all of them.
        None => since == ALWAYS && until == STILL,
    }
}

/// The lock that the function asks for in that release.
pub fn taken_by(caller: &str, kernel: &Kernel) -> Option<&'static str> {
    TAKEN_BY
        .iter()
        .find(|row| row.caller == caller && in_range(kernel, row.since, row.until))
        .map(|row| row.lock)
}

/// Whether a stack (functions from the innermost) shows that the lock is held; gives the index of the function.
pub fn held_at(lock: &str, functions: &[&str], kernel: &Kernel) -> Option<usize> {
    HELD_INSIDE
        .iter()
        .filter(|row| row.lock == lock && in_range(kernel, ALWAYS, row.until))
        .filter_map(|row| {
            let at = functions.iter().position(|function| *function == row.function)?;
            let inner = functions.get(at.checked_sub(1)?)?;
            let inside = &functions[..at];
            let taking = row.not_yet.contains(inner)
                || inside.iter().rev().take(1).any(|f| taken_by(f, kernel) == Some(lock));
            (!taking).then_some(at)
        })
        .min()
}

/// Functions that return with the lock of their name held: a later call in the same caller holds it.
pub fn returns_locked(function: &str) -> bool {
    [
        "cgroup_kn_lock_live",
        "rtnl_lock",
        "rtnl_lock_killable",
        "lock_mount",
        "cpus_read_lock",
        "genl_lock",
        "device_lock",
    ]
    .contains(&function)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(release: &str) -> Kernel {
        let mut kernel = Kernel::default();
        kernel.observe(&format!("Linux version {release} (x)"), 1);
        kernel
    }

    #[test]
    fn a_name_is_given_only_for_releases_that_take_the_lock() {
        assert_eq!(taken_by("proc_cgroup_show", &kernel("6.4.0")), Some("cgroup_mutex"));
        assert_eq!(taken_by("proc_cgroup_show", &kernel("6.9.0")), None);
        assert_eq!(taken_by("proc_cgroup_show", &Kernel::default()), None);
        assert_eq!(taken_by("cgroup_kn_lock_live", &Kernel::default()), Some("cgroup_mutex"));
    }

    #[test]
    fn a_stack_inside_holds_the_lock_but_not_while_taking_it() {
        let kernel = kernel("6.4.0");
        assert_eq!(
            held_at(
                "cgroup_mutex",
                &["synchronize_rcu", "cgroup_procs_write_start", "__cgroup_procs_write"],
                &kernel
            ),
            Some(2)
        );
        assert_eq!(
            held_at(
                "cgroup_mutex",
                &["mutex_lock", "cgroup_kn_lock_live", "__cgroup_procs_write"],
                &kernel
            ),
            None
        );
    }
}
