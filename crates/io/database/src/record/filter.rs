//! A question for bugs, as SQL.

use model::tracker::{Filter, Order, Page, ReproducerLevel};
use rusqlite::ToSql;

use super::rows::{BUG, bug, state_number};
use super::{Result, SqliteRecord};

/// Words of a search that are looked for.
const WORDS: usize = 8;
/// Characters of one.
const WORD: usize = 64;
/// Bugs of an answer where nobody says how many.
const USUAL: u64 = 100;
/// Most bugs that one answer holds.
const MOST: u64 = 1_000;

/// Conditions with their values.
#[derive(Default)]
struct Where {
    conditions: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
}

impl Where {
    /// Adds a condition in which `?` stands for the value.
    fn with(&mut self, condition: &str, value: impl ToSql + 'static) {
        self.values.push(Box::new(value));
        self.conditions.push(condition.replace('?', &format!("?{}", self.values.len())));
    }
}

/// The search as FTS5 reads it: each word as the beginning of one. `None` where nothing is left of it.
fn phrase(text: &str) -> Option<String> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .take(WORDS)
        .map(|word| format!("\"{}\"*", word.chars().take(WORD).collect::<String>()))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn conditions(filter: &Filter) -> Where {
    let mut found = Where::default();
    if !filter.states.is_empty() {
        let numbers: Vec<String> =
            filter.states.iter().map(|state| state_number(*state).to_string()).collect();
        found.conditions.push(format!("bug.state IN ({})", numbers.join(", ")));
    } else if !filter.all {
        found.conditions.push("bug.open = 1".into());
    }
    if filter.public_only {
        // The sign keeps the planner from an index that nearly all bugs are in.
        found.conditions.push("+bug.public = 1".into());
    }
    if !filter.text.trim().is_empty() {
        match phrase(&filter.text) {
            Some(phrase) => {
                found.with("bug.id IN (SELECT rowid FROM bug_text WHERE bug_text MATCH ?)", phrase);
            }
            None => found.conditions.push("0".into()),
        }
    }
    if let Some(kind) = &filter.kind {
        found.with("bug.kind = ?", kind.clone());
    }
    for (what, value) in [(0, &filter.machine), (1, &filter.kernel)] {
        if let Some(value) = value {
            found.with(
                &format!("bug.id IN (SELECT bug FROM seen WHERE what = {what} AND value = ?)"),
                value.clone(),
            );
        }
    }
    if let Some(label) = &filter.label {
        match label.split_once(':') {
            Some((name, value)) => {
                found.with(
                    "bug.id IN (SELECT bug FROM label WHERE name = ?",
                    name.trim().to_owned(),
                );
                found.values.push(Box::new(value.trim().to_owned()));
                let last = found.values.len();
                if let Some(condition) = found.conditions.last_mut() {
                    *condition += &format!(" AND value = ?{last})");
                }
            }
            None => found
                .with("bug.id IN (SELECT bug FROM label WHERE name = ?)", label.trim().to_owned()),
        }
    }
    if filter.reproducer > ReproducerLevel::None {
        found.with("bug.reproducer >= ?", filter.reproducer as i64);
    }
    if let Some(since) = filter.since {
        found.with("bug.last >= ?", since);
    }
    found
}

/// The bugs that fit.
pub(super) fn bugs(record: &SqliteRecord, filter: &Filter) -> Result<Page> {
    let Where { conditions, mut values } = conditions(filter);
    let condition = if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") };
    let total = {
        let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
        record.row(&format!("SELECT COUNT(*) FROM bug WHERE {condition}"), &values[..], |row| {
            row.get::<_, i64>(0)
        })?
    };
    let order = match filter.order {
        Order::Last => "last DESC, id DESC",
        Order::Created => "id DESC",
        Order::Crashes => "crashes DESC, id DESC",
    };
    let limit = if filter.limit == 0 { USUAL } else { filter.limit.min(MOST) };
    values.push(Box::new(limit as i64));
    values.push(Box::new(i64::try_from(filter.offset).unwrap_or(i64::MAX)));
    let at = values.len();
    let sql = format!(
        // What is passed over is passed over in an index, without its rows.
        "SELECT {BUG} FROM (SELECT id AS shown FROM bug WHERE {condition} ORDER BY {order} LIMIT ?{} OFFSET ?{at})
         JOIN bug ON bug.id = shown ORDER BY {order}",
        at - 1
    );
    let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
    let bugs = record.rows(&sql, &values[..], bug)?;
    Ok(Page { bugs, total: u64::try_from(total.unwrap_or(0)).unwrap_or(0) })
}

#[cfg(test)]
mod tests {
    use super::phrase;

    #[test]
    fn a_search_is_never_read_as_a_language() {
        assert_eq!(phrase("hung in rtnl_lock").unwrap(), "\"hung\"* \"in\"* \"rtnl_lock\"*");
        assert_eq!(phrase("\" OR NEAR(a").unwrap(), "\"OR\"* \"NEAR\"* \"a\"*");
        assert_eq!(phrase(" \"*():^-"), None);
    }
}
