//! The bug's record on the command line.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

#[path = "support/schema.rs"]
mod schema;

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("logs")).unwrap();
        Self { folder }
    }

    fn log(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join("logs").join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ktriage"));
        command.args(words).arg("--state").arg(self.folder.path().join("state"));
        command.current_dir(self.folder.path()).env("USER", "ann");
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    fn said(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.said(words)).unwrap()
    }

    fn state(&self, bug: &str) -> String {
        self.json(&["bug", bug, "--json"])["bug"]["state"].as_str().unwrap().to_owned()
    }
}

fn oops(function: &str, number: u32) -> String {
    format!(
        "[   50.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n[   50.000001] Oops: 0000 [#1] PREEMPT SMP\n[   50.000002] CPU: 0 PID: {number} Comm: w Not tainted 6.1.0 #1\n[   50.000003] RIP: 0010:{function}+0x1/0x9\n[   50.000004] Call Trace:\n[   50.000005]  <TASK>\n[   50.000006]  shop_write+0x1/0x9\n[   50.000007]  vfs_write+0x1/0x9\n[   50.000008]  ksys_write+0x1/0x9\n[   50.000009]  do_syscall_64+0x1/0x9\n[   50.000010]  entry_SYSCALL_64_after_hwframe+0x1/0x9\n[   50.000011]  </TASK>\n[   50.000012] ---[ end trace 0000000000000000 ]---\n"
    )
}

#[test]
fn a_bug_goes_from_its_first_crash_to_fixed_and_comes_back_as_a_second_one() {
    let place = Place::new();
    place.log("1.log", &oops("shop_reset", 1));
    place.log("2.log", &oops("shop_reset", 2));
    place.log("3.log", &oops("shop_close", 3));
    place.log("quiet.log", "[    1.000000] all is well\n");
    let said = place.said(&["add", "logs", "--machine", "rack7"]);
    assert!(said.contains("logs/1.log: bug 1 (new): BUG: unable to handle kernel NULL pointer dereference in shop_reset"), "{said}");
    assert!(said.contains("logs/2.log: bug 1 (again)"), "{said}");
    assert!(said.ends_with("4 logs (1 without a crash): 3 crashes added, 2 new bugs\n"), "{said}");
    let again = place.said(&["add", "logs"]);
    assert!(
        again.ends_with("0 crashes added, 0 new bugs; 3 were in the record already\n"),
        "{again}"
    );

    let list = place.said(&["bugs", "shop_res"]);
    assert_eq!(list.lines().count(), 2, "{list}");
    assert_eq!(place.json(&["bugs", "--machine", "rack7", "--json"])["total"], 2);
    assert_eq!(place.json(&["bugs", "--machine", "rack8", "--json"])["total"], 0);

    place.said(&["bug", "1", "reported", "linux-mm"]);
    place.said(&["bug", "1", "fix", "0123456789ab:shop: count what is left", "--why", "patch v3"]);
    assert_eq!(place.state("1"), "fix_known");
    place.said(&["bug", "1", "fixed", "6.1.1", "6.12"]);
    assert_eq!(place.state("1"), "fixed");
    assert_eq!(place.json(&["bugs", "--json"])["total"], 1);

    let log = place.log("4.log", &oops("shop_reset", 4));
    let said = place.said(&["add", log.to_str().unwrap()]);
    assert!(said.contains("bug 3 (new, after bug 1 was closed)"), "{said}");
    let shown = place.said(&["bug", "3"]);
    assert!(
        shown.starts_with(
            "Bug 3: BUG: unable to handle kernel NULL pointer dereference in shop_reset (2)\n"
        ),
        "{shown}"
    );
    assert!(
        shown.contains("before      bug 1 (fixed)") && shown.contains("Diagnosis of crash 4"),
        "{shown}"
    );
    let shown = place.said(&["bug", "1", "show", "--brief"]);
    assert!(
        shown.contains("fixed by 0123456789ab (\"shop: count what is left\"), ann: patch v3"),
        "{shown}"
    );
    place.said(&["bug", "1", "undo"]);
    assert_eq!(place.state("1"), "fix_known");
}

#[test]
fn what_does_not_fit_is_refused_and_says_what_to_do() {
    let place = Place::new();
    place.log("1.log", &oops("shop_reset", 1));
    place.said(&["add", "logs"]);
    for (words, expected) in [
        (&["bug", "1", "undup"][..], "the bug is no duplicate"),
        (&["bug", "1", "dup", "1"], "duplicate of itself"),
        (&["bug", "1", "unfix"], "no fix is recorded"),
        (&["bug", "7"], "`ktriage bugs` lists them"),
        (&["bug", "1", "fix", "x"], "at least 3 characters"),
        (&["bug", "1", "undo"], "nothing is left"),
        (&["bug", "1", "note", " "], "a note needs some text"),
        (&["add", "absent.log"], "absent.log"),
        (&["bugs", "--is", "nw"], "states are new"),
    ] {
        let said = place.refused(words);
        assert!(said.contains(expected), "{words:?}: {said}");
    }
    assert_eq!(place.json(&["bug", "1", "--json"])["history"].as_array().unwrap().len(), 1);
}

