//! What `suspects` and `fixed` have in common.

use std::io::{self, Write as _};
use std::path::Path;

use analysis_tree::answer::Range;
use analysis_tree::evidence::{self, Evidence};
use anyhow::anyhow;
use app_index::{Bounds, Index, Question, Tree};
use clap::builder::RangedU64ValueParser;
use render::candidates::Asked;

use super::{Sources, failure};
use crate::day::day;
use crate::failure::Failure;
use crate::input::Input;

/// Bytes of a log that are read.
const MAX_LOG: u64 = 64 << 20;

/// The options of both questions.
#[derive(clap::Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) sources: Sources,

    /// Use nothing from this day (UTC) on.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    until: Option<i64>,

    /// Ask the index as it is.
    #[arg(long)]
    no_update: bool,

    /// Print so many candidates.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    limit: usize,

    /// Print one JSON object a LOG, on one line (see docs/json.md).
    #[arg(long)]
    json: bool,
}

/// What a log or a raw mail offers.
///
/// A raw log names functions only; the first `tree` that defines them tells the files.
pub(super) fn of_log(path: &Path, sources: &Sources) -> Result<Evidence, Failure> {
    let input = Input::from(path.to_owned());
    let name = input.name();
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(input.open()?, MAX_LOG), &mut bytes).map_err(
        |error| Failure::usage(anyhow::Error::new(error).context(format!("cannot read {name}"))),
    )?;
    let mut evidence = evidence::of_input(&bytes);
    for folder in &sources.tree {
        if evidence.files.is_empty() && folder.is_dir() {
            let tree = crate::commands::who::open(folder, sources.state.as_deref())?;
            tree.complete(&mut evidence, &bytes).map_err(crate::commands::who::failure)?;
        }
    }
    Ok(evidence)
}

/// Asks about each thing and prints the answers.
pub(super) fn run(
    options: &Options,
    question: Question,
    things: &[(String, Evidence)],
    good: &[String],
) -> Result<(), Failure> {
    let index: Index = options.sources.open(options.no_update)?;
    if index.is_empty().map_err(failure)? {
        return Err(Failure::usage(anyhow!("{}: the index is empty", index.path().display()))
            .hint("name what it is made of with --list MIRROR or --tree DIR"));
    }
    let asked = match question {
        Question::Fixed => Asked::Fixed,
        Question::Suspects => Asked::Suspects,
    };
    let mut trees = Vec::new();
    for directory in &options.sources.tree {
        trees.push(Tree::open(directory).map_err(failure)?);
    }
    let within = match trees.first().filter(|_| !good.is_empty()) {
        Some(tree) => Some(tree.since(good).map_err(failure)?),
        None => None,
    };
    if within.as_ref().is_some_and(std::collections::HashSet::is_empty) {
        return Err(Failure::usage(anyhow!("no commit of HEAD is newer than --good"))
            .hint("--good takes a commit without the crash that HEAD has behind it"));
    }
    let bounds = Bounds { until: options.until, within: within.as_ref() };
    let mut out = io::stdout().lock();
    for (name, evidence) in things {
        let mut answer = index.ask(evidence, question, bounds).map_err(failure)?;
        answer.range = within.as_ref().map(|all| Range { good: good.to_vec(), commits: all.len() });
        for tree in &mut trees {
            answer.candidates.truncate(options.limit);
            tree.place(&mut answer).map_err(failure)?;
        }
        if options.json {
            let log = render::candidates::json::log(name, &evidence.titles, &answer, options.limit);
            serde_json::to_writer(&mut out, &log).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            let text = render::candidates::text(asked, &evidence.titles, &answer, options.limit);
            writeln!(out, "{}", text.trim_end())?;
        }
    }
    Ok(())
}
