//! `ktriage fixed`: which change mends a crash, and where it is.

use std::path::PathBuf;
use std::process::ExitCode;

use analysis_tree::evidence::{self, Evidence};
use analysis_tree::term::DIGITS;
use anyhow::anyhow;
use app_index::Question;

use super::Sources;
use super::ask::{self, Options};
use crate::failure::Failure;

/// Find the change that mends a crash, the releases that hold it, and reports of the same crash.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage fixed console.log --list ~/lore/io-uring
  ktriage fixed 'KASAN: use-after-free Read in io_poll_check_events'
  ktriage fixed 9ca499bb57a2b9e4c652 --no-update       a bug's id
  ktriage fixed 6b7898eb180d --tree ~/linux            a commit: what mends it, and where it is

See docs/index.md.")]
pub(crate) struct Arguments {
    /// Console logs or raw mails (`-` is standard input), titles of crashes, commits or ids of bugs.
    #[arg(value_name = "LOG|TITLE|COMMIT|BUG-ID", required = true)]
    things: Vec<String>,

    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut things = Vec::new();
    for thing in &arguments.things {
        things.push((thing.clone(), of_thing(thing, &arguments.options.sources)?));
    }
    ask::run(&arguments.options, Question::Fixed, &things, &[])?;
    Ok(ExitCode::SUCCESS)
}

fn of_thing(thing: &str, sources: &Sources) -> Result<Evidence, Failure> {
    let path = PathBuf::from(thing);
    if thing == "-" || path.exists() {
        return ask::of_log(&path, sources);
    }
    let mut bugs: Vec<String> = parse_mail::bug_ids(thing).into_iter().map(|bug| bug.id).collect();
    let is_hex = (7..=40).contains(&thing.len()) && thing.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hex {
        // Twenty digits may be either.
        let mut name = thing.to_ascii_lowercase();
        if let Some(whole) = sources.tree.iter().find_map(|tree| app_index::whole_name(tree, &name))
        {
            name = whole;
        } else if name.len() < DIGITS {
            return Err(Failure::usage(anyhow!("{thing}: too short for a commit of the index"))
                .hint(format!("give {DIGITS} digits or more, or the --tree that holds it")));
        }
        bugs.push(name.clone());
        return Ok(Evidence { bugs, commits: vec![name], ..Evidence::default() });
    }
    if !bugs.is_empty() {
        return Ok(Evidence { bugs, ..Evidence::default() });
    }
    if thing.contains(' ') {
        return Ok(evidence::of_title(thing));
    }
    Err(Failure::usage(anyhow!("{thing}: no such file, and no title, commit or bug id"))
        .hint("a title has several words, a commit 10 to 40 hexadecimal digits (7 with the --tree that holds it)"))
}
