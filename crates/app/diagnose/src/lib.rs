//! The use case "diagnose one input": its bytes pass once, piece by piece, through everything that reads a log.
//!
//! Invariants: an input is read once, whatever is wanted of it; memory is bounded however long it is (lines to quote
//! wait in a temporary file); what its lines alone are said to prove leaves only when the verifier confirms it; prints
//! nothing.

mod excerpt;
mod gate;
mod registers;
mod sources;
mod spool;
mod titles;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use analysis_claims::verify::Unconfirmed;
use analysis_hang::{Diagnosis, KnownReport, add_reports, conclude};
use analysis_identity::{RelationKind, Reports};
use analysis_symbolize::FactsReader;
use app_symbolize::Symbolizer;
use model::{Notice, Statement};
use parse_console::reports::Printer;

use self::excerpt::Excerpt;
use self::gate::Gate;
use self::sources::Stacks;
use self::spool::Spool;

/// Bytes at the start of an input whose registers are read.
const START_LIMIT: usize = 4 << 20;
/// Pieces from this size on are read by both engines at once.
const WORTH_A_THREAD: usize = 64 << 10;

/// Why an input could not be diagnosed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program that the user named could not be read.
    #[error(transparent)]
    Program(#[from] io_symbols::SymbolError),
    /// The kernel of the log is not there, or cannot be read.
    #[error(transparent)]
    Kernel(#[from] app_symbolize::Error),
    /// The lines to quote could not be kept.
    #[error("cannot keep the input in a temporary file")]
    Spool(#[source] io::Error),
}

/// What is wanted beyond the diagnosis.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The text of the cited lines.
    pub quotes: bool,
    /// Programs in which faults of user space are looked up.
    pub programs: Vec<PathBuf>,
    /// The kernel, by which files and lines are told.
    pub symbols: Option<Arc<Mutex<Symbolizer>>>,
}

/// Everything that one input tells.
#[derive(Debug)]
pub struct Diagnosed {
    /// What happened first, who waits for whom.
    pub diagnosis: Diagnosis,
    /// The crash reports as `ktriage report` gives them, without their texts.
    pub reports: Reports,
    /// What registers, faults and code bytes say.
    pub registers: Vec<Statement>,
    /// Files and lines; empty unless wanted.
    pub sources: Vec<Statement>,
    /// The cited lines with some around them, by number; empty unless wanted.
    pub excerpt: BTreeMap<u64, String>,
    /// What the lines that it cites do not show, so that it is said nowhere else.
    pub unconfirmed: Vec<Unconfirmed>,
    /// What was not read or kept.
    pub notices: Vec<Notice>,
}

/// Takes an input piece by piece.
#[derive(Debug)]
pub struct Reader {
    wanted: Wanted,
    events: analysis_hang::LogReader,
    reports: analysis_identity::LogReader,
    start: Vec<u8>,
    size: u64,
    spool: Spool,
    facts: Option<FactsReader>,
}

impl Reader {
    /// A reader at the start of an input.
    pub fn new(wanted: Wanted) -> Self {
        let facts = wanted.symbols.is_some().then(FactsReader::new);
        Self {
            wanted,
            facts,
            events: analysis_hang::LogReader::new(),
            reports: analysis_identity::LogReader::of_names(),
            start: Vec::new(),
            size: 0,
            spool: Spool::new(),
        }
    }

    /// Takes the next piece, of any length.
    pub fn push(&mut self, piece: &[u8]) {
        self.size += piece.len() as u64;
        let room = START_LIMIT - self.start.len();
        self.start.extend_from_slice(&piece[..piece.len().min(room)]);
        let (events, reports) = (&mut self.events, &mut self.reports);
        if piece.len() >= WORTH_A_THREAD {
            rayon::join(|| events.push(piece), || reports.push(piece));
        } else {
            events.push(piece);
            reports.push(piece);
        }
        if let Some(facts) = &mut self.facts {
            facts.push(piece);
        }
        self.spool.push(piece);
    }

    /// Ends the input. `renumbered` says that its lines have other numbers than in the file.
    pub fn finish(self, renumbered: bool) -> Result<Diagnosed, Error> {
        let mut seen = self.events.finish();
        let reports = self.reports.finish();
        add_reports(&mut seen, known(&reports));
        titles::name(&mut seen.events, &reports.reports);
        let mut diagnosis = conclude(seen);
        let is_log = !diagnosis.seen.events.is_empty();
        // A log without events has no dump worth reading.
        let mut registers = match is_log {
            true => registers::statements(&self.start, &self.wanted.programs)?,
            false => Vec::new(),
        };
        let mut notices = Vec::new();
        if renumbered {
            notices.push(Notice::Renumbered);
        }
        let bytes = START_LIMIT as u64;
        if self.size > bytes && is_log {
            notices.push(Notice::RegistersCut { bytes });
        }
        if diagnosis.seen.dropped > 0 {
            let kept = analysis_hang::EVENT_LIMIT as u64;
            notices.push(Notice::EventsCounted { kept, counted: diagnosis.seen.dropped });
        }
        let mut excerpt = match self.wanted.quotes {
            true => Excerpt::new(&diagnosis, &registers),
            false => Excerpt::default(),
        };
        let mut stacks = Stacks::new(&diagnosis, self.wanted.symbols.is_some());
        let said = [&diagnosis.statements, &diagnosis.hypotheses, &registers];
        let mut gate = Gate::new(said.into_iter().flatten());
        if is_log {
            let replayed = self.spool.replay(|number, offset, raw| {
                excerpt.line(number, raw);
                gate.line(number, offset, raw);
                stacks.line(number, offset, raw);
            });
            replayed.map_err(Error::Spool)?;
        }
        let doubts = gate.finish();
        let said = [&mut diagnosis.statements, &mut diagnosis.hypotheses, &mut registers];
        let unconfirmed = gate::withhold(said, doubts);
        let sources = match (self.wanted.symbols, self.facts) {
            (Some(symbols), Some(facts)) if is_log => {
                let mut symbols = symbols.lock().unwrap_or_else(PoisonError::into_inner);
                let reports = &reports.reports;
                stacks.statements(&mut symbols, facts.finish(), &diagnosis, reports)?
            }
            _ => Vec::new(),
        };
        let excerpt = excerpt.finish();
        Ok(Diagnosed { diagnosis, reports, registers, sources, excerpt, unconfirmed, notices })
    }
}

/// Diagnoses an input that is in memory.
pub fn diagnose(input: &[u8], wanted: Wanted) -> Result<Diagnosed, Error> {
    let mut reader = Reader::new(wanted);
    reader.push(input);
    reader.finish(false)
}

/// The crash reports of the kernel's own, as a stamp or a printer in front of them shows.
fn known(reports: &Reports) -> impl Iterator<Item = KnownReport> {
    let own = reports.reports.iter().filter(|report| {
        let of_kernel = report.row.is_none_or(|row| row.printer == Printer::Kernel);
        // What says the same again is counted by its first report.
        let again = report.relation.is_some_and(|relation| relation.kind == RelationKind::Repeat);
        of_kernel && !again && (report.stamp.is_some() || report.caller.is_some())
    });
    own.map(|report| KnownReport {
        line: report.header_line,
        lines: report.lines,
        title: report.title.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_the_kernel_is_an_event_and_that_of_a_program_is_none() {
        for (line, events) in [
            ("Oops - illegal instruction [#1]", 1),
            ("Division by zero in kernel.", 1),
            ("Reserved instruction in kernel code[#1]:", 1),
            ("Kernel ale access[#1]:", 1),
            ("do_fpe invoked from kernel context![#1]:", 1),
            ("panic: marl bed out of range", 0),
            ("fatal error: marl bed out of range", 0),
        ] {
            let log = format!(
                "[   12.000000] {line}\n[   12.000001] CPU: 0 PID: 71 Comm: marld Not tainted 6.9.0 #1\n[   12.000002] Call Trace:\n[   12.000003] [<ffffffff80123456>] marl_turn+0x14/0x80\n"
            );
            let found = diagnose(log.as_bytes(), Wanted::default()).unwrap();
            assert_eq!(found.reports.reports.len(), 1, "{line}");
            assert_eq!(found.diagnosis.seen.events.len(), events, "{line}");
        }
    }

    #[test]
    fn an_input_of_many_pieces_is_read_like_one() {
        let mut log = String::from(
            "[   50.000000] watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [w:77]\n[   50.000001] CPU: 3 PID: 77 Comm: w Not tainted 6.1.0 #1\n[   50.000002] RIP: 0010:spin_here+0x1/0x9\n[   50.000003] Call Trace:\n[   50.000004]  my_work+0x1/0x9\n",
        );
        for line in 0..40_000 {
            log += &format!("[   60.000000] usb 1-1: message {line} of a talkative driver\n");
        }
        let wanted = Wanted { quotes: true, ..Wanted::default() };
        let whole = diagnose(log.as_bytes(), wanted.clone()).unwrap();
        let mut reader = Reader::new(wanted);
        log.as_bytes().chunks(1000).for_each(|piece| reader.push(piece));
        let pieces = reader.finish(false).unwrap();
        let titles = |read: &Diagnosed| -> Vec<Vec<String>> {
            read.diagnosis.seen.events.iter().map(|event| event.titles.clone()).collect()
        };
        assert_eq!(titles(&whole), titles(&pieces));
        assert_eq!(whole.excerpt, pieces.excerpt);
        assert_eq!(whole.reports.reports[0].title, titles(&whole)[0][0]);
        assert!(whole.excerpt[&1].contains("soft lockup"), "{:?}", whole.excerpt);
    }
}
