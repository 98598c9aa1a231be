//! Any query as a question for bugs: what is asked is the same after its way through an address, and the settings'
//! reader never panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use render::tracker::question::Question;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let pairs: Vec<(&str, &str)> = text.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let question = Question::read(pairs);
    assert!(question.query().is_ascii());
    let _ = question.filter(0, true);
    let _ = server::Settings::parse(&text);
    let mut out = Vec::new();
    let mut assembler = parse_netconsole::Assembler::default();
    for datagram in bytes.split(|byte| *byte == b'\n') {
        assembler.push(datagram, &mut out);
    }
    assembler.flush(&mut out);
});
