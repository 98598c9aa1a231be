//! Guests as machines of the loop.

use std::time::Duration;

use app_guests::{Base, Cause, Guest, Loss};
use guest_programs::{Reply, Request};

use crate::machine::{Lost, Machine, Machines};

impl Machines for Base {
    fn start(&self) -> Result<Box<dyn Machine>, String> {
        Self::start(self)
            .map(|guest| Box::new(guest) as Box<dyn Machine>)
            .map_err(|error| error.to_string())
    }
}

impl Machine for Guest {
    fn free(&self) -> usize {
        Self::free(self)
    }

    fn submit(&mut self, requests: Vec<Request>) -> Result<(), Vec<Request>> {
        Self::submit(self, requests)
    }

    fn replies(&mut self, wait: Duration) -> Result<Vec<Reply>, Box<Lost>> {
        Self::replies(self, wait).map_err(|loss| Box::new(lost(*loss)))
    }

    fn know(&mut self, signal: u32) {
        Self::know(self, signal);
    }
}

fn lost(loss: Loss) -> Lost {
    let title = match &loss.cause {
        Cause::Crashed(_) | Cause::Ended(_) | Cause::Hung => Some(loss.title()),
        // What the emulator or a program in the guest broke says nothing of the kernel.
        Cause::Broken(_) | Cause::Emulator(_) => None,
    };
    Lost {
        title: title.filter(|title| !title.is_empty()),
        log: loss.console,
        replies: loss.replies,
        running: loss.running.into_iter().map(|one| (one.request, one.calls)).collect(),
        waiting: loss.waiting,
    }
}
