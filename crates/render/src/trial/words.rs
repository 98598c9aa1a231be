//! The words that text, page and mail share.

use analysis_trial::{
    Attempt, Build, BuildFailure, Candidate, Cell, Comparison, Origin, OtherFailure, Outcome, Rate,
    Reach, Reached, Report, Verdict, Workload, WorkloadKind, Worst,
};

/// A chance: 0.4 %, 12 %, < 0.01 %.
pub(super) fn chance(value: f64) -> String {
    let percent = 100.0 * value;
    match percent {
        p if p < 0.01 => "below 0.01 %".to_owned(),
        p if p < 1.0 => format!("{p:.2} %"),
        p if p < 10.0 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}

/// `1 run`, `3 runs`.
pub(super) fn count(number: usize, word: &str) -> String {
    match number {
        1 => format!("1 {word}"),
        number if word.ends_with("ch") => format!("{number} {word}es"),
        number => format!("{number} {word}s"),
    }
}

/// `5 of 16 runs (31 %, 95 % interval 14 to 56 %)`, and what they are worth where that is less.
pub(super) fn rate(rate: &Rate) -> String {
    let (showed, runs) = (rate.share.showed, rate.share.runs);
    if runs == 0 {
        return "not run".to_owned();
    }
    let share = 100.0 * f64::from(showed) / f64::from(runs);
    let worth = match rate.independent {
        worth if worth + 0.5 < f64::from(runs) => {
            format!("; worth {worth:.0} independent starts")
        }
        _ => String::new(),
    };
    format!(
        "{showed} of {} ({share:.0} %, 95 % interval {:.0} to {:.0} %{worth})",
        count(runs as usize, "run"),
        100.0 * rate.low,
        100.0 * rate.high
    )
}

/// Why a commit is a candidate.
pub(super) fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Given => "named with --base".to_owned(),
        Origin::Parent => "the commit before the revisions".to_owned(),
        Origin::BaseCommit(Some(line)) => format!("base-commit of the mail (L{line})"),
        Origin::BaseCommit(None) => "base-commit of the mail".to_owned(),
        Origin::Blobs => "its files are those from which the diff starts".to_owned(),
        Origin::Named(name) => format!("the mail names {name}"),
        Origin::Date => "the newest commit of the tree when the mail was sent".to_owned(),
        Origin::Head => "what the tree stands at".to_owned(),
    }
}

/// How the files of a candidate stand to the diff.
pub(super) fn blobs(candidate: &Candidate) -> String {
    let blobs = candidate.blobs;
    match (blobs.of, blobs.same) {
        (0, _) => "the diff does not tell from which files it starts".to_owned(),
        (1, 1) => "its file is the one from which the diff starts".to_owned(),
        (of, same) if of == same => format!("its {of} files are those from which the diff starts"),
        (of, same) => format!("{same} of the {of} files from which the diff starts are there"),
    }
}

/// Why a commit is a candidate, and how its files stand to the diff.
pub(super) fn why(candidate: &Candidate) -> String {
    match candidate.origin {
        Origin::Blobs => blobs(candidate),
        _ => format!("{}; {}", origin(&candidate.origin), blobs(candidate)),
    }
}

/// How the series went onto a candidate.
pub(super) fn attempt(candidate: &Candidate) -> String {
    match &candidate.attempt {
        Attempt::Whole { merged } if merged.is_empty() => "applies".to_owned(),
        Attempt::Whole { merged } => {
            let numbers: Vec<String> = merged.iter().map(usize::to_string).collect();
            let word = if merged.len() == 1 { "patch" } else { "patches" };
            format!("applies; {word} {} by a three-way merge", numbers.join(", "))
        }
        Attempt::Stopped { patch, message, .. } => {
            format!("does not apply: patch {patch}: {}", message.trim_start_matches("error: "))
        }
    }
}

/// The hunks of a candidate that find no place, a line a file.
pub(super) fn hunks(candidate: &Candidate) -> Vec<String> {
    let Attempt::Stopped { hunks, .. } = &candidate.attempt else { return Vec::new() };
    let mut lines: Vec<(String, Vec<String>, String)> = Vec::new();
    for hunk in hunks {
        let number = if hunk.hunk == 0 { String::new() } else { format!("#{}", hunk.hunk) };
        match lines
            .iter_mut()
            .find(|(file, _, reason)| *file == hunk.file && *reason == hunk.reason)
        {
            Some((_, numbers, _)) => numbers.push(number),
            None => lines.push((hunk.file.clone(), vec![number], hunk.reason.clone())),
        }
    }
    lines
        .into_iter()
        .map(|(file, numbers, reason)| match (numbers.join(" ").trim(), reason.as_str()) {
            ("", reason) => format!("{file}: {reason}"),
            (numbers, _) => format!("{file}: no place for hunk {numbers}"),
        })
        .collect()
}

