//! User programs that the kernel reported for a fault of their own.

use std::sync::LazyLock;

use model::LineSpan;
use parse_console::Line;
use regex::Regex;

use crate::Architecture;

/// A user program that the kernel reported for its own fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFault {
    /// `segfault`, or the trap as printed (`invalid opcode`, `general protection fault`, …).
    pub what: String,
    /// Name of the task.
    pub task: String,
    /// Its pid.
    pub pid: u32,
    /// The address it touched, for a segfault.
    pub address: Option<u64>,
    /// Its instruction pointer.
    pub ip: u64,
    /// Its stack pointer.
    pub sp: Option<u64>,
    /// The error code.
    pub code: Option<u64>,
    /// The file mapped at the instruction pointer.
    pub mapping: Option<Mapping>,
    /// The architecture whose shape it is.
    pub architecture: Architecture,
    /// The line or lines.
    pub lines: LineSpan,
}

/// The mapping that an instruction pointer lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Base name of the file.
    pub file: String,
    /// Where the mapping starts.
    pub base: u64,
    /// Its length in bytes.
    pub length: u64,
    /// The offset in the file as the kernel printed it (6.9 on); older kernels do not print it.
    pub file_offset: Option<u64>,
}

impl UserFault {
    /// How far the instruction pointer lies behind the start of its mapping; `None` when it lies
    /// outside (the line is damaged).
    pub fn offset_in_mapping(&self) -> Option<u64> {
        let mapping = self.mapping.as_ref()?;
        let offset = self.ip.checked_sub(mapping.base)?;
        (offset < mapping.length).then_some(offset)
    }
}

static X86_SEGFAULT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?P<task>.{0,64})\[(?P<pid>\d+)\]: (?P<what>segfault) at (?P<address>[0-9a-f]+) ip (?P<ip>[0-9a-f]+) sp (?P<sp>[0-9a-f]+) error (?P<code>[0-9a-f]+)(?P<rest>.*)$",
    )
    .ok()
});
static X86_TRAP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:traps: )?(?P<task>.{0,64})\[(?P<pid>\d+)\]:? (?:trap )?(?P<what>[a-z][a-z0-9 ]*?) ip:(?P<ip>[0-9a-f]+) sp:(?P<sp>[0-9a-f]+) error:(?P<code>[0-9a-f]+)(?P<rest>.*)$",
    )
    .ok()
});
static POWERPC_SEGFAULT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?P<task>.{0,64})\[(?P<pid>\d+)\]: (?P<what>segfault|bus error|illegal instruction) \(\d+\) at (?P<address>[0-9a-f]+) nip (?P<ip>[0-9a-f]+) lr [0-9a-f]+ code [0-9a-f]+(?P<rest>.*)$",
    )
    .ok()
});
static RISCV_SIGNAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?P<task>.{0,64})\[(?P<pid>\d+)\]: (?P<what>unhandled signal \d+) code 0x[0-9a-f]+ at 0x(?P<address>[0-9a-f]+)(?P<rest>.*)$",
    )
    .ok()
});
static MAPPING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^,? in (?P<file>.{1,256})\[(?:(?P<offset>[0-9a-f]+),)?(?P<base>[0-9a-f]+)\+(?P<length>[0-9a-f]+)\]",
    )
    .ok()
});

/// Finds the user programs that were reported for a fault of their own.
pub fn user_faults(lines: &[Line<'_>]) -> Vec<UserFault> {
    let shapes = [
        (&*X86_SEGFAULT, Architecture::X86_64),
        (&*X86_TRAP, Architecture::X86_64),
        (&*POWERPC_SEGFAULT, Architecture::Powerpc),
        (&*RISCV_SIGNAL, Architecture::Riscv64),
    ];
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let text = line.text.trim();
        if !text.contains("]: ") && !text.starts_with("traps: ") {
            continue;
        }
        for (shape, architecture) in shapes {
            let Some(captures) = shape.as_ref().and_then(|s| s.captures(text)) else { continue };
            let number = |name: &str| {
                captures.name(name).and_then(|m| u64::from_str_radix(m.as_str(), 16).ok())
            };
            let (Some(ip), Some(pid)) = (number("ip"), captures["pid"].parse().ok()) else {
                continue;
            };
            let mut span = LineSpan::line(line.number);
            let mut rest = format!(" {}", captures["rest"].trim_start());
            // Printed in pieces, and pieces get wrapped or fall onto a line of their own.
            if !rest.contains('[')
                && let Some(next) = lines.get(at + 1)
            {
                let tail = next.text.trim_start();
                let joined = format!("{} {tail}", rest.trim_end());
                if mapping(&joined).is_some() {
                    rest = joined;
                    span.last = next.number;
                }
            }
            found.push(UserFault {
                what: captures["what"].to_owned(),
                task: captures["task"].trim().to_owned(),
                pid,
                address: number("address"),
                ip,
                sp: number("sp"),
                code: number("code"),
                mapping: mapping(&rest),
                architecture,
                lines: span,
            });
            break;
        }
    }
    found
}

fn mapping(text: &str) -> Option<Mapping> {
    let captures = MAPPING.as_ref()?.captures(text)?;
    let number =
        |name: &str| captures.name(name).and_then(|m| u64::from_str_radix(m.as_str(), 16).ok());
    Some(Mapping {
        file: captures["file"].to_owned(),
        base: number("base")?,
        length: number("length")?,
        file_offset: number("offset"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Line<'_>> {
        parse_console::lines(text.as_bytes()).collect()
    }

    #[test]
    fn x08_user_segfaults_of_old_and_new_kernels() {
        let found = user_faults(&lines(
            "a.out[4711]: segfault at 10 ip 000055d0c0401136 sp 00007ffe00000010 error 4 in a.out[55d0c0401000+1000] likely on CPU 2 (core 2, socket 0)\n\
             my prog[12]: segfault at 0 ip 00007f0000001234 sp 00007ffe00000010 error 6 in libx.so.1[28234,7f0000000000+20000] likely on CPU 0 (core 0, socket 0)\n\
             traps: conftest[77] trap invalid opcode ip:401106 sp:7ffe00000000 error:0 in conftest[401000+1000]\n\
             b.out[5]: segfault at 8 ip 0000000000401136 sp 00007ffe00000010 error 4\n\
             in b.out[401000+1000]\n",
        ));
        assert_eq!(found.len(), 4);
        assert_eq!(found[0].offset_in_mapping(), Some(0x136));
        assert_eq!((found[0].address, found[0].code), (Some(0x10), Some(4)));
        assert_eq!(found[0].mapping.as_ref().unwrap().file_offset, None);
        assert_eq!(found[1].task, "my prog");
        assert_eq!(found[1].mapping.as_ref().unwrap().file_offset, Some(0x28234));
        assert_eq!((found[2].what.as_str(), found[2].address), ("invalid opcode", None));
        assert_eq!(found[3].lines, LineSpan::new(4, 5));
        assert_eq!(found[3].mapping.as_ref().unwrap().file, "b.out");
    }
}
