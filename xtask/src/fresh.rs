//! The README's commands on a machine that has nothing: a bare Debian 12 in a folder, with the Rust
//! toolchain of this machine, a C compiler and a clone of the committed tree.
//!
//! Everything is mounted in a name space of its own, which ends with the command. So nothing of this
//! machine is ever mounted where files are deleted; that is looked at all the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::packages::{is_installed, is_root};
use crate::task::{self, cannot_start, say};

/// The release that the README names.
const SUITE: &str = "bookworm";
/// What the README asks for before its first command: a C compiler; and the certificates without
/// which no library is downloaded.
const INCLUDED: &str = "ca-certificates,gcc,libc6-dev";
/// Where Debian keeps its sources: the new form, the old one.
const SOURCES: &[&str] = &["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];
/// Places in the root.
const TOOLCHAIN: &str = "opt/rust";
const CLONE: &str = "ktriage";
const CARGO_HOME: &str = "var/cargo";

/// What runs in the name space: `$1` is the root, `$2` the toolchain, `$3` the command.
const INSIDE: &str = r#"
set -eu
cd "$1"
mount --bind "$1" "$1"
cd "$1"
mount --bind "$2" opt/rust
mount -o remount,bind,ro opt/rust
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
pivot_root . .
umount -l .
cd /ktriage
exec /usr/bin/env -i HOME=/root TERM=dumb LANG=C.UTF-8 CI=true CARGO_HOME=/var/cargo \
    PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /bin/sh -c "$3"
"#;

/// Makes the root if it is not there, renews the clone, and runs the README's commands or `command`.
pub(crate) fn run(root: &Path, command: &[&str]) -> anyhow::Result<()> {
    let begin = Instant::now();
    let commands = match command {
        [] => {
            commands(&fs::read_to_string(root.join("README.md")).context("cannot read README.md")?)?
        }
        words => vec![words.join(" ")],
    };
    let machine = make_root(root)?;
    step("toolchain and clone");
    let toolchain = toolchain()?;
    copy_registry(&machine)?;
    clone(root, &machine.join(CLONE))?;
    for (at, command) in commands.iter().enumerate() {
        step(&format!("command {} of {}: {command}", at + 1, commands.len()));
        let start = Instant::now();
        // All of it ends with this process, however that ends.
        let status = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "unshare"])
            .args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"])
            .args(["/bin/sh", "-c", INSIDE, "fresh"])
            .arg(&machine)
            .arg(&toolchain)
            .arg(command)
            .current_dir("/")
            .status()
            .with_context(|| cannot_start("setpriv"))?;
        if !status.success() {
            bail!(
                "`{command}` failed on a fresh machine ({status}); it stays in {} and the next call goes on in it",
                machine.display()
            );
        }
        step(&format!("`{command}` took {} s", start.elapsed().as_secs()));
    }
    step(&format!("passed in {} s", begin.elapsed().as_secs()));
    Ok(())
}

/// Removes the root.
pub(crate) fn clean(root: &Path) -> anyhow::Result<()> {
    remove(&folder(root))
}

fn step(text: &str) {
    say(&format!("fresh: {text}"));
}

fn folder(root: &Path) -> PathBuf {
    root.join("target/fresh")
}

/// The README's commands: the indented lines with `cargo` of its section on them.
fn commands(readme: &str) -> anyhow::Result<Vec<String>> {
    let section = readme
        .split("\n## ")
        .find(|section| section.starts_with("Two commands\n"))
        .context("README.md has no section `Two commands`")?;
    let found: Vec<String> = section
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with("cargo "))
        .map(str::to_owned)
        .collect();
    if found.len() != 2 {
        bail!("README.md's section `Two commands` has {}", found.len());
    }
    Ok(found)
}

