//! The roles of kernel functions.

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
