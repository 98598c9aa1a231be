//! Claims about remedies and consequences: options, reverts, fixes, impact.

use std::sync::LazyLock;

use analysis_hang::event::EventKind;
use model::LineSpan;
use regex::Regex;

use super::source::{has_tested_by, independent_holdout, stated_revert};
use super::{Shape, is_match};
use crate::claims::{Case, Found, Judgement};
use crate::evidence::{Cited, End, Evidence, Source};
use crate::verdict::Verdict::{NotIndicated, Plausible, Unsupported, Untested, WouldHide};

/// The options of [`OPTIONS`], as the table of claims looks for them. A test keeps both together.
pub(crate) const OPTIONS_SHAPE: &str = r"(?i)\b(?P<option>rcu_kick_kthreads|rcu_cpu_stall_timeout|rcu_cpu_stall_suppress|nosoftlockup|nowatchdog|nmi_watchdog|watchdog_thresh|softlockup_panic|hung_task_timeout_secs|(?:CONFIG_)?RCU_BOOST|min_free_kbytes|intel_idle\.max_cstate|processor\.max_cstate|idle=poll|pcie_aspm|nomodeset|noapic|acpi=off|mitigations=off|perf_event_max_sample_rate|perf_cpu_time_max_percent)\b";

/// What an option treats.
struct Remedy {
    option: &'static str,
    /// It only silences what reports the trouble.
    silences: bool,
    /// What it does.
    does: &'static str,
    /// Whether the evidence shows what it treats; `None` where that cannot be seen in a log.
    shown: fn(&Evidence<'_>) -> Option<bool>,
    /// What is missing when it does not.
    missing: &'static str,
}

const fn silences(option: &'static str, does: &'static str) -> Remedy {
    Remedy { option, silences: true, does, shown: |_| None, missing: "" }
}

const fn treats(
    option: &'static str,
    does: &'static str,
    shown: fn(&Evidence<'_>) -> Option<bool>,
    missing: &'static str,
) -> Remedy {
    Remedy { option, silences: false, does, shown, missing }
}

/// Options that analyses recommend. Source: Documentation/admin-guide.
const OPTIONS: &[Remedy] = &[
    treats(
        "rcu_kick_kthreads",
        "it wakes a starved grace-period thread",
        |e| Some(starved(e)),
        "none is reported",
    ),
    silences("rcu_cpu_stall_timeout", "it moves the moment of the report"),
    silences("rcu_cpu_stall_suppress", "it silences the report"),
    silences("nosoftlockup", "it turns the detector off"),
    silences("nowatchdog", "it turns the detectors off"),
    silences("nmi_watchdog", "it turns the detector on or off"),
    silences("watchdog_thresh", "it moves the moment of the report"),
    silences("softlockup_panic", "it decides whether the report is a panic"),
    silences("hung_task_timeout_secs", "it moves or silences the report"),
    treats(
        "RCU_BOOST",
        "it raises the priority of preempted readers",
        |e| Some(reader(e)),
        "no preempted reader is reported",
    ),
    treats(
        "min_free_kbytes",
        "it keeps more memory free",
        |e| Some(memory(e)),
        "no shortage of memory is reported",
    ),
    treats(
        "intel_idle.max_cstate",
        "it avoids deep idle states",
        |e| Some(machine(e)),
        "nothing in the log points at idle states",
    ),
    treats(
        "processor.max_cstate",
        "it avoids deep idle states",
        |e| Some(machine(e)),
        "nothing in the log points at idle states",
    ),
    treats(
        "idle=poll",
        "it avoids idle states",
        |e| Some(machine(e)),
        "nothing in the log points at idle states",
    ),
    treats(
        "pcie_aspm",
        "it keeps PCIe links awake",
        |e| Some(machine(e)),
        "no PCIe error is reported",
    ),
    treats("nomodeset", "it keeps graphics drivers out", |_| None, ""),
    treats(
        "noapic",
        "it avoids the I/O APIC",
        |e| Some(machine(e)),
        "nothing in the log points at it",
    ),
    treats(
        "acpi=off",
        "it turns ACPI off",
        |e| Some(machine(e)),
        "nothing in the log points at ACPI",
    ),
    treats(
        "mitigations=off",
        "it turns mitigations off",
        |_| Some(false),
        "nothing in the log points at them",
    ),
    treats(
        "perf_event_max_sample_rate",
        "it bounds the rate of perf interrupts",
        |e| Some(perf(e)),
        "no perf line is quoted",
    ),
    treats(
        "perf_cpu_time_max_percent",
        "it bounds the time of perf interrupts",
        |e| Some(perf(e)),
        "no perf line is quoted",
    ),
];

fn starved(evidence: &Evidence<'_>) -> bool {
    evidence.exhibits().any(|e| {
        e.stalls().any(|(_, s)| s.starved.is_some())
            || e.events(EventKind::RcuKthreadStarved).next().is_some()
    })
}

fn reader(evidence: &Evidence<'_>) -> bool {
    evidence.exhibits().any(|e| e.stalls().any(|(_, s)| !s.tasks.is_empty()))
}

fn memory(evidence: &Evidence<'_>) -> bool {
    evidence.exhibits().any(|e| {
        e.events(EventKind::OutOfMemory).next().is_some()
            || e.events(EventKind::AllocationFailure).next().is_some()
    })
}

fn machine(evidence: &Evidence<'_>) -> bool {
    evidence.exhibits().any(|e| {
        e.seen.events.iter().any(|e| matches!(e.kind, EventKind::Hardware | EventKind::Device))
    })
}

fn perf(evidence: &Evidence<'_>) -> bool {
    evidence.exhibits().any(|e| e.events(EventKind::SlowInterrupt).next().is_some())
}

static CHANGES: Shape = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:increas\w+|rais\w+|disabl\w+|set(?:ting)?|add(?:ing)?|boot\w*|echo|turn\w* off|silenc\w+|suppress\w*|lower\w*|try\w*|enabl\w+|pass\w*|us(?:e|ing))\b|=").ok()
});

