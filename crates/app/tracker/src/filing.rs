//! A console log as the crashes that it tells of.
//!
//! A report that repeats an earlier one of the same boot is no further crash, and one that by the diagnosis follows
//! from an earlier one is no bug of its own: its title stands with the first one as a follower.

use std::collections::BTreeSet;
use std::sync::Arc;

use analysis_hang::Diagnosis;
use analysis_identity::{CrashReport, RelationKind, Reports};
use analysis_tracker::{is_placeless, is_vague};
use model::tracker::{Identity, NewCrash};
use parse_console::{Stamp, frame};

/// Bytes of a log that is filed.
pub const LONGEST_LOG: usize = 64 << 20;
/// Bytes on both sides of the mark of a line that names the kernel.
const BESIDE: usize = 1_000;
/// Titles that are remembered as followers of one crash.
const FOLLOWERS: usize = 16;
/// Modules of one report that are remembered.
const MODULES: usize = 8;
/// Characters of a title.
const LONGEST_TITLE: usize = 200;

/// Where a log comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The machine.
    pub machine: String,
    /// The file or client.
    pub source: String,
    /// When it was written, in seconds since 1970; a date in the log itself counts more.
    pub time: i64,
}

/// The crashes of a log. Each holds the whole log.
pub fn file_log(log: &[u8], origin: &Origin) -> Vec<NewCrash> {
    let reports = analysis_identity::read_log(log);
    // One report with a place of its own is named without a diagnosis.
    let several = reports.reports.iter().any(|report| {
        is_placeless(&report.title)
            || is_vague(&report.title) && modules(&report.text).is_empty()
            || !is_repeat(report) && report.relation.is_some()
    });
    let diagnosis = several.then(|| analysis_hang::diagnose(log));
    let content = blake3::hash(log).to_hex();
    let release = release(log);
    let shared: Arc<[u8]> = log.into();
    heads(&reports, diagnosis.as_ref())
        .into_iter()
        .map(|head| {
            let report = &reports.reports[head.report];
            NewCrash {
                key: Some(format!("log:{content}:{}", report.header_line)),
                time: time(report, origin.time),
                identity: Identity {
                    title: bounded(&report.title),
                    alternatives: report.alt_titles.iter().map(|title| bounded(title)).collect(),
                    group: head.group,
                    followers: head.followers.into_iter().collect(),
                    frame: report.frame.as_deref().map(bounded),
                    modules: modules(&report.text),
                },
                kind: report.kind.map(str::to_owned),
                corrupted: report.corrupted.clone(),
                suppressed: report.suppressed.clone(),
                kernel: release.clone(),
                machine: bounded(&origin.machine),
                source: origin.source.chars().take(1024).collect(),
                log: Arc::clone(&shared),
                report: report.text.clone().into_bytes(),
                line: report.lines.first,
                ..NewCrash::default()
            }
        })
        .collect()
}

/// A report that opens a crash.
#[derive(Debug)]
struct Head {
    report: usize,
    group: Option<String>,
    followers: BTreeSet<String>,
}

fn is_repeat(report: &CrashReport) -> bool {
    report.relation.is_some_and(|relation| relation.kind == RelationKind::Repeat)
}

fn heads(reports: &Reports, diagnosis: Option<&Diagnosis>) -> Vec<Head> {
    let group_of = |report: &CrashReport| {
        let diagnosis = diagnosis?;
        let event = diagnosis.seen.events.iter().find(|event| {
            event.lines.contains(report.header_line) && event.boot + 1 == report.boot
        })?;
        diagnosis.groups.iter().position(|group| group.events.contains(&event.id))
    };
    let mut heads: Vec<(Option<usize>, u32, Head)> = Vec::new();
    for (at, report) in reports.reports.iter().enumerate() {
        if is_repeat(report) {
            continue;
        }
        let group = group_of(report);
        let known = heads
            .iter_mut()
            .find(|(known, boot, _)| group.is_some() && *known == group && *boot == report.boot);
        match known {
            Some((_, _, head)) if head.followers.len() < FOLLOWERS => {
                head.followers.insert(bounded(&report.title));
            }
            Some(_) => {}
            None => {
                let key = group.and_then(|at| Some(diagnosis?.groups.get(at)?.key.clone()));
                let head = Head { report: at, group: key, followers: BTreeSet::new() };
                heads.push((group, report.boot, head));
            }
        }
    }
    heads.into_iter().map(|(_, _, head)| head).collect()
}

