//! Where it happened: places, stacks, calls, system calls, accesses, context, CPU and task.

use model::{AccessKind, Context, CpuId, Predicate, Task};

use super::fact::Facts;
use super::kind::headline;
use super::log::Log;
use super::scan::{after, function, hex, number, number_after, task_colon, word};
use super::stack::{self, Frame, Mark, Part, Stack};

pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    for (at, message) in log.messages.iter().enumerate() {
        let text = headline(&message.text);
        places(at, text, facts);
        accesses(at, text, facts);
        processors(at, text, facts);
        current(at, text, facts);
        work(at, text, facts);
        source(at, text, facts);
        context_flags(at, text, facts);
        values(at, text, facts);
    }
    for stack in log.stacks() {
        stack_places(log, stack, facts);
        calls(stack, facts);
        context(stack, facts);
        race(log, stack, facts);
    }
}

fn place(function: &str) -> Predicate {
    Predicate::CrashPlace { function: function.to_owned() }
}

/// The function that a headline names.
fn places(at: usize, text: &str, facts: &mut Facts<'_>) {
    let sanitizer = ["BUG: KASAN: ", "BUG: KFENCE: ", "BUG: KMSAN: ", "BUG: KCSAN: "];
    if sanitizer.iter().any(|head| text.starts_with(head)) {
        let Some(rest) = after(text, " in ") else { return };
        for side in rest.split(" / ") {
            if let Some(name) = function(side) {
                facts.say(&[at], place(name));
            }
        }
    } else if text.starts_with("unchecked MSR access error: ") {
        let inner = after(text, " at rIP: ").and_then(|rest| after(rest, "("));
        if let Some(name) = inner.and_then(function) {
            facts.say(&[at], place(name));
        }
    } else if let Some(rest) = text.strip_prefix("WARNING: ").and_then(|rest| after(rest, " at ")) {
        // Before 6.18 the source stands before the function, from then on behind ` at `.
        for candidate in rest.split_ascii_whitespace().take(2) {
            if candidate.contains("+0x")
                && let Some(name) = function(candidate)
            {
                facts.say(&[at], place(name));
            }
            // Decoded, the function that the compiler put into another stands alone.
            let inlined = text.contains("[inline]") || rest.trim_end().ends_with(candidate);
            if inlined
                && !candidate.contains([':', '+', '/', '.'])
                && let Some(name) = function(candidate)
            {
                facts.hint(&[at], place(name));
            }
        }
    }
}

