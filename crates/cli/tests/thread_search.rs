//! `ktriage thread --list` asked for words, phrases, names, people and days; and what an archive may hold
//! that makes an index forget or refuse mails.

#![expect(clippy::print_stdout, reason = "a test that skips says so")]

use std::path::Path;

#[path = "support/archive.rs"]
mod archive;

use archive::{Archive, git, list, mail};

const ANN: &str = "Ann Lee <ann@pump.example>";
const BO: &str = "Bo Ek <bo@review.example>";

fn patch(path: &str, function: &str, added: &str) -> String {
    format!(
        "Words.\n\nSigned-off-by: Ann Lee <ann@pump.example>\n---\n\
         diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,2 +1,3 @@ int {function}(void)\n \
         \tint a;\n+\t{added}\n \treturn 0;\n-- \n2.47.3\n"
    )
}

fn begin(directory: &Path) -> Option<Archive> {
    let archive = Archive::begin(directory.join("pumps/git/0.git"));
    if archive.is_none() {
        println!("skipped: no git command");
    }
    archive
}

#[test]
fn words_of_kernel_people_names_people_and_days_are_found_and_filters_combine() {
    let directory = tempfile::tempdir().expect("a directory");
    let mirror = directory.path();
    let Some(archive) = begin(mirror) else { return };
    let body = patch("drivers/pump/core.c", "pump_remote_start", "pump_lock_irqsave(&p->lock);");
    let first =
        format!("It doesn't stop: a use-after-free in io_uring code, see v6.12.3.\n\n{body}");
    archive.put(mail("a@x", 2, ANN, None, "[PATCH] pump: start slowly", &first).as_bytes());
    let reply = "The valve stays open, ask valves@pump.example about it.";
    archive
        .put(mail("b@x", 5, BO, Some("a@x"), "Re: [PATCH] pump: start slowly", reply).as_bytes());
    let other = "After all the free use of io is what uring people want.";
    archive.put(mail("c@x", 9, BO, None, "pumps in general", other).as_bytes());
    let found = |arguments: &[&str]| list(mirror, arguments).lines().count();
    for words in [
        "io_uring",
        "use-after-free",
        "doesn't",
        "v6.12.3",
        "valves@pump.example",
        "\"stays open\"",
        "pump_lock_irqsave",
        "lock_irq",
        "*remote*",
        "use-after-free AND doesn't",
    ] {
        assert_eq!(found(&["--search", words]), 1, "{words}");
    }
    assert_eq!(found(&["--search", "\"open stays\""]), 0);
    assert_eq!(found(&["--search", "free"]), 2);
    assert_eq!(found(&["--search", "free NOT general", "--from", "ann"]), 1);
    assert_eq!(found(&["--search", "free", "--from", "review.example"]), 1);
    assert_eq!(found(&["--from", "bo ek", "--since", "2026-03-06"]), 1);
    assert_eq!(found(&["--from", "bo ek", "--until", "2026-03-06"]), 1);
    assert_eq!(found(&["--from", "bo ek", "--since", "2026-03-05", "--until", "2026-03-05"]), 0);
    assert_eq!(found(&["--function", "pump_remote_start", "--search", "io_uring"]), 1);
    assert_eq!(found(&["--function", "*_start"]), 1);
    assert_eq!(found(&["--file", "drivers/pump/", "--from", "bo"]), 1, "one thread holds both");
    assert_eq!(found(&["--file", "drivers/valve/"]), 0);
}

#[test]
fn what_nobody_tested_is_listed_by_age_without_what_was_applied_or_replaced() {
    let directory = tempfile::tempdir().expect("a directory");
    let mirror = directory.path();
    let Some(archive) = begin(mirror) else { return };
    let put = |id: &str, day: u32, parent: Option<&str>, subject: &str, text: &str| {
        archive.put(mail(id, day, ANN, parent, subject, text).as_bytes());
    };
    let body = |n: u32| patch(&format!("f{n}.c"), &format!("f{n}"), &format!("step{n} = {n};"));
    put("old@x", 1, None, "[PATCH] pump: the old one", &body(1));
    put("new@x", 9, None, "[PATCH] pump: the new one", &body(2));
    put("taken@x", 3, None, "[PATCH] pump: the applied one", &body(3));
    put("t@x", 4, Some("taken@x"), "Re: [PATCH] pump: the applied one", "Applied, thanks!");
    put("tested@x", 3, None, "[PATCH] pump: the tested one", &body(4));
    put(
        "u@x",
        4,
        Some("tested@x"),
        "Re: [PATCH] pump: the tested one",
        "Tested-by: B <b@x.example>",
    );
    put("v1@x", 5, None, "[PATCH] pump: the replaced one", &body(5));
    put("v2@x", 6, None, "[PATCH v2] pump: the replaced one", &body(6));
    let found = list(mirror, &["--untested"]);
    let ids: Vec<&str> = found.lines().filter_map(|l| l.rsplit('\t').next()).collect();
    assert_eq!(ids, ["<new@x>", "<v2@x>", "<old@x>"], "{found}");
    let old = list(mirror, &["--untested", "--until", "2026-03-02"]);
    assert_eq!(old.lines().count(), 1, "{old}");
    assert!(old.contains(" days\t") && old.contains("the old one"), "{old}");
}

#[test]
fn no_mail_is_lost_to_its_message_id_its_files_or_a_commit_without_a_mail() {
    let directory = tempfile::tempdir().expect("a directory");
    let mirror = &directory.path().join("mirror");
    // The archive stands elsewhere and is linked.
    let Some(archive) = begin(&directory.path().join("elsewhere")) else { return };
    std::fs::create_dir(mirror).expect("a directory");
    std::os::unix::fs::symlink(directory.path().join("elsewhere/pumps"), mirror.join("pumps"))
        .expect("a link");
    archive.put(mail("same@x", 2, ANN, None, "one mail", "the first").as_bytes());
    archive.put(mail("same@x", 3, BO, None, "another mail", "the second").as_bytes());
    let encoded = mail("zzz", 4, ANN, None, "an encoded id", "coded")
        .replace("<zzz>", "=?utf-8?q?=3Cencoded=40pump=2Eexample=3E?=");
    archive.put(encoded.as_bytes());
    let many: String = (0..700)
        .map(|n| format!("diff --git a/d/f{n}.c b/d/f{n}.c\n--- a/d/f{n}.c\n+++ b/d/f{n}.c\n@@ -1 +1 @@\n-a\n+b\n"))
        .collect();
    archive.put(mail("many@x", 5, ANN, None, "[PATCH] pump: all files", &many).as_bytes());
    // A commit whose `m` is no file.
    let _ = std::fs::remove_file(archive.0.join("m"));
    let link = format!("160000,{},m", "1".repeat(40));
    assert!(git(&archive.0, &["rm", "-q", "--cached", "m"]));
    assert!(git(&archive.0, &["update-index", "--add", "--cacheinfo", &link]));
    archive.commit();
    let said = list(mirror, &[]);
    assert!(said.starts_with("4 mails of 1 archives"), "{said}");
    assert!(said.contains("1 more could not be read"), "{said}");
    let found = |arguments: &[&str]| list(mirror, arguments).lines().count();
    for words in ["first", "second"] {
        assert_eq!(list(mirror, &["--search", words]).matches("same@x").count(), 1, "{words}");
    }
    assert!(list(mirror, &["--id", "encoded@pump.example"]).contains("an encoded id"));
    assert_eq!(found(&["--file", "d/f0.c"]), 1);
    assert_eq!(found(&["--file", "d/f699.c"]), 1);
}
