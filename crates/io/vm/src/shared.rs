//! Memory that a guest shares with us: an ivshmem device without interrupts. The guest maps its second bar.
//!
//! The memory is a file without a name, so nothing else can reach it. Both sides see each other's writes at
//! once, therefore it is given out as atomic numbers only.

use std::ffi::OsString;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::atomic::AtomicU64;

use rustix::mm::{MapFlags, ProtFlags};

use crate::error::VmError;
use crate::machine::{Machine, memory_file};

/// Memory that is shared with a guest.
#[derive(Debug)]
pub struct SharedMemory {
    file: OwnedFd,
    address: usize,
    length: usize,
}

/// Where the device sits on the machine's bus, so that a machine of a snapshot has it in the same place.
const SLOT: u32 = 0x10;

impl SharedMemory {
    /// Zeroed memory of `length` bytes, a power of two of at least a page.
    ///
    /// # Errors
    /// When there is not so much, or `length` is no such number.
    pub fn new(length: u64) -> Result<Self, VmError> {
        let operation = || VmError::io(format!("make {length} bytes of shared memory"));
        let bytes = usize::try_from(length)
            .ok()
            .filter(|bytes| bytes.is_power_of_two() && *bytes >= 4096)
            .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::InvalidInput));
        let bytes = bytes.map_err(operation())?;
        let file = memory_file("ktriage-shared")?;
        rustix::fs::ftruncate(&file, length).map_err(|error| operation()(error.into()))?;
        #[expect(unsafe_code, reason = "a fresh mapping of our own file, unmapped in drop only")]
        let address = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                bytes,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                &file,
                0,
            )
        };
        let address = address.map_err(|error| operation()(error.into()))?;
        Ok(Self { file, address: address.expose_provenance(), length: bytes })
    }

    /// The memory. Whoever shares it may change it at any time.
    pub fn words(&self) -> &[AtomicU64] {
        let start = std::ptr::with_exposed_provenance::<AtomicU64>(self.address);
        #[expect(
            unsafe_code,
            reason = "mapped as long as `self` lives, aligned to a page, and any bytes are a number; \
                      writes of the guest are those of another processor to atomics"
        )]
        unsafe {
            std::slice::from_raw_parts(start, self.length / 8)
        }
    }

    /// Its length, in bytes.
    pub fn length(&self) -> u64 {
        self.length as u64
    }

    pub(crate) fn file(&self) -> &OwnedFd {
        &self.file
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        let start = std::ptr::with_exposed_provenance_mut(self.address);
        #[expect(unsafe_code, reason = "our own mapping, and nothing borrows from it any more")]
        let _ = unsafe { rustix::mm::munmap(start, self.length) };
    }
}

/// What QEMU needs to be told.
pub(crate) fn arguments(shared: &SharedMemory) -> [OsString; 4] {
    [
        "-object".to_owned(),
        format!(
            "memory-backend-file,id=shared,size={},mem-path=/proc/self/fd/{},share=on",
            shared.length,
            shared.file.as_raw_fd()
        ),
        "-device".to_owned(),
        // Its memory is ours to keep: to QEMU's migration the device is the master of it.
        format!("ivshmem-plain,memdev=shared,master=on,addr={SLOT:#x}"),
    ]
    .map(Into::into)
}

/// Where the guest's firmware has put the device's memory.
pub(crate) fn device_address(machine: &mut Machine) -> Result<u64, VmError> {
    let listed = machine.monitor("info pci")?;
    bar_address(&listed).ok_or_else(|| VmError::Refused {
        command: "info pci".into(),
        reason: "it does not list the memory that the guest shares".into(),
    })
}

/// The address of the second bar of the device with ivshmem's numbers, in QEMU's list.
fn bar_address(listed: &str) -> Option<u64> {
    let device = listed.split("Bus ").find(|device| device.contains("1af4:1110"))?;
    let line = device.lines().find(|line| line.contains("BAR2:"))?;
    let number = line.split("at 0x").nth(1)?.split_whitespace().next()?;
    u64::from_str_radix(number, 16).ok()
}

/// Puts the device's memory of a machine that has not begun where it was in the snapshot. Loading a snapshot
/// insists that shared memory lies where it lay, and looks before it loads where that is.
pub(crate) fn place_device(machine: &mut Machine, address: u64) -> Result<(), VmError> {
    const BAR2: u32 = 0x18;
    const COMMAND: u32 = 0x04;
    const MEMORY: u64 = 2;
    let mut write = |register: u32, value: u64| {
        let select = 0x8000_0000_u32 | SLOT << 11 | register;
        machine.monitor(&format!("o /w 0xcf8 {select:#x}"))?;
        machine.monitor(&format!("o /w 0xcfc {:#x}", value & 0xffff_ffff))
    };
    write(BAR2, address)?;
    write(BAR2 + 4, address >> 32)?;
    write(COMMAND, MEMORY)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn memory_is_zero_and_keeps_what_is_written() {
        let shared = SharedMemory::new(1 << 16).unwrap();
        let words = shared.words();
        assert_eq!(words.len() as u64 * 8, shared.length());
        assert!(words.iter().all(|word| word.load(Ordering::Relaxed) == 0));
        words[100].store(7, Ordering::Relaxed);
        assert_eq!(shared.words()[100].load(Ordering::Relaxed), 7);
        assert!(SharedMemory::new(5000).is_err());
    }

    #[test]
    fn the_device_is_found_in_the_list() {
        let listed = "  Bus  0, device   1, function 0:\n    VGA: PCI device 1234:1111\n      \
            BAR2: 32 bit memory at 0x10 [0x20].\n      id \"\"\n  \
            Bus  0, device  16, function 0:\n    RAM controller: PCI device 1af4:1110\n      \
            BAR0: 32 bit memory at 0xfebd2000 [0xfebd20ff].\n      \
            BAR2: 64 bit prefetchable memory at 0xfc000000 [0xfdffffff].\n      id \"\"\n";
        assert_eq!(bar_address(listed), Some(0xfc00_0000));
    }
}
