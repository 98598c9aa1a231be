//! `ktriage fuzz exec` from the outside. What needs a guest is skipped where no kernel for fuzzing is named.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// An image of a kernel for fuzzing.
const VARIABLE: &str = "KTRIAGE_FUZZ_KERNEL";

const PROGRAMS: &[(&str, &str)] = &[
    (
        "files.syz",
        "r0 = openat(0xffffffffffffff9c, &AUTO='./file0\\x00', 0x42, 0x1ff)\n\
         write(r0, &AUTO='abc', 0x3)\nclose(r0)\nclose(r0) # EBADF\n",
    ),
    ("wrong.syz", "close(0xffffffffffffffff) # ENOENT\n"),
    (
        "crash.syz",
        "r0 = openat(0xffffffffffffff9c, &AUTO='/proc/sysrq-trigger\\x00', 0x1, 0x0)\n\
         write(r0, &AUTO='c', 0x1)\n",
    ),
];

fn exec(folder: &Path, arguments: &[&str]) -> Output {
    for (name, text) in PROGRAMS {
        fs::write(folder.join(name), text).expect("written");
    }
    Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(["fuzz", "exec", "--state", "state"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_program_that_is_none_is_wrong_use_before_anything_boots() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("none.syz"), "no_such_call()\n").expect("written");
    let output = exec(folder.path(), &["none.syz", "--kernel", "./no-kernel"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("none.syz:1"), "{output:?}");
}

#[test]
fn a_kernel_that_is_none_is_wrong_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = exec(folder.path(), &["files.syz", "--kernel", "./no-kernel"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("no-kernel"), "{output:?}");
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that skips says so")]
fn calls_are_told_one_by_one_and_a_crash_by_its_title() {
    let Ok(kernel) = std::env::var(VARIABLE) else {
        eprintln!("skipped: no kernel for fuzzing named in {VARIABLE}");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let programs = ["files.syz", "wrong.syz", "crash.syz", "files.syz"];
    let options = ["--kernel", &kernel, "--verify", "--json", "--exit-code"];
    let output = exec(folder.path(), &[&programs[..], &options[..]].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let printed = text(&output.stdout);
    let runs: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(runs.len(), 4, "{printed}");
    for files in [&runs[0], &runs[3]] {
        assert_eq!(files["end"], "finished");
        assert_eq!(files["otherwise"], 0);
        assert_eq!(files["calls"][1]["result"], 3);
        assert_eq!(files["calls"][3]["errno_name"], "EBADF");
    }
    assert_eq!(runs[1]["otherwise"], 1);
    assert_eq!(runs[1]["calls"][0]["as_expected"], false);
    assert_eq!(runs[2]["end"], "crashed");
    assert!(runs[2]["crash"].as_str().is_some_and(|title| title.contains("panic")), "{printed}");
    assert!(folder.path().join("state/exec/crash.log").is_file());
}
