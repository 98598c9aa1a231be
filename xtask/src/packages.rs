//! The Debian packages that tests use. They are installed when that is allowed; otherwise they are
//! named, and the tests that need them say that they skip.

use std::process::{Command, Stdio};

use crate::{run, say};

/// (package, a program or a file that is there when it is installed, what it is for).
const PACKAGES: &[(&str, &str, &str)] = &[
    ("build-essential", "cc", "the C parts of compression libraries, and fault modules"),
    ("python3", "python3", "the scorers of published crash cases, where they are at hand"),
    ("git", "git", "histories to bisect, patches to apply"),
    ("qemu-system-x86", "qemu-system-x86_64", "booting kernels"),
    ("cpio", "cpio", "unpacking initial file systems"),
    ("flex", "flex", "building kernels"),
    ("bison", "bison", "building kernels"),
    ("bc", "bc", "building kernels"),
    ("libelf-dev", "/usr/include/libelf.h", "building kernels"),
    ("ccache", "ccache", "building kernels again"),
    ("xz-utils", "xz", "unpacking a kernel's source"),
    ("apt", "apt-get", "downloading kernels, which are unpacked and not installed"),
    ("chromium", "chromium", "the test of the HTML page"),
];

/// Installs the missing packages, when root asks on a Debian machine.
pub(crate) fn install() -> anyhow::Result<()> {
    let missing: Vec<_> =
        PACKAGES.iter().filter(|(_, program, _)| !is_installed(program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|(package, ..)| *package).collect();
    if is_root() && is_installed("apt-get") {
        run("apt-get", &["-qq", "update"])?;
        let mut arguments = vec!["-qq", "install", "--yes", "--no-install-recommends"];
        arguments.extend(&names);
        // Tests skip, visibly, what they cannot do; a mirror that is down fails no test.
        if let Err(error) = run("apt-get", &arguments) {
            say(&format!("warning: {error:#}"));
        }
        return Ok(());
    }
    say("Some tests will skip. To run them too, install:");
    for (package, _, reason) in missing {
        say(&format!("  {package:<18} {reason}"));
    }
    say(&format!("  apt-get install {}", names.join(" ")));
    Ok(())
}

fn is_installed(program: &str) -> bool {
    if program.starts_with('/') {
        return std::path::Path::new(program).exists();
    }
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
    });
    found || std::path::Path::new("/usr/sbin").join(program).is_file()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").stderr(Stdio::null()).output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
