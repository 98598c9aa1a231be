//! Any bytes as what a guest leaves in the memory that it shares with the lab: no panic, nothing taken that
//! is longer than what is there, and a program that is one is written again as it was read.

#![no_main]

use std::sync::atomic::{AtomicU64, Ordering};

use guest_programs::{Encoder, Layout, Program, Region, batch, replies, requests};
use libfuzzer_sys::fuzz_target;

const LAYOUT: Layout =
    Layout { lanes: 1, slots: 2, requests: 4 << 20, replies: 1 << 16, known: 6 };

thread_local! {
    static WORDS: Vec<AtomicU64> =
        (0..LAYOUT.length() / 8).map(|_| AtomicU64::new(0)).collect();
}

fuzz_target!(|input: &[u8]| {
    if let Ok(program) = Program::check(input) {
        let mut encoder = Encoder::default();
        for instruction in program.instructions() {
            encoder.push(&instruction).expect("what was read can be written");
        }
        let again = encoder.finish();
        let steps = |bytes| -> Vec<_> { Program::check(bytes).unwrap().instructions().collect() };
        assert_eq!(steps(input), steps(&again));
    }
    if let Ok(read) = requests(input) {
        assert_eq!(requests(&batch(&read)).as_ref(), Ok(&read));
    }
    if let Ok(read) = replies(input) {
        assert!(read.len() <= input.len());
    }
    WORDS.with(|words| {
        for word in &words[..3 * 512] {
            word.store(0, Ordering::Relaxed);
        }
        let region = Region::prepare(words, LAYOUT).unwrap();
        let mut lane = region.host_lane(0).unwrap();
        lane.post(&region, 0, &batch(&[])).unwrap();
        // Each ten bytes are a place among the numbers and a number that the guest writes there.
        for noise in input.chunks_exact(10) {
            let at = usize::from(u16::from_le_bytes([noise[0], noise[1]])) % (3 * 512);
            let value = u64::from_le_bytes(noise[2..].try_into().unwrap());
            words[at].store(value, Ordering::Relaxed);
        }
        for slot in 0..3 {
            let _ = lane.progress(&region, slot);
            if let Ok(bytes) = lane.take(&region, slot) {
                assert!(bytes.len() <= LAYOUT.replies as usize);
                let _ = replies(&bytes);
            }
        }
        if let Ok(region) = Region::open(words)
            && let Ok(lane) = region.guest_lane(0)
            && let Some(slot) = lane.next_slot()
        {
            let _ = lane.batch(slot).map(|bytes| requests(&bytes).is_ok());
        }
    });
});
