//! Analyses of many kinds, right and wrong, each with the verdicts it must get.

use std::path::PathBuf;

use analysis_claims::Verdict::{self, *};
use analysis_claims::{Report, check};

fn read(name: &str) -> Vec<u8> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples")).join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Judges a sample and compares: each expected row must be there, and no other row at all.
fn expect(analysis: &str, log: Option<&str>, rows: &[(&str, Verdict, &str, &str)]) -> Report {
    let report = check(&read(analysis), log.map(read).as_deref());
    for (rule, verdict, statement, reason) in rows {
        assert!(
            report.claims.iter().any(|c| c.rule == *rule
                && c.verdict == *verdict
                && c.statement.contains(statement)
                && c.reason.contains(reason)),
            "{rule} {verdict} {statement:?} {reason:?} is not in {:#?}",
            report.claims
        );
    }
    let expected: Vec<_> = rows.iter().map(|r| r.0).collect();
    for claim in &report.claims {
        assert!(expected.contains(&claim.rule), "not expected: {claim:#?}");
        assert!(!claim.lines.is_empty() && !claim.reason.is_empty(), "{claim:?}");
    }
    assert_eq!(report.claims.len(), rows.len(), "{:#?}", report.claims);
    report
}

#[test]
fn a_right_report_of_a_deadlock_is_confirmed() {
    let report = expect(
        "crossed-mutexes.txt",
        None,
        &[
            ("C01", Supported, "it is a deadlock", "close a cycle"),
            ("C03", Supported, "two tasks", "states it"),
            ("C08", Supported, "3f9a1c07be52", "bisection ends there"),
            ("C31", Supported, "6.15.2", "6.15.2"),
        ],
    );
    assert!(report.cycle);
    assert_eq!(report.verdict.kind, "deadlock");
    assert!(report.form.iter().all(|f| f.rule != "F06"), "{:?}", report.form);
}

#[test]
fn a_confident_wrong_analysis_is_taken_apart_by_the_log() {
    let report = expect(
        "starved-thread.md",
        Some("starved-thread.log"),
        &[
            ("C18", Contradicted, "memory ran out", "no memory event"),
            ("C19", Contradicted, "interrupts are disabled", "open"),
            ("C28", Supported, "thread is starved", "10480 jiffies"),
            ("C25", Contradicted, "CPU 3 starves", "CPU 0"),
            ("C01", Contradicted, "deadlock", "no cycle"),
            ("C31", Contradicted, "6.1.4", "5.10.77"),
            ("C10", Unsupported, "forever", "one snapshot"),
            ("C34", Contradicted, "write_comp_data", "prints or checks"),
        ],
    );
    let oom = report.claims.iter().find(|c| c.rule == "C18").unwrap();
    assert_eq!(oom.evidence[0].to_string(), "log L5");
}

#[test]
fn a_sanitizer_report_supports_its_own_kind_and_no_more() {
    expect(
        "freed-object.txt",
        None,
        &[
            ("C24", Supported, "use-after-free", "use-after-free"),
            ("C33", Unsupported, "privilege escalation", "neither"),
            ("C32", Untested, "fix works", "no run"),
            ("C31", Supported, "6.9.3", "6.9.3"),
        ],
    );
}

#[test]
fn poison_is_not_null() {
    expect(
        "poisoned-pointer.md",
        None,
        &[
            ("C24", Contradicted, "NULL pointer dereference", "0x6b6b6b6b6b6b6b83"),
            ("C24", Plausible, "use-after-free", "POISON_FREE"),
            ("C52", Supported, "ourdrv_complete()", "names it as the place"),
        ],
    );
}

#[test]
fn durations_remedies_and_searches_are_judged() {
    expect(
        "stuck-cpu.md",
        Some("stuck-cpu.log"),
        &[
            ("C03", Contradicted, "45 s", "22 s"),
            ("C25", Supported, "CPU 5", "stuck"),
            ("C29", Unsupported, "hardware", "no machine check"),
            ("C31", Supported, "6.8.0", "6.8.0"),
            ("C16", NotIndicated, "intel_idle.max_cstate", "idle states"),
            ("C16", WouldHide, "nosoftlockup", "turns the detector off"),
            ("C17", Untested, "9d41ac77e0b3", "nobody tried"),
            ("C14", NotReproducible, "no prior report", "no query"),
        ],
    );
}

#[test]
fn a_careful_reply_is_left_in_peace() {
    let report = expect(
        "slow-reader.txt",
        None,
        &[
            ("C02", Supported, "not a deadlock", "no cycle"),
            ("C07", Supported, "pid 902", "as a reader"),
        ],
    );
    assert_eq!(report.verdict.kind, "starvation");
    assert!(report.form.is_empty(), "{:?}", report.form);
}

#[test]
fn lockdep_shows_what_may_happen_not_what_did() {
    expect("lock-order.md", None, &[("C01", Plausible, "deadlock", "not that one happened")]);
}

#[test]
fn a_line_that_the_log_does_not_have_is_found_out() {
    let invented = "The log says:\n\n\
        watchdog: BUG: soft lockup - CPU#5 stuck for 22s! [scanner:3301]\n \
        ourdrv_ioctl+0x91/0x140 [ourdrv]\n \
        ourdrv_never_called+0x12/0x40 [ourdrv]\n";
    let report = check(invented.as_bytes(), Some(&read("stuck-cpu.log")));
    let row = report.claims.iter().find(|c| c.rule == "C37").expect("quoted lines are compared");
    assert_eq!((row.verdict, row.reason.as_str()), (Contradicted, "1 of 3 are not in the log"));
    assert_eq!(row.lines, [model::LineSpan::line(5)]);
    let honest = check(&read("stuck-cpu.log"), Some(&read("stuck-cpu.log")));
    assert!(honest.claims.iter().any(|c| c.rule == "C37" && c.verdict == Supported));
}

#[test]
fn nanoseconds_are_not_milliseconds() {
    expect(
        "slow-interrupt.md",
        None,
        &[
            ("C04", Unsupported, "storm", "not a share"),
            ("C05", Contradicted, "69 ms", "1000 times too large"),
            ("C08", Unproven, "5be2a90c11d7", "no bisection"),
        ],
    );
}

#[test]
fn hostile_text_gives_no_panic_and_no_claim_without_lines() {
    for text in [
        "deadlock \u{202e} \u{1b}[31m\n",
        "commit 0000000aaaaaaa caused caused caused\n",
        "```\na_b\n  c_d ← \n",
        "P999999999999/9:b..l holds up RCU\nrcu: Tasks blocked on level-0 rcu_node (CPUs 9-1): P99999999999\n",
        "line 99999999999999 of foo() (a/b.c:99999999999)\n",
        "blocked for more than 999999 seconds (pid 4294967296)\n",
        "\u{feff}# \u{a0}deadlock\u{a0}\n> > > deadlock\n",
    ] {
        let report = check(text.as_bytes(), Some(text.as_bytes()));
        assert!(report.claims.iter().all(|c| !c.lines.is_empty()));
    }
}

#[test]
fn every_rule_is_whole_and_its_shape_compiles() {
    let mut ids: Vec<_> = analysis_claims::rules::all().map(|r| r.id).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(all, ids.len());
    for rule in analysis_claims::rules::all() {
        assert!(!rule.looks_for.is_empty() && !rule.meaning.is_empty(), "{}", rule.id);
        assert!(rule.compiles(), "{}", rule.id);
    }
    assert!(
        analysis_claims::form::FORM_RULES
            .iter()
            .all(|r| !r.looks_for.is_empty() && !r.advice.is_empty())
    );
}
