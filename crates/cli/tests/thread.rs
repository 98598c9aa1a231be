//! `ktriage thread` over the sample threads: each has its expected JSON beside it, and the facts for
//! which it was written are named here. `UPDATE=1` writes the expected JSON anew.

#![expect(clippy::print_stdout, reason = "a test that skips says so")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::base64;
use serde_json::Value;

#[path = "support/base64.rs"]
mod base64;
#[path = "support/schema.rs"]
mod schema;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/thread")
}

fn samples_named() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(samples())
        .expect("samples")
        .filter_map(|e| Some(e.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|n| !n.ends_with(".json"))
        .collect();
    names.sort();
    names
}

fn ktriage(directory: &Path, arguments: &[&str]) -> (i32, Vec<u8>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .current_dir(directory)
        .args(arguments)
        .output()
        .expect("ktriage runs");
    (
        output.status.code().unwrap_or(-1),
        output.stdout,
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn json(name: &str) -> Value {
    let (status, out, error) = ktriage(&samples(), &["thread", "--json", name]);
    assert_eq!(status, 0, "{name}: {error}");
    serde_json::from_slice(&out).expect("one JSON object")
}

/// The facts for which each sample was written: the sample, the place in the JSON, the value.
const FACTS: &[(&str, &str, &str)] = &[
    ("resend.mbox", "/threads/0/state/newest", "\"v2 RESEND\""),
    ("resend.mbox", "/threads/0/versions/1/linked_by/0", "\"patch-id\""),
    ("resend.mbox", "/threads/0/state/review_tags/0/count", "1"),
    ("point-version.mbox", "/threads/0/state/newest", "\"v5.1\""),
    ("point-version.mbox", "/threads/0/versions/1/partial", "true"),
    ("point-version.mbox", "/threads/0/versions/0/size", "3"),
    ("point-version.mbox", "/threads/0/title", "\"pump: three steps\""),
    ("point-version.mbox", "/threads/0/questions/0/state", "\"changed\""),
    ("partial-reroll.mbox", "/threads/0/versions/1/partial", "true"),
    ("partial-reroll.mbox", "/threads/0/versions/1/patches/0/number", "2"),
    ("comma-number.mbox", "/threads/0/versions/0/name", "\"v6\""),
    ("comma-number.mbox", "/threads/0/versions/0/size", "24"),
    ("comma-number.mbox", "/threads/0/versions/0/patches/0/number", "19"),
    (
        "cover-base.mbox",
        "/threads/0/versions/0/base_commit",
        "\"0123456789abcdef0123456789abcdef01234567\"",
    ),
    ("cover-base.mbox", "/threads/0/versions/1/linked_by/0", "\"change-id\""),
    ("cover-base.mbox", "/threads/0/state/newest", "\"v2\""),
    ("re-starts-patch.mbox", "/threads/0/messages/1/kind", "\"patch\""),
    ("re-starts-patch.mbox", "/threads/0/versions/1/author", "\"Bo Ek\""),
    ("glued.mbox", "/threads/0/drafts/0/relation", "\"incremental\""),
    ("glued.mbox", "/threads/0/drafts/0/diff/lines", "[46,53]"),
    ("glued.mbox", "/threads/0/drafts/0/diff/damaged", "false"),
    ("rewritten-from.mbox", "/threads/0/messages/0/address", "\"ann@pump.example\""),
    ("rewritten-from.mbox", "/threads/0/messages/1/address", "\"dee@relay.example\""),
    ("rewritten-from.mbox", "/threads/0/messages/2/address", "null"),
    ("rewritten-from.mbox", "/threads/0/messages/2/name", "\"Eve Ray\""),
    ("scope.mbox", "/threads/0/tags/4/scope", "\"for the locking\""),
    ("scope.mbox", "/threads/0/tags/5/scope", "\"board with two pumps\""),
    ("scope.mbox", "/threads/0/tags/6/address", "\"flo@x.example\""),
    ("scope.mbox", "/threads/0/tags/6/condition", "84"),
    ("scope.mbox", "/threads/0/tests/tested_by", "1"),
    ("scope.mbox", "/threads/0/bugs/0/in_trailer", "true"),
    ("html-only.mbox", "/threads/0/questions/1/text", "\"And why not a mutex & be done?\""),
    ("html-only.mbox", "/threads/0/questions/1/about/lines", "[8,9]"),
    ("split-subject.mbox", "/threads/0/questions/0/state", "\"confirmed\""),
    ("split-subject.mbox", "/threads/0/messages/3/parent", "\"M3\""),
    ("encodings.mbox", "/threads/0/title", "\"pump: naïve lock\""),
    ("encodings.mbox", "/threads/0/versions/1/patches/0/diff/added", "6"),
    ("encodings.mbox", "/threads/0/drafts/0/relation", "\"same\""),
    ("encodings.mbox", "/threads/0/questions/1/text", "\"Should this go to stable too?\""),
    ("quote-elsewhere.mbox", "/threads/0/messages/4/parent", "\"M4\""),
    ("quote-elsewhere.mbox", "/threads/0/messages/4/headers_name", "\"M1\""),
    ("quote-elsewhere.mbox", "/threads/0/questions/0/state", "\"answered\""),
    ("outlook.mbox", "/threads/0/messages/1/kind", "\"review\""),
    ("outlook.mbox", "/threads/0/messages/1/parent", "\"M1\""),
    ("outlook.mbox", "/threads/0/questions/0/state", "\"answered\""),
    ("wrong-dates.mbox", "/threads/0/messages/0/kind", "\"patch\""),
    ("wrong-dates.mbox", "/threads/0/messages/0/time", "null"),
    ("wrong-dates.mbox", "/threads/0/messages/0/date_refused", "\"2099-02-02 10:00:00\""),
    ("wrong-dates.mbox", "/threads/0/messages/2/date_refused", "\"1970-01-01 00:00:00\""),
    ("wrong-dates.mbox", "/threads/0/questions/0/state", "\"confirmed\""),
    ("unmarked-cover.mbox", "/threads/0/versions/0/cover", "\"M1\""),
    ("unmarked-cover.mbox", "/threads/0/versions/0/cover_inferred", "true"),
    ("unmarked-cover.mbox", "/threads/0/state/review_tags/0/count", "1"),
    ("syzbot.mbox", "/threads/0/commands/1/command", "\"fix\""),
    ("syzbot.mbox", "/threads/0/commands/1/argument", "\"pump: start slowly\""),
    ("syzbot.mbox", "/threads/0/tests/asked/0/name", "\"Bo Ek\""),
    ("syzbot.mbox", "/threads/0/tests/done/0/passed", "true"),
    ("syzbot.mbox", "/threads/0/questions", "[]"),
    ("pull.mbox", "/threads/0/pulls/0/reference", "\"tags/pump-6.19-rc3\""),
    (
        "pull.mbox",
        "/threads/0/pulls/0/said_merged/commit",
        "\"fedcba9876543210fedcba9876543210fedcba98\"",
    ),
    ("stable.mbox", "/threads/0/versions/0/size", "456"),
    ("stable.mbox", "/threads/0/versions/0/patches/2/number", "123"),
    ("stable.mbox", "/threads/0/versions/0/patches/2/writer", "\"Ann Lee\""),
    ("sent-again.mbox", "/threads/0/state/newest", "\"v1 again\""),
    ("sent-again.mbox", "/threads/0/questions/0/state", "\"changed\""),
    ("unchanged-tags.mbox", "/threads/0/tags/2/carried_to", "\"M7\""),
    (
        "unchanged-tags.mbox",
        "/threads/0/state/review_tags",
        "[{\"count\":1,\"tag\":\"Reviewed-by\"}]",
    ),
    ("two-lists.mbox", "/threads/0/messages/1/copies", "1"),
    ("two-lists.mbox", "/threads/0/state/review_tags/0/count", "1"),
    ("crlf.mbox", "/threads/0/versions/0/patches/0/diff/lines", "[15,23]"),
    ("base64-crlf.mbox", "/threads/0/versions/0/patches/0/diff/added", "1"),
    ("written-by.mbox", "/threads/0/versions/0/patches/0/writer", "\"Ann Lee\""),
    ("written-by.mbox", "/threads/0/tags/7/tag", "\"Message-ID\""),
    ("scissors.mbox", "/threads/0/drafts/0/relation", "\"replacement\""),
    ("attached.mbox", "/threads/0/versions/0/patches/0/diff/added", "1"),
    ("attached.mbox", "/threads/1/questions/0/waits_for", "[\"anyone who can answer\"]"),
    ("unnumbered.mbox", "/threads/0/versions/0/patches/1/number", "2"),
    ("of-number.mbox", "/threads/0/versions/0/size", "2"),
    ("lost-reference.mbox", "/threads/0/messages/2/parent", "\"M2\""),
    ("lost-reference.mbox", "/threads/0/questions/0/state", "\"answered\""),
    ("applied-by-bot.mbox", "/threads/0/drafts/0/relation", "\"same\""),
    (
        "sign-offs.mbox",
        "/threads/0/findings/0/statement",
        "\"\\\"pump: start slowly\\\" has no Signed-off-by of Sender Sue, who sends it\"",
    ),
    ("sign-offs.mbox", "/threads/0/findings/1/lines", "[[12,12]]"),
    ("flowed.mbox", "/threads/0/versions/0/patches/0/diff/damaged", "true"),
    ("flowed.mbox", "/threads/0/versions/1/patches/0/diff/damaged", "false"),
    ("lore-page.html", "/threads/0/versions/0/patches/0/diff/lines", "[23,35]"),
    ("lore-page.html", "/threads/0/questions/0/state", "\"answered\""),
    ("lore-page.txt", "/threads/0/messages/2/parent", "\"M2\""),
    ("lore-page.txt", "/threads/0/questions/0/state", "\"answered\""),
];

#[test]
fn every_sample_shows_the_facts_for_which_it_was_written() {
    for (name, place, value) in FACTS {
        let found = json(name);
        let found = found.pointer(place).map(ToString::to_string);
        assert_eq!(found.as_deref(), Some(*value), "{name} {place}");
    }
}

#[test]
fn every_sample_gives_its_expected_json() {
    let names = samples_named();
    assert!(names.len() >= 12, "{names:?}");
    for name in names {
        let found = json(&name);
        let path = samples().join(format!("{name}.json"));
        if std::env::var_os("UPDATE").is_some() {
            let text = serde_json::to_string_pretty(&found).expect("JSON") + "\n";
            fs::write(&path, text).expect("written");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        let expected: Value = serde_json::from_str(&expected).unwrap_or_default();
        assert!(
            found == expected,
            "{name}: differs from {}; look at it with UPDATE=1",
            path.display()
        );
        assert_eq!(found["format"], 1);
    }
}

#[test]
fn what_every_sample_prints_fits_the_schema_of_the_documentation() {
    let (status, made, error) = ktriage(&samples(), &["generate", "schema", "thread"]);
    assert_eq!(status, 0, "{error}");
    let made: Value = serde_json::from_slice(&made).expect("a schema");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/thread.json");
    let kept: Value = serde_json::from_slice(&fs::read(kept).expect("the schema")).expect("JSON");
    assert_eq!(made, kept, "bring it up to date with `cargo xtask generate`");
    let mut samples = samples_named();
    samples.push("../thread".to_owned());
    for name in samples {
        assert_eq!(schema::problems(&kept, &json(&name)), Vec::<String>::new(), "{name}");
    }
    let wrong = serde_json::json!({"format": 1, "file": "x", "form": "mbox", "threads": [{}]});
    assert!(!schema::problems(&kept, &wrong).is_empty());
}

#[test]
fn an_input_that_is_no_mail_is_refused_with_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("x.txt"), "Just words.\n").expect("written");
    let (status, _, error) = ktriage(directory.path(), &["thread", "x.txt"]);
    assert_eq!(status, 2);
    assert!(error.contains("x.txt") && error.contains("hint:"), "{error}");
    let (status, _, error) = ktriage(directory.path(), &["thread", "absent.mbox"]);
    assert_eq!(status, 2);
    assert!(error.contains("absent.mbox"), "{error}");
}

#[test]
fn open_questions_are_one_a_line_and_the_page_escapes_everything() {
    let directory = tempfile::tempdir().expect("a directory");
    let page = directory.path().join("page.html");
    let (status, out, _) = ktriage(
        &samples(),
        &[
            "thread",
            "--list-open",
            "--exit-code",
            "--html",
            &page.to_string_lossy(),
            "encodings.mbox",
        ],
    );
    assert_eq!(status, 1, "questions are open");
    let out = String::from_utf8_lossy(&out).into_owned();
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(out.lines().all(|l| l.split('\t').count() == 6), "{out}");
    let page = fs::read_to_string(&page).expect("a page");
    assert!(page.contains("Should this go to stable too?") && !page.contains("<script"));
}

fn git(directory: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("git")
        .current_dir(directory)
        .args(["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "core.autocrlf=false"])
        .args(arguments)
        .output()
        .ok()?;
    output.status.success().then_some(output.stdout)
}

#[test]
fn a_partial_reroll_is_whole_with_the_patches_before_it() {
    let (status, out, error) =
        ktriage(&samples(), &["thread", "--diff", "v5.1", "point-version.mbox"]);
    assert_eq!(status, 0, "{error}");
    let out = String::from_utf8_lossy(&out).into_owned();
    assert_eq!(out.matches("diff --git").count(), 3, "{out}");
    assert!(
        out.contains("slab.h") && out.contains("kfree(flow)") && out.contains("pump-test.o"),
        "{out}"
    );
    let (_, out, _) = ktriage(&samples(), &["thread", "--diff", "v5.1/2", "point-version.mbox"]);
    assert_eq!(String::from_utf8_lossy(&out).matches("diff --git").count(), 1);
}

#[test]
fn a_patch_beyond_the_announced_number_has_its_diff_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let mails: String = (1..=3)
        .map(|n| {
            format!(
                "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: Ann Lee <ann@pump.example>\n\
                 Subject: [PATCH {n}/2] pump: part {n}\nDate: Mon, 2 Mar 2026 09:0{n}:00 +0000\n\
                 Message-ID: <{n}@x.example>\nIn-Reply-To: <0@x.example>\n\nWords.\n---\n\
                 diff --git a/f{n} b/f{n}\n--- a/f{n}\n+++ b/f{n}\n@@ -1 +1 @@\n-a\n+b\n\n"
            )
        })
        .collect();
    fs::write(directory.path().join("t.mbox"), mails).expect("written");
    let (status, out, error) = ktriage(directory.path(), &["thread", "--diff", "v1/3", "t.mbox"]);
    assert_eq!(status, 0, "{error}");
    assert!(String::from_utf8_lossy(&out).contains("b/f3"));
    let (_, out, _) = ktriage(directory.path(), &["thread", "--diff", "v1", "t.mbox"]);
    assert_eq!(String::from_utf8_lossy(&out).matches("diff --git").count(), 3);
}

/// Codes bytes as quoted-printable with soft breaks.
fn quoted_printable(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut column = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let last = bytes.get(at + 1).is_none_or(|b| *b == b'\n');
        let piece = match byte {
            b'\n' => "\n".to_owned(),
            b' ' | b'\t' if last => format!("={byte:02X}"),
            b' ' | b'\t' | b'!'..=b'<' | b'>'..=b'~' => char::from(*byte).to_string(),
            _ => format!("={byte:02X}"),
        };
        if *byte == b'\n' {
            column = 0;
        } else if column + piece.len() > 70 {
            out.push_str("=\n");
            column = piece.len();
        } else {
            column += piece.len();
        }
        out.push_str(&piece);
    }
    out
}

#[test]
fn an_extracted_diff_is_the_senders_byte_for_byte_and_applies() {
    let directory = tempfile::tempdir().expect("a directory");
    let tree = directory.path().join("tree");
    fs::create_dir(&tree).expect("a directory");
    if git(&tree, &["init", "-q", "."]).is_none() {
        println!("skipped: no git command");
        return;
    }
    // Bytes that are no UTF-8, carriage returns, trailing blanks, a file without a last line end.
    let old: &[u8] = b"int a;\r\n\tna\xefve = 1;\n  trailing  \nFrom here\n>From there\nlong long long long long long long long long long long long long long line = 1;\nend";
    let new: &[u8] = b"int b;\r\n\tna\xefve = 2;\n  trailing \nFrom me\n>From there\nlong long long long long long long long long long long long long long line = 2;\nend\n";
    fs::write(tree.join("x.c"), old).expect("written");
    git(&tree, &["add", "."]).expect("added");
    git(&tree, &["commit", "-q", "-m", "x"]).expect("committed");
    fs::write(tree.join("x.c"), new).expect("written");
    let diff = git(&tree, &["diff"]).expect("a diff");
    git(&tree, &["checkout", "-q", "."]).expect("restored");

    let mut text =
        b"Some words.\n\nSigned-off-by: A B <a@b.example>\n---\n x.c | 2 +-\n\n".to_vec();
    text.extend_from_slice(&diff);
    text.extend_from_slice(b"-- \n2.47.3\n");
    let head = "From: A B <a@b.example>\nSubject: [PATCH] x: y\nDate: Mon, 2 Mar 2026 09:00:00 +0100\nMessage-ID: <a@b>\nMIME-Version: 1.0\n";
    let mail = |extra: &str, body: &[u8]| {
        let mut mail = format!("{head}{extra}\n").into_bytes();
        mail.extend_from_slice(body);
        mail
    };
    let mut mbox = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n".to_vec();
    mbox.extend(mail(
        "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: base64\n",
        base64(&text).as_bytes(),
    ));
    let latin = "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: ";
    let attached = format!(
        "--B\nContent-Type: text/plain\n\nSee below.\n--B\nContent-Type: text/x-diff; name=x.diff\nContent-Disposition: attachment; filename=x.diff\n\
         Content-Transfer-Encoding: base64\n\n{}--B--\n",
        base64(&diff)
    );
    let cases = [
        ("base64 in an mbox", mbox),
        (
            "quoted-printable",
            mail(&format!("{latin}quoted-printable\n"), quoted_printable(&text).as_bytes()),
        ),
        ("attached", mail("Content-Type: multipart/mixed; boundary=B\n", attached.as_bytes())),
    ];
    for (name, bytes) in cases {
        let path = directory.path().join("mail");
        fs::write(&path, bytes).expect("written");
        let (status, found, error) = ktriage(directory.path(), &["thread", "--diff", "v1", "mail"]);
        assert_eq!(status, 0, "{name}: {error}");
        assert_eq!(
            String::from_utf8_lossy(&found).replace('\r', "<CR>"),
            String::from_utf8_lossy(&diff).replace('\r', "<CR>"),
            "{name}"
        );
        assert_eq!(found, diff, "{name}");
        fs::write(tree.join("../found.diff"), &found).expect("written");
        assert!(git(&tree, &["apply", "../found.diff"]).is_some(), "{name} does not apply");
        assert_eq!(fs::read(tree.join("x.c")).expect("the file"), new, "{name}");
        git(&tree, &["checkout", "-q", "."]).expect("restored");
    }
}

#[test]
fn a_mirror_is_indexed_once_brought_up_to_date_and_asked() {
    let directory = tempfile::tempdir().expect("a directory");
    let archive = directory.path().join("pumps/git/0.git");
    fs::create_dir_all(&archive).expect("a directory");
    if git(&archive, &["init", "-q", "."]).is_none() {
        println!("skipped: no git command");
        return;
    }
    let mails = |name: &str| -> Vec<Vec<u8>> {
        let bytes = fs::read(samples().join(name)).expect("a sample");
        parse_mail::mbox::messages(&bytes).map(|s| s.bytes.into_owned()).collect()
    };
    let add = |mail: &[u8]| {
        fs::write(archive.join("m"), mail).expect("written");
        git(&archive, &["add", "m"]).expect("added");
        git(&archive, &["commit", "-q", "-m", "x"]).expect("committed");
    };
    let ask = |arguments: &[&str]| {
        let mut all = vec!["thread", "--list", "."];
        all.extend(arguments);
        let (status, out, error) = ktriage(directory.path(), &all);
        assert_eq!(status, 0, "{error}");
        String::from_utf8_lossy(&out).into_owned()
    };
    for mail in mails("scope.mbox") {
        add(&mail);
    }
    assert!(ask(&[]).starts_with("4 mails of 1 archives"), "{}", ask(&[]));
    for mail in mails("point-version.mbox") {
        add(&mail);
    }
    assert!(ask(&[]).starts_with("10 mails of 1 archives"), "the new ones are added");
    assert_eq!(ask(&["--bug", "0123456789abcdef0123"]).lines().count(), 1);
    assert_eq!(ask(&["--file", "drivers/pump/core.c"]).lines().count(), 2);
    assert_eq!(ask(&["--function", "pump_stop"]).lines().count(), 2);
    assert_eq!(ask(&["--untested"]).lines().count(), 1);
    assert_eq!(ask(&["--search", "outside"]).lines().count(), 1);
    // What the reroll changed waits for who asked, not for the author.
    let none = ask(&["--me", "ann@pump.example"]);
    assert!(none.contains("## Waits for you: 0\n"), "{none}");
    add(b"From: Bo Ek <bo@review.example>\nSubject: Re: [PATCH v5.1 2/3] pump: take the lock in pump_stop()\n\
        Date: Thu, 05 Mar 2026 09:00:00 +0100\nMessage-ID: <b6@x.example>\nIn-Reply-To: <b5@x.example>\n\n\
        Which tree is this against?\n");
    let open = ask(&["--me", "ann@pump.example"]);
    assert!(open.contains("## Waits for you: 1\n"), "{open}");
    assert!(open.contains("/b6@x.example/ L7\n"), "the line is that of the mail: {open}");
    assert!(open.contains("Which tree is this against?"), "{open}");
}
