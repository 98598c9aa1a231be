//! `ktriage lab` as a user meets it. What needs a real machine is skipped, visibly, without QEMU or
//! a kernel.

#![expect(clippy::print_stderr, reason = "a test that skips says so")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn lab(state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ktriage"));
    command.arg("lab").args(arguments).arg("--state").arg(state).current_dir("/");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The image of a kernel that lies unpacked in `target/lab/kernels` or is installed, with its modules.
fn kernel() -> Option<(PathBuf, PathBuf)> {
    let kernels = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lab/kernels");
    let unpacked = std::fs::read_dir(kernels).into_iter().flatten().flatten().map(|e| e.path());
    let mut roots: Vec<_> = unpacked.collect();
    roots.sort();
    roots.push("/".into());
    let found = roots.iter().find_map(|root| {
        std::fs::read_dir(root.join("boot")).ok()?.flatten().find_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let modules = root.join("lib/modules").join(name.strip_prefix("vmlinuz-")?);
            modules.is_dir().then(|| (entry.path(), modules))
        })
    });
    let qemu = Command::new("qemu-system-x86_64").arg("--version").output();
    if found.is_none() || qemu.is_err() {
        eprintln!("skipped: no QEMU (package qemu-system-x86) or no kernel in target/lab/kernels");
        return None;
    }
    found.map(|(image, modules)| (image.canonicalize().unwrap(), modules.canonicalize().unwrap()))
}

fn run(state: &Path, repro: &Path, more: &[&str]) -> Option<Command> {
    let (image, modules) = kernel()?;
    let mut command = lab(state, &["run", repro.to_str().unwrap()]);
    command.arg("--kernel").arg(image).arg("--modules").arg(modules);
    command.args(["--memory", "256"]).args(more);
    Some(command)
}

fn write(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn status(output: &Output) -> Option<i32> {
    output.status.code()
}

#[test]
fn a_missing_emulator_is_named_with_its_package() {
    let state = tempfile::tempdir().unwrap();
    let image = write(state.path(), "bzImage", "none");
    let output = lab(state.path(), &["boot", image.to_str().unwrap()])
        .args(["--qemu", "/nowhere/qemu"])
        .output()
        .unwrap();
    assert_eq!(status(&output), Some(3));
    let error = text(&output.stderr);
    assert!(error.contains("/nowhere/qemu is not installed"), "{error}");
    assert!(
        error.contains("hint: install it (on Debian: apt-get install qemu-system-x86)"),
        "{error}"
    );
}

#[test]
fn wrong_use_has_its_own_status_and_says_what_to_do() {
    let state = tempfile::tempdir().unwrap();
    let notes = write(state.path(), "notes.txt", "hello");
    for (arguments, words) in [
        (&["boot", "/nowhere/bzImage"][..], "there is no kernel image /nowhere/bzImage"),
        (&["run", notes.to_str().unwrap(), "--kernel", "x"], "neither C source (.c) nor"),
        (&["run", "/nowhere/repro.c", "--kernel", "x"], "/nowhere/repro.c"),
        (&["build", "/nowhere/linux"], "there is no source /nowhere/linux"),
        (&["build", "/", "--name", "../x"], "`../x` is no name for a build"),
        (&["build", "/tmp"], "is no kernel source: it has no Makefile"),
    ] {
        let output = lab(state.path(), arguments).output().unwrap();
        assert_eq!(status(&output), Some(2), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(words), "{}", text(&output.stderr));
    }
}

#[test]
fn a_fault_is_provoked_and_named() {
    let state = tempfile::tempdir().unwrap();
    let repro = write(state.path(), "crash.sh", "#!/bin/sh\necho c > /proc/sysrq-trigger\n");
    let Some(mut command) = run(state.path(), &repro, &["--json", "--exit-code"]) else { return };
    let output = command.output().unwrap();
    let run: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {} {}", text(&output.stdout), text(&output.stderr))
    });
    assert_eq!(run["outcome"], "crashed", "{run}");
    assert_eq!(status(&output), Some(1));
}

