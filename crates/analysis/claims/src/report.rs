//! The whole judgement of one analysis: what it is, what its stacks show, what becomes of its claims.
//!
//! Invariants: the verdict never goes further than the graph; what is not shown is asked for.

use std::sync::LazyLock;

use analysis_hang::event::Snapshot;
use analysis_hang::graph::NodeKind;
use analysis_hang::{stack, wait};
use model::{Claim, Grade, LineSpan, RuleName};
use parse_console::Line;
use regex::Regex;

use crate::claims::{self, JudgedClaim};
use crate::document::{self, Document};
use crate::evidence::{self, Cited, End, Evidence, Exhibit, Source};
use crate::form::{self, FormFinding};
pub use crate::judge::source::NamedCommit;
use crate::judge::source::named_commits;
use crate::judge::waits::srcu_workers;
use crate::verdict::Verdict;

/// A task with what its stack shows.
#[derive(Clone, Debug)]
pub struct TaskFinding {
    /// `name[pid]`.
    pub task: String,
    /// Statements about it.
    pub claims: Vec<Claim>,
}

/// One wait of the rebuilt graph.
#[derive(Clone, Debug)]
pub struct GraphEdge {
    /// Who waits.
    pub from: String,
    /// For what or whom.
    pub to: String,
    /// In words.
    pub waits_for: String,
    /// The lines that show it.
    pub lines: Vec<Cited>,
    /// The rule.
    pub rule: &'static str,
    /// How sure.
    pub grade: Grade,
}

/// What the graph as a whole says.
#[derive(Clone, Debug)]
pub struct GraphVerdict {
    /// One of the kinds of the diagnosis (`deadlock`, `starvation`, `leak`, …), `elsewhere` where the
    /// chain leaves the kernel, or `none` where no wait can be read.
    pub kind: &'static str,
    /// In words.
    pub statement: String,
    /// How sure the chain is.
    pub chain: &'static str,
    /// What is known of the cause at its end.
    pub cause: String,
}

/// The judgement of one analysis.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the input is.
    pub input: String,
    /// The kernel it speaks of.
    pub kernel: Vec<Claim>,
    /// The tasks.
    pub tasks: Vec<TaskFinding>,
    /// The chains, each as one line of names.
    pub chains: Vec<String>,
    /// The edges.
    pub edges: Vec<GraphEdge>,
    /// Whether the waits close a cycle.
    pub cycle: bool,
    /// What the graph says.
    pub verdict: GraphVerdict,
    /// Remarks.
    pub notes: Vec<Claim>,
    /// Commits named, none of them verified.
    pub commits: Vec<NamedCommit>,
    /// What would settle the open questions.
    pub needed: Vec<String>,
    /// The claims.
    pub claims: Vec<JudgedClaim>,
    /// The form.
    pub form: Vec<FormFinding>,
}

/// Judges an analysis against what it quotes and, where given, against the log.
pub fn check(analysis: &[u8], log: Option<&[u8]>) -> Report {
    let letter = crate::letter::open(analysis);
    let document = document::read(letter.as_ref().map_or(analysis, |l| l.text.as_slice()));
    let log: Option<Vec<Line<'_>>> = log.map(|bytes| parse_console::lines(bytes).collect());
    let evidence = evidence::gather(&document, log.as_deref());
    let claims = claims::judge(&document, &evidence);
    let mut form = form::check(&document, &claims);
    if let Some(letter) = &letter {
        form.extend(form::of_letter(letter));
    }
    form.sort_by_key(|finding| finding.rule);
    let mut input = input(&document, &evidence);
    if letter.as_ref().is_some_and(|l| l.renumbered) {
        input.push_str("; the mail is in base64: lines are counted in the decoded text");
    }
    let exhibit = evidence.graph_exhibit();
    let verdict = graph_verdict(exhibit);
    Report {
        input,
        kernel: kernel(&document, &evidence),
        tasks: tasks(&evidence),
        chains: chains(exhibit),
        edges: edges(exhibit),
        cycle: exhibit.cycle().is_some(),
        notes: notes(&document, &evidence),
        commits: named_commits(&document),
        needed: needed(&evidence, exhibit, &claims),
        verdict,
        claims,
        form,
    }
}

