//! `ktriage bisect` on small git projects with flaky tests, and on input that cannot work.

use std::fs;
use std::path::Path;
use std::process::Command;

use project::{Project, text};

#[path = "support/project.rs"]
mod project;

#[test]
fn a_flaky_bug_on_a_side_branch_is_found_and_told_in_every_shape() {
    let (project, first, culprit) = Project::with_a_bug();
    let test = project.flaky_test(3);
    let output =
        project.bisect(&["run", "--good", &first, "--test", &test, "--title", "Assertion"]);
    let (out, err) = text(&output);
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.starts_with(&culprit[..12]), "{out}\n{err}");
    assert!(out.contains("(\"Side branch, 2\") brought the failure"), "{out}");
    assert!(out.contains("showed the failure in"), "{out}");

    // Where it was already proven, going on has nothing to do.
    let again = project.bisect(&["resume"]);
    assert_eq!(text(&again).0, out);

    let (mail, _) = text(&project.bisect(&["show", "--mail"]));
    assert!(mail.starts_with("To: Ann Author <ann@example.org>\nCc: Rae Viewer <rae@example.org>\nSubject: [bisected] "), "{mail}");

    let (log, _) = text(&project.bisect(&["show", "--log"]));
    let file = project.folder.path().join("log");
    fs::write(&file, &log).unwrap();
    let replayed = project.git(&["bisect", "replay", file.to_str().unwrap()]);
    let said = format!("{culprit} is the first bad commit");
    assert!(replayed.contains(&said), "{log}\n{replayed}");
    project.git(&["bisect", "reset"]);

    let json = project.json();
    assert_eq!(json["format"], 1);
    assert_eq!(json["conclusion"]["kind"], "culprit");
    assert_eq!(json["conclusion"]["commits"][0]["commit"], culprit.as_str());
    assert_eq!(json["cost"]["runs"], json["attempts"].as_array().unwrap().len());

    let page = project.folder.path().join("page.html");
    let output = project.bisect(&["show", "--html", page.to_str().unwrap()]);
    assert!(output.status.success());
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains(&culprit[..12]) && page.contains("<svg"), "{page}");

    let (status, _) = text(&project.bisect(&["status"]));
    assert!(status.contains("done") && status.contains('█'), "{status}");
    // The user's own tree was not touched.
    assert_eq!(project.git(&["status", "--porcelain"]), "");
    assert_eq!(project.git(&["symbolic-ref", "--short", "HEAD"]), "main");
}

#[test]
fn a_killed_bisection_goes_on_and_loses_at_most_the_run_in_flight() {
    let (project, first, culprit) = Project::with_a_bug();
    let test = format!("sleep 0.05; {}", project.flaky_test(2));
    let state = project.folder.path().join("state");
    let mut child = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .current_dir(project.root())
        .args([
            "bisect",
            "run",
            "--good",
            &first,
            "--test",
            &test,
            "--title",
            "Assertion",
            "--state",
        ])
        .arg(&state)
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let recorded = || {
        let output = project.bisect(&["show", "--json"]);
        let json: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or(serde_json::Value::Null);
        json["attempts"].as_array().map_or(0, Vec::len)
    };
    // Wait for a value, not for a time: some runs are recorded while it works.
    while recorded() < 4 {
        std::thread::sleep(std::time::Duration::from_millis(20));
        if child.try_wait().unwrap().is_some() {
            break;
        }
    }
    // SIGKILL; it cannot tidy up.
    child.kill().unwrap();
    child.wait().unwrap();
    let before = recorded();
    assert!(before >= 4);
    let output = project.bisect(&["resume"]);
    let (out, err) = text(&output);
    assert!(output.status.success() && out.starts_with(&culprit[..12]), "{out}\n{err}");
    assert!(recorded() > before);
}

