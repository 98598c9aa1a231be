//! How the guest's instructions are executed, and whether the fast way really works here.

use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::VmError;
use crate::machine::memory_file;

/// How the guest's instructions are executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// By the processor, through `/dev/kvm`.
    Kvm,
    /// By translation in QEMU: slower, works everywhere.
    Tcg,
}

impl Accelerator {
    /// The name under which it is printed and stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        }
    }

    /// The value of QEMU's `-accel`.
    pub const fn option(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg,thread=multi",
        }
    }

    /// The value of QEMU's `-cpu`.
    pub const fn cpu(self) -> &'static str {
        match self {
            Self::Kvm => "host",
            Self::Tcg => "max",
        }
    }
}

/// A boot sector that reports to QEMU's exit device: `mov al, 0x10; out 0xf4, al; hlt; jmp $-1`.
const BOOT_SECTOR: [u8; 7] = [0xb0, 0x10, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd];
/// What QEMU's exit device makes of it: `value * 2 + 1`.
const EXIT_STATUS: i32 = 0x10 * 2 + 1;
/// A guest that works under KVM is past the firmware in a fraction of this.
const LIMIT: Duration = Duration::from_secs(5);

/// KVM if a guest really runs under it, else TCG. A device that opens proves nothing: in some
/// nested machines the guest never gets past its firmware. So a guest is started that says a number
/// and ends.
///
/// # Errors
/// When QEMU is missing. Everything else that goes wrong means TCG.
pub fn probe(qemu: &Path) -> Result<Accelerator, VmError> {
    if std::fs::OpenOptions::new().read(true).write(true).open("/dev/kvm").is_err() {
        return match Command::new(qemu)
            .arg("--version")
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
        {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(VmError::NoQemu { program: qemu.to_owned() })
            }
            _ => Ok(Accelerator::Tcg),
        };
    }
    let disk = memory_file("ktriage-probe")?;
    let mut image = vec![0; 1_474_560];
    image[..BOOT_SECTOR.len()].copy_from_slice(&BOOT_SECTOR);
    image[510..512].copy_from_slice(&[0x55, 0xaa]);
    std::fs::File::from(disk.try_clone().map_err(VmError::io("copy a descriptor"))?)
        .write_all(&image)
        .map_err(VmError::io("write the probe's disk"))?;
    let (mut process, _links) = crate::process::Process::start(qemu, &[&disk], |_| {
        let drive =
            format!("if=floppy,format=raw,readonly=on,file=/proc/self/fd/{}", disk.as_raw_fd());
        [
            "-nodefaults",
            "-no-user-config",
            "-no-reboot",
            "-display",
            "none",
            "-accel",
            "kvm",
            "-cpu",
            "host",
            "-m",
            "32M",
            "-device",
            "isa-debug-exit",
            "-boot",
            "a",
            "-drive",
            &drive,
        ]
        .map(Into::into)
        .to_vec()
    })?;
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        if let Some(status) = process.try_wait() {
            let works = status.code() == Some(EXIT_STATUS);
            return Ok(if works { Accelerator::Kvm } else { Accelerator::Tcg });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    process.kill();
    Ok(Accelerator::Tcg)
}