/// A title of bounded length.
pub(crate) fn bounded(title: &str) -> String {
    let title: String = title.chars().take(LONGEST_TITLE).collect();
    title.trim().replace(['\n', '\r'], " ")
}

/// The loadable modules in the stacks of a report, each once.
pub(crate) fn modules(report: &str) -> Vec<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    for line in report.lines() {
        let frame = frame::parse(line).or_else(|| frame::instruction_pointer(line));
        if let Some(module) = frame.filter(|frame| frame.reliable).and_then(|frame| frame.module)
            && found.len() < MODULES
        {
            found.insert(bounded(module));
        }
    }
    found.into_iter().collect()
}

fn time(report: &CrashReport, otherwise: i64) -> i64 {
    match report.stamp {
        Some(Stamp::Wall(micros)) => micros.div_euclid(1_000_000),
        _ => otherwise,
    }
}

/// The kernel's release, as the boot banner or a report's line on its task gives it.
fn release(log: &[u8]) -> Option<String> {
    let fits = |word: &String| {
        word.len() <= 100 && word.chars().all(|c| c.is_ascii_alphanumeric() || ".-+_~".contains(c))
    };
    let named = |mark: &[u8]| {
        memchr::memmem::find_iter(log, mark).take(20).find_map(|at| {
            let start = memchr::memrchr(b'\n', &log[..at]).map_or(0, |end| end + 1);
            let end = memchr::memchr(b'\n', &log[at..]).map_or(log.len(), |end| at + end);
            let line = &log[start.max(at.saturating_sub(BESIDE))..end.min(at + BESIDE)];
            analysis_hang::release_in(&String::from_utf8_lossy(line)).filter(fits)
        })
    };
    named(b"Linux version ").or_else(|| named(b"Not tainted")).or_else(|| named(b"Tainted: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oops(at: u32, function: &str, pid: u32) -> String {
        format!(
            "[   {at}.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n[   {at}.000001] Oops: 0000 [#1] PREEMPT SMP\n[   {at}.000002] CPU: 0 PID: {pid} Comm: w{pid} Tainted: G        W  O       6.1.0-rc1+ #1\n[   {at}.000003] RIP: 0010:{function}+0x1/0x9\n[   {at}.000004] Call Trace:\n[   {at}.000005]  ksys_write+0x1/0x9\n"
        )
    }

    #[test]
    fn a_log_of_one_crash_is_one_crash_with_its_kernel() {
        let crashes = file_log(oops(50, "shop_reset", 9).as_bytes(), &Origin::default());
        assert_eq!(crashes.len(), 1);
        let crash = &crashes[0];
        assert_eq!(
            crash.identity.title,
            "BUG: unable to handle kernel NULL pointer dereference in shop_reset"
        );
        assert_eq!(crash.kernel.as_deref(), Some("6.1.0-rc1+"));
        assert_eq!(crash.identity.frame.as_deref(), Some("shop_reset"));
    }

    #[test]
    fn what_repeats_in_one_boot_is_one_crash_and_a_log_has_the_same_keys_again() {
        let log = oops(50, "shop_reset", 9) + &oops(60, "shop_reset", 10);
        let crashes = file_log(log.as_bytes(), &Origin::default());
        assert_eq!(crashes.len(), 1, "{crashes:?}");
        let again = file_log(log.as_bytes(), &Origin { time: 5, ..Origin::default() });
        assert_eq!(crashes[0].key, again[0].key);
    }

    #[test]
    fn modules_are_those_of_frames_that_can_be_relied_on() {
        let report = "RIP: 0010:pump_run+0x1/0x9 [pump]\nModules linked in: other(OE)\nCall Trace:\n ? stale+0x1/0x9 [old]\n meter_write+0x1/0x9 [meter]\n vfs_write+0x1/0x9\n";
        assert_eq!(modules(report), ["meter", "pump"]);
    }

    #[test]
    fn the_release_is_read_where_the_kernel_prints_it() {
        let found = |text: &str| release(text.as_bytes());
        assert_eq!(found("Linux version 6.12.1-arch1 (x@y)\n").as_deref(), Some("6.12.1-arch1"));
        assert_eq!(found("Comm: a Not tainted 5.4.0+ #3\n").as_deref(), Some("5.4.0+"));
        assert_eq!(found("Tainted: \n"), None);
        assert_eq!(found("x\n6.4.0-rc1 #39 Not tainted\ny").as_deref(), Some("6.4.0-rc1"));
        assert_eq!(found("Linux version <b>6.1</b> x\nNot tainted "), None);
    }
}
