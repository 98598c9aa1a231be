//! Which functions of a kernel run: QEMU writes down each instruction that it translates, once, of the
//! addresses of these functions. So it does not matter which task or interrupt runs them, and no kernel
//! has to be built for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use app_lab::{LabError, Plan, one_run, snapshot_after_boot};
use io_vm::Initramfs;
use parse_elf::{Elf, Function};

use crate::failure::Failure;
use crate::lab::Ran;

/// Functions that are watched; more do not fit a command line.
const MOST: usize = 500;
/// Bytes of QEMU's notes that are read.
const MOST_NOTES: u64 = 256 << 20;

/// Boots the plan's kernel and runs its reproducer once, and tells which of `names` ran in each.
/// In words, why that cannot be told.
pub(crate) fn watch(
    plan: &Plan,
    vmlinux: &Path,
    names: &[String],
    place: &Path,
) -> Result<Result<Ran, String>, Failure> {
    let bytes = fs::read(vmlinux).map_err(|error| Failure::io("read", vmlinux, &error))?;
    let functions = match functions(&bytes, names) {
        Ok(functions) => functions,
        Err(reason) => return Ok(Err(reason)),
    };
    let there: BTreeSet<String> =
        functions.iter().map(|function| plain(&function.name).to_owned()).collect();
    let mut ran = Ran { there: there.into_iter().collect(), ..Ran::default() };
    if functions.is_empty() {
        return Ok(Ok(ran));
    }
    if place.exists() {
        fs::remove_dir_all(place).map_err(|error| Failure::io("remove", place, &error))?;
    }
    fs::create_dir_all(place).map_err(|error| Failure::io("make", place, &error))?;
    let mut plan = plan.clone();
    plan.settings.qemu = emulator(&plan.settings.qemu, &functions, place)?;
    let initramfs = Initramfs::build(&plan.kernel, &plan.modules, &plan.prepared.files)
        .map_err(Failure::from_error)?;
    let boot = snapshot_after_boot(&plan, &initramfs, &place.join("boot"), &mut |_| {});
    let snapshot = match boot {
        Ok(snapshot) => snapshot,
        Err(LabError::Stopped) => return Err(Failure::stopped()),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let at_boot = addresses(place)?;
    forget(place)?;
    match one_run(&plan, Some(&snapshot), &initramfs, place, 1) {
        Ok(_) => {}
        Err(LabError::Stopped) => return Err(Failure::stopped()),
        Err(error) => return Ok(Err(error.to_string())),
    }
    let at_run = addresses(place)?;
    forget(place)?;
    ran.boot = names_of(&functions, &at_boot);
    ran.run = names_of(&functions, &at_run);
    let all: BTreeSet<u64> = at_boot.union(&at_run).copied().collect();
    let has_lines = Elf::parse(&bytes)
        .and_then(|elf| elf.sections())
        .is_ok_and(|sections| sections.iter().any(|section| section.name == ".debug_line"));
    ran.lines = if has_lines { lines(vmlinux, &all) } else { None };
    Ok(Ok(ran))
}

/// Puts what was seen with another reproducer together with the rest.
pub(crate) fn add(ran: &mut Ran, seen: Ran) {
    let join = |mine: &mut Vec<String>, other: Vec<String>| {
        mine.extend(other);
        mine.sort();
        mine.dedup();
    };
    join(&mut ran.there, seen.there);
    join(&mut ran.boot, seen.boot);
    join(&mut ran.run, seen.run);
    if let Some(lines) = seen.lines {
        let mine = ran.lines.get_or_insert_default();
        mine.extend(lines);
        mine.sort();
        mine.dedup();
    }
}

/// The symbols of the wanted functions. A compiler makes several of one: `f.cold`, `f.isra.0`.
fn functions(bytes: &[u8], names: &[String]) -> Result<Vec<Function>, String> {
    let wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let elf = Elf::parse(bytes).map_err(|error| error.to_string())?;
    let found =
        elf.functions(|name| wanted.contains(plain(name))).map_err(|error| error.to_string())?;
    match found.len() {
        0..=MOST => Ok(found),
        many => Err(format!("{many} functions changed, which are more than can be watched")),
    }
}

/// The name in the source.
fn plain(symbol: &str) -> &str {
    symbol.split('.').next().unwrap_or(symbol)
}

/// A program that starts QEMU with the notes switched on: each process writes a file of its own.
fn emulator(qemu: &Path, functions: &[Function], place: &Path) -> Result<PathBuf, Failure> {
    let ranges: Vec<String> = functions
        .iter()
        .map(|function| format!("{:#x}+{:#x}", function.address, function.size))
        .collect();
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', "'\\''"));
    let path = place.join("qemu");
    let text = format!(
        "#!/bin/sh\nexec {} \"$@\" -d in_asm -dfilter {} -D {}/notes-%d\n",
        quoted(qemu),
        ranges.join(","),
        // QEMU puts its process number where this has a %.
        quoted(place).replace('%', "%%"),
    );
    let write = || {
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
    };
    write().map_err(|error| Failure::io("write", &path, &error))?;
    Ok(path)
}

/// The files with notes.
fn notes(place: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(place).map_err(|error| Failure::io("read", place, &error))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths
        .filter(|path| {
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"notes-"))
        })
        .collect())
}

