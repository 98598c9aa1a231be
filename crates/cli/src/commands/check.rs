//! `ktriage check`: judges a written analysis against what it quotes, and against the log.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use analysis_claims::verify::{Judgement, Log};
use analysis_tree::told::{Says, Told};
use app_source::Tree;
use model::Assertion;
use render::Escaped;

use crate::failure::{FOUND, Failure};
use crate::input::Input;
use crate::json::check as json;

/// The longest analysis that is read, in bytes. What is longer is a log.
const LONGEST_ANALYSIS: usize = 16 << 20;
/// The longest file of claims that is read, in bytes.
const LONGEST_CLAIMS: usize = 256 << 20;
/// The longest log that is read beside an analysis, in bytes.
const LONGEST_LOG: usize = 1 << 30;

/// Judge what somebody says of a log: claims as JSON, or a written analysis.
///
/// Each claim is supported, contradicted by a line that is shown, or not shown, with what would
/// show it. Of an analysis, quotations are compared with the log, and plain sentences of one fact
/// are judged; what is not read is left out.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  ktriage check analysis.md\n  ktriage check reply.eml --log console.log.gz\n  ktriage check --json - < analysis.txt\n  ktriage check --claims claims.json --log console.log\n  ktriage check analysis.md --tree ~/linux          commits, releases and places of functions too"
)]
pub(crate) struct Arguments {
    /// The analysis: prose, Markdown or a mail; `-` is standard input.
    #[arg(value_name = "ANALYSIS", required_unless_present = "claims")]
    analysis: Option<PathBuf>,

    /// Claims as JSON (`ktriage claims` tells how), or what `ktriage diagnose --json` printed.
    #[arg(long, value_name = "FILE", conflicts_with = "analysis")]
    claims: Option<PathBuf>,

    /// The console log that the analysis or the claims speak of.
    #[arg(long, value_name = "LOG")]
    log: Option<PathBuf>,

    /// The kernel's source tree: claims about it are judged too, that a file defines a function, that one function
    /// calls another, that a commit exists, its title, the release that holds it first.
    #[arg(long, value_name = "DIR")]
    tree: Option<PathBuf>,

    /// The folder that holds the index of the tree's functions.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,

    /// Print one JSON object, on one line.
    #[arg(long)]
    json: bool,

    /// Exit with 1 when a claim is contradicted.
    #[arg(long)]
    exit_code: bool,

