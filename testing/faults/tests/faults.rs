//! The faults' definitions, and the logs that were recorded of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use testing_faults::{
    Fault, Feature, Judgement, Outcome, Recorded, Row, catalogue, judge, judge_recordings,
    known_kernels, markdown, progress, source,
};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn every_folder_of_a_module_is_in_the_catalogue() {
    let listed: BTreeSet<String> =
        catalogue().unwrap().into_iter().map(|fault| fault.name).collect();
    assert_eq!(listed, names_in(&folder("modules")));
}

#[test]
fn every_pattern_of_every_definition_is_one_and_every_fault_can_be_shown_somewhere() {
    let kernels = known_kernels().unwrap();
    for fault in catalogue().unwrap() {
        let mut places = 0;
        for kernel in &kernels {
            let Some(here) = fault.on(&kernel.features) else { continue };
            places += 1;
            // An empty log shows nothing: a definition that it satisfies expects nothing.
            let judgement = judge(&here.truth, "").unwrap();
            assert!(matches!(judgement, Judgement::NotShown { .. }), "{}", fault.name);
            assert!(!here.truth.verdict.is_empty(), "{}: no verdict", fault.name);
            assert!(
                !here.truth.expect.is_empty(),
                "{} expects nothing on {}",
                fault.name,
                kernel.name
            );
        }
        assert!(places > 0, "{} can be shown on no kernel", fault.name);
    }
}

const DEFINITION: &str = r#"
summary = "a test"
lacks = ["rt"]

[guest]
parameters = ["a=1"]
steps = ["sleep 1"]

[truth]
verdict = ["fault"]
titles = []
statement = "it broke"
first_cause = 'broke at \d+'
culprit = { who = "task:{pid}", line = 'by task (?<pid>\d+)' }
expect = ['broke', 'by task', 'end']

[[on]]
has = "kasan"
parameters = []
expect = ['KASAN']
"#;

#[test]
fn a_variant_changes_what_it_names_and_nothing_else() {
    let fault = Fault::parse("test", DEFINITION).unwrap();
    assert_eq!(fault.on(&[Feature::Rt]), None);
    let plain = fault.on(&[]).unwrap();
    let checked = fault.on(&[Feature::Kasan]).unwrap();
    assert_eq!(checked.truth.expect, ["KASAN"]);
    assert_eq!(checked.guest.parameters, [""; 0]);
    assert_eq!(checked.guest.steps, plain.guest.steps);
    assert_eq!(checked.truth.culprit, plain.truth.culprit);
}

#[test]
fn a_misspelt_key_is_an_error_that_names_it() {
    let text = DEFINITION.replace("statement", "statment");
    let error = Fault::parse("test", &text).unwrap_err().to_string();
    assert!(error.contains("test") && error.contains("statment"), "{error}");
}

#[test]
fn expectations_count_in_order_and_after_the_first_step_only() {
    let truth = Fault::parse("test", DEFINITION).unwrap().on(&[]).unwrap().truth;
    let shown =
        "by task 1\nbroke at 0\nprovoke: first step\nbroke at 1\nby task 7\nbroke at 2\nend";
    match judge(&truth, shown).unwrap() {
        Judgement::Shown(proof) => {
            assert_eq!(proof.first_cause, [4, 6]);
            assert_eq!((proof.culprit_line, proof.culprit.as_str()), (5, "task:7"));
        }
        Judgement::NotShown { missing } => panic!("{missing:?}"),
    }
    let other_order = "provoke: first step\nby task 7\nbroke at 1\nend";
    let expected = Judgement::NotShown { missing: vec!["by task".into()] };
    assert_eq!(judge(&truth, other_order).unwrap(), expected);
}

#[test]
fn progress_is_read_from_the_words_of_the_guests_program() {
    assert_eq!(progress(b"[ 1.0] provoke: first step\r\n"), (true, false));
    assert_eq!(progress(b"provoke: first step\nprovoke: end of steps"), (true, true));
    assert_eq!(progress(b""), (false, false));
}

