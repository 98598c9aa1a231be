//! What is tried: a version of a series, or a diff from a reply.

use std::collections::BTreeMap;

use analysis_thread::{Relation, Thread};
use model::{Grade, LineSpan};
use parse_mail::{Body, Diff, Message, Person};

/// Patches of a series beyond which it is refused: more were never one series, and each is a mail to apply.
pub(crate) const MOST_PATCHES: usize = 1000;

/// A series with what its thread says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// Its title.
    pub title: String,
    /// `v3`, `D2`, or the names of the revisions.
    pub version: String,
    /// Who wrote it.
    pub author: Person,
    /// The mail to answer: the cover letter, or the first patch.
    pub message_id: Option<String>,
    /// What that mail itself answers, oldest first.
    pub references: Vec<String>,
    /// The subject of that mail.
    pub subject: String,
    /// Who got it.
    pub recipients: Vec<Person>,
    /// When it was sent, in seconds since 1970: not before and not after.
    pub sent: Option<(i64, i64)>,
    /// The first and the last line of that mail in the input.
    pub lines: Option<LineSpan>,
    /// Patches, in the order in which they apply.
    pub patches: Vec<Patch>,
    /// `base-commit`, with its line.
    pub base_commit: Option<(String, Option<u64>)>,
    /// Tags of the subject, such as `net-next`.
    pub trees: Vec<String>,
    /// The text of cover letter and patches, without the diffs.
    pub text: String,
    /// Versions of the series in the input, the oldest first.
    pub versions: Vec<String>,
    /// The newest version, where another one is tried.
    pub newer: Option<String>,
    /// Where the discussion stands, in a line.
    pub state: String,
    /// What a look at the diff shows and nobody said.
    pub findings: Vec<Finding>,
}

/// A finding about the diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is found.
    pub statement: String,
    /// Where.
    pub lines: Vec<LineSpan>,
    /// How sure.
    pub grade: Grade,
    /// Whether it is about style only.
    pub is_style: bool,
}

/// A patch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// Its title.
    pub title: String,
    /// The mail as `git am` takes it.
    pub mail: Vec<u8>,
    /// What it changes.
    pub diff: Option<Diff>,
}

/// Which diff is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pick<'a> {
    /// The newest version.
    #[default]
    Newest,
    /// A version by its name, such as `v3`.
    Version(&'a str),
    /// A draft by its name, such as `D2`.
    Draft(&'a str),
}

/// Why there is nothing to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PickError {
    /// The input has no patch at all.
    NoPatch,
    /// It has none of that name, but these.
    NoSuch {
        /// What was asked for.
        wanted: String,
        /// What there is.
        names: Vec<String>,
    },
    /// Patches of the version are not at hand.
    Incomplete {
        /// The version.
        version: String,
        /// Their numbers.
        missing: Vec<u32>,
    },
    /// A patch changes a path that no tree has.
    Outside {
        /// The number of the patch.
        patch: usize,
        /// The path.
        path: String,
    },
    /// It is too long to be one series.
    TooLong {
        /// Its patches.
        patches: usize,
    },
    /// Several series are in the input, and none was named.
    Several {
        /// Their titles.
        titles: Vec<String>,
    },
}

/// Takes what is wanted out of the threads of an input.
///
/// # Errors
/// When it is not there, is not whole, or cannot be a series for a tree.
pub fn pick(
    messages: &[Message],
    threads: &[Thread],
    wanted: Pick<'_>,
) -> Result<Series, PickError> {
    let with: Vec<&Thread> = threads
        .iter()
        .filter(|thread| {
            thread.versions.iter().any(|v| !v.patches.is_empty()) || !thread.drafts.is_empty()
        })
        .collect();
    let named = |thread: &&&Thread| match wanted {
        Pick::Newest => true,
        Pick::Version(name) => thread.versions.iter().any(|v| v.name() == name),
        Pick::Draft(name) => draft_number(name).is_some_and(|at| at < thread.drafts.len()),
    };
    let fitting: Vec<&&Thread> = with.iter().filter(named).collect();
    let series = match (with.is_empty(), fitting.as_slice()) {
        (true, _) => return Err(PickError::NoPatch),
        (_, []) => {
            let names = with.iter().flat_map(|thread| names(thread)).collect();
            let wanted = match wanted {
                Pick::Newest => String::new(),
                Pick::Version(name) | Pick::Draft(name) => name.to_owned(),
            };
            return Err(PickError::NoSuch { wanted, names });
        }
        (_, [thread]) => one(messages, thread, wanted)?,
        (_, several) => {
            let titles = several
                .iter()
                .map(|thread| {
                    let newest = thread.state.newest.or(thread.versions.len().checked_sub(1));
                    newest.map_or_else(String::new, |newest| thread.title(newest).to_owned())
                })
                .collect();
            return Err(PickError::Several { titles });
        }
    };
    check(&series)?;
    Ok(series)
}

