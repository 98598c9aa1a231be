//! The worlds of the benchmark, each following from its seed.

use analysis_bisect::History;
use analysis_bisect::simulate::{Fade, Noise, Random, World};

/// Commits of a range.
pub(crate) const LEN: usize = 8739;

/// A history with merges as a kernel has them: side branches of a few to some hundred commits, begun
/// some way back on the main line, some with merges of their own.
pub(crate) fn merge_history(len: usize, merges: f64, seed: u64) -> History {
    let mut random = Random::new(seed);
    let mut parents: Vec<Vec<usize>> = vec![Vec::new()];
    // Tips of branches in work; the first is the main line.
    let mut tips = vec![0];
    while parents.len() < len {
        let commit = parents.len();
        let roll = random.unit();
        if commit + 1 == len && tips.len() > 1 {
            parents.push(std::mem::take(&mut tips));
            tips = vec![commit];
        } else if roll < merges && tips.len() > 1 {
            let side = tips.swap_remove(1 + random.below(tips.len() - 1));
            let into = if random.chance(0.75) { 0 } else { random.below(tips.len()) };
            parents.push(vec![tips[into], side]);
            tips[into] = commit;
        } else if roll < 2.0 * merges && tips.len() < 60 {
            let back = random.exponential(300.0) as usize;
            parents.push(vec![tips[0].saturating_sub(back)]);
            tips.push(commit);
        } else {
            let on = random.below(tips.len());
            parents.push(vec![tips[on]]);
            tips[on] = commit;
        }
    }
    History::new(&parents).expect("parents stand before their children")
}

/// The worlds, by the letter that names them on the command line.
pub(crate) fn world(kind: char, seed: u64, p: f64) -> World {
    let cost = (7.0, 1.0);
    match kind {
        'A' => World::new(History::linear(LEN), seed, p, Noise::Independent, None, None, cost),
        'B' => World::new(History::linear(LEN), seed, p, Noise::Stretches, None, None, cost),
        'D' => World::new(
            merge_history(LEN, 0.09, seed),
            seed,
            p,
            Noise::Independent,
            None,
            None,
            cost,
        ),
        'E' => {
            World::new(merge_history(LEN, 0.09, seed), seed, p, Noise::Stretches, None, None, cost)
        }
        'F' => {
            // In half of the trials the culprit is where the crash can still show.
            let mut random = Random::new(seed ^ 0x5eed);
            let width = (0.05 + 0.6 * random.unit()) * LEN as f64;
            let end = random.unit() * 0.8 * LEN as f64;
            let fade = Some(Fade { end, width });
            World::new(History::linear(LEN), seed, p, Noise::Independent, None, fade, cost)
        }
        _ => panic!("worlds are A, B, D, E and F"),
    }
}
