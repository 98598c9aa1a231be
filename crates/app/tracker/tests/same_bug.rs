//! How often crashes of one bug are kept apart, and crashes of two bugs are taken for one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use app_tracker::{Origin, Policy, Tracker, file_log};
use io_database::record::SqliteRecord;

/// A log and the bug that it is known to be of.
struct Known {
    log: Vec<u8>,
    bug: String,
}

/// Of so many crashes, those in a bug that is mostly another's, and those apart from the earlier ones of their bug.
#[derive(Debug, Default, PartialEq)]
struct Score {
    crashes: usize,
    returning: usize,
    bugs: usize,
    /// Damaged reports, which are set aside and named as such.
    aside: usize,
    /// Taken for one because both are the same function's, by titles that stand for one bug.
    alike: usize,
    wrong: Vec<String>,
    missed: Vec<String>,
}

fn score(logs: &[Known]) -> Score {
    let folder = tempfile::tempdir().unwrap();
    let record = SqliteRecord::open(folder.path()).unwrap();
    let tracker = Tracker::new(Box::new(record), Policy::default()).unwrap();
    // The bug of the record that holds the first report of each log.
    let mut filed: Vec<(&str, i64, String)> = Vec::new();
    for known in logs {
        let crashes = file_log(&known.log, &Origin::default());
        let Some(first) = crashes.first() else { continue };
        let identity = first.identity.clone();
        let is_aside = first.corrupted.is_some();
        let title =
            analysis_tracker::filed_as(identity, is_aside, first.suppressed.is_some()).title;
        let bug = tracker.ingest(&crashes, "test", 1).unwrap()[0].bug;
        filed.push((&known.bug, bug, title));
    }
    let mut score = Score { crashes: filed.len(), ..Score::default() };
    let mut holders: BTreeMap<i64, BTreeMap<&str, usize>> = BTreeMap::new();
    for (name, bug, _) in &filed {
        *holders.entry(*bug).or_default().entry(name).or_default() += 1;
    }
    score.bugs = holders.len();
    let mut seen: BTreeMap<&str, i64> = BTreeMap::new();
    for (name, bug, title) in &filed {
        let main = holders[bug]
            .iter()
            .max_by_key(|(name, count)| (**count, std::cmp::Reverse(**name)))
            .unwrap()
            .0;
        if main == name {
        } else if title == "corrupted report" {
            score.aside += 1;
        } else if function(name).is_some() && function(main) == function(name) {
            score.alike += 1;
        } else {
            score.wrong.push(format!("{title}: {name} is with {main}"));
        }
        match seen.get(name) {
            None => drop(seen.insert(name, *bug)),
            Some(_) if title == "corrupted report" => {}
            Some(first) => {
                score.returning += 1;
                if first != bug {
                    score.missed.push(format!("{title}: {name}"));
                }
            }
        }
    }
    score
}

/// The function that a title names; a system call has one name however the compiler called its body.
fn function(title: &str) -> Option<&str> {
    let (_, function) = title.rsplit_once(" in ")?;
    Some(function.trim_start_matches('_').strip_prefix("sys_").unwrap_or(function))
}

/// How often the right duplicate stands among the three that are suggested: of bugs that the record keeps apart though
/// they are known to be one.
fn suggested(logs: &[Known]) -> (usize, usize, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let record = SqliteRecord::open(folder.path()).unwrap();
    let tracker = Tracker::new(Box::new(record), Policy::default()).unwrap();
    let mut bugs: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for known in logs {
        let crashes = file_log(&known.log, &Origin::default());
        let Some(first) = crashes.first().filter(|crash| crash.corrupted.is_none()) else {
            continue;
        };
        let bug = tracker.ingest(std::slice::from_ref(first), "test", 1).unwrap()[0].bug;
        let of = bugs.entry(&known.bug).or_default();
        if !of.contains(&bug) {
            of.push(bug);
        }
    }
    let (mut asked, mut right, mut wrong) = (0, 0, Vec::new());
    for (name, of) in bugs.iter().filter(|(_, of)| of.len() > 1) {
        for id in of {
            let bug = tracker.read().bug(*id).unwrap().unwrap();
            let similar = tracker.similar(&bug, 3).unwrap();
            asked += 1;
            if similar.iter().any(|(other, _)| of.contains(&other.id)) {
                right += 1;
            } else {
                let titles: Vec<&str> = similar.iter().map(|(bug, _)| bug.title.as_str()).collect();
                wrong.push(format!("{name}: {}: {titles:?}", bug.title));
            }
        }
    }
    (right, asked, wrong)
}

