//! What an address tells by its value alone: NULL, poison, an error number used as a pointer, non-canonical,
//! shadow of KASAN, text, a flipped bit.
//!
//! Invariant: a value is named only when it lies so near to a known one that the offset of a member explains the
//! distance. This is the one table of poisons and address meanings.

use model::{AddressMeaning, Grade, PoisonValue, RuleId, errno_name};

use crate::Architecture;

/// Bytes of the page that is never mapped at NULL.
pub(crate) const FIRST_PAGE: u64 = 4096;
/// How far from a fill pattern an address may lie: members of structures lie within a page.
const REACH: u64 = 4096;

/// A meaning with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What the value tells of.
    pub meaning: AddressMeaning,
    /// The rule that says it.
    pub rule: RuleId,
    /// How sure the value alone makes it.
    pub grade: Grade,
}

/// One poison pointer: its distance from `CONFIG_ILLEGAL_POINTER_VALUE`, and how far an access through it may lie
/// behind the value. Source: include/linux/poison.h; LIST_POISON2 was 0x200 from 4.3 to 4.16.
const POINTER_POISON: &[(u64, u64, PoisonValue)] = &[
    (0x040, 1, PoisonValue::PagePoolSignature),
    (0x100, 0x22, PoisonValue::ListPoison1),
    (0x122, 0x22, PoisonValue::ListPoison2),
    (0x200, 0x20, PoisonValue::ListPoison2),
    (0x300, 0x10, PoisonValue::TimerEntryStatic),
    (0x400, 1, PoisonValue::TailMapping),
    (0x500, 0x40, PoisonValue::MutexWwContext),
    (0x800, 0x20, PoisonValue::SkbListNext),
    (0xeb9f, 0x40, PoisonValue::BpfPointer),
    (0x0010_0100, 0x20, PoisonValue::ListPoison1),
    (0x0020_0200, 0x20, PoisonValue::ListPoison2),
];

/// `container_of` of a list head goes that far before the poison value of its pointers.
const BEFORE_LIST_POISON: u64 = 0xc0;

/// Byte patterns that debugging code fills memory with. Source: include/linux/poison.h and the callers of its
/// constants.
const FILL_POISON: &[(u8, PoisonValue)] = &[
    (0x6b, PoisonValue::SlabFree),
    (0x5a, PoisonValue::SlabInUse),
    (0xbb, PoisonValue::RedZoneInactive),
    (0xcc, PoisonValue::RedZoneActive),
    (0xaa, PoisonValue::Page),
    (0x5b, PoisonValue::JournalFree),
    (0x5c, PoisonValue::Journal2Free),
    (0xa7, PoisonValue::PoolFreed),
    (0xa9, PoisonValue::PoolAllocated),
];

/// Shadow regions: architecture, offset, bits of scale. Source: Kconfig of each architecture
/// (`KASAN_SHADOW_OFFSET`); on arm64 by release and width of addresses, the last two for software tags.
const KASAN_SHADOW: &[(Architecture, u64, u32)] = &[
    (Architecture::X86_64, 0xdfff_fc00_0000_0000, 3),
    (Architecture::Arm64, 0xdfff_8000_0000_0000, 3),
    (Architecture::Arm64, 0xdfff_a000_0000_0000, 3),
    (Architecture::Arm64, 0xdfff_2000_0000_0000, 3),
    (Architecture::Arm64, 0xdfff_c000_0000_0000, 3),
    (Architecture::Arm64, 0xdfff_ffc0_0000_0000, 3),
    (Architecture::Arm64, 0xefff_8000_0000_0000, 4),
    (Architecture::Arm64, 0xefff_ffc0_0000_0000, 4),
    (Architecture::Riscv64, 0xdfff_ffff_0000_0000, 3),
    (Architecture::S390, 0x001c_0000_0000_0000, 3),
    (Architecture::Powerpc, 0xa80e_0000_0000_0000, 3),
];

/// Above this no address is one of user space, on any architecture here.
const LARGEST_USER: u64 = 1 << 52;

