//! Maildirs: mails in, mails out, each once.
//!
//! Invariants: a mail is whole in `new` or not there at all; putting a mail of the same name again changes nothing.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Bytes of a mail that is read.
const LONGEST: u64 = 64 << 20;

/// A maildir could not be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot {doing}: {source}", path.display())]
pub struct MailboxError {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MailboxError + use<> {
    let path = path.to_owned();
    move |source| MailboxError { doing, path, source }
}

/// Puts a mail into a maildir under a name of one's own. One that is there already, read or not, stays.
///
/// # Errors
/// When the maildir cannot be written.
pub fn put(maildir: &Path, name: &str, mail: &[u8]) -> Result<(), MailboxError> {
    for part in ["tmp", "new", "cur"] {
        let folder = maildir.join(part);
        fs::create_dir_all(&folder).map_err(failed("make a maildir", &folder))?;
    }
    let (temporary, new) = (maildir.join("tmp").join(name), maildir.join("new").join(name));
    if new.exists() || is_in_cur(maildir, name)? {
        return Ok(());
    }
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(mail)?;
        file.sync_all()?;
        fs::rename(&temporary, &new)?;
        // The name must last, too.
        File::open(maildir.join("new"))?.sync_all()
    };
    write().map_err(failed("put a mail into the maildir", &new))
}

fn is_in_cur(maildir: &Path, name: &str) -> Result<bool, MailboxError> {
    let cur = maildir.join("cur");
    let entries = fs::read_dir(&cur).map_err(failed("read the maildir", &cur))?;
    let flagged = format!("{name}:");
    Ok(entries.filter_map(Result::ok).any(|entry| {
        let found = entry.file_name();
        let found = found.to_string_lossy();
        found == name || found.starts_with(&flagged)
    }))
}

/// The mails that nobody read yet, oldest name first.
///
/// # Errors
/// When the maildir cannot be read.
pub fn unread(maildir: &Path) -> Result<Vec<PathBuf>, MailboxError> {
    let new = maildir.join("new");
    let entries = fs::read_dir(&new).map_err(failed("read the maildir", &new))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    Ok(found)
}

/// Reads a mail of bounded length.
///
/// # Errors
/// When it cannot be read.
pub fn read(mail: &Path) -> Result<Vec<u8>, MailboxError> {
    let mut bytes = Vec::new();
    File::open(mail)
        .and_then(|file| file.take(LONGEST).read_to_end(&mut bytes))
        .map_err(failed("read a mail", mail))?;
    Ok(bytes)
}

/// Marks a mail as read. One that is gone meanwhile was marked by somebody else.
///
/// # Errors
/// When it cannot be moved.
pub fn mark_read(mail: &Path) -> Result<(), MailboxError> {
    let Some((folder, name)) = mail.parent().and_then(Path::parent).zip(mail.file_name()) else {
        return Ok(());
    };
    let cur = folder.join("cur");
    fs::create_dir_all(&cur).map_err(failed("make a maildir", &cur))?;
    let name = format!("{}:2,S", name.to_string_lossy());
    match fs::rename(mail, cur.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed("mark a mail as read", mail)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_put_once_and_found_until_it_was_read() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            put(folder.path(), "7.ktriage", b"Subject: x\n\ny\n").unwrap();
        }
        let found = unread(folder.path()).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(read(&found[0]).unwrap(), b"Subject: x\n\ny\n");
        mark_read(&found[0]).unwrap();
        mark_read(&found[0]).unwrap();
        put(folder.path(), "7.ktriage", b"again").unwrap();
        assert!(unread(folder.path()).unwrap().is_empty());
        assert!(
            put(Path::new("/proc/nowhere"), "1", b"")
                .unwrap_err()
                .to_string()
                .contains("/proc/nowhere")
        );
    }
}