#[test]
fn runs_of_a_harmless_program_are_clean_and_its_output_is_kept() {
    let state = tempfile::tempdir().unwrap();
    let source = "#include <stdio.h>\nint main(int c, char **v) { puts(v[1]); return 4; }\n";
    let repro = write(state.path(), "repro.c", source);
    let Some(mut command) = run(state.path(), &repro, &["--runs", "3", "--jobs", "2"]) else {
        return;
    };
    let output = command.args(["--", "word"]).output().unwrap();
    assert_eq!(status(&output), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(shown.contains("3 of 3 clean"), "{shown} {}", text(&output.stderr));
    let campaign = std::fs::read_dir(state.path().join("runs")).unwrap().flatten().next().unwrap();
    for number in 1..=3 {
        let log = campaign.path().join(format!("run-{number}/output.log"));
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "word\n");
    }
}

/// Half of all process numbers are odd; runs of a snapshot that nothing varies all get the same one.
#[test]
fn runs_that_start_from_one_snapshot_do_not_all_get_the_same_process_number() {
    let folder = tempfile::tempdir().unwrap();
    let repro = write(
        folder.path(),
        "parity.c",
        "#include <unistd.h>\nint main(void) { return getpid() & 1; }\n",
    );
    let Some(mut command) =
        run(folder.path(), &repro, &["--runs", "12", "--settle", "0", "--json"])
    else {
        return;
    };
    let output = command.output().unwrap();
    assert_eq!(status(&output), Some(0), "{}", text(&output.stderr));
    let runs: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let odd = runs.iter().filter(|run| run["exit_status"] == 1).count();
    let from: std::collections::BTreeSet<u64> =
        runs.iter().filter_map(|run| run["snapshot"].as_u64()).collect();
    assert_eq!((runs.len(), from.len()), (12, 2), "{runs:?}");
    // All alike by chance: once in two thousand.
    assert!((1..12).contains(&odd), "{odd} of 12 odd");
}

/// The QEMU processes whose parent is `parent`.
fn emulators_of(parent: u32) -> Vec<u32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let id: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let (name, rest) = stat.rsplit_once(") ")?;
            let fields: Vec<_> = rest.split(' ').collect();
            (name.contains("qemu")
                && fields.first() != Some(&"Z")
                && fields.get(1)?.parse() == Ok(parent))
            .then_some(id)
        })
        .collect()
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn results(state: &Path) -> usize {
    std::fs::read_dir(state.join("runs"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("results.jsonl")).ok())
        .map(|text| text.matches("\"run\":").count())
        .sum()
}

/// Starts four runs of which each takes a second, and gives `end` the process once one is done.
fn interrupted(
    end: impl FnOnce(&signals::Process),
) -> Option<(tempfile::TempDir, PathBuf, Output)> {
    let state = tempfile::tempdir().unwrap();
    let repro = write(state.path(), "slow.sh", "#!/bin/sh\nsleep 1\n");
    let child = run(state.path(), &repro, &["--runs", "4"])?
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let process = signals::Process { id: child.id() };
    wait_for("no run ends", || results(state.path()) >= 1);
    wait_for("no QEMU for the next run", || !emulators_of(process.id).is_empty());
    let emulators = emulators_of(process.id);
    end(&process);
    let output = child.wait_with_output().unwrap();
    wait_for("QEMU lives on", || {
        emulators.iter().all(|id| !Path::new(&format!("/proc/{id}/exe")).exists())
    });
    Some((state, repro, output))
}

/// Signals through the shell's `kill`, so that the tests need no more of the system.
mod signals {
    pub(crate) struct Process {
        pub(crate) id: u32,
    }

    impl Process {
        pub(crate) fn signal(&self, name: &str) {
            let status = std::process::Command::new("/bin/sh")
                .args(["-c", &format!("kill -{name} {}", self.id)])
                .current_dir("/")
                .status()
                .unwrap();
            assert!(status.success());
        }
    }
}

fn goes_on(state: &Path, repro: &Path) {
    let output = run(state, repro, &["--runs", "4"]).unwrap().output().unwrap();
    let (shown, told) = (text(&output.stdout), text(&output.stderr));
    assert!(told.contains("going on where an earlier call stopped"), "{told}");
    assert!(shown.contains("4 of 4 clean"), "{shown} {told}");
}

#[test]
fn after_a_sudden_death_no_emulator_stays_and_the_next_call_goes_on() {
    let Some((state, repro, _)) = interrupted(|process| process.signal("KILL")) else { return };
    goes_on(state.path(), &repro);
}

