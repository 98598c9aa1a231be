//! User programs that were stopped by a fault of their own.

use model::{Grade, Predicate, RuleId, Task, UserFaultKind};

use super::Said;
use crate::address::near_null;
use crate::{Architecture, UserFault, x86_page_fault};

pub(super) fn fault(fault: &UserFault, said: &mut Said) {
    let task = Task::new(fault.task.clone(), fault.pid);
    let kind = match fault.what.as_str() {
        "segfault" => UserFaultKind::Segfault,
        what if what.starts_with("unhandled signal") => UserFaultKind::Signal,
        _ => UserFaultKind::Trap,
    };
    said.add(
        Predicate::UserFault { task: task.clone(), kind, address: fault.address, ip: fault.ip },
        Grade::Seen,
        RuleId::X08,
        [fault.lines],
    );
    if let Some(code) = fault.code
        && kind == UserFaultKind::Segfault
        && fault.architecture == Architecture::X86_64
    {
        let bits = x86_page_fault(code).into_iter().map(str::to_owned).collect();
        said.add(Predicate::FaultBits { code, bits }, Grade::Derived, RuleId::X07, [fault.lines]);
    }
    if let Some(address) = fault.address
        && let Some(named) = near_null(address)
    {
        let meaning = named.meaning;
        said.add(
            Predicate::AddressMeaning { address, register: None, meaning },
            named.grade,
            named.rule,
            [fault.lines],
        );
    }
    let Some(mapping) = &fault.mapping else { return };
    let in_mapping = fault.offset_in_mapping();
    if in_mapping.is_some() || mapping.file_offset.is_some() {
        said.add(
            Predicate::UserFaultPlace {
                task,
                file: mapping.file.clone(),
                in_mapping,
                in_file: mapping.file_offset,
            },
            Grade::Derived,
            RuleId::X08,
            [fault.lines],
        );
    }
}