/// How functions of detectors, traps, allocators' checks and lock primitives begin: what failed is above them.
const HELPERS: &[&str] = &[
    "kasan_",
    "fortify_",
    "__fortify",
    "handle_overflow",
    "save_stack",
    "__reset_page_owner",
    "__set_page_owner",
    "___down",
    "__kasan",
    "____kasan",
    "__asan_",
    "kmsan_",
    "__msan_",
    "kcsan_",
    "__tsan_",
    "kfence_",
    "ubsan_",
    "__ubsan",
    "print_",
    "dump_stack",
    "__dump_stack",
    "dump_backtrace",
    "walk_stackframe",
    "unwind_",
    "show_stack",
    "show_trace",
    "show_regs",
    "__show_regs",
    "report_",
    "__report_",
    "handle_bug",
    "exc_",
    "asm_exc_",
    "asm_sysvec_",
    "page_fault",
    "do_page_fault",
    "async_page_fault",
    "bad_area",
    "no_context",
    "fault_in",
    "__warn",
    "warn_slowpath",
    "warn_alloc",
    "refcount_",
    "__refcount",
    "panic",
    "bug_handler",
    "__list_",
    "list_add_",
    "list_del_",
    "_raw_",
    "__raw_",
    "do_raw_",
    "native_queued",
    "queued_",
    "__pv_queued",
    "lock_acquire",
    "__lock_acquire",
    "validate_chain",
    "check_prev",
    "check_noncircular",
    "check_irq",
    "check_wait",
    "check_deadlock",
    "check_memory_region",
    "check_region",
    "check_preemption",
    "mark_lock",
    "lockdep_",
    "rcu_lockdep",
    "register_lock_class",
    "debug_print",
    "debug_check",
    "debug_object",
    "__debug_check",
    "__debug_object",
    "debug_smp",
    "debug_spin",
    "debug_mutex",
    "debug_rt",
    "debug_work",
    "debug_hrtimer",
    "debug_timer",
    "__might_",
    "___might_",
    "might_",
    "spin_bug",
    "spin_dump",
    "rwlock_bug",
    "__this_cpu_preempt",
    "mutex_lock",
    "__mutex_lock",
    "ww_mutex_lock",
    "__ww_mutex",
    "down_read",
    "down_write",
    "__down_",
    "rt_spin_lock",
    "rt_mutex",
    "rt_read_lock",
    "rt_write_lock",
    "__rt_mutex",
    "__rt_spin",
    "rtlock_",
    "wait_for_comp",
    "__wait_for_comp",
    "do_wait_for_comp",
    "wait_for_common",
    "__wait_for_common",
    "schedule_timeout",
    "schedule_hrtimeout",
    "preempt_schedule",
    "bad_page",
    "free_pages_check",
    "check_free_page",
    "free_page_is_bad",
    "check_new_page",
    "free_tail_page",
    "rmqueue",
    "get_page_from_freelist",
    "__get_free_page",
    "get_zeroed_page",
    "prepare_alloc",
    "free_unref_page",
    "free_pcp",
    "free_one_page",
    "slab_err",
    "__slab_err",
    "slab_bug",
    "slab_fix",
    "object_err",
    "init_object",
    "free_debug",
    "alloc_debug",
    "alloc_consistency",
    "free_consistency",
    "check_object",
    "check_bytes",
    "check_slab",
    "check_pad",
    "check_valid",
    "usercopy_",
    "__check_object_size",
    "__check_heap_object",
    "check_heap_object",
    "check_kernel_text",
    "check_page_span",
    "check_bogus",
    "qlist_free",
    "qlink_free",
    "slob_",
    "crash_save",
    "atomic_",
    "__atomic",
    "instrument_",
    "arch_atomic",
];

/// Further ones, by their whole names.
const HELPER_NAMES: &[&str] = &[
    "schedule",
    "__schedule",
    "__schedule_bug",
    "schedule_preempt_disabled",
    "schedule_debug",
    "die",
    "__die",
    "die_kernel_fault",
    "oops_end",
    "oops_begin",
    "memcpy",
    "__memcpy",
    "memset",
    "__memset",
    "memmove",
    "__memmove",
    "memcmp",
    "memchr",
    "memscan",
    "memchr_inv",
    "__pi_memcpy",
    "__pi_memset",
    "__pi_memcmp",
    "strcpy",
    "strncpy",
    "strlcpy",
    "strscpy",
    "strlen",
    "strnlen",
    "strcmp",
    "strncmp",
    "strcasecmp",
    "strncasecmp",
    "strchr",
    "strstr",
    "strcat",
    "strncat",
    "down",
    "down_interruptible",
    "down_killable",
    "down_timeout",
    "down_trylock",
    "mutex_trylock",
    "spin_lock",
    "spin_lock_irq",
    "spin_lock_bh",
    "spin_lock_irqsave",
    "read_lock",
    "write_lock",
    "write_lock_bh",
    "read_lock_bh",
    "try_to_take_rt_mutex",
    "kthread_blkcg",
    "preempt_count_add",
    "preempt_count_sub",
    "smp_processor_id",
    "page_ref_dec_and_test",
    "put_page_testzero",
    "get_page",
    "put_page",
];

fn is_helper(name: &str) -> bool {
    HELPERS.iter().any(|head| name.starts_with(head))
        || HELPER_NAMES.contains(&name)
        || super::object::is_allocator(name)
}

/// Functions that check what their callers do and trap when it is wrong.
fn is_check(name: &str) -> bool {
    const HEADS: [&str; 28] = [
        "memcpy",
        "__memcpy",
        "memset",
        "__memset",
        "kasan_",
        "__kasan",
        "__asan_",
        "check_memory_region",
        "memory_is_poisoned",
        "__list_",
        "fortify_",
        "__fortify",
        "usercopy_",
        "__check_object_size",
        "__check_heap_object",
        "refcount_",
        "__refcount",
        "__ubsan",
        "ubsan_",
        "handle_overflow",
        "debug_",
        "__debug_",
        "lockdep_",
        "__lock_acquire",
        "__might_",
        "___might_",
        "memmove",
        "__memmove",
    ];
    HEADS.iter().any(|head| name.starts_with(head))
}

