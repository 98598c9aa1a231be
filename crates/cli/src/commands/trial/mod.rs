//! `ktriage try`: a patch series, base against patched.

mod arguments;
mod series;
mod tell;

use std::io::{self, Write as _};
use std::process::ExitCode;

use analysis_trial::Report;
use anyhow::anyhow;
use render::trial::{self, MailTo};

pub(crate) use arguments::Arguments;

use crate::failure::{FOUND, Failure};
use crate::output::{Escaped, message};
use crate::stop;

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let picked = series::read(arguments)?;
    let asked = arguments.asked(picked.parent)?;
    let state = arguments.state()?;
    let stop = stop::flag()?;
    let report = app_try::try_series(&asked, picked.series, &state, &stop, &|progress| {
        message(&tell::in_words(progress));
    })?;
    print(arguments, &report)?;
    if report.unfinished.is_some() && stop.load(std::sync::atomic::Ordering::Relaxed) {
        return Ok(ExitCode::from(stop::INTERRUPTED));
    }
    let is_fine = match asked.base_only {
        true => report.base.chosen.is_some(),
        false => report.is_fine(),
    };
    Ok(if arguments.exit_code && !is_fine { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

fn print(arguments: &Arguments, report: &Report) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    if let Some(file) = &arguments.html {
        std::fs::write(file, trial::page(report)).map_err(|error| {
            Failure::usage(anyhow!("{}: cannot write the page: {error}", file.display()))
        })?;
        message(&format!("wrote {}", file.display()));
    }
    if arguments.json {
        serde_json::to_writer(&mut out, &trial::json::trial(report)).map_err(io::Error::from)?;
        writeln!(out)?;
    } else if arguments.mail {
        let to = MailTo {
            more: maintainers(arguments, report),
            command: typed(),
            tester: arguments.tester.clone(),
        };
        write!(out, "{}", Escaped(&trial::mail(report, &to)))?;
    } else {
        write!(out, "{}", Escaped(&trial::text(report)))?;
    }
    out.flush()?;
    Ok(())
}

/// The people and lists that the tree's MAINTAINERS names for the changed files; none where it has none.
fn maintainers(arguments: &Arguments, report: &Report) -> Vec<String> {
    let people = || -> Result<String, Failure> {
        let tree = super::who::open(&arguments.tree, None)?;
        let maintainers = tree.maintainers().map_err(super::who::failure)?;
        let files = report.series.paths();
        let asked = app_source::Asked { files: &files, patch: None, history: false };
        let answer =
            tree.who(&maintainers, &maintainers.sections(), &asked).map_err(super::who::failure)?;
        Ok(render::who::addresses(&answer))
    };
    people().map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
}

/// The command as it was typed, for a shell.
fn typed() -> String {
    let plain = |word: &str| {
        let fine = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+~^".contains(c);
        match !word.is_empty() && word.chars().all(fine) {
            true => word.to_owned(),
            false => format!("'{}'", word.replace('\'', "'\\''")),
        }
    };
    let words = std::env::args_os().skip(1).map(|word| plain(&word.to_string_lossy()));
    std::iter::once("ktriage".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}
