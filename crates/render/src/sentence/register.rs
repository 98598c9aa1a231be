//! Statements on registers, faults and code bytes in words.

use model::{
    AddressMeaning, IrqState, PoisonValue, Predicate, SourcePlace, Task, UserFaultKind, errno_name,
};

/// The sentence of a predicate on registers; `None` for another one.
pub(super) fn sentence(predicate: &Predicate) -> Option<String> {
    use Predicate as P;
    Some(match predicate {
        P::Register { register, value } => format!("{register} is {value:#x}."),
        P::SystemCallArguments { name, number, arguments, result } => {
            let name = name.clone().unwrap_or_else(|| "a call".to_owned());
            let call = format!("{name}({})", arguments.join(", "));
            match result.map(returned) {
                None => format!("The task is in {call} (system call {number})."),
                Some(result) => format!(
                    "The task returns from {call} with {result} (system call {number}): the call itself is over."
                ),
            }
        }
        P::FaultingInstruction { text, operand: Some(operand), computed: Some(address) } => {
            format!("The faulting instruction is `{text}`; {operand} is the address {address:#x}.")
        }
        P::FaultingInstruction { text, .. } => {
            format!("The instruction at the instruction pointer is `{text}`.")
        }
        P::Irqs { state, register } => irqs(*state, register.as_deref()),
        P::FaultBits { code, bits } => format!("Fault code {code:#x}: {}.", bits.join(", ")),
        P::AddressMeaning { address, register, meaning } => {
            let subject = match register {
                Some(register) => format!("{register} ({address:#x})"),
                None => format!("The address {address:#x}"),
            };
            means(&subject, *address, register.as_deref(), meaning)
        }
        P::UserFault { task, kind, address, ip } => user_fault(task, *kind, *address, *ip),
        P::UserFaultPlace { task, file, in_mapping, in_file } => match (in_file, in_mapping) {
            (Some(offset), _) => format!("{task} was at file offset {offset:#x} of {file}."),
            (None, Some(offset)) => format!(
                "{task} was at {offset:#x} in the mapping of {file}, whose offset in the file is not printed."
            ),
            (None, None) => format!("{task} was in {file}."),
        },
        P::UserFaultSource { task, file, places } => format!(
            "{task} was in {}, by the symbols of the {file} given: only the very program that ran tells the truth.",
            source_places(places)
        ),
        P::FrameSource { function, offset, module, places } => {
            let module = module.as_ref().map(|module| format!(" [{module}]")).unwrap_or_default();
            format!("{function}+{offset:#x}{module} is {}.", source_places(places))
        }
        P::LockSource { lock, wanted, places } => {
            let verb = if *wanted { "is wanted" } else { "was taken" };
            format!("{} {verb} in {}.", super::words::lock(lock), source_places(places))
        }
        P::GuiltyFile { file } => format!("The report points at {file}."),
        _ => return None,
    })
}

/// The result of a system call: the name of an error, else a number.
fn returned(result: i64) -> String {
    let error = u32::try_from(result.unsigned_abs()).ok().filter(|_| result < 0);
    match error.and_then(errno_name) {
        Some(name) => format!("-{name}"),
        None => result.to_string(),
    }
}

fn source_places(places: &[SourcePlace]) -> String {
    places.iter().map(source_place).collect::<Vec<_>>().join(", inlined into ")
}

fn source_place(place: &SourcePlace) -> String {
    match (&place.file, place.line) {
        (Some(file), Some(line)) => format!("{}() at {file}:{line}", place.function),
        _ => format!("{}()", place.function),
    }
}

fn irqs(state: IrqState, register: Option<&str>) -> String {
    let from = register.map(|register| format!(" ({register})")).unwrap_or_default();
    match state {
        IrqState::Enabled => format!("IRQs enabled at the time of the trap{from}."),
        IrqState::Disabled => format!("IRQs disabled at the time of the trap{from}."),
    }
}

