//! Measures and fits the weights of the audit's signals on labelled bisections.
//!
//! usage: cargo run --release -p analysis-bisect-audit --example weights -- DIR
//!
//! `DIR` holds `ID.txt` logs and `labels.csv` with the columns `bug_id` and `outcome` (`correct`,
//! `incorrect`, anything else is left out); with a column `true_commit`, bugs of one cause stay in one half.
//! Prints each signal's frequency among right and wrong answers, the weights fitted on all of them, what
//! weights fitted on one half flag in the other half and, with a column `crash_commit_version`, what
//! weights fitted on the other kernels flag among those of one fifth of the versions.

use std::path::Path;
use std::{env, fs};

use analysis_bisect_audit::{PRIOR_BITS, SIGNALS, audit};

/// Strength of the pull towards 0, in the units of the squared natural weights.
const RIDGE: f64 = 1.0;
/// Share of right answers that may be flagged when a threshold is chosen.
const MAY_FLAG: f64 = 0.06;

struct Case {
    strengths: Vec<f64>,
    decisive: bool,
    right: bool,
    shipped: f64,
    /// Cases with the same number have the same cause.
    cause: u64,
    /// The kernel's version: major and minor.
    version: (u32, u32),
}

struct Model {
    prior: f64,
    weights: Vec<f64>,
}

impl Model {
    fn logit(&self, strengths: &[f64]) -> f64 {
        self.prior + strengths.iter().zip(&self.weights).map(|(s, w)| s * w).sum::<f64>()
    }

    fn score(&self, case: &Case) -> f64 {
        if case.decisive { f64::NEG_INFINITY } else { self.logit(&case.strengths) }
    }
}

#[expect(clippy::print_stdout, reason = "a tool whose output is its purpose")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = env::args().nth(1).ok_or("usage: weights DIR")?;
    let cases = read(Path::new(&dir))?;
    let (right, wrong): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| case.right);
    println!("{} right, {} wrong answers", right.len(), wrong.len());
    let all: Vec<&Case> = cases.iter().collect();
    let fitted = fit(&all);
    println!("\n|signal|unit|right|wrong|fitted bits|shipped bits|\n|-|-|-|-|-|-|");
    for (at, signal) in SIGNALS.iter().enumerate() {
        let mean = |group: &[&Case]| {
            let strengths = group.iter().filter(|c| !c.decisive).map(|c| c.strengths[at]);
            strengths.sum::<f64>() / group.iter().filter(|c| !c.decisive).count().max(1) as f64
        };
        println!(
            "|{}|{}|{:.2}|{:.2}|{:.2}|{:.2}|",
            signal.rule,
            signal.unit,
            mean(&right),
            mean(&wrong),
            fitted.weights[at] / std::f64::consts::LN_2,
            signal.weight
        );
    }
    println!("|prior||||{:.2}|{PRIOR_BITS:.2}|", fitted.prior / std::f64::consts::LN_2);
    let decisive = |group: &[&Case]| group.iter().filter(|case| case.decisive).count();
    println!("\ndecisive facts: {} right, {} wrong", decisive(&right), decisive(&wrong));
    halves(&cases);
    folds(&cases);
    println!("\nshipped weights, all cases:\n|threshold|wrong flagged|right flagged|\n|-|-|-|");
    for threshold in [0.04, 0.08, 0.12, 0.16, 0.20, 0.24, 0.28, 0.32, 0.36, 0.40, 0.5] {
        let share = |group: &[&Case]| {
            100.0 * group.iter().filter(|c| c.shipped < threshold).count() as f64
                / group.len().max(1) as f64
        };
        println!("|{threshold}|{:.1} %|{:.1} %|", share(&wrong), share(&right));
    }
    println!("\ncalibration of the shipped weights:\n|stated|cases|right|\n|-|-|-|");
    for bin in 0..5 {
        let (low, high) = (f64::from(bin) * 0.2, f64::from(bin + 1) * 0.2 + 1e-9);
        let inside: Vec<_> = all.iter().filter(|c| low <= c.shipped && c.shipped < high).collect();
        let share = inside.iter().filter(|c| c.right).count() as f64 / inside.len().max(1) as f64;
        println!("|{low:.1} to {high:.1}|{}|{share:.2}|", inside.len());
    }
    Ok(())
}

