//! Commands to syzbot: `#syz test`, `#syz fix: TITLE`, `#syz dup: TITLE` and kin, each at the begin of
//! a line of a person's own. The bot's mails show how to write them and are no commands.

use model::LineSpan;
use parse_mail::Message;

use crate::machine::is_machine;
use crate::model::{Command, TestNote, Thread};
use crate::own::{Role, roles};

/// Bytes of an argument that are kept.
const MAX_ARGUMENT: usize = 500;

/// Whether a line is a command, and what stands behind `#syz`.
pub(crate) fn behind_mark(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("#syz")?;
    rest.starts_with([' ', '\t', '-', ':']).then(|| rest.trim_start_matches([' ', '\t', '-', ':']))
}

pub(crate) fn find(all: &[&Message], thread: &mut Thread) {
    let mut found = Vec::new();
    for (entry, message) in all.iter().enumerate() {
        let has_command = message.body.lines().any(|l| behind_mark(l.text).is_some());
        if !has_command || is_machine(message) {
            continue;
        }
        let roles = roles(message, entry, thread);
        for index in (0..message.body.len()).filter(|i| roles[*i] == Role::Command) {
            let line = message.body.line(index);
            let Some(text) = behind_mark(line.text) else { continue };
            let end = text.find([':', ' ', '\t']).unwrap_or(text.len());
            let name = text[..end].to_owned();
            if name.is_empty() || name.len() > 20 {
                continue;
            }
            let mut argument = text[end..].trim_start_matches([':', ' ', '\t']).trim().to_owned();
            let mut last = line.number;
            let next = message.body.line(index + 1);
            // The bot takes the next line for an argument that does not stand on this one.
            if argument.is_empty()
                && roles.get(index + 1) == Some(&Role::Words)
                && !next.text.trim().is_empty()
                && text[end..].starts_with(':')
            {
                argument = next.text.trim().to_owned();
                last = next.number;
            }
            argument.truncate(argument.floor_char_boundary(MAX_ARGUMENT));
            found.push(Command {
                entry,
                person: message.from.clone(),
                lines: LineSpan::new(line.number, last),
                name,
                argument,
            });
        }
    }
    thread.commands = found;
}

/// The tests that commands ask for.
pub(crate) fn tests(thread: &Thread) -> impl Iterator<Item = TestNote> + '_ {
    thread.commands.iter().filter(|c| c.name == "test").map(|c| TestNote {
        entry: c.entry,
        person: c.person.clone(),
        lines: c.lines,
        text: format!("#syz test {}", c.argument).trim_end().to_owned(),
        configs: vec!["syzbot".to_owned()],
        passed: None,
    })
}
