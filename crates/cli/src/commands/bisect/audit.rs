//! `ktriage bisect audit`: can the answer of a finished bisection be believed?

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analysis_bisect_audit::{Audit, Judgement};
use parse_bisect_log::Dialect;
use render::bisect::{audit as text, audit_json as json};

use crate::failure::{FOUND, Failure};
use crate::input::Input;
use crate::output::Escaped;

/// Bytes read of one log; the reader keeps 200,000 lines of them.
const LARGEST_LOG: u64 = 256 << 20;

/// Judge finished bisections from their logs: trustworthy, doubtful or wrong, which step misled, what to test
/// next. Reads syzbot's bisection logs and `git bisect log`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    ktriage bisect audit bisection.txt\n  \
    git bisect log | ktriage bisect audit -\n  \
    ktriage bisect audit --tree ~/linux bisection.txt\n  \
    ktriage bisect audit --json logs/*.txt | jq -r 'select(.verdict != \"trustworthy\") | .file'")]
pub(crate) struct Arguments {
    /// Bisection logs; `-` is standard input. Compressed ones (.gz, .xz, .zst) are opened as they are.
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,

    /// A clone of the tested tree: stretches of history, merges and changed files are then exact.
    #[arg(long, value_name = "DIR")]
    tree: Option<PathBuf>,

    /// Print one JSON object a log, on one line.
    #[arg(long)]
    json: bool,

    /// Print every test with its runs, too.
    #[arg(long)]
    tests: bool,

    /// Exit with 1 when an answer is doubtful or wrong, or there is none.
    #[arg(long)]
    exit_code: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut out = io::stdout().lock();
    let mut believed = true;
    let mut failed = None;
    for (at, input) in arguments.logs.iter().cloned().map(Input::from).enumerate() {
        let audit = match audit(&input, arguments.tree.as_deref()) {
            Ok(audit) => audit,
            // The other logs are still worth reading; the last failure decides the exit status.
            Err(failure) if arguments.logs.len() > 1 => {
                if let Some(earlier) = failed.replace(failure) {
                    earlier.report();
                }
                continue;
            }
            Err(failure) => return Err(failure),
        };
        believed &= audit.judgement == Judgement::Trustworthy;
        if arguments.json {
            serde_json::to_writer(&mut out, &json::log(&input.name(), &audit))
                .map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            if at > 0 {
                writeln!(out)?;
            }
            write!(out, "{}", Escaped(&text::text(&input.name(), &audit, arguments.tests)))?;
        }
    }
    if let Some(failure) = failed {
        return Err(failure);
    }
    Ok(if arguments.exit_code && !believed { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

fn audit(input: &Input, tree: Option<&Path>) -> Result<Audit, Failure> {
    let mut bytes = Vec::new();
    input.open()?.take(LARGEST_LOG).read_to_end(&mut bytes).map_err(|error| {
        Failure::usage(anyhow::Error::new(error).context(format!("cannot read {}", input.name())))
    })?;
    let log = parse_bisect_log::read(&bytes);
    if log.dialect == Dialect::Unknown {
        return Err(Failure::usage(anyhow::anyhow!(
            "{} is no bisection log: it has neither `testing commit HASH` nor `git bisect …` lines",
            input.name()
        ))
        .hint(
            "give a log of syzbot (the link \"bisection log\" on a bug's page) or the output of \
             `git bisect log`",
        ));
    }
    let tree = tree.map(|dir| app_bisect::tree_of(dir, &log)).transpose()?;
    Ok(analysis_bisect_audit::audit(&log, tree.as_ref()))
}
