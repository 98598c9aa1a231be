//! The last check before anything is printed: a statement that its lines are said to prove leaves only when the
//! verifier, which shares nothing with those who found it, reads the same in these lines.
//!
//! Invariant: memory is bounded by [`HELD_LIMIT`]; a statement whose lines were not held is not confirmed.

use analysis_claims::verify::{self, Judgement, Unconfirmed};
use model::{LineSpan, Statement};
use parse_console::{Line, LineReader};
use rayon::prelude::*;

/// Bytes of text that are held for statements which are not judged yet.
const HELD_LIMIT: usize = 8 << 20;
/// Lines after which those statements are judged whose lines have all come.
const BATCH: usize = 2_048;

/// A statement to be judged.
#[derive(Debug)]
struct Waiting<'a> {
    /// Its place among the statements given.
    at: usize,
    statement: &'a Statement,
    /// The last line that it needs.
    last: u64,
}

/// Judges statements while the log passes once more.
#[derive(Debug)]
pub(crate) struct Gate<'a> {
    /// The statements that still wait, by their last lines, the earliest at the end.
    waiting: Vec<Waiting<'a>>,
    /// Runs of lines that some statement needs, in order.
    wanted: Vec<LineSpan>,
    /// The run that comes next or is under way.
    run: usize,
    reader: LineReader,
    lines: Vec<Line<'static>>,
    held: usize,
    doubts: Vec<(usize, Judgement)>,
}

impl<'a> Gate<'a> {
    /// A gate at the start of the log for those of the statements that lines alone are said to prove.
    pub(crate) fn new(statements: impl IntoIterator<Item = &'a Statement>) -> Self {
        let all = statements.into_iter().enumerate();
        let mut waiting: Vec<Waiting<'a>> = all
            .filter(|(_, statement)| verify::is_provable(statement))
            .map(|(at, statement)| {
                let needed = verify::needed_lines(statement.lines());
                let last = needed.last().map_or(0, |span| span.last);
                Waiting { at, statement, last }
            })
            .collect();
        waiting.sort_by_key(|waiting| std::cmp::Reverse(waiting.last));
        Self {
            wanted: runs(&waiting),
            waiting,
            run: 0,
            reader: LineReader::new(),
            lines: Vec::new(),
            held: 0,
            doubts: Vec::new(),
        }
    }

    /// Takes the next line of the log, without its end.
    pub(crate) fn line(&mut self, number: u64, offset: u64, raw: &[u8]) {
        let Some(run) = self.wanted.get(self.run) else { return };
        let wanted = run.contains(number);
        // Lines of JSON depend on those before them.
        let begins_json = raw.trim_ascii_start().first().is_some_and(|b| b"{}\"]".contains(b));
        if !wanted && !begins_json {
            return;
        }
        let last = run.last;
        let (lines, held) = (&mut self.lines, &mut self.held);
        self.reader.read(raw, number, offset, |line| {
            if wanted && *held + line.text.len() <= HELD_LIMIT {
                *held += line.text.len();
                lines.push(line.into_owned());
            }
        });
        if wanted && number == last {
            self.run += 1;
            self.judge(number);
        } else if self.lines.len() >= BATCH && self.lines.len().is_power_of_two() {
            self.judge(number);
        }
    }

    /// Judges the statements whose lines have all come by line `number`, and forgets the lines nobody needs.
    fn judge(&mut self, number: u64) {
        let from = self.waiting.partition_point(|waiting| waiting.last > number);
        let due = self.waiting.split_off(from);
        if due.is_empty() {
            return;
        }
        let lines = &self.lines;
        self.doubts.par_extend(due.par_iter().filter_map(|waiting| {
            verify::doubt(waiting.statement, lines).map(|doubt| (waiting.at, doubt))
        }));
        let needed = runs(&self.waiting);
        self.lines.retain(|line| {
            let before = needed.partition_point(|run| run.last < line.number);
            needed.get(before).is_some_and(|run| run.first <= line.number)
        });
        self.held = self.lines.iter().map(|line| line.text.len()).sum();
    }

    /// Ends the log: the places of the statements that are not confirmed, in order, with what speaks against each.
    pub(crate) fn finish(mut self) -> Vec<(usize, Judgement)> {
        self.judge(u64::MAX);
        self.doubts.sort_by_key(|(at, _)| *at);
        self.doubts
    }
}