/// Turns a KASAN shadow address back: the first and last byte that the shadow byte stands for.
///
/// Only shadow of NULL's neighbourhood and of user space is recognised by value, since shadow of
/// valid kernel addresses is mapped and does not fault.
pub fn kasan_shadow(architecture: Architecture, address: u64) -> Option<(u64, u64)> {
    KASAN_SHADOW
        .iter()
        .filter(|(a, ..)| *a == architecture)
        .filter_map(|&(_, offset, scale)| {
            let distance = address.checked_sub(offset)?;
            let first = distance.checked_mul(1 << scale)?;
            (first < LARGEST_USER).then_some((first, first + (1 << scale) - 1))
        })
        .min_by_key(|(first, _)| *first)
}

/// Names a value used as an address; `None` when nothing can be said.
pub fn name_address(architecture: Architecture, address: u64) -> Option<Named> {
    near_null(address)
        .or_else(|| poison(architecture, address))
        .or_else(|| error_pointer(architecture, address))
        .or_else(|| shadow(architecture, address))
        .or_else(|| non_canonical(architecture, address, MOST_BITS))
}

/// A value in the first page.
pub(crate) fn near_null(address: u64) -> Option<Named> {
    (address < FIRST_PAGE).then_some(Named {
        meaning: AddressMeaning::NearNull,
        rule: RuleId::X03,
        grade: Grade::Derived,
    })
}

/// A poison value, or a member of a structure behind it.
pub fn poison(architecture: Architecture, address: u64) -> Option<Named> {
    let (name, offset) =
        pointer_poison(architecture, address).or_else(|| fill_poison(architecture, address))?;
    Some(Named {
        meaning: AddressMeaning::Poison { name, offset },
        rule: RuleId::X02,
        grade: Grade::Inferred,
    })
}

fn pointer_poison(architecture: Architecture, address: u64) -> Option<(PoisonValue, i64)> {
    let base = architecture.illegal_pointer();
    let distance = address.checked_sub(base)?;
    // Without such a base the small values cannot be told from NULL plus an offset.
    let known = |value: u64| base != 0 || value >= 0x10_0000;
    let behind = POINTER_POISON
        .iter()
        .find(|(value, reach, _)| known(*value) && *value <= distance && distance - value < *reach);
    if let Some((value, _, name)) = behind {
        return Some((*name, (distance - value) as i64));
    }
    let before =
        0x100u64.checked_sub(distance).filter(|far| base != 0 && *far <= BEFORE_LIST_POISON)?;
    Some((PoisonValue::ListPoison1, -(before as i64)))
}

fn fill_poison(architecture: Architecture, address: u64) -> Option<(PoisonValue, i64)> {
    FILL_POISON.iter().find_map(|&(byte, name)| {
        let pattern = match architecture.is_32_bit() {
            true => u64::from(u32::from_ne_bytes([byte; 4])),
            false => u64::from_ne_bytes([byte; 8]),
        };
        let ahead = address.wrapping_sub(pattern);
        let behind = pattern.wrapping_sub(address);
        match (ahead < REACH, behind < REACH) {
            (true, _) => Some((name, ahead as i64)),
            (_, true) => Some((name, -(behind as i64))),
            _ => None,
        }
    })
}

/// A negative error number; what lies in its range may as well be NULL less an offset.
fn error_pointer(architecture: Architecture, address: u64) -> Option<Named> {
    let negative = match architecture.is_32_bit() {
        true => (0x1_0000_0000u64).checked_sub(address)?,
        false => 0u64.wrapping_sub(address),
    };
    errno_name(u32::try_from(negative).ok()?)?;
    Some(Named {
        meaning: AddressMeaning::ErrorPointer { errno: negative as u32 },
        rule: RuleId::X02,
        grade: Grade::Guess,
    })
}

fn shadow(architecture: Architecture, address: u64) -> Option<Named> {
    let (of, _) = kasan_shadow(architecture, address)?;
    Some(Named {
        meaning: AddressMeaning::KasanShadow { of },
        rule: RuleId::X05,
        grade: Grade::Inferred,
    })
}

