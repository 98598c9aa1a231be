//! Faults of the kernel: which address, on which line.

use std::sync::LazyLock;

use parse_console::Line;
use regex::Regex;

use crate::Architecture;

/// Which kind of fault a line reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// An access to an address that is not mapped or not permitted.
    Page,
    /// A general protection fault of x86 that names an address.
    Protection,
    /// The range that KASAN says the code meant.
    KasanRange,
}

/// One fault in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// The address as printed; a protection fault need not print one.
    pub address: Option<u64>,
    /// The architecture, where the shape of the line tells it.
    pub architecture: Option<Architecture>,
    /// Whether the line itself says that the address is not canonical.
    pub non_canonical: bool,
    /// Whether the address is printed with eight digits, as 32-bit kernels do.
    pub narrow: bool,
    /// The line.
    pub line: u64,
}

/// Shapes of faults, with what each tells. The address is the first group.
static SHAPES: LazyLock<Vec<(Regex, FaultKind, Option<Architecture>)>> = LazyLock::new(|| {
    use Architecture::{Powerpc, S390, X86_64};
    use FaultKind::{KasanRange, Page, Protection};
    [
        (r"BUG: unable to handle page fault for address: (?:0x)?([0-9a-f]{8}|[0-9a-f]{16})\b", Page, Some(X86_64)),
        (r"BUG: unable to handle kernel (?:paging request|NULL pointer dereference) at (?:0x)?([0-9a-f]{8}|[0-9a-f]{16})\b", Page, Some(X86_64)),
        (r"BUG: kernel NULL pointer dereference, address: (?:0x)?([0-9a-f]{8}|[0-9a-f]{16})\b", Page, Some(X86_64)),
        (r"general protection fault,? .*\baddress 0x([0-9a-f]{1,16})\b", Protection, Some(X86_64)),
        (r"^\s*general protection fault: [0-9a-f]{4} \[#\d+\]()", Protection, Some(X86_64)),
        (r"KASAN: (?:null-ptr-deref|probably user-memory-access|maybe wild-memory-access) in range \[0x([0-9a-f]{16})-", KasanRange, None),
        (r"Unable to handle kernel [a-zA-Z -]+ at virtual address (?:0x)?([0-9a-f]{8}|[0-9a-f]{16})\b", Page, None),
        (r"Unable to handle (?:unknown|kernel) [a-zA-Z -]+ at (?:address )?0x([0-9a-f]{8}|[0-9a-f]{16})\b", Page, None),
        (r"Unable to handle kernel data access(?: on (?:read|write))? at 0x([0-9a-f]{1,16})\b", Page, Some(Powerpc)),
        (r"BUG: Kernel NULL pointer dereference (?:on (?:read|write) )?at 0x([0-9a-f]{1,16})\b", Page, Some(Powerpc)),
        (r"Failing address: ([0-9a-f]{8}|[0-9a-f]{16}) TEID:", Page, Some(S390)),
    ]
    .into_iter()
    .filter_map(|(shape, kind, architecture)| Some((Regex::new(shape).ok()?, kind, architecture)))
    .collect()
});

/// Finds all faults of the kernel, in order.
pub fn faults(lines: &[Line<'_>]) -> Vec<Fault> {
    lines
        .iter()
        .filter(|line| {
            ["address", "ernel", "KASAN", "protection"].iter().any(|word| line.text.contains(word))
        })
        .filter_map(|line| {
            SHAPES.iter().find_map(|(shape, kind, architecture)| {
                let found = shape.captures(&line.text)?;
                let digits = found.get(1)?.as_str();
                let architecture = match architecture {
                    // 32-bit kernels print eight digits.
                    Some(Architecture::X86_64) if *kind == FaultKind::Page && digits.len() == 8 => {
                        Some(Architecture::I386)
                    }
                    // The line is the same on 32 bits.
                    Some(_) if digits.is_empty() => None,
                    other => *other,
                };
                Some(Fault {
                    kind: *kind,
                    address: match digits {
                        "" => None,
                        digits => Some(u64::from_str_radix(digits, 16).ok()?),
                    },
                    architecture,
                    non_canonical: line.text.contains("non-canonical"),
                    narrow: *kind == FaultKind::Page && digits.len() == 8,
                    line: line.number,
                })
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Line<'_>> {
        parse_console::lines(text.as_bytes()).collect()
    }

    #[test]
    fn shapes_of_kernel_faults() {
        let found = faults(&lines(
            "BUG: unable to handle page fault for address: ffffc900040a1010\n\
             BUG: kernel NULL pointer dereference, address: 0000000000000018\n\
             general protection fault, probably for non-canonical address 0xdffffc0000000003: 0000 [#1]\n\
             KASAN: null-ptr-deref in range [0x0000000000000018-0x000000000000001f]\n\
             Unable to handle kernel paging request at virtual address dead000000000108\n\
             Unable to handle kernel NULL pointer dereference at virtual address 00000004\n\
             BUG: unable to handle kernel paging request in do_it\n\
             BUG: Kernel NULL pointer dereference on read at 0x00000010\n",
        ));
        let addresses: Vec<_> = found.iter().filter_map(|f| f.address).collect();
        assert_eq!(
            addresses,
            [
                0xffff_c900_040a_1010,
                0x18,
                0xdfff_fc00_0000_0003,
                0x18,
                0xdead_0000_0000_0108,
                4,
                0x10
            ]
        );
    }
}
