//! How candidates are ordered, with a probability for each: a conditional logit over the candidates and
//! the answer "none of these".

use model::change::{Change, ChangeKind};

use crate::features::{COUNT, Row};
use crate::term::plain_title;

/// Learnt weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// One for each feature.
    pub of: Row,
    /// The worth of "none of these".
    pub none: f64,
}

/// The probability of each row, in order; what is missing to 1 is "none of these".
pub fn probabilities(rows: &[Row], weights: &Weights) -> Vec<f64> {
    let worth: Vec<f64> = rows.iter().map(|row| dot(row, &weights.of)).collect();
    let highest = worth.iter().copied().fold(weights.none, f64::max);
    let powers: Vec<f64> = worth.iter().map(|w| (w - highest).exp()).collect();
    let total: f64 = powers.iter().sum::<f64>() + (weights.none - highest).exp();
    powers.into_iter().map(|power| power / total).collect()
}

fn dot(a: &Row, b: &Row) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// One labelled crash: the rows of its candidates, and which of them are right.
#[derive(Clone, Debug, Default)]
pub struct Example {
    /// The candidates.
    pub rows: Vec<Row>,
    /// The right ones; empty where the search did not find any.
    pub right: Vec<usize>,
}

/// Learns weights: gradient ascent on the likelihood of the right answers, with weights kept small.
pub fn learn(examples: &[Example], rounds: usize, shrink: f64) -> Weights {
    let mut weights = Weights { of: [0.0; COUNT], none: 0.0 };
    let number = examples.len().max(1) as f64;
    let (mut speed, mut none_speed) = ([0.0; COUNT], 0.0);
    for _ in 0..rounds {
        let mut gradient = [0.0; COUNT];
        let mut none_gradient = 0.0;
        for example in examples {
            let p = probabilities(&example.rows, &weights);
            let none = 1.0 - p.iter().sum::<f64>();
            let mass: f64 = example.right.iter().map(|at| p[*at]).sum();
            none_gradient += f64::from(u8::from(example.right.is_empty())) - none;
            for (at, row) in example.rows.iter().enumerate() {
                let wanted = match example.right.contains(&at) {
                    true if mass > 0.0 => p[at] / mass,
                    _ => 0.0,
                };
                for (g, x) in gradient.iter_mut().zip(row) {
                    *g += (wanted - p[at]) * x;
                }
            }
        }
        for at in 0..COUNT {
            speed[at] = 0.9 * speed[at] + gradient[at] / number - shrink * weights.of[at];
            weights.of[at] += 0.2 * speed[at];
        }
        none_speed = 0.9 * none_speed + none_gradient / number;
        weights.none += 0.2 * none_speed;
    }
    weights
}

/// Puts the versions of one change together: those of one title. Each group holds places in `changes`, the
/// one to be shown first: a commit before patches, an original before copies, the newest version first.
pub fn groups(changes: &[Change]) -> Vec<Vec<usize>> {
    let mut of: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        let title = plain_title(&change.title);
        let number = *of.entry(title).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        // A commit that two sources hold is one.
        let is_known =
            |known: &usize| change.commit.is_some() && changes[*known].commit == change.commit;
        if !groups[number].iter().any(is_known) {
            groups[number].push(at);
        }
    }
    for group in &mut groups {
        group.sort_by_key(|at| {
            let change = &changes[*at];
            (
                change.upstream.is_some(),
                change.kind != ChangeKind::Commit,
                std::cmp::Reverse((change.version, change.date)),
            )
        });
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::{Example, groups, learn, probabilities};
    use crate::features::COUNT;
    use model::change::Change;

    #[test]
    fn what_marks_the_right_answers_is_learnt_and_no_answer_is_one() {
        let row = |a: f64, b: f64| {
            let mut row = [0.0; COUNT];
            (row[0], row[1]) = (a, b);
            row
        };
        let found = Example { rows: vec![row(0.0, 1.0), row(1.0, 0.0)], right: vec![1] };
        let lost = Example { rows: vec![row(0.0, 1.0), row(0.0, 0.0)], right: vec![] };
        let weights = learn(&[found.clone(), lost.clone()], 300, 0.01);
        assert!(weights.of[0] > 1.0 && weights.of[1] < 0.0, "{weights:?}");
        assert!(probabilities(&found.rows, &weights)[1] > 0.6);
        assert!(probabilities(&lost.rows, &weights).iter().sum::<f64>() < 0.5);
    }

    #[test]
    fn versions_of_one_title_are_one_candidate_and_the_newest_is_shown() {
        let change = |title: &str, version, upstream: Option<&str>| Change {
            title: title.to_owned(),
            version,
            upstream: upstream.map(str::to_owned),
            ..Change::default()
        };
        let all = [
            change("pump: start", 1, None),
            change("pump: Start", 3, Some("a")),
            change("other", 1, None),
            change("pump: start", 2, None),
        ];
        assert_eq!(groups(&all), [vec![3, 0, 1], vec![2]]);
    }
}
