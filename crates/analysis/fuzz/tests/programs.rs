//! The published programs that stand beside the project; where they are absent, the test says so and passes.

use std::path::Path;

use analysis_fuzz::{
    Constants, Descriptions, Reading, Target, compile, read_program, write_call, write_program,
};
use parse_syzlang::{parse, parse_constants, parse_program};

fn target(architecture: &str) -> Option<Target> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpus/syzlang");
    let mut constants = Constants::default();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).ok()? {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("text");
        if name.ends_with(".const") {
            constants.add(&name, &parse_constants(&text).expect("reads"));
        } else if name.ends_with(".txt") {
            files.push((name, parse(&text).expect("reads")));
        }
    }
    let (all, _) = Descriptions::new(files);
    Some(compile(&all, &constants, architecture).0)
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn published_programs_are_read_strictly_and_written_back() {
    let Some(amd64) = target("amd64") else {
        eprintln!("skipped: the published programs are absent");
        return;
    };
    let arm64 = target("arm64").expect("as amd64");
    let riscv = target("riscv64").expect("as amd64");
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpus/syz-programs");
    let ppc = target("ppc64le").expect("as amd64");
    let (mut wrong, mut other, mut all) = (Vec::new(), Vec::new(), 0);
    for entry in std::fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("text");
        let target = if text.contains("arch=arm64") {
            &arm64
        } else if text.contains("arch=riscv64") {
            &riscv
        } else if text.contains("arch=ppc64le") {
            &ppc
        } else {
            &amd64
        };
        all += 1;
        let program = match parse_program(&text)
            .and_then(|parsed| read_program(target, &parsed, Reading::Strict))
        {
            Ok(program) => program,
            Err(error) => {
                wrong.push(format!("{name}:{error}"));
                continue;
            }
        };
        let written = write_program(target, &program);
        let again = parse_program(&written)
            .and_then(|parsed| read_program(target, &parsed, Reading::Strict))
            .unwrap_or_else(|error| panic!("{name}: {error}\n{written}"));
        assert_eq!(write_program(target, &again), written, "{name}");
        let lines = write_call(target, &program);
        let before = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        for (one, two) in before.zip(&lines) {
            if one.trim_end() != two && !one.contains("AUTO") {
                other.push(format!(
                    "{name}\n- {}\n+ {}",
                    &one[..one.len().min(600)],
                    &two[..two.len().min(600)]
                ));
            }
        }
    }
    eprintln!("{}", other.join("\n"));
    eprintln!("{all} programs, {} lines other", other.len());
    assert!(wrong.is_empty(), "{} of {all}: {wrong:#?}", wrong.len());
}
