//! Claims with their judgements as text, and the page that tells how to emit claims.

use std::fmt::Write as _;

use analysis_claims::Report;
use analysis_claims::verify::{Judgement, Log, Need};
use model::{Assertion, LineSpan};

use crate::{Escaped, sentence};

/// Columns of a line of a page.
const WIDTH: usize = 100;
/// The longest quotation of a line of a log, in characters.
const LONGEST_QUOTE: usize = 160;

/// The claims, each with its judgement, the lines and their text.
pub fn judgements(log: &Log, claims: &[(Assertion, Judgement)]) -> String {
    let count = |wanted: fn(&Judgement) -> bool| claims.iter().filter(|(_, j)| wanted(j)).count();
    let mut out = format!(
        "Claims    {}: {} supported, {} contradicted, {} not shown\n\n",
        claims.len(),
        count(|judgement| matches!(judgement, Judgement::Shown { .. })),
        count(|judgement| matches!(judgement, Judgement::Contradicted { .. })),
        count(|judgement| matches!(judgement, Judgement::NotShown { .. })),
    );
    for (number, (claim, judgement)) in claims.iter().enumerate() {
        one(&mut out, log, number + 1, claim, judgement);
    }
    out
}

fn one(out: &mut String, log: &Log, number: usize, claim: &Assertion, judgement: &Judgement) {
    let said = sentence(&claim.predicate);
    let (word, lines) = match judgement {
        Judgement::Shown { lines } => ("SUPPORTED", lines.as_slice()),
        Judgement::Contradicted { lines, .. } => ("CONTRADICTED", lines.as_slice()),
        Judgement::NotShown { .. } => ("NOT SHOWN", &[][..]),
    };
    let cited: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let _ = writeln!(out, "{number:>3} {word:<13} {}   {}", Escaped(&said), cited.join(" "));
    match judgement {
        Judgement::Shown { .. } => {}
        Judgement::Contradicted { found, .. } => {
            let _ = writeln!(out, "{:18}but: {}", "", Escaped(&sentence(found)));
            quote(out, log, lines);
        }
        Judgement::NotShown { need } => {
            let _ = writeln!(out, "{:18}needed: {}", "", need_in_words(*need));
        }
    }
}

/// The first lines that say otherwise, as they stand in the log.
fn quote(out: &mut String, log: &Log, lines: &[LineSpan]) {
    for span in lines.iter().take(3) {
        if let Some(text) = log.text(span.first) {
            let short: String = text.trim().chars().take(LONGEST_QUOTE).collect();
            let _ = writeln!(out, "{:18}{span}: {}", "", Escaped(&short));
        }
    }
}

/// What becomes of a written analysis: its quotations, its plain sentences, its form.
pub fn analysis(report: &Report) -> String {
    let mut out = String::new();
    if report.renumbered {
        out.push_str("Input     a mail in base64: lines are counted in its decoded text\n");
    }
    match (report.has_log, report.compared, report.altered.len()) {
        (false, ..) => out.push_str("Log       none: judged by the lines that the text quotes\n"),
        (true, 0, _) => out.push_str("Quoted    no line of the log\n"),
        (true, compared, 0) => {
            let _ = writeln!(out, "Quoted    {compared} lines, all of them in the log");
        }
        (true, compared, altered) => {
            let _ = writeln!(out, "Quoted    {compared} lines, {altered} of them not in the log");
        }
    }
    for altered in &report.altered {
        let _ = writeln!(out, "  L{}: {}", altered.line, Escaped(&altered.quoted));
        if let Some((line, text)) = &altered.log {
            let _ = writeln!(out, "      log L{line}: {}", Escaped(text));
        }
    }
    out.push('\n');
    if report.claims.is_empty() {
        out.push_str("Claims    none that is a plain sentence of one fact; `ktriage claims` tells how to write them\n");
    } else {
        let claims: Vec<(Assertion, Judgement)> =
            report.claims.iter().map(|c| (c.claim.clone(), c.judgement.clone())).collect();
        out.push_str(&judgements(&report.log, &claims));
    }
    if !report.form.is_empty() {
        out.push_str("\nForm\n");
    }
    for finding in &report.form {
        let lines: Vec<String> = finding.lines.iter().map(ToString::to_string).collect();
        let _ =
            writeln!(out, "  {} {}   {}", finding.rule, Escaped(&finding.text), lines.join(" "));
    }
    out
}

