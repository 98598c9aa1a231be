//! `ktriage try` through the binary, on small git projects that a command tests: whether a series is judged by
//! what base and patched tree really show, and what becomes of input that cannot work.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use project::{Project, text};
use serde_json::Value;

#[path = "support/project.rs"]
#[expect(dead_code, reason = "what bisections need of it")]
mod project;
#[path = "support/schema.rs"]
mod schema;

/// A pump that fails in three of ten runs as long as `leak` stands in its source.
const PUMP: &str = "#include \"pump.h\"\n\nint level;\n\nint pump_start(int how)\n{\n\tlevel = how;\n\tleak(how);\n\
                    \treturn 0;\n}\n\nint pump_stop(void)\n{\n\tlevel = 0;\n\treturn 0;\n}\n\n\
                    int pump_spare(void)\n{\n\treturn 7;\n}\n";
/// Fails with a title of its own where `burst` stands in the source.
const TEST: &str = "r=$((KTRIAGE_RUN * 3 % 10))\n\
                    grep -q leak pump.c && [ $r -lt 3 ] && { echo 'BUG: pump leaks in pump_start'; exit 1; }\n\
                    grep -q burst pump.c && [ $r -gt 3 ] && { echo 'BUG: pump bursts in pump_stop'; exit 1; }\n\
                    exit 0\n";

struct Pump {
    project: Project,
    base: String,
}

impl Pump {
    fn new() -> Self {
        let project = Project::new();
        project.commit("README", "A pump.\n", "Begin");
        let base = project.commit("pump.c", PUMP, "pump: start and stop");
        fs::write(project.folder.path().join("test.sh"), TEST).unwrap();
        Self { project, base }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.project.folder.path().join(name)
    }

    /// Commits on a branch of their own that begins at `base`, one for each text of pump.c, and the branch left
    /// again; as a mailbox.
    fn series(&self, name: &str, base: &str, texts: &[&str]) -> PathBuf {
        let git = |arguments: &[&str]| self.project.git(arguments);
        git(&["checkout", "--quiet", "--detach", base]);
        for (at, text) in texts.iter().enumerate() {
            let message = format!(
                "pump: {name}, step {}\n\nSigned-off-by: Ann Author <ann@example.org>",
                at + 1
            );
            self.project.commit("pump.c", text, &message);
        }
        let mailbox = git(&["format-patch", "--stdout", &format!("{base}..HEAD")]);
        git(&["checkout", "--quiet", "main"]);
        let mut number = 0;
        let mailbox: String = mailbox
            .lines()
            .map(|line| {
                if line.starts_with("Subject: ") {
                    number += 1;
                    return format!("Message-ID: <{name}-{number}@pump.example>\nTo: pump@lists.example\n{line}\n");
                }
                format!("{line}\n")
            })
            .collect();
        let path = self.path(&format!("{name}.mbox"));
        fs::write(&path, mailbox).unwrap();
        path
    }

    fn command(&self, series: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ktriage"));
        command.current_dir("/").arg("try").arg(series).arg("--tree").arg(self.project.root());
        command.arg("--state").arg(self.path("state")).args(arguments);
        command
    }

    fn test(&self) -> String {
        format!("sh {}", self.path("test.sh").display())
    }

    fn run(&self, series: &Path, arguments: &[&str]) -> Output {
        self.command(series, &["--test", &self.test()]).args(arguments).output().unwrap()
    }

