//! Logs as mails and pages leave them: the judgement must not change, and a log that is cut must not
//! turn a doubt into an accusation.
//!
//! Runs over a log of its own, and over the labelled logs that stand beside the project where they are
//! there.

#![expect(clippy::print_stdout, reason = "a skipped test must be seen")]

use std::fs;
use std::path::Path;

use analysis_bisect_audit::{Judgement, audit};

fn judge(text: &str) -> (Judgement, Option<String>) {
    let audit = audit(&parse_bisect_log::read(text.as_bytes()), None);
    (audit.judgement, audit.named.map(|id| id.to_string()))
}

/// A log of our own: a search that ended on a plausible commit.
fn own() -> String {
    let id = |digit: &str| digit.repeat(40);
    let (a, b, c, d) = (id("a"), id("b"), id("c"), id("d"));
    let kernel = |commit: &str, digit: &str| {
        format!(
            "testing commit {commit} with gcc (GCC) 10.2.1 20210217\nkernel signature: {}\n",
            digit.repeat(64)
        )
    };
    let crash = "all runs: crashed: KASAN: use-after-free Read in sample_function\n";
    let (clean, left) = ("all runs: OK\n", "revisions left to test after this (roughly 1 steps)");
    [
        format!("bisecting cause commit starting from {a}\nbuilding syzkaller on {d}\n"),
        kernel(&a, "1") + crash,
        format!("testing release v5.12\n{}{clean}", kernel(&b, "2")),
        format!("# git bisect start {a} {b}\nBisecting: 1 {left}\n[{c}] net: sample: work\n"),
        format!("{}{crash}# git bisect bad {c}\n", kernel(&c, "3")),
        format!("Bisecting: 0 {left}\n[{d}] net: sample: before\n"),
        format!("{}{clean}# git bisect good {d}\n", kernel(&d, "4")),
        format!("{c} is the first bad commit\ncommit {c}\nAuthor: A <a@example.org>\n"),
        "Date:   Fri Jan 1 00:00:00 2021 +0000\n\n    net: sample: work\n\n".into(),
        " net/sample/sample.c | 10 +++++-----\n 1 file changed, 5 insertions(+), 5 deletions(-)\n"
            .into(),
        format!("culprit signature: {}\nparent  signature: {}\n", "3".repeat(64), "4".repeat(64)),
        "revisions tested: 4, total time: 2h0m0.5s (build: 1h0m0s, test: 50m0s)\n".into(),
    ]
    .concat()
}

fn logs() -> Vec<String> {
    let mut logs = vec![own()];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpus/bisections");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: {} is not there", folder.display());
        return logs;
    };
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .collect();
    paths.sort();
    for path in paths.iter().step_by(7) {
        logs.push(String::from_utf8_lossy(&fs::read(path).expect("a log")).into_owned());
    }
    logs
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;")
}

#[test]
fn the_shape_in_which_a_log_comes_does_not_change_the_judgement() {
    for log in logs() {
        let plain = judge(&log);
        let quoted =
            |mark: &str| -> String { log.lines().map(|line| format!("{mark}{line}\n")).collect() };
        let shapes = [
            ("carriage returns", log.replace('\n', "\r\n")),
            ("quoted", format!("Hi,\n\nthe bot said:\n{}\nThanks\n", quoted("> "))),
            ("quoted twice", quoted(">> ")),
            ("a page", format!("<html><body>\n<pre>{}</pre>\n</body></html>\n", escaped(&log))),
            ("escaped", escaped(&log)),
            ("no end of line", log.trim_end().to_owned()),
        ];
        for (name, shape) in shapes {
            let start: String = log.chars().take(300).collect();
            assert_eq!(judge(&shape), plain, "{name}:\n{start}");
        }
    }
}

/// Wrapped at 72 columns, as mailers do.
fn wrapped(log: &str) -> String {
    let mut text = String::new();
    for line in log.lines() {
        let mut column = 0;
        for (at, word) in line.split(' ').enumerate() {
            if at > 0 && column + 1 + word.len() > 72 {
                text.push('\n');
                column = 0;
            } else if at > 0 {
                text.push(' ');
                column += 1;
            }
            text.push_str(word);
            column += word.len();
        }
        text.push('\n');
    }
    text
}

#[test]
fn a_wrapped_log_never_becomes_an_accusation() {
    let own = own();
    assert_eq!(judge(&wrapped(&own)), judge(&own));
    let mut worse = Vec::new();
    for log in logs() {
        let (plain, _) = judge(&log);
        let (wrapped, _) = judge(&wrapped(&log));
        if plain == Judgement::Trustworthy && wrapped == Judgement::Wrong {
            worse.push(log.chars().take(200).collect::<String>());
        }
    }
    assert!(worse.is_empty(), "{worse:#?}");
}

#[test]
fn a_log_that_is_cut_off_names_nobody_whom_the_whole_log_does_not() {
    for log in logs() {
        let (whole, named) = judge(&log);
        let lines: Vec<&str> = log.lines().collect();
        for tenth in 1..10 {
            let cut = lines[..lines.len() * tenth / 10].join("\n");
            let (judgement, cut_named) = judge(&cut);
            let start: String = log.chars().take(200).collect();
            assert!(cut_named.is_none() || cut_named == named, "{tenth} tenths of {start}");
            if cut_named.is_some() && whole == Judgement::Trustworthy {
                assert_ne!(judgement, Judgement::Wrong, "{tenth} tenths of {start}");
            }
        }
    }
}
