//! What a bisection ends with, in words, each with the runs behind it.

use analysis_bisect::renamed::Renamed;
use analysis_bisect::{
    Answer, Build, Conclusion, Direction, Origin, Revert, Reverted, Search, Tally,
};
use model::Grade;

use super::picture;

/// `abcdef012345 ("subject")`; only the name where git does not tell more.
pub(super) fn label(search: &Search, answer: &Answer, at: usize) -> String {
    let id = &search.commits[at];
    match answer.details.get(&at) {
        Some(details) => format!("{} (\"{}\")", id.short(), details.subject),
        None => id.short().to_owned(),
    }
}

/// The last proof in words, where there is something to say.
fn reverted(reverted: &Reverted) -> Option<String> {
    let Reverted::Made { commit, tally, judgement } = reverted else {
        return matches!(reverted, Reverted::NotClean).then(|| {
            "It cannot be reverted on the bad commit without a conflict, so that was not tested.".into()
        });
    };
    let (commit, runs) = (commit.short(), tally.usable());
    Some(match judgement {
        Revert::Gone { chance } => format!(
            "Reverted on the bad commit ({commit}), the failure did not show in {runs} runs; the chance of \
             that is {:.1} % if it were still there.",
            (chance * 1000.0).ceil() / 10.0
        ),
        Revert::Still => format!(
            "Reverted on the bad commit ({commit}), the failure still showed, in {} of {runs} runs.",
            tally.wanted
        ),
        Revert::Untestable => format!(
            "Reverted on the bad commit ({commit}), the program cannot be built or run, so that tells nothing."
        ),
        Revert::Open { runs } => {
            format!("Still to be run: the bad commit without it ({commit}), up to {runs} times.")
        }
    })
}

/// The kind of an answer, as it is printed in JSON.
pub(super) fn kind(answer: &Answer) -> &'static str {
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
pub(super) fn grade(answer: &Answer) -> Grade {
    if answer.renamed.is_some() { Grade::Inferred } else { Grade::Derived }
}

/// `99.2 %`; never rounded up to certainty.
pub fn percent(probability: f64) -> String {
    let percent = (probability * 1000.0).floor() / 10.0;
    if percent >= 99.9 && probability < 1.0 {
        "over 99.9 %".into()
    } else {
        format!("{percent:.1} %")
    }
}

/// The whole answer.
pub fn text(search: &Search, answer: &Answer) -> String {
    let mut lines = vec![headline(search, answer), String::new()];
    lines.push("Tested:".into());
    lines.extend(tested(search, answer));
    let spent = search.spent();
    lines.push(format!(
        "\nCost: {} runs, {} builds, {:.1} minutes of work.",
        spent.runs, spent.builds, spent.minutes
    ));
    lines.extend(failures(search));
    lines.push(format!(
        "Grade: {} from the runs above, with noise rates learnt from them; it assumes that the test \
         means the same on every commit. A commit from which on the test can fail at all looks like \
         the one that brought the failure.",
        grade(answer)
    ));
    lines.join("\n")
}

/// The wanted failure, and which others the failing end shows.
fn failures(search: &Search) -> Vec<String> {
    let wanted = search.wanted();
    let titles = wanted.titles();
    if titles.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("Wanted failure: {}.", titles.join(" | "))];
    let others = search.known_crashes(&wanted);
    if !others.is_empty() {
        let shown: Vec<String> =
            others.iter().map(|(title, count)| format!("{title} ({count} x)")).collect();
        lines.push(format!("Seen there, too, and taken for another bug: {}.", shown.join(", ")));
    }
    lines
}

/// What a commit did that is looked for.
fn did(search: &Search) -> &'static str {
    match search.direction() {
        Direction::Cause => "brought the failure",
        Direction::Fix => "ended the failure",
    }
}

fn headline(search: &Search, answer: &Answer) -> String {
    let fix = search.direction() == Direction::Fix;
    match &answer.conclusion {
        Conclusion::Culprit { commit, confidence } => culprit(search, answer, *commit, *confidence),
        Conclusion::CredibleSet { commits, confidence } => {
            let why = if answer.is_final {
                "What lies between cannot be tested, or no run can tell these commits apart."
            } else {
                "More runs are needed; `ktriage bisect resume` makes them."
            };
            let mut text = format!(
                "No commit is proven. One of {} commits {}, with a probability of {}. {why}",
                commits.len(),
                did(search),
                percent(*confidence)
            );
            for &commit in commits.iter().take(10) {
                let probability = percent(answer.belief.culprit()[commit]);
                text.push_str(&format!("\n  {probability:>8}  {}", label(search, answer, commit)));
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
            label(search, answer, *before),
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

fn culprit(search: &Search, answer: &Answer, commit: usize, confidence: f64) -> String {
    let label = label(search, answer, commit);
    let probability = percent(confidence);
    if let Some(renamed) = &answer.renamed {
        return changed_its_name(search, answer, renamed, commit, &probability);
    }
    let mut text = if answer.reverted.still_fails() {
        format!(
            "{label} {}, with a probability of {probability}, but is not alone to blame.",
            did(search)
        )
    } else {
        match &answer.origin {
            Origin::Code => {
                format!("{label} {}, with a probability of {probability}.", did(search))
            }
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
    text.push_str(&proof(search, commit));
    if let Some(words) = reverted(&answer.reverted) {
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
fn changed_its_name(
    search: &Search,
    answer: &Answer,
    renamed: &Renamed,
    commit: usize,
    probability: &str,
) -> String {
    let (without, with) = (renamed.without, renamed.with);
    let (here, there) = match search.direction() {
        Direction::Cause => ("Before it", "from it on"),
        Direction::Fix => ("With it", "before it"),
    };
    format!(
        "No commit is blamed. The step lies at {}, with a probability of {probability}, but there the \
         failure may only change its name.\n{}\n  {here} another failure showed: {}, in {} of {} runs; \
         {there} in {} of the {} runs that did not show the wanted one.\n  What would settle it: both \
         names taken for one, `ktriage bisect resume {} {}`. What was run counts on.",
        label(search, answer, commit),
        proof(search, commit),
        renamed.title,
        without.showed,
        without.runs,
        with.showed,
        with.runs,
        search.stored.id,
        search
            .wanted()
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
fn proof(search: &Search, commit: usize) -> String {
    let bisection = search.bisection(usize::MAX);
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
        lines.push(format!("  Its parent {} {}.", search.commits[parent].short(), runs(parent)));
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
    let other = tally.other + tally.known_crash;
    if other > 0 {
        text.push_str(&format!(" and another failure in {other}"));
    }
    text
}

fn tested(search: &Search, answer: &Answer) -> Vec<String> {
    let bisection = search.bisection(usize::MAX);
    let bad = answer.belief.bad(bisection.history());
    bisection
        .tallies()
        .into_iter()
        .map(|(commit, tally)| {
            let state = picture::state(bad[commit], &tally);
            format!("  {} {state:<8} {}", search.commits[commit].short(), in_words(&tally))
        })
        .collect()
}
