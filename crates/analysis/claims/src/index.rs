//! What the exhibits say of single things, gathered once: fields and their values, tasks with their CPUs and
//! states, taint, accesses, functions. The judges of plain facts look here.
//!
//! Invariants: every entry has the line that says it; lists are bounded; nothing here is inferred.

use std::collections::HashMap;
use std::sync::LazyLock;

use analysis_hang::event::{Detail, Event, EventKind, Role, Snapshot, Task};
use regex::Regex;

use crate::evidence::{Cited, Evidence, Exhibit, Source};

/// Values kept of one field.
const MOST_VALUES: usize = 512;
/// Tasks kept.
const MOST_TASKS: usize = 4_096;
/// Lines of taint and of accesses kept.
const MOST_LINES: usize = 256;

/// Names of fields as the kernel prints them in front of `=` or `:`. A new field is a word in this list.
pub(crate) const FIELDS: &[&str] = &[
    // RCU stall reports
    "t",
    "g",
    "q",
    "c",
    "s",
    "fqs",
    "ncpus",
    "rcuc",
    "idle",
    "softirq",
    "->state",
    "->cpu",
    // headers of tasks
    "stack",
    "flags",
    "ppid",
    "tgid",
    // registers
    "RAX",
    "RBX",
    "RCX",
    "RDX",
    "RSI",
    "RDI",
    "RBP",
    "RSP",
    "R08",
    "R09",
    "R10",
    "R11",
    "R12",
    "R13",
    "R14",
    "R15",
    "EAX",
    "EBX",
    "ECX",
    "EDX",
    "ESI",
    "EDI",
    "EBP",
    "ESP",
    "CR0",
    "CR2",
    "CR3",
    "CR4",
    "EFLAGS",
    "ORIG_RAX",
    "error_code",
    "ESR",
    "FAR",
    // sleeping in atomic context
    "in_atomic()",
    "irqs_disabled()",
    "non_block",
    "preempt_count",
    "RCU nest depth",
    // memory
    "gfp_mask",
    "mode",
    "oom_score_adj",
    "nodemask",
    "mems_allowed",
    "anon-rss",
    "total-vm",
    "file-rss",
    "shmem-rss",
    "Free swap",
    "Total swap",
    "min",
    "low",
    "high",
    "free",
    // workqueues and lockups
    "nice",
    "node",
];

static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let mut names: Vec<String> = FIELDS.iter().map(|n| regex::escape(n)).collect();
    names.sort_by_key(|n| std::cmp::Reverse(n.len()));
    Regex::new(&format!(
        r"(?:^|[\s,(\[;|])(?P<name>{})\s*[=:]\s*(?P<value>-?[0-9A-Za-z_/]+(?:\([A-Za-z_|]+\))?)",
        names.join("|")
    ))
    .ok()
});
static TAINT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?:\bTainted: (?P<letters>(?:\[?[A-Z]\]?=?[A-Z_]*,?\s*)+)|\b(?P<not>Not tainted)\b)",
    )
    .ok()
});
static PAGE_FAULT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^#PF: (?P<who>supervisor|user) (?P<what>read|write|instruction fetch)|^#PF: error_code\(0x(?P<code>[0-9a-f]{1,16})\)|\bOops: (?P<oops>[0-9a-f]{4}) \[#|\]: segfault at .* error (?P<segfault>[0-9a-f]{1,8})\b|\b(?P<bad>Read|Write) of size \d+|(?:KASAN|KFENCE|KCSAN): .*\b(?P<kind>read|write)\b").ok()
});

/// A task with what the exhibits print of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownTask {
    pub(crate) task: Task,
    /// CPUs it is printed on.
    pub(crate) cpus: Vec<(u32, Cited)>,
    /// States it is printed in.
    pub(crate) states: Vec<(char, Cited)>,
}

/// What a line says of the access that failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub(crate) line: Cited,
    pub(crate) write: Option<bool>,
    pub(crate) fetch: Option<bool>,
    pub(crate) user: Option<bool>,
    pub(crate) present: Option<bool>,
}

/// Everything gathered.
#[derive(Debug, Default)]
pub(crate) struct Index {
    fields: HashMap<String, Vec<(String, Cited)>>,
    pub(crate) tasks: Vec<KnownTask>,
    /// Letters of each taint line; empty for "Not tainted".
    pub(crate) taint: Vec<(String, Cited)>,
    pub(crate) accesses: Vec<Access>,
}