#[test]
fn two_failures_at_the_bad_end_are_not_taken_for_one() {
    let (project, first, _) = Project::with_a_bug();
    let test = project.test_that(
        "if [ $((n % 2)) = 0 ]; then echo 'BUG: one'; else echo 'BUG: two'; fi; exit 1\n",
    );
    let output = project.bisect(&["run", "--good", &first, "--test", &test]);
    let (_, err) = text(&output);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(
        err.contains("several failures") && err.contains("BUG: one") && err.contains("--title"),
        "{err}"
    );
}

#[test]
fn a_test_that_never_fails_is_called_not_reproducible() {
    let (project, first, _) = Project::with_a_bug();
    let output = project.bisect(&["run", "--good", &first, "--test", "true"]);
    let (out, _) = text(&output);
    assert!(output.status.success());
    assert!(out.contains("did not show"), "{out}");
}

#[test]
fn a_spent_budget_gives_what_is_known_so_far() {
    let (project, first, _) = Project::with_a_bug();
    let test = project.flaky_test(3);
    let output = project.bisect(&[
        "run",
        "--good",
        &first,
        "--test",
        &test,
        "--title",
        "Assertion",
        "--budget",
        "12runs",
    ]);
    let (out, err) = text(&output);
    assert!(output.status.success() && err.contains("the budget of 12 runs is spent"), "{err}");
    assert!(out.contains("No commit is proven"), "{out}");
}

/// Each kind of bad input, and what the error must say.
#[test]
fn bad_input_is_refused_early_and_says_what_to_do() {
    let (project, first, culprit) = Project::with_a_bug();
    project.git(&["checkout", "--quiet", "--orphan", "elsewhere"]);
    let apart = project.commit("c", "1", "Another beginning");
    project.git(&["checkout", "--quiet", "main"]);
    let side = project.git(&["rev-parse", "main~10"]);
    let check = |arguments: &[&str], status: i32, words: &[&str]| {
        let mut all = vec!["run", "--test", "exit 1"];
        all.extend(arguments);
        let output = project.bisect(&all);
        let (_, err) = text(&output);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {err}");
        for word in words {
            assert!(err.contains(word), "{arguments:?}: {word:?} is not in {err}");
        }
    };
    check(&["--good", "nonsense"], 2, &["\"nonsense\"", "hint: check the name"]);
    check(&["--good", "--upload-pack=x"], 2, &[]);
    check(&["--good", "main", "--bad", &first], 2, &["newer than the bad commit", "exchanged?"]);
    check(&["--good", &first, "--bad", &first], 2, &["good and bad"]);
    check(&["--good", &apart], 2, &["never meet"]);
    check(
        &["--good", &side, "--bad", &culprit],
        2,
        &["different branches", "where the branches part"],
    );
    check(&["--good", &first, "--repository", "/"], 2, &["not in a git repository"]);
    check(&["--good", &first, "--repository", "/no/where"], 2, &["no such directory"]);
    check(&["--good", &first, "--budget", "soon"], 2, &["90m, 12h or 500runs"]);
    check(&["--good", &first, "--confidence", "7"], 2, &["0.5 to 0.9999"]);

    let output = project.bisect(&["run", "--good", &first, "--test", "./no-such-test"]);
    let (_, err) = text(&output);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("could not be found") && err.contains("fresh work tree"), "{err}");

    let output =
        project.bisect(&["run", "--good", &first, "--test", "exit 1", "--build", "echo no; false"]);
    let (_, err) = text(&output);
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(err.contains("cannot be built") && err.contains("no"), "{err}");

    // Changes that are not committed are not tested; that is said, and hinders nothing.
    fs::write(project.root().join("a"), "changed").unwrap();
    let output = project.bisect(&["start", "--good", &first, "--test", "exit 1"]);
    let (_, err) = text(&output);
    assert!(output.status.success() && err.contains("not committed"), "{err}");
}

