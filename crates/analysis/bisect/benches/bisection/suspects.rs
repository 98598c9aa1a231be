//! What `ktriage suspects` said of the culprits of real crashes, as the prior of a simulated search.
//!
//! Each trial draws one of the crashes, each as often as any other: the culprit gets what was said of the right commit
//! (nothing where it was not listed), and commits drawn by chance what was said of the wrong ones. So the prior is as
//! good, and as misleading, as it was measured to be.

use analysis_bisect::Prior;
use analysis_bisect::simulate::{Random, World};

/// A crash a line: the place of the culprit, from 0, or `-`; then the probabilities said.
const CASES: &str = include_str!("suspects.tsv");

/// The prior of one trial.
pub(crate) fn prior(world: &World, seed: u64) -> Prior {
    let cases: Vec<&str> = CASES.lines().filter(|line| !line.starts_with('#')).collect();
    let mut random = Random::new(seed ^ 0x0005_05ec_7500);
    let mut words = cases[random.below(cases.len())].split('\t');
    let place: Option<usize> = words.next().and_then(|word| word.parse().ok());
    let said: Vec<f64> = words.filter_map(|word| word.parse().ok()).collect();
    let len = world.history().len();
    let others = (len - said.len()) as f64;
    let each = (1.0 - said.iter().sum::<f64>()).max(0.01) / others;
    let mut prior = Prior::uniform(world.history());
    for (at, probability) in said.iter().enumerate() {
        let mut commit = world.culprit;
        while place != Some(at) && commit == world.culprit {
            commit = random.below(len);
        }
        let factor = probability / each;
        if factor > 1.0 {
            prior = prior.weigh(commit, factor);
        }
    }
    prior
}
