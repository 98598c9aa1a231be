//! Diffs that stand unquoted in a body: where each begins and ends, its files, blobs and hunks.
//!
//! Invariant: a diff ends where the counts of its last hunk end, so text glued to it, a signature or
//! a quote never becomes part of it, and its bytes are those of the sender.

use model::LineSpan;

use crate::body::Body;

/// Hunk lines kept of one body. A diff beyond it is noted as damaged.
const MAX_LINES: usize = 4_000_000;

/// What a line of a hunk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// Stays.
    Context,
    /// Goes.
    Removed,
    /// Comes.
    Added,
}

impl LineKind {
    /// The mark at the begin of the line.
    pub const fn mark(self) -> char {
        match self {
            Self::Context => ' ',
            Self::Removed => '-',
            Self::Added => '+',
        }
    }
}

/// A line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HunkLine {
    /// What it does.
    pub kind: LineKind,
    /// The line without its mark.
    pub text: String,
    /// Its number in the input.
    pub number: u64,
}

/// A hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// First line and count before.
    pub old: (u64, u64),
    /// First line and count after.
    pub new: (u64, u64),
    /// What stands behind the second `@@`: mostly the function.
    pub heading: String,
    /// From the `@@` line to the last line.
    pub lines: LineSpan,
    /// Its lines. `\ No newline at end of file` is not among them.
    pub body: Vec<HunkLine>,
}

/// Whether a line of C, without its mark, begins a function: it starts in the first column and is no statement.
pub fn begins_function(line: &str) -> bool {
    line.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && line.contains('(')
        && !line.trim_end().ends_with([';', ':'])
}

/// The name of the function in the heading of a hunk or the first line of a definition.
pub fn function_name(heading: &str) -> Option<&str> {
    let head = &heading[..heading.find('(')?];
    let name = head.rsplit([' ', '\t', '*']).next()?;
    (name.len() >= 2 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        .then_some(name)
}

/// The change of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileDiff {
    /// Path before, without `a/`; none for a new file.
    pub old_path: Option<String>,
    /// Path after, without `b/`; none for a deleted file.
    pub new_path: Option<String>,
    /// Blob before, as short as written; none if not written or all zeros.
    pub old_blob: Option<String>,
    /// Blob after.
    pub new_blob: Option<String>,
    /// The file is renamed or copied.
    pub is_renamed: bool,
    /// The content is binary.
    pub is_binary: bool,
    /// Number of its first line in the input.
    pub first_line: u64,
    /// Hunks in order.
    pub hunks: Vec<Hunk>,
}

impl FileDiff {
    /// The path after the change, or before it if the file is deleted.
    pub fn path(&self) -> &str {
        self.new_path.as_deref().or(self.old_path.as_deref()).unwrap_or("")
    }

    /// Lines added.
    pub fn added(&self) -> usize {
        self.count(LineKind::Added)
    }

    /// Lines removed.
    pub fn removed(&self) -> usize {
        self.count(LineKind::Removed)
    }

    fn count(&self, kind: LineKind) -> usize {
        self.hunks.iter().flat_map(|h| &h.body).filter(|l| l.kind == kind).count()
    }
}

/// Why a diff will not apply as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// A line was wrapped or lost its mark.
    Wrapped {
        /// Its number in the input.
        line: u64,
    },
    /// A hunk ends before its counts do.
    Short {
        /// Number of its `@@` line.
        line: u64,
    },
}

/// A diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// Where it stands in the input.
    pub lines: LineSpan,
    /// Index of its first line in the body.
    pub first: usize,
    /// Index of its last line in the body.
    pub last: usize,
    /// Its files.
    pub files: Vec<FileDiff>,
    /// Why it will not apply, if so.
    pub damage: Option<Damage>,
}

impl Diff {
    /// Lines added.
    pub fn added(&self) -> usize {
        self.files.iter().map(FileDiff::added).sum()
    }

    /// Lines removed.
    pub fn removed(&self) -> usize {
        self.files.iter().map(FileDiff::removed).sum()
    }

    /// The diff of `path`.
    pub fn file(&self, path: &str) -> Option<&FileDiff> {
        self.files.iter().find(|f| f.path() == path)
    }
}

