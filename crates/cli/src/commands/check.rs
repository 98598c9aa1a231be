//! `ktriage check`: judges a written analysis against what it quotes, and against the log.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use analysis_claims::verify::{Judgement, Log};
use analysis_claims::{Report, Verdict};
use model::{Assertion, Claim, LineSpan};

use crate::failure::{FOUND, Failure};
use crate::input::Input;
use crate::json::check as json;
use crate::output::Escaped;

/// Columns of a line of text.
const WIDTH: usize = 100;
/// Columns of the names of sections.
const MARGIN: usize = 10;
/// The longest analysis that is read, in bytes. What is longer is a log.
const LONGEST_ANALYSIS: usize = 16 << 20;
/// The longest file of claims that is read, in bytes.
const LONGEST_CLAIMS: usize = 256 << 20;
/// The longest log that is read beside an analysis, in bytes.
const LONGEST_LOG: usize = 1 << 30;

/// Judge the claims of a written analysis against the stacks and lines it quotes, and the log.
///
/// Each claim gets a verdict (supported, contradicted, unsupported, unproven, plausible, …) with
/// the reason and the lines. What cannot be judged is said to be so.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  ktriage check analysis.md\n  ktriage check reply.eml --log console.log.gz\n  ktriage check --json - < analysis.txt\n  ktriage check --claims claims.json --log console.log"
)]
pub(crate) struct Arguments {
    /// The analysis: prose, Markdown or a mail; `-` is standard input.
    #[arg(value_name = "ANALYSIS", required_unless_present = "claims")]
    analysis: Option<PathBuf>,

    /// Claims as JSON (`ktriage claims` tells how), or what `ktriage diagnose --json` printed.
    #[arg(long, value_name = "FILE", conflicts_with = "analysis", requires = "log")]
    claims: Option<PathBuf>,

    /// The console log that the analysis or the claims speak of.
    #[arg(long, value_name = "LOG")]
    log: Option<PathBuf>,

    /// Print one JSON object, on one line.
    #[arg(long)]
    json: bool,