/// What can be asked for by name.
fn names(thread: &Thread) -> Vec<String> {
    let versions = thread.versions.iter().map(analysis_thread::Version::name);
    versions.chain((1..=thread.drafts.len()).map(|number| format!("D{number}"))).collect()
}

fn draft_number(name: &str) -> Option<usize> {
    name.strip_prefix(['D', 'd'])?.parse::<usize>().ok()?.checked_sub(1)
}

fn one(messages: &[Message], thread: &Thread, wanted: Pick<'_>) -> Result<Series, PickError> {
    match wanted {
        Pick::Draft(name) => {
            let at = draft_number(name).unwrap_or_default();
            Ok(of_draft(messages, thread, at, name))
        }
        Pick::Version(name) => {
            let at = thread.versions.iter().rposition(|version| version.name() == name);
            of_version(messages, thread, at.unwrap_or_default())
        }
        Pick::Newest => match thread.state.newest.or(thread.versions.len().checked_sub(1)) {
            Some(at) => of_version(messages, thread, at),
            None => {
                let at = thread.drafts.len().saturating_sub(1);
                Ok(of_draft(messages, thread, at, &format!("D{}", at + 1)))
            }
        },
    }
}

/// What every diff of a thread shares.
fn shared(messages: &[Message], thread: &Thread, entry: usize) -> Series {
    let message = &messages[thread.entries[entry].message];
    let when = thread.entries[entry].when;
    let mut references = message.references.clone();
    for id in &message.in_reply_to {
        if !references.contains(id) {
            references.push(id.clone());
        }
    }
    let findings = thread
        .findings
        .iter()
        .map(|found| Finding {
            statement: found.statement.clone(),
            lines: found.lines.clone(),
            grade: found.grade,
            is_style: found.is_style,
        })
        .collect();
    Series {
        author: message.from.clone(),
        message_id: message.message_id.clone(),
        references,
        subject: message.subject.text.clone(),
        recipients: message.to.iter().chain(&message.cc).cloned().collect(),
        sent: (!when.is_unknown).then_some((when.low, when.high)),
        lines: Some(message.lines),
        trees: message.subject.tags.clone(),
        versions: thread.versions.iter().map(analysis_thread::Version::name).collect(),
        state: thread.state.line.clone(),
        findings,
        ..Series::default()
    }
}

fn of_version(messages: &[Message], thread: &Thread, at: usize) -> Result<Series, PickError> {
    let version = &thread.versions[at];
    let newest = thread.state.newest.unwrap_or(at);
    let mut patches = BTreeMap::new();
    // What a partial reroll leaves out stays as the newest version before has it.
    for older in thread.whole(at) {
        for patch in &thread.versions[older].patches {
            patches.entry(patch.number).or_insert(patch);
        }
    }
    let missing: Vec<u32> = (1..=version.size)
        .take(MOST_PATCHES + 1)
        .filter(|number| !patches.contains_key(number))
        .collect();
    if !missing.is_empty() {
        return Err(PickError::Incomplete { version: version.name(), missing });
    }
    if patches.len() > MOST_PATCHES {
        return Err(PickError::TooLong { patches: patches.len() });
    }
    let mut series = shared(messages, thread, version.cover.unwrap_or(version.entry));
    let mut text = String::new();
    if let Some(cover) = version.cover {
        add_text(&mut text, &messages[thread.entries[cover].message].body);
    }
    for patch in patches.values() {
        let entry = &thread.entries[patch.entry];
        let message = &messages[entry.message];
        add_text(&mut text, &message.body);
        let date = message.date.map_or(entry.when.low, |date| date.seconds);
        series.patches.push(Patch {
            title: patch.title.clone(),
            mail: mail(&message.from, date, &patch.title, &whole(&message.body)),
            diff: patch.diff.clone(),
        });
    }
    series.title = thread.title(at).to_owned();
    series.version = version.name();
    series.author = version.author.clone();
    series.base_commit = version.base_commit.clone().map(|commit| {
        let line = messages
            .iter()
            .flat_map(|message| message.body.lines())
            .find(|line| line.text.starts_with("base-commit:") && line.text.contains(&commit))
            .map(|line| line.number);
        (commit, line)
    });
    series.text = text;
    if newest != at {
        series.newer = thread.versions.get(newest).map(analysis_thread::Version::name);
        // They are about the newest version.
        series.findings.clear();
    }
    Ok(series)
}

