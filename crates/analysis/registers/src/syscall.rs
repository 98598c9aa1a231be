//! The system call that a user-mode register dump stands in: name and arguments.
//!
//! Invariant: only registers that the entry code of the architecture preserves are read as
//! arguments; one that the return value has overwritten is shown as such.

use std::collections::HashMap;
use std::sync::LazyLock;

use model::LineSpan;

use crate::{Architecture, Mode, RegisterDump};
use model::errno_name;

/// Rows of numbers and arguments; the file's head explains its columns.
const TABLE: &str = include_str!("../tables/syscalls.tsv");

/// How an argument is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArgumentClass {
    /// A file descriptor.
    Descriptor,
    /// A file descriptor or `AT_FDCWD`.
    DirectoryDescriptor,
    /// An address.
    Pointer,
    /// A signed 32-bit number.
    Signed,
    /// A signed number of register width.
    SignedLong,
    /// An unsigned number.
    Unsigned,
    /// Bits.
    Bits,
    /// A value that takes two registers on 32 bits.
    Wide,
}

/// One argument of a system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The kernel's name for it.
    pub name: &'static str,
    /// The raw value, `None` where the return value has overwritten the register.
    pub value: Option<u64>,
    /// How it reads, such as `NULL`, `-1`, `0x10005`, `AT_FDCWD`.
    pub text: String,
}

/// A system call in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syscall {
    /// Its name, `None` when the number is in no table here.
    pub name: Option<&'static str>,
    /// Its number, the base of MIPS ABIs included.
    pub number: u64,
    /// Its arguments, as far as the call has any.
    pub arguments: Vec<Argument>,
    /// The register that holds the number.
    pub number_register: &'static str,
    /// Where the registers stand.
    pub lines: LineSpan,
}

impl Syscall {
    /// `splice(fd_in=3, off_in=NULL)`.
    pub fn text(&self) -> String {
        let name = match self.name {
            Some(name) => name.to_owned(),
            None => format!("system call {}", self.number),
        };
        let arguments: Vec<_> =
            self.arguments.iter().map(|a| format!("{}={}", a.name, a.text)).collect();
        format!("{name}({})", arguments.join(", "))
    }
}

/// A column of the table and the registers of one calling convention.
struct Convention {
    column: usize,
    number: &'static str,
    arguments: &'static [&'static str],
    /// The register of the first argument also returns the result.
    first_returns: bool,
    narrow: bool,
}

const X86_64: Convention = Convention {
    column: 0,
    number: "ORIG_RAX",
    arguments: &["RDI", "RSI", "RDX", "R10", "R8", "R9"],
    first_returns: false,
    narrow: false,
};
/// A 32-bit program on a 64-bit kernel: the kernel prints its registers under their 64-bit names.
const COMPAT: Convention = Convention {
    column: 1,
    number: "ORIG_RAX",
    arguments: &["RBX", "RCX", "RDX", "RSI", "RDI", "RBP"],
    first_returns: false,
    narrow: true,
};
const I386: Convention = Convention {
    column: 1,
    number: "ORIG_EAX",
    arguments: &["EBX", "ECX", "EDX", "ESI", "EDI", "EBP"],
    first_returns: false,
    narrow: true,
};
const ARM: Convention = Convention {
    column: 3,
    number: "r7",
    arguments: &["r0", "r1", "r2", "r3", "r4", "r5"],
    first_returns: true,
    narrow: true,
};
const RISCV: Convention = Convention {
    column: 2,
    number: "a7",
    arguments: &["a0", "a1", "a2", "a3", "a4", "a5"],
    first_returns: true,
    narrow: false,
};
const ARM64: Convention = Convention {
    column: 2,
    number: "x8",
    arguments: &["x0", "x1", "x2", "x3", "x4", "x5"],
    first_returns: true,
    narrow: false,
};
const POWERPC: Convention = Convention {
    column: 4,
    number: "r0",
    arguments: &["r3", "r4", "r5", "r6", "r7", "r8"],
    first_returns: true,
    narrow: false,
};
const S390: Convention = Convention {
    column: 5,
    number: "r1",
    arguments: &["r2", "r3", "r4", "r5", "r6", "r7"],
    first_returns: true,
    narrow: false,
};
const MIPS_O32: Convention = Convention {
    column: 6,
    number: "$2",
    arguments: &["$4", "$5", "$6", "$7"],
    first_returns: false,
    narrow: true,
};
const MIPS_N64: Convention = Convention {
    column: 7,
    number: "$2",
    arguments: &["$4", "$5", "$6", "$7", "$8", "$9"],
    first_returns: false,
    narrow: false,
};