fn input(document: &Document<'_>, evidence: &Evidence<'_>) -> String {
    static MACHINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:AI|machine|LLM|automatically|auto)[- ]generated\b|\b(?:generated|written|produced) by (?:an? )?(?:AI|LLM|bot|language model|automat\w+|\w+-bot)\b").ok()
    });
    static UNVERIFIED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)\bmay (?:contain|have) (?:errors|mistakes)|\bverify\b|\bunverified\b|\bnot (?:been )?verified\b").ok()
    });
    let sentence = |shape: &LazyLock<Option<Regex>>| {
        let shape = shape.as_ref()?;
        document.sentences.iter().find(|s| shape.is_match(&s.text))
    };
    let mut text = match sentence(&MACHINE) {
        Some(machine) => {
            let mut lines = machine.lines;
            let mut text = "machine-written analysis".to_owned();
            if let Some(unverified) =
                sentence(&UNVERIFIED).filter(|u| u.lines.first <= lines.last + 4)
            {
                text.push_str(", self-declared unverified");
                lines.last = lines.last.max(unverified.lines.last);
            }
            format!("{text} ({lines})")
        }
        None => "written analysis".to_owned(),
    };
    text.push_str(
        match (&evidence.log, evidence.quoted.is_stretch, evidence.quoted.lines.is_empty()) {
            (Some(_), ..) => "; judged against the log beside it",
            (None, true, _) => "; a stretch of the log is quoted",
            (None, false, false) => "; raw log absent",
            (None, false, true) => "; raw log absent, no line of it quoted",
        },
    );
    text
}

fn claim(
    statement: impl Into<String>,
    grade: Grade,
    rule: &'static str,
    lines: Vec<LineSpan>,
) -> Claim {
    let rules = if rule.is_empty() { Vec::new() } else { vec![RuleName(rule)] };
    Claim { statement: statement.into(), grade, rules, lines }
}

static NODE_CPUS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"level-(\d+) rcu_node \(CPUs (\d+)-(\d+)\)").ok());
static RELEASE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:on|kernel(?: version)?:?|running|Linux|version:?)\s+v?(\d{1,2}\.\d{1,3}(?:\.\d{1,3})?(?:-[\w.+-]*\w)?)").ok()
});

fn kernel(document: &Document<'_>, evidence: &Evidence<'_>) -> Vec<Claim> {
    let mut out = Vec::new();
    let printed = evidence.exhibits().find_map(|exhibit| {
        let (release, line) = exhibit.seen.kernel.release.as_ref()?;
        let grade = Grade::Seen;
        Some(claim(release.trim().to_owned(), grade, "", vec![LineSpan::line(*line)]))
    });
    let told = || {
        let shape = RELEASE.as_ref()?;
        document.sentences.iter().find_map(|sentence| {
            let captures = shape.captures(&sentence.text)?;
            let found = captures.get(1)?;
            Some(claim(
                format!("{} (as the analysis says)", found.as_str()),
                Grade::Seen,
                "",
                vec![sentence.lines_of(found.range())],
            ))
        })
    };
    out.extend(printed.or_else(told));
    for exhibit in evidence.exhibits() {
        let Some(shape) = NODE_CPUS.as_ref() else { break };
        let Some(line) = exhibit.lines.iter().find(|l| shape.is_match(&l.text)) else { continue };
        if let Some(captures) = shape.captures(&line.text)
            && &captures[1] == "0"
            && let (Ok(first), Ok(last)) = (captures[2].parse::<u32>(), captures[3].parse::<u32>())
            && last >= first
        {
            out.push(claim(
                format!(
                    "CPUs {first}-{last}, {} possible CPUs: level 0 is the root of the tree",
                    last - first + 1
                ),
                Grade::Inferred,
                "R19",
                vec![LineSpan::line(line.number)],
            ));
            break;
        }
    }
    out
}

/// Tasks that the analysis writes stacks of.
fn tasks(evidence: &Evidence<'_>) -> Vec<TaskFinding> {
    let exhibit = &evidence.quoted;
    let mut out: Vec<TaskFinding> = Vec::new();
    for snapshot in &exhibit.seen.snapshots {
        let Some(task) = &snapshot.task else { continue };
        let name = task.to_string();
        // A header without a pid inside a stack that a label gives one to.
        let labelled = task.pid.is_none()
            && evidence.stacks.iter().any(|s| {
                !s.tasks.is_empty() && snapshot.lines.is_some_and(|l| s.lines.contains(l.first))
            });
        if labelled || out.iter().any(|known| known.task == name) || out.len() >= 32 {
            continue;
        }
        let claims = task_claims(exhibit, evidence, snapshot);
        if !claims.is_empty() {
            out.push(TaskFinding { task: name, claims });
        }
    }
    out
}

