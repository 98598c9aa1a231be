//! What a bisection can end with, and what it believes beforehand, on small git projects.

use std::fs;

use project::{Project, text};

#[path = "support/chromium.rs"]
mod chromium;
#[path = "support/project.rs"]
mod project;
#[path = "support/schema.rs"]
mod schema;

/// Twelve commits; the failure is there from the first on, and the sixth ends it.
fn project_with_a_fix() -> (Project, String, String) {
    let project = Project::new();
    let first = project.commit("bug", "bad", "Begin");
    let mut fix = String::new();
    for at in 1..12 {
        let (file, text) = if at == 6 { ("bug", "good".into()) } else { ("a", at.to_string()) };
        let name = project.commit(file, &text, &format!("Work, {at}"));
        if at == 6 {
            fix = name;
        }
    }
    (project, first, fix)
}

#[test]
fn the_commit_that_ended_a_flaky_failure_is_found_told_mailed_and_replayed() {
    let (project, first, fix) = project_with_a_fix();
    let test = project.flaky_test(3);
    let arguments = ["--fix", "--bad", &first, "--test", &test, "--title", "Assertion"];
    let planned = project.bisect(&[&["start"], &arguments[..]].concat());
    assert!(text(&planned).1.contains("begin it with"), "{planned:?}");
    let (out, err) = text(&project.bisect(&["resume"]));
    assert!(out.starts_with(&fix[..12]), "{out}\n{err}");
    assert!(out.contains("(\"Work, 6\") ended the failure"), "{out}");

    let json = project.json();
    assert_eq!(json["direction"], "fix");
    assert_eq!(json["conclusion"]["kind"], "culprit");
    assert_eq!(json["conclusion"]["commits"][0]["commit"], fix.as_str());

    let (status, _) = text(&project.bisect(&["status"]));
    assert!(status.contains("not fixed in the range"), "{status}");
    let (mail, _) = text(&project.bisect(&["show", "--mail"]));
    assert!(mail.contains("Subject: [fix found] "), "{mail}");

    let (log, _) = text(&project.bisect(&["show", "--log"]));
    let file = project.folder.path().join("log");
    fs::write(&file, &log).unwrap();
    let replayed = project.git(&["bisect", "replay", file.to_str().unwrap()]);
    let said = format!("{fix} is the first fixed commit");
    assert!(replayed.contains(&said), "{log}\n{replayed}");
    project.git(&["bisect", "reset"]);
}

#[test]
fn a_failure_that_nothing_ended_is_not_credited_to_a_commit() {
    let (project, first, _) = project_with_a_fix();
    let output = project.bisect(&[
        "run",
        "--fix",
        "--bad",
        &first,
        "--good",
        "HEAD~7",
        "--test",
        "echo 'BUG: always'; exit 1",
    ]);
    let (out, err) = text(&output);
    assert!(out.starts_with("Nothing in the range ends the failure"), "{out}\n{err}");
    assert_eq!(project.json()["conclusion"]["kind"], "older_than_range");
}

