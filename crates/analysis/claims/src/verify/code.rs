//! The bytes of a `Code:` line: which memory operand the marked instruction has.
//!
//! A reader of ModRM and SIB by itself (Intel's manual, volume 2, chapter 2): it knows no mnemonics, so it cannot make
//! the mistakes of a disassembler.

use super::log::Log;

/// The bytes of a dump, and where the instruction pointer was in them.
#[derive(Debug)]
pub(super) struct Bytes {
    /// The messages that hold them.
    pub(super) at: Vec<usize>,
    /// From the marked one on.
    pub(super) marked: Vec<u8>,
    /// They are printed in words of four bytes, marked by round brackets.
    pub(super) words: bool,
}

/// The most messages that one dump of code was cut into.
const MOST_PARTS: usize = 6;

/// All dumps of code whose mark stands in messages that may be cited.
pub(super) fn read(log: &Log) -> Vec<Bytes> {
    let mut found = Vec::new();
    for (first, message) in log.messages.iter().enumerate() {
        let text = super::kind::headline(&message.text);
        let Some(rest) = text.strip_prefix("Code: ").or_else(|| text.strip_prefix("Code:")) else {
            continue;
        };
        let mut bytes = Bytes { at: vec![first], marked: Vec::new(), words: rest.contains('(') };
        let mut open = take(rest, &mut bytes);
        for (at, next) in log.messages.iter().enumerate().skip(first + 1).take(MOST_PARTS) {
            let is_part = next.text.split_ascii_whitespace().all(|word| byte(word).is_some());
            if !open || next.gap || !is_part || next.text.trim().is_empty() {
                break;
            }
            bytes.at.push(at);
            open = take(&next.text, &mut bytes);
        }
        if (bytes.words || !bytes.marked.is_empty()) && log.may_cite(&bytes.at) {
            found.push(bytes);
        }
    }
    found
}

/// A byte with or without the mark.
fn byte(word: &str) -> Option<(u8, bool)> {
    let inner = word.strip_prefix('<').and_then(|word| word.strip_suffix('>'));
    let digits = inner.unwrap_or(word);
    (digits.len() == 2)
        .then(|| u8::from_str_radix(digits, 16).ok())
        .flatten()
        .map(|byte| (byte, inner.is_some()))
}

/// Takes the bytes of one part; false when something else ended them.
fn take(text: &str, bytes: &mut Bytes) -> bool {
    for word in text.split_ascii_whitespace() {
        let Some((byte, marked)) = byte(word) else { return false };
        if marked || !bytes.marked.is_empty() {
            bytes.marked.push(byte);
        }
    }
    true
}

/// An operand in memory; registers by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    /// The base.
    pub(super) base: Option<Base>,
    /// The index with its scale.
    pub(super) index: Option<(u8, u64)>,
    /// The displacement.
    pub(super) displacement: u64,
}

/// What an operand counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// A general register.
    Register(u8),
    /// The instruction pointer.
    Pointer,
}

/// What the operand bytes of an instruction are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// Memory.
    Memory(Memory),
    /// Registers only.
    Registers,
    /// No operand bytes: what is accessed, the opcode says.
    Implied,
}

/// The operand of the first instruction; `None` where the bytes end or are of an encoding that is not read here.
pub(super) fn operand(bytes: &[u8], is_64_bit: bool) -> Option<Operand> {
    const PREFIXES: [u8; 11] = [0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65];
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first().filter(|(b, _)| PREFIXES.contains(b)) {
        if *first == 0x67 {
            return None;
        }
        rest = behind;
    }
    let mut extension = 0;
    if is_64_bit
        && let Some((first, behind)) = rest.split_first().filter(|(b, _)| **b & 0xf0 == 0x40)
    {
        extension = *first;
        rest = behind;
    }
    let (opcode, mut rest) = rest.split_first()?;
    let has_operand = match *opcode {
        0x0f => {
            let (second, behind) = rest.split_first()?;
            rest = behind;
            match second {
                0x38 | 0x3a => {
                    rest = rest.split_first()?.1;
                    true
                }
                0x05..=0x09 | 0x0b | 0x30..=0x37 | 0x77 | 0x80..=0x8f => false,
                0xa0..=0xa2 | 0xa8..=0xaa | 0xc8..=0xcf => false,
                _ => true,
            }
        }
        // VEX and EVEX, or old instructions of 32 bits.
        0x62 | 0xc4 | 0xc5 => return None,
        0x00..=0x3f => *opcode & 7 < 4,
        0x63 | 0x69 | 0x6b | 0x80..=0x8f | 0xc0 | 0xc1 | 0xc6 | 0xc7 => true,
        0xd0..=0xd3 | 0xd8..=0xdf | 0xf6 | 0xf7 | 0xfe | 0xff => true,
        _ => false,
    };
    if !has_operand {
        return Some(Operand::Implied);
    }
    let (mode, mut rest) = rest.split_first()?;
    let (kind, low) = (mode >> 6, mode & 7);
    if kind == 3 {
        return Some(Operand::Registers);
    }
    let mut index = None;
    let mut base = Some(Base::Register(low | (extension & 1) << 3));
    let mut wide = kind == 2;
    if low == 4 {
        let (scaled, behind) = rest.split_first()?;
        rest = behind;
        let number = scaled >> 3 & 7 | (extension & 2) << 2;
        index = (number != 4).then_some((number, 1 << (scaled >> 6)));
        base = Some(Base::Register(scaled & 7 | (extension & 1) << 3));
        if scaled & 7 == 5 && kind == 0 {
            base = None;
            wide = true;
        }
    } else if low == 5 && kind == 0 {
        base = is_64_bit.then_some(Base::Pointer);
        wide = true;
    }
    let displacement = if wide {
        let four = rest.first_chunk::<4>()?;
        i64::from(i32::from_le_bytes(*four))
    } else if kind == 1 {
        i64::from(rest.first()?.cast_signed())
    } else {
        0
    };
    Some(Operand::Memory(Memory { base, index, displacement: displacement.cast_unsigned() }))
}

