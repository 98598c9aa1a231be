//! What is said of recorded logs is confirmed by the verifier.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use app_diagnose::{Wanted, diagnose};

/// Log, predicate, statements withheld at most. The reasons:
/// - `WaitCaller` under PREEMPT_RT: finder and verifier skip different functions of rt_mutex.
/// - `CrashPlace` of SLUB's reports: the verifier takes `object_err` for a place.
/// - `CrashPlace` of sleep_in_atomic: a report that follows from the leaked count is found in a stack whose top the
///   verifier takes for the place.
/// - `LockWanted` of an irq inversion: the report says `takes:`, which the verifier does not read as wanted.
const KNOWN: &[(&str, &str, usize)] = &[
    ("debian-6.1-rt/out_of_bounds.log", "CrashPlace", 1),
    ("debian-6.1/out_of_bounds.log", "CrashPlace", 1),
    ("debian-6.12-rt/mutex_abba.log", "WaitCaller", 3),
    ("debian-6.12-rt/mutex_sleeper.log", "WaitCaller", 3),
    ("debian-6.12-rt/oops_holding_mutex.log", "WaitCaller", 2),
    ("debian-6.12-rt/out_of_bounds.log", "CrashPlace", 2),
    ("debian-6.12-rt/rcu_depth_leak.log", "WaitCaller", 2),
    ("debian-6.12-rt/rcu_reader_sleeps.log", "WaitCaller", 1),
    ("debian-6.12-rt/reset_after_hang.log", "WaitCaller", 3),
    ("debian-6.12-rt/rwsem_writer_behind_reader.log", "WaitCaller", 2),
    ("debian-6.12/out_of_bounds.log", "CrashPlace", 2),
    ("lab-6.12-debug/lockdep_irq_inversion.log", "LockWanted", 1),
    ("lab-6.12-debug/sleep_in_atomic.log", "CrashPlace", 3),
];

fn logs(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            logs(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "log") {
            into.push(path);
        }
    }
}

/// The name of a predicate's variant.
fn kind(predicate: &model::Predicate) -> String {
    let text = format!("{predicate:?}");
    text.split([' ', '{']).next().unwrap_or_default().to_owned()
}

#[test]
fn recorded_logs_lead_to_no_unconfirmed_statement_but_the_known_ones() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.."));
    let mut paths = Vec::new();
    logs(&root.join("samples"), &mut paths);
    logs(&root.join("testing/faults/recorded"), &mut paths);
    assert!(paths.len() > 100, "{} logs", paths.len());
    let mut found: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let mut confirmed = 0;
    for path in paths {
        let read = diagnose(&std::fs::read(&path).unwrap(), Wanted::default()).unwrap();
        confirmed += read.diagnosis.statements.len() + read.registers.len();
        let name = path.strip_prefix(root).unwrap().to_string_lossy();
        let name = name.strip_prefix("testing/faults/recorded/").unwrap_or(&name).to_owned();
        for withheld in read.unconfirmed {
            found
                .entry((name.clone(), kind(withheld.statement.predicate())))
                .or_default()
                .push(format!("{:?}", withheld.statement));
        }
    }
    for ((log, predicate), statements) in &found {
        let known = KNOWN.iter().find(|(name, said, _)| name == log && said == predicate);
        let most = known.map_or(0, |(.., most)| *most);
        assert!(statements.len() <= most, "{log}: {predicate}, {most} known: {statements:#?}");
    }
    // The logs are read at all.
    assert!(confirmed > 2_000, "{confirmed}");
}
