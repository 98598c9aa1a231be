//! `ktriage thread` beside the programs that take patches from mails: `git mailinfo` and `git am`,
//! and b4 where it is installed.

#![expect(clippy::print_stdout, reason = "a test that skips says so")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

fn samples() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/thread");
    let mut all: Vec<PathBuf> = fs::read_dir(directory)
        .expect("samples")
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "mbox"))
        .collect();
    all.sort();
    all
}

fn ktriage(arguments: &[&str], path: &Path) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .arg("thread")
        .args(arguments)
        .arg(path)
        .output()
        .expect("ktriage runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", path.display());
    output.stdout
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&ktriage(&["--json"], path)).expect("one JSON object")
}

/// Runs git with a configuration of its own; none if it fails.
fn git(directory: &Path, arguments: &[&str], input: Option<&Path>) -> Option<Vec<u8>> {
    let mut command = Command::new("git");
    command
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=A B", "-c", "user.email=a@b.example"])
        .args(["-c", "core.autocrlf=false", "-c", "commit.gpgSign=false"])
        .args(arguments);
    if let Some(input) = input {
        command.stdin(fs::File::open(input).expect("the input"));
    } else {
        command.stdin(Stdio::null());
    }
    let output = command.output().ok()?;
    output.status.success().then_some(output.stdout)
}

/// All patches of a document: the name for `--diff`, the patch, the message that carries it.
fn patches(document: &Value) -> Vec<(String, Value, Value)> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for thread in list(&document["threads"]) {
        for version in list(&thread["versions"]) {
            for patch in list(&version["patches"]) {
                let message = list(&thread["messages"])
                    .into_iter()
                    .find(|m| m["id"] == patch["message"])
                    .expect("its message");
                let name = version["name"].as_str().unwrap_or_default();
                let name = format!("{name}/{}", patch["number"]);
                found.push((name, patch, message));
            }
        }
    }
    found
}

fn contains(all: &[u8], piece: &[u8]) -> bool {
    all.windows(piece.len()).any(|w| w == piece)
}

#[test]
fn each_diff_of_the_samples_is_the_one_that_git_mailinfo_takes() {
    let directory = tempfile::tempdir().expect("a directory");
    let here = directory.path();
    if git(here, &["--version"], None).is_none() {
        println!("skipped: no git command");
        return;
    }
    let mut compared = 0;
    for sample in samples() {
        let mails = here.join(sample.file_stem().expect("a name"));
        fs::create_dir(&mails).expect("a directory");
        let split = format!("-o{}", mails.display());
        let path = sample.display().to_string();
        git(here, &["mailsplit", "--mboxrd", "-b", &split, &path], None).expect("split mails");
        if path.ends_with("flowed.mbox") {
            println!("flowed.mbox is not compared: git takes blanks for stuffing that are none");
            continue;
        }
        for (name, patch, message) in patches(&json(&sample)) {
            let id = message["message_id"].as_str().expect("a Message-ID");
            let lines = &patch["diff"]["lines"];
            let Some(mail) = fs::read_dir(&mails)
                .expect("mails")
                .filter_map(|e| Some(e.ok()?.path()))
                .filter(|p| !p.to_string_lossy().ends_with(".out"))
                .find(|p| {
                    let mail = fs::read(p).expect("a mail");
                    let mail = String::from_utf8_lossy(&mail);
                    mail.lines()
                        .take_while(|l| !l.is_empty())
                        .any(|l| l.to_lowercase().starts_with("message-id:") && l.contains(id))
                })
            else {
                panic!("{path}: {id} is not among the mails that git found");
            };
            let (log, out) = (mails.join("log.out"), mails.join("patch.out"));
            let (log_name, out_name) = (log.display().to_string(), out.display().to_string());
            let info = ["mailinfo", "--quoted-cr=strip", "--encoding=UTF-8", &log_name, &out_name];
            let theirs = match git(here, &info, Some(&mail)) {
                Some(_) => fs::read(&out).expect("a patch"),
                None => continue,
            };
            let ours = ktriage(&["--diff", &name], &sample);
            assert!(
                contains(&theirs, &ours),
                "{path} {name} {lines}: git mailinfo has\n{}\nand ktriage\n{}",
                String::from_utf8_lossy(&theirs),
                String::from_utf8_lossy(&ours)
            );
            compared += 1;
        }
    }
    assert!(compared >= 25, "{compared}");
}

