//! `ktriage index`, `suspects` and `fixed` from the outside, over a small invented history.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

#[path = "support/schema.rs"]
mod schema;

const LOG: &str = "[    5.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n\
[    5.000001] Oops: 0000 [#1] PREEMPT SMP\n\
[    5.000002] CPU: 0 PID: 9 Comm: w Not tainted 6.1.0 #1\n\
[    5.000003] RIP: 0010:shop_reset+0x1/0x9\n[    5.000004] Call Trace:\n\
[    5.000005]  shop_ioctl+0x1/0x9\n[    5.000006]  ksys_write+0x1/0x9\n";

fn git(at: &Path, arguments: &[&str]) -> bool {
    Command::new("git")
        .arg("-C")
        .arg(at)
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@x.example"])
        .args(arguments)
        .output()
        .is_ok_and(|out| out.status.success())
}

fn ktriage(state: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(arguments)
        .arg("--state")
        .arg(state)
        .output()
        .unwrap()
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
fn a_fix_in_a_tree_is_found_with_its_release_and_a_second_run_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (tree, state) = (folder.path().join("tree"), folder.path().join("state"));
    std::fs::create_dir_all(&tree).unwrap();
    if !git(&tree, &["init", "-q", "."]) {
        println!("skipped: no git command");
        return;
    }
    let commit = |body: &str, message: &str| {
        std::fs::write(tree.join("shop.c"), body).unwrap();
        assert!(git(&tree, &["add", "-A", "."]) && git(&tree, &["commit", "-q", "-m", message]));
    };
    commit("int shop_open(void)\n{\n\treturn 0;\n}\n", "shop: open");
    commit(
        "int shop_reset(void)\n{\n\treturn *p;\n}\n",
        "shop: reset on demand\n\nshop_reset() empties the shelves.",
    );
    commit(
        "int shop_reset(void)\n{\n\tif (!p)\n\t\treturn 0;\n\treturn *p;\n}\n",
        "shop: fix NULL dereference in shop_reset()",
    );
    assert!(git(&tree, &["tag", "v1.1"]));
    let log = folder.path().join("a.log");
    std::fs::write(&log, LOG).unwrap();
    let (tree, log) = (tree.to_str().unwrap(), log.to_str().unwrap());
    let first = ktriage(&state, &["index", "--tree", tree]);
    assert!(first.status.success(), "{first:?}");
    assert_eq!(first.stdout, ktriage(&state, &["index", "--tree", tree]).stdout);

    let out = ktriage(&state, &["fixed", log, "--tree", tree, "--json"]);
    let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/suspects.json");
    let documented: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(schema::problems(&documented, &answer), Vec::<String>::new());
    let best = &answer["candidates"][0];
    assert_eq!(best["title"], "shop: fix NULL dereference in shop_reset()", "{answer}");
    assert_eq!(best["releases"][0]["tags"][0], "v1.1");
    let out = ktriage(&state, &["suspects", log, "--no-update", "--json"]);
    let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
    let all = answer["candidates"].as_array().unwrap();
    assert!(all.iter().any(|c| c["title"] == "shop: reset on demand"), "{answer}");
}

#[test]
fn an_empty_index_and_a_folder_without_archives_are_clear_errors() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let out = ktriage(&state, &["fixed", "KASAN: use-after-free Read in shop_reset"]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2));
    assert!(said.contains("the index is empty") && said.contains("--list"), "{said}");
    let out = ktriage(&state, &["index", "--list", folder.path().to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("no archive of public-inbox"));
}