fn task_claims(exhibit: &Exhibit<'_>, evidence: &Evidence<'_>, snapshot: &Snapshot) -> Vec<Claim> {
    let mut claims = Vec::new();
    let lines: Vec<LineSpan> = snapshot.lines.into_iter().collect();
    let pid = snapshot.task.as_ref().and_then(|t| t.pid);
    let state = match snapshot.state {
        Some('D') => ", state D",
        Some('S') => ", state S",
        Some('I') => ", state I",
        _ => "",
    };
    if let Some(wait) = wait::awaited(snapshot).filter(|w| w.awaited != wait::Awaited::Nothing) {
        let entry = stack::syscall(snapshot).map(|(name, _)| format!("{name}()"));
        let work = snapshot
            .workqueue
            .as_ref()
            .and_then(|(_, w)| w.split_whitespace().nth(1).map(str::to_owned));
        let way: Vec<String> = [entry.or(work), wait.caller.clone(), Some(wait.function.clone())]
            .into_iter()
            .flatten()
            .fold(Vec::new(), |mut way, name| {
                if way.last() != Some(&name) {
                    way.push(name);
                }
                way
            });
        let target = pid
            .and_then(|p| exhibit.graph.task(p))
            .and_then(|node| exhibit.graph.out(node).next())
            .map_or_else(
                || analysis_hang::graph::in_words(&wait),
                |edge| exhibit.graph.nodes[edge.to].name.clone(),
            );
        claims.push(claim(
            format!("{}{state}: waits for {target}", way.join(" -> ")),
            Grade::Inferred,
            wait.rule,
            lines.clone(),
        ));
    } else if snapshot.state == Some('R') {
        let preempted = snapshot.frames.iter().any(|f| f.function.starts_with("preempt_schedule"));
        let interrupt = snapshot.frames.iter().find(|f| f.function.contains("timer_interrupt"));
        let mut text = "runnable or running".to_owned();
        match (preempted, interrupt) {
            (true, Some(_)) => text.push_str("; preempted on the way out of a timer interrupt"),
            (true, None) => text.push_str("; preempted"),
            (false, Some(_)) => text.push_str("; interrupted by the timer"),
            (false, None) => {}
        }
        claims.push(claim(text, Grade::Inferred, "R20", lines.clone()));
        let notes = evidence
            .stacks
            .iter()
            .filter(|s| snapshot.lines.is_some_and(|l| s.lines.contains(l.first)));
        for (note, line) in
            notes.flat_map(|s| &s.notes).filter(|(n, _)| n.starts_with('(') && n.len() > 8)
        {
            claims.push(claim(
                format!("the analysis adds: {}", note.trim_matches(['(', ')'])),
                Grade::Seen,
                "",
                vec![LineSpan::line(*line)],
            ));
        }
    } else if !snapshot.frames.is_empty() {
        let place =
            stack::where_it_was(snapshot).map(|(f, _)| format!("in {f}")).unwrap_or_default();
        claims.push(claim(format!("{place}{state}"), Grade::Seen, "", lines.clone()));
    }
    for (_, stall) in exhibit.stalls() {
        for holdout in stall.tasks.iter().filter(|t| Some(t.pid) == pid) {
            let line = LineSpan::line(holdout.line);
            let only = stall.tasks.len() == 1 && stall.cpus.is_empty();
            let text = match only {
                true => "the only holdout in the quoted line, and it is a task, not a CPU",
                false => "one of the holdouts of the grace period",
            };
            claims.push(claim(text, Grade::Seen, "R19", vec![line]));
            if holdout.depth.is_none() {
                claims.push(claim(
                    format!(
                        "bare P{}: in recent releases it was on a CPU when listed, unless /depth:flags was cut off",
                        holdout.pid
                    ),
                    Grade::Inferred,
                    "R19",
                    vec![line],
                ));
            }
        }
    }
    claims
}

