//! Any bytes as a mail for the record: no panic, nothing changed without proof, handled once.
#![no_main]

use std::cell::RefCell;

use app_tracker::{MailPolicy, Policy, Received, Tracker};
use io_database::record::SqliteRecord;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static TRACKER: RefCell<Option<(tempfile::TempDir, Tracker)>> = const { RefCell::new(None) };
}

fuzz_target!(|bytes: &[u8]| {
    TRACKER.with_borrow_mut(|place| {
        let (_, tracker) = place.get_or_insert_with(|| {
            let folder = tempfile::tempdir().unwrap();
            let record = SqliteRecord::open(folder.path()).unwrap();
            let tracker = Tracker::new(Box::new(record), Policy::default()).unwrap();
            (folder, tracker)
        });
        let policy = MailPolicy {
            from: "bot@e.org".into(),
            prefixes: vec!["#ktriage".into()],
            allow: ["@e.org".to_owned()].into(),
            authserv_id: "mx".into(),
            ..MailPolicy::default()
        };
        let first = tracker.receive(bytes, &[], &policy, 1, &|_| String::new()).unwrap();
        let again = tracker.receive(bytes, &[], &policy, 2, &|_| String::new()).unwrap();
        assert_eq!(again, Received::Again, "{first:?}");
        let text = String::from_utf8_lossy(bytes);
        let lines: Vec<&str> = text.lines().collect();
        for asked in analysis_tracker::command::commands(&lines, &policy.prefixes) {
            assert!(lines[asked.line].starts_with("#ktriage"));
        }
    });
});
