//! Programs in a console log or a fuzzer's log: each stands behind a line with `executing program`.

use std::ops::Range;

/// A program that a log says was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Line of the mark, from 1.
    pub line: usize,
    /// Number of the process that ran it; a reproducer in C prints none.
    pub process: Option<u64>,
    /// Number of the program (`id=`), if told.
    pub id: Option<u64>,
    /// Call and fault number of old logs (`fault-call:`, `fault-nth:`), both from 0.
    pub fault: Option<(u64, u64)>,
    /// Lines that can belong to it, from 0: up to the next mark. Console lines may stand between them.
    pub body: Range<usize>,
}

const MARK: &str = "executing program";

/// The programs of a log in order. One pass; nothing of the log is copied.
#[must_use]
pub fn executions(log: &str) -> Vec<Execution> {
    let mut found: Vec<Execution> = Vec::new();
    let mut lines = 0;
    for (index, line) in log.lines().enumerate() {
        lines = index + 1;
        let Some(begin) = line.find(MARK) else { continue };
        if let Some(last) = found.last_mut() {
            last.body.end = index;
        }
        let rest = &line[begin + MARK.len()..];
        found.push(Execution {
            line: index + 1,
            process: leading(rest.trim_start()),
            id: after(rest, "id="),
            fault: after(rest, "fault-call:").zip(after(rest, "fault-nth:")),
            body: index + 1..index + 1,
        });
    }
    if let Some(last) = found.last_mut() {
        last.body.end = lines;
    }
    found
}

fn after(text: &str, key: &str) -> Option<u64> {
    text.split_once(key).and_then(|(_, rest)| leading(rest))
}

fn leading(text: &str) -> Option<u64> {
    let length = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text[..length].parse().ok()
}
