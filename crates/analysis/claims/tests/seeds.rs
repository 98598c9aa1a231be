//! The acceptance examples that are analyses. Skipped, visibly, where they are absent.

use std::path::PathBuf;

use analysis_claims::{JudgedClaim, Report, Verdict, check};
use model::LineSpan;

fn seed(name: &str) -> Option<Vec<u8>> {
    let path =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/seeds")).join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(_) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "skipped: {} is absent", path.display());
            None
        }
    }
}

fn covers(lines: &[LineSpan], line: u64) -> bool {
    lines.iter().any(|span| span.contains(line))
}

/// The claim with that verdict whose statement has the words, standing on all those lines.
fn claim<'r>(report: &'r Report, verdict: Verdict, words: &str, lines: &[u64]) -> &'r JudgedClaim {
    report
        .claims
        .iter()
        .find(|c| {
            c.verdict == verdict
                && c.statement.contains(words)
                && lines.iter().all(|l| covers(&c.lines, *l))
        })
        .unwrap_or_else(|| {
            panic!("no claim {words:?} {verdict} at {lines:?} in {:#?}", report.claims)
        })
}

#[test]
fn the_automated_reply_is_judged_claim_by_claim() {
    let Some(bytes) = seed("002_24dfc5b0640037c5.txt") else { return };
    let report = check(&bytes, None);
    use Verdict::*;
    let deadlock = claim(&report, Contradicted, "deadlock", &[6, 72, 149]);
    assert!(
        deadlock.reason.contains("no cycle") && deadlock.reason.contains("repro2[4093]"),
        "{deadlock:?}"
    );
    let blocked = claim(&report, Unsupported, "143 s", &[11]);
    assert!(blocked.reason.contains("no hung-task"), "{blocked:?}");
    let storm = claim(&report, Unsupported, "storm", &[75, 76, 77, 97]);
    for words in ["no perf line", "CPU-time table", "timer (L53-L54)", "ns per handler"] {
        assert!(storm.reason.contains(words), "{words} is not in {storm:?}");
    }
    let cpus = claim(&report, Unsupported, "CPUs fail", &[97, 98]);
    assert!(
        cpus.reason.contains("lists a task reader and no CPU") && cpus.reason.contains("L51"),
        "{cpus:?}"
    );
    let culprit = claim(&report, Unproven, "a46023d5616ed", &[66, 114, 133]);
    assert!(
        culprit.reason.contains("no bisection") && culprit.reason.contains("L161"),
        "{culprit:?}"
    );
    assert!(
        culprit.reason.contains("lengthen the chain only") && culprit.reason.contains("L51"),
        "{culprit:?}"
    );
    let coped = claim(&report, ProvesNothing, "earlier kernels coped", &[105, 106, 107, 108]);
    assert!(
        coped.reason.contains("SRCU grace period") && coped.reason.contains("once the stall ends"),
        "{coped:?}"
    );
    let forever = claim(&report, Unsupported, "forever", &[103]);
    assert!(forever.reason.contains("one snapshot"), "{forever:?}");
    claim(&report, Incomplete, "workers", &[84, 100, 110]);
    let source = claim(&report, Plausible, "srcu_readers_active_idx_check()", &[89, 90, 91]);
    for words in ["check the source", "\"line 301\"", "placed at 544", "569"] {
        assert!(source.reason.contains(words), "{words} is not in {source:?}");
    }
    claim(&report, Untested, "releases", &[123]);
    let prior = claim(&report, NotReproducible, "no prior report", &[144, 149, 156]);
    assert!(prior.reason.contains("no query") && prior.reason.contains("as of today"), "{prior:?}");
    let links = claim(&report, Unusable, "2", &[152, 155]);
    assert!(links.reason.contains("Message-IDs"), "{links:?}");
    let kick = claim(&report, NotIndicated, "rcu_kick_kthreads", &[182]);
    assert!(
        kick.reason.contains("starved grace-period thread")
            && kick.reason.contains("none is reported")
    );
    let revert = claim(&report, WouldHide, "revert", &[165, 166, 167]);
    assert!(revert.reason.contains("amplifier"), "{revert:?}");
    // Nothing beyond the fourteen.
    assert_eq!(report.claims.len(), 14, "{:#?}", report.claims);
}

