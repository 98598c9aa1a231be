//! Addresses that faulted, and what a value tells of.
//!
//! Values of include/linux/poison.h, include/linux/err.h and the KASAN_SHADOW_OFFSET of each architecture.

use model::{AddressMeaning, PoisonValue, Predicate};

use super::fact::Facts;
use super::kind::headline;
use super::log::Log;
use super::scan::{after, hex};

pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    for (at, message) in log.messages.iter().enumerate() {
        let text = headline(&message.text);
        for address in faults(text) {
            facts.say(&[at], Predicate::FaultAddress { address });
        }
        if let Some((first, _)) = range(text) {
            facts.hint(&[at], Predicate::FaultAddress { address: first });
            if first < FIRST_PAGE {
                let near_null = [
                    AddressMeaning::NullOffset { offset: first.cast_signed() },
                    AddressMeaning::NearNull,
                ];
                for meaning in near_null {
                    let says =
                        Predicate::AddressMeaning { address: first, register: None, meaning };
                    facts.say(&[at], says);
                }
            }
        }
    }
}

/// Size of the page at 0, which is never mapped.
const FIRST_PAGE: u64 = 4096;

/// Addresses that a headline names as those of the access.
pub(super) fn faults(text: &str) -> Vec<u64> {
    const MARKS: [&str; 9] = [
        "for address: ",
        "dereference, address: ",
        "at virtual address ",
        "non-canonical address ",
        "paging request at ",
        "NULL pointer dereference at ",
        "Free of addr ",
        "on read at ",
        "on write at ",
    ];
    let report = [
        "BUG: ",
        "Unable to handle",
        "Oops: ",
        "general protection fault",
        "Free of addr",
        "Kernel ",
        "CPU ",
    ]
    .iter()
    .any(|head| text.starts_with(head));
    let access = text.starts_with("Read of size ") || text.starts_with("Write of size ");
    let mut found = Vec::new();
    if report {
        // `at virtual address` stands behind `paging request` in some headlines: it is the address.
        found.extend(MARKS.iter().find_map(|mark| hex(after(text, mark)?).map(|(value, _)| value)));
    }
    if access {
        found.extend(after(text, " at addr ").and_then(hex).map(|(value, _)| value));
    }
    // s390.
    if let Some(rest) = text.strip_prefix("Failing address: ") {
        found.extend(hex(rest).map(|(value, _)| value));
    }
    if let Some(rest) = text.strip_prefix("CR2: ") {
        found.extend(hex(rest).map(|(value, _)| value));
    } else if text.starts_with("CS: ") || text.starts_with("FS: ") {
        found.extend(after(text, "CR2: ").and_then(hex).map(|(value, _)| value));
    }
    let kfence = ["Use-after-free ", "Out-of-bounds ", "Invalid ", "Corrupted memory at "];
    if kfence.iter().any(|head| text.starts_with(head)) && text.contains("kfence-#") {
        found.extend(after(text, " at 0x").and_then(hex).map(|(value, _)| value));
    }
    found
}

/// `KASAN: null-ptr-deref in range [0x…-0x…]`.
fn range(text: &str) -> Option<(u64, u64)> {
    let rest = text.strip_prefix("KASAN: ")?;
    let (first, rest) = hex(after(rest, " in range [")?)?;
    let (last, _) = hex(rest.strip_prefix('-')?)?;
    Some((first, last))
}