#[test]
fn a_shallow_clone_is_refused_and_says_how_to_mend_it() {
    let (project, first, _) = Project::with_a_bug();
    let shallow = project.folder.path().join("shallow");
    let url = format!("file://{}", project.root().display());
    project.git(&["clone", "--quiet", "--depth", "3", &url, shallow.to_str().unwrap()]);
    let output = project.bisect(&[
        "run",
        "--repository",
        shallow.to_str().unwrap(),
        "--good",
        &first,
        "--test",
        "exit 1",
    ]);
    let (_, err) = text(&output);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("--unshallow"), "{err}");
}

#[test]
fn a_vanished_work_tree_is_made_anew_and_a_vanished_repository_named() {
    let (project, first, culprit) = Project::with_a_bug();
    let test = project.flaky_test(1);
    let limited = project.bisect(&[
        "run",
        "--good",
        &first,
        "--test",
        &test,
        "--title",
        "Assertion",
        "--budget",
        "3runs",
    ]);
    assert!(limited.status.success());
    let tree = project.folder.path().join("state/bisect-1/tree-0");
    assert!(tree.is_dir());
    fs::remove_dir_all(&tree).unwrap();
    let output =
        project.bisect(&["run", "--good", &first, "--test", &test, "--title", "Assertion"]);
    assert!(text(&output).0.starts_with(&culprit[..12]), "{:?}", text(&output));

    let moved = project.folder.path().join("moved");
    fs::rename(project.root(), &moved).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .current_dir(&moved)
        .args(["bisect", "status", "--state"])
        .arg(project.folder.path().join("state"))
        .output()
        .unwrap();
    let (_, err) = text(&output);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("moved or deleted"), "{err}");
}

#[test]
fn a_commit_that_touches_nothing_built_is_not_tested() {
    let project = Project::new();
    let first = project.commit("a", "0", "Begin");
    fs::create_dir(project.root().join("Documentation")).unwrap();
    let mut documentation = Vec::new();
    for at in 0..10 {
        documentation.push(project.commit("Documentation/x", &at.to_string(), "Say it better"));
        if at == 5 {
            project.commit("bug", "bad", "Bring the bug");
        }
    }
    let test = project.flaky_test(1);
    let output = project.bisect(&[
        "run",
        "--good",
        &first,
        "--test",
        &test,
        "--title",
        "Assertion",
        "--not-built",
        "Documentation",
    ]);
    let (out, err) = text(&output);
    assert!(out.contains("(\"Bring the bug\") brought the failure"), "{out}\n{err}");
    let json = project.json();
    for attempt in json["attempts"].as_array().unwrap() {
        let commit = attempt["commit"].as_str().unwrap();
        // The bad end is what it is; every other one is represented by the commit before it.
        assert!(
            !documentation[..9].iter().any(|name| name == commit) || commit == documentation[9],
            "{commit}"
        );
    }
}

#[test]
fn a_plan_needs_no_repository() {
    let project = Project::new();
    let output = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .current_dir(project.folder.path())
        .args(["bisect", "plan", "--commits", "500", "--rate", "0.5", "--trials", "3", "--json"])
        .output()
        .unwrap();
    let (out, err) = text(&output);
    assert!(output.status.success(), "{err}");
    let plan: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((plan["format"].as_u64(), plan["commits"].as_u64()), (Some(1), Some(500)));
    assert!(plan["minutes"].as_f64().unwrap() > 20.0);
}

/// The folders a test leaves behind lie in its own temporary one.
#[test]
fn nothing_is_written_beside_the_state_folder() {
    let (project, first, _) = Project::with_a_bug();
    let before = listing(&project.root());
    let output =
        project.bisect(&["run", "--good", &first, "--test", "exit 1", "--budget", "5runs"]);
    assert!(output.status.success(), "{:?}", text(&output));
    assert_eq!(listing(&project.root()), before);
}

fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_search_without_a_test_says_what_can_be_given() {
    let (project, first, _) = Project::with_a_bug();
    let output = project.bisect(&["run", "--good", &first]);
    let (_, err) = text(&output);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("--test CMD") && err.contains("--repro FILE"), "{err}");
}
