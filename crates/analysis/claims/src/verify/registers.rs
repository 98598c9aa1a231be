//! Values of registers, and what bits of them tell.

use model::{IrqState, Predicate, Task, UserFaultKind};

use super::fact::Facts;
use super::log::Log;
use super::scan::{after, hex, number, word};

pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    for (at, message) in log.messages.iter().enumerate() {
        let text = message.text.trim();
        for (register, value) in registers(text) {
            facts.say(&[at], Predicate::Register { register, value });
        }
        // powerpc: a CPU with its own bit clear takes no interrupt, whatever the mask says.
        let machine = after(text, "MSR: ").map(str::trim_start).and_then(hex);
        if machine.is_some_and(|(bits, _)| bits & 0x8000 == 0) {
            let (state, register) = (IrqState::Disabled, Some("MSR".to_owned()));
            facts.say(&[at], Predicate::Irqs { state, register });
        } else if let Some((state, register)) = irqs(super::kind::headline(text)) {
            facts.say(&[at], Predicate::Irqs { state, register: register.map(str::to_owned) });
        }
        user_fault(at, text, facts);
    }
}

/// Pairs of a line: `RAX: 00 RBX: 11`, `x29: ff x28: 00`, `r3 : 00`, `GPR00: 00 11 22`, `RSP: 0018:ffff EFLAGS: 0246`.
pub(super) fn registers(text: &str) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    // Blanks before the colon: `a0 : 00`.
    let text = text.replace(" :", ":");
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let mut at = 0;
    while at < words.len() {
        let Some(name) = words[at].strip_suffix(':').filter(|name| is_name(name)) else {
            at += 1;
            continue;
        };
        let mut row = 0;
        while let Some(value) = words.get(at + 1 + row).and_then(|word| value(word)) {
            let numbered = name.strip_prefix("GPR").and_then(|first| first.parse::<usize>().ok());
            match numbered {
                Some(first) => found.push((format!("GPR{:02}", first + row), value)),
                None if row == 0 => found.push((name.to_owned(), value)),
                None => break,
            }
            row += 1;
        }
        at += 1 + row.max(1);
        if row == 0 {
            at -= 1;
        }
    }
    found
}

/// Names of registers as dumps print them.
fn is_name(name: &str) -> bool {
    const NAMES: [&str; 42] = [
        "RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RBP", "RSP", "ORIG_RAX", "EFLAGS", "RFLAGS",
        "EAX", "EBX", "ECX", "EDX", "ESI", "EDI", "EBP", "ESP", "CR0", "CR2", "CR3", "CR4", "sp",
        "lr", "pc", "ra", "gp", "tp", "fp", "ip", "status", "badaddr", "cause", "epc", "MSR",
        "CTR", "LR", "XER", "CR", "DAR", "PKRU",
    ];
    let numbered = |heads: &[&str]| {
        heads.iter().any(|head| {
            name.strip_prefix(head).is_some_and(|rest| {
                !rest.is_empty() && rest.len() <= 2 && rest.bytes().all(|b| b.is_ascii_digit())
            })
        })
    };
    NAMES.contains(&name) || numbered(&["R", "r", "x", "a", "s", "t", "GPR", "DR"])
}

/// A value in hexadecimal, a segment before it left out.
fn value(text: &str) -> Option<u64> {
    let text = match text.split_once(':') {
        Some((segment, rest)) if segment.len() == 4 => rest,
        _ => text,
    };
    let (value, rest) = hex(text)?;
    (rest.is_empty() && text.len() >= 4).then_some(value)
}

