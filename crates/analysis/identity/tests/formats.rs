//! The same crash has the same name and the same text in every console format, and reports that
//! several printers wrote at once come apart.

use std::path::Path;

use analysis_identity::{CrashReport, read_log};

const TITLE: &str = "BUG: unable to handle kernel NULL pointer dereference in marl_first";

/// The samples belong to the reader of consoles, whose tests look at single lines.
fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../parse/console/samples/formats");
    let mut samples: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(&path).unwrap())
        })
        .collect();
    samples.sort();
    assert!(samples.len() >= 35, "the samples are gone");
    samples
}

/// The number of the line that holds `part`.
fn line_of(input: &[u8], part: &str) -> u64 {
    let raw = input.split(|byte| *byte == b'\n');
    let at = raw.map(String::from_utf8_lossy).position(|line| line.contains(part));
    at.unwrap_or_else(|| panic!("{part:?} is nowhere")) as u64 + 1
}

/// The text of a report from its first line to the end of its stack.
fn essence(report: &CrashReport) -> String {
    let start = report.text.find("BUG: kernel NULL").unwrap_or(0);
    let end = report.text.find("</TASK>").unwrap_or(report.text.len());
    report.text[start..end].replace("** 3 printk messages dropped ** ", "")
}

#[test]
fn every_format_gives_the_same_report() {
    let plain = essence(
        &read_log(
            &std::fs::read(
                Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("../../parse/console/samples/formats/printk.txt"),
            )
            .unwrap(),
        )
        .reports[0],
    );
    let mut wrong = Vec::new();
    for (name, input) in samples() {
        let reports = read_log(&input).reports;
        let titles: Vec<&str> = reports.iter().map(|report| report.title.as_str()).collect();
        if titles != [TITLE] {
            wrong.push(format!("{name}: {titles:?}"));
            continue;
        }
        let report = &reports[0];
        if report.corrupted.is_some() {
            wrong.push(format!("{name}: {:?}", report.corrupted));
        }
        if report.header_line != line_of(&input, "BUG: kernel NULL pointer") {
            wrong.push(format!("{name}: announced at L{}", report.header_line));
        }
        let last = line_of(&input, "/TASK");
        if !(report.lines.first..=report.lines.last).contains(&last) {
            wrong.push(format!("{name}: {} misses L{last}", report.lines));
        }
        let text: Vec<String> = essence(report)
            .lines()
            .filter(|line| !line.is_empty() && !line.ends_with("printk messages dropped **"))
            .map(str::to_owned)
            .collect();
        if text != plain.lines().collect::<Vec<_>>() {
            wrong.push(format!("{name}: {text:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Two messages of two printers, line by line in turn.
fn interleaved(first: &[&str], second: &[&str]) -> String {
    let longest = first.len().max(second.len());
    let mut log = String::new();
    for at in 0..longest {
        for (caller, lines) in [(" T4021", first), ("    C1", second)] {
            if let Some(line) = lines.get(at) {
                log.push_str(&format!("[   90.{:06}][{caller}] {line}\n", 500_000 + at * 13));
            }
        }
    }
    log
}

#[test]
fn two_printers_at_once_give_two_clean_reports() {
    let oops = [
        "BUG: kernel NULL pointer dereference, address: 0000000000000018",
        "CPU: 0 UID: 0 PID: 4021 Comm: marld Not tainted 6.12.9 #3",
        "RIP: 0010:marl_first+0x13/0x40",
        "Call Trace:",
        " <TASK>",
        " marl_walk+0x31/0x90",
        " marl_ioctl+0x2a1/0x740",
        " __x64_sys_ioctl+0x134/0x1a0",
        " </TASK>",
    ];
    let warning = [
        "------------[ cut here ]------------",
        "WARNING: CPU: 1 PID: 0 at drivers/misc/marl/irq.c:41 marl_isr+0x3c/0x1b0",
        "Modules linked in:",
        "CPU: 1 UID: 0 PID: 0 Comm: swapper/1 Not tainted 6.12.9 #3",
        "RIP: 0010:marl_isr+0x3c/0x1b0",
        "Call Trace:",
        " <IRQ>",
        " __handle_irq_event_percpu+0x229/0x7d0",
        " handle_irq_event+0xab/0x1e0",
        " </IRQ>",
        "---[ end trace 0000000000000000 ]---",
    ];
    let log = interleaved(&oops, &warning);
    let reports = read_log(log.as_bytes()).reports;
    let titles: Vec<&str> = reports.iter().map(|report| report.title.as_str()).collect();
    assert_eq!(titles, [TITLE, "WARNING in marl_isr"]);
    assert_eq!(reports[0].header_line, line_of(log.as_bytes(), "BUG: kernel"));
    assert_eq!(reports[1].header_line, line_of(log.as_bytes(), "WARNING: CPU"));
    assert_eq!(reports[0].text.lines().collect::<Vec<_>>(), oops);
    assert_eq!(reports[1].text.lines().collect::<Vec<_>>(), warning);
    assert!(reports.iter().all(|report| report.corrupted.is_none()));
    assert!(reports[0].dropped.foreign + reports[1].dropped.foreign > 0);
}

#[test]
fn prose_that_names_a_crash_is_no_report() {
    for prose in [
        "After that I get a KASAN report, BUG: KASAN: use-after-free in marl_free, always.\n",
        "The fix is for `general protection fault in marl_free` of last week.\n",
        "> > Is it the same as INFO: task hung in marl_drain?\n",
        "Subject: [PATCH] marl: fix WARNING in marl_check\n",
        "  - kernel BUG at the second unbind\n",
    ] {
        let reports = read_log(prose.as_bytes()).reports;
        assert!(reports.is_empty(), "{prose:?}: {:?}", reports[0].title);
    }
}

#[test]
fn a_log_in_pieces_gives_what_the_whole_log_gives() {
    for (name, input) in samples() {
        let whole = read_log(&input);
        for size in [1, 7, 64] {
            let mut reader = analysis_identity::LogReader::new();
            input.chunks(size).for_each(|piece| reader.push(piece));
            assert_eq!(reader.finish(), whole, "{name} in pieces of {size}");
        }
    }
}

#[test]
fn a_crash_after_long_quiet_is_the_same_however_the_log_is_cut() {
    const PIECE: usize = 64 << 10;
    let crash = std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../parse/console/samples/formats/printk.txt"),
    )
    .unwrap();
    let quiet = "[    3.000000] marl 0000:00:04.0: link is up\n".repeat(4 * PIECE / 45);
    // The headline is cut at other places each time.
    for shift in (0..crash.len().min(400)).step_by(11) {
        let mut log = quiet.clone().into_bytes();
        log.truncate(3 * PIECE - shift);
        log.push(b'\n');
        for _ in 0..2 {
            log.extend_from_slice(&crash);
            log.extend_from_slice(quiet.as_bytes());
        }
        let whole = read_log(&log);
        assert!(whole.reports.len() >= 2, "shift {shift}");
        let mut reader = analysis_identity::LogReader::new();
        log.chunks(PIECE).for_each(|piece| reader.push(piece));
        assert_eq!(reader.finish(), whole, "shift {shift}");
    }
}
