//! The memory operands of the instruction at the instruction pointer, worked out from the registers of its dump.
//!
//! Invariant: an operand is given only when the dump shows every register of it.

use iced_x86::{Decoder, DecoderOptions, InstructionInfoFactory, Mnemonic, OpKind};
use yaxpeax_arch::Decoder as _;

use crate::code::aligned_start;
use crate::{Architecture, Code, RegisterDump};

/// A register of an operand with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its name as dumps print it.
    pub(crate) register: String,
    /// Its value.
    pub(crate) value: u64,
}

/// One memory operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operand {
    /// In the syntax of the disassembly: `0x34(%rdi)`, `[x0, #0x18]`.
    pub(crate) text: String,
    /// The register that the address counts from.
    pub(crate) base: Option<Piece>,
    /// The register that is added to it, scaled or not.
    pub(crate) index: Option<Piece>,
    /// Bytes added to both.
    pub(crate) displacement: i64,
    /// The address that results.
    pub(crate) address: u64,
    /// Bytes touched, at least 1.
    pub(crate) size: u64,
}

impl Operand {
    /// Whether an access of the operand touches that address.
    pub(crate) const fn touches(&self, address: u64) -> bool {
        address.wrapping_sub(self.address) < self.size
    }

    /// The registers in the order of the operand.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.base.iter().chain(&self.index)
    }
}

/// The memory operands of the marked instruction.
pub(crate) fn operands(code: &Code, dump: &RegisterDump) -> Vec<Operand> {
    let Some(mark) = code.mark else { return Vec::new() };
    match (dump.architecture, code.group) {
        (Architecture::X86_64, 1) => x86(&code.bytes[mark..], dump, 64),
        (Architecture::I386, 1) => x86(&code.bytes[mark..], dump, 32),
        (Architecture::Arm64, 4) => arm64(&code.bytes[mark..], dump),
        (Architecture::Arm, 4) => arm(&code.bytes[mark..], dump),
        _ => Vec::new(),
    }
}

fn x86(bytes: &[u8], dump: &RegisterDump, bits: u32) -> Vec<Operand> {
    let instruction = Decoder::new(bits, bytes, DecoderOptions::NONE).decode();
    // An address is computed, not touched, by these.
    if instruction.is_invalid() || matches!(instruction.mnemonic(), Mnemonic::Lea | Mnemonic::Nop) {
        return Vec::new();
    }
    let mut factory = InstructionInfoFactory::new();
    let uses = factory.info(&instruction).used_memory().to_vec();
    uses.iter().filter_map(|memory| x86_operand(memory, dump, bits)).collect()
}

fn x86_operand(memory: &iced_x86::UsedMemory, dump: &RegisterDump, bits: u32) -> Option<Operand> {
    use iced_x86::Register::{EIP, FS, GS, None as NoRegister, RIP};
    // Per-CPU and thread-local operands have a base that the dump does not always show.
    if matches!(memory.segment(), FS | GS) || matches!(memory.base(), RIP | EIP) {
        return None;
    }
    let piece = |register: iced_x86::Register| {
        if register == NoRegister {
            return Some(None);
        }
        let name = format!("{register:?}");
        let value = dump.get(&name)?;
        Some(Some(Piece { register: name, value }))
    };
    let (base, index) = (piece(memory.base())?, piece(memory.index())?);
    if base.is_none() && index.is_none() {
        return None;
    }
    let displacement = match bits {
        32 => i64::from(memory.displacement() as u32 as i32),
        _ => memory.displacement() as i64,
    };
    let scaled =
        index.as_ref().map_or(0, |piece| piece.value.wrapping_mul(u64::from(memory.scale())));
    let address = base
        .as_ref()
        .map_or(0, |piece| piece.value)
        .wrapping_add(scaled)
        .wrapping_add_signed(displacement);
    Some(Operand {
        text: att(displacement, base.as_ref(), index.as_ref(), memory.scale()),
        base,
        index,
        displacement,
        address: if bits == 32 { address & 0xffff_ffff } else { address },
        size: (memory.memory_size().size() as u64).max(1),
    })
}

