//! Virtual machines under QEMU.
//!
//! Invariants: knows nothing about crashes or reproducers, it boots, talks, snapshots and records.
//! No run reaches the host: the guest has no disk, no network and no folder of the host; all that
//! comes from it is bounded and recorded as bytes. No QEMU outlives the thread that started it, and
//! no file, socket or port is left behind: memory, snapshots and links are unnamed.

mod accelerator;
mod error;
mod exhibits;
mod initramfs;
mod kernel;
mod link;
mod machine;
mod process;
mod program;
mod qmp;
mod record;
mod shared;
mod snapshot;

pub use accelerator::{Accelerator, probe};
pub use error::VmError;
pub use exhibits::{Exhibit, Exhibits};
pub use initramfs::{EXECUTOR_PATH, GuestFile, Initramfs};
pub use kernel::{Kernel, needed_modules};
pub use machine::{Event, Machine, Ready, Settings, random_seed};
pub use program::{interpreter_of, with_libraries};
pub use record::{Recording, Records};
pub use shared::SharedMemory;
pub use snapshot::Snapshot;