/// Whether an x86-64 address sign-extends from that many bits.
const fn sign_extends(address: u64, bits: u32) -> bool {
    let top = (address as i64) >> (bits - 1);
    top == 0 || top == -1
}

/// Bits of an address with 5-level page tables: what is not canonical with them is not with 4 levels either.
pub(crate) const MOST_BITS: u32 = 57;

/// An address that does not sign-extend from that many bits.
pub(crate) fn non_canonical(architecture: Architecture, address: u64, bits: u32) -> Option<Named> {
    let bad = architecture == Architecture::X86_64 && !sign_extends(address, bits);
    bad.then_some(Named {
        meaning: AddressMeaning::NonCanonical,
        rule: RuleId::X04,
        grade: Grade::Derived,
    })
}

/// Bits of an address on the machine whose kernel has that stack pointer: direct map and vmalloc area of 4 levels
/// lie where 5 levels have nothing. Source: Documentation/arch/x86/x86_64/mm.rst.
pub(crate) const fn address_bits(stack_pointer: u64) -> u32 {
    match stack_pointer >> 40 {
        0xff_ff80..0xff_ffea => 48,
        _ => MOST_BITS,
    }
}

/// The one bit of an x86-64 address that makes it non-canonical: turned over, the address is one of the kernel's
/// half or of user space, or NULL. A guess by nature: other writes do that too.
pub(crate) fn flipped_bit(architecture: Architecture, address: u64) -> Option<u32> {
    non_canonical(architecture, address, 48)?;
    let alone = |bits: u64| (bits.count_ones() == 1).then(|| bits.trailing_zeros());
    // Bits 47 to 63 are all set in the kernel's half and all clear in the user's.
    let top = address >> 47;
    alone(top).or_else(|| alone(!top & 0x1_ffff)).map(|bit| bit + 47)
}

