//! Ctrl-C and a request to terminate: the first one ends the work in order, the second one at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// Exit status of a shell for a program that SIGINT ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// A flag that is set when the user wants to stop. From then on a signal no longer ends the program by
/// itself; what works asks the flag between two of its steps.
pub(crate) fn flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let signals = {
        let _context = runtime.enter();
        [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]
    };
    let flag = Arc::clone(&stop);
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(watch(signals, &flag));
    })?;
    Ok(stop)
}

async fn watch([mut interrupt, mut terminate]: [Signal; 2], flag: &AtomicBool) {
    loop {
        std::future::poll_fn(|context| {
            let interrupted = interrupt.poll_recv(context);
            if interrupted.is_ready() { interrupted } else { terminate.poll_recv(context) }
        })
        .await;
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
        crate::output::message("stopping (once more to end at once)");
    }
}
