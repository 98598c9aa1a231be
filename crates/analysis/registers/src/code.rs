//! `Code:` bytes, disassembled.
//!
//! x86 by iced-x86, arm64 and arm by yaxpeax-arm; neither stands in a public signature. Other
//! architectures print words that are found and marked but not decoded.
//!
//! Invariant: on x86 the instructions before the mark are shown only when some start decodes
//! without a flaw exactly up to the mark; they stay an inference, the marked one does not.

use iced_x86::{Decoder, DecoderOptions, Formatter, GasFormatter};
use model::LineSpan;
use parse_console::Line;
use yaxpeax_arch::Decoder as _;

use crate::Architecture;

/// The most bytes kept of one `Code:` line with its continuations.
const MOST_BYTES: usize = 256;
/// How many later lines may continue a `Code:` that a mailer has wrapped.
const MOST_CONTINUATIONS: usize = 4;

/// The bytes around an instruction pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The lines that hold them.
    pub lines: LineSpan,
    /// Bytes in the order of memory (words of arm64 are turned to little endian).
    pub bytes: Vec<u8>,
    /// Offset of the byte at the instruction pointer, where one is marked.
    pub mark: Option<usize>,
    /// Bytes of one printed group: 1 on x86, 2 on RISC-V and Thumb, 4 on arm.
    pub group: usize,
}

/// One decoded instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Bytes from the marked instruction, negative before it.
    pub offset: i64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// AT&T syntax on x86, as kernel tools print; a branch target is relative: `je .+0x10`.
    pub text: String,
    /// The instruction at the instruction pointer.
    pub marked: bool,
}

/// Finds all `Code:` lines, with the lines that a mailer has wrapped off them.
pub fn code_lines(lines: &[Line<'_>]) -> Vec<Code> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(rest) = line.text.trim_start().strip_prefix("Code:") else { continue };
        let mut code =
            Code { lines: LineSpan::line(line.number), bytes: Vec::new(), mark: None, group: 0 };
        if !code.take(rest) {
            continue;
        }
        for next in lines[at + 1..].iter().take(MOST_CONTINUATIONS) {
            // A full x86 line has 64 bytes: what follows is not its rest.
            if code.bytes.len() >= 64 || !code.take(&next.text) {
                break;
            }
            code.lines.last = next.number;
        }
        found.push(code);
    }
    found
}

impl Code {
    /// Adds the groups of one line; false, and nothing added, when it holds anything else.
    fn take(&mut self, text: &str) -> bool {
        let mut bytes = Vec::new();
        let mut mark = None;
        let mut group = self.group;
        for word in text.split_ascii_whitespace() {
            let bare = word.trim_matches(['<', '>', '(', ')']);
            let size = bare.len() / 2;
            if !bare.len().is_multiple_of(2)
                || !matches!(size, 1 | 2 | 4)
                || (group != 0 && group != size)
                || !bare.bytes().all(|b| b.is_ascii_hexdigit())
            {
                return false;
            }
            group = size;
            if bare.len() < word.len() && self.mark.is_none() && mark.is_none() {
                mark = Some(self.bytes.len() + bytes.len());
            }
            let Ok(value) = u32::from_str_radix(bare, 16) else { return false };
            bytes.extend_from_slice(&value.to_le_bytes()[..size]);
        }
        if bytes.is_empty() || self.bytes.len() + bytes.len() > MOST_BYTES {
            return false;
        }
        self.bytes.append(&mut bytes);
        self.mark = self.mark.or(mark);
        self.group = group;
        true
    }
}

/// Decodes the bytes; empty when the architecture has no decoder here or the bytes do not fit it.
pub fn disassemble(code: &Code, architecture: Architecture) -> Vec<Instruction> {
    let Some(mark) = code.mark else { return Vec::new() };
    match (architecture, code.group) {
        (Architecture::X86_64, 1) => x86(&code.bytes, mark, 64),
        (Architecture::I386, 1) => x86(&code.bytes, mark, 32),
        (Architecture::Arm64, 4) => arm64(&code.bytes, mark),
        (Architecture::Arm, 4) => arm(&code.bytes, mark),
        _ => Vec::new(),
    }
}

