//! `ktriage who` from the outside, over a small invented tree.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

#[path = "support/schema.rs"]
mod schema;

const MAINTAINERS: &str = "\
List of people

PUMP DRIVER
M:\tAnn Lee <ann@old.example>
R:\tRob Roe <rob@x.example>
L:\tpumps@lists.example
S:\tMaintained
T:\tgit git://git.example/pumps.git
F:\tdrivers/pump/
K:\tpump_(open|close)

GEARS
M:\tMax Moe <max@x.example>
S:\tOrphan
F:\tlib/gear.c

THE REST
L:\tall@lists.example
F:\t*
F:\t*/
";

const LOG: &str = "[    5.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n\
[    5.000001] Oops: 0000 [#1] PREEMPT SMP\n\
[    5.000002] CPU: 0 PID: 9 Comm: w Not tainted 6.1.0 #1\n\
[    5.000003] RIP: 0010:gear_turn+0x1/0x9\n[    5.000004] Call Trace:\n\
[    5.000005]  pump_run.isra.0+0x1/0x9\n[    5.000006]  __x64_sys_pump+0x1/0x9\n";

const PATCH: &str = "\
From: New <new@x.example>
Subject: [PATCH] gears: turn once

Fixes: COMMIT (\"gears: turn\")
---
diff --git a/lib/gear.c b/lib/gear.c
--- a/lib/gear.c
+++ b/lib/gear.c
@@ -1,4 +1,4 @@
 int gear_turn(void)
 {
-\treturn 1;
+\treturn pump_open();
 }
";

struct Small {
    _folder: tempfile::TempDir,
    tree: PathBuf,
    state: PathBuf,
    work: PathBuf,
}

fn small() -> Small {
    let folder = tempfile::tempdir().unwrap();
    let (tree, state) = (folder.path().join("linux"), folder.path().join("state"));
    let write = |path: &str, text: &str| {
        let path = tree.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("MAINTAINERS", MAINTAINERS);
    write(".mailmap", "Ann Lee <ann@x.example> <ann@old.example>\n");
    write(".get_maintainer.ignore", "Old Hand <old@x.example>\n");
    write("lib/gear.c", "int gear_turn(void)\n{\n\treturn 1;\n}\n");
    write("drivers/pump/run.c", "static int pump_run(void)\n{\n}\nSYSCALL_DEFINE0(pump)\n{\n}\n");
    write("Documentation/pump.yaml", "maintainers:\n  - Eve Fox <eve@x.example>\n");
    let work = folder.path().to_owned();
    Small { _folder: folder, tree, state, work }
}

impl Small {
    fn who(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ktriage"))
            .arg("who")
            .args(arguments)
            .arg("--tree")
            .arg(&self.tree)
            .arg("--state")
            .arg(&self.state)
            .output()
            .unwrap()
    }

    fn brief(&self, arguments: &[&str]) -> Vec<String> {
        let out = self.who(&[arguments, &["--brief"]].concat());
        assert!(out.status.success(), "{out:?}");
        String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let out = self.who(&[arguments, &["--json"]].concat());
        assert!(out.status.success(), "{out:?}");
        let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/who.json");
        let documented: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(schema::problems(&documented, &answer), Vec::<String>::new());
        answer
    }

    fn put(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.work.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A history of the tree; `false` where there is no git.
    fn commit(&self, author: &str, file: &str, text: &str, message: &str) -> bool {
        std::fs::write(self.tree.join(file), text).unwrap();
        let git = |arguments: &[&str]| {
            Command::new("git")
                .arg("-C")
                .arg(&self.tree)
                .args(["-c", "user.name=Committer", "-c", "user.email=c@x.example"])
                .args(arguments)
                .output()
                .is_ok_and(|out| out.status.success())
        };
        git(&["init", "-q", "."])
            && git(&["add", "-A", "."])
            && git(&["commit", "-q", "--author", author, "-m", message])
    }

    fn head(&self) -> String {
        let out =
            Command::new("git").arg("-C").arg(&self.tree).args(["rev-parse", "HEAD"]).output();
        String::from_utf8(out.unwrap().stdout).unwrap().trim().to_owned()
    }
}

const PUMPS: [&str; 4] = [
    "Ann Lee <ann@x.example>",
    "Rob Roe <rob@x.example>",
    "pumps@lists.example",
    "all@lists.example",
];

#[test]
fn a_file_has_its_people_by_the_name_they_go_by() {
    let small = small();
    assert_eq!(small.brief(&["--file", "drivers/pump/run.c"]), PUMPS);
    assert_eq!(small.brief(&["--file", "drivers/pump"]), PUMPS);
    let whole = small.tree.join("drivers/pump/run.c");
    assert_eq!(small.brief(&["--file", whole.to_str().unwrap()]), PUMPS);
    let bound = small.brief(&["--file", "Documentation/pump.yaml"]);
    assert_eq!(bound, ["Eve Fox <eve@x.example>", "all@lists.example"]);
}

#[test]
fn each_person_has_his_reason_with_the_lines_of_maintainers() {
    let small = small();
    let answer = small.json(&["--file", "drivers/pump/run.c"]);
    let ann = &answer["recipients"][0];
    assert_eq!(ann["role"], "maintainer");
    let reason = &ann["reasons"][0];
    assert_eq!((&reason["section"], &reason["line"]), (&"PUMP DRIVER".into(), &4.into()));
    assert_eq!(
        (&reason["by"]["pattern"], &reason["by"]["line"]),
        (&"drivers/pump/".into(), &9.into())
    );
    assert_eq!(answer["subsystems"][0]["status"], "Maintained");
    let text = String::from_utf8(small.who(&["--file", "drivers/pump/run.c"]).stdout).unwrap();
    for line in [
        "PUMP DRIVER (Maintained)",
        "tree git git://git.example/pumps.git",
        "maintainer of PUMP DRIVER (MAINTAINERS:4); F: drivers/pump/ (MAINTAINERS:9) matches drivers/pump/run.c",
        "No history was asked.",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn a_raw_log_leads_to_the_file_of_the_first_function_that_is_no_helper() {
    let small = small();
    let log = small.put("a.log", LOG);
    let answer = small.json(&[&log]);
    let guilty = &answer["guilty"];
    // lib/ is never guilty.
    assert_eq!(guilty["file"], "drivers/pump/run.c", "{answer}");
    assert_eq!((&guilty["function"], &guilty["line"]), (&"pump_run.isra.0".into(), &1.into()));
    assert_eq!(small.brief(&[&log]), PUMPS);
    // The index is there now; what is edited by hand is found where it is.
    std::fs::write(small.tree.join("drivers/pump/run.c"), "\n\nstatic int pump_run(void)\n{\n}\n")
        .unwrap();
    assert_eq!(small.json(&[&log])["guilty"]["line"], 3);
}

#[test]
fn a_patch_asks_by_its_files_and_by_the_words_of_its_changed_lines() {
    let small = small();
    let patch = small.put("a.patch", PATCH);
    let people = small.brief(&[&patch]);
    assert_eq!(people[0], "Max Moe <max@x.example>");
    assert!(PUMPS.iter().all(|one| people.iter().any(|known| known == one)), "{people:?}");
    let answer = small.json(&[&patch]);
    let pumps = &answer["subsystems"][2];
    assert_eq!(
        (&pumps["title"], &pumps["by"]["patch_line"]),
        (&"PUMP DRIVER".into(), &13.into()),
        "{answer}"
    );
    // A context line is no reason.
    let other = small.put(
        "b.patch",
        PATCH.replace("+\treturn pump", "+\treturn p").replace(" {", " pump_open {"),
    );
    assert_eq!(small.brief(&[&other]), ["Max Moe <max@x.example>", "all@lists.example"]);
}

#[test]
fn keywords_of_a_mail_are_looked_for_in_its_headers_and_in_its_decoded_body() {
    let small = small();
    let plain = PATCH.replace("+\treturn pump_open", "+\treturn x");
    let named =
        small.put("a.eml", plain.replacen("Subject", "Cc: pump_close@x.example\nSubject", 1));
    assert!(small.brief(&[&named]).contains(&PUMPS[0].to_owned()));
    let head = "Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\nMessage-Id: <a@x.example>\n";
    let encoded = PATCH.replace('=', "=3D").replace("pump_open", "pump_=\nopen");
    let encoded = small.put("b.eml", encoded.replacen("Subject", &format!("{head}Subject"), 1));
    assert!(small.brief(&[&encoded]).contains(&PUMPS[0].to_owned()));
    assert!(!small.brief(&[&small.put("c.eml", plain)]).contains(&PUMPS[0].to_owned()));
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
fn a_history_adds_who_wrote_and_signed_the_code() {
    let small = small();
    let first =
        "gears: turn\n\nSigned-off-by: Old Hand <old@x.example>\nReviewed-by: Ivy <ivy@x.example>";
    if !small.commit(
        "Gus <gus@x.example>",
        "lib/gear.c",
        "int gear_turn(void)\n{\n\treturn 1;\n}\n",
        first,
    ) {
        println!("skipped: no git command");
        return;
    }
    let commit = small.head();
    let patch = small.put("a.patch", PATCH.replace("COMMIT", &commit[..12]));
    let answer = small.json(&[&patch]);
    assert_eq!(answer["history"], commit.as_str());
    let of = |address: &str| {
        let all = answer["recipients"].as_array().unwrap();
        all.iter().find(|one| one["address"] == address).cloned().unwrap_or_default()
    };
    let gus: Vec<String> = of("gus@x.example")["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|why| why["reason"].as_str().unwrap().to_owned())
        .collect();
    let part = &commit[..12];
    assert_eq!(gus[0], format!("wrote {part} (\"gears: turn\"), which the patch names in Fixes:"));
    assert!(
        gus[1]
            .starts_with("wrote 1 and signed, reviewed or acked 1 of the 1 commits of lib/gear.c"),
        "{gus:?}"
    );
    assert!(gus[2].starts_with("last changed 4 lines of lib/gear.c"), "{gus:?}");
    assert_eq!(of("ivy@x.example")["role"], "history");
    assert_eq!(of("old@x.example"), Value::Null, "ignored people are not listed for the history");
    let plain = small.brief(&[&patch, "--no-history"]);
    assert!(!plain.iter().any(|one| one.contains("gus@x.example")), "{plain:?}");
    // A commit that is not there is told.
    let other = small.put("b.patch", PATCH.replace("COMMIT", "0123456789ab"));
    assert_eq!(small.json(&[&other])["unknown_fixes"][0], "0123456789ab");
}

#[test]
fn what_gives_no_answer_is_a_clear_error() {
    let small = small();
    let said = |out: Output| {
        assert_eq!(out.status.code(), Some(2), "{out:?}");
        String::from_utf8(out.stderr).unwrap()
    };
    let text = said(small.who(&["--file", "fs/none.c"]));
    assert!(text.contains("the tree has no fs/none.c") && text.contains("hint:"), "{text}");
    let text = said(small.who(&["--file", "../outside.c"]));
    assert!(text.contains("not a path inside of"), "{text}");
    let quiet = small.put("quiet.log", "[    1.000000] all is well\n");
    let text = said(small.who(&[&quiet]));
    assert!(text.contains("neither a patch nor a crash report"), "{text}");
    let strange = small.put("strange.log", LOG.replace("gear_turn", "x1").replace("pump", "other"));
    let text = said(small.who(&[&strange]));
    assert!(text.contains("the tree defines none of its functions"), "{text}");
    std::fs::remove_file(small.tree.join("MAINTAINERS")).unwrap();
    let text = said(small.who(&["--file", "lib/gear.c"]));
    assert!(text.contains("it has no MAINTAINERS"), "{text}");
    let out = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(["who", "--file", "a", "--tree", "/nonexistent"])
        .output()
        .unwrap();
    assert!(said(out).contains("/nonexistent: no such folder"));
}

#[test]
fn hostile_files_of_a_tree_reach_no_terminal_and_stop_nothing() {
    let small = small();
    let mut text = MAINTAINERS.as_bytes().to_vec();
    text.extend_from_slice(b"\xff\xfe\x1b[31mEVIL\x00\nM:\t\x1b]0;x\x07Eve <eve@x.example>\nL:\t\x1b[2J@x.example\nF:\tlib/\nF:\t((((\nN:\t(a*)*b\nK:\t[\n");
    text.extend(std::iter::repeat_n(b'A', 1 << 20));
    std::fs::write(small.tree.join("MAINTAINERS"), text).unwrap();
    std::fs::write(small.tree.join(".mailmap"), b"<<<>>> \xff <\n#\n<@> <@>\n").unwrap();
    for how in ["--brief", "--json", "--no-history"] {
        let out = small.who(&["--file", "lib/gear.c", how]);
        assert!(out.status.success(), "{out:?}");
        assert!(!out.stdout.contains(&0x1b) && !out.stdout.contains(&7), "{how}");
    }
}

#[test]
fn a_reply_for_a_list_goes_to_those_whose_code_crashed() {
    let small = small();
    let log = small.put("a.log", LOG);
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_ktriage"))
            .args(["diagnose", "--mail", &log])
            .args(arguments)
            .env("XDG_STATE_HOME", &small.state)
            .output()
            .unwrap()
    };
    let plain = String::from_utf8(run(&[]).stdout).unwrap();
    let out = run(&["--tree", small.tree.to_str().unwrap()]);
    let mail = String::from_utf8(out.stdout).unwrap();
    let head = "To: Ann Lee <ann@x.example>\nCc: Rob Roe <rob@x.example>,\n    pumps@lists.example,\n    all@lists.example\n\n";
    assert_eq!(mail, format!("{head}{plain}"));
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(said.contains("pumps@lists.example: list of PUMP DRIVER (MAINTAINERS:6)"), "{said}");
}