/// Fits on one half, measures on the other, both ways, for several splits.
#[expect(clippy::print_stdout, reason = "a tool whose output is its purpose")]
fn halves(cases: &[Case]) {
    println!("\nfitted on one half, measured on the other (threshold from the first half):");
    println!("|split|wrong flagged|right flagged|\n|-|-|-|");
    let (mut sum_wrong, mut sum_right, mut count) = (0.0, 0.0, 0.0);
    for seed in 1..=10_u64 {
        for side in [0, 1] {
            let (mut train, mut test) = (Vec::new(), Vec::new());
            for case in cases {
                let half = mix(case.cause ^ (seed << 32)) % 2;
                if half == side { train.push(case) } else { test.push(case) }
            }
            let model = fit(&train);
            let mut scores: Vec<f64> =
                train.iter().filter(|c| c.right).map(|c| model.score(c)).collect();
            scores.sort_by(f64::total_cmp);
            let threshold = scores[(scores.len() as f64 * MAY_FLAG) as usize];
            let share = |right: bool| {
                let group: Vec<_> = test.iter().filter(|c| c.right == right).collect();
                let hit = group.iter().filter(|c| model.score(c) < threshold).count();
                100.0 * hit as f64 / group.len().max(1) as f64
            };
            if seed <= 3 {
                println!(
                    "|{seed}{}|{:.1} %|{:.1} %|",
                    ["a", "b"][side as usize],
                    share(false),
                    share(true)
                );
            }
            sum_wrong += share(false);
            sum_right += share(true);
            count += 1.0;
        }
    }
    println!("|mean of 20|{:.1} %|{:.1} %|", sum_wrong / count, sum_right / count);
}

/// The threshold that is shipped.
const SHIPPED_THRESHOLD: f64 = 0.28;