/// AT&T syntax.
fn att(displacement: i64, base: Option<&Piece>, index: Option<&Piece>, scale: u32) -> String {
    let name = |piece: &Piece| format!("%{}", piece.register.to_ascii_lowercase());
    let offset = match displacement {
        0 => String::new(),
        n if n < 0 => format!("-{:#x}", n.unsigned_abs()),
        n => format!("{n:#x}"),
    };
    let base = base.map(name).unwrap_or_default();
    match index {
        Some(index) => format!("{offset}({base},{},{scale})", name(index)),
        None => format!("{offset}({base})"),
    }
}

fn arm64(bytes: &[u8], dump: &RegisterDump) -> Vec<Operand> {
    use yaxpeax_arm::armv8::a64::{InstDecoder, Operand as A, ShiftStyle, SizeCode};
    let Ok(instruction) = InstDecoder::default().decode(&mut yaxpeax_arch::U8Reader::new(bytes))
    else {
        return Vec::new();
    };
    let register = |number: u16| {
        let name = if number == 31 { "sp".to_owned() } else { format!("x{number}") };
        dump.get(&name).map(|value| Piece { register: name, value })
    };
    let mnemonic = instruction.opcode.to_string();
    if !["ld", "st", "cas", "swp"].iter().any(|known| mnemonic.starts_with(known)) {
        return Vec::new();
    }
    let wide = match instruction.operands[0] {
        A::Register(SizeCode::W, _) => 4,
        A::Register(SizeCode::X, _) => 8,
        _ => 16,
    };
    let size = match mnemonic.as_str() {
        m if m.starts_with("ldp") || m.starts_with("stp") => 2 * wide,
        m if m.ends_with('b') => 1,
        m if m.ends_with('h') => 2,
        m if m.ends_with("sw") => 4,
        _ => wide,
    };
    let made = |base: u16, index: Option<(Piece, u64)>, displacement: i64, text: String| {
        let base = register(base)?;
        let added = index.as_ref().map_or(0, |(_, value)| *value);
        let address = base.value.wrapping_add(added).wrapping_add_signed(displacement);
        let index = index.map(|(piece, _)| piece);
        Some(Operand { text, base: Some(base), index, displacement, address, size })
    };
    let found = instruction.operands.iter().find_map(|operand| match *operand {
        A::RegPreIndex(base, offset, _) => made(base, None, i64::from(offset), operand.to_string()),
        A::RegPostIndex(base, _) | A::RegPostIndexReg(base, _) => {
            made(base, None, 0, operand.to_string())
        }
        A::RegRegOffset(base, index, width, style, shift) => {
            let piece = register(index).filter(|_| index != 31)?;
            let value = match (style, width) {
                (ShiftStyle::SXTW, _) => i64::from(piece.value as u32 as i32) as u64,
                (ShiftStyle::UXTW, _) | (_, SizeCode::W) => piece.value & 0xffff_ffff,
                _ => piece.value,
            };
            let value = value.checked_shl(u32::from(shift))?;
            made(base, Some((piece, value)), 0, operand.to_string())
        }
        _ => None,
    });
    found.into_iter().collect()
}

