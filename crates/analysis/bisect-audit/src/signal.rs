//! What speaks for and against the commit that a bisection names.
//!
//! Each signal has a weight in bits (the logarithm, base 2, of a likelihood ratio; negative speaks against).
//! The weights come from 381 bisections of syzbot that named a commit and whose true cause is known by a
//! `Fixes:` tag (FSE 2024 companion, "syzbot cause bisection study"): 170 right, 211 wrong. They were fitted
//! together (logistic regression, ridge 1), because the signals overlap; `examples/weights.rs` measures and
//! fits them again. Four facts are decisive instead: none of the 170 right answers has them.

use model::{Claim, Grade, LineSpan, RuleName};
use parse_bisect_log::{Answer, BisectLog, ChangedPath};

use crate::path;
use crate::strand::Strand;
use crate::tested::{Tally, Tested, pooled};
use crate::title::{self, Nearness};

/// A weighed signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signal {
    /// Its identifier.
    pub rule: RuleName,
    /// Bits for each unit of strength.
    pub weight: f64,
    /// What one unit of strength is.
    pub unit: &'static str,
}

/// The belief before any signal, in bits: `examples/weights.rs` fits it together with the weights.
pub const PRIOR_BITS: f64 = 0.6;

/// The signals, in the order in which `examples/weights.rs` prints them.
pub const SIGNALS: &[Signal] = &[
    Signal {
        rule: RuleName("audit-other-crash"),
        weight: -1.7,
        unit: "the named kernel shows no wanted title",
    },
    Signal {
        rule: RuleName("audit-other-dress"),
        weight: -0.8,
        unit: "only the function of a wanted title",
    },
    Signal {
        rule: RuleName("audit-rate-drop"),
        weight: -1.2,
        unit: "crash rate lost since the start commit",
    },
    Signal { rule: RuleName("audit-single-crash"), weight: -1.3, unit: "one crashing run decides" },
    Signal {
        rule: RuleName("audit-releases-walked"),
        weight: -0.6,
        unit: "doubling of releases walked",
    },
    Signal {
        rule: RuleName("audit-trace-file"),
        weight: 2.0,
        unit: "touches a file of the last trace",
    },
    Signal {
        rule: RuleName("audit-trace-directory"),
        weight: 0.3,
        unit: "touches a directory of the trace",
    },
    Signal {
        rule: RuleName("audit-unrelated-bad"),
        weight: -0.4,
        unit: "bad verdict without a wanted title, up to 4",
    },
    Signal { rule: RuleName("audit-detector"), weight: -2.1, unit: "touches a checker" },
    Signal {
        rule: RuleName("audit-assertion"),
        weight: -1.2,
        unit: "the wanted crash is an assertion",
    },
    Signal {
        rule: RuleName("audit-paths-unknown"),
        weight: 0.5,
        unit: "the log lists trees, not files",
    },
    Signal {
        rule: RuleName("audit-untested"),
        weight: -0.5,
        unit: "the named commit was not tested",
    },
];

/// Decisive: the kernel is its parent's, byte for byte.
pub(crate) const SAME_KERNEL: RuleName = RuleName("audit-same-kernel");
/// Decisive: nothing the commit changes is in a kernel image.
pub(crate) const NOT_BUILT: RuleName = RuleName("audit-not-built");
/// Decisive: the commit changes the version only.
pub(crate) const VERSION_ONLY: RuleName = RuleName("audit-version-only");
/// Decisive: a merge.
pub(crate) const MERGE: RuleName = RuleName("audit-merge");

/// One signal as it stands in a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// How strong it is, in the signal's unit; 0 where it was looked for and not found.
    pub strength: f64,
    /// Bits it contributes.
    pub bits: f64,
    /// What is said about it; `None` where there is nothing to say.
    pub claim: Option<Claim>,
}

/// Everything that was looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signals {
    /// Facts that decide alone.
    pub decisive: Vec<Claim>,
    /// One entry for each row of [`SIGNALS`], in its order.
    pub observed: Vec<Observed>,
}