/// Where the instruction pointer was, with what the compiler put into that function, and the first function of a
/// stack outside of helpers.
fn stack_places(log: &Log, stack: &Stack, facts: &mut Facts<'_>) {
    if let Some(pointer) = &stack.pointer {
        facts.say(&[pointer.at], place(&pointer.function));
        let inlined = stack.frames.iter().take_while(|frame| frame.inline).count();
        if stack.frames.get(inlined).is_some_and(|frame| frame.function == pointer.function) {
            for frame in &stack.frames[..inlined] {
                facts.hint(&[pointer.at, frame.at], place(&frame.function));
            }
        }
    }
    // arm64 and riscv begin a stack with the function that failed.
    if let (Part::Call, None, Some(first)) = (stack.part, &stack.pointer, stack.frames.first())
        && first.reliable
        && begins_with_place(log, stack)
    {
        facts.hint(&[first.at], place(&first.function));
    }
    if stack.part == Part::Call
        && stack.pointer.as_ref().is_none_or(|pointer| is_check(&pointer.function))
    {
        // What was interrupted is not where it happened.
        for frame in stack.reliable().take_while(|frame| !frame.entered) {
            if is_helper(&frame.function) {
                continue;
            }
            let at: Vec<usize> = stack.head.into_iter().chain([frame.at]).collect();
            facts.hint(&at, place(&frame.function));
            // What the compiler put into a function is a part of it.
            if !frame.inline {
                return;
            }
        }
    }
}

/// Whether the stack is one of a trap on an architecture that walks it from the trap on: `Call trace:` of arm64, or
/// the registers of riscv.
fn begins_with_place(log: &Log, stack: &Stack) -> bool {
    let Some(head) = stack.head else { return false };
    let text = |at: usize| log.messages[at].text.trim();
    text(head).starts_with("Call trace:")
        || (head.saturating_sub(30)..head).any(|at| text(at).starts_with("epc :"))
}

/// Who is on a stack, who called whom, who calls itself, and the system call.
fn calls(stack: &Stack, facts: &mut Facts<'_>) {
    let frames: Vec<&Frame> = stack.reliable().collect();
    if let Some(pointer) = &stack.pointer {
        facts.say(&[pointer.at], Predicate::OnStack { function: pointer.function.clone() });
        // On some architectures the function of the instruction pointer heads the stack too.
        let inlined = frames.iter().take_while(|frame| frame.inline).count();
        let own = frames.get(inlined).is_some_and(|frame| frame.function == pointer.function);
        callers(pointer, &frames[if own { inlined + 1 } else { 0 }..], facts);
    }
    for (index, frame) in frames.iter().enumerate() {
        let below = &frames[index + 1..];
        facts.say(&[frame.at], Predicate::OnStack { function: frame.function.clone() });
        if let Some(name) = system_call(&frame.function) {
            facts.say(&[frame.at], Predicate::SystemCall { name: name.to_owned() });
        }
        if let Some(again) = below.iter().find(|other| other.function == frame.function) {
            facts.say(
                &[frame.at, again.at],
                Predicate::Recursion { function: frame.function.clone() },
            );
        }
        callers(frame, below, facts);
    }
}

/// The caller is the next frame; inlined ones in between are callers too, as they are parts of it.
fn callers(frame: &Frame, below: &[&Frame], facts: &mut Facts<'_>) {
    for caller in below {
        // The handler of an interrupt was not called by what it interrupted.
        if caller.entered || caller.apart {
            return;
        }
        facts.say(
            &[frame.at, caller.at],
            Predicate::CalledBy {
                function: frame.function.clone(),
                caller: caller.function.clone(),
            },
        );
        if !caller.inline {
            return;
        }
    }
}