/// Commits `shop.c` at a day of March 2024.
fn commit_on(tree: &Path, day: u32, body: &str, message: &str) -> String {
    std::fs::write(tree.join("shop.c"), body).unwrap();
    assert!(git(tree, &["add", "-A", "."]));
    let date = format!("2024-03-{day:02} 12:00:00 +0000");
    let run = |arguments: &[&str]| {
        let out = Command::new("git")
            .arg("-C")
            .arg(tree)
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@x.example"])
            .args(arguments)
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .unwrap();
        assert!(out.status.success(), "{out:?}");
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    };
    run(&["commit", "-q", "-m", message]);
    run(&["rev-parse", "HEAD"])
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
fn what_is_newer_than_the_report_changes_no_suspect_and_a_commit_knows_its_fix() {
    let folder = tempfile::tempdir().unwrap();
    let (tree, state) = (folder.path().join("tree"), folder.path().join("state"));
    std::fs::create_dir_all(&tree).unwrap();
    if !git(&tree, &["init", "-q", "."]) {
        println!("skipped: no git command");
        return;
    }
    commit_on(&tree, 1, "int shop_open(void)\n{\n\treturn 0;\n}\n", "shop: open");
    let culprit =
        commit_on(&tree, 2, "int shop_reset(void)\n{\n\treturn *p;\n}\n", "shop: reset on demand");
    assert!(git(&tree, &["tag", "v1.0"]));
    let (mail, log) = (folder.path().join("a.eml"), folder.path().join("a.log"));
    let head = "From: Bo <b@x.example>\nSubject: shop crashes\nMessage-ID: <r@x.example>\n\
                Date: Fri, 15 Mar 2024 09:00:00 +0000\n\n";
    std::fs::write(&mail, format!("{head}{LOG}")).unwrap();
    std::fs::write(&log, LOG).unwrap();
    let (mail, log) = (mail.to_str().unwrap(), log.to_str().unwrap());
    let name = tree.to_str().unwrap();
    let dated = ["suspects", mail, "--tree", name, "--json"];
    let until = ["suspects", log, "--tree", name, "--json", "--until", "2024-03-15"];
    let before = [ktriage(&state, &dated), ktriage(&state, &until)];
    let answer: Value = serde_json::from_slice(&before[0].stdout).unwrap();
    assert_eq!(answer["candidates"][0]["title"], "shop: reset on demand", "{answer}");

    let message = format!(
        "shop: fix NULL dereference in shop_reset()\n\nFixes: {} (\"shop: reset on demand\")\n",
        &culprit[..12]
    );
    // The same day, but later.
    let fix = "int shop_reset(void)\n{\n\tif (!p)\n\t\treturn 0;\n\treturn *p;\n}\n";
    let fix = commit_on(&tree, 15, fix, &message);
    assert!(git(&tree, &["tag", "v1.1"]));
    let after = [ktriage(&state, &dated), ktriage(&state, &until)];
    for (before, after) in before.iter().zip(&after) {
        assert!(after.status.success(), "{after:?}");
        assert_eq!(String::from_utf8_lossy(&before.stdout), String::from_utf8_lossy(&after.stdout));
    }
    let out = ktriage(&state, &["suspects", log, "--no-update"]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(said.contains("GUESS") && said.contains("  20 %  shop: reset"), "{said}");

    let out = ktriage(&state, &["fixed", &culprit[..12], "--tree", name]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let mends = format!("says that it mends {culprit}");
    assert!(said.contains(&mends), "{said}");
    std::fs::write(folder.path().join("empty"), "").unwrap();
    let empty = folder.path().join("empty");
    let out = ktriage(&state, &["suspects", empty.to_str().unwrap(), "--no-update"]);
    assert!(String::from_utf8_lossy(&out.stdout).contains("Nothing to search by"), "{out:?}");
    assert!(said.contains("itself  shop: reset on demand") && !said.contains('%'), "{said}");
    let out = ktriage(&state, &["fixed", &fix[..12], "--no-update"]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(said.contains("Not found in what was searched: tree (3 changes"), "{said}");
    assert!(said.contains(&format!("Fixes: commit {} (0)", &fix[..10])), "{said}");
}

#[test]
fn what_cannot_be_searched_by_or_in_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let missing = folder.path().join("gone");
    let out = ktriage(&state, &["index", "--list", missing.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2));
    assert!(said.contains("gone: no such folder") && said.contains("public-inbox"), "{said}");
    let out = ktriage(&state, &["fixed", "0123456", "--no-update"]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("10 digits or more"), "{out:?}");
    let out = ktriage(&state, &["suspects", "-", "--limit", "0"]);
    assert_eq!(out.status.code(), Some(2));
}

/// A tree with the culprit behind `v1.0` and an older change of the same function before it; `None` without git.
fn shop(folder: &Path) -> Option<(std::path::PathBuf, [String; 3])> {
    let tree = folder.join("tree");
    std::fs::create_dir_all(&tree).unwrap();
    if !git(&tree, &["init", "-q", "."]) {
        return None;
    }
    let old = commit_on(&tree, 1, "int shop_reset(void)\n{\n}\n", "shop: reset nothing");
    let good = commit_on(&tree, 2, "int shop_reset(void)\n{\n\treturn 0;\n}\n", "shop: say so");
    let new =
        commit_on(&tree, 3, "int shop_reset(void)\n{\n\treturn *p;\n}\n", "shop: reset on demand");
    std::fs::write(folder.join("a.log"), LOG).unwrap();
    Some((tree, [old, good, new]))
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
fn only_commits_that_a_good_one_does_not_hold_are_suspects() {
    let folder = tempfile::tempdir().unwrap();
    let Some((tree, [_, good, new])) = shop(folder.path()) else {
        println!("skipped: no git command");
        return;
    };
    let (log, state) = (folder.path().join("a.log"), folder.path().join("state"));
    let (log, tree) = (log.to_str().unwrap(), tree.to_str().unwrap());
    let out = ktriage(&state, &["suspects", log, "--tree", tree, "--json"]);
    let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!(answer["candidates"].as_array().unwrap().len() > 1, "{answer}");
    // The function of a raw log is found in the tree, and so its file.
    let reasons = answer["candidates"][0]["reasons"].to_string();
    assert!(reasons.contains("changes shop.c, at which the report points"), "{reasons}");
    let out = ktriage(&state, &["suspects", log, "--tree", tree, "--good", &good, "--json"]);
    let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
    let all = answer["candidates"].as_array().unwrap();
    assert_eq!((all.len(), all[0]["commit"].as_str()), (1, Some(new.as_str())), "{answer}");
    assert_eq!(answer["range"]["commits"], 1);
    let out = ktriage(&state, &["suspects", log, "--tree", tree, "--good", &good]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(said.contains(&format!("Only the 1 commits since {good} are suspects.")), "{said}");
    for (good, why) in [("HEAD", "no commit of HEAD is newer"), ("none", "no commit is called")] {
        let out = ktriage(&state, &["suspects", log, "--tree", tree, "--good", good]);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.code() == Some(2) && said.contains(why), "{said}");
    }
    let out = ktriage(&state, &["suspects", log, "--good", &good]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("--tree"), "{out:?}");
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
fn a_tree_without_tags_and_one_without_a_history_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let Some((tree, [_, _, new])) = shop(folder.path()) else {
        println!("skipped: no git command");
        return;
    };
    let state = folder.path().join("state");
    let name = tree.to_str().unwrap();
    let out = ktriage(&state, &["fixed", &new[..12], "--tree", name]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success() && said.contains("in no tag of the tree"), "{said}");
    let plain = folder.path().join("plain");
    std::fs::create_dir(&plain).unwrap();
    let out = ktriage(&state, &["index", "--tree", plain.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(2) && said.contains("git"), "{said}");
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
fn a_truncated_archive_is_a_clear_error_and_what_was_read_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("pumps/git/0.git");
    std::fs::create_dir_all(&archive).unwrap();
    if !git(&archive, &["init", "-q", "."]) {
        println!("skipped: no git command");
        return;
    }
    for number in 0..3 {
        let mail = format!(
            "From: Ann <a@x.example>\nMessage-ID: <{number}@x.example>\nSubject: [PATCH] pump: {number}\n\ndiff --git a/p.c b/p.c\n--- a/p.c\n+++ b/p.c\n@@ -1 +1 @@\n-a\n+{number}\n"
        );
        std::fs::write(archive.join("m"), mail).unwrap();
        assert!(git(&archive, &["add", "m"]) && git(&archive, &["commit", "-q", "-m", "m"]));
    }
    // All objects in one pack, cut in its middle.
    assert!(git(&archive, &["repack", "-q", "-a", "-d"]));
    let packs = archive.join(".git/objects/pack");
    let pack = std::fs::read_dir(packs).unwrap().flatten().map(|item| item.path());
    let pack = pack.into_iter().find(|path| path.extension().is_some_and(|e| e == "pack")).unwrap();
    let bytes = std::fs::read(&pack).unwrap();
    // Packs are read-only: another file takes the place.
    std::fs::remove_file(&pack).unwrap();
    std::fs::write(&pack, &bytes[..bytes.len() / 2]).unwrap();
    let state = folder.path().join("state");
    let out = ktriage(&state, &["index", "--list", folder.path().to_str().unwrap()]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{out:?}");
    assert!(said.contains("git fsck") && said.contains("0.git"), "{said}");
}