fn means(subject: &str, value: u64, register: Option<&str>, meaning: &AddressMeaning) -> String {
    match meaning {
        AddressMeaning::NullOffset { offset: 0 } => match register {
            Some(register @ ("RIP" | "EIP")) => {
                format!("{register} is NULL: a call or jump through a NULL pointer.")
            }
            Some(register) => format!("{register} is NULL and was dereferenced."),
            None => "A NULL pointer was dereferenced.".to_owned(),
        },
        AddressMeaning::NullOffset { offset } => {
            let sign = if *offset < 0 { "-" } else { "+" };
            format!(
                "{} is NULL; the access went to NULL {sign} {:#x}.",
                register.unwrap_or("The pointer"),
                offset.unsigned_abs()
            )
        }
        AddressMeaning::NearNull => match value {
            0 => format!("{subject} is NULL, or an offset from it that is not printed."),
            _ => format!(
                "{subject} lies in the first page: NULL plus an offset, or a small number in place of a pointer."
            ),
        },
        AddressMeaning::KasanShadow { of } => {
            format!("{subject} is the KASAN shadow of {of:#x}, which was about to be accessed.")
        }
        AddressMeaning::Poison { name, offset } => {
            format!("{subject} is {name}{}: {}.", distance(*offset), poison(*name))
        }
        AddressMeaning::ErrorPointer { errno } => {
            let name = errno_name(*errno).map_or_else(|| errno.to_string(), str::to_owned);
            format!("{subject} is -{name}: an error number used as a pointer.")
        }
        AddressMeaning::NonCanonical => format!(
            "{subject} is not canonical: the pointer was overwritten or computed from garbage."
        ),
        AddressMeaning::Text { text } => {
            format!(
                "{subject} is text, \"{}\": the pointer was overwritten with it.",
                text.escape_debug()
            )
        }
        AddressMeaning::FlippedBit { bit } => {
            format!(
                "{subject} would be canonical if bit {bit} were the other way: a flipped bit is possible."
            )
        }
        AddressMeaning::User => format!("{subject} is an address of user space."),
    }
}

fn distance(offset: i64) -> String {
    match offset {
        0 => String::new(),
        n if n < 0 => format!(" - {:#x}", n.unsigned_abs()),
        n => format!(" + {n:#x}"),
    }
}

/// Where the kernel writes a poison value.
const fn poison(name: PoisonValue) -> &'static str {
    use PoisonValue as V;
    match name {
        V::ListPoison1 => "the next pointer of a list entry that was deleted",
        V::ListPoison2 => "the prev pointer of a list entry that was deleted",
        V::TimerEntryStatic => "a statically initialised timer",
        V::TailMapping => "page->mapping of a tail page",
        V::PagePoolSignature => "the mark of a page of the page pool",
        V::MutexWwContext => "the context of a ww_mutex after its end",
        V::SkbListNext => "the next pointer of a buffer that was taken off its list",
        V::BpfPointer => "a pointer that BPF put out of use",
        V::SlabFree => "the content of a slab object that was freed",
        V::SlabInUse => "the content of a slab object that was never initialised",
        V::RedZoneInactive => "the red zone of a free slab object",
        V::RedZoneActive => "the red zone of a slab object in use, or freed init memory",
        V::Page => "the content of a page that was freed, or of a stack variable never initialised",
        V::JournalFree | V::Journal2Free => "the content of a journal head that was freed",
        V::PoolFreed => "the content of a DMA pool block that was freed",
        V::PoolAllocated => "the content of a DMA pool block that was never initialised",
    }
}

fn user_fault(task: &Task, kind: UserFaultKind, address: Option<u64>, ip: u64) -> String {
    let what = match kind {
        UserFaultKind::Segfault => "had a segmentation fault",
        UserFaultKind::Trap => "was stopped by a trap",
        UserFaultKind::Signal => "got a fatal signal",
    };
    let at = address.map(|address| format!(" at {address:#x}")).unwrap_or_default();
    format!("User program {task} {what}{at}, instruction pointer {ip:#x}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(predicate: &Predicate) -> String {
        sentence(predicate).expect("a predicate on registers")
    }

    fn meaning(register: Option<&str>, address: u64, meaning: AddressMeaning) -> String {
        let register = register.map(str::to_owned);
        said(&Predicate::AddressMeaning { address, register, meaning })
    }

    #[test]
    fn null_is_said_of_a_register_that_is_null_and_not_of_a_small_address() {
        assert_eq!(
            meaning(Some("RBX"), 0, AddressMeaning::NullOffset { offset: 0x18 }),
            "RBX is NULL; the access went to NULL + 0x18."
        );
        let near = meaning(Some("RDI"), 0x29a, AddressMeaning::NearNull);
        assert!(near.starts_with("RDI (0x29a) lies in the first page"), "{near}");
    }

    #[test]
    fn irqs_are_enabled_or_disabled() {
        let irqs = Predicate::Irqs { state: IrqState::Enabled, register: Some("EFLAGS".into()) };
        assert_eq!(said(&irqs), "IRQs enabled at the time of the trap (EFLAGS).");
    }

    #[test]
    fn error_numbers_have_names() {
        let errno = meaning(Some("RAX"), u64::MAX - 11, AddressMeaning::ErrorPointer { errno: 12 });
        assert!(errno.contains("-ENOMEM: an error number used as a pointer"), "{errno}");
    }
}
