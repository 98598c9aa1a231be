//! The belief as a picture in the terminal.

use analysis_bisect::{Answer, Belief, Direction, Search, Tally};

use super::text::{label, percent};

/// Columns of the picture.
const WIDTH: usize = 72;
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What is believed of a tested commit.
pub(super) fn state(bad: f64, tally: &Tally) -> &'static str {
    match bad {
        _ if tally.usable() == 0 => "untested",
        bad if bad > 0.95 => "bad",
        bad if bad < 0.05 => "good",
        _ => "unsure",
    }
}

/// The probability that the culprit lies in each of so many equal parts of the range.
pub(super) fn parts(belief: &Belief, parts: usize) -> Vec<f64> {
    let culprit = belief.culprit();
    let mut sums = vec![0.0; parts];
    for (at, probability) in culprit.iter().enumerate() {
        sums[at * parts / culprit.len()] += probability;
    }
    sums
}

/// The picture: older commits on the left, what was tested below.
pub fn draw(search: &Search, answer: &Answer) -> String {
    let width = WIDTH.min(search.commits.len());
    let parts = parts(&answer.belief, width);
    let highest = parts.iter().copied().fold(0.0, f64::max);
    let bars: String = parts
        .iter()
        .map(|&part| {
            let height = if highest > 0.0 { part / highest * 8.0 } else { 0.0 };
            BARS[if part > 0.001 { height.ceil() as usize } else { 0 }.min(8)]
        })
        .collect();
    let bisection = search.bisection(usize::MAX);
    let bad = answer.belief.bad(bisection.history());
    let mut marks = vec![' '; width];
    for (commit, tally) in bisection.tallies() {
        let mark = &mut marks[commit * width / search.commits.len()];
        let own = match state(bad[commit], &tally) {
            "bad" => 'x',
            "good" => 'o',
            "unsure" => '?',
            _ => '-',
        };
        *mark = if *mark == ' ' || *mark == own { own } else { '*' };
    }
    let marks: String = marks.into_iter().collect();
    let mut lines = vec![
        format!("  {bars}"),
        format!("  {marks}"),
        format!(
            "  {:<half$}{:>rest$}",
            search.commits[0].short(),
            search.commits[search.commits.len() - 1].short(),
            half = width / 2,
            rest = width - width / 2
        ),
        "  tested: x has the failure, o has not, ? unsure, - cannot be tested, * several".into(),
        String::new(),
    ];
    let mut likely: Vec<usize> = (0..search.commits.len()).collect();
    likely.sort_by(|a, b| answer.belief.culprit()[*b].total_cmp(&answer.belief.culprit()[*a]));
    for &commit in likely.iter().take(5) {
        let probability = answer.belief.culprit()[commit];
        if probability > 0.0 {
            lines.push(format!(
                "  {:>12}  {}",
                percent(probability),
                label(search, answer, commit)
            ));
        }
    }
    let outside = match search.direction() {
        Direction::Cause => "older than the range",
        Direction::Fix => "not fixed in the range",
    };
    lines.push(format!("  {:>12}  {outside}", percent(answer.belief.older())));
    lines.push(format!(
        "\n  shows in about {:.0} % of runs where it is; {:.1} % of other runs fail in another way",
        answer.belief.detection_mean() * 100.0,
        answer.belief.rates().unrelated * 100.0
    ));
    lines.join("\n")
}
