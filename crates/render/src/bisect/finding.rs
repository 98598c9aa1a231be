//! The findings of an audit in words.

use analysis_bisect_audit::{Error, Finding, Purpose, Share};

/// `3 of 20 runs`.
fn runs(share: Share) -> String {
    format!("{} of {} runs", share.hits, share.runs)
}

/// `'a', 'b'`.
fn quoted(titles: &[String]) -> String {
    titles.iter().map(|title| format!("'{title}'")).collect::<Vec<_>>().join(", ")
}

/// One finding.
pub(super) fn finding(finding: &Finding) -> String {
    [decisive, of_log, of_bug, signal]
        .into_iter()
        .find_map(|words| words(finding))
        .unwrap_or_default()
}

/// What decides alone.
fn decisive(finding: &Finding) -> Option<String> {
    Some(match finding {
        Finding::SameKernel { commit, signature } => format!(
            "{} cannot change what runs: its kernel is its parent's, byte for byte (signature {signature} twice)",
            commit.short()
        ),
        Finding::NotBuilt { commit, paths, more } => format!(
            "{} touches only what no kernel is built from: {}{}",
            commit.short(),
            paths.join(", "),
            if *more { ", …" } else { "" }
        ),
        Finding::VersionOnly { commit } => {
            format!("{} sets the version number of a release and nothing else", commit.short())
        }
        Finding::Merge { commit } => format!(
            "{} is a merge: both sides are said to be without the crash, so either the two collide there \
             or a verdict on one side is wrong, which is far commoner",
            commit.short()
        ),
        _ => return None,
    })
}

/// What speaks for or against the named commit.
fn signal(finding: &Finding) -> Option<String> {
    Some(match finding {
        Finding::Untested => "the log has no run of the commit it names".into(),
        Finding::OtherKind { titles } => format!(
            "its kernel shows the function of a wanted title by another kind of crash: {}",
            quoted(titles)
        ),
        Finding::OtherCrash { titles } => format!(
            "no run of its kernel shows a wanted title; it was called bad for {}",
            quoted(titles)
        ),
        Finding::RateDrop { own, start } => format!(
            "its kernel crashes in {}, the start commit in {} of {}",
            runs(*own),
            start.hits,
            start.runs
        ),
        Finding::SingleCrash { runs } => format!("one crash in {runs} runs made it bad"),
        Finding::ReleasesWalked { count } => format!(
            "the walk went back over {count} releases; each is a chance to take another crash for this one, \
             or to end where the reproducer cannot work"
        ),
        Finding::Assertion => {
            "the wanted crash is an assertion, which is often younger or older than the bug it catches".into()
        }
        Finding::Checker { path } => {
            format!("it changes a checker ({path}): it may show the crash rather than bring it")
        }
        Finding::TraceFile { file, title } => {
            format!("it touches {file}, which is in the trace of '{title}'")
        }
        Finding::TraceDirectory { file } => {
            format!("it touches the directory of {file}, which is in the trace")
        }
        Finding::UnrelatedVerdicts { count, first, title, share } => format!(
            "{count} of the bad verdicts {} on crashes that the start commit never shows, first {first} \
             ('{title}', {})",
            if *count == 1 { "rests" } else { "rest" },
            runs(*share)
        ),
        Finding::NotInTrace => {
            "nothing it touches is in the trace of the last crash, as far as the log tells".into()
        }
        Finding::NoReport => {
            "the log holds no crash report: whether the commit touches the crashing code cannot be seen in \
             it; the report of any crash of its kernel would settle it"
                .into()
        }
        _ => return None,
    })
}

/// What the log as a whole shows.
fn of_log(finding: &Finding) -> Option<String> {
    Some(match finding {
        Finding::Candidates { count } => format!(
            "the log ends with {count} commits of which one may be the answer: those between could not be tested"
        ),
        Finding::BeyondRange => {
            "the oldest release tried still crashes: the cause, if it is one, is older".into()
        }
        Finding::BrokenOff { why } => format!("the search broke off: {why}"),
        Finding::NoAnswer => "the log ends without an answer".into(),
        Finding::NoRuns => {
            "the log has verdicts but no runs: whether they were right cannot be seen in it; the output of \
             the test of each commit would settle it"
                .into()
        }
        Finding::Contradiction { commit, first, second } => format!(
            "{} was told to git as {} and as {}",
            commit.short(),
            first.name(),
            second.name()
        ),
        Finding::OneKernel { bad, good, signature, share } => format!(
            "{bad} (bad) and {good} (good) are one kernel, signature {signature}: pooled, {} of its {} runs \
             show a wanted title",
            share.hits, share.runs
        ),
        Finding::SeveralBugs { bugs } => {
            let titles: Vec<_> =
                bugs.iter().map(|(title, share)| format!("'{title}' ({})", runs(*share))).collect();
            format!(
                "the start commit shows {} bugs, and the log never chose: {}",
                bugs.len(),
                titles.join(", ")
            )
        }
        _ => return None,
    })
}

