//! `ktriage thread --list` over a generated mirror: what it answers, that it goes on where it was
//! killed, and that new mails are added.

#![expect(clippy::print_stdout, reason = "a test that skips says so")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const KTRIAGE: &str = env!("CARGO_BIN_EXE_ktriage");
const AUTHORS: [(&str, &str); 3] = [
    ("Ann Lee", "ann@pump.example"),
    ("Kim Roe", "kim@pump.example"),
    ("Lu An", "lu@pump.example"),
];

/// The bug that thread `t` closes, if it does.
fn bug(t: usize) -> String {
    format!("{:020x}", 0xabcdef + t)
}

/// One mail.
fn mail(t: usize, part: usize, from: (&str, &str), subject: &str, body: &str) -> String {
    let mut out = format!(
        "From: {} <{}>\nTo: pumps@list.example\nSubject: {subject}\n\
         Date: {}, 2 Mar 2026 {:02}:{:02}:00 +0000\nMessage-ID: <{t}.{part}@list.example>\n",
        from.0,
        from.1,
        "Mon",
        8 + part,
        t % 60
    );
    if part > 0 {
        // What is quoted twice answers the question, all else the patch.
        let parent = usize::from(body.starts_with("> > "));
        let _ = writeln!(out, "In-Reply-To: <{t}.{parent}@list.example>");
    }
    out + "\n" + body
}

/// Four mails: a patch, a question, an answer in every second thread, a test in every third.
fn thread(t: usize) -> Vec<String> {
    let author = AUTHORS[t % 3];
    let subject = format!("[PATCH] pump: step {t} of the work");
    let reply = format!("Re: {subject}");
    let closes = match t % 5 {
        0 => format!("Closes: https://syzkaller.appspot.com/bug?extid={}\n", bug(t)),
        _ => String::new(),
    };
    let added = format!("+\tfield_{t} = 1;");
    let patch = format!(
        "Words.\n\n{closes}Signed-off-by: {} <{}>\n---\n\
         diff --git a/drivers/pump/f{file}.c b/drivers/pump/f{file}.c\nindex 1111111..2222222 100644\n\
         --- a/drivers/pump/f{file}.c\n+++ b/drivers/pump/f{file}.c\n\
         @@ -1,2 +1,3 @@ int pump_fn_{}(void)\n \tint a;\n{added}\n \treturn 0;\n-- \n2.47.3\n",
        author.0,
        author.1,
        t % 7,
        file = t % 10,
    );
    let bo = ("Bo Ek", "bo@review.example");
    let cy = ("Cy Oz", "cy@review.example");
    let question = format!("> {added}\n\nWhy is slot{t} not locked here?\n");
    let third = match t % 2 {
        0 => mail(t, 2, author, &reply, &format!("> {}It is, in the caller.\n", question_quote(t))),
        _ => mail(t, 2, cy, &reply, "Looks good to me.\n"),
    };
    let fourth = match t % 3 {
        0 => "Tested-by: Dee Fa <dee@test.example>\n",
        _ => "Thanks for the patch.\n",
    };
    vec![
        mail(t, 0, author, &subject, &patch),
        mail(t, 1, bo, &reply, &question),
        third,
        mail(t, 3, ("Dee Fa", "dee@test.example"), &reply, fourth),
    ]
}

fn question_quote(t: usize) -> String {
    format!("> +\tfield_{t} = 1;\n>\n> Why is slot{t} not locked here?\n\n")
}

/// Adds one commit a mail. False where git is missing.
fn import(epoch: &Path, mails: impl Iterator<Item = String>) -> bool {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(epoch).args(arguments).stdin(Stdio::piped());
        command
    };
    let fresh = !epoch.exists();
    std::fs::create_dir_all(epoch).expect("a directory");
    if fresh
        && !git(&["init", "-q", "--bare", "-b", "master", "."]).status().is_ok_and(|s| s.success())
    {
        println!("skipped: no git command");
        return false;
    }
    let mut child = git(&["fast-import", "--quiet"]).spawn().expect("git runs");
    let mut pipe = child.stdin.take().expect("a pipe");
    for (n, mail) in mails.enumerate() {
        let from = if n == 0 && !fresh { "from refs/heads/master^0\n" } else { "" };
        write!(
            pipe,
            "commit refs/heads/master\ncommitter x <x@example.org> {} +0000\ndata 1\nx\n{from}M 100644 inline m\ndata {}\n{mail}\n",
            1_770_000_000 + n,
            mail.len()
        )
        .expect("written");
    }
    drop(pipe);
    assert!(child.wait().expect("git ends").success());
    true
}