/// The bare Debian. One that is half made lies under another name and is made again.
fn make_root(root: &Path) -> anyhow::Result<PathBuf> {
    let machine = folder(root).join("root");
    if machine.is_dir() {
        step("the machine of an earlier call is used (`cargo xtask fresh --clean` removes it)");
        return Ok(machine);
    }
    for program in ["mmdebstrap", "setpriv", "unshare", "git"] {
        if !is_installed(program) {
            bail!(cannot_start(program));
        }
    }
    if !is_root() {
        bail!("a fresh machine is made by root only");
    }
    let sources = SOURCES
        .iter()
        .find(|path| Path::new(path).is_file())
        .context("this machine has no sources of Debian's packages")?;
    let half = folder(root).join("root.part");
    remove(&half)?;
    fs::create_dir_all(folder(root)).context("cannot make target/fresh")?;
    step("making a bare Debian, about a minute");
    let half_path = half.to_string_lossy();
    let arguments =
        ["--quiet", "--variant=minbase", "--include", INCLUDED, SUITE, &*half_path, sources];
    task::run("mmdebstrap", &arguments)?;
    // This machine's trust goes with its sources.
    let certificates = "etc/ssl/certs/ca-certificates.crt";
    let ours = Path::new("/").join(certificates);
    if ours.is_file() {
        fs::copy(&ours, half.join(certificates)).context("cannot copy the certificates")?;
    }
    for place in ["etc/resolv.conf", "etc/hosts"] {
        let ours = Path::new("/").join(place);
        if ours.is_file() {
            fs::copy(&ours, half.join(place)).with_context(|| format!("cannot copy /{place}"))?;
        }
    }
    for place in [TOOLCHAIN, CLONE, CARGO_HOME] {
        fs::create_dir_all(half.join(place)).with_context(|| format!("cannot make {place}"))?;
    }
    fs::rename(&half, &machine).context("cannot name the new machine")?;
    Ok(machine)
}

/// The folder of the toolchain that is in use.
fn toolchain() -> anyhow::Result<PathBuf> {
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .context("cannot ask rustc for its folder")?;
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if !path.join("bin/cargo").is_file() {
        bail!("there is no cargo in {}", path.display());
    }
    Ok(path)
}

/// Where libraries come from: cargo's settings, and what was downloaded before.
fn copy_registry(machine: &Path) -> anyhow::Result<()> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    let Some(home) = home else { return Ok(()) };
    for name in ["config.toml", "registry"] {
        let (from, to) = (home.join(name), machine.join(CARGO_HOME).join(name));
        if from.exists() && !to.exists() {
            let from = from.to_string_lossy();
            task::run("cp", &["-r", &*from, &*to.to_string_lossy()])?;
        }
    }
    Ok(())
}

/// A clone of the committed tree. What was built in it stays.
fn clone(root: &Path, place: &Path) -> anyhow::Result<()> {
    let root = root.to_string_lossy();
    let place_path = place.to_string_lossy();
    if place.join(".git").exists() {
        task::run("git", &["-C", &*place_path, "fetch", "--quiet", &*root, "HEAD"])?;
        return task::run("git", &["-C", &*place_path, "reset", "--quiet", "--hard", "FETCH_HEAD"]);
    }
    task::run("git", &["clone", "--quiet", "--no-hardlinks", &*root, &*place_path])
}

/// Removes a folder, unless something is mounted in it.
fn remove(place: &Path) -> anyhow::Result<()> {
    let Ok(place) = place.canonicalize() else { return Ok(()) };
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("cannot list the mounts")?;
    if let Some(mount) = mounts_below(&mounts, &place).first() {
        bail!("{mount} is mounted; unmount it, then try again");
    }
    fs::remove_dir_all(&place).with_context(|| format!("cannot remove {}", place.display()))
}

/// The mounts at or below a folder, by `/proc/self/mountinfo`.
fn mounts_below<'a>(mounts: &'a str, place: &Path) -> Vec<&'a str> {
    mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .filter(|mount| Path::new(&mount.replace("\\040", " ")).starts_with(place))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_two_commands() {
        let readme = fs::read_to_string(task::root().join("README.md")).unwrap();
        let found = commands(&readme).unwrap();
        assert!(found[0].starts_with("cargo run --release -- samples/"), "{found:?}");
        assert_eq!(found[1], "cargo xtask test");
    }

    #[test]
    fn a_mount_in_a_folder_is_seen_and_one_beside_it_is_not() {
        let mounts = "22 1 0:5 / /a/fresh/tree/proc rw - proc proc rw\n\
                      23 1 0:6 / /a/freshness rw - tmpfs none rw\n\
                      24 1 0:7 / /a/fresh/with\\040space rw - tmpfs none rw\n";
        let found = mounts_below(mounts, Path::new("/a/fresh"));
        assert_eq!(found, ["/a/fresh/tree/proc", "/a/fresh/with\\040space"]);
    }
}
