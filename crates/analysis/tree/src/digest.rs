//! What an index keeps of a mail or a commit.

use model::change::{Change, ChangeKind, FixedCommit};
use parse_mail::{
    LineKind, Message, TrailerKind, begins_function, bug_ids, diffs, function_name, quote, trailer,
};

use crate::evidence::{self, kernel_function};
use crate::term::hash;

/// Items of one list of a change that are kept.
const MOST: usize = 400;
/// Bytes of text of a mail that are searched for a crash.
const MAX_TEXT: usize = 256 << 10;

/// What is kept of a mail: a patch, the report of a crash, or nothing.
pub fn of_message(message: &Message) -> Option<Change> {
    let subject = &message.subject;
    if subject.is_reply {
        return None;
    }
    let mut change = Change {
        message_id: message.message_id.clone(),
        date: message.date.map_or(0, |date| date.seconds),
        author: message.from.address.clone().unwrap_or_default().to_ascii_lowercase(),
        title: subject.title.clone(),
        version: subject.version.major,
        answers: message.references.iter().chain(&message.in_reply_to).cloned().collect(),
        ..Change::default()
    };
    let skip = patch(message, &mut change);
    if !subject.is_patch || change.files.is_empty() {
        return report(message, change);
    }
    text(message, &skip, &mut change);
    tidy(&mut change);
    Some(change)
}

/// What is kept of a commit, from its message and its diff.
pub fn of_commit(commit: &str, date: i64, author: &str, message: &str, diff: &[u8]) -> Change {
    let (title, body) = message.split_once('\n').unwrap_or((message, ""));
    // A commit is read as the mail in which it would be sent.
    let mut raw = format!(
        "From: <{}>\nSubject: [PATCH] {}\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{body}\n---\n",
        author.replace(['\n', '\r', '<', '>'], ""),
        title.replace('\r', "")
    )
    .into_bytes();
    raw.extend_from_slice(diff);
    let message = parse_mail::message(&raw, 1);
    let mut change = Change {
        author: author.to_ascii_lowercase(),
        title: title.to_owned(),
        version: 1,
        ..Change::default()
    };
    let skip = patch(&message, &mut change);
    text(&message, &skip, &mut change);
    tidy(&mut change);
    change.kind = ChangeKind::Commit;
    change.commit = Some(commit.to_owned());
    change.date = date;
    change
}

/// Reads the diffs; says which lines of the body they take.
fn patch(message: &Message, change: &mut Change) -> Vec<bool> {
    let body = &message.body;
    let mut skip = vec![false; body.len()];
    let mut changed = Vec::new();
    for diff in &diffs(body) {
        skip[diff.first..=diff.last].fill(true);
        for file in &diff.files {
            change.files.push(file.path().to_owned());
            for hunk in &file.hunks {
                change.functions.extend(function_name(&hunk.heading).map(str::to_owned));
                for line in &hunk.body {
                    let begins =
                        begins_function(&line.text).then(|| function_name(&line.text)).flatten();
                    if let Some(name) = begins {
                        change.functions.push(name.to_owned());
                        if line.kind == LineKind::Added {
                            change.defined.push(name.to_owned());
                        }
                    }
                    if line.kind != LineKind::Context {
                        changed.push(line.kind.mark() as u8);
                        changed.extend(line.text.bytes().filter(|b| !b.is_ascii_whitespace()));
                        change.changed_lines = change.changed_lines.saturating_add(1);
                        if change.identifiers.len() < 8 * MOST {
                            change.identifiers.extend(identifiers(&line.text).map(str::to_owned));
                        }
                    }
                }
            }
        }
    }
    if !changed.is_empty() {
        change.patch_hash = hash(changed.into_iter());
    }
    skip
}

