//! `ktriage serve`: the record's pages and interfaces.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use app_tracker::{Policy, Tracker};
use io_database::record::{ServerLock, SqliteRecord};
use server::{Person, Role, Settings};

use super::{State, demo, failure, now};
use crate::failure::Failure;
use crate::output::message;

/// Serve the record: pages for people, interfaces for programs, on one machine, with nothing else to install.
///
/// Settings are read from ktriage.toml in the state folder, or from --config; all have defaults.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    ktriage serve --demo                  with the project's recorded crashes, to look around\n  \
    ktriage serve --state /var/lib/ktriage --listen 0.0.0.0:8080\n  \
    ktriage serve --check                 are the settings right?")]
pub(crate) struct Arguments {
    /// Where to listen; over what the settings say.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// The settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Fill a record of its own with the project's recorded crashes; it goes when the service ends.
    #[arg(long, conflicts_with_all = ["state", "config"])]
    demo: bool,
    /// Only say whether the settings are right.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    state: State,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let temporary = match arguments.demo {
        true => Some(tempfile::tempdir().map_err(Failure::usage)?),
        false => None,
    };
    let folder = match &temporary {
        Some(folder) => folder.path().to_owned(),
        None => arguments.state.folder()?,
    };
    let mut settings = match &temporary {
        Some(_) => Settings { name: "demo".into(), ..Settings::default() },
        None => read_settings(arguments.config.as_deref(), &folder)?,
    };
    if let Some(listen) = &arguments.listen {
        settings.listen.clone_from(listen);
    }
    if arguments.check {
        message("the settings are right");
        return Ok(ExitCode::SUCCESS);
    }
    let stop = crate::stop::flag()?;
    let _lock = ServerLock::take(&folder).map_err(|error| {
        failure(error.into())
            .hint("look at the pages of that one, or serve another folder with --state")
    })?;
    let policy = policy(&settings);
    if temporary.is_some() {
        let tracker = open(&folder, policy.clone()).map_err(failure)?;
        demo::fill(&tracker, now()).map_err(failure)?;
        let token = app_tracker::chance();
        settings.person.push(Person {
            name: "demo".into(),
            role: Role::Admin,
            token_blake3: server::hash_of_token(&token),
        });
        message(&format!("to change bugs, log in with the token {token}"));
    }
    let again = Box::new(move || open(&folder, policy.clone()));
    let served = server::serve(settings, again, &stop, |address| {
        message(&format!("listening on http://{address}/"));
    });
    served.map_err(Failure::usage)?;
    Ok(ExitCode::SUCCESS)
}

/// What the settings say about the record itself.
pub(super) fn policy(settings: &Settings) -> Policy {
    let server::Silence { ends, least, most } = settings.silence;
    Policy {
        public: settings.public,
        silence: ends.then_some(analysis_tracker::Rate { least, most }),
    }
}

/// Opens the record of a folder.
pub(super) fn open(folder: &Path, policy: Policy) -> Result<Tracker, app_tracker::Error> {
    Tracker::new(Box::new(SqliteRecord::open(folder)?), policy)
}

/// The settings of a file, or of the state folder; defaults where there is none.
pub(super) fn read_settings(file: Option<&Path>, folder: &Path) -> Result<Settings, Failure> {
    let usual = folder.join("ktriage.toml");
    let path = match file {
        Some(path) => path,
        None if usual.exists() => &usual,
        None => return Ok(Settings::default()),
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(Failure::usage)?;
    Settings::parse(&text).map_err(|error| {
        let context = format!("{} cannot be used", path.display());
        Failure::usage(anyhow::Error::new(error).context(context))
            .hint("docs/serve.md lists the settings")
    })
}
