//! Register dumps of every architecture, read from the messages of lines.
//!
//! Invariants: a dump is a run of register lines that fits into [`LONGEST_DUMP`] lines with at
//! most [`GAP`] foreign lines between two of them; a register that comes twice starts a new dump.

use model::LineSpan;
use parse_console::Line;

use crate::{Architecture, others};

/// The most lines a dump spans, foreign lines included.
const LONGEST_DUMP: u64 = 60;
/// The most foreign lines (another CPU's, `Code:`) between two lines of a dump.
const GAP: u64 = 4;
/// The most registers kept of one dump.
const MOST_REGISTERS: usize = 64;

/// What the CPU ran when the registers were saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// User space.
    User,
    /// The kernel.
    Kernel,
}

/// One dump of registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterDump {
    /// Whose registers.
    pub architecture: Architecture,
    /// User space or kernel, where the dump says it.
    pub mode: Option<Mode>,
    /// Name as printed (upper or lower case as the kernel does) and value, in order.
    pub registers: Vec<(String, u64)>,
    /// First to last line of the dump.
    pub lines: LineSpan,
    /// The line of each register, parallel to `registers`.
    pub register_lines: Vec<u64>,
}

impl RegisterDump {
    /// The value of a register, by its printed name.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.registers.iter().find(|(n, _)| n == name).map(|(_, value)| *value)
    }

    /// The line on which a register stands.
    pub fn line_of(&self, name: &str) -> Option<u64> {
        let at = self.registers.iter().position(|(n, _)| n == name)?;
        self.register_lines.get(at).copied()
    }
}

