//! Message text to the fields of one line. Every shape of a rule is one function here; a text that
//! does not fit gives `None` and nothing is claimed of it.

use crate::event::{
    HeldLock, Ownership, Segfault, StallCpu, StallPeriod, StallTask, Starved, Task,
};
use crate::text::{after, between, bounded, hex, hex_after, number, number_after, word_after};

/// Longest task name kept. The kernel's have 15 characters; workers' are longer when decorated.
const NAME_LIMIT: usize = 64;

/// `name:pid`, the name may hold colons.
pub(crate) fn name_colon_pid(text: &str) -> Option<Task> {
    let (name, pid) = text.trim().rsplit_once(':')?;
    Some(Task { name: bounded(name, NAME_LIMIT), pid: Some(pid.trim().parse().ok()?) })
}

/// `name/pid` of lock lists; newer kernels add `/cpu`.
pub(crate) fn name_slash_pid(text: &str) -> Option<Task> {
    let (name, pid) = text.trim().trim_end_matches(':').rsplit_once('/')?;
    Some(Task { name: bounded(name, NAME_LIMIT), pid: Some(pid.parse().ok()?) })
}

/// R03 to R07: `N-flags: (…) idle=… softirq=A/B fqs=F`.
pub(crate) fn stall_cpu(message: &str, line: u64) -> Option<StallCpu> {
    let text = message.trim();
    let text = text.strip_prefix("rcu:").unwrap_or(text).trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let cpu: u32 = text.get(..digits)?.parse().ok()?;
    let (head, rest) = text[digits..].split_once(':')?;
    let flags = if head.is_empty() { "" } else { head.strip_prefix('-')? };
    if flags.len() > 24 || flags.contains(' ') || !rest.trim_start().starts_with('(') {
        return None;
    }
    let (ticks, behind) =
        (number_before(rest, " ticks this GP"), number_before(rest, " GPs behind"));
    if ticks.is_none() && behind.is_none() && !rest.contains("idle=") {
        return None;
    }
    let idle = word_after(rest, "idle=").and_then(|word| {
        let mut parts = word.split('/');
        let watching = hex(parts.next()?)?;
        let nesting = hex(parts.next()?)?;
        let third = parts.next()?;
        // Hexadecimal with `0x`, decimal in 4.16 to 4.18 (two to the 62nd and a little).
        let nmi = if third.starts_with("0x") || third.len() < 16 {
            hex(third)?
        } else {
            third.parse().ok()?
        };
        Some((watching, nesting, nmi))
    });
    let softirq = word_after(rest, "softirq=").and_then(|word| {
        let (a, b) = word.split_once('/')?;
        Some((number(a)?, number(b)?))
    });
    Some(StallCpu {
        line,
        cpu,
        flags: flags.to_owned(),
        ticks,
        behind,
        idle,
        softirq,
        fqs: number_after(rest, "fqs="),
        rcuc: number_after(rest, "rcuc="),
        false_positive: rest.contains("(false positive?)"),
    })
}

/// The number directly in front of `key`.
fn number_before(text: &str, key: &str) -> Option<u64> {
    let head = &text[..text.find(key)?];
    let digits = head.bytes().rev().take_while(u8::is_ascii_digit).count();
    head[head.len() - digits..].parse().ok()
}

/// R09: `(t=… jiffies g=… c=… q=… ncpus=…)`, with `detected by N, ` in front where another CPU saw it.
pub(crate) fn stall_period(text: &str, line: u64) -> Option<StallPeriod> {
    let text = match after(text, "(detected by ") {
        Some(text) => text,
        // The line of the CPU may have been joined to it: `softirq=1/2` ends in the same letter.
        None => &text[text.find("(t=")?..],
    };
    Some(StallPeriod {
        line,
        jiffies: number_after(text, "t=")?,
        number: number_after(text, "g=")?,
        completed: number_after(text, " c="),
        callbacks: number_after(text, "q="),
        cpus: number_after(text, "ncpus="),
        detected_by: number(text),
        at: None,
    })
}

