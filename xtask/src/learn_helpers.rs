//! `cargo xtask learn-helpers [FOLDER...]`: which functions never name a bug, counted over reports whose titles are known.
//!
//! A title such as `KASAN: use-after-free Read in F` was given by somebody who passed over every function that stands
//! before `F` in the report. A function that was passed over in [`LEAST_BUGS`] different bugs of a family or more and
//! never named one there is a helper of that family; it is one of all when no family ever named it and
//! [`LEAST_FAMILIES`] passed over it. Names that the table of roles calls helpers although a title has them are told.
//!
//! Reads folders of published cases (files with a `TITLE:` line, a blank line and the log) and folders of report mails
//! (`titles.csv` with the columns file, date, list, title). Writes counts and function names, nothing of the reports.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use analysis_identity::{learn, read_log};
use anyhow::{Context as _, bail};

use crate::task::say;

/// Different bugs that must agree.
const LEAST_BUGS: usize = 3;
/// Families that must agree before a function is a helper of all.
const LEAST_FAMILIES: usize = 3;
/// Functions told as named instead, the most frequent first.
const INSTEAD: usize = 3;
/// Where the table stands.
const TABLE: &str = "crates/analysis/identity/src/tables/learnt.tsv";
/// Stands for all families.
const ALL: &str = "*";

/// What is known of a function in one family. Bugs are told apart by their titles.
#[derive(Default)]
struct Counts {
    passed: BTreeSet<String>,
    named: BTreeSet<String>,
    instead: BTreeMap<String, usize>,
}

type Learnt = BTreeMap<String, BTreeMap<&'static str, Counts>>;

pub(crate) fn run(root: &Path, folders: Vec<PathBuf>) -> anyhow::Result<()> {
    let folders = if folders.is_empty() {
        let corpus = root.join("../shared/corpus");
        vec![corpus.join("reports"), corpus.join("syzbot-mails")]
    } else {
        folders
    };
    let mut learnt = Learnt::new();
    let (mut cases, mut placed) = (0, 0);
    for folder in &folders {
        for (title, log) in read_folder(folder)? {
            cases += 1;
            placed += usize::from(learn_from(&mut learnt, &title, &log));
        }
    }
    let path = root.join(TABLE);
    std::fs::write(&path, render(&learnt))
        .with_context(|| format!("cannot write {}", path.display()))?;
    for (function, families) in &learnt {
        let named: BTreeSet<&String> = families.values().flat_map(|counts| &counts.named).collect();
        if !named.is_empty() && learn::is_helper_by_role(function) {
            let passed: BTreeSet<&String> = families.values().flat_map(|c| &c.passed).collect();
            let (named, passed) = (named.len(), passed.len());
            say(&format!(
                "{function} is a helper by its role, but names {named} bugs; passed over in {passed}"
            ));
        }
    }
    say(&format!(
        "{cases} reports with a title, {placed} name a function that stands in their stack; wrote {TABLE}"
    ));
    Ok(())
}

/// The reports of a folder with their titles.
fn read_folder(folder: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let index = folder.join("titles.csv");
    if index.exists() {
        let text = std::fs::read_to_string(&index)
            .with_context(|| format!("cannot read {}", index.display()))?;
        return text
            .lines()
            .skip(1)
            .filter_map(mail_row)
            .map(|(file, title)| {
                let path = folder.join(file);
                let log = std::fs::read(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                Ok((title, log))
            })
            .collect();
    }
    let entries = std::fs::read_dir(folder).with_context(|| {
        format!("cannot read {}; name a folder of reports with titles", folder.display())
    })?;
    let mut paths: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        cases.extend(case(&bytes));
    }
    if cases.is_empty() {
        bail!("{} holds no report with a title", folder.display());
    }
    Ok(cases)
}

/// A row of `titles.csv`; the title is the last column and may hold commas within quotes.
fn mail_row(row: &str) -> Option<(&str, String)> {
    let mut fields = row.splitn(4, ',');
    let file = fields.next()?;
    let title = fields.nth(2)?.trim();
    let title = match title.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => title.to_owned(),
    };
    Some((file, title))
}

/// A published case: headers, a blank line, the log.
fn case(bytes: &[u8]) -> Option<(String, Vec<u8>)> {
    let text = String::from_utf8_lossy(bytes).replace('\r', "");
    let (head, log) = text.split_once("\n\n")?;
    let title = head.lines().find_map(|line| line.strip_prefix("TITLE: "))?;
    Some((title.to_owned(), log.as_bytes().to_vec()))
}

