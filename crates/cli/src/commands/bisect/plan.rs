//! `ktriage bisect plan`: what a range and a detection rate will cost, by bisecting made-up bugs in it.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use analysis_bisect::{History, Settings, simulate};
use app_bisect::plan;
use render::bisect::json;

use crate::failure::Failure;

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

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let history = match arguments.commits {
        Some(count) => History::linear(count as usize),
        None => plan::range(&arguments.repository, &arguments.good, &arguments.bad, &super::tell)?,
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
        let cost = simulate::plan(&history, rate, settings, arguments.trials);
        if arguments.json {
            let row = json::Plan::new(history.len(), rate, arguments.trials, &cost);
            serde_json::to_writer(&mut out, &row).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            writeln!(
                out,
                "{:>6.0} %  {:>7.1} {:>6.0} {:>15.0} {:>16.0} {:>5} of {}",
                rate * 100.0,
                cost.builds,
                cost.runs,
                cost.minutes,
                cost.minutes_in_nine_of_ten,
                cost.proven,
                arguments.trials
            )?;
        }
        out.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}