#[test]
fn a_hostile_log_reaches_no_terminal() {
    let place = Place::new();
    let evil = "evil\u{1b}[31m\u{202e}<script>";
    place.log("a\u{1b}[31m.log", &oops(evil, 1));
    place.log("b.log", &format!("[   50.000000] WARNING: {evil} is odd\n"));
    place.said(&["add", "logs", "--machine", evil]);
    place.said(&["bug", "1", "note", evil]);
    place.said(&["bug", "1", "label", &format!("x:{}", "ok\u{202e}")]);
    for words in [&["bugs", "--all"][..], &["bug", "1"], &["bug", "2"], &["add", "logs"]] {
        let said = place.said(words);
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{words:?}: {said:?}");
    }
    assert!(place.refused(&["bug", evil]).contains("\\x1b[31m"));
}

#[test]
fn what_is_printed_fits_the_schemas_of_the_documentation() {
    let place = Place::new();
    place.log("1.log", &oops("shop_reset", 1));
    place.log("2.log", &oops("shop_close", 2));
    let added: Value =
        serde_json::from_str(place.said(&["add", "logs", "--json"]).lines().next().unwrap())
            .unwrap();
    place.said(&["bug", "2", "dup", "1"]);
    place.said(&["bug", "1", "label", "subsystems:net"]);
    for (name, value) in [
        ("add", added),
        ("bugs", place.json(&["bugs", "--all", "--json"])),
        ("bug", place.json(&["bug", "1", "--json"])),
    ] {
        let printed = Command::new(env!("CARGO_BIN_EXE_ktriage"))
            .args(["generate", "schema", name])
            .output()
            .unwrap();
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/schema/{name}.json"));
        assert_eq!(
            String::from_utf8(printed.stdout.clone()).unwrap(),
            std::fs::read_to_string(file).unwrap(),
            "run `cargo xtask generate`"
        );
        let schema: Value = serde_json::from_slice(&printed.stdout).unwrap();
        assert_eq!(schema::problems(&schema, &value), Vec::<String>::new());
    }
}

/// Whenever the program is killed, nothing that it told of is lost, and nothing is there twice.
#[test]
fn a_kill_at_any_moment_loses_nothing_and_counts_nothing_twice() {
    const LOGS: u32 = 400;
    const KILLS: u32 = 200;
    const ROUNDS: u32 = 1_500;
    let place = Place::new();
    for number in 0..LOGS {
        // Ten bugs, each seen often.
        let text = oops(&format!("shop_{}", number % 10), number);
        place.log(&format!("{number:03}.log"), &text);
    }
    let mut random = fastrand::Rng::with_seed(7);
    let mut told: Vec<String> = Vec::new();
    let mut killed = 0;
    // How long such a run takes on this machine.
    let whole = std::time::Instant::now();
    place.said(&["bugs"]);
    let other = Place::new();
    (0..40).for_each(|number| drop(other.log(&format!("{number}.log"), &oops("f", number))));
    other.said(&["add", "logs"]);
    let whole = whole.elapsed();
    for _ in 0..ROUNDS {
        if killed == KILLS {
            break;
        }
        // Few logs each time, so that there is always something left to do.
        let from = killed * LOGS / KILLS;
        let names: Vec<String> =
            (from..LOGS.min(from + 40)).map(|n| format!("logs/{n:03}.log")).collect();
        let mut words: Vec<&str> = vec!["add", "--json"];
        words.extend(names.iter().map(String::as_str));
        let mut child =
            place.command(&words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let moment = whole * random.u32(0..45) / 100;
        std::thread::sleep(moment.min(Duration::from_millis(500)));
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        killed += u32::from(!output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        told.extend(text.lines().filter(|line| line.ends_with('}')).filter_map(|line| {
            let value: Value = serde_json::from_str(line).ok()?;
            Some(format!("{}", value["crash"]))
        }));
    }
    assert!(killed >= KILLS / 4, "only {killed} were killed in time");
    let crash_ids = |place: &Place| -> Vec<String> {
        let mut all = Vec::new();
        for bug in place.json(&["bugs", "--json", "--limit", "100"])["bugs"].as_array().unwrap() {
            let whole = place.json(&["bug", &bug["id"].to_string(), "--json"]);
            let crashes = whole["crashes"].as_array().unwrap();
            assert_eq!(bug["crashes"].as_u64().unwrap(), crashes.len() as u64, "{bug}");
            all.extend(crashes.iter().map(|crash| crash["id"].to_string()));
        }
        all
    };
    let before = crash_ids(&place);
    for crash in &told {
        assert!(before.contains(crash), "crash {crash} was told of and is lost");
    }
    place.said(&["add", "logs"]);
    let mut sources = std::collections::BTreeSet::new();
    for bug in 1..=10 {
        let whole = place.json(&["bug", &bug.to_string(), "--json"]);
        for crash in whole["crashes"].as_array().unwrap() {
            assert!(
                sources.insert(crash["source"].as_str().unwrap().to_owned()),
                "{crash} is there twice"
            );
        }
    }
    assert_eq!(sources.len(), LOGS as usize);
    assert_eq!(place.json(&["bugs", "--json"])["total"], 10);
}

#[test]
fn many_programs_may_add_at_once() {
    let place = Place::new();
    for number in 0..60 {
        place.log(&format!("{number:02}.log"), &oops("shop_reset", number));
    }
    let children: Vec<_> = (0..6)
        .map(|_| place.command(&["add", "logs"]).stdout(Stdio::piped()).spawn().unwrap())
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(place.json(&["bug", "1", "--json"])["bug"]["crashes"], 60);
}
