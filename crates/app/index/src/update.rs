//! How lists and trees come into the index.

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use analysis_tree::{digest, term};
use io_database::change_index::{Entry, News};
use io_git::Repository;
use io_git::public_inbox;
use model::CommitId;
use model::change::Change;

use crate::{Error, Index};

/// Mails or commits of one transaction. What is read again after an interruption is less than this.
const BATCH: usize = 1000;

/// What happens while the index is brought up to date.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// The history of a source was rewritten; it is read anew.
    Rewritten(&'a Path),
    /// So many mails or commits of a source, of so many new ones.
    Added {
        /// The source's name.
        name: &'a str,
        /// Done.
        done: usize,
        /// To do.
        total: usize,
    },
    /// So many mails of an archive cannot be read and are passed over.
    Unread {
        /// The archive.
        path: &'a Path,
        /// How many.
        count: usize,
    },
}

/// A batch: what it says, how many mails or commits it is, and the last of them.
type Batch = (Vec<News>, usize, String);

impl Index {
    /// Takes over what a mirror of lists (a folder of epochs, or one epoch) says that the index does not have.
    ///
    /// # Errors
    /// When there is no archive, or it or the index cannot be read.
    pub fn add_list(
        &mut self,
        directory: &Path,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let mut found = false;
        for epoch in public_inbox::epochs(directory)? {
            let Some(layout) = public_inbox::layout(&epoch)? else { continue };
            found = true;
            let path = epoch.path.canonicalize().unwrap_or_else(|_| epoch.path.clone());
            let done = self.changes.done(&path)?;
            let news = public_inbox::news(&epoch, layout, done.as_deref())?;
            if news.is_rewritten {
                progress(Progress::Rewritten(&path));
                self.changes.forget(&path)?;
            }
            if news.places.is_empty() {
                continue;
            }
            let total = news.places.len();
            let (send, receive) = sync_channel::<Batch>(2);
            let list = epoch.list.clone();
            let reader = thread::spawn(move || -> Result<usize, Error> {
                let mut mails = public_inbox::Mails::open(&epoch)?;
                let mut unread = 0;
                for places in news.places.chunks(BATCH) {
                    let mut read = Vec::with_capacity(places.len());
                    unread += mails.read(places, |_, change| {
                        read.extend(of_mail(&change));
                        true
                    })?;
                    let last = places.last().cloned().unwrap_or_default();
                    if send.send((read, places.len(), last)).is_err() {
                        break;
                    }
                }
                Ok(unread)
            });
            self.write(&path, &list, total, &receive, &mut progress)?;
            drop(receive);
            let count = reader.join().map_err(|_| Error::BrokeOff(path.clone()))??;
            if count > 0 {
                progress(Progress::Unread { path: &path, count });
            }
        }
        if found { Ok(()) } else { Err(Error::NoArchive(directory.to_owned())) }
    }

    /// Takes over the commits of a tree's `HEAD` that the index does not have.
    ///
    /// # Errors
    /// When it is no repository, or it or the index cannot be read.
    pub fn add_tree(
        &mut self,
        directory: &Path,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let repository = Repository::open(directory)?;
        let head = repository.resolve("HEAD")?;
        let path = repository.root().canonicalize().unwrap_or_else(|_| directory.to_owned());
        let mut done = self.changes.done(&path)?;
        let stands = |last: &String| {
            let known = repository.resolve(last).ok();
            known.map_or(Ok(false), |last| repository.is_ancestor(&last, &head))
        };
        if let Some(last) = &done
            && !stands(last)?
        {
            progress(Progress::Rewritten(&path));
            self.changes.forget(&path)?;
            done = None;
        }
        let total = repository.count_new(done.as_deref(), &head)?;
        if total == 0 {
            return Ok(());
        }
        self.add_commits(repository, &path, done, head, total, &mut progress)
    }

