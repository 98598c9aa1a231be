//! A small kernel and a module, compiled by the test, with a log that fits them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where the kernel's text begins, as on x86-64.
pub(crate) const TEXT: u64 = 0xffff_ffff_8100_0000;
pub(crate) const BANNER: &str =
    "Linux version 6.1.0-shelf (me@here) (gcc 12) #1 SMP Thu Jan  1 00:00:00 UTC 1970";

const MAIN: &str = r#"
#include "../include/shelf.h"
const char linux_banner[] = "@BANNER@\n";
volatile int shelf_size = 3;
int start_kernel(int *room)
{
	int sum = shelf_open(room);
	sum += shelf_close(room);
	return sum;
}
void _start(void)
{
	int room[4] = { 1, 2, 3, 4 };
	start_kernel(room);
}
"#;

const HEADER: &str = r#"
extern volatile int shelf_size;
int shelf_open(int *room);
int shelf_close(int *room);
static inline __attribute__((always_inline)) int shelf_peek(int *place)
{
	int seen = *(volatile int *)place;
	return seen + shelf_size;
}
"#;

const SHELF: &str = r#"
#include "../include/shelf.h"
static __attribute__((noinline)) int shelf_count(int *room)
{
	int sum = 0;
	for (int at = 0; at < shelf_size; at++)
		sum += shelf_peek(room + at);
	return sum;
}
static inline __attribute__((always_inline)) int shelf_both(int *room)
{
	return shelf_peek(room) + shelf_count(room);
}
int shelf_open(int *room)
{
	int sum = shelf_both(room);
	shelf_size = sum;
	return sum;
}
int shelf_close(int *room)
{
	int sum = shelf_count(room + 1);
	shelf_size = 0;
	return sum + shelf_peek(room);
}
"#;

const MODULE: &str = r#"
#include "../include/shelf.h"
static const char magic[] __attribute__((section(".modinfo"), used)) = "vermagic=6.1.0-shelf SMP";
__attribute__((section(".init.text"))) int depot_init(int *room)
{
	return shelf_open(room) + 1;
}
static inline __attribute__((always_inline)) int depot_look(int *room)
{
	return shelf_peek(room + 2);
}
int depot_store(int *room)
{
	int sum = depot_look(room);
	sum += shelf_close(room);
	return sum;
}
"#;

/// The compiled files.
pub(crate) struct Project {
    pub(crate) folder: tempfile::TempDir,
}

/// A function as `nm` lists it, with the size that a kernel prints.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) address: u64,
    pub(crate) size: u64,
}

impl Project {
    /// Compiles; `None`, and said, where there is no compiler.
    #[expect(clippy::print_stdout, reason = "a test that skips says so")]
    pub(crate) fn new() -> Option<Self> {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["init", "fs", "include", "drivers"] {
            std::fs::create_dir(project.path(folder)).unwrap();
        }
        std::fs::write(project.path("init/main.c"), MAIN.replace("@BANNER@", BANNER)).unwrap();
        std::fs::write(project.path("include/shelf.h"), HEADER).unwrap();
        std::fs::write(project.path("fs/shelf.c"), SHELF).unwrap();
        std::fs::write(project.path("drivers/depot.c"), MODULE).unwrap();
        if Command::new("gcc").arg("--version").output().is_err() {
            println!("skipped: no gcc");
            return None;
        }
        for source in ["init/main", "fs/shelf", "drivers/depot"] {
            project.run("gcc", &format!("-g -O2 -ffreestanding -fno-pic -fno-stack-protector -fcf-protection=none -mcmodel=kernel -mno-sse -c {source}.c -o {source}.o"));
        }
        project.run("ld", &format!("-nostdlib -static --build-id=sha1 -Ttext={TEXT:#x} -Tdata=0xffffffff82000000 --section-start=.rodata=0xffffffff83000000 init/main.o fs/shelf.o -o vmlinux"));
        project.run("ld", "-r --build-id=sha1 drivers/depot.o -o drivers/depot.ko");
        Some(project)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a program in the folder; gives what it prints.
    pub(crate) fn run(&self, program: &str, arguments: &str) -> String {
        let out = Command::new(program)
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(out.status.success(), "{program} {arguments}: {out:?}");
        String::from_utf8(out.stdout).unwrap()
    }

    /// The functions of a file whose names are given.
    pub(crate) fn functions(&self, file: &str, names: &[&str]) -> Vec<Function> {
        let printed = self.run("nm", &format!("-n -S {file}"));
        let mut listed: Vec<(u64, Option<u64>, String)> = Vec::new();
        for line in printed.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [address, rest @ .., kind, name] = &words[..]
                && matches!(*kind, "t" | "T")
                && let Ok(address) = u64::from_str_radix(address, 16)
            {
                let size = rest.first().and_then(|size| u64::from_str_radix(size, 16).ok());
                listed.push((address, size, (*name).to_owned()));
            }
        }
        names
            .iter()
            .map(|name| {
                let at = listed.iter().position(|one| one.2 == *name).expect(name);
                let (address, size, _) = listed[at];
                // Of a linked file the size up to the next name, as the kernel prints it.
                let next = listed[at..].iter().map(|one| one.0).find(|next| *next > address);
                let size =
                    next.filter(|_| !file.ends_with(".ko")).map(|next| next - address).or(size);
                Function { name: (*name).to_owned(), address, size: size.unwrap() }
            })
            .collect()
    }

