//! The bug's record on the command line.

pub(crate) mod add;
pub(crate) mod bug;
pub(crate) mod bugs;
mod demo;
pub(crate) mod import;
pub(crate) mod mail;
pub(crate) mod mcp;
mod reproduce;
pub(crate) mod serve;
mod settings;
pub(crate) mod watch;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use app_tracker::Tracker;
use model::tracker::RecordError;
use server::Settings;

use crate::failure::Failure;

pub(crate) use reproduce::Reproduced;
pub(crate) use settings::name_of_user;

/// Where the record is.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct State {
    /// The folder that holds the record; `$XDG_STATE_HOME/ktriage` if not given.
    #[arg(long, global = true, value_name = "DIR", env = "KTRIAGE_STATE", hide_env_values = true)]
    state: Option<PathBuf>,
    /// The settings; `ktriage.toml` in the state folder if not given.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl State {
    /// The folder.
    pub(crate) fn folder(&self) -> Result<PathBuf, Failure> {
        self.state.clone().or_else(super::user_state_folder).ok_or_else(|| {
            Failure::usage(anyhow::anyhow!("there is no folder for the record"))
                .hint("name one with --state DIR")
        })
    }

    /// What the installation decided.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        settings::read_settings(self.config.as_deref(), &self.folder()?)
    }

    /// Opens the record as the settings ask.
    pub(crate) fn open(&self) -> Result<Tracker, Failure> {
        settings::open_record(&self.folder()?, &self.settings()?).map_err(failure)
    }
}

/// What went wrong with the record, and what to do about it.
pub(crate) fn failure(error: app_tracker::Error) -> Failure {
    let hint = match &error {
        app_tracker::Error::Record(RecordError::Full(_)) => {
            Some("what is not in the record can be added again: nothing is counted twice")
        }
        app_tracker::Error::Record(RecordError::Busy(_)) => {
            Some("try again, or look which program uses the folder")
        }
        app_tracker::Error::NoBug(_) => {
            Some("a bug has a number, a title or a name of 20 digits; `ktriage bugs` lists them")
        }
        app_tracker::Error::Ambiguous { .. } => Some("name it by its number"),
        app_tracker::Error::TooLong => {
            Some("cut it around the crash; `ktriage report` says where it is")
        }
        _ => None,
    };
    let failure = Failure::usage(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Seconds since 1970. A clock before that is taken for that.
pub(crate) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}
