//! Programs in logs of other fuzzers, with the console between them.

use analysis_fuzz::{Constants, Descriptions, OWN, Target, compile, write_call};
use app_fuzz::programs_of_log;
use parse_syzlang::{parse, parse_constants};

fn target() -> Target {
    let mut constants = Constants::default();
    let mut files = Vec::new();
    for (name, text) in OWN {
        if name.ends_with(".const") {
            constants.add(name, &parse_constants(text).expect("reads"));
        } else {
            files.push((name.to_owned(), parse(text).expect("reads")));
        }
    }
    compile(&Descriptions::new(files).0, &constants, "amd64").0
}

const LOG: &str = "[   11.1] kites are ready
12.3s ago: executing program 1 (id=77):
r0 = epoll_create1(0x0)
[   12.0] a kite flew by (not a call)
epoll_ctl$add(r0, 0x1, r0, &(0x7f0000000040)={0x1, 0x2})
kite_unknown(r0)
2020/01/02 03:04:05 executing program 0 (fault-call:1 fault-nth:2):
getpid()
gettid()
mmap(&(0x7f0000000000/0x1000)=nil, (0x1000), 0x3, 0x32, 0xffffffffffffffff, 0x0)
[   13.0] BUG: kite in the tree
executing program 3:
[   14.0] nothing of it is left
";

#[test]
fn programs_are_taken_out_of_the_console_around_them() {
    let target = target();
    let found = programs_of_log(&target, LOG);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].0.process, found[0].0.id), (Some(1), Some(77)));
    assert_eq!(
        write_call(&target, &found[0].1),
        ["r0 = epoll_create1(0x0)", "epoll_ctl$add(r0, 0x1, r0, &(0x7f0000000040)={0x1, 0x2})"]
    );
    let lines = write_call(&target, &found[1].1);
    assert_eq!(lines[..2], ["getpid()", "gettid() (fail_nth: 3)"]);
    assert!(lines[2].starts_with("mmap(&(0x7f0000000000/0x1000)=nil, 0x1000, "), "{lines:?}");
}
