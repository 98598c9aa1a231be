//! Words about tests that were wanted, offered or made.

/// Compiled and nothing more.
pub(crate) const COMPILE_ONLY: &[&str] = &[
    "only compile tested",
    "compile tested only",
    "compile-tested only",
    "only compile-tested",
    "compile tested",
    "compile-tested",
    "build tested only",
    "build-tested only",
    "only build tested",
    "only build-tested",
    "build tested",
    "build-tested",
    "untested",
    "not tested",
    "totally untested",
    "completely untested",
    "lightly tested",
];

/// Ran somewhere.
pub(crate) const RAN: &[&str] = &[
    "tested on",
    "tested with",
    "boot tested",
    "boot-tested",
    "i tested",
    "we tested",
    "tested it",
    "tested this",
    "tested locally",
    "works fine here",
    "works here",
    "works on my",
    "i've tested",
    "i have tested",
    "runtime tested",
    "passes all",
    "tested in",
    "tested under",
    "works for me",
    "survived",
    "no longer reproduces",
    "fixes the issue for me",
    "fixes it for me",
];

/// What shows that a sentence about testing tells of no test that was made.
const NOT_RUN: &[&str] = &[
    "be tested",
    "not tested",
    "n't tested",
    "not been tested",
    "n't been tested",
    "never tested",
    "not yet tested",
    "nobody tested",
    "not test",
    "n't test",
    "untested",
];

/// What went wrong in a test.
const WENT_WRONG: &[&str] = &[
    "still", "fail", "crash", "panic", "hang", "hung", "broken", "breaks", "not work", "n't work",
    "oops",
];

/// What says that it did not.
const WENT_WELL: &[&str] = &[
    "no fail",
    "no crash",
    "no panic",
    "no hang",
    "no oops",
    "zero fail",
    "0 fail",
    "without fail",
    "without crash",
    "without any ",
    "without a ",
    "no longer ",
    "not fail",
    "n't fail",
    "not crash",
    "n't crash",
    "not hang",
    "n't hang",
    "never fail",
    "never crash",
    "still work",
    "still pass",
    "still boot",
    "still fine",
];

/// Whether a sentence about a test, in lower case, says that it went well.
pub(crate) fn went_well(lower: &str) -> bool {
    let mut rest = lower.to_owned();
    for good in WENT_WELL {
        // `no longer crashes` and `without a crash` take the next word with them.
        while let Some(at) = rest.find(good) {
            let end = at + good.len();
            let word = rest[end..].find(' ').map_or(rest.len(), |space| end + space);
            rest.replace_range(at..word, "");
        }
    }
    !WENT_WRONG.iter().any(|w| rest.contains(w))
}

/// Whether a sentence about testing, in lower case, tells of no test that was made.
pub(crate) fn was_not_run(lower: &str) -> bool {
    NOT_RUN.iter().any(|w| lower.contains(w))
        || ["if", "once", "unless", "when"]
            .iter()
            .any(|w| lower.split(|c: char| !c.is_alphanumeric()).any(|word| word == *w))
}

/// A machine's result, and whether it is good.
pub(crate) const RESULTS: &[(&str, bool)] = &[
    ("did not trigger any issue", true),
    ("build test passed", true),
    ("test passed", true),
    ("bpf_ci: success", true),
    ("kernel test robot noticed the following build errors", false),
    ("kernel test robot noticed the following build warnings", false),
    ("kernel test robot noticed", false),
    ("syzbot found the following", false),
    ("syzbot has tested the proposed patch but", false),
    ("still triggering an issue", false),
    ("but the reproducer is still triggering", false),
    ("build failed", false),
    ("build failure", false),
    ("test failed", false),
    ("and found the following issue", false),
];

/// A test is wanted.
pub(crate) const TEST_WANTED: &[&str] = &[
    "please test",
    "sure to test",
    "please be sure to test",
    "please run",
    "needs testing",
    "need testing",
    "needs to be tested",
    "should be tested",
    "testing appreciated",
    "testing welcome",
    "test reports welcome",
    "please give it a",
    "please verify",
    "test and report",
    "please retest",
    "please try this",
    "please try the",
    "please try it",
    "please try with",
    "please try v",
];

/// A test is offered.
pub(crate) const TEST_OFFERED: &[&str] = &[
    "i can test",
    "i could test",
    "i will test",
    "i'll test",
    "i can try",
    "i will try",
    "i'll try",
    "i can run",
    "i will run",
    "i'll run",
    "we can test",
    "will give it a",
    "let me test",
    "happy to test",
];

#[cfg(test)]
mod tests {
    use super::{was_not_run, went_well};

    #[test]
    fn a_failure_that_did_not_come_is_none_and_a_wish_is_no_run() {
        for text in ["1000 cycles, no failure", "it no longer crashes", "still works for me"] {
            assert!(went_well(text), "{text}");
        }
        for text in
            ["i haven't tested on arm", "this can be tested with kunit", "works here if idle"]
        {
            assert!(was_not_run(text), "{text}");
        }
        assert!(!was_not_run("i tested this diff on arm"));
        for text in ["i tested this and it still crashes", "it fails on rev b", "doesn't work here"]
        {
            assert!(!went_well(text), "{text}");
        }
    }
}
