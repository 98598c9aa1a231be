//! Programs as C: they compile by themselves and do what the program says. Skipped where there is no gcc.

use std::path::Path;
use std::process::{Command, Output};

use analysis_fuzz::{Constants, Descriptions, OWN, Reading, Target, compile, read_program};
use app_fuzz::{Options, Sandbox, c_source};
use parse_syzlang::{parse, parse_constants, parse_program};

fn target(more: &[(&str, &str)]) -> Target {
    let mut constants = Constants::default();
    let mut files = Vec::new();
    for (name, text) in OWN.iter().chain(more) {
        if name.ends_with(".const") {
            constants.add(name, &parse_constants(text).expect("reads"));
        } else {
            files.push(((*name).to_owned(), parse(text).expect("reads")));
        }
    }
    let (all, _) = Descriptions::new(files);
    let (target, wrong) = compile(&all, &constants, "amd64");
    assert!(wrong.is_empty(), "{wrong:?}");
    target
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn run(source: &str) -> Option<Output> {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, program) = (folder.path().join("a.c"), folder.path().join("a"));
    std::fs::write(&file, source).expect("written");
    let compiler = Command::new("gcc")
        .args(["-static", "-pthread", "-O1", "-Wall", "-Wno-unused-function", "-Werror", "-o"])
        .args([&program, &file])
        .output();
    let Ok(compiled) = compiler else {
        eprintln!("skipped: there is no gcc");
        return None;
    };
    let words = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{words}\n{source}");
    Some(run_there(&program, folder.path()))
}

fn run_there(program: &Path, folder: &Path) -> Output {
    let output = Command::new("timeout").arg("20").arg(program).current_dir(folder).output();
    output.expect("it runs")
}

fn source(target: &Target, text: &str, options: &Options) -> String {
    let parsed = parse_program(text).expect("reads");
    let program = read_program(target, &parsed, Reading::Strict).expect("reads");
    c_source(target, &program, options).expect("there is C for it")
}

/// What goes into a pipe comes out on standard output: data, results and loads.
const COPY: &str = "pipe2(&(0x7f0000000040)={<r0=>0xffffffffffffffff, <r1=>0xffffffffffffffff}, 0x0)\n\
    write(r1, &(0x7f0000000080)='kites fly\\n', 0xa)\n\
    read(r0, &(0x7f0000000100)=\"\"/16, 0x10)\n\
    write(0x1, &(0x7f0000000080)='kites fly\\n', 0xa)\n\
    splice(r0, 0x0, 0x1, 0x0, 0x4, 0x2)\n";

#[test]
fn a_program_does_as_c_what_it_says() {
    let target = target(&[]);
    for options in [
        Options::default(),
        Options { threaded: true, ..Options::default() },
        Options { repeat: true, repeat_times: 1, tmpdir: true, ..Options::default() },
        Options {
            threaded: true,
            repeat: true,
            repeat_times: 1,
            procs: 1,
            sandbox: Some(Sandbox::None),
            ..Options::default()
        },
    ] {
        let Some(output) = run(&source(&target, COPY, &options)) else { return };
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "kites fly\n",
            "{options:?} {output:?}"
        );
    }
}

#[test]
fn repetition_and_processes_are_honoured() {
    let target = target(&[]);
    let text = "write(0x1, &(0x7f0000000080)='x', 0x1)\n";
    let options = Options { repeat: true, repeat_times: 3, procs: 2, ..Options::default() };
    let Some(output) = run(&source(&target, text, &options)) else { return };
    assert_eq!(output.stdout, b"xxxxxx");
}

#[test]
fn a_call_that_does_not_return_does_not_hold_up_the_others() {
    let target = target(&[]);
    let text = "pipe2(&(0x7f0000000040)={<r0=>0xffffffffffffffff, 0xffffffffffffffff}, 0x0)\n\
        read(r0, &(0x7f0000000100)=\"\"/16, 0x10)\nwrite(0x1, &(0x7f0000000080)='after', 0x5)\n";
    let options = Options { threaded: true, ..Options::default() };
    let Some(output) = run(&source(&target, text, &options)) else { return };
    assert_eq!(output.stdout, b"after");
}

#[test]
fn numbers_of_all_shapes_bits_and_checksums_reach_memory() {
    let types = "shapes {\n\ta\tint16be\n\tb\tint8:4\n\tc\tint8:4\n\td\tfmt[hex, int32]\n\te\tcsum[parent, inet, int16be]\n} [packed]\n\
        write$shapes(fd fd, data ptr[in, shapes], size bytesize[data])\nsyz_create_resource$kite(a fd) fd\n";
    let target = target(&[("shapes.txt", types)]);
    let text = "r0 = syz_create_resource$kite(0x1)\nwrite$shapes(r0, &(0x7f0000000040)={0x4142, 0x3, 0x4, 0xff, 0x0}, AUTO)\n";
    let Some(output) = run(&source(&target, text, &Options::default())) else { return };
    let mut expected = b"AB\x430x00000000000000ff".to_vec();
    let mut padded = expected.clone();
    padded.extend([0, 0]);
    padded.push(0);
    let mut sum: u32 = padded
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)))
        .sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    expected.extend((!u16::try_from(sum).expect("folded")).to_be_bytes());
    assert_eq!(output.stdout, expected, "{:?}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_line_of_options_is_read_as_json_and_as_go_prints_it() {
    let json = "# a comment\n#{\"threaded\":true,\"repeat\":true,\"procs\":4,\"slowdown\":1,\"sandbox\":\"setuid\",\"tun\":true,\"tmpdir\":true}\ngetpid()\n";
    let options = Options::of(json).expect("has options");
    assert!(options.threaded && options.repeat && options.tmpdir && options.close_fds);
    assert_eq!((options.procs, options.sandbox), (4, Some(Sandbox::Setuid)));
    assert_eq!(options.ignored, ["tun"]);
    let go = "# {Threaded:true Collide:true Repeat:false Procs:2 Sandbox:none UseTmpDir:true EnableTun:true}\ngetpid()\n";
    let options = Options::of(go).expect("has options");
    assert!(options.threaded && !options.repeat && options.tmpdir);
    assert_eq!((options.procs, options.sandbox), (2, Some(Sandbox::None)));
    assert_eq!(options.ignored, ["collide", "enable_tun"]);
    assert_eq!(Options::of("# nothing\ngetpid()\n"), None);
}
