//! What changed between two versions, hunk by hunk, as a range-diff does: the diffs themselves are
//! compared, so that what both do alike is not shown.

use imara_diff::{Algorithm, Diff as LineDiff, InternedInput, Interner, Token};
use parse_mail::{Diff, FileDiff, LineKind};

use crate::model::{Comparison, Relation, Side, Thread, Version};

/// Lines of a pair of files beyond which no comparison is made.
const MAX_LINES: usize = 400_000;

/// A line that one side has and the other has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedLine {
    /// Its mark in its own diff: `+`, `-` or a blank.
    pub kind: LineKind,
    /// Its text.
    pub text: String,
    /// Its number in the input.
    pub number: u64,
}

/// What changed in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: String,
    /// The function or section, as far as the diffs show it.
    pub function: String,
    /// Lines of the older diff that the newer one has not.
    pub gone: Vec<ChangedLine>,
    /// Lines of the newer diff that the older one had not.
    pub new: Vec<ChangedLine>,
}

/// Compares each version with the one before it, and each draft with the version after it.
pub(crate) fn versions(thread: &mut Thread) {
    let mut found = Vec::new();
    for at in 1..thread.versions.len() {
        let (a, b) = (&thread.versions[at - 1], &thread.versions[at]);
        if a.lineage == b.lineage {
            let pairs = pair(a, b);
            found.push(compare(Side::Version(at - 1), Side::Version(at), &pairs, b.is_partial));
        }
    }
    for (index, draft) in thread.drafts.iter().enumerate() {
        let next = thread.versions.iter().position(|v| v.entry > draft.entry);
        let (Some(next), Relation::Replacement(_)) = (next, &draft.relation) else { continue };
        let pairs: Vec<_> = thread.versions[next]
            .patches
            .iter()
            .filter_map(|p| p.diff.as_ref())
            .map(|d| (Some(&draft.diff), Some(d)))
            .collect();
        found.push(compare(Side::Draft(index), Side::Version(next), &pairs, true));
    }
    thread.comparisons = found;
}

/// The diffs of one patch in the older and the newer version.
type Pair<'a> = (Option<&'a Diff>, Option<&'a Diff>);

/// Pairs the patches of two versions: by title, then by what they do, then by number.
fn pair<'a>(a: &'a Version, b: &'a Version) -> Vec<Pair<'a>> {
    let mut left: Vec<Option<&crate::model::Patch>> = a.patches.iter().map(Some).collect();
    let mut pairs = Vec::new();
    let mut open = Vec::new();
    for patch in &b.patches {
        let place = left.iter().position(|l| {
            l.is_some_and(|l| {
                l.title == patch.title || l.patch_id.is_some() && l.patch_id == patch.patch_id
            })
        });
        match place {
            Some(place) => {
                pairs.push((left[place].take().and_then(|l| l.diff.as_ref()), patch.diff.as_ref()));
            }
            None => open.push(patch),
        }
    }
    for patch in open {
        let shares = |l: &crate::model::Patch| match (&l.diff, &patch.diff) {
            (Some(a), Some(b)) => a.files.iter().any(|f| b.file(f.path()).is_some()),
            _ => false,
        };
        let place = left
            .iter()
            .position(|l| l.is_some_and(|l| l.number == patch.number && shares(l)))
            .or_else(|| left.iter().position(|l| l.is_some_and(shares)));
        let old = place.and_then(|p| left[p].take()).and_then(|l| l.diff.as_ref());
        pairs.push((old, patch.diff.as_ref()));
    }
    if !b.is_partial {
        pairs.extend(left.into_iter().flatten().map(|l| (l.diff.as_ref(), None)));
    }
    pairs
}

fn compare(from: Side, to: Side, pairs: &[Pair<'_>], partial: bool) -> Comparison {
    let mut result = Comparison {
        from,
        to,
        moved_base: Vec::new(),
        files_gone: Vec::new(),
        files_new: Vec::new(),
        changes: Vec::new(),
    };
    for (old, new) in pairs {
        let empty = Vec::new();
        let old_files = old.map_or(&empty, |d| &d.files);
        let new_files = new.map_or(&empty, |d| &d.files);
        for file in old_files {
            match new_files.iter().find(|f| f.path() == file.path()) {
                Some(other) => {
                    if let (Some(a), Some(b)) = (&file.old_blob, &other.old_blob)
                        && a != b
                    {
                        result.moved_base.push((file.path().to_owned(), a.clone(), b.clone()));
                    }
                    files(file, other, &mut result.changes);
                }
                None if !partial => result.files_gone.push(file.path().to_owned()),
                None => {}
            }
        }
        for file in new_files {
            if !old_files.iter().any(|f| f.path() == file.path()) {
                result.files_new.push(file.path().to_owned());
            }
        }
    }
    result.files_gone.sort();
    result.files_gone.dedup();
    result.files_new.sort();
    result.files_new.dedup();
    result
}

struct Row<'a> {
    kind: LineKind,
    text: &'a str,
    number: u64,
    function: String,
}

