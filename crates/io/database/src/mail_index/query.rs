//! What the index is asked.

use std::fmt::Write as _;

use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, params_from_iter};

use super::{Error, MailIndex, error};

/// Identifiers of diffs that one word of a search stands for at most.
const MAX_EXPANDED: usize = 64;
/// Threads looked at for versions of one series.
const MAX_RELATED: usize = 64;

/// Which threads are wanted: those that have all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Bug ids that the thread names.
    pub bugs: Vec<String>,
    /// Files of diffs; all files below a directory that ends in `/`.
    pub files: Vec<String>,
    /// Functions of diffs; `*` stands for anything.
    pub functions: Vec<String>,
    /// An address that wrote in it.
    pub writer: Option<String>,
    /// Patches, no `Tested-by`, not applied, and no newer version.
    pub untested: bool,
    /// Words that stand in one mail of it.
    pub words: Vec<String>,
    /// The sender of that mail: a part of the name or of the address.
    pub from: Vec<String>,
    /// That mail is not older, in seconds since 1970.
    pub since: Option<i64>,
    /// That mail is older.
    pub until: Option<i64>,
}

impl Filter {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Threads that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The threads, the one with the newest mail first.
    pub threads: Vec<i64>,
    /// How many there are in all.
    pub total: usize,
}

/// A condition with its values.
#[derive(Default)]
struct Condition {
    text: String,
    values: Vec<Value>,
}

impl Condition {
    fn and(&mut self, text: &str, value: Value) {
        if !self.text.is_empty() {
            self.text.push_str(" AND ");
        }
        self.values.push(value);
        let number = format!("?{}", self.values.len());
        self.text.push_str(&text.replace('?', &number));
    }
}

/// The parts of an archive's mails that carry patches, without a result and without a taker.
const UNTESTED: &str = "thread IN (SELECT m.thread FROM mail m WHERE m.is_patch = ? \
     AND NOT EXISTS (SELECT 1 FROM series s JOIN series o ON o.key = s.key JOIN mail n ON n.id = o.mail \
       WHERE s.mail = m.id AND n.thread <> m.thread AND n.date > m.date)) \
     AND thread NOT IN (SELECT m.thread FROM tested t JOIN mail m ON m.id = t.mail) \
     AND thread NOT IN (SELECT m.thread FROM applied t JOIN mail m ON m.id = t.mail)";

impl MailIndex {
    /// The threads that fit, the one with the newest mail first; at most `limit`.
    pub fn threads(&self, filter: &Filter, limit: usize) -> Result<Found, Error> {
        let mut found = Condition::default();
        let text = |t: &str| Value::Text(t.to_owned());
        let thread_with = |what: &str| {
            format!("thread IN (SELECT m.thread FROM mail m JOIN ({what}) x ON x.mail = m.id)")
        };
        for bug in &filter.bugs {
            found.and(&thread_with("SELECT mail FROM bug WHERE id = ?"), text(bug));
        }
        for path in &filter.files {
            let what = match path.ends_with('/') {
                true => "SELECT mail FROM file WHERE path >= ? AND path < ? || char(1114111)",
                false => "SELECT mail FROM file WHERE path = ?",
            };
            found.and(&thread_with(what), text(path));
        }
        for name in &filter.functions {
            let what = match name.contains('*') {
                true => "SELECT mail FROM function WHERE name GLOB ?",
                false => "SELECT mail FROM function WHERE name = ?",
            };
            found.and(&thread_with(what), text(name));
        }
        if let Some(writer) = &filter.writer {
            found.and(
                "thread IN (SELECT thread FROM mail WHERE address = ?)",
                text(&writer.to_lowercase()),
            );
        }
        if filter.untested {
            found.and(UNTESTED, Value::Integer(1));
        }
        for words in &filter.words {
            let words = self.expression(words)?;
            found.and("id IN (SELECT rowid FROM words WHERE words MATCH ?)", Value::Text(words));
        }
        for from in &filter.from {
            let pattern = format!("%{}%", from.replace(['%', '_'], "_"));
            found.and("(name LIKE ? OR address LIKE ?)", Value::Text(pattern));
        }
        if let Some(since) = filter.since {
            found.and("date >= ?", Value::Integer(since));
        }
        if let Some(until) = filter.until {
            found.and("date < ?", Value::Integer(until));
        }
        if found.text.is_empty() {
            found.text.push('1');
        }
        let statement = format!(
            "SELECT thread FROM mail WHERE thread IN (SELECT thread FROM mail WHERE {}) \
             GROUP BY thread ORDER BY max(date) DESC",
            found.text
        );
        let run = || -> Result<Vec<i64>, rusqlite::Error> {
            let mut statement = self.connection.prepare(&statement)?;
            statement.query_map(params_from_iter(&found.values), |row| row.get(0))?.collect()
        };
        let mut threads = run().map_err(|e| match filter.words.is_empty() {
            true => error("searching", &self.path, e),
            false => Error::Query { words: filter.words.join(" ") },
        })?;
        let total = threads.len();
        threads.truncate(limit);
        Ok(Found { threads, total })
    }

