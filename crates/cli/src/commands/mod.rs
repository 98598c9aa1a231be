//! The command line: one module a command. A module has `Arguments` (what was typed) and `run`.

pub(crate) mod bisect;
mod check;
mod claims;
pub(crate) mod diagnose;
mod explain;
mod fuzz;
mod generate;
mod index;
pub(crate) mod lab;
mod report;
pub(crate) mod symbolize;
mod thread;
mod tracker;
mod trial;
mod typed;
mod who;

use std::process::ExitCode;

use crate::failure::Failure;
use crate::output::Color;

pub(crate) use typed::typed;

/// Takes a Linux kernel bug from its first console line to its fix.
///
/// `ktriage LOG` and `dmesg | ktriage` mean `ktriage diagnose`.
#[derive(clap::Parser, Debug)]
#[command(
    name = "ktriage",
    version,
    after_help = "\
Examples:
  ktriage console.log                 what happened first, who waits for whom, and the proof
  dmesg | ktriage                     the same of the running kernel
  ktriage report --brief *.log.xz     the crashes in logs, a line each

Exit status: 0 done; 1 with --exit-code, when the thing asked about was found; 2 wrong use or
unreadable input; 3 the lab failed."
)]
pub(crate) struct Arguments {
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,

    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Diagnose(diagnose::Arguments),
    Report(report::Arguments),
    Symbolize(symbolize::Arguments),
    Check(check::Arguments),
    Claims(claims::Arguments),
    Explain(explain::Arguments),
    Bisect(bisect::Arguments),
    Lab(lab::Arguments),
    Fuzz(fuzz::Arguments),
    Thread(thread::Arguments),
    Who(who::Arguments),
    Try(trial::Arguments),
    Suspects(index::suspects::Arguments),
    Fixed(index::fixed::Arguments),
    Index(index::update::Arguments),
    Add(tracker::add::Arguments),
    Import(tracker::import::Arguments),
    Bugs(tracker::bugs::Arguments),
    Bug(tracker::bug::Arguments),
    Serve(tracker::serve::Arguments),
    Mail(tracker::mail::Arguments),
    Watch(tracker::watch::Arguments),
    Mcp(tracker::mcp::Arguments),
    Generate(generate::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let color = arguments.color;
    match arguments.command {
        Command::Diagnose(arguments) => diagnose::run(&arguments),
        Command::Report(arguments) => report::run(&arguments, color),
        Command::Symbolize(arguments) => symbolize::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Claims(arguments) => claims::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Bisect(arguments) => bisect::run(&arguments),
        Command::Thread(arguments) => thread::run(&arguments),
        Command::Who(arguments) => who::run(&arguments),
        Command::Try(arguments) => trial::run(&arguments),
        Command::Suspects(arguments) => index::suspects::run(&arguments),
        Command::Fixed(arguments) => index::fixed::run(&arguments),
        Command::Index(arguments) => index::update::run(&arguments),
        Command::Lab(arguments) => lab::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Add(arguments) => tracker::add::run(&arguments),
        Command::Import(arguments) => tracker::import::run(&arguments),
        Command::Bugs(arguments) => tracker::bugs::run(&arguments),
        Command::Bug(arguments) => tracker::bug::run(&arguments),
        Command::Serve(arguments) => tracker::serve::run(&arguments),
        Command::Mail(arguments) => tracker::mail::run(&arguments),
        Command::Watch(arguments) => tracker::watch::run(&arguments),
        Command::Mcp(arguments) => tracker::mcp::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
    }
}

/// The user's folder for what ktriage keeps: `$XDG_STATE_HOME/ktriage` or `~/.local/state/ktriage`;
/// `None` where neither variable is set.
fn user_state_folder() -> Option<std::path::PathBuf> {
    let from = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    from("XDG_STATE_HOME")
        .map(std::path::PathBuf::from)
        .or_else(|| from("HOME").map(|home| std::path::Path::new(&home).join(".local/state")))
        .map(|state| state.join("ktriage"))
}