/// What the tests say of one bug.
fn of_bug(finding: &Finding) -> Option<String> {
    Some(match finding {
        Finding::LastShown { shown, searched, last, share } => format!(
            "shown by {shown} of {searched} tested commits below the start; the last of them is {last} ({})",
            runs(*share)
        ),
        Finding::NeverBelow { start, newest: Some(newest) } => format!(
            "no tested commit below the start shows it: the culprit most likely lies between {newest} and \
             {start}, and the log holds no test inside that range"
        ),
        Finding::NeverBelow { start, newest: None } => format!(
            "no tested commit below {start} shows it: the culprit lies in what none of them has"
        ),
        Finding::Hidden { count, first } => format!(
            "{count} of the bad kernels, first {first}, show only another bug of the start commit, in every \
             run: it can hide this one, so they are no proof of its absence"
        ),
        Finding::Bracket { within, without } => format!(
            "it lies in the history of {within} and, by titles, not in that of {}",
            without.join(", ")
        ),
        Finding::Steered { test, titles, share, background } => format!(
            "{test} was called bad for {} alone ({}{}): no evidence of this crash, and it steered the later \
             tests",
            quoted(titles),
            runs(*share),
            if *background { ", background of this range" } else { "" }
        ),
        Finding::NamedWithout { commit } => {
            format!("the named commit {} never shows it", commit.short())
        }
        _ => return None,
    })
}

/// Why a step is taken for an error.
pub(super) fn error(error: &Error) -> String {
    match error {
        Error::OtherBug { test, shown, gone, at_start, runs: usable, odds } => format!(
            "{test} was taken as bad for '{shown}' alone; '{gone}' ({} at the start commit) never showed in \
             its {usable} runs (odds {odds:.1e} if it were there as at the start; the crash that did show can \
             hide it)",
            runs(*at_start)
        ),
        Error::Unrelated { test, titles, share } => format!(
            "{test} was taken as bad for {} ({}), which the start commit never shows: no evidence of the \
             wanted crash",
            quoted(titles),
            runs(*share)
        ),
        Error::WalkEnd { release, walked } => {
            let why = match walked {
                Some(releases) => format!(
                    "a later verdict rests on another crash, but after a walk over {releases} releases the \
                     first error is most often its end"
                ),
                None => "no verdict contradicts its runs; the most frequent first error is then the end of \
                         the walk"
                    .to_owned(),
            };
            format!(
                "{why}: the reproducer may be unable to work in {release}, which ran clean, for want of a \
                 feature, a checker or a configuration, although the bug is there"
            )
        }
    }
}

/// Why a test is proposed.
pub(super) fn purpose(purpose: &Purpose) -> String {
    match purpose {
        Purpose::Halve { commits, within, without, belief, title } => format!(
            "halves the {}commits of {within} that {} {} not have: {:.0} % of the belief for '{title}' lies there",
            commits.map_or_else(String::new, |commits| format!("{commits:.0} ")),
            without.join(" and "),
            if without.len() == 1 { "does" } else { "do" },
            100.0 * belief
        ),
        Purpose::Again { title, present, runs, hidden_by } => format!(
            "whether it has '{title}' is open ({:.0} %): {}",
            100.0 * present,
            match hidden_by {
                Some(other) => format!(
                    "each of its {runs} runs ended at '{other}', which can hide it; run with that report \
                     switched off"
                ),
                None => format!("none of its {runs} runs shows it"),
            }
        ),
        Purpose::Revert { title, commit } => {
            format!("if '{title}' still shows, {} did not bring it", commit.short())
        }
        Purpose::Parent { runs } => format!(
            "proves the lower end: {runs} clean runs are at least 20 to 1 against the crash in the parent"
        ),
    }
}