    /// A search as the full-text index reads it: each word in quotes, so that `_ - . @ '` stand for
    /// themselves; a word with `_` also stands for the identifiers of diffs that hold it.
    fn expression(&self, words: &str) -> Result<String, Error> {
        let refuse = || Error::Query { words: words.to_owned() };
        let mut out = String::new();
        let mut after_operand = false;
        for word in pieces(words).ok_or_else(refuse)? {
            let is_operator = matches!(word, Piece::Operator(_));
            // Two words beside each other must both be there.
            out.push_str(if after_operand && !is_operator { " AND " } else { " " });
            after_operand = !is_operator;
            match word {
                Piece::Operator(operator) => out.push_str(operator),
                Piece::Phrase(text) => put_quoted(&mut out, &text, false),
                Piece::Word(text) => {
                    let core = text.trim_matches('*');
                    let is_part = text.starts_with('*');
                    let similar = match is_part || core.contains('_') {
                        true => self.identifiers_with(core)?,
                        false => Vec::new(),
                    };
                    out.push('(');
                    put_quoted(&mut out, core, text.ends_with('*') && !is_part);
                    for name in similar {
                        out.push_str(" OR ");
                        put_quoted(&mut out, &name, false);
                    }
                    out.push(')');
                }
            }
        }
        Ok(out)
    }

    /// Identifiers of diffs that hold a text, the shortest first.
    fn identifiers_with(&self, text: &str) -> Result<Vec<String>, Error> {
        let run = || -> Result<Vec<String>, rusqlite::Error> {
            let mut statement = self.connection.prepare_cached(
                "SELECT name FROM identifier WHERE instr(name, ?1) > 0 AND name <> ?1 ORDER BY length(name), name LIMIT ?2",
            )?;
            let limit = i64::try_from(MAX_EXPANDED).unwrap_or(0);
            statement.query_map(rusqlite::params![text, limit], |row| row.get(0))?.collect()
        };
        run().map_err(|e| error("searching", &self.path, e))
    }

    /// Other threads that may hold versions of the series of a thread: candidates, to be looked at.
    pub fn related(&self, thread: i64) -> Result<Vec<i64>, Error> {
        let run = || -> Result<Vec<i64>, rusqlite::Error> {
            let mut statement = self.connection.prepare_cached(
                "SELECT DISTINCT n.thread FROM mail m JOIN series s ON s.mail = m.id JOIN series o ON o.key = s.key \
                 JOIN mail n ON n.id = o.mail WHERE m.thread = ?1 AND n.thread <> ?1 \
                 UNION SELECT n.thread FROM mail m JOIN cited c ON c.mail = m.id JOIN node n ON n.message_id = c.message_id \
                 WHERE m.thread = ?1 AND n.thread <> ?1 \
                 UNION SELECT n.thread FROM mail m JOIN cited c ON c.message_id = m.message_id JOIN mail n ON n.id = c.mail \
                 WHERE m.thread = ?1 AND n.thread <> ?1 LIMIT ?2",
            )?;
            let limit = i64::try_from(MAX_RELATED).unwrap_or(0);
            statement.query_map([thread, limit], |row| row.get(0))?.collect()
        };
        run().map_err(|e| error("looking for versions", &self.path, e))
    }

    /// Threads of the same weeks with patches of the same person to the same functions: weak candidates.
    pub fn neighbours(&self, thread: i64) -> Result<Vec<i64>, Error> {
        const APART: i64 = 60 * 86_400;
        let run = || -> Result<Vec<i64>, rusqlite::Error> {
            let mut statement = self.connection.prepare_cached(
                "SELECT n.thread FROM mail m JOIN touched s ON s.mail = m.id JOIN touched o ON o.key = s.key \
                 JOIN mail n ON n.id = o.mail WHERE m.thread = ?1 AND n.thread <> ?1 AND abs(n.date - m.date) < ?2 AND n.version <> m.version \
                 GROUP BY n.thread ORDER BY count(*) DESC, min(abs(n.date - m.date)) LIMIT ?3",
            )?;
            let limit = i64::try_from(MAX_RELATED / 4).unwrap_or(0);
            statement.query_map([thread, APART, limit], |row| row.get(0))?.collect()
        };
        run().map_err(|e| error("looking for versions", &self.path, e))
    }

    /// The Message-ID of the first mail of a thread that has one.
    pub fn first_id(&self, thread: i64) -> Result<Option<String>, Error> {
        self.connection
            .query_row(
                "SELECT message_id FROM mail WHERE thread = ?1 AND message_id IS NOT NULL ORDER BY date, id LIMIT 1",
                [thread],
                |row| row.get(0),
            )
            .optional()
            .map_err(|e| error("searching", &self.path, e))
    }
}

/// A piece of a search.
enum Piece {
    Operator(&'static str),
    Phrase(String),
    Word(String),
}

/// Takes a search apart; none if it holds no word.
fn pieces(words: &str) -> Option<Vec<Piece>> {
    let mut found = Vec::new();
    let mut has_word = false;
    for (at, part) in words.split('"').enumerate() {
        if at % 2 == 1 {
            if part.contains(char::is_alphanumeric) {
                has_word = true;
                found.push(Piece::Phrase(part.to_owned()));
            }
            continue;
        }
        for word in part.split_whitespace() {
            let operator = ["AND", "OR", "NOT"].into_iter().find(|o| *o == word);
            match operator {
                Some(operator) if has_word => found.push(Piece::Operator(operator)),
                Some(_) => return None,
                None if word.contains(char::is_alphanumeric) => {
                    has_word = true;
                    found.push(Piece::Word(word.to_owned()));
                }
                None => {}
            }
        }
    }
    let ends_well = !matches!(found.last(), Some(Piece::Operator(_)));
    let doubled = found.windows(2).any(|w| matches!(w, [Piece::Operator(_), Piece::Operator(_)]));
    (has_word && ends_well && !doubled).then_some(found)
}

fn put_quoted(out: &mut String, text: &str, is_prefix: bool) {
    // Writing to a string cannot fail.
    let _ = write!(out, "\"{}\"", text.replace('"', " "));
    if is_prefix {
        out.push('*');
    }
}