impl Signals {
    /// The probability that the named commit is the cause, by the signals; 0 with a decisive fact.
    pub fn probability(&self) -> f64 {
        if !self.decisive.is_empty() {
            return 0.0;
        }
        let bits = PRIOR_BITS + self.observed.iter().map(|observed| observed.bits).sum::<f64>();
        1.0 / (1.0 + (-bits).exp2())
    }
}

/// What the signals look at.
pub(crate) struct Evidence<'a> {
    pub(crate) log: &'a BisectLog,
    pub(crate) tests: &'a [Tested],
    pub(crate) strands: &'a [Strand],
    /// The files of the named commit, from the tree where that is at hand, else from the log.
    pub(crate) changed: &'a [ChangedPath],
    /// Their lines in the log, if they stand there.
    pub(crate) changed_lines: Option<LineSpan>,
    /// Whether the tree says that the commit is a merge.
    pub(crate) merge: bool,
}

/// Looks for every signal. Without a named commit there is nothing to weigh.
pub(crate) fn observe(evidence: &Evidence<'_>) -> Signals {
    let mut found: Vec<(&'static str, f64, Option<Claim>)> = Vec::new();
    culprit_runs(evidence, &mut found);
    releases(evidence, &mut found);
    files(evidence, &mut found);
    unrelated(evidence, &mut found);
    let observed = SIGNALS
        .iter()
        .map(|signal| {
            let hit = found.iter().find(|(name, ..)| *name == signal.rule.0);
            let strength = hit.map_or(0.0, |(_, strength, _)| *strength);
            let mut claim = hit.and_then(|(_, _, claim)| claim.clone());
            if let Some(claim) = &mut claim {
                claim.rules.push(signal.rule);
            }
            Observed { strength, bits: strength * signal.weight, claim }
        })
        .collect();
    Signals { decisive: decisive(evidence), observed }
}

fn claim(statement: String, grade: Grade, lines: Vec<LineSpan>) -> Option<Claim> {
    Some(Claim { statement, grade, rules: Vec::new(), lines })
}

fn decisive(evidence: &Evidence<'_>) -> Vec<Claim> {
    let log = evidence.log;
    let mut claims = Vec::new();
    let Answer::Commit { id, subject, line } = &log.answer else { return claims };
    let mut push = |rule, statement: String, grade, lines| {
        claims.push(Claim { statement, grade, rules: vec![rule], lines });
    };
    if let (Some(own), Some(parent)) = (&log.culprit_signature, &log.parent_signature)
        && own.value == parent.value
        && !own.value.is_empty()
    {
        push(
            SAME_KERNEL,
            format!(
                "{} cannot change what runs: its kernel is its parent's, byte for byte (signature {} twice)",
                id.short(),
                short(&own.value)
            ),
            Grade::Derived,
            vec![LineSpan::new(own.line, parent.line)],
        );
    }
    let arch = arch(log);
    let lines: Vec<_> = evidence.changed_lines.into_iter().collect();
    if !evidence.changed.is_empty()
        && evidence.changed.iter().all(|path| path::is_not_built(path, arch))
    {
        let names: Vec<_> = evidence.changed.iter().take(3).map(ChangedPath::text).collect();
        let more = if evidence.changed.len() > 3 { ", …" } else { "" };
        push(
            NOT_BUILT,
            format!(
                "{} touches only what no kernel is built from: {}{more}",
                id.short(),
                names.join(", ")
            ),
            Grade::Inferred,
            lines.clone(),
        );
    }
    let subject = subject.as_deref().or(log.named.as_ref().and_then(|named| named.subject()));
    let only_makefile = matches!(evidence.changed, [ChangedPath::File(path)] if path == "Makefile");
    if subject.is_some_and(|text| text.starts_with("Linux ")) && only_makefile {
        push(
            VERSION_ONLY,
            format!("{} sets the version number of a release and nothing else", id.short()),
            Grade::Seen,
            [vec![LineSpan::line(*line)], lines].concat(),
        );
    }
    let merge_line = log.named.as_ref().and_then(|named| named.merge);
    let by_name = subject.is_some_and(|text| {
        ["Merge branch ", "Merge tag ", "Merge remote-tracking ", "Merge git://", "Merge https://"]
            .iter()
            .any(|start| text.starts_with(start))
    });
    if merge_line.is_some() || by_name || evidence.merge {
        push(
            MERGE,
            format!(
                "{} is a merge: both sides are said to be without the crash, so either the two collide there \
                 or a verdict on one side is wrong, which is far commoner",
                id.short()
            ),
            if merge_line.is_some() || evidence.merge { Grade::Inferred } else { Grade::Guess },
            vec![LineSpan::line(merge_line.unwrap_or(*line))],
        );
    }
    claims
}

/// The first twelve digits of a signature.
pub(crate) fn short(signature: &str) -> String {
    match signature.char_indices().nth(12) {
        Some((end, _)) => format!("{}…", &signature[..end]),
        None => signature.to_owned(),
    }
}

/// The architecture whose files the last trace names.
fn arch(log: &BisectLog) -> Option<&str> {
    let frames = &log.crash.as_ref()?.frames;
    frames.iter().find_map(|frame| frame.file.strip_prefix("arch/")?.split('/').next())
}

/// The runs of the named commit's kernel.
pub(crate) fn named_tally(evidence: &Evidence<'_>) -> Option<(Tally, Vec<LineSpan>)> {
    let Answer::Commit { id, .. } = &evidence.log.answer else { return None };
    let kernel = evidence.tests.iter().find(|test| test.commit == *id)?.kernel;
    let lines = evidence.tests.iter().filter(|test| test.kernel == kernel).map(Tested::lines);
    let lines = lines.collect();
    Some((pooled(evidence.tests).remove(&kernel).unwrap_or_default(), lines))
}

/// The line of the answer.
fn answer_line(log: &BisectLog) -> Vec<LineSpan> {
    match &log.answer {
        Answer::Commit { line, .. } => vec![LineSpan::line(*line)],
        _ => Vec::new(),
    }
}

fn culprit_runs(evidence: &Evidence<'_>, found: &mut Vec<(&'static str, f64, Option<Claim>)>) {
    let Some((tally, lines)) = named_tally(evidence) else {
        found.push((
            "audit-untested",
            1.0,
            claim(
                "the log has no run of the commit it names".to_owned(),
                Grade::Seen,
                answer_line(evidence.log),
            ),
        ));
        return;
    };
    let near = evidence.strands.iter().filter_map(|strand| strand.nearest_in(&tally)).max();
    let shown: Vec<_> = tally.crashes.keys().take(3).map(|title| format!("'{title}'")).collect();
    match near {
        _ if tally.crashed() == 0 => {
            // It was called bad through its ends only; the untested signal says as much.
            found.push(("audit-untested", 1.0, None));
        }
        Some(Nearness::Same) => {}
        Some(Nearness::SameFunction) => found.push((
            "audit-other-dress",
            1.0,
            claim(
                format!(
                    "its kernel shows the function of a wanted title by another kind of crash: {}",
                    shown.join(", ")
                ),
                Grade::Inferred,
                lines.clone(),
            ),
        )),
        _ => found.push((
            "audit-other-crash",
            1.0,
            claim(
                format!(
                    "no run of its kernel shows a wanted title; it was called bad for {}",
                    shown.join(", ")
                ),
                Grade::Seen,
                lines.clone(),
            ),
        )),
    }
    let mut start = Tally::default();
    for test in evidence.tests.iter().filter(|test| test.phase == parse_bisect_log::Phase::Original)
    {
        start.add(&test.tally);
    }
    let drop = (start.rate() - tally.rate()).max(0.0);
    if drop > 0.0 && tally.crashed() > 0 {
        let say = drop >= 0.25;
        found.push((
            "audit-rate-drop",
            drop,
            say.then(|| Claim {
                statement: format!(
                    "its kernel crashes in {} of {} runs, the start commit in {} of {}",
                    tally.crashed(),
                    tally.usable(),
                    start.crashed(),
                    start.usable()
                ),
                grade: Grade::Derived,
                rules: Vec::new(),
                lines: lines.clone(),
            }),
        ));
    }
    if tally.crashed() == 1 {
        found.push((
            "audit-single-crash",
            1.0,
            claim(
                format!("one crash in {} runs made it bad", tally.usable()),
                Grade::Derived,
                lines,
            ),
        ));
    }
}

