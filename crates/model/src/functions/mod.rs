//! What kernel functions are there for: one table for the whole workspace.
//!
//! A stack holds many functions that tell nothing about a bug: the machinery that printed it, locks, allocators,
//! string functions, the scheduler. [`role`] tells which of them a function belongs to, and `None` for the functions
//! that do a kernel's own work. What a role means for a title, a wait or a cause is decided where it is used.
//!
//! Rows are data, in [`table`]; a newcomer adds a name to the row of its role.

mod table;

use std::collections::HashMap;
use std::sync::LazyLock;

use table::ROWS;

/// What a kernel function is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Chooses and switches tasks: `kernel/sched/core.c`.
    Scheduler,
    /// Waits for something that its caller names: `kernel/sched/{wait,wait_bit,completion,swait}.c`.
    Wait,
    /// Wakes those who wait so: the same files.
    Wake,
    /// Takes and releases locks: `kernel/locking/`, `include/linux/{mutex,rwsem,spinlock}.h`.
    Lock,
    /// Checks how locks are used: `kernel/locking/lockdep.c`.
    Lockdep,
    /// Gives and takes memory, as callers know it: `mm/{slub,slab,slob,slab_common,util}.c`, `include/linux/{slab,gfp}.h`.
    Allocator,
    /// What lies below: `mm/{page_alloc,vmalloc,mempool,percpu}.c`.
    PageAllocator,
    /// Hooks and reports of KASAN, KFENCE, KMSAN, KCSAN, UBSAN, kmemleak and debugobjects.
    Sanitizer,
    /// Finds that something is wrong and reports it: `lib/{bug,list_debug,refcount}.c`, `kernel/panic.c`,
    /// `kernel/{watchdog,hung_task}.c`, `kernel/rcu/tree_stall.h`, `mm/usercopy.c`, `might_sleep()`.
    Detector,
    /// Walks stacks for others: `arch/*/kernel/unwind*.c`.
    Unwinder,
    /// Prints stacks, registers and memory: `lib/{dump_stack,nmi_backtrace}.c`, `arch/*/kernel/{dumpstack,stacktrace}.c`.
    Dumper,
    /// Formats and prints messages: `kernel/printk/`, `lib/vsprintf.c`, `drivers/base/core.c`.
    Printk,
    /// Writes messages to the consoles: `kernel/printk/`, `drivers/tty/`.
    Console,
    /// The processor enters here for a fault or trap, and what passes it on: `arch/*/kernel/{entry*,traps}`.
    Exception,
    /// Handles a fault, and does work of its own: `arch/*/mm/fault.c`, `arch/*/kernel/traps.c`.
    Fault,
    /// The processor enters here for an interrupt, and what passes it on: `arch/*/kernel/{irq,entry*}`.
    Interrupt,
    /// The tick and the high-resolution timers: `kernel/time/{tick-*,hrtimer,timer}.c`.
    Tick,
    /// A system call enters here: `arch/*/entry/`, `arch/*/kernel/{entry*,syscall}.c`.
    SyscallEntry,
    /// Copies, compares and fills memory and strings, also to and from programs: `lib/{string,usercopy,iov_iter}.c`.
    Memory,
    /// Loops over memory in assembly, which fault themselves: `arch/*/lib/{clear_page,copy_user,copy_page}*`.
    MemoryLoop,
    /// Atomic variables, bits, reference counters, registers of devices, checksums.
    Atomic,
    /// Lists, trees, arrays, identifiers: `lib/{rbtree,xarray,idr,rhashtable,klist}.c`, `include/linux/list.h`.
    Container,
    /// Starts, stops and waits for timers: `kernel/time/timer.c`.
    Timer,
    /// Hands out work and waits for it: `kernel/workqueue.c`.
    Workqueue,
    /// Runs work, threads and softirqs: `kernel/{workqueue,kthread,softirq,smpboot}.c`.
    Runner,
    /// Read-copy update: `kernel/rcu/`.
    Rcu,
    /// Asks other CPUs to do something: `kernel/smp.c`.
    CrossCall,
    /// A CPU with nothing to do: `kernel/sched/idle.c`, `drivers/cpuidle/`, `arch/*/kernel/process.c`.
    Idle,
    /// Coverage for fuzzers: `kernel/kcov.c`.
    Coverage,
    /// Trace points and probes: `kernel/trace/`.
    Tracing,
    /// Objects of the driver model and their files: `lib/kobject.c`, `drivers/base/`, `fs/sysfs/`.
    DriverCore,
    /// Inodes, directory entries and the page cache, for any file system: `fs/{inode,dcache}.c`, `mm/{filemap,truncate}.c`.
    FileCore,
    /// Ciphers and random numbers: `crypto/`, `lib/crypto/`.
    Crypto,
    /// Network buffers and devices, for any protocol: `net/core/{dev,skbuff,sock}.c`.
    NetCore,
    /// Requests to USB devices, for any driver: `drivers/usb/core/{urb,message,hcd}.c`.
    UsbCore,
}

/// How a row's name is compared.
enum Form {
    Whole,
    Start,
    Word,
}