/// Finds all register dumps, in order.
pub fn register_dumps(lines: &[Line<'_>]) -> Vec<RegisterDump> {
    let mut dumps = Vec::new();
    let mut open: Option<Building> = None;
    for line in lines {
        let Some(found) = registers_of_line(&line.text, open.as_ref()) else { continue };
        let continues = open.as_ref().is_some_and(|dump| dump.takes(line.number, &found));
        if !continues {
            dumps.extend(open.take().and_then(Building::finish));
        }
        open.get_or_insert_with(|| Building::new(line.number)).add(line.number, found);
    }
    dumps.extend(open.take().and_then(Building::finish));
    dumps
}

/// What one line holds.
struct Found {
    architecture: Option<Architecture>,
    mode: Option<Mode>,
    registers: Vec<(String, u64)>,
    /// The line can only be the first of a dump.
    starts: bool,
}

struct Building {
    architecture: Option<Architecture>,
    mode: Option<Mode>,
    registers: Vec<(String, u64)>,
    register_lines: Vec<u64>,
    first: u64,
    last: u64,
}

impl Building {
    fn new(line: u64) -> Self {
        Self {
            architecture: None,
            mode: None,
            registers: Vec::new(),
            register_lines: Vec::new(),
            first: line,
            last: line,
        }
    }

    fn takes(&self, line: u64, found: &Found) -> bool {
        let near = line - self.last <= GAP + 1 && line - self.first < LONGEST_DUMP;
        let same = match (self.architecture, found.architecture) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        let repeats = found
            .registers
            .iter()
            .any(|(name, _)| name != "CS" && self.registers.iter().any(|(n, _)| n == name));
        near && same && !repeats && (!found.starts || self.registers.is_empty())
    }

    fn add(&mut self, line: u64, found: Found) {
        self.architecture = self.architecture.or(found.architecture);
        self.mode = self.mode.or(found.mode);
        self.last = line;
        for register in found.registers {
            // The selector stands both in front of the instruction pointer and on its own.
            let again = register.0 == "CS" && self.registers.iter().any(|(n, _)| n == "CS");
            if self.registers.len() < MOST_REGISTERS && !again {
                self.registers.push(register);
                self.register_lines.push(line);
            }
        }
    }

    fn finish(self) -> Option<RegisterDump> {
        let architecture = self.architecture?;
        let mut dump = RegisterDump {
            architecture,
            mode: self.mode,
            registers: self.registers,
            lines: LineSpan::new(self.first, self.last),
            register_lines: self.register_lines,
        };
        dump.mode = dump.mode.or_else(|| mode_of(&dump));
        (dump.registers.len() >= 3).then_some(dump)
    }
}

/// User or kernel, from the saved status register.
fn mode_of(dump: &RegisterDump) -> Option<Mode> {
    let user = match dump.architecture {
        Architecture::X86_64 | Architecture::I386 => dump.get("CS").map(|cs| cs & 3 == 3),
        Architecture::Arm64 => dump.get("pstate").map(|p| p & 0xf == 0),
        Architecture::Arm => dump.get("psr").or_else(|| dump.get("cpsr")).map(|p| p & 0x1f == 0x10),
        Architecture::Riscv64 => dump.get("status").map(|s| s & 0x100 == 0),
        Architecture::Powerpc => dump.get("MSR").map(|m| m & 0x4000 != 0),
        Architecture::Mips => dump.get("Status").map(|s| s & 0x18 == 0x10),
        Architecture::S390 => dump.get("PSW").map(|mask| mask & (1 << 48) != 0),
        Architecture::LoongArch => dump.get("PRMD").map(|prmd| prmd & 3 == 3),
        Architecture::Sparc64 => dump.get("TSTATE").map(|state| state & 0x400 == 0),
        Architecture::Parisc => dump.get("IAOQ").map(|offset| offset & 3 == 3),
        Architecture::M68k => dump.get("SR").map(|sr| sr & 0x2000 == 0),
    }?;
    Some(if user { Mode::User } else { Mode::Kernel })
}

fn registers_of_line(text: &str, open: Option<&Building>) -> Option<Found> {
    let text = text.trim();
    // No register line is that long, and long lines are costly to look at.
    if text.len() > 400 {
        return None;
    }
    x86_pointer(text)
        .or_else(|| rows(text, open))
        .or_else(|| s390(text, open))
        .or_else(|| arm_exception_stack(text, open))
        .or_else(|| other(text, open))
        .or_else(|| named(text, open))
}

/// `RIP: 0010:f+0x1/0x2`, `RIP: 0033:0x447cf9`, `EIP: 0060:[<c0…>] …`: starts a dump and tells the
/// mode and the width.
fn x86_pointer(text: &str) -> Option<Found> {
    let (architecture, rest) = match text.split_at_checked(4)? {
        ("RIP:", rest) => (Architecture::X86_64, rest),
        ("EIP:", rest) => (Architecture::I386, rest),
        _ => return None,
    };
    let rest = rest.trim_start();
    let mut registers = Vec::new();
    let mut mode = None;
    let mut pointer = rest;
    if let Some((segment, after)) = rest.split_once(':')
        && segment.len() == 4
        && let Ok(cs) = u64::from_str_radix(segment, 16)
    {
        mode = Some(if cs & 3 == 3 { Mode::User } else { Mode::Kernel });
        registers.push(("CS".to_owned(), cs));
        pointer = after;
    }
    let pointer = pointer.trim_start().trim_start_matches("[<");
    // `0x0` is the pointer of a jump to NULL; bare digits must be many, since symbols hold digits too.
    let prefixed = pointer.starts_with("0x");
    let pointer = pointer.trim_start_matches("0x");
    let digits = pointer.bytes().take_while(u8::is_ascii_hexdigit).count();
    let ends = pointer[digits..].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_');
    if (digits >= 5 || prefixed && digits > 0)
        && ends
        && let Ok(value) = u64::from_str_radix(&pointer[..digits], 16)
    {
        registers.push((text[..3].to_owned(), value));
    }
    Some(Found { architecture: Some(architecture), mode, registers, starts: true })
}

/// Rows of bare values: `GPR04: v v v v` of powerpc, `$ 4   : v v v v` of MIPS.
fn rows(text: &str, _open: Option<&Building>) -> Option<Found> {
    let (architecture, prefix, first, rest) = if let Some(rest) = text.strip_prefix("GPR") {
        let (number, rest) = rest.split_once(':')?;
        (Architecture::Powerpc, "r", number.trim().parse::<u32>().ok()?, rest)
    } else if let Some(rest) = text.strip_prefix('$') {
        let (number, rest) = rest.split_once(':')?;
        (Architecture::Mips, "$", number.trim().parse::<u32>().ok()?, rest)
    } else {
        return None;
    };
    let registers: Vec<_> = values(rest)
        .take(8)
        .zip(first..)
        .map(|(value, number)| (format!("{prefix}{number}"), value))
        .collect();
    (!registers.is_empty() && first < 32).then_some(Found {
        architecture: Some(architecture),
        mode: None,
        registers,
        starts: false,
    })
}

/// `Krnl PSW : mask address`, `User GPRS: v v v v` and its continuation rows.
fn s390(text: &str, open: Option<&Building>) -> Option<Found> {
    let (mode, rest) = if let Some(rest) = text.strip_prefix("Krnl ") {
        (Some(Mode::Kernel), rest)
    } else if let Some(rest) = text.strip_prefix("User ") {
        (Some(Mode::User), rest)
    } else {
        (None, text)
    };
    let found = |registers, starts| {
        Some(Found { architecture: Some(Architecture::S390), mode, registers, starts })
    };
    if mode.is_some() {
        if let Some(psw) = rest.strip_prefix("PSW").map(|r| r.trim_start_matches([' ', ':'])) {
            let mut words = values(psw);
            let registers =
                vec![("PSW".to_owned(), words.next()?), ("PSW address".to_owned(), words.next()?)];
            return found(registers, true);
        }
        let gprs = rest.strip_prefix("GPRS")?.trim_start_matches([' ', ':']);
        return found(
            values(gprs).zip(0..).map(|(value, n)| (format!("r{n}"), value)).collect(),
            false,
        );
    }
    let open = open.filter(|o| o.architecture == Some(Architecture::S390))?;
    let next = open.registers.iter().filter(|(n, _)| n.starts_with('r')).count();
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    let is_row = words.len() == 4 && words.iter().all(|w| w.len() == 16 && hex(w).is_some());
    if !is_row || next == 0 || next >= 16 {
        return None;
    }
    found(values(text).zip(next..).map(|(value, n)| (format!("r{n}"), value)).collect(), false)
}

/// Rows of the architectures in [`crate::others`].
fn other(text: &str, open: Option<&Building>) -> Option<Found> {
    let row = others::row(text, open.and_then(|open| open.architecture))?;
    Some(Found {
        architecture: Some(row.architecture),
        mode: None,
        registers: row.registers,
        starts: row.starts,
    })
}

/// `7fc0: v v v v v v v v` under `Exception stack(0x96737fa8 to 0x96737ff0)` of 32-bit ARM. The
/// saved registers r0 to r15, the status and the original r0 end 8 bytes below the top of an 8 KiB
/// stack, so the row's own address tells which register a column is.
fn arm_exception_stack(text: &str, open: Option<&Building>) -> Option<Found> {
    const TOP_OF_FRAME: u64 = 0x1fb0;
    let found = |registers, starts| {
        Some(Found { architecture: Some(Architecture::Arm), mode: None, registers, starts })
    };
    if let Some(rest) = text.strip_prefix("Exception stack(0x") {
        let (from, _) = rest.split_once(' ')?;
        let from = hex(from)?;
        // Only the frame of the entry from user space stands at the top of the stack.
        return (from & 0x1fff >= 0x1fa0)
            .then(|| found(vec![("exception stack".to_owned(), from)], true))?;
    }
    let open = open.filter(|o| o.registers.first().is_some_and(|(n, _)| n == "exception stack"))?;
    let from = open.registers[0].1;
    let (row, rest) = text.split_once(':')?;
    let row = hex(row).filter(|_| row.len() == 4)? & 0x1fff;
    let words = values(rest).collect::<Vec<_>>();
    // The first row is filled with blanks up to the first word.
    let first = match row < from & 0x1fff {
        true => from & 0x1fff,
        false => row,
    };
    let registers = (0u64..)
        .zip(words)
        .filter_map(|(n, value)| {
            let index = (first + 4 * n).checked_sub(TOP_OF_FRAME)? / 4;
            let name = match index {
                0..=15 => format!("r{index}"),
                16 => "cpsr".to_owned(),
                17 => "orig_r0".to_owned(),
                _ => return None,
            };
            Some((name, value))
        })
        .collect();
    found(registers, false)
}

/// `RAX: 0000000000000000 RBX: …`, `x29: … x28: …`, `a0 : … a1 : …`, `pstate: …`.
fn named(text: &str, open: Option<&Building>) -> Option<Found> {
    let mut registers = Vec::new();
    let mut architecture = None;
    let mut mode = None;
    let mut rest = text;
    while let Some(colon) = rest.find(':') {
        let before = rest[..colon].trim_end();
        let name = before.rsplit([' ', '\t', '(', ',']).next().unwrap_or(before);
        let mut after = rest[colon + 1..].trim_start();
        let Some((canonical, of)) = known(name) else {
            rest = &rest[colon + 1..];
            continue;
        };
        // `RSP: 0018:ffff…` carries the segment in front.
        if let Some((segment, value)) = after.split_once(':')
            && segment.len() == 4
            && hex(segment).is_some()
        {
            after = value;
        }
        after = after.trim_start_matches("[<");
        let digits = after.bytes().take_while(u8::is_ascii_hexdigit).count();
        let whole = after[digits..].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        // `FS:  0000000000000000(0000)` is a base with its selector.
        // The mask is printed as a number of one digit.
        let least = if canonical == "IRQMASK" { 1 } else { 2 };
        if (least..=16).contains(&digits)
            && whole
            && let Ok(value) = u64::from_str_radix(&after[..digits], 16)
        {
            architecture = architecture.or(match of {
                Of::One(one) => Some(one),
                Of::Several => None,
            });
            registers.push((canonical.to_owned(), value));
            rest = &after[digits..];
        } else {
            rest = &rest[colon + 1..];
        }
    }
    let inherited = open.and_then(|o| o.architecture);
    // `pc : [<c0…>]` and `sp : c0…` alone: 32-bit values with blanks before the colon are arm's.
    if architecture.is_none() && inherited.is_none() {
        let arm =
            text.contains("psr: ") || text.starts_with("sp : ") || text.starts_with("pc : [<");
        architecture = arm.then_some(Architecture::Arm);
    }
    let known_dump = architecture.or(inherited).is_some();
    if registers.is_empty() || !known_dump {
        return None;
    }
    if architecture == Some(Architecture::Powerpc) && text.contains("TRAP:") {
        mode = None;
    }
    let starts = matches!(
        registers[0].0.as_str(),
        "NIP" | "epc" if architecture == Some(Architecture::Powerpc)
            || (registers[0].0 == "epc" && registers.len() > 1)
    );
    Some(Found { architecture, mode, registers, starts })
}

enum Of {
    One(Architecture),
    Several,
}

/// Registers by printed name, and the architecture that a name proves. Source: `show_regs` of each
/// architecture.
fn known(name: &str) -> Option<(&str, Of)> {
    use Architecture::{Arm, I386, Mips, Powerpc, Riscv64, X86_64};
    let one = |architecture| Some((name, Of::One(architecture)));
    let numbered = |prefix: &str, most: u32| {
        name.strip_prefix(prefix)
            .and_then(|n| n.parse::<u32>().ok())
            .is_some_and(|n| n <= most && name.len() <= prefix.len() + 2)
    };
    match name {
        "RAX" | "RBX" | "RCX" | "RDX" | "RSI" | "RDI" | "RBP" | "RSP" | "ORIG_RAX" => one(X86_64),
        "R08" => Some(("R8", Of::One(X86_64))),
        "R09" => Some(("R9", Of::One(X86_64))),
        _ if numbered("R", 15) => one(X86_64),
        "EAX" | "EBX" | "ECX" | "EDX" | "ESI" | "EDI" | "EBP" | "ESP" | "ORIG_EAX" => one(I386),
        "EFLAGS" | "CR0" | "CR2" | "CR3" | "CR4" | "CS" | "FS" | "GS" => Some((name, Of::Several)),
        "pstate" => one(Architecture::Arm64),
        _ if numbered("x", 30) => one(Architecture::Arm64),
        "psr" | "fp" | "ip" => Some((name, Of::Several)),
        _ if numbered("r", 12) => Some((name, Of::One(Arm))),
        "pc" | "lr" | "sp" | "ra" | "epc" => Some((name, Of::Several)),
        "badaddr" | "orig_a0" | "tp" | "gp" => one(Riscv64),
        "status" | "cause" => Some((name, Of::Several)),
        _ if numbered("a", 7) || numbered("t", 6) || numbered("s", 11) => one(Riscv64),
        "NIP" | "CTR" | "TRAP" | "MSR" | "CFAR" | "DAR" | "DSISR" | "IRQMASK" | "LR" | "XER" => {
            one(Powerpc)
        }
        "Status" | "Cause" | "BadVA" | "PrId" => one(Mips),
        _ => None,
    }
}

pub(crate) fn values(text: &str) -> impl Iterator<Item = u64> + '_ {
    text.split_ascii_whitespace().map_while(|word| (word.len() >= 8).then(|| hex(word)).flatten())
}

