//! `ktriage try` on real kernels: a fault planted into a kernel's source, and series that fix it, change nothing
//! that runs, and break the boot. Skipped, visibly, without the source, a compiler or QEMU.

#![expect(clippy::print_stderr, reason = "a test that skips or works for minutes says so")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use io_kernel_build::{Source, source_tree};
use serde_json::Value;

/// The folder in which the tests keep kernels, sources and what compilers made: kept between runs.
fn lab() -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lab");
    fs::create_dir_all(&target).unwrap();
    target.canonicalize().unwrap()
}

/// The source of one of Debian's kernels, or what is missing.
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
    source_tree(&Source::Debian("6.12".into()), &lab.join("sources"))
        .map_err(|error| error.to_string())
}

struct Tree {
    folder: PathBuf,
}

impl Tree {
    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=Ann Author",
                "-c",
                "user.email=ann@example.org",
                "-c",
                "core.compression=0",
                "-c",
                "gc.auto=0",
            ])
            .args(arguments)
            .current_dir(&self.folder)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Puts text before the one place that reads `at`, and commits.
    fn commit(&self, file: &str, at: &str, text: &str, message: &str) {
        let path = self.folder.join(file);
        let old = fs::read_to_string(&path).unwrap();
        assert_eq!(old.matches(at).count(), 1, "{file}: {at}");
        fs::write(&path, old.replace(at, &format!("{text}{at}"))).unwrap();
        self.git(&["add", "--update"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// The commits since `base` as a mailbox, and back to it.
    fn series(&self, name: &str) -> PathBuf {
        let path = self.folder.with_file_name(format!("{name}.mbox"));
        fs::write(&path, self.git(&["format-patch", "--stdout", "base..HEAD"])).unwrap();
        self.git(&["reset", "--quiet", "--hard", "base"]);
        path
    }
}

const CALL: &str = "SYSCALL_DEFINE1(umask, int, mask)\n{\n";
/// In six of ten calls a warning.
const FAULT: &str = "static noinline void umask_account(int mask)\n{\n\
                     \tWARN_ON(mask == 0763 && ktime_get_ns() / 64 % 10 < 6);\n}\n\n";
const REPRODUCER: &str = "#include <sys/stat.h>\nint main(void) { umask(0763); return 0; }\n";

#[test]
fn series_on_real_kernels_are_told_apart() {
    let lab = lab();
    let source = match source(&lab) {
        Ok(source) => source,
        Err(reason) => {
            eprintln!("skipped: {reason}");
            return;
        }
    };
    let folder = tempfile::tempdir_in(&lab).unwrap();
    let tree = Tree { folder: folder.path().join("linux") };
    testing_history::cut_down(&source, &tree.folder).unwrap();
    tree.git(&["init", "--quiet", "--initial-branch=main"]);
    tree.git(&["add", "--all", "--force"]);
    tree.git(&["commit", "--quiet", "--message", "Linux, cut down"]);
    tree.commit("kernel/sys.c", CALL, FAULT, "sys: account umask()");
    tree.commit(
        "kernel/sys.c",
        "\tmask = xchg(&current->fs->umask",
        "\tumask_account(mask);\n",
        "sys: account each call",
    );
    tree.git(&["branch", "base"]);

    // The warning goes, and a function changes that no test reaches.
    let path = tree.folder.join("kernel/sys.c");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replace(
            "\tWARN_ON(mask == 0763 && ktime_get_ns() / 64 % 10 < 6);\n",
            "\tbarrier();\n",
        ),
    )
    .unwrap();
    tree.git(&["commit", "--quiet", "--all", "--message", "sys: do not warn"]);
    let off = "void kernel_power_off(void)\n{\n";
    let reboot = fs::read_to_string(tree.folder.join("kernel/reboot.c")).unwrap();
    fs::write(
        tree.folder.join("kernel/reboot.c"),
        reboot.replace(off, &format!("{off}\tpr_info(\"off\\n\");\n")),
    )
    .unwrap();
    tree.git(&["commit", "--quiet", "--all", "--message", "reboot: say when it is off"]);
    let fix = tree.series("fix");
    let comment = "/* Nothing that runs. */\n";
    let exit = tree.folder.join("kernel/exit.c");
    fs::write(&exit, fs::read_to_string(&exit).unwrap() + comment).unwrap();
    tree.git(&["commit", "--quiet", "--all", "--message", "exit: say nothing"]);
    let nothing = tree.series("nothing");
    let stop = "#include <linux/init.h>\nstatic int __init pump_stop(void)\n{\n\tpanic(\"no pump\");\n\treturn 0;\n}\n\
                late_initcall(pump_stop);\n";
    fs::write(&exit, format!("{}{stop}", fs::read_to_string(&exit).unwrap())).unwrap();
    tree.git(&["commit", "--quiet", "--all", "--message", "exit: stop"]);
    let no_boot = tree.series("no-boot");

    let reproducer = folder.path().join("repro.c");
    fs::write(&reproducer, REPRODUCER).unwrap();
    let trial = |series: &Path| -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_ktriage"))
            .arg("try")
            .arg(series)
            .arg("--tree")
            .arg(&tree.folder)
            .arg("--state")
            .arg(&lab)
            .arg("--repro")
            .arg(&reproducer)
            .args(["--runs", "14", "--smoke", "small", "--memory", "256", "--json"])
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success());
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let json = trial(&fix);
    let cell = &json["cells"][0];
    let work = cell["workloads"]
        .as_array()
        .unwrap()
        .iter()
        .find(|work| work["kind"] == "reproducer")
        .unwrap();
    assert!(work["base"]["showed"].as_u64() > Some(0), "{work}");
    assert_eq!(work["patched"]["showed"], 0, "{work}");
    assert!(["fixed", "open"].map(Value::from).contains(&json["outcome"]), "{}", json["statement"]);
    assert_eq!(
        (&json["new_failures"], &cell["patched"]["on_base"]),
        (&Value::from(false), &Value::from(true))
    );
    let function = |name: &str| {
        let functions = cell["reach"]["functions"].as_array().unwrap();
        functions
            .iter()
            .find(|one| one["name"] == name)
            .unwrap_or_else(|| panic!("{functions:?}"))
            .clone()
    };
    assert_eq!(function("umask_account")["patched_run"], true);
    let off = function("kernel_power_off");
    assert_eq!((&off["in_kernel"], &off["patched_run"]), (&Value::from(true), &Value::from(false)));

    let json = trial(&nothing);
    assert_eq!(json["outcome"], "same_kernel", "{}", json["statement"]);
    assert_eq!(json["runs"], 0);
    assert_eq!(trial(&no_boot)["outcome"], "breaks_boot");

    // What the trials built goes with the tree of the test.
    fs::remove_dir_all(json["folder"].as_str().unwrap()).unwrap();
}
