//! Learns the weights of `ktriage suspects` and `ktriage fixed` from labelled pairs and measures them, each list by
//! weights that were learnt without it.
//!
//! `learn_suspects STATE PAIRS MIRROR [--write DIR] [--cases FILE] [--without FEATURE]…`: STATE is an index of the lists, PAIRS a JSON array of
//! `{"list", "report", "date", "fixes", "culprits"}` (Message-ID, seconds, titles), MIRROR holds LIST/git/N.git. FILE gets what was
//! said of the suspects of each crash, by weights of the other lists: what the benchmark of bisections takes as prior.

#![expect(clippy::print_stdout, reason = "a program that measures")]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Instant;

use analysis_tree::evidence::{Evidence, of_input};
use analysis_tree::features::{Asked, COUNT, NAMES, Row};
use analysis_tree::ranking::{Example, Weights, learn, probabilities};
use analysis_tree::term::plain_title;
use app_index::{Bounds, Index, Question};
use io_git::public_inbox;

const ROUNDS: usize = 400;
const SHRINK: f64 = 0.003;

struct Case {
    list: String,
    mode: Mode,
    example: Example,
    /// Which candidates name the same bug, where that decides.
    ids: Vec<f64>,
    newest_of_file: Option<usize>,
    /// Candidates by the rarity of the functions of the crash that they name or change.
    by_functions: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    WithId,
    Content,
    Undated,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let index = Index::open(Path::new(&arguments[1])).expect("an index");
    let pairs: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&arguments[2]).expect("pairs")).expect("JSON");
    let pairs = pairs.as_array().expect("an array");
    let mails = reports(Path::new(&arguments[3]), pairs);
    let mut tables = Vec::new();
    let without: Vec<usize> = arguments
        .windows(2)
        .filter(|pair| pair[0] == "--without")
        .map(|pair| NAMES.iter().position(|name| *name == pair[1]).expect("a feature"))
        .collect();
    // What names a suspect is a fix, found by weights that were learnt without its list.
    let mut fixed: HashMap<String, Weights> = HashMap::new();
    for question in [Question::Fixed, Question::Suspects] {
        let started = Instant::now();
        let mut cases = cases(&index, pairs, &mails, question, &fixed);
        for row in cases.iter_mut().flat_map(|case| &mut case.example.rows) {
            for at in &without {
                row[*at] = 0.0;
            }
        }
        println!("{question:?}: {} cases searched in {:.1?}", cases.len(), started.elapsed());
        let learnt = by_list(&cases);
        measure(&cases, question, &learnt);
        if question == Question::Fixed {
            fixed = learnt;
        } else if let Some(at) = arguments.iter().position(|a| a == "--cases") {
            std::fs::write(&arguments[at + 1], said_of(&cases, &learnt)).expect("written");
        }
        let examples: Vec<Example> = cases.iter().map(|c| c.example.clone()).collect();
        tables.push((question, learn(&examples, ROUNDS, SHRINK), support(&examples)));
    }
    if let Some(at) = arguments.iter().position(|a| a == "--write") {
        for (question, weights, support) in &tables {
            let name = format!("{question:?}.tsv").to_lowercase();
            let text = table(weights, support, pairs.len());
            std::fs::write(Path::new(&arguments[at + 1]).join(name), text).expect("written");
        }
    }
}

/// The raw report mails by Message-ID.
fn reports(mirror: &Path, pairs: &[serde_json::Value]) -> HashMap<String, Vec<u8>> {
    let wanted: Vec<String> = pairs
        .iter()
        .filter_map(|p| Some(p["report"].as_str()?.trim_matches(['<', '>']).to_owned()))
        .collect();
    let mut found = HashMap::new();
    for epoch in public_inbox::epochs(mirror).expect("a mirror") {
        let Some(layout) = public_inbox::layout(&epoch).expect("a layout") else { continue };
        let places = public_inbox::news(&epoch, layout, None).expect("mails").places;
        let mut mails = public_inbox::Mails::open(&epoch).expect("mails");
        let mut take = |_: &str, change: public_inbox::Change| {
            if let public_inbox::Change::Added(raw) = change {
                let head = String::from_utf8_lossy(&raw[..raw.len().min(20_000)]).into_owned();
                if let Some(id) = head
                    .lines()
                    .find_map(|line| {
                        line.to_ascii_lowercase()
                            .starts_with("message-id:")
                            .then(|| line[11..].trim().trim_matches(['<', '>']).to_owned())
                    })
                    .filter(|id| wanted.contains(id))
                {
                    found.insert(id, raw);
                }
            }
            true
        };
        mails.read(&places, &mut take).expect("mails");
    }
    found
}

