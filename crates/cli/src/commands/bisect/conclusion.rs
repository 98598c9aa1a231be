//! What a bisection ends with, in words, each with the runs behind it.

use std::io::{self, Write as _};
use std::process::ExitCode;

use analysis_bisect::{Belief, Build, Conclusion, Direction, Next, Origin, Tally};

use super::case::Case;
use super::picture;
use super::renamed::{self, Renamed};
use super::revert::{self, Reverted};
use crate::failure::Failure;
use crate::output::Escaped;

/// The answer as it stands.
pub(crate) struct Answer {
    pub(crate) belief: Belief,
    pub(crate) conclusion: Conclusion,
    /// Whether the conclusion is final: nothing more would be run.
    pub(crate) is_final: bool,
    /// How the last proof stands.
    pub(crate) reverted: Reverted,
    /// Whether the culprit is one of the code.
    pub(crate) origin: Origin,
    /// Another failure that looks like the wanted one under another name.
    pub(crate) renamed: Option<Renamed>,
}

/// Works out the answer from every attempt so far.
pub(super) fn answer(case: &Case) -> Answer {
    let bisection = case.bisection(usize::MAX);
    let belief = bisection.belief();
    let (conclusion, is_final) = match bisection.next(&belief) {
        Next::Done(conclusion) => (conclusion, true),
        Next::Test(_) => (bisection.credible_set(&belief), false),
    };
    let reverted = revert::of(case, &belief, &conclusion);
    let is_final = is_final && reverted.step().is_none();
    let origin = origin(case, &conclusion);
    let renamed = renamed::of(case, &conclusion);
    Answer { belief, conclusion, is_final, reverted, origin, renamed }
}

/// Whether the step of history is one of the code.
fn origin(case: &Case, conclusion: &Conclusion) -> Origin {
    let Conclusion::Culprit { commit, .. } = conclusion else { return Origin::Code };
    let changed =
        case.repository.details(&case.commits[*commit]).map_or_else(|_| Vec::new(), |d| d.files);
    let parents: Vec<Build> =
        case.parents(*commit).iter().map(|&parent| case.build_of(parent)).collect();
    Origin::of(&changed, &case.build_of(*commit), &parents)
}

/// Prints the answer for people.
pub(super) fn print(case: &Case) -> Result<ExitCode, Failure> {
    let answer = answer(case);
    let mut out = io::stdout().lock();
    writeln!(out, "{}", Escaped(&text(case, &answer)))?;
    writeln!(
        out,
        "\nmore: `ktriage bisect show {0}` (--mail, --log, --html FILE, --json), `ktriage bisect status {0}`",
        case.stored.id
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The kind of an answer, as it is printed in JSON.
pub(crate) fn kind(answer: &Answer) -> &'static str {
    match &answer.conclusion {
        Conclusion::Culprit { .. } if answer.renamed.is_some() => "renamed",
        Conclusion::Culprit { .. } if answer.reverted.still_fails() => "culprit_not_alone",
        Conclusion::Culprit { .. } if answer.origin != Origin::Code => "compiler_or_configuration",
        Conclusion::Culprit { .. } => "culprit",
        Conclusion::CredibleSet { .. } if answer.is_final => "credible_set",
        Conclusion::CredibleSet { .. } => "running",
        Conclusion::OlderThanRange { .. } => "older_than_range",
        Conclusion::ReproducerFades { .. } => "reproducer_fades",
        Conclusion::NotReproducible { .. } => "not_reproducible",
    }
}

/// How sure the statement is: that two names are those of one failure is not counted out in runs.
pub(crate) fn grade(answer: &Answer) -> &'static str {
    if answer.renamed.is_some() { "INFERRED" } else { "DERIVED" }
}

/// `99.2 %`; never rounded up to certainty.
pub(super) fn percent(probability: f64) -> String {
    let percent = (probability * 1000.0).floor() / 10.0;
    if percent >= 99.9 && probability < 1.0 {
        "over 99.9 %".into()
    } else {
        format!("{percent:.1} %")
    }
}