    fn json(&self, series: &Path, arguments: &[&str]) -> Value {
        let output = self.run(series, &[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{:?}", text(&output));
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/try.json");
        let schema: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let problems = schema::problems(&schema, &value);
        assert!(problems.is_empty(), "{problems:?}");
        value
    }

    /// All that could be touched of the user's repository.
    fn traces(&self) -> String {
        let git = |arguments: &[&str]| self.project.git(arguments);
        [
            git(&["for-each-ref"]),
            git(&["rev-parse", "HEAD"]),
            git(&["worktree", "list"]),
            git(&["count-objects"]),
            git(&["status", "--porcelain"]),
            git(&["config", "--list", "--local"]),
        ]
        .join("\n")
    }
}

fn without_leak() -> String {
    PUMP.replace("\tleak(how);\n", "")
}

#[test]
fn a_fix_of_a_flaky_fault_is_proven_and_told_in_every_shape() {
    let pump = Pump::new();
    let fix = pump.series("fix", &pump.base, &[&without_leak()]);
    let output = pump.run(&fix, &[]);
    let (out, err) = text(&output);
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("Answer   FIXED: "), "{out}");
    assert!(out.contains("plain: FIXED"), "{out}");
    assert!(out.contains("'BUG: pump leaks in pump_start'"), "{out}");
    assert!(out.contains("95 % interval"), "{out}");

    // All of it is recorded: asked again in other shapes, nothing is run.
    let json = pump.json(&fix, &[]);
    assert_eq!(json["outcome"], "fixed");
    assert_eq!((json["runs"].as_u64(), json["builds"].as_u64()), (Some(0), Some(0)));
    let work = &json["cells"][0]["workloads"][0];
    let share =
        |side: &str| work[side]["showed"].as_f64().unwrap() / work[side]["runs"].as_f64().unwrap();
    assert!((0.2..0.45).contains(&share("base")), "{work}");
    assert_eq!(work["patched"]["showed"], 0);
    assert!(work["chance"].as_f64().unwrap() <= 0.01, "{work}");
    assert_eq!(json["base"]["candidates"][0]["grade"], "DERIVED");

    let page = pump.path("page.html");
    let mail = pump.run(
        &fix,
        &["--mail", "--tester", "Tess Ter <tess@example.org>", "--html", page.to_str().unwrap()],
    );
    let (mail, _) = text(&mail);
    assert!(mail.starts_with("To: Ann Author <ann@example.org>\nCc: pump@lists.example\nSubject: Re: [PATCH] pump: fix"), "{mail}");
    assert!(
        mail.contains("\nIn-Reply-To: <fix-1@pump.example>\nReferences: <fix-1@pump.example>\n"),
        "{mail}"
    );
    assert!(mail.contains("\nTested-by: Tess Ter <tess@example.org>\n"), "{mail}");
    let body = mail.split_once("\n\n").unwrap().1;
    assert!(body.lines().count() <= 60 && body.contains("ktriage try "), "{body}");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("<svg") && page.contains("FIXED") && !page.contains("<script"), "{page}");
}