/// Decodes the bytes from the offset `from` on, which is known to begin an instruction. `None` unless that comes exactly
/// to the marked instruction.
pub fn disassemble_from(
    code: &Code,
    architecture: Architecture,
    from: usize,
) -> Option<Vec<Instruction>> {
    let mark = code.mark.filter(|mark| from <= *mark)?;
    let bits = bits(architecture).filter(|_| code.group == 1)?;
    let before = code.bytes.get(from..mark)?;
    if !reaches(before, before.len(), bits) {
        return None;
    }
    let mut shown = Vec::new();
    decode_x86(before, from as i64 - mark as i64, bits, &mut shown);
    decode_x86(&code.bytes[mark..], 0, bits, &mut shown);
    Some(shown)
}

/// Where the instructions of a function start, which begins with the first of `bytes`; `None` where instructions have one
/// length, or the bytes are none.
pub fn instruction_starts(bytes: &[u8], architecture: Architecture) -> Option<Vec<usize>> {
    let mut decoder = Decoder::new(bits(architecture)?, bytes, DecoderOptions::NONE);
    let mut starts = Vec::new();
    while decoder.can_decode() {
        starts.push(decoder.position());
        if decoder.decode().is_invalid() {
            return None;
        }
    }
    starts.push(bytes.len());
    Some(starts)
}

fn bits(architecture: Architecture) -> Option<u32> {
    match architecture {
        Architecture::X86_64 => Some(64),
        Architecture::I386 => Some(32),
        _ => None,
    }
}

/// Where decoding may begin so that it comes exactly to the mark, the earliest first.
pub(crate) fn aligned_start(bytes: &[u8], mark: usize, bits: u32) -> Option<usize> {
    (0..=mark).find(|&start| reaches(&bytes[start..], mark - start, bits))
}

fn x86(bytes: &[u8], mark: usize, bits: u32) -> Vec<Instruction> {
    let mut shown = Vec::new();
    if let Some(start) = aligned_start(bytes, mark, bits) {
        decode_x86(&bytes[start..mark], start as i64 - mark as i64, bits, &mut shown);
    }
    decode_x86(&bytes[mark..], 0, bits, &mut shown);
    shown
}

/// Whether decoding from the first byte comes to `target` without an invalid instruction.
fn reaches(bytes: &[u8], target: usize, bits: u32) -> bool {
    let mut decoder = Decoder::new(bits, &bytes[..target], DecoderOptions::NONE);
    while decoder.can_decode() {
        if decoder.decode().is_invalid() {
            return false;
        }
    }
    true
}

fn decode_x86(bytes: &[u8], first: i64, bits: u32, shown: &mut Vec<Instruction>) {
    let mut formatter = gas();
    let mut decoder = Decoder::with_ip(bits, bytes, 0, DecoderOptions::NONE);
    while decoder.can_decode() {
        let from = decoder.position();
        let instruction = decoder.decode();
        // The dump ends within an instruction.
        if instruction.is_invalid() {
            if from == 0 && first == 0 {
                shown.push(Instruction {
                    offset: 0,
                    bytes: bytes.iter().take(1).copied().collect(),
                    text: "(bad)".to_owned(),
                    marked: true,
                });
            }
            return;
        }
        let mut text = String::new();
        if instruction.near_branch_target() != 0 || is_near_branch(&instruction) {
            formatter.format_mnemonic(&instruction, &mut text);
            let distance = instruction.near_branch_target().wrapping_sub(instruction.ip());
            let distance = match bits {
                32 => i64::from(distance as u32 as i32),
                _ => distance as i64,
            };
            let sign = if distance < 0 { '-' } else { '+' };
            text.push_str(&format!(" .{sign}{:#x}", distance.unsigned_abs()));
        } else {
            formatter.format(&instruction, &mut text);
        }
        let offset = first + from as i64;
        shown.push(Instruction {
            offset,
            bytes: bytes[from..decoder.position()].to_vec(),
            text,
            marked: offset == 0,
        });
    }
}

fn is_near_branch(instruction: &iced_x86::Instruction) -> bool {
    use iced_x86::OpKind::{NearBranch16, NearBranch32, NearBranch64};
    matches!(instruction.op0_kind(), NearBranch16 | NearBranch32 | NearBranch64)
}

