//! Any text as descriptions and constants: no panic, mistakes lie in the text, enabled calls are calls.
#![no_main]

use analysis_fuzz::{Constants, Descriptions, architecture};
use libfuzzer_sys::fuzz_target;
use parse_syzlang::{Error, parse, parse_constants};

fn inside(error: &Error, text: &str) {
    let lines = text.split('\n').count();
    assert!((1..=lines + 1).contains(&(error.at.line as usize)), "{error:?}");
    assert!(error.at.column >= 1, "{error:?}");
    assert!(!error.show("a", text).is_empty());
}

fuzz_target!(|text: &str| {
    let (described, defined) = text.split_once('\0').unwrap_or((text, "arches = amd64\n"));
    let mut constants = Constants::default();
    match parse_constants(defined) {
        Ok(file) => drop(constants.add("a.txt.const", &file)),
        Err(error) => inside(&error, defined),
    }
    match parse(described) {
        Ok(file) => {
            let (all, _) = Descriptions::new(vec![("a.txt".to_owned(), file)]);
            all.mistakes(&constants);
            let found = architecture(&all, &constants, "amd64");
            assert!(found.calls <= all.counts().calls);
            assert_eq!(found.calls, found.disabled + found.enabled + found.wanting.len());
        }
        Err(errors) => errors.iter().for_each(|error| inside(error, described)),
    }
});