impl Index {
    /// Gathers from the log, or from the quoted lines where there is no log.
    pub(crate) fn new(evidence: &Evidence<'_>) -> Self {
        let mut index = Self::default();
        let exhibit = evidence.log.as_ref().unwrap_or(&evidence.quoted);
        index.lines(exhibit);
        // A stack that the author wrote down is the author's word.
        let written = |line: u64| {
            exhibit.source == Source::Analysis
                && evidence.stacks.iter().any(|s| s.lines.contains(line))
        };
        for snapshot in &exhibit.seen.snapshots {
            if !snapshot.lines.is_some_and(|l| written(l.first)) {
                index.snapshot(exhibit, snapshot);
            }
        }
        for event in exhibit.seen.events.iter().filter(|e| !written(e.lines.first)) {
            index.event(exhibit, event);
        }
        for list in &exhibit.seen.locks {
            index.task(&list.task);
        }
        index
    }

    fn lines(&mut self, exhibit: &Exhibit<'_>) {
        for line in &exhibit.lines {
            let text = line.text.as_ref();
            let cited = exhibit.cite(line.number);
            if text.contains(['=', ':'])
                && let Some(shape) = FIELD.as_ref()
            {
                let mut from = 0;
                while let Some(found) = shape.captures_at(text, from) {
                    let (Some(name), Some(value)) = (found.name("name"), found.name("value"))
                    else {
                        break;
                    };
                    let values = self.fields.entry(name.as_str().to_owned()).or_default();
                    if values.len() < MOST_VALUES
                        && !values.iter().any(|(v, _)| v == value.as_str())
                    {
                        values.push((value.as_str().to_owned(), cited));
                    }
                    from = value.end();
                }
            }
            if text.contains("ainted")
                && self.taint.len() < MOST_LINES
                && let Some(found) = TAINT.as_ref().and_then(|s| s.captures(text))
            {
                let letters = found.name("letters").map_or("", |m| m.as_str());
                self.taint.push((taint_letters(letters), cited));
            }
            if self.accesses.len() < MOST_LINES
                && let Some(access) = access(text, cited)
            {
                self.accesses.push(access);
            }
        }
    }

    fn snapshot(&mut self, exhibit: &Exhibit<'_>, snapshot: &Snapshot) {
        if !matches!(snapshot.role, Role::Subject | Role::GracePeriodThread) {
            return;
        }
        let Some(task) = &snapshot.task else { return };
        let Some(line) = snapshot.lines.map(|l| exhibit.cite(l.first)) else { return };
        let Some(known) = self.task(task) else { return };
        if let Some(cpu) = snapshot.cpu
            && known.cpus.len() < 64
        {
            known.cpus.push((cpu, line));
        }
        if let Some(state) = snapshot.state
            && known.states.len() < 64
        {
            known.states.push((state, line));
        }
    }

    fn event(&mut self, exhibit: &Exhibit<'_>, event: &Event) {
        let line = exhibit.cite(event.lines.first);
        if let Some(task) = &event.task
            && let Some(known) = self.task(task)
            && let Some(cpu) = event.cpu
            && event.kind != EventKind::HungTasks
            && known.cpus.len() < 64
        {
            known.cpus.push((cpu, line));
        }
        match &event.detail {
            Detail::Hung(scan) => {
                for member in &scan.members {
                    let line = exhibit.cite(member.line);
                    if let Some(known) = self.task(&member.task) {
                        known.states.push(('D', line));
                        known.states.truncate(64);
                    }
                    if let Some((_, owner, _)) = &member.owner {
                        self.task(owner);
                    }
                }
            }
            Detail::Memory(report) => {
                for (_, task) in &report.killed {
                    self.task(task);
                }
            }
            _ => {}
        }
    }

    fn task(&mut self, task: &Task) -> Option<&mut KnownTask> {
        if let Some(at) = self.tasks.iter().position(|known| known.task == *task) {
            return self.tasks.get_mut(at);
        }
        if self.tasks.len() >= MOST_TASKS || (task.name.is_empty() && task.pid.is_none()) {
            return None;
        }
        self.tasks.push(KnownTask { task: task.clone(), ..KnownTask::default() });
        self.tasks.last_mut()
    }

    /// The values of a field.
    pub(crate) fn values(&self, name: &str) -> &[(String, Cited)] {
        self.fields.get(name).map_or(&[], Vec::as_slice)
    }

