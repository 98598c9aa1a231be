//! `ktriage bisect audit` from the outside: what it prints, and what it exits with.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn ktriage(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ktriage")).args(arguments).output().expect("the binary runs")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Reference material that stands beside the project; a test without it says so and passes.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn shared(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if !found.exists() {
        eprintln!("skipped: {} is not there", found.display());
        return None;
    }
    Some(found)
}

fn objects(output: &Output) -> Vec<Value> {
    text(output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The statements of a list of claims that cite some line.
fn statements(list: &Value) -> Vec<String> {
    list.as_array()
        .expect("a list")
        .iter()
        .map(|claim| {
            let grade = claim["grade"].as_str().expect("a grade");
            let cited = claim["lines"].as_array().is_some_and(|lines| !lines.is_empty());
            assert!(cited || grade == "UNKNOWN", "without evidence: {claim}");
            claim["statement"].as_str().expect("a statement").to_owned()
        })
        .collect()
}

fn any(statements: &[String], words: &[&str]) -> bool {
    statements.iter().any(|statement| words.iter().all(|word| statement.contains(word)))
}

const GPF: &str = "general protection fault in blk_mq_run_hw_queues";
const DEADLOCK: &str = "possible deadlock in del_gendisk";

fn seed() -> Option<(String, Value)> {
    let log = shared("seeds/001_5209ddaf64822f6b.txt")?;
    let log = log.to_str().expect("a path in UTF-8");
    let value = objects(&ktriage(&["bisect", "audit", "--json", log])).remove(0);
    Some((text(&ktriage(&["bisect", "audit", "--tests", log])), value))
}

#[test]
fn a_commit_with_its_parents_kernel_is_wrong_not_doubtful() {
    let Some((printed, audit)) = seed() else { return };
    assert_eq!(audit["verdict"], "wrong");
    let reasons = statements(&audit["reasons"]);
    assert!(any(&reasons, &["ceeb7218c6b3", "byte for byte", "5b6d00e46fa5"]), "{reasons:#?}");
    assert!(any(&reasons, &["MAINTAINERS", "no kernel is built from"]));
    assert!(printed.contains(": WRONG"), "{printed}");
}

#[test]
fn two_bugs_of_the_start_commit_are_named_and_judged_apart() {
    let Some((printed, audit)) = seed() else { return };
    assert!(any(&statements(&audit["reasons"]), &["2 bugs", "never chose", GPF, DEADLOCK]));
    let bugs = audit["bugs"].as_array().unwrap();
    assert_eq!(bugs.len(), 2);
    assert_eq!((&bugs[0]["titles"][0], &bugs[0]["hits"]), (&DEADLOCK.into(), &11.into()));
    assert_eq!((&bugs[1]["titles"][0], &bugs[1]["hits"]), (&GPF.into(), &9.into()));
    for bug in bugs {
        assert!(any(&statements(&bug["claims"]), &["ceeb7218c6b3", "never shows it"]));
    }
    assert!(printed.contains("Bug 1 of 2") && printed.contains("Bug 2 of 2"));
}

#[test]
fn the_release_taken_as_bad_for_the_other_bug_is_the_first_misleading_step() {
    let Some((printed, audit)) = seed() else { return };
    let misled = &audit["misled_at"];
    assert_eq!(misled["release"], "v5.13");
    assert_eq!(misled["commit"], "62fb9874f5da54fdb243003b386128037319b219");
    let statement = misled["statement"].as_str().unwrap();
    assert!(statement.contains(GPF) && statement.contains(DEADLOCK) && statement.contains("hide"));
    assert!(misled["grade"] == "INFERRED", "a hidden crash is not certain from the log");
    let claims = statements(&audit["bugs"][1]["claims"]);
    assert!(any(&claims, &["v5.13 and dbe69e433722", "no test inside that range"]), "{claims:#?}");
    let belief = &audit["bugs"][1]["belief"][0];
    assert_eq!((&belief["in"][0], &belief["not_in"][0]), (&"dbe69e433722".into(), &"v5.13".into()));
    assert!(belief["probability"].as_f64().unwrap() > 0.8);
    assert!(printed.contains("First misleading step"));
}

#[test]
fn the_deadlock_is_bracketed_by_titles_and_strangers_are_no_evidence() {
    let Some((_, audit)) = seed() else { return };
    let claims = statements(&audit["bugs"][0]["claims"]);
    assert!(
        any(&claims, &["fc0586062816", "not in that of", "42dec9a936e7", "2958a995edc9"]),
        "{claims:#?}"
    );
    assert!(any(&claims, &["2958a995edc9", "WARNING in kvm_wait", "1 of 10", "steered"]));
    assert!(any(&claims, &["d0a70ab10b9c", "1 of 20"]));
    assert!(
        any(&claims, &["ceeb7218c6b3", "3 of 18 runs"]),
        "18 of its 20 runs got to the reproducer"
    );
    let belief = &audit["bugs"][0]["belief"][0];
    assert_eq!(
        (&belief["in"][0], &belief["not_in"][0]),
        (&"fc0586062816".into(), &"2958a995edc9".into())
    );
}

#[test]
fn the_warning_is_background_with_a_rate_and_its_interval() {
    let Some((printed, audit)) = seed() else { return };
    let background = &audit["background"][0];
    assert_eq!(background["title"], "WARNING in kvm_wait");
    let before: Vec<_> = background["before_the_test"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert_eq!(before, ["b60b270b3db6", "f6df18f20d5b", "ceeb7218c6b3", "a720e11f0a9a"]);
    let (hits, runs) = (background["hits"].as_f64().unwrap(), background["runs"].as_f64().unwrap());
    let (low, high) =
        (background["rate_low"].as_f64().unwrap(), background["rate_high"].as_f64().unwrap());
    assert!(0.0 < low && low < hits / runs && hits / runs < high && high < 0.2);
    assert!(printed.contains("95 %"));
}

#[test]
fn equal_signatures_with_opposite_verdicts_are_pooled() {
    let Some((_, audit)) = seed() else { return };
    let reasons = statements(&audit["reasons"]);
    assert!(any(
        &reasons,
        &["ceeb7218c6b3 (bad)", "b53002e03559 (good)", "one kernel", "0 of its 38 runs"]
    ));
}

#[test]
fn what_to_test_next_is_ordered_with_reason_and_cost() {
    let Some((printed, audit)) = seed() else { return };
    let next = audit["next"].as_array().unwrap();
    assert!(next.len() >= 2);
    for test in next {
        assert!(test["runs"].as_u64().unwrap() > 0 && test["minutes"].as_f64().unwrap() > 0.0);
        assert!(!test["reason"].as_str().unwrap().is_empty());
        assert!(!test["revision"].as_str().unwrap().contains("ceeb7218c6b3"));
    }
    let firsts: Vec<_> =
        next.iter().take(2).map(|test| test["revision"].as_str().unwrap()).collect();
    assert!(
        firsts.iter().any(|revision| revision.contains("dbe69e433722 --not v5.13")),
        "{firsts:?}"
    );
    assert!(
        firsts.iter().any(|revision| revision.contains("fc0586062816 --not 2958a995edc9")),
        "{firsts:?}"
    );
    assert!(printed.contains("Test next"));
}

#[test]
fn the_totals_are_those_logged() {
    let Some((printed, _)) = seed() else { return };
    assert!(printed.contains("17 revisions, 4h20m12s, build 2h00m55s, test 2h16m59s"), "{printed}");
}

#[test]
fn an_innocent_commit_is_never_offered_as_culprit() {
    let Some((printed, audit)) = seed() else { return };
    assert_eq!(audit["probability"], 0.0);
    for bug in audit["bugs"].as_array().unwrap() {
        for belief in bug["belief"].as_array().unwrap() {
            let within = belief["in"].as_array().unwrap();
            assert!(within.iter().all(|name| !name.as_str().unwrap().starts_with("ceeb7218c6b3")));
        }
    }
    assert!(!printed.contains("flaky"), "at the start commit all 20 runs crash");
}

#[test]
fn on_labelled_bisections_wrong_answers_are_flagged_and_right_ones_are_not() {
    let Some(folder) = shared("corpus/bisections") else { return };
    let labels = std::fs::read_to_string(folder.join("labels.csv")).expect("labels");
    let rows: Vec<(String, &str)> = labels
        .lines()
        .skip(1)
        .filter_map(|row| {
            // Titles may be quoted and hold commas; the outcome is the first field that is one.
            let id = row.split(',').next()?;
            let outcome = row
                .split(',')
                .find(|field| ["correct", "incorrect", "no output"].contains(field))?;
            Some((folder.join(format!("{id}.txt")).to_str()?.to_owned(), outcome))
        })
        .collect();
    let mut arguments = vec!["bisect", "audit", "--json"];
    arguments.extend(rows.iter().map(|(path, _)| path.as_str()));
    let audits = objects(&ktriage(&arguments));
    assert_eq!(audits.len(), rows.len());
    let share = |wanted: &str, flags: &[&str]| {
        let group: Vec<_> =
            rows.iter().zip(&audits).filter(|((_, outcome), _)| *outcome == wanted).collect();
        let hit = group
            .iter()
            .filter(|(_, audit)| flags.contains(&audit["verdict"].as_str().unwrap()))
            .count();
        hit as f64 / group.len() as f64
    };
    assert!(share("incorrect", &["doubtful", "wrong"]) >= 0.6);
    assert!(share("correct", &["doubtful", "wrong"]) <= 0.1);
    assert!(share("no output", &["no_result"]) >= 0.99);
    for audit in &audits {
        statements(&audit["reasons"]);
    }
}

/// A small log in which one stranger's crash turned the search.
fn made_up() -> String {
    let commit = |letter: &str| letter.repeat(40);
    let crash = "all runs: crashed: KASAN: use-after-free Read in foo_close\n";
    format!(
        "bisecting cause commit starting from {a}\ntesting commit {a} with gcc\n{crash}\
         testing release v6.1\ntesting commit {b} with gcc\nall runs: OK\n\
         # git bisect start {a} {b}\nBisecting: 3 revisions left to test after this (roughly 2 steps)\n\
         [{c}] bar: tidy \x1b[31mup\ntesting commit {c} with gcc\nrun #0: crashed: WARNING in bar_idle\n{ok}\
         # git bisect bad {c}\nBisecting: 1 revision left to test after this (roughly 1 step)\n\
         [{d}] baz: more\ntesting commit {d} with gcc\nall runs: OK\n# git bisect good {d}\n\
         {c} is the first bad commit\ncommit {c}\nAuthor: N <n@example.org>\n\n    bar: tidy \x1b[31mup\n\n \
         drivers/bar/bar.c | 2 +-\n\nfirst bad commit: {c} bar: tidy \x1b[31mup\n\
         crash: WARNING in bar_idle\n bar_idle+0x1/0x2 drivers/bar/idle.c:7\n",
        a = commit("a"),
        b = commit("b"),
        c = commit("c"),
        d = commit("d"),
        ok = (1..10).map(|run| format!("run #{run}: OK\n")).collect::<String>(),
    )
}

fn with_input(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("written");
    child.wait_with_output().expect("ended")
}

#[test]
fn one_crash_of_a_stranger_is_the_misleading_step_and_nothing_reaches_the_terminal() {
    let output = with_input(&["bisect", "audit", "-", "--exit-code"], &made_up());
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("cccccccccccc was taken as bad for 'WARNING in bar_idle' (1 of 10 runs)"),
        "{printed}"
    );
    assert!(!printed.contains('\x1b'));
    assert!(printed.contains("\\x1b[31mup"));
}

#[test]
fn a_git_bisect_log_is_read_and_said_to_hold_no_runs() {
    let (a, b) = ("a".repeat(40), "b".repeat(40));
    let log = format!(
        "git bisect start\n# bad: [{a}] x\ngit bisect bad {a}\n# good: [{b}] y\ngit bisect good {b}\n\
         # first bad commit: [{a}] x\n"
    );
    let audit = objects(&with_input(&["bisect", "audit", "--json", "-"], &log)).remove(0);
    assert_eq!(audit["verdict"], "doubtful");
    assert_eq!(audit["reported_commit"], a);
    assert!(any(&statements(&audit["reasons"]), &["no runs"]));
}

#[test]
fn what_is_no_bisection_log_ends_with_2_and_says_what_to_give() {
    let output = with_input(&["bisect", "audit", "-"], "hello\n");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no bisection log") && said.contains("hint:"), "{said}");
    let output = ktriage(&["bisect", "audit", "/nonexistent/log"]);
    assert_eq!(output.status.code(), Some(2));
}

/// A repository with a side branch, and the commits by their subjects.
struct History {
    dir: tempfile::TempDir,
}

impl History {
    fn new() -> Self {
        let history = Self { dir: tempfile::tempdir().expect("a temporary directory") };
        history.git(&["init", "--quiet", "--initial-branch=main"]);
        for name in ["old", "one", "two", "three"] {
            history.commit(name, "drivers/foo/foo.c");
        }
        history.git(&["checkout", "--quiet", "-b", "side", "main~3"]);
        history.commit("side one", "drivers/bar/bar.c");
        history.commit("side two", "drivers/bar/bar.c");
        history.git(&["checkout", "--quiet", "main"]);
        history.git(&["merge", "--quiet", "--no-ff", "-m", "join", "side"]);
        history.commit("four", "drivers/foo/foo.c");
        history.commit("start", "Documentation/foo.rst");
        history
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.dir.path())
            .args(["-c", "user.name=N", "-c", "user.email=n@example.org"])
            .args(arguments)
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn commit(&self, subject: &str, file: &str) {
        let path = self.dir.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, subject).expect("a file");
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", subject]);
    }

    fn id(&self, revision: &str) -> String {
        self.git(&["rev-parse", revision])
    }

    fn audit(&self, log: &str) -> Value {
        let tree = self.dir.path().to_str().expect("a path in UTF-8");
        let output = with_input(&["bisect", "audit", "--json", "--tree", tree, "-"], log);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        objects(&output).remove(0)
    }

    /// A log in which the named commit's subject and files are not given.
    fn log(&self, named: &str) -> String {
        let (start, old, side) = (self.id("main"), self.id("main~6"), self.id("side"));
        let named = self.id(named);
        format!(
            "bisecting cause commit starting from {start}\ntesting commit {start}\n\
             all runs: crashed: KASAN: use-after-free Read in foo_close\n\
             testing release v1\ntesting commit {old}\nall runs: OK\n# git bisect start {start} {old}\n\
             Bisecting: 3 revisions left to test after this (roughly 2 steps)\n[{side}] side two\n\
             testing commit {side}\nall runs: OK\n# git bisect good {side}\nfirst bad commit: {named} x\n"
        )
    }
}

#[test]
fn with_the_tree_a_stretch_is_exact_and_has_a_middle() {
    let history = History::new();
    let audit = history.audit(&history.log("main~4"));
    let belief = &audit["bugs"][0]["belief"][0];
    // Of start, four, join, three, two and one (the named commit stands alone) none is on the side branch.
    assert_eq!(belief["commits"], 5.0, "{audit:#}");
    assert_eq!(belief["commits_estimated"], false);
    let middle = audit["next"]
        .as_array()
        .unwrap()
        .iter()
        .find(|next| next["reason"].as_str().unwrap().contains("halves"))
        .expect("a middle");
    let ids = [history.id("main~2"), history.id("main~3")];
    assert!(ids.iter().any(|id| middle["commit"] == id.as_str()), "{middle}");
}

#[test]
fn with_the_tree_merges_and_documentation_are_known() {
    let history = History::new();
    let merge = history.audit(&history.log("main~2"));
    assert_eq!(merge["verdict"], "wrong");
    assert!(any(&statements(&merge["reasons"]), &["is a merge"]));
    let documentation = history.audit(&history.log("main"));
    assert!(any(&statements(&documentation["reasons"]), &["no kernel is built from", "foo.rst"]));
}

impl History {
    /// What `git bisect log` says after git was told that commits with `culprit` in them are bad.
    fn git_bisect(&self, culprit: &str) -> String {
        self.git(&["bisect", "start", "main", "main~6"]);
        let culprit = self.id(culprit);
        for _ in 0..12 {
            let log = self.git(&["bisect", "log"]);
            if log.contains("# first bad commit") {
                self.git(&["bisect", "reset"]);
                return log;
            }
            let held = self.git(&["rev-list", "HEAD"]);
            let bad = held.lines().any(|id| id == culprit);
            self.git(&["bisect", if bad { "bad" } else { "good" }]);
        }
        panic!("git bisect finds no end");
    }
}

/// Logs that git itself wrote, over a real history with a merge.
#[test]
fn a_plain_git_bisect_log_is_judged_with_the_tree() {
    let history = History::new();
    let merge = history.audit(&history.git_bisect("main~2"));
    assert_eq!(merge["reported_commit"], history.id("main~2").as_str());
    assert_eq!(merge["verdict"], "doubtful", "{merge:#}");
    let documentation = history.audit(&history.git_bisect("main"));
    assert_eq!(documentation["verdict"], "wrong", "{documentation:#}");
    assert!(any(&statements(&documentation["reasons"]), &["no kernel is built from", "foo.rst"]));
    // Code on a side branch: nothing refutes it, and no run supports it.
    let code = history.audit(&history.git_bisect("side"));
    assert_eq!(code["reported_commit"], history.id("side").as_str());
    assert_eq!(code["verdict"], "doubtful", "{code:#}");
    assert!(any(&statements(&code["reasons"]), &["no runs"]));
}

#[test]
fn a_tree_that_does_not_fit_is_said_to_with_what_to_do() {
    let history = History::new();
    let tree = history.dir.path().to_str().unwrap();
    let output = with_input(&["bisect", "audit", "--tree", tree, "-"], &made_up());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("none of the commits"));
    let output = with_input(&["bisect", "audit", "--tree", "/nonexistent", "-"], &made_up());
    assert_eq!(output.status.code(), Some(2));
}
