//! Claims about the source and its history, judged by a small invented tree.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

#[path = "support/schema.rs"]
mod schema;

struct Small {
    folder: tempfile::TempDir,
    /// The commit that is first in v1.1-rc1.
    culprit: String,
}

impl Small {
    /// A tree with two releases; `None` without git.
    fn new() -> Option<Self> {
        let small = Self { folder: tempfile::tempdir().unwrap(), culprit: String::new() };
        let write = |path: &str, text: &str| {
            let path = small.tree().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("shop/shelf.c", "int shelf_put(int a)\n{\n\tshelf_lock(a);\n\treturn 0;\n}\n");
        write("shop/lock.c", "void shelf_lock(int a)\n{\n}\nMAKE_GETTERS(shelf_get);\n");
        if !small.git(&["init", "-q", "."]).status.success() {
            return None;
        }
        small.commit("shop: put");
        small.git(&["tag", "v1.0"]);
        write("shop/shelf.c", "int shelf_put(int a)\n{\n\tshelf_lock(a);\n\treturn 1;\n}\n");
        let culprit = small.commit("shop: count the shelves");
        small.git(&["tag", "v1.1-rc1"]);
        small.git(&["tag", "v1.1"]);
        Some(Self { culprit, ..small })
    }

    fn tree(&self) -> PathBuf {
        self.folder.path().join("linux")
    }

    fn git(&self, arguments: &[&str]) -> Output {
        Command::new("git")
            .arg("-C")
            .arg(self.tree())
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@x.example"])
            .args(arguments)
            .output()
            .unwrap()
    }

    fn commit(&self, title: &str) -> String {
        self.git(&["add", "-A", "."]);
        assert!(self.git(&["commit", "-q", "-m", title]).status.success());
        let head = self.git(&["rev-parse", "HEAD"]).stdout;
        String::from_utf8(head).unwrap().trim().to_owned()
    }

    fn ktriage(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ktriage"))
            .args(arguments)
            .arg("--tree")
            .arg(self.tree())
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .output()
            .unwrap()
    }

    fn put(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn fits(name: &str, value: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema").join(name);
    let documented: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(schema::problems(&documented, value), Vec::<String>::new());
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
fn claims_about_the_source_are_judged_by_the_tree() {
    let Some(small) = Small::new() else {
        println!("skipped: no git command");
        return;
    };
    let commit = &small.culprit[..12];
    let cases = [
        (
            json!({"predicate":"defined_in","function":"shelf_put","file":"shop/shelf.c"}),
            "supported",
            "shop/shelf.c:1",
        ),
        (
            json!({"predicate":"defined_in","function":"shelf_put","file":"shop/lock.c"}),
            "contradicted",
            "shop/shelf.c:1",
        ),
        (
            json!({"predicate":"defined_in","function":"shelf_get","file":"shop/lock.c"}),
            "not_shown",
            "a macro may make it",
        ),
        (
            json!({"predicate":"defined_in","function":"shelf_sell","file":"shop/till.c"}),
            "not_shown",
            "the tree has no shop/till.c",
        ),
        (
            json!({"predicate":"calls","caller":"shelf_put","function":"shelf_lock"}),
            "supported",
            "shop/shelf.c:3",
        ),
        (
            json!({"predicate":"calls","caller":"shelf_lock","function":"shelf_put"}),
            "not_shown",
            "does not hold the name",
        ),
        (json!({"predicate":"commit_exists","commit":commit}), "supported", commit),
        (
            json!({"predicate":"commit_exists","commit":commit,"title":"shop: count the shelves"}),
            "supported",
            commit,
        ),
        (
            json!({"predicate":"commit_exists","commit":commit,"title":"shop: paint"}),
            "contradicted",
            commit,
        ),
        (
            json!({"predicate":"commit_exists","commit":"0123456789ab"}),
            "not_shown",
            "does not hold 0123456789ab",
        ),
        (
            json!({"predicate":"commit_in_release","commit":commit,"release":"v1.1"}),
            "supported",
            "tag v1.1",
        ),
        (
            json!({"predicate":"commit_in_release","commit":commit,"release":"v1.0"}),
            "contradicted",
            "tag v1.1-rc1",
        ),
        (
            json!({"predicate":"commit_in_release","commit":commit,"release":"v9"}),
            "not_shown",
            "no tag v9",
        ),
        (
            json!({"predicate":"first_in_release","commit":commit,"release":"v1.1"}),
            "supported",
            "tag v1.1-rc1",
        ),
        (
            json!({"predicate":"first_in_release","commit":commit,"release":"v1.0"}),
            "contradicted",
            "tag v1.1-rc1",
        ),
    ];
    let claims: Vec<Value> = cases.iter().map(|(claim, ..)| claim.clone()).collect();
    let file = small.put("claims.json", &Value::from(claims).to_string());
    let out = small.ktriage(&["check", "--claims", &file, "--json"]);
    assert!(out.status.success(), "{out:?}");
    let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
    fits("check-claims.json", &answer);
    let judged = answer["source"].as_array().unwrap();
    assert_eq!(judged.len(), cases.len());
    for ((claim, judgement, word), got) in cases.iter().zip(judged) {
        assert_eq!(got["judgement"], *judgement, "{claim}: {got}");
        assert!(got.to_string().contains(word), "{claim}: {got}");
    }
    let out = small.ktriage(&["check", "--claims", &file, "--exit-code"]);
    assert_eq!(out.status.code(), Some(1));
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(
        text.contains("8 supported, 4 contradicted, 5 not shown") || text.contains("supported"),
        "{text}"
    );
    assert!(text.contains("but: shop/shelf.c defines shelf_put()."), "{text}");
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
fn what_an_analysis_says_of_commits_releases_and_functions_is_judged_where_a_tree_is_given() {
    let Some(small) = Small::new() else {
        println!("skipped: no git command");
        return;
    };
    let commit = &small.culprit[..12];
    let analysis = small.put(
        "analysis.md",
        &format!(
            "This regression in v1.0 was introduced by commit {commit} (\"shop: count the shelves\").\n\
             shelf_put() (shop/shelf.c:3) now calls shelf_lock() (shop/shelf.c:9).\nSee commit 0123456789ab too.\n"
        ),
    );
    let out = small.ktriage(&["check", &analysis]);
    let text = String::from_utf8(out.stdout).unwrap();
    for line in [
        "6 claims about the source and its history: 3 supported, 2 contradicted, 1 not shown",
        &format!("but: v1.1-rc1 is the first release that holds commit {commit}."),
        "but: shop/lock.c defines shelf_lock().",
        "the history of the tree does not hold 0123456789ab",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let out = small.ktriage(&["check", &analysis, "--json"]);
    let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
    fits("check.json", &answer);
    assert_eq!(answer["source"].as_array().unwrap().len(), 6);
    // A diagnosis of the same text judges it too.
    let out = small.ktriage(&["diagnose", &analysis]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.contains("is the first release that holds commit"), "{text}");
    let out = small.ktriage(&["diagnose", &analysis, "--json"]);
    let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
    fits("diagnose.json", &answer);
    assert_eq!(answer["source"][0]["judgement"], "supported");
}

#[test]
fn claims_need_something_to_be_judged_by() {
    let out = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(["check", "--claims", "claims.json"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(2) && said.contains("--log LOG"), "{said}");
}
