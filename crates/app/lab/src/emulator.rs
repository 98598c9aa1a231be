//! Failures of the emulator that look like the kernel's.
//!
//! A kernel on x86 patches its own code while it runs: a breakpoint (`int3`, byte 0xcc) replaces the
//! first byte of a jump or no-op, the rest is written, then the first byte (`text_poke_bp_batch` in
//! `arch/x86/kernel/alternative.c`). A CPU that meets the breakpoint meanwhile is sent on by its handler.
//! QEMU translates code in blocks, and with a thread a CPU (`-accel tcg,thread=multi`) one CPU may still
//! run a block with the breakpoint when the patching is over. Then no handler knows the breakpoint, and
//! the kernel reports `Oops: int3` where none stands. A processor does not do that.
//!
//! At boot the kernel looks whether the timer interrupts it: `timer_irq_works` in `arch/x86/kernel/apic/io_apic.c` waits
//! for ten ticks by the time stamp counter. That counter runs on while a busy host lets the emulator wait, so the
//! ticks are missed, and the kernel panics. One that cannot work its timer does so at each try.

use analysis_identity::{CrashReport, read_log};
use io_vm::{Accelerator, Settings};

/// How often a machine is started anew after a failure of the emulator, the first start included.
pub const TRIES: u32 = 3;

/// When a report was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before anything of the test ran.
    Boot,
    /// While or after the test ran. It may trace functions, and set breakpoints of its own at their entry.
    Run,
}

/// Offsets behind the place at a function's entry where tracing patches: without and with `endbr64`.
const ENTRY: &[u64] = &[1, 5];

/// What the emulator did wrong, if the first report of a console is its doing.
pub fn emulator_error(settings: &Settings, console: &[u8], phase: Phase) -> Option<String> {
    let reports = read_log(console).reports;
    of_report(settings, reports.iter().find(|report| report.suppressed.is_none())?, phase)
}

/// What the emulator did wrong, if a report is its doing.
pub(crate) fn of_report(settings: &Settings, report: &CrashReport, phase: Phase) -> Option<String> {
    if settings.accelerator != Accelerator::Tcg {
        return None;
    }
    late_timer(report, phase).or_else(|| stale_breakpoint(settings, report, phase))
}

fn late_timer(report: &CrashReport, phase: Phase) -> Option<String> {
    let is_late = phase == Phase::Boot
        && report.title.starts_with("kernel panic: IO-APIC + timer doesn't work");
    is_late.then(|| {
        "QEMU gave the booting kernel no timer interrupt in time (TCG on a busy host)".to_owned()
    })
}

fn stale_breakpoint(settings: &Settings, report: &CrashReport, phase: Phase) -> Option<String> {
    // The title is that of the report's first line; its text may hold later reports too.
    if settings.cpus < 2 || !report.title.starts_with("int3") {
        return None;
    }
    // The first of each: those of the trap. What follows is of the program, or repeats them.
    let after = |mark| report.text.lines().find_map(|line| Some(line.split_once(mark)?.1));
    let place = after("RIP: 0010:")?;
    let (function, offset) = function_and_offset(place)?;
    let in_module = place.trim_end().ends_with(']');
    let may_be_traced = phase == Phase::Run && ENTRY.contains(&offset);
    if in_module || may_be_traced || !is_patched(after("Code: ")?) {
        return None;
    }
    Some(format!(
        "QEMU ran into a breakpoint in {function} that the kernel was just patching (int3 under TCG with \
         {} CPUs)",
        settings.cpus
    ))
}

/// `sched_clock_cpu` and 6 of `sched_clock_cpu+0x6/0x20`.
fn function_and_offset(place: &str) -> Option<(&str, u64)> {
    let (function, rest) = place.split_once("+0x")?;
    let digits = rest.split('/').next()?;
    Some((function, u64::from_str_radix(digits, 16).ok()?))
}

