//! `ktriage generate`: what is made from the command line's own definition and from the printed
//! types, so that it cannot disagree with them.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::failure::Failure;

/// Print shell completions or a JSON schema, or write the manual pages.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage generate completions bash > ~/.local/share/bash-completion/completions/ktriage
  ktriage generate man ~/.local/share/man/man1
  ktriage generate schema report")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    /// Completions of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// The manual pages, one a command.
    Man {
        /// The directory they are written to.
        directory: PathBuf,
    },
    /// A token for somebody who may log in, or a key for a client, with the hash that the settings hold.
    Token {
        /// Hash the token on standard input instead of making one.
        #[arg(long)]
        stdin: bool,
    },
    /// The JSON schema of what a command prints with `--json`.
    Schema {
        /// The command.
        command: Printed,
    },
}

/// The commands whose JSON has a schema.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Printed {
    /// `ktriage report --json`
    Report,
    /// `ktriage bisect show --json`
    Bisect,
    /// `ktriage symbolize --json`
    Symbolize,
    /// `ktriage diagnose --json`
    Diagnose,
    /// `ktriage check --json`
    Check,
    /// `ktriage check --claims --json`
    CheckClaims,
    /// What `ktriage check --claims` reads
    Claims,
    /// `ktriage explain --json`
    Explain,
    /// `ktriage thread --json`
    Thread,
    /// `ktriage thread --list … --me … --json`
    ThreadMe,
    /// `ktriage bisect audit --json`
    BisectAudit,
    /// `ktriage bisect plan --json`
    BisectPlan,
    /// `ktriage suspects --json` and `ktriage fixed --json`
    Suspects,
    /// `ktriage who --json`
    Who,
    /// `ktriage fuzz check --json`
    FuzzCheck,
    /// `ktriage try --json`
    Try,
    /// `ktriage fuzz exec --json`
    FuzzExec,
    /// `ktriage add --json`
    Add,
    /// `ktriage import --json`
    Import,
    /// `ktriage bug N manifest --json` and `ktriage bug N retest --json`
    Reproduced,
    /// `ktriage bugs --json`
    Bugs,
    /// `ktriage bug --json`
    Bug,
}

/// The first line of standard input.
fn read_token() -> Result<String, Failure> {
    let mut token = String::new();
    io::stdin().read_line(&mut token)?;
    Ok(token.trim().to_owned())
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut out = io::stdout().lock();
    match &arguments.what {
        What::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut super::Arguments::command(), "ktriage", &mut text);
            out.write_all(&text)?;
        }
        What::Man { directory } => {
            std::fs::create_dir_all(directory)
                .and_then(|()| clap_mangen::generate_to(super::Arguments::command(), directory))
                .with_context(|| format!("cannot write manual pages to {}", directory.display()))
                .map_err(Failure::usage)?;
        }
        What::Token { stdin } => {
            let token = if *stdin {
                read_token()?
            } else {
                app_tracker::chance().map_err(Failure::usage)?
            };
            writeln!(out, "token  {token}\nblake3 {}", server::hash_of_token(&token))?;
        }
        What::Schema { command } => {
            let schema = match command {
                Printed::Report => schemars::schema_for!(crate::json::report::Log<'_>),
                Printed::Bisect => schemars::schema_for!(render::bisect::json::Bisection),
                Printed::BisectPlan => schemars::schema_for!(render::bisect::json::Plan),
                Printed::Symbolize => schemars::schema_for!(render::symbolize::json::Log<'_>),
                Printed::Diagnose => schemars::schema_for!(crate::json::diagnose::Log),
                Printed::Check => schemars::schema_for!(crate::json::check::Analysis<'_>),
                Printed::CheckClaims => schemars::schema_for!(crate::json::check::Claims<'_>),
                Printed::Claims => schemars::schema_for!(model::Assertion),
                Printed::Explain => schemars::schema_for!(crate::json::explain::Rule),
                Printed::Thread => schemars::schema_for!(render::thread::Document),
                Printed::ThreadMe => schemars::schema_for!(render::thread::MorningJson),
                Printed::Suspects => schemars::schema_for!(render::candidates::json::Log<'_>),
                Printed::Try => schemars::schema_for!(render::trial::json::Trial),
                Printed::Who => schemars::schema_for!(render::who::json::Answered<'_>),
                Printed::FuzzCheck => schemars::schema_for!(render::descriptions::Document),
                Printed::FuzzExec => schemars::schema_for!(crate::json::exec::ProgramJson),
                Printed::Add => schemars::schema_for!(super::tracker::add::Added<'_>),
                Printed::Import => schemars::schema_for!(super::tracker::import::Taken<'_>),
                Printed::Reproduced => schemars::schema_for!(super::tracker::Reproduced),
                Printed::Bugs => schemars::schema_for!(render::tracker::json::List),
                Printed::Bug => schemars::schema_for!(render::tracker::json::Whole),
                Printed::BisectAudit => schemars::schema_for!(render::bisect::audit_json::Log<'_>),
            };
            serde_json::to_writer_pretty(&mut out, &schema).map_err(io::Error::from)?;
            writeln!(out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
