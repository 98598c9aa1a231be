//! The descriptions that the project has itself.

use analysis_fuzz::{Constants, Descriptions, OWN, architecture, compile};
use parse_syzlang::{parse, parse_constants};

#[test]
fn own_descriptions_have_no_mistakes_and_every_call_is_enabled() {
    let mut constants = Constants::default();
    let mut files = Vec::new();
    for (name, text) in OWN {
        if name.ends_with(".const") {
            assert_eq!(constants.add(name, &parse_constants(text).expect("reads")), []);
        } else {
            files.push((
                name.to_owned(),
                parse(text).unwrap_or_else(|error| panic!("{name}: {error:?}")),
            ));
        }
    }
    let (all, twice) = Descriptions::new(files);
    assert_eq!(twice, []);
    assert_eq!(all.mistakes(&constants), []);
    let (target, wrong) = compile(&all, &constants, "amd64");
    let shown: Vec<String> =
        wrong.iter().map(|error| format!("{}:{error}", all.path(error.at))).collect();
    assert!(wrong.is_empty(), "{shown:#?}");
    assert!(target.calls().len() >= 150, "{}", target.calls().len());
    let found = architecture(&all, &constants, "amd64");
    assert_eq!(found.wanting, [], "each resource has a call that makes it");
}