/// A tree and a series of commits with what patches may hold: text in several encodings, files that
/// come, go and move, modes, binary content, carriage returns, lines that look like mail.
fn history(tree: &Path) -> Option<usize> {
    git(tree, &["init", "-q", "-b", "main", "."], None)?;
    let write = |name: &str, bytes: &[u8]| {
        let path = tree.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, bytes).expect("written");
    };
    let commit = |message: &[u8]| {
        let path = tree.join(".git/message");
        fs::write(&path, message).expect("written");
        git(tree, &["add", "-A"], None)?;
        git(tree, &["commit", "-q", "-F", ".git/message"], None)
    };
    let long: String = (0..40).map(|n| format!("\tline({n});\n")).collect();
    write("core.c", format!("int a;\n\n{long}\nFrom here\n>From there\n").as_bytes());
    write("dos.c", b"one\r\ntwo\r\nthree\r\n");
    write("latin.c", b"na\xefve = 1;\nend");
    write("old/name.c", long.as_bytes());
    commit(b"base")?;
    git(tree, &["tag", "base"], None)?;

    write("core.c", format!("int b;\n\n{long}\nFrom me\n>From there\n-- \nmore\n").as_bytes());
    commit("pump: naïve start\n\nWörds.\n\n---\nnot the end\n".as_bytes())?;
    write("dos.c", b"one\r\n2\r\nthree\r\n");
    write("latin.c", b"na\xefve = 2;\nend\n");
    commit(b"pump: lines of two kinds\n\nSigned-off-by: A B <a@b.example>\n")?;
    fs::create_dir_all(tree.join("new")).ok()?;
    fs::rename(tree.join("old/name.c"), tree.join("new/name.c")).ok()?;
    write("new/name.c", format!("{long}\tlast();\n").as_bytes());
    write("image.bin", &(0..=255u8).cycle().take(700).collect::<Vec<u8>>());
    write("fresh.c", "ünïcode\n\n\n".as_bytes());
    commit(b"pump: move\n")?;
    fs::remove_file(tree.join("dos.c")).ok()?;
    write("core.c", format!("int b;\n{}\n", "x".repeat(3000)).as_bytes());
    git(tree, &["update-index", "--chmod=+x", "fresh.c"], None)?;
    let kept = tree.join("fresh.c");
    let mut mode = fs::metadata(&kept).ok()?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    fs::set_permissions(&kept, mode).ok()?;
    commit(b"pump: long lines, one file less\n")?;
    Some(4)
}