/// The system call that a dump stands in; `None` when the dump is not that of a system call, or
/// does not tell.
///
/// On x86 the original accumulator is printed for exceptions too, so other registers must agree. RISC-V, powerpc and MIPS
/// print the cause of the entry. arm prints the frame of a call under `ret_fast_syscall`. arm64 and
/// s390 print no cause: their dumps are never taken for a call here.
pub fn syscall(dump: &RegisterDump) -> Option<Syscall> {
    let convention = convention(dump)?;
    let mut number = dump.get(convention.number)?;
    if convention.column == 0 {
        // x32 marks its calls by this bit.
        number &= !(1 << 30);
    }
    // Negative: the entry was an interrupt.
    if number > 0x7fff_ffff {
        return None;
    }
    let mut lines = dump.lines;
    if let Some(line) = dump.line_of(convention.number) {
        lines.first = lines.first.max(line.min(lines.last));
    }
    let row = TABLES[convention.column].get(&number);
    let arguments = match row {
        Some((_, signature)) => arguments(dump, convention, signature),
        None => Vec::new(),
    };
    Some(Syscall {
        name: row.map(|(name, _)| *name),
        number,
        arguments,
        number_register: convention.number,
        lines,
    })
}

fn convention(dump: &RegisterDump) -> Option<&'static Convention> {
    let user = dump.mode == Some(Mode::User);
    match dump.architecture {
        // The selector of 32-bit programs on a 64-bit kernel.
        Architecture::X86_64 if dump.get("CS") == Some(0x23) => {
            at_call(dump, "RAX").then_some(&COMPAT)
        }
        Architecture::X86_64 => {
            // SYSCALL leaves the return address in RCX.
            let returns = dump.get("RCX").is_some_and(|rcx| dump.get("RIP") == Some(rcx));
            (user && (returns || at_call(dump, "RAX"))).then_some(&X86_64)
        }
        Architecture::I386 => (user && at_call(dump, "EAX")).then_some(&I386),
        Architecture::Riscv64 => (user && dump.get("cause") == Some(8)).then_some(&RISCV),
        Architecture::Powerpc => (user
            && matches!(dump.get("TRAP"), Some(0xc00 | 0xc01 | 0x3000 | 0x3001)))
        .then_some(&POWERPC),
        Architecture::Mips => {
            let is_call = dump.get("Cause").is_some_and(|c| (c >> 2) & 0x1f == 8);
            match dump.get("$2") {
                Some(4000..=4999) if is_call => Some(&MIPS_O32),
                Some(5000..=5999) if is_call => Some(&MIPS_N64),
                _ => None,
            }
        }
        Architecture::Arm => dump.get("exception stack").map(|_| &ARM),
        // The dump alone does not say that it is one of a system call.
        Architecture::Arm64
        | Architecture::S390
        | Architecture::LoongArch
        | Architecture::Sparc64
        | Architecture::Parisc
        | Architecture::M68k => None,
    }
}

/// Whether the accumulator holds -ENOSYS, as every entry of a system call on x86 leaves it: the original accumulator
/// of an exception holds its error code, which looks like the number of a call.
fn at_call(dump: &RegisterDump, accumulator: &str) -> bool {
    const NO_SUCH_CALL: u32 = (-38i32).cast_unsigned();
    dump.get(accumulator).is_some_and(|value| value as u32 == NO_SUCH_CALL)
}

/// The name of a call by its number; `None` when the table has no such number or the architecture
/// has more than one (MIPS numbers carry their base).
pub fn syscall_name(architecture: Architecture, number: u64) -> Option<&'static str> {
    let convention = match architecture {
        Architecture::X86_64 => &X86_64,
        Architecture::I386 => &I386,
        Architecture::Arm64 => &ARM64,
        Architecture::Arm => &ARM,
        Architecture::Riscv64 => &RISCV,
        Architecture::Powerpc => &POWERPC,
        Architecture::S390 => &S390,
        Architecture::Mips if number >= 5000 => &MIPS_N64,
        Architecture::Mips => &MIPS_O32,
        // No tables of these are kept.
        Architecture::LoongArch
        | Architecture::Sparc64
        | Architecture::Parisc
        | Architecture::M68k => return None,
    };
    TABLES[convention.column].get(&number).map(|(name, _)| *name)
}

/// Whether some architecture has a system call of that name.
pub fn is_syscall(name: &str) -> bool {
    TABLES.iter().any(|table| table.values().any(|(known, _)| *known == name))
}