/// The whole answer.
pub(super) fn text(case: &Case, answer: &Answer) -> String {
    let mut lines = vec![headline(case, answer), String::new()];
    lines.push("Tested:".into());
    lines.extend(tested(case, answer));
    let spent = case.spent();
    lines.push(format!(
        "\nCost: {} runs, {} builds, {:.1} minutes of work.",
        spent.runs, spent.builds, spent.minutes
    ));
    lines.extend(failures(case));
    lines.push(format!(
        "Grade: {} from the runs above, with noise rates learnt from them; it assumes that the test \
         means the same on every commit. A commit from which on the test can fail at all looks like \
         the one that brought the failure.",
        grade(answer)
    ));
    lines.join("\n")
}

/// The wanted failure, and which others the failing end shows.
fn failures(case: &Case) -> Vec<String> {
    let wanted = case.wanted();
    let titles = wanted.titles();
    if titles.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("Wanted failure: {}.", titles.join(" | "))];
    let others = case.bystanders(&wanted);
    if !others.is_empty() {
        let shown: Vec<String> =
            others.iter().map(|(title, count)| format!("{title} ({count} x)")).collect();
        lines.push(format!("Seen there, too, and taken for another bug: {}.", shown.join(", ")));
    }
    lines
}

/// What a commit did that is looked for.
fn did(case: &Case) -> &'static str {
    match case.direction() {
        Direction::Cause => "brought the failure",
        Direction::Fix => "ended the failure",
    }
}

fn headline(case: &Case, answer: &Answer) -> String {
    let fix = case.direction() == Direction::Fix;
    match &answer.conclusion {
        Conclusion::Culprit { commit, confidence } => culprit(case, answer, *commit, *confidence),
        Conclusion::CredibleSet { commits, confidence } => {
            let why = if answer.is_final {
                "What lies between cannot be tested, or no run can tell these commits apart."
            } else {
                "More runs are needed; `ktriage bisect resume` makes them."
            };
            let mut text = format!(
                "No commit is proven. One of {} commits {}, with a probability of {}. {why}",
                commits.len(),
                did(case),
                percent(*confidence)
            );
            for &commit in commits.iter().take(10) {
                let probability = percent(answer.belief.culprit()[commit]);
                text.push_str(&format!("\n  {probability:>8}  {}", case.label(commit)));
            }
            if commits.len() > 10 {
                text.push_str(&format!("\n  and {} more", commits.len() - 10));
            }
            text
        }
        Conclusion::OlderThanRange { confidence } if fix => format!(
            "Nothing in the range ends the failure: the good end has it, too, with a probability of {}. \
             Give a newer commit as --good.",
            percent(*confidence)
        ),
        Conclusion::OlderThanRange { confidence } => format!(
            "The failure is older than the range: the good end has it, too, with a probability of {}. \
             Give an older commit as --good.",
            percent(*confidence)
        ),
        Conclusion::ReproducerFades { confidence, before } => format!(
            "No commit can be named. The test fails less and less often towards {0} commits and shows \
             nothing {1} about {2}; the failure may {3}, and the test cannot show it there ({4}).\n\
             A test that fails more often there would settle it.",
            if fix { "newer" } else { "older" },
            if fix { "after" } else { "before" },
            case.label(*before),
            if fix { "still be there" } else { "be older" },
            percent(*confidence)
        ),
        Conclusion::NotReproducible { runs, confidence } => format!(
            "The failure did not show: {runs} runs of the bad end, and it fails in less than 3 % of \
             runs, if at all, with a probability of {}.\nFind a test that fails more often there, or a \
             commit on which it does.",
            percent(*confidence)
        ),
    }
}

