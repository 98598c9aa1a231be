//! Any bytes as an input of `ktriage thread`: no panic, nothing lost, all lines in their places.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let messages = read_mail::messages(bytes);
    for message in &messages {
        for diff in read_mail::diffs(&message.body) {
            assert!(diff.first <= diff.last && diff.last < message.body.len());
            let _ = message.body.bytes(diff.first, diff.last);
        }
    }
    let threads = reason_thread::understand(&messages);
    let shown: usize =
        threads.iter().flat_map(|t| &t.entries).map(|e| 1 + e.copies).sum();
    assert_eq!(shown, messages.len(), "a message is lost or counted twice");
});
