//! What stands above a question in the quote: lines of a version's diff, or text.

use parse_mail::{FileDiff, HunkLine, LineKind, Message, quote};

use crate::compare::{begins_function, name_of};
use crate::model::{Anchor, Thread, Version};
use crate::replies::Quotes;

use super::blocks::Block;

/// Quoted lines that count as what a remark is about: the nearest ones that are not empty.
const NEAR: usize = 4;

/// The anchor of a block.
pub(super) fn of(block: &Block, quotes: &Quotes, all: &[&Message], thread: &Thread) -> Anchor {
    let Some(lines) = lines_above(block, quotes, all) else { return Anchor::None };
    let Some(last) = lines.last() else { return Anchor::None };
    for (version, v) in thread.versions.iter().enumerate() {
        if let Some(found) = line_in_diff(v, *last) {
            return Anchor::Code {
                version,
                path: found.file.path().to_owned(),
                function: found.function,
                lines: lines.iter().copied().filter(|l| line_in_diff(v, *l).is_some()).collect(),
            };
        }
    }
    Anchor::Text { lines }
}

/// The lines where the nearest quoted lines above a block were written, the nearest last.
pub(super) fn lines_above(block: &Block, quotes: &Quotes, all: &[&Message]) -> Option<Vec<u64>> {
    let mut found = Vec::new();
    for &index in block.above.iter().rev() {
        if quote(all[block.entry].body.line(index).text).text.trim().is_empty() {
            continue;
        }
        if let Some((entry, line)) = quotes.origin(block.entry, index) {
            found.push(all[entry].body.line(line).number);
        }
        if found.len() >= NEAR {
            break;
        }
    }
    found.reverse();
    (!found.is_empty()).then_some(found)
}

/// The last lines of the quotes above all blocks of a message: what its sender remarked on.
pub(crate) fn last_lines(
    message: &Message,
    entry: usize,
    quotes: &Quotes,
    all: &[&Message],
    thread: &Thread,
) -> Vec<u64> {
    super::blocks::blocks(message, entry, thread)
        .iter()
        .filter_map(|b| lines_above(b, quotes, all))
        .flatten()
        .collect()
}

/// A line of a version's diff with its surroundings.
pub(crate) struct Found<'a> {
    pub(crate) file: &'a FileDiff,
    pub(crate) line: Option<&'a HunkLine>,
    pub(crate) function: String,
}

/// Finds an input line in the diffs of a version.
pub(crate) fn line_in_diff(version: &Version, number: u64) -> Option<Found<'_>> {
    let diff = version
        .patches
        .iter()
        .filter_map(|p| p.diff.as_ref())
        .find(|d| d.lines.contains(number))?;
    let file = diff.files.iter().rfind(|f| f.first_line <= number)?;
    let Some(hunk) = file.hunks.iter().find(|h| h.lines.contains(number)) else {
        return Some(Found { file, line: None, function: String::new() });
    };
    let mut function = name_of(&hunk.heading);
    for line in hunk.body.iter().take_while(|l| l.number <= number) {
        if begins_function(&line.text) {
            function = name_of(&line.text);
        }
    }
    Some(Found { file, line: hunk.body.iter().find(|l| l.number == number), function })
}

/// Whether a line says enough to be found again: more than braces and a return.
fn is_telling(text: &str) -> bool {
    let text = text.trim();
    text.len() >= 4
        && text.bytes().any(|b| b.is_ascii_alphanumeric())
        && !matches!(
            text,
            "return;"
                | "else"
                | "} else {"
                | "break;"
                | "continue;"
                | "#endif"
                | "#else"
                | "return 0;"
        )
}

/// Whether the code of an anchor changed from its version to `newest`, and the lines that show it.
pub(super) fn changed(old: &Version, newest: &Version, lines: &[u64]) -> Option<Vec<u64>> {
    let mut telling = lines
        .iter()
        .rev()
        .filter_map(|l| line_in_diff(old, *l).and_then(|f| Some((f.file, f.line?, f.function))))
        .filter(|(_, line, _)| is_telling(&line.text));
    let (file, line, function) = telling.next()?;
    let files: Vec<&FileDiff> = newest
        .patches
        .iter()
        .filter_map(|p| p.diff.as_ref())
        .flat_map(|d| &d.files)
        .filter(|f| f.path() == file.path())
        .collect();
    if files.is_empty() {
        // A reroll of other patches says nothing about this one.
        return (!newest.is_partial && line.kind != LineKind::Context).then(Vec::new);
    }
    let same = |l: &&HunkLine| l.text.trim() == line.text.trim();
    let in_newest = || files.iter().flat_map(|f| &f.hunks).flat_map(|h| &h.body);
    match line.kind {
        LineKind::Added => {
            let stays = in_newest().filter(|l| l.kind != LineKind::Removed).any(|l| same(&l));
            let at = files[0].first_line;
            (!stays).then(|| vec![line.number, at])
        }
        LineKind::Removed => {
            let still = in_newest().filter(|l| l.kind == LineKind::Removed).any(|l| same(&l));
            (!still).then(|| vec![line.number, files[0].first_line])
        }
        LineKind::Context => {
            for hunk in files.iter().flat_map(|f| &f.hunks) {
                let mut name = name_of(&hunk.heading);
                for (at, l) in hunk.body.iter().enumerate() {
                    if begins_function(&l.text) {
                        name = name_of(&l.text);
                    }
                    if l.kind == LineKind::Removed
                        && same(&l)
                        && (name == function || function.is_empty())
                    {
                        let mut evidence = vec![line.number, l.number];
                        evidence.extend(
                            hunk.body[at + 1..]
                                .iter()
                                .take_while(|n| n.kind != LineKind::Context)
                                .filter(|n| n.kind == LineKind::Added)
                                .take(2)
                                .map(|n| n.number),
                        );
                        return Some(evidence);
                    }
                }
            }
            None
        }
    }
}
