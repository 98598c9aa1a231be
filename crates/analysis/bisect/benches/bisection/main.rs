//! The benchmark of docs/bisection.md.
//!
//! ```text
//! cargo bench -p analysis-bisect -- simulate [TRIALS] [WORLDS] [P,P,…] [RULES] [--results FILE]
//! cargo bench -p analysis-bisect -- table FILE
//! cargo bench -p analysis-bisect -- replay DIR
//! cargo bench -p analysis-bisect -- step
//! ```
//!
//! Every trial follows from its seed; all rules meet the same culprit and the same broken commits. With
//! `--results` each trial is appended to the file as it ends, and trials that the file holds are not
//! made again.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod replay;
mod rules;
mod steps;
mod suspects;
mod table;
mod trial;
mod worlds;

use std::path::Path;

use trial::{Cell, Results, Rule};

fn main() {
    let mut words: Vec<String> = Vec::new();
    let mut results = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(word) = arguments.next() {
        match word.as_str() {
            "--results" => results = arguments.next(),
            // What cargo itself adds.
            other if other.starts_with("--") => {}
            _ => words.push(word),
        }
    }
    let word = |at: usize, default: &str| words.get(at).cloned().unwrap_or_else(|| default.into());
    match word(0, "simulate").as_str() {
        "step" => steps::step_times(),
        "replay" => replay::replay(Path::new(&word(1, "logs"))),
        "table" => table::print(&Results::open(Some(&word(1, "results.csv"))).all()),
        "seed" => {
            let cell = cells(&word(2, "A"), &word(3, "1"), "ours")[0];
            let trial = trial::run(cell, word(1, "0").parse().expect("a seed"));
            println!("{}", trial.line());
        }
        "simulate" => {
            let trials: usize = word(1, "10").parse().expect("the number of trials");
            let mut results = Results::open(results.as_deref());
            let rules = word(4, "ours,reference,git");
            for cell in cells(&word(2, "ABDF"), &word(3, "1,0.5,0.2,0.1"), &rules) {
                results.fill(cell, trials);
                eprintln!("{cell:?}: {} trials", results.of(cell).len());
            }
            table::print(&results.all());
        }
        other => panic!("{other}: simulate, table, replay, step or seed"),
    }
}

fn cells(worlds: &str, ps: &str, rules: &str) -> Vec<Cell> {
    let mut cells = Vec::new();
    for world in worlds.chars() {
        for p in ps.split(',') {
            for rule in rules.split(',') {
                let rule =
                    Rule::from_name(rule).expect("rules are ours, suspects, reference and git");
                let p = p.parse().expect("a probability");
                cells.push(Cell { world, p, rule });
            }
        }
    }
    cells
}
