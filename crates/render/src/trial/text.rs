//! A trial as text: the answer, the base, and each configuration.

use analysis_trial::{Base, Build, Cell, Missing, Report, Series, Workload, WorkloadKind};
use model::Grade;

use super::words::{
    attempt, blobs, build_failure, chance, commit, count, headline, hunks, meaning, origin, other,
    outcome, rate, reach, why, workload,
};
use crate::layout::{Text, cite};

/// Other candidates that are told.
const MOST_CANDIDATES: usize = 8;
/// Missing files that are told one by one.
const MOST_MISSING: usize = 12;
/// Findings about the diff that are told.
const MOST_FINDINGS: usize = 8;

/// The whole.
pub fn text(report: &Report) -> String {
    let mut text = Text::default();
    heading(&mut text, report);
    base(&mut text, report);
    for cell in &report.cells {
        self::cell(&mut text, cell);
    }
    earlier(&mut text, report);
    thread(&mut text, &report.series);
    footer(&mut text, report);
    text.text
}

fn heading(text: &mut Text, report: &Report) {
    let series = &report.series;
    let lines = series.lines.map_or_else(String::new, |lines| lines.to_string());
    let files: usize = series.paths().len();
    text.entry(
        "Series   ",
        &format!(
            "{} ({}) by {}: {}, {}",
            series.title,
            series.version,
            series.author.shown(),
            count(series.patches.len(), "patch"),
            count(files, "file")
        ),
        &lines,
    );
    if let Some(newer) = &series.newer {
        text.entry("         ", &format!("{newer} is newer"), "");
    }
    let (word, meaning) = headline(report);
    text.entry("Answer   ", &format!("{word}: {meaning}"), "");
    if let Some(reason) = &report.unfinished {
        text.entry(
            "         ",
            &format!("not finished: {reason}; the same call goes on from here"),
            "",
        );
    }
}

fn base(text: &mut Text, report: &Report) {
    let base = &report.base;
    text.blank();
    match base.taken() {
        Some(taken) => {
            let grade = taken.grade();
            let guess = if grade == Grade::Guess { "a guess: " } else { "" };
            text.entry(
                "Base     ",
                &format!(
                    "{} (\"{}\"); {guess}{}; {}",
                    commit(&taken.commit, taken.name.as_ref()),
                    taken.title,
                    why(taken),
                    attempt(taken)
                ),
                grade.name(),
            );
        }
        None => text.entry("Base     ", "none found", Grade::Unknown.name()),
    }
    if let Some(absent) = &base.absent {
        let words = format!("the mail's base-commit {} is not in this tree", short(absent));
        text.entry("         ", &words, Grade::Seen.name());
    }
    if !base.unknown_names.is_empty() {
        let words = format!(
            "the mail names {}, of which this tree knows nothing",
            base.unknown_names.join(", ")
        );
        text.entry("         ", &words, Grade::Seen.name());
    }
    for candidate in base.candidates.iter().filter(|one| one.is_contradicted()) {
        let words = format!(
            "{} ({}), but {}",
            commit(&candidate.commit, candidate.name.as_ref()),
            origin(&candidate.origin),
            blobs(candidate)
        );
        text.entry(
            "         ",
            &format!("the mail does not agree with its diff: {words}"),
            Grade::Seen.name(),
        );
    }
    missing(text, base);
    tried(text, base);
    if base.taken().is_none() {
        needed(text, report);
    }
}

fn missing(text: &mut Text, base: &Base) {
    let told = base.missing.iter().take(MOST_MISSING);
    for Missing { path, blob, is_known, instead } in told {
        let here = match (is_known, instead) {
            (true, _) => {
                "is in this repository, in no commit together with the other files of the diff"
            }
            (false, _) => "is not in this tree",
        };
        let stands = match instead {
            Some(blob) => format!("; nearest has {}", short(blob)),
            None => "; nearest has no such file".to_owned(),
        };
        text.entry(
            "Missing  ",
            &format!("blob {blob} of {path} {here}{stands}"),
            Grade::Seen.name(),
        );
    }
    if base.missing.len() > MOST_MISSING {
        text.entry("         ", &format!("and {} more", base.missing.len() - MOST_MISSING), "");
    }
    if let Some(nearest) = base.nearest.as_ref().filter(|_| !base.missing.is_empty()) {
        let words = format!(
            "{}: {} of the {} files from which the diff starts",
            commit(&nearest.commit, nearest.name.as_ref()),
            nearest.blobs.same,
            nearest.blobs.of
        );
        text.entry("Nearest  ", &words, Grade::Derived.name());
    }
}

