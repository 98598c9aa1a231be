//! Telling a line of a kernel console from a line of prose.

use std::sync::LazyLock;

use parse_console::Line;
use regex::RegexSet;

/// Shapes of messages that nobody writes as prose. Anchored at the start of the message.
static MESSAGES: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    RegexSet::new([
        r"^(?:rcu: )?INFO: (?:rcu\w* |task \S+.* blocked |lockdep )",
        r"^(?:rcu: )?\s*Tasks blocked on level-\d",
        r"^(?:rcu: )?\s*\d+-[.O][.o][.N]",
        r"^(?:rcu: )?\s*\((?:detected by \d+, )?t=\d+ jiffies",
        r"^(?:rcu: )?\S+ kthread (?:starved|timer wakeup)",
        r"^(?:watchdog: )?BUG: ",
        r"^WARNING: (?:CPU: \d|\S+:\d+ at |possible |suspicious |inconsistent )",
        r"^Kernel panic - not syncing",
        r"^(?:Oops|general protection fault|Unable to handle kernel|Internal error)[:, ]",
        r"^task:\S+.* state:\S",
        r"^Workqueue:\s+\S",
        r"^(?:Call Trace|Modules linked in|Hardware name|Sending NMI|NMI backtrace):?",
        r"^\s*</?(?:TASK|IRQ|NMI|SOFTIRQ|EOI|#\w+)>\s*$",
        r"^(?:RIP|EIP|RSP|RAX|RDX|RBP|R10|R13|FS|CS|CR2|PKRU|Code): ",
        r"^CPU: \d+ (?:UID: \d+ )?PID: \d+",
        r"^#PF: ",
        r"^\S+ invoked oom-killer:",
        r"^Out of memory: ",
        r"^\S.*: page allocation failure: order:",
        r"^perf: interrupt took too long",
        r"^\d+ locks? held by ",
        r"^ #\d+: [0-9a-f]{8,} \(",
        r"^\S+\[\d+\]: segfault at ",
        r"^(?:csd|workqueue|perf|EXT4-fs|XFS|BTRFS|nvme\d?|ata\d+|sd [\d:]+|blk_update_request|I/O error|Buffer I/O error)\b.*[:(]",
        r"^(?:Showing (?:all locks|busy workqueues)|Blocked by coredump|Future hung task)",
        r"^(?:Tainted|Not tainted|\s+Tainted: |\s+Not tainted )",
        r#"^"echo 0 > /proc/sys/kernel/hung_task_timeout_secs""#,
        r"^(?:pool \d+:|\s+pending: |\s+in-flight: )",
    ])
    .ok()
});

/// Whether a line was printed by a kernel: it carries a stamp, or has the shape of a message, a
/// frame or registers.
pub(crate) fn is_console(line: &Line<'_>) -> bool {
    let text = line.text.as_ref();
    if line.stamp.is_some() || line.caller.is_some() {
        return true;
    }
    if parse_console::frame::parse(text).is_some_and(|f| f.offset.is_some() || f.inline) {
        return true;
    }
    if is_sentence(text) {
        return false;
    }
    // The reader of lines has taken off blanks in front where a prefix stood before them.
    MESSAGES.as_ref().is_some_and(|set| set.is_match(text) || set.is_match(text.trim_start()))
}

/// A sentence that begins with the words of a message: `Oops: 0000 says that it was a read.`
fn is_sentence(text: &str) -> bool {
    const WORDS: [&str; 7] = ["says", "means", "shows", "tells", "which", "because", "suggests"];
    let text = text.trim_end();
    text.ends_with(['.', '?', '!', ':'])
        && text.split(' ').any(|word| WORDS.contains(&word.trim_end_matches(',')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console(text: &str) -> bool {
        parse_console::lines(text.as_bytes()).next().is_some_and(|line| is_console(&line))
    }

    #[test]
    fn messages_with_and_without_stamps() {
        for text in [
            "[   12.345678] anything at all",
            "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
            "rcu: Tasks blocked on level-0 rcu_node (CPUs 0-1): P12",
            " do_it+0x1/0x20 [mod]",
            "INFO: task a b:12 blocked for more than 120 seconds.",
            "task:x state:D stack:0 pid:1 ppid:0 flags:0x2",
            "RIP: 0010:do_it+0x1/0x2",
        ] {
            assert!(console(text), "{text:?}");
        }
    }

    #[test]
    fn prose_is_not_taken_for_a_console() {
        for text in [
            "The bug is a deadlock.",
            "BUG reports should have a log.",
            "In srcu_readers_active_idx_check() (kernel/rcu/srcutree.c:544), when",
            "Tasks blocked for long are reported.",
            "  finish_task_switch",
            "Info: nothing",
        ] {
            assert!(!console(text), "{text:?}");
        }
    }
}
