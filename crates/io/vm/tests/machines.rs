//! Real machines: boot, programs, files, snapshots, hangs, hostile guests.

mod kernels;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use io_vm::{Event, GuestFile, Initramfs, Kernel, Machine, Settings, VmError, with_libraries};

const BOOT: Duration = Duration::from_secs(120);
const SHORT: Duration = Duration::from_secs(20);

fn boot(settings: &Settings, kernel: &Kernel, files: &[GuestFile]) -> Machine {
    let initramfs = Initramfs::build(kernel, &[], files).unwrap();
    let mut machine = Machine::boot(settings, kernel, &initramfs).unwrap();
    match machine.wait_ready(BOOT) {
        Ok(_) => machine,
        Err(error) => {
            panic!("{error}\n{}", String::from_utf8_lossy(&machine.records().console().bytes()))
        }
    }
}

fn shell() -> Vec<GuestFile> {
    with_libraries(Path::new("/bin/sh"), Path::new("/bin/sh")).unwrap()
}

fn start(machine: &mut Machine, script: &str) -> u32 {
    let arguments = ["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned()];
    machine.start_program(&arguments, &[], "/", SHORT).unwrap()
}

/// The program's status and signal.
fn end_of(machine: &mut Machine, program: u32, limit: Duration) -> (Option<u32>, u32) {
    let deadline = Instant::now() + limit;
    loop {
        match machine.next_event(deadline).unwrap() {
            Some(Event::Exited { started, status, signal }) if started == program => {
                return (status, signal);
            }
            Some(Event::Ended(status)) => panic!("QEMU ended: {status}"),
            Some(_) => {}
            None => panic!("the program did not end"),
        }
    }
}

fn output(machine: &Machine) -> String {
    String::from_utf8_lossy(&machine.records().output().bytes()).into_owned()
}

#[test]
fn programs_run_from_any_number_of_starts_of_one_snapshot() {
    let Some((settings, kernel)) = kernels::settings_and_kernel() else { return };
    let mut machine = boot(&settings, &kernel, &shell());
    machine.write_file("/tmp/given", 0o644, &vec![b'x'; 100_000], SHORT).unwrap();
    let program = start(&mut machine, "read line < /tmp/given; echo ${#line}; exit 7");
    assert_eq!(end_of(&mut machine, program, SHORT), (Some(7), 0));
    assert_eq!(output(&machine), "100000\n");

    let error = machine.start_program(&["/nothing".into()], &[], "/", SHORT).unwrap_err();
    assert!(error.to_string().contains("start /nothing: No such file"), "{error}");

    let snapshot = Arc::new(machine.into_snapshot().unwrap());
    let boot_console = snapshot.console().length();
    let threads: Vec<_> = (0..2)
        .map(|thread| {
            let snapshot = Arc::clone(&snapshot);
            std::thread::spawn(move || {
                for turn in 0..2 {
                    let mut machine = snapshot.start().unwrap();
                    machine.wait_ready(SHORT).unwrap();
                    // What another machine wrote must not be seen here.
                    let script = format!(
                        "[ -e /tmp/mark ] && exit 9; echo {thread}{turn} > /tmp/mark; \
                         read mark < /tmp/mark; echo mark $mark > /dev/kmsg; read a < \
                         /proc/sys/kernel/random/uuid; echo $a"
                    );
                    let program = start(&mut machine, &script);
                    assert_eq!(end_of(&mut machine, program, SHORT), (Some(0), 0));
                    let console = machine.records().console_since(boot_console);
                    let console = String::from_utf8_lossy(&console).into_owned();
                    assert!(console.contains(&format!("mark {thread}{turn}")), "{console}");
                    assert_eq!(output(&machine).trim().len(), 36, "{}", output(&machine));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn runs_from_one_snapshot_do_not_share_their_randomness() {
    let Some((settings, kernel)) = kernels::settings_and_kernel() else { return };
    let snapshot = boot(&settings, &kernel, &shell()).into_snapshot().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let mut machine = snapshot.start().unwrap();
        machine.wait_ready(SHORT).unwrap();
        let program = start(&mut machine, "read a < /proc/sys/kernel/random/uuid; echo $a");
        end_of(&mut machine, program, SHORT);
        assert!(seen.insert(output(&machine)), "the same uuid twice: {seen:?}");
    }
}

#[test]
fn a_panic_ends_the_machine_and_leaves_its_report() {
    let Some((settings, kernel)) = kernels::settings_and_kernel() else { return };
    let mut machine = boot(&settings, &kernel, &shell());
    let _ = machine.press_sysrq(b'c', SHORT);
    let deadline = Instant::now() + SHORT;
    let mut words = Vec::new();
    loop {
        match machine.next_event(deadline).unwrap() {
            Some(Event::Shutdown(word)) => words.push(word),
            Some(Event::Ended(_)) => break,
            Some(_) => {}
            None => panic!("the machine goes on after a panic"),
        }
    }
    assert_eq!(words, ["guest-reset"]);
    let console = String::from_utf8_lossy(&machine.records().console().bytes()).into_owned();
    assert!(console.contains("Kernel panic - not syncing: sysrq triggered crash"), "{console}");
}

#[test]
fn a_guest_that_still_answers_is_asked_through_its_agent() {
    let Some((settings, kernel)) = kernels::settings_and_kernel() else { return };
    let mut machine = boot(&settings, &kernel, &shell());
    start(&mut machine, "while :; do :; done");
    let exhibits = machine.collect_exhibits().unwrap();
    let console = machine.records().console();
    let text = |what: &str| {
        let exhibit = exhibits.exhibits.iter().find(|e| e.what == what).unwrap();
        assert_eq!(exhibit.problem, None);
        String::from_utf8_lossy(&console.since(exhibit.console_from)).into_owned()
    };
    assert!(text("SysRq l").contains("NMI backtrace for cpu"), "{}", text("SysRq l"));
    assert!(text("SysRq t").contains("task:"), "{}", text("SysRq t"));
    let registers = &exhibits.exhibits[0].text;
    assert!(registers.contains("RIP="), "{registers}");
}

#[test]
#[expect(clippy::print_stderr, reason = "what was not tested is said")]
fn a_program_that_writes_garbage_on_the_link_costs_the_link_and_nothing_else() {
    let Some((settings, kernel)) = kernels::settings_and_kernel() else { return };
    let mut machine = boot(&settings, &kernel, &shell());
    // The port is open in the agent already; through the agent's own descriptor it can be reached.
    let program = "for f in /proc/[0-9]*/fd/*; do case $(readlink $f) in /dev/vport*) \
                   echo garbage-garbage > $f;; esac; done";
    let readlink = with_libraries(Path::new("/bin/readlink"), Path::new("/bin/readlink")).unwrap();
    for file in readlink {
        let path = file.path.to_string_lossy().into_owned();
        machine.write_file(&path, file.mode, &file.content, SHORT).unwrap();
    }
    start(&mut machine, program);
    let deadline = Instant::now() + SHORT;
    loop {
        match machine.next_event(deadline).unwrap() {
            Some(Event::LinkLost(reason)) => {
                assert!(reason.contains("garb"), "{reason}");
                break;
            }
            // A kernel that lets nobody else open the port is as good.
            Some(Event::Exited { .. }) => {
                eprintln!("the kernel keeps the port for the agent");
                break;
            }
            Some(_) => {}
            None => panic!("nothing was noticed"),
        }
    }
}

#[test]
fn the_stop_flag_ends_a_wait_at_once() {
    let Some((mut settings, kernel)) = kernels::settings_and_kernel() else { return };
    let stop = Arc::new(AtomicBool::new(false));
    settings.stop = Arc::clone(&stop);
    let initramfs = Initramfs::build(&kernel, &[], &[]).unwrap();
    let mut machine = Machine::boot(&settings, &kernel, &initramfs).unwrap();
    stop.store(true, Ordering::Relaxed);
    assert!(matches!(machine.wait_ready(BOOT), Err(VmError::Stopped)));
}

#[test]
fn a_machine_ends_with_the_thread_that_started_it() {
    let Some((settings, kernel)) = kernels::settings_and_kernel() else { return };
    let initramfs = Initramfs::build(&kernel, &[], &[]).unwrap();
    let id = std::thread::spawn(move || {
        let machine = Machine::boot(&settings, &kernel, &initramfs).unwrap();
        let id = machine.process_id();
        // As when the lab is killed: nothing is cleaned up.
        std::mem::forget(machine);
        id
    })
    .join()
    .unwrap();
    let deadline = Instant::now() + SHORT;
    while alive(id) {
        assert!(Instant::now() < deadline, "QEMU {id} lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether the process runs; a zombie does not.
fn alive(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X "))
}

#[test]
fn a_missing_emulator_is_named() {
    let settings = Settings {
        qemu: "/nowhere/qemu-system-x86_64".into(),
        accelerator: io_vm::Accelerator::Tcg,
        memory: 128,
        cpus: 1,
        command_line: String::new(),
        stop: Arc::default(),
    };
    let kernel = Kernel { image: "/nowhere/vmlinuz".into(), modules: None };
    let initramfs = Initramfs::build(&kernel, &[], &[]).unwrap();
    let error = Machine::boot(&settings, &kernel, &initramfs).err().unwrap();
    assert!(matches!(error, VmError::NoQemu { .. }), "{error}");
    assert!(error.to_string().contains("/nowhere/qemu-system-x86_64 is not installed"));
}

#[test]
fn what_qemu_says_against_a_bad_image_reaches_the_user() {
    let Some((settings, _)) = kernels::settings_and_kernel() else { return };
    let kernel = Kernel { image: "/nowhere/vmlinuz".into(), modules: None };
    let initramfs = Initramfs::build(&kernel, &[], &[]).unwrap();
    let error = Machine::boot(&settings, &kernel, &initramfs).err().unwrap();
    assert!(error.to_string().contains("could not open kernel file"), "{error}");
}