    /// Takes over the commits that `head` holds and `after` does not.
    ///
    /// # Errors
    /// When it is no repository, or it or the index cannot be read.
    pub(crate) fn add_range(
        &mut self,
        directory: &Path,
        after: Option<&CommitId>,
        head: &CommitId,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let repository = Repository::open(directory)?;
        let after = after.map(CommitId::to_string);
        let total = repository.count_new(after.as_deref(), head)?;
        let path = repository.root().to_owned();
        self.add_commits(repository, &path, after, head.clone(), total, &mut progress)
    }

    fn add_commits(
        &mut self,
        repository: Repository,
        path: &Path,
        after: Option<String>,
        head: CommitId,
        total: usize,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let tip = head.to_string();
        let name =
            path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let (send, receive) = sync_channel::<Batch>(2);
        let reader = thread::spawn(move || -> Result<(), Error> {
            let mut read = Vec::new();
            let mut count = 0;
            let mut last = String::new();
            repository.walk(after.as_deref(), &head, |commit| {
                count += 1;
                let change = digest::of_commit(
                    &commit.id,
                    commit.date,
                    &commit.author,
                    &commit.message,
                    &commit.diff,
                );
                read.extend(entry(change));
                last = commit.id;
                if count < BATCH {
                    return true;
                }
                let batch = (std::mem::take(&mut read), std::mem::take(&mut count), last.clone());
                send.send(batch).is_ok()
            })?;
            if count > 0 {
                // A writer that failed says so itself.
                let _ = send.send((read, count, last));
            }
            Ok(())
        });
        self.write(path, &name, total, &receive, progress)?;
        drop(receive);
        reader.join().map_err(|_| Error::BrokeOff(path.to_owned()))??;
        // Where the head is a merge, its other sides would be read again each time.
        Ok(self.changes.add(path, &name, &[], &tip)?)
    }

    fn write(
        &mut self,
        path: &Path,
        name: &str,
        total: usize,
        batches: &Receiver<Batch>,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let mut done = 0;
        for (news, count, last) in batches {
            self.changes.add(path, name, &news, &last)?;
            done += count;
            progress(Progress::Added { name, done, total });
        }
        Ok(())
    }
}

fn of_mail(change: &public_inbox::Change) -> Option<News> {
    match change {
        public_inbox::Change::Added(raw) => {
            entry(digest::of_message(&parse_mail::message(raw, 1))?)
        }
        public_inbox::Change::Removed(raw) => {
            Some(News::Removed(parse_mail::message(raw, 1).message_id?))
        }
    }
}

fn entry(change: Change) -> Option<News> {
    let key = change.commit.clone().or_else(|| change.message_id.clone())?;
    let terms = term::terms(&change).iter().map(term::Term::number).collect();
    Some(News::Added(Box::new(Entry { key, change, terms })))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::Progress;
    use crate::Index;

    #[test]
    #[expect(clippy::print_stdout, reason = "a test that skips says so")]
    fn what_cannot_be_read_of_an_archive_is_counted_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("pumps/git/0.git");
        std::fs::create_dir_all(&archive).unwrap();
        let git = |arguments: &[&str]| {
            Command::new("git")
                .arg("-C")
                .arg(&archive)
                .args(["-c", "user.name=Ann", "-c", "user.email=ann@x.example"])
                .args(arguments)
                .output()
                .is_ok_and(|out| out.status.success())
        };
        if !git(&["init", "-q", "."]) {
            println!("skipped: no git command");
            return;
        }
        // A commit that neither brings a mail nor takes one back.
        assert!(git(&["commit", "-q", "--allow-empty", "-m", "nothing"]));
        std::fs::write(archive.join("m"), "From: Ann <a@x>\nSubject: hello\n\nHello.\n").unwrap();
        assert!(git(&["add", "m"]) && git(&["commit", "-q", "-m", "hello"]));
        let mut index = Index::open(&folder.path().join("state")).unwrap();
        let mut unread = Vec::new();
        let mut read = || {
            index.add_list(folder.path(), |progress| {
                if let Progress::Unread { count, .. } = progress {
                    unread.push(count);
                }
            })
        };
        read().unwrap();
        read().unwrap();
        assert_eq!(unread, [1]);
    }
}
