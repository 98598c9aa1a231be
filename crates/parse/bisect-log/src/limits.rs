//! How much of a log is kept. Far above any real log: the longest of 507 read has 5,000 lines and 134
//! tests.

/// Lines read; later ones are named as a problem.
pub const LINES: usize = 200_000;
/// Bytes kept of one line.
pub const LINE_BYTES: usize = 2_048;
/// Tests kept.
pub const TESTS: usize = 1_024;
/// Run lines kept of one test; syzbot makes 20 at most.
pub const RUNS: usize = 128;
/// Commits kept of a list of candidates.
pub const CANDIDATES: usize = 20_000;
/// Lines kept of a commit's message.
pub const MESSAGE_LINES: usize = 1_000;
/// Changed paths kept of a commit, and frames kept of a crash report.
pub const PATHS: usize = 4_096;
/// Problems kept.
pub const PROBLEMS: usize = 100;
