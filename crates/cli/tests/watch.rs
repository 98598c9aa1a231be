//! Consoles that go on: netconsole, files that rotate, standard input, folders.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

struct Place {
    folder: TempDir,
}

/// A console's lines with a crash, without stamps.
fn crash(function: &str) -> Vec<String> {
    [
        "BUG: kernel NULL pointer dereference, address: 0000000000000008",
        "Oops: 0000 [#1] PREEMPT SMP",
        "CPU: 0 PID: 7 Comm: w Not tainted 6.1.0 #1",
        &format!("RIP: 0010:{function}+0x1/0x9"),
        "Call Trace:",
        " <TASK>",
        " shop_write+0x1/0x9",
        " vfs_write+0x1/0x9",
        " ksys_write+0x1/0x9",
        " do_syscall_64+0x1/0x9",
        " </TASK>",
        "---[ end trace 0000000000000000 ]---",
    ]
    .iter()
    .map(ToString::to_string)
    .collect()
}

fn stamped(lines: &[String]) -> String {
    lines.iter().enumerate().map(|(at, line)| format!("[   50.{at:06}] {line}\n")).collect()
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ktriage"));
        command.args(words).arg("--state").arg(self.folder.path().join("state"));
        command
    }

    fn json(&self, words: &[&str]) -> Value {
        let output = self.command(words).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn titles(&self) -> Vec<String> {
        let list = self.json(&["bugs", "--json"]);
        let mut titles: Vec<String> = list["bugs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bug| bug["title"].as_str().unwrap().to_owned())
            .collect();
        titles.sort();
        titles
    }

    /// The log of the newest crash of a bug.
    fn log(&self, bug: &str) -> String {
        let output = self.command(&["bug", bug, "log"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Asks a watch to end and gives what it printed.
fn end(child: Child) -> (String, String) {
    let killed = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

struct Netconsole {
    child: Child,
    errors: BufReader<std::process::ChildStderr>,
    socket: UdpSocket,
}

impl Netconsole {
    fn start(place: &Place) -> Self {
        let mut child = place
            .command(&["watch", "--udp", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        errors.read_line(&mut said).unwrap();
        let address = said.trim().strip_prefix("listening on ").unwrap().to_owned();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(address).unwrap();
        Self { child, errors, socket }
    }

    fn send(&self, datagram: &str) {
        self.socket.send(datagram.as_bytes()).unwrap();
    }

    /// Ends the watch; gives what it printed, and what it said of the host.
    fn end(mut self) -> (String, String) {
        std::thread::sleep(Duration::from_millis(600));
        let said = end(self.child).0;
        let mut errors = String::new();
        std::io::Read::read_to_string(&mut self.errors, &mut errors).unwrap();
        (said, errors)
    }
}

#[test]
fn extended_netconsole_in_disorder_with_fragments_and_a_loss_is_one_crash() {
    let place = Place::new();
    let watch = Netconsole::start(&place);
    let mut datagrams: Vec<String> = Vec::new();
    for (at, line) in crash("shop_reset").iter().enumerate() {
        let (sequence, micros) = (100 + at, 50_000_000 + at);
        match at {
            // In two fragments, the second one first.
            0 => {
                let (one, two) = line.split_at(20);
                let total = line.len();
                datagrams.push(format!("6.1.0,1,{sequence},{micros},-,ncfrag=20/{total};{two}"));
                datagrams.push(format!("6.1.0,1,{sequence},{micros},-,ncfrag=0/{total};{one}"));
            }
            // Lost.
            8 => {}
            _ => datagrams.push(format!("6.1.0,4,{sequence},{micros},-;{line}\n")),
        }
    }
    datagrams.swap(4, 6);
    datagrams.push(datagrams[5].clone());
    // What is first says from where on the host is heard.
    watch.send("6.1.0,6,99,49000000,-;before\n");
    datagrams.iter().for_each(|datagram| watch.send(datagram));
    let (said, sum) = watch.end();
    assert!(said.contains("127.0.0.1: bug 1 (new): BUG: unable to handle kernel NULL pointer dereference in shop_reset"), "{said} {sum}");
    assert!(sum.contains("127.0.0.1: 12 messages, 1 lost, 1 repeated, 0 late"), "{sum}");
    let log = place.log("1");
    assert!(log.contains("-- lost: 1 (108) --\n"), "{log}");
    assert!(
        log.contains(
            "[   50.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n"
        ),
        "{log}"
    );
}

#[test]
fn basic_netconsole_is_text_as_it_is() {
    let place = Place::new();
    let watch = Netconsole::start(&place);
    for line in stamped(&crash("shop_close")).lines() {
        watch.send(&format!("{line}\n"));
    }
    watch.send("\u{1b}[31m \u{202e} rubbish \0");
    let (said, sum) = watch.end();
    assert!(said.contains("shop_close"), "{said} {sum}");
    assert_eq!(
        place.titles(),
        ["BUG: unable to handle kernel NULL pointer dereference in shop_close"]
    );
}

/// At a rate that a fleet hardly has, nothing is lost here.
#[test]
fn many_messages_come_through() {
    const MESSAGES: u32 = 60_000;
    let place = Place::new();
    let watch = Netconsole::start(&place);
    let start = Instant::now();
    for number in 0..MESSAGES {
        watch.send(&format!(
            "6,{number},{number},-;a message of some usual length, number {number}\n"
        ));
        // 30,000 a second, in bursts.
        if number % 300 == 0 {
            let due = Duration::from_micros(u64::from(number) * 33);
            std::thread::sleep(due.saturating_sub(start.elapsed()));
        }
    }
    std::thread::sleep(Duration::from_millis(2_000));
    let (_, sum) = watch.end();
    let count = |word: &str| -> u32 {
        let before = sum.split(word).next().unwrap();
        before.split_whitespace().last().unwrap().parse().unwrap()
    };
    let (came, lost) = (count(" messages"), count(" lost"));
    // What the system dropped before it reached the socket is not ours, but hardly anything should be.
    assert!(came + lost == MESSAGES && !sum.contains("dropped here"), "{sum}");
    assert!(lost * 100 <= MESSAGES, "{sum}");
}

#[test]
fn a_file_is_followed_through_its_rotation() {
    let place = Place::new();
    let path = place.folder.path().join("console.log");
    std::fs::write(&path, stamped(&crash("old_one"))).unwrap();
    let child = place
        .command(&["watch", "--file", path.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A look of the watch that a busy machine delays is no loss of its own: long pauses where nothing tells
    // that it has looked, and the record where it tells.
    let wait = || std::thread::sleep(Duration::from_secs(3));
    let recorded = |count: usize| {
        let deadline = Instant::now() + Duration::from_secs(10);
        while place.titles().len() < count && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    wait();
    let text = stamped(&crash("shop_reset"));
    let (one, two) = text.split_at(text.len() / 2);
    let append = |text: &str| {
        let mut file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    append(one);
    wait();
    append(two);
    std::fs::rename(&path, place.folder.path().join("console.log.1")).unwrap();
    // Each in a boot of its own: in one, the later ones would follow from the first.
    let boot = "[    0.000000] Linux version 6.1.0 (builder) #1 SMP\n";
    append(&format!("{boot}{}", stamped(&crash("shop_close"))));
    recorded(2);
    wait();
    // Cut to nothing where it stands, as copytruncate does.
    std::fs::write(&path, "").unwrap();
    wait();
    append(&format!("{boot}{}", stamped(&crash("shop_open"))));
    recorded(3);
    wait();
    let (said, _) = end(child);
    let all = ["shop_close", "shop_open", "shop_reset"];
    for function in all {
        assert!(said.contains(function), "{function}: {said}");
    }
    assert!(!said.contains("old_one"), "{said}");
    assert_eq!(place.titles().len(), 3);
    for bug in 1..=3 {
        assert_eq!(place.json(&["bug", &bug.to_string(), "--json"])["bug"]["crashes"], 1);
    }
}

#[test]
fn standard_input_and_a_folder_are_taken_in() {
    let place = Place::new();
    let mut child = place
        .command(&["watch", "--machine", "rack7", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stamped(&crash("shop_reset")).as_bytes()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    let folder = place.folder.path().join("pstore");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("dmesg-efi-1"), stamped(&crash("shop_close"))).unwrap();
    let folder = folder.to_str().unwrap().to_owned();
    for _ in 0..2 {
        let output = place.command(&["watch", "--folder", &folder, "--once"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(place.titles().len(), 2);
    assert_eq!(place.json(&["bugs", "--machine", "rack7", "--json"])["total"], 1);
    let none = place.command(&["watch"]).output().unwrap();
    assert!(String::from_utf8(none.stderr).unwrap().contains("nothing is to be watched"));
}