/// Whether the saved flags say that interrupts were enabled.
fn irqs(text: &str) -> Option<(IrqState, Option<&'static str>)> {
    let state = |enabled| if enabled { IrqState::Enabled } else { IrqState::Disabled };
    let hexadecimal =
        |mark: &str| after(text, mark).map(str::trim_start).and_then(hex).map(|(value, _)| value);
    for name in ["EFLAGS", "RFLAGS"] {
        if let Some(flags) = hexadecimal(&format!("{name}: ")) {
            return Some((state(flags & 0x200 != 0), Some(name)));
        }
    }
    if let Some(flags) = hexadecimal("pstate: ").or_else(|| hexadecimal("pstate : ")) {
        return Some((state(flags & 0x80 == 0), Some("pstate")));
    }
    if let Some(flags) = hexadecimal("psr: ")
        .filter(|_| text.contains("pc : ") || text.contains("sp : ") || text.contains("lr : "))
    {
        return Some((state(flags & 0x80 == 0), Some("psr")));
    }
    if let Some(rest) = text.strip_prefix("Flags: ") {
        return rest
            .contains("IRQs on")
            .then_some((IrqState::Enabled, None))
            .or_else(|| rest.contains("IRQs off").then_some((IrqState::Disabled, None)));
    }
    // riscv: SPIE tells of the interrupted context.
    if text.starts_with("status: ") && (text.contains("cause: ") || text.contains("badaddr: ")) {
        return Some((state(hexadecimal("status: ")? & 0x20 != 0), Some("status")));
    }
    if let Some(flags) = text.strip_prefix("Krnl PSW : ").and_then(hex) {
        return Some((state(flags.0 >> 56 & 3 != 0), Some("PSW")));
    }
    // parisc: 32 letters of one bit each, I the last.
    if let Some(bits) = text.strip_prefix("PSW: ").map(word)
        && bits.len() == 32
        && bits.bytes().all(|bit| matches!(bit, b'0' | b'1'))
    {
        return Some((state(bits.ends_with('1')), Some("PSW")));
    }
    // powerpc: where the mask is printed, the bit of the machine says nothing (arch/powerpc/include/asm/hw_irq.h).
    if let Some(mask) = hexadecimal("IRQMASK: ") {
        return Some((state(mask & 1 == 0), Some("IRQMASK")));
    }
    if let Some(flags) = hexadecimal("MSR: ") {
        return Some((state(flags & 0x8000 != 0), Some("MSR")));
    }
    // mips: bit 0, or on the R3000 the previous one in bit 2.
    if let Some(flags) = text.strip_prefix("Status: ").map(str::trim_start).and_then(hex)
        && (text.contains("KERNEL") || text.contains("USER") || text.contains("IEp"))
    {
        let bit = if text.contains("KUp") || text.contains("IEp") { 4 } else { 1 };
        return Some((state(flags.0 & bit != 0), Some("Status")));
    }
    if let Some(rest) = after(text, "irqs_disabled(): ") {
        return Some((state(number(rest)?.0 == 0), Some("irqs_disabled()")));
    }
    None
}

/// Whether a value stands in a register, or in that one.
pub(super) fn holds(text: &str, register: Option<&str>, value: u64) -> bool {
    // A jump to an address that is no symbol: `RIP: 0010:0x0`.
    if let (Some(name @ ("RIP" | "EIP")), Some(rest)) = (register, text.trim().split_once(": "))
        && rest.0 == name
    {
        let rest = rest.1.split_once(':').map_or(rest.1, |(_, rest)| rest);
        return rest.starts_with("0x") && hex(rest).is_some_and(|(found, _)| found == value);
    }
    registers(text).iter().any(|(name, found)| {
        *found == value
            && register
                .is_none_or(|register| name.eq_ignore_ascii_case(register.trim_start_matches('%')))
    })
}

/// `a[12]: segfault at 0 ip 0000… sp … error 4 in libx.so[7f00+1000]`, `traps: a[12] general protection fault ip:…`,
/// `a[12]: unhandled signal 11 code 0x1 at 0x… in x[…]`. From 6.9 an offset in the file stands before the mapping.
fn user_fault(at: usize, text: &str, facts: &mut Facts<'_>) {
    let (head, kind) = if let Some((head, _)) = text.split_once(": segfault at ") {
        (head, UserFaultKind::Segfault)
    } else if let Some((head, _)) = text.split_once(": segfault (") {
        (head, UserFaultKind::Segfault)
    } else if let Some((head, _)) = text.split_once(": unhandled signal ") {
        (head, UserFaultKind::Signal)
    } else if let Some((head, _)) =
        text.split_once("] ").filter(|_| text.starts_with("traps: ") || text.contains(" trap "))
    {
        (head, UserFaultKind::Trap)
    } else {
        return;
    };
    let head = head.trim_start_matches("traps: ").trim_end_matches(']');
    let Some((name, pid)) = head.rsplit_once('[') else { return };
    let Ok(pid) = pid.parse() else { return };
    let task = Task::new(name, pid);
    let address = after(text, "segfault at ")
        .or_else(|| after(after(text, ": segfault (")?, ") at "))
        .and_then(hex)
        .map(|(address, _)| address);
    let ip = [" ip ", " ip:", " pc ", " nip "]
        .iter()
        .find_map(|mark| hex(after(text, mark)?))
        .map(|(ip, _)| ip);
    let Some(ip) = ip else { return };
    facts.say(&[at], Predicate::UserFault { task: task.clone(), kind, address, ip });
    let Some((file, mapping)) = text.rsplit_once(" in ").and_then(|(_, file)| file.split_once('['))
    else {
        return;
    };
    let (in_file, mapping) = match mapping.split_once(',') {
        Some((offset, mapping)) => (hex(offset).map(|(offset, _)| offset), mapping),
        None => (None, mapping),
    };
    let in_mapping = hex(mapping).and_then(|(base, _)| ip.checked_sub(base));
    facts
        .say(&[at], Predicate::UserFaultPlace { task, file: file.to_owned(), in_mapping, in_file });
}
