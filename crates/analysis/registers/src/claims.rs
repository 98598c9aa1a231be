//! Everything that registers, faults and code bytes of a log say, as graded statements.
//!
//! Invariant: a statement cites the lines it is computed from, and nothing else.

use model::{Claim, Grade, LineSpan, RuleName};
use parse_console::Line;

use crate::code::{MemoryUse, memory_uses};
use crate::fault::{loongarch_cause, mips_cause, powerpc_trap, riscv_cause};
use crate::{
    Architecture, Code, Fault, FaultKind, MeaningKind, Mode, RegisterDump, arm64_esr, code_lines,
    disassemble, faults, name_address, register_dumps, syscall, user_faults, x86_page_fault,
};

/// How many lines apart a fault and the registers of the same event may stand.
const SAME_EVENT: u64 = 60;
/// How many lines above user registers the frames of their system call may stand.
const STACK: u64 = 200;

/// Reads all dumps, faults and code bytes of `lines` (one log, or one event of it) and says what
/// they mean, ordered by line.
pub fn claims(lines: &[Line<'_>]) -> Vec<Claim> {
    let dumps = register_dumps(lines);
    let codes = code_lines(lines);
    let mut claims = Vec::new();
    for dump in &dumps {
        call(dump, lines, &mut claims);
        interrupts(dump, &mut claims);
        cause(dump, &mut claims);
        poisoned(dump, &mut claims);
    }
    for code in &codes {
        instruction(code, &dumps, &mut claims);
    }
    for fault in faults(lines) {
        address(&fault, &dumps, &codes, &mut claims);
    }
    printed_codes(lines, &mut claims);
    for fault in user_faults(lines) {
        user(&fault, &mut claims);
    }
    claims.sort_by_key(|claim| claim.lines.first().copied());
    claims
}

fn claim(grade: Grade, rule: &'static str, line: LineSpan, statement: String) -> Claim {
    Claim { statement, grade, rules: vec![RuleName(rule)], lines: vec![line] }
}

fn call(dump: &RegisterDump, lines: &[Line<'_>], claims: &mut Vec<Claim>) {
    let Some(call) = syscall(dump) else { return };
    let mut statement = format!(
        "The task is in {}: {} {:#x} = {}",
        call.text(),
        call.number_register,
        call.number,
        call.number
    );
    let mut evidence = vec![call.lines];
    let mut grade = if call.name.is_some() { Grade::Derived } else { Grade::Unknown };
    if let Some((name, line)) = frame_of_call(lines, dump.lines.first) {
        match call.name {
            // `sys_newfstat` serves `fstat`: frames carry the name of the function.
            Some(known) if same_call(known, name) => {
                statement.push_str("; a frame says the same");
                evidence.insert(0, LineSpan::line(line));
            }
            Some(_) => {}
            None => {
                statement = format!("The task is in {name} (system call {})", call.number);
                grade = Grade::Seen;
                evidence = vec![LineSpan::line(line)];
            }
        }
    }
    claims.push(Claim { statement, grade, rules: vec![RuleName("X01")], lines: evidence });
}

/// The system call that the stack above user registers names, without its prefix.
fn frame_of_call<'a>(lines: &'a [Line<'_>], before: u64) -> Option<(&'a str, u64)> {
    const PREFIXES: [&str; 6] =
        ["__x64_sys_", "__ia32_sys_", "__arm64_sys_", "__riscv_sys_", "__se_sys_", "__s390x_sys_"];
    let end = lines.partition_point(|line| line.number < before);
    lines[..end].iter().rev().take_while(|line| line.number + STACK > before).find_map(|line| {
        let frame = parse_console::frame::parse(&line.text).filter(|frame| frame.reliable)?;
        let name = PREFIXES.iter().find_map(|prefix| frame.function.strip_prefix(prefix))?;
        Some((name.split('.').next().unwrap_or(name), line.number))
    })
}

fn same_call(known: &str, frame: &str) -> bool {
    frame == known || frame.strip_prefix("new") == Some(known)
}

fn interrupts(dump: &RegisterDump, claims: &mut Vec<Claim>) {
    // User code always runs with interrupts open; only the kernel's own flags tell something.
    if dump.mode != Some(Mode::Kernel) {
        return;
    }
    let (register, open) = match dump.architecture {
        Architecture::X86_64 | Architecture::I386 => {
            ("EFLAGS", dump.get("EFLAGS").map(|flags| flags & 0x200 != 0))
        }
        Architecture::Arm64 => ("pstate", dump.get("pstate").map(|p| p & 0x80 == 0)),
        Architecture::Arm => ("psr", dump.get("psr").map(|p| p & 0x80 == 0)),
        Architecture::Riscv64 => ("status", dump.get("status").map(|s| s & 0x20 != 0)),
        Architecture::S390 => ("PSW", dump.get("PSW").map(|mask| mask >> 56 & 3 == 3)),
        Architecture::Mips => ("Status", dump.get("Status").map(|status| status & 1 != 0)),
        Architecture::LoongArch => ("PRMD", dump.get("PRMD").map(|prmd| prmd & 4 != 0)),
        Architecture::Parisc => ("PSW", dump.get("PSW").map(|psw| psw & 1 != 0)),
        // The mask is the kernel's own; without it only the CPU's bit that is clear decides.
        Architecture::Powerpc => match (dump.get("IRQMASK"), dump.get("MSR")) {
            (_, Some(msr)) if msr & 0x8000 == 0 => ("MSR", Some(false)),
            (Some(mask), Some(_)) => ("IRQMASK", Some(mask & 1 == 0)),
            _ => return,
        },
        _ => return,
    };
    let (Some(open), Some(value), Some(line)) = (open, dump.get(register), dump.line_of(register))
    else {
        return;
    };
    let word = if open { "open" } else { "disabled" };
    claims.push(claim(
        Grade::Derived,
        "X09",
        LineSpan::line(line),
        format!("Interrupts were {word} where the CPU was interrupted ({register} {value:#x})"),
    ));
}

fn cause(dump: &RegisterDump, claims: &mut Vec<Claim>) {
    let (register, text) = match dump.architecture {
        Architecture::Powerpc => ("TRAP", dump.get("TRAP").and_then(powerpc_trap)),
        Architecture::Riscv64 => ("cause", dump.get("cause").and_then(riscv_cause)),
        Architecture::Mips => ("Cause", dump.get("Cause").and_then(mips_cause)),
        Architecture::LoongArch => ("ESTAT", dump.get("ESTAT").and_then(loongarch_cause)),
        _ => return,
    };
    let (Some(text), Some(value), Some(line)) = (text, dump.get(register), dump.line_of(register))
    else {
        return;
    };
    claims.push(claim(
        Grade::Derived,
        "X07",
        LineSpan::line(line),
        format!("The entry into the kernel was: {text} ({register} {value:#x})"),
    ));
}

/// Registers of the kernel that hold poison. Small numbers, shadow offsets and stack contents
/// stand in registers all the time and prove nothing; fill patterns and list poison do not.
fn poisoned(dump: &RegisterDump, claims: &mut Vec<Claim>) {
    if dump.mode == Some(Mode::User) {
        return;
    }
    for ((name, value), line) in dump.registers.iter().zip(&dump.register_lines) {
        let Some(meaning) = name_address(dump.architecture, *value) else { continue };
        let telling = match meaning.kind {
            MeaningKind::PointerPoison => true,
            // 0xcc and 0xaa fill memory for other reasons too.
            MeaningKind::FillPoison => {
                !meaning.text.contains("0xcc") && !meaning.text.contains("0xaa")
            }
            _ => false,
        };
        if telling {
            claims.push(claim(
                Grade::Inferred,
                meaning.rule,
                LineSpan::line(*line),
                format!("{name} holds {value:#x}, which is {}", meaning.text),
            ));
        }
    }
}

fn dump_of<'a>(code: &Code, dumps: &'a [RegisterDump]) -> Option<&'a RegisterDump> {
    dumps.iter().find(|dump| {
        // Lines that a mail cut in two leave blank ones behind.
        dump.lines.first <= code.lines.first + 2 && code.lines.first <= dump.lines.last + 6
    })
}