    pub(crate) fn build_id(&self, file: &str) -> String {
        let printed = self.run("readelf", &format!("-n {file}"));
        let (_, id) = printed.split_once("Build ID: ").expect("a build id");
        id.split_whitespace().next().unwrap().to_owned()
    }

    /// Runs ktriage with caches and state of its own.
    pub(crate) fn ktriage(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ktriage"))
            .args(arguments)
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_STATE_HOME", self.path("state"))
            .output()
            .unwrap()
    }

    /// Writes a log into the folder.
    pub(crate) fn log(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// A report of a crash in `shelf_count`, called by `shelf_open` and `start_kernel`.
pub(crate) fn crash(project: &Project, build_id: Option<&str>) -> String {
    let functions = project.functions("vmlinux", &["shelf_count", "shelf_open", "start_kernel"]);
    let [count, open, start] = &functions[..] else { panic!("{functions:?}") };
    let id = build_id.map(|id| format!(" {id}")).unwrap_or_default();
    format!(
        "[    0.000000] {BANNER}\n\
         [    5.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n\
         [    5.000001] Oops: 0000 [#1] PREEMPT SMP\n\
         [    5.000002] CPU: 0 PID: 9 Comm: w Not tainted 6.1.0-shelf #1{id}\n\
         [    5.000003] RIP: 0010:shelf_count+{:#x}/{:#x}\n\
         [    5.000004] Call Trace:\n\
         [    5.000005]  <TASK>\n\
         [    5.000006]  shelf_open+{:#x}/{:#x}\n\
         [    5.000007]  start_kernel+{:#x}/{:#x}\n\
         [    5.000008]  </TASK>\n",
        call_free(project, count),
        count.size,
        behind_call(project, open),
        open.size,
        behind_call(project, start),
        start.size,
    )
}

/// An offset in a function that reads memory: one of an instruction with the inlined `shelf_peek`.
fn call_free(project: &Project, function: &Function) -> u64 {
    let chain = |offset: u64| {
        let address = function.address + offset;
        project.run("addr2line", &format!("-i -f -e vmlinux {address:#x}"))
    };
    (1..function.size).find(|offset| chain(*offset).contains("shelf_peek")).expect("inlined code")
}

/// The offset behind the first call of a function.
pub(crate) fn behind_call(project: &Project, function: &Function) -> u64 {
    let listed = project.run("objdump", "-d --no-show-raw-insn vmlinux");
    let mut addresses = listed.lines().filter_map(|line| {
        let (address, text) = line.trim().split_once(":\t")?;
        Some((u64::from_str_radix(address, 16).ok()?, text.to_owned()))
    });
    let inside = |at: u64| (function.address..function.address + function.size).contains(&at);
    addresses.find(|(at, text)| inside(*at) && text.starts_with("call")).expect("a call");
    addresses.next().unwrap().0 - function.address
}

/// What `addr2line -i -f` says of addresses: function, file, line of each place, the innermost first.
pub(crate) fn addr2line(
    project: &Project,
    arguments: &str,
    addresses: &[u64],
) -> Vec<Vec<(String, String, u64)>> {
    addresses
        .iter()
        .map(|address| {
            let printed = project.run("addr2line", &format!("-i -f {arguments} {address:#x}"));
            let lines: Vec<&str> = printed.lines().collect();
            lines
                .chunks(2)
                .map(|pair| {
                    let place = pair[1].split(" (disc").next().unwrap();
                    let (file, line) = place.rsplit_once(':').unwrap();
                    let root =
                        format!("{}/", project.folder.path().canonicalize().unwrap().display());
                    let file = normal(file).replace(&root, "");
                    (pair[0].to_owned(), file, line.parse().unwrap_or(0))
                })
                .collect()
        })
        .collect()
}

fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in Path::new(path).components() {
        match part.as_os_str().to_str().unwrap() {
            ".." => drop(parts.pop()),
            "/" => parts.push(""),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
