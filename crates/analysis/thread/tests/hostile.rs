//! Mails made to hurt: each gives a result in bounded time and memory, and no message is lost.

use analysis_thread::{Thread, understand};

fn read(bytes: &[u8]) -> (usize, Vec<Thread>) {
    let messages = parse_mail::messages(bytes);
    let threads = understand(&messages);
    let shown: usize = threads.iter().flat_map(|t| &t.entries).map(|e| 1 + e.copies).sum();
    assert_eq!(shown, messages.len(), "every message is in one thread");
    (messages.len(), threads)
}

const HEAD: &str = "From: A B <a@b.example>\nSubject: [PATCH] x: y\nDate: Mon, 2 Mar 2026 09:00:00 +0100\nMessage-ID: <a@b>\n";

#[test]
fn quotes_ten_thousand_deep_are_read() {
    let mut text = format!("{HEAD}\n");
    for depth in (0..10_000).step_by(50) {
        text.push_str(&">".repeat(depth));
        text.push_str(" On Mon, 2 Mar 2026 at 09:00, A B wrote:\n");
    }
    text.push_str("Is this fine?\n");
    let (count, _) = read(text.as_bytes());
    assert_eq!(count, 1);
}

#[test]
fn bombs_of_parts_become_plain_text_with_a_problem() {
    let nested = "Content-Type: message/rfc822\n\n".repeat(20_000);
    let mut multipart = String::new();
    for n in 0..5000 {
        multipart
            .push_str(&format!("Content-Type: multipart/mixed; boundary=\"b{n}\"\n\n--b{n}\n"));
    }
    let flat = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n{}",
        "--b\nContent-Type: text/plain\n\nx\n".repeat(20_000)
    );
    for (name, body) in [("nested", nested), ("multipart", multipart), ("flat", flat)] {
        let messages = parse_mail::messages(format!("{HEAD}{body}").as_bytes());
        assert_eq!(messages.len(), 1, "{name}");
        assert!(!messages[0].body.is_empty() || !messages[0].problems.is_empty(), "{name}");
        read(format!("{HEAD}{body}").as_bytes());
    }
}

#[test]
fn floods_of_headers_and_references_are_read() {
    let mut text = HEAD.to_owned();
    for n in 0..50_000 {
        text.push_str(&format!("X-Flood-{n}: {n}\n"));
    }
    text.push_str("References:");
    for n in 0..50_000 {
        text.push_str(&format!(" <{n}@x>"));
    }
    text.push_str("\nTo: ");
    text.push_str(&"a@b, ".repeat(50_000));
    text.push_str("\n\nx\n");
    assert_eq!(read(text.as_bytes()).0, 1);
}

#[test]
fn lying_charsets_and_encodings_give_text_and_a_problem() {
    for (charset, encoding, body) in [
        ("utf-8", "8bit", b"na\xefve \xff\xfe?\n".as_slice()),
        ("utf-16", "base64", b"AAAA!!!!====\n"),
        ("no-such-charset", "quoted-printable", b"=ZZ =E4 =\n"),
        ("iso-2022-jp", "8bit", b"\x1b$B\x1b$B\x1b\xff\n"),
        ("us-ascii", "base64", b"\xff\xff\xff\n"),
    ] {
        let mut text = format!(
            "{HEAD}MIME-Version: 1.0\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n"
        )
        .into_bytes();
        text.extend_from_slice(body);
        assert_eq!(read(&text).0, 1, "{charset}");
    }
    let mut lying = format!("{HEAD}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n")
        .into_bytes();
    lying.extend_from_slice(b"na\xefve\n");
    let messages = parse_mail::messages(&lying);
    assert_eq!(messages[0].body.line(0).text, "naïve");
    assert_eq!(messages[0].problems.len(), 1);
}

#[test]
fn hunks_that_claim_the_moon_are_damaged_diffs() {
    let text = format!(
        "{HEAD}\n---\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,18446744073709551615 +1,18446744073709551615 @@\n-a\n+b\n"
    );
    let messages = parse_mail::messages(text.as_bytes());
    let diffs = parse_mail::diffs(&messages[0].body);
    assert_eq!(diffs.len(), 1);
    assert!(diffs[0].damage.is_some());
    read(text.as_bytes());
}

#[test]
fn mails_that_answer_each_other_in_a_ring_end() {
    let mut text = String::new();
    for n in 0..50 {
        let up = (n + 1) % 50;
        text.push_str(&format!(
            "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: A{n} B <a{n}@b.example>\nSubject: Re: [PATCH v{n}] x: y long enough\n\
             Message-ID: <{n}@x>\nIn-Reply-To: <{up}@x>\n\nOn Mon, 2 Mar 2026 at 09:00, A{up} B wrote:\n> Why {up}?\n\nWhy {n}?\n\n"
        ));
    }
    let (count, threads) = read(text.as_bytes());
    assert_eq!((count, threads.len()), (50, 1));
}

#[test]
fn cut_and_empty_inputs_are_read() {
    for text in [
        "",
        "\n",
        "From ",
        "From mboxrd@z x\n",
        "From: a\n",
        "From: a\nDate: b\n\n",
        "Posted by A 1 day ago",
        "\u{feff}From: a@b\nSubject: x\n\ny",
    ] {
        read(text.as_bytes());
    }
    let whole =
        format!("{HEAD}\n---\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@ f(\n-a\n+b\n");
    for end in 0..whole.len() {
        read(&whole.as_bytes()[..end]);
    }
}

#[test]
fn samples_with_damage_are_read() {
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cli/tests/thread");
    let mut random = fastrand::Rng::with_seed(7);
    let mut names: Vec<_> = std::fs::read_dir(samples)
        .expect("samples")
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_none_or(|e| e != "json"))
        .collect();
    names.sort();
    for name in names {
        let whole = std::fs::read(&name).expect("a sample");
        for _ in 0..40 {
            let mut bytes = whole.clone();
            for _ in 0..=random.usize(..6) {
                let at = random.usize(..bytes.len().max(1));
                let end = (at + random.usize(..80)).min(bytes.len());
                match random.usize(..5) {
                    0 => bytes[at] = random.u8(..),
                    1 => drop(bytes.drain(at..end)),
                    2 => {
                        let piece = bytes[at..end].to_vec();
                        let to = random.usize(..bytes.len().max(1));
                        bytes.splice(to..to, piece);
                    }
                    3 => bytes.truncate(at.max(40)),
                    _ => bytes.insert(at, [b'\n', b'>', b' ', b'@', b'?', 0xff][random.usize(..6)]),
                }
            }
            read(&bytes);
        }
    }
}

#[test]
fn a_body_beyond_the_bound_is_cut_and_said_to_be_and_the_next_mail_is_read() {
    let head = |id: &str| {
        format!(
            "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: A <a@b.example>\nSubject: [PATCH] x: y\n\
             Date: Mon, 2 Mar 2026 09:00:00 +0100\nMessage-ID: <{id}@b>\n\n"
        )
    };
    let lines = format!("{}\n", "word ".repeat(200)).repeat(18_000);
    let line = "x".repeat(18_000_000);
    for long in [lines, line] {
        let input = format!("{}{long}\n\n{}Why is that?\n", head("a"), head("c"));
        let messages = parse_mail::messages(input.as_bytes());
        assert_eq!(messages.len(), 2);
        let cut = messages[0].problems.iter().any(|p| p.kind.to_string().contains("was cut after"));
        assert!(cut, "{:?}", messages[0].problems);
        let threads = understand(&messages);
        let shown: usize = threads.iter().map(|t| t.entries.len()).sum();
        assert_eq!(shown, 2);
    }
}
