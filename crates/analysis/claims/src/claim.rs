//! Claims as JSON: a predicate with its arguments, flat, with or without the lines, rule and grade behind it.
//!
//! Read are a list of such objects, objects one a line, an object with a list under `claims` or `statements`, and what
//! `ktriage diagnose --json` prints.

use model::{Assertion, Predicate};
use serde_json::Value;

/// The most claims that one input may hold.
const MOST_CLAIMS: usize = 1_000_000;

/// Where in an input something stands, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column, in bytes.
    pub column: usize,
}

/// An input that holds no claims.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{problem}")]
pub struct Unreadable {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with an input of claims.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Problem {
    /// It is no JSON.
    #[error("no JSON: {0}")]
    Syntax(String),
    /// A predicate that is not known.
    #[error("unknown predicate `{name}`; the nearest is `{nearest}`")]
    UnknownPredicate {
        /// As given.
        name: String,
        /// The most alike.
        nearest: String,
    },
    /// An object that is no claim.
    #[error("{0}")]
    NoClaim(String),
    /// Too much.
    #[error("more than {MOST_CLAIMS} claims")]
    TooMany,
    /// Nothing.
    #[error(
        "no claims: give a list of objects, objects with `claims`, or what `ktriage diagnose --json` prints"
    )]
    Empty,
}

/// Reads claims.
pub fn read(text: &str) -> Result<Vec<Assertion>, Unreadable> {
    let mut claims = Vec::new();
    let mut any = false;
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    loop {
        let start = stream.byte_offset();
        let Some(value) = stream.next() else { break };
        let value = value.map_err(|error| Unreadable {
            place: Place { line: error.line().max(1), column: error.column().max(1) },
            problem: Problem::Syntax(without_place(&error)),
        })?;
        let source = Source { text, start, end: stream.byte_offset() };
        any = true;
        document(value, &source, &mut claims)?;
        if claims.len() > MOST_CLAIMS {
            return Err(source.unreadable(0, Problem::TooMany));
        }
    }
    if !any {
        return Err(Unreadable { place: Place { line: 1, column: 1 }, problem: Problem::Empty });
    }
    Ok(claims)
}

/// The part of the input that one value takes.
struct Source<'a> {
    text: &'a str,
    start: usize,
    end: usize,
}

impl Source<'_> {
    /// The place of the `index`th claim: that of its word `predicate`.
    fn unreadable(&self, index: usize, problem: Problem) -> Unreadable {
        let part = &self.text[self.start..self.end];
        let at = part
            .match_indices("\"predicate\"")
            .nth(index)
            .map_or_else(|| part.len() - part.trim_start().len(), |(at, _)| at);
        let before = &self.text[..self.start + at];
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1;
        Unreadable { place: Place { line, column }, problem }
    }
}

/// One JSON value: a claim, a list of them, or an object that holds a list.
fn document(
    value: Value,
    source: &Source<'_>,
    claims: &mut Vec<Assertion>,
) -> Result<(), Unreadable> {
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut object) if !object.contains_key("predicate") => {
            match ["claims", "statements"].iter().find_map(|name| object.remove(*name)) {
                Some(Value::Array(list)) => list,
                _ => {
                    let problem = "an object with neither `predicate` nor a list `claims`";
                    return Err(source.unreadable(0, Problem::NoClaim(problem.to_owned())));
                }
            }
        }
        other => vec![other],
    };
    for (index, value) in list.into_iter().enumerate() {
        claims.push(claim(value).map_err(|problem| source.unreadable(index, problem))?);
    }
    Ok(())
}

fn claim(value: Value) -> Result<Assertion, Problem> {
    if let Some(name) = value.get("predicate").and_then(Value::as_str)
        && !Predicate::names().iter().any(|known| known == name)
    {
        let nearest = Predicate::names().iter().min_by_key(|known| distance(known, name));
        let nearest = nearest.cloned().unwrap_or_default();
        return Err(Problem::UnknownPredicate { name: name.to_owned(), nearest });
    }
    serde_json::from_value(value).map_err(|error| Problem::NoClaim(without_place(&error)))
}

/// The message of an error without ` at line 1 column 2`, which is told otherwise.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").map_or(text.clone(), |at| text[..at].to_owned())
}

/// How many letters have to be put in, taken out or changed.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in other.chars().enumerate() {
            let change = corner + usize::from(a != b);
            corner = row[j + 1];
            row[j + 1] = change.min(corner + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_from_lists_lines_and_whole_diagnoses() {
        let one = r#"{"predicate":"on_cpu","cpu":3}"#;
        for text in [
            format!("[{one},{one}]"),
            format!("{one}\n{one}\n"),
            format!(r#"{{"format":1,"events":[],"claims":[{one},{one}],"verdict":null}}"#),
            format!("[{one}] [{one}]"),
        ] {
            let claims = read(&text).unwrap();
            assert_eq!(claims.len(), 2, "{text}");
            assert_eq!(claims[1].predicate, Predicate::OnCpu { cpu: 3 });
        }
    }

    #[test]
    fn errors_tell_place_and_remedy() {
        let error =
            read("[\n {\"predicate\":\"on_cpu\",\"cpu\":3},\n {\"predicate\":\"crash_plase\"}\n]")
                .unwrap_err();
        assert_eq!(error.place, Place { line: 3, column: 3 });
        assert_eq!(
            error.to_string(),
            "unknown predicate `crash_plase`; the nearest is `crash_place`"
        );
        let error = read("{\"predicate\":\"on_cpu\"}").unwrap_err();
        assert!(error.to_string().contains("missing field `cpu`"), "{error}");
        assert_eq!(read("[{]").unwrap_err().place.line, 1);
        assert_eq!(read(" \n").unwrap_err().problem, Problem::Empty);
        assert!(read("{\"x\":1}").unwrap_err().to_string().contains("neither `predicate`"));
    }
}