#[test]
fn the_graph_of_the_automated_reply_is_rebuilt() {
    let Some(bytes) = seed("002_24dfc5b0640037c5.txt") else { return };
    let report = check(&bytes, None);
    assert!(
        report.input.contains("machine-written analysis, self-declared unverified (L1-L2)"),
        "{}",
        report.input
    );
    assert!(report.input.contains("raw log absent"));
    let kernel: Vec<_> = report.kernel.iter().map(|c| (c.statement.as_str(), c.lines[0])).collect();
    assert!(kernel[0].0.starts_with("7.0.0-rc1") && kernel[0].1 == LineSpan::line(6), "{kernel:?}");
    assert!(
        kernel[1].0.contains("two possible CPUs") || kernel[1].0.contains("2 possible CPUs"),
        "{kernel:?}"
    );
    let task = |name: &str| {
        let found = report.tasks.iter().find(|t| t.task == name);
        found.unwrap_or_else(|| panic!("{name} in {:#?}", report.tasks))
    };
    let closer = &task("repro2[4086]").claims[0];
    for words in ["close()", "__synchronize_srcu", "SRCU grace period", "tracepoint_srcu"] {
        assert!(closer.statement.contains(words), "{words} in {closer:?}");
    }
    assert_eq!(closer.rules[0].0, "W13");
    for worker in ["kworker/0:0[9]", "kworker/0:1[11]"] {
        let claim = &task(worker).claims[0];
        assert!(
            claim.statement.contains("process_srcu") && claim.statement.contains("state D"),
            "{claim:?}"
        );
        assert_eq!(claim.rules[0].0, "W14");
    }
    let reader: Vec<_> = task("repro2[4093]").claims.iter().map(|c| c.statement.as_str()).collect();
    let all = reader.join("\n");
    for words in [
        "runnable or running",
        "preempted",
        "futex_wake",
        "only holdout",
        "a task, not a CPU",
        "bare P4093",
    ] {
        assert!(all.contains(words), "{words} in {all}");
    }
    assert!(!report.cycle);
    let chain = &report.chains[0];
    let order = [
        "repro2[4086]",
        "tracepoint_srcu",
        "kworker/0:0[9] or kworker/0:1[11]",
        " -> RCU grace period",
        "repro2[4093]",
        "CPU time",
    ];
    let places: Vec<_> = order
        .iter()
        .map(|name| chain.find(name).unwrap_or_else(|| panic!("{name} in {chain}")))
        .collect();
    assert!(places.is_sorted(), "{chain}");
    assert_eq!(report.verdict.kind, "starvation");
    for words in
        ["Starvation", "RCU reader", "preempted", "not a deadlock", "repro2[4093]", "not shown"]
    {
        assert!(
            report.verdict.statement.contains(words),
            "{words} in {}",
            report.verdict.statement
        );
    }
    assert_eq!(report.verdict.chain, "high");
    assert!(report.verdict.cause.starts_with("unknown"));
    assert!(report.notes[0].statement.contains("2 different SRCU domains"), "{:?}", report.notes);
    let commits: Vec<_> = report.commits.iter().map(|c| c.hash.as_str()).collect();
    for hash in [
        "a46023d5616ed",
        "a77cb6a867667",
        "c4020620528e4",
        "4d86b1e7e1e98",
        "16718274ee75d",
        "3c6e577d5ae70",
        "f7d327654b886",
    ] {
        assert!(commits.contains(&hash), "{hash} in {commits:?}");
    }
    let bare = report.commits.iter().find(|c| c.hash == "f7d327654b886").unwrap();
    assert_eq!((bare.lines.as_slice(), &bare.subject), (&[166][..], &None));
    let needed = report.needed.join("\n");
    for words in [
        "whole console log",
        "t= g= fqs=",
        "took too long",
        "sysrq-l",
        "policy and priority of repro2[4093]",
        "RCU_BOOST",
        "parent commit",
        "interrupt load removed",
        "\"slow\" from \"never\"",
    ] {
        assert!(needed.contains(words), "{words} in {needed}");
    }
}

