//! What a bisection ends with, in words, each with the runs behind it.

use std::io::{self, Write as _};
use std::process::ExitCode;

use reason_bisect::{Belief, Conclusion, Next, Tally};

use super::case::Case;
use super::picture;
use crate::failure::Failure;
use crate::output::Escaped;

/// The answer as it stands.
pub(crate) struct Answer {
    pub(crate) belief: Belief,
    pub(crate) conclusion: Conclusion,
    /// Whether the conclusion is final: nothing more would be run.
    pub(crate) is_final: bool,
}

/// Works out the answer from every attempt so far.
pub(super) fn answer(case: &Case) -> Answer {
    let bisection = case.bisection(usize::MAX);
    let belief = bisection.belief();
    let (conclusion, is_final) = match bisection.next(&belief) {
        Next::Done(conclusion) => (conclusion, true),
        Next::Test(_) => (bisection.credible_set(&belief), false),
    };
    Answer { belief, conclusion, is_final }
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

/// The kind of a conclusion, as it is printed in JSON.
pub(crate) fn kind(conclusion: &Conclusion, is_final: bool) -> &'static str {
    match conclusion {
        Conclusion::Culprit { .. } => "culprit",
        Conclusion::CredibleSet { .. } if is_final => "credible_set",
        Conclusion::CredibleSet { .. } => "running",
        Conclusion::OlderThanRange { .. } => "older_than_range",
        Conclusion::ReproducerFades { .. } => "reproducer_fades",
        Conclusion::NotReproducible { .. } => "not_reproducible",
    }
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
    let titles = case.wanted().titles();
    if !titles.is_empty() {
        lines.push(format!("Wanted failure: {}.", titles.join(" | ")));
    }
    lines.push(
        "Grade: DERIVED from the runs above, with noise rates learnt from them; it assumes that the \
         test means the same on every commit."
            .into(),
    );
    lines.join("\n")
}

fn headline(case: &Case, answer: &Answer) -> String {
    match &answer.conclusion {
        Conclusion::Culprit { commit, confidence } => {
            let proof = proof(case, *commit);
            format!(
                "{} brought the failure, with a probability of {}.\n{proof}",
                case.label(*commit),
                percent(*confidence)
            )
        }
        Conclusion::CredibleSet { commits, confidence } => {
            let why = if answer.is_final {
                "What lies between cannot be tested, or no run can tell these commits apart."
            } else {
                "More runs are needed; `ktriage bisect resume` makes them."
            };
            let mut text = format!(
                "No commit is proven. One of {} commits brought the failure, with a probability of {}. {why}",
                commits.len(),
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
        Conclusion::OlderThanRange { confidence } => format!(
            "The failure is older than the range: the good end has it, too, with a probability of {}. \
             Give an older commit as --good.",
            percent(*confidence)
        ),
        Conclusion::ReproducerFades { confidence, before } => format!(
            "No commit can be named. The test fails less and less often towards older commits and shows \
             nothing before about {}; the failure may be older, and the test cannot show it there \
             ({}).\nA test that fails more often there would settle it.",
            case.label(*before),
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
    if tally.other > 0 {
        text.push_str(&format!(" and another failure in {}", tally.other));
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