fn cases(
    index: &Index,
    pairs: &[serde_json::Value],
    mails: &HashMap<String, Vec<u8>>,
    question: Question,
    fixed: &HashMap<String, Weights>,
) -> Vec<Case> {
    let mut all = Vec::new();
    let mut slowest = 0.0_f64;
    for pair in pairs {
        let titles = |name: &str| -> Vec<String> {
            let list = pair[name].as_array().into_iter().flatten();
            list.filter_map(|t| Some(plain_title(t.as_str()?))).collect()
        };
        let wanted = titles(match question {
            Question::Fixed => "fixes",
            Question::Suspects => "culprits",
        });
        let id = pair["report"].as_str().unwrap_or_default().trim_matches(['<', '>']);
        let Some(raw) = mails.get(id).filter(|_| !wanted.is_empty()) else { continue };
        for mode in [Mode::WithId, Mode::Content, Mode::Undated] {
            if question == Question::Suspects && mode == Mode::Undated {
                continue;
            }
            let mut evidence = of_input(raw);
            let mut until = None;
            if question == Question::Suspects && mode == Mode::Content {
                until = evidence.date;
            }
            if mode != Mode::WithId {
                evidence.bugs.clear();
                evidence.mails.clear();
                evidence.reporter = None;
            }
            if mode == Mode::Undated {
                evidence.date = None;
            }
            let started = Instant::now();
            all.push(case(index, &evidence, question, (mode, until), &wanted, pair, fixed));
            slowest = slowest.max(started.elapsed().as_secs_f64());
        }
    }
    println!("slowest search {:.0} ms", slowest * 1000.0);
    all
}

/// The order of a plain search by the functions of the crash (rarity summed, each once).
fn by_functions(found: &app_index::Found, evidence: &Evidence) -> Vec<usize> {
    let worth = |at: &usize| -> f64 {
        let versions = &found.candidates[*at].versions;
        let has = |name: &String| {
            versions.iter().any(|v| {
                [&v.functions, &v.identifiers, &v.mentioned].into_iter().any(|l| l.contains(name))
            })
        };
        let names = evidence.functions.iter().filter(|name| has(name));
        names.filter_map(|name| found.rarity.get(name)).sum()
    };
    let worths: Vec<f64> = (0..found.candidates.len()).map(|at| worth(&at)).collect();
    let mut order: Vec<usize> = (0..worths.len()).collect();
    order.sort_by(|a, b| worths[*b].total_cmp(&worths[*a]));
    order
}

/// For each list the weights learnt from the others.
fn by_list(cases: &[Case]) -> HashMap<String, Weights> {
    let mut all = HashMap::new();
    for case in cases {
        all.entry(case.list.clone()).or_insert_with(|| {
            let others: Vec<Example> =
                cases.iter().filter(|c| c.list != case.list).map(|c| c.example.clone()).collect();
            learn(&others, ROUNDS, SHRINK)
        });
    }
    all
}

fn case(
    index: &Index,
    evidence: &Evidence,
    question: Question,
    (mode, until): (Mode, Option<i64>),
    wanted: &[String],
    pair: &serde_json::Value,
    fixed: &HashMap<String, Weights>,
) -> Case {
    let mut found = index.find(evidence, question, Bounds::until(until)).expect("a search");
    if question == Question::Suspects {
        let weights = &fixed[pair["list"].as_str().unwrap_or_default()];
        index.name_by_fixes(&mut found, evidence, weights, Bounds::until(until)).expect("a search");
    }
    let asked = Asked::new(evidence, &found.rarity);
    let rows: Vec<Row> = found.candidates.iter().map(|c| asked.row(c)).collect();
    let right: Vec<usize> = found
        .candidates
        .iter()
        .enumerate()
        .filter(|(_, c)| c.versions.iter().any(|v| wanted.contains(&plain_title(&v.title))))
        .map(|(at, _)| at)
        .collect();
    let ids =
        rows.iter().map(|row| if question == Question::Fixed { row[0] } else { 0.0 }).collect();
    let by_functions = by_functions(&found, evidence);
    // Baseline: the newest patch that touches the guilty file; for a fix the first one after the report.
    let of_file = |c: &&(usize, i64)| rows[c.0][16] > 0.0;
    let dated: Vec<(usize, i64)> = found
        .candidates
        .iter()
        .enumerate()
        .map(|(at, c)| (at, c.versions.iter().map(|v| v.date).min().unwrap_or(0)))
        .collect();
    let known = evidence.date.unwrap_or(i64::MAX);
    let newest_of_file = match question {
        Question::Fixed => {
            dated.iter().filter(of_file).filter(|c| c.1 >= known).min_by_key(|c| c.1)
        }
        Question::Suspects => dated.iter().filter(of_file).max_by_key(|c| c.1),
    };
    Case {
        list: pair["list"].as_str().unwrap_or_default().to_owned(),
        mode,
        newest_of_file: newest_of_file.map(|c| c.0),
        by_functions,
        example: Example { rows, right },
        ids,
    }
}