/// Silencing hides; treating what is not there is not indicated; anything else is for a test.
pub(crate) fn option(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let named = first.group("option")?;
    let bare = named.trim_start_matches("CONFIG_");
    let remedy = OPTIONS.iter().find(|r| r.option.eq_ignore_ascii_case(bare))?;
    if !is_match(&CHANGES, &first.sentence.text) {
        return None;
    }
    let statement = format!("{named} may help");
    if remedy.silences {
        // A panic at the report is a way to collect a dump.
        if remedy.option == "softlockup_panic" && first.sentence.text.contains("=1") {
            return None;
        }
        return Some(Judgement::new(
            statement,
            WouldHide,
            format!("{}; the cause stays", remedy.does),
        ));
    }
    match (remedy.shown)(case.evidence) {
        Some(true) => Some(Judgement::new(
            statement,
            Plausible,
            format!("{}, and the log shows one; untested", remedy.does),
        )),
        Some(false) => Some(Judgement::new(
            statement,
            NotIndicated,
            format!("{}; {}", remedy.does, remedy.missing),
        )),
        None => None,
    }
}

static COMMIT: Shape = LazyLock::new(|| {
    Regex::new(r"(?i)\b[0-9a-f]{7,40}\b|\b(?:commit|patch|series|change|merge)\b|\bit\b|\bthis\b")
        .ok()
});
static SUGGESTS: Shape = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:workaround|should|would|could|suggest\w*|recommend\w*|consider|option|mitigat\w+|propos\w+|fix)\b|^revert").ok()
});

/// A revert that was tried is a test. One that takes away only a link of an open chain hides the cause.
pub(crate) fn revert(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.iter().find(|f| {
        is_match(&COMMIT, &f.sentence.text)
            && is_match(&SUGGESTS, &f.sentence.text)
            && !f.sentence.is_heading
    })?;
    let hash = first.sentence.text.split(|c: char| !c.is_ascii_alphanumeric()).find(|w| {
        (7..=40).contains(&w.len())
            && w.bytes().all(|b| b.is_ascii_hexdigit())
            && w.bytes().any(|b| b.is_ascii_digit())
    });
    let statement = match hash {
        Some(hash) => format!("reverting {hash} helps"),
        None => "a revert helps".to_owned(),
    };
    let own = |lines: LineSpan| Cited { source: Source::Analysis, lines };
    if let Some(lines) = stated_revert(case.document) {
        let how = "a run with it reverted is stated; its log and the number of runs are not shown";
        return Some(Judgement::new(statement, Plausible, how).citing([own(lines)]));
    }
    if let Some((holdout, line)) = hash.and_then(|h| independent_holdout(case, h)) {
        return Some(
            Judgement::new(
                statement,
                WouldHide,
                format!("it treats the amplifier: {holdout} would still hold up the grace period"),
            )
            .citing([line]),
        );
    }
    let exhibit = case.evidence.graph_exhibit();
    let starving =
        exhibit.open_ends().is_some_and(|ends| ends.iter().all(|e| matches!(e, End::Runnable(_))));
    let reason = match starving {
        true => {
            "nobody tried it; the chain ends at a task that is not blocked, which a revert may leave as it is"
        }
        false => "nobody tried it",
    };
    Some(Judgement::new(statement, Untested, reason))
}

/// Only a run shows that a fix works.
pub(crate) fn fix_works(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    static TESTED: Shape = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:tested|verified|confirmed)\b[^.;]{0,60}\b(?:on|with|by|for|under|in)\b|\bran\b[^.;]{0,40}\b(?:hours|times|iterations|runs)\b").ok()
    });
    let statement = "the fix works";
    let own = |lines: LineSpan| Cited { source: Source::Analysis, lines };
    if let Some(line) = has_tested_by(case.document) {
        return Some(
            Judgement::new(statement, Plausible, "somebody tested it")
                .citing([own(LineSpan::line(line))]),
        );
    }
    let tested = case.document.sentences.iter().find(|s| {
        is_match(&TESTED, &s.text)
            && !["not ", "untested", "should", "please"]
                .iter()
                .any(|w| s.text.to_ascii_lowercase().contains(w))
    });
    let _ = found;
    Some(match tested {
        Some(sentence) => {
            Judgement::new(statement, Plausible, "a test is stated; its log is not shown")
                .citing([own(sentence.lines)])
        }
        None => Judgement::new(statement, Untested, "no run with it is stated"),
    })
}

/// A hang denies service; anything worse has to be shown.
pub(crate) fn impact(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let impact = found.first()?.group("impact")?.to_ascii_lowercase();
    let statement = format!("impact: {impact}");
    let hang = case.evidence.exhibits().find_map(|exhibit| {
        let event =
            exhibit.seen.events.iter().find(|e| e.kind.is_hang() || e.kind == EventKind::Panic)?;
        Some(exhibit.cite(event.lines.first))
    });
    if impact.contains("denial")
        && let Some(line) = hang
    {
        return Some(
            Judgement::new(
                statement,
                Plausible,
                "the log shows a hang; who can cause it is not shown",
            )
            .citing([line]),
        );
    }
    Some(Judgement::new(statement, Unsupported, "neither the log nor a reproducer shows it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_of_the_table_is_looked_for() {
        let shape = Regex::new(OPTIONS_SHAPE).unwrap();
        for remedy in OPTIONS {
            assert!(shape.is_match(&format!("set {} to 1", remedy.option)), "{}", remedy.option);
        }
    }
}
