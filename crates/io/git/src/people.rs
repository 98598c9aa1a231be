//! The commits of one file, and those that last changed some of its lines.

use model::CommitId;
use model::bisection::CommitDetails;

use crate::{GitError, Repository};

/// Commits of one file that are read.
const MOST: &str = "--max-count=2000";
const YEAR: i64 = 365 * 86_400;

impl Repository {
    /// When a commit was made, in seconds since 1970.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn date_of(&self, commit: &CommitId) -> Result<i64, GitError> {
        let text = self.demand(
            "read the date of a commit",
            ["log", "-1", "--no-show-signature", "--format=%ct", commit.as_str(), "--"],
        )?;
        text.trim().parse().map_err(|_| GitError::Unreadable)
    }

    /// The commits without merges that changed a file in the year before `head` was made, the newest first, with
    /// author, title and trailers.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn year_of_file(
        &self,
        head: &CommitId,
        file: &str,
    ) -> Result<Vec<CommitDetails>, GitError> {
        let since = format!("--since={}", self.date_of(head)?.saturating_sub(YEAR));
        let text = self.demand(
            "read the commits of a file",
            [
                "--literal-pathspecs",
                "log",
                MOST,
                "--no-merges",
                "--no-show-signature",
                &since,
                "--format=%x01%s%x00%an <%ae>%x00%aI%x00%(trailers:only,unfold)",
                head.as_str(),
                "--",
                file,
            ],
        )?;
        Ok(text.split('\u{1}').skip(1).map(details).collect())
    }

    /// The commits that last changed the lines `first` to `last` of a file at `head`, with how many of them each did,
    /// those with most lines first.
    ///
    /// # Errors
    /// When `git` fails, as for a file that is not there.
    pub fn blame(
        &self,
        head: &CommitId,
        file: &str,
        first: usize,
        last: usize,
    ) -> Result<Vec<(CommitId, usize)>, GitError> {
        let lines = format!("-L{first},{last}");
        let text = self.demand(
            "tell who changed lines last",
            ["blame", "-s", "-l", "--root", "--porcelain", &lines, head.as_str(), "--", file],
        )?;
        let mut found: Vec<(CommitId, usize)> = Vec::new();
        // A line of the file begins with a tabulator; before it stands its commit.
        let mut now = None;
        for line in text.lines() {
            if line.starts_with('\t') {
                let Some(id) = now.take() else { continue };
                match found.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, number)) => *number += 1,
                    None => found.push((id, 1)),
                }
            } else if let Some(id) = line.split(' ').next().and_then(CommitId::parse) {
                now = Some(id);
            }
        }
        found.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
        Ok(found)
    }
}

/// Reads title, author, date and trailers, parted by NUL.
pub(crate) fn details(text: &str) -> CommitDetails {
    let mut fields = text.splitn(4, '\0').map(str::trim_end);
    let mut field = || fields.next().unwrap_or_default().to_owned();
    let (subject, author, date, trailers) = (field(), field(), field(), field());
    let trailers = trailers
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect();
    CommitDetails { subject, author, date, trailers, files: Vec::new() }
}