/// The system call of an entry function: `__x64_sys_bind`, `__do_sys_bind`, `SyS_bind`, `ksys_write`.
fn system_call(name: &str) -> Option<&str> {
    const ENTRIES: [&str; 18] = [
        "__x64_sys_",
        "__ia32_sys_",
        "__ia32_compat_sys_",
        "__x64_compat_sys_",
        "__arm64_sys_",
        "__arm64_compat_sys_",
        "__s390x_sys_",
        "__s390_sys_",
        "__riscv_sys_",
        "__do_sys_",
        "__se_sys_",
        "__do_compat_sys_",
        "__se_compat_sys_",
        "compat_SyS_",
        "SyS_",
        "SYSC_",
        "ksys_",
        "sys_",
    ];
    ENTRIES.iter().find_map(|entry| name.strip_prefix(entry)).filter(|name| !name.is_empty())
}

/// `Read of size 8 at addr …`, `#PF: supervisor write access`, `Oops: 0002`, `use-after-free read in`.
fn accesses(at: usize, text: &str, facts: &mut Facts<'_>) {
    let kasan = [("Read", AccessKind::Read), ("Write", AccessKind::Write)];
    for (word, access) in kasan {
        if let Some(rest) = text.strip_prefix(word).and_then(|rest| rest.strip_prefix(" of size "))
        {
            let size = number(rest).map(|(size, _)| size);
            facts.say(&[at], Predicate::Access { access, size });
        }
    }
    if text.starts_with("Free of addr ") {
        facts.say(&[at], Predicate::Access { access: AccessKind::Free, size: None });
    }
    if let Some(rest) = text.strip_prefix("BUG: KFENCE: ") {
        for (word, access) in [(" read in ", AccessKind::Read), (" write in ", AccessKind::Write)] {
            if rest.contains(word) {
                facts.say(&[at], Predicate::Access { access, size: None });
            }
        }
    }
    if let Some(rest) = text.strip_prefix("#PF: ") {
        let kinds = [
            ("write access", AccessKind::Write),
            ("read access", AccessKind::Read),
            ("instruction fetch", AccessKind::Fetch),
        ];
        for (words, access) in kinds {
            if rest.contains(words) {
                facts.say(&[at], Predicate::Access { access, size: None });
            }
        }
    }
    // Bits of a page fault of x86: 1 write, 4 fetch of an instruction.
    if let Some(code) = text.strip_prefix("Oops: ").filter(|code| word(code).len() == 4)
        && let Some((bits, rest)) = hex(code)
        && rest.starts_with(" [#")
    {
        let access = match (bits & 0x10 != 0, bits & 2 != 0) {
            (true, _) => AccessKind::Fetch,
            (false, true) => AccessKind::Write,
            (false, false) => AccessKind::Read,
        };
        facts.say(&[at], Predicate::Access { access, size: None });
    }
    // arm64: WnR tells whether it was a write.
    if let Some(bit) = number_after(text, "WnR = ") {
        let access = if bit == 0 { AccessKind::Read } else { AccessKind::Write };
        facts.say(&[at], Predicate::Access { access, size: None });
    }
}

/// `CPU: 3 PID: …`, `CPU#3 stuck`, `on cpu 3`.
fn processors(at: usize, text: &str, facts: &mut Facts<'_>) {
    let marks: [(&str, bool); 6] = [
        (
            "CPU: ",
            (text.starts_with("CPU: ") || text.starts_with("WARNING: CPU: "))
                && text.contains("PID: "),
        ),
        ("CPU ", text.starts_with("CPU ") && text.contains(" PID: ")),
        ("CPU#", text.starts_with("BUG: soft lockup") || text.starts_with("WARNING: ")),
        (
            "on cpu ",
            text.contains(" by task ") || text.starts_with("Watchdog detected hard LOCKUP"),
        ),
        ("for cpu ", text.starts_with("NMI backtrace for cpu ")),
        ("CPU-", false),
    ];
    for (mark, applies) in marks {
        if applies
            && let Some(cpu) = number_after(text, mark).and_then(|cpu| CpuId::try_from(cpu).ok())
        {
            facts.say(&[at], Predicate::OnCpu { cpu });
        }
    }
}

