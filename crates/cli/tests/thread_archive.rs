//! `ktriage thread` over archives of public-inbox as mirrors hold them: both formats, mails that were
//! taken back, purged history, alternates, repositories that are no archive; and one thread of them by
//! its Message-ID.

#![expect(clippy::print_stdout, reason = "a test that skips says so")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

fn ktriage(arguments: &[&str]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .arg("thread")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("ktriage runs");
    (
        out.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&out.stdout).into_owned(),
        String::from_utf8_lossy(&out.stderr).into_owned(),
    )
}

fn good(arguments: &[&str]) -> String {
    let (status, out, error) = ktriage(arguments);
    assert_eq!(status, 0, "{arguments:?}: {error}");
    out
}

fn git(directory: &Path, arguments: &[&str]) -> bool {
    Command::new("git")
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args([
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@example.org",
            "-c",
            "init.defaultBranch=master",
        ])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

fn mail(id: &str, parent: Option<&str>, subject: &str, text: &str) -> String {
    let parent = parent.map_or(String::new(), |p| format!("In-Reply-To: <{p}>\n"));
    let minute = id.bytes().map(u32::from).sum::<u32>() % 60;
    format!(
        "From: Ann Lee <ann@pump.example>\nSubject: {subject}\nDate: Mon, 2 Mar 2026 09:{minute:02}:00 +0000\n\
         Message-ID: <{id}>\n{parent}\n{text}\n"
    )
}

/// A work tree of an archive of format 2; each mail becomes a commit.
struct Archive<'a>(&'a Path);

impl Archive<'_> {
    fn begin(&self) -> bool {
        fs::create_dir_all(self.0).expect("a directory");
        git(self.0, &["init", "-q", "."])
    }

    fn put(&self, name: &str, mail: &str) {
        for old in ["m", "d"] {
            let _ = fs::remove_file(self.0.join(old));
        }
        fs::write(self.0.join(name), mail).expect("written");
        self.commit();
    }

    fn commit(&self) {
        assert!(git(self.0, &["add", "-A", "."]));
        assert!(git(self.0, &["commit", "-q", "--allow-empty", "-m", "x"]));
    }
}

#[test]
fn a_mirror_forgets_what_was_taken_back_or_purged_and_still_finds_the_rest() {
    let directory = tempfile::tempdir().expect("a directory");
    let mirror = directory.path().join("lore");
    let name = mirror.display().to_string();
    let (first, second) = (mirror.join("pumps/git/0.git"), mirror.join("pumps/git/1.git"));
    let (zero, one) = (Archive(&first), Archive(&second));
    if !zero.begin() {
        println!("skipped: no git command");
        return;
    }
    assert!(one.begin());
    // What public-inbox-clone and grokmirror put beside the epochs.
    fs::write(mirror.join("manifest.js.gz"), b"\x1f\x8b").expect("written");
    let all = mirror.join("pumps/all.git");
    fs::create_dir_all(&all).expect("a directory");
    assert!(git(&all, &["init", "-q", "--bare", "."]));
    let project = mirror.join("other/linux.git");
    fs::create_dir_all(&project).expect("a directory");
    assert!(git(&project, &["init", "-q", "."]));
    fs::write(project.join("Makefile"), "all:\n").expect("written");
    Archive(&project).commit();

    let spam = mail("spam@x", None, "cheap pumps", "buy cheaply");
    zero.put("m", &mail("a@x", None, "pump leaks", "It leaks. Does anybody know why?"));
    zero.put("m", &spam);
    zero.put("m", &mail("secret@x", None, "a password", "hunter2"));
    zero.put("m", &mail("b@x", Some("a@x"), "Re: pump leaks", "> It leaks.\n\nMine too."));
    one.put("m", &mail("c@x", Some("b@x"), "Re: pump leaks", "> Mine too.\n\nSince when?"));
    let said = good(&["--list", &name]);
    assert!(said.starts_with("5 mails of 2 archives"), "{said}");
    assert_eq!(good(&["--list", &name, "--search", "cheaply"]).lines().count(), 1);

    // The newest epoch takes back a mail of an older one.
    one.put("d", &spam);
    let said = good(&["--list", &name]);
    assert!(said.starts_with("4 mails of 2 archives"), "{said}");
    assert_eq!(good(&["--list", &name, "--search", "cheaply"]), "");

    // A purge rewrites all history behind the mail: no commit stays what it was.
    fs::remove_dir_all(first.join(".git")).expect("removed");
    assert!(zero.begin());
    zero.put("m", &mail("z@x", None, "an older mail that was imported late", "words"));
    zero.put("m", &mail("a@x", None, "pump leaks", "It leaks. Does anybody know why?"));
    zero.put("m", &mail("b@x", Some("a@x"), "Re: pump leaks", "> It leaks.\n\nMine too."));
    let said = good(&["--list", &name]);
    assert!(said.starts_with("4 mails of 2 archives"), "{said}");
    assert_eq!(good(&["--list", &name, "--search", "hunter2"]), "");

    // The thread by any of its mails, whole, from both epochs.
    for id in ["a@x", "<c@x>", "https://lore.kernel.org/all/b@x/T/#u"] {
        let found = good(&["--list", &name, "--id", id, "--json"]);
        let found: Value = serde_json::from_str(&found).expect("one JSON object");
        let mails = found["threads"][0]["messages"].as_array().expect("messages");
        let ids: Vec<&str> = mails.iter().filter_map(|m| m["message_id"].as_str()).collect();
        assert_eq!(ids, ["a@x", "b@x", "c@x"], "{id}");
        let file = mails[2]["file"].as_str().expect("a place");
        assert!(file.contains("/pumps/git/1.git:"), "{file}");
    }
    let shown = good(&["--list", &name, "--search", "leaks", "--show"]);
    assert!(shown.contains("Does anybody know why?") && shown.contains("M3 "), "{shown}");
    let (status, _, error) = ktriage(&["--list", &name, "--id", "secret@x"]);
    assert_eq!(status, 2);
    assert!(error.contains("no mail of") && error.contains("secret@x"), "{error}");
    let (status, _, error) = ktriage(&["--list", &name, "--search", "leaks", "--json"]);
    assert_eq!(status, 2);
    assert!(error.contains("--show"), "{error}");
}