    #[command(flatten)]
    files: super::symbolize::Files,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let Some(claims) = &arguments.claims {
        let log = arguments.log.clone().map(Input::from);
        return typed(arguments, &Input::from(claims.clone()), log.as_ref());
    }
    let analysis = Input::from(arguments.analysis.clone().unwrap_or_default());
    let log = arguments.log.clone().map(Input::from);
    if analysis == Input::Standard && log == Some(Input::Standard) {
        return Err(Failure::usage(anyhow::anyhow!(
            "standard input cannot be both analysis and log"
        ))
        .hint("give one of them as a file"));
    }
    let text = read(&analysis, LONGEST_ANALYSIS, "give a console log of that size with --log")?;
    let log_bytes = match &log {
        Some(log) => {
            Some(read(log, LONGEST_LOG, "cut the log to the boot that the analysis speaks of")?)
        }
        None => None,
    };
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(Failure::usage(anyhow::anyhow!("{} is empty", analysis.name()))
            .hint("give the text of the analysis, or - for standard input"));
    }
    let log_lines = log_bytes.map(|bytes| lines(arguments, &bytes)).transpose()?;
    let report = analysis_claims::check_by(&text, log_lines);
    let told = match arguments.tree()? {
        Some(tree) => tree
            .judge_text(&String::from_utf8_lossy(&text))
            .map_err(crate::commands::who::failure)?,
        None => Vec::new(),
    };
    let mut out = io::stdout().lock();
    let log_name = log.as_ref().map(Input::name);
    let name = analysis.name();
    if arguments.json {
        let document = json::analysis(&name, log_name.as_deref(), &report, &told);
        serde_json::to_writer(&mut out, &document).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", render::judgement::analysis(&report))?;
        if !told.is_empty() {
            write!(out, "\n{}", render::told::told(&told))?;
        }
    }
    let contradicted = !report.altered.is_empty()
        || told.iter().any(is_contradicted)
        || report.claims.iter().any(|c| matches!(c.judgement, Judgement::Contradicted { .. }));
    Ok(if arguments.exit_code && contradicted { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// The lines of the log, with files and lines where a vmlinux is given.
fn lines(arguments: &Arguments, log: &[u8]) -> Result<Log, Failure> {
    match arguments.files.symbolizer() {
        None => Ok(Log::read(log)),
        Some(mut symbolizer) => {
            let lines = super::symbolize::symbolised(&mut symbolizer, log)?;
            Ok(Log::of_lines(&lines))
        }
    }
}

impl Arguments {
    fn tree(&self) -> Result<Option<Tree>, Failure> {
        let tree = self.tree.as_ref();
        tree.map(|folder| crate::commands::who::open(folder, self.state.as_deref())).transpose()
    }
}

fn is_contradicted(told: &Told) -> bool {
    matches!(told.says, Says::Contradicted { .. })
}

/// Judges claims that are values: those of the source by the tree, where there is one, the others by the log alone.
fn typed(arguments: &Arguments, claims: &Input, log: Option<&Input>) -> Result<ExitCode, Failure> {
    if log.is_none() && arguments.tree.is_none() {
        return Err(Failure::usage(anyhow::anyhow!("nothing is given to judge the claims by"))
            .hint("give --log LOG, and --tree DIR for claims about the source"));
    }
    if *claims == Input::Standard && log == Some(&Input::Standard) {
        return Err(Failure::usage(anyhow::anyhow!(
            "standard input cannot be both claims and log"
        ))
        .hint("give one of them as a file"));
    }
    let asserted = asserted(claims)?;
    let bytes = match log {
        Some(log) => read(log, LONGEST_LOG, "cut the log to the boot that the claims speak of")?,
        None => Vec::new(),
    };
    let log_lines = match log {
        Some(_) => lines(arguments, &bytes)?,
        None => Log::default(),
    };
    let tree = arguments.tree()?;
    let (mut judged, mut told) = (Vec::new(), Vec::new());
    for claim in asserted {
        if let Some(tree) = tree.as_ref().filter(|_| claim.predicate.is_of_source()) {
            let says = tree.judge(&claim.predicate).map_err(crate::commands::who::failure)?;
            told.extend(says.map(|says| Told { claim: claim.predicate, line: 0, says }));
        } else {
            let judgement = analysis_claims::verify::verify_assertion(&log_lines, &claim);
            judged.push((claim, judgement));
        }
    }
    let mut out = io::stdout().lock();
    if arguments.json {
        let (file, log_name) = (claims.name(), log.map(Input::name));
        let document = json::claims(&file, log_name.as_deref(), &log_lines, &judged, &told);
        serde_json::to_writer(&mut out, &document).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        if !judged.is_empty() || told.is_empty() {
            write!(out, "{}", render::judgement::judgements(&log_lines, &judged))?;
        }
        let gap = if judged.is_empty() || told.is_empty() { "" } else { "\n" };
        write!(out, "{gap}{}", render::told::told(&told))?;
    }
    let contradicted = judged.iter().any(|(_, j)| matches!(j, Judgement::Contradicted { .. }))
        || told.iter().any(is_contradicted);
    Ok(if arguments.exit_code && contradicted { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// Reads a file of claims.
fn asserted(claims: &Input) -> Result<Vec<Assertion>, Failure> {
    let text = read(claims, LONGEST_CLAIMS, "split the file")?;
    let read_claims = analysis_claims::claim::read(&String::from_utf8_lossy(&text));
    read_claims.map_err(|error| {
        let place = error.place;
        Failure::usage(anyhow::anyhow!(
            "{}:{}:{}: {}",
            claims.name(),
            place.line,
            place.column,
            Escaped(&error.to_string())
        ))
        .hint("`ktriage claims` tells how claims are written, `ktriage claims --schema` all of their arguments")
    })
}

fn read(input: &Input, longest: usize, hint: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut too_long = false;
    input.read_to(|piece| {
        let room = longest.saturating_sub(bytes.len());
        too_long |= piece.len() > room;
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    })?;
    if too_long {
        return Err(Failure::usage(anyhow::anyhow!(
            "{} is longer than {} MiB",
            input.name(),
            longest >> 20
        ))
        .hint(hint));
    }
    Ok(bytes)
}
