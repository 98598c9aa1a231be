//! What the acceptance examples say of registers. Skipped, visibly, where the examples are absent.

use std::path::PathBuf;

fn seed(name: &str) -> Option<Vec<u8>> {
    let path =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/seeds")).join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(_) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "skipped: {} is absent", path.display());
            None
        }
    }
}

#[test]
fn the_stalled_task_is_in_splice_with_its_arguments() {
    let Some(bytes) = seed("000_29be54583ac5b8ab.txt") else { return };
    let lines: Vec<_> = parse_console::lines(&bytes).collect();
    let calls: Vec<_> = analysis_registers::register_dumps(&lines)
        .iter()
        .filter_map(analysis_registers::syscall)
        .collect();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].number, 0x113);
    assert_eq!(
        calls[0].text(),
        "splice(fd_in=3, off_in=NULL, fd_out=5, off_out=NULL, len=0x10005, flags=0)"
    );
    assert!(calls[0].lines.first >= 73 && calls[0].lines.last <= 78, "{:?}", calls[0].lines);
    let said = analysis_registers::statements(&lines);
    let irqs = model::Predicate::Irqs {
        state: model::IrqState::Enabled,
        register: Some("EFLAGS".to_owned()),
    };
    assert!(said.iter().any(|s| *s.predicate() == irqs), "{said:#?}");
    let poisoned =
        said.iter().any(|s| matches!(s.predicate(), model::Predicate::AddressMeaning { .. }));
    assert!(!poisoned, "no register of this dump is poisoned: {said:#?}");
}

#[test]
fn hung_tasks_stand_in_the_calls_their_stacks_name() {
    let Some(bytes) = seed("003_2f2c7d2c15ad8b2b.txt") else { return };
    let lines: Vec<_> = parse_console::lines(&bytes).collect();
    let calls: Vec<_> = analysis_registers::register_dumps(&lines)
        .iter()
        .filter_map(analysis_registers::syscall)
        .map(|call| call.text())
        .collect();
    assert_eq!(
        calls,
        [
            "write(fd=25, buf=0x7fffd0e5250a, count=8)",
            "read(fd=36, buf=0x564ccf0b7b10, count=0x400)",
            "write(fd=3, buf=0x7fffd0e5218a, count=8)",
        ]
    );
}