/// Whether a value means that.
pub(super) fn means(value: u64, meaning: &AddressMeaning) -> bool {
    match meaning {
        AddressMeaning::NullOffset { offset } => {
            value == offset.cast_unsigned() || value == 0 && offset.unsigned_abs() < 1 << 31
        }
        AddressMeaning::NearNull => value < FIRST_PAGE,
        AddressMeaning::KasanShadow { of } => SHADOWS.iter().any(|(scale, base)| {
            value.wrapping_sub(*base).wrapping_shl(*scale) == *of
                && value.wrapping_sub(*base) <= u64::MAX >> scale
        }),
        AddressMeaning::Poison { name, offset } => {
            let base = value.wrapping_sub(offset.cast_unsigned());
            offset.unsigned_abs() <= 16 * FIRST_PAGE && is_poison(base, *name)
        }
        AddressMeaning::ErrorPointer { errno } => {
            (1..=4095).contains(errno) && value == 0u64.wrapping_sub(u64::from(*errno))
        }
        AddressMeaning::NonCanonical => !is_canonical(value),
        AddressMeaning::Text { text } => {
            let bytes = value.to_le_bytes();
            let shown = bytes.iter().take_while(|byte| (0x20..0x7f).contains(*byte)).count();
            shown >= 3
                && std::str::from_utf8(&bytes[..shown])
                    .is_ok_and(|found| found.trim() == text.trim())
                || std::str::from_utf8(&value.to_be_bytes())
                    .is_ok_and(|found| found.trim_matches('\0') == text)
        }
        AddressMeaning::FlippedBit { bit } => {
            *bit < 64 && {
                let other = value ^ (1 << bit);
                other < FIRST_PAGE
                    || (is_canonical(other) && !is_canonical(value))
                    || other >> 47 == 0x1_ffff
            }
        }
        AddressMeaning::User => (FIRST_PAGE..1 << 56).contains(&value),
    }
}

/// Scale and base of KASAN's shadow: x86_64, arm64 with 48 and 52 bits, riscv64, s390, tags of arm64.
const SHADOWS: [(u32, u64); 8] = [
    (3, 0xdfff_fc00_0000_0000),
    (3, 0xdfff_8000_0000_0000),
    (3, 0xdfff_a000_0000_0000),
    (3, 0xdfff_fd00_0000_0000),
    (3, 0xdfff_ffff_0000_0000),
    (3, 0xdfff_ffd0_0000_0000),
    (3, 0x001c_0000_0000_0000),
    (4, 0xefff_8000_0000_0000),
];

/// On 64 bits the upper bits repeat one bit: 47 on x86 with four levels of page tables, at most 56 elsewhere.
fn is_canonical(value: u64) -> bool {
    let upper = value >> 47;
    upper == 0 || upper == 0x1_ffff
}

/// Whether a value is that poison: a pointer above an address that is never mapped, or one byte over and over.
fn is_poison(value: u64, name: PoisonValue) -> bool {
    /// CONFIG_ILLEGAL_POINTER_VALUE of 64-bit architectures; 0 on others.
    const DELTA: u64 = 0xdead_0000_0000_0000;
    let pointer = |low: u64| value == DELTA + low || value == low;
    let fill = |byte: u64| {
        let whole = byte * 0x0101_0101_0101_0101;
        value == whole || value == whole >> 32 || value >> 8 == whole >> 8
    };
    match name {
        PoisonValue::ListPoison1 => pointer(0x100) || pointer(0x10_0100),
        PoisonValue::ListPoison2 => pointer(0x122) || pointer(0x200) || pointer(0x20_0200),
        PoisonValue::TimerEntryStatic => pointer(0x300) || pointer(0x7407_c1e5),
        PoisonValue::TailMapping => pointer(0x400),
        PoisonValue::PagePoolSignature => pointer(0x40),
        PoisonValue::MutexWwContext => pointer(0x500),
        PoisonValue::SkbListNext => pointer(0x800),
        PoisonValue::BpfPointer => pointer(0xeb9f),
        PoisonValue::SlabFree => fill(0x6b),
        PoisonValue::SlabInUse => fill(0x5a),
        PoisonValue::RedZoneInactive => fill(0xbb),
        PoisonValue::RedZoneActive => fill(0xcc),
        PoisonValue::Page => fill(0xaa),
        PoisonValue::JournalFree => fill(0x5b),
        PoisonValue::Journal2Free => fill(0x5c),
        PoisonValue::PoolFreed => fill(0xa7),
        PoisonValue::PoolAllocated => fill(0xa9),
    }
}
