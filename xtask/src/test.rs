//! The test run: one build in one profile, a line a test program, and at the end what was skipped and
//! where the time went.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::task::{run as run_command, say};
use crate::{packages, tidy};

/// How much is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Everything.
    Whole,
    /// What needs neither a machine nor a kernel's build, with what is installed.
    Quick,
}

/// Debian's kernels that tests boot, the first that can be had.
const KERNELS: &[&str] = &["6.12-cloud", "6.1-cloud"];
/// Test programs that boot or build kernels.
const WITH_MACHINES: &[&str] = &["bisect_kernels", "lab", "machines", "try_kernels"];
/// Words of a skip for want of something that no package of Debian brings; a kernel for fuzzing is instrumented as a whole,
/// and its build alone takes longer than all tests.
const NOT_INSTALLABLE: &[&str] =
    &["shared", "b4 command", "name space", "ulimit", "kernel for fuzzing"];
/// Without a word for this long, the line that tells what runs is repeated.
const PAUSE: Duration = Duration::from_secs(30);
/// How many of the slowest test programs are named at the end.
const SLOWEST: usize = 6;

/// Everything a change must pass, or the quick part of it.
pub(crate) fn run(root: &Path, extent: Extent) -> anyhow::Result<()> {
    let begin = Instant::now();
    if extent == Extent::Whole {
        packages::install()?;
    }
    tidy::run(root, false)?;
    let targets = targets(root, extent)?;
    let log = root.join("target/test.log");
    let mut log_file =
        File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut watch = Watch::new();
    say("building the tests");
    let cargo = |more: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(["test", "--workspace", "--locked"]).args(&targets).args(more);
        command.current_dir(root);
        command
    };
    if !watch.follow(cargo(&["--no-run"]), &mut log_file)? {
        bail!("the tests do not build");
    }
    let built = begin.elapsed();
    say(&format!("built in {} s", built.as_secs()));
    if extent == Extent::Whole {
        fetch_kernel(root);
    }
    let ready = begin.elapsed();
    let passed = watch.follow(cargo(&["--no-fail-fast", "--", "--show-output"]), &mut log_file)?;
    watch.summary();
    say(&format!(
        "{} s in all: {} s building, {} s for a kernel, {} s testing; the whole output is in {}",
        begin.elapsed().as_secs(),
        built.as_secs(),
        (ready - built).as_secs(),
        (begin.elapsed() - ready).as_secs(),
        log.display()
    ));
    if !passed {
        bail!("{} tests failed: {}", watch.failed.len(), watch.failed.join(", "));
    }
    let strict = std::env::var_os("CI").is_some_and(|value| value == "true");
    let wanting = watch.skips.iter().filter(|skip| skip.is_installable()).count();
    if strict && wanting > 0 {
        bail!("{wanting} tests skipped for want of something that can be installed");
    }
    Ok(())
}

/// Arguments of `cargo test` that choose what is built and run.
fn targets(root: &Path, extent: Extent) -> anyhow::Result<Vec<String>> {
    if extent == Extent::Whole {
        return Ok(Vec::new());
    }
    let metadata = tidy::metadata(root)?;
    let names: BTreeSet<&str> = metadata
        .workspace_packages()
        .iter()
        .flat_map(|package| &package.targets)
        .filter(|target| target.is_test())
        .map(|target| target.name.as_str())
        .filter(|name| !WITH_MACHINES.contains(name))
        .collect();
    let tests = names.into_iter().flat_map(|name| ["--test".to_owned(), name.to_owned()]);
    Ok(["--lib".to_owned(), "--bins".to_owned()].into_iter().chain(tests).collect())
}

/// Downloads a kernel of Debian into the tests' lab and boots it. Without one the tests that need it
/// say that they skip.
fn fetch_kernel(root: &Path) {
    let lab = root.join("target/lab");
    let Ok(own) = std::env::current_exe() else { return };
    // Cargo puts it beside this program, wherever CARGO_TARGET_DIR is.
    let program = own.with_file_name("ktriage");
    for kernel in KERNELS {
        let arguments = ["lab", "boot", kernel, "--state", &lab.to_string_lossy()];
        match run_command(&program.to_string_lossy(), &arguments) {
            Ok(()) => return,
            Err(error) => say(&format!("{error:#}")),
        }
    }
    say("warning: no kernel could be had and booted; tests of real machines will skip");
}

