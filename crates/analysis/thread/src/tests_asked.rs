//! Tests (rule T9): asked for, offered, done. A wish is met only by a `Tested-by` or a result; a
//! sentence that the patch compiles is no test of what it does.

use parse_mail::{Message, TrailerKind};

use crate::machine::is_machine;
use crate::model::{Ask, Kind, TestNote, Tests, Thread};
use crate::own::{Role, prose, roles};
use crate::phrases::testing::{
    COMPILE_ONLY, RAN, RESULTS, TEST_OFFERED, TEST_WANTED, was_not_run, went_well,
};
use crate::series;
use crate::text::{first_of, sentences};

pub(crate) fn find(all: &[&Message], thread: &mut Thread) {
    let mut tests = Tests::default();
    for (entry, message) in all.iter().enumerate() {
        let roles = roles(message, entry, thread);
        let wanted = [Role::CommitMessage, Role::Notes, Role::Words];
        let machine = is_machine(message);
        for paragraph in prose(message, &roles, &wanted) {
            for sentence in sentences(&paragraph.text) {
                let lower = sentence.text.to_lowercase();
                let note = |passed: Option<bool>| TestNote {
                    entry,
                    person: message.from.clone(),
                    lines: paragraph.lines(sentence.start, sentence.end),
                    text: sentence.text.to_owned(),
                    configs: configs(sentence.text),
                    passed,
                };
                if machine {
                    // What a bot reports by itself is a report of a fault, no test of a patch.
                    let answers =
                        thread.entries[entry].parent.is_some() || message.subject.is_reply;
                    if answers && let Some((_, good)) = RESULTS.iter().find(|r| lower.contains(r.0))
                    {
                        tests.done.push(note(Some(*good)));
                    }
                    continue;
                }
                if parse_mail::trailer(sentence.text).is_some() {
                    continue;
                }
                let asks = sentence.is_question();
                if first_of(&lower, TEST_WANTED).is_some() {
                    tests.asked.push(note(None));
                } else if first_of(&lower, TEST_OFFERED).is_some()
                    && ["test", "linux-next", "syzkaller", "run", "boot", "reproduc", "ci"]
                        .iter()
                        .any(|w| lower.contains(w))
                {
                    tests.offered.push(note(None));
                } else if first_of(&lower, COMPILE_ONLY).is_some() && !asks {
                    tests.done.push(note(None));
                } else if first_of(&lower, RAN).is_some() && !was_not_run(&lower) && !asks {
                    let good = went_well(&lower);
                    // In a patch it tells how things were before.
                    let is_patch = matches!(thread.entries[entry].kind, Kind::Patch(_));
                    if good || !is_patch {
                        tests.done.push(note(Some(good)));
                    }
                }
            }
        }
    }
    for question in thread.questions.iter().filter(|q| q.ask == Ask::Test) {
        let Some((entry, lines)) = question.asked.first() else { continue };
        tests.asked.push(TestNote {
            entry: *entry,
            person: question.asker.clone(),
            lines: *lines,
            text: question.text.clone(),
            configs: configs(&question.text),
            passed: None,
        });
    }
    tests.asked.extend(crate::commands::tests(thread));
    tests.asked.sort_by_key(|t| (t.entry, t.lines.first));
    let newest = series::newest(thread);
    let mut people: Vec<&parse_mail::Person> = Vec::new();
    for tag in &thread.tags {
        let counts = tag.trailer.kind == TrailerKind::Test
            && newest.is_some()
            && (tag.version == newest || tag.carried_to.is_some());
        // The same tag on each patch, or twice in a mail, is one tester.
        if counts && !people.iter().any(|p| p.is(&tag.trailer.person)) {
            people.push(&tag.trailer.person);
        }
    }
    tests.tested_by = people.len();
    thread.tests = tests;
}

/// `CONFIG_X=y` and the known test systems.
fn configs(text: &str) -> Vec<String> {
    const SYSTEMS: [&str; 9] = [
        "syzbot CI",
        "syzkaller",
        "syzbot",
        "linux-next",
        "kselftest",
        "KUnit",
        "xfstests",
        "LTP",
        "blktests",
    ];
    let mut found: Vec<String> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')'))
        .map(|w| w.trim_end_matches('.'))
        .filter(|w| w.starts_with("CONFIG_") && w.len() > 7)
        .map(str::to_owned)
        .collect();
    for system in SYSTEMS {
        if text.contains(system) && !found.iter().any(|f| f.contains(system)) {
            found.push(system.to_owned());
        }
    }
    found
}