/// Reads what the author says.
fn text(message: &Message, skip: &[bool], change: &mut Change) {
    let mut said = String::new();
    for (line, skip) in message.body.lines().zip(skip) {
        let line = line.text;
        if *skip || quote(line).depth > 0 {
            continue;
        }
        change.bugs.extend(bug_ids(line).into_iter().map(|bug| bug.id));
        if line.contains("://") {
            change.cites.extend(line.split_whitespace().filter_map(parse_mail::linked_id));
        }
        match trailer(line) {
            Some(found) if found.kind == TrailerKind::Fixes => {
                change.fixes.extend(fixed_commit(&found.value));
            }
            Some(found) if found.tag.starts_with("Reported") => {
                change
                    .reporters
                    .extend(found.person.address.map(|address| address.to_ascii_lowercase()));
                continue;
            }
            Some(found) if found.kind.names_person() => continue,
            _ => {}
        }
        change.upstream = change.upstream.take().or_else(|| copied_from(line));
        if said.len() < MAX_TEXT {
            said.push_str(line);
            said.push('\n');
        }
    }
    change.mentioned.extend(identifiers(&said).map(str::to_owned));
    change.mentioned.extend(identifiers(&change.title).map(str::to_owned));
    change.words = words(&said);
    for report in analysis_identity::read_log(said.as_bytes()).reports {
        change.crashes.push(report.title);
        change.crashes.extend(report.alt_titles);
    }
}

/// A mail that reports a crash.
fn report(message: &Message, mut change: Change) -> Option<Change> {
    if message.subject.is_patch || message.subject.is_pull {
        return None;
    }
    let mut said = String::new();
    for line in message.body.lines().take(20_000) {
        if said.len() > MAX_TEXT {
            break;
        }
        said.push_str(line.text);
        said.push('\n');
    }
    let found = evidence::of_log(said.as_bytes());
    if found.titles.is_empty() {
        return None;
    }
    change.kind = ChangeKind::Report;
    change.bugs = found.bugs;
    change.files.clone_from(&found.files);
    change.crashes = found.titles;
    change.mentioned = found.functions;
    change.patch_hash = 0;
    tidy(&mut change);
    Some(change)
}

fn tidy(change: &mut Change) {
    for list in [
        &mut change.files,
        &mut change.functions,
        &mut change.defined,
        &mut change.identifiers,
        &mut change.mentioned,
        &mut change.crashes,
        &mut change.bugs,
        &mut change.cites,
        &mut change.answers,
        &mut change.reporters,
        &mut change.words,
    ] {
        list.sort();
        list.dedup();
        list.truncate(MOST);
    }
    change.fixes.truncate(MOST);
}

/// `ID ("title")`.
fn fixed_commit(value: &str) -> Option<FixedCommit> {
    let value = value.trim().trim_start_matches("commit ");
    let length = value.bytes().take_while(u8::is_ascii_hexdigit).count();
    if !(7..=40).contains(&length) {
        return None;
    }
    let title = value[length..].trim().trim_start_matches(['(', '"']).trim_end_matches([')', '"']);
    Some(FixedCommit { commit: value[..length].to_ascii_lowercase(), title: title.to_owned() })
}

/// The commit that a copy for a stable branch names: `commit ID upstream.`, `[ Upstream commit ID ]`,
/// `(cherry picked from commit ID)`.
fn copied_from(line: &str) -> Option<String> {
    let line = line.trim().trim_matches(['[', ']', '(', ')', ' ', '.']).to_ascii_lowercase();
    let id = line
        .strip_prefix("commit ")
        .and_then(|rest| rest.strip_suffix(" upstream"))
        .or_else(|| line.strip_prefix("upstream commit "))
        .or_else(|| line.strip_prefix("cherry picked from commit "))?
        .trim();
    (id.len() >= 12 && id.len() <= 40 && id.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| id.to_owned())
}

/// Words by which the kind of a failure is told.
fn words(said: &str) -> Vec<String> {
    said.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| {
            (3..=24).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphabetic())
        })
        .map(str::to_ascii_lowercase)
        .take(4 * MOST)
        .collect()
}

