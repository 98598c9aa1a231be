//! `ktriage fuzz check` from the outside: what it prints of descriptions, and what it exits with.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

const CONSTANTS: &str = "arches = amd64, arm64\n__NR_kite_open = 1\n__NR_kite_fly = 2, arm64:???\n__NR_kite_land = 3\nKITE_RED = 1\nKITE_BLUE = 2\n";
const GOOD: &str = "resource kite[int32]\nresource line[int32]\ncolours = KITE_RED, KITE_BLUE\n_ = KITE_RED\n\
    kite_open(colour flags[colours]) kite\nkite_fly(k kite)\nkite_fly$off(k kite) (disabled)\nkite_land(k kite, l line)\n";

fn check(files: &[(&str, &str)], options: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("written");
    }
    Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(["fuzz", "check", "--descriptions", "."])
        .args(options)
        .current_dir(folder.path())
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn declarations_and_calls_of_each_architecture_are_counted() {
    let files = [("kite.txt", GOOD), ("kite.txt.const", CONSTANTS)];
    let output = check(&files, &["--arch", "amd64", "--arch", "arm64"]);
    assert!(output.status.success(), "{output:?}");
    let expected = "\
Declared  4 calls of 3 names
          0 structs, 0 unions, 0 templates, 0 aliases
          2 resources, 1 flags, 0 string flags, 1 lists that only ask for constants
amd64     4 calls, 3 kernel numbers: 2 enabled, 1 not enabled, 1 switched off by their attribute
          kite_land: no enabled call makes line
arm64     2 calls, 2 kernel numbers: 1 enabled, 1 not enabled, 0 switched off by their attribute
          kite_land: no enabled call makes line
";
    assert_eq!(text(&output.stdout), expected);
    let output = check(&files, &["--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["declared"]["calls"], 4);
    assert_eq!(document["architectures"][0]["not_enabled"][0]["missing"][0], "line");
}

#[test]
fn a_mistake_is_shown_at_its_place_with_what_to_do() {
    let wrong = "kite_open(colour const[KITE_GREEN])\n";
    let files = [("kite.txt", wrong), ("kite.txt.const", CONSTANTS)];
    let output = check(&files, &[]);
    assert_eq!(output.status.code(), Some(2));
    let expected = "\
./kite.txt:1:24: `KITE_GREEN` is no type, no flags and no constant of any architecture
    kite_open(colour const[KITE_GREEN])
                           ^ declare it, or add its value to a .const file
";
    assert_eq!(text(&output.stdout), expected);
    assert!(text(&output.stderr).contains("1 mistake in the descriptions"));
    let output = check(&files, &["--json"]);
    assert_eq!(output.status.code(), Some(2));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mistake = &document["mistakes"][0];
    assert_eq!((&mistake["line"], &mistake["column"]), (&1.into(), &24.into()));
    assert!(document["declared"].is_null());
}

#[test]
fn mistakes_of_several_files_are_told_at_once_and_none_that_follows_from_them() {
    let files = [
        ("a.txt", "resource kite[int32\n"),
        ("b.txt", "kite_open() kite\nkite_open() kite\n"),
        ("b.txt.const", "arches = amd64\nK = one\n"),
    ];
    let output = check(&files, &[]);
    assert_eq!(output.status.code(), Some(2));
    let places: Vec<&str> =
        text(&output.stdout).lines().filter(|line| line.starts_with("./")).collect();
    assert_eq!(places.len(), 3, "{places:?}");
    assert!(places[0].starts_with("./a.txt:1:20: expected `]`"), "{places:?}");
    assert!(places[1].starts_with("./b.txt:2:1: `kite_open` is declared twice"), "{places:?}");
    assert!(places[2].starts_with("./b.txt.const:2:1: a value that is no number"), "{places:?}");
}

#[test]
fn wrong_use_says_what_to_do() {
    for (files, options, error, hint) in [
        (&[][..], &[][..], "has no .txt file", "sys/linux"),
        (
            &[("kite.txt", "syz_kite()\n")],
            &[],
            "no constants for architecture amd64",
            "no .const file",
        ),
        (
            &[("kite.txt", GOOD), ("kite.txt.const", CONSTANTS)],
            &["--arch", "vax"],
            "no constants for architecture vax",
            "amd64, arm64",
        ),
        (&[("kite.txt", GOOD), ("kite.const", "K = 1\n")], &["--json"], "mistake", "first one"),
    ] {
        let output = check(files, options);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let told = text(&output.stderr);
        assert!(told.contains(error) && told.contains(hint), "{told}");
    }
}

#[test]
fn nothing_of_a_file_reaches_the_terminal_unescaped() {
    let output = check(&[("kite.txt", "kite_open(a \u{1b}[31mconst[1])\n")], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
}

#[test]
fn own_descriptions_are_used_where_no_folder_is_given() {
    let output = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(["fuzz", "check"])
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).contains("0 not enabled"), "{output:?}");
}

#[test]
fn mistakes_of_types_are_shown_at_their_place() {
    for (description, place, message) in [
        ("kite_open(a int32[5:1])\n", "1:19", "does not fit or is empty"),
        ("kite_open(a ptr[in, int32, 3])\n", "1:13", "a pointer without direction or type"),
        ("kite_open(a ptr[up, int32])\n", "1:17", "`up` is no type"),
        ("s {\n\ta\tint8:9\n}\nkite_open(a ptr[in, s])\n", "2:9", "bitfield of width"),
        (
            "s {\n\ta\tarray[int8]\n\tb\tint8\n}\nkite_open(a ptr[in, s])\n",
            "1:1",
            "has no fixed size",
        ),
        (
            "s {\n\ta\tint64\n} [size[4]]\nkite_open(a ptr[in, s])\n",
            "1:1",
            "more than its size attribute",
        ),
        ("s {\n\ta\tint64\n} [thin]\nkite_open(a ptr[in, s])\n", "3:4", "no attribute of a struct"),
        ("s {\n\ta\tptr[in, s]\n}\nkite_open(a ptr[in, s])\n", "1:1", "holds itself without end"),
        ("s {\n\ta\tlen[b, int32]\n}\nkite_open(a ptr[in, s])\n", "2:8", "leads to no field"),
        ("s {\n\ta\tint32\n}\nkite_open(a s)\n", "4:13", "cannot be an argument"),
        ("kite_open(a const[1, int32])\n", "1:22", "an argument with a base type"),
        ("kite_open(a ptr[in, array[int8, 0]])\n", "1:33", "elements"),
        ("kite_open(a ptr[in, const[300, int8]])\n", "1:27", "does not fit into 8 bits"),
        ("kite_open() int32\n", "1:13", "is no resource"),
        ("kite_open() (sometimes)\n", "1:14", "no attribute of a call"),
        ("u [\n\ta\tarray[int8]\n\tb\tint8\n]\nkite_open(a ptr[in, u])\n", "1:1", "option `a`"),
    ] {
        let output = check(&[("kite.txt", description), ("kite.txt.const", CONSTANTS)], &[]);
        assert_eq!(output.status.code(), Some(2), "{description}");
        let told = text(&output.stdout);
        let first = told.lines().next().unwrap_or_default();
        assert!(
            first.starts_with(&format!("./kite.txt:{place}:")) && first.contains(message),
            "{description}{told}"
        );
    }
}

const PROGRAM: &str = "# two kites\nr5 = kite_open(0x1)\n\nkite_fly(r5) # far\n";

fn fmt(program: &str, options: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("k.txt", GOOD), ("k.txt.const", CONSTANTS), ("p.syz", program)] {
        fs::write(folder.path().join(name), text).expect("written");
    }
    Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(["fuzz", "fmt", "--descriptions", ".", "p.syz"])
        .args(options)
        .current_dir(folder.path())
        .output()
        .expect("the binary runs")
}