fn instruction(code: &Code, dumps: &[RegisterDump], claims: &mut Vec<Claim>) {
    let Some(dump) = dump_of(code, dumps) else { return };
    let architecture = match dump.get("CS") {
        // A 32-bit program on a 64-bit kernel.
        Some(0x23) => Architecture::I386,
        _ => dump.architecture,
    };
    let shown = disassemble(code, architecture);
    let Some(at) = shown.iter().position(|instruction| instruction.marked) else { return };
    let text = &shown[at].text;
    let user = dump.mode == Some(Mode::User);
    let previous = at.checked_sub(1).map(|before| shown[before].text.as_str());
    let statement = match (text.as_str(), previous) {
        ("ud2", _) if !user => {
            "The marked instruction is ud2: a BUG or WARN compiled into the kernel".to_owned()
        }
        (_, Some("syscall" | "sysenter" | "int $0x80")) if user => {
            "The program stands right behind its system call instruction".to_owned()
        }
        _ if user => format!("The program is at: {text}"),
        _ => format!("The instruction at the instruction pointer is: {text}"),
    };
    claims.push(claim(Grade::Derived, "X06", code.lines, statement));
}

fn address(fault: &Fault, dumps: &[RegisterDump], codes: &[Code], claims: &mut Vec<Claim>) {
    let near = |line: u64| line >= fault.line && line - fault.line < SAME_EVENT;
    let dump = dumps.iter().find(|d| near(d.lines.first) && d.mode != Some(Mode::User));
    let line = LineSpan::line(fault.line);
    if fault.kind == FaultKind::KasanRange {
        if fault.address < 4096 {
            claims.push(claim(
                Grade::Derived,
                "X03",
                line,
                format!("The code was about to touch NULL + {:#x}", fault.address),
            ));
        }
        return;
    }
    let Some(architecture) = fault.architecture.or(dump.map(|d| d.architecture)) else { return };
    if let Some(meaning) = name_address(architecture, fault.address) {
        let grade = match meaning.kind {
            MeaningKind::NearNull | MeaningKind::NonCanonical => Grade::Derived,
            MeaningKind::ErrorPointer => Grade::Guess,
            _ => Grade::Inferred,
        };
        claims.push(claim(
            grade,
            meaning.rule,
            line,
            format!("The address {:#x} is {}", fault.address, meaning.text),
        ));
    }
    // Which register held the bad pointer.
    let Some(dump) = dump else { return };
    let Some(code) = codes
        .iter()
        .find(|code| dump_of(code, std::slice::from_ref(dump)).is_some() && near(code.lines.first))
    else {
        return;
    };
    for touched in memory_uses(code, dump) {
        if touched.address == fault.address
            || (touched.address & !7) == (fault.address & !7)
            || fault.address.wrapping_sub(touched.address) < 64
        {
            let mut lines = vec![line, code.lines];
            lines.extend(
                touched.registers.iter().filter_map(|(n, _)| dump.line_of(n)).map(LineSpan::line),
            );
            lines.sort_unstable();
            lines.dedup();
            claims.push(Claim {
                statement: operand(&touched, fault.address),
                grade: Grade::Derived,
                rules: vec![RuleName("X10")],
                lines,
            });
            return;
        }
    }
}

