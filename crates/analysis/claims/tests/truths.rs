//! What is known to be true of a log is never contradicted: the recorded faults with their written truth, and the
//! incidents of kernel lists with the cause that their threads settled on (skipped, visibly, where those are absent).

use std::path::{Path, PathBuf};

use analysis_claims::{Verdict, check};

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.."))
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|e| e.path()).collect())
        .unwrap_or_default();
    out.retain(|path| path.extension().is_some_and(|e| e == extension));
    out.sort();
    out
}

/// The texts between quotation marks that stand behind a key, or in the list behind it.
fn texts(source: &str, key: &str) -> Vec<String> {
    let Some(at) = source.find(key) else { return Vec::new() };
    let rest = source[at + key.len()..].trim_start_matches([' ', '=', ':']);
    let list = rest.starts_with('[');
    let mut out = Vec::new();
    let (mut inside, mut escaped, mut text) = (false, false, String::new());
    for c in rest.chars() {
        match c {
            _ if escaped => {
                escaped = false;
                text.push(if c == 'n' { ' ' } else { c });
            }
            '\\' if inside => escaped = true,
            '"' if inside => {
                inside = false;
                out.push(std::mem::take(&mut text));
                if !list {
                    break;
                }
            }
            '"' => inside = true,
            _ if inside => text.push(c),
            ']' | '\n' if !list || c == ']' => break,
            _ => {}
        }
    }
    out
}

/// Judges sentences, one a paragraph, and tells those that are contradicted.
fn contradicted(sentences: &[String], log: &[u8]) -> (usize, Vec<String>) {
    let analysis: String =
        sentences.iter().map(|s| format!("{}.\n\n", s.trim_end_matches('.'))).collect();
    let report = check(analysis.as_bytes(), Some(log));
    let wrong = report
        .claims
        .iter()
        .filter(|c| c.verdict == Verdict::Contradicted)
        .map(|c| format!("{} {}: {} {:?}", c.rule, c.statement, c.reason, c.lines))
        .collect();
    (report.claims.len(), wrong)
}

#[test]
fn the_written_truth_of_recorded_faults_is_not_contradicted() {
    let mut judged = 0;
    let mut wrong = Vec::new();
    for kernel in ["debian-6.1", "debian-6.12", "debian-6.12-rt", "lab-6.12-debug"] {
        for path in files(&root().join("testing/faults/recorded").join(kernel), "toml") {
            let truth = std::fs::read_to_string(&path).expect("the truth");
            let log = std::fs::read(path.with_extension("log")).expect("the log");
            let mut sentences = texts(&truth, "summary");
            sentences.extend(texts(&truth, "statement"));
            sentences.extend(texts(&truth, "\nchain"));
            let (count, bad) = contradicted(&sentences, &log);
            judged += count;
            wrong.extend(bad.into_iter().map(|b| format!("{}: {b}", path.display())));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(judged > 150, "only {judged} claims were found");
}

#[test]
fn the_settled_causes_of_incidents_are_not_contradicted() {
    let folder = root().join("../shared/corpus/incidents");
    let all = files(&folder, "json");
    if all.is_empty() {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "skipped: {} is absent", folder.display());
        return;
    }
    let mut wrong = Vec::new();
    for path in all {
        let truth = std::fs::read_to_string(&path).expect("the truth");
        let log = std::fs::read(path.with_extension("log")).expect("the log");
        let mut sentences = Vec::new();
        for key in ["\"statement\"", "\"root_cause\"", "\"consequences\"", "\"blocking_chain\""] {
            sentences.extend(texts(&truth, key));
        }
        let (_, bad) = contradicted(&sentences, &log);
        wrong.extend(bad.into_iter().map(|b| format!("{}: {b}", path.display())));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