/// `PID: 12 Comm: name`, `by task name/12`, `[name:12]` of a soft lockup.
fn current(at: usize, text: &str, facts: &mut Facts<'_>) {
    let mut found = Vec::new();
    if text.contains(" Comm: ") {
        found.extend(stack::owner(at, text).and_then(|owner| owner.task));
    }
    if text.contains(" at addr ") || text.starts_with("Free of addr") {
        found.extend(stack::by_task(text));
    }
    if text.starts_with("BUG: soft lockup") {
        found.extend(after(text, "! [").and_then(task_colon));
    }
    if let Some(rest) = text.strip_prefix("BUG: scheduling while atomic: ")
        && let Some((task, _)) = rest.rsplit_once('/')
    {
        found.extend(super::scan::task_slash(task));
    }
    if let (true, Some(pid), Some(name)) =
        (text.starts_with("in_atomic(): "), number_after(text, "pid: "), after(text, "name: "))
    {
        found.extend(u32::try_from(pid).ok().map(|pid| Task::new(name.trim(), pid)));
    }
    for task in found {
        facts.say(&[at], Predicate::CurrentTask { task });
    }
}

/// `Workqueue: events do_work [module]`; the name may hold blanks.
fn work(at: usize, text: &str, facts: &mut Facts<'_>) {
    let Some(rest) = text.strip_prefix("Workqueue: ") else { return };
    let rest = rest.split(" (").next().unwrap_or(rest);
    let rest = match rest.rsplit_once(" [") {
        Some((before, module)) if module.ends_with(']') => before,
        _ => rest,
    };
    if let Some((queue, name)) = rest.trim().rsplit_once(' ') {
        facts.say(
            &[at],
            Predicate::Workqueue {
                workqueue: Some(queue.trim().to_owned()),
                function: super::scan::plain(name).to_owned(),
            },
        );
    }
}

/// `kernel BUG at f.c:1!`, `WARNING: CPU: 0 PID: 1 at f.c:1 …`, `WARNING: f.c:1 at …`, `UBSAN: … in f.c:1:2`.
fn source(at: usize, text: &str, facts: &mut Facts<'_>) {
    let rest = if let Some(rest) = text.strip_prefix("kernel BUG at ") {
        rest
    } else if text.starts_with("WARNING: CPU: ") {
        after(text, " at ").unwrap_or_default()
    } else if let Some(rest) = text.strip_prefix("WARNING: ") {
        rest
    } else if text.starts_with("UBSAN: ") || text.starts_with("BUG: sleeping function") {
        after(text, " in ").or_else(|| after(text, " at ")).unwrap_or_default()
    } else {
        return;
    };
    let named = word(rest);
    if let Some((file, line)) = named.split_once(':')
        && let Some((line, _)) = number(line)
        && let Ok(line) = u32::try_from(line)
    {
        facts.say(&[at], Predicate::SourceLine { file: file.to_owned(), line });
    }
}

/// `[HC0[0]:SC1[1]:HE1:SE0]` of lockdep: in a hard interrupt, in a softirq.
fn context_flags(at: usize, text: &str, facts: &mut Facts<'_>) {
    let Some(flags) = after(text, "[HC") else { return };
    let hard = number(flags).is_some_and(|(depth, _)| depth > 0);
    let soft = number_after(flags, ":SC").is_some_and(|depth| depth > 0);
    let context = match (hard, soft) {
        (true, _) => Context::Hardirq,
        (false, true) => Context::Softirq,
        (false, false) => Context::Task,
    };
    facts.say(&[at], Predicate::ExecutionContext { context });
}

