//! What the index keeps of a mail.

use std::collections::HashSet;

use analysis_thread::series_keys;
use io_database::mail_index::Mail;
use parse_mail::{
    Body, LineKind, Message, TrailerKind, begins_function, bug_ids, diffs, function_name, quote,
    trailer,
};

/// Bytes of own words of a mail that are searched.
const MAX_WORDS: usize = 64 << 10;
/// Identifiers kept of a mail.
const MAX_IDENTIFIERS: usize = 4096;
/// Files of a patch by which it is found under another title.
const MAX_TOUCHED: usize = 3;
/// Links kept of a patch.
const MAX_CITED: usize = 64;

/// Reads one mail for the index.
pub(crate) fn digest(raw: &[u8]) -> Mail {
    let message = parse_mail::message(raw, 1);
    let mut mail = Mail {
        date: message.date.map(|d| d.seconds),
        name: message.from.name.clone(),
        address: message.from.address.clone().unwrap_or_default(),
        subject: message.subject.text.clone(),
        ..Mail::default()
    };
    contents(&message, &mut mail);
    mail.references = message.references;
    mail.references.extend(message.in_reply_to);
    mail.message_id = message.message_id;
    mail
}

fn contents(message: &Message, mail: &mut Mail) {
    let body: &Body = &message.body;
    let all = diffs(body);
    let subject = &message.subject;
    let starts = subject.is_patch && !subject.is_reply;
    mail.is_patch = starts && !all.is_empty();
    mail.version = starts
        .then(|| i64::from(subject.version.major).saturating_mul(2) + i64::from(!subject.is_rfc));
    let mut skip = vec![false; body.len()];
    let mut names: HashSet<&str> = HashSet::new();
    for diff in &all {
        skip[diff.first..=diff.last].fill(true);
        for file in &diff.files {
            mail.files.push(file.path().to_owned());
            for hunk in &file.hunks {
                // The heading names the function above the hunk; others begin inside it.
                let inside =
                    hunk.body.iter().map(|l| l.text.as_str()).filter(|l| begins_function(l));
                for name in inside.chain([hunk.heading.as_str()]).filter_map(function_name) {
                    mail.functions.push(name.to_owned());
                    names.insert(name);
                }
                for line in hunk.body.iter().filter(|l| l.kind != LineKind::Context) {
                    names.extend(identifiers(&line.text));
                }
            }
        }
    }
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.truncate(MAX_IDENTIFIERS);
    mail.identifiers = names.into_iter().map(str::to_owned).collect();
    for (index, line) in body.lines().enumerate() {
        let text = line.text;
        if skip[index] || quote(text).depth > 0 {
            continue;
        }
        mail.bugs.extend(bug_ids(text).into_iter().map(|b| b.id));
        mail.is_tested |= text.as_bytes().contains(&b':')
            && text.contains("ested-by:")
            && trailer(text)
                .is_some_and(|t| t.kind == TrailerKind::Test || t.tag == "Reviewed-and-tested-by");
        if starts && text.contains("://") && mail.cited.len() < MAX_CITED {
            mail.cited.extend(text.split_whitespace().filter_map(parse_mail::linked_id));
        }
        if mail.words.len() < MAX_WORDS {
            mail.words.push_str(text);
            mail.words.push('\n');
        }
    }
    mail.says_applied = subject.is_reply && analysis_thread::says_applied(&mail.words);
    if starts {
        let merged = all.iter().flat_map(|d| &d.files);
        mail.series = series_keys(message, merged);
        let places = all.iter().flat_map(|d| &d.files).filter_map(|file| {
            Some((file.path(), function_name(&file.hunks.first()?.heading).unwrap_or_default()))
        });
        mail.touched = analysis_thread::touch_keys(message, places.take(MAX_TOUCHED));
    }
    for list in [&mut mail.bugs, &mut mail.files, &mut mail.functions] {
        list.sort();
        list.dedup();
    }
}

/// Names of C that tell something: with a `_` or of six letters.
fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| {
        (w.len() >= 6 || w.len() >= 4 && w.contains('_'))
            && w.len() <= 100
            && !w.as_bytes()[0].is_ascii_digit()
    })
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn a_mail_gives_bugs_files_functions_identifiers_links_and_tests() {
        let raw = b"From: Ann Lee <Ann@pump.example>\nSubject: [PATCH v2] pump: start slowly\n\
            Date: Mon, 2 Mar 2026 09:00:00 +0000\nMessage-ID: <a@x>\n\n\
            See extid=0123456789abcdef0123.\nv1: https://lore.kernel.org/r/20260101.1-a@x.example/\n---\n\
            diff --git a/drivers/pump/core.c b/drivers/pump/core.c\n--- a/drivers/pump/core.c\n\
            +++ b/drivers/pump/core.c\n@@ -1 +1 @@ int pump_start(struct pump *p)\n-a\n+pump_slow_start(p);\n";
        let mail = digest(raw);
        assert!(mail.is_patch && !mail.is_tested && !mail.says_applied);
        assert_eq!(mail.bugs, ["0123456789abcdef0123"]);
        assert_eq!(mail.files, ["drivers/pump/core.c"]);
        assert_eq!(mail.functions, ["pump_start"]);
        assert_eq!(mail.identifiers, ["pump_slow_start", "pump_start"]);
        assert_eq!(mail.cited, ["20260101.1-a@x.example"]);
        assert!(!mail.series.is_empty());
        let reply =
            b"From: Bo <b@x>\nSubject: Re: x\nMessage-ID: <b@x>\n\n> Applied.\nApplied, thanks!\n\
            Tested-by: Bo <b@x>\n";
        let mail = digest(reply);
        assert!(mail.says_applied && mail.is_tested);
    }
}