fn of_draft(messages: &[Message], thread: &Thread, at: usize, name: &str) -> Series {
    let draft = &thread.drafts[at];
    let entry = &thread.entries[draft.entry];
    let message = &messages[entry.message];
    let mut series = shared(messages, thread, draft.entry);
    series.findings.clear();
    let title = match thread.state.newest {
        Some(newest) => thread.title(newest).to_owned(),
        None => message.subject.title.clone(),
    };
    // A draft that goes on from a version needs that version first.
    if let Relation::Incremental(version) = draft.relation
        && let Ok(before) = of_version(messages, thread, version)
    {
        series.patches = before.patches;
        series.base_commit = before.base_commit;
    }
    let date = message.date.map_or(entry.when.low, |date| date.seconds);
    let subject = format!("{title} (draft {name})");
    let body = message.body.bytes(draft.diff.first, draft.diff.last);
    series.patches.push(Patch {
        title: subject.clone(),
        mail: mail(&message.from, date, &subject, &[b"---\n".as_slice(), &body].concat()),
        diff: Some(draft.diff.clone()),
    });
    add_text(&mut series.text, &message.body);
    series.title = title;
    series.version = name.to_uppercase();
    series
}

fn whole(body: &Body) -> Vec<u8> {
    if body.is_empty() { Vec::new() } else { body.bytes(0, body.len() - 1) }
}

/// Bytes of text that are searched for the name of a tree.
const MOST_TEXT: usize = 256 << 10;

/// The lines that are neither quoted nor of a diff.
fn add_text(text: &mut String, body: &Body) {
    for line in body.lines() {
        if line.text.starts_with("diff --git ") || text.len() > MOST_TEXT {
            break;
        }
        if !line.text.starts_with('>') {
            text.push_str(line.text);
            text.push('\n');
        }
    }
}

/// A mail that `git am` takes, with the bytes of the diff as they were sent.
fn mail(from: &Person, date: i64, title: &str, body: &[u8]) -> Vec<u8> {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>' | '"' | '\\')).collect()
    };
    let name = match plain(from.shown()).trim() {
        "" => "unknown".to_owned(),
        name => name.to_owned(),
    };
    // A page has no addresses: one of that top-level domain is nobody's.
    let address = from.address.as_deref().map_or_else(|| "unknown@example.invalid".into(), plain);
    let head = format!(
        "From: \"{name}\" <{address}>\nDate: @{} +0000\nSubject: [PATCH] {}\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n",
        date.max(1),
        plain(title)
    );
    [head.as_bytes(), body].concat()
}

/// Refuses what would leave the tree. git would too; here it is said before anything is begun.
fn check(series: &Series) -> Result<(), PickError> {
    for (at, patch) in series.patches.iter().enumerate() {
        let files = patch.diff.iter().flat_map(|diff| &diff.files);
        for path in files.flat_map(|file| [&file.old_path, &file.new_path]).flatten() {
            let leaves = path.starts_with('/')
                || path.split('/').any(|part| part == ".." || part.eq_ignore_ascii_case(".git"));
            if leaves {
                return Err(PickError::Outside { patch: at + 1, path: path.clone() });
            }
        }
    }
    Ok(())
}

impl Series {
    /// The files that must be there before the first patch, with the blob that each starts from; no blob
    /// where the diff does not tell.
    pub fn preimage(&self) -> Vec<(String, Option<String>)> {
        let mut seen: BTreeMap<String, Option<Option<String>>> = BTreeMap::new();
        let files = self.patches.iter().filter_map(|patch| patch.diff.as_ref());
        for file in files.flat_map(|diff| &diff.files) {
            if let Some(old) = &file.old_path {
                seen.entry(old.clone()).or_insert_with(|| Some(file.old_blob.clone()));
            }
            if let Some(new) = &file.new_path {
                // Made by the series itself, as far as later patches go.
                seen.entry(new.clone()).or_insert(None);
            }
        }
        seen.into_iter().filter_map(|(path, blob)| Some((path, blob?))).collect()
    }

