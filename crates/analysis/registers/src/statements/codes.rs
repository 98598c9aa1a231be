//! Codes of faults that registers or lines carry.

use model::{Grade, LineSpan, Predicate, RuleId, Statements};
use parse_console::Line;

use crate::fault_code::{loongarch_cause, mips_cause, powerpc_trap, riscv_cause};
use crate::{Architecture, RegisterDump, arm64_esr, x86_page_fault};

/// How many lines behind the headline of a page fault of x86 its `Oops:` may stand.
const OOPS_BEHIND: u64 = 20;

fn say(code: u64, bits: Vec<&'static str>, line: u64, said: &mut Statements) {
    if bits.is_empty() {
        return;
    }
    let bits = bits.into_iter().map(str::to_owned).collect();
    said.say_spans(
        Grade::Derived,
        RuleId::X07,
        [LineSpan::line(line)],
        Predicate::FaultBits { code, bits },
    );
}

/// The cause that a dump of the kernel carries.
pub(super) fn trap(dump: &RegisterDump, said: &mut Statements) {
    let (register, decode): (&str, fn(u64) -> Option<&'static str>) = match dump.architecture {
        Architecture::Powerpc => ("TRAP", powerpc_trap),
        Architecture::Riscv64 => ("cause", riscv_cause),
        Architecture::Mips => ("Cause", mips_cause),
        Architecture::LoongArch => ("ESTAT", loongarch_cause),
        _ => return,
    };
    if let (Some(code), Some(line)) = (dump.get(register), dump.line_of(register)) {
        say(code, decode(code).into_iter().collect(), line, said);
    }
}

/// Codes that lines print by name: `#PF: error_code(0x0002)`, `ESR = 0x96000004`, `Oops: 0002` behind a page fault
/// of x86.
pub(super) fn printed(lines: &[Line<'_>], said: &mut Statements) {
    let mut page_fault = None;
    for line in lines {
        let text = line.text.trim();
        if text.contains("unable to handle") || text.starts_with("BUG: kernel NULL pointer") {
            page_fault = Some(line.number);
        } else if let Some(code) = between(text, "#PF: error_code(0x", ")") {
            page_fault = None;
            say(code, x86_page_fault(code), line.number, said);
        } else if let Some(code) = text.strip_prefix("ESR = 0x").and_then(whole) {
            say(code, arm64_esr(code & 0xffff_ffff), line.number, said);
        } else if let Some(code) = text.strip_prefix("Oops: ").and_then(oops_code)
            && page_fault.take().is_some_and(|at| line.number - at < OOPS_BEHIND)
        {
            say(code, x86_page_fault(code), line.number, said);
        }
    }
}

/// The code of `0002 [#1] …`, four digits on x86; from 6.10 on the word comes twice.
fn oops_code(text: &str) -> Option<u64> {
    let text = text.strip_prefix("Oops: ").unwrap_or(text);
    let (word, rest) = text.split_once(' ')?;
    (word.len() == 4 && rest.starts_with("[#")).then(|| u64::from_str_radix(word, 16).ok())?
}

fn whole(text: &str) -> Option<u64> {
    u64::from_str_radix(text.trim_end(), 16).ok()
}

fn between(text: &str, before: &str, after: &str) -> Option<u64> {
    let start = text.find(before)? + before.len();
    let digits = text[start..].bytes().take_while(u8::is_ascii_hexdigit).count();
    let closes = text[start + digits..].starts_with(after);
    closes.then(|| u64::from_str_radix(&text[start..start + digits], 16).ok()).flatten()
}