fn forget(place: &Path) -> Result<(), Failure> {
    for path in notes(place)? {
        fs::remove_file(&path).map_err(|error| Failure::io("remove", &path, &error))?;
    }
    Ok(())
}

/// The addresses of all instructions in the notes.
fn addresses(place: &Path) -> Result<BTreeSet<u64>, Failure> {
    use std::io::Read as _;
    let mut all = BTreeSet::new();
    for path in notes(place)? {
        let failed = |error: std::io::Error| Failure::io("read", &path, &error);
        let mut bytes = Vec::new();
        let file = fs::File::open(&path).map_err(failed)?;
        file.take(MOST_NOTES).read_to_end(&mut bytes).map_err(failed)?;
        all.extend(String::from_utf8_lossy(&bytes).lines().filter_map(instruction));
    }
    Ok(all)
}

/// `0xffffffff81101e99:  48 89 f8                 movq     %rdi, %rax`
fn instruction(line: &str) -> Option<u64> {
    let (address, _) = line.strip_prefix("0x")?.split_once(':')?;
    u64::from_str_radix(address, 16).ok()
}

fn names_of(functions: &[Function], ran: &BTreeSet<u64>) -> Vec<String> {
    let names: BTreeSet<&str> = functions
        .iter()
        .filter(|one| ran.range(one.address..one.address.saturating_add(one.size)).next().is_some())
        .map(|one| plain(&one.name))
        .collect();
    names.into_iter().map(str::to_owned).collect()
}

/// The source lines of addresses, by `addr2line`; nothing where it is missing or fails.
fn lines(vmlinux: &Path, addresses: &BTreeSet<u64>) -> Option<Vec<(String, u64)>> {
    use std::io::Write as _;
    let mut child = Command::new("addr2line")
        .args(["--inlines", "--exe"])
        .arg(vmlinux)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let text: String = addresses.iter().map(|address| format!("{address:#x}\n")).collect();
    let mut input = child.stdin.take()?;
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    output.status.success().then(|| source_lines(&String::from_utf8_lossy(&output.stdout)))
}

/// `/src/kernel/fork.c:12 (discriminator 3)` and the like.
fn source_lines(printed: &str) -> Vec<(String, u64)> {
    let mut seen: BTreeMap<(String, u64), ()> = BTreeMap::new();
    for line in printed.lines() {
        let place = line.split(" (").next().unwrap_or(line);
        if let Some((file, number)) = place.rsplit_once(':')
            && let Ok(number) = number.parse::<u64>()
        {
            seen.insert((file.to_owned(), number), ());
        }
    }
    seen.into_keys().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_qemu_notes_is_read_by_function() {
        let notes = "----------------\nIN: \n0xffffffff81101e90:  48 81 ff 00     cmpq  $-1, %rdi\n\
                     0xffffffff81101e97:  72 0d    jb 0xffffffff81101ea6\n\nnoise: 0xffffffff81102000\n";
        let ran: BTreeSet<u64> = notes.lines().filter_map(instruction).collect();
        assert_eq!(ran.len(), 2);
        let function = |name: &str, address| Function { name: name.into(), address, size: 0x20 };
        let functions = [
            function("f.cold", 0xffff_ffff_8110_1e80),
            function("g", 0xffff_ffff_8110_1ea0),
            function("h", 0xffff_ffff_8110_1e97),
        ];
        assert_eq!(names_of(&functions, &ran), ["f", "h"]);
    }

    #[test]
    fn lines_of_addresses_are_read_whatever_addr2line_adds() {
        let printed = "/src/kernel/a.c:12 (discriminator 3)\n/src/b.h:3\n??:0\n??:?\n";
        let lines = source_lines(printed);
        assert_eq!(lines[1], ("/src/kernel/a.c".to_owned(), 12));
        assert_eq!(lines.len(), 3);
    }
}
