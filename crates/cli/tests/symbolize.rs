//! `ktriage symbolize` from the outside, on a small kernel that the test compiles. What addr2line of binutils says of
//! each address is the reference.

use std::path::Path;

use serde_json::Value;

#[path = "support/schema.rs"]
mod schema;
#[path = "support/vmlinux.rs"]
mod vmlinux;

use vmlinux::{BANNER, Function, Project, TEXT, addr2line, behind_call, crash};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(project: &Project, arguments: &[&str]) -> Value {
    let out = project.ktriage(&[&["symbolize", "--json"], arguments].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A frame at each byte of functions.
fn every_byte(functions: &[Function], module: &str) -> String {
    let mut log = format!("{BANNER}\n");
    for function in functions {
        for offset in 0..function.size {
            log += &format!(" {}+{offset:#x}/{:#x}{module}\n", function.name, function.size);
        }
    }
    log
}

fn chain(frame: &Value) -> Vec<(String, String, u64)> {
    frame["places"]
        .as_array()
        .unwrap()
        .iter()
        .map(|place| {
            let part = |name: &str| place[name].as_str().unwrap_or("??").to_owned();
            (part("function"), part("file"), place["line"].as_u64().unwrap_or(0))
        })
        .collect()
}

#[test]
fn chains_of_every_byte_of_the_kernel_and_of_a_module_are_those_of_addr2line() {
    let Some(project) = Project::new() else { return };
    let kernel = project.functions("vmlinux", &["shelf_open", "shelf_close", "start_kernel"]);
    let module = project.functions("drivers/depot.ko", &["depot_store"]);
    let at = project.path("vmlinux");
    for (functions, of_module, tool) in
        [(&kernel, "", "-e vmlinux"), (&module, " [depot]", "-j .text -e drivers/depot.ko")]
    {
        let log = project.log("every.log", &every_byte(functions, of_module));
        let drivers = project.path("drivers");
        let arguments =
            [name(&log), "--vmlinux", name(&at), "--modules", name(&drivers), "--return-addresses"];
        let answer = json(&project, &arguments);
        let addresses: Vec<u64> =
            functions.iter().flat_map(|f| (0..f.size).map(|offset| f.address + offset)).collect();
        let wanted = addr2line(&project, tool, &addresses);
        let frames = answer["frames"].as_array().unwrap();
        assert_eq!(frames.len(), wanted.len());
        for (frame, wanted) in frames.iter().zip(&wanted) {
            // Padding behind a function belongs to none.
            if wanted[0].0 != "??" && !wanted.is_empty() {
                assert_eq!(&chain(frame), wanted, "{frame}");
            }
        }
    }
}

#[test]
fn a_frame_leads_to_the_call_and_json_tells_the_return_address_too() {
    let Some(project) = Project::new() else { return };
    let log = project.log("crash.log", &crash(&project, None));
    let vmlinux = project.path("vmlinux");
    let answer = json(&project, &[name(&log), "--vmlinux", name(&vmlinux)]);
    let documented = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/symbolize.json");
    let documented: Value = serde_json::from_slice(&std::fs::read(documented).unwrap()).unwrap();
    assert_eq!(schema::problems(&documented, &answer), Vec::<String>::new());
    let frames = answer["frames"].as_array().unwrap();
    let of = |at: usize| chain(&frames[at]);
    assert_eq!(frames[0]["points"], "instruction");
    assert_eq!(of(0)[0].0, "shelf_peek", "{answer}");
    assert_eq!(of(0)[1].1, "fs/shelf.c");
    assert_eq!(frames[1]["points"], "call");
    let called: Vec<String> = of(1).into_iter().map(|place| place.0).collect();
    assert_eq!(called, ["shelf_both", "shelf_open"], "{answer}");
    assert_eq!(of(2).last().unwrap(), &("start_kernel".into(), "init/main.c".into(), 7));
    assert_eq!(answer["boots"][0]["fits_by"], "banner");
    assert_eq!(answer["build_id"], project.build_id("vmlinux"));

    let out = project.ktriage(&["symbolize", name(&log), "--vmlinux", name(&vmlinux)]);
    let printed = text(&out.stdout);
    assert!(printed.contains("[    5.000003] RIP: 0010:shelf_peek include/shelf.h:"), "{printed}");
    assert!(printed.contains("[    5.000006]  shelf_both fs/shelf.c:"), "{printed}");
    let plain: Vec<&str> = printed.lines().filter(|line| !line.ends_with("[inline]")).collect();
    let log = crash(&project, None);
    for (line, raw) in plain.iter().zip(log.lines()) {
        assert!(line.starts_with(raw), "{line}");
    }
    assert_eq!(plain.len(), log.lines().count());
}

#[test]
fn another_kernel_is_refused_with_what_was_expected() {
    let Some(project) = Project::new() else { return };
    let vmlinux = project.path("vmlinux");
    let own = project.build_id("vmlinux");
    let right = crash(&project, Some(&own));
    let other_id = crash(&project, Some("00112233445566778899aabbccddeeff00112233"));
    let other_release = crash(&project, None).replace("6.1.0-shelf", "6.2.0-shelf");
    let other_build = crash(&project, None).replace("#1 SMP", "#2 SMP");
    let open = &project.functions("vmlinux", &["shelf_open"])[0];
    let size = format!("/{:#x}\n", open.size);
    let other_size = crash(&project, None).replace(&size, "/0x1234\n").replace(BANNER, "");
    for (log, expected) in [
        (other_id, "00112233445566778899aabbccddeeff00112233"),
        (other_release, "6.2.0-shelf"),
        (other_build, "#2 SMP"),
        (other_size, "0x1234"),
    ] {
        let path = project.log("other.log", &log);
        let out = project.ktriage(&["symbolize", name(&path), "--vmlinux", name(&vmlinux)]);
        let said = text(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(said.contains(expected) && said.contains("--force"), "{said}");
        assert!(!text(&out.stdout).contains("fs/shelf.c"));
        let out =
            project.ktriage(&["symbolize", name(&path), "--vmlinux", name(&vmlinux), "--force"]);
        assert!(text(&out.stdout).contains("fs/shelf.c"), "{}", text(&out.stderr));
    }
    let path = project.log("right.log", &right);
    let answer = json(&project, &[name(&path), "--vmlinux", name(&vmlinux)]);
    assert_eq!(answer["boots"][0]["fits_by"], "build_id");
}

#[test]
fn debug_information_that_was_split_off_compressed_or_packed_is_found() {
    let Some(project) = Project::new() else { return };
    let log = project.log("crash.log", &crash(&project, None));
    let vmlinux = project.path("vmlinux");
    let wanted = json(&project, &[name(&log), "--vmlinux", name(&vmlinux)])["frames"].clone();
    let cold = |file: &str| {
        let cache = project.path(&format!("cache-{}", file.replace('/', "-")));
        let path = project.path(file);
        json(&project, &[name(&log), "--vmlinux", name(&path), "--cache", name(&cache)])
    };
    project.run("objcopy", "--compress-debug-sections=zlib vmlinux zlib");
    assert_eq!(cold("zlib")["frames"], wanted);
    project.run("objcopy", "--only-keep-debug vmlinux vmlinux.debug");
    assert_eq!(cold("vmlinux.debug")["frames"], wanted);
    project.run("objcopy", "--strip-debug --add-gnu-debuglink=vmlinux.debug vmlinux stripped");
    let split = cold("stripped");
    assert_eq!(split["frames"], wanted);
    assert!(split["debug_file"].as_str().unwrap().ends_with("vmlinux.debug"), "{split}");
    // A debug file of another build is not taken for its own.
    project.run("objcopy", "--strip-debug --remove-section=.note.gnu.build-id --add-gnu-debuglink=vmlinux.debug vmlinux other");
    std::fs::write(project.path("vmlinux.debug"), std::fs::read(&vmlinux).unwrap()).unwrap();
    assert_eq!(cold("other")["unresolved"][0]["why_not"], "no_debug_information");

    let module = &project.functions("drivers/depot.ko", &["depot_store"])[0];
    let frame = format!("{BANNER}\n depot_store+0x4/{:#x} [depot]\n", module.size);
    let log = project.log("module.log", &frame);
    let drivers = project.path("drivers");
    let arguments = [name(&log), "--vmlinux", name(&vmlinux), "--modules", name(&drivers)];
    let wanted = json(&project, &arguments)["frames"].clone();
    assert_eq!(wanted[0]["places"][1]["function"], "depot_look", "{wanted}");
    let packed = project.path("packed/kernel/drivers");
    std::fs::create_dir_all(&packed).unwrap();
    let bytes = std::fs::read(project.path("drivers/depot.ko")).unwrap();
    std::fs::write(packed.join("depot.ko.zst"), zstd::encode_all(&bytes[..], 1).unwrap()).unwrap();
    let modules = project.path("packed");
    let cache = project.path("cache-packed");
    let arguments = [
        name(&log),
        "--vmlinux",
        name(&vmlinux),
        "--modules",
        name(&modules),
        "--cache",
        name(&cache),
    ];
    assert_eq!(json(&project, &arguments)["frames"], wanted);
    let nothing = json(&project, &[name(&log), "--vmlinux", name(&vmlinux)]);
    assert_eq!(nothing["unresolved"][0]["why_not"], "no_module");
}

#[test]
fn what_was_read_is_kept_and_a_writer_that_was_killed_costs_nothing() {
    let Some(project) = Project::new() else { return };
    let log = project.log("crash.log", &crash(&project, None));
    let vmlinux = project.path("vmlinux");
    let ask = || project.ktriage(&["symbolize", name(&log), "--vmlinux", name(&vmlinux)]).stdout;
    let first = ask();
    let whole = std::fs::read(&vmlinux).unwrap();
    let folder = project.path("cache/ktriage/symbols");
    let index = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let kept = std::fs::read(&index).unwrap();
    // Killed at any byte: the same answer, and whole again.
    for step in 0..24 {
        std::fs::write(&index, &kept[..kept.len() * step / 24]).unwrap();
        assert_eq!(text(&ask()), text(&first), "cut at {step}/24");
        assert_eq!(std::fs::read(&index).unwrap().len(), kept.len(), "cut at {step}/24");
    }
    // The second call does not read the debug information: it may be gone.
    let printed = project.run("readelf", "-SW vmlinux");
    let line = printed.lines().find(|line| line.contains(" .debug_info ")).unwrap();
    let words: Vec<&str> = line.split_once(".debug_info").unwrap().1.split_whitespace().collect();
    let offset = usize::from_str_radix(words[2], 16).unwrap();
    let size = usize::from_str_radix(words[3], 16).unwrap();
    let mut damaged = whole.clone();
    damaged[offset..offset + size].fill(0xff);
    std::fs::write(&vmlinux, &damaged).unwrap();
    assert_eq!(text(&ask()), text(&first));
    // Without an index the damage is told.
    std::fs::remove_file(&index).unwrap();
    let out = project.ktriage(&["symbolize", name(&log), "--vmlinux", name(&vmlinux)]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("is damaged"), "{}", text(&out.stderr));
}

#[test]
fn a_damaged_vmlinux_gives_an_error_or_an_answer_and_never_a_panic() {
    let Some(project) = Project::new() else { return };
    let log = project.log("crash.log", &crash(&project, None));
    let whole = std::fs::read(project.path("vmlinux")).unwrap();
    let damaged = project.path("damaged");
    let cache = project.path("no-cache");
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..60 {
        let mut bytes = whole.clone();
        if round < 20 {
            bytes.truncate(whole.len() * round / 20);
        } else {
            for _ in 0..random.usize(1..200) {
                bytes[random.usize(..whole.len())] = random.u8(..);
            }
        }
        std::fs::write(&damaged, &bytes).unwrap();
        let arguments =
            ["symbolize", name(&log), "--vmlinux", name(&damaged), "--cache", name(&cache)];
        let out = project.ktriage(&arguments);
        let said = text(&out.stderr);
        assert!(matches!(out.status.code(), Some(0 | 2)), "round {round}: {said}");
        assert!(out.status.success() || said.contains("error: "), "round {round}: {said}");
        let _ = std::fs::remove_dir_all(&cache);
    }
    std::fs::write(&damaged, b"").unwrap();
    let out = project.ktriage(&["symbolize", name(&log), "--vmlinux", name(&damaged)]);
    assert!(text(&out.stderr).contains(name(&damaged)), "{}", text(&out.stderr));
    project.run("objcopy", "--strip-all vmlinux bare");
    let bare = project.path("bare");
    let out = project.ktriage(&["symbolize", name(&log), "--vmlinux", name(&bare)]);
    assert!(text(&out.stderr).contains("stripped"), "{}", text(&out.stderr));
}

#[test]
fn a_kernel_that_was_moved_is_moved_back() {
    let Some(project) = Project::new() else { return };
    let vmlinux = project.path("vmlinux");
    let open = &project.functions("vmlinux", &["shelf_open"])[0];
    let (moved, behind) = (0x1a00_0000, behind_call(&project, open));
    let address = open.address + behind + moved;
    let frame = format!("shelf_open+{behind:#x}/{:#x}", open.size);
    let log = format!("{BANNER}\n [<{address:016x}>] {frame}\n ? 0x{address:016x}\n");
    let path = project.log("moved.log", &log);
    let answer = json(&project, &[name(&path), "--vmlinux", name(&vmlinux)]);
    assert_eq!(answer["boots"][0]["kaslr_offset"], moved, "{answer}");
    assert_eq!(answer["boots"][0]["kaslr_from"], "derived");
    assert_eq!(answer["frames"][1]["function"], "shelf_open");
    assert_eq!(answer["frames"][0]["places"], answer["frames"][1]["places"]);
    let stated = format!(
        "{BANNER}\n ? 0x{address:016x}\nKernel Offset: {moved:#x} from 0xffffffff81000000\n"
    );
    let path = project.log("stated.log", &stated);
    let answer = json(&project, &[name(&path), "--vmlinux", name(&vmlinux)]);
    assert_eq!(answer["boots"][0]["kaslr_from"], "stated");
    assert_eq!(answer["frames"][0]["function"], "shelf_open");
}

#[test]
fn code_is_disassembled_with_its_lines_and_the_trap_is_marked() {
    let Some(project) = Project::new() else { return };
    let vmlinux = project.path("vmlinux");
    project.run("objcopy", "-O binary -j .text vmlinux text");
    let bytes = std::fs::read(project.path("text")).unwrap();
    let open = &project.functions("vmlinux", &["shelf_open"])[0];
    let trap = (open.address + behind_call(&project, open) - TEXT) as usize;
    let from = trap.saturating_sub(42);
    let dump: Vec<String> = bytes[from..(trap + 22).min(bytes.len())]
        .iter()
        .enumerate()
        .map(
            |(at, byte)| {
                if from + at == trap { format!("<{byte:02x}>") } else { format!("{byte:02x}") }
            },
        )
        .collect();
    let dump = dump.join(" ");
    let frame = format!("shelf_open+{:#x}/{:#x}", behind_call(&project, open), open.size);
    let log =
        format!("{BANNER}\nRIP: 0010:{frame}\nCode: {dump}\nRIP: 0033:0x4000\nCode: {dump}\n");
    let path = project.log("code.log", &log);
    let tree = project.folder.path();
    let arguments = [name(&path), "--vmlinux", name(&vmlinux), "--tree", name(tree)];
    let answer = json(&project, &arguments);
    let code = answer["code"].as_array().unwrap();
    assert_eq!(code.len(), 1, "that of user mode is no kernel's: {answer}");
    assert_eq!(code[0]["differ"], 0);
    let instructions = code[0]["instructions"].as_array().unwrap();
    assert_eq!(
        instructions[0]["offset"].as_i64().unwrap(),
        0.max((from as i64) - (open.address - TEXT) as i64)
    );
    let marked: Vec<&Value> = instructions.iter().filter(|one| one["marked"] == true).collect();
    assert_eq!(marked.len(), 1);
    assert_eq!(marked[0]["offset"], behind_call(&project, open));
    let line = marked[0]["places"][0]["line"].as_u64().unwrap() as usize;
    let file = marked[0]["places"][0]["file"].as_str().unwrap();
    let source = std::fs::read_to_string(project.path(file)).unwrap();
    assert_eq!(marked[0]["source"].as_str(), source.lines().nth(line - 1).map(str::trim));
    let out = project.ktriage(&["symbolize", name(&path), "--vmlinux", name(&vmlinux)]);
    let printed = text(&out.stdout);
    assert!(printed.contains("<- trapping instruction"), "{printed}");
    assert!(printed.contains("shelf_open fs/shelf.c:"), "{printed}");
}

#[test]
fn the_labs_own_kernels_are_found_by_themselves() {
    let Some(project) = Project::new() else { return };
    let log = project.log("crash.log", &crash(&project, None));
    let missing = project.ktriage(&["symbolize", name(&log)]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("6.1.0-shelf"), "{}", text(&missing.stderr));
    let build = project.path("state/ktriage/builds/mine");
    std::fs::create_dir_all(&build).unwrap();
    std::fs::copy(project.path("vmlinux"), build.join("vmlinux")).unwrap();
    let answer = json(&project, &[name(&log)]);
    assert!(answer["vmlinux"].as_str().unwrap().ends_with("builds/mine/vmlinux"), "{answer}");
    let other = project.log("other.log", &crash(&project, None).replace("6.1.0-shelf", "6.1.1"));
    let out = project.ktriage(&["symbolize", name(&other)]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out.stdout));
}

#[test]
fn reports_know_their_files() {
    let Some(project) = Project::new() else { return };
    let log = project.log("crash.log", &crash(&project, None));
    let vmlinux = project.path("vmlinux");
    let out = project.ktriage(&["report", "--json", name(&log), "--vmlinux", name(&vmlinux)]);
    let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
    let report = &answer["reports"][0];
    assert_eq!(report["guilty_file"], "fs/shelf.c", "{answer}");
    assert!(report["report"].as_str().unwrap().contains("shelf_peek include/shelf.h:"), "{answer}");
    let plain = project.ktriage(&["report", "--json", name(&log)]);
    let plain: Value = serde_json::from_slice(&plain.stdout).unwrap();
    assert_eq!(plain["reports"][0]["title"], report["title"]);
}