/// Names of C that tell something: with a `_`, at most 100 letters.
fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| {
        (4..=100).contains(&word.len())
            && (word.contains('_')
                || word.len() >= 7 && word.bytes().all(|b| b.is_ascii_lowercase()))
            && !word.as_bytes()[0].is_ascii_digit()
            && kernel_function(word)
    })
}

#[cfg(test)]
mod tests {
    use super::{of_commit, of_message};
    use model::change::ChangeKind;

    const DIFF: &str = "diff --git a/drivers/pump/core.c b/drivers/pump/core.c\n\
        --- a/drivers/pump/core.c\n+++ b/drivers/pump/core.c\n\
        @@ -1,2 +1,3 @@ int pump_start(struct pump *p)\n a\n-pump_halt(p);\n+pump_slow_start(p);\n+b\n";

    #[test]
    fn a_patch_gives_what_it_changes_and_what_it_says_it_mends() {
        let raw = format!(
            "From: Ann Lee <Ann@pump.example>\nSubject: [PATCH v2] pump: start slowly\n\
             Date: Mon, 2 Mar 2026 09:00:00 +0000\nMessage-ID: <a@x>\n\npump_run() fails.\n\n\
             Fixes: 0123456789ab (\"pump: run\")\n\
             Reported-by: syzbot+0123456789abcdef0123@syzkaller.appspotmail.com\n---\n{DIFF}"
        );
        let change = of_message(&parse_mail::message(raw.as_bytes(), 1)).expect("a patch");
        assert_eq!(change.kind, ChangeKind::Patch);
        assert_eq!((change.version, change.changed_lines), (2, 3));
        assert_eq!(change.files, ["drivers/pump/core.c"]);
        assert_eq!(change.functions, ["pump_start"]);
        assert_eq!(change.identifiers, ["pump_halt", "pump_slow_start"]);
        assert_eq!(change.mentioned, ["pump_run"]);
        assert_eq!(change.bugs, ["0123456789abcdef0123"]);
        assert_eq!(
            (change.fixes[0].commit.as_str(), change.fixes[0].title.as_str()),
            ("0123456789ab", "pump: run")
        );
    }

    #[test]
    fn a_commit_is_read_like_its_mail_and_a_copy_names_its_original() {
        let id = "c".repeat(40);
        let message = format!("pump: start\n\n[ Upstream commit {} ]\n", "d".repeat(40));
        let change = of_commit(&id, 7, "ann@x", &message, DIFF.as_bytes());
        assert_eq!(change.kind, ChangeKind::Commit);
        assert_eq!(change.functions, ["pump_start"]);
        assert_eq!(change.upstream.as_deref(), Some("d".repeat(40).as_str()));
        assert_eq!((change.title.as_str(), change.date), ("pump: start", 7));
    }

    #[test]
    fn a_mail_with_a_crash_is_a_report_and_an_answer_is_nothing() {
        let log = "BUG: kernel NULL pointer dereference, address: 0000000000000008\n\
            Oops: 0000 [#1] PREEMPT SMP\nCPU: 0 PID: 9 Comm: w Not tainted 6.1.0 #1\n\
            RIP: 0010:shop_reset+0x1/0x9\nCall Trace:\n ksys_write+0x1/0x9\n";
        let mail = |subject: &str| {
            format!("From: Bo <b@x>\nSubject: {subject}\nMessage-ID: <r@x>\n\nHello,\n\n{log}")
        };
        let read = |raw: String| of_message(&parse_mail::message(raw.as_bytes(), 1));
        let report = read(mail("shop crashes")).expect("a report");
        assert_eq!(report.kind, ChangeKind::Report);
        assert!(report.mentioned.contains(&"shop_reset".to_owned()), "{report:?}");
        assert_eq!(read(mail("Re: shop crashes")), None);
    }
}
