//! What an address tells by its value alone: poison, NULL plus an offset, an error code used as a
//! pointer, non-canonical, KASAN shadow.
//!
//! Invariant: a value is named only when it lies within [`REACH`] of a known one, because code adds
//! the offset of a member before it dereferences.

use crate::Architecture;

/// How far from a known value an address may lie: members of structures lie within a page.
const REACH: u64 = 4096;

/// Which family a value belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MeaningKind {
    /// NULL or NULL plus a small offset.
    NearNull,
    /// Poison of a list, a timer or another pointer that was taken out of use.
    PointerPoison,
    /// A byte pattern written into freed, unused or guard memory.
    FillPoison,
    /// An error code in a pointer.
    ErrorPointer,
    /// Not an address of the architecture.
    NonCanonical,
    /// Shadow memory of KASAN.
    KasanShadow,
}

/// What a value means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The family.
    pub kind: MeaningKind,
    /// One phrase, such as `LIST_POISON1 + 0x8: …`.
    pub text: String,
    /// The rule of [`crate::RULES`].
    pub rule: &'static str,
}

/// Offsets within the region that `CONFIG_ILLEGAL_POINTER_VALUE` reserves (0xdead000000000000 on
/// 64 bits, 0 on 32). Source: include/linux/poison.h.
const POINTER_POISON: &[(u64, &str, &str)] = &[
    (0x040, "PP_SIGNATURE", "a page of the page pool, used as something else"),
    (0x100, "LIST_POISON1", "the next pointer of a list entry that was already deleted"),
    (0x122, "LIST_POISON2", "the prev pointer of a list entry that was already deleted"),
    (0x200, "LIST_POISON2 (old)", "the prev pointer of a list entry that was already deleted"),
    (0x300, "TIMER_ENTRY_STATIC", "a statically initialised timer"),
    (0x400, "TAIL_MAPPING", "page->mapping of a tail page"),
    (0x500, "MUTEX_POISON_WW_CTX", "the context of a ww_mutex after its end"),
    (0x800, "SKB_LIST_POISON_NEXT", "the next pointer of a buffer taken off its list"),
    (0x0010_0100, "LIST_POISON1 (before 4.3)", "the next pointer of a deleted list entry"),
    (0x0020_0200, "LIST_POISON2 (before 4.3)", "the prev pointer of a deleted list entry"),
];

/// Byte patterns that debugging code fills memory with. Source: include/linux/poison.h and the
/// callers of its constants.
const FILL_POISON: &[(u8, &str, &str)] = &[
    (0x6b, "POISON_FREE", "a slab object after it was freed: use after free"),
    (0x5a, "POISON_INUSE", "a slab object that was allocated and never initialised"),
    (0xbb, "SLUB_RED_INACTIVE", "the red zone of a free slab object"),
    (0xcc, "SLUB_RED_ACTIVE", "the red zone of a slab object in use, or freed init memory"),
    (0xaa, "PAGE_POISON", "a page after it was freed, or a stack variable never initialised"),
    (0x5b, "JBD_POISON_FREE", "a journal head after it was freed"),
    (0x5c, "JBD2_POISON_FREE", "a journal head after it was freed"),
    (0xa7, "POOL_POISON_FREED", "memory of a DMA or device pool after it was freed"),
    (0xa9, "POOL_POISON_ALLOCATED", "memory of a pool that was never initialised"),
];

/// Shadow regions: architecture, offset, bits of scale, who uses it. Source: Kconfig of each
/// architecture (`KASAN_SHADOW_OFFSET`).
const KASAN_SHADOW: &[(Architecture, u64, u32, &str)] = &[
    (Architecture::X86_64, 0xdfff_fc00_0000_0000, 3, "generic KASAN"),
    (Architecture::Arm64, 0xdfff_8000_0000_0000, 3, "generic KASAN, 48-bit addresses, 5.11 on"),
    (Architecture::Arm64, 0xdfff_a000_0000_0000, 3, "generic KASAN, 48-bit addresses, 5.4 to 5.10"),
    (Architecture::Arm64, 0xdfff_2000_0000_0000, 3, "generic KASAN, 48-bit addresses, to 5.3"),
    (Architecture::Arm64, 0xdfff_c000_0000_0000, 3, "generic KASAN, 47-bit addresses"),
    (Architecture::Arm64, 0xdfff_ffc0_0000_0000, 3, "generic KASAN, 39-bit addresses"),
    (Architecture::Arm64, 0xefff_8000_0000_0000, 4, "software-tag KASAN, 48-bit addresses"),
    (Architecture::Arm64, 0xefff_ffc0_0000_0000, 4, "software-tag KASAN, 39-bit addresses"),
    (Architecture::Riscv64, 0xdfff_ffff_0000_0000, 3, "generic KASAN"),
    (Architecture::S390, 0x001c_0000_0000_0000, 3, "generic KASAN"),
    (Architecture::Powerpc, 0xa80e_0000_0000_0000, 3, "generic KASAN, radix"),
];