/// The memory operand in an instruction's text or in an operand alone: `mov 0x34(%rdi,%rcx,8),%rax`, `%gs:0x10(%rax)`.
/// `None` where none is written with brackets.
pub(super) fn written(text: &str) -> Option<Memory> {
    let open = text.find('(')?;
    let close = open + text[open..].find(')')?;
    let start = text[..open].rfind([' ', ',', ':', '*']).map_or(0, |at| at + 1);
    let displacement = match &text[start..open] {
        "" => 0,
        digits => super::computed::number(digits)?,
    };
    let mut parts =
        text[open + 1..close].split(',').map(|part| part.trim().trim_start_matches('%'));
    let base = match parts.next()? {
        "" => None,
        "rip" => Some(Base::Pointer),
        name => Some(Base::Register(register(name)?)),
    };
    let index = match parts.next() {
        None => None,
        Some(name) => {
            let scale = parts.next().map_or(Some(1), |scale| scale.parse().ok())?;
            Some((register(name)?, scale))
        }
    };
    Some(Memory { base, index, displacement })
}

/// The number of a register by its name, of either width.
fn register(name: &str) -> Option<u8> {
    const NAMES: [&str; 8] = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
    let inner = name.strip_prefix(['r', 'e'])?;
    if let Some(at) = NAMES.iter().position(|known| *known == inner) {
        return u8::try_from(at).ok();
    }
    inner.trim_end_matches('d').parse().ok().filter(|number| (8..16).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(base: u8, index: Option<(u8, u64)>, displacement: i64) -> Operand {
        let displacement = displacement.cast_unsigned();
        Operand::Memory(Memory { base: Some(Base::Register(base)), index, displacement })
    }

    #[test]
    fn operands_are_read_from_their_bytes() {
        for (bytes, expected) in [
            // mov 0x34(%rdi),%eax
            (&[0x8b, 0x47, 0x34][..], memory(7, None, 0x34)),
            // mov 0x98(%rax),%r14
            (&[0x4c, 0x8b, 0xb0, 0x98, 0, 0, 0], memory(0, None, 0x98)),
            // mov (%r14,%rax),%rbx
            (&[0x49, 0x8b, 0x1c, 0x06], memory(14, Some((0, 1)), 0)),
            // lock decl -8(%rbp)
            (&[0xf0, 0xff, 0x4d, 0xf8], memory(5, None, -8)),
            // test %ebx,%ebx
            (&[0x85, 0xdb], Operand::Registers),
            // rep movsq
            (&[0xf3, 0x48, 0xa5], Operand::Implied),
        ] {
            assert_eq!(operand(bytes, true), Some(expected), "{bytes:x?}");
        }
        assert_eq!(operand(&[0x8b], true), None);
    }

    #[test]
    fn a_written_operand_is_the_same_value() {
        let read = |text| written(text).map(Operand::Memory);
        assert_eq!(read("mov 0x34(%rdi),%eax"), Some(memory(7, None, 0x34)));
        assert_eq!(read("(%r14,%rax,1)"), Some(memory(14, Some((0, 1)), 0)));
        assert_eq!(read("decl -8(%rbp)"), Some(memory(5, None, -8)));
        assert_eq!(read("mov %gs:0x10(%rax),%r8"), Some(memory(0, None, 0x10)));
        assert_eq!(read("test %ebx,%ebx"), None);
    }
}
