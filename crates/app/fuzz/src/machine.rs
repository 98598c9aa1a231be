//! What runs programs, as the loop sees it.

use std::time::Duration;

use guest_programs::{Reply, Request};

/// A machine that runs programs in batches. It stays on the thread that started it.
pub trait Machine {
    /// How many batches can be submitted now.
    fn free(&self) -> usize;

    /// Gives it a batch.
    ///
    /// # Errors
    /// The batch itself, when there is no room for it.
    fn submit(&mut self, requests: Vec<Request>) -> Result<(), Vec<Request>>;

    /// Replies as they come; waits for the first up to `wait`.
    ///
    /// # Errors
    /// When the machine is lost. It takes nothing more then.
    fn replies(&mut self, wait: Duration) -> Result<Vec<Reply>, Box<Lost>>;

    /// Marks a signal as known: programs that ask for new edges only do not get it again.
    fn know(&mut self, signal: u32);
}

/// Where machines come from. All begin in the same state.
pub trait Machines: Sync {
    /// Starts one.
    ///
    /// # Errors
    /// Why it cannot be started, in words.
    fn start(&self) -> Result<Box<dyn Machine>, String>;
}

/// What is left of a machine.
#[derive(Debug, Clone, Default)]
pub struct Lost {
    /// Title of the crash; absent where the machine failed and the kernel did not.
    pub title: Option<String>,
    /// The console.
    pub log: Vec<u8>,
    /// Replies that were not taken yet.
    pub replies: Vec<Reply>,
    /// Programs that were running, and how many of their calls had begun.
    pub running: Vec<(Request, u32)>,
    /// Programs that had not begun.
    pub waiting: Vec<Request>,
}
