//! What a patch asks: the files that it names, the commits that it mends, the lines that it changes.

use std::collections::BTreeSet;

/// A patch, as far as it tells whose code it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// The files that it names, sorted.
    pub files: Vec<String>,
    /// The commits of its `Fixes:`, as they are written.
    pub fixes: Vec<String>,
    /// The lines of the old files that its hunks span: path, first line, last line.
    pub spans: Vec<(String, usize, usize)>,
}

impl Patch {
    /// Whether it changes nothing: no patch at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// Whether a text holds a patch: a file's old and new name above a hunk, or what git writes above a diff.
#[must_use]
pub fn is_patch(text: &str) -> bool {
    let mut before = ["", ""];
    for line in text.lines() {
        let hunk = line.starts_with("@@ -")
            && before[1].starts_with("+++ ")
            && before[0].starts_with("--- ");
        if hunk || matches!(kind(line), Line::Files(_, Some(_))) {
            return true;
        }
        before = [before[1], line];
    }
    false
}

/// Reads a patch, or several behind each other.
#[must_use]
pub fn read(text: &str) -> Patch {
    let mut files = BTreeSet::new();
    let mut patch = Patch::default();
    let mut old = "";
    for line in text.lines() {
        match kind(line) {
            Line::Files(first, second) => {
                files.extend([Some(first), second].into_iter().flatten().map(str::to_owned));
            }
            Line::Old(path) => {
                old = path;
                files.insert(path.to_owned());
            }
            Line::New(path) => {
                files.insert(path.to_owned());
            }
            Line::Fixes(commit) => {
                if !patch.fixes.iter().any(|known| known == commit) {
                    patch.fixes.push(commit.to_owned());
                }
            }
            Line::Hunk(first, count) if count > 0 && !old.is_empty() => {
                patch.spans.push((old.to_owned(), first, first + count - 1));
            }
            Line::Hunk(..) | Line::Other => {}
        }
    }
    // What is made or removed stands against no file.
    files.remove("dev/null");
    patch.spans.retain(|(path, ..)| path != "dev/null");
    patch.files = files.into_iter().collect();
    patch
}

/// A line that keywords are looked for in.
pub(super) enum KeywordLine<'a> {
    /// Before the first diff: the text of the mail.
    Text(&'a str),
    /// From there on.
    Diff(&'a str),
}

/// The lines that keywords are looked for in, with their numbers from 1: all but those that name files.
pub(super) fn keyword_lines(text: &str) -> impl Iterator<Item = (usize, KeywordLine<'_>)> {
    let mut in_diff = false;
    (1..).zip(text.lines()).filter_map(move |(number, line)| match kind(line) {
        Line::Old(_) | Line::New(_) => {
            in_diff = true;
            None
        }
        Line::Other if in_diff => Some((number, KeywordLine::Diff(line))),
        Line::Other => Some((number, KeywordLine::Text(line))),
        _ => None,
    })
}

enum Line<'a> {
    /// ` mode change`, `rename from`, `diff --git`.
    Files(&'a str, Option<&'a str>),
    /// `--- a/PATH`
    Old(&'a str),
    /// `+++ b/PATH`
    New(&'a str),
    Fixes(&'a str),
    /// First line and number of lines of the old file.
    Hunk(usize, usize),
    Other,
}

fn kind(line: &str) -> Line<'_> {
    read_line(line).unwrap_or(Line::Other)
}

fn read_line(line: &str) -> Option<Line<'_>> {
    let word = |text: &'_ str| -> Option<(usize, usize)> {
        let from = text.len() - text.trim_start().len();
        let length = text[from..].find(char::is_whitespace).unwrap_or(text.len() - from);
        (length > 0).then_some((from, from + length))
    };
    if let Some(rest) = line.strip_prefix("diff --git a/") {
        let (first, second) = rest.trim_end().split_once(" b/")?;
        let whole = |path: &str| !path.is_empty() && !path.contains(char::is_whitespace);
        return (whole(first) && whole(second)).then_some(Line::Files(first, Some(second)));
    }
    for (mark, is_old) in [("---", true), ("+++", false)] {
        let Some(rest) = line.strip_prefix(mark) else { continue };
        if !rest.starts_with(char::is_whitespace) {
            return None;
        }
        let (from, to) = word(rest)?;
        let path = &rest[from..to];
        let path = path.split_once('/').map_or(path, |(_, path)| path);
        return Some(if is_old { Line::Old(path) } else { Line::New(path) });
    }
    if let Some(rest) =
        line.strip_prefix("rename from ").or_else(|| line.strip_prefix("rename to "))
    {
        let path = rest.trim_end();
        return (!path.is_empty() && !path.contains(char::is_whitespace))
            .then_some(Line::Files(path, None));
    }
    if let Some(rest) = line.strip_prefix(" mode change ") {
        let mut words = rest.split_whitespace();
        let (from, arrow, to, path) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let octal = |text: &str| text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        let is_whole = octal(from) && arrow == "=>" && octal(to) && words.next().is_none();
        return is_whole.then_some(Line::Files(path, None));
    }
    if let Some(rest) = line.strip_prefix("Fixes:") {
        let (from, _) = word(rest).filter(|(from, _)| *from > 0)?;
        let digits = rest[from..].bytes().take(40).take_while(u8::is_ascii_hexdigit).count();
        return (digits >= 6).then(|| Line::Fixes(&rest[from..from + digits]));
    }
    if let Some(rest) = line.strip_prefix("@@ -") {
        let (first, rest) = rest.split_once(',')?;
        let count = rest.bytes().take_while(u8::is_ascii_digit).count();
        return Some(Line::Hunk(first.parse().ok()?, rest[..count].parse().ok()?));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "\
Subject: widget: gears

Fixes: 0123456789ab (\"widget: run\")
Fixes: none
---
 drivers/widget/core.c | 2 +-

diff --git a/drivers/widget/core.c b/drivers/widget/core.c
index 111..222 100644
--- a/drivers/widget/core.c
+++ b/drivers/widget/core.c
@@ -10,3 +10,3 @@ static int run(void)
 \tint a;
-\tgear(a);
+\tgear_put(a);
--- /dev/null
+++ b/lib/new.c
@@ -0,0 +1 @@
+x
rename from lib/a.c
rename to lib/b.c
 mode change 100644 => 100755 scripts/run
--
2.39
";

    #[test]
    fn files_fixes_and_spans_of_a_patch() {
        let patch = read(PATCH);
        assert_eq!(
            patch.files,
            ["drivers/widget/core.c", "lib/a.c", "lib/b.c", "lib/new.c", "scripts/run"]
        );
        assert_eq!(patch.fixes, ["0123456789ab"]);
        assert_eq!(patch.spans, [("drivers/widget/core.c".to_owned(), 10, 12)]);
        assert!(read("no patch\n---\nat all").is_empty());
        assert!(is_patch(PATCH) && !is_patch("--- interrupt: 500 at pump+0x1/0x2\n+++ x\n"));
    }

    #[test]
    fn keywords_are_looked_for_in_the_text_and_in_the_diffs() {
        let (mut text, mut diff) = (Vec::new(), Vec::new());
        for (number, line) in keyword_lines(PATCH) {
            match line {
                KeywordLine::Text(_) => text.push(number),
                KeywordLine::Diff(_) => diff.push(number),
            }
        }
        assert_eq!(text, [1, 2, 4, 5, 6, 7, 9]);
        assert_eq!(diff, [13, 14, 15, 19, 23, 24]);
    }
}