#[test]
fn an_interrupt_ends_in_order_and_the_next_call_goes_on() {
    let Some((state, repro, output)) = interrupted(|process| process.signal("INT")) else { return };
    assert_eq!(status(&output), Some(3));
    let told = text(&output.stderr);
    assert!(told.contains("error: stopped"), "{told}");
    assert!(told.contains("the same call goes on from here"), "{told}");
    goes_on(state.path(), &repro);
}

/// A source tree whose build ends as a kernel's does when `fs/open.c` does not compile.
fn broken_tree(folder: &Path) -> PathBuf {
    let tree = folder.join("linux");
    std::fs::create_dir_all(tree.join("scripts/kconfig")).unwrap();
    write(&tree, "Kconfig", "config SMP\n\tbool \"SMP\"\n");
    write(
        &tree,
        "Makefile",
        "allnoconfig olddefconfig:\n\t@echo CONFIG_SMP=y > $(O)/.config\nbzImage:\n\
         \t@for n in 1 2 3; do echo \"  CC      fs/file$$n.o\"; done\n\
         \t@echo \"fs/open.c:35:2: error: 'x' undeclared\" >&2\n\t@exit 2\n",
    );
    tree
}

#[test]
fn a_failed_build_names_file_and_error_and_where_the_rest_is() {
    let state = tempfile::tempdir().unwrap();
    let tree = broken_tree(state.path());
    let output =
        lab(state.path(), &["build", tree.to_str().unwrap(), "--name", "broken"]).output().unwrap();
    assert_eq!(status(&output), Some(3));
    let error = text(&output.stderr);
    assert!(error.contains("fs/open.c:35: 'x' undeclared"), "{error}");
    assert!(error.contains("builds/broken/build.log"), "{error}");
    assert!(error.lines().count() < 8, "{error}");
}

#[test]
fn without_ccache_a_build_says_what_that_costs_and_goes_on() {
    let state = tempfile::tempdir().unwrap();
    let tree = broken_tree(state.path());
    // Everything the build needs but ccache.
    let programs = state.path().join("bin");
    std::fs::create_dir(&programs).unwrap();
    for program in ["make", "gcc", "setpriv", "sh", "echo"] {
        let found = ["/usr/bin", "/bin"].iter().map(|folder| Path::new(folder).join(program));
        let Some(found) = found.into_iter().find(|path| path.exists()) else { continue };
        std::os::unix::fs::symlink(found, programs.join(program)).unwrap();
    }
    let output = lab(state.path(), &["build", tree.to_str().unwrap()])
        .env("PATH", &programs)
        .output()
        .unwrap();
    let told = text(&output.stderr);
    assert!(told.contains("ccache is not installed"), "{told}");
    assert!(told.contains("fs/open.c:35: 'x' undeclared"), "{told}");
}

#[test]
fn a_build_without_make_names_its_package() {
    let state = tempfile::tempdir().unwrap();
    let tree = broken_tree(state.path());
    let programs = state.path().join("bin");
    std::fs::create_dir(&programs).unwrap();
    for program in ["gcc", "setpriv"] {
        std::os::unix::fs::symlink(Path::new("/usr/bin").join(program), programs.join(program))
            .unwrap();
    }
    let output = lab(state.path(), &["build", tree.to_str().unwrap(), "--no-ccache"])
        .env("PATH", &programs)
        .output()
        .unwrap();
    assert_eq!(status(&output), Some(3));
    let error = text(&output.stderr);
    assert!(error.contains("make is not installed"), "{error}");
    assert!(error.contains("apt-get install make"), "{error}");
}

#[test]
fn a_full_disk_is_named_with_the_file_and_leaves_no_emulator() {
    let outside = tempfile::tempdir().unwrap();
    let repro = write(outside.path(), "slow.sh", "#!/bin/sh\nsleep 1\n");
    let state = outside.path().join("small");
    std::fs::create_dir(&state).unwrap();
    let Some(command) = run(&state, &repro, &["--runs", "200"]) else { return };
    // A file system of its own for the state, in a name space that goes with the command.
    let line: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    let script = format!(
        "mount -t tmpfs -o size=96k none '{}' || exit 77; exec {}",
        state.display(),
        line.join(" ")
    );
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "--pid", "--fork", "/bin/sh", "-c", &script])
        .current_dir("/")
        .output();
    let output = match output {
        Ok(output) if status(&output) != Some(77) && !text(&output.stderr).contains("unshare") => {
            output
        }
        _ => {
            eprintln!("skipped: no name space with a file system of its own");
            return;
        }
    };
    assert_eq!(status(&output), Some(3), "{}", text(&output.stderr));
    let error = text(&output.stderr);
    assert!(error.contains("No space left on device"), "{error}");
    assert!(error.contains(state.to_str().unwrap()), "{error}");
}

