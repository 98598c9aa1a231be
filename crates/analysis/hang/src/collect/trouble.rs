//! Messages before the first event that are not routine: a device that goes, a link that falls, I/O that fails. They are
//! shown as what came before, never as the cause.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// What such messages say, in small letters.
const TROUBLE: &[&str] = &[
    "usb disconnect",
    "link is down",
    "link down",
    "nic link is down",
    "not responding",
    "timed out",
    "timeout",
    "i/o error",
    "read-only",
    "journal aborted",
    "aborting journal",
    "device lost",
    "device removed",
    "device not ready",
    "device offline",
    "firmware crashed",
    "microcode sw error",
    "reset adapter",
    "resetting",
    "hard reset",
    "uncorrect",
    "failed with error",
    "transfer failed",
    "error recovery",
    "fault injection",
    "out of memory",
    "soft offline",
    "marking clocksource",
    "tsc unstable",
    "sched: rt throttling",
    "killed process",
];

/// What looks alike and is routine.
const ROUTINE: &[&str] = &[
    "systemd",
    "audit",
    "command line",
    "timeout=",
    "switched to clocksource",
    "mask: ",
    "watchdog_thresh",
    "nmi_watchdog",
    "pcie_aspm",
    "read-only data",
    "rodata",
    "mounting ",
    "re-mounted",
    "mounted filesystem",
    "link training",
    "timeout set to",
    "error handling enabled",
    "firmware load",
    "default timeout",
];

#[expect(clippy::expect_used, reason = "the patterns are constants; a test builds the automaton")]
fn any_of(texts: &[&str]) -> AhoCorasick {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(texts)
        .expect("constant patterns")
}

/// Whether a message tells of trouble.
pub(super) fn is_trouble(text: &str) -> bool {
    static SEARCHED: LazyLock<AhoCorasick> = LazyLock::new(|| any_of(TROUBLE));
    SEARCHED.is_match(text) && !is_routine(text)
}

/// Whether a message is of those that every boot or every mount prints.
pub(super) fn is_routine(text: &str) -> bool {
    static SEARCHED: LazyLock<AhoCorasick> = LazyLock::new(|| any_of(ROUTINE));
    SEARCHED.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_told_from_what_only_speaks_of_failing() {
        for text in [
            "usb 3-2: USB disconnect, device number 5",
            "e1000e 0000:00:1f.6 eth0: NIC Link is Down",
            "shop0: command 0x12 timed out",
        ] {
            assert!(is_trouble(text), "{text}");
        }
        for text in [
            "NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.",
            "EXT4-fs (sda1): re-mounted. Opts: errors=remount-ro",
            "clocksource: tsc: mask: 0xffffffffffffffff max_cycles: 0x2b3e459bf4c",
            "shop0: registered",
        ] {
            assert!(!is_trouble(text), "{text}");
        }
    }
}
