//! `ktriage explain` from the outside, and with it the rules: its examples are what `ktriage diagnose` says of logs.

use std::path::Path;
use std::process::{Command, Output};

use model::RULES;
use serde_json::Value;

#[path = "support/schema.rs"]
mod schema;

/// Rules by which something is said of an invented log. R45, W38, W48 and X03 are said, too, but not yet confirmed by the
/// verifier, and so have no example.
const WITH_EXAMPLE: &str = "
    R02 R03 R04 R05 R06 R07 R08 R09 R10 R11 R12 R13 R14 R16 R18 R19 R20 R21 R22 R26 R27
    R30 R31 R32 R34 R40 R41 R43 R44 R50 R51 R52 R53 R54 R55 R60 R61 R70 R71 R80 R81
    R82 R83 R84 R85 R86 R87 R88 W01 W02 W03 W04 W05 W06 W07 W08 W10 W11 W12 W13 W14 W15
    W16 W17 W18 W19 W20 W21 W22 W23 W24 W25 W26 W27 W28 W29 W30 W31 W32 W33 W34 W35 W37
    W39 W40 W41 W42 W43 W45 W46 W47 W49 W51 W52 W53 X01 X02 X04 X05 X06 X07
    X08 X09 X10
";

fn ktriage(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ktriage")).args(arguments).output().unwrap()
}

fn text(arguments: &[&str]) -> String {
    String::from_utf8(ktriage(arguments).stdout).unwrap()
}

#[test]
fn each_of_these_rules_says_something_of_a_log_that_shows_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/explain.json");
    let documented: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for rule in WITH_EXAMPLE.split_whitespace() {
        let object: Value = serde_json::from_str(&text(&["explain", "--json", rule])).unwrap();
        assert_eq!(schema::problems(&documented, &object), Vec::<String>::new(), "{rule}");
        assert_eq!(object["example"]["statement"]["rule"], rule, "{object}");
        let (first, shown) =
            (&object["example"]["statement"]["lines"][0][0], &object["example"]["text"][0]);
        assert_eq!(first, &shown["line"], "{object}");
        assert!(!shown["text"].as_str().unwrap().is_empty(), "{object}");
    }
}

#[test]
fn a_rule_is_told_with_its_source_and_a_statement_with_the_lines_that_prove_it() {
    let said = text(&["explain", "r12"]);
    assert!(said.starts_with("R12      the stall ended before its stacks were dumped\n"), "{said}");
    assert!(said.contains("\nSource   kernel/rcu/tree_stall.h\n"), "{said}");
    assert!(said.contains("\nExample  The stall ended before the stacks were dumped"), "{said}");
    assert!(said.ends_with("rcu: INFO: Stall ended before state dump start\n"), "{said}");
    // Of a bisection there is no log of a console.
    let audit = RULES.iter().find(|rule| rule.name.starts_with('A')).unwrap();
    assert!(text(&["explain", audit.name]).ends_with("\nExample  none\n"));
}

#[test]
fn without_a_rule_all_are_listed_one_a_line() {
    let said = text(&["explain"]);
    let names: Vec<&str> = said.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(names, RULES.iter().map(|rule| rule.name).collect::<Vec<_>>());
    let objects = text(&["explain", "--json"]);
    assert_eq!(objects.lines().count(), RULES.len());
    for line in objects.lines() {
        assert!(serde_json::from_str::<Value>(line).unwrap()["example"].is_null(), "{line}");
    }
}

#[test]
fn an_unknown_rule_is_wrong_use_and_the_nearest_are_named() {
    let output = ktriage(&["explain", "R29"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("`R29` is no rule") && said.contains("R30, R27, "), "{said}");
    let output = ktriage(&["explain", "\u{1b}[31m"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && !said.contains('\u{1b}'), "{said:?}");
}