/// Text of eight printable bytes in a 64-bit value, as it lies in memory.
pub(crate) fn text(architecture: Architecture, value: u64) -> Option<String> {
    let bytes = match architecture.is_big_endian() {
        true => value.to_be_bytes(),
        false => value.to_le_bytes(),
    };
    let printable = bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    let repeated = bytes.iter().all(|byte| *byte == bytes[0]);
    let worded = bytes.iter().filter(|byte| byte.is_ascii_alphanumeric()).count() >= 5;
    (architecture.orders_bytes() && printable && !repeated && worded)
        .then(|| bytes.iter().map(|byte| char::from(*byte)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(architecture: Architecture, address: u64) -> Option<AddressMeaning> {
        name_address(architecture, address).map(|named| named.meaning)
    }

    fn poisoned(name: PoisonValue, offset: i64) -> Option<AddressMeaning> {
        Some(AddressMeaning::Poison { name, offset })
    }

    #[test]
    fn x02_list_poison_is_named_with_the_offset_of_the_member() {
        let x86 = Architecture::X86_64;
        assert_eq!(meaning(x86, 0xdead_0000_0000_0108), poisoned(PoisonValue::ListPoison1, 8));
        assert_eq!(meaning(x86, 0xdead_0000_0000_0122), poisoned(PoisonValue::ListPoison2, 0));
        assert_eq!(meaning(x86, 0xdead_0000_0000_0200), poisoned(PoisonValue::ListPoison2, 0));
        // The structure around a list head begins before the head.
        assert_eq!(meaning(x86, 0xdead_0000_0000_00b0), poisoned(PoisonValue::ListPoison1, -0x50));
        assert_eq!(meaning(Architecture::I386, 0x0010_0100), poisoned(PoisonValue::ListPoison1, 0));
        assert_eq!(
            meaning(Architecture::Powerpc, 0x5dea_dbee_f000_0100),
            poisoned(PoisonValue::ListPoison1, 0)
        );
        // Without a base of their own they look like offsets of members.
        assert_eq!(meaning(Architecture::Arm, 0x122), Some(AddressMeaning::NearNull));
    }

    #[test]
    fn x02_freed_slab_memory_is_named_even_after_an_offset_was_added() {
        let x86 = Architecture::X86_64;
        assert_eq!(meaning(x86, 0x6b6b_6b6b_6b6b_6b6b), poisoned(PoisonValue::SlabFree, 0));
        assert_eq!(meaning(x86, 0x6b6b_6b6b_6b6b_6b7b), poisoned(PoisonValue::SlabFree, 0x10));
        assert_eq!(meaning(Architecture::Arm, 0x5a5a_5a5a), poisoned(PoisonValue::SlabInUse, 0));
    }

    #[test]
    fn x03_an_address_of_the_first_page_is_near_null_and_no_offset_is_claimed() {
        let x86 = Architecture::X86_64;
        assert_eq!(meaning(x86, 0x18), Some(AddressMeaning::NearNull));
        assert_eq!(meaning(x86, 0x2000), None);
    }

    #[test]
    fn x02_a_negative_error_number_as_a_whole_address_is_a_guess() {
        let named = name_address(Architecture::X86_64, 0xffff_ffff_ffff_fff4).unwrap();
        assert_eq!(named.meaning, AddressMeaning::ErrorPointer { errno: 12 });
        assert_eq!(named.grade, Grade::Guess);
        assert_eq!(
            meaning(Architecture::I386, 0xffff_ffea),
            Some(AddressMeaning::ErrorPointer { errno: 22 })
        );
        // No error has that number.
        assert_eq!(meaning(Architecture::X86_64, 0xffff_ffff_ffff_f100), None);
    }

    #[test]
    fn x05_the_shadow_address_of_a_null_dereference_is_turned_back() {
        assert_eq!(kasan_shadow(Architecture::X86_64, 0xdfff_fc00_0000_0003), Some((0x18, 0x1f)));
        assert_eq!(kasan_shadow(Architecture::Arm64, 0xefff_8000_0000_0002), Some((0x20, 0x2f)));
        assert_eq!(kasan_shadow(Architecture::Arm64, 0xdfff_a000_0000_0001), Some((0x8, 0xf)));
        assert_eq!(kasan_shadow(Architecture::X86_64, 0xffff_8880_0000_0000), None);
    }

    #[test]
    fn x04_valid_addresses_mean_nothing_and_garbage_is_non_canonical() {
        let x86 = Architecture::X86_64;
        assert_eq!(meaning(x86, 0xffff_8880_a06e_0c00), None);
        assert_eq!(meaning(x86, 0x7fff_ffff_e000), None);
        assert_eq!(meaning(x86, 0x1234_5678_9abc_def0), Some(AddressMeaning::NonCanonical));
        // Canonical with 5-level page tables.
        assert_eq!(meaning(x86, 0xff11_001f_ff73_3640), None);
        assert_eq!(address_bits(0xffff_c900_0021_bbc8), 48);
        assert_eq!(address_bits(0xffa0_0000_0021_bbc8), 57);
    }

    #[test]
    fn x04_one_bit_beside_a_canonical_address_is_found_and_two_are_not() {
        let x86 = Architecture::X86_64;
        assert_eq!(flipped_bit(x86, 0xbfff_8881_0a2b_3c40), Some(62));
        assert_eq!(flipped_bit(x86, 0x0400_0000_0000_0000), Some(58));
        assert_eq!(flipped_bit(x86, 0x9fff_8881_0a2b_3c40), None);
        assert_eq!(flipped_bit(x86, 0xffff_8881_0a2b_3c40), None);
    }

    #[test]
    fn x04_eight_printable_bytes_are_text() {
        let x86 = Architecture::X86_64;
        let value = u64::from_le_bytes(*b"eth0 up\n");
        assert_eq!(text(x86, value), None);
        let value = u64::from_le_bytes(*b"/var/log");
        assert_eq!(text(x86, value).as_deref(), Some("/var/log"));
        assert_eq!(text(x86, 0x6b6b_6b6b_6b6b_6b6b), None);
    }
}
