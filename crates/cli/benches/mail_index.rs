//! How fast a mirror of a list is indexed: generates an archive of public-inbox, indexes it, and prints
//! mails a minute by the clock and by the processor time used, `git` included. With
//! `MAILS=N cargo bench --bench mail_index` for another size.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

fn main() {
    let mails: u64 = std::env::var("MAILS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let directory = tempfile::tempdir().expect("a directory");
    let archive = directory.path().join("pumps/git/0.git");
    let bytes = generate(&archive, mails);
    let before = processor_seconds();
    let start = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(["thread", "--list"])
        .arg(directory.path())
        .output()
        .expect("ktriage runs");
    let clock = start.elapsed().as_secs_f64();
    let processor = processor_seconds() - before;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut out = std::io::stdout().lock();
    let _ = write!(out, "{}", String::from_utf8_lossy(&output.stdout));
    let size = fs::metadata(directory.path().join("ktriage-mail.sqlite")).map_or(0, |m| m.len());
    let _ = writeln!(
        out,
        "{mails} mails of {} bytes on average; index of {} bytes a mail\n\
         clock     {clock:.1} s, {:.0} mails a minute\n\
         processor {processor:.1} s, {:.0} mails a minute of one core, {:.2} times the 100000 wanted",
        bytes / mails,
        size / mails,
        mails as f64 / clock * 60.0,
        mails as f64 / processor * 60.0,
        mails as f64 / processor * 60.0 / 100_000.0,
    );
}

/// Processor time of the children that ended, in seconds; clock ticks are hundredths on Linux.
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    // Fields 16 and 17 of the whole line; the first two stand before the parenthesis.
    (ticks(13) + ticks(14)) / 100.0
}

fn generate(archive: &Path, mails: u64) -> u64 {
    fs::create_dir_all(archive).expect("a directory");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(archive).args(arguments);
        command
    };
    assert!(
        git(&["init", "-q", "--bare", "-b", "master", "."]).status().expect("git runs").success()
    );
    let mut import =
        git(&["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().expect("git runs");
    let mut pipe = import.stdin.take().expect("a pipe");
    let mut total = 0;
    let mut random = fastrand::Rng::with_seed(1);
    let mut next = |below: u64| random.u64(..below);
    for n in 0..mails {
        let mail = mail(n, &mut next);
        total += mail.len() as u64;
        write!(
            pipe,
            "commit refs/heads/master\nmark :{}\ncommitter x <x@example.org> {} +0000\ndata 1\nx\nM 100644 inline m\ndata {}\n{mail}\n",
            n + 1,
            1_700_000_000 + n,
            mail.len()
        )
        .expect("written");
    }
    drop(pipe);
    assert!(import.wait().expect("git ends").success());
    total
}

fn mail(n: u64, next: &mut impl FnMut(u64) -> u64) -> String {
    const WORDS: [&str; 24] = [
        "the",
        "lock",
        "is",
        "taken",
        "before",
        "queue",
        "drains",
        "and",
        "driver",
        "frees",
        "buffer",
        "when",
        "timeout",
        "fires",
        "on",
        "another",
        "cpu",
        "so",
        "we",
        "must",
        "hold",
        "a",
        "reference",
        "here",
    ];
    let person = next(400);
    let mut text = String::new();
    for (name, value) in [
        (
            "Received",
            "from mx.example ([192.0.2.1]) by list.example; Mon, 2 Mar 2026 09:00:00 +0000",
        ),
        ("Precedence", "bulk"),
        ("X-Mailer", "git-send-email 2.47.3"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "8bit"),
    ] {
        let _ = writeln!(text, "{name}: {value}");
    }
    let is_patch = n % 10 < 3;
    let root = n - n % 10;
    let _ = writeln!(
        text,
        "From: Person {person} <p{person}@host{}.example>\nTo: linux-pump@vger.example\nCc: linux-kernel@vger.example, a@b.example, c@d.example",
        person % 40
    );
    let _ = writeln!(
        text,
        "Subject: {}[PATCH v{} {}/3] pump{}: step {root}\nDate: Mon, 2 Mar 2026 {:02}:{:02}:00 +0000\nMessage-ID: <{n}@x.example>",
        if is_patch { "" } else { "Re: " },
        1 + root % 5,
        n % 10 + 1,
        root % 50,
        n / 60 % 24,
        n % 60
    );
    if n != root {
        let _ = writeln!(text, "In-Reply-To: <{root}@x.example>\nReferences: <{root}@x.example>");
    }
    text.push('\n');
    let prose = |text: &mut String, prefix: &str, lines: u64, next: &mut dyn FnMut(u64) -> u64| {
        for _ in 0..lines {
            text.push_str(prefix);
            for _ in 0..11 {
                text.push_str(WORDS[next(24) as usize]);
                text.push(' ');
            }
            text.push('\n');
        }
    };
    if is_patch {
        prose(&mut text, "", 12, next);
        let _ = writeln!(
            text,
            "\nFixes: {:012x} (\"pump: x\")\nReported-by: syzbot+{:020x}@syzkaller.appspotmail.com\nSigned-off-by: Person {person} <p@x.example>\n---",
            n * 77_777,
            root
        );
        for hunk in 0..3 {
            let file = root % 200;
            let _ = writeln!(
                text,
                "diff --git a/drivers/pump/f{file}_{hunk}.c b/drivers/pump/f{file}_{hunk}.c\nindex 0123456789ab..{n:012x} 100644\n--- a/drivers/pump/f{file}_{hunk}.c\n+++ b/drivers/pump/f{file}_{hunk}.c\n@@ -10,16 +10,16 @@ int pump_do_{}(struct pump *p)",
                root % 1000
            );
            prose(&mut text, " \t", 6, next);
            prose(&mut text, "-\t", 4, next);
            prose(&mut text, "+\t", 4, next);
            prose(&mut text, " \t", 6, next);
        }
        text.push_str("-- \n2.47.3\n");
    } else {
        let _ = writeln!(text, "On Mon, 2 Mar 2026 at 09:00, Person {person} wrote:");
        prose(&mut text, "> ", 30, next);
        text.push_str("\nWhy is that?\n");
        prose(&mut text, "", 8, next);
    }
    text
}
