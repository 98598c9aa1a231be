//! A thread of mails for people and for programs: text, page, JSON.

mod json;
mod morning;
mod page;
mod text;

pub use json::Document;
pub use morning::{Morning, MorningJson, morning, morning_page};
pub use page::page;
pub use text::{open_questions, report};

/// An input with its threads.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The input, as it was named.
    pub name: String,
    /// What it is: `mbox`, `maildir`, …
    pub form: &'static str,
    /// Its messages.
    pub messages: Vec<parse_mail::Message>,
    /// The threads among them.
    pub threads: Vec<analysis_thread::Thread>,
    /// The first line of each file, where the input has several.
    pub files: Vec<(u64, String)>,
}

impl Reading {
    /// The title of a thread: that of its newest version, else of its first mail.
    pub fn title<'a>(&'a self, thread: &'a analysis_thread::Thread) -> &'a str {
        match thread.state.newest {
            Some(newest) => thread.title(newest),
            None => {
                let first = thread.entries.first();
                first.map_or("", |e| self.messages[e.message].subject.title.as_str())
            }
        }
    }

    /// The file in which a line of the input stands and its number there; none if the input is one
    /// file.
    pub fn place(&self, line: u64) -> Option<(&str, u64)> {
        let at = self.files.partition_point(|f| f.0 <= line).checked_sub(1)?;
        let (first, name) = &self.files[at];
        Some((name, line - first + 1))
    }
}
