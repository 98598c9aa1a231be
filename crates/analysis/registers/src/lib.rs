//! Register dumps, faults and code bytes of a console log in; what the CPU was doing out.
//!
//! Invariants: pure functions over lines; knows nothing of events, of who waits for whom, or of
//! any output format. A value that two readings fit is never stated as one of them. Start reading
//! at [`claims`].

mod address;
mod architecture;
mod claims;
mod code;
mod dump;
mod fault;
mod others;
mod rules;
mod syscall;

pub use address::{Meaning, MeaningKind, kasan_shadow, name_address};
pub use architecture::Architecture;
pub use claims::claims;
pub use code::{Code, Instruction, code_lines, disassemble};
pub use dump::{Mode, RegisterDump, register_dumps};
pub use fault::{Fault, FaultKind, UserFault, arm64_esr, faults, user_faults, x86_page_fault};
pub use rules::{RULES, RuleRow};
pub use syscall::{Argument, ArgumentClass, Syscall, is_syscall, syscall, syscall_name};