/// A commit with its name for people.
pub(super) fn commit(commit: &model::CommitId, name: Option<&String>) -> String {
    match name {
        Some(name) if name.contains(commit.short()) => name.clone(),
        Some(name) => format!("{name} ({})", commit.short()),
        None => commit.short().to_owned(),
    }
}

/// What came of a configuration, in a word.
pub(super) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Fixed => "FIXED",
        Outcome::LessOften => "LESS OFTEN",
        Outcome::SameKernel => "NOTHING THAT RUNS HAS CHANGED",
        Outcome::BuildsAndBoots => "BUILDS AND BOOTS",
        Outcome::Open => "OPEN",
        Outcome::NotShownOnBase => "NOT SHOWN ON THE BASE",
        Outcome::Undecided => "WHICH FAILURE?",
        Outcome::Unfinished => "NOT FINISHED",
        Outcome::NotFixed => "NOT FIXED",
        Outcome::BaseDoesNotBoot => "THE BASE DOES NOT BOOT",
        Outcome::BaseDoesNotBuild => "THE BASE DOES NOT BUILD",
        Outcome::BreaksBoot => "BREAKS THE BOOT",
        Outcome::BreaksBuild => "BREAKS THE BUILD",
    }
}

/// The name of an outcome for programs.
pub(super) const fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Fixed => "fixed",
        Outcome::LessOften => "less_often",
        Outcome::SameKernel => "same_kernel",
        Outcome::BuildsAndBoots => "builds_and_boots",
        Outcome::Open => "open",
        Outcome::NotShownOnBase => "not_shown_on_base",
        Outcome::Undecided => "undecided",
        Outcome::Unfinished => "unfinished",
        Outcome::NotFixed => "not_fixed",
        Outcome::BaseDoesNotBoot => "base_does_not_boot",
        Outcome::BaseDoesNotBuild => "base_does_not_build",
        Outcome::BreaksBoot => "breaks_boot",
        Outcome::BreaksBuild => "breaks_build",
    }
}

/// What a configuration means, as a sentence.
pub(super) fn meaning(cell: &Cell) -> String {
    let reproducer = cell
        .workloads
        .iter()
        .filter(|one| one.kind == WorkloadKind::Reproducer)
        .max_by_key(|one| one.outcome());
    let runs = reproducer.map_or(0, |one| one.comparison.base.share.runs as usize);
    match cell.outcome() {
        Outcome::NotShownOnBase => {
            format!(
                "not shown on the base in {}; nothing proven about the patch",
                count(runs, "run")
            )
        }
        Outcome::SameKernel => {
            "base and patched kernel are equal in all that is loaded, so no run can tell them apart"
                .into()
        }
        Outcome::BuildsAndBoots => {
            "there was no failure to look for; nothing is proven beyond that it builds and runs"
                .into()
        }
        Outcome::BreaksBuild => {
            failed_build(&cell.patched.build, "with the patches it does not build")
        }
        Outcome::BaseDoesNotBuild => failed_build(
            &cell.base.build,
            "the base does not build, so nothing can be said about the patch",
        ),
        Outcome::BreaksBoot => "the base boots, and the patched kernel does not".into(),
        Outcome::BaseDoesNotBoot => {
            "the base does not boot, so nothing can be said about the patch".into()
        }
        Outcome::Undecided => {
            "the base shows several failures about as often; say which is meant with --title".into()
        }
        Outcome::Unfinished => "it did not come to an answer".into(),
        _ => reproducer.map(|one| verdict(&one.comparison)).unwrap_or_default(),
    }
}

fn failed_build(build: &Option<Build>, words: &str) -> String {
    match build {
        Some(Build::Failed(failure)) => format!("{words}: {}", build_failure(failure)),
        _ => words.to_owned(),
    }
}

/// `fs/open.c:35: 'x' undeclared, from patch 2 on`.
pub(super) fn build_failure(failure: &BuildFailure) -> String {
    let mut text = String::new();
    if let Some(file) = &failure.file {
        text.push_str(file);
        if let Some(line) = failure.line {
            text.push_str(&format!(":{line}"));
        }
        text.push_str(": ");
    }
    text.push_str(&failure.message);
    if let Some(patch) = failure.patch {
        text.push_str(&format!(" (from patch {patch} on; the tree before it builds)"));
    }
    text
}