fn releases(evidence: &Evidence<'_>, found: &mut Vec<(&'static str, f64, Option<Claim>)>) {
    let walked: Vec<_> = evidence.tests.iter().filter(|test| test.release.is_some()).collect();
    let count = walked.len().max(1) as f64;
    let statement = if walked.len() >= 3 {
        claim(
            format!(
                "the walk went back over {} releases; each is a chance to take another crash for this one, \
                 or to end where the reproducer cannot work",
                walked.len()
            ),
            Grade::Derived,
            walked.iter().map(|test| test.span).collect(),
        )
    } else {
        None
    };
    found.push(("audit-releases-walked", count.log2(), statement));
}

fn files(evidence: &Evidence<'_>, found: &mut Vec<(&'static str, f64, Option<Claim>)>) {
    let lines: Vec<_> = evidence.changed_lines.into_iter().collect();
    if evidence.strands.iter().any(|strand| title::is_assertion(strand.title())) {
        found.push((
            "audit-assertion",
            1.0,
            claim(
                "the wanted crash is an assertion, which is often younger or older than the bug it catches"
                    .to_owned(),
                Grade::Inferred,
                evidence.strands.iter().flat_map(|strand| strand.lines.clone()).collect(),
            ),
        ));
    }
    if let Some(path) = evidence.changed.iter().find(|path| path::is_detector(path)) {
        found.push((
            "audit-detector",
            1.0,
            claim(
                format!(
                    "it changes a checker ({}): it may show the crash rather than bring it",
                    path.text()
                ),
                Grade::Inferred,
                lines.clone(),
            ),
        ));
    }
    if evidence.changed.iter().any(|path| matches!(path, ChangedPath::Tree(_))) {
        found.push(("audit-paths-unknown", 1.0, None));
    }
    let Some(crash) = &evidence.log.crash else { return };
    let touched = crash
        .frames
        .iter()
        .find(|frame| evidence.changed.iter().any(|path| path.matches(&frame.file)));
    if let Some(frame) = touched {
        found.push((
            "audit-trace-file",
            1.0,
            claim(
                format!(
                    "it touches {}, which is in the trace of '{}'",
                    frame.file, crash.title.value
                ),
                Grade::Seen,
                [lines.clone(), vec![LineSpan::line(frame.line)]].concat(),
            ),
        ));
    }
    let directory =
        crash.frames.iter().filter(|frame| !path::is_common(&frame.file)).find(|frame| {
            let of = path::directory(&frame.file);
            evidence
                .changed
                .iter()
                .any(|path| matches!(path, ChangedPath::File(file) if path::directory(file) == of))
        });
    if let Some(frame) = directory {
        found.push((
            "audit-trace-directory",
            1.0,
            claim(
                format!("it touches the directory of {}, which is in the trace", frame.file),
                Grade::Seen,
                [lines, vec![LineSpan::line(frame.line)]].concat(),
            ),
        ));
    }
}