/// Fits on the kernels of four fifths of the logs and measures, at the shipped threshold, on the fifth
/// that is apart in time; then the same with fifths drawn by cause.
#[expect(clippy::print_stdout, reason = "a tool whose output is its purpose")]
fn folds(cases: &[Case]) {
    const FOLDS: usize = 5;
    let logit = (SHIPPED_THRESHOLD / (1.0 - SHIPPED_THRESHOLD)).ln();
    let mut versions: Vec<(u32, u32)> = cases.iter().map(|case| case.version).collect();
    versions.sort_unstable();
    let bounds: Vec<(u32, u32)> = (0..=FOLDS)
        .map(|at| versions[(at * versions.len() / FOLDS).min(versions.len() - 1)])
        .collect();
    let by_version =
        |case: &Case| (1..FOLDS).rev().find(|at| case.version >= bounds[*at]).unwrap_or(0);
    let by_cause = |case: &Case| (mix(case.cause) % FOLDS as u64) as usize;
    type FoldOf<'a> = &'a dyn Fn(&Case) -> usize;
    let ways: [(&str, FoldOf<'_>); 2] = [("version", &by_version), ("cause", &by_cause)];
    println!("\nfitted on four folds, measured on the fifth at {SHIPPED_THRESHOLD}:");
    println!("|folds by|fold|right|flagged|wrong|flagged|\n|-|-|-|-|-|-|");
    for (name, fold_of) in ways {
        let mut sums = [[0, 0]; 2];
        for fold in 0..FOLDS {
            let (test, train): (Vec<&Case>, Vec<&Case>) =
                cases.iter().partition(|case| fold_of(case) == fold);
            let model = fit(&train);
            let counts = [true, false].map(|right| {
                let group: Vec<_> = test.iter().filter(|case| case.right == right).collect();
                let flagged = group.iter().filter(|case| model.score(case) < logit).count();
                [group.len(), flagged]
            });
            for (sum, count) in sums.iter_mut().zip(counts) {
                sum[0] += count[0];
                sum[1] += count[1];
            }
            let [[right, right_flagged], [wrong, wrong_flagged]] = counts;
            println!("|{name}|{}|{right}|{right_flagged}|{wrong}|{wrong_flagged}|", fold + 1);
        }
        let share = |[all, flagged]: [usize; 2]| 100.0 * flagged as f64 / all.max(1) as f64;
        println!(
            "|{name}|all|{}|{:.1} %|{}|{:.1} %|",
            sums[0][0],
            share(sums[0]),
            sums[1][0],
            share(sums[1])
        );
    }
}

/// `(5, 12)` of `v5.12-rc3`.
fn version(text: &str) -> (u32, u32) {
    let mut numbers = text
        .trim_start_matches('v')
        .split(|c: char| !c.is_ascii_digit())
        .map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// A fixed scramble, so that the splits are the same on every machine.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) >> 7
}

fn read(dir: &Path) -> Result<Vec<Case>, Box<dyn std::error::Error>> {
    let labels = fs::read_to_string(dir.join("labels.csv"))?;
    let mut rows = labels.lines();
    let header: Vec<_> = fields(rows.next().ok_or("empty labels.csv")?);
    let column =
        |name: &str| header.iter().position(|h| h == name).ok_or(format!("no column {name}"));
    let (id, outcome) = (column("bug_id")?, column("outcome")?);
    let cause = column("true_commit").unwrap_or(id);
    let kernel = column("crash_commit_version").unwrap_or(id);
    let mut cases = Vec::new();
    for row in rows.map(fields) {
        let right = match row[outcome].as_str() {
            "correct" => true,
            "incorrect" => false,
            _ => continue,
        };
        let log = parse_bisect_log::read(&fs::read(dir.join(format!("{}.txt", row[id])))?);
        let audit = audit(&log, None);
        if audit.named.is_none() {
            continue;
        }
        cases.push(Case {
            strengths: audit.signals.observed.iter().map(|o| o.strength).collect(),
            decisive: !audit.signals.decisive.is_empty(),
            right,
            shipped: audit.signals.probability(),
            version: version(&row[kernel]),
            cause: row[cause].bytes().fold(0, |sum, byte| mix(sum ^ u64::from(byte))),
        });
    }
    Ok(cases)
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

/// Logistic regression with a ridge, by Newton's method. Decisive cases say nothing about weights.
fn fit(cases: &[&Case]) -> Model {
    let size = SIGNALS.len() + 1;
    let mut beta = vec![0.0; size];
    for _ in 0..30 {
        let mut gradient = vec![0.0; size];
        let mut hessian = vec![vec![0.0; size]; size];
        for (at, row) in hessian.iter_mut().enumerate() {
            row[at] = if at == 0 { 1e-9 } else { RIDGE };
            gradient[at] = if at == 0 { 0.0 } else { -RIDGE * beta[at] };
        }
        for case in cases.iter().filter(|case| !case.decisive) {
            let x: Vec<f64> = std::iter::once(1.0).chain(case.strengths.iter().copied()).collect();
            let z: f64 = x.iter().zip(&beta).map(|(x, b)| x * b).sum();
            let p = 1.0 / (1.0 + (-z).exp());
            for i in 0..size {
                gradient[i] += (f64::from(u8::from(case.right)) - p) * x[i];
                for j in 0..size {
                    hessian[i][j] += p * (1.0 - p) * x[i] * x[j];
                }
            }
        }
        for (beta, step) in beta.iter_mut().zip(solve(hessian, gradient)) {
            *beta += step;
        }
    }
    Model { prior: beta[0], weights: beta[1..].to_vec() }
}

/// Solves a symmetric positive definite system by elimination.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        for j in i + 1..n {
            let factor = a[j][i] / a[i][i];
            let (upper, lower) = a.split_at_mut(j);
            for (below, above) in lower[0].iter_mut().zip(&upper[i]) {
                *below -= factor * above;
            }
            b[j] -= factor * b[i];
        }
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| a[i][j] * b[j]).sum();
        b[i] = (b[i] - known) / a[i][i];
    }
    b
}