fn arguments(
    dump: &RegisterDump,
    convention: &Convention,
    signature: &'static str,
) -> Vec<Argument> {
    let mut shown = Vec::new();
    for (at, field) in signature.split(' ').enumerate() {
        let Some((name, class)) = field.split_once(':').and_then(|(n, c)| Some((n, class_of(c)?)))
        else {
            break;
        };
        if convention.narrow && class == ArgumentClass::Wide {
            break;
        }
        let Some(value) = convention.arguments.get(at).and_then(|r| dump.get(r)) else { break };
        let value = if convention.narrow { value & 0xffff_ffff } else { value };
        let overwritten = at == 0
            && convention.first_returns
            && u32::try_from(negated(value, convention.narrow)).ok().and_then(errno_name).is_some();
        let original = ["orig_a0", "orig_r0"].iter().find_map(|r| dump.get(r)).filter(|_| at == 0);
        shown.push(match (original, overwritten) {
            (Some(value), _) => {
                Argument { name, value: Some(value), text: show(class, value, convention.narrow) }
            }
            (None, true) => Argument { name, value: None, text: "?".to_owned() },
            (None, false) => {
                Argument { name, value: Some(value), text: show(class, value, convention.narrow) }
            }
        });
    }
    shown
}

fn negated(value: u64, narrow: bool) -> u64 {
    match narrow {
        true => u64::from((value as u32).wrapping_neg()),
        false => value.wrapping_neg(),
    }
}

fn class_of(text: &str) -> Option<ArgumentClass> {
    Some(match text {
        "fd" => ArgumentClass::Descriptor,
        "dirfd" => ArgumentClass::DirectoryDescriptor,
        "ptr" => ArgumentClass::Pointer,
        "int" => ArgumentClass::Signed,
        "long" => ArgumentClass::SignedLong,
        "num" => ArgumentClass::Unsigned,
        "hex" => ArgumentClass::Bits,
        "wide" => ArgumentClass::Wide,
        _ => return None,
    })
}

fn show(class: ArgumentClass, value: u64, narrow: bool) -> String {
    // Descriptors and ints are 32 bits wide whatever the upper half of the register holds.
    let short = value as u32 as i32;
    match class {
        ArgumentClass::DirectoryDescriptor if short == -100 => "AT_FDCWD".to_owned(),
        ArgumentClass::Descriptor | ArgumentClass::DirectoryDescriptor | ArgumentClass::Signed => {
            short.to_string()
        }
        ArgumentClass::Pointer if value == 0 => "NULL".to_owned(),
        ArgumentClass::SignedLong if narrow => short.to_string(),
        ArgumentClass::SignedLong => (value as i64).to_string(),
        _ if value < 10 => value.to_string(),
        _ => format!("{value:#x}"),
    }
}

type Rows = HashMap<u64, (&'static str, &'static str)>;

