//! What is left when a guest is lost.

use analysis_identity::CrashReport;
use guest_programs::{Reply, Request};

/// Why a guest is lost.
#[derive(Clone, Debug)]
pub enum Cause {
    /// Its kernel reported a crash.
    Crashed(Vec<CrashReport>),
    /// It ended or rebooted without a report.
    Ended(String),
    /// Programs did not come to their end, and nothing was reported.
    Hung,
    /// The executor or the agent is gone, or the shared memory holds what cannot be.
    Broken(String),
    /// The emulator failed; this says nothing of the kernel.
    Emulator(String),
}

/// A program that was running.
#[derive(Clone, Debug)]
pub struct Running {
    /// The program.
    pub request: Request,
    /// How many of its calls had been begun.
    pub calls: u32,
    /// By which process of the guest.
    pub lane: u32,
}

/// What is left of a guest.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Why.
    pub cause: Cause,
    /// The console since the snapshot.
    pub console: Vec<u8>,
    /// Replies that had not been taken yet.
    pub replies: Vec<Reply>,
    /// What was running.
    pub running: Vec<Running>,
    /// What had not been begun.
    pub waiting: Vec<Request>,
}

impl Loss {
    /// The title of the first report, or the loss in a few words.
    pub fn title(&self) -> String {
        match &self.cause {
            Cause::Crashed(reports) => {
                reports.first().map_or_else(String::new, |report| report.title.clone())
            }
            Cause::Ended(_) => "lost connection to the guest".to_owned(),
            Cause::Hung => "no output from the guest".to_owned(),
            Cause::Broken(reason) | Cause::Emulator(reason) => reason.clone(),
        }
    }
}
