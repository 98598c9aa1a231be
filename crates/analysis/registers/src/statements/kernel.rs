//! Faults of the kernel: which operand was bad, which register held the bad pointer, and what its value means.

use model::{AddressMeaning, Grade, LineSpan, Predicate, RuleId, Statements};

use super::{Log, printed};
use crate::address::{self, FIRST_PAGE, MOST_BITS, Named, address_bits, near_null};
use crate::operand::{Operand, Piece, checked_address, operands};
use crate::{Architecture, Code, Fault, FaultKind, RegisterDump, disassemble, name_address};

/// The most lines between a protection fault and the range that KASAN prints for it.
const RANGE_BEHIND: u64 = 4;

pub(super) fn fault(log: &Log<'_>, fault: &Fault, said: &mut Statements) {
    if fault.kind == FaultKind::KasanRange {
        return;
    }
    let dump = log.dump_of(fault.line).filter(|dump| agrees(fault, dump));
    if fault.narrow && log.is_cut(fault.line) {
        return;
    }
    let Some(architecture) = dump.map(|dump| dump.architecture).or(fault.architecture) else {
        // Whatever the architecture, its first page is not mapped.
        if let Some(named) = fault.address.and_then(|at| near_null(at).or_else(|| list_poison(at)))
        {
            say_address(fault.address.unwrap_or_default(), named, fault.line, said);
        }
        return;
    };
    let by_stack = dump.and_then(|dump| dump.get("RSP")).map_or(MOST_BITS, address_bits);
    let bits = if fault.non_canonical { 48 } else { by_stack };
    let place = Place { log, fault, architecture, bits };
    let shown = dump.is_some_and(|dump| {
        place.jumped(dump, said)
            || !is_fetch(log, std::slice::from_ref(fault), dump)
                && log.code_of(dump).is_some_and(|code| place.operand(dump, code, said))
    });
    if !shown && let Some(address) = fault.address {
        let range = place.kasan_range(address);
        let member = dump.is_some_and(|dump| is_member(dump, address));
        let named = place.by_value(address).filter(|named| {
            !(member && matches!(named.meaning, AddressMeaning::ErrorPointer { .. }))
        });
        match (range, named) {
            (Some((of, line)), _) => place.say_shadow(address, of, line, said),
            (None, Some(named)) => say_address(address, named, fault.line, said),
            (None, None) => {}
        }
        place.flipped(address, None, said);
    }
}

/// CONFIG_ILLEGAL_POINTER_VALUE is the same on the 64-bit architectures that have one but powerpc.
fn list_poison(address: u64) -> Option<Named> {
    let illegal = address >> 32 == 0xdead_0000;
    address::poison(Architecture::Arm64, address).filter(|_| illegal)
}

/// Whether a dump can be that of the fault: on x86 the address of the last page fault is saved beside it.
fn agrees(fault: &Fault, dump: &RegisterDump) -> bool {
    let same_width =
        fault.architecture.is_none_or(|one| one.is_32_bit() == dump.architecture.is_32_bit());
    let same_width = same_width && !(fault.narrow && dump.architecture.is_64_bit());
    // Reading the code at a bad instruction pointer faults once more.
    let jumped = ["RIP", "EIP"]
        .iter()
        .any(|pointer| fault.address.is_some() && dump.get(pointer) == fault.address);
    let same_address = match (fault.kind, fault.address, dump.get("CR2")) {
        (FaultKind::Page, Some(address), Some(saved)) => address == saved || jumped,
        _ => true,
    };
    same_width && same_address
}

/// Whether another register holds the address less a small offset: then it is a member of what that points to.
fn is_member(dump: &RegisterDump, address: u64) -> bool {
    dump.registers.iter().any(|(_, value)| (1..FIRST_PAGE).contains(&address.wrapping_sub(*value)))
}

/// Whether the fault of these registers is the fetch of an instruction: no instruction was read, and what `Code:`
/// shows was not executed. x86 says so by bit 4 of the error code, or by an address equal to the pointer.
pub(super) fn is_fetch(log: &Log<'_>, faults: &[Fault], dump: &RegisterDump) -> bool {
    let pointer = dump.get("RIP").or_else(|| dump.get("EIP"));
    faults.iter().filter(|fault| fault.kind == FaultKind::Page).any(|fault| {
        let same = pointer.is_some() && fault.address == pointer;
        let between = fault.line..dump.lines.first;
        same || (log.dump_of(fault.line).is_some_and(|own| own == dump)
            && log.lines.iter().filter(|line| between.contains(&line.number)).any(|line| {
                let code = line.text.split_once("#PF: error_code(0x").map(|(_, rest)| rest);
                let digits = code.and_then(|rest| rest.split(')').next());
                digits
                    .and_then(|digits| u64::from_str_radix(digits, 16).ok())
                    .is_some_and(|code| code & 1 << 4 != 0)
            }))
    })
}

