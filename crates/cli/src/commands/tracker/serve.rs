//! `ktriage serve`: the record's pages and interfaces.

use std::process::ExitCode;

use io_database::record::ServerLock;
use server::{Person, Role, Settings};

use super::settings::open_record;
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
        None => arguments.state.settings()?,
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
    if temporary.is_some() {
        let tracker = open_record(&folder, &settings).map_err(failure)?;
        demo::fill(&tracker, now()).map_err(failure)?;
        let token = app_tracker::chance().map_err(failure)?;
        settings.person.push(Person {
            name: "demo".into(),
            role: Role::Admin,
            token_blake3: server::hash_of_token(&token),
        });
        message(&format!("to change bugs, log in with the token {token}"));
    }
    let decided = settings.clone();
    let again = Box::new(move || open_record(&folder, &decided));
    let served = server::serve(settings, again, super::mcp::answer, &stop, |address| {
        message(&format!("listening on http://{address}/"));
    });
    served.map_err(Failure::usage)?;
    Ok(ExitCode::SUCCESS)
}
