//! What `suspects` and `fixed` have in common.

use std::io::{self, Write as _};
use std::path::Path;

use analysis_tree::evidence::{self, Evidence};
use anyhow::anyhow;
use app_index::{Index, Question, Tree};
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
pub(super) fn of_log(path: &Path) -> Result<Evidence, Failure> {
    let input = Input::from(path.to_owned());
    let name = input.name();
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(input.open()?, MAX_LOG), &mut bytes).map_err(
        |error| Failure::usage(anyhow::Error::new(error).context(format!("cannot read {name}"))),
    )?;
    Ok(evidence::of_input(&bytes))
}

/// Asks about each thing and prints the answers.
pub(super) fn run(
    options: &Options,
    question: Question,
    things: &[(String, Evidence)],
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
    let mut out = io::stdout().lock();
    for (name, evidence) in things {
        let mut answer = index.ask(evidence, question, options.until).map_err(failure)?;
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
