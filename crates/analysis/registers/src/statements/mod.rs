//! Everything that registers, faults and code bytes of a log say, as graded statements.
//!
//! Invariant: a statement cites the lines it is computed from, and nothing else.

mod codes;
mod kernel;
mod registers;
mod user;

use model::{Predicate, Statement, Statements};
use parse_console::Line;

use crate::{Code, Mode, RegisterDump, code_lines, faults, register_dumps, user_faults};

/// How many lines behind a fault its registers may stand: old kernels list their modules in between.
const SAME_EVENT: u64 = 60;
/// How many lines behind its registers the `Code:` of a dump may stand: some architectures print the stack first.
const SAME_DUMP: u64 = 80;

/// Reads all dumps, faults and code bytes of `lines` (one log, or one event of it) and says what
/// they mean, ordered by line, each thing once.
pub fn statements(lines: &[Line<'_>]) -> Vec<Statement> {
    let log = Log { lines, dumps: register_dumps(lines), codes: code_lines(lines) };
    let mut said = Statements::default();
    let faults = faults(lines);
    for fault in &faults {
        kernel::fault(&log, fault, &mut said);
    }
    for dump in &log.dumps {
        registers::system_call(&log, dump, &mut said);
        if dump.mode == Some(Mode::Kernel) {
            registers::irqs(&log, dump, &mut said);
            codes::trap(dump, &mut said);
            registers::poisoned(dump, &mut said);
            if !kernel::is_fetch(&log, &faults, dump) && !log.is_interrupted(dump) {
                kernel::instruction(&log, dump, &mut said);
            }
        }
    }
    codes::printed(lines, &mut said);
    for fault in user_faults(lines) {
        user::fault(&fault, &mut said);
    }
    let mut statements = said.finish();
    statements.sort_by_key(|statement| statement.lines().first().copied());
    statements
}

/// The name of a register as its dump prints it: x86 pads those with one digit.
fn printed(register: &str) -> String {
    match register {
        "R8" => "R08".to_owned(),
        "R9" => "R09".to_owned(),
        other => other.to_owned(),
    }
}

/// Whether the meaning of a register with that value has been told.
fn names_register(said: &Statements, name: &str, value: u64) -> bool {
    said.iter().any(|known| {
        matches!(known.predicate(), Predicate::AddressMeaning { address, register: Some(register), .. }
            if *address == value && register == name)
    })
}

/// A log with what was read of it.
struct Log<'a> {
    lines: &'a [Line<'a>],
    dumps: Vec<RegisterDump>,
    codes: Vec<Code>,
}

impl Log<'_> {
    fn line(&self, number: u64) -> Option<&Line<'_>> {
        let at = self.lines.partition_point(|line| line.number < number);
        self.lines.get(at).filter(|line| line.number == number)
    }

    /// Whether the next line begins with the rest of a number that a terminal has cut at its edge.
    fn is_cut(&self, number: u64) -> bool {
        let next = self.line(number + 1).map_or("", |line| line.text.trim_start());
        let word = next.split(' ').next().unwrap_or_default();
        word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// Whether two lines may be of one printer: callers that are both given must agree.
    fn same_printer(&self, one: u64, other: u64) -> bool {
        let caller = |number| self.line(number).and_then(|line| line.caller);
        match (caller(one), caller(other)) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        }
    }

    /// Whether the registers stand inside of a stack: they are those of the context that was interrupted.
    fn is_interrupted(&self, dump: &RegisterDump) -> bool {
        let end = self.lines.partition_point(|line| line.number < dump.lines.first);
        self.lines[..end].last().is_some_and(|line| {
            let text = line.text.trim();
            text.starts_with("</") || parse_console::frame::parse(text).is_some()
        })
    }

    /// The bytes that belong to a dump.
    fn code_of(&self, dump: &RegisterDump) -> Option<&Code> {
        let behind = |code: &&Code| {
            let at = code.lines.first;
            at >= dump.lines.first && at - dump.lines.first < SAME_DUMP
        };
        let code = self.codes.iter().find(behind)?;
        let last = self.dumps.iter().rfind(|other| other.lines.first <= code.lines.first)?;
        // Old kernels print the bytes behind the stack: a dump in between owns them.
        (last == dump && self.same_printer(dump.lines.first, code.lines.first)).then_some(code)
    }

    /// The kernel's registers at a fault.
    fn dump_of(&self, line: u64) -> Option<&RegisterDump> {
        let dump = self.dumps.iter().find(|dump| {
            let at = dump.lines.first;
            at >= line && at - line < SAME_EVENT && dump.mode != Some(Mode::User)
        })?;
        self.same_printer(line, dump.lines.first).then_some(dump)
    }
}

#[cfg(test)]
mod tests;
