//! Claims as JSON: a predicate with its arguments, flat, with or without the lines, rule and grade behind it.
//!
//! Read are a list of such objects, objects one a line, an object with a list under `claims` or `statements`, and what
//! `ktriage diagnose --json` prints.

use model::{LineSpan, Predicate};
use serde_json::{Map, Value};

/// The most claims that one input may hold.
const MOST_CLAIMS: usize = 1_000_000;

/// What somebody says of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What is said.
    pub predicate: Predicate,
    /// The lines that are said to show it; none where the author names none.
    pub lines: Vec<LineSpan>,
    /// Line of the input at which it begins, counted from 1; for an input of one line its place in the list.
    pub place: Place,
}

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
#[error("line {}, column {}: {problem}", .place.line, .place.column)]
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
    /// A claim is no object.
    #[error("a claim is an object with a `predicate`, not {0}")]
    NoObject(&'static str),
    /// An object without predicate.
    #[error("a claim without `predicate`")]
    NoPredicate,
    /// A predicate that is not known.
    #[error("unknown predicate `{name}`; the nearest is `{nearest}`")]
    UnknownPredicate {
        /// As given.
        name: String,
        /// The most alike.
        nearest: String,
    },
    /// Arguments do not fit the predicate.
    #[error("`{predicate}`: {problem}")]
    Arguments {
        /// The predicate.
        predicate: String,
        /// Which argument, and what is wrong with it.
        problem: String,
    },
    /// `lines` is no list of numbers or pairs.
    #[error("`lines` is a list of pairs [first, last] of line numbers from 1")]
    Lines,
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
pub fn read(text: &str) -> Result<Vec<Claim>, Unreadable> {
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
    fn place(&self, index: usize) -> Place {
        let part = &self.text[self.start..self.end];
        let at = part
            .match_indices("\"predicate\"")
            .nth(index)
            .map_or_else(|| part.len() - part.trim_start().len(), |(at, _)| at);
        let before = &self.text[..self.start + at];
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Place { line, column: before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1 }
    }

    fn unreadable(&self, index: usize, problem: Problem) -> Unreadable {
        Unreadable { place: self.place(index), problem }
    }
}

/// One JSON value: a claim, a list of them, or an object that holds a list.
fn document(value: Value, source: &Source<'_>, claims: &mut Vec<Claim>) -> Result<(), Unreadable> {
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut object) if !object.contains_key("predicate") => {
            let list = ["claims", "statements"].iter().find_map(|name| object.remove(*name));
            match list {
                Some(Value::Array(list)) => list,
                _ => return Err(source.unreadable(0, Problem::NoPredicate)),
            }
        }
        other => vec![other],
    };
    for (index, value) in list.into_iter().enumerate() {
        let claim = claim(value).map_err(|problem| source.unreadable(index, problem))?;
        // One place of the word a claim: counting them all for each claim would take the square of the time.
        let place = if index < 64 { source.place(index) } else { Place { line: 1, column: 1 } };
        claims.push(Claim { place, ..claim });
    }
    Ok(())
}

fn claim(value: Value) -> Result<Claim, Problem> {
    let mut object = match value {
        Value::Object(object) => object,
        other => return Err(Problem::NoObject(kind(&other))),
    };
    let lines = lines(object.remove("lines"))?;
    for other in ["rule", "grade", "sentence", "statement", "event"] {
        object.remove(other);
    }
    let predicate = predicate(object)?;
    Ok(Claim { predicate, lines, place: Place { line: 1, column: 1 } })
}

fn predicate(object: Map<String, Value>) -> Result<Predicate, Problem> {
    let Some(Value::String(name)) = object.get("predicate") else {
        return Err(Problem::NoPredicate);
    };
    let name = name.clone();
    let known = names();
    if !known.iter().any(|known| *known == name) {
        let nearest =
            known.into_iter().min_by_key(|known| distance(known, &name)).unwrap_or_default();
        return Err(Problem::UnknownPredicate { name, nearest });
    }
    let problem = |error: &serde_json::Error| Problem::Arguments {
        predicate: name.clone(),
        problem: without_place(error),
    };
    serde_json::from_value(Value::Object(object)).map_err(|error| problem(&error))
}

/// The names of all predicates.
pub fn names() -> Vec<String> {
    let schema = schemars::schema_for!(Predicate);
    let variants = schema.get("oneOf").and_then(Value::as_array);
    let name = |variant: &Value| {
        Some(variant.pointer("/properties/predicate/const")?.as_str()?.to_owned())
    };
    variants.into_iter().flatten().filter_map(name).collect()
}

/// `[[1, 2], [5, 5]]`, and for people `[5]` and `5`.
fn lines(value: Option<Value>) -> Result<Vec<LineSpan>, Problem> {
    let line = |value: &Value| value.as_u64().filter(|line| *line > 0);
    let span = |value: &Value| match value {
        Value::Array(pair) => match pair.as_slice() {
            [first, last] => Some(LineSpan::new(line(first)?, line(last)?)),
            [only] => Some(LineSpan::line(line(only)?)),
            _ => None,
        },
        only => line(only).map(LineSpan::line),
    };
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => {
            list.iter().map(span).collect::<Option<_>>().ok_or(Problem::Lines)
        }
        Some(only) => span(&only).map(|span| vec![span]).ok_or(Problem::Lines),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
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