/// What the runs say about the wanted failure.
fn verdict(found: &Comparison) -> String {
    let chance = chance(found.chance);
    let (base, patched) = (found.base.share, found.patched.share);
    match found.verdict {
        Verdict::Gone => format!(
            "the failure of the base never showed with the patches; if they changed nothing, the chance of \
             that is {chance}"
        ),
        Verdict::LessOften => format!(
            "the failure still shows with the patches, but less often; if they changed nothing, the chance \
             of that is {chance}"
        ),
        Verdict::StillShown if base.showed == 0 => {
            "the failure showed with the patches, and never on the base".into()
        }
        Verdict::StillShown => "the failure still shows with the patches".into(),
        Verdict::Open if patched.runs == 0 => "nothing was run with the patches so far".into(),
        Verdict::Open => format!(
            "the failure did not show with the patches so far, which may be luck: the chance of that is \
             {chance} if they changed nothing"
        ),
        Verdict::NotShownOnBase => format!(
            "not shown on the base in {}; nothing proven about the patch",
            count(base.runs as usize, "run")
        ),
    }
}

/// The whole in a line: that of the worst configuration, and what else has to be known.
pub(super) fn headline(report: &Report) -> (String, String) {
    match report.worst() {
        Worst::NoBase => (
            "NO BASE".to_owned(),
            "the series applies to none of the candidates; nothing was built".into(),
        ),
        Worst::Of(worst) if report.cells.is_empty() => {
            debug_assert_eq!(worst, Outcome::Unfinished);
            ("BASE FOUND".to_owned(), "nothing was built".into())
        }
        Worst::Of(worst) => {
            let cell = report.cells.iter().find(|cell| cell.outcome() == worst);
            let place = match (cell, report.cells.len()) {
                (Some(cell), 2..) => format!("{}: ", cell.name),
                _ => String::new(),
            };
            let mut word = outcome(worst).to_owned();
            if report.cells.iter().any(Cell::has_new_failures) {
                word.push_str(", NEW FAILURE");
            }
            (word, format!("{place}{}", cell.map(meaning).unwrap_or_default()))
        }
    }
}

/// Another failure, with its rate on both sides.
pub(super) fn other(one: &OtherFailure, is_new: bool) -> String {
    let mut text =
        format!("'{}': base {}, patched {}", one.title, rate(&one.base), rate(&one.patched));
    if is_new {
        text.push_str(&format!(
            "; the chance of so many more is {} if the patches changed nothing",
            chance(one.chance)
        ));
        if one.is_renamed {
            text.push_str("; it may be the same bug under another name");
        } else if one.may_be_hidden {
            text.push_str(
                "; on the base the wanted failure came first in every run and may have hidden it",
            );
        }
    }
    text
}

/// The name of a workload with what it is.
pub(super) fn workload(work: &Workload) -> String {
    match work.kind {
        WorkloadKind::Boot => "boot".to_owned(),
        WorkloadKind::Reproducer => work.name.clone(),
        WorkloadKind::Smoke => format!("smoke {}", work.name),
    }
}

/// Whether the changed functions ran: a line each, the untested ones first.
pub(super) fn reach(reach: &Reach) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(reason) = &reach.unknown {
        lines.push(format!("unknown which of the changed lines ran: {reason}"));
    }
    let looked = |one: &&Reached| one.patched_run.is_some() || one.patched_boot.is_some();
    let (seen, unseen): (Vec<&Reached>, Vec<&Reached>) = reach.functions.iter().partition(looked);
    for one in seen.iter().filter(|one| !one.ran()).chain(seen.iter().filter(|one| one.ran())) {
        lines.push(reached(one));
    }
    if reach.unknown.is_none() {
        let names: Vec<&str> = unseen.iter().map(|one| one.function.name.as_str()).collect();
        if !names.is_empty() {
            lines.push(format!("not looked at on the patched side: {}", names.join(", ")));
        }
    }
    for (file, count) in &reach.outside {
        lines.push(format!(
            "{file}: {count} changed lines outside of functions; whether they matter in a run is unknown"
        ));
    }
    if !reach.other_files.is_empty() {
        lines.push(format!("no C source: {}", reach.other_files.join(", ")));
    }
    lines
}

fn reached(one: &Reached) -> String {
    let function = &one.function;
    let name = format!("{}() in {}", function.name, function.file);
    if !one.is_there {
        return format!(
            "{name}: unknown, since the kernel has no function of that name: inlined, or not built"
        );
    }
    let side = |boot: Option<bool>, run: Option<bool>| match (boot, run) {
        (None, None) => "not looked at",
        (_, Some(true)) => "ran in the tests",
        (Some(true), _) => "ran while booting only",
        _ => "did not run",
    };
    let base = side(one.base_boot, one.base_run);
    let patched = side(one.patched_boot, one.patched_run);
    if !one.ran() {
        return format!("{name}: UNTESTED, nothing exercised it (base: {base})");
    }
    let lines = match &one.lines {
        Some(ran) => format!("; {} of its {} changed lines ran", ran.len(), function.lines.len()),
        None => String::new(),
    };
    format!("{name}: {patched}{lines} (base: {base})")
}