#[test]
fn a_program_gets_its_one_form_and_keeps_its_comments() {
    let output = fmt(PROGRAM, &[]);
    let expected = "# two kites\nr0 = kite_open(0x1)\n\nkite_fly(r0) # far\n";
    assert_eq!(text(&output.stdout), expected, "{output:?}");
    assert_eq!(fmt(expected, &["--check"]).status.code(), Some(0));
    let output = fmt(PROGRAM, &["--check"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), "p.syz\n"));
}

#[test]
fn a_mistake_in_a_program_is_shown_at_its_place_and_forgiven_when_lenient() {
    let wrong = "kite_fly(r5)\n";
    let output = fmt(wrong, &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("p.syz:1:10: variable `r5` is not set before"), "{told}");
    assert!(told.contains("--lenient"), "{told}");
    let output = fmt(wrong, &["--lenient"]);
    assert_eq!(text(&output.stdout), "kite_fly(0x0)\n", "{output:?}");
    assert_eq!(fmt("kite_sink()\n", &["--lenient"]).status.code(), Some(2));
}

fn ktriage(arguments: &[&str], folder: &std::path::Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ktriage"));
    command.args(arguments).current_dir(folder).output().expect("the binary runs")
}

const PIPE: &str = "#{\"threaded\":true,\"repeat\":true,\"repeat_times\":2,\"procs\":1,\"tun\":true}\n\
    pipe2(&(0x7f0000000040)={<r0=>0xffffffffffffffff, <r1=>0xffffffffffffffff}, 0x0)\n\
    write(r1, &(0x7f0000000080)='kite', 0x4)\nsplice(r0, 0x0, 0x1, 0x0, 0x4, 0x2)\n";