    /// The tasks that a text names, with the place of the name; those of the same name all come.
    pub(crate) fn named<'t>(&self, text: &'t str) -> Vec<(usize, &KnownTask, &'t str)> {
        let mut out: Vec<(usize, &KnownTask, &str)> = Vec::new();
        for known in &self.tasks {
            let name = known.task.name.as_str();
            if name.len() < 2 {
                continue;
            }
            for (at, found) in text.match_indices(name).take(8) {
                let word = |c: char| c.is_alphanumeric() || c == '_';
                let before = text[..at].chars().next_back();
                let behind = &text[at + found.len()..];
                let longer = behind.starts_with(|c: char| word(c) || matches!(c, '/' | '-'))
                    && stated_pid(behind).is_none();
                let inside = before.is_some_and(|c| word(c) || matches!(c, '/' | '-' | '.'))
                    || longer
                    || behind.starts_with("()");
                if inside {
                    continue;
                }
                // A pid behind the name must be this task's.
                if let (Some(stated), Some(pid)) = (stated_pid(behind), known.task.pid)
                    && stated != pid
                {
                    continue;
                }
                out.push((at, known, &text[at..at + found.len()]));
            }
        }
        out.sort_by_key(|(at, known, _)| (*at, std::cmp::Reverse(known.task.name.len())));
        out
    }
}

static PID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^\s?(?:\[|:|/|,? ?\(?(?:pid|process id)[ :=#]*)(?P<pid>\d{1,7})\b").ok()
});

/// The pid that a text gives right behind a name.
pub(crate) fn stated_pid(behind: &str) -> Option<u32> {
    PID.as_ref()?.captures(behind)?.name("pid")?.as_str().parse().ok()
}

/// `G  OE` and `[O]=OOT_MODULE, [E]=UNSIGNED_MODULE` as letters; a release behind them is none of it.
fn taint_letters(text: &str) -> String {
    let mut letters = String::new();
    for word in text.split([' ', ',']).filter(|w| !w.is_empty()) {
        let word = match word.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => word,
        };
        if !word.bytes().all(|b| b.is_ascii_uppercase()) || word.len() > 20 {
            break;
        }
        letters.extend(word.chars().filter(|c| !letters.contains(*c)).collect::<Vec<_>>());
    }
    letters
}

fn access(text: &str, line: Cited) -> Option<Access> {
    let quick = ["#PF", "Oops", "segfault", "of size", "KFENCE"];
    if !quick.iter().any(|word| text.contains(word)) {
        return None;
    }
    let found = PAGE_FAULT.as_ref()?.captures(text)?;
    let mut access = Access { line, write: None, fetch: None, user: None, present: None };
    if let (Some(who), Some(what)) = (found.name("who"), found.name("what")) {
        access.user = Some(who.as_str() == "user");
        access.fetch = Some(what.as_str() == "instruction fetch");
        access.write = Some(what.as_str() == "write");
        return Some(access);
    }
    if let Some(what) = found.name("bad").or(found.name("kind")) {
        access.write = Some(what.as_str().eq_ignore_ascii_case("write"));
        return Some(access);
    }
    // An `Oops:` number is the error code of a page fault on x86 only; elsewhere, and for other traps, it counts
    // something else, so it tells nothing alone.
    let code = found.name("code").or(found.name("segfault"))?;
    let code = u64::from_str_radix(code.as_str(), 16).ok()?;
    access.present = Some(code & 1 != 0);
    access.write = Some(code & 2 != 0);
    access.user = Some(code & 4 != 0);
    access.fetch = Some(code & 16 != 0);
    Some(access)
}

/// The kinds of reports in which something is at fault in a place: oopses, bugs, sanitizers, warnings.
pub(crate) const fn is_crash(kind: EventKind) -> bool {
    kind.is_trap()
        || kind.is_corruption()
        || matches!(kind, EventKind::Ubsan | EventKind::Panic | EventKind::UserSegfault)
}

impl<'a> Evidence<'a> {
    /// What the exhibits say of single things.
    pub(crate) fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(self))
    }

    /// The exhibit that facts are looked up in: the log, else what is quoted.
    pub(crate) fn facts(&self) -> &Exhibit<'a> {
        self.log.as_ref().unwrap_or(&self.quoted)
    }

    /// Whether nothing but the analysis is at hand and not even a stretch of a log is quoted in it.
    pub(crate) fn is_scanty(&self) -> bool {
        let facts = self.facts();
        facts.source == Source::Analysis && !facts.is_stretch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taint_in_both_forms() {
        assert_eq!(taint_letters("G    B   W  O       6.12.117"), "GBWO");
        assert_eq!(taint_letters("[W]=WARN, [O]=OOT_MODULE "), "WO");
        assert_eq!(taint_letters("P           OE"), "POE");
    }

    #[test]
    fn a_pid_behind_a_name() {
        for (text, pid) in [(" (pid 87) was", 87), ("[12]", 12), (":9 blocked", 9), (", PID 7,", 7)]
        {
            assert_eq!(stated_pid(text), Some(pid), "{text}");
        }
        assert_eq!(stated_pid(" was killed"), None);
    }
}
