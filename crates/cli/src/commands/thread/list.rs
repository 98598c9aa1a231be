//! `ktriage thread --list DIR`: a whole mirror of a list, indexed once, brought up to date each time,
//! and asked.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use analysis_thread::{Thread, understand_about};
use app_thread::{Error, Filter, Mails, Mirror, Progress, Row};
use render::thread::Reading;

use crate::failure::Failure;
use crate::output::{Escaped, message};

/// What is asked of the index.
pub(super) struct Query {
    pub(super) directory: PathBuf,
    pub(super) index: Option<PathBuf>,
    pub(super) me: Option<String>,
    /// Where the page of what waits for `me` goes.
    pub(super) page: Option<PathBuf>,
    pub(super) filter: Filter,
    pub(super) limit: usize,
    pub(super) offline: bool,
    /// The Message-ID of a mail whose thread is wanted.
    pub(super) id: Option<String>,
    /// Whole threads are wanted, not a line of each.
    pub(super) show: bool,
    /// What concerns `me` is wanted as JSON.
    pub(super) json: bool,
}

/// An error of the mirror with what to do about it.
pub(in crate::commands) fn failure(error: Error) -> Failure {
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
        let Some(thread) = mirror.thread_of(id).map_err(failure)? else {
            return Err(Failure::usage(anyhow::anyhow!(
                "no mail of {} has or answers the Message-ID {id}",
                query.directory.display()
            ))
            .hint("fetch the mirror's news with `git fetch` in its newest epoch, or ask without --no-update"));
        };
        let mails = mirror.series(thread).map_err(failure)?;
        let threads = understand_about(&mails.messages, id).into_iter().collect();
        take(reading(&mirror, mails, threads))?;
    }
    let mut out = io::stdout();
    if query.filter.is_empty() && query.me.is_none() && query.id.is_none() {
        let count = mirror.index().count().map_err(Failure::usage)?;
        let unread = match mirror.index().unread().map_err(Failure::usage)? {
            0 => String::new(),
            n => format!(", {n} more could not be read"),
        };
        writeln!(
            out,
            "{count} mails of {} archives in {}{unread}",
            mirror.archives(),
            Escaped(&path.display().to_string())
        )?;
    }
    // With `--me` the day is for what was applied.
    let asks_index = match query.me {
        Some(_) => Filter { since: None, ..query.filter.clone() } != Filter::default(),
        None => !query.filter.is_empty(),
    };
    if asks_index {
        let (found, total) = mirror.find(&query.filter, query.limit).map_err(failure)?;
        for summary in &found {
            match summary.mails.iter().find_map(|m| m.message_id.as_deref()) {
                Some(id) if query.show => {
                    let mails = mirror.series(summary.thread).map_err(failure)?;
                    let threads = understand_about(&mails.messages, id).into_iter().collect();
                    take(reading(&mirror, mails, threads))?;
                }
                _ => write!(out, "{}", Escaped(&line_of(&summary.mails)))?,
            }
        }
        cut(found.len(), total);
    }
    if let Some(me) = &query.me {
        morning(query, me, &mirror, &mut out)?;
    }
    out.flush()?;
    Ok(())
}

/// What concerns one person: text or JSON, and the page where one is wanted.
fn morning(
    query: &Query,
    me: &str,
    mirror: &Mirror,
    out: &mut impl io::Write,
) -> Result<(), Failure> {
    let found = mirror.morning(me, query.limit, now(), query.filter.since).map_err(failure)?;
    let morning = render::thread::Morning {
        me,
        view: &found.view,
        since: found.since,
        read: found.read,
        total: found.total,
    };
    if query.json {
        let document = render::thread::MorningJson::of(&morning);
        serde_json::to_writer(&mut *out, &document).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", Escaped(&render::thread::morning(&morning)))?;
    }
    if let Some(page) = &query.page {
        std::fs::write(page, render::thread::morning_page(&morning)).map_err(|error| {
            let context = format!("writing {}", page.display());
            Failure::usage(anyhow::Error::new(error).context(context))
        })?;
    }
    cut(found.read, found.total);
    Ok(())
}

/// Tells that an answer is not whole.
fn cut(shown: usize, total: usize) {
    if shown < total {
        message(&format!("{shown} of {total} threads, the newest; --limit {total} shows all"));
    }
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
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

fn reading(mirror: &Mirror, mails: Mails, threads: Vec<Thread>) -> Reading {
    Reading {
        name: mirror.directory().display().to_string(),
        form: "archive of public-inbox",
        threads,
        messages: mails.messages,
        files: mails.places,
    }
}

/// One line for a thread: last day, age in days, mails, who began it, subject, Message-ID.
fn line_of(rows: &[Row]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let last = rows.iter().filter_map(|r| r.date).max();
    let (day, age) = match last {
        Some(seconds) => (
            parse_mail::Moment { seconds, zone: None }.utc()[..10].to_owned(),
            format!("{} days", (now() - seconds).max(0) / 86_400),
        ),
        None => ("unknown".to_owned(), "unknown".to_owned()),
    };
    let flat = |text: &str| text.replace(['\t', '\n'], " ");
    format!(
        "{day}\t{age}\t{} mails\t{}\t{}\t<{}>\n",
        rows.len(),
        flat(&first.sender),
        flat(&first.subject),
        first.message_id.as_deref().unwrap_or("no Message-ID"),
    )
}
