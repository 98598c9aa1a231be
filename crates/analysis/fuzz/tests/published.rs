//! The published descriptions that stand beside the project; where they are absent, the test says so and passes.

use std::path::Path;

use analysis_fuzz::{Constants, Counts, Descriptions, architecture, compile};
use parse_syzlang::{parse, parse_constants};

/// Disabled calls that the reference declares by itself and counts on each architecture; no file has them.
const PREDEFINED: usize = 6;

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn published_descriptions_have_no_mistakes_and_the_known_counts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpus/syzlang");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: the published descriptions: {} is absent", folder.display());
        return;
    };
    let mut constants = Constants::default();
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("text");
        if name.ends_with(".const") {
            assert_eq!(constants.add(&name, &parse_constants(&text).expect("reads")), []);
        } else if name.ends_with(".txt") {
            files.push((name, parse(&text).expect("reads")));
        }
    }
    let (all, twice) = Descriptions::new(files);
    assert_eq!(twice, []);
    assert_eq!(all.mistakes(&constants), []);
    let counts = Counts {
        calls: 8_423,
        names: 478,
        structs: 3_826,
        unions: 1_073,
        templates: 361,
        aliases: 289,
        resources: 788,
        flags: 1_454,
        strings: 346,
        requests: 31,
    };
    assert_eq!(all.counts(), counts);
    for name in ["amd64", "arm64", "386", "s390x"] {
        let (target, wrong) = compile(&all, &constants, name);
        let shown: Vec<String> =
            wrong.iter().map(|error| format!("{}:{error}", all.path(error.at))).collect();
        assert!(wrong.is_empty(), "{name}: {} {shown:#?}", wrong.len());
        if name == "amd64" {
            // What no file declares: the union of squashed values.
            assert_eq!(target.calls().len() + PREDEFINED, 8_300);
        }
    }
    for (name, known) in [("amd64", 8_300), ("386", 8_311), ("arm64", 8_059), ("s390x", 8_050)] {
        let found = architecture(&all, &constants, name);
        assert_eq!(found.calls + PREDEFINED, known, "{name}");
        assert_eq!((found.disabled, found.wanting.len()), (6, 0), "{name}");
        if name == "amd64" {
            assert_eq!((found.enabled, found.numbers), (8_288, 363));
        }
    }
}