/// Finds all diffs that stand unquoted in `body`.
pub fn diffs(body: &Body) -> Vec<Diff> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut budget = MAX_LINES;
    while at < body.len() {
        if !begins_file(body, at) {
            at += 1;
            continue;
        }
        let first = at;
        let mut files = Vec::new();
        let mut damage = None;
        loop {
            let (file, next) = read_file(body, at, &mut damage, &mut budget);
            at = next;
            files.push(file);
            // Some tools leave an empty line between files.
            let mut further = at;
            while further < body.len().min(at + 3) && body.line(further).text.is_empty() {
                further += 1;
            }
            if !begins_file(body, further) || body.line(further).number < body.line(first).number {
                break;
            }
            at = further;
        }
        let last = at - 1;
        let named = files.iter().any(|f: &FileDiff| !f.path().is_empty());
        if named
            && (files.iter().any(|f| {
                !f.hunks.is_empty() || f.is_binary || f.is_renamed || f.old_blob != f.new_blob
            }) || body.line(first).text.starts_with("diff --git ") && last > first)
        {
            found.push(Diff {
                lines: LineSpan::new(body.line(first).number, body.line(last).number),
                first,
                last,
                files,
                damage,
            });
        }
    }
    found
}

fn begins_file(body: &Body, at: usize) -> bool {
    let line = body.line(at).text;
    if line.starts_with("diff --git ") {
        return true;
    }
    if line.starts_with("Index: ") {
        return (at + 1..at + 3).any(|i| is_old_name(body, i));
    }
    is_old_name(body, at)
}

fn is_old_name(body: &Body, at: usize) -> bool {
    body.line(at).text.starts_with("--- ")
        && body.line(at + 1).text.starts_with("+++ ")
        && body.line(at + 2).text.starts_with("@@ -")
}

fn read_file(
    body: &Body,
    start: usize,
    damage: &mut Option<Damage>,
    budget: &mut usize,
) -> (FileDiff, usize) {
    let mut file = FileDiff { first_line: body.line(start).number, ..FileDiff::default() };
    let mut at = start;
    if let Some(rest) = body.line(at).text.strip_prefix("diff --git ") {
        let rest = rest.trim_end();
        // Both halves are equal but for the first letter, unless the file is renamed.
        let (old, new) = rest.split_at(rest.floor_char_boundary(rest.len() / 2));
        if let (Some(old), Some(new)) = (old.strip_prefix("a/"), new.strip_prefix(" b/"))
            && old == new
        {
            (file.old_path, file.new_path) = (Some(old.to_owned()), Some(new.to_owned()));
        } else if let Some((old, new)) = rest.split_once(" b/") {
            file.old_path = Some(old.strip_prefix("a/").unwrap_or(old).to_owned());
            file.new_path = Some(new.to_owned());
        }
        at += 1;
    } else if body.line(at).text.starts_with("Index: ") {
        at += 1;
        if body.line(at).text.starts_with("====") {
            at += 1;
        }
    }
    while at < body.len() {
        let line = body.line(at).text;
        if let Some(rest) = line.strip_prefix("index ") {
            let blobs = rest.split(' ').next().unwrap_or_default();
            if let Some((old, new)) = blobs.split_once("..") {
                file.old_blob = blob(old);
                file.new_blob = blob(new);
            }
        } else if line.starts_with("new file mode ") {
            file.old_path = None;
        } else if line.starts_with("deleted file mode ") {
            file.new_path = None;
        } else if let Some(path) =
            line.strip_prefix("rename from ").or_else(|| line.strip_prefix("copy from "))
        {
            file.old_path = Some(path.to_owned());
            file.is_renamed = true;
        } else if let Some(path) =
            line.strip_prefix("rename to ").or_else(|| line.strip_prefix("copy to "))
        {
            file.new_path = Some(path.to_owned());
            file.is_renamed = true;
        } else if line.starts_with("Binary files ") && line.trim_end().ends_with(" differ") {
            file.is_binary = true;
        } else if line == "GIT binary patch" {
            file.is_binary = true;
            at = binary(body, at + 1);
            return (file, at);
        } else if let (true, Some(new)) =
            (line.starts_with("--- "), body.line(at + 1).text.strip_prefix("+++ "))
        {
            file.old_path = path(&line[4..]);
            file.new_path = path(new);
            at += 2;
            break;
        } else if !["old mode ", "new mode ", "similarity index ", "dissimilarity index "]
            .iter()
            .any(|p| line.starts_with(p))
        {
            break;
        }
        at += 1;
    }
    while let Some(((old, new), heading)) = hunk_head(body.line(at).text) {
        let (hunk, next) = read_hunk(body, at, old, new, heading.to_owned(), damage, budget);
        file.hunks.push(hunk);
        at = next;
    }
    (file, at.max(start + 1))
}

