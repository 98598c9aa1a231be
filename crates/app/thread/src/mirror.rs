//! A directory of archives and its index.

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread;

use analysis_thread::{Agenda, View, agenda, understand_about, view};
use io_database::mail_index::{self, Filter, MailIndex, Row};
use io_git::public_inbox::{self, Epoch, Layout};
use parse_mail::Message;

use crate::digest::digest;

/// Mails written in one transaction. What is lost by an interruption is less than this.
const BATCH: usize = 1000;
/// Mails that are read for an answer.
const MAX_MAILS: usize = 5000;
/// Threads that are read for an answer.
const MAX_THREADS: usize = 64;
/// Threads whose agenda is made anew when new mails made it stale; others wait until they are asked for.
const MAX_RENEWED: usize = 200;
/// Seconds before the newest mail in which what was applied is told of.
const APPLIED_WITHIN: i64 = 14 * 86_400;

/// Why a mirror cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The index.
    #[error(transparent)]
    Index(#[from] mail_index::Error),
    /// An archive.
    #[error(transparent)]
    Archive(#[from] public_inbox::Error),
    /// There is no repository at all.
    #[error("{}: no archive of public-inbox here", .0.display())]
    NoRepository(PathBuf),
    /// There are repositories, and none holds mails.
    #[error("{}: of {count} repositories none is an archive of mails", path.display())]
    NoArchive {
        /// The mirror.
        path: PathBuf,
        /// The repositories.
        count: usize,
    },
    /// The thread that reads an archive ended without a word.
    #[error("reading {} broke off", .0.display())]
    BrokeOff(PathBuf),
}

/// What happens while an index is brought up to date.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// The history of an archive was rewritten, as when a mail is purged; it is read anew.
    Rewritten(&'a Path),
    /// So many mails of a list, of so many new ones.
    Added {
        /// The list.
        list: &'a str,
        /// Mails done.
        done: usize,
        /// Mails to do.
        total: usize,
    },
}

/// The mails of a thread.
#[derive(Clone, Debug, Default)]
pub struct Mails {
    /// The mails; lines are counted through them in order.
    pub messages: Vec<Message>,
    /// The first line of each and where it stands: `REPOSITORY:COMMIT`.
    pub places: Vec<(u64, String)>,
}

/// What concerns one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Morning {
    /// It.
    pub view: View,
    /// From when on what was applied is told of, in seconds since 1970.
    pub since: i64,
    /// Threads in which the person wrote that were looked at.
    pub read: usize,
    /// How many there are.
    pub total: usize,
}

/// A directory of archives and its index.
#[derive(Debug)]
pub struct Mirror {
    directory: PathBuf,
    index: MailIndex,
    archives: Vec<(Epoch, Layout)>,
    /// Running readers of archives, so that an answer of many threads starts one for each archive only.
    readers: RefCell<HashMap<PathBuf, public_inbox::Mails>>,
    /// What tells this build of the program from others, whose agendas may say something else.
    stamp: String,
}