fn operand(touched: &MemoryUse, address: u64) -> String {
    let registers: Vec<_> =
        touched.registers.iter().map(|(name, value)| format!("{name} = {value:#x}")).collect();
    let size = match touched.size {
        0 => String::new(),
        1 => "1 byte ".to_owned(),
        size => format!("{size} bytes "),
    };
    format!("The instruction {} {size}at {address:#x}, from {}", touched.verb, registers.join(", "))
}

/// Codes that lines print by name: `#PF: error_code(0x0002)`, `ESR = 0x96000004`, `Oops: 0002` below
/// a page fault of x86.
fn printed_codes(lines: &[Line<'_>], claims: &mut Vec<Claim>) {
    let mut page_fault = None;
    for line in lines {
        let text = line.text.trim();
        let span = LineSpan::line(line.number);
        if text.contains("unable to handle") || text.starts_with("BUG: kernel NULL pointer") {
            page_fault = Some(line.number);
        } else if let Some(code) = between(text, "#PF: error_code(0x", ")") {
            page_fault = None;
            claims.push(claim(
                Grade::Derived,
                "X07",
                span,
                format!("Page fault: {} (error code {code:#x})", x86_page_fault(code)),
            ));
        } else if let Some(code) = between(text, "ESR = 0x", "") {
            claims.push(claim(
                Grade::Derived,
                "X07",
                span,
                format!("Exception: {} (ESR {code:#x})", arm64_esr(code & 0xffff_ffff)),
            ));
        } else if let Some(code) = text.strip_prefix("Oops: ").and_then(oops_code)
            && page_fault.take().is_some_and(|at| line.number - at < 20)
        {
            claims.push(claim(
                Grade::Derived,
                "X07",
                span,
                format!("Page fault: {} (error code {code:#x})", x86_page_fault(code)),
            ));
        }
    }
}

/// The code of `0002 [#1] …`, four digits on x86.
fn oops_code(text: &str) -> Option<u64> {
    let word = text.split([' ', '\t']).find(|word| word.len() == 4)?;
    u64::from_str_radix(word, 16).ok()
}

fn between(text: &str, before: &str, after: &str) -> Option<u64> {
    let start = text.find(before)? + before.len();
    let digits = text[start..].bytes().take_while(u8::is_ascii_hexdigit).count();
    let closes = text[start + digits..].starts_with(after);
    closes.then(|| u64::from_str_radix(&text[start..start + digits], 16).ok()).flatten()
}

fn user(fault: &crate::UserFault, claims: &mut Vec<Claim>) {
    let mut statement = format!("User program {}[{}]: {}", fault.task, fault.pid, fault.what);
    if let Some(address) = fault.address {
        statement.push_str(&format!(" at {address:#x}"));
        if let Some(meaning) = name_address(fault.architecture, address)
            && meaning.kind == MeaningKind::NearNull
        {
            statement.push_str(" (near NULL)");
        }
    }
    if fault.what == "segfault"
        && fault.architecture == Architecture::X86_64
        && let Some(code) = fault.code
    {
        statement.push_str(&format!(": {} (error {code:#x})", x86_page_fault(code)));
    }
    if let Some(mapping) = &fault.mapping {
        match (mapping.file_offset, fault.offset_in_mapping()) {
            (Some(offset), _) => {
                statement.push_str(&format!("; at file offset {offset:#x} of {}", mapping.file));
            }
            (None, Some(offset)) => statement.push_str(&format!(
                "; at {offset:#x} in the mapping of {} (its offset in the file is not printed)",
                mapping.file
            )),
            (None, None) => statement.push_str(&format!(
                "; the instruction pointer {:#x} lies outside the printed mapping of {}",
                fault.ip, mapping.file
            )),
        }
    }
    if fault.address == Some(fault.ip) {
        statement.push_str("; it jumped to that address");
    }
    claims.push(claim(Grade::Derived, "X08", fault.lines, statement));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let lines: Vec<_> = parse_console::lines(text.as_bytes()).collect();
        claims(&lines)
            .into_iter()
            .map(|c| {
                assert!(!c.lines.is_empty());
                format!("{} {} [{}]", c.grade, c.statement, c.rules[0])
            })
            .collect()
    }

    const NULL_DEREFERENCE: &str = "\
        BUG: kernel NULL pointer dereference, address: 0000000000000018\n\
        #PF: supervisor read access in kernel mode\n\
        #PF: error_code(0x0000) - not-present page\n\
        Oops: 0000 [#1] PREEMPT SMP\n\
        RIP: 0010:do_it+0x4/0x20\n\
        Code: 55 <48> 8b 43 18 c3\n\
        RSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
        RAX: 0000000000000001 RBX: 0000000000000000 RCX: 6b6b6b6b6b6b6b6b\n\
        RDX: dead000000000100 RSI: 0000000000000000 RDI: 0000000000000000\n";

    #[test]
    fn cause_and_interrupts_are_told_on_every_architecture_that_prints_them() {
        let mips = said(
            "$ 0   : 00000000 00000001 80394254 80cd6638\nStatus: 11008403 KERNEL EXL IE\nCause : 0080000c (ExcCode 03)\n",
        );
        assert!(
            mips.iter().any(|s| s.contains("store to an address that is not mapped")),
            "{mips:?}"
        );
        assert!(mips.iter().any(|s| s.contains("Interrupts were open")), "{mips:?}");
        let loongarch = said(
            "pc 900000000410645c ra 90000000041310b8 tp 9000000100608000 sp 900000010060b4f0\n PRMD: 00000000 (PPLV0 -PIE -PWE)\nESTAT: 00020000 [PIS] (IS= ECode=2 EsubCode=0)\n",
        );
        assert!(
            loongarch.iter().any(|s| s.contains("store to a page that is not valid")),
            "{loongarch:?}"
        );
        assert!(loongarch.iter().any(|s| s.contains("Interrupts were disabled")), "{loongarch:?}");
        let s390 = said(
            "Krnl PSW : 0404c00180000000 00000000001141a2 (do_it+0xba/0x1f8)\nKrnl GPRS: 0000000000000001 0000000000000002 0000000000000003 0000000000000004\n",
        );
        assert!(s390.iter().any(|s| s.contains("Interrupts were disabled")), "{s390:?}");
        // The CPU's own bit is set, but the kernel masks by software.
        let power = |mask: &str| {
            said(&format!(
                "NIP:  c000000000d02480 LR: c000000000151318 CTR: c000000000444d00\nREGS: c00000003fd37d80 TRAP: 0100   Not tainted  (6.1.0)\nMSR:  9000000000009033 <SF,HV,EE,ME,IR,DR,RI,LE>  CR: 28008484  XER: 00000000\n{mask}"
            ))
        };
        assert!(power("IRQMASK: 1\n").iter().any(|s| s.contains("Interrupts were disabled")));
        assert!(power("IRQMASK: 0\n").iter().any(|s| s.contains("Interrupts were open")));
        assert!(!power("").iter().any(|s| s.contains("Interrupts were")));
    }

    #[test]
    fn a_null_dereference_is_explained_down_to_the_register() {
        let said = said(NULL_DEREFERENCE);
        for expected in [
            "DERIVED The address 0x18 is NULL + 0x18: a member at offset 0x18 through a NULL pointer [X03]",
            "DERIVED Page fault: read, page not present, kernel mode (error code 0x0) [X07]",
            "DERIVED The instruction at the instruction pointer is: mov 0x18(%rbx),%rax [X06]",
            "DERIVED The instruction reads 8 bytes at 0x18, from RBX = 0x0 [X10]",
            "DERIVED Interrupts were open where the CPU was interrupted (EFLAGS 0x10246) [X09]",
        ] {
            assert!(said.iter().any(|s| s == expected), "{expected} is not in {said:#?}");
        }
        assert!(
            said.iter()
                .any(|s| s
                    .starts_with("INFERRED RCX holds 0x6b6b6b6b6b6b6b6b, which is POISON_FREE"))
        );
        assert!(said.iter().any(|s| {
            s.starts_with("INFERRED RDX holds 0xdead000000000100, which is LIST_POISON1:")
        }));
        // Zeros in registers are no findings.
        assert!(!said.iter().any(|s| s.contains("RSI holds")));
    }

    #[test]
    fn a_kasan_null_dereference_is_turned_back() {
        let said = said(
            "general protection fault, probably for non-canonical address 0xdffffc0000000003: 0000 [#1] PREEMPT SMP KASAN\n\
             KASAN: null-ptr-deref in range [0x0000000000000018-0x000000000000001f]\n",
        );
        assert!(
            said.iter().any(|s| s.contains("shadow of [0x0000000000000018-0x000000000000001f]"))
        );
        assert!(said.iter().any(|s| s == "DERIVED The code was about to touch NULL + 0x18 [X03]"));
    }

    #[test]
    fn a_user_segfault_says_what_was_tried_and_where() {
        let said = said(
            "a.out[4711]: segfault at 0 ip 000055d0c0401136 sp 00007ffe00000010 error 6 in a.out[55d0c0401000+1000]\n",
        );
        assert_eq!(
            said,
            [
                "DERIVED User program a.out[4711]: segfault at 0x0 (near NULL): write, page not present, \
              user mode (error 0x6); at 0x136 in the mapping of a.out (its offset in the file is not \
              printed) [X08]"
            ]
        );
    }

    #[test]
    fn arbitrary_bytes_give_no_panic() {
        for text in [
            "Code: <",
            "Code: <>",
            "RIP: ",
            "RIP:",
            "EIP: 0060:[<",
            "GPR: ",
            "$: ",
            "$ 99: 00000000",
            "Exception stack(0x",
            "Exception stack(0xff to 0xff)\nffff: 00000000",
            "Krnl PSW : ",
            "x[1]: segfault at 1 ip 1 sp 1 error 1 in a[1+1]",
            "ESR = 0x",
            "Oops: ",
        ] {
            let _ = said(text);
        }
    }
}