/// Whether a test was called bad without any crash near the start commit's.
pub(crate) fn is_unrelated_bad(test: &Tested, strands: &[Strand]) -> bool {
    test.taken == Some(parse_bisect_log::Verdict::Bad)
        && test.phase != parse_bisect_log::Phase::Original
        && test.tally.crashed() > 0
        && strands.iter().all(|strand| {
            strand.nearest_in(&test.tally).is_none_or(|near| near < Nearness::SameArea)
        })
}

fn unrelated(evidence: &Evidence<'_>, found: &mut Vec<(&'static str, f64, Option<Claim>)>) {
    let tests: Vec<_> =
        evidence.tests.iter().filter(|test| is_unrelated_bad(test, evidence.strands)).collect();
    let Some(first) = tests.first() else { return };
    let title = first.tally.crashes.keys().next().map_or("", String::as_str);
    found.push((
        "audit-unrelated-bad",
        (tests.len() as f64).min(4.0),
        claim(
            format!(
                "{} of the bad verdicts {} on crashes that the start commit never shows, first {} ('{title}', \
                 {} of {} runs)",
                tests.len(),
                if tests.len() == 1 { "rests" } else { "rest" },
                first.name(),
                first.tally.crashed(),
                first.tally.usable()
            ),
            Grade::Derived,
            tests.iter().map(|test| test.span).collect(),
        ),
    ));
}