#[test]
fn a_series_applies_to_the_same_tree_as_with_git_am() {
    let directory = tempfile::tempdir().expect("a directory");
    let tree = directory.path().join("tree");
    fs::create_dir(&tree).expect("a directory");
    let Some(count) = history(&tree) else {
        println!("skipped: no git command");
        return;
    };
    let state = || git(&tree, &["write-tree"], None).expect("a tree");
    let forms: [&[&str]; 6] = [
        &[],
        &["--attach"],
        &["--inline"],
        &["--cover-letter", "-v3", "--base=base"],
        &["--thread=deep", "--cover-letter", "-M", "-C"],
        &["--no-renames", "--full-index", "-U1", "--subject-prefix=RFC PATCH net-next"],
    ];
    for (number, form) in forms.iter().enumerate() {
        let mbox = directory.path().join(format!("{number}.mbox"));
        let mut arguments = vec!["format-patch", "--stdout", "--thread", "--binary"];
        arguments.extend(*form);
        arguments.extend(["base..main"]);
        let mails = git(&tree, &arguments, None).expect("mails");
        fs::write(&mbox, &mails).expect("written");
        let found = patches(&json(&mbox));
        assert_eq!(found.len(), count, "{form:?}");
        git(&tree, &["checkout", "-q", "-f", "--detach", "base"], None).expect("the base");
        let am = ["am", "-q", "--keep-cr", "--quoted-cr=nowarn"];
        // It takes no mail without a patch.
        arguments.retain(|a| *a != "--cover-letter");
        let plain = directory.path().join("plain.mbox");
        fs::write(&plain, git(&tree, &arguments, None).expect("mails")).expect("written");
        assert!(git(&tree, &am, Some(&plain)).is_some(), "{form:?}: git am takes no series");
        let theirs = state();
        git(&tree, &["checkout", "-q", "-f", "--detach", "base"], None).expect("the base");
        for (name, ..) in found {
            let diff = directory.path().join("one.diff");
            fs::write(&diff, ktriage(&["--diff", &name], &mbox)).expect("written");
            assert!(
                git(&tree, &["apply", "--index", "../one.diff"], None).is_some(),
                "{form:?} {name} does not apply"
            );
        }
        assert_eq!(state(), theirs, "{form:?}");
    }
}

/// The version of b4 that is compared with: another one may have other exceptions.
const B4: &str = "0.16";

/// Samples of which b4 makes something else, and why.
const OTHERWISE: [(&str, &str); 3] = [
    ("applied-by-bot.mbox", "it takes a bot's note that a patch was applied for another patch"),
    ("of-number.mbox", "it does not know `1 of 2` and keeps one patch"),
    ("unnumbered.mbox", "of patches without numbers it keeps one"),
];

/// The trailers that b4 and a maintainer collect, with the address in small letters.
const COLLECTED: [&str; 5] =
    ["signed-off-by", "reviewed-by", "acked-by", "tested-by", "co-developed-by"];

fn collected(lines: &str) -> BTreeSet<(String, String)> {
    lines
        .lines()
        .filter_map(|l| l.split_once(": "))
        .map(|(tag, value)| {
            let address = value.rsplit('<').next().unwrap_or(value);
            let address = address.split('>').next().unwrap_or(address);
            (tag.to_lowercase(), address.trim().to_lowercase())
        })
        .filter(|(tag, _)| COLLECTED.contains(&tag.as_str()))
        .collect()
}

/// What ktriage gives a patch: the trailers in its message, and those of replies to it, to its cover
/// letter, or to the same diff in an older version. That one depends on a condition b4 does not see.
fn given(thread: &Value, version: &Value, message: &Value) -> BTreeSet<(String, String)> {
    let tags = thread["tags"].as_array().cloned().unwrap_or_default();
    tags.iter()
        .filter(|t| {
            let for_patch = t["patch"] == *message
                || t["patch"].is_null() && t["version"] == version["name"]
                || t["carried_to"] == *message;
            for_patch && t["for_other"] == false
        })
        .map(|t| {
            let text = |name: &str| t[name].as_str().unwrap_or_default().to_lowercase();
            let address = text("address");
            (text("tag"), if address.is_empty() { text("value") } else { address })
        })
        .filter(|(tag, _)| COLLECTED.contains(&tag.as_str()))
        .collect()
}