#[test]
fn an_epoch_that_borrows_its_objects_is_read_like_any_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let source = directory.path().join("source");
    let archive = Archive(&source);
    if !archive.begin() {
        println!("skipped: no git command");
        return;
    }
    archive.put("m", &mail("a@x", None, "pump", "one"));
    archive.put("m", &mail("b@x", Some("a@x"), "Re: pump", "two"));
    let mirror = directory.path().join("mirror");
    fs::create_dir_all(mirror.join("pumps/git")).expect("a directory");
    let from = source.display().to_string();
    assert!(git(&mirror, &["clone", "-q", "--mirror", "--shared", &from, "pumps/git/0.git"]));
    assert!(mirror.join("pumps/git/0.git/objects/info/alternates").exists());
    let name = mirror.display().to_string();
    assert!(good(&["--list", &name]).starts_with("2 mails of 1 archives"));
    // The same directory without an index.
    let found: Value = serde_json::from_str(&good(&["--json", &name])).expect("JSON");
    assert_eq!(found["threads"][0]["messages"].as_array().map(Vec::len), Some(2));
}

#[test]
fn an_archive_of_format_1_is_read_with_and_without_an_index() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("pumps.git");
    let archive = Archive(&path);
    if !archive.begin() {
        println!("skipped: no git command");
        return;
    }
    for (number, text) in [
        mail("a@x", None, "pump leaks", "It leaks. Does anybody know why?"),
        mail("s@x", None, "cheap pumps", "buy"),
        mail("b@x", Some("a@x"), "Re: pump leaks", "> It leaks.\n\nMine too."),
    ]
    .iter()
    .enumerate()
    {
        let folder = path.join(format!("{number:02x}"));
        fs::create_dir_all(&folder).expect("a directory");
        fs::write(folder.join("c".repeat(38)), text).expect("written");
        archive.commit();
    }
    let name = directory.path().display().to_string();
    assert!(good(&["--list", &name]).starts_with("3 mails of 1 archives"));
    fs::remove_dir_all(path.join("01")).expect("removed");
    archive.commit();
    assert!(good(&["--list", &name]).starts_with("2 mails of 1 archives"));
    for arguments in [&["--list", &name, "--id", "b@x", "--json"][..], &["--json", &name]] {
        let found: Value = serde_json::from_str(&good(arguments)).expect("JSON");
        let threads = found["threads"].as_array().expect("threads");
        assert_eq!(threads.len(), 1, "{arguments:?}");
        assert_eq!(threads[0]["messages"].as_array().map(Vec::len), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_message_id_without_a_file_is_answered_with_how_to_get_the_thread() {
    for given in ["20260502.1@b.example", "https://lore.kernel.org/all/20260502.1@b.example/"] {
        let (status, out, error) = ktriage(&[given]);
        assert_eq!((status, out.as_str()), (2, ""), "{given}");
        assert!(
            error.contains("https://lore.kernel.org/all/20260502.1@b.example/t.mbox.gz")
                && error.contains("--id '20260502.1@b.example'"),
            "{error}"
        );
    }
    let (status, _, error) = ktriage(&["no-such.mbox"]);
    assert_eq!(status, 2);
    assert!(error.contains("no-such.mbox: no such file") && error.contains("mailbox"), "{error}");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("t.mbox");
    let two = ["a@x", "other@x"].map(|id| {
        format!(
            "From mboxrd@z Thu Jan  1 00:00:00 1970\n{}\n",
            mail(id, None, &format!("about {id}"), "words")
        )
    });
    fs::write(&path, two.concat()).expect("written");
    let name = path.display().to_string();
    let shown = good(&["--id", "other@x", &name]);
    assert!(shown.contains("# about other@x") && !shown.contains("# about a@x"), "{shown}");
    assert_eq!(ktriage(&["--id", "third@x", &name]).0, 2);
    assert_eq!(ktriage(&["--id", "no id", &name]).0, 2);
}

#[test]
fn a_file_longer_than_any_thread_is_refused_before_it_fills_the_memory() {
    use std::io::Write as _;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("all.mbox.gz");
    // 400 MiB of mails in a file of half a MiB.
    let mut packed = Command::new("gzip")
        .arg("-1")
        .stdin(Stdio::piped())
        .stdout(fs::File::create(&path).expect("a file"))
        .spawn()
        .expect("gzip runs");
    let mut pipe = packed.stdin.take().expect("a pipe");
    let body = "words and words\n".repeat(1 << 16);
    for number in 0..400 {
        let head = "From mboxrd@z Thu Jan  1 00:00:00 1970\n";
        let one = mail(&format!("{number}@x"), None, "pump", &body);
        // It may end before everything is written.
        let _ = pipe.write_all(format!("{head}{one}\n").as_bytes());
    }
    drop(pipe);
    assert!(packed.wait().expect("gzip ends").success());
    let (status, out, error) = ktriage(&[&path.display().to_string()]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(error.contains("more than 256 MiB of mails") && error.contains("--list"), "{error}");
}
