//! The benchmark of docs/bisection.md: `cargo bench -p reason-bisect -- [trials] [worlds] [p,p,…] [rules]`.
//!
//! Every trial follows from its seed; all rules meet the same culprit and the same broken commits.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod rules;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use reason_bisect::simulate::{Fade, Noise, Random, World};
use reason_bisect::{History, Settings};
use rules::Verdict;

const LEN: usize = 8739;

#[derive(Clone, Copy, PartialEq)]
enum Rule {
    Ours,
    Reference,
    Git,
}

struct Trial {
    right: bool,
    /// The culprit shows at a quarter of its full power or more.
    shows: bool,
    verdict: Verdict,
    builds: u32,
    runs: u32,
    minutes: f64,
}

/// A history with merges as a kernel has them: side branches of a few to some hundred commits, begun
/// some way back on the main line, some with merges of their own.
fn merge_history(len: usize, merges: f64, seed: u64) -> History {
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
fn world(kind: char, seed: u64, p: f64) -> World {
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

fn trial(rule: Rule, kind: char, seed: u64, p: f64) -> Trial {
    let mut world = world(kind, seed, p);
    let verdict = match rule {
        Rule::Ours => rules::ours(&mut world, Settings::default()),
        Rule::Reference => rules::reference(&mut world),
        Rule::Git => rules::git_bisect(&mut world),
    };
    Trial {
        shows: world.strength(world.culprit) >= 0.25 * p,
        right: verdict.named == Some(world.culprit),
        verdict,
        builds: world.cost.builds,
        runs: world.cost.runs,
        minutes: world.cost.minutes(),
    }
}

fn cell(rule: Rule, kind: char, p: f64, trials: usize) -> Vec<Trial> {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut all: Vec<(usize, Trial)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= trials {
                            return mine;
                        }
                        mine.push((seed, trial(rule, kind, seed as u64, p)));
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a trial")).collect()
    });
    all.sort_by_key(|(seed, _)| *seed);
    all.into_iter().map(|(_, trial)| trial).collect()
}

fn percent(part: usize, all: usize) -> f64 {
    100.0 * part as f64 / all.max(1) as f64
}

fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let word = |at: usize, default: &str| words.get(at).cloned().unwrap_or_else(|| default.into());
    if word(0, "") == "step" {
        return step_times();
    }
    let trials: usize = word(0, "40").parse().expect("the first word is the number of trials");
    let worlds = word(1, "ABDEF");
    let ps: Vec<f64> =
        word(2, "1,0.5,0.2,0.1").split(',').map(|p| p.parse().expect("a probability")).collect();
    let rules = word(3, "ours,reference,git");
    if let Some(seed) = words.get(4) {
        let seed = seed.parse().expect("a seed");
        let kind = worlds.chars().next().expect("a world");
        println!("culprit {}", world(kind, seed, ps[0]).culprit);
        let trial = trial(Rule::Ours, kind, seed, ps[0]);
        println!("{:?} {} builds {} runs", trial.verdict, trial.builds, trial.runs);
        return;
    }
    println!(
        "| world | p | rule | trials | wrong % | undecided % | undecided where it shows % | builds | runs | minutes | stated | right when stated | seconds |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    let mut stated: Vec<(f64, bool)> = Vec::new();
    for kind in worlds.chars() {
        for &p in &ps {
            for name in rules.split(',') {
                let rule = match name {
                    "ours" => Rule::Ours,
                    "reference" => Rule::Reference,
                    "git" => Rule::Git,
                    _ => panic!("rules are ours, reference and git"),
                };
                let start = Instant::now();
                let all = cell(rule, kind, p, trials);
                let seconds = start.elapsed().as_secs_f64();
                let named: Vec<&Trial> = all.iter().filter(|t| t.verdict.named.is_some()).collect();
                let wrong = named.iter().filter(|t| !t.right).count();
                let mean = |value: &dyn Fn(&Trial) -> f64| {
                    all.iter().map(value).sum::<f64>() / all.len().max(1) as f64
                };
                let confidence =
                    named.iter().map(|t| t.verdict.stated).sum::<f64>() / named.len().max(1) as f64;
                println!(
                    "| {kind} | {p} | {name} | {trials} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} | {:.3} | {:.3} | {seconds:.0} |",
                    percent(wrong, all.len()),
                    percent(all.len() - named.len(), all.len()),
                    percent(
                        all.iter().filter(|t| t.shows && t.verdict.named.is_none()).count(),
                        all.iter().filter(|t| t.shows).count(),
                    ),
                    mean(&|t| f64::from(t.builds)),
                    mean(&|t| f64::from(t.runs)),
                    mean(&|t| t.minutes),
                    confidence,
                    (named.len() - wrong) as f64 / named.len().max(1) as f64,
                );
                if rule == Rule::Ours {
                    stated.extend(named.iter().map(|t| (t.verdict.stated, t.right)));
                    let seeds: Vec<usize> = (0..all.len())
                        .filter(|&s| all[s].verdict.named.is_some() && !all[s].right)
                        .collect();
                    let open: Vec<(usize, usize)> = (0..all.len())
                        .filter(|&s| all[s].verdict.named.is_none())
                        .map(|s| (s, all[s].verdict.left))
                        .collect();
                    eprintln!("  wrong seeds {seeds:?}, undecided (seed, left) {open:?}");
                }
            }
        }
    }
    calibration(&stated);
    println!("\nbound: {}", bounds(&ps).join("; "));
}