/// R19: the tasks of `Tasks blocked on level-…` or of a line that goes on with them.
pub(crate) fn stall_tasks(text: &str, line: u64) -> Vec<StallTask> {
    text.split_whitespace()
        .filter_map(|word| {
            let rest = word.strip_prefix('P')?;
            let (pid, more) = match rest.split_once('/') {
                Some((pid, more)) => (pid, Some(more)),
                None => (rest, None),
            };
            let pid = pid.parse().ok()?;
            let (depth, flags) = match more.and_then(|more| more.split_once(':')) {
                Some((depth, flags)) => (depth.parse().ok(), Some(bounded(flags, 8))),
                None => (None, None),
            };
            Some(StallTask { line, pid, depth, flags })
        })
        .take(64)
        .collect()
}

/// R23: holdouts of an expedited stall: `{ 5-...D P12 } 81366 jiffies s: 108 root: 0x1/.`
pub(crate) fn expedited(text: &str, line: u64) -> (Vec<StallCpu>, Vec<StallTask>, Option<u64>) {
    let Some(inner) = between(text, "{", "}") else { return (Vec::new(), Vec::new(), None) };
    let cpus = inner
        .split_whitespace()
        .filter_map(|word| {
            let (cpu, flags) = word.split_once('-')?;
            Some(StallCpu {
                line,
                cpu: cpu.parse().ok()?,
                flags: bounded(flags, 8),
                ..StallCpu::default()
            })
        })
        .take(1024)
        .collect();
    (cpus, stall_tasks(inner, line), number_after(text, "}"))
}

/// R13: `rcu_preempt kthread starved for J jiffies! g80885 f0x0 RCU_GP_WAIT_FQS(5) ->state=0x0 ->cpu=0`.
pub(crate) fn starved(text: &str, line: u64) -> Option<Starved> {
    let key = if text.contains(" kthread starved for ") {
        " kthread starved for "
    } else {
        " kthread timer wakeup didn't happen for "
    };
    let at = text.find(key)?;
    let rest = &text[at + key.len()..];
    let flavour = text[..at].split_whitespace().next_back()?.to_owned();
    let tail = after(rest, "jiffies!").unwrap_or_default();
    Some(Starved {
        line,
        flavour,
        jiffies: number(rest)?,
        number: number_after(tail, " g"),
        flags: hex_after(tail, " f0x"),
        phase: tail
            .split_whitespace()
            .find(|word| word.starts_with("RCU_GP_"))
            .map(|word| bounded(word, 40)),
        state: hex_after(tail, "->state="),
        cpu: number_after(tail, "->cpu="),
    })
}

/// R30: task and seconds of `INFO: task C:P blocked for more than N seconds.`
pub(crate) fn hung(text: &str) -> Option<(Task, u32, bool)> {
    let rest = after(text, "INFO: task ")?;
    let at = rest.find(" blocked ").or_else(|| rest.find(" can't die for "))?;
    let task = name_colon_pid(&rest[..at])?;
    let tail = &rest[at..];
    // Lines of two printers may run into each other; the name and the word are enough.
    Some((task, number_after(tail, "more than ").unwrap_or(0), tail.contains("I/O wait")))
}

/// R32: the waiter, the owner, and how the kernel puts it.
pub(crate) fn owner(text: &str) -> Option<(Task, Task, Ownership)> {
    let rest = after(text, "INFO: task ")?;
    let waiter = rest.split(" is blocked ").next()?.split(" blocked ").next()?;
    let waiter = waiter.split(" <").next()?;
    let owner = after(rest, " by task ")?;
    let how = if rest.contains("last held by") {
        Ownership::LastHolder
    } else if owner.contains("<reader>") {
        Ownership::Reader
    } else {
        Ownership::Owner
    };
    let owner = owner.split(" <").next()?.trim_end_matches(['.', ' ']);
    Some((name_colon_pid(waiter)?, name_colon_pid(owner)?, how))
}