fn arm(bytes: &[u8], dump: &RegisterDump) -> Vec<Operand> {
    use yaxpeax_arm::armv7::{InstDecoder, Operand as A, Reg};
    let Ok(instruction) = InstDecoder::armv7().decode(&mut yaxpeax_arch::U8Reader::new(bytes))
    else {
        return Vec::new();
    };
    let mnemonic = instruction.opcode.to_string();
    if !["ldr", "str"].iter().any(|known| mnemonic.starts_with(known)) {
        return Vec::new();
    }
    let size = match mnemonic.as_str() {
        m if m.ends_with('b') => 1,
        m if m.ends_with('h') => 2,
        m if m.ends_with('d') => 8,
        _ => 4,
    };
    let register = |register: Reg| {
        let name = match register.number() {
            11 if dump.get("fp").is_some() => "fp".to_owned(),
            12 if dump.get("ip").is_some() => "ip".to_owned(),
            13 => "sp".to_owned(),
            // The pointer itself runs ahead.
            15 => return None,
            number => format!("r{number}"),
        };
        dump.get(&name).map(|value| Piece { register: name, value })
    };
    let found = instruction.operands.iter().find_map(|operand| {
        let (base, index, displacement) = match *operand {
            A::RegDeref(base) => (register(base)?, None, 0),
            A::RegDerefPreindexOffset(base, offset, add, _) => {
                let offset = i64::from(offset);
                (register(base)?, None, if add { offset } else { -offset })
            }
            A::RegDerefPostindexOffset(base, ..) => (register(base)?, None, 0),
            A::RegDerefPreindexReg(base, index, true, _) => {
                (register(base)?, Some(register(index)?), 0)
            }
            _ => return None,
        };
        let added = index.as_ref().map_or(0, |piece: &Piece| piece.value);
        let address = base.value.wrapping_add(added).wrapping_add_signed(displacement);
        let address = address & 0xffff_ffff;
        let text = match (&index, displacement) {
            (Some(index), _) => format!("[{}, {}]", base.register, index.register),
            (None, 0) => format!("[{}]", base.register),
            (None, n) if n < 0 => format!("[{}, -{:#x}]", base.register, n.unsigned_abs()),
            (None, n) => format!("[{}, {n:#x}]", base.register),
        };
        Some(Operand { text, base: Some(base), index, displacement, address, size })
    });
    found.into_iter().collect()
}

/// How a check of KASAN that was compiled in came to the address it looks up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckedAddress {
    /// The register that holds the address that is meant.
    pub(crate) address: Piece,
    /// The register it was computed from and the displacement, where an instruction before the mark tells.
    pub(crate) from: Option<(Piece, i64)>,
}