/// A test that said it skips.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Skip {
    /// The test, as `program: name`, or only the program where the name is not known.
    test: String,
    /// Its words.
    reason: String,
}

impl Skip {
    fn is_installable(&self) -> bool {
        !NOT_INSTALLABLE.iter().any(|words| self.reason.contains(words))
    }
}

/// What is known of the run so far.
#[derive(Debug)]
struct Watch {
    begin: Instant,
    /// What runs now, and since when.
    now: Option<(String, Instant)>,
    /// The lines of the test program that runs now.
    lines: Vec<String>,
    /// The test whose output is being shown.
    shown: Option<String>,
    compiled: usize,
    told: Instant,
    tests: usize,
    failed: Vec<String>,
    skips: BTreeSet<Skip>,
    times: Vec<(Duration, String)>,
}

impl Watch {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            begin: now,
            now: None,
            lines: Vec::new(),
            shown: None,
            compiled: 0,
            told: now,
            tests: 0,
            failed: Vec::new(),
            skips: BTreeSet::new(),
            times: Vec::new(),
        }
    }

    /// Runs a command to its end, tells what goes on, and says whether it succeeded.
    fn follow(&mut self, mut command: Command, log: &mut File) -> anyhow::Result<bool> {
        let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
        command
            .stdin(Stdio::null())
            .stdout(writer.try_clone().context("cannot make a pipe")?)
            .stderr(writer);
        let mut child = command.spawn().context("cannot start cargo")?;
        // Our ends of the pipe must close, or reading never ends.
        drop(command);
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
                if send.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
        loop {
            match receive.recv_timeout(PAUSE) {
                Ok(line) => {
                    writeln!(log, "{line}").context("cannot write the log of the tests")?;
                    if let Some(text) = self.line(&line) {
                        self.tell(&text);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    let what = self.now.as_ref().map_or_else(
                        || format!("{} crates compiled", self.compiled),
                        |(name, since)| format!("{name} runs for {} s", since.elapsed().as_secs()),
                    );
                    self.tell(&what);
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(child.wait().context("cannot wait for cargo")?.success())
    }

    fn tell(&mut self, text: &str) {
        self.told = Instant::now();
        let seconds = self.begin.elapsed().as_secs();
        say(&format!("[{:>2}:{:02}] {text}", seconds / 60, seconds % 60));
    }

    /// Takes a line of cargo's or of a test program's; what is to be told about it.
    fn line(&mut self, line: &str) -> Option<String> {
        if let Some(name) = started(line) {
            self.now = Some((name, Instant::now()));
            self.lines.clear();
            self.shown = None;
            return None;
        }
        if ["Compiling ", "Checking "].iter().any(|word| line.trim_start().starts_with(word)) {
            self.compiled += 1;
            let due = self.told.elapsed() > PAUSE;
            return due.then(|| format!("{} crates compiled", self.compiled));
        }
        if let Some(test) =
            line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----"))
        {
            self.shown = Some(test.to_owned());
        }
        if let Some(reason) = line.strip_prefix("skipped: ") {
            self.skip(reason);
        }
        let Some((program, since)) = self.now.clone() else {
            // Cargo's own words: downloads are of no interest, errors are.
            let dull = ["Downloading", "Downloaded", "Finished", "Executable", "Updating"];
            let dull = line.is_empty() || dull.iter().any(|word| line.trim().starts_with(word));
            return (!dull).then(|| line.to_owned());
        };
        self.lines.push(line.to_owned());
        if let Some(test) =
            line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            self.failed.push(format!("{program}: {test}"));
        }
        let result = line.strip_prefix("test result: ")?;
        let took = since.elapsed();
        self.now = None;
        self.times.push((took, program.clone()));
        let passed: usize = result
            .split_once(". ")
            .and_then(|(_, rest)| rest.split(' ').next()?.parse().ok())
            .unwrap_or(0);
        self.tests += passed;
        if result.starts_with("ok") {
            return (passed > 0)
                .then(|| format!("{program}: {passed} passed, {} s", took.as_secs()));
        }
        let from = self.lines.iter().position(|line| line == "failures:").unwrap_or(0);
        Some(format!("{program}: FAILED\n{}", self.lines[from..].join("\n")))
    }

    fn skip(&mut self, reason: &str) {
        let program = self.now.as_ref().map_or("", |(name, _)| name);
        let test = match &self.shown {
            Some(test) => format!("{program}: {test}"),
            None => program.to_owned(),
        };
        self.skips.insert(Skip { test, reason: reason.to_owned() });
    }

    /// Counts and names what was skipped, and says which programs took longest.
    fn summary(&mut self) {
        self.times.sort();
        let slowest: Vec<String> = self
            .times
            .iter()
            .rev()
            .take(SLOWEST)
            .map(|(took, name)| format!("{name} {} s", took.as_secs()))
            .collect();
        say(&format!("slowest: {}", slowest.join(", ")));
        say(&format!("{} tests passed, {} skipped", self.tests, self.skips.len()));
        for skip in &self.skips {
            say(&format!("  skipped: {}: {}", skip.test, skip.reason));
        }
    }
}

/// The test program that a line of cargo's announces: `lab` of
/// `Running tests/lab.rs (target/debug/deps/lab-0a1b2c3d)`, `model` of `Doc-tests model`.
fn started(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{name} (documentation)"));
    }
    let rest = line.strip_prefix("Running ")?;
    let path = rest.split_once(" (")?.1.strip_suffix(')')?;
    let name = path.rsplit('/').next()?;
    Some(name.rsplit_once('-').map_or(name, |(name, _)| name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(text: &str) -> (Watch, Vec<String>) {
        let mut watch = Watch::new();
        let told = text.lines().filter_map(|line| watch.line(line)).collect();
        (watch, told)
    }

    #[test]
    fn a_skip_is_counted_with_its_test_and_its_reason() {
        let (watch, told) = watch(
            "   Compiling model v0.1.0\n     Running tests/lab.rs (target/debug/deps/lab-0a1b)\n\n\
             running 2 tests\ntest a ... ok\ntest b ... ok\n\nsuccesses:\n\n---- b stdout ----\n\
             skipped: no QEMU\n\n\nsuccesses:\n    a\n    b\n\n\
             test result: ok. 2 passed; 0 failed; 0 ignored; finished in 1.00s\n",
        );
        assert_eq!(told, ["lab: 2 passed, 0 s"]);
        let skips: Vec<_> = watch.skips.iter().collect();
        assert_eq!(skips.len(), 1);
        assert_eq!((skips[0].test.as_str(), skips[0].reason.as_str()), ("lab: b", "no QEMU"));
        assert!(skips[0].is_installable());
    }

    #[test]
    fn a_failure_is_named_and_its_output_shown() {
        let (watch, told) = watch(
            "     Running unittests src/lib.rs (target/debug/deps/io_vm-0a1b)\nrunning 2 tests\n\
             test x ... FAILED\ntest y ... ok\n\nsuccesses:\n    y\n\nfailures:\n\n---- x stdout ----\n\
             it is so\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored\n",
        );
        assert_eq!(watch.failed, ["io_vm: x"]);
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("it is so") && !told[0].contains("successes"), "{told:?}");
    }

    #[test]
    fn errors_of_the_compiler_are_passed_on() {
        let (_, told) = watch("   Compiling model v0.1.0\nerror[E0308]: mismatched types\n");
        assert_eq!(told, ["error[E0308]: mismatched types"]);
    }

    #[test]
    fn the_absence_of_reference_material_is_no_want_of_a_package() {
        let skip = |reason: &str| Skip { test: String::new(), reason: reason.to_owned() };
        assert!(!skip("../shared/corpus is absent").is_installable());
        assert!(skip("no git command").is_installable());
    }
}
