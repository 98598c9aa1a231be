//! `ktriage thread --list DIR`: a whole mirror of a list, indexed once, brought up to date each time,
//! and asked.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread;

use analysis_thread::{QuestionState, Thread, understand};
use anyhow::Context as _;
use io_database::mail_index::{self, MailIndex, Row, Wanted};
use io_git::public_inbox::{self, Epoch, Layout, Mails};
use model::LineSpan;
use parse_mail::Message;

use crate::failure::Failure;
use crate::output::{Escaped, message};

use super::Read;

/// Mails written in one transaction. What is lost by an interruption is less than this.
const BATCH: usize = 1000;
/// Mails of a thread that are read for an answer.
const MAX_THREAD: usize = 5000;

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

/// Brings the index up to date and prints what is asked. Whole threads go to `take`.
pub(super) fn run(
    query: &Query,
    mut take: impl FnMut(Read) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let path = match &query.index {
        Some(path) => path.clone(),
        None => query.directory.join("ktriage-mail.sqlite"),
    };
    let mut index = MailIndex::open(&path)
        .map_err(|e| Failure::usage(e).hint("give another place for it with --index FILE"))?;
    let epochs = public_inbox::epochs(&query.directory).map_err(Failure::usage)?;
    if epochs.is_empty() {
        return Err(Failure::usage(anyhow::anyhow!(
            "{}: no archive of public-inbox here",
            query.directory.display()
        ))
        .hint(
            "clone one with `git clone --mirror https://lore.kernel.org/LIST/0 LIST/git/0.git`",
        ));
    }
    let mut archives = 0;
    for epoch in &epochs {
        let Some(layout) = public_inbox::layout(epoch).map_err(Failure::usage)? else { continue };
        archives += 1;
        if !query.offline {
            update(&mut index, epoch, layout)?;
        }
    }
    if archives == 0 {
        return Err(Failure::usage(anyhow::anyhow!(
            "{}: of {} repositories none is an archive of mails",
            query.directory.display(),
            epochs.len()
        ))
        .hint("an archive of public-inbox has one mail a commit, in the file `m`"));
    }
    if let Some(id) = &query.id {
        let thread = index.thread_of(id).map_err(Failure::usage)?;
        let rows = match thread {
            Some(thread) => index.mails(thread).map_err(Failure::usage)?,
            None => Vec::new(),
        };
        if rows.is_empty() {
            return Err(Failure::usage(anyhow::anyhow!(
                "no mail of {} has or answers the Message-ID {id}",
                query.directory.display()
            ))
            .hint("fetch the mirror's news with `git fetch` in its newest epoch, or ask without --no-update"));
        }
        take(whole(&query.directory, &rows)?)?;
    }
    let mut out = io::stdout();
    if query.wanted.is_empty() && query.me.is_none() && query.id.is_none() {
        let count = index.count().map_err(Failure::usage)?;
        writeln!(
            out,
            "{count} mails of {archives} archives in {}",
            Escaped(&path.display().to_string())
        )?;
    }
    for wanted in &query.wanted {
        for thread in index.threads(wanted, query.limit).map_err(Failure::usage)? {
            let rows = index.mails(thread).map_err(Failure::usage)?;
            if query.show {
                take(whole(&query.directory, &rows)?)?;
            } else {
                write!(out, "{}", Escaped(&summary(&rows)))?;
            }
        }
    }
    if let Some(me) = &query.me {
        let threads =
            index.threads(&Wanted::Writer(me.clone()), query.limit).map_err(Failure::usage)?;
        for thread in threads {
            let rows = index.mails(thread).map_err(Failure::usage)?;
            write!(out, "{}", Escaped(&open_to(me, &rows)?))?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Takes over what an epoch says that the index does not have. Reading, understanding and writing go
/// on side by side.
fn update(index: &mut MailIndex, epoch: &Epoch, layout: Layout) -> Result<(), Failure> {
    let done = index.done(&epoch.path).map_err(Failure::usage)?;
    let news = public_inbox::news(epoch, layout, done.as_deref()).map_err(Failure::usage)?;
    if news.is_rewritten {
        message(&format!("{}: its history was rewritten; it is read anew", epoch.path.display()));
        index.begin_again(&epoch.path).map_err(Failure::usage)?;
    }
    if !news.places.is_empty() {
        add(index, epoch, news.places)?;
    }
    // Also after a run that was to do it and was interrupted.
    index.end_again(&epoch.path).map_err(Failure::usage)?;
    Ok(())
}

fn add(index: &mut MailIndex, epoch: &Epoch, places: Vec<String>) -> Result<(), Failure> {
    let total = places.len();
    let (send, receive) = sync_channel::<Vec<(String, mail_index::Change)>>(4);
    let reader = {
        let epoch = epoch.clone();
        thread::spawn(move || -> Result<(), public_inbox::Error> {
            let mut mails = Mails::open(&epoch)?;
            for batch in places.chunks(BATCH) {
                let mut read = Vec::with_capacity(batch.len());
                mails.read(batch, |place, change| {
                    let change = match change {
                        public_inbox::Change::Added(mail) => {
                            mail_index::Change::Added(parse_mail::message(&mail, 1))
                        }
                        public_inbox::Change::Removed(mail) => {
                            mail_index::Change::Removed(parse_mail::message(&mail, 1))
                        }
                    };
                    read.push((place.to_owned(), change));
                    true
                })?;
                if send.send(read).is_err() {
                    break;
                }
            }
            Ok(())
        })
    };
    let shows = io::stderr().is_terminal();
    let mut seen = 0;
    for batch in receive {
        seen += batch.len();
        index.add(&epoch.path, &epoch.list, &batch).map_err(Failure::usage)?;
        if shows && seen % (BATCH * 10) == 0 {
            message(&format!("{}: {seen} of {total} mails", epoch.list));
        }
    }
    match reader.join() {
        Ok(outcome) => outcome.map_err(Failure::usage),
        Err(_) => {
            Err(Failure::usage(anyhow::anyhow!("reading {} broke off", epoch.path.display())))
        }
    }
}

/// A thread of the index, read and understood.
fn whole(directory: &Path, rows: &[Row]) -> Result<Read, Failure> {
    let rows = &rows[..rows.len().min(MAX_THREAD)];
    let found = mails(rows)?;
    let files = found
        .iter()
        .map(|(row, message)| {
            let row = &rows[*row];
            (message.lines.first, format!("{}:{}", row.archive.display(), row.place))
        })
        .collect();
    let messages: Vec<Message> = found.into_iter().map(|f| f.1).collect();
    Ok(Read {
        name: directory.display().to_string(),
        form: "archive of public-inbox",
        threads: understand(&messages),
        messages,
        files,
    })
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

/// The mails of a thread, each with the index of its row.
fn mails(rows: &[Row]) -> Result<Vec<(usize, Message)>, Failure> {
    let mut found: Vec<(usize, Message)> = Vec::new();
    let mut at = 0;
    while at < rows.len() {
        let archive: &Path = &rows[at].archive;
        let end =
            rows[at..].iter().position(|r| r.archive != archive).map_or(rows.len(), |n| at + n);
        let epoch = Epoch { path: archive.to_owned(), list: String::new() };
        let mut mails = Mails::open(&epoch).map_err(Failure::usage)?;
        let places: Vec<String> = rows[at..end].iter().map(|r| r.place.clone()).collect();
        let mut row = at;
        mails
            .read(&places, |place, change| {
                while row < end && rows[row].place != place {
                    row += 1;
                }
                if let public_inbox::Change::Added(mail) = change {
                    // Each line of a thread has a number of its own.
                    let first = found.last().map_or(1, |m| m.1.lines.last + 1);
                    found.push((row.min(end - 1), parse_mail::message(&mail, first)));
                }
                true
            })
            .with_context(|| format!("reading mails of {}", archive.display()))
            .map_err(Failure::usage)?;
        at = end;
    }
    Ok(found)
}

/// The open questions of a thread that wait for `me`, one a line: Message-ID, lines, number, asker,
/// text.
fn open_to(me: &str, rows: &[Row]) -> Result<String, Failure> {
    let rows = &rows[..rows.len().min(MAX_THREAD)];
    let messages: Vec<Message> = mails(rows)?.into_iter().map(|f| f.1).collect();
    let names: Vec<&str> = messages
        .iter()
        .map(|m| &m.from)
        .filter(|p| p.address.as_deref().is_some_and(|a| a.eq_ignore_ascii_case(me)))
        .map(|p| p.name.as_str())
        .collect();
    let mut out = String::new();
    for thread in understand(&messages) {
        for (number, question) in thread.questions.iter().enumerate() {
            let open = matches!(question.state, QuestionState::Open | QuestionState::Partly);
            let mine = question.waits_for.iter().any(|who| {
                let who =
                    who.strip_prefix("author (").map_or(who.as_str(), |w| w.trim_end_matches(')'));
                names.contains(&who) || who.eq_ignore_ascii_case(me)
            });
            if open && mine {
                out.push_str(&line(&thread, &messages, number));
            }
        }
    }
    Ok(out)
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