fn binary(body: &Body, mut at: usize) -> usize {
    while body.line(at).text.starts_with("literal ") || body.line(at).text.starts_with("delta ") {
        at += 1;
        while at < body.len() && !body.line(at).text.is_empty() {
            at += 1;
        }
        // The empty line that ends the block belongs to it.
        if at < body.len() {
            at += 1;
        }
    }
    at
}

fn blob(text: &str) -> Option<String> {
    let hex = text.len() >= 4 && text.bytes().all(|b| b.is_ascii_hexdigit());
    (hex && text.bytes().any(|b| b != b'0')).then(|| text.to_ascii_lowercase())
}

fn path(text: &str) -> Option<String> {
    let text = text.split('\t').next().unwrap_or(text).trim_end();
    if text == "/dev/null" {
        return None;
    }
    // `a/` and `b/`, or the tree's name as quilt writes it.
    Some(text.split_once('/').map_or(text, |(_, rest)| rest).to_owned())
}

/// First line and count, before and after.
type Ranges = ((u64, u64), (u64, u64));

fn hunk_head(line: &str) -> Option<(Ranges, &str)> {
    let rest = line.strip_prefix("@@ -")?;
    let (ranges, heading) = rest.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |text: &str| {
        let (first, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((first.parse::<u64>().ok()?, count.parse::<u64>().ok()?))
    };
    Some(((range(old)?, range(new)?), heading.trim()))
}

fn read_hunk(
    body: &Body,
    start: usize,
    old: (u64, u64),
    new: (u64, u64),
    heading: String,
    damage: &mut Option<Damage>,
    budget: &mut usize,
) -> (Hunk, usize) {
    let mut lines = Vec::new();
    let (mut old_left, mut new_left) = (old.1, new.1);
    let mut at = start + 1;
    let mut wrapped = 0;
    while (old_left > 0 || new_left > 0) && at < body.len() && *budget > 0 {
        let line = body.line(at);
        let kind = match line.text.as_bytes().first() {
            Some(b' ') | None => LineKind::Context,
            // The blank in front of it was lost: it can be read, and no program applies it.
            Some(b'\t') => {
                damage.get_or_insert(Damage::Wrapped { line: line.number });
                LineKind::Context
            }
            Some(b'-') => LineKind::Removed,
            Some(b'+') => LineKind::Added,
            Some(b'\\') => {
                at += 1;
                continue;
            }
            _ if line.text.starts_with('\u{a0}') => {
                damage.get_or_insert(Damage::Wrapped { line: line.number });
                LineKind::Context
            }
            _ => {
                damage.get_or_insert(Damage::Wrapped { line: line.number });
                wrapped += 1;
                if wrapped > 8
                    || line.text.starts_with("@@ ")
                    || line.text.starts_with("diff ")
                    || line.text.starts_with('>')
                {
                    break;
                }
                at += 1;
                continue;
            }
        };
        let fits = match kind {
            LineKind::Context => old_left > 0 && new_left > 0,
            LineKind::Removed => old_left > 0,
            LineKind::Added => new_left > 0,
        };
        if !fits {
            break;
        }
        old_left -= u64::from(kind != LineKind::Added);
        new_left -= u64::from(kind != LineKind::Removed);
        let mut text = line.text.chars();
        // A tab without a mark is text whose mark was lost, not a mark.
        if !line.text.starts_with('\t') {
            text.next();
        }
        lines.push(HunkLine { kind, text: text.as_str().to_owned(), number: line.number });
        *budget -= 1;
        at += 1;
    }
    if old_left > 0 || new_left > 0 {
        damage.get_or_insert(Damage::Short { line: body.line(start).number });
    }
    if body.line(at).text.starts_with("\\ ") {
        at += 1;
    }
    let last = body.line(at.saturating_sub(1).max(start)).number;
    let hunk = Hunk {
        old,
        new,
        heading,
        lines: LineSpan::new(body.line(start).number, last),
        body: lines,
    };
    (hunk, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_told_from_statements_labels_and_objects() {
        for (line, name) in [
            ("static int pump_start(struct pump *p)", Some("pump_start")),
            ("struct pump *pump_get(int id) {", Some("pump_get")),
            ("pump_stop(p);", None),
            ("out(1):", None),
            ("\tpump_stop(p)", None),
            ("static struct pump_ops ops = {", None),
        ] {
            let found = begins_function(line).then(|| function_name(line)).flatten();
            assert_eq!(found, name, "{line}");
        }
    }

    fn body(text: &str) -> Body {
        let mut body = Body::default();
        for (index, line) in text.split('\n').enumerate() {
            body.push_text(index as u64 + 1, line);
        }
        body
    }

    #[test]
    fn a_context_line_that_lost_its_blank_is_read_and_called_damaged() {
        for line in ["\treturn a;", "\u{a0}\treturn a;"] {
            let text = format!("--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n-a\n+b\n{line}\n");
            let all = diffs(&body(&text));
            assert_eq!(all[0].damage, Some(Damage::Wrapped { line: 6 }), "{line}");
            assert_eq!(all[0].files[0].hunks[0].body[2].text, "\treturn a;");
        }
    }

    #[test]
    fn a_diff_glued_to_text_ends_where_its_counts_end() {
        let b = body(
            "How about\n--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@ int f(void)\n a\n-b\n+c\nThanks\n-- \nme",
        );
        let all = diffs(&b);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].lines, all[0].added(), all[0].removed()), (LineSpan::new(2, 7), 1, 1));
        assert_eq!(all[0].files[0].path(), "x.c");
        assert_eq!(all[0].files[0].hunks[0].heading, "int f(void)");
        assert_eq!(all[0].damage, None);
    }

    #[test]
    fn a_signature_behind_the_last_hunk_is_not_a_removed_line() {
        let b = body(
            "diff --git a/x b/x\nindex 1111111..2222222 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n-- \n2.47",
        );
        let all = diffs(&b);
        assert_eq!(all[0].lines, LineSpan::new(1, 7));
        assert_eq!(all[0].files[0].old_blob.as_deref(), Some("1111111"));
    }

    #[test]
    fn new_deleted_renamed_and_binary_files_are_told_apart() {
        let b = body(
            "diff --git a/n b/n\nnew file mode 100644\nindex 000000000000..1234567\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n\
             diff --git a/o b/p\nsimilarity index 100%\nrename from o\nrename to p\n\
             diff --git a/i.png b/i.png\nindex 1..2\nGIT binary patch\nliteral 3\nKc$@\n\nliteral 0\nHcmV?d00001\n\ntext",
        );
        let all = diffs(&b);
        assert_eq!(all.len(), 1);
        let files = &all[0].files;
        assert_eq!(files.len(), 3);
        assert_eq!((files[0].old_path.as_deref(), files[0].old_blob.as_deref()), (None, None));
        assert!(files[1].is_renamed && files[2].is_binary);
        assert_eq!(all[0].last, 19);
    }

    #[test]
    fn a_wrapped_line_is_damage_and_not_a_lost_diff() {
        let b = body("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a very long\nline\n-b\n+c\n");
        let all = diffs(&b);
        assert_eq!(all[0].damage, Some(Damage::Wrapped { line: 5 }));
        assert_eq!(all[0].added(), 1);
    }

    #[test]
    fn quoted_diffs_and_rulers_are_no_diffs() {
        assert_eq!(diffs(&body("> --- a/x\n> +++ b/x\n> @@ -1 +1 @@\n> -a\n> +b")), []);
        assert_eq!(diffs(&body("--- \ntext\n--- a\n+++ b\nno hunk")), []);
    }
}
