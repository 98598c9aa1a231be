//! What is run beside the reproducers: a small set of our own, and tests of LTP and of the kernel by name.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Our own set, C source.
pub(crate) const SOURCE: &str = include_str!("smoke.c");

/// Folders in which LTP installs its programs.
const LTP: &[&str] =
    &["/opt/ltp/testcases/bin", "/usr/lib/ltp/testcases/bin", "/usr/libexec/ltp/testcases/bin"];
/// Folders in which the kernel's selftests are installed.
const KSELFTEST: &[&str] =
    &["/usr/libexec/kselftests", "/usr/lib/kselftests", "/opt/kselftest", "/usr/lib/kselftest"];

/// The program that `name` means: `ltp:pipe01`, `kselftest:timers/posix_timers`; none for `small`, our own.
pub(crate) fn program(name: &str, tree: &Path) -> Result<Option<PathBuf>, Failure> {
    let unknown = || {
        Failure::usage(format!("there is no smoke test {name}"))
            .hint("there are `small`, `ltp:NAME` and `kselftest:FOLDER/NAME`, and --repro FILE for a program of your own")
    };
    if name == "small" {
        return Ok(None);
    }
    let (kind, test) = name.split_once(':').ok_or_else(unknown)?;
    if test.is_empty() || test.starts_with('/') || test.split('/').any(|part| part == "..") {
        return Err(unknown());
    }
    let mut folders: Vec<PathBuf> = match kind {
        "ltp" => LTP.iter().map(PathBuf::from).collect(),
        "kselftest" => KSELFTEST.iter().map(PathBuf::from).collect(),
        _ => return Err(unknown()),
    };
    if kind == "kselftest" {
        // Built in the tree itself.
        folders.push(tree.join("tools/testing/selftests"));
    }
    let found = folders.iter().map(|folder| folder.join(test)).find(|path| path.is_file());
    found.map(Some).ok_or_else(|| {
        let places: Vec<String> =
            folders.iter().map(|folder| folder.display().to_string()).collect();
        Failure::usage(format!("{name}: no such test in {}", places.join(", ")))
            .hint("install it there, or leave it out")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_found_by_its_name_and_never_outside_of_its_folder() {
        let tree = tempfile::tempdir().unwrap();
        let folder = tree.path().join("tools/testing/selftests/timers");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("nap"), "").unwrap();
        assert_eq!(program("small", tree.path()).unwrap(), None);
        let found = program("kselftest:timers/nap", tree.path()).unwrap();
        assert_eq!(found, Some(folder.join("nap")));
        for name in
            ["large", "kselftest:../x", "kselftest:/etc/passwd", "ltp:", "xfs:1", "ltp:no-such"]
        {
            assert!(program(name, tree.path()).is_err(), "{name}");
        }
    }
}