#[expect(clippy::print_stdout, reason = "the table is what the test is for")]
fn tell(what: &str, score: &Score) {
    let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
    println!(
        "| {what} | {} | {} | {} | {} | {} ({:.2} %) | {} of {} ({:.1} %) |",
        score.crashes,
        score.bugs,
        score.aside,
        score.alike,
        score.wrong.len(),
        share(score.wrong.len(), score.crashes),
        score.missed.len(),
        score.returning,
        share(score.missed.len(), score.returning)
    );
    for one in score.wrong.iter().chain(&score.missed) {
        println!("    {one}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// The recorded faults of some kernels.
fn faults(kernels: &[&str]) -> Vec<Known> {
    let recorded = root().join("testing/faults/recorded");
    let mut logs = Vec::new();
    for kernel in kernels {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(recorded.join(kernel))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "log")) {
            let bug = path.file_stem().unwrap().to_string_lossy().into_owned();
            logs.push(Known { log: std::fs::read(path).unwrap(), bug });
        }
    }
    logs
}

/// Every recorded fault is a bug of its own, whatever kernel it was recorded on.
#[test]
fn recorded_faults_are_told_apart_and_known_again_on_another_kernel() {
    let two = score(&faults(&["debian-6.1", "debian-6.12"]));
    tell("recorded faults, Debian's 6.1 and 6.12", &two);
    assert!(two.crashes >= 50 && two.returning >= 20, "{two:?}");
    assert!(two.wrong.is_empty(), "{:?}", two.wrong);
    // Two begin with another report on the newer kernel.
    assert!(two.missed.len() <= 2, "{:?}", two.missed);
    let all = ["debian-6.1", "debian-6.12", "debian-6.1-rt", "debian-6.12-rt", "lab-6.12-debug"];
    let five = score(&faults(&all));
    tell("recorded faults, five kernels", &five);
    assert!(five.wrong.len() <= 3, "{:?}", five.wrong);
}

/// Faults that begin with another report on another kernel are kept apart, and each is offered to the other.
#[test]
#[expect(clippy::print_stdout, reason = "the table is what the test is for")]
fn the_right_duplicate_is_among_the_three_that_are_suggested() {
    let all = ["debian-6.1", "debian-6.12", "debian-6.1-rt", "debian-6.12-rt", "lab-6.12-debug"];
    let (right, asked, wrong) = suggested(&faults(&all));
    println!("suggested among three: {right} of {asked}");
    for one in &wrong {
        println!("    {one}");
    }
    assert!(asked >= 10, "{asked}");
    assert!(right * 10 >= asked * 7, "{right} of {asked}: {wrong:?}");
}

/// Mails of syzbot: the subject names the bug.
#[test]
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
fn mailed_reports_are_filed_under_the_bug_of_their_subject() {
    let corpus = root().join("../shared/corpus/syzbot-mails");
    let Ok(table) = std::fs::read_to_string(corpus.join("titles.csv")) else {
        println!("skipped: {} is not there", corpus.display());
        return;
    };
    let logs: Vec<Known> = table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.splitn(4, ',');
            let file = fields.next()?;
            let title = fields.nth(2)?.trim_matches('"').replace("\"\"", "\"");
            // Managers put the tree before what stops a kernel from booting; it is the same bug everywhere.
            let title = match title.split_once(" error: ") {
                Some((tree, title)) if tree.ends_with(" boot") || tree.ends_with(" test") => {
                    title.to_owned()
                }
                _ => title,
            };
            // The bug that came back is known by its title, with another number.
            let bug = match title.rsplit_once(" (") {
                Some((title, number)) if number.trim_end_matches(')').parse::<u32>().is_ok() => {
                    title.to_owned()
                }
                _ => title,
            };
            let text = std::fs::read_to_string(corpus.join(file)).ok()?;
            // The words of the mail are no part of the log.
            let log = text.split_once("Reported-by:").map_or(text.as_str(), |(_, report)| report);
            Some(Known { log: log.as_bytes().to_vec(), bug })
        })
        .collect();
    let score = score(&logs);
    tell("mailed reports of 2021 to 2023", &score);
    assert!(score.crashes >= 900, "{score:?}");
    // Subjects are older than some rules of naming: these pairs have one title today.
    assert!(score.wrong.len() <= 6, "{:?}", score.wrong);
    assert!(score.missed.len() <= 6, "{:?}", score.missed);
}