#[test]
fn a_search_for_a_fix_says_which_end_is_which() {
    let (project, first, _) = project_with_a_fix();
    let output =
        project.bisect(&["run", "--fix", "--good", &first, "--bad", "HEAD", "--test", "true"]);
    let (_, err) = text(&output);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("--fix the good commit is the newer one"), "{err}");
    let output = project.bisect(&["run", "--fix", "--test", "true"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn the_culprit_is_taken_back_at_the_bad_end_and_the_failure_goes() {
    let (project, first, culprit) = Project::with_a_bug();
    let test = project.flaky_test(2);
    let arguments = ["run", "--good", &first, "--test", &test, "--title", "Assertion"];
    let (out, err) = text(&project.bisect(&arguments));
    assert!(out.starts_with(&culprit[..12]), "{out}\n{err}");
    assert!(out.contains("Reverted on the bad commit"), "{out}");
    assert!(out.contains("did not show in"), "{out}");
    let json = project.json();
    let revert = &json["conclusion"]["revert"];
    assert_eq!((&revert["result"], &revert["wanted"]), (&"gone".into(), &0.into()), "{revert}");
    assert!(revert["runs"].as_u64().unwrap() >= 5, "{revert}");
    // No branch knows of the commit that was tested.
    assert_eq!(project.git(&["branch", "--list"]), "* main\n  side");

    // It is left out where that is wished.
    let (out, _) = text(&project.bisect(&[&arguments[..], &["--no-revert"]].concat()));
    assert!(out.starts_with(&culprit[..12]) && !out.contains("Reverted on the bad"), "{out}");
    assert_eq!(project.json()["conclusion"]["revert"]["result"], "not_asked");
}

#[test]
fn a_culprit_whose_revert_still_fails_is_not_blamed_alone() {
    let project = Project::new();
    let first = project.commit("a", "0", "Begin");
    project.commit("a", "1", "Work");
    let culprit = project.commit("one", "bad", "Bring it");
    for at in 2..6 {
        project.commit("a", &at.to_string(), "Work");
    }
    project.commit("two", "bad", "Bring it again");
    project.commit("a", "6", "Work");
    let test = project
        .test_that("[ -e one ] || [ -e two ] && { echo 'BUG: it is there'; exit 1; }\nexit 0\n");
    let (out, err) = text(&project.bisect(&["run", "--good", &first, "--test", &test]));
    assert!(out.starts_with(&culprit[..12]), "{out}\n{err}");
    assert!(out.contains("is not alone to blame"), "{out}");
    assert!(out.contains("still showed, in 1 of 1 runs"), "{out}");
    assert_eq!(project.json()["conclusion"]["kind"], "culprit_not_alone");
}

#[test]
fn a_culprit_that_does_not_revert_cleanly_is_named_and_that_is_said() {
    let project = Project::new();
    let first = project.commit("a", "0\n", "Begin");
    let culprit = project.commit("a", "bad 1\n", "Bring it");
    project.commit("a", "bad 2\n", "Work on the same line");
    project.commit("a", "bad 3\n", "Again");
    let test = "grep -q bad a && { echo 'BUG: it is there'; exit 1; }; exit 0";
    let (out, err) = text(&project.bisect(&["run", "--good", &first, "--test", test]));
    assert!(out.starts_with(&culprit[..12]), "{out}\n{err}");
    assert!(out.contains("cannot be reverted on the bad commit without a conflict"), "{out}");
    assert_eq!(project.json()["conclusion"]["revert"]["result"], "not_clean");
}

#[test]
fn a_step_between_two_compilers_is_not_pinned_on_the_code() {
    let project = Project::new();
    let first = project.commit("a", "0", "Begin");
    for at in 1..12 {
        let name = if at == 5 { "compiler" } else { "a" };
        project.commit(name, &at.to_string(), &format!("Work, {at}"));
    }
    // The failure comes with the compiler that the project asks for.
    let (out, err) = text(&project.bisect(&[
        "run",
        "--good",
        &first,
        "--build",
        "true",
        "--environment",
        "if [ -e compiler ]; then echo cc 13; else echo cc 12; fi",
        "--test",
        "if [ -e compiler ]; then echo 'BUG: miscompiled'; exit 1; fi",
    ]));
    assert!(out.starts_with("Compiler or configuration, perhaps not code"), "{out}\n{err}");
    assert!(out.contains("(\"Work, 5\")"), "{out}");
    assert!(out.contains("Built with cc 13; its parent with cc 12"), "{out}");
    assert!(out.contains("What would settle it"), "{out}");
    let json = project.json();
    assert_eq!(json["conclusion"]["kind"], "compiler_or_configuration");
    assert_eq!(json["conclusion"]["origin"]["kind"], "build");
    assert_eq!(json["conclusion"]["origin"]["before"][0], "cc 12");
}

#[test]
fn a_commit_of_configuration_only_is_told_from_code() {
    let project = Project::new();
    let first = project.commit("a.c", "0", "Begin");
    for at in 1..10 {
        let name = if at == 4 { "lib/Kconfig.debug" } else { "a.c" };
        project.commit(name, &at.to_string(), &format!("Work, {at}"));
    }
    let test = "if [ -e lib/Kconfig.debug ]; then echo 'BUG: seen now'; exit 1; fi";
    let (out, err) = text(&project.bisect(&["run", "--good", &first, "--test", test]));
    assert!(out.starts_with("Configuration, not code: the step lies at"), "{out}\n{err}");
    assert!(out.contains("(\"Work, 4\")") && out.contains("The failure may be older"), "{out}");
    assert_eq!(project.json()["conclusion"]["kind"], "compiler_or_configuration");
}

#[test]
fn of_several_failures_the_wanted_one_is_asked_for_and_kept_apart() {
    let project = Project::new();
    let first = project.commit("a", "0", "Begin");
    let (mut one, mut two) = (String::new(), String::new());
    for at in 1..14 {
        let name = match at {
            4 => "one",
            9 => "two",
            _ => "a",
        };
        let commit = project.commit(name, &at.to_string(), &format!("Work, {at}"));
        match at {
            4 => one = commit,
            9 => two = commit,
            _ => {}
        }
    }
    // The older bug shows in every other run, the newer one in the others.
    let test = project.test_that(
        "[ $((n % 2)) = 0 ] && [ -e two ] && { echo 'BUG: two'; exit 1; }\n\
         [ -e one ] && { echo 'BUG: one'; exit 1; }\nexit 0\n",
    );
    let output = project.bisect(&["run", "--good", &first, "--test", &test]);
    let (_, err) = text(&output);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("BUG: one") && err.contains("BUG: two"), "{err}");
    assert!(err.contains("resume 1 --title TEXT"), "{err}");
    let before = project.json()["attempts"].as_array().unwrap().len();

    let (out, err) = text(&project.bisect(&["resume", "--title", "BUG: two"]));
    assert!(out.starts_with(&two[..12]), "{out}\n{err}");
    // What was run before the question counts on.
    let after = project.json()["attempts"].as_array().unwrap().len();
    assert!(before > 0 && after > before);

    let (out, err) =
        text(&project.bisect(&["run", "--good", &first, "--test", &test, "--title", "BUG: one"]));
    assert!(out.starts_with(&one[..12]), "{out}\n{err}");
}

/// A project of 16 commits with a failure that begins with the sixth; gives its first commit and that.
fn with_a_late_bug() -> (Project, String, String) {
    let project = Project::new();
    let first = project.commit("a", "0", "Begin");
    let mut culprit = String::new();
    for at in 1..16 {
        let commit = project.commit(if at == 5 { "bug" } else { "a" }, &at.to_string(), "Work");
        if at == 5 {
            culprit = commit;
        }
    }
    (project, first, culprit)
}

#[test]
fn a_rare_other_failure_of_the_bad_end_does_not_stop_the_search() {
    let (project, first, culprit) = with_a_late_bug();
    // The rare one is the first that the bad end shows, and comes back late.
    let test = project.test_that(
        "[ $((n % 9)) = 0 ] && { echo 'BUG: rare'; exit 1; }\n\
         [ -e bug ] && [ $((n % 2)) = 1 ] && { echo 'BUG: wanted'; exit 1; }\nexit 0\n",
    );
    let (out, err) = text(&project.bisect(&["run", "--good", &first, "--test", &test]));
    assert!(out.starts_with(&culprit[..12]), "{out}\n{err}");
    assert!(out.contains("Wanted failure: BUG: wanted."), "{out}");
    assert!(out.contains("taken for another bug: BUG: rare ("), "{out}");
    let json = project.json();
    assert_eq!(json["wanted"][0], "BUG: wanted");
    assert_eq!(json["other_crashes"][0]["title"], "BUG: rare");
    assert!(json["other_crashes"][0]["runs"].as_u64().unwrap() >= 1, "{json}");
}

#[test]
fn a_commit_that_only_changes_the_name_of_a_failure_is_not_blamed() {
    let (project, first, renames) = with_a_late_bug();
    let begins = project.git(&["rev-parse", "HEAD~13"]);
    // The failure is older than the commit that gives it another name.
    let test = project.test_that(
        "[ $((n % 2)) = 1 ] || exit 0\n[ -e bug ] && { echo 'BUG: in new_name'; exit 1; }\n\
         [ $(cat a) -ge 2 ] && { echo 'BUG: in old_name'; exit 1; }\nexit 0\n",
    );
    let (out, err) = text(&project.bisect(&["run", "--good", &first, "--test", &test]));
    assert!(out.starts_with("No commit is blamed."), "{out}\n{err}");
    assert!(out.contains(&renames[..12]) && out.contains("BUG: in old_name"), "{out}");
    let json = project.json();
    assert_eq!(json["conclusion"]["kind"], "renamed");
    assert_eq!(json["conclusion"]["renamed"]["title"], "BUG: in old_name");
    let (mail, _) = text(&project.bisect(&["show", "--mail"]));
    assert!(mail.starts_with("Subject:"), "nobody is written to: {mail}");
    let (log, _) = text(&project.bisect(&["show", "--log"]));
    assert!(!log.contains("first bad commit"), "{log}");

    // What it says to do leads to the commit that brought the failure.
    let titles = ["resume", "--title", "BUG: in new_name", "--title", "BUG: in old_name"];
    let (out, err) = text(&project.bisect(&titles));
    assert!(out.starts_with(&begins[..12]), "{out}\n{err}");
    assert_eq!(project.json()["conclusion"]["kind"], "culprit");
}

/// The probability that a commit is the culprit, before the first run.
fn prior_of(project: &Project, arguments: &[&str], commit: &str) -> f64 {
    let mut all = vec!["start", "--test", "true"];
    all.extend(arguments);
    let output = project.bisect(&all);
    assert!(output.status.success(), "{output:?}");
    let json = project.json();
    assert_eq!(json["attempts"].as_array().unwrap().len(), 0);
    let commits = json["conclusion"]["commits"].as_array().unwrap();
    let own = commits.iter().find(|candidate| candidate["commit"] == commit);
    own.map_or(0.0, |candidate| candidate["probability"].as_f64().unwrap())
}

#[test]
fn files_of_the_crash_fixes_and_the_callers_weights_move_the_prior() {
    let project = Project::new();
    let first = project.commit("a", "0", "Begin");
    let plain = project.commit("fs/ext4/inode.c", "1", "Work on a file system");
    let trace = project.commit("net/core/dev.c", "1", "Work on the network");
    let guilty = project.commit("net/sched/sch_api.c", "1", "Work on queues");
    project.commit(
        "mm/slub.c",
        "1",
        &format!("Work on memory\n\nFixes: {} (\"Work on a file system\")", &plain[..12]),
    );
    project.commit("a", "1", "More work");
    let good = ["--good", first.as_str()];
    let with =
        |more: &[&str], commit: &str| prior_of(&project, &[&good[..], more].concat(), commit);

    // A commit that needed a fix is twice as likely as another.
    let (fixed, other) = (with(&[], &plain), with(&[], &trace));
    assert!((fixed / other - 2.0).abs() < 0.01, "{fixed} against {other}");

    let log = project.folder.path().join("crash.log");
    let crash = "[    5.0] ==================================================================\n\
        [    5.0] BUG: KASAN: slab-use-after-free in qdisc_create+0x1a/0x40 net/sched/sch_api.c:1301\n\
        [    5.0] Read of size 8 at addr ffff888012345678 by task tc/812\n\
        [    5.0] \n\
        [    5.0] CPU: 0 PID: 812 Comm: tc Not tainted 6.1.0 #1\n\
        [    5.0] Call Trace:\n\
        [    5.0]  <TASK>\n\
        [    5.0]  qdisc_create+0x1a/0x40 net/sched/sch_api.c:1301\n\
        [    5.0]  __dev_queue_xmit+0x5/0x10 net/core/dev.c:4200\n\
        [    5.0]  </TASK>\n";
    fs::write(&log, crash).unwrap();
    let log = log.to_str().unwrap();
    let ratio = |commit: &str| with(&["--crash", log], commit) / with(&["--crash", log], &plain);
    // Against a commit that needed a fix, which counts double.
    assert!((ratio(&guilty) - 11.5).abs() < 0.1, "{}", ratio(&guilty));
    assert!((ratio(&trace) - 4.0).abs() < 0.1, "{}", ratio(&trace));

    let weights = project.folder.path().join("weights");
    fs::write(&weights, format!("# mine\n{} 30\n\n", &trace[..10])).unwrap();
    let path = weights.to_str().unwrap();
    let ratio = with(&["--weights", path], &trace) / with(&["--weights", path], &plain);
    assert!((ratio - 15.0).abs() < 0.1, "{ratio}");

    for (text_of_file, why) in [
        ("HEAD 2\nHEAD twice\n", "weights:2: the factor is not a number"),
        ("nonsense 2\n", "weights:1: there is no such revision"),
        ("HEAD -1\n", "weights:1: the factor is not from 0"),
        ("HEAD\n", "weights:1: not a revision and a factor"),
    ] {
        fs::write(&weights, text_of_file).unwrap();
        let output =
            project.bisect(&["start", "--good", &first, "--test", "true", "--weights", path]);
        let (_, err) = text(&output);
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains(why), "{why}: {err}");
    }
    fs::write(&weights, "all is well\n").unwrap();
    let output = project.bisect(&["start", "--good", &first, "--test", "true", "--crash", path]);
    let (_, err) = text(&output);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("no crash report in it"), "{err}");
}