/// A task header: `task:init state:D stack: 0 pid: 1 ppid: 0 flags:0x4` (from 5.9) or the columns
/// before it, `init            D24464     1      0 0x00000000`. Gives task, state and whether it runs.
pub(crate) fn task_header(text: &str) -> Option<(Task, char, bool)> {
    let text = text.trim_start();
    let running = text.contains("running task");
    if let Some(rest) = text.strip_prefix("task:") {
        let at = rest.find(" state:")?;
        let name = bounded(rest[..at].trim_end(), NAME_LIMIT);
        let tail = &rest[at + 7..];
        let state = tail.chars().next()?;
        // `tgid:` and `ppid:` end in the same letters.
        let pid = tail
            .split_whitespace()
            .zip(tail.split_whitespace().skip(1).chain([""]))
            .find_map(|(word, next)| {
                let pid = word.strip_prefix("pid:")?;
                if pid.is_empty() { next.parse().ok() } else { pid.parse().ok() }
            });
        return Some((Task { name, pid }, state, running));
    }
    let (name, rest) = (text.get(..15)?, text.get(15..)?);
    let mut letters = rest.strip_prefix(' ')?.chars();
    let state = letters.next()?;
    if !"RSDTtXZPIKWN".contains(state)
        || !letters.next()?.is_ascii_whitespace()
            && !rest[2..].starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let words: Vec<&str> = rest[2..].split_whitespace().collect();
    let [.., pid, ppid, flags] = words.as_slice() else { return None };
    flags.strip_prefix("0x").filter(|digits| digits.len() == 8)?;
    let _: u32 = ppid.parse().ok()?;
    Some((
        Task { name: bounded(name.trim_end(), NAME_LIMIT), pid: Some(pid.parse().ok()?) },
        state,
        running,
    ))
}

/// `CPU: 1 [UID: 0] PID: 27186 Comm: name [Not tainted|Tainted: …|Kdump: …]`, also `Pid: 1, comm: x`.
pub(crate) fn cpu_header(text: &str) -> Option<(Option<u32>, Task)> {
    let text = text.trim_start();
    if let Some(rest) = text.strip_prefix("CPU: ") {
        let pid = number_after(rest, "PID: ")?;
        let name = comm(after(rest, "Comm: ")?);
        return Some((number(rest), Task { name, pid: Some(pid) }));
    }
    let rest = text.strip_prefix("Pid: ")?;
    Some((None, Task { name: comm(after(rest, "comm: ")?), pid: number(rest) }))
}

fn comm(text: &str) -> String {
    let end = [" Not tainted", " Tainted:", " Kdump:", " tainted"]
        .iter()
        .filter_map(|stop| text.find(stop))
        .min();
    let name = text[..end.unwrap_or(text.len())].trim_end();
    // The line may end within the words that follow the name.
    bounded(name.strip_suffix(" Not").unwrap_or(name).trim_end(), NAME_LIMIT)
}

/// Whose stack is asked for: `cat /proc/1234/stack`, `PID: 1234  TASK: ffff…  CPU: 3  COMMAND: "name"` of crash(8).
pub(crate) fn asked_stack(text: &str) -> Option<Task> {
    if let Some(rest) = text.strip_prefix("PID: ")
        && rest.contains("TASK: ")
    {
        let name = after(rest, "COMMAND: \"")?.trim_end().strip_suffix('"')?;
        return Some(Task { name: bounded(name, NAME_LIMIT), pid: Some(number(rest)?) });
    }
    let (pid, rest) = after(text, "/proc/")?.split_once('/')?;
    let pid = pid.parse().ok()?;
    matches!(rest.trim_end_matches(':').trim_end(), "stack")
        .then_some(Task { name: String::new(), pid: Some(pid) })
}

