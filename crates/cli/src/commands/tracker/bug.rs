//! `ktriage bug N`: one bug, and what is done to it.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use app_tracker::{NewJob, Tracker};
use model::tracker::{Action, Bug, Fix, JobKind};

use super::reproduce::{self, Context, Reproduce};
use super::{State, failure, name_of_user, now};
use crate::failure::Failure;

/// Show one bug of the record, or say what it is.
///
/// Everything that is said stands in the bug's history with who said it and why; `undo` takes the newest change of
/// its state back.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    ktriage bug 3                         everything about bug 3\n  \
    ktriage bug 3 fix \"net: mend it\"      this commit fixes it\n  \
    ktriage bug 3 dup 5 --why \"the same lock\"\n  \
    ktriage bug 3 manifest --kernel 6.12-cloud --runs 20\n  \
    ktriage bug 3 retest --kernel mybuild  is it gone there?\n  \
    ktriage bug \"WARNING in f\" undo       the newest change was wrong")]
pub(crate) struct Arguments {
    /// Its number, title, outside name or a mail's subject.
    #[arg(value_name = "BUG")]
    bug: String,
    /// Why; stands in the history.
    #[arg(long, value_name = "TEXT", global = true, default_value = "")]
    why: String,
    /// Who says so; the user's name if not given.
    #[arg(long, value_name = "WHO", global = true)]
    by: Option<String>,
    /// Print one JSON object.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    state: State,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    /// Show everything.
    Show {
        /// Without the diagnosis of its log.
        #[arg(long)]
        brief: bool,
    },
    /// Print the log of the crash that is shown, or of another one.
    Log {
        /// The number of the crash.
        crash: Option<i64>,
    },
    /// The same as another bug; both records stay.
    Dup {
        /// The other.
        of: String,
    },
    /// No duplicate after all.
    Undup,
    /// These commits fix it; `HASH:TITLE` where the commit's name is known.
    Fix {
        /// Titles of commits.
        #[arg(required = true)]
        titles: Vec<String>,
    },
    /// No fix is known after all.
    Unfix,
    /// A patch is on a list.
    Proposed {
        /// Where.
        link: String,
    },
    /// Every kernel under test contains the fix.
    Fixed {
        /// The kernels.
        kernels: Vec<String>,
    },
    /// It was reported there.
    Reported {
        /// Where.
        place: String,
    },
    /// No bug of the kernel.
    Invalid,
    /// Open again.
    Reopen,
    /// Its crashes stand in another bug's record from now on.
    Merge {
        /// The other.
        into: String,
    },
    /// Take a merge back; with a title, let the crashes of that title leave for a bug of their own.
    Split {
        /// The title.
        #[arg(long)]
        title: Option<String>,
    },
    /// Remember something.
    Note {
        /// In words.
        text: String,
    },
    /// Set a label, `NAME` or `NAME:VALUE`.
    Label {
        /// The label.
        label: String,
    },
    /// Take a label off.
    Unlabel {
        /// Its name.
        name: String,
    },
    /// Anybody may see it.
    Public,
    /// Only who is known to the service may see it.
    Private,
    /// Ask the fuzzing manager that has its reproducer to run that, with a patch where one is given.
    Test {
        /// The repository; the crash's own if not given.
        #[arg(long, default_value = "")]
        repository: String,
        /// The branch or commit; the crash's own if not given.
        #[arg(long, default_value = "")]
        branch: String,
        /// The patch.
        #[arg(long, value_name = "FILE")]
        patch: Option<std::path::PathBuf>,
    },
    /// Run its reproducer in the lab and keep what comes of it, title by title, as the bug's signature: bugs of one
    /// signature are offered as duplicates.
    Manifest {
        #[command(flatten)]
        how: Reproduce,
    },
    /// Run its reproducer on a newer kernel, here or by its fuzzing manager. It counts as gone when so many clean runs
    /// are no accident, by the rate that `manifest` measured.
    Retest {
        #[command(flatten)]
        how: Reproduce,
    },
    /// Undo the newest change of its state.
    Undo {
        /// That it is this entry of the history.
        entry: Option<i64>,
    },
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let tracker = arguments.state.open()?;
    let bug = tracker.find(&arguments.bug).map_err(failure)?;
    let brief = match &arguments.what {
        None => false,
        Some(What::Show { brief }) => *brief,
        Some(What::Log { crash }) => return log(&tracker, &bug, *crash),
        Some(What::Test { repository, branch, patch }) => {
            let patch = match patch {
                Some(path) => std::fs::read(path)
                    .with_context(|| format!("cannot read {}", path.display()))
                    .map_err(Failure::usage)?,
                None => Vec::new(),
            };
            let new = NewJob {
                who: name_of_user(arguments.by.as_deref()),
                message_id: None,
                repository: repository.clone(),
                branch: branch.clone(),
                patch,
            };
            let job = tracker.ask(bug.id, JobKind::Test, &new, now()).map_err(failure)?;
            writeln!(io::stdout(), "job {job}: waits for the manager")?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(What::Manifest { how }) => {
            return reproduce::manifest(&tracker, &bug, how, &context(arguments)?);
        }
        Some(What::Retest { how }) => {
            return reproduce::retest(&tracker, &bug, how, &context(arguments)?);
        }
        Some(what) => {
            let action = action(&tracker, what)?;
            let who = name_of_user(arguments.by.as_deref());
            let bug = tracker.act(bug.id, &action, &who, &arguments.why, now()).map_err(failure)?;
            return told(arguments, &bug);
        }
    };
    let view = server::view(&tracker, &bug, now(), false).map_err(failure)?;
    let mut out = io::stdout().lock();
    if arguments.json {
        serde_json::to_writer(&mut out, &render::tracker::json::whole(&view))
            .map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let log = match view.best.as_ref().and_then(|crash| crash.log.as_ref()).filter(|_| !brief) {
        Some(name) => tracker.read().artefact(name).map_err(|error| failure(error.into()))?,
        None => None,
    };
    let diagnosis = log
        .map(|log| app_diagnose::diagnose(&log, app_diagnose::Wanted::default()))
        .transpose()
        .map_err(Failure::usage)?
        .map(|read| render::diagnosis::text::report(&crate::commands::diagnose::view("", &read)));
    out.write_all(render::tracker::text::bug(&view, diagnosis.as_deref()).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn context(arguments: &Arguments) -> Result<Context, Failure> {
    Ok(Context {
        folder: arguments.state.folder()?,
        who: name_of_user(arguments.by.as_deref()),
        json: arguments.json,
    })
}

/// Prints a log as it was kept.
fn log(tracker: &Tracker, bug: &Bug, crash: Option<i64>) -> Result<ExitCode, Failure> {
    let read = tracker.read();
    let found = match crash {
        Some(id) => read.crash(id).map(|found| found.filter(|crash| crash.bug == bug.id)),
        None => read.best_crash(bug.id),
    };
    let found = found.map_err(|error| failure(error.into()))?;
    let name = found.and_then(|crash| crash.log.or(crash.report));
    let text = name.map(|name| read.artefact(&name)).transpose();
    let text = text.map_err(|error| failure(error.into()))?.flatten();
    let Some(text) = text else {
        return Err(Failure::usage(anyhow::anyhow!("no log of that crash was kept"))
            .hint(format!("`ktriage bug {} show` lists the crashes", bug.id)));
    };
    let mut out = io::stdout().lock();
    if io::IsTerminal::is_terminal(&out) {
        let text = String::from_utf8_lossy(&text);
        write!(out, "{}", crate::output::Escaped(&text))?;
    } else {
        out.write_all(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn told(arguments: &Arguments, bug: &Bug) -> Result<ExitCode, Failure> {
    let mut out = io::stdout().lock();
    if arguments.json {
        let summary = render::tracker::json::summary(bug);
        serde_json::to_writer(&mut out, &summary).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", render::tracker::text::line(bug))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn action(tracker: &Tracker, what: &What) -> Result<Action, Failure> {
    let other = |name: &str| tracker.find(name).map(|bug| bug.id).map_err(failure);
    Ok(match what {
        // Answered before.
        What::Show { .. }
        | What::Test { .. }
        | What::Log { .. }
        | What::Manifest { .. }
        | What::Retest { .. } => Action::Reopen,
        What::Dup { of } => Action::Duplicate { of: other(of)? },
        What::Undup => Action::Unduplicate,
        What::Fix { titles } => {
            Action::Fix { fixes: titles.iter().map(|title| fix(title)).collect() }
        }
        What::Unfix => Action::Unfix,
        What::Proposed { link } => Action::Propose { link: link.clone() },
        What::Fixed { kernels } => Action::Contained { kernels: kernels.clone() },
        What::Reported { place } => Action::Report { stage: place.clone(), message_id: None },
        What::Invalid => Action::Invalid,
        What::Reopen => Action::Reopen,
        What::Merge { into } => Action::Merge { into: other(into)? },
        What::Split { title } => Action::Split { title: title.clone(), to: None },
        What::Note { text } => Action::Note { text: text.clone() },
        What::Label { label } => {
            let (name, value) = label.split_once(':').unwrap_or((label, ""));
            Action::Label { name: name.trim().to_owned(), value: value.trim().to_owned() }
        }
        What::Unlabel { name } => Action::Unlabel { name: name.clone() },
        What::Public => Action::Publish { public: true },
        What::Private => Action::Publish { public: false },
        What::Undo { entry } => Action::Undo { entry: entry.unwrap_or(0) },
    })
}

/// `HASH:TITLE` or a title.
fn fix(text: &str) -> Fix {
    let is_hash =
        |word: &str| (7..=40).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_hexdigit());
    match text.split_once(':') {
        Some((hash, title)) if is_hash(hash) => {
            Fix { title: title.trim().to_owned(), hash: Some(hash.to_owned()) }
        }
        _ => Fix { title: text.trim().to_owned(), hash: None },
    }
}
