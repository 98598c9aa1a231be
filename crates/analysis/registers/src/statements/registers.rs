//! What register dumps say by themselves: the system call, the state of interrupts, poison.

use model::{Grade, IrqState, LineSpan, Predicate, RuleId, Statements};

use super::{Log, printed};
use crate::{Architecture, RegisterDump, leaving, poison, syscall};

pub(super) fn system_call(log: &Log<'_>, dump: &RegisterDump, said: &mut Statements) {
    // A dump has several lines; one of a single line is a text that lost its ends of lines.
    let Some(call) = syscall(dump).filter(|_| dump.lines.first < dump.lines.last) else { return };
    if dump.architecture == Architecture::Arm && !leaving::is_of_call(log.lines, dump) {
        return;
    }
    let Ok(result) = leaving::result(dump, leaving::leaves(log.lines, dump)) else { return };
    let Some(name) = call.name else { return };
    let arguments = call.arguments.iter().map(|a| format!("{}={}", a.name, a.text)).collect();
    said.say_spans(
        Grade::Derived,
        RuleId::X01,
        [call.lines],
        Predicate::SystemCallArguments {
            name: Some(name.to_owned()),
            number: call.number,
            arguments,
            result,
        },
    );
}

/// The register that tells and whether it says that interrupts were enabled; `None` where it does not tell.
fn saved_state(log: &Log<'_>, dump: &RegisterDump) -> Option<(&'static str, bool)> {
    let bit = |name: &'static str, mask: u64, enabled: bool| {
        dump.get(name).map(|value| (name, (value & mask != 0) == enabled))
    };
    match dump.architecture {
        Architecture::X86_64 | Architecture::I386 => bit("EFLAGS", 0x200, true),
        Architecture::Arm64 => {
            let masked = bit("pstate", 0x80, false)?;
            // With pseudo-NMIs the priority mask decides, which is printed on a line of its own.
            let first = log.lines.partition_point(|line| line.number < dump.lines.first);
            let own = log.lines[first..].iter().take_while(|l| l.number <= dump.lines.last);
            let priorities = own.into_iter().any(|line| line.text.starts_with("pmr"));
            (!priorities).then_some(masked)
        }
        Architecture::Arm => bit("psr", 0x80, false),
        Architecture::Riscv64 => bit("status", 0x20, true),
        // I/O and external interrupts have a bit each.
        Architecture::S390 => match dump.get("PSW")? >> 56 & 3 {
            3 => Some(("PSW", true)),
            0 => Some(("PSW", false)),
            _ => None,
        },
        Architecture::Mips => bit("Status", 1, true),
        Architecture::LoongArch => bit("PRMD", 4, true),
        Architecture::Parisc => bit("PSW", 1, true),
        // The mask is the kernel's own; without it only the CPU's bit that is clear decides.
        Architecture::Powerpc => match (dump.get("IRQMASK"), dump.get("MSR")) {
            (_, Some(msr)) if msr & 0x8000 == 0 => Some(("MSR", false)),
            (Some(mask), Some(_)) => Some(("IRQMASK", mask & 1 == 0)),
            _ => None,
        },
        Architecture::Sparc64 | Architecture::M68k => None,
    }
}

/// Interrupts where the kernel was interrupted. User code always runs with them enabled.
pub(super) fn irqs(log: &Log<'_>, dump: &RegisterDump, said: &mut Statements) {
    let Some((register, enabled)) = saved_state(log, dump) else { return };
    let Some(line) = dump.line_of(register) else { return };
    said.say_spans(
        Grade::Derived,
        RuleId::X09,
        [LineSpan::line(line)],
        Predicate::Irqs {
            state: if enabled { IrqState::Enabled } else { IrqState::Disabled },
            register: Some(register.to_owned()),
        },
    );
}

/// Registers that hold poison. Small numbers, shadow offsets and stack contents stand in registers all the time and
/// prove nothing; patterns of freed memory and list poison do not.
pub(super) fn poisoned(dump: &RegisterDump, said: &mut Statements) {
    use model::PoisonValue::{Page, RedZoneActive};
    for ((name, value), line) in dump.registers.iter().zip(&dump.register_lines) {
        let Some(named) = poison(dump.architecture, *value) else { continue };
        // These two fill memory for other reasons too.
        let common = matches!(
            named.meaning,
            model::AddressMeaning::Poison { name: Page | RedZoneActive, .. }
        );
        if common || super::names_register(said, &printed(name), *value) {
            continue;
        }
        said.say_spans(
            named.grade,
            named.rule,
            [LineSpan::line(*line)],
            Predicate::AddressMeaning {
                address: *value,
                register: Some(printed(name)),
                meaning: named.meaning,
            },
        );
    }
}