/// What would show a claim.
pub const fn need_in_words(need: Need) -> &'static str {
    match need {
        Need::Version => {
            "a line with the kernel's release (`Linux version`, or `CPU: … Comm: …` of a report)"
        }
        Need::Report => "the report of it, from its first line",
        Need::Stack => "the report with its whole stack",
        Need::SymbolisedStack => {
            "the stack with inlined functions (scripts/decode_stacktrace.sh, `ktriage symbolize`)"
        }
        Need::ObjectStacks => "the `Allocated by` and `Freed by` stacks of the memory report",
        Need::ObjectDescription => "the lines about the object at the end of the memory report",
        Need::Registers => "the register dump and the `Code:` line",
        Need::TaskDump => {
            "the stack of that task (hung task report, or `echo w > /proc/sysrq-trigger`)"
        }
        Need::HeldLocks => {
            "the lists of held locks (CONFIG_LOCKDEP, `echo d > /proc/sysrq-trigger`)"
        }
        Need::RcuStall => "the whole report of the RCU stall",
        Need::CpuBacktraces => "backtraces of all CPUs (`echo l > /proc/sysrq-trigger`)",
        Need::BusyWorkqueues => {
            "the dump of workqueues and worker pools (`echo t > /proc/sysrq-trigger`)"
        }
        Need::Lockdep => "the lockdep report",
        Need::MemInfo => "the Mem-Info block of the failed allocation or OOM kill",
        Need::WholeLog => "the whole log",
        Need::Events => "lines that link the two events: name them in `lines`",
        Need::Knowledge => "the source of that kernel (--tree DIR): no line of a log tells it",
    }
}

/// How to write claims, with an example a family.
pub fn claims_page() -> String {
    let mut out = String::from(INTRODUCTION);
    for (family, examples) in EXAMPLES {
        let _ = writeln!(out, "\n{family}");
        for example in *examples {
            let _ = writeln!(out, "  {example}");
        }
    }
    out.push_str("\nPredicates\n");
    let mut line = String::from(" ");
    for name in model::Predicate::names() {
        if line.len() + name.len() + 1 > WIDTH {
            let _ = writeln!(out, "{line}");
            line = String::from(" ");
        }
        let _ = write!(line, " {name}");
    }
    let _ = writeln!(out, "{line}");
    out
}

const INTRODUCTION: &str = "\
A claim is one JSON object: `predicate` says what kind of statement it is, the other fields are its
arguments. `lines` may name the lines that are meant to show it. Write a list of them, or one a line.

  ktriage check --claims claims.json --log console.log

judges each one by the log alone: SUPPORTED with the lines that show it, CONTRADICTED with the line that
says otherwise, or NOT SHOWN with what would show it. Nothing that is likely counts: only what stands there.
`ktriage diagnose --json LOG` prints claims of this form, and its whole output is read.
`ktriage claims --schema` prints the JSON schema with all predicates and arguments.

  - Functions without offset and without what compilers add (`.isra.0`, `.cold`).
  - Numbers exactly as the log has them; addresses and register values as strings in hexadecimal.
  - One claim, one fact: split \"a 64-byte read in f() by task a\" into access, crash_place and current_task.
  - Leave out an optional argument that you do not know. Do not guess it.
";

