//! A bisection that is told no good commit begins at a release.

use project::{Project, text};

#[path = "support/project.rs"]
mod project;

/// Forty commits with a release at every tenth; from commit `bug` on the test can fail.
fn project_with_releases(bug: usize) -> (Project, String) {
    let project = Project::new();
    let mut culprit = String::new();
    for at in 0..40 {
        let (file, text) = if at == bug { ("bug", "bad".into()) } else { ("a", at.to_string()) };
        let name = project.commit(file, &text, &format!("Work, {at}"));
        if at == bug {
            culprit = name;
        }
        if at % 10 == 0 {
            project.git(&["tag", &format!("v1.{}", at / 10)]);
            project.git(&["tag", &format!("v1.{}-rc1", at / 10 + 1)]);
        }
    }
    (project, culprit)
}

#[test]
fn without_a_good_commit_the_range_begins_at_a_release_and_the_culprit_is_found() {
    let (project, culprit) = project_with_releases(17);
    let test = project.flaky_test(2);
    let output = project.bisect(&["run", "--test", &test, "--title", "Assertion"]);
    let (out, err) = text(&output);
    assert!(err.contains("the range begins at v1.0"), "{err}");
    assert!(output.status.success() && out.starts_with(&culprit[..12]), "{out}\n{err}");
}

#[test]
fn a_failure_older_than_the_releases_is_called_so_and_nobody_is_blamed() {
    let (project, _) = project_with_releases(5);
    let test = project.flaky_test(2);
    let arguments = ["run", "--test", &test, "--title", "Assertion", "--releases", "2"];
    let output = project.bisect(&arguments);
    let (out, err) = text(&output);
    assert!(err.contains("the range begins at v1.2"), "{err}");
    assert!(output.status.success() && out.contains("older than the range"), "{out}\n{err}");
    assert_eq!(project.json()["conclusion"]["kind"], "older_than_range");
}

#[test]
fn without_releases_a_good_commit_is_asked_for() {
    let (project, _, _) = Project::with_a_bug();
    let output = project.bisect(&["run", "--test", "false"]);
    let (_, err) = text(&output);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("there is no release before"), "{err}");
    assert!(err.contains("--good"), "{err}");
}