#[test]
fn two_labs_do_not_work_on_the_same_campaign() {
    let state = tempfile::tempdir().unwrap();
    let repro = write(state.path(), "slow.sh", "#!/bin/sh\nsleep 3\n");
    let Some(mut first) = run(state.path(), &repro, &["--runs", "2"]) else { return };
    let mut child = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("no QEMU", || !emulators_of(child.id()).is_empty());
    let output = run(state.path(), &repro, &["--runs", "2"]).unwrap().output().unwrap();
    assert_eq!(status(&output), Some(3));
    assert!(text(&output.stderr).contains("another lab is working in"), "{}", text(&output.stderr));
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_guest_that_prints_a_gigabyte_costs_bounded_memory_and_says_what_was_left_out() {
    let state = tempfile::tempdir().unwrap();
    let source = "#include <string.h>\n#include <unistd.h>\nint main(void) {\n\
                  static char block[1 << 20];\nmemset(block, 'x', sizeof block);\n\
                  for (int i = 0; i < 1024; i++) { block[sizeof block - 1] = '\\n';\n\
                  if (write(1, block, sizeof block) < 0) return 1; }\nreturn 0; }\n";
    let repro = write(state.path(), "flood.c", source);
    let Some(mut command) = run(state.path(), &repro, &["--timeout", "600"]) else { return };
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let line = status.as_deref().unwrap_or_default().lines().find_map(|line| {
            line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        });
        peak = peak.max(line.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(200));
    }
    let output = child.wait_with_output().unwrap();
    assert!(text(&output.stdout).contains("1 of 1 clean"), "{}", text(&output.stdout));
    assert!(peak < 400 * 1024, "{peak} KiB");
    let campaign = std::fs::read_dir(state.path().join("runs")).unwrap().flatten().next().unwrap();
    let log = std::fs::read(campaign.path().join("run-1/output.log")).unwrap();
    assert!(log.len() < 8 << 20, "{} bytes kept", log.len());
    assert!(text(&log).contains("bytes were not kept here"));
}

#[test]
fn a_starved_guest_is_asked_for_its_state_before_it_ends() {
    let state = tempfile::tempdir().unwrap();
    // Stops every process but itself, the agent included, and goes on for ever.
    let repro = write(
        state.path(),
        "stop.sh",
        "#!/bin/sh\nfor p in /proc/[0-9]*; do p=${p#/proc/}; [ $p = $$ ] || kill -STOP $p; done\n\
         while :; do sleep 1; done\n",
    );
    let Some(mut command) = run(state.path(), &repro, &["--hang", "5", "--json"]) else { return };
    let output = command.output().unwrap();
    let run: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(run["outcome"], "no_output", "{run}");
    let campaign = std::fs::read_dir(state.path().join("runs")).unwrap().flatten().next().unwrap();
    let place = campaign.path().join("run-1");
    let exhibits = std::fs::read_to_string(place.join("exhibits.txt")).unwrap();
    let console = text(&std::fs::read(place.join("console.log")).unwrap());
    assert!(exhibits.contains("SysRq"), "{exhibits}");
    assert!(console.contains("sysrq: Show Blocked State"), "{console}");
}

