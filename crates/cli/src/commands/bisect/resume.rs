//! `ktriage bisect resume`: goes on where the record ends, until the answer is proven or the budget
//! is spent.

use std::io::{self, Write as _};
use std::process::ExitCode;

use app_bisect::{Case, Ended};

use super::Which;
use crate::failure::Failure;
use crate::output::Escaped;
use crate::stop;

/// Go on with a bisection where its record ends.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,

    /// The wanted failure, where the bad end has shown several: a part of its title; may be given
    /// several times. What was run counts on.
    #[arg(long, value_name = "TEXT")]
    title: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut case = arguments.which.load()?;
    if !arguments.title.is_empty() {
        case.want(&arguments.title)?;
    }
    go(&mut case)
}

/// Works until there is an answer, and prints it.
pub(super) fn go(case: &mut Case) -> Result<ExitCode, Failure> {
    let stop = stop::flag()?;
    if app_bisect::go(case, &stop, &super::tell)? == Ended::Stopped {
        return Ok(ExitCode::from(stop::INTERRUPTED));
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", Escaped(&render::bisect::text(&case.search, &case.answer())))?;
    writeln!(
        out,
        "\nmore: `ktriage bisect show {0}` (--mail, --log, --html FILE, --json), `ktriage bisect status {0}`",
        case.search.stored.id
    )?;
    Ok(ExitCode::SUCCESS)
}
