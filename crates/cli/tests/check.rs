//! `ktriage check --claims` and `ktriage claims` from the outside.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

#[path = "support/schema.rs"]
mod schema;

const LOG: &str = "\
[   10.000001] BUG: KASAN: slab-use-after-free in widget_poll+0x1b/0x90 [widget]
[   10.000002] Read of size 4 at addr ffff888003a1c018 by task poller/311
[   10.000003] CPU: 2 UID: 0 PID: 311 Comm: poller Not tainted 6.12.3-test #7
";

fn ktriage(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ktriage")).args(arguments).output().unwrap()
}

fn files(claims: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (log, file) = (folder.path().join("a.log"), folder.path().join("claims.json"));
    std::fs::write(&log, LOG).unwrap();
    std::fs::write(&file, claims).unwrap();
    (folder, log, file)
}

fn check(claims: &str, more: &[&str]) -> Output {
    let (_folder, log, file) = files(claims);
    let mut arguments =
        vec!["check", "--claims", file.to_str().unwrap(), "--log", log.to_str().unwrap()];
    arguments.extend(more);
    ktriage(&arguments)
}

const CLAIMS: &str = r#"[{"predicate":"access","access":"read","size":4},
 {"predicate":"on_cpu","cpu":3},
 {"predicate":"object","cache":"kmalloc-64"}]"#;

#[test]
fn each_claim_is_supported_contradicted_by_a_quoted_line_or_asks_for_what_is_missing() {
    let output = check(CLAIMS, &["--exit-code"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.starts_with("Claims    3: 1 supported, 1 contradicted, 1 not shown"), "{text}");
    assert!(text.contains("L3: CPU: 2 UID: 0 PID: 311 Comm: poller"), "{text}");
    assert!(text.contains("needed: the lines about the object"), "{text}");
}

#[test]
fn the_printed_object_fits_its_schema() {
    let output = check(CLAIMS, &["--json"]);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    let words: Vec<&str> = object["claims"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["judgement"].as_str().unwrap())
        .collect();
    assert_eq!(words, ["supported", "contradicted", "not_shown"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/check-claims.json");
    let documented: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(schema::problems(&documented, &object), Vec::<String>::new());
}

#[test]
fn errors_name_file_line_column_and_the_nearest_predicate() {
    let output =
        check("[{\"predicate\":\"on_cpu\",\"cpu\":1},\n {\"predicate\":\"crash_plase\"}]", &[]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text.contains(
            "claims.json:2:3: unknown predicate `crash_plase`; the nearest is `crash_place`"
        ),
        "{text}"
    );
    let output = check("{\"predicate\":\"on_cpu\"}", &[]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("claims.json:1:2: on_cpu: missing field `cpu`"), "{text}");
}

#[test]
fn claims_without_a_log_and_two_standard_inputs_are_wrong_use() {
    assert_eq!(ktriage(&["check", "--claims", "x.json"]).status.code(), Some(2));
    assert_eq!(ktriage(&["check", "--claims", "-", "--log", "-"]).status.code(), Some(2));
}

#[test]
fn the_page_and_the_schema_of_claims_name_every_predicate() {
    let page = String::from_utf8(ktriage(&["claims"]).stdout).unwrap();
    let schema = String::from_utf8(ktriage(&["claims", "--schema"]).stdout).unwrap();
    for name in model::Predicate::names() {
        assert!(page.contains(name.as_str()) && schema.contains(&format!("\"{name}\"")), "{name}");
    }
}
