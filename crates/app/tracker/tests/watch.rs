//! Consoles that go on while the record cannot be written.

use app_tracker::{Error, Policy, Told, Tracker, Watch};
use io_database::record::SqliteRecord;
use model::tracker::RecordError;

const OOPS: &str = "[   50.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008
[   50.000001] Oops: 0000 [#1] PREEMPT SMP
[   50.000002] CPU: 0 PID: 1 Comm: w Not tainted 6.1.0 #1
[   50.000003] RIP: 0010:shop_reset+0x1/0x9
[   50.000004] Call Trace:
[   50.000005]  ksys_write+0x1/0x9
";

fn tracker(folder: &tempfile::TempDir, is_full: bool) -> Tracker {
    let record = SqliteRecord::open(folder.path()).unwrap();
    if is_full {
        // No more than it has.
        record.limit_pages(1).unwrap();
    }
    Tracker::new(Box::new(record), Policy::default()).unwrap()
}

#[test]
fn a_crash_that_a_full_record_refuses_is_filed_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let (roomy, full) = (tracker(&folder, false), tracker(&folder, true));
    let mut watch = Watch::new("test", 100);
    // More than fits into the free room of a page.
    let noise: String = (0..40_000_u32)
        .map(|n| format!("[   49.000000] noise {}\n", n.wrapping_mul(2_654_435_761)))
        .collect();
    watch.push("rack1", noise.as_bytes(), 0);
    watch.push("rack1", OOPS.as_bytes(), 0);
    watch.push("rack2", b"quiet\n", 0);
    let mut told = Vec::new();
    for time in [0, 50, 200] {
        let failed = watch.look(&full, time, false, &mut told);
        if time > 0 {
            assert!(matches!(failed, Err(Error::Record(RecordError::Full(_)))), "{failed:?}");
        }
    }
    assert!(told.iter().all(|one| matches!(one, Told::Silent { .. })), "{told:?}");
    assert_eq!(told.len(), 2, "who is silent is told all the same");
    watch.look(&roomy, 201, false, &mut told).unwrap();
    let Some(Told::Crash { console, title, .. }) = told.get(2) else { panic!("{told:?}") };
    assert!(console == "rack1" && title.contains("shop_reset"), "{title}");
    assert_eq!(roomy.read().bugs(&model::tracker::Filter::default()).unwrap().total, 1);
}