fn culprit(case: &Case, answer: &Answer, commit: usize, confidence: f64) -> String {
    let label = case.label(commit);
    let probability = percent(confidence);
    if let Some(renamed) = &answer.renamed {
        return changed_its_name(case, renamed, commit, &probability);
    }
    let mut text = if answer.reverted.still_fails() {
        format!(
            "{label} {}, with a probability of {probability}, but is not alone to blame.",
            did(case)
        )
    } else {
        match &answer.origin {
            Origin::Code => format!("{label} {}, with a probability of {probability}.", did(case)),
            Origin::Configuration => format!(
                "Configuration, not code: the step lies at {label}, with a probability of \
                 {probability}, and that commit changes only how the program is configured."
            ),
            Origin::Build { .. } => format!(
                "Compiler or configuration, perhaps not code: the step lies at {label}, with a \
                 probability of {probability}, but that commit and its parent were not built alike."
            ),
        }
    };
    text.push('\n');
    text.push_str(&proof(case, commit));
    if let Some(words) = answer.reverted.words() {
        text.push_str(&format!("\n  {words}"));
    }
    if answer.reverted.still_fails() {
        text.push_str(
            "\n  Either a later commit brings the same failure again, or this one is not its cause. \
             A bisection with the reverted commit as its bad end tells which.",
        );
    }
    match &answer.origin {
        Origin::Build { before, after } => {
            let list = |build: &Build| build.iter().cloned().collect::<Vec<_>>().join(" | ");
            text.push_str(&format!(
                "\n  Built with {}; its parent with {}.\n  What would settle it: the parent, built as \
                 the commit was, and the commit, built as the parent was.",
                list(after),
                list(before)
            ));
        }
        Origin::Configuration => text.push_str(
            "\n  The failure may be older: this commit may only switch on the code, the checker or the \
             test that shows it. What would settle it: the parent with the new configuration.",
        ),
        Origin::Code => {}
    }
    text
}

/// A failure that has another name on the other side of the step is no proof against the commit.
fn changed_its_name(case: &Case, renamed: &Renamed, commit: usize, probability: &str) -> String {
    let (without, with) = (renamed.without, renamed.with);
    let (here, there) = match case.direction() {
        Direction::Cause => ("Before it", "from it on"),
        Direction::Fix => ("With it", "before it"),
    };
    format!(
        "No commit is blamed. The step lies at {}, with a probability of {probability}, but there the \
         failure may only change its name.\n{}\n  {here} another failure showed: {}, in {} of {} runs; \
         {there} in {} of the {} runs that did not show the wanted one.\n  What would settle it: both \
         names taken for one, `ktriage bisect resume {} {}`. What was run counts on.",
        case.label(commit),
        proof(case, commit),
        renamed.title,
        without.showed,
        without.runs,
        with.showed,
        with.runs,
        case.stored.id,
        case.wanted()
            .titles()
            .iter()
            .chain([&renamed.title])
            .map(|title| format!("--title {}", quoted(title)))
            .collect::<Vec<_>>()
            .join(" ")
    )
}

/// A word for the shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The runs of the culprit and of its parents.
fn proof(case: &Case, commit: usize) -> String {
    let bisection = case.bisection(usize::MAX);
    let tallies = bisection.tallies();
    let kernel = |at: usize| bisection.prior().kernel(at);
    let runs = |at: usize| {
        let own = kernel(at);
        tallies
            .iter()
            .find(|(tested, _)| *tested == own)
            .map_or_else(|| "was not tested".into(), |(_, tally)| in_words(tally))
    };
    let mut lines = vec![format!("  It {}.", runs(commit))];
    for &parent in bisection.history().parents(commit) {
        let parent = parent as usize;
        lines.push(format!("  Its parent {} {}.", case.commits[parent].short(), runs(parent)));
    }
    lines.join("\n")
}

/// `showed the failure in 3 of 4 runs`.
fn in_words(tally: &Tally) -> String {
    if tally.usable() == 0 {
        let why = if tally.build_failed > 0 { "could not be built" } else { "could not be tested" };
        return why.into();
    }
    let mut text = format!("showed the failure in {} of {} runs", tally.wanted, tally.usable());
    let other = tally.other + tally.bystander;
    if other > 0 {
        text.push_str(&format!(" and another failure in {other}"));
    }
    text
}

fn tested(case: &Case, answer: &Answer) -> Vec<String> {
    let bisection = case.bisection(usize::MAX);
    let bad = answer.belief.bad(bisection.history());
    bisection
        .tallies()
        .into_iter()
        .map(|(commit, tally)| {
            let state = picture::state(bad[commit], &tally);
            format!("  {} {state:<8} {}", case.commits[commit].short(), in_words(&tally))
        })
        .collect()
}
