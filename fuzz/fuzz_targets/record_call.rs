//! Any method with any payload as a call of a fuzzing manager: an answer or a refusal, no panic, and each bug's count
//! is that of its crashes.
#![no_main]

use std::cell::RefCell;

use app_tracker::{Call, Host, Policy, Tracker};
use io_database::record::SqliteRecord;
use libfuzzer_sys::fuzz_target;
use model::tracker::Filter;

const METHODS: [&str; 16] = [
    "upload_build", "builder_poll", "report_build_error", "report_crash", "need_repro", "report_failed_repro",
    "log_to_repro", "manager_stats", "upload_commits", "load_bug", "job_poll", "job_done", "job_reset",
    "save_discussion", "log_error", "commit_poll",
];

thread_local! {
    static TRACKER: RefCell<Option<(tempfile::TempDir, Tracker)>> = const { RefCell::new(None) };
}

fuzz_target!(|bytes: &[u8]| {
    let Some((method, payload)) = bytes.split_first() else { return };
    TRACKER.with_borrow_mut(|place| {
        let (_, tracker) = place.get_or_insert_with(|| {
            let folder = tempfile::tempdir().unwrap();
            let record = SqliteRecord::open(folder.path()).unwrap();
            let tracker = Tracker::new(Box::new(record), Policy::default()).unwrap();
            (folder, tracker)
        });
        let method = METHODS[usize::from(*method) % METHODS.len()];
        let call = Call { client: "fuzz", method, payload, now: 1_700_000_000 };
        let _ = tracker.call(call, &Host::default());
        let read = tracker.read();
        for bug in read.bugs(&Filter { all: true, limit: 5, ..Filter::default() }).unwrap().bugs {
            assert_eq!(bug.crashes, read.crashes(bug.id, u64::MAX >> 1).unwrap().len() as u64);
        }
    });
});