/// ` #3 [ffffb0a1c0d4fd58] my_work at ffffffffc0a1b2c3 [module]` of crash(8): number and function.
pub(crate) fn crash_frame(text: &str) -> Option<(u32, &str)> {
    let rest = text.trim_start().strip_prefix('#')?;
    let (index, rest) = rest.split_once(" [")?;
    let (address, rest) = rest.split_once("] ")?;
    let (function, at) = rest.split_once(" at ")?;
    let hex = |word: &str| word.len() >= 8 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let name = function.split('+').next().unwrap_or(function);
    (hex(address) && hex(at.split_whitespace().next()?))
        .then_some((index.trim().parse().ok()?, name))
}

/// A heading of a list of held locks: `N locks held by C/P:`, and the older `locks held by`.
pub(crate) fn locks_heading(text: &str) -> Option<Task> {
    let text = text.trim();
    let rest = after(text, " held by ")?;
    let head = text.strip_suffix(':')?;
    let words: Vec<&str> = head.split_whitespace().take(2).collect();
    let [count, "lock" | "locks"] = words.as_slice() else { return None };
    let _: u32 = count.parse().ok()?;
    name_slash_pid(rest)
}

/// R33: `#0: addr (class){..}-{o:i}, at: f+…`; without `#0:` in the headline of lockdep.
pub(crate) fn held_lock(text: &str, line: u64) -> Option<HeldLock> {
    let text = text.trim();
    let rest = match text.strip_prefix('#') {
        Some(rest) => rest.split_once(':')?.1.trim_start(),
        None => text,
    };
    // Early in boot addresses are not printed: `(____ptrval____)`, the same for every lock.
    let rest = rest.strip_prefix("(____ptrval____)").map_or(rest, str::trim_start);
    let (address, rest) = rest.split_once('(')?;
    let address = address.trim();
    if address.contains(' ')
        || (!address.is_empty() && !address.bytes().all(|b| b.is_ascii_hexdigit()))
    {
        return None;
    }
    let end = rest.find("){")?;
    let class = bounded(&rest[..end], 80);
    let place = after(rest, ", at: ").or_else(|| after(rest, "at: ")).unwrap_or_default().trim();
    let place = place.rsplit("] ").next().unwrap_or(place);
    let at = place.split(['+', ' ']).next().unwrap_or_default();
    Some(HeldLock {
        line,
        address: bounded(address, 20),
        class,
        at: bounded(plain(at), 80),
        inlined: Vec::new(),
    })
}

/// The number of an entry in a list of held locks: 1 of `#1: ffff… (class){…}, at: f+0x1/0x2`.
pub(crate) fn lock_index(text: &str) -> Option<u32> {
    text.trim().strip_prefix('#')?.split_once(':')?.0.parse().ok()
}

/// The function without what the compiler added: `.isra.0`, `.constprop.0`, `.part.0`, `.cold`, `.llvm.1`.
pub(crate) fn plain(function: &str) -> &str {
    // powerpc marks the code of a function by a dot in front of its name.
    let function = function.strip_prefix('.').unwrap_or(function);
    match function.find('.') {
        Some(at) if at > 0 => &function[..at],
        _ => function,
    }
}

/// `NAME[pid]: segfault at A ip I sp S error N in FILE[base+len]`.
pub(crate) fn segfault(text: &str) -> Option<(Task, Segfault)> {
    let at = text.find(": segfault at ")?;
    let (name, pid) = text[..at].trim().rsplit_once('[')?;
    let task = Task {
        name: bounded(name, NAME_LIMIT),
        pid: Some(pid.trim_end_matches(']').parse().ok()?),
    };
    let rest = &text[at..];
    let instruction = hex_after(rest, " ip ")?;
    let file = after(rest, " in ").and_then(|place| {
        let (name, tail) = place.split_once('[')?;
        // 6.11 and later print the offset in the file in front of the mapping.
        let numbers = tail.split(']').next()?;
        let offset = match numbers.split_once(',') {
            Some((offset, _)) => hex(offset)?,
            None => instruction.checked_sub(hex(numbers.split_once('+')?.0)?)?,
        };
        Some((bounded(name, 120), offset))
    });
    Some((
        task,
        Segfault {
            address: hex_after(rest, "segfault at ")?,
            instruction,
            error: hex_after(rest, " error ")?,
            file,
        },
    ))
}