fn tried(text: &mut Text, base: &Base) {
    let others = base.candidates.iter().enumerate().filter(|(at, _)| Some(*at) != base.chosen);
    for (_, candidate) in others.take(MOST_CANDIDATES) {
        let words = format!(
            "{} ({}): {}",
            commit(&candidate.commit, candidate.name.as_ref()),
            why(candidate),
            attempt(candidate)
        );
        text.entry("Tried    ", &words, "");
        for line in hunks(candidate) {
            text.entry("         ", &line, "");
        }
    }
}

/// What would settle it.
fn needed(text: &mut Text, report: &Report) {
    let (base, series) = (&report.base, &report.series);
    let mut needs: Vec<String> = Vec::new();
    let absent: Vec<&Missing> = base.missing.iter().filter(|one| !one.is_known).collect();
    if let Some(commit) = &base.absent {
        needs.push(format!("fetch the tree that has the mail's base-commit {}", short(commit)));
    }
    if !absent.is_empty() {
        let when = match series.sent {
            Some((low, high)) => {
                let day = |seconds: i64| {
                    parse_mail::Moment { seconds, zone: None }.utc()[..10].to_owned()
                };
                match (day(low), day(high)) {
                    (low, high) if low == high => format!(", as it stood about {low}"),
                    (low, high) => format!(", as it stood between {low} and {high}"),
                }
            }
            None => String::new(),
        };
        let blobs: Vec<String> =
            absent.iter().take(4).map(|one| format!("{} of {}", one.blob, one.path)).collect();
        let more = match absent.len() {
            0..=4 => String::new(),
            count => format!(" and {} more", count - 4),
        };
        needs.push(format!(
            "fetch into this repository the tree from which the series starts{when}: one with blob {}{more}",
            blobs.join(", ")
        ));
    }
    if base.is_shallow {
        needs.push(
            "the rest of the history, which is cut off in this clone: git fetch --unshallow".into(),
        );
    }
    needs.push("or the author's word: --base REV with a commit on which the series applies".into());
    text.list("Needed", &needs);
}

fn cell(text: &mut Text, cell: &Cell) {
    text.blank();
    text.line(&format!("{}: {}", cell.name, outcome(cell.outcome())));
    text.entry("  ", &meaning(cell), "");
    for (name, side) in [("base", &cell.base), ("patched", &cell.patched)] {
        if let Some(build) = &side.build {
            text.entry(&format!("  {name:<9}"), &self::build(build), "");
        }
    }
    for after in &cell.each {
        let words = build(&after.build);
        text.entry(&format!("  {:<9}", format!("patch {}", after.patch)), &words, "");
    }
    for work in &cell.workloads {
        self::work(text, work);
    }
    for line in reach(&cell.reach) {
        text.entry("  reached  ", &line, "");
    }
}

fn build(build: &Build) -> String {
    match build {
        Build::Done { seconds, signature, from_base } => {
            let from = if *from_base { ", on top of the base's build" } else { "" };
            let signature = signature.as_ref().map_or_else(String::new, |signature| {
                format!(", signature {}", signature.chars().take(12).collect::<String>())
            });
            format!("built in {seconds:.0} s{from}{signature}")
        }
        Build::Failed(failure) => {
            let log =
                failure.log.as_ref().map_or_else(String::new, |log| format!("; output: {log}"));
            format!("does not build: {}{log}", build_failure(failure))
        }
    }
}