/// The runs of lines that these statements need, in order, those that meet as one.
fn runs(waiting: &[Waiting<'_>]) -> Vec<LineSpan> {
    let mut all: Vec<LineSpan> = waiting
        .iter()
        .flat_map(|waiting| verify::needed_lines(waiting.statement.lines()))
        .collect();
    all.sort_unstable_by_key(|span| (span.first, span.last));
    let mut runs: Vec<LineSpan> = Vec::new();
    for span in all {
        match runs.last_mut() {
            Some(last) if span.first <= last.last.saturating_add(1) => {
                last.last = last.last.max(span.last);
            }
            _ => runs.push(span),
        }
    }
    runs
}

/// Takes what is not confirmed out of lists of statements; `doubts` counts through all of them.
pub(crate) fn withhold(
    lists: [&mut Vec<Statement>; 3],
    doubts: Vec<(usize, Judgement)>,
) -> Vec<Unconfirmed> {
    let mut unconfirmed = Vec::new();
    let mut doubts = doubts.into_iter().peekable();
    let mut at = 0;
    for list in lists {
        let mut kept = Vec::with_capacity(list.len());
        for statement in list.drain(..) {
            match doubts.next_if(|(doubtful, _)| *doubtful == at) {
                Some((_, judgement)) => unconfirmed.push(Unconfirmed { statement, judgement }),
                None => kept.push(statement),
            }
            at += 1;
        }
        *list = kept;
    }
    unconfirmed
}

#[cfg(test)]
mod tests {
    use model::{Evidence, Grade, Predicate, RuleId};

    use super::*;

    fn said(grade: Grade, function: &str, lines: [u64; 2]) -> Statement {
        let predicate = Predicate::CrashPlace { function: function.into() };
        let evidence = Evidence::new(lines.map(LineSpan::line)).unwrap();
        Statement::new(predicate, grade, RuleId::R88, evidence)
    }

    fn passed(log: &str, list: Vec<Statement>) -> (Vec<Statement>, Vec<Unconfirmed>) {
        let mut gate = Gate::new(&list);
        for (raw, number) in log.lines().zip(1..) {
            gate.line(number, 0, raw.as_bytes());
        }
        let doubts = gate.finish();
        let mut statements = list;
        let unconfirmed = withhold([&mut statements, &mut Vec::new(), &mut Vec::new()], doubts);
        (statements, unconfirmed)
    }

    const LOG: &str = "BUG: kernel NULL pointer dereference, address: 0000000000000008
Oops: 0000 [#1] PREEMPT SMP
CPU: 0 PID: 9 Comm: w Not tainted 6.1.0 #1
RIP: 0010:shop_reset+0x1/0x9
Call Trace:
 shop_close+0x1/0x9
 ksys_write+0x1/0x9
";

    #[test]
    fn a_false_statement_does_not_leave_and_a_true_one_does() {
        let right = said(Grade::Seen, "shop_reset", [1, 4]);
        let wrong = said(Grade::Seen, "shop_close", [1, 4]);
        let guess = said(Grade::Guess, "shop_close", [1, 4]);
        let (left, withheld) = passed(LOG, vec![wrong.clone(), right.clone(), guess.clone()]);
        assert_eq!(left, [right, guess]);
        assert_eq!(withheld.len(), 1);
        assert_eq!(withheld[0].statement, wrong);
        assert!(!matches!(withheld[0].judgement, Judgement::Shown { .. }));
    }

    #[test]
    fn a_statement_is_judged_by_its_own_lines_wherever_others_stand() {
        let quiet = "usb 1-1: a message of a talkative driver\n".repeat(5_000);
        let log = format!("{LOG}{quiet}{LOG}");
        let behind = 7 + 5_000;
        let list = vec![
            said(Grade::Seen, "shop_reset", [1 + behind, 4 + behind]),
            said(Grade::Derived, "shop_reset", [1, 4]),
            // Cites the driver.
            said(Grade::Seen, "shop_reset", [900, 901]),
            // Cites lines that the log does not have.
            said(Grade::Seen, "shop_reset", [90_001, 90_004]),
        ];
        let (left, withheld) = passed(&log, list.clone());
        assert_eq!(left, list[..2]);
        assert_eq!(withheld.len(), 2);
    }
}
