//! Free text in a title, with what differs from crash to crash taken out.

use std::sync::LazyLock;

use regex::Regex;

/// Bytes of a title; longer ones are cut.
pub(crate) const LONGEST_TITLE: usize = 120;

struct Rule {
    pattern: Regex,
    replacement: &'static str,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rule =
        |pattern: &str, replacement| Rule { pattern: crate::pattern::regex(pattern), replacement };
    vec![
        rule(r"\+0x[0-9a-f]+(?:/0x[0-9a-f]+)?", ""),
        rule(r"syz[-.](?:executor|fuzzer|execprog)?[-.0-9]*[0-9a-f]*", "syz-executor"),
        rule(r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]+)?\b", "IP"),
        rule(r"\b(?:0x)?[0-9a-f]*[0-9][0-9a-f]*[a-f][0-9a-f]*\b", "ADDR"),
        rule(r"\b0x[0-9a-f]+\b", "ADDR"),
        rule(r"\b[0-9a-f]{6,}\b", "ADDR"),
        rule(r"(\.[chS]):[0-9]+", "$1:LINE"),
        rule(r"CPU#[0-9]+", "CPU"),
        rule(r"([A-Za-z]{3,})[0-9]{4,}([^A-Za-z0-9_]|$)", "${1}NUM${2}"),
        rule(r"([^A-Za-z0-9_]|^)[0-9]+([^A-Za-z0-9_]|$)", "${1}NUM${2}"),
        rule(r"([^A-Za-z0-9_]|^)[0-9]+([^A-Za-z0-9_]|$)", "${1}NUM${2}"),
    ]
});

/// Rewrites free text of a log line for use in a title.
pub(crate) fn stable(text: &str) -> String {
    let mut text = text.trim().to_owned();
    if is_stable(&text) {
        return text;
    }
    for rule in RULES.iter() {
        text = rule.pattern.replace_all(&text, rule.replacement).into_owned();
    }
    text
}

/// Whether no rule can match: no digit, no program of the fuzzer, no word of hexadecimal letters alone.
fn is_stable(text: &str) -> bool {
    let is_address = |word: &str| {
        word.len() >= 6 && word.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    };
    !text.bytes().any(|b| b.is_ascii_digit())
        && !text.contains("syz")
        && !text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_address)
}

/// The final form of a title: printable ASCII, at most [`LONGEST_TITLE`] bytes, no blank at an end.
pub(crate) fn finish(title: &str) -> String {
    let ascii: String =
        title.chars().filter(|c| (' '..='~').contains(c)).take(LONGEST_TITLE).collect();
    ascii.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_crashes_goes() {
        assert_eq!(
            stable("Allocated in fasync_helper+0x29/0x90 age=1 cpu=1 pid=6024"),
            "Allocated in fasync_helper age=NUM cpu=NUM pid=NUM"
        );
        assert_eq!(stable("bad at addr ffff8800b46111c0"), "bad at addr ADDR");
        assert_eq!(stable("unknown-block(0,0)"), "unknown-block(NUM,NUM)");
        assert_eq!(
            stable("mkdir ./syzkaller-testdir264563108: x"),
            "mkdir ./syzkaller-testdirNUM: x"
        );
        assert_eq!(stable("ath10k USB"), "ath10k USB");
        assert_eq!(stable(" slab-out-of-bounds "), "slab-out-of-bounds");
        assert_eq!(stable("at deadbeef"), "at ADDR");
        assert_eq!(stable("mm/slab.c:123!"), "mm/slab.c:LINE!");
    }

    #[test]
    fn titles_are_short_and_plain() {
        assert_eq!(finish(&"\u{1b}x".repeat(200)).len(), LONGEST_TITLE);
    }
}