    /// Every path that the series names.
    pub fn paths(&self) -> Vec<String> {
        let files = self.patches.iter().filter_map(|patch| patch.diff.as_ref());
        let paths = files.flat_map(|diff| &diff.files);
        let mut paths: Vec<String> =
            paths.flat_map(|file| [&file.old_path, &file.new_path]).flatten().cloned().collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use analysis_thread::understand;

    fn patch(subject: &str, id: &str, file: &str, blobs: &str) -> String {
        format!(
            "From ann@pump.example Mon Mar  2 09:00:00 2026\nFrom: Ann Lee <ann@pump.example>\n\
             Subject: {subject}\nDate: Mon, 2 Mar 2026 09:00:00 +0000\nMessage-ID: <{id}>\n\
             To: pump@lists.example\n\nStart slowly.\n\nSigned-off-by: Ann Lee <ann@pump.example>\n---\n\
             diff --git a/{file} b/{file}\nindex {blobs} 100644\n--- a/{file}\n+++ b/{file}\n\
             @@ -1 +1 @@ int pump(void)\n-a\n+b\n\n"
        )
    }

    fn picked(mbox: &str, pick_: Pick<'_>) -> Result<Series, PickError> {
        let messages = parse_mail::messages(mbox.as_bytes());
        pick(&messages, &understand(&messages), pick_)
    }

    #[test]
    fn the_newest_version_is_taken_unless_another_is_named() {
        let mbox = patch("[PATCH] pump: start", "1@x", "pump.c", "1111111..2222222")
            + &patch("[PATCH v2 pump-next] pump: start", "2@x", "pump.c", "1111111..3333333");
        let newest = picked(&mbox, Pick::Newest).unwrap();
        assert_eq!((newest.version.as_str(), newest.newer.as_deref()), ("v2", None));
        assert_eq!(newest.trees, ["pump-next"]);
        assert_eq!(newest.preimage(), [("pump.c".into(), Some("1111111".into()))]);
        let text = String::from_utf8(newest.patches[0].mail.clone()).unwrap();
        assert!(text.starts_with("From: \"Ann Lee\" <ann@pump.example>\nDate: "), "{text}");
        let older = picked(&mbox, Pick::Version("v1")).unwrap();
        assert_eq!((older.version.as_str(), older.newer.as_deref()), ("v1", Some("v2")));
        let error = picked(&mbox, Pick::Version("v7")).unwrap_err();
        let names = vec!["v1".into(), "v2".into()];
        assert_eq!(error, PickError::NoSuch { wanted: "v7".into(), names });
    }

    #[test]
    fn a_file_that_the_series_changes_twice_starts_from_its_first_blob() {
        let mbox = patch("[PATCH 1/2] pump: a", "1@x", "pump.c", "1111111..2222222")
            + &patch("[PATCH 2/2] pump: b", "2@x", "pump.c", "2222222..3333333");
        let series = picked(&mbox, Pick::Newest).unwrap();
        assert_eq!(series.patches.len(), 2);
        assert_eq!(series.preimage(), [("pump.c".into(), Some("1111111".into()))]);
    }

    #[test]
    fn what_cannot_be_tried_is_refused_with_the_reason() {
        let part = patch("[PATCH 1/2] pump: a", "1@x", "pump.c", "1111111..2222222");
        let missing = PickError::Incomplete { version: "v1".into(), missing: vec![2] };
        assert_eq!(picked(&part, Pick::Newest).unwrap_err(), missing);
        for path in ["../../etc/passwd", ".git/hooks/post-commit", "a/../../b"] {
            let mbox = patch("[PATCH] pump: a", "1@x", path, "1111111..2222222");
            let error = picked(&mbox, Pick::Newest).unwrap_err();
            assert_eq!(error, PickError::Outside { patch: 1, path: path.into() });
        }
        assert_eq!(
            picked("From: A <a@x>\nSubject: hi\n\nhi\n", Pick::Newest),
            Err(PickError::NoPatch)
        );
    }

    #[test]
    fn a_name_cannot_add_a_header() {
        let person = Person { name: "A\nBcc: b@x \"<c>".into(), address: Some("a@x\nX: y".into()) };
        let mail = String::from_utf8(mail(&person, 5, "t\nX-Y: z", b"body\n")).unwrap();
        let (head, body) = mail.split_once("\n\n").unwrap();
        assert_eq!((head.lines().count(), body), (6, "body\n"));
    }
}
