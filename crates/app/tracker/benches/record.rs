//! A record of many crashes: how fast they come in, and how fast pages' questions are answered.
//!
//! `cargo bench -p app-tracker --bench record -- [CRASHES] [BUGS] [FOLDER]`; 1,000,000 crashes of 100,000 bugs if not
//! said otherwise. With a folder the record stays there.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use app_tracker::{Policy, Tracker};
use io_database::record::SqliteRecord;
use model::tracker::{Filter, Identity, NewCrash, Order, State};

/// Crashes that are written together.
const AT_ONCE: usize = 200;
/// When the last crash comes in.
const NOW: i64 = 1_790_000_000;
/// Questions of each kind.
const ASKED: u64 = 400;

const KINDS: [&str; 6] = [
    "KASAN: slab-use-after-free Read in",
    "WARNING in",
    "INFO: task hung in",
    "general protection fault in",
    "possible deadlock in",
    "BUG: soft lockup in",
];
const AREAS: [&str; 12] = [
    "ext4", "tcp", "io_uring", "nl80211", "usb", "btrfs", "mm", "kvm", "rtnl", "bpf", "nvme", "vfs",
];

/// A small generator of numbers, the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// Some bugs come often, most seldom.
fn crash(numbers: &mut Numbers, at: u64, crashes: u64, bugs: u64) -> NewCrash {
    let often = numbers.next(4) == 0;
    // Every bug comes at least once.
    let bug = if at < bugs {
        at
    } else if often {
        numbers.next(100)
    } else {
        numbers.next(bugs)
    };
    let area = AREAS[(bug % 12) as usize];
    let frame = format!("{area}_function_{bug}");
    let report = format!(
        "{frame}+0x1/0x20\n {area}_caller_{}+0x7/0x90\n do_syscall_64+0x3b/0x90\n entry_SYSCALL_64_after_hwframe+0x63/0xcd\n",
        bug % 997
    );
    NewCrash {
        key: Some(format!("made:{at}")),
        time: NOW - 180 * 86_400 + (at as i64 * (180 * 86_400)) / crashes as i64,
        identity: Identity {
            title: format!("{} {frame}", KINDS[(bug % 6) as usize]),
            alternatives: vec![format!("bad-access in {frame}")],
            frame: Some(frame),
            ..Identity::default()
        },
        kind: Some("KASAN".into()),
        kernel: Some(format!("6.{}.0", 12 + at * 5 / crashes)),
        machine: format!("ci-{}", numbers.next(40)),
        source: "made".into(),
        log: format!("[ {at}.000000] made by the generator\n{report}").into_bytes().into(),
        report: report.into_bytes(),
        ..NewCrash::default()
    }
}

/// The time below which 99 of 100 are, and the longest.
fn percentile(mut times: Vec<Duration>) -> (Duration, Duration, Duration) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    (at(50), at(99), times[times.len() - 1])
}

#[expect(clippy::print_stdout, reason = "what a measurement is for")]
fn measure(what: &str, mut run: impl FnMut(u64)) {
    let times = (0..ASKED)
        .map(|at| {
            let start = Instant::now();
            run(at);
            start.elapsed()
        })
        .collect();
    let (half, most, longest) = percentile(times);
    println!("{what:<44} p50 {half:>9.2?}  p99 {most:>9.2?}  longest {longest:>9.2?}");
}

/// Seconds of a processor that this program has used.
fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks =
        |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    // A hundred a second, on all systems of today.
    (ticks(11) + ticks(12)) / 100.0
}

/// The most memory that this program has had, in MiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[expect(clippy::print_stdout, reason = "what a measurement is for")]
fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let number =
        |at: usize, usual: u64| words.get(at).and_then(|word| word.parse().ok()).unwrap_or(usual);
    let (crashes, bugs) = (number(0, 1_000_000), number(1, 100_000));
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = words.get(2).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let record = SqliteRecord::open(&folder).expect("a record");
    let tracker = Tracker::new(Box::new(record), Policy::default()).expect("a tracker");
    let mut numbers = Numbers(7);
    let start = Instant::now();
    let mut made: Vec<NewCrash> = Vec::with_capacity(AT_ONCE);
    for at in 0..crashes {
        made.push(crash(&mut numbers, at, crashes, bugs));
        if made.len() == AT_ONCE || at + 1 == crashes {
            tracker.ingest(&made, "made", NOW).expect("room for crashes");
            made.clear();
        }
    }
    let taken = start.elapsed();
    let size = std::fs::metadata(folder.join("record.sqlite")).map_or(0, |file| file.len()) >> 20;
    println!(
        "{crashes} crashes of {bugs} bugs, {AT_ONCE} a change, in {taken:.1?} ({:.1} s of a processor): {:.0} a second, record {size} MiB, memory {} MiB",
        processor(),
        crashes as f64 / taken.as_secs_f64(),
        memory()
    );
    questions(&tracker, bugs);
    println!("memory {} MiB", memory());
}

fn questions(tracker: &Tracker, bugs: u64) {
    let read = tracker.read();
    let asked = |filter: Filter| {
        let page = read.bugs(&filter).expect("an answer");
        assert!(page.bugs.len() <= 100);
        page.total
    };
    measure("list of open bugs", |at| {
        asked(Filter { offset: at * 100 % bugs, limit: 100, ..Filter::default() });
    });
    measure("list by crashes", |_| {
        asked(Filter { order: Order::Crashes, limit: 100, ..Filter::default() });
    });
    measure("list of a machine and a kernel", |at| {
        asked(Filter {
            machine: Some(format!("ci-{}", at % 40)),
            kernel: Some("6.14.0".into()),
            limit: 100,
            ..Filter::default()
        });
    });
    measure("list of new bugs, public ones", |_| {
        asked(Filter {
            states: vec![State::New],
            public_only: true,
            limit: 100,
            ..Filter::default()
        });
    });
    measure("search for one function", |at| {
        let text = format!(
            "{}_function_{}",
            AREAS[(at % 12) as usize],
            at % 12 + 12 * (at * 37 % (bugs / 12))
        );
        assert!(asked(Filter { text, all: true, limit: 100, ..Filter::default() }) >= 1);
    });
    measure("search for a caller", |at| {
        asked(Filter {
            text: format!("ext4_caller_{}", at % 997),
            all: true,
            limit: 100,
            ..Filter::default()
        });
    });
    measure("search for a word of many bugs (KASAN)", |_| {
        asked(Filter { text: "KASAN".into(), all: true, limit: 100, ..Filter::default() });
    });
    measure("search for a common beginning (ext4)", |_| {
        asked(Filter { text: "ext4".into(), all: true, limit: 100, ..Filter::default() });
    });
    let mut numbers = Numbers(3);
    measure("all of one bug", |at| {
        let id = 1 + if at % 2 == 0 { at % 100 } else { numbers.next(bugs) } as i64;
        let bug = read.bug(id).expect("an answer").expect("a bug");
        read.history(id).expect("an answer");
        read.crashes(id, 50).expect("an answer");
        read.best_crash(id).expect("an answer");
        read.days(id).expect("an answer");
        read.machines(id, 20).expect("an answer");
        tracker.similar(&bug, 3).expect("an answer");
    });
    measure("numbers of the first page", |_| {
        read.counts(true).expect("an answer");
        read.days_of_all(NOW / 86_400 - 90, true).expect("an answer");
        read.recent(20, true).expect("an answer");
    });
}
