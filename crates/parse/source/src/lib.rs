//! The functions that a kernel's C or assembler file defines, each with its lines, and what a body calls.
//!
//! This reads the kernel's layout (a definition starts in the first column, its body ends with a `}` there), it is no
//! compiler: what a macro makes is known only for the kernel's own defining macros.
//!
//! Invariants: does no I/O; any bytes give definitions, never a panic; time and memory are linear in the text.

mod assembler;
mod body;
mod c;

pub use body::call;

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition<'a> {
    /// Its name; of a system call the name in the source, without `sys_`.
    pub name: &'a [u8],
    /// Whether `name` is that of a system call.
    pub is_syscall: bool,
    /// The line of the name, counted from 1.
    pub line: usize,
    /// The last line of its body.
    pub end: usize,
}

/// The definitions of a file, by the end of its name: `.c`, `.h` or `.S`.
#[must_use]
pub fn definitions<'a>(path: &str, text: &'a [u8]) -> Vec<Definition<'a>> {
    if path.ends_with(".S") { assembler::definitions(text) } else { c::definitions(text) }
}

/// What a symbol's name looks like in the source: without what compilers put behind it (`.isra.0`, `.cold`), and for
/// the entry of a system call the call's own name.
#[must_use]
pub fn plain(symbol: &str) -> (&str, bool) {
    let name = symbol.split('.').next().unwrap_or(symbol);
    let call = SYSCALL_PREFIXES.iter().find_map(|prefix| {
        let rest = name.strip_prefix(prefix)?;
        rest.strip_prefix("compat_sys_").or_else(|| rest.strip_prefix("sys_"))
    });
    call.filter(|call| !call.is_empty()).map_or((name, false), |call| (call, true))
}

/// What stands before `sys_` in the symbols of a system call.
const SYSCALL_PREFIXES: [&str; 11] = [
    "__x64_",
    "__ia32_",
    "__arm64_",
    "__riscv_",
    "__s390x_",
    "__s390_",
    "__powerpc_",
    "__se_",
    "__do_",
    "__ppc_",
    "",
];

fn is_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_symbol_is_brought_to_its_name_in_the_source() {
        assert_eq!(plain("ext4_put_super.cold"), ("ext4_put_super", false));
        assert_eq!(plain("__x64_sys_close"), ("close", true));
        assert_eq!(plain("__do_compat_sys_ioctl"), ("ioctl", true));
        assert_eq!(plain("sys_"), ("sys_", false));
        assert_eq!(plain(""), ("", false));
    }
}
