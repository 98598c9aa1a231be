//! What the surroundings say: who the user is, what an installation decided.

use std::path::Path;

use anyhow::Context as _;
use app_tracker::{Policy, Tracker};
use io_database::record::SqliteRecord;
use server::Settings;

use crate::failure::Failure;

/// The name under which the user's actions stand in the history.
pub(crate) fn name_of_user(given: Option<&str>) -> String {
    let from = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    given
        .map(str::to_owned)
        .or_else(|| from("USER"))
        .or_else(|| from("LOGNAME"))
        .unwrap_or_else(|| "somebody".to_owned())
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

/// Opens the record of a folder as the settings ask. There is no other way to open one.
pub(super) fn open_record(
    folder: &Path,
    settings: &Settings,
) -> Result<Tracker, app_tracker::Error> {
    let server::Silence { ends, least, most } = settings.silence;
    let policy = Policy {
        public: settings.public,
        silence: ends.then_some(analysis_tracker::Rate { least, most }),
    };
    Tracker::new(Box::new(SqliteRecord::open(folder)?), policy)
}