#[test]
fn the_form_of_the_automated_reply_is_checked() {
    let Some(bytes) = seed("002_24dfc5b0640037c5.txt") else { return };
    let report = check(&bytes, None);
    let found = |rule: &str| {
        report
            .form
            .iter()
            .find(|f| f.rule == rule)
            .unwrap_or_else(|| panic!("{rule} in {:#?}", report.form))
    };
    let markdown = found("F01");
    assert!(
        ["headings", "bold", "fences"].iter().all(|w| markdown.text.contains(w)),
        "{markdown:?}"
    );
    assert!([4, 18, 19].iter().all(|l| covers(&markdown.lines, *l)), "{markdown:?}");
    assert!([34, 44, 55].iter().all(|l| covers(&found("F03").lines, *l)), "{:?}", found("F03"));
    let length = found("F04");
    assert!(length.text.contains("1000 words") && length.text.contains("line 51"), "{length:?}");
    assert!(found("F05").text.contains("quotation"));
    assert!(found("F06").text.contains("Reported-by"));
    let remedies = found("F07");
    assert!(remedies.text.contains("four remedies"), "{remedies:?}");
    assert!([165, 171, 174, 176].iter().all(|l| covers(&remedies.lines, *l)), "{remedies:?}");
}

#[test]
fn the_automated_reply_makes_nobody_guilty() {
    let Some(bytes) = seed("002_24dfc5b0640037c5.txt") else { return };
    let report = check(&bytes, None);
    // What the report says on its own account, claims aside.
    let own = format!(
        "{} {:?} {:?} {:?} {:?} {}",
        report.input,
        report.kernel,
        report.tasks,
        report.chains,
        report.notes,
        report.verdict.statement
    );
    for words in ["regression", "culprit", "NMI storm", "storm", "a46023d5616ed"] {
        assert!(!own.contains(words), "{words} in {own}");
    }
    assert!(!own.replace("not a deadlock", "").contains("deadlock"), "{own}");
    assert!(!report.needed.join(" ").contains("@"), "no Message-ID is invented");
    for claim in &report.claims {
        assert!(!matches!(claim.verdict, Verdict::Supported), "{claim:?}");
    }
}

#[test]
fn the_conclusions_of_the_note_are_judged_against_its_own_log() {
    let Some(bytes) = seed("003_2f2c7d2c15ad8b2b.txt") else { return };
    let report = check(&bytes, None);
    use Verdict::*;
    let code = claim(&report, Plausible, "shown code", &[359]);
    assert!(
        code.reason.contains("no rcu_read_lock") && code.reason.contains("bede_get_node"),
        "{code:?}"
    );
    let jiffies = claim(&report, Contradicted, "jiffies", &[359]);
    assert!(jiffies.reason.contains("250/s"), "{jiffies:?}");
    let lines: Vec<_> = jiffies.evidence.iter().map(|c| c.lines.first).collect();
    assert_eq!(lines, [120, 337]);
    let death = claim(&report, Unsupported, "core dump", &[359]);
    assert!(death.reason.contains("no segfault, core dump or kill line"), "{death:?}");
    let race = claim(&report, Unsupported, "race in __mod_node_page_state", &[397]);
    assert!(race.reason.contains("`?` frame"), "{race:?}");
    assert!(race.evidence.iter().any(|c| c.lines.first == 151), "{race:?}");
    // The note is otherwise a tutorial: general statements about RCU are no claims about this log.
    assert_eq!(report.claims.len(), 4, "{:#?}", report.claims);
}
