//! Register dumps, faults and code bytes of a console log in; what the CPU was doing out, as typed statements.
//!
//! Invariants: pure functions over lines; knows nothing of events, of who waits for whom, or of
//! any output format; holds no sentence. A value that two readings fit is never stated as one of them. Start
//! reading at [`statements`].

mod address;
mod architecture;
mod code;
mod dump;
mod fault;
mod fault_code;
mod leaving;
mod operand;
mod others;
mod statements;
mod syscall;
mod user_fault;

pub use address::{Named, kasan_shadow, name_address, poison};
pub use architecture::Architecture;
pub use code::{Code, Instruction, code_lines, disassemble, disassemble_from, instruction_starts};
pub use dump::{Mode, RegisterDump, register_dumps};
pub use fault::{Fault, FaultKind, faults};
pub use fault_code::{arm64_esr, x86_page_fault};
pub use statements::statements;
pub use syscall::{Argument, ArgumentClass, Syscall, is_syscall, syscall, syscall_name};
pub use user_fault::{Mapping, UserFault, user_faults};
