//! `ktriage thread --list DIR`: a whole mirror of a list, indexed once, brought up to date each time,
//! and asked.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

use analysis_thread::{QuestionState, Thread, understand};
use app_thread::{Error, Mails, Mirror, Progress};
use io_database::mail_index::{Row, Wanted};
use model::LineSpan;
use parse_mail::Message;
use render::thread::Reading;

use crate::failure::Failure;
use crate::output::{Escaped, message};

/// What is asked of the index.
pub(super) struct Query {
    pub(super) directory: PathBuf,
    pub(super) index: Option<PathBuf>,
    pub(super) me: Option<String>,
    pub(super) wanted: Vec<Wanted>,
    pub(super) limit: usize,
    pub(super) offline: bool,
    /// The Message-ID of a mail whose thread is wanted.
    pub(super) id: Option<String>,
    /// Whole threads are wanted, not a line of each.
    pub(super) show: bool,
}

/// An error of the mirror with what to do about it.
fn failure(error: Error) -> Failure {
    let hint = match &error {
        Error::Index(io_database::mail_index::Error::Database { operation: "opening", .. }) => {
            "give another place for it with --index FILE"
        }
        Error::NoRepository(_) => {
            "clone one with `git clone --mirror https://lore.kernel.org/LIST/0 LIST/git/0.git`"
        }
        Error::NoArchive { .. } => {
            "an archive of public-inbox has one mail a commit, in the file `m`"
        }
        _ => return Failure::usage(error),
    };
    Failure::usage(error).hint(hint)
}

/// Brings the index up to date and prints what is asked. Whole threads go to `take`.
pub(super) fn run(
    query: &Query,
    mut take: impl FnMut(Reading) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let path = match &query.index {
        Some(path) => path.clone(),
        None => query.directory.join("ktriage-mail.sqlite"),
    };
    let mut mirror = Mirror::open(&query.directory, &path).map_err(failure)?;
    if !query.offline {
        mirror.update(progress(io::stderr().is_terminal())).map_err(failure)?;
    }
    if let Some(id) = &query.id {
        let Some(mails) = mirror.thread_of(id).map_err(failure)? else {
            return Err(Failure::usage(anyhow::anyhow!(
                "no mail of {} has or answers the Message-ID {id}",
                query.directory.display()
            ))
            .hint("fetch the mirror's news with `git fetch` in its newest epoch, or ask without --no-update"));
        };
        take(reading(&mirror, mails))?;
    }
    let mut out = io::stdout();
    if query.wanted.is_empty() && query.me.is_none() && query.id.is_none() {
        let count = mirror.index().count().map_err(Failure::usage)?;
        writeln!(
            out,
            "{count} mails of {} archives in {}",
            mirror.archives(),
            Escaped(&path.display().to_string())
        )?;
    }
    for wanted in &query.wanted {
        for thread in mirror.index().threads(wanted, query.limit).map_err(Failure::usage)? {
            if query.show {
                take(reading(&mirror, mirror.thread(thread).map_err(failure)?))?;
            } else {
                let rows = mirror.index().mails(thread).map_err(Failure::usage)?;
                write!(out, "{}", Escaped(&summary(&rows)))?;
            }
        }
    }
    if let Some(me) = &query.me {
        let wanted = Wanted::Writer(me.clone());
        for thread in mirror.index().threads(&wanted, query.limit).map_err(Failure::usage)? {
            let mails = mirror.thread(thread).map_err(failure)?;
            write!(out, "{}", Escaped(&open_to(me, &mails.messages)))?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Says how far the reading is, on a terminal only.
fn progress(shows: bool) -> impl FnMut(Progress<'_>) {
    let mut told = 0;
    move |progress| match progress {
        Progress::Rewritten(path) => {
            message(&format!("{}: its history was rewritten; it is read anew", path.display()));
        }
        Progress::Added { list, done, total } => {
            if shows && done / 10_000 != told {
                told = done / 10_000;
                message(&format!("{list}: {done} of {total} mails"));
            }
        }
    }
}

fn reading(mirror: &Mirror, mails: Mails) -> Reading {
    Reading {
        name: mirror.directory().display().to_string(),
        form: "archive of public-inbox",
        threads: understand(&mails.messages),
        messages: mails.messages,
        files: mails.places,
    }
}

/// One line for a thread: last day, mails, people, subject, place of its first mail.
fn summary(rows: &[Row]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let last = rows.iter().filter_map(|r| r.date).max();
    let day = last.map_or_else(
        || "unknown".to_owned(),
        |seconds| parse_mail::Moment { seconds, zone: None }.utc()[..10].to_owned(),
    );
    let flat = |text: &str| text.replace(['\t', '\n'], " ");
    format!(
        "{day}\t{} mails\t{}\t{}\t{}:{}\n",
        rows.len(),
        flat(&first.sender),
        flat(&first.subject),
        first.archive.display(),
        first.place,
    )
}

/// The open questions of a thread that wait for `me`, one a line: Message-ID, lines, number, asker,
/// text.
fn open_to(me: &str, messages: &[Message]) -> String {
    let names: Vec<&str> = messages
        .iter()
        .map(|m| &m.from)
        .filter(|p| p.address.as_deref().is_some_and(|a| a.eq_ignore_ascii_case(me)))
        .map(|p| p.name.as_str())
        .collect();
    let mut out = String::new();
    for thread in understand(messages) {
        for (number, question) in thread.questions.iter().enumerate() {
            let open = matches!(question.state, QuestionState::Open | QuestionState::Partly);
            let mine = question.waits_for.iter().any(|who| {
                let who =
                    who.strip_prefix("author (").map_or(who.as_str(), |w| w.trim_end_matches(')'));
                names.contains(&who) || who.eq_ignore_ascii_case(me)
            });
            if open && mine {
                out.push_str(&line(&thread, messages, number));
            }
        }
    }
    out
}

fn line(thread: &Thread, messages: &[Message], number: usize) -> String {
    let question = &thread.questions[number];
    let Some((entry, lines)) = question.asked.first() else { return String::new() };
    let mail = &messages[thread.entries[*entry].message];
    let flat = |text: &str| text.replace(['\t', '\n'], " ");
    let before = mail.lines.first - 1;
    let lines = LineSpan::new(lines.first - before, lines.last - before);
    format!(
        "<{}>\t{lines}\tQ{}\t{}\t{}\n",
        mail.message_id.as_deref().unwrap_or("unknown"),
        number + 1,
        flat(question.asker.shown()),
        flat(&question.text)
    )
}
