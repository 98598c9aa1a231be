//! R84: what happened before the first report of a log, as its taint tells.

use model::TaintMeaning;

use crate::collect::Observations;
use crate::event::{Event, EventKind};

/// Something that the first report's taint tells of and the log does not show.
#[derive(Clone, Copy, Debug)]
pub struct Unseen {
    /// The line with the taint.
    pub line: u64,
    /// The letter.
    pub letter: char,
    /// What happened.
    pub meaning: TaintMeaning,
    /// It left the kernel damaged, so that nothing in this log can be called the first cause.
    pub fatal: bool,
}

/// kernel/panic.c `taint_flags`.
const TAINTS: &[(char, TaintMeaning, bool)] = &[
    ('D', TaintMeaning::Oops, true),
    ('B', TaintMeaning::BadPage, true),
    ('M', TaintMeaning::MachineCheck, false),
    ('L', TaintMeaning::SoftLockup, false),
    ('W', TaintMeaning::Warning, false),
];

/// Whether an event of the kind taints the kernel so.
fn taints(event: &Event, meaning: TaintMeaning) -> bool {
    match meaning {
        TaintMeaning::Oops => event.kind.is_trap() || event.kind == EventKind::Panic,
        TaintMeaning::BadPage => event.kind.is_corruption(),
        TaintMeaning::MachineCheck => event.kind == EventKind::Hardware,
        TaintMeaning::SoftLockup => event.kind == EventKind::SoftLockup,
        TaintMeaning::Warning => {
            matches!(event.kind, EventKind::Warning | EventKind::Ubsan) || event.kind.is_misuse()
        }
    }
}

/// What a kernel was tainted by when it printed the first report of a boot. The pieces of a log may stand in another
/// order than they were printed: what is shown anywhere in that boot, and not later, is not missing.
pub fn unseen(seen: &Observations, boot: u32) -> Option<Unseen> {
    let (letters, line) = seen.kernels.of(boot).taint.as_ref()?;
    let own = seen.events.iter().find(|event| event.lines.contains(*line))?;
    let (letter, meaning, fatal) = *TAINTS.iter().find(|(letter, ..)| letters.contains(*letter))?;
    let first = seen.events.iter().all(|event| event.boot != own.boot || event.id >= own.id);
    let later = |event: &Event| match (own.at, event.at) {
        (Some(own), Some(at)) => seen.clock.between(own, at).is_some_and(|gap| gap > 0),
        _ => event.id > own.id,
    };
    let shown = seen.events.iter().any(|event| {
        event.boot == own.boot && event.id != own.id && taints(event, meaning) && !later(event)
    });
    // Kernels before 4.x taint before they print the warning itself.
    let itself = letter == 'W' && own.kind == EventKind::Warning;
    (first && !shown && !itself).then_some(Unseen { line: *line, letter, meaning, fatal })
}