fn say_address(address: u64, named: Named, line: u64, said: &mut Statements) {
    let meaning = named.meaning;
    said.say_spans(
        named.grade,
        named.rule,
        [LineSpan::line(line)],
        Predicate::AddressMeaning { address, register: None, meaning },
    );
}

/// One fault on an architecture.
struct Place<'a> {
    log: &'a Log<'a>,
    fault: &'a Fault,
    architecture: Architecture,
    /// Bits of an address on that machine, as far as is shown.
    bits: u32,
}

impl Place<'_> {
    /// What a value tells, with what is known of the machine.
    fn by_value(&self, value: u64) -> Option<Named> {
        name_address(self.architecture, value)
            .or_else(|| address::non_canonical(self.architecture, value, self.bits))
    }

    /// A fetch from the address itself: a jump or call through a bad pointer.
    fn jumped(&self, dump: &RegisterDump, said: &mut Statements) -> bool {
        let pointer = match self.architecture {
            Architecture::X86_64 => "RIP",
            Architecture::I386 => "EIP",
            _ => return false,
        };
        let (Some(address), Some(line)) = (self.fault.address, dump.line_of(pointer)) else {
            return false;
        };
        if self.fault.kind != FaultKind::Page || dump.get(pointer) != Some(address) {
            return false;
        }
        let meaning = match address {
            0 => Some((AddressMeaning::NullOffset { offset: 0 }, Grade::Derived)),
            _ => self.by_value(address).map(|named| (named.meaning, named.grade)),
        };
        let Some((meaning, grade)) = meaning else { return false };
        let register = Some(pointer.to_owned());
        said.say_spans(
            grade,
            RuleId::X10,
            [LineSpan::line(self.fault.line), LineSpan::line(line)],
            Predicate::AddressMeaning { address, register, meaning },
        );
        true
    }

    /// The operand that computes the address of the fault; false when none does.
    fn operand(&self, dump: &RegisterDump, code: &Code, said: &mut Statements) -> bool {
        let bad = |operand: &Operand| match self.fault.address {
            Some(address) => operand.touches(address),
            // Nothing but such an address makes an ordinary operand a protection fault.
            None => address::non_canonical(self.architecture, operand.address, self.bits).is_some(),
        };
        let candidates = operands(code, dump);
        let mut fitting = candidates.iter().filter(|operand| bad(operand));
        let (Some(operand), None) = (fitting.next(), fitting.next()) else { return false };
        let shown = disassemble(code, self.architecture);
        let Some(marked) = shown.iter().find(|instruction| instruction.marked) else {
            return false;
        };
        let mut lines = vec![LineSpan::line(self.fault.line), code.lines];
        lines
            .extend(operand.pieces().filter_map(|p| dump.line_of(&p.register)).map(LineSpan::line));
        said.say_spans(
            Grade::Derived,
            RuleId::X10,
            lines.iter().copied(),
            Predicate::FaultingInstruction {
                text: marked.text.clone(),
                operand: Some(operand.text.clone()),
                computed: Some(operand.address),
            },
        );
        self.culprit(operand, dump, code, &lines, said);
        true
    }

    /// What the registers of the bad operand hold.
    fn culprit(
        &self,
        operand: &Operand,
        dump: &RegisterDump,
        code: &Code,
        lines: &[LineSpan],
        said: &mut Statements,
    ) {
        if let Some((of, last)) = crate::kasan_shadow(self.architecture, operand.address) {
            let range = self.kasan_range(operand.address);
            self.say_shadow(operand.address, of, range.map_or(0, |(_, line)| line), said);
            if let Some(found) = checked_address(code, dump, (of, last)) {
                let (piece, offset) = match &found.from {
                    Some((piece, offset)) => (piece, Some(*offset)),
                    None => (&found.address, Some(0)),
                };
                self.piece(piece, offset, Grade::Inferred, dump, lines, said);
            }
            return;
        }
        let Some(base) = operand.base.as_ref().or(operand.index.as_ref()) else { return };
        // With two registers neither is the pointer for certain.
        let alone = operand.base.is_none() || operand.index.is_none();
        let offset = Some(operand.displacement).filter(|_| alone && operand.base.is_some());
        let mut named = self.piece(base, offset, Grade::Derived, dump, lines, said);
        if !alone && let Some(index) = &operand.index {
            named |= self.piece(index, None, Grade::Derived, dump, lines, said);
        }
        if !named {
            for piece in operand.pieces() {
                let Some(line) = dump.line_of(&piece.register) else { continue };
                said.say_spans(
                    Grade::Seen,
                    RuleId::X10,
                    [LineSpan::line(line)],
                    Predicate::Register { register: printed(&piece.register), value: piece.value },
                );
            }
            if let Some(by_value) = self.by_value(operand.address)
                && self.fault.address.is_some()
            {
                say_address(operand.address, by_value, self.fault.line, said);
            }
        }
    }

    /// What a register of the operand means, used with that displacement; false when nothing can be said.
    fn piece(
        &self,
        piece: &Piece,
        offset: Option<i64>,
        most: Grade,
        dump: &RegisterDump,
        lines: &[LineSpan],
        said: &mut Statements,
    ) -> bool {
        let found = match (piece.value, offset) {
            (0, Some(offset)) => Some((AddressMeaning::NullOffset { offset }, Grade::Derived)),
            (0, None) => None,
            // An index may be as small as it likes.
            (1..FIRST_PAGE, None) if most == Grade::Derived => None,
            (value, _) => self.meaning(value),
        };
        if let Some((meaning, grade)) = found {
            let register = Some(printed(&piece.register));
            said.say_spans(
                grade.min(most),
                RuleId::X10,
                lines.iter().copied().chain(dump.line_of(&piece.register).map(LineSpan::line)),
                Predicate::AddressMeaning { address: piece.value, register, meaning },
            );
            self.flipped(piece.value, Some((piece, dump)), said);
            return true;
        }
        false
    }

    /// The meaning of a value that was used as a pointer.
    fn meaning(&self, value: u64) -> Option<(AddressMeaning, Grade)> {
        if let Some(text) = address::text(self.architecture, value) {
            return Some((AddressMeaning::Text { text }, Grade::Inferred));
        }
        let named = self.by_value(value)?;
        // Used as a base it is no sum any more.
        let grade = match named.meaning {
            AddressMeaning::ErrorPointer { .. } => Grade::Inferred,
            _ => named.grade,
        };
        Some((named.meaning, grade))
    }

    /// A single bit beside a canonical address, as a guess.
    fn flipped(&self, value: u64, held: Option<(&Piece, &RegisterDump)>, said: &mut Statements) {
        let named = address::poison(self.architecture, value).is_some()
            || address::text(self.architecture, value).is_some()
            || crate::kasan_shadow(self.architecture, value).is_some();
        let Some(bit) = address::flipped_bit(self.architecture, value).filter(|_| !named) else {
            return;
        };
        let line = held.and_then(|(piece, dump)| dump.line_of(&piece.register));
        said.say_spans(
            Grade::Guess,
            RuleId::X04,
            [LineSpan::line(line.unwrap_or(self.fault.line))],
            Predicate::AddressMeaning {
                address: value,
                register: held.map(|(piece, _)| printed(&piece.register)),
                meaning: AddressMeaning::FlippedBit { bit },
            },
        );
    }

    /// The range that KASAN prints for the shadow address, with its line, where the arithmetic agrees.
    fn kasan_range(&self, address: u64) -> Option<(u64, u64)> {
        let (of, _) = crate::kasan_shadow(self.architecture, address)?;
        let from = self.log.lines.partition_point(|line| line.number <= self.fault.line);
        let near = self.log.lines[from..].iter();
        let near = near.take_while(|line| line.number <= self.fault.line + RANGE_BEHIND);
        let near: Vec<_> = near.cloned().collect();
        let range = crate::faults(&near)
            .into_iter()
            .find(|range| range.kind == FaultKind::KasanRange && range.address == Some(of))?;
        Some((of, range.line))
    }

    /// Shadow of another address; sure when KASAN says the same, on `line` (0: it does not).
    fn say_shadow(&self, address: u64, of: u64, line: u64, said: &mut Statements) {
        let grade = if line > 0 { Grade::Derived } else { Grade::Inferred };
        said.say_spans(
            grade,
            RuleId::X05,
            [LineSpan::line(self.fault.line), LineSpan::line(line)],
            Predicate::AddressMeaning {
                address,
                register: None,
                meaning: AddressMeaning::KasanShadow { of },
            },
        );
    }
}