#[test]
fn a_program_becomes_c_that_compiles_and_does_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("p.syz"), PIPE).expect("written");
    let output = ktriage(&["fuzz", "c", "p.syz"], folder.path());
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stderr).contains("not honoured: tun"), "{output:?}");
    fs::write(folder.path().join("p.c"), &output.stdout).expect("written");
    let compiler = Command::new("gcc")
        .args(["-static", "-pthread", "-o", "p", "p.c"])
        .current_dir(folder.path())
        .output();
    let Ok(compiled) = compiler else { return };
    assert!(compiled.status.success(), "{compiled:?}");
    let run = Command::new("timeout").args(["30", "./p"]).current_dir(folder.path()).output();
    assert_eq!(run.expect("it runs").stdout, b"kitekite");
}

#[test]
fn steps_of_a_program_are_shown_and_calls_that_nobody_can_make_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("p.syz"), PIPE).expect("written");
    let output = ktriage(&["fuzz", "show", "p.syz"], folder.path());
    let told = text(&output.stdout);
    assert!(output.status.success() && told.starts_with("p.syz: 3 calls, "), "{output:?}");
    assert!(told.contains("0x000080 4 bytes 6b697465"), "{told}");
    assert!(told.contains("result 1 = 4 bytes at 0x000044"), "{told}");
    let own = [("k.txt", "syz_kite()\nsyz_usb_connect()\n"), ("k.txt.const", CONSTANTS)];
    for (name, text) in own {
        fs::write(folder.path().join(name), text).expect("written");
    }
    fs::write(folder.path().join("q.syz"), "syz_kite()\n").expect("written");
    fs::write(folder.path().join("r.syz"), "syz_usb_connect()\n").expect("written");
    let output = ktriage(&["fuzz", "show", "--descriptions", ".", "q.syz", "r.syz"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    assert!(told.contains("q.syz: the executor has no call syz_kite"), "{told}");
    assert!(told.contains("the executor cannot make syz_usb_connect"), "{told}");
}

#[test]
fn a_wrong_program_is_refused_by_the_lab_before_any_kernel_is_looked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("p.syz"), "pipe2(\n").expect("written");
    for command in [
        &["lab", "run", "p.syz", "--kernel", "none/such", "--state", "s"][..],
        &[
            "bisect",
            "start",
            "--repro",
            "p.syz",
            "--state",
            "s",
            "--repository",
            ".",
            "--bad",
            "HEAD",
        ][..],
    ] {
        let output = ktriage(command, folder.path());
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("p.syz:1:7: expected a value"), "{command:?} {told}");
    }
}

#[test]
fn what_cannot_be_fuzzed_is_told_before_anything_boots() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("empty.log"), "nothing ran here\n").expect("written");
    let run = ["fuzz", "run", "--kernel", "none/such", "--dir", "d", "--state", "s"];
    let repro = ["fuzz", "repro", "--from-log", "empty.log", "--kernel", "none/such", "--dir", "d"];
    for (command, error) in
        [(&run[..], "no kernel image none/such"), (&repro[..], "has no program")]
    {
        let output = ktriage(command, folder.path());
        assert!(output.status.code().is_some_and(|code| code >= 2), "{output:?}");
        assert!(text(&output.stderr).contains(error), "{output:?}");
    }
}
