//! `ktriage explain`: what a rule means that a statement cites.

use std::io::{self, Write as _};
use std::process::ExitCode;

use app_diagnose::Wanted;
use model::{RULES, Rule, RuleId, Statement};
use render::Escaped;

use crate::failure::Failure;
use crate::json::explain as json;

/// Invented logs with an empty line between them. What `ktriage diagnose` says of them is the example of a rule.
const EXAMPLES: &str = include_str!("examples.log");
/// Ids that are named where one is unknown.
const MOST_NEAREST: usize = 3;
/// Lines of an example that are shown.
const MOST_LINES: usize = 8;

/// Explain a rule that a statement cites, such as R13.
///
/// Without RULE, all rules are listed, one a line.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage explain
  ktriage explain R13
  ktriage explain --json W10")]
pub(crate) struct Arguments {
    /// The id of the rule, as printed behind a statement.
    #[arg(value_name = "RULE")]
    rule: Option<String>,

    /// Print one JSON object a rule, on one line.
    #[arg(long)]
    json: bool,
}

/// A statement that cites a rule, and the lines that prove it.
struct Example {
    /// What `ktriage diagnose` says.
    statement: Statement,
    /// The lines, by their number in the example's log.
    lines: Vec<(u64, &'static str)>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut out = io::stdout().lock();
    let rules: Vec<&Rule> = match &arguments.rule {
        Some(text) => vec![text.parse::<RuleId>().map_err(|error| unknown(text, error))?.rule()],
        None => RULES.iter().collect(),
    };
    for rule in rules {
        if arguments.json {
            let example = arguments.rule.as_ref().and_then(|_| example(rule.id));
            let example = example.map(|found| json::Example::new(&found.statement, &found.lines));
            serde_json::to_writer(&mut out, &json::rule(rule, example)).map_err(io::Error::from)?;
            writeln!(out)?;
        } else if arguments.rule.is_none() {
            writeln!(out, "{}  {}", rule.name, rule.meaning)?;
        } else {
            print(&mut out, rule, example(rule.id).as_ref())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(out: &mut impl io::Write, rule: &Rule, example: Option<&Example>) -> io::Result<()> {
    writeln!(out, "{}      {}", rule.name, rule.meaning)?;
    writeln!(out, "Source   {}", rule.source)?;
    let Some(example) = example else {
        return writeln!(out, "Example  none");
    };
    let statement = &example.statement;
    let said = render::sentence(statement.predicate());
    writeln!(out, "Example  {} ({})", Escaped(&said), statement.grade())?;
    for (number, text) in &example.lines {
        writeln!(out, "         L{number}: {}", Escaped(text))?;
    }
    Ok(())
}

/// The first statement about the invented logs that cites the rule.
fn example(rule: RuleId) -> Option<Example> {
    EXAMPLES.split("\n\n").find_map(|log| {
        let read = app_diagnose::diagnose(log.as_bytes(), Wanted::default()).ok()?;
        let mut statements = read.diagnosis.statements.into_iter().chain(read.registers);
        let statement = statements.find(|statement| statement.rule() == rule)?;
        let cited = (1..).zip(log.lines());
        let lines = cited
            .filter(|(number, _)| statement.evidence().contains(*number))
            .take(MOST_LINES)
            .collect();
        Some(Example { statement, lines })
    })
}

fn unknown(text: &str, error: model::UnknownRule) -> Failure {
    let nearest = nearest(text);
    let failure = Failure::usage(error);
    if nearest.is_empty() {
        failure.hint("`ktriage explain` lists all rules")
    } else {
        failure.hint(format!(
            "the nearest are {}; `ktriage explain` lists all rules",
            nearest.join(", ")
        ))
    }
}

/// The ids of the same letter whose numbers are nearest; none where the text is no letter and number.
fn nearest(text: &str) -> Vec<&'static str> {
    let mut rest = text.chars();
    let letter = rest.next().map(|c| c.to_ascii_uppercase());
    let Ok(number) = rest.as_str().parse::<u32>() else { return Vec::new() };
    let mut near: Vec<(u32, &str)> = RULES
        .iter()
        .filter(|rule| rule.name.chars().next() == letter)
        .filter_map(|rule| Some((rule.name[1..].parse::<u32>().ok()?.abs_diff(number), rule.name)))
        .collect();
    near.sort_unstable();
    near.into_iter().take(MOST_NEAREST).map(|(_, name)| name).collect()
}
