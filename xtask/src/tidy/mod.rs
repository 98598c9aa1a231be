//! The rules of ARCHITECTURE.md that a program can check, one file a group of rules.

mod circles;
mod functions;
mod layers;
mod patterns;
mod problem;
mod report;
mod rules;
mod sentences;
mod source;
mod text;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use cargo_metadata::{Metadata, MetadataCommand};

use crate::task::say;
use problem::{Kind, Problem};

/// Rules that do not hold everywhere yet: what breaks them is counted, and listed with `--all`, and
/// fails nothing. A row goes away when its rule holds.
const NOT_YET: &[Kind] = &[Kind::Circle, Kind::LongFunction, Kind::Sentence, Kind::UntestedRule];

/// Checks every rule; prints what is wrong and fails when something is. `all` lists what breaks the
/// rules that do not hold yet, too.
pub(crate) fn run(root: &Path, all: bool) -> anyhow::Result<()> {
    let metadata = metadata(root)?;
    let mut problems = layers::check(&metadata)?;
    let files = source::read_all(root)?;
    problems.extend(files.iter().flat_map(text::check));
    problems.extend(circles::check(&files));
    problems.extend(files.iter().flat_map(functions::check));
    problems.extend(files.iter().flat_map(sentences::check));
    problems.extend(files.iter().flat_map(patterns::check));
    problems.extend(rules::check(&files));
    problems.sort();
    let (open, broken): (Vec<Problem>, Vec<Problem>) =
        problems.into_iter().partition(|problem| NOT_YET.contains(&problem.kind));
    let mut counts: BTreeMap<Kind, usize> = NOT_YET.iter().map(|kind| (*kind, 0)).collect();
    for problem in &open {
        *counts.entry(problem.kind).or_default() += 1;
        if all {
            problem.tell();
        }
    }
    report::tell(&files, all);
    for (kind, count) in counts {
        let hint = match count {
            0 => "the rule holds: take it off the list NOT_YET",
            _ if all => "listed above",
            _ => "`cargo xtask tidy --all` lists them",
        };
        say(&format!("tidy: not yet: {}: {count} ({hint})", kind.words()));
    }
    for problem in &broken {
        problem.tell();
    }
    if !broken.is_empty() {
        anyhow::bail!("{} problems", broken.len());
    }
    say("tidy: all other rules hold");
    Ok(())
}

/// The workspace as cargo sees it.
pub(crate) fn metadata(root: &Path) -> anyhow::Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cannot ask cargo for the workspace")
}
