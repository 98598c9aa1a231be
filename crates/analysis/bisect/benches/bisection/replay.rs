//! Feeds the runs that labelled bisections recorded to the belief, as if they had been ours.
//!
//! A log has no graph, so its tested commits are put on a line in the order that its own walk implies, as
//! far apart as git said. Where the true culprit lies on that line follows from the label: it is the
//! commit named by a search that ended right; where a search went wrong, every verdict before its
//! `first_wrong_commit` holds and that one does not.

use std::fs;
use std::path::Path;

use analysis_bisect::{Belief, Bisection, Conclusion, History, Next, Prior, Settings};
use analysis_bisect_audit::{Audit, Tested, audit};
use model::RunOutcome;
use parse_bisect_log::{Answer, BisectLog, Direction, Phase, Verdict};

/// Commits between two releases, and from the last release to the start commit.
const RELEASE: usize = 14_000;

/// A tested commit and its place: the number of commits up to and with it.
struct Placed {
    test: usize,
    at: usize,
}

/// A search on a line.
struct Line {
    /// From old to new. The first is the good end, which was tested but cannot be blamed.
    placed: Vec<Placed>,
    /// Commits that the log names.
    named: Option<usize>,
}

/// Where the culprit is.
enum Truth {
    /// From the first to the last of these positions.
    Within(usize, usize),
    /// Older than the oldest tested commit.
    Older,
}

#[derive(Default)]
struct Count {
    logs: usize,
    on_truth: f64,
    on_named: f64,
    truth_ahead: usize,
    right: usize,
    wrong: usize,
    set: usize,
    set_holds: usize,
}

/// Prints the table.
pub(crate) fn replay(folder: &Path) {
    let Ok(labels) = fs::read_to_string(folder.join("labels.csv")) else {
        println!("skipped: {} holds no labelled logs", folder.display());
        return;
    };
    let mut rows = labels.lines().map(fields);
    let header = rows.next().expect("labels.csv has a first line");
    let column =
        |name: &str| header.iter().position(|h| h == name).expect("a column of labels.csv");
    let (id, outcome) = (column("bug_id"), column("outcome"));
    let (title, first_wrong) = (column("crash_title"), column("first_wrong_commit"));
    let mut right = Count::default();
    let mut wrong = Count::default();
    let mut left_out = 0;
    for row in rows {
        let count = match row[outcome].as_str() {
            "correct" => &mut right,
            "incorrect" => &mut wrong,
            _ => continue,
        };
        let Ok(bytes) = fs::read(folder.join(format!("{}.txt", row[id]))) else { continue };
        let log = parse_bisect_log::read(&bytes);
        let audit = audit(&log, None);
        let placed = line(&log, &audit);
        let truth =
            placed.as_ref().and_then(|line| truth(line, &audit, &row[outcome], &row[first_wrong]));
        let (Some(line), Some(truth)) = (placed, truth) else {
            left_out += 1;
            continue;
        };
        judge(&line, &audit, &row[title], &truth, count);
    }
    println!(
        "| the log ended | logs | mean belief on the truth | on the commit it named | truth ahead | stated right | stated wrong | a set with the truth | a set without |\n\
         |---|---|---|---|---|---|---|---|---|"
    );
    for (name, count) in [("right", &right), ("wrong", &wrong)] {
        let logs = count.logs.max(1) as f64;
        println!(
            "| {name} | {} | {:.3} | {:.3} | {} | {} | {} | {} | {} |",
            count.logs,
            count.on_truth / logs,
            count.on_named / logs,
            count.truth_ahead,
            count.right,
            count.wrong,
            count.set_holds,
            count.set - count.set_holds,
        );
    }
    println!(
        "\nleft out because the log or its label does not tell where the truth lies: {left_out}"
    );
}

fn judge(line: &Line, audit: &Audit, title: &str, truth: &Truth, count: &mut Count) {
    let len = line.placed.last().map_or(1, |end| end.at + 1);
    let history = History::linear(len);
    // The good end was tested; it is no culprit, but it may be wrong about the bug.
    let prior = Prior::uniform(&history).weigh(0, 0.0);
    let mut bisection = Bisection::new(history, prior, len - 1, Settings::default());
    let cluster = audit
        .wanted
        .iter()
        .find(|wanted| wanted.cluster.titles.iter().any(|t| t == title))
        .or(audit.wanted.first());
    let Some(cluster) = cluster else { return };
    for placed in &line.placed {
        let test = &audit.tests[placed.test];
        for (outcome, runs) in outcomes(test, &cluster.cluster.titles) {
            for _ in 0..runs {
                bisection.record(placed.at, outcome);
            }
        }
    }
    let belief = bisection.belief();
    let on_truth = on(&belief, truth);
    let on_named = line.named.map_or(0.0, |named| belief.culprit()[named]);
    count.logs += 1;
    count.on_truth += on_truth;
    count.on_named += on_named;
    count.truth_ahead += usize::from(on_truth > 0.5);
    let inside = |commit: usize| match truth {
        Truth::Within(first, last) => (*first..=*last).contains(&commit),
        Truth::Older => false,
    };
    match bisection.next(&belief) {
        Next::Done(Conclusion::Culprit { commit, .. }) => {
            if inside(commit) {
                count.right += 1;
            } else {
                count.wrong += 1;
            }
        }
        Next::Done(Conclusion::CredibleSet { commits, .. }) => {
            count.set += 1;
            count.set_holds += usize::from(commits.iter().any(|commit| inside(*commit)));
        }
        _ => {}
    }
}

