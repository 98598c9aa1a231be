//! Ctrl-C and a request to terminate: the first one ends the work in order, the second one at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::TERM_SIGNALS;
use signal_hook::{flag, low_level::pipe};

use crate::failure::Failure;

/// Exit status of a shell for a program that SIGINT ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// A flag that is set when the user wants to stop. From then on a signal no longer ends the program by
/// itself; what works asks the flag between two of its steps.
pub(crate) fn flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let (mut reader, writer) = std::io::pipe()?;
    for signal in TERM_SIGNALS {
        // In this order: a signal that finds the flag set ends the program, else it sets the flag.
        flag::register_conditional_shutdown(*signal, INTERRUPTED.into(), Arc::clone(&stop))?;
        flag::register(*signal, Arc::clone(&stop))?;
        pipe::register(*signal, writer.try_clone()?)?;
    }
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        // The writers live as long as the program.
        if std::io::Read::read_exact(&mut reader, &mut [0]).is_ok() {
            crate::output::message("stopping (once more to end at once)");
        }
    })?;
    Ok(stop)
}
