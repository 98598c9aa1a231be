//! Whose code is it, by a tree's MAINTAINERS and its history.

use std::io::Read as _;

use analysis_tree::who::history::{of_file, of_lines, of_mended};
use analysis_tree::who::patch::Patch;
use analysis_tree::who::{Answer, Query, Reason, Role, who};
use io_git::Repository;
use model::CommitId;
use model::calendar::civil_from_days;
use parse_maintainers::{Address, Mailmap, Section};

use crate::{Error, Tree};

/// Files of one question whose history is read.
const MOST_FILES: usize = 20;
/// Hunks of one patch whose lines are looked up.
const MOST_SPANS: usize = 40;
/// Longer bindings are cut.
const MAX_TEXT: u64 = 4 << 20;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Paths of the tree; a directory ends with a slash.
    pub files: &'a [String],
    /// A patch that changes them, with its text.
    pub patch: Option<(&'a Patch, &'a str)>,
    /// Whether the history is asked too.
    pub history: bool,
}

/// MAINTAINERS and `.mailmap` of a tree, read once for many questions.
#[derive(Debug)]
pub struct Maintainers {
    text: String,
    mailmap: Mailmap,
    ignored: Vec<Address>,
}

impl Maintainers {
    /// The sections, to be read once.
    pub fn sections(&self) -> Vec<Section<'_>> {
        parse_maintainers::sections(&self.text)
    }
}

impl Tree {
    /// MAINTAINERS and `.mailmap`.
    ///
    /// # Errors
    /// When the tree has no MAINTAINERS, or one of them cannot be read.
    pub fn maintainers(&self) -> Result<Maintainers, Error> {
        let text = self.source().demand("MAINTAINERS")?;
        let mailmap = Mailmap::parse(&self.optional(".mailmap")?);
        let ignored = parse_maintainers::ignored(&self.optional(".get_maintainer.ignore")?);
        Ok(Maintainers { text: String::from_utf8_lossy(&text).into_owned(), mailmap, ignored })
    }

    /// Whose code it is, by MAINTAINERS and its sections.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn who(
        &self,
        maintainers: &Maintainers,
        sections: &[Section<'_>],
        asked: &Asked<'_>,
    ) -> Result<Answer, Error> {
        let mailmap = &maintainers.mailmap;
        let query = Query {
            files: asked.files,
            patch: asked.patch.map(|(_, text)| text),
            mailmap,
            is_directory: &|path| self.source().is_directory(path),
            text: &|path| self.text(path),
        };
        let (subsystems, mut people) = who(sections, &query);
        let files = asked.files.to_vec();
        let mut answer = Answer { files, subsystems, ..Answer::default() };
        if let Some(repository) = self.repository().filter(|_| asked.history) {
            let head = repository.resolve("HEAD")?;
            let ignored = &maintainers.ignored;
            let asker = Asker { repository, head: &head, mailmap, ignored };
            for (address, reason) in asker.history(asked, &mut answer)? {
                people.add_other(Role::History, &address, reason);
            }
            answer.head = Some(head.to_string());
        }
        answer.recipients = people.into_recipients();
        Ok(answer)
    }

    fn optional(&self, path: &str) -> Result<String, Error> {
        let bytes = self.source().read(path)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The text of a file; `None` where it cannot be read.
    fn text(&self, path: &str) -> Option<String> {
        let bytes = self.source().read(path).ok()??;
        let mut text = Vec::new();
        bytes.take(MAX_TEXT).read_to_end(&mut text).ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }
}

/// A history with whom it is read for.
struct Asker<'a> {
    repository: &'a Repository,
    head: &'a CommitId,
    mailmap: &'a Mailmap,
    ignored: &'a [Address],
}

impl Asker<'_> {
    fn history(
        &self,
        asked: &Asked<'_>,
        answer: &mut Answer,
    ) -> Result<Vec<(Address, Reason)>, Error> {
        let mut found = Vec::new();
        let mut take = |named: analysis_tree::who::history::Named| {
            found.extend(named.into_iter().map(|(who, part)| (who, Reason::History(part))));
        };
        if let Some((patch, _)) = asked.patch {
            for name in &patch.fixes {
                let Ok(id) = self.repository.resolve(name) else {
                    answer.unknown_fixes.push(name.clone());
                    continue;
                };
                let commit = self.repository.details(&id)?;
                take(of_mended(name, &commit, self.mailmap, self.ignored));
            }
        }
        let until = day(self.repository.date_of(self.head)?);
        for file in asked.files.iter().take(MOST_FILES) {
            let commits = self.repository.year_of_file(self.head, file)?;
            take(of_file(file, &commits, &until, self.mailmap, self.ignored));
        }
        answer.passed_over = asked.files.len().saturating_sub(MOST_FILES);
        if let Some((patch, _)) = asked.patch {
            for file in asked.files.iter().take(MOST_FILES) {
                take(of_lines(file, &self.blamed(patch, file)?, self.mailmap, self.ignored));
            }
        }
        Ok(found)
    }

    /// The commits of the lines of one file that a patch changes.
    fn blamed(
        &self,
        patch: &Patch,
        file: &str,
    ) -> Result<Vec<(String, model::bisection::CommitDetails, usize)>, Error> {
        let mut lines: Vec<(CommitId, usize)> = Vec::new();
        let spans = patch.spans.iter().filter(|(path, ..)| path == file);
        for (_, first, last) in spans.take(MOST_SPANS) {
            // The patch may be made for another state of the file.
            let Ok(found) = self.repository.blame(self.head, file, *first, *last) else { continue };
            for (id, number) in found {
                match lines.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, sum)) => *sum += number,
                    None => lines.push((id, number)),
                }
            }
        }
        lines.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
        lines.truncate(MOST_SPANS);
        let mut all = Vec::new();
        for (id, number) in lines {
            all.push((id.to_string(), self.repository.details(&id)?, number));
        }
        Ok(all)
    }
}

fn day(seconds: i64) -> String {
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    format!("{year:04}-{month:02}-{day:02}")
}