/// Time and memory of a whole bisection on a graph of 20,000 commits with 1,500 merges.
fn step_times() {
    let start = Instant::now();
    let history = merge_history(20_000, 0.075, 1);
    let merges = (0..history.len()).filter(|&commit| history.parents(commit).len() > 1).count();
    println!("{} commits, {merges} merges; graph built in {:.0?}", history.len(), start.elapsed());
    for p in [1.0, 0.3] {
        let mut world = World::new(history.clone(), 3, p, Noise::Stretches, None, None, (7.0, 1.0));
        let mut times = Vec::new();
        let before = processor_milliseconds();
        let verdict = rules::ours_timed(&mut world, Settings::default(), |took| times.push(took));
        times.sort();
        println!(
            "p = {p}: {} steps, next step median {:.1?}, longest {:.1?}, processor time {:.1} ms a step; {verdict:?}, culprit {}",
            times.len(),
            times[times.len() / 2],
            times[times.len() - 1],
            (processor_milliseconds() - before) / times.len() as f64,
            world.culprit
        );
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown");
    println!("peak memory: {peak}");
}

/// Time this process had a processor: what counts when others keep the machine busy.
fn processor_milliseconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse::<f64>().ok()).unwrap_or(0.0) / 1e6
}

/// How often what was stated was so, by what was stated.
fn calibration(stated: &[(f64, bool)]) {
    println!("\n| stated | results | mean stated | right |\n|---|---|---|---|");
    for (from, to) in
        [(0.0, 0.99), (0.99, 0.992), (0.992, 0.994), (0.994, 0.996), (0.996, 0.998), (0.998, 1.01)]
    {
        let cell: Vec<&(f64, bool)> =
            stated.iter().filter(|(value, _)| (from..to).contains(value)).collect();
        if !cell.is_empty() {
            let count = cell.len() as f64;
            println!(
                "| {from} to {} | {} | {:.4} | {:.4} |",
                f64::min(to, 1.0),
                cell.len(),
                cell.iter().map(|(value, _)| value).sum::<f64>() / count,
                cell.iter().filter(|(_, right)| *right).count() as f64 / count,
            );
        }
    }
}

/// Minutes below which no rule can come on average, without noise: log2 of the commits by the best
/// rate of information of builds with k runs each, stopping at the first crash.
fn bounds(ps: &[f64]) -> Vec<String> {
    let entropy = |x: f64| {
        if x <= 0.0 || x >= 1.0 { 0.0 } else { -x * x.log2() - (1.0 - x) * (1.0 - x).log2() }
    };
    ps.iter()
        .map(|p| {
            let mut best = f64::INFINITY;
            for k in 1..=60 {
                let seen = 1.0 - (1.0 - p).powi(k);
                for step in 1..100 {
                    let bad = f64::from(step) / 100.0;
                    let bits = entropy(bad * seen) - bad * entropy(seen);
                    let runs = bad * seen / p + (1.0 - bad) * f64::from(k);
                    best = best.min((7.0 + runs) / bits);
                }
            }
            format!("p = {p}: {:.0} min", best * (LEN as f64).log2())
        })
        .collect()
}
