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