/// A name of the table: `name`, `name*` (how a name starts) or `*name` (a word in the middle starts so).
fn form(entry: &'static str) -> (Form, &'static str) {
    match (entry.strip_prefix('*'), entry.strip_suffix('*')) {
        (Some(rest), _) => (Form::Word, rest),
        (None, Some(rest)) => (Form::Start, rest),
        (None, None) => (Form::Whole, entry),
    }
}

#[derive(Default)]
struct Index {
    whole: HashMap<&'static str, Role>,
    start: Starts,
    word: Starts,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index::default();
    let (mut start, mut word) = (Vec::new(), Vec::new());
    for (role, names) in ROWS {
        for entry in *names {
            match form(entry) {
                (Form::Whole, name) => {
                    index.whole.insert(name, *role);
                }
                (Form::Start, name) => start.push((name, *role)),
                (Form::Word, name) => word.push((name, *role)),
            }
        }
    }
    index.start = Starts::new(start);
    index.word = Starts::new(word);
    index
});

/// Starts of names, sorted, with the range of each first byte.
#[derive(Default)]
struct Starts {
    sorted: Vec<(&'static str, Role)>,
    ranges: Vec<(usize, usize)>,
}

impl Starts {
    fn new(mut sorted: Vec<(&'static str, Role)>) -> Self {
        sorted.sort_unstable();
        let first = |byte: usize| {
            sorted.partition_point(|(entry, _)| usize::from(entry.as_bytes()[0]) < byte)
        };
        let ranges = (0..256).map(|byte| (first(byte), first(byte + 1))).collect();
        Self { sorted, ranges }
    }

    /// The role of the longest entry that `name` starts with.
    fn longest(&self, name: &str) -> Option<Role> {
        let (from, to) = self.ranges[usize::from(*name.as_bytes().first()?)];
        longest_start(&self.sorted[from..to], name)
    }
}

/// The name without leading underscores, without the dot of powerpc's function descriptors, and without what the
/// compiler appended (`.isra.0`, `.cold`): the variants of one function share a row.
pub fn stem(function: &str) -> &str {
    let name = function.trim_start_matches(['.', '_']);
    let name = if name.is_empty() { function } else { name };
    match name.find('.') {
        Some(at) if at > 0 => &name[..at],
        _ => name,
    }
}

/// What the function is there for; `None` when the table does not know it, as for nearly all functions.
pub fn role(function: &str) -> Option<Role> {
    let name = stem(function);
    let index = &*INDEX;
    if let Some(role) = index.whole.get(name) {
        return Some(*role);
    }
    index.start.longest(name).or_else(|| {
        let words = name.match_indices('_').map(|(at, _)| &name[at + 1..]);
        std::iter::once(name).chain(words).find_map(|rest| index.word.longest(rest))
    })
}

/// The longest of the sorted entries that `name` starts with.
fn longest_start(sorted: &[(&'static str, Role)], name: &str) -> Option<Role> {
    let mut wanted = name;
    loop {
        let before = sorted.partition_point(|(entry, _)| *entry <= wanted);
        let (entry, role) = sorted.get(before.checked_sub(1)?)?;
        let common = entry.bytes().zip(wanted.bytes()).take_while(|(a, b)| a == b).count();
        if common == entry.len() {
            return Some(*role);
        }
        // Whatever matches lies before this entry and is no longer than what both share.
        wanted = &wanted[..wanted.floor_char_boundary(common)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_of_a_function_share_its_role() {
        for name in ["__schedule", "schedule", "schedule_timeout", "io_schedule"] {
            assert_eq!(role(name), Some(Role::Scheduler), "{name}");
        }
        for name in
            ["_raw_spin_lock_irqsave", "native_queued_spin_lock_slowpath", "__mutex_lock.isra.0"]
        {
            assert_eq!(role(name), Some(Role::Lock), "{name}");
        }
        assert_eq!(role("__kmalloc_node_track_caller_noprof"), Some(Role::Allocator));
        assert_eq!(role("asm_sysvec_apic_timer_interrupt"), Some(Role::Interrupt));
        assert_eq!(role(".check_preemption_disabled"), role("check_preemption_disabled"));
        assert_eq!(role(".check_preemption_disabled"), Some(Role::Detector));
    }

    #[test]
    fn functions_that_do_work_have_no_role() {
        for name in ["ext4_iput", "tcp_sendmsg", "do_sys_openat2", "", "_", "é", "__é_lock"] {
            assert_eq!(role(name), None, "{name}");
        }
    }

    #[test]
    fn no_name_stands_in_two_rows() {
        let mut seen = HashMap::new();
        for (role, names) in ROWS {
            for name in *names {
                assert_eq!(seen.insert(*name, *role), None, "{name} stands twice");
                let (_, bare) = form(name);
                assert_eq!(stem(bare), bare, "{name}: the table holds stems");
                assert!(!bare.contains('*'), "{name}");
            }
        }
    }

    #[test]
    fn the_longest_entry_decides() {
        let sorted = [("a", Role::Idle), ("ab_", Role::Lock), ("abc", Role::Wait)];
        assert_eq!(longest_start(&sorted, "ab_c"), Some(Role::Lock));
        assert_eq!(longest_start(&sorted, "abd"), Some(Role::Idle));
        assert_eq!(longest_start(&sorted, "b"), None);
    }
}