/// The lowest address that a shadow address of these regions can belong to and still be one that
/// an access meant: one page table's worth of user space (2^47 and its neighbours).
const LARGEST_USER: u64 = 1 << 52;

/// Turns a KASAN shadow address back: the first and last byte that the shadow byte stands for.
///
/// Only shadow of NULL's neighbourhood and of user space is recognised by value, since shadow of
/// valid kernel addresses is mapped and does not fault.
pub fn kasan_shadow(architecture: Architecture, address: u64) -> Option<(u64, u64, &'static str)> {
    KASAN_SHADOW
        .iter()
        .filter(|(a, ..)| *a == architecture)
        .filter_map(|&(_, offset, scale, what)| {
            let distance = address.checked_sub(offset)?;
            let first = distance.checked_mul(1 << scale)?;
            (first < LARGEST_USER).then_some((first, first + (1 << scale) - 1, what))
        })
        .min_by_key(|(first, ..)| *first)
}

/// Names a value used as an address; `None` when nothing can be said.
pub fn name_address(architecture: Architecture, address: u64) -> Option<Meaning> {
    near_null(address)
        .or_else(|| pointer_poison(architecture, address))
        .or_else(|| fill_poison(architecture, address))
        .or_else(|| error_pointer(architecture, address))
        .or_else(|| shadow(architecture, address))
        .or_else(|| non_canonical(architecture, address))
}

fn near_null(address: u64) -> Option<Meaning> {
    (address < REACH).then(|| Meaning {
        kind: MeaningKind::NearNull,
        text: match address {
            0 => "NULL".to_owned(),
            offset => {
                format!("NULL + {offset:#x}: a member at offset {offset:#x} through a NULL pointer")
            }
        },
        rule: "X03",
    })
}

fn pointer_poison(architecture: Architecture, address: u64) -> Option<Meaning> {
    // On 32 bits the region begins at 0 and cannot be told from a NULL pointer plus an offset;
    // only the two old list values are unmistakable there.
    let base = match architecture {
        Architecture::I386 | Architecture::Arm => 0,
        _ => 0xdead_0000_0000_0000,
    };
    let offset = address.checked_sub(base)?;
    let reach = if offset >= 0x10_0000 { REACH } else { 0x100 };
    let (value, name, meaning) = POINTER_POISON
        .iter()
        .filter(|(value, ..)| *value <= offset && offset - value < reach)
        .max_by_key(|(value, ..)| *value)?;
    Some(Meaning {
        kind: MeaningKind::PointerPoison,
        text: format!("{name}{}: {meaning}", plus(offset - value)),
        rule: "X02",
    })
}

fn fill_poison(architecture: Architecture, address: u64) -> Option<Meaning> {
    FILL_POISON.iter().find_map(|&(byte, name, meaning)| {
        let pattern = match architecture.is_32_bit() {
            true => u64::from(u32::from_ne_bytes([byte; 4])),
            false => u64::from_ne_bytes([byte; 8]),
        };
        let ahead = address.wrapping_sub(pattern);
        let behind = pattern.wrapping_sub(address);
        let distance = if ahead < REACH {
            plus(ahead)
        } else if behind < REACH {
            format!(" - {behind:#x}")
        } else {
            return None;
        };
        Some(Meaning {
            kind: MeaningKind::FillPoison,
            text: format!("{name} (0x{byte:02x}…){distance}: the content of {meaning}"),
            rule: "X02",
        })
    })
}

fn error_pointer(architecture: Architecture, address: u64) -> Option<Meaning> {
    let negative = match architecture.is_32_bit() {
        true => (0x1_0000_0000u64).checked_sub(address)?,
        false => 0u64.wrapping_sub(address),
    };
    if negative == 0 || negative > 4095 {
        return None;
    }
    let code = match errno(negative) {
        Some(name) => format!("-{name}"),
        None => format!("-{negative}"),
    };
    Some(Meaning {
        kind: MeaningKind::ErrorPointer,
        text: format!(
            "{code} as a pointer (an unchecked ERR_PTR), or {negative:#x} bytes before NULL"
        ),
        rule: "X02",
    })
}

fn shadow(architecture: Architecture, address: u64) -> Option<Meaning> {
    let (first, last, what) = kasan_shadow(architecture, address)?;
    let meant = match first < REACH {
        true => format!("NULL + {first:#x}"),
        false => "an address of user space or garbage".to_owned(),
    };
    Some(Meaning {
        kind: MeaningKind::KasanShadow,
        text: format!(
            "shadow of [{first:#018x}-{last:#018x}] ({what}): the code was about to touch {meant}"
        ),
        rule: "X05",
    })
}