/// The chains: from nodes that nobody waits for, set by set, so that alternatives stand side by side.
fn chains(exhibit: &Exhibit<'_>) -> Vec<String> {
    let graph = &exhibit.graph;
    let mut out: Vec<String> = Vec::new();
    let awaited: Vec<usize> = graph.edges.iter().map(|e| e.to).collect();
    let mut starts: Vec<usize> = (0..graph.nodes.len())
        .filter(|n| graph.out(*n).next().is_some() && !awaited.contains(n))
        .collect();
    if starts.is_empty() {
        starts.extend(graph.edges.first().map(|e| e.from));
    }
    for start in starts.into_iter().take(32) {
        let mut set = vec![start];
        let mut visited = set.clone();
        let mut parts = Vec::new();
        loop {
            let names: Vec<&str> = set.iter().map(|n| graph.nodes[*n].name.as_str()).collect();
            parts.push(names.join(" or "));
            let mut next: Vec<usize> = Vec::new();
            let mut back = None;
            for edge in set.iter().flat_map(|n| graph.out(*n)) {
                if visited.contains(&edge.to) {
                    back = Some(edge.to);
                } else if !next.contains(&edge.to) {
                    next.push(edge.to);
                }
            }
            if next.is_empty() {
                if let Some(back) = back.filter(|b| !set.contains(b)) {
                    parts.push(graph.nodes[back].name.clone());
                }
                break;
            }
            visited.extend(&next);
            set = next;
        }
        if let [node] = set.as_slice()
            && matches!(
                exhibit
                    .ends()
                    .iter()
                    .find(|e| matches!(e, End::Runnable(n) if *n == graph.nodes[*node].name)),
                Some(End::Runnable(_))
            )
        {
            parts.push("CPU time (runnable or running)".to_owned());
        }
        out.push(parts.join(" -> "));
    }
    out
}

fn edges(exhibit: &Exhibit<'_>) -> Vec<GraphEdge> {
    exhibit
        .graph
        .edges
        .iter()
        .take(200)
        .map(|edge| GraphEdge {
            from: exhibit.graph.nodes[edge.from].name.clone(),
            to: exhibit.graph.nodes[edge.to].name.clone(),
            waits_for: edge.waits_for.clone(),
            lines: edge.lines.iter().map(|l| exhibit.cite_span(*l)).collect(),
            rule: edge.rule,
            grade: edge.grade,
        })
        .collect()
}