fn list(mirror: &Path, arguments: &[&str]) -> String {
    let output = Command::new(KTRIAGE)
        .args(["thread", "--list"])
        .arg(mirror)
        .args(arguments)
        .output()
        .expect("ktriage runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// How many mails the index holds, without bringing it up to date.
fn count(mirror: &Path) -> usize {
    let said = list(mirror, &["--no-update"]);
    said.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{said}"))
}

#[test]
fn a_mirror_of_two_epochs_answers_each_question() {
    let directory = tempfile::tempdir().expect("a directory");
    let mirror = directory.path();
    let epoch = |n: usize| mirror.join(format!("pumps/git/{n}.git"));
    // A thread may go on in the next epoch.
    let early = (0..60).flat_map(|t| thread(t).into_iter().take(if t == 33 { 1 } else { 4 }));
    if !import(&epoch(0), early) {
        return;
    }
    import(&epoch(1), thread(33).into_iter().skip(1));
    assert!(list(mirror, &[]).starts_with("240 mails of 2 archives"), "{}", list(mirror, &[]));
    let lines = |arguments: &[&str]| list(mirror, arguments).lines().count();
    // Threads of Ann (every third) whose question has no answer (every odd one).
    let open = list(mirror, &["--me", "ann@pump.example"]);
    let asked = (0..60).filter(|t| t % 6 == 3).count();
    assert!(open.contains(&format!("## Waits for you: {asked}\n")), "{open}");
    assert!(
        open.contains(
            "pump: step 33 of the work\n    Bo Ek asks (Q1): Why is slot33 not locked here?\n    \
             https://lore.kernel.org/all/33.1@list.example/ L10\n"
        ),
        "{open}"
    );
    assert_eq!(lines(&["--untested"]), 40);
    assert_eq!(lines(&["--untested", "--limit", "7"]), 7);
    assert_eq!(lines(&["--bug", &bug(15)]), 1);
    assert!(list(mirror, &["--bug", &bug(15)]).contains("pump: step 15 of the work"));
    assert_eq!(lines(&["--bug", &bug(16)]), 0);
    assert_eq!(lines(&["--file", "drivers/pump/f4.c"]), 6);
    assert_eq!(lines(&["--file", "drivers/pump/", "--limit", "100"]), 60);
    assert_eq!(lines(&["--function", "pump_fn_3"]), 9);
    assert_eq!(lines(&["--search", "slot33"]), 1);
    assert!(
        list(mirror, &["--search", "slot33"]).contains("\t4 mails\t"),
        "one thread of both epochs"
    );
}

/// Passes on some three million bytes, each as soon as it comes.
const SOME: &str = "my $left = 3000000; while ($left > 0 and my $n = sysread(STDIN, my $piece, 65536)) \
                    { syswrite(STDOUT, $piece); $left -= $n }";

/// A `git` that gives no more than the beginning of what `cat-file` prints and then waits, so that an
/// index can be ended in the middle, however fast the machine is.
fn slow_git(directory: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = directory.join("bin");
    std::fs::create_dir(&folder).expect("a folder");
    let path = std::env::var("PATH").expect("a path");
    let script = format!(
        "#!/bin/sh\nPATH='{path}'\ncase \"$*\" in\n\
         *cat-file*) git \"$@\" | {{ perl -e '{SOME}'; sleep 600; }} ;;\n*) exec git \"$@\" ;;\nesac\n"
    );
    std::fs::write(folder.join("git"), script).expect("a script");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.join("git"), mode).expect("a program");
    format!("{}:{path}", folder.display())
}

/// Sends a signal to a process, or with a minus sign to its group.
fn signal(name: &str, process: &str) {
    // A group may be gone already.
    let _ = Command::new("kill").args([name, "--", process]).status();
}

/// Ends the child by a signal when the index holds `mails` mails; how many it holds then.
fn end_at(mut child: Child, mirror: &Path, mails: usize, name: &str) -> usize {
    let deadline = std::time::Instant::now() + Duration::from_secs(120);
    // The index is there a moment after the start.
    while !mirror.join("ktriage-mail.sqlite").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    while count(mirror) < mails {
        assert!(child.try_wait().expect("a child").is_none(), "it ended before it could be ended");
        if std::time::Instant::now() > deadline {
            signal("-KILL", &format!("-{}", child.id()));
            panic!("{} mails after two minutes", count(mirror));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(name, &child.id().to_string());
    let status = child.wait().expect("a child");
    signal("-KILL", &format!("-{}", child.id()));
    assert!(!status.success(), "it was ended in the middle");
    count(mirror)
}

#[test]
fn an_index_that_is_interrupted_or_killed_goes_on_where_it_was() {
    use std::os::unix::process::CommandExt as _;
    const MAILS: usize = 12_000;
    let directory = tempfile::tempdir().expect("a directory");
    let mirror = &directory.path().join("mirror");
    let epoch = mirror.join("pumps/git/0.git");
    if !import(&epoch, (0..MAILS / 4).flat_map(thread)) {
        return;
    }
    let path = slow_git(directory.path());
    let start = || {
        // Where the tests run in the background of a script, an interrupt is ignored by inheritance.
        Command::new("env")
            .args(["--default-signal=INT", KTRIAGE, "thread", "--list"])
            .arg(mirror)
            .env("PATH", &path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("ktriage runs")
    };
    let interrupted = end_at(start(), mirror, 1000, "-INT");
    assert!((1000..MAILS).contains(&interrupted), "{interrupted}");
    let killed = end_at(start(), mirror, interrupted + 1000, "-KILL");
    assert!((interrupted + 1000..MAILS).contains(&killed), "{killed} after {interrupted}");
    assert!(list(mirror, &[]).starts_with(&format!("{MAILS} mails of 1 archives")));
    assert_eq!(
        list(mirror, &["--file", "drivers/pump/f4.c", "--limit", "9999"]).lines().count(),
        300
    );
    // New mails are added, old ones are not read twice.
    import(&epoch, thread(MAILS).into_iter());
    assert!(list(mirror, &[]).starts_with(&format!("{} mails of", MAILS + 4)));
    assert!(list(mirror, &["--search", &format!("slot{MAILS}")]).contains("\t4 mails\t"));
}
