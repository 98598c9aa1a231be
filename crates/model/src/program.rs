//! The programs of the machine that the lab and the tests start, each with its Debian package.

/// What a program is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Kernels, modules and virtual machines.
    Lab,
    /// Tests only.
    Tests,
    /// The trial on a fresh machine.
    FreshMachine,
}

/// A program, or a file that is there when its package is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name, looked for in `PATH`; or the whole path of a file.
    pub name: &'static str,
    /// The Debian package that has it.
    pub package: &'static str,
    /// What it is needed for.
    pub need: Need,
    /// What it does there, in a few words.
    pub purpose: &'static str,
}

const fn row(
    name: &'static str,
    package: &'static str,
    need: Need,
    purpose: &'static str,
) -> Program {
    Program { name, package, need, purpose }
}

/// Every program, once.
pub const PROGRAMS: &[Program] = &[
    row("git", "git", Need::Lab, "histories to bisect, patches to apply"),
    row("qemu-system-x86_64", "qemu-system-x86", Need::Lab, "booting kernels"),
    row("make", "make", Need::Lab, "building kernels and modules"),
    row("gcc", "gcc", Need::Lab, "building kernels and reproducers"),
    row("gcc-12", "gcc-12", Need::Lab, "building modules for Debian's kernels"),
    row("/usr/include/stdio.h", "libc6-dev", Need::Lab, "building reproducers"),
    row("ld", "binutils", Need::Lab, "building kernels and modules"),
    row("strip", "binutils", Need::Lab, "building modules"),
    row("pahole", "dwarves", Need::Lab, "building modules for kernels with BTF"),
    row("flex", "flex", Need::Lab, "building kernels"),
    row("bison", "bison", Need::Lab, "building kernels"),
    row("bc", "bc", Need::Lab, "building kernels"),
    row("perl", "perl", Need::Lab, "building kernels"),
    row("/usr/include/libelf.h", "libelf-dev", Need::Lab, "building kernels"),
    row("ccache", "ccache", Need::Lab, "building kernels again"),
    row("setpriv", "util-linux", Need::Lab, "ending a build with its caller"),
    row("tar", "tar", Need::Lab, "unpacking a kernel's source"),
    row("xz", "xz-utils", Need::Lab, "unpacking sources and modules"),
    row("gzip", "gzip", Need::Lab, "unpacking modules"),
    row("zstd", "zstd", Need::Lab, "unpacking modules"),
    row("apt-get", "apt", Need::Lab, "downloading kernels, which are unpacked and not installed"),
    row("apt-cache", "apt", Need::Lab, "finding kernels"),
    row("dpkg-deb", "dpkg", Need::Lab, "unpacking kernels"),
    row("cpio", "cpio", Need::Tests, "reading the guest's first file system"),
    row("python3", "python3", Need::Tests, "the scorers of published crash cases"),
    row("chromium", "chromium", Need::Tests, "the pages in a browser"),
    row("chromedriver", "chromium-driver", Need::Tests, "a person's way through the pages"),
    row("unshare", "util-linux", Need::Tests, "a file system of a test's own"),
    row("mmdebstrap", "mmdebstrap", Need::FreshMachine, "making a bare Debian"),
];

/// The Debian package of a program, by the program's name or path.
pub fn package_of(program: &str) -> Option<&'static str> {
    let name = program.rsplit('/').next().unwrap_or(program);
    PROGRAMS.iter().find(|row| row.name == program || row.name == name).map(|row| row.package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_program_stands_once_and_is_found_by_name_and_by_path() {
        for (at, row) in PROGRAMS.iter().enumerate() {
            assert!(PROGRAMS[..at].iter().all(|other| other.name != row.name), "{}", row.name);
        }
        assert_eq!(package_of("pahole"), Some("dwarves"));
        assert_eq!(package_of("/usr/bin/qemu-system-x86_64"), Some("qemu-system-x86"));
        assert_eq!(package_of("nosuch"), None);
    }
}
