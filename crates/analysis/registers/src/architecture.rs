//! The architectures whose dumps are told apart.

use std::fmt;

/// An architecture and, where it matters to registers, its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// 64-bit x86.
    X86_64,
    /// 32-bit x86, also a 32-bit program on a 64-bit kernel.
    I386,
    /// 64-bit ARM.
    Arm64,
    /// 32-bit ARM (EABI).
    Arm,
    /// RISC-V, 64 bits.
    Riscv64,
    /// PowerPC; the numbers of system calls are those of 64 bits.
    Powerpc,
    /// IBM Z.
    S390,
    /// MIPS; the number of a system call tells its ABI.
    Mips,
    /// LoongArch, 64 bits.
    LoongArch,
    /// SPARC, 64 bits.
    Sparc64,
    /// PA-RISC.
    Parisc,
    /// Motorola 68000 and its kin.
    M68k,
}

impl Architecture {
    /// The name under which it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86-64",
            Self::I386 => "i386",
            Self::Arm64 => "arm64",
            Self::Arm => "arm",
            Self::Riscv64 => "riscv64",
            Self::Powerpc => "powerpc",
            Self::S390 => "s390",
            Self::Mips => "mips",
            Self::LoongArch => "loongarch",
            Self::Sparc64 => "sparc64",
            Self::Parisc => "parisc",
            Self::M68k => "m68k",
        }
    }

    /// `CONFIG_ILLEGAL_POINTER_VALUE`: what poisoned pointers count from; 0 where there is none. Source: Kconfig of
    /// each architecture.
    pub(crate) const fn illegal_pointer(self) -> u64 {
        match self {
            Self::X86_64 | Self::Arm64 | Self::Riscv64 | Self::S390 => 0xdead_0000_0000_0000,
            Self::Powerpc => 0x5dea_dbee_f000_0000,
            _ => 0,
        }
    }

    /// Whether a register has eight bytes and their order in memory is known; powerpc and MIPS have both orders.
    pub(crate) const fn orders_bytes(self) -> bool {
        matches!(
            self,
            Self::X86_64
                | Self::Arm64
                | Self::Riscv64
                | Self::LoongArch
                | Self::S390
                | Self::Sparc64
        )
    }

    /// Whether the most significant byte stands first in memory, where the order is known.
    pub(crate) const fn is_big_endian(self) -> bool {
        matches!(self, Self::S390 | Self::Sparc64 | Self::Parisc | Self::M68k)
    }

    /// Whether a pointer has 64 bits whatever the kernel; powerpc, MIPS, PA-RISC and RISC-V have both.
    pub(crate) const fn is_64_bit(self) -> bool {
        matches!(self, Self::X86_64 | Self::Arm64 | Self::S390 | Self::LoongArch | Self::Sparc64)
    }

    /// Whether a pointer has 32 bits.
    pub const fn is_32_bit(self) -> bool {
        matches!(self, Self::I386 | Self::Arm | Self::M68k)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
