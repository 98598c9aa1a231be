//! The tables of docs/bisection.md, from trials.

use analysis_rates::interval;

use crate::trial::{Cell, Rule, Trial};
use crate::worlds::LEN;

/// Prints everything.
pub(crate) fn print(trials: &[Trial]) {
    let mut cells: Vec<Cell> = Vec::new();
    for trial in trials {
        if !cells.contains(&trial.cell) {
            cells.push(trial.cell);
        }
    }
    let key = |cell: &Cell| (cell.world, -cell.p, cell.rule as u8);
    cells.sort_by(|a, b| key(a).partial_cmp(&key(b)).expect("no NaN"));
    let of = |cell: &Cell| -> Vec<&Trial> {
        trials.iter().filter(|trial| trial.cell == *cell).collect()
    };
    println!(
        "| world | p | rule | trials | wrong % | undecided % | undecided where it shows % | builds | runs | minutes |\n\
         |---|---|---|---|---|---|---|---|---|---|"
    );
    for cell in &cells {
        row(cell, &of(cell));
    }
    println!(
        "\nOf the results of our rule stated at 0.95 or more, that share is right (with its 95 % interval):\n\n\
         | world | p | results | mean stated | right | interval |\n|---|---|---|---|---|---|"
    );
    for cell in cells.iter().filter(|cell| cell.rule == Rule::Ours) {
        let named: Vec<&Trial> =
            of(cell).into_iter().filter(|trial| trial.verdict.stated >= 0.95).collect();
        println!("| {} | {} | {}", cell.world, cell.p, shares(&named));
    }
    println!("\n| stated | results | mean stated | right | interval |\n|---|---|---|---|---|");
    let ours: Vec<&Trial> = trials
        .iter()
        .filter(|trial| trial.cell.rule == Rule::Ours && trial.verdict.named.is_some())
        .collect();
    for (from, to) in
        [(0.0, 0.99), (0.99, 0.992), (0.992, 0.994), (0.994, 0.996), (0.996, 0.998), (0.998, 1.01)]
    {
        let cell: Vec<&Trial> = ours
            .iter()
            .filter(|trial| (from..to).contains(&trial.verdict.stated))
            .copied()
            .collect();
        if !cell.is_empty() {
            println!("| {from} to {} | {}", f64::min(to, 1.0), shares(&cell));
        }
    }
    let mut ps: Vec<f64> = cells.iter().map(|cell| cell.p).collect();
    ps.sort_by(|a, b| b.total_cmp(a));
    ps.dedup();
    println!("\nLower bound without noise, one machine: {}.", bounds(&ps).join("; "));
    for cell in cells.iter().filter(|cell| cell.rule == Rule::Ours) {
        let seeds = |which: &dyn Fn(&Trial) -> bool| -> Vec<usize> {
            of(cell).into_iter().filter(|trial| which(trial)).map(|trial| trial.seed).collect()
        };
        eprintln!(
            "{} {}: wrong seeds {:?}, undecided {:?}",
            cell.world,
            cell.p,
            seeds(&Trial::wrong),
            seeds(&|trial| trial.verdict.named.is_none())
        );
    }
}

fn row(cell: &Cell, trials: &[&Trial]) {
    let percent = |part: usize, all: usize| 100.0 * part as f64 / all.max(1) as f64;
    let count = |which: &dyn Fn(&Trial) -> bool| trials.iter().filter(|trial| which(trial)).count();
    let mean = |value: &dyn Fn(&Trial) -> f64| {
        trials.iter().map(|trial| value(trial)).sum::<f64>() / trials.len().max(1) as f64
    };
    println!(
        "| {} | {} | {} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} |",
        cell.world,
        cell.p,
        cell.rule.name(),
        trials.len(),
        percent(count(&Trial::wrong), trials.len()),
        percent(count(&|trial| trial.verdict.named.is_none()), trials.len()),
        percent(
            count(&|trial| trial.shows && trial.verdict.named.is_none()),
            count(&|trial| trial.shows)
        ),
        mean(&|trial| f64::from(trial.builds)),
        mean(&|trial| f64::from(trial.runs)),
        mean(&|trial| trial.minutes),
    );
}

/// Number, mean stated, share right and its interval, as the end of a row.
fn shares(named: &[&Trial]) -> String {
    let count = named.len() as u32;
    let right = named.iter().filter(|trial| trial.right()).count() as u32;
    let of = |sum: f64| sum / f64::from(count);
    let stated = of(named.iter().map(|trial| trial.verdict.stated).sum());
    let (low, high) = interval(right, count);
    format!("{count} | {stated:.4} | {:.4} | {low:.3} to {high:.3} |", of(f64::from(right)))
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