/// The example of docs/bisection.md, as it stands there: a unit test that fails now and then.
#[test]
fn the_flaky_unit_test_of_the_documentation_is_bisected() {
    let document = include_str!("../../../docs/bisection.md");
    let from = document.find("ktriage bisect run").expect("an example");
    let example = &document[from..from + document[from..].find("```").expect("its end")];
    let words = |key: &str| {
        let at = example.find(key).unwrap_or_else(|| panic!("{key} is not in the example"));
        let rest = &example[at + key.len()..];
        let rest = &rest[rest.find('\'').expect("a quoted word") + 1..];
        rest[..rest.find('\'').expect("its end")].to_owned()
    };
    let (build, test, title) = (words("--build"), words("--test"), words("--title"));

    let project = Project::new();
    // A stand-in for a test of a queue that drops an element in one of three runs.
    let counts = project.folder.path().join("counts");
    fs::create_dir(&counts).unwrap();
    let source = |drops: bool| {
        format!(
            "count={}/$KTRIAGE_COMMIT\nn=$(cat $count 2>/dev/null || echo 0)\necho $((n + 1)) > $count\n\
             [ $1 = queue_keeps_order ] || exit 0\n\
             if {} && [ $((n % 3)) = 1 ]; then\n\
             echo 'queue.c:31: queue_keeps_order: Assertion `first < second'\"'\"' failed.'\nexit 1\nfi\n",
            counts.display(),
            if drops { "true" } else { "false" }
        )
    };
    project.commit("queue-test", &source(false), "Begin");
    project.git(&["tag", "v1.2"]);
    let mut culprit = String::new();
    for at in 0..20 {
        let name = match at {
            8 => project.commit("queue-test", &source(true), "Make the queue faster"),
            _ => project.commit("notes", &at.to_string(), &format!("Note {at}")),
        };
        if at == 8 {
            culprit = name;
        }
    }
    // What the example calls is put in the way of the shell.
    let tools = project.folder.path().join("bin");
    fs::create_dir(&tools).unwrap();
    let make = tools.join("make");
    fs::write(&make, "#!/bin/sh\nexit 0\n").unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(&make, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .current_dir(project.root())
        .env("PATH", path)
        .args(["bisect", "run", "--good", "v1.2", "--bad", "HEAD"])
        .args(["--build", &build, "--test", &test, "--title", &title, "--state"])
        .arg(project.folder.path().join("state"))
        .output()
        .unwrap();
    let (out, err) = text(&output);
    assert!(out.starts_with(&culprit[..12]), "{out}\n{err}");
    assert!(out.contains("(\"Make the queue faster\") brought the failure"), "{out}");
}

/// What `generate schema` prints must be what the repository holds, and what `--json` prints must fit.
#[test]
fn what_is_printed_fits_the_schemas_of_the_documentation() {
    let schema_of = |name: &str| -> serde_json::Value {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_ktriage"))
            .args(["generate", "schema", name])
            .output()
            .unwrap();
        let file = format!("{}/../../docs/schema/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let kept = fs::read_to_string(&file).unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(kept == printed, "{file} is stale: run `cargo xtask generate`");
        serde_json::from_str(&printed).unwrap()
    };
    let (project, first, _) = Project::with_a_bug();
    let test = project.flaky_test(2);
    project.bisect(&["run", "--good", &first, "--test", &test, "--title", "Assertion"]);
    let bisect = schema_of("bisect");
    assert_eq!(schema::problems(&bisect, &project.json()), Vec::<String>::new());
    // The checker can fail.
    let mut broken = project.json();
    broken["cost"]["runs"] = "many".into();
    broken["surprise"] = 1.into();
    assert_eq!(schema::problems(&bisect, &broken).len(), 2);

    let plan = std::process::Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(["bisect", "plan", "--commits", "20", "--rate", "1", "--trials", "1", "--json"])
        .output()
        .unwrap();
    let plan: serde_json::Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!(schema::problems(&schema_of("bisect-plan"), &plan), Vec::<String>::new());

    // A log with runs and one without.
    let log = project.folder.path().join("log");
    fs::write(&log, text(&project.bisect(&["show", "--log"])).0).unwrap();
    let commit = |digit: &str| digit.repeat(40);
    let farm = project.folder.path().join("farm");
    fs::write(
        &farm,
        format!(
            "bisecting cause commit starting from {a}\ntesting commit {a}\nkernel signature: 1\n\
             all runs: crashed: WARNING in f\ntesting release v1\ntesting commit {b}\nall runs: OK\n\
             # git bisect start {a} {b}\nBisecting: 0 revisions left to test after this (roughly 0 steps)\n\
             [{c}] x\ntesting commit {c}\nrun #0: crashed: WARNING in f\nrun #1: OK\n# git bisect bad {c}\n\
             {c} is the first bad commit\n\
             revisions tested: 3, total time: 1h0m0s (build: 30m0s, test: 20m0s)\n",
            a = commit("a"),
            b = commit("b"),
            c = commit("c")
        ),
    )
    .unwrap();
    let audit = schema_of("bisect-audit");
    for file in [&log, &farm] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_ktriage"))
            .args(["bisect", "audit", "--json"])
            .arg(file)
            .output()
            .unwrap();
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(schema::problems(&audit, &value), Vec::<String>::new());
    }
}

/// The page in a browser: hostile titles stay text, nothing runs, and the picture is there.
#[test]
fn the_page_shows_the_belief_and_keeps_hostile_titles_text() {
    let project = Project::new();
    let first = project.commit("a", "0", "Begin");
    for at in 1..16 {
        let name = if at == 6 { "bug" } else { "a" };
        project.commit(name, &at.to_string(), "<b id=made>Work</b>");
    }
    let test = project.test_that(
        "[ -e bug ] && { echo 'BUG: <script>document.title=1</script><i id=made>'; exit 1; }\nexit 0\n",
    );
    project.bisect(&["run", "--good", &first, "--test", &test]);
    let page = project.folder.path().join("page.html");
    let output = project.bisect(&["show", "--html", page.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let html = fs::read_to_string(&page).unwrap();
    assert!(!html.contains("<script") && !html.contains("<i ") && !html.contains("<b "), "{html}");
    assert!(!html.contains("http"), "the page fetches nothing");
    let Some(seen) = chromium::open(&page, None) else { return };
    assert!(seen.contains("<title>Bisection 1</title>"), "{seen}");
    assert!(!seen.contains("id=\"made\""), "{seen}");
    let steps = project.json()["steps"].as_array().unwrap().len();
    let from = seen.find("<svg").unwrap();
    let picture = &seen[from..seen[from..].find("</svg>").unwrap() + from];
    assert_eq!(picture.matches("<text").count(), steps, "one row a step");
    assert!(seen.contains("class=\"culprit\""));
}

#[test]
fn the_mail_goes_to_those_whose_code_the_culprit_changes_when_a_tree_is_there() {
    let (project, first, _) = Project::with_a_bug();
    let test = project.flaky_test(1);
    let output =
        project.bisect(&["run", "--good", &first, "--test", &test, "--title", "Assertion"]);
    assert!(output.status.success(), "{output:?}");
    let tree = project.folder.path().join("linux");
    fs::create_dir(&tree).unwrap();
    fs::write(
        tree.join("MAINTAINERS"),
        "ALL\nM:\tMax Moe <max@example.org>\nR:\tAnn Author <ann@example.org>\nL:\tall@example.org\nF:\t*\nF:\t*/\n",
    )
    .unwrap();
    let output = project.bisect(&["show", "--mail", "--tree", tree.to_str().unwrap()]);
    let (mail, said) = text(&output);
    assert!(
        mail.starts_with(
            "To: Ann Author <ann@example.org>,\n    Max Moe <max@example.org>\nCc: all@example.org,\n    Rae Viewer <rae@example.org>\nSubject: [bisected] "
        ),
        "{mail}"
    );
    assert!(
        said.contains("Max Moe <max@example.org>: maintainer of ALL (MAINTAINERS:2)"),
        "{said}"
    );
}

#[test]
fn commits_ranked_by_a_crash_are_the_prior() {
    let project = Project::new();
    let first = project.commit("shop.c", "int shop_open(void)\n{\n}\n", "shop: open");
    let mut culprit = String::new();
    for at in 1..9 {
        if at == 5 {
            let text = "int shop_reset(void)\n{\n\treturn *p;\n}\n";
            culprit = project.commit("shop.c", text, "shop: reset on demand");
        } else {
            project.commit("other.c", &format!("int x{at};\n"), &format!("other: {at}"));
        }
    }
    let log = project.folder.path().join("crash.log");
    fs::write(
        &log,
        "[    5.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n\
         [    5.000001] Oops: 0000 [#1] PREEMPT SMP\n[    5.000003] RIP: 0010:shop_reset+0x1/0x9\n\
         [    5.000004] Call Trace:\n[    5.000005]  shop_ioctl+0x1/0x9\n",
    )
    .unwrap();
    let log = log.to_str().unwrap();
    let base = ["start", "--good", &first, "--test", "false", "--crash", log];
    let (_, said) = text(&project.bisect(&[&base[..], &["--suspects"]].concat()));
    assert!(said.contains(&format!("suspects: {}", &culprit[..12])), "{said}");
    let likely = |json: &serde_json::Value| {
        let first = &json["conclusion"]["commits"][0];
        (first["commit"].as_str().unwrap_or_default().to_owned(), first["probability"].as_f64())
    };
    let (commit, probability) = likely(&project.json());
    assert_eq!(commit, culprit);
    assert!(probability.unwrap() > 0.15, "{probability:?}");
    let (_, said) =
        text(&project.bisect(&["start", "--good", &first, "--test", "false", "--suspects"]));
    assert!(said.contains("--crash"), "{said}");
}
