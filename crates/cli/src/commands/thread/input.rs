//! Opens whatever holds a thread: a file in any form, compressed or not, standard input, a maildir, an
//! archive of public-inbox.
//!
//! Invariant: no two lines of an input have the same number. Where it is made of several files or
//! mails, lines are counted through them in order, and [`Found::files`] tells which is which.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use app_thread::message_id;
use io_git::public_inbox::{self, Change, Mails};
use parse_mail::{Form, Message};

use crate::failure::Failure;
use crate::input::Input;

/// Bytes of mails, decompressed, beyond which an input is refused: no thread is that long.
const MAX_BYTES: usize = 256 << 20;
/// Mails of an archive that are read without an index.
const MAX_ARCHIVE: usize = 20_000;

/// What was read.
pub(in crate::commands) struct Found {
    pub(in crate::commands) name: String,
    pub(in crate::commands) form: &'static str,
    pub(in crate::commands) messages: Vec<Message>,
    /// The first line of each file of a directory or mail of an archive, with its name; empty for
    /// a single file.
    pub(in crate::commands) files: Vec<(u64, String)>,
}

/// Reads `path`.
pub(in crate::commands) fn read(path: &Path) -> Result<Found, Failure> {
    let name = path.display().to_string();
    if path.as_os_str() != "-" && !path.exists() {
        return Err(missing(&name));
    }
    if path.is_dir() {
        return match archive(path, &name)? {
            Some(found) => Ok(found),
            None => directory(path, name),
        };
    }
    let bytes = bytes(path)?;
    if bytes.len() > MAX_BYTES {
        return Err(too_long(&name));
    }
    let form = parse_mail::form(&bytes);
    if form == Form::Unknown {
        return Err(Failure::usage(anyhow::anyhow!("{name}: no mail and no saved page of a list"))
            .hint(
                "save the thread from lore as t.mbox.gz, or the page of Patchew or lore as text",
            ));
    }
    let messages = parse_mail::messages(&bytes);
    Ok(Found { name, form: form.name(), messages, files: Vec::new() })
}

/// No such file: says how to get at the thread that was probably meant.
fn missing(name: &str) -> Failure {
    let Some(id) = message_id(name) else {
        return Failure::usage(anyhow::anyhow!("{name}: no such file or directory"))
            .hint("give a mailbox, a saved page or a maildir; `-` is standard input");
    };
    Failure::usage(anyhow::anyhow!("{name}: no such file, and ktriage fetches nothing")).hint(
        format!(
            "get the thread with `curl -LO https://lore.kernel.org/all/{id}/t.mbox.gz`, then \
         `ktriage thread t.mbox.gz`; in a mirror: `ktriage thread --list DIR --id '{id}'`"
        ),
    )
}

fn too_long(name: &str) -> Failure {
    Failure::usage(anyhow::anyhow!("{name}: more than {} MiB of mails", MAX_BYTES >> 20)).hint(
        "this is a list's archive and no thread: give the mailbox of one thread, or clone the list's \
         public-inbox and index it with `ktriage thread --list DIR`",
    )
}

/// All mails of an archive of public-inbox; none if the directory holds none.
fn archive(path: &Path, name: &str) -> Result<Option<Found>, Failure> {
    let mut messages: Vec<Message> = Vec::new();
    let mut files = Vec::new();
    let mut count = 0;
    let mut total = 0;
    for epoch in public_inbox::epochs(path).map_err(Failure::usage)? {
        let Some(layout) = public_inbox::layout(&epoch).map_err(Failure::usage)? else { continue };
        let news = public_inbox::news(&epoch, layout, None).map_err(Failure::usage)?;
        let mut mails = Mails::open(&epoch).map_err(Failure::usage)?;
        count += news.places.len();
        if count > MAX_ARCHIVE {
            return Err(Failure::usage(anyhow::anyhow!(
                "{name}: an archive of more than {MAX_ARCHIVE} mails"
            ))
            .hint(format!(
                "index it with `ktriage thread --list {name}`; `--id MESSAGE-ID` then shows one thread"
            )));
        }
        mails
            .read(&news.places, |place, change| {
                match change {
                    Change::Added(mail) => {
                        total += mail.len();
                        if total > MAX_BYTES {
                            return false;
                        }
                        let first = messages.last().map_or(1, |m| m.lines.last + 1);
                        files.push((first, format!("{}:{place}", epoch.path.display())));
                        messages.push(parse_mail::message(&mail, first));
                    }
                    Change::Removed(mail) => {
                        let id = parse_mail::message(&mail, 1).message_id;
                        messages.retain(|m| m.message_id.is_none() || m.message_id != id);
                    }
                }
                true
            })
            .map_err(Failure::usage)?;
        if total > MAX_BYTES {
            return Err(too_long(name));
        }
    }
    let name = name.to_owned();
    let found = Found { name, form: "archive of public-inbox", messages, files };
    Ok((!found.messages.is_empty()).then_some(found))
}

/// The bytes of a file or of standard input, decompressed; one more than is allowed where there are
/// too many.
fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let input = Input::from(path.to_owned());
    let mut plain = Vec::new();
    input
        .open()?
        .take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut plain)
        .with_context(|| format!("reading {}", input.name()))
        .map_err(Failure::usage)?;
    Ok(plain)
}

/// All mails below a directory: `cur` and `new` of maildirs, and plain files of mails.
fn directory(path: &Path, name: String) -> Result<Found, Failure> {
    let mut paths = Vec::new();
    collect(path, 0, &mut paths)
        .with_context(|| format!("listing {name}"))
        .map_err(Failure::usage)?;
    paths.sort();
    let mut messages = Vec::new();
    let mut files = Vec::new();
    let mut first = 1;
    let mut total = 0;
    for file in &paths {
        let bytes = bytes(file)?;
        let in_maildir = file
            .parent()
            .and_then(Path::file_name)
            .is_some_and(|folder| folder == "cur" || folder == "new");
        let found = parse_mail::messages_of_file(&bytes, first, in_maildir);
        if found.is_empty() {
            continue;
        }
        total += bytes.len();
        if total > MAX_BYTES {
            return Err(too_long(&name));
        }
        files.push((first, file.display().to_string()));
        first += bytes.iter().filter(|b| **b == b'\n').count() as u64
            + u64::from(bytes.last().is_some_and(|b| *b != b'\n'));
        messages.extend(found);
    }
    if messages.is_empty() {
        return Err(Failure::usage(anyhow::anyhow!("{name}: no mail in this directory"))
            .hint("give a maildir (with cur and new), a directory of mails, or a clone of an archive of public-inbox"));
    }
    Ok(Found { name, form: "maildir", messages, files })
}

fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if kind.is_dir() && depth < 8 && entry.file_name() != "tmp" {
            // Folders of maildirs begin with a dot; those of git do not hold mails.
            if entry.file_name() != ".git" {
                collect(&entry.path(), depth + 1, files)?;
            }
        } else if kind.is_file() && !hidden {
            files.push(entry.path());
        }
    }
    Ok(())
}