/// Claims of each family, as they are to be written.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "The source and its history (judged with --tree DIR)",
        &[
            r#"{"predicate":"defined_in","function":"foo_release","file":"drivers/foo/core.c"}"#,
            r#"{"predicate":"calls","caller":"foo_release","function":"foo_put"}"#,
            r#"{"predicate":"commit_exists","commit":"0123456789ab","title":"foo: count users"}"#,
            r#"{"predicate":"first_in_release","commit":"0123456789ab","release":"v6.12"}"#,
        ],
    ),
    (
        "A crash",
        &[
            r#"{"predicate":"fault_kind","kind":"use_after_free"}"#,
            r#"{"predicate":"crash_place","function":"foo_release"}"#,
            r#"{"predicate":"called_by","function":"foo_release","caller":"foo_close"}"#,
            r#"{"predicate":"access","access":"read","size":8}"#,
            r#"{"predicate":"system_call","name":"close"}"#,
            r#"{"predicate":"execution_context","context":"softirq"}"#,
            r#"{"predicate":"current_task","task":{"name":"worker","pid":412},"lines":[[31,31]]}"#,
        ],
    ),
    (
        "The object of a memory report",
        &[
            r#"{"predicate":"object","cache":"kmalloc-1k","size":1024}"#,
            r#"{"predicate":"object_offset","side":"right","distance":0,"region":544}"#,
            r#"{"predicate":"object_function","role":"free","function":"foo_free"}"#,
            r#"{"predicate":"object_task","role":"free","task":{"pid":444}}"#,
            r#"{"predicate":"same_task","first":"allocation","second":"free","same":true}"#,
        ],
    ),
    (
        "Addresses and registers",
        &[
            r#"{"predicate":"fault_address","address":"0x330"}"#,
            r#"{"predicate":"address_meaning","address":"0x190","meaning":{"kind":"near_null"}}"#,
            r#"{"predicate":"register","register":"RDI","value":"0xdead000000000100"}"#,
        ],
    ),
    (
        "Tasks that hang",
        &[
            r#"{"predicate":"blocked_for","task":{"name":"fsstress","pid":812},"seconds":143}"#,
            r#"{"predicate":"waits_for","waiter":{"kind":"task","task":{"pid":812}},"target":{"kind":"some_lock","lock":"mutex"},"kind":"lock"}"#,
            r#"{"predicate":"holds","task":{"pid":801},"lock":{"class":"&foo->lock"}}"#,
        ],
    ),
    (
        "CPUs, RCU and workqueues",
        &[
            r#"{"predicate":"cpu_stuck","cpu":19,"seconds":22}"#,
            r#"{"predicate":"grace_period_thread_starved","jiffies":2602,"cpu":1}"#,
            r#"{"predicate":"work_in_flight","function":"foo_work","worker":{"pid":71},"seconds":57507}"#,
            r#"{"predicate":"idle_workers","pool":22,"count":2}"#,
        ],
    ),
    (
        "Locks and atomic context",
        &[
            r#"{"predicate":"lock_order","first":{"class":"&a->lock"},"then":{"class":"&b->lock"}}"#,
            r#"{"predicate":"atomic_context","field":"preempt_count","value":1,"expected":0}"#,
        ],
    ),
    (
        "Memory",
        &[
            r#"{"predicate":"allocation","order":4,"gfp":"GFP_KERNEL|__GFP_COMP"}"#,
            r#"{"predicate":"oom_limit","constraint":"memcg"}"#,
            r#"{"predicate":"killed","task":{"name":"stress","pid":901}}"#,
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_of_the_page_is_read_as_a_claim() {
        for (family, examples) in EXAMPLES {
            for example in *examples {
                let claims = analysis_claims::claim::read(example);
                assert!(claims.is_ok_and(|claims| claims.len() == 1), "{family}: {example}");
            }
        }
    }

    #[test]
    fn a_judgement_quotes_the_line_that_says_otherwise_without_escape_sequences() {
        let log = Log::read(b"BUG: KASAN: double-free in \x1b[31mdo_it+0x1/0x2\nCPU: 1 PID: 2 Comm: a\x07b Not tainted 6.1.0 #1\n");
        let claims =
            analysis_claims::claim::read(r#"{"predicate":"current_task","task":{"name":"c"}}"#)
                .unwrap();
        let judged: Vec<_> = claims
            .into_iter()
            .map(|claim| {
                let judgement = analysis_claims::verify::verify_assertion(&log, &claim);
                (claim, judgement)
            })
            .collect();
        let text = judgements(&log, &judged);
        assert!(text.contains("1 contradicted") && text.contains("L2: CPU: 1 PID: 2"), "{text}");
        assert!(!text.contains('\x1b') && !text.contains('\x07'), "{text:?}");
    }
}