#[test]
fn b4_takes_the_same_patches_and_trailers_from_the_samples() {
    let directory = tempfile::tempdir().expect("a directory");
    let here = directory.path();
    let config = here.join("config");
    fs::write(
        &config,
        "[user]\nname = x\nemail = x@example.org\n[b4]\nattestation-policy = off\n\
         linkmask = https://l.example/%s\nsearchmask =\n",
    )
    .expect("written");
    let b4 = |arguments: &[&str]| {
        Command::new("b4")
            .current_dir(here)
            .env("HOME", here)
            .env("GIT_CONFIG_GLOBAL", &config)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .ok()
    };
    let said = b4(&["--version"]).map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
    if !said.as_ref().is_some_and(|version| version.starts_with(B4)) {
        println!("skipped: no b4 command of version {B4}: {said:?}");
        return;
    }
    let mut compared = 0;
    for sample in samples() {
        let path = sample.display().to_string();
        if let Some((name, why)) = OTHERWISE.iter().find(|o| path.ends_with(o.0)) {
            println!("{name} is not compared with b4: {why}");
            continue;
        }
        let document = json(&sample);
        for (number, thread) in document["threads"].as_array().into_iter().flatten().enumerate() {
            let newest = &thread["state"]["newest"];
            let versions = thread["versions"].as_array().cloned().unwrap_or_default();
            let Some(version) = versions.iter().find(|v| v["name"] == *newest) else { continue };
            // What b4 takes for a version of its own differs by design: partial rerolls are joined
            // to what they replace, and a patch that is sent again under its number wins.
            let numbered = newest.as_str().is_some_and(|n| {
                n[1..].bytes().all(|b| b.is_ascii_digit()) && version["partial"] == false
            });
            let begins = thread["messages"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|m| m["id"] == version["message"])
                .and_then(|m| m["message_id"].as_str());
            let (true, Some(id)) = (numbered, begins) else { continue };
            let stem = sample.file_stem().unwrap_or_default().to_string_lossy();
            let out = here.join(format!("{stem}-{number}"));
            fs::create_dir(&out).expect("a directory");
            let (folder, major) = (out.display().to_string(), newest.as_str().unwrap_or("v1"));
            let done = b4(&[
                "--offline-mode",
                "am",
                "-m",
                &path,
                "-C",
                "-v",
                &major[1..],
                "-o",
                &folder,
                id,
            ])
            .expect("b4 runs");
            let series = fs::read_dir(&out)
                .expect("a directory")
                .filter_map(|e| Some(e.ok()?.path()))
                .find(|p| p.extension().is_some_and(|e| e == "mbx"));
            let Some(series) = series else {
                let said = String::from_utf8_lossy(&done.stderr).into_owned();
                println!("{path}: b4 takes no series from {id}: {}", said.trim());
                continue;
            };
            let mails = out.join("mails");
            fs::create_dir(&mails).expect("a directory");
            let split = format!("-o{}", mails.display());
            let name = series.display().to_string();
            git(here, &["mailsplit", "-b", &split, &name], None).expect("split mails");
            let mut theirs: Vec<PathBuf> =
                fs::read_dir(&mails).expect("mails").filter_map(|e| Some(e.ok()?.path())).collect();
            theirs.sort();
            let ours = version["patches"].as_array().cloned().unwrap_or_default();
            assert_eq!(theirs.len(), ours.len(), "{path} {newest}: patches");
            for (mail, patch) in theirs.iter().zip(&ours) {
                let (log, diff) = (out.join("log"), out.join("diff"));
                let (log_name, diff_name) = (log.display().to_string(), diff.display().to_string());
                let info = ["mailinfo", "--quoted-cr=strip", &log_name, &diff_name];
                git(here, &info, Some(mail)).expect("a patch of b4");
                let log = fs::read_to_string(&log).expect("a message");
                let number = &patch["number"];
                assert_eq!(
                    given(thread, version, &patch["message"]),
                    collected(&log),
                    "{path} {newest}/{number}: trailers"
                );
                if document["threads"].as_array().is_some_and(|t| t.len() == 1) {
                    let name = format!("{}/{number}", newest.as_str().unwrap_or_default());
                    assert!(
                        contains(
                            &fs::read(&diff).expect("a diff"),
                            &ktriage(&["--diff", &name], &sample)
                        ),
                        "{path} {name}: diffs"
                    );
                }
                compared += 1;
            }
        }
    }
    assert!(compared >= 10, "{compared}");
}
