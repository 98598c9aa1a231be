//! `ktriage claims`: how claims are written that `ktriage check --claims` judges.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::failure::Failure;

/// Tell how to write claims that `ktriage check --claims` judges.
///
/// For people and programs that write analyses of kernel bugs.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage claims
  ktriage claims --schema > claims.schema.json")]
pub(crate) struct Arguments {
    /// Print the JSON schema of one claim.
    #[arg(long)]
    schema: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut out = io::stdout().lock();
    if arguments.schema {
        let schema = schemars::schema_for!(model::Assertion);
        serde_json::to_writer_pretty(&mut out, &schema).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", render::judgement::claims_page())?;
    }
    Ok(ExitCode::SUCCESS)
}
