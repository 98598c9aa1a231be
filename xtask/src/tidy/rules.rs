//! Each rule of the registry is named by some test.

use std::collections::BTreeSet;

use model::RULES;

use super::problem::{Kind, Problem};
use super::source::{File, Scope};

/// Where the registry stands.
const REGISTRY: &str = "crates/model/src/rule.rs";

pub(super) fn check(files: &[File]) -> Vec<Problem> {
    let mut named = BTreeSet::new();
    for file in files.iter().filter(|file| file.place != REGISTRY) {
        named.extend(words(&test_text(file)).map(str::to_owned));
    }
    RULES
        .iter()
        .filter(|rule| !named.contains(rule.name))
        .map(|rule| {
            Problem::new(Kind::UntestedRule, REGISTRY, format!("no test names {}", rule.name))
        })
        .collect()
}

/// What of a file is test code: all of a test, else what follows its first `#[cfg(test)]`.
fn test_text(file: &File) -> String {
    match file.scope {
        Scope::Test => file.text.clone(),
        Scope::Code => {
            file.text.find("#[cfg(test)]").map_or(String::new(), |at| file.text[at..].to_owned())
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::problem::file;
    use super::*;

    #[test]
    fn a_rule_counts_as_tested_only_by_test_code() {
        let name = RULES[0].name;
        let untested = |files: &[File]| {
            check(files).iter().any(|problem| problem.what.ends_with(&format!(" {name}")))
        };
        let code = format!("//! A.\nconst ID: RuleId = RuleId::{name};\n");
        assert!(untested(&[file("crates/analysis/x/src/lib.rs", &code)]));
        let test = format!("#[test]\nfn t() {{ assert!(cites(\"{name}\")); }}\n");
        assert!(!untested(&[file("crates/analysis/x/tests/rules.rs", &test)]));
    }
}