fn rows(file: &FileDiff) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for hunk in &file.hunks {
        let mut function = name_of(&hunk.heading);
        for line in &hunk.body {
            if begins_function(&line.text) {
                function = name_of(&line.text);
            }
            rows.push(Row {
                kind: line.kind,
                text: &line.text,
                number: line.number,
                function: function.clone(),
            });
        }
    }
    rows
}

/// Whether a line of C begins a function or an object: it starts in the first column with a name.
pub(crate) fn begins_function(line: &str) -> bool {
    let is_named = line.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    parse_mail::begins_function(line) || is_named && line.trim_end().ends_with('{')
}

/// The name that a heading is about: what stands before `(`, or the last word before `{` or `=`.
pub(crate) fn name_of(heading: &str) -> String {
    let head = heading.split(['(', '{', '=']).next().unwrap_or(heading).trim_end();
    let has_call = heading.contains('(');
    let word = head.rsplit([' ', '\t', '*']).next().unwrap_or(head);
    let macro_like =
        word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit());
    if has_call && macro_like && word.len() > 3 {
        // `DEFINE_SPINLOCK(name)`.
        return heading.split(['(', ')', ',']).nth(1).unwrap_or(word).trim().to_owned();
    }
    match has_call || heading.contains(['{', '=']) {
        true if !word.is_empty() => word.trim_end_matches("[]").to_owned(),
        _ => heading.trim().to_owned(),
    }
}

fn files(old: &FileDiff, new: &FileDiff, changes: &mut Vec<Change>) {
    let (left, right) = (rows(old), rows(new));
    if left.len() + right.len() > MAX_LINES {
        return;
    }
    let key = |row: &Row<'_>| format!("{}{}", row.kind.mark(), row.text.trim_end());
    let mut input: InternedInput<String> = InternedInput {
        before: Vec::new(),
        after: Vec::new(),
        interner: Interner::new(left.len() + right.len()),
    };
    let before: Vec<Token> = left.iter().map(|r| input.interner.intern(key(r))).collect();
    let after: Vec<Token> = right.iter().map(|r| input.interner.intern(key(r))).collect();
    input.before = before;
    input.after = after;
    let diff = LineDiff::compute(Algorithm::Histogram, &input);
    for hunk in diff.hunks() {
        let side = |rows: &[Row<'_>], range: std::ops::Range<u32>| -> Vec<ChangedLine> {
            rows[range.start as usize..range.end as usize]
                .iter()
                .map(|r| ChangedLine { kind: r.kind, text: r.text.to_owned(), number: r.number })
                .collect()
        };
        let mut gone = side(&left, hunk.before.clone());
        let mut newly = side(&right, hunk.after.clone());
        // Context that only one side shows says nothing, unless the other side changes that line.
        let speaks = |l: &ChangedLine, others: &[ChangedLine]| {
            l.kind != LineKind::Context
                || others.iter().any(|o| o.kind != LineKind::Context && o.text == l.text)
        };
        let (a, b) = (gone.clone(), newly.clone());
        gone.retain(|l| speaks(l, &b));
        newly.retain(|l| speaks(l, &a));
        gone.retain(|l| !l.text.trim().is_empty());
        newly.retain(|l| !l.text.trim().is_empty());
        if gone.is_empty() && newly.is_empty() {
            continue;
        }
        let function = right
            .get(hunk.after.start as usize)
            .filter(|_| hunk.after.end > hunk.after.start)
            .or_else(|| left.get(hunk.before.start as usize))
            .map(|r| r.function.clone())
            .unwrap_or_default();
        match changes.last_mut() {
            Some(last) if last.path == new.path() && last.function == function => {
                last.gone.extend(gone);
                last.new.extend(newly);
            }
            _ => changes.push(Change { path: new.path().to_owned(), function, gone, new: newly }),
        }
    }
}