    /// Exit with 1 when a claim is contradicted.
    #[arg(long)]
    exit_code: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let (Some(claims), Some(log)) = (&arguments.claims, &arguments.log) {
        return typed(arguments, &Input::from(claims.clone()), &Input::from(log.clone()));
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
    let report = analysis_claims::check(&text, log_bytes.as_deref());
    let mut out = io::stdout().lock();
    let log_name = log.as_ref().map(Input::name);
    if arguments.json {
        serde_json::to_writer(
            &mut out,
            &json::analysis(&analysis.name(), log_name.as_deref(), &report),
        )
        .map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", Escaped(&as_text(&report)))?;
    }
    let contradicted = report.claims.iter().any(|c| c.verdict == Verdict::Contradicted);
    Ok(if arguments.exit_code && contradicted { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// Judges claims that are values, by the log alone.
fn typed(arguments: &Arguments, claims: &Input, log: &Input) -> Result<ExitCode, Failure> {
    if *claims == Input::Standard && *log == Input::Standard {
        return Err(Failure::usage(anyhow::anyhow!(
            "standard input cannot be both claims and log"
        ))
        .hint("give one of them as a file"));
    }
    let text = read(claims, LONGEST_CLAIMS, "split the file")?;
    let read_claims = analysis_claims::claim::read(&String::from_utf8_lossy(&text));
    let asserted = read_claims.map_err(|error| {
        let place = error.place;
        Failure::usage(anyhow::anyhow!(
            "{}:{}:{}: {}",
            claims.name(),
            place.line,
            place.column,
            Escaped(&error.to_string())
        ))
        .hint("`ktriage claims` tells how claims are written, `ktriage claims --schema` all of their arguments")
    })?;
    let bytes = read(log, LONGEST_LOG, "cut the log to the boot that the claims speak of")?;
    let log_lines = Log::read(&bytes);
    let judged: Vec<(Assertion, Judgement)> = asserted
        .into_iter()
        .map(|claim| {
            let judgement = analysis_claims::verify::verify_assertion(&log_lines, &claim);
            (claim, judgement)
        })
        .collect();
    let mut out = io::stdout().lock();
    if arguments.json {
        let (file, log_name) = (claims.name(), log.name());
        let document = json::claims(&file, &log_name, &log_lines, &judged);
        serde_json::to_writer(&mut out, &document).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", render::judgement::judgements(&log_lines, &judged))?;
    }
    let contradicted = judged.iter().any(|(_, j)| matches!(j, Judgement::Contradicted { .. }));
    Ok(if arguments.exit_code && contradicted { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
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

/// The judgement as plain text of at most [`WIDTH`] columns.
fn as_text(report: &Report) -> String {
    let mut text = Text::default();
    text.section("Input", &report.input);
    text.section("Claims", &counts(report));
    for claim in &report.kernel {
        text.section("Kernel", &with_evidence(claim));
    }
    for finding in &report.tasks {
        let mut parts = finding.claims.iter();
        if let Some(first) = parts.next() {
            text.section("Tasks", &format!("{}: {}", finding.task, with_evidence(first)));
        }
        for claim in parts {
            text.indented(MARGIN + 2, &with_evidence(claim));
        }
    }
    if !report.chains.is_empty() {
        text.title("Wait graph");
        for chain in &report.chains {
            text.indented(2, chain);
        }
        let cycle = if report.cycle { "The waits close a cycle." } else { "No cycle." };
        text.indented(2, cycle);
        for edge in &report.edges {
            let lines: Vec<String> = edge.lines.iter().map(ToString::to_string).collect();
            text.indented(
                4,
                &format!(
                    "{} -> {}   {} {} {}",
                    edge.from,
                    edge.to,
                    edge.grade,
                    lines.join(" "),
                    edge.rule
                ),
            );
        }
    }
    text.section("Verdict", &report.verdict.statement);
    text.indented(
        MARGIN,
        &format!("chain: {} / cause: {}", report.verdict.chain, report.verdict.cause),
    );
    for note in &report.notes {
        text.section("Note", &with_evidence(note));
    }
    if !report.commits.is_empty() {
        let names: Vec<&str> = report.commits.iter().map(|c| c.hash.as_str()).collect();
        let mut line = names.join(" ");
        for commit in report.commits.iter().filter(|c| c.subject.is_none()) {
            let lines: Vec<String> = commit.lines.iter().map(|l| format!("L{l}")).collect();
            let _ = write!(line, "; {} ({}) without a subject", commit.hash, lines.join(" "));
        }
        text.title("Named commits (none verified)");
        text.indented(2, &line);
    }
    if !report.needed.is_empty() {
        text.title("Needed");
        for (number, need) in report.needed.iter().enumerate() {
            text.item(&format!("{:>2} ", number + 1), need);
        }
    }
    text.title("Claims judged");
    if report.claims.is_empty() {
        text.indented(2, "none found: the text makes no claim that a rule knows");
    }
    for (number, claim) in report.claims.iter().enumerate() {
        text.item(
            &format!("{:>2} ", number + 1),
            &format!(
                "{}: {}   {} {}",
                claim.verdict.name().to_uppercase(),
                claim.statement,
                spans(&claim.lines),
                claim.rule
            ),
        );
        let mut reason = claim.reason.clone();
        if let Some(hedge) = &claim.hedge {
            let _ = write!(reason, " (said with \"{hedge}\")");
        }
        if !claim.evidence.is_empty() {
            let cited: Vec<String> =
                claim.evidence.iter().take(8).map(ToString::to_string).collect();
            let _ = write!(reason, "   [{}]", cited.join(" "));
        }
        text.indented(MARGIN, &reason);
    }
    text.title("Form");
    if report.form.is_empty() {
        text.indented(2, "nothing to object to");
    }
    for finding in &report.form {
        text.item(" - ", &format!("{} {}", finding.text, spans(&finding.lines)));
    }
    text.0
}

/// How many claims got which verdict, the worst first.
fn counts(report: &Report) -> String {
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for claim in &report.claims {
        *counts.entry(claim.verdict).or_default() += 1;
    }
    let parts: Vec<String> =
        counts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
    match parts.as_slice() {
        [] => "none that a rule knows".to_owned(),
        parts => format!("{} judged: {}", report.claims.len(), parts.join(", ")),
    }
}

fn spans(spans: &[LineSpan]) -> String {
    spans.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn with_evidence(claim: &Claim) -> String {
    let rules: Vec<&str> = claim.rules.iter().map(|r| r.0).collect();
    format!("{}   {} {} {}", claim.statement, claim.grade, spans(&claim.lines), rules.join(" "))
        .trim_end()
        .to_owned()
}

/// Text that is wrapped as it grows.
#[derive(Default)]
struct Text(String);

impl Text {
    fn section(&mut self, name: &str, text: &str) {
        self.put(&format!("{name:<MARGIN$}"), MARGIN, text);
    }

    fn title(&mut self, name: &str) {
        self.0.push('\n');
        self.0.push_str(name);
        self.0.push('\n');
    }

    fn indented(&mut self, by: usize, text: &str) {
        self.put(&" ".repeat(by), by + 2, text);
    }

    fn item(&mut self, mark: &str, text: &str) {
        self.put(mark, mark.len(), text);
    }

    /// Writes `head`, then the words of `text`, later lines indented by `hanging`.
    fn put(&mut self, head: &str, hanging: usize, text: &str) {
        let mut line = head.to_owned();
        let mut empty = true;
        for word in text.split(' ') {
            let length = line.chars().count() + word.chars().count() + 1;
            if !empty && !word.is_empty() && length > WIDTH {
                self.0.push_str(line.trim_end());
                self.0.push('\n');
                line = " ".repeat(hanging);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_promised() {
        let analysis = format!(
            "It is a deadlock, {}.\n\nNo prior report was found.\n",
            "and so on ".repeat(40)
        );
        let text = as_text(&analysis_claims::check(analysis.as_bytes(), None));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.contains("UNSUPPORTED: it is a deadlock"), "{text}");
    }
}