#[test]
fn real_faults_show_what_their_definitions_say() {
    let lab_folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lab");
    if kernel().is_none() {
        return;
    }
    let record = tempfile::tempdir().unwrap();
    // The kernels of `faults` come with their headers, so they are downloaded apart; kept for the
    // next time.
    let output = lab(&lab_folder, &["faults", "null_dereference", "mutex_abba", "flaky_race"])
        .args(["--kernel", "debian-6.12", "--compiler", "gcc", "--record"])
        .arg(record.path())
        .output()
        .unwrap();
    let (shown, told) = (text(&output.stdout), text(&output.stderr));
    if told.contains("downloading") && !shown.contains("debian-6.12 ") {
        eprintln!("skipped: no kernel with headers: {told}");
        return;
    }
    assert_eq!(status(&output), Some(0), "{shown} {told}");
    for (fault, words) in [
        ("null_dereference", "NULL pointer dereference"),
        ("mutex_abba", "blocked for more than"),
        ("flaky_race", "flaky"),
    ] {
        let place = record.path().join("debian-6.12").join(fault);
        let log = text(&std::fs::read(place.with_extension("log")).unwrap());
        assert!(log.contains(words), "{fault}");
        let truth = std::fs::read_to_string(place.with_extension("toml")).unwrap();
        // And the analysis of what was just recorded finds it, or says that it does not know.
        let analysis = Command::new(env!("CARGO_BIN_EXE_ktriage"))
            .args(["diagnose", "--json"])
            .arg(place.with_extension("log"))
            .output()
            .unwrap();
        let analysis: serde_json::Value = serde_json::from_slice(&analysis.stdout).unwrap();
        if let Some(line) = analysis["first_cause"]["line"].as_u64() {
            let truth: toml::Value = toml::from_str(&truth).unwrap();
            let lines = truth["first_cause"]["lines"].as_array().unwrap();
            let lines: Vec<u64> =
                lines.iter().map(|line| line.as_integer().unwrap() as u64).collect();
            assert!(lines.contains(&line), "{fault}: {line} is not among {lines:?}");
        }
    }
}

/// The signature of a bug's reproducer, and that it is gone on a kernel that no longer crashes.
#[test]
fn a_reproducer_shows_what_it_does_and_is_revoked_where_it_no_longer_crashes() {
    let Some((image, modules)) = kernel() else { return };
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    let log = write(
        place.path(),
        "a.log",
        "[   50.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n[   50.000001] Oops: 0000 [#1] PREEMPT SMP\n[   50.000002] CPU: 0 PID: 7 Comm: w Not tainted 6.1.0 #1\n[   50.000003] RIP: 0010:shop_reset+0x1/0x9\n[   50.000004] Call Trace:\n[   50.000005]  shop_write+0x1/0x9\n[   50.000006]  vfs_write+0x1/0x9\n[   50.000007] ---[ end trace 0000000000000000 ]---\n",
    );
    // The kernel's command line decides whether it crashes: what is fixed there is told apart by that alone.
    let repro = write(
        place.path(),
        "repro.c",
        "#include <fcntl.h>\n#include <string.h>\n#include <unistd.h>\nint main(void)\n{\n\tchar line[4096] = { 0 };\n\tint fd = open(\"/proc/cmdline\", O_RDONLY);\n\n\tif (read(fd, line, sizeof(line) - 1) < 0 || strstr(line, \"mended\"))\n\t\treturn 0;\n\tfd = open(\"/proc/sysrq-trigger\", O_WRONLY);\n\treturn write(fd, \"c\", 1) != 1;\n}\n",
    );
    let record = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ktriage"));
        command.args(words).arg("--state").arg(&state).current_dir(place.path());
        command
    };
    let said = |words: &[&str]| {
        let output = record(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let json =
        |words: &[&str]| -> serde_json::Value { serde_json::from_str(&said(words)).unwrap() };
    let on_kernel = |what: &str, more: &[&str]| {
        let mut words = vec!["bug", "1", what, "--json", "--memory", "256", "--kernel"];
        words.extend([image.to_str().unwrap(), "--modules", modules.to_str().unwrap()]);
        words.extend(more);
        json(&words)
    };
    said(&["add", log.to_str().unwrap()]);
    let shown = on_kernel("manifest", &["--runs", "5", "--program", repro.to_str().unwrap()]);
    // On a busy machine a guest may be lost before its report is out; that shows the bug too.
    let titles = shown["titles"].as_array().unwrap();
    let crashes: u64 = titles.iter().map(|title| title["runs"].as_u64().unwrap()).sum();
    assert_eq!((&shown["runs"], crashes), (&5.into(), 5), "{shown}");
    let bug = json(&["bug", "1", "--json"]);
    assert_eq!(bug["bug"]["reproducer"], "c", "the program is kept");
    // 5 of 5 before: 4 clean runs have a chance of 1 in 126.
    let gone = on_kernel("retest", &["--append", "mended"]);
    assert_eq!((&gone["runs"], &gone["gone"]), (&4.into(), &true.into()), "{gone}");
    assert_eq!(json(&["bug", "1", "--json"])["bug"]["reproducer"], "none");
    let back = on_kernel("retest", &["--runs", "1"]);
    assert_eq!(back["gone"], false, "{back}");
    assert_eq!(json(&["bug", "1", "--json"])["bug"]["reproducer"], "c", "one crash brings it back");
}