fn graph_verdict(exhibit: &Exhibit<'_>) -> GraphVerdict {
    let new = |kind, statement: String, chain, cause: &str| GraphVerdict {
        kind,
        statement,
        chain,
        cause: cause.to_owned(),
    };
    // A stretch of a log has a diagnosis of its own; it knows more than the graph.
    if let Some(verdict) = &exhibit.verdict {
        let missing = verdict.missing.first().cloned();
        return GraphVerdict {
            kind: verdict.kind.name(),
            statement: verdict.statement.clone(),
            chain: match verdict.grade {
                Grade::Seen | Grade::Derived => "high",
                Grade::Inferred => "medium",
                Grade::Guess => "low",
                Grade::Unknown => "unknown",
            },
            cause: match missing {
                Some(missing) => format!("what is missing: {missing}"),
                None => "as stated".to_owned(),
            },
        };
    }
    if let Some(cycle) = exhibit.cycle() {
        return match cycle.grade {
            Grade::Seen | Grade::Derived => new(
                "deadlock",
                format!("The waits close a cycle: {}.", cycle.text),
                "high",
                "the cycle",
            ),
            _ => new(
                "suspected_deadlock",
                format!("The waits close a cycle, with an inferred edge in it: {}.", cycle.text),
                "medium",
                "the cycle, if the inferred edge holds",
            ),
        };
    }
    let ends = exhibit.ends();
    let has = |kind: fn(&End) -> bool| ends.iter().any(kind);
    if ends.is_empty() {
        return new(
            "none",
            "No wait can be read from the lines at hand, so there is no graph to judge.".to_owned(),
            "none",
            "unknown",
        );
    }
    let texts: Vec<String> = ends.iter().take(4).map(End::text).collect();
    let where_it_ends = texts.join("; and ");
    if has(|e| matches!(e, End::Idle(_))) {
        return new(
            "leak",
            format!(
                "A leaked section, not a deadlock: the chain ends {where_it_ends}, and nothing pending releases it."
            ),
            "high",
            "unknown: what leaked is not shown by the chain",
        );
    }
    if exhibit.open_ends().is_some() && has(|e| matches!(e, End::Runnable(_))) {
        let reader = exhibit.stalls().any(|(_, s)| !s.tasks.is_empty());
        let what = if reader {
            "of an RCU reader that was preempted in its section"
        } else {
            "of the task at its end"
        };
        let names: Vec<&str> = ends
            .iter()
            .filter_map(|e| match e {
                End::Runnable(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        return new(
            "starvation",
            format!(
                "Starvation (or very slow progress) {what}, not a deadlock: every wait in the chain ends as soon as {} gets enough CPU time to go on. What takes the CPU is not shown.",
                names.join(" and ")
            ),
            "high",
            "unknown: what takes the CPU is not shown",
        );
    }
    if ends.iter().all(|e| matches!(e, End::Elsewhere(_))) {
        return new(
            "elsewhere",
            format!("No cycle; the chain ends {where_it_ends}."),
            "medium",
            "unknown: why it does not answer is not shown",
        );
    }
    new(
        "unknown",
        format!(
            "No cycle closes in the stacks at hand, and the graph is not complete: it ends {where_it_ends}."
        ),
        "medium",
        "unknown",
    )
}

fn notes(document: &Document<'_>, evidence: &Evidence<'_>) -> Vec<Claim> {
    let case = claims::Case { document, evidence };
    srcu_workers(&case)
        .map(|(workers, lines)| {
            claim(
                format!(
                    "{} workers inside process_srcu at once belong to {} different SRCU domains: one domain never runs its work twice in parallel",
                    workers.len(),
                    workers.len()
                ),
                Grade::Inferred,
                "R28",
                {
                    let mut own: Vec<LineSpan> = lines
                        .iter()
                        .filter(|c| c.source == Source::Analysis)
                        .map(|c| c.lines)
                        .collect();
                    own.dedup();
                    own
                },
            )
        })
        .into_iter()
        .collect()
}

/// What would settle the open questions, most useful first.
fn needed(evidence: &Evidence<'_>, exhibit: &Exhibit<'_>, claims: &[JudgedClaim]) -> Vec<String> {
    let mut out = Vec::new();
    let judged = |rule: &str, verdicts: &[Verdict]| {
        claims.iter().any(|c| c.rule == rule && verdicts.contains(&c.verdict))
    };
    let stalls = exhibit.stalls().next().is_some() || evidence.quoted.stalls().next().is_some();
    if !evidence.has_stretch() {
        out.push(match stalls {
            true => "the whole console log: the head of the stall report with t= g= fqs=, its CPU lines, any \"kthread starved\" line".to_owned(),
            false => "the whole console log".to_owned(),
        });
    }
    let storm = judged("C04", &[Verdict::Unsupported]);
    if storm {
        out.push("the raw \"perf: interrupt took too long (A > B)\" lines (A and B are nanoseconds per handler), or a table of interrupt counts and CPU time".to_owned());
    }
    let ends = exhibit.ends();
    for end in ends.iter().take(4) {
        match end {
            End::Runnable(name) => out.push(format!(
                "what ran on the CPUs meanwhile (sysrq-l), policy and priority of {name}, the configuration (PREEMPT, RCU_BOOST)"
            )),
            End::NoHolder(name) => out.push(format!(
                "the holder of {name}: a list of held locks (sysrq-d with lockdep), or the \"likely owned by\" line of 6.15 and later"
            )),
            End::Unknown(name) => out.push(format!("the stack of {name}")),
            End::Cpu(name) => out.push(format!("the stack of {name} at that moment (sysrq-l)")),
            End::Idle(_) | End::Elsewhere(_) => {}
        }
    }
    if judged("C08", &[Verdict::Unproven]) {
        out.push(match storm {
            true => {
                "the reproducer; a run on the parent commit; a run with the interrupt load removed"
                    .to_owned()
            }
            false => "the reproducer; a run on the parent of the blamed commit".to_owned(),
        });
    }
    let once = exhibit.graph.nodes.iter().any(|n| n.kind == NodeKind::GracePeriod)
        && !judged("C10", &[Verdict::Plausible]);
    if once {
        out.push("a second report with the same g= to tell \"slow\" from \"never\"".to_owned());
    } else if judged("C10", &[Verdict::Unsupported]) {
        out.push("a second report of the same wait, to tell \"slow\" from \"never\"".to_owned());
    }
    if judged("C24", &[Verdict::Unsupported, Verdict::CannotJudge]) {
        out.push(
            "a report of a kernel with KASAN, or the registers and Code: line of the fault"
                .to_owned(),
        );
    }
    if judged("C14", &[Verdict::NotReproducible]) {
        out.push("the query and the date of the search for earlier reports".to_owned());
    }
    out
}
