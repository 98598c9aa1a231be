//! The Debian packages that tests use. They are installed when that is allowed; otherwise they are
//! named, and the tests that need them say that they skip.

use std::path::Path;
use std::process::{Command, Stdio};

use model::program::{Need, PROGRAMS, Program};

use crate::task::{run, say};

/// Installs the packages that the tests lack, when root asks on a Debian machine.
pub(crate) fn install() -> anyhow::Result<()> {
    let missing: Vec<&Program> = PROGRAMS
        .iter()
        .filter(|row| row.need != Need::FreshMachine && !is_installed(row.name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut names: Vec<&str> = missing.iter().map(|row| row.package).collect();
    names.sort_unstable();
    names.dedup();
    if is_root() && is_installed("apt-get") {
        run("apt-get", &["-qq", "update"])?;
        // Nobody is there to answer the questions of a package.
        let mut arguments = vec!["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "install"];
        arguments.extend(["--yes", "--no-install-recommends"]);
        arguments.extend(&names);
        // Tests skip, visibly, what they cannot do; a mirror that is down fails no test.
        if let Err(error) = run("env", &arguments) {
            say(&format!("warning: {error:#}"));
        }
        return Ok(());
    }
    say("Some tests will skip. To run them too, install:");
    for row in missing {
        say(&format!("  {:<18} {}", row.package, row.purpose));
    }
    say(&format!("  apt-get install {}", names.join(" ")));
    Ok(())
}

/// Whether a program is in `PATH`, or a file is there.
pub(crate) fn is_installed(name: &str) -> bool {
    if name.starts_with('/') {
        return Path::new(name).exists();
    }
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|directory| directory.join(name).is_file())
    });
    found || Path::new("/usr/sbin").join(name).is_file()
}

/// Whether root asks.
pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").stderr(Stdio::null()).output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