/// The table by column.
static TABLES: LazyLock<[Rows; 8]> = LazyLock::new(|| {
    let mut tables: [Rows; 8] = Default::default();
    for row in TABLE.lines().filter(|row| !row.starts_with('#')) {
        let cells: Vec<_> = row.split('\t').collect();
        let [name, numbers @ .., signature] = cells.as_slice() else { continue };
        for (table, number) in tables.iter_mut().zip(numbers) {
            if let Ok(number) = number.parse() {
                table.insert(number, (*name, *signature));
            }
        }
    }
    tables
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register_dumps;

    fn call(text: &str) -> Option<String> {
        let lines: Vec<_> = parse_console::lines(text.as_bytes()).collect();
        register_dumps(&lines).iter().find_map(syscall).map(|call| call.text())
    }

    #[test]
    fn every_row_of_the_table_is_whole_and_no_number_stands_twice() {
        for row in TABLE.lines().filter(|row| !row.starts_with('#')) {
            let cells: Vec<_> = row.split('\t').collect();
            assert_eq!(cells.len(), 10, "{row}");
            for cell in &cells[1..9] {
                assert!(*cell == "-" || cell.parse::<u64>().is_ok(), "{row}");
            }
            for field in cells[9].split(' ').filter(|f| *f != "?" && *f != "void") {
                assert!(field.split_once(':').is_some_and(|(_, c)| class_of(c).is_some()), "{row}");
            }
        }
        for column in 1..9 {
            let mut numbers: Vec<_> = TABLE
                .lines()
                .filter(|row| !row.starts_with('#'))
                .filter_map(|row| row.split('\t').nth(column)?.parse::<u64>().ok())
                .collect();
            let all = numbers.len();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(all, numbers.len(), "column {column}");
            assert!(all > 250, "column {column}");
        }
    }

    #[test]
    fn x86_64_calls_have_their_arguments() {
        let text = "RIP: 0033:0x7f0012345678\n\
            RSP: 002b:00007ffd00000000 EFLAGS: 00000246 ORIG_RAX: 0000000000000101\n\
            RAX: ffffffffffffffda RBX: 0000000000000000 RCX: 00007f0012345678\n\
            RDX: 0000000000000241 RSI: 0000000020000040 RDI: ffffffffffffff9c\n\
            RBP: 0000000000000000 R08: 0000000000000000 R09: 0000000000000000\n\
            R10: 00000000000001ff R11: 0000000000000246 R12: 0000000000000000\n";
        assert_eq!(
            call(text).as_deref(),
            Some("openat(dfd=AT_FDCWD, filename=0x20000040, flags=0x241, mode=0x1ff)")
        );
    }

    #[test]
    fn a_32_bit_program_on_a_64_bit_kernel_uses_the_32_bit_numbers() {
        let text = "RIP: 0023:0xf7f5c549\n\
            RSP: 002b:00000000f5b0cd9c EFLAGS: 00000296 ORIG_RAX: 0000000000000003\n\
            RAX: ffffffffffffffda RBX: 0000000000000005 RCX: 0000000020000000\n\
            RDX: 0000000000000010 RSI: 0000000000000000 RDI: 0000000000000000\n";
        assert_eq!(call(text).as_deref(), Some("read(fd=5, buf=0x20000000, count=0x10)"));
    }

    #[test]
    fn an_interrupted_user_program_is_in_no_call() {
        let text = "RIP: 0033:0x7f0012345678\n\
            RSP: 002b:00007ffd00000000 EFLAGS: 00000246 ORIG_RAX: ffffffffffffffff\n\
            RAX: 0000000000000001 RBX: 0000000000000000 RCX: 00007f0012345678\n";
        assert_eq!(call(text), None);
        let kernel = "RIP: 0010:do_it+0x1/0x2\n\
            RSP: 0018:ffffc90000000000 EFLAGS: 00000246 ORIG_RAX: 0000000000000013\n\
            RAX: 0000000000000001 RBX: 0000000000000000 RCX: 00007f0012345678\n";
        assert_eq!(call(kernel), None);
    }

    #[test]
    fn calls_of_other_architectures() {
        let riscv = "epc : 00007fff8a1b2c3d ra : 0000000000013f24 sp : 00007fffe1b0cb20\n \
            s1 : 0000000000000000 a0 : ffffffffffffffda a1 : 0000000020000000\n \
            a2 : 0000000000000040 a3 : 0000000000000000 a4 : 0000000000000000\n \
            a7 : 0000000000000040\n\
            status: 0000000200000020 badaddr: 0000000000000000 cause: 0000000000000008\n";
        assert_eq!(call(riscv).as_deref(), Some("write(fd=?, buf=0x20000000, count=0x40)"));
        let powerpc = "NIP:  00007fff9b2a1c04 LR: 0000000010001234 CTR: 0000000000000000\n\
            REGS: c00000000f4e3e80 TRAP: 3000   Not tainted  (6.1.0)\n\
            MSR:  800000000280f033 <SF,EE,PR>  CR: 24004822  XER: 00000000\n\
            GPR00: 0000000000000006 00007fffe1b0cb20 00007fff9b3a7000 0000000000000007 \n\
            GPR04: 0000000010020000 000000000000000c 0000000000000000 0000000000000000 \n";
        assert_eq!(call(powerpc).as_deref(), Some("close(fd=7)"));
        let mips = "$ 0   : 00000000 1000a400 00000fa4 00000001\n\
            $ 4   : 00000001 7fff0010 00000020 00000000\n\
            Status: 0000a413\tUSER EXL IE \nCause : 00800020 (ExcCode 08)\n";
        assert_eq!(call(mips).as_deref(), Some("write(fd=1, buf=0x7fff0010, count=0x20)"));
        let arm = "Exception stack(0xdf8d5fa8 to 0xdf8d5ff0)\n\
            5fa0:                   00000004 00000005 00000003 20000000 00000002 00000003\n\
            5fc0: 00000004 00000005 00000006 00000092 00000008 00000009 0000000a 0000000b\n\
            5fe0: 0000000c 0000000d 0000000e 000f0000\n";
        assert_eq!(call(arm).as_deref(), Some("writev(fd=3, vec=0x20000000, vlen=2)"));
    }
}