/// Looks before the marked x86-64 instruction for the one that made an address of the granule `first..=last`:
/// `lea 0x18(%rbx),%rdi`, whose registers still agree, or the copy that `shr $3` turned into the shadow address.
pub(crate) fn checked_address(
    code: &Code,
    dump: &RegisterDump,
    (first, last): (u64, u64),
) -> Option<CheckedAddress> {
    let mark =
        code.mark.filter(|_| code.group == 1 && dump.architecture == Architecture::X86_64)?;
    let start = aligned_start(&code.bytes, mark, 64)?;
    let before: Vec<_> =
        Decoder::new(64, &code.bytes[start..mark], DecoderOptions::NONE).iter().collect();
    let piece = |register: iced_x86::Register| {
        let name = format!("{register:?}");
        dump.get(&name).map(|value| Piece { register: name, value })
    };
    let in_granule = |piece: &Piece| (first..=last).contains(&piece.value);
    let shifted = before.iter().rev().find(|instruction| {
        instruction.mnemonic() == Mnemonic::Shr
            && instruction.op1_kind() == OpKind::Immediate8
            && instruction.immediate8() == 3
    })?;
    let computed = before.iter().rev().find_map(|instruction| {
        let target = piece(instruction.op0_register()).filter(in_granule)?;
        let plain = instruction.mnemonic() == Mnemonic::Lea
            && instruction.memory_index() == iced_x86::Register::None;
        let base = piece(instruction.memory_base()).filter(|_| plain)?;
        let displacement = instruction.memory_displacement64() as i64;
        (base.register != target.register
            && base.value.wrapping_add_signed(displacement) == target.value)
            .then_some(CheckedAddress { address: target, from: Some((base, displacement)) })
    });
    computed.or_else(|| {
        before.iter().rev().find_map(|instruction| {
            let copies = instruction.mnemonic() == Mnemonic::Mov
                && instruction.op0_kind() == OpKind::Register
                && instruction.op1_kind() == OpKind::Register
                && instruction.op0_register() == shifted.op0_register();
            let address = piece(instruction.op1_register()).filter(in_granule)?;
            copies.then_some(CheckedAddress { address, from: None })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Code, RegisterDump) {
        let lines: Vec<_> = parse_console::lines(text.as_bytes()).collect();
        (crate::code_lines(&lines).remove(0), crate::register_dumps(&lines).remove(0))
    }

    #[test]
    fn x10_an_x86_operand_is_computed_from_base_index_and_displacement() {
        let (code, dump) = read(
            "RIP: 0010:do_it+0x4/0x20\nCode: 55 <48> 8b 43 18 c3\nRSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
             RAX: 0000000000000001 RBX: 0000000000000000 RCX: 0000000000000002\n",
        );
        let [operand] = &operands(&code, &dump)[..] else { panic!("one operand") };
        assert_eq!((operand.text.as_str(), operand.address, operand.size), ("0x18(%rbx)", 0x18, 8));
        assert!(operand.touches(0x1f) && !operand.touches(0x20));
        let (code, dump) = read(
            "RIP: 0010:do_it+0x4/0x20\nCode: 55 <8b> 44 c3 f8\nRSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
             RAX: 0000000000000003 RBX: 0000000000001000 RCX: 0000000000000002\n",
        );
        let operand = &operands(&code, &dump)[0];
        assert_eq!((operand.text.as_str(), operand.address), ("-0x8(%rbx,%rax,8)", 0x1010));
    }

    #[test]
    fn x10_an_operand_whose_register_is_not_shown_is_not_given() {
        let (code, dump) = read(
            "RIP: 0010:do_it+0x4/0x20\nCode: 55 <48> 8b 43 18 c3\nRSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
             RAX: 0000000000000001\n",
        );
        assert!(operands(&code, &dump).is_empty());
    }

    #[test]
    fn x10_operands_of_arm64_and_arm_are_computed() {
        let (code, dump) = read(
            "pstate: 60400009 (nZCv daif +PAN -UAO)\npc : do_it+0x1/0x2\nsp : ffff800010003b20\n\
             x1 : 0000000000000010 x0 : 0000000000000008 \nCode: d503201f (f9400c01)\n",
        );
        let operand = &operands(&code, &dump)[0];
        assert_eq!((operand.address, operand.size, operand.displacement), (0x20, 8, 0x18));
        let (code, dump) = read(
            "PC is at do_it+0x1/0x2\npc : [<c0101234>]    lr : [<c0101230>]    psr: 60000013\n\
             sp : c0b01f00  ip : 00000000  fp : c0b01f1c\nr3 : 00000010  r2 : 00000001  r1 : 00000000  r0 : 00000000\n\
             Code: e5933000 (e5932004)\n",
        );
        let operand = &operands(&code, &dump)[0];
        assert_eq!((operand.text.as_str(), operand.address), ("[r3, 0x4]", 0x14));
    }

    #[test]
    fn x10_the_address_behind_a_check_of_kasan_is_found_before_the_mark() {
        // lea 0x18(%rbx),%rdi; mov %rdi,%rdx; shr $3,%rdx; cmpb $0,(%rdx,%rax)
        let (code, dump) = read(
            "RIP: 0010:do_it+0x4/0x20\nCode: 48 8d 7b 18 48 89 fa 48 c1 ea 03 <80> 3c 02 00 0f 85\n\
             RSP: 0018:ffffc90000000000 EFLAGS: 00010246\n\
             RAX: dffffc0000000000 RBX: 0000000000000000 RCX: 0000000000000002\n\
             RDX: 0000000000000003 RSI: 0000000000000000 RDI: 0000000000000018\n",
        );
        let found = checked_address(&code, &dump, (0x18, 0x1f)).unwrap();
        assert_eq!(found.address.register, "RDI");
        assert_eq!(found.from.unwrap().1, 0x18);
        assert_eq!(checked_address(&code, &dump, (0x20, 0x27)), None);
    }
}
