//! Programs in a real guest. Skipped where there is no kernel for it.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use app_guests::{Base, Cause, Guest};
use guest_programs::{CallReply, End, Options, Outcome, Reply, Request, Value, features};
use io_vm::probe;

mod programs;

use programs::{at_fdcwd, design, program, result};

const EBADF: u32 = 9;

#[expect(clippy::print_stderr, reason = "a test that skips says so")]
fn base() -> Option<Base> {
    let design = probe(Path::new(programs::QEMU)).ok().and_then(design);
    if design.is_none() {
        eprintln!("skipped: no QEMU, or no kernel for fuzzing named in {}", programs::VARIABLE);
    }
    Some(Base::boot(&design?).unwrap())
}

fn one(guest: &mut Guest, options: Options, program: Vec<u8>) -> Reply {
    let requests = vec![Request::new(7, options, program)];
    match guest.run(requests) {
        Ok(mut replies) => replies.remove(0),
        Err(loss) => panic!("{:?}\n{}", loss.cause, String::from_utf8_lossy(&loss.console)),
    }
}

fn call(reply: &Reply, number: u16) -> &CallReply {
    reply.calls.iter().find(|call| call.call == number).unwrap()
}

fn plain(numbers: &[u64]) -> Vec<Value> {
    numbers.iter().map(|number| Value::plain(*number)).collect()
}

#[test]
fn programs_run_and_their_guest_is_lost_when_it_must_be() {
    let Some(base) = base() else { return };
    let mut guest = base.start().unwrap();
    results_errors_and_coverage(&base, &mut guest);
    programs_do_not_see_each_other(&mut guest);
    blocked_calls_are_left(&mut guest);
    ends_of_processes_are_told(&mut guest);
    garbage_costs_one_guest(&base);
    crashes_are_seen(&base);
}

fn results_errors_and_coverage(base: &Base, guest: &mut Guest) {
    let options = Options { coverage: true, ..Options::default() };
    let reply = one(
        guest,
        options,
        program(|p| {
            p.data(0, b"./file0\0");
            let arguments =
                [at_fdcwd(), Value::Pointer(0), Value::plain(0o102), Value::plain(0o600)];
            p.call(257, &arguments, Some(0));
            p.call(1, &[result(0), Value::Pointer(0), Value::plain(5)], None);
            p.call(3, &plain(&[0x7fff]), None);
        }),
    );
    assert_eq!((reply.end, reply.begun), (End::Finished, 3), "{reply:?}");
    assert_eq!(call(&reply, 0).errno, 0);
    assert_eq!(call(&reply, 1).result, 5);
    assert_eq!(call(&reply, 2).errno, EBADF);
    if base.features() & features::COVERAGE != 0 {
        assert!(call(&reply, 0).edges.len() > 20, "{reply:?}");
        // What is known does not come again.
        for edge in &call(&reply, 2).edges {
            guest.know(edge.signal());
        }
        let options = Options { only_new: true, ..options };
        let reply = one(guest, options, program(|p| p.call(3, &plain(&[0x7fff]), None)));
        assert!(call(&reply, 0).edges.len() < 5, "{reply:?}");
    }
}

fn programs_do_not_see_each_other(guest: &mut Guest) {
    for _ in 0..3 {
        let reply = one(
            guest,
            Options::default(),
            program(|p| {
                // The data area is empty, the folder too, and the first descriptor is always the same.
                let load = guest_programs::Format::little(8);
                p.call(39, &[], None);
                p.load(64, load, 1);
                p.data(0, b"./file1\0");
                p.data(64, &[7; 8]);
                p.call(83, &[Value::Pointer(0), Value::plain(0o700)], None);
                p.call(41, &plain(&[1, 1, 0]), Some(0));
                p.call(3, &[result(1)], None);
                p.call(80, &[Value::Pointer(0)], None);
            }),
        );
        assert_eq!(call(&reply, 1).errno, 0, "{reply:?}");
        assert_eq!(call(&reply, 2).result, 3, "{reply:?}");
        // close(0): the number that was loaded.
        assert_eq!(call(&reply, 3).errno, 0, "{reply:?}");
        assert_eq!(call(&reply, 4).errno, 0, "{reply:?}");
    }
}

fn blocked_calls_are_left(guest: &mut Guest) {
    for _ in 0..3 {
        let reply = one(guest, Options::default(), programs::blocked());
        assert_eq!(reply.end, End::Finished);
        assert_eq!(call(&reply, 2).outcome, Outcome::Blocked, "{reply:?}");
        assert_eq!(call(&reply, 3).outcome, Outcome::Done, "{reply:?}");
        assert!(reply.duration < 2_000_000, "{reply:?}");
    }
}

fn ends_of_processes_are_told(guest: &mut Guest) {
    let reply = one(guest, Options::default(), program(|p| p.call(231, &plain(&[5]), None)));
    assert_eq!(reply.end, End::Exited { status: 5 << 8 });
    // A write through the executor's own code, and a signal to everybody.
    let reply =
        one(guest, Options::default(), program(|p| p.call(62, &plain(&[u64::MAX, 9]), None)));
    assert!(matches!(reply.end, End::Exited { .. } | End::Finished), "{reply:?}");
    let unmap = program(|p| p.call(11, &plain(&[0, 0x7fff_ffff_f000]), None));
    let reply = one(guest, Options::default(), unmap);
    assert!(matches!(reply.end, End::Exited { .. }), "{reply:?}");
    let reply =
        one(guest, Options::default(), program(|p| p.call(272, &plain(&[0x400_0000]), None)));
    assert!(reply.dirty, "{reply:?}");
    let reply = one(guest, Options::default(), vec![0xff; 100]);
    assert_eq!(reply.end, End::Malformed);
    let mut request = Request::new(8, Options::default(), program(|p| p.call(34, &[], None)));
    request.program_time = 300;
    request.call_time = 5000;
    let reply = guest.run(vec![request]).unwrap().remove(0);
    assert!(matches!(reply.end, End::Finished | End::TimedOut), "{reply:?}");
}

fn garbage_costs_one_guest(base: &Base) {
    let mut guest = base.start().unwrap();
    let _ = one(&mut guest, Options::default(), programs::getpid());
    guest.submit(vec![Request::new(1, Options::default(), programs::blocked())]).unwrap();
    for word in &guest.shared().words()[512..2 * 512] {
        word.store(u64::MAX - 7, Ordering::Relaxed);
    }
    let loss = loop {
        match guest.replies(Duration::from_secs(1)) {
            Ok(replies) => assert!(replies.len() < 2),
            Err(loss) => break loss,
        }
    };
    assert!(matches!(loss.cause, Cause::Broken(_)), "{:?}", loss.cause);
    assert_eq!(guest.free(), 0);
}

fn crashes_are_seen(base: &Base) {
    let mut guest = base.start().unwrap();
    let crash = program(|p| {
        p.data(0, b"/proc/sysrq-trigger\0");
        p.data(64, b"c");
        p.call(257, &[at_fdcwd(), Value::Pointer(0), Value::plain(1)], Some(0));
        p.call(1, &[result(0), Value::Pointer(64), Value::plain(1)], None);
    });
    let loss = guest.run(vec![Request::new(42, Options::default(), crash)]).unwrap_err();
    let Cause::Crashed(reports) = &loss.cause else { panic!("{:?}", loss.cause) };
    assert!(!reports.is_empty());
    assert_eq!(loss.running.len(), 1, "{loss:?}");
    assert_eq!((loss.running[0].request.id, loss.running[0].calls), (42, 2));
}
