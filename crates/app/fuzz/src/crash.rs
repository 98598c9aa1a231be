//! A crash, and what was running before it.

use std::sync::Arc;

use analysis_fuzz::Program;

use crate::reproduce::Reproduced;

/// A machine that crashed.
#[derive(Debug, Clone)]
pub struct Crash {
    /// Its title.
    pub title: String,
    /// The console.
    pub log: Vec<u8>,
    /// Programs that were running.
    pub running: Vec<Arc<Program>>,
    /// Programs that ran on this machine, oldest first, with those that were running last.
    pub history: Vec<Arc<Program>>,
}

/// A crash with what came of it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The crash as it was first seen.
    pub crash: Crash,
    /// What provokes it; absent if nothing did.
    pub reproduced: Option<Reproduced>,
}