/// The context of a stack: what stands between its innermost frame and the first entry below it.
fn context(stack: &Stack, facts: &mut Facts<'_>) {
    if stack.part != Part::Call || stack.head.is_none() {
        return;
    }
    let mut reliable = stack.reliable();
    let Some(first) = reliable.next() else { return };
    let inner: Vec<&Frame> =
        stack.reliable().take_while(|frame| frame.mark == first.mark).collect();
    // An interrupt's entry above the softirq's means that the interrupt came on top of it.
    let entry =
        inner.iter().find_map(|frame| entry(&frame.function).map(|context| (frame.at, context)));
    let (at, context) = match (entry, first.mark) {
        (Some(found), _) => found,
        (None, Mark::Exception) => return,
        (None, Mark::Task) => (first.at, Context::Task),
        (None, Mark::Irq) => (first.at, Context::Hardirq),
        (None, Mark::None) if stack.whole => (inner[inner.len() - 1].at, Context::Task),
        (None, Mark::None) => return,
    };
    let weak = matches!((entry, first.mark), (None, Mark::Irq));
    let says = Predicate::ExecutionContext { context };
    let lines: Vec<usize> = stack.head.into_iter().chain([at]).collect();
    if weak { facts.hint(&lines, says) } else { facts.say(&lines, says) }
}

fn entry(name: &str) -> Option<Context> {
    const SOFT: [&str; 8] = [
        "handle_softirqs",
        "__do_softirq",
        "do_softirq",
        "run_ksoftirqd",
        "__softirqentry_text_start",
        "irq_exit_softirq",
        "softirq_handle_begin",
        "run_timer_softirq",
    ];
    const HARD: [&str; 8] = [
        "__handle_irq_event_percpu",
        "handle_irq_event",
        "__sysvec_apic_timer_interrupt",
        "hrtimer_interrupt",
        "do_IRQ",
        "__common_interrupt",
        "generic_handle_irq",
        "handle_domain_irq",
    ];
    const NMI: [&str; 4] = ["exc_nmi", "default_do_nmi", "nmi_handle", "do_nmi"];
    // Reports of a stall come from an interrupt: they are not what was interrupted.
    if SOFT.contains(&name) {
        Some(Context::Softirq)
    } else if HARD.contains(&name) {
        Some(Context::Hardirq)
    } else if NMI.contains(&name) {
        Some(Context::Nmi)
    } else {
        None
    }
}

/// One side of a data race: the headline and the first function that is no instrumentation.
fn race(log: &Log, stack: &Stack, facts: &mut Facts<'_>) {
    let (Part::Race, Some(head)) = (stack.part, stack.head) else { return };
    let text = log.messages[head].text.trim();
    let access = match text {
        text if text.starts_with("read-write") => AccessKind::ReadWrite,
        text if text.starts_with("read") => AccessKind::Read,
        _ => AccessKind::Write,
    };
    let Some(frame) = stack.reliable().find(|frame| !is_helper(&frame.function)) else { return };
    let owner = stack.owner.as_ref();
    facts.say(
        &[head, frame.at],
        Predicate::RacingAccess {
            function: frame.function.clone(),
            access,
            task: owner.and_then(|owner| owner.task.clone()),
            cpu: owner.and_then(|owner| owner.cpu),
        },
    );
    let size = number_after(text, " of ");
    facts.say(&[head], Predicate::Access { access, size });
}

/// `value changed: 0x00 -> 0x01` of KCSAN; `index 5 is out of range for type 'u8 [4]'` and
/// `shift exponent 64 is too large for 32-bit type 'int'` of UBSAN.
fn values(at: usize, text: &str, facts: &mut Facts<'_>) {
    if let Some((from, rest)) = text.strip_prefix("value changed: ").and_then(hex)
        && let Some((to, _)) = rest.strip_prefix(" -> ").and_then(hex)
    {
        facts.say(&[at], Predicate::ValueChanged { from, to });
    }
    if let Some((index, rest)) =
        text.strip_prefix("index ").and_then(|rest| rest.split_once(" is out of range for type "))
        && let Ok(index) = index.parse()
    {
        let array = rest.trim().trim_matches('\'').to_owned();
        facts.say(&[at], Predicate::ArrayIndex { index, array });
    }
    if let Some((exponent, rest)) =
        text.strip_prefix("shift exponent ").and_then(|rest| rest.split_once(" is "))
        && let Ok(exponent) = exponent.parse()
    {
        let bits = after(rest, "for ")
            .and_then(number)
            .filter(|(_, rest)| rest.starts_with("-bit"))
            .and_then(|(bits, _)| u32::try_from(bits).ok());
        facts.say(&[at], Predicate::ShiftExponent { exponent, bits });
    }
}