fn gas() -> GasFormatter {
    let mut formatter = GasFormatter::new();
    let options = formatter.options_mut();
    options.set_rip_relative_addresses(true);
    options.set_uppercase_hex(false);
    options.set_space_after_operand_separator(false);
    formatter
}

fn arm64(bytes: &[u8], mark: usize) -> Vec<Instruction> {
    let decoder = yaxpeax_arm::armv8::a64::InstDecoder::default();
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .enumerate()
        .map(|(at, word)| {
            let offset = 4 * at as i64 - mark as i64;
            let text = match decoder.decode(&mut yaxpeax_arch::U8Reader::new(word)) {
                Ok(instruction) => instruction.to_string(),
                Err(_) => format!(".inst {:#010x}", u32::from_le_bytes(*word)),
            };
            Instruction { offset, bytes: word.to_vec(), text, marked: offset == 0 }
        })
        .collect()
}

fn arm(bytes: &[u8], mark: usize) -> Vec<Instruction> {
    let decoder = yaxpeax_arm::armv7::InstDecoder::armv7();
    let words = bytes.as_chunks::<4>().0.iter().enumerate();
    words
        .map(|(at, word)| {
            let offset = 4 * at as i64 - mark as i64;
            let text = match decoder.decode(&mut yaxpeax_arch::U8Reader::new(word)) {
                Ok(instruction) => instruction.to_string(),
                Err(_) => format!(".inst {:#010x}", u32::from_le_bytes(*word)),
            };
            Instruction { offset, bytes: word.to_vec(), text, marked: offset == 0 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Code {
        let lines: Vec<_> = parse_console::lines(text.as_bytes()).collect();
        code_lines(&lines).into_iter().next().expect("a Code: line")
    }

    fn marked(text: &str, architecture: Architecture) -> String {
        disassemble(&code(text), architecture)
            .into_iter()
            .find(|i| i.marked)
            .map(|i| i.text)
            .unwrap_or_default()
    }

    #[test]
    fn x06_the_marked_instruction_is_decoded_on_each_architecture() {
        assert_eq!(marked("Code: 90 90 <0f> 0b 90", Architecture::X86_64), "ud2");
        assert_eq!(
            marked("Code: 55 48 89 e5 <48> 8b 43 18 c3", Architecture::X86_64),
            "mov 0x18(%rbx),%rax"
        );
        assert_eq!(
            marked("Code: 55 89 e5 <8b> 43 18 c3", Architecture::I386),
            "mov 0x18(%ebx),%eax"
        );
        assert_eq!(marked("Code: d503201f (f9400c01)", Architecture::Arm64), "ldr x1, [x0, #0x18]");
        assert_eq!(marked("Code: e5933000 (e5932004)", Architecture::Arm), "ldr r2, [r3, 0x4]");
        assert_eq!(marked("Code: 90 <74> 10 90", Architecture::X86_64), "je .+0x12");
        assert_eq!(marked("Code: 90 <eb> fe 90", Architecture::X86_64), "jmp .+0x0");
    }

    #[test]
    fn x06_instructions_before_the_mark_end_exactly_at_it() {
        // The first byte is the tail of an instruction that began before the dump.
        let shown = disassemble(
            &code("Code: 00 00 48 89 f7 0f 05 <48> 3d 01 f0 ff ff"),
            Architecture::X86_64,
        );
        let at = shown.iter().position(|i| i.marked).unwrap();
        assert_eq!(shown[at - 1].text, "syscall");
        assert_eq!(shown[at].text, "cmp $0xfffffffffffff001,%rax");
    }

    #[test]
    fn x06_a_wrapped_line_is_put_together_and_a_missing_one_is_none() {
        let joined = code("Code: 90 90\n90 <0f> 0b\nRSP: 0018:ffff000000000000 EFLAGS: 00000246\n");
        assert_eq!(
            (joined.bytes.len(), joined.mark, joined.lines),
            (5, Some(3), LineSpan::new(1, 2))
        );
        let lines: Vec<_> =
            parse_console::lines(b"Code: Bad RIP value.\nCode: Unable to access\n").collect();
        assert!(code_lines(&lines).is_empty());
    }
}