/// The function that a title names.
fn named_function(title: &str) -> Option<&str> {
    // `Title (2)` is the second bug of that title.
    let title =
        title.strip_suffix(')').and_then(|t| t.rsplit_once(" (")).map_or(title, |(title, _)| title);
    let (_, function) = title.rsplit_once(" in ")?;
    let function = function.split('/').next()?;
    (!function.contains(' ')).then_some(function)
}

/// Counts one report; tells whether its function stands where the report is searched.
fn learn_from(learnt: &mut Learnt, title: &str, log: &[u8]) -> bool {
    let Some(function) = named_function(title) else { return false };
    let reports = read_log(log);
    let Some(found) = reports.reports.first().and_then(learn::candidates) else { return false };
    let Some(at) = found
        .functions
        .iter()
        .position(|name| learn::title_name(name) == function || name == function)
    else {
        return false;
    };
    let before: BTreeSet<&String> = found.functions[..at].iter().collect();
    for name in before {
        let counts = learnt.entry(name.clone()).or_default().entry(found.family).or_default();
        counts.passed.insert(title.to_owned());
        *counts.instead.entry(function.to_owned()).or_default() += 1;
    }
    let counts =
        learnt.entry(found.functions[at].clone()).or_default().entry(found.family).or_default();
    counts.named.insert(title.to_owned());
    true
}

/// The table: one row a function and family, sorted.
fn render(learnt: &Learnt) -> String {
    let mut text = String::from(
        "# Functions that never name a bug, by family of reports (`*`: of all).\n\
         # Written by `cargo xtask learn-helpers` from reports with known titles; do not edit.\n\
         # family\tfunction\tdifferent bugs\tnamed instead\n",
    );
    for (function, families) in learnt {
        let total = |of: fn(&Counts) -> &BTreeSet<String>| {
            families.values().flat_map(of).collect::<BTreeSet<_>>().len()
        };
        let (passed, named) = (total(|c| &c.passed), total(|c| &c.named));
        if named == 0 && passed >= LEAST_BUGS && families.len() >= LEAST_FAMILIES {
            let mut instead = BTreeMap::new();
            for (name, count) in families.values().flat_map(|counts| &counts.instead) {
                *instead.entry(name.clone()).or_default() += count;
            }
            row(&mut text, ALL, function, passed, &instead);
        }
        for (family, counts) in families {
            if counts.named.is_empty() && counts.passed.len() >= LEAST_BUGS {
                row(&mut text, family, function, counts.passed.len(), &counts.instead);
            }
        }
    }
    text
}

fn row(
    text: &mut String,
    family: &str,
    function: &str,
    bugs: usize,
    instead: &BTreeMap<String, usize>,
) {
    let mut order: Vec<(&String, &usize)> = instead.iter().collect();
    order.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let named: Vec<String> =
        order.iter().take(INSTEAD).map(|(name, count)| format!("{name} {count}")).collect();
    let _ = writeln!(text, "{family}\t{function}\t{bugs}\t{}", named.join(", "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_of_a_title_is_its_last_word() {
        assert_eq!(named_function("KASAN: use-after-free Read in do_it (3)"), Some("do_it"));
        assert_eq!(named_function("WARNING in a/usb_submit_urb"), Some("a"));
        assert_eq!(named_function("BUG: workqueue lockup"), None);
    }

    #[test]
    fn only_what_is_supported_and_never_contradicted_is_kept() {
        let mut learnt = Learnt::new();
        let mut tell = |function: &str, family, passed: &[&str], named: &[&str]| {
            let counts = learnt.entry(function.to_owned()).or_default().entry(family).or_default();
            counts.passed = passed.iter().map(|t| (*t).to_owned()).collect();
            counts.named = named.iter().map(|t| (*t).to_owned()).collect();
        };
        for family in ["WARNING in {F}", "int3 in {F}", "divide error in {F}"] {
            tell("always_passed", family, &[family], &[]);
            tell("named_once", family, &[family], &["d"]);
        }
        tell("passed_here", "WARNING in {F}", &["a", "b", "c"], &[]);
        tell("passed_here", "int3 in {F}", &[], &["d"]);
        tell("contradicted", "WARNING in {F}", &["a", "b", "c"], &["d"]);
        let rows: Vec<String> = render(&learnt)
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split('\t').take(2).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(rows, ["* always_passed", "WARNING in {F} passed_here"]);
    }
}
