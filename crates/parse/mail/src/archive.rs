//! Any input in, messages out: tells an mbox, a single mail and the saved pages apart by content.

use crate::mbox;
use crate::message::{Message, message};
use crate::page;

/// What an input turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An mbox of any dialect.
    Mbox,
    /// One mail.
    Mail,
    /// A Patchew page, saved as text or as HTML.
    PatchewPage,
    /// A page of lore (or another public-inbox), saved as text or as HTML.
    LorePage,
    /// None of these.
    Unknown,
}

impl Form {
    /// The name by which the form is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mbox => "mbox",
            Self::Mail => "mail",
            Self::PatchewPage => "Patchew page",
            Self::LorePage => "lore page",
            Self::Unknown => "unknown",
        }
    }
}

/// Tells what `bytes` are.
pub fn form(bytes: &[u8]) -> Form {
    if mbox::is_mbox(bytes) {
        return Form::Mbox;
    }
    if page::may_be(bytes) {
        let lines = page::Lines::of(bytes);
        if page::is_patchew(&lines) {
            return Form::PatchewPage;
        }
        if page::is_lore(&lines) {
            return Form::LorePage;
        }
    }
    if is_mail(bytes) { Form::Mail } else { Form::Unknown }
}

/// Reads all messages of `bytes`, in the order in which they stand there. An input of unknown form
/// has none.
pub fn messages(bytes: &[u8]) -> Vec<Message> {
    match form(bytes) {
        Form::Mbox => mbox::messages(bytes).map(|s| message(&s.bytes, s.first_line)).collect(),
        Form::Mail => vec![message(bytes, 1)],
        Form::PatchewPage => page::patchew(&page::Lines::of(bytes)),
        Form::LorePage => page::lore(&page::Lines::of(bytes)),
        Form::Unknown => Vec::new(),
    }
}

/// Reads all messages of one file among several: its first line counts as `first`, so that no two
/// lines of the input have one number. What is of unknown form is one message too when `is_mail`
/// says that the file holds a mail, as those of a maildir do.
pub fn messages_of_file(bytes: &[u8], first: u64, is_mail: bool) -> Vec<Message> {
    if is_mail && form(bytes) == Form::Unknown && !bytes.trim_ascii().is_empty() {
        return vec![message(bytes, first)];
    }
    let mut found = messages(bytes);
    for message in &mut found {
        message.shift(first - 1);
    }
    found
}

/// Two header lines at the top, one of them of those every mail has.
fn is_mail(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let mut headers = 0;
    let mut known = false;
    for line in bytes.split(|b| *b == b'\n').take(400) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        if !mbox::is_header(line) {
            return false;
        }
        headers += 1;
        let name = line.split(|b| *b == b':').next().unwrap_or_default().to_ascii_lowercase();
        known |= matches!(
            name.as_slice(),
            b"from" | b"subject" | b"message-id" | b"date" | b"received" | b"return-path"
        );
    }
    headers >= 2 && known
}