/// Instructions that BUG, WARN and sanitizers compile in: the headline tells more.
const TRAPS: [&str; 6] = ["ud2", "ud1", "int3", "brk", "udf", "(bad)"];

/// The instruction at the kernel's instruction pointer, where the bytes stand right at the registers.
pub(super) fn instruction(log: &Log<'_>, dump: &RegisterDump, said: &mut Statements) {
    let Some(code) = log.code_of(dump) else { return };
    let shown = disassemble(code, dump.architecture);
    let Some(marked) = shown.iter().find(|instruction| instruction.marked) else { return };
    let mnemonic = marked.text.split([' ', '\t']).next().unwrap_or_default();
    // The registers of a fault are printed again at its end.
    let told = said.iter().any(|statement| {
        matches!(statement.predicate(), Predicate::FaultingInstruction { text, .. } if *text == marked.text)
    });
    // A relative branch names nobody.
    let branch = marked.text.contains(" .+") || marked.text.contains(" .-");
    if told || branch || TRAPS.contains(&mnemonic) || marked.text.starts_with(".inst") {
        return;
    }
    said.say_spans(
        Grade::Derived,
        RuleId::X06,
        [code.lines],
        Predicate::FaultingInstruction { text: marked.text.clone(), operand: None, computed: None },
    );
}