impl Mirror {
    /// Opens the mirror in `directory` with its index at `index`, which is made if it is not there.
    pub fn open(directory: &Path, index: &Path) -> Result<Self, Error> {
        let index = MailIndex::open(index)?;
        let epochs = public_inbox::epochs(directory)?;
        if epochs.is_empty() {
            return Err(Error::NoRepository(directory.to_owned()));
        }
        let count = epochs.len();
        let mut archives = Vec::new();
        for epoch in epochs {
            if let Some(layout) = public_inbox::layout(&epoch)? {
                archives.push((epoch, layout));
            }
        }
        if archives.is_empty() {
            return Err(Error::NoArchive { path: directory.to_owned(), count });
        }
        let readers = RefCell::default();
        let stamp = stamp();
        Ok(Self { directory: directory.to_owned(), index, archives, readers, stamp })
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// How many archives it holds.
    pub fn archives(&self) -> usize {
        self.archives.len()
    }

    /// The index, to be searched.
    pub fn index(&self) -> &MailIndex {
        &self.index
    }

    /// Takes over what the archives say that the index does not have.
    pub fn update(&mut self, mut progress: impl FnMut(Progress<'_>)) -> Result<(), Error> {
        for (epoch, layout) in &self.archives {
            let done = self.index.done(&epoch.path)?;
            let news = public_inbox::news(epoch, *layout, done.as_deref())?;
            if news.is_rewritten {
                progress(Progress::Rewritten(&epoch.path));
                self.index.begin_again(&epoch.path)?;
            }
            if !news.places.is_empty() {
                add(&mut self.index, epoch, news.places, &mut progress)?;
            }
            // Also after a run that was to do it and was interrupted.
            self.index.end_again(&epoch.path)?;
        }
        let stale = self.index.take_stale();
        let renewed: Vec<i64> = stale.into_iter().rev().take(MAX_RENEWED).collect();
        self.agendas(&renewed)?;
        Ok(())
    }

    /// The threads that fit, the one with the newest mail first, and how many there are in all.
    pub fn find(&self, filter: &Filter, limit: usize) -> Result<(Vec<Summary>, usize), Error> {
        let found = self.index.threads(filter, limit)?;
        let summaries = found
            .threads
            .into_iter()
            .map(|thread| Ok(Summary { thread, mails: self.index.mails(thread)? }))
            .collect::<Result<_, Error>>()?;
        Ok((summaries, found.total))
    }

    /// The thread of a Message-ID; none if no mail has or answers it.
    pub fn thread_of(&self, message_id: &str) -> Result<Option<i64>, Error> {
        let Some(thread) = self.index.thread_of(message_id)? else { return Ok(None) };
        // All of it may have been purged.
        Ok((!self.index.mails(thread)?.is_empty()).then_some(thread))
    }

    /// The mails of a thread and of the threads that hold other versions of its series.
    pub fn series(&self, thread: i64) -> Result<Mails, Error> {
        self.mails(&self.parts(thread)?)
    }

    /// The mails of threads.
    fn mails(&self, threads: &[i64]) -> Result<Mails, Error> {
        let mut rows = Vec::new();
        for &thread in threads {
            rows.extend(self.index.mails(thread)?);
            if rows.len() > MAX_MAILS {
                break;
            }
        }
        rows.truncate(MAX_MAILS);
        rows.sort_by(|a, b| (&a.archive, a.date, &a.place).cmp(&(&b.archive, b.date, &b.place)));
        self.read(&rows)
    }

    /// A thread and those that may hold other versions of its series.
    fn parts(&self, thread: i64) -> Result<Vec<i64>, Error> {
        let mut parts = vec![thread];
        // A retitled version is found by what it touches, and what goes on from there by its title.
        for round in 0..2 {
            let mut next = 0;
            while let Some(&one) = parts.get(next) {
                next += 1;
                if parts.len() > MAX_THREADS {
                    break;
                }
                for other in self.index.related(one)? {
                    if !parts.contains(&other) {
                        parts.push(other);
                    }
                }
            }
            if round == 0 {
                for other in self.index.neighbours(thread)? {
                    if !parts.contains(&other) {
                        parts.push(other);
                    }
                }
            }
        }
        parts.truncate(MAX_THREADS);
        Ok(parts)
    }

    /// What concerns an address in the newest `limit` threads in which it wrote, at the moment `now` in
    /// seconds since 1970; of what was applied, that since `since`, or of the last weeks before the newest
    /// mail.
    pub fn morning(
        &self,
        me: &str,
        limit: usize,
        now: i64,
        since: Option<i64>,
    ) -> Result<Morning, Error> {
        let filter = Filter { writer: Some(me.to_owned()), ..Filter::default() };
        let found = self.index.threads(&filter, limit)?;
        let agendas = self.agendas(&found.threads)?;
        let newest = self.index.newest()?.unwrap_or(now).min(now);
        let since = since.unwrap_or(newest - APPLIED_WITHIN);
        let view = view(me, &agendas, now, since);
        Ok(Morning { view, since, read: found.threads.len(), total: found.total })
    }

    /// The agendas of threads, one a series, from the index where it keeps them.
    fn agendas(&self, threads: &[i64]) -> Result<Vec<Agenda>, Error> {
        let mut all: Vec<Agenda> = Vec::new();
        // Versions of one series are found from each of their threads: it is read once.
        let mut known: HashSet<String> = HashSet::new();
        for &thread in threads {
            let Some(id) = self.index.first_id(thread)? else { continue };
            let kept = self.index.kept(thread, &self.stamp)?;
            let agenda = match kept.and_then(|text| serde_json::from_str(&text).ok()) {
                Some(agenda) => Some(agenda),
                // One that is of a series which was just read has that one's agenda.
                None => match all.iter().find(|a| a.ids.contains(&id)).cloned() {
                    Some(agenda) => Some(agenda),
                    None => self.understand(thread, &id)?,
                },
            };
            let Some(agenda) = agenda else { continue };
            if known.contains(&id) {
                continue;
            }
            known.extend(agenda.ids.iter().cloned());
            all.push(agenda);
        }
        Ok(all)
    }

    /// Makes the agenda of a thread and keeps it.
    fn understand(&self, thread: i64, id: &str) -> Result<Option<Agenda>, Error> {
        let parts = self.parts(thread)?;
        let mails = self.mails(&parts)?;
        let Some(found) = understand_about(&mails.messages, id) else { return Ok(None) };
        let agenda = agenda(&found, &mails.messages);
        let text = serde_json::to_string(&agenda).unwrap_or_default();
        // An index that cannot be written, as on a disk that is full or read-only, is asked all the same.
        let _ = self.index.together(|| self.index.keep(thread, &self.stamp, &parts, &text));
        Ok(Some(agenda))
    }

    /// Reads the mails that rows name.
    fn read(&self, rows: &[Row]) -> Result<Mails, Error> {
        let mut found = Mails::default();
        let mut readers = self.readers.borrow_mut();
        for same in rows.chunk_by(|a, b| a.archive == b.archive) {
            let archive = &same[0].archive;
            let places: Vec<String> = same.iter().map(|r| r.place.clone()).collect();
            let reader = match readers.entry(archive.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let epoch = Epoch { path: archive.clone(), list: String::new() };
                    new.insert(public_inbox::Mails::open(&epoch)?)
                }
            };
            let outcome = reader.read(&places, |place, change| {
                if let public_inbox::Change::Added(mail) = change {
                    // Each line of a thread has a number of its own.
                    let first = found.messages.last().map_or(1, |m| m.lines.last + 1);
                    found.places.push((first, format!("{}:{place}", archive.display())));
                    found.messages.push(parse_mail::message(&mail, first));
                }
                true
            });
            if outcome.is_err() {
                // What a broken reader says next would be an answer to something else.
                readers.remove(archive);
            }
            outcome?;
        }
        Ok(found)
    }
}

/// Names this build of the program: its version, and the size and age of its file.
fn stamp() -> String {
    let file = std::env::current_exe().and_then(std::fs::metadata);
    let age = file.as_ref().ok().and_then(|f| f.modified().ok());
    let age = age.and_then(|a| a.duration_since(std::time::UNIX_EPOCH).ok());
    format!(
        "{} {} {}",
        env!("CARGO_PKG_VERSION"),
        file.map_or(0, |f| f.len()),
        age.map_or(0, |a| a.as_nanos())
    )
}

/// A thread that was found.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Its number in the index.
    pub thread: i64,
    /// Its mails, oldest first.
    pub mails: Vec<Row>,
}