fn work(text: &mut Text, work: &Workload) {
    let found = &work.comparison;
    if found.base.share.runs + found.patched.share.runs == 0 && work.lost == (0, 0) {
        return;
    }
    let name = workload(work);
    let titles: Vec<String> = found.wanted.iter().map(|title| format!("'{title}'")).collect();
    match work.kind {
        WorkloadKind::Boot => {
            let booted = |rate: &analysis_trial::Rate| {
                format!("{} of {}", rate.share.runs - rate.share.showed, rate.share.runs)
            };
            text.entry(
                "  boot     ",
                &format!(
                    "came up: base {}, patched {}",
                    booted(&found.base),
                    booted(&found.patched)
                ),
                "",
            );
        }
        WorkloadKind::Reproducer => {
            text.entry(&format!("  {name}: "), &titles.join(", "), "");
            text.entry("    base     ", &rate(&found.base), "");
            text.entry("    patched  ", &rate(&found.patched), "");
            if found.base.share.showed > 0 && found.patched.share.runs > 0 {
                let words = format!(
                    "{} that patched runs show it so seldom if the patches change nothing (Fisher's exact \
                     test, one-sided)",
                    chance(found.chance)
                );
                text.entry("    chance   ", &words, "");
            }
        }
        WorkloadKind::Smoke => {
            let runs = |rate: &analysis_trial::Rate| count(rate.share.runs as usize, "run");
            let words = format!("base {}, patched {}", runs(&found.base), runs(&found.patched));
            text.entry(&format!("  {name}: "), &words, "");
        }
    }
    for one in &found.new {
        text.entry("    NEW      ", &other(one, true), "");
    }
    for one in &found.known {
        text.entry("    known    ", &other(one, false), "");
    }
    for title in &work.undecided {
        text.entry("    shows    ", &format!("'{title}'"), "");
    }
    let (base, patched) = work.lost;
    if base + patched > 0 {
        let words = format!(
            "{base} base and {patched} patched runs say nothing: the test or the lab could not tell"
        );
        text.entry("    lost     ", &words, "");
    }
    for shown in
        work.shown.iter().filter(|shown| found.new.iter().any(|new| new.title == shown.title))
    {
        if let Some(record) = &shown.record {
            text.entry("    record   ", &format!("'{}': {record}", shown.title), "");
        }
    }
}

fn earlier(text: &mut Text, report: &Report) {
    if report.earlier.is_empty() {
        return;
    }
    text.blank();
    text.line("Other versions, on the same base with the same tests");
    for one in &report.earlier {
        let words = match one.broken {
            true => "did not build".to_owned(),
            false => {
                format!("{} of {} show the failure", one.showed, count(one.runs as usize, "run"))
            }
        };
        let head = format!("  {:<9}", one.version);
        text.entry(&head, &format!("{}, {}: {words}", one.cell, one.workload), "");
    }
}

fn thread(text: &mut Text, series: &Series) {
    if series.state.is_empty() && series.findings.is_empty() {
        return;
    }
    text.blank();
    text.line("Thread");
    if !series.state.is_empty() {
        text.entry("  ", &series.state, "");
    }
    for found in series.findings.iter().take(MOST_FINDINGS) {
        let evidence = format!("{}  {}", found.grade.name(), cite(&found.lines));
        text.entry("  - ", &found.statement, &evidence);
    }
}

fn footer(text: &mut Text, report: &Report) {
    if report.cells.is_empty() {
        return;
    }
    text.blank();
    let spent = &report.spent;
    let machine =
        report.machine.as_ref().map_or_else(String::new, |machine| format!("; {machine}"));
    text.line(&format!(
        "Spent: {}, {}, {:.1} minutes{machine}; what an earlier call recorded was not done again",
        count(spent.builds as usize, "build"),
        count(spent.runs as usize, "run"),
        spent.minutes
    ));
    text.line(&format!("Records: {}", report.folder));
}

/// A name of git as it is quoted.
fn short(name: &str) -> &str {
    name.get(..12).unwrap_or(name)
}