#[test]
fn a_series_that_does_not_help_is_not_called_a_fix() {
    let pump = Pump::new();
    let changed = PUMP.replace("level = how;", "level = how + 1;");
    let series = pump.series("no-fix", &pump.base, &[&changed]);
    let json = pump.json(&series, &[]);
    assert_eq!(json["outcome"], "not_fixed");
    let (mail, _) = text(&pump.run(&series, &["--mail"]));
    assert!(!mail.contains("Tested-by"), "{mail}");
    let output = pump.run(&series, &["--exit-code"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_fix_that_brings_another_failure_says_both_and_proposes_no_tag() {
    let pump = Pump::new();
    let changed = without_leak().replace("level = 0;", "burst();");
    let series = pump.series("worse", &pump.base, &[&changed]);
    let output = pump.run(&series, &[]);
    let (out, _) = text(&output);
    assert!(out.contains("Answer   FIXED, NEW FAILURE: "), "{out}");
    assert!(out.contains("NEW      'BUG: pump bursts in pump_stop': base 0 of"), "{out}");
    let json = pump.json(&series, &[]);
    assert_eq!(
        (&json["new_failures"], &json["tested_by"]),
        (&Value::from(true), &Value::from(false))
    );
    let (mail, _) = text(&pump.run(&series, &["--mail"]));
    assert!(mail.contains("NEW 'BUG: pump bursts") && !mail.contains("Tested-by"), "{mail}");
}

#[test]
fn a_failure_that_both_sides_have_is_no_new_one() {
    let pump = Pump::new();
    // It bursts already.
    let base =
        pump.project.commit("pump.c", &PUMP.replace("level = 0;", "burst();"), "pump: burst");
    let series = pump.series("fix", &base, &[&without_leak().replace("level = 0;", "burst();")]);
    let json = pump.json(&series, &["--title", "pump leaks"]);
    assert_eq!(
        (&json["outcome"], &json["new_failures"]),
        (&Value::from("fixed"), &Value::from(false))
    );
    let known = &json["cells"][0]["workloads"][0]["known"][0];
    assert_eq!(known["title"], "BUG: pump bursts in pump_stop");
    assert!(known["patched"]["showed"].as_u64() > Some(0), "{known}");
    // Without a title two failures of the base compete, and the caller is asked.
    let changed = pump.series("other", &base, &[&without_leak()]);
    let half =
        "case $((KTRIAGE_RUN % 2)) in 0) echo 'BUG: one';; *) echo 'BUG: two';; esac; exit 1";
    let output = pump.command(&changed, &["--test", half]).output().unwrap();
    let (out, _) = text(&output);
    assert!(
        out.contains("WHICH FAILURE?") && out.contains("'BUG: one'") && out.contains("--title"),
        "{out}"
    );
}

/// Breaks under the configuration `rt` from the second patch on.
const BUILD: &str = "if [ $KTRIAGE_CONFIG = rt ] && grep -q raw pump.c; then echo \"pump.c:7:2: error: 'raw' undeclared\"; \
                     exit 2; fi; exit 0";

#[test]
fn a_build_that_breaks_in_one_configuration_names_it_the_error_and_the_patch() {
    let pump = Pump::new();
    let first = PUMP.replace("int level;", "long level;");
    let second = first.replace("level = how;", "level = raw(how);");
    let third = second.replace("return 7;", "return 8;");
    let series = pump.series("rt", &pump.base, &[&first, &second, &third]);
    let output = pump.run(&series, &["--build", BUILD, "--matrix", "plain,rt", "--runs", "4"]);
    let (out, _) = text(&output);
    assert!(out.contains("Answer   BREAKS THE BUILD: rt: "), "{out}");
    assert!(out.contains("pump.c:7: 'raw' undeclared (from patch 2 on"), "{out}");
    let json = pump.json(&series, &["--build", BUILD, "--matrix", "plain,rt", "--runs", "4"]);
    assert_eq!(json["cells"][1]["patched"]["patch"], 2);
    assert_ne!(json["cells"][0]["outcome"], "breaks_build");
    // After every patch, up to the one that fails.
    let json = pump.json(&series, &["--build", BUILD, "--matrix", "rt", "--each"]);
    let built: Vec<&Value> =
        json["cells"][0]["each"].as_array().unwrap().iter().map(|e| &e["build"]["built"]).collect();
    assert_eq!(built, [true, false]);
}

#[test]
fn a_boot_that_breaks_is_told_apart_from_one_that_never_worked() {
    let pump = Pump::new();
    let series = pump.series("boot", &pump.base, &[&PUMP.replace("return 7;", "hang();")]);
    let boot =
        "if grep -q hang pump.c; then echo 'Kernel panic - not syncing: no pump'; exit 1; fi";
    let json = pump.json(&series, &["--boot", boot]);
    assert_eq!(json["outcome"], "breaks_boot");
    assert!(
        json["cells"][0]["workloads"][1]["patched"]["runs"] == 0,
        "nothing is run on what does not boot"
    );
    let json = pump.json(&series, &["--boot", "false"]);
    assert_eq!(json["outcome"], "base_does_not_boot");
    let json = pump.json(&series, &["--build", "false"]);
    assert_eq!(json["outcome"], "base_does_not_build");
}

#[test]
fn a_series_that_changes_nothing_that_runs_is_not_run() {
    let pump = Pump::new();
    let series = pump.series(
        "comment",
        &pump.base,
        &[&PUMP.replace("int level;", "// How high.\nint level;")],
    );
    let arguments = ["--build", "true", "--signature", "grep -v '^//' pump.c | cksum"];
    let json = pump.json(&series, &arguments);
    assert_eq!(json["outcome"], "same_kernel");
    assert_eq!(json["cells"][0]["workloads"][0]["patched"]["runs"], 0);
}

#[test]
fn a_base_two_commits_away_is_found_by_the_blobs_of_the_diff() {
    let pump = Pump::new();
    let series = pump.series("old", &pump.base, &[&without_leak()]);
    pump.project.commit("pump.c", &PUMP.replace("leak(how);", "leak(how + 1);"), "pump: leak more");
    pump.project.commit(
        "pump.c",
        &PUMP.replace("leak(how);", "leak(how + 2);"),
        "pump: leak much more",
    );
    let json = pump.json(&series, &["--base-only"]);
    let chosen = &json["base"]["candidates"][json["base"]["chosen"].as_u64().unwrap() as usize];
    assert_eq!(chosen["commit"], pump.base.as_str());
    assert_eq!(
        (&chosen["origin"], &chosen["grade"]),
        (&Value::from("blobs"), &Value::from("DERIVED"))
    );
    assert_eq!(pump.json(&series, &[])["outcome"], "fixed");
}

#[test]
fn a_mail_that_lies_about_its_base_is_contradicted_by_its_diff() {
    let pump = Pump::new();
    let series = pump.series("lie", &pump.base, &[&without_leak()]);
    let other =
        pump.project.commit("pump.c", &PUMP.replace("return 7;", "return 9;"), "pump: nine");
    let mailbox = fs::read_to_string(&series)
        .unwrap()
        .replace("\n-- \n", &format!("\nbase-commit: {other}\n-- \n"));
    fs::write(&series, mailbox).unwrap();
    let json = pump.json(&series, &["--base-only"]);
    let candidates = json["base"]["candidates"].as_array().unwrap();
    assert_eq!(
        (&candidates[0]["origin"], &candidates[0]["contradicted"]),
        (&Value::from("base_commit"), &Value::from(true))
    );
    let chosen = &candidates[json["base"]["chosen"].as_u64().unwrap() as usize];
    assert_eq!(chosen["commit"], pump.base.as_str());
    let (out, _) = text(&pump.run(&series, &["--base-only"]));
    assert!(out.contains("the mail does not agree with its diff"), "{out}");
    // One that names a commit nobody has.
    let mailbox = fs::read_to_string(&series).unwrap().replace(&other, &"7".repeat(40));
    fs::write(&series, mailbox).unwrap();
    let json = pump.json(&series, &["--base-only"]);
    assert_eq!(json["base"]["absent"], "7".repeat(40));
}

#[test]
fn a_series_that_fits_nowhere_says_which_blob_and_hunks_and_builds_nothing() {
    let pump = Pump::new();
    let apart = Pump::new();
    let changed = PUMP.replace("\tleak(how);\n", "\tseep(how, 3);\n");
    let elsewhere = apart.project.commit("pump.c", &changed, "pump: seep");
    let series = apart.series(
        "apart",
        &elsewhere,
        &[&changed.replace("\tseep(how, 3);\n", "").replace("return 7", "return 8")],
    );
    let output = pump.run(&series, &["--build", "touch /nowhere/built"]);
    let (out, err) = text(&output);
    assert!(output.status.success(), "{err}");
    assert!(out.contains("Answer   NO BASE: "), "{out}");
    let blob = apart.project.git(&["rev-parse", "--short=7", &format!("{elsewhere}:pump.c")]);
    assert!(out.contains(&format!("blob {blob} of pump.c is not in this tree")), "{out}");
    assert!(out.contains("pump.c: no place for hunk #1"), "{out}");
    assert!(out.contains("Needed") && out.contains("--base REV"), "{out}");
    assert!(!err.contains("building"), "{err}");
    let json = pump.json(&series, &[]);
    assert_eq!(
        (&json["outcome"], &json["base"]["missing"][0]["in_repository"]),
        (&Value::from("no_base"), &Value::from(false))
    );
    assert_eq!(pump.run(&series, &["--exit-code"]).status.code(), Some(1));
}

#[test]
fn a_guess_says_that_it_is_one() {
    let pump = Pump::new();
    let apart = Pump::new();
    // Another blob, and still a place for the hunk.
    let elsewhere = apart.project.commit("pump.c", &format!("{PUMP}\n// end\n"), "pump: end");
    let series = apart.series("guess", &elsewhere, &[&format!("{}\n// end\n", without_leak())]);
    let (out, _) = text(&pump.run(&series, &[]));
    assert!(out.contains("a guess: ") && out.contains("GUESS"), "{out}");
    let (mail, _) = text(&pump.run(&series, &["--mail"]));
    assert!(mail.contains("FIXED") && !mail.contains("Tested-by"), "{mail}");
}

#[test]
fn changed_lines_that_no_test_reaches_are_called_untested() {
    let pump = Pump::new();
    let changed = without_leak().replace("return 7;", "return 8;");
    let series = pump.series("spare", &pump.base, &[&changed]);
    let (out, _) = text(&pump.run(&series, &["--reached", "echo pump_start; echo pump_stop"]));
    assert!(out.contains("pump_spare() in pump.c: UNTESTED"), "{out}");
    assert!(out.contains("pump_start() in pump.c: ran in the tests"), "{out}");
    // Without that command it is unknown, and said.
    let series = pump.series("spare2", &pump.base, &[&changed.replace("return 8;", "return 9;")]);
    let (out, _) = text(&pump.run(&series, &[]));
    assert!(out.contains("unknown which of the changed lines ran"), "{out}");
}

#[test]
fn a_failure_that_the_base_never_shows_proves_nothing() {
    let pump = Pump::new();
    let series = pump.series("fix", &pump.base, &[&without_leak()]);
    let output = pump.command(&series, &["--test", "true", "--runs", "12"]).output().unwrap();
    let (out, _) = text(&output);
    assert!(
        out.contains("not shown on the base in 12 runs; nothing proven about the patch"),
        "{out}"
    );
    assert!(!out.contains("Answer   FIXED"), "{out}");
}

#[test]
fn work_that_is_not_committed_is_never_touched_and_hooks_have_no_influence() {
    let pump = Pump::new();
    let series = pump.series("fix", &pump.base, &[&without_leak()]);
    let root = pump.project.root();
    let hooks = root.join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in
        ["applypatch-msg", "pre-applypatch", "post-checkout", "post-applypatch", "commit-msg"]
    {
        let path = hooks.join(hook);
        fs::write(&path, "#!/bin/sh\nexit 1\n").unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    pump.project.git(&["config", "core.autocrlf", "true"]);
    pump.project.git(&["config", "am.keepcr", "true"]);
    fs::write(root.join("pump.c"), "half a thought").unwrap();
    fs::write(root.join("new.c"), "another").unwrap();
    let before = pump.traces();
    let output = pump.run(&series, &["--runs", "20"]);
    let (out, err) = text(&output);
    assert!(output.status.success() && err.contains("not committed"), "{out}\n{err}");
    assert!(out.contains("FIXED") || out.contains("OPEN"), "{out}");
    assert_eq!(pump.traces(), before);
    assert_eq!(fs::read_to_string(root.join("pump.c")).unwrap(), "half a thought");
}

#[test]
fn paths_outside_of_the_tree_and_endless_series_are_refused_before_anything_is_applied() {
    let pump = Pump::new();
    let series = pump.series("evil", &pump.base, &[&without_leak()]);
    let mailbox = fs::read_to_string(&series).unwrap();
    for path in ["../../evil.c", ".git/hooks/x.c", "a/../../../etc/x.c"] {
        fs::write(&series, mailbox.replace("pump.c", path)).unwrap();
        let output = pump.run(&series, &[]);
        let (_, err) = text(&output);
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains(path) && err.contains("outside of any tree"), "{err}");
    }
    let one = |number: usize| {
        format!(
            "From x Mon Sep 17 00:00:00 2001\nFrom: Ann <ann@example.org>\nSubject: [PATCH {number}/10000] pump: {number}\n\
             Message-ID: <{number}@x>\nIn-Reply-To: <1@x>\nDate: Mon, 2 Mar 2026 09:00:00 +0000\n\nText.\n---\n\
             diff --git a/f{number} b/f{number}\nindex 1111111..2222222 100644\n--- a/f{number}\n+++ b/f{number}\n@@ -1 +1 @@\n-a\n+b\n\n"
        )
    };
    let endless: String = (1..=10_000).map(one).collect();
    fs::write(&series, endless).unwrap();
    let output = pump.run(&series, &[]);
    let (_, err) = text(&output);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("10000 patches are more than one series has"), "{err}");
}

#[test]
fn a_killed_trial_goes_on_and_loses_at_most_the_run_in_flight() {
    let pump = Pump::new();
    let series = pump.series("fix", &pump.base, &[&without_leak()]);
    let test = format!("sleep 0.1; {}", pump.test());
    let arguments = ["--test", &test, "--runs", "30"];
    let mut child = pump
        .command(&series, &arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Wait for values, not for a time.
    let recorded = || -> usize {
        let found = walk(&pump.path("state"));
        let files = found.iter().filter(|path| path.ends_with("runs.jsonl"));
        files.map(|path| fs::read_to_string(path).unwrap().matches("\"event\"").count()).sum()
    };
    while recorded() < 6 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = recorded() as u64;
    assert!((6..60).contains(&before), "{before}");
    let output = pump.command(&series, &arguments).arg("--json").output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["runs"].as_u64().unwrap(), 60 - before, "{json}");
    let work = &json["cells"][0]["workloads"][0];
    assert_eq!(
        (&work["base"]["runs"], &work["patched"]["runs"]),
        (&Value::from(30), &Value::from(30))
    );
}

#[test]
fn a_full_disk_is_said_and_is_not_taken_for_a_broken_build() {
    let pump = Pump::new();
    let series = pump.series("fix", &pump.base, &[&without_leak()]);
    let full = "[ -e $KTRIAGE_TREE/../space ] || { echo 'cc1: error: pump.o: No space left on device'; exit 1; }";
    let output = pump.run(&series, &["--build", full]);
    let (_, err) = text(&output);
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(err.contains("No space left on device") && err.contains("free some space"), "{err}");
    // With space the same call goes on.
    for path in walk(&pump.path("state")).iter().filter(|path| path.ends_with("lock")) {
        fs::write(path.with_file_name("space"), "").unwrap();
    }
    assert_eq!(pump.json(&series, &["--build", full])["outcome"], "fixed");
}

#[test]
fn a_spent_budget_gives_what_is_known_so_far() {
    let pump = Pump::new();
    let series = pump.series("fix", &pump.base, &[&without_leak()]);
    let (out, err) = text(&pump.run(&series, &["--budget", "10runs"]));
    assert!(err.contains("the budget is spent"), "{err}");
    assert!(
        out.contains("not finished: the budget is spent") && !out.contains("Answer   FIXED"),
        "{out}"
    );
    assert_eq!(pump.json(&series, &[])["outcome"], "fixed");
}

#[test]
fn versions_are_compared_and_the_base_is_run_once() {
    let pump = Pump::new();
    let first =
        pump.series("one", &pump.base, &[&PUMP.replace("level = how;", "level = how + 1;")]);
    let second = pump.series("two", &pump.base, &[&without_leak()]);
    let mail = |path: &Path, version: &str| {
        fs::read_to_string(path)
            .unwrap()
            .replace("[PATCH]", version)
            .replace("pump: one, step 1", "pump: leak no more")
            .replace("pump: two, step 1", "pump: leak no more")
    };
    let thread = pump.path("thread.mbox");
    fs::write(&thread, mail(&first, "[PATCH]") + &mail(&second, "[PATCH v2]")).unwrap();
    let json = pump.json(&thread, &["--version", "v1"]);
    assert_eq!(
        (&json["outcome"], &json["series"]["newer"]),
        (&Value::from("not_fixed"), &Value::from("v2"))
    );
    let base_runs = json["cells"][0]["workloads"][0]["base"]["runs"].as_u64().unwrap();
    let json = pump.json(&thread, &[]);
    assert_eq!(
        (&json["outcome"], &json["series"]["version"]),
        (&Value::from("fixed"), &Value::from("v2"))
    );
    let work = &json["cells"][0]["workloads"][0];
    assert_eq!(work["base"]["runs"].as_u64(), Some(base_runs));
    assert_eq!(json["runs"], work["patched"]["runs"], "only the patched side was run");
    assert_eq!(json["earlier"][0]["version"], "v1");
    let (out, _) = text(&pump.run(&thread, &[]));
    assert!(out.contains("Other versions") && out.contains("  v1 "), "{out}");
}

#[test]
fn a_draft_in_a_reply_and_revisions_of_the_tree_are_series_too() {
    let pump = Pump::new();
    let series =
        pump.series("fix", &pump.base, &[&PUMP.replace("level = how;", "level = how + 1;")]);
    let other = pump.series("draft", &pump.base, &[&without_leak()]);
    let diff = fs::read_to_string(&other).unwrap();
    let diff = diff.split_once("\n---\n").unwrap().1.split_once("\n\ndiff ").unwrap().1;
    let diff = format!("diff {}", diff.split_once("\n-- \n").unwrap().0);
    let reply = format!(
        "From x Mon Sep 17 00:00:00 2001\nFrom: Bo <bo@example.org>\nSubject: Re: [PATCH] pump: fix, step 1\n\
         Message-ID: <reply@x>\nIn-Reply-To: <fix-1@pump.example>\nDate: Tue, 5 Mar 2024 09:00:00 +0000\n\n\
         How about this?\n\n{diff}\n\n"
    );
    let thread = pump.path("thread.mbox");
    fs::write(&thread, fs::read_to_string(&series).unwrap() + &reply).unwrap();
    let json = pump.json(&thread, &["--draft", "D1"]);
    assert_eq!(
        (&json["outcome"], &json["series"]["version"]),
        (&Value::from("fixed"), &Value::from("D1"))
    );
    let output = pump.run(&thread, &["--draft", "D7"]);
    assert!(text(&output).1.contains("there is no D7 in it"), "{:?}", text(&output));

    pump.project.git(&["checkout", "--quiet", "-b", "topic"]);
    pump.project.commit("pump.c", &without_leak(), "pump: leak no more");
    pump.project.git(&["checkout", "--quiet", "main"]);
    let json = pump.json(Path::new("main..topic"), &[]);
    assert_eq!(
        (&json["outcome"], &json["base"]["candidates"][0]["origin"]),
        (&Value::from("fixed"), &Value::from("parent"))
    );
    let output = pump.run(Path::new("topic..main"), &[]);
    assert!(text(&output).1.contains("no commit in this range"), "{:?}", text(&output));
}

/// Each kind of bad input, and what the error must say.
#[test]
fn bad_input_is_refused_early_and_says_what_to_do() {
    let pump = Pump::new();
    let series = pump.series("fix", &pump.base, &[&without_leak()]);
    let check = |series: &Path, arguments: &[&str], status: i32, words: &[&str]| {
        let output = pump.run(series, arguments);
        let (_, err) = text(&output);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {err}");
        for word in words {
            assert!(err.contains(word), "{arguments:?}: {word:?} is not in {err}");
        }
    };
    check(Path::new("/no/such.mbox"), &[], 2, &["no such file"]);
    check(Path::new("nowhere..main"), &[], 2, &["\"nowhere\""]);
    check(&series, &["--base", "nowhere"], 2, &["\"nowhere\""]);
    check(&series, &["--version", "v9"], 2, &["there is no v9", "it has v1"]);
    check(&series, &["--confidence", "7"], 2, &["0.5 to 0.9999"]);
    check(&series, &["--budget", "soon"], 2, &["90m, 12h or 500runs"]);
    check(&series, &["--id", "nobody@x"], 2, &["nobody@x"]);
    let output = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(["try", series.to_str().unwrap(), "--tree", "/"])
        .output()
        .unwrap();
    assert!(text(&output).1.contains("give a git tree"), "{:?}", text(&output));
    // A kernel is wanted, and the tree is none.
    let output = pump.command(&series, &["--smoke", "small"]).output().unwrap();
    let (_, err) = text(&output);
    assert!(err.contains("no Kconfig") && err.contains("--test CMD"), "{err}");
    let output = pump.command(&series, &["--matrix", "plain,warp"]).output().unwrap();
    assert!(text(&output).1.contains("no configuration fragment warp"), "{:?}", text(&output));
    check(&series, &["--runs", "5", "--build", "exit 0", "--test", "./no-such-test"], 2, &[]);
}

/// Every file below a folder.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
