//! `ktriage bisect plan`: what a range and a detection rate will cost, by bisecting made-up bugs in it.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use analysis_bisect::simulate::{Noise, World};
use analysis_bisect::{Bisection, Conclusion, Direction, History, Next, Prior, Settings};
use anyhow::anyhow;

use super::check;
use crate::failure::Failure;
use crate::json::bisect as json;

/// Say beforehand what a bisection will cost.
///
/// Bugs are put into the range at chance places and bisected in simulation, with the noise of a
/// kernel test farm: broken stretches and unrelated crashes.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// A commit without the failure.
    #[arg(long, value_name = "REV", required_unless_present = "commits")]
    good: Vec<String>,

    /// A commit that shows the failure.
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    bad: String,

    /// The repository.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repository: PathBuf,

    /// Plan for so many commits in a row, without a repository.
    #[arg(long, value_name = "N", conflicts_with = "good", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    commits: Option<u32>,

    /// How often the failure shows on a bad commit, from 0.02 to 1; several rates give several rows.
    #[arg(long = "rate", value_name = "P", default_values_t = [1.0, 0.5, 0.2, 0.1], value_parser = rate)]
    rates: Vec<f64>,

    /// Minutes of one build.
    #[arg(long, value_name = "MINUTES", default_value_t = 7.0, value_parser = minutes)]
    build: f64,

    /// Minutes of one run.
    #[arg(long, value_name = "MINUTES", default_value_t = 1.0, value_parser = minutes)]
    run: f64,

    /// The probability at which a culprit counts as proven.
    #[arg(long, value_name = "P", default_value_t = 0.99, value_parser = confidence)]
    confidence: f64,

    /// Bugs to try for each rate.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=1000))]
    trials: u16,

    /// Print one JSON object a rate.
    #[arg(long)]
    json: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.02..=1.0).contains(&rate) => Ok(rate),
        _ => Err("a share of runs from 0.02 to 1 is needed".into()),
    }
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes < 1e6 => Ok(minutes),
        _ => Err("minutes above 0 are needed".into()),
    }
}

fn confidence(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.5..=0.9999).contains(&value) => Ok(value),
        _ => Err("a probability from 0.5 to 0.9999 is needed".into()),
    }
}

/// The most minutes a simulated bisection may take: a week.
const MOST_MINUTES: f64 = 7.0 * 24.0 * 60.0;

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let history = match arguments.commits {
        Some(count) => History::linear(count as usize),
        None => range(arguments)?,
    };
    let settings = Settings {
        confidence: arguments.confidence,
        build_minutes: arguments.build,
        run_minutes: arguments.run,
        ..Settings::default()
    };
    let mut out = io::stdout().lock();
    if !arguments.json {
        writeln!(
            out,
            "{} commits, build {} min, run {} min, one machine, proven at {}; {} made-up bugs a row\n\n\
             shows in   builds   runs   minutes: mean   9 in 10 within   proven",
            history.len(),
            arguments.build,
            arguments.run,
            arguments.confidence,
            arguments.trials
        )?;
    }
    for &rate in &arguments.rates {
        if io::stderr().is_terminal() {
            crate::output::message(&format!(
                "simulating bugs that show in {:.0} % of runs",
                rate * 100.0
            ));
        }
        let row = simulate(&history, rate, settings, arguments.trials);
        if arguments.json {
            serde_json::to_writer(&mut out, &row).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            writeln!(
                out,
                "{:>6.0} %  {:>7.1} {:>6.0} {:>15.0} {:>16.0} {:>5} of {}",
                rate * 100.0,
                row.builds,
                row.runs,
                row.minutes,
                row.minutes_in_nine_of_ten,
                row.proven,
                row.trials
            )?;
        }
        out.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn range(arguments: &Arguments) -> Result<History, Failure> {
    let ends =
        check::ends(&arguments.repository, &arguments.good, &arguments.bad, Direction::Cause)?;
    let commits = ends.repository.range(&ends.old, &ends.new).map_err(Failure::usage)?;
    if commits.len() < 2 {
        return Err(Failure::usage(anyhow!(
            "the range holds {} commit: nothing to plan",
            commits.len()
        )));
    }
    let positions: std::collections::HashMap<_, _> =
        commits.iter().enumerate().map(|(at, commit)| (&commit.id, at)).collect();
    let parents: Vec<Vec<usize>> = commits
        .iter()
        .map(|commit| commit.parents.iter().filter_map(|id| positions.get(id).copied()).collect())
        .collect();
    History::new(&parents).map_err(Failure::usage)
}

fn simulate(history: &History, rate: f64, settings: Settings, trials: u16) -> json::Plan {
    let mut minutes = Vec::new();
    let mut row = json::Plan::new(history.len(), rate, trials);
    for seed in 0..u64::from(trials) {
        let cost = (settings.build_minutes, settings.run_minutes);
        let mut world = World::new(history.clone(), seed, rate, Noise::Stretches, None, None, cost);
        let end = history.len() - 1;
        let mut bisection = Bisection::new(history.clone(), Prior::uniform(history), end, settings);
        loop {
            let belief = bisection.belief();
            match bisection.next(&belief) {
                Next::Done(conclusion) => {
                    row.proven += u16::from(matches!(conclusion, Conclusion::Culprit { .. }));
                    break;
                }
                Next::Test(_) if world.cost.minutes() > MOST_MINUTES => break,
                Next::Test(steps) => {
                    for step in steps {
                        world.step(&step, |outcome| bisection.record(step.commit, outcome));
                    }
                }
            }
        }
        row.builds += f64::from(world.cost.builds) / f64::from(trials);
        row.runs += f64::from(world.cost.runs) / f64::from(trials);
        row.minutes += world.cost.minutes() / f64::from(trials);
        minutes.push(world.cost.minutes());
    }
    minutes.sort_by(f64::total_cmp);
    row.minutes_in_nine_of_ten = minutes[(minutes.len() * 9).div_ceil(10) - 1];
    row
}
