//! Sentences on registers, addresses, instructions and faults of user programs.

use model::{AddressMeaning, Predicate as P, UserFaultKind};

pub(super) fn sentence(predicate: &P) -> Option<String> {
    Some(match predicate {
        P::Register { register, value } => format!("{register} is {value:#x}."),
        P::AddressMeaning { address, register, meaning } => {
            let whose =
                register.as_ref().map(|register| format!("{register} = ")).unwrap_or_default();
            format!("{whose}{address:#x} is {}.", address_meaning(meaning))
        }
        P::SystemCallArguments { name, number, arguments } => {
            let name = name.clone().unwrap_or_else(|| format!("system call {number}"));
            format!("{name}({})", arguments.join(", "))
        }
        P::FaultingInstruction { text, operand, computed } => {
            let operand = match (operand, computed) {
                (Some(operand), Some(address)) => {
                    format!("; its operand {operand} is address {address:#x}")
                }
                (Some(operand), None) => format!("; its operand is {operand}"),
                (None, _) => String::new(),
            };
            format!("The instruction is `{text}`{operand}.")
        }
        P::Irqs { state, register } => {
            let by = register.as_ref().map(|register| format!(" ({register})")).unwrap_or_default();
            format!("IRQs were {state} in the interrupted context{by}.")
        }
        P::FaultBits { code, bits } => format!("Error code {code:#x}: {}.", bits.join(", ")),
        P::UserFault { task, kind, address, ip } => {
            let what = match kind {
                UserFaultKind::Segfault => "a segmentation fault",
                UserFaultKind::Trap => "a trap",
                UserFaultKind::Signal => "a signal that it did not handle",
            };
            let address =
                address.map(|address| format!(" at address {address:#x}")).unwrap_or_default();
            format!("{task} was stopped by {what}{address}, ip {ip:#x}.")
        }
        P::UserFaultPlace { task, file, in_mapping, in_file } => match (in_file, in_mapping) {
            (Some(offset), _) => format!("{task} stood at offset {offset:#x} of {file}."),
            (None, Some(offset)) => {
                format!("{task} stood {offset:#x} bytes into the mapping of {file}.")
            }
            (None, None) => format!("{task} stood in {file}."),
        },
        _ => return None,
    })
}

/// What a value tells of.
fn address_meaning(meaning: &AddressMeaning) -> String {
    match meaning {
        AddressMeaning::NullOffset { offset } => format!("NULL with an offset of {offset:#x}"),
        AddressMeaning::NearNull => {
            "in the first page: NULL plus the offset of a member, or a small number in place of a pointer".to_owned()
        }
        AddressMeaning::KasanShadow { of } => format!("the KASAN shadow of {of:#x}, which is the address meant"),
        AddressMeaning::Poison { name, offset: 0 } => format!("the poison value {name}"),
        AddressMeaning::Poison { name, offset } => format!("{offset} bytes from the poison value {name}"),
        AddressMeaning::ErrorPointer { errno } => format!("the error number -{errno} used as a pointer"),
        AddressMeaning::NonCanonical => {
            "no address of this architecture: overwritten, or computed from garbage".to_owned()
        }
        AddressMeaning::Text { text } => format!("text: {text:?}"),
        AddressMeaning::FlippedBit { bit } => format!("one bit ({bit}) away from NULL or a canonical address"),
        AddressMeaning::User => "an address of user space".to_owned(),
    }
}