/// Reading, understanding and writing go on side by side.
fn add(
    index: &mut MailIndex,
    epoch: &Epoch,
    places: Vec<String>,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<(), Error> {
    let total = places.len();
    let (send, receive) = sync_channel::<Vec<(String, mail_index::Change)>>(4);
    let reader = {
        let epoch = epoch.clone();
        thread::spawn(move || -> Result<usize, public_inbox::Error> {
            let mut mails = public_inbox::Mails::open(&epoch)?;
            let mut unread = 0;
            for batch in places.chunks(BATCH) {
                let mut read = Vec::with_capacity(batch.len());
                unread += mails.read(batch, |place, change| {
                    let change = match change {
                        public_inbox::Change::Added(mail) => {
                            mail_index::Change::Added(Box::new(digest(&mail)))
                        }
                        public_inbox::Change::Removed(mail) => {
                            mail_index::Change::Removed(digest(&mail).message_id)
                        }
                    };
                    read.push((place.to_owned(), change));
                    true
                })?;
                if send.send(read).is_err() {
                    break;
                }
            }
            Ok(unread)
        })
    };
    let mut done = 0;
    for batch in receive {
        done += batch.len();
        index.add(&epoch.path, &epoch.list, &batch)?;
        progress(Progress::Added { list: &epoch.list, done, total });
    }
    match reader.join() {
        Ok(outcome) => {
            let unread = outcome?;
            if unread > 0 {
                index.note_unread(&epoch.path, unread)?;
            }
            Ok(())
        }
        Err(_) => Err(Error::BrokeOff(epoch.path.clone())),
    }
}
