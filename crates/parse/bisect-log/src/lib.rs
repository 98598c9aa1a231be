//! Reads the log of a bisection: syzbot's, in its older and newer shapes, and `git bisect log`.
//!
//! Bytes in, facts with line numbers out. Nothing is judged here: a verdict is what the log says.
//!
//! Invariants: does no I/O; never panics; memory is bounded by the limits in [`limits`] whatever the
//! input is; what was left out for a limit is in [`BisectLog::problems`]. Text is kept as it stood and
//! is foreign: whoever prints it escapes it.

mod changed;
mod git;
pub mod limits;
mod log;
mod mended;
mod named;
mod scan;
mod syzbot;
mod trace;

pub use changed::ChangedPath;
pub use log::{
    Answer, BisectLog, Dialect, Direction, FinalCrash, Located, Mark, Outcome, Phase, Problem,
    Progress, Range, Release, RunLine, Runs, Test, Totals, Verdict,
};
pub use named::NamedCommit;
pub use trace::TraceFrame;

use scan::Lines;

/// Reads a log. Any input gives a result; one that is no bisection log gives [`Dialect::Unknown`].
pub fn read(bytes: &[u8]) -> BisectLog {
    let lines = Lines::new(bytes);
    let mut log = match dialect(&lines) {
        Dialect::Syzbot => syzbot::read(&lines),
        Dialect::GitBisect => git::read(&lines),
        Dialect::Unknown => BisectLog::empty(Dialect::Unknown),
    };
    if let Some(line) = lines.cut_at() {
        log.problems.push(Problem {
            line,
            what: format!("only the first {} lines are read", limits::LINES),
        });
    }
    log
}

/// Which program wrote the log, told by the first line that only that program writes.
fn dialect(lines: &Lines<'_>) -> Dialect {
    for (_, line) in lines.iter() {
        let syzbot = [
            "bisecting cause commit",
            "bisecting fixing commit",
            "testing commit ",
            "ensuring issue is",
        ];
        if syzbot.iter().any(|start| line.starts_with(start)) || line.contains(" starts bisection ")
        {
            return Dialect::Syzbot;
        }
        if line.starts_with("git bisect ")
            || line.starts_with("'git' 'bisect' ")
            || line.starts_with("git-bisect ")
        {
            return Dialect::GitBisect;
        }
    }
    Dialect::Unknown
}
