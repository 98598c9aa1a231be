//! Analyses of recorded faults, in the voices of those who write them, with the truth of each line.
//!
//! `analyses/NAME.txt` begins with `behaviour:` (what the file protects) and `log:` (a log of
//! `testing/faults/recorded`), then a blank line, then the analysis. A line of the analysis may begin with what is
//! known of it: `[T]` true, `[F]` false, `[U]` nobody can tell from this log, `[-]` no claim at all (`!` behind a letter
//! tells that the log decides it). The mark is taken off before the analysis is judged.

use std::path::{Path, PathBuf};

use analysis_claims::verify::Judgement;
use analysis_claims::{PlainClaim, check};

/// What is known of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    /// Never contradicted.
    True,
    /// Never supported.
    False,
    /// Neither supported nor contradicted.
    Open,
    /// No claim.
    Silent,
}

const MARKS: &[(&str, Truth)] = &[
    ("[T!] ", Truth::True),
    ("[T] ", Truth::True),
    ("[F!] ", Truth::False),
    ("[F] ", Truth::False),
    ("[U] ", Truth::Open),
    ("[-] ", Truth::Silent),
];

struct Analysis {
    behaviour: String,
    log: String,
    text: String,
    /// Line of the analysis, truth, text.
    marks: Vec<(u64, Truth, String)>,
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/analyses"))
}

fn parse(text: &str) -> Analysis {
    let (head, body) = text.split_once("\n\n").expect("a head, a blank line, the analysis");
    let field = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {head:?}")).trim().to_owned()
    };
    let mut marks = Vec::new();
    let mut plain = String::new();
    for (line, number) in body.lines().zip(1u64..) {
        let mark = MARKS.iter().find_map(|(mark, truth)| Some((line.strip_prefix(mark)?, *truth)));
        match mark {
            Some((rest, truth)) => {
                marks.push((number, truth, rest.to_owned()));
                plain.push_str(rest);
            }
            None => plain.push_str(line),
        }
        plain.push('\n');
    }
    Analysis { behaviour: field("behaviour:"), log: field("log:"), text: plain, marks }
}

fn wrong(truth: Truth, claims: &[&PlainClaim]) -> Option<&'static str> {
    let supported = claims.iter().any(|c| matches!(c.judgement, Judgement::Shown { .. }));
    let contradicted = claims.iter().any(|c| matches!(c.judgement, Judgement::Contradicted { .. }));
    match truth {
        Truth::True if contradicted => Some("a true claim is contradicted"),
        Truth::False if supported => Some("a false claim is supported"),
        Truth::Open if supported => Some("an open claim is supported"),
        Truth::Open if contradicted => Some("an open claim is contradicted"),
        Truth::Silent if !claims.is_empty() => Some("what is no claim is judged"),
        _ => None,
    }
}

fn analyses() -> Vec<(String, Analysis)> {
    let mut out: Vec<(String, Analysis)> = std::fs::read_dir(folder())
        .expect("the folder of analyses")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("an analysis");
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, parse(&text))
        })
        .collect();
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

fn log_of(analysis: &Analysis) -> Vec<u8> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../testing/faults/recorded"));
    let path = root.join(&analysis.log);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn no_true_claim_is_contradicted_and_no_false_one_supported() {
    let mut wrongly = Vec::new();
    let mut judged = 0;
    for (name, analysis) in analyses() {
        let report = check(analysis.text.as_bytes(), Some(&log_of(&analysis)));
        for (line, truth, text) in &analysis.marks {
            let claims: Vec<&PlainClaim> =
                report.claims.iter().filter(|claim| claim.lines.contains(*line)).collect();
            judged += claims.len();
            if let Some(problem) = wrong(*truth, &claims) {
                let said = claims.iter().map(|claim| &claim.judgement).collect::<Vec<_>>();
                wrongly.push(format!(
                    "{name} ({}) L{line} {problem}: {text}: {said:?}",
                    analysis.behaviour
                ));
            }
        }
    }
    assert!(wrongly.is_empty(), "{}", wrongly.join("\n"));
    // The rows are read at all.
    assert!(judged >= 20, "{judged}");
}