/// Ranks of the right answers, by weights that were learnt from the other lists.
fn measure(cases: &[Case], question: Question, learnt: &HashMap<String, Weights>) {
    let mut lists: Vec<&str> = cases.iter().map(|c| c.list.as_str()).collect();
    lists.sort_unstable();
    lists.dedup();
    let mut bins: BTreeMap<usize, (f64, f64, f64)> = BTreeMap::new();
    for mode in [Mode::WithId, Mode::Content, Mode::Undated] {
        let mut sum = [0.0; 8];
        for list in &lists {
            let weights = &learnt[*list];
            let mut of = [0.0; 8];
            for case in cases.iter().filter(|c| c.list == *list && c.mode == mode) {
                let p = probabilities(&case.example.rows, weights);
                let rank = rank(case, &p);
                of[0] += 1.0;
                of[1] += f64::from(u8::from(!case.example.right.is_empty()));
                of[2] += f64::from(u8::from(rank < 1));
                of[3] += f64::from(u8::from(rank < 5));
                of[4] += f64::from(u8::from(rank < 10));
                let right = |at: usize| case.example.right.contains(&at);
                of[5] += f64::from(u8::from(case.newest_of_file.is_some_and(right)));
                of[6] +=
                    f64::from(u8::from(case.by_functions.first().is_some_and(|at| right(*at))));
                of[7] +=
                    f64::from(u8::from(case.by_functions.iter().take(10).any(|at| right(*at))));
                if mode != Mode::WithId {
                    for (at, p) in p.iter().enumerate().filter(|(_, p)| **p >= 0.02) {
                        let bin = bins.entry((p * 10.0) as usize).or_default();
                        bin.0 += 1.0;
                        bin.1 += p;
                        bin.2 += f64::from(u8::from(right(at)));
                    }
                }
            }
            show(&format!("{question:?} {mode:?} {list}"), &of);
            for (s, o) in sum.iter_mut().zip(of) {
                *s += o;
            }
        }
        show(&format!("{question:?} {mode:?} all"), &sum);
    }
    println!("calibration (probability said, share right, number):");
    for (said, (number, sum, right)) in bins {
        println!("  {said}0 %: said {:.2} right {:.2} of {number}", sum / number, right / number);
    }
}

/// What was said of the first ten suspects of each crash, until its report's date: the place of the right one, from 0
/// (`-` where it is not among them), and the probabilities.
fn said_of(cases: &[Case], learnt: &HashMap<String, Weights>) -> String {
    let mut text = String::from(
        "# Made by `cargo run -p app-index --example learn_suspects … --cases FILE`, a crash a line: place of the culprit, probabilities.\n",
    );
    for case in cases.iter().filter(|case| case.mode == Mode::Content) {
        let p = probabilities(&case.example.rows, &learnt[&case.list]);
        let mut order: Vec<usize> = (0..p.len()).collect();
        order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
        order.truncate(10);
        let place = order.iter().position(|at| case.example.right.contains(at));
        text.push_str(&place.map_or("-".to_owned(), |at| at.to_string()));
        for at in order {
            // As `suspects` says it: no more than what was borne out, unless a fix names it.
            let named = case.example.rows[at][34];
            text.push_str(&format!("\t{:.4}", p[at].min(named.max(app_index::MOST_SAID))));
        }
        text.push('\n');
    }
    text
}

fn rank(case: &Case, p: &[f64]) -> usize {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| case.ids[*b].total_cmp(&case.ids[*a]).then(p[*b].total_cmp(&p[*a])));
    order.iter().position(|at| case.example.right.contains(at)).unwrap_or(usize::MAX)
}

fn show(name: &str, of: &[f64; 8]) {
    if of[0] > 0.0 {
        let share = |at: usize| 100.0 * of[at] / of[0];
        println!(
            "{name:<32} n {:>3}  found {:>3.0} %  first {:>3.0} %  of five {:>3.0} %  of ten {:>3.0} %  | file {:>3.0} %  functions first {:>3.0} %  of ten {:>3.0} %",
            of[0],
            share(1),
            share(2),
            share(3),
            share(4),
            share(5),
            share(6),
            share(7)
        );
    }
}

fn support(examples: &[Example]) -> [usize; COUNT] {
    let mut support = [0; COUNT];
    for example in examples {
        for at in &example.right {
            for (n, x) in support.iter_mut().zip(&example.rows[*at]) {
                *n += usize::from(*x > 0.0);
            }
        }
    }
    support
}

fn table(weights: &Weights, support: &[usize; COUNT], pairs: usize) -> String {
    let mut text = format!(
        "# Made by `cargo run -p app-index --example learn_suspects` from {pairs} pairs. Feature, weight, right answers that have it.\n"
    );
    for at in 0..COUNT {
        text.push_str(&format!("{}\t{:.4}\t{}\n", NAMES[at], weights.of[at], support[at]));
    }
    text.push_str(&format!("none\t{:.4}\t0\n", weights.none));
    text
}