fn on(belief: &Belief, truth: &Truth) -> f64 {
    match truth {
        Truth::Within(first, last) => belief.culprit()[*first..=*last].iter().sum(),
        Truth::Older => belief.older(),
    }
}

fn outcomes(test: &Tested, titles: &[String]) -> Vec<(RunOutcome, u32)> {
    let mut all = vec![
        (RunOutcome::Clean, test.tally.clean),
        (RunOutcome::BootFailed, test.tally.unbootable.values().sum()),
        (RunOutcome::InfrastructureError, test.tally.lab),
        (RunOutcome::BuildFailed, u32::from(test.unbuildable)),
    ];
    for (title, count) in &test.tally.crashes {
        let wanted = titles.contains(title);
        all.push((if wanted { RunOutcome::Wanted } else { RunOutcome::Other }, *count));
    }
    all
}

/// The tested commits on a line. `None` for a log without a walk from a bad to a good end.
fn line(log: &BisectLog, audit: &Audit) -> Option<Line> {
    if log.direction == Direction::Fix {
        return None;
    }
    let tests = &audit.tests;
    // Gaps from new to old: (test, commits between it and the next older one).
    let mut line: Vec<(usize, usize)> = Vec::new();
    for (at, test) in tests.iter().enumerate() {
        if matches!(test.phase, Phase::Original | Phase::Release) {
            let gap = if line.is_empty() { RELEASE / 2 } else { RELEASE };
            line.push((at, gap));
        }
    }
    let range = log.range.as_ref()?;
    let find = |end: &str| {
        let is = |at: usize| {
            let test = &tests[at];
            test.commit.as_str() == end || test.release.as_deref() == Some(end)
        };
        line.iter().position(|(at, _)| is(*at))
    };
    let mut bad = find(&range.bad)?;
    let mut good = range.good.iter().find_map(|end| find(end))?;
    if bad >= good {
        return None;
    }
    let mut seen: Vec<&str> = Vec::new();
    for (at, test) in tests.iter().enumerate() {
        let Some(verdict) = test.taken.filter(|_| test.phase == Phase::Bisect) else { continue };
        if seen.contains(&test.commit.as_str()) {
            continue;
        }
        seen.push(test.commit.as_str());
        let left = log.tests[at].remaining.map_or(0, |progress| progress.value) as usize + 1;
        // What was tried between the ends and skipped stays where it is; the new one goes above it.
        let new = bad + 1;
        line.insert(new, (at, left));
        line[bad].1 = left;
        good += 1;
        match verdict {
            Verdict::Bad => bad = new,
            Verdict::Good => good = new,
            Verdict::Skip => {}
        }
    }
    let one = matches!(log.answer, Answer::Commit { .. });
    if one && good == bad + 1 {
        line[bad].1 = 1;
    }
    let named = one.then_some(bad);
    let mut at = 0;
    let mut placed: Vec<Placed> = Vec::new();
    for (number, (test, _)) in line.iter().enumerate().rev() {
        if number + 1 < line.len() {
            at += line[number].1;
        }
        placed.push(Placed { test: *test, at });
    }
    let named = named.map(|named| placed[line.len() - 1 - named].at);
    Some(Line { placed, named })
}

/// Where the culprit is, as far as the label tells.
fn truth(line: &Line, audit: &Audit, outcome: &str, first_wrong: &str) -> Option<Truth> {
    if outcome == "correct" {
        return line.named.map(|named| Truth::Within(named, named));
    }
    if first_wrong.len() < 12 {
        return None;
    }
    let is_first_wrong = |test: &Tested| {
        test.phase != Phase::Original
            && (test.commit.as_str().starts_with(first_wrong) || first_wrong == test.name())
    };
    let wrong = (0..audit.tests.len()).find(|at| is_first_wrong(&audit.tests[*at]))?;
    let place = |test: usize| line.placed.iter().position(|placed| placed.test == test);
    let at = place(wrong)?;
    // Tests before the wrong one bound the truth from both sides.
    let earlier = |placed: &&Placed, verdict: Verdict| {
        placed.test < wrong
            && (audit.tests[placed.test].taken == Some(verdict)
                || verdict == Verdict::Bad && audit.tests[placed.test].phase == Phase::Original)
    };
    match audit.tests[wrong].taken? {
        Verdict::Good => {
            let older =
                line.placed[..at].iter().rev().find(|placed| earlier(placed, Verdict::Good));
            Some(older.map_or(
                if at == 0 { Truth::Older } else { Truth::Within(1, line.placed[at].at) },
                |older| Truth::Within(older.at + 1, line.placed[at].at),
            ))
        }
        Verdict::Bad => {
            let newer =
                line.placed[at + 1..].iter().find(|placed| earlier(placed, Verdict::Bad))?;
            Some(Truth::Within(line.placed[at].at + 1, newer.at))
        }
        Verdict::Skip => None,
    }
}

/// The fields of a line of comma-separated values; quoted ones may hold commas.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => fields.last_mut().expect("never empty").push(c),
        }
    }
    fields
}
