//! Any bytes give lines: numbered in order, with offsets inside the input, of printable text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parse_console::mail::{MailDecoder, text};
use parse_console::{LONGEST_LINE, frame, lines};

fuzz_target!(|input: &[u8]| {
    let newlines = input.iter().filter(|byte| **byte == b'\n').count() as u64;
    let (mut number, mut offset) = (0, 0);
    for line in lines(input) {
        assert!(line.number >= number, "numbers run backwards");
        assert!(line.offset >= offset, "offsets run backwards");
        (number, offset) = (line.number, line.offset);
        assert!((1..=newlines + 1).contains(&number), "no such line");
        assert!(offset <= input.len() as u64, "no such byte");
        assert!(line.level.is_none_or(|level| level <= 7), "no such level");
        // A replacement character of three bytes may stand for one broken byte.
        assert!(line.text.len() <= 3 * LONGEST_LINE, "a line without end");
        assert!(
            line.text.chars().all(|c| c == '\t' || !c.is_control()),
            "a control character in {:?}",
            line.text
        );
        if let Some(frame) = frame::parse(&line.text) {
            assert!(!frame.function.is_empty(), "a frame of nothing: {:?}", line.text);
        }
        frame::instruction_pointer(&line.text);
    }
    // A raw mail in pieces gives what the whole gives, and no line goes missing.
    let whole = text(input);
    let size = input.first().map_or(1, |byte| usize::from(*byte) + 1);
    let mut decoder = MailDecoder::new();
    let mut pieces = Vec::new();
    for piece in input.chunks(size) {
        decoder.push(piece, |text| pieces.extend_from_slice(text));
    }
    decoder.finish(|text| pieces.extend_from_slice(text));
    assert!(pieces == *whole, "pieces differ");
    let decoded = whole.iter().filter(|byte| **byte == b'\n').count() as u64;
    assert!(decoded + 1 >= newlines, "lines are lost");
});