pub(crate) fn hex(word: &str) -> Option<u64> {
    (!word.is_empty() && word.len() <= 16 && word.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| u64::from_str_radix(word, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dumps(text: &str) -> Vec<RegisterDump> {
        let lines: Vec<_> = parse_console::lines(text.as_bytes()).collect();
        register_dumps(&lines)
    }

    #[test]
    fn kernel_and_user_registers_of_one_stack_are_two_dumps() {
        let found = dumps(
            "RIP: 0010:do_it+0x2f/0x80 kernel/a.c:1\n\
             Code: 90 <90> 90\n\
             RSP: 0018:ffffc900055776e8 EFLAGS: 00000246\n\
             RAX: 0000000000000001 RBX: 0000000000000002 RCX: ffffffff8395f2ab\n\
             R13: 0000000000000000 R14: dffffc0000000000 R15: 0000000000000000\n\
             FS:  00007f0000000000(0000) GS:ffff8880b9c00000(0000) knlGS:0000000000000000\n\
             CS:  0010 DS: 0000 ES: 0000 CR0: 0000000080050033\n\
             CR2: 0000000000000018 CR3: 0000000007a3a004 CR4: 0000000000771ee0\n\
             Call Trace:\n do_syscall_64+0x60/0xe0\n entry_SYSCALL_64_after_hwframe+0x44/0xa9\n\
             RIP: 0033:0x447cf9\n\
             RSP: 002b:00007f3cabb9ecd8 EFLAGS: 00000246 ORIG_RAX: 0000000000000113\n\
             RAX: ffffffffffffffda RBX: 00000000006e39e8 RCX: 0000000000447cf9\n",
        );
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].mode, Some(Mode::Kernel));
        assert_eq!(found[0].get("CR2"), Some(0x18));
        assert_eq!(found[0].get("R14"), Some(0xdfff_fc00_0000_0000));
        assert_eq!(found[1].mode, Some(Mode::User));
        assert_eq!(found[1].get("ORIG_RAX"), Some(0x113));
        assert_eq!(found[1].get("RIP"), Some(0x0044_7cf9));
        assert_eq!(found[1].line_of("ORIG_RAX"), Some(13));
    }

    #[test]
    fn dumps_of_other_architectures_are_told_apart() {
        let arm64 = dumps(
            "pstate: 60400009 (nZCv daif +PAN -UAO)\npc : do_it+0x1/0x2\nlr : do_it+0x1/0x2\n\
             sp : ffff800010003b20\nx29: ffff800010003b20 x28: ffff0000c0a80000 \n\
             x1 : 0000000000000000 x0 : 0000000000000008 \n",
        );
        assert_eq!(arm64[0].architecture, Architecture::Arm64);
        assert_eq!((arm64[0].get("x0"), arm64[0].mode), (Some(8), Some(Mode::Kernel)));
        let riscv = dumps(
            "epc : 00007fff8a1b2c3d ra : 0000000000013f24 sp : 00007fffe1b0cb20\n \
             gp : 0000000000089c10 tp : 00007fff8aa2e780 t0 : 0000000000000000\n \
             a5 : 0000000000000000 a6 : 0000000000000000 a7 : 0000000000000040\n\
             status: 0000000200000020 badaddr: 0000000000000000 cause: 0000000000000008\n",
        );
        assert_eq!(riscv[0].architecture, Architecture::Riscv64);
        assert_eq!((riscv[0].get("a7"), riscv[0].mode), (Some(64), Some(Mode::User)));
        let powerpc = dumps(
            "NIP:  00007fff9b2a1c04 LR: 0000000010001234 CTR: 0000000000000000\n\
             REGS: c00000000f4e3e80 TRAP: 0c00   Not tainted  (6.1.0)\n\
             MSR:  800000000280f033 <SF,VEC,VSX,EE,PR,FP,ME,IR,DR,RI,LE>  CR: 24004822  XER: 0\n\
             IRQMASK: 0 \n\
             GPR00: 0000000000000004 00007fffe1b0cb20 00007fff9b3a7000 0000000000000001 \n\
             GPR04: 0000000010020000 000000000000000c 0000000000000000 0000000000000000 \n",
        );
        assert_eq!(powerpc[0].architecture, Architecture::Powerpc);
        assert_eq!((powerpc[0].get("r0"), powerpc[0].mode), (Some(4), Some(Mode::User)));
        assert_eq!(
            (powerpc[0].get("r4"), powerpc[0].get("TRAP")),
            (Some(0x1002_0000), Some(0xc00))
        );
        let s390 = dumps(
            "Krnl PSW : 0704c00180000000 00000000001141a2 (do_it+0xba/0x1f8)\n           \
             R:0 T:1 IO:1 EX:1 Key:0 M:1 W:0 P:0 AS:3 CC:0 PM:0 RI:0 EA:3\n\
             Krnl GPRS: 0000000000000001 0000000000000002 0000000000000003 0000000000000004\n           \
             0000000000000005 0000000000000006 0000000000000007 0000000000000008\n",
        );
        assert_eq!(s390[0].architecture, Architecture::S390);
        assert_eq!((s390[0].get("r7"), s390[0].mode), (Some(8), Some(Mode::Kernel)));
        let mips = dumps(
            "$ 0   : 00000000 1000a400 00000fa4 00000001\n\
             $ 4   : 00000001 7fff0010 00000020 00000000\n\
             Status: 0000a413\tUSER EXL IE \nCause : 00800020 (ExcCode 08)\n",
        );
        assert_eq!(mips[0].architecture, Architecture::Mips);
        assert_eq!((mips[0].get("$2"), mips[0].get("Cause")), (Some(4004), Some(0x0080_0020)));
        let i386 = dumps(
            "EIP: 0060:[<c0401234>] EFLAGS: 00010246 CPU: 0\n\
             EAX: 00000000 EBX: f6c0a000 ECX: 00000001 EDX: 00000000\n\
             ESI: 6b6b6b6b EDI: 00000000 EBP: f6c0bf00 ESP: f6c0bee0\n",
        );
        assert_eq!(i386[0].architecture, Architecture::I386);
        assert_eq!((i386[0].get("EIP"), i386[0].mode), (Some(0xc040_1234), Some(Mode::Kernel)));
    }

    #[test]
    fn rows_of_loongarch_sparc_parisc_and_m68k_are_told_apart() {
        let loongarch = dumps(
            "pc 900000000410645c ra 90000000041310b8 tp 9000000100608000 sp 900000010060b4f0\n\
             a0 000000000000002e a1 0000000000000087 a2 0000000000000008 a3 0000000000000000\n   \
             ra: 90000000041310b8 do_flush+0x48/0x100\n  ERA: 900000000410645c do_in+0x1c/0x60\n \
             CRMD: 000000b0 (PLV0 -IE -DA +PG DACF=CC DACM=CC -WE)\n \
             PRMD: 00000004 (PPLV0 +PIE -PWE)\nESTAT: 00010000 [PIL] (IS= ECode=1 EsubCode=0)\n \
             BADV: ffff80000000802e\n",
        );
        assert_eq!((loongarch.len(), loongarch[0].architecture), (1, Architecture::LoongArch));
        assert_eq!((loongarch[0].get("a1"), loongarch[0].mode), (Some(0x87), Some(Mode::Kernel)));
        assert_eq!(loongarch[0].get("BADV"), Some(0xffff_8000_0000_802e));
        let sparc = dumps(
            "TSTATE: 0000004411001603 TPC: 0000000000a9e1b4 TNPC: 0000000000a9e1b8 Y: 00000000    Not tainted\n\
             TPC: <do_it+0x34/0x40>\ng0: 0000000000000000 g1: 0000000000000001 g2: 0000000000000002 g3: 0000000000000003\n\
             o4: 0000000000000000 o5: 0000000000000001 sp: fff8000105f9eb01 ret_pc: 0000000000a9e1ac\n",
        );
        assert_eq!(
            (sparc[0].architecture, sparc[0].mode),
            (Architecture::Sparc64, Some(Mode::Kernel))
        );
        assert_eq!((sparc[0].get("g3"), sparc[0].get("ret_pc")), (Some(3), Some(0xa9_e1ac)));
        let parisc = dumps(
            "     YZrvWESTHLNXBCVMcbcbcbcbOGFRQPDI\nPSW: 00001000000001001111111100001111 Not tainted\n\
             r00-03  000000ff0804ff0f 00000000408e6ad0 0000000040206a5c 000000004f3f0a40\n\
             sr00-03  0000000000000000 0000000000000000 0000000000000000 0000000000000000\n\
             IASQ: 0000000000000000 0000000000000000 IAOQ: 0000000040206a7c 0000000040206a80\n \
             IIR: 0f4010dc    ISR: 0000000010350000  IOR: 000001ca00000028\n",
        );
        assert_eq!(
            (parisc[0].architecture, parisc[0].mode),
            (Architecture::Parisc, Some(Mode::Kernel))
        );
        assert_eq!(
            (parisc[0].get("r2"), parisc[0].get("IIR")),
            (Some(0x4020_6a5c), Some(0x0f40_10dc))
        );
        let m68k = dumps(
            "PC: [<00248972>] do_it+0xe/0x1a\nSR: 2204  SP: 00d1be3c  a2: 00d4a0b0\n\
             d0: 00000000    d1: 00000001    d2: 00d1bf10    d3: 00000000\n\
             d4: 00000000    d5: 00000000    a0: 00000004    a1: 00000000\n",
        );
        assert_eq!((m68k[0].architecture, m68k[0].mode), (Architecture::M68k, Some(Mode::Kernel)));
        assert_eq!((m68k[0].get("d1"), m68k[0].get("a0")), (Some(1), Some(4)));
    }

    #[test]
    fn the_exception_stack_of_arm_gives_registers_by_address() {
        let found = dumps(
            "Exception stack(0xdf8d5fa8 to 0xdf8d5ff0)\n\
             5fa0:                   00000004 00000005 00000000 00000001 00000002 00000003\n\
             5fc0: 00000004 00000005 00000006 00000092 00000008 00000009 0000000a 0000000b\n\
             5fe0: 0000000c 0000000d 0000000e 000f0000\n",
        );
        assert_eq!(found[0].architecture, Architecture::Arm);
        assert_eq!((found[0].get("r0"), found[0].get("r7")), (Some(0), Some(0x92)));
        assert_eq!(found[0].get("r15"), Some(0x000f_0000));
    }

    #[test]
    fn ordinary_lines_hold_no_registers() {
        assert!(
            dumps("Call Trace:\nCPU: 1 PID: 3 Comm: x\nTAP version 13\nip: command\n").is_empty()
        );
        assert!(dumps("RAX: 12\nfoo: 1234\n").is_empty());
    }
}
