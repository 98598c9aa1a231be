//! Hostile input through the binary: a result or a clear message, never a panic, never an escape
//! sequence, never memory that grows with the input.

use std::io::{Read as _, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const KTRIAGE: &str = env!("CARGO_BIN_EXE_ktriage");
/// The bound on peak memory for a stream of any length, in KiB.
const MOST_MEMORY: u64 = 64 << 10;

fn report(arguments: &[&str]) -> Command {
    let mut command = Command::new(KTRIAGE);
    command.arg("report").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs `ktriage report` with these bytes on standard input.
fn fed(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = report(arguments).arg("-").spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    output
}

/// No panic, no control character that a terminal acts on.
fn assert_tame(output: &Output) {
    for stream in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(stream);
        assert!(!text.contains("panicked at"), "{text}");
        let wild = text.chars().find(|c| c.is_control() && *c != '\n' && *c != '\t');
        assert_eq!(wild, None, "{text:?}");
    }
}

fn titles(input: &[u8]) -> Vec<String> {
    let output = fed(&["--json"], input);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_tame(&output);
    let log: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let reports = log["reports"].as_array().unwrap();
    reports.iter().map(|report| report["title"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn nothing_and_noise_hold_no_report() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut noise = vec![0; 1 << 20];
    random.fill(&mut noise);
    for input in [&b""[..], b"\n", b"\r\n\r\n", &[0; 1 << 16], &noise] {
        assert_eq!(titles(input), Vec::<String>::new());
        assert_tame(&fed(&[], input));
    }
}

const OOPS: &str = "\
[   90.500000] BUG: kernel NULL pointer dereference, address: 0000000000000018
[   90.500001] CPU: 1 UID: 0 PID: 4021 Comm: ESC[2Jmarl\u{202e}d Not tainted 6.12.9 #3
[   90.500002] RIP: 0010:marl_first+0x13/0x40
[   90.500003] Call Trace:
[   90.500004]  <TASK>
[   90.500005]  marl_walk+0x31/0x90
[   90.500006]  ESC]0;owned\x07marl_ioctl+0x2a1/0x740
[   90.500007]  __x64_sys_ioctl+0x134/0x1a0
";
const OOPS_TITLE: &str = "BUG: unable to handle kernel NULL pointer dereference in marl_first";

#[test]
fn escape_sequences_of_a_log_never_reach_the_terminal() {
    let wild = OOPS.replace("ESC", "\x1b").replace("marl_walk", "marl_\u{9b}31mwalk");
    let json = format!(
        "{{\"MESSAGE\":\"BUG: marl \\u001b[2J went \\u009b2J wild\",\"SYSLOG_IDENTIFIER\":\"kernel\"}}\n{wild}"
    );
    for input in [&wild, &json] {
        for arguments in [&[][..], &["--brief"], &["--json"]] {
            let output = fed(arguments, input.as_bytes());
            assert_tame(&output);
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains("marl_first"), "{text}");
            if arguments.is_empty() {
                assert!(!text.contains('\u{202e}'), "a direction mark passed: {text:?}");
            }
        }
    }
}

#[test]
fn broken_text_around_a_crash_does_not_hide_it() {
    let mut input = b"\xff\xfe\x00\xc3(\xf0\x28\x8c\xbc \x00\x00\x00\n".to_vec();
    input.extend_from_slice(OOPS.replace("Comm: ESC", "Comm: \u{fffd}").as_bytes());
    input.extend_from_slice(b"\x00\x00\xed\xa0\x80 tail without newline");
    assert_eq!(titles(&input), [OOPS_TITLE]);
}

#[test]
fn a_million_nested_prefixes_are_text() {
    for prefix in ["> ", ">", "[ 1.5]", "<6>", "\t", "[    T1]", "kernel:[", "&amp;", "6,1,2,-;"] {
        let mut input = prefix.repeat(1_000_000).into_bytes();
        input.extend_from_slice(b"\n");
        input.extend_from_slice(OOPS.as_bytes());
        assert_eq!(titles(&input), [OOPS_TITLE], "{prefix:?}");
    }
}

#[test]
fn what_cannot_be_read_is_wrong_use_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no\x1b[2Jsuch.log");
    let cut = folder.path().join("cut.gz");
    std::fs::write(&cut, b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03cut").unwrap();
    let secret = folder.path().join("secret.log");
    std::fs::write(&secret, OOPS).unwrap();
    let mut cases =
        vec![(folder.path(), "is a directory"), (&missing, "cannot open"), (&cut, "cannot read")];
    set_unreadable(&secret);
    // The administrator may read everything.
    if std::fs::File::open(&secret).is_err() {
        cases.push((&secret, "cannot open"));
    }
    for (path, message) in cases {
        let output = report(&[]).arg(path).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", path.display());
        assert_tame(&output);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("error: ") && said.contains(message), "{said}");
        assert!(said.contains("hint: "), "{said}");
    }
}

fn set_unreadable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o0)).unwrap();
}

