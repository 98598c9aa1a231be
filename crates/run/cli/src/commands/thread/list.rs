//! `ktriage thread --list DIR`: a whole mirror of a list, indexed once, brought up to date each time,
//! and asked.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::Context as _;
use facts::LineSpan;
use outside_git::public_inbox::{self, Epoch, Mails};
use outside_store::mail_index::{MailIndex, Row, Wanted};
use read_mail::Message;
use reason_thread::{QuestionState, Thread, understand};

use crate::failure::Failure;
use crate::output::{Escaped, message};

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
}

/// Brings the index up to date and prints what is asked.
pub(super) fn run(query: &Query) -> Result<(), Failure> {
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
    if !query.offline {
        for epoch in &epochs {
            update(&mut index, epoch)?;
        }
    }
    let mut out = io::stdout().lock();
    if query.wanted.is_empty() && query.me.is_none() {
        let count = index.count().map_err(Failure::usage)?;
        writeln!(
            out,
            "{count} mails of {} archives in {}",
            epochs.len(),
            Escaped(&path.display().to_string())
        )?;
    }
    for wanted in &query.wanted {
        for thread in index.threads(wanted, query.limit).map_err(Failure::usage)? {
            let rows = index.mails(thread).map_err(Failure::usage)?;
            write!(out, "{}", Escaped(&summary(&rows)))?;
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

/// Adds the mails of an epoch that the index does not have. Reading, understanding and writing go on
/// side by side.
fn update(index: &mut MailIndex, epoch: &Epoch) -> Result<(), Failure> {
    let done = index.done(&epoch.path).map_err(Failure::usage)?;
    let commits = public_inbox::commits(epoch, done.as_deref()).map_err(Failure::usage)?;
    if commits.is_empty() {
        return Ok(());
    }
    let total = commits.len();
    let (send, receive) = sync_channel::<Vec<(String, Message)>>(4);
    let reader = {
        let epoch = epoch.clone();
        thread::spawn(move || -> Result<(), public_inbox::Error> {
            let mut mails = Mails::open(&epoch)?;
            for batch in commits.chunks(BATCH) {
                let mut read = Vec::with_capacity(batch.len());
                mails.read(batch, |commit, mail| {
                    read.push((commit.to_owned(), read_mail::message(&mail, 1)));
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

/// One line for a thread: last day, mails, people, subject, place of its first mail.
fn summary(rows: &[Row]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let last = rows.iter().filter_map(|r| r.date).max();
    let day = last.map_or_else(
        || "unknown".to_owned(),
        |seconds| read_mail::Moment { seconds, zone: None }.utc()[..10].to_owned(),
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

/// The mails of a thread.
pub(super) fn messages(rows: &[Row]) -> Result<Vec<Message>, Failure> {
    let mut found = Vec::new();
    let mut at = 0;
    let rows = &rows[..rows.len().min(MAX_THREAD)];
    while at < rows.len() {
        let archive: &Path = &rows[at].archive;
        let end =
            rows[at..].iter().position(|r| r.archive != archive).map_or(rows.len(), |n| at + n);
        let epoch = Epoch { path: archive.to_owned(), list: String::new() };
        let mut mails = Mails::open(&epoch).map_err(Failure::usage)?;
        let places: Vec<String> = rows[at..end].iter().map(|r| r.place.clone()).collect();
        mails
            .read(&places, |_, mail| {
                // Each line of a thread has a number of its own.
                let first = found.last().map_or(1, |m: &Message| m.lines.last + 1);
                found.push(read_mail::message(&mail, first));
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
    let messages = messages(rows)?;
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
