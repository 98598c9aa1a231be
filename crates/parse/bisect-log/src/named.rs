//! The commit that a bisection names, as git prints it after the answer.

use model::{CommitId, LineSpan};

use crate::changed::ChangedPath;
use crate::limits;
use crate::scan::leading_commit;

/// A commit with its message and the files it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedCommit {
    /// The commit.
    pub id: CommitId,
    /// The lines of the whole block.
    pub span: LineSpan,
    /// The line that gives the parents of a merge.
    pub merge: Option<u64>,
    /// The author, name and address.
    pub author: Option<String>,
    /// The author's date, as printed.
    pub date: Option<String>,
    /// The message, without indentation.
    pub message: Vec<String>,
    /// The changed paths.
    pub changed: Vec<ChangedPath>,
    /// The lines of the changed paths; `None` when there are none.
    pub changed_span: Option<LineSpan>,
}

impl NamedCommit {
    /// Takes `commit H` on `line`; `None` when the text is something else.
    pub(crate) fn begin(text: &str, line: u64) -> Option<Self> {
        let (id, rest) = leading_commit(text.strip_prefix("commit ")?)?;
        rest.trim().is_empty().then(|| Self {
            id,
            span: LineSpan::line(line),
            merge: None,
            author: None,
            date: None,
            message: Vec::new(),
            changed: Vec::new(),
            changed_span: None,
        })
    }

    /// Takes the next line of the block; `false` when the block ended before it.
    pub(crate) fn take(&mut self, text: &str, line: u64) -> bool {
        if text.starts_with("Merge: ") && self.message.is_empty() {
            self.merge = Some(line);
        } else if let Some(author) = text.strip_prefix("Author:") {
            self.author = Some(author.trim().to_owned());
        } else if let Some(date) = text.strip_prefix("Date:") {
            self.date = Some(date.trim().to_owned());
        } else if let Some(message) = text.strip_prefix("    ") {
            if self.message.len() < limits::MESSAGE_LINES {
                self.message.push(message.to_owned());
            }
        } else if let Some(path) = ChangedPath::read(text) {
            let first = self.changed_span.map_or(line, |span| span.first);
            self.changed_span = Some(LineSpan::new(first, line));
            if self.changed.len() < limits::PATHS {
                self.changed.push(path);
            }
        } else if !(text.trim().is_empty()
            || text.starts_with(' ')
            || text.starts_with("AuthorDate:")
            || text.starts_with("Commit"))
        {
            return false;
        }
        self.span.last = line;
        true
    }

    /// The first line of the message.
    pub fn subject(&self) -> Option<&str> {
        self.message.first().map(String::as_str)
    }
}
