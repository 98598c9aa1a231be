//! `ktriage diagnose` from the outside: damaged logs, raw mails, quoted stacks, the page in a browser, the printed
//! object against its schema.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::base64;
use reference::{note, shared};
use serde_json::Value;

#[path = "support/base64.rs"]
mod base64;
#[path = "support/reference.rs"]
mod reference;
#[path = "support/schema.rs"]
mod schema;

fn ktriage(arguments: &[&str], files: &[PathBuf]) -> Output {
    let output =
        Command::new(env!("CARGO_BIN_EXE_ktriage")).args(arguments).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn text(output: Output) -> String {
    String::from_utf8(output.stdout).unwrap()
}

fn objects(arguments: &[&str], files: &[PathBuf]) -> Vec<Value> {
    text(ktriage(arguments, files))
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A log of lines, each with the number it had in the log it comes from (negative for the second of two logs).
type Lines = Vec<(i64, String)>;

fn wrapped(lines: &Lines) -> Lines {
    let mut out = Lines::new();
    for (number, line) in lines {
        let mut rest = line.trim_end_matches('\r');
        while rest.chars().count() > 80 {
            let limit = rest.char_indices().nth(80).map_or(rest.len(), |(at, _)| at);
            let cut = rest[1..limit].rfind(' ').map_or(limit, |at| at + 1);
            out.push((*number, rest[..cut].to_owned()));
            rest = rest[cut..].trim_start_matches(' ');
        }
        out.push((*number, rest.to_owned()));
    }
    out
}

fn quoted_printable(lines: &Lines) -> Lines {
    let mut out = Lines::new();
    for (number, line) in lines {
        let spelled = line.trim_end_matches('\r').replace('=', "=3D");
        let mut rest = spelled.as_str();
        while rest.is_ascii() && rest.len() > 76 {
            // A spelled sign is not cut.
            let mut cut = 75;
            if rest[..cut].ends_with('=') {
                cut -= 1;
            } else if rest[..cut - 1].ends_with('=') {
                cut -= 2;
            }
            out.push((*number, format!("{}=", &rest[..cut])));
            rest = &rest[cut..];
        }
        out.push((*number, rest.to_owned()));
    }
    out
}

fn interleaved(first: &Lines, second: &Lines, random: &mut fastrand::Rng) -> Lines {
    let mut out = Lines::new();
    let (mut a, mut b) = (0, 0);
    while a < first.len() || b < second.len() {
        let run = 1 + random.usize(..39);
        if b >= second.len() || a < first.len() && random.usize(..2) == 0 {
            out.extend(first[a..first.len().min(a + run)].iter().cloned());
            a += run;
        } else {
            out.extend(
                second[b..second.len().min(b + run)].iter().map(|(n, line)| (-n, line.clone())),
            );
            b += run;
        }
    }
    out
}

fn damaged(kind: &str, lines: &Lines, other: &Lines, random: &mut fastrand::Rng) -> Lines {
    match kind {
        "head cut off" => lines[random.usize(..lines.len() / 2 + 1)..].to_vec(),
        "tail cut off" => {
            lines[..lines.len() / 3 + random.usize(..lines.len() * 2 / 3) + 1].to_vec()
        }
        "one line in ten lost" => {
            lines.iter().filter(|_| random.usize(..10) != 0).cloned().collect()
        }
        "wrapped" => wrapped(lines),
        "quoted" => lines.iter().map(|(n, line)| (*n, format!("> {line}"))).collect(),
        "raw mail" => quoted_printable(lines),
        "two logs mixed" => interleaved(lines, other, random),
        _ => lines.clone(),
    }
}

/// Whether the cause that was named lies in the event of the truth's line, wherever that line now stands.
fn is_right(object: &Value, line: i64, lines: &Lines) -> Option<bool> {
    let places: Vec<i64> =
        (1..).zip(lines).filter(|(_, (number, _))| *number == line).map(|(at, _)| at).collect();
    if places.is_empty() {
        return None;
    }
    let cause = &object["first_cause"];
    let event =
        object["events"].as_array().unwrap().iter().find(|event| event["id"] == cause["event"]);
    let named = cause["line"].as_i64().unwrap();
    Some(places.iter().any(|place| {
        (named - place).abs() <= 3
            || event.is_some_and(|event| {
                event["first_line"].as_i64().unwrap() - 3 <= *place
                    && *place <= event["last_line"].as_i64().unwrap()
            })
    }))
}

#[test]
fn a_damaged_log_leads_to_no_wrong_cause_and_no_false_deadlock() {
    const KINDS: [&str; 7] = [
        "head cut off",
        "tail cut off",
        "one line in ten lost",
        "wrapped",
        "quoted",
        "raw mail",
        "two logs mixed",
    ];
    let Some(shared) = shared("damaged logs of real incidents") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut names: Vec<PathBuf> = std::fs::read_dir(shared.join("corpus/incidents"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect();
    names.sort();
    let logs: Vec<(Lines, Value)> = names
        .iter()
        .map(|path| {
            let log = std::fs::read(path).unwrap();
            let lines = (1..)
                .zip(String::from_utf8_lossy(&log).split('\n'))
                .map(|(number, line)| (number, line.to_owned()))
                .collect();
            let truth = std::fs::read(path.with_extension("json")).unwrap();
            (lines, serde_json::from_slice(&truth).unwrap())
        })
        .collect();
    let mut cases = Vec::new();
    let mut files = Vec::new();
    for (at, kind) in KINDS.iter().enumerate() {
        for round in 0..2 {
            for (which, (lines, _)) in logs.iter().enumerate() {
                let seed = (at * 1_000 + round * 100 + which + 1) as u64;
                let mut random = fastrand::Rng::with_seed(seed);
                let other = (which + 1 + random.usize(..logs.len() - 1)) % logs.len();
                let lines = damaged(kind, lines, &logs[other].0, &mut random);
                let path = folder.path().join(format!("{}.log", files.len()));
                let joined: Vec<&str> = lines.iter().map(|(_, line)| line.as_str()).collect();
                std::fs::write(&path, joined.join("\n")).unwrap();
                files.push(path);
                cases.push((*kind, which, (*kind == "two logs mixed").then_some(other), lines));
            }
        }
    }
    let mut counted = 0;
    let mut complaints = Vec::new();
    for (object, (kind, which, other, lines)) in
        objects(&["diagnose", "--json"], &files).iter().zip(&cases)
    {
        let truth = &logs[*which].1;
        let truths: Vec<&Value> =
            [Some(truth), other.map(|other| &logs[other].1)].into_iter().flatten().collect();
        let name = names[*which].file_name().unwrap().to_string_lossy();
        let cycle = truths.iter().any(|truth| {
            let text = truth.to_string().to_lowercase();
            ["cycle", "self deadlock", "abba", "recursive"].iter().any(|word| text.contains(word))
        });
        if object["verdict"]["kind"] == "deadlock" && !cycle {
            complaints.push(format!("{name}, {kind}: a false deadlock"));
        }
        // Where the verdict is unknown, the event named is the first one of the log, no culprit.
        if object["first_cause"].is_null() || object["verdict"]["kind"] == "unknown" {
            continue;
        }
        let line = |truth: &Value| truth["first_cause"]["line"].as_i64().unwrap();
        let Some(right) = is_right(object, line(truth), lines) else { continue };
        counted += 1;
        let right = right
            || other.is_some_and(|other| {
                is_right(object, -line(&logs[other].1), lines).unwrap_or(true)
            });
        if !right {
            complaints.push(format!("{name}, {kind}: named {}", object["first_cause"]));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(counted > 150, "only {counted} of {} cases name a cause", cases.len());
}

#[test]
fn a_raw_mail_is_read_like_the_log_inside_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mail.txt");
    let mail = "Content-Transfer-Encoding: quoted-printable\n\nHello,\n\n[   31.712052] BUG: workqueue lockup - pool cpus=3D1 node=3D0 flags=3D0x0 n=\nice=3D0 stuck for 30s!\n[   31.721164] workqueue events: flags=3D0x0\n[   31.724054]   pwq 2: cpus=3D1 node=3D0 flags=3D0x0 nice=3D0 active=3D2/2=\n56\n[   31.728000]     in-flight: 17:frob_process\n";
    std::fs::write(&path, mail).unwrap();
    let object = &objects(&["diagnose", "--json"], &[path])[0];
    assert_eq!(object["first_cause"]["line"], 5);
    let verdict = object["verdict"]["statement"].as_str().unwrap();
    assert!(
        verdict.contains("cpus=1") && verdict.contains("frob_process in worker 17"),
        "{verdict}"
    );
}

#[test]
fn every_command_reads_a_log_in_the_forms_in_which_mails_carry_it() {
    let log = "[   91.000001] BUG: kernel NULL pointer dereference, address: 0000000000000018\n[   91.000002] #PF: supervisor read access in kernel mode\n[   91.000003] #PF: error_code(0x0000) - not-present page\n[   91.000004] Oops: 0000 [#1] PREEMPT SMP\n[   91.000005] CPU: 2 PID: 71 Comm: tester Not tainted 6.6.3 #5 a-name-that-makes-this-line-longer-than-a-mail-allows\n[   91.000006] RIP: 0010:widget_read+0x11/0x40\n[   91.000007] RSP: 0018:ffffc90001a3fd28 EFLAGS: 00010246\n[   91.000008] RAX: 6b6b6b6b6b6b6b6b RBX: ffff888101a3fd28 RCX: 0000000000000000\n[   91.000009] Call Trace:\n[   91.000010]  <TASK>\n[   91.000011]  widget_ioctl+0x90/0x100\n[   91.000012]  __x64_sys_ioctl+0x97/0xd0\n[   91.000013]  </TASK>\n";
    let numbered: Lines = (1..).zip(log.lines().map(str::to_owned)).collect();
    let mail = |coding: &str, body: &str| {
        format!(
            "From: a@example.org\nSubject: a log\nContent-Transfer-Encoding: {coding}\n\n{body}"
        )
    };
    let joined =
        |lines: Lines| -> String { lines.into_iter().map(|(_, line)| line + "\n").collect() };
    let escaped = log.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let forms = [
        ("8bit", mail("8bit", log)),
        ("quoted-printable", mail("quoted-printable", &joined(quoted_printable(&numbered)))),
        ("base64", mail("base64", &base64(log.as_bytes()))),
        ("a saved page", mail("8bit", &escaped)),
        (
            "quoted",
            mail("8bit", &log.lines().map(|line| format!("> {line}\n")).collect::<String>()),
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let analysis = folder.path().join("analysis.txt");
    std::fs::write(&analysis, "It is a NULL pointer dereference. The crash is in widget_read().\n")
        .unwrap();
    let said: Vec<(&str, Vec<String>)> = forms
        .iter()
        .map(|(form, text)| {
            let path = folder.path().join(form.replace(' ', "-"));
            std::fs::write(&path, text).unwrap();
            let diagnosis = &objects(&["diagnose", "--json"], std::slice::from_ref(&path))[0];
            let report = &objects(&["report", "--json"], std::slice::from_ref(&path))[0];
            let registers = diagnosis["registers"].as_array().unwrap().iter();
            let mut said: Vec<String> =
                registers.map(|claim| claim["statement"].as_str().unwrap().to_owned()).collect();
            assert!(!said.is_empty(), "{form}: nothing is said of the registers");
            said.push(diagnosis["verdict"]["statement"].as_str().unwrap().to_owned());
            said.push(report["reports"][0]["title"].as_str().unwrap().to_owned());
            let log = path.to_str().unwrap();
            let checked =
                &objects(&["check", "--json", "--log", log], std::slice::from_ref(&analysis))[0];
            for claim in checked["claims"].as_array().unwrap() {
                said.push(format!("{} {}", claim["judgement"], claim["sentence"]));
            }
            (*form, said)
        })
        .collect();
    for (form, texts) in &said[1..] {
        assert_eq!(texts, &said[0].1, "{form}");
    }
    // The line of a part that is not joined or recoded keeps its number.
    let quoted = folder.path().join("quoted");
    assert_eq!(objects(&["diagnose", "--json"], &[quoted])[0]["first_cause"]["line"], 5);
}

/// A log in which everything that may be foreign text is hostile.
fn hostile_log() -> String {
    let evil = "<script>alert(1)</script><img src=x onerror=alert(2)>\u{1b}]0;title\u{7}\u{1b}[31m\u{202e}gnol";
    let mut log = format!(
        "[   10.000000] Linux version 6.1.0{evil} (x) #1\n[   20.000000] INFO: task {evil}:41 blocked for more than 61 seconds.\n[   20.000001] task:{evil} state:D stack:0 pid:41 tgid:41 ppid:2 flags:0x4000\n[   20.000002] Call Trace:\n[   20.000003]  __schedule+0x1/0x9\n[   20.000004]  schedule+0x1/0x9\n[   20.000005]  __mutex_lock+0x1/0x9\n[   20.000006]  my_open+0x1/0x9\n"
    );
    log += "[   20.000007] Showing all locks held in the system:\n[   20.000008] 1 lock held by w/41:\n[   20.000009]  #0: ff11223344556677 (&box->lock){+.+.}-{3:3}, at: my_open+0x1/0x9\n[   20.000010] 2 locks held by h/42:\n[   20.000011]  #0: ff11223344556677 (&box->lock){+.+.}-{3:3}, at: my_close+0x1/0x9\n[   20.000012]  #1: ff11223344550000 (&other->lock){+.+.}-{3:3}, at: my_close+0x5/0x9\n";
    log += &format!(
        "[   90.000000] watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [{evil}:77]\n[   90.000001] CPU: 3 PID: 77 Comm: {evil} Not tainted 6.1.0{evil} #1\n[   90.000002] RIP: 0010:spin_here+0x1/0x9\n[   90.000003] a.out[9]: segfault at 10 ip 0000000000401136 sp 00007ffe00000010 error 6 in {evil}[401000+1000]\n"
    );
    log
}

/// Whether some attribute value of the page names this anchor and the anchor is there.
fn dangling(page: &str) -> Vec<String> {
    page.match_indices("href=\"#")
        .map(|(at, head)| page[at + head.len()..].split('"').next().unwrap().to_owned())
        .filter(|target| !page.contains(&format!("id=\"{target}\"")))
        .collect()
}

#[test]
fn the_page_shows_time_line_graph_and_lines_in_a_browser_without_network() {
    if Command::new("chromium").arg("--version").output().is_err() {
        return note("skipped: the page in a browser: chromium is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let (log, page) = (folder.path().join("a.log"), folder.path().join("page.html"));
    std::fs::write(&log, hostile_log()).unwrap();
    ktriage(&["diagnose", "--html", page.to_str().unwrap()], &[log]);
    let written = std::fs::read_to_string(&page).unwrap();
    for address in ["http:", "https:", "@import", "url(http", "<link", "<img", "<iframe", "<object"]
    {
        assert!(!written.contains(address), "{address} in the page");
    }
    let browse = |task: &str| {
        Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--window-size=1200,1600",
                "--virtual-time-budget=2000",
            ])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(task)
            .arg(format!("file://{}", page.display()))
            .output()
            .unwrap()
    };
    let dom = String::from_utf8(browse("--dump-dom").stdout).unwrap();
    assert!(!dom.contains("<script") && !dom.contains("<img"), "foreign text became markup: {dom}");
    assert!(dom.contains("&lt;script&gt;alert(1)"), "the name of the task is shown as text");
    assert!(!dom.contains(['\u{1b}', '\u{7}', '\u{202e}']), "control characters reach the page");
    for part in [
        "aria-label=\"Time line\"",
        "aria-label=\"Wait graph\"",
        "<circle",
        "<path",
        "Registers and code",
        "Cited lines",
    ] {
        assert!(dom.contains(part), "{part} is missing");
    }
    assert!(dom.matches("href=\"#L").count() > 10, "claims link to lines");
    assert_eq!(dangling(&dom), Vec::<String>::new());
    let picture = folder.path().join("page.png");
    browse(&format!("--screenshot={}", picture.display()));
    let size = std::fs::metadata(&picture).map_or(0, |file| file.len());
    assert!(size > 20_000, "the picture of the page has {size} bytes: it is empty");
}

#[test]
fn a_reply_and_the_object_carry_registers_and_say_what_was_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("long.log");
    let mut content = hostile_log();
    for n in 0..90_000 {
        content += &format!(
            "[  100.{:06}] usb 1-1: new high-speed USB device number {n}\n",
            n % 1_000_000
        );
    }
    assert!(content.len() > 5 << 20);
    std::fs::write(&log, content).unwrap();
    let files = [log];
    let object = &objects(&["diagnose", "--json"], &files)[0];
    assert!(!object["registers"].as_array().unwrap().is_empty());
    let notices = object["notices"].to_string();
    assert!(notices.contains("first 4 MiB"), "{notices}");
    assert!(text(ktriage(&["diagnose"], &files)).contains("Notice   registers and code were read"));
    let mail = text(ktriage(&["diagnose", "--mail"], &files));
    assert!(mail.contains("Registers and code:") && mail.contains("Note: registers"), "{mail}");
    assert!(mail.is_ascii() && mail.lines().count() <= 60, "{mail}");
}

#[test]
fn a_log_longer_than_the_memory_it_may_use_is_diagnosed() {
    // 64 MiB with some 700 stalls, read by a process that may hold 56 MiB of data.
    const LIMIT_KIB: u32 = 56 << 10;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.log");
    let mut log = String::new();
    let mut n = 0;
    while log.len() < 64 << 20 {
        n += 1;
        let stamp = format!("[{:5}.{:06}]", n / 1000, n % 1000 * 1000);
        log += &format!("{stamp} usb 1-1.{}: new high-speed USB device number {}\n", n % 9, n % 97);
        if n % 1_500 == 0 {
            log += &format!(
                "{stamp} rcu: INFO: rcu_sched detected stalls on CPUs/tasks:\n{stamp} rcu: \t3-...0: (1 GPs behind) idle=59a/1/0x4000000000000000 softirq=8266/8267 fqs=5250\n{stamp} rcu: \t(detected by 1, t=21002 jiffies, g={}, q=481 ncpus=8)\n{stamp} NMI backtrace for cpu 3\n{stamp} CPU: 3 PID: 77 Comm: worker Not tainted 6.6.0 #1\n{stamp} RIP: 0010:frob_all+0x12/0x90\n{stamp} Call Trace:\n",
                4 * n + 1
            );
            for frame in 0..30 {
                log += &format!("{stamp}  frob_step_{frame}+0x{frame:x}1/0x200\n");
            }
        }
    }
    std::fs::write(&path, log).unwrap();
    let output = Command::new("sh")
        .env("RAYON_NUM_THREADS", "1")
        .arg("-c")
        .arg(format!("ulimit -d {LIMIT_KIB} || exit 77; exec \"$0\" diagnose --json \"$1\""))
        .arg(env!("CARGO_BIN_EXE_ktriage"))
        .arg(&path)
        .output()
        .unwrap();
    if output.status.code() == Some(77) {
        return note("skipped: the memory of a long log: the shell knows no ulimit -d");
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(object["events"].as_array().unwrap().len() > 300);
    assert_eq!(object["verdict"]["kind"], "starvation");
}

#[test]
fn what_is_printed_fits_the_documented_schemas() {
    let documented = |name: &str| -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema").join(name);
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    let printed = |name: &str| -> Value {
        serde_json::from_slice(&ktriage(&["generate", "schema", name], &[]).stdout).unwrap()
    };
    for name in ["diagnose", "check", "check-claims", "claims"] {
        assert_eq!(
            documented(&format!("{name}.json")),
            printed(name),
            "docs/schema/{name}.json is old: cargo xtask generate"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.log");
    std::fs::write(&log, hostile_log()).unwrap();
    let empty = folder.path().join("empty.log");
    std::fs::write(&empty, "").unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/hung-depot.log");
    let schema = documented("diagnose.json");
    for object in objects(&["diagnose", "--json"], &[log, empty, sample.clone()]) {
        let found = schema::problems(&schema, &object);
        assert!(found.is_empty(), "{found:?}");
    }
    let analysis = folder.path().join("analysis.txt");
    std::fs::write(
        &analysis,
        "It is a use-after-free. The task a:1 was blocked for more than 143 seconds.\n",
    )
    .unwrap();
    let schema = documented("check.json");
    let object = &objects(&["check", "--json", "--log", sample.to_str().unwrap()], &[analysis])[0];
    let found = schema::problems(&schema, object);
    assert!(found.is_empty(), "{found:?}");
    // The check itself can fail.
    let mut broken = object.clone();
    broken["format"] = Value::String("one".into());
    assert!(!schema::problems(&schema, &broken).is_empty());
}
