//! Mails of the record: commands in, reports and answers out.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

struct Place {
    folder: TempDir,
}

fn oops(function: &str, number: u32) -> String {
    format!(
        "[   50.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n[   50.000001] Oops: 0000 [#1] PREEMPT SMP\n[   50.000002] CPU: 0 PID: {number} Comm: w Not tainted 6.1.0 #1\n[   50.000003] RIP: 0010:{function}+0x1/0x9\n[   50.000004] Call Trace:\n[   50.000005]  <TASK>\n[   50.000006]  shop_write+0x1/0x9\n[   50.000007]  vfs_write+0x1/0x9\n[   50.000008]  ksys_write+0x1/0x9\n[   50.000009]  do_syscall_64+0x1/0x9\n[   50.000010]  </TASK>\n[   50.000011] ---[ end trace 0000000000000000 ]---\n"
    )
}

impl Place {
    /// A record with two bugs.
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        let state = place.path("state");
        std::fs::create_dir(&state).unwrap();
        let settings = format!(
            "address = \"https://bugs.example.org\"\n[mail]\nfrom = \"bot@bugs.example.org\"\noutbox = \"{}\"\nprefixes = [\"#ktriage\", \"#syz\"]\nallow = [\"ann@example.org\", \"@kernel.example\"]\nauthserv_id = \"mx.example.org\"\n[[mail.stage]]\nname = \"moderation\"\nto = [\"team@example.org\"]\nquota = 1\n[[mail.stage]]\nname = \"list\"\nto = [\"list@vger.example\"]\n",
            place.path("outbox").display()
        );
        std::fs::write(state.join("ktriage.toml"), settings).unwrap();
        std::fs::create_dir(place.path("logs")).unwrap();
        std::fs::write(place.path("logs/1.log"), oops("shop_reset", 1)).unwrap();
        std::fs::write(place.path("logs/2.log"), oops("shop_close", 2)).unwrap();
        place.said(&["add", place.path("logs").to_str().unwrap()]);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ktriage"));
        command.args(words).arg("--state").arg(self.path("state"));
        command
    }

    fn said(&self, words: &[&str]) -> String {
        let output = self.command(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn bug(&self, name: &str) -> Value {
        serde_json::from_str(&self.said(&["bug", name, "--json"])).unwrap()
    }

    fn state(&self, name: &str) -> String {
        self.bug(name)["bug"]["state"].as_str().unwrap().to_owned()
    }

    fn address(&self, name: &str) -> String {
        format!("bot+{}@bugs.example.org", self.bug(name)["bug"]["external"].as_str().unwrap())
    }

    fn pipe(&self, mail: &[u8]) -> Output {
        let mut child = self
            .command(&["mail", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(mail).unwrap();
        child.wait_with_output().unwrap()
    }

    fn receive(&self, mail: &str) -> String {
        let output = self.pipe(mail.as_bytes());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The mails of the outbox, oldest first.
    fn outbox(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path("outbox/new")) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }
}

const SIGNED: &str = "Authentication-Results: mx.example.org; dkim=pass header.d=example.org\n";

fn mail(id: &str, head: &str, from: &str, to: &str, body: &str) -> String {
    format!(
        "{head}From: Ann <{from}>\nTo: {to}\nSubject: Re: a bug\nMessage-ID: <{id}@example.org>\n\n{body}\n"
    )
}

#[test]
fn a_signed_command_of_somebody_who_may_is_done_once_and_answered() {
    let place = Place::new();
    let to = place.address("1");
    let text = mail(
        "1",
        SIGNED,
        "ann@example.org",
        &to,
        "I think so.\n\n#ktriage fix: shop: count what is left\n#ktriage dupe: x\n\n> #ktriage invalid",
    );
    assert_eq!(place.receive(&text), "-: 1 of 2 commands done\n");
    assert_eq!(place.state("1"), "fix_known");
    assert_eq!(place.receive(&text), "-: handled before\n");
    let history = place.bug("1")["history"].to_string();
    assert!(
        history.contains("\"who\":\"ann@example.org\"") && history.contains("mail 1@example.org"),
        "{history}"
    );
    let answers = place.outbox();
    assert_eq!(answers.len(), 1);
    for part in [
        &*format!("From: \"ktriage linux\" <{to}>"),
        "To: ann@example.org",
        "In-Reply-To: <1@example.org>",
        "> #ktriage fix: shop: count what is left\ndone",
        "> #ktriage dupe: x\nnot done: unknown command `dupe`",
    ] {
        assert!(answers[0].contains(part), "{part}: {}", answers[0]);
    }
    assert_eq!(place.receive(&answers[0]), "-: written by a program; left alone\n");
    assert_eq!(place.outbox().len(), 1, "own mails never loop");
}

#[test]
fn who_does_not_prove_to_be_allowed_changes_nothing() {
    let place = Place::new();
    let to = place.address("1");
    let body = "#ktriage invalid";
    let other = |server: &str, what: &str| format!("Authentication-Results: {server}; {what}\n");
    let cases = [
        ("no signature", String::new(), "ann@example.org", "nothing proves"),
        (
            "a broken one",
            other("mx.example.org", "dkim=fail header.d=example.org"),
            "ann@example.org",
            "nothing proves",
        ),
        (
            "another domain's",
            other("mx.example.org", "dkim=pass header.d=evil.example"),
            "ann@example.org",
            "nothing proves",
        ),
        (
            "another server's word",
            other("mx.evil.example", "dkim=pass header.d=example.org"),
            "ann@example.org",
            "nothing proves",
        ),
        (
            "a whole top-level domain's",
            other("mx.example.org", "dkim=pass header.d=org"),
            "ann@example.org",
            "nothing proves",
        ),
        (
            "somebody else, signed",
            other("mx.example.org", "dkim=pass header.d=evil.example"),
            "eve@evil.example",
            "the sender is told: your address is not among",
        ),
    ];
    for (at, (what, head, from, expected)) in cases.iter().enumerate() {
        let said = place.receive(&mail(&format!("c{at}"), head, from, &to, body));
        assert!(said.contains(expected), "{what}: {said}");
        assert_eq!(place.state("1"), "new", "{what}");
    }
    let in_body = format!("{}\n#ktriage invalid", SIGNED.trim());
    assert!(
        place
            .receive(&mail("body", "", "ann@example.org", &to, &in_body))
            .contains("nothing proves")
    );
    // Only whoever proved the address is answered: others may be forged.
    assert_eq!(place.outbox().len(), 1);
    assert!(place.outbox()[0].contains("To: eve@evil.example"));
}

#[test]
fn a_copy_that_proves_nothing_does_not_stand_in_the_way_of_the_signed_one() {
    let place = Place::new();
    let to = place.address("1");
    let of = |server: &str, from: &str| {
        let head = format!("Authentication-Results: mx.example.org; {server}\n");
        mail("same", &head, from, &to, "#ktriage invalid")
    };
    let broken = of("dkim=fail header.d=example.org", "ann@example.org");
    assert!(place.receive(&broken).contains("nothing proves"));
    assert_eq!(place.receive(&broken), "-: handled before\n", "the very same bytes");
    // Somebody else's mail with the same Message-ID, signed.
    let other = of("dkim=pass header.d=evil.example", "eve@evil.example");
    assert!(place.receive(&other).contains("your address is not among"));
    let signed = of("dkim=pass header.d=example.org", "Ann@example.org");
    assert_eq!(place.receive(&signed), "-: 1 of 1 commands done\n");
    assert_eq!(place.state("1"), "invalid");
    let through_a_list = format!("Received: from the list\n{signed}");
    assert_eq!(place.receive(&through_a_list), "-: handled before\n");
    assert_eq!(place.receive(&broken), "-: handled before\n");
    assert_eq!(place.outbox().len(), 2);
}

#[test]
fn quoted_forwarded_and_attached_commands_do_nothing() {
    let place = Place::new();
    let to = place.address("1");
    for (at, body) in [
        "> #ktriage invalid",
        "On Monday Ben wrote:\n| #ktriage invalid",
        "see below\n-----Original Message-----\nFrom: Ben\n\n#ktriage invalid",
        "  #ktriage invalid",
        "say \"#ktriage invalid\"",
        "#ktriageinvalid",
    ]
    .iter()
    .enumerate()
    {
        let said = place.receive(&mail(&format!("q{at}"), SIGNED, "ann@example.org", &to, body));
        assert_eq!(said, "-: holds no command\n", "{body}");
    }
    let attached = format!(
        "{SIGNED}From: ann@example.org\nTo: {to}\nMessage-ID: <att@example.org>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: text/plain\n\nlook\n--B\nContent-Type: text/plain\nContent-Disposition: attachment; filename=\"x.txt\"\n\n#ktriage invalid\n--B--\n"
    );
    assert_eq!(place.receive(&attached), "-: holds no command\n");
    assert_eq!(place.state("1"), "new");
}

#[test]
fn commands_are_found_in_every_coding_of_a_mail() {
    let place = Place::new();
    let to = place.address("1");
    let head = |id: &str, more: &str| {
        format!(
            "{SIGNED}From: ann@example.org\nTo: list@vger.example, {to}\nSubject: x\nMessage-ID: <{id}@example.org>\nMIME-Version: 1.0\n{more}\n"
        )
    };
    let quoted = head(
        "qp",
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n",
    ) + "#ktriage fix: shop: count w=\nhat is left =E2=80=94 all of it\n";
    place.receive(&quoted);
    assert_eq!(
        place.bug("1")["bug"]["fixes"][0]["title"],
        "shop: count what is left \u{2014} all of it"
    );
    // "#ktriage unfix\r\n" as base64.
    place.receive(
        &(head("b64", "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n")
            + "I2t0cmlhZ2UgdW5maXgNCg==\n"),
    );
    assert_eq!(place.state("1"), "new");
    let crlf = (head("crlf", "Content-Type: text/plain; charset=iso-8859-1\n") + "#syz invalid\n")
        .replace('\n', "\r\n");
    let mut bytes = crlf.into_bytes();
    bytes.extend_from_slice(b"gr\xfc\xdfe\r\n");
    assert!(place.pipe(&bytes).status.success());
    assert_eq!(place.state("1"), "invalid");
    for rubbish in [&b""[..], b"\n\n", b"\xff\xfe\0", b"From: \nTo: \n\n#ktriage invalid"] {
        assert!(place.pipe(rubbish).status.success());
    }
}

#[test]
fn an_address_with_a_token_stands_for_a_signature_of_that_person_only() {
    let place = Place::new();
    let address = place.said(&["mail", "--address", "1", "--for", "zoe@small.example"]);
    let address = address.trim();
    let said = place.receive(&mail("t1", "", "eve@evil.example", address, "#ktriage invalid"));
    assert!(said.contains("nothing proves"), "{said}");
    let other = address.replace(
        place.address("1").split(['+', '@']).nth(1).unwrap(),
        place.address("2").split(['+', '@']).nth(1).unwrap(),
    );
    assert!(
        place
            .receive(&mail("t2", "", "zoe@small.example", &other, "#ktriage invalid"))
            .contains("nothing proves")
    );
    place.receive(&mail("t3", "", "zoe@small.example", address, "#ktriage invalid"));
    assert_eq!((place.state("1"), place.state("2")), ("invalid".into(), "new".into()));
}

#[test]
fn reports_go_out_in_stages_and_an_answer_finds_its_bug() {
    let place = Place::new();
    assert_eq!(place.said(&["mail", "--report"]), "bug 1: reported\n", "one a day");
    assert_eq!(place.said(&["mail", "--report"]), "");
    let report = place.outbox().remove(0);
    for part in [
        "To: team@example.org",
        "Subject: [moderation] BUG: unable to handle kernel NULL pointer dereference in shop_reset",
        "https://bugs.example.org/bug/",
        "Reported-by: ktriage linux <bot+",
        "shop_reset",
        "Verdict",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert_eq!(
        place.receive(&report.replace("Auto-Submitted: auto-generated\nX-Ktriage: 1\n", "")),
        "-: written by a program; left alone\n"
    );
    let id = report.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap();
    // Sent to a list only: the mail that it answers names the bug.
    let head = format!("{SIGNED}In-Reply-To: {id}\n");
    place.receive(&mail("up", &head, "ann@example.org", "team@example.org", "#ktriage upstream"));
    assert_eq!(place.said(&["mail", "--report"]), "bug 1: reported\n");
    let all = place.outbox();
    assert!(all.last().unwrap().contains("To: list@vger.example\nSubject: BUG: unable"), "{all:?}");
    place.receive(&mail("up2", &head, "ann@example.org", "team@example.org", "#ktriage upstream"));
    assert!(
        place
            .outbox()
            .last()
            .unwrap()
            .contains("not done: the bug was reported in the last stage already")
    );
    let lost = place.receive(&mail(
        "lost",
        SIGNED,
        "ann@example.org",
        "team@example.org",
        "#ktriage invalid",
    ));
    assert!(lost.contains("the sender is told: no bug is named"), "{lost}");
}

/// Whenever the program is killed, each mail is obeyed once and answered once.
#[test]
fn a_kill_at_any_moment_handles_each_mail_once() {
    let place = Place::new();
    let to = place.address("1");
    const MAILS: usize = 150;
    for folder in ["new", "cur", "tmp"] {
        std::fs::create_dir_all(place.path("inbox").join(folder)).unwrap();
    }
    for at in 0..MAILS {
        // 30 answers a day is what one person gets: these are many people.
        let from = format!("p{}@kernel.example", at / 10);
        let head = "Authentication-Results: mx.example.org; dkim=pass header.d=kernel.example\n";
        let body = format!("#ktriage set tag{at}: on");
        let path = place.path("inbox/new").join(format!("{at:04}"));
        std::fs::write(path, mail(&format!("m{at}"), head, &from, &to, &body)).unwrap();
    }
    let inbox = place.path("inbox").display().to_string();
    let mut random = fastrand::Rng::with_seed(5);
    let mut killed = 0;
    for _ in 0..60 {
        let mut child =
            place.command(&["mail", "--inbox", &inbox]).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(random.u64(5..60)));
        let _ = child.kill();
        killed += u32::from(!child.wait().unwrap().success());
    }
    assert!(killed > 5, "{killed}");
    place.said(&["mail", "--inbox", &inbox]);
    assert_eq!(std::fs::read_dir(place.path("inbox/new")).unwrap().count(), 0);
    let history = place.bug("1")["history"].to_string();
    assert_eq!(history.matches("\"action\":\"label\"").count(), MAILS);
    let mut answered: Vec<String> = place
        .outbox()
        .iter()
        .map(|mail| mail.lines().find(|line| line.starts_with("In-Reply-To")).unwrap().to_owned())
        .collect();
    answered.sort();
    answered.dedup();
    assert_eq!((answered.len(), place.outbox().len()), (MAILS, MAILS));
}

/// Whenever it is killed, each mail is obeyed once and answered once.
#[test]
fn a_kill_at_any_moment_obeys_and_answers_each_mail_once() {
    const MAILS: usize = 40;
    const KILLS: u32 = 200;
    let place = Place::new();
    let to = place.address("1");
    let inbox = place.path("inbox");
    for folder in ["new", "cur", "tmp"] {
        std::fs::create_dir_all(inbox.join(folder)).unwrap();
    }
    let mut random = fastrand::Rng::with_seed(5);
    let whole = std::time::Instant::now();
    place.said(&["bugs"]);
    let whole = whole.elapsed() * 2;
    let head = "Authentication-Results: mx.example.org; dkim=pass header.d=kernel.example\n";
    let run = || {
        let mut command = place.command(&["mail", "--inbox", inbox.to_str().unwrap()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut killed = 0;
    for round in 0..KILLS {
        // The mails come in over the whole time, so that there is always something to do.
        if (round as usize).is_multiple_of(KILLS as usize / MAILS) {
            let number = round as usize / (KILLS as usize / MAILS);
            let from = format!("dev{}@kernel.example", number % 4);
            let text = mail(
                &format!("k{number}"),
                head,
                &from,
                &to,
                &format!("#ktriage set mail{number}: yes"),
            );
            std::fs::write(inbox.join(format!("new/{number:03}")), text).unwrap();
        }
        let mut child = run().spawn().unwrap();
        std::thread::sleep(whole * random.u32(0..100) / 100);
        let _ = child.kill();
        killed += u32::from(!child.wait().unwrap().success());
    }
    assert!(killed >= KILLS / 4, "only {killed} were killed in time");
    assert!(run().status().unwrap().success());
    let history = place.bug("1")["history"].to_string();
    let answers = place.outbox();
    for number in 0..MAILS {
        let label = format!("\"name\":\"mail{number}\"");
        assert_eq!(history.matches(&label).count(), 1, "{label}");
        let answered =
            answers.iter().filter(|text| text.contains(&format!("<k{number}@example.org>")));
        assert_eq!(answered.count(), 1, "mail {number}");
    }
    assert_eq!(answers.len(), MAILS);
}
