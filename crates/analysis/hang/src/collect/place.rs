//! Whether a headline without a stamp stands as the kernel prints it: at the start of its line, behind nothing but
//! the names that the kernel or a terminal puts in front. People quote such words in sentences, titles and patches.

use std::ops::Range;

use crate::event::EventKind;

/// What the kernel itself writes in front of texts by which events are known.
const BANNERS: &[&str] = &[
    "INFO:",
    "WARNING:",
    "BUG:",
    "BUG ",
    "UBSAN:",
    "PANIC:",
    "Oops:",
    "rcu:",
    "rcu_",
    "watchdog:",
    "NMI watchdog:",
    "traps:",
    "---[",
    "[",
    "kernel:",
    "kernel tried",
    "CPU ",
    "Watchdog",
    "Huh",
    "Unknown",
    "mm/",
    "workqueue:",
    "Kernel ",
];
/// Starts of lines of mail in which people repeat a title.
const TITLES: &[&str] = &[
    "subject",
    "re:",
    "fwd:",
    "fixes",
    "title",
    "summary",
    "closes",
    "link",
    "commit",
    "reported",
    "description",
    "http",
    "patch",
    "bug:",
    "on ",
    "syzbot",
    "syzkaller hit",
];
/// Most words in front of a headline: date, host and program of another writer.
const MOST_WORDS: usize = 6;

/// Whether the text at `found` stands where the kernel prints it.
pub(super) fn stands(text: &str, found: Range<usize>, kind: EventKind) -> bool {
    let lead = text[..found.start].trim().trim_start_matches(['|', ' ']);
    let tail = &text[found.end..];
    if !is_continued(&text[found], tail) {
        return false;
    }
    if lead.is_empty() || lead.ends_with("kernel:") {
        return true;
    }
    if BANNERS.iter().any(|banner| lead.starts_with(banner)) {
        return !lead.contains(['"', '`']);
    }
    let small = lead.to_ascii_lowercase();
    let is_title = TITLES.iter().any(|title| small.starts_with(title));
    if is_title
        || lead.starts_with(['+', '-', '*', '/', '#', '|', '"', '\'', '`', '('])
        || lead.contains(['"', '`'])
        || lead.split_whitespace().count() > MOST_WORDS
    {
        return false;
    }
    match kind {
        // Behind the name of a program or a device.
        EventKind::OutOfMemory | EventKind::AllocationFailure => {
            tail.contains("order") || tail.contains("rocess ")
        }
        EventKind::UserSegfault => lead.ends_with("]:"),
        EventKind::Device => lead.contains(": ") || is_lead(lead),
        // Behind the prompt or the login of a terminal, the name of a program, or a date.
        _ => ["INFO:", "WARNING:", "BUG:", "rcu:"]
            .iter()
            .find_map(|banner| lead.find(banner))
            .map_or_else(|| is_lead(lead), |at| is_lead(lead[..at].trim_end())),
    }
}

/// Whether the line is the end mark of a panic, which repeats the panic's words (`panic()` of kernel/panic.c).
pub(super) fn is_end_mark(text: &str) -> bool {
    text.contains("---[ end Kernel panic")
}

/// Whether words may stand in front of what the kernel prints: they end as a prompt, a date or a name does.
fn is_lead(lead: &str) -> bool {
    lead.ends_with([':', '#', '$', '>', ']', '%', ')'])
}

/// Some words of the kernel are those of people: what follows tells them apart.
fn is_continued(found: &str, tail: &str) -> bool {
    match found {
        "general protection fault" => tail.starts_with([':', ',']) || tail.starts_with(" ip:"),
        "kernel NULL pointer dereference" => {
            tail.starts_with([',', ':'])
                || tail.starts_with(" at ")
                || tail.starts_with(" on ")
                || tail.starts_with(" in virtual")
                || tail.trim().is_empty()
        }
        "page allocation failure" => tail.starts_with([':', '.']),
        "invoked oom-killer" => tail.starts_with([':', ',']),
        "Kernel panic - not syncing" => tail.starts_with([':', '!']),
        "WARNING: " => !tail.starts_with("at ") || tail.contains(':'),
        _ => true,
    }
}