#[test]
fn one_unreadable_log_does_not_hide_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.log");
    std::fs::write(&good, OOPS).unwrap();
    let output = report(&["--brief", "/does/not/exist.log"]).arg(&good).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains(OOPS_TITLE));
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("long.log");
    std::fs::write(&log, OOPS.repeat(20_000)).unwrap();
    let mut child = report(&[]).arg(&log).spawn().unwrap();
    let mut first = [0; 64];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let status = child.wait().unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

/// Peak resident memory of a running process so far, in KiB.
fn peak_memory(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// Streams `pieces` and gives the peak memory and the output.
fn streamed<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (u64, Output) {
    let mut child = report(&["--json", "-"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        stdout.read_to_end(&mut all).unwrap();
        all
    });
    let mut peak = 0;
    for piece in pieces {
        stdin.write_all(piece).unwrap();
        peak = peak.max(peak_memory(&child).unwrap_or(0));
    }
    drop(stdin);
    // What the end of the stream costs is seen while the output is awaited.
    while !reader.is_finished() {
        peak = peak.max(peak_memory(&child).unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    (peak, Output { stdout: reader.join().unwrap(), ..output })
}

#[test]
fn a_line_of_a_gigabyte_takes_no_memory_and_hides_no_crash() {
    let piece = vec![b'x'; 1 << 20];
    let end = format!("\n{OOPS}");
    let pieces = std::iter::repeat_n(&piece[..], 1024).chain([end.as_bytes()]);
    let (peak, output) = streamed(pieces);
    assert_tame(&output);
    assert!(String::from_utf8_lossy(&output.stdout).contains(OOPS_TITLE));
    assert!(peak > 0 && peak < MOST_MEMORY, "{peak} KiB");
}

#[test]
fn an_endless_line_of_headers_takes_no_memory() {
    let piece = b"BUG: KASAN: x WARNING: INFO: task ".repeat(30_000);
    let (peak, output) = streamed(std::iter::repeat_n(&piece[..], 128));
    assert!(output.status.success());
    assert_tame(&output);
    assert!(peak > 0 && peak < MOST_MEMORY, "{peak} KiB");
}

#[test]
fn half_a_gigabyte_of_console_takes_no_memory() {
    let mut quiet = String::new();
    let mut at = 0;
    while quiet.len() < 1 << 20 {
        at += 1;
        quiet.push_str(&format!(
            "[{:5}.{:06}] usb 1-1: new device number {at}\n",
            at / 100,
            at % 100
        ));
    }
    let pieces = (0..512).flat_map(|at| {
        let crash = if at % 64 == 7 { OOPS.as_bytes() } else { b"" };
        [quiet.as_bytes(), crash]
    });
    let (peak, output) = streamed(pieces);
    let log: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(log["reports"].as_array().map(Vec::len), Some(8));
    assert!(peak > 0 && peak < MOST_MEMORY, "{peak} KiB");
}