fn non_canonical(architecture: Architecture, address: u64) -> Option<Meaning> {
    if architecture != Architecture::X86_64 {
        return None;
    }
    let sign_extends = |bits: u32| {
        let top = (address as i64) >> (bits - 1);
        top == 0 || top == -1
    };
    if sign_extends(48) {
        return None;
    }
    let text = match sign_extends(57) {
        true => "not canonical with 48-bit addresses (valid only with 5-level page tables)",
        false => "not canonical: no such address exists, the pointer is overwritten or garbage",
    };
    Some(Meaning { kind: MeaningKind::NonCanonical, text: text.to_owned(), rule: "X04" })
}

fn plus(offset: u64) -> String {
    match offset {
        0 => String::new(),
        offset => format!(" + {offset:#x}"),
    }
}

/// Names of error numbers that pointers commonly carry. Source: errno-base.h and errno.h of the
/// generic ABI, which all architectures here share below 35 and (but for MIPS) above.
pub(crate) fn errno(number: u64) -> Option<&'static str> {
    Some(match number {
        1 => "EPERM",
        2 => "ENOENT",
        3 => "ESRCH",
        4 => "EINTR",
        5 => "EIO",
        6 => "ENXIO",
        9 => "EBADF",
        11 => "EAGAIN",
        12 => "ENOMEM",
        13 => "EACCES",
        14 => "EFAULT",
        16 => "EBUSY",
        17 => "EEXIST",
        19 => "ENODEV",
        20 => "ENOTDIR",
        21 => "EISDIR",
        22 => "EINVAL",
        23 => "ENFILE",
        24 => "EMFILE",
        27 => "EFBIG",
        28 => "ENOSPC",
        30 => "EROFS",
        32 => "EPIPE",
        34 => "ERANGE",
        38 => "ENOSYS",
        95 => "EOPNOTSUPP",
        110 => "ETIMEDOUT",
        116 => "ESTALE",
        117 => "EUCLEAN",
        512 => "ERESTARTSYS",
        517 => "EPROBE_DEFER",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(architecture: Architecture, address: u64) -> String {
        name_address(architecture, address).map(|m| m.text).unwrap_or_default()
    }

    #[test]
    fn list_poison_is_named_with_the_offset_of_the_member() {
        let x86 = Architecture::X86_64;
        assert!(text(x86, 0xdead_0000_0000_0108).starts_with("LIST_POISON1 + 0x8:"));
        assert!(text(x86, 0xdead_0000_0000_0122).starts_with("LIST_POISON2:"));
        assert!(text(Architecture::Arm64, 0xdead_0000_0000_0100).starts_with("LIST_POISON1:"));
        assert!(text(Architecture::I386, 0x0010_0100).starts_with("LIST_POISON1 (before 4.3)"));
    }

    #[test]
    fn freed_slab_memory_is_named_even_after_an_offset_was_added() {
        let x86 = Architecture::X86_64;
        assert!(text(x86, 0x6b6b_6b6b_6b6b_6b6b).starts_with("POISON_FREE (0x6b…):"));
        assert!(text(x86, 0x6b6b_6b6b_6b6b_6b7b).starts_with("POISON_FREE (0x6b…) + 0x10:"));
        assert!(text(Architecture::Arm, 0x5a5a_5a5a).starts_with("POISON_INUSE"));
    }

    #[test]
    fn small_addresses_are_null_plus_an_offset_and_negative_ones_error_codes() {
        let x86 = Architecture::X86_64;
        assert!(text(x86, 0x18).starts_with("NULL + 0x18"));
        assert!(text(x86, 0xffff_ffff_ffff_fff4).starts_with("-ENOMEM as a pointer"));
        assert!(text(Architecture::I386, 0xffff_ffea).starts_with("-EINVAL"));
        assert_eq!(text(x86, 0x2000), "");
    }

    #[test]
    fn the_shadow_address_of_a_null_dereference_is_turned_back() {
        assert_eq!(
            kasan_shadow(Architecture::X86_64, 0xdfff_fc00_0000_0003).map(|(a, b, _)| (a, b)),
            Some((0x18, 0x1f))
        );
        assert_eq!(
            kasan_shadow(Architecture::Arm64, 0xefff_8000_0000_0002).map(|(a, b, _)| (a, b)),
            Some((0x20, 0x2f))
        );
        assert_eq!(
            kasan_shadow(Architecture::Arm64, 0xdfff_a000_0000_0001).map(|(a, b, _)| (a, b)),
            Some((0x8, 0xf))
        );
        assert_eq!(kasan_shadow(Architecture::X86_64, 0xffff_8880_0000_0000), None);
    }

    #[test]
    fn valid_addresses_mean_nothing_and_garbage_is_non_canonical() {
        let x86 = Architecture::X86_64;
        assert_eq!(name_address(x86, 0xffff_8880_a06e_0c00), None);
        assert_eq!(name_address(x86, 0x7fff_ffff_e000), None);
        assert!(text(x86, 0x1234_5678_9abc_def0).contains("not canonical"));
        assert!(text(x86, 0xff11_001f_ff73_3640).contains("5-level"));
    }
}