/// Words of a sentence that the kernel's own messages seldom have.
const SPOKEN: &[&str] = &[
    "i", "i'm", "i've", "we", "you", "your", "my", "me", "please", "thanks", "would", "should",
    "this", "that", "these", "here", "it", "the", "and", "but", "because", "when", "with",
];

/// Whether the line is somebody's: a run of plain words, some of which belong to speech.
pub(super) fn is_spoken(text: &str) -> bool {
    let plain = |word: &str| {
        let bare = word.trim_matches(|c: char| ",.;:!?()\"'".contains(c));
        !bare.is_empty() && bare.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '-')
    };
    let spoken = |word: &str| SPOKEN.iter().any(|of_speech| word.eq_ignore_ascii_case(of_speech));
    let (mut words, mut plain_words, mut spoken_words) = (0, 0, 0);
    for word in text.split_whitespace() {
        words += 1;
        plain_words += usize::from(plain(word));
        spoken_words += usize::from(spoken(word));
    }
    words >= 5 && plain_words * 5 >= words * 4 && spoken_words >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_event(text: &str, found: &str, kind: EventKind) -> bool {
        let start = text.find(found).unwrap();
        stands(text, start..start + found.len(), kind)
    }

    #[test]
    fn words_of_the_kernel_in_a_sentence_or_a_title_are_no_event() {
        for (text, found, kind) in [
            (
                "When we get to the page allocation failure, it looks odd",
                "page allocation failure",
                EventKind::AllocationFailure,
            ),
            (
                "a second attempt at the fix for the list_del corruption",
                "list_del corruption",
                EventKind::Corruption,
            ),
            ("Subject: kernel BUG at mm/slub.c:294!", "kernel BUG at", EventKind::KernelBug),
            (
                "general protection fault in do_it when unplugged",
                "general protection fault",
                EventKind::Fault,
            ),
            ("+\tpr_err(\"BUG: Bad page state\");", "BUG: Bad page", EventKind::Corruption),
            ("we see I/O error, dev sda", "I/O error, dev", EventKind::Device),
        ] {
            assert!(!is_event(text, found, kind), "{text}");
        }
    }

    #[test]
    fn the_words_of_somebody_are_told_from_a_message() {
        for text in [
            "I then rebuilt the kernel with this option and it hung again.",
            "When I unplug the cable, the second report shows up.",
        ] {
            assert!(is_spoken(text), "{text}");
        }
        for text in [
            "but task is already holding lock:",
            "EXT4-fs (sda1): mounted filesystem with ordered data mode",
            " my_work+0x1/0x20",
        ] {
            assert!(!is_spoken(text), "{text}");
        }
    }

    #[test]
    fn names_of_programs_devices_and_terminals_may_stand_in_front() {
        for (text, found, kind) in [
            (
                "kworker/7:0: page allocation failure: order:0, mode:0xa20",
                "page allocation failure",
                EventKind::AllocationFailure,
            ),
            (
                "a b invoked oom-killer: gfp_mask=0x0, order=0",
                "invoked oom-killer",
                EventKind::OutOfMemory,
            ),
            (
                "root@box:~# Unable to handle kernel paging request",
                "Unable to handle",
                EventKind::Fault,
            ),
            ("prog[42]: segfault at 8 ip 1 sp 2 error 6", "segfault at ", EventKind::UserSegfault),
            (
                "root@box:~# INFO: rcu_sched detected stalls on CPUs/tasks:",
                "detected stalls on CPUs/tasks",
                EventKind::RcuStall,
            ),
            ("Bluetooth: hci0: command 0xfc11 tx timeout", "tx timeout", EventKind::Device),
            ("ata8: hard resetting link", "hard resetting link", EventKind::Device),
            (
                "rcu_sched self-detected stall on CPU",
                "self-detected stall on CPU",
                EventKind::RcuStall,
            ),
            (
                "BUG: kernel NULL pointer dereference, address: 0",
                "kernel NULL pointer dereference",
                EventKind::Fault,
            ),
        ] {
            assert!(is_event(text, found, kind), "{text}");
        }
    }
}
