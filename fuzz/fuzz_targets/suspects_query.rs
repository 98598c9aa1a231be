//! What a question about a crash is made of: a log or a mail, a title, the claims of an analysis, the functions of a
//! source file.

#![no_main]

use analysis_tree::digest::of_message;
use analysis_tree::evidence::{of_input, of_title};
use analysis_tree::features::{Asked, Candidate, Rarity};
use analysis_tree::ranking::{groups, probabilities};
use analysis_tree::{cited, term, weights};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let evidence = of_input(data);
    let _ = of_title(&text);
    for (line, _) in cited::claims(&text) {
        assert!(line >= 1);
    }
    let rarity: Rarity = evidence.functions.iter().map(|name| (name.clone(), 3.0)).collect();
    let asked = Asked::new(&evidence, &rarity);
    if let Some(change) = of_message(&parse_mail::message(data, 1)) {
        let _ = (term::terms(&change).len(), groups(std::slice::from_ref(&change)));
        let candidate = Candidate { versions: vec![change], ..Candidate::default() };
        let p = probabilities(&[asked.row(&candidate)], &weights::suspects());
        assert!(p.iter().all(|p| (0.0..=1.0).contains(p)));
    }
    for path in ["a.c", "a.S"] {
        for definition in parse_source::definitions(path, data) {
            assert!(definition.line <= definition.end);
            let _ = parse_source::call(data, &definition, "run");
        }
    }
});