/// Whether the instruction before the marked byte of a `Code:` line is of a kind that the kernel patches in:
/// a jump, a call or a no-op that is whole again, or its first byte still a breakpoint. Breakpoints in a
/// row fill the space between functions: who runs into those is lost.
fn is_patched(code: &str) -> bool {
    let (mut before, mut next) = (Vec::new(), Vec::new());
    for word in code.split_whitespace() {
        let marked = word.trim_start_matches('<').trim_end_matches('>');
        let Ok(byte) = u8::from_str_radix(marked, 16) else { return false };
        if word.starts_with('<') || !next.is_empty() {
            next.push(byte);
        } else {
            before.push(byte);
        }
    }
    let Some((last, earlier)) = before.split_last() else { return false };
    match last {
        // jmp rel32, call rel32, jmp rel8
        0xe9 | 0xe8 | 0xeb => !next.is_empty(),
        // nopl 0(%rax,%rax)
        0x0f => next.starts_with(&[0x1f, 0x44, 0x00, 0x00]),
        // xchg %ax,%ax
        0x66 => next.starts_with(&[0x90]),
        0xcc => !next.is_empty() && next[0] != 0xcc && earlier.last() != Some(&0xcc),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn settings(accelerator: Accelerator, cpus: u32) -> Settings {
        Settings {
            qemu: "qemu".into(),
            accelerator,
            memory: 256,
            cpus,
            command_line: String::new(),
            stop: Arc::default(),
        }
    }

    fn console(place: &str, code: &str) -> Vec<u8> {
        format!(
            "[    1.912044] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI\n\
             [    1.912100] CPU: 1 UID: 0 PID: 14 Comm: kworker/u8:1 Not tainted 6.12.9 #1\n\
             [    1.912150] Hardware name: QEMU Standard PC (Q35 + ICH9, 2009), BIOS 1.16.2 04/01/2014\n\
             [    1.912200] RIP: 0010:{place}\n\
             [    1.912250] Code: {code}\n\
             [    1.912300] RSP: 0018:ffffa0c280063e10 EFLAGS: 00000046\n\
             [    1.912350] Call Trace:\n\
             [    1.912400]  <TASK>\n\
             [    1.912450]  update_rq_clock+0x2b/0x150\n\
             [    1.912500]  __schedule+0xc5/0xbe0\n\
             [    1.912550]  schedule+0x27/0xd0\n\
             [    1.912600]  </TASK>\n\
             [    1.912650] ---[ end trace 0000000000000000 ]---\n"
        )
        .into_bytes()
    }

    const NOP: &str = "f3 0f 1e fa 53 48 89 fb 0f <1f> 44 00 00 e8 5d 11 00 00";

    fn is_error(place: &str, code: &str, phase: Phase) -> bool {
        emulator_error(&settings(Accelerator::Tcg, 2), &console(place, code), phase).is_some()
    }

    #[test]
    fn a_breakpoint_that_is_no_more_is_the_emulators() {
        let words = emulator_error(
            &settings(Accelerator::Tcg, 2),
            &console("sched_clock_cpu+0x9/0x30", NOP),
            Phase::Boot,
        );
        assert!(words.unwrap().contains("in sched_clock_cpu that the kernel was just patching"));
        let jump = "48 89 fb e9 <1b> 01 00 00 90";
        let still = "48 89 fb cc <1b> 01 00 00 90";
        for code in [NOP, jump, still, "48 89 fb 66 <90> 48 8b", "48 89 fb eb <12> 48 8b"] {
            assert!(is_error("sched_clock_cpu+0x9/0x30", code, Phase::Run), "{code}");
        }
    }

    #[test]
    fn a_breakpoint_of_the_kernels_own_is_the_kernels() {
        let padding = "c3 cc cc cc cc <cc> cc 90 90";
        let other = "48 89 fb 48 <8b> 43 08";
        for code in [padding, other, "Unable to access opcode bytes at 0x7.", "<0f> 1f 44 00 00"] {
            assert!(!is_error("lost_way+0x9/0x30", code, Phase::Boot), "{code}");
        }
        let module = "48 89 fb cc <48> 8b 43 08";
        assert!(!is_error("fault_init+0x9/0x30 [fault]", module, Phase::Run));
    }

    #[test]
    fn the_entry_of_a_function_may_be_traced_by_the_test() {
        assert!(!is_error("vfs_read+0x5/0x300", NOP, Phase::Run));
        assert!(is_error("vfs_read+0x5/0x300", NOP, Phase::Boot));
    }

    #[test]
    fn a_processor_and_a_single_thread_of_the_emulator_do_not_do_that() {
        let console = console("sched_clock_cpu+0x9/0x30", NOP);
        for (accelerator, cpus) in [(Accelerator::Kvm, 2), (Accelerator::Tcg, 1)] {
            assert_eq!(emulator_error(&settings(accelerator, cpus), &console, Phase::Boot), None);
        }
    }

    #[test]
    fn a_timer_that_a_busy_host_makes_late_is_the_emulators() {
        let panic = "Kernel panic - not syncing: IO-APIC + timer doesn't work!  Boot with apic=debug and send a report.";
        let console = format!(
            "[    0.110000] {panic}\n\
             [    0.120000] CPU: 0 UID: 0 PID: 1 Comm: swapper/0 Not tainted 6.12.9 #1\n\
             [    0.122000] Call Trace:\n\
             [    0.124000]  panic+0x31c/0x340\n\
             [    0.125000]  setup_IO_APIC+0x60d/0x8a0\n\
             [    0.130000] ---[ end {panic} ]---\n"
        );
        let error = |accelerator, phase| {
            emulator_error(&settings(accelerator, 1), console.as_bytes(), phase)
        };
        assert!(error(Accelerator::Tcg, Phase::Boot).unwrap().contains("no timer interrupt"));
        assert_eq!(error(Accelerator::Kvm, Phase::Boot), None);
        assert_eq!(error(Accelerator::Tcg, Phase::Run), None);
    }

    #[test]
    fn an_earlier_report_is_the_kernels() {
        let mut log =
            b"[    1.100000] BUG: kernel NULL pointer dereference, address: 0000000000000010\n\
            [    1.100001] RIP: 0010:sample_read+0x12/0x40\n\
            [    1.100002] Call Trace:\n[    1.100003]  vfs_read+0x1/0x2\n\
            [    1.100004] ---[ end trace 0000000000000000 ]---\n"
                .to_vec();
        log.extend(console("sched_clock_cpu+0x9/0x30", NOP));
        assert_eq!(emulator_error(&settings(Accelerator::Tcg, 2), &log, Phase::Boot), None);
    }
}