/// Whether the line is the kernel's instruction pointer with no function at it: `RIP: 0010:0x0`,
/// `EIP: 0x0`, `pc : 0x0`, `RIP: 0010:          (null)`.
pub(crate) fn is_nameless_pointer(text: &str) -> bool {
    const HEADS: &[&str] = &["RIP: 0010:", "RIP: e030:", "EIP:", "pc : ", "PC is at ", "epc : "];
    let Some(rest) = HEADS.iter().find_map(|head| text.strip_prefix(head)) else { return false };
    let rest = rest.trim();
    let hexadecimal = rest.strip_prefix("0x").is_some_and(|digits| {
        (1..=16).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit())
    });
    hexadecimal || rest.ends_with("(null)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lines_of_all_ages_are_read() {
        let cpu = stall_cpu("rcu: \t7-....: (331 ticks this GP) idle=ad6/1/0x4000000000000002 softirq=11/14 fqs=90 ", 3).unwrap();
        assert_eq!(
            (cpu.cpu, cpu.flags.as_str(), cpu.ticks, cpu.softirq, cpu.fqs),
            (7, "....", Some(331), Some((11, 14)), Some(90))
        );
        let cpu = stall_cpu("\t3: (1 GPs behind) idle=235/140000000000001/0 softirq=5/5 fqs=2", 3)
            .unwrap();
        assert_eq!(
            (cpu.cpu, cpu.flags.as_str(), cpu.behind, cpu.idle),
            (3, "", Some(1), Some((0x235, 0x0140_0000_0000_0001, 0)))
        );
        let cpu = stall_cpu(
            "0-...!: (9 ticks this GP) idle=3da/1/4611686018427387906 softirq=8/9 fqs=1",
            3,
        )
        .unwrap();
        assert_eq!(cpu.idle, Some((0x3da, 1, (1 << 62) + 2)));
        let cpu = stall_cpu("4-...!: (1 GPs behind) idle=9874/1/0x4000000000000000 softirq=0/0 fqs=20 rcuc=21071 jiffies(starved)", 3).unwrap();
        assert_eq!(cpu.rcuc, Some(21071));
        assert_eq!(stall_cpu("usb 1-1: (new) device", 3), None);
    }

    #[test]
    fn periods_read_with_blanks_or_commas_and_negative_numbers() {
        let period = stall_period("\t(t=500 jiffies g=-1187 q=3 ncpus=2)", 4).unwrap();
        assert_eq!(
            (period.jiffies, period.number, period.callbacks, period.cpus, period.detected_by),
            (500, -1187, Some(3), Some(2), None)
        );
        let period =
            stall_period("(detected by 9, t=1002 jiffies, g=6946, c=6945, q=520)", 4).unwrap();
        assert_eq!(
            (period.detected_by, period.number, period.completed),
            (Some(9), 6946, Some(6945))
        );
    }

    #[test]
    fn reader_tasks_carry_depth_and_flags_where_printed() {
        let tasks = stall_tasks("Tasks blocked on level-0 rcu_node (CPUs 0-1): P77 P78/3:b..l", 2);
        assert_eq!(tasks.len(), 2);
        assert_eq!((tasks[0].pid, tasks[0].depth), (77, None));
        assert_eq!((tasks[1].depth, tasks[1].flags.as_deref()), (Some(3), Some("b..l")));
        let (cpus, tasks, jiffies) = expedited(
            "detected expedited stalls on CPUs/tasks: { P9 5-...D } 660 jiffies s: 8 root: 0x1/.",
            1,
        );
        assert_eq!((cpus[0].cpu, tasks[0].pid, jiffies), (5, 9, Some(660)));
    }

    #[test]
    fn starvation_lines_read_in_full_and_bare() {
        let full = starved("rcu: rcu_preempt kthread starved for 77 jiffies! g805 f0x2 RCU_GP_WAIT_FQS(5) ->state=0x402 ->cpu=3", 1).unwrap();
        assert_eq!(
            (full.jiffies, full.number, full.flags, full.state, full.cpu),
            (77, Some(805), Some(2), Some(0x402), Some(3))
        );
        assert_eq!(full.phase.as_deref(), Some("RCU_GP_WAIT_FQS(5)"));
        let bare = starved("rcu_sched kthread starved for 41 jiffies!", 1).unwrap();
        assert_eq!((bare.flavour.as_str(), bare.jiffies, bare.cpu), ("rcu_sched", 41, None));
    }

    #[test]
    fn task_headers_of_both_ages_are_read() {
        let (task, state, running) = task_header(
            "task:my worker [x] state:D stack:    0 pid:   31 ppid:     2 flags:0x00004000",
        )
        .unwrap();
        assert_eq!(
            (task.name.as_str(), task.pid, state, running),
            ("my worker [x]", Some(31), 'D', false)
        );
        let (task, state, running) =
            task_header("rcu_preempt     R  running task    29472    10      2 0x00004000")
                .unwrap();
        assert_eq!(
            (task.name.as_str(), task.pid, state, running),
            ("rcu_preempt", Some(10), 'R', true)
        );
        let (task, ..) = task_header("kworker/1:1     D29680 74671      2 0x00000028").unwrap();
        assert_eq!(task.pid, Some(74671));
        let (task, ..) = task_header(
            "task:a state:I stack:0 pid:5612 tgid:5613 ppid:1 task_flags:0x4 flags:0x8",
        )
        .unwrap();
        assert_eq!(task.pid, Some(5612));
        assert_eq!(task_header("systemd         started in 12 ms"), None);
    }

    #[test]
    fn hung_lines_and_owners_are_read() {
        let (task, seconds, io) =
            hung("INFO: task a b:c:12 blocked in I/O wait for more than 143 seconds.").unwrap();
        assert_eq!((task.to_string().as_str(), seconds, io), ("a b:c[12]", 143, true));
        let (waiter, holder, how) =
            owner("INFO: task a:1 is blocked on a mutex likely owned by task b:2.").unwrap();
        assert_eq!((waiter.pid, holder.pid, how), (Some(1), Some(2), Ownership::Owner));
        let (_, holder, how) = owner(
            "INFO: task a:1 <writer> blocked on an rw-semaphore likely owned by task b:2 <reader>",
        )
        .unwrap();
        assert_eq!((holder.pid, how), (Some(2), Ownership::Reader));
    }

    #[test]
    fn lock_lists_are_read() {
        assert_eq!(
            locks_heading("2 locks held by kworker/0:3/305:").unwrap().to_string(),
            "kworker/0:3[305]"
        );
        let lock = held_lock(
            " #3: ffff8ac1909b5390 (&dev->mutex){....}-{3:3}, at: scsi_x.isra.0+0x24/0x90 [m]",
            7,
        )
        .unwrap();
        assert_eq!(
            (lock.address.as_str(), lock.class.as_str(), lock.at.as_str()),
            ("ffff8ac1909b5390", "&dev->mutex", "scsi_x")
        );
        let old = held_lock(
            "#0:  (&mm->mmap_sem){++++++}, at: [<ffffffff8104a9d6>] do_fault+0x1b6/0x450",
            7,
        )
        .unwrap();
        assert_eq!((old.address.as_str(), old.at.as_str()), ("", "do_fault"));
    }

    #[test]
    fn a_segfault_gives_the_offset_in_its_mapping() {
        let (task, fault) = segfault("prog[42]: segfault at 8 ip 00005600000012ab sp 00007ffe00000000 error 6 in prog[560000000000+2000]").unwrap();
        assert_eq!(task.to_string(), "prog[42]");
        assert_eq!(
            (fault.address, fault.error, fault.file),
            (8, 6, Some(("prog".to_owned(), 0x12ab)))
        );
    }
}
