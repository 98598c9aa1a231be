//! Every console format that users paste is read: the same short crash, as each writer of logs
//! prints it, gives the same messages with the numbers of the lines they stand on.
//!
//! One file a format in `samples/formats/`; a new format is a new file.

use std::path::Path;

use parse_console::{Caller, Stamp, lines};

/// What the kernel said, whoever wrote it down.
const CRASH: &[&str] = &[
    "BUG: kernel NULL pointer dereference, address: 0000000000000018",
    "#PF: supervisor read access in kernel mode",
    "Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI",
    "CPU: 1 UID: 0 PID: 4021 Comm: marld Not tainted 6.12.9 #3",
    "RIP: 0010:marl_first+0x13/0x40",
    "RSP: 0018:ffffc900012f7c58 EFLAGS: 00010246",
    "Call Trace:",
    " <TASK>",
    " marl_walk+0x31/0x90",
    " marl_ioctl+0x2a1/0x740",
    " __x64_sys_ioctl+0x134/0x1a0",
    " do_syscall_64+0x82/0x190",
    " </TASK>",
];

fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/formats").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/formats");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 35, "the samples are gone: {names:?}");
    names
}

/// The part of a message that no format escapes, to find its line in the raw bytes.
fn plain_part(message: &str) -> &str {
    message.trim_matches([' ', '<', '>', '/'])
}

#[test]
fn every_format_gives_the_messages_and_nothing_of_the_prefixes() {
    let mut wrong = Vec::new();
    for name in names() {
        let input = sample(&name);
        let texts: Vec<String> = lines(&input).map(|line| line.text.into_owned()).collect();
        let start = texts.iter().position(|text| text == CRASH[0]);
        let Some(start) = start else {
            wrong.push(format!("{name}: no line is {:?}: {texts:#?}", CRASH[0]));
            continue;
        };
        let said = texts[start..]
            .iter()
            .map(|text| text.strip_prefix("** 3 printk messages dropped ** ").unwrap_or(text))
            .filter(|text| !text.is_empty() && !text.ends_with("printk messages dropped **"))
            .take(CRASH.len());
        if !said.clone().eq(CRASH.iter().copied()) {
            wrong.push(format!("{name}: {:#?}", said.collect::<Vec<_>>()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_message_keeps_the_number_and_the_offset_of_its_line() {
    for name in names() {
        let input = sample(&name);
        let raw: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
        let mut at = 0;
        let starts: Vec<usize> = raw
            .iter()
            .map(|line| {
                let start = at;
                at += line.len() + 1;
                start
            })
            .collect();
        for message in CRASH.iter().filter(|message| plain_part(message).len() > 6) {
            let read = lines(&input).find(|line| line.text.ends_with(message));
            let Some(read) = read else { panic!("{name}: {message:?} is missing") };
            let index = usize::try_from(read.number).unwrap() - 1;
            let holds = String::from_utf8_lossy(raw[index]).contains(plain_part(message));
            assert!(holds, "{name}: line {} is not that of {message:?}", read.number);
            let offset = usize::try_from(read.offset).unwrap();
            assert!(
                (starts[index]..=starts[index] + raw[index].len()).contains(&offset),
                "{name}: offset {offset} is not in line {}",
                read.number
            );
        }
    }
}

/// The stamp, caller and level of the first line of the crash.
fn first(name: &str) -> (Option<Stamp>, Option<Caller>, Option<u8>) {
    let input = sample(name);
    let line = lines(&input).find(|line| line.text == CRASH[0]).unwrap();
    (line.stamp, line.caller, line.level)
}

#[test]
fn stamps_callers_and_levels_are_read_where_the_format_has_them() {
    let boot = Some(Stamp::Boot(90_500_013));
    let task = Some(Caller::Task(4021));
    assert_eq!(first("printk.txt"), (boot, None, None));
    assert_eq!(first("printk-caller.txt"), (boot, task, None));
    assert_eq!(first("printk-level.txt"), (boot, None, Some(1)));
    assert_eq!(first("dmesg-x.txt"), (boot, None, Some(1)));
    assert_eq!(first("dmesg-json.txt"), (boot, None, Some(1)));
    assert_eq!(first("dmesg-H.txt"), (Some(Stamp::Delta(13)), None, None));
    assert_eq!(first("journal-json.txt"), (boot, None, Some(1)));
    assert_eq!(first("journal-short-monotonic.txt"), (boot, None, None));
    assert_eq!(first("netconsole-extended.txt"), (boot, task, Some(1)));
    assert_eq!(first("pstore-panic.txt"), (boot, task, Some(1)));
    assert_eq!(first("rfc3164.txt"), (boot, None, None));
    assert_eq!(first("rfc5424.txt"), (boot, None, Some(1)));
    assert_eq!(first("serial.txt"), (boot, task, None));
    assert_eq!(first("mail-quote-twice.txt"), (boot, None, None));
    // 2026-11-21 03:42:50 UTC.
    let wall = 1_795_232_570_000_000;
    assert_eq!(first("dmesg-T.txt").0, Some(Stamp::Wall(wall)));
    assert_eq!(first("journal-short-iso.txt").0, Some(Stamp::Wall(wall)));
    assert_eq!(first("journal-short-full.txt").0, Some(Stamp::Wall(wall)));
    assert_eq!(first("journal-short-unix.txt").0, Some(Stamp::Wall(wall + 1)));
    assert_eq!(first("bare.txt"), (None, None, None));
}