#[test]
fn an_unknown_name_is_answered_with_a_near_one() {
    let error = source("mutex_sleep").unwrap_err().to_string();
    assert!(error.contains("did you mean `mutex_"), "{error}");
}

#[test]
fn the_document_shows_each_outcome_and_survives_a_hostile_version() {
    let fault = Fault::parse("test", DEFINITION).unwrap();
    let kernels = [("one".to_owned(), "6.1 | \u{1b}[31m\n".to_owned()), ("two".into(), "x".into())];
    let rows = [Row { fault: &fault, outcomes: vec![Outcome::Shown, Outcome::NotThere] }];
    let text = markdown(&kernels, &rows);
    assert!(text.contains("| one | 6.1 \\| [31m |\n"), "{text}");
    assert!(text.contains("| test | a test | shown | – |\n"), "{text}");
    assert!(text.contains("1 faults; 1 of 1 runs show what they should."), "{text}");
}

/// Each recorded log still shows what its definition says: a changed definition without a new
/// recording is found here.
#[test]
fn recorded_logs_show_what_the_definitions_say() {
    let kernels = known_kernels().unwrap();
    let mut checked = 0;
    for kernel in &kernels {
        let recorded = folder("recorded").join(&kernel.name);
        for fault in catalogue().unwrap() {
            let log = recorded.join(format!("{}.log", fault.name));
            let (Ok(log), Some(here)) = (std::fs::read(&log), fault.on(&kernel.features)) else {
                continue;
            };
            let truth = recorded.join(format!("{}.toml", fault.name));
            let text = std::fs::read_to_string(&truth).unwrap();
            let truth = Recorded::parse(&fault.name, &text).unwrap();
            let place = format!("{} on {}", fault.name, kernel.name);
            match judge(&here.truth, &String::from_utf8_lossy(&log)).unwrap() {
                Judgement::NotShown { missing } => panic!("{place}: {missing:?}"),
                Judgement::Shown(proof) => {
                    let now =
                        Recorded::new(&fault.name, fault.summary(), &kernel.name, &here, &proof);
                    assert_eq!(now, truth, "{place}");
                    assert_eq!(Recorded::parse("", &now.to_toml().unwrap()).unwrap(), truth);
                }
            }
            checked += 1;
        }
    }
    assert!(checked > 0, "no recorded logs");
}

#[test]
fn the_document_is_the_one_that_the_recorded_logs_yield() {
    let faults = catalogue().unwrap();
    let kernels = known_kernels().unwrap();
    let (named, rows) = judge_recordings(&folder("recorded"), &faults, &kernels).unwrap();
    let document = std::fs::read_to_string(folder("../../docs/faults.md")).unwrap();
    assert!(
        document == markdown(&named, &rows),
        "docs/faults.md is stale; it must be:\n{}",
        markdown(&named, &rows)
    );
}

#[test]
fn a_recorded_kernel_is_named_with_its_distributions_version_not_the_compilers() {
    let faults = [Fault::parse("test", DEFINITION).unwrap()];
    let kernels: Vec<_> =
        known_kernels().unwrap().into_iter().filter(|kernel| kernel.name == "debian-6.1").collect();
    let recorded = tempfile::tempdir().unwrap();
    let log = "[    0.000000] Linux version 6.1.0-1-cloud-amd64 (debian-kernel@lists.debian.org) (gcc-12 \
               (Debian 12.2.0-14) 12.2.0, GNU ld 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.5-2 (2023-01-01)\r\n\
               provoke: first step\r\nbroke at 1\r\nby task 7\r\nend";
    std::fs::create_dir(recorded.path().join("debian-6.1")).unwrap();
    std::fs::write(recorded.path().join("debian-6.1/test.log"), log).unwrap();
    let (named, rows) = judge_recordings(recorded.path(), &faults, &kernels).unwrap();
    assert_eq!(named[0].1, "6.1.0-1-cloud-amd64 (Debian 6.1.5-2)");
    assert_eq!(rows[0].outcomes, [Outcome::Shown]);
}
