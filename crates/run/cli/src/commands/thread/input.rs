//! Opens whatever holds a thread: a file in any form, compressed or not, standard input, a maildir.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use read_mail::{Form, Message};

use crate::failure::Failure;
use crate::input::Input;

/// Bytes beyond which an input is refused: no thread is that long.
const MAX_BYTES: u64 = 4 << 30;

/// What was read.
pub(super) struct Found {
    pub(super) name: String,
    pub(super) form: &'static str,
    pub(super) messages: Vec<Message>,
}

/// Reads `path`.
pub(super) fn read(path: &Path) -> Result<Found, Failure> {
    let name = path.display().to_string();
    if path.is_dir() {
        let messages = directory(path)?;
        return Ok(Found { name, form: "maildir", messages });
    }
    let bytes = bytes(path)?;
    let form = read_mail::form(&bytes);
    if form == Form::Unknown {
        return Err(Failure::usage(anyhow::anyhow!("{name}: no mail and no saved page of a list"))
            .hint(
                "save the thread from lore as t.mbox.gz, or the page of Patchew or lore as text",
            ));
    }
    Ok(Found { name, form: form.name(), messages: read_mail::messages(&bytes) })
}

/// The bytes of a file or of standard input, decompressed.
fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let input = Input::from(path.to_owned());
    let mut plain = Vec::new();
    input
        .open()?
        .take(MAX_BYTES)
        .read_to_end(&mut plain)
        .with_context(|| format!("reading {}", input.name()))
        .map_err(Failure::usage)?;
    Ok(plain)
}

/// All mails below a directory: `cur` and `new` of maildirs, and plain files of mails.
fn directory(path: &Path) -> Result<Vec<Message>, Failure> {
    let mut files = Vec::new();
    collect(path, 0, &mut files)
        .with_context(|| format!("listing {}", path.display()))
        .map_err(Failure::usage)?;
    files.sort();
    let mut messages = Vec::new();
    for file in &files {
        messages.extend(read_mail::messages(&bytes(file)?));
    }
    if messages.is_empty() {
        return Err(Failure::usage(anyhow::anyhow!(
            "{}: no mail in this directory",
            path.display()
        ))
        .hint("give a maildir (with cur and new) or a directory of mails"));
    }
    Ok(messages)
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
