//! A bisection of real kernels: a history made from a kernel's source, each commit built, booted in a
//! virtual machine and tested there, killed in the middle and resumed. Skipped, visibly, without the
//! source, a compiler or QEMU.

#![expect(clippy::print_stderr, reason = "a test that skips or works for minutes says so")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use io_kernel_build::{Source, source_tree};
use serde_json::Value;

/// Blocks of eight commits. `KTRIAGE_TEST_BLOCKS` makes the history longer.
const BLOCKS: usize = 3;

/// The folder in which the tests keep kernels, sources and what compilers made: kept between runs.
fn lab() -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lab");
    fs::create_dir_all(&target).unwrap();
    target.canonicalize().unwrap()
}

/// The source of one of Debian's kernels, or what is missing for a bisection.
fn source(lab: &Path) -> Result<PathBuf, String> {
    for (program, package) in [
        ("qemu-system-x86_64", "qemu-system-x86"),
        ("gcc", "gcc"),
        ("make", "make"),
        ("flex", "flex"),
        ("bison", "bison"),
        ("bc", "bc"),
        ("git", "git"),
    ] {
        if Command::new(program).arg("--version").stdout(Stdio::null()).status().is_err() {
            return Err(format!("no {program} (package {package})"));
        }
    }
    if !Path::new("/usr/include/libelf.h").exists() {
        return Err("no libelf.h (package libelf-dev)".into());
    }
    let mut reasons = Vec::new();
    for version in ["6.12", "6.1"] {
        match source_tree(&Source::Debian(version.into()), &lab.join("sources")) {
            Ok(tree) => return Ok(tree),
            Err(error) => reasons.push(error.to_string()),
        }
    }
    Err(reasons.join("; "))
}

struct Bisection {
    lab: PathBuf,
}

impl Bisection {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ktriage"));
        command.arg("bisect").args(arguments).arg("--state").arg(&self.lab).current_dir("/");
        command
    }

    /// The record, as far as there is one.
    fn shown(&self) -> Option<Value> {
        let output = self.command(&["show", "--json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).ok()
    }

    fn attempts(&self) -> Vec<Value> {
        let shown = self.shown();
        shown.and_then(|shown| shown["attempts"].as_array().cloned()).unwrap_or_default()
    }

    /// Waits until `enough` attempts are recorded.
    fn wait_for(&self, child: &mut Child, enough: usize) {
        let deadline = Instant::now() + Duration::from_secs(45 * 60);
        while self.attempts().len() < enough {
            assert!(child.try_wait().unwrap().is_none(), "the bisection ended early");
            assert!(Instant::now() < deadline, "{} attempts so far", self.attempts().len());
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

#[test]
fn the_culprit_among_real_kernels_is_found_though_the_bisection_is_killed() {
    let lab = lab();
    let tree = match source(&lab) {
        Ok(tree) => tree,
        Err(reason) => {
            eprintln!("skipped: {reason}");
            return;
        }
    };
    let blocks = std::env::var("KTRIAGE_TEST_BLOCKS").ok().and_then(|n| n.parse().ok());
    let folder = tempfile::tempdir_in(&lab).unwrap();
    let repository = folder.path().join("linux");
    let history = testing_history::make(&tree, &repository, blocks.unwrap_or(BLOCKS)).unwrap();
    assert!(history.commits >= 16);
    let reproducer = testing_history::write_reproducer(folder.path()).unwrap();
    let bisection = Bisection { lab };

    // Confident enough that chance hardly ever fails this test.
    let mut child = bisection
        .command(&["run", "--good", &history.good, "--bad", &history.bad])
        .args(["--confidence", "0.995", "--repository", repository.to_str().unwrap()])
        .args(["--repro", reproducer.to_str().unwrap(), "--memory", "256"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    bisection.wait_for(&mut child, 1);
    let start = bisection.attempts().len();
    bisection.wait_for(&mut child, start + 8);
    child.kill().unwrap();
    child.wait().unwrap();
    let before = bisection.attempts();

    let output = bisection.command(&["resume"]).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let shown = bisection.shown().unwrap();
    let after = bisection.attempts();
    // Which failure is the wanted one can become clear later; what was seen cannot change.
    let seen = |attempts: &[Value]| -> Vec<Value> {
        let mut seen = attempts.to_vec();
        seen.iter_mut()
            .filter_map(Value::as_object_mut)
            .for_each(|one| drop(one.remove("outcome")));
        seen
    };
    assert_eq!(seen(&after[..before.len()]), seen(&before), "what was recorded stays");
    assert_eq!(shown["conclusion"]["kind"], "culprit", "{}", shown["conclusion"]);
    assert_eq!(shown["conclusion"]["commits"][0]["commit"], history.culprit.as_str());

    // The folder of the test goes, and with it what the bisection built in it.
    let work = bisection.lab.join(format!("bisect-{}", shown["bisection"]));
    fs::remove_dir_all(&work).unwrap();
}
