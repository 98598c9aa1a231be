//! User programs that were stopped by a fault of their own.

use model::{Grade, Predicate, RuleId, Statements, Task, UserFaultKind};

use crate::address::near_null;
use crate::{Architecture, UserFault, x86_page_fault};

pub(super) fn fault(fault: &UserFault, said: &mut Statements) {
    let task = Task::new(fault.task.clone(), fault.pid);
    let kind = match fault.what.as_str() {
        "segfault" => UserFaultKind::Segfault,
        what if what.starts_with("unhandled signal") => UserFaultKind::Signal,
        _ => UserFaultKind::Trap,
    };
    said.say_spans(
        Grade::Seen,
        RuleId::X08,
        [fault.lines],
        Predicate::UserFault { task: task.clone(), kind, address: fault.address, ip: fault.ip },
    );
    if let Some(code) = fault.code
        && kind == UserFaultKind::Segfault
        && fault.architecture == Architecture::X86_64
    {
        let bits = x86_page_fault(code).into_iter().map(str::to_owned).collect();
        said.say_spans(
            Grade::Derived,
            RuleId::X07,
            [fault.lines],
            Predicate::FaultBits { code, bits },
        );
    }
    if let Some(address) = fault.address
        && let Some(named) = near_null(address)
    {
        let meaning = named.meaning;
        said.say_spans(
            named.grade,
            named.rule,
            [fault.lines],
            Predicate::AddressMeaning { address, register: None, meaning },
        );
    }
    let Some(mapping) = &fault.mapping else { return };
    let in_mapping = fault.offset_in_mapping();
    if in_mapping.is_some() || mapping.file_offset.is_some() {
        said.say_spans(
            Grade::Derived,
            RuleId::X08,
            [fault.lines],
            Predicate::UserFaultPlace {
                task,
                file: mapping.file.clone(),
                in_mapping,
                in_file: mapping.file_offset,
            },
        );
    }
}
